// SPDX-License-Identifier: GPL-2.0-only
//! The program on a device with unreadable sectors: what it lists, and how it ends.
//!
//! Oracle: the sectors that were made unreadable, under the program, by a library
//! loaded before it; exit codes of fsck(8).

mod images;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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
        "device": device, "sector": 8, "sectors": 8, "bucket": null, "holds": "superblock",
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
    let holds: Vec<&str> =
        doc["unreadable"].as_array().unwrap().iter().filter_map(|u| u["holds"].as_str()).collect();
    assert!(holds.iter().any(|h| h.starts_with("btree node, ")), "{holds:?}");
    // No document can be made of it.
    let out = image.run(&["state"], 4096, 1 << 20);
    assert_eq!((out.status.code(), out.stdout), (Some(8), vec![]));
}
