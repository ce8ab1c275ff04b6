// SPDX-License-Identifier: GPL-2.0-only
//! `bch_gc_model_*`: the gc thread, and readers beside it.

use crate::boundary::{exports, put};
use crate::header::bch_gc_model;
use std::ffi::c_uint;
use std::time::Duration;

fn ms(n: c_uint) -> Duration {
    Duration::from_millis(u64::from(n))
}

exports! { crate::header;
    fn bch_gc_model_kick(m: *mut bch_gc_model) = () => m.model.kick();
    fn bch_gc_model_io(m: *mut bch_gc_model, sectors: u64) = () => m.model.io(sectors);
    fn bch_gc_model_capacity_set(m: *mut bch_gc_model, sectors: u64) = () => {
        m.model.set_capacity(sectors);
    };
    fn bch_gc_model_thread_running(m: *mut bch_gc_model) -> bool = false => {
        m.model.thread_running()
    };
    fn bch_gc_model_thread_idle(m: *mut bch_gc_model, limit: c_uint) -> bool = false => {
        m.model.wait_idle(ms(limit))
    };
    fn bch_gc_model_wait_gc_count(m: *mut bch_gc_model, n: u64, limit: c_uint) -> bool = false => {
        m.model.wait_gc_count(n, ms(limit))
    };
    fn bch_gc_model_freeze(m: *mut bch_gc_model, limit: c_uint) -> bool = false => {
        m.model.freeze(ms(limit))
    };
    fn bch_gc_model_thaw(m: *mut bch_gc_model) = () => m.model.thaw();
    fn bch_gc_model_reader_gc_pos(
        m: *mut bch_gc_model,
        phase: *mut u32,
        inode: *mut u64,
        offset: *mut u64,
        level: *mut u32,
    ) = () => {
        let now = m.model.gc_pos_now();
        let pos = now.pos;
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(phase, now.phase.0) };
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(inode, pos.inode) };
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(offset, pos.offset) };
        // SAFETY: the caller gives NULL or a place for it.
        unsafe { put(level, now.level) };
    };
}
