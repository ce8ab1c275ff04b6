// SPDX-License-Identifier: GPL-2.0-only
//! Iterators that live in C: keys of a node, walks over a btree.

use crate::host::CDevice;
use core::ptr::{self, NonNull};
use gc_core::bkey::KeyRef;
use gc_core::error::{Error, Result};
use gc_core::host::{GcWrite, Held, NodeKeys, Walk};
use gc_core::layout::bkey::BkeySC;
use gc_host_sys as sys;

/// No key.
pub(crate) const NO_KEY: BkeySC = BkeySC { k: ptr::null(), v: ptr::null() };

/// A key as the host hands it out; `None` if it, or the value it should have, is NULL.
///
/// # Safety
/// `k` is NULL or points to an unpacked key, and `v` is NULL or points to its value,
/// `k->u64s - 5` words; both stay as they are for `'a`.
#[inline]
pub(crate) unsafe fn key_ref<'a>(key: BkeySC) -> Option<KeyRef<'a>> {
    // SAFETY: the caller vouches for the key.
    let k = unsafe { key.k.as_ref() }?;
    let len = usize::from(k.val_u64s());
    let v = if len == 0 {
        &[]
    } else if key.v.is_null() {
        return None;
    } else {
        // SAFETY: the caller vouches for `len` words at `v`.
        unsafe { core::slice::from_raw_parts(key.v.cast::<u64>(), len) }
    };
    Some(KeyRef::new(k, v))
}

/// A key as the host wants it.
#[inline]
pub(crate) fn key_sc(key: KeyRef<'_>) -> BkeySC {
    BkeySC { k: key.k, v: key.v.as_ptr().cast() }
}

/// Keys of one node, locked by whoever made this.
pub(crate) struct CKeys<'h> {
    it: sys::gc_host_node_keys,
    host: &'h CDevice,
}

impl<'h> CKeys<'h> {
    /// # Safety
    /// `node` is a node of the host that stays read locked, and `keys` is NULL or
    /// keys of its journal, as long as this lives.
    #[inline]
    pub(crate) unsafe fn new(
        host: &'h CDevice,
        keys: *mut sys::journal_keys,
        node: *mut sys::btree,
    ) -> Self {
        let mut it = sys::gc_host_node_keys { opaque: [0; 18] };
        // SAFETY: the caller vouches for node and keys; `it` is ours.
        unsafe { sys::gc_host_node_keys_init(&raw mut it, keys, node) };
        Self { it, host }
    }
}

impl NodeKeys for CKeys<'_> {
    #[inline]
    fn next(&mut self) -> Result<Option<KeyRef<'_>>> {
        let mut key = NO_KEY;
        let out = (&raw mut key).cast::<sys::bkey_s_c>();
        // SAFETY: `it` was made by init, its node is locked as long as it lives.
        let more = unsafe { sys::gc_host_node_keys_next(&raw mut self.it, out) };
        if !more {
            return Ok(None);
        }
        // SAFETY: the host filled in an unpacked key that stays until the next
        // call, which needs `self` again.
        match unsafe { key_ref(key) } {
            Some(key) => Ok(Some(key)),
            None => Err(self.host.broke("gc_host_node_keys_next")),
        }
    }
}

/// A walk over a btree. Closed when it is dropped.
pub(crate) struct CWalk<'h> {
    walk: *mut sys::gc_host_walk,
    host: &'h CDevice,
}

impl<'h> CWalk<'h> {
    /// # Safety
    /// `walk` comes from `gc_host_walk_open` and is handed over.
    pub(crate) unsafe fn new(host: &'h CDevice, walk: *mut sys::gc_host_walk) -> Self {
        Self { walk, host }
    }

    /// The walk, open.
    pub(crate) const fn raw(&self) -> *mut sys::gc_host_walk {
        self.walk
    }

    /// The node that a call returned, unless it returned the end or an error.
    pub(crate) fn node_of(
        &self,
        call: &str,
        ret: i32,
        node: *mut sys::btree,
    ) -> Result<Option<*mut sys::btree>> {
        if Self::more(ret)? { Ok(Some(self.lent(call, node)?)) } else { Ok(None) }
    }

    /// A node that the host must lend.
    pub(crate) fn lent(&self, call: &str, node: *mut sys::btree) -> Result<*mut sys::btree> {
        self.host.lent(call, node).map(NonNull::as_ptr)
    }

    /// What a `next` function said: more, the end, or an error.
    pub(crate) fn more(ret: i32) -> Result<bool> {
        match ret {
            1 => Ok(true),
            0 => Ok(false),
            e => Error::check(e).map(|()| false),
        }
    }
}

impl Walk for CWalk<'_> {
    type Node = *mut sys::btree;

    #[inline]
    fn next_key(&mut self) -> Result<Option<KeyRef<'_>>> {
        let mut key = NO_KEY;
        let out = (&raw mut key).cast::<sys::bkey_s_c>();
        // SAFETY: the walk is open.
        let ret = unsafe { sys::gc_host_walk_next_key(self.walk, out) };
        if !Self::more(ret)? {
            return Ok(None);
        }
        // SAFETY: the host filled in an unpacked key that stays until the next
        // call, which needs `self` again.
        match unsafe { key_ref(key) } {
            Some(key) => Ok(Some(key)),
            None => Err(self.host.broke("gc_host_walk_next_key")),
        }
    }

    fn next_node(&mut self) -> Result<Option<Self::Node>> {
        let mut node = ptr::null_mut();
        // SAFETY: the walk is open.
        let ret = unsafe { sys::gc_host_walk_next_node(self.walk, &raw mut node) };
        self.node_of("gc_host_walk_next_node", ret, node)
    }

    fn resched(&mut self) {
        // SAFETY: the walk is open.
        unsafe { sys::gc_host_walk_resched(self.walk) };
    }

    fn rewrite(&mut self, _gc: &Held<GcWrite>, node: Self::Node, insert_flags: u32) -> Result<()> {
        // SAFETY: the walk is open and the node is the one it is at.
        Error::check(unsafe { sys::gc_host_walk_rewrite(self.walk, node, insert_flags) })
    }

    fn close(mut self) -> Result<()> {
        let walk = core::mem::replace(&mut self.walk, ptr::null_mut());
        // SAFETY: the walk is open, and nobody has its address any more.
        Error::check(unsafe { sys::gc_host_walk_close(walk) })
    }
}

impl Drop for CWalk<'_> {
    fn drop(&mut self) {
        if !self.walk.is_null() {
            // SAFETY: the walk is open, and this was its last owner.
            let _lost_to_an_earlier_error = unsafe { sys::gc_host_walk_close(self.walk) };
        }
    }
}
