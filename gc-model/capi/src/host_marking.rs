// SPDX-License-Identifier: GPL-2.0-only
//! `gc_host_*`: marking, stripes, usage.

use crate::boundary::{Handle, boundary, exports, held, put, things};
use crate::fs::InFs;
use crate::fs::key_of;
use gc_core::error::code;
use gc_core::host::{
    Allocator, DeviceHost, Held, MarkWrite, Marking, MetadataBucket, Side, StripeTables, Usage,
};
use gc_core::layout::{DataType, DevUsage, GcPos};
use gc_host_sys::{self as sys, bch_dev, bch_fs};
use std::ffi::{c_int, c_uint};
use std::ptr;

const EINVAL: c_int = -22;

/// # Safety
/// NULL, or a position.
unsafe fn pos_of(pos: *const sys::gc_pos) -> GcPos {
    // SAFETY: as the caller says.
    unsafe { pos.cast::<GcPos>().as_ref() }.copied().unwrap_or_default()
}

/// `gc_host_mark_metadata_bucket`, also without a file system: the device knows its
/// model.
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_mark_metadata_bucket(
    _c: *mut bch_fs,
    ca: *mut bch_dev,
    bucket: usize,
    data_type: c_uint,
    sectors: c_uint,
    pos: *const sys::gc_pos,
    flags: c_uint,
) {
    // SAFETY: the caller gives NULL or a device of this library.
    let Some(ca) = (unsafe { ca.get() }) else { return };
    // SAFETY: the caller gives NULL or a position.
    let pos = unsafe { pos_of(pos) };
    boundary(ca, "gc_host_mark_metadata_bucket", (), || {
        let number = u64::try_from(bucket).unwrap_or(u64::MAX);
        let data_type = DataType(u8::try_from(data_type).unwrap_or(u8::MAX));
        let bucket = MetadataBucket { number, data_type, sectors, pos, flags };
        ca.fs().model.mark_metadata_bucket(Some(&held!()), ca.id, &bucket);
    });
}

exports! { gc_host_sys;
    fn gc_host_mark_key(
        c: *mut bch_fs,
        k: *const sys::bkey_s_c,
        sectors: i64,
        flags: c_uint,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or a key.
        let key = unsafe { key_of(k) };
        key.map_or(EINVAL, |key| code(c.model.count_key(key, sectors, flags)))
    };
    fn gc_host_counters(c: *mut bch_fs, out: *mut sys::gc_host_counters) = () => {
        let Ok(Some(lent)) = c.model.counters() else {
            c.model.violation("counters: nothing is lent".to_owned());
            return;
        };
        let number = |n: usize| u32::try_from(n).unwrap_or(0);
        let lent = sys::gc_host_counters {
            replicas: lent.replicas.rows().as_ptr(),
            nr: number(lent.replicas.len()),
            stride: number(lent.replicas.stride()),
            btree_node_size: u32::from(lent.btree_node_size),
        };
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(out, lent) };
    };
    fn gc_host_usage_add(c: *mut bch_fs, words: *const u64, nr: c_uint) = () => {
        // SAFETY: the caller gives NULL or so many words.
        let words = unsafe { things(words, nr) };
        c.model.usage_add(words);
    };
    fn gc_host_replicas_marked(c: *mut bch_fs, k: *const sys::bkey_s_c) -> bool = true => {
        // SAFETY: the caller gives NULL or a key.
        unsafe { key_of(k) }.is_none_or(|key| c.model.replicas_marked(key))
    };
    fn gc_host_mark_replicas(c: *mut bch_fs, k: *const sys::bkey_s_c) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or a key.
        unsafe { key_of(k) }.map_or(EINVAL, |key| code(c.model.mark_replicas(key)))
    };
    fn gc_host_mark_alloc_bucket(
        c: *mut bch_fs,
        ca: *mut bch_dev,
        bucket: usize,
        owned: bool,
        pos: *const sys::gc_pos,
        flags: c_uint,
    ) = () => {
        // SAFETY: the caller gives NULL or a device of this library.
        let ca = unsafe { ca.get() };
        // SAFETY: the caller gives NULL or a position.
        let pos = unsafe { pos_of(pos) };
        if let Some(ca) = ca {
            let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
            c.model.mark_alloc_bucket(&held!(), ca.id, bucket, owned, pos, flags);
        }
    };
    fn gc_host_stripes_gc_alloc(c: *mut bch_fs) -> c_int = EINVAL => {
        code(c.model.stripes_gc_alloc())
    };
    fn gc_host_stripe_gc_slot(c: *mut bch_fs, idx: u64) -> c_int = EINVAL => {
        code(c.model.stripe_gc_slot(idx))
    };
    fn gc_host_stripes_gc_free(c: *mut bch_fs) = () => c.model.stripes_gc_free(&held!());
    fn gc_host_stripe_next(
        c: *mut bch_fs,
        idx: *mut usize,
        live: *mut *mut sys::stripe,
        gc: *mut *mut sys::stripe,
    ) -> bool = false => {
        c.model.note_stripe_next();
        // SAFETY: the caller gives NULL or an index.
        let from = unsafe { idx.as_ref() }.copied().unwrap_or(0);
        match c.model.stripe_slots(u64::try_from(from).unwrap_or(u64::MAX)) {
            Some((at, live_slot, gc_slot)) => {
                // SAFETY: the caller gives NULL or a place for it.
                unsafe { put(idx, usize::try_from(at).unwrap_or(usize::MAX)) };
                // SAFETY: as above.
                unsafe { put(live, live_slot.cast()) };
                // SAFETY: as above.
                unsafe { put(gc, gc_slot.cast()) };
                true
            }
            None => false,
        }
    };
    fn gc_host_stripes_heap_reset(c: *mut bch_fs) = () => c.model.stripes_heap_reset(&held!());
    fn gc_host_stripes_heap_insert(c: *mut bch_fs, s: *mut sys::stripe, idx: usize) = () => {
        let idx = u64::try_from(idx).unwrap_or(u64::MAX);
        let slot = c.model.stripe_slots(idx);
        if slot.is_none_or(|(at, live, _)| at != idx || live.cast() != s) {
            c.model.violation(format!("stripes_heap_insert: {idx} is another stripe"));
        }
        c.model.insert_into_heap(idx);
    };
    fn gc_host_usage_gc_alloc(c: *mut bch_fs) -> c_int = EINVAL => code(c.model.usage_gc_alloc());
    fn gc_host_usage_gc_free(c: *mut bch_fs) = () => c.model.usage_gc_free(&held!());
    fn gc_host_usage_fold(c: *mut bch_fs) = () => c.model.usage_fold(&held!());
    fn gc_host_dev_usage_set(
        c: *mut bch_fs,
        ca: *mut bch_dev,
        usage: *const sys::bch_dev_usage,
    ) = () => {
        // SAFETY: the caller gives NULL or a device of this library.
        let ca = unsafe { ca.get() };
        // SAFETY: the caller gives NULL or a usage.
        let usage = unsafe { usage.cast::<DevUsage>().as_ref() };
        if let (Some(ca), Some(usage)) = (ca, usage) {
            c.model.set_dev_usage(&held!(), ca.id, usage);
        }
    };
    fn gc_host_usage(c: *mut bch_fs, gc: bool, nr_u64s: *mut c_uint) -> *mut u64 =
        ptr::null_mut() =>
    {
        let side = if gc { Side::Gc } else { Side::Live };
        let mark = held!();
        let _recorded = Usage::usage(&c.model, &mark, side);
        let words = c.model.usage_slice(side);
        // SAFETY: the caller gives NULL or a place for the number.
        unsafe { put(nr_u64s, c_uint::try_from(words.len()).unwrap_or(0)) };
        words.first().map_or(ptr::null_mut(), |_| words.as_ptr().cast_mut().cast())
    };
    fn gc_host_replicas_entry(c: *mut bch_fs, i: c_uint) -> *const sys::bch_replicas_entry =
        ptr::null() =>
    {
        let mark: Held<MarkWrite> = held!();
        let entry = usize::try_from(i).ok().and_then(|i| c.model.replicas_entry(&mark, i));
        entry.map_or(ptr::null(), |e| e.as_bytes().as_ptr().cast())
    };
}
