// SPDX-License-Identifier: GPL-2.0-only
//! Little endian integers out of byte slices, bounds checked.

use gc_core::layout::Bpos;

/// `N` bytes from `at` on.
#[inline]
#[must_use]
pub fn array<const N: usize>(b: &[u8], at: usize) -> Option<[u8; N]> {
    b.get(at..)?.first_chunk::<N>().copied()
}

/// A byte.
#[inline]
#[must_use]
pub fn u8_at(b: &[u8], at: usize) -> Option<u8> {
    b.get(at).copied()
}

/// Two bytes.
#[inline]
#[must_use]
pub fn u16_at(b: &[u8], at: usize) -> Option<u16> {
    array(b, at).map(u16::from_le_bytes)
}

/// Four bytes.
#[inline]
#[must_use]
pub fn u32_at(b: &[u8], at: usize) -> Option<u32> {
    array(b, at).map(u32::from_le_bytes)
}

/// Eight bytes.
#[inline]
#[must_use]
pub fn u64_at(b: &[u8], at: usize) -> Option<u64> {
    array(b, at).map(u64::from_le_bytes)
}

/// A position (20 bytes: snapshot, offset, inode).
#[inline]
#[must_use]
pub fn bpos_at(b: &[u8], at: usize) -> Option<Bpos> {
    let b = b.get(at..)?;
    Some(Bpos { snapshot: u32_at(b, 0)?, offset: u64_at(b, 4)?, inode: u64_at(b, 12)? })
}

/// A count as an index; what does not fit is larger than any image.
#[inline]
#[must_use]
pub fn index(v: u64) -> usize {
    usize::try_from(v).unwrap_or(usize::MAX)
}

/// A length as a number.
#[inline]
#[must_use]
pub fn number(v: usize) -> u64 {
    u64::try_from(v).unwrap_or(u64::MAX)
}

/// `b` as words of 8 bytes, little endian; bytes beyond the last whole word are left out.
#[must_use]
pub fn words(b: &[u8]) -> Vec<u64> {
    each_word(b).collect()
}

/// The words of [`words`], one after another.
pub fn each_word(b: &[u8]) -> impl ExactSizeIterator<Item = u64> + '_ {
    b.chunks_exact(8).map(|c| array(c, 0).map_or(0, u64::from_le_bytes))
}

/// `words` in pairs; a last one without a partner is left out.
#[must_use]
pub fn pairs(words: &[u64]) -> Vec<(u64, u64)> {
    let pair = |p: &[u64]| match *p {
        [a, b] => Some((a, b)),
        _ => None,
    };
    words.chunks_exact(2).filter_map(pair).collect()
}
