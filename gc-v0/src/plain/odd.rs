// SPDX-License-Identifier: GPL-2.0-only
//! Which buckets something may be found of.
//!
//! Where each pointer into a bucket has the generation and the type that its alloc key
//! says, and together they have just its sectors, nothing is found of it, in whatever
//! order they come. So only the other buckets need memory where the references are
//! followed in their order. What is true of a key in part, because one of its pointers
//! is refused, is not known here: the host says which buckets that concerns.

use super::metadata;
use super::parts::Part;
use super::sheet::{Sheet, Taken};
use crate::cursor::Cursor;
use crate::fs::Listed;
use crate::key::Key;
use crate::recovery::{Begun, btrees};
use crate::report::{Found, Reporter, answer};
use crate::tree::Nodes;
use gc_core::accounting::sectors::Scale;
use gc_core::accounting::{Ctx, StripeTable, Trigger, Usage};
use gc_core::bkey::KeyRef;
use gc_core::finding::Answer;
use gc_core::layout::btree::BTREE_MAX_DEPTH;
use gc_core::layout::{BtreeId, BtreeNodeType, DataType, KeyType};
use std::rc::Rc;

/// Pointers of a key whose buckets may be left out.
pub(crate) const POINTERS: usize = 16;

/// Buckets of all members by index.
#[derive(Debug, Clone, Default)]
pub struct Odd {
    devs: Vec<Listed>,
}

/// More buckets than there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl Odd {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.devs.iter().map(|d| d.numbers.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of `fs` these buckets alone are here from now on.
    pub fn list(&self, fs: &mut crate::fs::Fs) {
        for (dev, listed) in fs.devices.iter_mut().zip(&self.devs) {
            if let Some(dev) = dev {
                dev.buckets = Vec::new();
                dev.listed = Some(listed.clone());
            }
        }
    }

    /// More of them.
    pub fn add(&mut self, more: impl IntoIterator<Item = (u8, u64)>) {
        for (dev, bucket) in more {
            if let Some(dev) = self.devs.get_mut(usize::from(dev)) {
                dev.numbers.push(bucket);
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        for dev in &mut self.devs {
            dev.numbers.sort_unstable();
            dev.numbers.dedup();
        }
    }
}

/// Nobody is told: the walk that follows meets it all again.
struct Nobody;

impl Reporter for Nobody {
    fn found(&mut self, found: Found) -> Answer {
        answer(found.flags, false)
    }
    fn log(&mut self, _line: &str) {}
}

/// Finds them in one walk for each part, at most `most`; `kept`: bytes of nodes that
/// are kept. `progress` is told of nodes.
///
/// # Errors
/// There are more.
pub fn odd(
    begun: &Begun,
    parts: &[Part],
    (most, kept): (usize, u64),
    progress: &mut dyn FnMut(u64),
) -> Result<Odd, TooMany> {
    let mut nodes = begun.nodes.clone();
    nodes.keep_at_most(kept);
    let devs = begun.fs.devices.iter().map(|_| Listed::default()).collect();
    let mut search = Search { begun, nodes, progress, odd: Odd { devs }, left: most, most };
    for part in parts {
        let sheet = Sheet::new(&begun.fs, part).ok_or(TooMany)?;
        search.part(&sheet)?;
    }
    search.odd.settle();
    Ok(search.odd)
}

struct Search<'a, 'p> {
    begun: &'a Begun,
    nodes: Nodes,
    progress: &'p mut dyn FnMut(u64),
    odd: Odd,
    /// So many more may be noted before the same ones are looked for.
    left: usize,
    most: usize,
}

impl Search<'_, '_> {
    fn part(&mut self, sheet: &Sheet) -> Result<(), TooMany> {
        let fs = &self.begun.fs;
        let (mut usage, mut stripes) = (Usage::default(), StripeTable::new());
        let table = fs.replicas.table.view();
        self.walk(BtreeId::ALLOC, &mut |_, level, key| {
            let k = key.k;
            let elsewhere = u8::try_from({ k.p }.inode)
                .is_ok_and(|dev| sheet.is_elsewhere(dev, { k.p }.offset));
            if level == 0 && !elsewhere {
                let mut ctx = Ctx {
                    buckets: sheet,
                    stripes: &mut stripes,
                    sink: &mut super::marker::Silent::default(),
                    replicas: table,
                    usage: &mut usage,
                    devs: None,
                    btree_node_size: fs.btree_node_sectors(),
                };
                // What is wrong with it is told when it is read again.
                let _ignored = ctx.mark_key(key, &Trigger::read());
            }
            Ok(())
        })?;
        for (dev, of) in self.odd.devs.iter_mut().zip(sheet.says()) {
            dev.usage.add(&of);
        }
        for (dev, bucket) in sheet.untyped() {
            self.note(dev, bucket)?;
        }
        for (dev, bucket) in metadata::all(fs) {
            if !sheet.is_elsewhere(dev, bucket) {
                self.note(dev, bucket)?;
            }
        }
        for id in btrees() {
            self.walk(id, &mut |search, _, key| search.key(sheet, key))?;
        }
        for (dev, bucket) in sheet.uneven() {
            self.note(dev, bucket)?;
        }
        Ok(())
    }

    fn note(&mut self, dev: u8, bucket: u64) -> Result<(), TooMany> {
        if self.left == 0 {
            self.odd.settle();
            self.left = self.most.saturating_sub(self.odd.len());
            // Else the same few would be sorted again and again.
            if self.left < self.most / 4 {
                return Err(TooMany);
            }
        }
        let fs_dev = self.begun.fs.device(dev).filter(|d| d.geometry().has(bucket));
        if let (Some(_), Some(of)) = (fs_dev, self.odd.devs.get_mut(usize::from(dev))) {
            of.numbers.push(bucket);
            self.left = self.left.saturating_sub(1);
        }
        Ok(())
    }

    /// Shows the keys of a btree that mark and sweep looks at, the root's own last,
    /// past whatever cannot be read.
    fn walk(
        &mut self,
        id: BtreeId,
        show: &mut dyn FnMut(&mut Self, u8, KeyRef<'_>) -> Result<(), TooMany>,
    ) -> Result<(), TooMany> {
        let begun = self.begun;
        let root = begun.roots.get(usize::from(id.0));
        let Some(root) = root.filter(|r| !r.fake && r.level < BTREE_MAX_DEPTH) else {
            return Ok(());
        };
        let leaves = BtreeNodeType::of(0, id).needs_gc();
        let mut cursor = Cursor::new(Some(Rc::clone(root)), Some(&begun.journal));
        while let Some(at) = cursor.next_key() {
            let (level, below, key) = (at.node.level, at.level_below(), Key::of(at.key));
            show(self, level, key.as_ref())?;
            let Some(below) = below.filter(|below| *below > 0 || leaves) else { continue };
            (self.progress)(1);
            if let Some(child) = self.nodes.get(&begun.fs, &key, id, below, &mut Nobody) {
                cursor.enter(child);
            }
        }
        show(self, root.level.saturating_add(1), root.key.as_ref())
    }

    /// Takes the sectors of a key's pointers.
    fn key(&mut self, sheet: &Sheet, key: KeyRef<'_>) -> Result<(), TooMany> {
        let t = match key.k.type_ {
            KeyType::EXTENT | KeyType::REFLINK_V => Some(DataType::USER),
            KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2 => Some(DataType::BTREE),
            _ => None,
        };
        let fs = &self.begun.fs;
        let many = key.pointers().nth(POINTERS).is_some();
        for p in key.pointers_decoded() {
            let sectors = match t {
                Some(DataType::BTREE) => Some(i64::from(fs.btree_node_sectors())),
                Some(_) => {
                    let delta = i64::from(key.k.size);
                    let scale = Scale { live: p.crc.live_size, offset: 0, delta, flags: 0 };
                    scale.on_disk(p.crc.compressed_size, p.crc.uncompressed_size).ok()
                }
                None => None,
            };
            let taken = match (t, sectors) {
                // Whether a copy of a node is read hangs on its generation.
                (Some(DataType::BTREE), _) if p.ptr.cached() => Taken::No,
                (Some(t), Some(n)) if n > 0 && !many => sheet.take(p.ptr, n, t, true),
                _ => Taken::No,
            };
            let dev = p.ptr.dev();
            let bucket = fs.device(dev).map(|d| d.geometry().bucket_nr(p.ptr.offset()));
            if let (Taken::No | Taken::Stale, Some(bucket)) = (taken, bucket) {
                self.note(dev, bucket)?;
            }
        }
        Ok(())
    }
}
