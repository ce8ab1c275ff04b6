// SPDX-License-Identifier: GPL-2.0-only
//! Counting keys that count alike in any order.

use super::sheet::{DevSheet, Sheet, Taken};
use super::sums::{PTRS, Sums};
use crate::fs::Fs;
use crate::node::plain::ShortExtent;
use crate::reason::{Rule, Unusual};
use crate::recovery::Begun;
use gc_core::accounting::replicas::View;
use gc_core::accounting::sectors::Scale;
use gc_core::accounting::{Ctx, Sink, StripeTable, Trigger, Usage};
use gc_core::bkey::{Entry, KeyRef, no_crc};
use gc_core::finding::{Answer, Finding};
use gc_core::layout::{Bkey, CompressionType, CsumType, DataType, ExtentCrc32, ExtentPtr, KeyType};
use gc_disk::checksum;

/// Counts keys for one thread.
pub(super) struct Marker<'a> {
    sheet: &'a Sheet,
    table: View<'a>,
    sums: Sums<'a>,
    key_version: u64,
    btree_node_size: u16,
    checksums: Checksums,
    /// The member that was pointed to last.
    near: (u8, Option<&'a DevSheet>),
    /// Nobody else marks meanwhile.
    alone: bool,
    /// It counts what belongs to no bucket.
    first: bool,
    /// A cached pointer was to data that is gone.
    stale: bool,
}

/// Checksum entries that say no more than that data was written whole.
#[derive(Debug, Clone)]
struct Checksums {
    /// By the byte that has checksum type and compression type: whether both are
    /// known and need no nonce.
    types: [bool; 256],
}

/// Mark of a short checksum, and the bits of marks.
const MARK: u64 = ExtentCrc32(0).with_type_mark(2).0;
const TYPE_MARK: u64 = ExtentCrc32(0).with_type_mark(3).0;
/// Bits of the first size of a checksum entry, and how far the other is from it.
const SIZE: u64 = ExtentCrc32(0).with_compressed_size_raw(127).0;
const SIZE_BITS: u32 = 7;
const _: () = assert!(SIZE << SIZE_BITS == ExtentCrc32(0).with_uncompressed_size_raw(127).0);

impl Checksums {
    fn new() -> Self {
        let plain = |types: u8| {
            let crc = ExtentCrc32(u64::from(types) << 24);
            checksum::valid(CsumType(crc.csum_type()), None)
                && crc.compression_type() < CompressionType::NR.0
        };
        let mut types = [false; 256];
        for (types, i) in types.iter_mut().zip(0..=u8::MAX) {
            *types = plain(i);
        }
        Self { types }
    }

    /// Sectors on disk of what the entry says.
    #[inline(always)]
    fn sectors(&self, crc: ExtentCrc32, live: u32) -> Option<u32> {
        let [_, _, _, types, ..] = crc.0.to_le_bytes();
        let sectors = crc.uncompressed_size_raw().wrapping_add(1);
        let end = u64::from(live).wrapping_add(u64::from(crc.offset()));
        // Of an entry of the right type that has both sizes alike nothing is left.
        let odd = (crc.0 ^ (crc.0 >> SIZE_BITS)) & SIZE | (crc.0 ^ MARK) & TYPE_MARK;
        let plain = odd == 0
            && end <= u64::from(sectors)
            && self.types.get(usize::from(types)) == Some(&true);
        plain.then_some(sectors)
    }
}

/// What all threads count by.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) fs: &'a Fs,
    pub(super) sheet: &'a Sheet,
    /// Highest key version handed out.
    pub(super) key_version: u64,
    pub(super) alone: bool,
    /// This is the first walk: what belongs to no bucket, or to several, is counted.
    pub(super) first: bool,
}

impl<'a> Ground<'a> {
    pub(super) fn new(begun: &'a Begun, sheet: &'a Sheet, threads: usize) -> Self {
        let (fs, key_version) = (&begun.fs, begun.key_version);
        Self { fs, sheet, key_version, alone: threads <= 1, first: true }
    }
}

/// Notes that there was something to say.
#[derive(Debug, Default)]
pub(super) struct Silent {
    pub(super) spoke: bool,
}

impl Sink for Silent {
    fn raise(&mut self, _finding: &Finding<'_>) -> Answer {
        self.spoke = true;
        Answer::Ignore
    }
    fn inconsistent(&mut self, _finding: &Finding<'_>) {
        self.spoke = true;
    }
    fn unprinted(&mut self, _finding: &Finding<'_>) {
        self.spoke = true;
    }
}

impl<'a> Marker<'a> {
    pub(super) fn new(ground: Ground<'a>) -> Option<Self> {
        let table = ground.fs.replicas.table.view();
        Some(Self {
            sheet: ground.sheet,
            table,
            sums: Sums::new(table)?,
            key_version: ground.key_version,
            btree_node_size: ground.fs.btree_node_sectors(),
            checksums: Checksums::new(),
            near: (0, ground.sheet.dev(0)),
            alone: ground.alone,
            first: ground.first,
            stale: false,
        })
    }

    /// Whether a cached pointer was to data that is gone.
    pub(super) const fn met_stale(&self) -> bool {
        self.stale
    }

    /// What was counted.
    pub(super) fn into_usage(self) -> Usage {
        self.sums.into_usage()
    }

    /// Counts a key as mark and sweep does.
    #[inline]
    pub(super) fn key(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        let version = k.version.lo;
        if version > self.key_version {
            return Err(Rule::KeyVersion.into());
        }
        match k.type_ {
            KeyType::EXTENT => self.pointers(v, DataType::USER, k.size),
            KeyType::REFLINK_V => {
                self.pointers(v.get(1..).ok_or(Rule::KeyInvalid)?, DataType::USER, k.size)
            }
            KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2 => {
                let words = KeyRef::new(k, v).entry_words();
                self.pointers(words, DataType::BTREE, u32::from(self.btree_node_size))
            }
            // These are counted in order.
            KeyType::STRIPE => Err(Rule::KeyStripe.into()),
            _ => self.other(k, v),
        }
    }

    /// Counts an extent of one pointer, perhaps with a short checksum, if nothing is
    /// wrong with its value and its bucket keeps it: as validation and [`Self::key`]
    /// would, in a few steps.
    #[inline(always)]
    pub(super) fn short_extent(&mut self, k: ShortExtent) -> Result<bool, Unusual> {
        let ShortExtent { size, len, value: [first, second] } = k;
        let (word, sectors) = match len {
            1 => (first, size),
            2 => match self.checksums.sectors(ExtentCrc32(first), size) {
                Some(sectors) => (second, sectors),
                None => return Ok(false),
            },
            _ => return Ok(false),
        };
        let ptr = ExtentPtr(word);
        if ptr.dev() != self.near.0 {
            self.near = (ptr.dev(), self.sheet.dev(ptr.dev()));
        }
        let Some(dev) = self.near.1.filter(|_| ptr.type_mark()) else { return Ok(false) };
        if !dev.take_whole(ptr, sectors, size, self.alone) {
            return Ok(false);
        }
        // What was taken is not given back. Everything is summed in the first walk.
        if !self.first || self.sums.on_one(DataType::USER, ptr.dev(), u64::from(size)) {
            Ok(true)
        } else {
            Err(Rule::KeyDevices.into())
        }
    }

    /// Counts an inode or an entry of a directory as [`Self::key`] would; `false` for
    /// any other type.
    #[inline(always)]
    pub(super) fn name_or_inode(&mut self, t: KeyType) -> bool {
        if t == KeyType::INODE && self.first {
            let nr = &mut self.sums.usage.head.nr_inodes;
            *nr = nr.wrapping_add(1);
        }
        matches!(t, KeyType::INODE | KeyType::DIRENT)
    }

    /// Extents and nodes: `size` is the key's own, of a node the node's.
    fn pointers(&mut self, words: &[u64], t: DataType, size: u32) -> Result<(), Unusual> {
        let mut entries = words;
        let mut crc = no_crc(size);
        let (mut devs, mut nr) = ([0; PTRS], 0_usize);
        let mut sum = 0_i64;
        while let Some((entry, rest)) = Entry::split_first(entries) {
            entries = rest;
            let ptr = match entry {
                Entry::Ptr(ptr) => ptr,
                Entry::StripePtr(_) => return Err(Rule::KeyStripe.into()),
                Entry::Crc32(_) | Entry::Crc64(_) | Entry::Crc128(_) => {
                    if let Some(new) = entry.crc(size) {
                        crc = new;
                    }
                    continue;
                }
            };
            let scale = Scale { live: size, offset: 0, delta: i64::from(size), flags: 0 };
            let n = if t == DataType::BTREE
                || crc.compressed_size == crc.uncompressed_size && size < 1 << 16
            {
                i64::from(size)
            } else {
                let n = scale.on_disk(crc.compressed_size, crc.uncompressed_size);
                n.map_err(|_| Rule::KeyNoSectors)?
            };
            if n == 0 {
                return Err(Rule::KeyNoSectors.into());
            }
            match self.sheet.take(ptr, n, t, self.alone) {
                Taken::Yes if ptr.cached() => {
                    let n = u64::try_from(n).map_err(|_| Rule::KeyNoSectors)?;
                    if !self.sums.on_one(DataType::CACHED, ptr.dev(), n) {
                        return Err(Rule::KeyDevices.into());
                    }
                }
                Taken::Elsewhere if ptr.cached() => {}
                Taken::Yes | Taken::Elsewhere => {
                    *devs.get_mut(nr).ok_or(Rule::KeyManyPointers)? = ptr.dev();
                    nr = nr.wrapping_add(1);
                    sum = sum.wrapping_add(n);
                }
                Taken::Stale => {
                    self.stale = true;
                    if !self.sums.on_one(DataType::CACHED, ptr.dev(), 0) {
                        return Err(Rule::KeyDevices.into());
                    }
                }
                Taken::No => return Err(self.refused(ptr)),
            }
        }
        let sum = u64::try_from(sum).map_err(|_| Rule::KeyNoSectors)?;
        if !self.first {
            return Ok(());
        }
        let devs = devs.get_mut(..nr).unwrap_or(&mut []);
        if self.sums.on(t, devs, sum) { Ok(()) } else { Err(Rule::KeyDevices.into()) }
    }

    /// The bucket is not as the pointer says.
    #[cold]
    fn refused(&self, ptr: ExtentPtr) -> Unusual {
        let e = Unusual::from(Rule::KeyBucket);
        match self.sheet.dev(ptr.dev()) {
            Some(dev) => e.of_bucket(ptr.dev(), dev.bucket_of(ptr)),
            None => e,
        }
    }

    /// Keys without pointers.
    fn other(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        if !self.first {
            return Ok(());
        }
        let mut silent = Silent::default();
        let mut ctx = Ctx {
            buckets: self.sheet,
            stripes: &mut StripeTable::new(),
            sink: &mut silent,
            replicas: self.table,
            usage: &mut self.sums.usage,
            devs: None,
            btree_node_size: self.btree_node_size,
        };
        let key = KeyRef::new(k, v);
        let marked = ctx.mark_key(key, &Trigger::gc(key, true));
        if marked.is_err() || silent.spoke { Err(Rule::KeyCount.into()) } else { Ok(()) }
    }
}
