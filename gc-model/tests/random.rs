// SPDX-License-Identifier: GPL-2.0-only
//! Random file systems: what is consistent stays as it is, what is not becomes what a
//! naive recount says.

mod common;

use common::{
    Spec, assert_no_violation, build, run, snapshot, snapshot_of_metadata, spec, take_findings,
};
use gc_core::finding::Answer;
use gc_core::gens::gc_gens;
use gc_core::layout::{BtreeId, BucketMark, DataType};
use gc_model::{Model, Recount};
use proptest::prelude::*;

/// A wrong count. Numbers that choose are taken modulo what there is.
#[derive(Debug, Clone)]
enum Damage {
    Dirty { dev: u8, bucket: u16, value: u16 },
    Cached { dev: u8, bucket: u16, value: u16 },
    Type { dev: u8, bucket: u16, value: u8 },
    Owned { dev: u8, bucket: u16 },
    InStripe { dev: u8, bucket: u16 },
    Usage { word: u8, add: u64 },
    StripeSectors { stripe: u8, block: u8, value: u16 },
    StripeBlocks { stripe: u8, value: u8 },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = || (any::<u8>(), any::<u16>());
    prop_oneof![
        (at(), any::<u16>()).prop_map(|((dev, bucket), value)| Damage::Dirty {
            dev,
            bucket,
            value
        }),
        (at(), any::<u16>()).prop_map(|((dev, bucket), value)| Damage::Cached {
            dev,
            bucket,
            value
        }),
        (at(), 0..8_u8).prop_map(|((dev, bucket), value)| Damage::Type { dev, bucket, value }),
        at().prop_map(|(dev, bucket)| Damage::Owned { dev, bucket }),
        at().prop_map(|(dev, bucket)| Damage::InStripe { dev, bucket }),
        (any::<u8>(), 1..1000_u64).prop_map(|(word, add)| Damage::Usage { word, add }),
        (any::<u8>(), any::<u8>(), any::<u16>())
            .prop_map(|(stripe, block, value)| Damage::StripeSectors { stripe, block, value }),
        (any::<u8>(), any::<u8>())
            .prop_map(|(stripe, value)| Damage::StripeBlocks { stripe, value }),
    ]
}

fn change_mark(model: &Model, dev: u8, bucket: u16, f: impl Fn(BucketMark) -> BucketMark) {
    let members = model.members();
    let dev = members[usize::from(dev) % members.len()];
    let bucket = u64::from(bucket) % dev.geometry().nbuckets;
    let mut state = dev.bucket(bucket).unwrap();
    state.mark = f(state.mark);
    assert!(dev.set_bucket(bucket, state));
}

fn apply(model: &Model, d: &Damage) {
    let stripe = |n: u8| {
        let all = model.stripe_indexes();
        (!all.is_empty()).then(|| all[usize::from(n) % all.len()])
    };
    match *d {
        Damage::Dirty { dev, bucket, value } => {
            change_mark(model, dev, bucket, |m| m.with_dirty_sectors(value));
        }
        Damage::Cached { dev, bucket, value } => {
            change_mark(model, dev, bucket, |m| m.with_cached_sectors(value));
        }
        Damage::Type { dev, bucket, value } => {
            change_mark(model, dev, bucket, |m| m.with_data_type_raw(value));
        }
        Damage::Owned { dev, bucket } => {
            change_mark(model, dev, bucket, |m| m.with_owned_by_allocator(!m.owned_by_allocator()));
        }
        Damage::InStripe { dev, bucket } => {
            change_mark(model, dev, bucket, |m| m.with_stripe(!m.stripe()));
        }
        Damage::Usage { word, add } => {
            let words = model.usage_words();
            let word = usize::from(word) % words.len();
            // online_reserved is nobody's business here; hidden is derived.
            if word > 1 {
                model.set_usage_word(word, words[word].wrapping_add(add));
            }
        }
        Damage::StripeSectors { stripe: s, block, value } => {
            if let Some((idx, mut s)) = stripe(s).and_then(|i| Some((i, model.stripe(i)?.0))) {
                s.block_sectors[usize::from(block) % 16] = value;
                model.set_stripe(idx, s);
            }
        }
        Damage::StripeBlocks { stripe: s, value } => {
            if let Some((idx, mut s)) = stripe(s).and_then(|i| Some((i, model.stripe(i)?.0))) {
                s.blocks_nonempty = value;
                model.set_stripe(idx, s);
            }
        }
    }
}

fn type_name(t: u8) -> String {
    DataType(t).name().unwrap_or("(null)").to_owned()
}

/// What a run that verifies must find, in order: every field that differs from the
/// recount, by the texts of docs/facts/gc.md.
fn expected(model: &Model) -> Vec<String> {
    let want = Recount::of(model);
    let mut out = Vec::new();
    for idx in model.stripe_indexes() {
        let got = model.stripe(idx).unwrap().0;
        let want = want.stripes[&idx];
        let mut field = |name: &str, got: u64, want: u64| {
            if got != want {
                out.push(format!("stripe {idx} has wrong {name}: got {got}, should be {want}"));
            }
        };
        field("blocks_nonempty", got.blocks_nonempty.into(), want.blocks_nonempty.into());
        for (i, (got, want)) in got.block_sectors.iter().zip(want.block_sectors).enumerate() {
            field(&format!("block_sectors[{i}]"), (*got).into(), want.into());
        }
    }
    for dev in model.members() {
        for (b, want) in (0_u64..).zip(&want.buckets[&dev.idx()]) {
            let got = dev.bucket(b).unwrap().mark;
            let mut data_type = got.data_type_raw();
            let mut field = |name: &str, got: u64, want: u64, data_type: u8| {
                if got != want {
                    out.push(format!(
                        "bucket {}:{b} gen {} data type {} has wrong {name}: \
                         got {got}, should be {want}",
                        dev.idx(),
                        dev.bucket(b).unwrap().mark.gen_(),
                        type_name(data_type),
                    ));
                }
            };
            field("data_type", data_type.into(), want.data_type.0.into(), data_type);
            data_type = want.data_type.0;
            let owned = (got.owned_by_allocator().into(), want.owned.into());
            field("owned_by_allocator", owned.0, owned.1, data_type);
            field("stripe", got.stripe().into(), want.stripe.into(), data_type);
            field("dirty_sectors", got.dirty_sectors().into(), want.dirty, data_type);
            field("cached_sectors", got.cached_sectors().into(), want.cached, data_type);
        }
    }
    let names = [
        "btree",
        "data",
        "cached",
        "reserved",
        "nr_inodes",
        "persistent_reserved[0]",
        "persistent_reserved[1]",
        "persistent_reserved[2]",
        "persistent_reserved[3]",
    ];
    let words = model.usage_words();
    let texts = model.replicas();
    let counted = texts.iter().map(|text| {
        let of = |e: &(u8, u8, Vec<u8>)| {
            Model::make_entry(e.0, e.1, &e.2).unwrap().get().to_string() == *text
        };
        want.replicas.iter().find(|(e, _)| of(e)).map_or(0, |(_, n)| *n)
    });
    let all = names.iter().map(ToString::to_string).chain(texts.iter().cloned());
    let wants = want.words[2..].iter().copied().chain(counted);
    for ((name, got), want) in all.zip(&words[2..]).zip(wants) {
        if *got != want {
            out.push(format!("fs has wrong {name}: got {got}, should be {want}"));
        }
    }
    out
}

fn damaged(spec: &Spec, damage: &[Damage]) -> Model {
    let model = build(spec);
    damage.iter().for_each(|d| apply(&model, d));
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    // Oracle: a settled file system equals the naive recount; so nothing is found and
    // nothing changes, in any kind of run.
    #[test]
    fn consistent_stays_as_it_is(spec in spec(true)) {
        let model = build(&spec);
        let before = (snapshot(&model), snapshot_of_metadata(&model));
        for metadata_only in [true, false, false] {
            prop_assert_eq!(run(&model, true, metadata_only), Ok(()));
            prop_assert_eq!(take_findings(&model), Vec::<String>::new());
            if metadata_only {
                prop_assert_eq!(snapshot_of_metadata(&model), before.1.clone());
            } else {
                prop_assert_eq!(snapshot(&model), before.0.clone());
            }
        }
        prop_assert_eq!(model.gc_count(), 3);
    }

    // Oracle: the naive recount, for the findings one by one and for the result; a
    // second run finds nothing.
    #[test]
    fn damage_becomes_the_recount(
        spec in spec(true),
        damage in prop::collection::vec(damage(), 1..12),
        answer in prop_oneof![Just(Answer::Fix), Just(Answer::Ignore)],
    ) {
        let model = damaged(&spec, &damage);
        model.policy(|p| p.all = answer);
        let want = expected(&model);
        prop_assert_eq!(run(&model, true, false), Ok(()));
        prop_assert_eq!(take_findings(&model), want);
        prop_assert_eq!(model.differences(), Vec::<String>::new());
        prop_assert_eq!(run(&model, true, false), Ok(()));
        prop_assert_eq!(take_findings(&model), Vec::<String>::new());
    }

    // Oracle: the same, in silence: without compat bit ALLOC_INFO nobody claimed to
    // know the counts.
    #[test]
    fn without_alloc_info_all_is_taken_over_in_silence(
        spec in spec(true),
        damage in prop::collection::vec(damage(), 1..12),
    ) {
        let model = damaged(&spec, &damage);
        model.set_compat(0);
        prop_assert_eq!(run(&model, true, false), Ok(()));
        prop_assert_eq!(take_findings(&model), Vec::<String>::new());
        prop_assert_eq!(model.differences(), Vec::<String>::new());
    }

    // Oracle: the initial pass on the same file system: same findings, same result.
    #[test]
    fn concurrent_equals_initial_where_nobody_else_is(
        spec in spec(false),
        damage in prop::collection::vec(damage(), 0..8),
    ) {
        let models = [damaged(&spec, &damage), damaged(&spec, &damage)];
        for (model, initial) in models.iter().zip([true, false]) {
            prop_assert_eq!(run(model, initial, false), Ok(()));
        }
        prop_assert_eq!(take_findings(&models[0]), take_findings(&models[1]));
        prop_assert_eq!(snapshot(&models[0]), snapshot(&models[1]));
        prop_assert_eq!(models[1].differences(), Vec::<String>::new());
    }

    // Oracle: the finding that is answered "stop" is the last; findings before it are
    // those of a whole run; a second run repairs the rest.
    #[test]
    fn stopping_anywhere_leaves_a_repairable_file_system(
        spec in spec(true),
        damage in prop::collection::vec(damage(), 1..8),
        at in any::<usize>(),
    ) {
        let model = damaged(&spec, &damage);
        let want = expected(&model);
        prop_assume!(!want.is_empty());
        let at = at % want.len();
        model.policy(|p| p.exit_at = Some(at));
        let ret = run(&model, true, false);
        prop_assert_eq!(ret.unwrap_err().code(), 1);
        prop_assert_eq!(take_findings(&model), &want[..=at]);
        prop_assert_eq!(run(&model, true, false), Ok(()));
        prop_assert_eq!(model.differences(), Vec::<String>::new());
    }

    // Oracle: the recount takes the newest generation of any pointer; a run restarts at
    // most three times, and not at all when it is not needed.
    #[test]
    fn generations_are_repaired_with_few_restarts(
        spec in spec(true),
        behind in prop::collection::vec((any::<u8>(), any::<u16>(), 1..100_u8, any::<bool>()), 1..6),
    ) {
        let model = build(&spec);
        let settled = snapshot(&model);
        for (dev, bucket, by, unknown) in behind {
            let members = model.members();
            let dev = members[usize::from(dev) % members.len()];
            let bucket = u64::from(bucket) % dev.geometry().nbuckets;
            let mut state = dev.bucket(bucket).unwrap();
            let used = state.mark.dirty_sectors() != 0;
            // Metadata has no pointers that could tell; free buckets no pointers at all.
            if !used || !matches!(state.mark.data_type(), DataType::USER | DataType::BTREE) {
                continue;
            }
            // A stale pointer in front of the others would make them look newer.
            let stale = BTREES.iter().flat_map(|id| model.keys(*id)).any(|(_, key)| {
                let mut ptrs = key.get().pointers();
                ptrs.any(|p| u32::from(p.dev()) == dev.idx() && p.gen_() != state.mark.gen_()
                    && dev.geometry().bucket_of(p.offset()) == Some(bucket))
            });
            if stale {
                continue;
            }
            state.mark = state.mark.with_gen(state.mark.gen_().wrapping_sub(by));
            state.oldest_gen = state.mark.gen_();
            state.gen_valid = !unknown;
            assert!(dev.set_bucket(bucket, state));
        }
        let changed = snapshot(&model) != settled;
        prop_assert_eq!(run(&model, true, false), Ok(()));
        let restarts =
            model.lines().iter().filter(|l| l.starts_with("Fixed gens, restarting")).count();
        prop_assert!(restarts <= 3);
        prop_assert!(changed || restarts == 0);
        // A generation that was not known begins where the bucket's was, so that the
        // oldest one may be older than need be until the next run.
        let mut left = model.differences();
        left.retain(|d| !d.contains("oldest_gen"));
        prop_assert_eq!(left, Vec::<String>::new());
        model.clear_messages();
        prop_assert_eq!(run(&model, true, false), Ok(()));
        prop_assert_eq!(take_findings(&model), Vec::<String>::new());
        prop_assert_eq!(model.differences(), Vec::<String>::new());
    }

    // Oracle: per bucket the least generation among all data pointers, looked for
    // pointer by pointer; all else is as it was.
    #[test]
    fn gens_are_those_of_the_oldest_pointer(spec in spec(false), junk in any::<u8>()) {
        let model = build(&spec);
        for dev in model.members() {
            for b in 0..dev.geometry().nbuckets {
                let mut state = dev.bucket(b).unwrap();
                state.oldest_gen = junk;
                state.gc_gen = junk;
                assert!(dev.set_bucket(b, state));
            }
        }
        prop_assert_eq!(gc_gens(&model), Ok(()));
        assert_no_violation(&model);
        let keys: Vec<_> = [BtreeId::EXTENTS, BtreeId::EC, BtreeId::REFLINK]
            .iter()
            .flat_map(|id| model.keys(*id))
            .filter(|(level, _)| *level == 0)
            .collect();
        for dev in model.members() {
            for b in 0..dev.geometry().nbuckets {
                let state = dev.bucket(b).unwrap();
                let behind = keys
                    .iter()
                    .flat_map(|(_, k)| k.get().pointers())
                    .filter(|p| u32::from(p.dev()) == dev.idx())
                    .filter(|p| dev.geometry().bucket_of(p.offset()) == Some(b))
                    .map(|p| state.mark.gen_().wrapping_sub(p.gen_()))
                    .max()
                    .unwrap_or(0);
                prop_assert_eq!(state.oldest_gen, state.mark.gen_().wrapping_sub(behind));
            }
        }
        prop_assert_eq!(model.gc_count(), 1);
        prop_assert_eq!(model.differences(), Vec::<String>::new());
    }

    // Oracle: buckets of data keep every bit, those of metadata become the recount's.
    #[test]
    fn metadata_only_leaves_data_alone(
        spec in spec(true),
        damage in prop::collection::vec(damage(), 0..8),
    ) {
        // A bucket of metadata that claims data is no longer left alone but refused.
        let claims_data = |d: &Damage| matches!(d, Damage::Type { value: 4 | 5, .. });
        let damage: Vec<_> = damage.into_iter().filter(|d| !claims_data(d)).collect();
        let model = damaged(&spec, &damage);
        let want = Recount::of(&model);
        let before: Vec<_> = model.members().iter().map(|d| {
            (0..d.geometry().nbuckets).map(|b| d.bucket(b).unwrap()).collect::<Vec<_>>()
        }).collect();
        prop_assert_eq!(run(&model, true, true), Ok(()));
        prop_assert_eq!(take_findings(&model), Vec::<String>::new());
        for (dev, before) in model.members().iter().zip(&before) {
            for (b, before) in (0_u64..).zip(before) {
                let now = dev.bucket(b).unwrap();
                let counted = &want.buckets[&dev.idx()][usize::try_from(b).unwrap()];
                if matches!(before.mark.data_type(), DataType::USER | DataType::CACHED)
                    && counted.data_type == DataType::USER
                {
                    let owned = now.mark.owned_by_allocator();
                    prop_assert_eq!(now.mark, before.mark.with_owned_by_allocator(owned));
                    prop_assert_eq!(now.oldest_gen, before.oldest_gen);
                } else if counted.data_type == DataType::BTREE
                    && !matches!(before.mark.data_type(), DataType::USER | DataType::CACHED)
                {
                    prop_assert_eq!(u64::from(now.mark.dirty_sectors()), counted.dirty);
                    prop_assert_eq!(now.mark.data_type(), DataType::BTREE);
                }
            }
        }
    }
}

const BTREES: [BtreeId; 8] = [
    BtreeId::EXTENTS,
    BtreeId::INODES,
    BtreeId::DIRENTS,
    BtreeId::XATTRS,
    BtreeId::ALLOC,
    BtreeId::QUOTAS,
    BtreeId::EC,
    BtreeId::REFLINK,
];
