// SPDX-License-Identifier: GPL-2.0-only
//! What becomes of each reference to a bucket, for who observes the marking.

use super::{Ctx, Sink};
use crate::accounting::device::Buckets;
use crate::accounting::stripes::Stripes;
use crate::bkey::{BucketPointer, StripeBlock, StripeBlocks, no_crc, ptr_data_type};
use crate::finding::Refusal;
use crate::layout::{BucketMark, CrcUnpacked, DataType, ExtentPtr, KeyType};

/// A reference of a key to a bucket that there is.
#[derive(Debug, Clone, Copy)]
pub struct BucketReference {
    /// Index of the device.
    pub dev: u8,
    /// Number of the bucket.
    pub bucket: u64,
    /// The pointer.
    pub ptr: ExtentPtr,
    /// What messages say that its bucket holds.
    pub data_type: DataType,
    /// Block of the stripe it is, for a stripe's own pointer.
    pub block: Option<u8>,
    /// Sectors on disk that come; of a stripe's own pointer those of a block. 0 where
    /// they go, and where they cannot be worked out.
    pub sectors: u64,
    /// How the data is stored.
    pub crc: CrcUnpacked,
}

/// What became of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Counted {
        /// Dirty sectors that it added to its bucket.
        dirty: u64,
        /// Cached sectors that it added.
        cached: u64,
    },
    /// A cached pointer into a bucket that was used anew: it counts nothing.
    Stale,
    /// It was refused, which ended its key.
    Refused(Refusal),
    /// Its key was given up before it.
    NotReached,
}

impl Outcome {
    /// Of a mark that was changed from `old` to `new`.
    #[inline]
    pub(super) fn counted(old: BucketMark, new: BucketMark) -> Self {
        let added = |now: u16, then: u16| u64::from(now.saturating_sub(then));
        Self::Counted {
            dirty: added(new.dirty_sectors(), old.dirty_sectors()),
            cached: added(new.cached_sectors(), old.cached_sectors()),
        }
    }
}

impl<B, T, S> Ctx<'_, B, T, S>
where
    B: Buckets + ?Sized,
    T: Stripes + ?Sized,
    S: Sink + ?Sized,
{
    /// Tells of a pointer, if anybody observes.
    #[inline]
    pub(super) fn tell(&mut self, p: &BucketPointer, sectors: i64, outcome: Outcome) {
        if self.sink.observes() {
            let (ptr, data_type, crc) = (p.ptr, p.named(), p.crc);
            let sectors = u64::try_from(sectors).unwrap_or(0);
            self.tell_of(ptr, outcome, |dev, bucket| BucketReference {
                dev,
                bucket,
                ptr,
                data_type,
                block: None,
                sectors,
                crc,
            });
        }
    }

    /// Tells of a stripe's own pointer, if anybody observes. `sectors`: those of a block;
    /// `size`: of the key.
    pub(super) fn tell_block(
        &mut self,
        b: StripeBlock,
        (sectors, size): (u16, u32),
        outcome: Outcome,
    ) {
        if self.sink.observes() {
            let ptr = b.ptr;
            self.tell_of(ptr, outcome, |dev, bucket| BucketReference {
                dev,
                bucket,
                ptr,
                data_type: ptr_data_type(KeyType::STRIPE, ptr),
                block: Some(b.block),
                sectors: sectors.into(),
                crc: no_crc(size),
            });
        }
    }

    /// Tells that pointers were not reached, if anybody observes.
    #[cold]
    pub(super) fn not_reached(&mut self, pointers: impl Iterator<Item = BucketPointer>) {
        if self.sink.observes() {
            for p in pointers {
                let sectors = p.sectors().map_or(0, i64::from);
                self.tell(&p, sectors, Outcome::NotReached);
            }
        }
    }

    /// Tells that blocks of a stripe were not reached, if anybody observes.
    #[cold]
    pub(super) fn blocks_not_reached(&mut self, blocks: StripeBlocks<'_>, size: u32) {
        let sectors = blocks.block_sectors();
        blocks.for_each(|b| self.tell_block(b, (sectors, size), Outcome::NotReached));
    }

    fn tell_of(
        &mut self,
        ptr: ExtentPtr,
        outcome: Outcome,
        reference: impl FnOnce(u8, u64) -> BucketReference,
    ) {
        if let Ok((_, place, _)) = self.locate(ptr) {
            self.sink.reference(&reference(ptr.dev(), place.bucket), outcome);
        }
    }
}
