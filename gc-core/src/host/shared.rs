// SPDX-License-Identifier: GPL-2.0-only
//! Memory that a host lends and others write: atomics only, never `&mut`.

use crate::layout::Bucket;
use crate::layout::usage::FS_USAGE_U64S;
use crate::sync::AtomicU32;
use core::sync::atomic::{AtomicU64, Ordering};

/// Words of a gc position.
pub const GC_POS_WORDS: usize = 7;

/// A gc position as other threads read it: the sequence word and the words of
/// `struct gc_pos`.
#[derive(Debug, Clone, Copy)]
pub struct GcPosCell<'a> {
    /// Odd while a write is under way.
    pub seq: &'a AtomicU32,
    /// The position.
    pub words: &'a [AtomicU32; GC_POS_WORDS],
}

/// Buckets of a device, from number 0 on; or some of them.
#[derive(Debug, Clone, Copy)]
pub struct Buckets<'a> {
    buckets: &'a [Bucket],
    some: Option<Listed<'a>>,
}

/// Which buckets there are.
#[derive(Debug, Clone, Copy)]
struct Listed<'a> {
    numbers: &'a [u64],
    other: &'a Bucket,
}

impl<'a> Buckets<'a> {
    /// Buckets from number 0 on.
    #[must_use]
    pub const fn new(buckets: &'a [Bucket]) -> Self {
        Self { buckets, some: None }
    }

    /// The buckets with these numbers, which ascend. Of all others the host knows that
    /// nothing would be found: `other` stands for each of them, and is never compared.
    #[must_use]
    pub const fn some(numbers: &'a [u64], buckets: &'a [Bucket], other: &'a Bucket) -> Self {
        Self { buckets, some: Some(Listed { numbers, other }) }
    }

    /// The bucket, `None` past the end.
    #[inline]
    #[must_use]
    pub fn get(&self, b: u64) -> Option<&'a Bucket> {
        match self.some {
            None => self.buckets.get(usize::try_from(b).ok()?),
            Some(some) => self.one_of(some, b),
        }
    }

    #[cold]
    fn one_of(&self, some: Listed<'a>, b: u64) -> Option<&'a Bucket> {
        match some.numbers.binary_search(&b) {
            Ok(i) => self.buckets.get(i),
            Err(_) => Some(some.other),
        }
    }

    /// Numbers of the buckets, where only some are here.
    #[inline]
    #[must_use]
    pub fn numbers(&self) -> Option<&'a [u64]> {
        self.some.map(|some| some.numbers)
    }

    /// All of them that are here.
    #[inline]
    #[must_use]
    pub const fn as_slice(&self) -> &'a [Bucket] {
        self.buckets
    }
}

/// Words of a file-system usage: 11, then one for each replicas entry.
#[derive(Debug, Clone, Copy)]
pub struct UsageWords<'a> {
    words: &'a [AtomicU64],
}

impl<'a> UsageWords<'a> {
    /// From all words.
    #[must_use]
    pub const fn new(words: &'a [AtomicU64]) -> Self {
        Self { words }
    }

    /// Word `i`; 0 past the end.
    #[inline]
    #[must_use]
    pub fn get(&self, i: usize) -> u64 {
        self.words.get(i).map_or(0, |w| w.load(Ordering::Relaxed))
    }

    /// Sets word `i`, if there is one.
    #[inline]
    pub fn set(&self, i: usize, value: u64) {
        if let Some(w) = self.words.get(i) {
            w.store(value, Ordering::Relaxed);
        }
    }

    /// Number of words for replicas entries.
    #[must_use]
    pub fn replicas(&self) -> usize {
        self.words.len().saturating_sub(FS_USAGE_U64S)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: each bucket by its number.
    #[test]
    fn some_buckets() {
        let buckets = [Bucket::default(), Bucket::default(), Bucket::default()];
        let other = Bucket::default();
        let same = |a: Option<&Bucket>, b: &Bucket| a.is_some_and(|a| core::ptr::eq(a, b));
        let all = Buckets::new(&buckets);
        assert!(same(all.get(1), &buckets[1]) && all.get(3).is_none() && all.numbers().is_none());
        let some = Buckets::some(&[4, 70, 71], &buckets, &other);
        assert!(same(some.get(70), &buckets[1]) && same(some.get(71), &buckets[2]));
        assert!(same(some.get(5), &other) && same(some.get(u64::MAX), &other));
        assert_eq!((some.numbers(), some.as_slice().len()), (Some(&[4, 70, 71][..]), 3));
    }
}
