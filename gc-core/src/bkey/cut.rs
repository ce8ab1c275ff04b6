// SPDX-License-Identifier: GPL-2.0-only
//! Cutting extents: what the value must become when a key loses its front or
//! its back.

use super::entries::{Entries, Entry};
use super::key_ref::entry_range;
use super::key_types::RefersTo;
use crate::layout::DataType;
use crate::layout::bits::low16;
use crate::layout::bkey::{Bkey, KeyType};
use crate::layout::position::Bpos;

/// An extent that no cut can be made in: the place is outside it, or what is
/// left would be larger than an extent can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotInside;

/// Bytes of inline data a sector.
const SECTOR_SHIFT: u32 = 9;
/// u64s of inline data a sector.
const SECTOR_U64S: u64 = 64;

impl Bkey {
    /// Moves the start of an extent to `to`; the value must follow by
    /// [`cut_value_front`] with the sectors returned, its length by the caller.
    ///
    /// # Errors
    /// If `to` is not in the extent. A place at or before its start is no error:
    /// nothing is cut.
    pub fn cut_front(&mut self, to: Bpos) -> Result<u64, NotInside> {
        let start = self.start_pos();
        if to <= start {
            return Ok(0);
        }
        let p = self.p;
        if to.inode != p.inode || to.snapshot != p.snapshot {
            return Err(NotInside);
        }
        let left = { p.offset }.checked_sub(to.offset).ok_or(NotInside)?;
        let left = u32::try_from(left).map_err(|_| NotInside)?;
        let cut = self.size.checked_sub(left).ok_or(NotInside)?;
        self.size = left;
        if left == 0 {
            self.type_ = KeyType::DELETED;
        }
        Ok(u64::from(cut))
    }

    /// Moves the end of an extent to `to`.
    ///
    /// # Errors
    /// If `to` is before the extent. A place at or behind its end is no error:
    /// nothing is cut.
    pub fn cut_back(&mut self, to: Bpos) -> Result<(), NotInside> {
        if to >= self.p {
            return Ok(());
        }
        let start = self.start_pos();
        if to.inode != start.inode || to.snapshot != start.snapshot {
            return Err(NotInside);
        }
        let left = { to.offset }.checked_sub(start.offset).ok_or(NotInside)?;
        self.size = u32::try_from(left).map_err(|_| NotInside)?;
        self.p = to;
        if self.size == 0 {
            self.type_ = KeyType::DELETED;
        }
        Ok(())
    }
}

/// Length of the value of a key once `front` sectors were cut off before it and
/// its size is what it is now, in u64s.
#[must_use]
pub fn cut_value_len(k: &Bkey, val_u64s: usize, front: u64) -> usize {
    match k.type_ {
        KeyType::DELETED => 0,
        KeyType::INLINE_DATA => {
            let gone = usize::try_from(front.saturating_mul(SECTOR_U64S)).unwrap_or(usize::MAX);
            let most = usize::try_from(u64::from(k.size).saturating_mul(SECTOR_U64S));
            val_u64s.saturating_sub(gone).min(most.unwrap_or(usize::MAX))
        }
        _ => val_u64s,
    }
}

/// Makes the value of a key, of its old length, follow a cut of `front` sectors.
pub fn cut_value_front(type_: KeyType, v: &mut [u64], front: u64) {
    if front == 0 {
        return;
    }
    match type_ {
        KeyType::REFLINK_P => {
            if let Some(idx) = v.first_mut() {
                *idx = idx.wrapping_add(front);
            }
        }
        KeyType::INLINE_DATA => {
            let gone = front
                .checked_shl(SECTOR_SHIFT)
                .map_or(usize::MAX, |bytes| usize::try_from(bytes / 8).unwrap_or(usize::MAX));
            let gone = gone.min(v.len());
            v.rotate_left(gone);
        }
        t if matches!(RefersTo::of(t), RefersTo::Pointers { holds: DataType::USER, .. }) => {
            cut_entries(type_, v, front);
        }
        _ => {}
    }
}

/// Pointers move where no checksum holds for them; where one does, it says how
/// far the live data starts behind them.
fn cut_entries(type_: KeyType, v: &mut [u64], front: u64) {
    let range = entry_range(type_, v);
    let words = v.get_mut(range).unwrap_or_default();
    let mut at = 0;
    let mut seen_crc = false;
    loop {
        let mut entries = Entries::new(words.get(at..).unwrap_or_default());
        let Some(entry) = entries.next() else { break };
        let next = words.len().saturating_sub(entries.rest().len());
        let add = low16(front);
        let changed = match entry {
            Entry::Ptr(p) if !seen_crc => Some(p.with_offset(p.offset().wrapping_add(front)).0),
            Entry::Ptr(_) | Entry::StripePtr(_) => None,
            Entry::Crc32(c) => Some(c.with_offset(c.offset().wrapping_add(add)).0),
            Entry::Crc64(c) => Some(c.with_offset(c.offset().wrapping_add(add)).w0),
            Entry::Crc128(c) => Some(c.with_offset(c.offset().wrapping_add(add)).w0),
        };
        seen_crc |= entry.crc(0).is_some();
        if let (Some(word), Some(to)) = (changed, words.get_mut(at)) {
            *to = word;
        }
        at = next;
    }
}
