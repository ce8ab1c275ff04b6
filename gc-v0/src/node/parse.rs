// SPDX-License-Identifier: GPL-2.0-only
//! From the bytes of a node to its keys.

use super::Node;
use super::bset::{Bset, Keys};
use super::err::{Class, Errors, Stop};
use super::{extents, merge};
use crate::key::Key;
use crate::key::compat;
use crate::superblock::{VERSION_MAX, VERSION_MIN};
use core::mem::offset_of;
use gc_core::bkey::{KeyRef, NodeFormat, RawKey};
use gc_core::layout::bits::low32;
use gc_core::layout::{
    Bpos, BtreeId, BtreeNode, BtreeNodeEntry, BtreeNodeType, BtreePtrV2, Csum, CsumType, KeyType,
};
use gc_disk::checksum::{NONCE_BTREE, Nonce, checksum, decrypt, valid};
use zerocopy::{FromBytes, FromZeros};

/// Version of bsets before versions were shared by all structures.
const VERSION_OLD: u16 = 3;
/// Bytes of the checksum that every set begins with; it is made of all that follows.
const CSUM: usize = {
    assert!(offset_of!(BtreeNode, csum) == 0 && offset_of!(BtreeNodeEntry, csum) == 0);
    size_of::<Csum>()
};

/// What is kept from one copy of a node to the next. The original does not reset
/// it either: sets read from the first copy are not read again.
#[derive(Debug)]
pub(super) struct Parser {
    written: u16,
    format: Option<NodeFormat>,
    /// Format in memory, where it differs.
    swapped: Option<NodeFormat>,
    old_extents: bool,
    /// Version of the first set: that of the head.
    version: u16,
}

/// A verified set: its head, the sectors it takes, the words of keys in it.
pub(super) struct Opened {
    pub(super) set: Bset,
    pub(super) u64s: u16,
    sectors: u16,
}

impl Parser {
    pub(super) const fn new() -> Self {
        Self { written: 0, format: None, swapped: None, old_extents: false, version: VERSION_MAX }
    }

    /// Verifies a copy and collects its keys.
    pub(super) fn parse(
        &mut self,
        mut bytes: Vec<u8>,
        e: &mut Errors<'_, '_>,
    ) -> Result<Node, Stop> {
        let seq = head_of(&bytes).keys.seq.get();
        self.identity(&bytes, seq, e)?;
        let mut runs: Vec<Vec<u64>> = Vec::new();
        while let Some(opened) = self.open_set(&mut bytes, seq, e)? {
            let Opened { set, u64s, .. } = opened;
            let first = set.first;
            let Some(format) = self.format.as_ref() else { return Err(Stop::Failed) };
            let words = set.words(&bytes, u64s);
            let keys = Keys {
                format,
                in_memory: self.swapped.as_ref().unwrap_or(format),
                set: &set,
                min_max: self.range(&bytes, e.btree),
                written: self.written,
            };
            let (words, whiteouts) = keys.check(words, e)?;
            self.pass(&opened);
            if e.fs.is_blacklisted(set.journal_seq) {
                if !first {
                    continue;
                }
                let u64s = u16::try_from(words.len()).unwrap_or(u16::MAX);
                let text = "first btree node bset has blacklisted journal seq";
                e.raise(Class::Fixable, self.written, Some(u64s), text)?;
            }
            let (white, keys) = words.split_at(whiteouts.min(words.len()));
            if white.is_empty() {
                runs.push(words);
            } else {
                runs.extend([white.to_vec(), keys.to_vec()]);
            }
        }
        self.no_set_behind(&bytes, seq, e)?;
        let Some(format) = self.swapped.or(self.format) else { return Err(Stop::Failed) };
        let runs: Vec<&[u64]> = runs.iter().map(Vec::as_slice).collect();
        let merged = if self.old_extents {
            extents::merge(&format, &runs)
        } else {
            merge::merge(&format, &runs)
        };
        let words = self.check_values(&format, merged, e)?;
        let (min_key, max_key) = self.range(&bytes, e.btree);
        Ok(Node {
            key: e.key.clone(),
            btree: e.btree,
            level: e.level,
            min_key,
            max_key,
            fake: false,
            format: Some(format),
            words,
        })
    }

    /// Verifies the next set, and the head of the node with the first; `None` behind
    /// the last.
    pub(super) fn open_set(
        &mut self,
        bytes: &mut [u8],
        seq: u64,
        e: &mut Errors<'_, '_>,
    ) -> Result<Option<Opened>, Stop> {
        if self.written >= e.fs.btree_node_sectors() {
            return Ok(None);
        }
        let first = self.written == 0;
        let at = usize::from(self.written).saturating_mul(512);
        let Some(set) = Bset::at(bytes, at, first) else { return Ok(None) };
        if !first && set.seq != seq {
            return Ok(None);
        }
        let sectors = self.verify(bytes, &set, e)?;
        let mut u64s = set.u64s;
        self.check_set(bytes, &set, sectors, &mut u64s, e)?;
        if first {
            self.version = set.version;
            self.set_format(bytes, e)?;
        }
        Ok(Some(Opened { set, sectors, u64s }))
    }

    /// Goes behind a set.
    pub(super) fn pass(&mut self, opened: &Opened) {
        self.written = self.written.saturating_add(opened.sectors);
    }

    /// Format of the node, once the first set is open.
    pub(super) const fn format(&self) -> Option<&NodeFormat> {
        self.format.as_ref()
    }

    /// Whether extents of the node overlap.
    pub(super) const fn has_old_extents(&self) -> bool {
        self.old_extents
    }

    /// Least and greatest key by today's order.
    pub(super) fn range(&self, bytes: &[u8], btree: BtreeId) -> (Bpos, Bpos) {
        compat_range(self.version, btree, range(bytes))
    }

    pub(super) fn identity(
        &self,
        bytes: &[u8],
        seq: u64,
        e: &mut Errors<'_, '_>,
    ) -> Result<(), Stop> {
        let must = Class::MustRetry;
        if head_of(bytes).magic != e.fs.bset_magic() {
            e.raise(must, self.written, None, "bad magic")?;
        }
        if seq == 0 {
            e.raise(must, self.written, None, "bad btree header")?;
        }
        if let Some(want) = pointer_seq(e.key).filter(|want| *want != seq) {
            let text = format!("got wrong btree node (seq {seq:x} want {want:x})");
            e.raise(must, self.written, None, &text)?;
        }
        Ok(())
    }

    /// Checksum and decryption; the sectors the set takes.
    fn verify(&self, bytes: &mut [u8], set: &Bset, e: &mut Errors<'_, '_>) -> Result<u16, Stop> {
        let key = e.fs.key.as_ref();
        let type_ = set.csum_type();
        let offset = u32::from(self.written).wrapping_mul(512);
        let (seq, journal) = (set.seq, set.journal_seq);
        let nonce = Nonce([offset, low32(seq), low32(seq >> 32), low32(journal) ^ NONCE_BTREE]);
        // Without another copy the original goes on here, and dies.
        if !valid(type_, key) {
            e.raise(Class::MustRetry, self.written, Some(set.u64s), "unknown checksum type")?;
        }
        let end = set.end();
        let body = bytes.get(set.at.saturating_add(CSUM)..end);
        let stored = bytes.get(set.at..).and_then(|b| b.first_chunk::<CSUM>()).copied();
        // A set that reaches past the node has no right checksum, unless there is
        // none; the original reads on in its memory there.
        let good = match body {
            Some(b) => checksum(type_, key, nonce, b) == stored,
            None => checksum(CsumType::NONE, None, nonce, &[]) == stored && type_ == CsumType::NONE,
        };
        if !good {
            e.raise(Class::WantRetry, self.written, Some(set.u64s), "invalid checksum")?;
        }
        let mut nonce = nonce;
        if set.first {
            if let Some(head) = bytes.get_mut(BtreeNode::ENCRYPTED_HEAD) {
                decrypt(type_, key, nonce, head);
                nonce = nonce.skip(BtreeNode::NONCE_OF_KEYS);
            }
        }
        let end = end.min(bytes.len());
        if let Some(keys) = bytes.get_mut(set.keys_at()..end) {
            decrypt(type_, key, nonce, keys);
        }
        let block = usize::from(e.fs.block_sectors()).saturating_mul(512).max(512);
        let sectors = set.len().div_ceil(block).saturating_mul(block) >> 9;
        Ok(u16::try_from(sectors).unwrap_or(u16::MAX))
    }

    fn check_set(
        &mut self,
        bytes: &[u8],
        set: &Bset,
        sectors: u16,
        u64s: &mut u16,
        e: &mut Errors<'_, '_>,
    ) -> Result<(), Stop> {
        let written = self.written;
        let named = Some(set.u64s);
        let flags = head_of(bytes).flag_bits();
        let extents = BtreeNodeType::of(e.level, e.btree).is_extents();
        if set.first && extents && !flags.new_extent_overwrite() {
            self.old_extents = true;
        }
        let v = set.version;
        if (v != VERSION_OLD && v < VERSION_MIN) || v >= VERSION_MAX {
            e.raise(Class::Fatal, written, named, "unsupported bset version")?;
        }
        if set.big_endian() {
            e.raise(Class::Fatal, written, named, "big endian bset is not supported")?;
        }
        if u32::from(written).saturating_add(u32::from(sectors))
            > u32::from(e.fs.btree_node_sectors())
        {
            e.raise(Class::Fixable, written, named, "bset past end of btree node")?;
            *u64s = 0;
            return Ok(());
        }
        if !set.first && set.u64s == 0 {
            e.raise(Class::Fixable, written, named, "empty bset")?;
        }
        if !set.first {
            return Ok(());
        }
        let must = Class::MustRetry;
        if flags.btree_id() != e.btree.0 {
            e.raise(must, written, named, "incorrect btree id")?;
        }
        if flags.level() != e.level {
            e.raise(must, written, named, "incorrect level")?;
        }
        let (min, max) = compat_range(v, e.btree, range(bytes));
        if let Some(want) = pointer_min(e.key).filter(|w| *w != min) {
            let (gi, go) = (min.inode, min.offset);
            let (wi, wo) = (want.inode, want.offset);
            let text = format!("incorrect min_key: got {gi}:{go} should be {wi}:{wo}");
            e.raise(must, written, None, &text)?;
        }
        if max != e.key.k.p {
            e.raise(must, written, named, "incorrect max key")?;
        }
        Ok(())
    }

    /// Takes the format from the head of the node.
    fn set_format(&mut self, bytes: &[u8], e: &mut Errors<'_, '_>) -> Result<(), Stop> {
        let BtreeNode { format: raw, keys, .. } = head_of(bytes);
        let named = Some(keys.u64s.get());
        if let Err(reason) = raw.validate() {
            let text = format!("invalid bkey format: {reason}");
            e.raise(Class::Fatal, self.written, named, &text)?;
        }
        self.format = NodeFormat::new(&raw).ok();
        if compat::is_old(self.version) && e.btree == BtreeId::INODES {
            self.swapped = NodeFormat::new(&compat::format(raw)).ok();
        }
        Ok(())
    }

    pub(super) fn no_set_behind(
        &self,
        bytes: &[u8],
        seq: u64,
        e: &mut Errors<'_, '_>,
    ) -> Result<(), Stop> {
        let block = usize::from(e.fs.block_sectors()).saturating_mul(512).max(512);
        let mut at = usize::from(self.written).saturating_mul(512);
        while at < bytes.len() {
            let set = bytes.get(at..).and_then(|b| BtreeNodeEntry::read_from_prefix(b).ok());
            if set.is_some_and(|(set, _)| set.keys.seq == seq) {
                let text = "found bset signature after last bset";
                e.raise(Class::WantRetry, self.written, None, text)?;
            }
            at = at.saturating_add(block);
        }
        Ok(())
    }

    /// Leaves out keys whose value is not valid.
    fn check_values(
        &self,
        format: &NodeFormat,
        words: Vec<u64>,
        e: &mut Errors<'_, '_>,
    ) -> Result<Vec<u64>, Stop> {
        let rules = e.fs.rules();
        let mut words = words;
        let mut invalid: Vec<core::ops::Range<usize>> = Vec::new();
        let mut pointers = Vec::new();
        let mut at = 0_usize;
        let mut u64s = u16::try_from(words.len()).unwrap_or(u16::MAX);
        while let Some((raw, next)) = words.get(at..).and_then(|w| RawKey::split_first(format, w)) {
            let end = words.len().saturating_sub(next.len());
            let start = core::mem::replace(&mut at, end);
            let Ok(raw) = raw else { continue };
            let k = format.unpack(raw);
            let key = KeyRef::new(&k, raw.value());
            if let Some(reason) = rules.value_invalid(key) {
                let shown = crate::key_text::KeyText::new(e.fs, key).cut(160);
                let text = format!("invalid bkey {shown}: {reason}");
                e.raise(Class::Fixable, self.written, Some(u64s), &text)?;
                u64s = u64s.saturating_sub(u16::from(raw.u64s()));
                invalid.push(start..end);
            } else if k.type_ == KeyType::BTREE_PTR_V2 {
                pointers.push(end.saturating_sub(usize::from(raw.val_u64s())));
            }
        }
        for at in pointers {
            // The address of the node in the memory of whoever wrote it.
            if let Some(pointer) = words.get_mut(at..).and_then(BtreePtrV2::of_mut) {
                pointer.mem_ptr = 0;
            }
        }
        for range in invalid.into_iter().rev() {
            words.drain(range);
        }
        Ok(words)
    }
}

/// Sequence a pointer of the second form asks for.
fn pointer_seq(key: &Key) -> Option<u64> {
    key.as_ref().node_pointer().map(|pointer| pointer.seq.get())
}

/// Least key a pointer of the second form names.
fn pointer_min(key: &Key) -> Option<Bpos> {
    key.as_ref().child_min_key()
}

/// Head of a node; one of zeros if there are fewer bytes.
pub(super) fn head_of(bytes: &[u8]) -> BtreeNode {
    BtreeNode::read_from_prefix(bytes).map_or_else(|_| BtreeNode::new_zeroed(), |(head, _)| head)
}

/// Least and greatest key of the head.
fn range(bytes: &[u8]) -> (Bpos, Bpos) {
    let BtreeNode { min_key, max_key, .. } = head_of(bytes);
    (min_key, max_key)
}

fn compat_range(version: u16, btree: BtreeId, (min, max): (Bpos, Bpos)) -> (Bpos, Bpos) {
    if !compat::is_old(version) {
        return (min, max);
    }
    (compat::min_key(version, btree, min), compat::position(version, btree, max))
}
