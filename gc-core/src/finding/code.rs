// SPDX-License-Identifier: GPL-2.0-only
//! Stable codes of findings, how bad they are, and what may be answered.

use crate::layout::fsck::{FSCK_CAN_FIX, FSCK_CAN_IGNORE, FSCK_NEED_FSCK};

macro_rules! codes {
    ($($(#[$list_doc:meta])* $list:ident {
        $($(#[$doc:meta])* $name:ident = $n:literal, $text:literal, $severity:ident;)*
    })*) => {
        /// The kind of a finding: a number and a name. Neither is ever given to another
        /// event; what each means stands in `docs/findings.md`.
        ///
        /// One table holds three ranges of numbers. The engine's are below 64 and are
        /// known to the hosts of the C interface ([`Code::engine`]); the others are
        /// raised by programs that read images.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Code {
            $($($(#[$doc])* $name = $n,)*)*
        }

        impl Code {
            $($(#[$list_doc])* pub const $list: &'static [Self] = &[$(Self::$name,)*];)*

            /// All codes, by ascending number.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)*)*];

            /// The number.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $($(Self::$name => $n,)*)* }
            }

            /// The name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$name => $text,)*)* }
            }

            /// How bad a finding of this kind is, where nothing more is known of it
            /// ([`Finding::severity`](super::Finding::severity) may know more).
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $($(Self::$name => Severity::$severity,)*)* }
            }
        }
    };
}

codes! {
    /// Codes that the engine raises while it counts and compares. The number of such a
    /// code is below `GC_HOST_FINDING_NR` of the C interface.
    ENGINE {
        /// A root does not cover the whole btree.
        RootKey = 0, "root-key", Error;
        /// A gap or an overlap between two children.
        NodeMinKey = 1, "node-min-key", Error;
        /// The last child does not end where its parent ends.
        NodeMaxKey = 2, "node-max-key", Error;
        /// A key's version was never handed out.
        KeyVersion = 3, "key-version", Warning;
        /// A set of devices is missing in the superblock.
        ReplicasUnmarked = 4, "replicas-unmarked", Warning;
        /// A bucket's generation is not recorded.
        GenMissing = 5, "gen-missing", Warning;
        /// A pointer is ahead of its bucket.
        GenFuture = 6, "gen-future", Error;
        /// Whether the stripe exists.
        StripeAlive = 7, "stripe-alive", Warning;
        /// Sectors of a block of the stripe.
        StripeSectors = 8, "stripe-sectors", Warning;
        /// Algorithm of the stripe.
        StripeAlgorithm = 9, "stripe-algorithm", Warning;
        /// Number of blocks of the stripe.
        StripeNrBlocks = 10, "stripe-nr-blocks", Warning;
        /// Number of redundant blocks of the stripe.
        StripeNrRedundant = 11, "stripe-nr-redundant", Warning;
        /// Number of blocks of the stripe that hold data.
        StripeBlocksNonempty = 12, "stripe-blocks-nonempty", Warning;
        /// Data in one block of the stripe.
        StripeBlockSectors = 13, "stripe-block-sectors", Warning;
        /// Generation of a bucket.
        BucketGen = 14, "bucket-gen", Warning;
        /// Data type of a bucket.
        BucketDataType = 15, "bucket-data-type", Warning;
        /// Whether the allocator has a bucket.
        BucketOwnedByAllocator = 16, "bucket-owned-by-allocator", Warning;
        /// Whether a bucket belongs to a stripe.
        BucketStripe = 17, "bucket-stripe", Warning;
        /// Dirty sectors of a bucket.
        BucketDirtySectors = 18, "bucket-dirty-sectors", Warning;
        /// Cached sectors of a bucket.
        BucketCachedSectors = 19, "bucket-cached-sectors", Warning;
        /// Sectors of superblocks and journal.
        FsHidden = 20, "fs-hidden", Warning;
        /// Sectors of btree nodes.
        FsBtree = 21, "fs-btree", Warning;
        /// Sectors of user data.
        FsData = 22, "fs-data", Warning;
        /// Sectors of cached data.
        FsCached = 23, "fs-cached", Warning;
        /// Sectors reserved.
        FsReserved = 24, "fs-reserved", Warning;
        /// Number of inodes.
        FsNrInodes = 25, "fs-nr-inodes", Warning;
        /// Sectors reserved, by number of replicas.
        FsPersistentReserved = 26, "fs-persistent-reserved", Warning;
        /// Sectors on a set of devices.
        FsReplicas = 27, "fs-replicas", Warning;
        /// A pointer is ahead of its bucket when it is counted.
        PtrNewer = 28, "ptr-newer", Error;
        /// A pointer is so far behind its bucket that it may be ahead.
        PtrTooStale = 29, "ptr-too-stale", Error;
        /// A pointer to data that must be kept, into a bucket reused since.
        PtrStaleDirty = 30, "ptr-stale-dirty", Error;
        /// Two types of data in one bucket.
        BucketMixedTypes = 31, "bucket-mixed-types", Error;
        /// More sectors in a bucket than can be counted.
        BucketOverflow = 32, "bucket-overflow", Error;
        /// A block of a stripe whose bucket has another generation.
        StripeStalePtr = 33, "stripe-stale-ptr", Error;
        /// A superblock or journal in a bucket of another type.
        MetadataMixedTypes = 34, "metadata-mixed-types", Error;
        /// More sectors of superblock or journal in a bucket than can be counted.
        MetadataOverflow = 35, "metadata-overflow", Error;
        /// A pointer into a stripe that is not there.
        StripeMissing = 36, "stripe-missing", Warning;
        /// A stripe to be counted or dropped that is not there.
        StripeNotThere = 37, "stripe-not-there", Warning;
        /// A reference that cannot be followed.
        BadReference = 38, "bad-reference", Error;
    }
    /// Codes that are raised while superblock, journal and btree nodes of an image are
    /// read.
    READING {
        /// The superblock is marked clean and has no clean section.
        CleanMissing = 100, "clean-missing", Warning;
        /// The superblock is marked clean, but the journal has keys.
        CleanJournalNotEmpty = 101, "clean-journal-not-empty", Warning;
        /// The clean section and the journal end at different sequence numbers.
        CleanSeq = 102, "clean-seq", Warning;
        /// The clocks of the clean section and of the journal differ.
        CleanClock = 103, "clean-clock", Info;
        /// The clean section and the journal record different roots of a btree.
        CleanRoot = 104, "clean-root", Warning;
        /// A journal entry does not fit into its bucket.
        JournalTooBig = 105, "journal-too-big", Error;
        /// A journal entry has a checksum of an unknown type.
        JournalCsumType = 106, "journal-csum-type", Error;
        /// The checksum of a journal entry is wrong, as after a crash.
        JournalCsum = 107, "journal-csum", Warning;
        /// A journal entry needs entries that are younger than itself.
        JournalLastSeq = 108, "journal-last-seq", Warning;
        /// Two copies of a journal entry differ.
        JournalDuplicate = 109, "journal-duplicate", Warning;
        /// A journal entry is on one device twice.
        JournalSameDevice = 110, "journal-same-device", Info;
        /// An item of a journal entry is malformed.
        JournalItem = 111, "journal-item", Error;
        /// A key in the journal is invalid.
        JournalKey = 112, "journal-key", Error;
        /// The superblock does not list the devices of a journal entry.
        JournalReplicas = 113, "journal-replicas", Warning;
        /// Journal entries that are needed are missing.
        JournalMissing = 114, "journal-missing", Error;
        /// A journal entry is there that must not count.
        JournalBlacklisted = 115, "journal-blacklisted", Info;
        /// A btree node is wrong in a way that can be repaired in memory.
        Node = 116, "node", Error;
        /// The root of a btree is recorded as bad.
        RootInvalid = 117, "root-invalid", Error;
        /// The root of a btree cannot be read.
        RootRead = 118, "root-read", Error;
        /// A device did not give some sectors.
        Unreadable = 119, "unreadable", Error;
    }
    /// Codes of what follows from the references of one bucket, as `bch-gc explain` says
    /// it.
    EXPLAINING {
        /// Pointers lead into a bucket that has no alloc key.
        NoAllocKey = 200, "no-alloc-key", Warning;
        /// The node that should hold the alloc key cannot be read.
        AllocUnreadable = 201, "alloc-unreadable", Error;
        /// Pointers are ahead of the recorded generation.
        PointersAhead = 202, "pointers-ahead", Error;
        /// Pointers to data that must be kept are behind the recorded generation.
        PointersBehind = 203, "pointers-behind", Error;
        /// Cached pointers are behind the recorded generation, which is usual.
        CachedBehind = 204, "cached-behind", Info;
        /// References bring different types of data.
        TwoTypes = 205, "two-types", Error;
        /// Two references claim the same sectors.
        SameSectors = 206, "same-sectors", Error;
        /// Further pairs of references claim the same sectors.
        MoreSameSectors = 207, "more-same-sectors", Error;
        /// Pointers did not fit into the counter of the bucket.
        Full = 208, "full", Error;
        /// Pointers were not counted because their key was given up before.
        NotReached = 209, "not-reached", Warning;
        /// Sectors are recorded, and nothing refers to the bucket.
        Orphan = 210, "orphan", Warning;
        /// The bucket is recorded as empty and is in use.
        Unprotected = 211, "unprotected", Error;
        /// More dirty sectors are recorded than counted.
        TooMany = 212, "too-many", Warning;
        /// Fewer dirty sectors are recorded than counted.
        TooFew = 213, "too-few", Warning;
        /// Another number of cached sectors is recorded than counted.
        Cached = 214, "cached", Warning;
        /// Another type of data is recorded than counted.
        Type = 215, "type", Warning;
        /// Whether a stripe holds the bucket is recorded wrongly.
        Stripe = 216, "stripe", Warning;
        /// Some references are in the journal only.
        InJournal = 217, "in-journal", Info;
        /// What a repair writes.
        Repair = 218, "repair", Info;
        /// What is recorded and what was counted agree.
        Agrees = 219, "agrees", Info;
    }
}

impl Code {
    /// Names that were given to an event which has another code now, with that code.
    /// They are never raised, and never given to another event.
    pub const ALIASES: &'static [(&'static str, Self)] = &[("stripe-stale", Self::StripeStalePtr)];

    /// Whether the engine raises it. Hosts of the C interface know these codes only.
    #[must_use]
    pub const fn engine(self) -> bool {
        self.number() < 64
    }

    /// The code of a name; of an alias, the code that stands in its place.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let named = Self::ALL.iter().copied().find(|code| code.name() == name);
        let alias = || Self::ALIASES.iter().find(|(alias, _)| *alias == name);
        named.or_else(|| alias().map(|(_, code)| *code))
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing has to be done.
    Info,
    /// What is recorded is wrong. A repair puts it right, and no data is lost by that.
    Warning,
    /// Data is lost, or may be lost: by the damage, by use before a repair, or by the
    /// repair itself.
    Error,
}

impl Severity {
    /// The name, as documents print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
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

    /// It can only be ignored.
    pub const IGNORE: Self = Self(FSCK_CAN_IGNORE);
    /// It is a log line, not a question.
    pub const LOG: Self = Self(0);
    /// It can neither be fixed nor ignored: the run ends.
    pub const FATAL: Self = Self(0);

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

    // Oracle: the ranges as the doc comment of `Code` has them: the engine's numbers are
    // 0.. without a gap and below the number that C reserves for them; no number and no
    // name stands for two events, aliases included.
    #[test]
    fn numbers_and_names_are_given_once() {
        for (i, code) in Code::ENGINE.iter().enumerate() {
            assert_eq!(code.number() as usize, i);
        }
        assert!(Code::ENGINE.len() <= 64);
        let lists = [(Code::READING, 100_u32), (Code::EXPLAINING, 200)];
        for (list, first) in lists {
            assert!((first..).zip(list).all(|(n, code)| code.number() == n));
        }
        for code in Code::ALL {
            assert_eq!(code.engine(), Code::ENGINE.contains(code));
            assert_eq!(Code::of_name(code.name()), Some(*code));
        }
        assert!(Code::ALL.windows(2).all(|w| w[0].number() < w[1].number()));
        let names = Code::ALL.iter().map(|c| c.name());
        let names = names.chain(Code::ALIASES.iter().map(|(alias, _)| *alias));
        let all: std::collections::BTreeSet<&str> = names.clone().collect();
        assert_eq!(all.len(), names.count());
        assert_eq!(Code::of_name("stripe-stale"), Some(Code::StripeStalePtr));
        assert_eq!(Code::of_name("no-such-code"), None);
    }
}
