// SPDX-License-Identifier: GPL-2.0-only
//! Counting stripes and the pointers into them.

use super::{Ctx, MarkError, Outcome, Sink, Trigger};
use crate::accounting::device::{Buckets, change};
use crate::accounting::replicas::{Entry, stripe_entry};
use crate::accounting::stripes::Stripes;
use crate::bkey::sectors::to_bits;
use crate::bkey::{KeyRef, StripeBlock, StripeBlocks, stripe_key};
use crate::finding::{BadReference, Finding, Marking};
use crate::layout::bits::low16;
use crate::layout::btree::{BTREE_TRIGGER_GC, BTREE_TRIGGER_OVERWRITE};
use crate::layout::replicas::EC_STRIPE_MAX;
use crate::layout::{DataType, ExtentStripePtr, Stripe, StripeValue};

/// What a pointer needs to know of its stripe.
#[derive(Debug, Clone, Copy)]
pub(super) struct InStripe {
    /// The stripe's devices.
    pub(super) entry: Entry,
    /// Data blocks; wraps if there are more parity blocks than blocks.
    pub(super) nr_data: u32,
    /// Parity blocks.
    pub(super) nr_parity: u32,
}

impl<B, T, S> Ctx<'_, B, T, S>
where
    B: Buckets + ?Sized,
    T: Stripes + ?Sized,
    S: Sink + ?Sized,
{
    /// Counts a pointer's sectors in its block (source: `bch2_mark_stripe_ptr`).
    pub(super) fn mark_stripe_ptr(
        &mut self,
        key: KeyRef<'_>,
        p: ExtentStripePtr,
        data_type: DataType,
        sectors: i64,
        t: &Trigger,
    ) -> Result<InStripe, MarkError> {
        let (idx, block) = (p.idx(), p.block());
        let Some(m) = self.stripes.get(idx).filter(|m| m.alive()) else {
            self.sink.unprinted(&Finding::Marking(Marking::NoStripe { idx }));
            return Err(MarkError::NoStripe);
        };
        let entry = Entry::from_padded(&m.r).filter(|_| m.r.e.data_type == data_type);
        let Some(entry) = entry else {
            return Err(self.bad(BadReference::StripeType { idx }, Some(key)));
        };
        let Some(used) = m.block_sectors.get_mut(usize::from(block)) else {
            return Err(self.bad(BadReference::StripeBlock { idx, block }, Some(key)));
        };
        let old = *used;
        *used = old.wrapping_add(low16(to_bits(sectors)));
        let was = u8::from(old != 0);
        let is = u8::from(*used != 0);
        m.blocks_nonempty = m.blocks_nonempty.wrapping_add(is).wrapping_sub(was);
        m.set_dirty(true);
        let nr_parity = u32::from(m.nr_redundant);
        let nr_data = u32::from(m.nr_blocks).wrapping_sub(nr_parity);
        if was != is && !t.has(BTREE_TRIGGER_GC) {
            self.stripes.nonempty_changed(idx);
        }
        Ok(InStripe { entry, nr_data, nr_parity })
    }

    /// Counts a stripe: its slot, then the buckets of its blocks (source:
    /// `bch2_mark_stripe`).
    pub(super) fn mark_stripe(
        &mut self,
        key: KeyRef<'_>,
        blocks: StripeBlocks<'_>,
        t: &Trigger,
    ) -> Result<(), MarkError> {
        if let Err(e) = self.mark_slot(key, t) {
            self.blocks_not_reached(blocks, key.k.size);
            return Err(e);
        }
        self.mark_stripe_buckets(key, blocks, t)
    }

    /// Fills the stripe's slot, or empties it when the stripe goes.
    fn mark_slot(&mut self, key: KeyRef<'_>, t: &Trigger) -> Result<(), MarkError> {
        let idx = key.k.p.offset;
        let Some(head) = stripe_key::head(key.v) else {
            return Err(self.bad(BadReference::Value, Some(key)));
        };
        if t.has(BTREE_TRIGGER_OVERWRITE) {
            if self.stripes.get(idx).is_none_or(|m| !m.alive()) {
                self.sink.unprinted(&Finding::Marking(Marking::StripeNotThere { idx }));
                return Err(MarkError::StripeNotThere);
            }
            if !t.has(BTREE_TRIGGER_GC) {
                self.stripes.removed(idx);
            }
            if let Some(m) = self.stripes.get(idx) {
                *m = Stripe::ZERO;
            }
        } else {
            self.fill_slot(key, &head, idx, t)?;
        }
        Ok(())
    }

    fn fill_slot(
        &mut self,
        key: KeyRef<'_>,
        head: &StripeValue,
        idx: u64,
        t: &Trigger,
    ) -> Result<(), MarkError> {
        let entry = stripe_entry(key.v).ok();
        let Some(entry) = entry.filter(|_| usize::from(head.nr_blocks) <= EC_STRIPE_MAX) else {
            let block = head.nr_blocks;
            return Err(self.bad(BadReference::StripeBlock { idx, block }, Some(key)));
        };
        let Ok(m) = self.stripes.get_or_alloc(idx) else {
            return Err(MarkError::NoMemory);
        };
        m.sectors = head.sectors.get();
        m.algorithm = head.algorithm;
        m.nr_blocks = head.nr_blocks;
        m.nr_redundant = head.nr_redundant;
        m.r = entry.to_padded();
        let gc = t.has(BTREE_TRIGGER_GC);
        if !gc {
            for (block, used) in (0..head.nr_blocks).zip(&mut m.block_sectors) {
                // A value cut short counts as empty blocks.
                *used = stripe_key::block_sectors(key.v, block).unwrap_or(0);
                // Added to what was counted before, as the original does.
                m.blocks_nonempty = m.blocks_nonempty.wrapping_add(u8::from(*used != 0));
            }
        }
        m.set_alive(true);
        if !gc {
            self.stripes.nonempty_changed(idx);
        }
        Ok(())
    }

    /// Says of the stripe's buckets that they belong to one, or no longer do. A
    /// block that cannot be followed does not keep the others from it (source:
    /// `bucket_set_stripe`).
    fn mark_stripe_buckets(
        &mut self,
        key: KeyRef<'_>,
        mut blocks: StripeBlocks<'_>,
        t: &Trigger,
    ) -> Result<(), MarkError> {
        let enabled = !t.has(BTREE_TRIGGER_OVERWRITE);
        let idx = key.k.p.offset;
        let mut result = Ok(());
        let of_block = (blocks.block_sectors(), key.k.size);
        for b @ StripeBlock { block, ptr } in &mut blocks {
            let (geometry, place, cell) = match self.locate(ptr) {
                Ok(found) => found,
                Err(what) => {
                    let e = Err(self.bad(what, Some(key)));
                    result = result.and(e);
                    continue;
                }
            };
            let (old, new) = change(cell, |m| m.with_stripe(enabled));
            self.bucket_changed(ptr.dev(), geometry, old, new);
            self.tell_block(b, of_block, Outcome::Counted { dirty: 0, cached: 0 });
            if old.gen_() != ptr.gen_() {
                let m = Marking::StaleStripe { idx, block, place, mark: old, ptr };
                let _answer = self.sink.raise(&Finding::Marking(m));
            }
        }
        if blocks.missing() != 0 {
            return result.and(Err(self.bad(BadReference::Value, Some(key))));
        }
        result
    }
}
