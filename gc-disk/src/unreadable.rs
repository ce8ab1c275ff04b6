// SPDX-License-Identifier: GPL-2.0-only
//! Sectors that a device did not give, and what they hold.

use gc_core::layout::BtreeId;
use std::fmt;
use std::path::PathBuf;

/// What a range of sectors holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holds {
    /// A copy of the superblock.
    Superblock,
    /// The list of the superblock's copies.
    Layout,
    /// A bucket of the journal.
    Journal,
    /// A copy of a btree node.
    Node(BtreeId, u8),
}

impl Holds {
    /// What it is, without the btree of a node.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Superblock => "superblock",
            Self::Layout => "superblock layout",
            Self::Journal => "journal",
            Self::Node(..) => "btree node",
        }
    }

    /// Btree and level of a node; `None` for anything else.
    #[must_use]
    pub const fn node(self) -> Option<(BtreeId, u8)> {
        match self {
            Self::Node(btree, level) => Some((btree, level)),
            Self::Superblock | Self::Layout | Self::Journal => None,
        }
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let Some((btree, level)) = self.node() else { return Ok(()) };
        write!(f, ", {} level {level}", btree.name().unwrap_or("?"))
    }
}

/// Sectors (of 512 bytes) that a device did not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The device.
    pub path: PathBuf,
    /// The first of them.
    pub sector: u64,
    /// How many.
    pub sectors: u64,
    /// Number of the bucket they begin in, where it is known.
    pub bucket: Option<u64>,
    /// What was being read.
    pub holds: Holds,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, first) = (self.path.display(), self.sector);
        let last = first.saturating_add(self.sectors.saturating_sub(1));
        write!(f, "{path}: sectors {first} to {last}")?;
        if let Some(bucket) = self.bucket {
            write!(f, ", bucket {bucket}")?;
        }
        write!(f, " ({})", self.holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: by hand.
    #[test]
    fn texts() {
        let (path, holds) = (PathBuf::from("x"), Holds::Node(BtreeId::EXTENTS, 1));
        let bad = Unreadable { path, sector: 8, sectors: 8, bucket: Some(2), holds };
        let text = "x: sectors 8 to 15, bucket 2 (btree node, extents level 1)";
        assert_eq!(bad.to_string(), text);
        let none = Unreadable { bucket: None, holds: Holds::Layout, sectors: 0, ..bad };
        assert_eq!(none.to_string(), "x: sectors 8 to 8 (superblock layout)");
    }
}
