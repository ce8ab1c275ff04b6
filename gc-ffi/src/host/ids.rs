// SPDX-License-Identifier: GPL-2.0-only
//! The numbers of the engine's enums are those of the header.

use gc_core::host::{CoalesceFail, Flag, Level, Lock, Param, Trace};
use gc_host_sys as sys;
use static_assertions::const_assert;

/// Compares each number with that of the header.
macro_rules! same_numbers {
    ($($here:expr => $there:ident,)*) => {
        $(const_assert!($here.number() == sys::$there);)*
    };
}

same_numbers! {
    Lock::StateRead => GC_HOST_LOCK_STATE_READ,
    Lock::GcRead => GC_HOST_LOCK_GC_READ,
    Lock::GcWrite => GC_HOST_LOCK_GC_WRITE,
    Lock::MarkRead => GC_HOST_LOCK_MARK_READ,
    Lock::MarkWrite => GC_HOST_LOCK_MARK_WRITE,
    Lock::Sb => GC_HOST_LOCK_SB,
    Lock::BtreeRoot => GC_HOST_LOCK_BTREE_ROOT,
    Lock::Freelist => GC_HOST_LOCK_FREELIST,
    Flag::FixedGens => GC_HOST_FLAG_FIXED_GENS,
    Flag::RebuildReplicas => GC_HOST_FLAG_REBUILD_REPLICAS,
    Param::ExpensiveDebugChecks => GC_HOST_PARAM_EXPENSIVE_DEBUG_CHECKS,
    Param::TestRestartGc => GC_HOST_PARAM_TEST_RESTART_GC,
    Param::JournalSeqVerify => GC_HOST_PARAM_JOURNAL_SEQ_VERIFY,
    Param::RewriteDisabled => GC_HOST_PARAM_REWRITE_DISABLED,
    Param::AlwaysRewrite => GC_HOST_PARAM_ALWAYS_REWRITE,
    Param::Periodic => GC_HOST_PARAM_PERIODIC,
    Param::ThreadFullGc => GC_HOST_PARAM_THREAD_FULL_GC,
    Param::UpdatesBesideGc => GC_HOST_PARAM_UPDATES_BESIDE_GC,
    Param::Lends => GC_HOST_PARAM_LENDS,
    Trace::GcStart => GC_HOST_TRACE_GC_START,
    Trace::GcEnd => GC_HOST_TRACE_GC_END,
    Trace::CoalesceStart => GC_HOST_TRACE_COALESCE_START,
    Trace::CoalesceEnd => GC_HOST_TRACE_COALESCE_END,
    Level::Err => GC_HOST_LOG_ERR,
    Level::Info => GC_HOST_LOG_INFO,
    CoalesceFail::Reserve => GC_HOST_COALESCE_FAIL_RESERVE,
    CoalesceFail::Memory => GC_HOST_COALESCE_FAIL_MEMORY,
    CoalesceFail::Format => GC_HOST_COALESCE_FAIL_FORMAT,
}
