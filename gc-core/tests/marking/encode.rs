// SPDX-License-Identifier: GPL-2.0-only
//! Keys as words, by the bit positions of the format, without the crate's help.

use crate::naive::{E, Key};
use gc_core::layout::{Bkey, Bpos, KeyType};

fn entry(e: E, out: &mut Vec<u64>) {
    match e {
        E::Ptr(dev, sector, gen_, cached) => out.push(
            1 | u64::from(cached) << 1 | sector << 4 | u64::from(dev) << 48 | u64::from(gen_) << 56,
        ),
        E::Ec(idx, block) => out.push(16 | u64::from(block) << 5 | idx << 13),
        // The smallest form the sizes fit in.
        E::Crc(n, d) if n <= 128 && d <= 128 => {
            out.push(2 | u64::from(n - 1) << 2 | u64::from(d - 1) << 9);
        }
        E::Crc(n, d) if n <= 512 && d <= 512 => {
            out.extend([4 | u64::from(n - 1) << 3 | u64::from(d - 1) << 12, 99]);
        }
        E::Crc(n, d) => out.extend([8 | u64::from(n - 1) << 4 | u64::from(d - 1) << 17, 98, 97]),
    }
}

fn entries(head: &[u64], e: &[E]) -> Vec<u64> {
    let mut out = head.to_vec();
    e.iter().for_each(|&e| entry(e, &mut out));
    out
}

fn words(mut bytes: Vec<u8>) -> Vec<u64> {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.chunks(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect()
}

/// Key and value.
pub(crate) fn encode(key: &Key) -> (Bkey, Vec<u64>) {
    let (t, p, size, v) = match key {
        Key::BtreePtr(e) => (5, (1, 9), 0, entries(&[], e)),
        Key::BtreePtrV2(e) => (18, (1, 9), 0, entries(&[0, 7, 0, 0, 0], e)),
        Key::Extent(size, e) => (6, (1, 64), *size, entries(&[], e)),
        Key::ReflinkV(size, e) => (16, (1, 64), *size, entries(&[3], e)),
        Key::Reservation(size, n) => (7, (1, 64), *size, vec![u64::from(*n) << 32]),
        Key::Inode => (8, (5, 0), 0, vec![1, 2, 3]),
        Key::Other(t) => (*t, (5, 0), 8, vec![0x0100_0000_0000_0001; 4]),
        Key::Alloc(dev, b, a) => {
            let mut bytes = vec![0x3f, a.gen_];
            bytes.extend(a.times.iter().flat_map(|t| t.to_le_bytes()));
            bytes.push(a.data_type);
            bytes.extend(a.dirty.to_le_bytes());
            bytes.extend(a.cached.to_le_bytes());
            bytes.push(a.oldest);
            (12, (*dev, *b), 0, words(bytes))
        }
        Key::Stripe(k) => {
            let n = u8::try_from(k.ptrs.len()).unwrap();
            let [lo, hi] = k.sectors.to_le_bytes();
            let mut bytes = vec![lo, hi, 0, n, k.redundant, 0, 0, 0];
            for &(dev, sector, gen_) in &k.ptrs {
                let mut one = Vec::new();
                entry(E::Ptr(dev, sector, gen_, false), &mut one);
                bytes.extend(one[0].to_le_bytes());
            }
            bytes.extend(k.counts.iter().flat_map(|c| c.to_le_bytes()));
            (14, (0, k.idx), 0, words(bytes))
        }
    };
    let mut k = Bkey::new(Bpos::new(p.0, p.1), size);
    k.type_ = KeyType(t);
    k.u64s += u8::try_from(v.len()).unwrap();
    (k, v)
}
