// SPDX-License-Identifier: GPL-2.0-only
//! The devices as marking sees them.

use crate::layout::{Bucket, BucketMark};
use core::sync::atomic::{AtomicU64, Ordering};

/// Where a device's buckets lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Geometry {
    /// Sectors of a bucket.
    pub bucket_size: u16,
    /// First bucket in use.
    pub first_bucket: u16,
    /// Number of buckets, those before the first in use included.
    pub nbuckets: u64,
}

impl Geometry {
    /// Whether the bucket is one in use.
    #[inline]
    #[must_use]
    pub fn has(&self, bucket: u64) -> bool {
        bucket >= u64::from(self.first_bucket) && bucket < self.nbuckets
    }

    /// The number of the bucket a sector would lie in, in use or not (source:
    /// `sector_to_bucket`). Buckets of size 0 are all past the end.
    #[inline]
    #[must_use]
    pub fn bucket_nr(&self, sector: u64) -> u64 {
        sector.checked_div(u64::from(self.bucket_size)).unwrap_or(u64::MAX)
    }
}

/// The buckets a mark changes: array 0, or array 1 during mark and sweep.
///
/// Marks are shared with other threads; everything here takes `&self`.
pub trait Buckets {
    /// Geometry of a device; `None` if it is no member.
    fn geometry(&self, dev: u8) -> Option<Geometry>;

    /// The mark of a bucket in use ([`Geometry::has`]), or `None` if it is not
    /// to be had.
    fn mark(&self, dev: u8, bucket: u64) -> Option<&AtomicU64>;

    /// The bucket's generation in array 0, for texts; `None` if out of range.
    fn live_gen(&self, dev: u8, bucket: u64) -> Option<u8>;

    /// Notes what an alloc key says beside the mark, and that the generation is
    /// known now: times of last read and write, oldest generation. Out of range
    /// is ignored.
    fn set_alloc(&self, dev: u8, bucket: u64, io_time: [u16; 2], oldest_gen: u8);
}

/// One device whose buckets lie in memory as the original has them.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a> {
    /// Geometry.
    pub geometry: Geometry,
    /// The array being marked, from bucket 0.
    pub buckets: &'a [Bucket],
    /// Array 0; the same unless this is mark and sweep.
    pub live: &'a [Bucket],
}

/// Devices by index.
#[derive(Debug, Clone, Copy)]
pub struct Devices<'a>(
    /// The members; `None` where there is none.
    pub &'a [Option<Device<'a>>],
);

impl<'a> Devices<'a> {
    fn get(&self, dev: u8) -> Option<&'a Device<'a>> {
        self.0.get(usize::from(dev))?.as_ref()
    }
}

fn at(buckets: &[Bucket], bucket: u64) -> Option<&Bucket> {
    buckets.get(usize::try_from(bucket).ok()?)
}

impl Buckets for Devices<'_> {
    #[inline]
    fn geometry(&self, dev: u8) -> Option<Geometry> {
        Some(self.get(dev)?.geometry)
    }

    #[inline]
    fn mark(&self, dev: u8, bucket: u64) -> Option<&AtomicU64> {
        let d = self.get(dev)?;
        if !d.geometry.has(bucket) {
            return None;
        }
        Some(&at(d.buckets, bucket)?.mark)
    }

    fn live_gen(&self, dev: u8, bucket: u64) -> Option<u8> {
        let d = self.get(dev)?;
        Some(at(d.live, bucket)?.load_mark(Ordering::Relaxed).gen_())
    }

    fn set_alloc(&self, dev: u8, bucket: u64, io_time: [u16; 2], oldest_gen: u8) {
        let Some(g) = self.get(dev).and_then(|d| at(d.buckets, bucket)) else { return };
        for (to, from) in g.io_time.iter().zip(io_time) {
            to.store(from, Ordering::Relaxed);
        }
        g.oldest_gen.store(oldest_gen, Ordering::Relaxed);
        g.set_gen_valid(true);
    }
}

/// Changes a mark that other threads may change too, as a whole; returns it as
/// it was and as it is.
#[inline]
pub(super) fn change(
    cell: &AtomicU64,
    f: impl Fn(BucketMark) -> BucketMark,
) -> (BucketMark, BucketMark) {
    // The closure always says a mark, so that this always succeeds.
    let set = |old| Some(f(BucketMark(old)).0);
    let old = cell.fetch_update(Ordering::AcqRel, Ordering::Relaxed, set);
    let old = BucketMark(old.unwrap_or_default());
    (old, f(old))
}
