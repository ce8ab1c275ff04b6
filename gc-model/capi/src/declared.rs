// SPDX-License-Identifier: GPL-2.0-only
//! That the functions written out by hand have the types their headers declare;
//! those made by `exports!` are compared there.

use crate::header::{
    self, bch_gc_model, bch_gc_model_message as Message, bch_gc_model_options as Options,
};
use crate::{host_btree, host_coalesce, host_marking, host_state, model_fs, model_record};
use gc_host_sys::{
    self as sys, bch_dev, bch_fs, bkey_s_c, btree, gc_host_node_keys as Keys, gc_host_walk as Walk,
    gc_pos, journal_keys,
};
use std::ffi::{c_char, c_int, c_uint};

macro_rules! same {
    ($($type:ty = $here:path, $declared:path;)*) => { $(
        const _: fn() = || {
            let _same: [$type; 2] = [$here, $declared];
        };
    )* };
}

#[allow(dead_code, reason = "Rust 1.85 does not see uses inside of `const _`")]
type U = c_uint;
#[allow(dead_code, reason = "as above")]
type Text = *const c_char;

same! {
    unsafe extern "C" fn() -> U = host_state::gc_host_abi, sys::gc_host_abi;
    unsafe extern "C" fn() -> u64 = host_state::gc_host_clock, sys::gc_host_clock;
    unsafe extern "C" fn(*mut bch_fs, U, Text) = host_state::gc_host_log, sys::gc_host_log;
    unsafe extern "C" fn(Text) -> ! = host_state::gc_host_bug, sys::gc_host_bug;
    unsafe extern "C" fn(*mut bch_fs, *mut bch_dev, usize, U, U, *const gc_pos, U) =
        host_marking::gc_host_mark_metadata_bucket, sys::gc_host_mark_metadata_bucket;
    unsafe extern "C" fn(*mut Keys, *mut journal_keys, *mut btree) =
        host_btree::gc_host_node_keys_init, sys::gc_host_node_keys_init;
    unsafe extern "C" fn(*mut Keys, *mut bkey_s_c) -> bool =
        host_btree::gc_host_node_keys_next, sys::gc_host_node_keys_next;
    unsafe extern "C" fn(*mut Walk, *mut bkey_s_c) -> c_int =
        host_btree::gc_host_walk_next_key, sys::gc_host_walk_next_key;
    unsafe extern "C" fn(*mut Walk, *mut *mut btree) -> c_int =
        host_btree::gc_host_walk_next_node, sys::gc_host_walk_next_node;
    unsafe extern "C" fn(*mut Walk) = host_btree::gc_host_walk_resched, sys::gc_host_walk_resched;
    unsafe extern "C" fn(*mut Walk, *mut btree, U) -> c_int =
        host_btree::gc_host_walk_rewrite, sys::gc_host_walk_rewrite;
    unsafe extern "C" fn(*mut Walk) -> c_int =
        host_btree::gc_host_walk_close, sys::gc_host_walk_close;
    unsafe extern "C" fn(*mut Walk, *mut btree) -> *mut btree =
        host_coalesce::gc_host_walk_parent, sys::gc_host_walk_parent;
    unsafe extern "C" fn(*mut Walk, *const sys::gc_host_replacement, *mut *mut btree) -> c_int =
        host_coalesce::gc_host_walk_replace, sys::gc_host_walk_replace;
    unsafe extern "C" fn(*mut Walk, *mut *mut btree) -> c_int =
        host_coalesce::gc_host_walk_wait, sys::gc_host_walk_wait;

    unsafe extern "C" fn() -> U = model_fs::bch_gc_model_abi, header::bch_gc_model_abi;
    unsafe extern "C" fn() -> Text = model_fs::bch_gc_model_version, header::bch_gc_model_version;
    unsafe extern "C" fn(U) =
        model_fs::bch_gc_model_pretend_abi, header::bch_gc_model_pretend_abi;
    unsafe extern "C" fn(*mut Options) =
        model_fs::bch_gc_model_options_init, header::bch_gc_model_options_init;
    unsafe extern "C" fn(*const Options) -> *mut bch_gc_model =
        model_fs::bch_gc_model_create, header::bch_gc_model_create;
    unsafe extern "C" fn(*mut bch_gc_model) =
        model_fs::bch_gc_model_destroy, header::bch_gc_model_destroy;
    unsafe extern "C" fn(*mut bch_gc_model) -> usize =
        model_record::bch_gc_model_messages, header::bch_gc_model_messages;
    unsafe extern "C" fn(*mut bch_gc_model, usize, *mut Message) -> c_int =
        model_record::bch_gc_model_message, header::bch_gc_model_message;
    unsafe extern "C" fn(*mut bch_gc_model, Text) -> usize =
        model_record::bch_gc_model_messages_with, header::bch_gc_model_messages_with;
    unsafe extern "C" fn(*mut bch_gc_model) =
        model_record::bch_gc_model_messages_clear, header::bch_gc_model_messages_clear;
    unsafe extern "C" fn(usize) -> Text =
        model_record::bch_gc_model_fallible, header::bch_gc_model_fallible;
}
