// SPDX-License-Identifier: GPL-2.0-only
//! What the references to a bucket mean beside what is recorded, in words.

mod rules;
mod text;

use crate::report::{Code, Value};
use gc_core::layout::{BucketMark, DataType};

pub(super) use rules::remarks;

/// The counted part of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields(
    /// The mark.
    pub BucketMark,
);

/// Where pointers stand to the generation of their bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gens {
    /// Generation of the pointers.
    pub pointers: u8,
    /// Generation that is recorded.
    pub recorded: u8,
    /// How many pointers.
    pub nr: usize,
    /// Pointers into the bucket in all.
    pub of: usize,
}

/// Something that follows from the references. References are named by their
/// number, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// There is no alloc key, yet something points here.
    NoAllocKey {
        /// How many pointers.
        nr: usize,
    },
    /// The alloc key cannot be read.
    AllocUnreadable,
    /// Pointers are ahead of the recorded generation.
    Ahead(Gens),
    /// Pointers to data that must be kept are behind it.
    Behind(Gens),
    /// Cached pointers are behind it, which is as it should be.
    CachedBehind(Gens),
    /// References say different types.
    TwoTypes {
        /// The type of the first.
        first: DataType,
        /// References of that type.
        nr_first: usize,
        /// Another type.
        other: DataType,
        /// References of the other.
        nr_other: usize,
        /// The type that is recorded.
        recorded: DataType,
    },
    /// Two references claim the same sectors of the device.
    SameSectors {
        /// Number of the one.
        one: usize,
        /// Number of the other.
        other: usize,
        /// First sector of the device.
        start: u64,
        /// Sectors.
        sectors: u64,
    },
    /// More pairs claim the same sectors.
    MoreSameSectors {
        /// How many pairs.
        nr: usize,
    },
    /// The counter of the bucket is full.
    Full {
        /// Pointers that did not fit.
        nr: usize,
    },
    /// Keys ended before their pointer into this bucket was counted.
    NotReached {
        /// How many pointers.
        nr: usize,
    },
    /// Something is recorded and nothing refers to it.
    Orphan {
        /// Dirty sectors recorded.
        sectors: u64,
    },
    /// Recorded as empty, yet in use.
    Unprotected {
        /// Sectors that references hold.
        sectors: u64,
    },
    /// More dirty sectors are recorded than counted.
    TooMany {
        /// How many more.
        sectors: u64,
        /// They are those of the refused pointers.
        refused: bool,
    },
    /// Fewer dirty sectors are recorded than counted.
    TooFew {
        /// How many fewer.
        sectors: u64,
        /// They are those that are claimed twice.
        twice: bool,
    },
    /// The number of cached sectors differs.
    Cached {
        /// Recorded.
        recorded: u64,
        /// Counted.
        counted: u64,
    },
    /// The type differs.
    Type {
        /// Recorded.
        recorded: DataType,
        /// Counted.
        counted: DataType,
    },
    /// Whether the bucket belongs to a stripe differs.
    Stripe {
        /// Whether a stripe holds it.
        counted: bool,
    },
    /// Some references are in the journal only.
    InJournal {
        /// How many.
        nr: usize,
    },
    /// What a repair writes.
    Repair {
        /// The bucket then.
        to: BucketMark,
    },
    /// Recorded and counted agree.
    Agrees,
}

impl Remark {
    /// Its code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NoAllocKey { .. } => Code::NoAllocKey,
            Self::AllocUnreadable => Code::AllocUnreadable,
            Self::Ahead(_) => Code::PointersAhead,
            Self::Behind(_) => Code::PointersBehind,
            Self::CachedBehind(_) => Code::CachedBehind,
            Self::TwoTypes { .. } => Code::TwoTypes,
            Self::SameSectors { .. } => Code::SameSectors,
            Self::MoreSameSectors { .. } => Code::MoreSameSectors,
            Self::Full { .. } => Code::Full,
            Self::NotReached { .. } => Code::NotReached,
            Self::Orphan { .. } => Code::Orphan,
            Self::Unprotected { .. } => Code::Unprotected,
            Self::TooMany { .. } => Code::TooMany,
            Self::TooFew { .. } => Code::TooFew,
            Self::Cached { .. } => Code::Cached,
            Self::Type { .. } => Code::Type,
            Self::Stripe { .. } => Code::Stripe,
            Self::InJournal { .. } => Code::InJournal,
            Self::Repair { .. } => Code::Repair,
            Self::Agrees => Code::Agrees,
        }
    }

    /// The sector that it is about, if it is about one.
    #[must_use]
    pub const fn sector(&self) -> Option<u64> {
        match self {
            Self::SameSectors { start, .. } => Some(*start),
            _ => None,
        }
    }

    /// What is recorded, or what the pointers say, and what was counted, or what is
    /// recorded; `None` for each that the remark does not tell.
    #[must_use]
    pub fn got_and_want(&self) -> (Option<Value>, Option<Value>) {
        let number = |n: u64| Some(Value::Number(n));
        match *self {
            Self::Ahead(g) | Self::Behind(g) | Self::CachedBehind(g) => {
                (number(g.pointers.into()), number(g.recorded.into()))
            }
            Self::TwoTypes { first, other, .. } => {
                (Some(Value::DataType(other)), Some(Value::DataType(first)))
            }
            Self::Orphan { sectors } => (number(sectors), number(0)),
            Self::Unprotected { sectors } => (number(0), number(sectors)),
            Self::Cached { recorded, counted } => (number(recorded), number(counted)),
            Self::Type { recorded, counted } => {
                (Some(Value::DataType(recorded)), Some(Value::DataType(counted)))
            }
            Self::Stripe { counted } => (Some(Value::Flag(!counted)), Some(Value::Flag(counted))),
            _ => (None, None),
        }
    }
}
