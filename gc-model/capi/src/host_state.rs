// SPDX-License-Identifier: GPL-2.0-only
//! `gc_host_*`: locks, state, messages.

use crate::boundary::{boundary, exports, put};
use crate::fs::{Fs, text_of};
use crate::orphans;
use gc_core::finding::Answer;
use gc_core::host::{
    CoalesceFail, CoalesceHost, DeviceHost, Flag, Host, Level, Lock, Param, Trace,
};
use gc_host_sys::{self as sys, bch_fs};
use std::ffi::{c_char, c_int, c_uint};

const LOCKS: [Lock; 8] = [
    Lock::StateRead,
    Lock::GcRead,
    Lock::GcWrite,
    Lock::MarkRead,
    Lock::MarkWrite,
    Lock::Sb,
    Lock::BtreeRoot,
    Lock::Freelist,
];
const FLAGS: [Flag; 2] = [Flag::FixedGens, Flag::RebuildReplicas];
const PARAMS: [Param; 9] = [
    Param::ExpensiveDebugChecks,
    Param::TestRestartGc,
    Param::JournalSeqVerify,
    Param::RewriteDisabled,
    Param::AlwaysRewrite,
    Param::Periodic,
    Param::ThreadFullGc,
    Param::UpdatesBesideGc,
    Param::Lends,
];
const TRACES: [Trace; 4] = [Trace::GcStart, Trace::GcEnd, Trace::CoalesceStart, Trace::CoalesceEnd];

fn pick<T: Copy>(c: &Fs, what: &str, all: &[T], id: c_uint) -> Option<T> {
    let found = usize::try_from(id).ok().and_then(|i| all.get(i)).copied();
    if found.is_none() {
        c.model.violation(format!("no {what} {id}"));
    }
    found
}

pub(crate) fn flag(id: c_uint) -> Option<Flag> {
    FLAGS.get(usize::try_from(id).ok()?).copied()
}

pub(crate) fn param(id: c_uint) -> Option<Param> {
    PARAMS.get(usize::try_from(id).ok()?).copied()
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
        if let Some(which) = pick(c, "lock", &LOCKS, id) {
            c.model.lock(which);
        }
    };
    fn gc_host_unlock(c: *mut bch_fs, id: c_uint) = () => {
        if let Some(which) = pick(c, "lock", &LOCKS, id) {
            c.model.unlock(which);
        }
    };
    fn gc_host_lock_unless_stopping(c: *mut bch_fs, id: c_uint) -> bool = false => {
        pick(c, "lock", &LOCKS, id).is_some_and(|which| c.model.lock_unless_stopping(which))
    };
    fn gc_host_assert_held(c: *mut bch_fs, id: c_uint) = () => {
        if let Some(which) = pick(c, "lock", &LOCKS, id) {
            c.model.assert_held(which);
        }
    };
    fn gc_host_assert_no_locks(c: *mut bch_fs) = () => c.model.assert_no_locks();
    fn gc_host_flag_test(c: *mut bch_fs, id: c_uint) -> bool = false => {
        pick(c, "flag", &FLAGS, id).is_some_and(|f| c.model.flag(f))
    };
    fn gc_host_flag_set(c: *mut bch_fs, id: c_uint, value: bool) = () => {
        if let Some(f) = pick(c, "flag", &FLAGS, id) {
            c.model.set_flag(f, value);
        }
    };
    fn gc_host_param(c: *mut bch_fs, id: c_uint) -> bool = false => {
        pick(c, "parameter", &PARAMS, id).is_some_and(|p| Host::param(&c.model, p))
    };
    fn gc_host_sb_compat(c: *mut bch_fs) -> u64 = 0 => c.model.sb_compat();
    fn gc_host_key_version(c: *mut bch_fs) -> u64 = 0 => c.model.key_version();
    fn gc_host_key_version_set(c: *mut bch_fs, version: u64) = () => {
        c.model.set_key_version(version);
    };
    fn gc_host_journal_cur_seq(c: *mut bch_fs) -> u64 = 0 => c.model.journal_cur_seq();
    fn gc_host_gc_pos(c: *mut bch_fs, seq: *mut *mut u32, pos: *mut *mut sys::gc_pos) = () => {
        let cell = Host::gc_pos(&c.model);
        // SAFETY: the caller gives NULL or a place for the address.
        unsafe { put(seq, cell.seq.as_ptr()) };
        // SAFETY: the caller gives NULL or a place for the address.
        unsafe { put(pos, std::ptr::from_ref(cell.words).cast_mut().cast()) };
    };
    fn gc_host_gc_count_inc(c: *mut bch_fs) = () => c.model.gc_count_inc();
    fn gc_host_wait_interior_updates(c: *mut bch_fs) = () => c.model.wait_interior_updates();
    fn gc_host_journal_block(c: *mut bch_fs) = () => c.model.journal_block();
    fn gc_host_journal_unblock(c: *mut bch_fs) = () => c.model.journal_unblock();
    fn gc_host_gc_time(c: *mut bch_fs, start: u64) = () => c.model.gc_time(start);
    fn gc_host_wake_allocators(c: *mut bch_fs) = () => c.model.wake_allocators();
    fn gc_host_trace(c: *mut bch_fs, event: c_uint, arg: c_int) = () => {
        if event == sys::GC_HOST_TRACE_COALESCE_FAIL {
            match arg {
                0 => c.model.trace_coalesce_fail(CoalesceFail::Reserve),
                1 => c.model.trace_coalesce_fail(CoalesceFail::Memory),
                2 => c.model.trace_coalesce_fail(CoalesceFail::Format),
                _ => c.model.violation(format!("no reason {arg}")),
            }
        } else if let Some(event) = pick(c, "trace point", &TRACES, event) {
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
