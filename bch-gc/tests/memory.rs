// SPDX-License-Identifier: GPL-2.0-only
//! A limit of memory is kept, and changes nothing in what is said.
//!
//! Oracle: the same run without a limit. A pass would be vacuous if nothing were done
//! in parts: how many images are is asserted.

mod images;

use gc_core::error::Error;
use gc_core::gc::{Args, gc};
use gc_core::layout::DevUsage;
use gc_image_write::damage::damage;
use gc_image_write::generate::presets;
use gc_v0::fs::{Fs, Options, open};
use gc_v0::host::Image;
use gc_v0::journal::JournalKeys;
use gc_v0::plain::{self, Agreed, Held, Part, suspect_buckets};
use gc_v0::recovery::{Begun, RecoveryArgs, begin};
use gc_v0::report::{Found, Reporter, answer};
use images::{Unpacked, each};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Silent;

impl Reporter for Silent {
    fn found(&mut self, found: Found) -> gc_core::finding::Answer {
        answer(found.flags, false)
    }
    fn log(&mut self, _line: &str) {}
}

fn begun(unpacked: &Unpacked) -> Option<Begun> {
    let fs = open(&unpacked.devices, &Options::default(), &mut Silent).ok()?;
    begin(fs, RecoveryArgs::new(true), &mut Silent).ok()
}

fn same(a: &Option<Agreed>, b: &Option<Agreed>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (&a.usage, &a.dev_usage) == (&b.usage, &b.dev_usage),
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[test]
fn any_parts_give_the_same() {
    let plain = AtomicUsize::new(0);
    let walks = AtomicUsize::new(0);
    each(|image| {
        let Some(begun) = begun(&image.unpack()) else { return Vec::new() };
        let check = |parts: &[Part], threads| {
            plain::check(&begun, plain::Options { threads }, parts, &mut |_| {}).ok()
        };
        let whole = check(&[Part::whole(&begun.fs)], 1);
        plain.fetch_add(usize::from(whole.is_some()), Ordering::Relaxed);
        let how = plain::Options { threads: 2 };
        let mut bad = Vec::new();
        let counted = Held::count(&begun, how, &mut |_| {}).ok();
        if let (true, None) = (whole.is_some(), &counted) {
            bad.push("plain, and its buckets cannot be counted".into());
        }
        let full = Held::full(&begun.fs);
        if counted.as_ref().is_some_and(|c| c.bytes() > full.bytes()) {
            bad.push("more counted than there are".into());
        }
        for held in [Some(full), counted].into_iter().flatten() {
            let (least, all) = (held.least(), held.bytes());
            for bytes in [least, least.midpoint(all), all.div_ceil(3).max(least)] {
                let parts = held.parts(bytes).unwrap();
                walks.fetch_max(parts.len(), Ordering::Relaxed);
                for threads in [1, 2] {
                    if !same(&check(&parts, threads), &whole) {
                        bad.push(format!("{} parts, {threads} threads", parts.len()));
                    }
                }
            }
        }
        bad
    });
    let (plain, walks) = (plain.into_inner(), walks.into_inner());
    println!("{plain} plain, up to {walks} walks");
    assert!(plain >= 15 && walks >= 20, "{plain} plain, up to {walks} walks");
}

/// What a run in the order of references says, and leaves behind.
#[derive(Debug, PartialEq)]
struct Said {
    /// With the pass.
    findings: Vec<(u32, String)>,
    /// `None`: it ended before anything was counted.
    counted: Option<Counted>,
}

#[derive(Debug, PartialEq)]
struct Counted {
    ret: i32,
    usage: Vec<u64>,
    dev_usage: Vec<DevUsage>,
}

/// What may have been counted otherwise, and what a run leaves unchanged.
type Left = (Vec<(u8, u64)>, Fs, JournalKeys);

/// Keeps findings, each with its pass.
#[derive(Default)]
struct Keep {
    pass: u32,
    findings: Vec<(u32, String)>,
}

impl Reporter for Keep {
    fn found(&mut self, found: Found) -> gc_core::finding::Answer {
        let answer = answer(found.flags, false);
        self.findings.push((self.pass, found.text));
        answer
    }
    fn log(&mut self, _line: &str) {}
    fn pass(&mut self, pass: u32) {
        self.pass = pass;
    }
}

fn in_order(begun: Begun) -> (Said, Option<Left>) {
    let mut keep = Keep::default();
    let Ok(recovered) = begun.read_marks(&mut keep) else {
        return (Said { findings: keep.findings, counted: None }, None);
    };
    let image = Image::new(recovered, &mut keep).unwrap();
    let result = gc(&image, Args { initial: true, metadata_only: false });
    let ret = result.map_or_else(Error::code, |()| 0);
    let usage = image.with_usage(|words, _| words.to_vec());
    let dev_usage = image.fs().members().map(|(dev, _)| image.device_usage(dev)).collect();
    let missed = image.missed();
    let (fs, journal) = image.into_parts();
    let counted = Some(Counted { ret, usage, dev_usage });
    (Said { findings: keep.findings, counted }, Some((missed, fs, journal)))
}

// Oracle: all buckets in memory.
#[test]
fn suspect_buckets_alone_give_the_same() {
    let (listed, again, left_out) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    each(|image| {
        let unpacked = image.unpack();
        let Some(whole) = begun(&unpacked) else { return Vec::new() };
        let buckets: u64 = whole.fs.members().map(|(_, d)| d.member.nbuckets).sum();
        let held = Held::full(&whole.fs);
        let (want, _) = in_order(whole);
        let mut bad = Vec::new();
        for bytes in [held.bytes(), held.least()] {
            let mut begun = begun(&unpacked).unwrap();
            let parts = held.parts(bytes).unwrap();
            let mut suspect =
                suspect_buckets(&begun, &parts, (1 << 20, 1 << 20), &mut |_| {}).unwrap();
            let got = loop {
                suspect.list(&mut begun.fs);
                let kept = begun.kept();
                match in_order(begun) {
                    (_, Some((missed, fs, journal))) if !missed.is_empty() => {
                        again.fetch_add(1, Ordering::Relaxed);
                        suspect.add(missed);
                        begun = kept.with(fs, journal);
                    }
                    (got, _) => break got,
                }
            };
            if got != want {
                bad.push(format!("{} parts: {got:?}\nwant {want:?}", parts.len()));
            }
            listed.fetch_add(suspect.len(), Ordering::Relaxed);
            let rest = usize::try_from(buckets).unwrap() - suspect.len();
            left_out.fetch_add(rest, Ordering::Relaxed);
        }
        bad
    });
    let [listed, again, left_out] = [listed, again, left_out].map(AtomicUsize::into_inner);
    println!("{listed} listed, {left_out} left out, {again} times again");
    assert!(listed > 1000 && left_out > 10 * listed && again > 0);
}

/// Those that walk in ways of their own.
const COMMANDS: [&[&str]; 5] = [
    &["check", "--verbose"],
    &["check", "--json"],
    &["state"],
    &["plan", "--json"],
    &["explain", "--all-findings", "--json"],
];

#[test]
fn a_limit_changes_nothing() {
    let told = AtomicUsize::new(0);
    each(|image| {
        let unpacked = image.unpack();
        let mut bad = Vec::new();
        for command in COMMANDS {
            let want = unpacked.run(command);
            let got = unpacked.run(&[command, &["--memory", "300M"]].concat());
            if (got.status, &got.stdout) != (want.status, &want.stdout) {
                bad.push(format!("{command:?}: {got:?} want {want:?}"));
            }
            let said = String::from_utf8_lossy(&got.stderr).contains("bch-gc: memory: ");
            told.fetch_add(usize::from(said), Ordering::Relaxed);
        }
        bad
    });
    assert!(told.into_inner() >= 50 * COMMANDS.len() / 2);
}

/// The program with so much memory that it may write to, in MiB: the system refuses
/// more.
fn within(mib: u32, args: &[&str], image: &Path) -> Output {
    let script = format!("ulimit -d {} && exec \"$@\"", mib << 10);
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_bch-gc")]);
    command.args(args).arg(image).output().unwrap()
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Of what must be allowed for the program's own file, in MiB; less the stack of a
/// thread, which is hardly written to.
const PROGRAM: u32 = 4;

/// A check of so many MiB at most.
fn limited(limit: u32, args: &[&str], image: &Path) -> Output {
    let memory = format!("{limit}M");
    let args = [&["check", "--threads", "1", "--memory", &memory], args].concat();
    within(limit.checked_sub(PROGRAM).unwrap(), &args, image)
}

fn write(name: &str, folder: &tempfile::TempDir) -> PathBuf {
    let image = folder.path().join(name);
    let preset = presets().into_iter().find(|p| p.name == name).unwrap();
    preset.write(1, &[&image]).unwrap();
    image
}

// Oracle: the system, which refuses what is more than the limit, less what is read of
// the program's own file.
#[test]
fn a_large_device_is_checked_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let image = write("b32m", &folder);
    let run = |limit, args: &[&str]| limited(limit, args, &image);

    let want = run(128, &[]);
    assert_eq!(want.status.code(), Some(0), "{}", said(&want));
    assert!(said(&want).contains(" in one walk"), "{}", said(&want));
    for limit in [64, 48, 32, 24] {
        let got = run(limit, &[]);
        assert_eq!((got.status.code(), &got.stdout), (Some(0), &want.stdout), "{}", said(&got));
        assert!(said(&got).contains(&format!("within {limit}M, in ")), "{}", said(&got));
    }
    // Without a limit of its own it does not fit where it just did.
    let got = within(32 - PROGRAM, &["check", "--threads", "1"], &image);
    assert_eq!(got.status.code(), Some(8), "{}", said(&got));

    // References are followed in their order too, for what is suspect.
    let got = run(48, &["--in-order"]);
    assert_eq!((got.status.code(), &got.stdout), (Some(0), &want.stdout), "{}", said(&got));
    assert!(said(&got).contains("the others agree"), "{}", said(&got));

    // What cannot be done in so little is refused, with what would do: and that does.
    for args in [&[][..], &["--in-order"], &["--json"]] {
        let got = run(10, args);
        assert_eq!((got.status.code(), got.stdout.len()), (Some(8), 0), "{}", said(&got));
        let text = said(&got);
        let least = text.rsplit_once("--memory; ").and_then(|(_, t)| t.split_once("M would do"));
        let least: u32 = least.unwrap_or_else(|| panic!("{text}")).0.parse().unwrap();
        if args.is_empty() {
            let got = run(least + 1, args);
            assert_eq!((got.status.code(), &got.stdout), (Some(0), &want.stdout), "{}", said(&got));
        }
    }
}

// Oracle: the system, and the same check without a limit.
#[test]
fn a_damaged_large_device_is_checked_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let image = write("b4m", &folder);
    let log = |out: &Output| {
        let text = said(out);
        // How it went about it is another matter with a limit: memory, times, and which of
        // several unusual things came first.
        let how = ["memory: ", "time: ", "following references in their order: "];
        let is_how = |l: &str| {
            l.strip_prefix("bch-gc: ").is_some_and(|l| how.iter().any(|h| l.starts_with(h)))
        };
        text.lines().filter(|l| !is_how(l)).map(ToString::to_string).collect::<Vec<_>>()
    };
    let (mut found, mut listed, mut again) = (0, 0, 0);
    for seed in 1..=8 {
        damage(seed, 1, &[&image]).unwrap();
        let all = within(1 << 10, &["check", "--verbose", "--threads", "1"], &image);
        let got = limited(48, &["--verbose"], &image);
        assert_eq!((got.status, &got.stdout), (all.status, &all.stdout), "{}", said(&got));
        // Each line once, also where it began again.
        assert_eq!(log(&got), log(&all));
        again += usize::from(said(&got).matches("the others agree").count() > 1);
        found += usize::from(all.status.code() == Some(4));
        listed += usize::from(said(&got).contains("the others agree"));
    }
    println!("{found} {listed} {again}");
    assert!(found >= 6 && listed >= 3, "{found} {listed}");
}
