// SPDX-License-Identifier: GPL-2.0-only
//! Nodes that gc writes anew while the file system is in use.

use gc_core::gc::{self, Args};
use gc_core::host::Param;
use gc_core::layout::{Bpos, BtreeId, DataType, ExtentPtr, POS_MAX};
use gc_model::{BucketState, Committed, Key, Model, NodeId, Options, Reserve, Update};

/// Buckets for data that will be reused, and for nodes.
const DATA: u64 = 40;
const FOR_ALL: std::ops::Range<u64> = 50..60;
const FOR_NODES: std::ops::Range<u64> = 60..70;

/// One leaf, which is the root, of extents with nothing but cached copies.
fn model() -> Model {
    let options =
        Options { nbuckets: 128, bucket_size: 64, btree_node_size: 64, ..Options::default() };
    let model = Model::new(&options).unwrap();
    model.make_root(BtreeId::EXTENTS).unwrap();
    model.start_running(64);
    assert!(model.invalidate_bucket(0, DATA, 1, true) && model.ready_bucket(0, Reserve::None));
    let slot = model.open_bucket(0, Reserve::None, 5).unwrap();
    let start = model.open_bucket_start(slot).unwrap();
    let writes = model.writes();
    for n in [1, 2] {
        let mut at = start.cached();
        at.sector += 8 * n;
        let key = Key::extent(Bpos::new(4096, 8 * n), 8, None, &[at]).unwrap();
        let update = Update { btree: BtreeId::EXTENTS, key, was: Some(None) };
        assert_eq!(model.commit(&[update]), Ok(Committed::Done));
    }
    drop(writes);
    model.put_open_bucket(slot);
    model
}

/// Makes the pointers so many generations old.
fn age(model: &Model, by: u8) {
    assert!(by == 0 || model.invalidate_bucket(0, DATA, by, true));
}

fn stock(model: &Model, buckets: std::ops::Range<u64>, reserve: Reserve) {
    while model.ready_bucket(0, Reserve::None) {}
    for bucket in buckets {
        assert!(model.invalidate_bucket(0, bucket, 1, true));
        assert!(model.ready_bucket(0, reserve));
    }
}

fn leaf(model: &Model) -> NodeId {
    model.nodes(BtreeId::EXTENTS, 0)[0]
}

fn bucket_of(model: &Model, id: NodeId) -> (u64, BucketState) {
    let ptr: ExtentPtr = model.node(id).unwrap().data().ptr().get().pointers().next().unwrap();
    let dev = model.member(0).unwrap();
    let bucket = dev.geometry().bucket_of(ptr.offset()).unwrap();
    (bucket, dev.bucket(bucket).unwrap())
}

fn run(model: &Model) {
    {
        let _state = model.state_read();
        // What finishes interior updates, beside the run.
        let done = std::sync::atomic::AtomicBool::new(false);
        let ended = || done.load(std::sync::atomic::Ordering::SeqCst);
        std::thread::scope(|s| {
            s.spawn(|| {
                while model.wait_interior_work(ended) {
                    model.finish_interior_update();
                }
            });
            let ret = gc::gc(model, Args { initial: false, metadata_only: false });
            done.store(true, std::sync::atomic::Ordering::SeqCst);
            model.poke();
            assert_eq!(ret, Ok(()));
        });
    }
    assert_eq!(model.findings(), []);
    assert_eq!(model.differences(), Vec::<String>::new());
    model.check_quiescent();
    assert_eq!(model.violations(), Vec::<String>::new());
}

// Oracle: docs/facts/gc.md, the row on rewriting: more than 16 generations, unless that
// is disabled; more than 64 always, and then from the reserve; or whenever a parameter
// says so. A node that was written anew lies in another bucket, is pointed to by its
// parent (here the root's own pointer), has lost its stale pointers, and its old bucket
// holds nothing any more.
#[test]
fn thresholds_move_the_node() {
    for (stale, always, disabled, from_all, from_reserve) in [
        (0, false, false, false, false),
        (16, false, false, false, false),
        (17, false, false, true, false),
        (17, false, true, false, false),
        (64, false, false, true, false),
        (65, false, false, true, true),
        (65, false, true, true, true),
        (0, true, false, true, false),
        (0, true, true, false, false),
    ] {
        for (buckets, reserve, moves) in
            [(FOR_ALL, Reserve::None, from_all), (FOR_NODES, Reserve::Btree, from_reserve)]
        {
            let model = model();
            age(&model, stale);
            stock(&model, buckets.clone(), reserve);
            // The bucket of the data must not be what the node gets.
            let _held = (stale != 0).then(|| model.open_bucket(0, Reserve::None, 9));
            model.set_param(Param::AlwaysRewrite, always);
            model.set_param(Param::RewriteDisabled, disabled);
            let (old, before) = (leaf(&model), bucket_of(&model, leaf(&model)));
            assert_eq!(before.1.mark.data_type(), DataType::BTREE);
            run(&model);
            let what = format!("stale {stale} {always} {disabled} {reserve:?}");
            assert_eq!(leaf(&model) != old, moves, "{what}");
            assert_eq!(model.node(old).unwrap().freed(), moves, "{what}");
            if moves {
                let (bucket, state) = bucket_of(&model, leaf(&model));
                assert!(bucket != before.0, "{what}: bucket {bucket}");
                assert_eq!(state.mark.data_type(), DataType::BTREE, "{what}");
                assert_eq!(state.mark.dirty_sectors(), 64, "{what}");
                assert!(!state.mark.owned_by_allocator(), "{what}");
                let freed = model.member(0).unwrap().bucket(before.0).unwrap().mark;
                assert_eq!(freed.dirty_sectors(), 0, "{what}");
                assert_eq!(freed.data_type(), DataType::NONE, "{what}");
                let data = model.node(leaf(&model)).unwrap().data();
                assert_eq!(data.max, POS_MAX);
                assert_eq!(data.keys.len(), if stale == 0 { 2 } else { 0 }, "{what}");
            }
        }
    }
}
