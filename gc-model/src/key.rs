// SPDX-License-Identifier: GPL-2.0-only
//! Keys in memory, and making them.

use gc_core::bkey::alloc_key::AllocFields;
use gc_core::bkey::{Entry, KeyBuf, KeyRef, entry_range};
use gc_core::layout::bkey::BKEY_U64S;
use gc_core::layout::{Bkey, Bpos, Bversion, ExtentCrc128, ExtentPtr, ExtentStripePtr, KeyType};

/// An unpacked key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    k: Bkey,
    v: Box<[u64]>,
}

/// A pointer to be put into a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ptr {
    /// Index of the device.
    pub dev: u8,
    /// First sector.
    pub sector: u64,
    /// Generation.
    pub gen_: u8,
    /// Whether it is a cached copy only.
    pub cached: bool,
    /// Index and block of the stripe it lies in.
    pub stripe: Option<(u64, u8)>,
}

/// Sizes and compression of what the pointers of a key point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crc {
    /// Sectors on disk, 1 to 8192.
    pub compressed_size: u32,
    /// Sectors of data, 1 to 8192.
    pub uncompressed_size: u32,
    /// First live sector within the data.
    pub offset: u16,
    /// Checksum type.
    pub csum_type: u8,
    /// Compression type.
    pub compression_type: u8,
}

impl Ptr {
    /// A dirty pointer.
    #[must_use]
    pub const fn new(dev: u8, sector: u64, gen_: u8) -> Self {
        Self { dev, sector, gen_, cached: false, stripe: None }
    }

    /// The same, but only a cached copy.
    #[must_use]
    pub const fn cached(self) -> Self {
        Self { cached: true, ..self }
    }

    /// The same, in a block of a stripe.
    #[must_use]
    pub const fn in_stripe(self, idx: u64, block: u8) -> Self {
        Self { stripe: Some((idx, block)), ..self }
    }

    fn word(&self) -> u64 {
        ExtentPtr::new(self.dev, self.sector, self.gen_).with_cached(self.cached).0
    }
}

fn entries(crc: Option<Crc>, ptrs: &[Ptr]) -> Vec<u64> {
    let mut v = Vec::new();
    if let Some(c) = crc {
        let head = ExtentCrc128 { w0: 8, csum: Default::default() }
            .with_compressed_size_raw(c.compressed_size.wrapping_sub(1))
            .with_uncompressed_size_raw(c.uncompressed_size.wrapping_sub(1))
            .with_offset(c.offset)
            .with_csum_type(c.csum_type)
            .with_compression_type(c.compression_type);
        v.extend([head.w0, 0, 0]);
    }
    for p in ptrs {
        if let Some((idx, block)) = p.stripe {
            v.push(ExtentStripePtr::new(idx, block).0);
        }
        v.push(p.word());
    }
    v
}

impl Key {
    /// A key; `None` if the value is longer than a key's can be.
    #[must_use]
    pub fn new(type_: KeyType, p: Bpos, size: u32, v: Vec<u64>) -> Option<Self> {
        let u64s = u8::try_from(v.len().checked_add(usize::from(BKEY_U64S))?).ok()?;
        let k = Bkey { u64s, type_, ..Bkey::new(p, size) };
        Some(Self { k, v: v.into() })
    }

    /// A copy of a key that is as long as it says.
    pub(crate) fn copy_of(key: KeyRef<'_>) -> Self {
        Self { k: *key.k, v: key.v.into() }
    }

    /// A key without a value: deleted.
    #[must_use]
    pub fn deleted(p: Bpos) -> Self {
        Self { k: Bkey::new(p, 0), v: Box::default() }
    }

    /// From the words of a `struct bkey_i`; `None` unless it is unpacked and as
    /// long as it says.
    #[must_use]
    pub fn from_words(words: &[u64]) -> Option<Self> {
        let (head, v) = words.split_first_chunk::<{ BKEY_U64S as usize }>()?;
        let k = Bkey::from_words(*head);
        let fits = usize::from(k.u64s) == words.len();
        (fits && k.format() == 1).then(|| Self { k, v: v.into() })
    }

    /// The words of a `struct bkey_i`.
    #[must_use]
    pub fn words(&self) -> Vec<u64> {
        self.k.to_words().into_iter().chain(self.v.iter().copied()).collect()
    }

    /// The key as the engine sees it.
    #[must_use]
    pub fn get(&self) -> KeyRef<'_> {
        KeyRef::new(&self.k, &self.v)
    }

    /// A copy in one piece; `None` if it is longer than a key with pointers is.
    #[must_use]
    pub fn to_buf(&self) -> Option<KeyBuf> {
        KeyBuf::copy_of(self.get())
    }

    /// Its position.
    #[must_use]
    pub fn pos(&self) -> Bpos {
        self.k.p
    }

    /// Its type.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.k.type_
    }

    /// Whether it only hides others.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.k.type_ == KeyType::DELETED
    }

    /// The same key with another version.
    #[must_use]
    pub fn with_version(mut self, lo: u64) -> Self {
        self.k.version = Bversion { lo, hi: 0 };
        self
    }

    /// Changes one word of it (head first); false when there is none, or when the
    /// key would no longer be as long as it says.
    pub fn poke(&mut self, word: usize, value: u64) -> bool {
        let mut words = self.words();
        let Some(w) = words.get_mut(word) else { return false };
        *w = value;
        match Self::from_words(&words) {
            Some(key) => {
                *self = key;
                true
            }
            None => false,
        }
    }

    /// An extent that ends at `end`.
    #[must_use]
    pub fn extent(end: Bpos, size: u32, crc: Option<Crc>, ptrs: &[Ptr]) -> Option<Self> {
        Self::new(KeyType::EXTENT, end, size, entries(crc, ptrs))
    }

    /// A shared extent.
    #[must_use]
    pub fn reflink_v(
        end: Bpos,
        size: u32,
        refcount: u64,
        crc: Option<Crc>,
        ptrs: &[Ptr],
    ) -> Option<Self> {
        let mut v = vec![refcount];
        v.extend(entries(crc, ptrs));
        Self::new(KeyType::REFLINK_V, end, size, v)
    }

    /// A pointer to a shared extent.
    #[must_use]
    pub fn reflink_p(end: Bpos, size: u32, idx: u64) -> Option<Self> {
        Self::new(KeyType::REFLINK_P, end, size, vec![idx, 0])
    }

    /// A reservation.
    #[must_use]
    pub fn reservation(end: Bpos, size: u32, nr_replicas: u8) -> Option<Self> {
        Self::new(KeyType::RESERVATION, end, size, vec![u64::from(nr_replicas) << 32])
    }

    /// An inode: its fields play no part here.
    #[must_use]
    pub fn inode(inode: u64) -> Option<Self> {
        Self::new(KeyType::INODE, Bpos::new(0, inode), 0, vec![0, 0])
    }

    /// A directory entry that leads to an inode.
    #[must_use]
    pub fn dirent(dir: u64, hash: u64, inode: u64) -> Option<Self> {
        // Value: inode, type of file, name; here directory entries have one letter.
        Self::new(KeyType::DIRENT, Bpos::new(dir, hash), 0, vec![inode, 8 | (u64::from(b'a') << 8)])
    }

    /// A stripe without checksums, whose blocks are empty so far.
    #[must_use]
    pub fn stripe(idx: u64, sectors: u16, nr_redundant: u8, blocks: &[Ptr]) -> Option<Self> {
        let nr = u8::try_from(blocks.len()).ok()?;
        let [a, b] = sectors.to_le_bytes();
        let mut v = vec![u64::from_le_bytes([a, b, 0, nr, nr_redundant, 0, 0, 0])];
        v.extend(blocks.iter().map(Ptr::word));
        // Sectors in use, two bytes a block.
        v.extend(std::iter::repeat_n(0, blocks.len().div_ceil(4)));
        Self::new(KeyType::STRIPE, Bpos::new(0, idx), 0, v)
    }

    /// What the disk says of a bucket.
    #[must_use]
    pub fn alloc(dev: u64, bucket: u64, fields: &AllocFields) -> Option<Self> {
        let (v, len) = fields.pack();
        Self::new(KeyType::ALLOC, Bpos::new(dev, bucket), 0, v.into_iter().take(len).collect())
    }

    /// A pointer to a node with keys from `min` to `max`.
    #[must_use]
    pub(crate) fn btree_ptr_v2(min: Bpos, max: Bpos, seq: u64, ptrs: &[Ptr]) -> Option<Self> {
        let Bpos { snapshot, offset, inode } = min;
        let mut v = vec![0, seq, u64::from(snapshot) << 32, offset, inode];
        v.extend(entries(None, ptrs));
        Self::new(KeyType::BTREE_PTR_V2, max, 0, v)
    }

    /// Takes some pointers out, with what says which stripe they are in; without any
    /// left the key is deleted.
    pub(crate) fn drop_pointers(&mut self, gone: impl Fn(ExtentPtr) -> bool) {
        let k = self.get();
        let start = entry_range(k.k.type_, k.v).start;
        let (mut left, mut dropped, mut of_stripe) = (0_usize, Vec::new(), None);
        for (at, entry) in k.entries().indexed() {
            let at = at.saturating_add(start);
            match entry {
                Entry::StripePtr(_) => of_stripe = Some(at),
                Entry::Ptr(p) if gone(p) => {
                    dropped.extend(of_stripe.take().into_iter().chain([at]))
                }
                Entry::Ptr(_) => {
                    of_stripe = None;
                    left = left.saturating_add(1);
                }
                _ => {}
            }
        }
        if dropped.is_empty() {
            return;
        }
        let rest = self.v.iter().enumerate().filter(|(at, _)| !dropped.contains(at));
        let v = rest.map(|(_, w)| *w).collect();
        let version = { self.k.version }.lo;
        *self = match Self::new(self.k.type_, self.k.p, self.k.size, v) {
            Some(key) if left != 0 => key.with_version(version),
            _ => Self::deleted(self.k.p),
        };
    }

    /// Sets where a node begins, in a pointer to it.
    pub(crate) fn set_min_key(&mut self, min: Bpos) {
        let Bpos { snapshot, offset, inode } = min;
        if self.k.type_ == KeyType::BTREE_PTR_V2 {
            if let [_, _, s, o, i, ..] = &mut *self.v {
                *s = (*s & u64::from(u32::MAX)) | (u64::from(snapshot) << 32);
                *o = offset;
                *i = inode;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::POS_MAX;

    // Oracle: the words that went in; fields read back by the layout's own types.
    #[test]
    fn words_round_trip() {
        let ptrs =
            [Ptr::new(1, 128, 3), Ptr::new(2, 256, 0).cached(), Ptr::new(3, 8, 1).in_stripe(5, 2)];
        let crc = Crc {
            compressed_size: 8,
            uncompressed_size: 16,
            offset: 4,
            csum_type: 5,
            compression_type: 1,
        };
        let key = Key::extent(Bpos::new(4096, 8), 8, Some(crc), &ptrs).unwrap().with_version(9);
        let words = key.words();
        assert_eq!(Key::from_words(&words).as_ref(), Some(&key));
        assert_eq!(Key::from_words(&words[1..]), None);
        let decoded: Vec<_> = key.get().pointers_decoded().collect();
        assert_eq!(decoded.len(), 3);
        assert!(decoded[1].ptr.cached() && decoded[2].has_ec && decoded[2].ec.idx() == 5);
        assert_eq!((decoded[0].crc.compressed_size, decoded[0].crc.uncompressed_size), (8, 16));
        let v = { key.get().k.version };
        assert_eq!({ v.lo }, 9);
    }

    // Oracle: the layout's offset of min_key, bytes 20 to 39 of the value.
    #[test]
    fn min_key_lies_where_the_layout_says() {
        let min = Bpos { snapshot: 7, offset: 11, inode: 13 };
        let mut key = Key::btree_ptr_v2(Bpos::new(0, 0), POS_MAX, 1, &[Ptr::new(0, 0, 0)]).unwrap();
        key.set_min_key(min);
        let bytes: Vec<u8> = key.words()[5..].iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(bytes[20..24], 7_u32.to_le_bytes());
        assert_eq!(bytes[24..32], 11_u64.to_le_bytes());
        assert_eq!(bytes[32..40], 13_u64.to_le_bytes());
        assert_eq!(key.get().pointers().count(), 1);
    }
}
