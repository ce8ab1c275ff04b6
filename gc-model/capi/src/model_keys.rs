// SPDX-License-Identifier: GPL-2.0-only
//! `bch_gc_model_*`: keys.

use crate::boundary::exports;
use crate::fs::Fs;
use crate::header::{
    BCH_GC_MODEL_BTREE, BCH_GC_MODEL_JOURNAL, bch_gc_model, bch_gc_model_crc, bch_gc_model_ptr,
    bch_gc_model_where,
};
use crate::model_fs::EINVAL;
use gc_core::bkey::alloc_key::AllocFields;
use gc_core::error::{Error, code};
use gc_core::layout::{Bpos, BtreeId};
use gc_model::{Crc, Key, Ptr, Where};
use std::ffi::{c_int, c_uint};

pub(crate) fn btree(id: c_uint) -> BtreeId {
    BtreeId(u8::try_from(id).unwrap_or(u8::MAX))
}

fn insert(m: &Fs, to: bch_gc_model_where, id: BtreeId, key: Option<Key>) -> c_int {
    let to = match to {
        BCH_GC_MODEL_BTREE => Where::Btree,
        BCH_GC_MODEL_JOURNAL => Where::Journal,
        _ => return EINVAL,
    };
    code(key.ok_or(Error::INVAL).and_then(|key| m.model.insert(to, id, key)))
}

/// Words that C passes.
///
/// # Safety
/// `words` is NULL or `nr` words.
pub(crate) unsafe fn key_of_words(words: *const u64, nr: usize) -> Option<Key> {
    if words.is_null() {
        return None;
    }
    // SAFETY: as the caller says.
    Key::from_words(unsafe { std::slice::from_raw_parts(words, nr) })
}

/// Pointers that C passes; `None` if one has no such device or block.
///
/// # Safety
/// `ptrs` is NULL or `nr` of them.
unsafe fn ptrs_of(ptrs: *const bch_gc_model_ptr, nr: usize) -> Option<Vec<Ptr>> {
    if ptrs.is_null() {
        return (nr == 0).then(Vec::new);
    }
    // SAFETY: as the caller says.
    let all = unsafe { std::slice::from_raw_parts(ptrs, nr) };
    let one = |p: &bch_gc_model_ptr| {
        let block = u8::try_from(p.block).ok()?;
        Some(Ptr {
            dev: u8::try_from(p.dev).ok()?,
            sector: p.sector,
            gen_: p.gen_,
            cached: p.cached,
            stripe: p.in_stripe.then_some((p.stripe, block)),
        })
    };
    all.iter().map(one).collect()
}

/// # Safety
/// NULL or sizes.
unsafe fn crc_of(crc: *const bch_gc_model_crc) -> Option<Crc> {
    // SAFETY: as the caller says.
    let c = unsafe { crc.as_ref() }?;
    Some(Crc {
        compressed_size: c.compressed_size,
        uncompressed_size: c.uncompressed_size,
        offset: u16::try_from(c.offset).unwrap_or(u16::MAX),
        csum_type: c.csum_type,
        compression_type: c.compression_type,
    })
}

exports! { crate::header;
    fn bch_gc_model_insert(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        id: c_uint,
        key: *const u64,
        u64s: usize,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or that many words.
        insert(m, to, btree(id), unsafe { key_of_words(key, u64s) })
    };
    fn bch_gc_model_extent(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        inode: u64,
        offset: u64,
        size: u32,
        crc: *const bch_gc_model_crc,
        ptrs: *const bch_gc_model_ptr,
        nr: usize,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or sizes.
        let crc = unsafe { crc_of(crc) };
        // SAFETY: the caller gives NULL or that many pointers.
        let ptrs = unsafe { ptrs_of(ptrs, nr) };
        let key = ptrs.and_then(|p| Key::extent(Bpos::new(inode, offset), size, crc, &p));
        insert(m, to, BtreeId::EXTENTS, key)
    };
    fn bch_gc_model_reflink_v(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        offset: u64,
        size: u32,
        refcount: u64,
        crc: *const bch_gc_model_crc,
        ptrs: *const bch_gc_model_ptr,
        nr: usize,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or sizes.
        let crc = unsafe { crc_of(crc) };
        // SAFETY: the caller gives NULL or that many pointers.
        let ptrs = unsafe { ptrs_of(ptrs, nr) };
        let end = Bpos::new(0, offset);
        let key = ptrs.and_then(|p| Key::reflink_v(end, size, refcount, crc, &p));
        insert(m, to, BtreeId::REFLINK, key)
    };
    fn bch_gc_model_reflink_p(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        inode: u64,
        offset: u64,
        size: u32,
        idx: u64,
    ) -> c_int = EINVAL => {
        insert(m, to, BtreeId::EXTENTS, Key::reflink_p(Bpos::new(inode, offset), size, idx))
    };
    fn bch_gc_model_reservation(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        inode: u64,
        offset: u64,
        size: u32,
        nr_replicas: c_uint,
    ) -> c_int = EINVAL => {
        let nr = u8::try_from(nr_replicas).ok();
        let key = nr.and_then(|nr| Key::reservation(Bpos::new(inode, offset), size, nr));
        insert(m, to, BtreeId::EXTENTS, key)
    };
    fn bch_gc_model_inode(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        inode: u64,
    ) -> c_int = EINVAL => insert(m, to, BtreeId::INODES, Key::inode(inode));
    fn bch_gc_model_dirent(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        dir: u64,
        hash: u64,
        inode: u64,
    ) -> c_int = EINVAL => insert(m, to, BtreeId::DIRENTS, Key::dirent(dir, hash, inode));
    fn bch_gc_model_stripe(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        idx: u64,
        sectors: u16,
        nr_redundant: c_uint,
        blocks: *const bch_gc_model_ptr,
        nr: usize,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or that many pointers.
        let blocks = unsafe { ptrs_of(blocks, nr) };
        let redundant = u8::try_from(nr_redundant).ok();
        let key = blocks.zip(redundant).and_then(|(b, r)| Key::stripe(idx, sectors, r, &b));
        insert(m, to, BtreeId::EC, key)
    };
    fn bch_gc_model_alloc_key(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        dev: c_uint,
        bucket: u64,
    ) -> c_int = EINVAL => {
        let state = m.model.member(dev).and_then(|d| d.bucket(bucket));
        let key = state.and_then(|s| {
            let fields = AllocFields {
                gen_: s.mark.gen_(),
                read_time: 0,
                write_time: 0,
                data_type: s.mark.data_type_raw(),
                dirty_sectors: s.mark.dirty_sectors(),
                cached_sectors: s.mark.cached_sectors(),
                oldest_gen: s.oldest_gen,
            };
            Key::alloc(u64::from(dev), bucket, &fields)
        });
        insert(m, to, BtreeId::ALLOC, key)
    };
    fn bch_gc_model_delete(
        m: *mut bch_gc_model,
        to: bch_gc_model_where,
        id: c_uint,
        inode: u64,
        offset: u64,
    ) -> c_int = EINVAL => insert(m, to, btree(id), Some(Key::deleted(Bpos::new(inode, offset))));
    fn bch_gc_model_set_key_version(m: *mut bch_gc_model, version: u64) = () => {
        m.model.set_insert_version(version);
    };
}
