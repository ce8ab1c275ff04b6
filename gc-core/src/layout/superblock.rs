// SPDX-License-Identifier: GPL-2.0-only
//! The head of a superblock, where superblocks lie, and flags of the file system.

use super::describe::{layouts, numbers, on_disk, word_bits};
use super::{Le16, Le32, Le64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Says that something is a superblock, or the layout of superblocks; written in 2020.
pub const MAGIC: [u8; 16] = [
    0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f, 0x48, 0xba, 0x6d, 0x81,
];
/// The magic that later programs write, whatever the version of the format.
pub const MAGIC_LATER: [u8; 16] = [
    0xc6, 0x85, 0x73, 0xf6, 0x66, 0xce, 0x90, 0xa9, 0xd9, 0x6a, 0x60, 0xcf, 0x80, 0x3d, 0xf7, 0xef,
];
/// The first word of a superblock's `uuid` with these bits flipped is the magic of a
/// journal entry.
pub const JSET_MAGIC: u64 = 0x2452_35c1_a362_5032;
/// The first word of a superblock's `uuid` with these bits flipped is the magic of a
/// btree node.
pub const BSET_MAGIC: u64 = 0x9013_5c78_b99e_07f5;

/// Where a device's superblocks lie (`struct bch_sb_layout`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SbLayout {
    /// [`MAGIC`] or [`MAGIC_LATER`].
    pub magic: [u8; 16],
    /// 0.
    pub layout_type: u8,
    /// Greatest size of a superblock, a power of two in sectors.
    pub sb_max_size_bits: u8,
    /// Number of superblocks.
    pub nr_superblocks: u8,
    /// Unused.
    pub pad: [u8; 5],
    /// First sector of each.
    pub sb_offset: [Le64; 61],
}

/// The head of a superblock (`struct bch_sb`); sections follow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Sb {
    /// Checksum of all that follows it, sections included.
    pub csum: [u8; 16],
    /// Format version.
    pub version: Le16,
    /// Oldest format version that anything in the file system has.
    pub version_min: Le16,
    /// Unused.
    pub pad: [Le16; 2],
    /// [`MAGIC`] or [`MAGIC_LATER`].
    pub magic: [u8; 16],
    /// Internal identity.
    pub uuid: [u8; 16],
    /// Identity that users see.
    pub user_uuid: [u8; 16],
    /// Name that users gave.
    pub label: [u8; 32],
    /// Sector of this copy.
    pub offset: Le64,
    /// Number of this state of the superblock: each time it is written, one more.
    pub seq: Le64,
    /// Sectors of a block.
    pub block_size: Le16,
    /// Index of this device.
    pub dev_idx: u8,
    /// Slots for members.
    pub nr_devices: u8,
    /// Length of all sections, in u64s.
    pub u64s: Le32,
    /// What times count from, in nanoseconds: the low part.
    pub time_base_lo: Le64,
    /// The high part.
    pub time_base_hi: Le32,
    /// Nanoseconds of a unit of time.
    pub time_precision: Le32,
    /// Options and states: see [`SbFlags0`] and [`SbFlags1`].
    pub flags: [Le64; 8],
    /// What a reader must know.
    pub features: [Le64; 2],
    /// What a reader may rely on.
    pub compat: [Le64; 2],
    /// The layout, as in its own sector.
    pub layout: SbLayout,
}

/// The first word of flags of a superblock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SbFlags0(pub u64);

/// The second word of flags of a superblock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SbFlags1(pub u64);

word_bits! {
    /// Bit fields of the words of flags, from the start of their word.
    pub const FLAG_BITS;
    SbFlags0 . 0 = "struct bch_sb" {
        /// Whether it was mounted at least once.
        initialized, with_initialized: bool = 0..=0 as "INITIALIZED";
        /// Whether it was shut down cleanly.
        clean, with_clean: bool = 1..=1 as "CLEAN";
        /// Checksum type of the superblock itself.
        csum_type, with_csum_type: u8 = 2..=7 as "CSUM_TYPE";
        /// What is done about an error.
        error_action, with_error_action: u8 = 8..=11 as "ERROR_ACTION";
        /// Sectors of a btree node.
        btree_node_size, with_btree_node_size: u16 = 12..=27 as "BTREE_NODE_SIZE";
        /// Percent of space kept for moving data.
        gc_reserve, with_gc_reserve: u8 = 28..=32 as "GC_RESERVE";
        /// Percent of space kept for root.
        root_reserve, with_root_reserve: u8 = 33..=39 as "ROOT_RESERVE";
        /// Checksum option for metadata.
        meta_csum_type, with_meta_csum_type: u8 = 40..=43 as "META_CSUM_TYPE";
        /// Checksum option for data.
        data_csum_type, with_data_csum_type: u8 = 44..=47 as "DATA_CSUM_TYPE";
        /// Metadata replicas wanted.
        meta_replicas_want, with_meta_replicas_want: u8 = 48..=51 as "META_REPLICAS_WANT";
        /// Data replicas wanted.
        data_replicas_want, with_data_replicas_want: u8 = 52..=55 as "DATA_REPLICAS_WANT";
        /// Options that nothing here reads.
        other_options, with_other_options: u8 = 56..=63 as "options";
    }
    SbFlags1 . 0 = "struct bch_sb" {
        /// Type of the hash of names.
        str_hash_type, with_str_hash_type: u8 = 0..=3 as "STR_HASH_TYPE";
        /// Compression option.
        compression_type, with_compression_type: u8 = 4..=7 as "COMPRESSION_TYPE";
        /// Whether checksums of encrypted data keep all bits.
        wide_macs, with_wide_macs: bool = 9..=9 as "128_BIT_MACS";
        /// Encryption in use.
        encryption_type, with_encryption_type: u8 = 10..=13 as "ENCRYPTION_TYPE";
        /// Most sectors of an encoded extent, as a power of two.
        encoded_extent_max_bits, with_encoded_extent_max_bits: u8 = 14..=19 as "ENCODED_EXTENT_MAX_BITS";
        /// Metadata replicas required.
        meta_replicas_req, with_meta_replicas_req: u8 = 20..=23 as "META_REPLICAS_REQ";
        /// Data replicas required.
        data_replicas_req, with_data_replicas_req: u8 = 24..=27 as "DATA_REPLICAS_REQ";
    }
}

/// Whether it is one of the two magics. Which one says nothing about the version.
#[must_use]
pub fn is_magic(bytes: &[u8; 16]) -> bool {
    [MAGIC, MAGIC_LATER].contains(bytes)
}

impl SbLayout {
    /// Whether it is one at all.
    #[must_use]
    pub fn is_magic(&self) -> bool {
        is_magic(&self.magic)
    }

    /// Sectors that a superblock may take; the width is cut as the original's shift of a
    /// 32-bit number is.
    #[inline]
    #[must_use]
    pub const fn max_sectors(&self) -> u64 {
        super::bits::from32(
            1_u32.wrapping_shl(super::bits::low32(super::bits::from8(self.sb_max_size_bits))),
        )
    }

    /// First sectors of the copies, as many as there is room for.
    pub fn offsets(&self) -> impl Iterator<Item = u64> + use<'_> {
        self.sb_offset.iter().take(usize::from(self.nr_superblocks)).map(|sector| sector.get())
    }
}

impl Sb {
    /// The first word of flags.
    #[inline]
    #[must_use]
    pub const fn flags0(&self) -> SbFlags0 {
        let [word, ..] = self.flags;
        SbFlags0(word.get())
    }

    /// The second word of flags.
    #[inline]
    #[must_use]
    pub const fn flags1(&self) -> SbFlags1 {
        let [_, word, ..] = self.flags;
        SbFlags1(word.get())
    }

    /// What the magics of journal entries and nodes are made of: the first word of the
    /// internal identity.
    #[inline]
    #[must_use]
    pub const fn magic_seed(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.uuid;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

numbers! {
    /// Numbers of superblocks and file-system flags.
    pub const NUMBERS;
    /// Sector of the first superblock.
    BCH_SB_SECTOR: u64 = 8;
    /// Sector of the layout.
    BCH_SB_LAYOUT_SECTOR: u64 = 7;
    /// Most devices of a file system.
    BCH_SB_MEMBERS_MAX: usize = 64;
    /// Compat bit: usage is in the journal.
    BCH_COMPAT_FEAT_ALLOC_INFO: u32 = 0;
    /// Compat bit: the alloc btree covers all metadata buckets.
    BCH_COMPAT_FEAT_ALLOC_METADATA: u32 = 1;
    /// Bit number: fsck is done.
    BCH_FS_FSCK_DONE: u32 = 6;
    /// Bit number: the first mark and sweep is done.
    BCH_FS_INITIAL_GC_DONE: u32 = 4;
    /// Bit number: an error was met.
    BCH_FS_ERROR: u32 = 12;
    /// Bit number: errors were repaired.
    BCH_FS_ERRORS_FIXED: u32 = 13;
    /// Bit number: generations were repaired.
    BCH_FS_FIXED_GENS: u32 = 15;
    /// Bit number: the replicas table is built anew.
    BCH_FS_REBUILD_REPLICAS: u32 = 17;
    /// Index of the time statistics of mark and sweep.
    BCH_TIME_BTREE_GC: u32 = 4, "BCH_TIME_btree_gc";
    /// Direction of an io clock.
    IO_CLOCK_WRITE: u32 = 1, "WRITE";
    /// Size of a page in bytes.
    PAGE_SIZE: usize = 4096;
}

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    SbLayout = "struct bch_sb_layout" size 512 align 8 here 1 {
        magic = 0, layout_type = 16, sb_max_size_bits = 17, nr_superblocks = 18, sb_offset = 24
    }
}

on_disk! {
    Sb size 752 {
        csum = 0, version = 16, version_min = 18, pad = 20, magic = 24, uuid = 40,
        user_uuid = 56, label = 72, offset = 104, seq = 112, block_size = 120, dev_idx = 122,
        nr_devices = 123, u64s = 124, time_base_lo = 128, time_base_hi = 136,
        time_precision = 140, flags = 144, features = 208, compat = 224, layout = 240
    }
}
