// SPDX-License-Identifier: GPL-2.0-only
//! Putting keys into leaves, splitting what is full.

use super::{Node, NodeData, NodeId, first_copy};
use crate::Model;
use crate::key::{Key, Ptr};
use crate::locks::{LockId, Mode};
use crate::running::Reserve;
use crate::sync::write;
use gc_core::error::{Errno, Error, Result};
use gc_core::layout::btree::BTREE_MAX_DEPTH;
use gc_core::layout::{Bpos, BtreeId, POS_MAX, POS_MIN};
use std::sync::atomic::Ordering::SeqCst;

/// Puts a key among sorted keys, in place of one of its position.
pub(crate) fn put(keys: &mut Vec<Key>, key: Key) {
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
        range: (Bpos, Bpos),
        keys: Vec<Key>,
    ) -> Result<NodeId> {
        let places = self.alloc_node()?;
        self.make_node_at(btree, level, range, keys, &places)
    }

    /// Makes a node in buckets that are opened for it, and noted in `open` also when it
    /// fails; its devices are in the replicas table.
    pub(crate) fn make_open_node(
        &self,
        (btree, level): (BtreeId, u8),
        range: (Bpos, Bpos),
        keys: Vec<Key>,
        reserve: Reserve,
        open: &mut Vec<u32>,
    ) -> Result<NodeId> {
        let places = self.open_node(reserve, open)?;
        let id = self.make_node_at(btree, level, range, keys, &places)?;
        let ptr = self.node(id).map(|n| n.data().ptr.clone()).ok_or(Error::INVAL)?;
        self.add_key_replicas(ptr.get())?;
        Ok(id)
    }

    /// Takes a node out of the tree; nothing points to it any more.
    pub(crate) fn forget_node(&self, id: NodeId) {
        let Some(node) = self.node(id) else { return };
        node.freed.store(true, SeqCst);
        node.changed();
        if let Some(copy) = first_copy(node.data().ptr.get()) {
            write(&self.trees.by_ptr).remove(&copy);
        }
    }

    fn make_node_at(
        &self,
        btree: BtreeId,
        level: u8,
        (min, max): (Bpos, Bpos),
        keys: Vec<Key>,
        places: &[Ptr],
    ) -> Result<NodeId> {
        let ptr = Key::btree_ptr_v2(min, max, self.next_node_seq(), places).ok_or(Error::INVAL)?;
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

    pub(crate) fn set_root(&self, btree: BtreeId, node: NodeId) {
        if let Some(slot) = write(&self.trees.roots).get_mut(usize::from(btree.0)) {
            *slot = Some(node);
        }
    }

    /// An empty root.
    ///
    /// # Errors
    /// `EEXIST` where there is one, `EINVAL` for a btree there is none of, `ENOSPC`.
    pub fn make_root(&self, btree: BtreeId) -> Result<()> {
        let _change = self.guard(LockId::Trees, Mode::Exclusive);
        if btree.name().is_none() {
            return Err(Error::INVAL);
        }
        if self.root(btree).is_some() {
            return Err(Error::Errno(Errno::EEXIST));
        }
        if self.is_running() {
            return Err(Error::Errno(Errno::EROFS));
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
        let _change = self.guard(LockId::Trees, Mode::Exclusive);
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
