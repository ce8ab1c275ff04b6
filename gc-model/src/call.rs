// SPDX-License-Identifier: GPL-2.0-only
//! The calls a host serves, by the names of `include/bch_gc_host.h`.

macro_rules! calls {
    ($($name:ident = $text:literal $kind:ident;)*) => {
        /// A function of the host.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Call {
            $(#[doc = concat!("`gc_host_", $text, "`")] $name,)*
        }

        impl Call {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name without `gc_host_`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)* }
            }
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Cannot fail; kept in the list.
    Plain,
    /// Called for each key or bucket: counted only.
    Hot,
    /// Can fail; kept in the list.
    Fails,
    /// Can fail; counted only.
    HotFails,
}

calls! {
    Lock = "lock" Plain;
    Unlock = "unlock" Plain;
    LockUnlessStopping = "lock_unless_stopping" Plain;
    AssertHeld = "assert_held" Plain;
    AssertNoLocks = "assert_no_locks" Plain;
    FlagTest = "flag_test" Plain;
    FlagSet = "flag_set" Plain;
    Param = "param" Plain;
    SbCompat = "sb_compat" Plain;
    KeyVersion = "key_version" Plain;
    KeyVersionSet = "key_version_set" Plain;
    JournalCurSeq = "journal_cur_seq" Hot;
    GcPos = "gc_pos" Plain;
    GcCountInc = "gc_count_inc" Plain;
    WaitInteriorUpdates = "wait_interior_updates" Plain;
    JournalBlock = "journal_block" Plain;
    JournalUnblock = "journal_unblock" Plain;
    GcTime = "gc_time" Plain;
    WakeAllocators = "wake_allocators" Plain;
    Trace = "trace" Plain;
    Log = "log" Plain;
    FsckErr = "fsck_err" Plain;
    FlushFsckErrs = "flush_fsck_errs" Plain;
    DevNext = "dev_next" Plain;
    DevPut = "dev_put" Plain;
    DevGeom = "dev_geom" Plain;
    DevBuckets = "dev_buckets" Plain;
    DevGcAllocBuckets = "dev_gc_alloc_buckets" Fails;
    DevGcAllocUsage = "dev_gc_alloc_usage" Fails;
    DevGcFree = "dev_gc_free" Plain;
    DevSbLayout = "dev_sb_layout" Plain;
    DevJournal = "dev_journal" Hot;
    DevReserveBucket = "dev_reserve_bucket" Hot;
    OpenBucketsNr = "open_buckets_nr" Plain;
    OpenBucketLock = "open_bucket_lock" Hot;
    OpenBucketUnlock = "open_bucket_unlock" Hot;
    MarkKey = "mark_key" HotFails;
    Counters = "counters" Plain;
    UsageAdd = "usage_add" Hot;
    ReplicasMarked = "replicas_marked" Hot;
    MarkReplicas = "mark_replicas" Fails;
    MarkMetadataBucket = "mark_metadata_bucket" Hot;
    MarkAllocBucket = "mark_alloc_bucket" Hot;
    StripesGcAlloc = "stripes_gc_alloc" Fails;
    StripeGcSlot = "stripe_gc_slot" Fails;
    StripesGcFree = "stripes_gc_free" Plain;
    StripeNext = "stripe_next" Hot;
    StripesHeapReset = "stripes_heap_reset" Plain;
    StripesHeapInsert = "stripes_heap_insert" Hot;
    UsageGcAlloc = "usage_gc_alloc" Fails;
    UsageGcFree = "usage_gc_free" Plain;
    UsageFold = "usage_fold" Plain;
    DevUsageSet = "dev_usage_set" Plain;
    Usage = "usage" Plain;
    ReplicasEntry = "replicas_entry" Hot;
    BtreeRoot = "btree_root" Plain;
    NodeInfo = "node_info" Hot;
    NodeLockRead = "node_lock_read" Hot;
    NodeUnlockRead = "node_unlock_read" Hot;
    NodeGet = "node_get" Fails;
    ReadAhead = "read_ahead" Plain;
    Debugcheck = "debugcheck" Hot;
    NodeSet = "node_set" Hot;
    NodeKeysInit = "node_keys_init" Hot;
    NodeKeysNext = "node_keys_next" Hot;
    WalkOpen = "walk_open" Fails;
    WalkNextKey = "walk_next_key" HotFails;
    WalkNextNode = "walk_next_node" Fails;
    WalkResched = "walk_resched" Hot;
    WalkRewrite = "walk_rewrite" Fails;
    WalkClose = "walk_close" Fails;
    NodeSize = "node_size" Plain;
    NodeLiveU64s = "node_live_u64s" Hot;
    NodeRelockIntent = "node_relock_intent" Hot;
    NodeUnlockIntent = "node_unlock_intent" Hot;
    WalkParent = "walk_parent" Hot;
    WalkReplace = "walk_replace" Fails;
    WalkWait = "walk_wait" Fails;
    ThreadStart = "thread_start" Fails;
    ThreadStop = "thread_stop" Plain;
    ShouldStop = "should_stop" Hot;
    Kicks = "kicks" Hot;
    IoClock = "io_clock" Hot;
    Capacity = "capacity" Hot;
    WaitPrepare = "wait_prepare" Plain;
    WaitSleep = "wait_sleep" Plain;
    WaitFinish = "wait_finish" Plain;
}

impl Call {
    /// Whether it can fail: returns an error, or NULL.
    #[must_use]
    pub const fn fallible(self) -> bool {
        matches!(self.kind(), Kind::Fails | Kind::HotFails)
    }

    /// Whether its calls are kept in the list of events, not only counted.
    #[must_use]
    pub const fn listed(self) -> bool {
        matches!(self.kind(), Kind::Plain | Kind::Fails)
    }

    /// The call of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }

    /// Its place in [`Call::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|&c| c == self).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the declarations in the header, counted by their names.
    #[test]
    fn every_function_of_the_header_is_a_call() {
        let header = include_str!("../../include/bch_gc_host.h");
        let mut names: Vec<&str> = header
            .match_indices("gc_host_")
            .filter_map(|(at, _)| {
                let rest = &header[at + "gc_host_".len()..];
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
                (rest.as_bytes()[end] == b'(' && !rest[..end].is_empty()).then_some(&rest[..end])
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        // Without a file system: their calls are not recorded. `bug` does not return.
        let apart = ["abi", "bug", "clock"];
        for name in &names {
            assert!(apart.contains(name) || Call::by_name(name).is_some(), "{name}");
        }
        for call in Call::ALL {
            assert!(names.contains(&call.name()), "{}", call.name());
        }
    }
}
