// SPDX-License-Identifier: GPL-2.0-only
//! Accounting once more, from docs/facts/marking.md alone, over plain
//! structures and wide integers. Slow, and meant to be obviously right.

use std::collections::BTreeMap;

/// An entry of a value, by its meaning.
#[derive(Debug, Clone, Copy)]
pub(crate) enum E {
    /// Device, sector, generation, cached.
    Ptr(u8, u64, u8, bool),
    /// Compressed and uncompressed size.
    Crc(u32, u32),
    /// Stripe and block.
    Ec(u64, u8),
}

/// A key, by its meaning.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    BtreePtr(Vec<E>),
    BtreePtrV2(Vec<E>),
    Extent(u32, Vec<E>),
    ReflinkV(u32, Vec<E>),
    Reservation(u32, u8),
    Inode,
    Stripe(StripeKey),
    Alloc(u64, u64, Alloc),
    Other(u8),
}

#[derive(Debug, Clone)]
pub(crate) struct StripeKey {
    pub(crate) idx: u64,
    pub(crate) sectors: u16,
    pub(crate) redundant: u8,
    pub(crate) ptrs: Vec<(u8, u64, u8)>,
    pub(crate) counts: Vec<u16>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Alloc {
    pub(crate) gen_: u8,
    pub(crate) data_type: u8,
    pub(crate) dirty: u16,
    pub(crate) cached: u16,
    pub(crate) oldest: u8,
    pub(crate) times: [u16; 2],
}

/// What happens to the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) offset: u32,
    pub(crate) sectors: i64,
    pub(crate) gc: bool,
    pub(crate) overwrite: bool,
    pub(crate) split: bool,
    pub(crate) alloc_read: bool,
    pub(crate) invalidate: bool,
    pub(crate) journal_seq: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) gen_: u8,
    pub(crate) data_type: u8,
    pub(crate) owned: bool,
    pub(crate) stripe: bool,
    pub(crate) dirty: u16,
    pub(crate) cached: u16,
    pub(crate) seq: Option<u16>,
    pub(crate) oldest: u8,
    pub(crate) valid: bool,
    pub(crate) times: [u16; 2],
}

#[derive(Debug, Clone)]
pub(crate) struct Dev {
    pub(crate) bucket_size: u16,
    pub(crate) first: u16,
    pub(crate) buckets: Vec<Bucket>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stripe {
    pub(crate) alive: bool,
    pub(crate) dirty: bool,
    pub(crate) sectors: u16,
    pub(crate) nr_blocks: u8,
    pub(crate) redundant: u8,
    pub(crate) nonempty: u8,
    pub(crate) blocks: [u16; 16],
    pub(crate) devs: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Naive {
    pub(crate) devs: BTreeMap<u8, Dev>,
    pub(crate) node_size: u16,
    /// Entries of the table with their sectors.
    pub(crate) table: BTreeMap<Vec<u8>, i128>,
    pub(crate) reserved: i128,
    pub(crate) by_replicas: [i128; 4],
    pub(crate) inodes: i128,
    pub(crate) stripes: BTreeMap<u64, Stripe>,
    /// First lines of what was reported.
    pub(crate) said: Vec<String>,
    /// How often a block that held data got more, and how often one was emptied.
    pub(crate) blocks_again: [u32; 2],
}

/// A mark stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// -EIO after a finding.
    Refused,
    NoStripe,
    StripeNotThere,
    /// The original aborts.
    Abort,
}

const NAMES: [&str; 6] = ["none", "sb", "journal", "btree", "data", "cached"];

fn name(t: u8) -> String {
    NAMES.get(usize::from(t)).map_or("(null)".into(), ToString::to_string)
}

fn ceil_div(a: i128, b: i128) -> i128 {
    if a % b == 0 { a / b } else { a / b + 1 }
}

fn on_disk(live: u32, c: &Change, n: i128, d: i128) -> Result<i128, Stop> {
    if n == 0 || d == 0 {
        return Err(Stop::Abort);
    }
    let part = |x: i128| ceil_div(x * n, d);
    let (live, offset, delta) = (i128::from(live), i128::from(c.offset), i128::from(c.sectors));
    if c.split {
        let after = live - (offset - delta);
        if after < 0 {
            return Err(Stop::Abort);
        }
        Ok(part(offset) + part(after) - part(live))
    } else if c.overwrite {
        if offset - delta > live {
            return Err(Stop::Abort);
        }
        Ok(part(live + delta) - part(live))
    } else {
        Ok(part(delta))
    }
}

/// b - a as the nearest signed step.
fn behind(bucket: u8, ptr: u8) -> i32 {
    let d = i32::from(bucket) - i32::from(ptr);
    if d > 127 {
        d - 256
    } else if d < -128 {
        d + 256
    } else {
        d
    }
}

impl Naive {
    fn count(&mut self, t: u8, required: u8, devs: &[u8], sectors: i128) {
        let mut devs = devs.to_vec();
        devs.sort_unstable();
        let mut e = vec![t, u8::try_from(devs.len()).unwrap(), required];
        e.extend(devs);
        if let Some(v) = self.table.get_mut(&e) {
            *v += sectors;
        }
    }

    fn bucket(&mut self, dev: u8, sector: u64) -> Result<(u64, &mut Bucket), Stop> {
        let d = self.devs.get_mut(&dev).ok_or(Stop::Abort)?;
        let b = sector / u64::from(d.bucket_size);
        if b < u64::from(d.first) || b >= d.buckets.len() as u64 {
            return Err(Stop::Abort);
        }
        Ok((b, &mut d.buckets[b as usize]))
    }

    fn pointer(
        &mut self,
        p: (u8, u64, u8, bool),
        n: i128,
        t: u8,
        c: &Change,
    ) -> Result<bool, Stop> {
        let (dev, sector, gen_, cached) = p;
        let (nr, g) = self.bucket(dev, sector)?;
        let was = *g;
        let holds = name(if g.data_type == 0 { t } else { g.data_type });
        let head = format!("bucket {dev}:{nr} gen {} data type {holds}", g.gen_);
        let away = behind(g.gen_, gen_);
        let text = if away < 0 && away > -128 {
            format!("{head}: ptr gen {gen_} newer than bucket gen")
        } else if !(0..96).contains(&away) {
            format!("{head}: ptr gen {gen_} too stale")
        } else if away != 0 && !cached {
            format!("{head}: stale dirty ptr (gen {gen_})")
        } else if away != 0 {
            return Ok(false);
        } else if g.data_type != 0 && g.data_type != t {
            let (got, want) = (name(g.data_type), name(t));
            format!(
                "bucket {dev}:{nr} gen {} different types of data in same bucket: {got}, {want}",
                g.gen_
            )
        } else {
            let field = if cached { &mut g.cached } else { &mut g.dirty };
            let sum = i128::from(*field) + n;
            if (0..=65535).contains(&sum) {
                *field = u16::try_from(sum).unwrap();
                g.data_type = if g.dirty == 0 && g.cached == 0 { 0 } else { t };
                let seq = c.journal_seq & 0xffff_ffff;
                if seq != 0 {
                    g.seq = Some((seq & 0xffff) as u16);
                }
                let free = |b: &Bucket| !b.owned && b.dirty == 0 && !b.stripe;
                return if !c.gc && free(&was) && !free(g) { Err(Stop::Abort) } else { Ok(true) };
            }
            let old = *field;
            format!("{head} sector count overflow: {old} + {n} > U16_MAX")
        };
        self.said.push(text);
        Err(Stop::Refused)
    }

    fn extent(&mut self, t: u8, size: u32, entries: &[E], c: &Change) -> Result<(), Stop> {
        if c.sectors == 0 {
            return Err(Stop::Abort);
        }
        let mut crc = (size, size);
        let mut ec = None;
        let mut required = 1;
        let (mut devs, mut sum) = (Vec::new(), 0);
        for e in entries {
            let p = match *e {
                E::Crc(n, d) => {
                    crc = (n, d);
                    continue;
                }
                E::Ec(idx, block) => {
                    ec = Some((idx, block));
                    continue;
                }
                E::Ptr(dev, sector, gen_, cached) => (dev, sector, gen_, cached),
            };
            let (n, d) = (i128::from(crc.0), i128::from(crc.1));
            let sectors = if t == 3 { i128::from(c.sectors) } else { on_disk(size, c, n, d)? };
            let counted = self.pointer(p, sectors, t, c)?;
            match (p.3, ec.take()) {
                (true, _) => {
                    if counted {
                        self.count(5, 1, &[p.0], sectors);
                    }
                }
                (false, None) => {
                    sum += sectors;
                    devs.push(p.0);
                }
                (false, Some((idx, block))) => {
                    let Some(s) = self.stripes.get_mut(&idx).filter(|s| s.alive) else {
                        self.said.push(format!("pointer to nonexistent stripe {idx}"));
                        return Err(Stop::NoStripe);
                    };
                    if t != 4 || block >= 16 {
                        return Err(Stop::Abort);
                    }
                    let used = &mut s.blocks[usize::from(block)];
                    let was = *used != 0;
                    *used = (i128::from(*used) + sectors).rem_euclid(65536) as u16;
                    let is = *used != 0;
                    s.nonempty = s.nonempty.wrapping_add(u8::from(is)).wrapping_sub(u8::from(was));
                    s.dirty = true;
                    self.blocks_again[0] += u32::from(was && is);
                    self.blocks_again[1] += u32::from(was && !is);
                    let data = i128::from(s.nr_blocks) - i128::from(s.redundant);
                    let (parity, data_devs) = (i128::from(s.redundant), s.devs.clone());
                    let need = s.nr_blocks - s.redundant;
                    let more = on_disk(size, c, n * parity, d * data)?;
                    self.count(4, need, &data_devs, sectors + more);
                    required = 0;
                }
            }
        }
        if !devs.is_empty() {
            self.count(t, required, &devs, sum);
        }
        Ok(())
    }

    fn stripe(&mut self, k: &StripeKey, c: &Change) -> Result<(), Stop> {
        if c.overwrite {
            if !self.stripes.get(&k.idx).is_some_and(|s| s.alive) {
                self.said.push(format!("error marking nonexistent stripe {}", k.idx));
                return Err(Stop::StripeNotThere);
            }
            self.stripes.insert(k.idx, Stripe::default());
        } else {
            if k.ptrs.len() > 16 {
                return Err(Stop::Abort);
            }
            let s = self.stripes.entry(k.idx).or_default();
            s.sectors = k.sectors;
            s.nr_blocks = u8::try_from(k.ptrs.len()).unwrap();
            s.redundant = k.redundant;
            s.devs = k.ptrs.iter().map(|p| p.0).collect();
            s.devs.sort_unstable();
            if !c.gc {
                for (to, &from) in s.blocks.iter_mut().zip(&k.counts) {
                    *to = from;
                    s.nonempty = s.nonempty.wrapping_add(u8::from(from != 0));
                }
            }
            s.alive = true;
        }
        let mut result = Ok(());
        for &(dev, sector, gen_) in &k.ptrs {
            match self.bucket(dev, sector) {
                Ok((_, g)) => {
                    g.stripe = !c.overwrite;
                    if g.gen_ != gen_ {
                        self.said.push("stripe with stale pointer".into());
                    }
                }
                Err(e) => result = Err(e),
            }
        }
        result
    }

    fn alloc(&mut self, dev: u64, b: u64, a: &Alloc, c: &Change) -> Result<(), Stop> {
        if c.gc && !c.invalidate {
            return Ok(());
        }
        let idx = u8::try_from(dev).map_err(|_| Stop::Abort)?;
        let d = self.devs.get_mut(&idx).ok_or(Stop::Abort)?;
        if b >= d.buckets.len() as u64 {
            return Ok(());
        }
        if b < u64::from(d.first) {
            return Err(Stop::Abort);
        }
        let g = &mut d.buckets[b as usize];
        let was = g.cached;
        *g = Bucket {
            gen_: a.gen_,
            data_type: a.data_type & 7,
            dirty: a.dirty,
            cached: a.cached,
            oldest: a.oldest,
            times: a.times,
            valid: true,
            seq: if c.journal_seq == 0 { g.seq } else { Some((c.journal_seq & 0xffff) as u16) },
            ..*g
        };
        if c.invalidate {
            self.count(5, 1, &[idx], -i128::from(was));
        }
        Ok(())
    }

    /// Counts a key.
    pub(crate) fn mark(&mut self, key: &Key, c: &Change) -> Result<(), Stop> {
        let node = i64::from(self.node_size) * if c.overwrite { -1 } else { 1 };
        let node = Change { sectors: node, ..*c };
        match key {
            Key::BtreePtr(e) | Key::BtreePtrV2(e) => self.extent(3, 0, e, &node),
            Key::Extent(size, e) | Key::ReflinkV(size, e) => self.extent(4, *size, e, c),
            Key::Reservation(_, n) => {
                let sectors = i128::from(c.sectors) * i128::from(*n);
                self.reserved += sectors;
                self.by_replicas[usize::from(*n).clamp(1, 4) - 1] += sectors;
                Ok(())
            }
            Key::Inode => {
                self.inodes += if c.overwrite { -1 } else { 1 };
                Ok(())
            }
            Key::Stripe(k) => self.stripe(k, c),
            Key::Alloc(dev, b, a) => self.alloc(*dev, *b, a, c),
            Key::Other(_) => Ok(()),
        }
    }

    /// Superblock or journal in a bucket.
    pub(crate) fn metadata(&mut self, dev: u8, b: u64, t: u8, sectors: u32) -> Result<(), Stop> {
        let g = self.at(dev, b)?;
        let old = *g;
        g.data_type = t;
        let sum = u64::from(old.dirty) + u64::from(sectors);
        g.dirty = sum.min(65535) as u16;
        if old.data_type != 0 && old.data_type != t {
            let (got, now) = (name(old.data_type), name(t));
            self.said.push(format!("different types of data in same bucket: {got}, {now}"));
        }
        if sum > 65535 {
            let holds = name(if old.data_type == 0 { t } else { old.data_type });
            self.said.push(format!(
                "bucket {dev}:{b} gen {} data type {holds} sector count overflow: {} + {sectors} \
                 > U16_MAX",
                old.gen_, old.dirty
            ));
        }
        Ok(())
    }

    fn at(&mut self, dev: u8, b: u64) -> Result<&mut Bucket, Stop> {
        let d = self.devs.get_mut(&dev).ok_or(Stop::Abort)?;
        if b < u64::from(d.first) || b >= d.buckets.len() as u64 {
            return Err(Stop::Abort);
        }
        Ok(&mut d.buckets[b as usize])
    }

    /// The allocator takes or gives back a bucket.
    pub(crate) fn owned(&mut self, dev: u8, b: u64, owned: bool, gc: bool) -> Result<(), Stop> {
        let g = self.at(dev, b)?;
        let was = g.owned;
        g.owned = owned;
        if !gc && !owned && !was { Err(Stop::Abort) } else { Ok(()) }
    }

    /// A bucket is reused.
    pub(crate) fn invalidate(&mut self, dev: u8, b: u64) -> Result<(), Stop> {
        let g = self.at(dev, b)?;
        if g.owned || g.dirty != 0 || g.stripe {
            return Err(Stop::Abort);
        }
        let cached = g.cached;
        let gen_ = g.gen_.wrapping_add(1);
        *g = Bucket { gen_, owned: true, data_type: 0, cached: 0, ..*g };
        self.count(5, 1, &[dev], -i128::from(cached));
        Ok(())
    }

    /// Usage of a device, counted from its buckets: buckets by type, owned, in
    /// stripes, unavailable, sectors by type, fragmented; and its `hidden`.
    pub(crate) fn dev_usage(&self, dev: u8) -> ([u64; 16], u64) {
        let d = &self.devs[&dev];
        let (mut out, mut hidden) = ([0_u64; 16], 0);
        for g in d.buckets.iter().skip(usize::from(d.first)) {
            let t = if g.cached != 0 && g.dirty == 0 { 5 } else { usize::from(g.data_type) };
            if (1..6).contains(&t) {
                out[t] += 1;
            }
            if t == 1 || t == 2 {
                hidden += u64::from(d.bucket_size);
            }
            out[6] += u64::from(g.owned);
            out[7] += u64::from(g.stripe);
            out[8] += u64::from(g.owned || g.dirty != 0 || g.stripe);
            if g.data_type < 6 {
                out[9 + usize::from(g.data_type)] += u64::from(g.dirty);
            }
            out[9 + 5] += u64::from(g.cached);
            let used = u64::from(g.dirty) + u64::from(g.cached);
            if !g.owned && g.data_type == 4 && used != 0 {
                out[15] += u64::from(d.bucket_size).saturating_sub(used);
            }
        }
        (out, hidden)
    }
}
