// SPDX-License-Identifier: GPL-2.0-only
//! The file system, who holds which lock, and how far everybody is.

use super::gc::Run;
use super::structure::Pending;
use super::threads::Thread;
use gc_core::gc::position::{allocator, node, phase};
use gc_core::layout::{GcPhase, GcPos, POS_MAX, POS_MIN};

/// Buckets: two for leaves, one for the root, two for data, one to spare.
pub const BUCKETS: usize = 6;
/// Keys, in order.
pub const KEYS: usize = 2;
/// Open buckets.
pub const OPEN: usize = 2;
/// The btree's phase.
pub const PHASE: GcPhase = GcPhase::BTREE_EXTENTS;

/// What is counted of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mark {
    /// Keys and pointers to nodes that refer to it; below zero only where a rule
    /// is broken.
    pub refs: i8,
    /// The allocator has it.
    pub owned: bool,
}

/// Locks held by anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Locks {
    pub leaf: [bool; KEYS],
    pub parent: bool,
    pub freelist: bool,
    pub open: [bool; OPEN],
    /// Holders of the mark lock, shared.
    pub mark: u8,
    /// Holders of the gc lock, shared.
    pub gc_shared: u8,
    pub gc: bool,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// What the file system counts.
    pub live: [Mark; BUCKETS],
    /// What gc counts.
    pub gc: [Mark; BUCKETS],
    /// The bucket each key points to.
    pub keys: [Option<u8>; KEYS],
    /// The second key is in the first leaf.
    pub merged: bool,
    /// Buckets of the leaves; of the first alone when merged.
    pub leaf: [u8; KEYS],
    /// Bucket of the root, which is the leaves' parent.
    pub root: u8,
    /// Free buckets, one bit each.
    pub fifo: u8,
    /// Open buckets.
    pub open: [Option<u8>; OPEN],
    /// Who holds what.
    pub locks: Locks,
    /// An interior update that is not finished.
    pub pending: Option<Pending>,
    /// Position of the run.
    pub pos: GcPos,
    /// How far gc is.
    pub run: Run,
    /// gc has rewritten a node.
    pub rewritten: bool,
    /// The threads, in no particular order.
    pub threads: [Thread; 2],
    /// Operations yet to begin.
    pub left: u8,
}

impl State {
    /// Where a run may begin: one leaf or two, keys present or not.
    pub fn first(operations: u8) -> Vec<Self> {
        let keys = [[Some(3), Some(4)], [Some(3), None], [None, Some(3)], [Some(3), Some(3)]];
        let shapes = [(false, [0, 1], 0b10_0000), (true, [0, 0], 0b10_0010)];
        let mut all = Vec::new();
        for (merged, leaf, fifo) in shapes {
            for keys in keys {
                let mut s = Self {
                    live: Default::default(),
                    gc: Default::default(),
                    keys,
                    merged,
                    leaf,
                    root: 2,
                    fifo,
                    open: [None; OPEN],
                    locks: Locks::default(),
                    pending: None,
                    pos: phase(GcPhase::NOT_RUNNING),
                    run: Run::Idle,
                    rewritten: false,
                    threads: [Thread::Idle, Thread::Idle],
                    left: operations,
                };
                s.live = s.recount();
                all.push(s);
            }
        }
        all
    }

    /// What a look at everything, with nobody moving, would count.
    pub fn recount(&self) -> [Mark; BUCKETS] {
        let mut marks = [Mark::default(); BUCKETS];
        let keys = self.keys.iter().flatten();
        let leaves = &self.leaf[..self.leaves()];
        for &b in keys.chain(leaves).chain([&self.root]) {
            marks[usize::from(b)].refs += 1;
        }
        for (b, mark) in marks.iter_mut().enumerate() {
            mark.owned = self.fifo & (1 << b) != 0;
        }
        for &b in self.open.iter().flatten() {
            marks[usize::from(b)].owned = true;
        }
        marks
    }

    /// Threads are alike: their order tells nothing.
    pub fn canonical(&mut self) {
        self.threads.sort_unstable();
    }

    /// Number of leaves.
    pub fn leaves(&self) -> usize {
        if self.merged { 1 } else { 2 }
    }

    /// The leaf of a key.
    pub fn leaf_of(&self, key: usize) -> usize {
        if self.merged { 0 } else { key }
    }

    /// The last key of a leaf.
    pub fn last_key(&self, leaf: usize) -> usize {
        if self.merged { KEYS - 1 } else { leaf }
    }

    /// Place of the keys in a leaf. The first of two ends at the least position.
    pub fn leaf_place(&self, leaf: usize) -> GcPos {
        let last = self.last_key(leaf) == KEYS - 1;
        node(PHASE, if last { POS_MAX } else { POS_MIN }, 0)
    }

    /// Place of an open bucket: they count from 1.
    pub fn open_place(slot: usize) -> GcPos {
        allocator(u32::try_from(slot).unwrap() + 1)
    }

    /// `gc_visited`.
    pub fn visited(&self, place: GcPos) -> bool {
        place <= self.pos
    }

    /// Nobody does anything any more, and gc has run.
    pub fn is_quiet(&self) -> bool {
        self.run == Run::Done && self.pending.is_none() && self.threads.iter().all(Thread::is_idle)
    }
}
