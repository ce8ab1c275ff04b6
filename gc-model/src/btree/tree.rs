// SPDX-License-Identifier: GPL-2.0-only
//! Putting keys into leaves, splitting what is full.

use super::{Node, NodeData, NodeId, first_copy};
use crate::Model;
use crate::key::Key;
use crate::sync::{lock, write};
use gc_core::error::{Errno, Error, Result};
use gc_core::layout::btree::BTREE_MAX_DEPTH;
use gc_core::layout::{Bpos, BtreeId, POS_MAX, POS_MIN};

/// Puts a key among sorted keys, in place of one of its position.
pub(super) fn put(keys: &mut Vec<Key>, key: Key) {
    match keys.binary_search_by_key(&key.pos(), Key::pos) {
        Ok(at) if key.is_deleted() => {
            keys.remove(at);
        }
        Ok(at) => {
            if let Some(slot) = keys.get_mut(at) {
                *slot = key;
            }
        }
        Err(_) if key.is_deleted() => {}
        Err(at) => keys.insert(at, key),
    }
}

impl Model {
    /// A node with a place on disk, that nothing points to yet.
    pub(super) fn make_node(
        &self,
        btree: BtreeId,
        level: u8,
        (min, max): (Bpos, Bpos),
        keys: Vec<Key>,
    ) -> Result<NodeId> {
        let places = self.alloc_node()?;
        let ptr = Key::btree_ptr_v2(min, max, self.next_node_seq(), &places).ok_or(Error::INVAL)?;
        let copy = first_copy(ptr.get());
        let ptr_buf = ptr.to_buf();
        let data = NodeData {
            min,
            max,
            claimed_level: level,
            fake: false,
            unreadable: None,
            ptr,
            ptr_buf,
            keys,
        };
        let id = self.trees.nodes.push(Node::new(btree, level, data));
        if let Some(copy) = copy {
            write(&self.trees.by_ptr).insert(copy, NodeId(id));
        }
        Ok(NodeId(id))
    }

    fn set_root(&self, btree: BtreeId, node: NodeId) {
        if let Some(slot) = write(&self.trees.roots).get_mut(usize::from(btree.0)) {
            *slot = Some(node);
        }
    }

    /// An empty root.
    ///
    /// # Errors
    /// `EEXIST` where there is one, `EINVAL` for a btree there is none of, `ENOSPC`.
    pub fn make_root(&self, btree: BtreeId) -> Result<()> {
        let _change = lock(&self.trees.change);
        if btree.name().is_none() {
            return Err(Error::INVAL);
        }
        if self.root(btree).is_some() {
            return Err(Error::Errno(Errno::EEXIST));
        }
        let node = self.make_node(btree, 0, (POS_MIN, POS_MAX), Vec::new())?;
        self.set_root(btree, node);
        Ok(())
    }

    /// Puts a key into its leaf.
    pub(crate) fn tree_insert(&self, btree: BtreeId, key: Key) -> Result<()> {
        if self.root(btree).is_none() {
            self.make_root(btree)?;
        }
        let _change = lock(&self.trees.change);
        let mut path = Vec::new();
        let mut next = self.root(btree);
        while let Some(id) = next {
            path.push(id);
            let node = self.node(id).ok_or(Error::INVAL)?;
            if node.level == 0 {
                break;
            }
            let data = node.data();
            let child = data.keys.iter().find(|k| k.pos() >= key.pos()).ok_or(Error::INVAL)?;
            next = self.find_node(btree, child.get());
        }
        let leaf = path.last().copied().filter(|id| self.node(*id).is_some_and(|n| n.level == 0));
        let key = key.with_version(self.insert_version());
        self.change_node(leaf.ok_or(Error::INVAL)?, |d| put(&mut d.keys, key));
        while let Some(id) = path.pop() {
            if !self.split(btree, id, path.last().copied())? {
                break;
            }
        }
        Ok(())
    }

    /// Splits a node that is too full; whether its parent got a key more.
    fn split(&self, btree: BtreeId, id: NodeId, parent: Option<NodeId>) -> Result<bool> {
        let node = self.node(id).ok_or(Error::INVAL)?;
        let data = node.data();
        let may_grow = parent.is_some() || node.level.saturating_add(1) < BTREE_MAX_DEPTH;
        if data.keys.len() <= self.options.node_keys || !may_grow {
            return Ok(false);
        }
        let (left, right) = data.keys.split_at(data.keys.len() / 2);
        let Some(mid) = left.last().map(Key::pos) else { return Ok(false) };
        let right_min = mid.successor().ok_or(Error::INVAL)?;
        let left_id = self.make_node(btree, node.level, (data.min, mid), left.to_vec())?;
        let left_ptr = self.node(left_id).map(|n| n.data().ptr.clone()).ok_or(Error::INVAL)?;
        let right = right.to_vec();
        self.change_node(id, |d| {
            d.keys = right;
            d.min = right_min;
            d.change_ptr(|p| p.set_min_key(right_min));
        });
        let right_ptr = node.data().ptr.clone();
        match parent {
            Some(parent) => {
                self.change_node(parent, |d| {
                    put(&mut d.keys, left_ptr);
                    put(&mut d.keys, right_ptr);
                });
                Ok(true)
            }
            None => {
                let range = (data.min, data.max);
                let level = node.level.saturating_add(1);
                let root = self.make_node(btree, level, range, vec![left_ptr, right_ptr])?;
                self.set_root(btree, root);
                Ok(false)
            }
        }
    }
}
