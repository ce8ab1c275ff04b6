// SPDX-License-Identifier: GPL-2.0-only
//! Packing, order and walks against independent models.

mod formats;
mod old_extents;
mod references;

use super::*;
use crate::layout::Le64;
use crate::layout::bkey::{Bkey, BkeyFormat, BkeyFormatState, KeyType};
use crate::layout::node::BtreeNrKeys;
use crate::layout::position::{Bpos, Bversion};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::vec::Vec;
use std::{format, vec};

fn key_u64s(widths: [u8; 6]) -> u8 {
    u8::try_from((24 + widths.iter().map(|&w| u32::from(w)).sum::<u32>()).div_ceil(64)).unwrap()
}

fn node_format(widths: [u8; 6], offsets: [u64; 6]) -> NodeFormat {
    NodeFormat::new(&BkeyFormat {
        key_u64s: key_u64s(widths),
        nr_fields: 6,
        bits_per_field: widths,
        field_offset: offsets.map(Le64::new),
    })
    .unwrap()
}

/// Any valid format; offsets are cut so that fields do not overflow.
fn any_format() -> impl Strategy<Value = NodeFormat> {
    let width = |most: u8| prop_oneof![Just(0), 0..=most, Just(most)];
    let offset = || prop_oneof![Just(0), any::<u64>(), 0_u64..1000];
    (
        [width(64), width(64), width(32), width(32), width(32), width(64)],
        [offset(), offset(), offset(), offset(), offset(), offset()],
    )
        .prop_map(|(widths, mut offsets)| {
            for (o, &w) in offsets.iter_mut().zip(&widths) {
                let most = if w == 64 { 0 } else { u64::MAX - ((1 << w) - 1) };
                *o = (*o).min(most);
            }
            // Fields of 32 bits in a key have offsets that fit them.
            for i in [2, 3, 4] {
                let most = u64::from(u32::MAX) - ((1_u64 << widths[i]) - 1);
                offsets[i] = offsets[i].min(most);
            }
            node_format(widths, offsets)
        })
}

// Oracle: the widths of the fields by hand.
#[test]
fn what_is_brief() {
    let brief = |widths, offsets| node_format(widths, offsets).brief().is_some();
    assert!(brief([1, 30, 0, 16, 0, 0], [4096, 8, 0, 1, 0, 0]));
    assert!(!brief([1, 30, 1, 16, 0, 0], [0; 6]));
    assert!(!brief([1, 30, 0, 16, 0, 0], [0, 0, 1, 0, 0, 0]));
    assert!(!brief([1, 30, 0, 16, 1, 0], [0; 6]));
    assert!(!brief([1, 30, 0, 16, 0, 1], [0; 6]));
    assert!(!brief([1, 30, 0, 16, 0, 0], [0, 0, 0, 0, 0, 7]));
    // Of two words: bits 61 to 122 lie in nine bytes.
    assert!(!brief([5, 62, 0, 0, 0, 0], [0; 6]));
}

/// The format without the fields that most nodes do not need.
fn without_versions(f: NodeFormat) -> NodeFormat {
    let (mut widths, mut offsets) = (f.raw().bits_per_field, f.raw().field_offset.map(Le64::get));
    for i in [2, 4, 5] {
        (widths[i], offsets[i]) = (0, 0);
    }
    node_format(widths, offsets)
}

/// Keys whose fields are near what the format can hold, so that many pack.
fn key_near(f: NodeFormat) -> impl Strategy<Value = Bkey> {
    let field = move |i: usize, most: u64| {
        let raw = *f.raw();
        let (w, o) = (raw.bits_per_field[i], raw.field_offset[i].get());
        let top = if w == 64 { u64::MAX } else { (1 << w) - 1 };
        (0..=top, prop::bool::weighted(0.03), any::<u64>()).prop_map(move |(v, stray, any)| {
            if stray { any & most } else { v.wrapping_add(o) & most }
        })
    };
    let u32s = u64::from(u32::MAX);
    (
        (
            field(0, u64::MAX),
            field(1, u64::MAX),
            field(2, u32s),
            field(3, u32s),
            field(4, u32s),
            field(5, u64::MAX),
        ),
        (0_u8..30, any::<bool>(), 0_u8..=19, any::<bool>()),
    )
        .prop_map(|((inode, offset, snapshot, size, hi, lo), (val, ws, type_, small))| {
            let narrow = |v: u64| u32::try_from(v).unwrap();
            let mut k = Bkey::new(
                Bpos { snapshot: narrow(snapshot), offset, inode },
                if small { 0 } else { narrow(size) },
            );
            k.u64s = 5 + val;
            k.type_ = KeyType(type_);
            k.version = Bversion { lo, hi: narrow(hi) };
            k.with_needs_whiteout(ws)
        })
}

fn one_key<'a>(f: &NodeFormat, words: &'a [u64]) -> RawKey<'a> {
    let (key, rest) = RawKey::split_first(f, words).unwrap();
    assert!(rest.is_empty());
    key.unwrap()
}

/// The rule of the facts on single bits: fields one after the other from the
/// highest bit down.
fn unpack_by_bits(f: &NodeFormat, key_words: &[u64]) -> [u64; 6] {
    let bits: Vec<bool> =
        key_words.iter().rev().flat_map(|w| (0..64).rev().map(move |b| w >> b & 1 == 1)).collect();
    let mut at = 0;
    core::array::from_fn(|i| {
        let width = usize::from(f.raw().bits_per_field[i]);
        let v = bits[at..at + width].iter().fold(0_u64, |v, &b| v << 1 | u64::from(b));
        at += width;
        v.wrapping_add(f.raw().field_offset[i].get())
    })
}

fn with_value(packed: &PackedKey, val: u8) -> Vec<u64> {
    let mut words = packed.words().to_vec();
    words.extend((0..u64::from(val)).map(|i| i | 0xabcd_0000_0000_0000));
    words
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // Oracle: wherever packing says it fits, unpacking gives the key back, bit by
    // bit as the rule says, whatever lies behind it.
    #[test]
    fn what_packs_unpacks_to_itself((f, k) in any_format().prop_flat_map(|f| (Just(f), key_near(f)))) {
        let fields = [{ k.p.inode }, { k.p.offset }, k.p.snapshot.into(), k.size.into(), k.version.hi.into(), { k.version.lo }];
        let fits = fields.iter().enumerate().all(|(i, &v)| {
            let (w, o) = (f.raw().bits_per_field[i], f.raw().field_offset[i].get());
            v >= o && (w == 64 || (v - o) >> w == 0)
        });
        let front_fits = k.start_offset() >= f.raw().field_offset[1].get();
        let packed = f.pack(&k);
        prop_assert_eq!(packed.is_some(), fits && front_fits);
        if let Some(packed) = packed {
            let words = with_value(&packed, k.val_u64s());
            let raw = one_key(&f, &words);
            prop_assert_eq!(f.unpack(raw), k);
            prop_assert_eq!(f.unpack_pos(raw), k.p);
            prop_assert_eq!(f.unpack_size_version(raw), (k.size, { k.version }.lo));
            prop_assert_eq!(raw.value().len(), usize::from(k.val_u64s()));
            prop_assert_eq!(unpack_by_bits(&f, packed.words()), fields);
            // Bits between head and fields are 0.
            let used: u32 = f.raw().bits_per_field.iter().map(|&w| u32::from(w)).sum();
            let total = u32::from(f.key_u64s()) * 64;
            for bit in 24..total - used {
                prop_assert_eq!(packed.words()[usize::try_from(bit / 64).unwrap()] >> (bit % 64) & 1, 0);
            }
        }
    }

    // Oracle: unpacking in general, whatever lies behind the key.
    #[test]
    fn brief_keys_are_unpacked_alike((f, k) in any_format().prop_map(without_versions).prop_flat_map(|f| (Just(f), key_near(f)))) {
        if let (Some(packed), Some(brief)) = (f.pack(&k), f.brief()) {
            let words = with_value(&packed, k.val_u64s());
            let mut window = words.clone();
            window.resize(window.len().max(9), u64::MAX);
            let window = window.first_chunk().unwrap();
            prop_assert_eq!(brief.position(window), ({ k.p.inode }, { k.p.offset }));
            prop_assert_eq!(brief.size(window), k.size);
            prop_assert_eq!(brief.offset(window), { k.p.offset });
            let own = usize::from(f.key_u64s());
            prop_assert_eq!(brief.value(window), [words.get(own), words.get(own + 1)].map(|w| w.copied().unwrap_or(u64::MAX)));
            if brief.is_narrow() {
                prop_assert_eq!(brief.order_of(k.p), Some(brief.order(window)));
            }
            prop_assert_eq!((k.p.snapshot, k.version), (0, Bversion::default()));
            prop_assert_eq!(brief.key_u64s(), one_key(&f, &words).key_u64s());
        }
    }

    // Oracle: the order of positions.
    #[test]
    fn numbers_are_in_the_order_of_positions((f, l, r) in any_format().prop_map(without_versions).prop_flat_map(|f| (Just(f), key_near(f), key_near(f)))) {
        if let Some(brief) = f.brief() {
            if let (Some(a), Some(b)) = (brief.order_of(l.p), brief.order_of(r.p)) {
                prop_assert_eq!(a.cmp(&b), l.p.cmp(&r.p));
            }
            prop_assert!(brief.is_narrow() || brief.order_of(l.p).is_none());
        }
    }

    // Oracle: the key's own words; an unpacked key is packed by the current format.
    #[test]
    fn unpacked_keys_are_words((f, k) in any_format().prop_flat_map(|f| (Just(f), key_near(f)))) {
        let mut words = k.to_words().to_vec();
        prop_assert_eq!(Bkey::from_words(k.to_words()), k);
        words.resize(usize::from(k.u64s), 7);
        let raw = one_key(&f, &words);
        prop_assert!(!raw.is_packed());
        prop_assert_eq!(f.unpack(raw), k);
        prop_assert_eq!(raw.value().len(), usize::from(k.val_u64s()));
        let current = NodeFormat::new(&BkeyFormat::CURRENT).unwrap();
        let fields = unpack_by_bits(&current, &k.to_words());
        prop_assert_eq!(fields[0], { k.p.inode });
        prop_assert_eq!(fields[5], { k.version.lo });
        // Repacking is packing without the check on the start of an extent.
        let mut other = f.repack(&f, raw);
        if k.start_offset() < f.raw().field_offset[1].get() {
            other = None;
        }
        prop_assert_eq!(other, f.pack(&k));
    }

    // Oracle: the order of the unpacked positions.
    #[test]
    fn packed_order_is_unpacked_order(
        (f, l, r) in any_format().prop_flat_map(|f| (Just(f), key_near(f), key_near(f))),
        (unpacked_l, unpacked_r, same) in any::<(bool, bool, bool)>(),
    ) {
        let r = if same { Bkey { p: l.p, ..r } } else { r };
        let words = |k: &Bkey, unpacked: bool| match f.pack(k) {
            Some(p) if !unpacked => with_value(&p, k.val_u64s()),
            _ => { let mut w = k.to_words().to_vec(); w.resize(usize::from(k.u64s), 0); w }
        };
        let (lw, rw) = (words(&l, unpacked_l), words(&r, unpacked_r));
        let (lk, rk) = (one_key(&f, &lw), one_key(&f, &rw));
        prop_assert_eq!(f.cmp(lk, rk), l.p.cmp(&r.p));
        prop_assert_eq!(f.cmp_pos(lk, r.p), l.p.cmp(&r.p));
    }

    // Oracle: a format calculated from keys holds each of them, also with its
    // front cut away, and holds the positions added.
    #[test]
    fn calculated_formats_hold_what_was_added(
        keys in prop::collection::vec(any::<(u64, u64, u32, u32, u32, u64)>(), 1..5),
        mask in any::<u64>(),
    ) {
        let mut s = BkeyFormatState::new();
        let keys: Vec<Bkey> = keys.into_iter().map(|(inode, offset, snapshot, size, hi, lo)| {
            let size = u32::try_from(u64::from(size).min(offset & mask)).unwrap();
            let mut k = Bkey::new(Bpos { snapshot, offset: offset & mask, inode: inode & mask }, size);
            k.version = Bversion { lo, hi };
            k
        }).collect();
        for k in &keys {
            s.add_key(k);
        }
        let f = NodeFormat::new(&s.finish()).unwrap();
        for k in &keys {
            prop_assert!(f.pack(k).is_some());
            let cut = Bkey { size: k.size / 2, ..*k };
            prop_assert!(f.pack(&cut).is_some());
            prop_assert!(matches!(f.pack_pos(k.p), PackedPos::Exact(_)));
        }
    }

    // Oracle: nothing read from junk words is longer than they are; every walk
    // ends.
    #[test]
    fn junk_words_end(f in any_format(), words in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..20, Just(0x0000_0105)], 0..60)) {
        let mut total = 0;
        for key in BsetKeys::new(&f, &words).flatten() {
            total += key.words().len();
            prop_assert_eq!(key.words().len(), usize::from(key.u64s()));
            let _ = (f.unpack(key), f.unpack_pos(key), f.unpack_size_version(key));
            prop_assert!(key.offset_in(&words) + key.words().len() <= words.len());
        }
        prop_assert!(total <= words.len());
        for rule in [Rule::Live, Rule::LiveAndWhiteouts, Rule::Read] {
            let mut heads = [Head::NONE; 3];
            let mut walk = NodeWalk::new(&f, rule, &mut heads);
            let third = words.len() / 3;
            for set in [&words[..third], &words[third..], &words[..]] {
                walk.add(set).unwrap();
            }
            prop_assert!(walk.count() <= 2 * words.len());
        }
    }
}

// Oracle: every value of a small format, counted out.
#[test]
fn small_formats_hold_exactly_their_values() {
    for widths in [[0, 0, 0], [3, 0, 0], [0, 2, 2], [2, 3, 1], [1, 1, 3], [4, 0, 2]] {
        for base in [0_u64, 5] {
            let f = node_format(
                [widths[0], widths[1], widths[2], 0, 0, 0],
                [base, base, base, 0, 0, 0],
            );
            let mut packed = 0;
            for inode in 0..24_u64 {
                for offset in 0..24_u64 {
                    for snapshot in 0..24_u32 {
                        let k = Bkey::new(Bpos { snapshot, offset, inode }, 0);
                        let in_range = |v: u64, w: u8| v >= base && v < base + (1 << w);
                        let fits = in_range(inode, widths[0])
                            && in_range(offset, widths[1])
                            && in_range(snapshot.into(), widths[2]);
                        let p = f.pack(&k);
                        assert_eq!(p.is_some(), fits, "{widths:?} {base} {k:?}");
                        if let Some(p) = p {
                            packed += 1;
                            assert_eq!(f.unpack(one_key(&f, p.words())), k);
                        }
                    }
                }
            }
            assert_eq!(packed, 1_u32 << widths.iter().sum::<u8>());
        }
    }
}

// Oracle: among all positions that pack, the greatest that is not above.
#[test]
fn packed_positions_are_the_nearest_below() {
    let edges = [0_u64, 1, 2, 3, 4, 5, 6, 7, 8, u64::MAX - 1, u64::MAX];
    for widths in [[0, 0, 0], [2, 0, 0], [0, 2, 1], [1, 1, 1], [2, 2, 2]] {
        for base in [[0_u64, 0, 0], [2, 2, 2], [0, 3, 1], [3, 0, 2]] {
            let f = node_format(
                [widths[0], widths[1], widths[2], 0, 0, 0],
                [base[0], base[1], base[2], 0, 0, 0],
            );
            let values = |i: usize| base[i]..base[i] + (1 << widths[i]);
            let mut all = Vec::new();
            for inode in values(0) {
                for offset in values(1) {
                    for snapshot in values(2) {
                        let snapshot = u32::try_from(snapshot).unwrap();
                        all.push(Bpos { snapshot, offset, inode });
                    }
                }
            }
            all.sort();
            for inode in edges {
                for offset in edges {
                    for snapshot in [0_u32, 1, 2, 3, 4, u32::MAX] {
                        let p = Bpos { snapshot, offset, inode };
                        let want = all.iter().rev().find(|q| **q <= p).copied();
                        let got = match f.pack_pos(p) {
                            PackedPos::Exact(k) => {
                                assert_eq!(want, Some(p));
                                Some(f.unpack_pos(one_key(&f, k.words())))
                            }
                            PackedPos::Smaller(k) => {
                                assert_ne!(want, Some(p));
                                Some(f.unpack_pos(one_key(&f, k.words())))
                            }
                            PackedPos::Fail => None,
                        };
                        assert_eq!(got, want, "{widths:?} {base:?} {p:?}");
                    }
                }
            }
        }
    }
}

/// One key of a generated set: offset, type (0 deleted, 1 discard), packed or not.
type SetKey = (u64, u8, bool);

fn set_words(f: &NodeFormat, set: usize, keys: &[SetKey]) -> Vec<u64> {
    let mut words = Vec::new();
    for (i, &(offset, type_, packed)) in keys.iter().enumerate() {
        let mut k = Bkey::new(Bpos::new(1, offset), 0);
        k.type_ = KeyType(type_);
        k.u64s = 6;
        match f.pack(&k) {
            Some(p) if packed => words.extend_from_slice(p.words()),
            _ => words.extend_from_slice(&k.to_words()),
        }
        words.push(u64::try_from(set * 1000 + i).unwrap());
        if i % 3 == 1 {
            words.push(0);
        }
    }
    words
}

fn walked(f: &NodeFormat, rule: Rule, sets: &[Vec<u64>]) -> Vec<(u64, u8, u64)> {
    let mut heads = vec![Head::NONE; sets.len()];
    let mut walk = NodeWalk::new(f, rule, &mut heads);
    for set in sets {
        walk.add(set).unwrap();
    }
    walk.map(|k| {
        let k = k.unwrap();
        let u = f.unpack(k);
        ({ u.p.offset }, u.type_.0, k.value()[0])
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    // Oracle: collect everything, the last writer at a position wins, then leave
    // out whiteouts.
    #[test]
    fn reading_a_node_keeps_the_newest(
        sets in prop::collection::vec(prop::collection::btree_map(0_u64..40, (0_u8..6, any::<bool>()), 0..30), 0..7),
    ) {
        let f = node_format([1, 5, 0, 0, 0, 0], [0; 6]);
        let sets: Vec<Vec<SetKey>> =
            sets.into_iter().map(|s| s.into_iter().map(|(o, (t, p))| (o, t, p)).collect()).collect();
        let words: Vec<Vec<u64>> = sets.iter().enumerate().map(|(i, s)| set_words(&f, i, s)).collect();
        let mut last = BTreeMap::new();
        for (n, set) in sets.iter().enumerate() {
            for (i, &(offset, type_, _)) in set.iter().enumerate() {
                last.insert(offset, (type_, u64::try_from(n * 1000 + i).unwrap()));
            }
        }
        let want: Vec<_> =
            last.into_iter().filter(|(_, (t, _))| *t > 1).map(|(o, (t, v))| (o, t, v)).collect();
        prop_assert_eq!(walked(&f, Rule::Read, &words), want);
    }

    // Oracle: a stable sort of all keys by position, then live after deleted.
    #[test]
    fn live_nodes_are_walked_in_order(
        sets in prop::collection::vec(prop::collection::vec((0_u64..20, 0_u8..6, any::<bool>()), 0..20), 0..4),
    ) {
        let f = node_format([1, 4, 0, 0, 0, 0], [0; 6]);
        let sets: Vec<Vec<SetKey>> = sets.into_iter().map(|mut s| {
            s.sort_by_key(|&(o, t, _)| (o, t != 0));
            s
        }).collect();
        let words: Vec<Vec<u64>> = sets.iter().enumerate().map(|(i, s)| set_words(&f, i, s)).collect();
        let mut all: Vec<(u64, u8, u64)> = Vec::new();
        for (n, set) in sets.iter().enumerate() {
            for (i, &(o, t, _)) in set.iter().enumerate() {
                all.push((o, t, u64::try_from(n * 1000 + i).unwrap()));
            }
        }
        all.sort_by_key(|&(o, t, _)| (o, t != 0));
        prop_assert_eq!(&walked(&f, Rule::LiveAndWhiteouts, &words), &all);
        all.retain(|&(_, t, _)| t > 1);
        prop_assert_eq!(&walked(&f, Rule::Live, &words), &all);
    }
}

// Oracle: the rules of a bset's end, by hand.
#[test]
fn lengths_that_are_wrong_are_named() {
    let f = node_format([8, 64, 0, 32, 0, 0], [0; 6]);
    assert_eq!(f.key_u64s(), 2);
    let packed = |u64s: u64| u64s | (6 << 16);
    let all = |words: &[u64]| -> Vec<_> {
        BsetKeys::new(&f, words).map(|k| k.map(|k| k.words().len())).collect()
    };
    assert_eq!(all(&[]), []);
    assert_eq!(all(&[0, 0]), []);
    assert_eq!(all(&[0, packed(2), 9, 0, packed(3), 9, 9]), [Ok(2), Ok(3)]);
    assert_eq!(all(&[packed(3), 9]), [Err(KeyError::PastEnd)]);
    assert_eq!(all(&[packed(1), packed(2), 9]), [Err(KeyError::TooShort), Ok(2)]);
    let unpacked_short = 4 | (1 << 8);
    assert_eq!(all(&[unpacked_short, 0, 0, 0]), [Err(KeyError::TooShort)]);
    let mut long = vec![0; 253];
    long[0] = packed(253);
    assert_eq!(all(&long).len(), 1);
    assert!(all(&long)[0].is_err());
    long[0] = packed(252);
    assert_eq!(all(&long), [Ok(252)]);
}

// Oracle: the counts of the facts, by hand.
#[test]
fn keys_are_counted_by_set_and_kind() {
    let f = node_format([8, 64, 0, 32, 0, 0], [0; 6]);
    let packed = [3 | (6 << 16), 0, 0];
    let unpacked = [6 | (1 << 8) | (6 << 16), 0, 0, 0, 0, 0];
    let mut nr = BtreeNrKeys::default();
    nr.add_key(0, one_key(&f, &packed));
    nr.add_key(2, one_key(&f, &unpacked));
    nr.add_key(2, one_key(&f, &packed));
    let want =
        BtreeNrKeys { live_u64s: 12, bset_u64s: [3, 0, 9], packed_keys: 2, unpacked_keys: 1 };
    assert_eq!(nr, want);
    nr.remove_key(2, one_key(&f, &packed));
    assert_eq!(
        nr,
        BtreeNrKeys { live_u64s: 9, bset_u64s: [3, 0, 6], packed_keys: 1, unpacked_keys: 1 }
    );
    // A node has three sets at most; what is said of another is in the sum alone.
    nr.add_key(3, one_key(&f, &unpacked));
    nr.remove_key(3, one_key(&f, &packed));
    nr.remove_key(2, one_key(&f, &unpacked));
    assert_eq!(
        nr,
        BtreeNrKeys { live_u64s: 6, bset_u64s: [3, 0, 0], packed_keys: 0, unpacked_keys: 1 }
    );
}

// Oracle: nothing is compared with nothing, and only words that both have.
#[test]
fn keys_without_their_words_are_equal() {
    use std::cmp::Ordering;
    let f = node_format([64, 64, 0, 0, 0, 0], [0; 6]);
    let (low, high) = ([0, 0, 1], [0, 0, 2]);
    assert_eq!(f.cmp_bits(&low, &high), Ordering::Less);
    assert_eq!(f.cmp_bits(&low[..2], &high), Ordering::Equal);
    assert_eq!(f.cmp_bits(&low, &[]), Ordering::Equal);
}

// Oracle: of all snapshots before the given one the last is the greatest of 32 bits, also
// where the format has room for more.
#[test]
fn the_position_before_a_snapshot_has_the_last_one() {
    let f = node_format([8, 16, 40, 0, 0, 0], [0, 0, 5, 0, 0, 0]);
    let PackedPos::Smaller(k) = f.pack_pos(Bpos { snapshot: 3, ..Bpos::new(1, 7) }) else {
        panic!("its snapshot does not pack")
    };
    let got = f.unpack_pos(one_key(&f, k.words()));
    assert_eq!(got, Bpos { snapshot: u32::MAX, ..Bpos::new(1, 6) });
}
