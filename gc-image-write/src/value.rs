// SPDX-License-Identifier: GPL-2.0-only
//! Values of keys (facts: docs/facts/namespace.md, alloc-keys, extent).

use crate::buf::{low8, number, words};
use crate::key::Key;
use gc_core::bkey::alloc_key::AllocFields;
use gc_core::bkey::stripe_key::csum_bytes;
use gc_core::layout::extent::{ExtentCrc32, ExtentCrc64, ExtentCrc128, ExtentStripePtr};
use gc_core::layout::value::{
    DirentValue, InodeFlags, InodeValue, QuotaCounter, QuotaValue, XattrValue,
};
use gc_core::layout::{
    Bpos, CsumType, ExtentPtr, KeyType, Le16, Le64, ReflinkP, ReflinkV, Reservation, StripeValue,
};
use gc_disk::checksum::{Nonce, checksum};
use zerocopy::{FromZeros, IntoBytes};

/// Mode of a directory, a regular file, a symbolic link.
pub const S_IFDIR: u16 = 0o040_000;
/// Mode of a regular file.
pub const S_IFREG: u16 = 0o100_000;
/// Mode of a symbolic link.
pub const S_IFLNK: u16 = 0o120_000;

/// The sizes of an encoded piece of an extent, in sectors, and how it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Crc {
    /// Sectors on disk, at least 1.
    pub compressed: u32,
    /// Sectors of data, at least 1.
    pub uncompressed: u32,
    /// First live sector within the data.
    pub offset: u16,
    /// Nonce; crc32 entries have none.
    pub nonce: u16,
    /// Checksum type.
    pub csum_type: CsumType,
    /// Compression type.
    pub compression: u8,
}

/// An entry of an extent's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A pointer.
    Ptr(ExtentPtr),
    /// A checksum entry of one word.
    Crc32(Crc),
    /// A checksum entry of two words.
    Crc64(Crc),
    /// A checksum entry of three words.
    Crc128(Crc),
    /// The next pointer is a block of a stripe: index, block.
    Stripe(u64, u8),
}

/// Entries as words.
#[must_use]
pub fn entries(list: &[Entry]) -> Vec<u64> {
    let mut out = Vec::new();
    let sum = 0x1234_5678_9abc_def1;
    for e in list {
        match *e {
            Entry::Ptr(p) => out.push(p.0),
            Entry::Crc32(c) => out.push(
                ExtentCrc32(2)
                    .with_compressed_size_raw(c.compressed.wrapping_sub(1))
                    .with_uncompressed_size_raw(c.uncompressed.wrapping_sub(1))
                    .with_offset(c.offset)
                    .with_csum_type(c.csum_type.0)
                    .with_compression_type(c.compression)
                    .with_csum(0xfeed_f00d)
                    .0,
            ),
            Entry::Crc64(c) => {
                let e = ExtentCrc64 { w0: 4, csum_lo: sum }
                    .with_compressed_size_raw(c.compressed.wrapping_sub(1))
                    .with_uncompressed_size_raw(c.uncompressed.wrapping_sub(1))
                    .with_offset(c.offset)
                    .with_nonce(c.nonce)
                    .with_csum_type(c.csum_type.0)
                    .with_compression_type(c.compression);
                out.extend([e.w0, e.csum_lo]);
            }
            Entry::Crc128(c) => {
                let e = ExtentCrc128 { w0: 8, ..ExtentCrc128::default() }
                    .with_compressed_size_raw(c.compressed.wrapping_sub(1))
                    .with_uncompressed_size_raw(c.uncompressed.wrapping_sub(1))
                    .with_offset(c.offset)
                    .with_nonce(c.nonce)
                    .with_csum_type(c.csum_type.0)
                    .with_compression_type(c.compression);
                out.extend([e.w0, sum, sum]);
            }
            Entry::Stripe(idx, block) => out.push(ExtentStripePtr::new(idx, block).0),
        }
    }
    out
}

/// An extent that ends at `end`.
#[must_use]
pub fn extent(end: Bpos, size: u32, list: &[Entry]) -> Key {
    Key::new(KeyType::EXTENT, end, size, entries(list))
}

/// A shared extent.
#[must_use]
pub fn reflink_v(end: Bpos, size: u32, refcount: u64, list: &[Entry]) -> Key {
    let head = ReflinkV { refcount: refcount.into(), start: [] };
    let mut v = words(head.as_bytes());
    v.extend(entries(list));
    Key::new(KeyType::REFLINK_V, end, size, v)
}

/// A reference to a shared extent that starts at `idx`.
#[must_use]
pub fn reflink_p(end: Bpos, size: u32, idx: u64) -> Key {
    let v = ReflinkP { idx: idx.into(), ..ReflinkP::new_zeroed() };
    Key::new(KeyType::REFLINK_P, end, size, words(v.as_bytes()))
}

/// A reservation.
#[must_use]
pub fn reservation(end: Bpos, size: u32, nr_replicas: u8) -> Key {
    let v = Reservation { nr_replicas, ..Reservation::new_zeroed() };
    Key::new(KeyType::RESERVATION, end, size, words(v.as_bytes()))
}

/// Data within the key.
#[must_use]
pub fn inline_data(end: Bpos, size: u32, data: &[u8]) -> Key {
    Key::new(KeyType::INLINE_DATA, end, size, words(data))
}

/// A key without meaning, 8 bytes.
#[must_use]
pub fn cookie(p: Bpos, v: u64) -> Key {
    Key::new(KeyType::COOKIE, p, 0, vec![v])
}

/// An alloc key.
#[must_use]
pub fn alloc(dev: u8, bucket: u64, fields: &AllocFields) -> Key {
    let (w, n) = fields.pack();
    let v = w.get(..n).unwrap_or(&w).to_vec();
    Key::new(KeyType::ALLOC, Bpos::new(u64::from(dev), bucket), 0, v)
}

/// Limits of a user, group or project (`kind` 0 to 2): hard and soft, space and
/// inodes.
#[must_use]
pub fn quota(kind: u64, id: u64, limits: [u64; 4]) -> Key {
    let [hard, soft, inodes_hard, inodes_soft] = limits.map(Le64::new);
    let v = QuotaValue {
        counters: [
            QuotaCounter { hardlimit: hard, softlimit: soft },
            QuotaCounter { hardlimit: inodes_hard, softlimit: inodes_soft },
        ],
    };
    Key::new(KeyType::QUOTA, Bpos::new(kind, id), 0, words(v.as_bytes()))
}

/// An inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inode {
    /// Number.
    pub inum: u64,
    /// Key of the hash of names.
    pub hash_seed: u64,
    /// Flags without hash type and number of fields.
    pub flags: u32,
    /// Hash type: 0 crc32c, 1 crc64.
    pub hash_type: u8,
    /// Type and permissions.
    pub mode: u16,
    /// The fields in the order of the format; number 4 is the size in bytes, 5 the
    /// sectors, 8 the links beyond the first.
    pub fields: [u64; 21],
}

/// Place of the size among the fields.
pub const FIELD_SIZE: usize = 4;
/// Place of the sectors among the fields.
pub const FIELD_SECTORS: usize = 5;
/// Place of the links among the fields.
pub const FIELD_NLINK: usize = 8;

const FIELD_BYTES: [usize; 8] = [1, 2, 3, 4, 6, 8, 10, 13];

fn encode_field(v: u64, out: &mut Vec<u8>) {
    let bits = 64 - usize::try_from(v.leading_zeros()).unwrap_or(0);
    for (shift, bytes) in (1_u32..).zip(FIELD_BYTES) {
        let marker_at = 8 * bytes - usize::try_from(shift).unwrap_or(0);
        if bits < marker_at {
            let marked = u128::from(v) | (1_u128 << marker_at);
            let all = marked.to_be_bytes();
            out.extend_from_slice(all.get(16 - bytes..).unwrap_or(&all));
            return;
        }
    }
}

impl Inode {
    /// Sets a field by its number; a number that is none does nothing.
    #[must_use]
    pub fn with(mut self, field: usize, v: u64) -> Self {
        if let Some(f) = self.fields.get_mut(field) {
            *f = v;
        }
        self
    }

    /// A field by its number, 0 if it is none.
    #[must_use]
    pub fn field(&self, field: usize) -> u64 {
        self.fields.get(field).copied().unwrap_or(0)
    }

    /// The key.
    #[must_use]
    pub fn to_key(&self) -> Key {
        let used = self.fields.iter().rposition(|&f| f != 0).map_or(0, |i| i + 1);
        let flags = InodeFlags(u64::from(self.flags))
            .with_str_hash(self.hash_type)
            .with_nr_fields(low8(number(used)));
        let head = InodeValue {
            hash_seed: self.hash_seed.into(),
            flags: flags.into(),
            mode: self.mode.into(),
        };
        let mut b = head.as_bytes().to_vec();
        for &f in self.fields.iter().take(used) {
            encode_field(f, &mut b);
        }
        Key::new(KeyType::INODE, Bpos::new(0, self.inum), 0, words(&b))
    }

    /// Hash of a name in this directory, of an xattr when preceded by its type.
    #[must_use]
    pub fn hash(&self, name: &[u8]) -> u64 {
        let mut data = self.hash_seed.to_le_bytes().to_vec();
        data.extend_from_slice(name);
        let sum = |t| {
            let sum = checksum(t, None, Nonce::default(), &data).unwrap_or_default();
            sum.first_chunk::<8>().copied().map_or(0, u64::from_le_bytes)
        };
        match self.hash_type {
            0 => !sum(CsumType::CRC32C_NONZERO) & 0xffff_ffff,
            _ => !sum(CsumType::CRC64_NONZERO) >> 1,
        }
    }
}

/// A directory entry at its hash, or where `offset` says.
#[must_use]
pub fn dirent(dir: u64, offset: u64, name: &[u8], target: u64, mode: u16) -> Key {
    let head = DirentValue { inum: target.into(), type_: low8(u64::from(mode >> 12)) };
    let v = [head.as_bytes(), name].concat();
    Key::new(KeyType::DIRENT, Bpos::new(dir, offset), 0, words(&v))
}

/// Where the name of an entry of `dir` hashes to.
#[must_use]
pub fn dirent_offset(dir: &Inode, name: &[u8]) -> u64 {
    dir.hash(name).max(2)
}

/// An extended attribute at its hash.
#[must_use]
pub fn xattr(inode: &Inode, kind: u8, name: &[u8], value: &[u8]) -> Key {
    let mut hashed = vec![kind];
    hashed.extend_from_slice(name);
    let head = XattrValue {
        type_: kind,
        name_len: low8(number(name.len())),
        val_len: u16::try_from(value.len()).unwrap_or(u16::MAX).into(),
    };
    let v = [head.as_bytes(), name, value].concat();
    let p = Bpos::new(inode.inum, inode.hash(&hashed));
    Key::new(KeyType::XATTR, p, 0, words(&v))
}

/// A stripe as its key describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stripe {
    /// Index, at least 1.
    pub idx: u64,
    /// Sectors of a block.
    pub sectors: u16,
    /// Parity blocks.
    pub nr_redundant: u8,
    /// log2 of the sectors a checksum covers.
    pub granularity_bits: u8,
    /// Checksum type.
    pub csum_type: CsumType,
    /// A pointer a block, parity last.
    pub ptrs: Vec<ExtentPtr>,
}

impl Stripe {
    /// The key with what is in use of every block.
    #[must_use]
    pub fn to_key(&self, block_sectors: &[u32]) -> Key {
        let nr = self.ptrs.len();
        let csum_bytes = csum_bytes(self.csum_type).unwrap_or(0);
        let each = u32::from(self.sectors).div_ceil(1_u32 << (self.granularity_bits & 15));
        let csums = nr * usize::try_from(each).unwrap_or(0) * csum_bytes;
        let head = StripeValue {
            sectors: self.sectors.into(),
            algorithm: 0,
            nr_blocks: low8(number(nr)),
            nr_redundant: self.nr_redundant,
            csum_granularity_bits: self.granularity_bits,
            csum_type: self.csum_type.0,
            pad: 0,
            ptrs: [],
        };
        let mut b = [head.as_bytes(), self.ptrs.as_slice().as_bytes()].concat();
        b.resize(b.len() + csums, 0);
        for i in 0..nr {
            let n = block_sectors.get(i).copied().unwrap_or(0);
            b.extend_from_slice(Le16::new(u16::try_from(n).unwrap_or(u16::MAX)).as_bytes());
        }
        Key::new(KeyType::STRIPE, Bpos::new(0, self.idx), 0, words(&b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the table of lengths by hand: 6 bits fit one byte, 7 take two.
    #[test]
    fn inode_fields_take_the_shortest_length() {
        let enc = |v| {
            let mut out = Vec::new();
            encode_field(v, &mut out);
            out
        };
        assert_eq!(enc(0), [0x80]);
        assert_eq!(enc(0x3f), [0xbf]);
        assert_eq!(enc(0x40), [0x40, 0x40]);
        assert_eq!(enc(u64::MAX).len(), 10);
        assert_eq!(enc(u64::MAX)[0], 0x02);
    }

    // Oracle: the reader of gc-core finds the counts that were put in.
    #[test]
    fn stripe_counts_lie_where_they_are_read() {
        for t in 0..7 {
            let s = Stripe {
                idx: 1,
                sectors: 16,
                nr_redundant: 1,
                granularity_bits: 3,
                csum_type: CsumType(t),
                ptrs: (0..3).map(|d| ExtentPtr::new(d, 128, 0)).collect(),
            };
            let k = s.to_key(&[5, 6, 7]);
            let got: Vec<_> =
                (0..3).map(|b| gc_core::bkey::stripe_key::block_sectors(&k.v, b)).collect();
            assert_eq!(got, [Some(5), Some(6), Some(7)]);
        }
    }
}
