// SPDX-License-Identifier: GPL-2.0-only
//! Walks over leaf keys as they are in the btrees, without the journal.

use super::{Image, NodeId};
use crate::cursor::Cursor;
use crate::key::Key;
use gc_core::bkey::KeyRef;
use gc_core::error::{Error, Result};
use gc_core::host::{GcWrite, Held, Walk};
use gc_core::layout::BtreeId;

/// A walk.
pub struct TreeWalk<'a, 'r> {
    image: &'a Image<'r>,
    btree: BtreeId,
    cursor: Cursor<'a>,
    current: Option<Key>,
}

impl<'a, 'r> TreeWalk<'a, 'r> {
    pub(super) fn new(image: &'a Image<'r>, btree: BtreeId) -> Self {
        let root = image.root(btree).and_then(|id| image.node(id));
        Self { image, btree, cursor: Cursor::new(root, None), current: None }
    }
}

impl Walk for TreeWalk<'_, '_> {
    type Node = NodeId;

    fn next_key(&mut self) -> Result<Option<KeyRef<'_>>> {
        while let Some(at) = self.cursor.next_key() {
            let (below, key) = (at.level_below(), Key::of(at.key));
            match below {
                None => {
                    self.current = Some(key);
                    return Ok(self.current.as_ref().map(Key::as_ref));
                }
                Some(below) => self.cursor.enter(self.image.read(&key, self.btree, below)?),
            }
        }
        Ok(None)
    }

    /// Nodes are never walked here: nothing is rewritten in an image.
    fn next_node(&mut self) -> Result<Option<NodeId>> {
        Err(Error::INVAL)
    }

    fn resched(&mut self) {}

    fn rewrite(&mut self, _gc: &Held<GcWrite>, _node: NodeId, _insert_flags: u32) -> Result<()> {
        Err(Error::INVAL)
    }

    fn close(self) -> Result<()> {
        Ok(())
    }
}
