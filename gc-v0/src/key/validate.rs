// SPDX-License-Identifier: GPL-2.0-only
//! Whether a key is valid; the original's order and reasons
//! (docs/facts/key-validation.md).

pub use super::rules::Rules;
use super::{dirent_name, inode, pointers};
use gc_core::bkey::{KeyRef, RefersTo, alloc_key};
use gc_core::layout::bkey::{BKEY_BTREE_PTR_VAL_U64S_MAX, BKEY_U64S};
use gc_core::layout::value::{AllocValue, DirentValue, XattrValue};
use gc_core::layout::{BtreeNodeType, KeyType, POS_MAX, Reservation};
use zerocopy::{FromBytes, IntoBytes};

/// Inodes below this belong to block devices.
pub(crate) const BLOCKDEV_INODE_MAX: u64 = 4096;

impl Rules<'_> {
    /// Why the key is not valid, value included.
    #[must_use]
    pub fn key_invalid(&self, key: KeyRef<'_>, type_: BtreeNodeType) -> Option<&'static str> {
        head_invalid(key, type_).or_else(|| self.value_invalid(key))
    }

    /// Why the value is not valid.
    #[inline]
    #[must_use]
    pub fn value_invalid(&self, key: KeyRef<'_>) -> Option<&'static str> {
        match key.k.type_ {
            KeyType::EXTENT => pointers::invalid(self, key),
            _ => self.other_invalid(key),
        }
    }

    fn other_invalid(&self, key: KeyRef<'_>) -> Option<&'static str> {
        let v = key.v;
        let p = key.k.p;
        let size = Some("incorrect value size");
        match key.k.type_ {
            KeyType::DELETED | KeyType::DISCARD | KeyType::INLINE_DATA => None,
            KeyType::ERROR | KeyType::WHITEOUT => {
                (!v.is_empty()).then_some("value size should be zero")
            }
            KeyType::COOKIE => (v.len() != 1).then_some("incorrect value size"),
            KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2 => {
                if v.len() > usize::from(BKEY_BTREE_PTR_VAL_U64S_MAX) {
                    return Some("value too big");
                }
                pointers::invalid(self, key)
            }
            KeyType::RESERVATION => {
                if v.len() != 1 {
                    return size;
                }
                let nr = Reservation::of(v).map_or(0, |r| r.nr_replicas);
                (!(1..=4).contains(&nr)).then_some("invalid nr_replicas")
            }
            KeyType::INODE => {
                if p.inode != 0 {
                    return Some("nonzero k.p.inode");
                }
                if v.len() < 2 {
                    return size;
                }
                if p.offset < BLOCKDEV_INODE_MAX {
                    return Some("fs inode in blockdev range");
                }
                inode::invalid(v)
            }
            KeyType::INODE_GENERATION => {
                if p.inode != 0 {
                    return Some("nonzero k.p.inode");
                }
                (v.len() != 1).then_some("incorrect value size")
            }
            KeyType::DIRENT => dirent(v),
            KeyType::XATTR => xattr(v),
            KeyType::ALLOC => {
                let known = u8::try_from(p.inode).ok().and_then(|d| self.member(d));
                if known.is_none() {
                    return Some("invalid device");
                }
                (v.len() < alloc_u64s(v)).then_some("incorrect value size")
            }
            KeyType::QUOTA => {
                if p.inode >= 3 {
                    return Some("invalid quota type");
                }
                (v.len() != 4).then_some("incorrect value size")
            }
            KeyType::STRIPE => {
                if p.inode != 0 {
                    return Some("invalid stripe key");
                }
                if !pointers::stripe_fits(v) {
                    return size;
                }
                pointers::invalid(self, key)
            }
            KeyType::REFLINK_P => (v.len() != 2).then_some("incorrect value size"),
            t => match RefersTo::of(t) {
                RefersTo::Pointers { head, .. } if v.len() < head => size,
                RefersTo::Pointers { .. } => pointers::invalid(self, key),
                _ => Some("invalid type"),
            },
        }
    }
}

/// Why the key without its value is not valid.
#[inline]
#[must_use]
pub fn head_invalid(key: KeyRef<'_>, type_: BtreeNodeType) -> Option<&'static str> {
    let k = key.k;
    let p = k.p;
    if k.u64s < BKEY_U64S {
        return Some("u64s too small");
    }
    if type_ == BtreeNodeType::BTREE && k.val_u64s() > BKEY_BTREE_PTR_VAL_U64S_MAX {
        return Some("value too big");
    }
    if type_.is_extents() {
        if (k.size == 0) != (k.type_ == KeyType::DELETED) {
            return Some("bad size field");
        }
        if u64::from(k.size) > p.offset {
            return Some("size greater than offset");
        }
    } else if k.size != 0 {
        return Some("nonzero size field");
    }
    if p.snapshot != 0 {
        return Some("nonzero snapshot");
    }
    (type_ != BtreeNodeType::BTREE && p == POS_MAX).then_some("POS_MAX key")
}

fn dirent(v: &[u64]) -> Option<&'static str> {
    if v.len() < 2 {
        return Some("value too small");
    }
    let len = dirent_name(v).len();
    if len == 0 {
        return Some("empty name");
    }
    // No value is long enough for a name that would be too long.
    let most = size_of::<DirentValue>().saturating_add(len).saturating_add(7);
    (v.len() > most.div_ceil(8)).then_some("value too big")
}

fn xattr(v: &[u64]) -> Option<&'static str> {
    let Ok((head, behind)) = XattrValue::ref_from_prefix(v.as_bytes()) else {
        return Some("value too small");
    };
    let (name, value) = (usize::from(head.name_len), usize::from(head.val_len));
    let bytes = name.saturating_add(value).saturating_add(size_of::<XattrValue>());
    if v.len() < bytes.div_ceil(8) {
        return Some("value too small");
    }
    if v.len() > bytes.saturating_add(4).div_ceil(8) {
        return Some("value too big");
    }
    if head.type_ > 4 {
        return Some("invalid type");
    }
    let nul = behind.iter().take(name).any(|byte| *byte == 0);
    nul.then_some("xattr name has invalid characters")
}

/// Words that the fields of an alloc key take.
fn alloc_u64s(v: &[u64]) -> usize {
    let head = AllocValue::ref_from_prefix(v.as_bytes());
    alloc_key::bytes_of(head.map_or(0, |(head, _)| head.fields)).div_ceil(8)
}
