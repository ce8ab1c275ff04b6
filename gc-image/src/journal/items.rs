// SPDX-License-Identifier: GPL-2.0-only
//! What a journal entry, or the superblock's clean section, is made of.

use super::entry::item_head;
use crate::key::{Key, key_of};
use gc_core::layout::BtreeId;

/// Type numbers.
pub(super) const BTREE_KEYS: u8 = 0;
pub(super) const BTREE_ROOT: u8 = 1;
pub(super) const BLACKLIST: u8 = 3;
pub(super) const BLACKLIST_V2: u8 = 4;
pub(super) const USAGE: u8 = 5;
pub(super) const DATA_USAGE: u8 = 6;

/// An item: its head and its words.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// Btree, or what a usage counter counts.
    pub btree: u8,
    /// Level, or an index.
    pub level: u8,
    /// Type number.
    pub type_: u8,
    /// What follows the head.
    pub words: &'a [u64],
}

/// What an item says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<'a> {
    /// Keys of a btree.
    Keys,
    /// A root; `None`: there was one, but it is not valid.
    Root(BtreeId, u8, Option<Key>),
    /// Sequences from, to (inclusive) are blacklisted.
    Blacklist(u64, u64),
    /// A counter: what it counts, its index, its value.
    Usage(u8, u8, u64),
    /// Sectors of a set of devices: the packed set.
    DataUsage(u64, &'a [u64]),
    /// Nothing that counts.
    Other,
}

impl<'a> Item<'a> {
    /// What it says. Words that are missing make it [`Said::Other`].
    #[must_use]
    pub fn said(&self) -> Said<'a> {
        match (self.type_, self.words) {
            (BTREE_KEYS, _) => Said::Keys,
            (BTREE_ROOT, words) => Said::Root(BtreeId(self.btree), self.level, key_of(words)),
            (BLACKLIST, [seq, ..]) => Said::Blacklist(*seq, *seq),
            (BLACKLIST_V2, [start, end, ..]) => Said::Blacklist(*start, *end),
            (USAGE, [v, ..]) => Said::Usage(self.btree, self.level, *v),
            (DATA_USAGE, [v, set @ ..]) => Said::DataUsage(*v, set),
            _ => Said::Other,
        }
    }

    /// Keys of an item of keys, with the index of each in the item's words.
    pub fn keys(&self) -> impl Iterator<Item = (usize, Key)> + use<'a> {
        let mut rest = if self.type_ == BTREE_KEYS { self.words } else { &[] };
        let len = rest.len();
        core::iter::from_fn(move || {
            let at = len.saturating_sub(rest.len());
            let key = key_of(rest)?;
            rest = rest.get(usize::from(key.k.u64s)..)?;
            Some((at, key))
        })
    }
}

/// The items in `words`, in order. One that says it is longer than what is left has
/// what is left, and is the last: of an entry none is, but nobody has checked those of
/// the clean section.
pub fn items(words: &[u64]) -> impl Iterator<Item = Item<'_>> {
    let mut rest = words;
    core::iter::from_fn(move || {
        let (&head, after) = rest.split_first()?;
        let (u64s, btree, level, type_) = item_head(head);
        let (content, later) = after.split_at_checked(usize::from(u64s)).unwrap_or((after, &[]));
        rest = later;
        Some(Item { btree, level, type_, words: content })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: docs/facts/journal.md, of an item of the clean section that is too long.
    #[test]
    fn an_item_too_long_has_what_is_left() {
        let head = |u64s: u64, btree: u64| u64s | btree << 16 | u64::from(BTREE_ROOT) << 32;
        let words = [head(0, 2), head(9, 75), 1];
        let all: Vec<_> = items(&words).map(|i| (i.btree, i.words.to_vec())).collect();
        assert_eq!(all, [(2, vec![]), (75, vec![1])]);
        let said = items(&words).last().map(|i| i.said());
        assert_eq!(said, Some(Said::Root(BtreeId(75), 0, None)));
    }
}
