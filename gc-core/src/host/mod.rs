// SPDX-License-Identifier: GPL-2.0-only
//! Everything the engine asks of its surroundings, with the contract of each
//! call. `include/bch_gc_host.h` says the same to C.
//!
//! Locks are taken through [`Locked`] and nodes through [`NodeRead`], so that
//! every way out releases them.

mod coalesce;
mod devices;
mod guard;
mod origin;
mod shared;
mod terms;
mod touched;

pub use coalesce::{
    CoalesceFail, CoalesceHost, CoalesceWalk, NewNode, NodeSize, NodeState, ParentKey, Replacement,
};
pub use devices::{DevEntry, Devices, GcArray, Stretch};
pub use guard::{Locked, NodeRead};
pub use origin::Origin;
pub use shared::{Buckets, GC_POS_WORDS, GcPosCell, UsageWords};
pub use terms::{
    ALLOC_FIFOS, Child, Counters, Flag, Geometry, Level, Lock, NodeInfo, NodeSet, Param,
    SB_OFFSETS, SbCopies, Side, Trace, WalkKind,
};
pub use touched::Touched;

use crate::accounting::replicas::EntryRef;
use crate::bkey::{KeyBuf, KeyRef};
use crate::error::Result;
use crate::finding::{Answer, Finding};
use crate::layout::{BtreeId, DataType, DevUsage, ExtentPtr, GcPos, Stripe};
use core::fmt;

/// Keys of one node, in order. A key is valid until the next call.
pub trait NodeKeys {
    /// The next key.
    fn next(&mut self) -> Option<KeyRef<'_>>;
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

    /// Writes the node anew without its stale pointers; needs [`Lock::GcWrite`]
    /// and [`Param::UpdatesBesideGc`]. The parent must not be split for it: the
    /// left part might lie behind the run, and its pointers be missed.
    ///
    /// # Errors
    /// Why it was not; the node is then as it was.
    fn rewrite(&mut self, node: Self::Node, insert_flags: u32) -> Result<()>;

    /// Ends the walk.
    ///
    /// # Errors
    /// An error of the walk that no call has returned yet.
    fn close(self) -> Result<()>;
}

/// Given the index, the live stripe and the counted one (`None`: it has no slot).
pub type StripeVisitor<'f> = &'f mut dyn FnMut(u64, &mut Stripe, Option<&Stripe>) -> Result<bool>;

/// What a device must tell, also before it belongs to a file system.
pub trait DeviceHost {
    /// A device.
    type Dev: Copy;

    /// Geometry; does not change under [`Lock::StateRead`] or [`Lock::GcWrite`].
    fn dev_geometry(&self, dev: Self::Dev) -> Geometry;

    /// Superblock copies. Needs [`Lock::Sb`] in a file system.
    fn dev_superblocks(&self, dev: Self::Dev) -> SbCopies;

    /// The nth journal bucket. Needs [`Lock::Sb`] in a file system.
    fn dev_journal_bucket(&self, dev: Self::Dev, n: usize) -> Option<u64>;

    /// Marks a superblock or journal bucket that lies within the device. Needs
    /// [`Lock::MarkRead`] in a file system.
    fn mark_metadata_bucket(
        &self,
        dev: Self::Dev,
        bucket: u64,
        data_type: DataType,
        sectors: u32,
        pos: GcPos,
        flags: u32,
    );

    /// One log line.
    fn log(&self, level: Level, args: fmt::Arguments<'_>);

    /// Takes a lock.
    fn lock(&self, which: Lock);
    /// Releases it, on the same thread.
    fn unlock(&self, which: Lock);
    /// Debug assertion that somebody holds the lock.
    fn assert_held(&self, which: Lock);
}

/// A file system that gc runs on.
pub trait Host: DeviceHost {
    /// A btree node.
    type Node: Copy;
    /// Keys of a node.
    type Keys<'a>: NodeKeys
    where
        Self: 'a;
    /// A walk over a btree.
    type Walk<'a>: Walk<Node = Self::Node>
    where
        Self: 'a;

    // ---- locks

    /// Takes the lock and says true; or says false, without it, as soon as the
    /// calling thread is the gc thread and has been asked to stop.
    fn lock_unless_stopping(&self, which: Lock) -> bool;
    /// Debug assertion that the calling thread holds no lock.
    fn assert_no_locks(&self);

    // ---- state

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
    /// The position and its sequence word; the engine is their only writer and
    /// writes only under [`Lock::GcWrite`].
    fn gc_pos(&self) -> GcPosCell<'_>;
    /// A pass is complete.
    fn gc_count_inc(&self);
    /// Waits until no interior update is pending. Needs [`Lock::GcWrite`] and no
    /// other lock.
    fn wait_interior_updates(&self);
    /// Keeps keys out of the journal.
    fn journal_block(&self);
    /// Lets them in again.
    fn journal_unblock(&self);
    /// Nanoseconds of a clock that does not go back.
    fn clock(&self) -> u64;
    /// Time statistic of a full gc that began at `start`.
    fn gc_time(&self, start: u64);
    /// Wakes who waits for free buckets; no locks held.
    fn wake_allocators(&self);
    /// A trace point.
    fn trace(&self, event: Trace, arg: i32);

    // ---- messages

    /// Reports a finding and says what is to be done. Before [`Answer::Exit`]
    /// the host has said that it cannot go on.
    fn finding(&self, finding: &Finding<'_>) -> Answer;
    /// Prints messages held back, and forgets the counts.
    fn flush_findings(&self);

    // ---- devices

    /// The first member with index `>= from`, with a reference (to its io where
    /// `online`, and then only members that are there); and its index.
    fn dev_next(&self, from: u32, online: bool) -> Option<(u32, Self::Dev)>;
    /// Drops the reference.
    fn dev_put(&self, dev: Self::Dev, online: bool);
    /// Buckets of a device, `None` when there are none. The engine keeps them no
    /// longer than [`Lock::StateRead`], [`Lock::GcWrite`] or a mark lock is held.
    fn dev_buckets(&self, dev: Self::Dev, side: Side) -> Option<Buckets<'_>>;
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
    /// Frees both, if they are there. Needs [`Lock::MarkWrite`].
    fn dev_gc_free(&self, dev: Self::Dev);
    /// The nth bucket in a fifo of the allocator. Needs [`Lock::Freelist`].
    fn dev_reserve_bucket(&self, dev: Self::Dev, fifo: u32, n: usize) -> Option<u64>;
    /// Number of open buckets.
    fn open_buckets_nr(&self) -> u32;
    /// Locks an open bucket; its pointer when it is in use. Needs [`Lock::MarkRead`]
    /// and [`Lock::Freelist`].
    fn open_bucket_lock(&self, i: u32) -> Option<ExtentPtr>;
    /// Unlocks it.
    fn open_bucket_unlock(&self, i: u32);

    // ---- marking

    /// Accounts for a key in the gc arrays; the mark lock is not held. `origin`: where it
    /// comes from, for a host that says so.
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
    /// Whether the superblock lists the key's devices; the mark lock is not held.
    fn replicas_marked(&self, key: KeyRef<'_>) -> bool;
    /// Makes it list them; neither superblock nor mark lock is held.
    ///
    /// # Errors
    /// Why it does not.
    fn mark_replicas(&self, key: KeyRef<'_>) -> Result<()>;
    /// In the initial pass: what the engine needs to count plain keys itself, in the
    /// second buckets and, by [`Host::usage_add`], in the second usage; `None` without
    /// [`Param::Lends`]. Ends with [`Host::mark_replicas`].
    fn counters(&self) -> Option<Counters<'_>> {
        None
    }
    /// Adds to the words of the second usage; the mark lock is not held. Only on a
    /// host that lends [`Host::counters`].
    fn usage_add(&self, _words: &[u64]) {}
    /// A bucket of the allocator, within the device. Needs [`Lock::MarkRead`].
    fn mark_alloc_bucket(&self, dev: Self::Dev, bucket: u64, owned: bool, pos: GcPos, flags: u32);

    // ---- stripes

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
    fn stripes_gc_free(&self);
    /// Shows each slot of the live table to `f`, until it says an error; what `f`
    /// leaves in the live stripe is kept, also then. Where `f` says true, the
    /// stripe enters the heap. Needs [`Lock::MarkWrite`].
    ///
    /// # Errors
    /// That of `f`.
    fn for_each_stripe(&self, f: StripeVisitor<'_>) -> Result<()>;
    /// Empties the heap of stripes. Needs [`Lock::MarkWrite`].
    fn stripes_heap_reset(&self);

    // ---- usage

    /// Makes the zeroed second usage.
    ///
    /// # Errors
    /// `ENOMEM`; `EEXIST` when it is there.
    fn usage_gc_alloc(&self) -> Result<()>;
    /// Frees it, if it is there.
    fn usage_gc_free(&self);
    /// Adds what is pending to the base. Needs [`Lock::MarkWrite`].
    fn usage_fold(&self);
    /// Takes over the usage of a device that follows from its live buckets. Needs
    /// [`Lock::MarkWrite`].
    fn set_dev_usage(&self, dev: Self::Dev, usage: &DevUsage);
    /// Words of the usage. Needs [`Lock::MarkWrite`]; ends with
    /// [`Host::mark_replicas`].
    fn usage(&self, side: Side) -> UsageWords<'_>;
    /// Entry `i` of the replicas table. Needs [`Lock::MarkWrite`].
    fn replicas_entry(&self, i: usize) -> Option<EntryRef<'_>>;

    // ---- btrees

    /// The root, if there is one. Needs [`Lock::BtreeRoot`] beside updates.
    fn btree_root(&self, id: BtreeId) -> Option<Self::Node>;
    /// What is to be known of a node that is locked, or that nobody changes.
    fn node_info(&self, node: Self::Node) -> NodeInfo;
    /// A copy of the pointer to the node, `None` if it is longer than any can be.
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
    fn node_set(&self, _node: Self::Node, _overlay: bool) -> Option<NodeSet<'_>> {
        None
    }
    /// Keys of a locked node; `overlay`: with those of the journal laid over.
    fn node_keys(&self, node: Self::Node, overlay: bool) -> Self::Keys<'_>;
    /// Starts a walk.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn walk(&self, id: BtreeId, kind: WalkKind) -> Result<Self::Walk<'_>>;

    // ---- the gc thread

    /// Whether this is the gc thread and it has been asked to stop.
    fn should_stop(&self) -> bool;
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
