// SPDX-License-Identifier: GPL-2.0-only
//! A key copied out of its node, where the node may change or its iterator move.

use super::KeyRef;
use crate::layout::Bkey;

/// Most value words of a key that has pointers (source: `BKEY_EXTENT_VAL_U64s_MAX`).
pub const KEY_BUF_VAL_U64S: usize = 21;

/// An unpacked key and its value, contiguous as `struct bkey_i` has them.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct KeyBuf {
    k: Bkey,
    v: [u64; KEY_BUF_VAL_U64S],
}

impl KeyBuf {
    /// A copy, `None` when the value is longer than a key with pointers can be.
    #[must_use]
    pub fn copy_of(key: KeyRef<'_>) -> Option<Self> {
        let mut v = [0; KEY_BUF_VAL_U64S];
        v.get_mut(..key.v.len())?.copy_from_slice(key.v);
        Some(Self { k: *key.k, v })
    }

    /// The key.
    #[must_use]
    pub fn as_ref(&self) -> KeyRef<'_> {
        let len = usize::from(self.k.val_u64s());
        KeyRef::new(&self.k, self.v.get(..len).unwrap_or(&self.v))
    }
}
