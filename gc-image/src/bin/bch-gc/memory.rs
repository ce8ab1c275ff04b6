// SPDX-License-Identifier: GPL-2.0-only
//! An end for a run that gets no memory: a line and exit code 8, no signal. What an
//! image asks for is bounded by its size, so this is a lack of the machine's.

use crate::run::OPERATIONAL;
use std::alloc::{GlobalAlloc, Layout, System};

struct OrEnd;

#[global_allocator]
static MEMORY: OrEnd = OrEnd;

// SAFETY: all is the system's, but that it never returns NULL.
unsafe impl GlobalAlloc for OrEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: handed on.
        or_end(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: handed on.
        or_end(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: handed on.
        or_end(unsafe { System.realloc(block, layout, new_size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: handed on.
        unsafe { System.dealloc(block, layout) };
    }
}

#[inline]
fn or_end(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        end();
    }
    block
}

/// Nothing of std: it may be in the midst of anything, and must not allocate.
#[cold]
fn end() -> ! {
    let line = b"bch-gc: out of memory\n";
    // SAFETY: the line lies there; whether it could be written changes nothing.
    let _written = unsafe { libc::write(2, line.as_ptr().cast(), line.len()) };
    // SAFETY: ends the process; nothing is ever written to an image.
    unsafe { libc::_exit(i32::from(OPERATIONAL)) }
}
