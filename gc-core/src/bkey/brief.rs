// SPDX-License-Identifier: GPL-2.0-only
//! Keys of the most common formats, unpacked in a few steps.
//!
//! Most nodes have keys without snapshots and versions, whose other fields are
//! narrow. What is worked out for the format is not looked at again for each key.

use super::node_format::{LOADED, NodeFormat, Place, bytes_of};
use crate::layout::bits::low32;
use crate::layout::position::Bpos;

/// The words from the beginning of a key on, whether they are its own or not.
pub type Window = [u64; LOADED];

/// Where the fields of keys lie that have nothing but a position without a snapshot
/// and a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    key_u64s: u8,
    inode: Place,
    offset: Place,
    size: Place,
    /// Number of the last word, and which of its bits hold the position.
    last: usize,
    mask: u64,
    /// Whether that is all of the position.
    narrow: bool,
}

impl NodeFormat {
    /// A shorter form of the format where its packed keys have neither snapshot nor version, and
    /// no field that one load would not hold.
    #[must_use]
    pub fn brief(&self) -> Option<Brief> {
        let [inode, offset, snapshot, size, version_hi, version_lo] = self.places;
        let without = [snapshot, version_hi, version_lo].iter().all(|p| p.is_always(0));
        let narrow = [inode, offset, size].iter().all(Place::in_one_load);
        if !without || !narrow {
            return None;
        }
        let key_u64s = self.key_u64s();
        let last = usize::from(key_u64s.saturating_sub(1));
        let without_position = 64_u32.checked_sub(self.key_bits());
        let mask = u64::MAX.checked_shl(without_position.unwrap_or(0)).unwrap_or(0);
        let narrow = without_position.is_some();
        Some(Brief { key_u64s, inode, offset, size, last, mask, narrow })
    }
}

impl Brief {
    /// Length of a packed key without its value, in u64s.
    #[inline]
    #[must_use]
    pub const fn key_u64s(&self) -> u8 {
        self.key_u64s
    }

    /// Inode and offset of a packed key.
    #[inline]
    #[must_use]
    pub fn position(&self, key: &Window) -> (u64, u64) {
        let bytes = bytes_of(key);
        (self.inode.load_bits(bytes), self.offset.load_bits(bytes))
    }

    /// Offset of a packed key.
    #[inline]
    #[must_use]
    pub fn offset(&self, key: &Window) -> u64 {
        self.offset.load_bits(bytes_of(key))
    }

    /// Size of a packed key.
    #[inline]
    #[must_use]
    pub fn size(&self, key: &Window) -> u32 {
        low32(self.size.load_bits(bytes_of(key)))
    }

    /// Whether the position of a packed key is in one word.
    #[must_use]
    pub const fn is_narrow(&self) -> bool {
        self.narrow
    }

    /// The position of a packed key as a number in the order of positions, if
    /// [`Self::is_narrow`].
    #[inline]
    #[must_use]
    pub fn order(&self, key: &Window) -> u64 {
        key.get(self.last & 7).copied().unwrap_or(0) & self.mask
    }

    /// The first two words of the value of a packed key, whether they are its own or
    /// not.
    #[inline]
    #[must_use]
    pub fn value(&self, key: &Window) -> [u64; 2] {
        // Keys have seven words at most.
        let first = usize::from(self.key_u64s & 7);
        [first, first.wrapping_add(1)].map(|i| key.get(i).copied().unwrap_or(0))
    }

    /// The number that a key at this position would have; `None`: it cannot be
    /// packed, or not [`Self::is_narrow`].
    #[must_use]
    pub fn order_of(&self, p: Bpos) -> Option<u64> {
        if !self.narrow || p.snapshot != 0 {
            return None;
        }
        let fits = |v: u64, place: &Place| {
            v.checked_sub(place.offset).filter(|stored| *stored <= place.mask)
        };
        let inode = fits(p.inode, &self.inode)?;
        let offset = fits(p.offset, &self.offset)?;
        // A field without bits may lie behind the word: it is 0 then.
        let at = |v: u64, place: &Place| v.checked_shl(place.shift).unwrap_or(0);
        Some((at(inode, &self.inode) | at(offset, &self.offset)) & self.mask)
    }
}
