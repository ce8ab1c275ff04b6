// SPDX-License-Identifier: GPL-2.0-only
//! The place mark and sweep has reached, as the C side reads it. Its order is
//! the engine's business.

use super::describe::{layouts, open_enum};
use super::position::Bpos;
use core::sync::atomic::AtomicU32;

open_enum! {
    /// Phase of mark and sweep (`enum gc_phase`), in the order of references.
    pub struct GcPhase(u32);
    /// Numbers of the phases.
    pub const GC_PHASES;
    /// Nothing runs: less than every reference.
    NOT_RUNNING = 0, "GC_PHASE_NOT_RUNNING";
    /// Marks are being cleared.
    START = 1, "GC_PHASE_START";
    /// Superblocks and journal.
    SB = 2, "GC_PHASE_SB";
    /// Stripes.
    BTREE_EC = 3, "GC_PHASE_BTREE_EC";
    /// Extents.
    BTREE_EXTENTS = 4, "GC_PHASE_BTREE_EXTENTS";
    /// Inodes.
    BTREE_INODES = 5, "GC_PHASE_BTREE_INODES";
    /// Directory entries.
    BTREE_DIRENTS = 6, "GC_PHASE_BTREE_DIRENTS";
    /// Extended attributes.
    BTREE_XATTRS = 7, "GC_PHASE_BTREE_XATTRS";
    /// Bucket information.
    BTREE_ALLOC = 8, "GC_PHASE_BTREE_ALLOC";
    /// Quotas.
    BTREE_QUOTAS = 9, "GC_PHASE_BTREE_QUOTAS";
    /// Shared extents.
    BTREE_REFLINK = 10, "GC_PHASE_BTREE_REFLINK";
    /// Nodes about to be freed; kept in the order, never entered.
    PENDING_DELETE = 11, "GC_PHASE_PENDING_DELETE";
    /// The allocator's own buckets.
    ALLOC = 12, "GC_PHASE_ALLOC";
}

/// Place in the order of references (`struct gc_pos`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C)]
pub struct GcPos {
    /// Phase.
    pub phase: GcPhase,
    /// Position in the btree of the phase.
    pub pos: Bpos,
    /// Level in it.
    pub level: u32,
}

/// The sequence word that guards the position (`seqcount_t`), odd while it is
/// being written. C reads it: only ever through the atomic.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Seqcount(pub AtomicU32);

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    GcPos = "struct gc_pos" size 28 align 4 { phase = 0, pos = 4, level = 24 }
    Seqcount = "seqcount_t" size 4 align 4 {}
}
