// SPDX-License-Identifier: GPL-2.0-only
//! Keys of a node as one set in memory, as the original has them after reading.

use crate::Model;
use crate::btree::{NodeData, NodeId};
use crate::key::Key;
use crate::sync::read;
use crate::walk::journal_covers;
use gc_core::bkey::NodeFormat;
use gc_core::host::{NodeSet, Param};
use gc_core::layout::{BkeyFormat, BkeyFormatState};

/// A set that was lent; it stays as long as the model.
#[derive(Debug)]
pub(crate) struct LentSet {
    format: BkeyFormat,
    words: Vec<u64>,
}

impl LentSet {
    /// The keys packed by a format that fits most of them.
    fn of(data: &NodeData) -> Option<Self> {
        let mut state = BkeyFormatState::new();
        // A format of half of the keys leaves others unpacked.
        data.keys.iter().step_by(2).for_each(|key| state.add_key(key.get().k));
        let format = state.finish();
        let packer = NodeFormat::new(&format).ok()?;
        let mut words = Vec::new();
        for key in &data.keys {
            match packer.pack(key.get().k) {
                Some(packed) => {
                    words.extend_from_slice(packed.words());
                    words.extend_from_slice(key.get().v);
                }
                None => words.extend(key.words()),
            }
        }
        Some(Self { format, words })
    }
}

impl Model {
    /// Whether it lends what it has, so that keys are counted without it.
    pub(crate) fn lends(&self) -> bool {
        self.get_param(Param::Lends)
    }

    /// The keys of a node in one set, unless the journal lies over them.
    pub(crate) fn lend_set(&self, id: NodeId, overlay: bool) -> Option<NodeSet<'_>> {
        let node = self.node(id)?;
        let data = node.data();
        if overlay && journal_covers(&read(&self.journal).keys, node, &data) {
            return None;
        }
        let in_order = data.keys.is_sorted_by_key(Key::pos);
        let at = in_order.then(|| LentSet::of(&data)).flatten().map(|set| self.sets.push(set))?;
        let set = self.sets.get(at)?;
        Some(NodeSet { format: &set.format, words: &set.words })
    }
}
