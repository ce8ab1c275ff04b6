// SPDX-License-Identifier: GPL-2.0-only
//! Marking against a naive recount, over random file systems and keys.
//!
//! Oracle: `naive.rs`, written from docs/facts/marking.md alone: same result,
//! same buckets, usage, stripes and messages after every step, failed ones
//! included. A run would be vacuous if every key were refused or nothing were in
//! the table; the last test counts how often each outcome happens.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test may abort when memory is short"
)]

mod encode;
mod naive;

use encode::encode;
use gc_core::accounting::replicas::{EntryRef, Table};
use gc_core::accounting::{
    Ctx, Device, Devices, Geometry, MarkError, Sink, StripeTable, Trigger, Usage,
    dev_usage_from_buckets,
};
use gc_core::bkey::KeyRef;
use gc_core::finding::{Answer, Finding, Marking};
use gc_core::layout::{Bucket, BucketMark, DataType, DevUsage};
use naive::{Alloc, Change, Dev, E, Key, Naive, Stop, StripeKey};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

const BUCKETS: u64 = 7;

#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn add(&mut self, finding: &Finding<'_>) {
        if matches!(finding, Finding::Marking(Marking::Bad { .. })) {
            return;
        }
        let text = finding.to_string();
        self.0.push(text.lines().next().unwrap_or_default().into());
    }
}

impl Sink for Said {
    fn raise(&mut self, finding: &Finding<'_>) -> Answer {
        assert_eq!(finding.flags().bits(), 6);
        self.add(finding);
        Answer::Ignore
    }

    fn inconsistent(&mut self, finding: &Finding<'_>) {
        assert_eq!(finding.flags().bits(), 0);
        self.add(finding);
    }

    fn unprinted(&mut self, finding: &Finding<'_>) {
        self.add(finding);
    }
}

fn to_mark(b: &naive::Bucket) -> BucketMark {
    // By bit position, without the accessors.
    BucketMark(
        u64::from(b.gen_)
            | u64::from(b.data_type) << 8
            | u64::from(b.owned) << 11
            | u64::from(b.seq.is_some()) << 12
            | u64::from(b.stripe) << 13
            | u64::from(b.dirty) << 16
            | u64::from(b.cached) << 32
            | u64::from(b.seq.unwrap_or(0)) << 48,
    )
}

fn to_bucket(b: &naive::Bucket) -> Bucket {
    let out = Bucket::default();
    out.mark.store(to_mark(b).0, Relaxed);
    out
}

/// The real thing, beside the naive one.
struct Real {
    devs: BTreeMap<u8, (Geometry, Vec<Bucket>)>,
    table: Table,
    usage: Usage,
    dev_usage: Vec<DevUsage>,
    stripes: StripeTable,
    said: Said,
    node_size: u16,
}

impl Real {
    fn new(n: &Naive) -> Self {
        let devs: BTreeMap<u8, (Geometry, Vec<Bucket>)> = n
            .devs
            .iter()
            .map(|(&i, d)| {
                let geometry = Geometry {
                    bucket_size: d.bucket_size,
                    first_bucket: d.first,
                    nbuckets: d.buckets.len() as u64,
                };
                (i, (geometry, d.buckets.iter().map(to_bucket).collect()))
            })
            .collect();
        let entries: Vec<_> = n.table.keys().map(|e| EntryRef::first_of(e).unwrap()).collect();
        let table = Table::from_entries(entries.iter().copied()).unwrap();
        let mut usage = Usage::zeroed(table.view().len()).unwrap();
        let mut dev_usage = vec![DevUsage::default(); 8];
        for (&i, (g, buckets)) in &devs {
            let (u, hidden) = recount(*g, buckets);
            dev_usage[usize::from(i)] = u;
            usage.head.hidden += hidden;
        }
        let stripes = StripeTable::new();
        Self {
            devs,
            table,
            usage,
            dev_usage,
            stripes,
            said: Said::default(),
            node_size: n.node_size,
        }
    }

    fn with<R>(&mut self, f: impl FnOnce(&mut Ctx<'_, Devices<'_>, StripeTable, Said>) -> R) -> R {
        let slots: Vec<_> = (0..8)
            .map(|i| {
                let (geometry, buckets) = self.devs.get(&i)?;
                Some(Device { geometry: *geometry, buckets, live: buckets })
            })
            .collect();
        let mut ctx = Ctx {
            buckets: &Devices(&slots),
            stripes: &mut self.stripes,
            sink: &mut self.said,
            replicas: self.table.view(),
            usage: &mut self.usage,
            devs: Some(&mut self.dev_usage),
            btree_node_size: self.node_size,
        };
        f(&mut ctx)
    }
}

fn recount(g: Geometry, buckets: &[Bucket]) -> (DevUsage, u64) {
    let used = buckets.iter().skip(usize::from(g.first_bucket));
    dev_usage_from_buckets(g, used.map(|b| b.load_mark(Relaxed)))
}

fn outcome(r: Result<(), MarkError>) -> Result<(), Stop> {
    r.map_err(|e| match e {
        MarkError::Refused => Stop::Refused,
        MarkError::NoStripe => Stop::NoStripe,
        MarkError::StripeNotThere => Stop::StripeNotThere,
        MarkError::Bad(_) => Stop::Abort,
        MarkError::NoMemory => panic!("out of memory"),
    })
}

fn words(u: &DevUsage) -> [u64; 16] {
    let mut out = [0; 16];
    out[..6].copy_from_slice(&u.buckets);
    out[6..9].copy_from_slice(&[u.buckets_alloc, u.buckets_ec, u.buckets_unavailable]);
    out[9..15].copy_from_slice(&u.sectors);
    out[15] = u.sectors_fragmented;
    out
}

fn wrap(v: i128) -> u64 {
    v.rem_euclid(1 << 64) as u64
}

fn compare(real: &Real, naive: &Naive, allocs_were_read: bool) {
    let mut hidden = 0;
    for (i, (g, buckets)) in &real.devs {
        for (nr, (b, n)) in buckets.iter().zip(&naive.devs[i].buckets).enumerate() {
            assert_eq!(b.load_mark(Relaxed), to_mark(n), "{i}:{nr}");
            assert_eq!(b.gen_valid(), n.valid);
            assert_eq!(b.oldest_gen.load(Relaxed), n.oldest);
            assert_eq!([0, 1].map(|t| b.io_time[t].load(Relaxed)), n.times);
        }
        let (want, h) = naive.dev_usage(*i);
        hidden += h;
        assert_eq!(words(&recount(*g, buckets).0), want, "recount of device {i}");
        if !allocs_were_read {
            assert_eq!(words(&real.dev_usage[usize::from(*i)]), want, "device {i}");
        }
    }
    let head = &real.usage.head;
    if !allocs_were_read {
        assert_eq!(head.hidden, hidden);
    }
    assert_eq!(head.reserved, wrap(naive.reserved));
    assert_eq!(head.persistent_reserved, naive.by_replicas.map(wrap));
    assert_eq!(head.nr_inodes, wrap(naive.inodes));
    let mut sums = [0_i128; 6];
    for (e, &v) in &naive.table {
        let at = real.table.view().find(EntryRef::first_of(e).unwrap()).unwrap();
        assert_eq!(real.usage.replicas[at], wrap(v), "{e:?}");
        sums[usize::from(e[0])] += v;
    }
    assert_eq!([head.btree, head.data, head.cached], [sums[3], sums[4], sums[5]].map(wrap));
    for (idx, n) in &naive.stripes {
        let s = real.stripes.peek(*idx).unwrap();
        assert_eq!((s.alive(), s.dirty()), (n.alive, n.dirty));
        let got = (s.sectors, s.nr_blocks, s.nr_redundant, s.blocks_nonempty, s.block_sectors);
        assert_eq!(got, (n.sectors, n.nr_blocks, n.redundant, n.nonempty, n.blocks));
        assert_eq!(s.r.pad[..usize::from(s.r.e.nr_devs)], n.devs);
        if n.alive {
            assert_eq!(s.r.e.data_type, DataType::USER);
            assert_eq!(s.r.e.nr_required, n.nr_blocks.wrapping_sub(n.redundant));
        }
    }
    assert_eq!(real.stripes.iter().count(), naive.stripes.len());
    assert_eq!(real.said.0, naive.said);
}

#[derive(Debug, Clone)]
enum Step {
    Key(Key, Change),
    Metadata(u8, u64, u8, u32),
    /// Device, bucket, owned by the allocator, array 1.
    Owned(u8, u64, bool, bool),
    Invalidate(u8, u64),
    /// The key of an earlier step goes.
    Undo(prop::sample::Index),
}

fn gens() -> impl Strategy<Value = u8> {
    prop_oneof![8 => Just(1_u8), 1 => 0..4_u8, 1 => any::<u8>()]
}

fn bucket() -> impl Strategy<Value = naive::Bucket> {
    let sectors = || prop_oneof![4 => Just(0_u16), 2 => 0..40_u16, 1 => 65500..=65535_u16];
    let t = prop_oneof![8 => Just(0_u8), 4 => 3..=4_u8, 1 => 0..8_u8];
    (gens(), t, any::<bool>(), prop::bool::weighted(0.2), sectors(), sectors()).prop_map(
        |(gen_, data_type, owned, stripe, dirty, cached)| naive::Bucket {
            gen_,
            data_type,
            owned,
            stripe,
            dirty: if data_type == 0 { 0 } else { dirty },
            cached: if data_type == 0 { 0 } else { cached },
            ..naive::Bucket::default()
        },
    )
}

fn devs() -> impl Strategy<Value = BTreeMap<u8, Dev>> {
    let dev = |first, size| {
        prop::collection::vec(bucket(), BUCKETS as usize).prop_map(move |buckets| Dev {
            bucket_size: size,
            first,
            buckets,
        })
    };
    // Device 1 is missing.
    (dev(0, 16), dev(2, 32), dev(1, 24))
        .prop_map(|(a, b, c)| BTreeMap::from([(0, a), (2, b), (3, c)]))
}

fn dev_idx() -> impl Strategy<Value = u8> {
    prop_oneof![30 => prop::sample::select(vec![0_u8, 2, 3]), 1 => 0..9_u8]
}

fn sector() -> impl Strategy<Value = u64> {
    prop_oneof![30 => 64..96_u64, 5 => 0..240_u64, 1 => 0..1_u64 << 44]
}

fn entry() -> impl Strategy<Value = E> {
    prop_oneof![
        6 => (dev_idx(), sector(), gens(), prop::bool::weighted(0.25))
            .prop_map(|(d, s, g, c)| E::Ptr(d, s, g, c)),
        1 => (1..20_u32, 1..40_u32).prop_map(|(n, d)| E::Crc(n, d)),
        1 => (1..8000_u32, 1..8000_u32).prop_map(|(n, d)| E::Crc(n, d)),
        2 => (0..3_u64, prop_oneof![9 => 0..6_u8, 1 => any::<u8>()])
            .prop_map(|(i, b)| E::Ec(i, b)),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    let entries = || prop::collection::vec(entry(), 0..7);
    let size = || prop_oneof![20 => 1..24_u32, 1 => Just(0_u32), 1 => 1..5000_u32];
    let alloc = (gens(), 0..8_u8, 0..50_u16, 0..50_u16, any::<u8>(), any::<[u16; 2]>()).prop_map(
        |(gen_, data_type, dirty, cached, oldest, times)| Alloc {
            gen_,
            data_type,
            dirty,
            cached,
            oldest,
            times,
        },
    );
    let at = prop_oneof![20 => dev_idx().prop_map(u64::from), 1 => any::<u64>()];
    let stripe = (
        0..3_u64,
        1..64_u16,
        prop_oneof![9 => 0..3_u8, 1 => any::<u8>()],
        prop_oneof![
            9 => prop::collection::vec((dev_idx(), sector(), gens()), 1..6),
            1 => prop::collection::vec((dev_idx(), sector(), gens()), 0..20)
        ],
        prop::collection::vec(0..3_u16, 20),
    )
        .prop_map(|(idx, sectors, redundant, ptrs, mut counts)| {
            counts.truncate(ptrs.len());
            StripeKey { idx, sectors, redundant: redundant.min(ptrs.len() as u8), ptrs, counts }
        });
    prop_oneof![
        2 => entries().prop_map(Key::BtreePtr),
        2 => entries().prop_map(Key::BtreePtrV2),
        12 => (size(), entries()).prop_map(|(s, e)| Key::Extent(s, e)),
        2 => (size(), entries()).prop_map(|(s, e)| Key::ReflinkV(s, e)),
        8 => (1..9_u32, 0..2_u64, 0..2_u8, prop::sample::select(vec![0_u8, 2, 3])).prop_map(
            |(size, idx, block, dev)| {
                Key::Extent(size, vec![E::Ec(idx, block), E::Ptr(dev, 72, 1, false)])
            }
        ),
        1 => (size(), 0..7_u8).prop_map(|(s, n)| Key::Reservation(s, n)),
        1 => Just(Key::Inode),
        5 => stripe.prop_map(Key::Stripe),
        2 => (at, 0..BUCKETS + 2, alloc).prop_map(|(d, b, a)| Key::Alloc(d, b, a)),
        1 => prop::sample::select(vec![0_u8, 1, 2, 3, 4, 9, 10, 11, 13, 15, 17, 19, 200])
            .prop_map(Key::Other),
    ]
}

fn size_of(key: &Key) -> u32 {
    match key {
        Key::Extent(s, _) | Key::ReflinkV(s, _) | Key::Reservation(s, _) => *s,
        _ => 0,
    }
}

fn step() -> impl Strategy<Value = Step> {
    let change = (
        prop::bool::weighted(0.75),
        prop::sample::select(vec![0_u8, 0, 0, 0, 1, 2]),
        any::<(u32, u32)>(),
        prop_oneof![4 => Just(0_u64), 1 => any::<u64>(), 1 => Just(1_u64 << 32)],
        any::<(bool, bool)>(),
    );
    let key = (key(), change).prop_map(|(key, (gc, kind, (a, b), journal_seq, more))| {
        let size = size_of(&key).max(1);
        let (alloc_read, invalidate) = more;
        let all = Change {
            offset: 0,
            sectors: i64::from(size_of(&key)),
            gc,
            overwrite: false,
            split: false,
            alloc_read: alloc_read && !gc,
            invalidate,
            journal_seq,
        };
        let change = match kind {
            0 => all,
            // One more than fits now and then.
            1 => Change { sectors: -i64::from(a % (size + 1)), overwrite: true, ..all },
            _ => {
                let gone = a % size;
                let offset = b % (size - gone + 1);
                let sectors = -i64::from(gone);
                Change { offset, sectors, overwrite: true, split: true, ..all }
            }
        };
        Step::Key(key, change)
    });
    prop_oneof![
        12 => key,
        1 => (dev_idx(), 0..BUCKETS + 1, 1..3_u8, prop_oneof![0..40_u32, 65000..70000_u32])
            .prop_map(|(d, b, t, s)| Step::Metadata(d, b, t, s)),
        1 => (dev_idx(), 0..BUCKETS + 1, any::<(bool, bool)>())
            .prop_map(|(d, b, (owned, gc))| Step::Owned(d, b, owned, gc)),
        1 => (dev_idx(), 0..BUCKETS + 1).prop_map(|(d, b)| Step::Invalidate(d, b)),
        4 => any::<prop::sample::Index>().prop_map(Step::Undo),
    ]
}

/// Entries that the keys of [`key`] can need.
fn table() -> impl Strategy<Value = BTreeMap<Vec<u8>, i128>> {
    let own = prop::collection::vec(
        (3..5_u8, 0..4_u8, prop::collection::vec(prop::sample::select(vec![0_u8, 2, 3]), 1..5)),
        0..30,
    );
    (own, any::<[bool; 3]>()).prop_map(|(own, cached)| {
        let mut out = BTreeMap::new();
        for (t, required, mut devs) in own {
            devs.sort_unstable();
            for r in [required, 1, 0] {
                let mut e = vec![t, devs.len() as u8, r];
                e.extend(&devs);
                out.insert(e, 0);
            }
        }
        for (dev, there) in [0, 2, 3].into_iter().zip(cached) {
            if there {
                out.insert(vec![5, 1, 1, dev], 0);
            }
        }
        // What is common, so that it is usually there.
        out.insert(vec![4, 3, 2, 0, 2, 3], 0);
        for d in [vec![0], vec![2], vec![3], vec![0, 2], vec![0, 3], vec![2, 3]] {
            for t in 3..5 {
                let mut e = vec![t, d.len() as u8, 1];
                e.extend(&d);
                out.insert(e, 0);
            }
        }
        out
    })
}

fn trigger(c: &Change) -> Trigger {
    let bits = [
        (c.gc, 32),
        (c.overwrite, 8),
        (c.split, 16),
        (c.alloc_read, 128),
        (c.invalidate, 64),
        (c.alloc_read, 256),
    ];
    let flags = bits.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum();
    Trigger { offset: c.offset, sectors: c.sectors, journal_seq: c.journal_seq, flags }
}

fn run(
    devs: BTreeMap<u8, Dev>,
    table: BTreeMap<Vec<u8>, i128>,
    steps: &[Step],
    tally: &mut BTreeMap<String, u32>,
) {
    let mut naive = Naive { devs, table, node_size: 16, ..Naive::default() };
    let mut real = Real::new(&naive);
    let mut allocs_were_read = false;
    // Two stripes to begin with, so that pointers into them are common.
    let whole = Change {
        offset: 0,
        sectors: 0,
        gc: true,
        overwrite: false,
        split: false,
        alloc_read: false,
        invalidate: false,
        journal_seq: 0,
    };
    let first = (0..2).map(|idx| {
        let ptrs = vec![(3, 64, 1), (0, 80, 1), (2, 64, 1)];
        let key = StripeKey { idx, sectors: 16, redundant: 1, ptrs, counts: vec![0; 3] };
        Step::Key(Key::Stripe(key), whole)
    });
    let steps: Vec<_> = first.chain(steps.iter().cloned()).collect();
    for s in &steps {
        let undone = match s {
            Step::Undo(earlier) => match earlier.get(&steps) {
                Step::Key(key, c) if !c.overwrite => {
                    let sectors = -i64::from(size_of(key));
                    Step::Key(key.clone(), Change { sectors, overwrite: true, ..*c })
                }
                _ => continue,
            },
            other => other.clone(),
        };
        let s = &undone;
        let (got, want) = match s {
            Step::Key(key, c) => {
                let (k, v) = encode(key);
                let key_ref = KeyRef::new(&k, &v);
                let is_alloc = matches!(key, Key::Alloc(..));
                let read = is_alloc && c.alloc_read;
                allocs_were_read |= read;
                let before = real.dev_usage.clone();
                let got = real.with(|m| m.mark_key(key_ref, &trigger(c)));
                // Reading alloc keys leaves the usage to a recount afterwards.
                assert!(!read || before == real.dev_usage);
                (got, naive.mark(key, c))
            }
            Step::Metadata(d, b, t, sectors) => (
                real.with(|m| m.mark_metadata_bucket(*d, *b, DataType(*t), *sectors)),
                naive.metadata(*d, *b, *t, *sectors),
            ),
            Step::Owned(d, b, owned, gc) => (
                real.with(|m| m.mark_alloc_bucket(*d, *b, *owned, *gc)),
                naive.owned(*d, *b, *owned, *gc),
            ),
            Step::Undo(_) => continue,
            Step::Invalidate(d, b) => {
                let before =
                    naive.devs.get(d).and_then(|d| d.buckets.get(*b as usize)).map(to_mark);
                let got = real.with(|m| m.invalidate_bucket(*d, *b));
                if let Ok(mark) = got {
                    assert_eq!(Some(mark), before);
                }
                (got.map(|_| ()), naive.invalidate(*d, *b))
            }
        };
        assert_eq!(outcome(got), want, "{s:?}");
        compare(&real, &naive, allocs_were_read);
        let kind = match s {
            Step::Key(k, _) => format!("{k:?}").split(['(', ' ']).next().unwrap().to_string(),
            Step::Metadata(..) => "Metadata".into(),
            Step::Owned(..) => "Owned".into(),
            Step::Invalidate(..) | Step::Undo(_) => "Invalidate".into(),
        };
        *tally.entry(format!("{kind} {want:?}")).or_default() += 1;
    }
    let in_stripes = naive.stripes.values().filter(|s| s.alive && s.dirty).count();
    *tally.entry("data in a stripe".into()).or_default() += in_stripes as u32;
    let [again, emptied] = naive.blocks_again;
    *tally.entry("data in a block once more".into()).or_default() += again;
    *tally.entry("block emptied".into()).or_default() += emptied;
    for s in &naive.said {
        let words: Vec<_> = s.split(' ').filter(|w| w.chars().all(char::is_alphabetic)).collect();
        *tally.entry(words.join(" ")).or_default() += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    // Oracle: naive.rs.
    #[test]
    fn marking_is_the_naive_recount(
        devs in devs(), table in table(), steps in prop::collection::vec(step(), 1..24),
    ) {
        run(devs, table, &steps, &mut BTreeMap::new());
    }
}

// Oracle: a count of what the generator reaches; every outcome of every kind of
// key must happen, or the test above says less than it seems to.
#[test]
fn the_generator_reaches_every_outcome() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let all = (devs(), table(), prop::collection::vec(step(), 1..24));
    let mut tally = BTreeMap::new();
    for _ in 0..600 {
        let (devs, table, steps) = all.new_tree(&mut runner).unwrap().current();
        run(devs, table, &steps, &mut tally);
    }
    for want in [
        "Extent Ok(())",
        "Extent Err(Refused)",
        "Extent Err(NoStripe)",
        "Extent Err(Abort)",
        "ReflinkV Ok(())",
        "BtreePtr Ok(())",
        "BtreePtrV2 Ok(())",
        "BtreePtr Err(Refused)",
        "Reservation Ok(())",
        "Inode Ok(())",
        "Stripe Ok(())",
        "Stripe Err(StripeNotThere)",
        "Stripe Err(Abort)",
        "Alloc Ok(())",
        "Metadata Ok(())",
        "Metadata Err(Abort)",
        "Owned Ok(())",
        "Owned Err(Abort)",
        "Invalidate Ok(())",
        "Invalidate Err(Abort)",
        "Other Ok(())",
        "stripe with stale pointer",
        "data in a stripe",
        "data in a block once more",
        "block emptied",
    ] {
        let n: u32 = tally.iter().filter(|(k, _)| k.starts_with(want)).map(|(_, n)| n).sum();
        assert!(n >= 5, "{want}: {n} of {tally:#?}");
    }
    for want in
        ["newer than bucket gen", "too stale", "stale dirty", "different types", "sector count"]
    {
        let n: u32 = tally.iter().filter(|(k, _)| k.contains(want)).map(|(_, n)| n).sum();
        assert!(n >= 5, "{want}: {n} of {tally:#?}");
    }
}
