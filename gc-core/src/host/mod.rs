// SPDX-License-Identifier: GPL-2.0-only
//! Everything the engine asks of its surroundings, with the contract of each
//! call. `include/bch_gc_host.h` says the same to C.
//!
//! One trait for each concern. [`Host`] is all that a mark and sweep needs; merging
//! needs [`CoalesceHost`], and the gc thread needs [`GcThread`] besides.

mod alone;
mod coalesce;
mod devices;
mod lock;
mod origin;
mod shared;
mod terms;
mod touched;

pub use alone::Alone;
pub use coalesce::{
    CoalesceFail, CoalesceHost, CoalesceWalk, NewNode, NodeSize, NodeState, ParentKey, Replacement,
};
pub use devices::{DevEntry, Devices, GcArray, Stretch};
pub use lock::{
    BtreeRoot, Freelist, GcRead, GcWrite, Held, InitialPass, KeepsBuckets, KeepsRoot, Lock,
    LockKind, Locked, Locks, MarkRead, MarkWrite, Membership, NodeRead, Sb, StateRead, Stopping,
};
pub use origin::Origin;
pub use shared::{Buckets, GC_POS_WORDS, GcPosCell, UsageWords};
pub use terms::{
    ALLOC_FIFOS, Child, Counters, Flag, Geometry, Level, MetadataBucket, NodeInfo, NodeSet, Param,
    SB_OFFSETS, SbCopies, Side, Trace, WalkKind,
};
pub use touched::Touched;

use crate::accounting::replicas::EntryRef;
use crate::bkey::{KeyBuf, KeyRef};
use crate::error::Result;
use crate::finding::{Answer, Finding};
use crate::layout::{BtreeId, DevUsage, ExtentPtr, GcPos, Stripe};
use core::fmt;

/// Keys of one node, in order. A key is valid until the next call.
pub trait NodeKeys {
    /// The next key; `None` at the end.
    ///
    /// # Errors
    /// `EINVAL` when the host broke its contract.
    fn next(&mut self) -> Result<Option<KeyRef<'_>>>;
}

/// A walk over one btree. Dropping it ends the walk and discards its error.
pub trait Walk {
    /// A node, read locked by the walk until its next call.
    type Node: Copy;

    /// The next leaf key, valid until the next call; `None` at the end.
    ///
    /// # Errors
    /// The walk's own error.
    fn next_key(&mut self) -> Result<Option<KeyRef<'_>>>;

    /// The next node; `None` at the end.
    ///
    /// # Errors
    /// The walk's own error.
    fn next_node(&mut self) -> Result<Option<Self::Node>>;

    /// Lets others run between two nodes.
    fn resched(&mut self);

    /// Writes the node anew without its stale pointers; only on a host with
    /// [`Param::UpdatesBesideGc`]. The parent must not be split for it: the
    /// left part might lie behind the run, and its pointers be missed.
    ///
    /// # Errors
    /// Why it was not; the node is then as it was.
    fn rewrite(&mut self, gc: &Held<GcWrite>, node: Self::Node, insert_flags: u32) -> Result<()>;

    /// Ends the walk.
    ///
    /// # Errors
    /// An error of the walk that no call has returned yet.
    fn close(self) -> Result<()>;
}

/// Given the index, the live stripe and the counted one (`None`: it has no slot).
pub type StripeVisitor<'f> = &'f mut dyn FnMut(u64, &mut Stripe, Option<&Stripe>) -> Result<bool>;

/// Messages.
pub trait Log {
    /// One log line.
    fn log(&self, level: Level, args: fmt::Arguments<'_>);
}

/// What a device must tell, also before it belongs to a file system.
pub trait DeviceHost: Log + Locks {
    /// A device.
    type Dev: Copy;

    /// Geometry; does not change under [`StateRead`] or [`GcWrite`].
    fn dev_geometry(&self, dev: Self::Dev) -> Geometry;

    /// Superblock copies.
    fn dev_superblocks(&self, of: Membership<'_>, dev: Self::Dev) -> SbCopies;

    /// The nth journal bucket; `None` past the last.
    ///
    /// # Errors
    /// `EINVAL` when the host broke its contract.
    fn dev_journal_bucket(
        &self,
        of: Membership<'_>,
        dev: Self::Dev,
        n: usize,
    ) -> Result<Option<u64>>;

    /// Marks a superblock or journal bucket that lies within the device. `mark` is
    /// `None` for a device that does not belong to a file system yet.
    fn mark_metadata_bucket(
        &self,
        mark: Option<&Held<MarkRead>>,
        dev: Self::Dev,
        bucket: &MetadataBucket,
    );
}

/// Members of a file system, and their two arrays of buckets: as the file system uses
/// them, and as gc counts them.
pub trait Members: DeviceHost {
    /// The first member with index `>= from`, with a reference (to its io where
    /// `online`, and then only members that are there); and its index.
    fn dev_next(&self, from: u32, online: bool) -> Option<(u32, Self::Dev)>;
    /// Drops the reference.
    fn dev_put(&self, dev: Self::Dev, online: bool);
    /// Buckets of a device, lent as long as the lock is held; `None` if there are none.
    fn dev_buckets<'l>(
        &'l self,
        held: &'l impl KeepsBuckets,
        dev: Self::Dev,
        side: Side,
    ) -> Option<Buckets<'l>>;
    /// Makes the zeroed second buckets.
    ///
    /// # Errors
    /// `ENOMEM`; `EEXIST` when they are there.
    fn dev_gc_alloc_buckets(&self, dev: Self::Dev) -> Result<()>;
    /// Makes the second device usage.
    ///
    /// # Errors
    /// `ENOMEM`; `EEXIST` when it is there.
    fn dev_gc_alloc_usage(&self, dev: Self::Dev) -> Result<()>;
    /// Frees both, if they are there.
    fn dev_gc_free(&self, mark: &Held<MarkWrite>, dev: Self::Dev);
}

/// Buckets that the allocator holds.
pub trait Allocator: DeviceHost {
    /// The nth bucket in a fifo of the allocator; `None` past the last.
    fn dev_reserve_bucket(
        &self,
        freelist: &Held<Freelist>,
        dev: Self::Dev,
        fifo: u32,
        n: usize,
    ) -> Option<u64>;
    /// Number of open buckets.
    fn open_buckets_nr(&self) -> u32;
    /// Locks an open bucket; returns its pointer if it is in use.
    fn open_bucket_lock(
        &self,
        mark: &Held<MarkRead>,
        freelist: &Held<Freelist>,
        i: u32,
    ) -> Option<ExtentPtr>;
    /// Unlocks it.
    fn open_bucket_unlock(&self, i: u32);
    /// Marks a bucket of the allocator, which lies within the device.
    fn mark_alloc_bucket(
        &self,
        mark: &Held<MarkRead>,
        dev: Self::Dev,
        bucket: u64,
        owned: bool,
        pos: GcPos,
        flags: u32,
    );
}

/// What a run must know of the file system, and what it leaves there.
pub trait State {
    /// Reads a flag.
    fn flag(&self, flag: Flag) -> bool;
    /// Writes a flag.
    fn set_flag(&self, flag: Flag, value: bool);
    /// Reads a parameter.
    fn param(&self, param: Param) -> bool;
    /// The superblock's compat features.
    fn sb_compat(&self) -> u64;
    /// Highest key version handed out.
    fn key_version(&self) -> u64;
    /// Raises it; in the initial pass only.
    fn set_key_version(&self, version: u64);
    /// Current sequence of the journal.
    fn journal_cur_seq(&self) -> u64;
    /// The position and its sequence word; the engine is their only writer and writes
    /// only under [`GcWrite`]. Anybody may read them.
    ///
    /// # Errors
    /// `EINVAL` when the host broke its contract.
    fn gc_pos(&self) -> Result<GcPosCell<'_>>;
}

/// What a run awaits of the rest of the file system, and what it tells it.
pub trait Coordination {
    /// Waits until no interior update is pending. No lock but the gc lock and the
    /// caller's state lock is held.
    fn wait_interior_updates(&self, gc: &Held<GcWrite>);
    /// Keeps keys out of the journal.
    fn journal_block(&self);
    /// Lets them in again.
    fn journal_unblock(&self);
    /// Wakes who waits for free buckets; no locks held.
    fn wake_allocators(&self);
    /// A pass is complete.
    fn gc_count_inc(&self);
    /// Nanoseconds of a clock that does not go back.
    fn clock(&self) -> u64;
    /// Time statistic of a full gc that began at `start`.
    fn gc_time(&self, start: u64);
    /// A trace point.
    fn trace(&self, event: Trace, arg: i32);
}

/// Findings, and what is to be done about them.
pub trait Findings: Log {
    /// Reports a finding and returns what is to be done. Before [`Answer::Exit`]
    /// the host has said that it cannot go on.
    fn finding(&self, finding: &Finding<'_>) -> Answer;
    /// Prints messages held back, and forgets the counts. The default is a host that
    /// holds none back.
    fn flush_findings(&self) {}
}

/// Accounting for keys. The mark lock is not held: the host takes it.
pub trait Marking: Nodes {
    /// Accounts for a key in the gc arrays. `origin`: where it comes from, for a host that
    /// says so.
    ///
    /// # Errors
    /// Why the key was not accounted for in full.
    fn mark_key(
        &self,
        origin: &Origin<Self::Node>,
        key: KeyRef<'_>,
        sectors: i64,
        flags: u32,
    ) -> Result<()>;
    /// Whether the superblock lists the key's devices.
    fn replicas_marked(&self, key: KeyRef<'_>) -> bool;
    /// Makes it list them; the superblock lock is not held either.
    ///
    /// # Errors
    /// Why it does not.
    fn mark_replicas(&self, key: KeyRef<'_>) -> Result<()>;
    /// In the initial pass: what the engine needs to count plain keys itself, in the
    /// second buckets and, by [`Marking::usage_add`], in the second usage; `None` without
    /// [`Param::Lends`]. Ends with [`Marking::mark_replicas`].
    ///
    /// # Errors
    /// `EINVAL` when the host broke its contract.
    fn counters(&self) -> Result<Option<Counters<'_>>> {
        Ok(None)
    }
    /// Adds to the words of the second usage. Only on a host that lends
    /// [`Marking::counters`].
    fn usage_add(&self, _words: &[u64]) {}
}

/// The two tables of stripes: as the file system uses them, and as gc counts them.
pub trait StripeTables {
    /// Makes the zeroed second table of stripes.
    ///
    /// # Errors
    /// `ENOMEM`, or the error of reading the stripes btree.
    fn stripes_gc_alloc(&self) -> Result<()>;
    /// Makes sure that the second table has a slot.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn stripe_gc_slot(&self, idx: u64) -> Result<()>;
    /// Frees the second table.
    fn stripes_gc_free(&self, mark: &Held<MarkWrite>);
    /// Shows each slot of the live table to `f`, until it returns an error; what `f`
    /// leaves in the live stripe is kept, also then. Where `f` returns true, the
    /// stripe enters the heap.
    ///
    /// # Errors
    /// That of `f`.
    fn for_each_stripe(&self, mark: &Held<MarkWrite>, f: StripeVisitor<'_>) -> Result<()>;
    /// Empties the heap of stripes. The default is a host that has none.
    fn stripes_heap_reset(&self, _mark: &Held<MarkWrite>) {}
}

/// Usage of the file system and of its devices.
pub trait Usage: DeviceHost {
    /// Makes the zeroed second usage.
    ///
    /// # Errors
    /// `ENOMEM`; `EEXIST` when it is there.
    fn usage_gc_alloc(&self) -> Result<()>;
    /// Frees it, if it is there.
    fn usage_gc_free(&self, mark: &Held<MarkWrite>);
    /// Adds what is pending to the base. The default is a host where nothing is ever
    /// pending.
    fn usage_fold(&self, _mark: &Held<MarkWrite>) {}
    /// Takes over the usage of a device that follows from its live buckets.
    fn set_dev_usage(&self, mark: &Held<MarkWrite>, dev: Self::Dev, usage: &DevUsage);
    /// Words of the usage, lent as long as the lock is held.
    ///
    /// # Errors
    /// `EINVAL` when the host broke its contract.
    fn usage<'l>(&'l self, mark: &'l Held<MarkWrite>, side: Side) -> Result<UsageWords<'l>>;
    /// Entry `i` of the replicas table; `None` past its end.
    fn replicas_entry<'l>(&'l self, mark: &'l Held<MarkWrite>, i: usize) -> Option<EntryRef<'l>>;
}

/// Btree nodes and their keys.
pub trait Nodes {
    /// A btree node.
    type Node: Copy;
    /// Keys of a node.
    type Keys<'a>: NodeKeys
    where
        Self: 'a;

    /// The root, if there is one.
    fn btree_root(&self, held: &impl KeepsRoot, id: BtreeId) -> Option<Self::Node>;
    /// What is to be known of a node that is locked, or that nobody changes.
    ///
    /// # Errors
    /// `EINVAL` when the host broke its contract.
    fn node_info(&self, node: Self::Node) -> Result<NodeInfo>;
    /// A copy of the pointer to the node; `None` if there is none, or if it is longer
    /// than any can be.
    fn node_key(&self, node: Self::Node) -> Option<KeyBuf>;
    /// Locks a node for reading.
    fn node_lock_read(&self, node: Self::Node);
    /// Unlocks it.
    fn node_unlock_read(&self, node: Self::Node);
    /// The child that a copied key points to, read locked.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn node_get(&self, key: &KeyBuf, id: BtreeId, level: u8) -> Result<Child<Self::Node>>;
    /// Says that the child will be got soon, so that its blocks can be brought into
    /// memory meanwhile. No more than that: nothing is checked, nothing is said.
    fn read_ahead(&self, _key: &KeyBuf) {}
    /// Checks of the host's own on a key about to be marked.
    fn debugcheck(&self, node: Self::Node, key: KeyRef<'_>);
    /// Keys of a locked node, while it stays locked, if they lie in one set; `None`
    /// if they do not, and with `overlay` if keys of the journal lie over the node.
    ///
    /// # Errors
    /// `EINVAL` when the host broke its contract.
    fn node_set(&self, _node: Self::Node, _overlay: bool) -> Result<Option<NodeSet<'_>>> {
        Ok(None)
    }
    /// Keys of a locked node; `overlay`: with those of the journal laid over.
    fn node_keys(&self, node: Self::Node, overlay: bool) -> Self::Keys<'_>;
}

/// Walks over a btree beside others.
pub trait Walks: Nodes {
    /// A walk over a btree.
    type Walk<'a>: Walk<Node = Self::Node>
    where
        Self: 'a;

    /// Starts a walk.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn walk(&self, id: BtreeId, kind: WalkKind) -> Result<Self::Walk<'_>>;
}

/// The thread that runs gc again and again.
pub trait GcThread: Stopping {
    /// Debug assertion that the calling thread holds no lock.
    fn assert_no_locks(&self);
    /// How often the thread was kicked; wraps.
    fn kicks(&self) -> u32;
    /// Sectors written so far.
    fn io_clock(&self) -> u64;
    /// Sectors there are.
    fn capacity(&self) -> u64;
    /// Begins a wait: wake-ups count from here.
    fn wait_prepare(&self);
    /// Sleeps until woken or until the io clock is at `deadline`; may end early.
    /// The thread freezes here and nowhere else.
    fn wait_sleep(&self, deadline: Option<u64>);
    /// Ends the wait.
    fn wait_finish(&self);
}

/// A file system that a mark and sweep runs on: all of these.
pub trait Host:
    Members + Allocator + State + Coordination + Findings + Marking + StripeTables + Usage + Walks
{
}

impl<H> Host for H where
    H: ?Sized
        + Members
        + Allocator
        + State
        + Coordination
        + Findings
        + Marking
        + StripeTables
        + Usage
        + Walks
{
}
