// SPDX-License-Identifier: GPL-2.0-only
//! A device as characters: legible without colours, more so with them.

use crate::style::{Style, count, size};
use console::Term;
use gc_v0::map::{Cell, Class, Grid};
use std::io::{Result, Write};

/// Columns for the number of a row's first bucket.
const LABEL: u64 = 13;
/// Cells of a row where there is no terminal.
const PLAIN: u64 = 64;

/// Cells of a row: as many as the terminal has room for.
pub(super) fn columns() -> u64 {
    let term = Term::stdout();
    if !term.is_term() {
        return PLAIN;
    }
    let (_, columns) = term.size();
    u64::from(columns).saturating_sub(LABEL).clamp(16, 200)
}

/// Shades by how full; the first for anything at all.
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];

/// A cell: data as a shade, the rest as letters, large where more than half full.
fn glyph(cell: &Cell, bucket_size: u64) -> char {
    let capacity = bucket_size.saturating_mul(cell.buckets).max(1);
    let part =
        |of: u64| u128::from(cell.used()).saturating_mul(u128::from(of)) / u128::from(capacity);
    let letter = |c: char| if part(2) >= 1 { c.to_ascii_uppercase() } else { c };
    match cell.class() {
        Class::Free => '·',
        Class::Sb => letter('s'),
        Class::Journal => letter('j'),
        Class::Btree => letter('b'),
        Class::Cached => letter('c'),
        Class::Data => {
            let at = usize::try_from(part(4)).unwrap_or(0).min(SHADES.len() - 1);
            SHADES.get(at).copied().unwrap_or('█')
        }
    }
}

/// Colours as in the pictures, as far as terminals have them.
const fn colour(class: Class) -> &'static str {
    match class {
        Class::Sb => "1",
        Class::Journal => "35",
        Class::Btree => "34",
        Class::Data => "32",
        Class::Cached => "33",
        Class::Free => "2",
    }
}

/// One device.
pub(super) fn device(
    out: &mut impl Write,
    name: &str,
    grid: &Grid,
    columns: u64,
    style: Style,
) -> Result<()> {
    let all = grid.total();
    writeln!(out, "{}", style.head(name))?;
    let bucket = size(grid.bucket_size);
    let cell = count(grid.per_cell, "bucket");
    writeln!(out, "  {} of {bucket}, {cell} a cell", count(all.buckets, "bucket"))?;
    let mut parts = Vec::new();
    for (i, class) in Class::ALL.into_iter().enumerate() {
        let n = all.by_class.get(i).copied().unwrap_or(0);
        if n == 0 {
            continue;
        }
        let room = n.saturating_mul(grid.bucket_size).max(1);
        let full = all.sectors.get(i).map(|s| s.saturating_mul(100) / room);
        parts.push(match full {
            Some(full) => format!("{} {n} ({full}% full)", class.name()),
            None => format!("{} {n}", class.name()),
        });
    }
    writeln!(out, "  {}", parts.join(", "))?;
    let row_of = usize::try_from(columns).unwrap_or(64).max(1);
    for (row, cells) in (0_u64..).zip(grid.cells.chunks(row_of)) {
        let first = row.saturating_mul(columns).saturating_mul(grid.per_cell);
        let mut line = String::new();
        // Cells of one kind share their colours.
        let mut run = (String::new(), None);
        for cell in cells {
            let found = cell.findings > 0;
            let kind = if found { "1;37;41" } else { colour(cell.class()) };
            if run.1 != Some(kind) {
                line.push_str(&flush(&mut run, style));
                run.1 = Some(kind);
            }
            run.0.push(if found { '!' } else { glyph(cell, grid.bucket_size) });
        }
        line.push_str(&flush(&mut run, style));
        writeln!(out, "{first:>11}  {line}")?;
    }
    if all.findings > 0 {
        let text = format!("  ! findings in {}", count(all.findings, "bucket"));
        writeln!(out, "{}", style.bad(&text))?;
    }
    writeln!(out)
}

fn flush(run: &mut (String, Option<&'static str>), style: Style) -> String {
    let text = std::mem::take(&mut run.0);
    match run.1.take() {
        Some(code) if !text.is_empty() => style.sgr(code, &text),
        _ => text,
    }
}

/// What the characters mean.
pub(super) fn legend(out: &mut impl Write, style: Style) -> Result<()> {
    let paint = |class: Class, text: &str| style.sgr(colour(class), text);
    writeln!(
        out,
        "{} data, by how full   {} btree   {} journal   {} superblock   {} cached   {} free   {} \
         finding\n(letters: large where more than half full; a cell shows what most of its used \
         buckets hold)",
        paint(Class::Data, "░▒▓█"),
        paint(Class::Btree, "bB"),
        paint(Class::Journal, "jJ"),
        paint(Class::Sb, "sS"),
        paint(Class::Cached, "cC"),
        paint(Class::Free, "·"),
        style.sgr("1;37;41", "!"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::{BucketMark, DataType};

    // Oracle: shades and letters by hand.
    #[test]
    fn glyphs() {
        let one = |t: DataType, dirty: u16| {
            let mark = BucketMark(0).with_data_type(t).with_dirty_sectors(dirty);
            let grid = Grid::of_marks(0, 128, [mark].into_iter(), std::iter::empty(), 1);
            glyph(&grid.cells[0], 128)
        };
        let data: String =
            [1, 31, 32, 64, 96, 128].map(|n| one(DataType::USER, n)).into_iter().collect();
        assert_eq!(data, "░░▒▓██");
        assert_eq!(one(DataType::BTREE, 63), 'b');
        assert_eq!(one(DataType::BTREE, 64), 'B');
        assert_eq!(one(DataType::NONE, 0), '·');
        assert_eq!(one(DataType::JOURNAL, 128), 'J');
    }
}
