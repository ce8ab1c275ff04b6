// SPDX-License-Identifier: GPL-2.0-only
//! Keys that the journal lays over the btrees.

use super::items::Item;
use crate::key::Key;
use gc_core::layout::{Bpos, BtreeId};

/// A key of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalKey {
    /// Btree.
    pub btree: BtreeId,
    /// Level.
    pub level: u8,
    /// Its turn among all keys: of one place the last one counts.
    nr: u32,
    /// The key; of type deleted where it only hides one of the btree.
    pub key: Key,
}

impl JournalKey {
    fn place(&self) -> (u8, u8, Bpos) {
        (self.btree.0, self.level, self.key.k.p)
    }
}

/// All of them by btree, level and position, the newest of each place.
#[derive(Debug, Clone, Default)]
pub struct JournalKeys {
    keys: Vec<JournalKey>,
}

impl JournalKeys {
    /// More keys, newer than all before; [`Self::settle`] is to be called after the last.
    pub(super) fn add(&mut self, item: &Item<'_>) {
        for (_, key) in item.keys() {
            let nr = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
            let (btree, level) = (BtreeId(item.btree), item.level);
            self.keys.push(JournalKey { btree, level, nr, key });
        }
    }

    /// Puts the keys in order; the newest of each place stays.
    pub(super) fn settle(&mut self) {
        // In place: a stable sort would take as much memory again.
        self.keys.sort_unstable_by_key(|key| (key.place(), key.nr));
        self.keys.dedup_by(|newer, kept| {
            let same = newer.place() == kept.place();
            if same {
                core::mem::swap(newer, kept);
            }
            same
        });
        self.keys.shrink_to_fit();
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys of a btree and level from a position on.
    #[must_use]
    pub fn from(&self, btree: BtreeId, level: u8, pos: Bpos) -> &[JournalKey] {
        let start = self.keys.partition_point(|k| k.place() < (btree.0, level, pos));
        let rest = self.keys.get(start..).unwrap_or(&[]);
        let end = rest.partition_point(|k| (k.btree.0, k.level) <= (btree.0, level));
        rest.get(..end).unwrap_or(&[])
    }
}
