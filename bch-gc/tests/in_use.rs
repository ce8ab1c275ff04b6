// SPDX-License-Identifier: GPL-2.0-only
//! Devices that somebody else uses, and file systems that change while they are read.

mod images;

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A block device over a file.
struct Loop(PathBuf);

impl Loop {
    /// `None` where this machine has none to give, as without being root.
    fn new(file: &Path) -> Option<Self> {
        let out = Command::new("losetup").args(["--find", "--show"]).arg(file).output().ok()?;
        let path = String::from_utf8(out.stdout).ok()?;
        out.status.success().then(|| Self(path.trim_end().into()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _freed = Command::new("losetup").arg("--detach").arg(&self.0).status();
    }
}

fn check(args: &[&str], device: &Path) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_bch-gc");
    let out: Output =
        Command::new(program).args(["check", "-q"]).args(args).arg(device).output().unwrap();
    (out.status.code(), String::from_utf8_lossy(&out.stderr).trim_end().to_string())
}

fn fresh() -> images::Unpacked {
    images::all().into_iter().find(|i| i.name == "clean/fresh-64M").unwrap().unpack()
}

/// Where the default superblock holds its sequence.
const SEQ: u64 = 4096 + 112;

// Oracle: who holds the device, as the system knows it: an exclusive open, as that of
// a mount.
#[test]
fn held_by_another() {
    let unpacked = fresh();
    let Some(device) = Loop::new(&unpacked.devices[0]) else {
        eprintln!("no loop device: not tested");
        return;
    };
    assert_eq!(check(&[], &device.0), (Some(0), String::new()));
    let hold = OpenOptions::new().read(true).custom_flags(libc::O_EXCL).open(&device.0).unwrap();
    let (code, text) = check(&[], &device.0);
    assert_eq!(code, Some(8));
    assert!(text.contains("in use (mounted, or held by another program); --in-use"), "{text}");
    assert_eq!(check(&["--in-use"], &device.0), (Some(0), String::new()));
    drop(hold);
    assert_eq!(check(&[], &device.0), (Some(0), String::new()));
}

// Oracle: the sequence that was written below the device after it was opened; a read
// that the system answers from its memory would not see it.
#[test]
fn written_to_by_another() {
    let unpacked = fresh();
    let below = OpenOptions::new().read(true).write(true).open(&unpacked.devices[0]).unwrap();
    let mut seq = [0; 8];
    below.read_exact_at(&mut seq, SEQ).unwrap();
    let was = u64::from_le_bytes(seq);
    let write = |seq: u64| below.write_all_at(&seq.to_le_bytes(), SEQ).unwrap();
    let device = Loop::new(&unpacked.devices[0]);
    let paths = [device.as_ref().map(|d| d.0.clone()), Some(unpacked.devices[0].clone())];
    for path in paths.iter().flatten() {
        struct Nothing;
        impl gc_v0::report::Reporter for Nothing {
            fn found(&mut self, found: gc_v0::report::Found) -> gc_core::finding::Answer {
                gc_v0::report::answer(found.flags, false)
            }
            fn log(&mut self, _line: &str) {}
        }
        let fs = gc_v0::fs::open(&[path], &Default::default(), &mut Nothing).unwrap();
        assert!(fs.changes().is_empty());
        write(was + 3);
        let changes: Vec<_> = fs.changes().iter().map(ToString::to_string).collect();
        let want = format!(
            "{}: changed while it was read (superblock sequence {was}, now {})",
            path.display(),
            was + 3
        );
        assert_eq!(changes, [want]);
        write(was);
    }
}
