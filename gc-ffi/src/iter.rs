// SPDX-License-Identifier: GPL-2.0-only
//! Iterators that live in C: keys of a node, walks over a btree.

use core::marker::PhantomData;
use core::ptr;
use gc_core::bkey::KeyRef;
use gc_core::error::{Error, Result};
use gc_core::host::{GcWrite, Held, NodeKeys, Walk};
use gc_core::layout::bkey::BkeySC;
use gc_host_sys as sys;

/// No key.
pub(crate) const NO_KEY: BkeySC = BkeySC { k: ptr::null(), v: ptr::null() };

/// A key as the host hands it out.
///
/// # Safety
/// `k` points to an unpacked key and `v` to its value, `k->u64s - 5` words; both
/// stay as they are for `'a`.
#[inline]
pub(crate) unsafe fn key_ref<'a>(key: BkeySC) -> KeyRef<'a> {
    // SAFETY: the caller vouches for the key.
    let k = unsafe { &*key.k };
    let len = usize::from(k.val_u64s());
    let v = if len == 0 {
        &[]
    } else {
        // SAFETY: the caller vouches for `len` words at `v`.
        unsafe { core::slice::from_raw_parts(key.v.cast::<u64>(), len) }
    };
    KeyRef::new(k, v)
}

/// A key as the host wants it.
#[inline]
pub(crate) fn key_sc(key: KeyRef<'_>) -> BkeySC {
    BkeySC { k: key.k, v: key.v.as_ptr().cast() }
}

/// Keys of one node, locked by whoever made this.
pub(crate) struct CKeys<'h> {
    it: sys::gc_host_node_keys,
    _node: PhantomData<&'h ()>,
}

impl CKeys<'_> {
    /// # Safety
    /// `node` is a node of the host that stays read locked, and `keys` is NULL or
    /// keys of its journal, as long as this lives.
    #[inline]
    pub(crate) unsafe fn new(keys: *mut sys::journal_keys, node: *mut sys::btree) -> Self {
        let mut it = sys::gc_host_node_keys { opaque: [0; 18] };
        // SAFETY: the caller vouches for node and keys; `it` is ours.
        unsafe { sys::gc_host_node_keys_init(&raw mut it, keys, node) };
        Self { it, _node: PhantomData }
    }
}

impl NodeKeys for CKeys<'_> {
    #[inline]
    fn next(&mut self) -> Option<KeyRef<'_>> {
        let mut key = NO_KEY;
        let out = (&raw mut key).cast::<sys::bkey_s_c>();
        // SAFETY: `it` was made by init, its node is locked as long as it lives.
        let more = unsafe { sys::gc_host_node_keys_next(&raw mut self.it, out) };
        if !more || key.k.is_null() {
            return None;
        }
        // SAFETY: the host filled in an unpacked key that stays until the next
        // call, which needs `self` again.
        Some(unsafe { key_ref(key) })
    }
}

/// A walk over a btree. Closed when it is dropped.
pub(crate) struct CWalk<'h> {
    walk: *mut sys::gc_host_walk,
    _host: PhantomData<&'h ()>,
}

impl CWalk<'_> {
    /// # Safety
    /// `walk` comes from `gc_host_walk_open` and is handed over.
    pub(crate) unsafe fn new(walk: *mut sys::gc_host_walk) -> Self {
        Self { walk, _host: PhantomData }
    }

    /// The walk, open.
    pub(crate) const fn raw(&self) -> *mut sys::gc_host_walk {
        self.walk
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
        if !Self::more(ret)? || key.k.is_null() {
            return Ok(None);
        }
        // SAFETY: the host filled in an unpacked key that stays until the next
        // call, which needs `self` again.
        Ok(Some(unsafe { key_ref(key) }))
    }

    fn next_node(&mut self) -> Result<Option<Self::Node>> {
        let mut node = ptr::null_mut();
        // SAFETY: the walk is open.
        let ret = unsafe { sys::gc_host_walk_next_node(self.walk, &raw mut node) };
        Ok((Self::more(ret)? && !node.is_null()).then_some(node))
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
