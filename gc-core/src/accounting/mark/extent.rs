// SPDX-License-Identifier: GPL-2.0-only
//! Counting a key with pointers.

use super::pointer::Counted;
use super::{Ctx, MarkError, Sink, Trigger};
use crate::accounting::device::Buckets;
use crate::accounting::replicas::Entry;
use crate::accounting::stripes::Stripes;
use crate::bkey::sectors::{BadSectors, Change};
use crate::bkey::{BucketPointer, CountsIn, KeyRef, PointerValue};
use crate::finding::BadReference;
use crate::layout::ExtentStripePtr;
use crate::layout::bits::low32;

impl From<BadSectors> for BadReference {
    fn from(e: BadSectors) -> Self {
        match e {
            BadSectors::ZeroSize => Self::ZeroSize,
            BadSectors::PastEnd => Self::PastEnd,
        }
    }
}

/// The key's own set: what its plain dirty pointers stand for together.
struct OwnSet {
    entry: Entry,
    sectors: i64,
}

impl<B, T, S> Ctx<'_, B, T, S>
where
    B: Buckets + ?Sized,
    T: Stripes + ?Sized,
    S: Sink + ?Sized,
{
    /// Counts all pointers of a key, then its own set (source: `bch2_mark_extent`).
    #[inline]
    pub(super) fn mark_pointers(
        &mut self,
        key: KeyRef<'_>,
        value: PointerValue<'_>,
        t: &Trigger,
    ) -> Result<(), MarkError> {
        let part = value.part(t.change());
        let mut pointers = value.iter();
        if part.sectors == 0 {
            self.not_reached(pointers);
            return Err(self.bad(BadReference::NoSectors, Some(key)));
        }
        // Here, and only here, the original keeps 32 bits of the sequence.
        let t = &Trigger { journal_seq: u64::from(low32(t.journal_seq)), ..*t };
        let mut own = OwnSet { entry: Entry::new(value.holds(), 1), sectors: 0 };
        while let Some(p) = pointers.next() {
            if let Err(e) = self.mark_one(key, &p, &part, &mut own, t) {
                self.not_reached(pointers);
                return Err(e);
            }
        }
        if own.entry.nr_devs() != 0 {
            own.entry.sort();
            self.usage.count(self.replicas, own.entry.get(), own.sectors);
        }
        Ok(())
    }

    /// Counts one pointer in its bucket, and where else it counts.
    #[inline]
    fn mark_one(
        &mut self,
        key: KeyRef<'_>,
        p: &BucketPointer,
        part: &Change,
        own: &mut OwnSet,
        t: &Trigger,
    ) -> Result<(), MarkError> {
        let on_disk = match p.changed(part) {
            Ok(on_disk) => on_disk,
            Err(e) => {
                self.not_reached(core::iter::once(*p));
                return Err(self.bad(e.into(), Some(key)));
            }
        };
        let counted = self.mark_pointer(key, p, on_disk, t)?;
        match p.counts_in {
            CountsIn::Cached => {
                if counted == Counted::Yes {
                    let cached = Entry::cached(p.ptr.dev());
                    self.usage.count(self.replicas, cached.get(), on_disk);
                }
            }
            CountsIn::Stripe(in_stripe) => {
                self.mark_erasure_coded(key, p, in_stripe, part, on_disk, t)?;
                // What lies in a stripe can be rebuilt: no plain copy is needed.
                own.entry.set_required(0);
            }
            CountsIn::OwnSet => {
                own.sectors = own.sectors.wrapping_add(on_disk);
                if own.entry.push(p.ptr.dev()).is_err() {
                    return Err(self.bad(BadReference::TooManyDevices, Some(key)));
                }
            }
        }
        Ok(())
    }

    /// Counts a pointer's sectors in its stripe, and in the usage together with
    /// their share of the parity.
    fn mark_erasure_coded(
        &mut self,
        key: KeyRef<'_>,
        p: &BucketPointer,
        in_stripe: ExtentStripePtr,
        part: &Change,
        on_disk: i64,
        t: &Trigger,
    ) -> Result<(), MarkError> {
        let stripe = self.mark_stripe_ptr(key, in_stripe, p.holds, on_disk, t)?;
        let parity = p
            .parity(part, stripe.nr_parity, stripe.nr_data)
            .map_err(|e| self.bad(e.into(), Some(key)))?;
        // The stripe's devices were sorted when its slot was filled.
        self.usage.count(self.replicas, stripe.entry.get(), on_disk.wrapping_add(parity));
        Ok(())
    }
}
