// SPDX-License-Identifier: GPL-2.0-only
//! What the references to a bucket mean beside what is recorded, in words.

mod rules;
mod text;

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
    /// A stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoAllocKey { .. } => "no-alloc-key",
            Self::AllocUnreadable => "alloc-unreadable",
            Self::Ahead(_) => "pointers-ahead",
            Self::Behind(_) => "pointers-behind",
            Self::CachedBehind(_) => "cached-behind",
            Self::TwoTypes { .. } => "two-types",
            Self::SameSectors { .. } => "same-sectors",
            Self::MoreSameSectors { .. } => "more-same-sectors",
            Self::Full { .. } => "full",
            Self::NotReached { .. } => "not-reached",
            Self::Orphan { .. } => "orphan",
            Self::Unprotected { .. } => "unprotected",
            Self::TooMany { .. } => "too-many",
            Self::TooFew { .. } => "too-few",
            Self::Cached { .. } => "cached",
            Self::Type { .. } => "type",
            Self::Stripe { .. } => "stripe",
            Self::InJournal { .. } => "in-journal",
            Self::Repair { .. } => "repair",
            Self::Agrees => "agrees",
        }
    }
}
