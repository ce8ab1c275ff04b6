// SPDX-License-Identifier: GPL-2.0-only
//! What is read of real images, before anything is counted.

mod images;

use gc_core::finding::Answer;
use gc_core::layout::BtreeId;
use gc_image::fs::{Fs, Options, open};
use gc_image::recovery::Recovered;
use gc_image::recovery::{RecoveryArgs, recover};
use gc_image::report::{Found, Reporter, answer};
use gc_image::tree::walk;
use images::{Image, Unpacked};
use sha2::{Digest, Sha256};

/// Answers like a check that changes nothing.
#[derive(Default)]
struct Keep(Vec<Found>);

impl Reporter for Keep {
    fn found(&mut self, found: Found) -> Answer {
        let answer = answer(found.flags, false);
        self.0.push(found);
        answer
    }
    fn log(&mut self, _line: &str) {}
}

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
        let r = recover(fs, RecoveryArgs { fsck: true }, &mut keep)
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
        let texts: Vec<&str> = keep.0.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(prior, texts, "{dir:?}");
    }
}

/// Number of leaf keys of a btree and the digest of FORMAT.md.
fn digest(r: &mut Recovered, id: BtreeId) -> (u64, String) {
    let root = std::rc::Rc::clone(&r.roots[usize::from(id.0)]);
    let (mut nr, mut sha) = (0, Sha256::new());
    walk(&r.fs, &mut r.nodes, &r.journal, &root, &mut Keep::default(), &mut |level, key, _| {
        if level == 0 {
            nr += 1;
            let (k, p, version) = (key.k, key.k.p, key.k.version);
            sha.update([k.type_.0]);
            sha.update(k.size.to_le_bytes());
            sha.update({ p.inode }.to_le_bytes());
            sha.update({ p.offset }.to_le_bytes());
            sha.update({ p.snapshot }.to_le_bytes());
            sha.update({ version.hi }.to_le_bytes());
            sha.update({ version.lo }.to_le_bytes());
            sha.update(u32::try_from(key.v.len() * 8).unwrap().to_le_bytes());
            key.v.iter().for_each(|w| sha.update(w.to_le_bytes()));
        }
        Ok(())
    })
    .unwrap();
    (nr, sha.finalize().iter().map(|b| format!("{b:02x}")).collect())
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
        let mut r = recover(fs, RecoveryArgs { fsck: true }, &mut keep).unwrap();
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
