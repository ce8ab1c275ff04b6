// SPDX-License-Identifier: GPL-2.0-only
//! How far mark and sweep has come: one type, one order, and the seqlock behind
//! which other threads read it.
//!
//! An updater that moves a reference asks whether gc is already past it
//! (`gc_visited` on the C side) and then accounts for the move in the gc arrays
//! too. That is right only if gc never goes back and if a reference only ever
//! moves forward in this order (`docs/design.md`).

use crate::error::{Error, Result};
use crate::host::{GcPosCell, GcWrite, Held, Level, Log, State};
use crate::layout::btree::BTREE_MAX_DEPTH;
use crate::layout::{Bpos, BtreeId, GcPhase, GcPos, POS_MAX, POS_MIN};
use crate::sync::{AtomicU32, Ordering as Mem, fence, spin_loop};
use core::cmp::Ordering;

impl Ord for GcPos {
    fn cmp(&self, other: &Self) -> Ordering {
        self.phase
            .0
            .cmp(&other.phase.0)
            .then_with(|| self.pos.cmp(&other.pos))
            .then_with(|| self.level.cmp(&other.level))
    }
}

impl PartialOrd for GcPos {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Btrees in the order in which gc walks them.
pub const BTREES: [(BtreeId, GcPhase); 8] = [
    (BtreeId::EC, GcPhase::BTREE_EC),
    (BtreeId::EXTENTS, GcPhase::BTREE_EXTENTS),
    (BtreeId::INODES, GcPhase::BTREE_INODES),
    (BtreeId::DIRENTS, GcPhase::BTREE_DIRENTS),
    (BtreeId::XATTRS, GcPhase::BTREE_XATTRS),
    (BtreeId::ALLOC, GcPhase::BTREE_ALLOC),
    (BtreeId::QUOTAS, GcPhase::BTREE_QUOTAS),
    (BtreeId::REFLINK, GcPhase::BTREE_REFLINK),
];

/// Start of a phase.
#[must_use]
pub const fn phase(phase: GcPhase) -> GcPos {
    GcPos { phase, pos: POS_MIN, level: 0 }
}

/// Pointers within a node: its own key's position and its level.
#[must_use]
pub fn node(phase: GcPhase, pos: Bpos, level: u8) -> GcPos {
    GcPos { phase, pos, level: u32::from(level) }
}

/// The pointer to a root: after every node, also of a tree that grows meanwhile.
#[must_use]
pub fn root(phase: GcPhase) -> GcPos {
    GcPos { phase, pos: POS_MAX, level: u32::from(BTREE_MAX_DEPTH) }
}

/// An open bucket, or (0) all that the allocator holds in its fifos.
#[must_use]
pub fn allocator(open_bucket: u32) -> GcPos {
    GcPos { phase: GcPhase::ALLOC, pos: Bpos::new(u64::from(open_bucket), 0), level: 0 }
}

/// Words of a position as they lie in memory.
fn words(pos: GcPos) -> [u32; 7] {
    let Bpos { snapshot, offset, inode } = pos.pos;
    let halves = |v: u64| {
        let [a, b, c, d, e, f, g, h] = v.to_le_bytes();
        (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
    };
    let (offset_lo, offset_hi) = halves(offset);
    let (inode_lo, inode_hi) = halves(inode);
    [pos.phase.0, snapshot, offset_lo, offset_hi, inode_lo, inode_hi, pos.level]
}

/// Writes a position so that a reader sees all of it or tries again. One writer.
pub fn seqlock_write(cell: GcPosCell<'_>, pos: GcPos) {
    let seq = cell.seq.load(Mem::Relaxed);
    cell.seq.store(seq.wrapping_add(1), Mem::Relaxed);
    // Whoever sees a word below sees an odd sequence, or a later one.
    fence(Mem::Release);
    for (to, word) in cell.words.iter().zip(words(pos)) {
        to.store(word, Mem::Relaxed);
    }
    // Whoever sees the even sequence sees every word.
    cell.seq.store(seq.wrapping_add(2), Mem::Release);
}

/// Reads a position; retries while it is being written.
#[must_use]
pub fn seqlock_read(cell: GcPosCell<'_>) -> GcPos {
    loop {
        let seq = cell.seq.load(Mem::Acquire);
        let [phase, snapshot, ol, oh, il, ih, level] =
            cell.words.each_ref().map(|w: &AtomicU32| w.load(Mem::Relaxed));
        fence(Mem::Acquire);
        // Odd while it is written; another one if it was written meanwhile.
        if seq & 1 == 0 && cell.seq.load(Mem::Relaxed) == seq {
            let join = |lo: u32, hi: u32| u64::from(lo) | (u64::from(hi) << 32);
            return GcPos {
                phase: GcPhase(phase),
                pos: Bpos { snapshot, offset: join(ol, oh), inode: join(il, ih) },
                level,
            };
        }
        spin_loop();
    }
}

/// The position of a run: only ever forward, until it is reset.
pub struct Position<'h, H: Log + State + ?Sized> {
    host: &'h H,
    cell: GcPosCell<'h>,
    now: GcPos,
}

impl<'h, H: Log + State + ?Sized> Position<'h, H> {
    /// The position as it is; only who holds the gc lock writes it.
    ///
    /// # Errors
    /// That of [`State::gc_pos`].
    pub fn new(host: &'h H, _gc: &'h Held<GcWrite>) -> Result<Self> {
        let cell = host.gc_pos()?;
        Ok(Self { host, cell, now: seqlock_read(cell) })
    }

    /// Where the run is.
    #[must_use]
    pub fn now(&self) -> GcPos {
        self.now
    }

    /// Moves on.
    ///
    /// # Errors
    /// `EINVAL` where that would be no move forward; the position stays.
    pub fn advance(&mut self, to: GcPos) -> Result<()> {
        if to <= self.now {
            self.host.log(
                Level::Err,
                format_args!("gc position would go back: from {:?} to {to:?}", self.now),
            );
            return Err(Error::INVAL);
        }
        self.set(to);
        Ok(())
    }

    /// No run is under way.
    pub fn reset(&mut self) {
        self.set(phase(GcPhase::NOT_RUNNING));
    }

    fn set(&mut self, to: GcPos) {
        seqlock_write(self.cell, to);
        self.now = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::gc_pos::GC_PHASES;
    use std::vec::Vec;

    // Oracle: the order of references of docs/design.md, written out.
    #[test]
    fn references_in_order() {
        let ext = GcPhase::BTREE_EXTENTS;
        let order = [
            phase(GcPhase::NOT_RUNNING),
            phase(GcPhase::START),
            phase(GcPhase::SB),
            root(GcPhase::BTREE_EC),
            phase(ext),
            node(ext, Bpos::new(1, 5), 0),
            node(ext, Bpos::new(2, 0), 0),
            node(ext, Bpos::new(2, 0), 1),
            node(ext, POS_MAX, 0),
            node(ext, POS_MAX, 3),
            root(ext),
            phase(GcPhase::BTREE_INODES),
            root(GcPhase::BTREE_REFLINK),
            phase(GcPhase::PENDING_DELETE),
            allocator(0),
            allocator(1),
            allocator(1023),
        ];
        for (i, l) in order.iter().enumerate() {
            for (j, r) in order.iter().enumerate() {
                assert_eq!(l.cmp(r), i.cmp(&j), "{l:?} {r:?}");
            }
        }
    }

    // Oracle: phases of btrees as the table of numbers has them: 3 to 10, each once.
    #[test]
    fn every_btree_has_its_phase() {
        let phases: Vec<u32> = BTREES.iter().map(|(_, p)| p.0).collect();
        assert_eq!(phases, (3..=10).collect::<Vec<_>>());
        let mut ids: Vec<u8> = BTREES.iter().map(|(id, _)| id.0).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..8).collect::<Vec<_>>());
        assert_eq!(GC_PHASES.len(), 13);
    }

    // Oracle: what was written is read, and the sequence stays even and moves by two.
    #[test]
    fn seqlock_keeps_what_it_was_given() {
        let seq = AtomicU32::new(u32::MAX - 1);
        let words: [AtomicU32; 7] = core::array::from_fn(|_| AtomicU32::new(0));
        let cell = GcPosCell { seq: &seq, words: &words };
        let pos = GcPos {
            phase: GcPhase::BTREE_ALLOC,
            pos: Bpos { snapshot: 3, offset: u64::MAX - 1, inode: 1 << 40 },
            level: 2,
        };
        seqlock_write(cell, pos);
        assert_eq!(seqlock_read(cell), pos);
        assert_eq!(seq.load(Mem::Relaxed), 0);
    }
}
