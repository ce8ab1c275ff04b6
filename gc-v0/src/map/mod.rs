// SPDX-License-Identifier: GPL-2.0-only
//! A device as a grid of cells: what its buckets hold, how full they are, and where
//! findings are.

mod observer;
pub mod svg;

pub use observer::FindingPlaces;

use crate::fs::Device;
use gc_core::accounting::bucket_type;
use gc_core::layout::{BucketMark, DataType};
use std::sync::atomic::Ordering;

/// What buckets are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Superblocks.
    Sb,
    /// Journal.
    Journal,
    /// Btree nodes.
    Btree,
    /// Data that must be kept.
    Data,
    /// Cached copies alone.
    Cached,
    /// Nothing.
    Free,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Sb, Self::Journal, Self::Btree, Self::Data, Self::Cached, Self::Free];

    /// Of a bucket.
    #[must_use]
    pub fn of(mark: BucketMark) -> Self {
        match bucket_type(mark) {
            DataType::SB => Self::Sb,
            DataType::JOURNAL => Self::Journal,
            DataType::BTREE => Self::Btree,
            DataType::CACHED => Self::Cached,
            DataType::USER if mark.dirty_sectors() == 0 => Self::Cached,
            DataType::USER => Self::Data,
            _ => Self::Free,
        }
    }

    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sb => "superblock",
            Self::Journal => "journal",
            Self::Btree => "btree",
            Self::Data => "data",
            Self::Cached => "cached",
            Self::Free => "free",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Sb => 0,
            Self::Journal => 1,
            Self::Btree => 2,
            Self::Data => 3,
            Self::Cached => 4,
            Self::Free => 5,
        }
    }
}

/// Some buckets that follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    /// Number of buckets.
    pub buckets: u64,
    /// Buckets of each of [`Class::ALL`].
    pub by_class: [u64; 6],
    /// Sectors in use in buckets of each class but the last; cached sectors count for
    /// cached ones wherever they are.
    pub sectors: [u64; 5],
    /// Buckets that findings name.
    pub findings: u64,
}

impl Cell {
    fn add(&mut self, mark: BucketMark) {
        let class = Class::of(mark);
        self.buckets = self.buckets.saturating_add(1);
        if let Some(n) = self.by_class.get_mut(class.index()) {
            *n = n.saturating_add(1);
        }
        let (dirty, cached) = (u64::from(mark.dirty_sectors()), u64::from(mark.cached_sectors()));
        for (class, sectors) in [(class, dirty), (Class::Cached, cached)] {
            if let Some(n) = self.sectors.get_mut(class.index()) {
                *n = n.saturating_add(sectors);
            }
        }
    }

    /// What most of its buckets in use hold; free only if none is in use.
    #[must_use]
    pub fn class(&self) -> Class {
        let used = Class::ALL.into_iter().zip(self.by_class).filter(|(c, _)| *c != Class::Free);
        // Of equal ones the first.
        let most = used.rev().max_by_key(|(_, n)| *n).filter(|(_, n)| *n > 0);
        most.map_or(Class::Free, |(c, _)| c)
    }

    /// Sectors in use.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.sectors.iter().fold(0, |n, s| n.saturating_add(*s))
    }
}

/// A device as cells of equally many buckets, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Index of the device.
    pub dev: u8,
    /// Buckets of a cell; the last one may have fewer.
    pub per_cell: u64,
    /// Sectors of a bucket.
    pub bucket_size: u64,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// Fewest buckets a cell can have for there to be no more than `max` cells: 1, 2 or 5
/// times a power of ten, so that people can count in them.
#[must_use]
pub fn per_cell(nbuckets: u64, max: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for times in [1, 2, 5] {
            let per = step.saturating_mul(times);
            if nbuckets.div_ceil(per) <= max.max(1) {
                return per;
            }
        }
        step = step.saturating_mul(10);
    }
}

impl Grid {
    /// Of marks in the order of their buckets, with at most `max` cells.
    #[must_use]
    pub fn of_marks(
        dev: u8,
        bucket_size: u64,
        marks: impl ExactSizeIterator<Item = BucketMark>,
        findings: impl Iterator<Item = u64>,
        max: u64,
    ) -> Self {
        let nbuckets = u64::try_from(marks.len()).unwrap_or(u64::MAX);
        let per_cell = per_cell(nbuckets, max);
        let mut cells = Vec::new();
        let mut cell = Cell::default();
        for mark in marks {
            cell.add(mark);
            if cell.buckets == per_cell {
                cells.push(core::mem::take(&mut cell));
            }
        }
        if cell.buckets > 0 {
            cells.push(cell);
        }
        for bucket in findings {
            let at = bucket.checked_div(per_cell).and_then(|c| usize::try_from(c).ok());
            if let Some(cell) = at.and_then(|at| cells.get_mut(at)) {
                cell.findings = cell.findings.saturating_add(1);
            }
        }
        Self { dev, per_cell, bucket_size, cells }
    }

    /// Of a device as it is now.
    #[must_use]
    pub fn of(dev: u8, device: &Device, findings: &FindingPlaces, max: u64) -> Self {
        let marks = device.buckets.iter().map(|b| b.load_mark(Ordering::Relaxed));
        let size = u64::from(device.member.bucket_size);
        Self::of_marks(dev, size, marks, findings.of(dev), max)
    }

    /// All cells in one.
    #[must_use]
    pub fn total(&self) -> Cell {
        let mut all = Cell::default();
        for c in &self.cells {
            all.buckets = all.buckets.saturating_add(c.buckets);
            all.findings = all.findings.saturating_add(c.findings);
            for (to, n) in all.by_class.iter_mut().zip(c.by_class) {
                *to = to.saturating_add(n);
            }
            for (to, n) in all.sectors.iter_mut().zip(c.sectors) {
                *to = to.saturating_add(n);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the least of 1, 2, 5, 10, ... by trying them.
    #[test]
    fn cells_people_can_count_in() {
        assert_eq!(per_cell(500, 1000), 1);
        assert_eq!(per_cell(1000, 1000), 1);
        assert_eq!(per_cell(1001, 1000), 2);
        assert_eq!(per_cell(4001, 1000), 5);
        assert_eq!(per_cell(30_000_000, 1024), 50_000);
        assert_eq!(per_cell(u64::MAX, 1), u64::MAX);
        assert_eq!(per_cell(7, 0), 10);
        assert_eq!(per_cell(0, 10), 1);
    }

    // Oracle: counted by hand, and by arithmetic for thirty million buckets.
    #[test]
    fn cells() {
        let m = |t: DataType, dirty: u16, cached: u16| {
            BucketMark(0).with_data_type(t).with_dirty_sectors(dirty).with_cached_sectors(cached)
        };
        // One of data without any.
        assert_eq!(Class::of(m(DataType::USER, 0, 0)), Class::Cached);
        let marks = [
            m(DataType::SB, 128, 0),
            m(DataType::USER, 100, 20),
            m(DataType::USER, 0, 7),
            m(DataType::NONE, 0, 0),
            m(DataType::BTREE, 64, 0),
        ];
        let g = Grid::of_marks(3, 128, marks.into_iter(), [1, 4, 99].into_iter(), 3);
        assert_eq!((g.per_cell, g.cells.len()), (2, 3));
        assert_eq!(g.cells[0].by_class, [1, 0, 0, 1, 0, 0]);
        assert_eq!(g.cells[0].sectors, [128, 0, 0, 100, 20]);
        assert_eq!(g.cells[0].class(), Class::Sb);
        assert_eq!(g.cells[1].class(), Class::Cached);
        assert_eq!(g.cells.iter().map(|c| c.findings).collect::<Vec<_>>(), [1, 0, 1]);
        assert_eq!(g.total().used(), 128 + 120 + 7 + 64);
        let many = (0..30_000_000_u32)
            .map(|i| if i % 3 == 0 { m(DataType::USER, 64, 0) } else { m(DataType::NONE, 0, 0) });
        let g = Grid::of_marks(0, 128, many, [29_999_999].into_iter(), 1024);
        assert_eq!((g.per_cell, g.cells.len()), (50_000, 600));
        assert_eq!(g.total().by_class[3], 10_000_000);
        assert_eq!(g.cells[599].findings, 1);
    }
}
