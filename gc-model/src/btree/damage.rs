// SPDX-License-Identifier: GPL-2.0-only
//! Damage to nodes, for tests.

use super::{NodeId, NodePlace};
use crate::Model;
use crate::key::Key;
use gc_core::error::{Errno, Error, Result};
use gc_core::layout::{Bpos, BtreeId};

impl Model {
    fn place(&self, place: NodePlace) -> Result<NodeId> {
        self.node_at(place).ok_or(Error::INVAL)
    }

    /// The node whose keys have the pointer to this one; `None` for a root.
    fn parent_of(&self, place: NodePlace, id: NodeId) -> Option<NodeId> {
        let above = self.nodes(place.btree, place.level.saturating_add(1));
        above.into_iter().find(|p| {
            self.node(*p).is_some_and(|n| {
                n.data().keys.iter().any(|k| self.find_node(place.btree, k.get()) == Some(id))
            })
        })
    }

    /// Says that a root was made up because it could not be read.
    ///
    /// # Errors
    /// `EINVAL` without a root.
    pub fn fake_root(&self, btree: BtreeId, fake: bool) -> Result<()> {
        let root = self.root(btree).ok_or(Error::INVAL)?;
        self.change_node(root, |d| d.fake = fake);
        Ok(())
    }

    /// Changes the range in a node's header.
    ///
    /// # Errors
    /// `EINVAL` without such a node.
    pub fn set_node_range(&self, place: NodePlace, min: Bpos, max: Bpos) -> Result<()> {
        let id = self.place(place)?;
        self.change_node(id, |d| {
            d.min = min;
            d.max = max;
        });
        Ok(())
    }

    /// Changes where the pointer to a node says that it begins.
    ///
    /// # Errors
    /// `EINVAL` without such a node.
    pub fn set_ptr_min(&self, place: NodePlace, min: Bpos) -> Result<()> {
        let id = self.place(place)?;
        if let Some(parent) = self.parent_of(place, id) {
            let found = |k: &Key| self.find_node(place.btree, k.get()) == Some(id);
            self.change_node(parent, |d| {
                d.keys.iter_mut().filter(|k| found(k)).for_each(|k| k.set_min_key(min));
            });
        }
        self.change_node(id, |d| d.change_ptr(|p| p.set_min_key(min)));
        Ok(())
    }

    /// Takes the pointer to a node out of its parent.
    ///
    /// # Errors
    /// `EINVAL` without such a node, or for a root.
    pub fn drop_node(&self, place: NodePlace) -> Result<()> {
        let id = self.place(place)?;
        let parent = self.parent_of(place, id).ok_or(Error::INVAL)?;
        let found = |k: &Key| self.find_node(place.btree, k.get()) == Some(id);
        self.change_node(parent, |d| d.keys.retain(|k| !found(k)));
        Ok(())
    }

    /// Changes the level that a node claims.
    ///
    /// # Errors
    /// `EINVAL` without such a node.
    pub fn set_node_level(&self, place: NodePlace, claimed: u8) -> Result<()> {
        let id = self.place(place)?;
        self.change_node(id, |d| d.claimed_level = claimed);
        Ok(())
    }

    /// Lets reading a node fail, or not.
    ///
    /// # Errors
    /// `EINVAL` without such a node.
    pub fn set_unreadable(&self, place: NodePlace, errno: Option<Errno>) -> Result<()> {
        let id = self.place(place)?;
        self.change_node(id, |d| d.unreadable = errno);
        Ok(())
    }

    /// Puts a key into a node whatever its position, behind those not greater.
    ///
    /// # Errors
    /// `EINVAL` without such a node.
    pub fn put_into_node(&self, place: NodePlace, key: Key) -> Result<()> {
        let id = self.place(place)?;
        self.change_node(id, |d| {
            let at = d.keys.partition_point(|k| k.pos() <= key.pos());
            d.keys.insert(at, key);
        });
        Ok(())
    }

    /// Changes one word of a key of a node.
    ///
    /// # Errors
    /// `EINVAL` without such a node, key or word, or when the key would no longer be
    /// as long as it says.
    pub fn poke_node(&self, place: NodePlace, key: usize, word: usize, value: u64) -> Result<()> {
        let id = self.place(place)?;
        let mut done = false;
        self.change_node(id, |d| {
            done = d.keys.get_mut(key).is_some_and(|k| k.poke(word, value));
        });
        if done { Ok(()) } else { Err(Error::INVAL) }
    }
}
