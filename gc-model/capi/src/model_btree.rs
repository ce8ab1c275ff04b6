// SPDX-License-Identifier: GPL-2.0-only
//! `bch_gc_model_*`: nodes, and damage to them.

use crate::boundary::{exports, put};
use crate::header::{self, bch_gc_model};
use crate::model_fs::EINVAL;
use crate::model_keys::{btree, key_of_words};
use gc_core::error::{Errno, Error, code};
use gc_core::layout::Bpos;
use gc_model::NodePlace;
use std::ffi::{c_int, c_uint};

fn place(id: c_uint, level: c_uint, i: usize) -> NodePlace {
    NodePlace { btree: btree(id), level: u8::try_from(level).unwrap_or(u8::MAX), i }
}

exports! { crate::header;
    fn bch_gc_model_depth(m: *mut bch_gc_model, id: c_uint) -> c_uint = 0 => {
        c_uint::from(m.model.depth(btree(id)))
    };
    fn bch_gc_model_nodes(m: *mut bch_gc_model, id: c_uint, level: c_uint) -> usize = 0 => {
        u8::try_from(level).map_or(0, |level| m.model.nodes(btree(id), level).len())
    };
    fn bch_gc_model_node(
        m: *mut bch_gc_model,
        id: c_uint,
        level: c_uint,
        i: usize,
        out: *mut header::bch_gc_model_node,
    ) -> c_int = EINVAL => {
        let node = m.model.node_at(place(id, level, i)).and_then(|id| m.model.node(id));
        let Some(data) = node.map(|n| n.data()) else { return EINVAL };
        let ptr = data.ptr().get().pointers().next().unwrap_or_default();
        let (min, max) = (data.min, data.max);
        let node = header::bch_gc_model_node {
            min_inode: min.inode,
            min_offset: min.offset,
            max_inode: max.inode,
            max_offset: max.offset,
            sector: ptr.offset(),
            dev: u32::from(ptr.dev()),
            nr_keys: u32::try_from(data.keys.len()).unwrap_or(u32::MAX),
        };
        // SAFETY: the caller gives NULL or a place for it.
        if unsafe { put(out, node) } { 0 } else { EINVAL }
    };
    fn bch_gc_model_root_make(m: *mut bch_gc_model, id: c_uint) -> c_int = EINVAL => {
        code(m.model.make_root(btree(id)))
    };
    fn bch_gc_model_root_fake(m: *mut bch_gc_model, id: c_uint, fake: bool) -> c_int = EINVAL => {
        code(m.model.fake_root(btree(id), fake))
    };
    fn bch_gc_model_node_range(
        m: *mut bch_gc_model,
        id: c_uint,
        level: c_uint,
        i: usize,
        min_inode: u64,
        min_offset: u64,
        max_inode: u64,
        max_offset: u64,
    ) -> c_int = EINVAL => {
        let (min, max) = (Bpos::new(min_inode, min_offset), Bpos::new(max_inode, max_offset));
        code(m.model.set_node_range(place(id, level, i), min, max))
    };
    fn bch_gc_model_node_ptr_min(
        m: *mut bch_gc_model,
        id: c_uint,
        level: c_uint,
        i: usize,
        inode: u64,
        offset: u64,
    ) -> c_int = EINVAL => {
        code(m.model.set_ptr_min(place(id, level, i), Bpos::new(inode, offset)))
    };
    fn bch_gc_model_node_drop(
        m: *mut bch_gc_model,
        id: c_uint,
        level: c_uint,
        i: usize,
    ) -> c_int = EINVAL => code(m.model.drop_node(place(id, level, i)));
    fn bch_gc_model_node_level(
        m: *mut bch_gc_model,
        id: c_uint,
        level: c_uint,
        i: usize,
        claimed: c_uint,
    ) -> c_int = EINVAL => {
        let claimed = u8::try_from(claimed).map_err(|_| Error::INVAL);
        code(claimed.and_then(|claimed| m.model.set_node_level(place(id, level, i), claimed)))
    };
    fn bch_gc_model_node_unreadable(
        m: *mut bch_gc_model,
        id: c_uint,
        level: c_uint,
        i: usize,
        err: c_int,
    ) -> c_int = EINVAL => {
        let errno = (err > 0).then(|| Errno::from_negative(err.wrapping_neg()));
        code(m.model.set_unreadable(place(id, level, i), errno))
    };
    fn bch_gc_model_node_put(
        m: *mut bch_gc_model,
        id: c_uint,
        level: c_uint,
        i: usize,
        key: *const u64,
        u64s: usize,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or that many words.
        let key = unsafe { key_of_words(key, u64s) }.ok_or(Error::INVAL);
        code(key.and_then(|key| m.model.put_into_node(place(id, level, i), key)))
    };
    fn bch_gc_model_node_poke(
        m: *mut bch_gc_model,
        id: c_uint,
        level: c_uint,
        i: usize,
        k: usize,
        w: usize,
        value: u64,
    ) -> c_int = EINVAL => code(m.model.poke_node(place(id, level, i), k, w, value));
}
