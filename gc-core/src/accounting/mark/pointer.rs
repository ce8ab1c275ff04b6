// SPDX-License-Identifier: GPL-2.0-only
//! Counting one pointer in its bucket.

use super::{Ctx, MarkError, Outcome, Sink, Trigger, with_journal_seq};
use crate::accounting::device::{Buckets, Geometry};
use crate::accounting::generation::gen_after;
use crate::accounting::stripes::Stripes;
use crate::accounting::usage::is_available;
use crate::bkey::sectors::to_bits;
use crate::bkey::{BucketPointer, KeyRef};
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
        p: &BucketPointer,
        sectors: i64,
        t: &Trigger,
    ) -> Result<Counted, MarkError> {
        let (ptr, data_type) = (p.ptr, p.holds);
        let (geometry, place, cell) = match self.locate(ptr) {
            Ok(found) => found,
            Err(what) => return Err(self.bad(what, Some(key))),
        };
        let mut old = BucketMark(cell.load(Ordering::Relaxed));
        let new = loop {
            let new = match count_pointer(old, ptr, sectors, data_type) {
                Ok(Some(new)) => with_journal_seq(new, t.journal_seq),
                Ok(None) => {
                    self.tell(p, sectors, Outcome::Stale);
                    return Ok(Counted::Stale);
                }
                Err(why) => {
                    self.tell(p, sectors, Outcome::Refused(why));
                    return Err(self.refuse(key, place, why, old, ptr, data_type));
                }
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
        self.tell(p, sectors, Outcome::counted(old, new));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The checks once more, over wide signed numbers.
    fn naive(m: BucketMark, p: ExtentPtr, n: i64, t: DataType) -> Result<Option<u64>, Refusal> {
        let ahead = i64::from(p.gen_().wrapping_sub(m.gen_()) as i8);
        match (ahead, p.cached()) {
            (1.., _) => return Err(Refusal::Newer),
            (..=-96, _) => return Err(Refusal::TooStale),
            (-95..=-1, false) => return Err(Refusal::StaleDirty),
            (-95..=-1, true) => return Ok(None),
            (0, _) => {}
        }
        let mut b = m.0.to_le_bytes();
        let holds = b[1] & 7;
        if holds != 0 && holds != t.0 {
            return Err(Refusal::OtherType);
        }
        let at = if p.cached() { 4 } else { 2 };
        let sum = i64::from(b[at]) + 256 * i64::from(b[at + 1]) + n;
        if !(0..=65535).contains(&sum) {
            return Err(Refusal::Overflow { sectors: n });
        }
        (b[at], b[at + 1]) = ((sum % 256) as u8, (sum / 256) as u8);
        let empty = b[2..6] == [0; 4];
        b[1] = (b[1] & !7) | if empty { 0 } else { t.0 };
        Ok(Some(u64::from_le_bytes(b)))
    }

    // Oracle: `naive`, over every distance of generations, data type, flag and
    // kind of pointer, and all small counts and those at the edge.
    #[test]
    fn every_small_mark() {
        let counts = [0_u16, 1, 2, 3, 65533, 65534, 65535];
        let deltas = [-65536_i64, -65535, -3, -2, -1, 0, 1, 2, 3, 65535, 65536, 1 << 32];
        for raw in 0..64_u64 {
            for (dirty, cached) in counts.iter().flat_map(|&d| counts.map(|c| (d, c))) {
                let m = BucketMark(raw << 8 | 0x1234 << 48 | 7)
                    .with_dirty_sectors(dirty)
                    .with_cached_sectors(cached);
                for (t, is_cached) in [(3, false), (3, true), (4, false), (4, true)] {
                    for n in deltas {
                        let p = ExtentPtr::new(0, 8, 7).with_cached(is_cached);
                        if n == 1 << 32 {
                            // Sums are cut to 32 bits, as the original's are.
                            let same = count_pointer(m, p, 0, DataType(t));
                            assert_eq!(count_pointer(m, p, n, DataType(t)).ok(), same.ok());
                            continue;
                        }
                        let got = count_pointer(m, p, n, DataType(t));
                        assert_eq!(got.map(|m| m.map(|m| m.0)), naive(m, p, n, DataType(t)));
                    }
                }
            }
        }
    }

    // Oracle: `naive`, over all pairs of generations.
    #[test]
    fn every_pair_of_generations() {
        for (b, g) in (0..=255).flat_map(|b| (0..=255).map(move |g| (b, g))) {
            for cached in [false, true] {
                let m = BucketMark(0).with_gen(b);
                let p = ExtentPtr::new(0, 8, g).with_cached(cached);
                let got = count_pointer(m, p, 5, DataType::USER);
                assert_eq!(got.map(|m| m.map(|m| m.0)), naive(m, p, 5, DataType::USER), "{b} {g}");
            }
        }
    }
}
