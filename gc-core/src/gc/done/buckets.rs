// SPDX-License-Identifier: GPL-2.0-only
//! Buckets: the counted part of the mark compared as one word; field by field
//! only where it differs. The usage of the device is counted on the way.

use super::Mode;
use crate::accounting::usage::count_bucket;
use crate::error::Result;
use crate::finding::{BucketField, BucketPlace, Finding};
use crate::gc::ask;
use crate::gc::mark::update;
use crate::host::{DevEntry, Host, Stretch};
use crate::layout::{Bucket, BucketMark, DataType, DevUsage};
use core::sync::atomic::Ordering::Relaxed;

/// What is compared: all of the mark but the journal sequence.
pub(crate) const COUNTED: u64 = BucketMark(0)
    .with_gen(u8::MAX)
    .with_data_type_raw(7)
    .with_owned_by_allocator(true)
    .with_stripe(true)
    .with_dirty_sectors(u16::MAX)
    .with_cached_sectors(u16::MAX)
    .0;

/// What a pass over metadata compares of a mark: it does not walk stripes.
const COUNTED_METADATA: u64 = BucketMark(COUNTED).with_stripe(false).0;

/// Compares the buckets of one device, and counts its usage by what they are then.
///
/// # Errors
/// A finding was answered "stop".
pub(super) fn done<H: Host + ?Sized>(host: &H, dev: &DevEntry<'_, H>, mode: Mode) -> Result<()> {
    let mask = if mode.metadata_only { COUNTED_METADATA } else { COUNTED };
    let first_bucket = u64::from(dev.geometry.first_bucket);
    let bucket_size = u16::try_from(dev.geometry.bucket_size).unwrap_or(u16::MAX);
    let (mut usage, mut hidden) = (DevUsage::default(), 0);
    for Stretch { first, live, gc } in dev.stretches() {
        for (bucket, (live, gc)) in (first..).zip(live.iter().zip(gc)) {
            let counted = gc.load_mark(Relaxed);
            let mut mark = live.load_mark(Relaxed);
            if (mark.0 ^ counted.0) & mask != 0 {
                let place = BucketPlace { dev: dev.idx, bucket };
                take_over(host, mode, place, live, counted)?;
                mark = live.load_mark(Relaxed);
            }
            // A pass over metadata has not seen the pointers into these.
            let unseen = mode.metadata_only
                && matches!(counted.data_type(), DataType::USER | DataType::CACHED);
            let oldest_gen = gc.oldest_gen.load(Relaxed);
            if live.oldest_gen.load(Relaxed) != oldest_gen && !unseen {
                live.oldest_gen.store(oldest_gen, Relaxed);
            }
            if bucket >= first_bucket {
                count_bucket(&mut usage, &mut hidden, bucket_size, mark);
            }
        }
    }
    dev.usage.set((usage, hidden));
    Ok(())
}

#[cold]
fn take_over<H: Host + ?Sized>(
    host: &H,
    mode: Mode,
    place: BucketPlace,
    live: &Bucket,
    counted: BucketMark,
) -> Result<()> {
    type Get = fn(BucketMark) -> u32;
    type Copy = fn(BucketMark, BucketMark) -> BucketMark;
    let fields: [(BucketField, Get, Copy); 6] = [
        (BucketField::Gen, |m| m.gen_().into(), |m, c| m.with_gen(c.gen_())),
        (
            BucketField::DataType,
            |m| m.data_type_raw().into(),
            |m, c| m.with_data_type_raw(c.data_type_raw()),
        ),
        (
            BucketField::OwnedByAllocator,
            |m| m.owned_by_allocator().into(),
            |m, c| m.with_owned_by_allocator(c.owned_by_allocator()),
        ),
        (BucketField::Stripe, |m| m.stripe().into(), |m, c| m.with_stripe(c.stripe())),
        (
            BucketField::DirtySectors,
            |m| m.dirty_sectors().into(),
            |m, c| m.with_dirty_sectors(c.dirty_sectors()),
        ),
        (
            BucketField::CachedSectors,
            |m| m.cached_sectors().into(),
            |m, c| m.with_cached_sectors(c.cached_sectors()),
        ),
    ];
    for (field, get, copy) in fields {
        if mode.metadata_only && field == BucketField::Stripe {
            continue;
        }
        // Read anew: the text names the mark with the repairs so far.
        let mark = live.load_mark(Relaxed);
        let (got, want) = (get(mark), get(counted));
        if got == want {
            continue;
        }
        if mode.verify {
            // Copied whatever the answer: only "stop" keeps it.
            ask::fix(host, &Finding::Bucket { place, mark, field, got, want })?;
        }
        update(live, |m| copy(m, counted));
    }
    Ok(())
}
