// SPDX-License-Identifier: GPL-2.0-only
//! Buckets given out to tests and to nodes, and what the file system's own
//! allocator holds.

use crate::Model;
use crate::key::{Key, Ptr};
use crate::locks::{LockId, Mode};
use crate::running::Reserve;
use crate::sync::lock;
use gc_core::error::{Errno, Error, Result};
use gc_core::layout::ExtentPtr;
use gc_core::layout::alloc::OPEN_BUCKETS_COUNT;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const ENOSPC: Error = Error::Errno(Errno::from_negative(-28));

/// Open buckets; slot 0 is never in use.
#[derive(Debug)]
pub(crate) struct OpenBuckets {
    slots: Mutex<Vec<Option<ExtentPtr>>>,
    /// How many are in use, number 0 included.
    nr: AtomicU32,
}

impl Default for OpenBuckets {
    fn default() -> Self {
        let nr = u32::try_from(OPEN_BUCKETS_COUNT).unwrap_or(0);
        Self { slots: Mutex::new(vec![None; OPEN_BUCKETS_COUNT]), nr: AtomicU32::new(nr) }
    }
}

impl OpenBuckets {
    pub(crate) fn get(&self, i: u32) -> Option<ExtentPtr> {
        let at = usize::try_from(i).ok()?;
        lock(&self.slots).get(at).copied().flatten()
    }

    pub(crate) fn set(&self, i: u32, ptr: Option<ExtentPtr>) {
        let at = usize::try_from(i).unwrap_or(usize::MAX);
        if let Some(slot) = lock(&self.slots).get_mut(at) {
            *slot = ptr;
        }
    }

    /// How many slots there are, number 0 included.
    pub(crate) fn nr(&self) -> u32 {
        self.nr.load(SeqCst)
    }

    pub(crate) fn set_nr(&self, nr: u32) {
        let most = u32::try_from(OPEN_BUCKETS_COUNT).unwrap_or(0);
        self.nr.store(nr.clamp(1, most), SeqCst);
    }

    /// The first slot not in use from this one on, cyclic; never number 0.
    pub(crate) fn free_slot(&self, from: u32) -> Option<u32> {
        let nr = self.nr();
        let from = from.checked_rem(nr)?;
        (from..nr).chain(0..from).find(|i| *i != 0 && self.get(*i).is_none())
    }
}

impl Model {
    /// The lowest bucket of a member that was not given out and that no key
    /// inserted so far points to.
    ///
    /// # Errors
    /// `EINVAL` if there is no such member, `ENOSPC`.
    pub fn alloc_bucket(&self, dev: u32) -> Result<u64> {
        let device = self.member(dev).ok_or(Error::INVAL)?;
        let mut space = lock(&device.space);
        let first = usize::try_from(device.geometry().first_bucket).unwrap_or(0);
        let free = space.taken.iter().enumerate().skip(first).find(|(_, taken)| !**taken);
        let bucket = free.map(|(b, _)| b).ok_or(ENOSPC)?;
        let bucket = u64::try_from(bucket).map_err(|_| ENOSPC)?;
        space.take(bucket);
        Ok(bucket)
    }

    /// Place for one copy of a node on a member: nodes fill buckets from the end.
    fn alloc_node_copy(&self, dev: u32) -> Result<Ptr> {
        let device = self.member(dev).ok_or(Error::INVAL)?;
        let (bucket_size, node_size) =
            (device.geometry().bucket_size, u32::from(self.options.btree_node_size));
        let mut space = lock(&device.space);
        let room = space.nodes.filter(|(_, used)| used.saturating_add(node_size) <= bucket_size);
        let (bucket, used) = match room {
            Some(place) => place,
            None => {
                let first = usize::try_from(device.geometry().first_bucket).unwrap_or(0);
                let free = space.taken.iter().rposition(|taken| !taken).filter(|b| *b >= first);
                let bucket = u64::try_from(free.ok_or(ENOSPC)?).map_err(|_| ENOSPC)?;
                space.take(bucket);
                (bucket, 0)
            }
        };
        space.nodes = Some((bucket, used.saturating_add(node_size)));
        drop(space);
        let sector = bucket.wrapping_mul(u64::from(bucket_size)).wrapping_add(u64::from(used));
        let gen_ = device.bucket(bucket).map_or(0, |b| b.mark.gen_());
        let dev = u8::try_from(dev).map_err(|_| Error::INVAL)?;
        Ok(Ptr::new(dev, sector, gen_))
    }

    /// Opens a bucket for one copy of a node, with its start. Where the file system is
    /// not in use there are no reserves: then it is one that was not given out.
    fn open_for_node(&self, dev: u32, reserve: Reserve) -> Result<(u32, Ptr)> {
        let slot = if self.is_running() {
            let turn = u32::try_from(self.next_node_turn()).unwrap_or(0);
            self.open_bucket(dev, reserve, turn).ok_or(ENOSPC)?
        } else {
            let bucket = self.alloc_bucket(dev)?;
            let device = self.member(dev).ok_or(Error::INVAL)?;
            let _mark = self.guard(LockId::Mark, Mode::Shared);
            self.do_mark_alloc(device, bucket, true, 0);
            let slot = self.open.free_slot(1).ok_or(ENOSPC)?;
            let sector = bucket.wrapping_mul(u64::from(device.geometry().bucket_size));
            let gen_ = device.bucket(bucket).map_or(0, |b| b.mark.gen_());
            let idx = u8::try_from(dev).map_err(|_| Error::INVAL)?;
            self.open.set(slot, Some(ExtentPtr::new(idx, sector, gen_)));
            slot
        };
        Ok((slot, self.open_bucket_start(slot).ok_or(Error::INVAL)?))
    }

    /// Opens buckets for all copies of a node, which are put back when it is counted.
    ///
    /// # Errors
    /// `ENOSPC`; those that were opened are in `open` all the same.
    pub(crate) fn open_node(&self, reserve: Reserve, open: &mut Vec<u32>) -> Result<Vec<Ptr>> {
        let members = self.members().into_iter().map(|d| d.idx()).filter(|d| self.is_permanent(*d));
        let members: Vec<u32> = members.collect();
        let copies = usize::try_from(self.options.metadata_replicas).unwrap_or(1);
        let start = self.next_node_turn().checked_rem(members.len()).unwrap_or(0);
        let devs = members.iter().cycle().skip(start).take(copies.min(members.len()));
        let mut places = Vec::new();
        for dev in devs {
            let (slot, place) = self.open_for_node(*dev, reserve)?;
            open.push(slot);
            places.push(place);
        }
        Ok(places)
    }

    /// Places for all copies of a node.
    pub(crate) fn alloc_node(&self) -> Result<Vec<Ptr>> {
        let members: Vec<u32> = self.members().iter().map(|d| d.idx()).collect();
        let copies = usize::try_from(self.options.metadata_replicas).unwrap_or(1);
        let turn = self.next_node_turn();
        let start = turn.checked_rem(members.len()).unwrap_or(0);
        let devs = members.iter().cycle().skip(start).take(copies.min(members.len()));
        devs.map(|dev| self.alloc_node_copy(*dev)).collect()
    }

    /// Notes the buckets that a key points to as given out.
    pub(crate) fn reserve_pointed(&self, key: &Key) {
        for ptr in key.get().pointers() {
            if let Some(device) = self.member(u32::from(ptr.dev())) {
                let size = u64::from(device.geometry().bucket_size);
                let bucket = ptr.offset().checked_div(size).unwrap_or(u64::MAX);
                lock(&device.space).take(bucket);
            }
        }
    }

    /// Puts a bucket, in range or not, into a fifo (0: `free_inc`, 1 to 3: `free[]`).
    ///
    /// # Errors
    /// `EINVAL` for a member or fifo there is none of.
    pub fn push_reserve(&self, dev: u32, fifo: usize, bucket: u64) -> Result<()> {
        let device = self.member(dev).ok_or(Error::INVAL)?;
        lock(&device.space).take(bucket);
        lock(&device.fifos).get_mut(fifo).ok_or(Error::INVAL)?.push(bucket);
        Ok(())
    }

    /// Empties the fifos of a member.
    ///
    /// # Errors
    /// `EINVAL` for a member there is none of.
    pub fn clear_reserves(&self, dev: u32) -> Result<()> {
        let device = self.member(dev).ok_or(Error::INVAL)?;
        *lock(&device.fifos) = Default::default();
        Ok(())
    }

    /// Says what slot `i` (1 to 1023) writes to.
    ///
    /// # Errors
    /// `EINVAL` for a slot there is none of, or slot 0, which is never in use.
    pub fn set_open_bucket(&self, i: u32, ptr: Option<ExtentPtr>) -> Result<()> {
        let at = usize::try_from(i).ok().filter(|i| *i != 0).ok_or(Error::INVAL)?;
        *lock(&self.open.slots).get_mut(at).ok_or(Error::INVAL)? = ptr;
        Ok(())
    }
}
