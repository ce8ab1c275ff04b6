// SPDX-License-Identifier: GPL-2.0-only
//! Interior updates: nodes split, merged and written anew, and what follows when
//! they are on disk.

use crate::Model;
use crate::btree::NodeId;
use crate::key::Key;
use crate::locks::{LockId, Mode};
use crate::running::Reserve;
use crate::sync::lock;
use gc_core::error::{Errno, Error, Result};
use gc_core::layout::btree::{BTREE_MAX_DEPTH, BTREE_TRIGGER_OVERWRITE};
use gc_core::layout::{Bpos, BtreeId};
use std::sync::atomic::Ordering::SeqCst;

/// Nodes that are in the tree and not in the counts, or the other way round.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Pointers that came.
    pub(crate) new: Vec<Key>,
    /// Pointers that went.
    pub(crate) old: Vec<Key>,
    /// Open buckets in which the new nodes are.
    pub(crate) open: Vec<u32>,
}

/// A node to be made: range and keys.
type Plan = ((Bpos, Bpos), Vec<Key>);

impl Model {
    /// Lets an interior update finish later; at once where the file system is not in
    /// use, since nobody else would.
    pub(crate) fn queue_interior_update(&self, update: Pending) {
        self.running.unfinished.fetch_add(1, SeqCst);
        lock(&self.running.pending).push_back(update);
        if self.is_running() {
            self.poke();
        } else {
            self.finish_interior_update();
        }
    }

    /// Finishes the interior update that has waited longest: its nodes are
    /// counted, then its open buckets are put back. False if there is none.
    pub fn finish_interior_update(&self) -> bool {
        let Some(update) = lock(&self.running.pending).pop_front() else { return false };
        {
            let _mark = self.guard(LockId::Mark, Mode::Shared);
            let old = update.old.iter().map(|key| (key, BTREE_TRIGGER_OVERWRITE));
            for (key, flags) in update.new.iter().map(|key| (key, 0)).chain(old) {
                // The live side alone: gc does not run, or has these ahead.
                let ret = self.do_mark_key(key.get(), 0, flags);
                // Where the file system is not in use its counts may be wrong.
                if let Some(e) = ret.err().filter(|_| self.is_running()) {
                    self.violation(format!("node {key:?} not counted: {e}"));
                }
                self.point();
            }
        }
        for slot in update.open {
            self.put_open_bucket(slot);
        }
        self.running.unfinished.fetch_sub(1, SeqCst);
        self.poke();
        true
    }

    /// Makes nodes in the place of others that are locked with their parent, and
    /// queues what follows.
    fn replace_nodes(
        &self,
        btree: BtreeId,
        parent: Option<NodeId>,
        old: &[NodeId],
        new: &[NodeId],
        open: Vec<u32>,
    ) {
        let ptr = |id: &NodeId| self.node(*id).map(|n| n.data().ptr().clone());
        let (came, went): (Vec<Key>, Vec<Key>) =
            (new.iter().filter_map(ptr).collect(), old.iter().filter_map(ptr).collect());
        match parent {
            Some(parent) => self.edit_node(parent, |d| {
                d.keys.retain(|k| !went.iter().any(|w| w.pos() == k.pos()));
                d.keys.extend(came.iter().cloned());
                d.keys.sort_by_key(Key::pos);
            }),
            None => {
                if let [root] = new {
                    let _root = self.guard(LockId::BtreeRoot, Mode::Exclusive);
                    self.set_root(btree, *root);
                }
            }
        }
        for id in old {
            self.forget_node(*id);
        }
        self.queue_interior_update(Pending { new: came, old: went, open });
    }

    /// Locks a node and its parent, and the node behind it if that is wanted;
    /// then replaces them as `plan` says, if it says so.
    fn replace_planned(
        &self,
        btree: BtreeId,
        (id, behind): (NodeId, Option<NodeId>),
        reserve: Reserve,
        plan: impl FnOnce(&[Vec<Key>]) -> Option<Vec<Plan>>,
    ) -> Result<()> {
        let level = self.node(id).ok_or(Error::INVAL)?.level();
        let parent = self.ancestors(btree, id).last().copied();
        let old: Vec<NodeId> = std::iter::once(id).chain(behind).collect();
        for id in parent.iter().chain(&old) {
            self.take(LockId::Node(*id), Mode::Exclusive);
        }
        let keys = |id: &NodeId| self.node(*id).map(|n| n.data().keys.clone());
        let all: Vec<Vec<Key>> = old.iter().filter_map(keys).collect();
        let ret = plan(&all).ok_or(Error::INVAL).and_then(|plan| {
            let (mut new, mut open) = (Vec::new(), Vec::new());
            for (range, keys) in plan {
                let made = self.make_open_node((btree, level), range, keys, reserve, &mut open);
                new.push(made.inspect_err(|_| {
                    new.iter().for_each(|id| self.forget_node(*id));
                    open.iter().for_each(|slot| self.put_open_bucket(*slot));
                })?);
            }
            // A root that is split gets a parent.
            if parent.is_none() && new.len() > 1 {
                let ptrs = new.iter().filter_map(|id| Some(self.node(*id)?.data().ptr().clone()));
                let range = self.node(id).map(|n| (n.data().min, n.data().max));
                let up = level.saturating_add(1);
                let range = range.ok_or(Error::INVAL)?;
                let root = self
                    .make_open_node((btree, up), range, ptrs.collect(), reserve, &mut open)
                    .inspect_err(|_| {
                        new.iter().for_each(|id| self.forget_node(*id));
                        open.iter().for_each(|slot| self.put_open_bucket(*slot));
                    })?;
                let children =
                    new.iter().filter_map(|id| Some(self.node(*id)?.data().ptr().clone()));
                let came = Pending { new: children.collect(), ..Pending::default() };
                self.queue_interior_update(came);
                self.replace_nodes(btree, None, &old, &[root], open);
            } else {
                self.replace_nodes(btree, parent, &old, &new, open);
            }
            Ok(())
        });
        for id in old.iter().rev().chain(&parent) {
            self.release(LockId::Node(*id));
        }
        ret
    }

    /// Splits the leaf that a position belongs to, and what gets too full above.
    /// Waits for a full gc to end; `patient` or not at all.
    ///
    /// # Errors
    /// `EAGAIN` when gc runs; `ENOSPC` without free buckets, or for the tallest of
    /// trees.
    pub fn split_leaf(&self, btree: BtreeId, pos: Bpos, patient: bool) -> Result<()> {
        let gc = if patient {
            Some(self.guard(LockId::Gc, Mode::Shared))
        } else {
            self.try_guard(LockId::Gc, Mode::Shared)
        };
        let _gc = gc.ok_or(Error::Errno(Errno::EAGAIN))?;
        let _trees = self.guard(LockId::Trees, Mode::Exclusive);
        let leaf = self.find_leaf(btree, pos).ok_or(Error::INVAL)?;
        self.split_node(btree, leaf)?;
        let mut level = 1;
        while level < BTREE_MAX_DEPTH {
            let nodes = self.nodes(btree, level);
            let full = nodes.into_iter().find(|id| {
                self.node(*id).is_some_and(|n| n.data().keys.len() > self.options.node_keys)
            });
            match full {
                Some(id) => self.split_node(btree, id)?,
                None => level = level.saturating_add(1),
            }
        }
        Ok(())
    }

    fn split_node(&self, btree: BtreeId, id: NodeId) -> Result<()> {
        let node = self.node(id).ok_or(Error::INVAL)?;
        let is_root = self.root(btree) == Some(id);
        if is_root && node.level().saturating_add(1) >= BTREE_MAX_DEPTH {
            return Err(Error::Errno(Errno::from_negative(-28)));
        }
        let (min, max) = (node.data().min, node.data().max);
        self.replace_planned(btree, (id, None), Reserve::None, |all| {
            let [keys] = all else { return None };
            let (left, right) = keys.split_at(keys.len() / 2);
            let mid = left.last()?.pos();
            let halves = [((min, mid), left.to_vec()), ((mid.successor()?, max), right.to_vec())];
            Some(halves.into())
        })
    }

    /// Merges the leaf that a position belongs to with the one behind it, if both
    /// fit into one node. Does not wait for a full gc.
    ///
    /// # Errors
    /// `EAGAIN` when gc runs; `EINVAL` when they do not fit or there is none behind
    /// it below the same parent; `ENOSPC`.
    pub fn merge_leaf(&self, btree: BtreeId, pos: Bpos) -> Result<()> {
        let gc = self.try_guard(LockId::Gc, Mode::Shared);
        let _gc = gc.ok_or(Error::Errno(Errno::EAGAIN))?;
        let _trees = self.guard(LockId::Trees, Mode::Exclusive);
        let leaf = self.find_leaf(btree, pos).ok_or(Error::INVAL)?;
        let parent = self.ancestors(btree, leaf).last().copied();
        let parent = parent.and_then(|p| self.node(p)).ok_or(Error::INVAL)?.data();
        let own = self.node(leaf).ok_or(Error::INVAL)?.data();
        let behind = parent.keys.iter().find(|k| k.pos() > own.max).ok_or(Error::INVAL)?;
        let behind = self.find_node(btree, behind.get()).ok_or(Error::INVAL)?;
        let range = (own.min, self.node(behind).ok_or(Error::INVAL)?.data().max);
        let most = self.options.node_keys.saturating_mul(2) / 3;
        self.replace_planned(btree, (leaf, Some(behind)), Reserve::None, |all| {
            let keys = all.concat();
            (keys.len() <= most).then(|| vec![(range, keys)])
        })
    }

    /// Writes a node anew, without its stale pointers: a new bucket, a new pointer
    /// in the parent. The gc lock is held.
    ///
    /// # Errors
    /// `EINVAL` for a node that is not in the tree; `ENOSPC`.
    pub(crate) fn rewrite_node(&self, btree: BtreeId, id: NodeId, reserve: Reserve) -> Result<()> {
        self.needs("rewrite", LockId::Gc, Mode::Shared);
        let _trees = self.guard(LockId::Trees, Mode::Exclusive);
        let node = self.node(id).filter(|n| !n.freed()).ok_or(Error::INVAL)?;
        let range = (node.data().min, node.data().max);
        self.replace_planned(btree, (id, None), reserve, |all| {
            let mut keys = all.first()?.clone();
            keys.iter_mut().for_each(|key| self.drop_stale(key));
            keys.retain(|key| !key.is_deleted());
            Some(vec![(range, keys)])
        })
    }

    /// Writes the leaf anew that a position belongs to, while others write beside it.
    ///
    /// # Errors
    /// `EAGAIN` when gc runs; `EINVAL`; `ENOSPC`.
    pub fn rewrite_leaf(&self, btree: BtreeId, pos: Bpos) -> Result<()> {
        let gc = self.try_guard(LockId::Gc, Mode::Shared);
        let _gc = gc.ok_or(Error::Errno(Errno::EAGAIN))?;
        let leaf = self.find_leaf(btree, pos).ok_or(Error::INVAL)?;
        self.rewrite_node(btree, leaf, Reserve::None)
    }
}
