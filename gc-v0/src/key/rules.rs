// SPDX-License-Identifier: GPL-2.0-only
//! What keys are judged by.

use crate::superblock::Member;
use gc_disk::checksum;

/// What validation needs to know of the file system.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Member slots by index.
    pub members: &'a [Option<Member>],
    /// Sectors of a btree node.
    pub btree_node_sectors: u16,
    /// The key, if the file system is encrypted.
    pub key: Option<&'a checksum::Key>,
}

impl Rules<'_> {
    /// The member a pointer names.
    #[inline]
    #[must_use]
    pub fn member(&self, idx: u8) -> Option<&Member> {
        self.members.get(usize::from(idx))?.as_ref()
    }
}
