// SPDX-License-Identifier: GPL-2.0-only
//! Updates: what threads do beside gc.

use super::rules::Rules;
use super::state::{BUCKETS, KEYS, OPEN, State};

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Takes a bucket into an open bucket and writes a key to it.
    Write { key: usize, slot: usize },
    /// Takes a bucket into an open bucket and puts it back unused.
    Open { slot: usize },
    /// Deletes a key.
    Delete { key: usize },
    /// Deletes a key and writes the other with what it pointed to.
    Move { from: usize },
    /// Splits the leaf.
    Split,
    /// Merges the leaves.
    Merge,
    /// Puts an empty bucket on the fifo.
    Invalidate,
}

impl Op {
    pub fn all() -> impl Iterator<Item = Self> {
        let slots = || 0..OPEN;
        let keys = || 0..KEYS;
        keys()
            .flat_map(move |key| slots().map(move |slot| Self::Write { key, slot }))
            .chain(slots().map(|slot| Self::Open { slot }))
            .chain(keys().map(|key| Self::Delete { key }))
            .chain(keys().map(|from| Self::Move { from }))
            .chain([Self::Split, Self::Merge, Self::Invalidate])
    }
}

/// What a commit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    Write { key: usize, slot: usize },
    Delete { key: usize },
    Move { from: usize },
}

impl Change {
    /// The keys it sets.
    fn keys(self) -> [bool; KEYS] {
        match self {
            Self::Write { key, .. } | Self::Delete { key } => std::array::from_fn(|k| k == key),
            Self::Move { .. } => [true; KEYS],
        }
    }
}

/// How far a thread is: what it does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thread {
    Idle,
    /// Only where updates ask too early: ask.
    AskEarly(Change),
    /// Lock the leaves.
    Lock(Change, Option<[bool; KEYS]>),
    /// Ask for the places of the leaves.
    Ask(Change),
    /// Mark, change the keys, unlock.
    Apply(Change, [bool; KEYS]),
    /// Lock an open bucket and ask for its place.
    Put(usize),
    /// Mark and free it.
    PutAsked(usize, bool),
    /// Change the tree; it holds the gc lock.
    Structure(Op),
    /// Give the gc lock back.
    StructureEnd,
}

impl Thread {
    pub fn is_idle(&self) -> bool {
        *self == Self::Idle
    }
}

impl State {
    /// Somebody holds an answer about a position.
    pub fn someone_asked(&self, answer: bool) -> bool {
        self.pending.is_some_and(|p| p.answer() == Some(answer))
            || self.threads.iter().any(|t| match *t {
                Thread::Apply(change, visited) => {
                    (0..KEYS).any(|k| change.keys()[k] && visited[k] == answer)
                }
                Thread::PutAsked(_, visited) => visited == answer,
                _ => false,
            })
    }

    /// An idle thread begins; `None` where the first step would have to wait.
    pub fn begin(&mut self, r: &Rules, op: Op) -> Option<()> {
        let t = self.threads.iter().position(Thread::is_idle)?;
        let lock =
            if r.ask_locked { |change| Thread::Lock(change, None) } else { Thread::AskEarly };
        self.threads[t] = match op {
            Op::Write { key, slot } => {
                self.take(slot)?;
                lock(Change::Write { key, slot })
            }
            Op::Open { slot } => {
                self.take(slot)?;
                Thread::Put(slot)
            }
            Op::Delete { key } => lock(Change::Delete { key }),
            Op::Move { from } => lock(Change::Move { from }),
            Op::Split | Op::Merge => {
                if r.structure_locked {
                    if self.locks.gc {
                        return None;
                    }
                    self.locks.gc_shared += 1;
                }
                Thread::Structure(op)
            }
            Op::Invalidate => {
                self.invalidate(r)?;
                Thread::Idle
            }
        };
        self.left -= 1;
        Some(())
    }

    /// The next step of a thread; `None` where it has to wait.
    pub fn thread_step(&mut self, r: &Rules, t: usize) -> Option<()> {
        self.threads[t] = match self.threads[t] {
            Thread::Idle => return None,
            Thread::AskEarly(change) => Thread::Lock(change, Some(self.ask())),
            Thread::Lock(change, asked) => {
                let leaves = self.leaves_of(change);
                let taken = leaves.iter().zip(self.locks.leaf).any(|(&l, held)| l && held);
                if taken || !self.mark_free() {
                    return None;
                }
                self.hold(leaves, true);
                self.locks.mark += 1;
                match asked {
                    Some(visited) => Thread::Apply(change, visited),
                    None => Thread::Ask(change),
                }
            }
            Thread::Ask(change) => Thread::Apply(change, self.ask()),
            Thread::Apply(change, visited) => {
                let leaves = self.leaves_of(change);
                self.apply(change, visited);
                self.hold(leaves, false);
                self.locks.mark -= 1;
                match change {
                    Change::Write { slot, .. } => Thread::Put(slot),
                    _ => Thread::Idle,
                }
            }
            Thread::Put(slot) if r.carry_back => {
                if self.locks.freelist || self.locks.open[slot] {
                    return None;
                }
                let b = self.open[slot].take()?;
                self.fifo |= 1 << b;
                Thread::Idle
            }
            Thread::Put(slot) => Thread::PutAsked(slot, self.put_ask(slot)?),
            Thread::PutAsked(slot, visited) => {
                self.put(slot, visited);
                Thread::Idle
            }
            Thread::Structure(op) => {
                let done =
                    if op == Op::Split { self.clone().split() } else { self.clone().merge() };
                if done.is_some() {
                    if op == Op::Split {
                        self.split()
                    } else {
                        self.merge()
                    };
                }
                // Without buckets for the new nodes it gives up.
                Thread::StructureEnd
            }
            Thread::StructureEnd => {
                if r.structure_locked {
                    self.locks.gc_shared -= 1;
                }
                Thread::Idle
            }
        };
        Some(())
    }

    fn leaves_of(&self, change: Change) -> [bool; KEYS] {
        let mut leaves = [false; KEYS];
        for (key, set) in change.keys().into_iter().enumerate() {
            leaves[self.leaf_of(key)] |= set;
        }
        leaves
    }

    fn hold(&mut self, leaves: [bool; KEYS], held: bool) {
        for (lock, leaf) in self.locks.leaf.iter_mut().zip(leaves) {
            if leaf {
                *lock = held;
            }
        }
    }

    /// Whether gc is past each key's place.
    fn ask(&self) -> [bool; KEYS] {
        std::array::from_fn(|key| self.visited(self.leaf_place(self.leaf_of(key))))
    }

    fn apply(&mut self, change: Change, visited: [bool; KEYS]) {
        let old = self.keys;
        let mut new = old;
        match change {
            Change::Write { key, slot } => new[key] = self.open[slot],
            Change::Delete { key } => new[key] = None,
            Change::Move { from } => new[KEYS - 1 - from] = new[from].take(),
        }
        for key in (0..KEYS).filter(|&k| change.keys()[k]) {
            for (bucket, n) in [(new[key], 1), (old[key], -1)] {
                let Some(b) = bucket else { continue };
                self.live[usize::from(b)].refs += n;
                if visited[key] {
                    self.gc[usize::from(b)].refs += n;
                }
            }
        }
        self.keys = new;
    }

    /// Locks an open bucket and asks for its place.
    pub fn put_ask(&mut self, slot: usize) -> Option<bool> {
        if self.locks.open[slot] || !self.mark_free() {
            return None;
        }
        self.locks.open[slot] = true;
        self.locks.mark += 1;
        Some(self.visited(Self::open_place(slot)))
    }

    /// Nobody owns its bucket any more.
    pub fn put(&mut self, slot: usize, visited: bool) {
        if let Some(b) = self.open[slot].take() {
            self.live[usize::from(b)].owned = false;
            if visited {
                self.gc[usize::from(b)].owned = false;
            }
        }
        self.locks.open[slot] = false;
        self.locks.mark -= 1;
    }

    /// The first bucket that nothing refers to goes on the fifo.
    fn invalidate(&mut self, r: &Rules) -> Option<()> {
        let locked = r.invalidate_locked && self.locks.gc;
        if locked || self.locks.freelist || !self.mark_free() {
            return None;
        }
        let b = (0..BUCKETS).find(|&b| self.live[b] == super::Mark::default())?;
        self.fifo |= 1 << b;
        self.live[b].owned = true;
        // Its place is the start of the run: asked for in every run.
        if self.gc_runs() {
            self.gc[b].owned = true;
        }
        Some(())
    }
}
