// SPDX-License-Identifier: GPL-2.0-only
//! Where a key comes from.

use super::NodeInfo;
use crate::layout::BtreeId;

/// Where a key comes from that is marked; `N`: a node as the host knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<N> {
    /// The btree.
    pub btree: BtreeId,
    /// Level of the node that holds the key. A root's own key is held by superblock or
    /// journal; its level is one more than the root's.
    pub level: u8,
    /// It is the root's own key.
    pub root: bool,
    /// The node that holds the key, read locked; for a root's own key the root.
    pub node: N,
    /// Keys of the journal are laid over those of the node. Whether the key is one of
    /// them the host knows, which laid them over.
    pub overlay: bool,
}

impl<N> Origin<N> {
    /// Of the keys of a node.
    #[inline]
    pub const fn in_node(node: N, info: &NodeInfo, overlay: bool) -> Self {
        Self { btree: info.btree_id, level: info.level, root: false, node, overlay }
    }

    /// Of a root's own key.
    #[inline]
    pub const fn root_key(node: N, info: &NodeInfo) -> Self {
        let level = info.level.saturating_add(1);
        Self { btree: info.btree_id, level, root: true, node, overlay: false }
    }
}
