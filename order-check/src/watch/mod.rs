// SPDX-License-Identifier: GPL-2.0-only
//! A host that watches the engine's pass: at each of its calls it compares the
//! position with the place that the engine is at, and the locks with those that
//! hold others off that place (`docs/facts/order.md`).

mod host;
mod tree;

use crate::cell::Cell;
use gc_core::gc::position::{BTREES, allocator, node, phase, root, seqlock_read};
use gc_core::host::Lock;
use gc_core::layout::{Bpos, BtreeId, Bucket, ExtentPtr, GcPhase, GcPos};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use tree::{BUCKET_SIZE, Buckets, Node, ROOT_LEVEL};

/// Open buckets, number 0 included.
pub const OPEN: u32 = 5;

/// What goes on, as far as the host can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No second arrays.
    Idle,
    /// They are being made, or cleared.
    Starting,
    /// References are walked.
    Walking,
    /// All have been: nobody may mark any more.
    Comparing,
}

/// What the host remembers between calls.
struct Memory {
    stage: Stage,
    held: Vec<Lock>,
    last: GcPos,
    btree: Option<BtreeId>,
    node: Option<usize>,
    open: Option<u32>,
    marked: BTreeMap<u64, u32>,
    passes: u32,
    /// No interior update is pending, since the run was told so.
    waited: bool,
    faults: Vec<String>,
}

/// What a run meets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting {
    /// One pass is repeated.
    pub restart: bool,
    /// Walking this btree fails.
    pub fails: Option<BtreeId>,
    /// This btree has no root.
    pub rootless: Option<BtreeId>,
    /// Updates may run beside gc, so that it rewrites nodes.
    pub updates: bool,
    /// No other thread is there, and the position stays before the btrees.
    pub initial: bool,
}

/// The host.
pub struct Watch {
    cell: Cell,
    setting: Setting,
    nodes: Vec<Node>,
    live: Vec<Bucket>,
    gc: Vec<Bucket>,
    /// The only journal bucket.
    journal: u64,
    fifos: [u64; 4],
    open: [Option<u64>; 5],
    memory: Mutex<Memory>,
}

impl Watch {
    /// Eight small btrees, one device, buckets on all fifos and in some open
    /// buckets.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        Self::with(setting, &BTREES)
    }

    /// Without btrees: no more than a position.
    #[must_use]
    pub fn bare() -> Self {
        Self::with(Setting::default(), &[])
    }

    fn with(setting: Setting, btrees: &[(BtreeId, GcPhase)]) -> Self {
        let mut buckets = Buckets(1);
        let journal = buckets.take();
        let nodes = btrees.iter().flat_map(|&(id, _)| tree::tree(id, &mut buckets)).collect();
        let fifos = std::array::from_fn(|_| buckets.take());
        // Neither the first after the fifos nor the last is in use.
        let open = [None, None, Some(buckets.take()), Some(buckets.take()), None];
        let bucket = || {
            let b = Bucket::default();
            b.set_gen_valid(true);
            b
        };
        let count = usize::try_from(buckets.0).expect("few buckets");
        Self {
            cell: Cell::new(),
            setting,
            nodes,
            live: (0..count).map(|_| bucket()).collect(),
            gc: (0..count).map(|_| bucket()).collect(),
            journal,
            fifos,
            open,
            memory: Mutex::new(Memory {
                stage: Stage::Idle,
                held: Vec::new(),
                last: phase(GcPhase::NOT_RUNNING),
                btree: None,
                node: None,
                open: None,
                marked: BTreeMap::new(),
                passes: 0,
                waited: false,
                faults: Vec::new(),
            }),
        }
    }

    /// What broke a rule.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.memory().faults.clone()
    }

    /// Buckets with references, and how often each was marked in the last pass.
    #[must_use]
    pub fn marked(&self) -> BTreeMap<u64, u32> {
        self.memory().marked.clone()
    }

    /// Passes that were completed.
    #[must_use]
    pub fn passes(&self) -> u32 {
        self.memory().passes
    }

    /// The position, read as an updater reads it.
    #[must_use]
    pub fn position(&self) -> GcPos {
        seqlock_read(self.cell.get())
    }

    /// Buckets that some reference names: those that a pass has to mark once.
    /// Leaves of btrees without triggers are not walked.
    #[must_use]
    pub fn referenced(&self) -> BTreeMap<u64, u32> {
        let walked = |n: &&Node| n.info.level > 0 || has_triggers(n.info.btree_id);
        let keys = self.nodes.iter().filter(walked).flat_map(|n| &n.keys);
        let roots = self.nodes.iter().filter(|n| n.info.level == ROOT_LEVEL).map(|n| &n.own);
        let named = keys.chain(roots).map(|k| tree::bucket(k.as_ref()));
        let open = self.open.iter().flatten().copied();
        named.chain(open).chain(self.fifos).chain([self.journal]).map(|b| (b, 1)).collect()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn fault(&self, what: impl Into<String>) {
        self.memory().faults.push(what.into());
    }

    /// At each call: where the position is, and that it never went back.
    fn look(&self) -> GcPos {
        let now = self.position();
        let mut m = self.memory();
        if now < m.last && now.phase != GcPhase::NOT_RUNNING {
            let last = m.last;
            m.faults.push(format!("position went back: {last:?}, {now:?}"));
        }
        m.last = now;
        now
    }

    fn expect(&self, at: &str, want: GcPos) {
        let now = self.look();
        if now != want {
            self.fault(format!("{at}: position is {now:?}, should be {want:?}"));
        }
    }

    fn expect_before(&self, at: &str, place: GcPos) {
        let now = self.look();
        if now >= place {
            self.fault(format!("{at}: position is {now:?}, should not have reached {place:?}"));
        }
    }

    fn needs(&self, at: &str, locks: &[Lock]) {
        for lock in locks {
            if !self.memory().held.contains(lock) {
                self.fault(format!("{at}: {lock:?} is not held"));
            }
        }
    }

    fn stage(&self) -> Stage {
        self.memory().stage
    }

    fn enter(&self, stage: Stage) {
        self.memory().stage = stage;
    }

    /// Position of the last open bucket: everything has been passed.
    fn end(&self) -> GcPos {
        allocator(OPEN - 1)
    }

    fn place(&self, n: usize) -> GcPos {
        if self.setting.initial {
            return phase(GcPhase::SB);
        }
        let Node { info, own, .. } = &self.nodes[n];
        node(phase_of(info.btree_id), own.as_ref().k.p, info.level)
    }

    fn root_of(&self, id: BtreeId) -> Option<usize> {
        let found =
            self.nodes.iter().position(|n| n.info.btree_id == id && n.info.level == ROOT_LEVEL);
        found.filter(|_| self.setting.rootless != Some(id))
    }

    fn note_mark(&self, bucket: u64) {
        if self.stage() != Stage::Walking {
            self.fault(format!("bucket {bucket} marked outside of a walk"));
        }
        *self.memory().marked.entry(bucket).or_default() += 1;
    }

    /// A lock is about to be taken.
    fn before_lock(&self, lock: Lock) {
        let m = self.memory();
        let (stage, btree) = (m.stage, m.btree);
        drop(m);
        match lock {
            Lock::MarkWrite if stage == Stage::Starting => {
                self.expect("arrays made", phase(GcPhase::NOT_RUNNING));
            }
            Lock::Sb => self.expect_before("superblocks", phase(GcPhase::SB)),
            Lock::Freelist => self.expect_before("fifos", allocator(0)),
            Lock::BtreeRoot => {
                if let Some(id) = btree {
                    self.expect_before("root", root(phase_of(id)));
                }
            }
            _ => {}
        }
    }

    /// A lock is about to be released.
    fn before_unlock(&self, lock: Lock) {
        let m = self.memory();
        let (stage, btree) = (m.stage, m.btree);
        drop(m);
        match lock {
            Lock::MarkWrite if stage == Stage::Starting => {
                self.expect("marks cleared", phase(GcPhase::START));
                self.enter(Stage::Walking);
            }
            Lock::Sb => self.expect("superblocks walked", phase(GcPhase::SB)),
            Lock::Freelist => self.expect("allocator walked", self.end()),
            Lock::BtreeRoot => {
                if let Some(id) = btree {
                    self.expect("root marked", root(phase_of(id)));
                }
            }
            _ => {}
        }
    }

    /// The node whose keys were marked is about to be unlocked.
    fn leave_node(&self) {
        let left = self.memory().node.take();
        if let Some(n) = left {
            self.expect("node left", self.place(n));
        }
    }

    /// The second arrays are about to go.
    fn freeing(&self) {
        self.needs("arrays freed", &[Lock::MarkWrite]);
        self.expect("arrays freed", phase(GcPhase::NOT_RUNNING));
        self.enter(Stage::Idle);
    }

    fn pointer(bucket: u64) -> ExtentPtr {
        ExtentPtr::new(0, bucket * u64::from(BUCKET_SIZE), 0)
    }
}

fn phase_of(id: BtreeId) -> GcPhase {
    BTREES.iter().find(|(b, _)| *b == id).expect("every btree has a phase").1
}

fn has_triggers(id: BtreeId) -> bool {
    ![BtreeId::DIRENTS, BtreeId::XATTRS, BtreeId::QUOTAS].contains(&id)
}

/// Least position.
const FIRST: Bpos = Bpos::new(0, 0);
