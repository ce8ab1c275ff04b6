// SPDX-License-Identifier: GPL-2.0-only
//! What is lost, for people.

use super::{Answer, FileRow, SetRow};
use crate::style::{Style, count, size};
use gc_core::bkey::PosText;
use gc_v0::lost::{NodeLoss, Sums};
use std::io::{Result, Write};

/// Nodes and files that are shown.
const SHOWN: usize = 20;
/// Ranges of a file that are shown.
const RANGES: usize = 4;

pub(super) fn print(out: &mut impl Write, a: &Answer, verbose: bool, style: Style) -> Result<()> {
    let shown = if verbose { usize::MAX } else { SHOWN };
    devices(out, a, style)?;
    sets(out, a, style)?;
    nodes(out, a, shown, style)?;
    files(out, a, shown, verbose, style)?;
    if a.loss.orphaned > 0 {
        writeln!(out, "{} of shared data that no file uses", count(a.loss.orphaned, "lost range"))?;
    }
    if a.loss.degraded_files > 0 {
        let n = count(a.loss.degraded_files, "file");
        writeln!(out, "{n} can be read in full, with copies missing")?;
    }
    if a.unread > 0 {
        let text = "what lies below nodes that cannot be read is not known: column 'unknown'";
        writeln!(out, "{}", style.bad(text))?;
    }
    if a.nothing_lost() {
        writeln!(out, "{}", style.good("nothing is lost"))?;
    }
    Ok(())
}

const HEADS: [&str; 5] = ["intact", "degraded", "cut off", "lost", "unknown"];

fn columns(s: &Sums, unknown: u64) -> [u64; 5] {
    [s.intact, s.degraded, s.cut_off, s.lost, unknown]
}

/// One row of a table; what must not be is emphasised.
fn row(
    out: &mut impl Write,
    first: &str,
    values: [u64; 5],
    matters: bool,
    style: Style,
) -> Result<()> {
    write!(out, "  {first:<34}")?;
    for (i, v) in values.into_iter().enumerate() {
        let text = if v == 0 { "-".into() } else { size(v) };
        let padded = format!("{text:>11}");
        if v != 0 && i >= 2 && matters {
            write!(out, "{}", style.bad(&padded))?;
        } else {
            write!(out, "{padded}")?;
        }
    }
    writeln!(out)
}

fn heads(out: &mut impl Write, first: &str, style: Style) -> Result<()> {
    let mut line = format!("{first:<36}");
    for h in HEADS {
        line.push_str(&format!("{h:>11}"));
    }
    writeln!(out, "{}", style.head(line.trim_end()))
}

fn devices(out: &mut impl Write, a: &Answer, style: Style) -> Result<()> {
    heads(out, "devices (dirty data there)", style)?;
    for d in &a.devices {
        let state = match (&d.path, d.without) {
            (None, _) => "MISSING".to_string(),
            (Some(_), true) => "thought away".to_string(),
            (Some(path), false) => std::path::Path::new(path)
                .file_name()
                .map_or_else(|| path.clone(), |n| n.to_string_lossy().into_owned()),
        };
        row(out, &format!("{} {state}", d.dev), columns(&d.sums, 0), true, style)?;
        if d.path.is_none() || d.without {
            writeln!(out, "    uuid {}", d.uuid)?;
        }
    }
    writeln!(out)
}

fn sets(out: &mut impl Write, a: &Answer, style: Style) -> Result<()> {
    heads(out, "sets of devices (all copies)", style)?;
    for s in &a.sets {
        let (all, there) = s.devices;
        let away = if there < all { format!(", {there} of {all} here") } else { String::new() };
        if there == all && s.recorded == 0 && s.sums.total() == 0 {
            continue;
        }
        let name = format!("{}{away}", s.text);
        row(out, &name, columns(&s.sums, s.unknown), !s.cached, style)?;
    }
    let cached = |s: &SetRow| s.cached && s.sums.lost > 0;
    if a.sets.iter().any(cached) {
        writeln!(out, "  (lost cached copies are no loss: they were only copies)")?;
    }
    writeln!(out)
}

fn nodes(out: &mut impl Write, a: &Answer, shown: usize, style: Style) -> Result<()> {
    let all = &a.loss.nodes;
    if all.is_empty() {
        return Ok(());
    }
    let n = count(u64::try_from(all.len()).unwrap_or(u64::MAX), "btree node");
    writeln!(out, "{}", style.bad(&format!("{n} without a readable copy:")))?;
    for node in all.iter().take(shown) {
        writeln!(out, "  {}", one_node(node))?;
    }
    more(out, all.len(), shown)
}

fn one_node(n: &NodeLoss) -> String {
    let what = if n.root { "root" } else { "node" };
    let name = n.btree.name().unwrap_or("unknown");
    let from = n.from.map_or_else(String::new, |p| format!("{} ", PosText(p)));
    let devs: Vec<String> =
        n.key.as_ref().pointers().map(|p| format!("{}:@{}", p.dev(), p.offset())).collect();
    let why = if n.away { "not at hand" } else { "damaged" };
    format!(
        "{name} {what} of level {}, keys {from}to {}, copies at {} ({why})",
        n.level,
        PosText(n.to),
        devs.join(", ")
    )
}

fn files(
    out: &mut impl Write,
    a: &Answer,
    shown: usize,
    verbose: bool,
    style: Style,
) -> Result<()> {
    if a.files.is_empty() {
        return Ok(());
    }
    let n = count(u64::try_from(a.files.len()).unwrap_or(u64::MAX), "file");
    writeln!(out, "{}", style.bad(&format!("{n} with data that cannot be read, most first:")))?;
    for f in a.files.iter().take(shown) {
        file(out, f, if verbose { usize::MAX } else { RANGES })?;
    }
    more(out, a.files.len(), shown)
}

fn file(out: &mut impl Write, f: &FileRow, shown: usize) -> Result<()> {
    let state = match f.info {
        None => ", no such inode",
        Some(i) if i.unlinked => ", deleted while open",
        Some(_) => "",
    };
    write!(out, "  {} (inode {}{state}): ", f.name, f.inode)?;
    if f.loss.lost > 0 {
        write!(out, "{} lost", size(f.loss.lost))?;
        if let Some(i) = f.info {
            write!(out, " of {}", size(i.size.div_ceil(512)))?;
        }
        let all = &f.loss.ranges;
        let ranges: Vec<String> = all
            .iter()
            .take(shown)
            .map(|(at, n)| format!("{at} to {}", at.saturating_add(*n).saturating_sub(1)))
            .collect();
        let rest = all.len().saturating_sub(shown);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        write!(out, ", sectors {}{rest}", ranges.join(", "))?;
    }
    if f.loss.cut_off > 0 {
        let and = if f.loss.lost > 0 { "; " } else { "" };
        write!(out, "{and}{} below lost nodes", size(f.loss.cut_off))?;
    }
    writeln!(out)
}

fn more(out: &mut impl Write, all: usize, shown: usize) -> Result<()> {
    if all > shown {
        writeln!(out, "  and {} more (--verbose shows all)", all - shown)?;
    }
    writeln!(out)
}
