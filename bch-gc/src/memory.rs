// SPDX-License-Identifier: GPL-2.0-only
//! An end for a run that gets no memory: a line and exit code 8, no signal. What an
//! image asks for is bounded by its size, so this is a lack of the machine's, or of
//! what the user allows: then all that is taken is counted, so that an estimate that
//! was wrong ends the run, and never takes more.

use crate::exit::Exit;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI64};

struct OrEnd;

#[global_allocator]
static MEMORY: OrEnd = OrEnd;

/// Whether there is a limit.
static LIMITED: AtomicBool = AtomicBool::new(false);
/// Whether more ends the run.
static KEPT: AtomicBool = AtomicBool::new(false);
/// Bytes that may still be taken; less than none where more was taken.
static LEFT: AtomicI64 = AtomicI64::new(i64::MAX);

/// Has the allocator give back what it can. Before there are threads.
pub(crate) fn be_frugal() {
    // One heap for all threads, and large blocks go back to the system at once: what
    // is counted is then what the process takes.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (what, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, 128 << 10),
        (libc::M_TRIM_THRESHOLD, 128 << 10),
    ] {
        // SAFETY: sets a number of the allocator's; where it is refused, all goes on.
        let _set = unsafe { libc::mallopt(what, value) };
    }
}

/// From now on what is taken is counted, of so many bytes.
pub(crate) fn count(bytes: u64) {
    LEFT.store(i64::try_from(bytes).unwrap_or(i64::MAX), Relaxed);
    LIMITED.store(true, Relaxed);
}

/// Whether more than that ends the run. It does not while it is estimated what would do:
/// a run that ends then could not say so.
pub(crate) fn keep(kept: bool) {
    KEPT.store(kept, Relaxed);
}

/// Gives back to the system what is free, so that what the process takes can be seen.
pub(crate) fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: moves nothing that is in use.
    let _given = unsafe { libc::malloc_trim(0) };
}

/// What a block takes with what the allocator keeps of it.
fn taken(size: usize) -> i64 {
    i64::try_from(size.saturating_add(8)).map_or(i64::MAX, |n| n.max(32) | 15)
}

/// A block is about to be taken.
#[inline]
fn take(size: usize) {
    let limited = LIMITED.load(Relaxed);
    if limited && LEFT.fetch_sub(taken(size), Relaxed) < taken(size) && KEPT.load(Relaxed) {
        end(b"bch-gc: more memory would be needed than --memory allows\n");
    }
}

/// A block is given back.
#[inline]
fn give(size: usize) {
    if LIMITED.load(Relaxed) {
        LEFT.fetch_add(taken(size), Relaxed);
    }
}

// SAFETY: all is the system's, but that it never returns NULL.
unsafe impl GlobalAlloc for OrEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: handed on.
        or_end(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: handed on.
        or_end(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        take(new_size);
        give(layout.size());
        // SAFETY: handed on.
        or_end(unsafe { System.realloc(block, layout, new_size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        give(layout.size());
        // SAFETY: handed on.
        unsafe { System.dealloc(block, layout) };
    }
}

#[inline]
fn or_end(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        end(b"bch-gc: out of memory\n");
    }
    block
}

/// Nothing of std: it may be in the midst of anything, and must not allocate.
#[cold]
fn end(line: &[u8]) -> ! {
    // SAFETY: the line lies there; whether it could be written changes nothing.
    let _written = unsafe { libc::write(2, line.as_ptr().cast(), line.len()) };
    // SAFETY: ends the process; nothing is ever written to an image.
    unsafe { libc::_exit(i32::from(Exit::Operational.code())) }
}
