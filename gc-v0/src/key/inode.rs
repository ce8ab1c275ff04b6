// SPDX-License-Identifier: GPL-2.0-only
//! Fields of an inode as far as validation and printing need them.

use super::value_byte;
use core::mem::offset_of;
use gc_core::layout::Le32;
use gc_core::layout::bits::low32;
use gc_core::layout::value::{InodeFlags, InodeValue};
use zerocopy::{FromBytes, IntoBytes};

/// Names and widths of the fields, in order.
pub(crate) const FIELDS: [(&str, u32); 21] = [
    ("bi_atime", 64),
    ("bi_ctime", 64),
    ("bi_mtime", 64),
    ("bi_otime", 64),
    ("bi_size", 64),
    ("bi_sectors", 64),
    ("bi_uid", 32),
    ("bi_gid", 32),
    ("bi_nlink", 32),
    ("bi_generation", 32),
    ("bi_dev", 32),
    ("bi_data_checksum", 8),
    ("bi_compression", 8),
    ("bi_project", 32),
    ("bi_background_compression", 8),
    ("bi_data_replicas", 8),
    ("bi_promote_target", 16),
    ("bi_foreground_target", 16),
    ("bi_background_target", 16),
    ("bi_erasure_code", 16),
    ("bi_fields_set", 16),
];
const SIZE: usize = 4;
const NLINK: usize = 8;
const DATA_CHECKSUM: usize = 11;
const COMPRESSION: usize = 12;
/// First byte of the packed fields.
const START: usize = size_of::<InodeValue>();
/// Bytes of a field by the number of leading zero bits of its first byte.
const LENGTHS: [usize; 8] = [1, 2, 3, 4, 6, 8, 10, 13];

/// The fields, 0 where there are fewer; `None` when they do not decode.
pub(crate) fn unpack(v: &[u64]) -> Option<[u64; 21]> {
    let bytes = v.len().saturating_mul(8);
    let nr = usize::from(flags(v).nr_fields());
    let mut out = [0; 21];
    let mut at = START;
    for (to, (_, width)) in out.iter_mut().zip(FIELDS).take(nr) {
        if at >= bytes {
            return None;
        }
        let eight = eight_bytes(v, at);
        let shift = eight.leading_zeros();
        let len = *LENGTHS.get(usize::try_from(shift).ok()?)?;
        let end = at.checked_add(len)?;
        if end > bytes {
            return None;
        }
        *to = if len <= 8 {
            let mark = shift.wrapping_add(1);
            let behind = 64_u32.wrapping_sub(u32::try_from(len).ok()?.wrapping_mul(8));
            eight.wrapping_shl(mark).wrapping_shr(mark) >> behind
        } else {
            long(v, at, end, shift)?
        };
        if to.checked_shr(width).unwrap_or(0) != 0 {
            return None;
        }
        at = end;
    }
    Some(out)
}

/// Bytes from `at` on, the first one highest.
#[inline]
fn eight_bytes(v: &[u64], at: usize) -> u64 {
    let word = |i: usize| v.get(i).copied().unwrap_or(0);
    let (i, bits) = (at >> 3, low32(gc_disk::bytes::number(at & 7)).wrapping_mul(8));
    let low = word(i).wrapping_shr(bits);
    // In two steps, so that no bits of the next word come where none are missing.
    let high = (word(i.wrapping_add(1)) << 1).wrapping_shl(63_u32.wrapping_sub(bits));
    (low | high).swap_bytes()
}

/// A field of more than eight bytes, if its value fits in a word.
fn long(v: &[u64], at: usize, end: usize, shift: u32) -> Option<u64> {
    let mark = 0x80_u8.checked_shr(shift)?;
    let mut value = u128::from(value_byte(v, at) ^ mark);
    for i in at.checked_add(1)?..end {
        value = (value << 8) | u128::from(value_byte(v, i));
    }
    u64::try_from(value).ok()
}

fn flags(v: &[u64]) -> InodeFlags {
    let inode = InodeValue::ref_from_prefix(v.as_bytes());
    inode.map_or(InodeFlags(0), |(inode, _)| inode.flag_bits())
}

/// Size of the file in bytes, 0 where it does not decode, and whether the inode
/// is flagged as unlinked.
pub(crate) fn size_and_unlinked(v: &[u64]) -> (u64, bool) {
    let size = unpack(v).and_then(|fields| fields.get(SIZE).copied());
    (size.unwrap_or(0), flags(v).unlinked())
}

/// The bits that decide whether the value of an inode is valid, of one that is: each
/// byte that has such, and which of its bits they are. They are those of the flags that
/// validation looks at, how long each field is, what of it must be 0 for it to fit, and
/// the fields whose value counts.
pub(super) fn decisive_bits(v: &[u64], mut tell: impl FnMut(usize, u8)) {
    let told = InodeFlags(0).with_str_hash(u8::MAX).with_nr_fields(u8::MAX).with_unlinked(true);
    for (byte, bits) in (offset_of!(InodeValue, flags)..).zip(Le32::from(told).to_bytes()) {
        tell(byte, bits);
    }
    let unlinked = flags(v).unlinked();
    let nr = usize::from(flags(v).nr_fields());
    let mut at = START;
    for (i, (_, width)) in FIELDS.iter().enumerate().take(nr) {
        let shift = value_byte(v, at).leading_zeros();
        let len = LENGTHS.get(usize::try_from(shift).unwrap_or(8)).copied().unwrap_or(1);
        let all = u32::try_from(len).unwrap_or(0).saturating_mul(8);
        let counts = matches!(i, DATA_CHECKSUM | COMPRESSION) || unlinked && i == NLINK;
        let mut top = match counts {
            true => all,
            false => all.saturating_sub(*width).max(shift.saturating_add(1)),
        };
        for byte in at..at.saturating_add(len) {
            let bits = top.min(8);
            tell(byte, !0xff_u8.checked_shr(bits).unwrap_or(0));
            top = top.saturating_sub(bits);
        }
        at = at.saturating_add(len);
    }
}

/// Why the value of an inode of at least 16 bytes is not valid.
pub(super) fn invalid(v: &[u64]) -> Option<&'static str> {
    if flags(v).str_hash() >= 4 {
        return Some("invalid str hash type");
    }
    let Some(fields) = unpack(v) else { return Some("invalid variable length fields") };
    let field = |i: usize| fields.get(i).copied().unwrap_or(0);
    if field(DATA_CHECKSUM) >= 4 || field(COMPRESSION) >= 5 {
        return Some("invalid data checksum type");
    }
    if flags(v).unlinked() && field(NLINK) != 0 {
        return Some("flagged as unlinked but bi_nlink != 0");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(flags: u32, fields: &[u8]) -> Vec<u64> {
        let mut bytes = vec![0; 8];
        bytes.extend(flags.to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(fields);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        gc_disk::bytes::words(&bytes)
    }

    // Oracle: fields encoded by hand from docs/facts/key-validation.md.
    #[test]
    fn lengths_and_limits() {
        let two = value(2 << 24, &[0x80 | 5, 0x40 | 1, 2]);
        let f = unpack(&two).unwrap();
        assert_eq!((f[0], f[1], f[2]), (5, 0x102, 0));
        assert_eq!(unpack(&value(2 << 24, &[0x80 | 5, 0])), None);
        let over = [0x80; 11].into_iter().chain([0x41, 0]).collect::<Vec<_>>();
        assert_eq!(unpack(&value(12 << 24, &over)), None, "0x100 in 8 bits");
        assert_eq!(unpack(&value(9 << 24, &[0x80, 0x80])), None, "past the end");
        // Every length, wherever it begins.
        for (shift, len) in LENGTHS.into_iter().enumerate() {
            for before in 0..8 {
                let mut fields = vec![0x80; before];
                fields.push(0x80 >> shift);
                let low = (len - 1).min(8);
                fields.extend(vec![0; len - 1 - low]);
                fields.extend(&[1, 2, 3, 4, 5, 6, 7, 8][8 - low..]);
                fields.extend([0xff; 3]);
                let want = 0x0102_0304_0506_0708_u64
                    & u64::MAX.checked_shr(64 - 8 * low as u32).unwrap_or(0);
                let nr = before as u32 + 1;
                let got = unpack(&value(nr << 24, &fields));
                let fits = want.checked_shr(FIELDS[before].1).unwrap_or(0) == 0;
                assert_eq!(got.map(|f| f[before]), fits.then_some(want), "{shift} {before}");
            }
        }
        assert_eq!(invalid(&value(4 << 20, &[])), Some("invalid str hash type"));
        let linked = [0x80; 8].into_iter().chain([0x81]).collect::<Vec<_>>();
        let v = value(low32(InodeFlags(9 << 24).with_unlinked(true).0), &linked);
        assert_eq!(invalid(&v), Some("flagged as unlinked but bi_nlink != 0"));
        assert_eq!(invalid(&value(9 << 24, &linked)), None);
    }
}
