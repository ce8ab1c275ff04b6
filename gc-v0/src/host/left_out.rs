// SPDX-License-Identifier: GPL-2.0-only
//! Buckets that are not in memory, because nothing can be found of them: what points
//! to them has the generation that they have, and is counted.

use super::Image;
use super::observer::place_of;
use crate::fs::Fs;
use crate::journal::JournalKeys;
use crate::plain::POINTERS;
use gc_core::accounting::dev_usage_from_buckets;
use gc_core::bkey::KeyRef;
use gc_core::finding::Finding;
use gc_core::layout::{Bucket, BucketMark, DevUsage};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

/// Device and number.
type Place = (u8, u64);

/// What stands for them.
pub(super) struct LeftOut {
    /// Whether there are any.
    any: bool,
    /// For all of them, where no mark is asked for.
    pub(super) other: Bucket,
    /// For those that the key points to that is counted now.
    now: [(Cell<Option<Place>>, AtomicU64); POINTERS],
    /// What they add to the usage of each member, by index.
    usage: Vec<DevUsage>,
    /// Those that a key may not have been counted in: it was refused.
    missed: RefCell<Vec<Place>>,
}

impl LeftOut {
    /// `whole`: usage of all buckets.
    pub(super) fn of(fs: &Fs, whole: &[DevUsage]) -> Self {
        let other = Bucket::default();
        other.set_gen_valid(true);
        let usage = fs.devices.iter().zip(whole).map(|(dev, whole)| {
            let mut rest = DevUsage::default();
            if let Some(dev) = dev.as_ref().filter(|d| d.listed.is_some()) {
                rest = *whole;
                rest.remove(&dev_usage_from_buckets(dev.geometry(), dev.marks()).0);
            }
            rest
        });
        Self {
            any: fs.devices.iter().flatten().any(|d| d.listed.is_some()),
            other,
            now: Default::default(),
            usage: usage.collect(),
            missed: RefCell::default(),
        }
    }

    /// The mark of one that the key points to.
    pub(super) fn mark(&self, dev: u8, bucket: u64) -> Option<&AtomicU64> {
        let now = self.now.iter().find(|(place, _)| place.get() == Some((dev, bucket)));
        now.map(|(_, mark)| mark)
    }

    /// With what is left out.
    pub(super) fn and(&self, dev: u8, usage: &DevUsage) -> DevUsage {
        let mut all = *usage;
        if let Some(rest) = self.usage.get(usize::from(dev)) {
            all.add(rest);
        }
        all
    }
}

impl Image<'_> {
    fn is_left_out(&self, (dev, bucket): Place) -> bool {
        self.fs.device(dev).is_some_and(|d| d.is_left_out(bucket))
    }

    /// Those that a key points to, with the pointers' generations.
    fn left_out_of<'k>(&'k self, key: KeyRef<'k>) -> impl Iterator<Item = (Place, u8)> + 'k {
        let place = |dev, at| Some((dev, self.fs.device(dev)?.geometry().bucket_nr(at)));
        let all = key.pointers().filter_map(move |p| Some((place(p.dev(), p.offset())?, p.gen_())));
        all.filter(|(place, _)| self.is_left_out(*place))
    }

    /// A key is about to be counted.
    #[inline]
    pub(super) fn before_key(&self, key: KeyRef<'_>) {
        if self.left_out.any {
            self.lay_out(key);
        }
    }

    fn lay_out(&self, key: KeyRef<'_>) {
        let mut places = self.left_out_of(key);
        for (to, mark) in &self.left_out.now {
            let next = places.next();
            to.set(next.map(|(place, _)| place));
            if let Some((_, gen_)) = next {
                mark.store(BucketMark(0).with_gen(gen_).0, Ordering::Relaxed);
            }
        }
    }

    /// A key was refused.
    #[cold]
    pub(super) fn refused_key(&self, key: KeyRef<'_>) {
        if self.left_out.any {
            let places = self.left_out_of(key).map(|(place, _)| place);
            self.left_out.missed.borrow_mut().extend(places);
        }
    }

    /// Whether a finding is of one, which is only not here.
    #[inline]
    pub(super) fn is_void(&self, finding: &Finding<'_>) -> bool {
        self.left_out.any && place_of(finding).is_some_and(|place| self.is_left_out(place))
    }

    /// Device and number of buckets that were left out and should not have been: if
    /// there are any, the run is void.
    #[must_use]
    pub fn missed(&self) -> Vec<(u8, u64)> {
        self.left_out.missed.take()
    }

    /// What was not changed.
    #[must_use]
    pub fn into_parts(self) -> (Fs, JournalKeys) {
        (self.fs, self.journal)
    }
}
