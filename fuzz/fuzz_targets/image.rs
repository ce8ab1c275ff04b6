// SPDX-License-Identifier: GPL-2.0-only
//! A whole file system with a few fields changed, checksums right or wrong.
#![no_main]

use gc_fuzz::disk::{Base, SEEDS};
use gc_fuzz::edit::{Edit, Edited, pick};
use gc_fuzz::run::{Job, run};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    base: u8,
    job: Job,
    edits: [Option<Edit>; 5],
}

fn bases() -> &'static [Base] {
    static BASES: OnceLock<Vec<Base>> = OnceLock::new();
    BASES.get_or_init(|| SEEDS.into_iter().map(Base::new).collect())
}

fuzz_target!(|input: Input| {
    let Some(base) = pick(bases(), input.base.into()) else { return };
    let edits: Vec<Edit> = input.edits.into_iter().flatten().collect();
    let _put_back = Edited::new(base, &edits, |_| true);
    let ret = run(&base.disks.paths, input.job);
    // Without a change there is nothing to find.
    assert!(!edits.is_empty() || ret == Some(0), "{ret:?}");
});
