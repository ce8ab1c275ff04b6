// SPDX-License-Identifier: GPL-2.0-only
//! The journal of all devices: entries are found and verified one after another; those
//! that count are read again and taken apart.

use super::bucket::BucketReader;
use super::check;
use super::entry::Entry;
use super::items::{Said, items};
use super::keys::JournalKeys;
use super::list::List;
use super::place::Place;
use super::room::Room;
use super::scan::{self, Job, Plain};
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::report::{Found, Phase, Reading, Reporter, cut};
use crate::superblock::MemberState;
use gc_core::accounting::replicas::Entry as ReplicasEntry;
use gc_core::finding::Answer;
use gc_core::layout::DataType;
use std::collections::BTreeMap;

/// What was read of the journal.
#[derive(Debug, Default)]
pub struct Journal {
    /// Numbers of the entries, ascending.
    pub seqs: Vec<u64>,
    /// The last of them.
    pub newest: Option<Newest>,
    /// Items of all entries in their order, checked and repaired, but for those of keys.
    pub items: Vec<u64>,
    /// Keys of the entries that the last one still needs.
    pub keys: JournalKeys,
    /// Some of it could not be read.
    pub unreadable: bool,
}

/// The entry with the highest number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// Its number.
    pub seq: u64,
    /// Number of the oldest entry that was still needed when it was written.
    pub last_seq: u64,
    /// Read and write clock.
    pub clocks: [u16; 2],
    /// Whether it has keys.
    pub has_keys: bool,
    /// Where its own items begin among all.
    items: usize,
}

impl Journal {
    /// Items of the last entry but for those of keys.
    #[must_use]
    pub fn newest_items(&self) -> &[u64] {
        self.newest.and_then(|n| self.items.get(n.items..)).unwrap_or(&[])
    }

    /// Whether it has nothing for the btrees.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.newest.is_none_or(|n| n.seq == n.last_seq && !n.has_keys)
    }

    /// Takes an entry in; how many keys it has. Those of entries before `base` are not
    /// kept.
    fn take(&mut self, place: &Place, entry: &Entry, base: u64) -> usize {
        let (first, mut keys, mut has_keys) = (self.items.len(), 0_usize, false);
        for item in items(&entry.words) {
            if item.said() != Said::Keys {
                self.items.extend_from_slice(item.all_words());
                continue;
            }
            keys = keys.saturating_add(item.keys().count());
            has_keys |= !item.words.is_empty();
            if place.seq >= base {
                self.keys.add(&item);
            }
        }
        self.seqs.push(place.seq);
        let (seq, last_seq, clocks) = (place.seq, place.last_seq, entry.clocks);
        self.newest = Some(Newest { seq, last_seq, clocks, has_keys, items: first });
        keys
    }
}

/// Reads the journal of all devices by so many threads, within so many bytes of memory.
///
/// # Errors
/// What ends recovery here; more memory is needed.
pub fn read(
    fs: &mut Fs,
    (threads, allowed): (usize, Option<u64>),
    reporter: &mut dyn Reporter,
) -> Result<Journal, RecoveryError> {
    let mut list = List::default();
    let degraded = find(fs, (threads, allowed), &mut list, reporter)?;
    let mut journal = Journal { unreadable: list.unreadable, ..Journal::default() };
    let base = list.places.back().map_or(0, |newest| newest.last_seq);
    let (mut keys, mut room, mut words) = (0_usize, Vec::new(), Vec::new());
    for place in list.places {
        let bytes = place.read_again(fs, &mut room, reporter);
        let Some(mut entry) = bytes.and_then(|bytes| Entry::new(bytes, words)) else {
            journal.unreadable = true;
            words = Vec::new();
            continue;
        };
        check::items(&fs.rules(), &mut entry, place.seq, fs, reporter)?;
        // Of an entry that could not be read everywhere the devices are not known.
        if !degraded && !journal.unreadable {
            check_replicas(fs, &place, reporter)?;
        }
        keys = keys.saturating_add(journal.take(&place, &entry, base));
        words = entry.words;
    }
    journal.keys.settle();
    if let Some(newest) = &journal.newest {
        let (entries, seq) = (journal.seqs.len(), newest.seq);
        reporter.log(&format!("journal read done, {keys} keys in {entries} entries, seq {seq}"));
    }
    Ok(journal)
}

/// Finds the entries of all devices; whether the journal of one is not there.
fn find(
    fs: &Fs,
    (threads, allowed): (usize, Option<u64>),
    list: &mut List,
    reporter: &mut dyn Reporter,
) -> Result<bool, RecoveryError> {
    let mut degraded = false;
    let buckets = fs.members().filter_map(|(_, d)| d.online.as_ref().map(|o| o.journal.len()));
    reporter.phase(Phase::Journal, gc_disk::bytes::number(buckets.sum()));
    let mut jobs = Vec::new();
    let mut readers = BTreeMap::new();
    for (dev, device) in fs.members() {
        let named = fs.replicas.table.view().iter();
        let has_journal =
            named.filter(|e| e.data_type() == DataType::JOURNAL).any(|e| e.devs().contains(&dev));
        if !fs.replicas.rebuild && !has_journal {
            continue;
        }
        let live = matches!(device.member.state, MemberState::Rw | MemberState::Ro);
        let Some(online) = device.online.as_ref().filter(|_| live) else {
            degraded = true;
            continue;
        };
        let (file, size) = (&online.file, u64::from(device.member.bucket_size));
        jobs.extend(online.journal.iter().map(|bucket| Job { file, dev, bucket: *bucket, size }));
        readers.insert(dev, BucketReader::new(fs, file, dev));
    }
    // Of several devices the last failure is the one that counts; of each nothing is read
    // behind its own.
    let (mut failed, mut over) = (Ok(()), None);
    let mut room = Room::new(allowed, threads, jobs.len());
    scan::each(fs, &jobs, threads, &mut |job, plain| {
        let Some(reader) = readers.get_mut(&job.dev) else { return };
        if over == Some(job.dev) {
            return;
        }
        if room.is_over() {
            count(&mut room, fs, job, plain.as_ref());
            reporter.bucket_read();
            return;
        }
        let added = match plain {
            Some(plain) => {
                room.met(plain.longest);
                reader.met(plain.longest);
                plain.places.into_iter().try_for_each(|place| list.add(fs, place, reporter))
            }
            None => {
                let added = reader.read(job, list, reporter);
                room.met(reader.chunk);
                added
            }
        };
        room.keeps(list.places.len());
        match added {
            Ok(()) => reporter.bucket_read(),
            Err(e) => (failed, over) = (Err(e), Some(job.dev)),
        }
    });
    list.unreadable |= readers.values().any(|reader| reader.unreadable);
    if !room.is_over() {
        failed?;
    }
    room.take(list.places.iter())?;
    Ok(degraded)
}

/// Counts what a bucket holds, or the most that it may.
fn count(room: &mut Room, fs: &Fs, job: Job<'_>, plain: Option<&Plain>) {
    let Some(plain) = plain else {
        let block = u64::from(fs.block_sectors()).max(1);
        room.count(job.size.div_ceil(block), job.size.saturating_mul(512));
        return;
    };
    room.met(plain.longest);
    for place in &plain.places {
        room.count(1, gc_disk::bytes::number(place.bytes()));
    }
}

fn check_replicas(
    fs: &mut Fs,
    place: &Place,
    reporter: &mut dyn Reporter,
) -> Result<(), RecoveryError> {
    let mut set = ReplicasEntry::new(DataType::JOURNAL, 1);
    for dev in place.devices() {
        // An entry has at most as many copies as there are replicas.
        if set.push(dev).is_err() {
            return Err(RecoveryError::new(-22, "journal entry on too many devices"));
        }
    }
    set.sort();
    if fs.replicas.table.view().find(set.get()).is_some() {
        return Ok(());
    }
    if !fs.replicas.rebuild {
        let mut text = set.get().to_string();
        cut(&mut text, 80);
        let devices = place.devices().fold(0, |set, dev| set | 1_u64.wrapping_shl(dev.into()));
        let unmarked = Reading::JournalReplicas { seq: place.seq, set: &text, devices };
        match reporter.found(Found::reading(fs, &unmarked)) {
            Answer::Fix => {}
            Answer::Ignore => return Ok(()),
            Answer::Exit => return Err(RecoveryError::halted()),
        }
    }
    fs.replicas.table = fs
        .replicas
        .table
        .with(set.get())
        .map_err(|_| RecoveryError::new(-12, "cannot allocate memory"))?;
    fs.superblock_written();
    Ok(())
}
