// SPDX-License-Identifier: GPL-2.0-only
//! A value that readers see whole while it is replaced: what RCU is in the
//! original.

use crossbeam_epoch::{self as epoch, Atomic, Owned};
use std::sync::atomic::Ordering;

/// Always holds a value.
#[derive(Debug)]
pub(crate) struct Rcu<T> {
    at: Atomic<T>,
}

impl<T: Send + Sync + 'static> Rcu<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { at: Atomic::new(value) }
    }

    /// Shows the value to `f`; it stays until `f` returns, also when it is
    /// replaced meanwhile.
    pub(crate) fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let guard = epoch::pin();
        let now = self.at.load(Ordering::Acquire, &guard);
        // SAFETY: never null; what is replaced is destroyed only after all threads
        // pinned by then have unpinned.
        f(unsafe { now.deref() })
    }

    /// Replaces the value. One thread at a time.
    pub(crate) fn replace(&self, value: T) {
        let guard = epoch::pin();
        let old = self.at.swap(Owned::new(value), Ordering::AcqRel, &guard);
        // SAFETY: swapped out, so no new reader finds it, and only this call has it.
        unsafe { guard.defer_destroy(old) };
        guard.flush();
    }
}

impl<T> Drop for Rcu<T> {
    fn drop(&mut self) {
        let at = std::mem::replace(&mut self.at, Atomic::null());
        // SAFETY: nobody else can read through a value that is being dropped.
        drop(unsafe { at.try_into_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    static ALIVE: AtomicUsize = AtomicUsize::new(0);

    struct Counted([u64; 8]);

    impl Counted {
        fn new(v: u64) -> Self {
            ALIVE.fetch_add(1, SeqCst);
            Self([v; 8])
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0 = [u64::MAX; 8];
            ALIVE.fetch_sub(1, SeqCst);
        }
    }

    // Oracle: a value is seen whole, values never go back, and in the end as many
    // were dropped as were made.
    #[test]
    fn readers_see_whole_values_and_nothing_leaks() {
        let rcu = Rcu::new(Counted::new(0));
        std::thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    let mut last = 0;
                    while last < 500 {
                        let now = rcu.read(|c| {
                            assert!(c.0.iter().all(|w| *w == c.0[0]));
                            c.0[0]
                        });
                        assert!(now >= last);
                        last = now;
                    }
                });
            }
            for v in 1..=500 {
                rcu.replace(Counted::new(v));
            }
        });
        drop(rcu);
        for _ in 0..10_000 {
            if ALIVE.load(SeqCst) == 0 {
                return;
            }
            epoch::pin().flush();
            std::thread::yield_now();
        }
        panic!("{} values left", ALIVE.load(SeqCst));
    }
}
