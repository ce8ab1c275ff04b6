// SPDX-License-Identifier: GPL-2.0-only
//! Small functions of the layouts, each at the edges of what it tells apart.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use gc_core::accounting::mark::Trigger;
use gc_core::accounting::{Buckets as _, Device, Devices, Geometry, StripeTable, Stripes as _};
use gc_core::accounting::{Usage, gc_gen, ptr_stale};
use gc_core::bkey::{KEY_BUF_VAL_U64S, KeyBuf, KeyDisplay, KeyRef};
use gc_core::error::{Errno, Error, code};
use gc_core::layout::btree::{BTREE_TRIGGER_ALLOC_READ, BTREE_TRIGGER_GC, BTREE_TRIGGER_NOATOMIC};
use gc_core::layout::{Bkey, Bpos, Bucket, BucketMark, Bversion, KeyType};
use std::sync::atomic::Ordering::Relaxed;

fn key(type_: KeyType, v: &[u64]) -> Bkey {
    Bkey { u64s: 5 + u8::try_from(v.len()).unwrap(), type_, size: 8, ..Bkey::default() }
}

fn text(type_: KeyType, v: &[u64]) -> String {
    let k = key(type_, v);
    KeyDisplay { key: KeyRef::new(&k, v), is_stale: |_| false }.to_string()
}

// Oracle: the bytes of struct bkey, field by field (docs/facts/bkey.md).
#[test]
fn words_of_a_key_are_its_bytes() {
    let k = Bkey {
        u64s: 0xa1,
        format_ws: 0x81,
        type_: KeyType(0xc3),
        pad: 0xd4,
        version: Bversion { lo: 0x1122_3344_5566_7788, hi: 0x99aa_bbcc },
        size: 0xdead_beef,
        p: Bpos {
            snapshot: 0x1234_5678,
            offset: 0xfedc_ba98_7654_3210,
            inode: 0x0f1e_2d3c_4b5a_6978,
        },
    };
    let mut bytes = vec![0xa1, 0x81, 0xc3, 0xd4];
    bytes.extend(0x1122_3344_5566_7788_u64.to_le_bytes());
    bytes.extend(0x99aa_bbcc_u32.to_le_bytes());
    bytes.extend(0xdead_beef_u32.to_le_bytes());
    bytes.extend(0x1234_5678_u32.to_le_bytes());
    bytes.extend(0xfedc_ba98_7654_3210_u64.to_le_bytes());
    bytes.extend(0x0f1e_2d3c_4b5a_6978_u64.to_le_bytes());
    let words: Vec<u64> =
        bytes.chunks(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!(k.to_words().to_vec(), words);
    assert_eq!(Bkey::from_words(words.try_into().unwrap()), k);
}

// Oracle: struct bch_btree_ptr_v2: snapshot, offset and inode at bytes 20, 24 and 32.
#[test]
fn a_pointer_to_a_node_says_where_it_begins() {
    let v = [1, 2, 7 << 32 | 0x30_0040, 11, 13];
    let min = Bpos { snapshot: 7, offset: 11, inode: 13 };
    let of = |type_, v: &[u64]| {
        let k = key(type_, v);
        KeyRef::new(&k, v).child_min_key()
    };
    assert_eq!(of(KeyType::BTREE_PTR_V2, &v), Some(min));
    assert_eq!(of(KeyType::BTREE_PTR_V2, &v[..4]), None);
    assert_eq!(of(KeyType::BTREE_PTR, &v), None);
}

// Oracle: a walk ends at the end or at the first word that is no entry.
#[test]
fn a_walk_over_entries_says_whether_it_came_to_the_end() {
    let whole = |v: &[u64]| {
        let k = key(KeyType::EXTENT, v);
        KeyRef::new(&k, v).entries_end()
    };
    assert!(whole(&[1]) && whole(&[]) && whole(&[1, 2, 1]));
    assert!(!whole(&[1, 0]) && !whole(&[1 << 40, 1]));
}

// Oracle: the texts of docs/facts/bkey.md.
#[test]
fn values_are_printed_by_type() {
    assert!(text(KeyType::INODE_GENERATION, &[5]).ends_with(": generation: 5"));
    assert!(text(KeyType::INLINE_DATA, &[0; 3]).ends_with(": (24 bytes)"));
    assert!(text(KeyType::ALLOC, &[0x0700]).contains("gen 7"));
    let node = text(KeyType::BTREE_PTR_V2, &[0, 0xab, 9 << 32 | 0x30_0040, 11, 13]);
    assert!(node.contains("seq ab sectors 48 written 64 min_key 13:11"), "{node}");
}

// Oracle: the least value that is refused, and the greatest that is taken.
#[test]
fn what_is_in_range_ends_where_it_says() {
    let g = Geometry { first_bucket: 4, bucket_size: 128, nbuckets: 10 };
    assert_eq!((0..12).filter(|b| g.has(*b)).collect::<Vec<_>>(), (4..10).collect::<Vec<_>>());
    let v = [0; KEY_BUF_VAL_U64S + 1];
    let k = key(KeyType::EXTENT, &v[1..]);
    assert!(KeyBuf::copy_of(KeyRef::new(&k, &v[1..])).is_some());
    assert!(KeyBuf::copy_of(KeyRef::new(&k, &v)).is_none());
    assert_eq!(Errno::from_negative(0), Errno::EINVAL);
    assert_eq!(Errno::from_negative(-1).get(), 1);
    assert_eq!((code(Ok(())), code(Err(Error::INVAL))), (0, -22));
}

// Oracle: generations are numbers modulo 256, newer by less than 128.
#[test]
fn generations_are_compared_around_the_clock() {
    for (bucket, other, stale, distance) in
        [(5, 5, 0, 0), (7, 5, 2, 2), (5, 7, 0, 254), (1, 250, 7, 7), (128, 0, 0, 128)]
    {
        assert_eq!(ptr_stale(bucket, other), stale);
        assert_eq!(gc_gen(bucket, other), distance);
    }
}

// Oracle: the flags by name.
#[test]
fn triggers_have_their_flags() {
    let k = key(KeyType::EXTENT, &[]);
    let all = [Trigger::gc(KeyRef::new(&k, &[]), false), Trigger::gc(KeyRef::new(&k, &[]), true)];
    assert_eq!(all.map(|t| t.sectors), [8; 2]);
    assert_eq!(all.map(|t| t.flags), [BTREE_TRIGGER_GC, BTREE_TRIGGER_GC | BTREE_TRIGGER_NOATOMIC]);
    let read = Trigger::read();
    assert_eq!(read.flags, BTREE_TRIGGER_ALLOC_READ | BTREE_TRIGGER_NOATOMIC);
    assert_eq!((read.sectors, read.offset, read.journal_seq), (0, 0, 0));
}

// Oracle: what was put into each of the two arrays.
#[test]
fn a_device_has_two_arrays() {
    let array = |gen_: u8| {
        let all: Vec<Bucket> = (0..8).map(|_| Bucket::default()).collect();
        all.iter().for_each(|b| b.mark.store(BucketMark(0).with_gen(gen_).0, Relaxed));
        all
    };
    let (buckets, live) = (array(3), array(9));
    let geometry = Geometry { first_bucket: 2, bucket_size: 16, nbuckets: 8 };
    let all = [None, Some(Device { geometry, buckets: &buckets, live: &live })];
    let devices = Devices(&all);
    assert_eq!(devices.mark(1, 2).map(|m| BucketMark(m.load(Relaxed)).gen_()), Some(3));
    assert_eq!(devices.live_gen(1, 2), Some(9));
    for (dev, bucket) in [(0, 2), (2, 2), (1, 8), (1, u64::MAX)] {
        assert_eq!(devices.live_gen(dev, bucket), None);
        assert!(devices.mark(dev, bucket).is_none());
    }
    // Before the first one there is a mark in the array, but none to be changed.
    assert!(devices.mark(1, 1).is_none());
    let alloc = |b: &Bucket| {
        let times = [0, 1].map(|i| b.io_time[i].load(Relaxed));
        (times, b.oldest_gen.load(Relaxed), b.gen_valid())
    };
    for (dev, bucket) in [(0, 2), (2, 2), (1, 8), (1, u64::MAX), (1, 3)] {
        devices.set_alloc(dev, bucket, [5, 6], 7);
    }
    for (b, bucket) in buckets.iter().enumerate() {
        assert_eq!(alloc(bucket), if b == 3 { ([5, 6], 7, true) } else { ([0; 2], 0, false) });
    }
}

// Oracle: empty again, and each counter for itself is something.
#[test]
fn what_is_cleared_is_empty() {
    let mut stripes = StripeTable::default();
    assert!(stripes.get_or_alloc(5).is_ok() && stripes.get(5).is_some());
    stripes.clear();
    assert!(stripes.get(5).is_none());
    let mut usage = Usage { replicas: vec![0; 2], ..Usage::default() };
    assert!(usage.is_zero());
    usage.replicas[1] = 1;
    assert!(!usage.is_zero());
    usage.replicas[1] = 0;
    usage.head.hidden = 1;
    assert!(!usage.is_zero());
}
