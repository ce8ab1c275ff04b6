// SPDX-License-Identifier: GPL-2.0-only
//! Keys in the words of the original, types included that only readers of
//! images print.

use crate::fs::Fs;
use crate::key::inode;
use crate::key::value_byte;
use crate::report::cut;
use gc_core::accounting::ptr_stale;
use gc_core::bkey::{KeyDisplay, KeyRef, PosText, key_type_name};
use gc_core::layout::{Bkey, ExtentPtr, KeyType};
use std::fmt;

/// A key with its value.
pub struct KeyText<'a> {
    fs: &'a Fs,
    key: KeyRef<'a>,
}

impl<'a> KeyText<'a> {
    /// A key of a file system.
    #[must_use]
    pub const fn new(fs: &'a Fs, key: KeyRef<'a>) -> Self {
        Self { fs, key }
    }

    /// As a buffer of `size` bytes holds it.
    #[must_use]
    pub fn cut(&self, size: usize) -> String {
        let mut text = self.to_string();
        cut(&mut text, size);
        // Names and values may hold a NUL, which ends the original's string.
        text.truncate(text.find('\0').unwrap_or(text.len()));
        text
    }

    fn is_stale(&self, p: ExtentPtr) -> bool {
        let Some(dev) = self.fs.device(p.dev()) else { return false };
        let gen_ = dev.gen_of(dev.geometry().bucket_nr(p.offset()));
        gen_.is_some_and(|g| ptr_stale(g, p.gen_()) != 0)
    }
}

impl fmt::Display for KeyText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key;
        KeyDisplay { key, is_stale: |p| self.is_stale(p) }.fmt(f)?;
        let v = key.v;
        match key.k.type_ {
            KeyType::INODE => match inode::unpack(v) {
                Some(fields) => inode::FIELDS
                    .iter()
                    .zip(fields)
                    .try_for_each(|((name, _), value)| write!(f, "{name}: {value} ")),
                None => f.write_str("(unpack error)"),
            },
            KeyType::DIRENT => {
                let end = v.len().saturating_mul(8);
                let name = text(v, (9..end).take_while(|i| value_byte(v, *i) != 0));
                let inum = v.first().copied().unwrap_or(0);
                write!(f, "{name} -> {inum} type {}", value_byte(v, 8))
            }
            KeyType::XATTR => xattr(f, v),
            KeyType::QUOTA => {
                let word = |i: usize| v.get(i).copied().unwrap_or(0);
                write!(f, "space hardlimit {} softlimit {}", word(0), word(1))?;
                write!(f, "inodes hardlimit {} softlimit {}", word(2), word(3))
            }
            _ => Ok(()),
        }
    }
}

/// A key alone.
pub struct HeadText<'a>(
    /// The key.
    pub &'a Bkey,
);

impl fmt::Display for HeadText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let k = self.0;
        let (p, version) = (k.p, k.version);
        let name = key_type_name(k.type_).unwrap_or("(null)");
        let (snap, lo) = (p.snapshot, version.lo);
        write!(f, "u64s {} type {name} {} snap {snap} len {} ver {lo}", k.u64s, PosText(p), k.size)
    }
}

fn text(v: &[u64], at: impl Iterator<Item = usize>) -> String {
    let bytes: Vec<u8> = at.map(|i| value_byte(v, i)).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn xattr(f: &mut fmt::Formatter<'_>, v: &[u64]) -> fmt::Result {
    let Some(head) = v.first() else { return Ok(()) };
    let [type_, name, len0, len1, ..] = head.to_le_bytes();
    match type_ {
        0 => f.write_str("user.")?,
        1 | 2 => write!(f, "(type {type_})")?,
        3 => f.write_str("trusted.")?,
        4 => f.write_str("security.")?,
        _ => write!(f, "(unknown type {type_})")?,
    }
    let end = v.len().saturating_mul(8);
    let start = 4_usize;
    let mid = start.saturating_add(usize::from(name)).min(end);
    let last = mid.saturating_add(usize::from(u16::from_le_bytes([len0, len1]))).min(end);
    f.write_str(&text(v, start..mid))?;
    f.write_str(":")?;
    f.write_str(&text(v, mid..last))
}
