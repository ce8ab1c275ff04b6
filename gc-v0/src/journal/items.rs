// SPDX-License-Identifier: GPL-2.0-only
//! What a journal entry, or the superblock's clean section, is made of.

use crate::key::{Key, key_of};
use core::mem::offset_of;
use gc_core::layout::BtreeId;
use gc_core::layout::jset::{
    FsUsageType, JsetEntry, JsetEntryBlacklist, JsetEntryBlacklistV2, JsetEntryDataUsage,
    JsetEntryType, JsetEntryUsage,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Words of the head of an item.
const HEAD_U64S: usize = size_of::<JsetEntry>().div_ceil(size_of::<u64>());

/// An item: its head and its words.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// Btree, or what a usage counter counts.
    pub btree: u8,
    /// Level, or an index.
    pub level: u8,
    /// Kind.
    pub type_: JsetEntryType,
    /// What follows the head.
    pub words: &'a [u64],
    /// The item from its head on, with all that lies behind it.
    tail: &'a [u64],
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
    Usage(FsUsageType, u8, u64),
    /// Sectors of a set of devices, and the set: an entry of a replicas table at the start
    /// of these bytes.
    DataUsage(u64, &'a [u8]),
    /// Nothing that counts.
    Other,
}

impl<'a> Item<'a> {
    /// What it says. Words that it should have and does not are those that lie behind
    /// it, as in the original; this is so in the clean section alone, which nobody has
    /// checked. Where nothing lies behind it, it is [`Said::Other`].
    #[must_use]
    pub fn said(&self) -> Said<'a> {
        let said = match self.type_ {
            JsetEntryType::BTREE_KEYS => Some(Said::Keys),
            JsetEntryType::BTREE_ROOT => {
                let words = self.tail.get(HEAD_U64S..).unwrap_or(&[]);
                let key = if self.words.is_empty() { None } else { key_of(words) };
                Some(Said::Root(BtreeId(self.btree), self.level, key))
            }
            JsetEntryType::BLACKLIST => self
                .whole::<JsetEntryBlacklist>()
                .map(|e| Said::Blacklist(e.seq.get(), e.seq.get())),
            JsetEntryType::BLACKLIST_V2 => self
                .whole::<JsetEntryBlacklistV2>()
                .map(|e| Said::Blacklist(e.start.get(), e.end.get())),
            JsetEntryType::USAGE => self
                .whole::<JsetEntryUsage>()
                .map(|e| Said::Usage(FsUsageType(self.btree), self.level, e.v.get())),
            JsetEntryType::DATA_USAGE => self.whole::<JsetEntryDataUsage>().map(|e| {
                let set = self.tail.as_bytes().get(offset_of!(JsetEntryDataUsage, r)..);
                Said::DataUsage(e.v.get(), set.unwrap_or(&[]))
            }),
            _ => None,
        };
        said.unwrap_or(Said::Other)
    }

    /// The item with its head; `None` if neither it nor what lies behind it is so long.
    fn whole<T: FromBytes + Immutable + KnownLayout + Unaligned>(&self) -> Option<&'a T> {
        T::ref_from_prefix(self.tail.as_bytes()).ok().map(|(item, _)| item)
    }

    /// The head and what follows it, as words.
    pub(super) fn all_words(&self) -> &'a [u64] {
        self.tail.get(..self.words.len().saturating_add(HEAD_U64S)).unwrap_or(&[])
    }

    /// Keys of an item of keys, with the index of each in the item's words.
    pub fn keys(&self) -> impl Iterator<Item = (usize, Key)> + use<'a> {
        let mut rest = if self.type_ == JsetEntryType::BTREE_KEYS { self.words } else { &[] };
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
        let tail = rest;
        let (&head, after) = rest.split_first()?;
        let JsetEntry { u64s, btree_id, level, type_, .. } = JsetEntry::from_word(head);
        let len = usize::from(u64s.get());
        let (words, later) = after.split_at_checked(len).unwrap_or((after, &[]));
        rest = later;
        Some(Item { btree: btree_id, level, type_, words, tail })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(u64s: u16, btree_id: u8, type_: JsetEntryType) -> u64 {
        JsetEntry { u64s: u64s.into(), btree_id, level: 0, type_, pad: [0; 3] }.to_word()
    }

    // Oracle: docs/facts/journal.md, of an item of the clean section that is too long.
    #[test]
    fn an_item_too_long_has_what_is_left() {
        let words =
            [head(0, 2, JsetEntryType::BTREE_ROOT), head(9, 75, JsetEntryType::BTREE_ROOT), 1];
        let all: Vec<_> = items(&words).map(|i| (i.btree, i.words.to_vec())).collect();
        assert_eq!(all, [(2, vec![]), (75, vec![1])]);
        let said: Vec<_> = items(&words).map(|i| i.said()).collect();
        let root = |id| Said::Root(BtreeId(id), 0, None);
        assert_eq!(said, [root(2), root(75)]);
    }

    // Oracle: the same page, of one that is too short.
    #[test]
    fn an_item_too_short_says_what_lies_behind_it() {
        let words = [head(0, 1, JsetEntryType::USAGE), head(0, 2, JsetEntryType::USAGE)];
        let said: Vec<_> = items(&words).map(|i| i.said()).collect();
        assert_eq!(said, [Said::Usage(FsUsageType(1), 0, words[1]), Said::Other]);
        // A root whose key says that it is a word longer than its item.
        let mut key = gc_core::layout::Bkey::new(gc_core::layout::Bpos::new(1, 2), 0);
        key.u64s = 6;
        let mut words = vec![head(5, 3, JsetEntryType::BTREE_ROOT)];
        words.extend(key.to_words());
        words.push(head(0, 2, JsetEntryType::USAGE));
        let Some(Said::Root(_, _, Some(root))) = items(&words).next().map(|i| i.said()) else {
            panic!("no root");
        };
        assert_eq!(root.v, [words[6]]);
    }
}
