// SPDX-License-Identifier: GPL-2.0-only
//! Entries of extents and of pointers to nodes (facts: docs/facts/v1/layout.md 4).

use crate::tables;
use gc_core::bkey::{Entry as OldEntry, KeyRef};
use gc_core::layout::bits::{field_mask, low8, low16};
use gc_core::layout::{CrcUnpacked, ExtentPtr};

/// A place in a stripe, before the pointer that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripePtr(pub u64);

impl StripePtr {
    /// Block of the stripe.
    #[must_use]
    pub const fn block(self) -> u8 {
        low8((self.0 >> 5) & 0xff)
    }

    /// Blocks of the stripe that may be lost.
    #[must_use]
    pub const fn redundancy(self) -> u8 {
        low8((self.0 >> 13) & 0xf)
    }

    /// Number of the stripe.
    #[must_use]
    pub const fn idx(self) -> u64 {
        self.0 >> 17
    }
}

/// What is to be done about an extent: moved, rewritten, compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconcile {
    /// First word.
    pub word: u64,
}

impl Reconcile {
    const fn field(self, lo: u32, hi: u32) -> u64 {
        (self.word & field_mask(lo, hi.saturating_sub(1))) >> lo
    }

    /// A bit for each pointer that is on a device being emptied.
    #[must_use]
    pub const fn ptrs_moving(self) -> u64 {
        self.field(10, 15)
    }

    /// To be done first.
    #[must_use]
    pub const fn hipri(self) -> bool {
        self.field(15, 16) != 0
    }

    /// Cannot be done now.
    #[must_use]
    pub const fn pending(self) -> bool {
        self.field(16, 17) != 0
    }

    /// A bit for each thing that is to be done: replicas, checksum, erasure coding,
    /// compression, target.
    #[must_use]
    pub const fn need_rb(self) -> u64 {
        self.field(17, 22)
    }

    /// Replicas that are wanted.
    #[must_use]
    pub const fn data_replicas(self) -> u64 {
        self.field(28, 31)
    }
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A pointer.
    Ptr(ExtentPtr),
    /// A checksum, with sizes and compression of what the pointers behind it lead to.
    Crc(CrcUnpacked),
    /// A place in a stripe, for the next pointer.
    Stripe(StripePtr),
    /// What is to be done about the extent.
    Reconcile(Reconcile),
    /// Flags of the extent; must come first.
    Flags(u64),
    /// Where the node's backpointer for reconcile lies.
    ReconcileBp(u64),
    /// Of no meaning any more, or not known: its type.
    Other(u8),
}

/// Number of the type of an entry that begins with this word: the lowest set bit.
#[must_use]
pub const fn type_of(word: u64) -> u32 {
    word.trailing_zeros()
}

/// Lengths of the types of entries that the superblock knows besides ours.
pub type Lengths<'a> = &'a dyn Fn(usize) -> Option<u8>;

/// The entries of a value, with the length of each in words; ends at what is not known.
#[derive(Clone, Copy)]
pub struct Entries<'a> {
    words: &'a [u64],
    size: u32,
    lengths: Lengths<'a>,
}

impl<'a> Entries<'a> {
    /// Entries of a key, if its type has any.
    #[must_use]
    pub fn of(key: KeyRef<'a>, lengths: Lengths<'a>) -> Self {
        let words = words_of(key).unwrap_or(&[]);
        Self { words, size: key.k.size, lengths }
    }

    /// What is left, where the walk has ended before the end.
    #[must_use]
    pub const fn rest(&self) -> &'a [u64] {
        self.words
    }
}

impl Iterator for Entries<'_> {
    type Item = (Entry, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let &word = self.words.first()?;
        let type_ = type_of(word);
        let (entry, len) = match type_ {
            0 => (Entry::Ptr(ExtentPtr(word)), 1),
            1..=3 => {
                let (entry, rest) = OldEntry::split_first(self.words)?;
                let len = self.words.len().saturating_sub(rest.len());
                (Entry::Crc(entry.crc(self.size)?), len)
            }
            4 => (Entry::Stripe(StripePtr(word)), 1),
            5 => (Entry::Other(5), 1),
            6 => (Entry::Flags(word >> 7), 1),
            7 => (Entry::Reconcile(Reconcile { word }), 1),
            8 => (Entry::ReconcileBp(word >> 9), 1),
            other => {
                let len = (self.lengths)(usize::try_from(other).ok()?)?;
                (Entry::Other(low8(u64::from(other))), usize::from(len))
            }
        };
        self.words = self.words.get(len..)?;
        Some((entry, len))
    }
}

/// Where in the value of a key its entries begin, in words; `None` for a type without.
#[must_use]
pub const fn start_of(type_: u8) -> Option<usize> {
    match type_ {
        tables::BTREE_PTR | tables::EXTENT => Some(0),
        tables::REFLINK_V => Some(1),
        tables::BTREE_PTR_V2 => Some(5),
        _ => None,
    }
}

/// Words of a key's value that hold entries; `None` for a type without.
#[must_use]
pub fn words_of(key: KeyRef<'_>) -> Option<&[u64]> {
    start_of(key.k.type_.0).and_then(|start| key.v.get(start..))
}

/// A pointer with what stands before it and governs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// The pointer.
    pub ptr: ExtentPtr,
    /// Checksum and sizes; those of the whole key where there is no such entry.
    pub crc: CrcUnpacked,
    /// Its place in a stripe.
    pub stripe: Option<StripePtr>,
    /// Index of its word in the entries.
    pub at: usize,
}

impl Pointer {
    /// Sectors on disk of data of a key with this size.
    #[must_use]
    pub fn on_disk(&self, size: u32) -> u64 {
        let size = u64::from(size);
        if !is_compressed(self.crc.compression_type.0) {
            return size;
        }
        let (compressed, whole) =
            (u64::from(self.crc.compressed_size), u64::from(self.crc.uncompressed_size));
        size.saturating_mul(compressed)
            .checked_add(whole.saturating_sub(1))
            .map_or(0, |n| n.checked_div(whole).unwrap_or(0))
    }
}

/// Whether data of this compression type has another size than on disk: neither none nor
/// incompressible.
#[must_use]
pub const fn is_compressed(type_: u8) -> bool {
    type_ != 0 && type_ != 5
}

/// The pointers of a key, in order.
pub fn pointers<'a>(
    key: KeyRef<'a>,
    lengths: Lengths<'a>,
) -> impl Iterator<Item = Pointer> + use<'a> {
    let none = gc_core::bkey::no_crc(key.k.size);
    let (mut crc, mut stripe, mut at) = (none, None, 0_usize);
    Entries::of(key, lengths).filter_map(move |(entry, len)| {
        let here = at;
        at = at.saturating_add(len);
        match entry {
            Entry::Crc(c) => crc = c,
            Entry::Stripe(s) => stripe = Some(s),
            Entry::Ptr(ptr) => {
                return Some(Pointer { ptr, crc, stripe: stripe.take(), at: here });
            }
            _ => {}
        }
        None
    })
}

/// Sectors and pointers of a stripe's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stripe {
    /// Sectors of a block.
    pub sectors: u16,
    /// How the redundant blocks are made.
    pub algorithm: u8,
    /// It needs to be looked at by reconcile.
    pub needs_reconcile: bool,
    /// Blocks.
    pub nr_blocks: u8,
    /// Redundant ones among them, the last.
    pub nr_redundant: u8,
    /// Type of the checksums.
    pub csum_type: u8,
    /// Label of the devices it may lie on.
    pub disk_label: u8,
    /// Where the blocks lie.
    pub ptrs: Vec<ExtentPtr>,
    /// Sectors of each block in use, as stored.
    pub counts: Vec<u16>,
    /// Where the counts lie, in bytes from the start of the value.
    pub counts_at: usize,
}

impl Stripe {
    /// Blocks that hold data.
    #[must_use]
    pub const fn nr_data(&self) -> u8 {
        self.nr_blocks.saturating_sub(self.nr_redundant)
    }

    /// From the words of a value; what reaches past its end is left out.
    #[must_use]
    pub fn of(v: &[u64]) -> Option<Self> {
        let &head = v.first()?;
        let [s0, s1, bits, nr_blocks, nr_redundant, granularity, csum_type, disk_label] =
            head.to_le_bytes();
        let sectors = u16::from_le_bytes([s0, s1]);
        let blocks = usize::from(nr_blocks);
        let ptrs: Vec<_> = v.get(1..)?.iter().take(blocks).map(|w| ExtentPtr(*w)).collect();
        let per = 1_usize.checked_shl(u32::from(granularity)).unwrap_or(usize::MAX);
        let csums = usize::from(sectors).div_ceil(per.max(1));
        let size = crate::checksum::stored_bytes(csum_type);
        let counts_at = blocks
            .saturating_add(1)
            .saturating_mul(8)
            .saturating_add(blocks.saturating_mul(csums).saturating_mul(size));
        let byte = |at: usize| {
            let shift = u32::try_from(at & 7).unwrap_or(0).saturating_mul(8);
            v.get(at >> 3).map(|w| low16(w.wrapping_shr(shift) & 0xff))
        };
        let count = |i: usize| {
            let at = counts_at.saturating_add(i.saturating_mul(2));
            Some(byte(at)? | byte(at.saturating_add(1))? << 8)
        };
        Some(Self {
            sectors,
            algorithm: bits & 0xf,
            needs_reconcile: bits & 0x10 != 0,
            nr_blocks,
            nr_redundant,
            csum_type,
            disk_label,
            ptrs,
            counts: (0..blocks).map(|i| count(i).unwrap_or(0)).collect(),
            counts_at,
        })
    }
}
