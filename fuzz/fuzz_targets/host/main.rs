// SPDX-License-Identifier: GPL-2.0-only
//! The C boundary: a host whose every answer comes from the input. Addresses it gives
//! are good or NULL; numbers, flags, keys and results are anything.
#![no_main]

mod calls;
mod state;

use gc_ffi::exports as lib;
use libfuzzer_sys::fuzz_target;
use state::{begin, end};
use std::ffi::c_int;

fuzz_target!(|input: &[u8]| {
    let Some((&what, rest)) = input.split_first() else { return };
    let fs = begin(rest);
    let ret: c_int = match what % 8 {
        0..=2 => {
            let (initial, metadata_only) = (what & 8 != 0, what & 16 != 0);
            // SAFETY: the file system lives until `end`; no keys of the journal.
            unsafe { lib::bch2_gc(fs.cast(), std::ptr::null_mut(), initial, metadata_only) }
        }
        3 => {
            // SAFETY: as above.
            unsafe { lib::bch2_gc_gens(fs.cast()) }
        }
        4 | 5 => {
            // SAFETY: as above.
            unsafe { lib::bch2_coalesce(fs.cast()) };
            0
        }
        6 => {
            let stray = what & 8 != 0;
            let c = if stray { std::ptr::null_mut() } else { fs.cast() };
            // SAFETY: as above; the device is one of the file system's.
            unsafe { lib::bch2_mark_dev_superblock(c, state::device(0).cast(), 0) };
            0
        }
        _ => {
            // SAFETY: as above; the thread runs within this call.
            let ret = unsafe { lib::bch2_gc_thread_start(fs.cast()) };
            calls::run_thread();
            // SAFETY: as above.
            unsafe { lib::bch2_gc_thread_stop(fs.cast()) };
            ret
        }
    };
    assert!(ret <= 2, "no result of a host comes through as one of ours: {ret}");
    end();
});
