// SPDX-License-Identifier: GPL-2.0-only
//! Finding nodes: by place, in the order of a walk, and all that can be reached.

use super::{Node, NodeId, NodePlace};
use crate::Model;
use crate::key::Key;
use crate::sync::read;
use crate::walk::MergedKeys;
use gc_core::error::{Errno, Error, Result};
use gc_core::host::NodeKeys;
use gc_core::layout::{Bpos, BtreeId};
use std::sync::Arc;

impl Model {
    /// The child a key of `node` points to, and why it cannot be read if so; `None`
    /// if it is not there or is not one level below.
    fn child_of(&self, node: &Node, key: &Key) -> Option<(NodeId, Option<Errno>)> {
        let id = self.find_node(node.btree, key.get())?;
        let child = self.node(id)?;
        let fits = child.level.checked_add(1) == Some(node.level);
        fits.then(|| (id, child.data().unreadable))
    }

    /// The same if it can be read.
    fn child(&self, node: &Node, key: &Key) -> Option<NodeId> {
        self.child_of(node, key).and_then(|(id, why)| why.is_none().then_some(id))
    }

    fn collect_level(&self, id: NodeId, level: u8, out: &mut Vec<NodeId>) {
        let Some(node) = self.node(id) else { return };
        if node.level == level {
            out.push(id);
        }
        if node.level <= level {
            return;
        }
        for key in &node.data().keys {
            // Also one that cannot be read keeps its place.
            if let Some((child, _)) = self.child_of(node, key) {
                self.collect_level(child, level, out);
            }
        }
    }

    /// Nodes of a level that can be reached from the root, in order.
    #[must_use]
    pub fn nodes(&self, btree: BtreeId, level: u8) -> Vec<NodeId> {
        let mut out = Vec::new();
        if let Some(root) = self.root(btree) {
            self.collect_level(root, level, &mut out);
        }
        out
    }

    /// Levels of a btree; 0 without a root.
    #[must_use]
    pub fn depth(&self, btree: BtreeId) -> u8 {
        let root = self.root(btree).and_then(|id| self.node(id));
        root.map_or(0, |n| n.level.saturating_add(1))
    }

    /// The node at a place.
    #[must_use]
    pub fn node_at(&self, place: NodePlace) -> Option<NodeId> {
        self.nodes(place.btree, place.level).get(place.i).copied()
    }

    /// The node after `last` in the order of a walk: children before their parent,
    /// down to `min_depth`.
    pub(crate) fn next_node_after(
        &self,
        btree: BtreeId,
        min_depth: u8,
        last: Option<(Bpos, u8)>,
    ) -> Result<Option<NodeId>> {
        match self.root(btree) {
            Some(root) => self.next_below(root, min_depth, last),
            None => Ok(None),
        }
    }

    fn next_below(
        &self,
        id: NodeId,
        min_depth: u8,
        last: Option<(Bpos, u8)>,
    ) -> Result<Option<NodeId>> {
        let Some(node) = self.node(id) else { return Ok(None) };
        let data = node.data();
        if node.level > min_depth {
            let below = node.level.saturating_sub(1);
            for key in &data.keys {
                if key.is_deleted() || last.is_some_and(|last| (key.pos(), below) <= last) {
                    continue;
                }
                let (child, unreadable) =
                    self.child_of(node, key).ok_or(Error::Errno(Errno::EIO))?;
                if let Some(why) = unreadable {
                    return Err(Error::Errno(why));
                }
                if let Some(found) = self.next_below(child, min_depth, last)? {
                    return Ok(Some(found));
                }
            }
        }
        let own = (data.ptr.pos(), node.level);
        let due = node.level >= min_depth && last.is_none_or(|last| own > last);
        Ok(due.then_some(id))
    }

    fn collect_keys(&self, id: NodeId, out: &mut Vec<(u8, Key)>) {
        let Some(node) = self.node(id) else { return };
        let mut keys = MergedKeys::new(node.data(), Arc::clone(&read(&self.journal).keys), node);
        while let Ok(Some(key)) = keys.next() {
            let Some(key) = Key::new(key.k.type_, key.k.p, key.k.size, key.v.to_vec())
                .map(|k| k.with_version(key.k.version.lo))
            else {
                continue;
            };
            let child = (node.level > 0).then(|| self.child(node, &key)).flatten();
            out.push((node.level, key));
            if let Some(child) = child {
                self.collect_keys(child, out);
            }
        }
    }

    /// All keys that can be reached, those of the journal laid over them, with the
    /// level of the node they are in; a root's own pointer last, as of the level
    /// above it.
    #[must_use]
    pub fn keys(&self, btree: BtreeId) -> Vec<(u8, Key)> {
        let mut out = Vec::new();
        let root = self.root(btree).and_then(|id| Some((id, self.node(id)?)));
        if let Some((id, node)) = root.filter(|(_, n)| !n.data().fake) {
            self.collect_keys(id, &mut out);
            out.push((node.level.saturating_add(1), node.data().ptr.clone()));
        }
        out
    }
}
