// SPDX-License-Identifier: GPL-2.0-only
//! `gc_host_*`: merging of nodes.

use crate::boundary::{exports, held, put, things};
use crate::fs::InFs;
use crate::fs::{Fs, Node};
use crate::host_btree::walk_of;
use gc_core::error::{Error, Result};
use gc_core::host::{CoalesceHost, CoalesceWalk, NewNode, ParentKey, Replacement};
use gc_core::layout::{BkeyFormat, Bpos};
use gc_host_sys::{self as sys, bch_fs, btree};
use gc_model::NodeId;
use std::ffi::c_int;
use std::ptr;

const EINVAL: c_int = -22;

exports! { gc_host_sys;
    fn gc_host_node_size(c: *mut bch_fs, bytes: *mut u64, block_bytes: *mut u64) = () => {
        let size = c.model.node_size();
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(bytes, size.bytes) };
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(block_bytes, size.block_bytes) };
    };
    fn gc_host_node_live_u64s(b: *mut btree) -> u32 = 0 => {
        b.fs().model.node_state(b.id).live_u64s
    };
    fn gc_host_node_relock_intent(b: *mut btree, seq: u32) -> bool = false => {
        b.fs().model.node_relock_intent(b.id, seq)
    };
    fn gc_host_node_unlock_intent(b: *mut btree) = () => b.fs().model.node_unlock_intent(b.id);
}

/// # Safety
/// NULL, or a node of this library.
unsafe fn node_of(b: *mut btree) -> Option<NodeId> {
    // SAFETY: as the caller says.
    unsafe { b.cast::<Node>().as_ref() }.map(|b| b.id)
}

/// # Safety
/// NULL, or a position.
unsafe fn pos_of(p: *const sys::bpos) -> Result<Bpos> {
    // SAFETY: as the caller says; positions are aligned to four bytes.
    unsafe { p.cast::<Bpos>().as_ref() }.copied().ok_or(Error::INVAL)
}

/// `gc_host_walk_parent`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_walk_parent(
    w: *mut sys::gc_host_walk,
    b: *mut btree,
) -> *mut btree {
    // SAFETY: an open walk.
    let w = unsafe { walk_of(w) };
    // SAFETY: the caller gives NULL or a node of this library.
    let b = unsafe { node_of(b) };
    let (Some(w), Some(b)) = (w, b) else { return ptr::null_mut() };
    // SAFETY: the file system outlives its walks.
    let fs: &Fs = unsafe { &*w.fs };
    w.walk.parent(b).map_or(ptr::null_mut(), |id| fs.node(id))
}

/// # Safety
/// What it points to is what the header says.
unsafe fn replace(
    w: *mut sys::gc_host_walk,
    r: *const sys::gc_host_replacement,
) -> Result<*mut btree> {
    // SAFETY: an open walk.
    let w = unsafe { walk_of(w) }.ok_or(Error::INVAL)?;
    // SAFETY: NULL or a replacement.
    let r = unsafe { r.as_ref() }.ok_or(Error::INVAL)?;
    // SAFETY: NULL or a node of this library.
    let parent = unsafe { node_of(r.parent) }.ok_or(Error::INVAL)?;
    let mut old = Vec::new();
    // SAFETY: as many nodes as it says.
    for b in unsafe { things(r.old_nodes, r.nr_old) } {
        // SAFETY: a node of this library.
        old.push(unsafe { node_of(*b) }.ok_or(Error::INVAL)?);
    }
    let mut new = Vec::new();
    // SAFETY: as many new nodes as it says.
    for n in unsafe { things(r.new_nodes, r.nr_new) } {
        new.push(NewNode {
            // SAFETY: a position.
            min_key: unsafe { pos_of(n.min_key) }?,
            // SAFETY: a position.
            max_key: unsafe { pos_of(n.max_key) }?,
            // SAFETY: as many words as it says.
            keys: unsafe { things(n.keys, n.u64s) },
            packed_keys: n.packed_keys,
            unpacked_keys: n.unpacked_keys,
        });
    }
    let mut keys = Vec::new();
    // SAFETY: as many keys as it says.
    for k in unsafe { things(r.keys, r.nr_keys) } {
        // SAFETY: a position.
        let pos = unsafe { pos_of(k.pos) }?;
        let i = (k.new_node != sys::GC_HOST_NEW_NONE).then_some(k.new_node);
        let new = i.and_then(|i| usize::try_from(i).ok());
        keys.push(ParentKey { pos, new });
    }
    // SAFETY: NULL or a format.
    let format = unsafe { r.format.cast::<BkeyFormat>().as_ref() }.ok_or(Error::INVAL)?;
    let replacement = Replacement { parent, old: &old, new: &new, format, keys: &keys };
    let now = w.walk.replace(&held!(), &replacement)?.ok_or(Error::INVAL)?;
    // SAFETY: the file system outlives its walks.
    let fs: &Fs = unsafe { &*w.fs };
    Ok(fs.node(now))
}

/// `gc_host_walk_replace`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_walk_replace(
    w: *mut sys::gc_host_walk,
    r: *const sys::gc_host_replacement,
    now: *mut *mut btree,
) -> c_int {
    // SAFETY: as the caller says.
    match unsafe { replace(w, r) } {
        Ok(node) => {
            // SAFETY: the caller gives NULL or a place for it.
            unsafe { put(now, node) };
            0
        }
        Err(e) => e.code(),
    }
}

/// `gc_host_walk_wait`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_walk_wait(
    w: *mut sys::gc_host_walk,
    now: *mut *mut btree,
) -> c_int {
    // SAFETY: an open walk.
    let Some(w) = (unsafe { walk_of(w) }) else { return EINVAL };
    match w.walk.wait() {
        Ok(None) => 0,
        Ok(Some(node)) => {
            // SAFETY: the file system outlives its walks.
            let fs: &Fs = unsafe { &*w.fs };
            // SAFETY: the caller gives NULL or a place for it.
            unsafe { put(now, fs.node(node)) };
            1
        }
        Err(e) => e.code(),
    }
}
