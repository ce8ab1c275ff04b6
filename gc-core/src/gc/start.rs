// SPDX-License-Identifier: GPL-2.0-only
//! Making the second arrays in which a pass counts.

use crate::error::{Error, Result};
use crate::host::{Devices, GcArray, GcWrite, Held, Host, Level, MarkWrite};
use crate::layout::{Bucket, BucketMark, DataType, GcPhase};
use core::sync::atomic::Ordering::Relaxed;

use super::Args;
use super::done::COUNTED;
use super::position::{Position, phase};

/// Makes usage, buckets, device usage and stripes of the gc side, and copies
/// into the buckets what a pass does not recount: generations, and (for a pass
/// over metadata only) buckets of user data.
///
/// # Errors
/// `ENOMEM` or the host's, after a message; what was made stays, for
/// [`free`].
pub(crate) fn start<'h, H: Host + ?Sized>(
    host: &'h H,
    gc: &'h Held<GcWrite>,
    devices: &mut Devices<'h, H>,
    position: &mut Position<'h, H>,
    Args { initial, metadata_only }: Args,
) -> Result<()> {
    let told = |what: &str, e: Error| {
        host.log(Level::Err, format_args!("error allocating {what}"));
        e
    };
    host.usage_gc_alloc().map_err(|e| told("c->usage_gc", e))?;
    devices.gc_alloc(gc, initial).map_err(|(array, e)| match array {
        GcArray::Buckets => told("ca->buckets[gc]", e),
        GcArray::Usage => told("ca->usage[gc]", e),
    })?;
    host.stripes_gc_alloc().map_err(|e| told("ec gc mem", e))?;

    let _mark = MarkWrite::lock(host);
    position.advance(phase(GcPhase::START))?;
    for dev in devices.iter() {
        dev.touch_unless(
            |live| initial && untouched(live),
            |stretch| {
                for (live, gc) in stretch.live.iter().zip(stretch.gc) {
                    let mark = live.load_mark(Relaxed);
                    gc.begin(first_mark(mark, metadata_only), mark.gen_(), live.gen_valid());
                }
            },
        );
    }
    Ok(())
}

/// Whether nothing is known of any of the buckets, and what a pass begins with is
/// all zero.
fn untouched(live: &[Bucket]) -> bool {
    let (mut marks, mut rest) = (0, 0);
    for bucket in live {
        marks |= bucket.mark.load(Relaxed);
        rest |= bucket.oldest_gen.load(Relaxed) | bucket.flags.load(Relaxed);
    }
    marks & COUNTED == 0 && rest == 0
}

/// The mark that a pass begins with.
fn first_mark(live: BucketMark, metadata_only: bool) -> BucketMark {
    if metadata_only && matches!(live.data_type(), DataType::USER | DataType::CACHED) {
        live.with_owned_by_allocator(false)
    } else {
        BucketMark(0).with_gen(live.gen_())
    }
}

/// Frees the gc side.
pub(crate) fn free<'h, H: Host + ?Sized>(
    host: &'h H,
    mark: &Held<MarkWrite>,
    devices: &mut Devices<'h, H>,
) {
    host.stripes_gc_free(mark);
    devices.gc_free(mark);
    host.usage_gc_free(mark);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    // Oracle: each bit of three buckets by itself; the journal's sequence, bits 48 to 63
    // and whether it counts, is nothing that a pass counts, nor are bits 14 and 15.
    #[test]
    fn any_bit_that_counts_makes_a_stretch_one_to_look_at() {
        let buckets = || (0..3).map(|_| Bucket::default()).collect::<Vec<_>>();
        assert!(untouched(&buckets()) && untouched(&[]));
        for at in 0..3 {
            for bit in 0..64 {
                let b = buckets();
                b[at].mark.store(1 << bit, Relaxed);
                let nothing = matches!(bit, 12 | 14 | 15 | 48..);
                assert_eq!(untouched(&b), nothing, "{at} {bit}");
            }
            for bit in 0..8 {
                let b = buckets();
                b[at].oldest_gen.store(1 << bit, Relaxed);
                assert!(!untouched(&b), "{at} {bit}");
                let b = buckets();
                b[at].flags.store(1 << bit, Relaxed);
                assert!(!untouched(&b), "{at} {bit}");
                // Both at once.
                b[at].oldest_gen.store(1 << bit, Relaxed);
                assert!(!untouched(&b), "{at} {bit}");
            }
        }
    }

    // Oracle: D8 and docs/facts/gc.md: a pass over metadata does not recount buckets of
    // data, which keep all but their owner; the others keep their generation.
    #[test]
    fn a_pass_begins_with_what_it_does_not_count() {
        for raw in 0..8 {
            let live = BucketMark(u64::MAX).with_data_type_raw(raw);
            let gen_only = BucketMark(0).with_gen(255);
            assert_eq!(first_mark(live, false), gen_only);
            let data = [DataType::USER, DataType::CACHED].contains(&DataType(raw));
            let kept = if data { live.with_owned_by_allocator(false) } else { gen_only };
            assert_eq!(first_mark(live, true), kept, "{raw}");
        }
    }
}
