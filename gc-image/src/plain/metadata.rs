// SPDX-License-Identifier: GPL-2.0-only
//! Superblocks and journal, marked by the engine's own rules.

use super::sheet::Sheet;
use crate::fs::Fs;
use crate::host::device;
use gc_core::gc::metadata::{Membership, mark_dev_superblock};
use gc_core::host::{DeviceHost, Geometry, Level, Lock, SbCopies};
use gc_core::layout::{DataType, GcPos};
use std::cell::Cell;
use std::fmt;

/// Takes their sectors from their buckets; `false` where one is not as it should be.
pub(super) fn take(fs: &Fs, sheet: &Sheet) -> bool {
    let marked = Marked { fs, sheet, right: Cell::new(true) };
    for (idx, dev) in fs.members() {
        if dev.online.is_some() {
            mark_dev_superblock(&marked, idx, Membership::Stray, 0);
        }
    }
    marked.right.get()
}

struct Marked<'a> {
    fs: &'a Fs,
    sheet: &'a Sheet,
    right: Cell<bool>,
}

impl DeviceHost for Marked<'_> {
    type Dev = u8;

    fn dev_geometry(&self, dev: u8) -> Geometry {
        device::geometry(self.fs, dev)
    }
    fn dev_superblocks(&self, dev: u8) -> SbCopies {
        device::superblocks(self.fs, dev)
    }
    fn dev_journal_bucket(&self, dev: u8, n: usize) -> Option<u64> {
        device::journal_bucket(self.fs, dev, n)
    }
    fn mark_metadata_bucket(
        &self,
        dev: u8,
        bucket: u64,
        data_type: DataType,
        sectors: u32,
        _pos: GcPos,
        _flags: u32,
    ) {
        if !self.sheet.take_metadata(dev, bucket, data_type, sectors) {
            self.right.set(false);
        }
    }
    fn log(&self, _level: Level, _args: fmt::Arguments<'_>) {
        self.right.set(false);
    }
    fn lock(&self, _which: Lock) {}
    fn unlock(&self, _which: Lock) {}
    fn assert_held(&self, _which: Lock) {}
}
