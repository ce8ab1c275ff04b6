// SPDX-License-Identifier: GPL-2.0-only
//! Counting keys in the second arrays.

use super::Image;
use super::observer::{KeyOf, SharedObserver};
use crate::report::{Found, Place};
use gc_core::accounting::replicas::key_entries;
use gc_core::accounting::{
    BucketReference, Buckets, Ctx, Geometry, MarkError, Outcome, Sink, StripeTable, Usage,
};
use gc_core::bkey::KeyRef;
use gc_core::error::{Error, Result};
use gc_core::finding::{Answer, Finding};
use gc_core::layout::{Bucket, DevUsage};
use std::sync::atomic::{AtomicU64, Ordering};

/// The second buckets of all members.
pub(super) struct GcBuckets<'a, 'r>(pub(super) &'a Image<'r>);

impl GcBuckets<'_, '_> {
    fn bucket(&self, dev: u8, bucket: u64) -> Option<&Bucket> {
        let at = self.0.fs.device(dev)?.place_of(bucket)?;
        self.0.gc_buckets.get(usize::from(dev))?.get(at)
    }
}

impl Buckets for GcBuckets<'_, '_> {
    #[inline]
    fn geometry(&self, dev: u8) -> Option<Geometry> {
        Some(self.0.fs.device(dev)?.geometry())
    }

    #[inline]
    fn mark(&self, dev: u8, bucket: u64) -> Option<&AtomicU64> {
        match self.bucket(dev, bucket) {
            Some(b) => Some(&b.mark),
            None => self.0.left_out.mark(dev, bucket),
        }
    }

    fn live_gen(&self, dev: u8, bucket: u64) -> Option<u8> {
        self.0.fs.device(dev)?.gen_of(bucket)
    }

    fn set_alloc(&self, dev: u8, bucket: u64, _io_time: [u16; 2], oldest_gen: u8) {
        if let Some(b) = self.bucket(dev, bucket) {
            b.oldest_gen.store(oldest_gen, Ordering::Relaxed);
            b.set_gen_valid(true);
        }
    }
}

/// Where findings of marking go, and what becomes of each reference of the key.
pub(super) struct Tell<'a, 'r> {
    image: &'a Image<'r>,
    observer: Option<SharedObserver>,
    key: Option<KeyOf<'a>>,
}

impl Tell<'_, '_> {
    fn show(&self, finding: &Finding<'_>) {
        if let Some(o) = &self.observer {
            o.borrow_mut().finding(finding);
        }
    }
}

impl Sink for Tell<'_, '_> {
    fn raise(&mut self, finding: &Finding<'_>) -> Answer {
        self.show(finding);
        let at = match &self.key {
            None => Place::UNKNOWN,
            Some(KeyOf { origin, key }) => Place {
                btree: Some(origin.btree),
                level: Some(origin.level),
                position: Some(key.k.p),
                ..Place::UNKNOWN
            },
        };
        let found = Found::counted(&self.image.fs, finding, at);
        self.image.reporter.borrow_mut().found(found)
    }

    fn inconsistent(&mut self, finding: &Finding<'_>) {
        self.show(finding);
        self.image.reporter.borrow_mut().error(&finding.to_string());
    }

    fn unprinted(&mut self, finding: &Finding<'_>) {
        self.show(finding);
    }

    #[inline]
    fn observes(&self) -> bool {
        self.observer.is_some()
    }

    fn reference(&mut self, r: &BucketReference, outcome: Outcome) {
        let (Some(observer), Some(key)) = (&self.observer, &self.key) else { return };
        if !observer.borrow().wants(r.dev, r.bucket) {
            return;
        }
        if let Some(reference) = self.image.reference(key, r, outcome) {
            observer.borrow_mut().reference(reference);
        }
    }
}

type MarkCtx<'a, 'r> = Ctx<'a, GcBuckets<'a, 'r>, StripeTable, Tell<'a, 'r>>;

impl<'r> Image<'r> {
    pub(super) fn answer(&self, finding: &Finding<'_>) -> Answer {
        Tell { image: self, observer: self.observer(), key: None }.raise(finding)
    }

    /// Runs `f` with everything a mark changes; `key`: the key that it marks.
    pub(super) fn mark(
        &self,
        key: Option<KeyOf<'_>>,
        f: impl FnOnce(&mut MarkCtx<'_, 'r>) -> Result<(), MarkError>,
    ) -> Result<()> {
        let mut stripes = self.stripes_gc.borrow_mut();
        let mut usage = self.usage_gc.borrow_mut();
        let mut devs = self.dev_usage_gc.borrow_mut();
        let mut ctx = Ctx {
            buckets: &GcBuckets(self),
            stripes: &mut *stripes,
            sink: &mut Tell { image: self, observer: self.observer(), key },
            replicas: self.versions.last().table.view(),
            usage: &mut usage,
            devs: Some(&mut devs),
            btree_node_size: self.fs.btree_node_sectors(),
        };
        f(&mut ctx).map_err(Error::from)
    }

    /// Adds the device sets of a key to the table; counters move along.
    pub(super) fn add_replicas(&self, key: KeyRef<'_>) -> Result<()> {
        let invalid = |_| Error::INVAL;
        for entry in key_entries(key).map_err(invalid)? {
            let old = self.versions.last();
            if old.table.view().find(entry.get()).is_some() {
                continue;
            }
            let table = old.table.with(entry.get())?;
            let mut usage = self.usage_gc.borrow_mut();
            if self.usage_gc_there.get() {
                usage.move_to(old.table.view(), table.view()).map_err(|_| Error::INVAL)?;
            }
            self.versions.push(table);
            // The original writes the superblock here, and takes its flags from
            // what it has written.
            self.compat.set(self.fs.stored.compat);
        }
        Ok(())
    }

    /// Counts a pass, and says so.
    pub(super) fn begin_pass(&self) {
        let pass = self.pass.get().saturating_add(1);
        self.pass.set(pass);
        self.reporter.borrow_mut().pass(pass);
    }

    pub(super) fn zero_gc_usage(&self) -> Result<()> {
        let nr = self.versions.last().table.view().len();
        *self.usage_gc.borrow_mut() = Usage::zeroed(nr)?;
        self.usage_gc_there.set(true);
        self.dev_usage_gc.borrow_mut().fill(DevUsage::default());
        Ok(())
    }
}
