// SPDX-License-Identifier: GPL-2.0-only
//! Ranges of buckets, one a walk, where not all of them fit in memory at once.
//!
//! How much a range takes follows from how many regions of it hold something: counted
//! by stretch of buckets in one reading of the alloc btree.

use super::alloc::Counter;
use super::level::Pool;
use super::marker::Context;
use super::remaining::{REGION_BITS, REGION_BYTES, Remaining, SLOT_BYTES};
use super::{Observer, Options, Run};
use crate::fs::Fs;
use crate::reason::{Reason, Rule, Unusual};
use crate::recovery::Begun;
use std::ops::Range;

/// Stretches of a file system, about.
const STRETCHES: u64 = 4096;
/// More walks than this are refused.
const WALKS: usize = 64;

/// Buckets of each member, by index, that are counted in one walk. The ends are those
/// of regions, or of the member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    spans: Vec<Range<u64>>,
}

impl Part {
    /// All of them.
    #[must_use]
    pub fn whole(fs: &Fs) -> Self {
        let all = |d: &Option<crate::fs::Device>| 0..d.as_ref().map_or(0, |d| d.member.nbuckets);
        Self { spans: fs.devices.iter().map(all).collect() }
    }

    /// Those of one member.
    pub(super) fn span(&self, dev: usize) -> Range<u64> {
        self.spans.get(dev).cloned().unwrap_or_default()
    }
}

/// What the words of all buckets take: for each stretch, how many of its regions hold
/// something.
#[derive(Debug, Clone)]
pub struct Held {
    /// Buckets of a stretch as a power of two.
    bits: u32,
    /// By member and stretch.
    regions: Vec<Vec<u32>>,
    nbuckets: Vec<u64>,
    /// Buckets that hold something.
    buckets: u64,
}

/// A stretch: its member, and its place there.
type Stretch = (usize, u64);

impl Held {
    /// As if every bucket held something.
    #[must_use]
    pub fn full(fs: &Fs) -> Self {
        let mut held = Self::none(fs);
        for (dev, nbuckets) in held.nbuckets.iter().enumerate() {
            let regions = held.regions.get_mut(dev).into_iter().flatten();
            for (n, first) in regions.zip((0..*nbuckets).step_by(1 << held.bits)) {
                let buckets = nbuckets.saturating_sub(first).min(1 << held.bits);
                *n = u32::try_from(buckets.div_ceil(1 << REGION_BITS)).unwrap_or(u32::MAX);
            }
        }
        held
    }

    /// As the alloc btree says.
    ///
    /// # Errors
    /// The first thing that the fast path does not cover.
    pub fn count(
        begun: &Begun,
        options: Options,
        observer: &mut dyn Observer,
    ) -> Result<Self, Reason> {
        let remaining = Remaining::new(&begun.fs, &Part::default()).ok_or(Rule::NoMemory)?;
        let context = Context::new(begun, &remaining, options.threads);
        let pool = Pool { context, journal: &begun.journal, threads: options.threads };
        let none = Self::none(&begun.fs);
        let counters = Run { begun, pool }.alloc(|| Some(Counter::new(none.clone())), observer);
        let mut sum = none;
        for counter in counters.map_err(Unusual::into_reason)? {
            sum.add(&counter.held);
        }
        Ok(sum)
    }

    fn none(fs: &Fs) -> Self {
        let nbuckets: Vec<u64> =
            fs.devices.iter().map(|d| d.as_ref().map_or(0, |d| d.member.nbuckets)).collect();
        let all = nbuckets.iter().copied().fold(0, u64::saturating_add);
        let bits = all.div_ceil(STRETCHES).next_power_of_two().trailing_zeros();
        let bits = bits.max(REGION_BITS);
        let regions = nbuckets.iter().map(|n| vec![0; stretches(*n, bits)]).collect();
        Self { bits, regions, nbuckets, buckets: 0 }
    }

    /// One more bucket that holds something.
    pub(super) fn bucket(&mut self) {
        self.buckets = self.buckets.saturating_add(1);
    }

    /// How many buckets hold something: 0 where they were not counted.
    #[must_use]
    pub const fn buckets(&self) -> u64 {
        self.buckets
    }

    /// One more region that holds something, of which this is a bucket.
    pub(super) fn region(&mut self, dev: u64, bucket: u64) -> Result<(), Unusual> {
        let dev = usize::try_from(dev).map_err(|_| Rule::AllocKey)?;
        let stretch = gc_disk::bytes::index(bucket.wrapping_shr(self.bits));
        let n = self.regions.get_mut(dev).and_then(|d| d.get_mut(stretch));
        let n = n.ok_or(Rule::AllocKey)?;
        *n = n.saturating_add(1);
        Ok(())
    }

    fn add(&mut self, other: &Self) {
        self.buckets = self.buckets.saturating_add(other.buckets);
        for (to, from) in self.regions.iter_mut().flatten().zip(other.regions.iter().flatten()) {
            *to = to.saturating_add(*from);
        }
    }

    /// Each stretch with the bytes it takes.
    fn each(&self) -> impl Iterator<Item = (Stretch, u64)> + '_ {
        let slots = SLOT_BYTES.wrapping_shl(self.bits.saturating_sub(REGION_BITS));
        // A node may begin within a region that another ends in; no more is there.
        let most = 1_u64.wrapping_shl(self.bits.saturating_sub(REGION_BITS));
        self.regions.iter().enumerate().flat_map(move |(dev, regions)| {
            (0_u64..).zip(regions).map(move |(i, n)| {
                let held = u64::from(*n).min(most).saturating_mul(REGION_BYTES);
                ((dev, i), held.saturating_add(slots))
            })
        })
    }

    /// Bytes that all of it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.each().map(|(_, bytes)| bytes).fold(0, u64::saturating_add)
    }

    /// Ranges that take at most so many bytes each, the least number of them; `None`
    /// where that cannot be, or not in a bearable number of walks.
    #[must_use]
    pub fn parts(&self, bytes: u64) -> Option<Vec<Part>> {
        let mut parts: Vec<Part> = Vec::new();
        let mut left = 0;
        for ((dev, i), needs) in self.each() {
            if needs > left || parts.is_empty() {
                if needs > bytes || parts.len() == WALKS {
                    return None;
                }
                parts.push(Part { spans: vec![0..0; self.nbuckets.len()] });
                left = bytes;
            }
            left = left.saturating_sub(needs);
            let nbuckets = self.nbuckets.get(dev).copied().unwrap_or(0);
            let edge = |i: u64| i.saturating_mul(1 << self.bits).min(nbuckets);
            let span = parts.last_mut().and_then(|p| p.spans.get_mut(dev))?;
            if span.is_empty() {
                span.start = edge(i);
            }
            span.end = edge(i.saturating_add(1));
        }
        Some(parts)
    }

    /// The least number of bytes that [`Held::parts`] can do with.
    #[must_use]
    pub fn least(&self) -> u64 {
        let (mut no, mut yes) = (0, self.bytes());
        while yes.saturating_sub(no) > 1 {
            let half = no.midpoint(yes);
            if self.parts(half).is_some() { yes = half } else { no = half }
        }
        yes
    }
}

fn stretches(nbuckets: u64, bits: u32) -> usize {
    gc_disk::bytes::index(nbuckets.div_ceil(1 << bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(nbuckets: &[u64], bits: u32) -> Held {
        let regions = nbuckets.iter().map(|n| vec![0; stretches(*n, bits)]).collect();
        Held { bits, regions, nbuckets: nbuckets.to_vec(), buckets: 0 }
    }

    // Oracle: each bucket lies in exactly one part, and parts take what is allowed.
    #[test]
    fn every_bucket_lies_in_one_part() {
        let nbuckets = [1000, 0, 77, 32, 5000];
        let mut h = held(&nbuckets, 6);
        for (dev, bucket) in [(0, 5), (0, 999), (0, 40), (2, 76), (4, 0), (4, 4999), (4, 4950)] {
            h.region(dev, bucket).unwrap();
        }
        assert_eq!(h.region(1, 0), Err(Rule::AllocKey.into()));
        assert_eq!(h.region(9, 0), Err(Rule::AllocKey.into()));
        assert_eq!(h.bytes(), 7 * REGION_BYTES + (16 + 2 + 1 + 79) * 2 * SLOT_BYTES);
        let least = h.least();
        assert!(h.parts(least - 1).is_none());
        for bytes in [least, least + 100, h.bytes() / 3, h.bytes() / 2, h.bytes()] {
            let parts = h.parts(bytes).unwrap();
            assert_eq!(parts.len() == 1, bytes == h.bytes());
            for (dev, nbuckets) in nbuckets.iter().enumerate() {
                let mut end = 0;
                for span in parts.iter().map(|p| p.span(dev)).filter(|s| !s.is_empty()) {
                    assert_eq!(span.start, end);
                    assert_eq!(span.start % 32, 0);
                    end = span.end;
                }
                assert_eq!(end, *nbuckets);
            }
        }
    }
}
