// SPDX-License-Identifier: GPL-2.0-only
//! Random file systems, tables, keys and changes.

use crate::naive::{self, Alloc, Change, Dev, E, Key, StripeKey};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Buckets of a device.
const BUCKETS: u64 = 7;

/// What happens next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Key(Key, Change),
    Metadata(u8, u64, u8, u32),
    /// Device, bucket, owned by the allocator, array 1.
    Owned(u8, u64, bool, bool),
    Invalidate(u8, u64),
    /// The key of an earlier step goes.
    Undo(prop::sample::Index),
}

fn gens() -> impl Strategy<Value = u8> {
    prop_oneof![8 => Just(1_u8), 1 => 0..4_u8, 1 => any::<u8>()]
}

fn bucket() -> impl Strategy<Value = naive::Bucket> {
    let sectors = || prop_oneof![4 => Just(0_u16), 2 => 0..40_u16, 1 => 65500..=65535_u16];
    let t = prop_oneof![8 => Just(0_u8), 4 => 3..=4_u8, 1 => 0..8_u8];
    (gens(), t, any::<bool>(), prop::bool::weighted(0.2), sectors(), sectors()).prop_map(
        |(gen_, data_type, owned, stripe, dirty, cached)| naive::Bucket {
            gen_,
            data_type,
            owned,
            stripe,
            dirty: if data_type == 0 { 0 } else { dirty },
            cached: if data_type == 0 { 0 } else { cached },
            ..naive::Bucket::default()
        },
    )
}

pub(crate) fn devs() -> impl Strategy<Value = BTreeMap<u8, Dev>> {
    let dev = |first, size| {
        prop::collection::vec(bucket(), BUCKETS as usize).prop_map(move |buckets| Dev {
            bucket_size: size,
            first,
            buckets,
        })
    };
    // Device 1 is missing.
    (dev(0, 16), dev(2, 32), dev(1, 24))
        .prop_map(|(a, b, c)| BTreeMap::from([(0, a), (2, b), (3, c)]))
}

fn dev_idx() -> impl Strategy<Value = u8> {
    prop_oneof![30 => prop::sample::select(vec![0_u8, 2, 3]), 1 => 0..9_u8]
}

fn sector() -> impl Strategy<Value = u64> {
    prop_oneof![30 => 64..96_u64, 5 => 0..240_u64, 1 => 0..1_u64 << 44]
}

fn entry() -> impl Strategy<Value = E> {
    prop_oneof![
        6 => (dev_idx(), sector(), gens(), prop::bool::weighted(0.25))
            .prop_map(|(d, s, g, c)| E::Ptr(d, s, g, c)),
        1 => (1..20_u32, 1..40_u32).prop_map(|(n, d)| E::Crc(n, d)),
        1 => (1..8000_u32, 1..8000_u32).prop_map(|(n, d)| E::Crc(n, d)),
        2 => (0..3_u64, prop_oneof![9 => 0..6_u8, 1 => any::<u8>()])
            .prop_map(|(i, b)| E::Ec(i, b)),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    let entries = || prop::collection::vec(entry(), 0..7);
    let size = || prop_oneof![20 => 1..24_u32, 1 => Just(0_u32), 1 => 1..5000_u32];
    let alloc = (gens(), 0..8_u8, 0..50_u16, 0..50_u16, any::<u8>(), any::<[u16; 2]>()).prop_map(
        |(gen_, data_type, dirty, cached, oldest, times)| Alloc {
            gen_,
            data_type,
            dirty,
            cached,
            oldest,
            times,
        },
    );
    let at = prop_oneof![20 => dev_idx().prop_map(u64::from), 1 => any::<u64>()];
    let stripe = (
        0..3_u64,
        1..64_u16,
        prop_oneof![9 => 0..3_u8, 1 => any::<u8>()],
        prop_oneof![
            9 => prop::collection::vec((dev_idx(), sector(), gens()), 1..6),
            1 => prop::collection::vec((dev_idx(), sector(), gens()), 0..20)
        ],
        prop::collection::vec(0..3_u16, 20),
    )
        .prop_map(|(idx, sectors, redundant, ptrs, mut counts)| {
            counts.truncate(ptrs.len());
            StripeKey { idx, sectors, redundant: redundant.min(ptrs.len() as u8), ptrs, counts }
        });
    prop_oneof![
        2 => entries().prop_map(Key::BtreePtr),
        2 => entries().prop_map(Key::BtreePtrV2),
        12 => (size(), entries()).prop_map(|(s, e)| Key::Extent(s, e)),
        2 => (size(), entries()).prop_map(|(s, e)| Key::ReflinkV(s, e)),
        8 => (1..9_u32, 0..2_u64, 0..2_u8, prop::sample::select(vec![0_u8, 2, 3])).prop_map(
            |(size, idx, block, dev)| {
                Key::Extent(size, vec![E::Ec(idx, block), E::Ptr(dev, 72, 1, false)])
            }
        ),
        1 => (size(), 0..7_u8).prop_map(|(s, n)| Key::Reservation(s, n)),
        1 => Just(Key::Inode),
        5 => stripe.prop_map(Key::Stripe),
        2 => (at, 0..BUCKETS + 2, alloc).prop_map(|(d, b, a)| Key::Alloc(d, b, a)),
        1 => prop::sample::select(vec![0_u8, 1, 2, 3, 4, 9, 10, 11, 13, 15, 17, 19, 200])
            .prop_map(Key::Other),
    ]
}

pub(crate) fn size_of(key: &Key) -> u32 {
    match key {
        Key::Extent(s, _) | Key::ReflinkV(s, _) | Key::Reservation(s, _) => *s,
        _ => 0,
    }
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let change = (
        prop::bool::weighted(0.75),
        prop::sample::select(vec![0_u8, 0, 0, 0, 1, 2]),
        any::<(u32, u32)>(),
        prop_oneof![4 => Just(0_u64), 1 => any::<u64>(), 1 => Just(1_u64 << 32)],
        any::<(bool, bool)>(),
    );
    let key = (key(), change).prop_map(|(key, (gc, kind, (a, b), journal_seq, more))| {
        let size = size_of(&key).max(1);
        let (alloc_read, invalidate) = more;
        let all = Change {
            offset: 0,
            sectors: i64::from(size_of(&key)),
            gc,
            overwrite: false,
            split: false,
            alloc_read: alloc_read && !gc,
            invalidate,
            journal_seq,
        };
        let change = match kind {
            0 => all,
            // One more than fits now and then.
            1 => Change { sectors: -i64::from(a % (size + 1)), overwrite: true, ..all },
            _ => {
                let gone = a % size;
                let offset = b % (size - gone + 1);
                let sectors = -i64::from(gone);
                Change { offset, sectors, overwrite: true, split: true, ..all }
            }
        };
        Step::Key(key, change)
    });
    prop_oneof![
        12 => key,
        1 => (dev_idx(), 0..BUCKETS + 1, 1..3_u8, prop_oneof![0..40_u32, 65000..70000_u32])
            .prop_map(|(d, b, t, s)| Step::Metadata(d, b, t, s)),
        1 => (dev_idx(), 0..BUCKETS + 1, any::<(bool, bool)>())
            .prop_map(|(d, b, (owned, gc))| Step::Owned(d, b, owned, gc)),
        1 => (dev_idx(), 0..BUCKETS + 1).prop_map(|(d, b)| Step::Invalidate(d, b)),
        4 => any::<prop::sample::Index>().prop_map(Step::Undo),
    ]
}

/// Entries that the keys of [`key`] can need.
pub(crate) fn table() -> impl Strategy<Value = BTreeMap<Vec<u8>, i128>> {
    let own = prop::collection::vec(
        (3..5_u8, 0..4_u8, prop::collection::vec(prop::sample::select(vec![0_u8, 2, 3]), 1..5)),
        0..30,
    );
    (own, any::<[bool; 3]>()).prop_map(|(own, cached)| {
        let mut out = BTreeMap::new();
        for (t, required, mut devs) in own {
            devs.sort_unstable();
            for r in [required, 1, 0] {
                let mut e = vec![t, devs.len() as u8, r];
                e.extend(&devs);
                out.insert(e, 0);
            }
        }
        for (dev, there) in [0, 2, 3].into_iter().zip(cached) {
            if there {
                out.insert(vec![5, 1, 1, dev], 0);
            }
        }
        // What is common, so that it is usually there.
        out.insert(vec![4, 3, 2, 0, 2, 3], 0);
        for d in [vec![0], vec![2], vec![3], vec![0, 2], vec![0, 3], vec![2, 3]] {
            for t in 3..5 {
                let mut e = vec![t, d.len() as u8, 1];
                e.extend(&d);
                out.insert(e, 0);
            }
        }
        out
    })
}
