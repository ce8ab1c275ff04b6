// SPDX-License-Identifier: GPL-2.0-only
//! What merging of nodes asks of its host beyond [`Nodes`].

use super::terms::numbered;
use super::{Coordination, GcRead, Held, Log, Nodes, Stopping, Walk};
use crate::error::Result;
use crate::layout::{BkeyFormat, Bpos, BtreeId};

/// Size of the btree nodes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeSize {
    /// Size of a node in bytes, its header included.
    pub bytes: u64,
    /// Unit in which nodes are written, in bytes.
    pub block_bytes: u64,
}

/// What changes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeState {
    /// Sequence of the node's lock: another one means that somebody has changed
    /// or freed the node.
    pub seq: u32,
    /// Length of its live keys, in u64s.
    pub live_u64s: u32,
}

numbered! {
    /// Why a merge that was due was not made: the numbers of the trace point.
    pub enum CoalesceFail {
        /// The host gave no reserve for the update.
        Reserve = 0,
        /// No memory.
        Memory = 1,
        /// In the common format the keys would not fit, or need as many nodes.
        Format = 2,
    }
}

/// One of the nodes that take the place of others.
#[derive(Debug, Clone, Copy)]
pub struct NewNode<'a> {
    /// Least position of its range.
    pub min_key: Bpos,
    /// Greatest position of its range, and the position of its key.
    pub max_key: Bpos,
    /// Its keys in order, packed by the replacement's format or unpacked, with
    /// their values, as they lie in a bset.
    pub keys: &'a [u64],
    /// How many of them are packed.
    pub packed_keys: u16,
    /// How many are not.
    pub unpacked_keys: u16,
}

/// A key that goes into the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParentKey {
    /// Its position.
    pub pos: Bpos,
    /// Index of the new node it points to; `None` deletes the old node's key.
    pub new: Option<usize>,
}

/// Neighbours that are replaced by fewer nodes with the same keys.
#[derive(Debug, Clone, Copy)]
pub struct Replacement<'a, N> {
    /// Their parent.
    pub parent: N,
    /// The old nodes in order; the last is the one the walk is at.
    pub old: &'a [N],
    /// The new nodes in order; their ranges tile those of the old ones.
    pub new: &'a [NewNode<'a>],
    /// Format of the new nodes.
    pub format: &'a BkeyFormat,
    /// What is inserted into the parent, strictly ascending.
    pub keys: &'a [ParentKey],
}

/// A walk over the nodes of a btree, children before their parent, that holds
/// intent locks from the node it is at up to the root.
pub trait CoalesceWalk: Walk {
    /// Parent of the node the walk is at, intent locked by the walk; `None` for
    /// the root, or when the walk has lost it.
    fn parent(&self, node: Self::Node) -> Option<Self::Node>;

    /// Replaces nodes by others, as one update of the parent, and returns the new
    /// node that the walk is at now; `None` when a host that broke its contract does
    /// not say. All old nodes are intent locked: the last by
    /// the walk, the others by the caller; they are freed, and their locks gone.
    ///
    /// # Errors
    /// Nothing has changed then, no lock either. `EAGAIN` and `EINTR`: there may
    /// be a reserve for it after [`CoalesceWalk::wait`]. `EROFS`, `EIO`: there
    /// will be none any more.
    fn replace(
        &mut self,
        gc: &Held<GcRead>,
        replacement: &Replacement<'_, Self::Node>,
    ) -> Result<Option<Self::Node>>;

    /// Lets go of all locks, waits for what the last replacement lacked, and
    /// takes them again; returns the node that is then at the walk's position. The
    /// caller holds no node lock.
    ///
    /// # Errors
    /// The walk's own error.
    fn wait(&mut self) -> Result<Option<Self::Node>>;
}

/// A file system whose nodes can be merged.
pub trait CoalesceHost: Log + Nodes + Coordination + Stopping {
    /// A walk that can replace nodes.
    type CoalesceWalk<'a>: CoalesceWalk<Node = Self::Node>
    where
        Self: 'a;

    /// Starts a walk over all nodes of a btree.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn coalesce_walk(&self, id: BtreeId) -> Result<Self::CoalesceWalk<'_>>;

    /// Size of the nodes; does not change.
    fn node_size(&self) -> NodeSize;

    /// State of a node that is locked.
    fn node_state(&self, node: Self::Node) -> NodeState;

    /// Takes the intent lock of a node that was locked before, unless its sequence
    /// is another one by now or somebody else holds it; does not wait.
    fn node_relock_intent(&self, node: Self::Node, seq: u32) -> bool;

    /// Releases it.
    fn node_unlock_intent(&self, node: Self::Node);

    /// The trace point of a merge that was not made.
    fn trace_coalesce_fail(&self, why: CoalesceFail);
}
