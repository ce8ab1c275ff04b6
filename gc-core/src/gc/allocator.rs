// SPDX-License-Identifier: GPL-2.0-only
//! Buckets that the allocator holds: in its fifos and open for writing.

use super::position::{Position, allocator};
use crate::error::{Error, Result};
use crate::host::{ALLOC_FIFOS, DevEntry, Devices, Freelist, Held, Host, Level, MarkRead};
use crate::layout::btree::BTREE_TRIGGER_GC;
use crate::layout::{ExtentPtr, GcPos};

/// Marks them as owned by the allocator.
///
/// # Errors
/// `EINVAL` for a bucket that no device has.
pub(crate) fn mark<'h, H: Host + ?Sized>(
    host: &'h H,
    devices: &Devices<'h, H>,
    position: &mut Position<'h, H>,
) -> Result<()> {
    let mark = MarkRead::lock(host);
    // Held to the last open bucket: a bucket that went from a fifo that has been
    // walked to an open bucket that has not, and were put back from there, would
    // keep an owner (docs/order.md).
    let freelist = Freelist::lock(host);
    let pos = allocator(0);
    position.advance(pos)?;
    for dev in devices.iter() {
        for fifo in 0..ALLOC_FIFOS {
            let mut n = 0_usize;
            while let Some(bucket) = host.dev_reserve_bucket(&freelist, dev.dev, fifo, n) {
                own(host, &mark, dev, bucket, pos)?;
                n = n.saturating_add(1);
            }
        }
    }
    for i in 0..host.open_buckets_nr() {
        let open = OpenBucket::lock(host, &mark, &freelist, i);
        let pos = allocator(i);
        // Past those that are free, too: what is opened there from now on is put
        // back behind the run. Number 0 stands at the place of the fifos.
        if i != 0 {
            position.advance(pos)?;
        }
        if let Some(ptr) = open.ptr {
            let found = devices
                .get(ptr.dev())
                .and_then(|dev| Some((dev, dev.geometry.bucket_of(ptr.offset())?)));
            let Some((dev, bucket)) = found else {
                host.log(
                    Level::Err,
                    format_args!(
                        "open bucket {i} in nonexistent bucket: dev {} sector {}",
                        ptr.dev(),
                        ptr.offset()
                    ),
                );
                return Err(Error::INVAL);
            };
            own(host, &mark, dev, bucket, pos)?;
        }
    }
    Ok(())
}

fn own<H: Host + ?Sized>(
    host: &H,
    mark: &Held<MarkRead>,
    dev: &DevEntry<'_, H>,
    bucket: u64,
    pos: GcPos,
) -> Result<()> {
    let g = &dev.geometry;
    if bucket < u64::from(g.first_bucket) || bucket >= g.nbuckets {
        host.log(
            Level::Err,
            format_args!("dev {}: the allocator holds nonexistent bucket {bucket}", dev.idx),
        );
        return Err(Error::INVAL);
    }
    dev.touched.bucket(bucket);
    host.mark_alloc_bucket(mark, dev.dev, bucket, true, pos, BTREE_TRIGGER_GC);
    Ok(())
}

/// An open bucket, locked until this is dropped.
struct OpenBucket<'h, H: Host + ?Sized> {
    host: &'h H,
    i: u32,
    ptr: Option<ExtentPtr>,
}

impl<'h, H: Host + ?Sized> OpenBucket<'h, H> {
    fn lock(host: &'h H, mark: &Held<MarkRead>, freelist: &Held<Freelist>, i: u32) -> Self {
        Self { host, i, ptr: host.open_bucket_lock(mark, freelist, i) }
    }
}

impl<H: Host + ?Sized> Drop for OpenBucket<'_, H> {
    fn drop(&mut self) {
        self.host.open_bucket_unlock(self.i);
    }
}
