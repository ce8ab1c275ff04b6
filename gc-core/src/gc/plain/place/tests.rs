// SPDX-License-Identifier: GPL-2.0-only
use super::*;
use crate::accounting::count_pointer;

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
