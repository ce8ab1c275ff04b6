// SPDX-License-Identifier: GPL-2.0-only
//! Fields of the fixed structures: name, first bit, number of bits. Where they lie is
//! taken from the structures that readers and writers use.
#![expect(clippy::panic, clippy::as_conversions, reason = "in constants: ends compilation")]

use gc_core::layout::describe::BitField;
use gc_core::layout::jset::{self, Jset, JsetEntry};
use gc_core::layout::section::{self, Member, SbClean, SbField};
use gc_core::layout::superblock::{self, Sb};
use gc_core::layout::value::{
    self, AllocValue, DirentValue, InodeValue, ReflinkP, Reservation, StripeValue, XattrValue,
};
use gc_core::layout::{
    Bkey, Bset, BtreeNode, BtreePtrV2, ExtentCrc64, ExtentCrc128, bkey, extent, node,
};
use std::mem::offset_of;

/// Name, first bit, bits.
pub(super) type Row = (&'static str, usize, u32);

/// Bits of what a function returns, 64 at most: of longer fields the first.
const fn bits_of<T, F>(_field: fn(&T) -> F) -> u32 {
    match size_of::<F>() {
        1 => 8,
        2 => 16,
        4 => 32,
        _ => 64,
    }
}

const fn same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b) {
        if *x != *y {
            return false;
        }
        (a, b) = (a_rest, b_rest);
    }
    a.is_empty() && b.is_empty()
}

/// The bit field of that C name; that there is none ends compilation.
const fn find(mut table: &[BitField], c_struct: &str, field: &str) -> BitField {
    while let [first, rest @ ..] = table {
        if same(first.c_struct, c_struct) && same(first.field, field) {
            return *first;
        }
        table = rest;
    }
    panic!("no such bit field");
}

/// The bit fields of a table that belong to a structure, all of them, in its order.
const fn all<const N: usize>(mut table: &[BitField], c_struct: &str) -> [Row; N] {
    let mut out = [("", 0, 0); N];
    let mut to: &mut [Row] = &mut out;
    while let [first, rest @ ..] = table {
        if same(first.c_struct, c_struct) {
            let [slot, slots @ ..] = to else { panic!("more bit fields than that") };
            *slot = row(0, *first, strip(first.field));
            to = slots;
        }
        table = rest;
    }
    assert!(to.is_empty(), "fewer bit fields than that");
    out
}

/// A name as it is shown: without the mark of a raw value.
const fn strip(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'_', rest @ ..] => match core::str::from_utf8(rest) {
            Ok(rest) => rest,
            Err(_) => name,
        },
        _ => name,
    }
}

const fn row(word: usize, field: BitField, name: &'static str) -> Row {
    (name, 8 * word + field.lo as usize, field.hi - field.lo + 1)
}

/// A row for a field of a structure, under its own or another name.
macro_rules! field {
    ($ty:ident . $($field:tt).+ as $name:literal) => {
        ($name, 8 * offset_of!($ty, $($field).+), bits_of(|s: &$ty| s.$($field).+))
    };
    ($ty:ident . $field:ident) => {
        (stringify!($field), 8 * offset_of!($ty, $field), bits_of(|s: &$ty| s.$field))
    };
}

/// A row for an element of an array in a structure.
macro_rules! element {
    ($ty:ident . $($field:ident).+ [$i:literal] as $name:literal) => {
        (
            $name,
            8 * (offset_of!($ty, $($field).+) + $i * size_of_element(|s: &$ty| s.$($field).+)),
            bits_of(|s: &$ty| s.$($field).+[$i]),
        )
    };
}

const fn size_of_element<T, F, const N: usize>(_field: fn(&T) -> [F; N]) -> usize {
    size_of::<F>()
}

/// A row for bits of a word of flags that begins at a byte.
macro_rules! bits {
    ($word:expr, $table:expr, $c_struct:literal, $name:literal) => {
        row($word, find($table, $c_struct, $name), $name)
    };
}

const FLAGS0: usize = offset_of!(Sb, flags);
const FLAGS1: usize = FLAGS0 + size_of_element(|sb: &Sb| sb.flags);

macro_rules! sb_bits {
    ($word:ident, $name:literal) => {
        bits!($word, superblock::FLAG_BITS, "struct bch_sb", $name)
    };
}

pub(super) const SB: &[Row] = &[
    field!(Sb.csum),
    field!(Sb.version),
    field!(Sb.version_min),
    field!(Sb.magic),
    field!(Sb.uuid),
    field!(Sb.user_uuid),
    field!(Sb.offset),
    field!(Sb.seq),
    field!(Sb.block_size),
    field!(Sb.dev_idx),
    field!(Sb.nr_devices),
    field!(Sb.u64s),
    field!(Sb.time_base_lo),
    field!(Sb.time_precision),
    sb_bits!(FLAGS0, "INITIALIZED"),
    sb_bits!(FLAGS0, "CLEAN"),
    sb_bits!(FLAGS0, "CSUM_TYPE"),
    sb_bits!(FLAGS0, "ERROR_ACTION"),
    sb_bits!(FLAGS0, "BTREE_NODE_SIZE"),
    sb_bits!(FLAGS0, "GC_RESERVE"),
    sb_bits!(FLAGS0, "ROOT_RESERVE"),
    sb_bits!(FLAGS0, "META_CSUM_TYPE"),
    sb_bits!(FLAGS0, "DATA_CSUM_TYPE"),
    sb_bits!(FLAGS0, "META_REPLICAS_WANT"),
    sb_bits!(FLAGS0, "DATA_REPLICAS_WANT"),
    sb_bits!(FLAGS0, "options"),
    sb_bits!(FLAGS1, "STR_HASH_TYPE"),
    sb_bits!(FLAGS1, "COMPRESSION_TYPE"),
    sb_bits!(FLAGS1, "128_BIT_MACS"),
    sb_bits!(FLAGS1, "ENCRYPTION_TYPE"),
    sb_bits!(FLAGS1, "ENCODED_EXTENT_MAX_BITS"),
    sb_bits!(FLAGS1, "META_REPLICAS_REQ"),
    sb_bits!(FLAGS1, "DATA_REPLICAS_REQ"),
    element!(Sb.features[0] as "features"),
    element!(Sb.features[1] as "features2"),
    element!(Sb.compat[0] as "compat"),
    field!(Sb.layout.magic as "layout_magic"),
    field!(Sb.layout.layout_type as "layout_type"),
    field!(Sb.layout.sb_max_size_bits as "sb_max_size_bits"),
    field!(Sb.layout.nr_superblocks as "nr_superblocks"),
    element!(Sb.layout.sb_offset[0] as "sb_offset"),
    element!(Sb.layout.sb_offset[1] as "sb_offset2"),
];

pub(super) const SECTION: &[Row] = &[field!(SbField.u64s), field!(SbField.type_ as "type")];

macro_rules! member_bits {
    ($name:literal) => {
        bits!(offset_of!(Member, flags), section::FLAG_BITS, "struct bch_member", $name)
    };
}

pub(super) const MEMBER: &[Row] = &[
    field!(Member.uuid),
    field!(Member.nbuckets),
    field!(Member.first_bucket),
    field!(Member.bucket_size),
    field!(Member.last_mount),
    member_bits!("STATE"),
    member_bits!("REPLACEMENT"),
    member_bits!("DISCARD"),
    member_bits!("DATA_ALLOWED"),
    member_bits!("GROUP"),
    member_bits!("DURABILITY"),
];

pub(super) const CLEAN: &[Row] = &[
    field!(SbClean.flags),
    field!(SbClean.read_clock),
    field!(SbClean.write_clock),
    field!(SbClean.journal_seq),
];

macro_rules! jset_bits {
    ($name:literal) => {
        bits!(offset_of!(Jset, flags), jset::FLAG_BITS, "struct jset", $name)
    };
}

pub(super) const JSET: &[Row] = &[
    field!(Jset.csum),
    field!(Jset.magic),
    field!(Jset.seq),
    field!(Jset.version),
    jset_bits!("CSUM_TYPE"),
    jset_bits!("BIG_ENDIAN"),
    jset_bits!("flags"),
    field!(Jset.u64s),
    field!(Jset.read_clock),
    field!(Jset.write_clock),
    field!(Jset.last_seq),
];

pub(super) const JSET_ENTRY: &[Row] = &[
    field!(JsetEntry.u64s),
    field!(JsetEntry.btree_id),
    field!(JsetEntry.level),
    field!(JsetEntry.type_ as "type"),
];

macro_rules! node_bits {
    ($name:literal) => {
        bits!(offset_of!(BtreeNode, flags), node::FLAG_BITS, "struct btree_node", $name)
    };
}

pub(super) const NODE: &[Row] = &[
    field!(BtreeNode.csum),
    field!(BtreeNode.magic),
    node_bits!("ID"),
    node_bits!("LEVEL"),
    node_bits!("NEW_EXTENT_OVERWRITE"),
    node_bits!("flags"),
    node_bits!("SEQ"),
    field!(BtreeNode.min_key.snapshot as "min_key.snapshot"),
    field!(BtreeNode.min_key.offset as "min_key.offset"),
    field!(BtreeNode.min_key.inode as "min_key.inode"),
    field!(BtreeNode.max_key.snapshot as "max_key.snapshot"),
    field!(BtreeNode.max_key.offset as "max_key.offset"),
    field!(BtreeNode.max_key.inode as "max_key.inode"),
    field!(BtreeNode.ptr),
    field!(BtreeNode.format.key_u64s as "format.key_u64s"),
    field!(BtreeNode.format.nr_fields as "format.nr_fields"),
    element!(BtreeNode.format.bits_per_field[0] as "format.bits0"),
    element!(BtreeNode.format.bits_per_field[1] as "format.bits1"),
    element!(BtreeNode.format.bits_per_field[2] as "format.bits2"),
    element!(BtreeNode.format.bits_per_field[3] as "format.bits3"),
    element!(BtreeNode.format.bits_per_field[4] as "format.bits4"),
    element!(BtreeNode.format.bits_per_field[5] as "format.bits5"),
    element!(BtreeNode.format.field_offset[0] as "format.offset0"),
    element!(BtreeNode.format.field_offset[1] as "format.offset1"),
    element!(BtreeNode.format.field_offset[2] as "format.offset2"),
    element!(BtreeNode.format.field_offset[3] as "format.offset3"),
    element!(BtreeNode.format.field_offset[4] as "format.offset4"),
    element!(BtreeNode.format.field_offset[5] as "format.offset5"),
];

macro_rules! bset_bits {
    ($name:literal) => {
        bits!(offset_of!(Bset, flags), node::FLAG_BITS, "struct bset", $name)
    };
}

/// From the start of the bset.
pub(super) const BSET: &[Row] = &[
    field!(Bset.seq),
    field!(Bset.journal_seq),
    bset_bits!("CSUM_TYPE"),
    bset_bits!("BIG_ENDIAN"),
    bset_bits!("SEPARATE_WHITEOUTS"),
    bset_bits!("flags"),
    field!(Bset.version),
    field!(Bset.u64s),
];

pub(super) const KEY_HEAD: &[Row] = &all::<4>(bkey::HEAD_BITS, "struct bkey_packed");

pub(super) const BKEY: &[Row] = &[
    field!(Bkey.version.lo as "version.lo"),
    field!(Bkey.version.hi as "version.hi"),
    field!(Bkey.size),
    field!(Bkey.p.snapshot as "snapshot"),
    field!(Bkey.p.offset as "offset"),
    field!(Bkey.p.inode as "inode"),
];

pub(super) const PACKED_NAMES: [&str; 6] =
    ["inode", "offset", "snapshot", "size", "version.hi", "version.lo"];

pub(super) const PTR: &[Row] = &all::<7>(extent::BITS, "struct bch_extent_ptr");

pub(super) const CRC32: &[Row] = &all::<8>(extent::BITS, "struct bch_extent_crc32");

pub(super) const CRC64: &[Row] = {
    let [a, b, c, d, e, f, g, h] = all(extent::BITS, "struct bch_extent_crc64");
    &[a, b, c, d, e, f, g, h, field!(ExtentCrc64.csum_lo)]
};

pub(super) const CRC128: &[Row] = {
    let [a, b, c, d, e, f, g] = all(extent::BITS, "struct bch_extent_crc128");
    &[a, b, c, d, e, f, g, field!(ExtentCrc128.csum)]
};

pub(super) const STRIPE_PTR: &[Row] = &all::<3>(extent::BITS, "struct bch_extent_stripe_ptr");

pub(super) const BTREE_PTR_V2: &[Row] = &[
    field!(BtreePtrV2.mem_ptr),
    field!(BtreePtrV2.seq),
    field!(BtreePtrV2.sectors_written),
    field!(BtreePtrV2.sectors),
    field!(BtreePtrV2.min_key.snapshot as "min_key.snapshot"),
    field!(BtreePtrV2.min_key.offset as "min_key.offset"),
    field!(BtreePtrV2.min_key.inode as "min_key.inode"),
];

pub(super) const STRIPE: &[Row] = &[
    field!(StripeValue.sectors),
    field!(StripeValue.algorithm),
    field!(StripeValue.nr_blocks),
    field!(StripeValue.nr_redundant),
    field!(StripeValue.csum_granularity_bits),
    field!(StripeValue.csum_type),
    field!(StripeValue.pad),
];

macro_rules! inode_bits {
    ($name:literal) => {
        bits!(offset_of!(InodeValue, flags), value::FLAG_BITS, "struct bch_inode", $name)
    };
}

pub(super) const INODE: &[Row] = &[
    field!(InodeValue.hash_seed as "bi_hash_seed"),
    // The flags below the hash.
    ("bi_flags", 8 * offset_of!(InodeValue, flags), 20),
    inode_bits!("STR_HASH"),
    inode_bits!("NR_FIELDS"),
    field!(InodeValue.mode as "bi_mode"),
];

pub(super) const DIRENT: &[Row] = &[
    field!(DirentValue.inum as "d_inum"),
    field!(DirentValue.type_ as "d_type"),
    ("d_name", 8 * size_of::<DirentValue>(), 8),
];
pub(super) const XATTR: &[Row] = &[
    field!(XattrValue.type_ as "x_type"),
    field!(XattrValue.name_len as "x_name_len"),
    field!(XattrValue.val_len as "x_val_len"),
    ("x_name", 8 * size_of::<XattrValue>(), 8),
];
pub(super) const REFLINK_P: &[Row] =
    &[field!(ReflinkP.idx), field!(ReflinkP.reservation_generation), field!(ReflinkP.nr_replicas)];
pub(super) const RESERVATION: &[Row] =
    &[field!(Reservation.generation), field!(Reservation.nr_replicas)];

/// Head of an alloc key's value.
pub(super) const ALLOC: &[Row] = &[field!(AllocValue.fields), field!(AllocValue.gen_ as "gen")];
