// SPDX-License-Identifier: GPL-2.0-only
//! Nodes on demand, and walks with the journal's keys laid over.

use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::journal::{JournalKey, JournalKeys};
use crate::key::Key;
use crate::node::{self, Node};
use crate::report::{Found, Reporter, answer};
use core::mem::offset_of;
use core::ops::Range;
use gc_core::bkey::KeyRef;
use gc_core::finding::Answer;
use gc_core::layout::{Bkey, Bpos, BtreeId, BtreePtrV2, KeyType};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// Keys of nodes kept in memory at most, in u64s.
const KEPT_U64S: usize = 16 << 20;

/// How often a node may be reached through a key that does not end where it does.
/// A btree whose pointers all lead to the same nodes has a walk as long as the
/// product of its levels' keys.
const ASTRAY: u32 = 4096;

/// What identifies a node in the original's cache, so that it is read once.
type Place = (u64, u8, u8);

#[derive(Debug, Clone)]
struct Seen {
    key: Key,
    failed: bool,
}

/// Nodes read so far. What is wrong with a node is reported when it is read for
/// the first time; later it is what it was then.
#[derive(Debug, Clone)]
pub struct Nodes {
    seen: HashMap<Place, Seen>,
    kept: HashMap<Place, Rc<Node>>,
    order: VecDeque<Place>,
    kept_u64s: usize,
    most_u64s: usize,
    astray: u32,
}

impl Default for Nodes {
    fn default() -> Self {
        Self {
            seen: HashMap::new(),
            kept: HashMap::new(),
            order: VecDeque::new(),
            kept_u64s: 0,
            most_u64s: KEPT_U64S,
            astray: 0,
        }
    }
}

/// Somebody who has heard it all before.
struct Muted;

impl Reporter for Muted {
    fn found(&mut self, found: Found) -> Answer {
        answer(found.flags, false)
    }
    fn log(&mut self, _line: &str) {}
}

/// Source: `btree_ptr_hash_val`.
fn hash(key: &Key) -> u64 {
    let byte = match key.k.type_ {
        KeyType::BTREE_PTR => 0,
        // Also of a value that ends behind it.
        KeyType::BTREE_PTR_V2 => offset_of!(BtreePtrV2, seq),
        _ => return 0,
    };
    key.v.get(byte >> 3).copied().unwrap_or(0)
}

impl Nodes {
    /// Keeps no more than so many bytes from now on.
    pub fn keep_at_most(&mut self, bytes: u64) {
        self.most_u64s = self.most_u64s.min(gc_disk::bytes::index(bytes / 8));
        self.let_go();
    }

    /// The node a key points to; `None` if it cannot be read.
    pub fn get(
        &mut self,
        fs: &Fs,
        key: &Key,
        btree: BtreeId,
        level: u8,
        reporter: &mut dyn Reporter,
    ) -> Option<Rc<Node>> {
        let place = (hash(key), btree.0, level);
        if self.is_astray(place, key, reporter) {
            return None;
        }
        if let Some(node) = self.kept.get(&place) {
            return Some(Rc::clone(node));
        }
        reporter.node_read();
        let node = match self.seen.get(&place) {
            Some(seen) if seen.failed => return None,
            Some(seen) => node::read(fs, &seen.key, btree, level, &mut Muted),
            None => {
                let node = node::read(fs, key, btree, level, reporter);
                self.seen.insert(place, Seen { key: key.clone(), failed: node.is_none() });
                node
            }
        };
        let node = Rc::new(node?);
        self.keep(place, &node);
        Some(node)
    }

    /// Whether the walk has come to known nodes through too many wrong keys.
    fn is_astray(&mut self, place: Place, key: &Key, reporter: &mut dyn Reporter) -> bool {
        if self.seen.get(&place).is_none_or(|seen| seen.key.k.p == key.k.p) {
            return false;
        }
        self.astray = self.astray.saturating_add(1);
        if self.astray == ASTRAY {
            let name = BtreeId(place.1).name().unwrap_or("unknown");
            reporter.log(&format!(
                "btree {name} level {}: {ASTRAY} keys lead to nodes of others, giving up",
                place.2
            ));
        }
        self.astray >= ASTRAY
    }

    fn keep(&mut self, place: Place, node: &Rc<Node>) {
        self.kept_u64s = self.kept_u64s.saturating_add(node.words.len());
        self.order.push_back(place);
        self.kept.insert(place, Rc::clone(node));
        self.let_go();
    }

    /// Down to as many as may be kept, the oldest first.
    fn let_go(&mut self) {
        while self.kept_u64s > self.most_u64s {
            let Some(old) = self.order.pop_front() else { return };
            if let Some(node) = self.kept.remove(&old) {
                self.kept_u64s = self.kept_u64s.saturating_sub(node.words.len());
            }
        }
    }
}

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
        this.advance();
        this
    }

    /// Level of the node.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.node.level
    }

    #[inline]
    fn advance(&mut self) {
        self.ahead = self.node.key_at(self.at).map(|(k, value, next)| {
            self.at = next;
            (k, value)
        });
    }

    /// The next key; deleted ones only hide others.
    #[inline]
    pub fn next_key(&mut self) -> Option<KeyRef<'_>> {
        loop {
            let own: Option<Bpos> = self.ahead.as_ref().map(|(k, _)| k.p);
            let journal = self.journal.first();
            let from_journal = match (own, journal.map(|j| j.key.k.p)) {
                (None, None) => return None,
                (Some(b), Some(j)) if b == j => {
                    self.advance();
                    true
                }
                (Some(b), Some(j)) => j < b,
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            let k = if from_journal {
                let (first, rest) = self.journal.split_first()?;
                self.journal = rest;
                self.current = Current::Journal(first);
                first.key.k
            } else {
                let (k, value) = self.ahead.take()?;
                self.advance();
                self.current = Current::Own(k, value);
                k
            };
            if k.p > self.node.max_key {
                self.journal = &[];
                self.ahead = None;
                return None;
            }
            if k.type_ != KeyType::DELETED {
                return Some(self.current());
            }
        }
    }

    #[inline]
    fn current(&self) -> KeyRef<'_> {
        match &self.current {
            Current::Own(k, value) => {
                KeyRef::new(k, self.node.words.get(value.clone()).unwrap_or(&[]))
            }
            Current::Journal(j) => j.key.as_ref(),
        }
    }
}

/// Given the level and a key.
pub type Visit<'f> = &'f mut dyn FnMut(u8, &Key, &mut dyn Reporter) -> Result<(), RecoveryError>;

/// Walks a btree depth first and shows `f` each key with its level; the root's
/// own key at the end. Source: `bch2_btree_and_journal_walk`.
///
/// # Errors
/// Of `f`; `-5` when a node cannot be read.
pub fn walk(
    fs: &Fs,
    nodes: &mut Nodes,
    journal: &JournalKeys,
    root: &Rc<Node>,
    reporter: &mut dyn Reporter,
    f: Visit<'_>,
) -> Result<(), RecoveryError> {
    if root.fake {
        return Ok(());
    }
    // The path from the root down: levels bound its length.
    let mut path = vec![Merged::new(Rc::clone(root), Some(journal))];
    while let Some(top) = path.last_mut() {
        let level = top.node.level;
        let Some(key) = top.next_key().map(Key::of) else {
            path.pop();
            continue;
        };
        f(level, &key, reporter)?;
        if let Some(below) = level.checked_sub(1) {
            let child = nodes
                .get(fs, &key, root.btree, below, reporter)
                .ok_or_else(|| RecoveryError::new(-5, "IO error"))?;
            path.push(Merged::new(child, Some(journal)));
        }
    }
    f(root.level.saturating_add(1), &root.key, reporter)
}
