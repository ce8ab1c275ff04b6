// SPDX-License-Identifier: GPL-2.0-only
//! The writer of a whole file system.

use crate::buf::bytes_of;
use crate::count::{Bucket, Count, replicas_entry};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::journal::{Entry, clean, common};
use crate::key::Key;
use crate::node::{Encoder, NodeHead, Set};
use crate::rng::mix2;
use crate::space::{Space, journal_buckets};
use crate::spec::{Format, FsSpec, JournalKey};
use crate::superblock::{SB_OFFSETS, SB_SECTORS, State, encode, layout_sector};
use crate::tree::{NodeOut, Root, Tree};
use crate::value::{self, Stripe};
use gc_core::bkey::NodeFormat;
use gc_core::layout::{Bkey, Bpos, BtreeId, DataType, ExtentPtr, KeyType};
use std::collections::BTreeMap;
use std::path::Path;

/// Alloc keys that a journal takes at most.
const ALLOC_IN_JOURNAL_MAX: usize = 16;

/// Writes a file system: keys of one btree after the other, in order of position.
///
/// The stripes and alloc btrees are made by [`Self::finish`]; so are btrees that
/// got no keys.
#[derive(Debug)]
pub struct ImageWriter {
    spec: FsSpec,
    space: Space,
    count: Count,
    devices: Vec<Device>,
    encoder: Encoder,
    roots: BTreeMap<u8, Root>,
    /// What the journal has of each place, newest.
    overlay: BTreeMap<(u8, u8, Bpos), JournalKey>,
    features: u64,
    nodes: u64,
}

/// What was written.
#[derive(Debug)]
pub struct Summary {
    /// Nodes of all btrees.
    pub nodes: u64,
    /// Alloc keys.
    pub alloc_keys: u64,
    /// What everything must add up to.
    pub count: Count,
}

/// Counts nodes without writing them.
struct Dry {
    room: [u64; 2],
    replicas: u8,
    nodes: u64,
    blacklisted: Option<u64>,
    step: u64,
}

impl NodeOut for Dry {
    fn place(&mut self) -> Result<Vec<ExtentPtr>> {
        self.nodes += 1;
        Ok(vec![ExtentPtr::new(0, 0, 0); usize::from(self.replicas)])
    }

    fn write(
        &mut self,
        _: &NodeHead,
        _: &NodeFormat,
        _: &[Set<'_>],
        _: &[ExtentPtr],
    ) -> Result<u16> {
        Ok(0)
    }

    fn count(&mut self, _: BtreeId, _: u8, _: &Bkey, _: &[u64]) {}

    fn room(&self, sets: u32) -> u64 {
        let [first, ..] = self.room;
        first.saturating_sub(u64::from(sets.saturating_sub(1)) * self.step)
    }

    fn blacklisted(&self) -> Option<u64> {
        self.blacklisted
    }

    fn journal_seq(&self) -> u64 {
        0
    }
}

impl NodeOut for ImageWriter {
    fn place(&mut self) -> Result<Vec<ExtentPtr>> {
        self.space.node(self.spec.btree_node_size, self.spec.meta_replicas)
    }

    fn write(
        &mut self,
        head: &NodeHead,
        format: &NodeFormat,
        sets: &[Set<'_>],
        ptrs: &[ExtentPtr],
    ) -> Result<u16> {
        let bytes = self.encoder.node(head, format, sets)?;
        for p in ptrs {
            self.device(p.dev())?.write(p.offset(), &bytes)?;
        }
        self.nodes += 1;
        u16::try_from(bytes.len() / 512).map_err(|_| Error::Spec("node too large"))
    }

    fn count(&mut self, btree: BtreeId, level: u8, k: &Bkey, v: &[u64]) {
        if !self.overlay.contains_key(&(btree.0, level, k.p)) {
            self.count.key(btree, level, k, v);
        }
    }

    fn room(&self, sets: u32) -> u64 {
        self.encoder.room(sets)
    }

    fn blacklisted(&self) -> Option<u64> {
        self.spec.blacklist.first().map(|(start, _)| *start)
    }

    fn journal_seq(&self) -> u64 {
        0
    }
}

impl ImageWriter {
    /// Makes the files; what is at `paths` is lost.
    ///
    /// # Errors
    /// A description that cannot be; the system's.
    pub fn create(spec: FsSpec, paths: &[impl AsRef<Path>]) -> Result<Self> {
        if paths.len() != spec.devices.len() || paths.is_empty() {
            return Err(Error::Spec("as many paths as devices"));
        }
        if spec.journal_seq == 0 {
            return Err(Error::Spec("journal sequence 0"));
        }
        let space = Space::new(&spec)?;
        let mut devices = Vec::new();
        for (d, path) in spec.devices.iter().zip(paths) {
            let sectors = d.nbuckets.checked_mul(u64::from(d.bucket_size));
            devices.push(Device::create(
                path.as_ref(),
                sectors.ok_or(Error::Spec("device too large"))?,
            )?);
        }
        let sizes = spec.devices.iter().map(|d| d.bucket_size).collect();
        let mut count = Count::new(sizes, spec.btree_node_size);
        let encoder = Encoder {
            magic_seed: spec.magic_seed(),
            csum: spec.meta_csum_type(),
            key: spec.encryption.map(gc_disk::checksum::Key::new),
            block: bytes_of(u64::from(spec.block_size)),
            node: bytes_of(u64::from(spec.btree_node_size)),
        };
        for (dev, d) in (0_u8..).zip(&spec.devices) {
            for (start, end) in
                [(0, 8)].into_iter().chain(SB_OFFSETS.iter().map(|&o| (o, o + SB_SECTORS)))
            {
                count.metadata(dev, start, end, DataType::SB);
            }
            let size = u64::from(d.bucket_size);
            for b in journal_buckets(d) {
                count.metadata(dev, b * size, (b + 1) * size, DataType::JOURNAL);
            }
        }
        let (roots, overlay) = (BTreeMap::new(), BTreeMap::new());
        let mut new =
            Self { spec, space, count, devices, encoder, roots, overlay, features: 0, nodes: 0 };
        new.touch_metadata();
        let journal = core::mem::take(&mut new.spec.journal);
        new.journal(journal);
        Ok(new)
    }

    /// Adds journal entries with these keys, before any btree gets keys: what the
    /// journal has, newest last, counts instead of what the btree has there.
    pub fn journal(&mut self, sets: Vec<Vec<JournalKey>>) {
        for k in sets.iter().flatten() {
            self.overlay.insert((k.btree.0, k.level, k.key.k.p), k.clone());
        }
        self.spec.journal.extend(sets);
    }

    /// Superblock and journal buckets have generations too.
    fn touch_metadata(&mut self) {
        let all: Vec<_> = self.count.buckets().map(|(d, b, _)| (d, b)).collect();
        for (dev, bucket) in all {
            let gen_ = self.space.gen_of(dev, bucket);
            self.count.touch(dev, bucket, gen_);
        }
    }

    fn device(&self, dev: u8) -> Result<&Device> {
        self.devices.get(usize::from(dev)).ok_or(Error::Spec("no such device"))
    }

    /// The description.
    #[must_use]
    pub const fn spec(&self) -> &FsSpec {
        &self.spec
    }

    /// Free space, to take sectors for data from.
    pub const fn space(&mut self) -> &mut Space {
        &mut self.space
    }

    /// What was counted so far.
    #[must_use]
    pub const fn counted(&self) -> &Count {
        &self.count
    }

    /// What was counted so far, to be changed: buckets nobody points to, usage that
    /// is wrong on purpose.
    pub const fn counted_mut(&mut self) -> &mut Count {
        &mut self.count
    }

    /// Sets feature bits.
    pub const fn add_features(&mut self, bits: u64) {
        self.features |= bits;
    }

    /// Registers a stripe, before the extents that lie in it.
    pub fn stripe(&mut self, s: Stripe) {
        self.features |= 1 << 4;
        self.count.stripe(s);
    }

    /// An empty btree, to be filled and given to [`Self::finish_tree`].
    #[must_use]
    pub fn tree(&self, btree: BtreeId) -> Tree {
        let s = &self.spec;
        let mut nodes = s.nodes;
        if btree == BtreeId::ALLOC {
            // Each of its nodes asks for keys in it; it must hold more than that.
            nodes.leaf_keys = nodes.leaf_keys.max(8 * usize::from(s.meta_replicas));
        }
        Tree::new(btree, nodes, s.btree_node_size, s.seed, s.blacklisted_bsets)
    }

    /// Adds a key to a btree.
    ///
    /// # Errors
    /// Out of order, no room, the system's.
    pub fn push(&mut self, tree: &mut Tree, key: &Key) -> Result<()> {
        tree.push(self, &key.k, &key.v)
    }

    /// Ends a btree.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish_tree(&mut self, tree: Tree) -> Result<()> {
        let btree = tree.btree();
        let root = tree.finish(self)?;
        self.roots.insert(btree.0, root);
        Ok(())
    }

    /// A btree from keys in any order.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn btree(&mut self, btree: BtreeId, mut keys: Vec<Key>) -> Result<()> {
        keys.sort_by_key(|k| k.k.p);
        let mut t = self.tree(btree);
        for k in &keys {
            self.push(&mut t, k)?;
        }
        self.finish_tree(t)
    }

    /// Writes what is left: other btrees, journal, superblocks.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(mut self) -> Result<Summary> {
        let overlay: Vec<_> = self.overlay.values().cloned().collect();
        for k in overlay.iter().filter(|k| k.key.k.type_ != KeyType::DELETED) {
            self.count.key(k.btree, k.level, &k.key.k, &k.key.v);
        }
        if !self.roots.contains_key(&BtreeId::EC.0) {
            let keys = self.count.stripes.values().map(|(s, used)| s.to_key(used)).collect();
            self.btree(BtreeId::EC, keys)?;
        }
        for id in 0..BtreeId::NR.0 {
            if id != BtreeId::ALLOC.0 && !self.roots.contains_key(&id) {
                self.btree(BtreeId(id), Vec::new())?;
            }
        }
        let journalled = self.alloc_btree()?;
        let alloc_keys = crate::buf::number(self.count.buckets().count());
        let roots: Vec<_> = self.roots.iter().map(|(id, r)| (*id, r.clone())).collect();
        let journal_devs = self.spec.journal_devs.clone();
        let journal = replicas_entry(DataType::JOURNAL, 1, &journal_devs);
        self.count.replicas.entry(journal).or_default();
        let mut tail = Vec::new();
        common(&mut tail, &self.count, &roots)?;
        let last = self.write_journal(&tail, journalled)?;
        self.write_superblocks(&tail, last)?;
        Ok(Summary { nodes: self.nodes, alloc_keys, count: self.count })
    }

    fn alloc_key(dev: u8, bucket: u64, b: &Bucket) -> Key {
        value::alloc(dev, bucket, &Count::alloc_fields(b))
    }

    /// The alloc btree describes the buckets of its own nodes: room for them is
    /// taken until their number no longer changes.
    fn alloc_btree(&mut self) -> Result<Vec<JournalKey>> {
        let mut slots: Vec<Vec<ExtentPtr>> = Vec::new();
        for _ in 0..64 {
            let (room, step) = (self.room(1), self.room(1) - self.room(2));
            let mut dry = Dry {
                room: [room; 2],
                replicas: self.spec.meta_replicas,
                nodes: 0,
                blacklisted: self.blacklisted(),
                step,
            };
            let mut t = self.tree(BtreeId::ALLOC);
            for (dev, bucket, b) in self.count.buckets() {
                let k = Self::alloc_key(dev, bucket, b);
                t.push(&mut dry, &k.k, &k.v)?;
            }
            t.finish(&mut dry)?;
            let want = usize::try_from(dry.nodes).map_err(|_| Error::Spec("alloc btree"))?;
            if want == slots.len() {
                return self.write_alloc(slots);
            }
            if want < slots.len() {
                // Keys of fixed length: more of them never take fewer nodes.
                self.spec.nodes.format = Format::Current;
                continue;
            }
            while slots.len() < want {
                let ptrs = self.place()?;
                // Counted as the node that will lie there.
                let v = ptrs.iter().map(|p| p.0).collect();
                let k = Key::new(KeyType::BTREE_PTR, Bpos::default(), 0, v);
                self.count.key(BtreeId::ALLOC, 1, &k.k, &k.v);
                slots.push(ptrs);
            }
        }
        Err(Error::Spec("alloc btree does not settle"))
    }

    fn write_alloc(&mut self, slots: Vec<Vec<ExtentPtr>>) -> Result<Vec<JournalKey>> {
        let mut out = Placed { slots: slots.into_iter(), writer: self };
        let mut t = out.writer.tree(BtreeId::ALLOC);
        let every = u64::from(out.writer.spec.alloc_in_journal);
        let mut journalled = Vec::new();
        // The count must not change while it is written.
        let count = core::mem::take(&mut out.writer.count);
        for (dev, bucket, b) in count.buckets() {
            let right = Self::alloc_key(dev, bucket, b);
            let chosen = every != 0
                && journalled.len() < ALLOC_IN_JOURNAL_MAX
                && mix2(out.writer.spec.seed, bucket) % every == 0;
            if chosen {
                let wrong = Bucket { dirty: b.dirty / 2, gen_: b.gen_.wrapping_sub(1), ..*b };
                // As many words as the right one, so that nodes stay as planned.
                let wrong = Self::alloc_key(dev, bucket, &wrong);
                let wrong = if wrong.v.len() == right.v.len() { wrong } else { right.clone() };
                t.push(&mut out, &wrong.k, &wrong.v)?;
                let key = JournalKey { btree: BtreeId::ALLOC, level: 0, key: right };
                journalled.push(key);
            } else {
                t.push(&mut out, &right.k, &right.v)?;
            }
        }
        let root = t.finish(&mut out)?;
        self.count = count;
        self.roots.insert(BtreeId::ALLOC.0, root);
        Ok(journalled)
    }

    fn write_journal(&mut self, tail: &[u8], alloc: Vec<JournalKey>) -> Result<u64> {
        let mut sets = core::mem::take(&mut self.spec.journal);
        if sets.is_empty() || !alloc.is_empty() {
            sets.push(alloc);
        }
        let first = self.spec.journal_seq;
        let nr = crate::buf::number(sets.len());
        let last = first + nr - 1;
        let mut encoded = Vec::new();
        for (seq, keys) in (first..).zip(&sets) {
            let entry = Entry {
                magic_seed: self.spec.magic_seed(),
                csum: self.encoder.csum,
                key: self.encoder.key.as_ref(),
                seq,
                last_seq: if self.spec.clean { seq } else { first },
                keys,
                blacklist: &[],
                tail: if seq == last { tail } else { &[] },
                block: self.encoder.block,
            };
            encoded.push(entry.encode()?);
        }
        for dev in self.spec.journal_devs.clone() {
            let d = self.spec.devices.get(usize::from(dev)).ok_or(Error::Spec("journal device"))?;
            let (buckets, size) = (journal_buckets(d), u64::from(d.bucket_size));
            let (mut bucket, mut at) = (0_usize, 0_u64);
            for e in &encoded {
                let sectors = crate::buf::number(e.len() / 512);
                if at + sectors > size {
                    (bucket, at) = (bucket + 1, 0);
                }
                let b = buckets.get(bucket).filter(|_| sectors <= size);
                let b = b.ok_or(Error::Spec("journal full"))?;
                self.device(dev)?.write(b * size + at, e)?;
                at += sectors;
            }
        }
        Ok(last)
    }

    fn write_superblocks(&mut self, tail: &[u8], last_seq: u64) -> Result<()> {
        let clean = self.spec.clean.then(|| clean(last_seq, tail));
        let replicas = self.count.replicas.keys().cloned().collect();
        let state = State { replicas, clean, features: self.features };
        for (i, d) in self.devices.iter().enumerate() {
            d.write(7, &layout_sector())?;
            for offset in SB_OFFSETS {
                d.write(offset, &encode(&self.spec, &state, i, offset)?)?;
            }
        }
        Ok(())
    }
}

/// Nodes of the alloc btree go where room was taken; nothing is counted again.
struct Placed<'a> {
    slots: std::vec::IntoIter<Vec<ExtentPtr>>,
    writer: &'a mut ImageWriter,
}

impl NodeOut for Placed<'_> {
    fn place(&mut self) -> Result<Vec<ExtentPtr>> {
        self.slots.next().ok_or(Error::Spec("alloc btree does not settle"))
    }

    fn write(
        &mut self,
        head: &NodeHead,
        format: &NodeFormat,
        sets: &[Set<'_>],
        ptrs: &[ExtentPtr],
    ) -> Result<u16> {
        self.writer.write(head, format, sets, ptrs)
    }

    fn count(&mut self, _: BtreeId, _: u8, _: &Bkey, _: &[u64]) {}

    fn room(&self, sets: u32) -> u64 {
        self.writer.room(sets)
    }

    fn blacklisted(&self) -> Option<u64> {
        self.writer.blacklisted()
    }

    fn journal_seq(&self) -> u64 {
        self.writer.journal_seq()
    }
}
