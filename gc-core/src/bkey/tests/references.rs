// SPDX-License-Identifier: GPL-2.0-only
//! Oracle of all tests here: the tables of docs/facts/bkey.md, extent.md and marking.md,
//! read once more by numbers: a value is put together from its meaning, bit by bit, and
//! what it refers to is worked out from the meaning, in wide numbers.

use crate::bkey::sectors::Change;
use crate::bkey::{CountsIn, KeyRef, References, lone_pointer, lone_sectors, references};
use crate::layout::{Bkey, ExtentPtr, KeyType, POS_MIN};
use proptest::prelude::*;
use std::vec::Vec;
use std::{format, vec};

/// An entry by its meaning.
#[derive(Debug, Clone, Copy)]
enum E {
    Ptr {
        dev: u8,
        sector: u64,
        gen_: u8,
        cached: bool,
    },
    /// Sizes stored and of data; the width of the checksum: 0, 1 or 2.
    Crc(u32, u32, u8),
    Ec {
        stripe: u64,
        block: u8,
    },
}

/// A pointer by its meaning: the word, where it counts, and its sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Want {
    word: u64,
    holds: u8,
    named: u8,
    in_stripe: Option<u64>,
    cached: bool,
    sectors: u64,
}

fn words(e: E) -> Vec<u64> {
    let sizes = |n: u32, d: u32| (u64::from(n) - 1, u64::from(d) - 1);
    match e {
        E::Ptr { dev, sector, gen_, cached } => vec![
            1 | u64::from(cached) << 1 | sector << 4 | u64::from(dev) << 48 | u64::from(gen_) << 56,
        ],
        E::Crc(n, d, 0) => vec![2 | sizes(n, d).0 << 2 | sizes(n, d).1 << 9],
        E::Crc(n, d, 1) => vec![4 | sizes(n, d).0 << 3 | sizes(n, d).1 << 12, 77],
        E::Crc(n, d, _) => vec![8 | sizes(n, d).0 << 4 | sizes(n, d).1 << 17, 77, 99],
        E::Ec { stripe, block } => vec![16 | u64::from(block) << 5 | stripe << 13],
    }
}

/// Words in front of the entries, and what the buckets hold, by the type's number.
fn head_and_type(t: u8) -> Option<(usize, u8)> {
    match t {
        5 => Some((0, 3)),
        18 => Some((5, 3)),
        6 => Some((0, 4)),
        16 => Some((1, 4)),
        _ => None,
    }
}

fn wanted(entries: &[E], size: u32, holds: u8, node: u16) -> Vec<Want> {
    let (mut n, mut d) = (u128::from(size), u128::from(size));
    let mut stripe = None;
    let mut all = Vec::new();
    for e in entries {
        match *e {
            E::Crc(stored, data, _) => (n, d) = (stored.into(), data.into()),
            E::Ec { .. } => stripe = Some(words(*e)[0]),
            E::Ptr { cached, .. } => {
                let share = (u128::from(size) * n).div_ceil(d);
                all.push(Want {
                    word: words(*e)[0],
                    holds,
                    named: if holds == 4 && cached { 5 } else { holds },
                    in_stripe: stripe.filter(|_| !cached),
                    cached,
                    sectors: if holds == 3 { node.into() } else { share.try_into().unwrap() },
                });
                stripe = None;
            }
        }
    }
    all
}

fn any_entry() -> impl Strategy<Value = E> {
    let ptr = (any::<u8>(), 0..1_u64 << 44, any::<u8>(), any::<bool>())
        .prop_map(|(dev, sector, gen_, cached)| E::Ptr { dev, sector, gen_, cached });
    let crc = (1..=128_u32, 1..=128_u32, 0..3_u8).prop_map(|(n, d, width)| E::Crc(n, d, width));
    let same = (1..=128_u32, 0..3_u8).prop_map(|(n, width)| E::Crc(n, n, width));
    let ec = (0..1_u64 << 51, any::<u8>()).prop_map(|(stripe, block)| E::Ec { stripe, block });
    prop_oneof![4 => ptr, 1 => crc, 1 => same, 1 => ec]
}

proptest! {
    // Every type with entries, and what an entry that is not known leaves unread.
    #[test]
    fn pointers(
        t in prop::sample::select(&[5_u8, 6, 16, 18]),
        size in 1..1_u32 << 16,
        node in any::<u16>(),
        entries in prop::collection::vec(any_entry(), 0..8),
        junk in prop::option::of(prop::sample::select(&[0_u64, 32, 64, 1 << 63])),
    ) {
        let (head, holds) = head_and_type(t).unwrap();
        let mut v = vec![u64::MAX; head];
        v.extend(entries.iter().flat_map(|e| words(*e)));
        v.extend(junk);
        let References::Pointers(value) = references(KeyType(t), size, &v, node) else {
            return Err(TestCaseError::fail("no pointers"));
        };
        prop_assert_eq!(value.holds().0, holds);
        let part = value.part(Change { offset: 0, sectors: size.into(), flags: 0 });
        let mut got = value.iter();
        let mut all = Vec::new();
        for p in &mut got {
            prop_assert_eq!(p.changed(&part), p.sectors().map(i64::from));
            all.push(Want {
                word: p.ptr.0,
                holds: p.holds.0,
                named: p.named().0,
                in_stripe: match p.counts_in {
                    CountsIn::Stripe(s) => Some(s.0),
                    CountsIn::Cached | CountsIn::OwnSet => None,
                },
                cached: p.counts_in == CountsIn::Cached,
                sectors: p.sectors().unwrap().into(),
            });
        }
        prop_assert_eq!(all, wanted(&entries, size, holds, node));
        prop_assert_eq!(got.rest(), &Vec::from_iter(junk)[..]);
    }

    // All blocks that the value has room for, whatever their words are.
    #[test]
    fn stripes(
        sectors in any::<u16>(),
        blocks in any::<u8>(),
        v in prop::collection::vec(any::<u64>(), 0..20),
    ) {
        let mut v = v;
        if let Some(head) = v.first_mut() {
            let [a, b] = sectors.to_le_bytes();
            *head = u64::from_le_bytes([a, b, 9, blocks, 1, 2, 3, 4]);
        }
        let References::Stripe(mut got) = references(KeyType(14), 0, &v, 8) else {
            return Err(TestCaseError::fail("no stripe"));
        };
        let there = usize::from(blocks).min(v.len().saturating_sub(1));
        if !v.is_empty() {
            prop_assert_eq!(got.block_sectors(), sectors);
        }
        let all: Vec<_> = got.by_ref().map(|b| (b.block, b.ptr.0)).collect();
        let want: Vec<_> = (0..).zip(v.iter().skip(1).take(there).copied()).collect();
        prop_assert_eq!(all, want);
        let missing = if v.is_empty() { 0 } else { usize::from(blocks) - there };
        prop_assert_eq!(usize::from(got.missing()), missing);
    }

    // Any type without pointers, known or not, with any value.
    #[test]
    fn others(t in 0..=u8::MAX, size in any::<u32>(), v in prop::collection::vec(any::<u64>(), 0..4)) {
        let got = references(KeyType(t), size, &v, 8);
        let agrees = match (t, &got) {
            (5 | 6 | 16 | 18, References::Pointers(_)) | (14, References::Stripe(_)) => true,
            (7, References::Reservation(r)) => {
                let bytes: Vec<u8> = v.iter().flat_map(|w| w.to_le_bytes()).collect();
                let copies = bytes.get(4).copied();
                let level = copies.map(|c| match c { 0 | 1 => 0, 2 => 1, 3 => 2, _ => 3 });
                r.map(|r| r.replicas) == copies && r.map(|r| r.level()) == level
            }
            (8, References::Inode) | (12, References::BucketState) => true,
            (0..=4 | 9..=11 | 13 | 15 | 17, References::Nothing) => true,
            (19.., References::Unknown) => true,
            _ => false,
        };
        prop_assert!(agrees, "{} {:?}", t, got);
    }

    // Any words: as many pointers as the walk that the model's recount uses finds, with
    // the same entries in force.
    #[test]
    fn any_words(
        t in prop::sample::select(&[5_u8, 6, 16, 18]),
        size in any::<u32>(),
        v in prop::collection::vec(any::<u64>(), 0..20),
    ) {
        let mut k = Bkey::new(POS_MIN, size);
        k.type_ = KeyType(t);
        let key = KeyRef::new(&k, &v);
        let References::Pointers(got) = key.references(512) else {
            return Err(TestCaseError::fail("no pointers"));
        };
        let got: Vec<_> = got.iter().map(|p| (p.ptr, p.crc)).collect();
        let want: Vec<_> = key.pointers_decoded().map(|p| (p.ptr, p.crc)).collect();
        prop_assert_eq!(got, want);
    }

    // The shortcut says what the walk says, and leaves out what is not lone and dirty.
    #[test]
    fn lone(
        t in prop::sample::select(&[6_u8, 6, 6, 5, 16, 18]),
        size in prop_oneof![0..200_u32, 65530..65540_u32, any::<u32>()],
        entries in prop::collection::vec(any_entry(), 0..4),
    ) {
        let v: Vec<u64> = entries.iter().flat_map(|e| words(*e)).collect();
        let is_lone = t == 6 && matches!(
            entries[..],
            [E::Ptr { cached: false, .. }] | [E::Crc(.., 0), E::Ptr { cached: false, .. }]
        ) && match entries[0] {
            E::Crc(n, d, _) => n == d,
            _ => true,
        };
        let got = lone_pointer(KeyType(t), &v);
        prop_assert_eq!(got.is_some(), is_lone);
        let with_sectors = lone_sectors(KeyType(t), size, &v);
        let References::Pointers(all) = references(KeyType(t), size, &v, 8) else {
            return Err(TestCaseError::fail("no pointers"));
        };
        let first = all.iter().next();
        if let Some((ptr, crc)) = got {
            prop_assert_eq!(Some(ptr), first.map(|p| p.ptr));
            prop_assert_eq!(crc.0, if entries.len() == 2 { v[0] } else { 0 });
        }
        prop_assert_eq!(with_sectors.is_some(), is_lone && (1..1 << 16).contains(&size));
        if let (Some((ptr, sectors)), Some(p)) = (with_sectors, first) {
            prop_assert_eq!((ptr, Ok(sectors)), (p.ptr, p.sectors()));
        }
    }
}

// A node comes and goes whole, whatever part of its key does.
#[test]
fn parts() {
    const OVERWRITE: u32 = 8;
    for (t, flags, want) in [(5, 0, 512), (5, OVERWRITE, -512), (6, 0, 3), (6, OVERWRITE, 3)] {
        let v = [ExtentPtr::new(0, 8, 1).0];
        let References::Pointers(p) = references(KeyType(t), 8, &v, 512) else {
            panic!("no pointers");
        };
        let part = p.part(Change { offset: 1, sectors: 3, flags });
        assert_eq!((part.offset, part.sectors, part.flags), (1, want, flags));
    }
}
