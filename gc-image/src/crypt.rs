// SPDX-License-Identifier: GPL-2.0-only
//! The key of an encrypted file system.

use crate::bytes::{array, u64_at};
use crate::checksum::{Key, Nonce};
use crate::error::KeyError;
use crate::superblock::Superblock;

/// `bch**key`, before a key that is in clear.
const CLEAR: [u8; 8] = *b"bch**key";
/// Salt, its final NUL included.
const SALT: &[u8] = b"bcache\0";
/// Most memory and work that a superblock may ask for: 2^22 blocks of 1 KiB.
const COST_BITS_MAX: u64 = 22;

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

/// What the superblock asks for.
#[must_use]
pub fn needs(sb: &Superblock) -> Needs {
    match sb.crypt().and_then(|c| array::<8>(c, 24)) {
        None => Needs::Nothing,
        Some(CLEAR) => Needs::Clear,
        Some(_) => Needs::Passphrase,
    }
}

/// The key, `None` for a file system that is not encrypted.
///
/// # Errors
/// No or the wrong passphrase; parameters that cannot be met.
pub fn key(sb: &Superblock, passphrase: Option<&[u8]>) -> Result<Option<Key>, KeyError> {
    let Some(crypt) = sb.crypt() else { return Ok(None) };
    let mut stored: [u8; 40] = array(crypt, 24).ok_or(KeyError::Parameters)?;
    if !stored.starts_with(&CLEAR) {
        let kdf = u64_at(crypt, 16).ok_or(KeyError::Parameters)?;
        let passphrase = passphrase.ok_or(KeyError::Missing)?;
        let user = derive(passphrase, kdf)?;
        let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = sb.uuid();
        let (low, high) = ([b0, b1, b2, b3], [b4, b5, b6, b7]);
        let nonce = Nonce([0, 0, u32::from_le_bytes(low), u32::from_le_bytes(high)]);
        user.apply(nonce, &mut stored);
        if !stored.starts_with(&CLEAR) {
            return Err(KeyError::Wrong);
        }
    }
    array(&stored, 8).map(|k| Some(Key(k))).ok_or(KeyError::Parameters)
}

fn derive(passphrase: &[u8], kdf: u64) -> Result<Key, KeyError> {
    let (n, r, p) = (kdf & 0xffff, (kdf >> 16) & 0xffff, (kdf >> 32) & 0xffff);
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
    use crate::testing::{put, section, superblock};

    /// A superblock whose key was encrypted by OpenSSL's chacha20 with what
    /// Python's hashlib.scrypt made of "correct horse" (n 16, r 8, p 2).
    fn encrypted() -> Superblock {
        let stored: [u8; 40] = [
            0x83, 0x4b, 0x41, 0x16, 0x0d, 0x4c, 0xaf, 0xe4, 0x17, 0xc0, 0x49, 0x1b, 0x80, 0xb2,
            0x4d, 0x48, 0xeb, 0x54, 0xe2, 0xa2, 0x8a, 0x1c, 0xa1, 0x4a, 0x69, 0x33, 0x32, 0x84,
            0x2d, 0x85, 0x1e, 0x7b, 0xbc, 0x7d, 0x22, 0x9c, 0x96, 0xf6, 0xb6, 0xc1,
        ];
        let mut crypt = vec![0; 16];
        put(&mut crypt, 8, &(4_u64 | 3 << 16 | 1 << 32).to_le_bytes());
        crypt.extend(stored);
        let mut b = superblock(&[section(2, &crypt)]);
        put(&mut b, 40, &core::array::from_fn::<u8, 16, _>(|i| u8::try_from(i + 1).unwrap()));
        Superblock::new(b).unwrap()
    }

    // Oracle: two other implementations of both algorithms.
    #[test]
    fn passphrase() {
        let sb = encrypted();
        assert_eq!(needs(&sb), Needs::Passphrase);
        for passphrase in [&b"correct horse"[..], b"correct horse\n"] {
            let got = key(&sb, Some(passphrase)).unwrap().unwrap();
            assert_eq!(got.0, core::array::from_fn(|i| u8::try_from(i + 0x40).unwrap()));
        }
        assert_eq!(key(&sb, Some(b"wrong")).unwrap_err(), KeyError::Wrong);
        assert_eq!(key(&sb, None).unwrap_err(), KeyError::Missing);
    }

    // Oracle: the layout of the section; a cost nobody can pay is refused.
    #[test]
    fn clear_key_and_cost() {
        let mut crypt = vec![0; 16];
        crypt.extend(b"bch**key");
        crypt.extend([9; 32]);
        let sb = |crypt: &[u8]| Superblock::new(superblock(&[section(2, crypt)])).unwrap();
        assert_eq!(needs(&sb(&crypt)), Needs::Clear);
        assert_eq!(key(&sb(&crypt), None).unwrap().unwrap().0, [9; 32]);
        crypt[16] = 0;
        put(&mut crypt, 8, &60_u64.to_le_bytes());
        assert_eq!(key(&sb(&crypt), Some(b"x")).unwrap_err(), KeyError::Parameters);
        let plain = Superblock::new(superblock(&[])).unwrap();
        assert_eq!(needs(&plain), Needs::Nothing);
        assert!(key(&plain, None).unwrap().is_none());
    }
}
