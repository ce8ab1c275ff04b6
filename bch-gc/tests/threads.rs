// SPDX-License-Identifier: GPL-2.0-only
//! The report does not depend on how many threads make it, nor on whether the
//! references are followed in their order; nor does the document.
//!
//! Oracle: `check --in-order`, whose findings are held to the original's elsewhere.
//! A pass would be vacuous if no image were checked in the order of the disk: how
//! many are is asserted.

mod images;

use gc_v0::fs::{Options, open};
use gc_v0::plain;
use gc_v0::recovery::{RecoveryArgs, begin};
use gc_v0::report::{Found, Reporter, answer};
use images::{Unpacked, each};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Exit code and standard output.
fn check(unpacked: &Unpacked, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bch-gc"));
    let out = command.arg("check").args(args).args(&unpacked.devices).output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap())
}

struct Counting(usize);

impl Reporter for Counting {
    fn found(&mut self, found: Found) -> gc_core::finding::Answer {
        self.0 += 1;
        answer(found.flags, false)
    }
    fn log(&mut self, _line: &str) {}
}

/// Whether the image is one that is checked in the order of the disk.
fn is_plain(unpacked: &Unpacked, threads: usize) -> bool {
    let mut reporter = Counting(0);
    let Ok(fs) = open(&unpacked.devices, &Options::default(), &mut reporter) else {
        return false;
    };
    let Ok(begun) = begin(fs, RecoveryArgs::new(true), &mut reporter) else { return false };
    let whole = [plain::Part::whole(&begun.fs)];
    plain::check(&begun, plain::Options { threads }, &whole, &mut |_| {}).is_ok()
}

#[test]
fn any_number_gives_the_same_report() {
    let plain = AtomicUsize::new(0);
    each(|image| {
        let unpacked = image.unpack();
        let want = check(&unpacked, &["--verbose", "--in-order"]);
        let mut bad = Vec::new();
        for threads in ["1", "2", "3", "8"] {
            let got = check(&unpacked, &["--verbose", "--threads", threads]);
            if got != want {
                bad.push(format!("{threads} threads: {got:?} want {want:?}"));
            }
        }
        let in_order = check(&unpacked, &["--json", "--in-order"]);
        for threads in ["1", "3"] {
            let got = check(&unpacked, &["--json", "--threads", threads]);
            if got != in_order {
                bad.push(format!("{threads} threads: documents differ"));
            }
        }
        let ways = [1, 2, 3, 8].map(|threads| is_plain(&unpacked, threads));
        if ways != [ways[0]; 4] {
            bad.push(format!("plain with 1, 2, 3, 8 threads: {ways:?}"));
        }
        plain.fetch_add(usize::from(ways[0]), Ordering::Relaxed);
        bad
    });
    let plain = plain.into_inner();
    println!("{plain} plain");
    assert!(plain >= 15, "{plain}");
}
