// SPDX-License-Identifier: GPL-2.0-only
//! Stripes, and what extents put into their blocks (facts: docs/facts/v1/check-allocations.md
//! 6 and 9).

use crate::counter::Counter;
use crate::entries::{Stripe, StripePtr};
use crate::superblock::NO_DEVICE;
use crate::tables::DataType;
use crate::walk::Key;
use gc_core::layout::ExtentPtr;

/// A stripe, with the sectors of each block that extents use.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The stripe as its key has it.
    pub stripe: Stripe,
    /// Sectors of each block as recounted.
    pub counts: Vec<u64>,
    /// The key.
    pub key: Key,
}

impl Counted {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(stripe: Stripe, key: Key) -> Self {
        let counts = vec![0; stripe.ptrs.len()];
        Self { stripe, counts, key }
    }

    /// Whether an extent's pointer lies in the block that its entry names.
    #[must_use]
    pub fn holds(&self, entry: StripePtr, ptr: ExtentPtr) -> bool {
        if entry.block() >= self.stripe.nr_data() {
            return false;
        }
        let Some(block) = self.stripe.ptrs.get(usize::from(entry.block())) else { return false };
        let same = block.dev() == ptr.dev() || block.dev() == NO_DEVICE || ptr.dev() == NO_DEVICE;
        let end = block.offset().saturating_add(u64::from(self.stripe.sectors));
        same && block.gen_() == ptr.gen_() && (block.offset()..end).contains(&ptr.offset())
    }

    /// The counter of the devices of the stripe.
    #[must_use]
    pub fn replicas(&self, data_type: DataType) -> Option<Counter> {
        let devs: Vec<u8> = self.stripe.ptrs.iter().map(|p| p.dev()).collect();
        Counter::replicas(data_type, self.stripe.nr_data(), &devs)
    }
}
