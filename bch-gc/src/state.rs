// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc state`: one document for each mark and sweep.

use crate::agreed;
use crate::document;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation;
use crate::run::{self, Session};
use crate::strategy::{Order, Strategy};
use crate::today;
use bch_gc::cli::{Mode, Source};
use bch_gc::documents::{Format, State, StateRun, Superblock};
use gc_core::error::Error;
use gc_core::gc::Args;
use gc_v0::host::Image;
use gc_v0::plain::Agreed;
use gc_v0::recovery::{ALLOC_INFO, ALLOC_METADATA};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(mode: Mode, source: &Source) -> ExitCode {
    if generation::is_today(&source.images, source.in_use) {
        return today::run_state(source);
    }
    let clear_compat = match mode {
        Mode::N | Mode::Y => 0,
        Mode::M => ALLOC_METADATA,
        Mode::A => ALLOC_INFO,
    };
    // Without recovery there is no document.
    let strategy = Strategy {
        order: Order::Any,
        fix: mode == Mode::Y,
        clear_compat,
        unrecovered: Exit::Operational,
        documents: 1,
        ..Strategy::new(source)
    };
    run::run(source, strategy, |session| {
        let begun = session.begin()?;
        let agreed = agreed::whole(session, &begun);
        session.with_image(begun, |image| documents(session, image, agreed.as_ref()))
    })
}

/// Prints the documents; whether nothing was found.
fn documents(
    session: &Session<'_, '_>,
    image: &Image<'_>,
    agreed: Option<&Agreed>,
) -> Result<bool, Failure> {
    let recorder = session.recorder;
    let mut clean = true;
    let compat = image.compat();
    let runs: &[bool] = if compat & ALLOC_INFO != 0 && compat & ALLOC_METADATA == 0 {
        &[true, false]
    } else {
        &[false]
    };
    let mut out = std::io::stdout().lock();
    for metadata_only in runs.iter().copied() {
        let prior = recorder.borrow_mut().take();
        let rebuild = image.rebuilds_replicas();
        let before = State::saved(image);
        let result = agreed::sweep(image, agreed, Args { initial: true, metadata_only });
        let ret = result.map_or_else(Error::code, |()| 0);
        let errors = recorder.borrow_mut().take();
        let doc = StateRun {
            format: Format,
            initial: true,
            metadata_only,
            aborted: None,
            ret,
            passes: image.take_passes(),
            errors: document::corpus_findings(&errors),
            prior_errors: document::corpus_findings(&prior),
            sb: Superblock::of(image),
            rebuild_replicas: u8::from(rebuild),
            journal_keys: image.journal().len(),
            before,
            after: State::of(image),
        };
        document::line(&mut out, &doc)?;
        clean &= errors.is_empty() && prior.is_empty() && ret == 0;
        if ret != 0 {
            break;
        }
    }
    out.flush()?;
    Ok(clean)
}
