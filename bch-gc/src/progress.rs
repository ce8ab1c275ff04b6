// SPDX-License-Identifier: GPL-2.0-only
//! How far a run is, shown by one reporter with four faces:
//!
//! - a bar with rate and time left where the standard error is a terminal;
//! - a line every five seconds where it is not;
//! - JSON lines on the descriptor of `--progress-fd` (schema/progress.schema.json);
//! - nothing with `--quiet`.
//!
//! A command says what it is doing with [`Progress::phase`] and counts with
//! [`Progress::add`], which is one atomic addition and may be called from any
//! thread; a thread of its own does the showing. Whatever else is printed to the
//! standard error goes through [`Progress::say`], so that it does not tear the bar.
//! An estimate is an estimate: when it is passed, that is said, and no share and no
//! time left are shown any more.

mod snapshot;

use bch_gc::cli::Talk;
use bch_gc::documents::ProgressState as State;
use gc_v0::error::OpenError;
use indicatif::{ProgressBar, ProgressStyle};
use snapshot::Snapshot;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two views of the bar.
const BAR_EVERY: Duration = Duration::from_millis(100);
/// Between two lines where there is no terminal.
const LINES_EVERY: Duration = Duration::from_secs(5);
/// Between two lines for a program.
const JSON_EVERY: Duration = Duration::from_millis(500);

/// The run whose progress an interrupt tells.
static CURRENT: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

/// Progress of a run; shown until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    shared: Arc<Shared>,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    face: Face,
    done: AtomicU64,
    phase: Mutex<Phase>,
    times: Mutex<Times>,
    ended: Mutex<bool>,
    wake: Condvar,
}

#[derive(Debug)]
enum Face {
    Bar(ProgressBar),
    Lines,
    /// `None`: the last words were said.
    Json(Mutex<Option<File>>),
    Quiet,
}

/// What is being done.
#[derive(Debug, Clone, Copy)]
struct Phase {
    name: &'static str,
    unit: &'static str,
    /// 0: unknown.
    estimate: u64,
    began: Instant,
}

/// How long each part of a run took.
#[derive(Debug)]
struct Times {
    /// What goes on, and since when.
    now: (&'static str, Instant),
    /// What went before, in the order of its beginning. A part may come again.
    before: Vec<(&'static str, Duration)>,
}

impl Times {
    fn begin(&mut self, name: &'static str) {
        self.before = self.all();
        self.now = (name, Instant::now());
    }

    fn all(&self) -> Vec<(&'static str, Duration)> {
        let mut all = self.before.clone();
        let (name, since) = self.now;
        let time = since.elapsed();
        match all.iter_mut().find(|(n, _)| *n == name) {
            Some((_, sum)) => *sum = sum.saturating_add(time),
            None => all.push((name, time)),
        }
        all
    }
}

/// Takes what a thread that ended badly left: it is only shown.
fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// Begins to show; `talk` and the standard error decide how.
    ///
    /// # Errors
    /// The descriptor of `--progress-fd` cannot be written to.
    pub(crate) fn start(talk: Talk) -> Result<Self, OpenError> {
        let face = match talk.progress_fd {
            Some(fd) => {
                let path = PathBuf::from(format!("/dev/fd/{fd}"));
                let file = OpenOptions::new().append(true).open(&path);
                Face::Json(Mutex::new(Some(file.map_err(|e| OpenError::Io(path, e))?)))
            }
            None if talk.quiet => Face::Quiet,
            None if io::stderr().is_terminal() => Face::Bar(bar()),
            None => Face::Lines,
        };
        let phase = Phase { name: "opening", unit: "", estimate: 0, began: Instant::now() };
        let shared = Arc::new(Shared {
            face,
            done: AtomicU64::new(0),
            phase: Mutex::new(phase),
            times: Mutex::new(Times { now: (phase.name, phase.began), before: Vec::new() }),
            ended: Mutex::new(false),
            wake: Condvar::new(),
        });
        *lock(&CURRENT) = Arc::downgrade(&shared);
        // Where there is no thread for it, nothing is shown on the way.
        let ticker = shared.face.every().and_then(|every| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().spawn(move || shared.tick(every)).ok()
        });
        Ok(Self { shared, ticker: Mutex::new(ticker) })
    }

    /// A new phase begins: `estimate` units are expected in all, 0 for unknown.
    pub(crate) fn phase(&self, name: &'static str, unit: &'static str, estimate: u64) {
        *lock(&self.shared.phase) = Phase { name, unit, estimate, began: Instant::now() };
        self.time(name);
        self.shared.done.store(0, Ordering::Relaxed);
        if matches!(self.shared.face, Face::Json(_)) {
            self.shared.show(State::Working);
        }
    }

    /// From now on time is that of `name`, a part of the phase that is not shown on the
    /// way; until the next part or phase.
    pub(crate) fn time(&self, name: &'static str) {
        lock(&self.shared.times).begin(name);
    }

    /// Says how long everything took since the beginning.
    pub(crate) fn say_times(&self) {
        let times = lock(&self.shared.times).all();
        let each = times.iter().map(|(name, time)| format!("{name} {:.3} s", time.as_secs_f64()));
        self.say(&format!("bch-gc: time: {}", each.collect::<Vec<_>>().join(", ")));
    }

    /// So many more units are done.
    #[inline]
    pub(crate) fn add(&self, units: u64) {
        self.shared.done.fetch_add(units, Ordering::Relaxed);
    }

    /// Prints a line on the standard error.
    pub(crate) fn say(&self, line: &str) {
        self.shared.say(line);
    }

    /// Ends the showing; what is printed afterwards has the terminal for itself.
    pub(crate) fn end(&self) {
        if std::mem::replace(&mut *lock(&self.shared.ended), true) {
            return;
        }
        self.time("printing");
        self.shared.wake.notify_all();
        if let Some(ticker) = lock(&self.ticker).take() {
            // It ends by itself; a panic there has been printed.
            let _ended = ticker.join();
        }
        match &self.shared.face {
            Face::Bar(bar) => bar.finish_and_clear(),
            Face::Json(_) => self.shared.show(State::Done),
            Face::Lines | Face::Quiet => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says how far the run is that ends now because the user wants it.
pub(crate) fn interrupted() {
    let shared = lock(&CURRENT).upgrade();
    match shared {
        Some(shared) => {
            if let Face::Bar(bar) = &shared.face {
                bar.finish_and_clear();
            }
            shared.show_if_json(State::Interrupted);
            say(&format!("bch-gc: interrupted; {}", shared.snapshot().line()));
        }
        None => say("bch-gc: interrupted"),
    }
}

/// A line on the standard error. Where nobody reads it any more, it is lost.
pub(crate) fn say(line: &str) {
    let _written = writeln!(io::stderr().lock(), "{line}");
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:20}] {wide_msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("#>-");
    ProgressBar::new(1).with_style(style).with_message("opening")
}

impl Face {
    /// How often it is to be shown.
    const fn every(&self) -> Option<Duration> {
        match self {
            Self::Bar(_) => Some(BAR_EVERY),
            Self::Lines => Some(LINES_EVERY),
            Self::Json(_) => Some(JSON_EVERY),
            Self::Quiet => None,
        }
    }
}

impl Shared {
    /// Shows the run at intervals until it ends.
    fn tick(&self, every: Duration) {
        let mut ended = lock(&self.ended);
        while !*ended {
            let woken = self.wake.wait_timeout(ended, every);
            let (guard, wait) = woken.unwrap_or_else(PoisonError::into_inner);
            ended = guard;
            if wait.timed_out() && !*ended {
                self.show(State::Working);
            }
        }
    }

    fn snapshot(&self) -> Snapshot {
        let phase = *lock(&self.phase);
        Snapshot {
            phase: phase.name,
            unit: phase.unit,
            done: self.done.load(Ordering::Relaxed),
            estimate: (phase.estimate != 0).then_some(phase.estimate),
            elapsed: phase.began.elapsed(),
        }
    }

    fn show(&self, state: State) {
        let now = self.snapshot();
        match &self.face {
            Face::Bar(bar) => {
                bar.set_length(now.estimate.unwrap_or(1).max(now.done));
                bar.set_position(now.done);
                bar.set_message(now.beside_bar());
            }
            Face::Lines => say(&format!("bch-gc: {}", now.line())),
            Face::Json(_) => self.show_if_json(state),
            Face::Quiet => {}
        }
    }

    /// Whatever else goes on while the run ends, nothing is said behind the last words.
    fn show_if_json(&self, state: State) {
        if let Face::Json(file) = &self.face {
            let mut file = lock(file);
            if let Some(to) = file.as_mut() {
                // A reader that went away does not end the run.
                let _written = crate::document::line(to, &self.snapshot().document(state));
            }
            if state != State::Working {
                *file = None;
            }
        }
    }

    fn say(&self, line: &str) {
        match &self.face {
            Face::Bar(bar) => bar.suspend(|| say(line)),
            Face::Lines | Face::Json(_) | Face::Quiet => say(line),
        }
    }
}
