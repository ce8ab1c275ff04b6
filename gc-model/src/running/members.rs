// SPDX-License-Identifier: GPL-2.0-only
//! Members that come, go and grow while the file system is in use.

use super::Update;
use crate::Model;
use crate::key::Key;
use crate::locks::{LockId, Mode};
use crate::sync::lock;
use gc_core::error::{Error, Result};
use gc_core::gc::metadata::mark_dev_superblock;
use gc_core::host::{Membership, Sb};
use gc_core::layout::BtreeId;
use gc_core::layout::btree::BTREE_ID_NR;

impl Model {
    /// Whether nodes and stripes may be put on a member: those that came later are
    /// for data alone, so that they can go again.
    #[must_use]
    pub fn is_permanent(&self, dev: u32) -> bool {
        dev < self.options.nr_devices
    }

    /// Adds a member and counts its superblocks and journal. Waits for whoever has
    /// the state lock.
    ///
    /// # Errors
    /// As [`Model::add_device`].
    pub fn add_member(&self, nbuckets: u64, journal: u32) -> Result<u32> {
        let _state = self.state_write();
        let dev = self.add_device(nbuckets, self.options.bucket_size, 0, journal)?;
        let id = self.member_id(dev).ok_or(Error::INVAL)?;
        let sb = Sb::lock(self);
        mark_dev_superblock(self, id, Membership::Member(&sb), 0)?;
        Ok(dev)
    }

    /// Takes all pointers to a member out of the keys, by transactions beside gc,
    /// and removes it. The caller holds off updates, and none of its buckets is
    /// open.
    ///
    /// # Errors
    /// As [`Model::remove_device`].
    pub fn remove_member(&self, dev: u32) -> Result<()> {
        self.needs("remove_member", LockId::Writes, Mode::Exclusive);
        for btree in (0_u8..).map(BtreeId).take(BTREE_ID_NR) {
            while self.drop_some_pointers(btree, dev)? {}
        }
        let _state = self.state_write();
        let device = self.member(dev).ok_or(Error::INVAL)?;
        let held: Vec<u64> = lock(&device.fifos).iter_mut().flat_map(std::mem::take).collect();
        {
            let _mark = self.guard(LockId::Mark, Mode::Exclusive);
            for bucket in held {
                self.do_mark_alloc(device, bucket, false, 0);
            }
        }
        self.remove_device(dev)?;
        // What was hidden on it is gone with it.
        let _mark = self.guard(LockId::Mark, Mode::Exclusive);
        self.fold_usage();
        Ok(())
    }

    /// Takes pointers to a member out of the keys of a btree; whether there were any.
    fn drop_some_pointers(&self, btree: BtreeId, dev: u32) -> Result<bool> {
        let points = |key: &Key| key.get().pointers().any(|p| u32::from(p.dev()) == dev);
        let mut keys = {
            // gc may be writing nodes anew.
            let _trees = self.guard(LockId::Trees, Mode::Exclusive);
            self.keys(btree)
        };
        keys.retain(|(level, key)| *level == 0 && points(key));
        let some = !keys.is_empty();
        for (_, key) in keys {
            let mut rest = key.clone();
            rest.drop_pointers(|p| u32::from(p.dev()) == dev);
            // One that gc has written anew meanwhile, without its stale pointers, is
            // another key: its turn comes with the next look.
            let _made = self.commit(&[Update { btree, key: rest, was: Some(Some(key)) }])?;
        }
        Ok(some)
    }

    /// Gives a member more buckets, if nobody has the state lock or the gc lock.
    ///
    /// # Errors
    /// As [`Model::resize_device`].
    pub fn grow_member(&self, dev: u32, by: u64) -> Result<()> {
        let now = self.member(dev).ok_or(Error::INVAL)?.geometry().nbuckets;
        self.resize_device(dev, now.saturating_add(by))
    }
}
