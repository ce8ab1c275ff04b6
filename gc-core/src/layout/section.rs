// SPDX-License-Identifier: GPL-2.0-only
//! The sections of a superblock. Each begins with an [`SbField`].

use super::describe::{on_disk, open_enum, word_bits};
use super::{Le16, Le32, Le64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// Kind of a section (`enum bch_sb_field_type`). A section of another kind is kept and
    /// not looked at.
    pub struct SbFieldType(u32);
    /// Numbers of the kinds.
    pub const FIELD_TYPES;
    /// Journal buckets of this device: [`SbJournal`].
    JOURNAL = 0, "BCH_SB_FIELD_journal";
    /// Members: [`SbMembers`].
    MEMBERS = 1, "BCH_SB_FIELD_members";
    /// Encryption: [`SbCrypt`].
    CRYPT = 2, "BCH_SB_FIELD_crypt";
    /// Sets of devices, first form.
    REPLICAS_V0 = 3, "BCH_SB_FIELD_replicas_v0";
    /// Limits of quotas: [`SbQuota`].
    QUOTA = 4, "BCH_SB_FIELD_quota";
    /// Groups of disks: [`SbDiskGroups`].
    DISK_GROUPS = 5, "BCH_SB_FIELD_disk_groups";
    /// What a clean shutdown left: [`SbClean`].
    CLEAN = 6, "BCH_SB_FIELD_clean";
    /// Sets of devices.
    REPLICAS = 7, "BCH_SB_FIELD_replicas";
    /// Sequences of the journal that do not count: [`SbBlacklist`].
    JOURNAL_SEQ_BLACKLIST = 8, "BCH_SB_FIELD_journal_seq_blacklist";
}

/// Head of a section (`struct bch_sb_field`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SbField {
    /// Length of the section, this head included, in u64s.
    pub u64s: Le32,
    /// Kind, an [`SbFieldType`].
    pub type_: Le32,
}

/// Section of the journal (`struct bch_sb_field_journal`).
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SbJournal {
    /// Head.
    pub field: SbField,
    /// Buckets of this device that hold the journal.
    pub buckets: [Le64],
}

/// Section of members (`struct bch_sb_field_members`).
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SbMembers {
    /// Head.
    pub field: SbField,
    /// A slot for each index of a device.
    pub members: [Member],
}

/// A device of the file system (`struct bch_member`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Member {
    /// Identity of the device; all zero in an empty slot.
    pub uuid: [u8; 16],
    /// Number of buckets.
    pub nbuckets: Le64,
    /// First bucket in use.
    pub first_bucket: Le16,
    /// Sectors of a bucket.
    pub bucket_size: Le16,
    /// Unused.
    pub pad: Le32,
    /// Time of the last mount.
    pub last_mount: Le64,
    /// State and options: see [`MemberFlags`].
    pub flags: [Le64; 2],
}

/// The first word of flags of a [`Member`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemberFlags(pub u64);

/// Section of encryption (`struct bch_sb_field_crypt`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SbCrypt {
    /// Head.
    pub field: SbField,
    /// How the key of a passphrase is made: see [`CryptFlags`].
    pub flags: Le64,
    /// Cost of that: see [`ScryptFlags`].
    pub kdf_flags: Le64,
    /// The key, in clear or encrypted as a whole.
    pub key: EncryptedKey,
}

/// The key of a file system (`struct bch_encrypted_key`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct EncryptedKey {
    /// [`Self::MAGIC`] of a key in clear.
    pub magic: [u8; 8],
    /// The key.
    pub key: [u8; 32],
}

impl EncryptedKey {
    /// Says that a key is in clear.
    pub const MAGIC: [u8; 8] = *b"bch**key";
}

/// The word of flags of an [`SbCrypt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CryptFlags(pub u64);

/// Cost of scrypt, each as a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScryptFlags(pub u64);

/// Section of quotas (`struct bch_sb_field_quota`), for users, groups and projects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SbQuota {
    /// Head.
    pub field: SbField,
    /// By kind of owner.
    pub types: [SbQuotaType; 3],
}

/// Limits of one kind of owner (`struct bch_sb_quota_type`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SbQuotaType {
    /// Unused.
    pub flags: Le64,
    /// Time and warnings that space, then inodes, may be over their limit.
    pub counters: [[Le32; 2]; 2],
}

/// Section of groups (`struct bch_sb_field_disk_groups`).
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SbDiskGroups {
    /// Head.
    pub field: SbField,
    /// The groups.
    pub groups: [DiskGroup],
}

/// A group of disks (`struct bch_disk_group`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct DiskGroup {
    /// Name, up to the first NUL or the end.
    pub label: [u8; 32],
    /// See [`DiskGroupFlags`].
    pub flags: [Le64; 2],
}

/// The first word of flags of a [`DiskGroup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskGroupFlags(pub u64);

/// What a clean shutdown left (`struct bch_sb_field_clean`); entries as in the journal
/// follow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SbClean {
    /// Head.
    pub field: SbField,
    /// Unused.
    pub flags: Le32,
    /// Clock of reads.
    pub read_clock: Le16,
    /// Clock of writes.
    pub write_clock: Le16,
    /// Last journal entry written.
    pub journal_seq: Le64,
}

/// Section of sequences that do not count (`struct bch_sb_field_journal_seq_blacklist`).
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SbBlacklist {
    /// Head.
    pub field: SbField,
    /// The ranges, in order.
    pub ranges: [BlacklistRange],
}

/// A range of journal sequences (`struct journal_seq_blacklist_entry`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct BlacklistRange {
    /// First.
    pub start: Le64,
    /// One past the last.
    pub end: Le64,
}

word_bits! {
    /// Bit fields of the words of flags, from the start of their word.
    pub const FLAG_BITS;
    MemberFlags . 0 = "struct bch_member" {
        /// State: 0 read and written, 1 read only, 2 failed, 3 spare.
        state, with_state: u8 = 0..=3 as "STATE";
        /// What is replaced first in the cache.
        replacement, with_replacement: u8 = 10..=13 as "REPLACEMENT";
        /// Whether free space is told to the device.
        discard, with_discard: bool = 14..=14 as "DISCARD";
        /// A bit for each data type that may be written.
        data_allowed, with_data_allowed: u8 = 15..=19 as "DATA_ALLOWED";
        /// Group, 0 for none, else its index plus one.
        group, with_group: u8 = 20..=27 as "GROUP";
        /// How many replicas a copy counts for, plus one; 0 means one.
        durability, with_durability: u8 = 28..=29 as "DURABILITY";
    }
    CryptFlags . 0 = "struct bch_sb_field_crypt" {
        /// How the key of a passphrase is made: 0 scrypt.
        kdf_type, with_kdf_type: u8 = 0..=3 as "KDF_TYPE";
    }
    ScryptFlags . 0 = "struct bch_sb_field_crypt" {
        /// Memory and time.
        n, with_n: u16 = 0..=15 as "KDF_SCRYPT_N";
        /// Size of a block.
        r, with_r: u16 = 16..=31 as "KDF_SCRYPT_R";
        /// Passes.
        p, with_p: u16 = 32..=47 as "KDF_SCRYPT_P";
    }
    DiskGroupFlags . 0 = "struct bch_disk_group" {
        /// Whether the slot is empty.
        deleted, with_deleted: bool = 0..=0 as "DELETED";
        /// A bit for each data type that may be written.
        data_allowed, with_data_allowed: u8 = 1..=5 as "DATA_ALLOWED";
        /// The group that it is part of.
        parent, with_parent: u32 = 6..=23 as "PARENT";
    }
}

impl Member {
    /// Its state and options.
    #[inline]
    #[must_use]
    pub const fn flag_bits(&self) -> MemberFlags {
        let [word, _] = self.flags;
        MemberFlags(word.get())
    }
}

impl DiskGroup {
    /// Its flags as bit fields.
    #[inline]
    #[must_use]
    pub const fn flag_bits(&self) -> DiskGroupFlags {
        let [word, _] = self.flags;
        DiskGroupFlags(word.get())
    }
}

on_disk! {
    SbField size 8 { u64s = 0, type_ = 4 }
    Member size 56 {
        uuid = 0, nbuckets = 16, first_bucket = 24, bucket_size = 26, pad = 28, last_mount = 32,
        flags = 40
    }
    SbCrypt size 64 {
        field = 0, flags = 8, kdf_flags = 16, key = 24
    }
    EncryptedKey size 40 { magic = 0, key = 8 }
    SbQuota size 80 { field = 0, types = 8 }
    SbQuotaType size 24 { flags = 0, counters = 8 }
    DiskGroup size 48 { label = 0, flags = 32 }
    SbClean size 24 {
        field = 0, flags = 8, read_clock = 12, write_clock = 14, journal_seq = 16
    }
    BlacklistRange size 16 {
        start = 0, end = 8
    }
}
