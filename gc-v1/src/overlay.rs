// SPDX-License-Identifier: GPL-2.0-only
//! Keys of the journal that lie over the btrees (facts: docs/facts/v1/recovery.md 5).

use crate::tables::ACCOUNTING_BTREE;
use crate::valid::Place;
use gc_core::layout::{Bkey, Bpos};

/// A key of the journal.
#[derive(Debug, Clone)]
pub struct JournalKey {
    /// Where it lies.
    pub place: Place,
    /// The key.
    pub k: Bkey,
    /// Its value.
    pub v: Vec<u64>,
    /// Sequence of its journal entry.
    pub seq: u64,
    /// Its place in the entry, in u64s.
    pub offset: u64,
}

/// All keys of the journal that count, by btree, level and position.
#[derive(Debug, Default)]
pub struct Overlay {
    keys: Vec<JournalKey>,
}

impl Overlay {
    /// Adds a key; [`Self::finish`] brings it into order.
    pub fn add(&mut self, key: JournalKey) {
        self.keys.push(key);
    }

    /// Sorts, and keeps the newest of those at one position. Keys of the accounting btree
    /// are deltas: all of them stay, in order of time.
    pub fn finish(&mut self) {
        self.keys.sort_by_key(|j| (j.place.btree, j.place.level, { j.k.p }, j.seq, j.offset));
        let deltas = |j: &JournalKey| j.place.btree == ACCOUNTING_BTREE && j.place.level == 0;
        self.keys.reverse();
        self.keys.dedup_by(|later, first| {
            later.place == first.place && { later.k.p } == { first.k.p } && !deltas(later)
        });
        self.keys.reverse();
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys of a place from a position to another, both inclusive.
    #[must_use]
    pub fn range(&self, place: Place, from: Bpos, to: Bpos) -> &[JournalKey] {
        let at = |p: Bpos| {
            move |j: &JournalKey| {
                (j.place.btree, j.place.level, { j.k.p }) < (place.btree, place.level, p)
            }
        };
        let start = self.keys.partition_point(at(from));
        let end = self.keys.partition_point(|j| {
            (j.place.btree, j.place.level, { j.k.p }) <= (place.btree, place.level, to)
        });
        self.keys.get(start..end).unwrap_or(&[])
    }
}
