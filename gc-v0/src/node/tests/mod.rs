// SPDX-License-Identifier: GPL-2.0-only
//! Nodes written by hand: one by one, and many at random against a naive reading.

mod model;
mod one;

use crate::fs::Fs;
use crate::key::Key;
use crate::testing::{BUCKET, NODE, fs, put};
use gc_core::layout::node::NodeFlags;
use gc_core::layout::{
    Bkey, BkeyFormat, Bpos, Bset, BtreeId, BtreeNode, BtreeNodeEntry, Csum, CsumType, ExtentPtr,
    KeyType, POS_MAX,
};
use gc_disk::checksum::checksum;
use gc_disk::io::{DeviceFile, Medium};
use std::io;
use std::path::Path;
use zerocopy::IntoBytes;

const SEQ: u64 = 0x77;
/// Where the node lies.
const SECTOR: u64 = 8 * BUCKET;
const XATTRS: BtreeId = BtreeId(3);
const MAGIC: u64 = 0x0101_0101_0101_0101 ^ gc_core::layout::superblock::BSET_MAGIC;
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
        let flags = NodeFlags(self.flags).with_btree_id(self.btree.0).with_level(self.level);
        let mut b = Vec::new();
        for (i, (journal_seq, flags_of_set, words)) in sets.iter().enumerate() {
            let keys = Bset {
                seq: SEQ.into(),
                journal_seq: (*journal_seq).into(),
                flags: (1 | flags_of_set).into(),
                version: self.version.into(),
                u64s: u16::try_from(words.len()).unwrap().into(),
                start: [],
            };
            let csum = Csum::default();
            let at = b.len().next_multiple_of(512);
            b.resize(at, 0);
            if i == 0 {
                let head = BtreeNode {
                    csum,
                    magic: MAGIC.into(),
                    flags: flags.into(),
                    min_key: self.min,
                    max_key: self.max,
                    ptr: ExtentPtr::default(),
                    format: self.format,
                    keys,
                };
                b.extend(head.as_bytes());
            } else {
                b.extend(BtreeNodeEntry { csum, keys }.as_bytes());
            }
            b.extend(words.as_bytes());
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
