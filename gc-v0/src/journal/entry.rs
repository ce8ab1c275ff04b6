// SPDX-License-Identifier: GPL-2.0-only
//! One journal entry, verified and decrypted.

use gc_core::layout::CsumType;
use gc_core::layout::bits::{from16, low8, low32};
use gc_disk::bytes::{array, u16_at, u32_at, u64_at};
use gc_disk::checksum::{Key, NONCE_JOURNAL, Nonce, decrypt};

/// Bytes before the items.
pub(super) const HEAD: usize = 56;
/// From here on an entry is encrypted.
pub(super) const ENCRYPTED: usize = 44;
/// Longest entry in bytes.
pub(super) const MAX: usize = 4 << 20;
const LAST_SEQ: usize = 48;
/// Bytes from where an entry is encrypted to the end of its head.
const FIRST: usize = HEAD - ENCRYPTED;

/// Fields of the head that are needed before it is verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) magic: u64,
    pub(super) seq: u64,
    pub(super) version: u32,
    pub(super) flags: u32,
    pub(super) u64s: u32,
}

impl Head {
    pub(super) fn of(b: &[u8]) -> Option<Self> {
        Some(Self {
            magic: u64_at(b, 16)?,
            seq: u64_at(b, 24)?,
            version: u32_at(b, 32)?,
            flags: u32_at(b, 36)?,
            u64s: u32_at(b, 40)?,
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.u64s).wrapping_mul(8).wrapping_add(gc_disk::bytes::number(HEAD))
    }

    pub(super) fn csum_type(&self) -> CsumType {
        CsumType(low8(u64::from(self.flags & 0xf)))
    }

    pub(super) fn big_endian(&self) -> bool {
        self.flags & 0x10 != 0
    }

    pub(super) fn nonce(&self) -> Nonce {
        Nonce([0, low32(self.seq), low32(self.seq >> 32), NONCE_JOURNAL])
    }
}

/// A journal entry, verified and decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Format version.
    pub(super) version: u32,
    /// Read and write clock.
    pub(super) clocks: [u16; 2],
    /// The items, as words; repaired where needed.
    pub(super) words: Vec<u64>,
}

impl Entry {
    /// From the bytes of a whole entry, decrypted; its words take the room of `words`.
    pub(super) fn new(bytes: &[u8], mut words: Vec<u64>) -> Option<Self> {
        words.clear();
        words.extend(gc_disk::bytes::each_word(bytes.get(HEAD..)?));
        let clocks = [u16_at(bytes, 44)?, u16_at(bytes, 46)?];
        Some(Self { version: u32_at(bytes, 32)?, clocks, words })
    }
}

/// Number of the oldest entry that was still needed when an entry was written; its
/// bytes need not be decrypted.
pub(super) fn last_seq_of(bytes: &[u8], head: &Head, key: Option<&Key>) -> u64 {
    let Some(mut first) = array::<FIRST>(bytes, ENCRYPTED) else { return 0 };
    decrypt(head.csum_type(), key, head.nonce(), &mut first);
    u64_at(&first, LAST_SEQ - ENCRYPTED).unwrap_or(0)
}

/// Repairs last_seq in the bytes of an entry.
pub(super) fn set_last_seq(bytes: &mut [u8], seq: u64) {
    if let Some(to) = bytes.get_mut(LAST_SEQ..).and_then(|b| b.first_chunk_mut::<8>()) {
        *to = seq.to_le_bytes();
    }
}

pub(super) fn stored_csum(bytes: &[u8]) -> Option<[u8; 16]> {
    array(bytes, 0)
}

/// Head word of an item: length in u64s, btree, level, type.
pub(super) const fn item_head(word: u64) -> (u16, u8, u8, u8) {
    let [l0, l1, btree, level, type_, ..] = word.to_le_bytes();
    (u16::from_le_bytes([l0, l1]), btree, level, type_)
}

/// The head word with another length.
pub(super) const fn with_len(word: u64, u64s: u16) -> u64 {
    (word & !0xffff) | from16(u64s)
}
