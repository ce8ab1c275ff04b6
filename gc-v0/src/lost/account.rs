// SPDX-License-Identifier: GPL-2.0-only
//! Adding up by set of devices, by device and by file.

use super::fate::{Away, Fate, is_current};
use crate::files::{Sharers, span};
use crate::host::{Image, Met};
use crate::key::Key;
use core::ops::ControlFlow;
use gc_core::accounting::replicas::{Entry, EntryRef, key_entry};
use gc_core::bkey::sectors::Change;
use gc_core::bkey::{BucketPointer, CountsIn, KeyRef, References};
use gc_core::layout::{Bpos, BtreeId, POS_MAX, POS_MIN};
use std::collections::BTreeMap;

/// Sectors by what becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Every copy is at hand.
    pub intact: u64,
    /// Copies are missing.
    pub degraded: u64,
    /// At hand, below a lost node.
    pub cut_off: u64,
    /// No copy is left.
    pub lost: u64,
}

impl Sums {
    fn add(&mut self, fate: Fate, sectors: u64) {
        let to = match fate {
            Fate::Intact => &mut self.intact,
            Fate::Degraded => &mut self.degraded,
            Fate::CutOff => &mut self.cut_off,
            Fate::Lost => &mut self.lost,
        };
        *to = to.saturating_add(sectors);
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        let there = self.intact.saturating_add(self.degraded);
        there.saturating_add(self.cut_off).saturating_add(self.lost)
    }
}

/// A node that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLoss {
    /// Btree.
    pub btree: BtreeId,
    /// Level; leaves are 0.
    pub level: u8,
    /// It is the root.
    pub root: bool,
    /// Least position of its keys, where the pointer to it says so.
    pub from: Option<Bpos>,
    /// Greatest position of its keys.
    pub to: Bpos,
    /// The pointer to it.
    pub key: Key,
    /// Its copies are on devices that are not at hand; else they are damaged.
    pub away: bool,
    /// It was read all the same, since its device is only thought away.
    pub read: bool,
}

/// A file that lost data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileLoss {
    /// Sectors of the file without a copy.
    pub lost: u64,
    /// Sectors at hand, below a lost node.
    pub cut_off: u64,
    /// Ranges without a copy: first sector of the file, sectors.
    pub ranges: Vec<(u64, u64)>,
}

/// What is lost.
#[derive(Debug, Default)]
pub struct Loss {
    /// By set of devices, as the usage of the file system counts them.
    pub sets: BTreeMap<Vec<u8>, Sums>,
    /// By device: dirty sectors on it without parity, by what becomes of their data.
    pub devices: BTreeMap<u8, Sums>,
    /// Nodes, parents first.
    pub nodes: Vec<NodeLoss>,
    /// By inode.
    pub files: BTreeMap<u64, FileLoss>,
    /// Files of which copies are missing, but no data.
    pub degraded_files: u64,
    /// Ranges of shared data without a copy that no file points to.
    pub orphaned: u64,
}

/// Walks all keys and adds up.
#[must_use]
pub fn account(image: &Image<'_>, away: &Away) -> Loss {
    let mut a = Account {
        image,
        away,
        loss: Loss::default(),
        shared: Vec::new(),
        cut: [false; 8],
        last_degraded: None,
    };
    for (btree, level, key) in &image.fs().unread_roots {
        a.node_lost(*btree, *level, true, key.as_ref(), false);
    }
    for id in (0..8).map(BtreeId) {
        a.cut = [false; 8];
        let _whole = image.survey(id, POS_MIN..=POS_MAX, &mut |met| {
            match met {
                Met::Key { level, node, key } => a.key(id, level, node.level < level, key),
                Met::Unreadable { level, key } => a.unreadable(id, level, key),
            }
            ControlFlow::Continue(())
        });
    }
    a.finish()
}

struct Account<'a, 'r> {
    image: &'a Image<'r>,
    away: &'a Away,
    loss: Loss,
    /// Lost ranges of the reflink btree.
    shared: Vec<(u64, u64, Fate)>,
    /// By level: whether the node of that level that the walk is in is lost, or one
    /// above it.
    cut: [bool; 8],
    last_degraded: Option<u64>,
}

impl Account<'_, '_> {
    fn key(&mut self, btree: BtreeId, level: u8, root: bool, key: KeyRef<'_>) {
        let fate = self.away.fate(self.image, key);
        let cut = !root && self.cut.get(usize::from(level)).copied().unwrap_or(false);
        if let Some(below) = level.checked_sub(1) {
            let gone = fate == Some(Fate::Lost);
            if gone {
                self.node_lost(btree, below, root, key, true);
            }
            if let Some(slot) = self.cut.get_mut(usize::from(below)) {
                *slot = cut || gone;
            }
        }
        let Some(fate) = fate else { return };
        let fate = if cut && fate < Fate::CutOff { Fate::CutOff } else { fate };
        self.sectors(key, fate);
        if level == 0 {
            self.file(btree, key, fate);
        }
    }

    fn node_lost(&mut self, btree: BtreeId, level: u8, root: bool, key: KeyRef<'_>, read: bool) {
        let mut pointers = key.pointers();
        let away = pointers.all(|p| self.away.is_away(p.dev()));
        self.loss.nodes.push(NodeLoss {
            btree,
            level,
            root,
            from: key.child_min_key(),
            to: key.k.p,
            key: Key::of(key),
            away,
            read,
        });
    }

    fn unreadable(&mut self, btree: BtreeId, level: u8, key: &Key) {
        match self.loss.nodes.last_mut() {
            Some(n) if n.key == *key && (n.btree, n.level) == (btree, level) => n.read = false,
            _ => self.node_lost(btree, level, false, key.as_ref(), false),
        }
    }

    /// By set and by device, as marking counts them.
    fn sectors(&mut self, key: KeyRef<'_>, fate: Fate) {
        let node_sectors = self.image.fs().btree_node_sectors();
        let References::Pointers(value) = key.references(node_sectors) else { return };
        let mut own = 0_u64;
        for p in value {
            let on_disk = p.sectors().map_or(0, u64::from);
            let dev = p.ptr.dev();
            if p.counts_in == CountsIn::Cached {
                // A void copy counts nothing; a current one stands for itself.
                if is_current(self.image, p.ptr) {
                    let fate = if self.away.is_away(dev) { Fate::Lost } else { Fate::Intact };
                    self.add(Entry::cached(dev).get(), fate, on_disk);
                }
                continue;
            }
            self.loss.devices.entry(dev).or_default().add(fate, on_disk);
            if let CountsIn::Stripe(stripe) = p.counts_in {
                self.in_stripe(&p, stripe.idx(), fate, on_disk);
            } else {
                own = own.saturating_add(on_disk);
            }
        }
        if let Ok(Some(entry)) = key_entry(key) {
            self.add(entry.get(), fate, own);
        }
    }

    fn in_stripe(&mut self, p: &BucketPointer, idx: u64, fate: Fate, on_disk: u64) {
        let Some(stripe) = self.away.stripe(idx) else { return };
        let parity = u32::from(stripe.redundant);
        let data = u32::from(stripe.blocks).saturating_sub(parity);
        let share = p.parity(&Change::whole(p.crc.live_size), parity, data).unwrap_or(0);
        let share = u64::try_from(share).unwrap_or(0);
        self.add(stripe.entry.get(), fate, on_disk.saturating_add(share));
    }

    fn add(&mut self, entry: EntryRef<'_>, fate: Fate, sectors: u64) {
        if let Some(sums) = self.loss.sets.get_mut(entry.as_bytes()) {
            sums.add(fate, sectors);
            return;
        }
        self.loss.sets.entry(entry.as_bytes().to_vec()).or_default().add(fate, sectors);
    }

    fn file(&mut self, btree: BtreeId, key: KeyRef<'_>, fate: Fate) {
        let (start, end) = span(key);
        let inode = { key.k.p }.inode;
        match (btree, fate) {
            (BtreeId::EXTENTS, Fate::Lost | Fate::CutOff) => {
                self.loss.files.entry(inode).or_default().add(fate, start, end);
            }
            (BtreeId::REFLINK, Fate::Lost | Fate::CutOff) => self.shared.push((start, end, fate)),
            // Keys of a file follow each other.
            (BtreeId::EXTENTS, Fate::Degraded) if self.last_degraded != Some(inode) => {
                self.last_degraded = Some(inode);
                self.loss.degraded_files = self.loss.degraded_files.saturating_add(1);
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Loss {
        let ranges = self.shared.iter().map(|(start, end, _)| (*start, *end));
        let sharers = Sharers::of(self.image, ranges);
        for (start, end, fate) in &self.shared {
            let (by, _) = sharers.get((*start, *end));
            for (inode, at, sectors) in by {
                let file = self.loss.files.entry(*inode).or_default();
                file.add(*fate, *at, at.saturating_add(*sectors));
            }
            if by.is_empty() {
                self.loss.orphaned = self.loss.orphaned.saturating_add(1);
            }
        }
        self.loss
    }
}

impl FileLoss {
    fn add(&mut self, fate: Fate, start: u64, end: u64) {
        let sectors = end.saturating_sub(start);
        if fate == Fate::CutOff {
            self.cut_off = self.cut_off.saturating_add(sectors);
            return;
        }
        self.lost = self.lost.saturating_add(sectors);
        match self.ranges.last_mut() {
            Some((at, len)) if at.saturating_add(*len) == start => {
                *len = len.saturating_add(sectors);
            }
            _ => self.ranges.push((start, sectors)),
        }
    }
}
