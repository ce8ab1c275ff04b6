// SPDX-License-Identifier: GPL-2.0-only
//! Reading a node that has nothing wrong with it, key by key and without a copy.
//!
//! The rules are those of the other reader, by the same functions; what would make
//! that one say anything ends this one.

use super::err::Errors;
use super::parse::{Parser, head_of};
use super::read::next_copy;
use super::run::Common;
use super::show::NodeKeys;
use crate::fs::Fs;
use crate::journal::JournalKey;
use crate::key::Key;
use crate::reason::{Rule, Unusual};
use crate::report::{Found, Reporter};
use gc_core::bkey::Window;
use gc_core::finding::Answer;
use gc_core::layout::{Bkey, Bpos, BtreeId, KeyType};
use zerocopy::IntoBytes;

/// Room for the bytes of a node, used again and again.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// Behind the node there are some more, so that the last key can be looked at as
    /// any other.
    words: Vec<u64>,
    /// Bytes of the node.
    len: usize,
}

const BEHIND: usize = size_of::<Window>() / size_of::<u64>();

/// Notes that there was something to report.
struct Silent {
    spoke: bool,
}

impl Reporter for Silent {
    fn found(&mut self, _found: Found) -> Answer {
        self.spoke = true;
        Answer::Exit
    }
    fn log(&mut self, _line: &str) {
        self.spoke = true;
    }
}

/// Which node, and what of the journal lies over its btree and level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) fs: &'a Fs,
    pub(crate) key: &'a Key,
    pub(crate) btree: BtreeId,
    pub(crate) level: u8,
    pub(crate) journal: &'a crate::journal::JournalKeys,
}

/// Range of the node's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeRange {
    pub(crate) min: Bpos,
    pub(crate) max: Bpos,
}

/// Size of an extent, not 0, length of its value, and the first words of that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShortExtent {
    pub(crate) size: u32,
    pub(crate) len: u8,
    pub(crate) value: [u64; 2],
}

/// Who is shown the keys.
pub(crate) trait Visit {
    /// Before the first key.
    fn begin(&mut self, range: NodeRange);
    /// A key that counts.
    fn key(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual>;
    /// An extent whose value nobody has looked at yet. `false`: nothing was done, it is
    /// to be shown as any other key.
    #[inline]
    fn extent(&mut self, _k: ShortExtent) -> Result<bool, Unusual> {
        Ok(false)
    }
    /// A valid key of a leaf without pointers and version. `false`: nothing was done, it
    /// is to be shown as any other key.
    #[inline]
    fn pointerless(&mut self, _t: KeyType) -> bool {
        false
    }
}

impl Buffer {
    pub(crate) fn new(fs: &Fs) -> Option<Self> {
        let node = usize::from(fs.btree_node_sectors()).saturating_mul(64);
        let len = node.saturating_add(BEHIND);
        let mut words = Vec::new();
        words.try_reserve_exact(len).ok()?;
        words.resize(len, 0);
        Some(Self { words, len: node.saturating_mul(8) })
    }

    /// Shows the keys of a node in order, those of the journal laid over.
    pub(crate) fn each_key(
        &mut self,
        wanted: &Wanted<'_>,
        visit: &mut impl Visit,
    ) -> Result<(), Unusual> {
        let Wanted { fs, key, btree, level, .. } = *wanted;
        // Whether a cached copy may be read hangs on its bucket.
        if key.as_ref().pointers().any(|p| p.cached()) {
            return Err(Rule::NodeCached.into());
        }
        let copy = next_copy(fs, key, &[]).ok_or(Rule::NodeNoCopy)?;
        let file = fs.device(copy.dev()).and_then(|d| d.file()).ok_or(Rule::NodeNoCopy)?;
        let bytes = self.words.as_mut_bytes().get_mut(..self.len).ok_or(Rule::NoMemory)?;
        file.read(copy.offset(), bytes).map_err(|_| Rule::NodeUnreadable)?;

        let mut parser = Parser::new();
        let mut silent = Silent { spoke: false };
        let reporter = &mut silent;
        let mut e = Errors { fs, key, btree, level, replica: None, can_retry: false, reporter };
        let seq = head_of(bytes).keys.seq.get();
        parser.identity(bytes, seq, &mut e).map_err(|_| Rule::NodeInvalid)?;
        let mut sets = Vec::new();
        while let Some(opened) =
            parser.open_set(bytes, seq, &mut e).map_err(|_| Rule::NodeInvalid)?
        {
            parser.pass(&opened);
            // Of a later set only the keys do not count.
            if opened.set.first && fs.is_blacklisted(opened.set.journal_seq) {
                return Err(Rule::NodeBlacklisted.into());
            }
            sets.push(opened);
        }
        parser.no_set_behind(bytes, seq, &mut e).map_err(|_| Rule::NodeInvalid)?;
        let min_max = parser.range(bytes, btree);
        if silent.spoke {
            return Err(Rule::NodeInvalid.into());
        }
        if parser.has_old_extents() {
            return Err(Rule::NodeOldVersion.into());
        }
        #[cfg(target_endian = "big")]
        for word in &mut self.words {
            *word = u64::from_le(*word);
        }
        let format = parser.format().ok_or(Rule::NodeInvalid)?;
        let range = NodeRange { min: min_max.0, max: min_max.1 };
        visit.begin(range);
        let journal = wanted.journal.from(btree, level, range.min);
        let journal = journal.get(..journal.partition_point(|j| j.key.k.p <= range.max));
        let journal = journal.unwrap_or(&[]);
        let common = Common::new(format, (btree, level), min_max);
        let node = NodeKeys::new(fs, common, &self.words);
        if journal.is_empty() {
            node.show(&sets, visit)
        } else {
            let mut over = Over { journal, visit };
            node.show(&sets, &mut over)?;
            over.rest()
        }
    }
}

/// Lays the journal's keys over those shown.
struct Over<'a, V> {
    journal: &'a [JournalKey],
    visit: &'a mut V,
}

impl<V: Visit> Over<'_, V> {
    /// Keys of the journal up to a position; whether one lies there.
    fn up_to(&mut self, p: Bpos) -> Result<bool, Unusual> {
        while let Some((first, rest)) = self.journal.split_first() {
            let at = first.key.k.p;
            if at > p {
                break;
            }
            self.journal = rest;
            if first.key.k.type_ != KeyType::DELETED {
                self.visit.key(&first.key.k, &first.key.v)?;
            }
            if at == p {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rest(&mut self) -> Result<(), Unusual> {
        for j in self.journal {
            if j.key.k.type_ != KeyType::DELETED {
                self.visit.key(&j.key.k, &j.key.v)?;
            }
        }
        Ok(())
    }
}

impl<V: Visit> Visit for Over<'_, V> {
    fn begin(&mut self, _range: NodeRange) {}

    fn key(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        if self.up_to(k.p)? { Ok(()) } else { self.visit.key(k, v) }
    }
}
