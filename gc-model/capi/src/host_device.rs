// SPDX-License-Identifier: GPL-2.0-only
//! `gc_host_*`: devices, their arrays, what the allocator holds.

use crate::boundary::{exports, held, put};
use crate::fs::InFs;
use gc_core::error::code;
use gc_core::host::{Allocator, DeviceHost, Held, MarkRead, Members, Membership, Sb, Side};
use gc_core::layout::ExtentPtr;
use gc_host_sys::{self as sys, bch_dev, bch_fs};
use std::ffi::{c_int, c_uint};
use std::ptr;

const EINVAL: c_int = -22;

const fn side(gc: bool) -> Side {
    if gc { Side::Gc } else { Side::Live }
}

/// The device of the second argument, a member of the first.
macro_rules! dev {
    ($ca:expr) => {{
        // SAFETY: the caller gives NULL or a device of this library.
        unsafe { <*mut bch_dev as crate::boundary::Handle>::get($ca) }
    }};
}

exports! { gc_host_sys;
    fn gc_host_dev_next(
        c: *mut bch_fs,
        idx: *mut c_uint,
        online: bool,
    ) -> *mut bch_dev = ptr::null_mut() => {
        // SAFETY: the caller gives NULL or an index.
        let from = unsafe { idx.as_ref() }.copied().unwrap_or(0);
        match c.model.dev_next(from, online) {
            Some((at, id)) => {
                // SAFETY: as above.
                unsafe { put(idx, at) };
                c.dev(id)
            }
            None => ptr::null_mut(),
        }
    };
    fn gc_host_dev_put(ca: *mut bch_dev, online: bool) = () => {
        ca.fs().model.dev_put(ca.id, online);
    };
    fn gc_host_dev_geom(ca: *mut bch_dev, out: *mut sys::gc_host_dev_geom) = () => {
        let g = ca.fs().model.dev_geometry(ca.id);
        let g = sys::gc_host_dev_geom {
            nbuckets: g.nbuckets,
            bucket_size: g.bucket_size,
            first_bucket: g.first_bucket,
            dev_idx: g.dev_idx,
        };
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(out, g) };
    };
    fn gc_host_dev_buckets(
        ca: *mut bch_dev,
        gc: bool,
    ) -> *mut sys::bucket_array = ptr::null_mut() => {
        let model = &ca.fs().model;
        // Whichever of the locks that keep the buckets: the model looks.
        let mark: Held<MarkRead> = held!();
        match model.dev_buckets(&mark, ca.id, side(gc)) {
            Some(_) => {
                model.bucket_array(ca.id, side(gc)).map_or(ptr::null_mut(), <*mut _>::cast)
            }
            None => ptr::null_mut(),
        }
    };
    fn gc_host_dev_gc_alloc_buckets(c: *mut bch_fs, ca: *mut bch_dev) -> c_int = EINVAL => {
        dev!(ca).map_or(EINVAL, |ca| code(c.model.dev_gc_alloc_buckets(ca.id)))
    };
    fn gc_host_dev_gc_alloc_usage(c: *mut bch_fs, ca: *mut bch_dev) -> c_int = EINVAL => {
        dev!(ca).map_or(EINVAL, |ca| code(c.model.dev_gc_alloc_usage(ca.id)))
    };
    fn gc_host_dev_gc_free(c: *mut bch_fs, ca: *mut bch_dev) = () => {
        if let Some(ca) = dev!(ca) {
            c.model.dev_gc_free(&held!(), ca.id);
        }
    };
    fn gc_host_dev_sb_layout(ca: *mut bch_dev, out: *mut sys::gc_host_sb_layout) = () => {
        let lock: Held<Sb> = held!();
        let sb = ca.fs().model.dev_superblocks(Membership::Member(&lock), ca.id);
        let layout = sys::gc_host_sb_layout {
            offset: sb.offset,
            nr: u32::try_from(sb.nr).unwrap_or(0),
            max_size_bits: sb.max_size_bits,
        };
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(out, layout) };
    };
    fn gc_host_dev_journal(ca: *mut bch_dev, buckets: *mut *const u64) -> c_uint = 0 => {
        let model = &ca.fs().model;
        // Asked for the first one to be recorded and checked.
        let lock: Held<Sb> = held!();
        let _first = model.dev_journal_bucket(Membership::Member(&lock), ca.id, 0);
        let all = model.device(ca.id).map_or(&[][..], |d| d.journal());
        // SAFETY: the caller gives NULL or a place for the address.
        unsafe { put(buckets, all.as_ptr()) };
        c_uint::try_from(all.len()).unwrap_or(0)
    };
    fn gc_host_dev_reserve_bucket(
        ca: *mut bch_dev,
        fifo: c_uint,
        n: usize,
        bucket: *mut usize,
    ) -> bool = false => {
        match ca.fs().model.dev_reserve_bucket(&held!(), ca.id, fifo, n) {
            // SAFETY: the caller gives NULL or a place for it.
            Some(b) => unsafe { put(bucket, usize::try_from(b).unwrap_or(usize::MAX)) },
            None => false,
        }
    };
    fn gc_host_open_buckets_nr(c: *mut bch_fs) -> c_uint = 0 => c.model.open_buckets_nr();
    fn gc_host_open_bucket_lock(
        c: *mut bch_fs,
        i: c_uint,
        ptr: *mut sys::bch_extent_ptr,
    ) -> bool = false => {
        match c.model.open_bucket_lock(&held!(), &held!(), i) {
            // SAFETY: the caller gives NULL or a place for the pointer's word.
            Some(p) => unsafe { put(ptr.cast::<ExtentPtr>(), p) },
            None => false,
        }
    };
    fn gc_host_open_bucket_unlock(c: *mut bch_fs, i: c_uint) = () => {
        c.model.open_bucket_unlock(i);
    };
}
