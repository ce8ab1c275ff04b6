// SPDX-License-Identifier: GPL-2.0-only
//! Devices as the engine sees them.

use crate::Model;
use crate::call::Call;
use crate::device::{DevId, Device};
use crate::locks::{self, LockId, Mode};
use gc_core::error::Result;
use gc_core::host::{
    DeviceHost, Geometry, Held, Level, Lock, Locks, Log, MarkRead, Membership, MetadataBucket,
    SbCopies,
};
use gc_core::layout::GcPhase;
use std::fmt;

impl Log for Model {
    fn log(&self, level: Level, args: fmt::Arguments<'_>) {
        self.note(Call::Log, || args.to_string());
        self.say(level, args.to_string());
    }
}

impl Locks for Model {
    fn lock(&self, which: Lock) {
        self.note(Call::Lock, || locks::name(which).to_owned());
        let (id, mode) = locks::of_host(which);
        self.take(id, mode);
    }

    fn unlock(&self, which: Lock) {
        self.note(Call::Unlock, || locks::name(which).to_owned());
        self.release(locks::of_host(which).0);
    }

    fn assert_held(&self, which: Lock) {
        self.note(Call::AssertHeld, || locks::name(which).to_owned());
        let id = locks::of_host(which).0;
        if !self.locks.anybody(id) {
            self.violation(format!("assert_held: nobody holds {id:?}"));
        }
    }
}

impl DeviceHost for Model {
    type Dev = DevId;

    fn dev_geometry(&self, dev: DevId) -> Geometry {
        self.note(Call::DevGeom, || format!("{}", dev.0));
        self.dev("dev_geom", dev).map(Device::geometry).unwrap_or_default()
    }

    fn dev_superblocks(&self, _of: Membership<'_>, dev: DevId) -> SbCopies {
        self.note(Call::DevSbLayout, || format!("{}", dev.0));
        let none = SbCopies { offset: [0; 61], nr: 0, max_size_bits: 0 };
        self.dev("dev_sb_layout", dev).map_or(none, |d| {
            self.needs_sb("dev_sb_layout", d);
            d.superblocks()
        })
    }

    fn dev_journal_bucket(&self, _of: Membership<'_>, dev: DevId, n: usize) -> Result<Option<u64>> {
        self.note(Call::DevJournal, String::new);
        let Some(dev) = self.dev("dev_journal", dev) else { return Ok(None) };
        self.needs_sb("dev_journal", dev);
        Ok(dev.journal().get(n).copied())
    }

    fn mark_metadata_bucket(
        &self,
        _mark: Option<&Held<MarkRead>>,
        dev: DevId,
        bucket: &MetadataBucket,
    ) {
        let MetadataBucket { number: bucket, data_type, sectors, pos, flags } = *bucket;
        self.note(Call::MarkMetadataBucket, String::new);
        let Some(dev) = self.dev("mark_metadata_bucket", dev) else { return };
        let member = self.is_member(dev);
        if member {
            self.needs("mark_metadata_bucket", LockId::Mark, Mode::Shared);
        }
        let g = dev.geometry();
        let inside = bucket >= u64::from(g.first_bucket) && bucket < g.nbuckets;
        if !inside || pos.phase != GcPhase::SB {
            self.violation(format!("mark_metadata_bucket: bucket {bucket} at {pos:?}"));
        }
        self.do_mark_metadata(dev, !member, bucket, data_type, sectors, flags);
    }
}
