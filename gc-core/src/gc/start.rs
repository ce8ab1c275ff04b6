// SPDX-License-Identifier: GPL-2.0-only
//! Making the second arrays in which a pass counts.

use crate::error::{Error, Result};
use crate::host::{Devices, GcArray, Host, Level, Lock, Locked};
use crate::layout::{BucketMark, DataType, GcPhase};
use core::sync::atomic::Ordering::Relaxed;

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
    devices: &mut Devices<'h, H>,
    position: &mut Position<'h, H>,
    metadata_only: bool,
) -> Result<()> {
    let told = |what: &str, e: Error| {
        host.log(Level::Err, format_args!("error allocating {what}"));
        e
    };
    host.usage_gc_alloc().map_err(|e| told("c->usage_gc", e))?;
    devices.gc_alloc().map_err(|(array, e)| match array {
        GcArray::Buckets => told("ca->buckets[gc]", e),
        GcArray::Usage => told("ca->usage[gc]", e),
    })?;
    host.stripes_gc_alloc().map_err(|e| told("ec gc mem", e))?;

    let _mark = Locked::new(host, Lock::MarkWrite);
    position.advance(phase(GcPhase::START))?;
    for dev in devices.iter() {
        for (live, gc) in dev.live.as_slice().iter().zip(dev.gc.as_slice()) {
            let mark = live.load_mark(Relaxed);
            gc.mark.store(first_mark(mark, metadata_only).0, Relaxed);
            gc.oldest_gen.store(mark.gen_(), Relaxed);
            gc.set_gen_valid(live.gen_valid());
        }
    }
    Ok(())
}

/// The mark that a pass begins with.
fn first_mark(live: BucketMark, metadata_only: bool) -> BucketMark {
    if metadata_only && matches!(live.data_type(), DataType::USER | DataType::CACHED) {
        live.with_owned_by_allocator(false)
    } else {
        BucketMark(0).with_gen(live.gen_())
    }
}

/// Frees the gc side. Needs [`Lock::MarkWrite`].
pub(crate) fn free<'h, H: Host + ?Sized>(host: &'h H, devices: &mut Devices<'h, H>) {
    host.stripes_gc_free();
    devices.gc_free();
    host.usage_gc_free();
}
