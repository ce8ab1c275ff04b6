// SPDX-License-Identifier: GPL-2.0-only
//! Every structure of an image that has a checksum.

use crate::buf::{bytes_of, number};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::seal::{Kind, head, open, seal};
use crate::superblock::SB_SECTORS;
use gc_core::bkey::{BsetKeys, KeyRef, NodeFormat};
use gc_core::layout::jset::{JsetEntry, JsetEntryType};
use gc_core::layout::section::{SbClean, SbCrypt, SbField, SbFieldType, SbJournal, SbMembers};
use gc_core::layout::superblock::{BCH_SB_SECTOR, JSET_MAGIC, MAGIC};
use gc_core::layout::{
    Bkey, BkeyFormat, BtreeNode, BtreeNodeEntry, Csum, ExtentPtr, Jset, KeyType, Sb,
};
use gc_disk::checksum::Key;
use std::collections::HashSet;
use std::path::Path;
use zerocopy::FromBytes;

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

fn usize_of(v: u32) -> usize {
    usize::try_from(v).unwrap_or(usize::MAX)
}

/// Items of a journal entry or clean section from a byte on: start, head.
pub(super) fn jset_entries(b: &[u8], from: usize) -> Vec<(usize, JsetEntry)> {
    let mut out = Vec::new();
    let mut i = from;
    while let Some((entry, _)) = b.get(i..).and_then(|b| JsetEntry::read_from_prefix(b).ok()) {
        let end = i + size_of::<JsetEntry>() + 8 * usize::from(entry.u64s);
        if end > b.len() {
            break;
        }
        out.push((i, entry));
        i = end;
    }
    out
}

/// Sections of a superblock: start, bytes, type.
pub(super) fn sections(b: &[u8]) -> Vec<(usize, usize, SbFieldType)> {
    let mut out = Vec::new();
    let mut i = size_of::<Sb>();
    while let Some((field, _)) = b.get(i..).and_then(|b| SbField::read_from_prefix(b).ok()) {
        let len = usize_of(field.u64s.get()).saturating_mul(8);
        if len == 0 || len > b.len() - i {
            break;
        }
        out.push((i, len, SbFieldType(field.type_.get())));
        i += len;
    }
    out
}

/// The first section of a kind.
fn section(sb: &[u8], kind: SbFieldType) -> Option<&[u8]> {
    let (start, len, _) = sections(sb).into_iter().find(|(.., t)| *t == kind)?;
    sb.get(start..start + len)
}

pub(super) fn words(b: &[u8]) -> Vec<u64> {
    b.chunks_exact(8).filter_map(|c| at::<8>(c, 0)).map(u64::from_le_bytes).collect()
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
    pub(super) fn len_of(&self, b: &[u8]) -> usize {
        let (head, u64s) = match self.what {
            What::Superblock => (size_of::<Sb>(), usize_of(head::<Sb>(b).u64s.get())),
            What::Journal => (size_of::<Jset>(), usize_of(head::<Jset>(b).u64s.get())),
            What::Node => (size_of::<BtreeNode>(), head::<BtreeNode>(b).keys.u64s.into()),
            What::Bset => (size_of::<BtreeNodeEntry>(), head::<BtreeNodeEntry>(b).keys.u64s.into()),
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
            let mut sb = d.read(BCH_SB_SECTOR, bytes_of(SB_SECTORS))?;
            let fields: Sb = head(&sb);
            if fields.magic != MAGIC {
                return Err(Error::Damaged("no superblock"));
            }
            let sections = usize_of(fields.u64s.get()).saturating_mul(8);
            sb.truncate(sections.saturating_add(size_of::<Sb>()));
            all.push((fields.dev_idx, d, sb));
        }
        all.sort_by_key(|(idx, ..)| *idx);
        let (mut devices, mut superblocks) = (Vec::new(), Vec::new());
        for (_, d, sb) in all {
            devices.push(d);
            superblocks.push(sb);
        }
        let crypt = superblocks.first().and_then(|sb| {
            let (crypt, _) = SbCrypt::read_from_prefix(section(sb, SbFieldType::CRYPT)?).ok()?;
            Some(Key::new(crypt.key.key))
        });
        Ok(Self { devices, superblocks, key: crypt })
    }

    fn device(&self, dev: u8) -> Result<&Device> {
        self.devices.get(usize::from(dev)).ok_or(Error::Damaged("no such device"))
    }

    fn first_sb(&self) -> Sb {
        head(self.superblocks.first().map_or(&[], Vec::as_slice))
    }

    fn block(&self) -> usize {
        bytes_of(u64::from(self.first_sb().block_size).max(1))
    }

    fn node_bytes(&self) -> usize {
        bytes_of(self.first_sb().flags0().btree_node_size().into())
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
            What::Superblock => bytes_of(SB_SECTORS),
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
        let old = at::<{ size_of::<Csum>() }>(&b, 0);
        let end = want.min(b.len());
        if let Some(part) = b.get_mut(..end) {
            seal(p.kind(), self.key.as_ref(), part);
        }
        if let (Mend::No, Some(old), Some(to)) = (mend, old, b.first_chunk_mut()) {
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
                if type_ == SbFieldType::CLEAN {
                    roots.extend(roots_of(section, size_of::<SbClean>()));
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
        for sector in head::<Sb>(sb).layout.offsets() {
            out.push(Place {
                what: What::Superblock,
                dev,
                sector,
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
        let magic = head::<Sb>(sb).magic_seed() ^ JSET_MAGIC;
        let section = section(sb, SbFieldType::JOURNAL).unwrap_or(&[]);
        let Ok((journal, _)) = SbJournal::ref_from_prefix(section) else { return };
        for bucket in &journal.buckets {
            let mut sector = bucket.get().saturating_mul(size);
            let end = sector.saturating_add(size);
            while sector < end {
                let start = self.device(dev).and_then(|d| d.read(sector, size_of::<Jset>()));
                let Ok(start) = start else { break };
                let jset: Jset = head(&start);
                if jset.magic != magic {
                    break;
                }
                let mut p = Place {
                    what: What::Journal,
                    dev,
                    sector,
                    in_node: 0,
                    len: start.len(),
                    group: 1 << 32 | jset.seq.get(),
                    format: None,
                    tree: (0, 0),
                };
                p.len = p.len_of(&start).min(bytes_of(end - sector));
                if let Ok(b) = self.read(&p) {
                    roots.extend(roots_of(&b, size_of::<Jset>()));
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
        let seq = head::<BtreeNode>(&raw).keys.seq;
        let mut from = 0;
        let mut format = None;
        while from + size_of::<BtreeNodeEntry>() <= raw.len() {
            let first = from == 0;
            let rest = raw.get(from..).unwrap_or(&[]);
            if !first && head::<BtreeNodeEntry>(rest).keys.seq != seq {
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
                format = Some(head::<BtreeNode>(&b).format);
                p.format = format;
            }
            let keys_at = if first { size_of::<BtreeNode>() } else { size_of::<BtreeNodeEntry>() };
            if let Some(Ok(f)) = format.as_ref().map(NodeFormat::new) {
                let keys = words(b.get(keys_at..).unwrap_or(&[]));
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
    let members = section(sb, SbFieldType::MEMBERS).unwrap_or(&[]);
    let members = SbMembers::ref_from_prefix(members).map_or(&[][..], |(m, _)| &m.members);
    members.get(usize::from(dev)).map_or(0, |m| u64::from(m.bucket_size)).max(1)
}

fn roots_of(b: &[u8], from: usize) -> Vec<Tree> {
    let mut out = Vec::new();
    for (start, entry) in jset_entries(b, from) {
        let start = start + size_of::<JsetEntry>();
        let w = words(b.get(start..start + 8 * usize::from(entry.u64s)).unwrap_or(&[]));
        if let (JsetEntryType::BTREE_ROOT, Some((head, v))) = (entry.type_, w.split_first_chunk()) {
            let k = Bkey::from_words(*head);
            let tree = (entry.btree_id, entry.level);
            out.push((tree, KeyRef::new(&k, v).pointers().collect()));
        }
    }
    out
}
