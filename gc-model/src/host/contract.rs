// SPDX-License-Identifier: GPL-2.0-only
//! What the engine must have for its calls.

use crate::Model;
use crate::btree::NodeId;
use crate::device::{DevId, Device};
use crate::locks::{LockId, Mode};

impl Model {
    /// The device of a handle; a violation if there is none.
    pub(super) fn dev(&self, what: &str, id: DevId) -> Option<&Device> {
        let dev = self.device(id);
        if dev.is_none() {
            self.violation(format!("{what}: no device {id:?}"));
        }
        dev
    }

    pub(super) fn is_member(&self, dev: &Device) -> bool {
        self.member(dev.idx()).is_some_and(|m| std::ptr::eq(m, dev))
    }

    /// A violation unless the caller may look at a member's superblock.
    pub(super) fn needs_sb(&self, what: &str, dev: &Device) {
        if self.is_member(dev) {
            self.needs(what, LockId::Sb, Mode::Exclusive);
        }
    }

    pub(super) fn needs_node(&self, what: &str, id: NodeId) {
        self.needs(what, LockId::Node(id), Mode::Shared);
    }
}
