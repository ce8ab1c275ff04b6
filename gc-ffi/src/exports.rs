// SPDX-License-Identifier: GPL-2.0-only
//! What C calls: the entry points of the original's `btree_gc.h`, and the version.

use crate::abi;
use crate::host::{CDevice, CHost};
use core::ffi::{c_int, c_uint};
use gc_core::coalesce;
use gc_core::error::{Errno, Error, code};
use gc_core::gc::metadata::{Membership, mark_dev_superblock};
use gc_core::gc::{Args, gc};
use gc_core::gens::gc_gens;
use gc_core::host::{Held, Sb};

/// A file system of the host.
#[expect(non_camel_case_types, reason = "the name C searches for")]
pub struct bch_fs(());
/// A device of the host.
#[expect(non_camel_case_types, reason = "the name C searches for")]
pub struct bch_dev(());
/// The journal's keys, of the host.
#[expect(non_camel_case_types, reason = "the name C searches for")]
pub struct journal_keys {
    _opaque: (),
}

const INVALID: c_int = -22;

/// Version of the library as 0xMMmmpp: major, minor, patch.
#[unsafe(no_mangle)]
pub extern "C" fn bch_gc_version() -> c_uint {
    const fn number(text: &str) -> u32 {
        match u32::from_str_radix(text, 10) {
            Ok(n) => n,
            // Cargo writes decimal digits only.
            Err(_) => 0,
        }
    }
    const VERSION: u32 = (number(env!("CARGO_PKG_VERSION_MAJOR")) << 16)
        | (number(env!("CARGO_PKG_VERSION_MINOR")) << 8)
        | number(env!("CARGO_PKG_VERSION_PATCH"));
    VERSION
}

/// Mark and sweep: walks all references to buckets, counts anew what the buckets
/// hold and takes it over.
///
/// `keys`: keys of the journal to lay over the btrees, only looked at when
/// `initial`: before the journal is replayed. `metadata_only`: pointers to btree
/// nodes only. The state lock is held; no other lock, no journal reservation.
///
/// Returns 0; 1 (BCH_FSCK_ERRORS_NOT_FIXED) when a finding was answered "exit"; 2
/// (BCH_FSCK_REPAIR_UNIMPLEMENTED) when a btree's shape would have to be repaired;
/// or a negative errno.
///
/// # Safety
/// `c` is a file system of the host that stays open for the call; so do
/// `keys`. The host's functions keep the contracts of bch_gc_host.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch2_gc(
    c: *mut bch_fs,
    keys: *mut journal_keys,
    initial: bool,
    metadata_only: bool,
) -> c_int {
    if c.is_null() || !abi::matches(c.cast()) {
        return INVALID;
    }
    // Without keys of the journal there is nothing to lay over: an empty overlay
    // is what the caller means, and what the host makes of NULL.
    //
    // SAFETY: `c` and `keys` are the caller's and valid for the call.
    let host = unsafe { CHost::new(c.cast(), keys.cast()) };
    code(gc(&host, Args { initial, metadata_only }))
}

/// Recomputes the oldest generation of every bucket that any pointer still has.
///
/// No lock is held, and no other call of it is under way: they would share the
/// `gc_gen` of the buckets. Returns 0 or a negative errno; -ESHUTDOWN when called by
/// the gc thread while it is asked to stop.
///
/// # Safety
/// As bch2_gc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch2_gc_gens(c: *mut bch_fs) -> c_int {
    if c.is_null() || !abi::matches(c.cast()) {
        return INVALID;
    }
    // SAFETY: `c` is the caller's and valid for the call.
    let host = unsafe { CHost::new(c.cast(), core::ptr::null_mut()) };
    code(gc_gens(&host))
}

/// Merges neighbouring btree nodes whose keys go into fewer nodes.
///
/// No lock is held. Says "btree coalescing failed" with a negative errno when it
/// ends early, unless the calling thread is the gc thread and was asked to stop;
/// merges made before stay.
///
/// # Safety
/// As bch2_gc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch2_coalesce(c: *mut bch_fs) {
    if c.is_null() || !abi::matches(c.cast()) {
        return;
    }
    // SAFETY: `c` is the caller's and valid for the call.
    let host = unsafe { CHost::new(c.cast(), core::ptr::null_mut()) };
    coalesce::run(&host);
}

/// Marks the superblock and journal buckets of a device. `flags`: BTREE_TRIGGER_*.
///
/// With a file system its superblock lock is held; `c` is NULL for a device that is
/// about to be added.
///
/// # Safety
/// As bch2_gc; `ca` is a device of the host, of `c` unless that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch2_mark_dev_superblock(c: *mut bch_fs, ca: *mut bch_dev, flags: c_uint) {
    if ca.is_null() || !abi::matches(c.cast()) {
        return;
    }
    // SAFETY: the caller holds the superblock lock if there is a file system.
    let sb = unsafe { Held::<Sb>::by_contract() };
    let membership = if c.is_null() { Membership::Stray } else { Membership::Member(&sb) };
    // SAFETY: `c` is NULL or the caller's, and valid for the call, as is `ca`.
    let host = unsafe { CDevice::new(c.cast()) };
    // The host has been told; the caller has no way to be.
    let _told = mark_dev_superblock(&host, ca.cast(), membership, flags);
}

/// Starts the gc thread. Returns 0 or a negative errno: -EBUSY when it runs.
///
/// # Safety
/// `c` stays open until bch2_gc_thread_stop has returned; else as bch2_gc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch2_gc_thread_start(c: *mut bch_fs) -> c_int {
    if c.is_null() || !abi::matches(c.cast()) {
        return INVALID;
    }
    // SAFETY: `c` is the caller's and valid until the thread has stopped.
    let host = unsafe { CHost::new(c.cast(), core::ptr::null_mut()) };
    let started = host.start_thread();
    if started == Err(Error::Errno(Errno::EBUSY)) {
        host.say(format_args!("the gc thread is running already"));
    }
    code(started)
}

/// Stops the gc thread and waits for its end; nothing when there is none.
///
/// # Safety
/// As bch2_gc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch2_gc_thread_stop(c: *mut bch_fs) {
    if c.is_null() || !abi::matches(c.cast()) {
        return;
    }
    // SAFETY: `c` is the caller's and valid for the call.
    let host = unsafe { CHost::new(c.cast(), core::ptr::null_mut()) };
    host.stop_thread();
}
