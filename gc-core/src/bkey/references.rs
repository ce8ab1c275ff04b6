// SPDX-License-Identifier: GPL-2.0-only
//! What a key refers to: the one description by which everybody counts.
//!
//! [`references`] reads it out of a key's value by the [`RefersTo`] of the key's type. Who
//! counts, or only looks, takes it from there: the engine's marking, both fast paths, the
//! observer, the answers of the commands. The model's recount does not, on purpose.

use super::entries::{Entries, Entry, no_crc};
use super::key_types::RefersTo;
use super::sectors::{self, BadSectors, Change};
use super::stripe_key;
use crate::layout::btree::BTREE_TRIGGER_OVERWRITE;
use crate::layout::extent::ExtentCrc32;
use crate::layout::{CrcUnpacked, DataType, ExtentPtr, ExtentStripePtr, KeyType};

/// What a key refers to.
#[derive(Debug, Clone)]
pub enum References<'a> {
    /// Nothing that mark and sweep counts.
    Nothing,
    /// Nothing: the value records the state of a bucket.
    BucketState,
    /// One inode.
    Inode,
    /// So many copies of the key's sectors are promised; `None` if the value is cut short.
    Reservation(Option<Reservation>),
    /// Sectors in buckets, one pointer each.
    Pointers(PointerValue<'a>),
    /// Buckets that are blocks of a stripe.
    Stripe(StripeBlocks<'a>),
    /// The type is not known, and with it what the key refers to.
    Unknown,
}

/// What a key with this type, size and value refers to. `node_sectors`: sectors of a btree
/// node.
#[inline(always)]
#[must_use]
pub fn references(type_: KeyType, size: u32, v: &[u64], node_sectors: u16) -> References<'_> {
    match RefersTo::of(type_) {
        RefersTo::Nothing => References::Nothing,
        RefersTo::BucketState => References::BucketState,
        RefersTo::Inode => References::Inode,
        RefersTo::Reservation => References::Reservation(v.first().map(|w| Reservation::of(*w))),
        RefersTo::Pointers { head, holds } => {
            let words = v.get(head..).unwrap_or_default();
            References::Pointers(PointerValue { words, size, holds, node_sectors })
        }
        RefersTo::Stripe => References::Stripe(StripeBlocks::new(v)),
        RefersTo::Unknown => References::Unknown,
    }
}

/// Sectors that are promised to later writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// Copies of the key's sectors.
    pub replicas: u8,
}

impl Reservation {
    /// Out of the word of a value.
    const fn of(word: u64) -> Self {
        let value: crate::layout::Reservation = zerocopy::transmute!(word);
        Self { replicas: value.nr_replicas }
    }

    /// Which word of `persistent_reserved` counts it.
    #[inline]
    #[must_use]
    pub fn level(self) -> usize {
        usize::from(self.replicas.clamp(1, 4)).wrapping_sub(1)
    }
}

/// In which counter of sets of devices a pointer's sectors are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountsIn {
    /// Cached data on the pointer's device, by itself. It counts if its bucket was not
    /// used anew.
    Cached,
    /// The set of this stripe's devices, with the pointer's share of the parity; its
    /// sectors count in the block of the stripe, too.
    Stripe(ExtentStripePtr),
    /// The key's own set: the devices of all its pointers of this kind, with the sum of
    /// their sectors.
    OwnSet,
}

/// A pointer: sectors of a bucket.
#[derive(Debug, Clone, Copy)]
pub struct BucketPointer {
    /// The pointer.
    pub ptr: ExtentPtr,
    /// What it makes of its bucket: [`DataType::BTREE`] or [`DataType::USER`], also for a
    /// cached pointer.
    pub holds: DataType,
    /// Where its sectors are added up.
    pub counts_in: CountsIn,
    /// How the data is stored.
    pub crc: CrcUnpacked,
    node_sectors: u16,
}

impl BucketPointer {
    /// Sectors on disk that the pointer stands for while its key is whole.
    ///
    /// # Errors
    /// When the checksum entry in force has a size of zero.
    #[inline(always)]
    pub fn sectors(&self) -> Result<u32, BadSectors> {
        if self.holds == DataType::BTREE {
            return Ok(u32::from(self.node_sectors));
        }
        let crc = &self.crc;
        sectors::whole(crc.live_size, crc.compressed_size, crc.uncompressed_size)
    }

    /// Sectors on disk that come or go with a part of the key, which
    /// [`PointerValue::part`] said.
    ///
    /// # Errors
    /// When a size is zero or more goes than there is.
    #[inline]
    pub fn changed(&self, part: &Change) -> Result<i64, BadSectors> {
        if self.holds == DataType::BTREE {
            return Ok(part.sectors);
        }
        let crc = &self.crc;
        part.on_disk(crc.live_size, crc.compressed_size, crc.uncompressed_size)
    }

    /// This pointer's share of the parity of its stripe, with `parity` blocks for `data`
    /// blocks of data.
    ///
    /// # Errors
    /// When a size is zero or more goes than there is.
    pub fn parity(&self, part: &Change, parity: u32, data: u32) -> Result<i64, BadSectors> {
        let (n, d) = (self.crc.compressed_size, self.crc.uncompressed_size);
        part.on_disk(self.crc.live_size, n.wrapping_mul(parity), d.wrapping_mul(data))
    }

    /// What messages say that the pointer's bucket holds.
    #[inline]
    #[must_use]
    pub const fn named(&self) -> DataType {
        named(self.holds, self.ptr)
    }
}

const fn named(holds: DataType, ptr: ExtentPtr) -> DataType {
    match holds {
        DataType::BTREE => DataType::BTREE,
        _ if ptr.cached() => DataType::CACHED,
        _ => DataType::USER,
    }
}

/// What messages say that the bucket of a pointer holds, by the type of the pointer's key
/// (source: `ptr_data_type`).
#[must_use]
pub const fn ptr_data_type(key_type: KeyType, ptr: ExtentPtr) -> DataType {
    match RefersTo::of(key_type) {
        RefersTo::Pointers { holds, .. } => named(holds, ptr),
        _ => named(DataType::USER, ptr),
    }
}

/// The extent entries of a key's value, with what its pointers need to know of the key.
#[derive(Debug, Clone, Copy)]
pub struct PointerValue<'a> {
    words: &'a [u64],
    size: u32,
    holds: DataType,
    node_sectors: u16,
}

impl<'a> PointerValue<'a> {
    /// What the buckets hold: [`DataType::BTREE`] or [`DataType::USER`].
    #[inline]
    #[must_use]
    pub const fn holds(&self) -> DataType {
        self.holds
    }

    /// The part of the key that comes or goes: a node does so whole.
    #[inline]
    #[must_use]
    pub fn part(&self, change: Change) -> Change {
        if self.holds != DataType::BTREE {
            return change;
        }
        let node = i64::from(self.node_sectors);
        let goes = change.flags & BTREE_TRIGGER_OVERWRITE != 0;
        Change { sectors: if goes { node.wrapping_neg() } else { node }, ..change }
    }

    /// The pointers, in order.
    #[inline(always)]
    #[must_use]
    pub fn iter(&self) -> BucketPointers<'a> {
        BucketPointers {
            holds: self.holds,
            node_sectors: self.node_sectors,
            crc: no_crc(self.size),
            entries: Entries::new(self.words),
        }
    }
}

impl<'a> IntoIterator for PointerValue<'a> {
    type Item = BucketPointer;
    type IntoIter = BucketPointers<'a>;

    #[inline(always)]
    fn into_iter(self) -> BucketPointers<'a> {
        self.iter()
    }
}

/// Walk over the pointers of a key, in order.
#[derive(Debug, Clone)]
pub struct BucketPointers<'a> {
    holds: DataType,
    node_sectors: u16,
    crc: CrcUnpacked,
    entries: Entries<'a>,
}

impl<'a> BucketPointers<'a> {
    /// What the walk has not read yet. Not empty after its end: an entry was not
    /// understood, nor is what lies behind it.
    #[inline]
    #[must_use]
    pub const fn rest(&self) -> &'a [u64] {
        self.entries.rest()
    }
}

impl Iterator for BucketPointers<'_> {
    type Item = BucketPointer;

    #[inline(always)]
    fn next(&mut self) -> Option<BucketPointer> {
        let mut stripe = None;
        loop {
            match self.entries.next()? {
                Entry::Ptr(ptr) => {
                    let counts_in = match stripe {
                        _ if ptr.cached() => CountsIn::Cached,
                        Some(stripe) => CountsIn::Stripe(stripe),
                        None => CountsIn::OwnSet,
                    };
                    let (holds, node_sectors) = (self.holds, self.node_sectors);
                    return Some(BucketPointer {
                        ptr,
                        holds,
                        counts_in,
                        crc: self.crc,
                        node_sectors,
                    });
                }
                Entry::StripePtr(s) => stripe = Some(s),
                crc @ (Entry::Crc32(_) | Entry::Crc64(_) | Entry::Crc128(_)) => {
                    self.crc = crc.crc(self.crc.live_size).unwrap_or_default();
                }
            }
        }
    }
}

/// A block of a stripe: a bucket that belongs to it. It counts no sectors there; those are
/// counted by the pointers of the data that lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripeBlock {
    /// Its number, parity blocks last.
    pub block: u8,
    /// Where it lies.
    pub ptr: ExtentPtr,
}

/// Walk over the blocks of a stripe.
#[derive(Debug, Clone)]
pub struct StripeBlocks<'a> {
    v: &'a [u64],
    block: u8,
    nr_blocks: u8,
    sectors: u16,
}

impl<'a> StripeBlocks<'a> {
    /// Of a stripe's value.
    #[must_use]
    pub fn new(v: &'a [u64]) -> Self {
        let (nr_blocks, sectors) =
            stripe_key::head(v).map_or((0, 0), |h| (h.nr_blocks, h.sectors.get()));
        Self { v, block: 0, nr_blocks, sectors }
    }

    /// Sectors of a block.
    #[must_use]
    pub const fn block_sectors(&self) -> u16 {
        self.sectors
    }

    /// Blocks that the walk has not come to. Not 0 after its end: the value is cut short.
    #[must_use]
    pub const fn missing(&self) -> u8 {
        self.nr_blocks.saturating_sub(self.block)
    }
}

impl Iterator for StripeBlocks<'_> {
    type Item = StripeBlock;

    fn next(&mut self) -> Option<StripeBlock> {
        let block = self.block;
        if block >= self.nr_blocks {
            return None;
        }
        let ptr = stripe_key::block_ptr(self.v, block)?;
        self.block = block.saturating_add(1);
        Some(StripeBlock { block, ptr })
    }
}

/// Type mark of a short checksum, and the bits of it.
const CRC32_MARK: u64 = ExtentCrc32(0).with_type_mark(2).0;
const CRC32_MARKS: u64 = ExtentCrc32(0).with_type_mark(3).0;
/// Bits of the first size of a short checksum, and how far the other is from it.
const SIZE: u64 = ExtentCrc32(0).with_compressed_size_raw(127).0;
const SIZE_BITS: u32 = 7;
const _: () = assert!(SIZE << SIZE_BITS == ExtentCrc32(0).with_uncompressed_size_raw(127).0);

/// The one pointer of most extents: a dirty one, perhaps behind a short checksum, whose
/// sizes are alike: the data is stored as it is. With the checksum, or 0.
#[inline(always)]
#[must_use]
pub fn lone_pointer(type_: KeyType, value: &[u64]) -> Option<(ExtentPtr, ExtentCrc32)> {
    if type_ != KeyType::EXTENT {
        return None;
    }
    let (word, crc) = match *value {
        [word] => (word, ExtentCrc32(0)),
        [crc, word] => {
            let crc = ExtentCrc32(crc);
            // Of the right type mark nothing is left, nor of two sizes that are alike.
            let other = (crc.0 ^ CRC32_MARK) & CRC32_MARKS | (crc.0 ^ (crc.0 >> SIZE_BITS)) & SIZE;
            if other != 0 {
                return None;
            }
            (word, crc)
        }
        _ => return None,
    };
    let ptr = ExtentPtr(word);
    (ptr.type_mark() && !ptr.cached()).then_some((ptr, crc))
}

/// [`lone_pointer`] with its sectors on disk: as many as the key has. `None` also for sizes
/// at which the arithmetic of shares wraps round, and for 0.
#[inline(always)]
#[must_use]
pub fn lone_sectors(type_: KeyType, size: u32, value: &[u64]) -> Option<(ExtentPtr, u32)> {
    let (ptr, _) = lone_pointer(type_, value)?;
    // A short checksum has less than 2^16 sectors.
    let small = size.wrapping_sub(1) < (1 << 16) - 1;
    small.then_some((ptr, size))
}
