// SPDX-License-Identifier: GPL-2.0-only
//! From the words of a bset to its keys, one after another.

use super::node_format::NodeFormat;
use super::raw_key::{KeyError, RawKey};
use crate::layout::bkey::KeyHead;

impl<'a> RawKey<'a> {
    /// Splits the first key off `words`, which end with their bset.
    ///
    /// `None` at the end. Words whose first byte is 0 are skipped. After an
    /// error the walk can go on with the words returned; after
    /// [`KeyError::PastEnd`] there are none.
    #[inline]
    pub fn split_first(
        format: &NodeFormat,
        words: &'a [u64],
    ) -> Option<(Result<Self, KeyError>, &'a [u64])> {
        let mut tail = words;
        let (head, u64s) = loop {
            let (&head, rest) = tail.split_first()?;
            match KeyHead(head).u64s() {
                0 => tail = rest,
                u64s => break (head, u64s),
            }
        };
        let Some(rest) = tail.get(usize::from(u64s)..) else {
            return Some((Err(KeyError::PastEnd), &[]));
        };
        Some((Self::new(tail, KeyHead(head), format.key_u64s()), rest))
    }
}

/// Walk over the keys of one bset, in the order they lie.
#[derive(Debug, Clone)]
pub struct BsetKeys<'a, 'f> {
    format: &'f NodeFormat,
    rest: &'a [u64],
}

impl<'a, 'f> BsetKeys<'a, 'f> {
    /// The keys in `words`, the whole of a bset's keys.
    #[inline]
    #[must_use]
    pub const fn new(format: &'f NodeFormat, words: &'a [u64]) -> Self {
        Self { format, rest: words }
    }
}

impl<'a> Iterator for BsetKeys<'a, '_> {
    type Item = Result<RawKey<'a>, KeyError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = RawKey::split_first(self.format, self.rest)?;
        self.rest = rest;
        Some(key)
    }
}
