// SPDX-License-Identifier: GPL-2.0-only
//! What the engine asks for.

use super::watch::At;
use super::{Image, Keys, NodeId, TreeWalk, device};
use gc_core::accounting::Stripes;
use gc_core::accounting::replicas::EntryRef;
use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::error::{Error, Result};
use gc_core::finding::{Answer, Finding};
use gc_core::host::{
    Buckets, Child, DeviceHost, Flag, GcPosCell, Geometry, Host, Level, Lock, NodeInfo, Param,
    SbCopies, Side, StripeVisitor, Trace, UsageWords, WalkKind,
};
use gc_core::layout::{BtreeId, DataType, DevUsage, ExtentPtr, GcPos, Stripe};
use std::fmt;
use std::sync::atomic::Ordering;

impl DeviceHost for Image<'_> {
    type Dev = u8;

    fn dev_geometry(&self, dev: u8) -> Geometry {
        device::geometry(&self.fs, dev)
    }

    fn dev_superblocks(&self, dev: u8) -> SbCopies {
        device::superblocks(&self.fs, dev)
    }

    fn dev_journal_bucket(&self, dev: u8, n: usize) -> Option<u64> {
        device::journal_bucket(&self.fs, dev, n)
    }

    fn mark_metadata_bucket(
        &self,
        dev: u8,
        bucket: u64,
        data_type: DataType,
        sectors: u32,
        _pos: GcPos,
        _flags: u32,
    ) {
        // What is wrong with it has been reported.
        let _reported = match self.watched() {
            None => {
                self.mark(None, |ctx| ctx.mark_metadata_bucket(dev, bucket, data_type, sectors))
            }
            Some(w) => self.mark_metadata_watched(&w, (dev, bucket), data_type, sectors),
        };
    }

    fn log(&self, level: Level, args: fmt::Arguments<'_>) {
        let mut reporter = self.reporter.borrow_mut();
        match level {
            Level::Err => reporter.error(&args.to_string()),
            _ => reporter.log(&args.to_string()),
        }
    }

    fn lock(&self, _which: Lock) {}
    fn unlock(&self, _which: Lock) {}
    fn assert_held(&self, _which: Lock) {}
}

impl<'r> Host for Image<'r> {
    type Node = NodeId;
    type Keys<'a>
        = Keys<'a>
    where
        Self: 'a;
    type Walk<'a>
        = TreeWalk<'a, 'r>
    where
        Self: 'a;

    fn lock_unless_stopping(&self, _which: Lock) -> bool {
        true
    }
    fn assert_no_locks(&self) {}

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

    fn gc_pos(&self) -> GcPosCell<'_> {
        GcPosCell { seq: &self.pos_seq, words: &self.pos_words }
    }

    fn gc_count_inc(&self) {}
    fn wait_interior_updates(&self) {}
    fn journal_block(&self) {}
    fn journal_unblock(&self) {}
    fn clock(&self) -> u64 {
        0
    }
    fn gc_time(&self, _start: u64) {}
    fn wake_allocators(&self) {}
    fn trace(&self, _event: Trace, _arg: i32) {}

    fn finding(&self, finding: &Finding<'_>) -> Answer {
        if self.is_void(finding) {
            return Answer::Ignore;
        }
        self.answer(finding)
    }
    fn flush_findings(&self) {}

    fn dev_next(&self, from: u32, online: bool) -> Option<(u32, u8)> {
        self.fs
            .members()
            .find(|(i, d)| u32::from(*i) >= from && (!online || d.online.is_some()))
            .map(|(i, _)| (u32::from(i), i))
    }
    fn dev_put(&self, _dev: u8, _online: bool) {}

    fn dev_buckets(&self, dev: u8, side: Side) -> Option<Buckets<'_>> {
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
    fn dev_gc_free(&self, _dev: u8) {}
    fn dev_reserve_bucket(&self, _dev: u8, _fifo: u32, _n: usize) -> Option<u64> {
        None
    }
    fn open_buckets_nr(&self) -> u32 {
        0
    }
    fn open_bucket_lock(&self, _i: u32) -> Option<ExtentPtr> {
        None
    }
    fn open_bucket_unlock(&self, _i: u32) {}

    fn mark_key(&self, key: KeyRef<'_>, sectors: i64, flags: u32) -> Result<()> {
        let trigger = gc_core::accounting::Trigger { offset: 0, sectors, journal_seq: 0, flags };
        match self.watched() {
            None => {
                self.before_key(key);
                let marked = self.mark(Some(key), |ctx| ctx.mark_key(key, &trigger));
                if marked.is_err() {
                    self.refused_key(key);
                }
                marked
            }
            Some(w) => self.mark_watched(&w, key, &trigger),
        }
    }

    fn replicas_marked(&self, key: KeyRef<'_>) -> bool {
        self.is_marked(key)
    }

    fn mark_replicas(&self, key: KeyRef<'_>) -> Result<()> {
        self.add_replicas(key)
    }

    fn mark_alloc_bucket(&self, _dev: u8, _bucket: u64, _owned: bool, _pos: GcPos, _flags: u32) {}

    fn stripes_gc_alloc(&self) -> Result<()> {
        self.stripes_gc.borrow_mut().clear();
        Ok(())
    }

    fn stripe_gc_slot(&self, idx: u64) -> Result<()> {
        self.stripes_gc.borrow_mut().get_or_alloc(idx).map(|_| ()).map_err(|_| Error::NOMEM)
    }

    fn stripes_gc_free(&self) {
        self.stripes_gc.borrow_mut().clear();
    }

    fn for_each_stripe(&self, f: StripeVisitor<'_>) -> Result<()> {
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

    fn stripes_heap_reset(&self) {}

    fn usage_gc_alloc(&self) -> Result<()> {
        self.begin_pass();
        if let Some(w) = self.watched() {
            w.borrow_mut().pass();
        }
        self.zero_gc_usage()
    }

    fn usage_gc_free(&self) {
        self.usage_gc_there.set(false);
    }

    // Nothing is pending where nobody writes.
    fn usage_fold(&self) {}

    fn set_dev_usage(&self, dev: u8, usage: &DevUsage) {
        if let Some(to) = self.dev_usage.borrow_mut().get_mut(usize::from(dev)) {
            *to = self.left_out.and(dev, usage);
        }
    }

    fn usage(&self, side: Side) -> UsageWords<'_> {
        let v = self.versions.last();
        match side {
            Side::Live => UsageWords::new(&v.live),
            Side::Gc => {
                v.show(&self.usage_gc.borrow());
                UsageWords::new(&v.gc)
            }
        }
    }

    fn replicas_entry(&self, i: usize) -> Option<EntryRef<'_>> {
        self.versions.last().table.view().get(i)
    }

    fn btree_root(&self, id: BtreeId) -> Option<NodeId> {
        self.root(id)
    }

    fn node_info(&self, node: NodeId) -> NodeInfo {
        let n = self.node(node);
        NodeInfo {
            min_key: n.as_ref().map(|n| n.min_key).unwrap_or_default(),
            max_key: n.as_ref().map(|n| n.max_key).unwrap_or_default(),
            level: n.as_ref().map_or(0, |n| n.level),
            btree_id: n.as_ref().map_or(BtreeId::NR, |n| n.btree),
            fake: n.is_none_or(|n| n.fake),
        }
    }

    fn node_key(&self, node: NodeId) -> Option<KeyBuf> {
        self.at.set(Some(At::Root(node)));
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
    fn debugcheck(&self, node: NodeId, _key: KeyRef<'_>) {
        self.at.set(Some(At::In(node)));
    }

    fn node_keys(&self, node: NodeId, overlay: bool) -> Keys<'_> {
        self.keys(node, overlay)
    }

    fn walk(&self, id: BtreeId, _kind: WalkKind) -> Result<TreeWalk<'_, 'r>> {
        Ok(TreeWalk::new(self, id))
    }

    fn should_stop(&self) -> bool {
        false
    }
    fn kicks(&self) -> u32 {
        0
    }
    fn io_clock(&self) -> u64 {
        0
    }
    fn capacity(&self) -> u64 {
        0
    }
    fn wait_prepare(&self) {}
    fn wait_sleep(&self, _deadline: Option<u64>) {}
    fn wait_finish(&self) {}
}
