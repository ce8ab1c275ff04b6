// SPDX-License-Identifier: GPL-2.0-only
//! Values that are seen to be valid without decoding them. What is not seen here may
//! be valid all the same: [`Rules`](super::validate::Rules) decide, and say why not.

use super::inode;
use gc_core::layout::value::DirentValue;

/// Words of the longest inode that is remembered.
const WORDS: usize = 12;
/// Inodes that are remembered.
const SHAPES: usize = 8;

/// The bits of a valid inode that make it one: any of the same length that agrees with
/// it in those is valid.
#[derive(Debug, Clone, Copy)]
struct Shape {
    len: usize,
    mask: [u64; WORDS],
    want: [u64; WORDS],
}

impl Shape {
    /// `None`: longer than what is remembered.
    fn of(v: &[u64]) -> Option<Self> {
        let (mut mask, mut want) = ([0; WORDS], [0; WORDS]);
        want.get_mut(..v.len())?.copy_from_slice(v);
        inode::decisive_bits(v, |byte, bits| {
            if let Some(word) = mask.get_mut(byte >> 3) {
                let mut bytes = [0; 8];
                if let Some(to) = bytes.get_mut(byte & 7) {
                    *to = bits;
                }
                *word |= u64::from_le_bytes(bytes);
            }
        });
        want.iter_mut().zip(mask).for_each(|(want, mask)| *want &= mask);
        Some(Self { len: v.len(), mask, want })
    }

    #[inline]
    fn fits(&self, v: &[u64]) -> bool {
        let bits = v.iter().zip(&self.mask).zip(&self.want);
        v.len() == self.len && bits.fold(0, |odd, ((v, mask), want)| odd | ((v & mask) ^ want)) == 0
    }
}

/// Inodes that were valid: most are like one of a few.
#[derive(Debug, Default)]
pub(crate) struct Inodes {
    shapes: Vec<Shape>,
    /// The one that fitted last, and the one to be forgotten next.
    last: usize,
    oldest: usize,
}

impl Inodes {
    /// Whether the value of an inode is valid.
    #[inline]
    pub(crate) fn is_valid(&mut self, v: &[u64]) -> bool {
        self.shapes.get(self.last).is_some_and(|shape| shape.fits(v)) || self.is_another(v)
    }

    #[inline(never)]
    fn is_another(&mut self, v: &[u64]) -> bool {
        if let Some(i) = self.shapes.iter().position(|shape| shape.fits(v)) {
            self.last = i;
            return true;
        }
        if v.len() < 2 || inode::invalid(v).is_some() {
            return false;
        }
        if let Some(shape) = Shape::of(v) {
            match self.shapes.get_mut(self.oldest) {
                Some(oldest) => *oldest = shape,
                None => self.shapes.push(shape),
            }
            self.last = self.oldest;
            self.oldest = self.oldest.wrapping_add(1) % SHAPES;
        }
        true
    }
}

/// Bytes of a word that are 0 have their highest bit set, and perhaps some above one
/// that is.
#[inline]
const fn zero_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

/// Words of the longest value that a key can have.
const VALUE_WORDS: usize = 250;

/// Whether the value of an entry of a directory is valid: its name is not empty
/// and ends in the last words.
#[inline]
pub(crate) fn is_dirent(v: &[u64]) -> bool {
    if v.len() > VALUE_WORDS {
        return false;
    }
    // The name begins with the second byte of the second word.
    const { assert!(size_of::<DirentValue>() == 9) };
    // It has no NUL up to the
    // third byte of the last word but one.
    match v {
        [_, word] | [_, word, _] => word & 0xff00 != 0,
        [_, first, middle @ .., tail, _] => {
            let tail_and_more = tail | !0xffff;
            let zeros = zero_bytes(first | 0xff) | zero_bytes(tail_and_more);
            middle.iter().fold(zeros, |zeros, word| zeros | zero_bytes(*word)) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::validate::Rules;
    use gc_core::bkey::KeyRef;
    use gc_core::layout::{Bkey, Bpos, KeyType};
    use proptest::prelude::*;

    const RULES: Rules<'static> = Rules { members: &[], btree_node_sectors: 0, key: None };

    /// What the rules say, without a short way.
    fn valid(type_: KeyType, v: &[u64]) -> bool {
        let p = Bpos::new(0, 4096);
        RULES.value_invalid(KeyRef::new(&Bkey { type_, p, ..Bkey::default() }, v)).is_none()
    }

    /// An inode of so many words; `fields` begin with byte 14.
    fn inode(flags: u32, fields: &[u8], words: usize) -> Vec<u64> {
        let mut bytes = vec![0; 8];
        bytes.extend(flags.to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(fields);
        bytes.resize(words * 8, 0);
        gc_disk::bytes::words(&bytes)
    }

    // Oracle: the rules themselves, for every name made of two kinds of bytes in four
    // words, and for names of every length with a NUL anywhere.
    #[test]
    fn dirents() {
        for words in 0..=5_usize {
            let name = (words * 8).saturating_sub(9).min(15);
            for bits in 0..1_u32 << name {
                let mut bytes = vec![0; words * 8];
                for (i, byte) in bytes.iter_mut().skip(9).enumerate() {
                    *byte = if i >= 15 { 0x80 } else { u8::from(bits >> i & 1 == 1) };
                }
                let v = gc_disk::bytes::words(&bytes);
                assert_eq!(is_dirent(&v), valid(KeyType::DIRENT, &v), "{v:x?}");
            }
        }
        for words in 2..=250_usize {
            for nul in 8..=words * 8 {
                if words > 8 && (12..words * 8 - 24).contains(&nul) && nul % 61 != 0 {
                    continue;
                }
                let mut bytes = vec![0x80 + (words % 128) as u8; words * 8];
                bytes.get_mut(nul).into_iter().for_each(|b| *b = 0);
                let v = gc_disk::bytes::words(&bytes);
                assert_eq!(is_dirent(&v), valid(KeyType::DIRENT, &v), "{words} {nul}");
            }
        }
    }

    // Oracle: the rules. Of each inode every bit is turned, with only that one
    // remembered: whatever then fits is valid.
    #[test]
    fn what_fits_a_valid_inode_is_valid() {
        let long = |zeros: u8, len: usize| {
            let mut field = vec![0_u8; len];
            field[0] = 0x80 >> zeros;
            field[len - 1] = 3;
            field
        };
        let lengths = [1, 2, 3, 4, 6, 8, 10, 13];
        let mut fitted = 0;
        for (zeros, len) in (0_u8..8).zip(lengths) {
            for nr in [0_u32, 1, 5, 9, 12, 13, 14, 21, 22, 255] {
                for flags in [0, 1 << 7] {
                    let one = long(zeros, len);
                    let short = if len == 1 { 0x80 } else { one[0] };
                    let mut fields = Vec::new();
                    for i in 0..nr.min(21) {
                        // The long one comes first, the others have one byte.
                        if i == nr % 8 { fields.extend(&one) } else { fields.push(0x80) }
                    }
                    fields.push(short);
                    let v = inode(flags | nr << 24, &fields, (14 + fields.len()).div_ceil(8) + 1);
                    if !valid(KeyType::INODE, &v) {
                        continue;
                    }
                    for bit in 0..v.len() * 64 {
                        let mut other = v.clone();
                        other[bit / 64] ^= 1 << (bit % 64);
                        let mut known = Inodes::default();
                        assert!(known.is_valid(&v));
                        let fits = known.shapes[0].fits(&other);
                        assert!(!fits || valid(KeyType::INODE, &other), "{v:x?} {bit}");
                        fitted += usize::from(fits);
                        assert_eq!(known.is_valid(&other), valid(KeyType::INODE, &other));
                    }
                }
            }
        }
        assert!(fitted > 10_000, "{fitted}");
    }

    // Oracle: the rules, for two bytes of every value of a valid inode at once.
    #[test]
    fn pairs_of_bytes() {
        let fields = [vec![0x80; 4], vec![0x40, 9], vec![0x80; 7], vec![0x83, 0x84]].concat();
        let v = inode(13 << 24, &fields, 5);
        let mut known = Inodes::default();
        assert!(known.is_valid(&v));
        let shape = known.shapes[0];
        for at in 14..29_usize {
            for pair in 0..=u16::MAX {
                let mut other = v.clone();
                for (i, byte) in (at..).zip(pair.to_le_bytes()) {
                    let shift = (i % 8) * 8;
                    other[i / 8] = other[i / 8] & !(0xff << shift) | u64::from(byte) << shift;
                }
                assert!(!shape.fits(&other) || valid(KeyType::INODE, &other), "{other:x?}");
            }
        }
    }

    proptest! {
        // Oracle: the rules. Values come one after another, so that what was
        // remembered of some decides about others.
        #[test]
        fn any_inodes(
            all in prop::collection::vec(
                (any::<u32>(), prop::collection::vec(any::<u8>(), 0..100), 0..22_u32, any::<bool>()),
                1..40,
            ),
            turned in prop::collection::vec((0..40_usize, 0..900_usize), 0..40),
        ) {
            let mut values: Vec<_> = all
                .iter()
                .map(|(flags, bytes, nr, small)| {
                    // Most first bytes of fields say that they are short.
                    let fields: Vec<u8> =
                        bytes.iter().map(|b| if *small { b | 0xc0 } else { *b }).collect();
                    let flags = flags & 0x0f3f_ffff_u32 & !(1 << 23) | nr << 24;
                    inode(flags, &fields, (14 + fields.len()).div_ceil(8))
                })
                .collect();
            for (i, bit) in turned {
                let Some(mut v) = values.get(i).cloned() else { continue };
                if let Some(word) = v.get_mut(bit / 64) {
                    *word ^= 1 << (bit % 64);
                }
                values.push(v);
            }
            let mut known = Inodes::default();
            for v in values.iter().chain(&values) {
                prop_assert_eq!(known.is_valid(v), valid(KeyType::INODE, v), "{:x?}", v);
            }
        }
    }
}
