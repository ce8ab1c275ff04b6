// SPDX-License-Identifier: GPL-2.0-only
//! Locks that do not care whether a test panicked under them, and storage that
//! grows without moving what it holds.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{
    Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

pub(crate) fn lock<T: ?Sized>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn read<T: ?Sized>(l: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    l.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T: ?Sized>(l: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    l.write().unwrap_or_else(PoisonError::into_inner)
}

/// A number for the calling thread, from 1. Unlike std's own handle of a thread it
/// takes no memory, so that memory checkers find nothing left of it.
pub(crate) fn me() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static ME: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // 0: a thread that is ending.
    ME.try_with(|me| *me).unwrap_or(0)
}

const CHUNKS: usize = 32;

/// Grows by a reference; what it holds stays where it is until it is dropped, so
/// that addresses given to C and slices lent to the engine stay valid.
#[derive(Debug)]
pub struct Arena<T> {
    /// Chunk `i` has `2^i` slots.
    chunks: [OnceLock<Box<[OnceLock<T>]>>; CHUNKS],
    len: AtomicUsize,
    grow: Mutex<()>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self {
            chunks: std::array::from_fn(|_| OnceLock::new()),
            len: AtomicUsize::new(0),
            grow: Mutex::new(()),
        }
    }
}

impl<T> Arena<T> {
    fn place(i: usize) -> (usize, usize) {
        let n = i.saturating_add(1);
        let chunk = n.ilog2();
        let first = 1_usize.checked_shl(chunk).unwrap_or(0);
        (usize::try_from(chunk).unwrap_or(CHUNKS), n.saturating_sub(first))
    }

    /// Adds an element that is made from its own index; the index.
    pub fn push_with(&self, make: impl FnOnce(usize) -> T) -> usize {
        let _grow = lock(&self.grow);
        let i = self.len.load(Ordering::Relaxed);
        let (chunk, at) = Self::place(i);
        let size = 1_usize.checked_shl(u32::try_from(chunk).unwrap_or(u32::MAX)).unwrap_or(0);
        let slots = self
            .chunks
            .get(chunk)
            .map(|c| c.get_or_init(|| (0..size).map(|_| OnceLock::new()).collect()));
        if let Some(slot) = slots.and_then(|s| s.get(at)) {
            // Only this call, under the lock, has seen the index.
            let _new = slot.set(make(i));
        }
        self.len.store(i.saturating_add(1), Ordering::Release);
        i
    }

    /// Adds an element.
    pub fn push(&self, value: T) -> usize {
        self.push_with(|_| value)
    }

    /// The element with this index.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<&T> {
        let (chunk, at) = Self::place(i);
        self.chunks.get(chunk)?.get()?.get(at)?.get()
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All elements, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len()).filter_map(|i| self.get(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: a Vec filled with the same; and addresses that do not change.
    #[test]
    fn arena_is_a_vec_that_stays_in_place() {
        let a = Arena::default();
        let mut addresses = Vec::new();
        for i in 0..1000 {
            assert_eq!(a.push(i * 3), i);
            addresses.push(std::ptr::from_ref(a.get(i).unwrap()));
        }
        assert_eq!(
            a.iter().copied().collect::<Vec<_>>(),
            (0..1000).map(|i| i * 3).collect::<Vec<_>>()
        );
        for (i, p) in addresses.iter().enumerate() {
            assert_eq!(std::ptr::from_ref(a.get(i).unwrap()), *p);
        }
        assert_eq!(a.get(1000), None);
    }
}
