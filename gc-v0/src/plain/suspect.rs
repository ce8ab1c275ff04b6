// SPDX-License-Identifier: GPL-2.0-only
//! Suspect buckets: those of which something may be found.
//!
//! Where each pointer into a bucket has the generation and the type that its alloc key
//! says, and together they have just its sectors, nothing is found of it, in whatever
//! order they come. So only the other buckets need memory where the references are
//! followed in their order. What is true of a key in part, because one of its pointers
//! is refused, is not known here: the host says which buckets that concerns.

use super::metadata;
use super::parts::Part;
use super::remaining::{Remaining, Subtracted};
use crate::cursor::Cursor;
use crate::fs::Listed;
use crate::key::Key;
use crate::recovery::{Begun, btrees};
use crate::report::{Found, Reporter, answer};
use crate::tree::Nodes;
use gc_core::accounting::{Ctx, StripeTable, Trigger, Usage};
use gc_core::bkey::{KeyRef, References};
use gc_core::finding::Answer;
use gc_core::layout::btree::BTREE_MAX_DEPTH;
use gc_core::layout::{BtreeId, BtreeNodeType, DataType, ExtentPtr};
use std::rc::Rc;

/// Pointers of a key whose buckets may be left out.
pub(crate) const POINTERS: usize = 16;

/// Buckets of all members by index.
#[derive(Debug, Clone, Default)]
pub struct SuspectBuckets {
    devs: Vec<Listed>,
}

/// More buckets than there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl SuspectBuckets {
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
        self.sort();
    }

    fn sort(&mut self) {
        for dev in &mut self.devs {
            dev.numbers.sort_unstable();
            dev.numbers.dedup();
        }
    }
}

/// Unheard is told: the walk that follows meets it all again.
struct Unheard;

impl Reporter for Unheard {
    fn found(&mut self, found: Found) -> Answer {
        answer(found.flags, false)
    }
    fn log(&mut self, _line: &str) {}
}

/// Finds the suspect buckets in one walk for each part, at most `most`; `kept`: bytes of nodes that
/// are kept. `progress` is told of nodes.
///
/// # Errors
/// There are more.
pub fn suspect_buckets(
    begun: &Begun,
    parts: &[Part],
    (most, kept): (usize, u64),
    progress: &mut dyn FnMut(u64),
) -> Result<SuspectBuckets, TooMany> {
    let mut nodes = begun.nodes.clone();
    nodes.keep_at_most(kept);
    let devs = begun.fs.devices.iter().map(|_| Listed::default()).collect();
    let mut search =
        Search { begun, nodes, progress, suspect: SuspectBuckets { devs }, left: most, most };
    for part in parts {
        let remaining = Remaining::new(&begun.fs, part).ok_or(TooMany)?;
        search.part(&remaining)?;
    }
    search.suspect.sort();
    Ok(search.suspect)
}

struct Search<'a, 'p> {
    begun: &'a Begun,
    nodes: Nodes,
    progress: &'p mut dyn FnMut(u64),
    suspect: SuspectBuckets,
    /// So many more may be noted before the same ones are looked for.
    left: usize,
    most: usize,
}

impl Search<'_, '_> {
    fn part(&mut self, remaining: &Remaining) -> Result<(), TooMany> {
        let fs = &self.begun.fs;
        let (mut usage, mut stripes) = (Usage::default(), StripeTable::new());
        let table = fs.replicas.table.view();
        self.walk(BtreeId::ALLOC, &mut |_, level, key| {
            let k = key.k;
            let elsewhere = u8::try_from({ k.p }.inode)
                .is_ok_and(|dev| remaining.is_elsewhere(dev, { k.p }.offset));
            if level == 0 && !elsewhere {
                let mut ctx = Ctx {
                    buckets: remaining,
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
        for (dev, of) in self.suspect.devs.iter_mut().zip(remaining.says()) {
            dev.usage.add(&of);
        }
        for (dev, bucket) in remaining.untyped() {
            self.note(dev, bucket)?;
        }
        for (dev, bucket) in metadata::all(fs) {
            if !remaining.is_elsewhere(dev, bucket) {
                self.note(dev, bucket)?;
            }
        }
        for id in btrees() {
            self.walk(id, &mut |search, _, key| search.key(remaining, key))?;
        }
        for (dev, bucket) in remaining.with_remainder() {
            self.note(dev, bucket)?;
        }
        Ok(())
    }

    fn note(&mut self, dev: u8, bucket: u64) -> Result<(), TooMany> {
        if self.left == 0 {
            self.suspect.sort();
            self.left = self.most.saturating_sub(self.suspect.len());
            // Else the same few would be sorted again and again.
            if self.left < self.most / 4 {
                return Err(TooMany);
            }
        }
        let fs_dev = self.begun.fs.device(dev).filter(|d| d.geometry().has(bucket));
        if let (Some(_), Some(of)) = (fs_dev, self.suspect.devs.get_mut(usize::from(dev))) {
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
            if let Some(child) = self.nodes.get(&begun.fs, &key, id, below, &mut Unheard) {
                cursor.enter(child);
            }
        }
        show(self, root.level.saturating_add(1), root.key.as_ref())
    }

    /// Subtracts the sectors of a key's pointers, and notes the buckets that have them not.
    fn key(&mut self, remaining: &Remaining, key: KeyRef<'_>) -> Result<(), TooMany> {
        let value = match key.references(self.begun.fs.btree_node_sectors()) {
            References::Pointers(value) => value,
            References::Stripe(blocks) => {
                for block in blocks {
                    self.note_of(block.ptr)?;
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let many = value.iter().nth(POINTERS).is_some();
        for p in value {
            let taken = match p.sectors() {
                // Whether a copy of a node is read hangs on its generation.
                _ if p.holds == DataType::BTREE && p.ptr.cached() => Subtracted::No,
                Ok(n) if n > 0 && !many => remaining.subtract(p.ptr, n.into(), p.holds, true),
                _ => Subtracted::No,
            };
            if matches!(taken, Subtracted::No | Subtracted::Stale) {
                self.note_of(p.ptr)?;
            }
        }
        Ok(())
    }

    fn note_of(&mut self, ptr: ExtentPtr) -> Result<(), TooMany> {
        let bucket = self.begun.fs.device(ptr.dev()).map(|d| d.geometry().bucket_nr(ptr.offset()));
        bucket.map_or(Ok(()), |bucket| self.note(ptr.dev(), bucket))
    }
}
