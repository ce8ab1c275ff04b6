// SPDX-License-Identifier: GPL-2.0-only
//! What older format versions did differently (docs/facts/node-read.md).

use super::Key;
use crate::superblock::{VERSION_BKEY_RENUMBER, VERSION_INODE_BTREE_CHANGE};
use gc_core::layout::bkey::{BKEY_FIELD_INODE, BKEY_FIELD_OFFSET};
use gc_core::layout::{BkeyFormat, Bpos, BtreeId, BtreeNodeType, BtreePtrV2, KeyType, POS_MIN};

/// Today's number of a key type.
#[must_use]
pub fn renumber(type_: BtreeNodeType, old: KeyType) -> KeyType {
    match (type_, old.0) {
        (BtreeNodeType::BTREE, 128) => KeyType::BTREE_PTR,
        (BtreeNodeType::EXTENTS, 128 | 129) => KeyType::EXTENT,
        (BtreeNodeType::EXTENTS, 130) => KeyType::RESERVATION,
        (BtreeNodeType::INODES, 128) => KeyType::INODE,
        (BtreeNodeType::INODES, 130) => KeyType::INODE_GENERATION,
        (BtreeNodeType::DIRENTS, 128) => KeyType::DIRENT,
        (BtreeNodeType::XATTRS, 128) => KeyType::XATTR,
        (BtreeNodeType::DIRENTS | BtreeNodeType::XATTRS, 129) => KeyType::WHITEOUT,
        (BtreeNodeType::ALLOC, 128) => KeyType::ALLOC,
        (BtreeNodeType::QUOTAS, 128) => KeyType::QUOTA,
        _ => old,
    }
}

/// Whether keys of this version need [`key`].
#[must_use]
pub const fn is_old(version: u16) -> bool {
    version < VERSION_INODE_BTREE_CHANGE
}

/// A position as written by an older version.
#[must_use]
pub fn position(version: u16, btree: BtreeId, p: Bpos) -> Bpos {
    if is_old(version) && btree == BtreeId::INODES {
        return Bpos { inode: p.offset, offset: p.inode, ..p };
    }
    p
}

/// The format of a node of inodes as written by an older version: the fields of its
/// keys change places.
#[must_use]
pub fn format(mut raw: BkeyFormat) -> BkeyFormat {
    raw.bits_per_field.swap(BKEY_FIELD_INODE, BKEY_FIELD_OFFSET);
    raw.field_offset.swap(BKEY_FIELD_INODE, BKEY_FIELD_OFFSET);
    raw
}

/// The least key of a node as written by an older version.
#[must_use]
pub fn min_key(version: u16, btree: BtreeId, p: Bpos) -> Bpos {
    let p = position(version, btree, p);
    let extents = BtreeNodeType(btree.0).is_extents();
    if is_old(version) && extents && p != POS_MIN {
        return p.successor().unwrap_or(p);
    }
    p
}

/// Changes a key of an older version into today's.
pub fn key(version: u16, level: u8, btree: BtreeId, key: &mut Key) {
    if !is_old(version) {
        return;
    }
    if version < VERSION_BKEY_RENUMBER {
        key.k.type_ = renumber(BtreeNodeType::of(level, btree), key.k.type_);
    }
    key.k.p = position(version, btree, key.k.p);
    if key.k.type_ == KeyType::BTREE_PTR_V2 {
        // One that is too short is refused later.
        if let Some(pointer) = BtreePtrV2::of_mut(&mut key.v) {
            pointer.min_key = min_key(version, btree, pointer.min_key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::Bkey;

    // Oracle: the table of docs/facts/node-read.md.
    #[test]
    fn older_versions() {
        let pointer = |type_: u8| {
            let mut k = Bkey::new(Bpos::new(7, 9), 0);
            k.type_ = KeyType(type_);
            Key { k, v: vec![0, 0, 0, 5, 0, 0] }
        };
        let changed = |version, level, btree, type_| {
            let mut k = pointer(type_);
            key(version, level, btree, &mut k);
            let p = k.k.p;
            (k.k.type_, (p.inode, p.offset), (k.v[4], k.v[3]))
        };
        let same = ((7, 9), (0, 5));
        let extent = changed(9, 0, BtreeId::EXTENTS, 129);
        assert_eq!(extent, (KeyType::EXTENT, same.0, same.1));
        assert_eq!(changed(10, 0, BtreeId::EXTENTS, 129).0, KeyType(129));
        assert_eq!(changed(9, 1, BtreeId::INODES, 128).0, KeyType::BTREE_PTR);
        assert_eq!(changed(9, 0, BtreeId::XATTRS, 129).0, KeyType::WHITEOUT);
        let inode = changed(10, 0, BtreeId::INODES, 8);
        assert_eq!(inode, (KeyType::INODE, (9, 7), same.1));
        // Pointers of the second form name the least key of their node.
        assert_eq!(changed(10, 1, BtreeId::INODES, 18).2, (5, 0));
        assert_eq!(changed(10, 1, BtreeId::EXTENTS, 18).2, (0, 6));
        assert_eq!(changed(11, 1, BtreeId::EXTENTS, 18).2, same.1);
        assert_eq!(min_key(10, BtreeId::REFLINK, POS_MIN), POS_MIN);
        let p = Bpos::new(7, 9);
        assert_eq!(position(10, BtreeId::INODES, p), Bpos::new(9, 7));
        assert_eq!(position(11, BtreeId::INODES, p), p);
        assert_eq!(min_key(11, BtreeId::EXTENTS, p), p);
        // A value too short for one is left alone; it is refused later.
        let mut short = pointer(18);
        short.v.truncate(4);
        let before = short.v.clone();
        key(10, 1, BtreeId::INODES, &mut short);
        assert_eq!(short.v, before);
    }
}
