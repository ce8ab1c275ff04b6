// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc check`: everything recomputed and compared, for people.

mod listed;
mod text;

use crate::agreed;
use crate::document;
use crate::failure::Failure;
use crate::recorder::Recorded;
use crate::run::{self, Session};
use crate::strategy::{Order, Strategy};
use crate::style::Style;
use bch_gc::cli::{CheckOptions, Source};
use bch_gc::documents::{Check, Format, Missing, State, Superblock};
use gc_core::error::{Errno, Error};
use gc_core::gc::{Args, gc};
use gc_v0::host::Image;
use gc_v0::plain::{self, Agreed};
use gc_v0::recovery::Begun;
use gc_v0::report::Unreadable;
use std::io::Write;
use std::num::NonZeroUsize;
use std::process::ExitCode;

/// Findings of a kind that are shown.
const SHOWN: usize = 5;

/// What the command line asks for.
fn strategy(options: CheckOptions, source: &Source) -> Strategy {
    let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    // A document tells of every bucket; metadata alone is followed in order.
    Strategy {
        order: if options.in_order || options.metadata_only {
            Order::References
        } else {
            Order::Any
        },
        in_parts: !options.json && !options.metadata_only,
        threads: options.threads.map_or_else(processors, usize::from),
        explain: options.verbose && !source.talk.quiet,
        ..Strategy::new(source)
    }
}

pub(crate) fn run(options: CheckOptions, source: &Source) -> ExitCode {
    run::run(source, strategy(options, source), |session| {
        let result = check(options, session);
        if let Err(Failure::Recovery(e)) = &result {
            // What was found until then is a result too.
            session.progress.end();
            unrecovered(options, session, e)?;
        }
        result
    })
}

/// Opens, recovers, counts and prints; whether everything agrees.
fn check(options: CheckOptions, session: &Session<'_, '_>) -> Result<bool, Failure> {
    let begun = session.begin()?;
    let strategy = &session.strategy;
    if !strategy.in_parts {
        let agreed = agreed::whole(session, &begun);
        let args = Args { initial: true, metadata_only: options.metadata_only };
        return session.with_image(begun, |image| {
            let swept = agreed::sweep(image, agreed.as_ref(), args);
            report(options, session, image, swept)
        });
    }
    if strategy.order == Order::Any {
        if let Some(agreed) = agreed::in_parts(session, &begun)? {
            let clean = report_agreed(options, session, &begun, &agreed);
            run::say_changes(&begun.fs, session.progress);
            return clean;
        }
    }
    let threads = plain::Options { threads: strategy.threads };
    match session.budget.lists(&begun, threads, session.progress)? {
        Some(lists) => listed::check(options, session, begun, &lists),
        None => session.with_image(begun, |image| {
            let swept = gc(image, Args { initial: true, metadata_only: false });
            report(options, session, image, swept)
        }),
    }
}

/// What the run came to, for people or programs.
fn report(
    options: CheckOptions,
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
        if !session.strategy.quiet {
            let style = Style::of_stdout();
            text::devices(&mut out, image.fs(), |dev| image.device_usage(dev), style)?;
            image.with_usage(|words, table| text::usage(&mut out, words, table, style))?;
        }
        let quiet = session.strategy.quiet;
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

/// What the unordered check came to, for people.
fn report_agreed(
    options: CheckOptions,
    session: &Session<'_, '_>,
    begun: &Begun,
    agreed: &Agreed,
) -> Result<bool, Failure> {
    session.progress.end();
    let findings = session.recorder.borrow_mut().take();
    let unreadable = session.unreadable();
    let clean = findings.is_empty() && unreadable.is_empty();
    let style = Style::of_stdout();
    let quiet = session.strategy.quiet;
    let mut out = std::io::stdout().lock();
    if !quiet {
        let of = |dev: u8| agreed.dev_usage.get(usize::from(dev)).copied().unwrap_or_default();
        text::devices(&mut out, &begun.fs, of, style)?;
        text::usage(&mut out, &agreed.usage, &begun.fs.replicas.table, style)?;
    }
    verdict(&mut out, options, quiet, &Verdict { findings, unreadable, ret: 0 })?;
    out.flush()?;
    Ok(clean)
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
