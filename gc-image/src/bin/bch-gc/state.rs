// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc state`: one document for each mark and sweep.

use crate::recorder::{Recorder, Shared};
use crate::{FOUND, Mode, OPERATIONAL, Source, document, source};
use gc_core::error::Error;
use gc_core::gc::{Args, gc};
use gc_image::host::Image;
use gc_image::recovery::{self, ALLOC_INFO, ALLOC_METADATA, RecoveryArgs};
use serde_json::json;
use std::cell::RefCell;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(mode: Mode, source: &Source) -> ExitCode {
    match documents(mode, source) {
        Ok(clean) => ExitCode::from(if clean { 0 } else { FOUND }),
        Err(e) => {
            eprintln!("bch-gc: {e}");
            ExitCode::from(OPERATIONAL)
        }
    }
}

/// Prints the documents; whether nothing was found.
fn documents(mode: Mode, source: &Source) -> Result<bool, Box<dyn std::error::Error>> {
    let recorder = RefCell::new(Recorder::new(mode == Mode::Y));
    let mut reporter = Shared(&recorder);
    let clear = match mode {
        Mode::N | Mode::Y => 0,
        Mode::M => ALLOC_METADATA,
        Mode::A => ALLOC_INFO,
    };
    let fs = source::open(source, clear, &mut reporter)?;
    let recovered = recovery::recover(fs, RecoveryArgs { fsck: true }, &mut reporter)?;
    let image = Image::new(recovered, &mut reporter)?;
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
        let before = document::state(&image);
        let result = gc(&image, Args { initial: true, metadata_only });
        let ret = result.map_or_else(Error::code, |()| 0);
        let errors = recorder.borrow_mut().take();
        let doc = json!({
            "format": 1,
            "initial": true,
            "metadata_only": metadata_only,
            "aborted": null,
            "ret": ret,
            "passes": image.take_passes(),
            "errors": document::findings(&errors),
            "prior_errors": document::findings(&prior),
            "sb": document::superblock(&image),
            "rebuild_replicas": u8::from(rebuild),
            "journal_keys": image.journal().len(),
            "before": before,
            "after": document::state(&image),
        });
        serde_json::to_writer(&mut out, &doc)?;
        out.write_all(b"\n")?;
        clean &= errors.is_empty() && prior.is_empty() && ret == 0;
        if ret != 0 {
            break;
        }
    }
    out.flush()?;
    Ok(clean)
}
