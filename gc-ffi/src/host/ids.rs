// SPDX-License-Identifier: GPL-2.0-only
//! Numbers of the header for what the engine names.

use gc_core::host::{Flag, Lock, Param, Trace};
use gc_host_sys as sys;

pub(super) const fn lock_id(which: Lock) -> u32 {
    match which {
        Lock::StateRead => sys::GC_HOST_LOCK_STATE_READ,
        Lock::GcRead => sys::GC_HOST_LOCK_GC_READ,
        Lock::GcWrite => sys::GC_HOST_LOCK_GC_WRITE,
        Lock::MarkRead => sys::GC_HOST_LOCK_MARK_READ,
        Lock::MarkWrite => sys::GC_HOST_LOCK_MARK_WRITE,
        Lock::Sb => sys::GC_HOST_LOCK_SB,
        Lock::BtreeRoot => sys::GC_HOST_LOCK_BTREE_ROOT,
        Lock::Freelist => sys::GC_HOST_LOCK_FREELIST,
    }
}

pub(super) const fn flag_id(flag: Flag) -> u32 {
    match flag {
        Flag::FixedGens => sys::GC_HOST_FLAG_FIXED_GENS,
        Flag::RebuildReplicas => sys::GC_HOST_FLAG_REBUILD_REPLICAS,
    }
}

pub(super) const fn param_id(param: Param) -> u32 {
    match param {
        Param::ExpensiveDebugChecks => sys::GC_HOST_PARAM_EXPENSIVE_DEBUG_CHECKS,
        Param::TestRestartGc => sys::GC_HOST_PARAM_TEST_RESTART_GC,
        Param::JournalSeqVerify => sys::GC_HOST_PARAM_JOURNAL_SEQ_VERIFY,
        Param::RewriteDisabled => sys::GC_HOST_PARAM_REWRITE_DISABLED,
        Param::AlwaysRewrite => sys::GC_HOST_PARAM_ALWAYS_REWRITE,
        Param::Periodic => sys::GC_HOST_PARAM_PERIODIC,
        Param::ThreadFullGc => sys::GC_HOST_PARAM_THREAD_FULL_GC,
        Param::UpdatesBesideGc => sys::GC_HOST_PARAM_UPDATES_BESIDE_GC,
        Param::Lends => sys::GC_HOST_PARAM_LENDS,
    }
}

pub(super) const fn trace_id(event: Trace) -> u32 {
    match event {
        Trace::GcStart => sys::GC_HOST_TRACE_GC_START,
        Trace::GcEnd => sys::GC_HOST_TRACE_GC_END,
        Trace::CoalesceStart => sys::GC_HOST_TRACE_COALESCE_START,
        Trace::CoalesceEnd => sys::GC_HOST_TRACE_COALESCE_END,
    }
}
