// SPDX-License-Identifier: GPL-2.0-only
//! Alloc keys and stripes: what buckets hold before anything is counted.

use super::{ask, memory};
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::journal::JournalKeys;
use crate::key::Key;
use crate::node::Node;
use crate::report::{Found, Place, Reporter};
use crate::tree::{Nodes, walk};
use gc_core::accounting::{
    Buckets, Ctx, Geometry, Sink, StripeTable, Trigger, Usage, dev_usage_from_buckets,
};
use gc_core::finding::{Answer, Finding};
use gc_core::layout::{BtreeId, DevUsage, KeyType};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fills the buckets from the alloc btree and the stripes from theirs; usage of
/// the members by index.
pub(super) fn read(
    fs: &Fs,
    journal: &JournalKeys,
    roots: &[Rc<Node>; 8],
    nodes: &mut Nodes,
    usage: &mut Usage,
    reporter: &mut dyn Reporter,
) -> Result<(Vec<DevUsage>, StripeTable), RecoveryError> {
    let buckets = Live { fs, other: AtomicU64::new(0) };
    let table = fs.replicas.table.view();
    let mut stripes = StripeTable::new();
    let mut pending = Usage::zeroed(table.len()).map_err(|_| memory())?;
    let root = |id: BtreeId| roots.get(usize::from(id.0)).cloned();

    if let Some(root) = root(BtreeId::ALLOC) {
        walk(fs, nodes, journal, &root, reporter, &mut |level, key, reporter| {
            if level == 0 {
                let mut ctx = Ctx {
                    buckets: &buckets,
                    stripes: &mut stripes,
                    sink: &mut Tell { fs, reporter, at: place_of(BtreeId::ALLOC, key) },
                    replicas: table,
                    usage: &mut pending,
                    devs: None,
                    btree_node_size: fs.btree_node_sectors(),
                };
                // The original does not look at the result either.
                let _ignored = ctx.mark_key(key.as_ref(), &Trigger::read());
            }
            Ok(())
        })
        .map_err(|e| failed(e, "error reading allocation information"))?;
    }
    let mut dev_usage = Vec::new();
    usage.head.hidden = 0;
    for dev in &fs.devices {
        let (of_dev, hidden) = match dev {
            Some(d) => {
                let (usage, hidden) = dev_usage_from_buckets(d.geometry(), d.marks());
                (d.listed.as_ref().map_or(usage, |l| l.usage), hidden)
            }
            None => (DevUsage::default(), 0),
        };
        dev_usage.push(of_dev);
        usage.head.hidden = usage.head.hidden.wrapping_add(hidden);
    }
    if let Some(root) = root(BtreeId::EC) {
        walk(fs, nodes, journal, &root, reporter, &mut |_, key, reporter| {
            if key.k.type_ != KeyType::STRIPE {
                return Ok(());
            }
            let mut sink = Tell { fs, reporter, at: place_of(BtreeId::EC, key) };
            let mut ctx = Ctx {
                buckets: &buckets,
                stripes: &mut stripes,
                sink: &mut sink,
                replicas: table,
                usage: &mut pending,
                devs: Some(&mut dev_usage),
                btree_node_size: fs.btree_node_sectors(),
            };
            ctx.mark_key(key.as_ref(), &Trigger::read())
                .map_err(|e| RecoveryError::new(e.errno(), "error reading stripes"))
        })
        .map_err(|e| failed(e, "error reading stripes"))?;
    }
    Ok((dev_usage, stripes))
}

/// The buckets of all members.
struct Live<'a> {
    fs: &'a Fs,
    /// Stands for each bucket that is not here.
    other: AtomicU64,
}

impl Buckets for Live<'_> {
    fn geometry(&self, dev: u8) -> Option<Geometry> {
        Some(self.fs.device(dev)?.geometry())
    }

    #[inline]
    fn mark(&self, dev: u8, bucket: u64) -> Option<&AtomicU64> {
        let d = self.fs.device(dev)?;
        match d.bucket(bucket) {
            Some(b) => Some(&b.mark),
            None => d.is_left_out(bucket).then_some(&self.other),
        }
    }

    fn live_gen(&self, dev: u8, bucket: u64) -> Option<u8> {
        self.fs.device(dev)?.gen_of(bucket)
    }

    fn set_alloc(&self, dev: u8, bucket: u64, _io_time: [u16; 2], oldest_gen: u8) {
        if let Some(b) = self.fs.device(dev).and_then(|d| d.bucket(bucket)) {
            b.oldest_gen.store(oldest_gen, Ordering::Relaxed);
            b.set_gen_valid(true);
        }
    }
}

fn failed(e: RecoveryError, what: &str) -> RecoveryError {
    RecoveryError { what: what.into(), ..e }
}

/// Findings of marking among those of reading.
struct Tell<'a, 'r> {
    fs: &'a Fs,
    reporter: &'r mut dyn Reporter,
    /// Where the key is that is counted.
    at: Place,
}

/// Where a key of a leaf is.
fn place_of(btree: BtreeId, key: &Key) -> Place {
    Place { position: Some(key.k.p), ..Place::btree(btree, 0) }
}

impl Sink for Tell<'_, '_> {
    fn raise(&mut self, finding: &Finding<'_>) -> Answer {
        match ask(self.reporter, Found::counted(self.fs, finding, self.at)) {
            Ok(true) => Answer::Fix,
            Ok(false) => Answer::Ignore,
            Err(_) => Answer::Exit,
        }
    }

    fn inconsistent(&mut self, finding: &Finding<'_>) {
        self.reporter.error(&finding.to_string());
    }

    fn unprinted(&mut self, _finding: &Finding<'_>) {}
}
