// SPDX-License-Identifier: GPL-2.0-only
//! Checksums of today: those of 2020, and xxhash (facts: docs/facts/v1/layout.md 1).

use gc_core::layout::CsumType;
use gc_disk::checksum as old;
use gc_disk::checksum::{Key, Nonce};
use twox_hash::XxHash64;

/// XXH64 with seed 0, eight bytes in the low half.
pub const XXHASH: CsumType = CsumType(7);
/// First number that is no type.
pub const NR: u8 = 8;

/// Whether the type is known and there is a key if it takes one.
#[must_use]
pub const fn usable(t: CsumType, key: Option<&Key>) -> bool {
    t.0 == XXHASH.0 || old::valid(t, key)
}

/// The checksum as it is stored, low bytes first; `None` for a type that is not [`usable`].
#[must_use]
pub fn checksum(t: CsumType, key: Option<&Key>, nonce: Nonce, data: &[u8]) -> Option<[u8; 16]> {
    if t == XXHASH {
        return Some(u128::from(XxHash64::oneshot(0, data)).to_le_bytes());
    }
    old::checksum(t, key, nonce, data)
}

/// Bytes that a checksum of this type takes where checksums lie side by side; 16 for a
/// type that is not known.
#[must_use]
pub const fn stored_bytes(t: u8) -> usize {
    match t {
        0 => 0,
        1 | 5 => 4,
        2 | 6 | 7 => 8,
        3 => 10,
        _ => 16,
    }
}
