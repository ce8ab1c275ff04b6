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
        bucket_nr(sector, u64::from(self.bucket_size))
    }
}

/// The number of the bucket a sector would lie in (source: `sector_to_bucket`). Buckets of
/// size 0 are all past the end.
#[inline]
#[must_use]
pub fn bucket_nr(sector: u64, bucket_size: u64) -> u64 {
    sector.checked_div(bucket_size).unwrap_or(u64::MAX)
}

/// [`bucket_nr`] for many sectors of a device: most sizes are powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketSize {
    sectors: u64,
    shift: Option<u32>,
}

impl BucketSize {
    /// Of so many sectors.
    #[must_use]
    pub fn new(sectors: u64) -> Self {
        Self { sectors, shift: sectors.is_power_of_two().then(|| sectors.trailing_zeros()) }
    }

    /// The number of the bucket a sector would lie in.
    #[inline]
    #[must_use]
    pub fn bucket_nr(self, sector: u64) -> u64 {
        match self.shift {
            Some(shift) => sector.wrapping_shr(shift),
            None => self.divide(sector),
        }
    }

    #[cold]
    fn divide(self, sector: u64) -> u64 {
        bucket_nr(sector, self.sectors)
    }

    /// Whether `n` sectors from `sector` on lie in that bucket, which is theirs.
    #[inline]
    #[must_use]
    pub fn is_within(self, sector: u64, n: u32, bucket: u64) -> bool {
        // Both are far from the end of their type.
        let start = sector.wrapping_sub(bucket.wrapping_mul(self.sectors));
        start.wrapping_add(u64::from(n)) <= self.sectors
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

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the buckets written out one after another, sector by sector.
    #[test]
    fn sectors_of_buckets() {
        for size in 1..=17_u64 {
            let by = BucketSize::new(size);
            let mut sector = 0;
            for bucket in 0..9 {
                for at in 0..size {
                    assert_eq!((by.bucket_nr(sector), bucket_nr(sector, size)), (bucket, bucket));
                    for n in 0..=18 {
                        assert_eq!(by.is_within(sector, n, bucket), at + u64::from(n) <= size);
                    }
                    sector += 1;
                }
            }
        }
        assert_eq!((BucketSize::new(0).bucket_nr(8), bucket_nr(8, 0)), (u64::MAX, u64::MAX));
    }
}
