// SPDX-License-Identifier: GPL-2.0-only
//! A file system small enough to be written by hand, for tests.

use crate::fs::{Device, Fs, Online, Replicas, SbFlags};
use crate::superblock::{HEAD, MAGIC, Superblock};
use gc_core::accounting::replicas::Table;
use gc_core::layout::{Bucket, CsumType};
use gc_disk::checksum::{Nonce, checksum};
use gc_disk::io::DeviceFile;
pub(crate) use keep::Keep;
use std::io::Write;

#[path = "../tests/common/keep.rs"]
mod keep;

/// Buckets of the device.
pub(crate) const BUCKETS: u64 = 64;
/// Sectors of a bucket.
pub(crate) const BUCKET: u64 = 16;
/// Sectors of a node.
pub(crate) const NODE: u64 = 8;

/// Writes `bytes` at `at`.
pub(crate) fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    to[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A section with its head, padded to whole words.
pub(crate) fn section(type_: u32, content: &[u8]) -> Vec<u8> {
    let u64s = 1 + content.len().div_ceil(8);
    let mut b = u32::try_from(u64s).unwrap().to_le_bytes().to_vec();
    b.extend(type_.to_le_bytes());
    b.extend(content);
    b.resize(u64s * 8, 0);
    b
}

/// A member slot.
pub(crate) fn member() -> Vec<u8> {
    let mut m = vec![0; 56];
    put(&mut m, 0, &[7; 16]);
    put(&mut m, 16, &BUCKETS.to_le_bytes());
    put(&mut m, 26, &u16::try_from(BUCKET).unwrap().to_le_bytes());
    m
}

/// A valid superblock with one member and the given sections besides.
pub(crate) fn superblock(sections: &[Vec<u8>]) -> Vec<u8> {
    let mut b = vec![0; HEAD];
    put(&mut b, 16, &11_u16.to_le_bytes());
    put(&mut b, 18, &11_u16.to_le_bytes());
    put(&mut b, 24, &MAGIC);
    put(&mut b, 40, &[1; 16]);
    put(&mut b, 56, &[2; 16]);
    put(&mut b, 104, &8_u64.to_le_bytes());
    put(&mut b, 112, &5_u64.to_le_bytes());
    put(&mut b, 120, &1_u16.to_le_bytes());
    b[123] = 1;
    put(&mut b, 140, &1_u32.to_le_bytes());
    // Initialized, clean, crc32c, node size, reserve, replicas.
    let flags = 1 | 2 | 1 << 2 | NODE << 12 | 8 << 28 | 1 << 48 | 1 << 52;
    put(&mut b, 144, &u64::to_le_bytes(flags));
    put(&mut b, 152, &u64::to_le_bytes(1 << 20 | 1 << 24));
    put(&mut b, 240, &MAGIC);
    b[240 + 17] = 4;
    b[240 + 18] = 2;
    put(&mut b, 240 + 24, &8_u64.to_le_bytes());
    put(&mut b, 240 + 32, &24_u64.to_le_bytes());
    b.extend(section(1, &member()));
    for s in sections {
        b.extend(s);
    }
    let u64s = u32::try_from((b.len() - HEAD) / 8).unwrap();
    put(&mut b, 124, &u64s.to_le_bytes());
    seal(&mut b);
    b
}

/// Makes the checksum right.
pub(crate) fn seal(b: &mut [u8]) {
    let sum = checksum(CsumType::CRC32C_NONZERO, None, Nonce::default(), &b[16..]).unwrap();
    put(b, 0, &sum);
}

/// A device with contents at sectors; the rest is zero.
pub(crate) fn device(contents: &[(u64, &[u8])]) -> (tempfile::NamedTempFile, DeviceFile) {
    let mut temp = tempfile::NamedTempFile::new().unwrap();
    let mut bytes = vec![0; usize::try_from(BUCKETS * BUCKET * 512).unwrap()];
    for (sector, b) in contents {
        put(&mut bytes, usize::try_from(sector * 512).unwrap(), b);
    }
    temp.write_all(&bytes).unwrap();
    let file = DeviceFile::open(temp.path(), false).unwrap();
    (temp, file)
}

/// The file system on such a device, its journal in buckets 4 to 7.
pub(crate) fn fs(contents: &[(u64, &[u8])]) -> (tempfile::NamedTempFile, Fs) {
    let sb = Superblock::new(superblock(&[])).unwrap();
    let (temp, file) = device(contents);
    let member = sb.member(0).unwrap();
    let online = Online { file, sb: sb.clone(), sb_sector: 8, journal: vec![4, 5, 6, 7] };
    let buckets = (0..BUCKETS).map(|_| Bucket::default()).collect();
    let device = Device { member, online: Some(online), buckets, listed: None };
    let flags = SbFlags { clean: true, compat: 3, features: 0 };
    let fs = Fs {
        sb,
        devices: vec![Some(device)],
        members: vec![Some(member)],
        key: None,
        stored: flags,
        flags,
        replicas: Replicas { table: Table::new(), rebuild: true },
        blacklist: None,
        root_levels: [0; 8],
        incomplete: false,
        unread_roots: Vec::new(),
    };
    (temp, fs)
}
