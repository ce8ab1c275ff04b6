// SPDX-License-Identifier: GPL-2.0-only
//! Keys with their values, owned; whether they are valid; what older versions
//! of the format did differently.

pub mod compat;
pub(crate) mod inode;
mod pointers;
pub(crate) mod quick;
mod rules;
pub mod validate;

use gc_core::bkey::KeyRef;
use gc_core::layout::Bkey;
use gc_core::layout::bits::low8;
use gc_core::layout::bkey::BKEY_U64S;
use gc_core::layout::value::DirentValue;
use zerocopy::{FromBytes, IntoBytes};

/// An unpacked key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub k: Bkey,
    /// The value, in u64s.
    pub v: Vec<u64>,
}

impl Key {
    /// The key, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> KeyRef<'_> {
        KeyRef::new(&self.k, &self.v)
    }

    /// A copy.
    #[must_use]
    pub fn of(key: KeyRef<'_>) -> Self {
        Self { k: *key.k, v: key.v.to_vec() }
    }

    /// The words of the key as they lie in the journal.
    #[must_use]
    pub fn to_words(&self) -> Vec<u64> {
        let mut words = self.k.to_words().to_vec();
        words.extend_from_slice(&self.v);
        words
    }
}

/// An unpacked key that starts at the first word; `None` when `words` is
/// shorter than a key without value. The format number is taken as it is.
#[must_use]
pub fn head_of(words: &[u64]) -> Option<Bkey> {
    words.first_chunk::<5>().map(|w| Bkey::from_words(*w))
}

/// An unpacked key and its value at the start of `words`, by the key's own
/// length; `None` when that is less than a key's or more than there is.
#[must_use]
pub fn key_of(words: &[u64]) -> Option<Key> {
    let k = head_of(words)?;
    let v = words.get(usize::from(BKEY_U64S)..usize::from(k.u64s))?;
    Some(Key { k, v: v.to_vec() })
}

/// The structure at the start of a value; bytes that the value does not have are 0.
pub(crate) fn value_head<T: FromBytes + IntoBytes>(v: &[u64]) -> T {
    let mut head = T::new_zeroed();
    for (to, from) in head.as_mut_bytes().iter_mut().zip(v.as_bytes()) {
        *to = *from;
    }
    head
}

/// The name in the value of a directory entry: up to the first NUL or the end.
pub(crate) fn dirent_name(v: &[u64]) -> &[u8] {
    let bytes = v.as_bytes().get(size_of::<DirentValue>()..).unwrap_or(&[]);
    bytes.split(|byte| *byte == 0).next().unwrap_or(&[])
}

/// The nth byte of a value, 0 past its end.
pub(crate) fn value_byte(v: &[u64], at: usize) -> u8 {
    let shift = u32::try_from(at & 7).unwrap_or(0).saturating_mul(8);
    v.get(at >> 3).map_or(0, |w| low8(w.wrapping_shr(shift)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::KeyType;

    // Oracle: the offsets of docs/facts/layout.md, written byte by byte.
    #[test]
    fn words_and_fields() {
        let mut bytes = [0_u8; 48];
        bytes[0] = 6;
        bytes[1] = 1;
        bytes[2] = 8;
        bytes[4..12].copy_from_slice(&0x1122_3344_5566_7788_u64.to_le_bytes());
        bytes[12..16].copy_from_slice(&0x99aa_bbcc_u32.to_le_bytes());
        bytes[16..20].copy_from_slice(&7_u32.to_le_bytes());
        bytes[20..24].copy_from_slice(&3_u32.to_le_bytes());
        bytes[24..32].copy_from_slice(&5_u64.to_le_bytes());
        bytes[32..40].copy_from_slice(&4_u64.to_le_bytes());
        bytes[40..48].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        let words = gc_disk::bytes::words(&bytes);
        let key = key_of(&words).unwrap();
        let (v, p) = (key.k.version, key.k.p);
        assert_eq!(({ v.lo }, { v.hi }), (0x1122_3344_5566_7788, 0x99aa_bbcc));
        assert_eq!((key.k.size, { p.snapshot }, { p.offset }, { p.inode }), (7, 3, 5, 4));
        assert_eq!((key.k.type_, key.k.format()), (KeyType::INODE, 1));
        assert_eq!(key.to_words(), words);
        assert_eq!(value_byte(&key.v, 2), 3);
        assert_eq!(key_of(&words[..5]), None);
    }
}
