// SPDX-License-Identifier: GPL-2.0-only
//! What stands behind the opaque pointers.

use crate::boundary::{Handle, Violations};
use crate::header::bch_gc_model;
use gc_core::bkey::KeyRef;
use gc_core::layout::bkey::BkeySC;
use gc_core::layout::{BkeyI, JournalKey, JournalKeys};
use gc_host_sys as sys;
use gc_model::{DevId, JournalEntry, Model, NodeId};
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `struct bch_fs` and `struct bch_gc_model`: one object under two names.
pub(crate) struct Fs {
    pub(crate) model: Model,
    devs: Mutex<HashMap<DevId, Box<Dev>>>,
    nodes: Mutex<HashMap<NodeId, Box<Node>>>,
    strings: Mutex<HashSet<CString>>,
    journals: Mutex<Vec<Journal>>,
}

/// `struct bch_dev`.
pub(crate) struct Dev {
    fs: *const Fs,
    pub(crate) id: DevId,
}

/// `struct btree`.
pub(crate) struct Node {
    fs: *const Fs,
    pub(crate) id: NodeId,
}

/// The journal's keys as C has them.
struct Journal {
    of: Arc<Vec<JournalEntry>>,
    /// The keys' words, which `d` points into.
    _words: Vec<Box<[u64]>>,
    /// What `head` points to.
    _d: Box<[JournalKey]>,
    head: Box<JournalKeys>,
}

// SAFETY: the raw pointers lead to the Fs that owns the object, and into the
// journal's own memory, which does not change.
unsafe impl Send for Fs {}
// SAFETY: as above; all that changes is behind locks.
unsafe impl Sync for Fs {}

impl Fs {
    pub(crate) fn new(model: Model) -> Box<Self> {
        Box::new(Self {
            model,
            devs: Mutex::default(),
            nodes: Mutex::default(),
            strings: Mutex::default(),
            journals: Mutex::default(),
        })
    }

    pub(crate) fn as_fs(&self) -> *mut sys::bch_fs {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// The address C knows a device by.
    pub(crate) fn dev(&self, id: DevId) -> *mut sys::bch_dev {
        let mut devs = lock(&self.devs);
        let dev = devs.entry(id).or_insert_with(|| Box::new(Dev { fs: self, id }));
        ptr::from_ref(dev.as_ref()).cast_mut().cast()
    }

    /// The address C knows a node by.
    pub(crate) fn node(&self, id: NodeId) -> *mut sys::btree {
        let mut nodes = lock(&self.nodes);
        let node = nodes.entry(id).or_insert_with(|| Box::new(Node { fs: self, id }));
        ptr::from_ref(node.as_ref()).cast_mut().cast()
    }

    /// Text that lives as long as the file system.
    pub(crate) fn text(&self, text: &str) -> *const c_char {
        let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
        let mut all = lock(&self.strings);
        if let Some(known) = all.get(&text) {
            return known.as_ptr();
        }
        // The bytes do not move with the CString.
        let at = text.as_ptr();
        all.insert(text);
        at
    }

    /// The journal's keys as C has them; NULL without any.
    pub(crate) fn journal_keys(&self) -> *mut sys::journal_keys {
        let overlay = self.model.overlay().shared();
        if overlay.is_empty() {
            return ptr::null_mut();
        }
        let mut all = lock(&self.journals);
        let known = all.iter().find(|j| Arc::ptr_eq(&j.of, &overlay));
        if let Some(journal) = known {
            return ptr::from_ref(journal.head.as_ref()).cast_mut().cast();
        }
        let words: Vec<Box<[u64]>> = overlay.iter().map(|e| e.key.words().into()).collect();
        let d: Box<[JournalKey]> = (0_u32..)
            .zip(overlay.iter().zip(&words))
            .map(|(at, (e, words))| JournalKey {
                btree_id: e.btree.0,
                level: e.level,
                pad: [0; 6],
                k: words.as_ptr().cast_mut().cast::<BkeyI>(),
                journal_seq: 0,
                journal_offset: at,
            })
            .collect();
        let head =
            Box::new(JournalKeys { d: d.as_ptr().cast_mut(), nr: d.len(), journal_seq_base: 1 });
        let at = ptr::from_ref(head.as_ref()).cast_mut().cast();
        all.push(Journal { of: overlay, _words: words, _d: d, head });
        at
    }
}

/// What knows its file system.
pub(crate) trait InFs {
    /// The file system.
    fn fs(&self) -> &Fs;
}

impl<T: InFs> Violations for T {
    fn violation(&self, what: String) {
        self.fs().model.violation(what);
    }
}

impl InFs for Fs {
    fn fs(&self) -> &Fs {
        self
    }
}

impl InFs for Dev {
    fn fs(&self) -> &Fs {
        // SAFETY: the Fs owns this object and has never moved.
        unsafe { &*self.fs }
    }
}

impl InFs for Node {
    fn fs(&self) -> &Fs {
        // SAFETY: the Fs owns this object and has never moved.
        unsafe { &*self.fs }
    }
}

macro_rules! handles {
    ($($c:ty => $of:ty;)*) => { $(
        impl Handle for *mut $c {
            type Of = $of;
            unsafe fn get<'a>(self) -> Option<&'a $of> {
                // SAFETY: the caller says NULL, or one of our objects that is alive.
                unsafe { self.cast::<$of>().as_ref() }
            }
        }
    )* };
}

handles! {
    sys::bch_fs => Fs;
    bch_gc_model => Fs;
    sys::bch_dev => Dev;
    sys::btree => Node;
}

/// A key that C passes.
///
/// # Safety
/// NULL, or a `struct bkey_s_c` whose key and value (as long as the key says) are
/// good for `'a`.
pub(crate) unsafe fn key_of<'a>(k: *const sys::bkey_s_c) -> Option<KeyRef<'a>> {
    // SAFETY: the caller says NULL or good.
    let sc = unsafe { k.cast::<BkeySC>().as_ref() }?;
    // SAFETY: as above.
    let key = unsafe { sc.k.as_ref() }?;
    let len = usize::from(key.val_u64s());
    if sc.v.is_null() || len == 0 {
        return Some(KeyRef::new(key, &[]));
    }
    // SAFETY: the value is as long as the key says.
    let v = unsafe { std::slice::from_raw_parts(sc.v.cast::<u64>(), len) };
    Some(KeyRef::new(key, v))
}

/// A key in one piece that C passes.
///
/// # Safety
/// NULL, or a `struct bkey_i` good for `'a`.
pub(crate) unsafe fn key_i_of<'a>(k: *const sys::bkey_i) -> Option<KeyRef<'a>> {
    if k.is_null() {
        return None;
    }
    let v = k.cast::<u64>().wrapping_add(5);
    let sc = BkeySC { k: k.cast(), v: v.cast() };
    // SAFETY: key and value lie behind each other.
    unsafe { key_of((&raw const sc).cast()) }
}

/// A key as C takes it.
pub(crate) fn sc_of(key: KeyRef<'_>) -> BkeySC {
    BkeySC { k: ptr::from_ref(key.k), v: key.v.as_ptr().cast() }
}

/// Text that C passes; what is not UTF-8 is replaced.
///
/// # Safety
/// NULL, or a string that ends with NUL.
pub(crate) unsafe fn text_of(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, so a string.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
