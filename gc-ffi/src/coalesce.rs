// SPDX-License-Identifier: GPL-2.0-only
//! Merging of nodes on the host in C.

use crate::host::{CHost, raw_info};
use crate::iter::CWalk;
use core::ptr;
use gc_core::error::{Error, Result};
use gc_core::host::{
    CoalesceFail, CoalesceHost, CoalesceWalk, GcRead, Held, NewNode, NodeSize, NodeState,
    ParentKey, Replacement, Walk,
};
use gc_core::layout::btree::GC_MERGE_NODES;
use gc_core::layout::{Bpos, BtreeId};
use gc_host_sys as sys;
use static_assertions::const_assert;

/// Keys that one replacement inserts into the parent, at most.
const KEYS: usize = 8;
const_assert!(sys::GC_HOST_MERGE_NODES == 4 && GC_MERGE_NODES == 4);

const NO_NODE: sys::gc_host_new_node = sys::gc_host_new_node {
    min_key: ptr::null(),
    max_key: ptr::null(),
    keys: ptr::null(),
    u64s: 0,
    packed_keys: 0,
    unpacked_keys: 0,
};

const NO_KEY: sys::gc_host_parent_key =
    sys::gc_host_parent_key { pos: ptr::null(), new_node: sys::GC_HOST_NEW_NONE };

fn pos(p: &Bpos) -> *const sys::bpos {
    ptr::from_ref(p).cast()
}

fn nr<T>(of: &[T]) -> Result<u32> {
    u32::try_from(of.len()).map_err(|_| Error::INVAL)
}

fn new_node(new: &NewNode<'_>) -> Result<sys::gc_host_new_node> {
    Ok(sys::gc_host_new_node {
        min_key: pos(&new.min_key),
        max_key: pos(&new.max_key),
        keys: new.keys.as_ptr(),
        u64s: nr(new.keys)?,
        packed_keys: new.packed_keys,
        unpacked_keys: new.unpacked_keys,
    })
}

fn parent_key(key: &ParentKey) -> Result<sys::gc_host_parent_key> {
    let new_node = match key.new {
        None => sys::GC_HOST_NEW_NONE,
        Some(i) => u32::try_from(i).map_err(|_| Error::INVAL)?,
    };
    Ok(sys::gc_host_parent_key { pos: pos(&key.pos), new_node })
}

impl CoalesceWalk for CWalk<'_> {
    fn parent(&self, node: Self::Node) -> Option<Self::Node> {
        // SAFETY: the walk is open and at the node.
        let parent = unsafe { sys::gc_host_walk_parent(self.raw(), node) };
        (!parent.is_null()).then_some(parent)
    }

    fn replace(
        &mut self,
        _gc: &Held<GcRead>,
        r: &Replacement<'_, Self::Node>,
    ) -> Result<Option<Self::Node>> {
        let mut new_nodes = [NO_NODE; GC_MERGE_NODES];
        let mut keys = [NO_KEY; KEYS];
        if r.old.len() > GC_MERGE_NODES || r.new.len() > new_nodes.len() || r.keys.len() > KEYS {
            return Err(Error::INVAL);
        }
        for (to, from) in new_nodes.iter_mut().zip(r.new) {
            *to = new_node(from)?;
        }
        for (to, from) in keys.iter_mut().zip(r.keys) {
            *to = parent_key(from)?;
        }
        let replacement = sys::gc_host_replacement {
            parent: r.parent,
            old_nodes: r.old.as_ptr(),
            new_nodes: new_nodes.as_ptr(),
            format: ptr::from_ref(r.format).cast(),
            keys: keys.as_ptr(),
            nr_old: nr(r.old)?,
            nr_new: nr(r.new)?,
            nr_keys: nr(r.keys)?,
        };
        let mut now = ptr::null_mut();
        // SAFETY: the walk is open and at the last old node; the nodes are locked, and
        // all that the replacement points to outlives the call; `now` is ours.
        let ret =
            unsafe { sys::gc_host_walk_replace(self.raw(), &raw const replacement, &raw mut now) };
        Error::check(ret)?;
        // The nodes are replaced all the same.
        Ok(self.lent("gc_host_walk_replace", now).ok())
    }

    fn wait(&mut self) -> Result<Option<Self::Node>> {
        let mut now = ptr::null_mut();
        // SAFETY: the walk is open, and no node is locked beside its own.
        let ret = unsafe { sys::gc_host_walk_wait(self.raw(), &raw mut now) };
        self.node_of("gc_host_walk_wait", ret, now)
    }
}

impl CoalesceHost for CHost {
    type CoalesceWalk<'a> = CWalk<'a>;

    fn coalesce_walk(&self, id: BtreeId) -> Result<Self::CoalesceWalk<'_>> {
        self.open_walk(id, sys::GC_HOST_WALK_NODES, sys::GC_HOST_LOCKS_TO_ROOT, 0)
    }

    fn node_size(&self) -> NodeSize {
        let (mut bytes, mut block_bytes) = (0, 0);
        // SAFETY: the file system is open; both places are ours.
        unsafe { sys::gc_host_node_size(self.raw(), &raw mut bytes, &raw mut block_bytes) };
        NodeSize { bytes, block_bytes }
    }

    fn node_state(&self, node: <CWalk<'_> as Walk>::Node) -> NodeState {
        // SAFETY: the node is locked.
        let live_u64s = unsafe { sys::gc_host_node_live_u64s(node) };
        NodeState { seq: raw_info(node).seq, live_u64s }
    }

    fn node_relock_intent(&self, node: <CWalk<'_> as Walk>::Node, seq: u32) -> bool {
        // SAFETY: the host handed out the node; its address stays readable.
        unsafe { sys::gc_host_node_relock_intent(node, seq) }
    }

    fn node_unlock_intent(&self, node: <CWalk<'_> as Walk>::Node) {
        // SAFETY: the engine has locked it.
        unsafe { sys::gc_host_node_unlock_intent(node) };
    }

    fn trace_coalesce_fail(&self, why: CoalesceFail) {
        let arg = i32::try_from(why.number()).unwrap_or(i32::MAX);
        // SAFETY: the file system is open.
        unsafe { sys::gc_host_trace(self.raw(), sys::GC_HOST_TRACE_COALESCE_FAIL, arg) };
    }
}
