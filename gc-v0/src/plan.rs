// SPDX-License-Identifier: GPL-2.0-only
//! What a repair would change: the state before a run that repairs in memory,
//! beside the state after it.

use crate::host::Image;
use crate::host::observer::{Observer, Reference, place_of};
use gc_core::finding::{Finding, Marking};
use gc_core::layout::usage::{FS_USAGE_NAMES, FS_USAGE_U64S};
use gc_core::layout::{BucketMark, DataType, Stripe};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// A bucket as far as a repair changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketState {
    /// The mark.
    pub mark: BucketMark,
    /// Oldest generation of a pointer into it.
    pub oldest_gen: u8,
    /// Whether its generation is known.
    pub gen_valid: bool,
}

/// What a change of a bucket means; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Dirty data is recorded, and afterwards the bucket is free: what is in it may
    /// be overwritten.
    Freed,
    /// The generation moves: pointers with the old one lose their data.
    GenMoved,
    /// Its type changes.
    Type,
    /// Fewer sectors are counted.
    Fewer,
    /// More sectors are counted, or the bucket was taken for free.
    More,
    /// Anything else that is compared: whether a stripe holds it.
    Other,
    /// Only the oldest generation, which is no finding.
    Oldest,
}

impl Kind {
    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Freed => "freed",
            Self::GenMoved => "gen-moved",
            Self::Type => "type",
            Self::Fewer => "fewer",
            Self::More => "more",
            Self::Other => "other",
            Self::Oldest => "oldest-gen",
        }
    }

    /// Whether something that may still be of use is given up.
    #[must_use]
    pub const fn destructive(self) -> bool {
        matches!(self, Self::Freed | Self::GenMoved)
    }
}

/// A bucket that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketChange {
    /// What it means.
    pub kind: Kind,
    /// Index of the device.
    pub dev: u8,
    /// Number of the bucket.
    pub bucket: u64,
    /// Before.
    pub before: BucketState,
    /// After.
    pub after: BucketState,
    /// Pointers into it that are refused: files keep them, but not their data.
    pub refused: u64,
}

/// A number that changes: a counter, or the sectors of a set of devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberChange {
    /// What is counted.
    pub name: String,
    /// The set of devices as it is stored; empty for counters.
    pub bytes: Vec<u8>,
    /// Before; `None` for a set that is not in the table yet.
    pub before: Option<u64>,
    /// After.
    pub after: u64,
}

/// A stripe that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeChange {
    /// Index of the stripe.
    pub idx: u64,
    /// Before.
    pub before: Stripe,
    /// After.
    pub after: Stripe,
}

/// All that changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Buckets, the worst first, then by place.
    pub buckets: Vec<BucketChange>,
    /// Counters of the file system.
    pub counters: Vec<NumberChange>,
    /// Sets of devices.
    pub sets: Vec<NumberChange>,
    /// Stripes.
    pub stripes: Vec<StripeChange>,
    /// Highest key version, before and after, if it changes.
    pub key_version: Option<(u64, u64)>,
}

impl Plan {
    /// Whether nothing changes but what is no finding.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.iter().all(|b| b.kind == Kind::Oldest)
            && self.counters.is_empty()
            && self.sets.is_empty()
            && self.stripes.is_empty()
            && self.key_version.is_none()
    }
}

/// Pointers that are refused, by bucket.
#[derive(Debug, Default)]
pub struct RefusedPointers(BTreeMap<(u8, u64), u64>);

impl Observer for RefusedPointers {
    fn pass(&mut self) {
        self.0.clear();
    }
    fn wants(&self, _dev: u8, _bucket: u64) -> bool {
        false
    }
    fn reference(&mut self, _reference: Reference) {}
    fn finding(&mut self, finding: &Finding<'_>) {
        if let (Finding::Marking(Marking::Pointer { .. }), Some(place)) =
            (finding, place_of(finding))
        {
            let nr = self.0.entry(place).or_default();
            *nr = nr.saturating_add(1);
        }
    }
}

/// The state at one time.
#[derive(Debug)]
pub struct Snapshot {
    buckets: Vec<Vec<BucketState>>,
    words: Vec<u64>,
    sets: BTreeMap<Vec<u8>, (String, u64)>,
    stripes: BTreeMap<u64, Stripe>,
    key_version: u64,
}

impl Snapshot {
    /// The state as it is now.
    #[must_use]
    pub fn of(image: &Image<'_>) -> Self {
        let mut stripes = BTreeMap::new();
        image.each_stripe(|idx, s| {
            stripes.insert(idx, *s);
        });
        let (words, sets) = image.with_usage(|words, table| {
            let (head, rest) = words.split_at_checked(FS_USAGE_U64S).unwrap_or((words, &[]));
            let sets = table
                .view()
                .iter()
                .zip(rest)
                .map(|(e, n)| (e.as_bytes().to_vec(), (e.to_string(), *n)))
                .collect();
            (head.to_vec(), sets)
        });
        let devices = image.fs().devices.iter();
        let buckets = devices
            .map(|d| {
                let of = |b: &gc_core::layout::Bucket| BucketState {
                    mark: b.load_mark(Ordering::Relaxed),
                    oldest_gen: b.oldest_gen.load(Ordering::Relaxed),
                    gen_valid: b.gen_valid(),
                };
                d.as_ref().map_or_else(Vec::new, |d| d.buckets.iter().map(of).collect())
            })
            .collect();
        Self { buckets, words, sets, stripes, key_version: image.highest_key_version() }
    }

    /// What differs in a later state.
    #[must_use]
    pub fn plan(&self, after: &Self, refused: &RefusedPointers) -> Plan {
        let mut plan = Plan::default();
        for (dev, (was, is)) in (0_u8..).zip(self.buckets.iter().zip(&after.buckets)) {
            for (bucket, (before, after)) in (0_u64..).zip(was.iter().zip(is)) {
                let Some(kind) = kind(*before, *after) else { continue };
                let refused = refused.0.get(&(dev, bucket)).copied().unwrap_or(0);
                let (before, after) = (*before, *after);
                plan.buckets.push(BucketChange { kind, dev, bucket, before, after, refused });
            }
        }
        plan.buckets.sort_by_key(|b| (b.kind, b.dev, b.bucket));
        for (name, (before, after)) in
            FS_USAGE_NAMES.iter().zip(self.words.iter().zip(&after.words))
        {
            if before != after {
                let (name, before) = ((*name).to_string(), Some(*before));
                plan.counters.push(NumberChange { name, bytes: Vec::new(), before, after: *after });
            }
        }
        for (bytes, (name, after)) in &after.sets {
            let before = self.sets.get(bytes).map(|(_, n)| *n);
            if before != Some(*after) {
                let (name, bytes) = (name.clone(), bytes.clone());
                plan.sets.push(NumberChange { name, bytes, before, after: *after });
            }
        }
        for (idx, after) in &after.stripes {
            let before = self.stripes.get(idx).copied().unwrap_or(Stripe::ZERO);
            if before != *after {
                plan.stripes.push(StripeChange { idx: *idx, before, after: *after });
            }
        }
        let versions = (self.key_version, after.key_version);
        plan.key_version = (versions.0 != versions.1).then_some(versions);
        plan
    }
}

fn kind(before: BucketState, after: BucketState) -> Option<Kind> {
    let (b, a) = (before.mark, after.mark);
    let sectors = |m: BucketMark| (m.dirty_sectors(), m.cached_sectors());
    let empty = |m: BucketMark| m.data_type() == DataType::NONE && sectors(m) == (0, 0);
    Some(if b.dirty_sectors() > 0 && empty(a) {
        Kind::Freed
    } else if b.gen_() != a.gen_() && (before.gen_valid || !empty(b)) {
        Kind::GenMoved
    } else if b.data_type_raw() != a.data_type_raw() && !empty(b) && !empty(a) {
        Kind::Type
    } else if sectors(a).0 < sectors(b).0 || sectors(a).1 < sectors(b).1 {
        Kind::Fewer
    } else if sectors(a) != sectors(b)
        || b.gen_() != a.gen_()
        || b.data_type_raw() != a.data_type_raw()
    {
        Kind::More
    } else if b.stripe() != a.stripe() || b.owned_by_allocator() != a.owned_by_allocator() {
        Kind::Other
    } else if before.oldest_gen != after.oldest_gen {
        Kind::Oldest
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: what each change means, by hand.
    #[test]
    fn kinds() {
        let m = |gen_: u8, t: DataType, dirty: u16| BucketState {
            mark: BucketMark(0).with_gen(gen_).with_data_type(t).with_dirty_sectors(dirty),
            oldest_gen: gen_,
            gen_valid: true,
        };
        let (none, user, btree) = (DataType::NONE, DataType::USER, DataType::BTREE);
        let full = m(1, user, 8);
        assert_eq!(kind(full, full), None);
        assert_eq!(kind(full, m(1, none, 0)), Some(Kind::Freed));
        assert_eq!(kind(full, m(2, none, 0)), Some(Kind::Freed));
        assert_eq!(kind(full, m(2, user, 8)), Some(Kind::GenMoved));
        assert_eq!(kind(full, m(1, btree, 8)), Some(Kind::Type));
        assert_eq!(kind(full, m(1, user, 7)), Some(Kind::Fewer));
        assert_eq!(kind(full, m(1, user, 9)), Some(Kind::More));
        assert_eq!(kind(m(1, none, 0), full), Some(Kind::More));
        // A bucket that nobody knew: nothing is given up.
        let unknown = BucketState { gen_valid: false, ..m(0, none, 0) };
        assert_eq!(kind(unknown, full), Some(Kind::More));
        let older = BucketState { oldest_gen: 0, ..full };
        assert_eq!(kind(full, older), Some(Kind::Oldest));
        let stripe = BucketState { mark: full.mark.with_stripe(true), ..full };
        assert_eq!(kind(full, stripe), Some(Kind::Other));
        let owned = BucketState { mark: full.mark.with_owned_by_allocator(true), ..full };
        assert_eq!(kind(full, owned), Some(Kind::Other));
        // Of one that nobody knew: its data is given up, a number is none.
        let guessed = BucketState { gen_valid: false, ..full };
        assert_eq!(kind(guessed, m(2, user, 8)), Some(Kind::GenMoved));
        assert_eq!(kind(unknown, m(3, none, 0)), Some(Kind::More));
        assert_eq!(kind(m(1, none, 0), m(1, user, 0)), Some(Kind::More));
        assert!(Kind::Freed < Kind::GenMoved && Kind::GenMoved < Kind::Type);
    }

    // Oracle: by hand: each part alone makes it more than nothing.
    #[test]
    fn nothing() {
        let number = || NumberChange { name: "x".into(), bytes: vec![], before: None, after: 1 };
        let stripe = || StripeChange { idx: 1, before: Stripe::ZERO, after: Stripe::ZERO };
        let none = Plan::default;
        assert!(none().is_empty());
        assert!(!Plan { counters: vec![number()], ..none() }.is_empty());
        assert!(!Plan { sets: vec![number()], ..none() }.is_empty());
        assert!(!Plan { stripes: vec![stripe()], ..none() }.is_empty());
        assert!(!Plan { key_version: Some((1, 2)), ..none() }.is_empty());
    }
}
