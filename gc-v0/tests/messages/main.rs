// SPDX-License-Identifier: GPL-2.0-only
//! File systems that are wrong in one place, their checksums right: what is said of
//! each, word for word, and what it is taken for.

mod clean;
#[path = "../common/mod.rs"]
mod common;
mod copies;
mod journal;
mod opening;
mod replay;
mod roots;

use common::Keep;
use gc_core::layout::{Bpos, BtreeId};
use gc_image_write::damage::{Images, Mend, Place, What};
use gc_image_write::spec::{DeviceSpec, FsSpec};
use gc_image_write::value::reservation;
use gc_image_write::writer::ImageWriter;
use gc_v0::fs::{Options, open};
use gc_v0::recovery::{Recovered, RecoveryArgs, recover};
use std::path::PathBuf;

/// Bytes of a superblock before its sections.
const HEAD: usize = 752;
/// Number of the last journal entry of a [`Base`] that nothing else is said of.
const SEQ: u64 = 10;

/// Items of a journal entry or of the clean section.
const KEYS: u8 = 0;
const ROOT: u8 = 1;
const BLACKLIST: u8 = 3;
const BLACKLIST_V2: u8 = 4;
const USAGE: u8 = 5;
const DATA_USAGE: u8 = 6;

/// A file system, of one device where nothing else is said, to be damaged.
struct Base {
    _folder: tempfile::TempDir,
    paths: Vec<PathBuf>,
}

/// What came of recovery.
struct Said {
    found: Vec<String>,
    log: Vec<String>,
    end: Result<Recovered, String>,
}

impl Base {
    /// Shut down cleanly, some reservations in it.
    fn clean() -> Self {
        Self::of(|_| {})
    }

    /// Not shut down cleanly: the journal counts.
    fn unclean() -> Self {
        Self::of(|spec| spec.clean = false)
    }

    fn of(settings: impl FnOnce(&mut FsSpec)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = FsSpec::new(7, vec![DeviceSpec::new(300, 16)]);
        (spec.btree_node_size, spec.block_size) = (16, 1);
        settings(&mut spec);
        let paths: Vec<_> =
            (0..spec.devices.len()).map(|n| folder.path().join(n.to_string())).collect();
        let mut writer = ImageWriter::create(spec, &paths).unwrap();
        let key = |i: u64| reservation(Bpos::new(4096, 8 * i), 8, 1);
        writer.btree(BtreeId::EXTENTS, (1..=4).map(key).collect()).unwrap();
        writer.finish().unwrap();
        Self { _folder: folder, paths }
    }

    fn images(&self) -> Images {
        Images::open(&self.paths).unwrap()
    }

    /// Changes all structures that are chosen; there are some.
    fn edit(&self, chosen: impl Fn(&Place) -> bool, change: impl Fn(&mut Vec<u8>)) {
        let images = self.images();
        let places: Vec<_> = images.places().into_iter().filter(chosen).collect();
        assert!(!places.is_empty());
        for place in &places {
            images.edit(place, Mend::Yes, &change).unwrap();
        }
    }

    /// Changes all copies of the superblock.
    fn superblock(&self, change: impl Fn(&mut Vec<u8>)) {
        self.edit(|p| p.what == What::Superblock, change);
    }

    /// Changes the items of the clean section.
    fn clean_items(&self, change: impl Fn(&mut Vec<Item>)) {
        self.superblock(|b| {
            let (at, len) = section(b, 6);
            let mut items = split(&b[at + 24..at + len]);
            change(&mut items);
            let bytes: Vec<u8> = items.iter().flat_map(Item::bytes).collect();
            let u64s = u32::try_from((24 + bytes.len()) / 8).unwrap();
            b.splice(at + 24..at + len, bytes);
            put(b, at, &u64s.to_le_bytes());
            let all = u32::try_from((b.len() - HEAD) / 8).unwrap();
            put(b, 124, &all.to_le_bytes());
        });
    }

    /// Changes journal entries.
    fn journal(&self, change: impl Fn(&mut Vec<u8>)) {
        self.edit(|p| p.what == What::Journal, change);
    }

    /// Changes the items of the journal entry of a number.
    fn journal_items(&self, seq: u64, change: impl Fn(&mut Vec<Item>)) {
        self.journal(|b| {
            if u64_at(b, 24) != seq {
                return;
            }
            let mut items = split(&b[56..]);
            change(&mut items);
            b.truncate(56);
            b.extend(items.iter().flat_map(Item::bytes));
            let u64s = u32::try_from((b.len() - 56) / 8).unwrap();
            put(b, 40, &u64s.to_le_bytes());
        });
    }

    /// Recovery as a check does it.
    fn check(&self) -> Said {
        self.recover(RecoveryArgs::new(true), &Options::default(), false)
    }

    /// As a check that repairs in memory.
    fn repair(&self) -> Said {
        self.recover(RecoveryArgs::new(true), &Options::default(), true)
    }

    /// As a mount.
    fn mount(&self) -> Said {
        self.recover(RecoveryArgs::new(false), &Options::default(), false)
    }

    fn recover(&self, args: RecoveryArgs, options: &Options, fix: bool) -> Said {
        let mut keep = Keep { fix, ..Keep::default() };
        let end = match open(&self.paths, options, &mut keep) {
            Ok(fs) => recover(fs, args, &mut keep).map_err(|e| e.to_string()),
            Err(e) => Err(e.to_string()),
        };
        Said { found: keep.found, log: keep.log, end }
    }
}

impl Said {
    /// Recovery got to its end.
    fn whole(self) -> Recovered {
        let Self { found, log, end } = self;
        end.unwrap_or_else(|e| panic!("{e}: {found:?} {log:?}"))
    }

    /// The words with which it gave up.
    fn given_up(&self) -> &str {
        self.end.as_ref().err().unwrap_or_else(|| panic!("went on: {:?}", self.found))
    }
}

/// An item of a journal entry or of the clean section.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    btree: u8,
    level: u8,
    type_: u8,
    words: Vec<u64>,
}

impl Item {
    fn new(type_: u8, btree: u8, level: u8, words: &[u64]) -> Self {
        Self { btree, level, type_, words: words.to_vec() }
    }

    fn is_root(&self, btree: BtreeId) -> bool {
        self.type_ == ROOT && self.btree == btree.0
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = u16::try_from(self.words.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend([self.btree, self.level, self.type_, 0, 0, 0]);
        bytes.extend(self.words.iter().flat_map(|w| w.to_le_bytes()));
        bytes
    }
}

fn split(mut bytes: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    while let [l0, l1, btree, level, type_, _, _, _, rest @ ..] = bytes {
        let (words, behind) = rest.split_at(8 * usize::from(u16::from_le_bytes([*l0, *l1])));
        let words: Vec<u64> = words.chunks_exact(8).map(|w| u64_at(w, 0)).collect();
        items.push(Item::new(*type_, *btree, *level, &words));
        bytes = behind;
    }
    items
}

/// Where a section of a superblock begins, and its length.
fn section_of(b: &[u8], type_: u32) -> Option<(usize, usize)> {
    let mut at = HEAD;
    while at < b.len() {
        let word = u64_at(b, at);
        let len = usize::try_from(word & 0xffff_ffff).unwrap() * 8;
        if word >> 32 == u64::from(type_) {
            return Some((at, len));
        }
        at += len;
    }
    None
}

/// Where a section lies that there is: first byte and length.
fn section(b: &[u8], type_: u32) -> (usize, usize) {
    section_of(b, type_).unwrap()
}

fn u64_at(b: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*b[at..].first_chunk().unwrap())
}

fn put(b: &mut [u8], at: usize, bytes: &[u8]) {
    b[at..at + bytes.len()].copy_from_slice(bytes);
}

/// The root of a btree among items.
fn root(items: &mut [Item], btree: BtreeId) -> &mut Item {
    items.iter_mut().find(|i| i.is_root(btree)).unwrap()
}
