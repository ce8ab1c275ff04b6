// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc plan`: what a repair would change, the destructive first.

mod text;

use crate::document;
use crate::failure::Failure;
use crate::recorder::Recorded;
use crate::run::{self, Session};
use crate::strategy::Strategy;
use crate::style::Style;
use bch_gc::cli::{PlanOptions, Source};
use gc_core::error::Error;
use gc_core::finding::Answer as Answered;
use gc_core::gc::{Args, gc};
use gc_v0::host::Image;
use gc_v0::host::observer::SharedObserver;
use gc_v0::plan::{Plan, RefusedPointers, Snapshot};
use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;

pub(crate) fn run(options: PlanOptions, source: &Source) -> ExitCode {
    let strategy = Strategy { fix: true, ..Strategy::new(source) };
    run::on_image(source, strategy, |session, image| answer(options, session, image))
}

/// Everything that is said.
struct Answer {
    ret: i32,
    plan: Plan,
    /// What is repaired in memory while nodes and journal are read: these lose keys.
    reading: Vec<Recorded>,
    /// Findings that have no repair: what they are about stays as it is.
    left: Vec<Recorded>,
}

fn answer(
    options: PlanOptions,
    session: &Session<'_, '_>,
    image: &Image<'_>,
) -> Result<bool, Failure> {
    let before = Snapshot::of(image);
    let refused = Rc::new(RefCell::new(RefusedPointers::default()));
    let observer: SharedObserver = Rc::<RefCell<RefusedPointers>>::clone(&refused);
    image.observe(observer);
    let result = gc(image, Args { initial: true, metadata_only: false });
    session.progress.end();
    let plan = before.plan(&Snapshot::of(image), &refused.borrow());
    let findings = session.recorder.borrow_mut().take();
    let (fixed, left): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|f| f.answer == Answered::Fix);
    let reading = fixed.into_iter().filter(|f| !f.found.code.engine()).collect();
    let answer = Answer { ret: result.map_or_else(Error::code, |()| 0), plan, reading, left };
    document::answer(
        options.json,
        || {
            let (reading, left) = (&answer.reading, &answer.left);
            let (reading, left) = (document::findings(reading), document::findings(left));
            bch_gc::documents::Plan::of(answer.ret, &answer.plan, reading, left)
        },
        |out| text::print(out, &answer, options.verbose, Style::of_stdout()),
    )?;
    Ok(answer.is_nothing())
}

impl Answer {
    fn is_nothing(&self) -> bool {
        self.ret == 0 && self.plan.is_empty() && self.reading.is_empty() && self.left.is_empty()
    }
}
