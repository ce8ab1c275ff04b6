// SPDX-License-Identifier: GPL-2.0-only
//! Damage that is known: the report names exactly it, what is repaired is found no
//! second time, and what was not damaged is as it was.
//!
//! CASES=N: so many images of each kind instead of the few of a usual run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod classes;
#[path = "../common/mod.rs"]
mod common;

use classes::{CLASSES, Target};
use common::{bytes_of, check, counted, folder, matches};
use gc_image_write::damage::{Images, What, damage, plant};
use gc_image_write::generate::{generate_as, generate_small, small_settings};
use gc_image_write::rng::Rng;
use gc_image_write::{Format, FsSpec};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

fn cases(usual: u32) -> u32 {
    std::env::var("CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

fn paths(dir: &tempfile::TempDir, seed: u64) -> Vec<PathBuf> {
    let nr = small_settings(seed).devices.len();
    (0..nr).map(|i| dir.path().join(i.to_string())).collect()
}

/// File systems of a seed; one that fails is made plainer, feature by feature, until
/// only those are left that it fails with.
fn described() -> impl Strategy<Value = (u64, FsSpec)> {
    let odd = proptest::array::uniform12(proptest::bool::weighted(0.9));
    (any::<u64>().no_shrink(), odd)
        .prop_map(|(seed, odd)| (seed, plainer(small_settings(seed), odd)))
}

/// Without those features that are not to be odd.
fn plainer(mut s: FsSpec, odd: [bool; 12]) -> FsSpec {
    let plain = FsSpec::new(s.seed, Vec::new());
    let [
        devices,
        replicas,
        journal,
        crypt,
        sums,
        gens,
        sections,
        blacklist,
        versions,
        sets,
        tree,
        format,
    ] = odd;
    if !devices {
        s.devices.truncate(1);
        s.journal_devs = vec![0];
        s.devices[0].state = 0;
        s.devices[0].durability = 1;
    }
    if !replicas || !devices {
        (s.meta_replicas, s.data_replicas) = (1, 1);
    }
    if !journal {
        (s.clean, s.alloc_in_journal, s.journal_seq) = (true, 0, plain.journal_seq);
    }
    if !crypt {
        (s.encryption, s.wide_macs) = (None, false);
    }
    if !sums {
        (s.meta_csum, s.data_csum) = (1, 1);
    }
    s.gens &= gens;
    s.more_sections &= sections;
    if !blacklist {
        (s.blacklist, s.blacklisted_bsets) = (Vec::new(), 0);
    }
    if !versions {
        (s.nodes.shadow_every, s.nodes.ghost_every, s.nodes.separate_whiteouts) = (0, 0, false);
    }
    if !sets {
        s.nodes.bsets = 1;
    }
    if !tree {
        s.nodes.levels = 1;
    }
    if !format {
        (s.nodes.format, s.nodes.unpacked_every) = (Format::Calculated, 0);
    }
    s
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(64),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    // Oracle: the writer's naive count.
    #[test]
    fn file_systems_are_read_back_as_they_were_counted((seed, spec) in described()) {
        let dir = folder();
        let nr = spec.devices.len();
        let paths: Vec<_> = (0..nr).map(|i| dir.path().join(i.to_string())).collect();
        let count = generate_as(spec, seed, &paths).unwrap().count;
        let got = check(&paths, true);
        prop_assert_eq!(&got.ret, &[0, 0], "{:?}", got.log);
        prop_assert!(got.found.is_empty() && got.again.is_empty(), "{:?}", got.found);
        matches(&got, &count, "");
    }
}

// Oracle: each class tells what its damage is called, from the naive count and the
// bytes it changed; repaired, it is the naive count again.
#[test]
fn planted_damage_is_named_and_mended() {
    let dir = folder();
    let mut done: BTreeMap<&str, u32> = BTreeMap::new();
    let want = cases(3);
    let mut seed = 0;
    while seed < u64::from(want) * 400 && CLASSES.iter().any(|c| done.get(c.name) < Some(&want)) {
        seed += 1;
        let s = small_settings(seed);
        // Each key there is counts: no second versions, nothing in the journal.
        let plain = s.nodes.shadow_every == 0
            && s.nodes.ghost_every == 0
            && s.blacklisted_bsets == 0
            && s.alloc_in_journal == 0
            && s.nodes.format != Format::Current;
        if !plain || s.devices.iter().any(|d| d.state != 0) {
            continue;
        }
        for class in CLASSES.iter().filter(|c| c.clean.is_none_or(|clean| clean == s.clean)) {
            if done.get(class.name) >= Some(&want) {
                continue;
            }
            let paths = paths(&dir, seed);
            let count = generate_small(seed, &paths).unwrap().count;
            let images = Images::open(&paths).unwrap();
            let all = images.places();
            let mut rng = Rng::new(seed);
            let Some(target) = Target::choose(class, &images, &all, &count, &mut rng) else {
                continue;
            };
            let before = bytes_of(&images, &all);
            plant(&images, &all, &target.planted, target.mend).unwrap();
            // Nothing else on the devices changed.
            for (p, was) in all.iter().zip(&before) {
                let hit = *p == target.planted.place
                    || (target.planted.all_copies && p.group == target.planted.place.group);
                assert!(hit || images.read(p).unwrap() == *was, "seed {seed} {}", class.name);
            }
            let got = check(&paths, true);
            let what = format!("seed {seed} {}: {:?}: {:?}", class.name, target.planted, got.log);
            target.judge(&got, &what);
            if class.as_before {
                matches(&got, &count, &what);
            }
            *done.entry(class.name).or_default() += 1;
        }
    }
    for (name, n) in &done {
        println!("planted {n} x {name}");
    }
    for class in CLASSES {
        assert!(done.contains_key(class.name), "no image has room for {}", class.name);
    }
}

/// Buckets that the bytes of a structure may name: anything that looks like a pointer.
fn named(bytes: &[u8], sizes: &[u64], out: &mut BTreeSet<(u8, u64)>) {
    for at in 0..bytes.len().saturating_sub(7) {
        let w = u64::from_le_bytes(*bytes[at..].first_chunk().unwrap());
        let (dev, sector) = ((w >> 48 & 0xff) as u8, w >> 4 & ((1 << 44) - 1));
        if let (1, Some(size)) = (w & 1, sizes.get(usize::from(dev))) {
            out.insert((dev, sector / size));
        }
    }
}

// Oracle: after a repair nothing is found; buckets that no pointer in a damaged structure
// names, and nodes, are as they were.
#[test]
fn any_damage_converges_and_leaves_the_rest() {
    let dir = folder();
    let mut by_end: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..u64::from(cases(150)) {
        let seed = seed + 1_000_000;
        let paths = paths(&dir, seed);
        let count = generate_small(seed, &paths).unwrap().count;
        let images = Images::open(&paths).unwrap();
        let all = images.places();
        let before = bytes_of(&images, &all);
        let planted = damage(seed, 1 + (seed % 2) as u32, &paths).unwrap();
        let got = check(&paths, true);
        let what = format!("seed {seed}: {planted:?}: {:?} {:?}", got.found, got.log);
        let end = match got.ret[..] {
            [] => "recovery gave up",
            [0, ..] if got.found.is_empty() => "nothing found",
            [0, ..] if got.lasting > 0 => "repaired as far as the original does",
            [0, ..] => "repaired",
            _ => "the run ended early",
        };
        for p in &planted {
            let class = format!("{:?} {}: {end}", p.place.what, p.field.structure);
            *by_end.entry(class).or_default() += 1;
        }
        let [0, second] = got.ret[..] else { continue };
        assert_eq!((second, got.again.as_slice()), (0, &[][..]), "{what}");
        // The superblock says what there is, the journal what the alloc btree says.
        if planted.iter().any(|p| {
            !matches!(p.place.what, What::Node | What::Bset) || matches!(p.place.tree.0, 4 | 6)
        }) {
            continue;
        }
        let sizes: Vec<u64> =
            small_settings(seed).devices.iter().map(|d| u64::from(d.bucket_size)).collect();
        let mut touched = BTreeSet::new();
        for (p, was) in all.iter().zip(&before) {
            // What a later set hid counts again if that set is gone: the whole node.
            // With a node above leaves all below it may be gone.
            let hit = |x: &gc_image_write::damage::Planted| {
                let near = p.sector.abs_diff(x.place.sector) < 16 && p.dev == x.place.dev;
                x.place.tree.0 == p.tree.0 && (near || x.place.tree.1 > 0)
            };
            if planted.iter().any(hit) {
                let size = sizes.get(usize::from(p.dev)).copied().unwrap_or(1);
                touched.insert((p.dev, p.sector / size));
                named(was, &sizes, &mut touched);
                named(&images.read(p).unwrap(), &sizes, &mut touched);
            }
        }
        let want = counted(&count);
        let places: BTreeSet<_> = want.keys().chain(got.buckets.keys()).collect();
        for place in places.into_iter().filter(|p| !touched.contains(p)) {
            assert_eq!(got.buckets.get(place), want.get(place), "{place:?} {what}");
        }
    }
    for (class, n) in &by_end {
        println!("any damage {n} x {class}");
    }
    assert!(by_end.keys().any(|c| c.ends_with("repaired")));
}
