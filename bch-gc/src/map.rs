// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc map`: each device as a picture.

mod text;

use crate::document;
use crate::failure::Failure;
use crate::run::{self, Session};
use crate::strategy::Strategy;
use crate::style::Style;
use bch_gc::cli::{MapOptions, Source};
use bch_gc::documents::Format;
use gc_core::error::Error;
use gc_core::gc::{Args, gc};
use gc_v0::host::Image;
use gc_v0::host::observer::SharedObserver;
use gc_v0::map::{FindingPlaces, Grid};
use std::cell::RefCell;
use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;

pub(crate) fn run(options: &MapOptions, source: &Source) -> ExitCode {
    run::on_image(source, Strategy::new(source), |session, image| answer(options, session, image))
}

fn answer(
    options: &MapOptions,
    session: &Session<'_, '_>,
    image: &Image<'_>,
) -> Result<bool, Failure> {
    let found = Rc::new(RefCell::new(FindingPlaces::default()));
    let observer: SharedObserver = Rc::<RefCell<FindingPlaces>>::clone(&found);
    image.observe(observer);
    let result = gc(image, Args { initial: true, metadata_only: false });
    session.progress.end();
    let ret = result.map_or_else(Error::code, |()| 0);
    let clean = session.recorder.borrow_mut().take().is_empty() && ret == 0;
    let found = found.borrow();
    let grids = |max: u64| -> Vec<(String, Grid)> {
        let grid = |(dev, d): (u8, &gc_v0::fs::Device)| {
            let place = match &d.online {
                Some(o) => o.file.path().display().to_string(),
                None => "missing, as the alloc btree has it".into(),
            };
            (format!("device {dev}: {place}"), Grid::of(dev, d, &found, max))
        };
        image.fs().members().map(grid).collect()
    };
    if let Some(path) = &options.svg {
        let devices = grids(gc_v0::map::svg::CELLS);
        let title = format!("file system {}", image.fs().name());
        let picture = gc_v0::map::svg::picture(&title, &devices)
            .map_err(|e| Failure::System(e.to_string()))?;
        // Never over something that is there: it might be the image.
        std::fs::File::create_new(path)
            .and_then(|mut file| file.write_all(picture.as_bytes()))
            .map_err(|e| Failure::System(format!("{}: {e}", path.display())))?;
    }
    let mut out = std::io::stdout().lock();
    let columns = text::columns();
    let devices = grids(columns.saturating_mul(options.rows.max(1)));
    if options.json {
        let devices = devices.iter().map(|(_, grid)| grid.into()).collect();
        let doc = bch_gc::documents::Map { format: Format, ret, devices };
        document::line(&mut out, &doc)?;
    } else if !options.only_file() {
        let style = Style::of_stdout();
        for (name, grid) in &devices {
            text::device(&mut out, name, grid, columns, style)?;
        }
        text::legend(&mut out, style)?;
        if ret != 0 {
            let text = "the walk ended early: this is what is recorded, not what was counted";
            writeln!(out, "{}", style.bad(text))?;
        }
    }
    out.flush()?;
    Ok(clean)
}
