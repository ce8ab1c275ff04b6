// SPDX-License-Identifier: GPL-2.0-only
//! A node as bytes (facts: docs/facts/node-read.md, layout.md).

use crate::buf::{number, pad};
use crate::error::{Error, Result};
use crate::seal::{Kind, seal};
use gc_core::bkey::NodeFormat;
use gc_core::layout::bits::low32;
use gc_core::layout::node::{BsetFlags, NodeFlags};
use gc_core::layout::superblock::BSET_MAGIC;
use gc_core::layout::{
    Bkey, Bpos, Bset, BtreeId, BtreeNode, BtreeNodeEntry, Csum, CsumType, ExtentPtr,
};
use gc_disk::checksum::Key;
use zerocopy::IntoBytes;

/// Version of the structures that are written.
pub const VERSION: u16 = 11;

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
            let words = keys(format, set);
            let at = out.len();
            let csum = Csum::default();
            let keys = self.bset(head, set, &words)?;
            let (mut b, kind) = if i == 0 {
                (self.head(head, format, keys).as_bytes().to_vec(), Kind::Node)
            } else {
                let at = u32::try_from(at).map_err(|_| Error::Spec("node too large"))?;
                (BtreeNodeEntry { csum, keys }.as_bytes().to_vec(), Kind::Bset(at))
            };
            b.extend_from_slice(words.as_bytes());
            seal(kind, self.key.as_ref(), &mut b);
            pad(&mut b, self.block);
            out.append(&mut b);
        }
        if out.len() > self.node {
            return Err(Error::Spec("keys do not fit their node"));
        }
        Ok(out)
    }

    fn head(&self, head: &NodeHead, format: &NodeFormat, keys: Bset) -> BtreeNode {
        let flags = NodeFlags::default()
            .with_btree_id(head.btree.0)
            .with_level(head.level)
            .with_new_extent_overwrite(head.new_extent_overwrite)
            .with_seq(low32(head.seq));
        BtreeNode {
            csum: Csum::default(),
            magic: (self.magic_seed ^ BSET_MAGIC).into(),
            flags: flags.into(),
            min_key: head.min,
            max_key: head.max,
            ptr: ExtentPtr::default(),
            format: *format.raw(),
            keys,
        }
    }

    fn bset(&self, head: &NodeHead, set: &Set<'_>, words: &[u64]) -> Result<Bset> {
        let flags = BsetFlags::default()
            .with_csum_type(self.csum.0)
            .with_separate_whiteouts(set.separate_whiteouts);
        let u64s = u16::try_from(words.len()).map_err(|_| Error::Spec("bset too long"))?;
        Ok(Bset {
            seq: head.seq.into(),
            journal_seq: set.journal_seq.into(),
            flags: flags.into(),
            version: VERSION.into(),
            u64s: u64s.into(),
            start: [],
        })
    }

    /// Bytes that a node with this many bsets has for keys.
    #[must_use]
    pub fn room(&self, sets: u32) -> u64 {
        let later = u64::from(sets.saturating_sub(1))
            * (number(size_of::<BtreeNodeEntry>()) + number(self.block));
        let first = number(size_of::<BtreeNode>());
        number(self.node).saturating_sub(first + later + number(self.block))
    }
}
