// SPDX-License-Identifier: GPL-2.0-only
//! One thing wrong with a node at a time.

use super::{Head, SECTOR, SEQ, VERSION, XATTRS, current, place, small};
use crate::key::Key;
use crate::node::read;
use crate::testing::{Keep, put};
use gc_core::bkey::{KeyRef, NodeFormat};
use gc_core::layout::{Bkey, BkeyFormat, Bpos, BtreeId, CsumType, ExtentPtr, KeyType, Le64};
use gc_disk::checksum::checksum;

fn cookie(offset: u64, v: u64) -> Vec<u64> {
    current(KeyType::COOKIE, Bpos::new(1, offset), 0, &[v])
}

/// A node of xattrs of one set, or two if there are later keys.
fn node(first: &[Vec<u64>], later: Option<(u64, &[Vec<u64>])>) -> Vec<u8> {
    let mut sets = vec![(5, 0, first.concat())];
    sets.extend(later.map(|(journal_seq, keys)| (journal_seq, 0, keys.concat())));
    Head::of(XATTRS, 0).node(&sets)
}

/// Keys as (offset, value), or `None` for a read error.
type Keys = Option<Vec<(u64, u64)>>;

/// The keys; what was found; what was logged, without the head of the message.
fn read_node(bytes: &[u8]) -> (Keys, Vec<String>, Vec<String>) {
    read_by(&Head::of(XATTRS, 0).pointer(), bytes)
}

fn read_by(pointer: &Key, bytes: &[u8]) -> (Keys, Vec<String>, Vec<String>) {
    let mut fs = small();
    place(&mut fs, bytes.to_vec());
    let mut keep = Keep::default();
    let node = read(&fs, pointer, XATTRS, 0, &mut keep);
    let keys = node.map(|n| n.words.chunks(6).map(|k| (k[3], k[5])).collect());
    let short = |t: &String| {
        let (_, rest) = t.split_once("node offset ").expect(t);
        rest.to_string()
    };
    (keys, keep.found.iter().map(short).collect(), keep.log.iter().map(short).collect())
}

// Oracle: the tables of docs/facts/node-read.md.
#[test]
fn sets_and_their_order() {
    let first = [cookie(1, 10), cookie(2, 20)];
    let (keys, found, log) = read_node(&node(&first, Some((6, &[cookie(2, 21), cookie(3, 31)]))));
    assert_eq!(keys.unwrap(), [(1, 10), (2, 21), (3, 31)]);
    assert!(found.is_empty() && log.is_empty());
    // A later set with a blacklisted sequence does not count.
    let (keys, found, _) = read_node(&node(&first, Some((109, &[cookie(2, 21)]))));
    assert_eq!(keys.unwrap(), [(1, 10), (2, 20)]);
    assert!(found.is_empty());
    let (_, found, _) = read_node(&node(&first, Some((6, &[]))));
    assert_eq!(found, ["1 bset u64s 0: empty bset"]);
}

// Oracle: the same; whether another copy is needed decides over the result.
#[test]
fn heads() {
    let good = node(&[cookie(1, 10)], None);
    let bent = |at: usize, bytes: &[u8]| {
        let mut b = good.clone();
        put(&mut b, at, bytes);
        // Sealed again as far as the set reaches.
        let len = 160 + 48;
        let sum = checksum(CsumType::CRC32C_NONZERO, None, Default::default(), &b[16..len]);
        put(&mut b, 0, &sum.unwrap());
        let (keys, found, log) = read_node(&b);
        (keys.map(|k| k.len()), found, log)
    };
    let one = |s: &str| vec![s.to_string()];
    let none = Vec::new;
    assert_eq!(bent(16, &[0]), (None, none(), one("0: bad magic")));
    assert_eq!(bent(136, &[0]), (None, none(), one("0: bad btree header")));
    let wrong = "0: got wrong btree node (seq 78 want 77)";
    assert_eq!(bent(136, &[0x78]), (None, none(), one(wrong)));
    assert_eq!(bent(24, &[0x04]), (None, none(), one("0 bset u64s 6: incorrect btree id")));
    assert_eq!(bent(24, &[0x13]), (None, none(), one("0 bset u64s 6: incorrect level")));
    let min = "0: incorrect min_key: got 0:1 should be 0:0";
    assert_eq!(bent(36, &[1]), (None, none(), one(min)));
    assert_eq!(bent(56, &[0]), (None, none(), one("0 bset u64s 6: incorrect max key")));
    let version = one("0 bset u64s 6: unsupported bset version");
    assert_eq!(bent(156, &[8]), (None, none(), version));
    let format = one("0 bset u64s 6: invalid bkey format: incorrect number of fields");
    assert_eq!(bent(81, &[5]), (None, none(), format));
    // Checksums nobody can compute: no type of that number, or no key.
    for type_ in [7, 3] {
        let unknown = one("0 bset u64s 6: unknown checksum type");
        assert_eq!(bent(152, &[type_]), (None, none(), unknown));
    }
    // Nobody else has it: what is wrong only with the checksum is taken.
    let mut b = good.clone();
    b[3] ^= 1;
    let (keys, found, log) = read_node(&b);
    assert_eq!(keys.unwrap(), [(1, 10)]);
    assert!(found.is_empty());
    assert_eq!(log, ["0 bset u64s 6: invalid checksum"]);
    let mut b = good;
    put(&mut b, 2048 + 16, &SEQ.to_le_bytes());
    assert_eq!(read_node(&b).2, ["1: found bset signature after last bset"]);
}

// Oracle: the same; what is wrong with keys is repaired by leaving them out.
#[test]
fn keys() {
    let found = |keys: &[Vec<u64>]| {
        let (keys, found, log) = read_node(&node(keys, None));
        (keys.map(|k| k.iter().map(|k| k.0).collect::<Vec<_>>()), found, log)
    };
    let bent = |at: usize, v: u64| {
        let mut k = cookie(5, 50);
        k[at] = v;
        k
    };
    let head = cookie(5, 50)[0];
    let (ok, next) = (cookie(1, 10), cookie(9, 90));
    let around = |k: Vec<u64>| found(&[ok.clone(), k, next.clone()]);
    let (keys, f, _) = around(bent(0, (head & !0xff) | 30));
    assert_eq!(keys, Some(vec![1]));
    assert_eq!(f, ["0 bset u64s 18: key extends past end of bset"]);
    let (keys, f, _) = around(bent(0, head | 0x0200));
    assert_eq!(keys, Some(vec![1, 9]));
    assert_eq!(f, ["0 bset u64s 18: invalid bkey format 3"]);
    let (keys, f, _) = around(bent(2, 4));
    assert_eq!(keys, Some(vec![1, 9]));
    assert_eq!(
        f,
        ["0 bset u64s 18: invalid bkey:\nnonzero size field\n\
          u64s 6 type cookie 1:5 snap 0 len 4 ver 0: "]
    );
    // The value is looked at after the sets are merged.
    let (keys, f, _) = around(bent(0, head | 0x0f << 16));
    assert_eq!(keys, Some(vec![1, 9]));
    assert_eq!(
        f,
        ["1 bset u64s 18: invalid bkey u64s 6 type reflink_p 1:5 snap 0 len 0 ver 0: \
          idx 50: incorrect value size"]
    );
    let (keys, f, log) = found(&[next.clone(), ok.clone()]);
    assert_eq!((keys, f.len()), (None, 0));
    assert!(log[0].starts_with("0 bset u64s 12: keys out of order: u64s 6 type cookie 1:9 "));
    let mut b = node(&[ok], None);
    put(&mut b, 144, &105_u64.to_le_bytes());
    let sum = checksum(CsumType::CRC32C_NONZERO, None, Default::default(), &b[16..208]);
    put(&mut b, 0, &sum.unwrap());
    let blacklisted = "1 bset u64s 6: first btree node bset has blacklisted journal seq";
    assert_eq!(read_node(&b).1, [blacklisted]);
}

// Oracle: the same, of formats: each rule, field by field.
#[test]
fn formats() {
    let good = Head::of(XATTRS, 0);
    let said = |change: &dyn Fn(&mut BkeyFormat)| {
        let mut head = good.clone();
        change(&mut head.format);
        let (keys, found, log) = read_node(&head.node(&[(5, 0, cookie(1, 10))]));
        assert!(keys.is_none() && found.is_empty(), "{found:?}");
        log[0].strip_prefix("0 bset u64s 6: invalid bkey format: ").unwrap().to_string()
    };
    assert_eq!(said(&|f| f.nr_fields = 7), "incorrect number of fields");
    assert_eq!(said(&|f| f.bits_per_field[5] = 65), "field too large");
    assert_eq!(said(&|f| f.field_offset[1] = Le64::new(1)), "offset + bits overflow");
    assert_eq!(said(&|f| f.field_offset[3] = Le64::new(u64::MAX)), "offset + bits overflow");
    assert_eq!(said(&|f| f.key_u64s = 4), "incorrect key_u64s");
    // The first one that is wrong.
    let two = |f: &mut BkeyFormat| (f.bits_per_field[0], f.field_offset[1]) = (65, Le64::new(1));
    assert_eq!(said(&two), "field too large");
}

// Oracle: the same, of versions of sets.
#[test]
fn versions() {
    for version in 0..20 {
        let head = Head { version, ..Head::of(XATTRS, 0) };
        let (keys, _, log) = read_node(&head.node(&[(5, 0, cookie(1, 10))]));
        if version == 3 || (9..12).contains(&version) {
            assert_eq!((keys.unwrap(), log), (vec![(1, 10)], vec![]), "{version}");
        } else {
            assert_eq!((keys, log), (None, vec!["0 bset u64s 6: unsupported bset version".into()]));
        }
    }
    // docs/differences.md.
    let big = Head::of(XATTRS, 0).node(&[(5, 0x10, cookie(1, 10))]);
    assert_eq!(read_node(&big).2, ["0 bset u64s 6: big endian bset is not supported"]);
}

// Oracle: the same, of a set that says it is longer than its node: its sum is wrong,
// unless there is none.
#[test]
fn past_the_end() {
    let long = |flags: u8, sum: [u8; 16]| {
        let mut b = node(&[cookie(1, 10)], None);
        b[152] = flags;
        put(&mut b, 158, &1000_u16.to_le_bytes());
        put(&mut b, 0, &sum);
        read_node(&b)
    };
    let past = "0 bset u64s 1000: bset past end of btree node".to_string();
    let (keys, found, log) = long(0, [0; 16]);
    assert_eq!((keys, found, log), (Some(vec![]), vec![past.clone()], vec![]));
    for (flags, sum) in [(0, [1; 16]), (1, [0; 16]), (1, [1; 16])] {
        let (keys, found, log) = long(flags, sum);
        assert_eq!((keys, found), (Some(vec![]), vec![past.clone()]));
        assert_eq!(log, ["0 bset u64s 1000: invalid checksum"]);
    }
    // Of a later set, with sectors that the node does not have.
    let first = vec![cookie(1, 10); 1].concat();
    let mut b = Head::of(XATTRS, 0).node(&[(5, 0, first), (6, 0, cookie(2, 20))]);
    put(&mut b, 512 + 38, &500_u16.to_le_bytes());
    b[512 + 32] = 0;
    put(&mut b, 512, &[0; 16]);
    let (keys, found, _) = read_node(&b);
    assert_eq!(keys.unwrap(), [(1, 10)]);
    assert_eq!(found, ["1 bset u64s 500: bset past end of btree node"]);
}

// Oracle: the same: a pointer of the first form knows neither number nor range.
#[test]
fn pointers_of_the_first_form() {
    let mut pointer = Head::of(XATTRS, 0).pointer();
    (pointer.k.type_, pointer.k.u64s) = (KeyType::BTREE_PTR, 6);
    pointer.v = vec![ExtentPtr::new(0, SECTOR, 0).0];
    let head = Head { min: Bpos::new(1, 1), ..Head::of(XATTRS, 0) };
    let (keys, _, log) = read_by(&pointer, &head.node(&[(5, 0, cookie(1, 10))]));
    assert_eq!((keys.unwrap(), log), (vec![(1, 10)], vec![]));
    // Nowhere to read it from.
    let key = |ptr: ExtentPtr| Key { v: vec![ptr.0], ..pointer.clone() };
    let mut fs = small();
    place(&mut fs, head.node(&[(5, 0, cookie(1, 10))]));
    let nowhere = |ptr: ExtentPtr| {
        let mut keep = Keep::default();
        assert!(read(&fs, &key(ptr), XATTRS, 0, &mut keep).is_none());
        keep.log
    };
    let none = "btree node read error: no device to read from";
    assert_eq!(nowhere(ExtentPtr::new(1, SECTOR, 0)), [none]);
    // Cached, of another generation than the bucket.
    assert_eq!(nowhere(ExtentPtr::new(0, SECTOR, 255).with_cached(true)), [none]);
    // Behind the end of the device.
    let past = nowhere(ExtentPtr::new(0, 1 << 20, 0));
    assert_eq!(past, ["IO error on memory for btree read"]);
}

// Oracle: the same, of keys whose length contradicts their format: too small, the
// fields from where they should be.
#[test]
fn lengths_that_contradict() {
    let small = |k: &[u64], shown: &str| {
        let (ok, next) = (cookie(1, 10), cookie(9, 90));
        let all = [&ok[..], k, &next[..]].concat();
        let head = Head { format: format(8, 16, 8), ..Head::of(XATTRS, 0) };
        let (keys, found, _) = read_node(&head.node(&[(5, 0, all.clone())]));
        let nr = all.len();
        let text = format!("0 bset u64s {nr}: invalid bkey:\nu64s too small\n{shown}");
        assert_eq!(found.first(), Some(&text));
        keys
    };
    // Not packed, of three words: what lies behind them is its offset and inode.
    let mut k = cookie(5, 50);
    k[0] = (k[0] & !0xff) | 3;
    k.truncate(3);
    let shown = "u64s 3 type cookie 0:281474976776454 snap 0 len 0 ver 0: ";
    let behind = cookie(9, 90)[0];
    let shown = shown.replace("281474976776454", &behind.to_string());
    let keys = small(&k, &shown);
    assert_eq!(keys.unwrap(), [(1, 10), (9, 90)]);
}

// Oracle: docs/differences.md: a value shorter than its type wants is shown as far as
// it goes.
#[test]
fn values_that_are_too_short_to_show() {
    let fs = small();
    let shown = |type_, v: &[u64]| {
        let words = current(type_, Bpos::new(1, 2), 0, v);
        let k = Bkey::from_words(*words.first_chunk().unwrap());
        let text = crate::key_text::KeyText::new(&fs, KeyRef::new(&k, v)).to_string();
        text.split_once(" ver 0: ").unwrap().1.to_string()
    };
    assert_eq!(shown(KeyType::XATTR, &[]), "");
    assert_eq!(shown(KeyType::XATTR, &[0x41_0000_0100]), "user.A:");
    assert_eq!(shown(KeyType::DIRENT, &[7]), " -> 7 type 0");
    assert_eq!(shown(KeyType::INODE, &[]).split(' ').next(), Some("bi_atime:"));
}

/// A format with fields of so many bits: inode, offset, none, size.
fn format(inode: u8, offset: u8, size: u8) -> BkeyFormat {
    let bits = 24 + u32::from(inode) + u32::from(offset) + u32::from(size);
    let key_u64s = u8::try_from(bits.div_ceil(64)).unwrap();
    let bits_per_field = [inode, offset, 0, size, 0, 0];
    BkeyFormat { nr_fields: 6, key_u64s, bits_per_field, ..BkeyFormat::CURRENT }
}

// Oracle: docs/facts/node-read.md, "Old versions": inodes were ordered by what is
// their offset today; in memory they are as today.
#[test]
fn inodes_of_an_older_version() {
    let inodes = BtreeId(1);
    let read_as = |version: u16, raw: BkeyFormat, packed: bool| {
        let p = |inum: u64| match version {
            VERSION => Bpos::new(0, inum),
            _ => Bpos::new(inum, 0),
        };
        let format = NodeFormat::new(&raw).unwrap_or_else(|_| panic!("{raw:?}"));
        let key = |inum, v: &[u64]| {
            let words = current(KeyType::INODE_GENERATION, p(inum), 0, v);
            let k = Bkey::from_words(*words.first_chunk().unwrap());
            match packed {
                true => [format.pack(&k).unwrap().words(), v].concat(),
                false => words,
            }
        };
        let head = Head::of(inodes, 0);
        let on_disk = Head { min: p(4096), max: p(1 << 20), version, format: raw, ..head.clone() };
        let today = Head { min: Bpos::new(0, 4096), max: Bpos::new(0, 1 << 20), ..head };
        // The second one's value is too long.
        let keys = [key(4096, &[7]), key(5000, &[8, 9]), key(1 << 20, &[10])];
        let mut fs = small();
        place(&mut fs, on_disk.node(&[(5, 0, keys.concat())]));
        let mut keep = Keep::default();
        let node = read(&fs, &today.pointer(), inodes, 0, &mut keep).unwrap();
        assert!(keep.log.is_empty(), "{:?}", keep.log);
        (node.words, node.max_key, keep.found)
    };
    for packed in [false, true] {
        let today = read_as(VERSION, format(8, 32, 8), packed);
        assert_eq!((today.0.is_empty(), today.2.len()), (false, 1));
        assert_eq!(read_as(VERSION - 1, format(32, 8, 8), packed), today);
    }
}
