// SPDX-License-Identifier: GPL-2.0-only
//! Replacing nodes by others with the same keys.

use super::NodeId;
use super::tree::put;
use crate::Model;
use crate::key::Key;
use crate::locks::LockId;
use crate::running::{Pending, Reserve};
use gc_core::bkey::{BsetKeys, KeyRef, NodeFormat};
use gc_core::error::{Error, Result};
use gc_core::host::{NewNode, Replacement};
use gc_core::layout::BtreeId;

/// The keys of a new node, unpacked; `None` if they are not what they are said to be.
fn keys_of(format: &NodeFormat, new: &NewNode<'_>) -> Option<Vec<Key>> {
    let (mut packed, mut unpacked) = (0_u16, 0_u16);
    let mut keys = Vec::new();
    for raw in BsetKeys::new(format, new.keys) {
        let raw = raw.ok()?;
        let n = if raw.is_packed() { &mut packed } else { &mut unpacked };
        *n = n.checked_add(1)?;
        keys.push(Key::copy_of(KeyRef::new(&format.unpack(raw), raw.value())));
    }
    ((packed, unpacked) == (new.packed_keys, new.unpacked_keys)).then_some(keys)
}

impl Model {
    /// Nodes above a node, from the root down.
    pub(crate) fn ancestors(&self, btree: BtreeId, id: NodeId) -> Vec<NodeId> {
        let mut above = Vec::new();
        let Some(target) = self.node(id) else { return above };
        let pos = target.data().ptr.pos();
        let mut next = self.root(btree);
        while let Some(at) = next.filter(|at| *at != id) {
            let Some(node) = self.node(at).filter(|n| n.level > target.level) else { break };
            above.push(at);
            let data = node.data();
            let child = data.keys.iter().find(|k| k.pos() >= pos);
            next = child.and_then(|k| self.find_node(btree, k.get()));
        }
        above
    }

    /// A violation if the calling thread has locked a node.
    pub(crate) fn forbid_nodes(&self, what: &str) {
        for id in self.locks.all_mine() {
            if matches!(id, LockId::Node(_)) {
                self.violation(format!("{what}: {id:?} held"));
            }
        }
    }

    /// Makes the new nodes; nothing points to them yet.
    pub(crate) fn make_replacements(
        &self,
        btree: BtreeId,
        r: &Replacement<'_, NodeId>,
    ) -> Result<(Vec<NodeId>, Vec<u32>)> {
        let format = NodeFormat::new(r.format).map_err(|_| Error::INVAL)?;
        let level = r.old.first().and_then(|id| self.node(*id)).map_or(0, |n| n.level);
        let (mut new, mut open) = (Vec::new(), Vec::new());
        for n in r.new {
            let range = (n.min_key, n.max_key);
            let made = match keys_of(&format, n) {
                None => {
                    self.violation("walk_replace: keys that cannot be read back".to_owned());
                    Err(Error::INVAL)
                }
                Some(keys) if self.is_running() => {
                    self.make_open_node((btree, level), range, keys, Reserve::Btree, &mut open)
                }
                Some(keys) => self.make_node(btree, level, range, keys),
            };
            match made {
                Ok(id) => new.push(id),
                Err(e) => {
                    self.discard_nodes(&new, &open);
                    return Err(e);
                }
            }
        }
        Ok((new, open))
    }

    /// Nodes that were made for nothing, and their open buckets.
    pub(crate) fn discard_nodes(&self, nodes: &[NodeId], open: &[u32]) {
        nodes.iter().for_each(|id| self.forget_node(*id));
        open.iter().for_each(|slot| self.put_open_bucket(*slot));
    }

    /// Puts the new nodes in the place of the old ones, which are forgotten. The
    /// caller holds off changes, and no lock of the parent.
    pub(crate) fn publish_replacements(
        &self,
        r: &Replacement<'_, NodeId>,
        new: &[NodeId],
        open: Vec<u32>,
    ) {
        let ptr_of = |i: Option<usize>| Some(self.node(*new.get(i?)?)?.data().ptr.clone());
        let mut last = None;
        for key in r.keys {
            if last.is_some_and(|last| last >= key.pos) {
                self.violation("walk_replace: parent keys do not ascend".to_owned());
            }
            last = Some(key.pos);
        }
        self.change_node(r.parent, |d| {
            for key in r.keys {
                put(&mut d.keys, ptr_of(key.new).unwrap_or_else(|| Key::deleted(key.pos)));
            }
        });
        for old in r.old {
            self.forget_node(*old);
        }
        if self.is_running() {
            let ptr = |id: &NodeId| self.node(*id).map(|n| n.data().ptr.clone());
            let new = new.iter().filter_map(ptr).collect();
            let old = r.old.iter().filter_map(ptr).collect();
            self.queue_interior_update(Pending { new, old, open });
        }
    }
}
