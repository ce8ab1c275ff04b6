// SPDX-License-Identifier: GPL-2.0-only
//! The stripes in memory.

use crate::layout::Stripe;
use alloc::collections::TryReserveError;
use alloc::vec::Vec;

/// The stripes a mark changes: array 0, or array 1 during mark and sweep.
pub trait Stripes {
    /// The slot of an index; `None` if there is none.
    fn get(&mut self, idx: u64) -> Option<&mut Stripe>;

    /// The slot of an index, made (all zero) if there is none.
    ///
    /// # Errors
    /// When memory is short or the index is out of the host's reach.
    fn get_or_alloc(&mut self, idx: u64) -> Result<&mut Stripe, NoSlot>;

    /// Array 0 only: the stripe came to be, or the number of its blocks that
    /// hold something changed. A host that orders stripes by that number does
    /// so here.
    fn nonempty_changed(&mut self, idx: u64);

    /// Array 0 only: the stripe is about to go.
    fn removed(&mut self, idx: u64);
}

/// No slot could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSlot;

impl From<TryReserveError> for NoSlot {
    fn from(_: TryReserveError) -> Self {
        Self
    }
}

/// Stripes by index, only as many as there are: an index out of a damaged key
/// costs no more memory than a small one.
#[derive(Debug, Clone, Default)]
pub struct StripeTable {
    /// Sorted by index.
    slots: Vec<(u64, Stripe)>,
}

impl StripeTable {
    /// No slots.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Vec::new() }
    }

    /// The slot of an index.
    #[must_use]
    pub fn peek(&self, idx: u64) -> Option<&Stripe> {
        let at = self.slots.binary_search_by_key(&idx, |(i, _)| *i).ok()?;
        self.slots.get(at).map(|(_, s)| s)
    }

    /// The slots, by ascending index.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Stripe)> {
        self.slots.iter().map(|(i, s)| (*i, s))
    }

    /// Drops all slots.
    pub fn clear(&mut self) {
        self.slots.clear();
    }
}

impl Stripes for StripeTable {
    fn get(&mut self, idx: u64) -> Option<&mut Stripe> {
        let at = self.slots.binary_search_by_key(&idx, |(i, _)| *i).ok()?;
        self.slots.get_mut(at).map(|(_, s)| s)
    }

    fn get_or_alloc(&mut self, idx: u64) -> Result<&mut Stripe, NoSlot> {
        let at = match self.slots.binary_search_by_key(&idx, |(i, _)| *i) {
            Ok(at) => at,
            Err(at) => {
                self.slots.try_reserve(1)?;
                #[expect(clippy::disallowed_methods, reason = "room was reserved above")]
                self.slots.insert(at, (idx, Stripe::ZERO));
                at
            }
        };
        self.slots.get_mut(at).map(|(_, s)| s).ok_or(NoSlot)
    }

    /// Nothing is ordered by it here.
    fn nonempty_changed(&mut self, _idx: u64) {}

    /// The slot stays.
    fn removed(&mut self, _idx: u64) {}
}
