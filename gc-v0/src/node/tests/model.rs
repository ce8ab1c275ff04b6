// SPDX-License-Identifier: GPL-2.0-only
//! Nodes at random, read by both readers and by a naive one.
//!
//! Oracle: the naive reading of this file, key by key as docs/facts/node-read.md and
//! key-validation.md say: which keys are left, and each message, word for word. Of
//! the reader without a copy: the same keys wherever nothing is said, and nowhere else.

use super::{Head, VERSION, current, place, small};
use crate::fs::Fs;
use crate::journal::JournalKeys;
use crate::node::plain::{Buffer, NodeRange, ShortExtent, Visit, Wanted};
use crate::node::read;
use crate::reason::Unusual;
use crate::testing::{BUCKET, BUCKETS, Keep};
use gc_core::bkey::NodeFormat;
use gc_core::layout::{Bkey, BkeyFormat, Bpos, BtreeId, ExtentPtr, KeyType, Le64, POS_MAX};
use gc_image_write::rng::Rng;
use std::collections::BTreeMap;

/// A key as somebody sees it.
type Seen = (Bpos, KeyType, u32, Vec<u64>);

/// How a key lies in its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Packed where it packs.
    Packed,
    Current,
    /// Not packed, of a format that does not exist.
    Unknown(u8),
    /// Not packed, longer than its set.
    PastEnd,
    /// No key but a word of zero.
    Gap,
}

#[derive(Debug, Clone)]
struct TestKey {
    p: Bpos,
    type_: KeyType,
    size: u32,
    v: Vec<u64>,
    form: Form,
}

impl TestKey {
    fn words(&self, format: &NodeFormat) -> Vec<u64> {
        let mut words = current(self.type_, self.p, self.size, &self.v);
        match self.form {
            Form::Gap => return vec![0],
            Form::Unknown(n) => words[0] = words[0] & !0x7f00 | u64::from(n) << 8,
            Form::PastEnd => words[0] |= 0xff,
            Form::Current => {}
            Form::Packed => {
                let k = Bkey::from_words(*words.first_chunk().unwrap());
                if let Some(packed) = format.pack(&k) {
                    return [packed.words(), &self.v].concat();
                }
            }
        }
        words
    }

    fn seen(&self) -> Seen {
        (self.p, self.type_, self.size, self.v.clone())
    }

    fn is_whiteout(&self) -> bool {
        matches!(self.type_, KeyType::DELETED | KeyType::DISCARD)
    }

    /// As messages show it, without its value.
    fn head(&self) -> String {
        let name = match self.type_ {
            KeyType::DELETED => "deleted",
            KeyType::DISCARD => "discard",
            KeyType::COOKIE => "cookie",
            KeyType::EXTENT => "extent",
            _ => "(null)",
        };
        let p = match self.p {
            POS_MAX => "POS_MAX".into(),
            p => format!("{}:{}", { p.inode }, { p.offset }),
        };
        let (u64s, snap, len) = (5 + self.v.len(), { self.p.snapshot }, self.size);
        format!("u64s {u64s} type {name} {p} snap {snap} len {len} ver 0")
    }

    fn text(&self) -> String {
        let value = match (self.type_, &self.v[..]) {
            (KeyType::EXTENT, [ptr]) => {
                let ptr = ExtentPtr(*ptr);
                format!("ptr: {}:{} gen {}", ptr.dev(), ptr.offset(), ptr.gen_())
            }
            _ => String::new(),
        };
        cut(format!("{}: {value}", self.head()), 159)
    }
}

#[derive(Debug, Clone)]
struct TestSet {
    journal_seq: u64,
    /// Whiteouts lie before the other keys.
    separate: bool,
    keys: Vec<TestKey>,
}

fn cut(mut text: String, len: usize) -> String {
    text.truncate(len);
    text
}

/// What a reading gives.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    keys: Option<Vec<Seen>>,
    found: Vec<String>,
    log: Vec<String>,
}

/// The naive reading.
struct Naive<'a> {
    head: &'a Head,
    format: &'a NodeFormat,
    pointer: String,
    written: usize,
    said: Reading,
}

impl Naive<'_> {
    fn message(&self, u64s: usize, what: &str) -> String {
        let (btree, level) = (self.head.btree.0, self.head.level);
        let text = format!(
            "error validating btree node at btree {btree} level {level}/0\npos {} node offset \
             {} bset u64s {u64s}: {what}",
            self.pointer, self.written
        );
        cut(text, 299)
    }

    fn found(&mut self, u64s: usize, what: &str) {
        let text = self.message(u64s, what);
        self.said.found.push(text);
    }

    fn len(&self, keys: &[TestKey]) -> usize {
        keys.iter().map(|k| k.words(self.format).len()).sum()
    }

    /// Why a key without its value is wrong.
    fn head_reason(&self, k: &TestKey) -> Option<&'static str> {
        let extents = self.head.btree == BtreeId::EXTENTS;
        Some(if extents && (k.size == 0) != (k.type_ == KeyType::DELETED) {
            "bad size field"
        } else if extents && u64::from(k.size) > k.p.offset {
            "size greater than offset"
        } else if !extents && k.size != 0 {
            "nonzero size field"
        } else if k.p.snapshot != 0 {
            "nonzero snapshot"
        } else if k.p == POS_MAX {
            "POS_MAX key"
        } else if k.p < self.head.min {
            "key before start of btree node"
        } else if k.p > self.head.max {
            "key past end of btree node"
        } else {
            return None;
        })
    }

    fn value_reason(k: &TestKey) -> Option<&'static str> {
        match k.type_ {
            KeyType::COOKIE if k.v.len() != 1 => Some("incorrect value size"),
            KeyType::EXTENT if ExtentPtr(k.v[0]).offset() >= BUCKETS * BUCKET => {
                Some("offset past end of device")
            }
            t if t.0 > 18 => Some("invalid type"),
            _ => None,
        }
    }

    /// Keys of a set that are left, and how many of them are whiteouts kept apart;
    /// `None`: nothing of the node can be used.
    fn set(&mut self, set: &TestSet) -> Option<(Vec<TestKey>, usize)> {
        let mut keys = set.keys.clone();
        let mut seen_key = !set.separate;
        let mut split = 0;
        let mut last: Option<TestKey> = None;
        let mut at = 0;
        while let Some(k) = keys.get(at).cloned() {
            let len = self.len(&keys);
            let wrong = match k.form {
                Form::Gap => {
                    at += 1;
                    continue;
                }
                Form::PastEnd => {
                    self.found(len, "key extends past end of bset");
                    keys.truncate(at);
                    break;
                }
                Form::Unknown(n) => Some(format!("invalid bkey format {n}")),
                Form::Packed | Form::Current => {
                    let reason = self.head_reason(&k);
                    reason.map(|r| format!("invalid bkey:\n{r}\n{}", k.text()))
                }
            };
            if let Some(wrong) = wrong {
                self.found(len, &wrong);
                keys.remove(at);
                continue;
            }
            let deleted = |k: &TestKey| k.type_ == KeyType::DELETED;
            let disorder = last
                .as_ref()
                .is_some_and(|l| l.p > k.p || (l.p == k.p && deleted(&k) && !deleted(l)));
            if !seen_key && (!k.is_whiteout() || disorder) {
                (split, seen_key) = (at, true);
            } else if let (true, Some(l)) = (disorder, &last) {
                let (a, b) = (cut(l.head(), 79), cut(k.head(), 79));
                let text = self.message(len, &format!("keys out of order: {a} > {b}"));
                self.said.log.push(text);
                return None;
            }
            last = Some(k);
            at += 1;
        }
        Some((keys, split))
    }

    fn read(mut self, sets: &[TestSet]) -> Reading {
        let mut runs: Vec<Vec<TestKey>> = Vec::new();
        for (i, set) in sets.iter().enumerate() {
            let claimed = self.len(&set.keys);
            if i > 0 && claimed == 0 {
                self.found(0, "empty bset");
            }
            let Some((keys, split)) = self.set(set) else { return self.said };
            let bytes = 8 * claimed + if i == 0 { 160 } else { 40 };
            self.written += bytes.div_ceil(512);
            if (100..110).contains(&set.journal_seq) {
                if i > 0 {
                    continue;
                }
                let text = "first btree node bset has blacklisted journal seq";
                self.found(self.len(&keys), text);
            }
            let (white, other) = keys.split_at(split);
            runs.extend([white.to_vec(), other.to_vec()]);
        }
        for run in &mut runs {
            run.retain(|k| k.form != Form::Gap);
            run.reverse();
        }
        let mut keys = Vec::new();
        loop {
            // Heads: of equal ones the oldest first.
            let mut heads: Vec<_> =
                runs.iter().enumerate().filter_map(|(age, r)| Some((r.last()?.p, age))).collect();
            heads.sort();
            let Some((p, age)) = heads.first().copied() else { break };
            let k = runs[age].pop().unwrap();
            let hidden = heads.get(1).is_some_and(|second| second.0 == p);
            if !hidden && !k.is_whiteout() {
                keys.push(k);
            }
        }
        let mut u64s = self.len(&keys);
        let mut left = Vec::new();
        for k in keys {
            match Self::value_reason(&k) {
                Some(reason) => {
                    self.found(u64s, &format!("invalid bkey {}: {reason}", k.text()));
                    u64s -= k.words(self.format).len();
                }
                None => left.push(k.seen()),
            }
        }
        self.said.keys = Some(left);
        self.said
    }
}

/// What the reader that takes a copy says.
fn in_order(fs: &Fs, head: &Head) -> Reading {
    let mut keep = Keep::default();
    let node = read(fs, &head.pointer(), head.btree, head.level, &mut keep);
    let keys = node.map(|node| {
        let (mut keys, mut at) = (Vec::new(), 0);
        while let Some((k, v, next)) = node.key_at(at) {
            keys.push((k.p, k.type_, k.size, node.words[v].to_vec()));
            at = next;
        }
        keys
    });
    Reading { keys, found: keep.found, log: keep.log }
}

/// Takes extents in either way, in turn.
struct Both {
    keys: Vec<Seen>,
    /// Of what is shown as an extent only the size is told: the rest comes as a key.
    sizes: Vec<u32>,
}

impl Visit for Both {
    fn begin(&mut self, _range: NodeRange) {}
    fn key(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        self.keys.push((k.p, k.type_, k.size, v.to_vec()));
        Ok(())
    }
    fn extent(&mut self, k: ShortExtent) -> Result<bool, Unusual> {
        self.sizes.push(k.size);
        Ok(false)
    }
}

/// What the reader without a copy says.
fn without_copy(fs: &Fs, head: &Head) -> Option<Vec<Seen>> {
    let journal = JournalKeys::default();
    let (btree, level) = (head.btree, head.level);
    let key = &head.pointer();
    let mut both = Both { keys: Vec::new(), sizes: Vec::new() };
    let wanted = Wanted { fs, key, btree, level, journal: &journal };
    Buffer::new(fs).unwrap().each_key(&wanted, &mut both).ok()?;
    let packed = both.sizes.iter().all(|s| both.keys.iter().any(|k| k.2 == *s));
    assert!(packed, "{:?} {:?}", both.sizes, both.keys);
    Some(both.keys)
}

fn format(widths: [u8; 6], inode: u64) -> BkeyFormat {
    let bits: u32 = 24 + widths.iter().map(|w| u32::from(*w)).sum::<u32>();
    let mut format = BkeyFormat { nr_fields: 6, ..BkeyFormat::CURRENT };
    (format.bits_per_field, format.key_u64s) = (widths, u8::try_from(bits.div_ceil(64)).unwrap());
    format.field_offset[0] = Le64::new(inode);
    format
}

struct Dice {
    rng: Rng,
}

impl Dice {
    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        *self.rng.pick(all).unwrap()
    }

    fn key(&mut self, btree: BtreeId, odd: bool) -> TestKey {
        let extents = btree == BtreeId::EXTENTS;
        let mut k = TestKey {
            p: Bpos::new(self.of(&[1, 1, 1, 2, 300]), self.rng.range(1, 9)),
            type_: self.of(&[KeyType::COOKIE, KeyType::COOKIE, KeyType::DELETED, KeyType::DISCARD]),
            size: 0,
            v: vec![self.rng.below(1000)],
            form: self.of(&[Form::Packed, Form::Packed, Form::Current]),
        };
        if extents {
            (k.p.offset, k.size) = (k.p.offset * 2, self.of(&[1, 2]));
            k.type_ =
                self.of(&[KeyType::EXTENT, KeyType::EXTENT, KeyType::DELETED, KeyType::COOKIE]);
            if k.type_ == KeyType::EXTENT {
                let bucket = self.rng.range(2, BUCKETS - 1);
                k.v = vec![ExtentPtr::new(0, bucket * BUCKET, self.of(&[0, 3])).0];
            }
        }
        if k.type_ == KeyType::DELETED {
            (k.size, k.v) = (0, Vec::new());
        }
        if odd && self.rng.one_in(6) {
            match self.rng.below(9) {
                0 => k.form = Form::Gap,
                1 => k.form = Form::Unknown(self.of(&[2, 3, 127])),
                2 => k.form = Form::PastEnd,
                3 => k.p = self.of(&[POS_MAX, Bpos::new(0, 5), Bpos::new(301, 1)]),
                4 => k.size = self.of(&[0, 1, 200]),
                5 => k.p.snapshot = 1,
                6 => k.type_ = KeyType(self.of(&[19, 200])),
                7 if k.type_ == KeyType::EXTENT => k.v = vec![ExtentPtr::new(0, 1 << 30, 0).0],
                _ => k.v.resize(if extents { 1 } else { 3 }, 5),
            }
        }
        k
    }

    fn set(&mut self, btree: BtreeId, odd: bool) -> TestSet {
        let nr = self.rng.below(6);
        let mut keys: Vec<_> = (0..nr).map(|_| self.key(btree, odd)).collect();
        let separate = self.rng.one_in(3);
        // Mostly in order.
        if !(odd && self.rng.one_in(4)) {
            let turned = |k: &TestKey| k.type_ != KeyType::DELETED;
            let apart = |k: &TestKey| separate && !k.is_whiteout();
            keys.sort_by_key(|k| (apart(k), k.p, turned(k)));
        }
        let journal_seq = self.of(&[5, 5, 5, 5, 105]);
        TestSet { journal_seq, separate, keys }
    }
}

#[test]
fn both_readers_against_a_naive_one() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut fs = small();
    for seed in 0..30_000 {
        let mut dice = Dice { rng: Rng::new(seed) };
        let odd = !dice.rng.one_in(3);
        let btree = dice.of(&[BtreeId(3), BtreeId::EXTENTS]);
        let raw = match dice.rng.below(4) {
            0 => BkeyFormat::CURRENT,
            1 => format([64, 64, 0, 32, 0, 0], 0),
            2 => format([8, 16, 0, 8, 0, 0], dice.of(&[0, 1])),
            _ => format([16, 8, 1, 0, 0, 0], 0),
        };
        let max = dice.of(&[POS_MAX, Bpos::new(300, 16)]);
        // The version of the past that changed nothing of these btrees' keys.
        let version = dice.of(&[VERSION, VERSION, VERSION, VERSION - 1]);
        let version = if btree == BtreeId::EXTENTS { VERSION } else { version };
        let min = dice.of(&[Bpos::new(0, 0), Bpos::new(1, 2)]);
        let head = Head { min, max, version, format: raw, ..Head::of(btree, 0) };
        let nr = dice.rng.range(1, 4);
        let mut sets: Vec<_> = (0..nr).map(|_| dice.set(btree, odd)).collect();
        if !odd {
            sets.retain(|s| !s.keys.is_empty());
        }
        let Some(first) = sets.first_mut() else { continue };
        if !dice.rng.one_in(10) {
            first.journal_seq = 5;
        }
        let format = NodeFormat::new(&raw).unwrap_or_else(|_| panic!("{raw:?}"));
        let words = |s: &TestSet| s.keys.iter().flat_map(|k| k.words(&format)).collect::<Vec<_>>();
        let on_disk: Vec<_> =
            sets.iter().map(|s| (s.journal_seq, u32::from(s.separate) << 5, words(s))).collect();
        place(&mut fs, head.node(&on_disk));

        let pointer = crate::key_text::KeyText::new(&fs, head.pointer().as_ref()).to_string();
        let said = Reading { keys: None, found: Vec::new(), log: Vec::new() };
        let naive = Naive { head: &head, format: &format, pointer, written: 0, said };
        let want = naive.read(&sets);
        let got = in_order(&fs, &head);
        assert_eq!(got, want, "{seed}: {head:?} {sets:#?}");
        let short = without_copy(&fs, &head);
        let quiet = want.found.is_empty() && want.log.is_empty();
        let kind = match (&short, quiet) {
            (None, false) => "something to say",
            (None, true) => "left to the other",
            (Some(keys), true) => {
                assert_eq!(Some(keys), want.keys.as_ref(), "{seed}: {head:?} {sets:#?}");
                "the same"
            }
            (Some(_), false) => panic!("{seed}: {want:?} {head:?} {sets:#?}"),
        };
        let usual = |s: &TestSet| !s.separate && s.journal_seq == 5;
        if kind == "left to the other" && version == VERSION {
            assert!(!sets.iter().all(usual), "{seed}: {head:?} {sets:#?}");
        }
        *counts.entry(kind).or_default() += 1;
    }
    assert!(counts.values().all(|n| *n > 1000) && counts.len() == 3, "{counts:?}");
}
