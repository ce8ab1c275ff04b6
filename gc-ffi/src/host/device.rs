// SPDX-License-Identifier: GPL-2.0-only
//! Devices of a host: what `bch2_mark_dev_superblock` needs, with or without a file
//! system.

use core::fmt;
use core::ptr::{self, NonNull};
use gc_core::error::{Error, Result};
use gc_core::host::{
    DeviceHost, Geometry, Held, Level, Lock, Locks, Log, MarkRead, Membership, MetadataBucket,
    SB_OFFSETS, SbCopies,
};
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

    /// Says that the host lent no address where its header promises one, and returns
    /// what the call of the library fails with.
    #[cold]
    pub(crate) fn broke(&self, call: &str) -> Error {
        self.log(Level::Err, format_args!("{call} lent NULL, against bch_gc_host.h: gc refused"));
        Error::INVAL
    }

    /// An address that the host must lend.
    #[inline]
    pub(crate) fn lent<T>(&self, call: &str, at: *mut T) -> Result<NonNull<T>> {
        match NonNull::new(at) {
            Some(at) => Ok(at),
            None => Err(self.broke(call)),
        }
    }
}

impl Log for CDevice {
    fn log(&self, level: Level, args: fmt::Arguments<'_>) {
        let text = Message::of(&args);
        // SAFETY: `c` is as in `new`; the text outlives the call.
        unsafe { sys::gc_host_log(self.c, level.number(), text.as_c_str().as_ptr()) };
    }
}

impl Locks for CDevice {
    fn lock(&self, which: Lock) {
        // SAFETY: `c` is as in `new`; the engine keeps the order of locks.
        unsafe { sys::gc_host_lock(self.c, which.number()) };
    }

    fn unlock(&self, which: Lock) {
        // SAFETY: `c` is as in `new`; a guard of this thread holds the lock.
        unsafe { sys::gc_host_unlock(self.c, which.number()) };
    }

    fn assert_held(&self, which: Lock) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_assert_held(self.c, which.number()) };
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

    fn dev_superblocks(&self, _of: Membership<'_>, dev: Self::Dev) -> SbCopies {
        let mut l = sys::gc_host_sb_layout { offset: [0; SB_OFFSETS], nr: 0, max_size_bits: 0 };
        // SAFETY: the host handed out `dev`; `l` is ours.
        unsafe { sys::gc_host_dev_sb_layout(dev, &raw mut l) };
        let nr = usize::try_from(l.nr).unwrap_or(SB_OFFSETS).min(SB_OFFSETS);
        SbCopies { offset: l.offset, nr, max_size_bits: l.max_size_bits }
    }

    fn dev_journal_bucket(
        &self,
        _of: Membership<'_>,
        dev: Self::Dev,
        n: usize,
    ) -> Result<Option<u64>> {
        let mut buckets = ptr::null();
        // SAFETY: the host handed out `dev`; `buckets` is ours.
        let nr = unsafe { sys::gc_host_dev_journal(dev, &raw mut buckets) };
        if usize::try_from(nr).is_ok_and(|nr| n >= nr) {
            return Ok(None);
        }
        let buckets = self.lent("gc_host_dev_journal", buckets.cast_mut())?;
        let at = buckets.as_ptr().wrapping_add(n);
        // SAFETY: `n` is below the number of buckets the host lends.
        Ok(Some(unsafe { at.read() }))
    }

    fn mark_metadata_bucket(
        &self,
        _mark: Option<&Held<MarkRead>>,
        dev: Self::Dev,
        bucket: &MetadataBucket,
    ) {
        let Ok(b) = usize::try_from(bucket.number) else { return };
        let pos = (&raw const bucket.pos).cast::<sys::gc_pos>();
        // SAFETY: the host handed out `dev`, the engine has checked the bucket, and
        // `pos` outlives the call.
        unsafe {
            sys::gc_host_mark_metadata_bucket(
                self.c,
                dev,
                b,
                u32::from(bucket.data_type.0),
                bucket.sectors,
                pos,
                bucket.flags,
            );
        }
    }
}
