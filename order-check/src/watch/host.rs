// SPDX-License-Identifier: GPL-2.0-only
//! The calls of the engine.

use super::tree::{self, BUCKET_SIZE};
use super::{FIRST, OPEN, Stage, Watch, phase_of};
use gc_core::accounting::replicas::EntryRef;
use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::error::{Error, Result};
use gc_core::finding::{Answer, Finding};
use gc_core::gc::position::{allocator, node, phase, root};
use gc_core::host::{
    Allocator, Buckets, Child, Coordination, DeviceHost, Findings, Flag, Freelist, GcPosCell,
    GcWrite, Geometry, Held, KeepsBuckets, KeepsRoot, Level, Lock, Locks, Log, MarkRead, MarkWrite,
    Marking, Members, Membership, MetadataBucket, NodeInfo, NodeKeys, Nodes, Origin, Param,
    SB_OFFSETS, SbCopies, Side, State, StripeTables, StripeVisitor, Trace, Usage, UsageWords, Walk,
    WalkKind, Walks,
};
use gc_core::layout::usage::FS_USAGE_U64S;
use gc_core::layout::{BtreeId, DevUsage, ExtentPtr, GcPhase, GcPos};
use std::fmt;
use std::sync::atomic::AtomicU64;

static USAGE: [AtomicU64; FS_USAGE_U64S] = [const { AtomicU64::new(0) }; FS_USAGE_U64S];

/// Keys of a node, or of the root's pointer.
pub struct Keys<'a> {
    rest: std::slice::Iter<'a, KeyBuf>,
}

impl NodeKeys for Keys<'_> {
    fn next(&mut self) -> Result<Option<KeyRef<'_>>> {
        Ok(self.rest.next().map(KeyBuf::as_ref))
    }
}

/// A walk over the nodes of a btree.
pub struct NodeWalk<'a> {
    host: &'a Watch,
    id: BtreeId,
    rest: std::vec::IntoIter<usize>,
}

impl Walk for NodeWalk<'_> {
    type Node = usize;

    fn next_key(&mut self) -> Result<Option<KeyRef<'_>>> {
        Ok(None)
    }

    fn next_node(&mut self) -> Result<Option<usize>> {
        self.host.leave_node();
        if self.host.setting.fails == Some(self.id) {
            return Err(Error::NOMEM);
        }
        let next = self.rest.next();
        if let Some(n) = next {
            self.host.expect_before("node locked", self.host.place(n));
            self.host.memory().node = Some(n);
        }
        Ok(next)
    }

    fn resched(&mut self) {
        self.host.look();
    }

    fn rewrite(&mut self, _gc: &Held<GcWrite>, _node: usize, _insert_flags: u32) -> Result<()> {
        self.host.fault("a node without stale pointers is rewritten");
        Ok(())
    }

    fn close(self) -> Result<()> {
        self.host.leave_node();
        Ok(())
    }
}

impl Log for Watch {
    fn log(&self, _level: Level, _args: fmt::Arguments<'_>) {}
}

impl Locks for Watch {
    fn lock(&self, which: Lock) {
        self.before_lock(which);
        self.memory().held.push(which);
    }

    fn unlock(&self, which: Lock) {
        self.before_unlock(which);
        let last = self.memory().held.pop();
        if last != Some(which) {
            self.fault(format!("{which:?} released before {last:?}"));
        }
    }

    fn assert_held(&self, _which: Lock) {}
}

impl DeviceHost for Watch {
    type Dev = ();

    fn dev_geometry(&self, _dev: ()) -> Geometry {
        let nbuckets = u64::try_from(self.live.len()).expect("few buckets");
        Geometry { nbuckets, bucket_size: BUCKET_SIZE, first_bucket: 1, dev_idx: 0 }
    }

    fn dev_superblocks(&self, _of: Membership<'_>, _dev: ()) -> SbCopies {
        SbCopies { offset: [0; SB_OFFSETS], nr: 0, max_size_bits: 0 }
    }

    fn dev_journal_bucket(&self, _of: Membership<'_>, _dev: (), n: usize) -> Result<Option<u64>> {
        self.needs("journal bucket", &[Lock::Sb]);
        Ok((n == 0).then_some(self.journal))
    }

    fn mark_metadata_bucket(
        &self,
        _mark: Option<&Held<MarkRead>>,
        _dev: (),
        bucket: &MetadataBucket,
    ) {
        self.needs("superblocks and journal", &[Lock::Sb, Lock::MarkRead]);
        self.expect("superblocks and journal", phase(GcPhase::SB));
        self.expect("superblocks and journal, as said", bucket.pos);
        self.note_mark(bucket.number);
    }
}

impl Members for Watch {
    fn dev_next(&self, from: u32, _online: bool) -> Option<(u32, ())> {
        (from == 0).then_some((0, ()))
    }

    fn dev_put(&self, _dev: (), _online: bool) {}

    fn dev_buckets<'l>(
        &'l self,
        _held: &'l impl KeepsBuckets,
        _dev: (),
        side: Side,
    ) -> Option<Buckets<'l>> {
        Some(Buckets::new(if side == Side::Live { &self.live } else { &self.gc }))
    }

    fn dev_gc_alloc_buckets(&self, _dev: ()) -> Result<()> {
        Ok(())
    }

    fn dev_gc_alloc_usage(&self, _dev: ()) -> Result<()> {
        Ok(())
    }

    fn dev_gc_free(&self, _mark: &Held<MarkWrite>, _dev: ()) {
        self.freeing();
    }
}

impl Allocator for Watch {
    fn dev_reserve_bucket(
        &self,
        _freelist: &Held<Freelist>,
        _dev: (),
        fifo: u32,
        n: usize,
    ) -> Option<u64> {
        self.needs("fifos", &[Lock::MarkRead, Lock::Freelist]);
        self.expect("fifos", allocator(0));
        (n == 0).then(|| self.fifos[usize::try_from(fifo).expect("few fifos")])
    }

    fn open_buckets_nr(&self) -> u32 {
        OPEN
    }

    fn open_bucket_lock(
        &self,
        _mark: &Held<MarkRead>,
        _freelist: &Held<Freelist>,
        i: u32,
    ) -> Option<ExtentPtr> {
        self.needs("open buckets", &[Lock::MarkRead, Lock::Freelist]);
        if i > 0 {
            self.expect("open bucket locked", allocator(i - 1));
        }
        self.memory().open = Some(i);
        self.open[usize::try_from(i).expect("few")].map(Self::pointer)
    }

    fn open_bucket_unlock(&self, i: u32) {
        self.expect("open bucket marked", allocator(i));
        self.memory().open = None;
    }

    fn mark_alloc_bucket(
        &self,
        _mark: &Held<MarkRead>,
        _dev: (),
        bucket: u64,
        owned: bool,
        pos: GcPos,
        _flags: u32,
    ) {
        self.needs("bucket of the allocator", &[Lock::MarkRead, Lock::Freelist]);
        self.expect("bucket of the allocator", allocator(self.memory_open().unwrap_or(0)));
        self.expect("bucket of the allocator, as said", pos);
        if !owned {
            self.fault("the allocator's bucket marked as not its own");
        }
        self.note_mark(bucket);
    }
}

impl State for Watch {
    fn flag(&self, _flag: Flag) -> bool {
        false
    }

    fn set_flag(&self, _flag: Flag, _value: bool) {}

    fn param(&self, param: Param) -> bool {
        match param {
            Param::TestRestartGc => self.setting.restart,
            Param::UpdatesBesideGc => self.setting.updates,
            _ => false,
        }
    }

    fn sb_compat(&self) -> u64 {
        0
    }

    fn key_version(&self) -> u64 {
        0
    }

    fn set_key_version(&self, _version: u64) {}

    fn journal_cur_seq(&self) -> u64 {
        0
    }

    fn gc_pos(&self) -> Result<GcPosCell<'_>> {
        Ok(self.cell.get())
    }
}

impl Coordination for Watch {
    fn gc_count_inc(&self) {
        self.expect("all walked", self.end());
        self.memory().passes += 1;
    }

    fn wait_interior_updates(&self, _gc: &Held<GcWrite>) {
        self.needs("wait for interior updates", &[Lock::GcWrite]);
        self.memory().waited = true;
    }

    fn journal_block(&self) {
        self.expect("journal blocked", self.end());
        if self.setting.updates && !self.memory().waited {
            self.fault("interior updates may be pending at the comparison");
        }
        self.enter(Stage::Comparing);
    }

    fn journal_unblock(&self) {
        self.needs("journal unblocked", &[Lock::MarkWrite]);
        self.look();
    }

    fn clock(&self) -> u64 {
        0
    }

    fn gc_time(&self, _start: u64) {
        self.expect("run over", phase(GcPhase::NOT_RUNNING));
    }

    fn wake_allocators(&self) {}

    fn trace(&self, _event: Trace, _arg: i32) {}
}

impl Findings for Watch {
    fn finding(&self, finding: &Finding<'_>) -> Answer {
        self.fault(format!("finding: {finding:?}"));
        Answer::Ignore
    }
}

impl Marking for Watch {
    fn mark_key(
        &self,
        _origin: &Origin<usize>,
        key: KeyRef<'_>,
        _sectors: i64,
        _flags: u32,
    ) -> Result<()> {
        let (node, btree) = {
            let m = self.memory();
            (m.node, m.btree)
        };
        match (node, btree) {
            (Some(n), _) => self.expect("key of a node", self.place(n)),
            (None, Some(id)) => {
                self.needs("key of a root", &[Lock::BtreeRoot]);
                // Moved before or after its key, but under the lock.
                if self.look() > root(phase_of(id)) {
                    self.fault("key of a root: passed already");
                }
            }
            (None, None) => self.expect("key in the initial pass", phase(GcPhase::SB)),
        }
        self.note_mark(tree::bucket(key));
        Ok(())
    }

    fn replicas_marked(&self, _key: KeyRef<'_>) -> bool {
        true
    }

    fn mark_replicas(&self, _key: KeyRef<'_>) -> Result<()> {
        Ok(())
    }
}

impl StripeTables for Watch {
    fn stripes_gc_alloc(&self) -> Result<()> {
        Ok(())
    }

    fn stripe_gc_slot(&self, _idx: u64) -> Result<()> {
        Ok(())
    }

    fn stripes_gc_free(&self, _mark: &Held<MarkWrite>) {
        self.freeing();
    }

    fn for_each_stripe(&self, _mark: &Held<MarkWrite>, _f: StripeVisitor<'_>) -> Result<()> {
        Ok(())
    }

    fn stripes_heap_reset(&self, _mark: &Held<MarkWrite>) {
        self.expect("comparing", self.end());
    }
}

impl Usage for Watch {
    fn usage_gc_alloc(&self) -> Result<()> {
        self.expect("arrays about to be made", phase(GcPhase::NOT_RUNNING));
        if self.passes() == 0 && !self.memory().waited {
            self.fault("interior updates may be pending at the start");
        }
        self.memory().marked.clear();
        self.memory().waited = false;
        self.enter(Stage::Starting);
        Ok(())
    }

    fn usage_gc_free(&self, _mark: &Held<MarkWrite>) {
        self.freeing();
    }

    fn usage_fold(&self, _mark: &Held<MarkWrite>) {
        self.needs("comparing", &[Lock::MarkWrite]);
        self.expect("comparing", self.end());
    }

    fn set_dev_usage(&self, _mark: &Held<MarkWrite>, _dev: (), _usage: &DevUsage) {
        self.needs("comparing", &[Lock::MarkWrite]);
        self.expect("comparing", self.end());
    }

    fn usage<'l>(&'l self, _mark: &'l Held<MarkWrite>, _side: Side) -> Result<UsageWords<'l>> {
        self.expect("comparing", self.end());
        Ok(UsageWords::new(&USAGE))
    }

    fn replicas_entry<'l>(&'l self, _mark: &'l Held<MarkWrite>, _i: usize) -> Option<EntryRef<'l>> {
        None
    }
}

impl Nodes for Watch {
    type Node = usize;

    type Keys<'a> = Keys<'a>;

    fn btree_root(&self, _held: &impl KeepsRoot, id: BtreeId) -> Option<usize> {
        self.root_of(id)
    }

    fn node_info(&self, node: usize) -> Result<NodeInfo> {
        Ok(self.nodes[node].info)
    }

    fn node_key(&self, node: usize) -> Option<KeyBuf> {
        Some(self.nodes[node].own)
    }

    fn node_lock_read(&self, _node: usize) {}

    fn node_unlock_read(&self, _node: usize) {}

    fn node_get(&self, key: &KeyBuf, id: BtreeId, level: u8) -> Result<Child<usize>> {
        let wanted = |n: &super::Node| {
            n.info.btree_id == id && n.info.level == level && n.own.as_ref().k.p == key.as_ref().k.p
        };
        let node = self.nodes.iter().position(wanted).ok_or(Error::INVAL)?;
        Ok(Child { node, checked: false })
    }

    fn debugcheck(&self, _node: usize, _key: KeyRef<'_>) {}

    fn node_keys(&self, node: usize, _overlay: bool) -> Keys<'_> {
        self.expect("keys of a node", self.place(node));
        Keys { rest: self.nodes[node].keys.iter() }
    }
}

impl Walks for Watch {
    type Walk<'a> = NodeWalk<'a>;

    fn walk(&self, id: BtreeId, kind: WalkKind) -> Result<NodeWalk<'_>> {
        self.expect_before("btree begun", node(phase_of(id), FIRST, 0));
        self.memory().btree = Some(id);
        let WalkKind::Nodes { min_depth } = kind else {
            return Err(Error::INVAL);
        };
        let walked = |n: &usize| {
            let info = &self.nodes[*n].info;
            info.btree_id == id && info.level >= min_depth
        };
        let rest: Vec<usize> = (0..self.nodes.len()).filter(walked).collect();
        Ok(NodeWalk { host: self, id, rest: rest.into_iter() })
    }
}

impl Watch {
    fn memory_open(&self) -> Option<u32> {
        self.memory().open
    }
}
