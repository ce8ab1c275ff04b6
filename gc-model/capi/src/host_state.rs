// SPDX-License-Identifier: GPL-2.0-only
//! `gc_host_*`: locks, state, messages.

use crate::boundary::{boundary, exports, held, put};
use crate::fs::{Fs, text_of};
use crate::orphans;
use gc_core::finding::Answer;
use gc_core::host::{
    CoalesceFail, CoalesceHost, Coordination, Findings, Flag, GcThread, Level, Lock, Locks, Log,
    Param, State, Stopping, Trace,
};
use gc_host_sys::{self as sys, bch_fs};
use std::ffi::{c_char, c_int, c_uint};

fn known<T>(c: &Fs, what: &str, id: c_uint, found: Option<T>) -> Option<T> {
    if found.is_none() {
        c.model.violation(format!("no {what} {id}"));
    }
    found
}

fn lock(c: &Fs, id: c_uint) -> Option<Lock> {
    known(c, "lock", id, Lock::from_number(id))
}

fn flag(c: &Fs, id: c_uint) -> Option<Flag> {
    known(c, "flag", id, Flag::from_number(id))
}

/// `gc_host_abi`
#[unsafe(no_mangle)]
pub extern "C" fn gc_host_abi() -> c_uint {
    orphans::abi(sys::BCH_GC_HOST_ABI)
}

/// `gc_host_clock`: nanoseconds of a clock that does not go back.
#[unsafe(no_mangle)]
pub extern "C" fn gc_host_clock() -> u64 {
    gc_model::clock()
}

/// `gc_host_log`, also without a file system.
///
/// # Safety
/// `c` is NULL or a file system of this library, `msg` NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_log(c: *mut bch_fs, level: c_uint, msg: *const c_char) {
    // SAFETY: as the caller says.
    let text = unsafe { text_of(msg) }.unwrap_or_default();
    // SAFETY: as the caller says.
    match unsafe { c.cast::<Fs>().as_ref() } {
        Some(c) => {
            let level = if level == 0 { Level::Err } else { Level::Info };
            boundary(c, "gc_host_log", (), || c.model.log(level, format_args!("{text}")));
        }
        None => orphans::say(level, &text),
    }
}

/// `gc_host_bug`: the library found itself broken.
///
/// # Safety
/// `msg` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_bug(msg: *const c_char) -> ! {
    // SAFETY: as the caller says.
    let text = unsafe { text_of(msg) }.unwrap_or_default();
    eprintln!("bug in libbch_gc: {text}");
    std::process::abort()
}

exports! { gc_host_sys;
    fn gc_host_lock(c: *mut bch_fs, id: c_uint) = () => {
        if let Some(which) = lock(c, id) {
            c.model.lock(which);
        }
    };
    fn gc_host_unlock(c: *mut bch_fs, id: c_uint) = () => {
        if let Some(which) = lock(c, id) {
            c.model.unlock(which);
        }
    };
    fn gc_host_lock_unless_stopping(c: *mut bch_fs, id: c_uint) -> bool = false => {
        lock(c, id).is_some_and(|which| c.model.lock_unless_stopping(which))
    };
    fn gc_host_assert_held(c: *mut bch_fs, id: c_uint) = () => {
        if let Some(which) = lock(c, id) {
            c.model.assert_held(which);
        }
    };
    fn gc_host_assert_no_locks(c: *mut bch_fs) = () => c.model.assert_no_locks();
    fn gc_host_flag_test(c: *mut bch_fs, id: c_uint) -> bool = false => {
        flag(c, id).is_some_and(|f| c.model.flag(f))
    };
    fn gc_host_flag_set(c: *mut bch_fs, id: c_uint, value: bool) = () => {
        if let Some(f) = flag(c, id) {
            c.model.set_flag(f, value);
        }
    };
    fn gc_host_param(c: *mut bch_fs, id: c_uint) -> bool = false => {
        known(c, "parameter", id, Param::from_number(id)).is_some_and(|p| State::param(&c.model, p))
    };
    fn gc_host_sb_compat(c: *mut bch_fs) -> u64 = 0 => c.model.sb_compat();
    fn gc_host_key_version(c: *mut bch_fs) -> u64 = 0 => c.model.key_version();
    fn gc_host_key_version_set(c: *mut bch_fs, version: u64) = () => {
        c.model.set_key_version(version);
    };
    fn gc_host_journal_cur_seq(c: *mut bch_fs) -> u64 = 0 => c.model.journal_cur_seq();
    fn gc_host_gc_pos(c: *mut bch_fs, seq: *mut *mut u32, pos: *mut *mut sys::gc_pos) = () => {
        let Ok(cell) = State::gc_pos(&c.model) else { return };
        // SAFETY: the caller gives NULL or a place for the address.
        unsafe { put(seq, cell.seq.as_ptr()) };
        // SAFETY: the caller gives NULL or a place for the address.
        unsafe { put(pos, std::ptr::from_ref(cell.words).cast_mut().cast()) };
    };
    fn gc_host_gc_count_inc(c: *mut bch_fs) = () => c.model.gc_count_inc();
    fn gc_host_wait_interior_updates(c: *mut bch_fs) = () => c.model.wait_interior_updates(&held!());
    fn gc_host_journal_block(c: *mut bch_fs) = () => c.model.journal_block();
    fn gc_host_journal_unblock(c: *mut bch_fs) = () => c.model.journal_unblock();
    fn gc_host_gc_time(c: *mut bch_fs, start: u64) = () => c.model.gc_time(start);
    fn gc_host_wake_allocators(c: *mut bch_fs) = () => c.model.wake_allocators();
    fn gc_host_trace(c: *mut bch_fs, event: c_uint, arg: c_int) = () => {
        if event == sys::GC_HOST_TRACE_COALESCE_FAIL {
            let why = u32::try_from(arg).ok().and_then(CoalesceFail::from_number);
            match why {
                Some(why) => c.model.trace_coalesce_fail(why),
                None => c.model.violation(format!("no reason {arg}")),
            }
        } else if let Some(event) = known(c, "trace point", event, Trace::from_number(event)) {
            c.model.trace(event, arg);
        }
    };
    fn gc_host_fsck_err(
        c: *mut bch_fs,
        code: c_uint,
        flags: c_uint,
        msg: *const c_char,
    ) -> c_int = 2 => {
        if code >= sys::GC_HOST_FINDING_NR {
            c.model.violation(format!("fsck_err: no code {code}"));
        }
        // SAFETY: the caller gives NULL or a string.
        let text = unsafe { text_of(msg) }.unwrap_or_default();
        match c.model.report(code, flags, text) {
            Answer::Ignore => 0,
            Answer::Fix => 1,
            Answer::Exit => 2,
        }
    };
    fn gc_host_flush_fsck_errs(c: *mut bch_fs) = () => c.model.flush_findings();
}
