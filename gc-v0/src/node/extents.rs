// SPDX-License-Identifier: GPL-2.0-only
//! Merging the sets of a node written the old way, in which extents overlap and
//! the newer one counts.

use crate::key::Key;
use gc_core::bkey::{Entry, NodeFormat, RawKey, RefersTo, entry_range};
use gc_core::layout::bits::low32;
use gc_core::layout::{Bpos, DataType, KeyType};
use std::collections::VecDeque;

/// What is left of a run, and how old it is.
struct Run {
    key: Key,
    behind: VecDeque<Key>,
    age: usize,
}

impl Run {
    fn new(format: &NodeFormat, words: &[u64], age: usize) -> Option<Self> {
        let mut keys = VecDeque::new();
        let mut rest = words;
        while let Some((raw, next)) = RawKey::split_first(format, rest) {
            rest = next;
            let Ok(raw) = raw else { continue };
            let k = format.unpack(raw);
            // They have no size, and hide nothing.
            if k.type_ != KeyType::DELETED {
                keys.push_back(Key { k, v: raw.value().to_vec() });
            }
        }
        Some(Self { key: keys.pop_front()?, behind: keys, age })
    }

    fn next(mut self) -> Option<Self> {
        Some(Self { key: self.behind.pop_front()?, ..self })
    }

    fn start(&self) -> Bpos {
        self.key.k.start_pos()
    }

    /// By start; of equal ones the newer run first.
    fn place(&self) -> (Bpos, core::cmp::Reverse<usize>) {
        (self.start(), core::cmp::Reverse(self.age))
    }
}

/// Runs in the order of their current keys.
struct Heads {
    runs: Vec<Run>,
}

impl Heads {
    fn put(&mut self, run: Run) {
        let at = self.runs.partition_point(|r| r.place() < run.place());
        self.runs.insert(at, run);
    }

    /// Drops the current key of a run.
    fn advance(&mut self, i: usize) {
        let run = self.runs.remove(i);
        if let Some(run) = run.next() {
            self.put(run);
        }
    }

    /// Changes the current key of a run, which may change the run's place.
    fn change(&mut self, i: usize, f: impl FnOnce(&mut Key)) {
        let mut run = self.runs.remove(i);
        f(&mut run.key);
        self.put(run);
    }
}

/// The keys of all runs, oldest run first, as they are left of each other. No key but
/// a deleted one is without a size.
pub(super) fn merge(format: &NodeFormat, runs: &[&[u64]]) -> Vec<u64> {
    let mut heads = Heads { runs: Vec::new() };
    for run in runs.iter().enumerate().filter_map(|(age, words)| Run::new(format, words, age)) {
        heads.put(run);
    }
    let mut out = Vec::new();
    while let [l, others @ ..] = heads.runs.as_slice() {
        let l_end = l.key.k.p;
        let Some(r) = others.first().filter(|r| l_end > r.start()) else {
            append(format, &mut out, &l.key);
            heads.advance(0);
            continue;
        };
        let (r_start, r_end) = (r.start(), r.key.k.p);
        if l.age > r.age {
            if l_end >= r_end {
                heads.advance(1);
            } else {
                heads.change(1, |k| cut_front(k, l_end));
            }
        } else if l_end > r_end {
            let mut before = l.key.clone();
            cut_back(&mut before, r_start);
            append(format, &mut out, &before);
            heads.change(0, |k| cut_front(k, r_end));
        } else {
            heads.change(0, |k| cut_back(k, r_start));
        }
    }
    out
}

fn append(format: &NodeFormat, out: &mut Vec<u64>, key: &Key) {
    if key.k.type_.is_whiteout() {
        return;
    }
    match format.pack(&key.k) {
        Some(packed) => {
            out.extend_from_slice(packed.words());
            out.extend_from_slice(&key.v);
        }
        None => out.extend(key.to_words()),
    }
}

/// Of an extent that reaches beyond `at`, what lies behind it.
fn cut_front(key: &mut Key, at: Bpos) {
    let cut = at.offset.wrapping_sub(key.k.start_offset());
    key.k.size = key.k.size.wrapping_sub(low32(cut));
    match key.k.type_ {
        KeyType::REFLINK_P => {
            if let Some(idx) = key.v.first_mut() {
                *idx = idx.wrapping_add(cut);
            }
        }
        KeyType::INLINE_DATA => {
            // 512 bytes a sector are 64 words.
            let words = gc_disk::bytes::index(cut.saturating_mul(64)).min(key.v.len());
            let rest = key.v.split_off(words);
            set_value(key, rest);
        }
        t if matches!(RefersTo::of(t), RefersTo::Pointers { holds: DataType::USER, .. }) => {
            cut_pointers(key, cut);
        }
        _ => {}
    }
}

fn cut_pointers(key: &mut Key, cut: u64) {
    let start = entry_range(key.k.type_, &key.v).start;
    let entries: Vec<_> = key.as_ref().entries().indexed().collect();
    let mut after_crc = false;
    for (i, entry) in entries {
        let Some(word) = key.v.get_mut(start.saturating_add(i)) else { return };
        match entry {
            Entry::Ptr(p) if !after_crc => *word = p.with_offset(p.offset().wrapping_add(cut)).0,
            Entry::Ptr(_) | Entry::StripePtr(_) => {}
            Entry::Crc32(c) => *word = c.with_offset(moved(c.offset(), cut)).0,
            Entry::Crc64(c) => *word = c.with_offset(moved(c.offset(), cut)).w0,
            Entry::Crc128(c) => *word = c.with_offset(moved(c.offset(), cut)).w0,
        }
        after_crc |= matches!(entry, Entry::Crc32(_) | Entry::Crc64(_) | Entry::Crc128(_));
    }
}

fn moved(offset: u16, cut: u64) -> u16 {
    gc_core::layout::bits::low16(u64::from(offset).wrapping_add(cut))
}

/// Of an extent that begins before `at`, what lies before it.
fn cut_back(key: &mut Key, at: Bpos) {
    let len = at.offset.wrapping_sub(key.k.start_offset());
    key.k.p = at;
    key.k.size = low32(len);
    if key.k.type_ == KeyType::INLINE_DATA {
        let words = gc_disk::bytes::index(len.saturating_mul(64)).min(key.v.len());
        key.v.truncate(words);
        let v = core::mem::take(&mut key.v);
        set_value(key, v);
    }
}

fn set_value(key: &mut Key, v: Vec<u64>) {
    let len = u8::try_from(v.len()).unwrap_or(u8::MAX);
    key.k.u64s = len.saturating_add(gc_core::layout::bkey::BKEY_U64S);
    key.v = v;
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::{Bkey, BkeyFormat, ExtentPtr};

    /// An extent of a kind, of sectors from `start` to before `end`, told apart from
    /// others by `id`.
    fn extent(kind: KeyType, start: u64, end: u64, id: u64) -> Key {
        let mut k = Bkey::new(Bpos::new(1, end), u32::try_from(end - start).unwrap());
        k.type_ = kind;
        let crc = gc_core::layout::ExtentCrc32(2).with_offset(1).0;
        let ptr = ExtentPtr::new(0, id * 1000, 0).0;
        let v = match kind {
            KeyType::EXTENT if id % 2 == 0 => vec![crc, ptr],
            KeyType::EXTENT => vec![ptr],
            KeyType::REFLINK_V => vec![7, ptr],
            KeyType::REFLINK_P => vec![id * 1000, 0],
            // A word for each 8 bytes of at most three sectors.
            KeyType::INLINE_DATA => {
                (0..(end - start).min(3) * 64).map(|i| id * 1000 + i / 64).collect()
            }
            _ => Vec::new(),
        };
        let mut key = Key { k, v: Vec::new() };
        set_value(&mut key, v);
        key
    }

    /// What lies at the nth sector of a key; `None`: nothing.
    fn content(key: &Key, nth: u64) -> Option<u64> {
        let ptr = |i: usize| ExtentPtr(key.v[i]).offset();
        Some(match (key.k.type_, key.v.len()) {
            (KeyType::EXTENT, 1) => ptr(0) + nth,
            (KeyType::EXTENT, _) => {
                let live = gc_core::layout::ExtentCrc32(key.v[0]).offset() - 1;
                ptr(1) + u64::from(live) + nth
            }
            (KeyType::REFLINK_V, _) => ptr(1) + nth,
            (KeyType::REFLINK_P, 0) => 1,
            (KeyType::REFLINK_P, _) => key.v[0] + nth,
            (KeyType::INLINE_DATA, _) => {
                key.v.get(usize::try_from(nth).unwrap() * 64).copied().unwrap_or(2)
            }
            (KeyType::DISCARD, _) => return None,
            (type_, _) => u64::from(type_.0),
        })
    }

    fn merged(sets: &[Vec<Key>]) -> Vec<Key> {
        let Ok(format) = NodeFormat::new(&BkeyFormat::CURRENT) else {
            panic!("the format of unpacked keys is valid")
        };
        let words = |set: &Vec<Key>| set.iter().flat_map(Key::to_words).collect::<Vec<_>>();
        let runs: Vec<Vec<u64>> = sets.iter().map(words).collect();
        let runs: Vec<&[u64]> = runs.iter().map(Vec::as_slice).collect();
        let words = merge(&format, &runs);
        let mut out = Vec::new();
        let mut rest = words.as_slice();
        while let Some((Ok(raw), next)) = RawKey::split_first(&format, rest) {
            rest = next;
            out.push(Key { k: format.unpack(raw), v: raw.value().to_vec() });
        }
        out
    }

    /// What lies where, by sector.
    fn sectors(key: &Key) -> impl Iterator<Item = (u64, Option<u64>)> + '_ {
        let start = key.k.start_offset();
        (0..u64::from(key.k.size)).map(move |i| (start + i, content(key, i)))
    }

    // Oracle: each sector belongs to the newest extent that covers it, computed
    // sector by sector, and to none if that is a whiteout.
    #[test]
    fn like_painting_sectors() {
        use gc_image_write::rng::Rng;
        let kinds = [
            KeyType::EXTENT,
            KeyType::REFLINK_V,
            KeyType::REFLINK_P,
            KeyType::INLINE_DATA,
            KeyType::DISCARD,
            KeyType::RESERVATION,
        ];
        let mut cut = 0;
        for seed in 0..3000 {
            let mut rng = Rng::new(seed);
            let mut sets = Vec::new();
            let mut id = 1;
            for _ in 0..rng.range(1, 4) {
                let (mut set, mut at) = (Vec::new(), 0);
                for _ in 0..rng.below(5) {
                    let start = at + rng.below(6);
                    let end = start + rng.range(1, 8);
                    let mut key = extent(*rng.pick(&kinds).unwrap(), start, end, id);
                    if rng.one_in(10) {
                        (key.k.type_, key.k.size) = (KeyType::DELETED, 0);
                        set_value(&mut key, Vec::new());
                    } else if rng.one_in(10) && key.k.type_ == KeyType::REFLINK_P {
                        // Values are looked at later.
                        set_value(&mut key, Vec::new());
                    }
                    set.push(key);
                    (at, id) = (end, id + 1);
                }
                sets.push(set);
            }
            let mut want = std::collections::BTreeMap::new();
            for (sector, content) in sets.iter().flatten().flat_map(sectors) {
                want.insert(sector, content);
            }
            want.retain(|_, content| content.is_some());
            let keys = merged(&sets);
            let mut got = std::collections::BTreeMap::new();
            let mut last = 0;
            for key in &keys {
                assert!(key.k.start_offset() >= last && key.k.size > 0, "{seed} {keys:?}");
                last = { key.k.p }.offset;
                got.extend(sectors(key));
            }
            assert_eq!(got, want, "{seed} {sets:?} {keys:?}");
            cut += usize::from(keys.len() > sets.iter().map(Vec::len).max().unwrap());
        }
        assert!(cut > 1000);
    }

    // Oracle: which part of an extent with a checksum is live is in its entry.
    #[test]
    fn checksummed_extents_keep_their_pointer() {
        let mut key = Key { k: Bkey::new(Bpos::new(1, 20), 10), v: Vec::new() };
        key.k.type_ = KeyType::EXTENT;
        let crc = gc_core::layout::ExtentCrc32(2).with_offset(1);
        set_value(&mut key, vec![crc.0, ExtentPtr::new(0, 100, 0).0]);
        cut_front(&mut key, Bpos::new(1, 13));
        assert_eq!((key.k.size, gc_core::layout::ExtentCrc32(key.v[0]).offset()), (7, 4));
        assert_eq!(ExtentPtr(key.v[1]).offset(), 100);
        cut_back(&mut key, Bpos::new(1, 15));
        assert_eq!((key.k.size, { key.k.p }.offset), (2, 15));
    }
}
