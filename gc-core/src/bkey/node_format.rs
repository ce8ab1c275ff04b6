// SPDX-License-Identifier: GPL-2.0-only
//! A node's format made ready for use: unpacking and comparing.

use super::format::{FormatError, width_mask};
use super::raw_key::RawKey;
use crate::layout::bits::low32;
use crate::layout::bkey::{Bkey, BkeyFormat};
use crate::layout::position::{Bpos, Bversion};
use core::cmp::Ordering;

/// Words that hold the longest packed key (7), as a power of two so that an
/// index needs a mask and no check.
pub(super) const WINDOW: usize = 8;

/// Where one field lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Word of the lowest bit.
    pub(super) word: usize,
    /// Bit in that word.
    pub(super) shift: u32,
    /// Width as a mask, not shifted.
    pub(super) mask: u64,
    /// What is added to the stored value.
    pub(super) offset: u64,
}

impl Place {
    #[inline]
    fn get(&self, words: &[u64; WINDOW]) -> u64 {
        let at = |i: usize| words.get(i % WINDOW).copied().unwrap_or(0);
        let low = at(self.word).wrapping_shr(self.shift);
        // In two steps, so that shift 0 adds nothing; bits beyond the field are
        // masked off, so a field within one word needs no case of its own.
        let high =
            (at(self.word.wrapping_add(1)) << 1).wrapping_shl(63_u32.wrapping_sub(self.shift));
        ((low | high) & self.mask).wrapping_add(self.offset)
    }
}

const U32: u64 = 0xffff_ffff;

/// The places of an unpacked key's fields, by the same rule with the current
/// format.
const CURRENT_PLACES: [Place; 6] = [
    Place { word: 4, shift: 0, mask: u64::MAX, offset: 0 },
    Place { word: 3, shift: 0, mask: u64::MAX, offset: 0 },
    Place { word: 2, shift: 32, mask: U32, offset: 0 },
    Place { word: 2, shift: 0, mask: U32, offset: 0 },
    Place { word: 1, shift: 32, mask: U32, offset: 0 },
    Place { word: 0, shift: 32, mask: u64::MAX, offset: 0 },
];

/// A valid format with the place of each field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeFormat {
    raw: BkeyFormat,
    key_bits: u32,
    pub(super) places: [Place; 6],
}

/// The words of a key, filled up to a fixed length only if its bset ends first.
#[inline]
fn window<'a>(words: &'a [u64], spare: &'a mut [u64; WINDOW]) -> &'a [u64; WINDOW] {
    if let Some(full) = words.first_chunk::<WINDOW>() {
        return full;
    }
    for (to, from) in spare.iter_mut().zip(words) {
        *to = *from;
    }
    spare
}

impl NodeFormat {
    /// Checks a format and works out where its fields lie.
    ///
    /// # Errors
    /// What [`BkeyFormat::validate`] finds.
    pub fn new(raw: &BkeyFormat) -> Result<Self, FormatError> {
        raw.validate()?;
        let mut low = u32::from(raw.key_u64s).wrapping_mul(64);
        let mut places = [Place { word: 0, shift: 0, mask: 0, offset: 0 }; 6];
        let fields = raw.bits_per_field.iter().zip(&raw.field_offset);
        for (place, (&width, offset)) in places.iter_mut().zip(fields) {
            let width = u32::from(width);
            // Valid formats have the widths and 24 bits more in their words.
            low = low.saturating_sub(width);
            // The bit behind the last word is where a field of width 0 may lie.
            let word = usize::try_from(low / 64).unwrap_or(0);
            *place = Place { word, shift: low % 64, mask: width_mask(width), offset: offset.get() };
        }
        Ok(Self { raw: *raw, key_bits: raw.key_bits(), places })
    }

    /// The format as on disk.
    #[inline]
    #[must_use]
    pub const fn raw(&self) -> &BkeyFormat {
        &self.raw
    }

    /// Length of a packed key without its value, in u64s: 1 to 7.
    #[inline]
    #[must_use]
    pub const fn key_u64s(&self) -> u8 {
        self.raw.key_u64s
    }

    /// Bits of a packed key that hold its position.
    #[inline]
    #[must_use]
    pub const fn key_bits(&self) -> u32 {
        self.key_bits
    }

    /// The six fields of a packed key, not cut to the sizes they have in an
    /// unpacked one.
    #[inline]
    pub(super) fn fields(&self, key: RawKey<'_>) -> [u64; 6] {
        let mut spare = [0; WINDOW];
        let words = window(key.tail(), &mut spare);
        let places = if key.is_packed() { &self.places } else { &CURRENT_PLACES };
        places.each_ref().map(|p| p.get(words))
    }

    /// Unpacks a key; its value stays where it is ([`RawKey::value`]).
    #[inline]
    #[must_use]
    pub fn unpack(&self, key: RawKey<'_>) -> Bkey {
        let [inode, offset, snapshot, size, version_hi, version_lo] = self.fields(key);
        let (u64s, format_ws, type_) = key.unpacked_head();
        Bkey {
            u64s,
            format_ws,
            type_,
            pad: 0,
            version: Bversion { lo: version_lo, hi: low32(version_hi) },
            size: low32(size),
            p: Bpos { snapshot: low32(snapshot), offset, inode },
        }
    }

    /// Unpacks the position of a key.
    #[inline]
    #[must_use]
    pub fn unpack_pos(&self, key: RawKey<'_>) -> Bpos {
        let mut spare = [0; WINDOW];
        let words = window(key.tail(), &mut spare);
        let [inode, offset, snapshot, ..] =
            if key.is_packed() { &self.places } else { &CURRENT_PLACES };
        Bpos {
            snapshot: low32(snapshot.get(words)),
            offset: offset.get(words),
            inode: inode.get(words),
        }
    }

    /// Compares two keys of the same node by position: two packed ones by their
    /// bits, without unpacking.
    #[inline]
    #[must_use]
    pub fn cmp(&self, l: RawKey<'_>, r: RawKey<'_>) -> Ordering {
        if l.is_packed() && r.is_packed() {
            self.cmp_bits(l.tail(), r.tail())
        } else {
            self.unpack_pos(l).cmp(&self.unpack_pos(r))
        }
    }

    /// Compares a key of the node with a position.
    #[inline]
    #[must_use]
    pub fn cmp_pos(&self, l: RawKey<'_>, r: Bpos) -> Ordering {
        self.unpack_pos(l).cmp(&r)
    }

    /// Compares the position bits of two packed keys, highest word first.
    #[inline]
    pub(super) fn cmp_bits(&self, l: &[u64], r: &[u64]) -> Ordering {
        let len = usize::from(self.raw.key_u64s);
        let (Some(l), Some(r)) = (l.get(..len), r.get(..len)) else {
            // A raw key always has its whole key.
            return Ordering::Equal;
        };
        let mut left = self.key_bits;
        for (&l, &r) in l.iter().rev().zip(r.iter().rev()) {
            if left == 0 {
                break;
            }
            let drop = 64_u32.saturating_sub(left);
            match l.wrapping_shr(drop).cmp(&r.wrapping_shr(drop)) {
                Ordering::Equal => left = left.saturating_sub(64),
                unequal => return unequal,
            }
        }
        Ordering::Equal
    }
}
