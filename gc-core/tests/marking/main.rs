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
mod outcomes;
mod random;

use encode::encode;
use gc_core::accounting::replicas::{EntryRef, Table};
use gc_core::accounting::{
    BucketReference, Ctx, Device, Devices, Geometry, MarkError, Outcome, Sink, StripeTable,
    Trigger, Usage, dev_usage_from_buckets,
};
use gc_core::bkey::KeyRef;
use gc_core::finding::{Answer, Finding, Marking};
use gc_core::layout::{Bucket, BucketMark, DataType, DevUsage};
use naive::{Change, Dev, Key, Naive, Stop, StripeKey};
use proptest::prelude::*;
use random::{Step, devs, size_of, step, table};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    /// What became of the references of the last key.
    told: Vec<(BucketReference, Outcome)>,
}

impl Said {
    fn add(&mut self, finding: &Finding<'_>) {
        if matches!(finding, Finding::Marking(Marking::Bad { .. })) {
            return;
        }
        let text = finding.to_string();
        self.lines.push(text.lines().next().unwrap_or_default().into());
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

    fn observes(&self) -> bool {
        true
    }

    fn reference(&mut self, reference: &BucketReference, outcome: Outcome) {
        self.told.push((*reference, outcome));
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
    assert_eq!(real.said.lines, naive.said);
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
                let marks = outcomes::marks(&naive);
                let got = real.with(|m| m.mark_key(key_ref, &trigger(c)));
                // Reading alloc keys leaves the usage to a recount afterwards.
                assert!(!read || before == real.dev_usage);
                let want = naive.mark(key, c);
                let told = std::mem::take(&mut real.said.told);
                outcomes::check(&told, key, c, want, (&marks, &naive));
                (got, want)
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
