// SPDX-License-Identifier: GPL-2.0-only
//! Comparing generations, which count modulo 256.

/// How far `a` is ahead of `b`, from -128 to 127 (source: `gen_cmp`).
///
/// At a distance of exactly 128 both directions give -128.
#[inline]
#[must_use]
pub const fn gen_cmp(a: u8, b: u8) -> i32 {
    let [byte] = a.wrapping_sub(b).to_le_bytes();
    // A sign extension without a cast: the upper half stands for itself - 256.
    let wide = widen(byte);
    if byte < 128 { wide } else { wide.wrapping_sub(256) }
}

/// [`gen_cmp`] where `a` is newer, else 0 (source: `gen_after`).
#[inline]
#[must_use]
pub const fn gen_after(a: u8, b: u8) -> u8 {
    let d = a.wrapping_sub(b);
    if d < 128 { d } else { 0 }
}

/// How stale a pointer is whose bucket has moved on to `bucket_gen`; 0 if it is
/// not (source: `ptr_stale`).
#[inline]
#[must_use]
pub const fn ptr_stale(bucket_gen: u8, ptr_gen: u8) -> u8 {
    gen_after(bucket_gen, ptr_gen)
}

/// Distance of a bucket's generation from the oldest that any pointer has
/// (source: `bucket_gc_gen`).
#[inline]
#[must_use]
pub const fn gc_gen(bucket_gen: u8, oldest_gen: u8) -> u8 {
    bucket_gen.wrapping_sub(oldest_gen)
}

const fn widen(v: u8) -> i32 {
    i32::from_le_bytes([v, 0, 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the difference as a signed byte, by the language's own cast.
    #[test]
    fn all_pairs() {
        for a in 0..=255_u8 {
            for b in 0..=255_u8 {
                let d = i32::from(a.wrapping_sub(b) as i8);
                assert_eq!(gen_cmp(a, b), d);
                assert_eq!(i32::from(gen_after(a, b)), d.max(0));
            }
        }
    }
}
