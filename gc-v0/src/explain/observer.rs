// SPDX-License-Identifier: GPL-2.0-only
//! Collecting during a run: the buckets that findings name, or the references
//! into buckets of interest.

use crate::host::observer::{Observer, Reference, place_of};
use crate::report::{Found, Place as Location};
use gc_core::finding::Finding;
use std::collections::BTreeMap;

/// Findings by the bucket that they name.
#[derive(Debug, Default)]
pub(super) struct Places(pub(super) BTreeMap<(u8, u64), Vec<Found>>);

impl Observer for Places {
    fn pass(&mut self) {}
    fn wants(&self, _dev: u8, _bucket: u64) -> bool {
        false
    }
    fn reference(&mut self, _reference: Reference) {}
    fn finding(&mut self, finding: &Finding<'_>) {
        if let Some(place) = place_of(finding) {
            let found = Found::of_engine(finding, Location::UNKNOWN);
            self.0.entry(place).or_default().push(found);
        }
    }
}

/// What was seen of one bucket.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// References of the last pass, in the order of the walk.
    pub(super) references: Vec<Reference>,
    /// Findings of all passes.
    pub(super) findings: Vec<Found>,
}

/// References into buckets, and findings about them.
#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) buckets: BTreeMap<(u8, u64), Seen>,
    /// Findings were collected by an earlier run.
    pub(super) heard: bool,
}

impl Observer for References {
    fn pass(&mut self) {
        for seen in self.buckets.values_mut() {
            seen.references.clear();
        }
    }

    fn wants(&self, dev: u8, bucket: u64) -> bool {
        self.buckets.contains_key(&(dev, bucket))
    }

    fn reference(&mut self, reference: Reference) {
        if let Some(seen) = self.buckets.get_mut(&(reference.dev, reference.bucket)) {
            seen.references.push(reference);
        }
    }

    fn finding(&mut self, finding: &Finding<'_>) {
        if self.heard {
            return;
        }
        if let Some(seen) = place_of(finding).and_then(|p| self.buckets.get_mut(&p)) {
            seen.findings.push(Found::of_engine(finding, Location::UNKNOWN));
        }
    }
}
