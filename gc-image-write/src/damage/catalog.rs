// SPDX-License-Identifier: GPL-2.0-only
//! Every structure of an image that has a checksum.

use crate::buf::{bytes_of, number};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::seal::{Kind, open, seal};
use gc_core::bkey::{BsetKeys, KeyRef, NodeFormat};
use gc_core::layout::{BkeyFormat, ExtentPtr, KeyType, Le64};
use gc_disk::checksum::Key;
use gc_v0::superblock::{HEAD, MAGIC};
use std::collections::HashSet;
use std::path::Path;

const JSET_MAGIC: u64 = 0x2452_35c1_a362_5032;

/// A kind of structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A copy of a superblock.
    Superblock,
    /// A journal entry.
    Journal,
    /// A node with its first bset.
    Node,
    /// A later bset of a node.
    Bset,
}

/// A structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Kind.
    pub what: What,
    /// Device.
    pub dev: u8,
    /// First sector.
    pub sector: u64,
    /// Sectors from the start of its node; 0 for all but later bsets.
    pub in_node: u32,
    /// Bytes, without what follows its keys.
    pub len: usize,
    /// Copies of the same have the same number.
    pub group: u64,
    /// Format of a node's packed keys.
    pub format: Option<BkeyFormat>,
    /// Btree and level of a node.
    pub tree: (u8, u8),
}

/// Whether the checksum over a change is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// It is.
    Yes,
    /// It stays as it was (encrypted structures are encrypted again).
    No,
}

/// The images of one file system, open to be changed.
#[derive(Debug)]
pub struct Images {
    devices: Vec<Device>,
    superblocks: Vec<Vec<u8>>,
    key: Option<Key>,
}

pub(super) fn at<const N: usize>(b: &[u8], at: usize) -> Option<[u8; N]> {
    b.get(at..)?.first_chunk::<N>().copied()
}

pub(super) fn u16_at(b: &[u8], i: usize) -> usize {
    at::<2>(b, i).map_or(0, |v| usize::from(u16::from_le_bytes(v)))
}

pub(super) fn u32_at(b: &[u8], i: usize) -> u32 {
    at::<4>(b, i).map_or(0, u32::from_le_bytes)
}

pub(super) fn u64_at(b: &[u8], i: usize) -> u64 {
    at::<8>(b, i).map_or(0, u64::from_le_bytes)
}

fn usize_of(v: u32) -> usize {
    usize::try_from(v).unwrap_or(usize::MAX)
}

/// Entries of a journal entry or clean section: start, u64s, btree, level, type.
pub(super) fn jset_entries(b: &[u8], from: usize) -> Vec<(usize, usize, u8, u8, u8)> {
    let mut out = Vec::new();
    let mut i = from;
    while let Some([u0, u1, btree, level, type_]) = at::<5>(b, i) {
        let u64s = usize::from(u16::from_le_bytes([u0, u1]));
        if i + 8 + 8 * u64s > b.len() {
            break;
        }
        out.push((i, u64s, btree, level, type_));
        i += 8 + 8 * u64s;
    }
    out
}

/// Sections of a superblock: start, bytes, type.
pub(super) fn sections(b: &[u8]) -> Vec<(usize, usize, u32)> {
    let mut out = Vec::new();
    let mut i = HEAD;
    while i + 8 <= b.len() {
        let len = usize_of(u32_at(b, i)).saturating_mul(8);
        if len == 0 || len > b.len() - i {
            break;
        }
        out.push((i, len, u32_at(b, i + 4)));
        i += len;
    }
    out
}

pub(super) fn words(b: &[u8]) -> Vec<u64> {
    b.chunks_exact(8).filter_map(|c| at::<8>(c, 0)).map(u64::from_le_bytes).collect()
}

fn format_of(node: &[u8]) -> BkeyFormat {
    BkeyFormat {
        key_u64s: at::<1>(node, 80).map_or(0, |[v]| v),
        nr_fields: at::<1>(node, 81).map_or(0, |[v]| v),
        bits_per_field: at(node, 82).unwrap_or([0; 6]),
        field_offset: core::array::from_fn(|i| Le64::new(u64_at(node, 88 + 8 * i))),
    }
}

impl Place {
    fn kind(&self) -> Kind {
        match self.what {
            What::Superblock => Kind::Superblock,
            What::Journal => Kind::Journal,
            What::Node => Kind::Node,
            What::Bset => Kind::Bset(self.in_node.saturating_mul(512)),
        }
    }

    /// Length that these bytes say they have.
    fn len_of(&self, b: &[u8]) -> usize {
        let (head, u64s) = match self.what {
            What::Superblock => (HEAD, usize_of(u32_at(b, 124))),
            What::Journal => (56, usize_of(u32_at(b, 40))),
            What::Node => (160, u16_at(b, 158)),
            What::Bset => (40, u16_at(b, 38)),
        };
        u64s.saturating_mul(8).saturating_add(head)
    }
}

impl Images {
    /// Opens the devices of one file system, in any order.
    ///
    /// # Errors
    /// The system's; a device without a superblock at sector 8.
    pub fn open(paths: &[impl AsRef<Path>]) -> Result<Self> {
        let mut all = Vec::new();
        for p in paths {
            let d = Device::open(p.as_ref())?;
            let mut sb = d.read(8, 128 * 512)?;
            if at::<16>(&sb, 24) != Some(MAGIC) {
                return Err(Error::Damaged("no superblock"));
            }
            sb.truncate(usize_of(u32_at(&sb, 124)).saturating_mul(8).saturating_add(HEAD));
            all.push((at::<1>(&sb, 122).map_or(0, |[v]| v), d, sb));
        }
        all.sort_by_key(|(idx, ..)| *idx);
        let (mut devices, mut superblocks) = (Vec::new(), Vec::new());
        for (_, d, sb) in all {
            devices.push(d);
            superblocks.push(sb);
        }
        let crypt = superblocks.first().and_then(|sb| {
            let (start, ..) = sections(sb).into_iter().find(|(.., t)| *t == 2)?;
            at::<32>(sb, start + 32)
        });
        Ok(Self { devices, superblocks, key: crypt.map(Key::new) })
    }

    fn device(&self, dev: u8) -> Result<&Device> {
        self.devices.get(usize::from(dev)).ok_or(Error::Damaged("no such device"))
    }

    fn first_sb(&self) -> &[u8] {
        self.superblocks.first().map_or(&[], Vec::as_slice)
    }

    fn block(&self) -> usize {
        u16_at(self.first_sb(), 120).max(1) * 512
    }

    fn node_bytes(&self) -> usize {
        let sectors = (u64_at(self.first_sb(), 144) >> 12) & 0xffff;
        bytes_of(sectors)
    }

    /// The structure, decrypted.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self, p: &Place) -> Result<Vec<u8>> {
        let mut b = self.device(p.dev)?.read(p.sector, p.len)?;
        open(p.kind(), self.key.as_ref(), &mut b);
        Ok(b)
    }

    /// Puts a structure back that [`Self::read`] gave. If its length field says
    /// something else now, what lies behind it becomes part of it, as far as its
    /// node or bucket may reach.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, p: &Place, mut b: Vec<u8>, mend: Mend) -> Result<()> {
        let d = self.device(p.dev)?;
        let most = match p.what {
            What::Superblock => 128 * 512,
            What::Journal => b.len().next_multiple_of(self.block()),
            What::Node | What::Bset => {
                self.node_bytes().saturating_sub(usize_of(p.in_node).saturating_mul(512))
            }
        };
        let want = p.len_of(&b).min(most);
        if want > b.len() {
            let more = d.read(p.sector, want)?;
            b.extend_from_slice(more.get(b.len()..).unwrap_or(&[]));
        }
        let old = at::<16>(&b, 0);
        let end = want.min(b.len());
        if let Some(part) = b.get_mut(..end) {
            seal(p.kind(), self.key.as_ref(), part);
        }
        if let (Mend::No, Some(old), Some(to)) = (mend, old, b.first_chunk_mut::<16>()) {
            *to = old;
        }
        d.write(p.sector, &b)
    }

    /// Changes a structure.
    ///
    /// # Errors
    /// The system's.
    pub fn edit(&self, p: &Place, mend: Mend, f: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let mut b = self.read(p)?;
        f(&mut b);
        self.write(p, b, mend)
    }

    /// Every structure that can be found from the superblocks on.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let mut out = Vec::new();
        let mut roots = Vec::new();
        for (dev, sb) in (0_u8..).zip(&self.superblocks) {
            self.superblock_places(dev, sb, &mut out);
            for (start, len, type_) in sections(sb) {
                let section = sb.get(start..start + len).unwrap_or(&[]);
                if type_ == 6 {
                    roots.extend(roots_of(section, 24));
                }
            }
            self.journal_places(dev, sb, &mut out, &mut roots);
        }
        let mut seen = HashSet::new();
        while let Some((tree, ptrs)) = roots.pop() {
            for p in &ptrs {
                if seen.insert((p.dev(), p.offset())) {
                    let group = ptrs.first().map_or(0, |p| p.0);
                    self.node_places(*p, tree, group, &mut out, &mut roots);
                }
            }
        }
        out
    }

    fn superblock_places(&self, dev: u8, sb: &[u8], out: &mut Vec<Place>) {
        let nr = at::<1>(sb, 240 + 18).map_or(0, |[v]| v).min(61);
        for i in 0..usize::from(nr) {
            out.push(Place {
                what: What::Superblock,
                dev,
                sector: u64_at(sb, 240 + 24 + 8 * i),
                in_node: 0,
                len: sb.len(),
                group: 0,
                format: None,
                tree: (0, 0),
            });
        }
    }

    fn journal_places(&self, dev: u8, sb: &[u8], out: &mut Vec<Place>, roots: &mut Vec<Tree>) {
        let size = member_bucket_size(sb, dev);
        let magic = u64_at(sb, 40) ^ JSET_MAGIC;
        let Some((start, len, _)) = sections(sb).into_iter().find(|(.., t)| *t == 0) else {
            return;
        };
        for bucket in words(sb.get(start + 8..start + len).unwrap_or(&[])) {
            let mut sector = bucket.saturating_mul(size);
            let end = sector.saturating_add(size);
            while sector < end {
                let Ok(head) = self.device(dev).and_then(|d| d.read(sector, 56)) else { break };
                if u64_at(&head, 16) != magic {
                    break;
                }
                let mut p = Place {
                    what: What::Journal,
                    dev,
                    sector,
                    in_node: 0,
                    len: 56,
                    group: 1 << 32 | u64_at(&head, 24),
                    format: None,
                    tree: (0, 0),
                };
                p.len = p.len_of(&head).min(bytes_of(end - sector));
                if let Ok(b) = self.read(&p) {
                    roots.extend(roots_of(&b, 56));
                }
                sector += number(p.len.next_multiple_of(self.block()) / 512).max(1);
                out.push(p);
            }
        }
    }

    fn node_places(
        &self,
        ptr: ExtentPtr,
        tree: (u8, u8),
        group: u64,
        out: &mut Vec<Place>,
        children: &mut Vec<Tree>,
    ) {
        let node = self.node_bytes();
        let Ok(raw) = self.device(ptr.dev()).and_then(|d| d.read(ptr.offset(), node)) else {
            return;
        };
        let seq = u64_at(&raw, 136);
        let mut from = 0;
        let mut format = None;
        while from + 40 <= raw.len() {
            let first = from == 0;
            let rest = raw.get(from..).unwrap_or(&[]);
            if !first && u64_at(rest, 16) != seq {
                break;
            }
            let in_node = u32::try_from(from / 512).unwrap_or(0);
            let mut p = Place {
                what: if first { What::Node } else { What::Bset },
                dev: ptr.dev(),
                sector: ptr.offset() + u64::from(in_node),
                in_node,
                len: 0,
                group: group ^ (u64::from(in_node) << 56) ^ (1 << 63),
                format,
                tree,
            };
            p.len = p.len_of(rest).min(rest.len());
            let Ok(b) = self.read(&p) else { break };
            if first {
                format = Some(format_of(&b));
                p.format = format;
            }
            if let Some(Ok(f)) = format.as_ref().map(NodeFormat::new) {
                let keys = words(b.get(if first { 160 } else { 40 }..).unwrap_or(&[]));
                for k in BsetKeys::new(&f, &keys).flatten() {
                    let bkey = f.unpack(k);
                    let ptr = matches!(k.type_(), KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2);
                    if let (true, Some(below)) = (ptr, tree.1.checked_sub(1)) {
                        let ptrs = KeyRef::new(&bkey, k.value()).pointers().collect();
                        children.push(((tree.0, below), ptrs));
                    }
                }
            }
            from += p.len.next_multiple_of(self.block());
            out.push(p);
        }
    }
}

/// Btree and level, and the pointers to a node of it.
type Tree = ((u8, u8), Vec<ExtentPtr>);

fn member_bucket_size(sb: &[u8], dev: u8) -> u64 {
    let members = sections(sb).into_iter().find(|(.., t)| *t == 1).map_or(0, |(s, ..)| s);
    number(u16_at(sb, members + 8 + 56 * usize::from(dev) + 26)).max(1)
}

fn roots_of(b: &[u8], from: usize) -> Vec<Tree> {
    let mut out = Vec::new();
    for (start, u64s, btree, level, type_) in jset_entries(b, from) {
        let w = words(b.get(start + 8..start + 8 + 8 * u64s).unwrap_or(&[]));
        if let (1, Some(head), Some(v)) = (type_, w.first_chunk::<5>(), w.get(5..)) {
            let k = gc_core::layout::Bkey::from_words(*head);
            out.push(((btree, level), KeyRef::new(&k, v).pointers().collect()));
        }
    }
    out
}
