// SPDX-License-Identifier: GPL-2.0-only
//! The value of a stripe key: a head, a pointer a block, checksums of every
//! block, then the sectors in use of every block.

use crate::layout::extent::CsumType;
use crate::layout::value::STRIPE_HEAD_U64S;
use crate::layout::{ExtentPtr, Le16, StripeValue};
use zerocopy::{FromBytes, IntoBytes};

/// Bytes of a checksum; `None` for a type there is none of (source: `bch_crc_bytes`).
#[must_use]
pub const fn csum_bytes(t: CsumType) -> Option<usize> {
    Some(match t {
        CsumType::NONE => 0,
        CsumType::CRC32C_NONZERO | CsumType::CRC32C => 4,
        CsumType::CRC64_NONZERO | CsumType::CRC64 => 8,
        CsumType::CHACHA20_POLY1305_80 => 10,
        CsumType::CHACHA20_POLY1305_128 => 16,
        _ => return None,
    })
}

/// The head of a stripe's value; `None` if the value is empty.
#[must_use]
pub fn head(v: &[u64]) -> Option<StripeValue> {
    StripeValue::of(v)
}

/// The pointer of a block; `None` past the end of the value.
#[must_use]
pub fn block_ptr(v: &[u64], block: u8) -> Option<ExtentPtr> {
    v.get(usize::from(block).checked_add(STRIPE_HEAD_U64S)?).copied().map(ExtentPtr)
}

/// Sectors in use of a block (source: `stripe_blockcount_get`); `None` past the
/// end of the value or with a checksum type there is none of.
#[must_use]
pub fn block_sectors(v: &[u64], block: u8) -> Option<u16> {
    let h = StripeValue::of(v)?;
    let blocks = usize::from(h.nr_blocks);
    // A granularity beyond any block leaves one checksum a block.
    let granularity = 1_u64.checked_shl(u32::from(h.csum_granularity_bits)).unwrap_or(1 << 63);
    let csums = usize::try_from(u64::from(h.sectors.get()).div_ceil(granularity)).ok()?;
    let csum_bytes = csums.checked_mul(csum_bytes(CsumType(h.csum_type))?)?.checked_mul(blocks)?;
    let at = blocks
        .checked_add(STRIPE_HEAD_U64S)?
        .checked_mul(size_of::<u64>())?
        .checked_add(csum_bytes)?
        .checked_add(usize::from(block).checked_mul(size_of::<Le16>())?)?;
    let (count, _) = Le16::read_from_prefix(v.as_bytes().get(at..)?).ok()?;
    Some(count.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    // Oracle: the value laid out by hand as bytes, for every checksum type.
    #[test]
    fn counts_lie_behind_the_checksums() {
        for (csum, bytes) in [(0, 0), (1, 4), (2, 8), (3, 10), (4, 16), (5, 4), (6, 8)] {
            for (sectors, gran, per_dev) in [(64, 3, 8), (65, 3, 9), (64, 200, 1), (0, 0, 0)] {
                let mut b = vec![sectors, 0, 0, 3, 1, gran, csum, 0];
                b.extend([7; 3 * 8]);
                b.extend(vec![0xee; 3 * per_dev * bytes]);
                b.extend([1, 2, 3, 4, 5, 6]);
                b.resize(b.len().next_multiple_of(8), 0);
                let v: Vec<u64> =
                    b.chunks(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect();
                let got: Vec<_> = (0..3).map(|i| block_sectors(&v, i)).collect();
                assert_eq!(got, [Some(0x0201), Some(0x0403), Some(0x0605)], "{csum} {sectors}");
                assert_eq!(block_sectors(&v, 255), None);
                assert!(block_ptr(&v, 2).is_some());
            }
        }
        assert_eq!(block_sectors(&[], 0), None);
        assert_eq!(block_sectors(&[7 << 48], 0), None);
    }
}
