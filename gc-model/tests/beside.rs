// SPDX-License-Identifier: GPL-2.0-only
//! Others beside gc: readers of buckets and of the position, devices that come, go and
//! grow.

mod common;

use common::{Op, Spec, To, build, run};
use gc_core::error::Errno;
use gc_core::layout::GcPhase;
use gc_model::{Model, Options};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

fn files(nr_devices: u32) -> Model {
    let op = |i: u8| Op::Extent { size: 8, copies: vec![(i, false, 0)], crc: None, to: To::Btree };
    let options = Options { nr_devices, nbuckets: 160, node_keys: 4, ..Options::default() };
    build(&Spec { options, gens: vec![1], ops: (0..60).map(op).collect(), lends: false })
}

/// Ends the others also when a check fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

// Oracle: a reader never sees a position that is torn (phases of btrees only with levels
// there are) nor, within a run, one before an earlier one. Runs are numbered, since a
// reader that was held up may find the next one behind the place it saw last.
#[test]
fn positions_are_read_whole_and_in_order() {
    let model = files(1);
    let done = AtomicBool::new(false);
    let seen = AtomicU64::new(0);
    let runs = AtomicU64::new(0);
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                let mut last = (0, gc_core::layout::GcPos::default());
                while !done.load(SeqCst) {
                    let run = runs.load(SeqCst);
                    let p = model.gc_pos_now();
                    let the_same = runs.load(SeqCst) == run;
                    assert!(p.level <= 4 && p.phase.0 <= GcPhase::ALLOC.0, "{p:?}");
                    if p.phase == GcPhase::NOT_RUNNING {
                        assert_eq!((p.pos, p.level), (gc_core::layout::POS_MIN, 0));
                    } else if the_same {
                        assert!(last.0 != run || p >= last.1, "{p:?} after {:?}", last.1);
                        seen.fetch_add(1, SeqCst);
                        last = (run, p);
                    }
                }
            });
        }
        let done = Done(&done);
        for _ in 0..40 {
            runs.fetch_add(1, SeqCst);
            assert_eq!(run(&model, false, false), Ok(()));
        }
        drop(done);
    });
    assert!(seen.load(SeqCst) > 0);
}

// Oracle: every bucket that a reader sees has the one state it ever has, whatever number
// of buckets there is at the moment.
#[test]
fn buckets_are_read_while_the_array_is_replaced() {
    let model = files(1);
    let dev = model.member(0).unwrap();
    let first: Vec<_> = (0..160).map(|b| dev.bucket(b).unwrap()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                let mut b = 0;
                while !done.load(SeqCst) {
                    b = (b + 7) % 160;
                    let seen = dev.bucket(b).unwrap();
                    assert_eq!(seen.mark, first[usize::try_from(b).unwrap()].mark);
                    let n = dev.with_buckets(<[_]>::len);
                    assert!((160..=360).contains(&n));
                }
            });
        }
        let done = Done(&done);
        for i in 0..200 {
            assert_eq!(model.resize_device(0, 160 + i % 3 * 100), Ok(()));
            if i % 20 == 0 {
                assert_eq!(run(&model, true, false), Ok(()));
            }
        }
        drop(done);
    });
    assert_eq!(model.findings(), []);
    assert_eq!(model.resize_device(0, 160), Ok(()));
    assert_eq!(model.differences(), Vec::<String>::new());
}

// Oracle: resizing is refused while a run holds its locks, and never breaks one.
#[test]
fn runs_and_resizes_exclude_each_other() {
    let model = files(2);
    let done = AtomicBool::new(false);
    let (mut refused, mut resized) = (0_u32, 0_u32);
    thread::scope(|s| {
        s.spawn(|| {
            let done = Done(&done);
            for i in 0..60 {
                assert_eq!(run_quietly(&model, i % 2 == 0), Ok(()));
            }
            drop(done);
        });
        let mut i = 0;
        while !done.load(SeqCst) {
            i += 1;
            match model.resize_device(1, 160 + i % 2 * 64) {
                Ok(()) => resized += 1,
                Err(e) => {
                    assert_eq!(e, Errno::EBUSY.into());
                    refused += 1;
                }
            }
            thread::yield_now();
        }
    });
    assert!(refused + resized > 0);
    model.check_quiescent();
    assert_eq!(model.violations(), Vec::<String>::new());
    assert_eq!(model.findings(), []);
}

/// As `run`, without the look at what is left: others are at work.
fn run_quietly(model: &Model, initial: bool) -> gc_core::error::Result<()> {
    let state = model.state_read();
    let args = gc_core::gc::Args { initial, metadata_only: false };
    let ret = gc_core::gc::gc(model, args);
    drop(state);
    ret
}

// Oracle: a member with a reference stays; one without goes, and its index is free for
// the next; runs see whichever members there are.
#[test]
fn members_come_and_go() {
    use gc_core::host::Members;
    let model = files(1);
    let idx = model.add_device(64, 128, 0, 2).unwrap();
    assert_eq!(idx, 1);
    model.settle();
    assert_eq!(run(&model, true, false), Ok(()));
    let (found, dev) = model.dev_next(1, true).unwrap();
    assert_eq!(found, 1);
    assert_eq!(model.remove_device(1), Err(Errno::EBUSY.into()));
    model.dev_put(dev, true);
    assert_eq!(model.remove_device(1), Ok(()));
    assert!(model.dev_next(1, false).is_none() && model.member(1).is_none());
    model.settle();
    assert_eq!(run(&model, true, false), Ok(()));
    assert_eq!(model.add_device(64, 128, 0, 0), Ok(1));
    assert_eq!(model.add_device(0, 128, 0, 0).unwrap_err().code(), -22);
    model.settle();
    assert_eq!(run(&model, false, false), Ok(()));
    assert_eq!(model.findings(), []);
}

// Oracle: members that come and go while runs are under way break none.
#[test]
fn members_come_and_go_beside_runs() {
    let model = files(2);
    let done = AtomicBool::new(false);
    thread::scope(|s| {
        s.spawn(|| {
            let done = Done(&done);
            for i in 0..60 {
                assert_eq!(run_quietly(&model, i % 2 == 0), Ok(()));
            }
            drop(done);
        });
        while !done.load(SeqCst) {
            let idx = model.add_device(32, 128, 0, 0).unwrap();
            thread::yield_now();
            while model.remove_device(idx).is_err() {
                thread::yield_now();
            }
        }
    });
    model.check_quiescent();
    assert_eq!(model.violations(), Vec::<String>::new());
}
