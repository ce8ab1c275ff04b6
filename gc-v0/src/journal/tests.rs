// SPDX-License-Identifier: GPL-2.0-only
//! The journal of a device written by hand.

use super::{Journal, read};
use crate::fs::{Device, Online};
use crate::testing::{BUCKET, BUCKETS, Keep, fs, put};
use gc_core::layout::jset::{JsetEntry, JsetEntryType, JsetFlags};
use gc_core::layout::superblock::JSET_MAGIC;
use gc_core::layout::{Bkey, Bpos, BtreeId, CsumType, Jset, KeyType};
use gc_disk::checksum::checksum;
use gc_disk::io::{DeviceFile, Medium};
use std::path::Path;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// A key of type cookie.
fn key(offset: u64, v: u64) -> Vec<u64> {
    let mut k = Bkey::new(Bpos::new(0, offset), 0);
    k.type_ = KeyType::COOKIE;
    k.u64s = 6;
    let mut words = k.to_words().to_vec();
    words.push(v);
    words
}

fn item(type_: u8, btree_id: u8, level: u8, words: &[u64]) -> Vec<u64> {
    let (u64s, type_) = ((words.len() as u16).into(), JsetEntryType(type_));
    let mut item = vec![JsetEntry { u64s, btree_id, level, type_, pad: [0; 3] }.to_word()];
    item.extend(words);
    item
}

/// A journal entry, sealed.
fn entry(seq: u64, last: u64, items: &[Vec<u64>]) -> Vec<u8> {
    let words = items.concat();
    let head = Jset {
        magic: (0x0101_0101_0101_0101 ^ JSET_MAGIC).into(),
        seq: seq.into(),
        version: 11.into(),
        flags: JsetFlags::default().with_csum_type(CsumType::CRC32C_NONZERO.0).into(),
        u64s: (words.len() as u32).into(),
        last_seq: last.into(),
        ..Jset::new_zeroed()
    };
    let mut b = [head.as_bytes(), words.as_bytes()].concat();
    let summed = &b[Jset::SUMMED_FROM..];
    let sum = checksum(CsumType::CRC32C_NONZERO, None, Default::default(), summed).unwrap();
    Jset::mut_from_prefix(&mut b).unwrap().0.csum = sum;
    b
}

/// Reads a journal with `bytes` at sectors counted from bucket 4 on.
fn journal(contents: &[(u64, Vec<u8>)]) -> (Journal, Keep) {
    let contents: Vec<(u64, &[u8])> =
        contents.iter().map(|(s, b)| (4 * BUCKET + s, b.as_slice())).collect();
    let (_temp, mut fs) = fs(&contents);
    let mut said = [1, 2, 5].map(|threads| {
        let mut keep = Keep::default();
        (read(&mut fs, (threads, None), &mut keep).unwrap(), keep)
    });
    // Oracle: one thread.
    let texts = said.each_ref().map(|(journal, keep)| format!("{:?} {keep:?}", journal.items));
    assert!(texts.iter().all(|t| *t == texts[0]), "{texts:?}");
    let seqs = said.each_ref().map(|(journal, _)| journal.seqs.clone());
    assert!(seqs.iter().all(|s| *s == seqs[0]), "{seqs:?}");
    core::mem::take(&mut said[0])
}

// Oracle: rules of docs/facts/journal.md, one bucket at a time.
#[test]
fn buckets() {
    // Several entries in a bucket, a bucket that wrapped, an empty one.
    let (e, keep) = journal(&[
        (0, entry(7, 5, &[])),
        (1, entry(8, 5, &[])),
        (2, entry(3, 1, &[])),
        (BUCKET, entry(5, 2, &[])),
        (BUCKET + 1, entry(6, 5, &[])),
        (2 * BUCKET + 1, entry(9, 5, &[])),
    ]);
    assert_eq!((e.seqs, keep.found.len()), (vec![5, 6, 7, 8], 0));
    // A bad entry does not hide those behind it.
    let mut bad = entry(6, 5, &[]);
    bad[50] ^= 1;
    let (e, keep) = journal(&[(0, entry(5, 5, &[])), (1, bad), (3, entry(7, 5, &[]))]);
    assert_eq!(e.seqs, [5, 7]);
    assert_eq!(keep.found, ["journal checksum bad, sector 65"]);
    // Older than needed, by the newest entry seen so far and by later ones.
    let (e, _) = journal(&[
        (0, entry(9, 8, &[])),
        (BUCKET, entry(5, 1, &[])),
        (2 * BUCKET, entry(8, 3, &[])),
        (3 * BUCKET, entry(10, 9, &[])),
    ]);
    assert_eq!(e.seqs, [9, 10]);
}

// Oracle: texts of docs/facts/journal.md.
#[test]
fn bad_entries() {
    let big = entry(5, 5, &[item(9, 0, 0, &vec![0; 1100])]);
    let (e, keep) = journal(&[(0, big.clone())]);
    assert!(e.seqs.is_empty());
    assert_eq!(keep.found, [format!("journal entry too big ({} bytes), sector 64u", big.len())]);
    let (e, keep) = journal(&[(0, entry(5, 6, &[]))]);
    assert_eq!(keep.found, ["invalid journal entry: last_seq > seq"]);
    assert_eq!(e.newest.unwrap().last_seq, 5);
    // Longer than one read, and across the end of what is buffered.
    let long = || item(9, 0, 0, &vec![7; 700]);
    let (e, keep) = journal(&[(0, entry(5, 5, &[])), (1, entry(6, 5, &[long()]))]);
    assert_eq!((e.seqs, keep.found.len()), (vec![5, 6], 0));
    // Twice, with another content.
    let (_, keep) =
        journal(&[(0, entry(5, 5, &[])), (BUCKET, entry(5, 5, &[item(9, 0, 0, &[1])]))]);
    assert_eq!(
        keep.found,
        [
            "found duplicate but non identical journal entries (seq 5)",
            "duplicate journal entries on same device"
        ]
    );
}

// Oracle: texts and repairs of docs/facts/journal.md.
#[test]
fn items_are_checked_and_repaired() {
    let bad = |at: usize, v: u64| {
        let mut k = key(1, 2);
        k[at] = v;
        k
    };
    let text = |items: &[Vec<u64>]| {
        let (e, keep) = journal(&[(0, entry(5, 5, items))]);
        (keep.found, e.keys.len())
    };
    let keys = |k: &[Vec<u64>]| item(0, 3, 0, &k.concat());
    assert_eq!(text(&[keys(&[key(1, 2), key(2, 2)])]), (vec![], 2));
    let one = |s: &str| vec![s.to_string()];
    let head = key(1, 2)[0];
    assert_eq!(
        text(&[keys(&[key(5, 2), bad(0, head & !0xff)]), keys(&[key(6, 2)])]),
        (one("invalid key in journal: k->u64s 0"), 2)
    );
    assert_eq!(
        text(&[keys(&[key(5, 2), bad(0, (head & !0xff) | 9)])]),
        (one("invalid key in journal: extends past end of journal entry"), 1)
    );
    assert_eq!(
        text(&[keys(&[bad(0, head & !0xff00), key(5, 2)])]),
        (one("invalid key in journal: bad format 0"), 1)
    );
    // The key behind a removed one is not looked at.
    let (found, nr) = text(&[keys(&[bad(2, 9), bad(2, 8), bad(2, 7)])]);
    assert_eq!(nr, 1);
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0],
        "invalid key in journal: nonzero size field\n\
         u64s 6 type cookie 0:1 snap 0 len 9 ver 0: "
    );
    // One without a length is looked at all the same, and what it begins is gone.
    let (found, nr) = text(&[keys(&[bad(0, head & !0xff00), vec![0], key(5, 2)])]);
    assert_eq!(nr, 0);
    let none = "invalid key in journal: k->u64s 0";
    assert_eq!(found, ["invalid key in journal: bad format 0", none]);
    let wrong = |items| text(&[items]).0;
    let bl = "invalid journal seq blacklist entry: bad size";
    assert_eq!(wrong(item(3, 0, 0, &[1, 2])), [bl]);
    assert_eq!(wrong(item(4, 0, 0, &[1])), [bl]);
    assert_eq!(wrong(item(4, 0, 0, &[2, 1])), ["invalid journal seq blacklist entry: start > end"]);
    let usage = "invalid journal entry usage: bad size";
    assert_eq!(wrong(item(5, 0, 0, &[])), [usage]);
    assert_eq!(wrong(item(6, 0, 0, &[1])), [usage]);
    assert_eq!(wrong(item(6, 0, 0, &[1, 4 | 9 << 8])), [usage]);
    assert!(wrong(item(6, 0, 0, &[1, 4 | 1 << 8 | 1 << 16])).is_empty());
    assert_eq!(
        wrong(item(1, 0, 0, &[])),
        ["invalid btree root journal entry: wrong number of keys"]
    );
    let mut past = item(0, 0, 0, &key(1, 2));
    past[0] += 1;
    assert_eq!(wrong(past), ["journal entry extends past end of jset"]);
}

// Oracle: the newest key of a place, from entries that are still needed.
#[test]
fn newest_key_of_a_place() {
    let keys = |b, l, k: &[Vec<u64>]| item(0, b, l, &k.concat());
    let (e, _) = journal(&[
        (0, entry(5, 5, &[keys(3, 0, &[key(1, 10), key(2, 20), key(1, 11)])])),
        (1, entry(6, 5, &[keys(3, 1, &[key(0, 1)]), keys(3, 0, &[key(2, 21), key(3, 30)])])),
    ]);
    let keys = e.keys;
    let at = |l, from| {
        let k = keys.from(BtreeId(3), l, Bpos::new(0, from));
        k.iter().map(|k| ({ k.key.k.p }.offset, k.key.v[0])).collect::<Vec<_>>()
    };
    assert_eq!(at(0, 0), [(1, 11), (2, 21), (3, 30)]);
    assert_eq!(at(0, 2), [(2, 21), (3, 30)]);
    assert_eq!(at(0, 4), []);
    assert_eq!(keys.from(BtreeId(2), 0, Bpos::default()).len(), 0);
    assert_eq!(keys.len(), 4, "one of level 1");
    let (e, _) = journal(&[(0, entry(5, 5, &[keys_item(1)])), (1, entry(6, 6, &[keys_item(2)]))]);
    assert_eq!(e.keys.len(), 1);
}

fn keys_item(offset: u64) -> Vec<u64> {
    item(0, 3, 0, &key(offset, 1))
}

/// A device in memory that gives something else when a sector is read a second time.
#[derive(Debug)]
struct Fickle {
    bytes: Vec<u8>,
    sector: u64,
    /// `None`: nothing.
    then: Option<Vec<u8>>,
}

impl Medium for Fickle {
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> std::io::Result<()> {
        let from = usize::try_from(at).unwrap();
        buf.copy_from_slice(&self.bytes[from..from + buf.len()]);
        // Buckets are read from their beginning, and in larger pieces.
        if at == self.sector * 512 && buf.len() <= 512 {
            let then = self.then.as_ref().ok_or_else(|| std::io::Error::from_raw_os_error(5))?;
            buf.copy_from_slice(&then[..buf.len()]);
        }
        Ok(())
    }
}

/// Contents of a device, and what becomes of one of its sectors.
type Contents<'a> = (&'a [(u64, Vec<u8>)], u64, Option<Vec<u8>>);

/// As [`journal`], on devices that are given so.
fn fickle(devices: &[Contents<'_>]) -> (Journal, Keep) {
    let (_temp, mut fs) = fs(&[]);
    let first = fs.devices.remove(0).unwrap();
    let mut keep = Keep::default();
    for (i, (contents, sector, then)) in devices.iter().enumerate() {
        let mut bytes = vec![0; usize::try_from(BUCKETS * BUCKET * 512).unwrap()];
        for (s, b) in *contents {
            put(&mut bytes, usize::try_from((4 * BUCKET + s) * 512).unwrap(), b);
        }
        let len = bytes.len() as u64;
        let medium = Fickle { bytes, sector: 4 * BUCKET + sector, then: then.clone() };
        let file = DeviceFile::over(Box::new(medium), Path::new(&format!("dev{i}")), len);
        let sb = first.online.as_ref().unwrap().sb.clone();
        let online = Online { file, sb, sb_sector: 8, journal: vec![4, 5, 6, 7] };
        let (member, buckets) = (first.member, Vec::new());
        fs.devices.push(Some(Device { member, online: Some(online), buckets, listed: None }));
    }
    (read(&mut fs, (1, None), &mut keep).unwrap(), keep)
}

// Oracle: the entry that cannot be read again is as one that never could be, and where
// it lies is said.
#[test]
fn an_entry_that_is_gone_when_it_is_needed() {
    let entries = [(0, entry(5, 5, &[keys_item(1)])), (1, entry(6, 5, &[keys_item(2)]))];
    let sector = 4 * BUCKET + 1;
    let (got, keep) = fickle(&[(&entries, 1, None)]);
    assert_eq!((got.seqs, got.keys.len(), got.unreadable), (vec![5], 1, true));
    assert_eq!(keep.log[0], format!("IO error on dev0 for journal read from sector {sector}"));
    assert_eq!(keep.unreadable.iter().map(|u| u.sector).collect::<Vec<_>>(), [sector]);
    // Another entry lies there now, or something that is none, or the same with another
    // checksum.
    let mut broken = entries[1].1.clone();
    broken[100] ^= 1;
    for now in [entry(7, 5, &[keys_item(2)]), entry(6, 6, &[keys_item(2)]), vec![0; 512], broken] {
        let (got, keep) = fickle(&[(&entries, 1, Some(now))]);
        assert_eq!((got.seqs, got.keys.len(), got.unreadable), (vec![5], 1, true));
        let changed = format!("dev0: the journal entry at sector {sector} changed");
        assert_eq!(keep.log[0], format!("{changed} while it was read"));
        assert_eq!(keep.unreadable.iter().map(|u| u.sector).collect::<Vec<_>>(), [sector]);
    }
}

// Oracle: the copy that can be read says all there is to say.
#[test]
fn an_entry_that_is_gone_has_another_copy() {
    let entries = [(0, entry(5, 5, &[keys_item(1)])), (1, entry(6, 5, &[keys_item(2)]))];
    let never = (&entries[..], 9, None);
    for devices in [[(&entries[..], 1, None), never.clone()], [never, (&entries[..], 1, None)]] {
        let (got, keep) = fickle(&devices);
        assert_eq!((got.seqs, got.keys.len()), (vec![5, 6], 2));
        // While they were compared.
        assert!(got.unreadable && keep.found.is_empty(), "{keep:?}");
    }
}
