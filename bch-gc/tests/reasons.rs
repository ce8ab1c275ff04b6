// SPDX-License-Identifier: GPL-2.0-only
//! Why references are followed in their order, as `check --verbose` says it.
//!
//! Oracle: what was done to each image, by its name and its META.json; the rule follows
//! from that by the rules of the fast path (gc-v0/src/reason.rs), and btree and key are
//! those of the finding that the check goes on to raise.

mod images;

use gc_image_write::damage::damage;
use gc_image_write::generate::{generate_small, small_settings};
use gc_v0::fs::{Options, open};
use gc_v0::plain::{self, Part};
use gc_v0::reason::{Reason, Rule};
use gc_v0::recovery::{RecoveryArgs, begin};
use gc_v0::report::{Found, Reporter, answer};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Output;

fn unpacked(name: &str) -> images::Unpacked {
    images::all().into_iter().find(|i| i.name == name).unwrap().unpack()
}

const WHY: &str = "bch-gc: following references in their order: ";

/// The reason in the program's words, if it says any.
fn reason(out: &Output) -> Option<String> {
    let err = String::from_utf8_lossy(&out.stderr);
    let mut said = err.lines().filter_map(|l| l.strip_prefix(WHY));
    let first = said.next().map(ToString::to_string);
    assert_eq!(said.next(), None, "said twice");
    first
}

/// Image, where it is, and the rule.
const REASONS: &[(&str, &str, Rule)] = &[
    ("clean/ec-4dev", "btree extents level 0, ", Rule::KeyStripe),
    ("damaged/alloc-data-type", "btree extents level 0, ", Rule::KeyBucket),
    ("damaged/alloc-sb-journal", "bucket 0:0: ", Rule::Metadata),
    ("damaged/btree-ptr-stale", "key POS_MAX of type btree_ptr_v2: bucket 0:", Rule::KeyBucket),
    ("damaged/csum-leaf", "btree extents level 0, node that ends at ", Rule::NodeInvalid),
    ("damaged/key-version", "btree extents level 0, ", Rule::KeyVersion),
    ("damaged/ptr-nonexistent-dev", "bucket 0:24: ", Rule::BucketLeft),
    ("damaged/replicas-missing-2dev", "btree extents level 0, ", Rule::KeyDevices),
    ("damaged/replicas-none", "the table of", Rule::ReplicasRebuilt),
    ("damaged/root-min_key-gc", "btree dirents level 1, ", Rule::RootRange),
    ("damaged/topo-l2-missing-mid", "btree inodes level 1, ", Rule::ChildRange),
    ("damaged/usage-fs", "the counters", Rule::Counters),
];

#[test]
fn each_image_has_its_reason() {
    for (name, place, rule) in REASONS {
        for threads in ["1", "3"] {
            let out = unpacked(name).run(&["check", "--verbose", "--threads", threads]);
            let said = reason(&out).unwrap_or_else(|| panic!("{name}: no reason"));
            assert!(said.starts_with(place), "{name}: {said}");
            assert!(said.ends_with(&format!(" ({})", rule.name())), "{name}: {said}");
        }
    }
}

// Oracle: where everything agrees, or nobody asks, there is nothing to say.
#[test]
fn no_reason_where_there_is_none() {
    for (name, args) in [
        ("clean/deep-l2", &["check", "--verbose"][..]),
        ("damaged/key-version", &["check"]),
        ("damaged/key-version", &["check", "--verbose", "--quiet"]),
        ("damaged/key-version", &["check", "--verbose", "--in-order"]),
    ] {
        assert_eq!(reason(&unpacked(name).run(args)), None, "{name} {args:?}");
    }
}

// Oracle: the phases of a run in their order, each with a time.
#[test]
fn each_phase_has_its_time() {
    let times = |name: &str| -> Vec<String> {
        let out = unpacked(name).run(&["check", "--verbose", "--threads", "1"]);
        let err = String::from_utf8_lossy(&out.stderr).into_owned();
        let line = err.lines().find_map(|l| l.strip_prefix("bch-gc: time: ")).unwrap();
        let split = line.split(", ").map(|part| {
            let (name, time) = part.strip_suffix(" s").unwrap().rsplit_once(' ').unwrap();
            assert!(time.parse::<f64>().is_ok(), "{line}");
            name.to_string()
        });
        split.collect()
    };
    let begin = ["opening", "reading the journal", "reading nodes"];
    let unordered = ["reading alloc keys", "counting", "comparing"];
    assert_eq!(times("clean/deep-l2"), [&begin[..], &unordered, &["printing"]].concat());
    let in_order = ["reading nodes in order", "printing"];
    assert_eq!(times("damaged/key-version"), [&begin[..], &unordered[..2], &in_order].concat());
}

struct Silent;

impl Reporter for Silent {
    fn found(&mut self, found: Found) -> gc_core::finding::Answer {
        answer(found.flags, false)
    }
    fn log(&mut self, _line: &str) {}
}

fn reason_of(paths: &[PathBuf]) -> Option<Reason> {
    let fs = open(paths, &Options::default(), &mut Silent).ok()?;
    let begun = begin(fs, RecoveryArgs::new(true), &mut Silent).ok()?;
    let whole = [Part::whole(&begun.fs)];
    plain::check(&begun, plain::Options { threads: 1 }, &whole, &mut |_| {}).err()
}

// Oracle: `Reason` itself. A rule about a key or a node says which; and so many random
// damages of written images meet more rules than the images above have.
#[test]
fn damaged_fields_meet_the_rules() {
    let mut met = BTreeSet::new();
    for seed in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        let devices = small_settings(seed).devices.len();
        let paths: Vec<PathBuf> = (0..devices).map(|n| folder.path().join(n.to_string())).collect();
        generate_small(seed, &paths).unwrap();
        damage(seed, 1, &paths).unwrap();
        let Some(reason) = reason_of(&paths) else { continue };
        let name = reason.rule.name();
        let of_key = name.starts_with("key-") && name != "key-invalid";
        assert!(!of_key || reason.key.is_some(), "{reason}");
        assert!(!name.starts_with("node-") || reason.node.is_some(), "{reason}");
        met.insert(name);
    }
    println!("{met:?}");
    for rule in [Rule::KeyInvalid, Rule::NodeInvalid, Rule::KeyBucket, Rule::BucketLeft] {
        assert!(met.contains(rule.name()), "{}: not met by {met:?}", rule.name());
    }
}
