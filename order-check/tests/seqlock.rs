// SPDX-License-Identifier: GPL-2.0-only
//! The seqlock of the gc position under loom: a reader sees a position that was
//! written, whole, and never an older one than before.
#![cfg(loom)]

mod common;

use common::holds;
use gc_core::gc::position::{node, phase, seqlock_read, seqlock_write};
use gc_core::layout::{Bpos, GcPhase, GcPos};
use loom::sync::Arc;
use loom::thread;
use order_check::cell::Cell;

/// Differs from "not running" in every word.
fn first() -> GcPos {
    let pos = Bpos { snapshot: 1, offset: (2 << 32) | 3, inode: (4 << 32) | 5 };
    node(GcPhase::BTREE_EXTENTS, pos, 1)
}

/// Differs from both in every word.
fn second() -> GcPos {
    let pos = Bpos { snapshot: 6, offset: (7 << 32) | 8, inode: (9 << 32) | 10 };
    node(GcPhase::BTREE_INODES, pos, 2)
}

// Oracle: the positions ever written. A mix of two words of different ones is none.
#[test]
fn a_reader_sees_a_whole_position() {
    holds("seqlock: one write, one reader", || {
        let cell = Arc::new(Cell::new());
        let writer = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || seqlock_write(cell.get(), first()))
        };
        let seen = seqlock_read(cell.get());
        assert!([phase(GcPhase::NOT_RUNNING), first()].contains(&seen), "torn: {seen:?}");
        writer.join().unwrap();
        assert_eq!(seqlock_read(cell.get()), first());
    });
}

// Oracle: as above; and time: what is read later was not written earlier.
#[test]
fn a_reader_never_goes_back() {
    holds("seqlock: one write, two reads", || {
        let cell = Arc::new(Cell::new());
        let writer = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || seqlock_write(cell.get(), first()))
        };
        let a = seqlock_read(cell.get());
        let b = seqlock_read(cell.get());
        let written = [phase(GcPhase::NOT_RUNNING), first()];
        assert!(written.contains(&a) && written.contains(&b), "torn: {a:?}, {b:?}");
        assert!(a <= b, "went back: {a:?}, {b:?}");
        writer.join().unwrap();
    });
}

// Oracle: the positions ever written; a reader that is overtaken twice, too.
#[test]
#[ignore = "takes more than a minute: scripts/check-order --long"]
fn a_reader_is_overtaken_twice() {
    holds("seqlock: two writes, one reader", || {
        let cell = Arc::new(Cell::new());
        let writer = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                seqlock_write(cell.get(), first());
                seqlock_write(cell.get(), second());
            })
        };
        let seen = seqlock_read(cell.get());
        let written = [phase(GcPhase::NOT_RUNNING), first(), second()];
        assert!(written.contains(&seen), "torn: {seen:?}");
        writer.join().unwrap();
    });
}
