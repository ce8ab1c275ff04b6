// SPDX-License-Identifier: GPL-2.0-only
//! Fields that are compared, by the names the original prints.

use super::{Code, Value};
use crate::layout::DataType;
use crate::layout::bits::low8;
use core::fmt;

/// A field of a bucket's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketField {
    /// `gen`.
    Gen,
    /// `data_type`, by number.
    DataType,
    /// `owned_by_allocator`, 0 or 1.
    OwnedByAllocator,
    /// `stripe`, 0 or 1.
    Stripe,
    /// `dirty_sectors`.
    DirtySectors,
    /// `cached_sectors`.
    CachedSectors,
}

impl BucketField {
    /// Name of the field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gen => "gen",
            Self::DataType => "data_type",
            Self::OwnedByAllocator => "owned_by_allocator",
            Self::Stripe => "stripe",
            Self::DirtySectors => "dirty_sectors",
            Self::CachedSectors => "cached_sectors",
        }
    }

    pub(super) const fn code(self) -> Code {
        match self {
            Self::Gen => Code::BucketGen,
            Self::DataType => Code::BucketDataType,
            Self::OwnedByAllocator => Code::BucketOwnedByAllocator,
            Self::Stripe => Code::BucketStripe,
            Self::DirtySectors => Code::BucketDirtySectors,
            Self::CachedSectors => Code::BucketCachedSectors,
        }
    }

    /// A number of this field, as what it stands for.
    pub(super) fn value(self, n: u32) -> Value {
        match self {
            Self::DataType => Value::DataType(DataType(low8(n.into()))),
            Self::OwnedByAllocator | Self::Stripe => Value::Flag(n != 0),
            Self::Gen | Self::DirtySectors | Self::CachedSectors => Value::Number(n.into()),
        }
    }
}

impl fmt::Display for BucketField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A field of a stripe in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StripeField {
    /// `alive`, 0 or 1.
    Alive,
    /// `sectors`.
    Sectors,
    /// `algorithm`.
    Algorithm,
    /// `nr_blocks`.
    NrBlocks,
    /// `nr_redundant`.
    NrRedundant,
    /// `blocks_nonempty`.
    BlocksNonempty,
    /// `block_sectors` of one block.
    BlockSectors(u8),
}

impl StripeField {
    pub(super) const fn code(self) -> Code {
        match self {
            Self::Alive => Code::StripeAlive,
            Self::Sectors => Code::StripeSectors,
            Self::Algorithm => Code::StripeAlgorithm,
            Self::NrBlocks => Code::StripeNrBlocks,
            Self::NrRedundant => Code::StripeNrRedundant,
            Self::BlocksNonempty => Code::StripeBlocksNonempty,
            Self::BlockSectors(_) => Code::StripeBlockSectors,
        }
    }

    /// A number of this field, as what it stands for.
    pub(super) fn value(self, n: u32) -> Value {
        match self {
            Self::Alive => Value::Flag(n != 0),
            _ => Value::Number(n.into()),
        }
    }
}

impl fmt::Display for StripeField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alive => f.write_str("alive"),
            Self::Sectors => f.write_str("sectors"),
            Self::Algorithm => f.write_str("algorithm"),
            Self::NrBlocks => f.write_str("nr_blocks"),
            Self::NrRedundant => f.write_str("nr_redundant"),
            Self::BlocksNonempty => f.write_str("blocks_nonempty"),
            Self::BlockSectors(i) => write!(f, "block_sectors[{i}]"),
        }
    }
}

/// A counter of the file system's usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsField {
    /// `hidden`.
    Hidden,
    /// `btree`.
    Btree,
    /// `data`.
    Data,
    /// `cached`.
    Cached,
    /// `reserved`.
    Reserved,
    /// `nr_inodes`.
    NrInodes,
    /// `persistent_reserved` for one more replica than the index.
    PersistentReserved(u8),
}

impl FsField {
    pub(super) const fn code(self) -> Code {
        match self {
            Self::Hidden => Code::FsHidden,
            Self::Btree => Code::FsBtree,
            Self::Data => Code::FsData,
            Self::Cached => Code::FsCached,
            Self::Reserved => Code::FsReserved,
            Self::NrInodes => Code::FsNrInodes,
            Self::PersistentReserved(_) => Code::FsPersistentReserved,
        }
    }
}

impl fmt::Display for FsField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden => f.write_str("hidden"),
            Self::Btree => f.write_str("btree"),
            Self::Data => f.write_str("data"),
            Self::Cached => f.write_str("cached"),
            Self::Reserved => f.write_str("reserved"),
            Self::NrInodes => f.write_str("nr_inodes"),
            Self::PersistentReserved(i) => write!(f, "persistent_reserved[{i}]"),
        }
    }
}
