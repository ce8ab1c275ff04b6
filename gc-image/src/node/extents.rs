// SPDX-License-Identifier: GPL-2.0-only
//! Merging the sets of a node written the old way, in which extents overlap and
//! the newer one counts.

use crate::key::Key;
use gc_core::bkey::{Entry, NodeFormat, RawKey, entry_range};
use gc_core::layout::bits::low32;
use gc_core::layout::{Bpos, KeyType};
use std::collections::VecDeque;

/// Keys of a run that are left, and how old it is.
struct Run {
    keys: VecDeque<Key>,
    age: usize,
}

impl Run {
    fn new(format: &NodeFormat, words: &[u64], age: usize) -> Option<Self> {
        let mut keys = VecDeque::new();
        let mut rest = words;
        while let Some((raw, next)) = RawKey::split_first(format, rest) {
            rest = next;
            if let Ok(raw) = raw {
                keys.push_back(Key { k: format.unpack(raw), v: raw.value().to_vec() });
            }
        }
        let mut run = Self { keys, age };
        run.skip_deleted();
        (!run.keys.is_empty()).then_some(run)
    }

    fn skip_deleted(&mut self) {
        while self.keys.front().is_some_and(|k| k.k.type_ == KeyType::DELETED) {
            self.keys.pop_front();
        }
    }

    /// By start; of equal ones the newer run first.
    fn place(&self) -> (Bpos, core::cmp::Reverse<usize>) {
        let start = self.keys.front().map(|k| k.k.start_pos()).unwrap_or_default();
        (start, core::cmp::Reverse(self.age))
    }
}

/// Runs in the order of their current keys.
struct Heads {
    runs: Vec<Run>,
}

impl Heads {
    /// Drops the current key of a run.
    fn advance(&mut self, i: usize) {
        let mut run = self.runs.remove(i);
        run.keys.pop_front();
        run.skip_deleted();
        self.put_back(run);
    }

    fn put_back(&mut self, run: Run) {
        if run.keys.is_empty() {
            return;
        }
        let at = self.runs.partition_point(|r| r.place() < run.place());
        self.runs.insert(at, run);
    }

    /// Changes the current key of a run, which may change the run's place.
    fn change(&mut self, i: usize, f: impl FnOnce(&mut Key)) {
        let mut run = self.runs.remove(i);
        if let Some(key) = run.keys.front_mut() {
            f(key);
        }
        run.skip_deleted();
        self.put_back(run);
    }
}

/// The keys of all runs, oldest run first, as they are left of each other.
pub(super) fn merge(format: &NodeFormat, runs: &[&[u64]]) -> Vec<u64> {
    let mut heads = Heads { runs: Vec::new() };
    for (age, words) in runs.iter().enumerate() {
        if let Some(run) = Run::new(format, words, age) {
            heads.put_back(run);
        }
    }
    let mut out = Vec::new();
    loop {
        let Some(l) = heads.runs.first().and_then(|r| Some((r.keys.front()?.clone(), r.age)))
        else {
            return out;
        };
        let r = heads.runs.get(1).and_then(|r| Some((r.keys.front()?.clone(), r.age)));
        let (l, l_age) = l;
        let Some((r, r_age)) = r.filter(|(r, _)| l.k.p > r.k.start_pos()) else {
            append(format, &mut out, &l);
            heads.advance(0);
            continue;
        };
        let (l_end, r_start, r_end) = (l.k.p, r.k.start_pos(), r.k.p);
        if r.k.size == 0 {
            heads.advance(1);
        } else if l_age > r_age {
            if l_end >= r_end {
                heads.advance(1);
            } else {
                heads.change(1, |k| cut_front(k, l_end));
            }
        } else if l_end > r_end {
            let mut before = l;
            cut_back(&mut before, r_start);
            heads.change(0, |k| cut_front(k, r_end));
            append(format, &mut out, &before);
        } else {
            heads.change(0, |k| cut_back(k, r_start));
        }
    }
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

fn cut_front(key: &mut Key, at: Bpos) {
    let (start, to) = (key.k.start_offset(), at.offset);
    if at <= key.k.start_pos() {
        return;
    }
    let cut = to.wrapping_sub(start);
    key.k.size = key.k.size.wrapping_sub(low32(cut));
    if key.k.size == 0 {
        key.k.type_ = KeyType::DELETED;
        set_value(key, Vec::new());
        return;
    }
    match key.k.type_ {
        KeyType::EXTENT | KeyType::REFLINK_V => cut_pointers(key, cut),
        KeyType::REFLINK_P => {
            if let Some(idx) = key.v.first_mut() {
                *idx = idx.wrapping_add(cut);
            }
        }
        KeyType::INLINE_DATA => {
            // 512 bytes a sector are 64 words.
            let words = crate::bytes::index(cut.saturating_mul(64)).min(key.v.len());
            let rest = key.v.split_off(words);
            set_value(key, rest);
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

fn cut_back(key: &mut Key, at: Bpos) {
    if at >= key.k.p {
        return;
    }
    let len = at.offset.wrapping_sub(key.k.start_offset());
    key.k.p = at;
    key.k.size = low32(len);
    if len == 0 {
        key.k.type_ = KeyType::DELETED;
        set_value(key, Vec::new());
    } else if key.k.type_ == KeyType::INLINE_DATA {
        let words = crate::bytes::index(len.saturating_mul(64)).min(key.v.len());
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

    /// Extents as (start, end, sector of their start).
    fn set(extents: &[(u64, u64, u64)]) -> Vec<u64> {
        let mut words = Vec::new();
        for (start, end, sector) in extents {
            let size = u32::try_from(end - start).unwrap();
            let mut k = Bkey::new(Bpos::new(1, *end), size);
            k.type_ = KeyType::EXTENT;
            k.u64s = 6;
            words.extend(k.to_words());
            words.push(ExtentPtr::new(0, *sector, 0).0);
        }
        words
    }

    fn merged(sets: &[Vec<u64>]) -> Vec<(u64, u64, u64)> {
        let Ok(format) = NodeFormat::new(&BkeyFormat::CURRENT) else {
            panic!("the format of unpacked keys is valid")
        };
        let runs: Vec<&[u64]> = sets.iter().map(Vec::as_slice).collect();
        let words = merge(&format, &runs);
        let mut out = Vec::new();
        let mut rest = words.as_slice();
        while let Some((Ok(raw), next)) = RawKey::split_first(&format, rest) {
            rest = next;
            let k = format.unpack(raw);
            out.push((k.start_offset(), { k.p }.offset, ExtentPtr(raw.value()[0]).offset()));
        }
        out
    }

    // Oracle: each sector belongs to the newest extent that covers it, computed
    // sector by sector.
    #[test]
    fn like_painting_sectors() {
        let sets = [
            set(&[(0, 20, 1000), (30, 40, 1030), (50, 60, 1050)]),
            set(&[(5, 10, 2005), (35, 55, 2035)]),
            set(&[(8, 9, 3008), (19, 31, 3019), (58, 70, 3058)]),
        ];
        let painted = |n: usize| {
            let mut sectors = std::collections::BTreeMap::new();
            for words in &sets[..n] {
                for k in words.chunks(6) {
                    let (end, size) = (k[3], k[2] & 0xffff_ffff);
                    let first = ExtentPtr(k[5]).offset();
                    for i in 0..size {
                        sectors.insert(end - size + i, first + i);
                    }
                }
            }
            sectors
        };
        for n in 1..=sets.len() {
            let mut got = std::collections::BTreeMap::new();
            let mut last = 0;
            for (start, end, sector) in merged(&sets[..n]) {
                assert!(start >= last && end > start);
                last = end;
                for i in 0..end - start {
                    got.insert(start + i, sector + i);
                }
            }
            assert_eq!(got, painted(n), "{n} sets");
        }
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
