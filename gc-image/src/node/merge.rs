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
    let mut heads: Vec<_> =
        runs.iter().enumerate().filter_map(|(age, r)| Run::new(format, r, age)).collect();
    heads.sort_by_key(Run::place);
    let mut out = Vec::new();
    while let Some(first) = heads.first() {
        let overwritten = heads.get(1).is_some_and(|second| second.pos == first.pos);
        if !first.key.is_whiteout() && !overwritten {
            out.extend_from_slice(first.key.words());
        }
        let (rest, age) = (first.rest, first.age);
        heads.remove(0);
        if let Some(run) = Run::new(format, rest, age) {
            let at = heads.partition_point(|h| h.place() < run.place());
            heads.insert(at, run);
        }
    }
    out
}
