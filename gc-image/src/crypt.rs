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
