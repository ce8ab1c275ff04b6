// SPDX-License-Identifier: GPL-2.0-only
//! Pointers that lead many times to the same node.
#![allow(clippy::unwrap_used, reason = "a test")]

use gc_core::error::{Errno, Error};
use gc_core::finding::Answer;
use gc_core::gc::{Args, gc};
use gc_core::layout::{Bpos, BtreeId};
use gc_image_write::damage::{Images, Mend, What, fields};
use gc_image_write::spec::{DeviceSpec, FsSpec};
use gc_image_write::value::reservation;
use gc_image_write::writer::ImageWriter;
use gc_v0::fs::{Options, open};
use gc_v0::host::Image;
use gc_v0::recovery::{RecoveryArgs, recover};
use gc_v0::report::{Found, Reporter, answer};
use std::path::PathBuf;

/// Keys of an interior node.
const FAN_OUT: u64 = 70;

/// Lines of the log.
#[derive(Default)]
struct Log(Vec<String>);

impl Reporter for Log {
    fn found(&mut self, found: Found) -> Answer {
        answer(found.flags, false)
    }
    fn log(&mut self, line: &str) {
        self.0.push(line.into());
    }
}

/// Extents in leaves of one key under two levels of interior nodes, whose pointers
/// have the form that does not say where the child begins.
fn image(path: &PathBuf) {
    let mut spec = FsSpec::new(1, vec![DeviceSpec::new(8192, 128)]);
    spec.btree_node_size = 128;
    spec.nodes.leaf_keys = 1;
    spec.nodes.interior_keys = usize::try_from(FAN_OUT).unwrap();
    spec.nodes.ptr_v2 = false;
    let mut writer = ImageWriter::create(spec, &[path]).unwrap();
    let key = |i| reservation(Bpos::new(4096, 8 * (i + 1)), 8, 1);
    writer.btree(BtreeId::EXTENTS, (0..FAN_OUT * FAN_OUT).map(key).collect()).unwrap();
    writer.finish().unwrap();
}

/// Gives all pointers of the first node of a level the place of the first.
fn gather(images: &Images, level: u8) {
    let places = images.places();
    let at = (BtreeId::EXTENTS.0, level);
    // The writer goes from left to right.
    let nodes = places.iter().filter(|p| p.what == What::Node && p.tree == at);
    let node = nodes.min_by_key(|p| p.sector).unwrap();
    images
        .edit(node, Mend::Yes, |b| {
            let all = fields(node, b);
            let of_ptr = |name| {
                all.iter().filter(move |f| f.structure == "bch_extent_ptr" && f.name == name)
            };
            for name in ["offset", "gen"] {
                let first = of_ptr(name).next().unwrap().get(b);
                for field in of_ptr(name) {
                    field.set(b, first);
                }
            }
        })
        .unwrap();
}

// Oracle: 70 times 70 visits of one leaf are no end by themselves (the original makes
// them all, and the number has no bound but the fan-out to the power of the levels);
// the walk ends early, as an error that names the btree.
#[test]
fn pointers_to_the_same_node_do_not_multiply() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    image(&path);
    let images = Images::open(&[&path]).unwrap();
    for level in [1, 2] {
        gather(&images, level);
    }
    let mut log = Log::default();
    let fs = open(&[&path], &Options::default(), &mut log).unwrap();
    let recovered = recover(fs, RecoveryArgs::new(true), &mut log).unwrap();
    let image = Image::new(recovered, &mut log).unwrap();
    let result = gc(&image, Args { initial: true, metadata_only: false });
    drop(image);
    assert_eq!(result, Err(Error::Errno(Errno::EIO)));
    let said = "btree extents level 0: 4096 keys lead to nodes of others, giving up";
    assert_eq!(log.0.iter().filter(|l| *l == said).count(), 1, "{:?}", log.0);
}

// Oracle: the image as it was written has nothing wrong.
#[test]
fn the_same_btree_undamaged_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    image(&path);
    let mut log = Log::default();
    let fs = open(&[&path], &Options::default(), &mut log).unwrap();
    let recovered = recover(fs, RecoveryArgs::new(true), &mut log).unwrap();
    let image = Image::new(recovered, &mut log).unwrap();
    assert_eq!(gc(&image, Args { initial: true, metadata_only: false }), Ok(()));
}
