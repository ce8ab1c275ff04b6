// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc coalesce`: how full the btrees are, and what merging would save.

use crate::document;
use crate::failure::Failure;
use crate::run::{self, Session};
use crate::strategy::Strategy;
use crate::style::{Style, count, size};
use bch_gc::cli::Source;
use bch_gc::documents::{Coalesce, Format, LevelFill, NodeFill};
use gc_v0::coalesce::{Coalesced, Fill, coalesce};
use gc_v0::host::Image;
use std::io::Write;
use std::process::ExitCode;

/// Header of a node before its keys, in bytes (docs/facts/layout.md).
const HEADER: u64 = 160;

pub(crate) fn run(json: bool, source: &Source) -> ExitCode {
    let strategy = Strategy { needs_journal: false, ..Strategy::new(source) };
    run::on_image(source, strategy, |session, image| answer(json, session, image))
}

fn answer(json: bool, session: &Session<'_, '_>, image: &Image<'_>) -> Result<bool, Failure> {
    let result = coalesce(image, None);
    session.progress.end();
    let done = result.map_err(|e| Failure::System(format!("merging in memory ({})", e.code())))?;
    let style = Style::of_stdout();
    document::answer(json, || document(&done), |out| text(out, &done, style))?;
    Ok(done.left_out.is_empty())
}

/// Thousandths of the room for keys that are in use.
fn permille(fill: Fill, node_bytes: u64) -> u64 {
    let room = node_bytes.saturating_sub(HEADER).saturating_mul(fill.nodes);
    fill.live_u64s.saturating_mul(8_000).checked_div(room).unwrap_or(0)
}

fn saved(done: &Coalesced) -> u64 {
    let nodes = done.levels.iter().map(|l| l.before.nodes.saturating_sub(l.after.nodes));
    nodes.fold(0, u64::saturating_add)
}

fn text(out: &mut impl Write, done: &Coalesced, style: Style) -> std::io::Result<()> {
    let head = format!(
        "{:<12}{:>6}{:>12}{:>8}{:>12}{:>8}{:>12}",
        "btree", "level", "nodes", "full", "merged", "full", "saved"
    );
    writeln!(out, "{}", style.head(&head))?;
    let bytes = done.size.bytes;
    for l in &done.levels {
        let name = l.btree.name().unwrap_or("unknown");
        let (was, is) = (permille(l.before, bytes), permille(l.after, bytes));
        let fewer = l.before.nodes.saturating_sub(l.after.nodes);
        write!(out, "{name:<12}{:>6}{:>12}", l.level, l.before.nodes)?;
        write!(out, "{:>6}.{}%", was / 10, was % 10)?;
        if fewer == 0 {
            writeln!(out, "{:>12}", "-")?;
        } else {
            let saved = size(fewer.saturating_mul(bytes) / 512);
            writeln!(out, "{:>12}{:>6}.{}%{saved:>12}", l.after.nodes, is / 10, is % 10)?;
        }
    }
    let nodes = saved(done);
    let total = done.levels.iter().fold(0_u64, |n, l| n.saturating_add(l.before.nodes));
    let room = size(nodes.saturating_mul(bytes) / 512);
    writeln!(
        out,
        "merging would save {nodes} of {}, {room} (nodes of {})",
        count(total, "node"),
        size(bytes / 512)
    )?;
    if done.refused > 0 {
        let n = count(done.refused, "merge");
        writeln!(out, "{n} would not have saved a node, once packed in a common format")?;
    }
    for btree in &done.left_out {
        let name = btree.name().unwrap_or("unknown");
        writeln!(out, "{}", style.bad(&format!("{name} left out: nodes cannot be read")))?;
    }
    Ok(())
}

fn document(done: &Coalesced) -> Coalesce {
    let bytes = done.size.bytes;
    let fill = |f: Fill| NodeFill {
        nodes: f.nodes,
        live_u64s: f.live_u64s,
        full_permille: permille(f, bytes),
    };
    let levels = done.levels.iter().map(|l| LevelFill {
        btree: l.btree.name(),
        level: l.level,
        before: fill(l.before),
        after: fill(l.after),
    });
    Coalesce {
        format: Format,
        node_bytes: bytes,
        levels: levels.collect(),
        saved_nodes: saved(done),
        saved_bytes: saved(done).saturating_mul(bytes),
        refused: done.refused,
        left_out: done.left_out.iter().map(|b| b.name()).collect(),
    }
}
