// SPDX-License-Identifier: GPL-2.0-only
//! Keys in the words of the original, types included that only readers of
//! images print.

use crate::fs::Fs;
use crate::key::inode;
use crate::key::{dirent_name, value_head};
use crate::report::cut;
use gc_core::accounting::ptr_stale;
use gc_core::bkey::{KeyDisplay, KeyRef, PosText, key_type_name};
use gc_core::layout::value::{DirentValue, QuotaValue, XattrValue};
use gc_core::layout::{Bkey, ExtentPtr, KeyType};
use std::fmt;
use zerocopy::{FromBytes, IntoBytes};

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
                let name = String::from_utf8_lossy(dirent_name(v));
                let DirentValue { inum, type_ } = value_head(v);
                write!(f, "{name} -> {inum} type {type_}")
            }
            KeyType::XATTR => xattr(f, v),
            KeyType::QUOTA => {
                let QuotaValue { counters: [space, inodes] } = value_head(v);
                let (hard, soft) = (space.hardlimit, space.softlimit);
                write!(f, "space hardlimit {hard} softlimit {soft}")?;
                let (hard, soft) = (inodes.hardlimit, inodes.softlimit);
                write!(f, "inodes hardlimit {hard} softlimit {soft}")
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

fn xattr(f: &mut fmt::Formatter<'_>, v: &[u64]) -> fmt::Result {
    let Ok((head, behind)) = XattrValue::ref_from_prefix(v.as_bytes()) else { return Ok(()) };
    match head.type_ {
        0 => f.write_str("user.")?,
        1 | 2 => write!(f, "(type {})", head.type_)?,
        3 => f.write_str("trusted.")?,
        4 => f.write_str("security.")?,
        unknown => write!(f, "(unknown type {unknown})")?,
    }
    let cut = |b: &[u8], len: usize| b.len().min(len);
    let (name, behind) = behind.split_at(cut(behind, head.name_len.into()));
    let (value, _) = behind.split_at(cut(behind, head.val_len.into()));
    f.write_str(&String::from_utf8_lossy(name))?;
    f.write_str(":")?;
    f.write_str(&String::from_utf8_lossy(value))
}
