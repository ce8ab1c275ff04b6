// SPDX-License-Identifier: GPL-2.0-only
//! Generated file systems through the reader and the engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use gc_core::error::Error;
use gc_core::finding::Answer;
use gc_core::gc::{Args, gc};
use gc_image::fs::{Options, open};
use gc_image::host::Image;
use gc_image::recovery::{RecoveryArgs, recover};
use gc_image::report::{Found, Reporter, answer};
use gc_image_write::Format;
use gc_image_write::count::Count;
use gc_image_write::damage::{Change, Images, Mend, Planted, damage, fields, plant};
use gc_image_write::generate::{generate, settings};
use gc_image_write::rng::Rng;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

#[derive(Default)]
struct Texts {
    fix: bool,
    texts: Vec<String>,
}

impl Reporter for Texts {
    fn found(&mut self, found: Found) -> Answer {
        let a = answer(found.flags, self.fix);
        self.texts.push(found.text);
        a
    }
    fn log(&mut self, _: &str) {}
}

struct Outcome {
    /// What was found, recovery included.
    texts: Vec<String>,
    /// Return code of the last pass; `None`: recovery gave up.
    ret: Option<i32>,
}

/// Runs the mark and sweep `runs` times on the same state; shows the state after.
fn check(paths: &[PathBuf], fix: bool, runs: usize, see: impl FnOnce(&Image<'_>)) -> Outcome {
    let mut r = Texts { fix, ..Texts::default() };
    let mut ret = None;
    if let Ok(rec) = open(paths, &Options::default(), &mut r)
        .map_err(|_| ())
        .and_then(|fs| recover(fs, RecoveryArgs { fsck: true }, &mut r).map_err(|_| ()))
    {
        let image = Image::new(rec, &mut r).unwrap();
        for _ in 0..runs {
            let result = gc(&image, Args { initial: true, metadata_only: false });
            ret = Some(result.map_or_else(Error::code, |()| 0));
        }
        see(&image);
    }
    Outcome { texts: r.texts, ret }
}

fn make(dir: &tempfile::TempDir, seed: u64) -> (Vec<PathBuf>, Count) {
    let nr = settings(seed).devices.len();
    let paths: Vec<_> = (0..nr).map(|i| dir.path().join(i.to_string())).collect();
    let summary = generate(seed, &paths).unwrap();
    (paths, summary.count)
}

fn matches(image: &Image<'_>, count: &Count) {
    let mut expected = std::collections::BTreeMap::new();
    for (dev, bucket, b) in count.buckets() {
        expected.insert((dev, bucket), (b.gen_, b.data_type.0, b.dirty, b.cached));
    }
    for (dev, d) in image.fs().members() {
        for (i, b) in (0_u64..).zip(&d.buckets) {
            let m = b.load_mark(Ordering::Relaxed);
            let got = (
                m.gen_(),
                m.data_type_raw(),
                u32::from(m.dirty_sectors()),
                u32::from(m.cached_sectors()),
            );
            assert_eq!(got, expected.get(&(dev, i)).copied().unwrap_or_default(), "{dev}:{i}");
        }
    }
    image.with_usage(|words, table| {
        // Behind hidden, btree, data, cached and reserved.
        let [nr_inodes, reserved @ ..] = *words.get(6..).unwrap().first_chunk::<5>().unwrap();
        assert_eq!((nr_inodes, reserved), (count.nr_inodes, count.reserved));
        let entries = table.view().iter().map(|e| e.as_bytes().to_vec());
        let replicas: std::collections::BTreeMap<_, _> =
            entries.zip(words.iter().skip(11).copied()).collect();
        assert_eq!(replicas, count.replicas);
    });
}

// Oracle: the writer's own count, made from the keys as they were described.
#[test]
fn nothing_is_found_and_the_naive_count_is_met() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..40 {
        let (paths, count) = make(&dir, seed);
        let got = check(&paths, false, 1, |image| matches(image, &count));
        assert_eq!((got.ret, got.texts), (Some(0), Vec::new()), "seed {seed}");
    }
}

// Oracle: the text of the original's message for exactly what was planted; what is
// repaired is found no second time.
#[test]
fn a_wrong_sector_count_is_named_and_mended() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(3);
    let mut tried = 0;
    for seed in 0..60 {
        let s = settings(seed);
        // No second version of a key, so that every key of the btree counts.
        let plain =
            s.nodes.shadow_every == 0 && s.blacklisted_bsets == 0 && s.alloc_in_journal == 0;
        if !plain || s.nodes.format == Format::Current {
            continue;
        }
        let (paths, count) = make(&dir, seed);
        let images = Images::open(&paths).unwrap();
        let all = images.places();
        let mut found = Vec::new();
        for p in all.iter().filter(|p| p.tree == (4, 0) && p.format.is_some()) {
            let b = images.read(p).unwrap();
            let list = fields(p, &b);
            found.extend(
                list.iter().filter(|f| f.name == "dirty_sectors").map(|f| (p, *f, f.get(&b))),
            );
        }
        let Some(&(place, field, old)) = rng.pick(&found) else { continue };
        let planted =
            Planted { place: place.clone(), field, change: Change::Plus, all_copies: true };
        plant(&images, &all, &planted, Mend::Yes).unwrap();
        let got = check(&paths, true, 2, |image| matches(image, &count));
        let want = format!(" has wrong dirty_sectors: got {}, should be {old}", old + 1);
        assert_eq!(got.texts.len(), 1, "seed {seed}: {:?}", got.texts);
        assert!(got.texts[0].ends_with(&want), "seed {seed}: {:?}", got.texts);
        assert_eq!(got.ret, Some(0));
        tried += 1;
    }
    assert!(tried > 5, "{tried}");
}

// Oracle: damage of any field ends in a report, and in the same one twice.
#[test]
fn any_damage_ends_in_the_same_report_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut reports = 0;
    for seed in 0..60 {
        let (paths, _) = make(&dir, seed);
        let planted = damage(seed, 2, &paths).unwrap();
        let one = check(&paths, true, 1, |_| {});
        let two = check(&paths, true, 1, |_| {});
        assert_eq!((one.ret, &one.texts), (two.ret, &two.texts), "seed {seed}: {planted:?}");
        reports += usize::from(one.ret != Some(0) || !one.texts.is_empty());
    }
    assert!(reports > 10, "{reports}");
}
