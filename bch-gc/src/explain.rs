// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc explain`: why a bucket's counts are what they are.

mod text;

use crate::document;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::run::{self, Session};
use crate::strategy::Strategy;
use crate::style::Style;
use bch_gc::cli::{ExplainOptions, Source};
use bch_gc::documents::{Explain, Format};
use gc_core::error::Error;
use gc_core::gc::{Args, gc};
use gc_v0::explain::{Explained, Explainer, Place};
use gc_v0::host::Image;
use std::io::Write;
use std::process::ExitCode;

const WHOLE: Args = Args { initial: true, metadata_only: false };

pub(crate) fn run(options: ExplainOptions, mut source: Source) -> ExitCode {
    let place = if options.all_findings {
        None
    } else {
        match the_place(&mut source) {
            Ok(place) => Some(place),
            Err(text) => {
                crate::progress::say(&format!("bch-gc: {text}"));
                return Exit::Usage.into();
            }
        }
    };
    run::on_image(&source, Strategy::new(&source), |session, image| {
        answer(options, place, session, image)
    })
}

/// The first of what is named is the bucket, unless all are wanted.
fn the_place(source: &mut Source) -> Result<Place, String> {
    if source.images.len() < 2 {
        return Err("name a bucket and the images: bch-gc explain DEV:BUCKET IMAGE...".into());
    }
    let place = source.images.remove(0);
    place.to_string_lossy().parse().map_err(|e: gc_v0::explain::PlaceError| e.to_string())
}

fn answer(
    options: ExplainOptions,
    place: Option<Place>,
    session: &Session<'_, '_>,
    image: &Image<'_>,
) -> Result<bool, Failure> {
    let mut explainer = Explainer::new();
    let mut left_out = 0;
    let wanted = match place {
        Some(p) => vec![p.find(image.fs()).map_err(|e| Failure::Usage(e.to_string()))?],
        None => {
            let found = explainer.places(image, || {
                // How it ends is said by the second run.
                let _ended = gc(image, WHOLE);
            });
            left_out = found.len().saturating_sub(options.max);
            found.into_iter().take(options.max).collect()
        }
    };
    let (explained, result) = explainer.explain(image, wanted, || gc(image, WHOLE));
    session.progress.end();
    let ret = result.map_or_else(Error::code, |()| 0);
    let clean = ret == 0 && explained.iter().all(Explained::agrees);
    let mut out = std::io::stdout().lock();
    if options.json {
        let buckets = explained.iter().map(Into::into).collect();
        let doc = Explain { format: Format, ret, left_out, buckets };
        document::line(&mut out, &doc)?;
    } else {
        let style = Style::of_stdout();
        for e in &explained {
            text::bucket(&mut out, image.fs(), e, options.verbose, style)?;
        }
        if options.all_findings && explained.is_empty() {
            writeln!(out, "no finding names a bucket")?;
        }
        if left_out > 0 {
            writeln!(out, "{left_out} more buckets with findings (--max)")?;
        }
        if ret != 0 {
            let text = "the walk ended early: references that come after are not here";
            writeln!(out, "{}", style.bad(text))?;
        }
    }
    out.flush()?;
    Ok(clean)
}
