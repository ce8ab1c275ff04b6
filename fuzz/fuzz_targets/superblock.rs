// SPDX-License-Identifier: GPL-2.0-only
//! A superblock: fields changed, sections spliced, checksum right.
#![no_main]

use gc_fuzz::disk::{Disks, SEEDS};
use gc_fuzz::edit::pick;
use gc_fuzz::run::Ears;
use gc_image_write::seal::{Kind, seal};
use gc_v0::fs::{Options, open};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

#[derive(Debug, arbitrary::Arbitrary)]
enum Edit {
    /// Bytes over what is there, from this byte on.
    Over(u16, [u8; 8]),
    /// One byte.
    Byte(u16, u8),
    /// A section behind the others.
    Section { type_: u8, u64s_off: i8, content: Vec<u8> },
    /// Cut, or longer, by so many words.
    Length(i8),
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    base: u8,
    /// In every copy; else in the first.
    all: bool,
    broken: bool,
    edits: Vec<Edit>,
}

struct Base {
    disks: Disks,
    /// The first device's superblock.
    sb: Vec<u8>,
    offsets: Vec<u64>,
}

/// Bytes before the sections.
const HEAD: usize = 752;
/// Most bytes of a copy.
const ROOM: usize = 128 * 512;

fn bases() -> &'static [Base] {
    static BASES: OnceLock<Vec<Base>> = OnceLock::new();
    BASES.get_or_init(|| {
        let base = |seed| {
            let disks = Disks::small(seed);
            let mut sb = disks.read(0, 8, ROOM);
            let u64s = u32::from_le_bytes([sb[124], sb[125], sb[126], sb[127]]);
            sb.truncate(HEAD + 8 * u64s as usize);
            let nr = usize::from(sb[240 + 18]);
            let offset = |i: usize| {
                sb[264 + 8 * i..].first_chunk::<8>().map_or(8, |b| u64::from_le_bytes(*b))
            };
            let offsets = (0..nr).map(offset).collect();
            Base { disks, sb, offsets }
        };
        SEEDS.into_iter().map(base).collect()
    })
}

fn set_length(sb: &mut [u8]) {
    let u64s = (sb.len().saturating_sub(HEAD) / 8) as u32;
    if let Some(to) = sb.get_mut(124..128) {
        to.copy_from_slice(&u64s.to_le_bytes());
    }
}

fn edit(sb: &mut Vec<u8>, e: &Edit) {
    match e {
        Edit::Over(at, bytes) => {
            let at = usize::from(*at) % sb.len();
            for (to, from) in sb.iter_mut().skip(at).zip(bytes) {
                *to = *from;
            }
        }
        Edit::Byte(at, v) => {
            let at = usize::from(*at) % sb.len();
            sb[at] = *v;
        }
        Edit::Section { type_, u64s_off, content } => {
            let mut content = content.clone();
            content.truncate(4096);
            content.resize(content.len().next_multiple_of(8), 0);
            let u64s = (content.len() / 8 + 1) as i64 + i64::from(*u64s_off);
            sb.extend((u64s as u32).to_le_bytes());
            sb.extend(u32::from(*type_ % 12).to_le_bytes());
            sb.extend(content);
            set_length(sb);
        }
        Edit::Length(by) => {
            let len = sb.len().saturating_add_signed(8 * isize::from(*by)).clamp(HEAD, 32 << 10);
            sb.resize(len, 0);
            set_length(sb);
        }
    }
}

fuzz_target!(|input: Input| {
    let Some(base) = pick(bases(), input.base.into()) else { return };
    let mut sb = base.sb.clone();
    for e in input.edits.iter().take(8) {
        edit(&mut sb, e);
    }
    sb.truncate(ROOM);
    if !input.broken {
        seal(Kind::Superblock, None, &mut sb);
    }
    let mut before = Vec::new();
    for &sector in base.offsets.iter().take(if input.all { 8 } else { 1 }) {
        before.push((sector, base.disks.read(0, sector, sb.len())));
        base.disks.write(0, sector, &sb);
    }
    let fs = open(&base.disks.paths, &Options::default(), &mut Ears::default());
    if let Ok(fs) = &fs {
        let _seen = (fs.recorded_nodes(), fs.name());
    }
    for (sector, bytes) in before {
        base.disks.write(0, sector, &bytes);
    }
});
