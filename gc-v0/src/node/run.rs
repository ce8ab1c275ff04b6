// SPDX-License-Identifier: GPL-2.0-only
//! Walk over the keys of a run as long as nothing is wrong with them but for their
//! values.

use super::plain::ShortExtent;
use crate::key::validate::head_invalid;
use crate::reason::{Rule, Unusual};
use gc_core::bkey::{Brief, KeyRef, NodeFormat, RawKey, Window};
use gc_core::layout::bkey::KEY_FORMAT_CURRENT;
use gc_core::layout::bkey::KeyHead;
use gc_core::layout::{Bkey, Bpos, BtreeId, BtreeNodeType, KeyType, POS_MAX};

/// Why a walk ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// Whoever reads in order must look at it.
    Unusual(Unusual),
    /// A key has a position for which there is no number.
    Wide,
}

impl From<Unusual> for Stop {
    fn from(unusual: Unusual) -> Self {
        Self::Unusual(unusual)
    }
}

impl From<Rule> for Stop {
    #[cold]
    fn from(rule: Rule) -> Self {
        Self::Unusual(rule.into())
    }
}

/// Positions of a node's keys as numbers in the same order.
pub(super) trait Order: Copy + Default + Ord {
    /// Whether some positions have none.
    const NARROW: bool;
    /// That of a packed key.
    fn of(brief: &Brief, key: &Window) -> Self;
    /// That of any key, where it has one.
    fn at(brief: Option<&Brief>, p: Bpos) -> Option<Self>;
}

/// As the format has them, if they fit in a word there.
impl Order for u64 {
    const NARROW: bool = true;
    #[inline(always)]
    fn of(brief: &Brief, key: &Window) -> Self {
        brief.order(key)
    }
    fn at(brief: Option<&Brief>, p: Bpos) -> Option<Self> {
        brief?.order_of(p)
    }
}

/// Inode and offset: valid keys have no snapshot.
impl Order for u128 {
    const NARROW: bool = false;
    #[inline(always)]
    fn of(brief: &Brief, key: &Window) -> Self {
        let (inode, offset) = brief.position(key);
        (Self::from(inode) << 64) | Self::from(offset)
    }
    fn at(_brief: Option<&Brief>, p: Bpos) -> Option<Self> {
        Some((Self::from(p.inode) << 64) | Self::from(p.offset))
    }
}

/// What the keys of a node have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'a> {
    format: &'a NodeFormat,
    /// How most of them are unpacked; `None`: each is taken for a rare one.
    brief: Option<Brief>,
    type_: BtreeNodeType,
    extents: bool,
    /// Length of the key of extents that are not rare; `None`: all are.
    extent_u64s: Option<u8>,
    min_max: (Bpos, Bpos),
}

/// Longest value of a key that is not a rare one, in u64s.
const MOST: u8 = 200;

impl<'a> Common<'a> {
    pub(super) fn new(
        format: &'a NodeFormat,
        (btree, level): (BtreeId, u8),
        min_max: (Bpos, Bpos),
    ) -> Self {
        let type_ = BtreeNodeType::of(level, btree);
        let brief = format.brief().filter(|_| type_ != BtreeNodeType::BTREE);
        let extents = type_.is_extents();
        let extent_u64s = brief.as_ref().map(Brief::key_u64s).filter(|_| extents);
        Self { format, brief, type_, extents, extent_u64s, min_max }
    }

    /// Whether positions of packed keys fit in a word.
    pub(super) fn is_narrow(&self) -> bool {
        self.brief.as_ref().is_some_and(Brief::is_narrow)
    }

    /// A run of `len` words from the first of `words` on, which go on behind it.
    /// `None` if it has no key.
    pub(super) fn run<O: Order>(
        &'a self,
        words: &'a [u64],
        len: usize,
    ) -> Result<Option<Run<'a, O>>, Stop> {
        let (order, value) = (O::default(), [0; 2]);
        Run { common: self, words, at: 0, end: len, head: 0, size: 0, order, value }.any(0, None)
    }

    fn is_outside(&self, p: Bpos) -> bool {
        let (min, max) = self.min_max;
        p < min || p > max
    }
}

/// A walk over keys that stands at one of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a, O> {
    common: &'a Common<'a>,
    words: &'a [u64],
    /// Where the key lies, and where the run ends.
    at: usize,
    end: usize,
    /// First word of the key.
    head: u64,
    size: u32,
    order: O,
    /// First words of the value, if the key is packed as most are.
    value: [u64; 2],
}

fn type_of(head: u64) -> KeyType {
    KeyHead(head).type_()
}

/// Head of a packed extent, without its length and whether it hides others.
const EXTENT: u64 = KeyHead(0).with_type_raw(KeyType::EXTENT.0).0;
/// Bits of a head that are those of [`EXTENT`].
const FORMAT_AND_TYPE: u64 = KeyHead(FORMAT).with_type_raw(u8::MAX).0;
/// Bits of a head that are 0 in packed keys.
const FORMAT: u64 = KeyHead(0).with_format(u8::MAX).0;

impl<'a, O: Order> Run<'a, O> {
    /// Goes to the next key; `false` at the end.
    #[inline(always)]
    pub(super) fn advance(&mut self) -> Result<bool, Stop> {
        if self.step() {
            return Ok(true);
        }
        let Some(Self { at, head, size, order, value, .. }) =
            self.any(self.behind(), Some(*self))?
        else {
            return Ok(false);
        };
        (self.at, self.head, self.size, self.order, self.value) = (at, head, size, order, value);
        Ok(true)
    }

    /// Goes to the next key if it is as most are; `false`: nothing was done.
    #[inline(always)]
    fn step(&mut self) -> bool {
        let at = self.at.wrapping_add(usize::from(self.u64s()));
        let words: Option<&Window> = self.words.get(at..).and_then(|w| w.first_chunk());
        let (Some(brief), Some(words)) = (&self.common.brief, words) else { return false };
        let &[head, ..] = words;
        let len = KeyHead(head).u64s();
        let packed = head & FORMAT == 0 && len.wrapping_sub(brief.key_u64s()) <= MOST;
        if !packed || at.wrapping_add(usize::from(len)) > self.end {
            return false;
        }
        let size = brief.size(words);
        let sized = if self.common.extents {
            let deleted = type_of(head) == KeyType::DELETED;
            (size == 0) == deleted && u64::from(size) <= brief.offset(words)
        } else {
            size == 0
        };
        let order = O::of(brief, words);
        if !sized || order <= self.order {
            return false;
        }
        let value = brief.value(words);
        (self.at, self.head, self.size, self.order, self.value) = (at, head, size, order, value);
        true
    }

    /// The key of any kind at or behind `at`, or the end.
    #[cold]
    #[inline(never)]
    fn any(self, at: usize, before: Option<Self>) -> Result<Option<Self>, Stop> {
        let words = self.words.get(at..self.end).ok_or(Rule::KeyInvalid)?;
        let Some((raw, _)) = RawKey::split_first(self.common.format, words) else {
            return before.map_or(Ok(None), |last| last.end());
        };
        let raw =
            raw.ok().filter(|raw| raw.format() <= KEY_FORMAT_CURRENT).ok_or(Rule::KeyInvalid)?;
        let k = self.common.format.unpack(raw);
        if head_invalid(KeyRef::new(&k, raw.value()), self.common.type_).is_some() {
            return Err(Unusual::from(Rule::KeyInvalid).of_key(&k).into());
        }
        let order = O::at(self.common.brief.as_ref(), k.p).ok_or(Stop::Wide)?;
        let wrong = match before {
            None => self.common.is_outside(k.p),
            Some(before) => {
                // Of equal positions a deleted key comes first.
                let deleted = |type_| type_ == KeyType::DELETED;
                let turned = deleted(k.type_) && !deleted(before.type_());
                order < before.order || (order == before.order && turned)
            }
        };
        // Words of no key before it are passed.
        let at = at.saturating_add(raw.offset_in(words));
        if wrong {
            return Err(Unusual::from(Rule::KeyOrder).of_key(&k).into());
        }
        let head = self.words.get(at).copied().ok_or(Rule::KeyInvalid)?;
        let first = |i| raw.value().get(i).copied().unwrap_or(0);
        Ok(Some(Self { at, head, size: k.size, order, value: [first(0), first(1)], ..self }))
    }

    /// In a run in order, only the first and the last key can lie outside, and only
    /// the last at the end of all positions.
    fn end(self) -> Result<Option<Self>, Stop> {
        let (k, _) = self.key().ok_or(Rule::KeyInvalid)?;
        let behind_all = k.p == POS_MAX && self.common.type_ != BtreeNodeType::BTREE;
        if self.common.is_outside(k.p) || behind_all {
            Err(Unusual::from(Rule::KeyOrder).of_key(&k).into())
        } else {
            Ok(None)
        }
    }

    /// Length of the key and its value.
    #[inline(always)]
    fn u64s(&self) -> u8 {
        KeyHead(self.head).u64s()
    }

    /// Words before the key.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Words before what is behind the key.
    pub(super) fn behind(&self) -> usize {
        self.at.saturating_add(usize::from(self.u64s()))
    }

    /// Its position.
    #[inline(always)]
    pub(super) const fn order(&self) -> O {
        self.order
    }

    #[inline(always)]
    pub(super) fn type_(&self) -> KeyType {
        type_of(self.head)
    }

    /// An extent of a btree of extents that is packed as most are: it has a size.
    #[inline(always)]
    pub(super) fn extent(&self) -> Option<ShortExtent> {
        if self.head & FORMAT_AND_TYPE != EXTENT {
            return None;
        }
        let len = self.u64s().wrapping_sub(self.common.extent_u64s?);
        Some(ShortExtent { size: self.size, len, value: self.value })
    }

    /// Inode and offset of a key that is packed as most are, and its value.
    #[inline(always)]
    pub(super) fn place(&self) -> Option<((u64, u64), &'a [u64])> {
        let brief = self.common.brief.as_ref().filter(|_| self.head & FORMAT == 0)?;
        let words = self.words.get(self.at..)?;
        let value = words.get(usize::from(brief.key_u64s())..usize::from(self.u64s()))?;
        Some((brief.position(words.first_chunk()?), value))
    }

    /// The key and its value.
    pub(super) fn key(&self) -> Option<(Bkey, &'a [u64])> {
        let words = self.words.get(self.at..self.end)?;
        let raw = RawKey::split_first(self.common.format, words)?.0.ok()?;
        Some((self.common.format.unpack(raw), raw.value()))
    }
}
