// SPDX-License-Identifier: GPL-2.0-only
//! Buckets: their marks and the arrays that hold them.

use super::describe::{BitField, layouts, open_enum, word_bits};
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};

open_enum! {
    /// What a bucket holds (`enum bch_data_type`).
    #[derive(zerocopy::Unaligned)]
    pub struct DataType(u8);
    /// Numbers of the data types.
    pub const DATA_TYPES;
    /// Nothing.
    NONE = 0, "BCH_DATA_NONE";
    /// Superblocks and their layout.
    SB = 1, "BCH_DATA_SB";
    /// Journal.
    JOURNAL = 2, "BCH_DATA_JOURNAL";
    /// Btree nodes.
    BTREE = 3, "BCH_DATA_BTREE";
    /// User data.
    USER = 4, "BCH_DATA_USER";
    /// Cached copies of user data only.
    CACHED = 5, "BCH_DATA_CACHED";
    /// One past the last.
    NR = 6, "BCH_DATA_NR";
}

/// Number of data types, as an array length.
pub const DATA_TYPE_NR: usize = 6;

impl DataType {
    /// The name the original prints (source: `bch2_data_types`; user data is
    /// called `data`), `None` for a type it has no name for.
    #[inline]
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NONE => "none",
            Self::SB => "sb",
            Self::JOURNAL => "journal",
            Self::BTREE => "btree",
            Self::USER => "data",
            Self::CACHED => "cached",
            _ => return None,
        })
    }
}

/// All that is counted of a bucket, in one word (`struct bucket_mark`).
///
/// Always read, compared and exchanged whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct BucketMark(pub u64);

word_bits! {
    /// Bit fields in words of this area.
    pub const BITS;
    BucketMark . 0 = "struct bucket_mark" {
        /// Generation.
        gen_, with_gen: u8 = 0..=7 as "gen";
        /// Number of the data type; 3 bits, so 6 and 7 are possible.
        data_type_raw, with_data_type_raw: u8 = 8..=10 as "data_type";
        /// Whether the allocator has it.
        owned_by_allocator, with_owned_by_allocator: bool = 11..=11;
        /// Whether `journal_seq` counts.
        journal_seq_valid, with_journal_seq_valid: bool = 12..=12;
        /// Whether it belongs to a stripe.
        stripe, with_stripe: bool = 13..=13;
        /// Sectors of data that must be kept.
        dirty_sectors, with_dirty_sectors: u16 = 16..=31;
        /// Sectors of cached data.
        cached_sectors, with_cached_sectors: u16 = 32..=47;
        /// Low bits of the journal sequence that last changed it.
        journal_seq, with_journal_seq: u16 = 48..=63;
    }
}

impl BucketMark {
    /// The data type.
    #[inline]
    #[must_use]
    pub const fn data_type(self) -> DataType {
        DataType(self.data_type_raw())
    }

    /// The mark with another data type, cut to 3 bits.
    #[inline]
    #[must_use]
    pub const fn with_data_type(self, t: DataType) -> Self {
        self.with_data_type_raw(t.0)
    }
}

/// One bucket (`struct bucket`).
///
/// Other threads, some of them in C, write it: every field is atomic, so a
/// shared reference over that memory is sound.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Bucket {
    /// The mark, a [`BucketMark`].
    pub mark: AtomicU64,
    /// Time of last read and last write, in units of the io clocks.
    pub io_time: [AtomicU16; 2],
    /// Oldest generation any pointer still has.
    pub oldest_gen: AtomicU8,
    /// The oldest generation while it is recomputed.
    pub gc_gen: AtomicU8,
    /// Bit 0: the generation is known.
    pub flags: AtomicU8,
    /// Unused.
    pub pad: AtomicU8,
}

const GEN_VALID: u8 = 1;

impl Bucket {
    /// The mark, read whole.
    #[inline]
    pub fn load_mark(&self, order: Ordering) -> BucketMark {
        BucketMark(self.mark.load(order))
    }

    /// Writes what is counted, while nobody else has the bucket.
    #[inline]
    pub fn begin(&self, mark: BucketMark, oldest_gen: u8, gen_valid: bool) {
        self.mark.store(mark.0, Ordering::Relaxed);
        self.oldest_gen.store(oldest_gen, Ordering::Relaxed);
        self.flags.store(if gen_valid { GEN_VALID } else { 0 }, Ordering::Relaxed);
    }

    /// Whether the generation is known.
    #[inline]
    pub fn gen_valid(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & GEN_VALID != 0
    }

    /// Notes whether the generation is known; leaves the other bits.
    #[inline]
    pub fn set_gen_valid(&self, on: bool) {
        if on {
            self.flags.fetch_or(GEN_VALID, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!GEN_VALID, Ordering::Relaxed);
        }
    }
}

/// Head of a device's buckets (`struct bucket_array`); `nbuckets` buckets follow.
#[derive(Debug)]
#[repr(C)]
pub struct BucketArray {
    /// The C side's own.
    pub rcu: [usize; 2],
    /// First bucket in use.
    pub first_bucket: u16,
    /// Number of buckets, those before the first in use included.
    pub nbuckets: usize,
    /// The buckets.
    pub b: [Bucket; 0],
}

/// Bit fields in bytes of this area.
pub const BYTE_BITS: &[BitField] =
    &[BitField { c_struct: "struct bucket", field: "gen_valid", lo: 112, hi: 112 }];

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    BucketMark = "struct bucket_mark" size 8 align 8 {;
        also "v" = 0, "gen" = 0, "dirty_sectors" = 2, "cached_sectors" = 4, "journal_seq" = 6
    }
    Bucket = "struct bucket" size 16 align 8 {
        mark = 0, io_time = 8, oldest_gen = 12, gc_gen = 13; also "_mark" = 0
    }
    BucketArray = "struct bucket_array" size 32 align 8 {
        rcu = 0, first_bucket = 16, nbuckets = 24, b = 32
    }
}

static_assertions::const_assert_eq!(core::mem::offset_of!(Bucket, flags), 14);

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the bytes of the word, where the layout puts byte-wide fields.
    #[test]
    fn mark_fields_are_their_bytes() {
        let m = BucketMark(0)
            .with_gen(0x11)
            .with_data_type(DataType::CACHED)
            .with_stripe(true)
            .with_dirty_sectors(0x2233)
            .with_cached_sectors(0x4455)
            .with_journal_seq(0x6677);
        assert_eq!(m.0.to_le_bytes(), [0x11, 0x25, 0x33, 0x22, 0x55, 0x44, 0x77, 0x66]);
        assert_eq!(m.data_type(), DataType::CACHED);
        assert!(!m.owned_by_allocator() && !m.journal_seq_valid() && m.stripe());
    }

    // Oracle: the bit measured at 112, i.e. bit 0 of byte 14.
    #[test]
    fn gen_valid_keeps_its_neighbours() {
        let b = Bucket::default();
        b.flags.store(0xf0, Ordering::Relaxed);
        b.set_gen_valid(true);
        assert_eq!(b.flags.load(Ordering::Relaxed), 0xf1);
        b.set_gen_valid(false);
        assert_eq!(b.flags.load(Ordering::Relaxed), 0xf0);
        assert!(!b.gen_valid());
    }
}
