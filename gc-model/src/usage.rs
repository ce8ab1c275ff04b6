// SPDX-License-Identifier: GPL-2.0-only
//! Usage of the file system, and the table of replicas entries that it follows.

use crate::Model;
use crate::sync::{Arena, lock};
use gc_core::accounting::replicas::{Entry, EntryRef, Table};
use gc_core::accounting::usage::Usage;
use gc_core::error::{Errno, Error, Result};
use gc_core::host::Side;
use gc_core::layout::usage::FS_USAGE_U64S;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

type Words = Box<[AtomicU64]>;

fn words(nr: usize) -> Words {
    (0..nr).map(|_| AtomicU64::new(0)).collect()
}

#[derive(Debug)]
struct Now {
    table: usize,
    base: usize,
    gc: Option<usize>,
    pending: Vec<u64>,
}

/// Usage and replicas of a model. What was replaced stays in memory, filled with
/// nonsense, since it may still be lent.
#[derive(Debug)]
pub(crate) struct UsageState {
    tables: Arena<Table>,
    words: Arena<Words>,
    now: Mutex<Now>,
}

impl Default for UsageState {
    fn default() -> Self {
        let (tables, all) = (Arena::default(), Arena::default());
        let table = tables.push(Table::new());
        let base = all.push(words(FS_USAGE_U64S));
        let pending = vec![0; FS_USAGE_U64S];
        Self { tables, words: all, now: Mutex::new(Now { table, base, gc: None, pending }) }
    }
}

fn poison(old: &Words) {
    old.iter().for_each(|w| w.store(0xdead_dead_dead_dead, Relaxed));
}

/// The counters of a usage in the order of their words.
pub(crate) fn in_order(u: &Usage) -> impl Iterator<Item = u64> + '_ {
    let h = &u.head;
    let head = [h.online_reserved, h.hidden, h.btree, h.data, h.cached, h.reserved, h.nr_inodes];
    head.into_iter().chain(h.persistent_reserved).chain(u.replicas.iter().copied())
}

impl UsageState {
    /// The table, lent as long as the model lives.
    pub(crate) fn table(&self) -> &Table {
        let at = lock(&self.now).table;
        self.tables.get(at).unwrap_or(const { &Table::new() })
    }

    /// The words of a side, lent as long as the model lives.
    pub(crate) fn side(&self, side: Side) -> &[AtomicU64] {
        let now = lock(&self.now);
        let at = match side {
            Side::Live => Some(now.base),
            Side::Gc => now.gc,
        };
        drop(now);
        at.and_then(|i| self.words.get(i)).map_or(&[], AsRef::as_ref)
    }

    pub(crate) fn has_gc(&self) -> bool {
        lock(&self.now).gc.is_some()
    }

    pub(crate) fn gc_alloc(&self) -> Result<()> {
        let mut now = lock(&self.now);
        if now.gc.is_some() {
            return Err(Error::Errno(Errno::EEXIST));
        }
        now.gc = Some(self.words.push(words(now.pending.len())));
        Ok(())
    }

    pub(crate) fn gc_free(&self) {
        let old = lock(&self.now).gc.take();
        if let Some(old) = old.and_then(|i| self.words.get(i)) {
            poison(old);
        }
    }

    /// Adds to the words of the second usage.
    pub(crate) fn add_gc(&self, delta: &Usage) {
        for (to, v) in self.side(Side::Gc).iter().zip(in_order(delta)) {
            to.fetch_add(v, Relaxed);
        }
    }

    /// Adds words to the second usage; `false` where they are not as many.
    pub(crate) fn add_gc_words(&self, words: &[u64]) -> bool {
        let to = self.side(Side::Gc);
        for (to, v) in to.iter().zip(words) {
            to.fetch_add(*v, Relaxed);
        }
        to.len() == words.len()
    }

    /// Adds what is pending to the base.
    pub(crate) fn fold(&self) {
        let mut now = lock(&self.now);
        if let Some(base) = self.words.get(now.base) {
            for (to, v) in base.iter().zip(&mut now.pending) {
                to.fetch_add(std::mem::take(v), Relaxed);
            }
        }
    }

    /// Takes another table into use and moves each counter to its entry's place;
    /// counters of entries that are gone vanish.
    pub(crate) fn set_table(&self, table: Table) {
        let mut now = lock(&self.now);
        let old = self.tables.get(now.table);
        let nr = FS_USAGE_U64S.saturating_add(table.view().len());
        let place = |word: usize| match word.checked_sub(FS_USAGE_U64S) {
            None => Some(word),
            Some(i) => {
                let entry = old.and_then(|t| t.view().get(i))?;
                table.view().find(entry).map(|i| i.saturating_add(FS_USAGE_U64S))
            }
        };
        let moved = |from: &Words| {
            let to = words(nr);
            for (i, w) in from.iter().enumerate() {
                if let Some(slot) = place(i).and_then(|at| to.get(at)) {
                    slot.store(w.load(Relaxed), Relaxed);
                }
            }
            to
        };
        let mut pending = vec![0; nr];
        for (i, v) in now.pending.iter().enumerate() {
            if let Some(slot) = place(i).and_then(|at| pending.get_mut(at)) {
                *slot = *v;
            }
        }
        now.pending = pending;
        for at in [Some(now.base), now.gc].into_iter().flatten() {
            let Some(from) = self.words.get(at) else { continue };
            let new = self.words.push(moved(from));
            poison(from);
            if at == now.base {
                now.base = new;
            } else {
                now.gc = Some(new);
            }
        }
        now.table = self.tables.push(table);
    }
}

fn no_memory<E>(_: E) -> Error {
    Error::NOMEM
}

impl Model {
    /// The words of the live usage: 11, then one for each replicas entry.
    #[must_use]
    pub fn usage_words(&self) -> Vec<u64> {
        self.usage.side(Side::Live).iter().map(|w| w.load(Relaxed)).collect()
    }

    /// Sets one word of it; false if there is none.
    pub fn set_usage_word(&self, word: usize, value: u64) -> bool {
        let word = self.usage.side(Side::Live).get(word);
        word.map(|w| w.store(value, Relaxed)).is_some()
    }

    /// Adds to what is folded into the live usage at the end of a gc; false if
    /// there is no such word.
    pub fn add_pending_usage(&self, word: usize, add: u64) -> bool {
        let mut now = lock(&self.usage.now);
        now.pending.get_mut(word).map(|w| *w = w.wrapping_add(add)).is_some()
    }

    /// The replicas entries as text, in the order of their words.
    #[must_use]
    pub fn replicas(&self) -> Vec<String> {
        self.usage.table().view().iter().map(|e| e.to_string()).collect()
    }

    /// Adds a replicas entry, if it is not there.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn add_replicas(&self, entry: EntryRef<'_>) -> Result<()> {
        let _change = lock(&self.replicas_change);
        let table = self.usage.table();
        if table.view().find(entry).is_none() {
            self.usage.set_table(table.with(entry).map_err(no_memory)?);
        }
        Ok(())
    }

    /// Removes the replicas entry with this text; false if there is none.
    pub fn remove_replicas(&self, text: &str) -> bool {
        let _change = lock(&self.replicas_change);
        let view = self.usage.table().view();
        let rest = view.iter().filter(|e| e.to_string() != text);
        if rest.clone().count() == view.len() {
            return false;
        }
        match Table::from_entries(rest) {
            Ok(table) => {
                self.usage.set_table(table);
                true
            }
            Err(_) => false,
        }
    }

    /// Makes an entry; `None` with more devices than fit.
    #[must_use]
    pub fn make_entry(data_type: u8, nr_required: u8, devs: &[u8]) -> Option<Entry> {
        let mut entry = Entry::new(gc_core::layout::DataType(data_type), nr_required);
        for dev in devs {
            entry.push(*dev).ok()?;
        }
        entry.sort();
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::DataType;

    // Oracle: each counter follows its entry's text, whatever the order becomes.
    #[test]
    fn counters_follow_their_entries() {
        let u = UsageState::default();
        let entry = |t: DataType, devs: &[u8]| Model::make_entry(t.0, 1, devs).unwrap();
        let all = [
            entry(DataType::USER, &[1]),
            entry(DataType::BTREE, &[0]),
            entry(DataType::SB, &[0, 1]),
        ];
        u.gc_alloc().unwrap();
        let find = |e: &Entry| u.table().view().find(e.get()).unwrap() + FS_USAGE_U64S;
        for (n, e) in all.iter().enumerate() {
            u.set_table(u.table().with(e.get()).unwrap());
            u.side(Side::Live)[find(e)].store(n as u64 + 1, Relaxed);
            u.side(Side::Gc)[find(e)].store(n as u64 + 10, Relaxed);
            for (m, e) in all.iter().take(n + 1).enumerate() {
                assert_eq!(u.side(Side::Live)[find(e)].load(Relaxed), m as u64 + 1);
                assert_eq!(u.side(Side::Gc)[find(e)].load(Relaxed), m as u64 + 10);
            }
        }
        let at = find(&all[0]);
        lock(&u.now).pending[at] = 100;
        u.fold();
        assert_eq!(u.side(Side::Live)[find(&all[0])].load(Relaxed), 101);
        u.fold();
        assert_eq!(u.side(Side::Live)[find(&all[0])].load(Relaxed), 101);
    }
}
