// SPDX-License-Identifier: GPL-2.0-only
//! Which stretches of a device's buckets a run has to look at.
//!
//! Most buckets of a large device have never been used: nothing is known of them,
//! nothing points to them, and their second buckets are as the host made them, zero.
//! A run on its own neither writes nor compares those.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::cell::Cell;

/// Buckets of a stretch: 4 KiB of them.
pub(super) const STRETCH: usize = 256;

/// A set of stretches. One thread adds to it.
#[derive(Debug)]
pub struct Touched {
    /// One bit a stretch; what lies past the end counts as set.
    bits: Vec<Cell<u64>>,
}

/// The word and the bit of a stretch.
#[inline]
fn place(stretch: usize) -> (usize, u64) {
    let [bit, ..] = (stretch % 64).to_le_bytes();
    (stretch / 64, 1_u64.wrapping_shl(u32::from(bit)))
}

impl Touched {
    /// All stretches: others write the buckets too.
    #[must_use]
    pub const fn all() -> Self {
        Self { bits: Vec::new() }
    }

    /// None yet of those that so many buckets have.
    ///
    /// # Errors
    /// When memory is short.
    pub fn none_of(buckets: usize) -> Result<Self, TryReserveError> {
        let words = buckets.div_ceil(STRETCH).div_ceil(64);
        let mut bits = Vec::new();
        bits.try_reserve_exact(words)?;
        bits.extend(core::iter::repeat_n(0, words).map(Cell::new));
        Ok(Self { bits })
    }

    /// Adds a stretch.
    #[inline]
    pub(super) fn set(&self, stretch: usize) {
        let (word, bit) = place(stretch);
        if let Some(cell) = self.bits.get(word) {
            cell.set(cell.get() | bit);
        }
    }

    /// Adds the stretch of a bucket.
    #[inline]
    pub fn bucket(&self, bucket: u64) {
        // What does not fit lies past the end, too.
        self.set(usize::try_from(bucket).unwrap_or(usize::MAX) / STRETCH);
    }

    /// Adds all stretches.
    #[cold]
    pub fn everything(&self) {
        self.bits.iter().for_each(|word| word.set(u64::MAX));
    }

    /// Whether a stretch is in the set.
    #[inline]
    pub(super) fn has(&self, stretch: usize) -> bool {
        let (word, bit) = place(stretch);
        self.bits.get(word).is_none_or(|cell| cell.get() & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    // Oracle: a set of numbers.
    #[test]
    fn a_set_of_stretches() {
        let n = 70 * STRETCH;
        let touched = Touched::none_of(n - 3).unwrap();
        let mut want = BTreeSet::new();
        for bucket in [0, 255, 256, 16_383, 16_384, n as u64 - 4, 300] {
            touched.bucket(bucket);
            want.insert(bucket as usize / STRETCH);
            for stretch in 0..70 {
                assert_eq!(touched.has(stretch), want.contains(&stretch), "{stretch}");
            }
        }
        // Buckets that there are not do no harm.
        touched.bucket(u64::MAX);
        assert!(touched.has(usize::MAX));
        assert!(!touched.has(5));
        touched.everything();
        assert!((0..70).all(|s| touched.has(s)));
        let all = Touched::all();
        all.bucket(7);
        assert!((0..70).all(|s| all.has(s)));
    }
}
