// SPDX-License-Identifier: GPL-2.0-only
//! What one updating thread does.

use crate::round::Shared;
use gc_core::coalesce;
use gc_core::gens::gc_gens;
use gc_core::layout::{Bpos, BtreeId, KeyType};
use gc_model::{Committed, Crc, Key, Model, Ptr, Reserve, Seeded, Update};
use std::sync::atomic::Ordering::SeqCst;

pub(crate) const BTREES: [BtreeId; 6] = [
    BtreeId::EC,
    BtreeId::EXTENTS,
    BtreeId::INODES,
    BtreeId::DIRENTS,
    BtreeId::QUOTAS,
    BtreeId::REFLINK,
];

macro_rules! ops {
    ($($name:ident $weight:literal $what:literal;)*) => {
        /// An operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Op {
            $(#[doc = $what] $name,)*
        }

        impl Op {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            const fn weight(self) -> u64 {
                match self { $(Self::$name => $weight,)* }
            }
        }
    };
}

ops! {
    Write 40 "an extent, plain or shared, in place of what is there";
    Small 10 "an inode, a directory entry or a reservation";
    Delete 14 "a key";
    Move 20 "an extent to another place, with both ends told";
    Split 4 "a leaf that may have room";
    Merge 6 "two leaves";
    Rewrite 3 "a leaf, to another bucket";
    Reuse 24 "an available bucket goes to the fifos";
    OpenPut 8 "a bucket is opened and put back without a key";
    PutBack 6 "a bucket that was written to is put back";
    Journal 1 "a bucket becomes one of the journal";
    Stripe 2 "a stripe comes";
    InStripe 6 "an extent in a block of a stripe";
    DropStripe 2 "an empty stripe goes";
    Coalesce 1 "nodes of all btrees are merged";
    Gens 1 "oldest generations are recomputed";
    AddMember 1 "a member comes";
    RemoveMember 1 "a member goes, its pointers before it";
    GrowMember 1 "a member gets more buckets";
}

/// A bucket this thread writes to.
struct Open {
    slot: u32,
    start: Ptr,
    used: u64,
}

/// A stripe this thread has made.
struct StripeMade {
    idx: u64,
    blocks: Vec<Ptr>,
    used: u64,
}

pub(crate) struct Updater<'s> {
    shared: &'s Shared<'s>,
    model: &'s Model,
    r: Seeded,
    index: u64,
    open: Vec<Open>,
    stripes: Vec<StripeMade>,
    stripes_made: u64,
    member: Option<u32>,
    members_added: u32,
    journals: u32,
    /// By [`Op`].
    pub(crate) done: Vec<u64>,
}

/// Sectors of a bucket.
const BUCKET: u64 = 64;

impl<'s> Updater<'s> {
    pub(crate) fn new(shared: &'s Shared<'s>, r: Seeded, index: usize) -> Self {
        Self {
            shared,
            model: shared.model,
            r,
            index: u64::try_from(index).unwrap(),
            open: Vec::new(),
            stripes: Vec::new(),
            stripes_made: 0,
            member: None,
            members_added: 0,
            journals: 0,
            done: vec![0; Op::ALL.len()],
        }
    }

    pub(crate) fn work(&mut self) {
        while !self.shared.stopped() {
            let op = self.choose();
            let happened = match op {
                // While nobody else updates; all else is beside others.
                Op::RemoveMember => self.remove_member(),
                // No update; and one at a time, since two share what they count in.
                Op::Gens => self.index == 0 && gc_gens(self.model).is_ok(),
                _ => {
                    let _writes = self.model.writes();
                    self.step(op)
                }
            };
            self.shared.tried.fetch_add(1, SeqCst);
            self.model.poke();
            if happened {
                self.done[Op::ALL.iter().position(|o| *o == op).unwrap()] += 1;
            }
        }
        let _writes = self.model.writes();
        while self.put_back(0) {}
    }

    fn choose(&mut self) -> Op {
        let all = Op::ALL.iter().map(|op| op.weight()).sum();
        let mut at = self.r.below(all);
        for op in Op::ALL {
            match at.checked_sub(op.weight()) {
                Some(rest) => at = rest,
                None => return *op,
            }
        }
        Op::Write
    }

    /// Does it; false if it could not be done now.
    fn step(&mut self, op: Op) -> bool {
        let model = self.model;
        match op {
            Op::Write => self.write(),
            Op::Small => self.small(),
            Op::Delete => {
                let (btree, pos) = self.somewhere();
                self.commit(vec![Update { btree, key: Key::deleted(pos), was: None }])
            }
            Op::Move => self.move_key(),
            Op::Split => {
                let (btree, pos) = self.somewhere();
                model.split_leaf(btree, pos, false).is_ok()
            }
            Op::Merge => {
                let (btree, pos) = self.somewhere();
                model.merge_leaf(btree, pos).is_ok()
            }
            Op::Rewrite => {
                let (btree, pos) = self.somewhere();
                model.rewrite_leaf(btree, pos).is_ok()
            }
            Op::Reuse => self.reuse(),
            Op::OpenPut => {
                let dev = self.device();
                let slot = self.any_slot();
                let slot = model.open_bucket(dev, Reserve::None, slot);
                slot.inspect(|slot| model.put_open_bucket(*slot)).is_some()
            }
            Op::PutBack => {
                let n = self.r.below(8);
                self.put_back(usize::try_from(n).unwrap())
            }
            Op::Journal => self.journal(),
            Op::Stripe => self.make_stripe(),
            Op::InStripe => self.write_in_stripe(),
            Op::DropStripe => self.drop_stripe(),
            Op::Coalesce => coalesce::coalesce(model).is_ok(),
            Op::AddMember => self.add_member(),
            Op::Gens | Op::RemoveMember => false,
            Op::GrowMember => {
                let dev = self.device();
                let few = model.member(dev).is_some_and(|d| d.geometry().nbuckets < 400);
                few && model.grow_member(dev, 8).is_ok()
            }
        }
    }

    // ---- places

    fn data_place(&mut self) -> (BtreeId, Bpos) {
        let end = 8 * (1 + self.r.below(48));
        if self.r.one_in(3) {
            (BtreeId::REFLINK, Bpos::new(0, end))
        } else {
            (BtreeId::EXTENTS, Bpos::new(4096 + self.r.below(3), end))
        }
    }

    fn somewhere(&mut self) -> (BtreeId, Bpos) {
        match self.r.below(6) {
            0 => (BtreeId::INODES, Bpos::new(0, self.r.below(60))),
            1 => (BtreeId::DIRENTS, Bpos::new(4096, self.r.below(60))),
            _ => self.data_place(),
        }
    }

    fn device(&mut self) -> u32 {
        let nr = self.model.options().nr_devices;
        match self.member {
            Some(own) if self.r.one_in(3) => own,
            _ => u32::try_from(self.r.below(nr.into())).unwrap(),
        }
    }

    fn any_slot(&mut self) -> u32 {
        u32::try_from(self.r.below(1 << 16)).unwrap()
    }

    // ---- transactions

    /// Makes a transaction; leaves without room are split, unless gc runs.
    fn commit(&mut self, updates: Vec<Update>) -> bool {
        for _ in 0..4 {
            match self.model.commit(&updates).unwrap() {
                Committed::Done => return true,
                Committed::Changed => return false,
                Committed::Full(btree, pos) => {
                    let patient = self.r.one_in(16);
                    if self.model.split_leaf(btree, pos, patient).is_err() {
                        return false;
                    }
                }
            }
        }
        false
    }

    fn crc(&mut self, size: u32) -> Option<Crc> {
        self.r.one_in(3).then(|| Crc {
            compressed_size: 1 + u32::try_from(self.r.below(size.into())).unwrap(),
            uncompressed_size: size,
            offset: 0,
            csum_type: 5,
            compression_type: 1,
        })
    }

    /// An extent at a place, of its btree.
    fn extent(&mut self, (btree, end): (BtreeId, Bpos), size: u32, ptrs: &[Ptr]) -> Key {
        let crc = self.crc(size);
        let key = if btree == BtreeId::REFLINK {
            Key::reflink_v(end, size, 1, crc, ptrs)
        } else {
            Key::extent(end, size, crc, ptrs)
        };
        key.unwrap()
    }

    fn write(&mut self) -> bool {
        let place = self.data_place();
        let size = 1 + u32::try_from(self.r.below(8)).unwrap();
        let mut ptrs: Vec<Ptr> = Vec::new();
        for _ in 0..=self.r.below(2) {
            let dev = self.device();
            if ptrs.iter().any(|p| u32::from(p.dev) == dev) {
                continue;
            }
            let Some(p) = self.room(dev, size.into()) else { continue };
            ptrs.push(if self.r.one_in(3) { p.cached() } else { p });
        }
        if ptrs.is_empty() {
            return false;
        }
        let key = self.extent(place, size, &ptrs);
        let done = self.commit(vec![Update { btree: place.0, key, was: None }]);
        self.put_full();
        done
    }

    fn small(&mut self) -> bool {
        let n = self.r.below(60);
        let (btree, key) = match self.r.below(4) {
            0 => (BtreeId::INODES, Key::inode(n)),
            1 => (BtreeId::DIRENTS, Key::dirent(4096, n, 4097)),
            2 => {
                let (_, end) = self.data_place();
                (BtreeId::EXTENTS, Key::reflink_p(Bpos::new(4096, end.offset), 8, 0))
            }
            _ => {
                let replicas = u8::try_from(1 + self.r.below(3)).unwrap();
                let (_, end) = self.data_place();
                let end = Bpos::new(4096, end.offset);
                (BtreeId::EXTENTS, Key::reservation(end, 8, replicas))
            }
        };
        self.commit(vec![Update { btree, key: key.unwrap(), was: None }])
    }

    /// From where it is to any other place, before it or behind, in one transaction.
    fn move_key(&mut self) -> bool {
        let (from, to) = (self.data_place(), self.data_place());
        let Some(key) = self.model.key_at(from.0, from.1) else { return false };
        if from == to {
            return false;
        }
        let (k, v) = (key.get().k, key.get().v);
        let entries = match k.type_ {
            KeyType::EXTENT => v,
            KeyType::REFLINK_V => &v[1..],
            _ => return false,
        };
        let moved = if to.0 == BtreeId::REFLINK {
            let v = std::iter::once(1).chain(entries.iter().copied()).collect();
            Key::new(KeyType::REFLINK_V, to.1, k.size, v)
        } else {
            Key::new(KeyType::EXTENT, to.1, k.size, entries.to_vec())
        };
        let gone = Update { btree: from.0, key: Key::deleted(from.1), was: Some(Some(key)) };
        let came = Update { btree: to.0, key: moved.unwrap(), was: None };
        let updates = if self.r.one_in(2) { vec![gone, came] } else { vec![came, gone] };
        self.commit(updates)
    }

    // ---- buckets

    /// Room for so many sectors in a bucket that is open for writing.
    fn room(&mut self, dev: u32, sectors: u64) -> Option<Ptr> {
        let fits = |o: &Open| u32::from(o.start.dev) == dev && o.used + sectors <= BUCKET;
        let at = match self.open.iter().position(fits) {
            Some(at) => at,
            None => {
                let from = self.any_slot();
                let slot = self.model.open_bucket(dev, Reserve::None, from)?;
                let start = self.model.open_bucket_start(slot).unwrap();
                self.open.push(Open { slot, start, used: 0 });
                self.open.len() - 1
            }
        };
        let open = &mut self.open[at];
        let ptr = Ptr { sector: open.start.sector + open.used, ..open.start };
        open.used += sectors;
        Some(ptr)
    }

    /// Puts one of its open buckets back; false without any.
    fn put_back(&mut self, n: usize) -> bool {
        if self.open.is_empty() {
            return false;
        }
        let open = self.open.swap_remove(n % self.open.len());
        self.model.put_open_bucket(open.slot);
        true
    }

    fn put_full(&mut self) {
        while let Some(at) = self.open.iter().position(|o| o.used + 8 > BUCKET) {
            self.put_back(at);
        }
    }

    fn reuse(&mut self) -> bool {
        let dev = self.device();
        let Some(nbuckets) = self.model.member(dev).map(|d| d.geometry().nbuckets) else {
            return false;
        };
        // Now and then so often that cached pointers are stale enough for a rewrite.
        let times = match self.r.below(16) {
            0 => 60 + self.r.below(25),
            1..4 => 15 + self.r.below(15),
            _ => 1,
        };
        let times = u8::try_from(times).unwrap();
        let mut some = false;
        for _ in 0..4 {
            let bucket = self.r.below(nbuckets);
            some |= self.model.invalidate_bucket(dev, bucket, times, false);
            let reserve = if self.r.one_in(6) { Reserve::Btree } else { Reserve::None };
            some |= self.model.ready_bucket(dev, reserve);
        }
        some
    }

    fn journal(&mut self) -> bool {
        let dev = self.device();
        if self.journals == 3 || !self.model.is_permanent(dev) {
            return false;
        }
        let from = self.any_slot();
        let Some(slot) = self.model.open_bucket(dev, Reserve::None, from) else { return false };
        self.model.open_bucket_to_journal(slot);
        self.journals += 1;
        true
    }

    // ---- stripes

    fn make_stripe(&mut self) -> bool {
        let nr = self.model.options().nr_devices;
        if nr < 2 || self.stripes.len() == 4 {
            return false;
        }
        let mut slots = Vec::new();
        for dev in 0..nr {
            let from = self.any_slot();
            slots.extend(self.model.open_bucket(dev, Reserve::None, from));
        }
        let start = |slot: &u32| self.model.open_bucket_start(*slot).unwrap();
        let blocks: Vec<Ptr> = slots.iter().map(start).collect();
        let idx = self.index * 64 + self.stripes_made % 64;
        let mut done = false;
        if blocks.len() >= 2 {
            let key = Key::stripe(idx, 64, 1, &blocks).unwrap();
            done = self.commit(vec![Update { btree: BtreeId::EC, key, was: Some(None) }]);
        }
        slots.iter().for_each(|slot| self.model.put_open_bucket(*slot));
        if done {
            self.stripes_made += 1;
            self.stripes.push(StripeMade { idx, blocks, used: 0 });
        }
        done
    }

    fn write_in_stripe(&mut self) -> bool {
        let n = usize::try_from(self.r.below(4)).unwrap();
        let place = self.data_place();
        let size = 1 + u32::try_from(self.r.below(8)).unwrap();
        let Some(s) = self.stripes.get_mut(n).filter(|s| s.used + u64::from(size) <= BUCKET) else {
            return false;
        };
        let block = s.blocks[0];
        let ptr = Ptr { sector: block.sector + s.used, ..block }.in_stripe(s.idx, 0);
        s.used += u64::from(size);
        let key = self.extent(place, size, &[ptr]);
        self.commit(vec![Update { btree: place.0, key, was: None }])
    }

    /// Nobody else puts anything into a stripe of this thread, so that what is empty
    /// stays so.
    fn drop_stripe(&mut self) -> bool {
        let model = self.model;
        let empty = |s: &StripeMade| model.stripe(s.idx).is_some_and(|s| s.0.blocks_nonempty == 0);
        let Some(at) = self.stripes.iter().position(empty) else { return false };
        let key = Key::deleted(Bpos::new(0, self.stripes[at].idx));
        if !self.commit(vec![Update { btree: BtreeId::EC, key, was: None }]) {
            return false;
        }
        self.stripes.swap_remove(at);
        true
    }

    // ---- members

    fn add_member(&mut self) -> bool {
        if self.member.is_some() || self.members_added == 3 {
            return false;
        }
        let Ok(dev) = self.model.add_member(48, 2) else { return false };
        self.member = Some(dev);
        self.members_added += 1;
        for bucket in 0..24 {
            self.model.invalidate_bucket(dev, bucket, 1, false);
            self.model.ready_bucket(dev, Reserve::None);
        }
        true
    }

    fn remove_member(&mut self) -> bool {
        let Some(dev) = self.member else { return false };
        let _quiet = self.model.no_writes();
        while let Some(at) = self.open.iter().position(|o| u32::from(o.start.dev) == dev) {
            self.put_back(at);
        }
        let ret = self.model.remove_member(dev);
        assert_eq!(ret, Ok(()), "remove_member");
        self.member = None;
        true
    }
}
