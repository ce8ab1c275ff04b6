// SPDX-License-Identifier: GPL-2.0-only
//! Where the keys of neighbours are cut into new nodes.
//!
//! The nodes are laid end to end. Each new node takes all that is left of the
//! old node it begins with, and then keys of the next ones as long as it stays
//! within two thirds of a node. So a node that is full already is never split,
//! and what is sparse gathers on the right, where the next neighbour comes.

use super::fit::Fit;
use crate::layout::btree::GC_MERGE_NODES;
use crate::layout::{Bpos, POS_MIN};
use core::ops::Range;

/// A new node to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slice {
    /// Its keys, as u64s of the packed keys of all.
    pub(super) words: Range<usize>,
    /// Least position of its range.
    pub(super) min: Bpos,
    /// Greatest position of its range.
    pub(super) max: Bpos,
    /// How many keys are packed.
    pub(super) packed: u16,
    /// How many are not.
    pub(super) unpacked: u16,
}

const NO_SLICE: Slice = Slice { words: 0..0, min: POS_MIN, max: POS_MIN, packed: 0, unpacked: 0 };

/// Why there is no plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlan {
    /// Keys or ranges of the old nodes are not in order.
    Disorder,
    /// The keys of a node do not fit one in the common format.
    TooLong,
}

/// Cuts keys that are told one after the other.
#[derive(Debug)]
pub(super) struct Slicer {
    fit: Fit,
    slices: [Slice; GC_MERGE_NODES],
    nr: usize,
    /// u64s so far.
    end: usize,
    /// Where the current old node begins, and whether it has been entered.
    node_start: usize,
    /// The current slice began with the current old node.
    own: bool,
    /// Position of the last key, or greatest of the last node.
    last: Option<Bpos>,
    /// Range of the current old node.
    range: (Bpos, Bpos),
}

impl Slicer {
    pub(super) fn new(fit: Fit) -> Self {
        Self {
            fit,
            slices: [NO_SLICE; GC_MERGE_NODES],
            nr: 0,
            end: 0,
            node_start: 0,
            own: false,
            last: None,
            range: (POS_MIN, POS_MIN),
        }
    }

    fn current(&mut self) -> Option<&mut Slice> {
        self.slices.get_mut(self.nr.checked_sub(1)?)
    }

    fn open(&mut self, min: Bpos) -> Result<(), NoPlan> {
        let slice = self.slices.get_mut(self.nr).ok_or(NoPlan::Disorder)?;
        *slice = Slice { words: self.end..self.end, min, ..NO_SLICE };
        self.nr = self.nr.saturating_add(1);
        self.own = true;
        Ok(())
    }

    /// The next old node, with its range.
    pub(super) fn node(&mut self, min: Bpos, max: Bpos) -> Result<(), NoPlan> {
        self.close_node()?;
        // Ranges tile: the next begins directly after the one before.
        let follows = self.nr == 0 || self.range.1.successor() == Some(min);
        if !follows || min > max {
            return Err(NoPlan::Disorder);
        }
        self.range = (min, max);
        self.last = None;
        self.node_start = self.end;
        self.own = false;
        if self.nr == 0 { self.open(min) } else { Ok(()) }
    }

    /// The next key of that node.
    pub(super) fn key(&mut self, pos: Bpos, u64s: usize, packed: bool) -> Result<(), NoPlan> {
        let (min, max) = self.range;
        let after_last = self.last.is_none_or(|last| last < pos);
        if !after_last || pos < min || pos > max {
            return Err(NoPlan::Disorder);
        }
        let end = self.end.checked_add(u64s).ok_or(NoPlan::TooLong)?;
        if !self.own {
            let start = self.current().map_or(0, |s| s.words.start);
            let with = u64::try_from(end.saturating_sub(start)).unwrap_or(u64::MAX);
            if !self.fit.within_limit(with) {
                self.cut()?;
            }
        }
        self.end = end;
        self.last = Some(pos);
        let slice = self.current().ok_or(NoPlan::Disorder)?;
        slice.words.end = end;
        let n = if packed { &mut slice.packed } else { &mut slice.unpacked };
        *n = n.checked_add(1).ok_or(NoPlan::TooLong)?;
        Ok(())
    }

    /// Ends the current slice before the key that comes, and opens the next.
    fn cut(&mut self) -> Result<(), NoPlan> {
        let min = match self.last {
            // Nothing of this node has gone into the slice: its range ends with
            // that of the node before.
            None => self.range.0,
            Some(last) => {
                self.current().ok_or(NoPlan::Disorder)?.max = last;
                last.successor().ok_or(NoPlan::Disorder)?
            }
        };
        self.open(min)
    }

    fn close_node(&mut self) -> Result<(), NoPlan> {
        let own = self.end.saturating_sub(self.node_start);
        if !self.fit.within_node(u64::try_from(own).unwrap_or(u64::MAX)) {
            return Err(NoPlan::TooLong);
        }
        let max = self.range.1;
        if let Some(slice) = self.current() {
            slice.max = max;
        }
        Ok(())
    }

    /// The new nodes, and the number of words in all.
    pub(super) fn finish(mut self) -> Result<Slices, NoPlan> {
        self.close_node()?;
        let fits =
            |s: &Slice| self.fit.within_node(u64::try_from(s.words.len()).unwrap_or(u64::MAX));
        if !self.slices.iter().take(self.nr).all(fits) {
            return Err(NoPlan::TooLong);
        }
        Ok(Slices { slices: self.slices, nr: self.nr })
    }
}

/// The new nodes in order.
#[derive(Debug)]
pub(super) struct Slices {
    slices: [Slice; GC_MERGE_NODES],
    nr: usize,
}

impl Slices {
    pub(super) fn as_slice(&self) -> &[Slice] {
        self.slices.get(..self.nr).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::NodeSize;
    use proptest::prelude::*;
    use std::format;
    use std::vec::Vec;

    /// An old node: the lengths of its keys, at consecutive offsets.
    type Old = Vec<u8>;

    const INODE: u64 = 1;

    fn fit() -> Fit {
        // 32 blocks of 512 bytes; up to 21 are filled: 1324 u64s.
        Fit::new(NodeSize { bytes: 16384, block_bytes: 512 }).unwrap()
    }

    /// Position of key `i` of node `n`, 10 apart; nodes are 10000 apart.
    fn pos(n: usize, i: usize) -> Bpos {
        Bpos::new(INODE, (n * 10_000 + (i + 1) * 10) as u64)
    }

    fn range(n: usize) -> (Bpos, Bpos) {
        let at = |n: usize| Bpos::new(INODE, (n * 10_000) as u64);
        (at(n).successor().unwrap(), at(n + 1))
    }

    fn slice(old: &[Old]) -> Result<Slices, NoPlan> {
        let mut s = Slicer::new(fit());
        for (n, keys) in old.iter().enumerate() {
            let (min, max) = range(n);
            s.node(min, max)?;
            for (i, &u64s) in keys.iter().enumerate() {
                s.key(pos(n, i), usize::from(u64s), u64s % 3 != 0)?;
            }
        }
        s.finish()
    }

    /// A node while it is moved about: keys as (position, u64s).
    #[derive(Debug, Clone)]
    struct Naive {
        min: Bpos,
        max: Bpos,
        keys: Vec<(Bpos, u8)>,
    }

    fn blocks(keys: &[(Bpos, u8)]) -> usize {
        (160 + 8 * keys.iter().map(|k| usize::from(k.1)).sum::<usize>()).div_ceil(512)
    }

    /// The facts word by word: keys move from node to node, one at a time.
    fn naive(old: &[Old]) -> Vec<Naive> {
        let mut nodes: Vec<Naive> = old
            .iter()
            .enumerate()
            .map(|(n, keys)| Naive {
                min: range(n).0,
                max: range(n).1,
                keys: keys.iter().enumerate().map(|(i, &u)| (pos(n, i), u)).collect(),
            })
            .collect();
        let mut at = 0;
        while at + 1 < nodes.len() {
            let mut moved = None;
            while let Some(&first) = nodes[at + 1].keys.first() {
                let mut with = nodes[at].keys.clone();
                with.push(first);
                if blocks(&with) > 21 {
                    break;
                }
                nodes[at].keys = with;
                nodes[at + 1].keys.remove(0);
                moved = Some(first.0);
            }
            if nodes[at + 1].keys.is_empty() {
                nodes[at].max = nodes[at + 1].max;
                nodes.remove(at + 1);
                continue;
            }
            if let Some(last) = moved {
                nodes[at].max = last;
                nodes[at + 1].min = last.successor().unwrap();
            }
            at += 1;
        }
        nodes
    }

    proptest! {
        // Oracle: the naive moving of keys one by one, above.
        #[test]
        fn cuts_where_moving_key_by_key_ends(
            old in prop::collection::vec(prop::collection::vec(3_u8..60, 0..60), 1..=4),
        ) {
            let want = naive(&old);
            let got = slice(&old);
            let got = match got {
                Ok(got) => got,
                Err(e) => {
                    // 2027 u64s are the most a node holds.
                    prop_assert_eq!(e, NoPlan::TooLong);
                    let longest = old.iter().map(|k| k.iter().map(|&u| u64::from(u)).sum::<u64>()).max();
                    prop_assert!(longest > Some(2027));
                    return Ok(());
                }
            };
            prop_assert_eq!(got.as_slice().len(), want.len());
            let mut start = 0;
            for (g, w) in got.as_slice().iter().zip(&want) {
                prop_assert_eq!((g.min, g.max), (w.min, w.max));
                let len = w.keys.iter().map(|k| usize::from(k.1)).sum::<usize>();
                prop_assert_eq!(g.words.clone(), start..start + len);
                start += len;
                let packed = w.keys.iter().filter(|k| k.1 % 3 != 0).count();
                prop_assert_eq!(usize::from(g.packed), packed);
                prop_assert_eq!(usize::from(g.unpacked), w.keys.len() - packed);
            }
        }
    }

    // Oracle: 2027 u64s are the most a node of 16 KiB holds; in larger ones a set has
    // 65535 at most, though two thirds of the node are more.
    #[test]
    fn what_fits_no_node_has_no_plan() {
        let p = |o| Bpos::new(INODE, o);
        let cut = |fit: Fit, lengths: [usize; 2]| {
            let mut s = Slicer::new(fit);
            for (n, u64s) in (0..).zip(lengths) {
                s.node(p(n * 100 + 1), p(n * 100 + 100))?;
                s.key(p(n * 100 + 1), u64s, true)?;
            }
            s.finish().map(|slices| slices.as_slice().len())
        };
        assert_eq!(cut(fit(), [2027, 2027]), Ok(2));
        assert_eq!(cut(fit(), [2028, 1]), Err(NoPlan::TooLong));
        assert_eq!(cut(fit(), [1, 2028]), Err(NoPlan::TooLong));
        let large = Fit::new(NodeSize { bytes: 1 << 20, block_bytes: 512 }).unwrap();
        assert_eq!(cut(large, [40_000, 25_535]), Ok(1));
        assert_eq!(cut(large, [40_000, 25_536]), Err(NoPlan::TooLong));
    }

    // Oracle: keys and ranges out of order have no plan.
    #[test]
    fn disorder_is_refused() {
        let p = |o| Bpos::new(INODE, o);
        let at = |f: &dyn Fn(&mut Slicer) -> Result<(), NoPlan>| {
            let mut s = Slicer::new(fit());
            s.node(p(1), p(100)).unwrap();
            f(&mut s)
        };
        assert_eq!(at(&|s| s.key(p(100), 3, true)), Ok(()));
        assert_eq!(at(&|s| s.key(p(0), 3, true)), Err(NoPlan::Disorder));
        assert_eq!(at(&|s| s.key(p(101), 3, true)), Err(NoPlan::Disorder));
        let twice = |s: &mut Slicer| s.key(p(5), 3, true).and_then(|()| s.key(p(5), 3, true));
        assert_eq!(at(&twice), Err(NoPlan::Disorder));
        assert_eq!(at(&|s| s.node(p(101), p(200))), Ok(()));
        // A range may be one position, and a key at either end of it.
        assert_eq!(at(&|s| s.key(p(1), 3, true)), Ok(()));
        assert_eq!(at(&|s| s.node(p(101), p(101))), Ok(()));
        assert_eq!(at(&|s| s.node(p(102), p(200))), Err(NoPlan::Disorder));
        assert_eq!(at(&|s| s.node(p(101), p(100))), Err(NoPlan::Disorder));
        assert_eq!(
            at(&|s| (1..5)
                .try_for_each(|n| {
                    // Each too full to take anything of the next: a fifth has no room.
                    s.key(s.range.1, 1400, true)?;
                    s.node(p(n * 100 + 1), p(n * 100 + 100))
                })
                .and_then(|()| s.key(s.range.1, 1400, true))),
            Err(NoPlan::Disorder)
        );
    }
}
