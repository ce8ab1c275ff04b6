// SPDX-License-Identifier: GPL-2.0-only
//! Stripes in memory: the table in use, the one being built, and the heap.

use crate::Model;
use crate::call::Call;
use crate::locks::{LockId, Mode};
use crate::sync::lock;
use gc_core::accounting::stripes::{NoSlot, Stripes};
use gc_core::layout::Stripe;
use std::collections::{BTreeMap, BTreeSet};

/// A table of stripes. Slots stay where they are in memory.
#[derive(Debug, Default)]
pub(crate) struct StripeMap {
    pub(crate) slots: BTreeMap<u64, Box<Stripe>>,
    /// Whether marking makes slots. In the second table the host was told which
    /// to make before.
    pub(crate) grows: bool,
}

impl Stripes for StripeMap {
    fn get(&mut self, idx: u64) -> Option<&mut Stripe> {
        self.slots.get_mut(&idx).map(AsMut::as_mut)
    }

    fn get_or_alloc(&mut self, idx: u64) -> Result<&mut Stripe, NoSlot> {
        if self.grows {
            return Ok(self.slots.entry(idx).or_insert_with(|| Box::new(Stripe::ZERO)));
        }
        self.slots.get_mut(&idx).map(AsMut::as_mut).ok_or(NoSlot)
    }

    // The heap is filled by gc; updates beside it do not go through here.
    fn nonempty_changed(&mut self, _idx: u64) {}

    fn removed(&mut self, _idx: u64) {}
}

/// All stripes of a model.
#[derive(Debug)]
pub(crate) struct StripeState {
    pub(crate) live: StripeMap,
    pub(crate) gc: Option<StripeMap>,
    pub(crate) heap: BTreeSet<u64>,
}

impl Default for StripeState {
    fn default() -> Self {
        let live = StripeMap { slots: BTreeMap::new(), grows: true };
        Self { live, gc: None, heap: BTreeSet::new() }
    }
}

impl Model {
    /// Puts a stripe into the heap.
    pub fn insert_into_heap(&self, idx: u64) {
        self.note(Call::StripesHeapInsert, String::new);
        self.needs("stripes_heap_insert", LockId::Mark, Mode::Exclusive);
        if !lock(&self.stripes).heap.insert(idx) {
            self.violation(format!("stripes_heap_insert: {idx} is there already"));
        }
    }

    /// A stripe in use, and whether it is in the heap.
    #[must_use]
    pub fn stripe(&self, idx: u64) -> Option<(Stripe, bool)> {
        let s = lock(&self.stripes);
        s.live.slots.get(&idx).map(|stripe| (**stripe, s.heap.contains(&idx)))
    }

    /// Sets a stripe in use.
    pub fn set_stripe(&self, idx: u64, stripe: Stripe) {
        let mut s = lock(&self.stripes);
        match s.live.slots.get_mut(&idx) {
            Some(slot) => **slot = stripe,
            None => {
                s.live.slots.insert(idx, Box::new(stripe));
            }
        }
    }

    /// Indexes of the slots of the table in use.
    #[must_use]
    pub fn stripe_indexes(&self) -> Vec<u64> {
        lock(&self.stripes).live.slots.keys().copied().collect()
    }
}
