// SPDX-License-Identifier: GPL-2.0-only
//! The table of device sets and the counters by set. The engine borrows both for
//! as long as it likes, so a new table comes behind the old one.

use gc_core::accounting::Usage;
use gc_core::accounting::replicas::Table;
use gc_core::layout::FsUsage;
use gc_core::layout::usage::FS_USAGE_U64S;
use std::cell::OnceCell;
use std::sync::atomic::{AtomicU64, Ordering};

/// One state of the table.
pub(super) struct Version {
    pub(super) table: Table,
    /// Counters in use.
    pub(super) live: Vec<AtomicU64>,
    /// Counters that gc builds, as they are shown at its end.
    pub(super) gc: Vec<AtomicU64>,
    next: OnceCell<Box<Version>>,
}

/// All states so far.
pub(super) struct Versions {
    first: Version,
}

pub(super) fn head_words(h: &FsUsage) -> [u64; FS_USAGE_U64S] {
    let [a, b, c, d] = h.persistent_reserved;
    let (online, hidden, btree, data) = (h.online_reserved, h.hidden, h.btree, h.data);
    [online, hidden, btree, data, h.cached, h.reserved, h.nr_inodes, a, b, c, d]
}

/// The words of `struct bch_fs_usage`, then one for each entry of the table.
pub(crate) fn words(usage: &Usage) -> impl Iterator<Item = u64> + '_ {
    head_words(&usage.head).into_iter().chain(usage.replicas.iter().copied())
}

impl Version {
    fn new(table: Table, live: impl Iterator<Item = u64>) -> Self {
        let live: Vec<_> = live.map(AtomicU64::new).collect();
        let gc = live.iter().map(|_| AtomicU64::new(0)).collect();
        Self { table, live, gc, next: OnceCell::new() }
    }

    /// Shows what gc has counted.
    pub(super) fn show(&self, usage: &Usage) {
        for (to, from) in self.gc.iter().zip(words(usage)) {
            to.store(from, Ordering::Relaxed);
        }
    }
}

impl Versions {
    pub(super) fn new(table: Table, usage: &Usage) -> Self {
        let words: Vec<u64> = words(usage).collect();
        Self { first: Version::new(table, words.into_iter()) }
    }

    /// The state that counts.
    pub(super) fn last(&self) -> &Version {
        let mut v = &self.first;
        while let Some(next) = v.next.get() {
            v = next;
        }
        v
    }

    /// A new table; counters move with their sets.
    pub(super) fn push(&self, table: Table) {
        let old = self.last();
        let load = |w: &AtomicU64| w.load(Ordering::Relaxed);
        let head = old.live.iter().take(FS_USAGE_U64S).map(load);
        let sets = table.view().iter().map(|e| {
            let i = old.table.view().find(e)?;
            old.live.get(i.checked_add(FS_USAGE_U64S)?).map(load)
        });
        let live: Vec<u64> = head.chain(sets.map(|v| v.unwrap_or(0))).collect();
        // The last one has no next: this cannot be refused.
        let _set = old.next.set(Box::new(Version::new(table, live.into_iter())));
    }
}
