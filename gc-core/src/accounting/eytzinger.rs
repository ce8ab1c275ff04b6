// SPDX-License-Identifier: GPL-2.0-only
//! Search trees laid out in an array: the root at 0, children of `i` at
//! `2i + 1` and `2i + 2`, all levels full but the last.

use core::cmp::Ordering;

/// The array indexes of a tree of `nr` elements from the least element to the
/// greatest.
#[derive(Debug, Clone)]
pub(super) struct InOrder {
    /// One based, so that a child is a shift; 0 at the end.
    at: usize,
    nr: usize,
}

impl InOrder {
    /// Starts at the least element.
    #[must_use]
    pub(super) const fn new(nr: usize) -> Self {
        let at = if nr == 0 { 0 } else { leftmost(1, nr) };
        Self { at, nr }
    }
}

const fn left(i: usize) -> usize {
    i.saturating_mul(2)
}

const fn leftmost(mut i: usize, nr: usize) -> usize {
    while left(i) <= nr {
        i = left(i);
    }
    i
}

impl Iterator for InOrder {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let index = self.at.checked_sub(1)?;
        let right = left(self.at).saturating_add(1);
        self.at = if right <= self.nr {
            leftmost(right, self.nr)
        } else {
            // Up past every edge that led to the right, and one more; beyond
            // the root nothing is left.
            self.at.checked_shr(self.at.trailing_ones().saturating_add(1)).unwrap_or(0)
        };
        Some(index)
    }
}

/// Finds an element: `cmp` orders the searched one against the element at an
/// index (source: `eytzinger0_find`).
#[inline]
pub(super) fn find(nr: usize, mut cmp: impl FnMut(usize) -> Ordering) -> Option<usize> {
    let mut i = 0_usize;
    while i < nr {
        let step = match cmp(i) {
            Ordering::Equal => return Some(i),
            Ordering::Less => 1,
            Ordering::Greater => 2,
        };
        i = left(i).saturating_add(step);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    // Oracle: a recursive in-order walk.
    fn walk(i: usize, nr: usize, out: &mut Vec<usize>) {
        if i < nr {
            walk(2 * i + 1, nr, out);
            out.push(i);
            walk(2 * i + 2, nr, out);
        }
    }

    #[test]
    fn in_order_is_the_recursive_walk() {
        for nr in 0..200 {
            let mut want = Vec::new();
            walk(0, nr, &mut want);
            assert_eq!(InOrder::new(nr).collect::<Vec<_>>(), want, "{nr}");
        }
    }

    // Oracle: the closed formula of docs/facts/replicas.md.
    #[test]
    fn ranks_follow_the_formula() {
        for nr in 1..300_usize {
            let size = nr + 1;
            let floor_log = |v: usize| usize::BITS - 1 - v.leading_zeros();
            let extra = 2 * (size - (1 << floor_log(size - 1)));
            for (rank, index) in InOrder::new(nr).enumerate() {
                let i = rank + 1;
                let i = if i <= extra { i } else { 2 * i - extra };
                let s = i.trailing_zeros();
                assert_eq!(index + 1, (i >> (s + 1)) | 1 << (floor_log(size - 1) - s));
            }
        }
    }

    // Oracle: every rank is found where the walk put it, and nothing between.
    #[test]
    fn finds_what_is_there() {
        for nr in 0..70 {
            let mut at = std::vec![0; nr];
            for (rank, i) in InOrder::new(nr).enumerate() {
                at[i] = 2 * rank + 1;
            }
            for v in 0..2 * nr + 2 {
                let want = at.iter().position(|&x| x == v);
                assert_eq!(find(nr, |i| v.cmp(&at[i])), want, "{nr} {v}");
            }
        }
    }
}
