// SPDX-License-Identifier: GPL-2.0-only
//! Reading a btree node: its copies, its sets of keys, and what is wrong with them (facts:
//! docs/facts/v1/recovery.md 10).

use crate::checksum::{NR, checksum, usable};
use crate::entries::pointers;
use crate::error_ids::ErrorId;
use crate::fs::Fs;
use crate::journal::Recovered;
use crate::superblock::NO_DEVICE;
use crate::tables::{self, btree_row};
use crate::text::Printer;
use crate::valid::{Invalid, Place, Rules};
use gc_core::bkey::{KeyRef, NodeFormat, RawKey};
use gc_core::layout::Le64;
use gc_core::layout::bits::{from16, from32, low8, low16, low32};
use gc_core::layout::{Bkey, BkeyFormat, Bpos, CsumType};
use gc_disk::bytes::{index, number, words};
use gc_disk::checksum::{NONCE_BTREE, Nonce, decrypt, encrypts};
use std::collections::BTreeMap;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// A position as it lies on disk.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawPos {
    snapshot: U32,
    offset: U64,
    inode: U64,
}

impl RawPos {
    fn get(self) -> Bpos {
        Bpos { snapshot: self.snapshot.get(), offset: self.offset.get(), inode: self.inode.get() }
    }
}

/// Head of a set of keys, 24 bytes.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct SetHead {
    seq: U64,
    journal_seq: U64,
    flags: U32,
    version: U16,
    u64s: U16,
}

/// How keys of a node are packed.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawFormat {
    key_u64s: u8,
    nr_fields: u8,
    bits_per_field: [u8; 6],
    field_offset: [U64; 6],
}

/// Head of a node with its first set, 160 bytes.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct NodeHead {
    csum: [u8; 16],
    magic: U64,
    /// From here to the set it is encrypted.
    flags: U64,
    min_key: RawPos,
    max_key: RawPos,
    ptr: U64,
    format: RawFormat,
    set: SetHead,
}

/// Head of a later set, 40 bytes.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct LaterHead {
    csum: [u8; 16],
    set: SetHead,
}

const _: () = {
    assert!(size_of::<NodeHead>() == 160);
    assert!(size_of::<LaterHead>() == 40);
    assert!(size_of::<SetHead>() == 24);
};

/// The part of a node's head that is encrypted with its first set.
const ENCRYPTED: core::ops::Range<usize> = 24..136;
/// What the magic of nodes is made of, with the file system's own.
const MAGIC: u64 = 0x9013_5c78_b99e_07f5;
/// Widths of the fields of an unpacked key, in bits.
const WIDTHS: [u32; 6] = [64, 64, 32, 32, 32, 64];

/// A key of a node.
#[derive(Debug, Clone, Copy)]
pub struct NodeKey {
    /// The key.
    pub k: Bkey,
    at: usize,
    len: usize,
}

/// A node in memory: its keys in order, those that were overwritten or deleted left out.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Least position of its keys.
    pub min: Bpos,
    /// Greatest.
    pub max: Bpos,
    /// Number that its sets have in common; the high half tells which of two nodes is newer.
    pub seq: u64,
    /// The high half of its sequence as its head has it.
    pub seq_half: u32,
    /// Highest journal sequence of its sets.
    pub journal_seq: u64,
    /// Sectors that its sets take.
    pub sectors: u64,
    /// Its keys.
    pub keys: Vec<NodeKey>,
    words: Vec<u64>,
    /// What is wrong with it that did not keep it from being read.
    pub problems: Vec<Invalid>,
    /// Keys that were dropped: the tool's error and words.
    pub dropped: Vec<Invalid>,
    /// Members whose copy is not good, with the reason.
    pub bad_copies: Vec<(u8, Invalid)>,
    /// The checksum of a set is wrong on every copy: its keys are not verified.
    pub unverified: bool,
}

impl Node {
    /// A leaf without keys that covers everything: what stands for a root that is not there.
    #[must_use]
    pub fn empty() -> Self {
        let max = Bpos { snapshot: u32::MAX, offset: u64::MAX, inode: u64::MAX };
        Self { max, ..Self::default() }
    }

    /// A key with its value.
    #[must_use]
    pub fn key<'a>(&'a self, key: &'a NodeKey) -> KeyRef<'a> {
        let end = key.at.saturating_add(key.len);
        KeyRef::new(&key.k, self.words.get(key.at..end).unwrap_or(&[]))
    }
}

/// What a pointer says of its node besides where it lies.
struct Wanted {
    seq: Option<u64>,
    /// Sectors in use, where the pointer says so.
    written: Option<u64>,
    min: Option<Bpos>,
    max: Bpos,
    /// The node's own range is replaced by the pointer's.
    range_updated: bool,
    /// Nothing points to it: its own range counts.
    found: bool,
}

impl Wanted {
    fn of(key: KeyRef<'_>) -> Self {
        let max = key.k.p;
        match (key.k.type_.0, key.v) {
            (tables::BTREE_PTR_V2, [_, seq, word, ..]) => Self {
                seq: Some(*seq),
                written: Some(from16(low16(*word))).filter(|n| *n != 0),
                min: key.child_min_key(),
                max,
                range_updated: word >> 16 & 1 != 0,
                found: false,
            },
            _ => Self {
                seq: None,
                written: None,
                min: None,
                max,
                range_updated: false,
                found: false,
            },
        }
    }
}

/// Why a copy is not taken.
enum Copy {
    /// As it is.
    Good(Node),
    /// Something is wrong with it; it is taken where there is no other.
    Degraded(Node),
    /// It cannot be used.
    Unusable(Invalid),
}

fn wrong(id: ErrorId, text: impl Into<String>) -> Invalid {
    (id, text.into())
}

/// Reads the node that a key points to, from the first copy with which nothing is wrong,
/// else from the last that can be used.
///
/// # Errors
/// Why no copy can be used.
pub fn read(
    fs: &Fs,
    recovered: &Recovered,
    key: KeyRef<'_>,
    place: Place,
) -> Result<Node, Vec<(u8, Invalid)>> {
    let lengths = |type_| fs.sb.extent_type_u64s(type_);
    let mut degraded = None;
    let mut bad = Vec::new();
    for p in pointers(key, &lengths) {
        let dev = p.ptr.dev();
        let online = fs.device(dev).and_then(|d| d.online.as_ref());
        let Some(online) = online.filter(|_| dev != NO_DEVICE) else { continue };
        let wanted = Wanted::of(key);
        let sectors = from16(fs.node_sectors());
        let read = wanted.written.map_or(sectors, |n| n.min(sectors));
        let len = index(read.saturating_mul(512));
        let Ok(bytes) = online.file.read_vec(p.ptr.offset(), len) else {
            bad.push((dev, wrong(ErrorId::BTREE_NODE_READ_ERROR, "it cannot be read")));
            continue;
        };
        let parser = Parser { fs, recovered, place, wanted };
        match parser.parse(bytes) {
            Copy::Good(mut node) => {
                node.bad_copies = bad;
                return Ok(node);
            }
            Copy::Degraded(node) => {
                if let Some(problem) = node.problems.first() {
                    bad.push((dev, problem.clone()));
                }
                degraded = Some(node);
            }
            Copy::Unusable(problem) => bad.push((dev, problem)),
        }
    }
    match degraded {
        Some(mut node) => {
            node.bad_copies = bad;
            Ok(node)
        }
        None => Err(bad),
    }
}

/// Reads what may be a leaf of the extents btree at a sector of a device that nothing points
/// to; `None` where there is none.
#[must_use]
pub fn read_found(fs: &Fs, recovered: &Recovered, dev: u8, sector: u64) -> Option<Node> {
    let online = fs.device(dev)?.online.as_ref()?;
    let head = online.file.read_vec(sector, 512).ok()?;
    let (head, _) = NodeHead::ref_from_prefix(&head).ok()?;
    if head.magic.get() != MAGIC ^ fs.sb.magic_seed() {
        return None;
    }
    let len = usize::from(fs.node_sectors()).saturating_mul(512);
    let bytes = online.file.read_vec(sector, len).ok()?;
    let max = Node::empty().max;
    let wanted =
        Wanted { seq: None, written: None, min: None, max, range_updated: false, found: true };
    let place = Place { btree: tables::EXTENTS, level: 0 };
    match (Parser { fs, recovered, place, wanted }).parse(bytes) {
        Copy::Good(node) | Copy::Degraded(node) => Some(node),
        Copy::Unusable(_) => None,
    }
}

struct Parser<'a> {
    fs: &'a Fs,
    recovered: &'a Recovered,
    place: Place,
    wanted: Wanted,
}

/// A set whose head is verified: where its keys lie.
struct Set {
    keys: core::ops::Range<usize>,
    journal_seq: u64,
    sectors: u64,
}

impl Parser<'_> {
    fn parse(&self, mut bytes: Vec<u8>) -> Copy {
        let mut node = Node::default();
        match self.sets(&mut bytes, &mut node) {
            Err(problem) => Copy::Unusable(problem),
            Ok(()) if node.problems.is_empty() => Copy::Good(node),
            Ok(()) => Copy::Degraded(node),
        }
    }

    fn sets(&self, bytes: &mut [u8], node: &mut Node) -> Result<(), Invalid> {
        let limit = number(bytes.len()) >> 9;
        let mut offset = 0_u64;
        let mut format = None;
        let mut seq = 0;
        let mut sets: Vec<Vec<NodeKey>> = Vec::new();
        while offset < limit {
            let first = offset == 0;
            if !first && self.set_head(bytes, offset).is_none_or(|set| set.seq.get() != seq) {
                break;
            }
            let set = self.open(bytes, offset, limit, node)?;
            if first {
                let (head, _) = NodeHead::ref_from_prefix(bytes)
                    .map_err(|_| wrong(ErrorId::BTREE_NODE_DATA_MISSING, "too short"))?;
                let head = *head;
                seq = head.set.seq.get();
                self.identity(&head)?;
                (node.min, node.max) = (head.min_key.get(), head.max_key.get());
                node.seq = seq;
                node.seq_half = low32(head.flags.get() >> 32);
                if self.wanted.range_updated {
                    node.min = self.wanted.min.unwrap_or(node.min);
                    node.max = self.wanted.max;
                }
                format = Some(format_of(&head.format)?);
            }
            let Some(format) = &format else { break };
            let set_words = words(bytes.get(set.keys.clone()).unwrap_or(&[]));
            let base = node.words.len();
            let keys = self.keys(format, &set_words, base, node);
            node.words.extend(set_words);
            offset = offset.saturating_add(set.sectors.max(1));
            node.sectors = offset;
            node.journal_seq = node.journal_seq.max(set.journal_seq);
            if self.recovered.is_blacklisted(set.journal_seq) {
                let text = format!(
                    "found blacklisted bset (journal seq {}) in btree node",
                    set.journal_seq
                );
                if first {
                    node.problems.push(wrong(ErrorId::BSET_BLACKLISTED_JOURNAL_SEQ, text));
                } else {
                    if self.wanted.written.is_some() {
                        let id = ErrorId::FIRST_BSET_BLACKLISTED_JOURNAL_SEQ;
                        node.problems.push(wrong(id, text));
                    }
                    continue;
                }
            }
            sets.push(keys);
        }
        match self.wanted.written {
            Some(written) if offset < written => {
                let text =
                    format!("btree node data missing: expected {written} sectors, found {offset}");
                node.problems.push(wrong(ErrorId::BTREE_NODE_DATA_MISSING, text));
            }
            Some(_) => {}
            None => self.no_set_behind(bytes, offset, limit, seq, node),
        }
        node.keys = merge(sets);
        self.values(node);
        Ok(())
    }

    fn set_head(&self, bytes: &[u8], offset: u64) -> Option<SetHead> {
        let at = index(offset.saturating_mul(512));
        let rest = bytes.get(at..)?;
        let first = NodeHead::ref_from_prefix(rest).ok().filter(|_| offset == 0);
        match first {
            Some((head, _)) => Some(head.set),
            None => LaterHead::ref_from_prefix(rest).ok().map(|(head, _)| head.set),
        }
    }

    /// Verifies and decrypts the set at an offset in sectors.
    fn open(
        &self,
        bytes: &mut [u8],
        offset: u64,
        limit: u64,
        node: &mut Node,
    ) -> Result<Set, Invalid> {
        let first = offset == 0;
        let short = || wrong(ErrorId::BTREE_NODE_DATA_MISSING, "cut short");
        if first {
            let (head, _) = NodeHead::ref_from_prefix(bytes).map_err(|_| short())?;
            let (want, got) = (MAGIC ^ self.fs.sb.magic_seed(), head.magic.get());
            if want != got {
                let text = format!("bad magic: want {want:x}, got {got:x}");
                return Err(wrong(ErrorId::BTREE_NODE_BAD_MAGIC, text));
            }
        }
        let set = self.set_head(bytes, offset).ok_or_else(short)?;
        let type_ = CsumType(low8(from32(set.flags.get() & 0xf)));
        let key = self.fs.key.as_ref();
        if type_.0 >= NR || !usable(type_, key) {
            let problem =
                wrong(ErrorId::BSET_UNKNOWN_CSUM, format!("unknown checksum type {}", type_.0));
            if encrypts(type_) {
                return Err(problem);
            }
            node.problems.push(problem);
        }
        let at = index(offset.saturating_mul(512));
        let head_len = if first { size_of::<NodeHead>() } else { size_of::<LaterHead>() };
        let keys_at = at.saturating_add(head_len);
        let mut end = keys_at.saturating_add(usize::from(set.u64s.get()).saturating_mul(8));
        let block = usize::from(self.fs.block_sectors()).saturating_mul(512);
        let len = end.saturating_sub(at).div_ceil(block).saturating_mul(block);
        let mut sectors = number(len) >> 9;
        if offset.saturating_add(sectors) > limit {
            let text = format!(
                "bset past end of btree node (offset {offset} len {sectors} but written {limit})"
            );
            node.problems.push(wrong(ErrorId::BSET_PAST_END_OF_BTREE_NODE, text));
            end = keys_at;
            sectors = limit.saturating_sub(offset).max(1);
        }
        let (seq, journal_seq) = (set.seq.get(), set.journal_seq.get());
        let byte = low32(offset.saturating_mul(512));
        let nonce = Nonce([byte, low32(seq), low32(seq >> 32), low32(journal_seq) ^ NONCE_BTREE]);
        let stored = bytes.get(at..).and_then(|b| b.first_chunk::<16>()).copied();
        let body = bytes.get(at.saturating_add(16)..end).unwrap_or(&[]);
        let sum = checksum(type_, key, nonce, body);
        if sum != stored {
            node.unverified = true;
            let text = format!("checksum error, type {}", type_.0);
            node.problems.push(wrong(ErrorId::BSET_BAD_CSUM, text));
        }
        let mut nonce = nonce;
        if first {
            if let Some(head) = bytes.get_mut(ENCRYPTED) {
                decrypt(type_, key, nonce, head);
                nonce = nonce.skip(128);
            }
        }
        if let Some(keys) = bytes.get_mut(keys_at..end) {
            decrypt(type_, key, nonce, keys);
        }
        self.version(&set, offset, node)?;
        Ok(Set { keys: keys_at..end, journal_seq, sectors })
    }

    fn version(&self, set: &SetHead, offset: u64, node: &mut Node) -> Result<(), Invalid> {
        let version = set.version.get();
        let text = || format!("unsupported bset version {}", crate::error::version_text(version));
        if version >> 10 > 1 || version < 9 {
            return Err(wrong(ErrorId::BTREE_NODE_UNSUPPORTED_VERSION, text()));
        }
        let flags = set.flags.get();
        if flags & 1 << 5 != 0 {
            let text = "separate whiteouts no longer supported";
            return Err(wrong(ErrorId::BTREE_NODE_UNSUPPORTED_VERSION, text));
        }
        let min = self.fs.sb.head().version_min.get();
        if version < min {
            let text = format!("bset version {version} older than superblock version_min {min}");
            node.problems.push(wrong(ErrorId::BTREE_NODE_BSET_OLDER_THAN_SB_MIN, text));
        }
        if offset != 0 && set.u64s.get() == 0 {
            node.problems.push(wrong(ErrorId::BSET_EMPTY, "empty bset"));
        }
        let recorded = from16(low16(from32(flags >> 16)));
        if recorded != 0 && recorded != offset {
            let text = "bset at wrong sector offset";
            node.problems.push(wrong(ErrorId::BSET_WRONG_SECTOR_OFFSET, text));
        }
        Ok(())
    }

    /// Whether it is the node that the pointer means.
    fn identity(&self, head: &NodeHead) -> Result<(), Invalid> {
        let seq = head.set.seq.get();
        let want = self.wanted.seq;
        if want.map_or(seq == 0, |want| want != seq) {
            let text = format!("got wrong btree node: got seq {seq:x}");
            return Err(wrong(ErrorId::BTREE_NODE_BAD_SEQ, text));
        }
        let flags = head.flags.get();
        let extents = btree_row(self.place.btree).is_some_and(|r| r.extents);
        if extents && self.place.level == 0 && flags & 1 << 8 == 0 {
            let text = "new extent overwrite not set";
            return Err(wrong(ErrorId::BTREE_NODE_UNSUPPORTED_VERSION, text));
        }
        let btree = (flags & 0xf) | (flags >> 9 & 0xffff) << 4;
        if btree != u64::from(self.place.btree) {
            let text = format!("incorrect btree id: {btree}");
            return Err(wrong(ErrorId::BTREE_NODE_BAD_BTREE, text));
        }
        if flags >> 4 & 0xf != u64::from(self.place.level) {
            return Err(wrong(ErrorId::BTREE_NODE_BAD_LEVEL, "incorrect level"));
        }
        if self.wanted.range_updated || self.wanted.found {
            return Ok(());
        }
        let (min, max) = (head.min_key.get(), head.max_key.get());
        if let Some(want) = self.wanted.min.filter(|want| *want != min) {
            let text = format!("incorrect min_key: got {min:?} should be {want:?}");
            return Err(wrong(ErrorId::BTREE_NODE_BAD_MIN_KEY, text));
        }
        if max != self.wanted.max {
            let text = format!("incorrect max key {max:?}");
            return Err(wrong(ErrorId::BTREE_NODE_BAD_MAX_KEY, text));
        }
        Ok(())
    }

    fn no_set_behind(&self, bytes: &[u8], offset: u64, limit: u64, seq: u64, node: &mut Node) {
        let block = u64::from(self.fs.block_sectors());
        let mut at = offset;
        while at < limit {
            let set = self.set_head(bytes, at);
            let found = set.is_some_and(|s| {
                s.seq.get() == seq && !self.recovered.is_blacklisted(s.journal_seq.get())
            });
            if found {
                let text = "found bset signature after last bset";
                node.problems.push(wrong(ErrorId::BTREE_NODE_BSET_AFTER_END, text));
                return;
            }
            at = at.saturating_add(block);
        }
    }

    /// Keys of a set, those that are not valid dropped as the tool drops them. `base` is
    /// where the set's words will lie among the node's.
    fn keys(&self, format: &NodeFormat, set: &[u64], base: usize, node: &mut Node) -> Vec<NodeKey> {
        let mut keys: Vec<NodeKey> = Vec::new();
        let mut at = 0_usize;
        while at < set.len() {
            let (head, len) = head_at(set, at);
            let next = at.saturating_add(len);
            if next > set.len() {
                let text = "key extends past end of bset";
                node.problems.push(wrong(ErrorId::BTREE_NODE_BKEY_PAST_BSET_END, text));
                break;
            }
            let judged = self.one(format, set, at, head, node, keys.last());
            match judged {
                Ok(mut key) => {
                    key.at = key.at.saturating_add(base);
                    keys.push(key);
                    at = next;
                }
                Err((problem, fails)) => {
                    match fails {
                        true => node.problems.push(problem),
                        false => node.dropped.push(problem),
                    }
                    at = self.behind_dropped(format, set, at, len);
                }
            }
        }
        keys
    }

    /// The key at an index; else what is wrong with it, and whether its copy counts as
    /// failed for that.
    fn one(
        &self,
        format: &NodeFormat,
        set: &[u64],
        at: usize,
        head: u64,
        node: &Node,
        prev: Option<&NodeKey>,
    ) -> Result<NodeKey, (Invalid, bool)> {
        let number = low8(head >> 8) & 0x7f;
        if number > 1 {
            let text = format!("invalid bkey format {number}");
            return Err((wrong(ErrorId::BTREE_NODE_BKEY_BAD_FORMAT, text), true));
        }
        let Some(key) = unpack(format, set, at) else {
            let text = format!("bad k->u64s {}", low8(head));
            return Err((wrong(ErrorId::BTREE_NODE_BKEY_BAD_U64S, text), true));
        };
        let (k, p) = (key.k, key.k.p);
        let end = key.at.saturating_add(key.len);
        let whole = KeyRef::new(&k, set.get(key.at..end).unwrap_or(&[]));
        if let Err((id, reason)) = Rules::new(self.fs).head(whole, self.place) {
            return Err(((id, self.invalid(whole, &reason)), false));
        }
        if !self.wanted.range_updated {
            if p < node.min {
                let text = format!("key before start of btree node ({p:?})");
                return Err((wrong(ErrorId::BKEY_BEFORE_START_OF_BTREE_NODE, text), false));
            }
            if p > node.max {
                let text = format!("key past end of btree node ({p:?})");
                return Err((wrong(ErrorId::BKEY_AFTER_END_OF_BTREE_NODE, text), false));
            }
        } else if p < node.min || p > node.max {
            let text = format!("key outside of btree node ({p:?})");
            return Err((wrong(ErrorId::BKEY_AFTER_END_OF_BTREE_NODE, text), false));
        }
        if let Some(prev) = prev {
            let deleted = |k: &Bkey| k.type_.0 == tables::DELETED;
            let later = { prev.k.p }.cmp(&p).then(deleted(&k).cmp(&deleted(&prev.k)));
            if later.is_ge() {
                let text = format!("keys out of order: {:?} > {p:?}", { prev.k.p });
                return Err((wrong(ErrorId::BTREE_NODE_BKEY_OUT_OF_ORDER, text), true));
            }
        }
        Ok(key)
    }

    /// Where the tool goes on behind a key that it drops: if a plausible key follows, it
    /// throws away the rest of the set; else at the next place where one is plausible.
    fn behind_dropped(&self, format: &NodeFormat, set: &[u64], at: usize, len: usize) -> usize {
        let plausible = |at: usize| {
            let (head, len) = head_at(set, at);
            at.saturating_add(len) <= set.len()
                && low8(head >> 8) & 0x7f <= 1
                && unpack(format, set, at).is_some_and(|key| {
                    let end = key.at.saturating_add(key.len);
                    let v = set.get(key.at..end).unwrap_or(&[]);
                    Rules::new(self.fs).head(KeyRef::new(&key.k, v), self.place).is_ok()
                })
        };
        let next = at.saturating_add(len);
        if next < set.len() && plausible(next) {
            return set.len();
        }
        (at.saturating_add(1)..set.len()).find(|at| plausible(*at)).unwrap_or(set.len())
    }

    /// A key that is not valid, and why.
    fn invalid(&self, key: KeyRef<'_>, reason: &str) -> String {
        let none = BTreeMap::new();
        format!("{}\n{reason}", Printer { fs: self.fs, gens: &none }.key(key))
    }

    /// Leaves out keys whose values are not valid.
    fn values(&self, node: &mut Node) {
        let rules = Rules::new(self.fs);
        let keys = core::mem::take(&mut node.keys);
        let mut kept = Vec::with_capacity(keys.len());
        for key in keys {
            match rules.value(node.key(&key), self.place) {
                Ok(()) => kept.push(key),
                Err((id, reason)) => {
                    let text = self.invalid(node.key(&key), &reason);
                    node.dropped.push((id, text));
                }
            }
        }
        node.keys = kept;
    }
}

/// Head word and length of the key at an index.
fn head_at(set: &[u64], at: usize) -> (u64, usize) {
    let head = set.get(at).copied().unwrap_or(0);
    (head, usize::from(low8(head)))
}

/// The key at an index, its value by index in the same words; `None` where its length
/// cannot be.
fn unpack(format: &NodeFormat, set: &[u64], at: usize) -> Option<NodeKey> {
    let rest = set.get(at..)?;
    // A length of 0 would be skipped.
    (low8(*rest.first()?) != 0).then_some(())?;
    let (raw, _) = RawKey::split_first(format, rest)?;
    let raw = raw.ok()?;
    let value = at.saturating_add(usize::from(raw.key_u64s()));
    Some(NodeKey { k: format.unpack(raw), at: value, len: usize::from(raw.val_u64s()) })
}

/// The format of packed keys, checked as today's programs do: no field represents more than
/// it does unpacked.
fn format_of(raw: &RawFormat) -> Result<NodeFormat, Invalid> {
    let bad = |text: String| {
        wrong(ErrorId::BTREE_NODE_BAD_FORMAT, format!("invalid bkey format: {text}"))
    };
    let fields = raw.bits_per_field.iter().zip(raw.field_offset).zip(WIDTHS);
    for (n, ((bits, offset), width)) in fields.enumerate() {
        let most = |bits: u32| u64::MAX.checked_shr(64_u32.saturating_sub(bits)).unwrap_or(0);
        let (bits, offset) = (u32::from(*bits), offset.get());
        let fits =
            bits <= width && most(bits).checked_add(offset).is_some_and(|sum| sum <= most(width));
        if !fits {
            return Err(bad(format!("field {n} too large")));
        }
    }
    let raw = BkeyFormat {
        key_u64s: raw.key_u64s,
        nr_fields: raw.nr_fields,
        bits_per_field: raw.bits_per_field,
        field_offset: raw.field_offset.map(|o| Le64::new(o.get())),
    };
    NodeFormat::new(&raw).map_err(|e| bad(e.to_string()))
}

/// One sorted run of several, oldest first: the newest key of a position stays, deleted
/// ones go.
fn merge(mut sets: Vec<Vec<NodeKey>>) -> Vec<NodeKey> {
    let mut all = match sets.len() {
        1 => sets.pop().unwrap_or_default(),
        _ => {
            // Newest first, so that of equal positions the newest comes first.
            let mut all: Vec<NodeKey> = sets.into_iter().rev().flat_map(last_of_equal).collect();
            all.sort_by_key(|key| key.k.p);
            all
        }
    };
    if all.windows(2).any(|pair| matches!(pair, [a, b] if { a.k.p } == { b.k.p })) {
        all.dedup_by_key(|key| key.k.p);
    }
    all.retain(|key| key.k.type_.0 != tables::DELETED);
    all
}

/// Of a deleted key and another at the same position of one set, the other.
fn last_of_equal(set: Vec<NodeKey>) -> Vec<NodeKey> {
    let mut out: Vec<NodeKey> = Vec::with_capacity(set.len());
    for key in set {
        match out.last_mut() {
            Some(last) if { last.k.p } == { key.k.p } => *last = key,
            _ => out.push(key),
        }
    }
    out
}
