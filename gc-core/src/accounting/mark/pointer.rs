// SPDX-License-Identifier: GPL-2.0-only
//! Counting one pointer in its bucket.

use super::{Ctx, MarkError, Sink, Trigger, with_journal_seq};
use crate::accounting::device::{Buckets, Geometry};
use crate::accounting::generation::gen_after;
use crate::accounting::sectors::to_bits;
use crate::accounting::stripes::Stripes;
use crate::accounting::usage::is_available;
use crate::bkey::KeyRef;
use crate::finding::{BadReference, BucketPlace, Finding, Marking, Refusal};
use crate::layout::bits::low32;
use crate::layout::btree::{BTREE_TRIGGER_GC, BTREE_TRIGGER_NOATOMIC};
use crate::layout::{BucketMark, DataType, ExtentPtr};
use core::sync::atomic::{AtomicU64, Ordering};

/// Generations a pointer may be behind its bucket before it is taken for one
/// that is ahead.
const TOO_STALE: u8 = 96;

/// The bucket's mark with a pointer to `sectors` counted in; `None` for a cached
/// pointer whose bucket was reused, which counts nothing (source:
/// `__mark_pointer`).
///
/// # Errors
/// Why the pointer is refused; checks in the original's order.
#[inline]
pub fn count_pointer(
    mark: BucketMark,
    ptr: ExtentPtr,
    sectors: i64,
    data_type: DataType,
) -> Result<Option<BucketMark>, Refusal> {
    let (bucket_gen, ptr_gen) = (mark.gen_(), ptr.gen_());
    let cached = ptr.cached();

    if bucket_gen != ptr_gen {
        if gen_after(ptr_gen, bucket_gen) != 0 {
            return Err(Refusal::Newer);
        }
        // Not newer, so 1 to 128 behind; at 128 the original's signed
        // difference is negative and compares as a huge number.
        if bucket_gen.wrapping_sub(ptr_gen) >= TOO_STALE {
            return Err(Refusal::TooStale);
        }
        return if cached { Ok(None) } else { Err(Refusal::StaleDirty) };
    }

    let holds = mark.data_type();
    if holds != DataType::NONE && holds != data_type {
        return Err(Refusal::OtherType);
    }

    let old = if cached { mark.cached_sectors() } else { mark.dirty_sectors() };
    let sum = low32(to_bits(i64::from(old).wrapping_add(sectors)));
    let Ok(sum) = u16::try_from(sum) else {
        return Err(Refusal::Overflow { sectors });
    };
    let new = if cached { mark.with_cached_sectors(sum) } else { mark.with_dirty_sectors(sum) };
    let empty = new.dirty_sectors() == 0 && new.cached_sectors() == 0;
    Ok(Some(new.with_data_type(if empty { DataType::NONE } else { data_type })))
}

/// What became of a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// It counts.
    Yes,
    /// A cached pointer into a bucket reused since: it does not.
    Stale,
}

impl<B, T, S> Ctx<'_, B, T, S>
where
    B: Buckets + ?Sized,
    T: Stripes + ?Sized,
    S: Sink + ?Sized,
{
    /// Finds the bucket of a pointer.
    pub(super) fn locate(
        &self,
        ptr: ExtentPtr,
    ) -> Result<(Geometry, BucketPlace, &'_ AtomicU64), BadReference> {
        let dev = ptr.dev();
        let Some(geometry) = self.buckets.geometry(dev) else {
            return Err(BadReference::NoDevice { dev: u64::from(dev) });
        };
        let place = BucketPlace { dev: u32::from(dev), bucket: geometry.bucket_nr(ptr.offset()) };
        let cell = geometry.has(place.bucket).then(|| self.buckets.mark(dev, place.bucket));
        match cell.flatten() {
            Some(cell) => Ok((geometry, place, cell)),
            None => Err(BadReference::NoBucket(place)),
        }
    }

    /// Counts a pointer in its bucket (source: `bch2_mark_pointer`).
    #[inline]
    pub(super) fn mark_pointer(
        &mut self,
        key: KeyRef<'_>,
        ptr: ExtentPtr,
        sectors: i64,
        data_type: DataType,
        t: &Trigger,
    ) -> Result<Counted, MarkError> {
        let (geometry, place, cell) = match self.locate(ptr) {
            Ok(found) => found,
            Err(what) => return Err(self.bad(what, Some(key))),
        };
        let mut old = BucketMark(cell.load(Ordering::Relaxed));
        let new = loop {
            let new = match count_pointer(old, ptr, sectors, data_type) {
                Ok(Some(new)) => with_journal_seq(new, t.journal_seq),
                Ok(None) => return Ok(Counted::Stale),
                Err(why) => return Err(self.refuse(key, place, why, old, ptr, data_type)),
            };
            if t.has(BTREE_TRIGGER_NOATOMIC) {
                cell.store(new.0, Ordering::Relaxed);
                break new;
            }
            match cell.compare_exchange(old.0, new.0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break new,
                Err(v) => old = BucketMark(v),
            }
        };
        self.bucket_changed(ptr.dev(), geometry, old, new);
        if !t.has(BTREE_TRIGGER_GC) && is_available(old) && !is_available(new) {
            return Err(self.bad(BadReference::NotReserved(place), Some(key)));
        }
        Ok(Counted::Yes)
    }

    #[cold]
    fn refuse(
        &mut self,
        key: KeyRef<'_>,
        place: BucketPlace,
        why: Refusal,
        mark: BucketMark,
        ptr: ExtentPtr,
        data_type: DataType,
    ) -> MarkError {
        let text = self.key_text(key);
        let key = text.as_str();
        let m = Marking::Pointer { place, why, mark, ptr, data_type, key };
        // The original does not look at the answer either: the rest of the key
        // stays uncounted.
        let _answer = self.sink.raise(&Finding::Marking(m));
        MarkError::Refused
    }
}
