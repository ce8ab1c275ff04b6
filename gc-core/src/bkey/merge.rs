// SPDX-License-Identifier: GPL-2.0-only
//! Making one sorted set of a node's sets, as reading a node does.

use super::bset_keys::BsetKeys;
use super::cut::{NotInside, cut_value_front, cut_value_len};
use super::node_format::NodeFormat;
use super::raw_key::{KeyError, RawKey};
use super::walk::{Head, NodeWalk, Rule};
use crate::layout::bkey::{BKEY_U64S, Bkey, KeyType};
use crate::layout::node::BtreeNrKeys;
use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Why sets could not be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeError {
    /// No memory.
    Memory(TryReserveError),
    /// Words of a set are no key.
    Key(KeyError),
    /// An extent that ends before it starts, or spans inodes.
    Extent(NotInside),
}

impl From<TryReserveError> for MergeError {
    fn from(e: TryReserveError) -> Self {
        Self::Memory(e)
    }
}

impl From<KeyError> for MergeError {
    fn from(e: KeyError) -> Self {
        Self::Key(e)
    }
}

impl From<NotInside> for MergeError {
    fn from(e: NotInside) -> Self {
        Self::Extent(e)
    }
}

fn append(out: &mut Vec<u64>, words: &[u64]) -> Result<(), TryReserveError> {
    out.try_reserve(words.len())?;
    #[expect(clippy::disallowed_methods, reason = "the room was reserved")]
    out.extend_from_slice(words);
    Ok(())
}

fn room<T: Copy>(len: usize, fill: T) -> Result<Vec<T>, TryReserveError> {
    let mut v = Vec::new();
    v.try_reserve_exact(len)?;
    #[expect(clippy::disallowed_methods, reason = "the room was reserved")]
    v.resize(len, fill);
    Ok(v)
}

/// Appends to `out` the keys of `sets`, oldest first, in order and without what
/// was overwritten or deleted, and counts them as bset 0 (source:
/// `bch2_key_sort_fix_overlapping`).
///
/// # Errors
/// No memory, or a key of wrong length: what was appended before stays.
pub fn merge_keys(
    format: &NodeFormat,
    sets: &[&[u64]],
    out: &mut Vec<u64>,
) -> Result<BtreeNrKeys, MergeError> {
    let mut heads = room(sets.len(), Head::NONE)?;
    let mut walk = NodeWalk::new(format, Rule::Read, &mut heads);
    // There is a head for every set.
    let _all = sets.iter().try_for_each(|set| walk.add(set));
    let mut nr = BtreeNrKeys::default();
    for key in walk {
        let key = key?;
        nr.add_key(0, key);
        append(out, key.words())?;
    }
    Ok(nr)
}

/// The current extent of one set, cut so far as it is overwritten.
#[derive(Debug, Clone, Copy)]
struct Current<'a> {
    k: Bkey,
    /// The value as it was.
    v: &'a [u64],
    /// Sectors cut off its front.
    front: u64,
    rest: &'a [u64],
    age: usize,
}

impl<'a> Current<'a> {
    /// The first key of `words` that is not deleted.
    fn first(
        format: &NodeFormat,
        words: &'a [u64],
        age: usize,
    ) -> Result<Option<Self>, MergeError> {
        let mut words = words;
        while let Some((key, rest)) = RawKey::split_first(format, words) {
            let key = key?;
            if key.type_() != KeyType::DELETED {
                let (k, v) = (format.unpack(key), key.value());
                // From here on a start is never behind its end, and every cut
                // makes an extent shorter: the merge ends.
                if k.start_pos() > k.p {
                    return Err(NotInside.into());
                }
                return Ok(Some(Self { k, v, front: 0, rest, age }));
            }
            words = rest;
        }
        Ok(None)
    }

    /// By start; at equal starts the newer first.
    fn order(&self, other: &Self) -> Ordering {
        self.k.start_pos().cmp(&other.k.start_pos()).then_with(|| other.age.cmp(&self.age))
    }

    fn emit(
        &self,
        format: &NodeFormat,
        out: &mut Vec<u64>,
        nr: &mut BtreeNrKeys,
    ) -> Result<(), MergeError> {
        if self.k.type_.is_whiteout() {
            return Ok(());
        }
        let len = cut_value_len(&self.k, self.v.len(), self.front);
        let u64s = u8::try_from(len).ok().and_then(|len| BKEY_U64S.checked_add(len));
        let k = Bkey { u64s: u64s.ok_or(KeyError::TooLong)?, ..self.k };
        let at = out.len();
        match format.pack(&k) {
            Some(packed) => append(out, packed.words())?,
            None => append(out, &k.to_words())?,
        }
        let value_at = out.len();
        append(out, self.v)?;
        cut_value_front(k.type_, out.get_mut(value_at..).unwrap_or_default(), self.front);
        out.truncate(value_at.saturating_add(len));
        for key in BsetKeys::new(format, out.get(at..).unwrap_or_default()).flatten() {
            nr.add_key(0, key);
        }
        Ok(())
    }
}

/// Sorted currents, at least two of them overlapping or not.
struct Currents<'a, 'f> {
    format: &'f NodeFormat,
    live: Vec<Current<'a>>,
}

impl Currents<'_, '_> {
    fn sift(&mut self, from: usize) {
        for i in from.. {
            let j = i.saturating_add(1);
            match (self.live.get(i), self.live.get(j)) {
                (Some(l), Some(r)) if l.order(r) == Ordering::Greater => self.live.swap(i, j),
                _ => break,
            }
        }
    }

    fn advance(&mut self, at: usize) -> Result<(), MergeError> {
        let c = self.live.get_mut(at).ok_or(KeyError::PastEnd)?;
        if let Some(next) = Current::first(self.format, c.rest, c.age)? {
            *c = next;
            self.sift(at);
        } else {
            self.live.remove(at);
        }
        Ok(())
    }
}

/// The same for extents of nodes written before newer extents had to be cut out
/// of older ones on insertion: overlaps are resolved here, the newer set wins
/// (source: `bch2_extent_sort_fix_overlapping`).
///
/// # Errors
/// No memory, a key of wrong length, or an extent that cannot be cut: what was
/// appended before stays.
pub fn merge_old_extents(
    format: &NodeFormat,
    sets: &[&[u64]],
    out: &mut Vec<u64>,
) -> Result<BtreeNrKeys, MergeError> {
    let mut nr = BtreeNrKeys::default();
    let mut live = Vec::new();
    live.try_reserve_exact(sets.len())?;
    for (age, words) in sets.iter().enumerate() {
        if let Some(c) = Current::first(format, words, age)? {
            #[expect(clippy::disallowed_methods, reason = "the room was reserved")]
            live.push(c);
        }
    }
    live.sort_unstable_by(Current::order);
    let mut sets = Currents { format, live };

    loop {
        let (l, r) = match sets.live.as_mut_slice() {
            [] => return Ok(nr),
            [l, r, ..] if l.k.p > r.k.start_pos() => (l, r),
            [l, ..] => {
                l.emit(format, out, &mut nr)?;
                sets.advance(0)?;
                continue;
            }
        };
        if r.k.size == 0 {
            sets.advance(1)?;
        } else if l.age > r.age {
            if l.k.p >= r.k.p {
                sets.advance(1)?;
            } else {
                r.front = r.front.saturating_add(r.k.cut_front(l.k.p)?);
                sets.sift(1);
            }
        } else if l.k.p > r.k.p {
            let mut before = *l;
            before.k.cut_back(r.k.start_pos())?;
            before.emit(format, out, &mut nr)?;
            l.front = l.front.saturating_add(l.k.cut_front(r.k.p)?);
            sets.sift(0);
        } else {
            l.k.cut_back(r.k.start_pos())?;
        }
    }
}
