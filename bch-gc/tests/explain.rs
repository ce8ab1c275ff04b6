// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc explain` on real images.

mod images;

use images::{all, each};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

/// Buckets that the golden's findings name.
fn named(golden: &Value) -> BTreeSet<(u64, u64)> {
    let texts = list(&golden["errors"]).iter().filter_map(|e| e["text"].as_str());
    texts
        .filter_map(|t| {
            let (dev, bucket) = t.strip_prefix("bucket ")?.split(' ').next()?.split_once(':')?;
            Some((dev.parse().ok()?, bucket.parse().ok()?))
        })
        .collect()
}

/// Oracle: the original's own counts. Every bucket that its findings name is
/// explained, what is counted is what the original had afterwards, and the
/// references shown add up to it.
#[test]
fn references_add_up_to_what_the_original_counted() {
    let explained = AtomicUsize::new(0);
    each(|image| {
        let Some(golden) = image.documents("golden-n.jsonl.zst") else { return Vec::new() };
        let [golden] = golden.as_slice() else { return Vec::new() };
        if golden["ret"] != 0 || image.name.starts_with("degraded/") {
            return Vec::new();
        }
        let unpacked = image.unpack();
        let args = ["explain", "--all-findings", "--json", "-q", "--max", "10000"];
        let out = unpacked.run(&args);
        let Ok(doc) = serde_json::from_slice::<Value>(&out.stdout) else {
            return vec![format!("no document: {}", String::from_utf8_lossy(&out.stderr))];
        };
        let mut bad = Vec::new();
        let mut seen = BTreeSet::new();
        for b in list(&doc["buckets"]) {
            explained.fetch_add(1, Ordering::Relaxed);
            let (dev, nr) = (b["device"].as_u64().unwrap(), b["bucket"].as_u64().unwrap());
            seen.insert((dev, nr));
            let devs = list(&golden["after"]["devs"]);
            let rows = devs.iter().find(|d| d["dev"] == dev).map(|d| list(&d["buckets"]));
            let row = rows.unwrap_or(&[]).iter().find(|r| r[0] == nr).cloned();
            let row = row.unwrap_or_else(|| json!([nr, 0, 0, 0, 0, 0, 0, 0, 0]));
            let counted = &b["counted"];
            let got = json!([counted["gen"], counted["dirty_sectors"], counted["cached_sectors"]]);
            if got != json!([row[1], row[5], row[6]]) {
                bad.push(format!("bucket {dev}:{nr}: {counted}, the original has {row}"));
            }
            let sum = |field: &str| -> u64 {
                list(&b["references"]).iter().map(|r| r[field].as_u64().unwrap()).sum()
            };
            if json!([sum("dirty_sectors"), sum("cached_sectors")]) != json!([row[5], row[6]]) {
                bad.push(format!("bucket {dev}:{nr}: references add up to something else"));
            }
        }
        let want = named(golden);
        if want != seen {
            bad.push(format!("explained {seen:?}, named {want:?}"));
        }
        bad
    });
    assert!(explained.into_inner() >= 60);
}

fn one(name: &str, args: &[&str]) -> (Value, Option<i32>) {
    let image = all().into_iter().find(|i| i.name == name).unwrap();
    let unpacked = image.unpack();
    let out = unpacked.run(&[&["explain", "--json", "-q"], args].concat());
    (serde_json::from_slice(&out.stdout).unwrap(), out.status.code())
}

fn remarks(bucket: &Value) -> Vec<&str> {
    list(&bucket["remarks"]).iter().map(|r| r["name"].as_str().unwrap()).collect()
}

/// Oracle: what was planted, as META.json of the image says: an extent's pointer
/// copied to another offset; generations of alloc keys moved on; a pointer into
/// the superblock's bucket.
#[test]
fn what_was_planted_is_named() {
    let (doc, code) = one("damaged/double-ref", &["--all-findings"]);
    assert_eq!(code, Some(4));
    assert!(!list(&doc["buckets"]).is_empty());
    for b in list(&doc["buckets"]) {
        assert_eq!(remarks(b), ["same-sectors", "too-few", "repair"], "{b}");
    }
    let copies: Vec<&Value> = list(&doc["buckets"])
        .iter()
        .flat_map(|b| list(&b["references"]))
        .flat_map(|r| list(&r["files"]))
        .filter(|f| f["beyond_end"] == true)
        .collect();
    assert!(!copies.is_empty(), "the copy lies behind the end of its file");

    let (doc, _) = one("damaged/ptr-stale-dirty", &["--all-findings"]);
    for b in list(&doc["buckets"]) {
        assert_eq!(remarks(b), ["pointers-behind", "too-many", "repair"], "{b}");
        let text = b["remarks"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("all ") || text.starts_with("both "), "{b}");
        assert!(
            list(&b["references"])
                .iter()
                .all(|r| r["outcome"] == "refused" && r["finding"] == "ptr-stale-dirty")
        );
    }

    let (doc, code) = one("damaged/ptr-into-sb", &["0:@8"]);
    assert_eq!(code, Some(4));
    let b = &doc["buckets"][0];
    assert_eq!((&b["bucket"], remarks(b)[0]), (&json!(0), "two-types"));
    assert!(b["remarks"][0]["text"].as_str().unwrap().ends_with("data here is what is wrong"));
}

/// Oracle: buckets by hand: shared data is in the reflink btree, and two files
/// or more point to it; a bucket nothing refers to.
#[test]
fn shared_data_and_nothing() {
    let image = all().into_iter().find(|i| i.name == "clean/reflink").unwrap();
    let unpacked = image.unpack();
    let golden = image.documents("golden-n.jsonl.zst").unwrap().remove(0);
    let rows = list(&golden["after"]["devs"][0]["buckets"]).to_vec();
    let mut shared = 0;
    for row in rows.iter().filter(|r| r[2] == 4) {
        let place = format!("0:{}", row[0]);
        let out = unpacked.run(&["explain", "--json", "-q", &place]);
        assert_eq!(out.status.code(), Some(0));
        let doc: Value = serde_json::from_slice(&out.stdout).unwrap();
        for r in list(&doc["buckets"][0]["references"]) {
            if r["key"]["btree"] == "reflink" {
                assert!(r["sharers"].as_u64().unwrap() >= 1, "{r}");
                shared += u64::from(r["sharers"].as_u64().unwrap() >= 2);
            }
        }
    }
    assert!(shared >= 1, "nothing is shared");
    let last = golden["after"]["devs"][0]["nbuckets"].as_u64().unwrap() - 1;
    let out = unpacked.run(&["explain", "-q", &format!("0:{last}")]);
    assert_eq!(out.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&out.stdout).contains("no references"));
}

/// Oracle: fsck(8): 16 for a command line that makes no sense.
#[test]
fn places_that_are_not_there() {
    let image = all().into_iter().find(|i| i.name == "clean/fresh-64M").unwrap();
    let unpacked = image.unpack();
    for (place, says) in [
        ("1:0", "there is no member 1; members: 0"),
        ("0:999999", "there is no bucket 999999"),
        ("0:@99999999999", "there is no bucket"),
        ("zero", "'zero' is no bucket"),
        ("0:", "'0:' is no bucket"),
    ] {
        let out = unpacked.run(&["explain", "-q", place]);
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(16), "{place}: {text}");
        assert!(text.contains(says), "{place}: {text}");
        assert!(out.stdout.is_empty());
    }
    let alone = Command::new(env!("CARGO_BIN_EXE_bch-gc")).args(["explain", "0:1"]).output();
    assert_eq!(alone.unwrap().status.code(), Some(16));
}
