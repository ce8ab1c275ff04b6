// SPDX-License-Identifier: GPL-2.0-only
//! Buckets of superblocks and journals.

use super::position::{Position, phase};
use crate::error::Result;
pub use crate::host::Membership;
use crate::host::{
    DevEntry, DeviceHost, Devices, Geometry, Held, Host, Level, Lock, MarkRead, MetadataBucket, Sb,
    Touched,
};
use crate::layout::btree::BTREE_TRIGGER_GC;
use crate::layout::superblock::BCH_SB_SECTOR;
use crate::layout::{DataType, GcPhase};
use core::sync::atomic::Ordering::Relaxed;

/// Marks the superblock and journal buckets of one device
/// (`bch2_mark_dev_superblock`); of a member, under the mark lock. Ranges that lie outside the device's buckets are
/// reported and left out.
///
/// # Errors
/// `EINVAL` when the host broke its contract.
pub fn mark_dev_superblock<H: DeviceHost + ?Sized>(
    host: &H,
    dev: H::Dev,
    membership: Membership<'_>,
    flags: u32,
) -> Result<()> {
    mark_metadata(host, dev, membership, flags, &Touched::all())
}

fn mark_metadata<H: DeviceHost + ?Sized>(
    host: &H,
    dev: H::Dev,
    membership: Membership<'_>,
    flags: u32,
    touched: &Touched,
) -> Result<()> {
    let mark = match membership {
        Membership::Member(_sb) => {
            host.assert_held(Lock::Sb);
            Some(MarkRead::lock(host))
        }
        Membership::Stray => None,
    };
    let geometry = host.dev_geometry(dev);
    let copies = host.dev_superblocks(membership, dev);
    // A shift of 64 or more is no size a device can have; neither is 2^63.
    let size = 1_u64.checked_shl(copies.max_size_bits).unwrap_or(u64::MAX);
    let marking = Marking { host, mark: mark.as_deref(), dev, geometry, flags, touched };
    for offset in copies.offset.iter().take(copies.nr).copied() {
        if offset == BCH_SB_SECTOR {
            marking.sectors(0, BCH_SB_SECTOR);
        }
        marking.sectors(offset, offset.saturating_add(size));
    }
    let mut n = 0_usize;
    while let Some(bucket) = host.dev_journal_bucket(membership, dev, n)? {
        marking.bucket(bucket, DataType::JOURNAL, geometry.bucket_size);
        n = n.saturating_add(1);
    }
    Ok(())
}

struct Marking<'h, H: DeviceHost + ?Sized> {
    host: &'h H,
    mark: Option<&'h Held<MarkRead>>,
    dev: H::Dev,
    geometry: Geometry,
    flags: u32,
    touched: &'h Touched,
}

impl<H: DeviceHost + ?Sized> Marking<'_, H> {
    /// Sectors `[start, end)` of a superblock, bucket by bucket.
    fn sectors(&self, start: u64, end: u64) {
        let size = u64::from(self.geometry.bucket_size);
        let mut at = start;
        // Buckets without a size have no number.
        while let Some(bucket) = at.checked_div(size).filter(|_| at < end) {
            let next = bucket.saturating_add(1).saturating_mul(size).min(end);
            let sectors = u32::try_from(next.saturating_sub(at)).unwrap_or(u32::MAX);
            let inside = self.bucket(bucket, DataType::SB, sectors);
            if !inside && bucket >= self.geometry.nbuckets {
                // The rest lies outside too: said once.
                break;
            }
            // So is what lies before the first bucket.
            let first = u64::from(self.geometry.first_bucket).saturating_mul(size);
            at = if inside { next } else { next.max(first) };
        }
    }

    fn bucket(&self, bucket: u64, data_type: DataType, sectors: u32) -> bool {
        let g = &self.geometry;
        let inside = bucket >= u64::from(g.first_bucket) && bucket < g.nbuckets;
        if inside {
            let pos = phase(GcPhase::SB);
            self.touched.bucket(bucket);
            let number = bucket;
            let bucket = MetadataBucket { number, data_type, sectors, pos, flags: self.flags };
            self.host.mark_metadata_bucket(self.mark, self.dev, &bucket);
        } else {
            self.host.log(
                Level::Err,
                format_args!(
                    "dev {}: {} bucket {bucket} lies outside of buckets {} to {}",
                    g.dev_idx,
                    data_type.name().unwrap_or("?"),
                    g.first_bucket,
                    g.nbuckets
                ),
            );
        }
        inside
    }
}

/// Marks superblocks and journals of all members.
///
/// # Errors
/// That of [`Position::advance`], or `EINVAL` when the host broke its contract.
pub(crate) fn mark_superblocks<'h, H: Host + ?Sized>(
    host: &'h H,
    devices: &Devices<'h, H>,
    position: &mut Position<'h, H>,
) -> Result<()> {
    let sb = Sb::lock(host);
    position.advance(phase(GcPhase::SB))?;
    for member in devices.iter() {
        if member.online {
            let (dev, touched) = (member.dev, &member.touched);
            mark_metadata(host, dev, Membership::Member(&sb), BTREE_TRIGGER_GC, touched)?;
        } else {
            keep_away_metadata(member);
        }
    }
    Ok(())
}

/// A member that is not there cannot say where its superblocks and journal are:
/// those buckets keep what the alloc btree says of them.
fn keep_away_metadata<H: Host + ?Sized>(member: &DevEntry<'_, H>) {
    for stretch in member.stretches() {
        for (live, gc) in stretch.live.iter().zip(stretch.gc) {
            let mark = live.load_mark(Relaxed);
            if is_metadata(mark.data_type()) {
                gc.mark.store(mark.0, Relaxed);
            }
        }
    }
}

/// Superblock or journal.
pub(crate) fn is_metadata(t: DataType) -> bool {
    matches!(t, DataType::SB | DataType::JOURNAL)
}

/// Sectors of the buckets that [`keep_away_metadata`] kept: nobody marked them,
/// so the usage that gc counted lacks them.
pub(crate) fn away_hidden<H: Host + ?Sized>(devices: &Devices<'_, H>) -> u64 {
    devices.iter().filter(|member| !member.online).fold(0, |sum, member| {
        let kept = member
            .stretches()
            .flat_map(|stretch| stretch.gc)
            .filter(|b| is_metadata(b.load_mark(Relaxed).data_type()))
            .count();
        let buckets = u64::try_from(kept).unwrap_or(u64::MAX);
        sum.wrapping_add(buckets.wrapping_mul(u64::from(member.geometry.bucket_size)))
    })
}
