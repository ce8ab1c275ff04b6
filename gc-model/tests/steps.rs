// SPDX-License-Identifier: GPL-2.0-only
//! The steps of a run one by one: what is asked for how often, what is taken over and
//! what is left alone.

mod common;

use common::{assert_no_violation, run, snapshot, take_findings};
use gc_core::error::Errno;
use gc_core::finding::{Answer, Code};
use gc_core::gens::gc_gens;
use gc_core::host::{Flag, Param};
use gc_core::layout::superblock::BCH_COMPAT_FEAT_ALLOC_INFO;
use gc_core::layout::{Bpos, BtreeId, DataType, KeyType};
use gc_core::thread;
use gc_model::{BucketState, Call, Crc, Key, Model, NodePlace, Options, Ptr, Where};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZE: u64 = 128;

/// One extent in a bucket of its own.
fn extent(model: &Model, dev: u8, n: u64) -> u64 {
    let bucket = model.alloc_bucket(dev.into()).unwrap();
    let ptr = Ptr::new(dev, bucket * SIZE, 0);
    let key = Key::extent(Bpos::new(4096, 8 * n), 8, None, &[ptr]).unwrap();
    model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
    bucket
}

/// Extents and inodes, more than a node of each.
fn files(lends: bool) -> Model {
    let model = Model::new(&Options::default()).unwrap();
    model.set_param(Param::Lends, lends);
    for n in 1..=20 {
        extent(&model, 0, n);
        model.insert(Where::Btree, BtreeId::INODES, Key::inode(4096 + n).unwrap()).unwrap();
    }
    model.settle();
    model
}

fn change(model: &Model, bucket: u64, f: impl FnOnce(&mut BucketState)) {
    let dev = model.member(0).unwrap();
    let mut state = dev.bucket(bucket).unwrap();
    f(&mut state);
    assert!(dev.set_bucket(bucket, state));
}

fn first_with(model: &Model, data_type: DataType) -> u64 {
    let dev = model.member(0).unwrap();
    let has = |b: &u64| dev.bucket(*b).unwrap().mark.data_type() == data_type;
    (0..dev.geometry().nbuckets).find(has).unwrap()
}

// Oracle: docs/facts/gc.md: once before the walk; where nodes are rewritten beside others
// once more before anything is compared.
#[test]
fn interior_updates_are_waited_for() {
    for (initial, beside, want) in
        [(true, false, 1), (true, true, 1), (false, false, 1), (false, true, 2)]
    {
        let model = files(false);
        model.set_param(Param::UpdatesBesideGc, beside);
        model.clear_events();
        assert_eq!(run(&model, initial, false), Ok(()));
        assert_eq!(model.count(Call::WaitInteriorUpdates), want, "{initial} {beside}");
    }
}

// Oracle: docs/facts/gc.md: the parameter makes the first pass be done again, once.
#[test]
fn a_pass_can_be_made_to_restart() {
    for forced in [false, true] {
        let model = files(false);
        model.set_param(Param::TestRestartGc, forced);
        let before = snapshot(&model);
        assert_eq!(run(&model, true, false), Ok(()));
        let restarts = if forced { 1 } else { 0 };
        assert_eq!(model.gc_count(), restarts + 1);
        let line = "Fixed gens, restarting mark and sweep:";
        assert_eq!(model.lines(), vec![line; usize::try_from(restarts).unwrap()]);
        assert_eq!(snapshot(&model), before);
    }
}

// Oracle: docs/facts/gc.md: differences are told unless only metadata was walked, or
// nobody claims to know the counts of an unclean file system; they are taken over all
// the same.
#[test]
fn differences_are_told_where_somebody_claims_to_know() {
    for compat in [0, 1 << BCH_COMPAT_FEAT_ALLOC_INFO, 1 << 5, !0] {
        for (initial, metadata_only) in [(true, false), (true, true), (false, false)] {
            let model = files(false);
            model.set_compat(compat);
            let before = snapshot(&model);
            let node = first_with(&model, DataType::BTREE);
            change(&model, node, |b| b.mark = b.mark.with_dirty_sectors(99));
            assert_eq!(run(&model, initial, metadata_only), Ok(()));
            let told = !metadata_only && (!initial || compat & 1 != 0);
            let found = take_findings(&model).len();
            assert_eq!(found, usize::from(told), "{compat} {initial} {metadata_only}");
            assert_eq!(snapshot(&model), before);
        }
    }
}

// Oracle: docs/facts/gc.md: keys of nodes that were in memory before are checked, those
// of a node just read were; of interior nodes all are.
#[test]
fn keys_are_checked_once() {
    let checks = |lends| {
        let model = files(lends);
        model.clear_events();
        assert_eq!(run(&model, true, false), Ok(()));
        model.count(Call::Debugcheck)
    };
    let model = files(true);
    let keys: Vec<u8> = [BtreeId::EXTENTS, BtreeId::INODES]
        .into_iter()
        .flat_map(|btree| model.keys(btree))
        .map(|(level, _)| level)
        .collect();
    // All but the pointers to the roots.
    assert_eq!(checks(false), keys.len() - 2);
    // In the model every other node was read by the call.
    let interior = keys.iter().filter(|level| **level > 0).count();
    let lent = checks(true);
    assert!(lent > interior && lent < keys.len() - 2, "{interior} {lent}");
}

// Oracle: the oldest pointer into each bucket by hand, whoever counts and when.
#[test]
fn the_oldest_pointer_of_a_bucket_is_found() {
    for (lends, initial) in [(false, true), (true, true), (false, false), (true, false)] {
        let model = files(lends);
        let bucket = model.alloc_bucket(0).unwrap();
        change(&model, bucket, |b| b.mark = b.mark.with_gen(10));
        for (n, gen_) in (30..).zip([10, 7, 5, 8]) {
            let ptr = Ptr::new(0, bucket * SIZE, gen_);
            let ptr = if gen_ == 10 { ptr } else { ptr.cached() };
            let key = Key::extent(Bpos::new(4096, 8 * n), 8, None, &[ptr]).unwrap();
            model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
        }
        model.settle();
        let dev = model.member(0).unwrap();
        for wrong in [0, 3, 6, 200] {
            let node = first_with(&model, DataType::BTREE);
            for b in [bucket, node] {
                change(&model, b, |b| b.oldest_gen = wrong);
            }
            assert_eq!(run(&model, initial, false), Ok(()));
            assert_eq!(dev.bucket(bucket).unwrap().oldest_gen, 5, "{lends} {initial}");
            assert_eq!(dev.bucket(node).unwrap().oldest_gen, 0);
            assert_eq!(take_findings(&model), Vec::<String>::new());
        }
    }
}

// Oracle: docs/differences.md, D8 and D25: a pass over metadata leaves the oldest
// generation of data and the flag of stripes, which it has not seen, and nothing else.
#[test]
fn a_pass_over_metadata_leaves_what_it_does_not_see() {
    let model = files(false);
    let (data, node) = (first_with(&model, DataType::USER), first_with(&model, DataType::BTREE));
    for b in [data, node] {
        change(&model, b, |b| {
            b.oldest_gen = 77;
            b.mark = b.mark.with_stripe(true).with_owned_by_allocator(true);
        });
    }
    assert_eq!(run(&model, true, true), Ok(()));
    assert_eq!(take_findings(&model), Vec::<String>::new());
    let dev = model.member(0).unwrap();
    let of = |b| {
        let b = dev.bucket(b).unwrap();
        (b.oldest_gen, b.mark.stripe(), b.mark.owned_by_allocator())
    };
    assert_eq!((of(data), of(node)), ((77, true, false), (0, true, false)));
    // One over all sees them, and says so.
    assert_eq!(run(&model, true, false), Ok(()));
    let found = take_findings(&model);
    let stripes = found.iter().filter(|text| text.contains("has wrong stripe: got 1")).count();
    assert_eq!((found.len(), stripes), (2, 2), "{found:?}");
    assert_eq!((of(data).0, of(node).0), (0, 0));
    assert_eq!(model.differences(), Vec::<String>::new());
}

// Oracle: a file system that had the key when it was settled.
#[test]
fn usage_follows_the_keys() {
    for (lends, initial) in [(false, true), (true, true), (false, false)] {
        let made = |settled: bool| {
            let model = files(lends);
            extent(&model, 0, 40);
            let inode = Key::inode(9000).unwrap();
            model.insert(Where::Btree, BtreeId::INODES, inode).unwrap();
            let held = Key::reservation(Bpos::new(4097, 64), 64, 2).unwrap();
            model.insert(Where::Btree, BtreeId::EXTENTS, held).unwrap();
            if settled {
                model.settle();
            }
            model
        };
        let (model, want) = (made(false), made(true));
        assert_ne!(model.dev_usage_words(0), want.dev_usage_words(0));
        assert_eq!(run(&model, initial, false), Ok(()));
        assert_eq!(model.dev_usage_words(0), want.dev_usage_words(0));
        assert_eq!(model.usage_words()[1..], want.usage_words()[1..]);
        assert_eq!(model.differences(), Vec::<String>::new());
        assert!(!take_findings(&model).is_empty());
    }
}

// Oracle: a pass over metadata counts nodes and what is hidden, the data stays as said.
#[test]
fn usage_of_data_is_left_by_a_pass_over_metadata() {
    let model = files(false);
    let before = model.usage_words();
    for (word, was) in before.iter().enumerate().skip(1) {
        assert!(model.set_usage_word(word, was + 1));
    }
    let replicas = model.replicas();
    assert_eq!(run(&model, true, true), Ok(()));
    let after = model.usage_words();
    for (word, was) in before.iter().enumerate().skip(1) {
        let entry = word.checked_sub(11).map(|i| replicas[i].as_str());
        let seen = word <= 2 || entry.is_some_and(|e| e.starts_with("btree"));
        assert_eq!(after[word], was + u64::from(!seen), "{word} {entry:?}");
    }
}

// Oracle: sectors 8 to 72 in buckets of 16 by hand; the first two are not in use, which
// is said of each.
#[test]
fn a_superblock_before_the_first_bucket_goes_on_behind_it() {
    let model = Model::new(&Options::default()).unwrap();
    let idx = model.add_device(64, 16, 2, 0).unwrap();
    let dev = model.member(idx).unwrap();
    dev.set_superblocks(&[8], 6);
    model.policy(|p| p.all = Answer::Fix);
    assert_eq!(run(&model, true, false), Ok(()));
    let sectors: Vec<u16> = (0..6).map(|b| dev.bucket(b).unwrap().mark.dirty_sectors()).collect();
    assert_eq!(sectors, [0, 0, 16, 16, 8, 0]);
    assert_no_violation(&model);
}

// Oracle: the first bucket of a device is one of its buckets.
#[test]
fn the_allocator_may_hold_the_first_bucket() {
    let model = Model::new(&Options::default()).unwrap();
    let idx = model.add_device(64, 128, 4, 0).unwrap();
    for bucket in [4, 63] {
        model.push_reserve(idx, 0, bucket).unwrap();
        model.settle();
        assert_eq!(run(&model, true, false), Ok(()));
        let dev = model.member(idx).unwrap();
        assert!(dev.bucket(bucket).unwrap().mark.owned_by_allocator());
        assert_eq!(take_findings(&model), Vec::<String>::new());
    }
}

// Oracle: a refusal of the host's is no stop, though it has the number of one.
#[test]
fn only_a_thread_that_is_to_stop_stops() {
    let model = Arc::new(files(false));
    let soon = Duration::from_secs(20);
    assert!(model.fail(Some(Call::WalkOpen), 0, Errno::ESHUTDOWN));
    let host = Arc::clone(&model);
    model.start_thread(move || thread::run(&*host)).unwrap();
    assert!(model.wait_idle(soon));
    model.kick();
    let started = Instant::now();
    while model.lines().is_empty() {
        assert!(started.elapsed() < soon);
        std::thread::yield_now();
    }
    assert_eq!(model.lines(), [format!("btree gc failed: -{}", Errno::ESHUTDOWN.get())]);
    model.stop_thread();
    assert_no_violation(&model);
}

// Oracle: the same file system, whose host lends nothing; a node whose keys are out of
// order is in no set.
#[test]
fn generations_are_found_in_nodes_without_a_set() {
    let oldest = |lends| {
        let model = files(lends);
        let leaf = NodePlace { btree: BtreeId::EXTENTS, level: 0, i: 1 };
        let far = Key::extent(Bpos::new(1, 8), 8, None, &[Ptr::new(0, 60 * SIZE, 0)]).unwrap();
        change(&model, 60, |b| b.mark = b.mark.with_gen(9));
        model.put_into_node(leaf, far).unwrap();
        // It is the first one, and its inode now behind all others.
        model.poke_node(leaf, 0, 4, 1 << 40).unwrap();
        model.clear_events();
        assert_eq!(gc_gens(&model), Ok(()));
        let dev = model.member(0).unwrap();
        let gens: Vec<u8> = (0..64).map(|b| dev.bucket(b).unwrap().oldest_gen).collect();
        (gens, model.count(Call::NodeSet), model.count(Call::NodeKeysInit))
    };
    let (gens, sets, _) = oldest(false);
    assert_eq!((sets, gens[60]), (0, 0));
    let (lent, sets, keys) = oldest(true);
    assert!(sets > 1, "{sets}");
    assert_eq!((lent, keys), (gens, 1));
}

// Oracle: the same file system, whose host lends nothing: whiteouts stand for nothing,
// and where the table is made anew the host counts every key.
#[test]
fn a_table_that_is_made_anew_is_filled_by_the_host() {
    for lends in [false, true] {
        let model = files(lends);
        let last = model.nodes(BtreeId::EXTENTS, 0).len();
        for i in 0..last {
            let leaf = NodePlace { btree: BtreeId::EXTENTS, level: 0, i };
            let id = model.node_at(leaf).unwrap();
            let mut p = model.node(id).unwrap().data().keys[0].pos();
            p.offset -= 1;
            model.put_into_node(leaf, Key::deleted(p)).unwrap();
        }
        for entry in model.replicas() {
            assert!(model.remove_replicas(&entry));
        }
        model.put_flag(Flag::RebuildReplicas, true);
        model.clear_events();
        assert_eq!(run(&model, true, false), Ok(()));
        let keys = model.keys(BtreeId::EXTENTS).len() + model.keys(BtreeId::INODES).len();
        assert_eq!(model.count(Call::MarkKey), keys, "{lends}");
        assert_eq!(model.differences(), Vec::<String>::new());
    }
}

// Oracle: what is to be ignored is left as it is, and the run goes on, also where a host
// has no right to say so.
#[test]
fn a_generation_that_is_not_to_be_repaired_stays() {
    for missing in [true, false] {
        let model = files(false);
        let data = first_with(&model, DataType::USER);
        change(&model, data, |b| {
            b.gen_valid = !missing;
            b.mark = b.mark.with_gen(if missing { 0 } else { 250 });
        });
        let code = if missing { Code::GenMissing } else { Code::GenFuture };
        model.policy(|p| p.by_code.extend([(code.number(), Answer::Ignore)]));
        let before = model.member(0).unwrap().bucket(data).unwrap();
        assert_eq!(run(&model, true, false), Ok(()));
        let found = take_findings(&model);
        assert!(!found.is_empty() && !model.get_flag(Flag::FixedGens), "{found:?}");
        let after = model.member(0).unwrap().bucket(data).unwrap();
        assert_eq!(after.gen_valid, before.gen_valid, "{found:?}");
        assert_eq!(after.mark.gen_(), before.mark.gen_());
        assert_eq!(model.gc_count(), 1);
    }
}

// Oracle: docs/design.md: which keys need no host; a type there is none of is the host's.
#[test]
fn plain_keys_are_not_the_hosts() {
    let at = |n| Bpos::new(4096, n);
    let key = |type_, n| Key::new(KeyType(type_), at(n), 0, vec![1, 2]).unwrap();
    for (keys, by_host) in [
        (vec![Key::reservation(at(64), 64, 2).unwrap()], 0),
        (vec![Key::inode(9).unwrap()], 0),
        (vec![Key::dirent(9, 1, 10).unwrap()], 0),
        (vec![key(3, 8), key(9, 9)], 0),
        (vec![key(19, 8), key(20, 9), key(255, 10)], 3),
    ] {
        let model = Model::new(&Options::default()).unwrap();
        model.set_param(Param::Lends, true);
        for key in keys {
            model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
        }
        model.settle();
        model.clear_events();
        assert_eq!(run(&model, true, false), Ok(()));
        assert_eq!(model.count(Call::MarkKey), by_host);
        assert_eq!(model.differences(), Vec::<String>::new());
    }
}

// Oracle: the same file system, whose host lends nothing: each version above the one
// recorded is asked about, by itself and in its place.
#[test]
fn newer_versions_are_asked_about_in_order() {
    let asked = |lends, cached: bool| {
        let model = files(lends);
        for (n, version) in (1..=40).zip([5, 9, 9, 2, 11, 7, 12, 1].into_iter().cycle()) {
            let bucket = first_with(&model, DataType::USER);
            let ptr = Ptr::new(0, bucket * SIZE, 0);
            let ptrs = if cached { vec![ptr.cached()] } else { vec![ptr] };
            let key = Key::extent(Bpos::new(5000, 8 * n), 8, None, &ptrs).unwrap();
            let id = BtreeId::EXTENTS;
            model.set_insert_version(version);
            model.insert(Where::Btree, id, key).unwrap();
            let inode = Key::inode(6000 + n).unwrap();
            model.insert(Where::Btree, BtreeId::INODES, inode).unwrap();
        }
        model.settle();
        model.record_key_version(4);
        model.policy(|p| p.by_code.extend([(Code::KeyVersion.number(), Answer::Ignore)]));
        assert_eq!(run(&model, true, false), Ok(()));
        (model.findings(), snapshot(&model))
    };
    for cached in [false, true] {
        let want = asked(false, cached);
        // Five of eight versions are newer than the fourth, of extents and of inodes.
        let versions = want.0.iter().filter(|(code, _)| *code == Code::KeyVersion.number());
        assert_eq!(versions.count(), 60);
        assert_eq!(asked(true, cached), want);
    }
}

// Oracle: the same file system, whose host lends nothing: what lies behind an entry that
// is not understood is nobody's, what lies before it counts.
#[test]
fn entries_behind_one_that_is_not_understood_do_not_count() {
    let made = |lends| {
        let model = files(lends);
        let bucket = model.alloc_bucket(0).unwrap();
        let ptr = |at: u64| gc_core::layout::ExtentPtr::new(0, bucket * SIZE + at, 0).0;
        let v = vec![ptr(0), 1 << 20, ptr(8)];
        let key = Key::new(KeyType::EXTENT, Bpos::new(5000, 8), 8, v).unwrap();
        model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
        model.settle();
        assert_eq!(run(&model, true, false), Ok(()));
        let sectors = model.member(0).unwrap().bucket(bucket).unwrap().mark.dirty_sectors();
        (sectors, model.findings(), snapshot(&model))
    };
    let want = made(false);
    assert_eq!((want.0, want.1.len()), (8, 0));
    assert_eq!(made(true), want);
}

// Oracle: what a key without a value holds is known to nobody: whoever counts says so.
#[test]
fn a_reservation_without_a_value_holds_nothing() {
    let made = |lends| {
        let model = files(lends);
        let empty = Key::new(KeyType::RESERVATION, Bpos::new(4097, 64), 64, vec![]).unwrap();
        model.insert(Where::Btree, BtreeId::EXTENTS, empty).unwrap();
        model.clear_events();
        let ret = run(&model, true, false);
        (ret, model.findings(), model.lines(), snapshot(&model))
    };
    assert_eq!(made(true), made(false));
}

// Oracle: a naive recount; crc entries of all lengths, which differ in what they say of
// sizes, with one pointer and with two.
#[test]
fn checksums_of_all_lengths_say_how_much_is_stored() {
    let crc = |stored, of| Crc {
        compressed_size: stored,
        uncompressed_size: of,
        offset: 0,
        csum_type: 5,
        compression_type: u8::from(stored != of),
    };
    for (stored, of) in [(8, 8), (3, 8), (100, 128), (300, 512), (1000, 2000)] {
        for lends in [false, true] {
            let options = Options { nr_devices: 2, nbuckets: 200, ..Options::default() };
            let model = Model::new(&options).unwrap();
            model.set_param(Param::Lends, lends);
            for copies in 1..=2_u8 {
                let ptrs: Vec<Ptr> = (0..copies)
                    .map(|d| Ptr::new(d, model.alloc_bucket(d.into()).unwrap() * SIZE, 0))
                    .collect();
                let end = Bpos::new(4096, 8 * u64::from(copies));
                let key = Key::extent(end, 8, Some(crc(stored, of)), &ptrs).unwrap();
                model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
            }
            assert_eq!(run(&model, true, false), Ok(()));
            assert_eq!(model.differences(), Vec::<String>::new(), "{stored} {of} {lends}");
        }
    }
}
