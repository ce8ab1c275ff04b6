// SPDX-License-Identifier: GPL-2.0-only
//! Reading a node: its copies in turn.

use super::Node;
use super::err::{Errors, Stop};
use super::parse::Parser;
use crate::fs::Fs;
use crate::key::Key;
use crate::report::{Holds, Reporter};
use gc_core::accounting::ptr_stale;
use gc_core::layout::{BtreeId, ExtentPtr};

/// Reads the node a key points to; `None` when no copy of it can be used.
pub fn read(
    fs: &Fs,
    key: &Key,
    btree: BtreeId,
    level: u8,
    reporter: &mut dyn Reporter,
) -> Option<Node> {
    let mut tried = Vec::new();
    let Some(mut pick) = next_copy(fs, key, &tried) else {
        reporter.error("btree node read error: no device to read from");
        return None;
    };
    let mut parser = Parser::new();
    loop {
        let bytes = read_copy(fs, pick, Holds::Node(btree, level), reporter);
        tried.push(pick.dev());
        let other = next_copy(fs, key, &tried);
        if let Some(bytes) = bytes {
            let can_retry = other.is_some();
            let mut errors = Errors { fs, key, btree, level, can_retry, reporter };
            match parser.parse(bytes, &mut errors) {
                Ok(node) => return Some(node),
                Err(Stop::Failed) => return None,
                Err(Stop::Retry) => {}
            }
        }
        pick = other?;
        reporter.log("retrying read");
    }
}

/// The first copy on a device that was not tried.
pub(crate) fn next_copy(fs: &Fs, key: &Key, tried: &[u8]) -> Option<ExtentPtr> {
    key.as_ref().pointers().find(|p| {
        let Some(dev) = fs.device(p.dev()) else { return false };
        let gen_ = dev.gen_of(dev.geometry().bucket_nr(p.offset()));
        let stale = p.cached() && gen_.is_some_and(|g| ptr_stale(g, p.gen_()) != 0);
        !stale && !tried.contains(&p.dev()) && dev.readable()
    })
}

fn read_copy(
    fs: &Fs,
    ptr: ExtentPtr,
    holds: Holds,
    reporter: &mut dyn Reporter,
) -> Option<Vec<u8>> {
    let dev = fs.device(ptr.dev())?;
    let len = usize::from(fs.btree_node_sectors()).saturating_mul(512);
    let read = dev.file().and_then(|f| f.read_vec(ptr.offset(), len).ok());
    if read.is_none() {
        let name = dev
            .online
            .as_ref()
            .map_or_else(|| format!("dev-{}", ptr.dev()), |o| o.file.path().display().to_string());
        reporter.error(&format!("IO error on {name} for btree read"));
        if let Some(file) = dev.file() {
            let end = ptr.offset().saturating_add(u64::from(fs.btree_node_sectors()));
            for bad in file.unreadable(ptr.offset()..end, dev.member.bucket_size, holds) {
                reporter.unreadable(bad);
            }
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::checksum;
    use crate::testing::{BUCKET, Keep, fs, put};
    use gc_core::layout::{Bkey, BkeyFormat, Bpos, CsumType, KeyType, POS_MAX};

    const SEQ: u64 = 0x77;
    /// Where the node lies.
    const SECTOR: u64 = 8 * BUCKET;
    const XATTRS: BtreeId = BtreeId(3);

    fn cookie(offset: u64, v: u64) -> Vec<u64> {
        let mut k = Bkey::new(Bpos::new(1, offset), 0);
        k.type_ = KeyType::COOKIE;
        k.u64s = 6;
        let mut words = k.to_words().to_vec();
        words.push(v);
        words
    }

    fn set(b: &mut Vec<u8>, journal_seq: u64, keys: &[Vec<u64>]) {
        let words = keys.concat();
        b.extend(SEQ.to_le_bytes());
        b.extend(journal_seq.to_le_bytes());
        b.extend(1_u32.to_le_bytes());
        b.extend(11_u16.to_le_bytes());
        b.extend(u16::try_from(words.len()).unwrap().to_le_bytes());
        b.extend(words.iter().flat_map(|w| w.to_le_bytes()));
    }

    /// A node of xattrs of one set, or two if there are later keys.
    fn node(first: &[Vec<u64>], later: Option<(u64, &[Vec<u64>])>) -> Vec<u8> {
        let mut b = vec![0; 136];
        put(&mut b, 16, &(0x0101_0101_0101_0101_u64 ^ 0x9013_5c78_b99e_07f5).to_le_bytes());
        put(&mut b, 24, &0x103_u64.to_le_bytes());
        put(&mut b, 56, &[0xff; 16]);
        let format = BkeyFormat::CURRENT;
        b[80] = format.key_u64s;
        b[81] = format.nr_fields;
        put(&mut b, 82, &format.bits_per_field);
        set(&mut b, 5, first);
        seal(&mut b, 0);
        if let Some((journal_seq, keys)) = later {
            let at = b.len().next_multiple_of(512);
            b.resize(at + 16, 0);
            set(&mut b, journal_seq, keys);
            seal(&mut b, at);
        }
        b.resize(4096, 0);
        b
    }

    fn seal(b: &mut [u8], at: usize) {
        let sum = checksum(CsumType::CRC32C_NONZERO, None, Default::default(), &b[at + 16..]);
        put(b, at, &sum.unwrap());
    }

    fn pointer() -> Key {
        let mut k = Bkey::new(POS_MAX, 0);
        k.type_ = KeyType::BTREE_PTR_V2;
        k.u64s = 11;
        let ptr = ExtentPtr::new(0, SECTOR, 0);
        Key { k, v: vec![0, SEQ, 8 << 16, 0, 0, ptr.0] }
    }

    /// Keys as (offset, value), or `None` for a read error.
    type Keys = Option<Vec<(u64, u64)>>;

    /// The keys; what was found; what was logged, without the head of the message.
    fn read_node(bytes: &[u8]) -> (Keys, Vec<String>, Vec<String>) {
        let (_temp, mut fs) = fs(&[(SECTOR, bytes)]);
        fs.blacklist = Some(vec![(100, 110)]);
        let mut keep = Keep::default();
        let node = read(&fs, &pointer(), XATTRS, 0, &mut keep);
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
        let (keys, found, log) =
            read_node(&node(&first, Some((6, &[cookie(2, 21), cookie(3, 31)]))));
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
}
