// SPDX-License-Identifier: GPL-2.0-only
//! The reader over a file system, as `bch-gc` runs it.

use gc_core::error::Error;
use gc_core::finding::Answer;
use gc_core::gc::{Args, gc};
use gc_core::gens::gc_gens;
use gc_v0::fs::{Options, open};
use gc_v0::host::Image;
use gc_v0::recovery::{RecoveryArgs, recover};
use gc_v0::report::{Found, Reporter, answer};
use std::path::PathBuf;

/// Counts what is reported.
#[derive(Debug, Default)]
pub struct Ears {
    /// Repair what may be ignored.
    pub fix: bool,
    /// Findings.
    pub found: usize,
}

impl Reporter for Ears {
    fn found(&mut self, found: Found) -> Answer {
        assert!(found.text.len() < 512, "a text fits its buffer");
        if std::env::var_os("FUZZ_LOG").is_some() {
            eprintln!("found {}", found.text);
        }
        self.found += 1;
        answer(found.flags, self.fix)
    }
    fn log(&mut self, line: &str) {
        if std::env::var_os("FUZZ_LOG").is_some() {
            eprintln!("{line}");
        }
    }
}

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, arbitrary::Arbitrary)]
pub enum Job {
    /// `state --mode n`.
    Check,
    /// `state --mode y`, and a second run on what the first left.
    Fix,
    /// Only pointers to metadata, then everything.
    Metadata,
    /// `gens`.
    Gens,
}

/// Opens, recovers and checks; `None` where it did not get that far.
pub fn run(paths: &[PathBuf], job: Job) -> Option<i32> {
    let mut ears = Ears { fix: job == Job::Fix, found: 0 };
    let fs = open(paths, &Options::default(), &mut ears).ok()?;
    let args = RecoveryArgs::new(job != Job::Gens);
    let recovered = recover(fs, args, &mut ears).ok()?;
    let image = Image::new(recovered, &mut ears).ok()?;
    let code = |r: Result<(), Error>| r.map_or_else(Error::code, |()| 0);
    Some(match job {
        Job::Check => code(gc(&image, Args { initial: true, metadata_only: false })),
        Job::Fix => {
            let full = Args { initial: true, metadata_only: false };
            code(gc(&image, full)).min(code(gc(&image, full)))
        }
        Job::Metadata => {
            let first = code(gc(&image, Args { initial: true, metadata_only: true }));
            first.min(code(gc(&image, Args { initial: true, metadata_only: false })))
        }
        Job::Gens => code(gc_gens(&image)),
    })
}
