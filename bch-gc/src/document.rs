// SPDX-License-Identifier: GPL-2.0-only
//! The state of a file system as JSON.

use crate::failure::Failure;
use crate::recorder::Recorded;
use gc_core::finding::Answer;
use gc_core::layout::{Bucket, DevUsage, Stripe};
use gc_v0::fs::uuid_text;
use gc_v0::host::Image;
use gc_v0::report::Unreadable;
use serde_json::{Value, json};
use std::io::{StdoutLock, Write};
use std::sync::atomic::Ordering;

/// Prints a document as one line.
pub(crate) fn line(out: &mut impl Write, document: &Value) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, document)?;
    writeln!(out)?;
    Ok(())
}

/// Prints an answer for programs or for people.
pub(crate) fn answer(
    json: bool,
    document: impl FnOnce() -> Value,
    text: impl FnOnce(&mut StdoutLock<'_>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if json {
        line(&mut out, &document())?
    } else {
        text(&mut out)?
    }
    out.flush()?;
    Ok(())
}

/// Buckets, usage and stripes as they are now.
pub(crate) fn state(image: &Image<'_>) -> Value {
    let devs: Vec<Value> = image
        .fs()
        .members()
        .map(|(idx, dev)| {
            let m = dev.member;
            let mut told = json!({
                "dev": idx,
                "nbuckets": m.nbuckets,
                "first_bucket": m.first_bucket,
                "bucket_size": m.bucket_size,
                "online": dev.online.is_some(),
                "usage": dev_usage(&image.device_usage(idx)),
            });
            // Moved, not copied: there may be millions.
            told["buckets"] = Value::Array(buckets(&dev.buckets));
            told
        })
        .collect();
    let mut stripes = Vec::new();
    image.each_stripe(|idx, s| {
        if *s != Stripe::ZERO {
            stripes.push(stripe(idx, s));
        }
    });
    let mut state = json!({
        "key_version": image.highest_key_version(),
        "usage_base": usage(image),
        "usage_pending": null,
        "stripes": stripes,
    });
    state["devs"] = Value::Array(devs);
    state
}

fn buckets(buckets: &[Bucket]) -> Vec<Value> {
    (0_u64..)
        .zip(buckets)
        .filter_map(|(i, b)| {
            let m = b.load_mark(Ordering::Relaxed);
            let row = [
                u64::from(m.gen_()),
                u64::from(m.data_type_raw()),
                u64::from(m.owned_by_allocator()),
                u64::from(m.stripe()),
                u64::from(m.dirty_sectors()),
                u64::from(m.cached_sectors()),
                u64::from(b.gen_valid()),
                u64::from(b.oldest_gen.load(Ordering::Relaxed)),
            ];
            if row == [0; 8] {
                return None;
            }
            Some(Value::Array(core::iter::once(i).chain(row).map(Value::from).collect()))
        })
        .collect()
}

fn dev_usage(u: &DevUsage) -> Value {
    json!({
        "buckets": u.buckets,
        "buckets_alloc": u.buckets_alloc,
        "buckets_ec": u.buckets_ec,
        "buckets_unavailable": u.buckets_unavailable,
        "sectors": u.sectors,
        "sectors_fragmented": u.sectors_fragmented,
    })
}

fn usage(image: &Image<'_>) -> Value {
    image.with_usage(|words, table| {
        let word = |i: usize| words.get(i).copied().unwrap_or(0);
        let sets: Vec<Value> = (11_usize..)
            .zip(table.view().iter())
            .map(|(i, e)| {
                json!({"text": e.to_string(), "bytes": hex(e.as_bytes()), "sectors": word(i)})
            })
            .collect();
        json!({
            "online_reserved": word(0),
            "hidden": word(1),
            "btree": word(2),
            "data": word(3),
            "cached": word(4),
            "reserved": word(5),
            "nr_inodes": word(6),
            "persistent_reserved": [word(7), word(8), word(9), word(10)],
            "replicas": sets,
        })
    })
}

/// One stripe.
pub(crate) fn stripe(idx: u64, s: &Stripe) -> Value {
    let e = gc_core::accounting::replicas::Entry::from_padded(&s.r);
    json!({
        "idx": idx,
        "alive": u8::from(s.alive()),
        "sectors": s.sectors,
        "algorithm": s.algorithm,
        "nr_blocks": s.nr_blocks,
        "nr_redundant": s.nr_redundant,
        "blocks_nonempty": s.blocks_nonempty,
        "block_sectors": s.block_sectors,
        "r": e.map_or_else(String::new, |e| hex(e.get().as_bytes())),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Findings in order.
pub(crate) fn findings(all: &[Recorded]) -> Value {
    all.iter()
        .map(|r| {
            json!({
                "pass": r.pass,
                "flags": r.found.flags.0,
                "code": r.found.code.name(),
                "text": r.found.text,
                "ret": match r.answer {
                    Answer::Fix => "FIX",
                    Answer::Ignore => "IGNORE",
                    Answer::Exit => "EXIT",
                },
            })
        })
        .collect()
}

/// What could not be read.
pub(crate) fn unreadable(all: &[Unreadable]) -> Value {
    all.iter()
        .map(|u| {
            json!({
                "device": u.path.display().to_string(),
                "sector": u.sector,
                "sectors": u.sectors,
                "bucket": u.bucket,
                "holds": u.holds.to_string(),
            })
        })
        .collect()
}

/// Members that are not there.
pub(crate) fn missing(image: &Image<'_>) -> Value {
    image
        .fs()
        .members()
        .filter(|(_, dev)| dev.online.is_none())
        .map(|(idx, dev)| json!({"device": idx, "uuid": uuid_text(&dev.member.uuid)}))
        .collect()
}

/// What the superblock says.
pub(crate) fn superblock(image: &Image<'_>) -> Value {
    let fs = image.fs();
    json!({
        "clean": u8::from(fs.flags.clean),
        "compat": image.compat(),
        "features": fs.flags.features,
        "nr_devices": fs.sb.nr_devices(),
        "block_size": fs.sb.block_size(),
        "btree_node_size": fs.sb.btree_node_size(),
        "encryption_type": fs.sb.encryption_type(),
    })
}
