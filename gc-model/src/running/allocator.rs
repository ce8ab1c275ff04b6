// SPDX-License-Identifier: GPL-2.0-only
//! Buckets on their way: available, in a fifo, open for writing, written.

use super::{place_of_metadata, place_of_open_bucket};
use crate::Model;
use crate::device::Device;
use crate::key::Ptr;
use crate::locks::{LockId, Mode};
use crate::sync::lock;
use gc_core::accounting::usage::is_available;
use gc_core::layout::btree::BTREE_TRIGGER_GC;
use gc_core::layout::{DataType, ExtentPtr, GcPhase};

/// Who may take the last free buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// Everybody.
    None,
    /// Btree nodes that must be written.
    Btree,
}

impl Reserve {
    /// Fifos to look into, in this order.
    const fn fifos(self) -> &'static [usize] {
        match self {
            Self::None => &[3],
            Self::Btree => &[1, 3],
        }
    }
}

/// Generations that a bucket may be ahead of its oldest pointer: 96 is too many.
const GENS_AHEAD: u8 = 90;

impl Model {
    /// Sets how many slots there are for open buckets, number 0 included.
    pub(crate) fn set_open_bucket_slots(&self, slots: u32) {
        self.open.set_nr(slots);
    }

    fn device_and_index(&self, dev: u32) -> Option<(&Device, u8)> {
        Some((self.member(dev)?, u8::try_from(dev).ok()?))
    }

    /// The allocator reuses an available bucket: its generation moves on, `times`
    /// as often as that happens before somebody writes to it, and it is put into
    /// `free_inc`. False if it is not available, or too many of its generations
    /// may still be pointed to.
    ///
    /// Waits for a full gc to end; `patient` or not at all.
    pub fn invalidate_bucket(&self, dev: u32, bucket: u64, times: u8, patient: bool) -> bool {
        let gc = if patient {
            Some(self.guard(LockId::Gc, Mode::Shared))
        } else {
            self.try_guard(LockId::Gc, Mode::Shared)
        };
        let Some(_gc) = gc else { return false };
        let Some((device, idx)) = self.device_and_index(dev) else { return false };
        let _mark = self.guard(LockId::Mark, Mode::Shared);
        let _freelist = self.guard(LockId::Freelist, Mode::Exclusive);
        if self.gc_pos_now().phase != GcPhase::NOT_RUNNING {
            self.violation("a bucket is reused beside gc".to_owned());
        }
        let times = times.max(1);
        let Some(state) = device.bucket(bucket) else { return false };
        let ahead = state.mark.gen_().wrapping_sub(state.oldest_gen);
        let in_use = bucket >= u64::from(device.geometry().first_bucket);
        let few = ahead.checked_add(times).is_some_and(|n| n <= GENS_AHEAD);
        if !is_available(state.mark) || !in_use || !few {
            return false;
        }
        for again in 0..times {
            if again != 0 {
                self.do_mark_alloc(device, bucket, false, 0);
            }
            self.do_invalidate(idx, bucket);
        }
        if let Some(free_inc) = lock(&device.fifos).first_mut() {
            free_inc.push(bucket);
        }
        true
    }

    /// The allocator carries a bucket from `free_inc` to another fifo; false if
    /// there is none.
    pub fn ready_bucket(&self, dev: u32, reserve: Reserve) -> bool {
        let Some(device) = self.member(dev) else { return false };
        let _freelist = self.guard(LockId::Freelist, Mode::Exclusive);
        let mut fifos = lock(&device.fifos);
        let [free_inc, free @ ..] = &mut *fifos;
        let to = match reserve {
            Reserve::Btree => free.first_mut(),
            Reserve::None => free.last_mut(),
        };
        match to {
            Some(to) if !free_inc.is_empty() => {
                to.push(free_inc.remove(0));
                true
            }
            _ => false,
        }
    }

    /// Takes a bucket from a fifo to write to it, into a slot not before `from`
    /// (cyclic); the slot.
    pub fn open_bucket(&self, dev: u32, reserve: Reserve, from: u32) -> Option<u32> {
        let (device, idx) = self.device_and_index(dev)?;
        let _mark = self.guard(LockId::Mark, Mode::Shared);
        let _freelist = self.guard(LockId::Freelist, Mode::Exclusive);
        let slot = self.open.free_slot(from)?;
        let bucket = {
            let mut fifos = lock(&device.fifos);
            let fifo =
                reserve.fifos().iter().find(|f| fifos.get(**f).is_some_and(|f| !f.is_empty()));
            fifos.get_mut(*fifo?)?.remove(0)
        };
        // No question: the owner is a flag, and it goes forward.
        self.point();
        let _open = self.guard(LockId::OpenBucket(slot), Mode::Exclusive);
        let sector = bucket.wrapping_mul(u64::from(device.geometry().bucket_size));
        let gen_ = device.bucket(bucket).map_or(0, |b| b.mark.gen_());
        self.open.set(slot, Some(ExtentPtr::new(idx, sector, gen_)));
        Some(slot)
    }

    /// Where an open bucket begins.
    #[must_use]
    pub fn open_bucket_start(&self, slot: u32) -> Option<Ptr> {
        let p = self.open.get(slot)?;
        Some(Ptr::new(p.dev(), p.offset(), p.gen_()))
    }

    /// Puts an open bucket back: the allocator has it no longer.
    pub fn put_open_bucket(&self, slot: u32) {
        let _mark = self.guard(LockId::Mark, Mode::Shared);
        let _open = self.guard(LockId::OpenBucket(slot), Mode::Exclusive);
        let found = self.open.get(slot).and_then(|ptr| {
            let device = self.member(u32::from(ptr.dev()))?;
            Some((device, device.geometry().bucket_of(ptr.offset())?))
        });
        let Some((device, bucket)) = found else {
            self.violation(format!("open bucket {slot} put back, and not open"));
            return;
        };
        self.do_mark_alloc(device, bucket, false, 0);
        self.point();
        if self.visited(place_of_open_bucket(slot)) {
            self.do_mark_alloc(device, bucket, false, BTREE_TRIGGER_GC);
        }
        self.open.set(slot, None);
    }

    /// An open bucket becomes a bucket of the journal.
    pub fn open_bucket_to_journal(&self, slot: u32) {
        if let Some(start) = self.open_bucket_start(slot) {
            let dev = u32::from(start.dev);
            if let Some(device) = self.member(dev) {
                let size = device.geometry().bucket_size;
                let bucket = start.sector.checked_div(u64::from(size)).unwrap_or(0);
                let _sb = self.guard(LockId::Sb, Mode::Exclusive);
                let _mark = self.guard(LockId::Mark, Mode::Shared);
                let journal = DataType::JOURNAL;
                self.do_mark_metadata(device, false, bucket, journal, size, 0);
                self.point();
                if self.visited(place_of_metadata()) {
                    self.do_mark_metadata(device, false, bucket, journal, size, BTREE_TRIGGER_GC);
                }
                let mut all = device.journal().to_vec();
                all.push(bucket);
                device.set_journal(&all);
            }
        }
        self.put_open_bucket(slot);
    }
}
