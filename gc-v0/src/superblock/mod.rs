// SPDX-License-Identifier: GPL-2.0-only
//! The superblock of one device (facts: docs/facts/superblock.md).

mod identity;
mod layout;
mod read;
mod validate;

pub use identity::Identity;
pub use read::{Copy, read};
pub use validate::validate;

use gc_core::layout::section::{self, SbBlacklist, SbFieldType, SbJournal, SbMembers};
use gc_core::layout::{BtreeId, Sb, SbLayout};
use gc_disk::bytes::index;
use zerocopy::{FromBytes, IntoBytes};

/// Least format version that is read.
pub const VERSION_MIN: u16 = 9;
/// First format version that is not read any more.
pub const VERSION_MAX: u16 = 12;
/// Version from which types of keys have today's numbers.
pub const VERSION_BKEY_RENUMBER: u16 = 10;
/// Version from which inodes are ordered by offset.
pub const VERSION_INODE_BTREE_CHANGE: u16 = 11;
/// Bytes of the superblock before its sections.
pub const HEAD: usize = size_of::<Sb>();
/// Number of known features.
pub const FEATURES: u32 = 14;
/// Feature: updates were journalled as recovery needs it.
pub const FEATURE_EXTENTS_ABOVE_BTREE_UPDATES: u32 = 12;
/// Feature: ranges of journal sequences are blacklisted.
pub const FEATURE_JOURNAL_SEQ_BLACKLIST_V3: u32 = 5;

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

/// A superblock, cut to its own length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    head: Sb,
    /// The sections, one behind the other.
    sections: Vec<u8>,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $int:ty = |$head:ident| $get:expr;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> $int {
            let $head = &self.head;
            $get.into()
        })*
    };
}

impl Superblock {
    /// `None` if shorter than its head.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let (head, sections) = Sb::read_from_prefix(bytes).ok()?;
        Some(Self { head, sections: sections.to_vec() })
    }

    fields! {
        /// Format version.
        version: u16 = |sb| sb.version;
        /// Oldest format version anything in it has.
        version_min_raw: u16 = |sb| sb.version_min;
        /// Number of this state of the superblock.
        seq: u64 = |sb| sb.seq;
        /// Sectors of a block.
        block_size: u16 = |sb| sb.block_size;
        /// Index of this device.
        dev_idx: u8 = |sb| sb.dev_idx;
        /// Slots for members.
        nr_devices: u8 = |sb| sb.nr_devices;
        /// Length of all sections in u64s.
        u64s: u32 = |sb| sb.u64s;
        /// Nanoseconds of a unit of time.
        time_precision: u32 = |sb| sb.time_precision;
        /// Features that must be known.
        features: u64 = |sb| sb.features[0];
        /// More of them.
        features1: u64 = |sb| sb.features[1];
        /// What may be relied on.
        compat: u64 = |sb| sb.compat[0];
        /// Mounted at least once: 0 or 1.
        initialized: u64 = |sb| sb.flags0().initialized();
        /// Shut down cleanly: 0 or 1.
        clean: u64 = |sb| sb.flags0().clean();
        /// Checksum type of the superblock itself.
        csum_type: u64 = |sb| sb.flags0().csum_type();
        /// Sectors of a btree node.
        btree_node_size: u64 = |sb| sb.flags0().btree_node_size();
        /// Percent of space kept for moving data.
        gc_reserve: u64 = |sb| sb.flags0().gc_reserve();
        /// Checksum option for metadata.
        meta_csum_type: u64 = |sb| sb.flags0().meta_csum_type();
        /// Checksum option for data.
        data_csum_type: u64 = |sb| sb.flags0().data_csum_type();
        /// Metadata replicas wanted.
        meta_replicas_want: u64 = |sb| sb.flags0().meta_replicas_want();
        /// Data replicas wanted.
        data_replicas_want: u64 = |sb| sb.flags0().data_replicas_want();
        /// Compression option.
        compression_type: u64 = |sb| sb.flags1().compression_type();
        /// Encryption in use.
        encryption_type: u64 = |sb| sb.flags1().encryption_type();
        /// Metadata replicas required.
        meta_replicas_req: u64 = |sb| sb.flags1().meta_replicas_req();
        /// Data replicas required.
        data_replicas_req: u64 = |sb| sb.flags1().data_replicas_req();
        /// First eight bytes of [`Self::uuid`], which magics are made of.
        magic_seed: u64 = |sb| sb.magic_seed();
        /// Internal identity.
        uuid: [u8; 16] = |sb| sb.uuid;
        /// Identity that users see.
        user_uuid: [u8; 16] = |sb| sb.user_uuid;
    }

    /// What lies before the sections.
    #[must_use]
    pub const fn head(&self) -> &Sb {
        &self.head
    }

    /// Where the copies lie, as this copy says.
    #[must_use]
    pub const fn layout(&self) -> &SbLayout {
        &self.head.layout
    }

    /// The superblock as it lies on disk.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.sections].concat()
    }

    /// Sections in order: type, and bytes with their head. Ends at one that does not fit.
    pub fn sections(&self) -> impl Iterator<Item = (SbFieldType, &[u8])> {
        let mut rest = self.sections.as_slice();
        core::iter::from_fn(move || {
            let (field, _) = section::SbField::ref_from_prefix(rest).ok()?;
            let len = index(u64::from(field.u64s.get()).saturating_mul(8));
            let (this, next) = rest.split_at_checked(len).filter(|_| len != 0)?;
            rest = next;
            Some((SbFieldType(field.type_.get()), this))
        })
    }

    /// The first section of a kind, with its head.
    #[must_use]
    pub fn section(&self, kind: SbFieldType) -> Option<&[u8]> {
        self.sections().find(|(t, _)| *t == kind).map(|(_, b)| b)
    }

    /// What a section of a kind holds, without its head.
    #[must_use]
    pub fn content(&self, kind: SbFieldType) -> Option<&[u8]> {
        let (_, content) = section::SbField::ref_from_prefix(self.section(kind)?).ok()?;
        Some(content)
    }

    /// The section of encryption, with its head.
    #[must_use]
    pub fn crypt(&self) -> Option<&[u8]> {
        self.section(SbFieldType::CRYPT)
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
        self.slots()?.get(usize::from(idx)).map(Member::from)
    }

    /// The slots of the section of members; `None` if there is no such section.
    fn slots(&self) -> Option<&[section::Member]> {
        let section = self.section(SbFieldType::MEMBERS)?;
        SbMembers::ref_from_prefix(section).ok().map(|(members, _)| &members.members)
    }

    /// Journal buckets of this device, in the order of the section.
    #[must_use]
    pub fn journal_buckets(&self) -> Vec<u64> {
        let section = self.section(SbFieldType::JOURNAL).unwrap_or(&[]);
        SbJournal::ref_from_prefix(section)
            .map_or_else(|_| Vec::new(), |(j, _)| j.buckets.iter().map(|b| b.get()).collect())
    }

    /// Blacklisted ranges: start, end (exclusive).
    #[must_use]
    pub fn blacklist(&self) -> Option<Vec<(u64, u64)>> {
        let section = self.section(SbFieldType::JOURNAL_SEQ_BLACKLIST)?;
        let (blacklist, _) = SbBlacklist::ref_from_prefix(section).ok()?;
        Some(blacklist.ranges.iter().map(|r| (r.start.get(), r.end.get())).collect())
    }
}

impl From<&section::Member> for Member {
    fn from(slot: &section::Member) -> Self {
        let flags = slot.flag_bits();
        Self {
            uuid: slot.uuid,
            nbuckets: slot.nbuckets.get(),
            first_bucket: slot.first_bucket.get(),
            bucket_size: slot.bucket_size.get(),
            state: match flags.state() {
                0 => MemberState::Rw,
                1 => MemberState::Ro,
                2 => MemberState::Failed,
                _ => MemberState::Spare,
            },
            group: flags.group(),
            durability: flags.durability().checked_sub(1).unwrap_or(1),
        }
    }
}

/// Names of the btrees in messages.
pub(crate) fn btree_name(id: BtreeId) -> &'static str {
    id.name().unwrap_or("(null)")
}
