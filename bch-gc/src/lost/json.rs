// SPDX-License-Identifier: GPL-2.0-only
//! What is lost, as JSON. Sizes are sectors of 512 bytes.

use super::{Answer, FileRow};
use gc_core::layout::Bpos;
use gc_v0::lost::{NodeLoss, Sums};
use serde_json::{Value, json};

pub(super) fn document(a: &Answer) -> Value {
    let devices: Vec<Value> = a
        .devices
        .iter()
        .map(|d| {
            json!({
                "dev": d.dev,
                "uuid": d.uuid,
                "path": d.path,
                "missing": d.path.is_none(),
                "without": d.without,
                "sectors": sums(&d.sums, 0),
            })
        })
        .collect();
    let sets: Vec<Value> = a
        .sets
        .iter()
        .map(|s| {
            let bytes: String = s.bytes.iter().map(|b| format!("{b:02x}")).collect();
            json!({
                "text": s.text,
                "bytes": bytes,
                "devices": s.devices.0,
                "devices_here": s.devices.1,
                "recorded": s.recorded,
                "sectors": sums(&s.sums, s.unknown),
            })
        })
        .collect();
    json!({
        "format": 1,
        "nothing_lost": a.nothing_lost(),
        "devices": devices,
        "sets": sets,
        "nodes": a.loss.nodes.iter().map(node).collect::<Vec<_>>(),
        "files": a.files.iter().map(file).collect::<Vec<_>>(),
        "degraded_files": a.loss.degraded_files,
        "orphaned_ranges": a.loss.orphaned,
        "nodes_not_read": a.unread,
    })
}

fn sums(s: &Sums, unknown: u64) -> Value {
    json!({
        "intact": s.intact,
        "degraded": s.degraded,
        "cut_off": s.cut_off,
        "lost": s.lost,
        "unknown": unknown,
    })
}

fn pos(p: Bpos) -> Value {
    let (inode, offset) = (p.inode, p.offset);
    json!({"inode": inode, "offset": offset})
}

fn node(n: &NodeLoss) -> Value {
    let copies: Vec<Value> =
        n.key.as_ref().pointers().map(|p| json!({"dev": p.dev(), "sector": p.offset()})).collect();
    json!({
        "btree": n.btree.name(),
        "level": n.level,
        "root": n.root,
        "from": n.from.map(pos),
        "to": pos(n.to),
        "copies": copies,
        "why": if n.away { "away" } else { "damaged" },
    })
}

fn file(f: &FileRow) -> Value {
    json!({
        "inode": f.inode,
        "path": f.name.path,
        "reachable": f.name.reachable,
        "other_names": f.name.others,
        "size": f.info.map(|i| i.size),
        "unlinked": f.info.map(|i| i.unlinked),
        "lost": f.loss.lost,
        "cut_off": f.loss.cut_off,
        "ranges": f.loss.ranges,
    })
}
