// SPDX-License-Identifier: GPL-2.0-only
//! Large file systems for benchmarks, by name.

use crate::error::{Error, Result};
use crate::rng::Rng;
use crate::spec::{DeviceSpec, FsSpec};
use crate::value::{
    Entry, FIELD_NLINK, FIELD_SECTORS, FIELD_SIZE, Inode, S_IFDIR, S_IFREG, dirent, dirent_offset,
    extent,
};
use crate::writer::{ImageWriter, Summary};
use gc_core::layout::{Bpos, BtreeId, ExtentPtr};
use std::path::Path;

const ROOT: u64 = 4096;
/// First inode of files; directories lie below.
const FILES: u64 = 1 << 20;
/// Files of a directory.
const DIR_FILES: u64 = 1000;

/// A large file system.
#[derive(Debug, Clone)]
pub struct Preset {
    /// Name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    extents: u64,
    /// Extents of a file.
    per_file: u64,
    /// Greatest size of an extent in sectors.
    size: u64,
    /// Buckets being filled at the same time on each device.
    open: u64,
    replicas: u8,
    /// Free buckets with an alloc key.
    idle: u64,
    spec: FsSpec,
}

fn spec(devices: u8, nbuckets: u64, bucket_size: u16, scattered: bool) -> FsSpec {
    let d = DeviceSpec { scattered, journal_buckets: 16, ..DeviceSpec::new(nbuckets, bucket_size) };
    FsSpec::new(7, vec![d; usize::from(devices)])
}

/// How full splits leave the nodes of a file system that was written to, in percent.
const FILL: u8 = 57;
/// Of nodes whose keys were deleted again.
const FILL_FRAGMENTED: u8 = 40;

fn base(name: &'static str, about: &'static str, extents: u64, spec: FsSpec) -> Preset {
    let mut p = Preset {
        name,
        about,
        extents,
        per_file: 64,
        size: 15,
        open: 512,
        replicas: 1,
        idle: 0,
        spec,
    };
    p.spec.nodes.fill = FILL;
    p
}

/// Extents in buckets of 256 KiB that are filled in no order.
fn random(name: &'static str, about: &'static str, extents: u64, nbuckets: u64) -> Preset {
    base(name, about, extents, spec(1, nbuckets, 512, true))
}

/// The 4 M extents of `e4m` in nodes of so many sectors.
fn nodes(name: &'static str, about: &'static str, node: u16) -> Preset {
    let mut p = random(name, about, 4_000_000, 524_288);
    p.spec.btree_node_size = node;
    p
}

/// Several bsets, older versions, deleted keys.
fn fragmented(name: &'static str, about: &'static str, extents: u64, nbuckets: u64) -> Preset {
    let mut p = random(name, about, extents, nbuckets);
    p.spec.nodes.fill = FILL_FRAGMENTED;
    p.spec.nodes.bsets = 3;
    p.spec.nodes.shadow_every = 1;
    p.spec.nodes.ghost_every = 1;
    p
}

/// Inodes and names without extents.
fn names(name: &'static str, about: &'static str, files: u64, nbuckets: u64) -> Preset {
    Preset { per_file: 0, idle: files, ..random(name, about, 0, nbuckets) }
}

/// A large device that holds a little.
fn buckets(
    name: &'static str,
    about: &'static str,
    nbuckets: u64,
    bucket_size: u16,
    idle: u64,
) -> Preset {
    let mut spec = spec(1, nbuckets, bucket_size, true);
    // A node lies in one bucket.
    spec.btree_node_size = spec.btree_node_size.min(bucket_size);
    Preset { idle, per_file: 30, size: 8, open: 1, ..base(name, about, 1000, spec) }
}

/// The preset with its alloc keys side by side, as buckets of a young file system are.
fn side_by_side(name: &'static str, about: &'static str, mut p: Preset) -> Preset {
    (p.name, p.about) = (name, about);
    p.spec.devices.iter_mut().for_each(|d| d.scattered = false);
    p
}

/// Every preset.
#[must_use]
pub fn presets() -> Vec<Preset> {
    let four = spec(4, 262_144, 512, true);
    let mut e4m4d = base("e4m4d", "4 M extents on 4 devices, 2 copies", 4_000_000, four);
    e4m4d.replicas = 2;
    e4m4d.spec.meta_replicas = 2;
    e4m4d.spec.data_replicas = 2;
    let one = spec(1, 524_288, 512, false);
    let seq = Preset { open: 1, ..base("e4mseq", "4 M extents, sequential", 4_000_000, one) };
    let b24m = buckets("b24m", "25.2 M buckets", 25_165_824, 256, 200_000);
    let b32m = buckets("b32m", "33.6 M buckets", 33_554_432, 512, 200_000);
    vec![
        random("e100k", "0.1 M extents", 100_000, 32_768),
        random("e1m", "1 M extents, random buckets", 1_000_000, 131_072),
        random("e4m", "4 M extents, random buckets", 4_000_000, 524_288),
        random("e16m", "16 M extents, random buckets", 16_000_000, 2_097_152),
        seq,
        names("ino50k", "50 k inodes and names", 50_000, 32_768),
        names("ino", "2.1 M inodes and names", 2_100_000, 65_536),
        fragmented("frag50k", "50 k extents in several bsets", 50_000, 32_768),
        fragmented("frag", "1 M extents, several bsets, deleted keys", 1_000_000, 262_144),
        nodes("n32k", "4 M extents, nodes of 32 KiB", 64),
        nodes("n64k", "4 M extents, nodes of 64 KiB", 128),
        nodes("n128k", "4 M extents, nodes of 128 KiB", 256),
        e4m4d,
        buckets("b4m", "4.2 M buckets", 4_194_304, 512, 43_000),
        buckets("b16m", "16.8 M buckets", 16_777_216, 512, 43_000),
        b24m.clone(),
        b32m.clone(),
        side_by_side("b24mseq", "25.2 M buckets, alloc keys side by side", b24m),
        side_by_side("b32mseq", "33.6 M buckets, alloc keys side by side", b32m),
        buckets("b100m", "10^8 buckets, sparse", 100_000_000, 256, 200_000),
        buckets("b1g", "10^9 buckets, sparse", 1_000_000_000, 16, 43_000),
    ]
}

/// Buckets being filled, one chosen at random for each extent.
struct Streams {
    open: Vec<Vec<(u64, u64)>>,
}

impl Streams {
    fn take(&mut self, w: &mut ImageWriter, rng: &mut Rng, dev: u8, n: u64) -> Result<ExtentPtr> {
        let size = w.spec().devices.first().map_or(1, |d| u64::from(d.bucket_size));
        let of = self.open.get_mut(usize::from(dev)).ok_or(Error::Spec("no such device"))?;
        let i = usize::try_from(rng.below(crate::buf::number(of.len()))).unwrap_or(0);
        let slot = of.get_mut(i).ok_or(Error::Spec("no stream"))?;
        if slot.1 + n > size {
            *slot = (w.space().bucket(dev)?, 0);
        }
        let at = slot.0 * size + slot.1;
        slot.1 += n;
        Ok(ExtentPtr::new(dev, at, w.space().gen_of(dev, slot.0)))
    }
}

impl Preset {
    /// Devices it has.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.spec.devices.len()
    }

    /// Writes it.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, seed: u64, paths: &[impl AsRef<Path>]) -> Result<Summary> {
        let mut w = ImageWriter::create(FsSpec { seed, ..self.spec.clone() }, paths)?;
        let files = match self.extents.checked_div(self.per_file) {
            Some(n) => n,
            // Names without extents.
            None => self.idle,
        };
        let sectors = self.extents(&mut w, seed, files)?;
        self.namespace(&mut w, files, &sectors)?;
        let touched = if self.per_file == 0 { 0 } else { self.idle };
        for _ in 0..touched {
            let bucket = w.space().bucket(0)?;
            w.counted_mut().touch(0, bucket, 0);
        }
        w.finish()
    }

    /// Sectors of each file.
    fn extents(&self, w: &mut ImageWriter, seed: u64, files: u64) -> Result<Vec<u32>> {
        let mut rng = Rng::new(seed ^ 1);
        let devices = u8::try_from(self.devices()).unwrap_or(1);
        let mut streams = Streams { open: Vec::new() };
        for dev in 0..devices {
            let mut open = Vec::new();
            if self.extents > 0 {
                for _ in 0..self.open {
                    open.push((w.space().bucket(dev)?, 0));
                }
            }
            streams.open.push(open);
        }
        let mut out = Vec::new();
        let mut t = w.tree(BtreeId::EXTENTS);
        for file in 0..files {
            let (mut end, mut sum) = (0, 0);
            for _ in 0..self.per_file {
                let size = rng.range(1, self.size);
                // Holes give deleted neighbours a place.
                end += size + u64::from(rng.one_in(2));
                sum += size;
                let first = rng.below(u64::from(devices));
                let mut list = Vec::new();
                for i in 0..u64::from(self.replicas) {
                    let dev = crate::buf::low8((first + i) % u64::from(devices));
                    list.push(Entry::Ptr(streams.take(w, &mut rng, dev, size)?));
                }
                let size = u32::try_from(size).unwrap_or(1);
                let key = extent(Bpos::new(FILES + file, end), size, &list);
                w.push(&mut t, &key)?;
            }
            // The file ends at most one hole an extent behind its sectors.
            out.push(u32::try_from(sum).unwrap_or(0));
        }
        w.finish_tree(t)?;
        Ok(out)
    }

    fn namespace(&self, w: &mut ImageWriter, files: u64, sectors: &[u32]) -> Result<()> {
        let dirs = files.div_ceil(DIR_FILES);
        let dir = |inum: u64, subdirs| {
            Inode {
                inum,
                hash_seed: inum * 3,
                hash_type: 1,
                mode: S_IFDIR | 0o755,
                ..Inode::default()
            }
            .with(FIELD_NLINK, subdirs)
        };
        let root = dir(ROOT, dirs + 1);
        let mut t = w.tree(BtreeId::INODES);
        w.push(&mut t, &root.to_key())?;
        for i in 1..dirs + 2 {
            w.push(&mut t, &dir(ROOT + i, 0).to_key())?;
        }
        for file in 0..files {
            let at = usize::try_from(file).unwrap_or(0);
            let sum = u64::from(sectors.get(at).copied().unwrap_or(0));
            let i = Inode {
                inum: FILES + file,
                hash_seed: file,
                hash_type: 1,
                mode: S_IFREG | 0o644,
                ..Inode::default()
            };
            let i = i.with(0, 1_000_000 + file).with(FIELD_SIZE, (sum + self.per_file) * 512);
            w.push(&mut t, &i.with(FIELD_SECTORS, sum).to_key())?;
        }
        w.finish_tree(t)?;
        let mut t = w.tree(BtreeId::DIRENTS);
        let mut one = |w: &mut ImageWriter, dir: &Inode, mut list: Vec<(String, u64, u16)>| {
            let mut keys: Vec<_> = list
                .drain(..)
                .map(|(name, target, mode)| {
                    let at = dirent_offset(dir, name.as_bytes());
                    dirent(dir.inum, at, name.as_bytes(), target, mode)
                })
                .collect();
            keys.sort_by_key(|k| k.k.p);
            keys.iter().try_for_each(|k| w.push(&mut t, k))
        };
        let mut top = vec![("lost+found".to_string(), ROOT + 1, S_IFDIR)];
        top.extend((0..dirs).map(|d| (format!("d{d}"), ROOT + 2 + d, S_IFDIR)));
        one(w, &root, top)?;
        for d in 0..dirs {
            let mine = d * DIR_FILES..files.min((d + 1) * DIR_FILES);
            let list = mine.map(|f| (format!("file{f}"), FILES + f, S_IFREG)).collect();
            one(w, &dir(ROOT + 2 + d, 0), list)?;
        }
        w.finish_tree(t)
    }
}
