// SPDX-License-Identifier: GPL-2.0-only
//! Superblocks and journal, marked by the engine's own rules.

use super::remaining::Remaining;
use crate::fs::Fs;
use crate::host::device;
use crate::reason::{Rule, Unusual};
use gc_core::error::Result;
use gc_core::gc::metadata::mark_dev_superblock;
use gc_core::host::{
    Alone, DeviceHost, Geometry, Held, Level, Log, MarkRead, Membership, MetadataBucket, SbCopies,
};
use gc_core::layout::DataType;
use std::cell::{Cell, RefCell};
use std::fmt;

/// Subtracts their sectors from their buckets.
///
/// # Errors
/// A bucket is not as it should be.
pub(super) fn subtract(fs: &Fs, remaining: &Remaining) -> Result<(), Unusual> {
    let wrong = Cell::new(None);
    let silent = each(fs, |dev, bucket, t, sectors| {
        if !remaining.subtract_metadata(dev, bucket, t, sectors) {
            wrong.set(wrong.get().or(Some((dev, bucket))));
        }
    });
    match wrong.get() {
        Some((dev, bucket)) => Err(Unusual::from(Rule::Metadata).of_bucket(dev, bucket)),
        None if silent => Ok(()),
        None => Err(Rule::Metadata.into()),
    }
}

/// Device and number of each of their buckets, some more than once.
pub(super) fn all(fs: &Fs) -> Vec<(u8, u64)> {
    let buckets = RefCell::new(Vec::new());
    each(fs, |dev, bucket, _, _| buckets.borrow_mut().push((dev, bucket)));
    buckets.into_inner()
}

/// Shows each of their buckets with the sectors; `false` where there is something to
/// be said of them.
fn each(fs: &Fs, show: impl Fn(u8, u64, DataType, u32)) -> bool {
    let marked = Marked { fs, show, right: Cell::new(true) };
    for (idx, dev) in fs.members() {
        if dev.online.is_some() {
            let marks = mark_dev_superblock(&marked, idx, Membership::Stray, 0);
            marked.right.set(marked.right.get() && marks.is_ok());
        }
    }
    marked.right.get()
}

struct Marked<'a, F> {
    fs: &'a Fs,
    show: F,
    right: Cell<bool>,
}

impl<F> Alone for Marked<'_, F> {}

impl<F> Log for Marked<'_, F> {
    fn log(&self, _level: Level, _args: fmt::Arguments<'_>) {
        self.right.set(false);
    }
}

impl<F: Fn(u8, u64, DataType, u32)> DeviceHost for Marked<'_, F> {
    type Dev = u8;

    fn dev_geometry(&self, dev: u8) -> Geometry {
        device::geometry(self.fs, dev)
    }

    fn dev_superblocks(&self, _of: Membership<'_>, dev: u8) -> SbCopies {
        device::superblocks(self.fs, dev)
    }

    fn dev_journal_bucket(&self, _of: Membership<'_>, dev: u8, n: usize) -> Result<Option<u64>> {
        Ok(device::journal_bucket(self.fs, dev, n))
    }

    fn mark_metadata_bucket(
        &self,
        _mark: Option<&Held<MarkRead>>,
        dev: u8,
        bucket: &MetadataBucket,
    ) {
        (self.show)(dev, bucket.number, bucket.data_type, bucket.sectors);
    }
}
