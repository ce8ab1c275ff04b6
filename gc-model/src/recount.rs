// SPDX-License-Identifier: GPL-2.0-only
//! What every count should be: a recount of all references in the plainest way,
//! that shares nothing with the engine but the layouts.

use crate::Model;
use crate::key::Key;
use gc_core::bkey::{KeyRef, stripe_key};
use gc_core::layout::{
    BtreeId, CrcUnpacked, DataType, ExtentPtr, ExtentPtrDecoded, KeyType, Stripe,
};
use std::collections::{BTreeMap, BTreeSet};

/// A replicas entry: data type, devices needed, devices.
pub(crate) type EntryKey = (u8, u8, Vec<u8>);

/// What a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketCount {
    /// Generation, the newest of any pointer if that is ahead.
    pub gen_: u8,
    /// The first type of data met.
    pub data_type: DataType,
    /// Sectors to be kept.
    pub dirty: u64,
    /// Sectors of cached copies.
    pub cached: u64,
    /// Whether the allocator has it.
    pub owned: bool,
    /// Whether it belongs to a stripe.
    pub stripe: bool,
    /// Oldest generation of any pointer.
    pub oldest_gen: u8,
}

/// All counts.
#[derive(Debug, Clone, Default)]
pub struct Recount {
    /// By device index and bucket.
    pub buckets: BTreeMap<u32, Vec<BucketCount>>,
    /// Words 1 to 10 of the usage, at their index: hidden, btree, data, cached,
    /// reserved, `nr_inodes`, `persistent_reserved`.
    pub words: [u64; 11],
    /// Sectors of each set of devices.
    pub replicas: BTreeMap<(u8, u8, Vec<u8>), u64>,
    /// Sets of devices that the superblock must list.
    pub needed: BTreeSet<(u8, u8, Vec<u8>)>,
    /// Stripes by index.
    pub stripes: BTreeMap<u64, Stripe>,
    /// Highest version of any key.
    pub key_version: u64,
    /// Keys that cannot be counted in full.
    pub refused: usize,
}

/// Btrees in the order of references.
const ORDER: [BtreeId; 8] = [
    BtreeId::EC,
    BtreeId::EXTENTS,
    BtreeId::INODES,
    BtreeId::DIRENTS,
    BtreeId::XATTRS,
    BtreeId::ALLOC,
    BtreeId::QUOTAS,
    BtreeId::REFLINK,
];

/// Whether `a` is newer than `b`, on the circle.
fn newer(a: u8, b: u8) -> bool {
    (1..128).contains(&a.wrapping_sub(b))
}

/// Sectors on disk of `size` sectors, stored `n` a `d`, rounded up.
fn share(size: u32, n: u64, d: u64) -> Option<u64> {
    (u64::from(size) * n).checked_add(d.checked_sub(1)?)?.checked_div(d).filter(|_| n != 0)
}

/// A key that cannot be counted any further.
struct Refused;

struct Counter<'m> {
    model: &'m Model,
    sum: Recount,
}

impl Counter<'_> {
    fn bucket(&mut self, ptr: ExtentPtr) -> Result<&mut BucketCount, Refused> {
        let dev = u32::from(ptr.dev());
        let geometry = self.model.member(dev).map(|d| d.geometry()).ok_or(Refused)?;
        let bucket = geometry.bucket_of(ptr.offset()).ok_or(Refused)?;
        let bucket = usize::try_from(bucket).map_err(|_| Refused)?;
        self.sum.buckets.get_mut(&dev).and_then(|all| all.get_mut(bucket)).ok_or(Refused)
    }

    /// Buckets as they are before anything is counted.
    fn start(&mut self) {
        for dev in self.model.members() {
            let offline = !dev.online();
            let all = dev.with_buckets(|all| {
                let states = all.iter().map(crate::BucketState::load);
                states
                    .map(|s| {
                        let away = offline
                            && matches!(s.mark.data_type(), DataType::SB | DataType::JOURNAL);
                        BucketCount {
                            gen_: s.mark.gen_(),
                            // What an absent member cannot tell stays.
                            data_type: if away { s.mark.data_type() } else { DataType::NONE },
                            dirty: if away { u64::from(s.mark.dirty_sectors()) } else { 0 },
                            cached: 0,
                            owned: away && s.mark.owned_by_allocator(),
                            stripe: false,
                            oldest_gen: 0,
                        }
                    })
                    .collect()
            });
            self.sum.buckets.insert(dev.idx(), all);
        }
    }

    /// Generations: that of the newest pointer, if it is ahead of the bucket or
    /// the bucket's is not known.
    fn generations(&mut self, keys: &[(u8, Key)]) {
        let mut unknown = BTreeSet::new();
        for dev in self.model.members() {
            dev.with_buckets(|all| {
                let unset = all.iter().enumerate().filter(|(_, b)| !b.gen_valid());
                unknown.extend(unset.map(|(b, _)| (dev.idx(), b)));
            });
        }
        loop {
            let mut changed = false;
            for ptr in keys.iter().flat_map(|(_, k)| k.get().pointers()) {
                let dev = u32::from(ptr.dev());
                let geometry = self.model.member(dev).map(|d| d.geometry());
                let at = geometry.and_then(|g| usize::try_from(g.bucket_of(ptr.offset())?).ok());
                let first = at.is_some_and(|b| unknown.remove(&(dev, b)));
                if let Ok(b) = self.bucket(ptr) {
                    if first || newer(ptr.gen_(), b.gen_) {
                        changed |= b.gen_ != ptr.gen_();
                        b.gen_ = ptr.gen_();
                    }
                }
            }
            if !changed {
                break;
            }
        }
        for b in self.sum.buckets.values_mut().flatten() {
            b.oldest_gen = b.gen_;
        }
    }

    /// Superblocks and journal of the members that are there.
    fn metadata(&mut self) {
        for dev in self.model.members().into_iter().filter(|d| d.online()) {
            let size = u64::from(dev.geometry().bucket_size);
            let sb = dev.superblocks();
            let length = 1_u64.checked_shl(sb.max_size_bits).unwrap_or(u64::MAX);
            let mut ranges = Vec::new();
            for start in sb.offset.iter().take(sb.nr) {
                if *start == 8 {
                    ranges.push((0, 8, DataType::SB));
                }
                ranges.push((*start, start.saturating_add(length), DataType::SB));
            }
            for b in dev.journal() {
                let start = b.saturating_mul(size);
                ranges.push((start, start.saturating_add(size), DataType::JOURNAL));
            }
            let Some(all) = self.sum.buckets.get_mut(&dev.idx()) else { continue };
            // Sector by sector of each bucket: slow, and hard to get wrong.
            for (b, count) in (0_u64..).zip(all) {
                let (from, to) = (b.saturating_mul(size), (b + 1).saturating_mul(size));
                for (start, end, data_type) in &ranges {
                    let common = to.min(*end).saturating_sub(from.max(*start));
                    let inside = b >= u64::from(dev.geometry().first_bucket);
                    if common > 0 && inside {
                        count.dirty = (count.dirty + common).min(u64::from(u16::MAX));
                        count.data_type = *data_type;
                    }
                }
            }
        }
        for (idx, all) in &self.sum.buckets {
            let size = self.model.member(*idx).map_or(0, |d| d.geometry().bucket_size);
            let metadata =
                all.iter().filter(|b| matches!(b.data_type, DataType::SB | DataType::JOURNAL));
            let n = u64::try_from(metadata.count()).unwrap_or(0);
            if let Some(hidden) = self.sum.words.get_mut(1) {
                *hidden += n * u64::from(size);
            }
        }
    }

    fn add_replicas(&mut self, entry: EntryKey, sectors: u64) {
        let word = match DataType(entry.0) {
            DataType::BTREE => 2,
            DataType::USER => 3,
            _ => 4,
        };
        if let Some(w) = self.sum.words.get_mut(word) {
            *w += sectors;
        }
        self.sum.needed.insert(entry.clone());
        *self.sum.replicas.entry(entry).or_default() += sectors;
    }

    /// One pointer in its bucket; false for a cached one that is stale.
    fn pointer(&mut self, ptr: ExtentPtr, sectors: u64, holds: DataType) -> Result<bool, Refused> {
        let b = self.bucket(ptr)?;
        if b.gen_ != ptr.gen_() {
            let behind = b.gen_.wrapping_sub(ptr.gen_());
            return if ptr.cached() && behind < 96 { Ok(false) } else { Err(Refused) };
        }
        if b.data_type != DataType::NONE && b.data_type != holds {
            return Err(Refused);
        }
        let to = if ptr.cached() { &mut b.cached } else { &mut b.dirty };
        if *to + sectors > u64::from(u16::MAX) {
            return Err(Refused);
        }
        *to += sectors;
        b.data_type = if b.dirty + b.cached == 0 { DataType::NONE } else { holds };
        Ok(true)
    }

    fn in_stripe(&mut self, p: &ExtentPtrDecoded, sectors: u64, size: u32) -> Result<(), Refused> {
        let stripe = self.sum.stripes.get_mut(&p.ec.idx()).ok_or(Refused)?;
        let used = stripe.block_sectors.get_mut(usize::from(p.ec.block())).ok_or(Refused)?;
        *used = u16::try_from(u64::from(*used) + sectors).map_err(|_| Refused)?;
        let parity_blocks = u64::from(stripe.nr_redundant);
        let data_blocks = u64::from(stripe.nr_blocks).saturating_sub(parity_blocks);
        let CrcUnpacked { compressed_size, uncompressed_size, .. } = p.crc;
        let parity = share(
            size,
            u64::from(compressed_size) * parity_blocks,
            u64::from(uncompressed_size) * data_blocks,
        );
        let entry = self.stripe_entry(p.ec.idx()).ok_or(Refused)?;
        self.add_replicas(entry, sectors + parity.ok_or(Refused)?);
        Ok(())
    }

    fn stripe_entry(&self, idx: u64) -> Option<EntryKey> {
        let r = self.sum.stripes.get(&idx)?.r;
        let devs = r.pad.into_iter().take(usize::from(r.e.nr_devs)).collect();
        Some((r.e.data_type.0, r.e.nr_required, devs))
    }

    fn extent(&mut self, k: KeyRef<'_>, holds: DataType) -> Result<(), Refused> {
        let node = u64::from(self.model.options().btree_node_size);
        let (mut devs, mut sum, mut required) = (Vec::new(), 0, 1);
        for p in k.pointers_decoded() {
            let sectors = if holds == DataType::BTREE {
                node
            } else {
                let (n, d) = (p.crc.compressed_size, p.crc.uncompressed_size);
                share(k.k.size, u64::from(n), u64::from(d)).ok_or(Refused)?
            };
            if !self.pointer(p.ptr, sectors, holds)? {
                continue;
            }
            if p.ptr.cached() {
                self.add_replicas((DataType::CACHED.0, 1, vec![p.ptr.dev()]), sectors);
            } else if p.has_ec {
                self.in_stripe(&p, sectors, k.k.size)?;
                required = 0;
            } else {
                devs.push(p.ptr.dev());
                sum += sectors;
            }
        }
        if !devs.is_empty() {
            devs.sort_unstable();
            self.add_replicas((holds.0, required, devs), sum);
        }
        Ok(())
    }

    fn stripe(&mut self, k: KeyRef<'_>) -> Result<(), Refused> {
        let h = stripe_key::head(k.v).ok_or(Refused)?;
        let ptrs: Vec<ExtentPtr> = k.pointers().collect();
        let mut s = Stripe::ZERO;
        s.sectors = h.sectors.get();
        s.algorithm = h.algorithm;
        s.nr_blocks = h.nr_blocks;
        s.nr_redundant = h.nr_redundant;
        s.set_alive(true);
        let mut devs: Vec<u8> = ptrs.iter().map(|p| p.dev()).collect();
        devs.sort_unstable();
        s.r.e.data_type = DataType::USER;
        s.r.e.nr_devs = h.nr_blocks;
        s.r.e.nr_required = h.nr_blocks.wrapping_sub(h.nr_redundant);
        for (to, dev) in s.r.pad.iter_mut().zip(&devs) {
            *to = *dev;
        }
        self.sum.needed.insert((DataType::USER.0, s.r.e.nr_required, devs));
        self.sum.stripes.insert({ k.k.p }.offset, s);
        for ptr in ptrs {
            self.bucket(ptr)?.stripe = true;
        }
        Ok(())
    }

    fn key(&mut self, key: &Key) -> Result<(), Refused> {
        let k = key.get();
        let version = { k.k.version }.lo;
        self.sum.key_version = self.sum.key_version.max(version);
        for ptr in k.pointers() {
            if let Ok(b) = self.bucket(ptr) {
                if newer(b.oldest_gen, ptr.gen_()) {
                    b.oldest_gen = ptr.gen_();
                }
            }
            if ptr.cached() {
                self.sum.needed.insert((DataType::CACHED.0, 1, vec![ptr.dev()]));
            }
        }
        match k.k.type_ {
            KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2 => self.extent(k, DataType::BTREE),
            KeyType::EXTENT | KeyType::REFLINK_V => self.extent(k, DataType::USER),
            KeyType::STRIPE => self.stripe(k),
            KeyType::INODE => {
                self.count(6, 1);
                Ok(())
            }
            KeyType::RESERVATION => {
                let [_, _, _, _, n, ..] = k.v.first().ok_or(Refused)?.to_le_bytes();
                let sectors = u64::from(k.k.size) * u64::from(n);
                self.count(5, sectors);
                self.count(7 + usize::from(n.clamp(1, 4)) - 1, sectors);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, word: usize, add: u64) {
        if let Some(w) = self.sum.words.get_mut(word) {
            *w += add;
        }
    }

    /// What the allocator holds.
    fn allocator(&mut self) {
        for dev in self.model.members() {
            let held: Vec<u64> = crate::sync::lock(&dev.fifos).iter().flatten().copied().collect();
            let Some(all) = self.sum.buckets.get_mut(&dev.idx()) else { continue };
            for b in held {
                if let Some(b) = usize::try_from(b).ok().and_then(|b| all.get_mut(b)) {
                    b.owned = true;
                }
            }
        }
        for i in 1..1024 {
            if let Some(ptr) = self.model.open.get(i) {
                if let Ok(b) = self.bucket(ptr) {
                    b.owned = true;
                }
            }
        }
    }
}

impl Recount {
    /// Counts all references of a model.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let mut counter = Counter { model, sum: Self::default() };
        let keys: Vec<(u8, Key)> = ORDER.iter().flat_map(|id| model.keys(*id)).collect();
        counter.start();
        counter.generations(&keys);
        counter.metadata();
        for (_, key) in &keys {
            if counter.key(key).is_err() {
                counter.sum.refused += 1;
            }
        }
        for s in counter.sum.stripes.values_mut() {
            let nonempty = s.block_sectors.iter().filter(|n| **n != 0).count();
            s.blocks_nonempty = u8::try_from(nonempty).unwrap_or(u8::MAX);
        }
        counter.allocator();
        counter.sum
    }
}
