// SPDX-License-Identifier: GPL-2.0-only
//! How many sectors on disk a pointer stands for.

use crate::layout::bits::low32;
use crate::layout::btree::{BTREE_TRIGGER_OVERWRITE, BTREE_TRIGGER_OVERWRITE_SPLIT};

/// Sizes a change of a key cannot have; the original stops the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSectors {
    /// The compressed or uncompressed size is zero.
    ZeroSize,
    /// More goes than the key has.
    PastEnd,
}

/// The change of a key's sectors and the ratio that turns it into sectors on
/// disk (source: `__ptr_disk_sectors_delta`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Live size of the key in sectors.
    pub live: u32,
    /// First sector of the change within the key.
    pub offset: u32,
    /// Sectors that come (positive) or go (negative).
    pub delta: i64,
    /// Trigger flags, of which the overwrite ones count.
    pub flags: u32,
}

impl Scale {
    /// Sectors on disk for `n` sectors stored a `d` sectors of data, each part
    /// rounded up by itself.
    ///
    /// The arithmetic is that of the original to the bit: products wrap at 32
    /// bits.
    ///
    /// # Errors
    /// When a size is zero or more goes than there is.
    #[inline]
    pub fn on_disk(&self, n: u32, d: u32) -> Result<i64, BadSectors> {
        if n == 0 || d == 0 {
            return Err(BadSectors::ZeroSize);
        }
        let live = i64::from(self.live);
        let offset = i64::from(self.offset);
        let part = |sectors: i64| scaled(low32(to_bits(sectors)), n, d);

        if self.flags & (BTREE_TRIGGER_OVERWRITE_SPLIT | BTREE_TRIGGER_OVERWRITE) == 0 {
            return Ok(part(self.delta));
        }
        if offset.wrapping_sub(self.delta) > live {
            return Err(BadSectors::PastEnd);
        }
        let gone = part(live);
        Ok(if self.flags & BTREE_TRIGGER_OVERWRITE_SPLIT != 0 {
            let tail = live.wrapping_sub(offset).wrapping_add(self.delta);
            part(offset).wrapping_add(part(tail)).wrapping_sub(gone)
        } else {
            part(live.wrapping_add(self.delta)).wrapping_sub(gone)
        })
    }
}

/// `sectors * n / d` rounded up, in wrapping 32-bit arithmetic; `d` is not 0.
#[inline]
fn scaled(sectors: u32, n: u32, d: u32) -> i64 {
    let up = sectors.wrapping_mul(n).wrapping_add(d).wrapping_sub(1);
    i64::from(up.checked_div(d).unwrap_or(0))
}

/// The two's complement of a signed number.
#[inline]
pub(super) const fn to_bits(v: i64) -> u64 {
    0_u64.wrapping_add_signed(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(live: u32, delta: i64, n: u32, d: u32) -> Result<i64, BadSectors> {
        Scale { live, offset: 0, delta, flags: 0 }.on_disk(n, d)
    }

    // Oracle: examples worked by hand from docs/facts/marking.md, section 5.
    #[test]
    fn worked_examples() {
        // Uncompressed with checksum, 8 of 128 sectors alive.
        assert_eq!(insert(8, 8, 128, 128), Ok(8));
        // Compressed to a third, 10 of 24 alive: 10 * 8 / 24 rounded up.
        assert_eq!(insert(10, 10, 8, 24), Ok(4));
        // The end of it goes, 3 sectors: ceil(7/3) - ceil(10/3).
        let over = BTREE_TRIGGER_OVERWRITE;
        let s = Scale { live: 10, offset: 7, delta: -3, flags: over };
        assert_eq!(s.on_disk(8, 24), Ok(-1));
        // The middle goes: 4 in front and 3 behind stay: 2 + 1 - 4.
        let s =
            Scale { live: 10, offset: 4, delta: -3, flags: over | BTREE_TRIGGER_OVERWRITE_SPLIT };
        assert_eq!(s.on_disk(8, 24), Ok(-1));
        // Of the end only the size counts, not where it begins: ceil(7/4) - ceil(10/4);
        // out of the middle: 2 + 1 - 3.
        let s = Scale { live: 10, offset: 5, delta: -3, flags: over };
        assert_eq!(s.on_disk(1, 4), Ok(-1));
        let s = Scale { flags: BTREE_TRIGGER_OVERWRITE_SPLIT, ..s };
        assert_eq!(s.on_disk(1, 4), Ok(0));
        assert_eq!(insert(8, 8, 0, 8), Err(BadSectors::ZeroSize));
        assert_eq!(insert(8, 8, 8, 0), Err(BadSectors::ZeroSize));
        let s = Scale { live: 10, offset: 8, delta: -3, flags: over };
        assert_eq!(s.on_disk(1, 1), Err(BadSectors::PastEnd));
    }

    // Oracle: what an insert added in whole is what overwriting it piece by
    // piece, from either end or out of the middle, takes away.
    #[test]
    fn overwriting_gives_back_what_inserting_took() {
        for (n, d) in [(1, 1), (3, 8), (8, 8), (5, 7)] {
            for live in 1..=12_u32 {
                let whole = insert(live, i64::from(live), n, d).unwrap();
                for offset in 0..live {
                    for gone in 1..=live - offset {
                        let rest = live - offset - gone;
                        let split = offset > 0 && rest > 0;
                        let s = Scale {
                            live,
                            offset: if split { offset } else { 0 },
                            delta: -i64::from(gone),
                            flags: BTREE_TRIGGER_OVERWRITE
                                | if split { BTREE_TRIGGER_OVERWRITE_SPLIT } else { 0 },
                        };
                        let left: i64 = [offset, rest]
                            .iter()
                            .map(|&p| insert(p, i64::from(p), n, d).unwrap())
                            .sum();
                        assert_eq!(whole + s.on_disk(n, d).unwrap(), left);
                    }
                }
            }
        }
    }
}
