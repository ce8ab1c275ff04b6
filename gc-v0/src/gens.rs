// SPDX-License-Identifier: GPL-2.0-only
//! How near generations are to their wrap, and which pointers keep them from moving.

use crate::files::{FilePart, Sharers, inode, span};
use crate::host::{Image, Met};
use crate::key::Key;
use crate::paths::Paths;
use core::ops::ControlFlow;
use gc_core::accounting::{gc_gen, ptr_stale};
use gc_core::layout::{BtreeId, ExtentPtr, POS_MAX, POS_MIN};
use std::collections::HashSet;
use std::sync::atomic::Ordering;

/// Distance at which a bucket may not be used anew any more (source:
/// `BUCKET_GC_GEN_MAX`).
pub const LIMIT: u8 = 96;
/// Distance at which the allocator asks for oldest generations to be recomputed.
pub const NEAR: u8 = LIMIT / 2;

/// Least distances of the ranges that are told apart.
pub const RANGES: [u8; 8] = [0, 1, 8, 16, 32, NEAR, 72, LIMIT];

/// Buckets of a device by the distance of their generation from the oldest that a
/// pointer into them has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Distances {
    /// Number of buckets for each of [`RANGES`].
    pub buckets: [u64; 8],
    /// The greatest distance, and the first bucket that has it.
    pub worst: (u8, u64),
}

impl Distances {
    /// Of a device as it is now.
    #[must_use]
    pub fn of(dev: &crate::fs::Device) -> Self {
        let mut this = Self::default();
        for (i, b) in (0_u64..).zip(&dev.buckets) {
            let gen_ = b.load_mark(Ordering::Relaxed).gen_();
            this.add(i, gc_gen(gen_, b.oldest_gen.load(Ordering::Relaxed)));
        }
        this
    }

    fn add(&mut self, bucket: u64, distance: u8) {
        let range = RANGES.iter().rposition(|least| *least <= distance).unwrap_or(0);
        if let Some(n) = self.buckets.get_mut(range) {
            *n = n.saturating_add(1);
        }
        if distance > self.worst.0 {
            self.worst = (distance, bucket);
        }
    }
}

/// A pointer that is behind its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StalePointer {
    /// How many generations.
    pub behind: u8,
    /// Number of its bucket.
    pub bucket: u64,
    /// The pointer.
    pub ptr: ExtentPtr,
    /// Its btree.
    pub btree: BtreeId,
    /// Its key.
    pub key: Key,
    /// The files it belongs to, the first few.
    pub files: Vec<FilePart>,
}

/// Pointers that are behind their buckets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// Cached ones: void, and as it should be.
    pub cached: u64,
    /// Others: their data is gone.
    pub dirty: u64,
    /// The oldest, the oldest first.
    pub oldest: Vec<StalePointer>,
    /// Nodes that cannot be read.
    pub unreadable: u64,
}

impl Stale {
    /// Looks at all pointers to data and keeps the oldest `keep`.
    #[must_use]
    pub fn of(image: &Image<'_>, keep: usize) -> Self {
        let mut this = Self::default();
        for id in [BtreeId::EXTENTS, BtreeId::EC, BtreeId::REFLINK] {
            let _whole = image.survey(id, POS_MIN..=POS_MAX, &mut |met| {
                match met {
                    Met::Key { level: 0, key, .. } => {
                        for ptr in key.pointers() {
                            let Some(dev) = image.fs().device(ptr.dev()) else { continue };
                            let bucket = dev.geometry().bucket_nr(ptr.offset());
                            let Some(gen_) = dev.gen_of(bucket) else { continue };
                            let behind = ptr_stale(gen_, ptr.gen_());
                            if behind > 0 {
                                this.add((behind, bucket, ptr, id), keep, || Key::of(key));
                            }
                        }
                    }
                    Met::Key { .. } => {}
                    Met::Unreadable { .. } => this.unreadable = this.unreadable.saturating_add(1),
                }
                ControlFlow::Continue(())
            });
        }
        this.name(image);
        this
    }

    fn add(
        &mut self,
        (behind, bucket, ptr, btree): (u8, u64, ExtentPtr, BtreeId),
        keep: usize,
        key: impl FnOnce() -> Key,
    ) {
        let nr = if ptr.cached() { &mut self.cached } else { &mut self.dirty };
        *nr = nr.saturating_add(1);
        // Of equal ones the first stay.
        let at = self.oldest.partition_point(|s| s.behind >= behind);
        if at < keep {
            let (key, files) = (key(), Vec::new());
            self.oldest.insert(at, StalePointer { behind, bucket, ptr, btree, key, files });
            self.oldest.truncate(keep);
        }
    }

    fn name(&mut self, image: &Image<'_>) {
        let of = |id: BtreeId| self.oldest.iter().filter(move |s| s.btree == id);
        let ranges: HashSet<_> = of(BtreeId::REFLINK).map(|s| span(s.key.as_ref())).collect();
        let sharers = Sharers::of(image, ranges);
        let mut inodes: HashSet<u64> = of(BtreeId::EXTENTS).map(|s| { s.key.k.p }.inode).collect();
        inodes.extend(sharers.inodes());
        let paths = Paths::of(image, &inodes);
        let part = |(i, start, sectors): (u64, u64, u64)| FilePart {
            inode: i,
            info: inode(image, i),
            start,
            sectors,
            name: paths.name(i),
        };
        for s in &mut self.oldest {
            let (start, end) = span(s.key.as_ref());
            let own = ({ s.key.k.p }.inode, start, end.saturating_sub(start));
            s.files = match s.btree {
                BtreeId::EXTENTS => vec![part(own)],
                BtreeId::REFLINK => sharers.get((start, end)).0.iter().map(|r| part(*r)).collect(),
                _ => Vec::new(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: ranges and the worst bucket, by hand.
    #[test]
    fn ranges() {
        let mut d = Distances::default();
        for (bucket, distance) in [0, 0, 1, 7, 8, 47, 48, 95, 96, 255, 96].into_iter().enumerate() {
            d.add(u64::try_from(bucket).unwrap(), distance);
        }
        assert_eq!(d.buckets, [2, 2, 1, 0, 1, 1, 1, 3]);
        assert_eq!(d.worst, (255, 9));
    }
}
