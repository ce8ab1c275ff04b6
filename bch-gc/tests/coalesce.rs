// SPDX-License-Identifier: GPL-2.0-only
//! Merging in memory against what the original's merging made of the same images.

#[path = "../../gc-v0/tests/common/mod.rs"]
mod common;
mod images;

use common::{Keep, KeyDigest};
use gc_core::bkey::KeyRef;
use gc_core::layout::BtreeId;
use gc_image_write::damage::damage;
use gc_image_write::generate::{generate_as, small_settings};
use gc_v0::coalesce::coalesce;
use gc_v0::fs::{Options, open};
use gc_v0::host::Image;
use gc_v0::key::Key;
use gc_v0::recovery::{RecoveryArgs, recover};
use gc_v0::tree::walk;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

/// Oracle: coalesce.jsonl, the original's merging (mended so that it does not stop at
/// its first merge): before, as many nodes on each level; after, no more than it
/// left; the keys are those of its own digest. The alloc btree depends on the run
/// that made the golden.
#[test]
fn as_few_nodes_as_the_original_leaves() {
    let (mut images, mut fewer) = (0, 0);
    for image in images::all() {
        let Some(golden) = image.documents("coalesce.jsonl.zst") else { continue };
        let name = &image.name;
        let unpacked = image.unpack();
        let mut keep = Keep::default();
        let fs = open(&unpacked.devices, &Options::default(), &mut keep).unwrap();
        let recovered = recover(fs, RecoveryArgs::new(false), &mut keep).unwrap();
        let image = Image::new(recovered, &mut keep).unwrap();
        let digests: Rc<RefCell<BTreeMap<u8, KeyDigest>>> = Rc::default();
        let to = Rc::clone(&digests);
        let see = Box::new(move |id: BtreeId, key: KeyRef<'_>| {
            to.borrow_mut().entry(id.0).or_default().add(key);
        });
        let done = coalesce(&image, Some(see)).unwrap();
        assert!(done.left_out.is_empty(), "{name}");
        let [before, after] = golden.as_slice() else { panic!("{name}: two stages") };
        for (was, is) in list(&before["btrees"]).iter().zip(list(&after["btrees"])) {
            let id = (0..8).map(BtreeId).find(|id| id.name() == was["btree"].as_str()).unwrap();
            if id == BtreeId::ALLOC {
                continue;
            }
            let levels: Vec<_> = done.levels.iter().filter(|l| l.btree == id).collect();
            let (was_nr, is_nr) = (list(&was["nodes_per_level"]), list(&is["nodes_per_level"]));
            let fake = was["root_fake"] == true;
            let theirs = was_nr.iter().filter(|nodes| **nodes != 0 && !fake).count();
            assert_eq!(levels.len(), theirs, "{name} {}", was["btree"]);
            for l in &levels {
                let at = usize::from(l.level);
                assert_eq!(Some(l.before.nodes), was_nr[at].as_u64(), "{name} {}", was["btree"]);
                let theirs = is_nr.get(at).and_then(Value::as_u64).unwrap_or(0);
                assert!(l.after.nodes <= theirs, "{name} {}: {l:?}, {theirs}", was["btree"]);
                fewer += l.before.nodes - l.after.nodes;
            }
            let sha = digests.borrow_mut().remove(&id.0).unwrap_or_default().finish();
            assert_eq!(was["all_keys_sha256"].as_str(), Some(sha.as_str()), "{name} {}", id.0);
        }
        images += 1;
    }
    assert!(images >= 2 && fewer >= 10, "{images} images, {fewer} nodes fewer");
}

/// Oracle: the golden again, through the program; and that keys of a journal that was
/// not replayed are merged too: their btrees have no fewer live keys than nodes had.
#[test]
fn the_program_says_so() {
    for name in ["coalesce/tree-del", "unclean/drv-cookies-deep"] {
        let image = images::all().into_iter().find(|i| i.name == name).unwrap();
        let out = image.unpack().run(&["coalesce", "-q", "--json"]);
        assert_eq!(out.status.code(), Some(0), "{name}");
        let doc: Value = serde_json::from_slice(&out.stdout).unwrap();
        let mut saved = 0;
        for l in list(&doc["levels"]) {
            let nodes = |k: &str| l[k]["nodes"].as_u64().unwrap();
            assert!(nodes("after") <= nodes("before") && nodes("after") > 0, "{name} {l}");
            assert!(l["after"]["full_permille"].as_u64().unwrap() <= 1000, "{name} {l}");
            saved += nodes("before") - nodes("after");
        }
        assert_eq!(doc["saved_nodes"].as_u64(), Some(saved));
        assert!(saved > 0, "{name}");
    }
}

/// Oracle: the leaf keys as a walk shows them, journal laid over: the same, in the
/// same order, whatever was merged; and no level has more nodes than before.
#[test]
fn any_file_system_keeps_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (mut fewer, mut interior) = (0, 0);
    for seed in 0..60 {
        let mut spec = small_settings(seed);
        (spec.nodes.leaf_keys, spec.nodes.interior_keys) = (9, 3);
        spec.nodes.levels = 2;
        let nr = spec.devices.len();
        let paths: Vec<_> = (0..nr).map(|n| folder.path().join(n.to_string())).collect();
        // One may have no room for so many nodes.
        if generate_as(spec, seed, &paths).is_err() {
            continue;
        }
        if seed % 4 == 3 {
            damage(seed, 1, &paths).unwrap();
        }
        let mut keep = Keep::default();
        let recovered = open(&paths, &Options::default(), &mut keep)
            .ok()
            .and_then(|fs| recover(fs, RecoveryArgs::new(false), &mut keep).ok());
        let Some(mut r) = recovered else { continue };
        let mut before: BTreeMap<u8, Vec<Key>> = BTreeMap::new();
        for id in (0..8).map(BtreeId) {
            let root = Rc::clone(&r.roots[usize::from(id.0)]);
            let (mut keys, to) = (Vec::new(), &mut Keep::default());
            let walked = walk(&r.fs, &mut r.nodes, &r.journal, &root, to, &mut |level, key, _| {
                keys.extend((level == 0).then(|| key.clone()));
                Ok(())
            });
            if walked.is_ok() && !root.fake {
                before.insert(id.0, keys);
            }
        }
        let image = Image::new(r, &mut keep).unwrap();
        let after: Rc<RefCell<BTreeMap<u8, Vec<Key>>>> = Rc::default();
        let to = Rc::clone(&after);
        let see = Box::new(move |id: BtreeId, key: KeyRef<'_>| {
            to.borrow_mut().entry(id.0).or_default().push(Key::of(key));
        });
        let done = coalesce(&image, Some(see)).unwrap();
        let after = after.borrow();
        for (id, keys) in &before {
            assert!(!done.left_out.contains(&BtreeId(*id)), "{seed}");
            assert_eq!(after.get(id).unwrap_or(&Vec::new()), keys, "{seed} btree {id}");
        }
        for l in &done.levels {
            assert!(l.after.nodes <= l.before.nodes, "{seed} {l:?}");
            let saved = l.before.nodes - l.after.nodes;
            (fewer, interior) = (fewer + saved, interior + if l.level > 0 { saved } else { 0 });
        }
    }
    assert!(fewer > 100 && interior > 10, "{fewer} {interior}");
}
