// SPDX-License-Identifier: GPL-2.0-only
//! Nodes: split, merge, rewrite, and what is done later about them.

use super::state::{OPEN, State};

/// Buckets of nodes, at most two.
type Nodes = [Option<u8>; 2];

/// What is still to be done after a tree has been changed: the file system's own
/// counts, then the new nodes' open buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pending {
    /// Buckets of the nodes that came, and of those that went; till counted.
    uncounted: Option<(Nodes, Nodes)>,
    /// Open buckets to put back.
    slots: [bool; OPEN],
    /// One that is locked, and what its position was answered.
    asked: Option<(usize, bool)>,
}

impl Pending {
    pub fn answer(&self) -> Option<bool> {
        self.asked.map(|(_, visited)| visited)
    }
}

impl State {
    /// Takes a bucket from the fifo into an open bucket.
    pub fn take(&mut self, slot: usize) -> Option<u8> {
        if self.locks.freelist || self.locks.open[slot] || !self.mark_free() {
            return None;
        }
        if self.fifo == 0 || self.open[slot].is_some() {
            return None;
        }
        let b = u8::try_from(self.fifo.trailing_zeros()).unwrap();
        self.fifo &= self.fifo - 1;
        self.open[slot] = Some(b);
        Some(b)
    }

    fn take_any(&mut self) -> Option<(usize, u8)> {
        (0..OPEN).find_map(|slot| Some((slot, self.take(slot)?)))
    }

    /// One leaf becomes two, both new.
    pub fn split(&mut self) -> Option<()> {
        if !self.merged || self.locks.leaf[0] || self.locks.parent || self.pending.is_some() {
            return None;
        }
        let (slot_l, l) = self.take_any()?;
        let (slot_r, r) = self.take_any()?;
        let old = self.leaf[0];
        self.merged = false;
        self.leaf = [l, r];
        self.later([Some(l), Some(r)], [Some(old), None], &[slot_l, slot_r]);
        Some(())
    }

    /// Two leaves become a new one.
    pub fn merge(&mut self) -> Option<()> {
        let locked = self.locks.leaf[0] || self.locks.leaf[1] || self.locks.parent;
        if self.merged || locked || self.pending.is_some() {
            return None;
        }
        let (slot, n) = self.take_any()?;
        let old = self.leaf;
        self.merged = true;
        self.leaf = [n, 0];
        self.later([Some(n), None], [Some(old[0]), Some(old[1])], &[slot]);
        Some(())
    }

    /// A leaf is written anew elsewhere.
    pub fn replace(&mut self, leaf: usize) -> Option<()> {
        if self.pending.is_some() {
            return None;
        }
        let (slot, n) = self.take_any()?;
        let old = std::mem::replace(&mut self.leaf[leaf], n);
        self.later([Some(n), None], [Some(old), None], &[slot]);
        Some(())
    }

    /// The root is written anew elsewhere.
    pub fn replace_root(&mut self) -> Option<()> {
        if self.pending.is_some() {
            return None;
        }
        let (slot, n) = self.take_any()?;
        let old = std::mem::replace(&mut self.root, n);
        self.later([Some(n), None], [Some(old), None], &[slot]);
        Some(())
    }

    fn later(&mut self, new: Nodes, old: Nodes, slots: &[usize]) {
        let mut pending =
            Pending { uncounted: Some((new, old)), slots: [false; OPEN], asked: None };
        for &slot in slots {
            pending.slots[slot] = true;
        }
        self.pending = Some(pending);
    }

    /// The next step of a pending interior update; `None` where it has to wait.
    pub fn worker_step(&mut self) -> Option<()> {
        let mut p = self.pending?;
        if let Some((new, old)) = p.uncounted.take() {
            if !self.mark_free() {
                return None;
            }
            for b in new.into_iter().flatten() {
                self.live[usize::from(b)].refs += 1;
            }
            for b in old.into_iter().flatten() {
                self.live[usize::from(b)].refs -= 1;
            }
        } else if let Some((slot, visited)) = p.asked.take() {
            self.put(slot, visited);
            p.slots[slot] = false;
        } else if let Some(slot) = p.slots.iter().position(|&s| s) {
            p.asked = Some((slot, self.put_ask(slot)?));
        }
        let over = p.uncounted.is_none() && p.asked.is_none() && p.slots == [false; OPEN];
        self.pending = (!over).then_some(p);
        Some(())
    }
}
