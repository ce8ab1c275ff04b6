// SPDX-License-Identifier: GPL-2.0-only
//! The document of `bch-gc coalesce --json`.

use super::{Format, document};

document! {
    /// How full the btrees are, and what merging would save.
    pub struct Coalesce {
        /// Version of the document.
        pub format: Format<2>,
        /// Size of a node in bytes.
        pub node_bytes: u64,
        /// By btree and level.
        pub levels: Vec<LevelFill>,
        /// Nodes that merging would save.
        pub saved_nodes: u64,
        /// Bytes that merging would save.
        pub saved_bytes: u64,
        /// Merges that were due and not made.
        pub refused: u64,
        /// Names of btrees that were left out, because nodes of theirs cannot be read.
        pub left_out: Vec<Option<&'static str>>,
    }

    /// A level of a btree.
    pub struct LevelFill {
        /// Name of the btree.
        pub btree: Option<&'static str>,
        /// The level; leaves have level 0.
        pub level: u8,
        /// As it is.
        pub before: NodeFill,
        /// As merging would leave it.
        pub after: NodeFill,
    }

    /// How full nodes are.
    pub struct NodeFill {
        /// Number of nodes.
        pub nodes: u64,
        /// Words of 8 bytes that their live keys take.
        pub live_u64s: u64,
        /// Thousandths of the room for keys that are in use.
        pub full_permille: u64,
    }
}
