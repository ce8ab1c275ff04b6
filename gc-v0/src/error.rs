// SPDX-License-Identifier: GPL-2.0-only
//! Why an image cannot be opened, or its recovery does not get to the gc.

use crate::superblock::Identity;
use gc_core::accounting::replicas::section::Invalid;
pub use gc_disk::crypt::KeyError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a superblock is not accepted: the original's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SbError {
    /// One of the original's reasons.
    #[error("{0}")]
    Reason(&'static str),
    /// There are no bytes.
    #[error("empty: there is no file system in it")]
    Empty,
    /// There are fewer sectors than a superblock and what is before it take.
    #[error("too short for a bcachefs file system ({0} sectors)")]
    Short(u64),
    /// There is no superblock anywhere, and no list of its copies.
    #[error(
        "not a bcachefs file system (no superblock at sector 8, no list of its copies at \
         sector 7, no copy in the first 32 MiB and the last 64 MiB)"
    )]
    NotBcachefs,
    /// There is a list of its copies, and none of them, nor any elsewhere.
    #[error(
        "there is a list of superblock copies at sector 7, but no superblock where it says, nor \
         in the first 32 MiB and the last 64 MiB"
    )]
    NoCopy,
    /// A bcachefs file system that is not read.
    #[error("{0}")]
    Recognised(Recognised),
    /// The sectors cannot be read.
    #[error("the superblock at sector {0} cannot be read")]
    Unreadable(u64),
    /// An entry of a list of device sets.
    #[error("{0}")]
    Replicas(Invalid),
}

/// A bcachefs file system that is recognised and not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognised {
    /// What a superblock says of itself.
    pub id: Identity,
    /// Which superblock.
    pub by: By,
}

/// The superblock by which a file system is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The one at sector 8.
    Default,
    /// A copy that the list at sector 7 leads to: the one at sector 8 is damaged.
    Listed,
    /// One that was searched for: the list is damaged too.
    SearchWithoutList,
    /// One that was searched for: all that the list leads to are damaged too.
    Search,
}

impl By {
    const fn damaged(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Listed => "the superblock at sector 8 is damaged",
            Self::SearchWithoutList => {
                "the superblock at sector 8 and the list of its copies at sector 7 are damaged"
            }
            Self::Search => {
                "the superblock at sector 8 and those in the list of its copies at sector 7 are \
                 damaged"
            }
        }
    }
}

impl fmt::Display for Recognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, by } = self;
        let Identity { sector, written_for, .. } = id;
        let searched = matches!(by, By::Search | By::SearchWithoutList);
        if searched && sector != written_for {
            write!(f, "no file system at its beginning, but {id}, whose superblock for sector ")?;
            write!(f, "{written_for} is at sector {sector}")?;
            return match sector.checked_sub(*written_for) {
                Some(start) => {
                    write!(f, ": it begins at sector {start}, as in a partition or a file")
                }
                None => f.write_str(": its own beginning was cut off"),
            };
        }
        write!(f, "{id}; ")?;
        match (id.is_read(), by) {
            (false, By::Default) => f.write_str(ONLY_2020),
            (false, _) => {
                write!(f, "{ONLY_2020} ({}; a copy is at sector {sector})", by.damaged())
            }
            (true, _) => write!(
                f,
                "not read: {}, and this version does not use the copy at sector {sector}",
                by.damaged()
            ),
        }
    }
}

const ONLY_2020: &str = "this version reads the format of 2020 only, but for `bch-gc state`";

impl From<&'static str> for SbError {
    fn from(r: &'static str) -> Self {
        Self::Reason(r)
    }
}

/// Why the file system cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No device was named.
    #[error("no device named")]
    NoDevice,
    /// A device cannot be opened or read.
    #[error("{path}: {text}", path = .0.display(), text = text_of(.1))]
    Io(PathBuf, #[source] io::Error),
    /// A block device is mounted, or held by another program.
    #[error(
        "{}: in use (mounted, or held by another program); --in-use reads it all the same",
        .0.display()
    )]
    InUse(PathBuf),
    /// A device ends before its buckets do: sectors it has and needs.
    #[error(
        "{path}: cannot online: device too small (cut short: {1} sectors, {2} by its superblock)",
        path = .0.display()
    )]
    TooSmall(PathBuf, u64, u64),
    /// There is not enough memory for the buckets.
    #[error("not enough memory for the buckets")]
    Memory,
    /// A superblock was not accepted.
    #[error("{path}: {1}", path = .0.display())]
    Superblock(PathBuf, #[source] SbError),
    /// A device does not belong to the others.
    #[error("{path}: {1}", path = .0.display())]
    Member(PathBuf, &'static str),
    /// Two of the devices are the same member.
    #[error(
        "{path}: already have device online in slot {1} (the same member twice)",
        path = .0.display()
    )]
    Twice(PathBuf, u8),
    /// The devices at hand are too few: index and UUID of those that are missing.
    #[error("insufficient devices{}", each_missing(.0))]
    Insufficient(Vec<(u8, [u8; 16])>),
    /// A member is missing, and all were asked for: its index and UUID.
    #[error("{}", missing(*.0, .1))]
    MemberMissing(u8, [u8; 16]),
    /// The file system was never mounted: there is nothing to check.
    #[error("not initialized: never mounted")]
    NotInitialized,
    /// The key is not to be had.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The words of an error without its number, which says nothing to people.
fn text_of(e: &io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}

fn missing(idx: u8, uuid: &[u8; 16]) -> String {
    format!("member {idx} ({}) is missing", crate::fs::uuid_text(uuid))
}

fn each_missing(members: &[(u8, [u8; 16])]) -> String {
    members.iter().map(|(idx, uuid)| format!("; {}", missing(*idx, uuid))).collect()
}

/// Why recovery ended before the gc: the original's number and its words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Error in recovery: {what} ({ret})")]
pub struct RecoveryError {
    /// Positive: `BCH_FSCK_*`; negative: an errno.
    pub ret: i32,
    /// What failed.
    pub what: String,
    /// Bytes that reading the journal takes, where that is more than it may take.
    pub needs: Option<u64>,
}

impl RecoveryError {
    /// Halted by a finding that was not fixed.
    pub(crate) fn halted() -> Self {
        Self::new(1, "fsck error")
    }

    /// The journal takes so many bytes.
    pub(crate) fn more_memory(needs: u64) -> Self {
        Self { needs: Some(needs), ..Self::new(-12, "cannot allocate memory") }
    }

    pub(crate) fn new(ret: i32, what: impl Into<String>) -> Self {
        Self { ret, what: what.into(), needs: None }
    }
}
