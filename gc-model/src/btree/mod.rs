// SPDX-License-Identifier: GPL-2.0-only
//! Btrees: nodes of unpacked keys, in several levels.

mod coalesce;
mod damage;
mod read;
mod tree;

pub use crate::node_id::NodeId;
pub(crate) use tree::put;

use crate::Model;
use crate::key::Key;
use crate::locks::{LockId, Mode};
use crate::sync::{Arena, read, write};
use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::error::Errno;
use gc_core::layout::btree::BTREE_ID_NR;
use gc_core::layout::{Bpos, BtreeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, RwLock};

/// Names a node as people do: the `i`th of a level, in order, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePlace {
    /// Btree.
    pub btree: BtreeId,
    /// Level; leaves are 0.
    pub level: u8,
    /// Its place among the nodes of the level that can be reached from the root.
    pub i: usize,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    btree: BtreeId,
    level: u8,
    data: RwLock<Arc<NodeData>>,
    /// Goes up with each change, and when the node is freed.
    seq: AtomicU32,
    /// No longer in the tree.
    freed: AtomicBool,
}

/// What is in a node. Readers keep what they have seen.
#[derive(Debug, Clone)]
pub struct NodeData {
    /// Least position of its keys, from its header.
    pub min: Bpos,
    /// Greatest position.
    pub max: Bpos,
    /// The level it claims.
    pub claimed_level: u8,
    /// Made up because the root could not be read.
    pub fake: bool,
    /// Reading it fails.
    pub unreadable: Option<Errno>,
    /// The pointer to it.
    ptr: Key,
    ptr_buf: Option<KeyBuf>,
    /// Its keys, in order unless damaged.
    pub keys: Vec<Key>,
}

impl NodeData {
    /// A leaf without keys that nothing points to.
    pub(crate) fn empty(min: Bpos, max: Bpos) -> Self {
        Self {
            min,
            max,
            claimed_level: 0,
            fake: false,
            unreadable: None,
            ptr: Key::deleted(max),
            ptr_buf: None,
            keys: Vec::new(),
        }
    }

    /// The pointer to the node.
    #[must_use]
    pub fn ptr(&self) -> &Key {
        &self.ptr
    }

    /// The pointer to the node in one piece; `None` if it is longer than any can be.
    #[must_use]
    pub fn ptr_buf(&self) -> Option<&KeyBuf> {
        self.ptr_buf.as_ref()
    }

    /// Whether all keys lie where the node says.
    pub(crate) fn keys_in_range(&self) -> bool {
        self.keys.iter().all(|k| (self.min..=self.max).contains(&k.pos()))
    }

    /// Changes the pointer to the node.
    pub(crate) fn change_ptr(&mut self, change: impl FnOnce(&mut Key)) {
        change(&mut self.ptr);
        self.ptr_buf = self.ptr.to_buf();
    }
}

impl Node {
    fn new(btree: BtreeId, level: u8, data: NodeData) -> Self {
        Self {
            btree,
            level,
            data: RwLock::new(Arc::new(data)),
            seq: AtomicU32::new(0),
            freed: AtomicBool::new(false),
        }
    }

    /// Its btree.
    #[must_use]
    pub fn btree(&self) -> BtreeId {
        self.btree
    }

    /// Its level in truth, whatever it claims.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Sequence of its lock: another one after each change.
    #[must_use]
    pub fn seq(&self) -> u32 {
        self.seq.load(SeqCst)
    }

    /// Whether it has left the tree.
    #[must_use]
    pub fn freed(&self) -> bool {
        self.freed.load(SeqCst)
    }

    fn changed(&self) {
        self.seq.fetch_add(2, SeqCst);
    }

    /// What is in it now.
    #[must_use]
    pub fn data(&self) -> Arc<NodeData> {
        Arc::clone(&read(&self.data))
    }
}

/// All nodes of a model.
#[derive(Debug, Default)]
pub(crate) struct Trees {
    nodes: Arena<Node>,
    roots: RwLock<[Option<NodeId>; BTREE_ID_NR]>,
    /// By device and sector of the first copy.
    by_ptr: RwLock<HashMap<(u8, u64), NodeId>>,
}

fn first_copy(ptr: KeyRef<'_>) -> Option<(u8, u64)> {
    ptr.pointers().next().map(|p| (p.dev(), p.offset()))
}

impl Model {
    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.trees.nodes.get(id.0)
    }

    /// The root of a btree, made up or not.
    #[must_use]
    pub fn root(&self, id: BtreeId) -> Option<NodeId> {
        read(&self.trees.roots).get(usize::from(id.0)).copied().flatten()
    }

    /// The node of this btree that a key points to.
    pub(crate) fn find_node(&self, id: BtreeId, ptr: KeyRef<'_>) -> Option<NodeId> {
        let found = read(&self.trees.by_ptr).get(&first_copy(ptr)?).copied()?;
        self.node(found).filter(|n| n.btree == id).map(|_| found)
    }

    /// Changes a node under its lock.
    pub(crate) fn change_node(&self, id: NodeId, change: impl FnOnce(&mut NodeData)) {
        let _lock = self.guard(LockId::Node(id), Mode::Exclusive);
        self.edit_node(id, change);
    }

    /// Changes a node whose lock the caller has.
    pub(crate) fn edit_node(&self, id: NodeId, change: impl FnOnce(&mut NodeData)) {
        self.needs("change of a node", LockId::Node(id), Mode::Exclusive);
        let Some(node) = self.node(id) else { return };
        node.changed();
        change(Arc::make_mut(&mut write(&node.data)));
    }
}
