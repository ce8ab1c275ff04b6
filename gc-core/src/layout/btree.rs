// SPDX-License-Identifier: GPL-2.0-only
//! The btrees, the types of their nodes, and the flags of calls on them.

use super::describe::{numbers, open_enum};

open_enum! {
    /// A btree (`enum btree_id`).
    pub struct BtreeId(u8);
    /// Numbers of the btrees.
    pub const BTREE_IDS;
    /// Extents of files.
    EXTENTS = 0, "BTREE_ID_EXTENTS";
    /// Inodes.
    INODES = 1, "BTREE_ID_INODES";
    /// Directory entries.
    DIRENTS = 2, "BTREE_ID_DIRENTS";
    /// Extended attributes.
    XATTRS = 3, "BTREE_ID_XATTRS";
    /// Bucket information.
    ALLOC = 4, "BTREE_ID_ALLOC";
    /// Quotas.
    QUOTAS = 5, "BTREE_ID_QUOTAS";
    /// Stripes.
    EC = 6, "BTREE_ID_EC";
    /// Shared extents.
    REFLINK = 7, "BTREE_ID_REFLINK";
    /// One past the last.
    NR = 8, "BTREE_ID_NR";
}

/// Number of btrees, as an array length.
pub const BTREE_ID_NR: usize = 8;

impl BtreeId {
    /// The name the original prints (source: `BCH_BTREE_IDS`), `None` for an
    /// unknown btree.
    #[inline]
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::EXTENTS => "extents",
            Self::INODES => "inodes",
            Self::DIRENTS => "dirents",
            Self::XATTRS => "xattrs",
            Self::ALLOC => "alloc",
            Self::QUOTAS => "quotas",
            Self::EC => "stripes",
            Self::REFLINK => "reflink",
            _ => return None,
        })
    }
}

open_enum! {
    /// Type of the keys of a node (`enum btree_node_type`): the btree for
    /// leaves, [`Self::BTREE`] for interior nodes.
    pub struct BtreeNodeType(u8);
    /// Numbers of the node types.
    pub const NODE_TYPES;
    /// Leaf of extents.
    EXTENTS = 0, "BKEY_TYPE_EXTENTS";
    /// Leaf of inodes.
    INODES = 1, "BKEY_TYPE_INODES";
    /// Leaf of directory entries.
    DIRENTS = 2, "BKEY_TYPE_DIRENTS";
    /// Leaf of extended attributes.
    XATTRS = 3, "BKEY_TYPE_XATTRS";
    /// Leaf of bucket information.
    ALLOC = 4, "BKEY_TYPE_ALLOC";
    /// Leaf of quotas.
    QUOTAS = 5, "BKEY_TYPE_QUOTAS";
    /// Leaf of stripes.
    EC = 6, "BKEY_TYPE_EC";
    /// Leaf of shared extents.
    REFLINK = 7, "BKEY_TYPE_REFLINK";
    /// Interior node of any btree.
    BTREE = 8, "BKEY_TYPE_BTREE";
}

impl BtreeNodeType {
    /// Type of the keys at `level` of btree `id` (source: `__btree_node_type`).
    #[inline]
    #[must_use]
    pub const fn of(level: u8, id: BtreeId) -> Self {
        if level != 0 { Self::BTREE } else { Self(id.0) }
    }

    /// Whether keys are extents: they have a size and may be trimmed.
    #[inline]
    #[must_use]
    pub const fn is_extents(self) -> bool {
        matches!(self, Self::EXTENTS | Self::REFLINK)
    }

    /// Whether keys of this type count towards what mark and sweep recomputes
    /// (source: `btree_node_type_needs_gc`).
    #[inline]
    #[must_use]
    pub const fn needs_gc(self) -> bool {
        self.0 < 32 && BTREE_NODE_TYPE_HAS_TRIGGERS & (1_u32 << self.0) != 0
    }
}

numbers! {
    /// Flags and limits of btree calls.
    pub const NUMBERS;
    /// Set of node types whose keys have triggers.
    BTREE_NODE_TYPE_HAS_TRIGGERS: u32 = 467;
    /// Levels a btree may have.
    BTREE_MAX_DEPTH: u8 = 4;
    /// Bsets of a node in memory.
    MAX_BSETS: usize = 3;
    /// Neighbours looked at together when merging.
    GC_MERGE_NODES: usize = 4;
    /// Nodes one update may add.
    BTREE_UPDATE_NODES_MAX: usize = 8;
    /// Run no triggers.
    BTREE_TRIGGER_NORUN: u32 = 1;
    /// Run none on overwrites.
    BTREE_TRIGGER_NOOVERWRITES: u32 = 2;
    /// A key comes.
    BTREE_TRIGGER_INSERT: u32 = 4;
    /// A key goes.
    BTREE_TRIGGER_OVERWRITE: u32 = 8;
    /// A key is split by an overwrite.
    BTREE_TRIGGER_OVERWRITE_SPLIT: u32 = 16;
    /// Mark and sweep runs.
    BTREE_TRIGGER_GC: u32 = 32;
    /// A bucket is reused.
    BTREE_TRIGGER_BUCKET_INVALIDATE: u32 = 64;
    /// Bucket information is read at start.
    BTREE_TRIGGER_ALLOC_READ: u32 = 128;
    /// Nobody else is there.
    BTREE_TRIGGER_NOATOMIC: u32 = 256;
    /// Do not check for space.
    BTREE_INSERT_NOFAIL: u32 = 2;
    /// May use the reserve.
    BTREE_INSERT_USE_RESERVE: u32 = 16;
    /// Do not wait.
    BTREE_INSERT_NOWAIT: u32 = 512;
    /// The caller holds gc_lock.
    BTREE_INSERT_GC_LOCK_HELD: u32 = 1024;
    /// Iterate over keys.
    BTREE_ITER_KEYS: u32 = 0;
    /// Iterate over nodes.
    BTREE_ITER_NODES: u32 = 1;
    /// Iterate over cached keys.
    BTREE_ITER_CACHED: u32 = 2;
    /// Iterate over slots, holes included.
    BTREE_ITER_SLOTS: u32 = 4;
    /// Take intent locks.
    BTREE_ITER_INTENT: u32 = 8;
    /// Read ahead.
    BTREE_ITER_PREFETCH: u32 = 16;
    /// Bit number of a node's dirty flag.
    BTREE_NODE_FLAG_DIRTY: u32 = 2, "BTREE_NODE_dirty";
    /// Bit number of a node's fake flag.
    BTREE_NODE_FLAG_FAKE: u32 = 10, "BTREE_NODE_fake";
    /// Counter index: no reserve.
    BTREE_GC_COALESCE_FAIL_RESERVE_GET: u32 = 0;
    /// Counter index: no memory for the key list.
    BTREE_GC_COALESCE_FAIL_KEYLIST_REALLOC: u32 = 1;
    /// Counter index: the common format does not fit.
    BTREE_GC_COALESCE_FAIL_FORMAT_FITS: u32 = 2;
    /// State of a node lock.
    SIX_LOCK_READ: u32 = 0, "SIX_LOCK_read";
    /// State of a node lock.
    SIX_LOCK_INTENT: u32 = 1, "SIX_LOCK_intent";
    /// State of a node lock.
    SIX_LOCK_WRITE: u32 = 2, "SIX_LOCK_write";
}
