// SPDX-License-Identifier: GPL-2.0-only
//! A limit of memory is kept, and changes nothing in what is said.
//!
//! Oracle: the same run without a limit. A pass would be vacuous if nothing were done
//! in parts: how many images are is asserted.

mod images;

use gc_image::fs::{Options, open};
use gc_image::plain::{self, Even, Held, Part};
use gc_image::recovery::{Begun, RecoveryArgs, begin};
use gc_image::report::{Found, Reporter, answer};
use gc_image_write::generate::presets;
use images::{Unpacked, each};
use std::path::Path;
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
    begin(fs, RecoveryArgs { fsck: true }, &mut Silent).ok()
}

fn same(a: &Option<Even>, b: &Option<Even>) -> bool {
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
            plain::check(&begun, plain::Options { threads }, parts, &mut |_| {})
        };
        let whole = check(&[Part::whole(&begun.fs)], 1);
        plain.fetch_add(usize::from(whole.is_some()), Ordering::Relaxed);
        let how = plain::Options { threads: 2 };
        let mut bad = Vec::new();
        let counted = Held::count(&begun, how, &mut |_| {});
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

// Oracle: the system, which refuses what is more than the limit, less what is read of
// the program's own file.
#[test]
fn a_large_device_is_checked_in_little_memory() {
    // MiB; less the stack of a thread, which is hardly written to.
    const PROGRAM: u32 = 4;
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("b32m");
    let preset = presets().into_iter().find(|p| p.name == "b32m").unwrap();
    preset.write(1, &[&image]).unwrap();
    let run = |limit: u32, args: &[&str]| {
        let memory = format!("{limit}M");
        let args = [&["check", "--threads", "1", "--memory", &memory], args].concat();
        within(limit.checked_sub(PROGRAM).unwrap(), &args, &image)
    };
    let said = |out: &Output| String::from_utf8_lossy(&out.stderr).into_owned();

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

    // What cannot be done in so little is refused, with what would do: and that does.
    for args in [&[][..], &["--in-order"]] {
        let got = run(10, args);
        assert_eq!((got.status.code(), got.stdout.len()), (Some(8), 0), "{}", said(&got));
        let text = said(&got);
        let least = text.rsplit_once("--memory; ").and_then(|(_, t)| t.split_once("M would do"));
        let least: u32 = least.unwrap_or_else(|| panic!("{text}")).0.parse().unwrap();
        let got = run(least + 1, args);
        assert_eq!((got.status.code(), &got.stdout), (Some(0), &want.stdout), "{}", said(&got));
    }
}
