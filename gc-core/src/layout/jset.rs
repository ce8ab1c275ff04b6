// SPDX-License-Identifier: GPL-2.0-only
//! Journal entries, and the items that they and the clean section are made of.

use super::bits::{from32, low32};
use super::describe::{on_disk, open_enum, word_bits};
use super::replicas::ReplicasEntry;
use super::{Le16, Le32, Le64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// Kind of an item (`enum jset_entry` of the original's list). What is of another kind
    /// says nothing.
    #[derive(Unaligned)]
    pub struct JsetEntryType(u8);
    /// Numbers of the kinds.
    pub const ENTRY_TYPES;
    /// Keys of a btree.
    BTREE_KEYS = 0, "BCH_JSET_ENTRY_btree_keys";
    /// Root of a btree.
    BTREE_ROOT = 1, "BCH_JSET_ENTRY_btree_root";
    /// Mark that replay of the journal has come so far.
    PRIO_PTRS = 2, "BCH_JSET_ENTRY_prio_ptrs";
    /// A sequence that does not count: [`JsetEntryBlacklist`].
    BLACKLIST = 3, "BCH_JSET_ENTRY_blacklist";
    /// Sequences that do not count: [`JsetEntryBlacklistV2`].
    BLACKLIST_V2 = 4, "BCH_JSET_ENTRY_blacklist_v2";
    /// A counter of the file system: [`JsetEntryUsage`].
    USAGE = 5, "BCH_JSET_ENTRY_usage";
    /// Sectors of a set of devices: [`JsetEntryDataUsage`].
    DATA_USAGE = 6, "BCH_JSET_ENTRY_data_usage";
}

open_enum! {
    /// What a counter counts (`enum fs_usage_type`), in the place of the btree.
    #[derive(Unaligned)]
    pub struct FsUsageType(u8);
    /// Numbers of the counters.
    pub const FS_USAGE_TYPES;
    /// Reserved sectors; the level is the number of replicas less one.
    RESERVED = 0, "FS_USAGE_RESERVED";
    /// Inodes.
    INODES = 1, "FS_USAGE_INODES";
    /// Highest version of a key.
    KEY_VERSION = 2, "FS_USAGE_KEY_VERSION";
}

/// Head of a journal entry (`struct jset`); items follow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Jset {
    /// Checksum of all that follows it, items included.
    pub csum: [u8; 16],
    /// Says that this is a journal entry of this file system.
    pub magic: Le64,
    /// Its number.
    pub seq: Le64,
    /// Format version.
    pub version: Le32,
    /// Checksum type and endianness: see [`JsetFlags`].
    pub flags: Le32,
    /// Length of the items, in u64s.
    pub u64s: Le32,
    /// Clock of reads. From here on an entry is encrypted.
    pub read_clock: Le16,
    /// Clock of writes.
    pub write_clock: Le16,
    /// Number of the oldest entry that was still needed when it was written.
    pub last_seq: Le64,
}

/// The word of flags of a [`Jset`]; the upper half is no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsetFlags(pub u64);

word_bits! {
    /// Bit fields of the flags of an entry, from the start of their word.
    pub const FLAG_BITS;
    JsetFlags . 0 = "struct jset" {
        /// Number of the checksum type.
        csum_type, with_csum_type: u8 = 0..=3 as "CSUM_TYPE";
        /// Whether its integers are big endian.
        big_endian, with_big_endian: bool = 4..=4 as "BIG_ENDIAN";
        /// Bits without a meaning.
        unused, with_unused: u32 = 5..=31 as "flags";
    }
}

impl Jset {
    /// From this byte on, items included, the checksum is made.
    pub const SUMMED_FROM: usize = core::mem::offset_of!(Self, magic);
    /// From this byte on, items included, an entry is encrypted.
    pub const ENCRYPTED_FROM: usize = core::mem::offset_of!(Self, read_clock);

    /// Its flags as bit fields.
    #[inline]
    #[must_use]
    pub const fn flag_bits(&self) -> JsetFlags {
        JsetFlags(from32(self.flags.get()))
    }
}

impl From<JsetFlags> for Le32 {
    fn from(flags: JsetFlags) -> Self {
        Self::new(low32(flags.0))
    }
}

/// Head of an item (`struct jset_entry`); `u64s` words follow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct JsetEntry {
    /// Length of what follows, in u64s.
    pub u64s: Le16,
    /// Btree, or what a counter counts.
    pub btree_id: u8,
    /// Level, or an index.
    pub level: u8,
    /// Kind.
    pub type_: JsetEntryType,
    /// Unused.
    pub pad: [u8; 3],
}

impl JsetEntry {
    /// From the word that it is.
    #[inline]
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        zerocopy::transmute!(word)
    }

    /// As a word.
    #[inline]
    #[must_use]
    pub const fn to_word(self) -> u64 {
        zerocopy::transmute!(self)
    }
}

/// A sequence that does not count (`struct jset_entry_blacklist`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct JsetEntryBlacklist {
    /// Head.
    pub entry: JsetEntry,
    /// The sequence.
    pub seq: Le64,
}

/// Sequences that do not count (`struct jset_entry_blacklist_v2`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct JsetEntryBlacklistV2 {
    /// Head.
    pub entry: JsetEntry,
    /// The first.
    pub start: Le64,
    /// The last.
    pub end: Le64,
}

/// A counter (`struct jset_entry_usage`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct JsetEntryUsage {
    /// Head; its `btree_id` is an [`FsUsageType`].
    pub entry: JsetEntry,
    /// The value.
    pub v: Le64,
}

/// Sectors of a set of devices (`struct jset_entry_data_usage`); the indexes of its
/// devices follow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct JsetEntryDataUsage {
    /// Head.
    pub entry: JsetEntry,
    /// The sectors.
    pub v: Le64,
    /// The set.
    pub r: ReplicasEntry,
}

on_disk! {
    Jset size 56 {
        csum = 0, magic = 16, seq = 24, version = 32, flags = 36, u64s = 40, read_clock = 44,
        write_clock = 46, last_seq = 48
    }
    JsetEntry size 8 {
        u64s = 0, btree_id = 2, level = 3, type_ = 4, pad = 5
    }
    JsetEntryBlacklist size 16 { entry = 0, seq = 8 }
    JsetEntryBlacklistV2 size 24 {
        entry = 0, start = 8, end = 16
    }
    JsetEntryUsage size 16 { entry = 0, v = 8 }
    JsetEntryDataUsage size 19 { entry = 0, v = 8, r = 16 }
}
