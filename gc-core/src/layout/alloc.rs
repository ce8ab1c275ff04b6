// SPDX-License-Identifier: GPL-2.0-only
//! What the allocator keeps: open buckets, free lists; and lists of keys.

use super::describe::{BitField, layouts, numbers};
use super::extent::ExtentPtr;

/// A bucket being written (`struct open_bucket`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct OpenBucket {
    /// The C side's spin lock.
    pub lock: u32,
    /// Users.
    pub pin: u32,
    /// Next in the list of free slots.
    pub freelist: u16,
    /// Block of the stripe it belongs to.
    pub ec_idx: u8,
    /// Number of the data type.
    pub type_: u8,
    /// Bit 0: valid, bit 1: on the list of partly filled ones.
    pub flags: u8,
    /// Unused.
    pub pad: [u8; 3],
    /// Sectors left.
    pub sectors_free: u32,
    /// The place to write.
    pub ptr: ExtentPtr,
    /// The C side's stripe, or null.
    pub ec: *mut core::ffi::c_void,
}

/// Ring of bucket numbers (`alloc_fifo`); indexes are masked, not wrapped.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct AllocFifo {
    /// Index of the first.
    pub front: usize,
    /// Index after the last.
    pub back: usize,
    /// Capacity.
    pub size: usize,
    /// Mask for both indexes.
    pub mask: usize,
    /// The bucket numbers.
    pub data: *mut i64,
}

/// Growing list of keys (`struct keylist`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Keylist {
    /// First word.
    pub keys_p: *mut u64,
    /// Word after the last.
    pub top_p: *mut u64,
}

/// Place in a radix tree of the C side (`struct genradix_iter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct GenradixIter {
    /// Byte offset.
    pub offset: usize,
    /// Element index.
    pub pos: usize,
}

numbers! {
    /// Limits and reserves of the allocator.
    pub const NUMBERS;
    /// Slots for open buckets.
    OPEN_BUCKETS_COUNT: usize = 1024;
    /// Reserve for btree nodes.
    RESERVE_BTREE: usize = 0;
    /// Reserve for moving data.
    RESERVE_MOVINGGC: usize = 1;
    /// No reserve.
    RESERVE_NONE: usize = 2;
    /// Number of reserves.
    RESERVE_NR: usize = 3;
}

/// Bit fields of this area.
pub const BITS: &[BitField] = &[
    BitField { c_struct: "struct open_bucket", field: "valid", lo: 96, hi: 96 },
    BitField { c_struct: "struct open_bucket", field: "on_partial_list", lo: 97, hi: 97 },
];

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    OpenBucket = "struct open_bucket" size 40 align 8 {
        lock = 0, pin = 4, freelist = 8, ec_idx = 10, type_ as "type" = 11, sectors_free = 16,
        ptr = 24, ec = 32
    }
    AllocFifo = "alloc_fifo" size 40 align 8 { front = 0, back = 8, size = 16, mask = 24, data = 32 }
    Keylist = "struct keylist" size 16 align 8 {
        keys_p = 0, top_p = 8; also "keys" = 0, "top" = 8
    }
    GenradixIter = "struct genradix_iter" size 16 align 8 { offset = 0, pos = 8 }
}

static_assertions::const_assert_eq!(core::mem::offset_of!(OpenBucket, flags), 12);
