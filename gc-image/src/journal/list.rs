// SPDX-License-Identifier: GPL-2.0-only
//! All entries of all devices, in order.

use super::bucket::BucketReader;
use super::check;
use super::entry::{Entry, Head, last_seq_of};
use super::items::items;
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::report::{Code, Flags, Found, Reporter, cut};
use crate::superblock::MemberState;
use gc_core::accounting::replicas::Entry as ReplicasEntry;
use gc_core::finding::Answer;
use gc_core::layout::DataType;

/// Bytes read at once in the beginning.
const CHUNK: usize = 4096;

/// Entries by ascending sequence.
#[derive(Debug, Default)]
pub(super) struct List {
    entries: Vec<Entry>,
}

impl List {
    pub(super) fn add(
        &mut self,
        dev: u8,
        bytes: Vec<u8>,
        reporter: &mut dyn Reporter,
    ) -> Result<(), RecoveryError> {
        let Some(head) = Head::of(&bytes) else { return Ok(()) };
        let seq = head.seq;
        if seq < self.entries.last().map_or(0, Entry::last_seq) {
            return Ok(());
        }
        let needed_from = last_seq_of(&bytes);
        let drop = self.entries.iter().take_while(|e| e.seq() < needed_from).count();
        self.entries.drain(..drop);

        let mut ask =
            |code, text: &str| match reporter.found(Found::new(code, Flags::FIX_OR_IGNORE, text)) {
                Answer::Exit => Err(RecoveryError::halted()),
                _ => Ok(()),
            };
        let at = self.entries.partition_point(|e| e.seq() <= seq);
        let place = match at.checked_sub(1) {
            Some(i) if self.entries.get(i).is_some_and(|e| e.seq() == seq) => {
                let same = self.entries.get(i).is_some_and(|e| e.same_bytes(&bytes));
                if !same {
                    ask(
                        Code::JournalDuplicate,
                        &format!("found duplicate but non identical journal entries (seq {seq})"),
                    )?;
                }
                i
            }
            _ => {
                self.entries.insert(at, Entry::new(bytes));
                at
            }
        };
        let new = self.entries.get_mut(place).is_none_or(|e| e.note_device(dev));
        if !new {
            ask(Code::JournalSameDevice, "duplicate journal entries on same device")?;
        }
        Ok(())
    }
}

/// Reads the journal of all devices: entries by ascending sequence, checked and
/// repaired.
///
/// # Errors
/// What ends recovery here.
pub fn read(fs: &mut Fs, reporter: &mut dyn Reporter) -> Result<Vec<Entry>, RecoveryError> {
    let mut list = List::default();
    let mut degraded = false;
    let mut failed = None;
    for (idx, dev) in fs.members() {
        let named = fs.replicas.table.view().iter();
        let has_journal =
            named.filter(|e| e.data_type() == DataType::JOURNAL).any(|e| e.devs().contains(&idx));
        if !fs.replicas.rebuild && !has_journal {
            continue;
        }
        let live = matches!(dev.member.state, MemberState::Rw | MemberState::Ro);
        let Some(online) = dev.online.as_ref().filter(|_| live) else {
            degraded = true;
            continue;
        };
        let mut reader = BucketReader { fs, file: &online.file, dev: idx, chunk: CHUNK };
        for bucket in &online.journal {
            if let Err(e) = reader.read(*bucket, &mut list, reporter) {
                failed = Some(e);
                break;
            }
        }
    }
    if let Some(e) = failed {
        return Err(e);
    }
    let mut entries = list.entries;
    let mut keys = 0_usize;
    for entry in &mut entries {
        check::items(&fs.rules(), entry, fs, reporter)?;
        if !degraded {
            check_replicas(fs, entry, reporter)?;
        }
        keys = keys.saturating_add(items(entry.words()).map(|i| i.keys().count()).sum::<usize>());
    }
    if let Some(last) = entries.last() {
        reporter.log(&format!(
            "journal read done, {keys} keys in {} entries, seq {}",
            entries.len(),
            last.seq()
        ));
    }
    Ok(entries)
}

fn check_replicas(
    fs: &mut Fs,
    entry: &Entry,
    reporter: &mut dyn Reporter,
) -> Result<(), RecoveryError> {
    let mut set = ReplicasEntry::new(DataType::JOURNAL, 1);
    for dev in &entry.devs {
        // An entry has at most as many copies as there are replicas.
        if set.push(*dev).is_err() {
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
        let text = format!("superblock not marked as containing replicas {text}");
        match reporter.found(Found::new(Code::JournalReplicas, Flags::FIX_OR_IGNORE, text)) {
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
