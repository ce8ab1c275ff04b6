// SPDX-License-Identifier: GPL-2.0-only
//! The reader and the engine over a file system, and the naive count beside them.
#![allow(dead_code, reason = "each test uses a part of it")]

use gc_core::error::Error;
use gc_core::finding::Answer;
use gc_core::gc::{Args, gc};
use gc_image_write::count::Count;
use gc_image_write::damage::{Images, Place};
use gc_v0::fs::{Options, open};
use gc_v0::host::Image;
use gc_v0::recovery::{RecoveryArgs, recover};
use gc_v0::report::{Found, Reporter, answer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// A folder for images, in memory where there is such a place: writing them to a disk
/// that others use takes sixty times as long as all the rest.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let here = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    here.unwrap()
}

/// Keeps what is said.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    pub(crate) fix: bool,
    /// Code and text of each finding.
    pub(crate) found: Vec<(&'static str, String)>,
    /// Whether it can be repaired.
    repairable: Vec<bool>,
    pub(crate) log: Vec<String>,
}

impl Reporter for Ears {
    fn found(&mut self, found: Found) -> Answer {
        let a = answer(found.flags, self.fix);
        self.repairable.push(found.flags.can_fix());
        self.found.push((found.code.name(), found.text));
        a
    }
    fn log(&mut self, line: &str) {
        self.log.push(line.to_string());
    }
}

/// What a bucket says: generation, type, sectors in use, cached sectors.
pub(crate) type Row = (u8, u8, u32, u32);

/// What came of a check.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Findings of recovery and of the first mark and sweep.
    pub(crate) found: Vec<(&'static str, String)>,
    /// Findings of a second one on what the first left, but for those for which the
    /// original has no repair.
    pub(crate) again: Vec<String>,
    /// How many of those.
    pub(crate) lasting: usize,
    /// Return codes of both; empty: recovery gave up.
    pub(crate) ret: Vec<i32>,
    pub(crate) log: Vec<String>,
    /// Buckets that say anything, afterwards.
    pub(crate) buckets: BTreeMap<(u8, u64), Row>,
    /// Words of the usage, and sectors by set of devices, afterwards.
    pub(crate) usage: Vec<u64>,
    pub(crate) replicas: BTreeMap<Vec<u8>, u64>,
}

impl Outcome {
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.found.iter().map(|(_, t)| t.as_str()).collect()
    }
}

/// Checks, repairs in memory if `fix`, and checks again.
pub(crate) fn check(paths: &[PathBuf], fix: bool) -> Outcome {
    let mut out = Outcome::default();
    let mut ears = Ears { fix, ..Ears::default() };
    let recovered = open(paths, &Options::default(), &mut ears)
        .map_err(|_| ())
        .and_then(|fs| recover(fs, RecoveryArgs::new(true), &mut ears).map_err(|_| ()));
    if let Ok(rec) = recovered {
        let shared = std::cell::RefCell::new(ears);
        let mut through = Shared(&shared);
        let image = Image::new(rec, &mut through).unwrap();
        let run = || {
            let result = gc(&image, Args { initial: true, metadata_only: false });
            result.map_or_else(Error::code, |()| 0)
        };
        out.ret.push(run());
        out.found = std::mem::take(&mut shared.borrow_mut().found);
        shared.borrow_mut().repairable.clear();
        if fix {
            out.ret.push(run());
        }
        state(&image, &mut out);
        drop(image);
        ears = shared.into_inner();
        let again = ears.found.drain(..).zip(ears.repairable.drain(..));
        let (again, lasting): (Vec<_>, Vec<_>) = again.partition(|(_, repairable)| *repairable);
        out.again = again.into_iter().map(|((_, text), _)| text).collect();
        out.lasting = lasting.len();
    }
    out.found.append(&mut ears.found);
    out.log = ears.log;
    out
}

struct Shared<'a>(&'a std::cell::RefCell<Ears>);

impl Reporter for Shared<'_> {
    fn found(&mut self, found: Found) -> Answer {
        self.0.borrow_mut().found(found)
    }
    fn log(&mut self, line: &str) {
        self.0.borrow_mut().log(line);
    }
}

fn state(image: &Image<'_>, out: &mut Outcome) {
    for (dev, d) in image.fs().members() {
        for (i, b) in (0_u64..).zip(&d.buckets) {
            let m = b.load_mark(Ordering::Relaxed);
            let sectors = (u32::from(m.dirty_sectors()), u32::from(m.cached_sectors()));
            let row = (m.gen_(), m.data_type_raw(), sectors.0, sectors.1);
            if row != Row::default() {
                out.buckets.insert((dev, i), row);
            }
        }
    }
    image.with_usage(|words, table| {
        out.usage = words.iter().copied().take(11).collect();
        let entries = table.view().iter().map(|e| e.as_bytes().to_vec());
        out.replicas = entries.zip(words.iter().skip(11).copied()).collect();
    });
}

/// The same from the naive count.
pub(crate) fn counted(count: &Count) -> BTreeMap<(u8, u64), Row> {
    let rows = count
        .buckets()
        .map(|(dev, bucket, b)| ((dev, bucket), (b.gen_, b.data_type.0, b.dirty, b.cached)));
    rows.filter(|(_, row)| *row != Row::default()).collect()
}

/// What was read back is what was counted.
pub(crate) fn matches(got: &Outcome, count: &Count, what: &str) {
    let want = counted(count);
    let places: BTreeSet<_> = want.keys().chain(got.buckets.keys()).collect();
    for p in places {
        assert_eq!(got.buckets.get(p), want.get(p), "{p:?} {what}");
    }
    // Behind online reservations, hidden, btree, data, cached and reserved.
    let [nr_inodes, reserved @ ..] = *got.usage[6..].first_chunk::<5>().unwrap();
    assert_eq!((nr_inodes, reserved), (count.nr_inodes, count.reserved), "{what}");
    assert_eq!(got.replicas, count.replicas, "{what}");
}

/// Every byte of every structure as it is.
pub(crate) fn bytes_of(images: &Images, all: &[Place]) -> Vec<Vec<u8>> {
    all.iter().map(|p| images.read(p).unwrap()).collect()
}
