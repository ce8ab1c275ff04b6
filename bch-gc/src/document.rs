// SPDX-License-Identifier: GPL-2.0-only
//! Printing an answer, for programs or for people.

use crate::failure::Failure;
use crate::recorder::Recorded;
use bch_gc::documents::{CorpusFinding, Finding};
use serde::Serialize;
use std::io::{StdoutLock, Write};

/// Prints a document as one line.
pub(crate) fn line(out: &mut impl Write, document: &impl Serialize) -> Result<(), Failure> {
    // The standard output is buffered by line alone, and a document is one line.
    let mut out = std::io::BufWriter::new(out);
    serde_json::to_writer(&mut out, document)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// Prints an answer for programs or for people.
pub(crate) fn answer<D: Serialize>(
    json: bool,
    document: impl FnOnce() -> D,
    text: impl FnOnce(&mut StdoutLock<'_>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if json {
        line(&mut out, &document())?
    } else {
        text(&mut out)?
    }
    out.flush()?;
    Ok(())
}

/// Findings in order, for a document.
pub(crate) fn findings(all: &[Recorded]) -> Vec<Finding> {
    all.iter().map(|r| Finding::of(r.pass, &r.found, r.answer)).collect()
}

/// Findings in order, in the format of the goldens.
pub(crate) fn corpus_findings(all: &[Recorded]) -> Vec<CorpusFinding> {
    all.iter().map(|r| CorpusFinding::of(r.pass, &r.found, r.answer)).collect()
}
