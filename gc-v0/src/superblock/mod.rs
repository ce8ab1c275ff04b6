// SPDX-License-Identifier: GPL-2.0-only
//! The superblock of one device (facts: docs/facts/superblock.md).

mod identity;
mod layout;
mod read;
mod validate;

pub use identity::Identity;
pub use read::{Copy, read};
pub use validate::validate;

use gc_core::layout::BtreeId;
use gc_disk::bytes::{array, index, u8_at, u16_at, u32_at, u64_at};

/// Least format version that is read.
pub const VERSION_MIN: u16 = 9;
/// First format version that is not read any more.
pub const VERSION_MAX: u16 = 12;
/// Version from which types of keys have today's numbers.
pub const VERSION_BKEY_RENUMBER: u16 = 10;
/// Version from which inodes are ordered by offset.
pub const VERSION_INODE_BTREE_CHANGE: u16 = 11;
/// Bytes of the superblock before its sections.
pub const HEAD: usize = 752;
/// Number of known features.
pub const FEATURES: u32 = 14;
/// Feature: updates were journalled as recovery needs it.
pub const FEATURE_EXTENTS_ABOVE_BTREE_UPDATES: u32 = 12;
/// Feature: ranges of journal sequences are blacklisted.
pub const FEATURE_JOURNAL_SEQ_BLACKLIST_V3: u32 = 5;

/// Magic of superblocks and layouts.
pub const MAGIC: [u8; 16] = [
    0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f, 0x48, 0xba, 0x6d, 0x81,
];
/// The magic that later programs write, whatever the version of the format.
pub const MAGIC_LATER: [u8; 16] = [
    0xc6, 0x85, 0x73, 0xf6, 0x66, 0xce, 0x90, 0xa9, 0xd9, 0x6a, 0x60, 0xcf, 0x80, 0x3d, 0xf7, 0xef,
];

/// Whether it is one of the two. Which one says nothing about the version.
fn is_magic(bytes: &[u8; 16]) -> bool {
    [MAGIC, MAGIC_LATER].contains(bytes)
}

/// Kinds of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Section {
    /// Journal buckets of this device.
    Journal = 0,
    /// Members.
    Members = 1,
    /// Encryption.
    Crypt = 2,
    /// Sets of devices, first form.
    ReplicasV0 = 3,
    /// Quota limits.
    Quota = 4,
    /// Groups of disks.
    DiskGroups = 5,
    /// What a clean shutdown left.
    Clean = 6,
    /// Sets of devices.
    Replicas = 7,
    /// Blacklisted journal sequences.
    JournalSeqBlacklist = 8,
}

impl Section {
    /// The number on disk.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Journal => 0,
            Self::Members => 1,
            Self::Crypt => 2,
            Self::ReplicasV0 => 3,
            Self::Quota => 4,
            Self::DiskGroups => 5,
            Self::Clean => 6,
            Self::Replicas => 7,
            Self::JournalSeqBlacklist => 8,
        }
    }
}

/// State of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    /// Read and written.
    Rw,
    /// Read only.
    Ro,
    /// Failed: not read.
    Failed,
    /// Spare, or an unknown number.
    Spare,
}

/// A member as the superblock describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Identity of the device.
    pub uuid: [u8; 16],
    /// Number of buckets.
    pub nbuckets: u64,
    /// First bucket in use.
    pub first_bucket: u16,
    /// Sectors of a bucket.
    pub bucket_size: u16,
    /// State.
    pub state: MemberState,
    /// Group, 0 for none, else its index plus one.
    pub group: u8,
    /// How many replicas a copy on it counts for.
    pub durability: u8,
}

/// A superblock of at least [`HEAD`] bytes, cut to its own length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    bytes: Vec<u8>,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $int:ident = $get:ident($at:literal);)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> $int {
            $get(&self.bytes, $at).unwrap_or(0)
        })*
    };
}

macro_rules! bits {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $lo:literal..$hi:literal;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> u64 {
            let mask = u64::MAX.checked_shr(64_u32.saturating_sub($hi - $lo)).unwrap_or(0);
            (self.flags($word) >> $lo) & mask
        })*
    };
}

impl Superblock {
    /// `None` if shorter than its head.
    pub(crate) fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= HEAD).then_some(Self { bytes })
    }

    fields! {
        /// Format version.
        version: u16 = u16_at(16);
        /// Oldest format version anything in it has.
        version_min_raw: u16 = u16_at(18);
        /// Number of this state of the superblock.
        seq: u64 = u64_at(112);
        /// Sectors of a block.
        block_size: u16 = u16_at(120);
        /// Index of this device.
        dev_idx: u8 = u8_at(122);
        /// Slots for members.
        nr_devices: u8 = u8_at(123);
        /// Length of all sections in u64s.
        u64s: u32 = u32_at(124);
        /// Nanoseconds of a unit of time.
        time_precision: u32 = u32_at(140);
        /// Features that must be known.
        features: u64 = u64_at(208);
        /// More of them.
        features1: u64 = u64_at(216);
        /// What may be relied on.
        compat: u64 = u64_at(224);
    }

    bits! {
        /// Mounted at least once.
        initialized = 0, 0..1;
        /// Shut down cleanly.
        clean = 0, 1..2;
        /// Checksum type of the superblock itself.
        csum_type = 0, 2..8;
        /// Sectors of a btree node.
        btree_node_size = 0, 12..28;
        /// Percent of space kept for moving data.
        gc_reserve = 0, 28..33;
        /// Checksum option for metadata.
        meta_csum_type = 0, 40..44;
        /// Checksum option for data.
        data_csum_type = 0, 44..48;
        /// Metadata replicas wanted.
        meta_replicas_want = 0, 48..52;
        /// Data replicas wanted.
        data_replicas_want = 0, 52..56;
        /// Compression option.
        compression_type = 1, 4..8;
        /// Encryption in use.
        encryption_type = 1, 10..14;
        /// Metadata replicas required.
        meta_replicas_req = 1, 20..24;
        /// Data replicas required.
        data_replicas_req = 1, 24..28;
    }

    fn flags(&self, word: usize) -> u64 {
        let at = word.saturating_mul(8).saturating_add(144);
        u64_at(&self.bytes, at).unwrap_or(0)
    }

    /// Internal identity.
    #[must_use]
    pub fn uuid(&self) -> [u8; 16] {
        array(&self.bytes, 40).unwrap_or_default()
    }

    /// Identity that users see.
    #[must_use]
    pub fn user_uuid(&self) -> [u8; 16] {
        array(&self.bytes, 56).unwrap_or_default()
    }

    /// First eight bytes of [`Self::uuid`], which magics are made of.
    #[must_use]
    pub fn magic_seed(&self) -> u64 {
        u64_at(&self.bytes, 40).unwrap_or(0)
    }

    /// The layout within the superblock.
    #[must_use]
    pub fn layout(&self) -> layout::Layout<'_> {
        layout::Layout::new(self.bytes.get(240..HEAD).unwrap_or(&[]))
    }

    /// All bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Sections in order: type, and bytes with their 8-byte head. Ends at one
    /// that does not fit.
    pub fn sections(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let mut rest = self.bytes.get(HEAD..).unwrap_or(&[]);
        core::iter::from_fn(move || {
            let u64s = u32_at(rest, 0)?;
            let type_ = u32_at(rest, 4)?;
            let len = index(u64::from(u64s).saturating_mul(8));
            let (this, next) = rest.split_at_checked(len)?;
            if u64s == 0 {
                return None;
            }
            rest = next;
            Some((type_, this))
        })
    }

    /// The first section of a kind, with its head.
    #[must_use]
    pub fn section(&self, kind: Section) -> Option<&[u8]> {
        self.sections().find(|(t, _)| *t == kind.number()).map(|(_, b)| b)
    }

    /// What a section of a kind holds, without its head.
    #[must_use]
    pub fn content(&self, kind: Section) -> Option<&[u8]> {
        self.section(kind)?.get(8..)
    }

    /// The encryption section, with its head.
    #[must_use]
    pub fn crypt(&self) -> Option<&[u8]> {
        self.section(Section::Crypt)
    }

    /// A member slot, `None` where the section ends or the slot is empty.
    #[must_use]
    pub fn member(&self, idx: u8) -> Option<Member> {
        self.member_slot(idx).filter(|m| m.uuid != [0; 16])
    }

    pub(crate) fn member_slot(&self, idx: u8) -> Option<Member> {
        if idx >= self.nr_devices() {
            return None;
        }
        let at = usize::from(idx).checked_mul(56)?;
        let b = self.content(Section::Members)?.get(at..)?.get(..56)?;
        let flags = u64_at(b, 40)?;
        Some(Member {
            uuid: array(b, 0)?,
            nbuckets: u64_at(b, 16)?,
            first_bucket: u16_at(b, 24)?,
            bucket_size: u16_at(b, 26)?,
            state: match flags & 0xf {
                0 => MemberState::Rw,
                1 => MemberState::Ro,
                2 => MemberState::Failed,
                _ => MemberState::Spare,
            },
            group: gc_core::layout::bits::low8((flags >> 20) & 0xff),
            durability: match gc_core::layout::bits::low8((flags >> 28) & 3) {
                0 => 1,
                n => n.saturating_sub(1),
            },
        })
    }

    /// Journal buckets of this device, in the order of the section.
    #[must_use]
    pub fn journal_buckets(&self) -> Vec<u64> {
        gc_disk::bytes::words(self.content(Section::Journal).unwrap_or(&[]))
    }

    /// Blacklisted ranges: start, end (exclusive).
    #[must_use]
    pub fn blacklist(&self) -> Option<Vec<(u64, u64)>> {
        let words = gc_disk::bytes::words(self.content(Section::JournalSeqBlacklist)?);
        Some(gc_disk::bytes::pairs(&words))
    }
}

/// Names of the btrees in messages.
pub(crate) fn btree_name(id: BtreeId) -> &'static str {
    id.name().unwrap_or("(null)")
}
