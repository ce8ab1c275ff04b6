// SPDX-License-Identifier: GPL-2.0-only
//! What every command has in common: devices are opened, recovery is gone through,
//! progress is shown, and what happened becomes an exit code of fsck(8).
//!
//! ```text
//! run::on_image(&source, run::CHECK, |session, image| {
//!     session.progress.phase("counting", "nodes", 0);   // then session.progress.add(1)
//!     session.progress.end();                           // the terminal is ours now
//!     println!("…");
//!     Ok(true)                                          // nothing is wrong
//! })
//! ```

use crate::budget::Budget;
use crate::progress::{self, Progress};
use crate::recorder::{Recorder, Shared};
use crate::source;
use crate::style::count;
use bch_gc::cli::Source;
use gc_v0::error::{OpenError, RecoveryError};
use gc_v0::fs::Fs;
use gc_v0::host::Image;
use gc_v0::memory::Size;
use gc_v0::recovery::{self, Begun, RecoveryArgs};
use gc_v0::report::Unreadable;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::process::ExitCode;

/// Errors were found, or the file system's content ended the run.
pub(crate) const FOUND: u8 = 4;
/// No answer could be made.
pub(crate) const OPERATIONAL: u8 = 8;
/// The command line makes no sense.
pub(crate) const USAGE: u8 = 16;
/// Ended by the user.
pub(crate) const CANCELLED: i32 = 32;

/// How a file system is brought to where a command begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    /// Findings that may be repaired or ignored are repaired, in memory.
    pub(crate) fix: bool,
    /// Compat bits taken as if they were clear.
    pub(crate) clear_compat: u64,
    /// As a check does: the journal is read after a clean shutdown too.
    pub(crate) fsck: bool,
    /// Threads that read the journal.
    pub(crate) threads: usize,
    /// Buckets are counted in any order then, in as many walks as memory asks for.
    pub(crate) in_parts: bool,
    /// Documents in memory at once that tell of every bucket.
    pub(crate) documents: u64,
    /// Go on with whatever is there.
    pub(crate) incomplete: bool,
    /// Exit code where recovery ends before the command begins.
    pub(crate) unrecovered: u8,
}

/// As `fsck -n`; a file system that cannot be recovered is a damaged one.
pub(crate) const CHECK: How = How {
    fix: false,
    clear_compat: 0,
    fsck: true,
    threads: 1,
    in_parts: false,
    documents: 0,
    incomplete: false,
    unrecovered: FOUND,
};

/// What comes before anything is known of buckets.
pub(crate) enum Early {
    /// The result.
    Done(bool),
    /// None yet.
    GoOn(Box<Begun>),
}

/// A run as a command sees it.
pub(crate) struct Session<'s, 'p> {
    /// Where to say how far it is.
    pub(crate) progress: &'s Progress,
    /// What was found so far.
    pub(crate) recorder: &'s RefCell<Recorder<'p>>,
    /// What memory may be taken.
    pub(crate) budget: Budget,
    /// The command has shown what could not be read.
    listed: &'s Cell<bool>,
}

impl Session<'_, '_> {
    /// What could not be read, for a command that shows it in its result; of other
    /// commands it is said at the end.
    pub(crate) fn unreadable(&self) -> Vec<Unreadable> {
        self.listed.set(true);
        self.recorder.borrow().not_read()
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    Open(OpenError),
    Recovery(RecoveryError),
    /// The walk met something it cannot go past.
    Content(String),
    /// The command line names what is not there.
    Usage(String),
    /// More memory is needed than may be taken: what, and the least that would do.
    Memory(&'static str, Size),
    /// Anything else: what was tried, and the system's answer.
    System(String),
}

impl From<OpenError> for Failure {
    fn from(e: OpenError) -> Self {
        Self::Open(e)
    }
}

impl From<RecoveryError> for Failure {
    fn from(e: RecoveryError) -> Self {
        Self::Recovery(e)
    }
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        Self::System(format!("writing the result: {e}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(e: serde_json::Error) -> Self {
        Self::from(std::io::Error::from(e))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(e) => e.fmt(f),
            Self::Recovery(e) => e.fmt(f),
            Self::Memory(what, least) => {
                write!(f, "{what} does not fit in --memory; {least} would do")
            }
            Self::Content(e) | Self::Usage(e) | Self::System(e) => f.write_str(e),
        }
    }
}

/// Opens and recovers what `source` names and lets `command` work on it; `true` from
/// there means that nothing is wrong.
pub(crate) fn on_image(
    source: &Source,
    how: How,
    command: impl FnOnce(&Session<'_, '_>, &Image<'_>) -> Result<bool, Failure>,
) -> ExitCode {
    on_image_or(source, how, |_, begun| Ok(Early::GoOn(Box::new(begun))), command, |_, _| Ok(()))
}

/// The same; `early` may have the result before anything is known of buckets, and
/// `failed` is told what was found where there is no result.
pub(crate) fn on_image_or(
    source: &Source,
    how: How,
    early: impl FnOnce(&Session<'_, '_>, Begun) -> Result<Early, Failure>,
    command: impl FnOnce(&Session<'_, '_>, &Image<'_>) -> Result<bool, Failure>,
    failed: impl FnOnce(&Session<'_, '_>, &Failure) -> Result<(), Failure>,
) -> ExitCode {
    let progress = match Progress::start(source.talk) {
        Ok(progress) => progress,
        Err(e) => {
            progress::say(&format!("bch-gc: {e}"));
            return ExitCode::from(OPERATIONAL);
        }
    };
    let budget = Budget::new(source.memory, source.talk.quiet);
    let recorder = RefCell::new(Recorder::new(how.fix, source.talk.quiet, &progress));
    let listed = Cell::new(false);
    let session = Session { progress: &progress, recorder: &recorder, budget, listed: &listed };
    let mut result = with_image(source, how, &session, early, command);
    progress.end();
    if let Err(e) = &result {
        if let Err(worse) = failed(&session, e) {
            result = Err(worse);
        }
    }
    let code = match &result {
        Ok(true) => 0,
        Ok(false) => FOUND,
        Err(e) => {
            progress.say(&format!("bch-gc: {e}"));
            match e {
                Failure::Recovery(_) => how.unrecovered,
                Failure::Content(_) => FOUND,
                Failure::Usage(_) => USAGE,
                Failure::Open(_) | Failure::Memory(..) | Failure::System(_) => OPERATIONAL,
            }
        }
    };
    let unreadable = recorder.borrow().not_read();
    if !listed.get() {
        for line in lines(&unreadable) {
            progress.say(&line);
        }
    }
    ExitCode::from(if unreadable.is_empty() { code } else { code.max(FOUND) })
}

fn with_image(
    source: &Source,
    how: How,
    session: &Session<'_, '_>,
    early: impl FnOnce(&Session<'_, '_>, Begun) -> Result<Early, Failure>,
    command: impl FnOnce(&Session<'_, '_>, &Image<'_>) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let mut reporter = Shared(session.recorder);
    let progress = session.progress;
    let fs = source::open(source, how, &mut reporter, progress)?;
    let room = session.budget.room(&fs, how.in_parts.then_some(how.threads));
    let How { fsck, threads, .. } = how;
    let args = RecoveryArgs { fsck, threads, room: room.map(|room| room.journal) };
    let begun = recovery::begin(fs, args, &mut reporter).map_err(|e| match room {
        Some(room) => room.failure(e),
        None => e.into(),
    })?;
    session.budget.count();
    let begun = match early(session, begun)? {
        Early::Done(result) => return Ok(result),
        Early::GoOn(begun) => session.budget.in_order(*begun, how.documents, progress)?,
    };
    let image = Image::new(begun.read_marks(&mut reporter)?, &mut reporter)?;
    let result = command(session, &image);
    say_changes(image.fs(), progress);
    result
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
