// SPDX-License-Identifier: GPL-2.0-only
//! Nodes of one level after another, those of a level in the order of their place
//! on disk, by several threads.

use super::Observer;
use super::marker::{Context, Marker};
use crate::journal::JournalKeys;
use crate::key::Key;
use crate::node::next_copy;
use crate::node::plain::{Buffer, NodeRange, ShortExtent, Visit, Wanted};
use crate::reason::{Rule, Unusual};
use gc_core::bkey::KeyRef;
use gc_core::layout::{Bkey, Bpos, BtreeId, BtreeNodeType, KeyType};
use gc_disk::threads::share;
use std::ops::RangeInclusive;

/// Nodes that are being read while one is looked at.
const AHEAD: usize = 16;

/// A node to be read.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) btree: BtreeId,
    pub(super) level: u8,
    pub(super) key: Key,
}

impl Job {
    fn place(&self) -> (u8, u64) {
        self.key.as_ref().pointers().next().map_or((0, 0), |p| (p.dev(), p.offset()))
    }
}

/// What is done with the keys of a leaf, and of other nodes.
pub(super) trait Work {
    /// A key of a leaf.
    fn leaf(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual>;
    /// An extent of a leaf whose value nobody has looked at yet. `false`: nothing was
    /// done, it is a key as any other.
    #[inline]
    fn extent(&mut self, _k: ShortExtent) -> Result<bool, Unusual> {
        Ok(false)
    }
    /// A valid key of a leaf without pointers and version. `false`: nothing was done, it
    /// is a key as any other.
    #[inline]
    fn pointerless(&mut self, _t: KeyType) -> bool {
        false
    }
    /// A key of another node.
    fn pointer(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual>;
    /// Whether a leaf with keys of this range is to be read.
    fn wants(&self, _keys: &RangeInclusive<Bpos>) -> bool {
        true
    }
}

/// The keys of a node, whose children become jobs.
pub(super) struct Keys<'w, W> {
    pub(super) work: &'w mut W,
    pub(super) jobs: &'w mut Vec<Job>,
    btree: BtreeId,
    level: u8,
    /// Where the next child must begin, and the last one end.
    next: Bpos,
    end: Bpos,
    last: Option<Bpos>,
}

impl<'w, W: Work> Keys<'w, W> {
    pub(super) fn new(
        work: &'w mut W,
        jobs: &'w mut Vec<Job>,
        (btree, level): (BtreeId, u8),
        range: NodeRange,
    ) -> Self {
        Self { work, jobs, btree, level, next: range.min, end: range.max, last: None }
    }

    fn child(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        let key = KeyRef::new(k, v);
        if key.child_min_key().is_some_and(|min| min != self.next) {
            return Err(Unusual::from(Rule::ChildRange).of_key(k));
        }
        self.last = Some(k.p);
        let keys = self.next..=k.p;
        self.next = k.p.successor().unwrap_or(k.p);
        self.work.pointer(k, v).map_err(|e| e.of_key(k))?;
        let below = self.level.saturating_sub(1);
        let leaves = BtreeNodeType::of(0, self.btree).needs_gc();
        if below > 0 || leaves && self.work.wants(&keys) {
            self.jobs.push(Job { btree: self.btree, level: below, key: Key::of(key) });
        }
        Ok(())
    }

    /// Behind the last key.
    pub(super) fn end(&self) -> Result<(), Unusual> {
        if self.last.is_some_and(|p| p != self.end) {
            return Err(Rule::ChildMissing.into());
        }
        Ok(())
    }
}

impl<W: Work> Visit for Keys<'_, W> {
    fn begin(&mut self, range: NodeRange) {
        (self.next, self.end) = (range.min, range.max);
    }

    #[inline]
    fn key(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        if self.level == 0 {
            self.work.leaf(k, v).map_err(|e| e.of_key(k))
        } else {
            self.child(k, v)
        }
    }

    #[inline(always)]
    fn extent(&mut self, k: ShortExtent) -> Result<bool, Unusual> {
        if self.level == 0 { self.work.extent(k) } else { Ok(false) }
    }

    #[inline(always)]
    fn pointerless(&mut self, t: KeyType) -> bool {
        self.level == 0 && self.work.pointerless(t)
    }
}

impl Work for Marker<'_> {
    #[inline]
    fn leaf(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        self.key(k, v)
    }
    #[inline(always)]
    fn extent(&mut self, k: ShortExtent) -> Result<bool, Unusual> {
        self.short_extent(k)
    }
    #[inline(always)]
    fn pointerless(&mut self, t: KeyType) -> bool {
        self.name_or_inode(t)
    }
    fn pointer(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        self.key(k, v)
    }
}

/// What threads share.
pub(super) struct Pool<'a> {
    pub(super) context: Context<'a>,
    pub(super) journal: &'a JournalKeys,
    pub(super) threads: usize,
}

impl<'a> Pool<'a> {
    /// Reads the nodes and all below them; what each thread's work came to.
    pub(super) fn walk<W: Work + Send>(
        &self,
        mut jobs: Vec<Job>,
        make: impl Fn() -> Option<W>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<W>, Unusual> {
        let mut workers = Vec::new();
        for _ in 0..self.threads.max(1) {
            let buffer = Buffer::new(self.context.fs).ok_or(Rule::NoMemory)?;
            let work = make().ok_or(Rule::NoMemory)?;
            workers.push(Worker { buffer, work, jobs: Vec::new() });
        }
        while let Some(level) = jobs.iter().map(|j| j.level).max() {
            let (mut now, later): (Vec<_>, Vec<_>) =
                jobs.into_iter().partition(|j| j.level == level);
            now.sort_by_key(Job::place);
            // Of two pointers to one node, who reads it first decides.
            let twice = now.windows(2).find(|pair| match pair {
                [a, b] => a.place() >= b.place(),
                _ => false,
            });
            if let Some([_, job]) = twice {
                let Job { btree, level, key } = job;
                return Err(Unusual::from(Rule::NodeTwice).in_node(*btree, *level, key.k.p));
            }
            self.level(&now, &mut workers, observer)?;
            jobs = later;
            for worker in &mut workers {
                jobs.append(&mut worker.jobs);
            }
        }
        Ok(workers.into_iter().map(|w| w.work).collect())
    }

    /// Has a node brought into memory, where nobody waits for it yet.
    fn will_read(&self, job: &Job) {
        let fs = self.context.fs;
        let Some(copy) = next_copy(fs, &job.key, &[]) else { return };
        if let Some(file) = fs.device(copy.dev()).and_then(|d| d.file()) {
            file.will_read(copy.offset(), fs.btree_node_sectors().into());
        }
    }

    fn level<W: Work + Send>(
        &self,
        jobs: &[Job],
        workers: &mut [Worker<W>],
        observer: &mut dyn Observer,
    ) -> Result<(), Unusual> {
        jobs.iter().take(AHEAD).for_each(|job| self.will_read(job));
        let mut seen = 0_usize;
        let mut begun = |i: usize| {
            let now = i.saturating_add(1);
            observer.nodes(gc_disk::bytes::number(now.saturating_sub(seen)));
            seen = now;
        };
        share(jobs, workers, &mut begun, |worker, i, job| {
            if let Some(job) = jobs.get(i.saturating_add(AHEAD)) {
                self.will_read(job);
            }
            worker.node(self, job)
        })
    }
}

struct Worker<W> {
    buffer: Buffer,
    work: W,
    jobs: Vec<Job>,
}

impl<W: Work> Worker<W> {
    fn node(&mut self, pool: &Pool<'_>, job: &Job) -> Result<(), Unusual> {
        let wanted = Wanted {
            fs: pool.context.fs,
            key: &job.key,
            btree: job.btree,
            level: job.level,
            journal: pool.journal,
        };
        let range = NodeRange { min: Bpos::default(), max: Bpos::default() };
        let at = (job.btree, job.level);
        let mut keys = Keys::new(&mut self.work, &mut self.jobs, at, range);
        let read = self.buffer.each_key(&wanted, &mut keys).and_then(|()| keys.end());
        read.map_err(|e| e.in_node(job.btree, job.level, job.key.k.p))
    }
}
