// SPDX-License-Identifier: GPL-2.0-only
//! Why a file system cannot be opened or read to its end.

use gc_disk::crypt::KeyError;
use std::fmt;
use std::path::PathBuf;

/// Why a copy of the superblock is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SbError {
    /// The sectors cannot be read.
    Unreadable,
    /// There are fewer bytes than a superblock has.
    TooShort,
    /// Neither of the two magics is there.
    NoMagic,
    /// A version that no program of today reads.
    Version(u16),
    /// Longer than its own layout allows.
    TooBig,
    /// A checksum type that is not known, or one that needs a key.
    CsumType(u8),
    /// The checksum is wrong.
    Checksum,
}

impl fmt::Display for SbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("it cannot be read"),
            Self::TooShort => f.write_str("it is cut short"),
            Self::NoMagic => f.write_str("it is no superblock"),
            Self::Version(v) => write!(f, "version {} is not known", version_text(*v)),
            Self::TooBig => f.write_str("it is longer than its layout allows"),
            Self::CsumType(t) => write!(f, "checksum type {t} is not known"),
            Self::Checksum => f.write_str("its checksum is wrong"),
        }
    }
}

impl std::error::Error for SbError {}

/// A version as people write it.
#[must_use]
pub fn version_text(version: u16) -> String {
    format!("{}.{}", version >> 10, version & 0x3ff)
}

/// Why the file system cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// No device was named.
    NoDevice,
    /// No copy of the superblock is good: what is wrong with the first.
    Superblock(PathBuf, SbError),
    /// A rule of the chosen superblock does not hold.
    Rule(PathBuf, &'static str),
    /// The file system is of a version, or uses a feature, that is not read: the reason.
    Refused(PathBuf, String),
    /// A device does not belong to the others.
    Member(PathBuf, &'static str),
    /// Two devices are the same member.
    Twice(PathBuf, u8),
    /// A device ends before its buckets do: sectors it has and needs.
    TooSmall(PathBuf, u64, u64),
    /// Too few devices: data type and devices of a set that cannot be read.
    Insufficient(String),
    /// The key is not to be had.
    Key(KeyError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDevice => f.write_str("no device named"),
            Self::Superblock(p, e) => write!(f, "{}: superblock: {e}", p.display()),
            Self::Rule(p, e) => write!(f, "{}: superblock: {e}", p.display()),
            Self::Refused(p, e) => write!(f, "{}: {e}", p.display()),
            Self::Member(p, e) => write!(f, "{}: {e}", p.display()),
            Self::Twice(p, idx) => {
                write!(f, "{}: member {idx} is given twice", p.display())
            }
            Self::TooSmall(p, has, needs) => {
                write!(f, "{}: cut short: {has} sectors, {needs} by its superblock", p.display())
            }
            Self::Insufficient(set) => write!(f, "insufficient devices: {set}"),
            Self::Key(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Superblock(_, e) => Some(e),
            Self::Key(e) => Some(e),
            _ => None,
        }
    }
}
