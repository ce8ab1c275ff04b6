// SPDX-License-Identifier: GPL-2.0-only
//! The engine's pass, watched: the position is at the place of everything that
//! is marked, and moves under the lock that keeps updates off that place.
#![cfg(not(loom))]

use gc_core::error::Error;
use gc_core::gc::position::{Position, allocator, phase, seqlock_read};
use gc_core::gc::{Args, gc};
use gc_core::host::{GcWrite, State};
use gc_core::layout::{BtreeId, GcPhase};
use order_check::watch::{Setting, Watch};

const CONCURRENT: Args = Args { initial: false, metadata_only: false };

fn run(setting: Setting) -> (Watch, Result<(), Error>) {
    let host = Watch::new(setting);
    let ret = gc(&host, Args { initial: setting.initial, ..CONCURRENT });
    assert_eq!(seqlock_read(host.gc_pos().unwrap()), phase(GcPhase::NOT_RUNNING), "after the run");
    (host, ret)
}

fn no_faults(host: &Watch) {
    let faults = host.faults();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

// Oracle: docs/facts/order.md, "What gc holds where"; and every reference once.
#[test]
fn the_position_is_where_gc_marks() {
    let (host, ret) = run(Setting::default());
    no_faults(&host);
    assert_eq!(ret, Ok(()));
    assert_eq!(host.marked(), host.referenced());
    assert_eq!(host.passes(), 1);
}

// Oracle: the same in the second pass, and "not running" before the arrays go.
#[test]
fn a_restart_begins_anew() {
    let (host, ret) = run(Setting { restart: true, ..Setting::default() });
    no_faults(&host);
    assert_eq!(ret, Ok(()));
    assert_eq!(host.marked(), host.referenced());
    assert_eq!(host.passes(), 2);
}

// Oracle: docs/order.md: the run's own rewrites finish before the comparison.
#[test]
fn rewrites_finish_before_the_comparison() {
    let (host, ret) = run(Setting { updates: true, ..Setting::default() });
    no_faults(&host);
    assert_eq!(ret, Ok(()));
}

// Oracle: the contract of `Position::advance`: forward or not at all.
#[test]
fn the_position_neither_stays_nor_goes_back() {
    let host = Watch::bare();
    let gc = GcWrite::lock(&host);
    let mut position = Position::new(&host, &gc).unwrap();
    position.advance(allocator(1)).unwrap();
    for to in [allocator(1), allocator(0), phase(GcPhase::SB)] {
        assert_eq!(position.advance(to), Err(Error::INVAL));
        assert_eq!(position.now(), allocator(1));
        assert_eq!(seqlock_read(host.gc_pos().unwrap()), allocator(1));
    }
    position.reset();
    position.advance(allocator(0)).unwrap();
}

// Oracle: as for a whole run; a btree without a root has no reference.
#[test]
fn a_btree_without_a_root_is_passed() {
    let (host, ret) = run(Setting { rootless: Some(BtreeId::INODES), ..Setting::default() });
    no_faults(&host);
    assert_eq!(ret, Ok(()));
    assert_eq!(host.marked().len(), host.referenced().len() - 1);
}

// Oracle: a run that fails leaves "not running" before the arrays go.
#[test]
fn a_failed_run_does_not_run_on() {
    let (host, ret) = run(Setting { fails: Some(BtreeId::EXTENTS), ..Setting::default() });
    no_faults(&host);
    assert_eq!(ret, Err(Error::NOMEM));
    assert_eq!(host.passes(), 0);
}

// Oracle: docs/facts/gc.md: in the initial pass the position stays at the
// superblocks until the allocator's turn.
#[test]
fn the_initial_pass_stays_before_the_btrees() {
    let (host, ret) = run(Setting { initial: true, ..Setting::default() });
    no_faults(&host);
    assert_eq!(ret, Ok(()));
    assert_eq!(host.marked(), host.referenced());
}
