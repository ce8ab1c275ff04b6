// SPDX-License-Identifier: GPL-2.0-only
//! Walking a btree with the keys of the journal laid over it, level by level as the tool
//! does (facts: docs/facts/v1/check-allocations.md 1, recovery.md 5).

use crate::fs::Fs;
use crate::journal::Recovered;
use crate::node::{self, Node};
use crate::overlay::JournalKey;
use crate::tables::{self, ACCOUNTING_BTREE};
use crate::topology::{self, Found};
use crate::valid::{Invalid, Place};
use gc_core::bkey::KeyRef;
use gc_core::layout::{Bkey, Bpos, KeyType};
use std::rc::Rc;

/// The greatest position of all.
pub const SPOS_MAX: Bpos = Bpos { snapshot: u32::MAX, offset: u64::MAX, inode: u64::MAX };

/// A key that owns its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub k: Bkey,
    /// The value, in u64s.
    pub v: Vec<u64>,
}

impl Key {
    /// A copy of a key.
    #[must_use]
    pub fn of(key: KeyRef<'_>) -> Self {
        Self { k: *key.k, v: key.v.to_vec() }
    }

    /// The key, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> KeyRef<'_> {
        KeyRef::new(&self.k, &self.v)
    }
}

/// A node that no copy gives.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Where it lies.
    pub place: Place,
    /// The pointer to it.
    pub key: Key,
    /// What is wrong with each copy, by member.
    pub copies: Vec<(u8, Invalid)>,
}

/// What a walk meets, in order.
pub trait Visitor {
    /// A node is read for the first time in this walk.
    fn node(&mut self, place: Place, key: KeyRef<'_>, node: &Node);
    /// A node cannot be read.
    fn lost(&mut self, lost: Lost);
    /// A key. Those of the leaves come first, then those of each level above.
    fn key(&mut self, place: Place, key: KeyRef<'_>);
}

/// A walk over one btree.
pub struct Walk<'a> {
    fs: &'a Fs,
    recovered: &'a Recovered,
    btree: u8,
    /// Keys of interior nodes, by level, in order.
    above: Vec<Vec<Key>>,
    /// Nodes are lost: what is left is joined as the tool joins it.
    mend: bool,
    /// Leaves that nothing may point to, once they were looked for.
    found: Option<Vec<Found>>,
}

impl<'a> Walk<'a> {
    /// Walks a btree whole.
    pub fn run(fs: &'a Fs, recovered: &'a Recovered, btree: u8, visitor: &mut dyn Visitor) {
        Self::run_mending(fs, recovered, btree, false, visitor);
    }

    /// Walks a btree whole; with `mend`, as the tool does once it knows of a lost node.
    pub fn run_mending(
        fs: &'a Fs,
        recovered: &'a Recovered,
        btree: u8,
        mend: bool,
        visitor: &mut dyn Visitor,
    ) {
        let mut walk = Self { fs, recovered, btree, above: Vec::new(), mend, found: None };
        let root = recovered.roots.get(&btree).and_then(|r| Some((r.level, r.key.as_ref()?)));
        let root_key = match root {
            Some((level, (k, v))) => {
                let key = Key { k: *k, v: v.clone() };
                match walk.read(level, key.as_ref(), visitor) {
                    Some(node) => {
                        walk.below(level, &node, visitor);
                        Some((level, key))
                    }
                    None => None,
                }
            }
            None => None,
        };
        let (level, key) = match root_key {
            Some(root) => root,
            None => {
                // A root that is not there, or cannot be read, is an empty leaf.
                walk.leaf(&Node::empty(), visitor);
                (0, fake_root())
            }
        };
        for (above, keys) in (1_u8..).zip(core::mem::take(&mut walk.above)) {
            for key in keys {
                visitor.key(Place { btree, level: above }, key.as_ref());
            }
        }
        let place = Place { btree, level: level.saturating_add(1) };
        visitor.key(place, key.as_ref());
    }

    fn read(&self, level: u8, key: KeyRef<'_>, visitor: &mut dyn Visitor) -> Option<Rc<Node>> {
        let place = Place { btree: self.btree, level };
        match node::read(self.fs, self.recovered, key, place) {
            Ok(node) => {
                visitor.node(place, key, &node);
                Some(Rc::new(node))
            }
            Err(copies) => {
                visitor.lost(Lost { place, key: Key::of(key), copies });
                None
            }
        }
    }

    /// Shows the keys of all leaves below a node, and keeps those of the nodes between.
    fn below(&mut self, level: u8, node: &Rc<Node>, visitor: &mut dyn Visitor) {
        if level == 0 {
            self.leaf(node, visitor);
            return;
        }
        let place = Place { btree: self.btree, level };
        let mut children = Vec::new();
        merged(self.recovered, place, node, &mut |key| children.push(Key::of(key)));
        if self.mend {
            children = self.joined(place, node, children, visitor);
        }
        let at = usize::from(level.saturating_sub(1));
        while self.above.len() <= at {
            self.above.push(Vec::new());
        }
        for child in &children {
            if let Some(node) = self.read(level.saturating_sub(1), child.as_ref(), visitor) {
                self.below(level.saturating_sub(1), &node, visitor);
            }
        }
        if let Some(above) = self.above.get_mut(at) {
            above.extend(children);
        }
    }

    /// The children of a node as they are once the tool has mended what is wrong among them.
    fn joined(
        &mut self,
        place: Place,
        node: &Node,
        children: Vec<Key>,
        visitor: &mut dyn Visitor,
    ) -> Vec<Key> {
        let below = place.level.saturating_sub(1);
        let mut readable = children;
        readable.retain(|child| !self.is_lost(below, child, visitor));
        if topology::is_whole(node, &readable) {
            return readable;
        }
        let found = if place.level == 1 && place.btree == tables::EXTENTS {
            let (fs, recovered) = (self.fs, self.recovered);
            self.found.get_or_insert_with(|| topology::scan(fs, recovered)).as_slice()
        } else {
            &[]
        };
        topology::join(node, readable, found)
    }

    /// Whether no copy of a child can be used.
    fn is_lost(&self, level: u8, child: &Key, visitor: &mut dyn Visitor) -> bool {
        let place = Place { btree: self.btree, level };
        match node::read(self.fs, self.recovered, child.as_ref(), place) {
            Ok(_) => false,
            Err(copies) => {
                visitor.lost(Lost { place, key: child.clone(), copies });
                true
            }
        }
    }

    fn leaf(&self, node: &Node, visitor: &mut dyn Visitor) {
        let place = Place { btree: self.btree, level: 0 };
        if self.btree == ACCOUNTING_BTREE {
            with_deltas(self.recovered, node, &mut |key, deltas| {
                if let Some(key) = seen_by_pass(key, deltas) {
                    visitor.key(place, key.as_ref());
                }
            });
            return;
        }
        merged(self.recovered, place, node, &mut |key| visitor.key(place, key));
    }
}

/// What stands for the pointer to a root that is not there.
fn fake_root() -> Key {
    let mut k = Bkey::new(SPOS_MAX, 0);
    k.type_ = KeyType(tables::BTREE_PTR);
    Key { k, v: Vec::new() }
}

/// Keys of a node with the journal's laid over them, deleted ones left out.
pub fn merged(recovered: &Recovered, place: Place, node: &Node, show: &mut dyn FnMut(KeyRef<'_>)) {
    let mut over = recovered.overlay.range(place, node.min, node.max).iter().peekable();
    let show_over = |j: &JournalKey, show: &mut dyn FnMut(KeyRef<'_>)| {
        if j.k.type_.0 != tables::DELETED {
            show(KeyRef::new(&j.k, &j.v));
        }
    };
    for key in &node.keys {
        let p = key.k.p;
        while let Some(j) = over.next_if(|j| { j.k.p } < p) {
            show_over(j, show);
        }
        match over.next_if(|j| { j.k.p } == p) {
            Some(j) => show_over(j, show),
            None => show(node.key(key)),
        }
    }
    for j in over {
        show_over(j, show);
    }
}

/// Keys of a leaf of the accounting btree, each with the deltas of the journal at its
/// position, also where there is no key.
pub fn with_deltas(
    recovered: &Recovered,
    node: &Node,
    show: &mut dyn FnMut(Option<KeyRef<'_>>, &[JournalKey]),
) {
    let place = Place { btree: ACCOUNTING_BTREE, level: 0 };
    let mut rest = recovered.overlay.range(place, node.min, node.max);
    let mut keys = node.keys.iter().peekable();
    loop {
        let position = match (keys.peek(), rest.first()) {
            (None, None) => return,
            (Some(key), None) => key.k.p,
            (None, Some(j)) => j.k.p,
            (Some(key), Some(j)) => { key.k.p }.min(j.k.p),
        };
        let nr = rest.iter().take_while(|j| { j.k.p } == position).count();
        let Some((deltas, behind)) = rest.split_at_checked(nr) else { return };
        rest = behind;
        let key = keys.next_if(|key| { key.k.p } == position);
        show(key.map(|key| node.key(key)), deltas);
    }
}

/// Deltas that a key of the btree does not hold yet: those of newer versions.
pub fn newer<'d>(
    key: Option<KeyRef<'_>>,
    deltas: &'d [JournalKey],
) -> impl Iterator<Item = &'d JournalKey> + use<'d> {
    let version = key.map_or((0, 0), |key| ({ key.k.version.hi }, { key.k.version.lo }));
    let none = key.is_none();
    deltas.iter().filter(move |j| none || ({ j.k.version.hi }, { j.k.version.lo }) > version)
}

/// What the pass sees at a position of the accounting btree: the sum of the deltas, where
/// there are some that count, else the key.
fn seen_by_pass(key: Option<KeyRef<'_>>, deltas: &[JournalKey]) -> Option<Key> {
    let mut newer = newer(key, deltas);
    let Some(first) = newer.next() else { return key.map(Key::of) };
    let mut sum = Key { k: first.k, v: first.v.clone() };
    for delta in newer {
        sum.k.version = sum.k.version.max(delta.k.version);
        for (to, from) in sum.v.iter_mut().zip(&delta.v) {
            *to = to.wrapping_add(*from);
        }
    }
    Some(sum)
}
