// SPDX-License-Identifier: GPL-2.0-only
//! Looking on while a run counts: each reference into buckets of interest, with
//! the key and the node it comes from, and each finding as data.
//!
//! The engine shows a key to [`Host::debugcheck`](gc_core::host::Host::debugcheck)
//! before it is counted, and asks for a root's own key by itself: from these two
//! calls it is known where a key is from.

use super::marking::GcBuckets;
use super::{Image, NodeId};
use crate::key::Key;
use crate::node::Node;
use gc_core::accounting::Buckets;
use gc_core::accounting::sectors::Scale;
use gc_core::accounting::{Trigger, count_pointer};
use gc_core::bkey::KeyRef;
use gc_core::error::Result;
use gc_core::finding::{Finding, Marking, Refusal};
use gc_core::gc::mark::ptr_data_type;
use gc_core::layout::extent::CrcUnpacked;
use gc_core::layout::{BtreeId, BucketMark, DataType, ExtentPtr, KeyType};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// Who looks on.
pub trait Watch {
    /// A pass begins: what was counted before it is void.
    fn pass(&mut self);
    /// Whether references into a bucket are of interest.
    fn wants(&self, dev: u8, bucket: u64) -> bool;
    /// A reference was counted, or was not.
    fn reference(&mut self, reference: Reference);
    /// A finding, before it is answered.
    fn finding(&mut self, finding: &Finding<'_>);
}

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

/// What became of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts: dirty and cached sectors that it added.
    Counted {
        /// Dirty sectors.
        dirty: u64,
        /// Cached sectors.
        cached: u64,
    },
    /// A cached pointer into a bucket that was used anew: it counts nothing.
    Stale,
    /// It was refused.
    Refused(Refusal),
    /// The key's pointer before it was refused, which ended the key.
    NotReached,
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

/// Where the key is that is counted next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    In(NodeId),
    Root(NodeId),
}

/// A pointer of a key before it is counted.
struct Before {
    dev: u8,
    bucket: u64,
    ptr: ExtentPtr,
    block: Option<u8>,
    sectors: u64,
    crc: CrcUnpacked,
    mark: BucketMark,
    verdict: Result<Option<BucketMark>, Refusal>,
}

impl Image<'_> {
    /// Has somebody look on from now on.
    pub fn watch(&self, watch: Rc<RefCell<dyn Watch>>) {
        *self.watch.borrow_mut() = Some(watch);
    }

    #[inline]
    pub(super) fn watched(&self) -> Option<Rc<RefCell<dyn Watch>>> {
        self.watch.borrow().clone()
    }

    /// Counts a key and tells who looks on what became of its pointers.
    pub(super) fn mark_watched(
        &self,
        watch: &RefCell<dyn Watch>,
        key: KeyRef<'_>,
        trigger: &Trigger,
    ) -> Result<()> {
        let before = self.before(&*watch.borrow(), key, trigger);
        let result = self.mark(Some(key), |ctx| ctx.mark_key(key, trigger));
        if before.is_empty() {
            return result;
        }
        let Some((at, node)) = self.place_of_key() else { return result };
        for b in before {
            let after = self.gc_mark(b.dev, b.bucket).unwrap_or(b.mark);
            let place = KeyPlace {
                btree: node.btree,
                level: node.level.saturating_add(u8::from(matches!(at, At::Root(_)))),
                root: matches!(at, At::Root(_)),
                journal: matches!(at, At::In(_)) && self.is_in_journal(&node, key),
                node: node.key.clone(),
                key: Key::of(key),
                ptr: b.ptr,
                block: b.block,
                sectors: b.sectors,
                crc: b.crc,
            };
            watch.borrow_mut().reference(Reference {
                dev: b.dev,
                bucket: b.bucket,
                data_type: ptr_data_type(key.k.type_, b.ptr),
                outcome: outcome(&b, after),
                by: By::Key(Box::new(place)),
            });
        }
        result
    }

    /// Counts a bucket of superblock or journal likewise.
    pub(super) fn mark_metadata_watched(
        &self,
        watch: &RefCell<dyn Watch>,
        (dev, bucket): (u8, u64),
        data_type: DataType,
        sectors: u32,
    ) -> Result<()> {
        let result =
            self.mark(None, |ctx| ctx.mark_metadata_bucket(dev, bucket, data_type, sectors));
        if watch.borrow().wants(dev, bucket) {
            let by = if data_type == DataType::SB { By::Superblock } else { By::Journal };
            let outcome = Outcome::Counted { dirty: sectors.into(), cached: 0 };
            let reference = Reference { dev, bucket, by, data_type, outcome };
            watch.borrow_mut().reference(reference);
        }
        result
    }

    fn before(&self, watch: &dyn Watch, key: KeyRef<'_>, trigger: &Trigger) -> Vec<Before> {
        let stripe = key.k.type_ == KeyType::STRIPE;
        let node = key.k.type_ == KeyType::BTREE_PTR || key.k.type_ == KeyType::BTREE_PTR_V2;
        let mut all = Vec::new();
        for (n, p) in (0_u8..).zip(key.pointers_decoded()) {
            let dev = p.ptr.dev();
            let Some(geometry) = self.fs.device(dev).map(crate::fs::Device::geometry) else {
                continue;
            };
            let bucket = geometry.bucket_nr(p.ptr.offset());
            if !watch.wants(dev, bucket) {
                continue;
            }
            let Some(mark) = self.gc_mark(dev, bucket) else { continue };
            let sectors = if node {
                i64::from(self.fs.btree_node_sectors())
            } else if stripe {
                i64::from(gc_core::layout::bits::low16(key.v.first().copied().unwrap_or(0)))
            } else {
                let (live, delta) = (p.crc.live_size, trigger.sectors);
                let scale = Scale { live, offset: 0, delta, flags: trigger.flags };
                scale.on_disk(p.crc.compressed_size, p.crc.uncompressed_size).unwrap_or(0)
            };
            let data_type = if node { DataType::BTREE } else { DataType::USER };
            let verdict = count_pointer(mark, p.ptr, sectors, data_type);
            let sectors = u64::try_from(sectors).unwrap_or(0);
            let block = stripe.then_some(n);
            let (ptr, crc) = (p.ptr, p.crc);
            all.push(Before { dev, bucket, ptr, block, sectors, crc, mark, verdict });
        }
        all
    }

    /// What the references into a bucket added up to in the last pass.
    #[must_use]
    pub fn counted(&self, dev: u8, bucket: u64) -> Option<BucketMark> {
        self.gc_mark(dev, bucket)
    }

    fn gc_mark(&self, dev: u8, bucket: u64) -> Option<BucketMark> {
        GcBuckets(self).mark(dev, bucket).map(|m| BucketMark(m.load(Ordering::Relaxed)))
    }

    fn place_of_key(&self) -> Option<(At, Rc<Node>)> {
        let at = self.at.get()?;
        let (At::In(id) | At::Root(id)) = at;
        Some((at, self.node(id)?))
    }

    pub(crate) fn is_in_journal(&self, node: &Node, key: KeyRef<'_>) -> bool {
        let p = key.k.p;
        self.journal.from(node.btree, node.level, p).first().is_some_and(|j| j.key.k.p == p)
    }
}

fn outcome(b: &Before, after: BucketMark) -> Outcome {
    let added = |now: u16, then: u16| u64::from(now.saturating_sub(then));
    // A stripe's own pointers count no sectors and are never refused.
    if b.block.is_some() {
        return Outcome::Counted { dirty: 0, cached: 0 };
    }
    if after != b.mark {
        return Outcome::Counted {
            dirty: added(after.dirty_sectors(), b.mark.dirty_sectors()),
            cached: added(after.cached_sectors(), b.mark.cached_sectors()),
        };
    }
    match b.verdict {
        Ok(None) => Outcome::Stale,
        Err(why) => Outcome::Refused(why),
        Ok(Some(_)) if b.sectors == 0 => Outcome::Counted { dirty: 0, cached: 0 },
        Ok(Some(_)) => Outcome::NotReached,
    }
}
