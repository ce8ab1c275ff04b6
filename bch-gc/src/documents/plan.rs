// SPDX-License-Identifier: GPL-2.0-only
//! The document of `bch-gc plan --json`.

use super::shared::hex;
use super::{DataType, Finding, Format, Stripe, document};
use gc_v0::plan;

document! {
    /// What a repair would change. Sizes are sectors of 512 bytes.
    pub struct Plan {
        /// Version of the document.
        pub format: Format<2>,
        /// What mark and sweep returned.
        pub ret: i32,
        /// What is repaired while nodes and journal are read: these lose keys.
        pub reading: Vec<Finding>,
        /// Buckets that change, the worst first.
        pub buckets: Vec<BucketChange>,
        /// Counters of the file system that change.
        pub counters: Vec<NumberChange>,
        /// Sets of devices whose sectors change.
        pub sets: Vec<NumberChange>,
        /// Stripes that change.
        pub stripes: Vec<StripeChange>,
        /// The highest version that a key was given; null where it stays.
        pub key_version: Option<VersionChange>,
        /// Findings that have no repair.
        pub left: Vec<Finding>,
    }

    /// A bucket that changes.
    pub struct BucketChange {
        /// Index of the device.
        pub device: u8,
        /// Number of the bucket.
        pub bucket: u64,
        /// What the change means: freed, gen-moved, type, fewer, more, other or oldest-gen.
        pub kind: &'static str,
        /// Whether something is given up that may still be of use.
        pub destructive: bool,
        /// Number of pointers into it that are refused.
        pub refused_pointers: u64,
        /// Before the repair.
        pub before: BucketState,
        /// After it.
        pub after: BucketState,
    }

    /// A bucket as far as a repair changes it.
    pub struct BucketState {
        /// Generation.
        #[serde(rename = "gen")]
        pub gen_: u8,
        /// Type of data.
        pub data_type: DataType,
        /// Whether the allocator has it.
        pub owned_by_allocator: bool,
        /// Whether a stripe holds it.
        pub stripe: bool,
        /// Sectors of data that must be kept.
        pub dirty_sectors: u16,
        /// Sectors of cached copies.
        pub cached_sectors: u16,
        /// Whether its generation is known.
        pub gen_valid: bool,
        /// Oldest generation of a pointer into it.
        pub oldest_gen: u8,
    }

    /// A number that changes.
    pub struct NumberChange {
        /// What is counted.
        pub name: String,
        /// The set of devices as it is stored, in hexadecimal digits; empty for counters.
        #[cfg_attr(feature = "schema", schemars(regex(pattern = "^([0-9a-f]{2})*$")))]
        pub bytes: String,
        /// Before the repair; null for a set that is not in the table yet.
        pub before: Option<u64>,
        /// After it.
        pub after: u64,
    }

    /// A stripe that changes.
    pub struct StripeChange {
        /// Before the repair.
        pub before: Stripe,
        /// After it.
        pub after: Stripe,
    }

    /// A version that changes.
    pub struct VersionChange {
        /// Before the repair.
        pub before: u64,
        /// After it.
        pub after: u64,
    }
}

impl From<plan::BucketState> for BucketState {
    fn from(s: plan::BucketState) -> Self {
        let m = s.mark;
        Self {
            gen_: m.gen_(),
            data_type: m.data_type().into(),
            owned_by_allocator: m.owned_by_allocator(),
            stripe: m.stripe(),
            dirty_sectors: m.dirty_sectors(),
            cached_sectors: m.cached_sectors(),
            gen_valid: s.gen_valid,
            oldest_gen: s.oldest_gen,
        }
    }
}

impl From<&plan::BucketChange> for BucketChange {
    fn from(b: &plan::BucketChange) -> Self {
        Self {
            device: b.dev,
            bucket: b.bucket,
            kind: b.kind.name(),
            destructive: b.kind.destructive(),
            refused_pointers: b.refused,
            before: b.before.into(),
            after: b.after.into(),
        }
    }
}

impl From<&plan::NumberChange> for NumberChange {
    fn from(n: &plan::NumberChange) -> Self {
        Self { name: n.name.clone(), bytes: hex(&n.bytes), before: n.before, after: n.after }
    }
}

impl From<&plan::StripeChange> for StripeChange {
    fn from(s: &plan::StripeChange) -> Self {
        Self { before: Stripe::of(s.idx, &s.before), after: Stripe::of(s.idx, &s.after) }
    }
}

impl Plan {
    /// Of a plan, and the findings that belong to it.
    #[must_use]
    pub fn of(ret: i32, plan: &plan::Plan, reading: Vec<Finding>, left: Vec<Finding>) -> Self {
        let version = |(before, after)| VersionChange { before, after };
        Self {
            format: Format,
            ret,
            reading,
            buckets: plan.buckets.iter().map(BucketChange::from).collect(),
            counters: plan.counters.iter().map(NumberChange::from).collect(),
            sets: plan.sets.iter().map(NumberChange::from).collect(),
            stripes: plan.stripes.iter().map(StripeChange::from).collect(),
            key_version: plan.key_version.map(version),
            left,
        }
    }
}
