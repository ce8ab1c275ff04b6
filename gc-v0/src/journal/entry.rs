// SPDX-License-Identifier: GPL-2.0-only
//! One journal entry, verified and decrypted.

use gc_core::layout::bits::low32;
use gc_core::layout::jset::JsetFlags;
use gc_core::layout::{CsumType, Jset};
use gc_disk::checksum::{Key, NONCE_JOURNAL, Nonce, checksum, decrypt};
use zerocopy::{FromBytes, IntoBytes};

/// Bytes before the items.
pub(super) const HEAD: usize = size_of::<Jset>();
/// Longest entry in bytes.
pub(super) const MAX: usize = 4 << 20;

/// Fields of the head that are needed before it is verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) magic: u64,
    pub(super) seq: u64,
    pub(super) version: u32,
    flags: JsetFlags,
    pub(super) u64s: u32,
}

impl Head {
    pub(super) fn of(b: &[u8]) -> Option<Self> {
        let (jset, _) = Jset::ref_from_prefix(b).ok()?;
        Some(Self {
            magic: jset.magic.get(),
            seq: jset.seq.get(),
            version: jset.version.get(),
            flags: jset.flag_bits(),
            u64s: jset.u64s.get(),
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.u64s).wrapping_mul(8).wrapping_add(gc_disk::bytes::number(HEAD))
    }

    pub(super) const fn csum_type(&self) -> CsumType {
        CsumType(self.flags.csum_type())
    }

    pub(super) const fn big_endian(&self) -> bool {
        self.flags.big_endian()
    }

    pub(super) const fn nonce(&self) -> Nonce {
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
        let (jset, items) = Jset::ref_from_prefix(bytes).ok()?;
        words.clear();
        words.extend(gc_disk::bytes::each_word(items));
        let clocks = [jset.read_clock.get(), jset.write_clock.get()];
        Some(Self { version: jset.version.get(), clocks, words })
    }
}

/// Number of the oldest entry that was still needed when an entry was written; its
/// bytes need not be decrypted.
pub(super) fn last_seq_of(bytes: &[u8], head: &Head, key: Option<&Key>) -> u64 {
    let Ok((mut jset, _)) = Jset::read_from_prefix(bytes) else { return 0 };
    if let Some(encrypted) = jset.as_mut_bytes().get_mut(Jset::ENCRYPTED_FROM..) {
        decrypt(head.csum_type(), key, head.nonce(), encrypted);
    }
    jset.last_seq.get()
}

/// Repairs last_seq in the bytes of an entry.
pub(super) fn set_last_seq(bytes: &mut [u8], seq: u64) {
    if let Ok((jset, _)) = Jset::mut_from_prefix(bytes) {
        jset.last_seq = seq.into();
    }
}

/// The checksum that the bytes of a whole entry have, as they lie on disk, and the one
/// that is stored with them.
pub(super) fn checksums(
    bytes: &[u8],
    head: &Head,
    key: Option<&Key>,
) -> (Option<[u8; 16]>, Option<[u8; 16]>) {
    let summed = bytes.get(Jset::SUMMED_FROM..).unwrap_or(&[]);
    let stored = Jset::ref_from_prefix(bytes).map(|(jset, _)| jset.csum).ok();
    (checksum(head.csum_type(), key, head.nonce(), summed), stored)
}

/// Whether the checksum of a whole entry is right, as it lies on disk.
pub(super) fn sum_is_right(bytes: &[u8], head: &Head, key: Option<&Key>) -> bool {
    let (computed, stored) = checksums(bytes, head, key);
    computed.is_some() && computed == stored
}
