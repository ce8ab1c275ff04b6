// SPDX-License-Identifier: GPL-2.0-only
//! A file system put together from its devices.

mod assemble;

pub use assemble::{Options, Replicas, open, open_devices};

use crate::key::validate::Rules;
use crate::superblock::{Member, MemberState, Superblock};
use gc_core::accounting::device::Geometry;
use gc_core::layout::section::{SbClean, SbFieldType};
use gc_core::layout::superblock::{BSET_MAGIC, JSET_MAGIC};
use gc_core::layout::{BtreeId, Bucket, BucketMark, DataType, DevUsage, ReplicasEntry, Sb};
use gc_disk::checksum::Key;
use gc_disk::io::DeviceFile;
use std::fmt;
use std::path::Path;
use std::sync::atomic::Ordering;
use zerocopy::FromBytes;

/// A member of the file system.
#[derive(Debug)]
pub struct Device {
    /// What the newest superblock says of it.
    pub member: Member,
    /// The device and its own superblock, if it is there.
    pub online: Option<Online>,
    /// Its buckets, from number 0 on; empty until alloc keys are read.
    pub buckets: Vec<Bucket>,
    /// Numbers of the buckets that are here, where not all are; they ascend.
    pub(crate) listed: Option<Listed>,
}

/// Some buckets of a device: of the others it is known that nothing is wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed {
    pub(crate) numbers: Vec<u64>,
    /// Usage of the whole device as alloc keys say.
    pub(crate) usage: DevUsage,
}

/// A device that is there.
#[derive(Debug)]
pub struct Online {
    /// For reading.
    pub file: DeviceFile,
    /// Its own superblock: layout and journal buckets.
    pub sb: Superblock,
    /// Where that superblock was read.
    pub sb_sector: u64,
    /// Its journal buckets.
    pub journal: Vec<u64>,
}

impl Device {
    /// Its geometry.
    #[must_use]
    pub const fn geometry(&self) -> Geometry {
        let m = self.member;
        Geometry { bucket_size: m.bucket_size, first_bucket: m.first_bucket, nbuckets: m.nbuckets }
    }

    /// Whether nodes may be read from it.
    #[must_use]
    pub fn readable(&self) -> bool {
        self.online.is_some() && self.member.state != MemberState::Failed
    }

    /// The device, where reads get through.
    #[must_use]
    pub fn file(&self) -> Option<&DeviceFile> {
        let through = matches!(self.member.state, MemberState::Rw | MemberState::Ro);
        self.online.as_ref().filter(|_| through).map(|o| &o.file)
    }

    /// Generation of a bucket.
    #[must_use]
    pub fn gen_of(&self, bucket: u64) -> Option<u8> {
        match self.bucket(bucket) {
            Some(b) => Some(b.load_mark(Ordering::Relaxed).gen_()),
            // Nothing is known of them yet.
            None => (self.buckets.is_empty() && bucket < self.member.nbuckets).then_some(0),
        }
    }

    /// A bucket that is here.
    pub(crate) fn bucket(&self, bucket: u64) -> Option<&Bucket> {
        self.buckets.get(self.place_of(bucket)?)
    }

    /// Where a bucket is among those that are here.
    #[inline]
    pub(crate) fn place_of(&self, bucket: u64) -> Option<usize> {
        match &self.listed {
            None => usize::try_from(bucket).ok(),
            Some(listed) => listed.numbers.binary_search(&bucket).ok(),
        }
    }

    /// Whether it is known, without its being here, that nothing is wrong with a bucket.
    pub(crate) fn is_left_out(&self, bucket: u64) -> bool {
        self.listed.is_some() && self.geometry().has(bucket) && self.place_of(bucket).is_none()
    }

    /// The marks of buckets in use.
    pub(crate) fn marks(&self) -> impl Iterator<Item = BucketMark> + '_ {
        let first = u64::from(self.member.first_bucket);
        let before = match &self.listed {
            None => gc_disk::bytes::index(first),
            Some(listed) => listed.numbers.partition_point(|n| *n < first),
        };
        self.buckets.iter().skip(before).map(|b| b.load_mark(Ordering::Relaxed))
    }

    /// Makes room for what is to be known of the buckets; `false` where memory is short.
    pub(crate) fn make_buckets(&mut self) -> bool {
        let all = gc_disk::bytes::index(self.member.nbuckets);
        let n = self.listed.as_ref().map_or(all, |l| l.numbers.len());
        let room = self.buckets.try_reserve_exact(n.saturating_sub(self.buckets.len())).is_ok();
        if room {
            self.buckets.resize_with(n, Bucket::default);
        }
        room
    }
}

/// Flags of the superblock that recovery changes. The original keeps them twice:
/// in its copy of the superblock, and unpacked; "writing" the superblock, which
/// writes nothing here, makes the second equal to the first again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SbFlags {
    /// Shut down cleanly.
    pub clean: bool,
    /// What may be relied on.
    pub compat: u64,
    /// Features.
    pub features: u64,
}

/// An open file system.
#[derive(Debug)]
pub struct Fs {
    /// The newest superblock.
    pub sb: Superblock,
    /// Member slots by index.
    pub devices: Vec<Option<Device>>,
    /// Members by index, without their devices: what keys are validated with.
    pub members: Vec<Option<Member>>,
    /// The key.
    pub key: Option<Key>,
    /// Flags as in the copy of the superblock.
    pub stored: SbFlags,
    /// Flags in use.
    pub flags: SbFlags,
    /// Sets of devices; `None`: the table is to be built anew.
    pub replicas: Replicas,
    /// Blacklisted ranges of journal sequences, end exclusive.
    pub blacklist: Option<Vec<(u64, u64)>>,
    /// Levels of the roots, for messages.
    pub root_levels: [u8; 8],
    /// Recovery goes on with whatever is there.
    pub incomplete: bool,
    /// Roots that could not be read then: btree, level, pointer.
    pub unread_roots: Vec<(BtreeId, u8, crate::key::Key)>,
}

impl Fs {
    /// What key validation needs.
    #[must_use]
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            members: &self.members,
            btree_node_sectors: self.btree_node_sectors(),
            key: self.key.as_ref(),
        }
    }

    /// Sectors of a btree node.
    #[must_use]
    pub fn btree_node_sectors(&self) -> u16 {
        u16::try_from(self.sb.btree_node_size()).unwrap_or(0)
    }

    /// Sectors of a block.
    #[must_use]
    pub fn block_sectors(&self) -> u16 {
        self.sb.block_size()
    }

    /// Magic of journal entries.
    #[must_use]
    pub fn jset_magic(&self) -> u64 {
        self.sb.magic_seed() ^ JSET_MAGIC
    }

    /// Magic of btree nodes.
    #[must_use]
    pub fn bset_magic(&self) -> u64 {
        self.sb.magic_seed() ^ BSET_MAGIC
    }

    /// A member.
    #[must_use]
    pub fn device(&self, idx: u8) -> Option<&Device> {
        self.devices.get(usize::from(idx))?.as_ref()
    }

    /// Members by index.
    pub fn members(&self) -> impl Iterator<Item = (u8, &Device)> {
        (0_u8..).zip(&self.devices).filter_map(|(i, d)| Some((i, d.as_ref()?)))
    }

    /// What the original does after each change of its superblock.
    pub fn superblock_written(&mut self) {
        self.flags = self.stored;
    }

    /// Level of a btree's root, for messages.
    #[must_use]
    pub fn root_level(&self, id: BtreeId) -> u8 {
        self.root_levels.get(usize::from(id.0)).copied().unwrap_or(0)
    }

    /// Whether a journal sequence is blacklisted.
    #[must_use]
    pub fn is_blacklisted(&self, seq: u64) -> bool {
        let ranges = self.blacklist.as_deref().unwrap_or(&[]);
        ranges
            .iter()
            .filter(|(start, _)| *start <= seq)
            .max_by_key(|(start, _)| *start)
            .is_some_and(|(_, end)| *end > seq)
    }

    /// The first sequence from `seq` on that is not blacklisted.
    #[must_use]
    pub fn next_not_blacklisted(&self, seq: u64) -> u64 {
        let ranges = self.blacklist.as_deref().unwrap_or(&[]);
        let mut seq = seq;
        // Each step leaves a range behind it.
        for _ in ranges {
            if !self.is_blacklisted(seq) {
                break;
            }
            let end = ranges.iter().filter(|(s, e)| *s <= seq && *e > seq).map(|(_, e)| *e).max();
            seq = end.unwrap_or(seq);
        }
        seq
    }

    /// Devices whose superblock is not any more what it was when they were opened:
    /// somebody writes to the file system.
    #[must_use]
    pub fn changes(&self) -> Vec<Changed<'_>> {
        let change = |online: &'_ Online| {
            let was = online.sb.seq();
            // As much as the devices with the largest sectors give at least.
            let mut page = [0; 4096];
            online.file.read_anew(online.sb_sector, &mut page).ok()?;
            let is = Sb::ref_from_prefix(&page).ok()?.0.seq.get();
            (is != was).then_some((was, is))
        };
        let online = self.devices.iter().flatten().filter_map(|d| d.online.as_ref());
        online
            .filter_map(|o| change(o).map(|(was, is)| Changed { path: o.file.path(), was, is }))
            .collect()
    }

    /// Nodes that the btrees should have, by the recorded usage; 0 if nothing is
    /// recorded.
    #[must_use]
    pub fn recorded_nodes(&self) -> u64 {
        let clean = self.sb.section(SbFieldType::CLEAN).unwrap_or(&[]);
        let items = SbClean::ref_from_prefix(clean).map_or(&[][..], |(_, items)| items);
        let words = gc_disk::bytes::words(items);
        let node = u64::from(self.btree_node_sectors());
        crate::journal::items(&words)
            .filter_map(|item| match item.said() {
                crate::journal::Said::DataUsage(sectors, set) => {
                    let (set, _) = ReplicasEntry::ref_from_prefix(set).ok()?;
                    let nodes = node.saturating_mul(u64::from(set.nr_devs));
                    sectors.checked_div(nodes).filter(|_| set.data_type == DataType::BTREE)
                }
                _ => None,
            })
            .fold(0, u64::saturating_add)
    }

    /// What the file system is called: its identity.
    #[must_use]
    pub fn name(&self) -> String {
        uuid_text(&self.sb.user_uuid())
    }
}

/// A device that somebody wrote to while it was read: the sequence of its superblock
/// then and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    /// The device.
    pub path: &'a Path,
    /// When it was opened.
    pub was: u64,
    /// Now.
    pub is: u64,
}

impl fmt::Display for Changed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, was, is } = self;
        let path = path.display();
        write!(f, "{path}: changed while it was read (superblock sequence {was}, now {is})")
    }
}

/// An identity as people write it.
#[must_use]
pub fn uuid_text(uuid: &[u8; 16]) -> String {
    let mut text = String::new();
    for (i, byte) in uuid.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
