// SPDX-License-Identifier: GPL-2.0-only
//! Counting a key with pointers.

use super::pointer::Counted;
use super::{Ctx, MarkError, Sink, Trigger};
use crate::accounting::device::Buckets;
use crate::accounting::replicas::Entry;
use crate::accounting::sectors::{BadSectors, Scale};
use crate::accounting::stripes::Stripes;
use crate::bkey::KeyRef;
use crate::finding::BadReference;
use crate::layout::bits::low32;
use crate::layout::{DataType, ExtentPtrDecoded};

impl From<BadSectors> for BadReference {
    fn from(e: BadSectors) -> Self {
        match e {
            BadSectors::ZeroSize => Self::ZeroSize,
            BadSectors::PastEnd => Self::PastEnd,
        }
    }
}

impl<B, T, S> Ctx<'_, B, T, S>
where
    B: Buckets + ?Sized,
    T: Stripes + ?Sized,
    S: Sink + ?Sized,
{
    /// Counts all pointers of a key, then what the plain dirty ones stand for
    /// together (source: `bch2_mark_extent`).
    #[inline]
    pub(super) fn mark_extent(
        &mut self,
        key: KeyRef<'_>,
        data_type: DataType,
        t: &Trigger,
    ) -> Result<(), MarkError> {
        if t.sectors == 0 {
            return Err(self.bad(BadReference::NoSectors, Some(key)));
        }
        // Here, and only here, the original keeps 32 bits of the sequence.
        let t = &Trigger { journal_seq: u64::from(low32(t.journal_seq)), ..*t };
        let mut plain = Entry::new(data_type, 1);
        let mut plain_sectors = 0_i64;

        for p in key.pointers_decoded() {
            let scale =
                Scale { live: p.crc.live_size, offset: t.offset, delta: t.sectors, flags: t.flags };
            let on_disk = if data_type == DataType::BTREE {
                t.sectors
            } else {
                scale
                    .on_disk(p.crc.compressed_size, p.crc.uncompressed_size)
                    .map_err(|e| self.bad(e.into(), Some(key)))?
            };
            let counted = self.mark_pointer(key, p.ptr, on_disk, data_type, t)?;

            if p.ptr.cached() {
                if counted == Counted::Yes {
                    let cached = Entry::cached(p.ptr.dev());
                    self.usage.count(self.replicas, cached.get(), on_disk);
                }
            } else if p.has_ec {
                self.mark_erasure_coded(key, &p, data_type, on_disk, &scale, t)?;
                // What lies in a stripe can be rebuilt: no plain copy is needed.
                plain.set_required(0);
            } else {
                plain_sectors = plain_sectors.wrapping_add(on_disk);
                if plain.push(p.ptr.dev()).is_err() {
                    return Err(self.bad(BadReference::TooManyDevices, Some(key)));
                }
            }
        }

        if plain.nr_devs() != 0 {
            plain.sort();
            self.usage.count(self.replicas, plain.get(), plain_sectors);
        }
        Ok(())
    }

    /// Counts a pointer's sectors in its stripe, and in the usage together with
    /// their share of the parity.
    fn mark_erasure_coded(
        &mut self,
        key: KeyRef<'_>,
        p: &ExtentPtrDecoded,
        data_type: DataType,
        on_disk: i64,
        scale: &Scale,
        t: &Trigger,
    ) -> Result<(), MarkError> {
        let stripe = self.mark_stripe_ptr(key, p.ec, data_type, on_disk, t)?;
        let (n, d) = (p.crc.compressed_size, p.crc.uncompressed_size);
        let parity = scale
            .on_disk(n.wrapping_mul(stripe.nr_parity), d.wrapping_mul(stripe.nr_data))
            .map_err(|e| self.bad(e.into(), Some(key)))?;
        // The stripe's devices were sorted when its slot was filled.
        self.usage.count(self.replicas, stripe.entry.get(), on_disk.wrapping_add(parity));
        Ok(())
    }
}
