// SPDX-License-Identifier: GPL-2.0-only
//! A file system small enough to be written by hand, for tests.

use crate::fs::{Device, Fs, Online, Replicas, SbFlags};
use crate::superblock::Superblock;
use gc_core::accounting::replicas::Table;
use gc_core::layout::section::{Member, SbField, SbFieldType};
use gc_core::layout::superblock::{MAGIC, SbFlags0, SbFlags1};
use gc_core::layout::{Bucket, CsumType, Le64, Sb, SbLayout};
use gc_disk::checksum::{Nonce, checksum};
use gc_disk::io::DeviceFile;
pub(crate) use keep::Keep;
use std::io::Write;
use std::mem::offset_of;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

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
pub(crate) fn section<T: IntoBytes + Immutable + ?Sized>(
    type_: SbFieldType,
    content: &T,
) -> Vec<u8> {
    let content = content.as_bytes();
    let u64s = 1 + content.len().div_ceil(8);
    let field = SbField { u64s: u32::try_from(u64s).unwrap().into(), type_: type_.0.into() };
    let mut b = field.as_bytes().to_vec();
    b.extend(content);
    b.resize(u64s * 8, 0);
    b
}

/// A member slot.
pub(crate) fn member() -> Member {
    Member {
        uuid: [7; 16],
        nbuckets: BUCKETS.into(),
        bucket_size: u16::try_from(BUCKET).unwrap().into(),
        ..Member::new_zeroed()
    }
}

/// A valid superblock with one member and the given sections besides.
pub(crate) fn superblock(sections: &[Vec<u8>]) -> Vec<u8> {
    let sections = [section(SbFieldType::MEMBERS, &member()), sections.concat()].concat();
    let mut flags = [Le64::ZERO; 8];
    flags[0] = SbFlags0::default()
        .with_initialized(true)
        .with_clean(true)
        .with_csum_type(CsumType::CRC32C_NONZERO.0)
        .with_btree_node_size(u16::try_from(NODE).unwrap())
        .with_gc_reserve(8)
        .with_meta_replicas_want(1)
        .with_data_replicas_want(1)
        .0
        .into();
    flags[1] = SbFlags1::default().with_meta_replicas_req(1).with_data_replicas_req(1).0.into();
    let mut layout =
        SbLayout { magic: MAGIC, sb_max_size_bits: 4, nr_superblocks: 2, ..SbLayout::new_zeroed() };
    layout.sb_offset[0] = 8.into();
    layout.sb_offset[1] = 24.into();
    let head = Sb {
        version: 11.into(),
        version_min: 11.into(),
        magic: MAGIC,
        uuid: [1; 16],
        user_uuid: [2; 16],
        offset: 8.into(),
        seq: 5.into(),
        block_size: 1.into(),
        nr_devices: 1,
        u64s: u32::try_from(sections.len() / 8).unwrap().into(),
        time_precision: 1.into(),
        flags,
        layout,
        ..Sb::new_zeroed()
    };
    let mut b = [head.as_bytes(), &sections].concat();
    seal(&mut b);
    b
}

/// The head of a superblock, to be changed.
pub(crate) fn sb_of(b: &mut [u8]) -> &mut Sb {
    Sb::mut_from_prefix(b).unwrap().0
}

/// Makes the checksum right.
pub(crate) fn seal(b: &mut [u8]) {
    let summed = &b[offset_of!(Sb, version)..];
    let sum = checksum(CsumType::CRC32C_NONZERO, None, Nonce::default(), summed).unwrap();
    sb_of(b).csum = sum;
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
    let sb = Superblock::new(&superblock(&[])).unwrap();
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
