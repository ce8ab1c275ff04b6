// SPDX-License-Identifier: GPL-2.0-only
//! Keys that cannot be counted, and surroundings that have less than is asked for.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests"
)]

use gc_core::accounting::replicas::Table;
use gc_core::accounting::stripes::NoSlot;
use gc_core::accounting::{
    Ctx, Device, Devices, Geometry, MarkError, Sink, StripeTable, Stripes, Trigger, Usage,
};
use gc_core::bkey::KeyRef;
use gc_core::finding::{Answer, BadReference, Finding};
use gc_core::layout::btree::{BTREE_TRIGGER_GC, BTREE_TRIGGER_OVERWRITE};
use gc_core::layout::{Bkey, Bpos, Bucket, BucketMark, ExtentPtr, KeyType, Stripe};
use std::sync::atomic::Ordering::Relaxed;

#[derive(Default)]
struct Said(Vec<String>);

impl Sink for Said {
    fn raise(&mut self, finding: &Finding<'_>) -> Answer {
        self.0.push(finding.to_string());
        Answer::Ignore
    }

    fn inconsistent(&mut self, finding: &Finding<'_>) {
        self.0.push(finding.to_string());
    }

    fn unprinted(&mut self, finding: &Finding<'_>) {
        self.0.push(finding.to_string());
    }
}

/// Eight buckets of 16 sectors of generation 5; the usage of devices is not kept.
struct Fs<T> {
    buckets: Vec<Bucket>,
    usage: Usage,
    stripes: T,
    said: Said,
}

impl<T: Stripes> Fs<T> {
    fn new(stripes: T) -> Self {
        let buckets: Vec<Bucket> = (0..8).map(|_| Bucket::default()).collect();
        buckets.iter().for_each(|b| b.mark.store(BucketMark(0).with_gen(5).0, Relaxed));
        Self { buckets, usage: Usage::default(), stripes, said: Said::default() }
    }

    fn with<R>(&mut self, f: impl FnOnce(&mut Ctx<'_, Devices<'_>, T, Said>) -> R) -> R {
        let geometry = Geometry { bucket_size: 16, first_bucket: 1, nbuckets: 8 };
        let slots = [Some(Device { geometry, buckets: &self.buckets, live: &self.buckets })];
        let table = Table::new();
        f(&mut Ctx {
            buckets: &Devices(&slots),
            stripes: &mut self.stripes,
            sink: &mut self.said,
            replicas: table.view(),
            usage: &mut self.usage,
            devs: None,
            btree_node_size: 16,
        })
    }

    fn mark(&mut self, type_: KeyType, p: Bpos, v: &[u64], flags: u32) -> Result<(), MarkError> {
        let mut k = Bkey::new(p, 8);
        k.type_ = type_;
        k.u64s += u8::try_from(v.len()).unwrap();
        let t = Trigger { offset: 0, sectors: 8, journal_seq: 0, flags };
        self.with(|ctx| ctx.mark_key(KeyRef::new(&k, v), &t))
    }

    fn marks(&self) -> Vec<BucketMark> {
        self.buckets.iter().map(|b| b.load_mark(Relaxed)).collect()
    }

    fn untouched(&self) -> bool {
        self.usage.is_zero() && self.marks().iter().all(|m| m.0 == 5)
    }
}

fn ptr(bucket: u64, gen_: u8) -> u64 {
    ExtentPtr::new(0, bucket * 16, gen_).0
}

/// 16 sectors, one of the blocks for parity, no checksums.
fn stripe(nr_blocks: u8, ptrs: &[u64]) -> Vec<u64> {
    let mut v = vec![u64::from_le_bytes([16, 0, 0, nr_blocks, 1, 0, 0, 0])];
    v.extend(ptrs);
    v
}

// Oracle: docs/facts/marking.md: the original reads behind such values; here they are
// told with their key, and nothing is counted.
#[test]
fn values_that_are_too_short_count_nothing() {
    let bad = Err(MarkError::Bad(BadReference::Value));
    for (type_, p, v, name) in [
        (KeyType::RESERVATION, Bpos::new(9, 8), vec![], "reservation"),
        (KeyType::STRIPE, Bpos::new(0, 3), vec![], "stripe"),
        // All fields are said to be there, of the last one a byte is missing.
        (KeyType::ALLOC, Bpos::new(0, 2), vec![0x053f], "alloc"),
    ] {
        let mut fs = Fs::new(StripeTable::new());
        assert_eq!(fs.mark(type_, p, &v, 0), bad, "{name}");
        assert!(fs.untouched() && fs.stripes.get(3).is_none(), "{name}");
        let head = "reference cannot be counted: value not understood\nwhile marking u64s";
        let said = fs.said.0.concat();
        assert!(said.starts_with(head) && said.contains(&format!(" type {name} ")), "{said}");
    }
}

// Oracle: docs/facts/marking.md: where the original would die: more sectors go than the
// key has, and a key on more devices than an entry takes.
#[test]
fn keys_beyond_their_bounds_are_refused() {
    let p = Bpos::new(9, 8);
    let mut fs = Fs::new(StripeTable::new());
    let mut k = Bkey::new(p, 8);
    (k.type_, k.u64s) = (KeyType::EXTENT, 6);
    let v = [ptr(2, 5)];
    let t = Trigger { offset: 0, sectors: -9, journal_seq: 0, flags: BTREE_TRIGGER_OVERWRITE };
    let marked = fs.with(|ctx| ctx.mark_key(KeyRef::new(&k, &v), &t));
    assert_eq!(marked, Err(MarkError::Bad(BadReference::PastEnd)));
    assert!(fs.untouched());
    for (nr, want) in [(16, Ok(())), (17, Err(MarkError::Bad(BadReference::TooManyDevices)))] {
        let mut fs = Fs::new(StripeTable::new());
        let v = vec![ptr(2, 5); nr];
        assert_eq!(fs.mark(KeyType::EXTENT, p, &v, BTREE_TRIGGER_GC), want);
        // The pointers themselves have been counted by then.
        assert_eq!(usize::from(fs.marks()[2].dirty_sectors()), 8 * nr);
    }
}

// Oracle: a sum by hand: nothing that one thread counts is lost to another.
#[test]
fn marks_of_several_threads_add_up() {
    const KEYS: u16 = 4000;
    let fs = Fs::new(StripeTable::new());
    let geometry = Geometry { bucket_size: 16, first_bucket: 1, nbuckets: 8 };
    let slots = [Some(Device { geometry, buckets: &fs.buckets, live: &fs.buckets })];
    let table = Table::new();
    let start = std::sync::Barrier::new(4);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                let mut ctx = Ctx {
                    buckets: &Devices(&slots),
                    stripes: &mut StripeTable::new(),
                    sink: &mut Said::default(),
                    replicas: table.view(),
                    usage: &mut Usage::default(),
                    devs: None,
                    btree_node_size: 16,
                };
                let v = [ptr(2, 5)];
                let mut k = Bkey::new(Bpos::new(9, 1), 1);
                (k.type_, k.u64s) = (KeyType::EXTENT, 6);
                let key = KeyRef::new(&k, &v);
                start.wait();
                let comes = Trigger::gc(key, false);
                let goes =
                    Trigger { sectors: -1, flags: comes.flags | BTREE_TRIGGER_OVERWRITE, ..comes };
                for _ in 0..KEYS {
                    for t in [comes, goes, comes, goes, comes, goes, comes] {
                        ctx.mark_key(key, &t).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(fs.marks()[2].dirty_sectors(), 4 * KEYS);
}

// Oracle: counting by hand: blocks whose pointers are there get their mark, the value
// that ends before the last block is told.
#[test]
fn a_stripe_that_lacks_blocks_marks_those_it_has() {
    let mut fs = Fs::new(StripeTable::new());
    let v = stripe(3, &[ptr(2, 5), ptr(4, 5)]);
    let bad = Err(MarkError::Bad(BadReference::Value));
    assert_eq!(fs.mark(KeyType::STRIPE, Bpos::new(0, 3), &v, BTREE_TRIGGER_GC), bad);
    let in_stripe: Vec<usize> = (0..8).filter(|b| fs.marks()[*b].stripe()).collect();
    assert_eq!(in_stripe, [2, 4]);
    assert!(fs.usage.is_zero() && fs.stripes.get(3).unwrap().alive());
}

// Oracle: docs/facts/marking.md, the text of a key: a pointer behind its bucket is stale,
// one at a device or bucket there is none of is not.
#[test]
fn the_text_of_a_refused_key_tells_stale_pointers() {
    for (first, stale) in [
        (ptr(2, 4), true),
        (ptr(2, 5), false),
        (ptr(9, 4), false),
        (ExtentPtr::new(3, 32, 4).0, false),
    ] {
        let mut fs = Fs::new(StripeTable::new());
        // The pointer at fault is the first one or the one behind it.
        let v = [first, ExtentPtr::new(9, 32, 5).0];
        assert!(fs.mark(KeyType::EXTENT, Bpos::new(9, 8), &v, 0).is_err());
        let said = fs.said.0.last().unwrap();
        assert_eq!(said.contains("gen 4 stale"), stale, "{said}");
        assert!(!said.contains("gen 5 stale"), "{said}");
    }
}

// Oracle: the same marks as where the usage of devices is kept, by hand.
#[test]
fn marks_do_not_need_the_usage_of_devices() {
    let mut fs = Fs::new(StripeTable::new());
    let v = [ptr(2, 5)];
    assert_eq!(fs.mark(KeyType::EXTENT, Bpos::new(9, 8), &v, BTREE_TRIGGER_GC), Ok(()));
    assert_eq!((fs.marks()[2].dirty_sectors(), fs.usage.is_zero()), (8, true));
    assert_eq!(fs.with(|ctx| ctx.invalidate_bucket(0, 3)), Ok(BucketMark(0).with_gen(5)));
    let new = fs.marks()[3];
    assert_eq!((new.gen_(), new.owned_by_allocator()), (6, true));
}

/// Stripes that note what is said of them; without memory there is no slot.
struct Noting {
    table: StripeTable,
    memory: bool,
    keeps: bool,
    said: Vec<(&'static str, u64)>,
}

impl Noting {
    fn new(memory: bool, keeps: bool) -> Self {
        Self { table: StripeTable::new(), memory, keeps, said: Vec::new() }
    }
}

impl Stripes for Noting {
    fn get(&mut self, idx: u64) -> Option<&mut Stripe> {
        self.table.get(idx)
    }

    fn get_or_alloc(&mut self, idx: u64) -> Result<&mut Stripe, NoSlot> {
        if self.memory { self.table.get_or_alloc(idx) } else { Err(NoSlot) }
    }

    fn nonempty_changed(&mut self, idx: u64) {
        self.said.push(("changed", idx));
    }

    fn removed(&mut self, idx: u64) {
        self.said.push(("removed", idx));
        if !self.keeps {
            self.table.clear();
        }
    }
}

const BLOCKS: [(u64, u8); 2] = [(2, 5), (4, 5)];

fn two_blocks() -> Vec<u64> {
    stripe(2, &BLOCKS.map(|(b, g)| ptr(b, g)))
}

// Oracle: no memory, no stripe: the error of the table, and no bucket of it marked.
#[test]
fn without_memory_there_is_no_stripe() {
    let mut fs = Fs::new(Noting::new(false, true));
    let marked = fs.mark(KeyType::STRIPE, Bpos::new(0, 3), &two_blocks(), BTREE_TRIGGER_GC);
    assert_eq!(marked, Err(MarkError::NoMemory));
    assert!(fs.untouched() && fs.said.0.is_empty());
}

// Oracle: docs/facts/marking.md: the heap of stripes hears of the live table only: when
// one comes, goes, or a block of it becomes empty or no longer is.
#[test]
fn the_heap_hears_of_live_stripes() {
    let p = Bpos::new(0, 3);
    // A pointer into block 1: which stripe and block, then the pointer itself.
    let data = [16 | 1 << 5 | 3 << 13, ptr(4, 5)];
    for (gc, keeps) in [(0, true), (0, false), (BTREE_TRIGGER_GC, true)] {
        let mut fs = Fs::new(Noting::new(true, keeps));
        // A bucket in use, so that marks in it need no reservation.
        fs.buckets[4].mark.store(BucketMark(5).with_owned_by_allocator(true).0, Relaxed);
        let mut heard = Vec::new();
        let mut now = |fs: &mut Fs<Noting>, want: &[&'static str], done: Result<(), MarkError>| {
            assert_eq!(done, Ok(()), "{:?}", fs.said.0);
            if gc == 0 {
                heard.extend(want.iter().map(|w| (*w, 3)));
            }
            assert_eq!(fs.stripes.said, heard, "{gc}");
        };
        let done = fs.mark(KeyType::STRIPE, p, &two_blocks(), gc);
        now(&mut fs, &["changed"], done);
        // The first pointer fills the block, the second one only adds.
        let done = fs.mark(KeyType::EXTENT, Bpos::new(9, 8), &data, gc);
        now(&mut fs, &["changed"], done);
        let done = fs.mark(KeyType::EXTENT, Bpos::new(9, 16), &data, gc);
        now(&mut fs, &[], done);
        assert_eq!(fs.stripes.get(3).unwrap().blocks_nonempty, 1);
        let done = fs.mark(KeyType::STRIPE, p, &two_blocks(), gc | BTREE_TRIGGER_OVERWRITE);
        now(&mut fs, &["removed"], done);
        assert_eq!(fs.stripes.get(3).copied(), keeps.then_some(Stripe::ZERO));
        assert!(BLOCKS.iter().all(|(b, _)| !fs.marks()[usize::try_from(*b).unwrap()].stripe()));
    }
}
