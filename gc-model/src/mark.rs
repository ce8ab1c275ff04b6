// SPDX-License-Identifier: GPL-2.0-only
//! Marking: the engine's own accounting over the model's arrays.

use crate::Model;
use crate::call::Call;
use crate::device::Device;
use crate::key::Key;
use crate::locks::{LockId, Mode};
use crate::stripes::StripeMap;
use crate::sync::lock;
use crate::usage::in_order;
use gc_core::accounting::device::{self as acct, Devices};
use gc_core::accounting::mark::{Ctx, MarkError, Sink, Trigger};
use gc_core::accounting::replicas::{View, key_entries};
use gc_core::accounting::usage::{Usage, dev_usage_from_buckets};
use gc_core::bkey::KeyRef;
use gc_core::error::{Error, Result};
use gc_core::finding::{Answer, Finding};
use gc_core::host::Side;
use gc_core::layout::btree::BTREE_TRIGGER_GC;
use gc_core::layout::{DataType, DevUsage, ExtentPtr};
use std::sync::atomic::Ordering::Relaxed;

/// Findings of marking go where all go.
struct ToMessages<'m>(&'m Model);

impl Sink for ToMessages<'_> {
    fn raise(&mut self, finding: &Finding<'_>) -> Answer {
        self.0.answer(finding.code().number(), finding.flags().bits(), finding.to_string())
    }

    fn inconsistent(&mut self, finding: &Finding<'_>) {
        self.0.say_inconsistent(finding.code().number(), finding.to_string());
    }

    fn unprinted(&mut self, finding: &Finding<'_>) {
        self.0.say_inconsistent(finding.code().number(), finding.to_string());
    }
}

type ModelCtx<'c, 'm> = Ctx<'c, Devices<'c>, StripeMap, ToMessages<'m>>;

pub(crate) fn geometry(dev: &Device) -> acct::Geometry {
    let g = dev.geometry();
    acct::Geometry {
        bucket_size: u16::try_from(g.bucket_size).unwrap_or(u16::MAX),
        first_bucket: u16::try_from(g.first_bucket).unwrap_or(u16::MAX),
        nbuckets: g.nbuckets,
    }
}

/// What marks with these flags change.
const fn side_of(flags: u32) -> Side {
    if flags & BTREE_TRIGGER_GC != 0 { Side::Gc } else { Side::Live }
}

impl Model {
    /// Runs `f` over one side of the devices; what it counts is added to the side's
    /// usage afterwards. `stray` stands for a file system of one device.
    fn marking<R>(
        &self,
        side: Side,
        stray: Option<&Device>,
        f: impl FnOnce(&mut ModelCtx<'_, '_>) -> R,
    ) -> Option<R> {
        let members = stray.map_or_else(|| self.members(), |dev| vec![dev]);
        let mut table: Vec<Option<acct::Device<'_>>> = Vec::new();
        for dev in &members {
            let at = if stray.is_some() { 0 } else { usize::try_from(dev.idx()).ok()? };
            table.resize(table.len().max(at.saturating_add(1)), None);
            // A member that came after the run began has no second buckets, and no
            // key that the run sees points to it.
            let (Some(live), Some(buckets)) = (dev.buckets(Side::Live), dev.buckets(side)) else {
                continue;
            };
            if let Some(slot) = table.get_mut(at) {
                *slot = Some(acct::Device { geometry: geometry(dev), buckets, live });
            }
        }
        let replicas = self.usage.table().view();
        let mut usage = Usage::zeroed(replicas.len()).ok()?;
        let mut devs = vec![DevUsage::default(); table.len()];
        let mut stripes = lock(&self.stripes);
        let map = match side {
            Side::Live => &mut stripes.live,
            Side::Gc => stripes.gc.as_mut()?,
        };
        let mut ctx = Ctx {
            buckets: &Devices(&table),
            stripes: map,
            sink: &mut ToMessages(self),
            replicas,
            usage: &mut usage,
            devs: Some(&mut devs),
            btree_node_size: self.options.btree_node_size,
        };
        let ret = f(&mut ctx);
        drop(stripes);
        match (side, stray) {
            (Side::Gc, _) => self.usage.add_gc(&usage),
            (Side::Live, None) => {
                for (to, v) in self.usage.side(Side::Live).iter().zip(in_order(&usage)) {
                    to.fetch_add(v, Relaxed);
                }
            }
            // No file system, no usage of one.
            (Side::Live, Some(_)) => {}
        }
        for (at, dev) in members.iter().enumerate() {
            let at = if stray.is_some() { at } else { usize::try_from(dev.idx()).ok()? };
            let mut usage = lock(&dev.usage);
            let to = match side {
                Side::Live => Some(&mut usage.0),
                Side::Gc => usage.1.as_mut(),
            };
            if let (Some(to), Some(from)) = (to, devs.get(at)) {
                to.add(from);
            }
        }
        Some(ret)
    }

    fn marked(&self, what: &str, ret: Option<std::result::Result<(), MarkError>>) -> Result<()> {
        match ret {
            Some(ret) => ret.map_err(Error::from),
            None => {
                self.violation(format!("{what}: the arrays to be marked are not there"));
                Err(Error::INVAL)
            }
        }
    }

    /// Counts a key on the side that the flags say, by the engine's accounting.
    ///
    /// # Errors
    /// Why it was not counted in full; a planned failure.
    pub fn count_key(&self, key: KeyRef<'_>, sectors: i64, flags: u32) -> Result<()> {
        self.call(Call::MarkKey, String::new)?;
        self.take(LockId::Mark, Mode::Shared);
        let ret = self.do_mark_key(key, sectors, flags);
        self.release(LockId::Mark);
        ret
    }

    pub(crate) fn do_mark_key(&self, key: KeyRef<'_>, sectors: i64, flags: u32) -> Result<()> {
        let t = Trigger { offset: 0, sectors, journal_seq: 0, flags };
        let ret = self.marking(side_of(flags), None, |ctx| ctx.mark_key(key, &t));
        self.marked("mark_key", ret)
    }

    pub(crate) fn do_mark_metadata(
        &self,
        dev: &Device,
        stray: bool,
        bucket: u64,
        data_type: DataType,
        sectors: u32,
        flags: u32,
    ) {
        let idx = if stray { 0 } else { u8::try_from(dev.idx()).unwrap_or(u8::MAX) };
        let ret = self.marking(side_of(flags), stray.then_some(dev), |ctx| {
            ctx.mark_metadata_bucket(idx, bucket, data_type, sectors)
        });
        if let Err(e) = self.marked("mark_metadata_bucket", ret) {
            self.complain(format!("mark_metadata_bucket: {e}"));
        }
    }

    pub(crate) fn do_mark_alloc(&self, dev: &Device, bucket: u64, owned: bool, flags: u32) {
        let idx = u8::try_from(dev.idx()).unwrap_or(u8::MAX);
        let side = side_of(flags);
        let ret = self
            .marking(side, None, |ctx| ctx.mark_alloc_bucket(idx, bucket, owned, side == Side::Gc));
        if let Err(e) = self.marked("mark_alloc_bucket", ret) {
            self.complain(format!("mark_alloc_bucket: {e}"));
        }
    }

    /// An available bucket is taken for new use.
    pub(crate) fn do_invalidate(&self, idx: u8, bucket: u64) {
        let ret =
            self.marking(Side::Live, None, |ctx| ctx.invalidate_bucket(idx, bucket).map(|_old| ()));
        if let Err(e) = self.marked("invalidate_bucket", ret) {
            self.violation(format!("invalidate_bucket: {e}"));
        }
    }

    /// Takes cached pointers to buckets reused since out of a key.
    pub(crate) fn drop_stale(&self, key: &mut Key) {
        let gen_of = |p: ExtentPtr| {
            let device = self.member(u32::from(p.dev()))?;
            Some(device.bucket(device.geometry().bucket_of(p.offset())?)?.mark.gen_())
        };
        key.drop_pointers(|p| p.cached() && gen_of(p).is_some_and(|gen_| gen_ != p.gen_()));
    }

    pub(crate) fn key_replicas_marked(&self, table: View<'_>, key: KeyRef<'_>) -> bool {
        key_entries(key).is_ok_and(|mut all| all.all(|e| table.find(e.get()).is_some()))
    }

    pub(crate) fn add_key_replicas(&self, key: KeyRef<'_>) -> Result<()> {
        let _mark = self.guard(LockId::Mark, Mode::Exclusive);
        for entry in key_entries(key).map_err(|_| Error::INVAL)? {
            self.add_replicas(entry.get())?;
        }
        Ok(())
    }

    /// Folds what is pending into the base, and recomputes from the buckets what
    /// follows from them.
    pub(crate) fn fold_usage(&self) {
        self.usage.fold();
        let mut all_hidden = 0_u64;
        for dev in self.members() {
            let first = usize::try_from(dev.geometry().first_bucket).unwrap_or(0);
            let (usage, hidden) = dev.with_buckets(|b| {
                let marks = b.iter().skip(first).map(|b| b.load_mark(Relaxed));
                dev_usage_from_buckets(geometry(dev), marks)
            });
            lock(&dev.usage).0 = usage;
            all_hidden = all_hidden.wrapping_add(hidden);
        }
        self.set_usage_word(1, all_hidden);
    }
}
