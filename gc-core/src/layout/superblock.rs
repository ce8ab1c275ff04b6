// SPDX-License-Identifier: GPL-2.0-only
//! Where superblocks lie, and flags of the file system.

use super::describe::{layouts, numbers};
use super::le::Le64;

/// Where a device's superblocks lie (`struct bch_sb_layout`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct SbLayout {
    /// Says that this is one.
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
    SbLayout = "struct bch_sb_layout" size 512 align 8 {
        magic = 0, layout_type = 16, sb_max_size_bits = 17, nr_superblocks = 18, sb_offset = 24
    }
}
