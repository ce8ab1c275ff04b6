// SPDX-License-Identifier: GPL-2.0-only
//! `bch_gc_model_*`: usage, replicas, stripes, small state.

use crate::boundary::{exports, put};
use crate::fs::text_of;
use crate::header::{bch_gc_model, bch_gc_model_stripe};
use crate::model_fs::EINVAL;
use gc_core::error::{Error, code};
use gc_core::host::{Flag, Param};
use gc_core::layout::Stripe;
use gc_core::layout::usage::FS_USAGE_U64S;
use gc_model::Model;
use std::ffi::{c_char, c_int, c_uint};
use std::ptr;

exports! { crate::header;
    fn bch_gc_model_usage_words(m: *mut bch_gc_model) -> usize = 0 => m.model.usage_words().len();
    fn bch_gc_model_usage_get(m: *mut bch_gc_model, word: usize) -> u64 = 0 => {
        m.model.usage_words().get(word).copied().unwrap_or(0)
    };
    fn bch_gc_model_usage_set(
        m: *mut bch_gc_model,
        word: usize,
        value: u64,
    ) -> c_int = EINVAL => if m.model.set_usage_word(word, value) { 0 } else { EINVAL };
    fn bch_gc_model_usage_pending(
        m: *mut bch_gc_model,
        word: usize,
        add: u64,
    ) -> c_int = EINVAL => if m.model.add_pending_usage(word, add) { 0 } else { EINVAL };
    fn bch_gc_model_dev_usage_get(m: *mut bch_gc_model, dev: c_uint, word: usize) -> u64 = 0 => {
        m.model.dev_usage_words(dev).and_then(|w| w.get(word).copied()).unwrap_or(0)
    };
    fn bch_gc_model_replicas_get(m: *mut bch_gc_model, i: usize) -> *const c_char =
        ptr::null() =>
    {
        m.model.replicas().get(i).map_or(ptr::null(), |text| m.text(text))
    };
    fn bch_gc_model_replicas_word(m: *mut bch_gc_model, text: *const c_char) -> usize = 0 => {
        // SAFETY: the caller gives NULL or a string.
        let text = unsafe { text_of(text) };
        let found = text.and_then(|text| m.model.replicas().iter().position(|e| *e == text));
        found.map_or(0, |i| i.saturating_add(FS_USAGE_U64S))
    };
    fn bch_gc_model_replicas_add(
        m: *mut bch_gc_model,
        data_type: c_uint,
        nr_required: c_uint,
        devs: *const u8,
        nr: usize,
    ) -> c_int = EINVAL => {
        if devs.is_null() || nr == 0 || !(1..6).contains(&data_type) {
            return EINVAL;
        }
        // SAFETY: not NULL, so that many indexes.
        let devs = unsafe { std::slice::from_raw_parts(devs, nr) };
        let (Ok(data_type), Ok(required)) = (u8::try_from(data_type), u8::try_from(nr_required))
        else {
            return EINVAL;
        };
        let entry = Model::make_entry(data_type, required, devs).ok_or(Error::INVAL);
        code(entry.and_then(|e| m.model.add_replicas(e.get())))
    };
    fn bch_gc_model_replicas_remove(
        m: *mut bch_gc_model,
        text: *const c_char,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or a string.
        let text = unsafe { text_of(text) };
        if text.is_some_and(|text| m.model.remove_replicas(&text)) { 0 } else { EINVAL }
    };
    fn bch_gc_model_stripe_get(
        m: *mut bch_gc_model,
        idx: u64,
        out: *mut bch_gc_model_stripe,
    ) -> c_int = EINVAL => {
        let Some((s, in_heap)) = m.model.stripe(idx) else { return EINVAL };
        let stripe = bch_gc_model_stripe {
            sectors: s.sectors,
            algorithm: s.algorithm,
            nr_blocks: s.nr_blocks,
            nr_redundant: s.nr_redundant,
            blocks_nonempty: s.blocks_nonempty,
            alive: s.alive(),
            dirty: s.dirty(),
            in_heap,
            block_sectors: s.block_sectors,
        };
        // SAFETY: the caller gives NULL or a place for it.
        if unsafe { put(out, stripe) } { 0 } else { EINVAL }
    };
    fn bch_gc_model_stripe_set(
        m: *mut bch_gc_model,
        idx: u64,
        to: *const bch_gc_model_stripe,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or a stripe.
        let Some(to) = (unsafe { to.as_ref() }) else { return EINVAL };
        let mut s = m.model.stripe(idx).map_or(Stripe::ZERO, |(s, _)| s);
        s.sectors = to.sectors;
        s.algorithm = to.algorithm;
        s.nr_blocks = to.nr_blocks;
        s.nr_redundant = to.nr_redundant;
        s.blocks_nonempty = to.blocks_nonempty;
        s.set_alive(to.alive);
        s.set_dirty(to.dirty);
        s.block_sectors = to.block_sectors;
        m.model.set_stripe(idx, s);
        0
    };
    fn bch_gc_model_key_version_get(m: *mut bch_gc_model) -> u64 = 0 => {
        m.model.recorded_key_version()
    };
    fn bch_gc_model_key_version_set(m: *mut bch_gc_model, version: u64) = () => {
        m.model.record_key_version(version);
    };
    fn bch_gc_model_gc_count(m: *mut bch_gc_model) -> u64 = 0 => m.model.gc_count();
    fn bch_gc_model_journal_seq_set(m: *mut bch_gc_model, seq: u64) = () => {
        m.model.set_journal_seq(seq);
    };
    fn bch_gc_model_flag_get(m: *mut bch_gc_model, id: c_uint) -> bool = false => {
        Flag::from_number(id).is_some_and(|f| m.model.get_flag(f))
    };
    fn bch_gc_model_flag_set(m: *mut bch_gc_model, id: c_uint, value: bool) = () => {
        if let Some(f) = Flag::from_number(id) {
            m.model.put_flag(f, value);
        }
    };
    fn bch_gc_model_param_set(m: *mut bch_gc_model, id: c_uint, value: bool) = () => {
        if let Some(p) = Param::from_number(id) {
            m.model.set_param(p, value);
        }
    };
}
