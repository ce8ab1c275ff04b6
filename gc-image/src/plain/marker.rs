// SPDX-License-Identifier: GPL-2.0-only
//! Counting keys that count alike in any order.

use super::sheet::{Sheet, Taken};
use super::sums::{PTRS, Sums};
use crate::fs::Fs;
use crate::node::plain::Unusual;
use crate::recovery::Begun;
use gc_core::accounting::replicas::View;
use gc_core::accounting::sectors::Scale;
use gc_core::accounting::{Ctx, Sink, StripeTable, Trigger, Usage};
use gc_core::bkey::{Entry, KeyRef, no_crc};
use gc_core::finding::{Answer, Finding};
use gc_core::layout::{Bkey, DataType, ExtentCrc32, ExtentEntryType, ExtentPtr, KeyType};

/// Counts keys for one thread.
pub(super) struct Marker<'a> {
    sheet: &'a Sheet,
    table: View<'a>,
    sums: Sums<'a>,
    key_version: u64,
    btree_node_size: u16,
    /// Nobody else marks meanwhile.
    alone: bool,
    /// It counts what belongs to no bucket.
    first: bool,
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
            alone: ground.alone,
            first: ground.first,
        })
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
            return Err(Unusual);
        }
        match k.type_ {
            KeyType::EXTENT => self.pointers(v, DataType::USER, k.size),
            KeyType::REFLINK_V => self.pointers(v.get(1..).ok_or(Unusual)?, DataType::USER, k.size),
            KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2 => {
                let words = KeyRef::new(k, v).entry_words();
                self.pointers(words, DataType::BTREE, u32::from(self.btree_node_size))
            }
            // These are counted in order.
            KeyType::STRIPE => Err(Unusual),
            _ => self.other(k, v),
        }
    }

    /// Extents and nodes: `size` is the key's own, of a node the node's.
    #[inline]
    fn pointers(&mut self, words: &[u64], t: DataType, size: u32) -> Result<(), Unusual> {
        // Most keys have one pointer, and perhaps a short checksum.
        let is = |word, type_| ExtentEntryType::of_word(word) == type_;
        let (plain, word) = match *words {
            [word] => (true, word),
            [crc, word] => {
                let c = ExtentCrc32(crc);
                let whole = c.compressed_size_raw() == c.uncompressed_size_raw();
                (whole && is(crc, ExtentEntryType::CRC32), word)
            }
            _ => (false, 0),
        };
        let ptr = ExtentPtr(word);
        let one = plain && is(word, ExtentEntryType::PTR) && !ptr.cached();
        if one && (1..1 << 16).contains(&size) {
            let plain = match self.sheet.take(ptr, i64::from(size), t, self.alone) {
                Taken::Yes => self.sums.on_one(t, ptr.dev(), u64::from(size)),
                taken => taken == Taken::Elsewhere,
            };
            return if plain { Ok(()) } else { Err(Unusual) };
        }
        self.all_pointers(words, t, size)
    }

    fn all_pointers(&mut self, words: &[u64], t: DataType, size: u32) -> Result<(), Unusual> {
        let mut entries = words;
        let mut crc = no_crc(size);
        let (mut devs, mut nr) = ([0; PTRS], 0_usize);
        let mut sum = 0_i64;
        while let Some((entry, rest)) = Entry::split_first(entries) {
            entries = rest;
            let ptr = match entry {
                Entry::Ptr(ptr) => ptr,
                Entry::StripePtr(_) => return Err(Unusual),
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
                scale.on_disk(crc.compressed_size, crc.uncompressed_size).map_err(|_| Unusual)?
            };
            if n == 0 {
                return Err(Unusual);
            }
            match self.sheet.take(ptr, n, t, self.alone) {
                Taken::Yes if ptr.cached() => {
                    let n = u64::try_from(n).map_err(|_| Unusual)?;
                    if !self.sums.on_one(DataType::CACHED, ptr.dev(), n) {
                        return Err(Unusual);
                    }
                }
                Taken::Elsewhere if ptr.cached() => {}
                Taken::Yes | Taken::Elsewhere => {
                    *devs.get_mut(nr).ok_or(Unusual)? = ptr.dev();
                    nr = nr.wrapping_add(1);
                    sum = sum.wrapping_add(n);
                }
                Taken::Stale => {
                    if !self.sums.on_one(DataType::CACHED, ptr.dev(), 0) {
                        return Err(Unusual);
                    }
                }
                Taken::No => return Err(Unusual),
            }
        }
        let sum = u64::try_from(sum).map_err(|_| Unusual)?;
        if !self.first {
            return Ok(());
        }
        let devs = devs.get_mut(..nr).unwrap_or(&mut []);
        if self.sums.on(t, devs, sum) { Ok(()) } else { Err(Unusual) }
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
        if marked.is_err() || silent.spoke { Err(Unusual) } else { Ok(()) }
    }
}
