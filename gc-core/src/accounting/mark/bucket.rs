// SPDX-License-Identifier: GPL-2.0-only
//! Counting buckets that no key points to, and what alloc keys say of them.

use super::{Ctx, MarkError, Sink, Trigger, with_journal_seq};
use crate::accounting::device::{Buckets, Geometry, change};
use crate::accounting::replicas::Entry;
use crate::accounting::stripes::Stripes;
use crate::accounting::usage::is_available;
use crate::bkey::KeyRef;
use crate::bkey::alloc_key::AllocFields;
use crate::finding::{BadReference, BucketPlace, Finding, Marking};
use crate::layout::btree::{
    BTREE_TRIGGER_ALLOC_READ, BTREE_TRIGGER_BUCKET_INVALIDATE, BTREE_TRIGGER_GC,
};
use crate::layout::{BucketMark, DataType};
use core::sync::atomic::{AtomicU64, Ordering};

impl<B, T, S> Ctx<'_, B, T, S>
where
    B: Buckets + ?Sized,
    T: Stripes + ?Sized,
    S: Sink + ?Sized,
{
    fn find(&self, dev: u8, bucket: u64) -> Result<(Geometry, &'_ AtomicU64), BadReference> {
        let Some(geometry) = self.buckets.geometry(dev) else {
            return Err(BadReference::NoDevice { dev: u64::from(dev) });
        };
        let cell = geometry.has(bucket).then(|| self.buckets.mark(dev, bucket)).flatten();
        let place = BucketPlace { dev: u32::from(dev), bucket };
        Ok((geometry, cell.ok_or(BadReference::NoBucket(place))?))
    }

    /// Counts sectors of a superblock or journal in a bucket, whatever it held.
    /// Two types in one bucket and a full counter are logged and do not stop it
    /// (source: `__bch2_mark_metadata_bucket`).
    ///
    /// # Errors
    /// Only a device or bucket that is not there.
    pub fn mark_metadata_bucket(
        &mut self,
        dev: u8,
        bucket: u64,
        data_type: DataType,
        sectors: u32,
    ) -> Result<(), MarkError> {
        let (geometry, cell) = match self.find(dev, bucket) {
            Ok(found) => found,
            Err(what) => return Err(self.bad(what, None)),
        };
        let sum = |m: BucketMark| u16::try_from(u32::from(m.dirty_sectors()).wrapping_add(sectors));
        let (old, new) = change(cell, |m| {
            m.with_data_type(data_type).with_dirty_sectors(sum(m).unwrap_or(u16::MAX))
        });
        let place = BucketPlace { dev: u32::from(dev), bucket };
        let (got, now) = (old.data_type(), data_type);
        if got != DataType::NONE && got != now {
            let m = Marking::MetadataType { place, got, now };
            self.sink.inconsistent(&Finding::Marking(m));
        }
        if sum(old).is_err() {
            let m = Marking::MetadataOverflow { place, mark: old, now, sectors };
            self.sink.inconsistent(&Finding::Marking(m));
        }
        self.bucket_changed(dev, geometry, old, new);
        Ok(())
    }

    /// Says whether the allocator has a bucket (source:
    /// `__bch2_mark_alloc_bucket`). `gc` is whether array 1 is marked.
    ///
    /// # Errors
    /// A device or bucket that is not there; in array 0 also a bucket given back
    /// that the allocator did not have.
    pub fn mark_alloc_bucket(
        &mut self,
        dev: u8,
        bucket: u64,
        owned: bool,
        gc: bool,
    ) -> Result<(), MarkError> {
        let (geometry, cell) = match self.find(dev, bucket) {
            Ok(found) => found,
            Err(what) => return Err(self.bad(what, None)),
        };
        let (old, new) = change(cell, |m| m.with_owned_by_allocator(owned));
        self.bucket_changed(dev, geometry, old, new);
        if !gc && !owned && !old.owned_by_allocator() {
            let place = BucketPlace { dev: u32::from(dev), bucket };
            return Err(self.bad(BadReference::NotOwned(place), None));
        }
        Ok(())
    }

    /// Takes an available bucket for new use: its generation moves on and its
    /// cached data is gone. Returns the mark as it was (source:
    /// `__bch2_invalidate_bucket`).
    ///
    /// # Errors
    /// A device or bucket that is not there, or a bucket in use, which stays as
    /// it is.
    pub fn invalidate_bucket(&mut self, dev: u8, bucket: u64) -> Result<BucketMark, MarkError> {
        let (geometry, cell) = match self.find(dev, bucket) {
            Ok(found) => found,
            Err(what) => return Err(self.bad(what, None)),
        };
        let reuse = |m: BucketMark| {
            m.with_owned_by_allocator(true)
                .with_data_type(DataType::NONE)
                .with_cached_sectors(0)
                .with_dirty_sectors(0)
                .with_gen(m.gen_().wrapping_add(1))
        };
        let taken = cell.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |mark| {
            let mark = BucketMark(mark);
            is_available(mark).then(|| reuse(mark).0)
        });
        let Ok(old) = taken.map(BucketMark) else {
            let place = BucketPlace { dev: u32::from(dev), bucket };
            return Err(self.bad(BadReference::NotOwned(place), None));
        };
        self.bucket_changed(dev, geometry, old, reuse(old));
        self.drop_cached(dev, old);
        Ok(old)
    }

    /// Takes the cached sectors of a bucket out of the usage.
    fn drop_cached(&mut self, dev: u8, old: BucketMark) {
        let sectors = i64::from(old.cached_sectors()).wrapping_neg();
        if sectors != 0 {
            self.usage.count(self.replicas, Entry::cached(dev).get(), sectors);
        }
    }

    /// Takes over what an alloc key says about its bucket (source:
    /// `bch2_mark_alloc`).
    pub(super) fn mark_alloc_key(&mut self, key: KeyRef<'_>, t: &Trigger) -> Result<(), MarkError> {
        let invalidate = t.has(BTREE_TRIGGER_BUCKET_INVALIDATE);
        // Mark and sweep takes the state from array 0, not from keys.
        if t.has(BTREE_TRIGGER_GC) && !invalidate {
            return Ok(());
        }
        let p = key.k.p;
        let (inode, bucket) = (p.inode, p.offset);
        let dev = u8::try_from(inode).ok();
        let Some((dev, geometry)) = dev.and_then(|d| Some((d, self.buckets.geometry(d)?))) else {
            return Err(self.bad(BadReference::NoDevice { dev: inode }, Some(key)));
        };
        if bucket >= geometry.nbuckets {
            return Ok(());
        }
        let Ok(u) = AllocFields::unpack(key) else {
            return Err(self.bad(BadReference::Value, Some(key)));
        };
        let (geometry, cell) = match self.find(dev, bucket) {
            Ok(found) => found,
            Err(what) => return Err(self.bad(what, Some(key))),
        };
        let (old, new) = change(cell, |m| {
            let m = m
                .with_gen(u.gen_)
                .with_data_type_raw(u.data_type)
                .with_dirty_sectors(u.dirty_sectors)
                .with_cached_sectors(u.cached_sectors);
            with_journal_seq(m, t.journal_seq)
        });
        if !t.has(BTREE_TRIGGER_ALLOC_READ) {
            self.bucket_changed(dev, geometry, old, new);
        }
        self.buckets.set_alloc(dev, bucket, [u.read_time, u.write_time], u.oldest_gen);
        if invalidate {
            self.drop_cached(dev, old);
        }
        Ok(())
    }
}
