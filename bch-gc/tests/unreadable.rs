// SPDX-License-Identifier: GPL-2.0-only
//! Sectors that cannot be read: listed, and the check goes on as far as it can.
//!
//! Oracle: the ranges that were made unreadable; and that nothing else changes: what
//! is found on the rest is what is found without them.

#[path = "../../gc-v0/tests/common/mod.rs"]
mod common;
mod images;

use common::Keep;
use gc_core::error::Error;
use gc_core::gc::{Args, gc};
use gc_core::layout::{BtreeId, POS_MAX, POS_MIN};
use gc_disk::io::{DeviceFile, Medium};
use gc_v0::error::OpenError;
use gc_v0::fs::{Options, open_devices};
use gc_v0::host::{Image, Met};
use gc_v0::recovery::{RecoveryArgs, recover};
use gc_v0::report::Holds;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// A file with sectors that give an error.
#[derive(Debug)]
struct Scratched {
    file: File,
    bad: Vec<Range<u64>>,
}

impl Medium for Scratched {
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        let (from, to) = (at / 512, (at + buf.len() as u64).div_ceil(512));
        if self.bad.iter().any(|bad| bad.start < to && from < bad.end) {
            return Err(io::Error::from_raw_os_error(5));
        }
        FileExt::read_exact_at(&self.file, buf, at)
    }
}

/// Ranges that could not be read, by what they hold.
fn ranges(keep: &Keep, holds: impl Fn(Holds) -> bool) -> Vec<(u64, u64)> {
    let told = keep.unreadable.iter().filter(|u| holds(u.holds));
    told.map(|u| (u.sector, u.sector + u.sectors)).collect()
}

/// A run over an image whose devices have bad sectors; `Err` where it cannot even be
/// opened or recovered.
fn run(name: &str, bad: &[&[Range<u64>]]) -> (Result<i32, String>, Keep) {
    let image = images::all().into_iter().find(|i| i.name == name).unwrap();
    let unpacked = image.unpack();
    let mut devices = Vec::new();
    for (path, bad) in unpacked.devices.iter().zip(bad) {
        let file = File::open(path).unwrap();
        let bytes = file.metadata().unwrap().len();
        let medium = Scratched { file, bad: bad.to_vec() };
        devices.push(DeviceFile::over(Box::new(medium), path, bytes));
    }
    let mut keep = Keep::default();
    let ret = check(devices, &mut keep);
    (ret, keep)
}

fn check(devices: Vec<DeviceFile>, keep: &mut Keep) -> Result<i32, String> {
    let fs = open_devices(devices, &Options::default(), keep);
    let fs = fs.map_err(|e: OpenError| e.to_string())?;
    let recovered = recover(fs, RecoveryArgs { threads: 2, ..RecoveryArgs::new(true) }, keep)
        .map_err(|e| e.to_string())?;
    let image = Image::new(recovered, keep).map_err(|e| e.to_string())?;
    let result = gc(&image, Args { initial: true, metadata_only: false });
    Ok(result.map_or_else(Error::code, |()| 0))
}

/// First sector and number of sectors of each journal bucket that holds something,
/// and of the first node of a btree, of a device.
struct Places {
    journal: Vec<Range<u64>>,
    node: Range<u64>,
}

fn places(name: &str, dev: u8) -> Places {
    let image = images::all().into_iter().find(|i| i.name == name).unwrap();
    let unpacked = image.unpack();
    let mut keep = Keep::default();
    let fs = gc_v0::fs::open(&unpacked.devices, &Options::default(), &mut keep).unwrap();
    let recovered = recover(fs, RecoveryArgs::new(true), &mut keep).unwrap();
    let device = recovered.fs.device(dev).unwrap();
    let size = u64::from(device.member.bucket_size);
    let journal = &device.online.as_ref().unwrap().journal;
    let node = u64::from(recovered.fs.btree_node_sectors());
    // Copies are read in the order of the pointers.
    let first = |r: &&std::rc::Rc<gc_v0::node::Node>| {
        r.key.as_ref().pointers().next().is_some_and(|p| p.dev() == dev)
    };
    let root = recovered.roots.iter().find(first);
    let ptr = root.unwrap().key.as_ref().pointers().find(|p| p.dev() == dev).unwrap();
    Places {
        journal: journal.iter().map(|b| b * size..(b + 1) * size).collect(),
        node: ptr.offset()..ptr.offset() + node,
    }
}

#[test]
fn a_node_with_another_copy() {
    let name = "clean/2dev-replicas2";
    let (whole, clean) = run(name, &[&[], &[]]);
    assert_eq!(whole, Ok(0));
    let node = places(name, 1).node;
    // One sector of it: the piece around it is listed, the other copy taken.
    let bad = node.start + 9..node.start + 10;
    let (ret, keep) = run(name, &[&[], &[bad]]);
    assert_eq!(ret, Ok(0));
    assert_eq!(keep.found, clean.found);
    let listed = ranges(&keep, |h| matches!(h, Holds::Node(..)));
    assert_eq!(listed, [(node.start + 8, node.start + 16)]);
    assert_eq!(keep.unreadable.len(), 1);
    assert!(keep.unreadable[0].bucket.is_some());
    assert!(keep.log.iter().any(|l| l.contains("for btree read")), "{:?}", keep.log);
}

#[test]
fn a_node_without_another_copy() {
    let name = "clean/mixed";
    let node = places(name, 0).node;
    let (ret, keep) = run(name, &[std::slice::from_ref(&node)]);
    // As in the original a root that cannot be read ends recovery.
    assert!(ret.is_err(), "{ret:?}");
    assert_eq!(ranges(&keep, |h| matches!(h, Holds::Node(..))), [(node.start, node.end)]);
}

// A run ends at the first leaf that cannot be read, as the original's; the list has
// those behind it too.
#[test]
fn leaves_without_another_copy() {
    let name = "clean/deep-l2";
    let image = images::all().into_iter().find(|i| i.name == name).unwrap();
    let unpacked = image.unpack();
    let mut keep = Keep::default();
    let leaves = {
        let fs = gc_v0::fs::open(&unpacked.devices, &Options::default(), &mut keep).unwrap();
        let node = u64::from(fs.btree_node_sectors());
        let recovered = recover(fs, RecoveryArgs::new(true), &mut keep).unwrap();
        let image = Image::new(recovered, &mut keep).unwrap();
        let mut leaves = Vec::new();
        for btree in [BtreeId::DIRENTS, BtreeId::INODES] {
            let _all = image.survey(btree, POS_MIN..=POS_MAX, &mut |met| {
                if let Met::Key { level: 1, key, .. } = met {
                    leaves.extend(key.pointers().map(|p| p.offset()..p.offset() + node));
                }
                ControlFlow::Continue(())
            });
        }
        leaves
    };
    let bad: Vec<Range<u64>> = leaves.iter().step_by(3).cloned().collect();
    assert!(bad.len() > 2, "{leaves:?}");
    let file = File::open(&unpacked.devices[0]).unwrap();
    let bytes = file.metadata().unwrap().len();
    let medium = Scratched { file, bad: bad.clone() };
    let device = DeviceFile::over(Box::new(medium), &unpacked.devices[0], bytes);
    let mut keep = Keep::default();
    let fs = open_devices(vec![device], &Options::default(), &mut keep).unwrap();
    let recovered = recover(fs, RecoveryArgs::new(true), &mut keep).unwrap();
    let image = Image::new(recovered, &mut keep).unwrap();
    let result = gc(&image, Args { initial: true, metadata_only: false });
    assert_eq!(result.map_err(Error::code), Err(-5));
    image.read_all();
    drop(image);
    let mut listed = ranges(&keep, |h| matches!(h, Holds::Node(_, 0)));
    listed.sort_unstable();
    let mut want: Vec<_> = bad.iter().map(|r| (r.start, r.end)).collect();
    want.sort_unstable();
    assert_eq!(listed, want);
}

#[test]
fn the_journal_of_a_clean_file_system() {
    let name = "clean/mixed";
    let (_, clean) = run(name, &[&[]]);
    let journal = places(name, 0).journal;
    let (ret, keep) = run(name, &[&journal]);
    assert_eq!(ret, Ok(0));
    assert_eq!(keep.found, clean.found);
    let mut listed = ranges(&keep, |h| h == Holds::Journal);
    listed.sort_unstable();
    // What is listed lies in the journal, and all of what it holds is listed.
    assert!(listed.iter().all(|l| journal.iter().any(|j| j.start <= l.0 && l.1 <= j.end)));
    let sectors: u64 = listed.iter().map(|(start, end)| end - start).sum();
    assert_eq!(sectors, journal.iter().map(|j| j.end - j.start).sum::<u64>());
}

#[test]
fn a_journal_with_another_copy() {
    let name = "clean/2dev-replicas2";
    let journal = places(name, 1).journal;
    let (_, clean) = run(name, &[&[], &[]]);
    let (ret, keep) = run(name, &[&[], &journal]);
    assert_eq!((ret, &keep.found), (Ok(0), &clean.found));
    assert!(!ranges(&keep, |h| h == Holds::Journal).is_empty());
}

#[test]
fn the_journal_of_an_unclean_file_system() {
    let name = "unclean/kill-mixed";
    let journal = places(name, 0).journal;
    // Nothing of it left: nothing to go on with.
    let (ret, keep) = run(name, &[&journal]);
    assert!(ret.unwrap_err().contains("(3)"));
    assert!(!keep.unreadable.is_empty());
    // A hole in the middle: the entries around it are found, those in it missed.
    let first = &journal[0];
    let hole = first.start + 8..first.start + 16;
    let (ret, keep) = run(name, &[std::slice::from_ref(&hole)]);
    assert_eq!(ranges(&keep, |h| h == Holds::Journal), [(hole.start, hole.end)]);
    assert!(ret.is_ok(), "{ret:?}");
    assert!(keep.log.iter().any(|l| l.contains("cannot be read in full")), "{:?}", keep.log);
}

#[test]
fn superblocks() {
    let name = "clean/fresh-64M";
    let (_, clean) = run(name, &[&[]]);
    // The default copy: another one is taken.
    let (ret, keep) = run(name, &[std::slice::from_ref(&(9..10))]);
    assert_eq!((ret, &keep.found), (Ok(0), &clean.found));
    assert_eq!(ranges(&keep, |h| h == Holds::Superblock), [(8, 16)]);
    // The list of copies too: nothing can be taken, but that there is a copy is said.
    let (ret, keep) = run(name, &[std::slice::from_ref(&(7..10))]);
    let why = ret.unwrap_err();
    assert!(why.contains(": bcachefs 0.11, member 0 of 1, UUID "), "{why}");
    assert!(why.ends_with("this version does not use the copy at sector 136"), "{why}");
    assert_eq!(ranges(&keep, |h| h == Holds::Layout), [(7, 8)]);
    // Nothing at all: the search ends, and does not say that there is no file system.
    let (ret, _) = run(name, &[std::slice::from_ref(&(0..u64::MAX))]);
    assert!(ret.unwrap_err().ends_with("the superblock at sector 8 cannot be read"));
}
