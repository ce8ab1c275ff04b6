// SPDX-License-Identifier: GPL-2.0-only
//! Cutting extents and merging nodes whose extents overlap.

use super::{node_format, one_key};
use crate::bkey::*;
use crate::layout::bkey::{Bkey, KeyType};
use crate::layout::extent::{ExtentCrc32, ExtentCrc64, ExtentCrc128, ExtentPtr, ExtentStripePtr};
use crate::layout::position::Bpos;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::vec::Vec;
use std::{format, vec};

fn extent(type_: KeyType, end: u64, size: u32, val: usize) -> Bkey {
    let mut k = Bkey::new(Bpos::new(1, end), size);
    k.type_ = type_;
    k.u64s = u8::try_from(5 + val).unwrap();
    k
}

// Oracle: the facts, by hand: pointers move until a checksum entry is met, from
// then on the entries' offsets do.
#[test]
fn front_cuts_move_pointers_or_checksum_offsets() {
    let p = ExtentPtr::new(1, 1000, 0);
    let c = ExtentCrc32(2).with_offset(5);
    let mut v = vec![p.0, ExtentStripePtr::new(3, 1).0, p.0, c.0, p.0, 8, 1, 2, p.0];
    cut_value_front(KeyType::EXTENT, &mut v, 7);
    let moved = p.with_offset(1007);
    let mut want = vec![moved.0, ExtentStripePtr::new(3, 1).0, moved.0];
    want.extend([c.with_offset(12).0, p.0]);
    let c128 = ExtentCrc128 { w0: 8, ..ExtentCrc128::default() }.with_offset(7);
    want.extend([c128.w0, 1, 2, p.0]);
    assert_eq!(v, want);

    let mut v = vec![77, p.0];
    cut_value_front(KeyType::REFLINK_V, &mut v, 7);
    assert_eq!(v, [77, moved.0]);
    let mut v = vec![100, 9];
    cut_value_front(KeyType::REFLINK_P, &mut v, 7);
    assert_eq!(v, [107, 9]);
    cut_value_front(KeyType::REFLINK_P, &mut [], 7);
    let c64 = ExtentCrc64 { w0: 4, csum_lo: 9 }.with_offset(5);
    let mut v = vec![c64.w0, 9, p.0];
    cut_value_front(KeyType::EXTENT, &mut v, 7);
    assert_eq!(v, [c64.with_offset(12).w0, 9, p.0]);
    let mut v = vec![3, 4];
    cut_value_front(KeyType::RESERVATION, &mut v, 7);
    assert_eq!(v, [3, 4]);
    let mut v: Vec<u64> = (0..100).collect();
    cut_value_front(KeyType::INLINE_DATA, &mut v, 1);
    assert_eq!(v[..36], (64..100).collect::<Vec<u64>>());
}

// Oracle: lengths by hand, 64 u64s of inline data a sector.
#[test]
fn values_shrink_with_inline_data_only() {
    let k = |t, size| extent(t, 100, size, 0);
    assert_eq!(cut_value_len(&k(KeyType::EXTENT, 4), 3, 2), 3);
    assert_eq!(cut_value_len(&k(KeyType::DELETED, 0), 3, 2), 0);
    assert_eq!(cut_value_len(&k(KeyType::INLINE_DATA, 2), 100, 0), 100);
    assert_eq!(cut_value_len(&k(KeyType::INLINE_DATA, 1), 100, 0), 64);
    assert_eq!(cut_value_len(&k(KeyType::INLINE_DATA, 1), 100, 1), 36);
    assert_eq!(cut_value_len(&k(KeyType::INLINE_DATA, 1), 100, u64::MAX), 0);
}

// Oracle: sectors counted by hand.
#[test]
fn cuts_outside_an_extent_are_refused() {
    let mut k = extent(KeyType::EXTENT, 100, 10, 0);
    assert_eq!(k.cut_front(Bpos::new(1, 90)), Ok(0));
    assert_eq!(k.cut_front(Bpos::new(1, 93)), Ok(3));
    assert_eq!((k.size, k.start_offset()), (7, 93));
    assert_eq!(k.cut_front(Bpos::new(1, 101)), Err(NotInside));
    assert_eq!(k.cut_front(Bpos::new(2, 95)), Err(NotInside));
    assert_eq!(k.cut_back(Bpos::new(1, 100)), Ok(()));
    assert_eq!(k.cut_back(Bpos::new(1, 96)), Ok(()));
    assert_eq!((k.size, { k.p.offset }), (3, 96));
    assert_eq!(k.cut_back(Bpos::new(1, 92)), Err(NotInside));
    // Of another inode or snapshot, between start and end all the same.
    let wide = Bkey { p: Bpos { snapshot: 9, ..Bpos::new(1, 96) }, ..k };
    for to in [Bpos::new(1, 95), Bpos { snapshot: 8, ..Bpos::new(1, 95) }] {
        assert_eq!({ wide }.cut_front(to), Err(NotInside));
        assert_eq!({ wide }.cut_back(to), Err(NotInside));
    }
    assert_eq!({ wide }.cut_back(Bpos { snapshot: 9, ..Bpos::new(0, 95) }), Err(NotInside));
    assert_eq!(k.cut_front(Bpos::new(1, 96)), Ok(3));
    assert_eq!(k.type_, KeyType::DELETED);
    let mut k = extent(KeyType::EXTENT, 100, 10, 0);
    assert_eq!(k.cut_back(Bpos::new(1, 90)), Ok(()));
    assert_eq!((k.size, k.type_), (0, KeyType::DELETED));
}

// Oracle: docs/facts/bkey.md: an empty extent hides nothing and stays; one that is longer
// than what lies before its end cannot be.
#[test]
fn extents_begin_before_they_end() {
    let f = node_format([1, 6, 0, 7, 0, 0], [0; 6]);
    let merged = |end, size| {
        let k = extent(KeyType::EXTENT, end, size, 1);
        let words: Vec<u64> = k.to_words().into_iter().chain([1]).collect();
        let mut out = Vec::new();
        merge_old_extents(&f, &[&words], &mut out).map(|nr| nr.packed_keys + nr.unpacked_keys)
    };
    assert_eq!(merged(10, 0), Ok(1));
    assert_eq!(merged(10, 10), Ok(1));
    assert_eq!(merged(10, 11), Err(MergeError::Extent(NotInside)));
}

// Oracle: by hand: of three sectors of inline data the last one is overwritten, of two
// the first: the keys say how long what is left of them is.
#[test]
fn inline_data_is_as_long_as_its_key_says() {
    let f = node_format([1, 8, 0, 4, 0, 0], [0; 6]);
    let set = |end, size: u32, type_, words: u64| {
        let k = extent(type_, end, size, usize::try_from(words).unwrap());
        k.to_words().into_iter().chain(0..words).collect::<Vec<u64>>()
    };
    let old = set(13, 3, KeyType::INLINE_DATA, 192);
    let next = set(15, 2, KeyType::INLINE_DATA, 100);
    let new = set(14, 2, KeyType::EXTENT, 1);
    let older: Vec<u64> = old.iter().chain(&next).copied().collect();
    let mut out = Vec::new();
    let nr = merge_old_extents(&f, &[&older, &new], &mut out).unwrap();
    let left: Vec<_> = BsetKeys::new(&f, &out)
        .map(|key| {
            let key = key.unwrap();
            let k = f.unpack(key);
            (k.p.offset, k.size, key.value().len(), key.value().first().copied())
        })
        .collect();
    assert_eq!(left, [(12, 2, 128, Some(0)), (14, 2, 1, Some(0)), (15, 1, 36, Some(64))]);
    assert_eq!(usize::from(nr.live_u64s), out.len());
}

/// Gap before, size, type, packed if possible.
type Piece = (u64, u32, u8, bool);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    // Oracle: every sector painted with the place its data has on the device, set
    // after set; a discarded sector is wiped.
    #[test]
    fn newer_extents_cover_older_ones(
        sets in prop::collection::vec(prop::collection::vec((0_u64..6, 1_u32..9, 0_u8..8, any::<bool>()), 0..10), 0..6),
    ) {
        let f = node_format([1, 6, 0, 3, 0, 0], [0; 6]);
        let mut painted = BTreeMap::new();
        let mut words = Vec::new();
        let mut place = 1_000_u64;
        for set in &sets {
            let mut w: Vec<u64> = Vec::new();
            let mut end = 0;
            for &(gap, size, type_, packed) in set as &Vec<Piece> {
                end += gap + u64::from(size);
                let start = end - u64::from(size);
                // 0 deleted without size, 1 discard, else an extent.
                let (size, type_) = match type_ {
                    0 => (0, KeyType::DELETED),
                    1 => (size, KeyType::DISCARD),
                    _ => (size, KeyType::EXTENT),
                };
                place += 100;
                for s in start..start + u64::from(size) {
                    if type_ == KeyType::EXTENT {
                        painted.insert(s, place + (s - start));
                    } else {
                        painted.remove(&s);
                    }
                }
                let k = extent(type_, end, size, 1);
                match f.pack(&k) {
                    Some(p) if packed => w.extend_from_slice(p.words()),
                    _ => w.extend_from_slice(&k.to_words()),
                }
                w.push(ExtentPtr::new(0, place, 0).0);
            }
            words.push(w);
        }
        let sets: Vec<&[u64]> = words.iter().map(Vec::as_slice).collect();
        let mut out = Vec::new();
        let nr = merge_old_extents(&f, &sets, &mut out).unwrap();
        let mut got = BTreeMap::new();
        let mut end = 0;
        let mut kept = 0_u16;
        for key in BsetKeys::new(&f, &out) {
            let key = key.unwrap();
            let k = f.unpack(key);
            prop_assert!(k.start_offset() >= end);
            end = k.p.offset;
            kept += 1;
            let at = KeyRef::new(&k, key.value()).pointers().next().unwrap().offset();
            got.extend((0..u64::from(k.size)).map(|s| (k.start_offset() + s, at + s)));
        }
        prop_assert_eq!(got, painted);
        prop_assert_eq!(nr.packed_keys + nr.unpacked_keys, kept);
        prop_assert_eq!(usize::from(nr.live_u64s), out.len());
    }

    // Oracle: junk ends, with an error or without.
    #[test]
    fn junk_ends(words in prop::collection::vec(prop_oneof![any::<u64>(), Just(0x0006_0106), Just(0x0006_0003), 0_u64..50], 0..80)) {
        let f = node_format([1, 6, 0, 3, 0, 0], [0; 6]);
        let (a, b) = words.split_at(words.len() / 2);
        let mut out = Vec::new();
        let _ = merge_old_extents(&f, &[a, b, &words], &mut out);
        let _ = merge_keys(&f, &[a, b, &words], &mut out);
    }
}

// Oracle: the newest of three by hand, counted as one packed key of bset 0.
#[test]
fn merged_keys_are_counted_in_one_set() {
    let f = node_format([1, 6, 0, 3, 0, 0], [0; 6]);
    let set = |v: u64| {
        let mut w = f.pack(&extent(KeyType::INODE, 9, 0, 1)).unwrap().words().to_vec();
        w.push(v);
        w
    };
    let (a, b, c) = (set(1), set(2), set(3));
    let mut out = Vec::new();
    let nr = merge_keys(&f, &[&a, &b, &c], &mut out).unwrap();
    assert_eq!(out, c);
    assert_eq!(
        (nr.live_u64s, nr.bset_u64s, nr.packed_keys, nr.unpacked_keys),
        (2, [2, 0, 0], 1, 0)
    );
    assert_eq!(one_key(&f, &out).value(), [3]);
    let empty: [&[u64]; 0] = [];
    assert!(merge_keys(&f, &empty, &mut out).is_ok());
    let cut = &a[..1];
    assert_eq!(merge_keys(&f, &[cut], &mut out), Err(MergeError::Key(KeyError::PastEnd)));
}
