// SPDX-License-Identifier: GPL-2.0-only
//! Keys of the journal that are laid over the btrees.

use crate::Model;
use crate::key::Key;
use crate::sync::read;
use gc_core::layout::{Bpos, BtreeId};
use std::sync::Arc;

/// A key of the journal.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// Its btree.
    pub btree: BtreeId,
    /// Its level.
    pub level: u8,
    /// The key; one of type deleted hides.
    pub key: Key,
}

impl JournalEntry {
    pub(crate) fn order(&self) -> (u8, u8, Bpos) {
        (self.btree.0, self.level, self.key.pos())
    }
}

/// All keys of the journal: sorted by btree, level and position, one a position.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    pub(crate) keys: Arc<Vec<JournalEntry>>,
}

impl Overlay {
    pub(crate) fn insert(&mut self, btree: BtreeId, level: u8, key: Key) {
        let entry = JournalEntry { btree, level, key };
        let keys = Arc::make_mut(&mut self.keys);
        match keys.binary_search_by_key(&entry.order(), JournalEntry::order) {
            Ok(at) => {
                if let Some(slot) = keys.get_mut(at) {
                    *slot = entry;
                }
            }
            Err(at) => keys.insert(at, entry),
        }
    }

    /// The keys, shared: another [`Arc`] as soon as one of them changes.
    #[must_use]
    pub fn shared(&self) -> Arc<Vec<JournalEntry>> {
        Arc::clone(&self.keys)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[JournalEntry] {
        &self.keys
    }
}

impl Model {
    /// The journal's keys.
    #[must_use]
    pub fn overlay(&self) -> Overlay {
        read(&self.journal).clone()
    }
}
