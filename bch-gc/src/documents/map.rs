// SPDX-License-Identifier: GPL-2.0-only
//! The document of `bch-gc map --json`.

use super::{Format, document};
use gc_v0::map::{Cell, Grid};

document! {
    /// Each device as a row of cells.
    pub struct Map {
        /// Version of the document.
        pub format: Format<2>,
        /// What mark and sweep returned.
        pub ret: i32,
        /// The members.
        pub devices: Vec<MapDevice>,
    }

    /// A member.
    pub struct MapDevice {
        /// Index of the device.
        pub device: u8,
        /// Sectors of a bucket.
        pub bucket_sectors: u64,
        /// Buckets that a cell stands for; the last may stand for fewer.
        pub buckets_per_cell: u64,
        /// The cells, by ascending number of their buckets.
        pub cells: Vec<MapCell>,
    }

    /// Some buckets that follow each other.
    pub struct MapCell {
        /// Number of buckets by what they hold.
        pub buckets: PerClass,
        /// Sectors in use, by what the buckets hold.
        pub sectors: SectorsPerClass,
        /// Buckets that findings name.
        pub findings: u64,
    }

    /// Buckets by what they hold.
    pub struct PerClass {
        /// Superblocks.
        pub superblock: u64,
        /// Journal.
        pub journal: u64,
        /// Btree nodes.
        pub btree: u64,
        /// Data that must be kept.
        pub data: u64,
        /// Cached copies alone.
        pub cached: u64,
        /// Nothing.
        pub free: u64,
    }

    /// Sectors by what their buckets hold; cached sectors count for cached ones wherever
    /// they are.
    pub struct SectorsPerClass {
        /// Superblocks.
        pub superblock: u64,
        /// Journal.
        pub journal: u64,
        /// Btree nodes.
        pub btree: u64,
        /// Data that must be kept.
        pub data: u64,
        /// Cached copies.
        pub cached: u64,
    }
}

impl From<&Cell> for MapCell {
    fn from(c: &Cell) -> Self {
        let [superblock, journal, btree, data, cached, free] = c.by_class;
        let buckets = PerClass { superblock, journal, btree, data, cached, free };
        let [superblock, journal, btree, data, cached] = c.sectors;
        let sectors = SectorsPerClass { superblock, journal, btree, data, cached };
        Self { buckets, sectors, findings: c.findings }
    }
}

impl From<&Grid> for MapDevice {
    fn from(grid: &Grid) -> Self {
        Self {
            device: grid.dev,
            bucket_sectors: grid.bucket_size,
            buckets_per_cell: grid.per_cell,
            cells: grid.cells.iter().map(MapCell::from).collect(),
        }
    }
}
