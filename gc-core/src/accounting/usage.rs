// SPDX-License-Identifier: GPL-2.0-only
//! Counters of the file system and of devices.
//!
//! All arithmetic wraps at 64 bits, as the original's does: a count below zero
//! shows as a huge number, and sums come out right whatever the order.

use super::device::Geometry;
use super::replicas::{EntryRef, View};
use crate::bkey::sectors::to_bits;
use crate::layout::{BucketMark, DataType, DevUsage, FsUsage};
use alloc::collections::TryReserveError;
use alloc::vec::Vec;

/// Usage of the file system with one counter for each entry of a replicas table
/// (`struct bch_fs_usage`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// The counters that every file system has.
    pub head: FsUsage,
    /// Sectors by index of the replicas table.
    pub replicas: Vec<u64>,
}

fn add(to: &mut u64, v: u64) {
    *to = to.wrapping_add(v);
}

impl DevUsage {
    /// Adds another usage word by word.
    pub fn add(&mut self, other: &Self) {
        self.each(other, add);
    }

    /// Takes another usage away word by word.
    pub fn remove(&mut self, other: &Self) {
        self.each(other, |to, v| *to = to.wrapping_sub(v));
    }

    fn each(&mut self, other: &Self, change: impl Fn(&mut u64, u64)) {
        for (to, from) in self.buckets.iter_mut().zip(other.buckets) {
            change(to, from);
        }
        for (to, from) in self.sectors.iter_mut().zip(other.sectors) {
            change(to, from);
        }
        change(&mut self.buckets_alloc, other.buckets_alloc);
        change(&mut self.buckets_ec, other.buckets_ec);
        change(&mut self.buckets_unavailable, other.buckets_unavailable);
        change(&mut self.sectors_fragmented, other.sectors_fragmented);
    }
}

impl Usage {
    /// All zero, for a table of `nr` entries.
    ///
    /// # Errors
    /// When memory is short.
    pub fn zeroed(nr: usize) -> Result<Self, TryReserveError> {
        Ok(Self { head: FsUsage::default(), replicas: zeros(nr)? })
    }

    /// Adds another usage word by word (source: `bch2_fs_usage_acc_to_base`).
    /// Counters beyond the end of this table are left out.
    pub fn add(&mut self, other: &Self) {
        let (to, from) = (&mut self.head, &other.head);
        add(&mut to.online_reserved, from.online_reserved);
        add(&mut to.hidden, from.hidden);
        add(&mut to.btree, from.btree);
        add(&mut to.data, from.data);
        add(&mut to.cached, from.cached);
        add(&mut to.reserved, from.reserved);
        add(&mut to.nr_inodes, from.nr_inodes);
        for (to, from) in to.persistent_reserved.iter_mut().zip(from.persistent_reserved) {
            add(to, from);
        }
        for (to, &from) in self.replicas.iter_mut().zip(&other.replicas) {
            add(to, from);
        }
    }

    /// All zero again, for the same table.
    pub fn clear(&mut self) {
        self.head = FsUsage::default();
        self.replicas.fill(0);
    }

    /// Whether every counter is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.head == FsUsage::default() && self.replicas.iter().all(|&v| v == 0)
    }

    /// Derives the sums from the parts once the parts are known (source:
    /// `bch2_fs_usage_initialize`): `reserved` by number of replicas, `btree`,
    /// `data` and `cached` by entry. They are added to what is there.
    pub fn initialize(&mut self, table: View<'_>) {
        for v in self.head.persistent_reserved {
            add(&mut self.head.reserved, v);
        }
        for (e, &v) in table.iter().zip(&self.replicas) {
            if let Some(sum) = sum_of(&mut self.head, e.data_type()) {
                add(sum, v);
            }
        }
    }

    /// Moves the counters to the indexes of another table (source:
    /// `__replicas_table_update`). Counters that are zero may vanish.
    ///
    /// # Errors
    /// When memory is short, or an entry in use is missing in the new table;
    /// nothing has changed then.
    pub fn move_to(&mut self, from: View<'_>, to: View<'_>) -> Result<(), MoveError> {
        let mut moved = zeros(to.len()).map_err(|_| MoveError::Memory)?;
        for (i, &v) in self.replicas.iter().enumerate() {
            if v == 0 {
                continue;
            }
            let slot = from.get(i).and_then(|e| to.find(e)).and_then(|i| moved.get_mut(i));
            *slot.ok_or(MoveError::Missing)? = v;
        }
        self.replicas = moved;
        Ok(())
    }

    /// Counts sectors of an entry: its counter and the sum of its data type
    /// (source: `update_replicas`). An entry that is not in the table is not
    /// counted at all; returns whether it is. The devices must be sorted.
    #[inline]
    pub fn count(&mut self, table: View<'_>, entry: EntryRef<'_>, sectors: i64) -> bool {
        let Some(counter) = table.find(entry).and_then(|i| self.replicas.get_mut(i)) else {
            return false;
        };
        let v = to_bits(sectors);
        add(counter, v);
        if let Some(sum) = sum_of(&mut self.head, entry.data_type()) {
            add(sum, v);
        }
        true
    }
}

fn zeros(nr: usize) -> Result<Vec<u64>, TryReserveError> {
    let mut v = Vec::new();
    v.try_reserve_exact(nr)?;
    v.extend(core::iter::repeat_n(0, nr));
    Ok(v)
}

fn sum_of(head: &mut FsUsage, t: DataType) -> Option<&mut u64> {
    match t {
        DataType::BTREE => Some(&mut head.btree),
        DataType::USER => Some(&mut head.data),
        DataType::CACHED => Some(&mut head.cached),
        _ => None,
    }
}

/// Why counters could not be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveError {
    /// Memory is short.
    Memory,
    /// An entry with sectors is not in the new table.
    Missing,
}

/// Whether the allocator may take the bucket (source: `is_available_bucket`).
#[inline]
#[must_use]
pub const fn is_available(m: BucketMark) -> bool {
    !m.owned_by_allocator() && m.dirty_sectors() == 0 && !m.stripe()
}

/// What the bucket is counted as: cached if it holds nothing else (source:
/// `bucket_type`).
#[inline]
#[must_use]
pub const fn bucket_type(m: BucketMark) -> DataType {
    if m.cached_sectors() != 0 && m.dirty_sectors() == 0 { DataType::CACHED } else { m.data_type() }
}

/// Sectors lost in a bucket that holds user data and is not full (source:
/// `is_fragmented_bucket`).
#[inline]
#[must_use]
pub fn fragmented(m: BucketMark, bucket_size: u16) -> u64 {
    let used = u64::from(m.dirty_sectors()).wrapping_add(u64::from(m.cached_sectors()));
    if m.owned_by_allocator() || m.data_type() != DataType::USER || used == 0 {
        return 0;
    }
    u64::from(bucket_size).saturating_sub(used)
}

/// Accounts one bucket's change from `old` to `new` (source:
/// `bch2_dev_usage_update`). `hidden` is that of the file system.
///
/// Data types 6 and 7, which only a damaged alloc key can bring, are not
/// counted by type.
#[inline]
pub fn bucket_changed(
    dev: &mut DevUsage,
    hidden: &mut u64,
    geometry: Geometry,
    old: BucketMark,
    new: BucketMark,
) {
    if old == new {
        return;
    }
    for (mark, one) in [(old, u64::MAX), (new, 1)] {
        // Counted `one` times: minus one for what was, plus one for what is.
        let times = |v: u64| v.wrapping_mul(one);
        let t = bucket_type(mark);
        if t != DataType::NONE {
            if let Some(n) = dev.buckets.get_mut(usize::from(t.0)) {
                add(n, one);
            }
            if matches!(t, DataType::SB | DataType::JOURNAL) {
                add(hidden, times(u64::from(geometry.bucket_size)));
            }
        }
        add(&mut dev.buckets_alloc, times(u64::from(mark.owned_by_allocator())));
        add(&mut dev.buckets_ec, times(u64::from(mark.stripe())));
        add(&mut dev.buckets_unavailable, times(u64::from(!is_available(mark))));
        if let Some(n) = dev.sectors.get_mut(usize::from(mark.data_type_raw())) {
            add(n, times(u64::from(mark.dirty_sectors())));
        }
        let [.., cached] = &mut dev.sectors;
        add(cached, times(u64::from(mark.cached_sectors())));
        add(&mut dev.sectors_fragmented, times(fragmented(mark, geometry.bucket_size)));
    }
}

/// Accounts one bucket as a change from nothing: [`bucket_changed`] from the mark
/// that is all zero.
#[inline]
pub fn count_bucket(dev: &mut DevUsage, hidden: &mut u64, bucket_size: u16, mark: BucketMark) {
    if mark.0 & USED == 0 {
        return;
    }
    let t = bucket_type(mark);
    if t != DataType::NONE {
        if let Some(n) = dev.buckets.get_mut(usize::from(t.0)) {
            add(n, 1);
        }
        if matches!(t, DataType::SB | DataType::JOURNAL) {
            add(hidden, u64::from(bucket_size));
        }
    }
    add(&mut dev.buckets_alloc, u64::from(mark.owned_by_allocator()));
    add(&mut dev.buckets_ec, u64::from(mark.stripe()));
    add(&mut dev.buckets_unavailable, u64::from(!is_available(mark)));
    if let Some(n) = dev.sectors.get_mut(usize::from(mark.data_type_raw())) {
        add(n, u64::from(mark.dirty_sectors()));
    }
    let [.., cached] = &mut dev.sectors;
    add(cached, u64::from(mark.cached_sectors()));
    add(&mut dev.sectors_fragmented, fragmented(mark, bucket_size));
}

/// The part of a mark without which a bucket counts for nothing.
const USED: u64 = BucketMark(0)
    .with_data_type_raw(7)
    .with_owned_by_allocator(true)
    .with_stripe(true)
    .with_dirty_sectors(u16::MAX)
    .with_cached_sectors(u16::MAX)
    .0;

/// Usage of a device from nothing but the marks of its buckets in use, and what
/// they add to the file system's `hidden` (source:
/// `bch2_dev_usage_from_buckets`, which sets `hidden` to zero before the first
/// device).
#[must_use]
#[inline]
pub fn dev_usage_from_buckets(
    geometry: Geometry,
    marks: impl Iterator<Item = BucketMark>,
) -> (DevUsage, u64) {
    let mut dev = DevUsage::default();
    let mut hidden = 0;
    for m in marks {
        count_bucket(&mut dev, &mut hidden, geometry.bucket_size, m);
    }
    (dev, hidden)
}

#[cfg(test)]
mod tests {
    use super::super::replicas::Table;
    use super::*;
    use std::vec;

    fn table() -> Table {
        let all: [&[u8]; 4] = [&[3, 1, 1, 0], &[4, 1, 1, 0], &[4, 2, 1, 0, 1], &[5, 1, 1, 1]];
        Table::from_entries(all.into_iter().map(|e| EntryRef::first_of(e).unwrap())).unwrap()
    }

    // Oracle: docs/facts/replicas.md: there are sums of nodes, data and cached data; what
    // is of another type has its own counter only.
    #[test]
    fn an_entry_of_another_type_has_no_sum() {
        let bytes = [1, 1, 1, 0];
        let entry = EntryRef::first_of(&bytes).unwrap();
        let table = Table::from_entries([entry].into_iter()).unwrap();
        let mut usage = Usage::zeroed(1).unwrap();
        assert!(usage.count(table.view(), entry, 5));
        assert_eq!((usage.replicas.as_slice(), usage.head), (&[5][..], FsUsage::default()));
    }

    // Oracle: numbers by hand, another one in each word.
    #[test]
    fn usage_of_devices_is_added_word_by_word() {
        let of = |f: fn(u64) -> u64| DevUsage {
            buckets: [1, 2, 3, 4, 5, 6].map(f),
            buckets_alloc: f(7),
            buckets_ec: f(8),
            buckets_unavailable: f(9),
            sectors: [10, 11, 12, 13, 14, 15].map(f),
            sectors_fragmented: f(16),
        };
        let mut sum = of(|n| n);
        sum.add(&of(|n| n * n));
        assert_eq!(sum, of(|n| n + n * n));
        sum.remove(&of(|n| n));
        assert_eq!(sum, of(|n| n * n));
        sum.remove(&of(|n| n * n + 1));
        assert_eq!(sum, of(|_| u64::MAX));
    }

    // Oracle: a change from nothing, for marks of each single bit, all but one, and all
    // of those that count.
    #[test]
    fn counting_is_a_change_from_nothing() {
        let geometry = Geometry { bucket_size: 128, first_bucket: 0, nbuckets: 1 };
        let bits = (0..64).flat_map(|bit| [1 << bit, !(1_u64 << bit), USED & !(1 << bit)]);
        for mark in bits.chain([0, USED, u64::MAX]).map(BucketMark) {
            let (mut one, mut other) = ((DevUsage::default(), 0), (DevUsage::default(), 0));
            count_bucket(&mut one.0, &mut one.1, geometry.bucket_size, mark);
            bucket_changed(&mut other.0, &mut other.1, geometry, BucketMark(0), mark);
            assert_eq!(one, other, "{mark:?}");
        }
    }

    // Oracle: sums by hand, one of them below zero.
    #[test]
    fn sums_follow_the_parts() {
        let t = table();
        let mut u = Usage::zeroed(4).unwrap();
        u.head.persistent_reserved = [1, 2, 3, 4];
        for (e, n) in [([3, 1, 1, 0], 10), ([4, 1, 1, 0], -20), ([5, 1, 1, 1], 30)] {
            assert!(u.count(t.view(), EntryRef::first_of(&e).unwrap(), n));
        }
        assert!(u.count(t.view(), EntryRef::first_of(&[4, 2, 1, 0, 1]).unwrap(), 5));
        assert!(!u.count(t.view(), EntryRef::first_of(&[4, 1, 1, 1]).unwrap(), 7));
        let counted = u.head;
        assert_eq!((counted.btree, counted.data, counted.cached), (10, 15_u64.wrapping_neg(), 30));
        (u.head.btree, u.head.data, u.head.cached) = (0, 0, 0);
        u.initialize(t.view());
        assert_eq!(u.head, FsUsage { reserved: 10, ..counted });

        let mut sum = Usage::zeroed(4).unwrap();
        sum.add(&u);
        sum.add(&u);
        assert_eq!(sum.replicas, u.replicas.iter().map(|v| v.wrapping_mul(2)).collect::<Vec<_>>());
        assert_eq!((sum.head.data, sum.head.reserved), (30_u64.wrapping_neg(), 20));
        assert_eq!(sum.head.persistent_reserved, [2, 4, 6, 8]);
        assert!(!sum.is_zero());
        sum.clear();
        assert!(sum.is_zero() && sum.replicas == vec![0; 4]);
    }

    // Oracle: one bucket of each kind, counted by hand from docs/facts/marking.md,
    // section 9.
    #[test]
    fn one_bucket_each() {
        let g = Geometry { bucket_size: 128, first_bucket: 0, nbuckets: 9 };
        let m = |t, dirty, cached| {
            BucketMark(9)
                .with_data_type_raw(t)
                .with_dirty_sectors(dirty)
                .with_cached_sectors(cached)
        };
        let marks = [
            m(0, 0, 0),
            m(1, 8, 0),
            m(2, 128, 0),
            m(3, 64, 0),
            m(4, 100, 20),
            m(4, 0, 28),
            m(4, 127, 0).with_owned_by_allocator(true),
            m(0, 0, 0).with_stripe(true),
            m(6, 5, 0),
            m(7, 5, 0),
        ];
        let (u, hidden) = dev_usage_from_buckets(g, marks.into_iter());
        assert_eq!(hidden, 256);
        let want = DevUsage {
            buckets: [0, 1, 1, 1, 2, 1],
            buckets_alloc: 1,
            buckets_ec: 1,
            buckets_unavailable: 8,
            sectors: [0, 8, 128, 64, 227, 48],
            sectors_fragmented: 8 + 100,
        };
        assert_eq!(u, want);
    }

    // Oracle: a change from the mark that is all zero, over every kind of mark.
    #[test]
    fn counting_is_changing_from_nothing() {
        let geometry = Geometry { bucket_size: 128, first_bucket: 0, nbuckets: 1 };
        let (mut got, mut want) = ((DevUsage::default(), 0), (DevUsage::default(), 0));
        for flags in 0..64_u64 {
            for (dirty, cached) in [(0, 0), (9, 0), (0, 9), (100, 28), (200, 9), (0xffff, 0xffff)] {
                let mark = BucketMark(flags << 8 | 0x4321 << 48 | 9)
                    .with_dirty_sectors(dirty)
                    .with_cached_sectors(cached);
                count_bucket(&mut got.0, &mut got.1, 128, mark);
                bucket_changed(&mut want.0, &mut want.1, geometry, BucketMark(0), mark);
                assert_eq!(got, want, "{mark:?}");
            }
        }
        assert_ne!(want.1, 0);
    }
}
