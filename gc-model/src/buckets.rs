// SPDX-License-Identifier: GPL-2.0-only
//! Buckets of a device in memory as C has them: a head, then the buckets.

use gc_core::layout::{Bucket, BucketArray, BucketMark};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

/// One array of buckets, `struct bucket_array` with its tail. The buckets are
/// atomics: many may read and write them.
#[derive(Debug)]
pub struct BucketArrayBox {
    head: NonNull<BucketArray>,
    nbuckets: usize,
}

// SAFETY: it owns its memory; the head does not change after it was made, and the
// buckets are atomics.
unsafe impl Send for BucketArrayBox {}
// SAFETY: as above.
unsafe impl Sync for BucketArrayBox {}

impl BucketArrayBox {
    fn layout(nbuckets: usize) -> Layout {
        let tail = nbuckets.saturating_mul(size_of::<Bucket>());
        let size = tail.saturating_add(size_of::<BucketArray>());
        // What is too large for a layout is refused by the allocator as well.
        Layout::from_size_align(size, align_of::<BucketArray>())
            .unwrap_or_else(|_| handle_alloc_error(Layout::new::<BucketArray>()))
    }

    /// All zero.
    #[must_use]
    pub fn zeroed(first_bucket: u16, nbuckets: usize) -> Self {
        let layout = Self::layout(nbuckets);
        // SAFETY: the layout is at least as large as the head.
        let memory = unsafe { alloc_zeroed(layout) };
        let Some(head) = NonNull::new(memory.cast::<BucketArray>()) else {
            handle_alloc_error(layout)
        };
        let empty = BucketArray { rcu: [0; 2], first_bucket, nbuckets, b: [] };
        // SAFETY: the memory is ours, large enough and aligned for the head.
        unsafe { head.write(empty) };
        Self { head, nbuckets }
    }

    /// The buckets, from number 0.
    #[must_use]
    pub fn buckets(&self) -> &[Bucket] {
        let first = self.head.as_ptr().wrapping_add(1).cast::<Bucket>();
        // SAFETY: `nbuckets` buckets follow the head (32 bytes, as asserted by
        // gc-core); zeroed memory is a valid bucket, and they live as long as self.
        unsafe { std::slice::from_raw_parts(first, self.nbuckets) }
    }

    /// The address C knows it by.
    #[must_use]
    pub fn as_ptr(&self) -> *mut BucketArray {
        self.head.as_ptr()
    }

    /// Makes sure that whoever still reads it sees nonsense.
    pub(crate) fn poison(&self) {
        for b in self.buckets() {
            b.mark.store(0xdead_dead_dead_dead, Relaxed);
            b.oldest_gen.store(0xad, Relaxed);
        }
    }
}

impl Drop for BucketArrayBox {
    fn drop(&mut self) {
        let layout = Self::layout(self.nbuckets);
        // SAFETY: allocated in `zeroed` with the same layout, freed once.
        unsafe { dealloc(self.head.as_ptr().cast(), layout) };
    }
}

/// A bucket's fields, apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BucketState {
    /// Mark.
    pub mark: BucketMark,
    /// Oldest generation of any pointer.
    pub oldest_gen: u8,
    /// The oldest generation while it is recomputed.
    pub gc_gen: u8,
    /// Whether the generation is known.
    pub gen_valid: bool,
}

impl BucketState {
    /// As it is now.
    #[must_use]
    pub fn load(b: &Bucket) -> Self {
        Self {
            mark: b.load_mark(Relaxed),
            oldest_gen: b.oldest_gen.load(Relaxed),
            gc_gen: b.gc_gen.load(Relaxed),
            gen_valid: b.gen_valid(),
        }
    }

    /// Makes it so.
    pub fn store(&self, b: &Bucket) {
        b.mark.store(self.mark.0, Relaxed);
        b.oldest_gen.store(self.oldest_gen, Relaxed);
        b.gc_gen.store(self.gc_gen, Relaxed);
        b.set_gen_valid(self.gen_valid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the head's offsets as the layout tables have them: 16, 24, 32.
    #[test]
    fn memory_is_that_of_the_c_side() {
        let a = BucketArrayBox::zeroed(3, 5);
        let s = BucketState { mark: BucketMark(0x0102), oldest_gen: 9, gc_gen: 8, gen_valid: true };
        s.store(&a.buckets()[4]);
        let base = a.as_ptr().cast::<u8>();
        let byte = |at: usize| {
            let at = base.wrapping_add(at);
            // SAFETY: within the head and five buckets.
            unsafe { at.read() }
        };
        assert_eq!((byte(16), byte(24)), (3, 5));
        assert_eq!((byte(32 + 4 * 16), byte(32 + 4 * 16 + 1)), (2, 1));
        assert_eq!((byte(32 + 4 * 16 + 12), byte(32 + 4 * 16 + 14)), (9, 1));
        assert_eq!(BucketState::load(&a.buckets()[4]), s);
        assert_eq!(a.buckets().len(), 5);
    }
}
