// SPDX-License-Identifier: GPL-2.0-only
//! The key of an encrypted file system, out of its superblock's encryption section
//! (facts: docs/facts/superblock.md).

use crate::checksum::{Key, Nonce};
use gc_core::layout::section::{EncryptedKey, SbCrypt, ScryptFlags};
use zerocopy::{FromBytes, IntoBytes};

/// Salt, its final NUL included.
const SALT: &[u8] = b"bcache\0";
/// Most memory and work that a superblock may ask for: 2^22 blocks of 1 KiB.
const COST_BITS_MAX: u64 = 22;

/// Why the key is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A passphrase is needed.
    #[error("encrypted: a passphrase is needed")]
    Missing,
    /// The passphrase is not the right one.
    #[error("incorrect passphrase")]
    Wrong,
    /// The key derivation asks for what this program does not do.
    #[error("unusable key derivation parameters")]
    Parameters,
}

/// What is needed to get at the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Not encrypted.
    Nothing,
    /// The key lies in the superblock in clear.
    Clear,
    /// A passphrase.
    Passphrase,
}

/// What the encryption section (with its head of 8 bytes) asks for.
#[must_use]
pub fn needs(section: Option<&[u8]>) -> Needs {
    match section.and_then(|s| SbCrypt::read_from_prefix(s).ok()) {
        None => Needs::Nothing,
        Some((crypt, _)) if crypt.key.magic == EncryptedKey::MAGIC => Needs::Clear,
        Some(_) => Needs::Passphrase,
    }
}

/// The key that the encryption section (with its head of 8 bytes) of the file system
/// with this internal UUID holds; `None` for one that is not encrypted, which has no such
/// section.
///
/// # Errors
/// No or the wrong passphrase; parameters that cannot be met.
pub fn key(
    section: Option<&[u8]>,
    uuid: [u8; 16],
    passphrase: Option<&[u8]>,
) -> Result<Option<Key>, KeyError> {
    let Some(section) = section else { return Ok(None) };
    let (crypt, _) = SbCrypt::read_from_prefix(section).map_err(|_| KeyError::Parameters)?;
    let mut stored = crypt.key;
    if stored.magic != EncryptedKey::MAGIC {
        let kdf = ScryptFlags(crypt.kdf_flags.get());
        let passphrase = passphrase.ok_or(KeyError::Missing)?;
        let user = derive(passphrase, kdf)?;
        let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = uuid;
        let (low, high) = ([b0, b1, b2, b3], [b4, b5, b6, b7]);
        let nonce = Nonce([0, 0, u32::from_le_bytes(low), u32::from_le_bytes(high)]);
        user.apply(nonce, stored.as_mut_bytes());
        if stored.magic != EncryptedKey::MAGIC {
            return Err(KeyError::Wrong);
        }
    }
    Ok(Some(Key(stored.key)))
}

fn derive(passphrase: &[u8], kdf: ScryptFlags) -> Result<Key, KeyError> {
    let (n, r, p) = (u64::from(kdf.n()), u64::from(kdf.r()), u64::from(kdf.p()));
    if n.saturating_add(r).saturating_add(p) > COST_BITS_MAX {
        return Err(KeyError::Parameters);
    }
    let power = |bits: u64| u32::try_from(bits).ok().and_then(|b| 1_u32.checked_shl(b));
    let params = scrypt::Params::new(
        u8::try_from(n).map_err(|_| KeyError::Parameters)?,
        power(r).ok_or(KeyError::Parameters)?,
        power(p).ok_or(KeyError::Parameters)?,
    )
    .map_err(|_| KeyError::Parameters)?;
    let passphrase = passphrase.strip_suffix(b"\n").unwrap_or(passphrase);
    let mut key = [0; 32];
    scrypt::scrypt(passphrase, SALT, &params, &mut key).map_err(|_| KeyError::Parameters)?;
    Ok(Key(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    /// Internal UUID of the file system: 1, 2, 3 and so on.
    const UUID: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

    /// An encryption section with its parameters and the stored key.
    fn section(kdf: ScryptFlags, stored: &[u8; 40]) -> Vec<u8> {
        let key = EncryptedKey::read_from_bytes(stored).unwrap();
        SbCrypt { kdf_flags: kdf.0.into(), key, ..SbCrypt::new_zeroed() }.as_bytes().to_vec()
    }

    /// A section whose key was encrypted by OpenSSL's chacha20 with what
    /// Python's hashlib.scrypt made of "correct horse" (n 16, r 8, p 2).
    fn encrypted() -> Vec<u8> {
        let stored: [u8; 40] = [
            0x83, 0x4b, 0x41, 0x16, 0x0d, 0x4c, 0xaf, 0xe4, 0x17, 0xc0, 0x49, 0x1b, 0x80, 0xb2,
            0x4d, 0x48, 0xeb, 0x54, 0xe2, 0xa2, 0x8a, 0x1c, 0xa1, 0x4a, 0x69, 0x33, 0x32, 0x84,
            0x2d, 0x85, 0x1e, 0x7b, 0xbc, 0x7d, 0x22, 0x9c, 0x96, 0xf6, 0xb6, 0xc1,
        ];
        section(ScryptFlags::default().with_n(4).with_r(3).with_p(1), &stored)
    }

    // Oracle: two other implementations of both algorithms.
    #[test]
    fn passphrase() {
        let encrypted = encrypted();
        let key = |passphrase| key(Some(&encrypted), UUID, passphrase);
        assert_eq!(needs(Some(&encrypted)), Needs::Passphrase);
        for passphrase in [&b"correct horse"[..], b"correct horse\n"] {
            let got = key(Some(passphrase)).unwrap().unwrap();
            assert_eq!(got.0, core::array::from_fn(|i| u8::try_from(i + 0x40).unwrap()));
        }
        assert_eq!(key(Some(b"wrong")).unwrap_err(), KeyError::Wrong);
        assert_eq!(key(None).unwrap_err(), KeyError::Missing);
    }

    // Oracle: the layout of the section; a cost nobody can pay is refused.
    #[test]
    fn clear_key_and_cost() {
        let mut stored = [9; 40];
        stored[..8].copy_from_slice(b"bch**key");
        let clear = section(ScryptFlags::default(), &stored);
        assert_eq!(needs(Some(&clear)), Needs::Clear);
        assert_eq!(key(Some(&clear), UUID, None).unwrap().unwrap().0, [9; 32]);
        let costly = section(ScryptFlags::default().with_n(60), &[1; 40]);
        assert_eq!(key(Some(&costly), UUID, Some(b"x")).unwrap_err(), KeyError::Parameters);
        assert_eq!(needs(None), Needs::Nothing);
        assert!(key(None, UUID, None).unwrap().is_none());
    }
}
