// SPDX-License-Identifier: GPL-2.0-only
//! A check of a file system that has nothing wrong with it, in any order and by
//! several threads.
//!
//! Marking does not commute: the first data type in a bucket wins, a repaired
//! generation changes what later keys see, a refused pointer ends its key. But
//! where nothing of that kind happens, it does. So everything is read and counted
//! here in the order in which it lies on disk, by the same rules, and whatever is
//! not plain ends the attempt in silence: then the engine walks the references in
//! their order, and says what there is to say. The report is the same for any
//! number of threads, and for any number of walks over parts of the buckets.

mod alloc;
mod level;
mod marker;
mod metadata;
mod parts;
mod remaining;
mod sums;
mod suspect;

use crate::fs::Fs;
use crate::host::version::words;
use crate::merged::Merged;
use crate::node::plain::{NodeRange, Visit};
use crate::reason::{Reason, Rule, Unusual};
use crate::recovery::{Begun, btrees};
use alloc::Filler;
use gc_core::accounting::Usage;
use gc_core::layout::btree::BTREE_MAX_DEPTH;
use gc_core::layout::{BtreeId, BtreeNodeType, DevUsage, POS_MAX, POS_MIN};
use level::{Job, Keys, Pool, Work};
use marker::{Context, Marker};
pub use parts::{Held, Part};
use remaining::Remaining;
use std::rc::Rc;
pub(crate) use suspect::POINTERS;
pub use suspect::{SuspectBuckets, TooMany, suspect_buckets};

/// How to go about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Threads that read nodes.
    pub threads: usize,
}

/// Everything agrees: what the file system says of itself is so.
#[derive(Debug)]
pub struct Agreed {
    /// Usage of the file system as words: those of `struct bch_fs_usage`, then one
    /// for each entry of the replicas table.
    pub usage: Vec<u64>,
    /// Usage of the members by index.
    pub dev_usage: Vec<DevUsage>,
    /// Every pointer has the generation of its bucket: none is to data that was reused.
    pub current: bool,
}

/// What is told while the check runs, on the thread that began it.
pub trait Observer {
    /// So many more nodes are being read.
    fn nodes(&mut self, _nodes: u64) {}
    /// A step begins.
    fn step(&mut self, _step: Step) {}
}

/// A function that is told of nodes alone.
impl<F: FnMut(u64)> Observer for F {
    fn nodes(&mut self, nodes: u64) {
        self(nodes);
    }
}

/// Steps of a check. They come again for each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The alloc btree is read: what is said of each bucket.
    AllocKeys,
    /// All other btrees are read, and references are counted.
    Counting,
    /// What was counted is compared with what is said.
    Comparing,
}

/// Checks everything in one walk for each part, which together are all buckets.
///
/// # Errors
/// The first thing found that the fast path does not cover: no finding has been
/// raised, and the references have to be followed in their order.
pub fn check(
    begun: &Begun,
    options: Options,
    parts: &[Part],
    observer: &mut dyn Observer,
) -> Result<Agreed, Reason> {
    if begun.fs.replicas.rebuild {
        return Err(Rule::ReplicasRebuilt.into());
    }
    if begun.fs.incomplete {
        return Err(Rule::NotRecovered.into());
    }
    let mut sum = Sum::new(&begun.fs).ok_or(Rule::NoMemory)?;
    for (n, part) in parts.iter().enumerate() {
        let remaining = Remaining::new(&begun.fs, part).ok_or(Rule::NoMemory)?;
        let context = Context { first: n == 0, ..Context::new(begun, &remaining, options.threads) };
        let pool = Pool { context, journal: &begun.journal, threads: options.threads };
        Run { begun, pool }.walk(&mut sum, observer).map_err(Unusual::into_reason)?;
    }
    sum.compare(&begun.usage).ok_or(Rule::Counters.into())
}

/// What all walks have come to.
struct Sum {
    counted: Usage,
    hidden: u64,
    dev_usage: Vec<DevUsage>,
    stale: bool,
}

impl Sum {
    fn new(fs: &Fs) -> Option<Self> {
        let counted = Usage::zeroed(fs.replicas.table.view().len()).ok()?;
        let dev_usage = vec![DevUsage::default(); fs.devices.len()];
        Some(Self { counted, hidden: 0, dev_usage, stale: false })
    }

    /// Adds what the words of one walk say.
    fn add_says(&mut self, (usage, hidden): (Vec<DevUsage>, u64)) {
        self.hidden = self.hidden.wrapping_add(hidden);
        for (to, from) in self.dev_usage.iter_mut().zip(&usage) {
            to.add(from);
        }
    }

    /// `None` where what is said differs from what was counted.
    fn compare(self, says: &Usage) -> Option<Agreed> {
        let mut usage = says.clone();
        usage.head.hidden = self.hidden;
        let agrees = same(&usage, &self.counted);
        let usage = words(&usage).collect();
        agrees.then_some(Agreed { usage, dev_usage: self.dev_usage, current: !self.stale })
    }
}

/// A walk over all keys, for the buckets of one part.
struct Run<'a> {
    begun: &'a Begun,
    pool: Pool<'a>,
}

impl Run<'_> {
    fn walk(&self, sum: &mut Sum, observer: &mut dyn Observer) -> Result<(), Unusual> {
        let (context, remaining) = (self.pool.context, self.pool.context.remaining);
        observer.step(Step::AllocKeys);
        let mut fillers = self.alloc(|| Filler::new(context), observer)?;
        observer.step(Step::Counting);
        sum.add_says(remaining.usage().ok_or(Rule::BucketUntyped)?);
        metadata::subtract(context.fs, remaining)?;

        let mut marker = Marker::new(context).ok_or(Rule::NoMemory)?;
        for key in fillers.iter_mut().flat_map(|f| core::mem::take(&mut f.pointers)) {
            marker.key(&key.k, &key.v).map_err(|e| e.of_key(&key.k))?;
        }
        let mut jobs = Vec::new();
        for id in btrees() {
            let Some(root) = self.begun.roots.get(usize::from(id.0)).filter(|r| !r.fake) else {
                continue;
            };
            let whole = root.min_key == POS_MIN && root.max_key == POS_MAX;
            if !whole || root.level >= BTREE_MAX_DEPTH {
                let (at, e) = ((id, root.level), Unusual::from(Rule::RootRange));
                return Err(e.in_node(at.0, at.1, root.max_key));
            }
            let (k, v) = (&root.key.k, &root.key.v);
            marker.key(k, v).map_err(|e| e.of_key(k))?;
            let walked = root.level > 0 || BtreeNodeType::of(0, id).needs_gc();
            if id != BtreeId::ALLOC && walked {
                self.root(id, &mut marker, &mut jobs)?;
            }
        }
        let mut markers = self.pool.walk(jobs, || Marker::new(context), observer)?;
        observer.step(Step::Comparing);
        markers.push(marker);
        for marker in markers {
            sum.stale |= marker.met_stale();
            sum.counted.add(&marker.into_usage());
        }
        if remaining.nothing_remains() {
            return Ok(());
        }
        let left = Unusual::from(Rule::BucketLeft);
        Err(match remaining.with_remainder().next() {
            Some((dev, bucket)) => left.of_bucket(dev, bucket),
            None => left,
        })
    }

    /// Shows the alloc btree; what each thread's work came to.
    fn alloc<W: Work + Send>(
        &self,
        make: impl Fn() -> Option<W>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<W>, Unusual> {
        let mut own = make().ok_or(Rule::NoMemory)?;
        let mut jobs = Vec::new();
        self.root(BtreeId::ALLOC, &mut own, &mut jobs)?;
        let mut all = self.pool.walk(jobs, make, observer)?;
        all.push(own);
        Ok(all)
    }

    /// The keys of a root, which has been read.
    fn root<W: Work>(&self, id: BtreeId, work: &mut W, jobs: &mut Vec<Job>) -> Result<(), Unusual> {
        let Some(root) = self.begun.roots.get(usize::from(id.0)).filter(|r| !r.fake) else {
            return Ok(());
        };
        let range = NodeRange { min: root.min_key, max: root.max_key };
        let mut keys = Keys::new(work, jobs, (id, root.level), range);
        let mut merged = Merged::new(Rc::clone(root), Some(&self.begun.journal));
        let mut show = || {
            while let Some(key) = merged.next_key() {
                keys.key(key.k, key.v)?;
            }
            keys.end()
        };
        show().map_err(|e: Unusual| e.in_node(id, root.level, root.max_key))
    }
}

/// Whether the counters that are compared agree. `hidden` does where all buckets
/// do.
fn same(says: &Usage, counted: &Usage) -> bool {
    let (a, b) = (&says.head, &counted.head);
    let sums = |u: &gc_core::layout::FsUsage| {
        (u.btree, u.data, u.cached, u.reserved, u.nr_inodes, u.persistent_reserved)
    };
    sums(a) == sums(b) && says.replicas == counted.replicas
}
