// SPDX-License-Identifier: GPL-2.0-only
//! Formats: checking one, calculating one.

use crate::layout::Le64;
use crate::layout::bits::{from32, low8};
use crate::layout::bkey::{BKEY_U64S, Bkey, BkeyFormat, BkeyFormatState, KEY_PACKED_BITS_START};
use crate::layout::node::BtreeNrKeys;
use crate::layout::position::Bpos;
use core::fmt;

/// What is wrong with a format from disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// Not six fields.
    FieldCount,
    /// A field wider than 64 bits.
    FieldTooLarge,
    /// A field whose largest value would not fit 64 bits.
    OffsetOverflow,
    /// The length is not that of its fields.
    KeyU64s,
}

impl FormatError {
    /// The original's text for it (source: `bch2_bkey_format_validate`).
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::FieldCount => "incorrect number of fields",
            Self::FieldTooLarge => "field too large",
            Self::OffsetOverflow => "offset + bits overflow",
            Self::KeyU64s => "incorrect key_u64s",
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for FormatError {}

/// Greatest value of `width` bits; all ones from 64 on.
#[inline]
pub(super) fn width_mask(width: u32) -> u64 {
    1_u64.checked_shl(width).map_or(u64::MAX, |past| past.wrapping_sub(1))
}

/// Bits that `v` needs.
#[inline]
pub(super) fn width_of(v: u64) -> u32 {
    u64::BITS.saturating_sub(v.leading_zeros())
}

impl BkeyFormat {
    /// Whether the original would read a node with this format; the checks are
    /// made in its order.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), FormatError> {
        if usize::from(self.nr_fields) != self.bits_per_field.len() {
            return Err(FormatError::FieldCount);
        }
        let mut bits = KEY_PACKED_BITS_START;
        for (&width, offset) in self.bits_per_field.iter().zip(&self.field_offset) {
            let (width, offset) = (u32::from(width), offset.get());
            if width > 64 {
                return Err(FormatError::FieldTooLarge);
            }
            if offset != 0 && (width == 64 || offset.checked_add(width_mask(width)).is_none()) {
                return Err(FormatError::OffsetOverflow);
            }
            bits = bits.saturating_add(width);
        }
        if u32::from(self.key_u64s) != bits.div_ceil(64) {
            return Err(FormatError::KeyU64s);
        }
        Ok(())
    }

    /// Bits of a packed key that hold its position (source:
    /// `bkey_format_key_bits`).
    #[inline]
    #[must_use]
    pub fn key_bits(&self) -> u32 {
        self.bits_per_field.iter().take(3).fold(0, |n: u32, &w| n.saturating_add(u32::from(w)))
    }

    /// Each field's width and offset.
    fn fields_mut(&mut self) -> impl Iterator<Item = (&mut u8, &mut Le64)> {
        self.bits_per_field.iter_mut().zip(&mut self.field_offset)
    }
}

/// Width and offset as a format has them.
fn field(width: u32, offset: u64) -> (u8, Le64) {
    // Width 64 leaves no room for an offset: the limit is 0.
    let limit = u64::MAX.wrapping_sub(width_mask(width));
    (low8(from32(width)), Le64::new(offset.min(limit)))
}

/// The six fields of an unpacked key, in the order of a format.
#[inline]
pub(super) fn fields_of(k: &Bkey) -> [u64; 6] {
    let (p, version) = (k.p, k.version);
    [p.inode, p.offset, from32(p.snapshot), from32(k.size), from32(version.hi), version.lo]
}

impl Default for BkeyFormatState {
    fn default() -> Self {
        Self::new()
    }
}

impl BkeyFormatState {
    /// Nothing seen yet; a size of 0 always fits (source: `bch2_bkey_format_init`).
    #[must_use]
    pub const fn new() -> Self {
        let max = u64::MAX;
        Self { field_min: [max, max, max, 0, max, max], field_max: [0; 6] }
    }

    /// Makes room for the first fields of a key.
    fn add_fields(&mut self, values: &[u64]) {
        for ((min, max), &v) in self.field_min.iter_mut().zip(&mut self.field_max).zip(values) {
            *min = v.min(*min);
            *max = v.max(*max);
        }
    }

    /// Makes room for a key, and for what is left of it when its front is cut
    /// (source: `bch2_bkey_format_add_key`).
    pub fn add_key(&mut self, k: &Bkey) {
        self.add_fields(&fields_of(k));
        self.add_pos(Bpos { offset: k.start_offset(), ..k.p });
    }

    /// Makes room for a position (source: `bch2_bkey_format_add_pos`).
    pub fn add_pos(&mut self, p: Bpos) {
        self.add_fields(&[p.inode, p.offset, from32(p.snapshot)]);
    }

    /// The format for all that was added, bit for bit the original's (source:
    /// `bch2_bkey_format_done`).
    #[must_use]
    pub fn finish(&self) -> BkeyFormat {
        let mut f = BkeyFormat {
            key_u64s: 0,
            nr_fields: BkeyFormat::CURRENT.nr_fields,
            bits_per_field: [0; 6],
            field_offset: [Le64::new(0); 6],
        };
        let seen = self.field_min.iter().zip(&self.field_max);
        for ((w, o), (&min, &max)) in f.fields_mut().zip(seen) {
            let least = min.min(max);
            (*w, *o) = field(width_of(max.wrapping_sub(least)), least);
        }
        // Extents grow when they are merged: four more bits of size.
        let [_, _, _, size, _, _] = &mut f.bits_per_field;
        if *size != 0 {
            *size = size.saturating_add(4);
        }
        let used = f
            .bits_per_field
            .iter()
            .fold(KEY_PACKED_BITS_START, |n, &w| n.saturating_add(u32::from(w)));
        let key_u64s = used.div_ceil(64);
        f.key_u64s = low8(from32(key_u64s));
        let mut spare = key_u64s.saturating_mul(64).saturating_sub(used);
        for (w, o) in f.fields_mut() {
            let width = u32::from(*w);
            let whole = width.div_ceil(8).saturating_mul(8);
            let more = whole.saturating_sub(width);
            if more <= spare {
                (*w, *o) = field(whole, o.get());
                spare = spare.saturating_sub(more);
            }
        }
        f
    }
}

/// Length of a node's live keys after repacking from `old` to `new`, if all of
/// them pack, in u64s; `None` where the counts contradict each other (source:
/// `btree_node_u64s_with_format`, which stops the program there).
#[must_use]
pub fn u64s_with_format(nr: &BtreeNrKeys, old: &BkeyFormat, new: &BkeyFormat) -> Option<usize> {
    let new_len = i64::from(new.key_u64s);
    let packed =
        new_len.checked_sub(i64::from(old.key_u64s))?.checked_mul(nr.packed_keys.into())?;
    let unpacked =
        new_len.checked_sub(i64::from(BKEY_U64S))?.checked_mul(nr.unpacked_keys.into())?;
    let total = i64::from(nr.live_u64s).checked_add(packed)?.checked_add(unpacked)?;
    usize::try_from(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;

    fn format(widths: [u8; 6], offsets: [u64; 6], key_u64s: u8) -> BkeyFormat {
        BkeyFormat {
            key_u64s,
            nr_fields: 6,
            bits_per_field: widths,
            field_offset: offsets.map(Le64::new),
        }
    }

    // Oracle: the table of facts, one row a case.
    #[test]
    fn refuses_what_the_original_refuses_with_its_text() {
        assert_eq!(BkeyFormat::CURRENT.validate(), Ok(()));
        let text = |f: BkeyFormat| f.validate().map_err(FormatError::text);
        let mut f = format([0; 6], [0; 6], 1);
        assert_eq!(text(f), Ok(()));
        f.nr_fields = 5;
        assert_eq!(text(f), Err("incorrect number of fields"));
        assert_eq!(text(format([65, 0, 0, 0, 0, 0], [0; 6], 2)), Err("field too large"));
        assert_eq!(
            text(format([64, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], 2)),
            Err("offset + bits overflow")
        );
        let high = u64::MAX - 255;
        assert_eq!(text(format([8, 0, 0, 0, 0, 0], [high, 0, 0, 0, 0, 0], 1)), Ok(()));
        assert_eq!(
            text(format([8, 0, 0, 0, 0, 0], [high + 1, 0, 0, 0, 0, 0], 1)),
            Err("offset + bits overflow")
        );
        assert_eq!(text(format([40, 0, 0, 0, 0, 0], [0; 6], 1)), Ok(()));
        assert_eq!(text(format([41, 0, 0, 0, 0, 0], [0; 6], 1)), Err("incorrect key_u64s"));
        assert_eq!(text(format([64; 6], [0; 6], 7)), Ok(()));
    }

    // Oracle: the steps of the facts done by hand for one set of keys.
    #[test]
    fn calculates_the_format_of_a_small_extent_node() {
        let mut s = BkeyFormatState::new();
        s.add_pos(Bpos::new(4096, 0));
        let mut k = Bkey::new(Bpos::new(4100, 1000), 8);
        k.version.lo = 7;
        s.add_key(&k);
        let f = s.finish();
        // Widths 3, 10, 0, 4 + 4, 0, 0 and 24 of the head are 45 bits of 64: 19
        // spare go to inode (5) and offset (6); the other widths are whole.
        assert_eq!(f, format([8, 16, 0, 8, 0, 0], [4096, 0, 0, 0, 0, 7], 1));
        assert_eq!(f.validate(), Ok(()));
    }

    // Oracle: an empty state can hold the origin and nothing else.
    #[test]
    fn empty_state_gives_the_shortest_format() {
        assert_eq!(BkeyFormatState::new().finish(), format([0; 6], [0; 6], 1));
        assert_eq!(BkeyFormatState::default().finish(), format([0; 6], [0; 6], 1));
    }

    // Oracle: the formula of the facts with numbers.
    #[test]
    fn length_in_a_new_format() {
        let nr = BtreeNrKeys {
            live_u64s: 100,
            bset_u64s: [100, 0, 0],
            packed_keys: 10,
            unpacked_keys: 4,
        };
        let with = |n| format([0; 6], [0; 6], n);
        assert_eq!(u64s_with_format(&nr, &with(3), &with(2)), Some(100 - 10 - 12));
        assert_eq!(u64s_with_format(&nr, &with(2), &with(7)), Some(100 + 50 + 8));
        let few = BtreeNrKeys { live_u64s: 1, ..nr };
        assert_eq!(u64s_with_format(&few, &with(3), &with(1)), None);
    }

    proptest! {
        // Oracle: a calculated format passes the check of formats from disk.
        #[test]
        fn calculated_formats_are_valid(keys in prop::collection::vec(any::<(u64, u64, u32, u32, u32, u64)>(), 0..6)) {
            let mut s = BkeyFormatState::new();
            for (inode, offset, snapshot, size, hi, lo) in keys {
                let mut k = Bkey::new(Bpos { snapshot, offset, inode }, size);
                k.version.hi = hi;
                k.version.lo = lo;
                s.add_key(&k);
            }
            prop_assert_eq!(s.finish().validate(), Ok(()));
        }
    }
}
