// SPDX-License-Identifier: GPL-2.0-only
//! The host in C, as the engine sees it. Each method is one call of the function
//! of the same name; contracts are in `include/bch_gc_host.h`.

mod device;
mod ids;

use crate::iter::{CKeys, CWalk, key_sc};
use core::ffi::{c_int, c_void};
use core::fmt;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, AtomicU64};
pub(crate) use device::CDevice;
use gc_core::accounting::replicas::{EntryRef, View, entry_bytes};
use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::error::{Error, Result};
use gc_core::finding::{Answer, Finding};
use gc_core::host::{
    Allocator, Buckets, Child, Coordination, Counters, DeviceHost, Findings, Flag, Freelist,
    GC_POS_WORDS, GcPosCell, GcThread, GcWrite, Geometry, Held, KeepsBuckets, KeepsRoot, Level,
    Lock, Locks, Log, MarkRead, MarkWrite, Marking, Members, Membership, MetadataBucket, NodeInfo,
    NodeSet, Nodes, Origin, Param, SbCopies, Side, State, Stopping, StripeTables, StripeVisitor,
    Trace, Usage, UsageWords, WalkKind, Walks,
};
use gc_core::layout::{
    BkeyFormat, BkeyI, Bpos, BtreeId, Bucket, BucketArray, DevUsage, ExtentPtr, GcPos, Stripe,
};
use gc_core::text::Message;
use gc_core::thread;
use gc_host_sys as sys;

/// A file system of the host.
pub(crate) struct CHost {
    devices: CDevice,
    c: *mut sys::bch_fs,
    journal_keys: *mut sys::journal_keys,
}

impl CHost {
    /// # Safety
    /// `c` is a file system of the host, `journal_keys` NULL or keys of its journal;
    /// both stay as long as this lives, and the host keeps the contracts of its
    /// header.
    pub(crate) const unsafe fn new(
        c: *mut sys::bch_fs,
        journal_keys: *mut sys::journal_keys,
    ) -> Self {
        // SAFETY: the caller vouches for `c`.
        let devices = unsafe { CDevice::new(c) };
        Self { devices, c, journal_keys }
    }

    /// Says a line of information.
    pub(crate) fn say(&self, args: fmt::Arguments<'_>) {
        self.log(Level::Info, args);
    }

    /// The file system.
    pub(crate) const fn raw(&self) -> *mut sys::bch_fs {
        self.c
    }

    /// Opens a walk with intent locks on `locks_want` levels.
    pub(crate) fn open_walk(
        &self,
        id: BtreeId,
        kind: u32,
        locks_want: u32,
        min_depth: u32,
    ) -> Result<CWalk<'_>> {
        let id = u32::from(id.0);
        // SAFETY: `c` is as in `new`; `id` is that of a btree.
        let walk = unsafe { sys::gc_host_walk_open(self.c, id, kind, locks_want, min_depth) };
        if walk.is_null() {
            return Err(Error::NOMEM);
        }
        // SAFETY: the walk is ours from here.
        Ok(unsafe { CWalk::new(&self.devices, walk) })
    }

    /// Starts the gc thread.
    pub(crate) fn start_thread(&self) -> Result<()> {
        // SAFETY: `c` is as in `new`, and whoever starts the thread keeps it open
        // until the thread has stopped.
        Error::check(unsafe { sys::gc_host_thread_start(self.c, Some(gc_thread), self.c.cast()) })
    }

    /// Stops it.
    pub(crate) fn stop_thread(&self) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_thread_stop(self.c) };
    }
}

/// What the host's thread runs; `arg` is the file system.
unsafe extern "C" fn gc_thread(arg: *mut c_void) -> c_int {
    if arg.is_null() {
        return Error::INVAL.code();
    }
    // SAFETY: `start_thread` gave the file system, which stays open until the
    // thread has stopped.
    let host = unsafe { CHost::new(arg.cast(), ptr::null_mut()) };
    thread::run(&host);
    0
}

impl Log for CHost {
    fn log(&self, level: Level, args: fmt::Arguments<'_>) {
        self.devices.log(level, args);
    }
}

impl Locks for CHost {
    fn lock(&self, which: Lock) {
        self.devices.lock(which);
    }

    fn unlock(&self, which: Lock) {
        self.devices.unlock(which);
    }

    fn assert_held(&self, which: Lock) {
        self.devices.assert_held(which);
    }
}

impl Stopping for CHost {
    fn lock_unless_stopping(&self, which: Lock) -> bool {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_lock_unless_stopping(self.c, which.number()) }
    }

    fn should_stop(&self) -> bool {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_should_stop(self.c) }
    }
}

impl DeviceHost for CHost {
    type Dev = *mut sys::bch_dev;

    fn dev_geometry(&self, dev: Self::Dev) -> Geometry {
        self.devices.dev_geometry(dev)
    }

    fn dev_superblocks(&self, of: Membership<'_>, dev: Self::Dev) -> SbCopies {
        self.devices.dev_superblocks(of, dev)
    }

    fn dev_journal_bucket(
        &self,
        of: Membership<'_>,
        dev: Self::Dev,
        n: usize,
    ) -> Result<Option<u64>> {
        self.devices.dev_journal_bucket(of, dev, n)
    }

    fn mark_metadata_bucket(
        &self,
        mark: Option<&Held<MarkRead>>,
        dev: Self::Dev,
        bucket: &MetadataBucket,
    ) {
        self.devices.mark_metadata_bucket(mark, dev, bucket);
    }
}

impl Members for CHost {
    fn dev_next(&self, from: u32, online: bool) -> Option<(u32, Self::Dev)> {
        let mut idx = from;
        // SAFETY: `c` is as in `new`; `idx` is ours.
        let dev = unsafe { sys::gc_host_dev_next(self.c, &raw mut idx, online) };
        (!dev.is_null()).then_some((idx, dev))
    }

    fn dev_put(&self, dev: Self::Dev, online: bool) {
        // SAFETY: the reference was taken by `dev_next` and is given back once.
        unsafe { sys::gc_host_dev_put(dev, online) };
    }

    fn dev_buckets<'l>(
        &'l self,
        _held: &'l impl KeepsBuckets,
        dev: Self::Dev,
        side: Side,
    ) -> Option<Buckets<'l>> {
        // SAFETY: a reference to `dev` is held.
        let array = unsafe { sys::gc_host_dev_buckets(dev, side == Side::Gc) };
        if array.is_null() {
            return None;
        }
        let array = array.cast::<BucketArray>();
        // SAFETY: the host lends an array whose head is as asserted.
        let nbuckets = unsafe { (*array).nbuckets };
        // SAFETY: the buckets follow the head within the same array.
        let first = unsafe { (&raw const (*array).b) }.cast::<Bucket>();
        // SAFETY: `nbuckets` buckets lie there as long as the lock is held under
        // which the engine asks; their fields are atomics, whoever writes them.
        Some(Buckets::new(unsafe { core::slice::from_raw_parts(first, nbuckets) }))
    }

    fn dev_gc_alloc_buckets(&self, dev: Self::Dev) -> Result<()> {
        // SAFETY: a reference to `dev` is held.
        Error::check(unsafe { sys::gc_host_dev_gc_alloc_buckets(self.c, dev) })
    }

    fn dev_gc_alloc_usage(&self, dev: Self::Dev) -> Result<()> {
        // SAFETY: a reference to `dev` is held.
        Error::check(unsafe { sys::gc_host_dev_gc_alloc_usage(self.c, dev) })
    }

    fn dev_gc_free(&self, _mark: &Held<MarkWrite>, dev: Self::Dev) {
        // SAFETY: a reference to `dev` is held.
        unsafe { sys::gc_host_dev_gc_free(self.c, dev) };
    }
}

impl Allocator for CHost {
    fn dev_reserve_bucket(
        &self,
        _freelist: &Held<Freelist>,
        dev: Self::Dev,
        fifo: u32,
        n: usize,
    ) -> Option<u64> {
        let mut bucket = 0;
        // SAFETY: a reference to `dev` is held; `bucket` is ours.
        unsafe { sys::gc_host_dev_reserve_bucket(dev, fifo, n, &raw mut bucket) }
            .then(|| u64::try_from(bucket).unwrap_or(u64::MAX))
    }

    fn open_buckets_nr(&self) -> u32 {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_open_buckets_nr(self.c) }
    }

    fn open_bucket_lock(
        &self,
        _mark: &Held<MarkRead>,
        _freelist: &Held<Freelist>,
        i: u32,
    ) -> Option<ExtentPtr> {
        let mut ptr = ExtentPtr::default();
        let out = (&raw mut ptr).cast::<sys::bch_extent_ptr>();
        // SAFETY: `i` is below the number of open buckets; `ptr` is ours.
        unsafe { sys::gc_host_open_bucket_lock(self.c, i, out) }.then_some(ptr)
    }

    fn open_bucket_unlock(&self, i: u32) {
        // SAFETY: it was locked by this thread.
        unsafe { sys::gc_host_open_bucket_unlock(self.c, i) };
    }

    fn mark_alloc_bucket(
        &self,
        _mark: &Held<MarkRead>,
        dev: Self::Dev,
        bucket: u64,
        owned: bool,
        pos: GcPos,
        flags: u32,
    ) {
        let Ok(b) = usize::try_from(bucket) else { return };
        let pos = (&raw const pos).cast::<sys::gc_pos>();
        // SAFETY: a reference to `dev` is held, the engine has checked the bucket,
        // and `pos` outlives the call.
        unsafe { sys::gc_host_mark_alloc_bucket(self.c, dev, b, owned, pos, flags) };
    }
}

impl State for CHost {
    fn flag(&self, flag: Flag) -> bool {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_flag_test(self.c, flag.number()) }
    }

    fn set_flag(&self, flag: Flag, value: bool) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_flag_set(self.c, flag.number(), value) };
    }

    fn param(&self, param: Param) -> bool {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_param(self.c, param.number()) }
    }

    fn sb_compat(&self) -> u64 {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_sb_compat(self.c) }
    }

    fn key_version(&self) -> u64 {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_key_version(self.c) }
    }

    fn set_key_version(&self, version: u64) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_key_version_set(self.c, version) };
    }

    fn journal_cur_seq(&self) -> u64 {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_journal_cur_seq(self.c) }
    }

    fn gc_pos(&self) -> Result<GcPosCell<'_>> {
        let mut seq = ptr::null_mut();
        let mut pos = ptr::null_mut();
        // SAFETY: `c` is as in `new`; both places are ours.
        unsafe { sys::gc_host_gc_pos(self.c, &raw mut seq, &raw mut pos) };
        let seq = self.devices.lent("gc_host_gc_pos", seq)?.as_ptr();
        let pos = self.devices.lent("gc_host_gc_pos", pos)?.as_ptr();
        // SAFETY: the host lends the sequence word while the file system is open;
        // all who read it beside us read it as a whole.
        let seq = unsafe { AtomicU32::from_ptr(seq) };
        let words = pos.cast::<[AtomicU32; GC_POS_WORDS]>();
        // SAFETY: struct gc_pos is 7 words aligned to 4 (asserted on both sides),
        // lent as long as the file system is open.
        let words = unsafe { &*words };
        Ok(GcPosCell { seq, words })
    }
}

impl Coordination for CHost {
    fn gc_count_inc(&self) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_gc_count_inc(self.c) };
    }

    fn wait_interior_updates(&self, _gc: &Held<GcWrite>) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_wait_interior_updates(self.c) };
    }

    fn journal_block(&self) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_journal_block(self.c) };
    }

    fn journal_unblock(&self) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_journal_unblock(self.c) };
    }

    fn clock(&self) -> u64 {
        // SAFETY: no precondition.
        unsafe { sys::gc_host_clock() }
    }

    fn gc_time(&self, start: u64) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_gc_time(self.c, start) };
    }

    fn wake_allocators(&self) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_wake_allocators(self.c) };
    }

    fn trace(&self, event: Trace, arg: i32) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_trace(self.c, event.number(), arg) };
    }
}

impl Findings for CHost {
    fn finding(&self, finding: &Finding<'_>) -> Answer {
        let text = Message::of(finding);
        let (code, flags) = (finding.code().number(), finding.flags().bits());
        let msg = text.as_c_str().as_ptr();
        // SAFETY: `c` is as in `new`; the text outlives the call.
        match unsafe { sys::gc_host_fsck_err(self.c, code, flags, msg) } {
            0 => Answer::Ignore,
            1 => Answer::Fix,
            // 2, and anything that is no answer: nothing more is changed.
            _ => Answer::Exit,
        }
    }

    fn flush_findings(&self) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_flush_fsck_errs(self.c) };
    }
}

impl Marking for CHost {
    #[inline]
    fn mark_key(
        &self,
        _origin: &Origin<Self::Node>,
        key: KeyRef<'_>,
        sectors: i64,
        flags: u32,
    ) -> Result<()> {
        let key = key_sc(key);
        let k = (&raw const key).cast::<sys::bkey_s_c>();
        // SAFETY: `c` is as in `new`; the key outlives the call.
        Error::check(unsafe { sys::gc_host_mark_key(self.c, k, sectors, flags) })
    }

    #[inline]
    fn replicas_marked(&self, key: KeyRef<'_>) -> bool {
        let key = key_sc(key);
        let k = (&raw const key).cast::<sys::bkey_s_c>();
        // SAFETY: `c` is as in `new`; the key outlives the call.
        unsafe { sys::gc_host_replicas_marked(self.c, k) }
    }

    fn mark_replicas(&self, key: KeyRef<'_>) -> Result<()> {
        let key = key_sc(key);
        let k = (&raw const key).cast::<sys::bkey_s_c>();
        // SAFETY: `c` is as in `new`; the key outlives the call.
        Error::check(unsafe { sys::gc_host_mark_replicas(self.c, k) })
    }

    fn counters(&self) -> Result<Option<Counters<'_>>> {
        if !self.param(Param::Lends) {
            return Ok(None);
        }
        let mut lent =
            sys::gc_host_counters { replicas: ptr::null(), nr: 0, stride: 0, btree_node_size: 0 };
        // SAFETY: `c` is as in `new`; `lent` is ours.
        unsafe { sys::gc_host_counters(self.c, &raw mut lent) };
        let size = |n: u32| usize::try_from(n).map_err(|_| Error::INVAL);
        let (nr, stride) = (size(lent.nr)?, size(lent.stride)?);
        let bytes = nr.checked_mul(stride).ok_or(Error::INVAL)?;
        let rows = if bytes == 0 {
            &[]
        } else {
            let rows = self.devices.lent("gc_host_counters", lent.replicas.cast_mut())?.as_ptr();
            // SAFETY: the host lends `nr` rows of `stride` bytes until the engine adds
            // to the table, and nobody else does in the initial pass.
            unsafe { core::slice::from_raw_parts(rows, bytes) }
        };
        // What cannot be used leaves the counting to the host.
        let btree_node_size = u16::try_from(lent.btree_node_size).ok();
        let lent = View::new(rows, stride, nr).zip(btree_node_size);
        Ok(lent.map(|(replicas, btree_node_size)| Counters { replicas, btree_node_size }))
    }

    fn usage_add(&self, words: &[u64]) {
        let Ok(nr) = u32::try_from(words.len()) else { return };
        // SAFETY: `c` is as in `new`; the words outlive the call.
        unsafe { sys::gc_host_usage_add(self.c, words.as_ptr(), nr) };
    }
}

impl StripeTables for CHost {
    fn stripes_gc_alloc(&self) -> Result<()> {
        // SAFETY: `c` is as in `new`.
        Error::check(unsafe { sys::gc_host_stripes_gc_alloc(self.c) })
    }

    fn stripe_gc_slot(&self, idx: u64) -> Result<()> {
        // SAFETY: `c` is as in `new`.
        Error::check(unsafe { sys::gc_host_stripe_gc_slot(self.c, idx) })
    }

    fn stripes_gc_free(&self, _mark: &Held<MarkWrite>) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_stripes_gc_free(self.c) };
    }

    fn for_each_stripe(&self, _mark: &Held<MarkWrite>, f: StripeVisitor<'_>) -> Result<()> {
        let mut idx = 0;
        loop {
            let (mut live, mut gc) = (ptr::null_mut(), ptr::null_mut());
            // SAFETY: `c` is as in `new`; the three places are ours.
            let more = unsafe {
                sys::gc_host_stripe_next(self.c, &raw mut idx, &raw mut live, &raw mut gc)
            };
            if !more {
                return Ok(());
            }
            let slot = self.devices.lent("gc_host_stripe_next", live)?.as_ptr().cast::<Stripe>();
            // SAFETY: the host lends the slot; the mark lock keeps others away.
            let mut stripe = unsafe { slot.read() };
            let counted = if gc.is_null() {
                None
            } else {
                // SAFETY: as for the live slot.
                Some(unsafe { gc.cast::<Stripe>().read() })
            };
            let heap = f(u64::try_from(idx).unwrap_or(u64::MAX), &mut stripe, counted.as_ref());
            // SAFETY: as for the read.
            unsafe { slot.write(stripe) };
            if heap? {
                // SAFETY: the stripe is in its slot, under the mark lock.
                unsafe { sys::gc_host_stripes_heap_insert(self.c, live, idx) };
            }
            let Some(next) = idx.checked_add(1) else { return Ok(()) };
            idx = next;
        }
    }

    fn stripes_heap_reset(&self, _mark: &Held<MarkWrite>) {
        // SAFETY: `c` is as in `new`; the engine holds the mark lock.
        unsafe { sys::gc_host_stripes_heap_reset(self.c) };
    }
}

impl Usage for CHost {
    fn usage_gc_alloc(&self) -> Result<()> {
        // SAFETY: `c` is as in `new`.
        Error::check(unsafe { sys::gc_host_usage_gc_alloc(self.c) })
    }

    fn usage_gc_free(&self, _mark: &Held<MarkWrite>) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_usage_gc_free(self.c) };
    }

    fn usage_fold(&self, _mark: &Held<MarkWrite>) {
        // SAFETY: `c` is as in `new`; the engine holds the mark lock.
        unsafe { sys::gc_host_usage_fold(self.c) };
    }

    fn set_dev_usage(&self, _mark: &Held<MarkWrite>, dev: Self::Dev, usage: &DevUsage) {
        let usage = ptr::from_ref(usage).cast();
        // SAFETY: a reference to `dev` is held, the engine holds the mark lock, and
        // the usage outlives the call.
        unsafe { sys::gc_host_dev_usage_set(self.c, dev, usage) };
    }

    fn usage<'l>(&'l self, _mark: &'l Held<MarkWrite>, side: Side) -> Result<UsageWords<'l>> {
        let mut nr = 0;
        // SAFETY: `c` is as in `new`; `nr` is ours.
        let words = unsafe { sys::gc_host_usage(self.c, side == Side::Gc, &raw mut nr) };
        let words = self.devices.lent("gc_host_usage", words)?.as_ptr();
        let nr = usize::try_from(nr).map_err(|_| Error::INVAL)?;
        // SAFETY: the host lends `nr` words as long as the mark lock is held under
        // which the engine asks; nobody else writes them meanwhile.
        let words = unsafe { core::slice::from_raw_parts(words.cast::<AtomicU64>(), nr) };
        Ok(UsageWords::new(words))
    }

    fn replicas_entry<'l>(&'l self, _mark: &'l Held<MarkWrite>, i: usize) -> Option<EntryRef<'l>> {
        let i = u32::try_from(i).ok()?;
        // SAFETY: `c` is as in `new`.
        let entry = unsafe { sys::gc_host_replicas_entry(self.c, i) }.cast::<u8>();
        if entry.is_null() {
            return None;
        }
        // SAFETY: an entry has a head of three bytes, the second the number of
        // devices (asserted layout).
        let nr_devs = unsafe { entry.wrapping_add(1).read() };
        let len = entry_bytes(nr_devs);
        // SAFETY: the host lends the entry, head and devices, under the mark lock.
        EntryRef::first_of(unsafe { core::slice::from_raw_parts(entry, len) })
    }
}

impl Nodes for CHost {
    type Node = *mut sys::btree;

    type Keys<'a> = CKeys<'a>;

    fn btree_root(&self, _held: &impl KeepsRoot, id: BtreeId) -> Option<Self::Node> {
        // SAFETY: `c` is as in `new`; `id` is that of a btree.
        let node = unsafe { sys::gc_host_btree_root(self.c, u32::from(id.0)) };
        (!node.is_null()).then_some(node)
    }

    fn node_info(&self, node: Self::Node) -> Result<NodeInfo> {
        let info = raw_info(node);
        let lent = |at: *const sys::bpos| -> Result<*mut Bpos> {
            let at = self.devices.lent("gc_host_node_info", at.cast_mut())?;
            Ok(at.as_ptr().cast::<Bpos>())
        };
        let (min_key, max_key) = (lent(info.min_key)?, lent(info.max_key)?);
        // SAFETY: the header's positions are lent while the node is locked.
        let min_key = unsafe { min_key.read_unaligned() };
        // SAFETY: as for the first.
        let max_key = unsafe { max_key.read_unaligned() };
        Ok(NodeInfo {
            min_key,
            max_key,
            level: info.level,
            btree_id: BtreeId(info.btree_id),
            fake: info.fake,
        })
    }

    fn node_key(&self, node: Self::Node) -> Option<KeyBuf> {
        let key = raw_info(node).key.cast::<BkeyI>();
        if key.is_null() {
            return None;
        }
        // SAFETY: the key is lent, unpacked, while the node is locked.
        let k = unsafe { &raw const (*key).k };
        // SAFETY: its value follows.
        let v = unsafe { &raw const (*key).v };
        // SAFETY: both are the key's own and stay during this call.
        unsafe { crate::iter::key_ref(gc_core::layout::bkey::BkeySC { k, v }) }
            .and_then(KeyBuf::copy_of)
    }

    fn node_lock_read(&self, node: Self::Node) {
        // SAFETY: the host handed out the node.
        unsafe { sys::gc_host_node_lock_read(node) };
    }

    fn node_unlock_read(&self, node: Self::Node) {
        // SAFETY: a guard of this thread holds the lock.
        unsafe { sys::gc_host_node_unlock_read(node) };
    }

    fn node_get(&self, key: &KeyBuf, id: BtreeId, level: u8) -> Result<Child<Self::Node>> {
        let mut node = ptr::null_mut();
        let mut checked = false;
        let k = ptr::from_ref(key).cast::<sys::bkey_i>();
        // SAFETY: `c` is as in `new`; a KeyBuf is laid out as struct bkey_i, and
        // outlives the call; `node` and `checked` are ours.
        let ret = unsafe {
            sys::gc_host_node_get(
                self.c,
                k,
                u32::from(id.0),
                u32::from(level),
                &raw mut node,
                &raw mut checked,
            )
        };
        Error::check(ret)?;
        let node = self.devices.lent("gc_host_node_get", node)?.as_ptr();
        Ok(Child { node, checked })
    }

    fn read_ahead(&self, key: &KeyBuf) {
        let k = ptr::from_ref(key).cast::<sys::bkey_i>();
        // SAFETY: `c` is as in `new`; a KeyBuf is laid out as struct bkey_i, and
        // outlives the call.
        unsafe { sys::gc_host_read_ahead(self.c, k) };
    }

    #[inline]
    fn debugcheck(&self, node: Self::Node, key: KeyRef<'_>) {
        let key = key_sc(key);
        let k = (&raw const key).cast::<sys::bkey_s_c>();
        // SAFETY: the node is locked; the key outlives the call.
        unsafe { sys::gc_host_debugcheck(self.c, node, k) };
    }

    fn node_set(&self, node: Self::Node, overlay: bool) -> Result<Option<NodeSet<'_>>> {
        let keys = if overlay { self.journal_keys } else { ptr::null_mut() };
        let mut set = sys::gc_host_node_set { format: ptr::null(), keys: ptr::null(), u64s: 0 };
        // SAFETY: the node is locked, the journal's keys are as in `new`; `set` is ours.
        if !unsafe { sys::gc_host_node_set(self.c, keys, node, &raw mut set) } {
            return Ok(None);
        }
        let len = usize::try_from(set.u64s).map_err(|_| Error::INVAL)?;
        let lent = self.devices.lent("gc_host_node_set", set.format.cast_mut())?;
        // A set without keys has no address to give.
        let words = match len {
            0 => NonNull::dangling(),
            _ => self.devices.lent("gc_host_node_set", set.keys.cast_mut())?,
        };
        let words = words.as_ptr();
        let format = lent.as_ptr().cast::<BkeyFormat>();
        // SAFETY: the host lends a format, as laid out on both sides, while the node is
        // locked.
        let format = unsafe { &*format };
        // SAFETY: the host lends so many words while the node is locked; nobody writes
        // to it before the lock is gone.
        let words = unsafe { core::slice::from_raw_parts(words, len) };
        Ok(Some(NodeSet { format, words }))
    }

    fn node_keys(&self, node: Self::Node, overlay: bool) -> Self::Keys<'_> {
        let keys = if overlay { self.journal_keys } else { ptr::null_mut() };
        // SAFETY: the engine keeps the node locked as long as it walks its keys; the
        // journal's keys are as in `new`.
        unsafe { CKeys::new(&self.devices, keys, node) }
    }
}

impl Walks for CHost {
    type Walk<'a> = CWalk<'a>;

    fn walk(&self, id: BtreeId, kind: WalkKind) -> Result<Self::Walk<'_>> {
        let (kind, min_depth) = match kind {
            WalkKind::Keys => (sys::GC_HOST_WALK_KEYS, 0),
            WalkKind::Nodes { min_depth } => (sys::GC_HOST_WALK_NODES, u32::from(min_depth)),
        };
        self.open_walk(id, kind, 0, min_depth)
    }
}

impl GcThread for CHost {
    fn assert_no_locks(&self) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_assert_no_locks(self.c) };
    }

    fn kicks(&self) -> u32 {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_kicks(self.c) }
    }

    fn io_clock(&self) -> u64 {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_io_clock(self.c) }
    }

    fn capacity(&self) -> u64 {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_capacity(self.c) }
    }

    fn wait_prepare(&self) {
        // SAFETY: `c` is as in `new`.
        unsafe { sys::gc_host_wait_prepare(self.c) };
    }

    fn wait_sleep(&self, deadline: Option<u64>) {
        // SAFETY: `c` is as in `new`; a wait was prepared.
        unsafe { sys::gc_host_wait_sleep(self.c, deadline.unwrap_or(u64::MAX)) };
    }

    fn wait_finish(&self) {
        // SAFETY: `c` is as in `new`; a wait was prepared.
        unsafe { sys::gc_host_wait_finish(self.c) };
    }
}

pub(crate) fn raw_info(node: *mut sys::btree) -> sys::gc_host_node_info {
    let mut info = sys::gc_host_node_info {
        min_key: ptr::null(),
        max_key: ptr::null(),
        key: ptr::null(),
        seq: 0,
        level: 0,
        btree_id: 0,
        fake: false,
    };
    // SAFETY: the node is locked or nobody else is there; `info` is ours.
    unsafe { sys::gc_host_node_info(node, &raw mut info) };
    info
}
