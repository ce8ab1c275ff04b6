// SPDX-License-Identifier: GPL-2.0-only
//! The program on a terminal: colours, a bar, and a question for the passphrase.
//!
//! Oracle: the same run without a terminal; docs/commands.md: no colours where
//! `NO_COLOR` is set or the terminal has none.

mod images;

use images::Unpacked;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::time::Duration;

/// Cells in a row of the terminal.
const COLUMNS: usize = 120;

fn unpacked(name: &str) -> Unpacked {
    images::all().into_iter().find(|i| i.name == name).unwrap().unpack()
}

/// What a run on a terminal came to.
struct Shown {
    code: Option<i32>,
    /// All that stands on the terminal, what was typed too where it is shown.
    stdout: Vec<u8>,
}

/// A terminal: its keyboard and screen, and what a program has as its terminal.
fn terminal() -> (PtyMaster, File) {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY;
    let master = posix_openpt(flags | OFlag::O_CLOEXEC).expect("a terminal (/dev/pts)");
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let mut open = File::options();
    open.read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits());
    let slave = open.open(ptsname_r(&master).unwrap()).unwrap();
    (master, slave)
}

/// Runs in a terminal, with what is typed there; `to` is what a shell does with the
/// output.
fn on_terminal(image: &Unpacked, args: &str, to: &str, env: &[(&str, &str)], typed: &str) -> Shown {
    let (master, slave) = terminal();
    let program = env!("CARGO_BIN_EXE_bch-gc");
    let device = image.devices[0].display();
    let script = format!("stty rows 40 cols {COLUMNS} && exec {program} {args} {device} {to}");
    let mut command = Command::new("setsid");
    command.args(["--ctty", "sh", "-c", &script]);
    command.env_remove("NO_COLOR").env("TERM", "xterm").envs(env.iter().copied());
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
    let mut child = command.spawn().expect("setsid is needed: apt-get install util-linux");
    // The terminal ends when nobody has it any more.
    drop(command);
    let mut stdout = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // So its end is told: as an error.
            let end = (&master).read_to_end(&mut stdout).unwrap_err();
            assert_eq!(end.raw_os_error(), Some(libc::EIO));
        });
        while !typed.is_empty() && child.try_wait().unwrap().is_none() {
            // It may end meanwhile.
            let _typed = (&master).write_all(typed.as_bytes());
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    Shown { code: child.wait().unwrap().code(), stdout }
}

/// Text without colours, and whether there were any.
fn plain(out: &[u8]) -> (String, bool) {
    let text = String::from_utf8_lossy(out).replace("\r\n", "\n");
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap().to_string();
    let mut colours = false;
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap();
        assert!(code.bytes().all(|b| b.is_ascii_digit() || b == b';'), "{code}");
        plain.push_str(rest);
        colours = true;
    }
    (plain, colours)
}

#[test]
fn colours() {
    let image = unpacked("damaged/ptr-stale-dirty");
    let both = |args: &str, env: &[(&str, &str)]| {
        let words: Vec<&str> = args.split(' ').collect();
        let without = String::from_utf8(image.run(&words).stdout).unwrap();
        let (text, colours) = plain(&on_terminal(&image, args, "2>/dev/null", env, "").stdout);
        assert_eq!(text, without, "{args}");
        colours
    };
    for args in ["check -v", "plan -v", "gens", "lost", "explain --all-findings"] {
        assert!(both(args, &[]), "{args}");
    }
    assert!(both("plan", &[("NO_COLOR", "")]));
    assert!(!both("plan", &[("NO_COLOR", "1")]));
    assert!(!both("plan", &[("TERM", "dumb")]));
}

#[test]
fn a_map_as_wide_as_the_terminal() {
    let image = unpacked("clean/mixed");
    let out = on_terminal(&image, "map --rows 2", "2>/dev/null", &[], "");
    let (text, colours) = plain(&out.stdout);
    assert!(colours);
    // A number and as many cells as there is room for behind it.
    let rows: Vec<usize> = text
        .lines()
        .filter_map(|l| l.get(..13)?.trim().parse::<u64>().ok().map(|_| l.chars().count()))
        .collect();
    assert!(!rows.is_empty() && rows.len() <= 2, "{text}");
    assert!(rows.iter().all(|n| *n <= COLUMNS), "{text}");
    // More than the 80 of a terminal that does not say its width.
    assert!(rows.iter().any(|n| *n > 80), "{text}");
}

#[test]
fn a_bar() {
    let image = unpacked("clean/mixed");
    let out = on_terminal(&image, "check", ">/dev/null", &[], "");
    let quiet = on_terminal(&image, "check -q", ">/dev/null", &[], "");
    assert_eq!(out.code, Some(0));
    // It is cleared at the end.
    assert!(!out.stdout.is_empty() && quiet.stdout.is_empty());
}

#[test]
fn a_question_for_the_passphrase() {
    let image = unpacked("clean/passphrase");
    let right = format!("{}\n", image.passphrase.as_ref().unwrap());
    let ask = |typed: &str| {
        let out = on_terminal(&image, "check -q", "", &[], typed);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(text.contains("passphrase: "), "{text}");
        (out.code, text)
    };
    assert_eq!(ask(&right).0, Some(0));
    let (code, text) = ask("another one\n");
    assert_eq!(code, Some(8));
    assert!(text.contains("bch-gc: incorrect passphrase"), "{text}");
}
