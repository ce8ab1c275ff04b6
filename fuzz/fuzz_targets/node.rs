// SPDX-License-Identifier: GPL-2.0-only
//! A btree node: several sets, packed and unpacked keys, checksums right, copies that
//! differ.
#![no_main]

use gc_core::layout::{Bkey, Bpos, BtreeId, ExtentPtr, KeyType};
use gc_fuzz::disk::{Disks, SEEDS};
use gc_fuzz::edit::pick;
use gc_fuzz::run::Ears;
use gc_image_write::seal::{Kind, seal};
use gc_v0::fs::{Fs, Options, open};
use gc_v0::key::Key;
use gc_v0::merged::Merged;
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::rc::Rc;

#[derive(Debug, arbitrary::Arbitrary)]
enum NodeKey {
    /// Packed as the node's format wants it: head, words of the key, value.
    Packed { u64s_off: i8, type_: u8, whiteout: bool, words: [u64; 4], value: Vec<u64> },
    /// Not packed.
    Current { u64s_off: i8, type_: u8, inode: u8, offset: u16, size: u8, value: Vec<u64> },
    /// Anything.
    Raw(Vec<u64>),
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Set {
    seq: Option<u8>,
    journal_seq: u8,
    flags: Option<u32>,
    version: Option<u16>,
    u64s: Option<u16>,
    broken: bool,
    keys: Vec<NodeKey>,
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Format {
    Current,
    /// Widths of the fields, and offsets.
    Some {
        widths: [u8; 6],
        offsets: [u16; 6],
    },
    Any {
        key_u64s: u8,
        nr_fields: u8,
        widths: [u8; 6],
        offsets: [u64; 6],
    },
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Copy {
    btree: u8,
    level: u8,
    flags: Option<u32>,
    min: Option<(u8, u16)>,
    max: Option<(u8, u16)>,
    magic: bool,
    format: Format,
    sets: Vec<Set>,
    /// Bytes over the whole, behind the checksums' back.
    after: Option<(u16, u64)>,
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    base: u8,
    fix: bool,
    v2: bool,
    btree: u8,
    level: u8,
    copies: [Option<Copy>; 2],
}

const NODE: usize = 16 * 512;
const SECTOR: u64 = 16 * 290;
const SEQ: u64 = 0x5e9;

struct Base {
    disks: Disks,
    fs: Fs,
    csum: u32,
}

thread_local! {
    static BASES: RefCell<Vec<Base>> = RefCell::new(
        SEEDS
            .into_iter()
            .map(|seed| {
                let disks = Disks::small(seed);
                let fs = open(&disks.paths, &Options::default(), &mut Ears::default());
                let mut fs = fs.expect("own images");
                fs.blacklist = Some(vec![(100, 140)]);
                let csum = if fs.key.is_some() { 3 } else { 5 };
                Base { disks, fs, csum }
            })
            .collect(),
    );
}

fn push_key(out: &mut Vec<u64>, k: &NodeKey, key_u64s: usize) {
    match k {
        NodeKey::Packed { u64s_off, type_, whiteout, words, value } => {
            let value = &value[..value.len().min(24)];
            let u64s = (key_u64s + value.len()) as i64 + i64::from(*u64s_off % 3);
            let head = (u64s as u8) as u64 | u64::from(*whiteout) << 15;
            let first = out.len();
            let n = key_u64s.clamp(1, 4);
            out.extend(&words[..n]);
            out[first] = out[first] & !0xff_ffff | head | u64::from(*type_ % 20) << 16;
            out.extend_from_slice(value);
        }
        NodeKey::Current { u64s_off, type_, inode, offset, size, value } => {
            let value = &value[..value.len().min(24)];
            let u64s = 5 + value.len() as i64 + i64::from(*u64s_off % 3);
            out.push((u64s as u8) as u64 | 1 << 8 | u64::from(*type_ % 20) << 16);
            out.extend([0, u64::from(*size), u64::from(*offset), u64::from(*inode)]);
            out.extend_from_slice(value);
        }
        NodeKey::Raw(words) => out.extend(words.iter().take(32)),
    }
}

fn pos(to: &mut Vec<u8>, p: (u8, u16), rest: u32) {
    to.extend(rest.to_le_bytes());
    to.extend(u64::from(p.1).to_le_bytes());
    to.extend(u64::from(p.0).to_le_bytes());
}

/// The format's bytes; how many words its keys have.
fn format(f: &Format) -> (Vec<u8>, usize) {
    let (key_u64s, nr, widths, offsets) = match f {
        Format::Current => (5, 6, [64, 64, 32, 32, 32, 64], [0; 6]),
        Format::Some { widths, offsets } => {
            let most = [64, 64, 32, 32, 32, 64];
            let w: [u8; 6] = std::array::from_fn(|i| widths[i] % (most[i] + 1));
            let bits: u32 = 24 + w.iter().map(|w| u32::from(*w)).sum::<u32>();
            let fits = |i: usize| if w[i] < most[i] { u64::from(offsets[i]) } else { 0 };
            (bits.div_ceil(64) as u8, 6, w, std::array::from_fn(fits))
        }
        Format::Any { key_u64s, nr_fields, widths, offsets } => {
            (*key_u64s, *nr_fields, *widths, *offsets)
        }
    };
    let mut b = vec![key_u64s, nr];
    b.extend(widths);
    b.extend(offsets.iter().flat_map(|o| o.to_le_bytes()));
    (b, usize::from(key_u64s))
}

fn set_head(b: &mut Vec<u8>, base: &Base, s: &Set, words: &[u64]) {
    b.extend((SEQ + u64::from(s.seq.unwrap_or(0))).to_le_bytes());
    b.extend(u64::from(s.journal_seq).to_le_bytes());
    b.extend(s.flags.unwrap_or(base.csum).to_le_bytes());
    b.extend(s.version.unwrap_or(base.fs.sb.version()).to_le_bytes());
    b.extend(s.u64s.unwrap_or(words.len() as u16).to_le_bytes());
    b.extend(words.iter().flat_map(|w| w.to_le_bytes()));
}

fn close(b: &mut [u8], base: &Base, s: &Set, kind: Kind, head: usize) {
    if s.broken {
        return;
    }
    // The part that its length says, as far as there is any.
    let u64s = usize::from(u16::from_le_bytes([b[head - 2], b[head - 1]]));
    let end = (head + 8 * u64s).min(b.len());
    seal(kind, base.fs.key.as_ref(), &mut b[..end]);
}

fn encode(base: &Base, input: &Input, c: &Copy) -> Vec<u8> {
    let mut b = vec![0; 16];
    b.extend((base.fs.bset_magic() ^ u64::from(c.magic)).to_le_bytes());
    // NEW_EXTENT_OVERWRITE as the input says.
    let flags = u64::from(c.flags.unwrap_or(1 << 8) & 0xffff_ff00)
        | u64::from((input.btree % 8) ^ (c.btree / 250))
        | u64::from((input.level % 4) ^ (c.level / 250)) << 4;
    b.extend(flags.to_le_bytes());
    pos(&mut b, c.min.unwrap_or((0, 0)), 0);
    match c.max {
        Some(p) => pos(&mut b, p, 0),
        None => b.extend([0xff; 20]),
    }
    b.extend([0; 8]);
    let (f, key_u64s) = format(&c.format);
    b.extend(f);
    b.resize(136, 0);
    let block = usize::from(base.fs.block_sectors()) * 512;
    for (i, s) in c.sets.iter().take(6).enumerate() {
        let at = b.len().next_multiple_of(block);
        if i > 0 {
            b.resize(at + 16, 0);
        }
        let mut words = Vec::new();
        s.keys.iter().take(24).for_each(|k| push_key(&mut words, k, key_u64s));
        set_head(&mut b, base, s, &words);
        if i == 0 {
            close(&mut b, base, s, Kind::Node, 160);
        } else {
            close(&mut b[at..], base, s, Kind::Bset(at as u32), 40);
        }
    }
    b.resize(NODE.max(b.len()), 0);
    b.truncate(NODE);
    if let Some((at, v)) = c.after {
        let at = usize::from(at) % (NODE - 8);
        b[at..at + 8].copy_from_slice(&v.to_le_bytes());
    }
    b
}

fn read(base: &mut Base, input: &Input) {
    let mut ptrs = Vec::new();
    for (dev, c) in (0_u8..).zip(input.copies.iter().flatten()) {
        if usize::from(dev) < base.disks.paths.len() {
            base.disks.write(dev.into(), SECTOR, &encode(base, input, c));
            ptrs.push(ExtentPtr::new(dev, SECTOR, 0).0);
        }
    }
    let Some(first) = input.copies.iter().flatten().next() else { return };
    let p = first.max.map_or(gc_core::layout::POS_MAX, |(i, o)| Bpos::new(i.into(), o.into()));
    let mut k = Bkey::new(p, 0);
    let mut v = Vec::new();
    if input.v2 {
        k.type_ = KeyType::BTREE_PTR_V2;
        let (min_i, min_o) = first.min.unwrap_or((0, 0));
        v = vec![0, SEQ, 16 << 16, min_o.into(), min_i.into()];
    } else {
        k.type_ = KeyType::BTREE_PTR;
    }
    v.append(&mut ptrs);
    k.u64s = 5 + v.len() as u8;
    let key = Key { k, v };
    let mut ears = Ears { fix: input.fix, found: 0 };
    let (btree, level) = (BtreeId(input.btree % 8), input.level % 4);
    if let Some(node) = gc_v0::node::read(&base.fs, &key, btree, level, &mut ears) {
        let (min, max) = (node.min_key, node.max_key);
        let mut keys = Merged::new(Rc::new(node), None);
        let mut last: Option<Bpos> = None;
        while let Some(key) = keys.next_key() {
            let p = key.k.p;
            assert!(min <= p && p <= max, "key outside of its node");
            // Equal ones of one set are let pass, as the original does.
            assert!(last.is_none_or(|l| l <= p), "{last:?} before {:?} {:?}", key.k, key.v);
            last = Some(p);
            let _why = base.fs.rules().value_invalid(key);
        }
    }
}

fuzz_target!(|input: Input| {
    BASES.with_borrow_mut(|bases| {
        let n = u16::from(input.base);
        if pick(bases, n).is_some() {
            let at = usize::from(n) % bases.len();
            read(&mut bases[at], &input);
        }
    });
});
