// SPDX-License-Identifier: GPL-2.0-only
//! Known defects of the original, by their number in docs/differences.md: what happens
//! here instead.

mod common;

use common::{assert_no_violation, run, snapshot, take_findings};
use gc_core::error::Error;
use gc_core::finding::{Answer, Code};
use gc_core::gc::metadata::{Membership, mark_dev_superblock};
use gc_core::gens::gc_gens;
use gc_core::host::Lock;
use gc_core::layout::{Bpos, BtreeId, DataType, POS_MAX, POS_MIN};
use gc_model::{Call, Key, Model, NodePlace, Options, Ptr, Where};

const SIZE: u64 = 128;

/// 40 extents in 5 buckets, as many inodes: three levels of extents.
fn files(options: &Options) -> Model {
    let model = Model::new(options).unwrap();
    let mut bucket = 0;
    for i in 0..40 {
        if i % 8 == 0 {
            bucket = model.alloc_bucket(0).unwrap();
        }
        let ptr = Ptr::new(0, bucket * SIZE + i % 8 * 8, 0);
        let key = Key::extent(Bpos::new(4096, 8 * (i + 1)), 8, None, &[ptr]).unwrap();
        model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
        model.insert(Where::Btree, BtreeId::INODES, Key::inode(4096 + i).unwrap()).unwrap();
    }
    model.settle();
    assert_eq!(model.depth(BtreeId::EXTENTS), 3);
    model
}

fn leaf(i: usize) -> NodePlace {
    NodePlace { btree: BtreeId::EXTENTS, level: 0, i }
}

fn root() -> NodePlace {
    NodePlace { btree: BtreeId::EXTENTS, level: 2, i: 0 }
}

fn last_child_gone(m: &Model) {
    let last = m.nodes(BtreeId::EXTENTS, 1).len() - 1;
    m.drop_node(NodePlace { btree: BtreeId::EXTENTS, level: 1, i: last }).unwrap();
}

// Oracle: the three ways of the defect's description: fixed, ignored, stopped; texts
// and flags of docs/facts/gc.md.
#[test]
fn d1_a_bent_topology_is_reported_not_died_of() {
    type Bend = fn(&Model);
    let bends: [(Bend, Code, &str); 5] = [
        (
            |m| m.set_ptr_min(leaf(3), Bpos::new(1, 2)).unwrap(),
            Code::NodeMinKey,
            "btree node with incorrect min_key: got 1:2, should be ",
        ),
        (
            |m| m.drop_node(leaf(2)).unwrap(),
            Code::NodeMinKey,
            "btree node with incorrect min_key: got ",
        ),
        (last_child_gone, Code::NodeMaxKey, "btree node with incorrect max_key: got "),
        (
            |m| m.set_node_range(root(), Bpos::new(0, 1), POS_MAX).unwrap(),
            Code::RootKey,
            "btree root with incorrect min_key: 0:1",
        ),
        (
            |m| m.set_node_range(root(), POS_MIN, Bpos::new(u64::MAX, 7)).unwrap(),
            Code::RootKey,
            "btree root with incorrect min_key: 18446744073709551615:7",
        ),
    ];
    for (i, (bend, code, text)) in bends.into_iter().enumerate() {
        let model = files(&Options::default());
        bend(&model);
        for (answer, want) in [(Answer::Fix, 2), (Answer::Exit, 1)] {
            model.policy(|p| p.all = answer);
            assert_eq!(run(&model, true, false).unwrap_err().code(), want, "{i}");
            let found = model.findings();
            assert_eq!(found.len(), 1, "{i}: {found:?}");
            assert_eq!(found[0].0, code.number(), "{i}");
            assert!(found[0].1.starts_with(text), "{i}: {found:?}");
            model.clear_messages();
        }
        model.policy(|p| p.all = Answer::Ignore);
        let ret = run(&model, true, false);
        // A key outside of its node is an error whatever is answered.
        let outside = i == 4;
        assert_eq!(ret.map_or_else(Error::code, |()| 0), if outside { 2 } else { 0 }, "{i}");
    }
}

// Oracle: every abort of the original about keys and nodes is an error here; numbers of
// docs/differences.md.
#[test]
fn d1_keys_and_nodes_out_of_place_end_the_run() {
    type Bend = fn(&Model);
    let bends: [(Bend, i32); 4] = [
        (
            |m| m.put_into_node(leaf(2), Key::reservation(Bpos::new(1, 8), 8, 1).unwrap()).unwrap(),
            2,
        ),
        (
            |m| {
                m.put_into_node(leaf(2), Key::reservation(Bpos::new(1 << 40, 8), 8, 1).unwrap())
                    .unwrap()
            },
            2,
        ),
        (|m| m.set_node_level(leaf(1), 1).unwrap(), -22),
        (|m| m.set_unreadable(leaf(1), Some(gc_core::error::Errno::EIO)).unwrap(), -5),
    ];
    for (i, (bend, want)) in bends.into_iter().enumerate() {
        let model = files(&Options::default());
        bend(&model);
        assert_eq!(run(&model, true, false).unwrap_err().code(), want, "{i}");
    }
}

// Oracle: the two effects that the original lacks, and their absence on failure.
#[test]
fn d3_a_pass_over_generations_counts_and_wakes() {
    let model = files(&Options::default());
    assert_eq!(gc_gens(&model), Ok(()));
    assert_eq!(model.gc_count(), 1);
    assert_eq!(model.count(Call::WakeAllocators), 1);
    model.set_unreadable(leaf(1), Some(gc_core::error::Errno::EIO)).unwrap();
    assert_eq!(gc_gens(&model).unwrap_err().code(), -5);
    assert_eq!(model.gc_count(), 1);
    assert_no_violation(&model);
}

// Oracle: the device can be removed after a stop in the middle of its buckets.
#[test]
fn d6_no_reference_is_leaked_by_a_stop() {
    let model = files(&Options { nr_devices: 2, ..Options::default() });
    for dev in [0, 1] {
        let device = model.member(dev).unwrap();
        let mut state = device.bucket(40).unwrap();
        state.mark = state.mark.with_dirty_sectors(9);
        device.set_bucket(40, state);
    }
    for at in 0..2 {
        model.policy(|p| p.exit_at = Some(at));
        assert_eq!(run(&model, true, false), Err(Error::NotFixed));
        assert!(model.members().iter().all(|d| d.refs() == (0, 0)));
        model.clear_messages();
        if at == 0 {
            assert_eq!(run(&model, true, false), Ok(()));
            for dev in [0, 1] {
                let device = model.member(dev).unwrap();
                let mut state = device.bucket(40).unwrap();
                state.mark = state.mark.with_dirty_sectors(9);
                device.set_bucket(40, state);
            }
        }
    }
    assert_eq!(model.remove_device(1), Ok(()));
}

// Oracle: the stale cached pointer is five generations behind; the oldest generation
// of a bucket of data must still say so after a pass that cannot have seen it.
#[test]
fn d8_metadata_only_keeps_the_oldest_generation() {
    let model = Model::new(&Options::default()).unwrap();
    let user = model.alloc_bucket(0).unwrap();
    let device = model.member(0).unwrap();
    let mut state = device.bucket(user).unwrap();
    state.mark = state.mark.with_gen(10);
    device.set_bucket(user, state);
    let ptrs = [Ptr::new(0, user * SIZE, 10), Ptr::new(0, user * SIZE, 5).cached()];
    let key = Key::extent(Bpos::new(4096, 8), 8, None, &ptrs).unwrap();
    model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
    model.settle();
    let before = snapshot(&model);
    assert_eq!(run(&model, true, true), Ok(()));
    assert_eq!(snapshot(&model), before);
    assert_eq!(device.bucket(user).unwrap().oldest_gen, 5);
}

// Oracle: stripe and extent are counted as if the stripe's key were in the btree.
#[test]
fn d9_a_stripe_in_the_journal_is_counted() {
    let model = Model::new(&Options { nr_devices: 3, ..Options::default() }).unwrap();
    let blocks: Vec<Ptr> =
        (0..3_u8).map(|d| Ptr::new(d, model.alloc_bucket(d.into()).unwrap() * SIZE, 0)).collect();
    let stripe = Key::stripe(7, 128, 1, &blocks).unwrap();
    model.insert(Where::Journal, BtreeId::EC, stripe).unwrap();
    // The journal's keys are seen where there is a root.
    model.make_root(BtreeId::EC).unwrap();
    let key = Key::extent(Bpos::new(4096, 8), 8, None, &[blocks[0].in_stripe(7, 0)]).unwrap();
    model.insert(Where::Journal, BtreeId::EXTENTS, key).unwrap();
    model.make_root(BtreeId::EXTENTS).unwrap();
    model.settle();
    assert_eq!(model.stripe(7).unwrap().0.block_sectors[0], 8);
    let before = snapshot(&model);
    assert_eq!(run(&model, true, false), Ok(()));
    assert_eq!(take_findings(&model), Vec::<String>::new());
    assert_eq!(snapshot(&model), before);
}

// Oracle: sectors of each superblock cut into buckets by hand.
#[test]
fn d14_ranges_of_superblocks_are_bounded() {
    let marks = |offsets: &[u64], bits: u32| {
        let model = Model::new(&Options::default()).unwrap();
        let id = model.stray_device(4, 16).unwrap();
        model.device(id).unwrap().set_superblocks(offsets, bits);
        mark_dev_superblock(&model, id, Membership::Stray, 0).unwrap();
        assert_no_violation(&model);
        let dev = model.device(id).unwrap();
        let sectors = (0..4).map(|b| dev.bucket(b).unwrap().mark.dirty_sectors()).collect();
        (sectors, model.lines().len())
    };
    let got: (Vec<u16>, usize) = marks(&[8], 3);
    assert_eq!(got, (vec![16, 0, 0, 0], 0));
    // Not at a bucket's start, over a border.
    assert_eq!(marks(&[8, 24], 4), (vec![16, 16, 8, 0], 0));
    // Past the end of the device: said once, the rest is left out.
    assert_eq!(marks(&[56], 4), (vec![0, 0, 0, 8], 1));
    // Sizes that no device has: 2^31, 2^32, 2^63, 2^64.
    for bits in [31, 32, 63, 64] {
        assert_eq!(marks(&[0], bits), (vec![16, 16, 16, 16], 1));
    }
    assert_eq!(marks(&[1 << 60], 40), (vec![0; 4], 1));
}

// Oracle: journal buckets out of range are said and left out; others are marked.
#[test]
fn d14_journal_buckets_out_of_range_are_left_out() {
    let model = Model::new(&Options::default()).unwrap();
    let dev = model.member(0).unwrap();
    let good = dev.journal()[0];
    dev.set_journal(&[good, 64, u64::MAX]);
    model.settle();
    assert_eq!(run(&model, true, false), Ok(()));
    assert_eq!(take_findings(&model), Vec::<String>::new());
    assert_eq!(dev.bucket(good).unwrap().mark.data_type(), DataType::JOURNAL);
}

// Oracle: which btrees were walked, by the record of calls.
#[test]
fn d19_generations_walk_only_what_has_pointers() {
    let model = files(&Options::default());
    model.clear_events();
    assert_eq!(gc_gens(&model), Ok(()));
    let walked: Vec<_> =
        model.events().into_iter().filter(|e| e.call == Call::WalkOpen).map(|e| e.args).collect();
    assert_eq!(walked, ["0 Keys", "6 Keys", "7 Keys"]);
}

// Oracle: a pointer to a node of 30 words is longer than any buffer of the original.
#[test]
fn d22_an_interior_key_that_is_too_long_is_an_error() {
    let model = files(&Options::default());
    let key = Key::new(gc_core::layout::KeyType::COOKIE, Bpos::new(4096, 9), 0, vec![0; 30]);
    let parent = NodePlace { btree: BtreeId::EXTENTS, level: 1, i: 0 };
    model.put_into_node(parent, key.unwrap()).unwrap();
    assert_eq!(run(&model, true, false).unwrap_err().code(), -22);
    assert_eq!(model.findings(), []);
}

// Oracle: nothing to find after a pass over metadata on a consistent file system with
// stripes.
#[test]
fn d25_metadata_only_keeps_the_flag_of_parity_buckets() {
    let model = Model::new(&Options { nr_devices: 3, ..Options::default() }).unwrap();
    let blocks: Vec<Ptr> =
        (0..3_u8).map(|d| Ptr::new(d, model.alloc_bucket(d.into()).unwrap() * SIZE, 0)).collect();
    let stripe = Key::stripe(0, 128, 1, &blocks).unwrap();
    model.insert(Where::Btree, BtreeId::EC, stripe).unwrap();
    model.settle();
    for metadata_only in [true, false] {
        assert_eq!(run(&model, true, metadata_only), Ok(()));
        assert_eq!(take_findings(&model), Vec::<String>::new());
    }
    let parity = model.member(2).unwrap();
    assert!((0..64).any(|b| parity.bucket(b).unwrap().mark.stripe()));
}

// Oracle: superblock and journal buckets of the absent member are as they were; so is
// `hidden`; a wrong count elsewhere on it is found all the same.
#[test]
fn d26_metadata_of_an_absent_member_is_kept() {
    let model = files(&Options { nr_devices: 2, ..Options::default() });
    model.set_online(1, false).unwrap();
    let before = snapshot(&model);
    for metadata_only in [false, true] {
        assert_eq!(run(&model, true, metadata_only), Ok(()));
        assert_eq!(take_findings(&model), Vec::<String>::new());
        assert_eq!(snapshot(&model), before);
    }
    let absent = model.member(1).unwrap();
    let mut state = absent.bucket(40).unwrap();
    state.mark = state.mark.with_data_type(DataType::USER).with_dirty_sectors(1);
    absent.set_bucket(40, state);
    assert_eq!(run(&model, true, false), Ok(()));
    assert_eq!(
        take_findings(&model),
        [
            "bucket 1:40 gen 0 data type data has wrong data_type: got 4, should be 0",
            "bucket 1:40 gen 0 data type none has wrong dirty_sectors: got 1, should be 0",
        ]
    );
    assert_eq!(snapshot(&model), before);
}

// Oracle: the missing entry is back with its sectors; asked once, since the first key
// adds it for all.
#[test]
fn unmarked_replicas_are_added() {
    let model = files(&Options::default());
    let before = (model.usage_words(), model.replicas());
    assert!(model.remove_replicas("data: 1/1 [0]"));
    assert_eq!(run(&model, true, false), Ok(()));
    let found = take_findings(&model);
    assert_eq!(
        found,
        [
            "superblock not marked as containing replicas (type 6)".to_owned(),
            "fs has wrong data: 1/1 [0]: got 0, should be 320".to_owned(),
        ]
    );
    assert_eq!((model.usage_words(), model.replicas()), before);
}

// Oracle: each condition of the texts in docs/facts/gc.md, planted one by one.
#[test]
fn versions_and_generations_are_repaired() {
    let model = files(&Options::default());
    model.set_insert_version(77);
    model.insert(Where::Btree, BtreeId::INODES, Key::inode(9999).unwrap()).unwrap();
    model.settle();
    model.record_key_version(0);
    assert_eq!(run(&model, true, false), Ok(()));
    assert_eq!(take_findings(&model), ["key version number higher than recorded: 77 > 0"]);
    assert_eq!(model.recorded_key_version(), 77);

    let dev = model.member(0).unwrap();
    let data = (0..64).find(|b| dev.bucket(*b).unwrap().mark.data_type() == DataType::USER);
    let b = data.unwrap();
    let good = dev.bucket(b).unwrap();
    dev.set_bucket(b, gc_model::BucketState { gen_valid: false, ..good });
    assert_eq!(run(&model, true, false), Ok(()));
    let text = format!("bucket 0:{b} data type data ptr gen 0 missing in alloc btree");
    assert_eq!(take_findings(&model), [text]);
    assert_eq!(dev.bucket(b), Some(good));

    let behind = gc_model::BucketState { mark: good.mark.with_gen(250), ..good };
    dev.set_bucket(b, behind);
    assert_eq!(run(&model, true, false), Ok(()));
    let lines = model.lines();
    assert_eq!(lines, ["Fixed gens, restarting mark and sweep:"]);
    let found = take_findings(&model);
    assert_eq!(found[0], format!("bucket 0:{b} data type data ptr gen in the future: 0 > 250"));
    // What was counted for the older generation is void, and counted anew.
    assert_eq!(
        found[1..],
        [
            format!("bucket 0:{b} gen 0 data type none has wrong data_type: got 0, should be 4"),
            format!(
                "bucket 0:{b} gen 0 data type data has wrong dirty_sectors: got 0, should be 64"
            ),
        ]
    );
    assert_eq!(dev.bucket(b).unwrap().mark, good.mark);
}

// Oracle: three restarts and the texts of docs/facts/gc.md; the flag stays, as there.
#[test]
fn restarts_end() {
    let model = files(&Options::default());
    let dev = model.member(0).unwrap();
    // Two pointers, each ahead of the other: no generation satisfies both.
    let b = model.alloc_bucket(0).unwrap();
    for (i, gen_) in (1..).zip([0, 100, 200]) {
        let ptr = Ptr::new(0, b * SIZE, gen_).cached();
        let key = Key::extent(Bpos::new(5000, 8 * i), 8, None, &[ptr]).unwrap();
        model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
    }
    assert!(dev.bucket(b).is_some());
    assert_eq!(run(&model, true, false).unwrap_err().code(), -22);
    let lines = model.lines();
    let restarts = lines.iter().filter(|l| *l == "Fixed gens, restarting mark and sweep:").count();
    assert_eq!(restarts, 3);
    assert_eq!(lines.last().unwrap(), "Unable to fix bucket gens, looping");
    assert_eq!(model.count(Call::FlushFsckErrs), 3);
    assert!(model.get_flag(gc_core::host::Flag::FixedGens));
}

// Oracle: trace points, statistic and wake-ups exactly once a call, also on errors; the
// order of docs/facts/gc.md.
#[test]
fn small_print_of_a_run() {
    let model = files(&Options::default());
    let one = |failing: bool| {
        model.clear_events();
        if failing {
            model.fail(Some(Call::NodeGet), 0, gc_core::error::Errno::EIO);
        }
        let ret = run(&model, true, false);
        assert_eq!(ret.is_err(), failing);
        let events = model.events();
        let at = |call: Call, args: &str| {
            let hits: Vec<_> = (0..events.len())
                .filter(|i| events[*i].call == call && events[*i].args.starts_with(args))
                .collect();
            assert_eq!(hits.len(), 1, "{call:?} {args}");
            hits[0]
        };
        let end = if failing { "gc_end -5" } else { "gc_end 0" };
        let order = [
            at(Call::AssertHeld, "STATE_READ"),
            at(Call::Trace, "gc_start 0"),
            at(Call::Lock, "GC_WRITE"),
            at(Call::WaitInteriorUpdates, ""),
            at(Call::UsageGcFree, ""),
            at(Call::Unlock, "GC_WRITE"),
            at(Call::Trace, end),
            at(Call::GcTime, ""),
            at(Call::WakeAllocators, ""),
        ];
        assert!(order.is_sorted(), "{order:?}");
        assert_eq!(model.count(Call::JournalBlock), usize::from(!failing));
        assert_eq!(model.count(Call::JournalUnblock), usize::from(!failing));
    };
    one(false);
    one(true);
    assert_eq!(model.gc_count(), 1);
}

// Oracle: the contract checks themselves: each misuse is a violation.
#[test]
fn misuse_is_noticed() {
    use gc_core::host::{
        Coordination, GcWrite, Held, Locks, MarkRead, Marking, Members, Side, State, Usage,
    };
    let model = Model::new(&Options::default()).unwrap();
    let misused = |what: &str, f: &dyn Fn()| {
        model.clear_violations();
        f();
        model.check_quiescent();
        assert!(!model.violations().is_empty(), "{what}");
    };
    misused("no state lock", &|| model.assert_held(Lock::StateRead));
    misused("usage without the mark lock", &|| {
        // SAFETY: nobody else is there; that it is not true is what is tested.
        let mark = unsafe { Held::by_contract() };
        let _words = model.usage(&mark, Side::Live).unwrap();
    });
    misused("mark_replicas under the mark lock", &|| {
        let _mark = MarkRead::lock(&model);
        let key = Key::inode(1).unwrap();
        model.mark_replicas(key.get()).unwrap();
    });
    misused("the mark lock twice", &|| {
        let _one = MarkRead::lock(&model);
        let _two = MarkRead::lock(&model);
    });
    misused("against the order", &|| {
        let _mark = MarkRead::lock(&model);
        let _gc = GcWrite::lock(&model);
    });
    misused("a reference kept", &|| {
        let _dev = model.dev_next(0, false);
    });
    let dev = model.member_id(0).unwrap();
    misused("a reference given back twice", &|| {
        model.dev_put(dev, false);
        model.dev_put(dev, false);
    });
    misused("gc arrays left", &|| model.dev_gc_alloc_buckets(dev).unwrap());
    misused("gc arrays freed without the lock", &|| {
        // SAFETY: as above.
        let mark = unsafe { Held::by_contract() };
        model.dev_gc_free(&mark, dev);
    });
    misused("journal unblocked", &|| model.journal_unblock());
    misused("position back", &|| {
        use gc_core::gc::position::{phase, seqlock_write};
        use gc_core::layout::GcPhase;
        let _gc = GcWrite::lock(&model);
        seqlock_write(model.gc_pos().unwrap(), phase(GcPhase::SB));
        model.gc_count_inc();
        seqlock_write(model.gc_pos().unwrap(), phase(GcPhase::START));
        model.gc_count_inc();
        seqlock_write(model.gc_pos().unwrap(), phase(GcPhase::NOT_RUNNING));
    });
}
