// SPDX-License-Identifier: GPL-2.0-only
//! What is read of real images, before anything is counted.

#[path = "../../gc-v0/tests/common/mod.rs"]
mod common;
mod images;

use common::{Keep, KeyDigest};
use gc_core::layout::BtreeId;
use gc_v0::fs::{Fs, Options, open};
use gc_v0::recovery::Recovered;
use gc_v0::recovery::{RecoveryArgs, recover};
use gc_v0::tree::walk;
use images::{Image, Unpacked};

/// Some images by their class.
fn of_class(classes: &[&str]) -> Vec<Image> {
    let class = |i: &Image| i.name.split('/').next().unwrap_or_default().to_string();
    images::all().into_iter().filter(|i| classes.contains(&class(i).as_str())).collect()
}

fn open_image(image: &Image, keep: &mut Keep) -> (Unpacked, Fs) {
    let mut unpacked = image.unpack();
    // The order of the devices does not count.
    unpacked.devices.reverse();
    let passphrase = unpacked.passphrase.clone().map(String::into_bytes);
    let options = Options { passphrase, ..Options::default() };
    let fs =
        open(&unpacked.devices, &options, keep).unwrap_or_else(|e| panic!("{}: {e}", image.name));
    (unpacked, fs)
}

// Oracle: journal_keys, prior_errors and key_version of the original's run.
#[test]
fn recovery_gives_what_the_original_has() {
    for image in of_class(&["clean", "unclean", "degraded"]) {
        let Some(golden) = image.documents("golden-n.jsonl.zst") else { continue };
        let dir = &image.name;
        let mut keep = Keep::default();
        let (_temp, fs) = open_image(&image, &mut keep);
        let r = recover(fs, RecoveryArgs::new(true), &mut keep)
            .unwrap_or_else(|e| panic!("{dir:?}: {e}"));
        let want = golden.first().unwrap();
        assert_eq!(want["journal_keys"].as_u64(), u64::try_from(r.journal.len()).ok(), "{dir:?}");
        assert_eq!(want["before"]["key_version"].as_u64(), Some(r.key_version), "{dir:?}");
        let prior: Vec<&str> = want["prior_errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["text"].as_str().unwrap())
            .collect();
        assert_eq!(prior, keep.found, "{dir:?}");
    }
}

/// Number of leaf keys of a btree and the digest of FORMAT.md.
fn digest(r: &mut Recovered, id: BtreeId) -> (u64, String) {
    let root = std::rc::Rc::clone(&r.roots[usize::from(id.0)]);
    let mut digest = KeyDigest::default();
    walk(&r.fs, &mut r.nodes, &r.journal, &root, &mut Keep::default(), &mut |level, key, _| {
        if level == 0 {
            digest.add(key.as_ref());
        }
        Ok(())
    })
    .unwrap();
    (digest.keys, digest.finish())
}

// Oracle: number and digest of all keys as the original's own iterators saw them.
// The alloc btree is left out: it depends on the run that made the golden.
#[test]
fn every_key_is_read() {
    let mut compared = 0;
    for image in of_class(&["coalesce"]) {
        let Some(golden) = image.documents("coalesce.jsonl.zst") else { continue };
        let dir = &image.name;
        let mut keep = Keep::default();
        let (_temp, fs) = open_image(&image, &mut keep);
        let mut r = recover(fs, RecoveryArgs::new(true), &mut keep).unwrap();
        for btree in golden.first().unwrap()["btrees"].as_array().unwrap() {
            let name = btree["btree"].as_str();
            let id = (0..8).map(BtreeId).find(|id| id.name() == name).unwrap();
            if id == BtreeId::ALLOC {
                continue;
            }
            let (nr, sha) = digest(&mut r, id);
            assert_eq!(btree["nr_keys"].as_u64(), Some(nr), "{dir:?} btree {}", id.0);
            assert_eq!(btree["all_keys_sha256"].as_str(), Some(sha.as_str()), "{dir:?} {}", id.0);
            compared += 1;
        }
    }
    assert!(compared >= 14);
}
