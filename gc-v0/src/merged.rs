// SPDX-License-Identifier: GPL-2.0-only
//! The keys of one node with the journal's laid over.

use crate::journal::{JournalKey, JournalKeys};
use crate::node::Node;
use core::ops::Range;
use gc_core::bkey::KeyRef;
use gc_core::layout::{Bkey, Bpos, KeyType};
use std::rc::Rc;

/// Keys of one node with those of the journal laid over.
pub struct Merged<'a> {
    node: Rc<Node>,
    at: usize,
    /// The node's next key, and where its value lies.
    ahead: Option<(Bkey, Range<usize>)>,
    journal: &'a [JournalKey],
    current: Current<'a>,
}

/// The key last shown.
enum Current<'a> {
    Own(Bkey, Range<usize>),
    Journal(&'a JournalKey),
}

impl<'a> Merged<'a> {
    /// All keys of a node; of the journal those of its btree and level from its
    /// least key on, none if `journal` is `None`.
    #[must_use]
    pub fn new(node: Rc<Node>, journal: Option<&'a JournalKeys>) -> Self {
        let journal = journal.map_or(&[][..], |j| j.from(node.btree, node.level, node.min_key));
        let current = Current::Own(Bkey::default(), 0..0);
        let mut this = Self { node, at: 0, ahead: None, journal, current };
        this.look_ahead();
        this
    }

    /// The node.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    #[inline]
    fn look_ahead(&mut self) {
        self.ahead = self.node.key_at(self.at).map(|(k, value, next)| {
            self.at = next;
            (k, value)
        });
    }

    /// The next key; deleted ones only hide others.
    #[inline]
    pub fn next_key(&mut self) -> Option<KeyRef<'_>> {
        self.advance().then(|| self.key())
    }

    /// Goes to the next key; `false` at the end.
    #[inline]
    pub(crate) fn advance(&mut self) -> bool {
        loop {
            let own: Option<Bpos> = self.ahead.as_ref().map(|(k, _)| k.p);
            let journal = self.journal.first();
            let from_journal = match (own, journal.map(|j| j.key.k.p)) {
                (None, None) => return false,
                (Some(b), Some(j)) if b == j => {
                    self.look_ahead();
                    true
                }
                (Some(b), Some(j)) => j < b,
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            let k = if from_journal {
                let Some((first, rest)) = self.journal.split_first() else { return false };
                self.journal = rest;
                self.current = Current::Journal(first);
                first.key.k
            } else {
                let Some((k, value)) = self.ahead.take() else { return false };
                self.look_ahead();
                self.current = Current::Own(k, value);
                k
            };
            if k.p > self.node.max_key {
                self.journal = &[];
                self.ahead = None;
                return false;
            }
            if k.type_ != KeyType::DELETED {
                return true;
            }
        }
    }

    /// The key last gone to.
    #[inline]
    pub(crate) fn key(&self) -> KeyRef<'_> {
        match &self.current {
            Current::Own(k, value) => {
                KeyRef::new(k, self.node.words.get(value.clone()).unwrap_or(&[]))
            }
            Current::Journal(j) => j.key.as_ref(),
        }
    }
}
