// SPDX-License-Identifier: GPL-2.0-only
//! All states of one gc beside an allocator, open buckets, btree updates, splits
//! and merges.
//!
//! A small file system: one btree of two keys in one or two leaves below a root,
//! a fifo of free buckets, two open buckets. Whoever holds a lock says so in the
//! state; each step of a thread is what it does between two moments at which
//! another may come in. Rules are those of `docs/facts/order.md`; places and
//! their order are the engine's own (`gc_core::gc::position`).

mod gc;
mod rules;
mod state;
mod structure;
mod threads;

pub use rules::{Position, Rules};
pub use state::{Mark, State};

use stateright::{Model, Property};
use threads::Op;

/// One step of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// gc goes on.
    Gc,
    /// gc rewrites the node it has just marked.
    Rewrite,
    /// The later part of a split, merge or rewrite goes on.
    Worker,
    /// An idle thread begins.
    Begin(Op),
    /// A thread goes on: the first or the second.
    Thread(u8),
}

/// gc and two threads that begin `operations` operations between them.
#[derive(Debug, Clone)]
pub struct Space {
    /// Who may do what.
    pub rules: Rules,
    /// Operations begun in a run.
    pub operations: u8,
}

/// Name of the invariant on what gc has counted.
pub const COUNTED_ONCE: &str = "no reference missed, none counted twice";
/// Name of the invariant on what the file system is left with.
pub const LEFT_RIGHT: &str = "after all of it the file system's own counts are right";

impl Model for Space {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        State::first(self.operations)
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend([Action::Gc, Action::Rewrite, Action::Worker]);
        if state.left > 0 && state.threads.iter().any(threads::Thread::is_idle) {
            actions.extend(Op::all().map(Action::Begin));
        }
        actions.extend([Action::Thread(0), Action::Thread(1)]);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut s = last.clone();
        let r = &self.rules;
        match action {
            Action::Gc => s.gc_step(r),
            Action::Rewrite => s.gc_rewrite(r),
            Action::Worker => s.worker_step(),
            Action::Begin(op) => s.begin(r, op),
            Action::Thread(t) => s.thread_step(r, usize::from(t)),
        }?;
        s.canonical();
        Some(s)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(COUNTED_ONCE, |_, s: &State| !s.gc_compares() || s.gc == s.recount()),
            Property::always(LEFT_RIGHT, |_, s: &State| !s.is_quiet() || s.live == s.recount()),
            // Without these the two above could hold because nothing happens.
            Property::sometimes(
                "gc runs to its end beside all operations",
                |m: &Self, s: &State| s.gc_compares() && s.left == 0 && m.operations > 0,
            ),
            Property::sometimes("an update finds that gc has passed it", |_, s: &State| {
                s.someone_asked(true)
            }),
            Property::sometimes("an update finds that gc will come by", |_, s: &State| {
                s.someone_asked(false) && s.gc_runs()
            }),
            Property::sometimes("gc waits for an interior update", |_, s: &State| {
                s.gc_waits_for_pending()
            }),
        ]
    }
}
