// SPDX-License-Identifier: GPL-2.0-only
//! Merging of nodes on btrees in memory: what has to be the same before and after,
//! whatever fails in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use gc_core::coalesce::coalesce;
use gc_core::error::{Errno, Error};
use gc_core::layout::{Bpos, BtreeId, POS_MAX, POS_MIN};
use gc_model::{Call, Key, Model, NodeId, NodePlace, Options, Where};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

const BTREE: BtreeId = BtreeId::INODES;

fn model(node_keys: usize) -> Model {
    let options =
        Options { nbuckets: 1 << 14, node_keys, metadata_replicas: 1, ..Options::default() };
    Model::new(&options).expect("the options make sense")
}

/// Inserts `n` inodes, then deletes those that `dead` says.
fn fill(model: &Model, n: u64, dead: impl Fn(u64) -> bool) {
    for i in 1..=n {
        model.insert(Where::Btree, BTREE, Key::inode(i).unwrap()).unwrap();
    }
    for i in (1..=n).filter(|&i| dead(i)) {
        model.insert(Where::Btree, BTREE, Key::deleted(Bpos::new(0, i))).unwrap();
    }
}

/// Leaf keys as a reader finds them.
fn leaf_keys(model: &Model) -> Vec<Vec<u64>> {
    model.keys(BTREE).into_iter().filter(|(level, _)| *level == 0).map(|(_, k)| k.words()).collect()
}

fn per_level(model: &Model) -> Vec<usize> {
    (0..4).map(|level| model.nodes(BTREE, level).len()).collect()
}

/// Each level tiles the whole btree; each node's key says its range; each parent's
/// keys are those of its children.
fn check_shape(model: &Model) {
    for level in 0..model.depth(BTREE) {
        let mut begins = Some(POS_MIN);
        for id in model.nodes(BTREE, level) {
            let data = model.node(id).unwrap().data();
            assert_eq!(begins, Some(data.min), "level {level}");
            assert_eq!(data.ptr().get().child_min_key(), Some(data.min));
            assert_eq!(data.ptr().pos(), data.max);
            assert!(data.keys.iter().all(|k| k.pos() >= data.min && k.pos() <= data.max));
            assert!(data.keys.windows(2).all(|w| w[0].pos() < w[1].pos()));
            if level > 0 {
                let children: Vec<NodeId> = model
                    .nodes(BTREE, level - 1)
                    .into_iter()
                    .filter(|c| {
                        let max = model.node(*c).unwrap().data().max;
                        max >= data.min && max <= data.max
                    })
                    .collect();
                let keys: Vec<Vec<u64>> = data.keys.iter().map(Key::words).collect();
                let own: Vec<Vec<u64>> =
                    children.iter().map(|c| model.node(*c).unwrap().data().ptr().words()).collect();
                assert_eq!(keys, own);
            }
            begins = data.max.successor();
        }
        assert_eq!(begins, POS_MAX.successor());
    }
}

/// All that can be seen of a btree.
fn picture(model: &Model) -> Vec<(u8, Vec<u64>)> {
    model.keys(BTREE).into_iter().map(|(level, k)| (level, k.words())).collect()
}

fn nothing_held(model: &Model) {
    assert_eq!(model.check_quiescent(), 0, "{:?}", model.violations());
    assert_eq!(model.violations(), Vec::<String>::new());
    let starts =
        model.with_events(|all| all.iter().filter(|e| e.args.contains("coalesce_start")).count());
    let ends =
        model.with_events(|all| all.iter().filter(|e| e.args.contains("coalesce_end")).count());
    assert_eq!(starts, ends, "the trace is closed");
}

// Oracle: counting by hand: one node of ten has room for what every fourth key of
// many is, and the tree loses its upper level's nodes too.
#[test]
fn sparse_leaves_are_merged_on_all_levels() {
    let model = model(8);
    fill(&model, 400, |i| i % 4 != 0);
    let before = (leaf_keys(&model), per_level(&model));
    check_shape(&model);
    coalesce(&model).unwrap();
    check_shape(&model);
    let after = (leaf_keys(&model), per_level(&model));
    assert_eq!(before.0, after.0);
    assert_eq!(before.0.len(), 100);
    assert_eq!(model.messages(), []);
    assert!(after.1[0] * 2 <= before.1[0], "{:?} {:?}", before.1, after.1);
    assert!(after.1[1] < before.1[1], "{:?} {:?}", before.1, after.1);
    nothing_held(&model);
}

// Oracle: ESHUTDOWN is what stopping says; a stop before the first node changes
// nothing.
#[test]
fn errors_of_the_walk_come_back() {
    for call in [Call::WalkOpen, Call::WalkNextNode, Call::WalkClose] {
        let model = model(8);
        fill(&model, 100, |i| i % 3 == 0);
        assert!(model.fail(Some(call), 0, Errno::EIO));
        assert_eq!(coalesce(&model), Err(Error::Errno(Errno::EIO)), "{call:?}");
        check_shape(&model);
        nothing_held(&model);
    }
}

// Oracle: what was to be replaced is there, exactly as it was, when the host says no
// for good; the error comes back where there can be no update any more.
#[test]
fn a_refusal_leaves_the_tree_and_ends_the_run() {
    for errno in [Errno::EROFS, Errno::EIO] {
        let model = model(8);
        fill(&model, 100, |i| i % 3 != 0);
        let before = picture(&model);
        assert!(model.fail(Some(Call::WalkReplace), 0, errno));
        assert_eq!(coalesce(&model), Err(Error::Errno(errno)));
        assert!(model.failed());
        assert_eq!(picture(&model), before);
        nothing_held(&model);
    }
}

// Oracle: the same run without a failure: a merge that had to wait is made, one that
// was refused is not missed by the keys.
#[test]
fn waiting_loses_no_merge() {
    let undisturbed = model(8);
    fill(&undisturbed, 200, |i| i % 3 != 0);
    coalesce(&undisturbed).unwrap();
    for errno in [Errno::EAGAIN, Errno::EINTR] {
        let model = model(8);
        fill(&model, 200, |i| i % 3 != 0);
        assert!(model.fail(Some(Call::WalkReplace), 2, errno));
        coalesce(&model).unwrap();
        assert!(model.failed());
        assert_eq!(model.count(Call::WalkWait), 1);
        assert_eq!(per_level(&model), per_level(&undisturbed));
        check_shape(&model);
        nothing_held(&model);
    }
}

// Oracle: a node whose key does not say its range is not merged, and nothing changes.
#[test]
fn nodes_that_disagree_are_left() {
    let model = model(8);
    fill(&model, 12, |i| i % 3 != 0);
    assert_eq!(per_level(&model), [2, 1, 0, 0]);
    let place = NodePlace { btree: BTREE, level: 0, i: 1 };
    model.set_ptr_min(place, Bpos::new(0, 1)).unwrap();
    let before = picture(&model);
    coalesce(&model).unwrap();
    assert_eq!(picture(&model), before);
    let said = model.messages();
    assert_eq!(said.len(), 1);
    assert!(said[0].text.contains("nodes and parent do not agree"), "{said:?}");
    nothing_held(&model);
}

// Oracle: asked to stop, the run sees one node and no more, says ESHUTDOWN, closes its
// trace and changes nothing.
#[test]
fn stops_at_once() {
    let model = Arc::new(model(8));
    fill(&model, 100, |i| i % 3 != 0);
    let before = picture(&model);
    let (inside, results) = (Arc::clone(&model), Arc::new(Mutex::new(Vec::new())));
    let out = Arc::clone(&results);
    let body = move || {
        while !inside.stopping() {
            std::thread::yield_now();
        }
        out.lock().unwrap().push(coalesce(&*inside));
    };
    model.start_thread(body).unwrap();
    model.stop_thread();
    assert_eq!(*results.lock().unwrap(), [Err(Error::Errno(Errno::ESHUTDOWN))]);
    assert_eq!(model.count(Call::WalkNextNode), 1);
    assert_eq!(picture(&model), before);
    nothing_held(&model);
}

// Oracle: sets of the positions that each thread has inserted and not deleted.
#[test]
fn updates_beside_merging_lose_nothing() {
    const THREADS: u64 = 3;
    let model = model(8);
    fill(&model, 200, |i| i % 3 != 0);
    let old: BTreeSet<u64> = (1..=200).filter(|i| i % 3 == 0).collect();
    let updaters = AtomicU64::new(THREADS);
    let mut want = old;
    std::thread::scope(|s| {
        let threads: Vec<_> = (1..=THREADS)
            .map(|t| {
                let (model, updaters) = (&model, &updaters);
                s.spawn(move || {
                    let mut mine = BTreeSet::new();
                    let mut x = t.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    for _ in 0..1500 {
                        x ^= x << 13;
                        x ^= x >> 7;
                        x ^= x << 17;
                        let inode = t * 1000 + x % 120;
                        let key = if x & (1 << 40) == 0 {
                            mine.insert(inode);
                            Key::inode(inode).unwrap()
                        } else {
                            mine.remove(&inode);
                            Key::deleted(Bpos::new(0, inode))
                        };
                        model.insert(Where::Btree, BTREE, key).unwrap();
                    }
                    updaters.fetch_sub(1, SeqCst);
                    mine
                })
            })
            .collect();
        let mut runs = 0;
        while updaters.load(SeqCst) != 0 || runs == 0 {
            coalesce(&model).unwrap();
            runs += 1;
        }
        for t in threads {
            want.extend(t.join().unwrap());
        }
    });
    coalesce(&model).unwrap();
    let keys = model.keys(BTREE).into_iter().filter(|(level, _)| *level == 0);
    let got: BTreeSet<u64> = keys.map(|(_, k)| { k.pos() }.offset).collect();
    assert_eq!(got, want);
    assert!(model.count(Call::WalkReplace) > 0);
    check_shape(&model);
    nothing_held(&model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    // Oracle: the keys before; the shape every btree has; no level with more nodes; a
    // second run finds at most what the first could not see.
    #[test]
    fn keys_stay_and_nodes_do_not_grow(
        n in 1_u64..500,
        node_keys in 4_usize..24,
        dead in prop::collection::vec(any::<bool>(), 64),
        runs in 1_u64..9,
    ) {
        let model = model(node_keys);
        fill(&model, n, |i| dead[usize::try_from(i / runs).unwrap() % dead.len()]);
        let (keys, before) = (leaf_keys(&model), per_level(&model));
        coalesce(&model).unwrap();
        check_shape(&model);
        prop_assert_eq!(leaf_keys(&model), keys.clone());
        prop_assert_eq!(model.messages(), []);
        let after = per_level(&model);
        prop_assert!(after.iter().zip(&before).all(|(a, b)| a <= b), "{:?} {:?}", before, after);
        coalesce(&model).unwrap();
        check_shape(&model);
        prop_assert_eq!(leaf_keys(&model), keys);
        let again = per_level(&model);
        prop_assert!(again.iter().zip(&after).all(|(a, b)| a <= b), "{:?} {:?}", after, again);
        nothing_held(&model);
    }

    // Oracle: as above, with one call failing somewhere; afterwards a run without a
    // failure ends where an undisturbed one would, or with fewer nodes still to merge.
    #[test]
    fn a_failure_anywhere_keeps_the_keys(
        n in 50_u64..300,
        dead in prop::collection::vec(any::<bool>(), 64),
        after in 0_usize..60,
        call in prop::sample::select(vec![
            None, Some(Call::WalkReplace), Some(Call::WalkNextNode), Some(Call::WalkOpen),
            Some(Call::WalkClose),
        ]),
        errno in prop::sample::select(vec![
            Errno::ENOMEM, Errno::EIO, Errno::EAGAIN, Errno::EINTR, Errno::EROFS, Errno::ERANGE,
        ]),
    ) {
        let model = model(8);
        fill(&model, n, |i| dead[usize::try_from(i).unwrap() % dead.len()]);
        let (keys, before) = (leaf_keys(&model), per_level(&model));
        model.fail(call, after, errno);
        let result = coalesce(&model);
        let failed = model.failed();
        prop_assert!(failed || result.is_ok());
        check_shape(&model);
        prop_assert_eq!(leaf_keys(&model), keys.clone());
        let broken = per_level(&model);
        prop_assert!(broken.iter().zip(&before).all(|(a, b)| a <= b));
        nothing_held(&model);
        coalesce(&model).unwrap();
        check_shape(&model);
        prop_assert_eq!(leaf_keys(&model), keys);
        nothing_held(&model);
    }
}
