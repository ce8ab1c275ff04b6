// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc state` on file systems of today against what today's tool recomputes: the whole
//! corpus where it lies beside the project, else the choice of it in `fixtures/modern`.
//!
//! Oracle: the goldens (their format: docs/facts/v1/goldens.md), written by the tool itself.
//! A pass would be vacuous without images, or without lines in them: both are counted.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Errors of pointers to nodes that the tool repeats as often as it restarts.
const BY_CHANCE: [&str; 3] =
    ["stale_dirty_ptr", "ptr_gen_newer_than_bucket_gen", "ptr_to_missing_alloc_key"];

fn images() -> Vec<(String, PathBuf)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("../../shared/modern");
    let few = std::env::var("TEST_IMAGES").is_ok_and(|v| v == "fixtures");
    let root = match corpus.join("INDEX.md").exists() && !few {
        true => corpus,
        false => here.join("../fixtures/modern"),
    };
    let folders = |of: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(of).unwrap_or_else(|e| panic!("{}: {e}", of.display()));
        entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect()
    };
    let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
    let mut images = Vec::new();
    for class in folders(&root) {
        for dir in folders(&class) {
            if dir.join("golden-alloc.jsonl.zst").exists() {
                images.push((format!("{}/{}", name(&class), name(&dir)), dir));
            }
        }
    }
    images.sort();
    assert!(images.len() >= 15, "only {} images below {}", images.len(), root.display());
    images
}

fn zstd(path: &Path) -> Vec<u8> {
    let out = Command::new("zstd").args(["-dcq", "--long=27"]).arg(path).output();
    let out = out.expect("zstd is needed: apt-get install zstd");
    assert!(out.status.success(), "{}", path.display());
    out.stdout
}

fn state(dir: &Path, meta: &Value) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar")
        .args(["--sparse", "-xf", "-", "-C"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("tar is needed: apt-get install tar");
    tar.stdin.take().unwrap().write_all(&zstd(&dir.join("devs.tar.zst"))).unwrap();
    assert!(tar.wait().unwrap().success());
    let mut program = Command::new(env!("CARGO_BIN_EXE_bch-gc"));
    program.current_dir(folder.path()).arg("state");
    let passphrase = meta["stdin"].as_str().map(str::to_string);
    if passphrase.is_some() {
        program.args(["--passphrase-fd", "0"]);
    }
    for dev in meta["devs"].as_array().unwrap() {
        program.arg(dev.as_str().unwrap());
    }
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(passphrase.unwrap_or_default().as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn lines(text: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(text);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Lines of the last run of a golden that came to its end; `None` if there is none.
fn last_run(lines: Vec<Value>) -> Option<Vec<Value>> {
    let run = |l: &Value| l["run"].as_u64().unwrap_or(1);
    let done = |l: &&Value| l["kind"] == "accounting" && l["stage"] == "final";
    let last = lines.iter().filter(done).map(run).max()?;
    Some(lines.into_iter().filter(|l| run(l) == last).collect())
}

/// What is compared of a document, by section.
fn sections(lines: &[Value]) -> BTreeMap<&'static str, BTreeMap<String, String>> {
    let mut all: BTreeMap<&'static str, BTreeMap<String, String>> = BTreeMap::new();
    let mut errors: BTreeMap<String, u64> = BTreeMap::new();
    let of_nodes: BTreeSet<String> = lines
        .iter()
        .filter(|l| l["kind"] == "error")
        .filter_map(|l| l["id"].as_str().map(ToString::to_string))
        .filter(|id| BY_CHANCE.contains(&id.as_str()))
        .collect();
    for line in lines {
        let kind = line["kind"].as_str().unwrap_or("");
        let section = match (kind, line["stage"].as_str().unwrap_or("")) {
            ("alloc_had", _) => "had",
            ("alloc_gc", "walked") => "walked",
            ("alloc_gc", "final") => "final",
            ("accounting", "final") => {
                let rows = all.entry("accounting").or_default();
                for row in line["rows"].as_array().unwrap() {
                    let zero = |v: &Value| v.as_array().unwrap().iter().all(|n| n == 0);
                    if !zero(&row[2]) || !zero(&row[3]) {
                        let (key, had) = (row[1].as_str().unwrap(), &row[2]);
                        rows.insert(key.into(), format!("{had} {}", row[3]));
                    }
                }
                continue;
            }
            ("inum_gc", _) => "inum",
            ("bucket_gens", _) => "bucket_gens",
            ("stripes", _) => "stripes",
            ("reflink", _) => "reflink",
            ("btrees", _) => {
                let rows = all.entry("btrees").or_default();
                for row in line["rows"].as_array().unwrap() {
                    let key = format!("{} {}", row[0], row[1]);
                    rows.insert(key, format!("{} {} {}", row[2], row[3], row[5]));
                }
                continue;
            }
            ("error", _) if line["in_gc"] != false => {
                let id = line["id"].as_str().unwrap().to_string();
                let count = errors.entry(format!("{id}: {}", line["text"])).or_default();
                *count = if of_nodes.contains(&id) { 1 } else { *count + 1 };
                continue;
            }
            _ => continue,
        };
        let dev = line["dev"].to_string();
        let head = format!("{} {}", line["nbuckets"], line["bucket_size"]);
        all.entry(section).or_default().insert(dev, format!("{head} {}", line["rows"]));
    }
    let errors = errors.into_iter().map(|(id, n)| (id, n.to_string())).collect();
    all.insert("errors", errors);
    all
}

// Oracle: the goldens. Where the tool gave up, the program must not die, and says why.
#[test]
fn state_equals_what_the_tool_recomputes() {
    let (mut compared, mut bad) = (0, Vec::new());
    for (name, dir) in images() {
        let meta: Value =
            serde_json::from_slice(&std::fs::read(dir.join("META.json")).unwrap()).unwrap();
        let out = state(&dir, &meta);
        let code = out.status.code();
        if !matches!(code, Some(0 | 4 | 8)) {
            bad.push(format!("{name}: exit {code:?}"));
            continue;
        }
        let golden = last_run(lines(&zstd(&dir.join("golden-alloc.jsonl.zst"))));
        let Some(golden) = golden else {
            if code == Some(8) && out.stderr.is_empty() {
                bad.push(format!("{name}: no word of why there is no answer"));
            }
            continue;
        };
        compared += 1;
        let (want, got) = (sections(&golden), sections(&lines(&out.stdout)));
        let all: BTreeSet<_> = want.keys().chain(got.keys()).copied().collect();
        for section in all {
            let none = BTreeMap::new();
            let w = want.get(section).unwrap_or(&none);
            let g = got.get(section).unwrap_or(&none);
            if w == g {
                continue;
            }
            let first = w.iter().find(|(k, v)| g.get(*k) != Some(v));
            let more = g.iter().find(|(k, _)| !w.contains_key(*k));
            bad.push(format!("{name}: {section}: golden {first:?}, too much {more:?}"));
        }
    }
    assert!(compared >= 15, "only {compared} images compared");
    assert!(bad.is_empty(), "{} differences:\n{}", bad.len(), bad.join("\n"));
}
