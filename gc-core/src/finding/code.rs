// SPDX-License-Identifier: GPL-2.0-only
//! Stable codes of findings, and what may be answered.

use crate::layout::fsck::{FSCK_CAN_FIX, FSCK_CAN_IGNORE, FSCK_NEED_FSCK};

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $n:literal, $text:literal;)*) => {
        /// The kind of a finding: a number for hosts that group messages by it,
        /// and a name for people and programs. Neither ever changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Code {
            $($(#[doc = $doc])* $name = $n,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $n,)* }
            }

            /// The name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it says, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*),)* }
            }
        }
    };
}

codes! {
    /// A root does not cover the whole btree.
    RootKey = 0, "root-key";
    /// A gap or an overlap between two children.
    NodeMinKey = 1, "node-min-key";
    /// The last child does not end where its parent ends.
    NodeMaxKey = 2, "node-max-key";
    /// A key's version was never handed out.
    KeyVersion = 3, "key-version";
    /// A set of devices is missing in the superblock.
    ReplicasUnmarked = 4, "replicas-unmarked";
    /// A bucket's generation is not recorded.
    GenMissing = 5, "gen-missing";
    /// A pointer is ahead of its bucket.
    GenFuture = 6, "gen-future";
    /// Whether the stripe exists.
    StripeAlive = 7, "stripe-alive";
    /// Sectors of a block of the stripe.
    StripeSectors = 8, "stripe-sectors";
    /// Algorithm of the stripe.
    StripeAlgorithm = 9, "stripe-algorithm";
    /// Number of blocks of the stripe.
    StripeNrBlocks = 10, "stripe-nr-blocks";
    /// Number of redundant blocks of the stripe.
    StripeNrRedundant = 11, "stripe-nr-redundant";
    /// Number of blocks of the stripe that hold data.
    StripeBlocksNonempty = 12, "stripe-blocks-nonempty";
    /// Data in one block of the stripe.
    StripeBlockSectors = 13, "stripe-block-sectors";
    /// Generation of a bucket.
    BucketGen = 14, "bucket-gen";
    /// Data type of a bucket.
    BucketDataType = 15, "bucket-data-type";
    /// Whether the allocator has a bucket.
    BucketOwnedByAllocator = 16, "bucket-owned-by-allocator";
    /// Whether a bucket belongs to a stripe.
    BucketStripe = 17, "bucket-stripe";
    /// Dirty sectors of a bucket.
    BucketDirtySectors = 18, "bucket-dirty-sectors";
    /// Cached sectors of a bucket.
    BucketCachedSectors = 19, "bucket-cached-sectors";
    /// Sectors of superblocks and journal.
    FsHidden = 20, "fs-hidden";
    /// Sectors of btree nodes.
    FsBtree = 21, "fs-btree";
    /// Sectors of user data.
    FsData = 22, "fs-data";
    /// Sectors of cached data.
    FsCached = 23, "fs-cached";
    /// Sectors reserved.
    FsReserved = 24, "fs-reserved";
    /// Number of inodes.
    FsNrInodes = 25, "fs-nr-inodes";
    /// Sectors reserved, by number of replicas.
    FsPersistentReserved = 26, "fs-persistent-reserved";
    /// Sectors on a set of devices.
    FsReplicas = 27, "fs-replicas";
    /// A pointer is ahead of its bucket when it is counted.
    PtrNewer = 28, "ptr-newer";
    /// A pointer is so far behind its bucket that it may be ahead.
    PtrTooStale = 29, "ptr-too-stale";
    /// A pointer to data that must be kept, into a bucket reused since.
    PtrStaleDirty = 30, "ptr-stale-dirty";
    /// Two types of data in one bucket.
    BucketMixedTypes = 31, "bucket-mixed-types";
    /// More sectors in a bucket than can be counted.
    BucketOverflow = 32, "bucket-overflow";
    /// A block of a stripe whose bucket has another generation.
    StripeStalePtr = 33, "stripe-stale-ptr";
    /// A superblock or journal in a bucket of another type.
    MetadataMixedTypes = 34, "metadata-mixed-types";
    /// More sectors of superblock or journal in a bucket than can be counted.
    MetadataOverflow = 35, "metadata-overflow";
    /// A pointer into a stripe that is not there.
    StripeMissing = 36, "stripe-missing";
    /// A stripe to be counted or dropped that is not there.
    StripeNotThere = 37, "stripe-not-there";
    /// A reference that cannot be followed.
    BadReference = 38, "bad-reference";
}

/// What may be done about a finding (`FSCK_*` flags).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    /// It can be fixed and it can be ignored.
    pub const FIX_OR_IGNORE: Self = Self(FSCK_CAN_FIX | FSCK_CAN_IGNORE);
    /// It can only be fixed.
    pub const MUST_FIX: Self = Self(FSCK_CAN_FIX);
    /// It is noted; a full check is needed later.
    pub const NEED_FSCK: Self = Self(FSCK_CAN_IGNORE | FSCK_NEED_FSCK);

    /// It is a log line, not a question.
    pub const LOG: Self = Self(0);

    /// The `FSCK_*` bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether there is a repair.
    #[must_use]
    pub const fn can_fix(self) -> bool {
        self.0 & FSCK_CAN_FIX != 0
    }

    /// Whether the run may go on without one.
    #[must_use]
    pub const fn can_ignore(self) -> bool {
        self.0 & FSCK_CAN_IGNORE != 0
    }
}

/// What is to be done about a finding (`enum fsck_err_ret`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Ignore,
    /// Repair it.
    Fix,
    /// Stop; the host has said so.
    Exit,
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: codes are 0.. without a gap, below the number C reserves for them.
    #[test]
    fn codes_are_dense_and_named_once() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert_eq!(code.number() as usize, i);
            assert!(Code::ALL.iter().filter(|c| c.name() == code.name()).count() == 1);
        }
        assert!(Code::ALL.len() <= 64);
    }
}
