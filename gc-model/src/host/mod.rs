// SPDX-License-Identifier: GPL-2.0-only
//! The model as a host of the engine: every call recorded, its contract checked.

mod coalesce;
mod contract;
mod device;

use crate::Model;
use crate::btree::NodeId;
use crate::call::Call;
use crate::device::DevId;
use crate::locks::{self, LockId, Mode};
use crate::stripes::StripeMap;
use crate::sync::{lock, read};
use crate::walk::{MergedKeys, TreeWalk};
use gc_core::accounting::replicas::EntryRef;
use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::error::{Errno, Error, Result};
use gc_core::finding::{Answer, Finding};
use gc_core::host::{
    Allocator, Buckets, Child, Coordination, Counters, Findings, Flag, Freelist, GcPosCell,
    GcThread, GcWrite, Held, KeepsBuckets, KeepsRoot, Lock, MarkRead, MarkWrite, Marking, Members,
    NodeInfo, NodeSet, Nodes, Origin, Param, Side, State, Stopping, StripeTables, StripeVisitor,
    Trace, Usage, UsageWords, WalkKind, Walks,
};
use gc_core::layout::{Bpos, BtreeId, DevUsage, ExtentPtr, GcPhase, GcPos, KeyType, Stripe};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

/// Nanoseconds since the first look.
#[must_use]
pub fn clock() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

const fn trace_name(event: Trace) -> &'static str {
    match event {
        Trace::GcStart => "gc_start",
        Trace::GcEnd => "gc_end",
        Trace::CoalesceStart => "coalesce_start",
        Trace::CoalesceEnd => "coalesce_end",
    }
}

impl Stopping for Model {
    fn lock_unless_stopping(&self, which: Lock) -> bool {
        self.note(Call::LockUnlessStopping, || locks::name(which).to_owned());
        let (id, mode) = locks::of_host(which);
        let (had, misuse) = self.locks.take(id, mode, || self.stopping());
        if let Some(text) = misuse {
            self.violation(text);
        }
        had
    }

    fn should_stop(&self) -> bool {
        self.note(Call::ShouldStop, String::new);
        self.stopping()
    }
}

impl Members for Model {
    fn dev_next(&self, from: u32, online: bool) -> Option<(u32, DevId)> {
        self.note(Call::DevNext, || format!("{from} {}", u8::from(online)));
        let ids: Vec<DevId> = self.members.read(|m| m.iter().copied().flatten().collect());
        ids.into_iter().find_map(|id| {
            let dev = self.device(id).filter(|d| d.idx() >= from)?;
            dev.get_ref(online).then_some((dev.idx(), id))
        })
    }

    fn dev_put(&self, dev: DevId, online: bool) {
        self.note(Call::DevPut, || format!("{} {}", dev.0, u8::from(online)));
        if !self.dev("dev_put", dev).is_some_and(|d| d.put_ref(online)) {
            self.violation(format!("dev_put: no reference to {dev:?}"));
        }
    }

    fn dev_buckets<'l>(
        &'l self,
        _held: &'l impl KeepsBuckets,
        dev: DevId,
        side: Side,
    ) -> Option<Buckets<'l>> {
        self.note(Call::DevBuckets, || format!("{} {side:?}", dev.0));
        let safe = |id, mode| self.locks.mine(id, mode);
        if !(safe(LockId::State, Mode::Shared)
            || safe(LockId::Gc, Mode::Exclusive)
            || safe(LockId::Mark, Mode::Shared))
        {
            self.violation("dev_buckets: no lock that keeps the buckets".to_owned());
        }
        self.dev("dev_buckets", dev)?.buckets(side).map(Buckets::new)
    }

    fn dev_gc_alloc_buckets(&self, dev: DevId) -> Result<()> {
        self.call(Call::DevGcAllocBuckets, || format!("{}", dev.0))?;
        self.forbids("dev_gc_alloc_buckets", LockId::Mark);
        self.dev("dev_gc_alloc_buckets", dev).ok_or(Error::INVAL)?.gc_alloc_buckets()
    }

    fn dev_gc_alloc_usage(&self, dev: DevId) -> Result<()> {
        self.call(Call::DevGcAllocUsage, || format!("{}", dev.0))?;
        self.forbids("dev_gc_alloc_usage", LockId::Mark);
        self.dev("dev_gc_alloc_usage", dev).ok_or(Error::INVAL)?.gc_alloc_usage()
    }

    fn dev_gc_free(&self, _mark: &Held<MarkWrite>, dev: DevId) {
        self.note(Call::DevGcFree, || format!("{}", dev.0));
        self.needs("dev_gc_free", LockId::Mark, Mode::Exclusive);
        if let Some(dev) = self.dev("dev_gc_free", dev) {
            dev.gc_free();
        }
    }
}

impl Allocator for Model {
    fn dev_reserve_bucket(
        &self,
        _freelist: &Held<Freelist>,
        dev: DevId,
        fifo: u32,
        n: usize,
    ) -> Option<u64> {
        self.note(Call::DevReserveBucket, String::new);
        self.needs("dev_reserve_bucket", LockId::Freelist, Mode::Exclusive);
        let fifo = usize::try_from(fifo).ok()?;
        let dev = self.dev("dev_reserve_bucket", dev)?;
        lock(&dev.fifos).get(fifo)?.get(n).copied()
    }

    fn open_buckets_nr(&self) -> u32 {
        self.note(Call::OpenBucketsNr, String::new);
        self.open.nr()
    }

    fn open_bucket_lock(
        &self,
        _mark: &Held<MarkRead>,
        _freelist: &Held<Freelist>,
        i: u32,
    ) -> Option<ExtentPtr> {
        self.note(Call::OpenBucketLock, String::new);
        self.needs("open_bucket_lock", LockId::Mark, Mode::Shared);
        self.needs("open_bucket_lock", LockId::Freelist, Mode::Exclusive);
        self.take(LockId::OpenBucket(i), Mode::Exclusive);
        self.open.get(i)
    }

    fn open_bucket_unlock(&self, i: u32) {
        self.note(Call::OpenBucketUnlock, String::new);
        self.release(LockId::OpenBucket(i));
    }

    fn mark_alloc_bucket(
        &self,
        _mark: &Held<MarkRead>,
        dev: DevId,
        bucket: u64,
        owned: bool,
        pos: GcPos,
        flags: u32,
    ) {
        self.note(Call::MarkAllocBucket, String::new);
        self.needs("mark_alloc_bucket", LockId::Mark, Mode::Shared);
        let Some(dev) = self.dev("mark_alloc_bucket", dev) else { return };
        let g = dev.geometry();
        let inside = bucket >= u64::from(g.first_bucket) && bucket < g.nbuckets;
        if !inside || pos.phase != GcPhase::ALLOC {
            self.violation(format!("mark_alloc_bucket: bucket {bucket} at {pos:?}"));
        }
        self.do_mark_alloc(dev, bucket, owned, flags);
    }
}

impl State for Model {
    fn flag(&self, flag: Flag) -> bool {
        self.note(Call::FlagTest, || format!("{flag:?}"));
        self.get_flag(flag)
    }

    fn set_flag(&self, flag: Flag, value: bool) {
        self.note(Call::FlagSet, || format!("{flag:?} {}", u8::from(value)));
        self.put_flag(flag, value);
    }

    fn param(&self, param: Param) -> bool {
        self.note(Call::Param, || format!("{param:?}"));
        self.get_param(param)
    }

    fn sb_compat(&self) -> u64 {
        self.note(Call::SbCompat, String::new);
        self.state.compat.load(SeqCst)
    }

    fn key_version(&self) -> u64 {
        self.note(Call::KeyVersion, String::new);
        self.recorded_key_version()
    }

    fn set_key_version(&self, version: u64) {
        self.note(Call::KeyVersionSet, || version.to_string());
        self.record_key_version(version);
    }

    fn journal_cur_seq(&self) -> u64 {
        self.note(Call::JournalCurSeq, String::new);
        self.state.journal_seq.load(SeqCst)
    }

    fn gc_pos(&self) -> Result<GcPosCell<'_>> {
        self.note(Call::GcPos, String::new);
        self.needs("gc_pos", LockId::Gc, Mode::Shared);
        Ok(self.position.lend())
    }
}

impl Coordination for Model {
    fn gc_count_inc(&self) {
        self.note(Call::GcCountInc, String::new);
        self.state.gc_count.fetch_add(1, SeqCst);
    }

    fn wait_interior_updates(&self, _gc: &Held<GcWrite>) {
        self.note(Call::WaitInteriorUpdates, String::new);
        self.needs("wait_interior_updates", LockId::Gc, Mode::Exclusive);
        let other = |id: &LockId| !matches!(id, LockId::Gc | LockId::State);
        if let Some(id) = self.locks.all_mine().into_iter().find(other) {
            self.violation(format!("wait_interior_updates: {id:?} held"));
        }
        self.wait_for_interior_updates();
    }

    fn journal_block(&self) {
        self.note(Call::JournalBlock, String::new);
        if self.state.journal_blocked.swap(true, SeqCst) {
            self.violation("journal_block: blocked already".to_owned());
        }
    }

    fn journal_unblock(&self) {
        self.note(Call::JournalUnblock, String::new);
        if !self.state.journal_blocked.swap(false, SeqCst) {
            self.violation("journal_unblock: not blocked".to_owned());
        }
        self.poke();
    }

    fn clock(&self) -> u64 {
        clock()
    }

    fn gc_time(&self, start: u64) {
        self.note(Call::GcTime, String::new);
        if start > clock() {
            self.violation("gc_time: a start to come".to_owned());
        }
    }

    fn wake_allocators(&self) {
        self.note(Call::WakeAllocators, String::new);
        // The caller of a full gc keeps its own hold of the state lock.
        let other = |id: &LockId| *id != LockId::State;
        if let Some(id) = self.locks.all_mine().into_iter().find(other) {
            self.violation(format!("wake_allocators: {id:?} held"));
        }
    }

    fn trace(&self, event: Trace, arg: i32) {
        self.note(Call::Trace, || format!("{} {arg}", trace_name(event)));
    }
}

impl Findings for Model {
    fn finding(&self, finding: &Finding<'_>) -> Answer {
        self.report(finding.code().number(), finding.flags().bits(), finding.to_string())
    }

    fn flush_findings(&self) {
        self.note(Call::FlushFsckErrs, String::new);
    }
}

impl Marking for Model {
    fn mark_key(
        &self,
        _origin: &Origin<NodeId>,
        key: KeyRef<'_>,
        sectors: i64,
        flags: u32,
    ) -> Result<()> {
        self.count_key(key, sectors, flags)
    }

    fn replicas_marked(&self, key: KeyRef<'_>) -> bool {
        self.note(Call::ReplicasMarked, String::new);
        self.forbids("replicas_marked", LockId::Mark);
        self.key_replicas_marked(self.usage.table().view(), key)
    }

    fn mark_replicas(&self, key: KeyRef<'_>) -> Result<()> {
        self.call(Call::MarkReplicas, || format!("type {}", key.k.type_.0))?;
        self.forbids("mark_replicas", LockId::Mark);
        self.forbids("mark_replicas", LockId::Sb);
        self.add_key_replicas(key)
    }

    fn counters(&self) -> Result<Option<Counters<'_>>> {
        if !self.param(Param::Lends) {
            return Ok(None);
        }
        self.note(Call::Counters, String::new);
        let replicas = self.usage.table().view();
        Ok(Some(Counters { replicas, btree_node_size: self.options.btree_node_size }))
    }

    fn usage_add(&self, words: &[u64]) {
        self.note(Call::UsageAdd, String::new);
        self.forbids("usage_add", LockId::Mark);
        if !self.usage.add_gc_words(words) {
            self.violation(format!("usage_add: {} words", words.len()));
        }
    }
}

impl StripeTables for Model {
    fn stripes_gc_alloc(&self) -> Result<()> {
        self.call(Call::StripesGcAlloc, String::new)?;
        self.forbids("stripes_gc_alloc", LockId::Mark);
        // By the btree alone: what the journal has beyond it is asked for apart.
        let leaves = self.nodes(BtreeId::EC, 0);
        let mut map = StripeMap::default();
        for leaf in leaves.into_iter().filter_map(|id| self.node(id)) {
            let data = leaf.data();
            let stripes = data.keys.iter().filter(|k| k.key_type() == KeyType::STRIPE);
            map.slots.extend(stripes.map(|k| ({ k.pos() }.offset, Box::new(Stripe::ZERO))));
        }
        let mut s = lock(&self.stripes);
        if s.gc.is_some() {
            drop(s);
            self.violation("stripes_gc_alloc: made already".to_owned());
            return Err(Error::Errno(Errno::EEXIST));
        }
        s.gc = Some(map);
        Ok(())
    }

    fn stripe_gc_slot(&self, idx: u64) -> Result<()> {
        self.call(Call::StripeGcSlot, || idx.to_string())?;
        self.forbids("stripe_gc_slot", LockId::Mark);
        let mut s = lock(&self.stripes);
        let Some(gc) = &mut s.gc else {
            drop(s);
            self.violation("stripe_gc_slot: no second table".to_owned());
            return Err(Error::INVAL);
        };
        gc.slots.entry(idx).or_insert_with(|| Box::new(Stripe::ZERO));
        Ok(())
    }

    fn stripes_gc_free(&self, _mark: &Held<MarkWrite>) {
        self.note(Call::StripesGcFree, String::new);
        self.needs("stripes_gc_free", LockId::Mark, Mode::Exclusive);
        lock(&self.stripes).gc = None;
    }

    fn for_each_stripe(&self, _mark: &Held<MarkWrite>, f: StripeVisitor<'_>) -> Result<()> {
        self.needs("stripe_next", LockId::Mark, Mode::Exclusive);
        for idx in self.stripe_indexes() {
            self.note(Call::StripeNext, String::new);
            let (mut live, gc) = {
                let s = lock(&self.stripes);
                let live = s.live.slots.get(&idx).map(|s| **s);
                let gc = s.gc.as_ref().and_then(|gc| gc.slots.get(&idx)).map(|s| **s);
                (live.unwrap_or(Stripe::ZERO), gc)
            };
            let ret = f(idx, &mut live, gc.as_ref());
            self.set_stripe(idx, live);
            if ret? {
                self.insert_into_heap(idx);
            }
        }
        Ok(())
    }

    fn stripes_heap_reset(&self, _mark: &Held<MarkWrite>) {
        self.note(Call::StripesHeapReset, String::new);
        self.needs("stripes_heap_reset", LockId::Mark, Mode::Exclusive);
        lock(&self.stripes).heap.clear();
    }
}

impl Usage for Model {
    fn usage_gc_alloc(&self) -> Result<()> {
        self.call(Call::UsageGcAlloc, String::new)?;
        self.forbids("usage_gc_alloc", LockId::Mark);
        self.usage.gc_alloc()
    }

    fn usage_gc_free(&self, _mark: &Held<MarkWrite>) {
        self.note(Call::UsageGcFree, String::new);
        self.needs("usage_gc_free", LockId::Mark, Mode::Exclusive);
        self.usage.gc_free();
    }

    fn usage_fold(&self, _mark: &Held<MarkWrite>) {
        self.note(Call::UsageFold, String::new);
        self.needs("usage_fold", LockId::Mark, Mode::Exclusive);
        self.usage.fold();
    }

    fn set_dev_usage(&self, _mark: &Held<MarkWrite>, dev: DevId, usage: &DevUsage) {
        self.note(Call::DevUsageSet, || format!("{}", dev.0));
        self.needs("dev_usage_set", LockId::Mark, Mode::Exclusive);
        if let Some(dev) = self.dev("dev_usage_set", dev) {
            lock(&dev.usage).0 = *usage;
        }
    }

    fn usage<'l>(&'l self, _mark: &'l Held<MarkWrite>, side: Side) -> Result<UsageWords<'l>> {
        self.note(Call::Usage, || format!("{side:?}"));
        self.needs("usage", LockId::Mark, Mode::Exclusive);
        Ok(UsageWords::new(self.usage.side(side)))
    }

    fn replicas_entry<'l>(&'l self, _mark: &'l Held<MarkWrite>, i: usize) -> Option<EntryRef<'l>> {
        self.note(Call::ReplicasEntry, String::new);
        self.needs("replicas_entry", LockId::Mark, Mode::Exclusive);
        self.usage.table().view().get(i)
    }
}

impl Nodes for Model {
    type Node = NodeId;

    type Keys<'a> = MergedKeys;

    fn btree_root(&self, _held: &impl KeepsRoot, id: BtreeId) -> Option<NodeId> {
        self.note(Call::BtreeRoot, || id.0.to_string());
        self.root(id)
    }

    fn node_info(&self, node: NodeId) -> Result<NodeInfo> {
        self.note(Call::NodeInfo, String::new);
        let Some(n) = self.node(node) else {
            self.violation(format!("node_info: no node {node:?}"));
            let pos = Bpos::default();
            let (level, btree_id) = (0, BtreeId::NR);
            return Ok(NodeInfo { min_key: pos, max_key: pos, level, btree_id, fake: true });
        };
        let d = n.data();
        Ok(NodeInfo {
            min_key: d.min,
            max_key: d.max,
            level: d.claimed_level,
            btree_id: n.btree(),
            fake: d.fake,
        })
    }

    fn node_key(&self, node: NodeId) -> Option<KeyBuf> {
        self.node(node)?.data().ptr_buf().copied()
    }

    fn node_lock_read(&self, node: NodeId) {
        self.note(Call::NodeLockRead, String::new);
        self.take(LockId::Node(node), Mode::Shared);
    }

    fn node_unlock_read(&self, node: NodeId) {
        self.note(Call::NodeUnlockRead, String::new);
        self.release(LockId::Node(node));
    }

    fn node_get(&self, key: &KeyBuf, id: BtreeId, level: u8) -> Result<Child<NodeId>> {
        self.call(Call::NodeGet, || format!("{} {level}", id.0))?;
        let found = self.find_node(id, key.as_ref()).ok_or(Error::Errno(Errno::EIO))?;
        let node = self.node(found).ok_or(Error::INVAL)?;
        if let Some(errno) = node.data().unreadable {
            return Err(Error::Errno(errno));
        }
        self.take(LockId::Node(found), Mode::Shared);
        // Every other node was in memory before.
        let checked = self.lends() && found.0 % 2 == 0 && node.data().keys_in_range();
        Ok(Child { node: found, checked })
    }

    fn read_ahead(&self, key: &KeyBuf) {
        self.note(Call::ReadAhead, || format!("{:?}", { key.as_ref().k.p }));
    }

    fn debugcheck(&self, node: NodeId, _key: KeyRef<'_>) {
        self.note(Call::Debugcheck, String::new);
        self.needs_node("debugcheck", node);
    }

    fn node_set(&self, node: NodeId, overlay: bool) -> Result<Option<NodeSet<'_>>> {
        self.note(Call::NodeSet, String::new);
        self.needs_node("node_set", node);
        Ok(if self.lends() { self.lend_set(node, overlay) } else { None })
    }

    fn node_keys(&self, node: NodeId, overlay: bool) -> MergedKeys {
        self.note(Call::NodeKeysInit, String::new);
        self.needs_node("node_keys_init", node);
        let journal = if overlay { Arc::clone(&read(&self.journal).keys) } else { Arc::default() };
        match self.node(node) {
            Some(n) => MergedKeys::new(n.data(), journal, n),
            None => MergedKeys::none(),
        }
    }
}

impl Walks for Model {
    type Walk<'a> = TreeWalk<'a>;

    fn walk(&self, id: BtreeId, kind: WalkKind) -> Result<TreeWalk<'_>> {
        self.call(Call::WalkOpen, || format!("{} {kind:?}", id.0))?;
        Ok(TreeWalk::new(self, id, kind))
    }
}

impl GcThread for Model {
    fn assert_no_locks(&self) {
        self.note(Call::AssertNoLocks, String::new);
        let mine = self.locks.all_mine();
        if !mine.is_empty() {
            self.violation(format!("assert_no_locks: {mine:?} held"));
        }
    }

    fn kicks(&self) -> u32 {
        self.note(Call::Kicks, String::new);
        self.thread_numbers().0
    }

    fn io_clock(&self) -> u64 {
        self.note(Call::IoClock, String::new);
        self.thread_numbers().1
    }

    fn capacity(&self) -> u64 {
        self.note(Call::Capacity, String::new);
        self.thread_numbers().2
    }

    fn wait_prepare(&self) {
        self.note(Call::WaitPrepare, String::new);
        self.prepare_wait();
    }

    fn wait_sleep(&self, deadline: Option<u64>) {
        self.note(Call::WaitSleep, || deadline.map_or("never".to_owned(), |d| d.to_string()));
        let mine = self.locks.all_mine();
        if !mine.is_empty() {
            self.violation(format!("wait_sleep: {mine:?} held"));
        }
        self.sleep(deadline);
    }

    fn wait_finish(&self) {
        self.note(Call::WaitFinish, String::new);
        self.finish_wait();
    }
}
