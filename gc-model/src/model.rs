// SPDX-License-Identifier: GPL-2.0-only
//! The file system as a whole.

use crate::allocator::OpenBuckets;
use crate::btree::Trees;
use crate::call::Call;
use crate::device::{DevId, Device};
use crate::journal::Overlay;
use crate::key::Key;
use crate::locks::Locks;
use crate::messages::Messages;
use crate::options::Options;
use crate::position::PosCell;
use crate::rcu::Rcu;
use crate::record::{Event, Record};
use crate::running::Running;
use crate::set::LentSet;
use crate::state::{GcArrays, State};
use crate::stripes::StripeState;
use crate::sync::{Arena, write};
use crate::thread::GcThread;
use crate::usage::UsageState;
use gc_core::error::{Errno, Error, Result};
use gc_core::host::Level;
use gc_core::layout::{BtreeId, GcPhase};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, RwLock};

/// Where a key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// Into a leaf; nodes split when they are full.
    Btree,
    /// Among the journal's keys, which are laid over the nodes.
    Journal,
}

/// An in-memory file system.
#[derive(Debug)]
pub struct Model {
    pub(crate) options: Options,
    pub(crate) locks: Locks,
    record: Record,
    pub(crate) messages: Messages,
    pub(crate) devices: Arena<Device>,
    /// By index.
    pub(crate) members: Rcu<Vec<Option<DevId>>>,
    pub(crate) membership: Mutex<()>,
    pub(crate) trees: Trees,
    pub(crate) journal: RwLock<Overlay>,
    pub(crate) sets: Arena<LentSet>,
    pub(crate) stripes: Mutex<StripeState>,
    pub(crate) usage: UsageState,
    pub(crate) replicas_change: Mutex<()>,
    pub(crate) open: OpenBuckets,
    pub(crate) state: State,
    pub(crate) position: PosCell,
    pub(crate) thread: GcThread,
    pub(crate) running: Running,
}

impl Model {
    /// A consistent file system with superblocks and journals, without a key.
    ///
    /// # Errors
    /// `EINVAL` for options that make no sense.
    pub fn new(options: &Options) -> Result<Self> {
        if !options.make_sense() {
            return Err(Error::INVAL);
        }
        let model = Self {
            options: options.clone(),
            locks: Locks::default(),
            record: Record::new(),
            messages: Messages::default(),
            devices: Arena::default(),
            members: Rcu::new(Vec::new()),
            membership: Mutex::default(),
            trees: Trees::default(),
            journal: RwLock::default(),
            sets: Arena::default(),
            stripes: Mutex::default(),
            usage: UsageState::default(),
            replicas_change: Mutex::default(),
            open: OpenBuckets::default(),
            state: State::default(),
            position: PosCell::default(),
            thread: GcThread::default(),
            running: Running::default(),
        };
        model.set_compat(options.compat);
        for _ in 0..options.nr_devices {
            let o = options;
            model.add_device(o.nbuckets, o.bucket_size, o.first_bucket, o.journal_buckets)?;
        }
        model.settle();
        Ok(model)
    }

    /// What it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Puts a key of the version set last where it belongs. One of the same
    /// position is replaced; one of type deleted removes or hides it.
    ///
    /// # Errors
    /// `EINVAL` for a btree there is none of, `ENOSPC` when a node has no place.
    pub fn insert(&self, to: Where, id: BtreeId, key: Key) -> Result<()> {
        if id.name().is_none() {
            return Err(Error::INVAL);
        }
        self.reserve_pointed(&key);
        match to {
            Where::Btree => self.tree_insert(id, key),
            Where::Journal => {
                write(&self.journal).insert(id, 0, key);
                Ok(())
            }
        }
    }

    /// Puts a key of any level among the journal's keys.
    pub fn insert_journal(&self, id: BtreeId, level: u8, key: Key) {
        self.reserve_pointed(&key);
        write(&self.journal).insert(id, level, key);
    }

    /// The version that keys get now.
    #[must_use]
    pub fn insert_version(&self) -> u64 {
        self.state.insert_version.load(SeqCst)
    }

    // ---- the record

    /// Notes a call and looks at the position; an error if it is to fail.
    pub(crate) fn call(&self, call: Call, args: impl FnOnce() -> String) -> Result<(), Errno> {
        self.point();
        self.watch_position();
        self.record.call(call, args)
    }

    /// Notes a call that is served elsewhere.
    ///
    /// # Errors
    /// If it is to fail.
    pub fn host_call(&self, call: Call) -> Result<(), Errno> {
        self.call(call, String::new)
    }

    /// Notes a call that cannot fail.
    pub(crate) fn note(&self, call: Call, args: impl FnOnce() -> String) {
        let _cannot_fail = self.call(call, args);
    }

    /// Records that a contract was broken.
    pub fn violation(&self, text: String) {
        self.record.violation(text);
    }

    /// Contracts broken so far.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.record.violations()
    }

    /// Forgets them.
    pub fn clear_violations(&self) {
        self.record.clear_violations();
    }

    /// Calls of the host so far, but for those made for each key or bucket.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.with_events(<[Event]>::to_vec)
    }

    /// Shows them to `f`.
    pub fn with_events<R>(&self, f: impl FnOnce(&[Event]) -> R) -> R {
        self.record.with_events(f)
    }

    /// How often a function of the host was called.
    #[must_use]
    pub fn count(&self, call: Call) -> usize {
        self.record.count(call)
    }

    /// Forgets calls and counts.
    pub fn clear_events(&self) {
        self.record.clear_events();
    }

    /// Lets call number `after` from now on fail, of one function or of all that
    /// can fail; false if the function cannot.
    pub fn fail(&self, call: Option<Call>, after: usize, errno: Errno) -> bool {
        self.record.fail(call, after, errno)
    }

    /// Whether that failure has happened; it is forgotten either way.
    pub fn failed(&self) -> bool {
        self.record.failed()
    }

    /// Records as violations what should be gone when nothing runs; their number.
    pub fn check_quiescent(&self) -> usize {
        let mut found = Vec::new();
        for id in self.locks.all() {
            found.push(format!("{id:?} still held"));
        }
        for dev in self.devices.iter() {
            let refs = dev.refs();
            if refs != (0, 0) {
                found.push(format!("device {}: references left {refs:?}", dev.idx()));
            }
        }
        let arrays = self.gc_arrays();
        if arrays != GcArrays::default() {
            found.push(format!("gc arrays left: {arrays:?}"));
        }
        let pending = self.interior_updates_pending();
        if pending != 0 {
            found.push(format!("interior updates pending: {pending}"));
        }
        let walks = self.state.walks.load(SeqCst);
        if walks != 0 {
            found.push(format!("walks left: {walks}"));
        }
        if self.state.journal_blocked.load(SeqCst) {
            found.push("journal still blocked".to_owned());
        }
        if self.gc_pos_now().phase != GcPhase::NOT_RUNNING {
            found.push(format!("gc position left at {:?}", self.gc_pos_now()));
        }
        let n = found.len();
        found.into_iter().for_each(|text| self.violation(text));
        n
    }

    /// Adds a line of the host's own.
    pub(crate) fn complain(&self, text: String) {
        self.say(Level::Err, text);
    }
}
