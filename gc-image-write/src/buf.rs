// SPDX-License-Identifier: GPL-2.0-only
//! Bytes, words and sectors.

/// Zeros up to the next multiple of `n`.
pub(crate) fn pad(b: &mut Vec<u8>, n: usize) {
    b.resize(b.len().next_multiple_of(n), 0);
}

/// Bytes as words, the last one filled with zeros.
pub(crate) fn words(bytes: &[u8]) -> Vec<u64> {
    let word = |c: &[u8]| {
        let mut w = [0; 8];
        for (to, from) in w.iter_mut().zip(c) {
            *to = *from;
        }
        u64::from_le_bytes(w)
    };
    bytes.chunks(8).map(word).collect()
}

/// Sectors in bytes.
pub(crate) fn bytes_of(sectors: u64) -> usize {
    usize::try_from(sectors.saturating_mul(512)).unwrap_or(usize::MAX)
}

/// A length as a number.
pub(crate) fn number(v: usize) -> u64 {
    u64::try_from(v).unwrap_or(u64::MAX)
}

/// Low bits of a number.
pub(crate) fn low8(v: u64) -> u8 {
    gc_core::layout::bits::low8(v)
}
