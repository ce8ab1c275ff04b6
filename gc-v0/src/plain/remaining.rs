// SPDX-License-Identifier: GPL-2.0-only
//! What remains of each bucket when its references are subtracted from what its alloc
//! key says: one word a bucket, in regions that hold something.
//!
//! A word begins as what the alloc key says of its bucket, and every reference
//! takes its sectors away. Where all is right nothing is left, whatever the order:
//! so eight bytes a bucket are enough for what is said and what is counted.

use super::parts::Part;
use crate::fs::Fs;
use gc_core::accounting::{BucketSize, Buckets, Geometry, count_pointer, dev_usage_from_buckets};
use gc_core::layout::{Bpos, BucketMark, DataType, DevUsage, ExtentPtr};
use gc_disk::bytes::{index, number};
use std::ops::{Range, RangeInclusive};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Buckets of a region.
const REGION: usize = 32;
/// Its base two logarithm.
pub(super) const REGION_BITS: u32 = 5;
/// Bytes of a region, with what the allocator adds.
pub(super) const REGION_BYTES: u64 = 256 + 16;
/// Bytes of the place where a region is noted.
pub(super) const SLOT_BYTES: u64 = 16;
const _: () = assert!(REGION == 1 << REGION_BITS);
const _: () = assert!(size_of::<[AtomicU64; REGION]>() == 256);
const _: () = assert!(size_of::<OnceLock<Region>>() <= 16);

/// The alloc btree has a key for the bucket. A mark has this bit for a journal
/// sequence, of which alloc keys know nothing.
const KNOWN: u64 = BucketMark(0).with_journal_seq_valid(true).0;
/// What must have gone from a word in the end.
const LEFT: u64 = BucketMark(0)
    .with_data_type_raw(7)
    .with_owned_by_allocator(true)
    .with_stripe(true)
    .with_dirty_sectors(u16::MAX)
    .with_cached_sectors(u16::MAX)
    .0;

/// Of a word, whether there is a key, generation and type.
const COMPARED: u64 = BucketMark(KNOWN).with_gen(u8::MAX).with_data_type_raw(7).0;
/// Of a word, all sectors.
const SECTORS: u64 = BucketMark(0).with_dirty_sectors(u16::MAX).with_cached_sectors(u16::MAX).0;
/// Of a word, the type.
const TYPE: u64 = BucketMark(0).with_data_type_raw(7).0;

/// The word without `n` dirty sectors, where that is all: as [`count_pointer`] does
/// it, in a few steps.
#[inline]
fn subtract_dirty(old: u64, ptr: ExtentPtr, n: u64, t: DataType) -> Option<u64> {
    let expected = BucketMark(KNOWN).with_gen(ptr.gen_()).with_data_type(t).0;
    let there = n <= u64::from(BucketMark(old).dirty_sectors());
    // A cached pointer has other sectors.
    if (old ^ expected) & COMPARED != 0 || !there || ptr.cached() {
        return None;
    }
    let new = old.wrapping_sub(n << 16);
    Some(if new & SECTORS == 0 { new & !TYPE } else { new })
}

fn is_untyped(m: BucketMark) -> bool {
    let sectors = m.dirty_sectors() != 0 || m.cached_sectors() != 0;
    m.data_type() == DataType::NONE && sectors
}

type Region = Box<[AtomicU64; REGION]>;

/// Whether a pointer was subtracted from its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subtracted {
    /// Its sectors were there and are gone.
    Yes,
    /// A cached pointer to a bucket that was reused: it counts for nothing.
    Stale,
    /// The bucket is not as the pointer says.
    No,
    /// The bucket is one of another walk.
    Elsewhere,
}

/// The words of a member.
#[derive(Debug)]
pub(super) struct DevRemaining {
    geometry: Geometry,
    bucket_size: BucketSize,
    /// Those that are counted in this walk.
    span: Range<u64>,
    /// Number of the first region.
    first: u64,
    regions: Vec<OnceLock<Region>>,
    online: bool,
}

impl DevRemaining {
    /// Where the region of a bucket is noted.
    #[inline]
    fn slot(&self, bucket: u64) -> Option<&OnceLock<Region>> {
        // Those before the first come to lie far behind the last.
        self.regions.get(index((bucket >> REGION_BITS).wrapping_sub(self.first)))
    }

    #[inline]
    fn word(&self, bucket: u64) -> Option<&AtomicU64> {
        self.slot(bucket)?.get()?.get(index(bucket) % REGION)
    }

    /// The bucket that a pointer leads to.
    pub(super) fn bucket_of(&self, ptr: ExtentPtr) -> u64 {
        self.bucket_size.bucket_nr(ptr.offset())
    }

    /// Whether another walk counts a bucket.
    fn is_elsewhere(&self, bucket: u64) -> bool {
        self.geometry.has(bucket) && !self.span.contains(&bucket)
    }

    /// Subtracts `n` sectors, not 0, of a dirty pointer to so many sectors of data from its
    /// bucket, if the pointer is valid and the bucket has them: one that has a key is in
    /// use.
    /// `alone`: no other thread does so meanwhile.
    #[inline(always)]
    pub(super) fn subtract_whole(&self, ptr: ExtentPtr, sectors: u32, n: u32, alone: bool) -> bool {
        let bucket = self.bucket_size.bucket_nr(ptr.offset());
        let Some(word) = self.word(bucket) else { return false };
        if !self.bucket_size.is_within(ptr.offset(), sectors, bucket) {
            return false;
        }
        let mut old = word.load(Relaxed);
        loop {
            let Some(new) = subtract_dirty(old, ptr, u64::from(n), DataType::USER) else {
                return false;
            };
            if alone {
                word.store(new, Relaxed);
                return true;
            }
            match word.compare_exchange_weak(old, new, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => old = now,
            }
        }
    }

    #[cold]
    fn without_word(&self, bucket: u64) -> Subtracted {
        if self.is_elsewhere(bucket) { Subtracted::Elsewhere } else { Subtracted::No }
    }

    /// The word of a bucket; makes its region if there is none yet.
    fn make(&self, bucket: u64) -> Option<&AtomicU64> {
        let slot = self.slot(bucket)?;
        if slot.get().is_none() {
            // Another thread may have been faster: its region counts.
            let _other = slot.set(region()?);
        }
        self.word(bucket)
    }

    /// Regions that hold something, by their first bucket.
    fn held(&self) -> impl Iterator<Item = (u64, &Region)> {
        let first = self.first << REGION_BITS;
        let regions = self.regions.iter().zip((first..).step_by(REGION));
        regions.filter_map(|(slot, first)| Some((first, slot.get()?)))
    }

    fn words(&self) -> impl Iterator<Item = (u64, &AtomicU64)> {
        self.held().flat_map(|(first, region)| (first..).zip(region.iter()))
    }
}

fn region() -> Option<Region> {
    let mut words = Vec::new();
    words.try_reserve_exact(REGION).ok()?;
    words.resize_with(REGION, || AtomicU64::new(0));
    words.into_boxed_slice().try_into().ok()
}

/// The words of all members.
#[derive(Debug)]
pub(super) struct Remaining {
    devs: Vec<Option<DevRemaining>>,
}

impl Remaining {
    /// For the buckets of a part; no regions yet.
    pub(super) fn new(fs: &Fs, part: &Part) -> Option<Self> {
        let mut devs = Vec::new();
        for (idx, dev) in fs.devices.iter().enumerate() {
            let Some(dev) = dev else {
                devs.push(None);
                continue;
            };
            let geometry = dev.geometry();
            let span = part.span(idx);
            let first = span.start >> REGION_BITS;
            let nr = index(span.end.div_ceil(number(REGION)).saturating_sub(first));
            let mut regions = Vec::new();
            regions.try_reserve_exact(nr).ok()?;
            regions.resize_with(nr, OnceLock::new);
            let bucket_size = BucketSize::new(u64::from(geometry.bucket_size));
            let online = dev.online.is_some();
            devs.push(Some(DevRemaining { geometry, bucket_size, span, first, regions, online }));
        }
        Some(Self { devs })
    }

    pub(super) fn dev(&self, dev: u8) -> Option<&DevRemaining> {
        self.devs.get(usize::from(dev))?.as_ref()
    }

    /// Whether another walk counts a bucket.
    pub(super) fn is_elsewhere(&self, dev: u8, bucket: u64) -> bool {
        self.dev(dev).is_some_and(|d| d.is_elsewhere(bucket))
    }

    /// Whether keys of the alloc btree in a range can be those of buckets counted here.
    pub(super) fn meets(&self, keys: &RangeInclusive<Bpos>) -> bool {
        (0_u64..).zip(&self.devs).filter_map(|(i, dev)| Some((i, dev.as_ref()?))).any(|(i, dev)| {
            let Range { start, end } = dev.span;
            start < end && *keys.start() < Bpos::new(i, end) && *keys.end() >= Bpos::new(i, start)
        })
    }

    /// Subtracts the sectors of a pointer from its bucket; `alone`: no other thread
    /// does so meanwhile.
    #[inline]
    pub(super) fn subtract(&self, ptr: ExtentPtr, n: i64, t: DataType, alone: bool) -> Subtracted {
        let Some(dev) = self.dev(ptr.dev()) else { return Subtracted::No };
        let bucket = dev.bucket_size.bucket_nr(ptr.offset());
        let Some(word) = dev.word(bucket) else { return dev.without_word(bucket) };
        let mut old = word.load(Relaxed);
        loop {
            if old & KNOWN == 0 {
                return Subtracted::No;
            }
            let new = match count_pointer(BucketMark(old), ptr, n.wrapping_neg(), t) {
                Ok(Some(new)) => new.0,
                Ok(None) => return Subtracted::Stale,
                Err(_) => return Subtracted::No,
            };
            if alone {
                word.store(new, Relaxed);
                return Subtracted::Yes;
            }
            match word.compare_exchange_weak(old, new, Relaxed, Relaxed) {
                Ok(_) => return Subtracted::Yes,
                Err(now) => old = now,
            }
        }
    }

    /// Subtracts sectors of a superblock or the journal from their bucket.
    pub(super) fn subtract_metadata(
        &self,
        dev: u8,
        bucket: u64,
        t: DataType,
        sectors: u32,
    ) -> bool {
        if self.is_elsewhere(dev, bucket) {
            return true;
        }
        let Some(word) = self.dev(dev).and_then(|d| d.word(bucket)) else { return false };
        let old = BucketMark(word.load(Relaxed));
        let left = u32::from(old.dirty_sectors()).checked_sub(sectors);
        let Some(left) = left.and_then(|n| u16::try_from(n).ok()) else { return false };
        if old.data_type() != t || old.0 & KNOWN == 0 {
            return false;
        }
        let t = if left == 0 && old.cached_sectors() == 0 { DataType::NONE } else { t };
        word.store(old.with_dirty_sectors(left).with_data_type(t).0, Relaxed);
        true
    }

    /// Usage of each member as its words say before anything is taken.
    pub(super) fn says(&self) -> impl Iterator<Item = DevUsage> + '_ {
        self.devs.iter().map(|dev| {
            let Some(dev) = dev else { return DevUsage::default() };
            let marks = dev.words().map(|(_, word)| BucketMark(word.load(Relaxed)));
            dev_usage_from_buckets(dev.geometry, marks).0
        })
    }

    /// Buckets of all members whose words fulfil a condition.
    fn buckets_where(
        &self,
        condition: impl Fn(BucketMark) -> bool + Copy,
    ) -> impl Iterator<Item = (u8, u64)> {
        let devs = (0_u8..).zip(&self.devs).filter_map(|(i, dev)| Some((i, dev.as_ref()?)));
        devs.flat_map(move |(i, dev)| {
            let words = dev.words().map(|(b, word)| (b, BucketMark(word.load(Relaxed))));
            words.filter(move |(_, m)| condition(*m)).map(move |(b, _)| (i, b))
        })
    }

    /// Buckets that have sectors of no type: pointers of any would take them.
    pub(super) fn untyped(&self) -> impl Iterator<Item = (u8, u64)> {
        self.buckets_where(is_untyped)
    }

    /// Buckets of which something is left.
    pub(super) fn with_remainder(&self) -> impl Iterator<Item = (u8, u64)> {
        self.buckets_where(|m| m.0 & LEFT != 0)
    }

    /// Usage of each member as its words say before anything is taken, and what
    /// they add to `hidden`; `None` where a word cannot be right.
    pub(super) fn usage(&self) -> Option<(Vec<DevUsage>, u64)> {
        let mut hidden = 0_u64;
        let mut usage = Vec::new();
        for dev in &self.devs {
            let Some(dev) = dev else {
                usage.push(DevUsage::default());
                continue;
            };
            let mut possible = true;
            let marks = dev.words().map(|(_, word)| {
                let m = BucketMark(word.load(Relaxed) & (LEFT | 0xff));
                possible &= !is_untyped(m);
                m
            });
            let (of_dev, h) = dev_usage_from_buckets(dev.geometry, marks);
            if !possible {
                return None;
            }
            usage.push(of_dev);
            hidden = hidden.wrapping_add(h);
        }
        Some((usage, hidden))
    }

    /// Whether nothing is left anywhere. Superblocks and journal of members that
    /// are not there stay as the alloc btree has them.
    pub(super) fn nothing_remains(&self) -> bool {
        self.devs.iter().flatten().all(|dev| {
            let even = |word: &AtomicU64| {
                let m = BucketMark(word.load(Relaxed));
                m.0 & LEFT == 0
                    || !dev.online && matches!(m.data_type(), DataType::SB | DataType::JOURNAL)
            };
            // A region at a time: as one chain of all words this was compiled well or badly
            // with changes elsewhere, and it is asked for every bucket.
            dev.held().all(|(_, region)| region.iter().all(even))
        })
    }
}

impl Buckets for Remaining {
    fn geometry(&self, dev: u8) -> Option<Geometry> {
        Some(self.dev(dev)?.geometry)
    }

    fn mark(&self, dev: u8, bucket: u64) -> Option<&AtomicU64> {
        self.dev(dev)?.make(bucket)
    }

    fn live_gen(&self, dev: u8, bucket: u64) -> Option<u8> {
        Some(BucketMark(self.dev(dev)?.word(bucket)?.load(Relaxed)).gen_())
    }

    fn set_alloc(&self, dev: u8, bucket: u64, _io_time: [u16; 2], _oldest_gen: u8) {
        if let Some(word) = self.dev(dev).and_then(|d| d.word(bucket)) {
            word.fetch_or(KNOWN, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: `count_pointer`, over generations, types, flags and counts at the edge.
    #[test]
    fn what_is_subtracted_is_what_counting_leaves() {
        let mut parts = 0;
        for (raw, gen_) in (0..64_u64).flat_map(|raw| [6_u8, 7, 8].map(|g| (raw, g))) {
            for (dirty, cached) in [(0, 0), (1, 0), (8, 0), (8, 3), (0xffff, 0xffff)] {
                let old = BucketMark(raw << 8 | 0x1234 << 48 | 7 | KNOWN)
                    .with_dirty_sectors(dirty)
                    .with_cached_sectors(cached);
                for n in [1_u16, 7, 8, 9, 0xfffe, 0xffff] {
                    for (t, c) in [(3, false), (4, false), (4, true)] {
                        let ptr = ExtentPtr::new(0, 8, gen_).with_cached(c);
                        let want = count_pointer(old, ptr, -i64::from(n), DataType(t));
                        if let Some(got) = subtract_dirty(old.0, ptr, n.into(), DataType(t)) {
                            parts += 1;
                            assert_eq!(want, Ok(Some(BucketMark(got))));
                        }
                    }
                }
            }
        }
        assert!(parts > 100);
    }
}
