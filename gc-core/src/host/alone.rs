// SPDX-License-Identifier: GPL-2.0-only
//! Hosts that nobody else can reach.

use super::{Allocator, Coordination, DeviceHost, Freelist, GcWrite, Held, Lock, Locks};
use super::{MarkRead, Trace};
use crate::layout::{ExtentPtr, GcPos};

/// A host that only the calling thread can reach, such as an image that is read: every
/// lock is held, nobody waits or has to be waited for, and no allocator holds a bucket.
///
/// A host that others can reach must not say so: nothing would be locked.
pub trait Alone {}

impl<H: Alone + ?Sized> Locks for H {
    fn lock(&self, _which: Lock) {}
    fn unlock(&self, _which: Lock) {}
    fn assert_held(&self, _which: Lock) {}
}

impl<H: Alone + ?Sized> Coordination for H {
    fn wait_interior_updates(&self, _gc: &Held<GcWrite>) {}
    fn journal_block(&self) {}
    fn journal_unblock(&self) {}
    fn wake_allocators(&self) {}
    fn gc_count_inc(&self) {}
    fn clock(&self) -> u64 {
        0
    }
    fn gc_time(&self, _start: u64) {}
    fn trace(&self, _event: Trace, _arg: i32) {}
}

impl<H: Alone + DeviceHost + ?Sized> Allocator for H {
    fn dev_reserve_bucket(
        &self,
        _freelist: &Held<Freelist>,
        _dev: Self::Dev,
        _fifo: u32,
        _n: usize,
    ) -> Option<u64> {
        None
    }
    fn open_buckets_nr(&self) -> u32 {
        0
    }
    fn open_bucket_lock(
        &self,
        _mark: &Held<MarkRead>,
        _freelist: &Held<Freelist>,
        _i: u32,
    ) -> Option<ExtentPtr> {
        None
    }
    fn open_bucket_unlock(&self, _i: u32) {}
    fn mark_alloc_bucket(
        &self,
        _mark: &Held<MarkRead>,
        _dev: Self::Dev,
        _bucket: u64,
        _owned: bool,
        _pos: GcPos,
        _flags: u32,
    ) {
    }
}
