// SPDX-License-Identifier: GPL-2.0-only
//! Nodes on demand, and walks with the journal's keys laid over.

use crate::cursor::Cursor;
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::journal::JournalKeys;
use crate::key::Key;
use crate::node::{self, Node};
use crate::report::{Found, Reporter, answer};
use core::mem::offset_of;
use gc_core::finding::Answer;
use gc_core::layout::{BtreeId, BtreePtrV2, KeyType};
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
    let mut cursor = Cursor::new(Some(Rc::clone(root)), Some(journal));
    while let Some(at) = cursor.next_key() {
        let (level, below, key) = (at.node.level, at.level_below(), Key::of(at.key));
        f(level, &key, reporter)?;
        if let Some(below) = below {
            let child = nodes.get(fs, &key, root.btree, below, reporter);
            cursor.enter(child.ok_or_else(|| RecoveryError::new(-5, "IO error"))?);
        }
    }
    f(root.level.saturating_add(1), &root.key, reporter)
}
