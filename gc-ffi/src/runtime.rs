// SPDX-License-Identifier: GPL-2.0-only
//! What a C build needs and only it may have: libc's allocator, and an end for a
//! panic that cannot happen.

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use gc_core::text::Message;
use gc_host_sys as sys;

/// libc's malloc aligns to this.
const MALLOC_ALIGN: usize = 16;

struct Malloc;

#[global_allocator]
static MALLOC: Malloc = Malloc;

// SAFETY: blocks come from libc with the size and alignment asked for, or are NULL;
// they go back to libc.
unsafe impl GlobalAlloc for Malloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= MALLOC_ALIGN {
            // SAFETY: malloc takes any size; the caller's is not 0.
            unsafe { libc::malloc(layout.size()) }.cast()
        } else {
            // SAFETY: a layout's alignment is a power of two, its size a multiple
            // of it after padding.
            unsafe { libc::aligned_alloc(layout.align(), layout.pad_to_align().size()) }.cast()
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the caller hands back a block of `alloc` or `realloc`.
        unsafe { libc::free(block.cast()) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.align() <= MALLOC_ALIGN {
            // SAFETY: the caller hands in a block of `alloc` or `realloc`.
            return unsafe { libc::realloc(block.cast(), new_size) }.cast();
        }
        let Ok(new_layout) = Layout::from_size_align(new_size, layout.align()) else {
            return core::ptr::null_mut();
        };
        // SAFETY: the caller's size is not 0.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: both blocks hold as many bytes, and they are two.
            unsafe { block.copy_to_nonoverlapping(new, layout.size().min(new_size)) };
            // SAFETY: the caller hands in a block of `alloc` or `realloc`.
            unsafe { self.dealloc(block, layout) };
        }
        new
    }
}

/// No panic is reachable from the exports; should one be after all, the host ends
/// the program as it does for its own bugs.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let text = Message::of(&format_args!("libbch_gc: {info}"));
    let msg = text.as_c_str().as_ptr();
    // SAFETY: the text outlives the call, which does not return.
    unsafe { sys::gc_host_bug(msg) }
}

/// The precompiled `alloc` names it in unwind tables that nothing reads here. Made
/// local when the archive is put together, so that it meets no other.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
