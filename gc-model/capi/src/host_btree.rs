// SPDX-License-Identifier: GPL-2.0-only
//! `gc_host_*`: nodes, their keys, walks.

use crate::boundary::{boundary, exports, held, put};
use crate::fs::InFs;
use crate::fs::{Fs, Node, key_i_of, key_of, sc_of};
use gc_core::bkey::KeyBuf;
use gc_core::error::{Error, code};
use gc_core::host::{BtreeRoot, CoalesceHost, Held, Nodes, Walk, WalkKind, Walks};
use gc_core::layout::bkey::BkeySC;
use gc_core::layout::{Bpos, BtreeId, JournalKey, JournalKeys};
use gc_host_sys::{self as sys, bch_fs, btree};
use gc_model::{Key, Next, NodeData, TreeWalk, merge};
use std::ffi::{c_int, c_uint};
use std::ptr;
use std::sync::Arc;

const EINVAL: c_int = -22;

fn btree_id(id: c_uint) -> BtreeId {
    BtreeId(u8::try_from(id).unwrap_or(u8::MAX))
}

exports! { gc_host_sys;
    fn gc_host_btree_root(c: *mut bch_fs, id: c_uint) -> *mut btree = ptr::null_mut() => {
        let lock: Held<BtreeRoot> = held!();
        c.model.btree_root(&lock, btree_id(id)).map_or(ptr::null_mut(), |node| c.node(node))
    };
    fn gc_host_node_info(b: *mut btree, out: *mut sys::gc_host_node_info) = () => {
        let Ok(info) = b.fs().model.node_info(b.id) else { return };
        let Some(node) = b.fs().model.node(b.id) else { return };
        // The addresses are good while the node is locked: changes take its lock.
        let data = Arc::as_ptr(&node.data());
        // SAFETY: the node's own reference keeps the data.
        let data = unsafe { &*data };
        let key = data.ptr_buf().map_or(ptr::null(), ptr::from_ref);
        let out_info = sys::gc_host_node_info {
            min_key: (&raw const data.min).cast(),
            max_key: (&raw const data.max).cast(),
            key: key.cast(),
            seq: node.seq(),
            level: info.level,
            btree_id: info.btree_id.0,
            fake: info.fake,
        };
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(out, out_info) };
    };
    fn gc_host_node_lock_read(b: *mut btree) = () => b.fs().model.node_lock_read(b.id);
    fn gc_host_node_unlock_read(b: *mut btree) = () => b.fs().model.node_unlock_read(b.id);
    fn gc_host_node_get(
        c: *mut bch_fs,
        k: *const sys::bkey_i,
        id: c_uint,
        level: c_uint,
        out: *mut *mut btree,
        checked: *mut bool,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or a key.
        let key = unsafe { key_i_of(k) }.and_then(KeyBuf::copy_of);
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let got = key.ok_or(Error::INVAL).and_then(|k| c.model.node_get(&k, btree_id(id), level));
        if let Ok(child) = got {
            // SAFETY: the caller gives NULL or a place for it.
            unsafe { put(out, c.node(child.node)) };
            // SAFETY: as above.
            unsafe { put(checked, child.checked) };
        }
        code(got.map(|_| ()))
    };
    fn gc_host_node_set(
        c: *mut bch_fs,
        keys: *mut sys::journal_keys,
        b: *mut btree,
        out: *mut sys::gc_host_node_set,
    ) -> bool = false => {
        // SAFETY: the caller gives NULL or a node of this library.
        let Some(b) = (unsafe { b.cast::<Node>().as_ref() }) else { return false };
        let Ok(Some(set)) = c.model.node_set(b.id, false) else { return false };
        let Some(node) = c.model.node(b.id) else { return false };
        let data = node.data();
        // SAFETY: the caller gives NULL or the journal's keys.
        let covered = unsafe { journal_of(keys.cast()) }.iter().any(|k| {
            // SAFETY: as above.
            let pos = unsafe { pos_of(k) };
            place(k) == (u64::from(node.btree().0), u64::from(node.level()))
                && pos >= data.min
                && pos <= data.max
        });
        let lent = sys::gc_host_node_set {
            format: ptr::from_ref(set.format).cast(),
            keys: set.words.as_ptr(),
            u64s: u32::try_from(set.words.len()).unwrap_or(0),
        };
        // SAFETY: the caller gives NULL or a place for it.
        !covered && unsafe { put(out, lent) }
    };
    fn gc_host_read_ahead(c: *mut bch_fs, k: *const sys::bkey_i) = () => {
        // SAFETY: the caller gives NULL or a key.
        if let Some(key) = unsafe { key_i_of(k) }.and_then(KeyBuf::copy_of) {
            c.model.read_ahead(&key);
        }
    };
    fn gc_host_debugcheck(c: *mut bch_fs, b: *mut btree, k: *const sys::bkey_s_c) = () => {
        // SAFETY: the caller gives NULL or a node of this library.
        let b = unsafe { b.cast::<Node>().as_ref() };
        // SAFETY: the caller gives NULL or a key.
        let key = unsafe { key_of(k) };
        if let (Some(b), Some(key)) = (b, key) {
            c.model.debugcheck(b.id, key);
        }
    };
}

/// What lies in `struct gc_host_node_keys`: addresses and counters, nothing owned.
#[repr(C)]
#[derive(Clone, Copy)]
struct Keys {
    fs: *const Fs,
    /// The node as it is while it is locked.
    data: *const NodeData,
    journal: *const JournalKeys,
    at_node: usize,
    at_journal: usize,
    btree: u64,
    level: u64,
}

const _: () = assert!(size_of::<Keys>() <= size_of::<sys::gc_host_node_keys>());

impl Keys {
    /// The journal's keys.
    ///
    /// # Safety
    /// They are as the caller of `gc_host_node_keys_init` gave them.
    unsafe fn journal<'a>(&self) -> &'a [JournalKey] {
        // SAFETY: as the caller says.
        unsafe { journal_of(self.journal) }
    }
}

/// # Safety
/// NULL, or keys of the journal that are good for `'a`.
unsafe fn journal_of<'a>(keys: *const JournalKeys) -> &'a [JournalKey] {
    // SAFETY: NULL, or the caller's.
    match unsafe { keys.as_ref() } {
        // SAFETY: `nr` keys lie at `d`.
        Some(j) if !j.d.is_null() => unsafe { std::slice::from_raw_parts(j.d, j.nr) },
        _ => &[],
    }
}

/// # Safety
/// The journal key's own key is good for `'a`.
unsafe fn pos_of(k: &JournalKey) -> Bpos {
    // SAFETY: as the caller says.
    unsafe { key_i_of(k.k.cast_const().cast()) }.map_or(Bpos::default(), |key| key.k.p)
}

fn place(k: &JournalKey) -> (u64, u64) {
    (u64::from(k.btree_id), u64::from(k.level))
}

/// `gc_host_node_keys_init`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_node_keys_init(
    it: *mut sys::gc_host_node_keys,
    keys: *mut sys::journal_keys,
    b: *mut btree,
) {
    // SAFETY: the caller gives NULL or a node of this library.
    let node = unsafe { b.cast::<Node>().as_ref() };
    let Some(node) = node else { return };
    boundary(node, "gc_host_node_keys_init", (), || {
        // SAFETY: as the caller says.
        unsafe { begin(it, keys, node) }
    });
}

/// # Safety
/// As for [`gc_host_node_keys_init`].
unsafe fn begin(it: *mut sys::gc_host_node_keys, keys: *mut sys::journal_keys, node: &Node) {
    let Some(b) = node.fs().model.node(node.id) else { return };
    // Recorded and checked; the copy of the keys is not needed.
    let _recorded = node.fs().model.node_keys(node.id, false);
    let mut keys = Keys {
        fs: node.fs(),
        data: Arc::as_ptr(&b.data()),
        journal: keys.cast_const().cast(),
        at_node: 0,
        at_journal: 0,
        btree: u64::from(b.btree().0),
        level: u64::from(b.level()),
    };
    // SAFETY: the node's own reference keeps the data while the node is locked.
    let min = unsafe { &*keys.data }.min;
    // SAFETY: the caller's keys.
    let journal = unsafe { keys.journal() };
    let start = (keys.btree, keys.level);
    keys.at_journal = journal.partition_point(|k| {
        // SAFETY: the caller's keys.
        place(k) < start || (place(k) == start && unsafe { pos_of(k) } < min)
    });
    // SAFETY: the caller gives room for an iterator, which is large enough.
    unsafe { put(it.cast::<Keys>(), keys) };
}

/// `gc_host_node_keys_next`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_node_keys_next(
    it: *mut sys::gc_host_node_keys,
    out: *mut sys::bkey_s_c,
) -> bool {
    // SAFETY: an iterator that was begun, by one thread.
    let Some(it) = (unsafe { it.cast::<Keys>().as_mut() }) else { return false };
    // SAFETY: set by `gc_host_node_keys_init`; the file system outlives the iterator.
    let Some(fs) = (unsafe { it.fs.as_ref() }) else { return false };
    boundary(fs, "gc_host_node_keys_next", false, || {
        // SAFETY: as the caller says.
        unsafe { next(fs, it, out) }
    })
}

/// # Safety
/// As for [`gc_host_node_keys_next`].
unsafe fn next(fs: &Fs, it: &mut Keys, out: *mut sys::bkey_s_c) -> bool {
    fs.model.note_keys_next();
    // SAFETY: the node is locked while the iterator is used.
    let data = unsafe { &*it.data };
    // SAFETY: the caller's keys.
    let journal = unsafe { it.journal() };
    loop {
        let of_journal = journal.get(it.at_journal).filter(|k| {
            // SAFETY: the caller's keys.
            place(k) == (it.btree, it.level) && unsafe { pos_of(k) } <= data.max
        });
        // SAFETY: the caller's keys.
        let journal_pos = of_journal.map(|k| unsafe { pos_of(k) });
        let of_node = data.keys.get(it.at_node);
        let key = match merge(of_node.map(Key::pos), journal_pos) {
            Next::End => return false,
            Next::Node => {
                it.at_node = it.at_node.saturating_add(1);
                of_node.map(Key::get)
            }
            Next::Journal { hides } => {
                it.at_journal = it.at_journal.saturating_add(1);
                it.at_node = it.at_node.saturating_add(usize::from(hides));
                // SAFETY: the caller's keys.
                of_journal.and_then(|k| unsafe { key_i_of(k.k.cast_const().cast()) })
            }
        };
        if let Some(key) = key.filter(|k| k.k.type_.0 != 0) {
            // SAFETY: the caller gives NULL or a place for it.
            return unsafe { put(out.cast::<BkeySC>(), sc_of(key)) };
        }
    }
}

/// `struct gc_host_walk`.
pub(crate) struct CWalk {
    pub(crate) fs: *const Fs,
    pub(crate) walk: TreeWalk<'static>,
}

impl CWalk {
    fn fs<'a>(&self) -> &'a Fs {
        // SAFETY: the file system outlives its walks by contract.
        unsafe { &*self.fs }
    }
}

/// # Safety
/// NULL, or a walk that was opened and not closed, used by one thread.
pub(crate) unsafe fn walk_of<'a>(w: *mut sys::gc_host_walk) -> Option<&'a mut CWalk> {
    // SAFETY: as the caller says.
    unsafe { w.cast::<CWalk>().as_mut() }
}

exports! { gc_host_sys;
    fn gc_host_walk_open(
        c: *mut bch_fs,
        id: c_uint,
        kind: c_uint,
        locks_want: c_uint,
        min_depth: c_uint,
    ) -> *mut sys::gc_host_walk = ptr::null_mut() => {
        let min_depth = u8::try_from(min_depth).unwrap_or(u8::MAX);
        let kind = if kind == sys::GC_HOST_WALK_KEYS {
            WalkKind::Keys
        } else {
            WalkKind::Nodes { min_depth }
        };
        let to_root = locks_want >= sys::GC_HOST_LOCKS_TO_ROOT;
        let walk = match kind {
            WalkKind::Nodes { min_depth: 0 } if to_root => c.model.coalesce_walk(btree_id(id)),
            _ => c.model.walk(btree_id(id), kind),
        };
        match walk {
            Ok(walk) => {
                // SAFETY: only the lifetime changes: the file system outlives its
                // walks by contract.
                let walk = unsafe { std::mem::transmute::<TreeWalk<'_>, TreeWalk<'static>>(walk) };
                Box::into_raw(Box::new(CWalk { fs: c, walk })).cast()
            }
            Err(_) => ptr::null_mut(),
        }
    };
}

/// `gc_host_walk_next_key`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_walk_next_key(
    w: *mut sys::gc_host_walk,
    out: *mut sys::bkey_s_c,
) -> c_int {
    // SAFETY: an open walk.
    let Some(w) = (unsafe { walk_of(w) }) else { return EINVAL };
    boundary(w.fs(), "gc_host_walk_next_key", EINVAL, || match w.walk.next_key() {
        Ok(None) => 0,
        Ok(Some(key)) => {
            // SAFETY: the caller gives NULL or a place for it.
            unsafe { put(out.cast::<BkeySC>(), sc_of(key)) };
            1
        }
        Err(e) => e.code(),
    })
}

/// `gc_host_walk_next_node`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_walk_next_node(
    w: *mut sys::gc_host_walk,
    out: *mut *mut btree,
) -> c_int {
    // SAFETY: an open walk.
    let Some(w) = (unsafe { walk_of(w) }) else { return EINVAL };
    let fs = w.fs();
    boundary(fs, "gc_host_walk_next_node", EINVAL, || match w.walk.next_node() {
        Ok(None) => 0,
        Ok(Some(node)) => {
            // SAFETY: the caller gives NULL or a place for it.
            unsafe { put(out, fs.node(node)) };
            1
        }
        Err(e) => e.code(),
    })
}

/// `gc_host_walk_resched`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_walk_resched(w: *mut sys::gc_host_walk) {
    // SAFETY: an open walk.
    if let Some(w) = unsafe { walk_of(w) } {
        boundary(w.fs(), "gc_host_walk_resched", (), || w.walk.resched());
    }
}

/// `gc_host_walk_rewrite`
///
/// # Safety
/// Pointers are what the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_walk_rewrite(
    w: *mut sys::gc_host_walk,
    b: *mut btree,
    flags: c_uint,
) -> c_int {
    // SAFETY: an open walk.
    let w = unsafe { walk_of(w) };
    // SAFETY: the caller gives NULL or a node of this library.
    let b = unsafe { b.cast::<Node>().as_ref() };
    match (w, b) {
        (Some(w), Some(b)) => boundary(w.fs(), "gc_host_walk_rewrite", EINVAL, || {
            code(w.walk.rewrite(&held!(), b.id, flags))
        }),
        _ => EINVAL,
    }
}

/// `gc_host_walk_close`
///
/// # Safety
/// `w` is NULL or an open walk, which ends here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_walk_close(w: *mut sys::gc_host_walk) -> c_int {
    if w.is_null() {
        return EINVAL;
    }
    // SAFETY: made by `gc_host_walk_open`, and closed once.
    let w = unsafe { Box::from_raw(w.cast::<CWalk>()) };
    let fs = w.fs();
    boundary(fs, "gc_host_walk_close", EINVAL, || code(w.walk.close()))
}
