// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc plan` against what the original's own repair left.

mod images;

use images::each;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

/// A state of a plan as a row of the goldens, the index left out.
fn row(s: &Value) -> Value {
    let types = ["none", "sb", "journal", "btree", "data", "cached"];
    let t = types.iter().position(|t| s["data_type"] == *t).unwrap();
    let bit = |k: &str| u8::from(s[k].as_bool().unwrap());
    json!([
        s["gen"],
        t,
        bit("owned_by_allocator"),
        bit("stripe"),
        s["dirty_sectors"],
        s["cached_sectors"],
        bit("gen_valid"),
        s["oldest_gen"]
    ])
}

/// Rows of a device's buckets by number, without those that are all zero.
fn rows(state: &Value, dev: &Value) -> std::collections::BTreeMap<u64, Value> {
    let devs = list(&state["devs"]);
    let rows = devs.iter().find(|d| d["dev"] == *dev).map_or(&[][..], |d| list(&d["buckets"]));
    rows.iter().map(|r| (r[0].as_u64().unwrap(), json!(list(r)[1..]))).collect()
}

/// The plan, applied to the original's state before, as far as it differs from the
/// original's state after.
fn applied(plan: &Value, before: &Value, after: &Value) -> Vec<String> {
    let mut bad = Vec::new();
    let zero = json!([0, 0, 0, 0, 0, 0, 0, 0]);
    for dev in list(&before["devs"]) {
        let mut now = rows(before, &dev["dev"]);
        for b in list(&plan["buckets"]).iter().filter(|b| b["device"] == dev["dev"]) {
            let nr = b["bucket"].as_u64().unwrap();
            let was = now.remove(&nr).unwrap_or_else(|| zero.clone());
            if was != row(&b["before"]) {
                bad.push(format!("bucket {}:{nr} before: {b}, was {was}", dev["dev"]));
            }
            let is = row(&b["after"]);
            if is != zero {
                now.insert(nr, is);
            }
        }
        let want = rows(after, &dev["dev"]);
        for nr in now.keys().chain(want.keys()) {
            if now.get(nr) != want.get(nr) {
                let (got, want) = (now.get(nr), want.get(nr));
                bad.push(format!("bucket {}:{nr}: {got:?}, repaired {want:?}", dev["dev"]));
            }
        }
    }
    let mut usage = before["usage_base"].clone();
    for c in list(&plan["counters"]) {
        let name = c["name"].as_str().unwrap();
        match name.strip_prefix("persistent_reserved[") {
            Some(i) => {
                let i: usize = i.trim_end_matches(']').parse().unwrap();
                usage["persistent_reserved"][i] = c["after"].clone();
            }
            None => usage[name] = c["after"].clone(),
        }
    }
    for key in ["hidden", "btree", "data", "cached", "reserved", "nr_inodes", "persistent_reserved"]
    {
        let want = &after["usage_base"][key];
        if usage[key] != *want {
            bad.push(format!("{key}: {} repaired {want}", usage[key]));
        }
    }
    for want in list(&after["usage_base"]["replicas"]) {
        let planned = list(&plan["sets"]).iter().find(|s| s["bytes"] == want["bytes"]);
        let sets = list(&usage["replicas"]);
        let unchanged = || sets.iter().find(|s| s["bytes"] == want["bytes"]);
        let got = planned.map(|p| &p["after"]).or_else(|| unchanged().map(|s| &s["sectors"]));
        if got != Some(&want["sectors"]) {
            bad.push(format!("{}: {got:?} repaired {}", want["text"], want["sectors"]));
        }
    }
    bad
}

/// Oracle: the documents of the original's `fsck -y`: its state before, with the
/// plan's changes made, is its state after. Where its findings were none, nothing
/// but oldest generations is planned.
#[test]
fn planned_is_what_the_original_repaired() {
    let (runs, destructive) = (AtomicUsize::new(0), AtomicUsize::new(0));
    each(|image| {
        let Some(golden) = image.documents("golden-y.jsonl.zst") else { return Vec::new() };
        let [golden] = golden.as_slice() else { return Vec::new() };
        let unpacked = image.unpack();
        let out = unpacked.run(&["plan", "-q", "--json"]);
        let Ok(plan) = serde_json::from_slice::<Value>(&out.stdout) else {
            return vec![format!("no document: {}", String::from_utf8_lossy(&out.stderr))];
        };
        if !golden["aborted"].is_null() {
            let says = out.status.code() == Some(4);
            let bad = || vec!["the original dies here; the plan says nothing of it".to_string()];
            return if says { Vec::new() } else { bad() };
        }
        // What differs on purpose: docs/differences.md, members that are not there.
        if golden["ret"] != 0 || image.name.starts_with("degraded/") {
            return Vec::new();
        }
        runs.fetch_add(1, Ordering::Relaxed);
        let mut bad = applied(&plan, &golden["before"], &golden["after"]);
        let nr = list(&plan["buckets"]).iter().filter(|b| b["destructive"] == true).count();
        destructive.fetch_add(nr, Ordering::Relaxed);
        let found = [&golden["errors"], &golden["prior_errors"]];
        let clean = found.iter().all(|e| list(e).is_empty());
        if out.status.code() != Some(if clean { 0 } else { 4 }) {
            bad.push(format!("exit {:?}, findings: {}", out.status.code(), !clean));
        }
        bad
    });
    assert!(runs.into_inner() >= 40);
    assert!(destructive.into_inner() >= 8);
}

/// Oracle: by hand. The first changes named are those that give something up, and
/// a repair that cannot be made is said to write nothing.
#[test]
fn the_destructive_first() {
    let text = |name: &str| {
        let image = images::all().into_iter().find(|i| i.name == name).unwrap();
        String::from_utf8(image.unpack().run(&["plan", "-q"]).stdout).unwrap()
    };
    let said = text("damaged/ptr-stale-dirty");
    let freed = said.find(" freed ").unwrap();
    assert!(said.find("destructive").unwrap() < freed, "{said}");
    assert!(said.find("counters").unwrap() > freed, "{said}");
    assert!(said.contains("pointers into it are refused"), "{said}");
    let said = text("damaged/topo-min_key");
    assert!(said.contains("write nothing of this"), "{said}");
    let said = text("clean/mixed");
    assert_eq!(said, "fsck -y would change nothing here\n");
}
