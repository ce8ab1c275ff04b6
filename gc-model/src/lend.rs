// SPDX-License-Identifier: GPL-2.0-only
//! What is lent to C by its address, and looks at the record one by one.

use crate::Model;
use crate::call::Call;
use crate::device::DevId;
use crate::locks::{LockId, Mode};
use crate::messages::Message;
use crate::record::Event;
use crate::sync::lock;
use gc_core::host::Side;
use gc_core::layout::{BucketArray, Stripe};
use std::ptr;
use std::sync::atomic::AtomicU64;

impl Model {
    /// Words of the usage; they stay in memory as long as the model, but count only
    /// until the next change of the replicas table.
    #[must_use]
    pub fn usage_slice(&self, side: Side) -> &[AtomicU64] {
        self.usage.side(side)
    }

    /// Buckets of a device as C has them; they stay in memory as long as the model.
    #[must_use]
    pub fn bucket_array(&self, dev: DevId, side: Side) -> Option<*mut BucketArray> {
        Some(self.device(dev)?.array(side)?.as_ptr())
    }

    /// The first stripe with index `>= from` that has a slot in the table in use, and
    /// its slot in the second table (NULL: none). The addresses are good as long as
    /// nobody adds or frees stripes.
    #[must_use]
    pub fn stripe_slots(&self, from: u64) -> Option<(u64, *mut Stripe, *mut Stripe)> {
        let mut s = lock(&self.stripes);
        let (idx, live) = s.live.slots.range_mut(from..).next()?;
        let (idx, live) = (*idx, ptr::from_mut(live.as_mut()));
        let gc = s.gc.as_mut().and_then(|gc| gc.slots.get_mut(&idx));
        Some((idx, live, gc.map_or(ptr::null_mut(), |slot| ptr::from_mut(slot.as_mut()))))
    }

    /// Notes a look at the next stripe, and checks that it is allowed.
    pub fn note_stripe_next(&self) {
        self.note(Call::StripeNext, String::new);
        self.needs("stripe_next", LockId::Mark, Mode::Exclusive);
    }

    /// Notes a look at the next key of a node.
    pub fn note_keys_next(&self) {
        self.note(Call::NodeKeysNext, String::new);
    }

    /// Number of messages.
    #[must_use]
    pub fn messages_len(&self) -> usize {
        self.with_messages(<[Message]>::len)
    }

    /// One message.
    #[must_use]
    pub fn message(&self, i: usize) -> Option<Message> {
        self.with_messages(|all| all.get(i).cloned())
    }

    /// Number of listed events.
    #[must_use]
    pub fn events_len(&self) -> usize {
        self.with_events(<[Event]>::len)
    }

    /// One event.
    #[must_use]
    pub fn event(&self, i: usize) -> Option<Event> {
        self.with_events(|all| all.get(i).cloned())
    }
}
