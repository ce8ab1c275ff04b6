// SPDX-License-Identifier: GPL-2.0-only
//! From an opened file system to the state in which the gc begins (facts:
//! docs/facts/recovery.md, docs/facts/journal.md).

mod clean;
mod marks;
mod roots;

use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::journal::{self, Journal, JournalKeys, Newest, Said, items};
use crate::key::Key;
use crate::node::Node;
use crate::report::{Found, Phase, Reading, Reporter};
use crate::superblock::{FEATURE_EXTENTS_ABOVE_BTREE_UPDATES, FEATURE_JOURNAL_SEQ_BLACKLIST_V3};
use crate::tree::Nodes;
use clean::Clean;
use gc_core::accounting::replicas::set_usage;
use gc_core::accounting::replicas::{Entry as ReplicasEntry, EntryRef};
use gc_core::accounting::{StripeTable, Usage};
use gc_core::finding::Answer;
use gc_core::layout::jset::FsUsageType;
use gc_core::layout::superblock::{BCH_COMPAT_FEAT_ALLOC_INFO, BCH_COMPAT_FEAT_ALLOC_METADATA};
use gc_core::layout::{BtreeId, DataType, DevUsage};
use std::rc::Rc;

/// Bit of the compat word that says usage can be relied on.
pub const ALLOC_INFO: u64 = 1 << BCH_COMPAT_FEAT_ALLOC_INFO;
/// Bit of the compat word that says the alloc btree covers metadata.
pub const ALLOC_METADATA: u64 = 1 << BCH_COMPAT_FEAT_ALLOC_METADATA;

/// A root as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RootRecord {
    level: u8,
    /// `None`: recorded as bad.
    key: Option<Key>,
}

/// The file system as it is in memory when the gc begins.
#[derive(Debug)]
pub struct Recovered {
    /// The file system; its buckets are filled.
    pub fs: Fs,
    /// Keys of the journal.
    pub journal: JournalKeys,
    /// Roots by btree.
    pub roots: [Rc<Node>; 8],
    /// Nodes read so far.
    pub nodes: Nodes,
    /// Usage of the file system.
    pub usage: Usage,
    /// Usage of the members by index.
    pub dev_usage: Vec<DevUsage>,
    /// Stripes.
    pub stripes: StripeTable,
    /// Highest key version handed out.
    pub key_version: u64,
    /// Sequence of the next journal entry.
    pub journal_seq: u64,
}

/// The file system before anything is known of its buckets.
#[derive(Debug)]
pub struct Begun {
    /// The file system; its buckets are empty.
    pub fs: Fs,
    /// Keys of the journal.
    pub journal: JournalKeys,
    /// Roots by btree.
    pub roots: [Rc<Node>; 8],
    /// Nodes read so far.
    pub nodes: Nodes,
    /// Usage of the file system; `hidden` follows from the buckets.
    pub usage: Usage,
    /// Highest key version handed out.
    pub key_version: u64,
    /// Sequence of the next journal entry.
    pub journal_seq: u64,
}

/// Of [`Begun`] what a run would change, to begin again.
#[derive(Debug)]
pub struct Kept {
    roots: [Rc<Node>; 8],
    nodes: Nodes,
    usage: Usage,
    key_version: u64,
    journal_seq: u64,
}

impl Kept {
    /// The rest comes from the run.
    #[must_use]
    pub fn with(self, fs: Fs, journal: JournalKeys) -> Begun {
        let Self { roots, nodes, usage, key_version, journal_seq } = self;
        Begun { fs, journal, roots, nodes, usage, key_version, journal_seq }
    }
}

/// What to do besides what a mount does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryArgs {
    /// As a check does: the journal is read after a clean shutdown too.
    pub fsck: bool,
    /// Threads that read the journal. What is said, and its order, does not depend on it.
    pub threads: usize,
    /// Bytes of memory that the journal may take; any number if `None`.
    pub room: Option<u64>,
}

impl RecoveryArgs {
    /// As a check does, or as a mount does, by one thread.
    #[must_use]
    pub const fn new(fsck: bool) -> Self {
        Self { fsck, threads: 1, room: None }
    }
}

/// Takes a finding that may be repaired to whoever decides.
pub(crate) fn ask(reporter: &mut dyn Reporter, found: Found) -> Result<bool, RecoveryError> {
    match reporter.found(found) {
        Answer::Fix => Ok(true),
        Answer::Ignore => Ok(false),
        Answer::Exit => {
            reporter.error("Unable to continue, halting");
            Err(RecoveryError::halted())
        }
    }
}

/// Reads journal, roots, alloc keys and stripes.
///
/// # Errors
/// What keeps the original from getting to the gc.
pub fn recover(
    fs: Fs,
    args: RecoveryArgs,
    reporter: &mut dyn Reporter,
) -> Result<Recovered, RecoveryError> {
    begin(fs, args, reporter)?.read_marks(reporter)
}

impl Begun {
    /// What is needed to begin again after a run.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept {
            roots: self.roots.clone(),
            nodes: self.nodes.clone(),
            usage: self.usage.clone(),
            key_version: self.key_version,
            journal_seq: self.journal_seq,
        }
    }

    /// Reads alloc keys and stripes.
    ///
    /// # Errors
    /// As [`recover`].
    pub fn read_marks(mut self, reporter: &mut dyn Reporter) -> Result<Recovered, RecoveryError> {
        let Self { fs, journal, roots, nodes, usage, .. } = &mut self;
        if !fs.devices.iter_mut().flatten().all(crate::fs::Device::make_buckets) {
            return Err(memory());
        }
        let read = marks::read(fs, journal, roots, nodes, usage, reporter);
        let (dev_usage, stripes) = match read {
            Err(_) if fs.incomplete => {
                (vec![DevUsage::default(); fs.devices.len()], StripeTable::new())
            }
            other => other?,
        };
        Ok(Recovered {
            fs: self.fs,
            journal: self.journal,
            roots: self.roots,
            nodes: self.nodes,
            usage: self.usage,
            dev_usage,
            stripes,
            key_version: self.key_version,
            journal_seq: self.journal_seq,
        })
    }
}

/// Reads journal and roots.
///
/// # Errors
/// As [`recover`].
pub fn begin(
    mut fs: Fs,
    args: RecoveryArgs,
    reporter: &mut dyn Reporter,
) -> Result<Begun, RecoveryError> {
    let mut clean = None;
    if fs.flags.clean {
        clean = Clean::read(&mut fs, reporter)?;
    }
    if fs.flags.clean {
        let seq = clean.as_ref().map_or(0, Clean::journal_seq);
        reporter.log(&format!("recovering from clean shutdown, journal seq {seq}"));
    }
    if fs.replicas.rebuild {
        reporter.log("building replicas info");
    }
    let mut journal = Journal::default();
    let mut journal_seq = clean.as_ref().map_or(0, Clean::journal_seq).wrapping_add(1);
    if !fs.flags.clean || args.fsck {
        journal = journal::read(&mut fs, (args.threads, args.room), reporter)?;
        let in_part = journal.unreadable;
        if in_part && fs.flags.clean {
            // As a mount does: what a clean shutdown left is enough.
            reporter.error("the journal cannot be read in full; the clean section alone counts");
            journal = Journal::default();
        } else if in_part {
            reporter.error(
                "the journal cannot be read in full; the last changes may be missing, and \
                 findings may come of that",
            );
        }
        if fs.flags.clean && !journal.is_empty() {
            let found = Found::reading(&fs, &Reading::CleanJournalNotEmpty);
            if ask(reporter, found)? {
                fs.flags.compat &= !ALLOC_INFO;
                fs.stored.clean = false;
                fs.flags.clean = false;
            }
        }
        match &journal.newest {
            Some(newest) => {
                if fs.flags.clean {
                    let items = journal.newest_items();
                    clean = match clean {
                        Some(c) if c.agrees(&fs, newest, items, reporter)? => Some(c),
                        _ => None,
                    };
                }
                journal_seq = newest.seq.wrapping_add(1);
            }
            None if !fs.flags.clean => {
                reporter.error("no journal entries found");
                return Err(RecoveryError::new(3, "fsck error"));
            }
            None if in_part => {}
            // The original takes the empty list of keys for a lack of memory.
            None => return Err(RecoveryError::new(-12, "cannot allocate memory")),
        }
    }
    if !fs.flags.clean && fs.flags.features >> FEATURE_EXTENTS_ABOVE_BTREE_UPDATES & 1 == 0 {
        reporter.error(
            "filesystem needs recovery from older version; run fsck from older \
             bcachefs-tools to fix",
        );
        return Err(RecoveryError::new(-22, "Invalid argument"));
    }
    let mut early = Early::new(&fs)?;
    let items = clean.as_ref().map_or(&*journal.items, Clean::words);
    early.replay(&mut fs, items, reporter)?;
    early.usage.initialize(fs.replicas.table.view());
    if !fs.flags.clean {
        blacklist(&mut fs, journal_seq, journal_seq.wrapping_add(4));
        journal_seq = journal_seq.wrapping_add(4);
    }
    let Journal { seqs, newest, keys, .. } = journal;
    if let Some(newest) = newest {
        check_sequence(&fs, &seqs, newest, reporter)?;
    }
    drop(seqs);
    let mut nodes = Nodes::default();
    reporter.phase(Phase::Nodes, fs.recorded_nodes());
    let roots = roots::read(&mut fs, &early.roots, &mut nodes, reporter)?;
    let Early { usage, key_version, .. } = early;
    Ok(Begun { fs, journal: keys, roots, nodes, usage, key_version, journal_seq })
}

/// What is taken from the items of clean section or journal before anything
/// else.
struct Early {
    roots: [Option<RootRecord>; 8],
    usage: Usage,
    key_version: u64,
}

impl Early {
    fn new(fs: &Fs) -> Result<Self, RecoveryError> {
        let usage = Usage::zeroed(fs.replicas.table.view().len()).map_err(|_| memory())?;
        Ok(Self { roots: [const { None }; 8], usage, key_version: 0 })
    }

    fn replay(
        &mut self,
        fs: &mut Fs,
        words: &[u64],
        reporter: &mut dyn Reporter,
    ) -> Result<(), RecoveryError> {
        for item in items(words) {
            match item.said() {
                Said::Root(id, level, key) => {
                    let Some(root) = self.roots.get_mut(usize::from(id.0)) else {
                        reporter.error(&format!("filesystem has unknown btree type {}", id.0));
                        return Err(RecoveryError::new(-22, "Invalid argument"));
                    };
                    match key {
                        Some(_) => *root = Some(RootRecord { level, key }),
                        None => {
                            // The level recorded before stays.
                            let level = root.as_ref().map_or(0, |r| r.level);
                            *root = Some(RootRecord { level, key: None });
                        }
                    }
                }
                Said::Usage(FsUsageType::RESERVED, index, v) => {
                    let reserved = &mut self.usage.head.persistent_reserved;
                    if let Some(to) = reserved.get_mut(usize::from(index)) {
                        *to = v;
                    }
                }
                Said::Usage(FsUsageType::INODES, _, v) => self.usage.head.nr_inodes = v,
                Said::Usage(FsUsageType::KEY_VERSION, _, v) => self.key_version = v,
                Said::DataUsage(v, set) => self.data_usage(fs, v, set)?,
                Said::Blacklist(start, end) => blacklist(fs, start, end.wrapping_add(1)),
                Said::Usage(..) | Said::Keys | Said::Other => {}
            }
        }
        Ok(())
    }

    fn data_usage(&mut self, fs: &mut Fs, v: u64, set: &[u8]) -> Result<(), RecoveryError> {
        let Some(stored) = EntryRef::first_of(set) else { return Ok(()) };
        let mut entry = ReplicasEntry::new(stored.data_type(), stored.nr_required());
        for dev in stored.devs() {
            entry.push(*dev).map_err(|_| RecoveryError::new(-22, "Invalid argument"))?;
        }
        entry.sort();
        if stored.data_type() == DataType::NONE {
            return Ok(());
        }
        set_usage(&mut fs.replicas.table, &mut self.usage, entry.get(), v).map_err(|_| memory())
    }
}

fn memory() -> RecoveryError {
    RecoveryError::new(-12, "cannot allocate memory")
}

/// Adds a range of sequences that were never written (source:
/// `bch2_journal_seq_blacklist_add`).
fn blacklist(fs: &mut Fs, start: u64, end: u64) {
    let ranges = fs.blacklist.get_or_insert_default();
    let found = ranges.iter().position(|(s, e)| start <= *s && end >= *e);
    match found {
        Some(i) if ranges.get(i) == Some(&(start, end)) => return,
        Some(i) => {
            if let Some(range) = ranges.get_mut(i) {
                *range = (start, end);
            }
            merge_with_next(ranges, i);
            if let Some(before) = i.checked_sub(1) {
                merge_with_next(ranges, before);
            }
        }
        None => ranges.push((start, end)),
    }
    fs.stored.features |= 1 << FEATURE_JOURNAL_SEQ_BLACKLIST_V3;
    fs.superblock_written();
}

fn merge_with_next(ranges: &mut Vec<(u64, u64)>, i: usize) {
    let Some(next) = i.checked_add(1) else { return };
    let (Some(&this), Some(&(start, end))) = (ranges.get(i), ranges.get(next)) else { return };
    if this.1 >= start {
        // The original moves the later range over this one, whose start is lost.
        if let Some(range) = ranges.get_mut(i) {
            *range = (start, end);
        }
        ranges.remove(next);
    }
}

/// Whether entries are missing or should not be there.
fn check_sequence(
    fs: &Fs,
    seqs: &[u64],
    newest: Newest,
    reporter: &mut dyn Reporter,
) -> Result<(), RecoveryError> {
    let (start, end) = (newest.last_seq, newest.seq);
    let mut expected = start;
    for seq in seqs.iter().copied().filter(|s| *s >= start) {
        if seq != expected {
            let needed = (start, end);
            let missing = Reading::JournalMissing { first: expected, next: seq, needed };
            ask(reporter, Found::reading(fs, &missing))?;
        }
        if fs.is_blacklisted(seq) {
            ask(reporter, Found::reading(fs, &Reading::JournalBlacklisted { seq }))?;
        }
        expected = fs.next_not_blacklisted(seq.wrapping_add(1));
    }
    Ok(())
}

/// All btrees.
pub(crate) fn btrees() -> impl Iterator<Item = BtreeId> {
    (0..8).map(BtreeId)
}
