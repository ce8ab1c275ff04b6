// SPDX-License-Identifier: GPL-2.0-only
//! How near each device is to a wrap of its generations, for people and as JSON.

use super::DeviceRow;
use crate::style::{Style, count};
use bch_gc::documents::{Format, Gens, GensDevice, StaleNumbers};
use gc_core::bkey::PosText;
use gc_v0::gens::{Distances, LIMIT, NEAR, RANGES, Stale, StalePointer};
use gc_v0::host::Image;
use std::io::{Result, Write};

/// Length of the longest bar.
const BAR: u64 = 32;

pub(super) fn text(
    out: &mut impl Write,
    image: &Image<'_>,
    rows: &[DeviceRow],
    stale: &Stale,
    style: Style,
) -> Result<()> {
    writeln!(
        out,
        "Distance of each bucket's generation from the oldest that a pointer has. From {NEAR} on \
         the\nallocator has oldest generations recomputed; at {LIMIT} a bucket cannot be used anew."
    )?;
    for row in rows {
        device(out, image, row, style)?;
    }
    let all = stale.cached.saturating_add(stale.dirty);
    let pointers = count(all, "stale pointer");
    writeln!(out, "{pointers}: {} cached, {} not", stale.cached, stale.dirty)?;
    if stale.dirty > 0 {
        let text = "pointers that are not cached and behind their bucket have lost their data";
        writeln!(out, "{}", style.bad(text))?;
    }
    if stale.unreadable > 0 {
        let nodes = count(stale.unreadable, "node");
        writeln!(out, "{}", style.bad(&format!("{nodes} could not be read")))?;
    }
    if !stale.oldest.is_empty() {
        writeln!(out, "{}", style.head("the oldest:"))?;
    }
    for s in &stale.oldest {
        pointer(out, s)?;
    }
    let shown = u64::try_from(stale.oldest.len()).unwrap_or(u64::MAX);
    if all > shown {
        writeln!(out, "  and {} more (--verbose shows all)", all - shown)?;
    }
    Ok(())
}

fn device(out: &mut impl Write, image: &Image<'_>, row: &DeviceRow, style: Style) -> Result<()> {
    let there = image.fs().device(row.dev).is_some_and(|d| d.online.is_some());
    let missing = if there { "" } else { " (missing)" };
    let head = format!("device {}{missing}", row.dev);
    let line = format!("{head:<16}{:>11}{:>12}", "recorded", "recomputed");
    writeln!(out, "{}", style.head(&line))?;
    let now = &row.recomputed.buckets;
    let most = now.iter().copied().max().unwrap_or(0).max(1);
    let columns = row.recorded.buckets.iter().zip(now);
    for (i, (was, is)) in columns.enumerate() {
        if (*was, *is) == (0, 0) {
            continue;
        }
        let least = RANGES.get(i).copied().unwrap_or(0);
        let range = match RANGES.get(i + 1) {
            Some(next) if *next == least + 1 => least.to_string(),
            Some(next) => format!("{least} to {}", next - 1),
            None => format!("{least} and more"),
        };
        // Something shows as something.
        let len = is.saturating_mul(BAR).div_ceil(most).min(BAR);
        let bar = "#".repeat(usize::try_from(len).unwrap_or(0));
        let bar = if least >= NEAR { style.bad(&bar) } else { bar };
        let line = format!("  {range:<14}{was:>11}{is:>12}  {bar}");
        writeln!(out, "{}", line.trim_end())?;
    }
    let worst = |d: &Distances| match d.worst {
        (0, _) => "0".to_string(),
        (n, bucket) => format!("{n} (bucket {}:{bucket})", row.dev),
    };
    writeln!(
        out,
        "  nearest to the wrap: recorded {}, recomputed {}",
        worst(&row.recorded),
        worst(&row.recomputed)
    )
}

fn pointer(out: &mut impl Write, s: &StalePointer) -> Result<()> {
    let btree = s.btree.name().unwrap_or("unknown");
    let kind = if s.ptr.cached() { "cached" } else { "not cached" };
    writeln!(
        out,
        "  {} behind, {kind}: bucket {}:{}, pointer gen {}, {btree} key {}",
        s.behind,
        s.ptr.dev(),
        s.bucket,
        s.ptr.gen_(),
        PosText(s.key.k.p)
    )?;
    for f in &s.files {
        let end = f.start.saturating_add(f.sectors).saturating_sub(1);
        let state = match f.info {
            None => ", which does not exist",
            Some(i) if i.unlinked => ", deleted while open",
            Some(_) => "",
        };
        writeln!(out, "    {} (inode {}{state}), sectors {} to {end}", f.name, f.inode, f.start)?;
    }
    Ok(())
}

pub(super) fn document(rows: &[DeviceRow], stale: &Stale) -> Gens {
    let device = |r: &DeviceRow| GensDevice {
        device: r.dev,
        recorded: (&r.recorded).into(),
        recomputed: (&r.recomputed).into(),
    };
    Gens {
        format: Format,
        limit: LIMIT,
        devices: rows.iter().map(device).collect(),
        stale: StaleNumbers { cached: stale.cached, dirty: stale.dirty },
        oldest: stale.oldest.iter().map(Into::into).collect(),
        nodes_not_read: stale.unreadable,
    }
}
