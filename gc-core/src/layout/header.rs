// SPDX-License-Identifier: GPL-2.0-only
//! Writes the layout tables as a C header: numbers and sizes under names of our
//! own, and assertions about the C side's structures where those are visible.

use super::describe::{BitField, Number, StructLayout};
use super::{
    alloc, bkey, btree, bucket, extent, fsck, gc_pos, journal, node, position, replicas, stripe,
    superblock, usage, value,
};
use core::fmt::{self, Write};

/// Every structure, by area.
pub const STRUCTS: &[&[StructLayout]] = &[
    position::STRUCTS,
    bkey::STRUCTS,
    extent::STRUCTS,
    value::STRUCTS,
    bucket::STRUCTS,
    replicas::STRUCTS,
    stripe::STRUCTS,
    node::STRUCTS,
    gc_pos::STRUCTS,
    usage::STRUCTS,
    journal::STRUCTS,
    alloc::STRUCTS,
    superblock::STRUCTS,
];

/// Every bit field, by area.
pub const BITS: &[&[BitField]] = &[
    bkey::BITS,
    extent::BITS,
    bucket::BITS,
    bucket::BYTE_BITS,
    stripe::BITS,
    journal::BITS,
    alloc::BITS,
];

/// Every number, by area.
pub const NUMBERS: &[&[Number]] = &[
    bkey::KEY_TYPES,
    bkey::NUMBERS,
    extent::ENTRY_TYPES,
    extent::CSUM_TYPES,
    extent::COMPRESSION_TYPES,
    bucket::DATA_TYPES,
    btree::BTREE_IDS,
    btree::NODE_TYPES,
    btree::NUMBERS,
    gc_pos::GC_PHASES,
    replicas::NUMBERS,
    alloc::NUMBERS,
    superblock::NUMBERS,
    fsck::NUMBERS,
];

const HEAD: &str = r#"/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layouts and numbers that the library shares with its host.
 * Generated from gc-core/src/layout/: cargo xtask generate
 *
 * Always: sizes and numbers under names of our own.
 * With BCH_GC_LAYOUT_STRUCTS defined, after the headers of a bcachefs tree: that
 * the tree's structures and numbers are the same, checked at compile time, and
 * bch_gc_layout_bits(), which finds a bit field that lies elsewhere.
 */
#ifndef BCH_GC_LAYOUT_H
#define BCH_GC_LAYOUT_H

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the library is laid out for little endian hosts"
#endif

"#;

const BIT_HELPERS: &str = r#"
/* Nonzero if exactly the bits lo to hi of the object are set. */
static __inline__ int bch_gc_layout_bits_are(const void *p, unsigned size, unsigned lo, unsigned hi)
{
	const unsigned char *bytes = (const unsigned char *) p;
	unsigned bit;

	for (bit = 0; bit < size * 8; bit++)
		if (((bytes[bit / 8] >> (bit % 8)) & 1) != (bit >= lo && bit <= hi))
			return 0;
	return 1;
}

#define BCH_GC_LAYOUT_BITS(type, field, lo, hi)					\
	do {									\
		union {								\
			type s;							\
			unsigned char bytes[sizeof(type)];			\
		} u;								\
										\
		__builtin_memset(&u, 0, sizeof(u));				\
		u.s.field = ones;						\
		if (!bch_gc_layout_bits_are(&u, sizeof(u), lo, hi))		\
			return #type "." #field;				\
	} while (0)

/* The first bit field that lies elsewhere, or null. Call with ~0ULL. */
static __inline__ const char *bch_gc_layout_bits(unsigned long long ones)
{
"#;

const TAIL: &str = r#"	return (const char *) 0;
}

#endif /* BCH_GC_LAYOUT_STRUCTS */

#endif /* BCH_GC_LAYOUT_H */
"#;

/// A C type as part of an identifier.
fn tag(c_name: &str) -> &str {
    c_name.strip_prefix("struct ").or_else(|| c_name.strip_prefix("union ")).unwrap_or(c_name)
}

/// Writes the header.
///
/// # Errors
/// Those of `out`.
pub fn write_header(out: &mut impl Write) -> fmt::Result {
    out.write_str(HEAD)?;
    out.write_str("enum bch_gc_layout_number {\n")?;
    for n in NUMBERS.iter().copied().flatten() {
        writeln!(out, "\tBCH_GC_{} = {},", n.c_name, n.value)?;
    }
    out.write_str("\tBCH_GC_LAYOUT_NUMBERS_END\n};\n\nenum bch_gc_layout_size {\n")?;
    for s in STRUCTS.iter().copied().flatten() {
        writeln!(out, "\tBCH_GC_SIZEOF_{} = {},", tag(s.c_name), s.size)?;
    }
    out.write_str("\tBCH_GC_LAYOUT_SIZES_END\n};\n\n#ifdef BCH_GC_LAYOUT_STRUCTS\n")?;
    for n in NUMBERS.iter().copied().flatten() {
        writeln!(out, "_Static_assert({} == {}, \"{}\");", n.c_name, n.value, n.c_name)?;
    }
    for s in STRUCTS.iter().copied().flatten() {
        let c = s.c_name;
        writeln!(out)?;
        writeln!(out, "_Static_assert(sizeof({c}) == {}, \"size of {c}\");", s.size)?;
        writeln!(out, "_Static_assert(__alignof__({c}) == {}, \"alignment of {c}\");", s.align)?;
        for f in s.fields {
            writeln!(
                out,
                "_Static_assert(__builtin_offsetof({c}, {0}) == {1}, \"offset of {0} in {c}\");",
                f.name, f.offset
            )?;
        }
    }
    out.write_str(BIT_HELPERS)?;
    for b in BITS.iter().copied().flatten() {
        writeln!(out, "\tBCH_GC_LAYOUT_BITS({}, {}, {}, {});", b.c_struct, b.field, b.lo, b.hi)?;
    }
    out.write_str(TAIL)
}
