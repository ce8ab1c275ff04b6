// SPDX-License-Identifier: GPL-2.0-only
//! Why an image cannot be opened, or its recovery does not get to the gc.

use gc_core::accounting::replicas::section::Invalid;
pub use gc_disk::crypt::KeyError;
use std::fmt;
use std::path::PathBuf;

/// Why a superblock is not accepted: the original's words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SbError {
    /// One of the original's reasons.
    Reason(&'static str),
    /// There are no bytes.
    Empty,
    /// There are fewer sectors than a superblock and what is before it take.
    Short(u64),
    /// Neither a superblock nor a list of its copies is where they have to be.
    NotBcachefs,
    /// The sectors cannot be read.
    Unreadable(u64),
    /// A format version that is not ours.
    Version(u16),
    /// An entry of a list of device sets.
    Replicas(Invalid),
}

impl fmt::Display for SbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reason(r) => f.write_str(r),
            Self::Empty => f.write_str("empty: there is no file system in it"),
            Self::Short(sectors) => {
                write!(f, "too short for a bcachefs file system ({sectors} sectors)")
            }
            Self::NotBcachefs => f.write_str(
                "not a bcachefs file system (no superblock at sector 8, no list of its \
                 copies at sector 7)",
            ),
            Self::Unreadable(sector) => {
                write!(f, "the superblock at sector {sector} cannot be read")
            }
            Self::Replicas(e) => e.fmt(f),
            Self::Version(v) => {
                let max = crate::superblock::VERSION_MAX.saturating_sub(1);
                write!(f, "format version {v}; this reads up to {max}")
            }
        }
    }
}

impl From<&'static str> for SbError {
    fn from(r: &'static str) -> Self {
        Self::Reason(r)
    }
}

/// Why the file system cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// No device was named.
    NoDevice,
    /// A device cannot be opened or read.
    Io(PathBuf, std::io::Error),
    /// A block device is mounted, or held by another program.
    InUse(PathBuf),
    /// A device ends before its buckets do: sectors it has and needs.
    TooSmall(PathBuf, u64, u64),
    /// There is not enough memory for the buckets.
    Memory,
    /// A superblock was not accepted.
    Superblock(PathBuf, SbError),
    /// A device does not belong to the others.
    Member(PathBuf, &'static str),
    /// Two of the devices are the same member.
    Twice(PathBuf, u8),
    /// The devices at hand are too few: index and UUID of those that are missing.
    Insufficient(Vec<(u8, [u8; 16])>),
    /// A member is missing, and all were asked for: its index and UUID.
    MemberMissing(u8, [u8; 16]),
    /// The file system was never mounted: there is nothing to check.
    NotInitialized,
    /// The key is not to be had.
    Key(KeyError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDevice => f.write_str("no device named"),
            Self::Io(p, e) => {
                let text = e.to_string();
                // The number says nothing to people.
                let text = text.split(" (os error").next().unwrap_or_default();
                write!(f, "{}: {text}", p.display())
            }
            Self::InUse(p) => write!(
                f,
                "{}: in use (mounted, or held by another program); --in-use reads it all \
                 the same",
                p.display()
            ),
            Self::TooSmall(p, has, needs) => write!(
                f,
                "{}: cannot online: device too small (cut short: {has} sectors, {needs} by its \
                 superblock)",
                p.display()
            ),
            Self::Memory => f.write_str("not enough memory for the buckets"),
            Self::Superblock(p, e) => write!(f, "{}: {e}", p.display()),
            Self::Member(p, e) => write!(f, "{}: {e}", p.display()),
            Self::Twice(p, i) => {
                write!(
                    f,
                    "{}: already have device online in slot {i} (the same member twice)",
                    p.display()
                )
            }
            Self::Insufficient(missing) => {
                f.write_str("insufficient devices")?;
                for (idx, uuid) in missing {
                    write!(f, "; member {idx} ({}) is missing", crate::fs::uuid_text(uuid))?;
                }
                Ok(())
            }
            Self::MemberMissing(idx, uuid) => {
                write!(f, "member {idx} ({}) is missing", crate::fs::uuid_text(uuid))
            }
            Self::NotInitialized => f.write_str("not initialized: never mounted"),
            Self::Key(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// Why recovery ended before the gc: the original's number and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl fmt::Display for RecoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error in recovery: {} ({})", self.what, self.ret)
    }
}

impl std::error::Error for RecoveryError {}
