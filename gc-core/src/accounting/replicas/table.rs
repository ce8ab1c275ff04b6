// SPDX-License-Identifier: GPL-2.0-only
//! The table of entries: rows of equal length, zero padded, sorted by their
//! bytes and laid out as a search tree. An entry's row is its index into the
//! usage counters.

use super::entry::EntryRef;
use crate::accounting::eytzinger::{InOrder, find};
use alloc::collections::TryReserveError;
use alloc::vec::Vec;

/// A table lent by whoever owns it.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    rows: &'a [u8],
    stride: usize,
    nr: usize,
}

impl<'a> View<'a> {
    /// `nr` rows of `stride` bytes, in the order described above; `None` if
    /// `rows` is shorter than that.
    #[inline]
    #[must_use]
    pub fn new(rows: &'a [u8], stride: usize, nr: usize) -> Option<Self> {
        let rows = rows.get(..stride.checked_mul(nr)?)?;
        Some(Self { rows, stride, nr })
    }

    /// The rows, one after the other.
    #[inline]
    #[must_use]
    pub const fn rows(&self) -> &'a [u8] {
        self.rows
    }

    /// Number of entries.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nr
    }

    /// Whether it has no entries.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nr == 0
    }

    /// Bytes from one entry to the next: the length of the longest.
    #[inline]
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    #[inline]
    fn row(&self, index: usize) -> Option<&'a [u8]> {
        let start = index.checked_mul(self.stride)?;
        self.rows.get(start..start.checked_add(self.stride)?)
    }

    /// The entry at an index; `None` past the end, or if the row is shorter
    /// than the entry in it claims.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<EntryRef<'a>> {
        EntryRef::first_of(self.row(index)?)
    }

    /// The entries in the order of their indexes.
    pub fn iter(&self) -> impl Iterator<Item = EntryRef<'a>> + Clone + use<'a> {
        let view = *self;
        (0..self.nr).filter_map(move |i| view.get(i))
    }

    /// The index of an entry whose devices are sorted (source:
    /// `__replicas_entry_idx`).
    #[inline]
    #[must_use]
    pub fn find(&self, entry: EntryRef<'_>) -> Option<usize> {
        let want = entry.as_bytes();
        if want.len() > self.stride {
            return None;
        }
        // Only as many bytes as the searched entry has are compared: its second
        // byte tells the length, so no other entry can be equal in them.
        find(self.nr, |i| {
            let row = self.row(i).and_then(|r| r.get(..want.len())).unwrap_or(&[]);
            want.cmp(row)
        })
    }
}

/// A table in memory of our own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    rows: Vec<u8>,
    stride: usize,
    nr: usize,
}

impl Table {
    /// The table without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: Vec::new(), stride: 0, nr: 0 }
    }

    /// A table of these entries, which may come in any order. Their devices are
    /// taken as they are.
    ///
    /// # Errors
    /// When memory is short.
    pub fn from_entries<'e, I>(entries: I) -> Result<Self, TryReserveError>
    where
        I: Iterator<Item = EntryRef<'e>> + Clone,
    {
        let mut nr = 0_usize;
        let mut stride = 0_usize;
        for e in entries.clone() {
            nr = nr.saturating_add(1);
            stride = stride.max(e.as_bytes().len());
        }
        let mut sorted = Vec::new();
        sorted.try_reserve_exact(nr)?;
        sorted.extend(entries.take(nr));
        // Equal lengths compare by their bytes, others differ in the second
        // byte: the order is that of the padded rows.
        sorted.sort_unstable();

        let size = nr.saturating_mul(stride);
        let mut rows = Vec::new();
        rows.try_reserve_exact(size)?;
        rows.extend(core::iter::repeat_n(0_u8, size));
        for (entry, index) in sorted.iter().zip(InOrder::new(nr)) {
            let start = index.saturating_mul(stride);
            let to = rows.get_mut(start..).unwrap_or(&mut []);
            for (to, from) in to.iter_mut().zip(entry.as_bytes()) {
                *to = *from;
            }
        }
        Ok(Self { rows, stride, nr })
    }

    /// The table with one entry more, whether or not it was there (source:
    /// `cpu_replicas_add_entry`).
    ///
    /// # Errors
    /// When memory is short.
    pub fn with(&self, entry: EntryRef<'_>) -> Result<Self, TryReserveError> {
        Self::from_entries(self.view().iter().chain(core::iter::once(entry)))
    }

    /// The table, lent.
    #[inline]
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { rows: &self.rows, stride: self.stride, nr: self.nr }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Entry;
    use super::*;
    use crate::layout::DataType;
    use alloc::format;
    use proptest::prelude::*;

    fn entry(t: u8, devs: &[u8], required: u8) -> Entry {
        let mut e = Entry::new(DataType(t), required);
        devs.iter().for_each(|&d| e.push(d).unwrap());
        e.sort();
        e
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let one = (1..6_u8, prop::collection::vec(0..5_u8, 1..5), 0..3_u8)
            .prop_map(|(t, devs, r)| entry(t, &devs, r));
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        // Oracle: a linear search over the rows, and the sorted list of the
        // padded rows read off in the tree's order.
        #[test]
        fn finds_what_a_linear_search_finds(all in entries(), other in entries()) {
            let t = Table::from_entries(all.iter().map(Entry::get)).unwrap();
            let v = t.view();
            prop_assert_eq!(v.len(), all.len());
            let rows: Vec<_> = InOrder::new(v.len()).map(|i| v.row(i).unwrap()).collect();
            prop_assert!(rows.is_sorted());
            for e in all.iter().chain(&other) {
                let found = v.find(e.get());
                let there = v.iter().any(|x| x == e.get());
                prop_assert_eq!(found.is_some(), there);
                if let Some(i) = found {
                    prop_assert_eq!(v.get(i), Some(e.get()));
                }
            }
        }

        // Oracle: the table built at once.
        #[test]
        fn growing_is_building(all in entries()) {
            let mut t = Table::new();
            for e in &all {
                t = t.with(e.get()).unwrap();
            }
            prop_assert_eq!(t, Table::from_entries(all.iter().map(Entry::get)).unwrap());
        }
    }

    // Oracle: the order of `usage_base.replicas` in the corpus's goldens of
    // clean/2dev-replicas2, 3dev-replicas2, ec-4dev and 3dev-meta3-data1.
    #[test]
    fn index_order_is_that_of_the_original() {
        for golden in GOLDENS {
            let mut sorted: Vec<_> =
                golden.iter().map(|b| EntryRef::first_of(b).unwrap()).collect();
            sorted.sort();
            let t = Table::from_entries(sorted.into_iter()).unwrap();
            let got: Vec<_> = t.view().iter().map(|e| e.as_bytes()).collect();
            assert_eq!(&got, golden);
        }
    }

    const GOLDENS: [&[&[u8]]; 4] = [
        &[&[3, 2, 1, 0, 1], &[2, 2, 1, 0, 1], &[4, 2, 1, 0, 1]],
        &[
            &[3, 2, 1, 1, 2],
            &[3, 2, 1, 0, 1],
            &[4, 2, 1, 0, 2],
            &[2, 2, 1, 0, 2],
            &[3, 2, 1, 0, 2],
            &[4, 2, 1, 0, 1],
            &[4, 2, 1, 1, 2],
            &[2, 2, 1, 0, 1],
            &[2, 2, 1, 1, 2],
        ],
        &[
            &[4, 2, 1, 1, 2],
            &[3, 2, 1, 2, 3],
            &[5, 1, 1, 0],
            &[3, 2, 1, 0, 3],
            &[4, 2, 1, 0, 2],
            &[4, 2, 1, 2, 3],
            &[5, 1, 1, 2],
            &[2, 2, 1, 2, 3],
            &[3, 2, 1, 1, 2],
            &[4, 2, 1, 0, 1],
            &[4, 2, 1, 0, 3],
            &[4, 2, 1, 1, 3],
            &[4, 4, 3, 0, 1, 2, 3],
            &[5, 1, 1, 1],
            &[5, 1, 1, 3],
            &[2, 2, 1, 0, 1],
            &[3, 2, 1, 0, 1],
        ],
        &[&[4, 1, 1, 1], &[3, 3, 1, 0, 1, 2], &[4, 1, 1, 2], &[2, 3, 1, 0, 1, 2], &[4, 1, 1, 0]],
    ];

    // Oracle: the bounds given by hand.
    #[test]
    fn views_are_bounded() {
        assert!(View::new(&[0; 9], 5, 2).is_none());
        assert!(View::new(&[0; 9], usize::MAX, 2).is_none());
        let v = View::new(&[4, 9, 1, 0], 4, 1).unwrap();
        assert_eq!(v.get(0), None);
        assert_eq!(v.get(1), None);
        assert_eq!(v.iter().count(), 0);
    }
}
