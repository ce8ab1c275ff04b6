// SPDX-License-Identifier: GPL-2.0-only
//! What is found wrong while superblock, journal and btree nodes are read. Texts are made
//! here and nowhere else, and equal the original's.

use super::{Code, Flags, NodePlace, Place, Value};
use crate::superblock::btree_name;
use gc_core::layout::{Bpos, BtreeId};
use std::fmt;

/// The root of a btree as the clean section or the journal records it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordedRoot<'a> {
    /// As the original prints it.
    pub(crate) text: &'a str,
    /// Level of the root.
    pub(crate) level: u8,
    /// Its first copy.
    pub(crate) node: Option<NodePlace>,
}

/// Where a key of the journal is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JournalKeyPlace {
    /// Sequence number of the entry.
    pub(crate) seq: u64,
    /// Btree that the key is for.
    pub(crate) btree: BtreeId,
    /// Level of the node that the key is for.
    pub(crate) level: u8,
    /// Position of the key; `None` if its own fields cannot be read.
    pub(crate) position: Option<Bpos>,
}

/// One thing found wrong while reading. Lengths are bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading<'a> {
    /// The superblock is marked clean and has no clean section.
    CleanMissing,
    /// The superblock is marked clean, but the journal has keys.
    CleanJournalNotEmpty,
    /// The clean section and the journal end at different sequence numbers.
    CleanSeq {
        /// Of the clean section.
        sb: u64,
        /// Of the journal's last entry.
        journal: u64,
    },
    /// A clock of the clean section differs from the journal's.
    CleanClock {
        /// Of the clean section.
        sb: u16,
        /// Of the journal's last entry.
        journal: u16,
    },
    /// The clean section and the journal record different roots of a btree.
    CleanRoot {
        /// The btree.
        btree: BtreeId,
        /// Of the clean section.
        sb: RecordedRoot<'a>,
        /// Of the journal's last entry.
        journal: RecordedRoot<'a>,
    },
    /// A journal entry does not fit into its bucket.
    JournalTooBig {
        /// Where it begins.
        at: Place,
        /// Its sector, as the text prints it.
        sector: u64,
        /// Its length.
        bytes: u64,
        /// What is left of the bucket.
        room: u64,
    },
    /// A journal entry has a checksum of an unknown type.
    JournalCsumType {
        /// Where it begins.
        at: Place,
        /// Its sector, as the text prints it.
        sector: u64,
        /// Number of the type.
        csum_type: u8,
    },
    /// The checksum of a journal entry is wrong.
    JournalCsum {
        /// Where it begins.
        at: Place,
        /// Its sector, as the text prints it.
        sector: u64,
        /// The one that is stored.
        stored: Option<[u8; 16]>,
        /// The one that its bytes have.
        computed: Option<[u8; 16]>,
    },
    /// A journal entry needs entries that are younger than itself.
    JournalLastSeq {
        /// Where it begins.
        at: Place,
        /// Its sequence number.
        seq: u64,
        /// The oldest that it says is needed.
        last_seq: u64,
    },
    /// Two copies of a journal entry differ.
    JournalDuplicate {
        /// Where the second begins.
        at: Place,
        /// Its sequence number.
        seq: u64,
    },
    /// A journal entry is on one device twice.
    JournalSameDevice {
        /// Where the second begins.
        at: Place,
    },
    /// An item of a journal entry is malformed.
    JournalItem {
        /// Sequence number of the entry.
        seq: u64,
        /// What is wrong, as the original says it.
        what: &'a str,
    },
    /// A key in the journal is invalid.
    JournalKey {
        /// Where it is.
        at: JournalKeyPlace,
        /// What the original calls it: a key, or a btree root.
        kind: &'a str,
        /// What is wrong.
        reason: &'a str,
        /// The key as text; `None` if the original does not print it.
        key: Option<&'a str>,
    },
    /// The superblock does not list the devices of a journal entry.
    JournalReplicas {
        /// Sequence number of the entry.
        seq: u64,
        /// The set of devices as the original prints it.
        set: &'a str,
        /// The devices, one bit for each index.
        devices: u64,
    },
    /// Journal entries that are needed are missing.
    JournalMissing {
        /// The first that is missing.
        first: u64,
        /// The next that is there.
        next: u64,
        /// First and last of those that are needed.
        needed: (u64, u64),
    },
    /// A journal entry is there that must not count.
    JournalBlacklisted {
        /// Its sequence number.
        seq: u64,
    },
    /// A btree node is wrong in a way that can be repaired in memory.
    Node {
        /// The node.
        at: Place,
        /// The whole text.
        text: &'a str,
    },
    /// The root of a btree is recorded as bad.
    RootInvalid {
        /// The btree.
        btree: BtreeId,
        /// Level that is recorded.
        level: u8,
    },
    /// The root of a btree cannot be read.
    RootRead {
        /// The btree.
        btree: BtreeId,
        /// Level that is recorded.
        level: u8,
        /// Its first copy.
        node: Option<NodePlace>,
    },
}

impl Reading<'_> {
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::CleanMissing => Code::CleanMissing,
            Self::CleanJournalNotEmpty => Code::CleanJournalNotEmpty,
            Self::CleanSeq { .. } => Code::CleanSeq,
            Self::CleanClock { .. } => Code::CleanClock,
            Self::CleanRoot { .. } => Code::CleanRoot,
            Self::JournalTooBig { .. } => Code::JournalTooBig,
            Self::JournalCsumType { .. } => Code::JournalCsumType,
            Self::JournalCsum { .. } => Code::JournalCsum,
            Self::JournalLastSeq { .. } => Code::JournalLastSeq,
            Self::JournalDuplicate { .. } => Code::JournalDuplicate,
            Self::JournalSameDevice { .. } => Code::JournalSameDevice,
            Self::JournalItem { .. } => Code::JournalItem,
            Self::JournalKey { .. } => Code::JournalKey,
            Self::JournalReplicas { .. } => Code::JournalReplicas,
            Self::JournalMissing { .. } => Code::JournalMissing,
            Self::JournalBlacklisted { .. } => Code::JournalBlacklisted,
            Self::Node { .. } => Code::Node,
            Self::RootInvalid { .. } => Code::RootInvalid,
            Self::RootRead { .. } => Code::RootRead,
        }
    }

    pub(super) const fn flags(&self) -> Flags {
        match self {
            Self::CleanMissing
            | Self::JournalCsumType { .. }
            | Self::JournalDuplicate { .. }
            | Self::JournalSameDevice { .. }
            | Self::JournalReplicas { .. }
            | Self::JournalMissing { .. }
            | Self::JournalBlacklisted { .. } => Flags::FIX_OR_IGNORE,
            Self::CleanJournalNotEmpty
            | Self::CleanSeq { .. }
            | Self::CleanClock { .. }
            | Self::CleanRoot { .. }
            | Self::JournalTooBig { .. }
            | Self::JournalCsum { .. }
            | Self::JournalLastSeq { .. }
            | Self::JournalItem { .. }
            | Self::JournalKey { .. }
            | Self::Node { .. } => Flags::MUST_FIX,
            // What the alloc btree says can be counted anew.
            Self::RootInvalid { btree, .. } | Self::RootRead { btree, .. } => match *btree {
                BtreeId::ALLOC => Flags::IGNORE,
                _ => Flags::FATAL,
            },
        }
    }

    pub(super) const fn place(&self) -> Place {
        match *self {
            Self::CleanMissing
            | Self::CleanJournalNotEmpty
            | Self::CleanSeq { .. }
            | Self::CleanClock { .. } => Place::UNKNOWN,
            Self::CleanRoot { btree, .. } => Place { btree: Some(btree), ..Place::UNKNOWN },
            Self::JournalTooBig { at, .. }
            | Self::JournalCsumType { at, .. }
            | Self::JournalCsum { at, .. }
            | Self::JournalLastSeq { at, .. }
            | Self::JournalDuplicate { at, .. }
            | Self::JournalSameDevice { at }
            | Self::Node { at, .. } => at,
            Self::JournalItem { seq, .. }
            | Self::JournalReplicas { seq, .. }
            | Self::JournalBlacklisted { seq } => Place::journal(seq),
            Self::JournalKey { at, .. } => Place {
                position: at.position,
                journal_seq: Some(at.seq),
                ..Place::btree(at.btree, at.level)
            },
            Self::JournalMissing { first, .. } => Place::journal(first),
            Self::RootInvalid { btree, level } => Place::btree(btree, level),
            Self::RootRead { btree, level, node } => Place { node, ..Place::btree(btree, level) },
        }
    }

    pub(super) fn got(&self) -> Option<Value> {
        Some(match *self {
            Self::CleanSeq { sb, .. } => Value::Number(sb),
            Self::CleanClock { sb, .. } => Value::Number(sb.into()),
            Self::CleanRoot { sb, .. } => Value::Root { level: sb.level, node: sb.node },
            Self::JournalTooBig { bytes, .. } => Value::Number(bytes),
            Self::JournalCsumType { csum_type, .. } => Value::Number(csum_type.into()),
            Self::JournalCsum { stored, .. } => Value::Checksum(stored?),
            Self::JournalLastSeq { last_seq, .. } => Value::Number(last_seq),
            Self::JournalReplicas { devices, .. } => Value::Devices(devices),
            Self::JournalMissing { next, .. } => Value::Number(next),
            _ => return None,
        })
    }

    pub(super) fn want(&self) -> Option<Value> {
        Some(match *self {
            Self::CleanSeq { journal, .. } => Value::Number(journal),
            Self::CleanClock { journal, .. } => Value::Number(journal.into()),
            Self::CleanRoot { journal, .. } => {
                Value::Root { level: journal.level, node: journal.node }
            }
            Self::JournalTooBig { room, .. } => Value::Number(room),
            Self::JournalCsum { computed, .. } => Value::Checksum(computed?),
            Self::JournalLastSeq { seq, .. } => Value::Number(seq),
            Self::JournalMissing { first, .. } => Value::Number(first),
            _ => return None,
        })
    }
}

impl fmt::Display for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CleanMissing => {
                f.write_str("superblock marked clean but clean section not present")
            }
            Self::CleanJournalNotEmpty => {
                f.write_str("filesystem marked clean but journal not empty")
            }
            Self::CleanSeq { sb, journal } => write!(
                f,
                "superblock journal seq ({sb}) doesn't match journal ({journal}) after clean \
                 shutdown"
            ),
            // "read clock" for both clocks: the text is the original's.
            Self::CleanClock { .. } => {
                f.write_str("superblock read clock doesn't match journal after clean shutdown")
            }
            Self::CleanRoot { btree, sb, journal } => write!(
                f,
                "superblock btree root {} doesn't match journal after clean shutdown\n\
                 sb:      {}\njournal: {}\n",
                btree.0, sb.text, journal.text
            ),
            // The letter behind the number is the original's.
            Self::JournalTooBig { sector, bytes, .. } => {
                write!(f, "journal entry too big ({bytes} bytes), sector {sector}u")
            }
            Self::JournalCsumType { sector, csum_type, .. } => {
                write!(f, "journal entry with unknown csum type {csum_type} sector {sector}u")
            }
            Self::JournalCsum { sector, .. } => {
                write!(f, "journal checksum bad, sector {sector}")
            }
            Self::JournalLastSeq { .. } => f.write_str("invalid journal entry: last_seq > seq"),
            Self::JournalDuplicate { seq, .. } => {
                write!(f, "found duplicate but non identical journal entries (seq {seq})")
            }
            Self::JournalSameDevice { .. } => {
                f.write_str("duplicate journal entries on same device")
            }
            Self::JournalItem { what, .. } => f.write_str(what),
            Self::JournalKey { kind, reason, key, .. } => {
                write!(f, "invalid {kind} in journal: {reason}")?;
                key.map_or(Ok(()), |key| write!(f, "\n{key}"))
            }
            Self::JournalReplicas { set, .. } => {
                write!(f, "superblock not marked as containing replicas {set}")
            }
            Self::JournalMissing { first, next, needed: (start, end) } => {
                let last = next.wrapping_sub(1);
                write!(f, "journal entries {first}-{last} missing! (replaying {start}-{end})")
            }
            Self::JournalBlacklisted { seq } => {
                write!(f, "found blacklisted journal entry {seq}")
            }
            Self::Node { text, .. } => f.write_str(text),
            Self::RootInvalid { btree, .. } => {
                write!(f, "invalid btree root {}", btree_name(btree))
            }
            Self::RootRead { btree, .. } => {
                write!(f, "error reading btree root {}", btree_name(btree))
            }
        }
    }
}
