// SPDX-License-Identifier: GPL-2.0-only
//! The gc thread as its host runs it: kicks, the io clock, stopping, freezing.

use crate::Model;
use crate::sync::{lock, me};
use gc_core::error::{Errno, Error, Result};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct State {
    handle: Option<JoinHandle<()>>,
    stop: bool,
    kicks: u32,
    io_clock: u64,
    capacity: u64,
    prepared: bool,
    woken: bool,
    asleep: bool,
    freeze: bool,
    frozen: bool,
}

/// The gc thread of a model, if there is one, and what wakes it.
#[derive(Debug, Default)]
pub struct GcThread {
    /// Its number; 0 without one.
    id: Arc<AtomicU64>,
    state: Mutex<State>,
    changed: Condvar,
}

impl GcThread {
    fn change<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        let ret = f(&mut lock(&self.state));
        self.changed.notify_all();
        ret
    }

    /// Waits until `f` is content, at most so long.
    fn until(&self, limit: Duration, f: impl Fn(&State) -> bool) -> bool {
        let started = Instant::now();
        let mut s = lock(&self.state);
        while !f(&s) {
            let Some(left) = limit.checked_sub(started.elapsed()) else { return false };
            s = self.wait(s, left);
        }
        true
    }

    fn wait<'g>(&self, s: MutexGuard<'g, State>, limit: Duration) -> MutexGuard<'g, State> {
        self.changed.wait_timeout(s, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A thread that looks again so often loses nothing if a wake-up came from a place
/// that does not know of it.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Model {
    /// Starts the gc thread: runs `body` on a new thread, which counts as the gc
    /// thread until it returns.
    ///
    /// # Errors
    /// `EBUSY` when there is one; `ENOMEM` when the system gives no thread.
    pub fn start_thread(&self, body: impl FnOnce() + Send + 'static) -> Result<()> {
        let id = Arc::clone(&self.thread.id);
        let body = move || {
            id.store(me(), SeqCst);
            body();
        };
        let mut s = lock(&self.thread.state);
        if s.handle.is_some() {
            return Err(Error::Errno(Errno::EBUSY));
        }
        s.stop = false;
        let handle = thread::Builder::new().name("bch_gc".to_owned()).spawn(body);
        let handle = handle.map_err(|_| Error::NOMEM)?;
        s.handle = Some(handle);
        Ok(())
    }

    /// Asks the gc thread to stop and waits until it has; nothing without one.
    pub fn stop_thread(&self) {
        let handle = self.thread.change(|s| {
            s.stop = true;
            s.woken = true;
            s.handle.take()
        });
        self.locks.poke();
        if let Some(handle) = handle {
            // A panic in it has been printed; the test fails by what it did not do.
            let _panicked = handle.join();
        }
        self.thread.id.store(0, SeqCst);
        self.thread.change(|s| {
            s.asleep = false;
            s.frozen = false;
        });
    }

    /// Whether there is a gc thread.
    #[must_use]
    pub fn thread_running(&self) -> bool {
        lock(&self.thread.state).handle.is_some()
    }

    /// Whether the calling thread is the gc thread and has been asked to stop.
    #[must_use]
    pub fn stopping(&self) -> bool {
        let s = lock(&self.thread.state);
        s.stop && self.thread.id.load(SeqCst) == me()
    }

    /// Kicks the gc thread.
    pub fn kick(&self) {
        self.thread.change(|s| {
            s.kicks = s.kicks.wrapping_add(1);
            s.woken = true;
        });
    }

    /// Lets the io clock advance.
    pub fn io(&self, sectors: u64) {
        self.thread.change(|s| s.io_clock = s.io_clock.wrapping_add(sectors));
    }

    /// Sets the capacity in sectors, of which the period of the thread is a part.
    pub fn set_capacity(&self, sectors: u64) {
        self.thread.change(|s| s.capacity = sectors);
    }

    pub(crate) fn thread_numbers(&self) -> (u32, u64, u64) {
        let s = lock(&self.thread.state);
        (s.kicks, s.io_clock, s.capacity)
    }

    pub(crate) fn prepare_wait(&self) {
        self.thread.change(|s| {
            s.prepared = true;
            s.woken = false;
        });
    }

    pub(crate) fn finish_wait(&self) {
        self.thread.change(|s| s.prepared = false);
    }

    /// The wait proper.
    pub(crate) fn sleep(&self, deadline: Option<u64>) {
        let t = &self.thread;
        let mut s = lock(&t.state);
        if !s.prepared {
            drop(s);
            self.violation("wait_sleep without wait_prepare".to_owned());
            return;
        }
        s.asleep = true;
        t.changed.notify_all();
        loop {
            if s.freeze && !s.stop {
                s.frozen = true;
                t.changed.notify_all();
            } else {
                s.frozen = false;
                let due = deadline.is_some_and(|d| s.io_clock >= d);
                if s.woken || s.stop || due {
                    break;
                }
            }
            s = t.wait(s, LOOK_AGAIN);
        }
        s.asleep = false;
        t.changed.notify_all();
    }

    /// Waits until the gc thread sleeps and nothing has woken it.
    pub fn wait_idle(&self, limit: Duration) -> bool {
        self.thread.until(limit, |s| s.asleep && !s.woken && !s.stop)
    }

    /// Waits until so many gcs were completed.
    pub fn wait_gc_count(&self, n: u64, limit: Duration) -> bool {
        let started = Instant::now();
        while self.gc_count() < n {
            if started.elapsed() > limit {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Freezes the gc thread; true once it is frozen. It is thawed by
    /// [`Model::thaw`] only.
    pub fn freeze(&self, limit: Duration) -> bool {
        self.thread.change(|s| s.freeze = true);
        self.thread.until(limit, |s| s.frozen)
    }

    /// Ends that.
    pub fn thaw(&self) {
        self.thread.change(|s| s.freeze = false);
    }
}
