// SPDX-License-Identifier: GPL-2.0-only
//! What the engine asks for.

use super::observer::KeyOf;
use super::{Image, Keys, NodeId, TreeWalk, device};
use gc_core::accounting::Stripes;
use gc_core::accounting::replicas::EntryRef;
use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::error::{Error, Result};
use gc_core::finding::{Answer, Finding};
use gc_core::host::{
    Alone, Buckets, Child, DeviceHost, Findings, Flag, GcPosCell, Geometry, Held, KeepsBuckets,
    KeepsRoot, Level, Log, MarkRead, MarkWrite, Marking, Members, Membership, MetadataBucket,
    NodeInfo, Nodes, Origin, Param, SbCopies, Side, State, Stopping, StripeTables, StripeVisitor,
    Usage, UsageWords, WalkKind, Walks,
};
use gc_core::layout::{BtreeId, DevUsage, Stripe};
use std::fmt;
use std::sync::atomic::Ordering;

/// An image is read by one thread.
impl Alone for Image<'_> {}

/// There is no gc thread.
impl Stopping for Image<'_> {}

impl Log for Image<'_> {
    fn log(&self, level: Level, args: fmt::Arguments<'_>) {
        let mut reporter = self.reporter.borrow_mut();
        match level {
            Level::Err => reporter.error(&args.to_string()),
            _ => reporter.log(&args.to_string()),
        }
    }
}

impl DeviceHost for Image<'_> {
    type Dev = u8;

    fn dev_geometry(&self, dev: u8) -> Geometry {
        device::geometry(&self.fs, dev)
    }

    fn dev_superblocks(&self, _of: Membership<'_>, dev: u8) -> SbCopies {
        device::superblocks(&self.fs, dev)
    }

    fn dev_journal_bucket(&self, _of: Membership<'_>, dev: u8, n: usize) -> Result<Option<u64>> {
        Ok(device::journal_bucket(&self.fs, dev, n))
    }

    fn mark_metadata_bucket(
        &self,
        _mark: Option<&Held<MarkRead>>,
        dev: u8,
        bucket: &MetadataBucket,
    ) {
        let MetadataBucket { number, data_type, sectors, .. } = *bucket;
        // What is wrong with it has been reported.
        let _reported = match self.observer() {
            None => {
                self.mark(None, |ctx| ctx.mark_metadata_bucket(dev, number, data_type, sectors))
            }
            Some(o) => self.mark_metadata_observed(&o, (dev, number), data_type, sectors),
        };
    }
}

impl Members for Image<'_> {
    fn dev_next(&self, from: u32, online: bool) -> Option<(u32, u8)> {
        self.fs
            .members()
            .find(|(i, d)| u32::from(*i) >= from && (!online || d.online.is_some()))
            .map(|(i, _)| (u32::from(i), i))
    }

    fn dev_put(&self, _dev: u8, _online: bool) {}

    fn dev_buckets<'l>(
        &'l self,
        _held: &'l impl KeepsBuckets,
        dev: u8,
        side: Side,
    ) -> Option<Buckets<'l>> {
        let device = self.fs.device(dev)?;
        let buckets = match side {
            Side::Live => &device.buckets,
            Side::Gc => self.gc_buckets.get(usize::from(dev))?,
        };
        Some(match &device.listed {
            None => Buckets::new(buckets),
            Some(listed) => Buckets::some(&listed.numbers, buckets, &self.left_out.other),
        })
    }

    fn dev_gc_alloc_buckets(&self, dev: u8) -> Result<()> {
        for b in self.gc_buckets.get(usize::from(dev)).into_iter().flatten() {
            b.mark.store(0, Ordering::Relaxed);
            b.oldest_gen.store(0, Ordering::Relaxed);
            b.set_gen_valid(false);
        }
        Ok(())
    }

    fn dev_gc_alloc_usage(&self, _dev: u8) -> Result<()> {
        Ok(())
    }

    fn dev_gc_free(&self, _mark: &Held<MarkWrite>, _dev: u8) {}
}

impl State for Image<'_> {
    fn flag(&self, flag: Flag) -> bool {
        match flag {
            Flag::FixedGens => self.fixed_gens.get(),
            Flag::RebuildReplicas => self.rebuild_replicas.get(),
        }
    }

    fn set_flag(&self, flag: Flag, value: bool) {
        match flag {
            Flag::FixedGens => self.fixed_gens.set(value),
            Flag::RebuildReplicas => self.rebuild_replicas.set(value),
        }
    }

    fn param(&self, _param: Param) -> bool {
        false
    }

    fn sb_compat(&self) -> u64 {
        self.compat.get()
    }

    fn key_version(&self) -> u64 {
        self.key_version.get()
    }

    fn set_key_version(&self, version: u64) {
        self.key_version.set(version);
    }

    fn journal_cur_seq(&self) -> u64 {
        self.journal_seq
    }

    fn gc_pos(&self) -> Result<GcPosCell<'_>> {
        Ok(GcPosCell { seq: &self.pos_seq, words: &self.pos_words })
    }
}

impl Findings for Image<'_> {
    fn finding(&self, finding: &Finding<'_>) -> Answer {
        if self.is_void(finding) {
            return Answer::Ignore;
        }
        self.answer(finding)
    }
}

impl Marking for Image<'_> {
    fn mark_key(
        &self,
        origin: &Origin<NodeId>,
        key: KeyRef<'_>,
        sectors: i64,
        flags: u32,
    ) -> Result<()> {
        let trigger = gc_core::accounting::Trigger { offset: 0, sectors, journal_seq: 0, flags };
        self.before_key(key);
        let marked = self.mark(Some(KeyOf { origin, key }), |ctx| ctx.mark_key(key, &trigger));
        if marked.is_err() {
            self.refused_key(key);
        }
        marked
    }

    fn replicas_marked(&self, key: KeyRef<'_>) -> bool {
        self.is_marked(key)
    }

    fn mark_replicas(&self, key: KeyRef<'_>) -> Result<()> {
        self.add_replicas(key)
    }
}

impl StripeTables for Image<'_> {
    fn stripes_gc_alloc(&self) -> Result<()> {
        self.stripes_gc.borrow_mut().clear();
        Ok(())
    }

    fn stripe_gc_slot(&self, idx: u64) -> Result<()> {
        self.stripes_gc.borrow_mut().get_or_alloc(idx).map(|_| ()).map_err(|_| Error::NOMEM)
    }

    fn stripes_gc_free(&self, _mark: &Held<MarkWrite>) {
        self.stripes_gc.borrow_mut().clear();
    }

    fn for_each_stripe(&self, _mark: &Held<MarkWrite>, f: StripeVisitor<'_>) -> Result<()> {
        let mut live = self.stripes.borrow_mut();
        let gc = self.stripes_gc.borrow();
        let indexes: Vec<u64> = live.iter().map(|(i, _)| i).collect();
        for idx in indexes {
            if let Some(stripe) = live.get(idx) {
                let counted: Option<&Stripe> = gc.peek(idx);
                // There is no heap to enter.
                let _alive = f(idx, stripe, counted)?;
            }
        }
        Ok(())
    }
}

impl Usage for Image<'_> {
    fn usage_gc_alloc(&self) -> Result<()> {
        self.begin_pass();
        if let Some(o) = self.observer() {
            o.borrow_mut().pass();
        }
        self.zero_gc_usage()
    }

    fn usage_gc_free(&self, _mark: &Held<MarkWrite>) {
        self.usage_gc_there.set(false);
    }

    fn set_dev_usage(&self, _mark: &Held<MarkWrite>, dev: u8, usage: &DevUsage) {
        if let Some(to) = self.dev_usage.borrow_mut().get_mut(usize::from(dev)) {
            *to = self.left_out.and(dev, usage);
        }
    }

    fn usage<'l>(&'l self, _mark: &'l Held<MarkWrite>, side: Side) -> Result<UsageWords<'l>> {
        let v = self.versions.last();
        Ok(match side {
            Side::Live => UsageWords::new(&v.live),
            Side::Gc => {
                v.show(&self.usage_gc.borrow());
                UsageWords::new(&v.gc)
            }
        })
    }

    fn replicas_entry<'l>(&'l self, _mark: &'l Held<MarkWrite>, i: usize) -> Option<EntryRef<'l>> {
        self.versions.last().table.view().get(i)
    }
}

impl Nodes for Image<'_> {
    type Node = NodeId;

    type Keys<'a>
        = Keys<'a>
    where
        Self: 'a;

    fn btree_root(&self, _held: &impl KeepsRoot, id: BtreeId) -> Option<NodeId> {
        self.root(id)
    }

    fn node_info(&self, node: NodeId) -> Result<NodeInfo> {
        let n = self.node(node);
        Ok(NodeInfo {
            min_key: n.as_ref().map(|n| n.min_key).unwrap_or_default(),
            max_key: n.as_ref().map(|n| n.max_key).unwrap_or_default(),
            level: n.as_ref().map_or(0, |n| n.level),
            btree_id: n.as_ref().map_or(BtreeId::NR, |n| n.btree),
            fake: n.is_none_or(|n| n.fake),
        })
    }

    fn node_key(&self, node: NodeId) -> Option<KeyBuf> {
        KeyBuf::copy_of(self.node(node)?.key.as_ref())
    }

    fn node_lock_read(&self, _node: NodeId) {}

    fn node_unlock_read(&self, node: NodeId) {
        self.release(node);
    }

    fn node_get(&self, key: &KeyBuf, id: BtreeId, level: u8) -> Result<Child<NodeId>> {
        Ok(Child { node: self.child(key, id, level)?, checked: true })
    }

    /// Keys were validated when they were read.
    fn debugcheck(&self, _node: NodeId, _key: KeyRef<'_>) {}

    fn node_keys(&self, node: NodeId, overlay: bool) -> Keys<'_> {
        self.keys(node, overlay)
    }
}

impl<'r> Walks for Image<'r> {
    type Walk<'a>
        = TreeWalk<'a, 'r>
    where
        Self: 'a;

    fn walk(&self, id: BtreeId, _kind: WalkKind) -> Result<TreeWalk<'_, 'r>> {
        Ok(TreeWalk::new(self, id))
    }
}
