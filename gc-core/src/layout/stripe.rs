// SPDX-License-Identifier: GPL-2.0-only
//! Stripes in memory.

use super::bucket::DataType;
use super::describe::{BitField, layouts};
use super::replicas::{ReplicasEntry, ReplicasPadded};

/// A stripe in memory (`struct stripe`), one an index of the stripes btree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Stripe {
    /// Place in the heap of stripes.
    pub heap_idx: usize,
    /// Sectors of a block.
    pub sectors: u16,
    /// Algorithm.
    pub algorithm: u8,
    /// Blocks, parity included.
    pub nr_blocks: u8,
    /// Parity blocks.
    pub nr_redundant: u8,
    /// Bit 0: alive, bit 1: dirty.
    pub flags: u8,
    /// Blocks that hold something.
    pub blocks_nonempty: u8,
    /// Sectors in use, by block.
    pub block_sectors: [u16; 16],
    /// The devices.
    pub r: ReplicasPadded,
}

const ALIVE: u8 = 1;
const DIRTY: u8 = 2;

impl Stripe {
    /// All zero: not alive.
    pub const ZERO: Self = Self {
        heap_idx: 0,
        sectors: 0,
        algorithm: 0,
        nr_blocks: 0,
        nr_redundant: 0,
        flags: 0,
        blocks_nonempty: 0,
        block_sectors: [0; 16],
        r: ReplicasPadded {
            e: ReplicasEntry { data_type: DataType::NONE, nr_devs: 0, nr_required: 0, devs: [] },
            pad: [0; 16],
        },
    };

    /// Whether the stripe exists.
    #[inline]
    #[must_use]
    pub const fn alive(&self) -> bool {
        self.flags & ALIVE != 0
    }

    /// Whether its block sectors changed since they were written.
    #[inline]
    #[must_use]
    pub const fn dirty(&self) -> bool {
        self.flags & DIRTY != 0
    }

    /// Sets or clears alive.
    #[inline]
    pub const fn set_alive(&mut self, on: bool) {
        self.flags = (self.flags & !ALIVE) | if on { ALIVE } else { 0 };
    }

    /// Sets or clears dirty.
    #[inline]
    pub const fn set_dirty(&mut self, on: bool) {
        self.flags = (self.flags & !DIRTY) | if on { DIRTY } else { 0 };
    }
}

/// Bit fields of this area.
pub const BITS: &[BitField] = &[
    BitField { c_struct: "struct stripe", field: "alive", lo: 104, hi: 104 },
    BitField { c_struct: "struct stripe", field: "dirty", lo: 105, hi: 105 },
];

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    Stripe = "struct stripe" size 72 align 8 {
        heap_idx = 0, sectors = 8, algorithm = 10, nr_blocks = 11, nr_redundant = 12,
        blocks_nonempty = 14, block_sectors = 16, r = 48
    }
}

static_assertions::const_assert_eq!(core::mem::offset_of!(Stripe, flags), 13);
