// SPDX-License-Identifier: GPL-2.0-only
use super::*;
use crate::accounting::count_pointer;
use crate::bkey::NodeFormat;
use crate::layout::{Bkey, BkeyFormat, Bpos};
use std::vec;
use std::vec::Vec;

// Oracle: the accounting proper, over all types and flags, and counts at the edges.
#[test]
fn a_plain_mark_is_the_mark() {
    let counts = [0_u16, 1, 2, 65533, 65534, 65535];
    let mut plain = 0;
    for flags in 0..64_u64 {
        for (dirty, cached) in counts.iter().flat_map(|&d| counts.map(|c| (d, c))) {
            let mark = BucketMark(flags << 8 | 0x1234 << 48 | 7)
                .with_dirty_sectors(dirty)
                .with_cached_sectors(cached);
            for (t, is_cached, gen_) in [(3, false, 7), (4, false, 7), (4, true, 7), (4, true, 6)] {
                let ptr = ExtentPtr::new(0, 8, gen_).with_cached(is_cached);
                for n in [0_u32, 1, 2, 65535, 65536, u32::MAX] {
                    let got = plain_mark(mark, gen_, is_cached, n, DataType(t));
                    let want = count_pointer(mark, ptr, n.into(), DataType(t)).ok().flatten();
                    // None at all, and what wraps round, are left to the host.
                    let want = want.filter(|_| n != 0 && n <= 1 << 16);
                    assert_eq!(got, want, "{mark:?} {ptr:?} {n}");
                    plain += u32::from(got.is_some());
                }
            }
        }
    }
    assert!(plain > 1000);
}

// Oracle: the accounting's own share.
#[test]
fn sectors_on_disk() {
    for size in [0_u32, 1, 7, 8, 128, 65535, 65536, 1 << 20, u32::MAX] {
        for (n, d) in [(1, 1), (8, 8), (3, 8), (8192, 8192), (size, size), (0, 8), (8, 0), (0, 0)] {
            let scale = Scale { live: size, offset: 0, delta: size.into(), flags: 0 };
            let want = scale.on_disk(n, d).ok().filter(|_| size != 0);
            assert_eq!(on_disk(size, n, d).map(i64::from), want, "{size} {n} {d}");
        }
    }
}

fn extent(size: u32, v: &[u64], check: impl FnOnce(RawKey<'_>, &NodeFormat)) {
    let mut k = Bkey::new(Bpos::new(1, u64::from(size)), size);
    k.type_ = KeyType::EXTENT;
    let format = NodeFormat::new(&BkeyFormat::CURRENT).unwrap();
    let head = u64::from(5 + v.len() as u8) | 1 << 8 | u64::from(k.type_.0) << 16;
    let words: Vec<u64> = [head, 0, u64::from(size), u64::from(size), 1]
        .into_iter()
        .chain(v.iter().copied())
        .collect();
    let (raw, _) = RawKey::split_first(&format, &words).unwrap();
    check(raw.unwrap(), &format);
}

// Oracle: the accounting's own share, and which entries a value has.
#[test]
fn lone_pointers() {
    let ptr = ExtentPtr::new(3, 4096, 9);
    let crc = |n: u32, d: u32| {
        ExtentCrc32(2).with_compressed_size_raw(n - 1).with_uncompressed_size_raw(d - 1).0
    };
    for size in [0, 1, 8, 128, 65535, 65536, u32::MAX] {
        for v in [vec![ptr.0], vec![crc(1, 1), ptr.0], vec![crc(128, 128), ptr.0]] {
            let (n, d) = if v.len() == 1 { (size, size) } else { (128, 128) };
            extent(size, &v, |raw, format| {
                assert_eq!(format.unpack_size_version(raw).0, size);
                let want = (1..65536).contains(&size).then_some((ptr, size));
                assert_eq!(lone(raw, size), want);
                if let Some((_, sectors)) = want {
                    assert_eq!(on_disk(size, n, d), Some(sectors));
                }
            });
        }
    }
    let others = [
        vec![],
        vec![crc(4, 8), ptr.0],
        vec![ptr.with_cached(true).0],
        vec![ptr.0, ptr.0],
        vec![crc(8, 8)],
        vec![0, ptr.0],
        vec![16, ptr.0],
        vec![crc(8, 8), ptr.0, ptr.0],
    ];
    for v in others {
        extent(8, &v, |raw, _| assert_eq!(lone(raw, 8), None, "{v:x?}"));
    }
}
