// SPDX-License-Identifier: GPL-2.0-only
//! Plain keys counted by the engine, the others by the host: the same as if the host
//! counted all, whatever is mixed.
//!
//! Vacuous if no key were plain, or none the host's: both are asserted.

mod common;

use common::{Spec, build, run, snapshot, spec};
use gc_core::finding::Answer;
use gc_core::host::Param;
use gc_core::layout::BtreeId;
use gc_model::{Call, Crc, Key, Model, Options, Ptr, Where};
use proptest::prelude::*;

/// What makes keys unusual. Numbers that choose are taken modulo what there is.
#[derive(Debug, Clone)]
enum Odd {
    /// A bucket's generation is unknown, or behind or ahead of its pointers.
    Gen { dev: u8, bucket: u16, by: u8, unknown: bool },
    /// The table lacks a set of devices.
    Replicas { entry: u8 },
    /// A key has a version that was not recorded.
    Version { back: u8 },
    /// Two keys share a bucket that has no room for both, or is of another type.
    Shared { dev: u8, bucket: u16, size: u32, cached: bool, twice: bool },
}

fn odd() -> impl Strategy<Value = Odd> {
    prop_oneof![
        (any::<u8>(), any::<u16>(), 0..4_u8, any::<bool>())
            .prop_map(|(dev, bucket, by, unknown)| Odd::Gen { dev, bucket, by, unknown }),
        any::<u8>().prop_map(|entry| Odd::Replicas { entry }),
        any::<u8>().prop_map(|back| Odd::Version { back }),
        (any::<u8>(), any::<u16>(), 1..70_000_u32, any::<bool>(), any::<bool>()).prop_map(
            |(dev, bucket, size, cached, twice)| Odd::Shared { dev, bucket, size, cached, twice }
        ),
    ]
}

fn apply(model: &Model, n: usize, odd: &Odd) {
    let members = model.members();
    let pick = |dev: u8, bucket: u16| {
        let dev = members[usize::from(dev) % members.len()];
        let g = dev.geometry();
        let first = u64::from(g.first_bucket);
        (dev, first + u64::from(bucket) % (g.nbuckets - first))
    };
    match *odd {
        Odd::Gen { dev, bucket, by, unknown } => {
            let (dev, bucket) = pick(dev, bucket);
            let mut state = dev.bucket(bucket).unwrap();
            state.mark = state.mark.with_gen(state.mark.gen_().wrapping_add(by).wrapping_sub(1));
            state.gen_valid = !unknown;
            assert!(dev.set_bucket(bucket, state));
        }
        Odd::Replicas { entry } => {
            let all = model.replicas();
            if !all.is_empty() {
                assert!(model.remove_replicas(&all[usize::from(entry) % all.len()]));
            }
        }
        Odd::Version { back } => {
            let version = model.recorded_key_version();
            model.record_key_version(version.saturating_sub(u64::from(back % 4)));
        }
        Odd::Shared { dev, bucket, size, cached, twice } => {
            let (dev, bucket) = pick(dev, bucket);
            let gen_ = dev.bucket(bucket).unwrap().mark.gen_();
            let idx = u8::try_from(dev.idx()).unwrap();
            let sector = bucket * u64::from(dev.geometry().bucket_size);
            let ptr = Ptr { cached, ..Ptr::new(idx, sector, gen_) };
            let ptrs = if twice { vec![ptr, Ptr { sector: sector + 1, ..ptr }] } else { vec![ptr] };
            let end = gc_core::layout::Bpos::new(9000 + n as u64, 100_000);
            let key = Key::extent(end, size, None, &ptrs).unwrap();
            // Without room for a node it is left out on both sides.
            let _full = model.insert(Where::Btree, BtreeId::EXTENTS, key);
        }
    }
}

fn made(spec: &Spec, lends: bool, odd: &[Odd], answer: Answer) -> Model {
    let model = build(&Spec { lends, ..spec.clone() });
    model.set_insert_version(7);
    odd.iter().enumerate().for_each(|(n, odd)| apply(&model, n, odd));
    model.policy(|p| p.all = answer);
    model.clear_events();
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    // Oracle: the host that counts all: the same messages in the same order, the same
    // result, the same file system.
    #[test]
    fn counting_here_is_counting_there(
        spec in spec(true),
        odd in prop::collection::vec(odd(), 0..8),
        answer in prop_oneof![Just(Answer::Fix), Just(Answer::Ignore)],
        metadata_only in any::<bool>(),
    ) {
        let models = [false, true].map(|lends| made(&spec, lends, &odd, answer));
        let rets = models.each_ref().map(|m| run(m, true, metadata_only));
        prop_assert_eq!(rets[0], rets[1]);
        let said = models.each_ref().map(|m| (m.findings(), m.lines()));
        prop_assert_eq!(&said[0], &said[1]);
        prop_assert_eq!(snapshot(&models[0]), snapshot(&models[1]));
        let by_host = models.each_ref().map(|m| m.count(Call::MarkKey));
        prop_assert!(by_host[1] <= by_host[0]);
    }

    // Oracle: as above, where the run is stopped at any finding.
    #[test]
    fn stopping_is_the_same(
        spec in spec(true),
        odd in prop::collection::vec(odd(), 1..8),
        at in 0..6_usize,
    ) {
        let models = [false, true].map(|lends| made(&spec, lends, &odd, Answer::Fix));
        for m in &models {
            m.policy(|p| p.exit_at = Some(at));
        }
        let rets = models.each_ref().map(|m| run(m, true, false));
        prop_assert_eq!(rets[0], rets[1]);
        let said = models.each_ref().map(|m| (m.findings(), m.lines()));
        prop_assert_eq!(&said[0], &said[1]);
        prop_assert_eq!(snapshot(&models[0]), snapshot(&models[1]));
    }
}

const SIZE: u64 = 128;

fn extents(lends: bool, ptrs: &[&[Ptr]], crc: Option<Crc>) -> Model {
    let options = Options { nr_devices: 2, nbuckets: 3000, ..Options::default() };
    let model = Model::new(&options).unwrap();
    model.set_param(Param::Lends, lends);
    for (i, ptrs) in (1..).zip(ptrs) {
        let key = Key::extent(gc_core::layout::Bpos::new(4096, i * 8), 8, crc, ptrs).unwrap();
        model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
    }
    model.settle();
    model.clear_events();
    model
}

// Oracle: the kinds of keys that docs/design.md calls plain, and the naive recount.
#[test]
fn which_keys_are_plain() {
    let p = |dev, bucket: u64| Ptr::new(dev, bucket * SIZE, 0);
    let crc = Some(Crc {
        compressed_size: 4,
        uncompressed_size: 16,
        offset: 0,
        csum_type: 5,
        compression_type: 1,
    });
    let stripe = Ptr::new(0, 700 * SIZE, 0).in_stripe(0, 0);
    let cases: [(&[Ptr], Option<Crc>, bool); 8] = [
        (&[p(0, 600)], None, true),
        (&[p(0, 600)], crc, true),
        (&[p(0, 600), p(1, 601)], None, true),
        (&[p(1, 600), p(0, 601), p(0, 602).cached()], crc, true),
        (&[p(0, 602).cached()], None, true),
        // A bucket twice, five copies, a block of a stripe.
        (&[p(0, 600), Ptr::new(0, 600 * SIZE + 8, 0)], None, false),
        (&[p(0, 600), p(1, 601), p(0, 602), p(1, 603), p(0, 604)], None, false),
        (&[stripe], None, false),
    ];
    for (ptrs, crc, plain) in cases {
        let model = extents(true, &[ptrs], crc);
        assert_eq!(run(&model, true, false), Ok(()));
        assert_eq!(model.count(Call::MarkKey) == 0, plain, "{ptrs:?}");
        assert!(model.count(Call::UsageAdd) > 0);
        if ptrs != [stripe] {
            assert_eq!(model.differences(), Vec::<String>::new(), "{ptrs:?}");
            assert_eq!(model.findings(), []);
        }
        let asked = extents(false, &[ptrs], crc);
        assert_eq!(run(&asked, true, false), Ok(()));
        assert_eq!(snapshot(&asked), snapshot(&model), "{ptrs:?}");
        assert!(asked.count(Call::MarkKey) > 0);
    }
}

// Oracle: the naive recount, on a device most of whose buckets were never used; what is
// wrong in any of them is found all the same.
#[test]
fn stretches_without_anything() {
    for (lends, wrong) in [false, true].into_iter().flat_map(|l| (0..5).map(move |w| (l, w))) {
        let ptr = Ptr::new(0, 2000 * SIZE, 0);
        let model = extents(lends, &[&[ptr]], None);
        for dev in model.members() {
            for b in 0..dev.geometry().nbuckets {
                let mut state = dev.bucket(b).unwrap();
                state.gen_valid = state.mark.0 != 0;
                assert!(dev.set_bucket(b, state));
            }
        }
        let bucket = [2900, 1500, 1200, 900, 2000][wrong];
        let dev = model.members()[0];
        let mut state = dev.bucket(bucket).unwrap();
        match wrong {
            0 => state.mark = state.mark.with_dirty_sectors(3),
            1 => state.oldest_gen = 9,
            2 => state.mark = state.mark.with_owned_by_allocator(true),
            3 => state.mark = state.mark.with_stripe(true),
            // Nothing is known of the bucket in use.
            _ => state = gc_model::BucketState { gen_valid: false, ..Default::default() },
        }
        assert!(dev.set_bucket(bucket, state));
        model.policy(|p| p.all = Answer::Fix);
        assert_eq!(run(&model, true, false), Ok(()));
        let found = model.findings().len();
        assert_eq!(found, [1, 0, 1, 1, 3][wrong], "{:?}", model.findings());
        assert_eq!(model.differences(), Vec::<String>::new());
        let plain = lends && wrong != 4;
        assert_eq!(model.count(Call::MarkKey) == 0, plain);
    }
}

// Oracle: the children that are got, one by one; each is told before, none twice, and
// of no node more than 16 that were not got yet.
#[test]
fn children_are_told_ahead() {
    let options = Options { nbuckets: 3000, node_keys: 40, ..Options::default() };
    let model = Model::new(&options).unwrap();
    for i in 1..=2000 {
        let ptr = Ptr::new(0, (600 + i) * SIZE, 0);
        let pos = gc_core::layout::Bpos::new(4096, i * 8);
        let key = Key::extent(pos, 8, None, &[ptr]).unwrap();
        model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
    }
    model.settle();
    model.clear_events();
    assert_eq!(run(&model, true, false), Ok(()));
    let (mut told, mut got, mut most) = (0_usize, 0_usize, 0);
    for event in model.events() {
        match event.call {
            Call::ReadAhead => told += 1,
            Call::NodeGet => got += 1,
            _ => continue,
        }
        assert!(got <= told);
        most = most.max(told - got);
    }
    assert_eq!(told, got);
    let interior = usize::from(model.depth(BtreeId::EXTENTS)) - 1;
    assert!(got > 50 && (16..=16 * interior).contains(&most), "{got} {most}");

    // In a pass over metadata leaves are not read.
    model.clear_events();
    assert_eq!(run(&model, true, true), Ok(()));
    assert_eq!(model.count(Call::ReadAhead), model.count(Call::NodeGet));
}
