// SPDX-License-Identifier: GPL-2.0-only
//! Keys of one node with the journal's laid over, and walks over a btree.

use crate::Model;
use crate::btree::{Node, NodeData, NodeId};
use crate::call::Call;
use crate::journal::JournalEntry;
use crate::key::Key;
use crate::locks::{LockId, Mode};
use crate::running::Reserve;
use gc_core::bkey::KeyRef;
use gc_core::error::{Errno, Error, Result};
use gc_core::host::{
    CoalesceWalk, GcRead, GcWrite, Held, NodeKeys, Param, Replacement, Walk, WalkKind,
};
use gc_core::layout::btree::BTREE_INSERT_USE_RESERVE;
use gc_core::layout::{Bpos, BtreeId, POS_MAX, POS_MIN};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// Which key comes next where the journal is laid over a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// None.
    End,
    /// That of the node.
    Node,
    /// That of the journal.
    Journal {
        /// It has the position of the node's next key, which is not shown.
        hides: bool,
    },
}

/// Says which comes next, from the position of each side's next key.
#[must_use]
pub fn merge(node: Option<Bpos>, journal: Option<Bpos>) -> Next {
    match (node, journal) {
        (None, None) => Next::End,
        (Some(_), None) => Next::Node,
        (None, Some(_)) => Next::Journal { hides: false },
        (Some(n), Some(j)) if j <= n => Next::Journal { hides: j == n },
        (Some(_), Some(_)) => Next::Node,
    }
}

/// The journal's keys from the first that may lie over a node.
fn first_over(journal: &[JournalEntry], node: &Node, data: &NodeData) -> usize {
    let start = (node.btree().0, node.level(), data.min);
    journal.partition_point(|e| e.order() < start)
}

/// Whether any key of the journal lies over a node.
pub(crate) fn journal_covers(journal: &[JournalEntry], node: &Node, data: &NodeData) -> bool {
    journal.get(first_over(journal, node, data)).is_some_and(|e| {
        (e.btree, e.level) == (node.btree(), node.level()) && e.key.pos() <= data.max
    })
}

/// Keys of a node in order. Of equal positions the journal's key counts; deleted
/// keys are not shown. What is walked is the node as it was at the start.
#[derive(Debug)]
pub struct MergedKeys {
    node: Arc<NodeData>,
    journal: Arc<Vec<JournalEntry>>,
    btree: BtreeId,
    level: u8,
    /// Next key of the node, next of the journal.
    at: (usize, usize),
}

impl MergedKeys {
    pub(crate) fn new(data: Arc<NodeData>, journal: Arc<Vec<JournalEntry>>, node: &Node) -> Self {
        let (btree, level) = (node.btree(), node.level());
        let from = first_over(&journal, node, &data);
        Self { node: data, journal, btree, level, at: (0, from) }
    }

    /// No keys at all.
    pub(crate) fn none() -> Self {
        Self {
            node: Arc::new(NodeData::empty(POS_MIN, POS_MAX)),
            journal: Arc::default(),
            btree: BtreeId::NR,
            level: 0,
            at: (0, 0),
        }
    }

    fn advance(&mut self) -> Option<(bool, usize)> {
        let (n, j) = self.at;
        let of_journal = self.journal.get(j).filter(|e| {
            e.btree == self.btree && e.level == self.level && e.key.pos() <= self.node.max
        });
        let step = merge(self.node.keys.get(n).map(Key::pos), of_journal.map(|e| e.key.pos()));
        let next = |i: usize| i.saturating_add(1);
        match step {
            Next::End => None,
            Next::Node => {
                self.at.0 = next(n);
                Some((false, n))
            }
            Next::Journal { hides } => {
                self.at = (if hides { next(n) } else { n }, next(j));
                Some((true, j))
            }
        }
    }
}

impl NodeKeys for MergedKeys {
    fn next(&mut self) -> Result<Option<KeyRef<'_>>> {
        loop {
            let Some((of_journal, i)) = self.advance() else { return Ok(None) };
            let shown = |k: &Key| !k.is_deleted();
            let hit = if of_journal {
                self.journal.get(i).is_some_and(|e| shown(&e.key))
            } else {
                self.node.keys.get(i).is_some_and(shown)
            };
            if hit {
                return Ok(if of_journal {
                    self.journal.get(i).map(|e| e.key.get())
                } else {
                    self.node.keys.get(i).map(Key::get)
                });
            }
        }
    }
}

/// A walk over the nodes or the leaf keys of a btree. The node it stands on is read
/// locked.
#[derive(Debug)]
pub struct TreeWalk<'m> {
    model: &'m Model,
    btree: BtreeId,
    kind: WalkKind,
    last: Option<(Bpos, u8)>,
    locked: Option<NodeId>,
    leaf: Option<(Arc<NodeData>, usize)>,
    open: bool,
    /// Whether it keeps others from changing the btree where it stands, as intent
    /// locks up to the root do.
    to_root: bool,
    /// Whether it holds off changes of trees.
    holds_off: bool,
    /// Nodes above the one it stands on, read locked.
    above: Vec<NodeId>,
    /// Where it stood before.
    before: Option<(Bpos, u8)>,
}

impl<'m> TreeWalk<'m> {
    pub(crate) fn new(model: &'m Model, btree: BtreeId, kind: WalkKind) -> Self {
        model.state.walks.fetch_add(1, SeqCst);
        Self {
            model,
            btree,
            kind,
            last: None,
            locked: None,
            leaf: None,
            open: true,
            to_root: false,
            holds_off: false,
            above: Vec::new(),
            before: None,
        }
    }

    /// A walk over nodes that may replace them.
    pub(crate) fn to_root(model: &'m Model, btree: BtreeId) -> Self {
        let mut walk = Self::new(model, btree, WalkKind::Nodes { min_depth: 0 });
        walk.to_root = true;
        walk
    }

    fn unlock(&mut self) {
        for id in self.locked.take().into_iter().chain(self.above.drain(..)) {
            self.model.release(LockId::Node(id));
        }
        self.hold_off(false);
    }

    fn hold_off(&mut self, on: bool) {
        if on != std::mem::replace(&mut self.holds_off, on) {
            if on {
                self.model.take(LockId::Trees, Mode::Exclusive);
            } else {
                self.model.release(LockId::Trees);
            }
        }
    }

    fn end(&mut self) {
        self.unlock();
        if std::mem::take(&mut self.open) {
            self.model.state.walks.fetch_sub(1, SeqCst);
        }
    }

    /// The next node of at least this level, locked.
    fn step(&mut self, min_depth: u8) -> Result<Option<NodeId>> {
        self.unlock();
        // From the search to the lock, the nodes that are found stay in the tree.
        self.hold_off(true);
        let Some(id) = self.model.next_node_after(self.btree, min_depth, self.last)? else {
            self.hold_off(false);
            return Ok(None);
        };
        self.before = self.last;
        if self.to_root {
            self.above = self.model.ancestors(self.btree, id);
            for above in &self.above {
                self.model.take(LockId::Node(*above), Mode::Shared);
            }
        }
        self.model.take(LockId::Node(id), Mode::Shared);
        self.locked = Some(id);
        if let Some(node) = self.model.node(id) {
            self.last = Some((node.data().ptr().pos(), node.level()));
        }
        if !self.to_root {
            self.hold_off(false);
        }
        Ok(Some(id))
    }
}

impl Walk for TreeWalk<'_> {
    type Node = NodeId;

    fn next_key(&mut self) -> Result<Option<KeyRef<'_>>> {
        self.model.call(Call::WalkNextKey, String::new)?;
        if self.kind != WalkKind::Keys {
            self.model.violation("walk_next_key: a walk over nodes".to_owned());
            return Ok(None);
        }
        loop {
            if let Some((data, at)) = &mut self.leaf {
                while data.keys.get(*at).is_some_and(Key::is_deleted) {
                    *at = at.saturating_add(1);
                }
                if *at < data.keys.len() {
                    break;
                }
            }
            let Some(id) = self.step(0)? else { return Ok(None) };
            self.leaf = self.model.node(id).filter(|n| n.level() == 0).map(|n| (n.data(), 0));
        }
        let Some((data, at)) = &mut self.leaf else { return Ok(None) };
        let key = data.keys.get(*at).map(Key::get);
        *at = at.saturating_add(1);
        Ok(key)
    }

    fn next_node(&mut self) -> Result<Option<NodeId>> {
        let btree = self.btree;
        self.model.call(Call::WalkNextNode, || format!("{}", btree.0))?;
        match self.kind {
            WalkKind::Nodes { min_depth } => self.step(min_depth),
            WalkKind::Keys => {
                self.model.violation("walk_next_node: a walk over keys".to_owned());
                Ok(None)
            }
        }
    }

    fn resched(&mut self) {
        self.model.note(Call::WalkResched, String::new);
    }

    fn rewrite(&mut self, _gc: &Held<GcWrite>, node: NodeId, insert_flags: u32) -> Result<()> {
        let model = self.model;
        model.call(Call::WalkRewrite, || format!("{insert_flags:#x}"))?;
        model.needs("walk_rewrite", LockId::Gc, Mode::Exclusive);
        if !model.get_param(Param::UpdatesBesideGc) {
            model.violation("walk_rewrite without updates_beside_gc".to_owned());
        }
        if self.locked != Some(node) {
            model.violation("walk_rewrite of a node that the walk is not on".to_owned());
            return Err(Error::Errno(Errno::EINVAL));
        }
        // The walk gives way to the writer, as an intent lock does.
        self.unlock();
        let reserve = if insert_flags & BTREE_INSERT_USE_RESERVE != 0 {
            Reserve::Btree
        } else {
            Reserve::None
        };
        model.rewrite_node(self.btree, node, reserve)
    }

    fn close(mut self) -> Result<()> {
        let failed = self.model.call(Call::WalkClose, String::new);
        self.end();
        Ok(failed?)
    }
}

impl CoalesceWalk for TreeWalk<'_> {
    fn parent(&self, node: NodeId) -> Option<NodeId> {
        self.model.note(Call::WalkParent, String::new);
        if self.locked != Some(node) || !self.to_root {
            self.model.violation("walk_parent of a node that the walk is not on".to_owned());
            return None;
        }
        self.above.last().copied()
    }

    fn replace(
        &mut self,
        _gc: &Held<GcRead>,
        r: &Replacement<'_, NodeId>,
    ) -> Result<Option<NodeId>> {
        let model = self.model;
        model.call(Call::WalkReplace, || format!("{} by {}", r.old.len(), r.new.len()))?;
        model.needs("walk_replace", LockId::Gc, Mode::Shared);
        for id in r.old {
            model.needs("walk_replace", LockId::Node(*id), Mode::Shared);
        }
        if r.old.last() != self.locked.as_ref() || Some(&r.parent) != self.above.last() {
            model.violation("walk_replace of nodes that the walk is not on".to_owned());
            return Err(Error::INVAL);
        }
        if r.new.is_empty() || r.new.len() >= r.old.len() {
            model.violation(format!("walk_replace of {} by {}", r.old.len(), r.new.len()));
        }
        let (new, open) = model.make_replacements(self.btree, r)?;
        // The parent's lock gives way to the change of it; nobody else changes trees.
        model.release(LockId::Node(r.parent));
        model.publish_replacements(r, &new, open);
        model.take(LockId::Node(r.parent), Mode::Shared);
        for id in r.old {
            model.release(LockId::Node(*id));
        }
        let now = new.last().copied().ok_or(Error::INVAL)?;
        model.take(LockId::Node(now), Mode::Shared);
        self.locked = Some(now);
        Ok(Some(now))
    }

    fn wait(&mut self) -> Result<Option<NodeId>> {
        self.model.call(Call::WalkWait, String::new)?;
        self.unlock();
        self.model.forbid_nodes("walk_wait");
        self.last = self.before;
        self.step(0)
    }
}

impl Drop for TreeWalk<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
