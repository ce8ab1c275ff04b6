// SPDX-License-Identifier: GPL-2.0-only
//! A host with one level of leaves below a root and members, which can be bent in every
//! way. Nobody asks it for what it does not have.

use crate::accounting::replicas::EntryRef;
use crate::bkey::{KeyBuf, KeyRef};
use crate::error::{Error, Result};
use crate::finding::{Answer, Finding};
use crate::host::*;
use crate::layout::bkey::BKEY_U64S;
use crate::layout::{Bkey, Bpos, BtreeId, Bucket, DevUsage, ExtentPtr, KeyType, POS_MAX, POS_MIN};
use core::cell::{Cell, RefCell};
use core::fmt;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// A key with its value.
pub(crate) type OwnKey = (Bkey, Vec<u64>);

/// An inode; a value of `val_u64s` words.
pub(crate) fn inode(offset: u64, val_u64s: u8) -> OwnKey {
    let mut k = Bkey::new(Bpos::new(0, offset), 0);
    k.type_ = KeyType::INODE;
    k.u64s += val_u64s;
    (k, vec![offset; val_u64s.into()])
}

/// The pointer to a node.
pub(crate) fn pointer(min: Bpos, max: Bpos, bucket: u64) -> OwnKey {
    let mut k = Bkey::new(max, 0);
    k.type_ = KeyType::BTREE_PTR_V2;
    k.u64s = BKEY_U64S + 6;
    let head = [0, 7, u64::from(min.snapshot) << 32, min.offset, min.inode];
    let v = head.into_iter().chain([ExtentPtr::new(0, bucket * 128, 0).0]).collect();
    (k, v)
}

/// A node.
pub(crate) struct Node {
    pub(crate) info: NodeInfo,
    pub(crate) key: OwnKey,
    pub(crate) keys: Vec<OwnKey>,
    pub(crate) seq: u32,
    pub(crate) live_u64s: u32,
}

impl Node {
    pub(crate) fn new(level: u8, min: Bpos, max: Bpos, bucket: u64, keys: Vec<OwnKey>) -> Self {
        let info =
            NodeInfo { min_key: min, max_key: max, level, btree_id: BtreeId::INODES, fake: false };
        let live_u64s = keys.iter().map(|(k, _)| u32::from(k.u64s)).sum();
        Self { info, key: pointer(min, max, bucket), keys, seq: 1, live_u64s }
    }
}

/// What the host is asked for, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Relock(usize, bool),
    Unlock(usize),
    /// Old nodes; ranges of the new ones.
    Replace(Vec<usize>, Vec<(Bpos, Bpos)>),
    Wait,
    Fail(CoalesceFail),
    Put(u32),
    Log(String),
}

/// Nodes by number; the last one is the root.
pub(crate) struct Fake {
    pub(crate) nodes: Vec<Node>,
    pub(crate) size: NodeSize,
    /// What replacing says, the first time first; then it succeeds.
    pub(crate) refusals: RefCell<Vec<Error>>,
    /// Whether waiting loses the place.
    pub(crate) lost: bool,
    /// Questions after which the thread is to stop.
    pub(crate) stop_after: Cell<Option<usize>>,
    /// Indexes of the members.
    pub(crate) members: Vec<u32>,
    /// Those that are not there, and those that have no buckets.
    pub(crate) away: Vec<u32>,
    pub(crate) bare: Vec<u32>,
    pub(crate) buckets: Vec<Bucket>,
    /// Their numbers, where others are left out.
    pub(crate) numbers: Option<[u64; 4]>,
    pub(crate) other: Bucket,
    pub(crate) asked: RefCell<Vec<Asked>>,
}

/// Leaves of 100 positions each, a key in each at its end, and the root.
pub(crate) fn leaves(nr: usize) -> Fake {
    let mut nodes = Vec::new();
    let mut min = POS_MIN;
    for i in 0..nr {
        let end = (i as u64 + 1) * 100;
        let max = if i + 1 == nr { POS_MAX } else { Bpos::new(0, end) };
        nodes.push(Node::new(0, min, max, i as u64 + 1, vec![inode(end - 1, 10)]));
        min = max.successor().unwrap_or(POS_MAX);
    }
    let keys = nodes.iter().map(|n| n.key.clone()).collect();
    nodes.push(Node::new(1, POS_MIN, POS_MAX, 99, keys));
    Fake {
        nodes,
        size: NodeSize { bytes: 16384, block_bytes: 512 },
        refusals: RefCell::default(),
        lost: false,
        stop_after: Cell::new(None),
        members: Vec::new(),
        away: Vec::new(),
        bare: Vec::new(),
        buckets: (0..4).map(|_| Bucket::default()).collect(),
        numbers: None,
        other: Bucket::default(),
        asked: RefCell::default(),
    }
}

impl Fake {
    pub(crate) fn root(&self) -> usize {
        self.nodes.len() - 1
    }

    fn note(&self, what: Asked) {
        self.asked.borrow_mut().push(what);
    }

    pub(crate) fn take(&self) -> Vec<Asked> {
        self.asked.take()
    }
}

pub(crate) struct Keys<'a>(core::slice::Iter<'a, OwnKey>);

impl NodeKeys for Keys<'_> {
    fn next(&mut self) -> Result<Option<KeyRef<'_>>> {
        Ok(self.0.next().map(|(k, v)| KeyRef::new(k, v)))
    }
}

/// Children before their parent.
pub(crate) struct NodeWalk<'a> {
    host: &'a Fake,
    next: usize,
}

impl Walk for NodeWalk<'_> {
    type Node = usize;

    fn next_key(&mut self) -> Result<Option<KeyRef<'_>>> {
        unreachable!("nodes are walked")
    }

    fn next_node(&mut self) -> Result<Option<usize>> {
        let node = (self.next < self.host.nodes.len()).then_some(self.next);
        self.next += 1;
        Ok(node)
    }

    fn resched(&mut self) {}

    fn rewrite(&mut self, _gc: &Held<GcWrite>, _node: usize, _insert_flags: u32) -> Result<()> {
        unreachable!("merging rewrites nothing")
    }

    fn close(self) -> Result<()> {
        Ok(())
    }
}

impl CoalesceWalk for NodeWalk<'_> {
    fn parent(&self, node: usize) -> Option<usize> {
        (node != self.host.root()).then(|| self.host.root())
    }

    fn replace(&mut self, _gc: &Held<GcRead>, r: &Replacement<'_, usize>) -> Result<Option<usize>> {
        let new = r.new.iter().map(|n| (n.min_key, n.max_key)).collect();
        self.host.note(Asked::Replace(r.old.to_vec(), new));
        let mut refusals = self.host.refusals.borrow_mut();
        if refusals.is_empty() {
            return Ok(r.old.last().copied());
        }
        Err(refusals.remove(0))
    }

    fn wait(&mut self) -> Result<Option<usize>> {
        self.host.note(Asked::Wait);
        Ok((!self.host.lost).then(|| self.next - 1))
    }
}

impl CoalesceHost for Fake {
    type CoalesceWalk<'a> = NodeWalk<'a>;

    fn coalesce_walk(&self, _id: BtreeId) -> Result<NodeWalk<'_>> {
        Ok(NodeWalk { host: self, next: 0 })
    }

    fn node_size(&self) -> NodeSize {
        self.size
    }

    fn node_state(&self, node: usize) -> NodeState {
        let node = &self.nodes[node];
        NodeState { seq: node.seq, live_u64s: node.live_u64s }
    }

    fn node_relock_intent(&self, node: usize, seq: u32) -> bool {
        let same = self.nodes[node].seq == seq;
        self.note(Asked::Relock(node, same));
        same
    }

    fn node_unlock_intent(&self, node: usize) {
        self.note(Asked::Unlock(node));
    }

    fn trace_coalesce_fail(&self, why: CoalesceFail) {
        self.note(Asked::Fail(why));
    }
}

impl Alone for Fake {}

impl Log for Fake {
    fn log(&self, _level: Level, args: fmt::Arguments<'_>) {
        self.note(Asked::Log(format!("{args}")));
    }
}

impl Stopping for Fake {
    fn should_stop(&self) -> bool {
        let left = self.stop_after.get();
        self.stop_after.set(left.map(|n| n.saturating_sub(1)));
        left == Some(0)
    }
}

impl DeviceHost for Fake {
    type Dev = u32;

    fn dev_geometry(&self, dev: u32) -> Geometry {
        Geometry { nbuckets: 4, bucket_size: 16, first_bucket: 1, dev_idx: dev }
    }

    fn dev_superblocks(&self, _of: Membership<'_>, _: u32) -> SbCopies {
        unreachable!()
    }

    fn dev_journal_bucket(&self, _of: Membership<'_>, _: u32, _: usize) -> Result<Option<u64>> {
        unreachable!()
    }

    fn mark_metadata_bucket(&self, _: Option<&Held<MarkRead>>, _: u32, _: &MetadataBucket) {
        unreachable!()
    }
}

impl Members for Fake {
    fn dev_next(&self, from: u32, online: bool) -> Option<(u32, u32)> {
        let found = |idx: &u32| *idx >= from && !(online && self.away.contains(idx));
        self.members.iter().copied().find(found).map(|idx| (idx, idx))
    }

    fn dev_put(&self, dev: u32, online: bool) {
        if !online {
            self.note(Asked::Put(dev));
        }
    }

    fn dev_buckets<'l>(
        &'l self,
        _held: &'l impl KeepsBuckets,
        dev: u32,
        _side: Side,
    ) -> Option<Buckets<'l>> {
        let all = match &self.numbers {
            Some(numbers) => Buckets::some(numbers, &self.buckets, &self.other),
            None => Buckets::new(&self.buckets),
        };
        (!self.bare.contains(&dev)).then_some(all)
    }

    fn dev_gc_alloc_buckets(&self, _dev: u32) -> Result<()> {
        Ok(())
    }

    fn dev_gc_alloc_usage(&self, _dev: u32) -> Result<()> {
        Ok(())
    }

    fn dev_gc_free(&self, _mark: &Held<MarkWrite>, _: u32) {
        unreachable!()
    }
}

impl State for Fake {
    fn flag(&self, _: Flag) -> bool {
        unreachable!()
    }

    fn set_flag(&self, _: Flag, _: bool) {
        unreachable!()
    }

    fn param(&self, _: Param) -> bool {
        unreachable!()
    }

    fn sb_compat(&self) -> u64 {
        unreachable!()
    }

    fn key_version(&self) -> u64 {
        unreachable!()
    }

    fn set_key_version(&self, _: u64) {
        unreachable!()
    }

    fn journal_cur_seq(&self) -> u64 {
        unreachable!()
    }

    fn gc_pos(&self) -> Result<GcPosCell<'_>> {
        unreachable!()
    }
}

impl Findings for Fake {
    fn finding(&self, _finding: &Finding<'_>) -> Answer {
        Answer::Fix
    }

    fn flush_findings(&self) {
        unreachable!()
    }
}

impl Marking for Fake {
    fn mark_key(
        &self,
        _: &crate::host::Origin<usize>,
        _: KeyRef<'_>,
        _: i64,
        _: u32,
    ) -> Result<()> {
        unreachable!()
    }

    fn replicas_marked(&self, _: KeyRef<'_>) -> bool {
        unreachable!()
    }

    fn mark_replicas(&self, _: KeyRef<'_>) -> Result<()> {
        unreachable!()
    }
}

impl StripeTables for Fake {
    fn stripes_gc_alloc(&self) -> Result<()> {
        unreachable!()
    }

    fn stripe_gc_slot(&self, _: u64) -> Result<()> {
        unreachable!()
    }

    fn stripes_gc_free(&self, _mark: &Held<MarkWrite>) {
        unreachable!()
    }

    fn for_each_stripe(&self, _mark: &Held<MarkWrite>, _: StripeVisitor<'_>) -> Result<()> {
        unreachable!()
    }

    fn stripes_heap_reset(&self, _mark: &Held<MarkWrite>) {
        unreachable!()
    }
}

impl Usage for Fake {
    fn usage_gc_alloc(&self) -> Result<()> {
        unreachable!()
    }

    fn usage_gc_free(&self, _mark: &Held<MarkWrite>) {
        unreachable!()
    }

    fn usage_fold(&self, _mark: &Held<MarkWrite>) {
        unreachable!()
    }

    fn set_dev_usage(&self, _mark: &Held<MarkWrite>, _: u32, _: &DevUsage) {
        unreachable!()
    }

    fn usage<'l>(&'l self, _mark: &'l Held<MarkWrite>, _: Side) -> Result<UsageWords<'l>> {
        unreachable!()
    }

    fn replicas_entry<'l>(&'l self, _mark: &'l Held<MarkWrite>, _: usize) -> Option<EntryRef<'l>> {
        unreachable!()
    }
}

impl Nodes for Fake {
    type Node = usize;

    type Keys<'a> = Keys<'a>;

    fn btree_root(&self, _held: &impl KeepsRoot, id: BtreeId) -> Option<usize> {
        (id == BtreeId::INODES).then(|| self.root())
    }

    fn node_info(&self, node: usize) -> Result<NodeInfo> {
        Ok(self.nodes[node].info)
    }

    fn node_key(&self, node: usize) -> Option<KeyBuf> {
        let (k, v) = &self.nodes[node].key;
        KeyBuf::copy_of(KeyRef::new(k, v))
    }

    fn node_keys(&self, node: usize, overlay: bool) -> Keys<'_> {
        assert!(!overlay, "the journal has been replayed");
        Keys(self.nodes[node].keys.iter())
    }

    fn node_lock_read(&self, _: usize) {
        unreachable!()
    }

    fn node_unlock_read(&self, _: usize) {
        unreachable!()
    }

    fn node_get(&self, _: &KeyBuf, _: BtreeId, _: u8) -> Result<Child<usize>> {
        unreachable!()
    }

    fn debugcheck(&self, _: usize, _: KeyRef<'_>) {
        unreachable!()
    }
}

impl Walks for Fake {
    type Walk<'a> = NodeWalk<'a>;

    fn walk(&self, _: BtreeId, _: WalkKind) -> Result<NodeWalk<'_>> {
        unreachable!()
    }
}
