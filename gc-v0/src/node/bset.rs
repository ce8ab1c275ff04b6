// SPDX-License-Identifier: GPL-2.0-only
//! One set of keys of a node as it lies on disk.

use super::err::{Class, Errors, Stop};
use crate::key::validate::head_invalid;
use crate::key::{Key, compat};
use crate::key_text::{HeadText, KeyText};
use crate::report::cut;
use gc_core::bkey::{KeyError, KeyRef, NodeFormat, RawKey};
use gc_core::layout::bkey::{BKEY_U64S, KEY_FORMAT_CURRENT, KeyHead};
use gc_core::layout::node::BsetFlags;
use gc_core::layout::{Bkey, Bpos, BtreeNode, BtreeNodeEntry, BtreeNodeType, CsumType, KeyType};
use gc_disk::bytes::words;
use zerocopy::FromBytes;

/// Head of a set: what its [`gc_core::layout::Bset`] says, and where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bset {
    /// Where its structure starts in the node.
    pub(super) at: usize,
    pub(super) first: bool,
    pub(super) seq: u64,
    pub(super) journal_seq: u64,
    flags: BsetFlags,
    pub(super) version: u16,
    pub(super) u64s: u16,
}

impl Bset {
    pub(super) fn at(bytes: &[u8], at: usize, first: bool) -> Option<Self> {
        let b = bytes.get(at..)?;
        let set = if first {
            BtreeNode::read_from_prefix(b).ok()?.0.keys
        } else {
            BtreeNodeEntry::read_from_prefix(b).ok()?.0.keys
        };
        Some(Self {
            at,
            first,
            seq: set.seq.get(),
            journal_seq: set.journal_seq.get(),
            flags: set.flag_bits(),
            version: set.version.get(),
            u64s: set.u64s.get(),
        })
    }

    pub(super) const fn head_len(&self) -> usize {
        if self.first { size_of::<BtreeNode>() } else { size_of::<BtreeNodeEntry>() }
    }

    pub(super) const fn keys_at(&self) -> usize {
        self.at.saturating_add(self.head_len())
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.u64s).saturating_mul(8).saturating_add(self.head_len())
    }

    pub(super) fn end(&self) -> usize {
        self.at.saturating_add(self.len())
    }

    pub(super) const fn csum_type(&self) -> CsumType {
        CsumType(self.flags.csum_type())
    }

    pub(super) const fn big_endian(&self) -> bool {
        self.flags.big_endian()
    }

    pub(super) const fn separate_whiteouts(&self) -> bool {
        self.flags.separate_whiteouts()
    }

    /// The first `u64s` words of keys.
    pub(super) fn words(&self, bytes: &[u8], u64s: u16) -> Vec<u64> {
        let len = usize::from(u64s).saturating_mul(8);
        let keys = bytes.get(self.keys_at()..).unwrap_or(&[]);
        words(keys.get(..len).unwrap_or(keys))
    }
}

/// The keys of a set on their way in.
pub(super) struct Keys<'a> {
    /// Of packed keys on disk.
    pub(super) format: &'a NodeFormat,
    /// Of packed keys in memory.
    pub(super) in_memory: &'a NodeFormat,
    pub(super) set: &'a Bset,
    pub(super) min_max: (Bpos, Bpos),
    pub(super) written: u16,
}

impl Keys<'_> {
    /// Keys that are valid but for their values, and how many words of them are
    /// whiteouts kept apart.
    pub(super) fn check(
        &self,
        mut words: Vec<u64>,
        e: &mut Errors<'_, '_>,
    ) -> Result<(Vec<u64>, usize), Stop> {
        let type_ = BtreeNodeType::of(e.level, e.btree);
        let changes = compat::is_old(self.set.version) || self.format != self.in_memory;
        let mut whiteouts = 0;
        let mut seen_key = !self.set.separate_whiteouts();
        let mut prev: Option<Bkey> = None;
        // Keys that do not change stay where they are.
        let mut changed_keys = Vec::new();
        let mut at = 0_usize;
        while let Some(&first) = words.get(at) {
            let u64s = u16::try_from(words.len()).unwrap_or(u16::MAX);
            let head = KeyHead(first);
            let len = usize::from(head.u64s());
            if len == 0 {
                if changes {
                    changed_keys.push(first);
                }
                at = at.saturating_add(1);
                continue;
            }
            let end = at.saturating_add(len);
            if end > words.len() {
                let text = "key extends past end of bset";
                e.raise(Class::Fixable, self.written, Some(u64s), text)?;
                words.truncate(at);
                break;
            }
            let format = head.format();
            if format > KEY_FORMAT_CURRENT {
                let text = format!("invalid bkey format {format}");
                e.raise(Class::Fixable, self.written, Some(u64s), &text)?;
                words.drain(at..end);
                continue;
            }
            let this = words.get(at..end).unwrap_or(&[]);
            let changed;
            let (k, value) = match self.plain(this).filter(|_| !changes) {
                Some(plain) => plain,
                None => {
                    changed = self.unpack(this, words.get(at..).unwrap_or(&[]), e);
                    (changed.k, changed.v.as_slice())
                }
            };
            let key = KeyRef::new(&k, value);
            let reason = head_invalid(key, type_).or_else(|| outside(self.min_max, k.p));
            if let Some(reason) = reason {
                let shown = KeyText::new(e.fs, key).cut(160);
                let text = format!("invalid bkey:\n{reason}\n{shown}");
                e.raise(Class::Fixable, self.written, Some(u64s), &text)?;
                words.drain(at..end);
                continue;
            }
            let disorder = prev.as_ref().is_some_and(|prev| is_after(prev, &k));
            if !seen_key && (!k.type_.is_whiteout() || disorder) {
                whiteouts = if changes { changed_keys.len() } else { at };
                seen_key = true;
            } else if disorder {
                let mut a = prev.as_ref().map(|k| HeadText(k).to_string()).unwrap_or_default();
                let mut b = HeadText(&k).to_string();
                cut(&mut a, 80);
                cut(&mut b, 80);
                let text = format!("keys out of order: {a} > {b}");
                e.raise(Class::Fatal, self.written, Some(u64s), &text)?;
            }
            if changes {
                match self.in_memory.pack(&k).filter(|_| format < KEY_FORMAT_CURRENT) {
                    Some(packed) => changed_keys.extend_from_slice(packed.words()),
                    None => changed_keys.extend(k.to_words()),
                }
                changed_keys.extend_from_slice(value);
            }
            prev = Some(k);
            at = end;
        }
        Ok((if changes { changed_keys } else { words }, whiteouts))
    }

    /// A key of today's version whose length agrees with its format.
    #[inline]
    fn plain<'w>(&self, words: &'w [u64]) -> Option<(Bkey, &'w [u64])> {
        let raw = RawKey::split_first(self.format, words)?.0.ok()?;
        Some((self.format.unpack(raw), raw.value()))
    }

    /// The key, as today's version has it. One whose length contradicts its
    /// format has no value and says so by its own length; its fields are what
    /// lies where they should be, in `tail` up to the end of the bset.
    fn unpack(&self, words: &[u64], tail: &[u64], e: &Errors<'_, '_>) -> Key {
        let raw = RawKey::split_first(self.format, words).map(|(raw, _)| raw);
        let mut key = match raw {
            Some(Ok(raw)) => Key { k: self.format.unpack(raw), v: raw.value().to_vec() },
            Some(Err(KeyError::PastEnd | KeyError::TooShort | KeyError::TooLong) | Err(_))
            | None => Key { k: self.contradicting(tail), v: Vec::new() },
        };
        compat::key(self.set.version, e.level, e.btree, &mut key);
        key
    }

    fn contradicting(&self, tail: &[u64]) -> Bkey {
        let first = KeyHead(tail.first().copied().unwrap_or(0));
        let current = first.format() == KEY_FORMAT_CURRENT;
        let own = if current { BKEY_U64S } else { self.format.key_u64s() };
        // As long as its format wants it, no value.
        let mut whole = [0; 8];
        for (to, from) in whole.iter_mut().zip(tail) {
            *to = *from;
        }
        let [head, ..] = &mut whole;
        *head = first.with_u64s(own).0;
        let mut k = match RawKey::split_first(self.format, &whole) {
            Some((Ok(raw), _)) => self.format.unpack(raw),
            _ => Bkey::new(Bpos::default(), 0),
        };
        k.u64s = first.u64s().wrapping_add(BKEY_U64S).wrapping_sub(own);
        k.type_ = first.type_();
        k
    }
}

/// Whether a position is not one of the node.
#[inline]
fn outside((min, max): (Bpos, Bpos), p: Bpos) -> Option<&'static str> {
    if p < min {
        return Some("key before start of btree node");
    }
    (p > max).then_some("key past end of btree node")
}

/// By position; of equal ones a deleted key comes first.
#[inline(always)]
fn is_after(before: &Bkey, k: &Bkey) -> bool {
    let deleted = |k: &Bkey| k.type_ == KeyType::DELETED;
    let (l, r) = (before.p, k.p);
    let wide = |p: Bpos| (u128::from(p.inode) << 64) | u128::from(p.offset);
    if wide(l) < wide(r) {
        return false;
    }
    wide(l) > wide(r) || (deleted(k) && !deleted(before))
}
