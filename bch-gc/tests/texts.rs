// SPDX-License-Identifier: GPL-2.0-only
//! What the commands print for people, of damaged file systems.
//!
//! Oracle: the documents that the same commands print for programs, which others
//! tests hold to the original; and that what is left out without --verbose is as much
//! as is said.

use gc_image_write::damage::{Change, Images, Mend, Planted, What, damage, fields, plant};
use gc_image_write::generate::{generate_small, small_settings};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file system in a folder of its own.
struct Disks {
    _folder: tempfile::TempDir,
    paths: Vec<PathBuf>,
    /// Options that stand before the images.
    options: Vec<String>,
}

impl Disks {
    /// The small one of a seed.
    fn of(seed: u64) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.unwrap();
        let nr = small_settings(seed).devices.len();
        let paths: Vec<_> = (0..nr).map(|n| folder.path().join(n.to_string())).collect();
        generate_small(seed, &paths).unwrap();
        Self { _folder: folder, paths, options: Vec::new() }
    }

    /// Sets fields of a name, in every structure where `chosen` is true for it.
    fn change(&self, structure: &str, name: &str, change: Change, chosen: impl Fn(usize) -> bool) {
        let images = Images::open(&self.paths).unwrap();
        let all = images.places();
        let mut nr = 0;
        for place in all.iter().filter(|p| matches!(p.what, What::Node | What::Bset)) {
            let bytes = images.read(place).unwrap();
            for field in fields(place, &bytes) {
                if (field.structure, field.name) == (structure, name) {
                    nr += 1;
                    if chosen(nr) {
                        let place = place.clone();
                        let planted = Planted { place, field, change, all_copies: true };
                        plant(&images, &all, &planted, Mend::Yes).unwrap();
                    }
                }
            }
        }
        assert!(nr > 0, "no {structure}.{name}");
    }

    /// Exit code and standard output.
    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_bch-gc"));
        let out = program.args(args).arg("-q").args(&self.options).args(&self.paths).output();
        let out = out.unwrap();
        (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap())
    }
}

/// What is said in short and in full, and the document; all end alike.
struct Said {
    short: String,
    full: String,
    doc: Value,
}

fn said(disks: &Disks, args: &[&str]) -> Option<Said> {
    let (code, short) = disks.run(args);
    let (verbose, full) = disks.run(&[args, &["--verbose"]].concat());
    let (json, doc) = disks.run(&[args, &["--json"]].concat());
    assert_eq!((code, code), (verbose, json), "{args:?}: {short}");
    let doc = serde_json::from_str(doc.lines().next()?).unwrap();
    shortened(&short, &full);
    Some(Said { short, full, doc })
}

/// What is said in short is what is said in full but for items of which there are as
/// many as is said.
fn shortened(short: &str, full: &str) {
    let indent = |l: &str| l.len() - l.trim_start().len();
    let mut all = full.lines().peekable();
    for line in short.lines() {
        let left_out = line.strip_suffix(" more (--verbose shows all)");
        let Some(number) = left_out.and_then(|l| l.trim_start().strip_prefix("and ")) else {
            let whole = all.next();
            // Ranges of a file are left out within its line.
            if let Some((before, _)) = line.split_once(" and ").filter(|_| whole != Some(line)) {
                assert!(line.ends_with(" more"), "{line}");
                assert!(whole.is_some_and(|w| w.starts_with(before)), "{line}\n{full}");
                continue;
            }
            assert_eq!(whole, Some(line), "{short}\n{full}");
            continue;
        };
        let number: usize = number.parse().unwrap();
        for _ in 0..number {
            let item = all.next().unwrap_or_else(|| panic!("{short}\n{full}"));
            let depth = indent(item);
            while all.next_if(|l| indent(l) > depth).is_some() {}
        }
    }
    assert_eq!(all.next(), None, "{short}\n{full}");
}

fn len(v: &Value) -> usize {
    v.as_array().unwrap().len()
}

fn nr(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Lines that begin with these words.
fn lines<'a>(text: &'a str, first: &str) -> Vec<&'a str> {
    text.lines().filter(|l| l.starts_with(first)).collect()
}

fn plan(said: &Said) {
    let Said { full, doc, .. } = said;
    let buckets = doc["buckets"].as_array().unwrap();
    let buckets: Vec<_> = buckets.iter().filter(|b| b["kind"] != "oldest-gen").collect();
    let (reading, left) = (len(&doc["reading"]), len(&doc["left"]));
    let ret = &doc["ret"];
    if full == "fsck -y would change nothing here\n" {
        let sum = buckets.len() + reading + left + len(&doc["counters"]) + len(&doc["sets"]);
        assert_eq!((sum, ret), (0, &Value::from(0)), "{doc}");
        return;
    }
    let head = format!(
        "fsck -y would change {}, {} and {} of devices",
        nr(buckets.len(), "bucket"),
        nr(len(&doc["counters"]), "counter"),
        nr(len(&doc["sets"]), "set"),
    );
    assert_eq!(full.lines().next(), Some(head.as_str()));
    assert_eq!(lines(full, "  bucket ").len(), buckets.len(), "{full}");
    let destructive = reading > 0 || buckets.iter().any(|b| b["destructive"] == true);
    assert_eq!(full.contains("\ndestructive: what is given up here"), destructive, "{full}");
    let stripes = doc["stripes"].as_array().unwrap();
    assert_eq!(lines(full, "  stripe ").len(), stripes.len(), "{full}");
    assert_eq!(full.contains("\nstripes:\n"), !stripes.is_empty());
    let version = match &doc["key_version"] {
        Value::Null => vec![],
        v => vec![format!("highest key version {} -> {}", v["before"], v["after"])],
    };
    assert_eq!(lines(full, "highest key version"), version);
    assert_eq!(full.contains("\nleft as it is, there is no repair for it:\n"), left > 0);
    let ended = format!("fsck -y would end early (error {ret}) and write nothing of this\n");
    assert_eq!(full.ends_with(&ended), *ret != 0, "{full}");
}

fn explain(said: &Said) {
    let Said { full, doc, .. } = said;
    let buckets = doc["buckets"].as_array().unwrap();
    assert_eq!(lines(full, "bucket ").len(), buckets.len());
    assert_eq!(full.contains("no finding names a bucket\n"), buckets.is_empty());
    assert_eq!(full.contains("the walk ended early: "), doc["ret"] != 0);
    let references = |b: &Value| b["references"].as_array().unwrap().clone();
    let all: Vec<Value> = buckets.iter().flat_map(references).collect();
    let count = |words: &str| full.matches(words).count();
    let of = |key: &str, value: bool| all.iter().filter(|r| r["key"][key] == value).count();
    assert_eq!(count(", pointer to the root, which is of level "), of("root", true));
    let journal = all.iter().filter(|r| r["key"]["journal"] == true && r["key"]["root"] != true);
    assert_eq!(
        count(" key in the journal ") - count("(alloc key in the journal "),
        journal.count()
    );
    let cached = all.iter().filter(|r| r["key"]["ptr"]["cached"] == true).count();
    assert_eq!(count(", cached: "), cached, "{full}");
    let recorded = buckets.iter().filter(|b| b["recorded"]["journal"].is_null()).count();
    assert_eq!(count("  recorded  nothing: no alloc key\n"), recorded, "{full}");
}

fn lost(said: &Said) {
    let Said { full, doc, .. } = said;
    let (nodes, files) = (doc["nodes"].as_array().unwrap(), doc["files"].as_array().unwrap());
    assert_eq!(full.ends_with("\nnothing is lost\n"), doc["nothing_lost"] == true, "{full}");
    let head = format!("{} without a readable copy:", nr(nodes.len(), "btree node"));
    assert_eq!(lines(full, &head).len(), usize::from(!nodes.is_empty()), "{full}");
    let why = |w: &str| nodes.iter().filter(|n| n["why"] == w).count();
    assert_eq!(full.matches(" (damaged)\n").count(), why("damaged"));
    assert_eq!(full.matches(" (not at hand)\n").count(), why("away"));
    let root = nodes.iter().filter(|n| n["root"] == true).count();
    assert_eq!(full.matches(" root of level ").count(), root);
    let head = format!("{} with data that cannot be read", nr(files.len(), "file"));
    assert_eq!(lines(full, &head).len(), usize::from(!files.is_empty()), "{full}");
    for f in files {
        let inode = format!(" (inode {}", f["inode"]);
        let line = full
            .lines()
            .find(|l| l.contains(&format!("{inode})")) || l.contains(&format!("{inode},")));
        let line = line.unwrap_or_else(|| panic!("{f} {full}"));
        assert_eq!(line.contains(" lost"), f["lost"] != 0 || f["cut_off"] != 0, "{line}");
        assert_eq!(line.contains(" below lost nodes"), f["cut_off"] != 0, "{line}");
        assert_eq!(line.contains("deleted while open"), f["unlinked"] == true, "{line}");
        assert_eq!(line.contains("no such inode"), f["size"].is_null(), "{line}");
    }
    let orphaned = &doc["orphaned_ranges"];
    assert_eq!(full.contains(" of shared data that no file uses\n"), *orphaned != 0, "{full}");
    let missing = doc["devices"].as_array().unwrap().iter().filter(|d| d["without"] == true);
    assert_eq!(full.matches(" thought away ").count(), missing.count(), "{full}");
}

fn gens(said: &Said) {
    let Said { full, doc, .. } = said;
    let (cached, dirty) = (&doc["stale"]["cached"], &doc["stale"]["dirty"]);
    let all = usize::try_from(cached.as_u64().unwrap() + dirty.as_u64().unwrap()).unwrap();
    let line = format!("{}: {cached} cached, {dirty} not\n", nr(all, "stale pointer"));
    assert!(full.contains(&line), "{full} {doc}");
    let worse = "pointers that are not cached and behind their bucket have lost their data\n";
    assert_eq!(full.contains(worse), *dirty != 0);
    assert_eq!(lines(full, "the oldest:").len(), usize::from(all > 0));
    assert_eq!(full.matches(" behind, ").count(), all);
    assert_eq!(full.matches(" behind, cached: ").count(), cached.as_u64().unwrap() as usize);
    let unread = &doc["nodes_not_read"];
    assert_eq!(full.contains(" could not be read\n"), *unread != 0);
}

fn check(said: &Said) {
    let Said { full, doc, .. } = said;
    let found = len(&doc["findings"]);
    if found > 0 {
        let head = format!("found {found} error{}:\n", if found == 1 { "" } else { "s" });
        assert!(full.starts_with(&head), "{full}");
    }
    let ended = doc["ret"] != 0 && doc["error"].is_null();
    assert_eq!(full.contains("the check ended early: "), ended, "{full}");
}

/// Judges what a command says; whether it came to a document.
fn with(disks: &Disks, args: &[&str], judge: fn(&Said)) -> usize {
    let said = said(disks, args);
    said.as_ref().map(judge);
    usize::from(said.is_some())
}

/// All commands on one file system; how many came to a document.
fn all(disks: &Disks) -> usize {
    with(disks, &["check"], check)
        + with(disks, &["plan"], plan)
        + with(disks, &["explain", "--all-findings"], explain)
        + with(disks, &["lost"], lost)
        + gens_of(disks)
        + map(disks)
}

/// A map says where a walk ended early that it is none of what was counted.
fn map(disks: &Disks) -> usize {
    let (code, text) = disks.run(&["map"]);
    let (json, doc) = disks.run(&["map", "--json"]);
    assert_eq!(code, json);
    let Ok(doc) = serde_json::from_str::<Value>(&doc) else { return 0 };
    assert_eq!(text.contains("the walk ended early: "), doc["ret"] != 0, "{text}");
    assert_eq!(lines(&text, "device ").len(), len(&doc["devices"]), "{text}");
    1
}

/// The document of `gens` that says the same is a summary.
fn gens_of(disks: &Disks) -> usize {
    let (code, short) = disks.run(&["gens"]);
    let (verbose, full) = disks.run(&["gens", "--verbose"]);
    let (json, doc) = disks.run(&["gens", "--json", "--summary", "--verbose"]);
    assert_eq!((code, code), (verbose, json));
    let Ok(doc) = serde_json::from_str(&doc) else { return 0 };
    gens(&Said { short: String::new(), full, doc });
    assert!(short.lines().count() > 0);
    1
}

#[test]
fn damaged_at_random() {
    let (next, said) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = u64::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    if seed >= 48 {
                        break;
                    }
                    let disks = Disks::of(seed);
                    damage(seed, 1 + u32::try_from(seed % 6).unwrap(), &disks.paths).unwrap();
                    said.fetch_add(all(&disks), Ordering::Relaxed);
                }
            });
        }
    });
    assert!(said.into_inner() > 120);
}

/// Members thought away, one or all but one, and members that are not there.
#[test]
fn members_that_are_gone() {
    let mut judged = 0;
    for seed in (0..40).filter(|s| small_settings(*s).devices.len() > 1) {
        let mut disks = Disks::of(seed);
        let last = disks.paths.len() - 1;
        let all: Vec<String> = (0..last).map(|n| format!("--without={n}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        for without in [&all[..1], &all[..]] {
            let said = said(&disks, &[&["lost"], without].concat()).unwrap();
            lost(&said);
            judged += usize::from(said.doc["nothing_lost"] == false);
        }
        disks.paths.pop();
        judged += with(&disks, &["lost"], lost) + gens_of(&disks);
        with(&disks, &["check"], check);
    }
    assert!(judged > 30, "{judged}");
}

/// A seed whose file system is as one wants it.
fn seed_of(wanted: impl Fn(&gc_image_write::FsSpec) -> bool) -> u64 {
    (0..500).find(|s| wanted(&small_settings(*s))).unwrap()
}

/// Many buckets, and stripes, are wrong; one of each is told apart from a few.
#[test]
fn much_that_is_wrong() {
    let seed = seed_of(|s| s.devices.len() > 2 && s.clean && s.nodes.shadow_every == 0);
    let disks = Disks::of(seed);
    disks.change("bch_alloc", "dirty_sectors", Change::Plus, |_| true);
    assert_eq!(all(&disks), 6);
    assert_eq!(with(&disks, &["check", "--metadata-only"], check), 1);
    let said = said(&disks, &["plan"]).unwrap();
    assert!(said.short.contains(" more (--verbose shows all)"), "{}", said.short);
    // So many that a few are left out.
    let (_, text) = disks.run(&["explain", "--all-findings", "--max", "3"]);
    assert!(text.contains(" more buckets with findings (--max)\n"), "{text}");
}
