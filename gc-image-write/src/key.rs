// SPDX-License-Identifier: GPL-2.0-only
//! A key with its value.

use gc_core::layout::bkey::BKEY_U64S;
use gc_core::layout::{Bkey, Bpos, KeyType};

/// A key, unpacked, and its value in u64s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key; its length is that of key and value.
    pub k: Bkey,
    /// The value.
    pub v: Vec<u64>,
}

impl Key {
    /// A key of a type at a position; `size` in sectors, 0 for all but extents.
    /// A value too long for a key makes the length wrap, which is damage.
    #[must_use]
    pub fn new(type_: KeyType, p: Bpos, size: u32, v: Vec<u64>) -> Self {
        let len = u8::try_from(v.len()).unwrap_or(u8::MAX);
        let k = Bkey { u64s: BKEY_U64S.wrapping_add(len), type_, ..Bkey::new(p, size) };
        Self { k, v }
    }

    /// The key with a version number.
    #[must_use]
    pub fn with_version(mut self, lo: u64) -> Self {
        self.k.version.lo = lo;
        self
    }

    /// Key and value in words, unpacked: as the journal and the superblock hold it.
    #[must_use]
    pub fn to_words(&self) -> Vec<u64> {
        let mut words = self.k.to_words().to_vec();
        words.extend_from_slice(&self.v);
        words
    }
}
