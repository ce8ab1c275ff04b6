// SPDX-License-Identifier: GPL-2.0-only
//! What a superblock claims, against what is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use gc_core::finding::Answer;
use gc_image_write::damage::{Change, Images, Mend, Planted, What, fields, plant};
use gc_image_write::generate::{generate_small, small_settings};
use gc_v0::fs::{Options, open};
use gc_v0::report::{Found, Reporter};

struct Quiet;

impl Reporter for Quiet {
    fn found(&mut self, _: Found) -> Answer {
        Answer::Ignore
    }
    fn log(&mut self, _: &str) {}
}

// Oracle: docs/differences.md: a member that is not there is believed up to 2^20
// buckets; one that is there must have them.
#[test]
fn buckets_that_are_not_there_take_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let two = |s: &u64| {
        let s = small_settings(*s);
        s.devices.len() == 2 && s.meta_replicas == 2
    };
    let seed = (0..500).find(two).expect("a seed of two devices");
    let paths: Vec<_> = (0..2).map(|i| dir.path().join(i.to_string())).collect();
    let refused = |dev: usize, nbuckets: u64, there: &[usize]| {
        generate_small(seed, &paths).unwrap();
        let images = Images::open(&paths).unwrap();
        let all = images.places();
        for place in all.iter().filter(|p| p.what == What::Superblock) {
            let b = images.read(place).unwrap();
            let list = fields(place, &b);
            let field = *list.iter().filter(|f| f.name == "nbuckets").nth(dev).unwrap();
            let change = Change::Set(nbuckets);
            let planted = Planted { place: place.clone(), field, change, all_copies: false };
            plant(&images, &all, &planted, Mend::Yes).unwrap();
        }
        let paths: Vec<_> = there.iter().map(|i| &paths[*i]).collect();
        open(&paths, &Options::default(), &mut Quiet).err().map(|e| e.to_string())
    };
    let whole = refused(0, 1 << 40, &[0, 1]).unwrap();
    assert!(whole.contains("device too small"), "{whole}");
    let absent = refused(1, (1 << 20) + 1, &[0]).unwrap();
    assert!(absent.contains("missing members claim too many buckets"), "{absent}");
    let believed = refused(1, 1 << 20, &[0]);
    assert!(!believed.is_some_and(|e| e.contains("claim")));
}
