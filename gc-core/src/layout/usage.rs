// SPDX-License-Identifier: GPL-2.0-only
//! Usage of the file system and of devices. Units are sectors of 512 bytes
//! unless a field says buckets.

use super::describe::layouts;

/// Usage of the file system (`struct bch_fs_usage`); one number for each set of
/// the replicas table follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct FsUsage {
    /// Reserved in memory; not touched by mark and sweep.
    pub online_reserved: u64,
    /// Superblocks and journal.
    pub hidden: u64,
    /// Btree nodes.
    pub btree: u64,
    /// User data.
    pub data: u64,
    /// Cached copies.
    pub cached: u64,
    /// Persistent reservations times their replicas.
    pub reserved: u64,
    /// Inodes.
    pub nr_inodes: u64,
    /// Persistent reservations by number of replicas, less one.
    pub persistent_reserved: [u64; 4],
    /// By set of devices.
    pub replicas: [u64; 0],
}

/// Words of [`FsUsage`] before the sets.
pub const FS_USAGE_U64S: usize = 11;
/// Names of these words, in their order.
pub const FS_USAGE_NAMES: [&str; FS_USAGE_U64S] = [
    "online_reserved",
    "hidden",
    "btree",
    "data",
    "cached",
    "reserved",
    "nr_inodes",
    "persistent_reserved[0]",
    "persistent_reserved[1]",
    "persistent_reserved[2]",
    "persistent_reserved[3]",
];
/// First word of [`FsUsage`] that mark and sweep recomputes (source: `gc_start`).
pub const FS_USAGE_GC_START: usize = 1;

/// Usage of a device (`struct bch_dev_usage`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct DevUsage {
    /// Buckets by data type.
    pub buckets: [u64; 6],
    /// Buckets the allocator has.
    pub buckets_alloc: u64,
    /// Buckets in stripes.
    pub buckets_ec: u64,
    /// Buckets that cannot be allocated.
    pub buckets_unavailable: u64,
    /// Sectors by data type, as on disk.
    pub sectors: [u64; 6],
    /// Sectors lost in buckets partly used.
    pub sectors_fragmented: u64,
}

/// Words of [`DevUsage`].
pub const DEV_USAGE_U64S: usize = 16;

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    FsUsage = "struct bch_fs_usage" size 88 align 8 {
        online_reserved = 0, hidden = 8, btree = 16, data = 24, cached = 32, reserved = 40,
        nr_inodes = 48, persistent_reserved = 56, replicas = 88;
        also "gc_start" = 8
    }
    DevUsage = "struct bch_dev_usage" size 128 align 8 {
        buckets = 0, buckets_alloc = 48, buckets_ec = 56, buckets_unavailable = 64, sectors = 72,
        sectors_fragmented = 120
    }
}
