// SPDX-License-Identifier: GPL-2.0-only
//! Btree nodes on disk, and the small in-memory structures over their bsets.

use super::bits::{from32, low32};
use super::bkey::BkeyFormat;
use super::describe::{layouts, word_bits};
use super::extent::{Csum, ExtentPtr};
use super::position::Bpos;
use super::{Le16, Le32, Le64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Head of a set of sorted keys (`struct bset`); `u64s` words follow.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C, align(8))]
pub struct Bset {
    /// Identifies the node: every bset of it has this number.
    pub seq: Le64,
    /// Newest journal entry with a key in this bset.
    pub journal_seq: Le64,
    /// Checksum type, endianness, separate whiteouts.
    pub flags: Le32,
    /// Format version it was written with.
    pub version: Le16,
    /// Length of the keys, in u64s.
    pub u64s: Le16,
    /// The keys.
    pub start: [u64; 0],
}

/// Head of a node on disk with its first bset (`struct btree_node`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BtreeNode {
    /// Checksum of all that follows in the first bset's blocks.
    pub csum: Csum,
    /// Says that this is a node of this file system.
    pub magic: Le64,
    /// Btree, level, sequence.
    pub flags: Le64,
    /// Least key, inclusive.
    pub min_key: Bpos,
    /// Greatest key, inclusive.
    pub max_key: Bpos,
    /// Unused pointer.
    pub ptr: ExtentPtr,
    /// Format of its packed keys.
    pub format: BkeyFormat,
    /// The first bset.
    pub keys: Bset,
}

/// Head of a later bset of a node on disk (`struct btree_node_entry`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BtreeNodeEntry {
    /// Checksum of what follows in its blocks.
    pub csum: Csum,
    /// The bset.
    pub keys: Bset,
}

/// The word of flags of a [`BtreeNode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeFlags(pub u64);

/// The word of flags of a [`Bset`]; the upper half is no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BsetFlags(pub u64);

word_bits! {
    /// Bit fields of the words of flags, from the start of their word.
    pub const FLAG_BITS;
    NodeFlags . 0 = "struct btree_node" {
        /// Number of the btree.
        btree_id, with_btree_id: u8 = 0..=3 as "ID";
        /// Level.
        level, with_level: u8 = 4..=7 as "LEVEL";
        /// Whether its extents do not overlap.
        new_extent_overwrite, with_new_extent_overwrite: bool = 8..=8 as "NEW_EXTENT_OVERWRITE";
        /// Bits without a meaning.
        unused, with_unused: u32 = 9..=31 as "flags";
        /// Low half of the number that identifies the node.
        seq, with_seq: u32 = 32..=63 as "SEQ";
    }
    BsetFlags . 0 = "struct bset" {
        /// Number of the checksum type.
        csum_type, with_csum_type: u8 = 0..=3 as "CSUM_TYPE";
        /// Whether its integers are big endian.
        big_endian, with_big_endian: bool = 4..=4 as "BIG_ENDIAN";
        /// Whether whiteouts lie before the keys, in an order of their own.
        separate_whiteouts, with_separate_whiteouts: bool = 5..=5 as "SEPARATE_WHITEOUTS";
        /// Bits without a meaning.
        unused, with_unused: u32 = 6..=31 as "flags";
    }
}

impl BtreeNode {
    /// Bytes of the head that are encrypted: all but the checksum, the magic and the set.
    pub const ENCRYPTED_HEAD: core::ops::Range<usize> =
        core::mem::offset_of!(Self, flags)..core::mem::offset_of!(Self, keys);
    /// How many bytes further on the nonce of the keys is than that of the head: the head
    /// takes whole blocks of 64 bytes.
    pub const NONCE_OF_KEYS: u32 = 128;

    /// Its flags as bit fields.
    #[inline]
    #[must_use]
    pub const fn flag_bits(&self) -> NodeFlags {
        NodeFlags(self.flags.get())
    }
}

impl Bset {
    /// Its flags as bit fields.
    #[inline]
    #[must_use]
    pub const fn flag_bits(&self) -> BsetFlags {
        BsetFlags(from32(self.flags.get()))
    }
}

impl From<NodeFlags> for Le64 {
    fn from(flags: NodeFlags) -> Self {
        Self::new(flags.0)
    }
}

impl From<BsetFlags> for Le32 {
    fn from(flags: BsetFlags) -> Self {
        Self::new(low32(flags.0))
    }
}

/// What the live keys of a node take (`struct btree_nr_keys`), in u64s and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct BtreeNrKeys {
    /// All live keys, in u64s.
    pub live_u64s: u16,
    /// Live keys of each bset, in u64s.
    pub bset_u64s: [u16; 3],
    /// Live packed keys.
    pub packed_keys: u16,
    /// Live unpacked keys.
    pub unpacked_keys: u16,
}

/// Where a bset of a node in memory lies (`struct bset_tree`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct BsetTree {
    /// Size of the search tree, in nodes.
    pub size: u16,
    /// Part of the tree's shape.
    pub extra: u16,
    /// Offset of the bset from the node's start, in u64s.
    pub data_offset: u16,
    /// Offset of the search tree, in u64s.
    pub aux_data_offset: u16,
    /// End of the bset, in u64s from the node's start.
    pub end_offset: u16,
    /// Greatest key of the bset.
    pub max_key: Bpos,
}

/// Place in one bset (`struct btree_node_iter_set`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct BtreeNodeIterSet {
    /// Current key, in u64s from the node's start.
    pub k: u16,
    /// End of the bset, likewise.
    pub end: u16,
}

/// Place in all bsets of a node (`struct btree_node_iter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct BtreeNodeIter {
    /// One for each bset, ordered by current key.
    pub data: [BtreeNodeIterSet; 3],
}

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    Bset = "struct bset" size 24 align 8 {
        seq = 0, journal_seq = 8, flags = 16, version = 20, u64s = 22, start = 24; also "_data" = 24
    }
    BtreeNode = "struct btree_node" size 160 align 8 {
        csum = 0, magic = 16, flags = 24, min_key = 32, max_key = 52, ptr = 72, format = 80,
        keys = 136;
        also "pad" = 136, "u64s" = 158, "_data" = 160, "keys.start" = 160
    }
    BtreeNodeEntry = "struct btree_node_entry" size 40 align 8 {
        csum = 0, keys = 16; also "pad" = 16, "u64s" = 38, "_data" = 40, "keys.start" = 40
    }
    BtreeNrKeys = "struct btree_nr_keys" size 12 align 2 {
        live_u64s = 0, bset_u64s = 2, packed_keys = 8, unpacked_keys = 10
    }
    BsetTree = "struct bset_tree" size 32 align 4 {
        size = 0, extra = 2, data_offset = 4, aux_data_offset = 6, end_offset = 8, max_key = 12
    }
    BtreeNodeIterSet = "struct btree_node_iter_set" size 4 align 2 { k = 0, end = 2 }
    BtreeNodeIter = "struct btree_node_iter" size 12 align 2 {
        data = 0; also "data[0].k" = 0, "data[0].end" = 2
    }
}
