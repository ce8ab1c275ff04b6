// SPDX-License-Identifier: GPL-2.0-only
//! The gc thread: waits to be kicked, or for the io clock, and runs a round.

use crate::error::{Errno, Error, Result};
use crate::gc::{self, Args};
use crate::gens;
use crate::host::{GcThread, Host, Level, Param, StateRead};

/// A periodic round comes each time this part of the capacity has been written.
const PERIODIC_PART: u64 = 16;

/// What the thread remembers of its last round.
struct Since {
    clock: u64,
    kicks: u32,
}

impl Since {
    fn now<H: Host + GcThread>(host: &H) -> Self {
        Self { clock: host.io_clock(), kicks: host.kicks() }
    }
}

/// Runs rounds until the thread is asked to stop.
pub fn run<H: Host + GcThread>(host: &H) {
    let mut since = Since::now(host);
    while wait(host, &since) {
        since = Since::now(host);
        match round(host) {
            Ok(()) => {}
            // Asked to stop, not failed.
            Err(Error::Errno(Errno::ESHUTDOWN)) if host.should_stop() => {}
            Err(e) => host.log(Level::Err, format_args!("btree gc failed: {}", e.code())),
        }
        host.assert_no_locks();
    }
}

fn round<H: Host + GcThread>(host: &H) -> Result<()> {
    if host.param(Param::ThreadFullGc) {
        let _state = StateRead::lock_unless_stopping(host).ok_or(Error::Errno(Errno::ESHUTDOWN))?;
        gc::gc(host, Args { initial: false, metadata_only: false })
    } else {
        gens::gc_gens(host)
    }
}

/// Waits; true for a round, false for the end.
fn wait<H: Host + GcThread>(host: &H, since: &Since) -> bool {
    loop {
        // Before the conditions are looked at, so that no wake-up is lost.
        host.wait_prepare();
        if host.should_stop() {
            host.wait_finish();
            return false;
        }
        if host.kicks() != since.kicks {
            host.wait_finish();
            return true;
        }
        let deadline = host.param(Param::Periodic).then(|| {
            let part = host.capacity().checked_div(PERIODIC_PART).unwrap_or(0);
            since.clock.wrapping_add(part)
        });
        if deadline.is_some_and(|d| host.io_clock() >= d) {
            host.wait_finish();
            return true;
        }
        host.wait_sleep(deadline);
    }
}
