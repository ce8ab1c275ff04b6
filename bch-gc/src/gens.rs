// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc gens`: the oldest generation of each bucket, recomputed.

mod summary;

use crate::document;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::run::{self, Session};
use crate::strategy::Strategy;
use crate::style::Style;
use bch_gc::cli::{GensOptions, Source};
use bch_gc::documents::{GenRows, GensState, Stage, State};
use gc_core::gens::gc_gens;
use gc_v0::gens::{Distances, Stale};
use gc_v0::host::Image;
use std::io::Write;
use std::process::ExitCode;

/// Stale pointers that are shown.
const SHOWN: usize = 10;

pub(crate) fn run(options: GensOptions, source: &Source) -> ExitCode {
    let strategy =
        Strategy { needs_journal: false, unrecovered: Exit::Operational, ..Strategy::new(source) };
    run::on_image(source, strategy, |session, image| print(options, session, image))
}

/// A member's buckets by their distance from the wrap.
struct DeviceRow {
    dev: u8,
    recorded: Distances,
    recomputed: Distances,
}

fn print(
    options: GensOptions,
    session: &Session<'_, '_>,
    image: &Image<'_>,
) -> Result<bool, Failure> {
    let states = options.json && !options.summary;
    let before = states.then(|| GensState {
        stage: Stage::Before,
        state: State::saved(image),
        gc_gens: generations(image),
    });
    let distances = |i: &Image<'_>| -> Vec<(u8, Distances)> {
        i.fs().members().map(|(idx, dev)| (idx, Distances::of(dev))).collect()
    };
    let recorded = distances(image);
    let ret = gc_gens(image);
    let mut out = std::io::stdout().lock();
    if let Some(before) = before {
        session.progress.end();
        document::line(&mut out, &before)?;
        let (state, gc_gens) = (State::of(image), generations(image));
        document::line(&mut out, &GensState { stage: Stage::After, state, gc_gens })?;
    } else {
        let stale = Stale::of(image, if options.verbose { usize::MAX } else { SHOWN });
        session.progress.end();
        let rows: Vec<DeviceRow> = recorded
            .into_iter()
            .zip(distances(image))
            .map(|((dev, recorded), (_, recomputed))| DeviceRow { dev, recorded, recomputed })
            .collect();
        if options.json {
            document::line(&mut out, &summary::document(&rows, &stale))?;
        } else {
            summary::text(&mut out, image, &rows, &stale, Style::of_stdout())?;
        }
    }
    out.flush()?;
    match ret {
        Ok(()) => Ok(true),
        Err(e) => Err(Failure::Content(format!("walk ended early ({})", e.code()))),
    }
}

/// Generations of the buckets of each member.
fn generations(image: &Image<'_>) -> Vec<GenRows> {
    image.fs().members().map(|(_, dev)| GenRows::of(&dev.buckets)).collect()
}
