// SPDX-License-Identifier: GPL-2.0-only
//! The oldest generation that any pointer still has (`bch2_gc_gens`): what keeps
//! the generations of buckets from wrapping round.

use crate::accounting::generation::gen_after;
use crate::error::{Errno, Error, Result};
use crate::host::{Devices, Host, Level, Lock, Locked, Walk, WalkKind};
use crate::layout::BtreeId;
use core::sync::atomic::Ordering::Relaxed;

/// Btrees whose keys point to data.
const BTREES: [BtreeId; 3] = [BtreeId::EXTENTS, BtreeId::EC, BtreeId::REFLINK];

/// Recomputes `oldest_gen` of every bucket, beside others.
///
/// # Errors
/// `ESHUTDOWN` when the gc thread is asked to stop meanwhile; the walk's error;
/// `ENOMEM`. `oldest_gen` is then as it was.
pub fn gc_gens<H: Host>(host: &H) -> Result<()> {
    {
        let _state =
            Locked::unless_stopping(host, Lock::StateRead).ok_or(Error::Errno(Errno::ESHUTDOWN))?;
        let devices = Devices::collect(host)?;
        for b in devices.iter().flat_map(|dev| dev.live.as_slice()) {
            b.gc_gen.store(b.load_mark(Relaxed).gen_(), Relaxed);
        }
        for id in BTREES {
            btree(host, &devices, id)?;
        }
        for b in devices.iter().flat_map(|dev| dev.live.as_slice()) {
            b.oldest_gen.store(b.gc_gen.load(Relaxed), Relaxed);
        }
    }
    // Allocators that wait until generations may be incremented look at the
    // count, and only when they are woken.
    host.gc_count_inc();
    host.wake_allocators();
    Ok(())
}

fn btree<H: Host>(host: &H, devices: &Devices<'_, H>, id: BtreeId) -> Result<()> {
    let mut walk = host.walk(id, WalkKind::Keys)?;
    let walked = keys(host, devices, &mut walk);
    let closed = walk.close();
    walked.and(closed)
}

fn keys<H: Host>(host: &H, devices: &Devices<'_, H>, walk: &mut H::Walk<'_>) -> Result<()> {
    while let Some(key) = walk.next_key()? {
        for ptr in key.pointers() {
            let bucket = devices
                .get(ptr.dev())
                .and_then(|dev| dev.live.get(dev.geometry.bucket_of(ptr.offset())?));
            let Some(bucket) = bucket else {
                host.log(
                    Level::Err,
                    format_args!(
                        "pointer to nonexistent bucket: dev {} sector {}",
                        ptr.dev(),
                        ptr.offset()
                    ),
                );
                continue;
            };
            if gen_after(bucket.gc_gen.load(Relaxed), ptr.gen_()) != 0 {
                bucket.gc_gen.store(ptr.gen_(), Relaxed);
            }
        }
    }
    Ok(())
}
