// SPDX-License-Identifier: GPL-2.0-only
//! Keys, packed keys, formats and the key types.

use super::Le64;
use super::describe::{BitField, layouts, numbers, open_enum, word_bits};
use super::position::{Bpos, Bversion};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

open_enum! {
    /// Type of a key's value (`enum bch_bkey_type`), as the byte in the key.
    pub struct KeyType(u8);
    /// Numbers of the key types.
    pub const KEY_TYPES;
    /// No key: overrides older keys at its position.
    DELETED = 0, "KEY_TYPE_deleted";
    /// Data discarded; counts as a whiteout.
    DISCARD = 1, "KEY_TYPE_discard";
    /// Data lost.
    ERROR = 2, "KEY_TYPE_error";
    /// Opaque test value.
    COOKIE = 3, "KEY_TYPE_cookie";
    /// Tombstone of hash tables; a key like others.
    WHITEOUT = 4, "KEY_TYPE_whiteout";
    /// Pointer to a btree node.
    BTREE_PTR = 5, "KEY_TYPE_btree_ptr";
    /// Pointers to data.
    EXTENT = 6, "KEY_TYPE_extent";
    /// Reserved space without data.
    RESERVATION = 7, "KEY_TYPE_reservation";
    /// Inode.
    INODE = 8, "KEY_TYPE_inode";
    /// Generation of a deleted inode.
    INODE_GENERATION = 9, "KEY_TYPE_inode_generation";
    /// Directory entry.
    DIRENT = 10, "KEY_TYPE_dirent";
    /// Extended attribute.
    XATTR = 11, "KEY_TYPE_xattr";
    /// Bucket information.
    ALLOC = 12, "KEY_TYPE_alloc";
    /// Quota.
    QUOTA = 13, "KEY_TYPE_quota";
    /// Erasure coding stripe.
    STRIPE = 14, "KEY_TYPE_stripe";
    /// Pointer to a shared extent.
    REFLINK_P = 15, "KEY_TYPE_reflink_p";
    /// Shared extent with its reference count.
    REFLINK_V = 16, "KEY_TYPE_reflink_v";
    /// Data in the key.
    INLINE_DATA = 17, "KEY_TYPE_inline_data";
    /// Pointer to a btree node with range and length.
    BTREE_PTR_V2 = 18, "KEY_TYPE_btree_ptr_v2";
    /// One past the last known type.
    MAX = 19, "KEY_TYPE_MAX";
}

impl KeyType {
    /// Whether the key only overrides others (source: `bkey_whiteout`; the type
    /// called whiteout is not one of them).
    #[inline]
    #[must_use]
    pub const fn is_whiteout(self) -> bool {
        matches!(self, Self::DELETED | Self::DISCARD)
    }
}

numbers! {
    /// Numbers of packing.
    pub const NUMBERS;
    /// Index of the inode in a format.
    BKEY_FIELD_INODE: usize = 0;
    /// Index of the offset in a format.
    BKEY_FIELD_OFFSET: usize = 1;
    /// Index of the snapshot in a format.
    BKEY_FIELD_SNAPSHOT: usize = 2;
    /// Index of the size in a format.
    BKEY_FIELD_SIZE: usize = 3;
    /// Index of the version's high part in a format.
    BKEY_FIELD_VERSION_HI: usize = 4;
    /// Index of the version's low part in a format.
    BKEY_FIELD_VERSION_LO: usize = 5;
    /// Fields of a format.
    BKEY_NR_FIELDS: usize = 6;
    /// `format` of a key packed by its node's own format.
    KEY_FORMAT_LOCAL_BTREE: u8 = 0;
    /// `format` of an unpacked key.
    KEY_FORMAT_CURRENT: u8 = 1;
    /// Bits of a packed key's head that belong to no field.
    KEY_PACKED_BITS_START: u32 = 24;
    /// Unpacked key without its value, in u64s.
    BKEY_U64S: u8 = 5, "BKEY_U64s";
    /// Longest key with its value, in u64s.
    BKEY_U64S_MAX: u8 = 255, "BKEY_U64s_MAX";
    /// Longest value, in u64s.
    BKEY_VAL_U64S_MAX: u8 = 250, "BKEY_VAL_U64s_MAX";
    /// Longest pointer with its checksum entry, in u64s.
    BKEY_EXTENT_PTR_U64S_MAX: u8 = 4, "BKEY_EXTENT_PTR_U64s_MAX";
    /// Longest value of an extent, in u64s.
    BKEY_EXTENT_VAL_U64S_MAX: u8 = 21, "BKEY_EXTENT_VAL_U64s_MAX";
    /// Longest extent, in u64s.
    BKEY_EXTENT_U64S_MAX: u8 = 26, "BKEY_EXTENT_U64s_MAX";
    /// Longest value of a pointer to a node, in u64s.
    BKEY_BTREE_PTR_VAL_U64S_MAX: u8 = 9, "BKEY_BTREE_PTR_VAL_U64s_MAX";
    /// Longest pointer to a node, in u64s.
    BKEY_BTREE_PTR_U64S_MAX: u8 = 14, "BKEY_BTREE_PTR_U64s_MAX";
}

const FORMAT_MASK: u8 = 0x7f;
const NEEDS_WHITEOUT: u8 = 0x80;

/// An unpacked key without its value (`struct bkey`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C, align(8))]
pub struct Bkey {
    /// Key and value together, in u64s.
    pub u64s: u8,
    /// Bits 0 to 6: the format number; bit 7: needs whiteout.
    pub format_ws: u8,
    /// Type of the value.
    pub type_: KeyType,
    /// Unused.
    pub pad: u8,
    /// Version.
    pub version: Bversion,
    /// Size of an extent in sectors, 0 for other keys.
    pub size: u32,
    /// Position; of an extent its end.
    pub p: Bpos,
}

impl Bkey {
    /// An unpacked key of type deleted without value at the given position
    /// (source: `KEY`, `bkey_init`).
    #[inline]
    #[must_use]
    pub const fn new(p: Bpos, size: u32) -> Self {
        Self {
            u64s: BKEY_U64S,
            format_ws: KEY_FORMAT_CURRENT,
            type_: KeyType::DELETED,
            pad: 0,
            version: Bversion::ZERO,
            size,
            p,
        }
    }

    /// Number of the format: 0 local to the node, 1 unpacked.
    #[inline]
    #[must_use]
    pub const fn format(&self) -> u8 {
        self.format_ws & FORMAT_MASK
    }

    /// The key with needs_whiteout replaced.
    #[inline]
    #[must_use]
    pub const fn with_needs_whiteout(self, on: bool) -> Self {
        let bit = if on { NEEDS_WHITEOUT } else { 0 };
        Self { format_ws: (self.format_ws & FORMAT_MASK) | bit, ..self }
    }

    /// Length of the value in u64s; 0 if `u64s` is less than a key's own length.
    #[inline]
    #[must_use]
    pub const fn val_u64s(&self) -> u8 {
        self.u64s.saturating_sub(BKEY_U64S)
    }

    /// First sector of an extent (source: `bkey_start_offset`; wraps as there).
    #[inline]
    #[must_use]
    pub const fn start_offset(&self) -> u64 {
        let p = self.p;
        p.offset.wrapping_sub(super::bits::from32(self.size))
    }

    /// Position of the first sector of an extent (source: `bkey_start_pos`).
    #[inline]
    #[must_use]
    pub const fn start_pos(&self) -> Bpos {
        Bpos { offset: self.start_offset(), ..self.p }
    }
}

/// A key in a bset, packed or not (`struct bkey_packed`).
///
/// Its length is `u64s`, not the size of this type: handled in place by word
/// slices or pointers, never copied by value.
#[derive(Debug)]
#[repr(C, align(8))]
pub struct BkeyPacked {
    /// Key and value together, in u64s.
    pub u64s: u8,
    /// Bits 0 to 6: the format number; bit 7: needs whiteout.
    pub format_ws: u8,
    /// Type of the value.
    pub type_: KeyType,
    /// The fields by the node's format.
    pub pad: [u8; 37],
}

/// First word of a key in a bset, packed or not. The bits of a packed key's fields
/// begin behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyHead(pub u64);

word_bits! {
    /// Bit fields of a key's first word.
    pub const HEAD_BITS;
    KeyHead . 0 = "struct bkey_packed" {
        /// Key and value together, in u64s.
        u64s, with_u64s: u8 = 0..=7;
        /// Number of the format: 0 local to the node, 1 unpacked.
        format, with_format: u8 = 8..=14;
        /// Whether a whiteout must be written when the key is overwritten.
        needs_whiteout, with_needs_whiteout: bool = 15..=15;
        /// Number of the value's type.
        type_raw, with_type_raw: u8 = 16..=23 as "type";
    }
}

impl KeyHead {
    /// Where the byte of format and needs_whiteout begins ([`BkeyPacked::format_ws`]).
    pub const FORMAT_WS_SHIFT: u32 = 8;

    /// Format and needs_whiteout in one byte.
    #[inline]
    #[must_use]
    pub const fn format_ws(self) -> u8 {
        super::bits::low8(self.0 >> Self::FORMAT_WS_SHIFT)
    }

    /// Type of the value.
    #[inline]
    #[must_use]
    pub const fn type_(self) -> KeyType {
        KeyType(self.type_raw())
    }
}

/// An unpacked key with its value behind it (`struct bkey_i`).
#[derive(Debug)]
#[repr(C)]
pub struct BkeyI {
    /// The key.
    pub k: Bkey,
    /// The value, `k.val_u64s()` words.
    pub v: Val,
}

/// A value of any type (`struct bch_val`): an address only.
#[derive(Debug)]
#[repr(C)]
pub struct Val {
    nothing: [u64; 0],
}

/// A key and its value apart, for reading (`struct bkey_s_c`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct BkeySC {
    /// The key; may carry an error code instead of an address.
    pub k: *const Bkey,
    /// The value.
    pub v: *const Val,
}

/// A key and its value apart (`struct bkey_s`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct BkeyS {
    /// The key.
    pub k: *mut Bkey,
    /// The value.
    pub v: *mut Val,
}

/// How the keys of a node are packed (`struct bkey_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C, align(8))]
pub struct BkeyFormat {
    /// Length of a packed key without its value, in u64s.
    pub key_u64s: u8,
    /// Number of fields; 6 in a valid format.
    pub nr_fields: u8,
    /// Width of each field in bits.
    pub bits_per_field: [u8; 6],
    /// What is added to each field, little endian.
    pub field_offset: [Le64; 6],
}

impl BkeyFormat {
    /// The format of unpacked keys (source: `BKEY_FORMAT_CURRENT`).
    pub const CURRENT: Self = Self {
        key_u64s: BKEY_U64S,
        nr_fields: 6,
        bits_per_field: [64, 64, 32, 32, 32, 64],
        field_offset: [Le64::new(0); 6],
    };
}

/// Least and greatest value of each field seen (`struct bkey_format_state`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct BkeyFormatState {
    /// Least values.
    pub field_min: [u64; 6],
    /// Greatest values.
    pub field_max: [u64; 6],
}

/// Bit fields of this area.
pub const BITS: &[BitField] = &[
    BitField { c_struct: "struct bkey", field: "format", lo: 8, hi: 14 },
    BitField { c_struct: "struct bkey", field: "needs_whiteout", lo: 15, hi: 15 },
    BitField { c_struct: "struct bkey_packed", field: "format", lo: 8, hi: 14 },
    BitField { c_struct: "struct bkey_packed", field: "needs_whiteout", lo: 15, hi: 15 },
];

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    Bkey = "struct bkey" size 40 align 8 {
        u64s = 0, type_ as "type" = 2, pad = 3, version = 4, size = 16, p = 20
    }
    BkeyPacked = "struct bkey_packed" size 40 align 8 {
        u64s = 0, type_ as "type" = 2, pad = 3; also "_data" = 0, "key_start" = 3
    }
    BkeyI = "struct bkey_i" size 40 align 8 { k = 0, v = 40; also "_data" = 0, "u64s" = 0 }
    Val = "struct bch_val" size 0 align 8 { nothing as "__nothing" = 0 }
    BkeySC = "struct bkey_s_c" size 16 align 8 { k = 0, v = 8 }
    BkeyS = "struct bkey_s" size 16 align 8 { k = 0, v = 8 }
    BkeyFormat = "struct bkey_format" size 56 align 8 {
        key_u64s = 0, nr_fields = 1, bits_per_field = 2, field_offset = 8
    }
    BkeyFormatState = "struct bkey_format_state" size 96 align 8 { field_min = 0, field_max = 48 }
}

static_assertions::const_assert_eq!(core::mem::offset_of!(Bkey, format_ws), 1);
static_assertions::const_assert_eq!(core::mem::offset_of!(BkeyPacked, format_ws), 1);
