// SPDX-License-Identifier: GPL-2.0-only
//! The program with its nth allocation, read or thread going wrong, for every command:
//! an end by an exit code and never by a signal or a wrong answer; afterwards all is as
//! it was.
//!
//! EVERY=N: the first four, then each Nth; else so many that a usual run takes seconds.

#[path = "../images/mod.rs"]
mod images;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Each command with arguments that make it do its work.
const COMMANDS: &[&[&str]] = &[
    &["check", "--quiet"],
    &["check", "--quiet", "--json"],
    &["state"],
    &["state", "--mode", "y"],
    &["gens", "--json"],
    &["plan", "--quiet"],
    &["lost", "--quiet"],
    &["coalesce"],
    &["explain", "--quiet", "--all-findings"],
    &["explain", "--json", "0:0"],
    &["map"],
];

const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug, PartialEq, Eq, Clone)]
struct Ran {
    /// `None`: a signal.
    code: Option<i32>,
    out: Vec<u8>,
    said: String,
    hit: bool,
}

/// The library that is preloaded.
fn library() -> &'static Path {
    static MADE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    &MADE
        .get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let lib = dir.path().join("fault.so");
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/fault.c");
            let cc = Command::new("cc")
                .args(["-shared", "-fPIC", "-O1", "-fno-builtin", "-o"])
                .args([&lib, &source])
                .status();
            assert!(cc.expect("a C compiler").success());
            (dir, lib)
        })
        .1
}

struct Bench {
    image: images::Unpacked,
    marks: tempfile::TempDir,
}

impl Bench {
    fn run(&self, args: &[&str], fault: Option<(&str, u64)>) -> Ran {
        let hit = self.marks.path().join("hit");
        let _gone = std::fs::remove_file(&hit);
        let outputs = ["out", "err"].map(|n| self.marks.path().join(n));
        let [out, err] = outputs.each_ref().map(|p| std::fs::File::create(p).unwrap());
        let mut c = Command::new(env!("CARGO_BIN_EXE_bch-gc"));
        c.args(args).args(&self.image.devices).stdin(Stdio::null()).stdout(out).stderr(err);
        // Where it stops is told by the way to it.
        c.env("RUST_BACKTRACE", "1");
        if let Some((kind, n)) = fault {
            c.env("LD_PRELOAD", library()).env("FAULT", format!("{kind}:{n}"));
            c.env("FAULT_HIT", &hit);
        }
        let mut child = c.spawn().unwrap();
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > LONGEST {
                child.kill().unwrap();
                panic!("{args:?} hangs with {fault:?}");
            }
            std::thread::sleep(Duration::from_micros(300));
        };
        let [out, said] = outputs.map(|p| std::fs::read(p).unwrap());
        let said = String::from_utf8_lossy(&said).into_owned();
        Ran { code: status.code(), out, said, hit: hit.exists() }
    }

    /// Every nth call of a kind; how many there were.
    fn each(&self, args: &[&str], kind: &str, judge: impl Fn(&Ran, &Ran, &str)) -> u64 {
        let good = self.run(args, None);
        let every = std::env::var("EVERY").ok().and_then(|n| n.parse().ok());
        let (mut n, mut tried) = (0_u64, 0);
        loop {
            let got = self.run(args, Some((kind, n)));
            if !got.hit {
                assert_eq!((got.code, &got.out), (good.code, &good.out), "{args:?} untouched");
                break;
            }
            judge(&good, &got, &format!("{args:?} with {kind}:{n}: {got:?}"));
            tried += 1;
            // The first ones one by one, then further and further apart.
            n += match every {
                Some(every) if n > 3 => every,
                None if n > 11 => n / 3,
                _ => 1,
            };
        }
        // Nothing is left of it.
        let again = self.run(args, None);
        assert_eq!((again.code, again.out), (good.code, good.out), "{args:?} afterwards");
        println!("{args:?} {kind}: {tried} runs");
        tried
    }
}

fn bench(name: &str) -> Bench {
    let image = images::all().into_iter().find(|i| i.name == name).expect(name);
    Bench { image: image.unpack(), marks: tempfile::tempdir().unwrap() }
}

fn benches() -> [Bench; 2] {
    ["damaged/fuzz-12-meta3", "clean/fresh-64M"].map(bench)
}

// Oracle: 8 and a line, or the answer of a run to which nothing happened.
#[test]
fn memory_is_short_at_the_nth_allocation() {
    for bench in benches() {
        for args in COMMANDS {
            let tried = bench.each(args, "malloc", |good, got, what| {
                let same = got.code == good.code && got.out == good.out;
                // libc goes without what it cannot have.
                let ended = got.code == Some(8) && got.said.contains("out of memory");
                // Two things stop the program past its allocator: the handle of a thread in
                // the standard library, and a thread's own memory in libc.
                let past = ["<std::thread::thread::Thread>::new", "Fatal glibc error"];
                let stopped = got.code.is_none() && past.iter().any(|p| got.said.contains(p));
                assert!(same || ended || stopped, "{what}");
            });
            assert!(tried > 10, "{args:?}");
        }
    }
}

// Oracle: a read that fails is an error of its own, another copy is taken, or the run
// says that it could not read; never a signal, and never a clean result that is none.
#[test]
fn the_nth_read_fails_or_ends_early() {
    for bench in benches() {
        for args in COMMANDS {
            for kind in ["eio", "eof"] {
                let tried = bench.each(args, kind, |good, got, what| {
                    assert!(matches!(got.code, Some(0 | 4 | 8)), "{what}");
                    let clean = got.code == Some(0) && good.code != Some(0);
                    assert!(!clean, "{what}");
                    let same = got.code == good.code && got.out == good.out;
                    assert!(same || !got.said.is_empty() || !got.out.is_empty(), "{what}");
                });
                assert!(tried > 3, "{args:?}");
            }
        }
    }
}

// Oracle: the answer of a run to which nothing happened.
#[test]
fn the_nth_read_is_short() {
    for bench in benches() {
        for args in COMMANDS {
            bench.each(args, "short", |good, got, what| {
                assert_eq!((got.code, &got.out), (good.code, &good.out), "{what}");
            });
        }
    }
}

// Oracle: exit code 32 at once.
#[test]
fn the_run_is_interrupted_at_the_nth_read() {
    for bench in benches() {
        for args in COMMANDS {
            bench.each(args, "int", |good, got, what| {
                // Who is nearly at the end may get there first.
                let done = got.code == good.code && got.out == good.out;
                assert!(got.code == Some(32) || done, "{what}");
            });
        }
    }
}

// Oracle: the answer of a run to which nothing happened.
#[test]
fn the_nth_thread_cannot_be_had() {
    let judge = |good: &Ran, got: &Ran, what: &str| {
        assert_eq!((got.code, &got.out), (good.code, &good.out), "{what}");
    };
    for bench in benches() {
        for args in COMMANDS {
            assert!(bench.each(args, "thread", judge) > 0, "{args:?}");
        }
    }
    // The one that waits for an interrupt, the one that shows, and those that read.
    let tried = bench("clean/deep-l2").each(&["check", "--threads", "8"], "thread", judge);
    assert!(tried > 3, "{tried}");
}
