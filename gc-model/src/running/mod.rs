// SPDX-License-Identifier: GPL-2.0-only
//! The file system in use: updates that run beside gc and beside each other.
//!
//! Every update keeps the live counts right, and tells gc what it has walked
//! already, by the rules of `docs/order.md`: the place of the reference is asked
//! for and both arrays are marked under the lock of the place.

mod allocator;
mod commit;
mod interior;
mod members;

pub use allocator::Reserve;
pub use commit::{Committed, Update};
pub(crate) use interior::Pending;

use crate::Model;
use crate::key::Key;
use crate::locks::{Guard, LockId, Mode};
use crate::sync::lock;
use gc_core::host::Param;
use gc_core::layout::btree::{BTREE_TRIGGER_GC, BTREE_TRIGGER_OVERWRITE};
use gc_core::layout::{Bpos, BtreeId, GcPhase};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// What of a model is there only while it runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    on: AtomicBool,
    /// Interior updates whose nodes are not counted yet.
    pending: Mutex<VecDeque<Pending>>,
    /// Interior updates that are not finished: those under way, and those above.
    unfinished: AtomicUsize,
}

/// A place in the order of references: phase, position, level.
type Place = (u32, Bpos, u32);

/// Place of the keys of a node, whose own key has this position.
fn place_of_node(btree: BtreeId, own: Bpos, level: u8) -> Place {
    let phase = match btree {
        BtreeId::EC => GcPhase::BTREE_EC,
        BtreeId::EXTENTS => GcPhase::BTREE_EXTENTS,
        BtreeId::INODES => GcPhase::BTREE_INODES,
        BtreeId::DIRENTS => GcPhase::BTREE_DIRENTS,
        BtreeId::XATTRS => GcPhase::BTREE_XATTRS,
        BtreeId::ALLOC => GcPhase::BTREE_ALLOC,
        BtreeId::QUOTAS => GcPhase::BTREE_QUOTAS,
        _ => GcPhase::BTREE_REFLINK,
    };
    (phase.0, own, u32::from(level))
}

/// Place of superblocks and journal buckets.
fn place_of_metadata() -> Place {
    (GcPhase::SB.0, Bpos::new(0, 0), 0)
}

/// Place of an open bucket, or (0) of the fifos.
fn place_of_open_bucket(slot: u32) -> Place {
    (GcPhase::ALLOC.0, Bpos::new(u64::from(slot), 0), 0)
}

impl Model {
    /// Puts the file system in use: counts are made right, and from here on every
    /// change keeps them so. Only `open_buckets` slots are in use from now on.
    pub fn start_running(&self, open_buckets: u32) {
        self.settle();
        self.set_open_bucket_slots(open_buckets);
        self.set_param(Param::UpdatesBesideGc, true);
        self.running.on.store(true, SeqCst);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.on.load(SeqCst)
    }

    /// An update is under way until the guard is dropped.
    pub fn writes(&self) -> Guard<'_> {
        self.guard(LockId::Writes, Mode::Shared)
    }

    /// Waits for all updates that are under way; new ones wait until the guard is
    /// dropped. Interior updates still finish.
    pub fn no_writes(&self) -> Guard<'_> {
        self.guard(LockId::Writes, Mode::Exclusive)
    }

    /// Whether the run is at this place or past it. Under the lock of the place
    /// the answer stays.
    fn visited(&self, place: Place) -> bool {
        let now = self.gc_pos_now();
        place <= (now.phase.0, now.pos, now.level)
    }

    /// Counts a key in or out, in the live arrays and, if the run is past its
    /// place, in the second ones. The mark lock is held.
    fn mark_key_at(&self, key: &Key, gone: bool, place: Place) {
        self.needs("marks of an update", LockId::Mark, Mode::Shared);
        let size = i64::from(key.get().k.size);
        let sectors = if gone { size.wrapping_neg() } else { size };
        let flags = if gone { BTREE_TRIGGER_OVERWRITE } else { 0 };
        if let Err(e) = self.do_mark_key(key.get(), sectors, flags) {
            self.violation(format!("update of {key:?} not counted: {e}"));
        }
        self.point();
        if self.visited(place) {
            if let Err(e) = self.do_mark_key(key.get(), sectors, flags | BTREE_TRIGGER_GC) {
                self.violation(format!("update of {key:?} not counted for gc: {e}"));
            }
        }
    }

    /// Interior updates that are not finished.
    #[must_use]
    pub fn interior_updates_pending(&self) -> usize {
        self.running.unfinished.load(SeqCst)
    }

    /// Waits until none is pending.
    pub fn wait_for_interior_updates(&self) {
        self.wait_until(|| self.interior_updates_pending() == 0);
    }

    /// Waits for an interior update that can be finished, or until `ended` says that
    /// there will be none; false then.
    pub fn wait_interior_work(&self, ended: impl Fn() -> bool) -> bool {
        let work = || !lock(&self.running.pending).is_empty();
        self.wait_until(|| work() || ended());
        work()
    }

    /// Waits until `done` says so; whoever brings it about calls [`Model::poke`].
    pub fn wait_until(&self, done: impl Fn() -> bool) {
        self.locks.wait_until(done);
    }

    /// Lets those who wait look again at what they wait for.
    pub fn poke(&self) {
        self.locks.poke();
    }
}
