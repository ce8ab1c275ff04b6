// SPDX-License-Identifier: GPL-2.0-only
//! Walks over the entries of an extent: bounded, without panic on any words.

use crate::layout::Le64;
use crate::layout::bits::from32;
use crate::layout::extent::{
    CompressionType, CrcUnpacked, Csum, CsumType, ExtentCrc32, ExtentCrc64, ExtentCrc128,
    ExtentEntryType, ExtentPtr, ExtentPtrDecoded, ExtentStripePtr,
};

/// One extent entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A pointer to sectors.
    Ptr(ExtentPtr),
    /// Checksum of 32 bits.
    Crc32(ExtentCrc32),
    /// Checksum of 80 bits.
    Crc64(ExtentCrc64),
    /// Checksum of 128 bits.
    Crc128(ExtentCrc128),
    /// Place of the next pointer in a stripe.
    StripePtr(ExtentStripePtr),
}

impl Entry {
    /// The first entry of `words` and what follows it; `None` at the end, at a
    /// type that is not known and at an entry that reaches past the end.
    #[inline]
    #[must_use]
    pub fn split_first(words: &[u64]) -> Option<(Self, &[u64])> {
        let (&w0, rest) = words.split_first()?;
        Some(match ExtentEntryType::of_word(w0) {
            ExtentEntryType::PTR => (Self::Ptr(ExtentPtr(w0)), rest),
            ExtentEntryType::CRC32 => (Self::Crc32(ExtentCrc32(w0)), rest),
            ExtentEntryType::STRIPE_PTR => (Self::StripePtr(ExtentStripePtr(w0)), rest),
            ExtentEntryType::CRC64 => {
                let (&csum_lo, rest) = rest.split_first()?;
                (Self::Crc64(ExtentCrc64 { w0, csum_lo }), rest)
            }
            ExtentEntryType::CRC128 => {
                let (&[lo, hi], rest) = rest.split_first_chunk::<2>()?;
                let csum = Csum { lo: Le64::new(lo), hi: Le64::new(hi) };
                (Self::Crc128(ExtentCrc128 { w0, csum }), rest)
            }
            _ => return None,
        })
    }

    /// Checksum, sizes and compression of a checksum entry for a key of `size`
    /// sectors; `None` for other entries.
    #[inline]
    #[must_use]
    pub fn crc(self, size: u32) -> Option<CrcUnpacked> {
        // Raw sizes have at most 13 bits, so one more cannot overflow.
        Some(match self {
            Self::Crc32(e) => CrcUnpacked {
                compressed_size: e.compressed_size_raw().wrapping_add(1),
                uncompressed_size: e.uncompressed_size_raw().wrapping_add(1),
                live_size: size,
                csum_type: CsumType(e.csum_type()),
                compression_type: CompressionType(e.compression_type()),
                offset: e.offset(),
                nonce: 0,
                csum: Csum { lo: Le64::new(from32(e.csum())), hi: Le64::new(0) },
            },
            Self::Crc64(e) => CrcUnpacked {
                compressed_size: e.compressed_size_raw().wrapping_add(1),
                uncompressed_size: e.uncompressed_size_raw().wrapping_add(1),
                live_size: size,
                csum_type: CsumType(e.csum_type()),
                compression_type: CompressionType(e.compression_type()),
                offset: e.offset(),
                nonce: e.nonce(),
                csum: Csum { lo: Le64::new(e.csum_lo), hi: Le64::new(u64::from(e.csum_hi())) },
            },
            Self::Crc128(e) => CrcUnpacked {
                compressed_size: e.compressed_size_raw().wrapping_add(1),
                uncompressed_size: e.uncompressed_size_raw().wrapping_add(1),
                live_size: size,
                csum_type: CsumType(e.csum_type()),
                compression_type: CompressionType(e.compression_type()),
                offset: e.offset(),
                nonce: e.nonce(),
                csum: e.csum,
            },
            Self::Ptr(_) | Self::StripePtr(_) => return None,
        })
    }
}

/// What holds before any checksum entry of a key of `size` sectors.
#[inline]
#[must_use]
pub fn no_crc(size: u32) -> CrcUnpacked {
    CrcUnpacked {
        compressed_size: size,
        uncompressed_size: size,
        live_size: size,
        ..CrcUnpacked::default()
    }
}

/// Walk over entries.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u64],
}

impl<'a> Entries<'a> {
    /// All entries of `words`.
    #[inline]
    #[must_use]
    pub const fn new(words: &'a [u64]) -> Self {
        Self { rest: words }
    }

    /// What the walk has not read yet. Not empty after the end of the walk
    /// means that an entry was not understood.
    #[inline]
    #[must_use]
    pub const fn rest(&self) -> &'a [u64] {
        self.rest
    }

    /// The entries with the index of their first word.
    #[inline]
    pub fn indexed(mut self) -> impl Iterator<Item = (usize, Entry)> + use<'a> {
        let len = self.rest.len();
        core::iter::from_fn(move || {
            let index = len.saturating_sub(self.rest.len());
            Some((index, self.next()?))
        })
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    #[inline]
    fn next(&mut self) -> Option<Entry> {
        let (entry, rest) = Entry::split_first(self.rest)?;
        self.rest = rest;
        Some(entry)
    }
}

/// Walk over pointers.
#[derive(Debug, Clone)]
pub struct Pointers<'a> {
    entries: Entries<'a>,
}

impl<'a> Pointers<'a> {
    /// All pointers among the entries of `words`.
    #[inline]
    #[must_use]
    pub const fn new(words: &'a [u64]) -> Self {
        Self { entries: Entries::new(words) }
    }
}

impl Iterator for Pointers<'_> {
    type Item = ExtentPtr;

    #[inline]
    fn next(&mut self) -> Option<ExtentPtr> {
        self.entries.find_map(|e| match e {
            Entry::Ptr(p) => Some(p),
            _ => None,
        })
    }
}

/// Walk over pointers with checksum, compression and stripe.
#[derive(Debug, Clone)]
pub struct DecodedPointers<'a> {
    size: u32,
    crc: CrcUnpacked,
    entries: Entries<'a>,
}

impl<'a> DecodedPointers<'a> {
    /// All pointers among the entries of `words`, of a key of `size` sectors.
    #[inline]
    #[must_use]
    pub fn new(size: u32, words: &'a [u64]) -> Self {
        Self { size, crc: no_crc(size), entries: Entries::new(words) }
    }
}

impl Iterator for DecodedPointers<'_> {
    type Item = ExtentPtrDecoded;

    #[inline]
    fn next(&mut self) -> Option<ExtentPtrDecoded> {
        let mut ec = None;
        loop {
            let entry = self.entries.next()?;
            match entry {
                Entry::Ptr(ptr) => {
                    return Some(ExtentPtrDecoded {
                        idx: 0,
                        has_ec: ec.is_some(),
                        crc: self.crc,
                        ptr,
                        ec: ec.unwrap_or_default(),
                    });
                }
                Entry::StripePtr(s) => ec = Some(s),
                Entry::Crc32(_) | Entry::Crc64(_) | Entry::Crc128(_) => {
                    if let Some(crc) = entry.crc(self.size) {
                        self.crc = crc;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeyRef;
    use super::*;
    use crate::layout::bkey::{Bkey, KeyType};
    use crate::layout::position::Bpos;
    use proptest::prelude::*;
    use std::vec::Vec;
    use std::{format, vec};

    fn key(type_: KeyType, size: u32, words: usize) -> Bkey {
        let mut k = Bkey::new(Bpos::new(1, 100), size);
        k.type_ = type_;
        k.u64s = u8::try_from(5 + words).unwrap();
        k
    }

    // Oracle: the walk done by hand over one key with every kind of entry.
    #[test]
    fn decodes_what_entries_before_a_pointer_say() {
        let crc32 = ExtentCrc32(2)
            .with_compressed_size_raw(7)
            .with_uncompressed_size_raw(15)
            .with_offset(3)
            .with_csum_type(5)
            .with_compression_type(3)
            .with_csum(0x1234_5678);
        let crc64 = ExtentCrc64 { w0: 4, csum_lo: 9 }.with_nonce(77).with_csum_hi(0xabcd);
        let crc128 = ExtentCrc128 { w0: 8, csum: Csum { lo: Le64::new(1), hi: Le64::new(2) } }
            .with_compressed_size_raw(8191);
        let p = |d| ExtentPtr::new(d, 64, 1);
        let s = ExtentStripePtr::new(5, 2);
        let v = vec![
            p(0).0,
            crc32.0,
            p(1).0,
            s.0,
            p(2).0,
            p(3).0,
            crc64.w0,
            9,
            p(4).0,
            crc128.w0,
            1,
            2,
            p(5).0,
        ];
        let k = key(KeyType::EXTENT, 8, v.len());
        let key = KeyRef::new(&k, &v);
        let got: Vec<_> = key.pointers_decoded().collect();
        assert_eq!(got.iter().map(|d| d.ptr.dev()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(
            got.iter().map(|d| d.has_ec).collect::<Vec<_>>(),
            [false, false, true, false, false, false]
        );
        assert_eq!(got[2].ec, s);
        assert_eq!(got[0].crc, no_crc(8));
        for d in &got[1..4] {
            let c = d.crc;
            assert_eq!((c.compressed_size, c.uncompressed_size, c.live_size), (8, 16, 8));
            assert_eq!((c.offset, c.nonce), (3, 0));
            assert!(c.is_compressed());
            assert_eq!((c.csum.lo.get(), c.csum.hi.get()), (0x1234_5678, 0));
        }
        let c = got[4].crc;
        assert_eq!((c.compressed_size, c.uncompressed_size, c.nonce), (1, 1, 77));
        assert_eq!((c.csum.lo.get(), c.csum.hi.get()), (9, 0xabcd));
        assert_eq!(got[5].crc.compressed_size, 8192);
        assert_eq!(
            key.pointers().collect::<Vec<_>>(),
            got.iter().map(|d| d.ptr).collect::<Vec<_>>()
        );
        assert_eq!(key.pointer_indexes().collect::<Vec<_>>(), [0, 2, 4, 5, 8, 12]);
    }

    // Oracle: each stripe pointer replaces what held for the next pointer.
    #[test]
    fn the_last_stripe_pointer_counts() {
        let (s, t) = (ExtentStripePtr::new(5, 2), ExtentStripePtr::new(6, 1));
        let v = [s.0, t.0, ExtentPtr::new(0, 8, 0).0];
        let k = key(KeyType::EXTENT, 8, v.len());
        let got: Vec<_> = KeyRef::new(&k, &v).pointers_decoded().map(|d| d.ec).collect();
        assert_eq!(got, [t]);
    }

    // Oracle: the heads of the value layouts.
    #[test]
    fn entries_start_behind_the_head_of_each_type() {
        let p = ExtentPtr::new(1, 8, 0).0;
        let stripe_head = 2_u64 << 24;
        for (type_, v, n) in [
            (KeyType::BTREE_PTR, vec![p, p], 2),
            (KeyType::BTREE_PTR_V2, vec![1, 1, 1, 1, 1, p, p, p], 3),
            (KeyType::BTREE_PTR_V2, vec![1, 1, 1], 0),
            (KeyType::REFLINK_V, vec![1, p], 1),
            (KeyType::REFLINK_V, vec![], 0),
            (KeyType::STRIPE, vec![stripe_head, p, p, p], 2),
            (KeyType::STRIPE, vec![stripe_head, p], 1),
            (KeyType::STRIPE, vec![], 0),
            (KeyType::INODE, vec![p, p], 0),
        ] {
            let k = key(type_, 8, v.len());
            assert_eq!(KeyRef::new(&k, &v).pointers().count(), n, "{type_:?} {v:x?}");
        }
    }

    proptest! {
        // Oracle: no words make it panic, loop or show more pointers than words.
        #[test]
        fn junk_is_bounded(type_ in 0_u8..25, v in prop::collection::vec(any::<u64>(), 0..40)) {
            let k = key(KeyType(type_), 8, 0);
            let key = KeyRef::new(&k, &v);
            prop_assert!(key.pointers().count() <= v.len());
            prop_assert_eq!(key.pointers().count(), key.pointers_decoded().count());
            prop_assert!(key.pointer_indexes().all(|i| i < v.len()));
        }
    }
}
