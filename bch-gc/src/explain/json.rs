// SPDX-License-Identifier: GPL-2.0-only
//! An explained bucket as JSON.

use gc_core::bkey::key_type_name;
use gc_core::finding::Refusal;
use gc_core::layout::{BucketMark, DataType};
use gc_v0::explain::{Explained, Noted};
use gc_v0::files::FilePart;
use gc_v0::host::observer::{By, KeyPlace, Outcome};
use serde_json::{Value, json};

/// Everything that the text says, and which node holds each key.
pub(crate) fn bucket(e: &Explained) -> Value {
    let recorded = e.recorded.key.as_ref().map(|key| {
        let mut m = mark(e.recorded.mark);
        m["journal"] = json!(key.journal);
        m["oldest_gen"] = json!(key.fields.map(|f| f.oldest_gen));
        m
    });
    json!({
        "dev": e.dev,
        "bucket": e.bucket,
        "first_sector": e.bucket.saturating_mul(u64::from(e.geometry.bucket_size)),
        "sectors": e.geometry.bucket_size,
        "recorded": recorded,
        "counted": mark(e.counted),
        "agrees": e.agrees(),
        "findings": e.findings.iter()
            .map(|f| json!({"code": f.code, "text": f.text}))
            .collect::<Vec<_>>(),
        "remarks": e.remarks.iter()
            .map(|r| json!({"code": r.name(), "text": r.to_string()}))
            .collect::<Vec<_>>(),
        "references": e.references.iter().map(reference).collect::<Vec<_>>(),
    })
}

fn mark(m: BucketMark) -> Value {
    json!({
        "gen": m.gen_(),
        "data_type": type_name(m.data_type()),
        "dirty_sectors": m.dirty_sectors(),
        "cached_sectors": m.cached_sectors(),
        "stripe": m.stripe(),
    })
}

fn type_name(t: DataType) -> Value {
    t.name().map_or_else(|| json!(t.0), |n| json!(n))
}

fn reference(n: &Noted) -> Value {
    let r = &n.reference;
    let (kind, key) = match &r.by {
        By::Superblock => ("superblock", None),
        By::Journal => ("journal", None),
        By::Key(k) => ("key", Some(k)),
    };
    let (outcome, dirty, cached) = match r.outcome {
        Outcome::Counted { dirty, cached } => ("counted", dirty, cached),
        Outcome::Stale => ("stale", 0, 0),
        Outcome::NotReached => ("not-reached", 0, 0),
        Outcome::Refused(why) => (refusal(why), 0, 0),
    };
    let mut v = json!({
        "by": kind,
        "data_type": type_name(r.data_type),
        "outcome": outcome,
        "dirty_sectors": dirty,
        "cached_sectors": cached,
        "files": n.files.iter().map(file).collect::<Vec<_>>(),
        "sharers": n.sharers,
    });
    if let (Some(k), Some(object)) = (key, v.as_object_mut()) {
        object.insert("key".into(), place(k));
    }
    v
}

const fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::Newer => "refused-newer",
        Refusal::TooStale => "refused-too-stale",
        Refusal::StaleDirty => "refused-stale-dirty",
        Refusal::OtherType => "refused-other-type",
        Refusal::Overflow { .. } => "refused-overflow",
    }
}

fn place(k: &KeyPlace) -> Value {
    let p = k.key.k.p;
    let (inode, offset) = (p.inode, p.offset);
    let node: Vec<Value> = k
        .node
        .as_ref()
        .pointers()
        .map(|p| json!({"dev": p.dev(), "sector": p.offset(), "gen": p.gen_()}))
        .collect();
    json!({
        "btree": k.btree.name(),
        "level": k.level,
        "root": k.root,
        "journal": k.journal,
        "type": key_type_name(k.key.k.type_),
        "inode": inode,
        "offset": offset,
        "size": k.key.k.size,
        "sectors": k.sectors,
        "block": k.block,
        "ptr": {"sector": k.ptr.offset(), "gen": k.ptr.gen_(), "cached": k.ptr.cached()},
        "node": node,
    })
}

fn file(f: &FilePart) -> Value {
    json!({
        "inode": f.inode,
        "exists": f.info.is_some(),
        "unlinked": f.info.is_some_and(|i| i.unlinked),
        "size": f.info.map(|i| i.size),
        "beyond_end": f.beyond(),
        "first_sector": f.start,
        "sectors": f.sectors,
        "path": f.name.path,
        "reachable": f.name.reachable,
        "other_names": f.name.others,
    })
}
