// SPDX-License-Identifier: GPL-2.0-only
//! A plan for people.

use super::Answer;
use crate::fields::{Differs, differing};
use crate::recorder::Recorded;
use crate::style::{Style, count};
use gc_core::layout::{BucketMark, DataType};
use gc_v0::plan::{BucketChange, Kind, NumberChange};
use std::io::{Result, Write};

/// Lines of a part that are shown.
const SHOWN: usize = 20;
/// Findings without a repair that are shown.
const LEFT: usize = 6;

pub(super) fn print(out: &mut impl Write, a: &Answer, verbose: bool, style: Style) -> Result<()> {
    let shown = if verbose { usize::MAX } else { SHOWN };
    if a.is_nothing() {
        return writeln!(out, "{}", style.good("fsck -y would change nothing here"));
    }
    let (destructive, others): (Vec<&BucketChange>, Vec<&BucketChange>) = a
        .plan
        .buckets
        .iter()
        .filter(|b| b.kind != Kind::Oldest)
        .partition(|b| b.kind.destructive());
    writeln!(
        out,
        "{}",
        style.head(&format!(
            "fsck -y would change {}, {} and {} of devices",
            nr(destructive.len().saturating_add(others.len()), "bucket"),
            nr(a.plan.counters.len(), "counter"),
            nr(a.plan.sets.len(), "set"),
        ))
    )?;
    if !destructive.is_empty() || !a.reading.is_empty() {
        writeln!(out, "{}", style.bad("destructive: what is given up here does not come back"))?;
    }
    for r in a.reading.iter().take(shown) {
        found(out, r)?;
    }
    more(out, a.reading.len(), shown)?;
    buckets(out, &destructive, shown)?;
    if !others.is_empty() {
        writeln!(out, "{}", style.head("corrected:"))?;
    }
    buckets(out, &others, shown)?;
    numbers(out, "counters (nr_inodes: inodes, else sectors):", &a.plan.counters, style)?;
    numbers(out, "sectors of sets of devices:", &a.plan.sets, style)?;
    if !a.plan.stripes.is_empty() {
        writeln!(out, "{}", style.head("stripes:"))?;
        for s in a.plan.stripes.iter().take(shown) {
            let sectors = |s: &gc_core::layout::Stripe| -> Vec<u16> {
                s.block_sectors.into_iter().take(usize::from(s.nr_blocks)).collect()
            };
            let (was, is) = (sectors(&s.before), sectors(&s.after));
            writeln!(out, "  stripe {}: sectors of its blocks {was:?} -> {is:?}", s.idx)?;
        }
        more(out, a.plan.stripes.len(), shown)?;
    }
    if let Some((was, is)) = a.plan.key_version {
        writeln!(out, "highest key version {was} -> {is}")?;
    }
    if !a.left.is_empty() {
        writeln!(out, "{}", style.bad("left as it is, there is no repair for it:"))?;
        let shown = if verbose { usize::MAX } else { LEFT };
        for r in a.left.iter().take(shown) {
            found(out, r)?;
        }
        more(out, a.left.len(), shown)?;
    }
    if a.ret != 0 {
        let text = format!("fsck -y would end early (error {}) and write nothing of this", a.ret);
        writeln!(out, "{}", style.bad(&text))?;
    }
    Ok(())
}

fn nr(n: usize, what: &str) -> String {
    count(u64::try_from(n).unwrap_or(u64::MAX), what)
}

fn more(out: &mut impl Write, all: usize, shown: usize) -> Result<()> {
    if all > shown {
        writeln!(out, "  and {} more (--verbose shows all)", all - shown)?;
    }
    Ok(())
}

fn found(out: &mut impl Write, r: &Recorded) -> Result<()> {
    let mut lines = r.found.text.trim_end().lines();
    writeln!(out, "  {}: {}", r.found.code.name(), lines.next().unwrap_or(""))?;
    lines.try_for_each(|l| writeln!(out, "    {l}"))
}

fn buckets(out: &mut impl Write, all: &[&BucketChange], shown: usize) -> Result<()> {
    for b in all.iter().take(shown) {
        let place = format!("bucket {}:{}", b.dev, b.bucket);
        let what = match b.kind {
            Kind::Freed => "freed",
            Kind::GenMoved => "generation moves",
            Kind::Type => "type changes",
            Kind::Fewer => "fewer sectors",
            Kind::More if b.before.mark.data_type() == DataType::NONE => "taken into use",
            Kind::More => "more sectors",
            Kind::Other => "stripe flag",
            Kind::Oldest => "oldest generation",
        };
        write!(out, "  {place:<16} {what:<17} {}", change(b.before.mark, b.after.mark))?;
        match b.refused {
            0 => writeln!(out)?,
            1 => writeln!(out, "; 1 pointer into it is refused")?,
            n => writeln!(out, "; {n} pointers into it are refused")?,
        }
    }
    more(out, all.len(), shown)
}

/// The fields that differ.
fn change(was: BucketMark, is: BucketMark) -> String {
    let one = |d: Differs| match d.name {
        "type" => d.change,
        name => format!("{name} {}", d.change),
    };
    differing(was, is).into_iter().map(one).collect::<Vec<_>>().join(", ")
}

fn numbers(out: &mut impl Write, head: &str, all: &[NumberChange], style: Style) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", style.head(head))?;
    for n in all {
        let was = n.before.map_or_else(|| "not listed".into(), |v| v.to_string());
        let by = i128::from(n.after) - i128::from(n.before.unwrap_or(0));
        writeln!(out, "  {:<24} {was} -> {} ({by:+})", n.name, n.after)?;
    }
    Ok(())
}
