// SPDX-License-Identifier: GPL-2.0-only
//! The journal: finding its entries, choosing those that count, and what they say (facts:
//! docs/facts/v1/recovery.md 3 to 5).

use crate::checksum::{checksum, usable};
use crate::error_ids::ErrorId;
use crate::fs::{Fs, has_journal};
use crate::overlay::{JournalKey, Overlay};
use crate::report::{Outcome, Report};
use crate::superblock::section;
use crate::tables::{BTREE_IDS, MAX_DEPTH};
use crate::valid::{Place, Rules};
use gc_core::bkey::KeyRef;
use gc_core::layout::bits::{from16, from32, low8, low32};
use gc_core::layout::bkey::BKEY_U64S;
use gc_core::layout::{Bkey, CsumType};
use gc_disk::bytes::{array, index, number, words};
use gc_disk::checksum::{NONCE_JOURNAL, Nonce, decrypt};
use std::collections::BTreeMap;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Head of a journal entry, 56 bytes.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Head {
    csum: [u8; 16],
    magic: U64,
    seq: U64,
    version: U32,
    flags: U32,
    u64s: U32,
    /// From here on it is encrypted.
    clocks: [U16; 2],
    last_seq: U64,
}

const _: () = assert!(size_of::<Head>() == 56);
/// Bytes that are not encrypted.
const PLAIN: usize = 44;
/// What the magic of journal entries is made of, with the file system's own.
const MAGIC: u64 = 0x2452_35c1_a362_5032;

/// Kinds of items of an entry.
mod kind {
    pub(super) const KEYS: u8 = 0;
    pub(super) const ROOT: u8 = 1;
    pub(super) const BLACKLIST: u8 = 3;
    pub(super) const BLACKLIST_V2: u8 = 4;
    pub(super) const USAGE: u8 = 5;
    pub(super) const REWIND: u8 = 15;
}

/// A root, as the last entry that names it has it.
#[derive(Debug, Clone)]
pub struct Root {
    /// Level of the root node.
    pub level: u8,
    /// Pointer to it; `None` where the entry holds none.
    pub key: Option<(Bkey, Vec<u64>)>,
}

/// What clean section or journal say.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Roots by btree.
    pub roots: BTreeMap<u8, Root>,
    /// Keys that lie over the btrees.
    pub overlay: Overlay,
    /// Highest version of keys that was handed out.
    pub key_version: u64,
    /// Blacklisted sequences: start, end (exclusive), sorted.
    pub blacklist: Vec<(u64, u64)>,
    /// A rewind window that this program does not follow: from, to.
    pub rewind: Option<(u64, u64)>,
}

impl Recovered {
    /// Whether what was written with a sequence does not count.
    #[must_use]
    pub fn is_blacklisted(&self, seq: u64) -> bool {
        self.blacklist.iter().any(|(start, end)| *start <= seq && seq < *end)
    }
}

/// An entry that was found.
struct Entry {
    seq: u64,
    last_seq: u64,
    flush: bool,
    good: bool,
    dev: u8,
    sector: u64,
    words: Vec<u64>,
}

/// Magic of the journal entries of a file system.
fn magic(fs: &Fs) -> u64 {
    MAGIC ^ fs.sb.magic_seed()
}

/// Reads what a mount would know before its passes run.
#[must_use]
pub fn recover(fs: &Fs, report: &mut Report) -> Recovered {
    let mut recovered = Recovered { blacklist: fs.sb.blacklist(), ..Recovered::default() };
    if fs.is_clean() {
        let clean = fs.sb.section(section::CLEAN).unwrap_or(&[]);
        let items = words(clean.get(16..).unwrap_or(&[]));
        items_of(fs, &items, 0, &mut recovered, report);
    } else {
        unclean(fs, &mut recovered, report);
    }
    recovered.blacklist.sort_unstable();
    recovered.overlay.finish();
    recovered
}

fn unclean(fs: &Fs, recovered: &mut Recovered, report: &mut Report) {
    let mut found = Found::default();
    for (idx, device) in fs.members() {
        let Some(online) = device.online.as_ref().filter(|_| has_journal(device)) else { continue };
        for bucket in &online.journal {
            found.bucket(fs, idx, *bucket, report);
        }
    }
    let mut entries: Vec<Entry> = found.entries.into_values().collect();
    entries.retain(|e| e.seq >= found.last_seq);
    let Some(range) = choose(&entries, report) else { return };
    let (start, end, cur_seq) = range;
    let blacklisted = recovered.blacklist.clone();
    let listed = |seq: u64| blacklisted.iter().any(|(s, e)| *s <= seq && seq < *e);
    let mut used: Vec<&Entry> = Vec::new();
    for entry in entries.iter().filter(|e| (start..=end).contains(&e.seq)) {
        if listed(entry.seq) {
            if entry.flush {
                let text = format!("found blacklisted journal entry {}", entry.seq);
                report.add(ErrorId::JSET_SEQ_BLACKLISTED, Outcome::Fixed, text);
            }
            continue;
        }
        used.push(entry);
    }
    missing(&used, start, end, &listed, report);
    for entry in used {
        items_of(fs, &entry.words, entry.seq, recovered, report);
    }
    if fs.key.is_some() {
        recovered.key_version = recovered.key_version.saturating_add(1 << 16);
    }
    recovered.blacklist.push((end.saturating_add(1), cur_seq.saturating_add(4096)));
}

/// Which entries are replayed: first, last, and the sequence behind the newest.
fn choose(entries: &[Entry], report: &mut Report) -> Option<(u64, u64, u64)> {
    let cur_seq = entries.last()?.seq.saturating_add(1);
    let mut torn = false;
    for entry in entries.iter().rev().filter(|e| e.flush) {
        if !entry.good && !torn {
            torn = true;
            continue;
        }
        let mut start = entry.last_seq;
        if start > entry.seq {
            let text = format!("invalid journal entry: last_seq > seq ({start} > {})", entry.seq);
            report.add(ErrorId::JSET_LAST_SEQ_NEWER_THAN_SEQ, Outcome::Fixed, text);
            start = entry.seq;
        }
        return Some((start, entry.seq, cur_seq));
    }
    let text = "journal read done, but no entries found after dropping non-flushes".into();
    report.add(ErrorId::DIRTY_BUT_NO_JOURNAL_ENTRIES_POST_DROP_NONFLUSHES, Outcome::Fixed, text);
    None
}

/// Tells which sequences of the range are not there.
fn missing(
    used: &[&Entry],
    start: u64,
    end: u64,
    listed: &dyn Fn(u64) -> bool,
    report: &mut Report,
) {
    let mut next = start;
    let mut gap = |from: u64, to: u64| {
        // `to` is not among the missing.
        let mut seq = from;
        while seq < to && listed(seq) {
            seq = seq.saturating_add(1);
        }
        if seq < to {
            let last = to.saturating_sub(1);
            let text = format!("journal entries {seq}-{last} missing! (replaying {start}-{end})");
            report.add(ErrorId::JOURNAL_ENTRIES_MISSING, Outcome::Fixed, text);
        }
    };
    for entry in used {
        gap(next, entry.seq);
        next = entry.seq.saturating_add(1);
    }
    gap(next, end.saturating_add(1));
}

/// Entries by sequence, as they are found.
#[derive(Default)]
struct Found {
    entries: BTreeMap<u64, Entry>,
    /// Highest last_seq of a flush entry, also of one that is torn.
    last_seq: u64,
}

impl Found {
    /// Looks through a bucket of the journal.
    fn bucket(&mut self, fs: &Fs, dev: u8, bucket: u64, report: &mut Report) {
        let Some(device) = fs.device(dev) else { return };
        let Some(online) = device.online.as_ref() else { return };
        let size = u64::from(device.member.bucket_size);
        let first = bucket.saturating_mul(size);
        let len = index(size.saturating_mul(512));
        let Ok(bytes) = online.file.read_vec(first, len) else { return };
        let block = usize::from(fs.block_sectors()).saturating_mul(512);
        let (mut at, mut bad, mut seen) = (0_usize, false, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let head = Head::ref_from_prefix(rest).ok().map(|(head, _)| head);
            let Some(head) = head.filter(|h| h.magic.get() == magic(fs)) else {
                if !bad {
                    return;
                }
                at = at.saturating_add(block);
                continue;
            };
            let seq = head.seq.get();
            let version = head.version.get();
            if version >> 10 > 1 || version < 9 {
                let text = format!("unsupported journal entry version {version}");
                report.add(ErrorId::JSET_UNSUPPORTED_VERSION, Outcome::Fixed, text);
                return;
            }
            let whole = index(from32(head.u64s.get()).saturating_mul(8)).saturating_add(56);
            if whole > rest.len() {
                let text = format!("journal entry {seq} extends past end of bucket");
                report.add(ErrorId::JSET_PAST_BUCKET_END, Outcome::Fixed, text);
            }
            if seq < seen {
                return;
            }
            seen = seq;
            let len = whole.min(rest.len());
            let sector = first.saturating_add(number(at) >> 9);
            let Some(entry) = rest.get(..len).and_then(|b| entry(fs, head, b, dev, sector)) else {
                return;
            };
            bad |= !entry.good;
            self.keep(entry, report);
            at = at.saturating_add(len.div_ceil(block).saturating_mul(block));
        }
    }

    fn keep(&mut self, entry: Entry, report: &mut Report) {
        if entry.flush {
            self.last_seq = self.last_seq.max(entry.last_seq.min(entry.seq));
        }
        let Some(old) = self.entries.get(&entry.seq) else {
            self.entries.insert(entry.seq, entry);
            return;
        };
        if old.words == entry.words && old.good == entry.good {
            return;
        }
        if old.good && entry.good {
            let text =
                format!("found duplicate but non identical journal entries (seq {})", entry.seq);
            report.add(ErrorId::JOURNAL_ENTRY_REPLICAS_DATA_MISMATCH, Outcome::Fixed, text);
            if old.dev == entry.dev && old.sector != entry.sector {
                let text = format!("duplicate journal entry {} on same device", entry.seq);
                report.add(ErrorId::JOURNAL_ENTRY_DUP_SAME_DEVICE, Outcome::Fixed, text);
            }
        }
        if entry.good {
            self.entries.insert(entry.seq, entry);
        }
    }
}

/// An entry from its bytes, verified and decrypted.
fn entry(fs: &Fs, head: &Head, bytes: &[u8], dev: u8, sector: u64) -> Option<Entry> {
    let flags = head.flags.get();
    let type_ = CsumType(low8(from32(flags & 0xf)));
    let seq = head.seq.get();
    let nonce = Nonce([0, low32(seq), low32(seq >> 32), NONCE_JOURNAL]);
    let key = fs.key.as_ref();
    let body = bytes.get(16..)?;
    let good = usable(type_, key) && checksum(type_, key, nonce, body) == Some(head.csum);
    let mut bytes = bytes.to_vec();
    decrypt(type_, key, nonce, bytes.get_mut(PLAIN..)?);
    let (head, _) = Head::ref_from_prefix(&bytes).ok()?;
    Some(Entry {
        seq,
        last_seq: head.last_seq.get(),
        flush: flags & 1 << 5 == 0,
        good,
        dev,
        sector,
        words: words(bytes.get(56..)?),
    })
}

/// Takes what the items of an entry, or of the clean section, say. `seq` is 0 for the
/// latter.
fn items_of(fs: &Fs, items: &[u64], seq: u64, recovered: &mut Recovered, report: &mut Report) {
    let mut rest = items;
    while let Some((&head, tail)) = rest.split_first() {
        let [l0, l1, btree, level, kind, ..] = head.to_le_bytes();
        let len = usize::from(u16::from_le_bytes([l0, l1]));
        let Some((content, next)) = tail.split_at_checked(len) else {
            let text = "journal entry extends past end of jset".into();
            report.add(ErrorId::JOURNAL_ENTRY_PAST_JSET_END, Outcome::Fixed, text);
            return;
        };
        // Where the entry lies within the journal entry: what orders deltas.
        let offset = number(items.len().saturating_sub(rest.len()));
        match (kind, content) {
            (kind::KEYS, _) if btree < BTREE_IDS => {
                let place = Place { btree, level };
                keys_of(fs, content, place, (seq, offset), recovered, report);
            }
            (kind::ROOT, _) if btree < BTREE_IDS => {
                let key = key_of(content).map(|(k, v, _)| (k, v.to_vec()));
                let key = key.filter(|_| level < MAX_DEPTH);
                recovered.roots.insert(btree, Root { level, key });
            }
            (kind::BLACKLIST, [at]) => {
                recovered.blacklist.push((*at, at.saturating_add(1)));
            }
            (kind::BLACKLIST_V2, [start, end]) => {
                recovered.blacklist.push((*start, end.saturating_add(1)));
            }
            // The kind of usage is in the place of the btree: 2 is the key version.
            (kind::USAGE, [version, ..]) if btree == 2 => {
                recovered.key_version = recovered.key_version.max(*version);
            }
            (kind::REWIND, [from, to]) => recovered.rewind = Some((*from, *to)),
            _ => {}
        }
        rest = next;
    }
}

/// The key at the start of words, and what follows it.
fn key_of(words: &[u64]) -> Option<(Bkey, &[u64], &[u64])> {
    let k = Bkey::from_words(*words.first_chunk::<5>()?);
    let v = words.get(usize::from(BKEY_U64S)..usize::from(k.u64s))?;
    Some((k, v, words.get(usize::from(k.u64s)..)?))
}

fn keys_of(
    fs: &Fs,
    words: &[u64],
    place: Place,
    (seq, entry): (u64, u64),
    recovered: &mut Recovered,
    report: &mut Report,
) {
    let rules = Rules::new(fs);
    let mut rest = words;
    while !rest.is_empty() {
        let Some((k, v, next)) = key_of(rest) else {
            let text = "invalid key in journal: it does not fit its entry".into();
            report.add(ErrorId::JOURNAL_ENTRY_BKEY_PAST_END, Outcome::Fixed, text);
            return;
        };
        if k.format() != 1 {
            let text = format!("invalid key in journal: bad format {}", k.format());
            report.add(ErrorId::JOURNAL_ENTRY_BKEY_BAD_FORMAT, Outcome::Fixed, text);
            rest = next;
            continue;
        }
        let at = number(words.len().saturating_sub(rest.len()));
        let offset = entry.saturating_add(at).saturating_add(1);
        rest = next;
        if let Some((id, reason)) = rules.key(KeyRef::new(&k, v), place) {
            let text = format!("invalid key in journal: {reason}");
            report.add(id, Outcome::Fixed, text);
            continue;
        }
        recovered.overlay.add(JournalKey { place, k, v: v.to_vec(), seq, offset });
    }
}

/// Bytes that the checksum of an entry stands at, for those who write one.
#[must_use]
pub fn stored_csum(bytes: &[u8]) -> Option<[u8; 16]> {
    array(bytes, 0)
}

/// Sectors of an entry of so many u64s on a device with blocks of so many sectors.
#[must_use]
pub fn sectors(u64s: u32, block: u16) -> u64 {
    let bytes = from32(u64s).saturating_mul(8).saturating_add(56);
    bytes.div_ceil(512).next_multiple_of(from16(block.max(1)))
}
