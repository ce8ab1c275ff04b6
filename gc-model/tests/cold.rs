// SPDX-License-Identifier: GPL-2.0-only
//! What a run does where a host hands it what cannot be: it says so, gives back
//! everything, and ends.

mod common;

use common::{assert_no_violation, run, take_findings};
use gc_core::coalesce;
use gc_core::error::{Errno, Error};
use gc_core::finding::Answer;
use gc_core::gc::position::{self, Position};
use gc_core::gens::gc_gens;
use gc_core::host::{GcPosCell, GcWrite, Param};
use gc_core::layout::{Bpos, BtreeId, ExtentPtr, GcPhase, KeyType};
use gc_model::{Call, Key, Model, NodePlace, Options, Ptr, Where};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const SIZE: u64 = 128;
/// A sector behind every device.
const FAR: u64 = 1 << 40;

/// Extents, each in a bucket of its own, and inodes: more than a node of each.
fn files() -> Model {
    let model = Model::new(&Options::default()).unwrap();
    for i in 0..20 {
        let ptr = Ptr::new(0, model.alloc_bucket(0).unwrap() * SIZE, 0);
        let key = Key::extent(Bpos::new(4096, 8 * (i + 1)), 8, None, &[ptr]).unwrap();
        model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
        model.insert(Where::Btree, BtreeId::INODES, Key::inode(4096 + i).unwrap()).unwrap();
    }
    model.settle();
    model
}

fn far_extent(model: &Model) {
    let key = Key::extent(Bpos::new(4097, 8), 8, None, &[Ptr::new(0, FAR, 0)]).unwrap();
    model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
}

/// That this line was said, and nothing was kept.
fn said(model: &Model, line: &str) {
    assert!(model.lines().iter().any(|l| l == line), "{line}: {:?}", model.lines());
    model.clear_messages();
    assert_no_violation(model);
}

// Oracle: no bucket is there to count it in; the walk over generations leaves it out.
#[test]
fn a_pointer_behind_its_device_is_followed_by_nobody() {
    for lends in [false, true] {
        let model = files();
        model.set_param(Param::Lends, lends);
        far_extent(&model);
        let line = format!("pointer to nonexistent bucket: dev 0 sector {FAR}");
        for initial in [true, false] {
            assert_eq!(run(&model, initial, false), Err(Error::INVAL));
            said(&model, &line);
        }
        assert_eq!(gc_gens(&model), Ok(()));
        said(&model, &line);
    }
}

// Oracle: no bucket is there to be marked as the allocator's.
#[test]
fn an_allocator_with_a_bucket_there_is_none_of_ends_the_run() {
    let model = files();
    model.push_reserve(0, 2, FAR).unwrap();
    assert_eq!(run(&model, true, false), Err(Error::INVAL));
    said(&model, &format!("dev 0: the allocator holds nonexistent bucket {FAR}"));
    model.clear_reserves(0).unwrap();
    // Before its first one.
    let dev = model.add_device(64, 128, 4, 0).unwrap();
    model.push_reserve(dev, 0, 3).unwrap();
    assert_eq!(run(&model, true, false), Err(Error::INVAL));
    said(&model, &format!("dev {dev}: the allocator holds nonexistent bucket 3"));
    model.clear_reserves(dev).unwrap();
    for (dev, sector) in [(0, FAR), (9, 0)] {
        model.set_open_bucket(5, Some(ExtentPtr::new(dev, sector, 0))).unwrap();
        assert_eq!(run(&model, false, false), Err(Error::INVAL));
        said(&model, &format!("open bucket 5 in nonexistent bucket: dev {dev} sector {sector}"));
    }
    model.set_open_bucket(5, None).unwrap();
    assert_eq!(run(&model, true, false), Ok(()));
}

// Oracle: a version is a journal sequence number; none is above the current one.
#[test]
fn a_version_beyond_the_journal_ends_the_run() {
    let model = files();
    model.set_insert_version(77);
    model.insert(Where::Btree, BtreeId::INODES, Key::inode(9999).unwrap()).unwrap();
    model.settle();
    model.set_param(Param::JournalSeqVerify, true);
    model.set_journal_seq(76);
    assert_eq!(run(&model, true, false), Err(Error::INVAL));
    said(&model, "key version 77 is beyond the journal sequence 76");
    model.set_journal_seq(77);
    assert_eq!(run(&model, true, false), Ok(()));
}

// Oracle: neither has keys that count; the run finds the same without them.
#[test]
fn nodes_without_anything_to_count_are_walked_past() {
    let model = files();
    model.insert(Where::Btree, BtreeId::DIRENTS, Key::dirent(4096, 1, 4097).unwrap()).unwrap();
    model.make_root(BtreeId::XATTRS).unwrap();
    model.fake_root(BtreeId::XATTRS, true).unwrap();
    model.settle();
    model.set_param(Param::ExpensiveDebugChecks, true);
    for initial in [true, false] {
        assert_eq!(run(&model, initial, false), Ok(()));
        assert_eq!(take_findings(&model), Vec::<String>::new());
    }
}

// Oracle: a btree has four levels at most.
#[test]
fn a_root_too_high_ends_the_run() {
    let model = files();
    let level = model.depth(BtreeId::EXTENTS) - 1;
    model.set_node_level(NodePlace { btree: BtreeId::EXTENTS, level, i: 0 }, 4).unwrap();
    assert_eq!(run(&model, true, false), Err(Error::INVAL));
    said(&model, "btree extents: root deeper than a btree can be");
}

// Oracle: a whiteout stands for nothing.
#[test]
fn whiteouts_are_not_counted() {
    for lends in [false, true] {
        let model = files();
        model.set_param(Param::Lends, lends);
        let leaf = NodePlace { btree: BtreeId::EXTENTS, level: 0, i: 0 };
        let key = model.keys(BtreeId::EXTENTS).into_iter().find(|(level, _)| *level == 0).unwrap();
        let mut p = key.1.pos();
        p.offset -= 1;
        model.put_into_node(leaf, Key::deleted(p)).unwrap();
        assert_eq!(run(&model, true, false), Ok(()));
        assert_eq!(take_findings(&model), Vec::<String>::new());
        assert_eq!(gc_gens(&model), Ok(()));
    }
}

// Oracle: a value without its least key says nothing of where the node begins; the node
// itself is then none that can be read.
#[test]
fn a_short_pointer_to_a_node_bends_no_topology() {
    let model = files();
    let root =
        NodePlace { btree: BtreeId::EXTENTS, level: model.depth(BtreeId::EXTENTS) - 1, i: 0 };
    assert!(root.level > 0);
    let short = Key::new(KeyType::BTREE_PTR_V2, Bpos::new(1, 0), 0, vec![0; 2]).unwrap();
    model.put_into_node(root, short).unwrap();
    model.policy(|p| p.all = Answer::Ignore);
    assert!(run(&model, true, false).is_err());
    assert_eq!(take_findings(&model), Vec::<String>::new());
}

// Oracle: all three copies of the numbers of a stripe's key agree after the run.
#[test]
fn the_algorithm_of_a_stripe_is_that_of_its_key() {
    let model = Model::new(&Options { nr_devices: 3, ..Options::default() }).unwrap();
    let blocks: Vec<Ptr> =
        (0..3_u8).map(|d| Ptr::new(d, model.alloc_bucket(d.into()).unwrap() * SIZE, 0)).collect();
    let stripe = Key::stripe(7, 128, 1, &blocks).unwrap();
    model.insert(Where::Btree, BtreeId::EC, stripe).unwrap();
    model.settle();
    let good = model.stripe(7).unwrap().0;
    let mut bad = good;
    bad.algorithm = 3;
    model.set_stripe(7, bad);
    assert_eq!(run(&model, true, false), Ok(()));
    let want = good.algorithm;
    assert_eq!(
        take_findings(&model),
        [format!("stripe 7 has wrong algorithm: got 3, should be {want}")]
    );
    assert_eq!(model.stripe(7).unwrap().0.algorithm, want);
}

// Oracle: only what is no stop is said.
#[test]
fn a_merge_that_fails_says_so() {
    let model = files();
    coalesce::run(&model);
    assert_eq!(model.lines(), Vec::<String>::new());
    model.fail(Some(Call::WalkNextNode), 0, Errno::EIO);
    coalesce::run(&model);
    said(&model, "btree coalescing failed: -5");
    model.fail(Some(Call::WalkNextNode), 0, Errno::ESHUTDOWN);
    coalesce::run(&model);
    assert_eq!(model.lines(), Vec::<String>::new());
    assert_no_violation(&model);
}

// Oracle: forward only; a move back leaves the place as it was.
#[test]
fn the_position_never_goes_back() {
    let model = Model::new(&Options::default()).unwrap();
    let gc = GcWrite::lock(&model);
    let mut at = Position::new(&model, &gc).unwrap();
    let (early, late) = (position::phase(GcPhase::START), position::phase(GcPhase::SB));
    at.advance(late).unwrap();
    for back in [early, late] {
        assert_eq!(at.advance(back), Err(Error::INVAL));
        assert_eq!(at.now(), late);
        assert_eq!(model.gc_pos_now(), late);
    }
    at.reset();
    drop(gc);
    let lines = model.lines();
    assert!(lines.len() == 2 && lines.iter().all(|l| l.starts_with("gc position would go back")));
}

// Oracle: a reader waits for the writer to end, and sees all of what it wrote.
#[test]
fn a_position_is_not_read_while_it_is_written() {
    let seq = AtomicU32::new(1);
    let words: [AtomicU32; 7] = core::array::from_fn(|_| AtomicU32::new(0));
    let cell = GcPosCell { seq: &seq, words: &words };
    std::thread::scope(|s| {
        let reader = s.spawn(|| position::seqlock_read(cell));
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!reader.is_finished());
        words[0].store(GcPhase::SB.0, SeqCst);
        words[6].store(3, SeqCst);
        seq.store(2, SeqCst);
        let got = reader.join().unwrap();
        assert_eq!((got.phase, got.level), (GcPhase::SB, 3));
    });
}
