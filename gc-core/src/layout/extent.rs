// SPDX-License-Identifier: GPL-2.0-only
//! The entries of an extent's value: words of bit fields.
//!
//! The type of an entry is the position of its lowest set bit.

use super::Le64;
use super::describe::{layouts, open_enum, word_bits};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

open_enum! {
    /// Type of an extent entry (`enum bch_extent_entry_type`).
    pub struct ExtentEntryType(u32);
    /// Numbers of the entry types.
    pub const ENTRY_TYPES;
    /// [`ExtentPtr`].
    PTR = 0, "BCH_EXTENT_ENTRY_ptr";
    /// [`ExtentCrc32`].
    CRC32 = 1, "BCH_EXTENT_ENTRY_crc32";
    /// [`ExtentCrc64`].
    CRC64 = 2, "BCH_EXTENT_ENTRY_crc64";
    /// [`ExtentCrc128`].
    CRC128 = 3, "BCH_EXTENT_ENTRY_crc128";
    /// [`ExtentStripePtr`].
    STRIPE_PTR = 4, "BCH_EXTENT_ENTRY_stripe_ptr";
    /// One past the last type.
    MAX = 5, "BCH_EXTENT_ENTRY_MAX";
}

impl ExtentEntryType {
    /// Type of the entry that starts with `word`; [`Self::MAX`] or above if it
    /// is none that is known (also for a word of zero).
    #[inline]
    #[must_use]
    pub const fn of_word(word: u64) -> Self {
        Self(word.trailing_zeros())
    }

    /// Length of an entry of this type in u64s, `None` for an unknown type.
    #[inline]
    #[must_use]
    pub const fn u64s(self) -> Option<usize> {
        match self {
            Self::PTR | Self::CRC32 | Self::STRIPE_PTR => Some(1),
            Self::CRC64 => Some(2),
            Self::CRC128 => Some(3),
            _ => None,
        }
    }
}

open_enum! {
    /// Checksum of an extent or a node (`enum bch_csum_type`).
    pub struct CsumType(u8);
    /// Numbers of the checksum types.
    pub const CSUM_TYPES;
    /// None.
    NONE = 0, "BCH_CSUM_NONE";
    /// crc32c, start value all ones.
    CRC32C_NONZERO = 1, "BCH_CSUM_CRC32C_NONZERO";
    /// crc64, start value all ones.
    CRC64_NONZERO = 2, "BCH_CSUM_CRC64_NONZERO";
    /// chacha20 and poly1305, 80 bits kept.
    CHACHA20_POLY1305_80 = 3, "BCH_CSUM_CHACHA20_POLY1305_80";
    /// chacha20 and poly1305, 128 bits kept.
    CHACHA20_POLY1305_128 = 4, "BCH_CSUM_CHACHA20_POLY1305_128";
    /// crc32c, start value zero.
    CRC32C = 5, "BCH_CSUM_CRC32C";
    /// crc64, start value zero.
    CRC64 = 6, "BCH_CSUM_CRC64";
    /// One past the last.
    NR = 7, "BCH_CSUM_NR";
}

open_enum! {
    /// Compression of an extent (`enum bch_compression_type`).
    pub struct CompressionType(u8);
    /// Numbers of the compression types.
    pub const COMPRESSION_TYPES;
    /// None.
    NONE = 0, "BCH_COMPRESSION_TYPE_none";
    /// lz4, first framing.
    LZ4_OLD = 1, "BCH_COMPRESSION_TYPE_lz4_old";
    /// gzip.
    GZIP = 2, "BCH_COMPRESSION_TYPE_gzip";
    /// lz4.
    LZ4 = 3, "BCH_COMPRESSION_TYPE_lz4";
    /// zstd.
    ZSTD = 4, "BCH_COMPRESSION_TYPE_zstd";
    /// Tried and left as it was.
    INCOMPRESSIBLE = 5, "BCH_COMPRESSION_TYPE_incompressible";
    /// One past the last.
    NR = 6, "BCH_COMPRESSION_TYPE_NR";
}

/// A checksum (`struct bch_csum`), little endian.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C, align(8))]
pub struct Csum {
    /// Low 64 bits.
    pub lo: Le64,
    /// High 64 bits.
    pub hi: Le64,
}

/// Pointer to sectors of a device (`struct bch_extent_ptr`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(transparent)]
pub struct ExtentPtr(pub u64);

/// Checksum entry of 32 bits (`struct bch_extent_crc32`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(transparent)]
pub struct ExtentCrc32(pub u64);

/// Checksum entry of 80 bits (`struct bch_extent_crc64`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C)]
pub struct ExtentCrc64 {
    /// The word of bit fields.
    pub w0: u64,
    /// Low 64 bits of the checksum.
    pub csum_lo: u64,
}

/// Checksum entry of 128 bits (`struct bch_extent_crc128`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C)]
pub struct ExtentCrc128 {
    /// The word of bit fields.
    pub w0: u64,
    /// The checksum.
    pub csum: Csum,
}

/// Says that the next pointer lies in a stripe (`struct bch_extent_stripe_ptr`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(transparent)]
pub struct ExtentStripePtr(pub u64);

/// Reservation as an entry (`struct bch_extent_reservation`); no entry type is
/// assigned to it in this format version.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(transparent)]
pub struct ExtentReservation(pub u64);

/// Room for any entry (`union bch_extent_entry`): its first word tells the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C)]
pub struct ExtentEntry {
    /// First word; its lowest set bit is the type.
    pub type_: u64,
    /// Second and third word, as far as the type has them.
    pub rest: [u64; 2],
}

word_bits! {
    /// Bit fields of this area.
    pub const BITS;
    ExtentPtr . 0 = "struct bch_extent_ptr" {
        /// Type mark: set.
        type_mark, with_type_mark: bool = 0..=0 as "type";
        /// Whether the data is only a cached copy.
        cached, with_cached: bool = 1..=1;
        /// Unused bit.
        unused, with_unused: bool = 2..=2;
        /// Whether nothing was written yet.
        reservation, with_reservation: bool = 3..=3;
        /// First sector on the device.
        offset, with_offset: u64 = 4..=47;
        /// Device index.
        dev, with_dev: u8 = 48..=55;
        /// Generation of the bucket when the pointer was made.
        gen_, with_gen: u8 = 56..=63 as "gen";
    }
    ExtentCrc32 . 0 = "struct bch_extent_crc32" {
        /// Type mark: 2.
        type_mark, with_type_mark: u8 = 0..=1 as "type";
        /// Sectors on disk, less one.
        compressed_size_raw, with_compressed_size_raw: u32 = 2..=8 as "_compressed_size";
        /// Sectors of data, less one.
        uncompressed_size_raw, with_uncompressed_size_raw: u32 = 9..=15 as "_uncompressed_size";
        /// First live sector within the data.
        offset, with_offset: u16 = 16..=22;
        /// Unused bit.
        unused, with_unused: bool = 23..=23 as "_unused";
        /// Checksum type.
        csum_type, with_csum_type: u8 = 24..=27;
        /// Compression type.
        compression_type, with_compression_type: u8 = 28..=31;
        /// The checksum.
        csum, with_csum: u32 = 32..=63;
    }
    ExtentCrc64 . w0 = "struct bch_extent_crc64" {
        /// Type mark: 4.
        type_mark, with_type_mark: u8 = 0..=2 as "type";
        /// Sectors on disk, less one.
        compressed_size_raw, with_compressed_size_raw: u32 = 3..=11 as "_compressed_size";
        /// Sectors of data, less one.
        uncompressed_size_raw, with_uncompressed_size_raw: u32 = 12..=20 as "_uncompressed_size";
        /// First live sector within the data.
        offset, with_offset: u16 = 21..=29;
        /// Nonce.
        nonce, with_nonce: u16 = 30..=39;
        /// Checksum type.
        csum_type, with_csum_type: u8 = 40..=43;
        /// Compression type.
        compression_type, with_compression_type: u8 = 44..=47;
        /// High 16 bits of the checksum.
        csum_hi, with_csum_hi: u16 = 48..=63;
    }
    ExtentCrc128 . w0 = "struct bch_extent_crc128" {
        /// Type mark: 8.
        type_mark, with_type_mark: u8 = 0..=3 as "type";
        /// Sectors on disk, less one.
        compressed_size_raw, with_compressed_size_raw: u32 = 4..=16 as "_compressed_size";
        /// Sectors of data, less one.
        uncompressed_size_raw, with_uncompressed_size_raw: u32 = 17..=29 as "_uncompressed_size";
        /// First live sector within the data.
        offset, with_offset: u16 = 30..=42;
        /// Nonce.
        nonce, with_nonce: u16 = 43..=55;
        /// Checksum type.
        csum_type, with_csum_type: u8 = 56..=59;
        /// Compression type.
        compression_type, with_compression_type: u8 = 60..=63;
    }
    ExtentStripePtr . 0 = "struct bch_extent_stripe_ptr" {
        /// Type mark: 16.
        type_mark, with_type_mark: u8 = 0..=4 as "type";
        /// Block of the stripe.
        block, with_block: u8 = 5..=12;
        /// Index of the stripe.
        idx, with_idx: u64 = 13..=63;
    }
    ExtentReservation . 0 = "struct bch_extent_reservation" {
        /// Type mark: 32.
        type_mark, with_type_mark: u8 = 0..=5 as "type";
        /// Unused bits.
        unused, with_unused: u32 = 6..=27;
        /// Replicas reserved.
        replicas, with_replicas: u8 = 28..=31;
        /// Generation.
        generation, with_generation: u32 = 32..=63;
    }
}

impl ExtentPtr {
    /// A pointer with its type mark set.
    #[inline]
    #[must_use]
    pub const fn new(dev: u8, offset: u64, gen_: u8) -> Self {
        Self(1).with_dev(dev).with_offset(offset).with_gen(gen_)
    }
}

impl ExtentStripePtr {
    /// A stripe pointer with its type mark set.
    #[inline]
    #[must_use]
    pub const fn new(idx: u64, block: u8) -> Self {
        Self(16).with_block(block).with_idx(idx)
    }
}

/// A checksum entry of any size, unpacked (`struct bch_extent_crc_unpacked`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct CrcUnpacked {
    /// Sectors on disk.
    pub compressed_size: u32,
    /// Sectors of data when written.
    pub uncompressed_size: u32,
    /// Sectors of the key that still refers to it.
    pub live_size: u32,
    /// Checksum type.
    pub csum_type: CsumType,
    /// Compression type.
    pub compression_type: CompressionType,
    /// First live sector within the data.
    pub offset: u16,
    /// Nonce.
    pub nonce: u16,
    /// The checksum.
    pub csum: Csum,
}

impl CrcUnpacked {
    /// Whether the data on disk is compressed (source: `crc_is_compressed`:
    /// incompressible counts as not).
    #[inline]
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        !matches!(self.compression_type, CompressionType::NONE | CompressionType::INCOMPRESSIBLE)
    }
}

/// A pointer with all that the entries before it say (`struct extent_ptr_decoded`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct ExtentPtrDecoded {
    /// Always 0 when decoded from a key.
    pub idx: u32,
    /// Whether `ec` is meant.
    pub has_ec: bool,
    /// Checksum and compression.
    pub crc: CrcUnpacked,
    /// The pointer.
    pub ptr: ExtentPtr,
    /// The stripe that holds it, if `has_ec`.
    pub ec: ExtentStripePtr,
}

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    Csum = "struct bch_csum" size 16 align 8 { lo = 0, hi = 8 }
    ExtentPtr = "struct bch_extent_ptr" size 8 align 8 {}
    ExtentCrc32 = "struct bch_extent_crc32" size 8 align 8 {; also "csum" = 4 }
    ExtentCrc64 = "struct bch_extent_crc64" size 16 align 8 { csum_lo = 8 }
    ExtentCrc128 = "struct bch_extent_crc128" size 24 align 8 { csum = 8 }
    ExtentStripePtr = "struct bch_extent_stripe_ptr" size 8 align 8 {}
    ExtentReservation = "struct bch_extent_reservation" size 8 align 8 {}
    ExtentEntry = "union bch_extent_entry" size 24 align 8 {
        type_ as "type" = 0;
        also "ptr" = 0, "crc32" = 0, "crc64" = 0, "crc128" = 0, "stripe_ptr" = 0
    }
    CrcUnpacked = "struct bch_extent_crc_unpacked" size 40 align 8 {
        compressed_size = 0, uncompressed_size = 4, live_size = 8, csum_type = 12,
        compression_type = 13, offset = 14, nonce = 16, csum = 24
    }
    ExtentPtrDecoded = "struct extent_ptr_decoded" size 64 align 8 {
        idx = 0, has_ec = 4, crc = 8, ptr = 48, ec = 56
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the words written out by hand from the measured bit positions.
    #[test]
    fn bit_fields_lie_where_measured() {
        let p = ExtentPtr::new(0xab, 0x0012_3456_789a, 0xcd).with_cached(true);
        assert_eq!(p.0, 0xcdab_0123_4567_89a3);
        assert_eq!((p.dev(), p.offset(), p.gen_()), (0xab, 0x0012_3456_789a, 0xcd));
        assert!(p.cached() && !p.reservation() && p.type_mark());
        let c = ExtentCrc32(2).with_compressed_size_raw(0x7f).with_csum(0xdead_beef);
        assert_eq!(c.0, 0xdead_beef_0000_01fe);
        let s = ExtentStripePtr::new(1, 2);
        assert_eq!(s.0, (1 << 13) | (2 << 5) | 16);
        let c = ExtentCrc128 { w0: 0, csum: Csum::default() }.with_nonce(0x1fff);
        assert_eq!(c.w0, 0x1fff << 43);
    }

    // Oracle: C's rule that a bit field keeps the low bits of what is stored.
    #[test]
    fn stores_cut_to_the_width() {
        assert_eq!(ExtentPtr(0).with_offset(u64::MAX).0, 0x0000_ffff_ffff_fff0);
        assert_eq!(ExtentCrc64::default().with_nonce(0xffff).nonce(), 0x3ff);
    }
}
