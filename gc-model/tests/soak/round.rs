// SPDX-License-Identifier: GPL-2.0-only
//! One file system, from its making to the last comparison.

use crate::updater::{self, Op, Updater};
use gc_core::gc::{self, Args};
use gc_core::host::{Level, Param};
use gc_core::layout::BtreeId;
use gc_model::{Call, Message, Model, Options, Recount, Reserve, Said, Seeded};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;

/// What a seed stands for.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Threads one at a time, as the seed says.
    pub(crate) turns: bool,
    /// Updating threads.
    pub(crate) threads: usize,
    /// Runs of gc.
    runs: u32,
    options: Options,
    params: Vec<Param>,
    open_buckets: u32,
}

impl Plan {
    pub(crate) fn of_seed(seed: u64, turns: bool) -> Self {
        let mut r = Seeded::new(seed ^ 0x5eed);
        let small = |r: &mut Seeded, n| u32::try_from(r.below(n)).unwrap();
        let options = Options {
            nr_devices: 1 + small(&mut r, 3),
            bucket_size: 64,
            nbuckets: 256,
            btree_node_size: 16 << r.below(3),
            node_keys: 4 + usize::try_from(r.below(8)).unwrap(),
            metadata_replicas: 1 + small(&mut r, 2),
            journal_buckets: small(&mut r, 4),
            ..Options::default()
        };
        let mut params = Vec::new();
        for (param, chances) in
            [(Param::AlwaysRewrite, 4), (Param::RewriteDisabled, 4), (Param::TestRestartGc, 8)]
        {
            if r.one_in(chances) {
                params.push(param);
            }
        }
        Self {
            seed,
            turns,
            threads: 1 + usize::try_from(r.below(5)).unwrap(),
            runs: 6,
            options,
            params,
            open_buckets: 16 + small(&mut r, 48),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    runs: u64,
    /// By [`Op`].
    ops: Vec<u64>,
    /// Nodes that runs of gc wrote anew.
    rewritten: u64,
    /// Digest of all counts after each run.
    digest: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.rewritten += other.rewritten;
        self.count(&other.ops);
    }

    fn count(&mut self, ops: &[u64]) {
        self.ops.resize(Op::ALL.len(), 0);
        for (to, from) in self.ops.iter_mut().zip(ops) {
            *to += from;
        }
    }

    pub(crate) fn assert_all_happened(&self) {
        let never: Vec<_> = Op::ALL.iter().zip(&self.ops).filter(|(_, n)| **n == 0).collect();
        assert!(never.is_empty() && self.rewritten > 0, "never happened: {never:?}");
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: u64 = self.ops.iter().sum();
        write!(f, "{} runs, {all} operations (", self.runs)?;
        for (op, n) in Op::ALL.iter().zip(&self.ops) {
            write!(f, "{op:?} {n}, ")?;
        }
        write!(f, "rewritten by gc {})", self.rewritten)
    }
}

/// What the threads of a round share.
pub(crate) struct Shared<'m> {
    pub(crate) model: &'m Model,
    /// Updates end.
    stop: AtomicBool,
    updaters_left: AtomicUsize,
    /// Operations so far, done or not.
    pub(crate) tried: AtomicU64,
    /// The first thing that went wrong.
    wrong: Mutex<Option<String>>,
    ops: Mutex<Vec<u64>>,
}

impl Shared<'_> {
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(SeqCst)
    }

    fn fail(&self, why: String) {
        self.wrong.lock().unwrap().get_or_insert(why);
        self.stop.store(true, SeqCst);
    }

    /// Runs a thread's work; a panic ends the round.
    fn guarded(&self, who: &str, work: impl FnOnce()) {
        if let Err(why) = catch_unwind(AssertUnwindSafe(work)) {
            let text = why.downcast_ref::<String>().cloned();
            let text = text.or_else(|| why.downcast_ref::<&str>().map(ToString::to_string));
            self.fail(format!("{who}: {}", text.unwrap_or_default()));
        }
    }
}

fn make(plan: &Plan) -> Model {
    let model = Model::new(&plan.options).unwrap();
    for id in updater::BTREES {
        model.make_root(id).unwrap();
    }
    for param in &plan.params {
        model.set_param(*param, true);
    }
    model.start_running(plan.open_buckets);
    for dev in 0..plan.options.nr_devices {
        for bucket in 0..plan.options.nbuckets / 2 {
            model.invalidate_bucket(dev, bucket, 1, true);
            let reserve = if bucket % 8 == 0 { Reserve::Btree } else { Reserve::None };
            model.ready_bucket(dev, reserve);
        }
    }
    model
}

/// What is wrong now that nothing is under way; and a digest of all counts.
fn compare(model: &Model, when: &str) -> Result<u64, String> {
    // Lines of information, of a restart that was asked for, are no complaint.
    let told = |m: &Message| m.said != Said::Line(Level::Info);
    let found: Vec<_> = model.messages().into_iter().filter(told).collect();
    let mut different = model.differences();
    let refused = Recount::of(model).refused;
    if refused != 0 {
        different.push(format!("{refused} keys that cannot be counted"));
    }
    let violations = model.violations();
    if !(found.is_empty() && different.is_empty() && violations.is_empty()) {
        return Err(format!(
            "{when}: said {found:#?}, differs {different:#?}, broken {violations:#?}"
        ));
    }
    let mut digest = DefaultHasher::new();
    for dev in model.members() {
        for b in 0..dev.geometry().nbuckets {
            dev.bucket(b).map(|b| (b.mark.0, b.oldest_gen)).hash(&mut digest);
        }
    }
    model.usage_words().hash(&mut digest);
    for id in updater::BTREES {
        model.nodes(id, 0).len().hash(&mut digest);
    }
    Ok(digest.finish())
}

fn run_gc(shared: &Shared<'_>, plan: &Plan, figures: &mut Figures) {
    let model = shared.model;
    let mut r = Seeded::new(plan.seed);
    for run in 0..plan.runs {
        // What waits for gc to end gets its time, too.
        let until = shared.tried.load(SeqCst) + r.below(100);
        model.wait_until(|| shared.tried.load(SeqCst) >= until || shared.stopped());
        if shared.stopped() {
            return;
        }
        let ret = {
            let _state = model.state_read();
            gc::gc(model, Args { initial: false, metadata_only: false })
        };
        let quiet = model.no_writes();
        model.wait_for_interior_updates();
        figures.rewritten += u64::try_from(model.count(Call::WalkRewrite)).unwrap();
        let ret = ret.map_err(|e| format!("run {run}: {e:?}, {:?}", model.messages()));
        match ret.and_then(|()| compare(model, &format!("after run {run}"))) {
            Ok(digest) => figures.digest = figures.digest.rotate_left(7) ^ digest,
            Err(why) => return shared.fail(why),
        }
        model.clear_events();
        drop(quiet);
        figures.runs += 1;
    }
}

/// A round; what went wrong in it.
pub(crate) fn round(plan: &Plan) -> Result<Figures, String> {
    let model = make(plan);
    let shared = Shared {
        model: &model,
        stop: AtomicBool::new(false),
        updaters_left: AtomicUsize::new(plan.threads),
        tried: AtomicU64::new(0),
        wrong: Mutex::default(),
        ops: Mutex::default(),
    };
    let mut figures = Figures::default();
    if plan.turns {
        model.schedule(plan.seed, plan.threads + 2);
    }
    let turns = |index| plan.turns.then(|| model.take_turns(index));
    thread::scope(|s| {
        s.spawn(|| {
            let _turns = turns(0);
            shared.guarded("gc", || run_gc(&shared, plan, &mut figures));
            shared.stop.store(true, SeqCst);
            model.poke();
        });
        s.spawn(|| {
            let _turns = turns(1);
            // What finishes interior updates goes on until nobody starts any.
            let ended = || shared.stopped() && shared.updaters_left.load(SeqCst) == 0;
            shared.guarded("interior updates", || {
                while model.wait_interior_work(ended) {
                    model.finish_interior_update();
                }
            });
        });
        for index in 0..plan.threads {
            let (shared, turns) = (&shared, &turns);
            s.spawn(move || {
                let _turns = turns(index + 2);
                let seed = plan.seed.wrapping_mul(64).wrapping_add(u64::try_from(index).unwrap());
                let mut updater = Updater::new(shared, Seeded::new(seed), index);
                shared.guarded("updates", || updater.work());
                let ops = std::mem::take(&mut updater.done);
                let mut all = shared.ops.lock().unwrap();
                all.resize(Op::ALL.len(), 0);
                all.iter_mut().zip(&ops).for_each(|(to, n)| *to += n);
                drop(all);
                shared.updaters_left.fetch_sub(1, SeqCst);
                shared.model.poke();
            });
        }
    });
    if let Some(why) = shared.wrong.into_inner().unwrap() {
        return Err(why);
    }
    figures.count(&shared.ops.into_inner().unwrap());
    model.check_quiescent();
    compare(&model, "at the end")?;
    // Shape: every level tiles.
    for id in updater::BTREES {
        tiles(&model, id)?;
    }
    Ok(figures)
}

fn tiles(model: &Model, id: BtreeId) -> Result<(), String> {
    for level in 0..model.depth(id) {
        let mut next = Some(gc_core::layout::POS_MIN);
        for node in model.nodes(id, level) {
            let data = model.node(node).unwrap().data();
            if next != Some(data.min) || data.ptr().pos() != data.max {
                return Err(format!("{id:?} level {level}: {next:?} before {data:?}"));
            }
            next = data.max.successor();
        }
    }
    Ok(())
}
