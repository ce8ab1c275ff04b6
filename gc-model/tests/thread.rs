// SPDX-License-Identifier: GPL-2.0-only
//! The gc thread: kicks, the io clock, stopping at any time, freezing.

use gc_core::error::Errno;
use gc_core::host::Param;
use gc_core::layout::{Bpos, BtreeId};
use gc_core::thread;
use gc_model::{Call, Key, Model, NodePlace, Options, Ptr, Where};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(20);

fn model() -> Arc<Model> {
    let model = Model::new(&Options::default()).unwrap();
    let b = model.alloc_bucket(0).unwrap();
    for i in 0..16 {
        let ptr = Ptr::new(0, b * 128 + i * 8, 0);
        let key = Key::extent(Bpos::new(4096, 8 * (i + 1)), 8, None, &[ptr]).unwrap();
        model.insert(Where::Btree, BtreeId::EXTENTS, key).unwrap();
    }
    model.settle();
    Arc::new(model)
}

fn start(model: &Arc<Model>) {
    let host = Arc::clone(model);
    model.start_thread(move || thread::run(&*host)).unwrap();
}

fn stop(model: &Model) {
    let started = Instant::now();
    model.stop_thread();
    assert!(started.elapsed() < SOON);
    assert!(!model.thread_running());
    model.check_quiescent();
    assert_eq!(model.violations(), Vec::<String>::new());
}

// Oracle: one round a kick, none without; a second start is refused.
#[test]
fn a_kick_is_a_round() {
    let model = model();
    start(&model);
    assert_eq!(model.start_thread(|| ()), Err(Errno::EBUSY.into()));
    assert!(model.wait_idle(SOON));
    assert_eq!(model.gc_count(), 0);
    for n in 1..=3 {
        model.kick();
        assert!(model.wait_gc_count(n, SOON));
        assert!(model.wait_idle(SOON));
        assert_eq!(model.gc_count(), n);
    }
    assert!(model.count(Call::AssertNoLocks) == 3 && model.count(Call::WaitSleep) >= 4);
    stop(&model);
}

// Oracle: a kick before the wait is not lost: the count was taken when the thread began.
#[test]
fn rounds_come_with_the_io_clock_where_asked_for() {
    let model = model();
    model.set_capacity(1600);
    start(&model);
    model.io(1_000_000);
    assert!(model.wait_idle(SOON));
    assert_eq!(model.gc_count(), 0, "not asked for");
    stop(&model);
    model.set_param(Param::Periodic, true);
    start(&model);
    assert!(model.wait_idle(SOON));
    model.io(99);
    assert!(model.wait_idle(SOON));
    assert_eq!(model.gc_count(), 0, "a sixteenth of the capacity is 100");
    model.io(1);
    assert!(model.wait_gc_count(1, SOON));
    stop(&model);
}

// Oracle: D2: the stopper holds the state lock for writing, the thread wants it.
#[test]
fn d2_stopping_under_the_state_lock_ends() {
    let model = model();
    for full in [false, true] {
        model.set_param(Param::ThreadFullGc, full);
        start(&model);
        assert!(model.wait_idle(SOON));
        let asked = model.count(Call::LockUnlessStopping);
        let state = model.state_write();
        model.kick();
        while model.count(Call::LockUnlessStopping) == asked {
            std::thread::yield_now();
        }
        let started = Instant::now();
        model.stop_thread();
        assert!(started.elapsed() < SOON);
        drop(state);
        stop(&model);
        // Stopping is no failure.
        assert_eq!(model.lines(), Vec::<String>::new());
    }
    assert_eq!(model.gc_count(), 0);
}

// Oracle: a stop at any moment of a round ends the thread, and a next one works.
#[test]
fn stops_while_rounds_are_under_way() {
    let model = model();
    model.set_param(Param::ThreadFullGc, true);
    for i in 0..50_u64 {
        start(&model);
        model.kick();
        std::thread::sleep(Duration::from_micros(i * 20));
        stop(&model);
    }
    start(&model);
    let count = model.gc_count();
    assert!(model.wait_idle(SOON));
    model.kick();
    assert!(model.wait_gc_count(count + 1, SOON));
    stop(&model);
    assert_eq!(model.differences(), Vec::<String>::new());
}

// Oracle: frozen in the wait and only there: a kick meanwhile is a round after thawing.
#[test]
fn freezes_in_its_wait() {
    let model = model();
    start(&model);
    assert!(model.wait_idle(SOON));
    assert!(model.freeze(SOON));
    model.kick();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(model.gc_count(), 0);
    model.thaw();
    assert!(model.wait_gc_count(1, SOON));
    // Frozen, it can still be stopped.
    assert!(model.wait_idle(SOON));
    assert!(model.freeze(SOON));
    stop(&model);
}

// Oracle: the text of docs/facts/gc.md; the thread goes on.
#[test]
fn a_failed_round_is_told_and_not_the_last() {
    let model = model();
    let leaf = NodePlace { btree: BtreeId::EXTENTS, level: 0, i: 0 };
    model.set_unreadable(leaf, Some(Errno::EIO)).unwrap();
    start(&model);
    assert!(model.wait_idle(SOON));
    model.kick();
    let started = Instant::now();
    while model.lines().is_empty() {
        assert!(started.elapsed() < SOON);
        std::thread::yield_now();
    }
    assert_eq!(model.lines(), ["btree gc failed: -5"]);
    model.set_unreadable(leaf, None).unwrap();
    model.kick();
    assert!(model.wait_gc_count(1, SOON));
    stop(&model);
}
