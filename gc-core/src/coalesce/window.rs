// SPDX-License-Identifier: GPL-2.0-only
//! The nodes a walk has just been at, one window for each level, and their locks.

use crate::error::Result;
use crate::host::{CoalesceHost, NodeInfo};
use crate::layout::btree::GC_MERGE_NODES;

/// Nodes of a window beside the one the walk is at.
const EARLIER: usize = 3;
static_assertions::const_assert!(EARLIER + 1 == GC_MERGE_NODES);

/// Nodes of one level visited before, the newest first, each with the sequence of
/// its lock when that was released.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<N> {
    earlier: [Option<(N, u32)>; EARLIER],
}

impl<N: Copy> Window<N> {
    pub(super) const EMPTY: Self = Self { earlier: [None; EARLIER] };

    /// The walk leaves a node.
    pub(super) fn push(&mut self, node: N, seq: u32) {
        self.earlier.rotate_right(1);
        let [newest, ..] = &mut self.earlier;
        *newest = Some((node, seq));
    }

    /// Keeps the newest `nr`.
    pub(super) fn truncate(&mut self, nr: usize) {
        for slot in self.earlier.iter_mut().skip(nr) {
            *slot = None;
        }
    }
}

/// Neighbours with intent locks: those of a window and, last, the one the walk is
/// at. Dropping this releases the locks of the window's.
pub(super) struct Siblings<'h, H: CoalesceHost> {
    host: &'h H,
    /// Filled from the end, in order of position.
    nodes: [H::Node; GC_MERGE_NODES],
    nr: usize,
    /// The last `nr`, but for the walk's own, are to be unlocked.
    ours: bool,
}

impl<'h, H: CoalesceHost> Siblings<'h, H> {
    /// Locks again what is left of a window before `current`, whose range is
    /// `info`: from the newest on, until one has changed, or does not end directly
    /// before the next within the range of the parent.
    ///
    /// # Errors
    /// `EINVAL` when the host broke its contract; no lock of the window's is held then.
    pub(super) fn lock(
        host: &'h H,
        window: &Window<H::Node>,
        parent: &NodeInfo,
        current: H::Node,
        info: &NodeInfo,
    ) -> Result<Self> {
        let mut siblings = Self { host, nodes: [current; GC_MERGE_NODES], nr: 1, ours: true };
        let mut begins = info.min_key;
        // There is room for all of a window.
        let room = siblings.nodes.iter_mut().rev().skip(1);
        for (slot, (node, seq)) in room.zip(window.earlier.iter().copied().flatten()) {
            if begins <= parent.min_key || !host.node_relock_intent(node, seq) {
                break;
            }
            let before = host.node_info(node).inspect_err(|_| host.node_unlock_intent(node))?;
            let adjacent = before.level == info.level
                && before.btree_id == info.btree_id
                && before.max_key.successor() == Some(begins)
                && before.min_key >= parent.min_key;
            if !adjacent {
                host.node_unlock_intent(node);
                break;
            }
            *slot = node;
            siblings.nr = siblings.nr.saturating_add(1);
            begins = before.min_key;
        }
        Ok(siblings)
    }

    /// The nodes in order of position; the last is the walk's own.
    pub(super) fn as_slice(&self) -> &[H::Node] {
        self.nodes.get(self.nodes.len().saturating_sub(self.nr)..).unwrap_or(&[])
    }

    /// The nodes and their locks are gone: they were replaced.
    pub(super) fn replaced(mut self) {
        self.ours = false;
    }
}

impl<H: CoalesceHost> Drop for Siblings<'_, H> {
    fn drop(&mut self) {
        if self.ours {
            // The last is the walk's own.
            for &node in self.as_slice().iter().rev().skip(1) {
                self.host.node_unlock_intent(node);
            }
        }
    }
}
