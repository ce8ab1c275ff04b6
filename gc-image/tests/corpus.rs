// SPDX-License-Identifier: GPL-2.0-only
//! Reads the images of ../shared/corpus, where it is present.

use gc_core::finding::Answer;
use gc_core::layout::BtreeId;
use gc_image::fs::{Fs, Options, open};
use gc_image::recovery::Recovered;
use gc_image::recovery::{RecoveryArgs, recover};
use gc_image::report::{Found, Reporter, answer};
use gc_image::tree::walk;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Answers like a check that changes nothing.
#[derive(Default)]
struct Keep(Vec<Found>);

impl Reporter for Keep {
    fn found(&mut self, found: Found) -> Answer {
        let answer = answer(found.flags, false);
        self.0.push(found);
        answer
    }
    fn log(&mut self, _line: &str) {}
}

fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    root.join("INDEX.md").exists().then_some(root)
}

fn unpack(from: &Path, to: &Path) {
    let status = Command::new("zstd")
        .args(["-dqf", "--long=27", "--sparse"])
        .arg(from)
        .arg("-o")
        .arg(to)
        .status()
        .expect("zstd runs");
    assert!(status.success(), "{from:?}");
}

fn json_lines(path: &Path) -> Vec<Value> {
    let out =
        Command::new("zstd").args(["-dcq", "--long=27"]).arg(path).output().expect("zstd runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().map(|l| serde_json::from_str(l).expect("a golden is JSON")).collect()
}

/// Images of some classes with a result of the original.
fn images(classes: &[&str]) -> Vec<PathBuf> {
    let Some(root) = corpus() else { return Vec::new() };
    let mut dirs: Vec<PathBuf> = classes
        .iter()
        .flat_map(|c| std::fs::read_dir(root.join(c)).into_iter().flatten())
        .map(|e| e.unwrap().path())
        .filter(|d| d.join("golden-n.jsonl.zst").exists())
        .collect();
    dirs.sort();
    dirs
}

fn open_image(dir: &Path, keep: &mut Keep) -> (tempfile::TempDir, Fs) {
    let temp = tempfile::tempdir().unwrap();
    let mut devices = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(image) = name.strip_suffix(".zst").filter(|n| n.starts_with("dev")) {
            let to = temp.path().join(image);
            unpack(&path, &to);
            devices.push(to);
        }
    }
    // The order of the devices does not count.
    devices.sort_by(|a, b| b.cmp(a));
    let fs = open(&devices, &Options::default(), keep).unwrap_or_else(|e| panic!("{dir:?}: {e}"));
    (temp, fs)
}

// Oracle: journal_keys, prior_errors and key_version of the original's run.
#[test]
fn recovery_gives_what_the_original_has() {
    for dir in images(&["clean", "unclean", "degraded"]) {
        let golden = json_lines(&dir.join("golden-n.jsonl.zst"));
        let mut keep = Keep::default();
        let (_temp, fs) = open_image(&dir, &mut keep);
        let r = recover(fs, RecoveryArgs { fsck: true }, &mut keep)
            .unwrap_or_else(|e| panic!("{dir:?}: {e}"));
        let want = golden.first().unwrap();
        assert_eq!(want["journal_keys"].as_u64(), u64::try_from(r.journal.len()).ok(), "{dir:?}");
        assert_eq!(want["before"]["key_version"].as_u64(), Some(r.key_version), "{dir:?}");
        let prior: Vec<&str> = want["prior_errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["text"].as_str().unwrap())
            .collect();
        let texts: Vec<&str> = keep.0.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(prior, texts, "{dir:?}");
    }
}

/// Number of leaf keys of a btree and the digest of FORMAT.md.
fn digest(r: &mut Recovered, id: BtreeId) -> (u64, String) {
    let root = std::rc::Rc::clone(&r.roots[usize::from(id.0)]);
    let (mut nr, mut sha) = (0, Sha256::new());
    walk(&r.fs, &mut r.nodes, &r.journal, &root, &mut Keep::default(), &mut |level, key, _| {
        if level == 0 {
            nr += 1;
            let (k, p, version) = (key.k, key.k.p, key.k.version);
            sha.update([k.type_.0]);
            sha.update(k.size.to_le_bytes());
            sha.update({ p.inode }.to_le_bytes());
            sha.update({ p.offset }.to_le_bytes());
            sha.update({ p.snapshot }.to_le_bytes());
            sha.update({ version.hi }.to_le_bytes());
            sha.update({ version.lo }.to_le_bytes());
            sha.update(u32::try_from(key.v.len() * 8).unwrap().to_le_bytes());
            key.v.iter().for_each(|w| sha.update(w.to_le_bytes()));
        }
        Ok(())
    })
    .unwrap();
    (nr, sha.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

// Oracle: number and digest of all keys as the original's own iterators saw them.
// The alloc btree is left out: it depends on the run that made the golden.
#[test]
fn every_key_is_read() {
    let mut compared = 0;
    for dir in images(&["coalesce"]) {
        let golden = json_lines(&dir.join("coalesce.jsonl.zst"));
        let mut keep = Keep::default();
        let (_temp, fs) = open_image(&dir, &mut keep);
        let mut r = recover(fs, RecoveryArgs { fsck: true }, &mut keep).unwrap();
        for btree in golden.first().unwrap()["btrees"].as_array().unwrap() {
            let name = btree["btree"].as_str();
            let id = (0..8).map(BtreeId).find(|id| id.name() == name).unwrap();
            if id == BtreeId::ALLOC {
                continue;
            }
            let (nr, sha) = digest(&mut r, id);
            assert_eq!(btree["nr_keys"].as_u64(), Some(nr), "{dir:?} btree {}", id.0);
            assert_eq!(btree["all_keys_sha256"].as_str(), Some(sha.as_str()), "{dir:?} {}", id.0);
            compared += 1;
        }
    }
    assert!(corpus().is_none() || compared > 0);
}
