// SPDX-License-Identifier: GPL-2.0-only
//! Journal entries as bytes (facts: docs/facts/journal.md).

use crate::buf::pad;
use crate::count::Count;
use crate::error::{Error, Result};
use crate::node::VERSION;
use crate::seal::{Kind, seal};
use crate::spec::JournalKey;
use crate::tree::Root;
use gc_core::layout::jset::{FsUsageType, Jset, JsetEntry, JsetEntryType, JsetFlags};
use gc_core::layout::section::{BlacklistRange, SbClean, SbField};
use gc_core::layout::superblock::JSET_MAGIC;
use gc_core::layout::{CsumType, Le64};
use gc_disk::checksum::Key;
use zerocopy::{FromZeros, Immutable, IntoBytes};

/// Where both clocks of buckets stand. Not 0: the original's allocator divides by
/// the longest time since a use.
const CLOCK: u16 = 200;

/// Appends an item of a journal entry or of the clean section: its head, and its content
/// filled up to whole words.
fn item<T: IntoBytes + Immutable + ?Sized>(
    out: &mut Vec<u8>,
    (type_, btree_id, level): (JsetEntryType, u8, u8),
    content: &T,
) -> Result<()> {
    let content = content.as_bytes();
    let u64s = u16::try_from(content.len().div_ceil(8));
    let u64s = u64s.map_err(|_| Error::Spec("journal entry too long"))?;
    let head = JsetEntry { u64s: u64s.into(), btree_id, level, type_, pad: [0; 3] };
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(content);
    pad(out, 8);
    Ok(())
}

/// What the clean section holds: its fields, and the items `tail`.
pub(crate) fn clean(journal_seq: u64, tail: &[u8]) -> Vec<u8> {
    let head = SbClean {
        read_clock: CLOCK.into(),
        write_clock: CLOCK.into(),
        journal_seq: journal_seq.into(),
        ..SbClean::new_zeroed()
    };
    let fields = head.as_bytes().get(size_of::<SbField>()..).unwrap_or(&[]);
    [fields, tail].concat()
}

/// Usage, then the roots: what the clean section and the last journal entry hold.
pub(crate) fn common(out: &mut Vec<u8>, count: &Count, roots: &[(u8, Root)]) -> Result<()> {
    let usage = |what: FsUsageType, level| (JsetEntryType::USAGE, what.0, level);
    item(out, usage(FsUsageType::INODES, 0), &Le64::new(count.nr_inodes))?;
    item(out, usage(FsUsageType::KEY_VERSION, 0), &Le64::new(count.key_version))?;
    for (level, v) in (0_u8..).zip(count.reserved) {
        item(out, usage(FsUsageType::RESERVED, level), &Le64::new(v))?;
    }
    for (e, sectors) in &count.replicas {
        let content = [Le64::new(*sectors).as_bytes(), e].concat();
        item(out, (JsetEntryType::DATA_USAGE, 0, 0), content.as_slice())?;
    }
    for (btree, root) in roots {
        let words = root.key.to_words();
        item(out, (JsetEntryType::BTREE_ROOT, *btree, root.level), words.as_slice())?;
    }
    Ok(())
}

/// A journal entry.
pub(crate) struct Entry<'a> {
    pub(crate) magic_seed: u64,
    pub(crate) csum: CsumType,
    pub(crate) key: Option<&'a Key>,
    pub(crate) seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) keys: &'a [JournalKey],
    pub(crate) blacklist: &'a [(u64, u64)],
    pub(crate) tail: &'a [u8],
    pub(crate) block: usize,
}

impl Entry<'_> {
    /// Its bytes, up to the end of its last block.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let items = self.items()?;
        let u64s = u32::try_from(items.len() / 8);
        let head = Jset {
            magic: (self.magic_seed ^ JSET_MAGIC).into(),
            seq: self.seq.into(),
            version: u32::from(VERSION).into(),
            flags: JsetFlags::default().with_csum_type(self.csum.0).into(),
            u64s: u64s.map_err(|_| Error::Spec("journal entry too long"))?.into(),
            read_clock: CLOCK.into(),
            write_clock: CLOCK.into(),
            last_seq: self.last_seq.into(),
            ..Jset::new_zeroed()
        };
        let mut b = [head.as_bytes(), &items].concat();
        seal(Kind::Journal, self.key, &mut b);
        pad(&mut b, self.block);
        Ok(b)
    }

    /// Its keys, those of one btree and level together, and what else it holds.
    fn items(&self) -> Result<Vec<u8>> {
        let mut b = Vec::new();
        let mut rest = self.keys;
        while let Some(first) = rest.first() {
            let same = |k: &&JournalKey| (k.btree, k.level) == (first.btree, first.level);
            let n = rest.iter().take_while(same).count().min(500);
            let (run, next) = rest.split_at(n);
            let words: Vec<u64> = run.iter().flat_map(|k| k.key.to_words()).collect();
            let head = (JsetEntryType::BTREE_KEYS, first.btree.0, first.level);
            item(&mut b, head, words.as_slice())?;
            rest = next;
        }
        for (start, end) in self.blacklist {
            // Unlike in the superblock the last of the range is named.
            let (start, end) = ((*start).into(), end.saturating_sub(1).into());
            item(&mut b, (JsetEntryType::BLACKLIST_V2, 0, 0), &BlacklistRange { start, end })?;
        }
        b.extend_from_slice(self.tail);
        Ok(b)
    }
}
