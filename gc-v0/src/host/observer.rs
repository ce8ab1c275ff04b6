// SPDX-License-Identifier: GPL-2.0-only
//! Observing a run: each reference into buckets of interest, with the key and the node
//! it comes from and what became of it, and each finding as data.

use super::{Image, NodeId};
use crate::key::Key;
use crate::node::Node;
use gc_core::accounting::{BucketReference, Buckets};
use gc_core::bkey::KeyRef;
use gc_core::error::Result;
use gc_core::finding::{Finding, Marking};
use gc_core::host::Origin;
use gc_core::layout::extent::CrcUnpacked;
use gc_core::layout::{BtreeId, BucketMark, DataType, ExtentPtr};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

pub use gc_core::accounting::Outcome;

/// Who observes a run.
pub trait Observer {
    /// A pass begins: what was counted before it is void.
    fn pass(&mut self);
    /// Whether references into a bucket are of interest.
    fn wants(&self, dev: u8, bucket: u64) -> bool;
    /// A reference was counted, or was not.
    fn reference(&mut self, reference: Reference);
    /// A finding, before it is answered.
    fn finding(&mut self, finding: &Finding<'_>);
}

/// An observer that an image shares with who asks it afterwards.
pub type SharedObserver = Rc<RefCell<dyn Observer>>;

/// One reference into a bucket.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Index of the device.
    pub dev: u8,
    /// Number of the bucket.
    pub bucket: u64,
    /// Who refers to it.
    pub by: By,
    /// What the reference says the bucket holds.
    pub data_type: DataType,
    /// What became of it.
    pub outcome: Outcome,
}

/// Who refers to a bucket.
#[derive(Debug, Clone)]
pub enum By {
    /// A copy of the superblock, or of its layout.
    Superblock,
    /// The device's list of journal buckets.
    Journal,
    /// A pointer of a key.
    Key(Box<KeyPlace>),
}

/// A pointer of a key, and where the key is.
#[derive(Debug, Clone)]
pub struct KeyPlace {
    /// Btree.
    pub btree: BtreeId,
    /// Level of the node that holds the key; one above the root's for the root's
    /// own key, which superblock or journal hold.
    pub level: u8,
    /// It is the root's own key.
    pub root: bool,
    /// It lies in the journal only, not in the node yet.
    pub journal: bool,
    /// Pointer to the node that holds the key; the key itself for a root's.
    pub node: Key,
    /// The key.
    pub key: Key,
    /// The pointer.
    pub ptr: ExtentPtr,
    /// Block of the stripe it is, for a stripe's pointer.
    pub block: Option<u8>,
    /// Sectors on disk that it stands for.
    pub sectors: u64,
    /// How the data is stored.
    pub crc: CrcUnpacked,
}

/// Device and bucket that a finding names.
#[must_use]
pub fn place_of(finding: &Finding<'_>) -> Option<(u8, u64)> {
    let place = match finding {
        Finding::GenMissing { place, .. }
        | Finding::GenFuture { place, .. }
        | Finding::Bucket { place, .. }
        | Finding::Marking(
            Marking::Pointer { place, .. }
            | Marking::StaleStripe { place, .. }
            | Marking::MetadataType { place, .. }
            | Marking::MetadataOverflow { place, .. },
        ) => place,
        _ => return None,
    };
    Some((u8::try_from(place.dev).ok()?, place.bucket))
}

/// The key that is marked, for who tells of its references.
pub(super) struct KeyOf<'a> {
    pub(super) origin: &'a Origin<NodeId>,
    pub(super) key: KeyRef<'a>,
}

impl Image<'_> {
    /// Has somebody observe from now on.
    pub fn observe(&self, observer: SharedObserver) {
        *self.observer.borrow_mut() = Some(observer);
    }

    #[inline]
    pub(super) fn observer(&self) -> Option<SharedObserver> {
        self.observer.borrow().clone()
    }

    /// What an observer is told of a reference of a key; `None` if the node that holds
    /// the key is not there.
    pub(super) fn reference(
        &self,
        of: &KeyOf<'_>,
        r: &BucketReference,
        outcome: Outcome,
    ) -> Option<Reference> {
        let KeyOf { origin, key } = *of;
        let node = self.node(origin.node)?;
        let place = KeyPlace {
            btree: origin.btree,
            level: origin.level,
            root: origin.root,
            journal: origin.overlay && self.is_in_journal(&node, key),
            node: node.key.clone(),
            key: Key::of(key),
            ptr: r.ptr,
            block: r.block,
            sectors: r.sectors,
            crc: r.crc,
        };
        Some(Reference {
            dev: r.dev,
            bucket: r.bucket,
            by: By::Key(Box::new(place)),
            data_type: r.data_type,
            outcome,
        })
    }

    /// Counts a bucket of superblock or journal, and tells the observer.
    pub(super) fn mark_metadata_observed(
        &self,
        observer: &RefCell<dyn Observer>,
        (dev, bucket): (u8, u64),
        data_type: DataType,
        sectors: u32,
    ) -> Result<()> {
        let result =
            self.mark(None, |ctx| ctx.mark_metadata_bucket(dev, bucket, data_type, sectors));
        if observer.borrow().wants(dev, bucket) {
            let by = if data_type == DataType::SB { By::Superblock } else { By::Journal };
            let outcome = Outcome::Counted { dirty: sectors.into(), cached: 0 };
            let reference = Reference { dev, bucket, by, data_type, outcome };
            observer.borrow_mut().reference(reference);
        }
        result
    }

    /// What the references into a bucket added up to in the last pass.
    #[must_use]
    pub fn counted(&self, dev: u8, bucket: u64) -> Option<BucketMark> {
        let buckets = super::marking::GcBuckets(self);
        buckets.mark(dev, bucket).map(|m| BucketMark(m.load(Ordering::Relaxed)))
    }

    pub(crate) fn is_in_journal(&self, node: &Node, key: KeyRef<'_>) -> bool {
        let p = key.k.p;
        self.journal.from(node.btree, node.level, p).first().is_some_and(|j| j.key.k.p == p)
    }
}
