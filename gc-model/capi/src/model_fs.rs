// SPDX-License-Identifier: GPL-2.0-only
//! `bch_gc_model_*`: making a file system, comparing it with a recount.

use crate::boundary::exports;
use crate::fs::Fs;
use crate::header::{self, bch_gc_model, bch_gc_model_options};
use crate::orphans;
use gc_host_sys::{bch_dev, bch_fs, journal_keys};
use gc_model::{Model, Options};
use std::ffi::{c_char, c_int, c_uint};
use std::panic::catch_unwind;
use std::ptr;

pub(crate) const EINVAL: c_int = -22;

const VERSION: &std::ffi::CStr = match std::ffi::CStr::from_bytes_with_nul(
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes(),
) {
    Ok(v) => v,
    Err(_) => c"",
};

/// `bch_gc_model_abi`
#[unsafe(no_mangle)]
pub extern "C" fn bch_gc_model_abi() -> c_uint {
    header::BCH_GC_MODEL_ABI
}

/// `bch_gc_model_version`
#[unsafe(no_mangle)]
pub extern "C" fn bch_gc_model_version() -> *const c_char {
    VERSION.as_ptr()
}

/// `bch_gc_model_pretend_abi`
#[unsafe(no_mangle)]
pub extern "C" fn bch_gc_model_pretend_abi(abi: c_uint) {
    orphans::pretend_abi(abi);
}

fn to_c(o: &Options) -> bch_gc_model_options {
    bch_gc_model_options {
        size: size_of::<bch_gc_model_options>(),
        nr_devices: o.nr_devices,
        bucket_size: o.bucket_size,
        nbuckets: o.nbuckets,
        first_bucket: o.first_bucket,
        btree_node_size: o.btree_node_size,
        node_keys: u32::try_from(o.node_keys).unwrap_or(u32::MAX),
        metadata_replicas: o.metadata_replicas,
        journal_buckets: o.journal_buckets,
        compat: o.compat,
    }
}

fn from_c(o: &bch_gc_model_options) -> Option<Options> {
    // A structure of another size comes from another header.
    (o.size == size_of::<bch_gc_model_options>()).then(|| Options {
        nr_devices: o.nr_devices,
        bucket_size: o.bucket_size,
        nbuckets: o.nbuckets,
        first_bucket: o.first_bucket,
        btree_node_size: o.btree_node_size,
        node_keys: usize::try_from(o.node_keys).unwrap_or(usize::MAX),
        metadata_replicas: o.metadata_replicas,
        journal_buckets: o.journal_buckets,
        compat: o.compat,
    })
}

/// `bch_gc_model_options_init`
///
/// # Safety
/// `o` is NULL or a place for options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch_gc_model_options_init(o: *mut bch_gc_model_options) {
    // SAFETY: as the caller says.
    unsafe { crate::boundary::put(o, to_c(&Options::default())) };
}

/// `bch_gc_model_create`
///
/// # Safety
/// `o` is NULL or options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch_gc_model_create(o: *const bch_gc_model_options) -> *mut bch_gc_model {
    // SAFETY: as the caller says.
    let options = match unsafe { o.as_ref() } {
        Some(o) => from_c(o),
        None => Some(Options::default()),
    };
    let made = catch_unwind(|| options.and_then(|o| Model::new(&o).ok()).map(Fs::new));
    made.ok().flatten().map_or(ptr::null_mut(), |fs| Box::into_raw(fs).cast())
}

/// `bch_gc_model_destroy`
///
/// # Safety
/// `m` is NULL, or was made by [`bch_gc_model_create`]; it ends here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch_gc_model_destroy(m: *mut bch_gc_model) {
    if m.is_null() {
        return;
    }
    // SAFETY: as the caller says.
    let fs = unsafe { Box::from_raw(m.cast::<Fs>()) };
    fs.model.stop_thread();
    drop(fs);
}

/// Puts text into a buffer, cut to its size.
///
/// # Safety
/// `to` is NULL or has room for `size` bytes.
unsafe fn put_text(to: *mut c_char, size: usize, text: &str) {
    let Some(room) = size.checked_sub(1).filter(|_| !to.is_null()) else { return };
    let len = text.len().min(room);
    // SAFETY: `len` bytes and the final NUL fit into the buffer.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr().cast(), to, len) };
    let end = to.wrapping_add(len);
    // SAFETY: as above.
    unsafe { end.write(0) };
}

exports! { crate::header;
    fn bch_gc_model_fs(m: *mut bch_gc_model) -> *mut bch_fs = ptr::null_mut() => m.as_fs();
    fn bch_gc_model_dev(m: *mut bch_gc_model, dev: c_uint) -> *mut bch_dev = ptr::null_mut() => {
        m.model.member_id(dev).map_or(ptr::null_mut(), |id| m.dev(id))
    };
    fn bch_gc_model_journal_keys(m: *mut bch_gc_model) -> *mut journal_keys = ptr::null_mut() => {
        m.journal_keys()
    };
    fn bch_gc_model_state_lock(m: *mut bch_gc_model, write: bool) = () => {
        m.model.lock_state(write);
    };
    fn bch_gc_model_state_unlock(m: *mut bch_gc_model) = () => m.model.unlock_state();
    fn bch_gc_model_settle(m: *mut bch_gc_model) -> c_int = EINVAL => {
        m.model.settle();
        0
    };
    fn bch_gc_model_differences(
        m: *mut bch_gc_model,
        text: *mut c_char,
        size: usize,
    ) -> c_uint = 0 => {
        let all = m.model.differences();
        // SAFETY: the caller gives NULL or a buffer of that size.
        unsafe { put_text(text, size, all.first().map_or("", String::as_str)) };
        c_uint::try_from(all.len()).unwrap_or(c_uint::MAX)
    };
    fn bch_gc_model_compat_set(m: *mut bch_gc_model, compat: u64) = () => {
        m.model.set_compat(compat);
    };
}
