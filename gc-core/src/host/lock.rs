// SPDX-License-Identifier: GPL-2.0-only
//! Locks. A guard releases its lock on every way out, and a reference to it is the proof
//! that the lock is held: calls that need a lock take a [`Held`], and what they lend
//! lives no longer than that.

use super::Nodes;
use core::marker::PhantomData;
use core::ops::Deref;

/// Locks of a file system. They are taken through guards: [`MarkWrite::lock`].
pub trait Locks {
    /// Takes a lock, and waits for it.
    fn lock(&self, which: Lock);
    /// Releases it, on the same thread.
    fn unlock(&self, which: Lock);
    /// Debug assertion that somebody holds the lock.
    fn assert_held(&self, which: Lock);
}

/// A host whose work can be asked to stop, because the gc thread does it. The default is
/// a host without that thread: nobody asks.
pub trait Stopping: Locks {
    /// Whether this is the gc thread and it has been asked to stop.
    fn should_stop(&self) -> bool {
        false
    }

    /// Takes the lock and returns true; or returns false, without it, as soon as the
    /// calling thread is the gc thread and has been asked to stop.
    fn lock_unless_stopping(&self, which: Lock) -> bool {
        self.lock(which);
        true
    }
}

mod sealed {
    pub trait Sealed {}
}
use sealed::Sealed;

/// Proof that the lock `L` is held as long as this is borrowed. It takes no room, and
/// stays on the thread that holds the lock.
///
/// What is lent under a lock can be used while the guard lives:
///
/// ```
/// use gc_core::host::{MarkWrite, Side, Usage};
///
/// fn word<H: Usage>(host: &H) -> u64 {
///     let mark = MarkWrite::lock(host);
///     host.usage(&mark, Side::Live).map_or(0, |words| words.get(1))
/// }
/// ```
///
/// and not after it, nor under another lock:
///
/// ```compile_fail,E0515
/// use gc_core::host::{MarkWrite, Side, Usage, UsageWords};
///
/// fn words<H: Usage>(host: &H) -> UsageWords<'_> {
///     let mark = MarkWrite::lock(host);
///     host.usage(&mark, Side::Live).unwrap()
/// }
/// ```
///
/// ```compile_fail,E0308
/// use gc_core::host::{MarkRead, Side, Usage};
///
/// fn word<H: Usage>(host: &H) -> u64 {
///     let mark = MarkRead::lock(host);
///     host.usage(&mark, Side::Live).map_or(0, |words| words.get(1))
/// }
/// ```
#[derive(Debug)]
pub struct Held<L>(PhantomData<(L, *const ())>);

impl<L: LockKind> Held<L> {
    /// For a caller whose own caller holds the lock by contract: C, or a host that
    /// keeps its own guards.
    ///
    /// # Safety
    /// The calling thread holds the lock as long as the proof lives.
    #[must_use]
    pub const unsafe fn by_contract() -> Self {
        Self(PhantomData)
    }

    /// On a host that nobody else can reach, every lock is held.
    pub fn alone<H: super::Alone + ?Sized>(_host: &H) -> Self {
        Self(PhantomData)
    }
}

/// Which lock a guard or a proof is of.
pub trait LockKind: Sealed {
    /// The lock.
    const LOCK: Lock;
}

/// A lock, held until this is dropped. Borrowed, it is the [`Held`] that calls ask for.
#[must_use = "the lock is released at once"]
pub struct Locked<'h, H: Locks + ?Sized, L: LockKind> {
    host: &'h H,
    held: Held<L>,
}

impl<H: Locks + ?Sized, L: LockKind> Deref for Locked<'_, H, L> {
    type Target = Held<L>;

    #[inline]
    fn deref(&self) -> &Held<L> {
        &self.held
    }
}

impl<H: Locks + ?Sized, L: LockKind> Drop for Locked<'_, H, L> {
    fn drop(&mut self) {
        self.host.unlock(L::LOCK);
    }
}

/// The enum of locks, and for each a type of that name that stands for it in guards.
macro_rules! locks {
    ($(#[$about:meta])* enum $all:ident { $($(#[$doc:meta])* $name:ident = $number:literal,)* }) => {
        super::terms::numbered! {
            $(#[$about])*
            pub enum $all { $($(#[$doc])* $name = $number,)* }
        }

        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub enum $name {}

            impl Sealed for $name {}

            impl LockKind for $name {
                const LOCK: $all = $all::$name;
            }

            impl $name {
                /// Takes the lock.
                pub fn lock<H: Locks + ?Sized>(host: &H) -> Locked<'_, H, Self> {
                    host.lock(Self::LOCK);
                    Locked { host, held: Held(PhantomData) }
                }

                /// Takes the lock; returns `None` without it if the calling thread is
                /// the gc thread and is asked to stop meanwhile.
                pub fn lock_unless_stopping<H>(host: &H) -> Option<Locked<'_, H, Self>>
                where
                    H: Stopping + ?Sized,
                {
                    // Made only where the lock is held: its end is the unlock.
                    host.lock_unless_stopping(Self::LOCK)
                        .then(|| Locked { host, held: Held(PhantomData) })
                }
            }
        )*
    };
}

locks! {
    /// Locks, in the order in which they are taken: `State`, `Gc`, then `Sb` before
    /// `Mark`, or `BtreeRoot`, or node locks before `Mark`; `Freelist` under `Mark`;
    /// the lock of an open bucket under both.
    enum Lock {
        /// `state_lock`, shared.
        StateRead = 0,
        /// `gc_lock`, shared.
        GcRead = 1,
        /// `gc_lock`, exclusive.
        GcWrite = 2,
        /// `mark_lock`, shared; may be a plain mutex all the same.
        MarkRead = 3,
        /// `mark_lock`, exclusive.
        MarkWrite = 4,
        /// `sb_lock`.
        Sb = 5,
        /// `btree_root_lock`.
        BtreeRoot = 6,
        /// `freelist_lock`.
        Freelist = 7,
    }
}

/// A lock under which the arrays of buckets are not replaced.
pub trait KeepsBuckets: Sealed {}

impl<L: LockKind> Sealed for Held<L> {}
impl KeepsBuckets for Held<StateRead> {}
impl KeepsBuckets for Held<GcWrite> {}
impl KeepsBuckets for Held<MarkRead> {}
impl KeepsBuckets for Held<MarkWrite> {}

/// What keeps the root of a btree from being replaced.
pub trait KeepsRoot: Sealed {}

impl KeepsRoot for Held<BtreeRoot> {}

/// Before the journal is replayed: nobody but the run that holds the gc lock uses the
/// btrees.
#[derive(Debug)]
pub struct InitialPass<'l>(PhantomData<&'l Held<GcWrite>>);

impl<'l> InitialPass<'l> {
    /// For the engine, which knows from its caller that the pass is an initial one.
    pub(crate) const fn new(_gc: &'l Held<GcWrite>) -> Self {
        Self(PhantomData)
    }
}

impl Sealed for InitialPass<'_> {}
impl KeepsRoot for InitialPass<'_> {}

/// The lock of a superblock, or why there is none.
#[derive(Debug, Clone, Copy)]
pub enum Membership<'l> {
    /// The device belongs to a file system, whose superblock lock is held.
    Member(&'l Held<Sb>),
    /// The device is about to be added to one, and nobody else uses it.
    Stray,
}

/// A node, read locked until this is dropped.
#[must_use = "the node is unlocked at once"]
pub struct NodeRead<'h, H: Nodes + ?Sized> {
    host: &'h H,
    node: H::Node,
}

impl<'h, H: Nodes + ?Sized> NodeRead<'h, H> {
    /// Locks the node.
    pub fn lock(host: &'h H, node: H::Node) -> Self {
        host.node_lock_read(node);
        Self { host, node }
    }

    /// Takes over a node that is locked already, as [`Nodes::node_get`] returns it.
    pub fn adopt(host: &'h H, node: H::Node) -> Self {
        Self { host, node }
    }

    /// The node.
    pub fn get(&self) -> H::Node {
        self.node
    }
}

impl<H: Nodes + ?Sized> Drop for NodeRead<'_, H> {
    fn drop(&mut self) {
        self.host.node_unlock_read(self.node);
    }
}
