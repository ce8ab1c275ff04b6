// SPDX-License-Identifier: GPL-2.0-only
//! Checks and repairs of what a journal entry is made of.

use super::entry::Entry;
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::key::validate::Rules;
use crate::key::{Key, compat, head_of};
use crate::key_text::KeyText;
use crate::report::{Found, JournalKeyPlace, Reading, Reporter};
use gc_core::finding::Answer;
use gc_core::layout::bits::low16;
use gc_core::layout::bkey::{BKEY_U64S, KEY_FORMAT_CURRENT, KeyHead};
use gc_core::layout::jset::{
    JsetEntry, JsetEntryBlacklist, JsetEntryBlacklistV2, JsetEntryDataUsage, JsetEntryType,
    JsetEntryUsage,
};
use gc_core::layout::{BtreeId, BtreeNodeType};
use zerocopy::{FromBytes, IntoBytes};

struct Checker<'a, 'r> {
    rules: &'a Rules<'a>,
    fs: &'a Fs,
    version: u16,
    /// Sequence number of the entry.
    seq: u64,
    reporter: &'r mut dyn Reporter,
}

/// Checks all items of an entry and repairs them in memory.
pub(super) fn items(
    rules: &Rules<'_>,
    entry: &mut Entry,
    seq: u64,
    fs: &Fs,
    reporter: &mut dyn Reporter,
) -> Result<(), RecoveryError> {
    let version = u16::try_from(entry.version).unwrap_or(u16::MAX);
    let mut c = Checker { rules, fs, version, seq, reporter };
    let words = &mut entry.words;
    let mut at = 0_usize;
    while let Some(&head) = words.get(at) {
        let end = at.saturating_add(1).saturating_add(len_of(head));
        if end > words.len() {
            c.wrong_item("journal entry extends past end of jset")?;
            words.truncate(at);
            break;
        }
        if let Some(item) = words.get_mut(at..end) {
            c.item(item)?;
        }
        // A shortened item is followed by empty ones up to its old end.
        let head = words.get(at).copied().unwrap_or(0);
        at = at.saturating_add(1).saturating_add(len_of(head));
    }
    Ok(())
}

impl Checker<'_, '_> {
    fn wrong(&mut self, what: &Reading<'_>) -> Result<(), RecoveryError> {
        match self.reporter.found(Found::reading(self.fs, what)) {
            Answer::Exit => Err(RecoveryError::halted()),
            _ => Ok(()),
        }
    }

    fn wrong_item(&mut self, what: &str) -> Result<(), RecoveryError> {
        self.wrong(&Reading::JournalItem { seq: self.seq, what })
    }

    /// One item with its head.
    fn item(&mut self, item: &mut [u64]) -> Result<(), RecoveryError> {
        let head = JsetEntry::from_word(item.first().copied().unwrap_or(0));
        let (btree, bytes) = (BtreeId(head.btree_id), item.as_bytes());
        let wrong = match head.type_ {
            JsetEntryType::BTREE_KEYS => return self.keys(item, head.level, btree),
            JsetEntryType::BTREE_ROOT => return self.root(item, btree),
            JsetEntryType::BLACKLIST => (bytes.len() != size_of::<JsetEntryBlacklist>())
                .then_some("invalid journal seq blacklist entry: bad size"),
            JsetEntryType::BLACKLIST_V2 => match JsetEntryBlacklistV2::ref_from_bytes(bytes) {
                Err(_) => Some("invalid journal seq blacklist entry: bad size"),
                Ok(range) if range.start > range.end => {
                    Some("invalid journal seq blacklist entry: start > end")
                }
                Ok(_) => None,
            },
            JsetEntryType::USAGE => (bytes.len() < size_of::<JsetEntryUsage>())
                .then_some("invalid journal entry usage: bad size"),
            JsetEntryType::DATA_USAGE => match JsetEntryDataUsage::ref_from_prefix(bytes) {
                Ok((usage, devs)) if devs.len() >= usize::from(usage.r.nr_devs) => None,
                _ => Some("invalid journal entry usage: bad size"),
            },
            _ => None,
        };
        wrong.map_or(Ok(()), |text| self.nulled(item, text))
    }

    fn nulled(&mut self, item: &mut [u64], text: &str) -> Result<(), RecoveryError> {
        self.wrong_item(text)?;
        item.fill(0);
        Ok(())
    }

    fn root(&mut self, item: &mut [u64], btree: BtreeId) -> Result<(), RecoveryError> {
        let u64s = len_of(item.first().copied().unwrap_or(0));
        let own = item.get(1).map_or(0, |w| usize::from(KeyHead(*w).u64s()));
        if u64s == 0 || u64s != own {
            self.wrong_item("invalid btree root journal entry: wrong number of keys")?;
            shorten(item, 0);
            return Ok(());
        }
        self.key(item, 1, 1, btree, "btree root")
    }

    fn keys(&mut self, item: &mut [u64], level: u8, btree: BtreeId) -> Result<(), RecoveryError> {
        let mut at = 1_usize;
        loop {
            let end = len_of(item.first().copied().unwrap_or(0)).saturating_add(1);
            if at >= end {
                return Ok(());
            }
            self.key(item, at, level, btree, "key")?;
            // Where a key was removed, the next one has moved here and is stepped over
            // unchecked, as in the original; one of no length ends the item.
            let len = item.get(at).map_or(0, |w| usize::from(KeyHead(*w).u64s()));
            at = at.saturating_add(len);
        }
    }

    /// One key at an index of the item.
    fn key(
        &mut self,
        item: &mut [u64],
        at: usize,
        level: u8,
        btree: BtreeId,
        word: &str,
    ) -> Result<(), RecoveryError> {
        let end = len_of(item.first().copied().unwrap_or(0)).saturating_add(1);
        let head = KeyHead(item.get(at).copied().unwrap_or(0));
        let len = usize::from(head.u64s());
        let place = JournalKeyPlace { seq: self.seq, btree, level, position: None };
        if len == 0 {
            self.invalid(place, word, "k->u64s 0", None)?;
            shorten(item, at.saturating_sub(1));
            return Ok(());
        }
        let next = at.saturating_add(len);
        if next > end {
            self.invalid(place, word, "extends past end of journal entry", None)?;
            shorten(item, at.saturating_sub(1));
            return Ok(());
        }
        let format = head.format();
        if format != KEY_FORMAT_CURRENT {
            self.invalid(place, word, &format!("bad format {format}"), None)?;
            remove(item, at, len);
            return Ok(());
        }
        let Some(key) = key_at(item, at, len) else {
            // Shorter than a key's own fields: only its head can be shown.
            self.invalid(place, word, "u64s too small", Some(""))?;
            remove(item, at, len);
            return Ok(());
        };
        let mut key = key;
        compat::key(self.version, level, btree, &mut key);
        put_key(item, at, &key);
        let type_ = BtreeNodeType::of(level, btree);
        if let Some(reason) = self.rules.key_invalid(key.as_ref(), type_) {
            let text = KeyText::new(self.fs, key.as_ref()).cut(160);
            let place = JournalKeyPlace { position: Some(key.k.p), ..place };
            self.invalid(place, word, reason, Some(&text))?;
            remove(item, at, len);
        }
        Ok(())
    }

    fn invalid(
        &mut self,
        at: JournalKeyPlace,
        kind: &str,
        reason: &str,
        key: Option<&str>,
    ) -> Result<(), RecoveryError> {
        self.wrong(&Reading::JournalKey { at, kind, reason, key })
    }
}

/// Words that follow the head of an item.
fn len_of(head: u64) -> usize {
    usize::from(JsetEntry::from_word(head).u64s.get())
}

fn key_at(item: &[u64], at: usize, len: usize) -> Option<Key> {
    let words = item.get(at..at.checked_add(len)?)?;
    let k = head_of(words)?;
    Some(Key { k, v: words.get(usize::from(BKEY_U64S)..)?.to_vec() })
}

fn put_key(item: &mut [u64], at: usize, key: &Key) {
    let words = key.k.to_words().into_iter().chain(key.v.iter().copied());
    for (to, from) in item.iter_mut().skip(at).zip(words) {
        *to = from;
    }
}

/// Cuts the item to `u64s` words; what was behind becomes empty items.
fn shorten(item: &mut [u64], u64s: usize) {
    if let Some(head) = item.first_mut() {
        let u64s = low16(gc_disk::bytes::number(u64s)).into();
        *head = JsetEntry { u64s, ..JsetEntry::from_word(*head) }.to_word();
    }
    if let Some(tail) = item.get_mut(u64s.saturating_add(1)..) {
        tail.fill(0);
    }
}

/// Takes `len` words at `at` out of the item.
fn remove(item: &mut [u64], at: usize, len: usize) {
    let u64s = len_of(item.first().copied().unwrap_or(0));
    if let Some(from) = item.get_mut(at..) {
        let len = len.min(from.len());
        from.rotate_left(len);
    }
    shorten(item, u64s.saturating_sub(len));
}
