// SPDX-License-Identifier: GPL-2.0-only
//! Values of keys of every type: entries, pointers, text, rules, cuts, sets of devices.
#![no_main]

use gc_core::accounting::replicas::{Table, add_key_entries, key_marked};
use gc_core::bkey::alloc_key::AllocFields;
use gc_core::bkey::{KeyBuf, KeyRef, cut_value_front, cut_value_len, entry_range, stripe_key};
use gc_core::layout::{Bkey, Bpos, BtreeId, BtreeNodeType, KeyType};
use gc_fuzz::disk::{Disks, SEEDS};
use gc_fuzz::run::Ears;
use gc_v0::fs::{Fs, Options, open};
use gc_v0::key::{Key, compat};
use gc_v0::key_text::KeyText;
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;

#[derive(Debug, arbitrary::Arbitrary)]
enum Word {
    Any(u64),
    /// A pointer: device, sector, generation, cached.
    Ptr(u8, u16, u8, bool),
    /// A checksum entry of the type with so many low bits.
    Crc(u8, u64),
    Stripe(u8, u8),
    Text([u8; 8]),
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    type_: u8,
    btree: u8,
    level: u8,
    inode: u64,
    offset: u64,
    size: u32,
    version: u16,
    value: Vec<Word>,
    cut: u32,
}

thread_local! {
    static FS: RefCell<Fs> = RefCell::new({
        let disks = Disks::small(SEEDS[1]);
        open(&disks.paths, &Options::default(), &mut Ears::default()).expect("own images")
    });
}

fn word(w: &Word) -> u64 {
    match w {
        Word::Any(v) => *v,
        Word::Ptr(dev, sector, gen_, cached) => {
            let place = u64::from(*sector) << 4 | u64::from(*dev % 5) << 48;
            1 | u64::from(*cached) << 1 | place | u64::from(*gen_) << 56
        }
        Word::Crc(kind, v) => {
            let low = 1 + u32::from(*kind % 3);
            v & !((1 << (low + 1)) - 1) | 1 << low
        }
        Word::Stripe(block, idx) => 1 << 4 | u64::from(*block) << 5 | u64::from(*idx) << 13,
        Word::Text(b) => u64::from_le_bytes(*b),
    }
}

fn look(fs: &Fs, input: &Input) {
    let v: Vec<u64> = input.value.iter().take(250).map(word).collect();
    let mut k = Bkey::new(Bpos::new(input.inode, input.offset), input.size);
    k.type_ = KeyType(input.type_ % 22);
    k.u64s = 5 + v.len() as u8;
    let key = KeyRef::new(&k, &v);
    let range = entry_range(k.type_, &v);
    assert!(range.end <= v.len());
    let nr = key.pointers().count();
    assert_eq!(nr, key.pointers_decoded().count());
    assert!(key.pointer_indexes().all(|i| i < v.len()));
    assert!(key.entries().count() <= range.len());
    let (btree, level) = (BtreeId(input.btree % 9), input.level % 5);
    let why = fs.rules().key_invalid(key, BtreeNodeType::of(level, btree));
    let text = KeyText::new(fs, key).cut(160);
    assert!(text.len() < 160);
    let mut table = Table::new();
    if why.is_none() && add_key_entries(&mut table, &mut [], key).is_ok() {
        assert_eq!(key_marked(table.view(), key), Ok(true), "what was added is there");
    }
    let _fields = AllocFields::unpack(key);
    if let Some(head) = stripe_key::head(&v) {
        for block in 0..=head.nr_blocks {
            let _ptr = stripe_key::block_ptr(&v, block);
            let _sectors = stripe_key::block_sectors(&v, block);
        }
    }
    assert!(KeyBuf::copy_of(key).is_none_or(|b| b.as_ref().v == v));
    let mut cut = k;
    if let Ok(front) = cut.cut_front(Bpos::new(input.inode, u64::from(input.cut))) {
        assert!(cut.size <= k.size);
        let mut v = v.clone();
        cut_value_front(k.type_, &mut v, front);
        assert!(cut_value_len(&cut, v.len(), front) <= v.len());
        // Where the entries are does not change with what they say.
        assert_eq!(KeyRef::new(&k, &v).pointers().count(), nr);
    }
    let mut back = k;
    let _cut = back.cut_back(Bpos::new(input.inode, u64::from(input.cut)));
    assert!(back.size <= k.size);
    let mut key = Key { k, v };
    compat::key(input.version % 12, level, btree, &mut key);
}

fuzz_target!(|input: Input| {
    FS.with_borrow(|fs| look(fs, &input));
});
