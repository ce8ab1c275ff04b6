// SPDX-License-Identifier: GPL-2.0-only
//! The seqlock of the gc position under loom, read as the readers in C read it:
//! `gc_visited` between `read_seqcount_begin` and `read_seqcount_retry`.
//!
//! | C | here |
//! | --- | --- |
//! | sequence, once, until it is even | relaxed |
//! | `smp_rmb()` | a fence: full (as built with C11 atomics), or acquire, the least a read barrier is |
//! | the words of the position, plain | relaxed: what a compiler may do to plain reads is beyond loom |
//! | `smp_rmb()` | as above |
//! | sequence again, plain | relaxed |
#![cfg(loom)]

mod common;

use common::{fails, holds};
use gc_core::gc::position::{node, phase, seqlock_write};
use gc_core::host::GcPosCell;
use gc_core::layout::{Bpos, GcPhase, GcPos};
use loom::sync::Arc;
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, SeqCst};
use loom::sync::atomic::fence;
use loom::thread;
use order_check::cell::Cell;

/// Differs from "not running" in every word.
fn first() -> GcPos {
    let pos = Bpos { snapshot: 1, offset: (2 << 32) | 3, inode: (4 << 32) | 5 };
    node(GcPhase::BTREE_EXTENTS, pos, 1)
}

/// Reads with these fences behind the first and before the second look.
fn read(cell: GcPosCell<'_>, rmb: (Option<Ordering>, Option<Ordering>)) -> GcPos {
    loop {
        let seq = loop {
            let seq = cell.seq.load(Relaxed);
            if seq & 1 == 0 {
                break seq;
            }
            loom::hint::spin_loop();
            thread::yield_now();
        };
        rmb.0.map(fence);
        let [phase, snapshot, ol, oh, il, ih, level] =
            cell.words.each_ref().map(|w| w.load(Relaxed));
        rmb.1.map(fence);
        if cell.seq.load(Relaxed) == seq {
            let join = |lo: u32, hi: u32| u64::from(lo) | (u64::from(hi) << 32);
            let pos = Bpos { snapshot, offset: join(ol, oh), inode: join(il, ih) };
            return GcPos { phase: GcPhase(phase), pos, level };
        }
        thread::yield_now();
    }
}

/// One write, and so many reads.
fn beside_a_write(reads: usize, rmb: (Option<Ordering>, Option<Ordering>)) {
    let cell = Arc::new(Cell::new());
    let writer = {
        let cell = Arc::clone(&cell);
        thread::spawn(move || seqlock_write(cell.get(), first()))
    };
    let mut last = phase(GcPhase::NOT_RUNNING);
    for _ in 0..reads {
        let seen = read(cell.get(), rmb);
        assert!([phase(GcPhase::NOT_RUNNING), first()].contains(&seen), "torn: {seen:?}");
        assert!(last <= seen, "went back: {last:?}, {seen:?}");
        last = seen;
    }
    writer.join().unwrap();
}

// Oracle: the positions ever written (a mix of two words of different ones is none);
// and time: what is read later was not written earlier.
#[test]
fn full_fences() {
    holds("seqlock, C reader, full fences: one write, two reads", || {
        beside_a_write(2, (Some(SeqCst), Some(SeqCst)));
    });
}

// Oracle: as above.
#[test]
fn read_barriers() {
    holds("seqlock, C reader, acquire fences: one write, two reads", || {
        beside_a_write(2, (Some(Acquire), Some(Acquire)));
    });
}

// Oracle: each barrier is there for a reason: without it some execution is torn.
#[test]
fn without_a_barrier() {
    fails("seqlock, C reader, no fence behind the first look", "torn", || {
        beside_a_write(2, (None, Some(Acquire)));
    });
    fails("seqlock, C reader, no fence before the second look", "torn", || {
        beside_a_write(1, (Some(Acquire), None));
    });
}
