// SPDX-License-Identifier: GPL-2.0-only
//! A node as bytes (facts: docs/facts/node-read.md, layout.md).

use crate::buf::{Buf, number};
use crate::error::{Error, Result};
use crate::seal::{Kind, seal};
use gc_core::bkey::NodeFormat;
use gc_core::layout::{Bkey, Bpos, BtreeId, CsumType};
use gc_disk::checksum::Key;

/// Version of the structures that are written.
pub const VERSION: u16 = 11;
/// What the magic of nodes is made from, besides the identity.
pub const BSET_MAGIC: u64 = 0x9013_5c78_b99e_07f5;
/// Bset flag: whiteouts lie before the keys.
const SEPARATE_WHITEOUTS: u32 = 0x20;
/// Node flag: extents of the node do not overlap.
const NEW_EXTENT_OVERWRITE: u64 = 0x100;

/// What the head of a node says.
#[derive(Debug, Clone, Copy)]
pub struct NodeHead {
    /// Btree.
    pub btree: BtreeId,
    /// Level.
    pub level: u8,
    /// Least position.
    pub min: Bpos,
    /// Greatest position.
    pub max: Bpos,
    /// Sequence, not 0.
    pub seq: u64,
    /// Whether extents do not overlap.
    pub new_extent_overwrite: bool,
}

/// A key of a bset.
#[derive(Debug, Clone, Copy)]
pub struct SetKey<'a> {
    /// The key.
    pub k: Bkey,
    /// Its value.
    pub v: &'a [u64],
    /// Not packed even if it could be.
    pub unpacked: bool,
}

/// A bset: keys in order.
#[derive(Debug, Clone, Default)]
pub struct Set<'a> {
    /// The keys.
    pub keys: Vec<SetKey<'a>>,
    /// Journal sequence.
    pub journal_seq: u64,
    /// Whiteouts come first.
    pub separate_whiteouts: bool,
}

/// How nodes of a file system are written.
#[derive(Debug, Clone)]
pub struct Encoder {
    /// First half of the identity.
    pub magic_seed: u64,
    /// Checksum type.
    pub csum: CsumType,
    /// Key, if it encrypts.
    pub key: Option<Key>,
    /// Bytes of a block.
    pub block: usize,
    /// Bytes of a node.
    pub node: usize,
}

fn keys(format: &NodeFormat, set: &Set<'_>) -> Vec<u64> {
    let mut out = Vec::new();
    for key in &set.keys {
        match format.pack(&key.k).filter(|_| !key.unpacked) {
            Some(p) => out.extend_from_slice(p.words()),
            None => out.extend_from_slice(&key.k.to_words()),
        }
        out.extend_from_slice(key.v);
    }
    out
}

impl Encoder {
    /// The node up to the end of its last block.
    ///
    /// # Errors
    /// Keys that do not fit.
    pub fn node(&self, head: &NodeHead, format: &NodeFormat, sets: &[Set<'_>]) -> Result<Vec<u8>> {
        let mut out: Vec<u8> = Vec::new();
        for (i, set) in sets.iter().enumerate() {
            let keys = keys(format, set);
            let at = out.len();
            let (bset, kind) = if i == 0 {
                (136, Kind::Node)
            } else {
                (16, Kind::Bset(u32::try_from(at).map_err(|_| Error::Spec("node too large"))?))
            };
            let mut b = Buf::zeroed(bset + 24);
            if i == 0 {
                self.head(head, format, &mut b);
            }
            let whiteouts = if set.separate_whiteouts { SEPARATE_WHITEOUTS } else { 0 };
            b.u64(bset, head.seq);
            b.u64(bset + 8, set.journal_seq);
            b.u32(bset + 16, u32::from(self.csum.0) | whiteouts);
            b.u16(bset + 20, VERSION);
            let u64s = u16::try_from(keys.len()).map_err(|_| Error::Spec("bset too long"))?;
            b.u16(bset + 22, u64s);
            for w in keys {
                b.push_u64(w);
            }
            seal(kind, self.key.as_ref(), &mut b.0);
            b.pad(self.block);
            out.append(&mut b.0);
        }
        if out.len() > self.node {
            return Err(Error::Spec("keys do not fit their node"));
        }
        Ok(out)
    }

    fn head(&self, head: &NodeHead, format: &NodeFormat, b: &mut Buf) {
        let overwrite = if head.new_extent_overwrite { NEW_EXTENT_OVERWRITE } else { 0 };
        let flags = u64::from(head.btree.0)
            | (u64::from(head.level) << 4)
            | overwrite
            | ((head.seq & 0xffff_ffff) << 32);
        b.u64(16, self.magic_seed ^ BSET_MAGIC);
        b.u64(24, flags);
        b.pos(32, head.min);
        b.pos(52, head.max);
        let f = format.raw();
        b.u8(80, f.key_u64s);
        b.u8(81, f.nr_fields);
        b.put(82, &f.bits_per_field);
        for (i, offset) in f.field_offset.iter().enumerate() {
            b.u64(88 + 8 * i, offset.get());
        }
    }

    /// Bytes that a node with this many bsets has for keys.
    #[must_use]
    pub fn room(&self, sets: u32) -> u64 {
        let later = u64::from(sets.saturating_sub(1)) * (40 + number(self.block));
        number(self.node).saturating_sub(160 + later + number(self.block))
    }
}
