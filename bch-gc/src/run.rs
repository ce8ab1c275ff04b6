// SPDX-License-Identifier: GPL-2.0-only
//! What every command has in common: devices are opened, recovery is gone through,
//! progress is shown, and what happened becomes an exit code of fsck(8).
//!
//! ```text
//! run::run(&source, Strategy::new(&source), |session| {
//!     let begun = session.begin()?;                     // opened, journal and roots read
//!     session.progress.phase("counting", "nodes", 0);   // then session.progress.add(1)
//!     session.progress.end();                           // the terminal is ours now
//!     println!("…");
//!     Ok(true)                                          // nothing is wrong
//! })
//! ```

use crate::budget::Budget;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::{self, Progress};
use crate::recorder::{Recorder, Shared};
use crate::source;
use crate::strategy::Strategy;
use crate::style::count;
use bch_gc::cli::Source;
use gc_v0::fs::Fs;
use gc_v0::host::Image;
use gc_v0::recovery::{self, Begun, RecoveryArgs};
use gc_v0::report::Unreadable;
use std::cell::{Cell, RefCell};
use std::process::ExitCode;

/// A run as a command sees it.
pub(crate) struct Session<'s, 'p> {
    source: &'s Source,
    /// What is done, and how.
    pub(crate) strategy: Strategy,
    /// Where to say how far it is.
    pub(crate) progress: &'s Progress,
    /// What was found so far.
    pub(crate) recorder: &'s RefCell<Recorder<'p>>,
    /// What memory may be taken.
    pub(crate) budget: Budget,
    /// The command has shown what could not be read.
    listed: &'s Cell<bool>,
}

impl<'s, 'p> Session<'s, 'p> {
    /// What could not be read, for a command that shows it in its result; of other
    /// commands it is said at the end.
    pub(crate) fn unreadable(&self) -> Vec<Unreadable> {
        self.listed.set(true);
        self.recorder.borrow().not_read()
    }

    /// A recorder for the readers.
    pub(crate) const fn reporter(&self) -> Shared<'s, 'p> {
        Shared(self.recorder)
    }

    /// Opens the devices, and reads the journal and the roots of the btrees.
    pub(crate) fn begin(&self) -> Result<Begun, Failure> {
        let mut reporter = self.reporter();
        let Strategy { needs_journal, threads, .. } = self.strategy;
        let fs = source::open(self.source, &self.strategy, &mut reporter, self.progress)?;
        let room = self.budget.room(&fs, self.strategy.threads_in_parts());
        let room_for_journal = room.map(|room| room.journal);
        let args = RecoveryArgs { fsck: needs_journal, threads, room: room_for_journal };
        let begun = recovery::begin(fs, args, &mut reporter).map_err(|e| match room {
            Some(room) => room.failure(e),
            None => e.into(),
        })?;
        self.budget.count();
        Ok(begun)
    }

    /// Reads all buckets, and lets `command` work on them.
    pub(crate) fn with_image(
        &self,
        begun: Begun,
        command: impl FnOnce(&Image<'_>) -> Result<bool, Failure>,
    ) -> Result<bool, Failure> {
        let begun = self.budget.in_order(begun, self.strategy.documents, self.progress)?;
        let mut reporter = self.reporter();
        let image = Image::new(begun.read_marks(&mut reporter)?, &mut reporter)?;
        let result = command(&image);
        say_changes(image.fs(), self.progress);
        result
    }
}

/// Does what `strategy` says with what `source` names: `answer` opens, counts and
/// prints; `true` from there means that nothing is wrong.
pub(crate) fn run(
    source: &Source,
    strategy: Strategy,
    answer: impl FnOnce(&Session<'_, '_>) -> Result<bool, Failure>,
) -> ExitCode {
    let progress = match Progress::start(source.talk) {
        Ok(progress) => progress,
        Err(e) => {
            progress::say(&format!("bch-gc: {e}"));
            return Exit::Operational.into();
        }
    };
    let budget = Budget::new(strategy.memory, strategy.quiet);
    let recorder = RefCell::new(Recorder::new(strategy.fix, strategy.quiet, &progress));
    let listed = Cell::new(false);
    let (progress, recorder, listed) = (&progress, &recorder, &listed);
    let session = Session { source, strategy, progress, recorder, budget, listed };
    let result = answer(&session);
    progress.end();
    let exit = match &result {
        Ok(true) => Exit::Agrees,
        Ok(false) => Exit::Found,
        Err(e) => {
            progress.say(&format!("bch-gc: {e}"));
            e.exit(strategy.unrecovered)
        }
    };
    if strategy.explain {
        progress.say_times();
    }
    let unreadable = recorder.borrow().not_read();
    if !listed.get() {
        for line in lines(&unreadable) {
            progress.say(&line);
        }
    }
    ExitCode::from(if unreadable.is_empty() { exit } else { exit.max(Exit::Found) })
}

/// [`run`] for a command that needs all buckets in memory, and nothing else before it.
pub(crate) fn on_image(
    source: &Source,
    strategy: Strategy,
    command: impl FnOnce(&Session<'_, '_>, &Image<'_>) -> Result<bool, Failure>,
) -> ExitCode {
    run(source, strategy, |session| {
        session.with_image(session.begin()?, |image| command(session, image))
    })
}

/// Says which devices changed while they were read.
pub(crate) fn say_changes(fs: &Fs, progress: &Progress) {
    for change in fs.changes() {
        progress.say(&format!("bch-gc: warning: {change}"));
    }
}

/// What could not be read, for people; nothing where all could be.
pub(crate) fn lines(unreadable: &[Unreadable]) -> Vec<String> {
    if unreadable.is_empty() {
        return Vec::new();
    }
    let sectors = unreadable.iter().fold(0_u64, |n, u| n.saturating_add(u.sectors));
    let mut lines = vec![format!("{} could not be read:", count(sectors, "sector"))];
    lines.extend(unreadable.iter().map(|u| format!("  {u}")));
    lines
}
