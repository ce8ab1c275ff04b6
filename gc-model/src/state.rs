// SPDX-License-Identifier: GPL-2.0-only
//! Flags, parameters and counters of the file system.

use crate::Model;
use gc_core::host::{Flag, Param};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};

/// Small state, each on its own.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) flags: AtomicU32,
    pub(crate) params: AtomicU32,
    pub(crate) compat: AtomicU64,
    pub(crate) key_version: AtomicU64,
    /// Version of keys to be inserted.
    pub(crate) insert_version: AtomicU64,
    pub(crate) journal_seq: AtomicU64,
    pub(crate) gc_count: AtomicU64,
    pub(crate) journal_blocked: AtomicBool,
    pub(crate) walks: AtomicUsize,
    node_turn: AtomicUsize,
    node_seq: AtomicU64,
}

/// What of the second arrays is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GcArrays {
    /// Devices with second buckets.
    pub buckets: usize,
    /// Devices with a second usage.
    pub usage: usize,
    /// The second table of stripes.
    pub stripes: bool,
    /// The second usage of the file system.
    pub fs_usage: bool,
}

const fn bit(n: u32) -> u32 {
    1_u32.wrapping_shl(n)
}

const fn flag_bit(flag: Flag) -> u32 {
    bit(match flag {
        Flag::FixedGens => 0,
        Flag::RebuildReplicas => 1,
    })
}

const fn param_bit(param: Param) -> u32 {
    bit(match param {
        Param::ExpensiveDebugChecks => 0,
        Param::TestRestartGc => 1,
        Param::JournalSeqVerify => 2,
        Param::RewriteDisabled => 3,
        Param::AlwaysRewrite => 4,
        Param::Periodic => 5,
        Param::ThreadFullGc => 6,
        Param::UpdatesBesideGc => 7,
        Param::Lends => 8,
    })
}

fn set(word: &AtomicU32, bit: u32, on: bool) {
    if on {
        word.fetch_or(bit, SeqCst);
    } else {
        word.fetch_and(!bit, SeqCst);
    }
}

impl Model {
    /// A flag of the file system.
    #[must_use]
    pub fn get_flag(&self, flag: Flag) -> bool {
        self.state.flags.load(SeqCst) & flag_bit(flag) != 0
    }

    /// Sets a flag of the file system.
    pub fn put_flag(&self, flag: Flag, on: bool) {
        set(&self.state.flags, flag_bit(flag), on);
    }

    /// A parameter.
    #[must_use]
    pub fn get_param(&self, param: Param) -> bool {
        self.state.params.load(SeqCst) & param_bit(param) != 0
    }

    /// Sets a parameter.
    pub fn set_param(&self, param: Param, on: bool) {
        set(&self.state.params, param_bit(param), on);
    }

    /// Sets the superblock's compat features.
    pub fn set_compat(&self, compat: u64) {
        self.state.compat.store(compat, SeqCst);
    }

    /// Sets the journal's current sequence.
    pub fn set_journal_seq(&self, seq: u64) {
        self.state.journal_seq.store(seq, SeqCst);
    }

    /// Highest key version recorded.
    #[must_use]
    pub fn recorded_key_version(&self) -> u64 {
        self.state.key_version.load(SeqCst)
    }

    /// Sets it.
    pub fn record_key_version(&self, version: u64) {
        self.state.key_version.store(version, SeqCst);
    }

    /// Version of keys inserted from now on.
    pub fn set_insert_version(&self, version: u64) {
        self.state.insert_version.store(version, SeqCst);
    }

    /// How often a gc or a pass over generations was completed.
    #[must_use]
    pub fn gc_count(&self) -> u64 {
        self.state.gc_count.load(SeqCst)
    }

    /// The second arrays that are there.
    #[must_use]
    pub fn gc_arrays(&self) -> GcArrays {
        let mut all = GcArrays {
            stripes: crate::sync::lock(&self.stripes).gc.is_some(),
            fs_usage: self.usage.has_gc(),
            ..GcArrays::default()
        };
        for dev in self.devices.iter() {
            let (buckets, usage) = dev.has_gc();
            all.buckets = all.buckets.saturating_add(usize::from(buckets));
            all.usage = all.usage.saturating_add(usize::from(usage));
        }
        all
    }

    pub(crate) fn next_node_turn(&self) -> usize {
        self.state.node_turn.fetch_add(1, SeqCst)
    }

    pub(crate) fn next_node_seq(&self) -> u64 {
        self.state.node_seq.fetch_add(1, SeqCst).wrapping_add(1)
    }
}
