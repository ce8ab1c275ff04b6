// SPDX-License-Identifier: GPL-2.0-only
//! A plan as JSON. Sizes are sectors of 512 bytes.

use super::Answer;
use crate::document;
use gc_core::layout::DataType;
use gc_v0::plan::{BucketState, NumberChange};
use serde_json::{Value, json};

pub(super) fn document(a: &Answer) -> Value {
    let buckets: Vec<Value> = a
        .plan
        .buckets
        .iter()
        .map(|b| {
            json!({
                "dev": b.dev,
                "bucket": b.bucket,
                "kind": b.kind.name(),
                "destructive": b.kind.destructive(),
                "refused_pointers": b.refused,
                "before": state(b.before),
                "after": state(b.after),
            })
        })
        .collect();
    let stripes: Vec<Value> = a
        .plan
        .stripes
        .iter()
        .map(|s| {
            let (before, after) = (&s.before, &s.after);
            json!({
                "before": document::stripe(s.idx, before),
                "after": document::stripe(s.idx, after),
            })
        })
        .collect();
    json!({
        "format": 1,
        "ret": a.ret,
        "reading": document::findings(&a.reading),
        "buckets": buckets,
        "counters": a.plan.counters.iter().map(number).collect::<Vec<_>>(),
        "sets": a.plan.sets.iter().map(number).collect::<Vec<_>>(),
        "stripes": stripes,
        "key_version": a.plan.key_version.map(|(was, is)| json!({"before": was, "after": is})),
        "left": document::findings(&a.left),
    })
}

fn state(s: BucketState) -> Value {
    let m = s.mark;
    let t = m.data_type();
    json!({
        "gen": m.gen_(),
        "data_type": if t == DataType::NONE { Some("none") } else { t.name() },
        "owned_by_allocator": m.owned_by_allocator(),
        "stripe": m.stripe(),
        "dirty_sectors": m.dirty_sectors(),
        "cached_sectors": m.cached_sectors(),
        "gen_valid": s.gen_valid,
        "oldest_gen": s.oldest_gen,
    })
}

fn number(n: &NumberChange) -> Value {
    let bytes: String = n.bytes.iter().map(|b| format!("{b:02x}")).collect();
    json!({"name": n.name, "bytes": bytes, "before": n.before, "after": n.after})
}
