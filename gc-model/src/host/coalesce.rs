// SPDX-License-Identifier: GPL-2.0-only
//! What merging of nodes asks.

use crate::Model;
use crate::btree::NodeId;
use crate::call::Call;
use crate::locks::{LockId, Mode};
use crate::walk::TreeWalk;
use gc_core::error::Result;
use gc_core::host::{CoalesceFail, CoalesceHost, NodeSize, NodeState};
use gc_core::layout::BtreeId;

impl CoalesceHost for Model {
    type CoalesceWalk<'a> = TreeWalk<'a>;

    fn coalesce_walk(&self, id: BtreeId) -> Result<TreeWalk<'_>> {
        self.call(Call::WalkOpen, || format!("{} to the root", id.0))?;
        Ok(TreeWalk::to_root(self, id))
    }

    fn node_size(&self) -> NodeSize {
        self.note(Call::NodeSize, String::new);
        self.options.node_size()
    }

    fn node_state(&self, node: NodeId) -> NodeState {
        self.note(Call::NodeLiveU64s, String::new);
        self.needs_node("node_live_u64s", node);
        let Some(n) = self.node(node) else { return NodeState { seq: 0, live_u64s: 0 } };
        let live = n
            .data()
            .keys
            .iter()
            .filter(|k| !k.is_deleted())
            .fold(0_u32, |sum, k| sum.saturating_add(u32::from(k.get().k.u64s)));
        NodeState { seq: n.seq(), live_u64s: live }
    }

    fn node_relock_intent(&self, node: NodeId, seq: u32) -> bool {
        self.note(Call::NodeRelockIntent, String::new);
        let Some(n) = self.node(node) else { return false };
        if !self.locks.try_take(LockId::Node(node), Mode::Shared) {
            return false;
        }
        let same = n.seq() == seq;
        if !same {
            self.release(LockId::Node(node));
        }
        same
    }

    fn node_unlock_intent(&self, node: NodeId) {
        self.note(Call::NodeUnlockIntent, String::new);
        self.release(LockId::Node(node));
    }

    fn trace_coalesce_fail(&self, why: CoalesceFail) {
        self.note(Call::Trace, || format!("coalesce_fail {why:?}"));
    }
}
