// SPDX-License-Identifier: GPL-2.0-only
//! Devices: their buckets, references to them, and coming, going and growing.

use crate::Model;
use crate::buckets::{BucketArrayBox, BucketState};
use crate::locks::{LockId, Mode};
use crate::options::device_makes_sense;
use crate::rcu::Rcu;
use crate::sync::{Arena, lock};
use gc_core::error::{Errno, Error, Result};
use gc_core::host::{Geometry, SB_OFFSETS, SbCopies, Side};
use gc_core::layout::superblock::{BCH_SB_MEMBERS_MAX, BCH_SB_SECTOR};
use gc_core::layout::{Bucket, DevUsage};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// Names a device of a model; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DevId(pub(crate) usize);

/// Superblock copies of a device have `2^5` sectors unless said otherwise.
const SB_MAX_SIZE_BITS: u32 = 5;

/// A device.
#[derive(Debug)]
pub struct Device {
    idx: u32,
    bucket_size: u32,
    first_bucket: u16,
    live: Rcu<Arc<BucketArrayBox>>,
    gc: Mutex<Option<Arc<BucketArrayBox>>>,
    /// What was lent for longer than a moment stays until the model goes.
    lent: Arena<Arc<BucketArrayBox>>,
    /// Live, and being built.
    pub(crate) usage: Mutex<(DevUsage, Option<DevUsage>)>,
    online: AtomicBool,
    dying: AtomicBool,
    refs: AtomicU32,
    io_refs: AtomicU32,
    layout: Mutex<SbCopies>,
    journals: Arena<Box<[u64]>>,
    pub(crate) fifos: Mutex<[Vec<u64>; 4]>,
    pub(crate) space: Mutex<Space>,
}

/// What of a device was given out already.
#[derive(Debug, Default)]
pub(crate) struct Space {
    /// Buckets.
    pub(crate) taken: Vec<bool>,
    /// Bucket in which nodes are being put, and the sectors used of it.
    pub(crate) nodes: Option<(u64, u32)>,
}

impl Space {
    pub(crate) fn take(&mut self, bucket: u64) {
        if let Some(t) = usize::try_from(bucket).ok().and_then(|b| self.taken.get_mut(b)) {
            *t = true;
        }
    }
}

fn default_layout() -> SbCopies {
    let mut offset = [0; SB_OFFSETS];
    let second = BCH_SB_SECTOR.saturating_add(1 << SB_MAX_SIZE_BITS);
    for (to, from) in offset.iter_mut().zip([BCH_SB_SECTOR, second]) {
        *to = from;
    }
    SbCopies { offset, nr: 2, max_size_bits: SB_MAX_SIZE_BITS }
}

impl Device {
    fn new(idx: u32, nbuckets: u64, bucket_size: u32, first_bucket: u16) -> Self {
        let n = usize::try_from(nbuckets).unwrap_or(0);
        let live = BucketArrayBox::zeroed(first_bucket, n);
        for b in live.buckets() {
            b.set_gen_valid(true);
        }
        Self {
            idx,
            bucket_size,
            first_bucket,
            live: Rcu::new(Arc::new(live)),
            gc: Mutex::new(None),
            lent: Arena::default(),
            usage: Mutex::new((DevUsage::default(), None)),
            online: AtomicBool::new(true),
            dying: AtomicBool::new(false),
            refs: AtomicU32::new(0),
            io_refs: AtomicU32::new(0),
            layout: Mutex::new(default_layout()),
            journals: Arena::default(),
            fifos: Mutex::default(),
            space: Mutex::new(Space { taken: vec![false; n], nodes: None }),
        }
    }

    /// Its index, as pointers name it.
    #[must_use]
    pub fn idx(&self) -> u32 {
        self.idx
    }

    /// Its geometry.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        let n = self.live.read(|a| a.buckets().len());
        Geometry {
            nbuckets: u64::try_from(n).unwrap_or(u64::MAX),
            bucket_size: self.bucket_size,
            first_bucket: u32::from(self.first_bucket),
            dev_idx: self.idx,
        }
    }

    /// Shows the live buckets to `f`, without any lock.
    pub fn with_buckets<R>(&self, f: impl FnOnce(&[Bucket]) -> R) -> R {
        self.live.read(|a| f(a.buckets()))
    }

    /// An array, lent as long as the model lives.
    pub(crate) fn array(&self, side: Side) -> Option<&BucketArrayBox> {
        let now = match side {
            Side::Live => Some(self.live.read(Arc::clone)),
            Side::Gc => lock(&self.gc).clone(),
        }?;
        // The one that was lent last, as a rule.
        let known = (0..self.lent.len())
            .rev()
            .find(|i| self.lent.get(*i).is_some_and(|a| Arc::ptr_eq(a, &now)));
        let at = known.unwrap_or_else(|| self.lent.push(now));
        self.lent.get(at).map(AsRef::as_ref)
    }

    /// The buckets of a side, lent as long as the model lives.
    pub(crate) fn buckets(&self, side: Side) -> Option<&[Bucket]> {
        self.array(side).map(BucketArrayBox::buckets)
    }

    /// One live bucket.
    #[must_use]
    pub fn bucket(&self, bucket: u64) -> Option<BucketState> {
        let at = usize::try_from(bucket).ok()?;
        self.with_buckets(|all| all.get(at).map(BucketState::load))
    }

    /// Sets one live bucket; false if there is none.
    pub fn set_bucket(&self, bucket: u64, to: BucketState) -> bool {
        let Ok(at) = usize::try_from(bucket) else { return false };
        self.with_buckets(|all| all.get(at).map(|b| to.store(b))).is_some()
    }

    /// Whether it is there, and not only remembered.
    #[must_use]
    pub fn online(&self) -> bool {
        self.online.load(SeqCst)
    }

    /// References to it, and to its io.
    #[must_use]
    pub fn refs(&self) -> (u32, u32) {
        (self.refs.load(SeqCst), self.io_refs.load(SeqCst))
    }

    fn counter(&self, io: bool) -> &AtomicU32 {
        if io { &self.io_refs } else { &self.refs }
    }

    /// Takes a reference, unless the device is going.
    pub(crate) fn get_ref(&self, io: bool) -> bool {
        self.counter(io).fetch_add(1, SeqCst);
        let fine = !self.dying.load(SeqCst) && (!io || self.online());
        if !fine {
            self.counter(io).fetch_sub(1, SeqCst);
        }
        fine
    }

    /// Drops a reference; false if there was none.
    pub(crate) fn put_ref(&self, io: bool) -> bool {
        self.counter(io).fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok()
    }

    /// Where its superblocks are.
    #[must_use]
    pub fn superblocks(&self) -> SbCopies {
        *lock(&self.layout)
    }

    /// Puts its superblocks elsewhere, in whatever numbers.
    pub fn set_superblocks(&self, offsets: &[u64], max_size_bits: u32) {
        let mut layout = lock(&self.layout);
        for (to, from) in layout.offset.iter_mut().zip(offsets) {
            *to = *from;
        }
        layout.nr = offsets.len().min(SB_OFFSETS);
        layout.max_size_bits = max_size_bits;
    }

    /// Its journal buckets.
    #[must_use]
    pub fn journal(&self) -> &[u64] {
        let last = self.journals.len().checked_sub(1).and_then(|i| self.journals.get(i));
        last.map_or(&[], AsRef::as_ref)
    }

    /// Puts its journal elsewhere.
    pub fn set_journal(&self, buckets: &[u64]) {
        self.journals.push(buckets.into());
    }

    /// Whether the second buckets are there, and the second usage.
    #[must_use]
    pub fn has_gc(&self) -> (bool, bool) {
        (lock(&self.gc).is_some(), lock(&self.usage).1.is_some())
    }

    pub(crate) fn gc_alloc_buckets(&self) -> Result<()> {
        let mut gc = lock(&self.gc);
        if gc.is_some() {
            return Err(Error::Errno(Errno::EEXIST));
        }
        let n = self.with_buckets(<[Bucket]>::len);
        *gc = Some(Arc::new(BucketArrayBox::zeroed(self.first_bucket, n)));
        Ok(())
    }

    pub(crate) fn gc_alloc_usage(&self) -> Result<()> {
        let mut usage = lock(&self.usage);
        if usage.1.is_some() {
            return Err(Error::Errno(Errno::EEXIST));
        }
        usage.1 = Some(DevUsage::default());
        Ok(())
    }

    pub(crate) fn gc_free(&self) {
        if let Some(old) = lock(&self.gc).take() {
            old.poison();
        }
        lock(&self.usage).1 = None;
    }

    /// Takes the buckets that superblocks and journal lie in out of what is free.
    fn reserve_metadata(&self) {
        let size = u64::from(self.bucket_size);
        let sb = self.superblocks();
        let mut space = lock(&self.space);
        for offset in sb.offset.iter().take(sb.nr) {
            let end = offset.saturating_add(1 << SB_MAX_SIZE_BITS).saturating_sub(1);
            for bucket in [offset, &end].map(|s| s.checked_div(size).unwrap_or(0)) {
                space.take(bucket);
            }
        }
        space.take(0);
        for bucket in self.journal() {
            space.take(*bucket);
        }
    }
}

impl Model {
    /// Makes a device and puts its superblocks and journal on it.
    fn make_device(&self, idx: u32, nbuckets: u64, size: u32, first: u16, journal: u32) -> DevId {
        let id = self.devices.push(Device::new(idx, nbuckets, size, first));
        if let Some(dev) = self.devices.get(id) {
            dev.reserve_metadata();
            let mut space = lock(&dev.space);
            let free = (u64::from(first)..nbuckets).filter(|b| {
                usize::try_from(*b).ok().and_then(|b| space.taken.get(b)) == Some(&false)
            });
            let buckets: Vec<u64> = free.take(usize::try_from(journal).unwrap_or(0)).collect();
            buckets.iter().for_each(|b| space.take(*b));
            drop(space);
            dev.set_journal(&buckets);
        }
        DevId(id)
    }

    /// A device.
    #[must_use]
    pub fn device(&self, id: DevId) -> Option<&Device> {
        self.devices.get(id.0)
    }

    /// The member with this index.
    #[must_use]
    pub fn member_id(&self, idx: u32) -> Option<DevId> {
        let at = usize::try_from(idx).ok()?;
        self.members.read(|m| m.get(at).copied().flatten())
    }

    /// The member with this index.
    #[must_use]
    pub fn member(&self, idx: u32) -> Option<&Device> {
        self.device(self.member_id(idx)?)
    }

    /// All members, in the order of their index.
    pub fn members(&self) -> Vec<&Device> {
        let ids: Vec<DevId> = self.members.read(|m| m.iter().copied().flatten().collect());
        ids.into_iter().filter_map(|id| self.device(id)).collect()
    }

    /// Adds a member; its index.
    ///
    /// # Errors
    /// `EINVAL` for a device that makes no sense, `ERANGE` when there are too many.
    pub fn add_device(&self, nbuckets: u64, size: u32, first: u16, journal: u32) -> Result<u32> {
        if !device_makes_sense(nbuckets, size, first) {
            return Err(Error::INVAL);
        }
        let _change = lock(&self.membership);
        let mut table = self.members.read(Clone::clone);
        let free = table.iter().position(Option::is_none).unwrap_or(table.len());
        if free >= BCH_SB_MEMBERS_MAX {
            return Err(Error::Errno(Errno::ERANGE));
        }
        let idx = u32::try_from(free).map_err(|_| Error::INVAL)?;
        let id = self.make_device(idx, nbuckets, size, first, journal);
        match table.get_mut(free) {
            Some(slot) => *slot = Some(id),
            None => table.push(Some(id)),
        }
        self.members.replace(table);
        Ok(idx)
    }

    /// A device that belongs to no file system yet.
    ///
    /// # Errors
    /// `EINVAL` for a device that makes no sense.
    pub fn stray_device(&self, nbuckets: u64, bucket_size: u32) -> Result<DevId> {
        if !device_makes_sense(nbuckets, bucket_size, 0) {
            return Err(Error::INVAL);
        }
        Ok(self.make_device(0, nbuckets, bucket_size, 0, 0))
    }

    /// Removes a member.
    ///
    /// # Errors
    /// `EINVAL` if there is none, `EBUSY` while somebody has a reference.
    pub fn remove_device(&self, idx: u32) -> Result<()> {
        let _change = lock(&self.membership);
        let dev = self.member(idx).ok_or(Error::INVAL)?;
        // New references are refused from here on; so none comes after the look.
        dev.dying.store(true, SeqCst);
        if dev.refs() != (0, 0) {
            dev.dying.store(false, SeqCst);
            return Err(Error::Errno(Errno::EBUSY));
        }
        let mut table = self.members.read(Clone::clone);
        if let Some(slot) = usize::try_from(idx).ok().and_then(|i| table.get_mut(i)) {
            *slot = None;
        }
        self.members.replace(table);
        Ok(())
    }

    /// Changes the number of buckets of a member; those that stay keep their state.
    ///
    /// # Errors
    /// `EINVAL` if there is none or the number makes no sense, `EBUSY` while
    /// `state_lock` or `gc_lock` is held.
    pub fn resize_device(&self, idx: u32, nbuckets: u64) -> Result<()> {
        let dev = self.member(idx).ok_or(Error::INVAL)?;
        if !device_makes_sense(nbuckets, dev.bucket_size, dev.first_bucket) {
            return Err(Error::INVAL);
        }
        let busy = Error::Errno(Errno::EBUSY);
        if !self.locks.try_take(LockId::State, Mode::Exclusive) {
            return Err(busy);
        }
        let free = self.locks.try_take(LockId::Gc, Mode::Exclusive);
        if free {
            // Whoever marks has looked the array up under this lock.
            let _mark = self.guard(LockId::Mark, Mode::Exclusive);
            let n = usize::try_from(nbuckets).unwrap_or(0);
            let new = BucketArrayBox::zeroed(dev.first_bucket, n);
            dev.with_buckets(|old| {
                for (to, from) in new.buckets().iter().zip(old) {
                    BucketState::load(from).store(to);
                }
                for b in new.buckets().iter().skip(old.len()) {
                    b.set_gen_valid(true);
                }
            });
            dev.live.replace(Arc::new(new));
            lock(&dev.space).taken.resize(n, false);
        }
        if free {
            self.release(LockId::Gc);
        }
        self.release(LockId::State);
        if free { Ok(()) } else { Err(busy) }
    }

    /// Words of the live usage of a member, in the order of `struct bch_dev_usage`.
    #[must_use]
    pub fn dev_usage_words(&self, idx: u32) -> Option<Vec<u64>> {
        let u = lock(&self.member(idx)?.usage).0;
        let sums = [u.buckets_alloc, u.buckets_ec, u.buckets_unavailable];
        let words = u.buckets.into_iter().chain(sums).chain(u.sectors);
        Some(words.chain([u.sectors_fragmented]).collect())
    }

    /// Puts a member on or off line.
    ///
    /// # Errors
    /// `EINVAL` if there is none.
    pub fn set_online(&self, idx: u32, online: bool) -> Result<()> {
        let dev = self.member(idx).ok_or(Error::INVAL)?;
        dev.online.store(online, SeqCst);
        Ok(())
    }
}
