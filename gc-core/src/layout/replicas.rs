// SPDX-License-Identifier: GPL-2.0-only
//! Sets of devices that hold the same data.

use super::bucket::DataType;
use super::describe::{layouts, numbers, on_disk};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Head of a set of devices (`struct bch_replicas_entry`); `nr_devs` device
/// indexes follow, sorted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct ReplicasEntry {
    /// What is stored there.
    pub data_type: DataType,
    /// Number of devices.
    pub nr_devs: u8,
    /// Devices needed to read it.
    pub nr_required: u8,
    /// The device indexes.
    pub devs: [u8; 0],
}

/// Head of a set of devices in its first form (`struct bch_replicas_entry_v0`): one
/// device is needed to read it. `nr_devs` device indexes follow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct ReplicasEntryV0 {
    /// What is stored there.
    pub data_type: DataType,
    /// Number of devices.
    pub nr_devs: u8,
}

impl From<ReplicasEntryV0> for ReplicasEntry {
    fn from(e: ReplicasEntryV0) -> Self {
        Self { data_type: e.data_type, nr_devs: e.nr_devs, nr_required: 1, devs: [] }
    }
}

impl From<ReplicasEntry> for ReplicasEntryV0 {
    fn from(e: ReplicasEntry) -> Self {
        Self { data_type: e.data_type, nr_devs: e.nr_devs }
    }
}

/// A set of devices with room for the largest (`struct bch_replicas_padded`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct ReplicasPadded {
    /// The head.
    pub e: ReplicasEntry,
    /// The device indexes.
    pub pad: [u8; 16],
}

/// The table of sets (`struct bch_replicas_cpu`).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ReplicasCpu {
    /// Number of sets.
    pub nr: u32,
    /// Bytes from one set to the next.
    pub entry_size: u32,
    /// The sets, sorted.
    pub entries: *mut ReplicasEntry,
}

on_disk! {
    ReplicasEntryV0 size 2 { data_type = 0, nr_devs = 1 }
}

numbers! {
    /// Limits of replicas.
    pub const NUMBERS;
    /// Replicas of one extent.
    BCH_REPLICAS_MAX: usize = 4;
    /// Blocks of a stripe.
    EC_STRIPE_MAX: usize = 16;
}

layouts! {
    /// Layouts of this area.
    pub const STRUCTS;
    ReplicasEntry = "struct bch_replicas_entry" size 3 align 1 {
        data_type = 0, nr_devs = 1, nr_required = 2, devs = 3
    }
    ReplicasPadded = "struct bch_replicas_padded" size 19 align 1 { e = 0, pad = 3 }
    ReplicasCpu = "struct bch_replicas_cpu" size 16 align 8 { nr = 0, entry_size = 4, entries = 8 }
}
