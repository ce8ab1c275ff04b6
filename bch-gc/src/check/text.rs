// SPDX-License-Identifier: GPL-2.0-only
//! The parts of the text that `check` prints.

use crate::recorder::Recorded;
use crate::style::{Style, count, size};
use gc_core::accounting::replicas::Table;
use gc_core::layout::{DataType, DevUsage};
use gc_v0::fs::Fs;
use std::collections::{BTreeMap, HashMap};
use std::io::{Result, Write};

/// The file system and its devices, buckets by what they hold.
pub(super) fn devices(
    out: &mut impl Write,
    fs: &Fs,
    usage: impl Fn(u8) -> DevUsage,
    style: Style,
) -> Result<()> {
    let clean = if fs.flags.clean { "clean" } else { "not shut down cleanly" };
    let name = style.head(&fs.name());
    writeln!(out, "{name}: format version {}, {clean}", fs.sb.version())?;
    for (idx, dev) in fs.members() {
        let m = dev.member;
        let place = match &dev.online {
            Some(o) => o.file.path().display().to_string(),
            None => style.bad("missing"),
        };
        let bucket = size(u64::from(m.bucket_size));
        let name = style.head(&format!("device {idx}"));
        writeln!(out, "{name}: {place}, {} buckets of {bucket}", m.nbuckets)?;
        let by_type = usage(idx).buckets;
        let free = by_type.iter().fold(m.nbuckets, |free, n| free.saturating_sub(*n));
        let used: Vec<String> = (0_u8..)
            .zip(by_type)
            .filter(|(_, n)| *n != 0)
            .filter_map(|(t, n)| Some(format!("{} {n}", DataType(t).name()?)))
            .collect();
        writeln!(out, "  buckets: {}, free {free}", used.join(", "))?;
    }
    Ok(())
}

/// Usage of the file system, by kind and by set of devices.
pub(super) fn usage(
    out: &mut impl Write,
    words: &[u64],
    table: &Table,
    style: Style,
) -> Result<()> {
    let word = |i: usize| words.get(i).copied().unwrap_or(0);
    writeln!(
        out,
        "{}: superblock and journal {}, btree {}, data {}, cached {}, reserved {}, inodes {}",
        style.head("usage"),
        size(word(1)),
        size(word(2)),
        size(word(3)),
        size(word(4)),
        size(word(5)),
        word(6)
    )?;
    for (i, e) in (11_usize..).zip(table.view().iter()) {
        if word(i) != 0 {
            writeln!(out, "  {e}: {}", size(word(i)))?;
        }
    }
    Ok(())
}

/// Findings by kind, the first `shown` of each.
pub(super) fn grouped(
    out: &mut impl Write,
    findings: &[Recorded],
    shown: usize,
    style: Style,
) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for f in findings {
        kinds.entry(f.found.code.name()).or_default().push(&f.found.text);
    }
    let number = count(u64::try_from(findings.len()).unwrap_or(u64::MAX), "error");
    writeln!(out, "{}", style.bad(&format!("found {number}:")))?;
    for (kind, texts) in kinds {
        writeln!(out, "{}: {}", style.head(kind), texts.len())?;
        let different = repeated(&texts);
        for (text, times) in different.iter().take(shown) {
            let text = text.trim_end().replace('\n', "\n  ");
            match times {
                1 => writeln!(out, "  {text}")?,
                _ => writeln!(out, "  {text} ({times} times)")?,
            }
        }
        let left_out: usize = different.iter().skip(shown).map(|(_, times)| times).sum();
        if left_out != 0 {
            writeln!(out, "  and {left_out} more (--verbose shows all)")?;
        }
    }
    writeln!(out, "bch-gc-findings(7) says what each kind means and what to do")
}

/// Different texts in the order of their first, and how often each is there.
fn repeated<'a>(texts: &[&'a str]) -> Vec<(&'a str, usize)> {
    let mut places = HashMap::new();
    let mut all: Vec<(&str, usize)> = Vec::new();
    for text in texts.iter().copied() {
        let place = *places.entry(text).or_insert(all.len());
        match all.get_mut(place) {
            Some((_, times)) => *times += 1,
            None => all.push((text, 1)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::finding::Answer;
    use gc_v0::report::{Code, Flags, Found, Place, Severity};

    // Oracle: counted by hand.
    #[test]
    fn findings_are_cut_and_repeated_ones_counted() {
        let one = |text: &str| {
            let found = Found {
                code: Code::Node,
                severity: Severity::Error,
                flags: Flags::MUST_FIX,
                text: text.to_string(),
                place: Place::UNKNOWN,
                image: None,
                got: None,
                want: None,
            };
            Recorded { pass: 1, found, answer: Answer::Fix }
        };
        let all = ["a", "b\nc", "a", "d", "d", "d"].map(one);
        let text = |shown| {
            let mut out = Vec::new();
            grouped(&mut out, &all, shown, Style::none()).unwrap();
            String::from_utf8(out).unwrap()
        };
        let head = "found 6 errors:\nnode: 6\n  a (2 times)\n";
        let end = "bch-gc-findings(7) says what each kind means and what to do\n";
        assert_eq!(text(3), format!("{head}  b\n  c\n  d (3 times)\n{end}"));
        assert_eq!(text(1), format!("{head}  and 4 more (--verbose shows all)\n{end}"));
    }
}
