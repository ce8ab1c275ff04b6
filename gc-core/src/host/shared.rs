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

/// Buckets of a device, from number 0 on.
#[derive(Debug, Clone, Copy)]
pub struct Buckets<'a> {
    buckets: &'a [Bucket],
}

impl<'a> Buckets<'a> {
    /// Buckets from number 0 on.
    #[must_use]
    pub const fn new(buckets: &'a [Bucket]) -> Self {
        Self { buckets }
    }

    /// The bucket, `None` past the end.
    #[inline]
    #[must_use]
    pub fn get(&self, b: u64) -> Option<&'a Bucket> {
        self.buckets.get(usize::try_from(b).ok()?)
    }

    /// All of them.
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
