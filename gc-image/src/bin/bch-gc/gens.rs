// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc gens`: the oldest generation of each bucket, recomputed.

use crate::document;
use crate::run::{self, CHECK, Failure, How, OPERATIONAL, Session};
use gc_core::gens::gc_gens;
use gc_image::cli::Source;
use gc_image::host::Image;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

pub(crate) fn run(json: bool, source: &Source) -> ExitCode {
    let how = How { fsck: false, unrecovered: OPERATIONAL, ..CHECK };
    run::on_image(source, how, |session, image| print(json, session, image))
}

fn print(json: bool, session: &Session<'_, '_>, image: &Image<'_>) -> Result<bool, Failure> {
    let before = json.then(|| line("before", image));
    let ret = gc_gens(image);
    session.progress.end();
    let mut out = std::io::stdout().lock();
    if let Some(before) = before {
        for doc in [before, line("after", image)] {
            serde_json::to_writer(&mut out, &doc)?;
            out.write_all(b"\n")?;
        }
    } else {
        for (idx, dev) in image.fs().members() {
            let mut worst = 0;
            for b in &dev.buckets {
                let gen_ = b.load_mark(Ordering::Relaxed).gen_();
                worst = worst.max(gen_.wrapping_sub(b.oldest_gen.load(Ordering::Relaxed)));
            }
            writeln!(out, "device {idx}: oldest pointer {worst} of 96 generations behind")?;
        }
    }
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
