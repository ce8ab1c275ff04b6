// SPDX-License-Identifier: GPL-2.0-only
//! Nodes written by hand: one by one, and many at random against a naive reading.

mod model;
mod one;

use crate::fs::Fs;
use crate::key::Key;
use crate::testing::{BUCKET, NODE, fs, put};
use gc_core::layout::{Bkey, BkeyFormat, Bpos, BtreeId, CsumType, ExtentPtr, KeyType, POS_MAX};
use gc_disk::checksum::checksum;
use gc_disk::io::{DeviceFile, Medium};
use std::io;
use std::path::Path;

const SEQ: u64 = 0x77;
/// Where the node lies.
const SECTOR: u64 = 8 * BUCKET;
const XATTRS: BtreeId = BtreeId(3);
const MAGIC: u64 = 0x0101_0101_0101_0101 ^ 0x9013_5c78_b99e_07f5;
/// Today's version.
const VERSION: u16 = 11;

/// The head of a node and what its sets have in common.
#[derive(Debug, Clone)]
struct Head {
    btree: BtreeId,
    level: u8,
    min: Bpos,
    max: Bpos,
    format: BkeyFormat,
    version: u16,
    /// Flags of the node but for btree and level.
    flags: u64,
}

impl Head {
    /// Of all positions, keys not packed, extents written today's way.
    const fn of(btree: BtreeId, level: u8) -> Self {
        let (min, max) = (gc_core::layout::POS_MIN, POS_MAX);
        let format = BkeyFormat::CURRENT;
        Self { btree, level, min, max, format, version: VERSION, flags: 0x100 }
    }

    /// The bytes of a node with these sets: journal sequence, flags, words of keys.
    fn node(&self, sets: &[(u64, u32, Vec<u64>)]) -> Vec<u8> {
        let mut b = vec![0; 136];
        put(&mut b, 16, &MAGIC.to_le_bytes());
        let flags = self.flags | u64::from(self.btree.0) | u64::from(self.level) << 4;
        put(&mut b, 24, &flags.to_le_bytes());
        for (at, p) in [(32, self.min), (52, self.max)] {
            put(&mut b, at, &{ p.snapshot }.to_le_bytes());
            put(&mut b, at + 4, &{ p.offset }.to_le_bytes());
            put(&mut b, at + 12, &{ p.inode }.to_le_bytes());
        }
        b[80] = self.format.key_u64s;
        b[81] = self.format.nr_fields;
        put(&mut b, 82, &self.format.bits_per_field);
        for (i, offset) in self.format.field_offset.iter().enumerate() {
            put(&mut b, 88 + 8 * i, &offset.get().to_le_bytes());
        }
        for (i, (journal_seq, flags, words)) in sets.iter().enumerate() {
            let at = if i == 0 { 0 } else { b.len().next_multiple_of(512) };
            if i > 0 {
                b.resize(at + 16, 0);
            }
            b.extend(SEQ.to_le_bytes());
            b.extend(journal_seq.to_le_bytes());
            b.extend((1 | flags).to_le_bytes());
            b.extend(self.version.to_le_bytes());
            b.extend(u16::try_from(words.len()).unwrap().to_le_bytes());
            b.extend(words.iter().flat_map(|w| w.to_le_bytes()));
            seal(&mut b, at);
        }
        b.resize(usize::try_from(NODE * 512).unwrap(), 0);
        b
    }

    /// A pointer to it.
    fn pointer(&self) -> Key {
        let mut k = Bkey::new(self.max, 0);
        k.type_ = KeyType::BTREE_PTR_V2;
        k.u64s = 11;
        let (sectors, min) = (NODE << 16, self.min);
        let ptr = ExtentPtr::new(0, SECTOR, 0);
        Key { k, v: vec![0, SEQ, sectors, min.offset, min.inode, ptr.0] }
    }
}

/// Makes the checksum of the set at the end of the bytes right.
fn seal(b: &mut [u8], at: usize) {
    let sum = checksum(CsumType::CRC32C_NONZERO, None, Default::default(), &b[at + 16..]);
    put(b, at, &sum.unwrap());
}

/// A key that is not packed.
fn current(type_: KeyType, p: Bpos, size: u32, v: &[u64]) -> Vec<u64> {
    let mut k = Bkey::new(p, size);
    (k.type_, k.u64s) = (type_, 5 + u8::try_from(v.len()).unwrap());
    [&k.to_words(), v].concat()
}

/// A device of nothing but a node.
#[derive(Debug)]
struct Memory(Vec<u8>);

impl Medium for Memory {
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        let at = usize::try_from(at.checked_sub(SECTOR * 512).unwrap()).unwrap();
        let from = self.0.get(at..at + buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(from);
        Ok(())
    }
}

/// Puts a node where [`Head::pointer`] points to.
fn place(fs: &mut Fs, node: Vec<u8>) {
    let online = fs.devices[0].as_mut().unwrap().online.as_mut().unwrap();
    let bytes = online.file.sectors() * 512;
    online.file = DeviceFile::over(Box::new(Memory(node)), Path::new("memory"), bytes);
}

/// A file system of one device, sequences 100 to 109 of its journal blacklisted.
fn small() -> Fs {
    let (_temp, mut fs) = fs(&[]);
    fs.blacklist = Some(vec![(100, 110)]);
    fs
}
