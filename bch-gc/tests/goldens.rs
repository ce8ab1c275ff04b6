// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc state` and `bch-gc gens` against the original's own results.
//!
//! Oracle: the documents that the original's mark and sweep left on each image,
//! in each mode. A run is equal when every document is: arguments, result, number
//! of passes, every finding in order with its answer, every bucket, usage,
//! replicas and stripe, before and after. Where the original died, ours must say
//! so by an exit code and without a signal.
//!
//! A pass would be vacuous if no golden were read: the number of runs is asserted.

mod images;

use images::each;
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a document must have in common with the golden.
const HEAD: [&str; 7] =
    ["initial", "metadata_only", "ret", "passes", "journal_keys", "rebuild_replicas", "sb"];

fn documents(out: &Output) -> Result<Vec<Value>, String> {
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines().map(|l| serde_json::from_str(l).map_err(|e| format!("no JSON: {e}"))).collect()
}

#[test]
fn state_equals_the_original() {
    let runs = AtomicUsize::new(0);
    each(|image| {
        let mut bad = Vec::new();
        let (unpacked, meta) = (image.unpack(), image.meta());
        for mode in ["n", "y", "m", "a"] {
            if meta["fsck"].get(mode).is_none() {
                continue;
            }
            runs.fetch_add(1, Ordering::Relaxed);
            let golden = image.documents(&format!("golden-{mode}.jsonl.zst")).unwrap_or_default();
            let out = unpacked.run(&["state", "--mode", mode]);
            let found = if golden.is_empty() || golden.iter().any(|g| !g["aborted"].is_null()) {
                died(&out)
            } else {
                compare(mode, &golden, &out)
            };
            bad.extend(found.into_iter().map(|f| format!("[{mode}] {f}")));
        }
        bad
    });
    assert!(runs.into_inner() > 150);
}

/// The original did not get that far: an answer, but not that all is well.
fn died(out: &Output) -> Vec<String> {
    match out.status.code() {
        None => vec![format!("ended by signal {:?}", out.status.signal())],
        Some(0) => vec!["the original died here; ours says all is well".into()],
        Some(code) if code >= 100 => vec![format!("exit {code}")],
        Some(_) => Vec::new(),
    }
}

fn compare(mode: &str, golden: &[Value], out: &Output) -> Vec<String> {
    let ours = match documents(out) {
        Ok(d) => d,
        Err(e) => return vec![e],
    };
    if ours.len() != golden.len() {
        return vec![format!("{} documents, want {}", ours.len(), golden.len())];
    }
    let mut bad = Vec::new();
    let mut away = Vec::new();
    for (want, got) in golden.iter().zip(&ours) {
        // Members that are not there: their buckets of the first document are
        // what both runs of mode m begin with.
        if away.is_empty() {
            away = away_buckets(want);
        }
        let (want, got) = (on_purpose(want, mode, &away), on_purpose(got, mode, &away));
        bad.extend(differences(&want, &got));
    }
    let findings = golden
        .iter()
        .chain(&ours)
        .any(|d| !d["errors"].as_array().unwrap().is_empty() || d["ret"] != 0);
    let code = out.status.code();
    let ours_findings = ours.iter().any(|d| {
        !d["errors"].as_array().unwrap().is_empty()
            || !d["prior_errors"].as_array().unwrap().is_empty()
            || d["ret"] != 0
    });
    if code != Some(if ours_findings { 4 } else { 0 }) {
        bad.push(format!("exit {code:?}, findings {findings}"));
    }
    bad
}

fn differences(want: &Value, got: &Value) -> Vec<String> {
    let mut bad = Vec::new();
    for key in HEAD {
        if want[key] != got[key] {
            bad.push(format!("{key}: {} want {}", got[key], want[key]));
        }
    }
    let errors = |d: &Value| -> Vec<Value> {
        let list = d["errors"].as_array().unwrap();
        list.iter().map(|e| json!([e["pass"], e["flags"], e["text"], e["ret"]])).collect()
    };
    let texts = |d: &Value| -> Vec<Value> {
        d["prior_errors"].as_array().unwrap().iter().map(|e| e["text"].clone()).collect()
    };
    bad.extend(first_difference("errors", &errors(want), &errors(got)));
    bad.extend(first_difference("prior_errors", &texts(want), &texts(got)));
    bad.extend(state("before", &want["before"], &got["before"]));
    if want["ret"] == 0 {
        bad.extend(state("after", &want["after"], &got["after"]));
    }
    bad
}

fn first_difference(what: &str, want: &[Value], got: &[Value]) -> Option<String> {
    if want == got {
        return None;
    }
    let at = want.iter().zip(got).position(|(w, g)| w != g).unwrap_or(want.len().min(got.len()));
    Some(format!(
        "{what}: {} want {}, first difference at {at}: {:?} want {:?}",
        got.len(),
        want.len(),
        got.get(at),
        want.get(at)
    ))
}

fn state(when: &str, want: &Value, got: &Value) -> Vec<String> {
    let mut bad = Vec::new();
    for key in ["key_version", "usage_base", "stripes"] {
        if want[key] != got[key] {
            bad.push(format!("{when}.{key}: {} want {}", got[key], want[key]));
        }
    }
    let devs = |s: &Value| s["devs"].as_array().cloned().unwrap_or_default();
    if devs(want).len() != devs(got).len() {
        bad.push(format!("{when}: {} devices", devs(got).len()));
    }
    for (w, g) in devs(want).iter().zip(&devs(got)) {
        for key in ["dev", "nbuckets", "first_bucket", "bucket_size", "online", "usage"] {
            if w[key] != g[key] {
                bad.push(format!("{when} dev {} {key}: {} want {}", w["dev"], g[key], w[key]));
            }
        }
        let rows = |d: &Value| d["buckets"].as_array().cloned().unwrap_or_default();
        bad.extend(first_difference(&format!("{when} dev {}", w["dev"]), &rows(w), &rows(g)));
    }
    bad
}

// ---- what differs on purpose (docs/differences.md)

const INDEX: usize = 0;
const TYPE: usize = 2;
const STRIPE: usize = 4;
const OLDEST: usize = 8;

/// D26: superblock and journal buckets of members that are not there, as rows.
fn away_buckets(golden: &Value) -> Vec<(Value, Value)> {
    let mut away = Vec::new();
    for dev in golden["before"]["devs"].as_array().into_iter().flatten() {
        if dev["online"] == false {
            for row in dev["buckets"].as_array().into_iter().flatten() {
                if row[TYPE] == 1 || row[TYPE] == 2 {
                    away.push((dev["dev"].clone(), row.clone()));
                }
            }
        }
    }
    away
}

/// Takes out of a document what differs on purpose, the same on both sides.
fn on_purpose(document: &Value, mode: &str, away: &[(Value, Value)]) -> Value {
    let mut d = document.clone();
    let metadata_only = d["metadata_only"] == true;
    if let Some(errors) = d["errors"].as_array_mut() {
        errors.retain(|e| {
            let text = e["text"].as_str().unwrap();
            // D25: said of undamaged parity buckets after a pass over metadata.
            let stripe = mode == "m" && text.contains("has wrong stripe");
            let of_away = text.contains(" has wrong ")
                && away.iter().any(|(dev, row)| {
                    text.starts_with(&format!("bucket {dev}:{} gen ", row[INDEX]))
                });
            !stripe && !of_away
        });
    }
    for (when, passed) in [("before", mode == "m" && !metadata_only), ("after", metadata_only)] {
        // What the original's pass over metadata changed, or had changed before.
        let passed = passed && mode == "m";
        let Some(devs) = d[when]["devs"].as_array_mut() else { continue };
        for dev in devs {
            let here: Vec<&Value> =
                away.iter().filter(|(n, _)| *n == dev["dev"]).map(|(_, row)| row).collect();
            let usage = dev["usage"].as_object_mut().unwrap();
            if passed {
                usage.remove("buckets_ec");
                usage.remove("buckets_unavailable");
            }
            if !here.is_empty() {
                usage.clear();
            }
            let rows = dev["buckets"].as_array_mut().unwrap();
            rows.retain(|r| !here.iter().any(|a| a[INDEX] == r[INDEX]));
            for row in rows.iter_mut() {
                let data = row[TYPE] == 4 || row[TYPE] == 5;
                if passed {
                    row[STRIPE] = json!(0);
                    // D8: oldest_gen of buckets whose pointers that pass did not see.
                    if data || when == "before" {
                        row[OLDEST] = json!(0);
                    }
                }
            }
            rows.retain(|r| r.as_array().unwrap().iter().skip(1).any(|v| *v != 0));
        }
        if !away.is_empty() {
            if let Some(usage) = d[when]["usage_base"].as_object_mut() {
                usage.remove("hidden");
            }
        }
    }
    d
}

// Oracle: gens.jsonl, the original's bch2_gc_gens on the same image.
#[test]
fn gens_equal_the_original() {
    let runs = AtomicUsize::new(0);
    each(|image| {
        let Some(golden) = image.documents("gens.jsonl.zst") else { return Vec::new() };
        runs.fetch_add(1, Ordering::Relaxed);
        let ours = match documents(&image.unpack().run(&["gens", "--json"])) {
            Ok(d) => d,
            Err(e) => return vec![e],
        };
        let mut bad = Vec::new();
        if ours.len() != golden.len() {
            bad.push(format!("{} documents, want {}", ours.len(), golden.len()));
        }
        for (want, got) in golden.iter().zip(&ours) {
            let stage = want["stage"].as_str().unwrap();
            if want["stage"] != got["stage"] || want["gc_gens"] != got["gc_gens"] {
                bad.push(format!("{stage}: gc_gens {} want {}", got["gc_gens"], want["gc_gens"]));
            }
            bad.extend(state(stage, &want["state"], &got["state"]));
        }
        bad
    });
    assert!(runs.into_inner() >= 3);
}
