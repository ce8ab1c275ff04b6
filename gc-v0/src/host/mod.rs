// SPDX-License-Identifier: GPL-2.0-only
//! A recovered file system as a host of the engine. Everything that changes is
//! in memory; nobody else is there, so locks are nothing.

mod api;
pub(crate) mod coalesce;
pub(crate) mod device;
mod left_out;
mod marking;
mod nodes;
pub mod observer;
mod settle;
mod survey;
pub(crate) mod version;
mod walk;

pub use nodes::{Keys, NodeId};
pub use survey::Met;
pub use walk::TreeWalk;

use crate::fs::Fs;
use crate::journal::JournalKeys;
use crate::recovery::Recovered;
use crate::report::Reporter;
use crate::tree::Nodes;
use gc_core::accounting::{StripeTable, Usage};
use gc_core::bkey::{CountsIn, KeyRef, References};
use gc_core::layout::{Bucket, DataType, DevUsage};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering};
use version::Versions;

/// The host.
pub struct Image<'r> {
    fs: Fs,
    journal: JournalKeys,
    nodes: RefCell<Nodes>,
    slots: RefCell<nodes::Slots>,
    reporter: RefCell<&'r mut dyn Reporter>,
    /// Second buckets by device, made once and zeroed for each pass.
    gc_buckets: Vec<Vec<Bucket>>,
    versions: Versions,
    usage_gc: RefCell<Usage>,
    usage_gc_there: Cell<bool>,
    dev_usage: RefCell<Vec<DevUsage>>,
    dev_usage_gc: RefCell<Vec<DevUsage>>,
    stripes: RefCell<StripeTable>,
    stripes_gc: RefCell<StripeTable>,
    key_version: Cell<u64>,
    journal_seq: u64,
    compat: Cell<u64>,
    fixed_gens: Cell<bool>,
    rebuild_replicas: Cell<bool>,
    pos_seq: AtomicU32,
    pos_words: [AtomicU32; 7],
    pass: Cell<u32>,
    /// Devices whose single sets are known to be in the table: of data, of nodes.
    marked: [Cell<u64>; 2],
    /// Who observes the run.
    observer: RefCell<Option<observer::SharedObserver>>,
    /// Btrees copied for merging.
    merging: RefCell<coalesce::Merging>,
    left_out: left_out::LeftOut,
}

impl<'r> Image<'r> {
    /// From a recovered file system.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(
        rec: Recovered,
        reporter: &'r mut dyn Reporter,
    ) -> Result<Self, crate::error::RecoveryError> {
        let memory = || crate::error::RecoveryError::new(-12, "cannot allocate memory");
        let mut gc_buckets = Vec::new();
        for dev in &rec.fs.devices {
            let n = dev.as_ref().map_or(0, |d| d.buckets.len());
            let mut buckets = Vec::new();
            buckets.try_reserve_exact(n).map_err(|_| memory())?;
            buckets.resize_with(n, Bucket::default);
            gc_buckets.push(buckets);
        }
        let devices = rec.fs.devices.len();
        let compat = rec.fs.flags.compat;
        let rebuild = rec.fs.replicas.rebuild;
        let left_out = left_out::LeftOut::of(&rec.fs, &rec.dev_usage);
        let versions = Versions::new(rec.fs.replicas.table.clone(), &rec.usage);
        Ok(Self {
            slots: RefCell::new(nodes::Slots::new(rec.roots)),
            fs: rec.fs,
            journal: rec.journal,
            nodes: RefCell::new(rec.nodes),
            reporter: RefCell::new(reporter),
            gc_buckets,
            versions,
            usage_gc: RefCell::new(Usage::default()),
            usage_gc_there: Cell::new(false),
            dev_usage: RefCell::new(rec.dev_usage),
            dev_usage_gc: RefCell::new(vec![DevUsage::default(); devices]),
            stripes: RefCell::new(rec.stripes),
            stripes_gc: RefCell::new(StripeTable::new()),
            key_version: Cell::new(rec.key_version),
            journal_seq: rec.journal_seq,
            compat: Cell::new(compat),
            fixed_gens: Cell::new(false),
            rebuild_replicas: Cell::new(rebuild),
            pos_seq: AtomicU32::new(0),
            pos_words: Default::default(),
            pass: Cell::new(0),
            marked: Default::default(),
            observer: RefCell::new(None),
            merging: RefCell::default(),
            left_out,
        })
    }

    /// Passes of mark and sweep since the last call.
    pub fn take_passes(&self) -> u32 {
        self.pass.take()
    }

    /// The file system.
    #[must_use]
    pub const fn fs(&self) -> &Fs {
        &self.fs
    }

    /// Keys of the journal.
    #[must_use]
    pub const fn journal(&self) -> &JournalKeys {
        &self.journal
    }

    /// Working copy of the compat word.
    #[must_use]
    pub fn compat(&self) -> u64 {
        self.compat.get()
    }

    /// Whether replicas are being rebuilt.
    #[must_use]
    pub fn rebuilds_replicas(&self) -> bool {
        self.rebuild_replicas.get()
    }

    /// Highest key version handed out.
    #[must_use]
    pub fn highest_key_version(&self) -> u64 {
        self.key_version.get()
    }

    /// Usage of the file system with its table of device sets.
    pub fn with_usage<R>(
        &self,
        f: impl FnOnce(&[u64], &gc_core::accounting::replicas::Table) -> R,
    ) -> R {
        let v = self.versions.last();
        let words: Vec<u64> = v.live.iter().map(|w| w.load(Ordering::Relaxed)).collect();
        f(&words, &v.table)
    }

    /// Usage of a member.
    #[must_use]
    pub fn device_usage(&self, idx: u8) -> DevUsage {
        self.dev_usage.borrow().get(usize::from(idx)).copied().unwrap_or_default()
    }

    /// Shows each stripe in order of its index.
    pub fn each_stripe(&self, mut f: impl FnMut(u64, &gc_core::layout::Stripe)) {
        for (idx, stripe) in self.stripes.borrow().iter() {
            f(idx, stripe);
        }
    }

    fn is_marked(&self, key: KeyRef<'_>) -> bool {
        let lone = lone_pointer(key);
        if let Some((slot, bit)) = lone {
            if self.marked.get(slot).is_some_and(|m| m.get() & bit != 0) {
                return true;
            }
        }
        let table = &self.versions.last().table;
        let marked = gc_core::accounting::replicas::key_marked(table.view(), key).unwrap_or(true);
        if let Some((cell, bit)) = lone.and_then(|(s, b)| Some((self.marked.get(s)?, b))) {
            // Sets are only ever added.
            if marked {
                cell.set(cell.get() | bit);
            }
        }
        marked
    }
}

/// Most keys are on one device: where that is remembered for each kind of key.
fn lone_pointer(key: KeyRef<'_>) -> Option<(usize, u64)> {
    // How large a node is does not matter for where its copies are.
    let References::Pointers(value) = key.references(0) else { return None };
    let mut pointers = value.iter();
    let first = pointers.next()?;
    let slot = usize::from(first.holds == DataType::BTREE);
    let bit = 1_u64.checked_shl(u32::from(first.ptr.dev()))?;
    let lone = first.counts_in == CountsIn::OwnSet && pointers.rest().is_empty();
    lone.then_some((slot, bit))
}
