// SPDX-License-Identifier: GPL-2.0-only
//! Which buckets and sectors are still free.

use crate::error::{Error, Result};
use crate::rng::mix2;
use crate::spec::{DeviceSpec, FsSpec};
use crate::superblock::SB_END;
use gc_core::layout::ExtentPtr;

/// A bucket being filled.
#[derive(Debug, Clone, Copy)]
struct Open {
    bucket: u64,
    used: u64,
}

#[derive(Debug)]
struct DevSpace {
    bucket_size: u64,
    /// First bucket behind superblock and journal.
    first: u64,
    /// Buckets from there on.
    count: u64,
    next: u64,
    /// Odd-ish factor coprime to `count`: order in which buckets are handed out.
    step: u64,
    node: Option<Open>,
    data: Option<Open>,
}

/// Free space of all devices.
#[derive(Debug)]
pub struct Space {
    devs: Vec<DevSpace>,
    seed: u64,
    gens: bool,
    turn: usize,
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A number near the golden section of `n` that has no divisor in common with it,
/// so that its multiples reach everything below `n`.
fn scatter_step(n: u64) -> u64 {
    let near = u64::try_from(u128::from(n) * 618_034 / 1_000_000).unwrap_or(1).max(1);
    (near..).find(|&s| gcd(s, n) == 1).unwrap_or(1)
}

/// Buckets taken by superblocks: those before `SB_END` sectors.
fn sb_buckets(dev: &DeviceSpec) -> u64 {
    SB_END.div_ceil(u64::from(dev.bucket_size.max(1)))
}

/// The journal buckets of a device: right behind the superblocks.
#[must_use]
pub fn journal_buckets(dev: &DeviceSpec) -> Vec<u64> {
    let first = sb_buckets(dev);
    (first..first + u64::from(dev.journal_buckets)).collect()
}

impl Space {
    /// Everything behind superblocks and journal is free.
    ///
    /// # Errors
    /// A device with too few buckets.
    pub fn new(spec: &FsSpec) -> Result<Self> {
        let mut devs = Vec::new();
        for d in &spec.devices {
            let first = sb_buckets(d) + u64::from(d.journal_buckets);
            let count = d.nbuckets.checked_sub(first).filter(|&c| c > 0);
            let count = count.ok_or(Error::Spec("device smaller than superblock and journal"))?;
            devs.push(DevSpace {
                bucket_size: u64::from(d.bucket_size),
                first,
                count,
                next: 0,
                step: if d.scattered { scatter_step(count) } else { 1 },
                node: None,
                data: None,
            });
        }
        Ok(Self { devs, seed: spec.seed, gens: spec.gens, turn: 0 })
    }

    /// The generation of a bucket.
    #[must_use]
    pub fn gen_of(&self, dev: u8, bucket: u64) -> u8 {
        if !self.gens {
            return 0;
        }
        crate::buf::low8(mix2(self.seed ^ u64::from(dev), bucket))
    }

    fn dev(&mut self, dev: u8) -> Result<&mut DevSpace> {
        self.devs.get_mut(usize::from(dev)).ok_or(Error::Spec("no such device"))
    }

    /// A whole bucket.
    ///
    /// # Errors
    /// No bucket left.
    pub fn bucket(&mut self, dev: u8) -> Result<u64> {
        let d = self.dev(dev)?;
        if d.next >= d.count {
            return Err(Error::NoSpace(dev));
        }
        let at = u128::from(d.next) * u128::from(d.step) % u128::from(d.count);
        d.next += 1;
        Ok(d.first + u64::try_from(at).unwrap_or(0))
    }

    /// Buckets not handed out yet.
    #[must_use]
    pub fn free_buckets(&self, dev: u8) -> u64 {
        self.devs.get(usize::from(dev)).map_or(0, |d| d.count - d.next)
    }

    fn sectors(&mut self, dev: u8, n: u64, node: bool) -> Result<ExtentPtr> {
        let d = self.dev(dev)?;
        let size = d.bucket_size;
        if n > size {
            return Err(Error::Spec("more sectors than a bucket has"));
        }
        let open = if node { d.node } else { d.data };
        let mut open = match open {
            Some(o) if o.used + n <= size => o,
            _ => Open { bucket: self.bucket(dev)?, used: 0 },
        };
        let at = open.bucket * size + open.used;
        open.used += n;
        let d = self.dev(dev)?;
        *(if node { &mut d.node } else { &mut d.data }) = Some(open);
        Ok(ExtentPtr::new(dev, at, self.gen_of(dev, open.bucket)))
    }

    /// Sectors for data, several pieces to a bucket.
    ///
    /// # Errors
    /// Device full, or `n` more than a bucket.
    pub fn data(&mut self, dev: u8, n: u32) -> Result<ExtentPtr> {
        self.sectors(dev, u64::from(n), false)
    }

    /// Sectors for a node on each of `replicas` devices, taken in turn.
    ///
    /// # Errors
    /// Fewer devices than replicas, or no room.
    pub fn node(&mut self, sectors: u16, replicas: u8) -> Result<Vec<ExtentPtr>> {
        let nr = self.devs.len();
        let mut out = Vec::new();
        for i in 0..nr {
            if out.len() == usize::from(replicas) {
                break;
            }
            let dev = u8::try_from((self.turn + i) % nr).unwrap_or(0);
            match self.sectors(dev, u64::from(sectors), true) {
                Ok(p) => out.push(p),
                Err(Error::NoSpace(_)) => {}
                Err(e) => return Err(e),
            }
        }
        self.turn = self.turn.wrapping_add(1);
        if out.len() < usize::from(replicas) {
            return Err(Error::NoSpace(u8::try_from(self.turn % nr.max(1)).unwrap_or(0)));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: every bucket exactly once, whatever their number.
    #[test]
    fn scattered_order_reaches_every_bucket_once() {
        for nbuckets in [64 + 41, 100, 128, 1000] {
            let mut d = DeviceSpec::new(nbuckets, 128);
            d.scattered = true;
            let mut s = Space::new(&FsSpec::new(1, vec![d])).unwrap();
            let mut got: Vec<u64> = core::iter::from_fn(|| s.bucket(0).ok()).collect();
            got.sort_unstable();
            assert_eq!(got, (11..nbuckets).collect::<Vec<_>>());
        }
    }
}
