// SPDX-License-Identifier: GPL-2.0-only
//! Generated from `include/bch_gc_host.h`; its comments are the documentation.
#![allow(missing_docs, non_camel_case_types, non_upper_case_globals)]

pub const BCH_GC_HOST_ABI: u32 = 3;
pub const GC_HOST_FSCK_IGNORE: u32 = 0;
pub const GC_HOST_FSCK_FIX: u32 = 1;
pub const GC_HOST_FSCK_EXIT: u32 = 2;
pub const GC_HOST_FINDING_NR: u32 = 64;
pub const GC_HOST_SB_OFFSETS: u32 = 61;
pub const GC_HOST_FIFO_NR: u32 = 4;
pub const GC_HOST_LOCKS_TO_ROOT: u32 = 4;
pub const GC_HOST_NEW_NONE: u32 = 4294967295;
pub const GC_HOST_MERGE_NODES: u32 = 4;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_fs {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_dev {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_dev_usage {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_extent_ptr {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_replicas_entry {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bkey_format {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bkey_i {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bkey_s_c {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bpos {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct btree {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bucket_array {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_pos {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct journal_keys {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct stripe {
    _unused: [u8; 0],
}
unsafe extern "C" {
    pub fn gc_host_abi() -> core::ffi::c_uint;
}
pub const GC_HOST_LOCK_STATE_READ: gc_host_lock = 0;
pub const GC_HOST_LOCK_GC_READ: gc_host_lock = 1;
pub const GC_HOST_LOCK_GC_WRITE: gc_host_lock = 2;
pub const GC_HOST_LOCK_MARK_READ: gc_host_lock = 3;
pub const GC_HOST_LOCK_MARK_WRITE: gc_host_lock = 4;
pub const GC_HOST_LOCK_SB: gc_host_lock = 5;
pub const GC_HOST_LOCK_BTREE_ROOT: gc_host_lock = 6;
pub const GC_HOST_LOCK_FREELIST: gc_host_lock = 7;
pub const GC_HOST_LOCK_NR: gc_host_lock = 8;
pub type gc_host_lock = core::ffi::c_uint;
unsafe extern "C" {
    pub fn gc_host_lock(c: *mut bch_fs, id: core::ffi::c_uint);
}
unsafe extern "C" {
    pub fn gc_host_unlock(c: *mut bch_fs, id: core::ffi::c_uint);
}
unsafe extern "C" {
    pub fn gc_host_lock_unless_stopping(c: *mut bch_fs, id: core::ffi::c_uint) -> bool;
}
unsafe extern "C" {
    pub fn gc_host_assert_held(c: *mut bch_fs, id: core::ffi::c_uint);
}
unsafe extern "C" {
    pub fn gc_host_assert_no_locks(c: *mut bch_fs);
}
pub const GC_HOST_FLAG_FIXED_GENS: gc_host_flag = 0;
pub const GC_HOST_FLAG_REBUILD_REPLICAS: gc_host_flag = 1;
pub type gc_host_flag = core::ffi::c_uint;
unsafe extern "C" {
    pub fn gc_host_flag_test(c: *mut bch_fs, flag: core::ffi::c_uint) -> bool;
}
unsafe extern "C" {
    pub fn gc_host_flag_set(c: *mut bch_fs, flag: core::ffi::c_uint, value: bool);
}
pub const GC_HOST_PARAM_EXPENSIVE_DEBUG_CHECKS: gc_host_param = 0;
pub const GC_HOST_PARAM_TEST_RESTART_GC: gc_host_param = 1;
pub const GC_HOST_PARAM_JOURNAL_SEQ_VERIFY: gc_host_param = 2;
pub const GC_HOST_PARAM_REWRITE_DISABLED: gc_host_param = 3;
pub const GC_HOST_PARAM_ALWAYS_REWRITE: gc_host_param = 4;
pub const GC_HOST_PARAM_PERIODIC: gc_host_param = 5;
pub const GC_HOST_PARAM_THREAD_FULL_GC: gc_host_param = 6;
pub const GC_HOST_PARAM_UPDATES_BESIDE_GC: gc_host_param = 7;
pub const GC_HOST_PARAM_LENDS: gc_host_param = 8;
pub type gc_host_param = core::ffi::c_uint;
unsafe extern "C" {
    pub fn gc_host_param(c: *mut bch_fs, param: core::ffi::c_uint) -> bool;
}
unsafe extern "C" {
    pub fn gc_host_sb_compat(c: *mut bch_fs) -> u64;
}
unsafe extern "C" {
    pub fn gc_host_key_version(c: *mut bch_fs) -> u64;
}
unsafe extern "C" {
    pub fn gc_host_key_version_set(c: *mut bch_fs, version: u64);
}
unsafe extern "C" {
    pub fn gc_host_journal_cur_seq(c: *mut bch_fs) -> u64;
}
unsafe extern "C" {
    pub fn gc_host_gc_pos(c: *mut bch_fs, seq: *mut *mut u32, pos: *mut *mut gc_pos);
}
unsafe extern "C" {
    pub fn gc_host_gc_count_inc(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_wait_interior_updates(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_journal_block(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_journal_unblock(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_clock() -> u64;
}
unsafe extern "C" {
    pub fn gc_host_gc_time(c: *mut bch_fs, start: u64);
}
unsafe extern "C" {
    pub fn gc_host_wake_allocators(c: *mut bch_fs);
}
pub const GC_HOST_TRACE_GC_START: gc_host_trace = 0;
pub const GC_HOST_TRACE_GC_END: gc_host_trace = 1;
pub const GC_HOST_TRACE_COALESCE_START: gc_host_trace = 2;
pub const GC_HOST_TRACE_COALESCE_END: gc_host_trace = 3;
pub const GC_HOST_TRACE_COALESCE_FAIL: gc_host_trace = 4;
pub type gc_host_trace = core::ffi::c_uint;
pub const GC_HOST_COALESCE_FAIL_RESERVE: gc_host_coalesce_fail = 0;
pub const GC_HOST_COALESCE_FAIL_MEMORY: gc_host_coalesce_fail = 1;
pub const GC_HOST_COALESCE_FAIL_FORMAT: gc_host_coalesce_fail = 2;
pub type gc_host_coalesce_fail = core::ffi::c_uint;
unsafe extern "C" {
    pub fn gc_host_trace(
        c: *mut bch_fs,
        event: core::ffi::c_uint,
        arg: core::ffi::c_int,
    );
}
pub const GC_HOST_LOG_ERR: gc_host_level = 0;
pub const GC_HOST_LOG_INFO: gc_host_level = 1;
pub type gc_host_level = core::ffi::c_uint;
unsafe extern "C" {
    pub fn gc_host_log(
        c: *mut bch_fs,
        level: core::ffi::c_uint,
        msg: *const core::ffi::c_char,
    );
}
unsafe extern "C" {
    pub fn gc_host_fsck_err(
        c: *mut bch_fs,
        code: core::ffi::c_uint,
        flags: core::ffi::c_uint,
        msg: *const core::ffi::c_char,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_flush_fsck_errs(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_bug(msg: *const core::ffi::c_char) -> !;
}
unsafe extern "C" {
    pub fn gc_host_dev_next(
        c: *mut bch_fs,
        idx: *mut core::ffi::c_uint,
        online: bool,
    ) -> *mut bch_dev;
}
unsafe extern "C" {
    pub fn gc_host_dev_put(ca: *mut bch_dev, online: bool);
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_dev_geom {
    pub nbuckets: u64,
    pub bucket_size: u32,
    pub first_bucket: u32,
    pub dev_idx: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of gc_host_dev_geom"][::core::mem::size_of::<gc_host_dev_geom>() - 24usize];
    [
        "Alignment of gc_host_dev_geom",
    ][::core::mem::align_of::<gc_host_dev_geom>() - 8usize];
    [
        "Offset of field: gc_host_dev_geom::nbuckets",
    ][::core::mem::offset_of!(gc_host_dev_geom, nbuckets) - 0usize];
    [
        "Offset of field: gc_host_dev_geom::bucket_size",
    ][::core::mem::offset_of!(gc_host_dev_geom, bucket_size) - 8usize];
    [
        "Offset of field: gc_host_dev_geom::first_bucket",
    ][::core::mem::offset_of!(gc_host_dev_geom, first_bucket) - 12usize];
    [
        "Offset of field: gc_host_dev_geom::dev_idx",
    ][::core::mem::offset_of!(gc_host_dev_geom, dev_idx) - 16usize];
};
unsafe extern "C" {
    pub fn gc_host_dev_geom(ca: *mut bch_dev, out: *mut gc_host_dev_geom);
}
unsafe extern "C" {
    pub fn gc_host_dev_buckets(ca: *mut bch_dev, gc: bool) -> *mut bucket_array;
}
unsafe extern "C" {
    pub fn gc_host_dev_gc_alloc_buckets(
        c: *mut bch_fs,
        ca: *mut bch_dev,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_dev_gc_alloc_usage(
        c: *mut bch_fs,
        ca: *mut bch_dev,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_dev_gc_free(c: *mut bch_fs, ca: *mut bch_dev);
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_sb_layout {
    pub offset: [u64; 61usize],
    pub nr: u32,
    pub max_size_bits: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    [
        "Size of gc_host_sb_layout",
    ][::core::mem::size_of::<gc_host_sb_layout>() - 496usize];
    [
        "Alignment of gc_host_sb_layout",
    ][::core::mem::align_of::<gc_host_sb_layout>() - 8usize];
    [
        "Offset of field: gc_host_sb_layout::offset",
    ][::core::mem::offset_of!(gc_host_sb_layout, offset) - 0usize];
    [
        "Offset of field: gc_host_sb_layout::nr",
    ][::core::mem::offset_of!(gc_host_sb_layout, nr) - 488usize];
    [
        "Offset of field: gc_host_sb_layout::max_size_bits",
    ][::core::mem::offset_of!(gc_host_sb_layout, max_size_bits) - 492usize];
};
unsafe extern "C" {
    pub fn gc_host_dev_sb_layout(ca: *mut bch_dev, out: *mut gc_host_sb_layout);
}
unsafe extern "C" {
    pub fn gc_host_dev_journal(
        ca: *mut bch_dev,
        buckets: *mut *const u64,
    ) -> core::ffi::c_uint;
}
unsafe extern "C" {
    pub fn gc_host_dev_reserve_bucket(
        ca: *mut bch_dev,
        fifo: core::ffi::c_uint,
        n: usize,
        bucket: *mut usize,
    ) -> bool;
}
unsafe extern "C" {
    pub fn gc_host_open_buckets_nr(c: *mut bch_fs) -> core::ffi::c_uint;
}
unsafe extern "C" {
    pub fn gc_host_open_bucket_lock(
        c: *mut bch_fs,
        i: core::ffi::c_uint,
        ptr: *mut bch_extent_ptr,
    ) -> bool;
}
unsafe extern "C" {
    pub fn gc_host_open_bucket_unlock(c: *mut bch_fs, i: core::ffi::c_uint);
}
unsafe extern "C" {
    pub fn gc_host_mark_key(
        c: *mut bch_fs,
        k: *const bkey_s_c,
        sectors: i64,
        flags: core::ffi::c_uint,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_replicas_marked(c: *mut bch_fs, k: *const bkey_s_c) -> bool;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_counters {
    pub replicas: *const u8,
    pub nr: u32,
    pub stride: u32,
    pub btree_node_size: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of gc_host_counters"][::core::mem::size_of::<gc_host_counters>() - 24usize];
    [
        "Alignment of gc_host_counters",
    ][::core::mem::align_of::<gc_host_counters>() - 8usize];
    [
        "Offset of field: gc_host_counters::replicas",
    ][::core::mem::offset_of!(gc_host_counters, replicas) - 0usize];
    [
        "Offset of field: gc_host_counters::nr",
    ][::core::mem::offset_of!(gc_host_counters, nr) - 8usize];
    [
        "Offset of field: gc_host_counters::stride",
    ][::core::mem::offset_of!(gc_host_counters, stride) - 12usize];
    [
        "Offset of field: gc_host_counters::btree_node_size",
    ][::core::mem::offset_of!(gc_host_counters, btree_node_size) - 16usize];
};
unsafe extern "C" {
    pub fn gc_host_counters(c: *mut bch_fs, out: *mut gc_host_counters);
}
unsafe extern "C" {
    pub fn gc_host_usage_add(c: *mut bch_fs, words: *const u64, nr: core::ffi::c_uint);
}
unsafe extern "C" {
    pub fn gc_host_mark_replicas(c: *mut bch_fs, k: *const bkey_s_c) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_mark_metadata_bucket(
        c: *mut bch_fs,
        ca: *mut bch_dev,
        bucket: usize,
        type_: core::ffi::c_uint,
        sectors: core::ffi::c_uint,
        pos: *const gc_pos,
        flags: core::ffi::c_uint,
    );
}
unsafe extern "C" {
    pub fn gc_host_mark_alloc_bucket(
        c: *mut bch_fs,
        ca: *mut bch_dev,
        bucket: usize,
        owned: bool,
        pos: *const gc_pos,
        flags: core::ffi::c_uint,
    );
}
unsafe extern "C" {
    pub fn gc_host_stripes_gc_alloc(c: *mut bch_fs) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_stripe_gc_slot(c: *mut bch_fs, idx: u64) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_stripes_gc_free(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_stripe_next(
        c: *mut bch_fs,
        idx: *mut usize,
        live: *mut *mut stripe,
        gc: *mut *mut stripe,
    ) -> bool;
}
unsafe extern "C" {
    pub fn gc_host_stripes_heap_reset(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_stripes_heap_insert(c: *mut bch_fs, s: *mut stripe, idx: usize);
}
unsafe extern "C" {
    pub fn gc_host_usage_gc_alloc(c: *mut bch_fs) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_usage_gc_free(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_usage_fold(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_dev_usage_set(
        c: *mut bch_fs,
        ca: *mut bch_dev,
        usage: *const bch_dev_usage,
    );
}
unsafe extern "C" {
    pub fn gc_host_usage(
        c: *mut bch_fs,
        gc: bool,
        nr_u64s: *mut core::ffi::c_uint,
    ) -> *mut u64;
}
unsafe extern "C" {
    pub fn gc_host_replicas_entry(
        c: *mut bch_fs,
        i: core::ffi::c_uint,
    ) -> *const bch_replicas_entry;
}
unsafe extern "C" {
    pub fn gc_host_btree_root(c: *mut bch_fs, btree_id: core::ffi::c_uint) -> *mut btree;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_node_info {
    pub min_key: *const bpos,
    pub max_key: *const bpos,
    pub key: *const bkey_i,
    pub seq: u32,
    pub level: u8,
    pub btree_id: u8,
    pub fake: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of gc_host_node_info"][::core::mem::size_of::<gc_host_node_info>() - 32usize];
    [
        "Alignment of gc_host_node_info",
    ][::core::mem::align_of::<gc_host_node_info>() - 8usize];
    [
        "Offset of field: gc_host_node_info::min_key",
    ][::core::mem::offset_of!(gc_host_node_info, min_key) - 0usize];
    [
        "Offset of field: gc_host_node_info::max_key",
    ][::core::mem::offset_of!(gc_host_node_info, max_key) - 8usize];
    [
        "Offset of field: gc_host_node_info::key",
    ][::core::mem::offset_of!(gc_host_node_info, key) - 16usize];
    [
        "Offset of field: gc_host_node_info::seq",
    ][::core::mem::offset_of!(gc_host_node_info, seq) - 24usize];
    [
        "Offset of field: gc_host_node_info::level",
    ][::core::mem::offset_of!(gc_host_node_info, level) - 28usize];
    [
        "Offset of field: gc_host_node_info::btree_id",
    ][::core::mem::offset_of!(gc_host_node_info, btree_id) - 29usize];
    [
        "Offset of field: gc_host_node_info::fake",
    ][::core::mem::offset_of!(gc_host_node_info, fake) - 30usize];
};
unsafe extern "C" {
    pub fn gc_host_node_info(b: *mut btree, out: *mut gc_host_node_info);
}
unsafe extern "C" {
    pub fn gc_host_node_lock_read(b: *mut btree);
}
unsafe extern "C" {
    pub fn gc_host_node_unlock_read(b: *mut btree);
}
unsafe extern "C" {
    pub fn gc_host_node_get(
        c: *mut bch_fs,
        k: *const bkey_i,
        btree_id: core::ffi::c_uint,
        level: core::ffi::c_uint,
        out: *mut *mut btree,
        checked: *mut bool,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_read_ahead(c: *mut bch_fs, k: *const bkey_i);
}
unsafe extern "C" {
    pub fn gc_host_debugcheck(c: *mut bch_fs, b: *mut btree, k: *const bkey_s_c);
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_node_set {
    pub format: *const bkey_format,
    pub keys: *const u64,
    pub u64s: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of gc_host_node_set"][::core::mem::size_of::<gc_host_node_set>() - 24usize];
    [
        "Alignment of gc_host_node_set",
    ][::core::mem::align_of::<gc_host_node_set>() - 8usize];
    [
        "Offset of field: gc_host_node_set::format",
    ][::core::mem::offset_of!(gc_host_node_set, format) - 0usize];
    [
        "Offset of field: gc_host_node_set::keys",
    ][::core::mem::offset_of!(gc_host_node_set, keys) - 8usize];
    [
        "Offset of field: gc_host_node_set::u64s",
    ][::core::mem::offset_of!(gc_host_node_set, u64s) - 16usize];
};
unsafe extern "C" {
    pub fn gc_host_node_set(
        c: *mut bch_fs,
        keys: *mut journal_keys,
        b: *mut btree,
        out: *mut gc_host_node_set,
    ) -> bool;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_node_keys {
    pub opaque: [u64; 18usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    [
        "Size of gc_host_node_keys",
    ][::core::mem::size_of::<gc_host_node_keys>() - 144usize];
    [
        "Alignment of gc_host_node_keys",
    ][::core::mem::align_of::<gc_host_node_keys>() - 8usize];
    [
        "Offset of field: gc_host_node_keys::opaque",
    ][::core::mem::offset_of!(gc_host_node_keys, opaque) - 0usize];
};
unsafe extern "C" {
    pub fn gc_host_node_keys_init(
        it: *mut gc_host_node_keys,
        keys: *mut journal_keys,
        b: *mut btree,
    );
}
unsafe extern "C" {
    pub fn gc_host_node_keys_next(
        it: *mut gc_host_node_keys,
        out: *mut bkey_s_c,
    ) -> bool;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_walk {
    _unused: [u8; 0],
}
pub const GC_HOST_WALK_KEYS: gc_host_walk_kind = 0;
pub const GC_HOST_WALK_NODES: gc_host_walk_kind = 1;
pub type gc_host_walk_kind = core::ffi::c_uint;
unsafe extern "C" {
    pub fn gc_host_walk_open(
        c: *mut bch_fs,
        btree_id: core::ffi::c_uint,
        kind: core::ffi::c_uint,
        locks_want: core::ffi::c_uint,
        min_depth: core::ffi::c_uint,
    ) -> *mut gc_host_walk;
}
unsafe extern "C" {
    pub fn gc_host_walk_next_key(
        w: *mut gc_host_walk,
        out: *mut bkey_s_c,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_walk_next_node(
        w: *mut gc_host_walk,
        out: *mut *mut btree,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_walk_resched(w: *mut gc_host_walk);
}
unsafe extern "C" {
    pub fn gc_host_walk_rewrite(
        w: *mut gc_host_walk,
        b: *mut btree,
        flags: core::ffi::c_uint,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_walk_close(w: *mut gc_host_walk) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_node_size(c: *mut bch_fs, bytes: *mut u64, block_bytes: *mut u64);
}
unsafe extern "C" {
    pub fn gc_host_node_live_u64s(b: *mut btree) -> u32;
}
unsafe extern "C" {
    pub fn gc_host_node_relock_intent(b: *mut btree, seq: u32) -> bool;
}
unsafe extern "C" {
    pub fn gc_host_node_unlock_intent(b: *mut btree);
}
unsafe extern "C" {
    pub fn gc_host_walk_parent(w: *mut gc_host_walk, b: *mut btree) -> *mut btree;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_new_node {
    pub min_key: *const bpos,
    pub max_key: *const bpos,
    pub keys: *const u64,
    pub u64s: u32,
    pub packed_keys: u16,
    pub unpacked_keys: u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of gc_host_new_node"][::core::mem::size_of::<gc_host_new_node>() - 32usize];
    [
        "Alignment of gc_host_new_node",
    ][::core::mem::align_of::<gc_host_new_node>() - 8usize];
    [
        "Offset of field: gc_host_new_node::min_key",
    ][::core::mem::offset_of!(gc_host_new_node, min_key) - 0usize];
    [
        "Offset of field: gc_host_new_node::max_key",
    ][::core::mem::offset_of!(gc_host_new_node, max_key) - 8usize];
    [
        "Offset of field: gc_host_new_node::keys",
    ][::core::mem::offset_of!(gc_host_new_node, keys) - 16usize];
    [
        "Offset of field: gc_host_new_node::u64s",
    ][::core::mem::offset_of!(gc_host_new_node, u64s) - 24usize];
    [
        "Offset of field: gc_host_new_node::packed_keys",
    ][::core::mem::offset_of!(gc_host_new_node, packed_keys) - 28usize];
    [
        "Offset of field: gc_host_new_node::unpacked_keys",
    ][::core::mem::offset_of!(gc_host_new_node, unpacked_keys) - 30usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_parent_key {
    pub pos: *const bpos,
    pub new_node: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    [
        "Size of gc_host_parent_key",
    ][::core::mem::size_of::<gc_host_parent_key>() - 16usize];
    [
        "Alignment of gc_host_parent_key",
    ][::core::mem::align_of::<gc_host_parent_key>() - 8usize];
    [
        "Offset of field: gc_host_parent_key::pos",
    ][::core::mem::offset_of!(gc_host_parent_key, pos) - 0usize];
    [
        "Offset of field: gc_host_parent_key::new_node",
    ][::core::mem::offset_of!(gc_host_parent_key, new_node) - 8usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gc_host_replacement {
    pub parent: *mut btree,
    pub old_nodes: *const *mut btree,
    pub new_nodes: *const gc_host_new_node,
    pub format: *const bkey_format,
    pub keys: *const gc_host_parent_key,
    pub nr_old: u32,
    pub nr_new: u32,
    pub nr_keys: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    [
        "Size of gc_host_replacement",
    ][::core::mem::size_of::<gc_host_replacement>() - 56usize];
    [
        "Alignment of gc_host_replacement",
    ][::core::mem::align_of::<gc_host_replacement>() - 8usize];
    [
        "Offset of field: gc_host_replacement::parent",
    ][::core::mem::offset_of!(gc_host_replacement, parent) - 0usize];
    [
        "Offset of field: gc_host_replacement::old_nodes",
    ][::core::mem::offset_of!(gc_host_replacement, old_nodes) - 8usize];
    [
        "Offset of field: gc_host_replacement::new_nodes",
    ][::core::mem::offset_of!(gc_host_replacement, new_nodes) - 16usize];
    [
        "Offset of field: gc_host_replacement::format",
    ][::core::mem::offset_of!(gc_host_replacement, format) - 24usize];
    [
        "Offset of field: gc_host_replacement::keys",
    ][::core::mem::offset_of!(gc_host_replacement, keys) - 32usize];
    [
        "Offset of field: gc_host_replacement::nr_old",
    ][::core::mem::offset_of!(gc_host_replacement, nr_old) - 40usize];
    [
        "Offset of field: gc_host_replacement::nr_new",
    ][::core::mem::offset_of!(gc_host_replacement, nr_new) - 44usize];
    [
        "Offset of field: gc_host_replacement::nr_keys",
    ][::core::mem::offset_of!(gc_host_replacement, nr_keys) - 48usize];
};
unsafe extern "C" {
    pub fn gc_host_walk_replace(
        w: *mut gc_host_walk,
        r: *const gc_host_replacement,
        now: *mut *mut btree,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_walk_wait(
        w: *mut gc_host_walk,
        now: *mut *mut btree,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_thread_start(
        c: *mut bch_fs,
        fn_: ::core::option::Option<
            unsafe extern "C" fn(arg: *mut core::ffi::c_void) -> core::ffi::c_int,
        >,
        arg: *mut core::ffi::c_void,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn gc_host_thread_stop(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_should_stop(c: *mut bch_fs) -> bool;
}
unsafe extern "C" {
    pub fn gc_host_kicks(c: *mut bch_fs) -> core::ffi::c_uint;
}
unsafe extern "C" {
    pub fn gc_host_io_clock(c: *mut bch_fs) -> u64;
}
unsafe extern "C" {
    pub fn gc_host_capacity(c: *mut bch_fs) -> u64;
}
unsafe extern "C" {
    pub fn gc_host_wait_prepare(c: *mut bch_fs);
}
unsafe extern "C" {
    pub fn gc_host_wait_sleep(c: *mut bch_fs, deadline: u64);
}
unsafe extern "C" {
    pub fn gc_host_wait_finish(c: *mut bch_fs);
}
