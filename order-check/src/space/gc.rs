// SPDX-License-Identifier: GPL-2.0-only
//! gc, step by step: what `gc_core::gc` does in its concurrent pass.

use super::rules::{Position, Rules};
use super::state::{BUCKETS, KEYS, Mark, OPEN, PHASE, State};
use gc_core::gc::position::{allocator, node, phase, root};
use gc_core::layout::{GcPhase, GcPos, POS_MAX, POS_MIN};

/// How far gc is: what it does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Run {
    /// Take the gc lock.
    Idle,
    /// Wait for interior updates, clear, pass the superblocks.
    Locked,
    /// Enter the btree.
    Btree,
    /// Lock the leaf with this key; past the last key, the parent.
    Leaf(usize),
    /// Only where the position is moved early: lock the leaf.
    EarlyLock(usize),
    /// Move the position to the leaf.
    Advance(usize),
    /// Mark this key.
    Key { leaf: usize, key: usize },
    /// Only where the position is moved late: move it.
    LateAdvance { place: GcPos, next: usize },
    /// Move the position to the parent, which is locked.
    Parent,
    /// Mark the pointers in it.
    Pointers,
    /// Mark the root and move behind it.
    Root,
    /// Mark the fifo.
    Fifo,
    /// Mark an open bucket.
    Open(usize),
    /// Wait for interior updates, take the mark lock.
    Walked,
    /// Compare and take over: nobody marks meanwhile.
    Compare,
    /// Over.
    Done,
}

impl State {
    /// Array 1 is complete.
    pub fn gc_compares(&self) -> bool {
        self.run == Run::Compare
    }

    /// A run is under way.
    pub fn gc_runs(&self) -> bool {
        self.pos.phase != GcPhase::NOT_RUNNING
    }

    /// gc has the gc lock and cannot go on yet.
    pub fn gc_waits_for_pending(&self) -> bool {
        self.run == Run::Locked && self.pending.is_some()
    }

    /// Others may take the mark lock.
    pub fn mark_free(&self) -> bool {
        self.run != Run::Compare
    }

    /// The next step of gc; `None` where it has to wait.
    pub fn gc_step(&mut self, r: &Rules) -> Option<()> {
        self.run = match self.run {
            Run::Idle => {
                if self.locks.gc_shared > 0 {
                    return None;
                }
                self.locks.gc = true;
                Run::Locked
            }
            Run::Locked => {
                // The mark lock is taken while the marks are cleared.
                if r.wait_before && self.pending.is_some() || self.locks.mark > 0 {
                    return None;
                }
                self.gc = [Mark::default(); BUCKETS];
                self.pos = phase(GcPhase::SB);
                Run::Btree
            }
            Run::Btree => {
                if r.enter_btree {
                    self.pos = node(PHASE, POS_MIN, 0);
                }
                Run::Leaf(0)
            }
            Run::Leaf(KEYS) => {
                if self.locks.parent {
                    return None;
                }
                self.locks.parent = true;
                Run::Parent
            }
            Run::Leaf(key) if r.position == Position::Early => {
                self.pos = self.leaf_place(self.leaf_of(key));
                Run::EarlyLock(key)
            }
            Run::Leaf(key) | Run::EarlyLock(key) => {
                let leaf = self.leaf_of(key);
                if self.locks.leaf[leaf] {
                    return None;
                }
                self.locks.leaf[leaf] = true;
                match r.position {
                    Position::Locked => Run::Advance(leaf),
                    _ => self.first_key(leaf),
                }
            }
            Run::Advance(leaf) => {
                self.pos = self.leaf_place(leaf);
                self.first_key(leaf)
            }
            Run::Key { leaf, key } => {
                if let Some(b) = self.keys[key] {
                    self.gc[usize::from(b)].refs += 1;
                }
                if key < self.last_key(leaf) {
                    Run::Key { leaf, key: key + 1 }
                } else {
                    self.locks.leaf[leaf] = false;
                    match r.position {
                        Position::Late => {
                            Run::LateAdvance { place: self.leaf_place(leaf), next: key + 1 }
                        }
                        _ => Run::Leaf(key + 1),
                    }
                }
            }
            Run::LateAdvance { place, next } => {
                self.pos = place;
                Run::Leaf(next)
            }
            Run::Parent => {
                self.pos = node(PHASE, POS_MAX, 1);
                Run::Pointers
            }
            Run::Pointers => {
                for leaf in 0..self.leaves() {
                    self.gc[usize::from(self.leaf[leaf])].refs += 1;
                }
                self.locks.parent = false;
                Run::Root
            }
            Run::Root => {
                self.gc[usize::from(self.root)].refs += 1;
                self.pos = root(PHASE);
                Run::Fifo
            }
            Run::Fifo => {
                if self.locks.freelist {
                    return None;
                }
                self.pos = allocator(0);
                for b in (0..BUCKETS).filter(|b| self.fifo & (1 << b) != 0) {
                    self.gc[b].owned = true;
                }
                self.locks.freelist = r.freelist_held;
                Run::Open(0)
            }
            Run::Open(OPEN) => {
                if r.freelist_held {
                    self.locks.freelist = false;
                }
                Run::Walked
            }
            Run::Open(slot) => {
                if self.locks.open[slot] {
                    return None;
                }
                if r.every_open_bucket || self.open[slot].is_some() {
                    self.pos = Self::open_place(slot);
                }
                if let Some(b) = self.open[slot] {
                    self.gc[usize::from(b)].owned = true;
                }
                Run::Open(slot + 1)
            }
            Run::Walked => {
                if r.wait_after && self.pending.is_some() || self.locks.mark > 0 {
                    return None;
                }
                Run::Compare
            }
            Run::Compare => {
                self.live = self.gc;
                self.gc = [Mark::default(); BUCKETS];
                self.pos = phase(GcPhase::NOT_RUNNING);
                self.locks.gc = false;
                Run::Done
            }
            Run::Done => return None,
        };
        Some(())
    }

    fn first_key(&self, leaf: usize) -> Run {
        Run::Key { leaf, key: if self.merged { 0 } else { leaf } }
    }

    /// The leaf or the root that gc has just marked goes to a new bucket: its
    /// pointer lies ahead.
    pub fn gc_rewrite(&mut self, r: &Rules) -> Option<()> {
        if !r.rewrite || self.rewritten || self.locks.parent {
            return None;
        }
        match self.run {
            Run::Leaf(next) if next > 0 => {
                let leaf = self.leaf_of(next - 1);
                if self.locks.leaf[leaf] {
                    return None;
                }
                self.replace(leaf)?;
            }
            Run::Root => self.replace_root()?,
            _ => return None,
        }
        self.rewritten = true;
        Some(())
    }
}
