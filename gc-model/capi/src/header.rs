// SPDX-License-Identifier: GPL-2.0-only
//! Generated from `include/bch_gc_model.h`; its comments are the documentation.
#![allow(missing_docs, non_camel_case_types, non_upper_case_globals)]
use gc_host_sys::{bch_dev, bch_fs, journal_keys};

pub const BCH_GC_MODEL_ABI: u32 = 1;
unsafe extern "C" {
    pub fn bch_gc_model_abi() -> core::ffi::c_uint;
}
unsafe extern "C" {
    pub fn bch_gc_model_version() -> *const core::ffi::c_char;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_gc_model {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_gc_model_options {
    pub size: usize,
    pub nr_devices: u32,
    pub bucket_size: u32,
    pub nbuckets: u64,
    pub first_bucket: u16,
    pub btree_node_size: u16,
    pub node_keys: u32,
    pub metadata_replicas: u32,
    pub journal_buckets: u32,
    pub compat: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    [
        "Size of bch_gc_model_options",
    ][::core::mem::size_of::<bch_gc_model_options>() - 48usize];
    [
        "Alignment of bch_gc_model_options",
    ][::core::mem::align_of::<bch_gc_model_options>() - 8usize];
    [
        "Offset of field: bch_gc_model_options::size",
    ][::core::mem::offset_of!(bch_gc_model_options, size) - 0usize];
    [
        "Offset of field: bch_gc_model_options::nr_devices",
    ][::core::mem::offset_of!(bch_gc_model_options, nr_devices) - 8usize];
    [
        "Offset of field: bch_gc_model_options::bucket_size",
    ][::core::mem::offset_of!(bch_gc_model_options, bucket_size) - 12usize];
    [
        "Offset of field: bch_gc_model_options::nbuckets",
    ][::core::mem::offset_of!(bch_gc_model_options, nbuckets) - 16usize];
    [
        "Offset of field: bch_gc_model_options::first_bucket",
    ][::core::mem::offset_of!(bch_gc_model_options, first_bucket) - 24usize];
    [
        "Offset of field: bch_gc_model_options::btree_node_size",
    ][::core::mem::offset_of!(bch_gc_model_options, btree_node_size) - 26usize];
    [
        "Offset of field: bch_gc_model_options::node_keys",
    ][::core::mem::offset_of!(bch_gc_model_options, node_keys) - 28usize];
    [
        "Offset of field: bch_gc_model_options::metadata_replicas",
    ][::core::mem::offset_of!(bch_gc_model_options, metadata_replicas) - 32usize];
    [
        "Offset of field: bch_gc_model_options::journal_buckets",
    ][::core::mem::offset_of!(bch_gc_model_options, journal_buckets) - 36usize];
    [
        "Offset of field: bch_gc_model_options::compat",
    ][::core::mem::offset_of!(bch_gc_model_options, compat) - 40usize];
};
unsafe extern "C" {
    pub fn bch_gc_model_options_init(o: *mut bch_gc_model_options);
}
unsafe extern "C" {
    pub fn bch_gc_model_create(o: *const bch_gc_model_options) -> *mut bch_gc_model;
}
unsafe extern "C" {
    pub fn bch_gc_model_destroy(m: *mut bch_gc_model);
}
unsafe extern "C" {
    pub fn bch_gc_model_fs(m: *mut bch_gc_model) -> *mut bch_fs;
}
unsafe extern "C" {
    pub fn bch_gc_model_dev(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
    ) -> *mut bch_dev;
}
unsafe extern "C" {
    pub fn bch_gc_model_journal_keys(m: *mut bch_gc_model) -> *mut journal_keys;
}
unsafe extern "C" {
    pub fn bch_gc_model_state_lock(m: *mut bch_gc_model, write: bool);
}
unsafe extern "C" {
    pub fn bch_gc_model_state_unlock(m: *mut bch_gc_model);
}
unsafe extern "C" {
    pub fn bch_gc_model_settle(m: *mut bch_gc_model) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_differences(
        m: *mut bch_gc_model,
        text: *mut core::ffi::c_char,
        size: usize,
    ) -> core::ffi::c_uint;
}
pub const BCH_GC_MODEL_BTREE: bch_gc_model_where = 0;
pub const BCH_GC_MODEL_JOURNAL: bch_gc_model_where = 1;
pub type bch_gc_model_where = core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_gc_model_ptr {
    pub sector: u64,
    pub dev: u32,
    pub gen_: u8,
    pub cached: bool,
    pub in_stripe: bool,
    pub block: u32,
    pub stripe: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of bch_gc_model_ptr"][::core::mem::size_of::<bch_gc_model_ptr>() - 32usize];
    [
        "Alignment of bch_gc_model_ptr",
    ][::core::mem::align_of::<bch_gc_model_ptr>() - 8usize];
    [
        "Offset of field: bch_gc_model_ptr::sector",
    ][::core::mem::offset_of!(bch_gc_model_ptr, sector) - 0usize];
    [
        "Offset of field: bch_gc_model_ptr::dev",
    ][::core::mem::offset_of!(bch_gc_model_ptr, dev) - 8usize];
    [
        "Offset of field: bch_gc_model_ptr::gen_",
    ][::core::mem::offset_of!(bch_gc_model_ptr, gen_) - 12usize];
    [
        "Offset of field: bch_gc_model_ptr::cached",
    ][::core::mem::offset_of!(bch_gc_model_ptr, cached) - 13usize];
    [
        "Offset of field: bch_gc_model_ptr::in_stripe",
    ][::core::mem::offset_of!(bch_gc_model_ptr, in_stripe) - 14usize];
    [
        "Offset of field: bch_gc_model_ptr::block",
    ][::core::mem::offset_of!(bch_gc_model_ptr, block) - 16usize];
    [
        "Offset of field: bch_gc_model_ptr::stripe",
    ][::core::mem::offset_of!(bch_gc_model_ptr, stripe) - 24usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_gc_model_crc {
    pub compressed_size: u32,
    pub uncompressed_size: u32,
    pub offset: u32,
    pub csum_type: u8,
    pub compression_type: u8,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of bch_gc_model_crc"][::core::mem::size_of::<bch_gc_model_crc>() - 16usize];
    [
        "Alignment of bch_gc_model_crc",
    ][::core::mem::align_of::<bch_gc_model_crc>() - 4usize];
    [
        "Offset of field: bch_gc_model_crc::compressed_size",
    ][::core::mem::offset_of!(bch_gc_model_crc, compressed_size) - 0usize];
    [
        "Offset of field: bch_gc_model_crc::uncompressed_size",
    ][::core::mem::offset_of!(bch_gc_model_crc, uncompressed_size) - 4usize];
    [
        "Offset of field: bch_gc_model_crc::offset",
    ][::core::mem::offset_of!(bch_gc_model_crc, offset) - 8usize];
    [
        "Offset of field: bch_gc_model_crc::csum_type",
    ][::core::mem::offset_of!(bch_gc_model_crc, csum_type) - 12usize];
    [
        "Offset of field: bch_gc_model_crc::compression_type",
    ][::core::mem::offset_of!(bch_gc_model_crc, compression_type) - 13usize];
};
unsafe extern "C" {
    pub fn bch_gc_model_insert(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        btree: core::ffi::c_uint,
        key: *const u64,
        u64s: usize,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_extent(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        inode: u64,
        offset: u64,
        size: u32,
        crc: *const bch_gc_model_crc,
        ptrs: *const bch_gc_model_ptr,
        nr: usize,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_reflink_v(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        offset: u64,
        size: u32,
        refcount: u64,
        crc: *const bch_gc_model_crc,
        ptrs: *const bch_gc_model_ptr,
        nr: usize,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_reflink_p(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        inode: u64,
        offset: u64,
        size: u32,
        idx: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_reservation(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        inode: u64,
        offset: u64,
        size: u32,
        nr_replicas: core::ffi::c_uint,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_inode(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        inode: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_dirent(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        dir: u64,
        hash: u64,
        inode: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_stripe(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        idx: u64,
        sectors: u16,
        nr_redundant: core::ffi::c_uint,
        blocks: *const bch_gc_model_ptr,
        nr: usize,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_alloc_key(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        dev: core::ffi::c_uint,
        bucket: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_delete(
        m: *mut bch_gc_model,
        where_: bch_gc_model_where,
        btree: core::ffi::c_uint,
        inode: u64,
        offset: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_set_key_version(m: *mut bch_gc_model, version: u64);
}
unsafe extern "C" {
    pub fn bch_gc_model_depth(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
    ) -> core::ffi::c_uint;
}
unsafe extern "C" {
    pub fn bch_gc_model_nodes(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
    ) -> usize;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_gc_model_node {
    pub min_inode: u64,
    pub min_offset: u64,
    pub max_inode: u64,
    pub max_offset: u64,
    pub sector: u64,
    pub dev: u32,
    pub nr_keys: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of bch_gc_model_node"][::core::mem::size_of::<bch_gc_model_node>() - 48usize];
    [
        "Alignment of bch_gc_model_node",
    ][::core::mem::align_of::<bch_gc_model_node>() - 8usize];
    [
        "Offset of field: bch_gc_model_node::min_inode",
    ][::core::mem::offset_of!(bch_gc_model_node, min_inode) - 0usize];
    [
        "Offset of field: bch_gc_model_node::min_offset",
    ][::core::mem::offset_of!(bch_gc_model_node, min_offset) - 8usize];
    [
        "Offset of field: bch_gc_model_node::max_inode",
    ][::core::mem::offset_of!(bch_gc_model_node, max_inode) - 16usize];
    [
        "Offset of field: bch_gc_model_node::max_offset",
    ][::core::mem::offset_of!(bch_gc_model_node, max_offset) - 24usize];
    [
        "Offset of field: bch_gc_model_node::sector",
    ][::core::mem::offset_of!(bch_gc_model_node, sector) - 32usize];
    [
        "Offset of field: bch_gc_model_node::dev",
    ][::core::mem::offset_of!(bch_gc_model_node, dev) - 40usize];
    [
        "Offset of field: bch_gc_model_node::nr_keys",
    ][::core::mem::offset_of!(bch_gc_model_node, nr_keys) - 44usize];
};
unsafe extern "C" {
    pub fn bch_gc_model_node(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
        i: usize,
        out: *mut bch_gc_model_node,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_root_make(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_root_fake(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        fake: bool,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_node_range(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
        i: usize,
        min_inode: u64,
        min_offset: u64,
        max_inode: u64,
        max_offset: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_node_ptr_min(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
        i: usize,
        inode: u64,
        offset: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_node_drop(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
        i: usize,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_node_level(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
        i: usize,
        claimed: core::ffi::c_uint,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_node_unreadable(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
        i: usize,
        err: core::ffi::c_int,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_node_put(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
        i: usize,
        key: *const u64,
        u64s: usize,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_node_poke(
        m: *mut bch_gc_model,
        btree: core::ffi::c_uint,
        level: core::ffi::c_uint,
        i: usize,
        k: usize,
        w: usize,
        value: u64,
    ) -> core::ffi::c_int;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_gc_model_bucket {
    pub gen_: u8,
    pub data_type: u8,
    pub owned_by_allocator: bool,
    pub stripe: bool,
    pub journal_seq_valid: bool,
    pub gen_valid: bool,
    pub oldest_gen: u8,
    pub gc_gen: u8,
    pub dirty_sectors: u16,
    pub cached_sectors: u16,
    pub journal_seq: u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    [
        "Size of bch_gc_model_bucket",
    ][::core::mem::size_of::<bch_gc_model_bucket>() - 14usize];
    [
        "Alignment of bch_gc_model_bucket",
    ][::core::mem::align_of::<bch_gc_model_bucket>() - 2usize];
    [
        "Offset of field: bch_gc_model_bucket::gen_",
    ][::core::mem::offset_of!(bch_gc_model_bucket, gen_) - 0usize];
    [
        "Offset of field: bch_gc_model_bucket::data_type",
    ][::core::mem::offset_of!(bch_gc_model_bucket, data_type) - 1usize];
    [
        "Offset of field: bch_gc_model_bucket::owned_by_allocator",
    ][::core::mem::offset_of!(bch_gc_model_bucket, owned_by_allocator) - 2usize];
    [
        "Offset of field: bch_gc_model_bucket::stripe",
    ][::core::mem::offset_of!(bch_gc_model_bucket, stripe) - 3usize];
    [
        "Offset of field: bch_gc_model_bucket::journal_seq_valid",
    ][::core::mem::offset_of!(bch_gc_model_bucket, journal_seq_valid) - 4usize];
    [
        "Offset of field: bch_gc_model_bucket::gen_valid",
    ][::core::mem::offset_of!(bch_gc_model_bucket, gen_valid) - 5usize];
    [
        "Offset of field: bch_gc_model_bucket::oldest_gen",
    ][::core::mem::offset_of!(bch_gc_model_bucket, oldest_gen) - 6usize];
    [
        "Offset of field: bch_gc_model_bucket::gc_gen",
    ][::core::mem::offset_of!(bch_gc_model_bucket, gc_gen) - 7usize];
    [
        "Offset of field: bch_gc_model_bucket::dirty_sectors",
    ][::core::mem::offset_of!(bch_gc_model_bucket, dirty_sectors) - 8usize];
    [
        "Offset of field: bch_gc_model_bucket::cached_sectors",
    ][::core::mem::offset_of!(bch_gc_model_bucket, cached_sectors) - 10usize];
    [
        "Offset of field: bch_gc_model_bucket::journal_seq",
    ][::core::mem::offset_of!(bch_gc_model_bucket, journal_seq) - 12usize];
};
unsafe extern "C" {
    pub fn bch_gc_model_nbuckets(m: *mut bch_gc_model, dev: core::ffi::c_uint) -> u64;
}
unsafe extern "C" {
    pub fn bch_gc_model_bucket_get(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        bucket: u64,
        out: *mut bch_gc_model_bucket,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_bucket_set(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        bucket: u64,
        in_: *const bch_gc_model_bucket,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_bucket_alloc(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        bucket: *mut u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_reserve_push(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        fifo: core::ffi::c_uint,
        bucket: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_reserve_clear(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_open_bucket(
        m: *mut bch_gc_model,
        i: core::ffi::c_uint,
        valid: bool,
        dev: core::ffi::c_uint,
        sector: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_usage_words(m: *mut bch_gc_model) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_usage_get(m: *mut bch_gc_model, word: usize) -> u64;
}
unsafe extern "C" {
    pub fn bch_gc_model_usage_set(
        m: *mut bch_gc_model,
        word: usize,
        value: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_usage_pending(
        m: *mut bch_gc_model,
        word: usize,
        add: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_dev_usage_get(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        word: usize,
    ) -> u64;
}
unsafe extern "C" {
    pub fn bch_gc_model_replicas_get(
        m: *mut bch_gc_model,
        i: usize,
    ) -> *const core::ffi::c_char;
}
unsafe extern "C" {
    pub fn bch_gc_model_replicas_word(
        m: *mut bch_gc_model,
        text: *const core::ffi::c_char,
    ) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_replicas_add(
        m: *mut bch_gc_model,
        data_type: core::ffi::c_uint,
        nr_required: core::ffi::c_uint,
        devs: *const u8,
        nr: usize,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_replicas_remove(
        m: *mut bch_gc_model,
        text: *const core::ffi::c_char,
    ) -> core::ffi::c_int;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_gc_model_stripe {
    pub sectors: u16,
    pub algorithm: u8,
    pub nr_blocks: u8,
    pub nr_redundant: u8,
    pub blocks_nonempty: u8,
    pub alive: bool,
    pub dirty: bool,
    pub in_heap: bool,
    pub block_sectors: [u16; 16usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    [
        "Size of bch_gc_model_stripe",
    ][::core::mem::size_of::<bch_gc_model_stripe>() - 42usize];
    [
        "Alignment of bch_gc_model_stripe",
    ][::core::mem::align_of::<bch_gc_model_stripe>() - 2usize];
    [
        "Offset of field: bch_gc_model_stripe::sectors",
    ][::core::mem::offset_of!(bch_gc_model_stripe, sectors) - 0usize];
    [
        "Offset of field: bch_gc_model_stripe::algorithm",
    ][::core::mem::offset_of!(bch_gc_model_stripe, algorithm) - 2usize];
    [
        "Offset of field: bch_gc_model_stripe::nr_blocks",
    ][::core::mem::offset_of!(bch_gc_model_stripe, nr_blocks) - 3usize];
    [
        "Offset of field: bch_gc_model_stripe::nr_redundant",
    ][::core::mem::offset_of!(bch_gc_model_stripe, nr_redundant) - 4usize];
    [
        "Offset of field: bch_gc_model_stripe::blocks_nonempty",
    ][::core::mem::offset_of!(bch_gc_model_stripe, blocks_nonempty) - 5usize];
    [
        "Offset of field: bch_gc_model_stripe::alive",
    ][::core::mem::offset_of!(bch_gc_model_stripe, alive) - 6usize];
    [
        "Offset of field: bch_gc_model_stripe::dirty",
    ][::core::mem::offset_of!(bch_gc_model_stripe, dirty) - 7usize];
    [
        "Offset of field: bch_gc_model_stripe::in_heap",
    ][::core::mem::offset_of!(bch_gc_model_stripe, in_heap) - 8usize];
    [
        "Offset of field: bch_gc_model_stripe::block_sectors",
    ][::core::mem::offset_of!(bch_gc_model_stripe, block_sectors) - 10usize];
};
unsafe extern "C" {
    pub fn bch_gc_model_stripe_get(
        m: *mut bch_gc_model,
        idx: u64,
        out: *mut bch_gc_model_stripe,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_stripe_set(
        m: *mut bch_gc_model,
        idx: u64,
        in_: *const bch_gc_model_stripe,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_key_version_get(m: *mut bch_gc_model) -> u64;
}
unsafe extern "C" {
    pub fn bch_gc_model_key_version_set(m: *mut bch_gc_model, version: u64);
}
unsafe extern "C" {
    pub fn bch_gc_model_gc_count(m: *mut bch_gc_model) -> u64;
}
unsafe extern "C" {
    pub fn bch_gc_model_journal_seq_set(m: *mut bch_gc_model, seq: u64);
}
unsafe extern "C" {
    pub fn bch_gc_model_compat_set(m: *mut bch_gc_model, compat: u64);
}
unsafe extern "C" {
    pub fn bch_gc_model_flag_get(m: *mut bch_gc_model, flag: core::ffi::c_uint) -> bool;
}
unsafe extern "C" {
    pub fn bch_gc_model_flag_set(
        m: *mut bch_gc_model,
        flag: core::ffi::c_uint,
        value: bool,
    );
}
unsafe extern "C" {
    pub fn bch_gc_model_param_set(
        m: *mut bch_gc_model,
        param: core::ffi::c_uint,
        value: bool,
    );
}
unsafe extern "C" {
    pub fn bch_gc_model_pretend_abi(abi: core::ffi::c_uint);
}
unsafe extern "C" {
    pub fn bch_gc_model_dev_add(
        m: *mut bch_gc_model,
        nbuckets: u64,
        bucket_size: u32,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_dev_remove(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_dev_resize(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        nbuckets: u64,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_dev_online(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        online: bool,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_dev_refs(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        io: bool,
    ) -> core::ffi::c_uint;
}
unsafe extern "C" {
    pub fn bch_gc_model_stray_make(
        m: *mut bch_gc_model,
        nbuckets: u64,
        bucket_size: u32,
    ) -> *mut bch_dev;
}
unsafe extern "C" {
    pub fn bch_gc_model_stray_bucket(
        ca: *mut bch_dev,
        bucket: u64,
        out: *mut bch_gc_model_bucket,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_sb_layout_set(
        ca: *mut bch_dev,
        offsets: *const u64,
        nr: usize,
        max_size_bits: core::ffi::c_uint,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_journal_buckets_set(
        ca: *mut bch_dev,
        buckets: *const u64,
        nr: usize,
    ) -> core::ffi::c_int;
}
pub const BCH_GC_MODEL_IGNORE: bch_gc_model_answer = 0;
pub const BCH_GC_MODEL_FIX: bch_gc_model_answer = 1;
pub const BCH_GC_MODEL_EXIT: bch_gc_model_answer = 2;
pub const BCH_GC_MODEL_ANSWERS: bch_gc_model_answer = 3;
pub type bch_gc_model_answer = core::ffi::c_uint;
unsafe extern "C" {
    pub fn bch_gc_model_answer(m: *mut bch_gc_model, a: bch_gc_model_answer);
}
unsafe extern "C" {
    pub fn bch_gc_model_answer_code(
        m: *mut bch_gc_model,
        code: core::ffi::c_uint,
        a: bch_gc_model_answer,
    );
}
unsafe extern "C" {
    pub fn bch_gc_model_answer_exit_at(m: *mut bch_gc_model, n: usize);
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bch_gc_model_message {
    pub is_finding: bool,
    pub code: core::ffi::c_uint,
    pub flags: core::ffi::c_uint,
    pub answer: core::ffi::c_uint,
    pub text: *const core::ffi::c_char,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    [
        "Size of bch_gc_model_message",
    ][::core::mem::size_of::<bch_gc_model_message>() - 24usize];
    [
        "Alignment of bch_gc_model_message",
    ][::core::mem::align_of::<bch_gc_model_message>() - 8usize];
    [
        "Offset of field: bch_gc_model_message::is_finding",
    ][::core::mem::offset_of!(bch_gc_model_message, is_finding) - 0usize];
    [
        "Offset of field: bch_gc_model_message::code",
    ][::core::mem::offset_of!(bch_gc_model_message, code) - 4usize];
    [
        "Offset of field: bch_gc_model_message::flags",
    ][::core::mem::offset_of!(bch_gc_model_message, flags) - 8usize];
    [
        "Offset of field: bch_gc_model_message::answer",
    ][::core::mem::offset_of!(bch_gc_model_message, answer) - 12usize];
    [
        "Offset of field: bch_gc_model_message::text",
    ][::core::mem::offset_of!(bch_gc_model_message, text) - 16usize];
};
unsafe extern "C" {
    pub fn bch_gc_model_messages(m: *mut bch_gc_model) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_message(
        m: *mut bch_gc_model,
        i: usize,
        out: *mut bch_gc_model_message,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_messages_with(
        m: *mut bch_gc_model,
        text: *const core::ffi::c_char,
    ) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_findings(m: *mut bch_gc_model) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_findings_of(
        m: *mut bch_gc_model,
        code: core::ffi::c_uint,
    ) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_messages_clear(m: *mut bch_gc_model);
}
unsafe extern "C" {
    pub fn bch_gc_model_events(m: *mut bch_gc_model) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_event_name(
        m: *mut bch_gc_model,
        i: usize,
    ) -> *const core::ffi::c_char;
}
unsafe extern "C" {
    pub fn bch_gc_model_event_args(
        m: *mut bch_gc_model,
        i: usize,
    ) -> *const core::ffi::c_char;
}
unsafe extern "C" {
    pub fn bch_gc_model_event_count(
        m: *mut bch_gc_model,
        name: *const core::ffi::c_char,
        args: *const core::ffi::c_char,
    ) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_event_find(
        m: *mut bch_gc_model,
        i: usize,
        name: *const core::ffi::c_char,
        args: *const core::ffi::c_char,
    ) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_events_clear(m: *mut bch_gc_model);
}
unsafe extern "C" {
    pub fn bch_gc_model_violations(m: *mut bch_gc_model) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_violation(
        m: *mut bch_gc_model,
        i: usize,
    ) -> *const core::ffi::c_char;
}
unsafe extern "C" {
    pub fn bch_gc_model_violations_clear(m: *mut bch_gc_model);
}
unsafe extern "C" {
    pub fn bch_gc_model_check_quiescent(m: *mut bch_gc_model) -> usize;
}
unsafe extern "C" {
    pub fn bch_gc_model_fail(
        m: *mut bch_gc_model,
        name: *const core::ffi::c_char,
        n: usize,
        err: core::ffi::c_int,
    ) -> core::ffi::c_int;
}
unsafe extern "C" {
    pub fn bch_gc_model_failed(m: *mut bch_gc_model) -> bool;
}
unsafe extern "C" {
    pub fn bch_gc_model_fallible(i: usize) -> *const core::ffi::c_char;
}
unsafe extern "C" {
    pub fn bch_gc_model_kick(m: *mut bch_gc_model);
}
unsafe extern "C" {
    pub fn bch_gc_model_io(m: *mut bch_gc_model, sectors: u64);
}
unsafe extern "C" {
    pub fn bch_gc_model_capacity_set(m: *mut bch_gc_model, sectors: u64);
}
unsafe extern "C" {
    pub fn bch_gc_model_thread_running(m: *mut bch_gc_model) -> bool;
}
unsafe extern "C" {
    pub fn bch_gc_model_thread_idle(m: *mut bch_gc_model, ms: core::ffi::c_uint) -> bool;
}
unsafe extern "C" {
    pub fn bch_gc_model_wait_gc_count(
        m: *mut bch_gc_model,
        n: u64,
        ms: core::ffi::c_uint,
    ) -> bool;
}
unsafe extern "C" {
    pub fn bch_gc_model_freeze(m: *mut bch_gc_model, ms: core::ffi::c_uint) -> bool;
}
unsafe extern "C" {
    pub fn bch_gc_model_thaw(m: *mut bch_gc_model);
}
unsafe extern "C" {
    pub fn bch_gc_model_reader_gc_pos(
        m: *mut bch_gc_model,
        phase: *mut u32,
        inode: *mut u64,
        offset: *mut u64,
        level: *mut u32,
    );
}
unsafe extern "C" {
    pub fn bch_gc_model_reader_bucket(
        m: *mut bch_gc_model,
        dev: core::ffi::c_uint,
        bucket: u64,
        out: *mut bch_gc_model_bucket,
    ) -> core::ffi::c_int;
}
