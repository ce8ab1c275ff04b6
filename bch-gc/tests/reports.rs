// SPDX-License-Identifier: GPL-2.0-only
//! What programs read of a check: its document, its progress, how it is stopped.

mod images;
#[path = "schema/validate.rs"]
mod validate;

use gc_core::finding::Code as Counted;
use gc_v0::report::Code;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use validate::problems;

fn schema(name: &str) -> Value {
    let path = format!("{}/../schema/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn unpacked(name: &str) -> images::Unpacked {
    images::all().into_iter().find(|i| i.name == name).unwrap().unpack()
}

/// Images of each kind: with findings before counting and while counting, with
/// stripes, cached data, members that are not there, and without a result.
const KINDS: [&str; 9] = [
    "clean/ec-4dev",
    "clean/cached-stale",
    "clean/mcsum-none",
    "degraded/degraded-damaged",
    "damaged/several-1",
    "damaged/csum-leaf",
    "damaged/csum-alloc-root",
    "damaged/topo-min_key",
    "unclean/kill-mixed",
];

// Oracle: the schema; that it refuses what it has to is the next test.
#[test]
fn documents_fit_the_schema() {
    let schema = schema("check");
    let (mut findings, mut without) = (0, 0);
    for name in KINDS {
        let out = unpacked(name).run(&["check", "--json", "-q"]);
        let doc: Value =
            serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(problems(&schema, &doc), Vec::<String>::new(), "{name}");
        findings += doc["findings"].as_array().unwrap().len();
        assert_eq!(doc["error"].is_null(), doc["state"].is_object(), "{name}");
        without += usize::from(doc["state"].is_null());
        let agrees = findings_of(&doc) == 0 && doc["ret"] == 0;
        assert_eq!(out.status.code(), Some(if agrees { 0 } else { 4 }), "{name}");
    }
    // On the screen findings are cut, here never.
    assert!(findings > 100, "{findings}");
    // One that ends before anything is counted.
    assert_eq!(without, 1);
}

fn findings_of(doc: &Value) -> usize {
    doc["findings"].as_array().unwrap().len()
}

// Oracle: a document that fits, bent in one place each.
#[test]
fn the_schema_refuses_what_it_does_not_describe() {
    let schema = schema("check");
    let out = unpacked("damaged/several-1").run(&["check", "--json", "-q"]);
    let doc: Value = serde_json::from_slice(&out.stdout).unwrap();
    let bent = |path: &str, value: Value| {
        let mut doc = doc.clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        doc.pointer_mut(parent).unwrap()[name] = value;
        problems(&schema, &doc)
    };
    assert!(bent("/ret", json!(0)).is_empty());
    for (path, value) in [
        ("/format", json!(2)),
        ("/ret", json!("0")),
        ("/more", json!(1)),
        ("/unreadable", json!([{}])),
        ("/missing", json!([{"device": 1, "uuid": "x"}])),
        ("/sb/clean", json!(2)),
        ("/sb", json!(1)),
        ("/state/devs", json!(null)),
        ("/state/usage_base/hidden", json!(-1)),
        ("/state/usage_base/persistent_reserved", json!([0, 0, 0])),
    ] {
        assert!(!bent(path, value.clone()).is_empty(), "{path} = {value}");
    }
    let mut lacking = doc.clone();
    lacking.as_object_mut().unwrap().remove("changes");
    assert!(!problems(&schema, &lacking).is_empty());
    let mut unknown = doc;
    unknown["findings"][0]["code"] = json!("no-such-code");
    assert!(!problems(&schema, &unknown).is_empty());
}

// Oracle: the codes themselves, in the program, in the schema and in the docs.
#[test]
fn codes_are_listed() {
    let counted = Counted::ALL.iter().map(|c| c.name());
    let codes: BTreeSet<&str> = counted.chain(Code::OF_READING.iter().map(|c| c.name())).collect();
    assert_eq!(codes.len(), Counted::ALL.len() + Code::OF_READING.len());
    let schema = schema("check");
    let listed = schema.pointer("/$defs/finding/properties/code/enum").unwrap();
    let listed: BTreeSet<&str> =
        listed.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(codes, listed);
    let page = include_str!("../../docs/findings.md");
    for code in Code::OF_READING {
        assert!(page.contains(&format!("\n| `{}` | ", code.name())), "{}", code.name());
    }
}

// Oracle: the schema; that work goes forward and that there is one end.
#[test]
fn progress_fits_its_schema() {
    let unpacked = unpacked("clean/deep-l2");
    let pipe = unpacked.devices[0].with_extension("progress");
    let file = std::fs::File::create(&pipe).unwrap();
    // The program is given the descriptor as its standard input.
    let status = Command::new(env!("CARGO_BIN_EXE_bch-gc"))
        .args(["check", "--progress-fd", "0"])
        .args(&unpacked.devices)
        .stdin(file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(0));
    let mut text = String::new();
    std::fs::File::open(&pipe).unwrap().read_to_string(&mut text).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let schema = schema("progress");
    for line in &lines {
        assert_eq!(problems(&schema, line), Vec::<String>::new());
    }
    let (last, before) = lines.split_last().unwrap();
    assert_eq!(last["state"], "done");
    assert!(before.len() >= 2 && before.iter().all(|l| l["state"] == "working"), "{lines:?}");
    assert_eq!(last["phase"], "reading nodes");
    assert!(last["done"].as_u64() > Some(10), "{last}");
}
