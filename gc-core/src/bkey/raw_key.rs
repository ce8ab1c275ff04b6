// SPDX-License-Identifier: GPL-2.0-only
//! Keys as they lie in a bset, checked for length only.

use crate::layout::bits::from8;
use crate::layout::bkey::{BKEY_U64S, BKEY_U64S_MAX, KEY_FORMAT_CURRENT, KeyHead, KeyType};
use core::fmt;

/// Why words of a bset are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The key reaches past the end of its bset; nothing can be read behind it.
    PastEnd,
    /// The key is shorter than its format says a key is.
    TooShort,
    /// Unpacked, the key would be longer than a key can be.
    TooLong,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PastEnd => "key extends past end of bset",
            Self::TooShort => "key shorter than its format",
            Self::TooLong => "key too long to unpack",
        })
    }
}

impl core::error::Error for KeyError {}

/// A key in a bset, packed by the node's format or not.
///
/// Its length is known to be right: it lies within its bset, is no shorter than
/// its format's key and not too long to unpack.
#[derive(Debug, Clone, Copy)]
pub struct RawKey<'a> {
    /// From the key on to the end of its bset.
    tail: &'a [u64],
    head: KeyHead,
    key_u64s: u8,
}

impl<'a> RawKey<'a> {
    /// The key at the start of `tail`, which holds at least the `u64s` of its `head`, its
    /// first word; a packed key takes `packed_u64s` of them, as its format says.
    #[inline]
    pub(super) fn new(tail: &'a [u64], head: KeyHead, packed_u64s: u8) -> Result<Self, KeyError> {
        let mut key = Self { tail, head, key_u64s: BKEY_U64S };
        if key.is_packed() {
            key.key_u64s = packed_u64s;
        }
        match key.u64s().checked_sub(key.key_u64s) {
            None => Err(KeyError::TooShort),
            Some(val) if val > BKEY_U64S_MAX.wrapping_sub(BKEY_U64S) => Err(KeyError::TooLong),
            Some(_) => Ok(key),
        }
    }

    /// Length of key and value in u64s, at least 1.
    #[inline]
    #[must_use]
    pub fn u64s(self) -> u8 {
        self.head.u64s()
    }

    /// Length of the key alone in u64s.
    #[inline]
    #[must_use]
    pub fn key_u64s(self) -> u8 {
        self.key_u64s
    }

    /// Length of the value in u64s.
    #[inline]
    #[must_use]
    pub fn val_u64s(self) -> u8 {
        self.u64s().wrapping_sub(self.key_u64s)
    }

    /// Number of the format; any but 1 means packed by the node's format.
    #[inline]
    #[must_use]
    pub fn format(self) -> u8 {
        self.head.format()
    }

    /// Whether the key is packed by the node's format.
    #[inline]
    #[must_use]
    pub fn is_packed(self) -> bool {
        self.format() != KEY_FORMAT_CURRENT
    }

    /// Type of the value.
    #[inline]
    #[must_use]
    pub fn type_(self) -> KeyType {
        self.head.type_()
    }

    /// Whether the key only hides others.
    #[inline]
    #[must_use]
    pub fn is_whiteout(self) -> bool {
        self.type_().is_whiteout()
    }

    /// Key and value.
    #[inline]
    #[must_use]
    pub fn words(self) -> &'a [u64] {
        self.tail.get(..usize::from(self.u64s())).unwrap_or(&[])
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn value(self) -> &'a [u64] {
        self.tail.get(usize::from(self.key_u64s)..usize::from(self.u64s())).unwrap_or(&[])
    }

    /// From the key on to the end of its bset: what unpacking reads, so that it
    /// need not be copied to be of fixed length.
    #[inline]
    pub(super) fn tail(self) -> &'a [u64] {
        self.tail
    }

    /// Words before `self` in `bset`, which must be the words it was split from.
    #[inline]
    #[must_use]
    pub fn offset_in(self, bset: &[u64]) -> usize {
        bset.len().saturating_sub(self.tail.len())
    }

    /// The head as in an unpacked key: length, format 1 with needs-whiteout, type.
    #[inline]
    pub(super) fn unpacked_head(self) -> (u8, u8, KeyType) {
        let format_ws = self.head.with_format(KEY_FORMAT_CURRENT).format_ws();
        (self.val_u64s().wrapping_add(BKEY_U64S), format_ws, self.type_())
    }
}

/// Head of a packed key.
#[inline]
pub(super) fn packed_head(u64s: u8, format_ws: u8, type_: KeyType) -> u64 {
    KeyHead(from8(format_ws) << KeyHead::FORMAT_WS_SHIFT).with_u64s(u64s).with_type_raw(type_.0).0
}
