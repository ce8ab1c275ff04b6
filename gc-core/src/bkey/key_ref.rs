// SPDX-License-Identifier: GPL-2.0-only
//! An unpacked key with its value.

use super::entries::{DecodedPointers, Entries, Pointers};
use super::key_types::RefersTo;
use super::references::{References, references};
use crate::layout::bkey::{Bkey, KeyType};
use crate::layout::position::Bpos;
use crate::layout::value::{BtreePtrV2, STRIPE_HEAD_U64S, StripeValue};
use core::ops::Range;

/// An unpacked key and its value, borrowed.
///
/// The value is in u64s as they lie on disk: little endian. Whoever makes one
/// has cut `v` to the key's own length; the walks below are bounded by `v`
/// alone, so a value shorter than `k.u64s` promises is safe.
#[derive(Debug, Clone, Copy)]
pub struct KeyRef<'a> {
    /// The key.
    pub k: &'a Bkey,
    /// The value.
    pub v: &'a [u64],
}

/// Where in the value of a key its extent entries lie, in u64s; empty for types
/// without entries. Never beyond the value.
#[inline]
#[must_use]
pub fn entry_range(type_: KeyType, v: &[u64]) -> Range<usize> {
    let (start, end) = match RefersTo::of(type_) {
        RefersTo::Pointers { head, .. } => (head, v.len()),
        RefersTo::Stripe => {
            let blocks = StripeValue::of(v).map_or(0, |head| usize::from(head.nr_blocks));
            (STRIPE_HEAD_U64S, blocks.saturating_add(STRIPE_HEAD_U64S).min(v.len()))
        }
        RefersTo::Nothing
        | RefersTo::BucketState
        | RefersTo::Inode
        | RefersTo::Reservation
        | RefersTo::Unknown => (0, 0),
    };
    start.min(end)..end
}

impl<'a> KeyRef<'a> {
    /// A key with its value.
    #[inline]
    #[must_use]
    pub const fn new(k: &'a Bkey, v: &'a [u64]) -> Self {
        Self { k, v }
    }

    /// What the key refers to. `node_sectors`: sectors of a btree node.
    #[inline(always)]
    #[must_use]
    pub fn references(self, node_sectors: u16) -> References<'a> {
        references(self.k.type_, self.k.size, self.v, node_sectors)
    }

    /// The words that hold extent entries; empty for types without entries.
    #[inline]
    #[must_use]
    pub fn entry_words(self) -> &'a [u64] {
        self.v.get(entry_range(self.k.type_, self.v)).unwrap_or(&[])
    }

    /// The extent entries, in order.
    #[inline]
    #[must_use]
    pub fn entries(self) -> Entries<'a> {
        Entries::new(self.entry_words())
    }

    /// Whether the walk over its entries ends where they do, and not before at one
    /// that is not understood.
    #[must_use]
    pub fn entries_end(self) -> bool {
        let mut entries = self.entries();
        entries.by_ref().for_each(drop);
        entries.rest().is_empty()
    }

    /// The pointers, in order.
    #[inline]
    #[must_use]
    pub fn pointers(self) -> Pointers<'a> {
        Pointers::new(self.entry_words())
    }

    /// The pointers with checksum, compression and stripe.
    #[inline]
    #[must_use]
    pub fn pointers_decoded(self) -> DecodedPointers<'a> {
        DecodedPointers::new(self.k.size, self.entry_words())
    }

    /// Least position of the node that a key of type `btree_ptr_v2` points to;
    /// `None` for other keys, and if the value is too short.
    #[inline]
    #[must_use]
    pub fn child_min_key(self) -> Option<Bpos> {
        self.node_pointer().map(|pointer| pointer.min_key)
    }

    /// What a key of type `btree_ptr_v2` says of its node; `None` for other keys, and if the
    /// value is too short.
    #[inline]
    #[must_use]
    pub fn node_pointer(self) -> Option<&'a BtreePtrV2> {
        if self.k.type_ == KeyType::BTREE_PTR_V2 { BtreePtrV2::of(self.v) } else { None }
    }

    /// Indexes in the value of the words that are pointers, for changing them
    /// in place.
    #[inline]
    pub fn pointer_indexes(self) -> impl Iterator<Item = usize> + use<'a> {
        let start = entry_range(self.k.type_, self.v).start;
        self.entries()
            .indexed()
            .filter(|(_, e)| matches!(e, super::Entry::Ptr(_)))
            .map(move |(i, _)| start.saturating_add(i))
    }
}
