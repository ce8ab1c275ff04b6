// SPDX-License-Identifier: GPL-2.0-only
//! A node's format made ready for use: unpacking and comparing.

use super::format::{FormatError, width_mask};
use super::raw_key::RawKey;
use crate::layout::bits::low32;
use crate::layout::bkey::{Bkey, BkeyFormat};
use crate::layout::position::{Bpos, Bversion};
use core::cmp::Ordering;
use core::mem::offset_of;

/// Words that hold the longest packed key (7), as a power of two so that an
/// index needs a mask and no check.
pub(super) const WINDOW: usize = 8;

/// Words looked at when unpacking: a load of eight bytes from any byte of the
/// window stays inside.
pub(super) const LOADED: usize = 9;
/// Bytes of these words.
pub(super) const LOADED_BYTES: usize = 72;

/// Where one field lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Word of the lowest bit.
    pub(super) word: usize,
    /// Bit in that word.
    pub(super) shift: u32,
    /// That bit as a byte and a bit in it.
    byte: u8,
    bit: u8,
    /// Width as a mask, not shifted.
    pub(super) mask: u64,
    /// What is added to the stored value.
    pub(super) offset: u64,
}

impl Place {
    const fn new(low: usize, mask: u64, offset: u64) -> Self {
        let (byte, bit) = (low / 8, low % 8);
        let (word, shift) = (low / 64, low % 64);
        let [byte, ..] = byte.to_le_bytes();
        let [bit, ..] = bit.to_le_bytes();
        let [shift, ..] = shift.to_le_bytes();
        Self { word, shift: u32::from_le_bytes([shift, 0, 0, 0]), byte, bit, mask, offset }
    }

    /// Whether every key has this value.
    pub(super) const fn is_always(&self, value: u64) -> bool {
        self.mask == 0 && self.offset == value
    }

    /// Whether one load of eight bytes has the whole field.
    pub(super) const fn in_one_load(&self) -> bool {
        self.mask <= u64::MAX >> self.bit
    }

    /// The field, if [`Self::in_one_load`].
    #[inline]
    fn load(&self, bytes: &[u8; LOADED_BYTES]) -> u64 {
        // Most formats have fields without bits: versions, snapshots.
        if self.mask == 0 {
            return self.offset;
        }
        self.load_bits(bytes)
    }

    /// Reads a field that has bits.
    #[inline]
    pub(super) fn load_bits(&self, bytes: &[u8; LOADED_BYTES]) -> u64 {
        let at = usize::from(self.byte & 63);
        let eight = bytes.get(at..at.wrapping_add(8)).and_then(|b| b.first_chunk::<8>());
        let word = u64::from_le_bytes(eight.copied().unwrap_or_default());
        (word.wrapping_shr(u32::from(self.bit)) & self.mask).wrapping_add(self.offset)
    }

    /// The field, wherever it lies.
    #[inline]
    fn get(&self, words: &[u64; LOADED]) -> u64 {
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

/// The places of an unpacked key's fields, in the order that they have in a format.
const CURRENT_PLACES: [Place; 6] = {
    const fn bit(byte: usize) -> usize {
        byte.wrapping_mul(8)
    }
    [
        Place::new(bit(offset_of!(Bkey, p.inode)), u64::MAX, 0),
        Place::new(bit(offset_of!(Bkey, p.offset)), u64::MAX, 0),
        Place::new(bit(offset_of!(Bkey, p.snapshot)), U32, 0),
        Place::new(bit(offset_of!(Bkey, size)), U32, 0),
        Place::new(bit(offset_of!(Bkey, version.hi)), U32, 0),
        Place::new(bit(offset_of!(Bkey, version.lo)), u64::MAX, 0),
    ]
};

/// A valid format with the place of each field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeFormat {
    raw: BkeyFormat,
    key_bits: u32,
    /// Whether every field lies in one load of eight bytes.
    one_load: bool,
    pub(super) places: [Place; 6],
}

/// The words of a key, filled up to a fixed length only if its bset ends first.
#[inline]
fn window<'a>(words: &'a [u64], spare: &'a mut [u64; LOADED]) -> &'a [u64; LOADED] {
    if let Some(full) = words.first_chunk::<LOADED>() {
        return full;
    }
    for (to, from) in spare.iter_mut().zip(words) {
        *to = *from;
    }
    spare
}

/// Words as the bytes they are.
#[inline]
pub(super) fn bytes_of(words: &[u64; LOADED]) -> &[u8; LOADED_BYTES] {
    zerocopy::transmute_ref!(words)
}

impl NodeFormat {
    /// Checks a format and works out where its fields lie.
    ///
    /// # Errors
    /// What [`BkeyFormat::validate`] finds.
    pub fn new(raw: &BkeyFormat) -> Result<Self, FormatError> {
        raw.validate()?;
        let mut low = usize::from(raw.key_u64s).wrapping_mul(64);
        let mut places = [Place::new(0, 0, 0); 6];
        let fields = raw.bits_per_field.iter().zip(&raw.field_offset);
        for (place, (&width, offset)) in places.iter_mut().zip(fields) {
            // Valid formats have the widths and 24 bits more in their words. A
            // field of width 0 may lie on the bit behind the last word.
            low = low.saturating_sub(usize::from(width));
            *place = Place::new(low, width_mask(u32::from(width)), offset.get());
        }
        let one_load = places.iter().all(Place::in_one_load);
        Ok(Self { raw: *raw, key_bits: raw.key_bits(), one_load, places })
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
        let mut spare = [0; LOADED];
        let words = window(key.tail(), &mut spare);
        if key.is_packed() && self.one_load {
            let bytes = bytes_of(words);
            let [inode, offset, snapshot, size, version_hi, version_lo] = &self.places;
            return [
                inode.load(bytes),
                offset.load(bytes),
                snapshot.load(bytes),
                size.load(bytes),
                version_hi.load(bytes),
                version_lo.load(bytes),
            ];
        }
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

    /// Unpacks the size of a key and the low part of its version.
    #[inline]
    #[must_use]
    pub fn unpack_size_version(&self, key: RawKey<'_>) -> (u32, u64) {
        match key.tail().first_chunk::<LOADED>() {
            Some(words) if key.is_packed() && self.one_load => {
                let [_, _, _, size, _, version] = &self.places;
                let bytes = bytes_of(words);
                (low32(size.load(bytes)), version.load(bytes))
            }
            _ => self.unpack_size_version_anywhere(key),
        }
    }

    /// Size and version of a key that is not packed, or the last of its set.
    #[cold]
    fn unpack_size_version_anywhere(&self, key: RawKey<'_>) -> (u32, u64) {
        let [_, _, _, size, _, version] = self.fields(key);
        (low32(size), version)
    }

    /// Unpacks the position of a key.
    #[inline]
    #[must_use]
    pub fn unpack_pos(&self, key: RawKey<'_>) -> Bpos {
        let mut spare = [0; LOADED];
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
