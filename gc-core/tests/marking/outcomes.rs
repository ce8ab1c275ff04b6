// SPDX-License-Identifier: GPL-2.0-only
//! What marking tells of each reference.
//!
//! Oracle: the key by its meaning, and the naive buckets before and after it: each pointer
//! into a bucket that there is was told once, in order; what was told as counted is what
//! came to the buckets; a refusal ends the key.

use crate::naive::{Bucket, Change, E, Key, Naive, Stop};
use gc_core::accounting::{BucketReference, Outcome};
use std::collections::BTreeMap;

/// Dirty and cached sectors by device and bucket.
type Sectors = BTreeMap<(u8, u64), (u64, u64)>;

/// Those of all buckets now.
pub(crate) fn marks(n: &Naive) -> Sectors {
    let of = |b: &Bucket| (u64::from(b.dirty), u64::from(b.cached));
    let all =
        n.devs.iter().flat_map(|(dev, d)| (0..).zip(&d.buckets).map(move |(i, b)| (*dev, i, b)));
    all.map(|(dev, i, b)| ((dev, i), of(b))).collect()
}

/// Device, bucket, generation of the pointers into buckets in use.
fn pointers(key: &Key, n: &Naive) -> Vec<(u8, u64, u8)> {
    let all: Vec<(u8, u64, u8)> = match key {
        Key::BtreePtr(e) | Key::BtreePtrV2(e) | Key::Extent(_, e) | Key::ReflinkV(_, e) => e
            .iter()
            .filter_map(|e| match *e {
                E::Ptr(dev, sector, gen_, _) => Some((dev, sector, gen_)),
                _ => None,
            })
            .collect(),
        Key::Stripe(s) => s.ptrs.clone(),
        _ => Vec::new(),
    };
    let place = |(dev, sector, gen_): (u8, u64, u8)| {
        let d = n.devs.get(&dev)?;
        let bucket = sector / u64::from(d.bucket_size);
        let inside = (u64::from(d.first)..d.buckets.len() as u64).contains(&bucket);
        inside.then_some((dev, bucket, gen_))
    };
    all.into_iter().filter_map(place).collect()
}

pub(crate) fn check(
    told: &[(BucketReference, Outcome)],
    key: &Key,
    c: &Change,
    want: Result<(), Stop>,
    (before, now): (&Sectors, &Naive),
) {
    let got: Vec<_> = told.iter().map(|(r, _)| (r.dev, r.bucket, r.ptr.gen_())).collect();
    assert_eq!(got, pointers(key, now), "{key:?}");

    let mut sums = before.clone();
    let mut ended = false;
    for (r, outcome) in told {
        assert_eq!(r.block.is_some(), matches!(key, Key::Stripe(_)));
        match *outcome {
            Outcome::Counted { dirty, cached } => {
                assert!(!ended, "{key:?}");
                assert!(c.overwrite || r.block.is_some() || dirty + cached == r.sectors);
                let sum = sums.get_mut(&(r.dev, r.bucket)).unwrap();
                *sum = (sum.0 + dirty, sum.1 + cached);
            }
            Outcome::Stale => assert!(!ended && r.ptr.cached(), "{key:?}"),
            Outcome::Refused(_) => {
                assert!(!ended && want == Err(Stop::Refused), "{key:?}");
                ended = true;
            }
            Outcome::NotReached => {
                assert!(want.is_err(), "{key:?}");
                ended = true;
            }
        }
    }
    assert_eq!(
        want == Err(Stop::Refused),
        told.iter().any(|(_, o)| matches!(o, Outcome::Refused(_)))
    );
    // What an overwrite takes away is not told.
    if !c.overwrite && !matches!(key, Key::Alloc(..)) {
        assert_eq!(sums, marks(now), "{key:?}");
    }
}
