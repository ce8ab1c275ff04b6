// SPDX-License-Identifier: GPL-2.0-only
//! What a clean shutdown left in the superblock.

use super::{ask, btrees};
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::journal::{Newest, Said, items};
use crate::key::compat::renumber;
use crate::key::{Key, head_of};
use crate::key_text::KeyText;
use crate::report::{Found, NodePlace, Reading, RecordedRoot, Reporter, cut};
use crate::superblock::VERSION_BKEY_RENUMBER;
use gc_core::layout::bkey::KeyHead;
use gc_core::layout::section::{SbClean, SbFieldType};
use gc_core::layout::{BtreeId, BtreeNodeType};
use gc_disk::bytes::words;
use zerocopy::FromBytes;

/// The clean section.
#[derive(Debug, Clone)]
pub(super) struct Clean {
    head: SbClean,
    words: Vec<u64>,
}

impl Clean {
    /// The section of the superblock, `None` if there is none.
    pub(super) fn read(
        fs: &mut Fs,
        reporter: &mut dyn Reporter,
    ) -> Result<Option<Self>, RecoveryError> {
        let Some(section) = fs.sb.section(SbFieldType::CLEAN) else {
            if ask(reporter, Found::reading(fs, &Reading::CleanMissing))? {
                fs.stored.clean = false;
                fs.flags.clean = false;
                return Ok(None);
            }
            // Left as it is the original dies of it.
            return Err(RecoveryError::new(-22, "no clean section"));
        };
        // The superblock would not be valid with a shorter one.
        let (head, items) = SbClean::read_from_prefix(section)
            .map_err(|_| RecoveryError::new(-22, "clean section too short"))?;
        let mut words = words(items);
        if fs.sb.version() < VERSION_BKEY_RENUMBER {
            renumber_roots(&mut words);
        }
        Ok(Some(Self { head, words }))
    }

    /// The items.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Last journal entry written.
    pub(super) const fn journal_seq(&self) -> u64 {
        self.head.journal_seq.get()
    }

    /// Compares with the last journal entry and its items; `false`: the journal counts.
    pub(super) fn agrees(
        &self,
        fs: &Fs,
        newest: &Newest,
        newest_items: &[u64],
        reporter: &mut dyn Reporter,
    ) -> Result<bool, RecoveryError> {
        let (sb, journal) = (self.journal_seq(), newest.seq);
        if sb != journal && ask(reporter, Found::reading(fs, &Reading::CleanSeq { sb, journal }))? {
            return Ok(false);
        }
        let clocks = [self.head.read_clock.get(), self.head.write_clock.get()];
        for (sb, journal) in clocks.into_iter().zip(newest.clocks) {
            if sb != journal {
                ask(reporter, Found::reading(fs, &Reading::CleanClock { sb, journal }))?;
            }
        }
        for id in btrees() {
            let (sb, journal) = (root_of(&self.words, id), root_of(newest_items, id));
            if sb != journal {
                let (a, b) = (root_text(fs, &sb), root_text(fs, &journal));
                let (sb, journal) = (recorded(&sb, &a), recorded(&journal, &b));
                let differ = Reading::CleanRoot { btree: id, sb, journal };
                ask(reporter, Found::reading(fs, &differ))?;
            }
        }
        Ok(true)
    }
}

/// Level and key of the first root recorded for a btree.
fn root_of(words: &[u64], id: BtreeId) -> Option<(u8, Option<Key>)> {
    items(words).find_map(|item| match item.said() {
        Said::Root(btree, level, key) if btree == id => Some((level, key)),
        _ => None,
    })
}

fn root_text(fs: &Fs, root: &Option<(u8, Option<Key>)>) -> String {
    match root {
        Some((level, Some(key))) => {
            let mut text = KeyText::new(fs, key.as_ref()).to_string();
            cut(&mut text, 200);
            format!("l={level} {text}")
        }
        _ => "l=0 (null)".into(),
    }
}

fn recorded<'a>(root: &Option<(u8, Option<Key>)>, text: &'a str) -> RecordedRoot<'a> {
    let level = root.as_ref().map_or(0, |(level, _)| *level);
    let key = root.as_ref().and_then(|(_, key)| key.as_ref());
    RecordedRoot { text, level, node: key.and_then(|key| NodePlace::first_of(key.as_ref())) }
}

/// Older versions numbered the types of keys by btree.
fn renumber_roots(words: &mut [u64]) {
    let places: Vec<usize> = {
        let mut at = 0_usize;
        items(words)
            .map(|i| {
                let key = at.saturating_add(1);
                at = key.saturating_add(i.words.len());
                key
            })
            .collect()
    };
    for at in places {
        let Some(head) = words.get(at..).and_then(head_of) else { continue };
        let new = renumber(BtreeNodeType::BTREE, head.type_);
        if let Some(word) = words.get_mut(at) {
            *word = KeyHead(*word).with_type_raw(new.0).0;
        }
    }
}
