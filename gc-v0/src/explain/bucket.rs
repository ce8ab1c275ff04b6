// SPDX-License-Identifier: GPL-2.0-only
//! One bucket explained: what is recorded, what refers to it, and the files that
//! these references belong to.

use super::observer::{Places, References, Seen};
use super::remark::{self, Remark};
use crate::files::{FilePart, Inode, Sharers, inode, span};
use crate::fs::Device;
use crate::host::observer::{By, Reference, SharedObserver};
use crate::host::{Image, Met};
use crate::key::Key;
use crate::paths::Paths;
use crate::report::Found;
use core::ops::ControlFlow;
use gc_core::accounting::device::Geometry;
use gc_core::bkey::alloc_key::AllocFields;
use gc_core::layout::{Bpos, BtreeId, BucketMark, KeyType};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// What is recorded of a bucket before anything is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The bucket as it is in memory after the alloc btree was read.
    pub mark: BucketMark,
    /// The alloc key; `None` if there is none, or none can be read.
    pub key: Option<AllocKey>,
    /// A node that should hold the alloc key cannot be read.
    pub unreadable: bool,
}

/// An alloc key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocKey {
    /// What it says; `None` if its value is malformed.
    pub fields: Option<AllocFields>,
    /// It lies in the journal only.
    pub journal: bool,
    /// Pointer to the node that holds it, or would.
    pub node: Key,
}

/// A reference with the files it belongs to.
#[derive(Debug, Clone)]
pub struct Noted {
    /// The reference.
    pub reference: Reference,
    /// Parts of files: one for file data, any number for shared data.
    pub files: Vec<FilePart>,
    /// Parts of files that share the data, those left out included.
    pub sharers: usize,
}

/// A bucket explained.
#[derive(Debug, Clone)]
pub struct Explained {
    /// Index of the device.
    pub dev: u8,
    /// Number of the bucket.
    pub bucket: u64,
    /// Geometry of the device.
    pub geometry: Geometry,
    /// What is recorded.
    pub recorded: Recorded,
    /// What its references add up to.
    pub counted: BucketMark,
    /// References in the order of the walk.
    pub references: Vec<Noted>,
    /// What was found.
    pub findings: Vec<Found>,
    /// What it means.
    pub remarks: Vec<Remark>,
}

impl Explained {
    /// Whether everything agrees.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Explains buckets of an image by runs of the engine.
#[derive(Debug)]
pub struct Explainer {
    /// Marks of all buckets before the first run, by device; a run takes over
    /// what it counts.
    marks: Vec<Vec<BucketMark>>,
    findings: RefCell<Option<Places>>,
}

fn mark_of(image: &Image<'_>, (dev, bucket): (u8, u64)) -> Option<BucketMark> {
    let at = usize::try_from(bucket).ok()?;
    let b = image.fs().device(dev)?.buckets.get(at)?;
    Some(b.load_mark(Ordering::Relaxed))
}

impl Explainer {
    /// To be made before the first run.
    #[must_use]
    pub fn new() -> Self {
        Self { marks: Vec::new(), findings: RefCell::new(None) }
    }

    /// Buckets that findings of a run name.
    pub fn places(&mut self, image: &Image<'_>, run: impl FnOnce()) -> Vec<(u8, u64)> {
        let marks = |d: &Option<Device>| {
            let buckets = d.as_ref().map_or(&[][..], |d| &d.buckets);
            buckets.iter().map(|b| b.load_mark(Ordering::Relaxed)).collect()
        };
        self.marks = image.fs().devices.iter().map(marks).collect();
        let places = Rc::new(RefCell::new(Places::default()));
        let observer: SharedObserver = Rc::<RefCell<Places>>::clone(&places);
        image.observe(observer);
        run();
        let found = std::mem::take(&mut *places.borrow_mut());
        let buckets = found.0.keys().copied().collect();
        *self.findings.borrow_mut() = Some(found);
        buckets
    }

    /// Explains buckets by what a run counts.
    pub fn explain<R>(
        &self,
        image: &Image<'_>,
        wanted: Vec<(u8, u64)>,
        run: impl FnOnce() -> R,
    ) -> (Vec<Explained>, R) {
        let mut before = BTreeMap::new();
        let mut references = References::default();
        let mut known = self.findings.borrow_mut();
        references.heard = known.is_some();
        for at in wanted {
            before.insert(at, self.recorded(image, at));
            let findings = known.as_mut().and_then(|k| k.0.remove(&at)).unwrap_or_default();
            references.buckets.insert(at, Seen { references: Vec::new(), findings });
        }
        let references = Rc::new(RefCell::new(references));
        let observer: SharedObserver = Rc::<RefCell<References>>::clone(&references);
        image.observe(observer);
        let result = run();
        let explained = explain(image, &before, &references.borrow());
        (explained, result)
    }

    fn recorded(&self, image: &Image<'_>, at: (u8, u64)) -> Recorded {
        let kept = usize::try_from(at.1).ok();
        let kept = self.marks.get(usize::from(at.0)).and_then(|m| m.get(kept?)).copied();
        let mark = kept.or_else(|| mark_of(image, at)).unwrap_or_default();
        let mut recorded = Recorded { mark, key: None, unreadable: false };
        let pos = Bpos::new(at.0.into(), at.1);
        let _whole = image.survey(BtreeId::ALLOC, pos..=pos, &mut |met| {
            match met {
                Met::Key { level: 0, node, key } if key.k.type_ == KeyType::ALLOC => {
                    recorded.key = Some(AllocKey {
                        fields: AllocFields::unpack(key).ok(),
                        journal: image.is_in_journal(node, key),
                        node: node.key.clone(),
                    });
                }
                Met::Key { .. } => {}
                Met::Unreadable { .. } => recorded.unreadable = true,
            }
            ControlFlow::Continue(())
        });
        recorded
    }
}

impl Default for Explainer {
    fn default() -> Self {
        Self::new()
    }
}

fn explain(
    image: &Image<'_>,
    recorded: &BTreeMap<(u8, u64), Recorded>,
    references: &References,
) -> Vec<Explained> {
    let files = Files::of(image, references);
    let mut all = Vec::new();
    for (&(dev, bucket), seen) in &references.buckets {
        let Some(device) = image.fs().device(dev) else { continue };
        let Some(recorded) = recorded.get(&(dev, bucket)) else { continue };
        let noted = seen.references.iter().map(|r| files.note(r)).collect();
        let findings =
            seen.findings.iter().map(|found| found.clone().in_image(image.fs())).collect();
        let mut explained = Explained {
            dev,
            bucket,
            geometry: device.geometry(),
            recorded: recorded.clone(),
            counted: image.counted(dev, bucket).unwrap_or_default(),
            references: noted,
            findings,
            remarks: Vec::new(),
        };
        explained.remarks = remark::remarks(&explained);
        all.push(explained);
    }
    all
}

/// Files of the references.
struct Files {
    paths: Paths,
    inodes: BTreeMap<u64, Inode>,
    /// By start and end in the reflink btree.
    shared: Sharers,
}

impl Files {
    fn of(image: &Image<'_>, references: &References) -> Self {
        let mut inodes = HashSet::new();
        let mut shared = Vec::new();
        for r in references.buckets.values().flat_map(|s| &s.references) {
            let By::Key(at) = &r.by else { continue };
            match (at.btree, at.level) {
                (BtreeId::EXTENTS, 0) => {
                    inodes.insert({ at.key.k.p }.inode);
                }
                (BtreeId::REFLINK, 0) => {
                    shared.push(span(at.key.as_ref()));
                }
                _ => {}
            }
        }
        let shared = Sharers::of(image, shared);
        inodes.extend(shared.inodes());
        let known = inodes.iter().filter_map(|i| Some((*i, inode(image, *i)?))).collect();
        Self { paths: Paths::of(image, &inodes), inodes: known, shared }
    }

    fn part(&self, (inode, start, sectors): (u64, u64, u64)) -> FilePart {
        let info = self.inodes.get(&inode).copied();
        FilePart { inode, info, start, sectors, name: self.paths.name(inode) }
    }

    fn note(&self, reference: &Reference) -> Noted {
        let mut noted = Noted { reference: reference.clone(), files: Vec::new(), sharers: 0 };
        let By::Key(at) = &reference.by else { return noted };
        let (start, end) = span(at.key.as_ref());
        match (at.btree, at.level) {
            (BtreeId::EXTENTS, 0) => {
                let inode = { at.key.k.p }.inode;
                noted.files.push(self.part((inode, start, end.saturating_sub(start))));
                noted.sharers = 1;
            }
            (BtreeId::REFLINK, 0) => {
                let (by, nr) = self.shared.get((start, end));
                noted.files = by.iter().map(|p| self.part(*p)).collect();
                noted.sharers = nr;
            }
            _ => {}
        }
        noted
    }
}
