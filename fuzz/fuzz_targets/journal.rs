// SPDX-License-Identifier: GPL-2.0-only
//! Journal buckets full of entries that are well formed but for what the input says.
#![no_main]

use gc_fuzz::disk::{Disks, SEEDS};
use gc_fuzz::run::Ears;
use gc_image_write::seal::{Kind, seal};
use gc_v0::fs::{Fs, Options, open};
use gc_v0::journal;
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;

#[derive(Debug, arbitrary::Arbitrary)]
struct Item {
    /// Added to the length it has.
    u64s_off: i8,
    btree: u8,
    level: u8,
    type_: u8,
    content: Content,
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Content {
    Words(Vec<u64>),
    Keys(Vec<JKey>),
}

#[derive(Debug, arbitrary::Arbitrary)]
struct JKey {
    u64s_off: i8,
    format: Option<u8>,
    type_: u8,
    inode: u16,
    offset: u32,
    size: u8,
    value: Vec<u64>,
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Set {
    /// Which bucket of the journal.
    bucket: u8,
    seq: u8,
    last_seq: u8,
    version: Option<u32>,
    flags: Option<u32>,
    u64s: Option<u32>,
    broken: bool,
    items: Vec<Item>,
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    base: u8,
    fix: bool,
    sets: Vec<Set>,
}

struct Base {
    disks: Disks,
    fs: Fs,
    sums: u32,
    /// Sectors of a journal bucket, and the first sector of each, on one device.
    dev: usize,
    buckets: Vec<u64>,
}

const BUCKET: usize = 16 * 512;

thread_local! {
    static BASES: RefCell<Vec<Base>> = RefCell::new(
        SEEDS
            .into_iter()
            .map(|seed| {
                let disks = Disks::small(seed);
                let fs = open(&disks.paths, &Options::default(), &mut Ears::default());
                let fs = fs.expect("own images");
                let journal = fs.members().find_map(|(i, d)| {
                    let j = &d.online.as_ref()?.journal;
                    (!j.is_empty()).then(|| (i, j.iter().map(|b| b * 16).collect::<Vec<u64>>()))
                });
                let (dev, buckets) = journal.expect("a journal");
                let dev = usize::from(dev);
                let head = buckets.iter().map(|b| disks.read(dev, *b, 56));
                let sums = head
                    .filter(|h| h[16..24] == fs.jset_magic().to_le_bytes())
                    .map(|h| u32::from_le_bytes([h[36], h[37], h[38], h[39]]))
                    .next();
                for b in &buckets {
                    disks.write(dev, *b, &[0; BUCKET]);
                }
                Base { disks, fs, sums: sums.unwrap_or(1) & 15, dev, buckets }
            })
            .collect(),
    );
}

fn key(out: &mut Vec<u64>, k: &JKey) {
    let value = &k.value[..k.value.len().min(20)];
    let u64s = (5 + value.len() as i64 + i64::from(k.u64s_off % 4)) as u8;
    let format = k.format.unwrap_or(1);
    out.push(u64::from(u64s) | u64::from(format) << 8 | u64::from(k.type_ % 24) << 16);
    // Version, size and snapshot: as in struct bkey.
    out.push(0);
    out.push(u64::from(k.size));
    out.push(u64::from(k.offset));
    out.push(u64::from(k.inode));
    out.extend_from_slice(value);
}

fn item(out: &mut Vec<u64>, i: &Item) {
    let mut words = Vec::new();
    match &i.content {
        Content::Words(w) => words.extend(w.iter().take(64)),
        Content::Keys(keys) => keys.iter().take(16).for_each(|k| key(&mut words, k)),
    }
    let u64s = (words.len() as i64 + i64::from(i.u64s_off % 3)).max(0) as u64 & 0xffff;
    out.push(
        u64s | u64::from(i.btree % 10) << 16
            | u64::from(i.level % 5) << 24
            | u64::from(i.type_ % 9) << 32,
    );
    out.append(&mut words);
}

fn encode(base: &Base, s: &Set) -> Vec<u8> {
    let mut words = Vec::new();
    s.items.iter().take(12).for_each(|i| item(&mut words, i));
    let mut b = vec![0; 16];
    b.extend(base.fs.jset_magic().to_le_bytes());
    let seq = 1000 + u64::from(s.seq);
    b.extend(seq.to_le_bytes());
    b.extend(s.version.unwrap_or(1023.min(u32::from(base.fs.sb.version()))).to_le_bytes());
    b.extend(s.flags.unwrap_or(base.sums).to_le_bytes());
    b.extend(s.u64s.unwrap_or(words.len() as u32).to_le_bytes());
    b.extend([0; 4]);
    b.extend((1000 + u64::from(s.last_seq)).to_le_bytes());
    b.extend(words.iter().flat_map(|w| w.to_le_bytes()));
    if !s.broken {
        seal(Kind::Journal, base.fs.key.as_ref(), &mut b);
    }
    b.resize(b.len().next_multiple_of(usize::from(base.fs.block_sectors()) * 512), 0);
    b
}

fuzz_target!(|input: Input| {
    BASES.with_borrow_mut(|bases| {
        let n = usize::from(input.base) % bases.len();
        let base = &mut bases[n];
        let mut full = vec![0_usize; base.buckets.len()];
        for s in input.sets.iter().take(12) {
            let b = usize::from(s.bucket) % full.len();
            let bytes = encode(base, s);
            if full[b] + bytes.len() <= BUCKET {
                base.disks.write(base.dev, base.buckets[b] + full[b] as u64 / 512, &bytes);
                full[b] += bytes.len();
            }
        }
        let replicas = base.fs.replicas.clone();
        let mut ears = Ears { fix: input.fix, found: 0 };
        if let Ok(read) = journal::read(&mut base.fs, (1, None), &mut ears) {
            let _seen = (read.keys.len(), read.newest_items().len());
        }
        base.fs.replicas = replicas;
        for (b, len) in base.buckets.iter().zip(full) {
            base.disks.write(base.dev, *b, &vec![0; len]);
        }
    });
});
