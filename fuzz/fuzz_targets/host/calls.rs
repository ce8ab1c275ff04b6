// SPDX-License-Identifier: GPL-2.0-only
//! The functions of `include/bch_gc_host.h`.
#![allow(clippy::missing_safety_doc, reason = "the header has the contracts")]

use crate::state::{State, address, dev_of, node_of, read_key, with};
use gc_core::layout::Le64;
use gc_core::layout::bkey::BkeySC;
use gc_core::layout::{BkeyFormat, Bpos, Stripe};
use gc_host_sys as sys;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;

/// Defines functions of the host over the state.
macro_rules! host {
    ($(fn $name:ident($s:ident $(, $arg:ident: $ty:ty)*) $(-> $ret:ty)? $body:block)*) => {
        $(
            /// See the header.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($arg: $ty),*) $(-> $ret)? {
                with(|$s| {
                    $s.calls += 1;
                    // The library ends when its host has nothing more to say.
                    assert!($s.calls < 4_000_000, "runs for ever");
                    $body
                })
            }
        )*
    };
}

fn put<T>(to: *mut T, v: T) {
    // SAFETY: the library hands in places of its own.
    unsafe { to.write(v) };
}

fn text(msg: *const c_char) {
    // SAFETY: texts of the library end in a NUL.
    let text = unsafe { CStr::from_ptr(msg) };
    assert!(text.count_bytes() < 512);
}

fn take<T>(locks: &mut std::collections::HashMap<usize, i64>, b: *mut T) {
    *locks.entry(b.addr()).or_default() += 1;
}

fn give<T>(locks: &mut std::collections::HashMap<usize, i64>, b: *mut T) {
    let n = locks.entry(b.addr()).or_default();
    *n -= 1;
    assert!(*n >= 0, "unlocked once too often");
}

/// Lends a key.
fn lend(s: &mut State, out: *mut sys::bkey_s_c) {
    let words = s.key();
    let k = words.as_ptr();
    let v = k.wrapping_add(5);
    s.keys.push(words);
    put(out.cast(), BkeySC { k: k.cast(), v: v.cast() });
}

/// A key of the library's.
fn look(k: *const sys::bkey_s_c) {
    // SAFETY: the library hands in a key.
    let k = unsafe { k.cast::<BkeySC>().read() };
    // SAFETY: as above.
    let n = unsafe { (*k.k).val_u64s() };
    if n > 0 {
        let v = ptr::slice_from_raw_parts(k.v.cast::<u64>(), n.into());
        // SAFETY: its value is as long as it says.
        std::hint::black_box(unsafe { &*v }.iter().fold(0, |a, b| a ^ b));
    }
}

host! {
    fn gc_host_lock(s, _c: *mut sys::bch_fs, id: c_uint) { s.locks.push(id); }
    fn gc_host_unlock(s, _c: *mut sys::bch_fs, id: c_uint) {
        assert_eq!(s.locks.pop(), Some(id), "released in reverse order");
    }
    fn gc_host_lock_unless_stopping(s, _c: *mut sys::bch_fs, id: c_uint) -> bool {
        let got = s.byte() & 15 != 15;
        if got {
            s.locks.push(id);
        }
        got
    }
    fn gc_host_assert_held(_s, _c: *mut sys::bch_fs, _id: c_uint) {}
    fn gc_host_assert_no_locks(s, _c: *mut sys::bch_fs) { assert!(s.locks.is_empty()); }
    fn gc_host_flag_test(s, _c: *mut sys::bch_fs, _flag: c_uint) -> bool { s.byte() & 1 != 0 }
    fn gc_host_flag_set(_s, _c: *mut sys::bch_fs, _flag: c_uint, _value: bool) {}
    fn gc_host_param(s, _c: *mut sys::bch_fs, _param: c_uint) -> bool { s.byte() & 3 == 3 }
    fn gc_host_sb_compat(s, _c: *mut sys::bch_fs) -> u64 { s.number() }
    fn gc_host_key_version(s, _c: *mut sys::bch_fs) -> u64 { s.number() }
    fn gc_host_key_version_set(_s, _c: *mut sys::bch_fs, _version: u64) {}
    fn gc_host_journal_cur_seq(s, _c: *mut sys::bch_fs) -> u64 { s.number() }
    fn gc_host_gc_pos(s, _c: *mut sys::bch_fs, seq: *mut *mut u32, pos: *mut *mut sys::gc_pos) {
        let words = s.pos.as_mut_ptr();
        put(seq, words);
        put(pos, words.wrapping_add(1).cast());
    }
    fn gc_host_gc_count_inc(_s, _c: *mut sys::bch_fs) {}
    fn gc_host_wait_interior_updates(_s, _c: *mut sys::bch_fs) {}
    fn gc_host_journal_block(s, _c: *mut sys::bch_fs) { s.journal_blocked += 1; }
    fn gc_host_journal_unblock(s, _c: *mut sys::bch_fs) { s.journal_blocked -= 1; }
    fn gc_host_gc_time(_s, _c: *mut sys::bch_fs, _start: u64) {}
    fn gc_host_wake_allocators(s, _c: *mut sys::bch_fs) {
        // The gc thread holds the state lock around a full run.
        assert!(s.locks.iter().all(|id| *id == sys::GC_HOST_LOCK_STATE_READ));
    }
    fn gc_host_trace(_s, _c: *mut sys::bch_fs, _event: c_uint, _arg: c_int) {}
    fn gc_host_log(_s, _c: *mut sys::bch_fs, _level: c_uint, msg: *const c_char) { text(msg); }
    fn gc_host_fsck_err(
        s, _c: *mut sys::bch_fs, code: c_uint, _flags: c_uint, msg: *const c_char
    ) -> c_int {
        text(msg);
        assert!(code < sys::GC_HOST_FINDING_NR);
        match s.byte() {
            b @ 0..=99 => i32::from(b & 1),
            100..=119 => 2,
            b => i32::from(b) - 150,
        }
    }
    fn gc_host_flush_fsck_errs(_s, _c: *mut sys::bch_fs) {}
    fn gc_host_dev_next(
        s, _c: *mut sys::bch_fs, idx: *mut c_uint, _online: bool
    ) -> *mut sys::bch_dev {
        if s.over() {
            return ptr::null_mut();
        }
        // SAFETY: the library's own place.
        let from = unsafe { idx.read() };
        let at = match s.byte() {
            0 => s.number() as usize,
            _ => from as usize,
        };
        let odd = s.byte() == 1;
        let Some(dev) = s.devs.get(at).map(|d| address(d.as_ref())) else {
            return ptr::null_mut();
        };
        put(idx, if odd { s.number() as u32 } else { at as u32 });
        s.refs += 1;
        dev
    }
    fn gc_host_dev_put(s, ca: *mut sys::bch_dev, _online: bool) {
        dev_of(s, ca);
        s.refs -= 1;
    }
    fn gc_host_dev_geom(s, ca: *mut sys::bch_dev, out: *mut sys::gc_host_dev_geom) {
        let [nbuckets, size, first, idx] = dev_of(s, ca).geom;
        put(out, sys::gc_host_dev_geom {
            nbuckets,
            bucket_size: size as u32,
            first_bucket: first as u32,
            dev_idx: idx as u32,
        });
    }
    fn gc_host_dev_buckets(s, ca: *mut sys::bch_dev, gc: bool) -> *mut sys::bucket_array {
        let b = &mut dev_of(s, ca).buckets[usize::from(gc)];
        if b.is_empty() { ptr::null_mut() } else { b.as_mut_ptr().cast() }
    }
    fn gc_host_dev_gc_alloc_buckets(s, _c: *mut sys::bch_fs, ca: *mut sys::bch_dev) -> c_int {
        dev_of(s, ca);
        s.result()
    }
    fn gc_host_dev_gc_alloc_usage(s, _c: *mut sys::bch_fs, ca: *mut sys::bch_dev) -> c_int {
        dev_of(s, ca);
        s.result()
    }
    fn gc_host_dev_gc_free(s, _c: *mut sys::bch_fs, ca: *mut sys::bch_dev) { dev_of(s, ca); }
    fn gc_host_dev_sb_layout(s, ca: *mut sys::bch_dev, out: *mut sys::gc_host_sb_layout) {
        dev_of(s, ca);
        let mut l = sys::gc_host_sb_layout { offset: [0; 61], nr: 0, max_size_bits: 0 };
        l.nr = s.number() as u32;
        l.max_size_bits = s.number() as u32;
        for n in 0..usize::from(s.byte()) % 61 {
            l.offset[n] = s.number();
        }
        put(out, l);
    }
    fn gc_host_dev_journal(s, ca: *mut sys::bch_dev, buckets: *mut *const u64) -> c_uint {
        let null = s.byte() == 1;
        let j = &dev_of(s, ca).journal;
        put(buckets, if null { ptr::null() } else { j.as_ptr() });
        j.len() as c_uint
    }
    fn gc_host_dev_reserve_bucket(
        s, ca: *mut sys::bch_dev, _fifo: c_uint, _n: usize, bucket: *mut usize
    ) -> bool {
        dev_of(s, ca);
        let more = s.more();
        if more {
            put(bucket, s.number() as usize);
        }
        more
    }
    fn gc_host_open_buckets_nr(s, _c: *mut sys::bch_fs) -> c_uint {
        match s.byte() {
            b @ 0..=250 => c_uint::from(b & 31),
            b => c_uint::from(b) << 4,
        }
    }
    fn gc_host_open_bucket_lock(
        s, _c: *mut sys::bch_fs, i: c_uint, ptr: *mut sys::bch_extent_ptr
    ) -> bool {
        s.open_buckets.push(i);
        put(ptr.cast(), s.number());
        s.byte() & 1 != 0
    }
    fn gc_host_open_bucket_unlock(s, _c: *mut sys::bch_fs, i: c_uint) {
        assert_eq!(s.open_buckets.pop(), Some(i));
    }
    fn gc_host_mark_key(
        s, _c: *mut sys::bch_fs, k: *const sys::bkey_s_c, _sectors: i64, _flags: c_uint
    ) -> c_int {
        look(k);
        s.result()
    }
    fn gc_host_counters(s, _c: *mut sys::bch_fs, out: *mut sys::gc_host_counters) {
        let (nr, stride) = (u32::from(s.byte() & 7), u32::from(s.byte() % 24));
        let null = s.byte() == 1;
        let rows: Vec<u8> = (0..nr * stride).map(|_| s.byte() & 7).collect();
        let replicas = if null { ptr::null() } else { rows.as_ptr() };
        s.rows.push(rows);
        put(out, sys::gc_host_counters { replicas, nr, stride, btree_node_size: s.number() as u32 });
    }
    fn gc_host_usage_add(_s, _c: *mut sys::bch_fs, words: *const u64, nr: c_uint) {
        // SAFETY: the library hands in so many words.
        let words = unsafe { std::slice::from_raw_parts(words, nr as usize) };
        assert!(words.len() >= 11);
    }
    fn gc_host_replicas_marked(s, _c: *mut sys::bch_fs, k: *const sys::bkey_s_c) -> bool {
        look(k);
        s.byte() & 3 != 0
    }
    fn gc_host_mark_replicas(s, _c: *mut sys::bch_fs, k: *const sys::bkey_s_c) -> c_int {
        look(k);
        s.result()
    }
    fn gc_host_mark_metadata_bucket(
        s, _c: *mut sys::bch_fs, ca: *mut sys::bch_dev, bucket: usize, _type: c_uint,
        _sectors: c_uint, _pos: *const sys::gc_pos, _flags: c_uint
    ) {
        assert!((bucket as u64) < dev_of(s, ca).geom[0], "within the device");
    }
    fn gc_host_mark_alloc_bucket(
        s, _c: *mut sys::bch_fs, ca: *mut sys::bch_dev, bucket: usize, _owned: bool,
        _pos: *const sys::gc_pos, _flags: c_uint
    ) {
        assert!((bucket as u64) < dev_of(s, ca).geom[0], "within the device");
    }
    fn gc_host_stripes_gc_alloc(s, _c: *mut sys::bch_fs) -> c_int { s.result() }
    fn gc_host_stripe_gc_slot(s, _c: *mut sys::bch_fs, _idx: u64) -> c_int { s.result() }
    fn gc_host_stripes_gc_free(_s, _c: *mut sys::bch_fs) {}
    fn gc_host_stripe_next(
        s, _c: *mut sys::bch_fs, idx: *mut usize, live: *mut *mut sys::stripe,
        gc: *mut *mut sys::stripe
    ) -> bool {
        if !s.more() {
            return false;
        }
        let mut two = [ptr::null_mut(); 2];
        for slot in &mut two {
            if s.byte() == 1 {
                continue;
            }
            let mut stripe = Box::new(Stripe::ZERO);
            stripe.flags = s.byte();
            stripe.nr_blocks = s.byte();
            stripe.nr_redundant = s.byte();
            stripe.blocks_nonempty = s.byte();
            stripe.block_sectors[usize::from(s.byte()) % 16] = s.number() as u16;
            *slot = ptr::from_mut(stripe.as_mut()).cast();
            s.stripes.push(stripe);
        }
        put(live, two[0]);
        put(gc, two[1]);
        if s.byte() & 15 == 0 {
            put(idx, s.number() as usize);
        }
        true
    }
    fn gc_host_stripes_heap_reset(_s, _c: *mut sys::bch_fs) {}
    fn gc_host_stripes_heap_insert(_s, _c: *mut sys::bch_fs, _st: *mut sys::stripe, _i: usize) {}
    fn gc_host_usage_gc_alloc(s, _c: *mut sys::bch_fs) -> c_int { s.result() }
    fn gc_host_usage_gc_free(_s, _c: *mut sys::bch_fs) {}
    fn gc_host_usage_fold(_s, _c: *mut sys::bch_fs) {}
    fn gc_host_dev_usage_set(
        s, _c: *mut sys::bch_fs, ca: *mut sys::bch_dev, _usage: *const sys::bch_dev_usage
    ) {
        dev_of(s, ca);
    }
    fn gc_host_usage(s, _c: *mut sys::bch_fs, gc: bool, nr: *mut c_uint) -> *mut u64 {
        let null = s.byte() == 1;
        let words = &mut s.usage[usize::from(gc)];
        put(nr, words.len() as c_uint);
        if null { ptr::null_mut() } else { words.as_mut_ptr() }
    }
    fn gc_host_replicas_entry(
        s, _c: *mut sys::bch_fs, _i: c_uint
    ) -> *const sys::bch_replicas_entry {
        if s.byte() & 7 == 7 {
            return ptr::null();
        }
        for n in 0..3 {
            s.entry[n] = s.byte();
        }
        s.entry.as_ptr().cast()
    }
    fn gc_host_btree_root(s, _c: *mut sys::bch_fs, _id: c_uint) -> *mut sys::btree {
        if s.over() { ptr::null_mut() } else { s.node() }
    }
    fn gc_host_node_info(s, b: *mut sys::btree, out: *mut sys::gc_host_node_info) {
        let (seq, fake) = (s.byte(), s.byte() == 1);
        let odd_level = (s.byte() == 1).then(|| s.byte());
        let n = node_of(s, b);
        put(out, sys::gc_host_node_info {
            min_key: ptr::from_ref(&n.min).cast(),
            max_key: ptr::from_ref(&n.max).cast(),
            key: n.key.as_ptr().cast(),
            seq: seq.into(),
            level: odd_level.unwrap_or(n.level),
            btree_id: n.btree,
            fake,
        });
    }
    fn gc_host_node_lock_read(s, b: *mut sys::btree) {
        node_of(s, b);
        take(&mut s.node_reads, b);
    }
    fn gc_host_node_unlock_read(s, b: *mut sys::btree) {
        node_of(s, b);
        give(&mut s.node_reads, b);
    }
    fn gc_host_node_get(
        s, _c: *mut sys::bch_fs, k: *const sys::bkey_i, _id: c_uint, level: c_uint,
        out: *mut *mut sys::btree, checked: *mut bool
    ) -> c_int {
        read_key(k.cast());
        put(checked, s.byte() & 1 != 0);
        let ret = s.result();
        let node = s.node();
        put(out, node);
        if !node.is_null() {
            if s.byte() & 7 != 0 {
                node_of(s, node).level = level as u8;
            }
            if ret == 0 {
                take(&mut s.node_reads, node);
            }
        }
        ret
    }
    fn gc_host_debugcheck(
        s, _c: *mut sys::bch_fs, b: *mut sys::btree, k: *const sys::bkey_s_c
    ) {
        node_of(s, b);
        look(k);
    }
    fn gc_host_read_ahead(_s, _c: *mut sys::bch_fs, k: *const sys::bkey_i) {
        read_key(k.cast());
    }
    fn gc_host_node_set(
        s, _c: *mut sys::bch_fs, _keys: *mut sys::journal_keys, b: *mut sys::btree,
        out: *mut sys::gc_host_node_set
    ) -> bool {
        node_of(s, b);
        if s.byte() & 1 == 0 {
            return false;
        }
        let mut words = Vec::new();
        while s.more() {
            if s.byte() & 7 == 0 {
                words.push(s.number());
            } else {
                words.extend_from_slice(&s.key());
            }
        }
        let mut format = BkeyFormat::CURRENT;
        if s.byte() & 3 == 0 {
            format.key_u64s = s.byte() & 7;
            format.bits_per_field.fill_with(|| s.byte() & 63);
            format.field_offset.fill_with(|| Le64::new(s.number()));
        }
        s.formats.push(Box::new(format));
        s.keys.push(words.into());
        let (Some(format), Some(keys)) = (s.formats.last(), s.keys.last()) else { return false };
        put(out, sys::gc_host_node_set {
            format: if s.calls & 63 == 0 { ptr::null() } else { ptr::from_ref(format.as_ref()).cast() },
            keys: if s.calls & 63 == 1 { ptr::null() } else { keys.as_ptr() },
            u64s: keys.len() as u32,
        });
        true
    }
    fn gc_host_node_keys_init(
        s, it: *mut sys::gc_host_node_keys, _keys: *mut sys::journal_keys, b: *mut sys::btree
    ) {
        node_of(s, b);
        put(it, sys::gc_host_node_keys { opaque: [7; 18] });
    }
    fn gc_host_node_keys_next(
        s, _it: *mut sys::gc_host_node_keys, out: *mut sys::bkey_s_c
    ) -> bool {
        let more = s.more();
        if more && s.byte() != 1 {
            lend(s, out);
        }
        more
    }
    fn gc_host_walk_open(
        s, _c: *mut sys::bch_fs, _id: c_uint, _kind: c_uint, _locks: c_uint, _depth: c_uint
    ) -> *mut sys::gc_host_walk {
        if s.byte() == 1 {
            return ptr::null_mut();
        }
        let walk = Box::new(0_u64);
        let at = address(walk.as_ref());
        s.walks.push(walk);
        at
    }
    fn gc_host_walk_next_key(
        s, w: *mut sys::gc_host_walk, out: *mut sys::bkey_s_c
    ) -> c_int {
        open(s, w);
        if !s.more() {
            return 0;
        }
        match s.result() {
            0 => {
                if s.byte() != 1 {
                    lend(s, out);
                }
                1
            }
            other => other,
        }
    }
    fn gc_host_walk_next_node(
        s, w: *mut sys::gc_host_walk, out: *mut *mut sys::btree
    ) -> c_int {
        open(s, w);
        if !s.more() {
            return 0;
        }
        let node = s.node();
        put(out, node);
        match s.result() {
            0 => 1,
            other => other,
        }
    }
    fn gc_host_walk_resched(s, w: *mut sys::gc_host_walk) { open(s, w); }
    fn gc_host_walk_rewrite(
        s, w: *mut sys::gc_host_walk, b: *mut sys::btree, _flags: c_uint
    ) -> c_int {
        open(s, w);
        node_of(s, b);
        s.result()
    }
    fn gc_host_walk_close(s, w: *mut sys::gc_host_walk) -> c_int {
        open(s, w);
        s.walks.retain(|x| address::<u64, sys::gc_host_walk>(x) != w);
        s.result()
    }
    fn gc_host_node_size(s, _c: *mut sys::bch_fs, bytes: *mut u64, block: *mut u64) {
        let (a, b) = if s.byte() & 3 == 0 { (s.number(), s.number()) } else { (2048, 512) };
        put(bytes, a);
        put(block, b);
    }
    fn gc_host_node_live_u64s(s, b: *mut sys::btree) -> u32 {
        node_of(s, b);
        if s.byte() & 3 == 0 { s.number() as u32 } else { s.byte().into() }
    }
    fn gc_host_node_relock_intent(s, b: *mut sys::btree, _seq: u32) -> bool {
        node_of(s, b);
        let got = s.byte() & 7 != 7;
        if got {
            take(&mut s.node_intents, b);
        }
        got
    }
    fn gc_host_node_unlock_intent(s, b: *mut sys::btree) {
        node_of(s, b);
        give(&mut s.node_intents, b);
    }
    fn gc_host_walk_parent(
        s, w: *mut sys::gc_host_walk, b: *mut sys::btree
    ) -> *mut sys::btree {
        open(s, w);
        node_of(s, b);
        s.node()
    }
    fn gc_host_walk_replace(
        s, w: *mut sys::gc_host_walk, r: *const sys::gc_host_replacement,
        now: *mut *mut sys::btree
    ) -> c_int {
        open(s, w);
        replacement(s, r);
        // Whatever comes of it, the locks are gone.
        s.node_intents.clear();
        let node = s.node();
        put(now, node);
        s.result()
    }
    fn gc_host_walk_wait(
        s, w: *mut sys::gc_host_walk, now: *mut *mut sys::btree
    ) -> c_int {
        open(s, w);
        let node = s.node();
        put(now, node);
        match s.result() {
            0 => i32::from(s.byte() & 1),
            other => other,
        }
    }
    fn gc_host_thread_start(
        s, _c: *mut sys::bch_fs,
        f: Option<unsafe extern "C" fn(arg: *mut c_void) -> c_int>, arg: *mut c_void
    ) -> c_int {
        let ret = s.result();
        if ret == 0 {
            s.thread = f.map(|f| (f, arg.addr()));
        }
        ret
    }
    fn gc_host_thread_stop(_s, _c: *mut sys::bch_fs) {}
    fn gc_host_should_stop(s, _c: *mut sys::bch_fs) -> bool { s.over() || s.byte() == 1 }
    fn gc_host_kicks(s, _c: *mut sys::bch_fs) -> c_uint { s.number() as c_uint }
    fn gc_host_io_clock(s, _c: *mut sys::bch_fs) -> u64 { s.number() }
    fn gc_host_capacity(s, _c: *mut sys::bch_fs) -> u64 { s.number() }
    fn gc_host_wait_prepare(s, _c: *mut sys::bch_fs) { s.waits = 1; }
    fn gc_host_wait_sleep(s, _c: *mut sys::bch_fs, _deadline: u64) { assert!(s.locks.is_empty()); }
    fn gc_host_wait_finish(s, _c: *mut sys::bch_fs) { s.waits = 0; }
}

fn open(s: &State, w: *mut sys::gc_host_walk) {
    let known = s.walks.iter().any(|x| address::<u64, sys::gc_host_walk>(x) == w);
    assert!(known, "a walk that is open");
}

/// What the header promises of it.
fn replacement(s: &mut State, r: *const sys::gc_host_replacement) {
    // SAFETY: the library hands in a replacement.
    let r = unsafe { &*r };
    let (old, new, keys) = (r.nr_old as usize, r.nr_new as usize, r.nr_keys as usize);
    assert!((2..=4).contains(&old) && (1..old).contains(&new) && keys <= 8);
    node_of(s, r.parent);
    for i in 0..old {
        // SAFETY: as many as it says.
        let b = unsafe { r.old_nodes.wrapping_add(i).read() };
        node_of(s, b);
    }
    for i in 0..new {
        // SAFETY: as many as it says.
        let n = unsafe { r.new_nodes.wrapping_add(i).read() };
        let words = ptr::slice_from_raw_parts(n.keys, n.u64s as usize);
        // SAFETY: its keys lie whole.
        std::hint::black_box(unsafe { &*words }.iter().fold(0, |a, b| a ^ b));
    }
    let mut last: Option<Bpos> = None;
    for i in 0..keys {
        // SAFETY: as many as it says.
        let k = unsafe { r.keys.wrapping_add(i).read() };
        // SAFETY: its position.
        let p = unsafe { k.pos.cast::<Bpos>().read_unaligned() };
        assert!(last.is_none_or(|l| l < p), "strictly ascending");
        assert!(k.new_node == sys::GC_HOST_NEW_NONE || (k.new_node as usize) < new);
        last = Some(p);
    }
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn gc_host_abi() -> c_uint {
    sys::BCH_GC_HOST_ABI
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn gc_host_clock() -> u64 {
    with(State::number)
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gc_host_bug(msg: *const c_char) -> ! {
    // SAFETY: texts of the library end in a NUL.
    panic!("the library found itself broken: {:?}", unsafe { CStr::from_ptr(msg) });
}

/// Runs the thread that was started, if one was.
pub fn run_thread() {
    if let Some((f, arg)) = with(|s| s.thread.take()) {
        // SAFETY: as the library asked for it.
        unsafe { f(ptr::with_exposed_provenance_mut(arg)) };
    }
}
