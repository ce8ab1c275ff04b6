// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc check`: everything recomputed and compared, for people.

mod listed;
mod text;

use crate::document;
use crate::even;
use crate::recorder::Recorded;
use crate::run::{self, CHECK, Early, Failure, How, Session};
use crate::style::Style;
use bch_gc::cli::{CheckOptions, Source};
use bch_gc::documents::{Check, Format, Missing, State, Superblock};
use gc_core::error::{Errno, Error};
use gc_core::gc::Args;
use gc_v0::host::Image;
use gc_v0::plain::{self, Even};
use gc_v0::recovery::Begun;
use gc_v0::report::Unreadable;
use std::cell::OnceCell;
use std::io::Write;
use std::num::NonZeroUsize;
use std::process::ExitCode;

/// Findings of a kind that are shown.
const SHOWN: usize = 5;

pub(crate) fn run(options: CheckOptions, source: &Source) -> ExitCode {
    let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = options.threads.map_or_else(processors, usize::from);
    let known = OnceCell::new();
    run::on_image_or(
        source,
        How { threads, in_parts: in_parts(options) && !options.in_order, ..CHECK },
        |session, begun| match in_parts(options) {
            true => early(options, threads, source.talk.quiet, session, begun),
            false => {
                if !options.metadata_only && !options.in_order {
                    if let Some(even) = even::before(session, &begun, threads) {
                        let _first = known.set(even);
                    }
                }
                Ok(Early::GoOn(Box::new(begun)))
            }
        },
        |session, image| check(options, source.talk.quiet, session, image, known.get()),
        |session, failure| match failure {
            // What was found until then is a result too.
            Failure::Recovery(e) => unrecovered(options, session, e),
            _ => Ok(()),
        },
    )
}

fn check(
    options: CheckOptions,
    quiet: bool,
    session: &Session<'_, '_>,
    image: &Image<'_>,
    even: Option<&Even>,
) -> Result<bool, Failure> {
    let args = Args { initial: true, metadata_only: options.metadata_only };
    let result = even::sweep(image, even, args);
    report(options, quiet, session, image, result)
}

/// What the run came to, for people or programs.
fn report(
    options: CheckOptions,
    quiet: bool,
    session: &Session<'_, '_>,
    image: &Image<'_>,
    result: gc_core::error::Result<()>,
) -> Result<bool, Failure> {
    let ret = result.map_or_else(Error::code, |()| 0);
    let findings = session.recorder.borrow_mut().take();
    if ret == Error::Errno(Errno::EIO).code() {
        // Nothing more can be judged; but whoever copies the devices wants to know
        // all that cannot be read, not the first of it.
        session.progress.phase("reading the rest", "nodes", 0);
        image.read_all();
    }
    session.progress.end();
    let unreadable = session.unreadable();
    let clean = findings.is_empty() && unreadable.is_empty() && ret == 0;
    let mut out = std::io::stdout().lock();
    if options.json {
        let doc = Check {
            format: Format,
            ret,
            error: None,
            findings: document::findings(&findings),
            unreadable: unreadable.iter().map(Into::into).collect(),
            missing: Missing::of(image),
            changes: image.fs().changes().iter().map(ToString::to_string).collect(),
            sb: Some(Superblock::of(image)),
            state: Some(State::of(image)),
        };
        document::line(&mut out, &doc)?;
    } else {
        if !quiet {
            let style = Style::of_stdout();
            text::devices(&mut out, image.fs(), |dev| image.device_usage(dev), style)?;
            image.with_usage(|words, table| text::usage(&mut out, words, table, style))?;
        }
        verdict(&mut out, options, quiet, &Verdict { findings, unreadable, ret })?;
    }
    out.flush()?;
    Ok(clean)
}

/// What the text ends with.
struct Verdict {
    findings: Vec<Recorded>,
    unreadable: Vec<Unreadable>,
    ret: i32,
}

fn verdict(
    out: &mut impl Write,
    options: CheckOptions,
    quiet: bool,
    v: &Verdict,
) -> Result<(), Failure> {
    let style = Style::of_stdout();
    let shown = if options.verbose { usize::MAX } else { SHOWN };
    text::grouped(out, &v.findings, shown, style)?;
    for line in run::lines(&v.unreadable) {
        writeln!(out, "{line}")?;
    }
    let clean = v.findings.is_empty() && v.unreadable.is_empty() && v.ret == 0;
    if v.ret != 0 {
        writeln!(out, "{}", style.bad(&format!("the check ended early: {}", ended(v.ret))))?;
    } else if clean && !quiet {
        writeln!(out, "{}", style.good("everything agrees"))?;
    }
    Ok(())
}

/// Whether not all buckets are needed: a document tells of every one.
const fn in_parts(options: CheckOptions) -> bool {
    !options.json && !options.metadata_only
}

/// What can be done without all buckets.
fn early(
    options: CheckOptions,
    threads: usize,
    quiet: bool,
    session: &Session<'_, '_>,
    begun: Begun,
) -> Result<Early, Failure> {
    let how = plain::Options { threads };
    let done = match options.in_order {
        false => plainly(options, quiet, session, &begun, how)?,
        true => None,
    };
    if let Some(clean) = done {
        run::say_changes(&begun.fs, session.progress);
        return Ok(Early::Done(clean));
    }
    Ok(match session.budget.lists(&begun, how, session.progress)? {
        None => Early::GoOn(Box::new(begun)),
        Some(lists) => Early::Done(listed::check(options, quiet, session, begun, &lists)?),
    })
}

/// In the order of the disk, where there is nothing to say.
fn plainly(
    options: CheckOptions,
    quiet: bool,
    session: &Session<'_, '_>,
    begun: &Begun,
    how: plain::Options,
) -> Result<Option<bool>, Failure> {
    let mut read = |nodes| session.progress.add(nodes);
    let parts = session.budget.parts(begun, how, session.progress)?;
    let even = parts.and_then(|parts| plain::check(begun, how, &parts, &mut read));
    let Some(even) = even else {
        // All of it again, in the order in which findings are raised.
        session.progress.phase("reading nodes in order", "nodes", begun.fs.recorded_nodes());
        return Ok(None);
    };
    session.progress.end();
    let findings = session.recorder.borrow_mut().take();
    let unreadable = session.unreadable();
    let clean = findings.is_empty() && unreadable.is_empty();
    let style = Style::of_stdout();
    let mut out = std::io::stdout().lock();
    if !quiet {
        let of = |dev: u8| even.dev_usage.get(usize::from(dev)).copied().unwrap_or_default();
        text::devices(&mut out, &begun.fs, of, style)?;
        text::usage(&mut out, &even.usage, &begun.fs.replicas.table, style)?;
    }
    verdict(&mut out, options, quiet, &Verdict { findings, unreadable, ret: 0 })?;
    out.flush()?;
    Ok(Some(clean))
}

/// What was found where recovery ended before anything was counted.
fn unrecovered(
    options: CheckOptions,
    session: &Session<'_, '_>,
    e: &gc_v0::error::RecoveryError,
) -> Result<(), Failure> {
    let findings = session.recorder.borrow_mut().take();
    let mut out = std::io::stdout().lock();
    if options.json {
        let doc = Check {
            format: Format,
            ret: e.ret,
            error: Some(e.to_string()),
            findings: document::findings(&findings),
            unreadable: session.unreadable().iter().map(Into::into).collect(),
            missing: Vec::new(),
            changes: Vec::new(),
            sb: None,
            state: None,
        };
        document::line(&mut out, &doc)?;
    } else {
        let shown = if options.verbose { usize::MAX } else { SHOWN };
        text::grouped(&mut out, &findings, shown, Style::of_stdout())?;
    }
    out.flush()?;
    Ok(())
}

fn ended(ret: i32) -> String {
    match ret {
        1 => "errors were left".into(),
        2 => "the tree itself would have to be repaired".into(),
        -5 => "metadata could not be read".into(),
        other => format!("error {other}"),
    }
}
