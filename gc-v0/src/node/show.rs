// SPDX-License-Identifier: GPL-2.0-only
//! The keys that count of a node whose sets are verified, without a copy.

use super::parse::Opened;
use super::plain::Visit;
use super::run::{Common, Order, Run, Stop};
use crate::fs::Fs;
use crate::key::compat;
use crate::key::quick::{Inodes, is_dirent};
use crate::key::validate::{BLOCKDEV_INODE_MAX, Rules};
use crate::reason::{Rule, Unusual};
use gc_core::bkey::KeyRef;
use gc_core::layout::KeyType;

/// The keys of a node whose sets are verified.
pub(super) struct NodeKeys<'a> {
    fs: &'a Fs,
    common: Common<'a>,
    words: &'a [u64],
}

/// Who is shown keys, and how many there were.
struct Shown<'a, V> {
    rules: Rules<'a>,
    visit: &'a mut V,
    inodes: Inodes,
    /// Keys that were shown before and are not shown again.
    before: usize,
    nr: usize,
}

impl<'a> NodeKeys<'a> {
    /// `words` are those of the node and some behind it.
    pub(super) const fn new(fs: &'a Fs, common: Common<'a>, words: &'a [u64]) -> Self {
        Self { fs, common, words }
    }

    /// Shows the keys in order.
    pub(super) fn show(&self, sets: &[Opened], visit: &mut impl Visit) -> Result<(), Unusual> {
        let mut shown =
            Shown { rules: self.fs.rules(), visit, inodes: Inodes::default(), before: 0, nr: 0 };
        if self.common.is_narrow() {
            match self.runs::<u64>(sets).and_then(|runs| shown.merge(runs)) {
                Err(Stop::Wide) => shown.before = core::mem::take(&mut shown.nr),
                Err(Stop::Unusual(e)) => return Err(e),
                Ok(()) => return Ok(()),
            }
        }
        self.runs::<u128>(sets).and_then(|runs| shown.merge(runs)).map_err(|stop| match stop {
            Stop::Unusual(e) => e,
            Stop::Wide => Rule::KeyInvalid.into(),
        })
    }

    /// Runs of keys in order, the oldest first.
    fn runs<O: Order>(&self, sets: &[Opened]) -> Result<Vec<Run<'_, O>>, Stop> {
        let mut runs = Vec::new();
        for opened in sets {
            let words = self.words.get(opened.set.keys_at() >> 3..).ok_or(Rule::NodeInvalid)?;
            let len = usize::from(opened.u64s);
            if compat::is_old(opened.set.version) {
                return Err(Rule::NodeOldVersion.into());
            }
            if self.fs.is_blacklisted(opened.set.journal_seq) {
                // Left out, but what is wrong with it is said.
                if let Some(mut run) = self.common.run::<O>(words, len)? {
                    while run.advance()? {}
                }
                continue;
            }
            let split = match opened.set.separate_whiteouts() {
                true => self.whiteouts::<O>(words, len)?,
                false => 0,
            };
            let behind = words.get(split..).ok_or(Rule::NodeInvalid)?;
            runs.extend(self.common.run(words, split)?);
            runs.extend(self.common.run(behind, len.saturating_sub(split))?);
        }
        Ok(runs)
    }

    /// Words of whiteouts before the other keys of a set.
    fn whiteouts<O: Order>(&self, words: &[u64], len: usize) -> Result<usize, Stop> {
        let Some(mut run) = self.common.run::<O>(words, len)? else { return Ok(0) };
        while run.type_().is_whiteout() {
            match run.advance() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                // Out of order: here the other keys begin, if it is that.
                Err(Stop::Unusual(_)) => return Ok(run.behind()),
                Err(Stop::Wide) => return Err(Stop::Wide),
            }
        }
        Ok(run.at())
    }
}

impl<V: Visit> Shown<'_, V> {
    /// Of one position the newest key counts.
    fn merge<O: Order>(&mut self, mut runs: Vec<Run<'_, O>>) -> Result<(), Stop> {
        while runs.len() > 2 {
            // Least position, oldest first; and the least of the others.
            let mut orders = runs.iter().map(Run::order).enumerate();
            let Some(mut first) = orders.next() else { break };
            let mut second = None;
            for (i, order) in orders {
                if order < first.1 {
                    second = Some(first.1);
                    first = (i, order);
                } else if second.is_none_or(|second| order < second) {
                    second = Some(order);
                }
            }
            let Some(run) = runs.get_mut(first.0) else { break };
            // Overwritten: of equal positions the oldest comes first.
            let mut more = Some(first.1) != second || run.advance()?;
            while more && Some(run.order()) < second {
                self.show(run)?;
                more = run.advance()?;
            }
            if !more {
                runs.remove(first.0);
            }
        }
        match *runs.as_slice() {
            [older, newer] => self.two(older, newer),
            [lone] => self.rest(lone),
            _ => Ok(()),
        }
    }

    fn two<O: Order>(&mut self, mut older: Run<'_, O>, mut newer: Run<'_, O>) -> Result<(), Stop> {
        loop {
            if older.order() <= newer.order() {
                // Of equal positions the older key is overwritten.
                if older.order() < newer.order() {
                    self.show(&older)?;
                }
                if !older.advance()? {
                    return self.rest(newer);
                }
            } else {
                self.show(&newer)?;
                if !newer.advance()? {
                    return self.rest(older);
                }
            }
        }
    }

    fn rest<O: Order>(&mut self, mut run: Run<'_, O>) -> Result<(), Stop> {
        loop {
            self.show(&run)?;
            if !run.advance()? {
                return Ok(());
            }
        }
    }

    #[inline(always)]
    fn show<O: Order>(&mut self, run: &Run<'_, O>) -> Result<(), Unusual> {
        if run.type_().is_whiteout() {
            return Ok(());
        }
        if O::NARROW {
            self.nr = self.nr.wrapping_add(1);
        } else if let Some(left) = self.before.checked_sub(1) {
            self.before = left;
            return Ok(());
        }
        if let Some(k) = run.extent() {
            match self.visit.extent(k) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(e) => return Err(at_key(e, run)),
            }
        } else if self.is_valid(run) && self.visit.pointerless(run.type_()) {
            return Ok(());
        }
        self.show_any(run)
    }

    /// Whether an inode, or an entry of a directory, is seen to be valid.
    #[inline(always)]
    fn is_valid<O: Order>(&mut self, run: &Run<'_, O>) -> bool {
        match run.type_() {
            KeyType::INODE => run.place().is_some_and(|((inode, offset), v)| {
                inode == 0 && offset >= BLOCKDEV_INODE_MAX && self.inodes.is_valid(v)
            }),
            KeyType::DIRENT => run.place().is_some_and(|(_, v)| is_dirent(v)),
            _ => false,
        }
    }

    /// A key of any kind.
    #[inline(never)]
    fn show_any<O: Order>(&mut self, run: &Run<'_, O>) -> Result<(), Unusual> {
        let (k, v) = run.key().ok_or(Rule::KeyInvalid)?;
        if self.rules.value_invalid(KeyRef::new(&k, v)).is_some() {
            return Err(Unusual::from(Rule::KeyInvalid).of_key(&k));
        }
        self.visit.key(&k, v)
    }
}

/// Says which key it is about.
#[cold]
#[inline(never)]
fn at_key<O: Order>(e: Unusual, run: &Run<'_, O>) -> Unusual {
    match run.key() {
        Some((k, _)) => e.of_key(&k),
        None => e,
    }
}
