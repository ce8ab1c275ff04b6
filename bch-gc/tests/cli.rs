// SPDX-License-Identifier: GPL-2.0-only
//! The program: what it says of wrong things on the command line, and that it
//! leaves images alone.

mod images;

use images::Unpacked;
use sha2::{Digest, Sha256};
use std::process::{Command, Output};

fn bch_gc(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bch-gc")).args(args).output().expect("the program runs")
}

fn said(out: &Output) -> (Option<i32>, String) {
    (out.status.code(), String::from_utf8_lossy(&out.stderr).trim_end().to_string())
}

// Oracle: exit codes of fsck(8); 16 for usage, 8 where no answer can be made.
#[test]
fn wrong_things_on_the_command_line() {
    assert_eq!(bch_gc(&["check"]).status.code(), Some(16));
    assert_eq!(bch_gc(&["frobnicate"]).status.code(), Some(16));
    // So many take more memory than the image.
    for threads in ["0", "1025", "1000000"] {
        let (code, text) = said(&bch_gc(&["check", "--threads", threads, "x"]));
        assert_eq!(code, Some(16), "{text}");
        assert!(text.contains(&format!("{threads} is not in 1..=1024")), "{text}");
    }
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_string_lossy().into_owned();
    let refused = |args: &[&str], want: &str| {
        let out = bch_gc(&[&["check"], args].concat());
        assert_eq!(said(&out), (Some(8), format!("bch-gc: {want}")));
        assert!(out.stdout.is_empty());
    };
    let none = path("none");
    refused(&[&none], &format!("{none}: No such file or directory"));
    let folder = temp.path().to_string_lossy();
    refused(&[&folder], &format!("{folder}: is a directory"));
    refused(&["/dev/null"], "/dev/null: neither a file nor a block device");
    let file = |name: &str, content: &[u8]| {
        std::fs::write(path(name), content).unwrap();
        path(name)
    };
    let empty = file("empty", b"");
    refused(&[&empty], &format!("{empty}: empty: there is no file system in it"));
    let short = file("short", &[0; 5000]);
    let want = format!("{short}: too short for a bcachefs file system (9 sectors)");
    refused(&[&short], &want);
    // What another file system has at the place counts for nothing.
    let mut other = vec![0; 1 << 20];
    other[1024 + 56..1024 + 58].copy_from_slice(&[0x53, 0xef]);
    let other = file("ext4", &other);
    let want = format!(
        "{other}: not a bcachefs file system (no superblock at sector 8, no list of its copies \
         at sector 7, no copy in the first 32 MiB and the last 64 MiB)"
    );
    refused(&[&other], &want);
    refused(&["--passphrase-fd", "77", &other], "/dev/fd/77: No such file or directory");
    refused(&["--progress-fd", "77", &other], "/dev/fd/77: No such file or directory");
}

// Oracle: the limits of the reader, and the licence of the package.
#[test]
fn version() {
    let text = |args: &[&str]| {
        let out = bch_gc(args);
        assert_eq!((out.status.code(), out.stderr), (Some(0), vec![]), "{args:?}");
        String::from_utf8(out.stdout).unwrap()
    };
    let said = text(&["--version"]);
    assert_eq!(said, text(&["-V"]));
    let (min, max) = (gc_v0::superblock::VERSION_MIN, gc_v0::superblock::VERSION_MAX - 1);
    for part in [
        format!("bch-gc {}\n", env!("CARGO_PKG_VERSION")),
        format!(", versions 0.{min} to 0.{max}\n"),
        "bcachefs-tools 05408b6f8 ".into(),
        format!("licence: {}\n", env!("CARGO_PKG_LICENSE")),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
}

// Oracle: the same asked in the other way.
#[test]
fn help() {
    let all = ["check", "explain", "lost", "plan", "coalesce", "map", "state", "gens"];
    let whole = bch_gc(&["--help"]);
    assert_eq!(bch_gc(&["help"]).stdout, whole.stdout);
    for command in all {
        let (one, other) = (bch_gc(&["help", command]), bch_gc(&[command, "--help"]));
        assert_eq!((one.status.code(), &one.stderr), (Some(0), &vec![]), "{command}");
        assert!(!one.stdout.is_empty());
        assert_eq!(one.stdout, other.stdout, "{command}");
        assert!(String::from_utf8_lossy(&whole.stdout).contains(&format!("\n  {command} ")));
    }
    let out = bch_gc(&["help", "frobnicate"]);
    assert_eq!((out.status.code(), out.stdout.is_empty()), (Some(16), true));
    assert!(said(&out).1.contains("'frobnicate'"), "{}", said(&out).1);
}

// Oracle: the passphrase that the original's own format was given; results are
// compared with the original's by the test of the documents.
#[test]
fn passphrases() {
    let (mut unpacked, _) = devices("clean/passphrase");
    let run = |unpacked: &Unpacked| {
        let out = unpacked.run(&["check", "-q"]);
        (out.status.code(), String::from_utf8_lossy(&out.stderr).trim_end().to_string())
    };
    assert_eq!(run(&unpacked), (Some(0), String::new()));
    unpacked.passphrase = Some("wrong".into());
    assert_eq!(run(&unpacked), (Some(8), "bch-gc: incorrect passphrase".into()));
    unpacked.passphrase = Some(String::new());
    assert_eq!(run(&unpacked), (Some(8), "bch-gc: incorrect passphrase".into()));
    // Nothing at all, not even an empty line.
    let device = unpacked.devices[0].to_string_lossy().into_owned();
    let out = bch_gc(&["check", "-q", "--passphrase-fd", "0", &device]);
    assert_eq!(said(&out), (Some(8), "bch-gc: encrypted: a passphrase is needed".into()));
    unpacked.passphrase = None;
    assert_eq!(run(&unpacked), (Some(8), "bch-gc: encrypted: a passphrase is needed".into()));
}

// Oracle: what --help says of it: nothing but what is wrong.
#[test]
fn quiet() {
    let (unpacked, _) = devices("clean/fresh-64M");
    let out = unpacked.run(&["check", "-q"]);
    assert_eq!((out.status.code(), out.stdout, out.stderr), (Some(0), vec![], vec![]));
    let (unpacked, _) = devices("damaged/alloc-data-type");
    let out = unpacked.run(&["check", "-q"]);
    let text = String::from_utf8_lossy(&out.stdout);
    assert_eq!((out.status.code(), out.stderr), (Some(4), vec![]));
    assert!(text.starts_with("found "), "{text}");
    assert!(text.contains("\nbucket-data-type: "), "{text}");
    for other in ["usage", "device", "\u{1b}"] {
        assert!(!text.contains(other), "{text}");
    }
}

/// An image of the fixtures, unpacked, and its devices as arguments.
fn devices(name: &str) -> (Unpacked, Vec<String>) {
    let image = images::all().into_iter().find(|i| i.name == name);
    let unpacked = image.unwrap_or_else(|| panic!("no {name}")).unpack();
    let paths = unpacked.devices.iter().map(|d| d.to_string_lossy().into_owned()).collect();
    (unpacked, paths)
}

fn digest(path: &str) -> Vec<u8> {
    Sha256::digest(std::fs::read(path).unwrap()).to_vec()
}

// Oracle: the digest of the image before and after each command.
#[test]
fn images_are_left_alone() {
    for name in ["clean/fresh-64M", "unclean/kill-fresh", "damaged/fuzz-04-def"] {
        let (_unpacked, dev) = devices(name);
        let before = digest(&dev[0]);
        for args in [
            &["check", "-q"][..],
            &["state", "--mode", "y"],
            &["gens", "--json"],
            &["explain", "0:0"],
            &["explain", "--all-findings"],
            &["lost"],
            &["plan"],
            &["coalesce"],
            &["map"],
        ] {
            let args = [args, &[dev[0].as_str()]].concat();
            let code = bch_gc(&args).status.code();
            assert!(matches!(code, Some(0 | 4)), "{name} {args:?}: {code:?}");
        }
        assert_eq!(digest(&dev[0]), before, "{name}");
    }
}

// Oracle: texts of docs/facts/superblock.md; nothing of an image may be judged
// before it is known to be whole.
#[test]
fn sets_of_devices() {
    let temp = tempfile::tempdir().unwrap();
    let (_a, ec) = devices("clean/ec-4dev");
    let (_b, two) = devices("clean/2dev-replicas2");
    let (_c, one) = devices("clean/fresh-64M");
    let refused = |args: &[&str], end: &str| {
        let out = bch_gc(&[&["check", "-q"], args].concat());
        let (code, text) = said(&out);
        assert_eq!(code, Some(8), "{args:?}");
        assert!(text.ends_with(end), "{text}");
        assert!(out.stdout.is_empty(), "{args:?}");
    };
    refused(&[&ec[0]], "is missing");
    refused(&[&two[0], &one[0]], "device not a member of filesystem");
    refused(
        &[&two[0], &two[1], &two[0]],
        "already have device online in slot 0 (the same member twice)",
    );
    refused(&["--require-all", &two[1]], "is missing");
    let out = bch_gc(&["check", "-q", &two[1]]);
    assert_eq!(out.status.code(), Some(0));
    assert!(said(&out).1.contains("warning: member 0 ("), "{:?}", said(&out));
    let any_order = bch_gc(&["check", "-q", &ec[2], &ec[0], &ec[3], &ec[1]]);
    assert_eq!(any_order.status.code(), Some(0));
    // Cut short, and of a newer version.
    let bytes = std::fs::read(&one[0]).unwrap();
    let bent = temp.path().join("bent").to_string_lossy().into_owned();
    std::fs::write(&bent, &bytes[..bytes.len() - (1 << 20)]).unwrap();
    let want = format!(
        "device too small (cut short: {} sectors, {} by its superblock)",
        (bytes.len() - (1 << 20)) / 512,
        bytes.len() / 512
    );
    refused(&[&bent], &want);
    let mut newer = bytes;
    newer[4096 + 16..4096 + 18].copy_from_slice(&[1, 4]);
    std::fs::write(&bent, newer).unwrap();
    refused(&[&bent], "; this version reads the format of 2020 only, but for `bch-gc state`");
}
