// SPDX-License-Identifier: GPL-2.0-only
//! Keys and positions as today's tool prints them (facts: docs/facts/v1/texts.md). People
//! look for these texts.

use crate::alloc::{self, Alloc};
use crate::counter::{Counter, values_of};
use crate::entries::{Entries, Entry, Stripe};
use crate::fs::Fs;
use crate::superblock::NO_DEVICE;
use crate::tables::{self, key_row};
use gc_core::bkey::{Entry as Checksum, KeyRef};
use gc_core::layout::bits::{low8, low16};
use gc_core::layout::{Bpos, ExtentPtr};
use std::collections::BTreeMap;
use std::fmt::Write;

const CSUMS: [&str; 8] = [
    "none",
    "crc32c_nonzero",
    "crc64_nonzero",
    "chacha20_poly1305_80",
    "chacha20_poly1305_128",
    "crc32c",
    "crc64",
    "xxhash",
];
const COMPRESSIONS: [&str; 6] = ["none", "lz4_old", "gzip", "lz4", "zstd", "incompressible"];

fn listed(names: &[&'static str], i: u8) -> String {
    names.get(usize::from(i)).map_or_else(|| format!("(unknown {i})"), |n| (*n).into())
}

/// A position.
#[must_use]
pub fn position(p: Bpos) -> String {
    let Bpos { inode, offset, snapshot } = p;
    match (inode, offset, snapshot) {
        (0, 0, 0) => return "POS_MIN".into(),
        (u64::MAX, u64::MAX, 0) => return "POS_MAX".into(),
        (u64::MAX, u64::MAX, u32::MAX) => return "SPOS_MAX".into(),
        _ => {}
    }
    let wide = |n: u64| if n == u64::MAX { "U64_MAX".into() } else { n.to_string() };
    let snapshot = if snapshot == u32::MAX { "U32_MAX".into() } else { snapshot.to_string() };
    format!("{}:{}:{snapshot}", wide(inode), wide(offset))
}

/// What keys are printed with.
#[derive(Clone, Copy)]
pub struct Printer<'a> {
    /// The file system, for names of devices and numbers of buckets.
    pub fs: &'a Fs,
    /// Generations that are not 0, by member and bucket.
    pub gens: &'a BTreeMap<(u64, u64), u8>,
}

impl Printer<'_> {
    /// A key with its value.
    #[must_use]
    pub fn key(&self, key: KeyRef<'_>) -> String {
        let (k, v) = (key.k, key.v);
        let u64s = v.len().saturating_add(5);
        let type_ = key_row(k.type_.0)
            .map_or_else(|| format!("(unknown type {})", k.type_.0), |row| row.name.to_string());
        let at = position(k.p);
        let version = k.version.lo;
        let head = format!("u64s {u64s} type {type_} {at} len {} ver {version}", k.size);
        match self.value(key) {
            Some(value) => format!("{head}  : {value}"),
            None => head,
        }
    }

    fn value(&self, key: KeyRef<'_>) -> Option<String> {
        let v = key.v;
        Some(match key.k.type_.0 {
            tables::BTREE_PTR => self.entries(key),
            tables::BTREE_PTR_V2 => {
                let [_, seq, word, ..] = v else { return None };
                let updated = if word >> 16 & 1 != 0 { "R " } else { "" };
                let min = position(key.child_min_key().unwrap_or_default());
                let written = low16(*word);
                let entries = self.entries(key);
                format!("\n  seq {seq:x} written {written} min_key {updated}{min} {entries}")
            }
            tables::EXTENT => self.entries(key),
            tables::REFLINK_V => {
                let count = v.first().copied().unwrap_or(0);
                format!("refcount: {count} {}", self.entries(key))
            }
            tables::REFLINK_P => {
                let [word, pads, ..] = v else { return None };
                let idx = word & ((1 << 56) - 1);
                let (front, back) = (pads & 0xffff_ffff, pads >> 32);
                let error = if word >> 56 & 1 != 0 { " error" } else { "" };
                let options = if word >> 57 & 1 != 0 { " may_update_opts" } else { "" };
                format!("idx {idx} front_pad {front} back_pad {back}{error}{options}")
            }
            tables::STRIPE => self.stripe(v)?,
            tables::ACCOUNTING => {
                let counter = Counter::at(key.k.p);
                let name = counter.name(&|dev| crate::compare::device_name(self.fs, dev));
                let shown: Vec<String> = if v.len() > 3 {
                    v.iter().map(ToString::to_string).collect()
                } else {
                    let values = values_of(v);
                    values.iter().take(v.len()).map(ToString::to_string).collect()
                };
                format!("{name} {}", shown.join(" "))
            }
            tables::ALLOC | tables::ALLOC_V2 | tables::ALLOC_V3 | tables::ALLOC_V4 => {
                alloc_text(key)?
            }
            _ => return None,
        })
    }

    /// How many copies the dirty pointers stand for.
    fn durability(&self, entries: &[Entry]) -> u64 {
        let (mut sum, mut redundancy) = (0_u64, 0);
        for entry in entries {
            match entry {
                Entry::Stripe(s) => redundancy = u64::from(s.redundancy()),
                Entry::Ptr(p) => {
                    let more = core::mem::take(&mut redundancy);
                    if p.cached() {
                        continue;
                    }
                    // One that was removed counts as any does without a number of its own.
                    let member = match self.fs.member(p.dev()) {
                        Some(m) => u64::from(m.durability).saturating_add(more),
                        None => u64::from(self.fs.removed.contains(&p.dev())),
                    };
                    sum = sum.saturating_add(member);
                }
                _ => {}
            }
        }
        sum
    }

    fn entries(&self, key: KeyRef<'_>) -> String {
        let lengths = |type_| self.fs.sb.extent_type_u64s(type_);
        let walk = Entries::of(key, &lengths);
        let all: Vec<Entry> = walk.map(|(e, _)| e).collect();
        let mut out = format!("durability: {} ", self.durability(&all));
        let mut words = crate::entries::words_of(key).unwrap_or(&[]);
        for (entry, len) in walk {
            let text = match entry {
                Entry::Ptr(ptr) => format!("ptr: {}", self.pointer(ptr)),
                Entry::Crc(_) => checksum_text(words, key.k.size),
                Entry::Stripe(s) => format!("stripe_ptr: idx {} block {}", s.idx(), s.block()),
                Entry::Flags(flags) => format!("flags: {flags}"),
                Entry::Reconcile(r) => format!("reconcile: {:x}", r.word),
                Entry::ReconcileBp(idx) => format!("reconcile_bp: idx {idx}"),
                Entry::Other(type_) => format!("(entry of type {type_})"),
            };
            // Writing to a String cannot fail.
            let _written = write!(out, "\n  {text}");
            words = words.get(len..).unwrap_or(&[]);
        }
        out
    }

    fn pointer(&self, ptr: ExtentPtr) -> String {
        let (dev, gen_) = (ptr.dev(), ptr.gen_());
        let mut flags = String::new();
        if ptr.cached() {
            flags.push_str(" cached");
        }
        if ptr.0 >> 3 & 1 != 0 {
            flags.push_str(" unwritten");
        }
        let Some(member) = self.fs.member(dev).filter(|_| dev != NO_DEVICE) else {
            return format!("{dev}:{} gen {gen_}{flags}", ptr.offset());
        };
        let online = self.fs.device(dev).is_some_and(|d| d.online.is_some());
        let name = match online {
            true => crate::compare::device_name(self.fs, u32::from(dev)),
            // With the blank that the tool prints.
            false => format!(" dev-{dev}"),
        };
        let bucket = member.bucket_of(ptr.offset());
        let within = ptr.offset().checked_rem(u64::from(member.bucket_size)).unwrap_or(0);
        let now = self.gens.get(&(u64::from(dev), bucket)).copied().unwrap_or(0);
        let stale = i8::from_le_bytes(now.wrapping_sub(gen_).to_le_bytes());
        let stale = if stale > 0 { format!(" stale={stale}") } else { String::new() };
        format!("{name} {dev}:{bucket}:{within} gen {gen_}{flags}{stale}")
    }

    fn stripe(&self, v: &[u64]) -> Option<String> {
        let s = Stripe::of(v)?;
        let granularity = 1_u64.checked_shl(u32::from(low8(*v.first()? >> 40))).unwrap_or(0);
        let mut out = format!(
            "algo {} sectors {} blocks {}:{} csum {} gran {granularity} label=(none)  ",
            s.algorithm,
            s.sectors,
            s.nr_data(),
            s.nr_redundant,
            listed(&CSUMS, s.csum_type),
        );
        for (ptr, count) in s.ptrs.iter().zip(&s.counts) {
            let _written = write!(out, "\n    {}#{count}", self.pointer(*ptr));
        }
        Some(out)
    }
}

/// A checksum entry at the start of words.
fn checksum_text(words: &[u64], size: u32) -> String {
    let Some((entry, _)) = Checksum::split_first(words) else { return String::new() };
    let Some(crc) = entry.crc(size) else { return String::new() };
    let name = match entry {
        Checksum::Crc32(_) => "crc32",
        Checksum::Crc64(_) => "crc64",
        _ => "crc128",
    };
    format!(
        "{name}: c_size {} size {} offset {} nonce {} csum {} {:x}:{:x}  compress {}",
        crc.compressed_size,
        crc.uncompressed_size,
        crc.offset,
        crc.nonce,
        listed(&CSUMS, crc.csum_type.0),
        crc.csum.hi.get(),
        crc.csum.lo.get(),
        listed(&COMPRESSIONS, crc.compression_type.0),
    )
}

fn alloc_text(key: KeyRef<'_>) -> Option<String> {
    let a = Alloc::of(key).ok()?;
    let (start, _) = alloc::v4_backpointers(key.v);
    let [read, write] = a.io_time;
    Some(format!(
        "\n  gen {} oldest_gen {} data_type {}\
         \n  journal_seq_nonempty {}\
         \n  journal_seq_empty    {}\
         \n  need_discard         {}\
         \n  need_inc_gen         {}\
         \n  dirty_sectors        {}\
         \n  stripe_sectors       {}\
         \n  cached_sectors       {}\
         \n  stripe_refcount      {}\
         \n  io_time[READ]        {read}\
         \n  io_time[WRITE]       {write}\
         \n  fragmentation     0\
         \n  bp_start          {start}\n",
        a.gen_,
        a.oldest_gen,
        a.data_type.name(),
        a.journal_seq_nonempty,
        a.journal_seq_empty,
        a.flags & 1,
        a.flags >> 1 & 1,
        a.dirty_sectors,
        a.stripe_sectors,
        a.cached_sectors,
        a.stripe_refcount,
    ))
}

/// Text of several lines with each line but the first moved to the right.
#[must_use]
pub fn indented(text: &str, by: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(by)))
}
