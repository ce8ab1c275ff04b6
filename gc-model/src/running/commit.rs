// SPDX-License-Identifier: GPL-2.0-only
//! Transactions: keys of several leaves, changed at once.

use super::{Place, place_of_node};
use crate::Model;
use crate::btree::{NodeId, put};
use crate::key::Key;
use crate::locks::{LockId, Mode};
use crate::sync::lock;
use gc_core::error::Result;
use gc_core::layout::{Bpos, BtreeId, KeyType, POS_MAX, Stripe};
use std::sync::atomic::Ordering::SeqCst;

/// One key of a transaction.
#[derive(Debug, Clone)]
pub struct Update {
    /// Its btree.
    pub btree: BtreeId,
    /// The key that comes in place of one of its position; of type deleted: none.
    pub key: Key,
    /// What has to be at its position for the transaction to be made: `None` for
    /// anything, `Some(None)` for no key.
    pub was: Option<Option<Key>>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is made.
    Done,
    /// A leaf has no room: it has to be split where this key goes.
    Full(BtreeId, Bpos),
    /// Something else is there than the transaction was made for.
    Changed,
}

impl Model {
    /// The leaf that a position belongs to; `None` also when the tree changes
    /// meanwhile.
    pub(super) fn find_leaf(&self, btree: BtreeId, pos: Bpos) -> Option<NodeId> {
        let mut at = self.root(btree)?;
        loop {
            let node = self.node(at)?;
            if node.level() == 0 {
                return Some(at);
            }
            let data = node.data();
            let child = data.keys.iter().find(|k| !k.is_deleted() && k.pos() >= pos)?;
            at = self.find_node(btree, child.get())?;
            self.point();
        }
    }

    /// The key at a position, if there is one.
    #[must_use]
    pub fn key_at(&self, btree: BtreeId, pos: Bpos) -> Option<Key> {
        self.key_of_leaf(self.find_leaf(btree, pos)?, pos)
    }

    fn key_of_leaf(&self, leaf: NodeId, pos: Bpos) -> Option<Key> {
        let data = self.node(leaf)?.data();
        data.keys.iter().find(|k| k.pos() == pos && !k.is_deleted()).cloned()
    }

    fn place_of_leaf(&self, btree: BtreeId, leaf: NodeId) -> Place {
        let own = self.node(leaf).map_or(POS_MAX, |n| n.data().ptr().pos());
        place_of_node(btree, own, 0)
    }

    /// Whether a node is in the tree and a position is its.
    fn covers(&self, leaf: NodeId, pos: Bpos) -> bool {
        self.node(leaf).is_some_and(|n| {
            let d = n.data();
            !n.freed() && d.min <= pos && pos <= d.max
        })
    }

    /// Locks the leaves of all updates, in the order of their place; leaf by
    /// update.
    fn lock_leaves(&self, updates: &[Update]) -> Vec<NodeId> {
        loop {
            let found: Option<Vec<NodeId>> =
                updates.iter().map(|u| self.find_leaf(u.btree, u.key.pos())).collect();
            let Some(leaves) = found else {
                self.point();
                std::thread::yield_now();
                continue;
            };
            let mut order: Vec<(BtreeId, Bpos, NodeId)> = (updates.iter().zip(&leaves))
                .map(|(u, id)| (u.btree, self.node(*id).map_or(u.key.pos(), |n| n.data().max), *id))
                .collect();
            order.sort_by_key(|(btree, max, id)| (btree.0, *max, id.0));
            order.dedup();
            for (_, _, id) in &order {
                self.take(LockId::Node(*id), Mode::Exclusive);
            }
            let all = updates.iter().zip(&leaves);
            if all.clone().all(|(u, id)| self.covers(*id, u.key.pos())) {
                return leaves;
            }
            self.unlock_leaves(&leaves);
        }
    }

    fn unlock_leaves(&self, leaves: &[NodeId]) {
        let mut all = leaves.to_vec();
        all.sort_by_key(|id| id.0);
        all.dedup();
        for id in all {
            self.release(LockId::Node(id));
        }
    }

    /// Why a transaction cannot be made with its leaves as they are.
    fn refusal(&self, updates: &[Update], leaves: &[NodeId]) -> Option<Committed> {
        let mut more: Vec<(NodeId, usize)> = Vec::new();
        for (u, id) in updates.iter().zip(leaves) {
            let data = self.node(*id)?.data();
            let now = data.keys.iter().find(|k| k.pos() == u.key.pos());
            if u.was.as_ref().is_some_and(|was| was.as_ref() != now) {
                return Some(Committed::Changed);
            }
            if now.is_none() && !u.key.is_deleted() {
                let known = more.iter_mut().find(|(leaf, _)| leaf == id);
                let n = match known {
                    Some((_, n)) => {
                        *n = n.saturating_add(1);
                        *n
                    }
                    None => {
                        more.push((*id, 1));
                        1
                    }
                };
                if data.keys.len().saturating_add(n) > self.options.node_keys {
                    return Some(Committed::Full(u.btree, u.key.pos()));
                }
            }
        }
        None
    }

    /// Makes a transaction: all of it, or nothing. Positions differ.
    ///
    /// Cached pointers that are stale by now are left out of the new keys.
    ///
    /// # Errors
    /// No memory for a replicas entry.
    pub fn commit(&self, updates: &[Update]) -> Result<Committed> {
        self.needs("commit", LockId::Writes, Mode::Shared);
        for u in updates {
            if !self.key_replicas_marked(self.usage.table().view(), u.key.get()) {
                self.add_key_replicas(u.key.get())?;
            }
            if self.root(u.btree).is_none() {
                // Somebody else may have been faster.
                let _there = self.make_root(u.btree);
            }
        }
        self.locks.wait_until(|| !self.state.journal_blocked.load(SeqCst));
        let leaves = self.lock_leaves(updates);
        let refused = self.refusal(updates, &leaves);
        if let Some(refused) = refused {
            self.unlock_leaves(&leaves);
            return Ok(refused);
        }
        let keys: Vec<Key>;
        {
            let _mark = self.guard(LockId::Mark, Mode::Shared);
            let fresh = |u: &Update| {
                let mut key = u.key.clone();
                self.drop_stale(&mut key);
                key
            };
            keys = updates.iter().map(fresh).collect();
            let all = || updates.iter().zip(&keys).zip(&leaves);
            // All that come before those that go: what moves is never without a
            // reference, as a bucket that is free would be.
            for ((u, key), leaf) in all().filter(|((_, key), _)| !key.is_deleted()) {
                self.make_stripe_slot(key);
                self.mark_key_at(key, false, self.place_of_leaf(u.btree, *leaf));
            }
            for ((u, key), leaf) in all() {
                let old = self.key_of_leaf(*leaf, key.pos());
                if let Some(old) = &old {
                    self.mark_key_at(old, true, self.place_of_leaf(u.btree, *leaf));
                }
                self.follow_stripe(key, old.as_ref());
            }
        }
        self.point();
        for (id, key) in leaves.iter().zip(keys) {
            self.edit_node(*id, |d| put(&mut d.keys, key));
            self.point();
        }
        self.unlock_leaves(&leaves);
        Ok(Committed::Done)
    }

    /// Makes a slot for a stripe that is about to be counted, in the second table
    /// too if there is one.
    fn make_stripe_slot(&self, key: &Key) {
        if key.key_type() == KeyType::STRIPE {
            if let Some(gc) = &mut lock(&self.stripes).gc {
                let slot = gc.slots.entry({ key.pos() }.offset);
                slot.or_insert_with(|| Box::new(Stripe::ZERO));
            }
        }
    }

    /// The heap has the stripes that there are.
    fn follow_stripe(&self, key: &Key, old: Option<&Key>) {
        let idx = { key.pos() }.offset;
        if key.key_type() == KeyType::STRIPE {
            lock(&self.stripes).heap.insert(idx);
        } else if old.is_some_and(|old| old.key_type() == KeyType::STRIPE) {
            lock(&self.stripes).heap.remove(&idx);
        }
    }
}
