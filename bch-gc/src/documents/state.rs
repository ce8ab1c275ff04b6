// SPDX-License-Identifier: GPL-2.0-only
//! The state of a file system, and the documents of `bch-gc state`. Their format is that
//! of the goldens that tests compare with, and stays.

use super::shared::hex;
use super::{Superblock, document};
use gc_core::accounting::replicas::Entry;
use gc_core::finding::Answer;
use gc_core::layout::{Bucket, BucketMark, DevUsage};
use gc_v0::host::Image;
use gc_v0::report::Found;
use serde::{Serialize, Serializer};
use std::sync::atomic::Ordering;

document! {
    /// One document for each mark and sweep, on one line.
    pub struct StateRun<'a> {
        /// Version of the document.
        pub format: super::Format<1>,
        /// Whether it is the initial mark and sweep.
        pub initial: bool,
        /// Whether it counts metadata alone.
        pub metadata_only: bool,
        /// Always null.
        pub aborted: Option<u8>,
        /// What mark and sweep returned.
        pub ret: i32,
        /// Number of passes.
        pub passes: u32,
        /// Findings of the mark and sweep.
        pub errors: Vec<CorpusFinding>,
        /// Findings before it.
        pub prior_errors: Vec<CorpusFinding>,
        /// What the superblock says.
        pub sb: Superblock,
        /// Whether the table of device sets is made anew: 0 or 1.
        pub rebuild_replicas: u8,
        /// Number of keys in the journal.
        pub journal_keys: usize,
        /// Everything before it.
        pub before: State<'a>,
        /// Everything after it.
        pub after: State<'a>,
    }

    /// A finding in the format of the goldens.
    pub struct CorpusFinding {
        /// Pass of mark and sweep, from 1 on; -1: before it.
        pub pass: i64,
        /// Sum of 1 (can be repaired), 2 (can be ignored), 4 (needs a full check).
        pub flags: u32,
        /// Stable name.
        pub code: super::FindingName,
        /// The original's text.
        pub text: String,
        /// FIX, IGNORE or EXIT: how it was answered.
        pub ret: &'static str,
    }

    /// Buckets, usage and stripes.
    pub struct State<'a> {
        /// The highest version that a key was given.
        pub key_version: u64,
        /// The members.
        pub devs: Vec<Device<'a>>,
        /// Usage of the file system.
        pub usage_base: Usage,
        /// Always null.
        pub usage_pending: Option<u8>,
        /// Stripes in memory.
        pub stripes: Vec<Stripe>,
    }

    /// A member and its buckets.
    pub struct Device<'a> {
        /// Index of the device.
        pub dev: u8,
        /// Number of its buckets.
        pub nbuckets: u64,
        /// The first that is in use.
        pub first_bucket: u16,
        /// Sectors of a bucket.
        pub bucket_size: u16,
        /// Whether the device is there.
        pub online: bool,
        /// Its usage.
        pub usage: DeviceUsage,
        /// Rows of number, gen, data_type, owned_by_allocator, stripe, dirty_sectors,
        /// cached_sectors, gen_valid, oldest_gen; a bucket whose row is all zero but for the
        /// number is left out.
        #[cfg_attr(feature = "schema", schemars(with = "Vec<[u64; 9]>"))]
        pub buckets: Rows<'a>,
    }

    /// Usage of a device. Lists are by type of data.
    pub struct DeviceUsage {
        /// Buckets.
        pub buckets: [u64; 6],
        /// Buckets that the allocator has.
        pub buckets_alloc: u64,
        /// Buckets of stripes.
        pub buckets_ec: u64,
        /// Buckets that cannot be used.
        pub buckets_unavailable: u64,
        /// Sectors.
        pub sectors: [u64; 6],
        /// Sectors that are wasted in buckets that are in use.
        pub sectors_fragmented: u64,
    }

    /// Usage of the file system, in sectors but for the number of inodes.
    pub struct Usage {
        /// Promised while it runs.
        pub online_reserved: u64,
        /// Superblocks and journal.
        pub hidden: u64,
        /// Btree nodes.
        pub btree: u64,
        /// File data, all copies.
        pub data: u64,
        /// Cached copies.
        pub cached: u64,
        /// Promised to files and not written yet.
        pub reserved: u64,
        /// Number of inodes.
        pub nr_inodes: u64,
        /// Promised, by number of copies less one.
        pub persistent_reserved: [u64; 4],
        /// By set of devices.
        pub replicas: Vec<Replicas>,
    }

    /// Sectors on a set of devices.
    pub struct Replicas {
        /// The set as the original prints it.
        pub text: String,
        /// The set as it is stored, in hexadecimal digits.
        #[cfg_attr(feature = "schema", schemars(regex(pattern = "^([0-9a-f]{2})+$")))]
        pub bytes: String,
        /// Sectors.
        pub sectors: u64,
    }

    /// A stripe in memory.
    pub struct Stripe {
        /// Its index.
        pub idx: u64,
        /// Whether it exists: 0 or 1.
        #[cfg_attr(feature = "schema", schemars(range(max = 1)))]
        pub alive: u8,
        /// Sectors of a block.
        pub sectors: u16,
        /// Algorithm.
        pub algorithm: u8,
        /// Number of blocks.
        pub nr_blocks: u8,
        /// Redundant ones of them.
        pub nr_redundant: u8,
        /// Blocks that hold data.
        pub blocks_nonempty: u8,
        /// Sectors of data by block.
        pub block_sectors: [u16; 16],
        /// Its set of devices as it is stored, in hexadecimal digits; empty for none.
        #[cfg_attr(feature = "schema", schemars(regex(pattern = "^([0-9a-f]{2})*$")))]
        pub r: String,
    }
}

/// Buckets of a device, written row by row.
#[derive(Debug, Clone)]
pub enum Rows<'a> {
    /// As they are when they are written.
    Live(&'a [Bucket]),
    /// As they were: those that are not all zero.
    Saved(Vec<SavedBucket>),
}

/// A bucket as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedBucket {
    number: u64,
    mark: BucketMark,
    gen_valid: bool,
    oldest_gen: u8,
}

impl SavedBucket {
    fn of(number: u64, bucket: &Bucket) -> Option<Self> {
        let mark = bucket.load_mark(Ordering::Relaxed);
        let gen_valid = bucket.gen_valid();
        let oldest_gen = bucket.oldest_gen.load(Ordering::Relaxed);
        let this = Self { number, mark, gen_valid, oldest_gen };
        this.row().iter().skip(1).any(|n| *n != 0).then_some(this)
    }

    fn row(&self) -> [u64; 9] {
        let m = self.mark;
        [
            self.number,
            m.gen_().into(),
            m.data_type_raw().into(),
            m.owned_by_allocator().into(),
            m.stripe().into(),
            m.dirty_sectors().into(),
            m.cached_sectors().into(),
            self.gen_valid.into(),
            self.oldest_gen.into(),
        ]
    }
}

fn saved(buckets: &[Bucket]) -> impl Iterator<Item = SavedBucket> + '_ {
    (0_u64..).zip(buckets).filter_map(|(i, b)| SavedBucket::of(i, b))
}

impl PartialEq for Rows<'_> {
    fn eq(&self, other: &Self) -> bool {
        let all = |rows: &Self| -> Vec<SavedBucket> {
            match rows {
                Self::Live(buckets) => saved(buckets).collect(),
                Self::Saved(rows) => rows.clone(),
            }
        };
        all(self) == all(other)
    }
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Live(buckets) => to.collect_seq(saved(buckets).map(|b| b.row())),
            Self::Saved(rows) => to.collect_seq(rows.iter().map(SavedBucket::row)),
        }
    }
}

/// Rows of a device's buckets with their generations, for `bch-gc gens`.
#[derive(Debug, Clone)]
pub struct GenRows(Vec<(u64, [u8; 3])>);

impl GenRows {
    /// Of the buckets as they are now.
    #[must_use]
    pub fn of(buckets: &[Bucket]) -> Self {
        let row = |(i, b): (u64, &Bucket)| {
            let gen_ = b.load_mark(Ordering::Relaxed).gen_();
            let oldest = b.oldest_gen.load(Ordering::Relaxed);
            let row = [gen_, oldest, b.gc_gen.load(Ordering::Relaxed)];
            (row != [0; 3]).then_some((i, row))
        };
        Self((0_u64..).zip(buckets).filter_map(row).collect())
    }
}

impl PartialEq for GenRows {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Serialize for GenRows {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|(i, [gen_, oldest, gc_gen])| {
            (i, gen_, oldest, gc_gen, gen_.wrapping_sub(*oldest))
        }))
    }
}

impl CorpusFinding {
    /// A finding of a pass, and how it was answered.
    #[must_use]
    pub fn of(pass: i64, found: &Found, answer: Answer) -> Self {
        Self {
            pass,
            flags: found.flags.bits(),
            code: super::FindingName(found.code),
            text: found.text.clone(),
            ret: match answer {
                Answer::Fix => "FIX",
                Answer::Ignore => "IGNORE",
                Answer::Exit => "EXIT",
            },
        }
    }
}

impl State<'static> {
    /// Of an image as it is now, to be written later.
    #[must_use]
    pub fn saved(image: &Image<'_>) -> Self {
        State::with(image, |buckets| Rows::Saved(saved(buckets).collect()))
    }
}

impl<'a> State<'a> {
    /// Of an image, its buckets as they are when the document is written.
    #[must_use]
    pub fn of(image: &'a Image<'_>) -> Self {
        Self::with(image, Rows::Live)
    }

    fn with<'i: 'a, 'b>(
        image: &'i Image<'_>,
        rows: impl Fn(&'i [Bucket]) -> Rows<'b>,
    ) -> State<'b> {
        let devs = image.fs().members().map(|(idx, dev)| Device {
            dev: idx,
            nbuckets: dev.member.nbuckets,
            first_bucket: dev.member.first_bucket,
            bucket_size: dev.member.bucket_size,
            online: dev.online.is_some(),
            usage: DeviceUsage::from(&image.device_usage(idx)),
            buckets: rows(&dev.buckets),
        });
        let devs = devs.collect();
        let mut stripes = Vec::new();
        image.each_stripe(|idx, s| {
            if *s != gc_core::layout::Stripe::ZERO {
                stripes.push(Stripe::of(idx, s));
            }
        });
        State {
            key_version: image.highest_key_version(),
            devs,
            usage_base: Usage::of(image),
            usage_pending: None,
            stripes,
        }
    }
}

impl From<&DevUsage> for DeviceUsage {
    fn from(u: &DevUsage) -> Self {
        Self {
            buckets: u.buckets,
            buckets_alloc: u.buckets_alloc,
            buckets_ec: u.buckets_ec,
            buckets_unavailable: u.buckets_unavailable,
            sectors: u.sectors,
            sectors_fragmented: u.sectors_fragmented,
        }
    }
}

impl Usage {
    fn of(image: &Image<'_>) -> Self {
        image.with_usage(|words, table| {
            let word = |i: usize| words.get(i).copied().unwrap_or(0);
            let sets = (11_usize..).zip(table.view().iter());
            let set = |(i, e): (usize, gc_core::accounting::replicas::EntryRef<'_>)| Replicas {
                text: e.to_string(),
                bytes: hex(e.as_bytes()),
                sectors: word(i),
            };
            Self {
                online_reserved: word(0),
                hidden: word(1),
                btree: word(2),
                data: word(3),
                cached: word(4),
                reserved: word(5),
                nr_inodes: word(6),
                persistent_reserved: [word(7), word(8), word(9), word(10)],
                replicas: sets.map(set).collect(),
            }
        })
    }
}

impl Stripe {
    /// A stripe and its index.
    #[must_use]
    pub fn of(idx: u64, s: &gc_core::layout::Stripe) -> Self {
        let devices = Entry::from_padded(&s.r);
        Self {
            idx,
            alive: u8::from(s.alive()),
            sectors: s.sectors,
            algorithm: s.algorithm,
            nr_blocks: s.nr_blocks,
            nr_redundant: s.nr_redundant,
            blocks_nonempty: s.blocks_nonempty,
            block_sectors: s.block_sectors,
            r: devices.map_or_else(String::new, |e| hex(e.get().as_bytes())),
        }
    }
}
