// SPDX-License-Identifier: GPL-2.0-only
//! Heads of the values this crate reads. Entries follow directly behind.

use super::describe::{layouts, on_disk, word_bits};
use super::extent::ExtentPtr;
use super::position::Bpos;
use super::{Le16, Le32, Le64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Value of a pointer to a node (`struct bch_btree_ptr`): pointers only.
#[derive(Debug)]
#[repr(C)]
pub struct BtreePtr {
    /// The pointers.
    pub start: [ExtentPtr; 0],
}

/// Value of a pointer to a node, second form (`struct bch_btree_ptr_v2`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BtreePtrV2 {
    /// Address of the node in memory; without meaning on disk.
    pub mem_ptr: u64,
    /// Sequence number the node must have.
    pub seq: Le64,
    /// Sectors written so far.
    pub sectors_written: Le16,
    /// Unused: size of the node in sectors.
    pub sectors: Le16,
    /// Least key the node may hold.
    pub min_key: Bpos,
    /// The pointers.
    pub start: [ExtentPtr; 0],
}

/// Value of an extent (`struct bch_extent`): entries only.
#[derive(Debug)]
#[repr(C)]
pub struct Extent {
    /// The entries.
    pub start: [u64; 0],
}

/// Value of a reservation (`struct bch_reservation`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C, align(8))]
pub struct Reservation {
    /// Generation.
    pub generation: Le32,
    /// Replicas reserved.
    pub nr_replicas: u8,
    /// Unused.
    pub pad: [u8; 3],
}

/// Head of the value of a stripe (`struct bch_stripe`); `nr_blocks` pointers
/// follow, then checksums, then the block sector counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C, align(8))]
pub struct StripeValue {
    /// Sectors of a block.
    pub sectors: Le16,
    /// Algorithm.
    pub algorithm: u8,
    /// Blocks, parity included.
    pub nr_blocks: u8,
    /// Parity blocks.
    pub nr_redundant: u8,
    /// Granularity of checksums, as a power of two.
    pub csum_granularity_bits: u8,
    /// Checksum type.
    pub csum_type: u8,
    /// Unused.
    pub pad: u8,
    /// The pointers.
    pub ptrs: [ExtentPtr; 0],
}

/// Head of the value of a shared extent (`struct bch_reflink_v`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ReflinkV {
    /// References to it.
    pub refcount: Le64,
    /// The entries.
    pub start: [u64; 0],
}

/// Value of a pointer to a shared extent (`struct bch_reflink_p`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C, align(8))]
pub struct ReflinkP {
    /// First sector in the reflink btree.
    pub idx: Le64,
    /// Generation.
    pub reservation_generation: Le32,
    /// Replicas reserved.
    pub nr_replicas: u8,
    /// Unused.
    pub pad: [u8; 3],
}

/// Head of the value of an alloc key (`struct bch_alloc`); the fields that it names
/// follow, one behind the other.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct AllocValue {
    /// A bit for each field that follows.
    pub fields: u8,
    /// Generation.
    pub gen_: u8,
}

/// Head of the value of an inode (`struct bch_inode`); fields of variable length follow.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct InodeValue {
    /// Key of the hash of names.
    pub hash_seed: Le64,
    /// Type of the hash, number of fields, and what is said of the inode.
    pub flags: Le32,
    /// Type and permissions.
    pub mode: Le16,
}

/// Value that keeps the generation of an inode that is gone (`struct
/// bch_inode_generation`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct InodeGeneration {
    /// The generation.
    pub generation: Le32,
    /// Unused.
    pub pad: Le32,
}

/// Head of the value of a directory entry (`struct bch_dirent`); the name follows, up to
/// the first NUL or the end of the value.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct DirentValue {
    /// Inode it names.
    pub inum: Le64,
    /// Type of that inode, as `readdir` tells it.
    pub type_: u8,
}

/// Head of the value of an extended attribute (`struct bch_xattr`); the name follows, then
/// the value.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct XattrValue {
    /// Prefix of the name, as a number.
    pub type_: u8,
    /// Bytes of the name.
    pub name_len: u8,
    /// Bytes of the value.
    pub val_len: Le16,
}

/// Value of a quota (`struct bch_quota`): limits of space, then of inodes.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct QuotaValue {
    /// The limits.
    pub counters: [QuotaCounter; 2],
}

/// Limits of what a user, group or project may have (`struct bch_quota_counter`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct QuotaCounter {
    /// That cannot be passed.
    pub hardlimit: Le64,
    /// That may be passed for some time.
    pub softlimit: Le64,
}

/// The word of flags of an [`InodeValue`]; the upper half is no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InodeFlags(pub u64);

word_bits! {
    /// Bit fields of the flags of an inode, from the start of their word.
    pub const FLAG_BITS;
    InodeFlags . 0 = "struct bch_inode" {
        /// Whether it has no links any more.
        unlinked, with_unlinked: bool = 7..=7 as "UNLINKED";
        /// Number of the hash of names.
        str_hash, with_str_hash: u8 = 20..=23 as "STR_HASH";
        /// Number of fields that follow.
        nr_fields, with_nr_fields: u8 = 24..=31 as "NR_FIELDS";
    }
}

impl From<InodeFlags> for Le32 {
    fn from(flags: InodeFlags) -> Self {
        Self::new(super::bits::low32(flags.0))
    }
}

impl InodeValue {
    /// Its flags as bit fields.
    #[inline]
    #[must_use]
    pub const fn flag_bits(&self) -> InodeFlags {
        InodeFlags(super::bits::from32(self.flags.get()))
    }
}

macro_rules! first_word {
    ($($ty:ident),*) => {
        $(impl $ty {
            /// This part of a value of this type; `None` if the value is empty.
            #[inline]
            #[must_use]
            pub fn of(v: &[u64]) -> Option<Self> {
                v.first().map(|word| zerocopy::transmute!(*word))
            }
        })*
    };
}

first_word!(StripeValue, Reservation, ReflinkV, InodeGeneration);

impl ReflinkP {
    /// Where a value of this type points to, also one that ends behind that; `None` if the
    /// value is empty.
    #[inline]
    #[must_use]
    pub fn idx_of(v: &[u64]) -> Option<u64> {
        static_assertions::const_assert_eq!(core::mem::offset_of!(ReflinkP, idx), 0);
        v.first().copied()
    }
}

impl BtreePtrV2 {
    /// The head of a value of this type; `None` if the value is shorter than that.
    #[inline]
    #[must_use]
    pub fn of(v: &[u64]) -> Option<&Self> {
        v.first_chunk::<BTREE_PTR_V2_HEAD_U64S>().map(|words| zerocopy::transmute_ref!(words))
    }

    /// Like [`Self::of`], to be changed in place.
    #[inline]
    #[must_use]
    pub fn of_mut(v: &mut [u64]) -> Option<&mut Self> {
        v.first_chunk_mut::<BTREE_PTR_V2_HEAD_U64S>().map(|words| zerocopy::transmute_mut!(words))
    }
}

const fn u64s_of<T>() -> usize {
    size_of::<T>().div_ceil(8)
}

/// Words before the pointers of a `btree_ptr_v2`.
pub const BTREE_PTR_V2_HEAD_U64S: usize = u64s_of::<BtreePtrV2>();
/// Words before the pointers of a stripe.
pub const STRIPE_HEAD_U64S: usize = u64s_of::<StripeValue>();
/// Words before the entries of a shared extent.
pub const REFLINK_V_HEAD_U64S: usize = u64s_of::<ReflinkV>();

on_disk! {
    AllocValue size 2 { fields = 0, gen_ = 1 }
    InodeValue size 14 {
        hash_seed = 0, flags = 8, mode = 12
    }
    DirentValue size 9 {
        inum = 0, type_ = 8
    }
    XattrValue size 4 {
        type_ = 0, name_len = 1, val_len = 2
    }
    InodeGeneration size 8 { generation = 0, pad = 4 }
    QuotaValue size 32 { counters = 0 }
    QuotaCounter size 16 { hardlimit = 0, softlimit = 8 }
}

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    BtreePtr = "struct bch_btree_ptr" size 0 align 8 { start = 0; also "v" = 0, "_data" = 0 }
    BtreePtrV2 = "struct bch_btree_ptr_v2" size 40 align 8 {
        mem_ptr = 0, seq = 8, sectors_written = 16, sectors = 18, min_key = 20, start = 40;
        also "v" = 0, "_data" = 40
    }
    Extent = "struct bch_extent" size 0 align 8 { start = 0; also "v" = 0, "_data" = 0 }
    Reservation = "struct bch_reservation" size 8 align 8 {
        generation = 0, nr_replicas = 4, pad = 5; also "v" = 0
    }
    StripeValue = "struct bch_stripe" size 8 align 8 {
        sectors = 0, algorithm = 2, nr_blocks = 3, nr_redundant = 4, csum_granularity_bits = 5,
        csum_type = 6, pad = 7, ptrs = 8;
        also "v" = 0
    }
    ReflinkV = "struct bch_reflink_v" size 8 align 8 {
        refcount = 0, start = 8; also "v" = 0, "_data" = 8
    }
    ReflinkP = "struct bch_reflink_p" size 16 align 8 {
        idx = 0, reservation_generation = 8, nr_replicas = 12, pad = 13; also "v" = 0
    }
}
