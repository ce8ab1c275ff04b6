// SPDX-License-Identifier: GPL-2.0-only
//! One cursor over the keys of a btree, depth first.
//!
//! The cursor knows the path from the root down and whether the journal's keys are laid
//! over. Its owner reads the children, and so decides what a node that cannot be read
//! means: it stops, passes it by, or records it. Reading many nodes of a level at once,
//! in the order of the disk, is no walk of this kind: `plain::level` does that.

use crate::journal::JournalKeys;
use crate::merged::Merged;
use crate::node::Node;
use gc_core::bkey::KeyRef;
use std::rc::Rc;

/// A place in a btree.
pub struct Cursor<'a> {
    /// The journal's keys, where they are laid over.
    overlay: Option<&'a JournalKeys>,
    /// From the root down; levels bound its length.
    path: Vec<Merged<'a>>,
}

/// A key that the cursor has come to.
pub struct At<'c> {
    /// The node that holds it, and so its level.
    pub node: &'c Node,
    /// The key.
    pub key: KeyRef<'c>,
}

impl At<'_> {
    /// Level of the node that the key points to; `None` in a leaf.
    #[must_use]
    pub fn level_below(&self) -> Option<u8> {
        self.node.level.checked_sub(1)
    }
}

impl<'a> Cursor<'a> {
    /// Before the first key of a root; nowhere if there is none.
    #[must_use]
    pub fn new(root: Option<Rc<Node>>, overlay: Option<&'a JournalKeys>) -> Self {
        let mut cursor = Self { overlay, path: Vec::new() };
        if let Some(root) = root.filter(|root| !root.fake) {
            cursor.enter(root);
        }
        cursor
    }

    /// Goes to the next key: of the node entered last, or of the nearest one above that
    /// has any left. `None` behind the last one of the root.
    #[inline]
    pub fn next_key(&mut self) -> Option<At<'_>> {
        while !self.path.last_mut()?.advance() {
            self.path.pop();
        }
        let top = self.path.last()?;
        Some(At { node: top.node(), key: top.key() })
    }

    /// Goes on with the keys of this node, the child of the key last shown, and then
    /// behind that key.
    pub fn enter(&mut self, child: Rc<Node>) {
        self.path.push(Merged::new(child, self.overlay));
    }

    /// Leaves the node that holds the key last shown: none of its other keys is wanted.
    pub fn leave(&mut self) {
        self.path.pop();
    }
}
