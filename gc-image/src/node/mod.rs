// SPDX-License-Identifier: GPL-2.0-only
//! Btree nodes: reading and verifying them (facts: docs/facts/node-read.md).

mod bset;
mod err;
mod extents;
mod merge;
mod parse;
mod read;

pub use read::read;

use crate::key::Key;
use gc_core::bkey::{BsetKeys, NodeFormat};
use gc_core::layout::{Bpos, BtreeId, POS_MAX, POS_MIN};

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
        let key = Key { k: gc_core::layout::Bkey::new(POS_MAX, 0), v: Vec::new() };
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

    /// Its keys, unpacked, in order.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let walk = self.format.as_ref().map(|f| (f, BsetKeys::new(f, &self.words)));
        walk.into_iter().flat_map(|(f, keys)| {
            keys.filter_map(Result::ok).map(|raw| Key { k: f.unpack(raw), v: raw.value().to_vec() })
        })
    }

    /// The key at or after an index of [`Self::words`], and the index after it.
    pub(crate) fn key_at(&self, at: usize) -> Option<(Key, usize)> {
        let format = self.format.as_ref()?;
        let mut rest = self.words.get(at..)?;
        loop {
            let (raw, next) = gc_core::bkey::RawKey::split_first(format, rest)?;
            rest = next;
            if let Ok(raw) = raw {
                let end = self.words.len().saturating_sub(rest.len());
                return Some((Key { k: format.unpack(raw), v: raw.value().to_vec() }, end));
            }
        }
    }
}
