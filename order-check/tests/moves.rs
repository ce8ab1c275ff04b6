// SPDX-License-Identifier: GPL-2.0-only
//! Marks against moves under loom: the engine's own position, one thread of gc,
//! one that adds, removes or moves a reference meanwhile. Each place has a lock,
//! which both hold while they look at it.
#![cfg(loom)]

mod common;

use common::{fails, holds};
use gc_core::gc::position::{Position, allocator, node, seqlock_read};
use gc_core::host::{GcWrite, State};
use gc_core::layout::{Bpos, GcPhase, GcPos, POS_MAX};
use loom::sync::atomic::{AtomicI32, Ordering::SeqCst};
use loom::sync::{Arc, Mutex};
use loom::thread;
use order_check::watch::Watch;

/// Places of two leaves, in order.
fn leaves() -> [GcPos; 2] {
    [Bpos::new(1, 10), POS_MAX].map(|p| node(GcPhase::BTREE_EXTENTS, p, 0))
}

/// Places of the fifos and of an open bucket, in order.
fn allocators() -> [GcPos; 2] {
    [allocator(0), allocator(1)]
}

/// A reference in one of two places, and what gc counts of it.
struct World {
    host: Watch,
    places: [GcPos; 2],
    /// Whether it is there; under the lock of the place.
    there: [Mutex<bool>; 2],
    counted: AtomicI32,
}

/// How gc goes to a place.
#[derive(Clone, Copy)]
enum Gc {
    /// It moves its position with the place locked.
    Locked,
    /// Before it locks it.
    Early,
    /// After it has unlocked it.
    Late,
}

impl World {
    fn new(places: [GcPos; 2], there: [bool; 2]) -> Arc<Self> {
        Arc::new(Self {
            host: Watch::bare(),
            places,
            there: there.map(Mutex::new),
            counted: AtomicI32::new(0),
        })
    }

    /// gc walks the first places.
    fn walk(&self, n: usize, gc: Gc) {
        let lock = GcWrite::lock(&self.host);
        let mut position = Position::new(&self.host, &lock).unwrap();
        for (place, there) in self.places.iter().zip(&self.there).take(n) {
            if matches!(gc, Gc::Early) {
                position.advance(*place).unwrap();
            }
            {
                let there = there.lock().unwrap();
                if matches!(gc, Gc::Locked) {
                    position.advance(*place).unwrap();
                }
                if *there {
                    self.counted.fetch_add(1, SeqCst);
                }
            }
            if matches!(gc, Gc::Late) {
                position.advance(*place).unwrap();
            }
        }
    }

    /// `gc_visited`.
    fn visited(&self, place: usize) -> bool {
        self.places[place] <= seqlock_read(self.host.gc_pos().unwrap())
    }

    /// An update that accounts for what it does.
    fn set(&self, place: usize, to: bool) {
        let mut there = self.there[place].lock().unwrap();
        if self.visited(place) {
            self.counted.fetch_add(i32::from(to) - i32::from(*there), SeqCst);
        }
        *there = to;
    }

    /// One transaction with both places locked, in one order, that accounts for
    /// what it does.
    fn transact(&self, from: usize, to: usize) {
        let first = self.there[0].lock().unwrap();
        let second = self.there[1].lock().unwrap();
        let mut places = [first, second];
        for (place, to) in [(from, false), (to, true)] {
            if self.visited(place) {
                self.counted.fetch_add(i32::from(to) - i32::from(*places[place]), SeqCst);
            }
            *places[place] = to;
        }
    }

    /// Carried from one place to the other, and nobody is told. Locks are taken
    /// in one order.
    fn carry(&self, from: usize, to: usize) {
        let first = self.there[0].lock().unwrap();
        let second = self.there[1].lock().unwrap();
        let mut places = [first, second];
        *places[from] = false;
        *places[to] = true;
    }

    fn counted(&self) -> i32 {
        self.counted.load(SeqCst)
    }

    fn present(&self) -> i32 {
        self.there.iter().map(|t| i32::from(*t.lock().unwrap())).sum()
    }
}

/// gc walks `n` places beside an update.
fn beside(world: &Arc<World>, n: usize, gc: Gc, update: impl FnOnce(&World) + Send + 'static) {
    let other = {
        let world = Arc::clone(world);
        thread::spawn(move || update(&world))
    };
    world.walk(n, gc);
    other.join().unwrap();
}

/// What gc has counted is what is there.
fn counted_once(world: &World) {
    assert_eq!(world.counted(), world.present(), "counted is not what is there");
}

const WRONG: &str = "counted is not what is there";

// Oracle of all that hold: the references that are there at the end.

#[test]
fn an_added_reference_is_counted_once() {
    holds("added", || {
        let world = World::new(leaves(), [false, false]);
        beside(&world, 1, Gc::Locked, |w| w.set(0, true));
        counted_once(&world);
    });
}

#[test]
fn a_removed_reference_is_not_counted() {
    holds("removed", || {
        let world = World::new(leaves(), [true, false]);
        beside(&world, 1, Gc::Locked, |w| w.set(0, false));
        counted_once(&world);
    });
}

#[test]
fn a_reference_moved_forward_is_counted_once() {
    holds("moved forward", || {
        let world = World::new(leaves(), [true, false]);
        beside(&world, 2, Gc::Locked, |w| w.transact(0, 1));
        counted_once(&world);
    });
}

// Both ends ask, so the direction does not matter.
#[test]
fn a_reference_moved_backward_by_a_transaction_is_counted_once() {
    holds("moved backward", || {
        let world = World::new(leaves(), [false, true]);
        beside(&world, 2, Gc::Locked, |w| w.transact(1, 0));
        counted_once(&world);
    });
}

// In two steps: the new place first, as data is written before it is freed.
#[test]
#[ignore = "takes minutes: scripts/check-order --long"]
fn a_reference_moved_forward_in_steps_is_counted_once() {
    holds("moved forward in two steps", || {
        let world = World::new(leaves(), [true, false]);
        beside(&world, 2, Gc::Locked, |w| {
            w.set(1, true);
            w.set(0, false);
        });
        counted_once(&world);
    });
}

#[test]
fn a_reference_moved_backward_in_steps_is_counted_once() {
    holds("moved backward in two steps", || {
        let world = World::new(leaves(), [false, true]);
        beside(&world, 2, Gc::Locked, |w| {
            w.set(0, true);
            w.set(1, false);
        });
        counted_once(&world);
    });
}

// The owner of a bucket is a flag: to see it twice is to see it once.
#[test]
fn an_owner_carried_forward_is_seen() {
    holds("carried forward", || {
        let world = World::new(allocators(), [true, false]);
        beside(&world, 2, Gc::Locked, |w| w.carry(0, 1));
        assert!(world.counted() >= 1, "lost");
    });
}

// Oracle of all that fail: a rule is broken, so an execution must be found in
// which the reference is lost or counted twice.

#[test]
fn an_owner_carried_backward_is_lost() {
    fails("carried backward", "lost", || {
        let world = World::new(allocators(), [false, true]);
        beside(&world, 2, Gc::Locked, |w| w.carry(1, 0));
        assert!(world.counted() >= 1, "lost");
    });
}

// A sum is not a flag: carried forward, it is counted twice.
#[test]
fn a_sum_carried_forward_is_counted_twice() {
    fails("sum carried forward", WRONG, || {
        let world = World::new(leaves(), [true, false]);
        beside(&world, 2, Gc::Locked, |w| w.carry(0, 1));
        counted_once(&world);
    });
}

#[test]
fn a_position_moved_before_the_lock_counts_wrong() {
    fails("position moved early", WRONG, || {
        let world = World::new(leaves(), [false, false]);
        beside(&world, 1, Gc::Early, |w| w.set(0, true));
        counted_once(&world);
    });
}

#[test]
fn a_position_moved_after_the_lock_counts_wrong() {
    fails("position moved late", WRONG, || {
        let world = World::new(leaves(), [false, false]);
        beside(&world, 1, Gc::Late, |w| w.set(0, true));
        counted_once(&world);
    });
}

#[test]
fn an_answer_from_before_the_lock_counts_wrong() {
    fails("asked early", WRONG, || {
        let world = World::new(leaves(), [false, false]);
        beside(&world, 1, Gc::Locked, |w| {
            let visited = w.visited(0);
            let mut there = w.there[0].lock().unwrap();
            if visited {
                w.counted.fetch_add(1, SeqCst);
            }
            *there = true;
        });
        counted_once(&world);
    });
}
