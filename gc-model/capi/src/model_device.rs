// SPDX-License-Identifier: GPL-2.0-only
//! `bch_gc_model_*`: devices, buckets, what the allocator holds.

use crate::boundary::{exports, put};
use crate::fs::InFs;
use crate::header::{bch_gc_model, bch_gc_model_bucket};
use crate::model_fs::EINVAL;
use gc_core::error::code;
use gc_core::layout::{BucketMark, ExtentPtr};
use gc_host_sys::bch_dev;
use gc_model::{BucketState, Device};
use std::ffi::{c_int, c_uint};
use std::ptr;

fn to_c(s: &BucketState) -> bch_gc_model_bucket {
    bch_gc_model_bucket {
        gen_: s.mark.gen_(),
        data_type: s.mark.data_type_raw(),
        owned_by_allocator: s.mark.owned_by_allocator(),
        stripe: s.mark.stripe(),
        journal_seq_valid: s.mark.journal_seq_valid(),
        gen_valid: s.gen_valid,
        oldest_gen: s.oldest_gen,
        gc_gen: s.gc_gen,
        dirty_sectors: s.mark.dirty_sectors(),
        cached_sectors: s.mark.cached_sectors(),
        journal_seq: s.mark.journal_seq(),
    }
}

fn from_c(b: &bch_gc_model_bucket) -> BucketState {
    BucketState {
        mark: BucketMark(0)
            .with_gen(b.gen_)
            .with_data_type_raw(b.data_type)
            .with_owned_by_allocator(b.owned_by_allocator)
            .with_stripe(b.stripe)
            .with_journal_seq_valid(b.journal_seq_valid)
            .with_dirty_sectors(b.dirty_sectors)
            .with_cached_sectors(b.cached_sectors)
            .with_journal_seq(b.journal_seq),
        oldest_gen: b.oldest_gen,
        gc_gen: b.gc_gen,
        gen_valid: b.gen_valid,
    }
}

fn get(dev: Option<&Device>, bucket: u64, out: *mut bch_gc_model_bucket) -> c_int {
    let Some(state) = dev.and_then(|d| d.bucket(bucket)) else { return EINVAL };
    // SAFETY: the callers pass on NULL or a place for it.
    if unsafe { put(out, to_c(&state)) } { 0 } else { EINVAL }
}

/// Numbers that C passes.
///
/// # Safety
/// `all` is NULL or `nr` numbers.
unsafe fn numbers<'a>(all: *const u64, nr: usize) -> Option<&'a [u64]> {
    if all.is_null() {
        return (nr == 0).then_some(&[]);
    }
    // SAFETY: as the caller says.
    Some(unsafe { std::slice::from_raw_parts(all, nr) })
}

exports! { crate::header;
    fn bch_gc_model_nbuckets(m: *mut bch_gc_model, dev: c_uint) -> u64 = 0 => {
        m.model.member(dev).map_or(0, |d| d.geometry().nbuckets)
    };
    fn bch_gc_model_bucket_get(
        m: *mut bch_gc_model,
        dev: c_uint,
        bucket: u64,
        out: *mut bch_gc_model_bucket,
    ) -> c_int = EINVAL => get(m.model.member(dev), bucket, out);
    fn bch_gc_model_reader_bucket(
        m: *mut bch_gc_model,
        dev: c_uint,
        bucket: u64,
        out: *mut bch_gc_model_bucket,
    ) -> c_int = EINVAL => get(m.model.member(dev), bucket, out);
    fn bch_gc_model_bucket_set(
        m: *mut bch_gc_model,
        dev: c_uint,
        bucket: u64,
        to: *const bch_gc_model_bucket,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or a bucket.
        let to = unsafe { to.as_ref() }.map(from_c);
        let set = m.model.member(dev).zip(to).is_some_and(|(d, to)| d.set_bucket(bucket, to));
        if set { 0 } else { EINVAL }
    };
    fn bch_gc_model_bucket_alloc(
        m: *mut bch_gc_model,
        dev: c_uint,
        bucket: *mut u64,
    ) -> c_int = EINVAL => {
        match m.model.alloc_bucket(dev) {
            // SAFETY: the caller gives NULL or a place for it.
            Ok(b) => if unsafe { put(bucket, b) } { 0 } else { EINVAL },
            Err(e) => e.code(),
        }
    };
    fn bch_gc_model_reserve_push(
        m: *mut bch_gc_model,
        dev: c_uint,
        fifo: c_uint,
        bucket: u64,
    ) -> c_int = EINVAL => {
        let fifo = usize::try_from(fifo).unwrap_or(usize::MAX);
        code(m.model.push_reserve(dev, fifo, bucket))
    };
    fn bch_gc_model_reserve_clear(m: *mut bch_gc_model, dev: c_uint) -> c_int = EINVAL => {
        code(m.model.clear_reserves(dev))
    };
    fn bch_gc_model_open_bucket(
        m: *mut bch_gc_model,
        i: c_uint,
        valid: bool,
        dev: c_uint,
        sector: u64,
    ) -> c_int = EINVAL => {
        let Ok(dev) = u8::try_from(dev) else { return EINVAL };
        code(m.model.set_open_bucket(i, valid.then(|| ExtentPtr::new(dev, sector, 0))))
    };
    fn bch_gc_model_dev_add(
        m: *mut bch_gc_model,
        nbuckets: u64,
        bucket_size: u32,
    ) -> c_int = EINVAL => {
        let journal = m.model.options().journal_buckets;
        match m.model.add_device(nbuckets, bucket_size, 0, journal) {
            Ok(idx) => c_int::try_from(idx).unwrap_or(EINVAL),
            Err(e) => e.code(),
        }
    };
    fn bch_gc_model_dev_remove(m: *mut bch_gc_model, dev: c_uint) -> c_int = EINVAL => {
        code(m.model.remove_device(dev))
    };
    fn bch_gc_model_dev_resize(
        m: *mut bch_gc_model,
        dev: c_uint,
        nbuckets: u64,
    ) -> c_int = EINVAL => code(m.model.resize_device(dev, nbuckets));
    fn bch_gc_model_dev_online(
        m: *mut bch_gc_model,
        dev: c_uint,
        online: bool,
    ) -> c_int = EINVAL => code(m.model.set_online(dev, online));
    fn bch_gc_model_dev_refs(m: *mut bch_gc_model, dev: c_uint, io: bool) -> c_uint = 0 => {
        let (refs, io_refs) = m.model.member(dev).map_or((0, 0), Device::refs);
        if io { io_refs } else { refs }
    };
    fn bch_gc_model_stray_make(
        m: *mut bch_gc_model,
        nbuckets: u64,
        bucket_size: u32,
    ) -> *mut bch_dev = ptr::null_mut() => {
        let made = m.model.stray_device(nbuckets, bucket_size);
        made.map_or(ptr::null_mut(), |id| m.dev(id))
    };
    fn bch_gc_model_stray_bucket(
        ca: *mut bch_dev,
        bucket: u64,
        out: *mut bch_gc_model_bucket,
    ) -> c_int = EINVAL => get(ca.fs().model.device(ca.id), bucket, out);
    fn bch_gc_model_sb_layout_set(
        ca: *mut bch_dev,
        offsets: *const u64,
        nr: usize,
        max_size_bits: c_uint,
    ) -> c_int = EINVAL => {
        if nr > 61 {
            return EINVAL;
        }
        // SAFETY: the caller gives NULL or that many numbers.
        let offsets = unsafe { numbers(offsets, nr) };
        let dev = ca.fs().model.device(ca.id);
        let Some((dev, offsets)) = dev.zip(offsets) else { return EINVAL };
        dev.set_superblocks(offsets, max_size_bits);
        0
    };
    fn bch_gc_model_journal_buckets_set(
        ca: *mut bch_dev,
        buckets: *const u64,
        nr: usize,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or that many numbers.
        let buckets = unsafe { numbers(buckets, nr) };
        let dev = ca.fs().model.device(ca.id);
        let Some((dev, buckets)) = dev.zip(buckets) else { return EINVAL };
        dev.set_journal(buckets);
        0
    };
}
