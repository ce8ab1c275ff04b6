// SPDX-License-Identifier: GPL-2.0-only
//! One journal entry, verified and decrypted.

use crate::bytes::{array, u16_at, u32_at, u64_at, words};
use crate::checksum::{NONCE_JOURNAL, Nonce};
use gc_core::layout::CsumType;
use gc_core::layout::bits::{from16, low8, low32};

/// Bytes before the items.
pub(super) const HEAD: usize = 56;
/// From here on an entry is encrypted.
pub(super) const ENCRYPTED: usize = 44;
/// Longest entry in bytes.
pub(super) const MAX: usize = 4 << 20;
const LAST_SEQ: usize = 48;

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
        u64::from(self.u64s).wrapping_mul(8).wrapping_add(crate::bytes::number(HEAD))
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

/// Bytes of an entry, in room that may be longer: it is used again without being
/// cleared.
#[derive(Debug, Clone)]
pub(super) struct Bytes {
    room: Vec<u8>,
    len: usize,
}

impl Bytes {
    /// The first bytes of the room.
    pub(super) fn of(room: Vec<u8>, len: usize) -> Self {
        let len = len.min(room.len());
        Self { room, len }
    }

    pub(super) fn get(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or(&[])
    }

    pub(super) fn get_mut(&mut self) -> &mut [u8] {
        self.room.get_mut(..self.len).unwrap_or(&mut [])
    }

    /// The room, for others.
    pub(super) fn into_room(self) -> Vec<u8> {
        self.room
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Bytes {}

/// A journal entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    bytes: Bytes,
    /// The items, as words; repaired where needed.
    pub(super) words: Vec<u64>,
    /// Devices that have it, in the order in which it was met.
    pub devs: Vec<u8>,
}

impl Entry {
    /// From the bytes of a whole entry, decrypted.
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { bytes, words: Vec::new(), devs: Vec::new() }
    }

    /// Its bytes.
    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Makes the items readable: most entries that are read are dropped before.
    pub(super) fn take_apart(&mut self) {
        self.words = words(self.bytes.get().get(HEAD..).unwrap_or(&[]));
    }

    /// Whether both copies are the same byte for byte.
    pub(super) fn same_bytes(&self, bytes: &Bytes) -> bool {
        self.bytes == *bytes
    }

    /// Its number.
    #[must_use]
    pub fn seq(&self) -> u64 {
        u64_at(self.bytes.get(), 24).unwrap_or(0)
    }

    /// Number of the oldest entry that was still needed when it was written.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        u64_at(self.bytes.get(), LAST_SEQ).unwrap_or(0)
    }

    /// Format version.
    #[must_use]
    pub fn version(&self) -> u32 {
        u32_at(self.bytes.get(), 32).unwrap_or(0)
    }

    /// Read and write clock.
    #[must_use]
    pub fn clocks(&self) -> [u16; 2] {
        [u16_at(self.bytes.get(), 44).unwrap_or(0), u16_at(self.bytes.get(), 46).unwrap_or(0)]
    }

    /// The items as words.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }
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

pub(super) fn last_seq_of(bytes: &[u8]) -> u64 {
    u64_at(bytes, LAST_SEQ).unwrap_or(0)
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
