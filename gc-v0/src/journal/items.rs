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
    /// The word that says all this, and how many words follow.
    pub(super) head: u64,
    /// What follows the head.
    pub words: &'a [u64],
    /// What follows the head, with all that lies behind the item.
    beyond: &'a [u64],
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
    /// What it says. Words that it should have and does not are those that lie behind
    /// it, as in the original; this is so in the clean section alone, which nobody has
    /// checked. Where nothing lies behind it, it is [`Said::Other`].
    #[must_use]
    pub fn said(&self) -> Said<'a> {
        match (self.type_, self.beyond) {
            (BTREE_KEYS, _) => Said::Keys,
            (BTREE_ROOT, words) => {
                let key = if self.words.is_empty() { None } else { key_of(words) };
                Said::Root(BtreeId(self.btree), self.level, key)
            }
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
        Some(Item { btree, level, type_, head, words: content, beyond: after })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn head(u64s: u64, btree: u64, type_: u8) -> u64 {
        u64s | btree << 16 | (type_ as u64) << 32
    }

    // Oracle: docs/facts/journal.md, of an item of the clean section that is too long.
    #[test]
    fn an_item_too_long_has_what_is_left() {
        let words = [head(0, 2, BTREE_ROOT), head(9, 75, BTREE_ROOT), 1];
        let all: Vec<_> = items(&words).map(|i| (i.btree, i.words.to_vec())).collect();
        assert_eq!(all, [(2, vec![]), (75, vec![1])]);
        let said: Vec<_> = items(&words).map(|i| i.said()).collect();
        let root = |id| Said::Root(BtreeId(id), 0, None);
        assert_eq!(said, [root(2), root(75)]);
    }

    // Oracle: the same, of one that is too short.
    #[test]
    fn an_item_too_short_says_what_lies_behind_it() {
        let words = [head(0, 1, USAGE), head(0, 2, USAGE)];
        let said: Vec<_> = items(&words).map(|i| i.said()).collect();
        assert_eq!(said, [Said::Usage(1, 0, words[1]), Said::Other]);
        // A root whose key says that it is a word longer than its item.
        let mut key = gc_core::layout::Bkey::new(gc_core::layout::Bpos::new(1, 2), 0);
        key.u64s = 6;
        let mut words = vec![head(5, 3, BTREE_ROOT)];
        words.extend(key.to_words());
        words.push(head(0, 2, USAGE));
        let Some(Said::Root(_, _, Some(root))) = items(&words).next().map(|i| i.said()) else {
            panic!("no root");
        };
        assert_eq!(root.v, [words[6]]);
    }
}
