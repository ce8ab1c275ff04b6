// SPDX-License-Identifier: GPL-2.0-only
//! One pointer: its bucket, and the mark that bucket gets.

use crate::host::{Devices, Host};
use crate::layout::{Bucket, BucketMark, DataType, ExtentPtr};
use core::sync::atomic::Ordering::Relaxed;

/// A pointer that can be counted.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) bucket: &'a Bucket,
    mark: BucketMark,
}

/// The bucket of a pointer and the mark it gets; `None` unless the pointer is plain:
/// a current generation that is known, nothing else in the bucket, and room.
#[inline(always)]
pub(super) fn find<'a, H: Host + ?Sized>(
    devices: &'a Devices<'_, H>,
    ptr: ExtentPtr,
    cached: bool,
    on_disk: u32,
    data_type: DataType,
) -> Option<Place<'a>> {
    let dev = devices.get(ptr.dev())?;
    let b = dev.bucket_of(ptr.offset())?;
    let bucket = dev.gc.get(b)?;
    // Where a generation is known, the stretch has been touched.
    if !bucket.gen_valid() {
        return None;
    }
    let mark = plain_mark(bucket.load_mark(Relaxed), ptr.gen_(), cached, on_disk, data_type)?;
    Some(Place { bucket, mark })
}

/// One sector, as a mark has it.
const DIRTY_ONE: u64 = BucketMark(0).with_dirty_sectors(1).0;
const CACHED_ONE: u64 = BucketMark(0).with_cached_sectors(1).0;

/// [`count_pointer`](crate::accounting::count_pointer) where it counts, from the mark's
/// word: the same generation, the same or no type, and no overflow.
#[inline(always)]
fn plain_mark(
    mark: BucketMark,
    ptr_gen: u8,
    cached: bool,
    on_disk: u32,
    data_type: DataType,
) -> Option<BucketMark> {
    let held = mark.data_type();
    let (has, one) = if cached {
        (mark.cached_sectors(), CACHED_ONE)
    } else {
        (mark.dirty_sectors(), DIRTY_ONE)
    };
    let sum = u32::from(has).checked_add(on_disk)?;
    let fits = sum <= u32::from(u16::MAX) && on_disk != 0;
    if mark.gen_() != ptr_gen || !fits || (held != DataType::NONE && held != data_type) {
        return None;
    }
    // There is room for the sum in its field, so that no other field changes.
    let counted = mark.0.wrapping_add(one.wrapping_mul(u64::from(on_disk)));
    Some(BucketMark(counted).with_data_type(data_type))
}

impl Place<'_> {
    #[inline]
    pub(super) fn count(&self) {
        // The pointer's generation is the bucket's: nothing in it is newer.
        self.bucket.mark.store(self.mark.0, Relaxed);
    }
}

#[cfg(test)]
mod tests;
