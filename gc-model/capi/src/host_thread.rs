// SPDX-License-Identifier: GPL-2.0-only
//! `gc_host_*`: the gc thread.

use crate::boundary::exports;
use gc_core::error::code;
use gc_core::host::{GcThread, Stopping};
use gc_host_sys::bch_fs;
use gc_model::Call;
use std::ffi::{c_int, c_uint, c_void};

type ThreadFn = Option<unsafe extern "C" fn(arg: *mut c_void) -> c_int>;

/// An argument on its way to the thread it is for.
struct Argument(*mut c_void);

// SAFETY: whoever starts the thread vouches that its function may use the argument
// there.
unsafe impl Send for Argument {}

impl Argument {
    fn get(self) -> *mut c_void {
        self.0
    }
}

const EINVAL: c_int = -22;

exports! { gc_host_sys;
    fn gc_host_thread_start(c: *mut bch_fs, f: ThreadFn, arg: *mut c_void) -> c_int = EINVAL => {
        if let Err(e) = c.model.host_call(Call::ThreadStart) {
            return e.get().wrapping_neg();
        }
        let Some(f) = f else { return EINVAL };
        let arg = Argument(arg);
        code(c.model.start_thread(move || {
            // SAFETY: the caller of thread_start gave function and argument for this.
            let _ret = unsafe { f(arg.get()) };
        }))
    };
    fn gc_host_thread_stop(c: *mut bch_fs) = () => {
        let _cannot_fail = c.model.host_call(Call::ThreadStop);
        c.model.stop_thread();
    };
    fn gc_host_should_stop(c: *mut bch_fs) -> bool = true => c.model.should_stop();
    fn gc_host_kicks(c: *mut bch_fs) -> c_uint = 0 => c.model.kicks();
    fn gc_host_io_clock(c: *mut bch_fs) -> u64 = 0 => c.model.io_clock();
    fn gc_host_capacity(c: *mut bch_fs) -> u64 = 0 => c.model.capacity();
    fn gc_host_wait_prepare(c: *mut bch_fs) = () => c.model.wait_prepare();
    fn gc_host_wait_sleep(c: *mut bch_fs, deadline: u64) = () => {
        c.model.wait_sleep((deadline != u64::MAX).then_some(deadline));
    };
    fn gc_host_wait_finish(c: *mut bch_fs) = () => c.model.wait_finish();
}
