// SPDX-License-Identifier: GPL-2.0-only
//! Locks of the file system, in one table: who holds what is known at any time,
//! so that each rule of the order is checked, and what would be a deadlock is a
//! violation instead.

use crate::Model;
use crate::node_id::NodeId;
use crate::schedule::Schedule;
use crate::sync::{lock, me};
use gc_core::host::Lock;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Rank of the locks of which a thread may hold several.
const SIDE_BY_SIDE: u8 = 4;

/// A lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockId {
    /// The reference that updates hold: exclusive, there are none.
    Writes,
    /// `state_lock`
    State,
    /// `gc_lock`
    Gc,
    /// What keeps the shape of the btrees.
    Trees,
    /// `sb_lock`
    Sb,
    /// `btree_root_lock`
    BtreeRoot,
    /// A node.
    Node(NodeId),
    /// `mark_lock`
    Mark,
    /// `freelist_lock`
    Freelist,
    /// An open bucket.
    OpenBucket(u32),
}

impl LockId {
    /// A lock may be taken only under locks of a rank that is not higher.
    const fn rank(self) -> u8 {
        match self {
            Self::Writes => 0,
            Self::State => 1,
            Self::Gc => 2,
            Self::Trees => 3,
            Self::Sb | Self::BtreeRoot | Self::Node(_) => SIDE_BY_SIDE,
            Self::Mark => 5,
            Self::Freelist => 6,
            Self::OpenBucket(_) => 7,
        }
    }

    /// Whether a thread may hold it several times.
    const fn nests(self) -> bool {
        matches!(self, Self::Node(_))
    }

    /// Whether it is handed on: released in any order.
    const fn coupled(self) -> bool {
        matches!(self, Self::Node(_) | Self::Trees)
    }

    /// Whether those who want it alone come before new readers.
    const fn fair(self) -> bool {
        matches!(self, Self::Writes | Self::State | Self::Gc)
    }
}

/// How it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With others.
    Shared,
    /// Alone.
    Exclusive,
}

/// What a lock of the engine's interface is here.
pub(crate) const fn of_host(which: Lock) -> (LockId, Mode) {
    match which {
        Lock::StateRead => (LockId::State, Mode::Shared),
        Lock::GcRead => (LockId::Gc, Mode::Shared),
        Lock::GcWrite => (LockId::Gc, Mode::Exclusive),
        Lock::MarkRead => (LockId::Mark, Mode::Shared),
        Lock::MarkWrite => (LockId::Mark, Mode::Exclusive),
        Lock::Sb => (LockId::Sb, Mode::Exclusive),
        Lock::BtreeRoot => (LockId::BtreeRoot, Mode::Exclusive),
        Lock::Freelist => (LockId::Freelist, Mode::Exclusive),
    }
}

/// Its name in the record of events.
pub(crate) const fn name(which: Lock) -> &'static str {
    match which {
        Lock::StateRead => "STATE_READ",
        Lock::GcRead => "GC_READ",
        Lock::GcWrite => "GC_WRITE",
        Lock::MarkRead => "MARK_READ",
        Lock::MarkWrite => "MARK_WRITE",
        Lock::Sb => "SB",
        Lock::BtreeRoot => "BTREE_ROOT",
        Lock::Freelist => "FREELIST",
    }
}

#[derive(Debug, Clone, Copy)]
struct Held {
    id: LockId,
    mode: Mode,
    thread: u64,
}

/// After so long a wait is taken for a deadlock.
const DEADLOCK: Duration = Duration::from_secs(30);

/// Who holds what, and who wants it.
#[derive(Debug, Default)]
struct Table {
    /// In the order in which they were taken.
    held: Vec<Held>,
    /// Locks that somebody waits to have alone.
    wanted: Vec<LockId>,
}

/// All locks of a file system.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    table: Mutex<Table>,
    changed: Condvar,
    pub(crate) schedule: Schedule,
}

impl Table {
    fn blocked(&self, id: LockId, mode: Mode) -> bool {
        // The mark lock may be a mutex even for readers: it is one here.
        let alone = mode == Mode::Exclusive || id == LockId::Mark;
        self.held.iter().any(|h| h.id == id && (alone || h.mode == Mode::Exclusive))
            || (!alone && id.fair() && self.wanted.contains(&id))
    }

    fn no_longer_wanted(&mut self, id: LockId) {
        if let Some(at) = self.wanted.iter().position(|w| *w == id) {
            self.wanted.swap_remove(at);
        }
    }
}

impl Locks {
    /// What the calling thread must not do when it takes this lock.
    fn misuse(held: &[Held], id: LockId, mode: Mode, me: u64) -> Option<String> {
        let mut mine = held.iter().filter(|h| h.thread == me);
        if let Some(h) = mine.clone().find(|h| h.id == id) {
            let both_read = h.mode == Mode::Shared && mode == Mode::Shared;
            if !(both_read && id.nests()) {
                return Some(format!("{id:?} taken twice on a thread"));
            }
        }
        let above = mine.find(|h| {
            let (over, under) = (h.id.rank(), id.rank());
            over > under || (over == under && over != SIDE_BY_SIDE)
        });
        above.map(|h| format!("{id:?} taken under {:?}", h.id))
    }

    /// Takes a lock; false, without it, when `give_up` says so meanwhile. A
    /// violation is returned beside it; the lock then counts as held.
    pub(crate) fn take(
        &self,
        id: LockId,
        mode: Mode,
        give_up: impl Fn() -> bool,
    ) -> (bool, Option<String>) {
        let me = me();
        self.schedule.point();
        let started = Instant::now();
        let mut t = lock(&self.table);
        let mut misuse = Self::misuse(&t.held, id, mode, me);
        let own = t.held.iter().any(|h| h.thread == me && h.id == id);
        let mut wanted = false;
        // Waiting for oneself never ends.
        while !own && t.blocked(id, mode) {
            if give_up() {
                if wanted {
                    t.no_longer_wanted(id);
                }
                return (false, misuse);
            }
            if started.elapsed() > DEADLOCK {
                misuse = Some(format!("{id:?} not had in {} s", DEADLOCK.as_secs()));
                break;
            }
            if mode == Mode::Exclusive && !std::mem::replace(&mut wanted, true) {
                t.wanted.push(id);
            }
            drop(t);
            let turned = self.schedule.wait();
            t = lock(&self.table);
            if !turned && t.blocked(id, mode) {
                t = self
                    .changed
                    .wait_timeout(t, Duration::from_millis(20))
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
        if wanted {
            t.no_longer_wanted(id);
        }
        t.held.push(Held { id, mode, thread: me });
        (true, misuse)
    }

    /// Takes a lock if nobody holds it.
    pub(crate) fn try_take(&self, id: LockId, mode: Mode) -> bool {
        self.schedule.point();
        let mut t = lock(&self.table);
        if t.blocked(id, mode) {
            return false;
        }
        t.held.push(Held { id, mode, thread: me() });
        true
    }

    /// Releases a lock; what was wrong about it.
    pub(crate) fn release(&self, id: LockId) -> Option<String> {
        let me = me();
        let mut t = lock(&self.table);
        let held = &mut t.held;
        let Some(at) = held.iter().rposition(|h| h.thread == me && h.id == id) else {
            return Some(format!("{id:?} released by a thread that does not hold it"));
        };
        // Nodes are handed from one to the next, so they are released in any order.
        let later = held.iter().skip(at.saturating_add(1));
        let last = later.filter(|h| h.thread == me).all(|h| h.id.coupled() && id.coupled());
        held.remove(at);
        drop(t);
        self.wake();
        self.schedule.point();
        (!last).then(|| format!("{id:?} released before a lock taken later"))
    }

    /// Whether the calling thread holds it at least in this mode.
    pub(crate) fn mine(&self, id: LockId, mode: Mode) -> bool {
        let me = me();
        lock(&self.table).held.iter().any(|h| {
            h.thread == me && h.id == id && (mode == Mode::Shared || h.mode == Mode::Exclusive)
        })
    }

    /// Whether anybody holds it.
    pub(crate) fn anybody(&self, id: LockId) -> bool {
        lock(&self.table).held.iter().any(|h| h.id == id)
    }

    /// Locks of the calling thread.
    pub(crate) fn all_mine(&self) -> Vec<LockId> {
        let me = me();
        lock(&self.table).held.iter().filter(|h| h.thread == me).map(|h| h.id).collect()
    }

    /// Locks of all threads.
    pub(crate) fn all(&self) -> Vec<LockId> {
        lock(&self.table).held.iter().map(|h| h.id).collect()
    }

    fn wake(&self) {
        self.changed.notify_all();
        self.schedule.wake();
    }

    /// Waits until `done` says so, which somebody else brings about and tells by
    /// [`Self::poke`].
    pub(crate) fn wait_until(&self, done: impl Fn() -> bool) {
        self.schedule.point();
        loop {
            let t = lock(&self.table);
            if done() {
                return;
            }
            drop(t);
            if !self.schedule.wait() {
                let t = lock(&self.table);
                if !done() {
                    let wait = self.changed.wait_timeout(t, Duration::from_millis(20));
                    drop(wait.unwrap_or_else(PoisonError::into_inner));
                }
            }
        }
    }

    /// Lets those who wait look at their conditions.
    pub(crate) fn poke(&self) {
        // Under the lock: a waiter is either before its look or asleep.
        let _table = lock(&self.table);
        self.wake();
    }
}

/// A lock held until this is dropped.
#[must_use = "the lock is released at once"]
#[derive(Debug)]
pub struct Guard<'m> {
    model: &'m Model,
    id: LockId,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.model.release(self.id);
    }
}

impl Model {
    /// Takes a lock; a violation is recorded.
    pub(crate) fn take(&self, id: LockId, mode: Mode) {
        let (_had, misuse) = self.locks.take(id, mode, || false);
        if let Some(text) = misuse {
            self.violation(text);
        }
    }

    /// Takes a lock until the guard is dropped.
    pub(crate) fn guard(&self, id: LockId, mode: Mode) -> Guard<'_> {
        self.take(id, mode);
        Guard { model: self, id }
    }

    /// Takes a lock until the guard is dropped, if it can be had at once.
    pub(crate) fn try_guard(&self, id: LockId, mode: Mode) -> Option<Guard<'_>> {
        self.locks.try_take(id, mode).then(|| Guard { model: self, id })
    }

    /// Releases a lock; a violation is recorded.
    pub(crate) fn release(&self, id: LockId) {
        if let Some(text) = self.locks.release(id) {
            self.violation(text);
        }
    }

    /// A violation unless the calling thread holds the lock.
    pub(crate) fn needs(&self, what: &str, id: LockId, mode: Mode) {
        if !self.locks.mine(id, mode) {
            self.violation(format!("{what}: {id:?} not held ({mode:?})"));
        }
    }

    /// A violation if the calling thread holds the lock.
    pub(crate) fn forbids(&self, what: &str, id: LockId) {
        if self.locks.mine(id, Mode::Shared) {
            self.violation(format!("{what}: {id:?} held"));
        }
    }

    /// Takes `state_lock`, without a guard.
    pub fn lock_state(&self, write: bool) {
        self.take(LockId::State, if write { Mode::Exclusive } else { Mode::Shared });
    }

    /// Releases it.
    pub fn unlock_state(&self) {
        self.release(LockId::State);
    }

    /// Holds `state_lock` for writing, as the start of a file system does.
    pub fn state_write(&self) -> Guard<'_> {
        self.guard(LockId::State, Mode::Exclusive)
    }

    /// Holds `state_lock` for reading.
    pub fn state_read(&self) -> Guard<'_> {
        self.guard(LockId::State, Mode::Shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(l: &Locks, id: LockId, mode: Mode) -> Option<String> {
        l.take(id, mode, || false).1
    }

    // Oracle: the lock order of include/bch_gc_host.h, as pairs that may nest.
    #[test]
    fn order_is_that_of_the_header() {
        use LockId::{BtreeRoot, Freelist, Gc, Mark, Node, OpenBucket, Sb, State};
        let all = [State, Gc, Sb, BtreeRoot, Node(NodeId(0)), Mark, Freelist, OpenBucket(1)];
        let over = |a: LockId, b: LockId| match a {
            State => b != State,
            Gc => !matches!(b, State | Gc),
            Sb | BtreeRoot | Node(_) => matches!(b, Mark | Freelist | OpenBucket(_)),
            Mark => matches!(b, Freelist | OpenBucket(_)),
            Freelist => matches!(b, OpenBucket(_)),
            // The model's own, which the header does not know.
            OpenBucket(_) | LockId::Writes | LockId::Trees => false,
        };
        for a in all {
            for b in all {
                if a == b || (a.rank() == SIDE_BY_SIDE && b.rank() == SIDE_BY_SIDE) {
                    continue;
                }
                let l = Locks::default();
                assert_eq!(take(&l, a, Mode::Exclusive), None);
                assert_eq!(take(&l, b, Mode::Exclusive).is_none(), over(a, b), "{a:?} {b:?}");
            }
        }
    }

    // Oracle: what a pthread mutex and a pthread rwlock would do, by hand.
    #[test]
    fn double_and_crossed_use_is_found() {
        let l = Locks::default();
        assert_eq!(take(&l, LockId::Mark, Mode::Shared), None);
        assert!(take(&l, LockId::Mark, Mode::Shared).is_some());
        assert_eq!(l.release(LockId::Mark), None);
        assert_eq!(l.release(LockId::Mark), None);
        assert!(l.release(LockId::Mark).is_some());
        take(&l, LockId::Gc, Mode::Exclusive);
        take(&l, LockId::Sb, Mode::Exclusive);
        assert!(l.release(LockId::Gc).is_some());
        assert!(l.mine(LockId::Sb, Mode::Shared) && !l.mine(LockId::Gc, Mode::Shared));
    }

    // Oracle: readers of other threads get in, writers do not until all are gone.
    #[test]
    fn modes_exclude_each_other_between_threads() {
        let l = Locks::default();
        take(&l, LockId::State, Mode::Shared);
        std::thread::scope(|s| {
            let other = s.spawn(|| {
                let shared = l.try_take(LockId::State, Mode::Shared);
                let _released = l.release(LockId::State);
                let alone = l.try_take(LockId::State, Mode::Exclusive);
                let gave_up = !l.take(LockId::State, Mode::Exclusive, || true).0;
                (shared, alone, gave_up)
            });
            assert_eq!(other.join().unwrap(), (true, false, true));
        });
    }
}
