// SPDX-License-Identifier: GPL-2.0-only
//! A key and its value in the words of the original, for messages.
//!
//! Facts: `docs/facts/marking.md`, section 12, and `docs/facts/key-validation.md`.

use super::alloc_key::AllocText;
use super::{Entry, KeyRef, RefersTo, key_type_name};
use crate::layout::value::InodeGeneration;
use crate::layout::{
    Bpos, BtreePtrV2, ExtentPtr, KeyType, POS_MAX, POS_MIN, ReflinkP, ReflinkV, Reservation,
    StripeValue,
};
use crate::text::Text;
use core::fmt;

/// Text of a key within a message about marking (source: `char buf[200]`).
pub type KeyText = Text<200>;

/// A position as the original prints it in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PosText(
    /// The position.
    pub Bpos,
);

impl fmt::Display for PosText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            POS_MIN => f.write_str("POS_MIN"),
            POS_MAX => f.write_str("POS_MAX"),
            Bpos { inode, offset, .. } => write!(f, "{inode}:{offset}"),
        }
    }
}

/// A key with its value. Values of inodes, directory entries, attributes and
/// quotas are left out: nothing that counts references reports about them.
pub struct KeyDisplay<'a, F> {
    /// The key.
    pub key: KeyRef<'a>,
    /// Whether a pointer is behind its bucket; one out of range is not.
    pub is_stale: F,
}

impl<F: Fn(ExtentPtr) -> bool> fmt::Display for KeyDisplay<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let k = self.key.k;
        let (p, version) = (k.p, k.version);
        write!(f, "u64s {} type ", k.u64s)?;
        // The table of names ends with a null pointer.
        f.write_str(key_type_name(k.type_).unwrap_or("(null)"))?;
        let (snap, ver) = (p.snapshot, version.lo);
        write!(f, " {} snap {snap} len {} ver {ver}: ", PosText(p), k.size)?;
        self.value(f)
    }
}

impl<F: Fn(ExtentPtr) -> bool> KeyDisplay<'_, F> {
    fn value(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.key.v;
        match self.key.k.type_ {
            KeyType::BTREE_PTR_V2 => {
                // Of a head cut short nothing is printed.
                let Some(p) = BtreePtrV2::of(v) else { return Ok(()) };
                let (seq, min) = (p.seq.get(), PosText(p.min_key));
                let (sectors, written) = (p.sectors.get(), p.sectors_written.get());
                write!(f, "seq {seq:x} sectors {sectors} written {written} min_key {min} ")?;
                self.entries(f)
            }
            KeyType::REFLINK_V => {
                let Some(shared) = ReflinkV::of(v) else { return Ok(()) };
                write!(f, "refcount: {} ", shared.refcount)?;
                self.entries(f)
            }
            KeyType::REFLINK_P => match ReflinkP::idx_of(v) {
                Some(idx) => write!(f, "idx {idx}"),
                None => Ok(()),
            },
            KeyType::RESERVATION => match Reservation::of(v) {
                Some(r) => write!(f, "generation {} replicas {}", r.generation, r.nr_replicas),
                None => Ok(()),
            },
            KeyType::STRIPE => StripeValue::of(v).map_or(Ok(()), |head| self.stripe(f, head)),
            KeyType::ALLOC => fmt::Display::fmt(&AllocText(v), f),
            KeyType::INODE_GENERATION => match InodeGeneration::of(v) {
                Some(inode) => write!(f, "generation: {}", inode.generation),
                None => Ok(()),
            },
            KeyType::INLINE_DATA => write!(f, "({} bytes)", v.len().saturating_mul(8)),
            t => match RefersTo::of(t) {
                RefersTo::Pointers { .. } => self.entries(f),
                _ => Ok(()),
            },
        }
    }

    fn entries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut entries = self.key.entries();
        let mut space = "";
        loop {
            let word = entries.rest().first().copied();
            let Some(entry) = entries.next() else {
                return match word {
                    None => Ok(()),
                    Some(w) => write!(f, "{space}(invalid extent entry {w:016x})"),
                };
            };
            f.write_str(space)?;
            space = " ";
            match entry {
                Entry::Ptr(p) => {
                    let cached = if p.cached() { " cached" } else { "" };
                    let stale = if (self.is_stale)(p) { " stale" } else { "" };
                    let (dev, offset, gen_) = (p.dev(), p.offset(), p.gen_());
                    write!(f, "ptr: {dev}:{offset} gen {gen_}{cached}{stale}")?;
                }
                Entry::StripePtr(s) => write!(f, "ec: idx {} block {}", s.idx(), s.block())?,
                Entry::Crc32(_) | Entry::Crc64(_) | Entry::Crc128(_) => {
                    let c = entry.crc(self.key.k.size).unwrap_or_default();
                    let (size, whole) = (c.compressed_size, c.uncompressed_size);
                    write!(f, "crc: c_size {size} size {whole} offset {} ", c.offset)?;
                    let (csum, compress) = (c.csum_type.0, c.compression_type.0);
                    write!(f, "nonce {} csum {csum} compress {compress}", c.nonce)?;
                }
            }
        }
    }

    fn stripe(&self, f: &mut fmt::Formatter<'_>, head: StripeValue) -> fmt::Result {
        let (blocks, redundant) = (head.nr_blocks, head.nr_redundant);
        let (algo, sectors, csum) = (head.algorithm, head.sectors, head.csum_type);
        // Signed in the original: more redundant blocks than blocks print as a
        // huge number.
        let data = u32::from(blocks).wrapping_sub(u32::from(redundant));
        let gran = 1_u32.wrapping_shl(u32::from(head.csum_granularity_bits));
        write!(
            f,
            "algo {algo} sectors {sectors} blocks {data}:{redundant} csum {csum} gran {gran}"
        )?;
        for block in 0..blocks {
            let ptr = super::stripe_key::block_ptr(self.key.v, block);
            let count = super::stripe_key::block_sectors(self.key.v, block);
            let (Some(ptr), Some(count)) = (ptr, count) else { return Ok(()) };
            write!(f, " {}:{}:{count}", ptr.dev(), ptr.offset())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Bkey;
    use crate::layout::extent::{ExtentCrc32, ExtentStripePtr};
    use alloc::format;
    use proptest::prelude::*;
    use std::string::{String, ToString};

    fn text(type_: KeyType, p: Bpos, size: u32, v: &[u64]) -> String {
        let mut k = Bkey::new(p, size);
        k.type_ = type_;
        k.u64s += u8::try_from(v.len()).unwrap();
        let is_stale = |p: ExtentPtr| p.gen_() < 2;
        KeyDisplay { key: KeyRef::new(&k, v), is_stale }.to_string()
    }

    // Oracle: lines printed by the original, out of the corpus.
    #[test]
    fn texts_of_the_corpus() {
        let v = [0, 0xc7e0_187f_fdf8_5326, 64 << 16, 0, 0, ExtentPtr::new(0, 3392, 1).0];
        assert_eq!(
            text(KeyType::BTREE_PTR_V2, POS_MAX, 0, &v),
            "u64s 11 type btree_ptr_v2 POS_MAX snap 0 len 0 ver 0: seq c7e0187ffdf85326 \
             sectors 64 written 0 min_key POS_MIN ptr: 0:3392 gen 1 stale"
        );
        let crc = ExtentCrc32(2)
            .with_compressed_size_raw(127)
            .with_uncompressed_size_raw(127)
            .with_csum_type(5);
        let cached = ExtentPtr::new(1, 5632, 2).with_cached(true);
        let v = [crc.0, ExtentStripePtr::new(0, 1).0, ExtentPtr::new(2, 4864, 1).0, cached.0];
        assert_eq!(
            text(KeyType::EXTENT, Bpos::new(4108, 188), 128, &v),
            "u64s 9 type extent 4108:188 snap 0 len 128 ver 0: crc: c_size 128 size 128 offset 0 \
             nonce 0 csum 5 compress 0 ec: idx 0 block 1 ptr: 2:4864 gen 1 stale \
             ptr: 1:5632 gen 2 cached"
        );
    }

    // Oracle: the table of docs/facts/key-validation.md, by hand.
    #[test]
    fn texts_of_other_values() {
        let at = Bpos::new(0, 1);
        let p = ExtentPtr::new(3, 8, 2).0;
        let head = "u64s 7 type reflink_v 0:1 snap 0 len 8 ver 0: ";
        assert_eq!(
            text(KeyType::REFLINK_V, at, 8, &[5, p]),
            format!("{head}refcount: 5 ptr: 3:8 gen 2")
        );
        let end = |t, v: &[u64]| {
            let s = text(t, at, 0, v);
            s.split_once(" ver 0: ").unwrap().1.to_string()
        };
        assert_eq!(
            end(KeyType::BTREE_PTR, &[p, 0x80, p]),
            "ptr: 3:8 gen 2 (invalid extent entry 0000000000000080)"
        );
        assert_eq!(end(KeyType::BTREE_PTR, &[]), "");
        assert_eq!(end(KeyType::RESERVATION, &[9 | 2 << 32]), "generation 9 replicas 2");
        assert_eq!(end(KeyType::REFLINK_P, &[77, 0]), "idx 77");
        // 64 sectors, 1 data and 1 parity block, no checksums; counts 5 and 6.
        let stripe = u64::from_le_bytes([64, 0, 0, 2, 1, 3, 0, 0]);
        assert_eq!(
            end(KeyType::STRIPE, &[stripe, p, p, 5 | 6 << 16]),
            "algo 0 sectors 64 blocks 1:1 csum 0 gran 8 3:8:5 3:8:6"
        );
    }

    proptest! {
        // Oracle: any value prints without panic, and nothing but its own words.
        #[test]
        fn junk(t in 0..25_u8, v in prop::collection::vec(any::<u64>(), 0..12)) {
            prop_assert!(text(KeyType(t), POS_MIN, 8, &v).starts_with("u64s "));
        }
    }
}
