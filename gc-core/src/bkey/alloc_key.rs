// SPDX-License-Identifier: GPL-2.0-only
//! Alloc keys: what the disk says about a bucket.
//!
//! Facts: `docs/facts/alloc-keys.md`.

use super::KeyRef;
use crate::layout::KeyType;
use crate::layout::value::AllocValue;
use core::fmt;
use zerocopy::{FromBytes, IntoBytes};

/// A bucket's state as an alloc key has it (`struct bkey_alloc_unpacked`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AllocFields {
    /// Generation.
    pub gen_: u8,
    /// Time of the last read.
    pub read_time: u16,
    /// Time of the last write.
    pub write_time: u16,
    /// Number of the data type.
    pub data_type: u8,
    /// Sectors that must be kept.
    pub dirty_sectors: u16,
    /// Sectors of cached data.
    pub cached_sectors: u16,
    /// Oldest generation of any pointer.
    pub oldest_gen: u8,
}

/// Words of the longest value with the known fields.
pub const VAL_U64S_MAX: usize = 2;
/// Bytes of a value with all known fields, up to a whole word.
const BYTES_MAX: usize = VAL_U64S_MAX.wrapping_mul(size_of::<u64>());

/// Name and length in bytes of each field, in order of its bit.
pub const FIELDS: [(&str, usize); 6] = [
    ("read_time", 2),
    ("write_time", 2),
    ("data_type", 1),
    ("dirty_sectors", 2),
    ("cached_sectors", 2),
    ("oldest_gen", 1),
];

/// The value ends before the fields it announces (source:
/// `bch2_alloc_invalid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongSize;

impl fmt::Display for WrongSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("incorrect value size")
    }
}

/// The fields present, as numbers in order of their bit; absent ones `None`.
fn raw_fields(v: &[u64]) -> Result<(u8, [Option<u16>; 6]), WrongSize> {
    let (head, fields) = AllocValue::read_from_prefix(v.as_bytes()).map_err(|_| WrongSize)?;
    let mut bytes = fields.iter().copied();
    let mut out = [None; 6];
    for (bit, (to, (_, len))) in (0_u32..).zip(out.iter_mut().zip(FIELDS)) {
        if head.fields & 1_u8.wrapping_shl(bit) == 0 {
            continue;
        }
        let low = bytes.next().ok_or(WrongSize)?;
        let high = if len == 2 { bytes.next().ok_or(WrongSize)? } else { 0 };
        *to = Some(u16::from_le_bytes([low, high]));
    }
    Ok((head.gen_, out))
}

/// Bytes that a value takes with the fields that its first byte names.
#[must_use]
pub fn bytes_of(present: u8) -> usize {
    let named = (0_u32..).zip(FIELDS).filter(|(bit, _)| present & 1_u8.wrapping_shl(*bit) != 0);
    named.fold(size_of::<AllocValue>(), |n, (_, (_, len))| n.saturating_add(len))
}

fn low_byte(v: u16) -> u8 {
    let [low, _] = v.to_le_bytes();
    low
}

impl AllocFields {
    /// Reads the value of an alloc key.
    ///
    /// # Errors
    /// When the value is shorter than its fields.
    pub fn from_value(v: &[u64]) -> Result<Self, WrongSize> {
        let (gen_, raw) = raw_fields(v)?;
        let [read_time, write_time, data_type, dirty, cached, oldest] = raw.map(|f| f.unwrap_or(0));
        Ok(Self {
            gen_,
            read_time,
            write_time,
            data_type: low_byte(data_type),
            dirty_sectors: dirty,
            cached_sectors: cached,
            oldest_gen: low_byte(oldest),
        })
    }

    /// Reads a key of any type; one that is no alloc key says zero everywhere
    /// (source: `bch2_alloc_unpack`).
    ///
    /// # Errors
    /// When the value is shorter than its fields.
    pub fn unpack(key: KeyRef<'_>) -> Result<Self, WrongSize> {
        match key.k.type_ {
            KeyType::ALLOC => Self::from_value(key.v),
            _ => Ok(Self::default()),
        }
    }

    /// The value that says this, and its length in u64s: fields of zero are left
    /// out, the rest of the last word is zero (source: `bch2_alloc_pack`).
    #[must_use]
    pub fn pack(&self) -> ([u64; VAL_U64S_MAX], usize) {
        let values = [
            self.read_time,
            self.write_time,
            u16::from(self.data_type),
            self.dirty_sectors,
            self.cached_sectors,
            u16::from(self.oldest_gen),
        ];
        let mut bytes = [0_u8; BYTES_MAX];
        let mut at = size_of::<AllocValue>();
        let mut present = 0_u8;
        for (bit, (value, (_, len))) in (0_u32..).zip(values.into_iter().zip(FIELDS)) {
            if value == 0 {
                continue;
            }
            present |= 1_u8.wrapping_shl(bit);
            for (to, from) in
                bytes.iter_mut().skip(at).zip(value.to_le_bytes().into_iter().take(len))
            {
                *to = from;
            }
            at = at.saturating_add(len);
        }
        if let Ok((head, _)) = AllocValue::mut_from_prefix(&mut bytes) {
            *head = AllocValue { fields: present, gen_: self.gen_ };
        }
        (zerocopy::transmute!(bytes), at.div_ceil(size_of::<u64>()))
    }
}

/// Text of an alloc key's value as the original prints it (source:
/// `bch2_alloc_to_text`): the fields present, of a value cut short none.
pub struct AllocText<'a>(
    /// The value.
    pub &'a [u64],
);

impl fmt::Display for AllocText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok((gen_, raw)) = raw_fields(self.0) else { return Ok(()) };
        write!(f, "gen {gen_}")?;
        for ((name, _), v) in FIELDS.iter().zip(raw) {
            if let Some(v) = v {
                write!(f, " {name} {v}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;
    use std::string::ToString;
    use std::vec::Vec;

    fn fields() -> impl Strategy<Value = AllocFields> {
        let t16 = || prop_oneof![Just(0_u16), any::<u16>()];
        let t8 = || prop_oneof![Just(0_u8), any::<u8>()];
        (t8(), t16(), t16(), t8(), t16(), t16(), t8()).prop_map(
            |(
                gen_,
                read_time,
                write_time,
                data_type,
                dirty_sectors,
                cached_sectors,
                oldest_gen,
            )| {
                AllocFields {
                    gen_,
                    read_time,
                    write_time,
                    data_type,
                    dirty_sectors,
                    cached_sectors,
                    oldest_gen,
                }
            },
        )
    }

    // Oracle: bytes written by hand from docs/facts/alloc-keys.md.
    #[test]
    fn packs_by_hand() {
        let mut a = AllocFields { gen_: 7, ..AllocFields::default() };
        assert_eq!(a.pack(), ([0x0700, 0], 1));
        a.data_type = 4;
        a.dirty_sectors = 0x0102;
        a.oldest_gen = 6;
        assert_eq!(a.pack().0[0].to_le_bytes(), [0b10_1100, 7, 4, 2, 1, 6, 0, 0]);
        assert_eq!(a.pack().1, 1);
        (a.read_time, a.write_time, a.cached_sectors) = (1, 2, 3);
        let (w, n) = a.pack();
        let bytes: Vec<u8> = w.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(n, 2);
        assert_eq!(bytes[..12], [0x3f, 7, 1, 0, 2, 0, 4, 2, 1, 3, 0, 6]);
        assert_eq!(
            AllocText(&w).to_string(),
            "gen 7 read_time 1 write_time 2 data_type 4 dirty_sectors 258 cached_sectors 3 \
             oldest_gen 6"
        );
    }

    proptest! {
        // Oracle: packing and unpacking undo each other, and the length is the
        // head plus the fields that are not zero.
        #[test]
        fn round_trip(a in fields()) {
            let (w, n) = a.pack();
            prop_assert_eq!(AllocFields::from_value(&w[..n]), Ok(a));
            let wide = [a.read_time, a.write_time, a.dirty_sectors, a.cached_sectors];
            let bytes = 2
                + 2 * wide.iter().filter(|&&v| v != 0).count()
                + [a.data_type, a.oldest_gen].iter().filter(|&&v| v != 0).count();
            prop_assert_eq!(n, bytes.div_ceil(8));
            prop_assert!(w[n..].iter().all(|&w| w == 0));
        }

        // Oracle: no value panics; unknown field bits change nothing.
        #[test]
        fn junk(v in prop::collection::vec(any::<u64>(), 0..4)) {
            let got = AllocFields::from_value(&v);
            if let Some((first, rest)) = v.split_first() {
                let mut other = std::vec![first ^ 0xc0];
                other.extend_from_slice(rest);
                prop_assert_eq!(AllocFields::from_value(&other), got);
            } else {
                prop_assert_eq!(got, Err(WrongSize));
            }
        }
    }
}
