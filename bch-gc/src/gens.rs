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
use gc_core::gens::gc_gens;
use gc_v0::gens::{Distances, Stale};
use gc_v0::host::Image;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

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
    let before = states.then(|| line("before", image));
    let distances = |i: &Image<'_>| -> Vec<(u8, Distances)> {
        i.fs().members().map(|(idx, dev)| (idx, Distances::of(dev))).collect()
    };
    let recorded = distances(image);
    let ret = gc_gens(image);
    let mut out = std::io::stdout().lock();
    if let Some(before) = before {
        session.progress.end();
        for doc in [before, line("after", image)] {
            document::line(&mut out, &doc)?;
        }
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

fn line(stage: &str, image: &Image<'_>) -> Value {
    let gens: Vec<Value> = image
        .fs()
        .members()
        .map(|(_, dev)| {
            (0_u64..)
                .zip(&dev.buckets)
                .filter_map(|(i, b)| {
                    let gen_ = b.load_mark(Ordering::Relaxed).gen_();
                    let oldest = b.oldest_gen.load(Ordering::Relaxed);
                    let gc_gen = b.gc_gen.load(Ordering::Relaxed);
                    let row = (i, gen_, oldest, gc_gen, gen_.wrapping_sub(oldest));
                    ((gen_, oldest, gc_gen) != (0, 0, 0)).then(|| json!(row))
                })
                .collect()
        })
        .collect();
    json!({"stage": stage, "state": document::state(image), "gc_gens": gens})
}
