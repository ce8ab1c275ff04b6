// SPDX-License-Identifier: GPL-2.0-only
//! One pointer: its sectors on disk, its bucket, and the mark that bucket gets.

use crate::accounting::sectors::Scale;
use crate::bkey::RawKey;
use crate::host::{Devices, Host};
use crate::layout::extent::{ExtentCrc32, ExtentEntryType};
use crate::layout::{Bucket, BucketMark, DataType, ExtentPtr, KeyType};
use core::sync::atomic::Ordering::Relaxed;

/// A pointer that can be counted.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) bucket: &'a Bucket,
    mark: BucketMark,
}

/// The pointer of an extent that has one only, a dirty one, perhaps with a short
/// checksum of data stored as it is, and its sectors on disk.
#[inline(always)]
pub(super) fn lone(raw: RawKey<'_>, size: u32) -> Option<(ExtentPtr, u32)> {
    if raw.type_() != KeyType::EXTENT {
        return None;
    }
    let word = match *raw.value() {
        [word] => word,
        [crc, word] if ExtentEntryType::of_word(crc) == ExtentEntryType::CRC32 => {
            let crc = ExtentCrc32(crc);
            if crc.compressed_size_raw() != crc.uncompressed_size_raw() {
                return None;
            }
            word
        }
        _ => return None,
    };
    let ptr = ExtentPtr(word);
    let is_ptr = ExtentEntryType::of_word(word) == ExtentEntryType::PTR;
    // Then the size times that of a short checksum does not wrap, and the division by
    // the same undoes the multiplication.
    let small = size.wrapping_sub(1) < (1 << 16) - 1;
    (is_ptr && !ptr.cached() && small).then_some((ptr, size))
}

/// Sectors on disk of a whole key of `size` sectors, with `n` sectors stored a `d`
/// sectors of data; `None` where that is no number a bucket can have.
#[inline]
pub(super) fn on_disk(size: u32, n: u32, d: u32) -> Option<u32> {
    // Then nothing wraps, and the division undoes the multiplication.
    if n == d && size < 1 << 16 && n < 1 << 15 && size != 0 && n != 0 {
        return Some(size);
    }
    scaled(size, n, d)
}

#[cold]
fn scaled(size: u32, n: u32, d: u32) -> Option<u32> {
    let scale = Scale { live: size, offset: 0, delta: size.into(), flags: 0 };
    let sectors = scale.on_disk(n, d).ok()?;
    // A key without sectors is refused; a share of none cannot be.
    u32::try_from(sectors).ok().filter(|_| size != 0)
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
