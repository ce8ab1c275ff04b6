// SPDX-License-Identifier: GPL-2.0-only
//! Btree nodes: reading and verifying them (facts: docs/facts/node-read.md).

mod bset;
mod err;
mod extents;
mod merge;
mod parse;
pub(crate) mod plain;
mod read;
mod run;
mod show;
#[cfg(test)]
mod tests;

pub(crate) use read::next_copy;
pub use read::read;

use crate::key::Key;
use core::ops::Range;
use gc_core::bkey::{NodeFormat, RawKey};
use gc_core::layout::{Bkey, Bpos, BtreeId, POS_MAX, POS_MIN};

/// A node in memory: one set of keys in order, whiteouts and overwritten keys
/// left out.
#[derive(Debug, Clone)]
pub struct Node {
    /// The pointer to it.
    pub key: Key,
    /// Its btree.
    pub btree: BtreeId,
    /// Its level; leaves are 0.
    pub level: u8,
    /// Least position of its keys.
    pub min_key: Bpos,
    /// Greatest position.
    pub max_key: Bpos,
    /// Made up because there is no root.
    pub fake: bool,
    /// `None` for a fake node.
    pub(crate) format: Option<NodeFormat>,
    pub(crate) words: Vec<u64>,
}

impl Node {
    /// The node of a btree without a root.
    #[must_use]
    pub fn fake(btree: BtreeId) -> Self {
        let key = Key { k: Bkey::new(POS_MAX, 0), v: Vec::new() };
        Self {
            key,
            btree,
            level: 0,
            min_key: POS_MIN,
            max_key: POS_MAX,
            fake: true,
            format: None,
            words: Vec::new(),
        }
    }

    /// The key at or after an index of the words: the key, where its value
    /// lies, and the index after it.
    #[inline]
    pub(crate) fn key_at(&self, at: usize) -> Option<(Bkey, Range<usize>, usize)> {
        let format = self.format.as_ref()?;
        let mut at = at;
        loop {
            let words = self.words.get(at..)?;
            let (raw, rest) = RawKey::split_first(format, words)?;
            let next = self.words.len().saturating_sub(rest.len());
            if let Ok(raw) = raw {
                let start = at.saturating_add(raw.offset_in(words));
                let value = start.saturating_add(usize::from(raw.key_u64s()));
                return Some((format.unpack(raw), value..next, next));
            }
            at = next;
        }
    }
}
