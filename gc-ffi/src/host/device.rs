// SPDX-License-Identifier: GPL-2.0-only
//! Devices of a host: what `bch2_mark_dev_superblock` needs, with or without a file
//! system.

use super::ids::lock_id;
use core::fmt;
use core::ptr;
use gc_core::host::{DeviceHost, Geometry, Level, Lock, SB_OFFSETS, SbCopies};
use gc_core::layout::{DataType, GcPos};
use gc_core::text::Message;
use gc_host_sys as sys;
/// Devices of a host, also of no file system.
pub(crate) struct CDevice {
    c: *mut sys::bch_fs,
}

impl CDevice {
    /// # Safety
    /// `c` is NULL or a file system of the host that stays open as long as this
    /// lives, and the host keeps the contracts of its header.
    pub(crate) const unsafe fn new(c: *mut sys::bch_fs) -> Self {
        Self { c }
    }
}

impl DeviceHost for CDevice {
    type Dev = *mut sys::bch_dev;

    fn dev_geometry(&self, dev: Self::Dev) -> Geometry {
        let mut g =
            sys::gc_host_dev_geom { nbuckets: 0, bucket_size: 0, first_bucket: 0, dev_idx: 0 };
        // SAFETY: the host handed out `dev`; `g` is ours.
        unsafe { sys::gc_host_dev_geom(dev, &raw mut g) };
        Geometry {
            nbuckets: g.nbuckets,
            bucket_size: g.bucket_size,
            first_bucket: g.first_bucket,
            dev_idx: g.dev_idx,
        }
    }

    fn dev_superblocks(&self, dev: Self::Dev) -> SbCopies {
        let mut l = sys::gc_host_sb_layout { offset: [0; SB_OFFSETS], nr: 0, max_size_bits: 0 };
        // SAFETY: the host handed out `dev`; `l` is ours.
        unsafe { sys::gc_host_dev_sb_layout(dev, &raw mut l) };
        let nr = usize::try_from(l.nr).unwrap_or(SB_OFFSETS).min(SB_OFFSETS);
        SbCopies { offset: l.offset, nr, max_size_bits: l.max_size_bits }
    }

    fn dev_journal_bucket(&self, dev: Self::Dev, n: usize) -> Option<u64> {
        let mut buckets = ptr::null();
        // SAFETY: the host handed out `dev`; `buckets` is ours.
        let nr = unsafe { sys::gc_host_dev_journal(dev, &raw mut buckets) };
        if buckets.is_null() || n >= usize::try_from(nr).ok()? {
            return None;
        }
        let at = buckets.wrapping_add(n);
        // SAFETY: `n` is below the number of buckets the host lends.
        Some(unsafe { at.read() })
    }

    fn mark_metadata_bucket(
        &self,
        dev: Self::Dev,
        bucket: u64,
        data_type: DataType,
        sectors: u32,
        pos: GcPos,
        flags: u32,
    ) {
        let Ok(b) = usize::try_from(bucket) else { return };
        let pos = (&raw const pos).cast::<sys::gc_pos>();
        // SAFETY: the host handed out `dev`, the engine has checked the bucket, and
        // `pos` outlives the call.
        unsafe {
            sys::gc_host_mark_metadata_bucket(
                self.c,
                dev,
                b,
                u32::from(data_type.0),
                sectors,
                pos,
                flags,
            );
        }
    }

    fn log(&self, level: Level, args: fmt::Arguments<'_>) {
        let text = Message::of(&args);
        let level = match level {
            Level::Err => sys::GC_HOST_LOG_ERR,
            Level::Info => sys::GC_HOST_LOG_INFO,
        };
        // SAFETY: `c` is as in `new`; the text outlives the call.
        unsafe { sys::gc_host_log(self.c, level, text.as_c_str().as_ptr()) };
    }

    fn lock(&self, which: Lock) {
        // SAFETY: `c` is as in `new`; the engine keeps the order of locks.
        unsafe { sys::gc_host_lock(self.c, lock_id(which)) };
    }

    fn unlock(&self, which: Lock) {
        // SAFETY: `c` is as in `new`; a guard of this thread holds the lock.
        unsafe { sys::gc_host_unlock(self.c, lock_id(which)) };
    }

    fn assert_held(&self, which: Lock) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_assert_held(self.c, lock_id(which)) };
    }
}
