// SPDX-License-Identifier: GPL-2.0-only
//! Lengths as numbers, and bytes as words.

/// `N` bytes from `at` on.
#[inline]
#[must_use]
pub fn array<const N: usize>(b: &[u8], at: usize) -> Option<[u8; N]> {
    b.get(at..)?.first_chunk::<N>().copied()
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
    b.chunks_exact(8).map(|c| c.first_chunk().copied().map_or(0, u64::from_le_bytes))
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
