// SPDX-License-Identifier: GPL-2.0-only
//! Heads of the values this crate reads. Entries follow directly behind.

use super::describe::layouts;
use super::extent::ExtentPtr;
use super::le::{Le16, Le32, Le64};
use super::position::Bpos;

/// Value of a pointer to a node (`struct bch_btree_ptr`): pointers only.
#[derive(Debug)]
#[repr(C)]
pub struct BtreePtr {
    /// The pointers.
    pub start: [ExtentPtr; 0],
}

/// Value of a pointer to a node, second form (`struct bch_btree_ptr_v2`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct BtreePtrV2 {
    /// Address of the node in memory; without meaning on disk.
    pub mem_ptr: u64,
    /// Sequence number the node must have.
    pub seq: Le64,
    /// Sectors written so far.
    pub sectors_written: Le16,
    /// Unused: size of the node in sectors.
    pub sectors: Le16,
    /// Least key the node may hold.
    pub min_key: Bpos,
    /// The pointers.
    pub start: [ExtentPtr; 0],
}

/// Value of an extent (`struct bch_extent`): entries only.
#[derive(Debug)]
#[repr(C)]
pub struct Extent {
    /// The entries.
    pub start: [u64; 0],
}

/// Value of a reservation (`struct bch_reservation`).
#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
pub struct Reservation {
    /// Generation.
    pub generation: Le32,
    /// Replicas reserved.
    pub nr_replicas: u8,
    /// Unused.
    pub pad: [u8; 3],
}

/// Head of the value of a stripe (`struct bch_stripe`); `nr_blocks` pointers
/// follow, then checksums, then the block sector counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct StripeValue {
    /// Sectors of a block.
    pub sectors: Le16,
    /// Algorithm.
    pub algorithm: u8,
    /// Blocks, parity included.
    pub nr_blocks: u8,
    /// Parity blocks.
    pub nr_redundant: u8,
    /// Granularity of checksums, as a power of two.
    pub csum_granularity_bits: u8,
    /// Checksum type.
    pub csum_type: u8,
    /// Unused.
    pub pad: u8,
    /// The pointers.
    pub ptrs: [ExtentPtr; 0],
}

/// Head of the value of a shared extent (`struct bch_reflink_v`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ReflinkV {
    /// References to it.
    pub refcount: Le64,
    /// The entries.
    pub start: [u64; 0],
}

/// Value of a pointer to a shared extent (`struct bch_reflink_p`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ReflinkP {
    /// First sector in the reflink btree.
    pub idx: Le64,
    /// Generation.
    pub reservation_generation: Le32,
    /// Replicas reserved.
    pub nr_replicas: u8,
    /// Unused.
    pub pad: [u8; 3],
}

/// Words before the pointers of a `btree_ptr_v2`.
pub const BTREE_PTR_V2_HEAD_U64S: usize = 5;
/// Words before the pointers of a stripe.
pub const STRIPE_HEAD_U64S: usize = 1;
/// Words before the entries of a shared extent.
pub const REFLINK_V_HEAD_U64S: usize = 1;

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    BtreePtr = "struct bch_btree_ptr" size 0 align 8 { start = 0; also "v" = 0, "_data" = 0 }
    BtreePtrV2 = "struct bch_btree_ptr_v2" size 40 align 8 {
        mem_ptr = 0, seq = 8, sectors_written = 16, sectors = 18, min_key = 20, start = 40;
        also "v" = 0, "_data" = 40
    }
    Extent = "struct bch_extent" size 0 align 8 { start = 0; also "v" = 0, "_data" = 0 }
    Reservation = "struct bch_reservation" size 8 align 8 {
        generation = 0, nr_replicas = 4, pad = 5; also "v" = 0
    }
    StripeValue = "struct bch_stripe" size 8 align 8 {
        sectors = 0, algorithm = 2, nr_blocks = 3, nr_redundant = 4, csum_granularity_bits = 5,
        csum_type = 6, pad = 7, ptrs = 8;
        also "v" = 0
    }
    ReflinkV = "struct bch_reflink_v" size 8 align 8 {
        refcount = 0, start = 8; also "v" = 0, "_data" = 8
    }
    ReflinkP = "struct bch_reflink_p" size 16 align 8 {
        idx = 0, reservation_generation = 8, nr_replicas = 12, pad = 13; also "v" = 0
    }
}
