// SPDX-License-Identifier: GPL-2.0-only
//! Generated file systems through the reader and the engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

#[path = "common/mod.rs"]
mod common;

use common::{check, folder, matches};
use gc_image_write::Format;
use gc_image_write::count::Count;
use gc_image_write::damage::{Change, Images, Mend, Planted, damage, fields, plant};
use gc_image_write::generate::{generate, settings};
use gc_image_write::rng::Rng;
use std::path::PathBuf;

fn make(dir: &tempfile::TempDir, seed: u64) -> (Vec<PathBuf>, Count) {
    let nr = settings(seed).devices.len();
    let paths: Vec<_> = (0..nr).map(|i| dir.path().join(i.to_string())).collect();
    let summary = generate(seed, &paths).unwrap();
    (paths, summary.count)
}

// Oracle: the writer's own count, made from the keys as they were described.
#[test]
fn nothing_is_found_and_the_naive_count_is_met() {
    let dir = folder();
    // In these the checksums of a stripe hardly fit its key.
    let stripes = [30_367, 100_189, 100_717];
    for seed in (0..40).chain(stripes) {
        let (paths, count) = make(&dir, seed);
        let got = check(&paths, false);
        let what = format!("seed {seed}: {:?}", got.found);
        assert_eq!((got.ret.as_slice(), got.found.as_slice()), (&[0][..], &[][..]), "{what}");
        matches(&got, &count, &what);
    }
}

// Oracle: the text of the original's message for exactly what was planted; what is
// repaired is found no second time.
#[test]
fn a_wrong_sector_count_is_named_and_mended() {
    let dir = folder();
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
        let got = check(&paths, true);
        let want = format!(" has wrong dirty_sectors: got {}, should be {old}", old + 1);
        let what = format!("seed {seed}: {:?}", got.found);
        assert!(matches!(got.texts()[..], [text] if text.ends_with(&want)), "{what}");
        assert_eq!((got.ret.as_slice(), got.again.as_slice()), (&[0, 0][..], &[][..]), "{what}");
        matches(&got, &count, &what);
        tried += 1;
    }
    assert!(tried > 5, "{tried}");
}

// Oracle: damage of any field ends in a report, and in the same one twice.
#[test]
fn any_damage_ends_in_the_same_report_twice() {
    let dir = folder();
    let mut reports = 0;
    for seed in 0..60 {
        let (paths, _) = make(&dir, seed);
        let planted = damage(seed, 2, &paths).unwrap();
        let one = check(&paths, true);
        assert_eq!(one, check(&paths, true), "seed {seed}: {planted:?}");
        reports += usize::from(one.ret != [0, 0] || !one.found.is_empty());
    }
    assert!(reports > 10, "{reports}");
}
