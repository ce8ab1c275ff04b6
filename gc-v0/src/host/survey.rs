// SPDX-License-Identifier: GPL-2.0-only
//! Looking at the keys of a btree with the journal's laid over, past whatever
//! cannot be read.

use super::Image;
use crate::cursor::Cursor;
use crate::key::Key;
use crate::node::Node;
use core::ops::{ControlFlow, RangeInclusive};
use gc_core::bkey::KeyRef;
use gc_core::layout::btree::BTREE_MAX_DEPTH;
use gc_core::layout::{Bpos, BtreeId, POS_MAX, POS_MIN};

/// What a survey meets.
pub enum Met<'a> {
    /// A key of a node; the root's own key comes first, with one level more than
    /// the root.
    Key {
        /// Level of the node that holds it.
        level: u8,
        /// The node that holds it; the root for the root's own key.
        node: &'a Node,
        /// The key.
        key: KeyRef<'a>,
    },
    /// A node that cannot be read: what is below it is not known.
    Unreadable {
        /// Level of the node.
        level: u8,
        /// The pointer to it.
        key: &'a Key,
    },
}

impl Image<'_> {
    /// Shows the keys of a btree whose positions lie in `range`, and pointers to
    /// nodes that may hold such, parents first; ends early when told to.
    ///
    /// Nodes are read as often as they are asked for; what is wrong with them is
    /// reported the first time only.
    pub fn survey(
        &self,
        btree: BtreeId,
        range: RangeInclusive<Bpos>,
        meet: &mut dyn FnMut(Met<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let root = self.root(btree).and_then(|id| self.node(id));
        let Some(root) = root.filter(|r| !r.fake && r.level < BTREE_MAX_DEPTH) else {
            return ControlFlow::Continue(());
        };
        let above = root.level.saturating_add(1);
        meet(Met::Key { level: above, node: &root, key: root.key.as_ref() })?;
        let mut cursor = Cursor::new(Some(root), Some(&self.journal));
        while let Some(at) = cursor.next_key() {
            let (level, below, p) = (at.node.level, at.level_below(), at.key.k.p);
            if p < *range.start() {
                continue;
            }
            let Some(below) = below else {
                if p > *range.end() {
                    cursor.leave();
                    continue;
                }
                meet(Met::Key { level, node: at.node, key: at.key })?;
                continue;
            };
            meet(Met::Key { level, node: at.node, key: at.key })?;
            let key = Key::of(at.key);
            // What follows this child lies beyond.
            if p >= *range.end() {
                cursor.leave();
            }
            match self.read(&key, btree, below) {
                Ok(child) => cursor.enter(child),
                Err(_) => meet(Met::Unreadable { level: below, key: &key })?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Reads all btrees, past whatever cannot be read, so that all of it is told.
    /// For a run that has ended at the first of it.
    pub fn read_all(&self) {
        for btree in crate::recovery::btrees() {
            let _all = self.survey(btree, POS_MIN..=POS_MAX, &mut |_| ControlFlow::Continue(()));
        }
    }
}
