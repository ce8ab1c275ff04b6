// SPDX-License-Identifier: GPL-2.0-only
//! How often indirect extents are referred to: as it is, and as the tool counts it (facts:
//! docs/facts/v1/check-allocations.md 10).

use crate::tables;
use crate::walk::Key;
use gc_core::bkey::KeyRef;

/// An indirect extent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indirect {
    /// Where it ends.
    pub end: u64,
    /// Its size.
    pub size: u64,
    /// Type of its key.
    pub key_type: u8,
    /// References as stored.
    pub had: u64,
    /// References that there are.
    pub counted: u64,
    /// References that the tool counts.
    pub counted_by_tool: u64,
    /// The key.
    pub key: Key,
}

impl Indirect {
    /// Where it starts.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.end.saturating_sub(self.size)
    }
}

/// A range of positions, its end exclusive.
pub type Range = core::ops::Range<u64>;

/// All indirect extents, in order.
#[derive(Debug, Default)]
pub struct Table {
    all: Vec<Indirect>,
}

impl Table {
    /// Takes a key of the reflink btree in; others than indirect extents are left out.
    pub fn add(&mut self, key: KeyRef<'_>) {
        let key_type = key.k.type_.0;
        if matches!(key_type, tables::REFLINK_V | tables::INDIRECT_INLINE_DATA) {
            let had = key.v.first().copied().unwrap_or(0);
            let (end, size) = ({ key.k.p }.offset, u64::from(key.k.size));
            let key = Key::of(key);
            self.all.push(Indirect {
                end,
                size,
                key_type,
                had,
                counted: 0,
                counted_by_tool: 0,
                key,
            });
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Indirect] {
        &self.all
    }

    /// Counts a reference to all that overlap a range, and returns the parts of it that
    /// nothing covers.
    pub fn refer(&mut self, range: Range) -> Vec<Range> {
        let first = self.all.partition_point(|i| i.end <= range.start);
        let mut at = range.start;
        let mut missing = Vec::new();
        for indirect in self.all.get_mut(first..).unwrap_or(&mut []) {
            if indirect.start() >= range.end {
                break;
            }
            if indirect.start() > at {
                missing.push(at..indirect.start());
            }
            indirect.counted = indirect.counted.saturating_add(1);
            at = indirect.end;
        }
        if at < range.end {
            missing.push(at..range.end);
        }
        missing
    }

    /// What of a range the tool finds missing in one go, counting as it does: behind a hole
    /// it goes on with the next extent though it has not used the present one.
    pub fn refer_as_tool(&mut self, range: Range) -> Vec<Range> {
        let mut i = self.all.partition_point(|r| r.end <= range.start);
        let (mut at, mut missing) = (range.start, Vec::new());
        while at < range.end {
            let found = self.all.get_mut(i);
            i = i.saturating_add(1);
            match found {
                Some(r) if r.start() <= at => {
                    if r.end > at {
                        r.counted_by_tool = r.counted_by_tool.saturating_add(1);
                        at = r.end;
                    }
                }
                other => {
                    let end = other.map_or(range.end, |r| r.start().min(range.end));
                    missing.push(at..end);
                    at = end;
                }
            }
        }
        missing
    }
}

impl Table {
    /// Sets the tool's counts back to what they were.
    pub fn restore(&mut self, counts: &[u64]) {
        for (indirect, count) in self.all.iter_mut().zip(counts) {
            indirect.counted_by_tool = *count;
        }
    }
}
