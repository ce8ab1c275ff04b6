// SPDX-License-Identifier: GPL-2.0-only
//! Where a limit of memory is refused, what is named would do.
//!
//! Oracle: the run with that limit, and the same without one.

mod images;

use gc_core::layout::{Bpos, BtreeId, KeyType};
use gc_image_write::key::Key;
use gc_image_write::spec::{DeviceSpec, FsSpec, JournalKey};
use gc_image_write::writer::ImageWriter;
use images::each;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// MiB that are named in a refusal; `None` if there is no refusal.
fn named(out: &Output) -> Option<u32> {
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(!text.contains("more memory would be needed"), "no number: {text}");
    let (_, least) = text.rsplit_once("does not fit in --memory; ")?;
    least.split_once("M would do").unwrap().0.parse().ok()
}

/// Follows what refusals name, from 1 MiB on, until one run is not refused: what it was
/// allowed, how often one was refused, and what it said.
///
/// What is named first does for as long as nothing is found; what is named after that
/// does in any case.
fn follow(run: impl Fn(u32) -> Output) -> (u32, usize, Output) {
    let (mut limit, mut refused) = (1, 0);
    loop {
        let out = run(limit);
        let Some(least) = named(&out) else { return (limit, refused, out) };
        assert!(least > limit && refused < 3, "{least} after {limit}");
        (limit, refused) = (least, refused + 1);
    }
}

const COMMANDS: [&[&str]; 4] = [
    &["check", "--verbose", "--threads", "1"],
    &["check", "--verbose", "--threads", "2"],
    &["check", "--json"],
    &["state"],
];

#[test]
fn what_a_refusal_names_does() {
    let refusals = AtomicUsize::new(0);
    each(|image| {
        let unpacked = image.unpack();
        let mut bad = Vec::new();
        for command in COMMANDS {
            let want = unpacked.run(command);
            let run =
                |limit| unpacked.run(&[command, &["--memory", &format!("{limit}M")]].concat());
            let (limit, refused, got) = follow(run);
            refusals.fetch_add(refused, Ordering::Relaxed);
            if (got.status, &got.stdout) != (want.status, &want.stdout) {
                bad.push(format!("{command:?} within {limit}M: {got:?} want {want:?}"));
            }
        }
        bad
    });
    let refusals = refusals.into_inner();
    assert!(refusals >= 100, "{refusals}");
}

// Oracle: the same run without a limit. In steps around what the process takes at the
// beginning, which is more under a sanitizer.
#[test]
fn any_limit_does_or_is_refused_with_a_number() {
    let image = images::all().into_iter().find(|i| i.name == "clean/mixed").unwrap();
    let unpacked = image.unpack();
    let (mut did, mut refused) = (0, 0);
    for command in COMMANDS {
        let want = unpacked.run(command);
        let within = |kib| unpacked.run(&[command, &["--memory", &format!("{kib}K")]].concat());
        let least = named(&within(1 << 10)).unwrap() << 10;
        for kib in (least.saturating_sub(6 << 10)..least + (8 << 10)).step_by(64) {
            let got = within(kib);
            if named(&got).is_some() {
                refused += 1;
                assert_eq!(got.status.code(), Some(8), "{command:?} within {kib}K");
            } else {
                did += 1;
                let (got, want) = ((got.status, got.stdout), (want.status, want.stdout.clone()));
                assert_eq!(got, want, "{command:?} within {kib}K");
            }
        }
    }
    assert!(did >= 200 && refused >= 100, "{did} did, {refused} refused");
}

/// A journal of so many entries that all count, each with so many keys.
fn write(entries: u64, keys: u64, image: &Path) {
    let device = DeviceSpec { journal_buckets: 64, ..DeviceSpec::new(4096, 512) };
    let spec = FsSpec { clean: false, ..FsSpec::new(1, vec![device]) };
    let deleted = |n| Key::new(KeyType::DELETED, Bpos::new(5000, n), 0, Vec::new());
    let key = |n| JournalKey { btree: BtreeId::XATTRS, level: 0, key: deleted(n) };
    let set = |n| (n * keys..(n + 1) * keys).map(key).collect();
    let mut writer = ImageWriter::create(spec, &[image]).unwrap();
    writer.journal((0..entries).map(set).collect());
    writer.finish().unwrap();
}

// Oracle: the system too, which refuses what is more than the limit.
#[test]
fn what_a_long_journal_takes_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("long");
    write(30, 6000, &image);
    let run = |limit: Option<u32>, args: &[&str]| {
        let memory = limit.map_or(String::new(), |limit| format!("--memory={limit}M"));
        let script = match limit {
            // Below that the program itself does not begin.
            Some(limit) => format!("ulimit -d {} && exec \"$@\"", limit.max(16) << 10),
            None => "exec \"$@\"".into(),
        };
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_bch-gc")]).args(args);
        command.args(limit.map(|_| &memory)).arg(&image).output().unwrap()
    };
    for args in [&["check", "--threads", "1"][..], &["check", "--json"], &["state"]] {
        let want = run(None, args);
        assert_eq!(want.status.code(), Some(0), "{want:?}");
        let (least, refused, got) = follow(|limit| run(Some(limit), args));
        assert_eq!((got.status, &got.stdout), (want.status, &want.stdout), "within {least}M");
        assert!(refused >= 1 && least > 20, "{refused} refused, {least}M");
        let first = String::from_utf8_lossy(&run(Some(1), args).stderr).into_owned();
        assert!(first.contains("reading the journal does not fit"), "{first}");
        // Keys are 72 bytes each, and there are 180,000.
        assert_eq!(run(Some(12), args).status.code(), Some(8));
    }
}
