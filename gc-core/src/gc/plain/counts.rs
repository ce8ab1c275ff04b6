// SPDX-License-Identifier: GPL-2.0-only
//! What the pointers of one key come to, before any of it is counted.

use super::place::Place;
use crate::layout::DataType;

/// Pointers of a key that are counted here; those of longer keys are the host's.
pub(super) const POINTERS: usize = 4;

/// A set of devices as it is looked up: bytes of an entry, the first lowest.
/// As long as it has at most [`POINTERS`] devices it fits.
pub(super) type Packed = u64;

/// The set of one copy.
#[inline]
pub(super) const fn one_on(data_type: DataType, dev: u8) -> Packed {
    Packed::from_le_bytes([data_type.0, 1, 1, dev, 0, 0, 0, 0])
}

/// What a key's pointers come to.
pub(super) struct Counts<'a> {
    pub(super) places: [Option<Place<'a>>; POINTERS],
    pub(super) nr: usize,
    pub(super) dirty: u64,
    pub(super) devs: [u8; POINTERS],
    pub(super) nr_devs: usize,
    pub(super) cached: [(usize, u64); POINTERS],
    pub(super) nr_cached: usize,
}

/// The place for one more, which is counted.
#[inline]
fn next<'a, T>(all: &'a mut [T; POINTERS], nr: &mut usize) -> Option<&'a mut T> {
    let slot = all.get_mut(*nr)?;
    *nr = nr.wrapping_add(1);
    Some(slot)
}

impl<'a> Counts<'a> {
    #[inline]
    pub(super) const fn new() -> Self {
        Self {
            places: [None; POINTERS],
            nr: 0,
            dirty: 0,
            devs: [0; POINTERS],
            nr_devs: 0,
            cached: [(0, 0); POINTERS],
            nr_cached: 0,
        }
    }

    /// Two pointers into one bucket would each see the mark without the other.
    #[inline]
    pub(super) fn push(&mut self, place: Place<'a>) -> Option<()> {
        let same = |p: &Option<Place<'_>>| p.is_some_and(|p| core::ptr::eq(p.bucket, place.bucket));
        if self.nr != 0 && self.places.iter().any(same) {
            return None;
        }
        *next(&mut self.places, &mut self.nr)? = Some(place);
        Some(())
    }

    #[inline]
    pub(super) fn push_cached(&mut self, word: usize, n: u64) -> Option<()> {
        *next(&mut self.cached, &mut self.nr_cached)? = (word, n);
        Some(())
    }

    #[inline]
    pub(super) fn push_dev(&mut self, dev: u8) -> Option<()> {
        *next(&mut self.devs, &mut self.nr_devs)? = dev;
        Some(())
    }

    /// The set of all dirty pointers, devices sorted.
    #[inline]
    pub(super) fn own_set(&self, data_type: DataType) -> Packed {
        let mut devs = self.devs;
        devs.get_mut(..self.nr_devs).unwrap_or_default().sort_unstable();
        let [a, b, c, d] = devs;
        let [nr, ..] = self.nr_devs.to_le_bytes();
        Packed::from_le_bytes([data_type.0, nr, 1, a, b, c, d, 0])
    }
}
