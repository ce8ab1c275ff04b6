// SPDX-License-Identifier: GPL-2.0-only
//! Packing keys and positions.

use super::format::fields_of;
use super::node_format::{NodeFormat, Place, WINDOW};
use super::raw_key::{RawKey, packed_head};
use crate::layout::bits::from32;
use crate::layout::bkey::{BKEY_U64S, Bkey, KEY_FORMAT_LOCAL_BTREE, KeyType};
use crate::layout::position::Bpos;

/// A packed key without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedKey {
    words: [u64; WINDOW],
    len: usize,
}

impl PackedKey {
    /// The words; the first byte is the length together with the value.
    #[inline]
    #[must_use]
    pub fn words(&self) -> &[u64] {
        self.words.get(..self.len).unwrap_or(&[])
    }
}

/// What packing a position gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackedPos {
    /// The position itself.
    Exact(PackedKey),
    /// The greatest position below it that packs.
    Smaller(PackedKey),
    /// No position at or below it packs.
    Fail,
}

impl Place {
    /// Puts a stored value, which must fit the mask, into words where the
    /// field's bits are 0.
    #[inline]
    fn put(&self, words: &mut [u64; WINDOW], stored: u64) {
        if let Some(w) = words.get_mut(self.word % WINDOW) {
            *w |= stored.wrapping_shl(self.shift);
        }
        // As when reading: in two steps, so that shift 0 carries nothing over.
        let high = (stored >> 1).wrapping_shr(63_u32.wrapping_sub(self.shift));
        if let Some(w) = words.get_mut(self.word.wrapping_add(1) % WINDOW) {
            *w |= high;
        }
    }
}

impl NodeFormat {
    #[inline]
    fn pack_fields(&self, fields: [u64; 6]) -> Option<[u64; WINDOW]> {
        let mut words = [0; WINDOW];
        for (place, v) in self.places.iter().zip(fields) {
            let stored = v.checked_sub(place.offset)?;
            if stored > place.mask {
                return None;
            }
            place.put(&mut words, stored);
        }
        Some(words)
    }

    /// Length of a packed key with such a value.
    fn u64s_with(&self, val_u64s: u8) -> Option<u8> {
        self.key_u64s().checked_add(val_u64s)
    }

    fn finish(&self, mut words: [u64; WINDOW], u64s: u8, ws: u8, type_: KeyType) -> PackedKey {
        let [first, ..] = &mut words;
        *first |= packed_head(u64s, KEY_FORMAT_LOCAL_BTREE | ws, type_);
        PackedKey { words, len: usize::from(self.key_u64s()) }
    }

    /// Packs a key; its length is that of the packed key with the same value.
    ///
    /// `None` if a field does not fit, if what is left of an extent after
    /// cutting its front would not fit, or if the result would be longer than a
    /// key can be.
    #[inline]
    #[must_use]
    pub fn pack(&self, k: &Bkey) -> Option<PackedKey> {
        let words = self.pack_fields(fields_of(k))?;
        let [_, offset, ..] = self.places;
        if k.start_offset() < offset.offset {
            return None;
        }
        let u64s = self.u64s_with(k.u64s.checked_sub(BKEY_U64S)?)?;
        Some(self.finish(words, u64s, k.format_ws & 0x80, k.type_))
    }

    /// Packs a key of a node with format `from` by this format, field by field:
    /// fields are not cut to the sizes of an unpacked key, and the start of an
    /// extent is not looked at (source: `bch2_bkey_transform`).
    #[inline]
    #[must_use]
    pub fn repack(&self, from: &NodeFormat, key: RawKey<'_>) -> Option<PackedKey> {
        let words = self.pack_fields(from.fields(key))?;
        let (_, format_ws, type_) = key.unpacked_head();
        let u64s = self.u64s_with(key.val_u64s())?;
        Some(self.finish(words, u64s, format_ws & 0x80, type_))
    }

    /// Packs a position, or the greatest below it that packs.
    #[must_use]
    pub fn pack_pos(&self, pos: Bpos) -> PackedPos {
        let [inode, offset, snapshot, ..] = &self.places;
        let mut p = pos;
        let mut exact = true;
        if from32(p.snapshot) < snapshot.offset {
            let Some(before) = p.predecessor() else { return PackedPos::Fail };
            p = Bpos { snapshot: u32::MAX, ..before };
            exact = false;
        }
        if p.offset < offset.offset {
            let Some(inode) = { p.inode }.checked_sub(1) else { return PackedPos::Fail };
            p = Bpos { snapshot: u32::MAX, offset: u64::MAX, inode };
            exact = false;
        }
        if p.inode < inode.offset {
            return PackedPos::Fail;
        }
        let mut words = [0; WINDOW];
        // Once a part had to be cut to all ones, all after it are.
        let mut cut = false;
        for (place, v, greatest) in [
            (inode, p.inode, u64::MAX),
            (offset, p.offset, u64::MAX),
            (snapshot, from32(p.snapshot), u64::from(u32::MAX)),
        ] {
            let v = if cut { greatest } else { v };
            let stored = v.wrapping_sub(place.offset);
            let too_large = stored > place.mask;
            cut |= too_large;
            place.put(&mut words, if too_large { place.mask } else { stored });
        }
        let k = self.finish(words, self.key_u64s(), 0, KeyType::DELETED);
        if exact && !cut { PackedPos::Exact(k) } else { PackedPos::Smaller(k) }
    }
}

impl Bkey {
    /// The key as its five words.
    #[inline]
    #[must_use]
    pub fn to_words(&self) -> [u64; 5] {
        zerocopy::transmute!(*self)
    }

    /// The key in five words of a bset or a journal entry, unpacked.
    #[inline]
    #[must_use]
    pub fn from_words(words: [u64; 5]) -> Self {
        zerocopy::transmute!(words)
    }
}
