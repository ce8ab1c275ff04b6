// SPDX-License-Identifier: GPL-2.0-only
//! The grids as a picture (SVG). Each cell is a column filled from below with what
//! its buckets hold; its ground is tinted where buckets are in use, so that buckets
//! that are in use and not full show.

use super::{Cell, Class, Grid};
use std::fmt::{Result, Write};

/// Width of the picture, and of the margin left and right, in pixels.
const WIDTH: u64 = 1200;
const MARGIN: u64 = 16;
/// Most cells of a device.
pub const CELLS: u64 = 6000;
/// Largest side of a cell; least.
const SIDES: (u64, u64) = (24, 6);

/// Colours that are told apart by people who see few of them as well.
const fn colour(class: Class) -> &'static str {
    match class {
        Class::Sb => "#3b3b3b",
        Class::Journal => "#aa4499",
        Class::Btree => "#0072b2",
        Class::Data => "#009e73",
        Class::Cached => "#e6a817",
        Class::Free => "#eeeeee",
    }
}

/// The ground of a cell whose buckets are in use.
const fn tint(class: Class) -> &'static str {
    match class {
        Class::Sb => "#c8c8c8",
        Class::Journal => "#ead0e6",
        Class::Btree => "#c6e0f2",
        Class::Data => "#c9ece1",
        Class::Cached => "#fbeec4",
        Class::Free => "#eeeeee",
    }
}

const FOUND: &str = "#d0021b";

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The picture of all devices, each with its title.
///
/// # Errors
/// None: it is written to a string.
pub fn picture(
    title: &str,
    devices: &[(String, Grid)],
) -> std::result::Result<String, std::fmt::Error> {
    let mut body = String::new();
    let mut y = 40_u64;
    text(&mut body, MARGIN, 26, 18, "bold", title)?;
    legend(&mut body, &mut y)?;
    for (name, grid) in devices {
        y = y.saturating_add(34);
        text(&mut body, MARGIN, y, 14, "bold", name)?;
        y = y.saturating_add(18);
        text(&mut body, MARGIN, y, 12, "normal", &summary(grid))?;
        y = y.saturating_add(8);
        cells(&mut body, &mut y, grid)?;
    }
    let height = y.saturating_add(MARGIN);
    let mut out = String::new();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\">"
    )?;
    writeln!(out, "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>")?;
    out.push_str(&body);
    out.push_str("</svg>\n");
    Ok(out)
}

fn text(out: &mut String, x: u64, y: u64, size: u64, weight: &str, text: &str) -> Result {
    writeln!(
        out,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\" \
         fill=\"#222222\">{}</text>",
        escape(text)
    )
}

fn rect(out: &mut String, (x, y, w, h): (u64, u64, u64, u64), fill: &str) -> Result {
    writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"{fill}\"/>")
}

fn mark(out: &mut String, (x, y, w, h): (u64, u64, u64, u64)) -> Result {
    // Around the cell, over its neighbours' gap, and filled a little.
    let (x, y) = (x.saturating_sub(1), y.saturating_sub(1));
    let (w, h) = (w.saturating_add(2), h.saturating_add(2));
    writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"{FOUND}\" \
         fill-opacity=\"0.25\" stroke=\"{FOUND}\" stroke-width=\"2\"/>"
    )
}

fn legend(out: &mut String, y: &mut u64) -> Result {
    let mut x = MARGIN;
    for class in Class::ALL {
        rect(out, (x, *y, 14, 14), tint(class))?;
        if class != Class::Free {
            rect(out, (x, y.saturating_add(5), 14, 9), colour(class))?;
        }
        text(out, x.saturating_add(20), y.saturating_add(12), 12, "normal", class.name())?;
        x = x.saturating_add(110);
    }
    mark(out, (x, *y, 14, 14))?;
    text(out, x.saturating_add(22), y.saturating_add(12), 12, "normal", "finding")?;
    let how = "height: how full; pale: in use, not full";
    text(out, x.saturating_add(110), y.saturating_add(12), 12, "normal", how)?;
    *y = y.saturating_add(14);
    Ok(())
}

fn summary(grid: &Grid) -> String {
    let all = grid.total();
    let mut parts = Vec::new();
    for (class, n) in Class::ALL.into_iter().zip(all.by_class).filter(|(_, n)| *n > 0) {
        parts.push(format!("{} {n}", class.name()));
    }
    let s = if grid.per_cell == 1 { "" } else { "s" };
    let found = match all.findings {
        0 => String::new(),
        1 => ", a finding in 1 bucket".into(),
        n => format!(", findings in {n} buckets"),
    };
    format!("a cell: {} bucket{s}; buckets: {}{found}", grid.per_cell, parts.join(", "))
}

fn cells(out: &mut String, y: &mut u64, grid: &Grid) -> Result {
    let nr = u64::try_from(grid.cells.len()).unwrap_or(u64::MAX).max(1);
    let room = WIDTH.saturating_sub(MARGIN.saturating_mul(2));
    // A picture about three times as wide as high.
    let mut side = SIDES.0;
    while side > SIDES.1 {
        let columns = room.checked_div(side).unwrap_or(1).max(1);
        if nr.div_ceil(columns).saturating_mul(side) <= 420 {
            break;
        }
        side = side.saturating_sub(1);
    }
    let columns = room.checked_div(side).unwrap_or(1).max(1);
    let inner = side.saturating_sub(1);
    let mut found = String::new();
    for (i, cell) in (0_u64..).zip(&grid.cells) {
        let column = i.checked_rem(columns).unwrap_or(0);
        let row = i.checked_div(columns).unwrap_or(0);
        let x = MARGIN.saturating_add(column.saturating_mul(side));
        let top = y.saturating_add(row.saturating_mul(side));
        one(out, cell, grid.bucket_size, (x, top, inner))?;
        if cell.findings > 0 {
            mark(&mut found, (x, top, inner, inner))?;
        }
    }
    // Above all cells.
    out.push_str(&found);
    *y = y.saturating_add(nr.div_ceil(columns).saturating_mul(side));
    Ok(())
}

fn one(out: &mut String, cell: &Cell, bucket_size: u64, (x, y, side): (u64, u64, u64)) -> Result {
    let capacity = bucket_size.saturating_mul(cell.buckets).max(1);
    rect(out, (x, y, side, side), tint(Class::Free))?;
    // Heights in pixels, rounded up so that whatever is there shows.
    let height = |part: u64, of: u64| part.saturating_mul(side).div_ceil(of.max(1)).min(side);
    let free = cell.by_class.last().copied().unwrap_or(0);
    let in_use = height(cell.buckets.saturating_sub(free), cell.buckets);
    let class = cell.class();
    let bottom = y.saturating_add(side);
    if in_use > 0 && class != Class::Free {
        rect(out, (x, bottom.saturating_sub(in_use), side, in_use), tint(class))?;
    }
    let mut at = bottom;
    for (class, sectors) in Class::ALL.into_iter().zip(cell.sectors) {
        let h = height(sectors, capacity).min(at.saturating_sub(y));
        if h > 0 {
            at = at.saturating_sub(h);
            rect(out, (x, at, side, h), colour(class))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::{BucketMark, DataType};

    // Oracle: the number of rectangles by hand: the ground, the legend (6 tints, 5
    // colours, a mark), and for each cell its own, a tint and a bar where in use.
    #[test]
    fn rectangles() {
        let data = BucketMark(0).with_data_type(DataType::USER).with_dirty_sectors(64);
        let marks = [data, BucketMark(0), data];
        let grid = Grid::of_marks(0, 128, marks.into_iter(), [2].into_iter(), 10);
        let svg = picture("<a&b>", &[("device 0".into(), grid)]).unwrap();
        assert_eq!(svg.matches("<rect").count(), 1 + 12 + (3 + 1 + 3) + 1);
        assert_eq!(svg.matches(FOUND).count(), 2 * 2);
        assert!(svg.contains("&lt;a&amp;b&gt;"));
        assert!(svg.contains("a cell: 1 bucket; buckets: data 2, free 1, a finding in 1 bucket"));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }

    // Oracle: by hand: so many cells that they get small, with more buckets than one.
    #[test]
    fn many_cells() {
        let marks = (0..40_000_u32).map(|i| match i % 3 {
            0 => BucketMark(0).with_data_type(DataType::USER).with_dirty_sectors(64),
            // Sectors that no type accounts for are not in use.
            1 => BucketMark(0).with_data_type(DataType(6)).with_dirty_sectors(64),
            _ => BucketMark(0),
        });
        let marks: Vec<_> = marks.collect();
        let grid = Grid::of_marks(0, 128, marks.into_iter(), [1, 2].into_iter(), 20_000);
        let svg = picture("a\tb", &[("device 0".into(), grid)]).unwrap();
        assert!(svg.contains("a\u{fffd}b"));
        assert!(
            svg.contains(
                "a cell: 2 buckets; buckets: data 13334, free 26666, findings in 2 buckets"
            ),
            "{}",
            &svg[..3000]
        );
        let height = svg.split("height=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(height.parse::<u64>().unwrap() < 2000, "{height}");
    }
}
