// SPDX-License-Identifier: GPL-2.0-only
//! Where a finding is, and the values that it is about, as fields.

use super::BucketPlace;
use crate::bkey::KeyRef;
use crate::layout::{Bpos, BtreeId, DataType};

/// Where one copy of a btree node lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePlace {
    /// Index of the device.
    pub device: u32,
    /// Its first sector on the device.
    pub sector: u64,
}

impl NodePlace {
    /// The first copy that a pointer to a node names; `None` if it names none.
    #[must_use]
    pub fn first_of(key: KeyRef<'_>) -> Option<Self> {
        let first = key.pointers().next()?;
        Some(Self { device: first.dev().into(), sector: first.offset() })
    }
}

/// Where a finding is. A field that does not apply, or is not known, is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Index of the device.
    pub device: Option<u32>,
    /// Number of the bucket on the device.
    pub bucket: Option<u64>,
    /// Sector of 512 bytes on the device.
    pub sector: Option<u64>,
    /// Btree of the key or node.
    pub btree: Option<BtreeId>,
    /// Level of the node, or of the node that holds the key; leaves have level 0.
    pub level: Option<u8>,
    /// Position of the key; of a node, the position at which it ends.
    pub position: Option<Bpos>,
    /// First copy of the node, or of the node that holds the key.
    pub node: Option<NodePlace>,
    /// Index of the copy of the node that was being read.
    pub replica: Option<u8>,
    /// Index of the stripe.
    pub stripe: Option<u64>,
    /// Block of the stripe.
    pub block: Option<u8>,
    /// Sequence number of the journal entry; of missing entries, the first of them.
    pub journal_seq: Option<u64>,
}

impl Place {
    /// No field is known.
    pub const UNKNOWN: Self = Self {
        device: None,
        bucket: None,
        sector: None,
        btree: None,
        level: None,
        position: None,
        node: None,
        replica: None,
        stripe: None,
        block: None,
        journal_seq: None,
    };

    /// A bucket.
    #[must_use]
    pub const fn bucket(at: BucketPlace) -> Self {
        Self { device: Some(at.dev), bucket: Some(at.bucket), ..Self::UNKNOWN }
    }

    /// A stripe.
    #[must_use]
    pub const fn stripe(idx: u64) -> Self {
        Self { stripe: Some(idx), ..Self::UNKNOWN }
    }

    /// A journal entry.
    #[must_use]
    pub const fn journal(seq: u64) -> Self {
        Self { journal_seq: Some(seq), ..Self::UNKNOWN }
    }

    /// A node or a key of a btree.
    #[must_use]
    pub const fn btree(btree: BtreeId, level: u8) -> Self {
        Self { btree: Some(btree), level: Some(level), ..Self::UNKNOWN }
    }
}

/// A value that was found, or that should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A number: sectors, a generation, a sequence number and the like.
    Number(u64),
    /// A number that may be negative.
    Signed(i64),
    /// Whether something is so.
    Flag(bool),
    /// A type of data.
    DataType(DataType),
    /// A position in a btree.
    Position(Bpos),
    /// A checksum, as it is stored.
    Checksum([u8; 16]),
    /// A set of devices, one bit for each index.
    Devices(u64),
    /// The root of a btree.
    Root {
        /// Its level.
        level: u8,
        /// Its first copy; `None` if none is recorded.
        node: Option<NodePlace>,
    },
}
