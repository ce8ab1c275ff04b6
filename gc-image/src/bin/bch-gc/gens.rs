// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc gens`: the oldest generation of each bucket, recomputed.

use crate::recorder::Recorder;
use crate::{FOUND, OPERATIONAL, Source, document, source};
use gc_core::gens::gc_gens;
use gc_image::host::Image;
use gc_image::recovery;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

pub(crate) fn run(json: bool, source: &Source) -> ExitCode {
    match print(json, source) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Content(e)) => {
            eprintln!("bch-gc: {e}");
            ExitCode::from(FOUND)
        }
        Err(Failure::Operational(e)) => {
            eprintln!("bch-gc: {e}");
            ExitCode::from(OPERATIONAL)
        }
    }
}

enum Failure {
    /// The walk met something it could not read.
    Content(String),
    Operational(Box<dyn std::error::Error>),
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(e: E) -> Self {
        Self::Operational(Box::new(e))
    }
}

fn print(json: bool, source: &Source) -> Result<(), Failure> {
    let mut recorder = Recorder::new(false);
    let fs = source::open(source, 0, &mut recorder)?;
    let recovered = recovery::recover(fs, recovery::RecoveryArgs { fsck: false }, &mut recorder)?;
    let image = Image::new(recovered, &mut recorder)?;
    let mut out = std::io::stdout().lock();
    let before = json.then(|| line("before", &image));
    let ret = gc_gens(&image);
    if let Some(before) = before {
        for doc in [before, line("after", &image)] {
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
    ret.map_err(|e| Failure::Content(format!("walk ended early ({})", e.code())))
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
