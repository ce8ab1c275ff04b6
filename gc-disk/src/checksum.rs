// SPDX-License-Identifier: GPL-2.0-only
//! Checksums and encryption of metadata (facts: docs/facts/superblock.md).

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use crc::{Algorithm, Crc, Table};
use gc_core::layout::CsumType;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;

/// ECMA-182, most significant bit first, no start value.
const ECMA: Algorithm<u64> = Algorithm {
    width: 64,
    poly: 0x42f0_e1eb_a9ea_3693,
    init: 0,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0x6c40_df5f_0b49_7347,
    residue: 0,
};
/// ECMA-182 started with and inverted by all ones.
const ECMA_NONZERO: Algorithm<u64> =
    Algorithm { init: u64::MAX, xorout: u64::MAX, check: 0x62ec_59e3_f1a4_f00a, ..ECMA };
static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&ECMA);
static CRC64_NONZERO: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&ECMA_NONZERO);

/// Nonce constant of btree nodes.
pub const NONCE_BTREE: u32 = 2 << 28;
/// Nonce constant of journal entries.
pub const NONCE_JOURNAL: u32 = 3 << 28;
/// What tells the nonce of the authenticator's key from that of the data.
const NONCE_POLY: u32 = 1 << 31;

/// A nonce: four words. The first counts blocks of 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nonce(pub [u32; 4]);

impl Nonce {
    /// The nonce of what lies `bytes` further on, a multiple of 64.
    #[must_use]
    pub const fn skip(self, bytes: u32) -> Self {
        let [counter, a, b, c] = self.0;
        Self([counter.wrapping_add(bytes >> 6), a, b, c])
    }
}

/// The key of the file system, once it is known.
#[derive(Clone)]
pub struct Key(pub(crate) [u8; 32]);

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The key as the file system stores it: four words, little endian.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Encrypts or decrypts in place: the same step.
    pub fn apply(&self, nonce: Nonce, data: &mut [u8]) {
        let [counter, a, b, c] = nonce.0;
        let mut iv = [0_u8; 12];
        for (to, word) in iv.chunks_exact_mut(4).zip([a, b, c]) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let mut cipher = ChaCha20::new(&self.0.into(), &iv.into());
        cipher.seek(u64::from(counter).wrapping_mul(64));
        cipher.apply_keystream(data);
    }

    fn authenticate(&self, nonce: Nonce, data: &[u8]) -> [u8; 16] {
        let [counter, a, b, c] = nonce.0;
        let mut key = [0_u8; 32];
        self.apply(Nonce([counter, a, b, c ^ NONCE_POLY]), &mut key);
        Poly1305::new(&key.into()).compute_unpadded(data).into()
    }
}

/// Whether a structure with this checksum type is encrypted too.
#[must_use]
pub const fn encrypts(t: CsumType) -> bool {
    matches!(t, CsumType::CHACHA20_POLY1305_80 | CsumType::CHACHA20_POLY1305_128)
}

/// Whether the type is known and there is a key if it takes one.
#[must_use]
pub const fn valid(t: CsumType, key: Option<&Key>) -> bool {
    t.0 < CsumType::NR.0 && (!encrypts(t) || key.is_some())
}

/// The checksum as it is stored, low bytes first; `None` for a type that is not
/// [`valid`].
#[must_use]
pub fn checksum(t: CsumType, key: Option<&Key>, nonce: Nonce, data: &[u8]) -> Option<[u8; 16]> {
    let low = |v: u64| u128::from(v).to_le_bytes();
    Some(match t {
        CsumType::NONE => [0; 16],
        CsumType::CRC32C_NONZERO => low(u64::from(crc32c::crc32c(data))),
        CsumType::CRC32C => low(u64::from(!crc32c::crc32c_append(u32::MAX, data))),
        CsumType::CRC64_NONZERO => low(CRC64_NONZERO.checksum(data)),
        CsumType::CRC64 => low(CRC64.checksum(data)),
        CsumType::CHACHA20_POLY1305_128 => key?.authenticate(nonce, data),
        CsumType::CHACHA20_POLY1305_80 => {
            let tag = u128::from_le_bytes(key?.authenticate(nonce, data));
            (tag & (u128::MAX >> 48)).to_le_bytes()
        }
        _ => return None,
    })
}

/// Decrypts in place if the type says so.
pub fn decrypt(t: CsumType, key: Option<&Key>, nonce: Nonce, data: &mut [u8]) {
    if let (true, Some(key)) = (encrypts(t), key) {
        key.apply(nonce, data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: check values of the catalogue of CRC algorithms for "123456789";
    // the raw crc32c by its definition, one bit at a time.
    #[test]
    fn crcs() {
        let data = b"123456789";
        let sum = |t| {
            u64::from_le_bytes(
                *checksum(t, None, Nonce::default(), data).unwrap().first_chunk().unwrap(),
            )
        };
        assert_eq!(sum(CsumType::CRC32C_NONZERO), 0xe306_9283);
        assert_eq!(sum(CsumType::CRC64_NONZERO), 0x62ec_59e3_f1a4_f00a);
        assert_eq!(sum(CsumType::CRC64), 0x6c40_df5f_0b49_7347);
        let mut raw = 0_u32;
        for &b in data {
            raw ^= u32::from(b);
            for _ in 0..8 {
                raw = if raw & 1 == 1 { (raw >> 1) ^ 0x82f6_3b78 } else { raw >> 1 };
            }
        }
        assert_eq!(sum(CsumType::CRC32C), u64::from(raw));
    }

    // Oracle: RFC 8439, 2.4.2 (cipher, counter 1) and 2.5.2 (authenticator over 34 bytes).
    #[test]
    fn cipher_and_authenticator() {
        let key = Key(core::array::from_fn(|i| u8::try_from(i).unwrap()));
        let mut text = *b"Ladies and Gentlemen of the class of '99: If I could offer you o";
        key.apply(Nonce([1, 0, 0x4a00_0000, 0]), &mut text);
        assert_eq!(text[..8], [0x6e, 0x2e, 0x35, 0x9a, 0x25, 0x68, 0xf9, 0x80]);
        let mut second = [0; 64];
        key.apply(Nonce([0, 0, 0x4a00_0000, 0]).skip(64), &mut second);
        key.apply(Nonce([1, 0, 0x4a00_0000, 0]), &mut second);
        assert_eq!(second, [0; 64]);
        let poly: [u8; 32] = [
            0x85, 0xd6, 0xbe, 0x78, 0x57, 0x55, 0x6d, 0x33, 0x7f, 0x44, 0x52, 0xfe, 0x42, 0xd5,
            0x06, 0xa8, 0x01, 0x03, 0x80, 0x8a, 0xfb, 0x0d, 0xb2, 0xfd, 0x4a, 0xbf, 0xf6, 0xaf,
            0x41, 0x49, 0xf5, 0x1b,
        ];
        let tag: [u8; 16] = Poly1305::new(&poly.into())
            .compute_unpadded(b"Cryptographic Forum Research Group")
            .into();
        assert_eq!(tag[..4], [0xa8, 0x06, 0x1d, 0xc1]);
        // Of the shorter kind the first 80 bits are kept.
        let sum = |t| checksum(t, Some(&key), Nonce::default(), b"abc").unwrap();
        let whole = sum(CsumType::CHACHA20_POLY1305_128);
        let short = sum(CsumType::CHACHA20_POLY1305_80);
        assert_eq!((&short[..10], &short[10..]), (&whole[..10], &[0; 6][..]));
        assert!(whole[10..] != [0; 6]);
    }
}
