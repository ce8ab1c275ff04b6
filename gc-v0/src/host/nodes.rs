// SPDX-License-Identifier: GPL-2.0-only
//! Nodes that the engine holds.

use super::Image;
use crate::journal::JournalKeys;
use crate::key::Key;
use crate::merged::Merged;
use crate::node::Node;
use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::error::{Errno, Error, Result};
use gc_core::host::NodeKeys;
use gc_core::layout::BtreeId;
use std::rc::Rc;

/// A node the engine holds: a slot. Roots have the first eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(pub(super) usize);

/// Slots.
pub(super) struct Slots {
    nodes: Vec<Option<Rc<Node>>>,
    /// Empty ones.
    free: Vec<usize>,
}

/// Roots.
const ROOTS: usize = 8;

impl Slots {
    pub(super) fn new(roots: [Rc<Node>; ROOTS]) -> Self {
        Self { nodes: roots.into_iter().map(Some).collect(), free: Vec::new() }
    }

    pub(super) fn put(&mut self, node: Rc<Node>) -> NodeId {
        let at = self.free.pop().unwrap_or(self.nodes.len());
        match self.nodes.get_mut(at) {
            Some(slot) => *slot = Some(node),
            None => self.nodes.push(Some(node)),
        }
        NodeId(at)
    }
}

/// Keys of a node.
pub struct Keys<'a> {
    merged: Option<Merged<'a>>,
}

impl NodeKeys for Keys<'_> {
    fn next(&mut self) -> Result<Option<KeyRef<'_>>> {
        Ok(self.merged.as_mut().and_then(Merged::next_key))
    }
}

impl Image<'_> {
    pub(super) fn root(&self, id: BtreeId) -> Option<NodeId> {
        let at = usize::from(id.0);
        (at < ROOTS).then_some(NodeId(at))
    }

    pub(super) fn node(&self, id: NodeId) -> Option<Rc<Node>> {
        self.slots.borrow().nodes.get(id.0).cloned().flatten()
    }

    pub(super) fn set_node(&self, id: NodeId, node: Node) {
        if let Some(slot) = self.slots.borrow_mut().nodes.get_mut(id.0) {
            *slot = Some(Rc::new(node));
        }
    }

    pub(super) fn release(&self, id: NodeId) {
        if id.0 >= ROOTS {
            let mut slots = self.slots.borrow_mut();
            let was = slots.nodes.get_mut(id.0).and_then(Option::take);
            if was.is_some() {
                slots.free.push(id.0);
            }
        }
    }

    pub(super) fn child(&self, key: &KeyBuf, btree: BtreeId, level: u8) -> Result<NodeId> {
        let key = Key::of(key.as_ref());
        let node = self.read(&key, btree, level)?;
        Ok(self.slots.borrow_mut().put(node))
    }

    pub(super) fn read(&self, key: &Key, btree: BtreeId, level: u8) -> Result<Rc<Node>> {
        let mut reporter = self.reporter.borrow_mut();
        self.nodes
            .borrow_mut()
            .get(&self.fs, key, btree, level, &mut **reporter)
            .ok_or(Error::Errno(Errno::EIO))
    }

    pub(super) fn keys(&self, id: NodeId, overlay: bool) -> Keys<'_> {
        let journal: Option<&JournalKeys> = overlay.then_some(&self.journal);
        Keys { merged: self.node(id).map(|n| Merged::new(n, journal)) }
    }
}
