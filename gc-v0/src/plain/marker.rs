// SPDX-License-Identifier: GPL-2.0-only
//! Counting keys that count alike in any order.

use super::remaining::{DevRemaining, Remaining, Subtracted};
use super::sums::{PTRS, Sums};
use crate::fs::Fs;
use crate::node::plain::ShortExtent;
use crate::reason::{Rule, Unusual};
use crate::recovery::Begun;
use gc_core::accounting::replicas::View;
use gc_core::accounting::{Ctx, Sink, StripeTable, Trigger, Usage};
use gc_core::bkey::{CountsIn, KeyRef, PointerValue, References, lone_pointer, references};
use gc_core::finding::{Answer, Finding};
use gc_core::layout::{Bkey, CompressionType, CsumType, DataType, ExtentCrc32, ExtentPtr, KeyType};
use gc_disk::checksum;

/// Counts keys for one thread.
pub(super) struct Marker<'a> {
    remaining: &'a Remaining,
    table: View<'a>,
    sums: Sums<'a>,
    key_version: u64,
    btree_node_size: u16,
    checksums: Checksums,
    /// The member that was pointed to last.
    near: (u8, Option<&'a DevRemaining>),
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

    /// Sectors of stored data that a lone pointer leads to, of which `live` are the key's;
    /// `None` if its checksum entry is not a plain one.
    #[inline(always)]
    fn sectors(&self, crc: ExtentCrc32, live: u32) -> Option<u32> {
        if crc.0 == 0 {
            return Some(live);
        }
        let [_, _, _, types, ..] = crc.0.to_le_bytes();
        let sectors = crc.uncompressed_size_raw().wrapping_add(1);
        let end = u64::from(live).wrapping_add(u64::from(crc.offset()));
        let plain = end <= u64::from(sectors) && self.types.get(usize::from(types)) == Some(&true);
        plain.then_some(sectors)
    }
}

/// What all threads count by.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) fs: &'a Fs,
    pub(super) remaining: &'a Remaining,
    /// Highest key version handed out.
    pub(super) key_version: u64,
    pub(super) alone: bool,
    /// This is the first walk: what belongs to no bucket, or to several, is counted.
    pub(super) first: bool,
}

impl<'a> Context<'a> {
    pub(super) fn new(begun: &'a Begun, remaining: &'a Remaining, threads: usize) -> Self {
        let (fs, key_version) = (&begun.fs, begun.key_version);
        Self { fs, remaining, key_version, alone: threads <= 1, first: true }
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
    pub(super) fn new(context: Context<'a>) -> Option<Self> {
        let table = context.fs.replicas.table.view();
        Some(Self {
            remaining: context.remaining,
            table,
            sums: Sums::new(table)?,
            key_version: context.key_version,
            btree_node_size: context.fs.btree_node_sectors(),
            checksums: Checksums::new(),
            near: (0, context.remaining.dev(0)),
            alone: context.alone,
            first: context.first,
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
        match references(k.type_, k.size, v, self.btree_node_size) {
            References::Pointers(value) => self.pointers(value),
            // These are counted in order.
            References::Stripe(_) => Err(Rule::KeyStripe.into()),
            _ => self.other(k, v),
        }
    }

    /// Counts an extent of one pointer, perhaps with a short checksum, if nothing is
    /// wrong with its value and its bucket keeps it: as validation and [`Self::key`]
    /// would, in a few steps.
    #[inline(always)]
    pub(super) fn short_extent(&mut self, k: ShortExtent) -> Result<bool, Unusual> {
        let ShortExtent { size, len, value } = k;
        let value = value.get(..usize::from(len)).unwrap_or_default();
        let Some((ptr, crc)) = lone_pointer(KeyType::EXTENT, value) else { return Ok(false) };
        let Some(sectors) = self.checksums.sectors(crc, size) else { return Ok(false) };
        if ptr.dev() != self.near.0 {
            self.near = (ptr.dev(), self.remaining.dev(ptr.dev()));
        }
        let Some(dev) = self.near.1 else { return Ok(false) };
        if !dev.subtract_whole(ptr, sectors, size, self.alone) {
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

    /// Extents and nodes.
    fn pointers(&mut self, value: PointerValue<'_>) -> Result<(), Unusual> {
        let t = value.holds();
        let (mut devs, mut nr) = ([0; PTRS], 0_usize);
        let mut sum = 0_u64;
        for p in value {
            let ptr = p.ptr;
            let n = p.sectors().map_err(|_| Rule::KeyNoSectors)?;
            if n == 0 {
                return Err(Rule::KeyNoSectors.into());
            }
            let taken = match p.counts_in {
                CountsIn::Stripe(_) => return Err(Rule::KeyStripe.into()),
                CountsIn::Cached | CountsIn::OwnSet => {
                    self.remaining.subtract(ptr, i64::from(n), t, self.alone)
                }
            };
            match taken {
                Subtracted::Yes if ptr.cached() => {
                    if !self.sums.on_one(DataType::CACHED, ptr.dev(), n.into()) {
                        return Err(Rule::KeyDevices.into());
                    }
                }
                Subtracted::Elsewhere if ptr.cached() => {}
                Subtracted::Yes | Subtracted::Elsewhere => {
                    *devs.get_mut(nr).ok_or(Rule::KeyManyPointers)? = ptr.dev();
                    nr = nr.wrapping_add(1);
                    sum = sum.wrapping_add(n.into());
                }
                Subtracted::Stale => {
                    self.stale = true;
                    if !self.sums.on_one(DataType::CACHED, ptr.dev(), 0) {
                        return Err(Rule::KeyDevices.into());
                    }
                }
                Subtracted::No => return Err(self.refused(ptr)),
            }
        }
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
        match self.remaining.dev(ptr.dev()) {
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
            buckets: self.remaining,
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
