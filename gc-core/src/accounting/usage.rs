// SPDX-License-Identifier: GPL-2.0-only
//! Counters of the file system and of devices.
//!
//! All arithmetic wraps at 64 bits, as the original's does: a count below zero
//! shows as a huge number, and sums come out right whatever the order.

use super::device::Geometry;
use super::replicas::{EntryRef, View};
use super::sectors::to_bits;
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
        if let Some(n) = dev.sectors.get_mut(usize::from(DataType::CACHED.0)) {
            add(n, times(u64::from(mark.cached_sectors())));
        }
        add(&mut dev.sectors_fragmented, times(fragmented(mark, geometry.bucket_size)));
    }
}

/// Usage of a device from nothing but the marks of its buckets in use, and what
/// they add to the file system's `hidden` (source:
/// `bch2_dev_usage_from_buckets`, which sets `hidden` to zero before the first
/// device).
#[must_use]
pub fn dev_usage_from_buckets(
    geometry: Geometry,
    marks: impl Iterator<Item = BucketMark>,
) -> (DevUsage, u64) {
    let mut dev = DevUsage::default();
    let mut hidden = 0;
    for m in marks {
        bucket_changed(&mut dev, &mut hidden, geometry, BucketMark(0), m);
    }
    (dev, hidden)
}
