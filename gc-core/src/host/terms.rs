// SPDX-License-Identifier: GPL-2.0-only
//! The words in which the engine and its host speak: locks, flags, places.

use crate::accounting::bucket_nr;
use crate::accounting::replicas::View;
use crate::layout::{BkeyFormat, Bpos, BtreeId, DataType, GcPos};

/// An enum whose numbers are those of `include/bch_gc_host.h` (compared in `gc-ffi`),
/// with the way from and to the number.
macro_rules! numbered {
    ($(#[$about:meta])* pub enum $all:ident {
        $($(#[$doc:meta])* $name:ident = $number:literal,)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub enum $all { $($(#[$doc])* $name = $number,)* }

        impl $all {
            /// The number in the C header.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $number,)* }
            }

            /// Returns `None` if the header has no such number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}
pub(super) use numbered;

numbered! {
    /// Flags of the file system that gc reads and writes.
    pub enum Flag {
        /// A generation was repaired in this pass (`BCH_FS_FIXED_GENS`).
        FixedGens = 0,
        /// The replicas table is built anew (`BCH_FS_REBUILD_REPLICAS`).
        RebuildReplicas = 1,
    }
}

numbered! {
    /// Parameters and capabilities of the host.
    pub enum Param {
        /// Walk the leaves of every btree.
        ExpensiveDebugChecks = 0,
        /// Restart the first pass once.
        TestRestartGc = 1,
        /// No key may have a version beyond the journal's sequence.
        JournalSeqVerify = 2,
        /// Rewrite no node unless it is very stale.
        RewriteDisabled = 3,
        /// Rewrite every node.
        AlwaysRewrite = 4,
        /// The thread starts rounds as the io clock advances.
        Periodic = 5,
        /// The thread runs a full gc.
        ThreadFullGc = 6,
        /// Btree updates may run beside a full gc; without it no node is rewritten.
        UpdatesBesideGc = 7,
        /// The host lends what it has, so that keys need not be asked for one by one:
        /// [`Marking::counters`](super::Marking::counters), [`Nodes::node_set`](super::Nodes::node_set).
        Lends = 8,
    }
}

numbered! {
    /// Trace points.
    pub enum Trace {
        /// A full gc starts.
        GcStart = 0,
        /// It ends, whatever its result.
        GcEnd = 1,
        /// Merging of nodes starts.
        CoalesceStart = 2,
        /// It ends, whatever its result.
        CoalesceEnd = 3,
    }
}

numbered! {
    /// Weight of a log line.
    pub enum Level {
        /// An error.
        Err = 0,
        /// Information.
        Info = 1,
    }
}

/// Which of two: what the file system uses, or what gc builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In use.
    Live,
    /// Being built.
    Gc,
}

/// Geometry of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Geometry {
    /// Number of buckets, those before the first in use included.
    pub nbuckets: u64,
    /// Size of a bucket in sectors.
    pub bucket_size: u32,
    /// First bucket in use.
    pub first_bucket: u32,
    /// Index of the device in the file system.
    pub dev_idx: u32,
}

impl Geometry {
    /// Bucket of a sector, `None` outside the device's buckets.
    #[inline]
    #[must_use]
    pub fn bucket_of(&self, sector: u64) -> Option<u64> {
        let b = bucket_nr(sector, u64::from(self.bucket_size));
        (b >= u64::from(self.first_bucket) && b < self.nbuckets).then_some(b)
    }
}

/// Most superblock copies of a device.
pub const SB_OFFSETS: usize = 61;

/// Where the superblocks of a device lie.
#[derive(Debug, Clone, Copy)]
pub struct SbCopies {
    /// First sector of each.
    pub offset: [u64; SB_OFFSETS],
    /// How many there are.
    pub nr: usize,
    /// Each takes `2^max_size_bits` sectors.
    pub max_size_bits: u32,
}

/// A bucket of a superblock or of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataBucket {
    /// Its number.
    pub number: u64,
    /// What it holds.
    pub data_type: DataType,
    /// How many sectors of it.
    pub sectors: u32,
    /// Where the run is.
    pub pos: GcPos,
    /// `BTREE_TRIGGER_*`.
    pub flags: u32,
}

/// Fifos of a device in which the allocator keeps buckets: `free_inc`, then
/// `free[RESERVE_*]`.
pub const ALLOC_FIFOS: u32 = 4;

/// What the engine needs to know of a node.
#[derive(Debug, Clone, Copy)]
pub struct NodeInfo {
    /// Least position of the node's keys, from its header.
    pub min_key: Bpos,
    /// Greatest position.
    pub max_key: Bpos,
    /// Level; leaves are 0.
    pub level: u8,
    /// Its btree.
    pub btree_id: BtreeId,
    /// Made up in memory because the root could not be read.
    pub fake: bool,
}

/// A node that was got, read locked.
#[derive(Debug, Clone, Copy)]
pub struct Child<N> {
    /// The node.
    pub node: N,
    /// It was read by this call, and with that each of its keys has passed the checks
    /// of [`Nodes::debugcheck`](super::Nodes::debugcheck) and lies in the node's range.
    pub checked: bool,
}

/// Keys of a node as they lie in one set.
#[derive(Debug, Clone, Copy)]
pub struct NodeSet<'a> {
    /// Format of the packed ones.
    pub format: &'a BkeyFormat,
    /// The keys, in order; no two of one position.
    pub words: &'a [u64],
}

/// What a host lends so that plain keys are counted without it.
#[derive(Debug, Clone, Copy)]
pub struct Counters<'a> {
    /// The table of replicas entries.
    pub replicas: View<'a>,
    /// Sectors of a btree node.
    pub btree_node_size: u16,
}

/// Which things a walk over a btree visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkKind {
    /// Leaf keys.
    Keys,
    /// Nodes of at least this level, children before their parent.
    Nodes {
        /// Lowest level visited.
        min_depth: u8,
    },
}
