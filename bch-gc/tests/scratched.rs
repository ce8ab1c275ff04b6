// SPDX-License-Identifier: GPL-2.0-only
//! The program on a bad device: with unreadable sectors what it lists and how it ends,
//! with sectors that never come that it can be stopped.
//!
//! Oracle: what was done to the sectors, under the program, by a library loaded before
//! it; exit codes of fsck(8).

mod images;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Scratched {
    folder: tempfile::TempDir,
    unpacked: images::Unpacked,
}

impl Scratched {
    fn new(name: &str) -> Self {
        let image = images::all().into_iter().find(|i| i.name == name).unwrap();
        let this = Self { folder: tempfile::tempdir().unwrap(), unpacked: image.unpack() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scratched.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"]).arg(this.library()).arg(source);
        assert!(cc.arg("-ldl").status().expect("a C compiler is needed").success());
        this
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("scratched.so")
    }

    /// Runs with sectors from `first` to before `end` unreadable.
    fn run(&self, args: &[&str], first: u64, end: u64) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_bch-gc"));
        program.env("LD_PRELOAD", self.library()).env("SCRATCHED", format!("{first}-{end}"));
        program.args(args).args(&self.unpacked.devices).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// The default superblock: another copy is as good, but the device is not.
#[test]
fn a_superblock() {
    let image = Scratched::new("clean/fresh-64M");
    let device = image.unpacked.devices[0].display().to_string();
    let none = image.run(&["check", "-q"], 0, 0);
    assert_eq!((none.status.code(), text(&none.stdout)), (Some(0), String::new()));
    let list = format!("8 sectors could not be read:\n  {device}: sectors 8 to 15 (superblock)\n");
    let why = "error reading default superblock: the superblock at sector 8 cannot be read\n";
    let out = image.run(&["check", "-q"], 10, 11);
    assert_eq!(
        (out.status.code(), text(&out.stdout), text(&out.stderr)),
        (Some(4), list.clone(), why.into())
    );
    // Commands that do not report it themselves say it at the end.
    let out = image.run(&["state"], 10, 11);
    assert_eq!(out.status.code(), Some(4));
    assert!(text(&out.stderr).ends_with(&list), "{}", text(&out.stderr));
    let out = image.run(&["check", "--json"], 10, 11);
    assert_eq!(out.status.code(), Some(4));
    let doc: Value = serde_json::from_slice(&out.stdout).unwrap();
    let want = serde_json::json!([{
        "code": 119,
        "name": "unreadable",
        "severity": "error",
        "text": format!("{device}: sectors 8 to 15 (superblock)"),
        "place": {"image": device, "sector": 8},
        "sectors": 8,
        "holds": "superblock",
    }]);
    assert_eq!((&doc["unreadable"], &doc["findings"]), (&want, &serde_json::json!([])));
}

// The whole of the device behind the superblock's copies: the journal, which is not
// needed, and the roots, which are.
#[test]
fn everything_else() {
    let image = Scratched::new("clean/fresh-64M");
    let out = image.run(&["check", "-q"], 4096, 1 << 20);
    assert_eq!(out.status.code(), Some(4));
    assert!(text(&out.stderr).contains("Error in recovery"), "{}", text(&out.stderr));
    let doc = image.run(&["check", "--json"], 4096, 1 << 20);
    assert_eq!(doc.status.code(), Some(4));
    let doc: Value = serde_json::from_slice(&doc.stdout).unwrap();
    assert!(doc["error"].is_string() && doc["state"].is_null());
    let unreadable = doc["unreadable"].as_array().unwrap();
    let of_node = |u: &Value| u["holds"] == "btree node" && u["place"]["btree"].is_string();
    assert!(unreadable.iter().any(of_node), "{unreadable:?}");
    // No document can be made of it.
    let out = image.run(&["state"], 4096, 1 << 20);
    assert_eq!((out.status.code(), out.stdout), (Some(8), vec![]));
}

/// A program that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended where all is well.
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

// An interrupt while a read is waited for that never ends: the run ends all the same,
// and says how far it was; these are its last words.
#[test]
fn an_interrupt() {
    let image = Scratched::new("clean/deep-l2");
    let progress = image.folder.path().join("progress");
    let child = Command::new(env!("CARGO_BIN_EXE_bch-gc"))
        .env("LD_PRELOAD", image.library())
        .env("STUCK", &progress)
        .args(["check", "--progress-fd", "0"])
        .args(&image.unpacked.devices)
        .stdin(std::fs::File::create(&progress).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Running(child.unwrap());
    // Nodes are being read, and are many.
    let reads = |text: &str| text.contains("\"phase\":\"reading nodes\"");
    let begun = Instant::now();
    while !reads(&std::fs::read_to_string(&progress).unwrap()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no node is ever read");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(Pid::from_raw(child.0.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let sent = Instant::now();
    while child.0.try_wait().unwrap().is_none() {
        // Promised: 0.2 s; the rest is for a machine that does other things.
        assert!(sent.elapsed() < Duration::from_secs(30), "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(child.0.wait().unwrap().code(), Some(32));
    let mut said = String::new();
    child.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("bch-gc: interrupted; reading nodes: "), "{said}");
    let last = std::fs::read_to_string(&progress).unwrap();
    let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(last["state"], "interrupted");
    assert!(last["done"].as_u64() < last["estimate"].as_u64(), "{last}");
}
