// SPDX-License-Identifier: GPL-2.0-only
//! Merging nodes in memory: one btree at a time is copied with the journal's keys
//! laid over, and the engine merges in the copy. Nothing is written.

use super::{Image, NodeId};
use crate::key::Key;
use crate::merged::Merged;
use crate::node::Node;
use gc_core::bkey::{KeyRef, NodeFormat};
use gc_core::error::{Error, Result};
use gc_core::host::{
    CoalesceFail, CoalesceHost, CoalesceWalk, GcRead, GcWrite, Held, NewNode, NodeSize, NodeState,
    Replacement, Walk,
};
use gc_core::layout::bits::low32;
use gc_core::layout::bkey::KEY_FORMAT_CURRENT;
use gc_core::layout::btree::BTREE_MAX_DEPTH;
use gc_core::layout::{Bkey, BtreeId, KeyType};
use std::collections::HashMap;
use std::rc::Rc;

/// Nodes of one level of a btree, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelFill {
    /// Btree.
    pub btree: BtreeId,
    /// Level; leaves are 0.
    pub level: u8,
    /// Nodes and the length of their live keys in u64s: before.
    pub before: Fill,
    /// After.
    pub after: Fill,
}

/// Nodes, and the length of their live keys in u64s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fill {
    /// Nodes.
    pub nodes: u64,
    /// Length of their live keys, in u64s.
    pub live_u64s: u64,
}

/// Shown each leaf key of the merged btrees.
pub type SeeKey = Box<dyn FnMut(BtreeId, KeyRef<'_>)>;

/// State of merging.
#[derive(Default)]
pub(super) struct Merging {
    /// Children of the nodes of the btree at hand, in order.
    children: HashMap<usize, Vec<NodeId>>,
    pub(super) levels: Vec<LevelFill>,
    /// Merges that were due and not made.
    fails: u64,
    /// Btrees with nodes that cannot be read, left out.
    pub(super) left_out: Vec<BtreeId>,
    pub(super) see: Option<SeeKey>,
}

/// A walk over the nodes of the copy, children before their parent.
pub struct MergeWalk<'a, 'r> {
    image: &'a Image<'r>,
    btree: BtreeId,
    /// The way down to the node that is next: each with the number of its next
    /// child.
    path: Vec<(NodeId, usize)>,
}

impl Image<'_> {
    /// What merging did so far, and how many merges were not made.
    pub(crate) fn merged(&self) -> (Vec<LevelFill>, u64, Vec<BtreeId>) {
        let m = self.merging.borrow();
        (m.levels.clone(), m.fails, m.left_out.clone())
    }

    /// Has somebody shown the keys of merged btrees.
    pub(crate) fn show_merged(&self, see: SeeKey) {
        self.merging.borrow_mut().see = Some(see);
    }

    /// Copies a node and all below it, and returns its slot.
    fn copy(&self, node: Rc<Node>) -> Result<NodeId> {
        let node = self.with_journal(node);
        let mut below = Vec::new();
        if let Some(level) = node.level.checked_sub(1) {
            let mut keys = Merged::new(Rc::clone(&node), None);
            while let Some(key) = keys.next_key().map(Key::of) {
                below.push(self.copy(self.read(&key, node.btree, level)?)?);
            }
        }
        let id = self.slots.borrow_mut().put(node);
        self.merging.borrow_mut().children.insert(id.0, below);
        Ok(id)
    }

    /// A node with the journal's keys in their places.
    fn with_journal(&self, node: Rc<Node>) -> Rc<Node> {
        let journal = self.journal.from(node.btree, node.level, node.min_key);
        let touched = journal.first().is_some_and(|j| j.key.k.p <= node.max_key);
        if !touched {
            return node;
        }
        let mut merged = Merged::new(Rc::clone(&node), Some(&self.journal));
        let mut keys = Vec::new();
        while let Some(key) = merged.next_key() {
            keys.push(Key::of(key));
        }
        Rc::new(with_keys(&node, &keys))
    }

    fn fill(&self, root: NodeId) -> [Fill; 8] {
        let mut levels = [Fill::default(); 8];
        let mut all = vec![root];
        while let Some(id) = all.pop() {
            let Some(node) = self.node(id) else { continue };
            if let Some(fill) = levels.get_mut(usize::from(node.level)) {
                fill.nodes = fill.nodes.saturating_add(1);
                let words = u64::try_from(node.words.len()).unwrap_or(u64::MAX);
                fill.live_u64s = fill.live_u64s.saturating_add(words);
            }
            let merging = self.merging.borrow();
            all.extend(merging.children.get(&id.0).into_iter().flatten().copied());
        }
        levels
    }

    /// Shows the leaf keys below a node, in order.
    fn see(&self, id: NodeId, see: &mut SeeKey) {
        let Some(node) = self.node(id) else { return };
        if node.level == 0 {
            let btree = node.btree;
            let mut keys = Merged::new(node, None);
            while let Some(key) = keys.next_key() {
                see(btree, key);
            }
            return;
        }
        let below = self.merging.borrow().children.get(&id.0).cloned().unwrap_or_default();
        for child in below {
            self.see(child, see);
        }
    }
}

/// A node with other keys, packed where they pack.
fn with_keys(node: &Node, keys: &[Key]) -> Node {
    let mut words = Vec::new();
    for key in keys {
        let k = Bkey { format_ws: KEY_FORMAT_CURRENT, ..key.k };
        match node.format.as_ref().and_then(|f| f.pack(&k)) {
            Some(packed) => words.extend(packed.words().iter().copied()),
            None => words.extend(k.to_words()),
        }
        words.extend(key.v.iter().copied());
    }
    Node { words, ..node.clone() }
}

/// The pointer to a new node: that of an old one with the new range.
fn new_key(old: &Key, new: &NewNode<'_>) -> Key {
    let mut key = old.clone();
    key.k.p = new.max_key;
    if key.k.type_ == KeyType::BTREE_PTR_V2 {
        if let Some([sizes, offset, inode]) = key.v.get_mut(2..5) {
            let min = new.min_key;
            *sizes = u64::from(low32(*sizes)) | u64::from(min.snapshot) << 32;
            (*offset, *inode) = (min.offset, min.inode);
        }
    }
    key
}

impl Walk for MergeWalk<'_, '_> {
    type Node = NodeId;

    fn next_key(&mut self) -> Result<Option<KeyRef<'_>>> {
        Err(Error::INVAL)
    }

    fn next_node(&mut self) -> Result<Option<NodeId>> {
        loop {
            let Some((id, next)) = self.path.last_mut() else { return Ok(None) };
            let merging = self.image.merging.borrow();
            let child = merging.children.get(&id.0).and_then(|c| c.get(*next)).copied();
            *next = next.saturating_add(1);
            match child {
                Some(child) => self.path.push((child, 0)),
                None => return Ok(self.path.pop().map(|(id, _)| id)),
            }
        }
    }

    fn resched(&mut self) {}

    fn rewrite(&mut self, _gc: &Held<GcWrite>, _node: NodeId, _insert_flags: u32) -> Result<()> {
        Err(Error::INVAL)
    }

    /// Takes down what has become of the btree, and lets go of the copy.
    fn close(self) -> Result<()> {
        let image = self.image;
        let root = NodeId(usize::from(self.btree.0));
        let after = image.fill(root);
        let see = image.merging.borrow_mut().see.take();
        if let Some(mut see) = see {
            image.see(root, &mut see);
            image.merging.borrow_mut().see = Some(see);
        }
        let mut merging = image.merging.borrow_mut();
        for level in merging.levels.iter_mut().filter(|l| l.btree == self.btree) {
            level.after = after.get(usize::from(level.level)).copied().unwrap_or_default();
        }
        for (slot, _) in merging.children.drain() {
            image.release(NodeId(slot));
        }
        Ok(())
    }
}

impl CoalesceWalk for MergeWalk<'_, '_> {
    fn parent(&self, _node: NodeId) -> Option<NodeId> {
        self.path.last().map(|(id, _)| *id)
    }

    fn replace(
        &mut self,
        _gc: &Held<GcRead>,
        r: &Replacement<'_, NodeId>,
    ) -> Result<Option<NodeId>> {
        let image = self.image;
        let format = NodeFormat::new(r.format).map_err(|_| Error::INVAL)?;
        let parent = image.node(r.parent).ok_or(Error::INVAL)?;
        let (mut new_keys, mut new_ids) = (Vec::new(), Vec::new());
        let mut below: Vec<NodeId> = Vec::new();
        for id in r.old {
            below.extend(image.merging.borrow_mut().children.remove(&id.0).unwrap_or_default());
        }
        let mut below = below.into_iter();
        for (new, old) in r.new.iter().zip(r.old) {
            let old = image.node(*old).ok_or(Error::INVAL)?;
            let key = new_key(&old.key, new);
            let node = Rc::new(Node {
                key: key.clone(),
                min_key: new.min_key,
                max_key: new.max_key,
                format: Some(format),
                words: new.keys.to_vec(),
                ..(*old).clone()
            });
            let own = usize::from(new.packed_keys).saturating_add(new.unpacked_keys.into());
            let own = if node.level == 0 { 0 } else { own };
            let id = image.slots.borrow_mut().put(node);
            image.merging.borrow_mut().children.insert(id.0, below.by_ref().take(own).collect());
            new_keys.push(key);
            new_ids.push(id);
        }
        image.set_node(r.parent, with_keys(&parent, &inserted(&parent, r, &new_keys)));
        for id in r.old {
            image.release(*id);
        }
        let last = *new_ids.last().ok_or(Error::INVAL)?;
        let gone = r.old.len();
        let come = new_ids.len();
        if let Some((_, next)) = self.path.last_mut() {
            let first = next.saturating_sub(gone);
            let mut merging = image.merging.borrow_mut();
            if let Some(children) = merging.children.get_mut(&r.parent.0) {
                let end = (*next).min(children.len());
                children.splice(first.min(end)..end, new_ids);
            }
            *next = first.saturating_add(come);
        }
        Ok(Some(last))
    }

    fn wait(&mut self) -> Result<Option<NodeId>> {
        Err(Error::INVAL)
    }
}

/// Keys of a parent after an update.
fn inserted(parent: &Rc<Node>, r: &Replacement<'_, NodeId>, new: &[Key]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut changes = r.keys.iter().peekable();
    let add = |keys: &mut Vec<Key>, i: Option<usize>| {
        keys.extend(i.and_then(|i| new.get(i)).cloned());
    };
    let mut old = Merged::new(Rc::clone(parent), None);
    while let Some(key) = old.next_key() {
        while let Some(change) = changes.next_if(|c| c.pos < key.k.p) {
            add(&mut keys, change.new);
        }
        match changes.next_if(|c| c.pos == key.k.p) {
            Some(change) => add(&mut keys, change.new),
            None => keys.push(Key::of(key)),
        }
    }
    for change in changes {
        add(&mut keys, change.new);
    }
    keys
}

impl<'r> CoalesceHost for Image<'r> {
    type CoalesceWalk<'a>
        = MergeWalk<'a, 'r>
    where
        Self: 'a;

    fn coalesce_walk(&self, btree: BtreeId) -> Result<MergeWalk<'_, 'r>> {
        let mut path = Vec::new();
        let at = NodeId(usize::from(btree.0));
        if let Some(root) = self.node(at).filter(|r| !r.fake && r.level < BTREE_MAX_DEPTH) {
            match self.copy(root) {
                Ok(copy) => {
                    // The root keeps its own slot.
                    let node = self.node(copy).ok_or(Error::INVAL)?;
                    self.set_node(at, (*node).clone());
                    self.release(copy);
                    let mut merging = self.merging.borrow_mut();
                    let below = merging.children.remove(&copy.0).unwrap_or_default();
                    merging.children.insert(at.0, below);
                    path.push((at, 0));
                }
                Err(_) => {
                    let mut merging = self.merging.borrow_mut();
                    for (slot, _) in merging.children.drain() {
                        self.release(NodeId(slot));
                    }
                    merging.left_out.push(btree);
                }
            }
        }
        if !path.is_empty() {
            let before = self.fill(at);
            let mut merging = self.merging.borrow_mut();
            for (level, fill) in (0_u8..).zip(before).filter(|(_, f)| f.nodes > 0) {
                let after = Fill::default();
                merging.levels.push(LevelFill { btree, level, before: fill, after });
            }
        }
        Ok(MergeWalk { image: self, btree, path })
    }

    fn node_size(&self) -> NodeSize {
        NodeSize {
            bytes: u64::from(self.fs.btree_node_sectors()).saturating_mul(512),
            block_bytes: u64::from(self.fs.block_sectors()).saturating_mul(512),
        }
    }

    fn node_state(&self, node: NodeId) -> NodeState {
        let live = self.node(node).and_then(|n| u32::try_from(n.words.len()).ok());
        NodeState { seq: 0, live_u64s: live.unwrap_or(u32::MAX) }
    }

    /// Nobody else is there: what has not been replaced has not changed.
    fn node_relock_intent(&self, node: NodeId, _seq: u32) -> bool {
        self.node(node).is_some()
    }

    fn node_unlock_intent(&self, _node: NodeId) {}

    fn trace_coalesce_fail(&self, _why: CoalesceFail) {
        let mut merging = self.merging.borrow_mut();
        merging.fails = merging.fails.saturating_add(1);
    }
}
