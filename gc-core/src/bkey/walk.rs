// SPDX-License-Identifier: GPL-2.0-only
//! The keys of a node: its bsets merged in order, overwritten keys left out.

use super::node_format::NodeFormat;
use super::raw_key::{KeyError, RawKey};
use crate::layout::bkey::KeyType;
use crate::layout::node::BtreeNrKeys;
use core::cmp::Ordering;

/// Which keys a walk leaves out, and which of two at one position comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A node in memory: keys that were overwritten are marked deleted there, so
    /// only whiteouts are left out. At one position deleted keys come first,
    /// then older sets.
    Live,
    /// A node in memory, whiteouts too.
    LiveAndWhiteouts,
    /// A node as on disk: of one position only the key of the newest set counts,
    /// and it is left out too if it is a whiteout.
    Read,
}

/// The current key of one set.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    current: Result<RawKey<'a>, KeyError>,
    rest: &'a [u64],
    age: usize,
}

impl Head<'_> {
    /// No set: what the caller's storage is filled with.
    pub const NONE: Self = Self { current: Err(KeyError::PastEnd), rest: &[], age: 0 };
}

/// More sets than the caller has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManySets;

/// Walk over the keys of a node in order of position.
///
/// Sets are added oldest first. The walk is a merge of their current keys, so a
/// set out of order comes out of order; it ends all the same. A key whose length
/// is wrong is reported in place of it and left out; after
/// [`KeyError::PastEnd`] its set is over.
#[derive(Debug)]
pub struct NodeWalk<'a, 'w> {
    format: &'w NodeFormat,
    rule: Rule,
    /// The first `used` are sorted; the others are free.
    heads: &'w mut [Head<'a>],
    used: usize,
    /// What is left of the last set, once the others are at their end.
    alone: &'a [u64],
    added: usize,
    sorted: bool,
}

impl<'a, 'w> NodeWalk<'a, 'w> {
    /// A walk without sets yet. `heads` is room for one each; what is in it does
    /// not matter.
    #[inline]
    #[must_use]
    pub fn new(format: &'w NodeFormat, rule: Rule, heads: &'w mut [Head<'a>]) -> Self {
        Self { format, rule, heads, used: 0, alone: &[], added: 0, sorted: true }
    }

    /// Adds a set of keys, newer than all before. All sets are added before the
    /// first key is taken.
    ///
    /// # Errors
    /// If there is no room for it.
    pub fn add(&mut self, words: &'a [u64]) -> Result<(), TooManySets> {
        let head = Head { rest: words, age: self.added, ..Head::NONE };
        let slot = self.heads.get_mut(self.used).ok_or(TooManySets)?;
        *slot = head;
        self.used = self.used.saturating_add(1);
        self.added = self.added.saturating_add(1);
        self.sorted = false;
        Ok(())
    }

    fn order(&self, l: &Head<'_>, r: &Head<'_>) -> Ordering {
        let (Ok(lk), Ok(rk)) = (l.current, r.current) else {
            // What is no key has no position: it is reported at once.
            return l.current.is_ok().cmp(&r.current.is_ok()).then_with(|| l.age.cmp(&r.age));
        };
        self.format
            .cmp(lk, rk)
            .then_with(|| match self.rule {
                Rule::Read => Ordering::Equal,
                Rule::Live | Rule::LiveAndWhiteouts => {
                    let live = |k: RawKey<'_>| k.type_() != KeyType::DELETED;
                    live(lk).cmp(&live(rk))
                }
            })
            .then_with(|| l.age.cmp(&r.age))
    }

    /// Moves the head at `from` back to its place among those behind it.
    fn sift(&mut self, from: usize) {
        for i in from.. {
            let j = i.saturating_add(1);
            match (self.heads.get(i), self.heads.get(j)) {
                (Some(l), Some(r)) if j < self.used && self.order(l, r) == Ordering::Greater => {
                    self.heads.swap(i, j);
                }
                _ => break,
            }
        }
    }

    /// Moves the head at `at` to its set's next key. False if the set was at its
    /// end and is gone.
    fn advance(&mut self, at: usize) -> bool {
        let Some(head) = self.heads.get_mut(at) else { return false };
        if let Some((current, rest)) = RawKey::split_first(self.format, head.rest) {
            head.current = current;
            head.rest = rest;
            return true;
        }
        if let Some(behind) = self.heads.get_mut(at..self.used) {
            behind.rotate_left(1);
        }
        self.used = self.used.saturating_sub(1);
        false
    }

    /// Reads the current key of every set and sorts the sets.
    fn start(&mut self) {
        let mut i = self.used;
        while let Some(at) = i.checked_sub(1) {
            i = at;
            if self.advance(at) {
                self.sift(at);
            }
        }
        self.sorted = true;
    }

    /// The next key while more than one set may be left, whiteouts and
    /// overwritten keys included, and whether the next set's current key is at
    /// the same position. `None` from when only `alone` is left.
    #[inline]
    fn step(&mut self) -> Option<(Result<RawKey<'a>, KeyError>, bool)> {
        if !self.sorted {
            self.start();
        }
        let (first, others) = self.heads.get(..self.used)?.split_first()?;
        let current = first.current;
        let Some(second) = others.first() else {
            self.alone = first.rest;
            self.used = 0;
            return Some((current, false));
        };
        let shadowed = self.rule == Rule::Read
            && match (current, second.current) {
                (Ok(l), Ok(r)) => self.format.cmp(l, r) == Ordering::Equal,
                _ => false,
            };
        if self.advance(0) {
            self.sift(0);
        }
        Some((current, shadowed))
    }

    /// The next key when no other set is left.
    #[inline]
    fn step_alone(&mut self) -> Option<(Result<RawKey<'a>, KeyError>, bool)> {
        let (key, rest) = RawKey::split_first(self.format, self.alone)?;
        self.alone = rest;
        Some((key, false))
    }
}

impl<'a> Iterator for NodeWalk<'a, '_> {
    type Item = Result<RawKey<'a>, KeyError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let step = if self.used == 0 { self.step_alone() } else { self.step() };
            let (key, shadowed) = step?;
            let out = key.is_ok_and(|key| match self.rule {
                Rule::LiveAndWhiteouts => false,
                Rule::Live => key.is_whiteout(),
                Rule::Read => shadowed || key.is_whiteout(),
            });
            if !out {
                return Some(key);
            }
        }
    }
}

impl BtreeNrKeys {
    /// Counts a key of the given bset in (source: `btree_keys_account_key`; 16
    /// bits, wrapping as there).
    #[inline]
    pub fn add_key(&mut self, bset: usize, key: RawKey<'_>) {
        let u64s = u16::from(key.u64s());
        self.live_u64s = self.live_u64s.wrapping_add(u64s);
        if let Some(n) = self.bset_u64s.get_mut(bset) {
            *n = n.wrapping_add(u64s);
        }
        let n = if key.is_packed() { &mut self.packed_keys } else { &mut self.unpacked_keys };
        *n = n.wrapping_add(1);
    }

    /// Counts a key of the given bset out.
    #[inline]
    pub fn remove_key(&mut self, bset: usize, key: RawKey<'_>) {
        let u64s = u16::from(key.u64s());
        self.live_u64s = self.live_u64s.wrapping_sub(u64s);
        if let Some(n) = self.bset_u64s.get_mut(bset) {
            *n = n.wrapping_sub(u64s);
        }
        let n = if key.is_packed() { &mut self.packed_keys } else { &mut self.unpacked_keys };
        *n = n.wrapping_sub(1);
    }
}
