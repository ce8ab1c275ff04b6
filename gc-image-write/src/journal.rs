// SPDX-License-Identifier: GPL-2.0-only
//! Journal entries as bytes (facts: docs/facts/journal.md).

use crate::buf::Buf;
use crate::count::Count;
use crate::error::{Error, Result};
use crate::node::VERSION;
use crate::seal::{Kind, seal};
use crate::spec::JournalKey;
use crate::tree::Root;
use gc_core::layout::CsumType;
use gc_disk::checksum::Key;

const JSET_MAGIC: u64 = 0x2452_35c1_a362_5032;
/// Where both clocks of buckets stand. Not 0: the original's allocator divides by
/// the longest time since a use.
pub(crate) const CLOCK: u16 = 200;
const BTREE_KEYS: u8 = 0;
const BTREE_ROOT: u8 = 1;
const BLACKLIST_V2: u8 = 4;
const USAGE: u8 = 5;
const DATA_USAGE: u8 = 6;

/// Appends one entry of a journal entry or of the clean section.
fn entry(out: &mut Buf, btree: u8, level: u8, type_: u8, payload: &[u8]) -> Result<()> {
    let u64s = payload.len().div_ceil(8);
    let at = out.0.len();
    let u64s = u16::try_from(u64s).map_err(|_| Error::Spec("journal entry too long"))?;
    out.u16(at, u64s);
    out.put(at + 2, &[btree, level, type_, 0, 0, 0]);
    out.put(at + 8, payload);
    out.pad(8);
    Ok(())
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// Usage, then the roots: what the clean section and the last journal entry hold.
pub(crate) fn common(out: &mut Buf, count: &Count, roots: &[(u8, Root)]) -> Result<()> {
    entry(out, 1, 0, USAGE, &count.nr_inodes.to_le_bytes())?;
    entry(out, 2, 0, USAGE, &count.key_version.to_le_bytes())?;
    for (level, v) in (0_u8..).zip(count.reserved) {
        entry(out, 0, level, USAGE, &v.to_le_bytes())?;
    }
    for (e, sectors) in &count.replicas {
        let mut payload = sectors.to_le_bytes().to_vec();
        payload.extend_from_slice(e);
        entry(out, 0, 0, DATA_USAGE, &payload)?;
    }
    for (btree, root) in roots {
        entry(out, *btree, root.level, BTREE_ROOT, &bytes(&root.key.to_words()))?;
    }
    Ok(())
}

/// What one journal entry holds besides its keys.
pub(crate) struct Jset<'a> {
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

impl Jset<'_> {
    /// The entry, up to the end of its last block.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut b = Buf::zeroed(56);
        b.u64(16, self.magic_seed ^ JSET_MAGIC);
        b.u64(24, self.seq);
        b.u32(32, u32::from(VERSION));
        b.u32(36, u32::from(self.csum.0));
        b.u16(44, CLOCK);
        b.u16(46, CLOCK);
        b.u64(48, self.last_seq);
        let mut rest = self.keys;
        while let Some(first) = rest.first() {
            let same = |k: &&JournalKey| (k.btree, k.level) == (first.btree, first.level);
            let n = rest.iter().take_while(same).count().min(500);
            let (run, next) = rest.split_at(n);
            let words: Vec<u64> = run.iter().flat_map(|k| k.key.to_words()).collect();
            entry(&mut b, first.btree.0, first.level, BTREE_KEYS, &bytes(&words))?;
            rest = next;
        }
        for (start, end) in self.blacklist {
            entry(&mut b, 0, 0, BLACKLIST_V2, &bytes(&[*start, end.saturating_sub(1)]))?;
        }
        b.0.extend_from_slice(self.tail);
        let u64s = (b.0.len() - 56) / 8;
        b.u32(40, u32::try_from(u64s).map_err(|_| Error::Spec("journal entry too long"))?);
        seal(Kind::Journal, self.key, &mut b.0);
        b.pad(self.block);
        Ok(b.0)
    }
}
