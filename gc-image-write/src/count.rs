// SPDX-License-Identifier: GPL-2.0-only
//! The naive count: what every bucket, the usage and every stripe must say, from
//! the keys alone (facts: docs/facts/marking.md). Written without the engine's
//! accounting, so that the two can be held against each other.

use crate::value::Stripe;
use gc_core::bkey::KeyRef;
use gc_core::bkey::alloc_key::AllocFields;
use gc_core::layout::{Bkey, BtreeId, DataType, ExtentPtrDecoded, KeyType};
use std::collections::BTreeMap;

/// Buckets kept together.
const PAGE: u64 = 64;

/// What is known of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Generation.
    pub gen_: u8,
    /// Type of what it holds.
    pub data_type: DataType,
    /// Sectors in use.
    pub dirty: u32,
    /// Sectors of cached copies.
    pub cached: u32,
    /// Whether anything was ever said about it: it gets an alloc key.
    pub touched: bool,
}

/// The count.
#[derive(Debug, Default)]
pub struct Count {
    pages: BTreeMap<(u8, u64), Box<[Bucket; 64]>>,
    bucket_sizes: Vec<u16>,
    node_sectors: u32,
    /// Sectors by replicas entry: type, number of devices, required, devices.
    pub replicas: BTreeMap<Vec<u8>, u64>,
    /// Sectors reserved, by replicas - 1.
    pub reserved: [u64; 4],
    /// Inodes.
    pub nr_inodes: u64,
    /// Highest version of a key.
    pub key_version: u64,
    /// Stripes by index, with the sectors in use of each block.
    pub stripes: BTreeMap<u64, (Stripe, Vec<u32>)>,
}

/// A replicas entry in the second form.
#[must_use]
pub fn replicas_entry(data_type: DataType, required: u8, devs: &[u8]) -> Vec<u8> {
    let mut devs = devs.to_vec();
    devs.sort_unstable();
    let mut out = vec![data_type.0, u8::try_from(devs.len()).unwrap_or(u8::MAX), required];
    out.append(&mut devs);
    out
}

impl Count {
    /// Nothing counted.
    #[must_use]
    pub fn new(bucket_sizes: Vec<u16>, node_sectors: u16) -> Self {
        Self { bucket_sizes, node_sectors: u32::from(node_sectors), ..Self::default() }
    }

    /// A bucket, to be changed.
    pub fn bucket_mut(&mut self, dev: u8, bucket: u64) -> Option<&mut Bucket> {
        let page = self.pages.entry((dev, bucket / PAGE)).or_default_page();
        page.get_mut(usize::try_from(bucket % PAGE).unwrap_or(0))
    }

    /// Says that a bucket exists with this generation, whatever it holds.
    pub fn touch(&mut self, dev: u8, bucket: u64, gen_: u8) {
        if let Some(b) = self.bucket_mut(dev, bucket) {
            b.touched = true;
            b.gen_ = gen_;
        }
    }

    /// Buckets with an alloc key, in order of the btree.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, u64, &Bucket)> {
        self.pages.iter().flat_map(|(&(dev, page), buckets)| {
            let number = move |i: usize| page * PAGE + u64::try_from(i).unwrap_or(0);
            buckets
                .iter()
                .enumerate()
                .filter(|(_, b)| b.touched)
                .map(move |(i, b)| (dev, number(i), b))
        })
    }

    /// What the alloc key of a bucket says.
    #[must_use]
    pub fn alloc_fields(b: &Bucket) -> AllocFields {
        AllocFields {
            gen_: b.gen_,
            data_type: b.data_type.0,
            dirty_sectors: u16::try_from(b.dirty).unwrap_or(u16::MAX),
            cached_sectors: u16::try_from(b.cached).unwrap_or(u16::MAX),
            oldest_gen: b.gen_,
            ..AllocFields::default()
        }
    }

    /// Sectors of superblock or journal.
    pub fn metadata(&mut self, dev: u8, start: u64, end: u64, data_type: DataType) {
        let Some(&size) = self.bucket_sizes.get(usize::from(dev)) else { return };
        let size = u64::from(size);
        let mut at = start;
        while at < end {
            let bucket = at / size;
            let stop = end.min((bucket + 1) * size);
            if let Some(b) = self.bucket_mut(dev, bucket) {
                b.touched = true;
                b.data_type = data_type;
                b.dirty += u32::try_from(stop - at).unwrap_or(0);
            }
            at = stop;
        }
    }

    fn add_replicas(&mut self, data_type: DataType, required: u8, devs: &[u8], sectors: u64) {
        if !devs.is_empty() {
            *self.replicas.entry(replicas_entry(data_type, required, devs)).or_default() += sectors;
        }
    }

    fn add_to_bucket(&mut self, p: &ExtentPtrDecoded, t: DataType, n: u32) -> Option<bool> {
        let (dev, gen_) = (p.ptr.dev(), p.ptr.gen_());
        let size = u64::from(*self.bucket_sizes.get(usize::from(dev))?);
        let b = self.bucket_mut(dev, p.ptr.offset().checked_div(size)?)?;
        if b.touched && p.ptr.cached() && b.gen_ != gen_ {
            return Some(false);
        }
        b.touched = true;
        b.gen_ = gen_;
        b.data_type = t;
        if p.ptr.cached() {
            b.cached += n;
        } else {
            b.dirty += n;
        }
        Some(true)
    }

    /// Counts a key at `level` of a btree. Pointers must be to buckets whose
    /// generation is theirs or, if cached, that were touched before.
    pub fn key(&mut self, btree: BtreeId, level: u8, k: &Bkey, v: &[u64]) {
        let lo = k.version.lo;
        self.key_version = self.key_version.max(lo);
        match k.type_ {
            KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2 => {
                self.pointers(k, v, DataType::BTREE);
            }
            KeyType::EXTENT | KeyType::REFLINK_V if level == 0 => {
                self.pointers(k, v, DataType::USER);
            }
            KeyType::RESERVATION => {
                let nr = v.first().map_or(0, |w| crate::buf::low8(w >> 32));
                let sectors = u64::from(k.size) * u64::from(nr);
                let slot = usize::from(nr.clamp(1, 4)) - 1;
                if let Some(r) = self.reserved.get_mut(slot) {
                    *r += sectors;
                }
            }
            KeyType::INODE if btree == BtreeId::INODES => self.nr_inodes += 1,
            _ => {}
        }
    }

    fn pointers(&mut self, k: &Bkey, v: &[u64], t: DataType) {
        let (mut devs, mut sum, mut required) = (Vec::new(), 0_u64, 1);
        for p in KeyRef::new(k, v).pointers_decoded() {
            let n = if t == DataType::BTREE {
                self.node_sectors
            } else {
                scale(k.size, p.crc.compressed_size, p.crc.uncompressed_size)
            };
            if self.add_to_bucket(&p, t, n) != Some(true) {
                // Stale: nothing is counted, but the entry is asked for.
                self.add_replicas(DataType::CACHED, 1, &[p.ptr.dev()], 0);
                continue;
            }
            if p.ptr.cached() {
                self.add_replicas(DataType::CACHED, 1, &[p.ptr.dev()], u64::from(n));
            } else if p.has_ec {
                required = 0;
                self.in_stripe(&p, k.size, n);
            } else {
                devs.push(p.ptr.dev());
                sum += u64::from(n);
            }
        }
        self.add_replicas(t, required, &devs, sum);
    }

    fn in_stripe(&mut self, p: &ExtentPtrDecoded, size: u32, n: u32) {
        let Some((s, used)) = self.stripes.get_mut(&p.ec.idx()) else { return };
        if let Some(u) = used.get_mut(usize::from(p.ec.block())) {
            *u += n;
        }
        let parity = u32::from(s.nr_redundant);
        let blocks = u32::try_from(s.ptrs.len()).unwrap_or(0) - parity;
        let extra = scale(size, p.crc.compressed_size * parity, p.crc.uncompressed_size * blocks);
        let entry = stripe_entry(s);
        *self.replicas.entry(entry).or_default() += u64::from(n) + u64::from(extra);
    }

    /// Registers a stripe: its buckets exist, its replicas entry does.
    pub fn stripe(&mut self, s: Stripe) {
        for p in &s.ptrs {
            if let Some(&size) = self.bucket_sizes.get(usize::from(p.dev())) {
                self.touch(p.dev(), p.offset() / u64::from(size.max(1)), p.gen_());
            }
        }
        self.replicas.entry(stripe_entry(&s)).or_default();
        let used = vec![0; s.ptrs.len()];
        self.stripes.insert(s.idx, (s, used));
    }
}

fn stripe_entry(s: &Stripe) -> Vec<u8> {
    let devs: Vec<u8> = s.ptrs.iter().map(|p| p.dev()).collect();
    let nr = u8::try_from(s.ptrs.len()).unwrap_or(u8::MAX);
    replicas_entry(DataType::USER, nr.saturating_sub(s.nr_redundant), &devs)
}

/// `size * on_disk / data`, rounded up.
fn scale(size: u32, on_disk: u32, data: u32) -> u32 {
    let n = (u64::from(size) * u64::from(on_disk)).div_ceil(u64::from(data.max(1)));
    u32::try_from(n).unwrap_or(u32::MAX)
}

trait DefaultPage<'a> {
    fn or_default_page(self) -> &'a mut Box<[Bucket; 64]>;
}

impl<'a> DefaultPage<'a> for std::collections::btree_map::Entry<'a, (u8, u64), Box<[Bucket; 64]>> {
    fn or_default_page(self) -> &'a mut Box<[Bucket; 64]> {
        self.or_insert_with(|| Box::new([Bucket::default(); 64]))
    }
}
