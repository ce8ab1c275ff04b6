// SPDX-License-Identifier: GPL-2.0-only
//! What programs read of a check: its document, its progress, how it is stopped.

mod images;
#[path = "schema/validate.rs"]
mod validate;

use gc_core::finding::Code;
use serde_json::{Value, json};
use std::io::Read;
use std::process::{Command, Stdio};
use validate::{problems, stored};

fn schema(name: &str) -> Value {
    stored(&format!("{name}.schema.json"))
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
        ("/format", json!(1)),
        ("/ret", json!("0")),
        ("/more", json!(1)),
        ("/unreadable", json!([{}])),
        ("/missing", json!([{"device": 1, "uuid": "x"}])),
        ("/findings/0/code", json!(63)),
        ("/findings/0/severity", json!("fatal")),
        ("/findings/0/place", json!("bucket 0:38")),
        ("/findings/0/place/bucket", json!("38")),
        ("/findings/0/got", json!([-1])),
        ("/findings/0/answer", json!("FIX")),
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
    unknown["findings"][0]["name"] = json!("no-such-code");
    assert!(!problems(&schema, &unknown).is_empty());
}

// Oracle: the codes themselves, in the program and in the schema.
#[test]
fn codes_are_listed() {
    let schema = schema("codes");
    let listed = |name: &str| schema.pointer(&format!("/$defs/{name}/enum")).unwrap().clone();
    let names: Vec<&str> = Code::ALL.iter().map(|c| c.name()).collect();
    assert_eq!(listed("name"), json!(names));
    let numbers: Vec<u32> = Code::ALL.iter().map(|c| c.number()).collect();
    assert_eq!(listed("code"), json!(numbers));
}

// Oracle: the schema of each document; and that each was printed, whatever was found.
#[test]
fn other_documents_fit_their_schemas() {
    let commands: [(&str, &[&str]); 8] = [
        ("coalesce", &["coalesce", "--json"]),
        ("explain", &["explain", "--all-findings", "--json"]),
        ("gens", &["gens", "--json"]),
        ("gens-summary", &["gens", "--json", "--summary"]),
        ("lost", &["lost", "--json"]),
        ("map", &["map", "--json"]),
        ("plan", &["plan", "--json"]),
        ("state", &["state"]),
    ];
    let images = ["clean/ec-4dev", "clean/cached-stale", "damaged/several-1", "damaged/csum-leaf"];
    for image in images {
        let unpacked = unpacked(image);
        for (name, args) in commands {
            let schema = schema(name);
            let out = unpacked.run(&[args, &["-q"]].concat());
            let text = String::from_utf8(out.stdout).unwrap();
            for line in text.lines() {
                let doc: Value = serde_json::from_str(line).unwrap();
                assert_eq!(problems(&schema, &doc), Vec::<String>::new(), "{image} {args:?}");
            }
            assert!(!text.is_empty(), "{image} {args:?}");
        }
    }
}

// Oracle: the text of each finding, which the original's users read: a bucket that it
// begins with is the bucket of the place, what it says was got and should be is so in the
// fields, and the file is that of the device.
#[test]
fn fields_say_what_the_text_says() {
    let (mut buckets, mut values) = (0, 0);
    let more = ["damaged/double-ref", "damaged/ptr-stale-dirty", "damaged/fuzz-04-def"];
    for name in KINDS.into_iter().chain(more) {
        let unpacked = unpacked(name);
        let out = unpacked.run(&["check", "--json", "-q"]);
        let doc: Value = serde_json::from_slice(&out.stdout).unwrap();
        for f in doc["findings"].as_array().unwrap() {
            let text = f["text"].as_str().unwrap();
            let code = Code::of_name(f["name"].as_str().unwrap()).unwrap();
            assert_eq!(f["code"], code.number(), "{f}");
            if let Some((dev, bucket)) = text
                .strip_prefix("bucket ")
                .and_then(|t| t.split(' ').next())
                .and_then(|place| place.split_once(':'))
            {
                let place = &f["place"];
                assert_eq!(place["device"].to_string(), dev, "{name}: {f}");
                assert_eq!(place["bucket"].to_string(), bucket, "{name}: {f}");
                if let Some(file) = place["image"].as_str() {
                    assert!(unpacked.devices.iter().any(|d| d.to_str() == Some(file)), "{f}");
                }
                buckets += 1;
            }
            if let Some((got, want)) =
                text.split_once("got ").and_then(|(_, t)| t.split_once(", should be "))
            {
                for (field, text) in [("got", got), ("want", want)] {
                    assert_eq!(as_text(&f[field]), text, "{name}: {f}");
                }
                values += 1;
            }
        }
    }
    assert!(buckets >= 25 && values >= 25, "{buckets} {values}");
}

/// A value as the original prints it.
fn as_text(value: &Value) -> String {
    let types = ["none", "sb", "journal", "btree", "data", "cached"];
    match value {
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::String(name) => types.iter().position(|t| t == name).unwrap().to_string(),
        Value::Object(pos) => format!("{}:{}", pos["inode"], pos["offset"]),
        other => other.to_string(),
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
