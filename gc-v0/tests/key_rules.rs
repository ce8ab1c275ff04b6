// SPDX-License-Identifier: GPL-2.0-only
//! Every reason for which a key is not valid, and keys just inside of the rules.

use gc_core::bkey::KeyRef;
use gc_core::layout::{Bkey, Bpos, BtreeNodeType, CsumType, ExtentPtr, KeyType, POS_MAX};
use gc_disk::checksum::Key;
use gc_image_write::value::{Crc, Entry, Inode, Stripe, entries};
use gc_v0::key::compat::renumber;
use gc_v0::key::validate::Rules;
use gc_v0::superblock::{Member, MemberState};
use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    /// Reasons that were given.
    static GIVEN: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// A member of buckets 2 to 9 of 100 sectors, one of buckets of 128, and none.
fn members() -> Vec<Option<Member>> {
    let member = |bucket_size| Member {
        uuid: [1; 16],
        nbuckets: 10,
        first_bucket: 2,
        bucket_size,
        state: MemberState::Rw,
        group: 0,
        durability: 1,
    };
    vec![Some(member(100)), Some(member(128)), None]
}

/// Why a key is not valid; empty: it is.
fn reason(type_: KeyType, node: BtreeNodeType, p: Bpos, size: u32, v: &[u64]) -> &'static str {
    let u64s = 5 + u8::try_from(v.len()).unwrap();
    reason_of(u64s, type_, node, p, size, v, None)
}

fn reason_of(
    u64s: u8,
    type_: KeyType,
    node: BtreeNodeType,
    p: Bpos,
    size: u32,
    v: &[u64],
    key: Option<&Key>,
) -> &'static str {
    let members = members();
    let rules = Rules { members: &members, btree_node_sectors: 64, key };
    let k = Bkey { u64s, format_ws: 1, type_, size, p, ..Bkey::default() };
    let reason = rules.key_invalid(KeyRef::new(&k, v), node).unwrap_or("");
    GIVEN.with_borrow_mut(|given| given.insert(reason));
    reason
}

fn ptr(dev: u8, sector: u64) -> u64 {
    ExtentPtr::new(dev, sector, 0).0
}

/// A short checksum entry (struct bch_extent_crc32).
fn crc(stored: u64, whole: u64, offset: u64, csum: u64, compression: u64) -> u64 {
    2 | (stored - 1) << 2 | (whole - 1) << 9 | offset << 16 | csum << 24 | compression << 28
}

/// A value of so many words that begins with these bytes.
fn bytes(len: usize, head: &[u8]) -> Vec<u64> {
    let mut all = head.to_vec();
    all.resize(8 * len, 0);
    all.chunks(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect()
}

// Oracle: docs/facts/key-validation.md, first table.
#[test]
fn heads() {
    use BtreeNodeType as T;
    let at = Bpos::new(4096, 16);
    let extent = |type_, p, size| reason(type_, T::EXTENTS, p, size, &[]);
    assert_eq!(extent(KeyType::DELETED, at, 1), "bad size field");
    assert_eq!(extent(KeyType::DELETED, at, 0), "");
    assert_eq!(extent(KeyType::EXTENT, at, 0), "bad size field");
    assert_eq!(extent(KeyType::EXTENT, at, 17), "size greater than offset");
    assert_eq!(extent(KeyType::EXTENT, at, 16), "");
    assert_eq!(reason(KeyType::INODE, T::INODES, at, 1, &[]), "nonzero size field");
    let snapshot = Bpos { snapshot: 1, ..at };
    assert_eq!(extent(KeyType::EXTENT, snapshot, 16), "nonzero snapshot");
    assert_eq!(reason(KeyType::INODE, T::INODES, POS_MAX, 0, &[]), "POS_MAX key");
    // An interior node may end there.
    let pointers: Vec<u64> = vec![ptr(1, 256)];
    assert_eq!(reason(KeyType::BTREE_PTR, T::BTREE, POS_MAX, 0, &pointers), "");
    assert_eq!(reason(KeyType::COOKIE, T::BTREE, at, 0, &[0; 10]), "value too big");
    assert_eq!(reason(KeyType::INLINE_DATA, T::BTREE, at, 0, &[0; 9]), "");
    let short = reason_of(4, KeyType::DELETED, T::INODES, Bpos::default(), 0, &[], None);
    assert_eq!(short, "u64s too small");
}

// Oracle: docs/facts/key-validation.md, the table of types.
#[test]
fn values() {
    let (file, zero) = (Bpos::new(4096, 8), Bpos::new(0, 4096));
    let name = bytes(4, b"\0\0\0\0\0\0\0\0\x08name\0");
    let attr = bytes(2, &[1, 4, 3, 0, b'n', b'a', b'm', b'e', 1, 2, 3]);
    let stripe = |csum: u8| bytes(4, &[16, 0, 0, 2, 1, 4, csum]);
    let inode = |flags, field, v| {
        let inode = Inode { inum: 4096, flags, ..Inode::default() };
        inode.with(field, v).with(13, 1).to_key().v
    };
    // Of size 0: to the last sector of a bucket.
    let of = |dev, sector| {
        let ptrs = vec![ExtentPtr::new(0, 299, 0), ExtentPtr::new(dev, sector, 0)];
        let (nr_redundant, granularity_bits, csum_type) = (1, 4, CsumType::NONE);
        let stripe =
            Stripe { idx: 1, sectors: 16, nr_redundant, granularity_bits, csum_type, ptrs };
        stripe.to_key(&[1, 2]).v
    };
    let (whole, astray) = (of(1, 383), of(2, 383));
    let cases: &[(KeyType, Bpos, &[u64], &str)] = &[
        (KeyType::DELETED, file, &[1, 2], ""),
        (KeyType::DISCARD, file, &[1, 2], ""),
        (KeyType::INLINE_DATA, file, &[1, 2], ""),
        (KeyType::WHITEOUT, file, &[1], "value size should be zero"),
        (KeyType::WHITEOUT, file, &[], ""),
        (KeyType::ERROR, file, &[1], "value size should be zero"),
        (KeyType::ERROR, file, &[], ""),
        (KeyType::COOKIE, file, &[], "incorrect value size"),
        (KeyType::COOKIE, file, &[1], ""),
        (KeyType::RESERVATION, file, &[], "incorrect value size"),
        (KeyType::RESERVATION, file, &[0], "invalid nr_replicas"),
        (KeyType::RESERVATION, file, &[5 << 32], "invalid nr_replicas"),
        (KeyType::RESERVATION, file, &[4 << 32], ""),
        (KeyType::INODE, file, &[0, 0], "nonzero k.p.inode"),
        (KeyType::INODE, zero, &[0], "incorrect value size"),
        (KeyType::INODE, Bpos::new(0, 4095), &[0, 0], "fs inode in blockdev range"),
        (KeyType::INODE, zero, &[0, 4 << 20], "invalid str hash type"),
        (KeyType::INODE, zero, &[0, 3 << 20], ""),
        (KeyType::INODE, zero, &[0, 1 << 24], "invalid variable length fields"),
        (KeyType::INODE, zero, &inode(0, 11, 3), ""),
        (KeyType::INODE, zero, &inode(0, 11, 4), "invalid data checksum type"),
        (KeyType::INODE, zero, &inode(0, 12, 4), ""),
        (KeyType::INODE, zero, &inode(0, 12, 5), "invalid data checksum type"),
        (KeyType::INODE, zero, &inode(1 << 7, 8, 0), ""),
        (KeyType::INODE, zero, &inode(1 << 7, 8, 1), "flagged as unlinked but bi_nlink != 0"),
        (KeyType::INODE, zero, &inode(0, 8, 1), ""),
        (KeyType::INODE_GENERATION, file, &[0], "nonzero k.p.inode"),
        (KeyType::INODE_GENERATION, zero, &[], "incorrect value size"),
        (KeyType::INODE_GENERATION, zero, &[0], ""),
        (KeyType::DIRENT, file, &[0], "value too small"),
        (KeyType::DIRENT, file, &[0, 8], "empty name"),
        (KeyType::DIRENT, file, &name, "value too big"),
        (KeyType::DIRENT, file, &name[..3], ""),
        (KeyType::XATTR, file, &[], "value too small"),
        (KeyType::XATTR, file, &attr[..1], "value too small"),
        (KeyType::XATTR, file, &[attr[0], attr[1], 0], "value too big"),
        (KeyType::XATTR, file, &[attr[0] | 7, attr[1]], "invalid type"),
        (
            KeyType::XATTR,
            file,
            &[attr[0] & !(0xff << 40), attr[1]],
            "xattr name has invalid characters",
        ),
        (KeyType::XATTR, file, &attr, ""),
        (KeyType::ALLOC, Bpos::new(2, 5), &[0], "invalid device"),
        (KeyType::ALLOC, Bpos::new(256, 5), &[0], "invalid device"),
        (KeyType::ALLOC, Bpos::new(1, 5), &[0x3f], "incorrect value size"),
        (KeyType::ALLOC, Bpos::new(1, 5), &[0x3f, 0], ""),
        (KeyType::QUOTA, Bpos::new(3, 5), &[0; 4], "invalid quota type"),
        (KeyType::QUOTA, Bpos::new(2, 5), &[0; 3], "incorrect value size"),
        (KeyType::QUOTA, Bpos::new(2, 5), &[0; 4], ""),
        (KeyType::STRIPE, file, &stripe(0), "invalid stripe key"),
        (KeyType::STRIPE, zero, &[], "incorrect value size"),
        (KeyType::STRIPE, zero, &stripe(9), "incorrect value size"),
        (KeyType::STRIPE, zero, &stripe(4), "incorrect value size"),
        (KeyType::STRIPE, zero, &stripe(3), "incorrect value size"),
        (KeyType::REFLINK_P, file, &[0], "incorrect value size"),
        (KeyType::REFLINK_P, file, &[0; 2], ""),
        (KeyType::STRIPE, zero, &whole, ""),
        (KeyType::STRIPE, zero, &whole[..3], "incorrect value size"),
        (KeyType::STRIPE, zero, &astray, "pointer to invalid device"),
        (KeyType::REFLINK_V, file, &[], "incorrect value size"),
        (KeyType::REFLINK_V, file, &[7, ptr(0, 299)], ""),
        (KeyType::REFLINK_V, file, &[7, ptr(2, 200)], "pointer to invalid device"),
        (KeyType::BTREE_PTR_V2, file, &[0; 22], "value too big"),
        (KeyType(19), file, &[], "invalid type"),
    ];
    for (i, (type_, p, v, want)) in cases.iter().enumerate() {
        // Of a btree whose keys have no size.
        assert_eq!(reason(*type_, BtreeNodeType::INODES, *p, 0, v), *want, "case {i}: {type_:?}");
    }
}

// Oracle: docs/facts/key-validation.md, pointers: the first entry that is wrong decides.
#[test]
fn pointers() {
    let extent =
        |v: &[u64]| reason(KeyType::EXTENT, BtreeNodeType::EXTENTS, Bpos::new(4096, 16), 16, v);
    let spans = "spans multiple buckets";
    for dev in [0, 1] {
        let size = [100, 128][usize::from(dev)];
        assert_eq!(extent(&[ptr(dev, 2 * size)]), "");
        assert_eq!(extent(&[ptr(dev, 3 * size - 16)]), "");
        assert_eq!(extent(&[ptr(dev, 3 * size - 15)]), spans);
        assert_eq!(extent(&[ptr(dev, 2 * size - 16)]), "offset before first bucket");
        assert_eq!(extent(&[ptr(dev, 10 * size - 16)]), "");
        assert_eq!(extent(&[ptr(dev, 10 * size - 15)]), "offset past end of device");
    }
    for dev in [2, 3, 255] {
        assert_eq!(extent(&[ptr(dev, 200)]), "pointer to invalid device");
    }
    assert_eq!(extent(&[ptr(0, 200), ptr(1, 256)]), "");
    assert_eq!(extent(&[ptr(0, 200), ptr(0, 300)]), "multiple pointers to same device");
    assert_eq!(extent(&[ptr(0, 200), 0]), "invalid extent entry type");
    assert_eq!(extent(&[0]), "invalid extent entry type");
    // Two words of an entry of three.
    assert_eq!(extent(&[8, 0]), "invalid extent entry type");
    // A lone pointer behind a checksum, and one with company, by the same rules.
    for more in [&[][..], &[ptr(1, 256)][..]] {
        let with = |c: u64| extent(&[&[c, ptr(0, 200)], more].concat());
        assert_eq!(with(crc(16, 16, 0, 1, 0)), "");
        assert_eq!(with(crc(16, 20, 4, 1, 0)), "");
        let behind = "checksum offset + key size > uncompressed size";
        assert_eq!(with(crc(16, 20, 5, 1, 0)), behind);
        assert_eq!(with(crc(16, 16, 0, 9, 0)), "invalid checksum type");
        // Encrypted, and there is no key.
        assert_eq!(with(crc(16, 16, 0, 3, 0)), "invalid checksum type");
        assert_eq!(with(crc(16, 16, 0, 1, 6)), "invalid compression type");
        assert_eq!(with(crc(101, 101, 0, 1, 0)), spans);
    }
    let node = |type_, v: &[u64]| reason(type_, BtreeNodeType::BTREE, Bpos::new(1, 1), 0, v);
    let crc = crc(16, 16, 0, 1, 0);
    assert_eq!(node(KeyType::BTREE_PTR, &[crc, ptr(1, 256)]), "has non ptr field");
    assert_eq!(node(KeyType::BTREE_PTR, &[ptr(1, 256 + 64)]), "");
    assert_eq!(node(KeyType::BTREE_PTR, &[ptr(1, 256 + 65)]), spans);
    // The node says its own size.
    let head = [0, 0, 32 << 16, 0, 0];
    assert_eq!(node(KeyType::BTREE_PTR_V2, &[&head[..], &[ptr(1, 256 + 96)]].concat()), "");
    assert_eq!(node(KeyType::BTREE_PTR_V2, &[&head[..], &[ptr(1, 256 + 97)]].concat()), spans);
}

// Oracle: the same, of entries that only come with some settings.
#[test]
fn encrypted_pointers() {
    let key = Key::new([1; 32]);
    let extent = |list: &[Entry], key: Option<&Key>| {
        let v = entries(list);
        let u64s = 5 + u8::try_from(v.len()).unwrap();
        let at = Bpos::new(4096, 16);
        reason_of(u64s, KeyType::EXTENT, BtreeNodeType::EXTENTS, at, 16, &v, key)
    };
    let part = |csum_type, offset, nonce| Crc {
        compressed: 32,
        uncompressed: 32,
        offset,
        nonce,
        csum_type,
        compression: 0,
    };
    let (first, second) =
        (Entry::Ptr(ExtentPtr::new(0, 200, 0)), Entry::Ptr(ExtentPtr::new(1, 256, 0)));
    let narrow = |offset, nonce| Entry::Crc64(part(CsumType::CHACHA20_POLY1305_80, offset, nonce));
    let wide = |offset, nonce| Entry::Crc128(part(CsumType::CHACHA20_POLY1305_128, offset, nonce));
    for crc in [narrow(1, 2), wide(1, 2)] {
        assert_eq!(extent(&[crc, first], Some(&key)), "");
        assert_eq!(extent(&[crc, first], None), "invalid checksum type");
    }
    let two = |a, b| extent(&[a, first, b, second], Some(&key));
    assert_eq!(two(narrow(1, 2), wide(1, 2)), "");
    assert_eq!(two(narrow(1, 2), narrow(3, 0)), "");
    assert_eq!(two(narrow(1, 2), narrow(1, 3)), "incorrect nonce");
    assert_eq!(two(wide(1, 2), wide(2, 2)), "incorrect nonce");
    // What is not encrypted has none.
    let plain = Entry::Crc64(part(CsumType::CRC64_NONZERO, 0, 9));
    assert_eq!(two(narrow(1, 2), plain), "");
    // Which stripe a pointer is of is not looked at.
    assert_eq!(extent(&[Entry::Stripe(u64::MAX >> 13, 255), first], None), "");
}

/// Reasons that the tables of a page of facts name, in the section of a heading.
fn named(page: &str, heading: &str) -> BTreeSet<String> {
    let section = page.split("\n## ").find(|s| s.starts_with(heading)).unwrap();
    let mut reasons = BTreeSet::new();
    for line in section.lines().skip(1).filter(|l| l.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells[..] {
            ["check" | "type" | "---", _] => {}
            [_, rules] if rules.contains('`') => {
                reasons.extend(rules.split('`').skip(1).step_by(2).map(ToString::to_string));
            }
            [_, reason] if heading != "Value" => {
                reasons.insert(reason.to_string());
            }
            _ => {}
        }
    }
    reasons
}

// Oracle: docs/facts/key-validation.md: each reason of its tables, and no other, is
// given in one of the tests here.
#[test]
fn every_reason() {
    for test in [heads, values, pointers, encrypted_pointers] {
        test();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/facts/key-validation.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut want = BTreeSet::from([String::new(), "invalid type".into()]);
    for heading in ["Any key", "Value", "Pointers"] {
        let reasons = named(&page, heading);
        assert!(reasons.len() >= 7, "{heading}: {reasons:?}");
        want.extend(reasons);
    }
    let given: BTreeSet<String> =
        GIVEN.with_borrow(|given| given.iter().map(ToString::to_string).collect());
    assert_eq!(given, want);
}

// Oracle: docs/facts/node-read.md: numbers before and since.
#[test]
fn old_numbers_of_types() {
    use BtreeNodeType as T;
    for (node, old, now) in [
        (T::BTREE, 128, KeyType::BTREE_PTR),
        (T::EXTENTS, 128, KeyType::EXTENT),
        (T::EXTENTS, 129, KeyType::EXTENT),
        (T::EXTENTS, 130, KeyType::RESERVATION),
        (T::INODES, 128, KeyType::INODE),
        (T::INODES, 130, KeyType::INODE_GENERATION),
        (T::DIRENTS, 128, KeyType::DIRENT),
        (T::DIRENTS, 129, KeyType::WHITEOUT),
        (T::XATTRS, 128, KeyType::XATTR),
        (T::XATTRS, 129, KeyType::WHITEOUT),
        (T::ALLOC, 128, KeyType::ALLOC),
        (T::QUOTAS, 128, KeyType::QUOTA),
        (T::INODES, 129, KeyType(129)),
        (T::EXTENTS, 6, KeyType::EXTENT),
    ] {
        assert_eq!(renumber(node, KeyType(old)), now, "{node:?} {old}");
    }
}
