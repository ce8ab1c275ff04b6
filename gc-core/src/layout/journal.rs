// SPDX-License-Identifier: GPL-2.0-only
//! Keys of the journal that a walk lays over the btrees.

use super::bkey::BkeyI;
use super::describe::{BitField, layouts};

/// One key read from the journal (`struct journal_key`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct JournalKey {
    /// Btree.
    pub btree_id: u8,
    /// Level.
    pub level: u8,
    /// Unused.
    pub pad: [u8; 6],
    /// The key.
    pub k: *mut BkeyI,
    /// Journal entry, counted from the base.
    pub journal_seq: u32,
    /// Place in the entry.
    pub journal_offset: u32,
}

/// All keys of the journal, sorted by btree, level and position
/// (`struct journal_keys`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct JournalKeys {
    /// The keys.
    pub d: *mut JournalKey,
    /// Their number.
    pub nr: usize,
    /// What `journal_seq` counts from.
    pub journal_seq_base: u64,
}

/// Bit fields of this area.
pub const BITS: &[BitField] = &[
    BitField { c_struct: "struct journal_key", field: "btree_id", lo: 0, hi: 7 },
    BitField { c_struct: "struct journal_key", field: "level", lo: 8, hi: 15 },
];

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    JournalKey = "struct journal_key" size 24 align 8 {
        k = 8, journal_seq = 16, journal_offset = 20
    }
    JournalKeys = "struct journal_keys" size 24 align 8 { d = 0, nr = 8, journal_seq_base = 16 }
}

static_assertions::const_assert_eq!(core::mem::offset_of!(JournalKey, btree_id), 0);
static_assertions::const_assert_eq!(core::mem::offset_of!(JournalKey, level), 1);
