// SPDX-License-Identifier: GPL-2.0-only
//! Merging the sets of a node: of one position the newest key counts.

use gc_core::bkey::{NodeFormat, RawKey};
use gc_core::layout::Bpos;

/// A run of keys in order, and how old it is.
struct Run<'a> {
    key: RawKey<'a>,
    pos: Bpos,
    rest: &'a [u64],
    age: usize,
}

fn next_key<'a>(format: &NodeFormat, words: &'a [u64]) -> Option<(RawKey<'a>, &'a [u64])> {
    let mut rest = words;
    loop {
        let (key, next) = RawKey::split_first(format, rest)?;
        if let Ok(key) = key {
            return Some((key, next));
        }
        rest = next;
    }
}

impl<'a> Run<'a> {
    fn new(format: &NodeFormat, words: &'a [u64], age: usize) -> Option<Self> {
        let (key, rest) = next_key(format, words)?;
        Some(Self { key, pos: format.unpack_pos(key), rest, age })
    }

    fn place(&self) -> (Bpos, usize) {
        (self.pos, self.age)
    }
}

/// The keys of all runs, oldest run first, in order and without whiteouts.
pub(super) fn merge(format: &NodeFormat, runs: &[&[u64]]) -> Vec<u64> {
    if let [lone] = runs {
        return without_whiteouts(format, lone);
    }
    let mut heads: Vec<_> =
        runs.iter().enumerate().filter_map(|(age, r)| Run::new(format, r, age)).collect();
    heads.sort_by_key(Run::place);
    let mut out = Vec::with_capacity(runs.iter().map(|r| r.len()).sum());
    while let Some(first) = heads.first() {
        let overwritten = heads.get(1).is_some_and(|second| second.pos == first.pos);
        if !first.key.is_whiteout() && !overwritten {
            out.extend_from_slice(first.key.words());
        }
        let (rest, age) = (first.rest, first.age);
        match Run::new(format, rest, age) {
            Some(run) => {
                // Mostly it stays where it is.
                let place = run.place();
                let after = heads.iter().skip(1).take_while(|h| h.place() < place).count();
                if let Some(first) = heads.first_mut() {
                    *first = run;
                }
                if let Some(moved) = heads.get_mut(..=after) {
                    moved.rotate_left(usize::from(after != 0));
                }
            }
            None => {
                heads.remove(0);
            }
        }
    }
    out
}

fn without_whiteouts(format: &NodeFormat, run: &[u64]) -> Vec<u64> {
    let mut out = Vec::with_capacity(run.len());
    let mut rest = run;
    while let Some((key, next)) = next_key(format, rest) {
        if !key.is_whiteout() {
            out.extend_from_slice(key.words());
        }
        rest = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::{Bkey, BkeyFormat, KeyType};

    fn set(keys: &[(u64, KeyType, u64)]) -> Vec<u64> {
        let mut words = Vec::new();
        for (offset, type_, v) in keys {
            let mut k = Bkey::new(Bpos::new(0, *offset), 0);
            k.type_ = *type_;
            k.u64s = 6;
            words.extend(k.to_words());
            words.push(*v);
        }
        words
    }

    fn merged(sets: &[Vec<u64>]) -> Vec<(u64, u64)> {
        let format = NodeFormat::new(&BkeyFormat::CURRENT).unwrap_or_else(|_| {
            panic!("the format of unpacked keys is valid");
        });
        let runs: Vec<&[u64]> = sets.iter().map(Vec::as_slice).collect();
        let words = merge(&format, &runs);
        words.chunks(6).map(|k| (k[3], k[5])).collect()
    }

    const C: KeyType = KeyType::COOKIE;
    const D: KeyType = KeyType::DELETED;

    // Oracle: of one position the newest set counts; whiteouts hide and vanish.
    #[test]
    fn newest_counts() {
        let a = set(&[(1, C, 10), (2, C, 20), (4, C, 40)]);
        let b = set(&[(2, D, 0), (3, C, 31)]);
        let c = set(&[(1, C, 12), (2, C, 22), (5, D, 0)]);
        assert_eq!(merged(&[a.clone(), b.clone()]), [(1, 10), (3, 31), (4, 40)]);
        assert_eq!(merged(&[a, b, c]), [(1, 12), (2, 22), (3, 31), (4, 40)]);
        assert_eq!(merged(&[]), []);
        // Type whiteout is a key like others.
        let w = set(&[(1, KeyType::WHITEOUT, 5), (2, KeyType::DISCARD, 6)]);
        assert_eq!(merged(&[w]), [(1, 5)]);
        // Equal positions within one set both stay.
        assert_eq!(merged(&[set(&[(1, C, 1), (1, C, 2)])]), [(1, 1), (1, 2)]);
    }
}
