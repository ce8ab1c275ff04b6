// SPDX-License-Identifier: GPL-2.0-only
//! Positions in a btree and versions of keys.

use super::describe::layouts;
use core::cmp::Ordering;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A position in a btree (`struct bpos`).
///
/// The order is inode, then offset, then snapshot: the three as one large
/// number, the snapshot its lowest digit (source: `bkey_cmp`). The fields are
/// stored lowest digit first.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C, packed(4))]
pub struct Bpos {
    /// Snapshot; always 0 in this format version, yet it takes part in the order.
    pub snapshot: u32,
    /// For extents the end of the extent, in sectors.
    pub offset: u64,
    /// Inode, device or other major part of the key.
    pub inode: u64,
}

/// The least position.
pub const POS_MIN: Bpos = Bpos::new(0, 0);
/// The greatest position with snapshot 0 (source: `POS_MAX`, whose snapshot is
/// 0 and not the largest).
pub const POS_MAX: Bpos = Bpos::new(u64::MAX, u64::MAX);

impl Bpos {
    /// A position with snapshot 0 (source: `POS`).
    #[inline]
    #[must_use]
    pub const fn new(inode: u64, offset: u64) -> Self {
        Self { snapshot: 0, offset, inode }
    }

    /// The next position by offset, carrying into the inode; the snapshot stays
    /// as it is. `None` where the original stops the program: after the last
    /// offset of the last inode (source: `bkey_successor`).
    #[inline]
    #[must_use]
    pub const fn successor(self) -> Option<Self> {
        if self.offset != u64::MAX {
            return Some(Self { offset: self.offset.wrapping_add(1), ..self });
        }
        match self.inode.checked_add(1) {
            Some(inode) => Some(Self { offset: 0, inode, ..self }),
            None => None,
        }
    }

    /// The position before by offset, borrowing from the inode; `None` before
    /// the first (source: `bkey_predecessor`).
    #[inline]
    #[must_use]
    pub const fn predecessor(self) -> Option<Self> {
        if self.offset != 0 {
            return Some(Self { offset: self.offset.wrapping_sub(1), ..self });
        }
        match self.inode.checked_sub(1) {
            Some(inode) => Some(Self { offset: u64::MAX, inode, ..self }),
            None => None,
        }
    }
}

impl Ord for Bpos {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let (l, r) = (*self, *other);
        let (li, ri) = (l.inode, r.inode);
        let (lo, ro) = (l.offset, r.offset);
        let (ls, rs) = (l.snapshot, r.snapshot);
        li.cmp(&ri).then_with(|| lo.cmp(&ro)).then_with(|| ls.cmp(&rs))
    }
}

impl PartialOrd for Bpos {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl core::fmt::Debug for Bpos {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { snapshot, offset, inode } = *self;
        write!(f, "{inode}:{offset}:{snapshot}")
    }
}

/// [`Bpos::successor`] by the name of the original.
#[inline]
#[must_use]
pub const fn bkey_successor(p: Bpos) -> Option<Bpos> {
    p.successor()
}

/// Version of a key (`struct bversion`); ordered by `hi`, then `lo`.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C, packed(4))]
pub struct Bversion {
    /// Low 64 bits.
    pub lo: u64,
    /// High 32 bits.
    pub hi: u32,
}

impl Bversion {
    /// The version that means none.
    pub const ZERO: Self = Self { lo: 0, hi: 0 };
    /// The greatest version.
    pub const MAX: Self = Self { lo: u64::MAX, hi: u32::MAX };

    /// Whether this is [`Self::ZERO`].
    #[inline]
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.lo == 0 && self.hi == 0
    }
}

impl Ord for Bversion {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let (l, r) = (*self, *other);
        let (lh, rh) = (l.hi, r.hi);
        let (ll, rl) = (l.lo, r.lo);
        lh.cmp(&rh).then_with(|| ll.cmp(&rl))
    }
}

impl PartialOrd for Bversion {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl core::fmt::Debug for Bversion {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { lo, hi } = *self;
        write!(f, "{hi}:{lo}")
    }
}

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    Bpos = "struct bpos" size 20 align 4 { snapshot = 0, offset = 4, inode = 12 }
    Bversion = "struct bversion" size 12 align 4 { lo = 0, hi = 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: a position read as one 160-bit number, most significant part first.
    #[test]
    fn order_is_that_of_one_large_number() {
        let edge = [0_u64, 1, u64::MAX];
        let snap = [0_u32, 1, u32::MAX];
        let mut all = std::vec::Vec::new();
        for inode in edge {
            for offset in edge {
                for snapshot in snap {
                    all.push(Bpos { snapshot, offset, inode });
                }
            }
        }
        for l in &all {
            for r in &all {
                let wide = |p: &Bpos| {
                    let mut b = std::vec::Vec::new();
                    b.extend_from_slice(&{ p.inode }.to_be_bytes());
                    b.extend_from_slice(&{ p.offset }.to_be_bytes());
                    b.extend_from_slice(&{ p.snapshot }.to_be_bytes());
                    b
                };
                assert_eq!(l.cmp(r), wide(l).cmp(&wide(r)), "{l:?} {r:?}");
            }
        }
    }

    // Oracle: carrying by hand at the ends of both digits.
    #[test]
    fn successor_carries_and_stops() {
        let p = |inode, offset| Bpos { snapshot: 7, offset, inode };
        assert_eq!(p(1, 2).successor(), Some(p(1, 3)));
        assert_eq!(p(1, u64::MAX - 1).successor(), Some(p(1, u64::MAX)));
        assert_eq!(p(1, u64::MAX).successor(), Some(p(2, 0)));
        assert_eq!(p(1, 1).predecessor(), Some(p(1, 0)));
        assert_eq!(POS_MAX.successor(), None);
        assert_eq!(p(2, 0).predecessor(), Some(p(1, u64::MAX)));
        assert_eq!(POS_MIN.predecessor(), None);
    }
}
