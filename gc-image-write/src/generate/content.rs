// SPDX-License-Identifier: GPL-2.0-only
//! What a random file system holds: a tree of directories with files of every
//! kind of extent, and keys that only mean something to the count.

use super::journal::{Journalled, split};
use crate::error::Result;
use crate::key::Key;
use crate::rng::Rng;
use crate::value::{
    self, Crc, Entry, FIELD_NLINK, FIELD_SECTORS, FIELD_SIZE, Inode, S_IFDIR, S_IFLNK, S_IFREG,
    Stripe,
};
use crate::writer::ImageWriter;
use gc_core::layout::{Bpos, BtreeId, CsumType, ExtentPtr, KeyType};
use std::collections::BTreeMap;

/// Words that a value may have: the length of its key, with it, is a byte.
const VALUE_MAX: usize = 250;

/// Number of the root.
const ROOT: u64 = 4096;

/// How much there is: the numbers stay below these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) files: u64,
    /// Of each file.
    pub(super) extents: u64,
    pub(super) shared: u64,
    /// Attributes, quotas.
    pub(super) others: u64,
    /// Buckets of each device that were in use once.
    pub(super) used_once: u64,
}

/// What fills a hundred nodes or so.
pub(super) const USUAL: Amount =
    Amount { files: 50, extents: 12, shared: 12, others: 30, used_once: 20 };
/// What fits a small image.
pub(super) const LITTLE: Amount =
    Amount { files: 8, extents: 5, shared: 4, others: 5, used_once: 4 };

/// Keys of each btree by position.
#[derive(Debug, Default)]
struct Trees(BTreeMap<u8, BTreeMap<Bpos, Key>>);

impl Trees {
    /// Adds a key; `false` if its place is taken.
    fn add(&mut self, btree: BtreeId, key: Key) -> bool {
        let keys = self.0.entry(btree.0).or_default();
        let free = !keys.contains_key(&key.k.p);
        if free {
            keys.insert(key.k.p, key);
        }
        free
    }
}

/// A stripe with what is used of each of its blocks.
struct Open {
    stripe: Stripe,
    used: Vec<u32>,
}

struct Filler<'a> {
    w: &'a mut ImageWriter,
    rng: &'a mut Rng,
    trees: Trees,
    inodes: BTreeMap<u64, Inode>,
    stripes: Vec<Open>,
    version: u64,
    reflink_end: u64,
    names: u64,
    amount: Amount,
}

fn narrow(v: u64) -> u32 {
    u32::try_from(v).unwrap_or(u32::MAX)
}

/// Fills a file system and ends its btrees.
pub(super) fn fill(w: &mut ImageWriter, rng: &mut Rng, amount: Amount) -> Result<()> {
    let mut f = Filler {
        w,
        rng,
        trees: Trees::default(),
        inodes: BTreeMap::new(),
        stripes: Vec::new(),
        version: 0,
        reflink_end: 0,
        names: 0,
        amount,
    };
    f.directories();
    f.stripes()?;
    f.shared()?;
    f.files()?;
    f.others();
    let inodes: Vec<Key> = f.inodes.values().map(Inode::to_key).collect();
    for k in inodes {
        f.trees.add(BtreeId::INODES, k);
    }
    let Filler { w, rng, trees, .. } = f;
    let mut trees = trees.0;
    if !w.spec().clean {
        let Journalled { sets } = split(&mut trees, rng, w.spec());
        w.journal(sets);
    }
    for (id, keys) in trees {
        w.btree(BtreeId(id), keys.into_values().collect())?;
    }
    Ok(())
}

impl Filler<'_> {
    fn some(&mut self, lo: u64, hi: u64) -> u32 {
        narrow(self.rng.range(lo, hi))
    }

    fn inode(&mut self, inum: u64, mode: u16) -> Inode {
        let mut i = Inode {
            inum,
            hash_seed: self.rng.next_u64(),
            hash_type: u8::from(self.rng.one_in(2)),
            mode,
            ..Inode::default()
        };
        for field in [0, 1, 2, 3, 6, 7, 9] {
            let bits = self.rng.range(0, 31);
            i = i.with(field, self.rng.below(1 << bits));
        }
        i
    }

    /// Links a name to an inode; counts the subdirectory.
    fn link(&mut self, dir: u64, target: u64, mode: u16) -> bool {
        self.names += 1;
        let long = usize::try_from(self.rng.below(40)).unwrap_or(0);
        let name = match target {
            4097 => "lost+found".to_string(),
            _ => format!("n{}{}", self.names, "x".repeat(long)),
        };
        let Some(&d) = self.inodes.get(&dir) else { return false };
        let at = value::dirent_offset(&d, name.as_bytes());
        let key = value::dirent(dir, at, name.as_bytes(), target, mode);
        if !self.trees.add(BtreeId::DIRENTS, key) {
            return false;
        }
        if mode & 0o170_000 == S_IFDIR {
            self.inodes.insert(dir, d.with(FIELD_NLINK, d.field(FIELD_NLINK) + 1));
        }
        true
    }

    fn directories(&mut self) {
        let nr = self.rng.range(2, 6);
        for inum in ROOT..ROOT + nr {
            let i = self.inode(inum, S_IFDIR | 0o755);
            self.inodes.insert(inum, i);
            if inum != ROOT {
                let parent = if inum == ROOT + 1 { ROOT } else { self.rng.range(ROOT, inum - 1) };
                if !self.link(parent, inum, i.mode) {
                    self.inodes.remove(&inum);
                }
            }
        }
    }

    fn stripes(&mut self) -> Result<()> {
        let nr_devices = self.w.spec().devices.len();
        if nr_devices < 2 || !self.rng.one_in(2) {
            return Ok(());
        }
        let nr = self.rng.range(1, 4);
        for n in 0..nr {
            let smallest = self.w.spec().devices.iter().map(|d| d.bucket_size).min();
            let sectors = smallest.unwrap_or(16) / 2;
            let mut ptrs = Vec::new();
            for dev in 0..u8::try_from(nr_devices).unwrap_or(0) {
                let bucket = self.w.space().bucket(dev)?;
                let size = self.bucket_size(dev);
                let gen_ = self.w.space().gen_of(dev, bucket);
                ptrs.push(ExtentPtr::new(dev, bucket * size, gen_));
            }
            let csum = [CsumType::NONE, CsumType::CRC32C, CsumType::CRC64];
            let mut stripe = Stripe {
                idx: 1 + n * self.rng.range(1, 3),
                sectors,
                nr_redundant: 1,
                granularity_bits: 3,
                csum_type: self.rng.pick(&csum).copied().unwrap_or_default(),
                ptrs,
            };
            if self.stripes.iter().any(|s| s.stripe.idx == stripe.idx) {
                continue;
            }
            // So few checksums that key and value have a length.
            while stripe.to_key(&[]).v.len() > VALUE_MAX {
                stripe.granularity_bits += 1;
            }
            self.w.stripe(stripe.clone());
            self.stripes.push(Open { used: vec![0; nr_devices], stripe });
        }
        Ok(())
    }

    fn bucket_size(&self, dev: u8) -> u64 {
        self.w.spec().devices.get(usize::from(dev)).map_or(1, |d| u64::from(d.bucket_size))
    }

    /// A cached pointer to a bucket that was reused since.
    fn stale(&mut self, dev: u8) -> Result<ExtentPtr> {
        let bucket = self.w.space().bucket(dev)?;
        let gen_ = self.w.space().gen_of(dev, bucket);
        let newer = gen_.wrapping_add(crate::buf::low8(self.rng.range(1, 60)));
        self.w.counted_mut().touch(dev, bucket, newer);
        let at = bucket * self.bucket_size(dev);
        Ok(ExtentPtr::new(dev, at, gen_).with_cached(true))
    }

    /// How a piece of `size` sectors lies on disk.
    fn crc(&mut self, size: u32) -> (u32, Option<Entry>) {
        let kind = self.rng.below(8);
        let more = self.some(0, 20);
        let uncompressed = size + more;
        let compress = self.rng.one_in(2) && uncompressed > 1;
        let compressed =
            if compress { self.some(1, u64::from(uncompressed) - 1) } else { uncompressed };
        let encrypted = match (self.w.spec().encryption, self.w.spec().wide_macs) {
            (None, _) => None,
            (Some(_), false) => Some(CsumType::CHACHA20_POLY1305_80),
            (Some(_), true) => Some(CsumType::CHACHA20_POLY1305_128),
        };
        let mut c = Crc {
            compressed,
            uncompressed,
            offset: u16::try_from(self.rng.below(u64::from(more) + 1)).unwrap_or(0),
            nonce: 0,
            csum_type: CsumType(crate::buf::low8(self.rng.below(3))),
            compression: if compress { crate::buf::low8(self.rng.range(1, 4)) } else { 0 },
        };
        match kind {
            0 if uncompressed <= 128 => (compressed, Some(Entry::Crc32(c))),
            1 => {
                c.nonce = u16::try_from(self.rng.below(1 << 10)).unwrap_or(0);
                c.csum_type = encrypted.filter(|t| t.0 == 3).unwrap_or(c.csum_type);
                (compressed, Some(Entry::Crc64(c)))
            }
            2 => {
                c.nonce = u16::try_from(self.rng.below(1 << 13)).unwrap_or(0);
                c.csum_type = encrypted.unwrap_or(c.csum_type);
                (compressed, Some(Entry::Crc128(c)))
            }
            _ => (size, None),
        }
    }

    /// Entries of an extent: one to all of the devices, each at most once.
    fn pointers(&mut self, size: u32) -> Result<Vec<Entry>> {
        let nr_devices = crate::buf::number(self.w.spec().devices.len());
        let smallest = self.w.spec().devices.iter().map(|d| d.bucket_size).min().unwrap_or(16);
        let (on_disk, crc) = match self.crc(size) {
            (n, _) if n > u32::from(smallest) => (size, None),
            fits => fits,
        };
        let mut out: Vec<Entry> = crc.into_iter().collect();
        let first = self.rng.below(nr_devices);
        let nr = self.rng.range(1, nr_devices);
        for i in 0..nr {
            let dev = crate::buf::low8((first + i) % nr_devices);
            if i > 0 && self.rng.one_in(6) {
                out.push(Entry::Ptr(self.stale(dev)?));
                continue;
            }
            let in_stripe = self.stripes.iter_mut().find_map(|s| {
                let used = s.used.get_mut(usize::from(dev))?;
                let block = s.stripe.ptrs.get(usize::from(dev))?;
                let parity = usize::from(dev) + 1 == s.stripe.ptrs.len();
                let room = *used + on_disk <= u32::from(s.stripe.sectors);
                (room && !parity).then(|| {
                    let at = block.offset() + u64::from(*used);
                    *used += on_disk;
                    (s.stripe.idx, block.with_offset(at))
                })
            });
            if let (Some((idx, ptr)), true) = (in_stripe, i == 0) {
                out.extend([Entry::Stripe(idx, dev), Entry::Ptr(ptr)]);
                continue;
            }
            let cached = i > 0 && self.rng.one_in(5);
            out.push(Entry::Ptr(self.w.space().data(dev, on_disk)?.with_cached(cached)));
        }
        // An extent has at least one pointer.
        if !out.iter().any(|e| matches!(e, Entry::Ptr(_))) {
            out.push(Entry::Ptr(self.stale(crate::buf::low8(first))?));
        }
        Ok(out)
    }

    fn versioned(&mut self, key: Key) -> Key {
        if self.rng.one_in(4) {
            self.version += 1;
            return key.with_version(self.version);
        }
        key
    }

    fn shared(&mut self) -> Result<()> {
        let nr = self.rng.below(self.amount.shared);
        for _ in 0..nr {
            let size = self.some(1, 12);
            let list = self.pointers(size)?;
            self.reflink_end += u64::from(size) + self.rng.below(3);
            let end = Bpos::new(0, self.reflink_end.max(u64::from(size)));
            self.reflink_end = end.offset;
            self.trees.add(BtreeId::REFLINK, value::reflink_v(end, size, 1, &list));
        }
        if nr > 0 {
            self.w.add_features(1 << 6);
        }
        Ok(())
    }

    fn files(&mut self) -> Result<()> {
        let nr = self.rng.below(self.amount.files);
        for inum in ROOT + 100..ROOT + 100 + nr {
            let kind = if self.rng.one_in(8) { S_IFLNK } else { S_IFREG };
            let mut i = self.inode(inum, kind | 0o644);
            let links = self.rng.range(1, 3);
            let mut linked = 0;
            for _ in 0..links {
                let dirs: Vec<u64> = self
                    .inodes
                    .values()
                    .filter(|i| i.mode & S_IFDIR != 0)
                    .map(|i| i.inum)
                    .collect();
                let dir = self.rng.pick(&dirs).copied().unwrap_or(ROOT);
                linked += u64::from(self.link(dir, inum, i.mode));
            }
            if linked == 0 {
                continue;
            }
            i = i.with(FIELD_NLINK, linked - 1);
            let (sectors, end) = self.extents(inum)?;
            let extra = self.rng.below(5000);
            i = i.with(FIELD_SIZE, end * 512 + extra).with(FIELD_SECTORS, sectors);
            self.inodes.insert(inum, i);
        }
        Ok(())
    }

    /// Sectors and end of a file's extents.
    fn extents(&mut self, inum: u64) -> Result<(u64, u64)> {
        let (mut sum, mut end) = (0, 0);
        let nr = self.rng.below(self.amount.extents);
        for _ in 0..nr {
            let size = self.some(1, 15);
            end += u64::from(size) + if self.rng.one_in(3) { self.rng.below(5000) } else { 0 };
            let p = Bpos::new(inum, end);
            let key = match self.rng.below(12) {
                0 => value::reservation(p, size, crate::buf::low8(self.rng.range(1, 4))),
                1 => {
                    self.w.add_features(1 << 8);
                    value::inline_data(p, size, b"data in the key")
                }
                2 if self.reflink_end > 0 => {
                    let idx = self.rng.below(self.reflink_end);
                    value::reflink_p(p, size, idx)
                }
                3 => Key::new(KeyType::ERROR, p, size, Vec::new()),
                _ => value::extent(p, size, &self.pointers(size)?),
            };
            if key.k.type_ != KeyType::ERROR {
                sum += u64::from(size);
            }
            let key = self.versioned(key);
            self.trees.add(BtreeId::EXTENTS, key);
        }
        Ok((sum, end))
    }

    fn others(&mut self) {
        let all: Vec<Inode> = self.inodes.values().copied().collect();
        let nr = self.rng.below(self.amount.others);
        for n in 0..nr {
            let Some(&i) = self.rng.pick(&all) else { return };
            let long = usize::try_from(self.rng.below(60)).unwrap_or(0);
            let kind = crate::buf::low8(self.rng.below(5));
            let name = format!("x{n}");
            let key = value::xattr(&i, kind, name.as_bytes(), &vec![0x55; long]);
            self.trees.add(BtreeId::XATTRS, key);
            let p = Bpos::new(i.inum, self.rng.next_u64());
            self.trees.add(BtreeId::XATTRS, value::cookie(p, n));
            let limits = core::array::from_fn(|_| self.rng.below(1 << 40));
            let id = self.rng.below(1000);
            self.trees.add(BtreeId::QUOTAS, value::quota(n % 3, id, limits));
        }
        for n in 0..self.rng.below(5) {
            let p = Bpos::new(0, ROOT + 1000 + n);
            let key = Key::new(KeyType::INODE_GENERATION, p, 0, vec![n]);
            self.trees.add(BtreeId::INODES, key);
        }
        // Buckets that were in use once.
        let devices = u8::try_from(self.w.spec().devices.len()).unwrap_or(0);
        for dev in 0..devices {
            for _ in 0..self.rng.below(self.amount.used_once) {
                let Ok(bucket) = self.w.space().bucket(dev) else { return };
                let gen_ = crate::buf::low8(self.rng.next_u64());
                self.w.counted_mut().touch(dev, bucket, gen_);
            }
        }
    }
}
