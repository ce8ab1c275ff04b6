// SPDX-License-Identifier: GPL-2.0-only
//! Buckets that findings name.

use crate::host::observer::{Observer, Reference, place_of};
use gc_core::finding::Finding;
use std::collections::BTreeSet;

/// Buckets that findings of a run name, by device.
#[derive(Debug, Default)]
pub struct FindingPlaces(BTreeSet<(u8, u64)>);

impl FindingPlaces {
    /// Those of a device, in order.
    pub fn of(&self, dev: u8) -> impl Iterator<Item = u64> + '_ {
        self.0.range((dev, 0)..=(dev, u64::MAX)).map(|(_, bucket)| *bucket)
    }
}

impl Observer for FindingPlaces {
    fn pass(&mut self) {}
    fn wants(&self, _dev: u8, _bucket: u64) -> bool {
        false
    }
    fn reference(&mut self, _reference: Reference) {}
    fn finding(&mut self, finding: &Finding<'_>) {
        self.0.extend(place_of(finding));
    }
}
