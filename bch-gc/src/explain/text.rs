// SPDX-License-Identifier: GPL-2.0-only
//! An explained bucket for people.

use crate::fields::{Differs, differing};
use crate::style::{Style, size};
use gc_core::bkey::PosText;
use gc_core::finding::Refusal;
use gc_core::layout::BucketMark;
use gc_v0::explain::{Explained, Fields, Noted};
use gc_v0::fs::Fs;
use gc_v0::host::observer::{By, KeyPlace, Outcome};
use gc_v0::key::Key;
use std::io::{Result, Write};

/// References shown of a bucket.
const SHOWN: usize = 40;

/// One bucket for people.
pub(super) fn bucket(
    out: &mut impl Write,
    fs: &Fs,
    e: &Explained,
    verbose: bool,
    style: Style,
) -> Result<()> {
    let bucket_size = u64::from(e.geometry.bucket_size);
    let first = e.bucket.saturating_mul(bucket_size);
    let last = first.saturating_add(bucket_size).saturating_sub(1);
    let online = fs.device(e.dev).and_then(|d| d.online.as_ref());
    let name = online.map_or_else(|| "missing".into(), |o| o.file.path().display().to_string());
    writeln!(
        out,
        "{} ({name}), {}, sectors {first} to {last}",
        style.head(&format!("bucket {}:{}", e.dev, e.bucket)),
        size(bucket_size)
    )?;
    let recorded = Fields(e.recorded.mark);
    match &e.recorded.key {
        Some(key) => {
            let place = if key.journal { "alloc key in the journal" } else { "alloc key" };
            writeln!(out, "  recorded  {recorded}  ({place} {}:{})", e.dev, e.bucket)?;
        }
        None => writeln!(out, "  recorded  nothing: no alloc key")?,
    }
    writeln!(out, "  counted   {}", Fields(e.counted))?;
    differences(out, e.recorded.mark, e.counted)?;
    // The text of each key that was refused follows below, with its file.
    let mut said: Vec<(String, usize)> = Vec::new();
    for f in &e.findings {
        let line = format!("{}: {}", f.code.name(), f.text.lines().next().unwrap_or(""));
        match said.iter_mut().find(|(l, _)| *l == line) {
            Some((_, n)) => *n += 1,
            None => said.push((line, 1)),
        }
    }
    for (line, n) in said {
        let times = if n > 1 { format!(" ({n} times)") } else { String::new() };
        writeln!(out, "  found     {}{times}", style.bad(&line))?;
    }
    for r in &e.remarks {
        writeln!(out, "  {} {r}", style.head("=>"))?;
    }
    if e.references.is_empty() {
        writeln!(out, "  no references")?;
    } else {
        writeln!(out, "  references, in the order of the walk:")?;
    }
    let shown = if verbose { usize::MAX } else { SHOWN };
    for (i, noted) in (1..).zip(&e.references).take(shown) {
        reference(out, i, noted)?;
    }
    if e.references.len() > shown {
        writeln!(out, "  and {} more (--verbose shows all)", e.references.len() - shown)?;
    }
    writeln!(out)
}

fn differences(out: &mut impl Write, was: BucketMark, is: BucketMark) -> Result<()> {
    let by = |by: Option<i32>| by.map_or_else(String::new, |by| format!(" ({by:+})"));
    let one = |d: &Differs| format!("{} {}{}", d.name, d.change, by(d.by));
    let parts: Vec<String> = differing(was, is).iter().map(one).collect();
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(out, "  differs   {}", parts.join(", "))
}

fn reference(out: &mut impl Write, i: usize, noted: &Noted) -> Result<()> {
    let r = &noted.reference;
    write!(out, "  {i:>4}. ")?;
    let key = match &r.by {
        By::Superblock => return writeln!(out, "superblock: {}", outcome(r.outcome, None)),
        By::Journal => return writeln!(out, "journal bucket: {}", outcome(r.outcome, None)),
        By::Key(key) => key,
    };
    let ptr = key.ptr;
    let kind = match key.block {
        Some(block) => format!("block {block} of stripe {}", { { key.key.k.p }.offset }),
        None => format!("{} sectors at {}", key.sectors, ptr.offset()),
    };
    let cached = if ptr.cached() { ", cached" } else { "" };
    writeln!(out, "{kind}, gen {}{cached}: {}", ptr.gen_(), outcome(r.outcome, Some(key)))?;
    writeln!(out, "        {}", place(key))?;
    for f in &noted.files {
        let end = f.start.saturating_add(f.sectors).saturating_sub(1);
        let state = match f.info {
            None => ", which does not exist",
            Some(i) if i.unlinked => ", deleted while open",
            Some(_) => "",
        };
        let sectors = format!("sectors {} to {end} of the file", f.start);
        write!(out, "        {} (inode {}{state}), {sectors}", f.name, f.inode)?;
        match f.info {
            Some(i) if f.beyond() => writeln!(out, ", behind its end ({} bytes)", i.size)?,
            _ => writeln!(out)?,
        }
    }
    if noted.sharers > noted.files.len() {
        writeln!(out, "        and {} more files", noted.sharers - noted.files.len())?;
    }
    Ok(())
}

fn outcome(o: Outcome, key: Option<&KeyPlace>) -> String {
    match o {
        Outcome::Counted { dirty: 0, cached: 0 } => "counted".into(),
        Outcome::Counted { dirty, cached: 0 } => format!("counted, {dirty} dirty"),
        Outcome::Counted { dirty: 0, cached } => format!("counted, {cached} cached"),
        Outcome::Counted { dirty, cached } => format!("counted, {dirty} dirty, {cached} cached"),
        Outcome::Stale => "not counted: the bucket was used anew".into(),
        Outcome::NotReached => "NOT COUNTED: the key was given up at a pointer before it".into(),
        Outcome::Refused(why) => format!("REFUSED: {}", refusal(why, key)),
    }
}

fn refusal(why: Refusal, key: Option<&KeyPlace>) -> String {
    match why {
        Refusal::Newer => "its generation is ahead of the bucket's".into(),
        Refusal::TooStale => "its generation is too far behind the bucket's".into(),
        Refusal::StaleDirty => "the bucket was used anew, but this is no cached copy".into(),
        Refusal::OtherType => {
            let t = key.map_or("other data", |k| if k.level > 0 { "a node" } else { "file data" });
            format!("{t} in a bucket that already holds another type")
        }
        Refusal::Overflow { sectors } => format!("{sectors} sectors more than can be counted"),
    }
}

fn place(key: &KeyPlace) -> String {
    let k = &key.key;
    let btree = key.btree.name().unwrap_or("unknown btree");
    let pos = PosText(k.k.p);
    let at = |k: &Key| {
        let p = k.as_ref().pointers().next();
        p.map_or_else(String::new, |p| format!(" (node at {}:@{})", p.dev(), p.offset()))
    };
    if key.root {
        return format!("{btree} btree, pointer to the root, which is of level {}", key.level - 1);
    }
    let from = if key.journal { "key in the journal" } else { "key" };
    match key.level {
        0 => format!("{btree} btree, leaf {from} {pos}{}", at(&key.node)),
        n => format!(
            "{btree} btree, level {n} {from} {pos}, pointer to a node of level {}{}",
            n - 1,
            at(&key.node)
        ),
    }
}
