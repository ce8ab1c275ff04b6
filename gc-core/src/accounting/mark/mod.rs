// SPDX-License-Identifier: GPL-2.0-only
//! Marking: counting one key or one bucket.
//!
//! Facts: `docs/facts/marking.md`. Every step happens in the original's order,
//! and a failed step leaves exactly what the original leaves counted.

mod bucket;
mod extent;
mod outcome;
mod pointer;
mod stripe;

pub use outcome::{BucketReference, Outcome};
pub use pointer::count_pointer;

use super::device::Buckets;
use super::generation::ptr_stale;
use super::replicas::View;
use super::stripes::Stripes;
use super::usage::Usage;
use crate::bkey::sectors::{Change, to_bits};
use crate::bkey::{KeyDisplay, KeyRef, KeyText, References, Reservation};
use crate::error::{Errno, Error};
use crate::finding::{Answer, BadReference, Finding, Marking};
use crate::layout::btree::{BTREE_TRIGGER_GC, BTREE_TRIGGER_OVERWRITE};
use crate::layout::{BucketMark, DevUsage, ExtentPtr};

/// How a key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// First sector of the change within the key.
    pub offset: u32,
    /// Sectors that come (positive) or go (negative).
    pub sectors: i64,
    /// Journal sequence of the change, 0 for none.
    pub journal_seq: u64,
    /// `BTREE_TRIGGER_*`.
    pub flags: u32,
}

impl Trigger {
    /// A whole key, as mark and sweep counts it; `noatomic` if nobody else
    /// changes the marks.
    #[inline]
    #[must_use]
    pub fn gc(key: KeyRef<'_>, noatomic: bool) -> Self {
        let more = if noatomic { crate::layout::btree::BTREE_TRIGGER_NOATOMIC } else { 0 };
        Self {
            offset: 0,
            sectors: i64::from(key.k.size),
            journal_seq: 0,
            flags: BTREE_TRIGGER_GC | more,
        }
    }

    /// A key that is read at start (alloc keys and stripes).
    #[inline]
    #[must_use]
    pub const fn read() -> Self {
        let flags = crate::layout::btree::BTREE_TRIGGER_ALLOC_READ
            | crate::layout::btree::BTREE_TRIGGER_NOATOMIC;
        Self { offset: 0, sectors: 0, journal_seq: 0, flags }
    }

    /// The part of the key that comes or goes.
    #[inline]
    #[must_use]
    pub const fn change(&self) -> Change {
        Change { offset: self.offset, sectors: self.sectors, flags: self.flags }
    }

    const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// Where findings and log lines go.
pub trait Sink {
    /// A question, with the flags of [`Finding::flags`]. Marking goes on, or
    /// not, whatever the answer.
    fn raise(&mut self, finding: &Finding<'_>) -> Answer;

    /// An inconsistency: printed plainly, the file system is noted as having
    /// errors, and its `errors` option decides what becomes of it (source:
    /// `bch2_fs_inconsistent`).
    fn inconsistent(&mut self, finding: &Finding<'_>);

    /// A line the original has and never prints outside of the kernel: its rate
    /// limited printing is empty there.
    fn unprinted(&mut self, finding: &Finding<'_>);

    /// Whether somebody wants to be told of references. Who answers `false` pays
    /// nothing for it.
    #[inline]
    fn observes(&self) -> bool {
        false
    }

    /// What became of a reference of the key that is marked, if somebody
    /// [observes](Self::observes): each one into a bucket that there is, in the order
    /// of the key, once.
    fn reference(&mut self, _reference: &BucketReference, _outcome: Outcome) {}
}

/// Why a mark stopped. What was counted before stays counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkError {
    /// A pointer was refused; the finding has been raised.
    Refused,
    /// A pointer into a stripe that is not there.
    NoStripe,
    /// A stripe to be counted or dropped that is not there.
    StripeNotThere,
    /// A reference that the original dies of; it has been reported.
    Bad(BadReference),
    /// Memory is short.
    NoMemory,
}

impl MarkError {
    /// What the original returns, as a negative errno (`-1` for a stripe that is
    /// not there); `-EINVAL` where it does not return.
    #[must_use]
    pub const fn errno(self) -> i32 {
        match self {
            Self::Refused | Self::NoStripe => -5,
            Self::StripeNotThere => -1,
            Self::Bad(_) => -22,
            Self::NoMemory => -12,
        }
    }
}

impl From<MarkError> for Error {
    fn from(e: MarkError) -> Self {
        Self::Errno(Errno::from_negative(e.errno()))
    }
}

/// Everything a mark reads and changes.
///
/// Several threads may mark at once with contexts of their own over the same
/// buckets, if their sums (`usage`, `devs`) are their own and added up later.
pub struct Ctx<'a, B: ?Sized, T: ?Sized, S: ?Sized> {
    /// The buckets: array 1 with the GC flag, else array 0.
    pub buckets: &'a B,
    /// The stripes of the same array.
    pub stripes: &'a mut T,
    /// Where findings go.
    pub sink: &'a mut S,
    /// The table of replicas entries; `usage.replicas` follows its indexes.
    pub replicas: View<'a>,
    /// Usage of the file system.
    pub usage: &'a mut Usage,
    /// Usage of the devices by index; `None` if it is computed from the buckets
    /// afterwards ([`dev_usage_from_buckets`](super::usage::dev_usage_from_buckets)),
    /// and `usage.head.hidden` with it.
    pub devs: Option<&'a mut [DevUsage]>,
    /// Sectors of a btree node.
    pub btree_node_size: u16,
}

impl<B, T, S> Ctx<'_, B, T, S>
where
    B: Buckets + ?Sized,
    T: Stripes + ?Sized,
    S: Sink + ?Sized,
{
    /// Counts a key (source: `bch2_mark_key`). A type that counts nothing is
    /// fine.
    ///
    /// # Errors
    /// See [`MarkError`]; findings have been raised by then.
    #[inline]
    pub fn mark_key(&mut self, key: KeyRef<'_>, t: &Trigger) -> Result<(), MarkError> {
        match key.references(self.btree_node_size) {
            References::Pointers(pointers) => self.mark_pointers(key, pointers, t),
            References::BucketState => self.mark_alloc_key(key, t),
            References::Stripe(blocks) => self.mark_stripe(key, blocks, t),
            References::Inode => {
                let one = if t.has(BTREE_TRIGGER_OVERWRITE) { u64::MAX } else { 1 };
                let nr = &mut self.usage.head.nr_inodes;
                *nr = nr.wrapping_add(one);
                Ok(())
            }
            References::Reservation(Some(reservation)) => {
                self.mark_reservation(reservation, t.sectors);
                Ok(())
            }
            References::Reservation(None) => Err(self.bad(BadReference::Value, Some(key))),
            References::Nothing | References::Unknown => Ok(()),
        }
    }

    fn mark_reservation(&mut self, r: Reservation, sectors: i64) {
        let sectors = to_bits(sectors.wrapping_mul(i64::from(r.replicas)));
        let head = &mut self.usage.head;
        head.reserved = head.reserved.wrapping_add(sectors);
        if let Some(v) = head.persistent_reserved.get_mut(r.level()) {
            *v = v.wrapping_add(sectors);
        }
    }

    /// Reports a reference that cannot be followed.
    #[cold]
    fn bad(&mut self, what: BadReference, key: Option<KeyRef<'_>>) -> MarkError {
        let text = key.map(|k| self.key_text(k)).unwrap_or_default();
        let finding = Finding::Marking(Marking::Bad { what, key: text.as_str() });
        self.sink.inconsistent(&finding);
        MarkError::Bad(what)
    }

    #[cold]
    fn key_text(&self, key: KeyRef<'_>) -> KeyText {
        let is_stale = |p: ExtentPtr| {
            let bucket = self.buckets.geometry(p.dev()).map(|g| g.bucket_nr(p.offset()));
            let live = bucket.and_then(|b| self.buckets.live_gen(p.dev(), b));
            live.is_some_and(|gen_| ptr_stale(gen_, p.gen_()) != 0)
        };
        KeyText::of(&KeyDisplay { key, is_stale })
    }

    /// Accounts a bucket's change in its device's usage.
    #[inline]
    fn bucket_changed(
        &mut self,
        dev: u8,
        geometry: super::device::Geometry,
        old: BucketMark,
        new: BucketMark,
    ) {
        if let Some(usage) = self.devs.as_deref_mut().and_then(|d| d.get_mut(usize::from(dev))) {
            let hidden = &mut self.usage.head.hidden;
            super::usage::bucket_changed(usage, hidden, geometry, old, new);
        }
    }
}

/// The mark with the journal sequence of a change, if it has one.
#[inline]
fn with_journal_seq(mark: BucketMark, seq: u64) -> BucketMark {
    if seq == 0 {
        return mark;
    }
    mark.with_journal_seq_valid(true).with_journal_seq(crate::layout::bits::low16(seq))
}
