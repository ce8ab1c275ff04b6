// SPDX-License-Identifier: GPL-2.0-only
//! Small functions of the layouts and of the host's terms, at each side of what they
//! tell apart.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests"
)]

use gc_core::accounting::replicas::{EntryRef, Table};
use gc_core::bkey::{FormatError, KeyDisplay, KeyRef, NodeFormat, RawKey, ptr_data_type};
use gc_core::finding::{BadReference, BucketField, BucketPlace, Finding, Marking, Refusal};
use gc_core::host::{Geometry, UsageWords};
use gc_core::layout::bits::field_mask;
use gc_core::layout::extent::{
    CompressionType, CrcUnpacked, ExtentCrc32, ExtentCrc64, ExtentCrc128, ExtentEntryType,
    ExtentStripePtr,
};
use gc_core::layout::usage::FS_USAGE_U64S;
use gc_core::layout::{
    Bkey, BkeyFormat, Bpos, BtreeId, BtreeNodeType, BucketMark, DataType, ExtentPtr, KeyType,
    Stripe, header,
};
use std::fmt::{self, Write};
use std::sync::atomic::AtomicU64;

// Oracle: bits set one by one.
#[test]
fn masks_have_their_bits() {
    for lo in 0..64 {
        for hi in lo..64 {
            let want = (lo..=hi).fold(0, |mask, bit| mask | 1_u64 << bit);
            assert_eq!(field_mask(lo, hi), want, "{lo} {hi}");
        }
    }
}

// Oracle: callers name bits of one word, in order.
#[test]
fn masks_that_are_none_are_refused() {
    for (lo, hi) in [(1, 0), (0, 64), (64, 64)] {
        assert!(std::panic::catch_unwind(|| field_mask(lo, hi)).is_err(), "{lo} {hi}");
    }
}

// Oracle: bits 0 to 6 and bit 7 of the second byte (docs/facts/bkey.md).
#[test]
fn a_key_has_a_format_and_a_flag() {
    for byte in 0..=255_u8 {
        let k = Bkey { format_ws: byte, ..Bkey::default() };
        assert_eq!(k.format(), byte % 128);
        assert_eq!(k.with_needs_whiteout(false).format_ws, byte % 128);
        assert_eq!(k.with_needs_whiteout(true).format_ws, byte % 128 + 128);
    }
}

// Oracle: the table of names of the original, BCH_BTREE_IDS.
#[test]
fn btrees_have_names() {
    let names: Vec<_> = (0..9).map(|id| BtreeId(id).name()).collect();
    let want = ["extents", "inodes", "dirents", "xattrs", "alloc", "quotas", "stripes", "reflink"];
    assert_eq!(names[..8], want.map(Some));
    assert_eq!(names[8], None);
}

// Oracle: docs/facts/gc.md: leaves have the number of their btree; keys of extents,
// inodes, alloc, stripes, reflink and of interior nodes count; extents and reflink have
// sizes.
#[test]
fn nodes_have_types() {
    for id in 0..8 {
        assert_eq!(BtreeNodeType::of(0, BtreeId(id)).0, id);
        for level in 1..4 {
            assert_eq!(BtreeNodeType::of(level, BtreeId(id)), BtreeNodeType::BTREE);
        }
    }
    let types = || (0..=255).map(BtreeNodeType);
    let counted: Vec<u8> = types().filter(|t| t.needs_gc()).map(|t| t.0).collect();
    assert_eq!(counted, [0, 1, 4, 6, 7, 8]);
    let sized: Vec<u8> = types().filter(|t| t.is_extents()).map(|t| t.0).collect();
    assert_eq!(sized, [0, 7]);
}

// Oracle: sizes of the C structures, 8 bytes a u64; the type is the lowest bit set.
#[test]
fn entries_have_lengths() {
    let of = |word: u64| ExtentEntryType::of_word(word).u64s();
    let lengths = [Some(1), Some(1), Some(2), Some(3), Some(1), None, None];
    for (bit, want) in lengths.into_iter().enumerate() {
        assert_eq!(of(1 << bit), want, "{bit}");
        assert_eq!(of(1 << bit | 1 << 40), want, "{bit}");
    }
}

// Oracle: crc_is_compressed: neither none nor incompressible.
#[test]
fn what_is_compressed() {
    for n in 0..8 {
        let crc = CrcUnpacked { compression_type: CompressionType(n), ..CrcUnpacked::default() };
        let not = [CompressionType::NONE, CompressionType::INCOMPRESSIBLE];
        assert_eq!(crc.is_compressed(), !not.contains(&CompressionType(n)), "{n}");
    }
}

// Oracle: what was set, and nothing beside it.
#[test]
fn a_stripe_keeps_two_flags() {
    let mut stripe = Stripe { flags: 0xf0, ..Stripe::ZERO };
    for (alive, dirty) in [(true, false), (true, true), (false, true), (false, false)] {
        stripe.set_alive(alive);
        stripe.set_dirty(dirty);
        assert_eq!((stripe.alive(), stripe.dirty()), (alive, dirty));
        assert_eq!(stripe.flags, 0xf0 | u8::from(alive) | u8::from(dirty) << 1);
    }
}

// Oracle: division by hand: buckets 2 to 9 of 100 or 128 sectors.
#[test]
fn sectors_lie_in_buckets() {
    for size in [100_u32, 128] {
        let g = Geometry { nbuckets: 10, bucket_size: size, first_bucket: 2, dev_idx: 0 };
        let s = u64::from(size);
        for (sector, want) in [
            (0, None),
            (2 * s - 1, None),
            (2 * s, Some(2)),
            (3 * s - 1, Some(2)),
            (3 * s, Some(3)),
            (10 * s - 1, Some(9)),
            (10 * s, None),
            (u64::MAX, None),
        ] {
            assert_eq!(g.bucket_of(sector), want, "{size} {sector}");
        }
    }
    assert_eq!(Geometry { nbuckets: 10, ..Geometry::default() }.bucket_of(0), None);
}

// Oracle: 11 words are the file system's own (docs/facts/layout.md).
#[test]
fn words_of_usage_are_counted() {
    let words: Vec<AtomicU64> = (0..14).map(AtomicU64::new).collect();
    for (nr, replicas) in [(0, 0), (10, 0), (FS_USAGE_U64S, 0), (12, 1), (14, 3)] {
        let usage = UsageWords::new(&words[..nr]);
        assert_eq!(usage.replicas(), replicas);
        // Past the end there is nothing, and nothing happens.
        usage.set(nr, 99);
        assert_eq!(usage.get(nr), 0);
    }
    assert_eq!(UsageWords::new(&words).get(13), 13);
}

// Oracle: rows as long as the longest entry, as many as were put in.
#[test]
fn a_table_lends_its_rows() {
    let empty = Table::new();
    assert!(empty.view().is_empty());
    let all: [&[u8]; 2] = [&[4, 2, 1, 0, 1], &[3, 1, 1, 7]];
    let table = Table::from_entries(all.iter().map(|e| EntryRef::first_of(e).unwrap())).unwrap();
    let view = table.view();
    assert_eq!((view.is_empty(), view.len(), view.stride()), (false, 2, 5));
    assert_eq!(view.rows().len(), 10);
    let mut rows: Vec<&[u8]> = view.rows().chunks(5).collect();
    rows.sort_unstable();
    assert_eq!(rows, [&[3, 1, 1, 7, 0][..], &[4, 2, 1, 0, 1]]);
}

// Oracle: ptr_data_type: pointers to nodes are the btree's, of others those that may go
// are cached.
#[test]
fn pointers_say_what_their_bucket_holds() {
    let ptr = ExtentPtr::new(0, 8, 0);
    for cached in [false, true] {
        let of = |t| ptr_data_type(t, ptr.with_cached(cached));
        assert_eq!(of(KeyType::BTREE_PTR), DataType::BTREE);
        assert_eq!(of(KeyType::BTREE_PTR_V2), DataType::BTREE);
        let data = if cached { DataType::CACHED } else { DataType::USER };
        assert_eq!([of(KeyType::EXTENT), of(KeyType::REFLINK_V)], [data; 2]);
    }
}

// Oracle: an unpacked key has five words; where it lies is counted by hand.
#[test]
fn a_key_says_where_it_lies() {
    let format = NodeFormat::new(&BkeyFormat { key_u64s: 1, ..BkeyFormat::CURRENT });
    assert!(format.is_err());
    let format = NodeFormat::new(&BkeyFormat::CURRENT).unwrap();
    let mut words: Vec<u64> = Vec::new();
    for (offset, val_u64s) in [(1, 0), (2, 3), (3, 1)] {
        let mut k = Bkey::new(Bpos::new(1, offset), 0);
        k.u64s += val_u64s;
        words.extend(k.to_words());
        words.extend(vec![7; val_u64s.into()]);
    }
    let mut rest = &words[..];
    for (at, val_u64s) in [(0, 0), (5, 3), (13, 1)] {
        let (key, behind) = RawKey::split_first(&format, rest).unwrap();
        let key = key.unwrap();
        rest = behind;
        assert_eq!((key.offset_in(&words), key.key_u64s(), key.val_u64s()), (at, 5, val_u64s));
    }
}

// Oracle: the texts of the original (docs/facts/bkey.md), as by itself.
#[test]
fn errors_and_positions_have_texts() {
    let all = [
        FormatError::FieldCount,
        FormatError::FieldTooLarge,
        FormatError::OffsetOverflow,
        FormatError::KeyU64s,
    ];
    for e in all {
        assert_eq!(e.to_string(), e.text());
    }
    assert_eq!(format!("{:?}", Bpos { inode: 1, offset: 2, snapshot: 3 }), "1:2:3");
    assert_eq!(gc_core::error::Error::from(gc_core::error::Errno::EIO).code(), -5);
}

/// Takes so many bytes, then fails.
struct Short {
    left: usize,
    text: String,
}

impl Write for Short {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let take = s.len().min(self.left);
        self.text.push_str(&s[..take]);
        self.left -= take;
        if take == s.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// That each beginning of a text is what a writer gets that takes no more, and that the
/// writer's error comes back.
fn cut_anywhere(write: impl Fn(&mut Short) -> fmt::Result, step: usize) {
    let mut whole = Short { left: usize::MAX, text: String::new() };
    write(&mut whole).unwrap();
    assert!(whole.text.is_ascii() && !whole.text.is_empty());
    for left in (0..whole.text.len()).step_by(step) {
        let mut short = Short { left, text: String::new() };
        assert!(write(&mut short).is_err(), "{left} of {}", whole.text);
        assert_eq!(short.text, whole.text[..left]);
    }
}

// Oracle: the text as a whole, cut.
#[test]
fn findings_are_cut_where_there_is_no_room() {
    let place = BucketPlace { dev: 3, bucket: 17 };
    let (mark, ptr, data_type) = (BucketMark(0), ExtentPtr::new(3, 100, 7), DataType::USER);
    let reasons = [
        Refusal::Newer,
        Refusal::TooStale,
        Refusal::StaleDirty,
        Refusal::OtherType,
        Refusal::Overflow { sectors: 9 },
    ];
    let bad = |what| Marking::Bad { what, key: "K" };
    let markings = reasons
        .map(|why| Marking::Pointer { place, why, mark, ptr, data_type, key: "K" })
        .into_iter()
        .chain([bad(BadReference::Value), bad(BadReference::NoBucket(place))]);
    for marking in markings {
        let finding = Finding::Marking(marking);
        cut_anywhere(|out| write!(out, "{finding}"), 1);
    }
    for field in [BucketField::Gen, BucketField::Stripe] {
        let finding = Finding::Bucket { place, mark, field, got: 1, want: 0 };
        cut_anywhere(|out| write!(out, "{finding}"), 1);
    }
}

// Oracle: as above.
#[test]
fn keys_are_cut_where_there_is_no_room() {
    let ptr = ExtentPtr::new(3, 100, 7);
    let crcs = [
        vec![ExtentCrc32(2).0],
        vec![ExtentCrc64 { w0: 4, csum_lo: 0 }.w0, 0],
        vec![ExtentCrc128 { w0: 8, ..ExtentCrc128::default() }.w0, 0, 0],
    ];
    let stripe = u64::from_le_bytes([64, 0, 0, 2, 1, 3, 0, 0]);
    let mut values: Vec<(KeyType, Vec<u64>)> = crcs
        .into_iter()
        .map(|crc| {
            let ptrs = [ExtentStripePtr::new(5, 1).0, ptr.with_cached(true).0, 0x80];
            (KeyType::EXTENT, crc.into_iter().chain(ptrs).collect())
        })
        .collect();
    values.extend([
        (KeyType::BTREE_PTR_V2, vec![0, 1, 2, 3, 4, ptr.0]),
        (KeyType::REFLINK_V, vec![9, ptr.0]),
        (KeyType::REFLINK_P, vec![9]),
        (KeyType::RESERVATION, vec![9]),
        (KeyType::INODE_GENERATION, vec![9]),
        (KeyType::INLINE_DATA, vec![9]),
        (KeyType::ALLOC, vec![0x0700]),
        (KeyType::STRIPE, vec![stripe, ptr.0, ptr.0, 5 | 6 << 16]),
    ]);
    for (type_, v) in values {
        let k = Bkey { u64s: 5, type_, size: 8, p: Bpos::new(1, 2), ..Bkey::default() };
        let shown = KeyDisplay { key: KeyRef::new(&k, &v), is_stale: |_| true };
        cut_anywhere(|out| write!(out, "{shown}"), 1);
    }
}

// Oracle: as above; a step that meets every line of the header.
#[test]
fn the_header_is_cut_where_there_is_no_room() {
    cut_anywhere(header::write_header, 97);
}

// Oracle: POS_MIN has no snapshot either; the original prints no snapshot there.
#[test]
fn a_snapshot_keeps_a_position_from_being_the_first() {
    let min_key = |snapshot: u64| {
        let v = [0, 1, snapshot << 32, 0, 0];
        let k = Bkey { type_: KeyType::BTREE_PTR_V2, ..Bkey::default() };
        KeyDisplay { key: KeyRef::new(&k, &v), is_stale: |_| false }.to_string()
    };
    assert!(min_key(0).contains("min_key POS_MIN "));
    assert!(min_key(7).contains("min_key 0:0 "));
}
