// SPDX-License-Identifier: GPL-2.0-only
//! Lossless and truncating integer steps that work in constant evaluation,
//! where `From` does not and `as` is not allowed.

/// Mask of the bits `lo..=hi` of a word. Both are below 64 and in order: the
/// callers are the constants of the layout tables.
#[must_use]
pub const fn field_mask(lo: u32, hi: u32) -> u64 {
    assert!(lo <= hi && hi < 64);
    let width_less_one = hi.wrapping_sub(lo);
    (u64::MAX >> 63_u32.wrapping_sub(width_less_one)) << lo
}

/// The low 8 bits.
#[inline]
#[must_use]
pub const fn low8(v: u64) -> u8 {
    let [a, ..] = v.to_le_bytes();
    a
}

/// The low 16 bits.
#[inline]
#[must_use]
pub const fn low16(v: u64) -> u16 {
    let [a, b, ..] = v.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The low 32 bits.
#[inline]
#[must_use]
pub const fn low32(v: u64) -> u32 {
    let [a, b, c, d, ..] = v.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// A flag as a number.
#[inline]
#[must_use]
pub const fn from_bool(v: bool) -> u64 {
    if v { 1 } else { 0 }
}

/// Widens.
#[inline]
#[must_use]
pub const fn from8(v: u8) -> u64 {
    u64::from_le_bytes([v, 0, 0, 0, 0, 0, 0, 0])
}

/// Widens.
#[inline]
#[must_use]
pub const fn from16(v: u16) -> u64 {
    let [a, b] = v.to_le_bytes();
    u64::from_le_bytes([a, b, 0, 0, 0, 0, 0, 0])
}

/// Widens.
#[inline]
#[must_use]
pub const fn from32(v: u32) -> u64 {
    let [a, b, c, d] = v.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0])
}
