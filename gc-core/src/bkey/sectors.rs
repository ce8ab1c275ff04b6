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

/// The part of a key that comes or goes, in sectors of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// First sector of the change within the key.
    pub offset: u32,
    /// Sectors that come (positive) or go (negative).
    pub sectors: i64,
    /// Trigger flags, of which the overwrite ones count.
    pub flags: u32,
}

impl Change {
    /// All of a key of `size` sectors comes.
    #[inline]
    #[must_use]
    pub fn whole(size: u32) -> Self {
        Self { offset: 0, sectors: size.into(), flags: 0 }
    }

    /// Sectors on disk that come or go with this part of a key of `live` sectors, with
    /// `n` sectors stored for each `d` of data; each part is rounded up by itself
    /// (source: `__ptr_disk_sectors_delta`).
    ///
    /// The arithmetic is that of the original to the bit: products wrap at 32
    /// bits.
    ///
    /// # Errors
    /// When a size is zero or more goes than there is.
    #[inline]
    pub fn on_disk(&self, live: u32, n: u32, d: u32) -> Result<i64, BadSectors> {
        if n == 0 || d == 0 {
            return Err(BadSectors::ZeroSize);
        }
        let live = i64::from(live);
        let offset = i64::from(self.offset);
        let part = |sectors: i64| i64::from(scaled(low32(to_bits(sectors)), n, d));

        if self.flags & (BTREE_TRIGGER_OVERWRITE_SPLIT | BTREE_TRIGGER_OVERWRITE) == 0 {
            return Ok(part(self.sectors));
        }
        if offset.wrapping_sub(self.sectors) > live {
            return Err(BadSectors::PastEnd);
        }
        let gone = part(live);
        Ok(if self.flags & BTREE_TRIGGER_OVERWRITE_SPLIT != 0 {
            let tail = live.wrapping_sub(offset).wrapping_add(self.sectors);
            part(offset).wrapping_add(part(tail)).wrapping_sub(gone)
        } else {
            part(live.wrapping_add(self.sectors)).wrapping_sub(gone)
        })
    }
}

/// Sectors on disk of a whole key of `size` sectors, with `n` sectors stored for each
/// `d` of data.
///
/// # Errors
/// When `n` or `d` is zero.
#[inline(always)]
pub fn whole(size: u32, n: u32, d: u32) -> Result<u32, BadSectors> {
    // Then the product and what is added to it do not wrap, and the division undoes the
    // multiplication.
    if n == d && (size | n) < 1 << 16 && n != 0 {
        return Ok(size);
    }
    whole_scaled(size, n, d)
}

#[cold]
fn whole_scaled(size: u32, n: u32, d: u32) -> Result<u32, BadSectors> {
    if n == 0 || d == 0 { Err(BadSectors::ZeroSize) } else { Ok(scaled(size, n, d)) }
}

/// `sectors * n / d` rounded up, in wrapping 32-bit arithmetic; `d` is not 0.
#[inline]
fn scaled(sectors: u32, n: u32, d: u32) -> u32 {
    let up = sectors.wrapping_mul(n).wrapping_add(d).wrapping_sub(1);
    up.checked_div(d).unwrap_or(0)
}

/// The two's complement of a signed number.
#[inline]
pub(crate) const fn to_bits(v: i64) -> u64 {
    0_u64.wrapping_add_signed(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(live: u32, sectors: i64, n: u32, d: u32) -> Result<i64, BadSectors> {
        Change { offset: 0, sectors, flags: 0 }.on_disk(live, n, d)
    }

    // Oracle: inserting all of it as a change does; sizes at the edge of the shortcut.
    #[test]
    fn whole_keys() {
        let sizes = [0, 1, 7, 8, 128, 32767, 32768, 65534, 65535, 65536, 1 << 20, u32::MAX];
        for size in sizes {
            for n in sizes {
                for d in sizes {
                    let want = insert(size, i64::from(size), n, d);
                    assert_eq!(whole(size, n, d).map(i64::from), want, "{size} {n} {d}");
                }
            }
        }
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
        let s = Change { offset: 7, sectors: -3, flags: over };
        assert_eq!(s.on_disk(10, 8, 24), Ok(-1));
        // The middle goes: 4 in front and 3 behind stay: 2 + 1 - 4.
        let split = over | BTREE_TRIGGER_OVERWRITE_SPLIT;
        let s = Change { offset: 4, sectors: -3, flags: split };
        assert_eq!(s.on_disk(10, 8, 24), Ok(-1));
        // Of the end only the size counts, not where it begins: ceil(7/4) - ceil(10/4);
        // out of the middle: 2 + 1 - 3.
        let s = Change { offset: 5, sectors: -3, flags: over };
        assert_eq!(s.on_disk(10, 1, 4), Ok(-1));
        let s = Change { flags: BTREE_TRIGGER_OVERWRITE_SPLIT, ..s };
        assert_eq!(s.on_disk(10, 1, 4), Ok(0));
        assert_eq!(insert(8, 8, 0, 8), Err(BadSectors::ZeroSize));
        assert_eq!(insert(8, 8, 8, 0), Err(BadSectors::ZeroSize));
        let s = Change { offset: 8, sectors: -3, flags: over };
        assert_eq!(s.on_disk(10, 1, 1), Err(BadSectors::PastEnd));
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
                        let s = Change {
                            offset: if split { offset } else { 0 },
                            sectors: -i64::from(gone),
                            flags: BTREE_TRIGGER_OVERWRITE
                                | if split { BTREE_TRIGGER_OVERWRITE_SPLIT } else { 0 },
                        };
                        let left: i64 = [offset, rest]
                            .iter()
                            .map(|&p| insert(p, i64::from(p), n, d).unwrap())
                            .sum();
                        assert_eq!(whole + s.on_disk(live, n, d).unwrap(), left);
                    }
                }
            }
        }
    }
}
