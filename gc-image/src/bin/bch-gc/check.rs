// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc check`: everything recomputed and compared, for people.

use crate::recorder::{Recorded, Recorder, Shared};
use crate::{FOUND, OPERATIONAL, Source, document, source};
use gc_core::error::Error;
use gc_core::gc::{Args, gc};
use gc_core::layout::{BucketMark, DataType};
use gc_image::host::Image;
use gc_image::recovery::{self, RecoveryArgs};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

/// Findings of a kind that are shown.
const SHOWN: usize = 5;

/// What the command line asks for.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Walk pointers to metadata only
    #[arg(long)]
    metadata_only: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
    /// Show every finding, not the first few of each kind
    #[arg(long, short)]
    verbose: bool,
    /// Say nothing about progress
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(options: Options, source: &Source) -> ExitCode {
    match check(options, source) {
        Ok(clean) => ExitCode::from(if clean { 0 } else { FOUND }),
        Err(e) => {
            eprintln!("bch-gc: {e}");
            // The run failed on what the file system holds, or before that.
            let content = e.is::<gc_image::error::RecoveryError>();
            ExitCode::from(if content { FOUND } else { OPERATIONAL })
        }
    }
}

fn check(options: Options, source: &Source) -> Result<bool, Box<dyn std::error::Error>> {
    let recorder = RefCell::new(Recorder::new(false).with_progress(!options.quiet));
    let mut reporter = Shared(&recorder);
    let fs = source::open(source, 0, &mut reporter)?;
    let seqs = fs.superblock_seqs();
    recorder.borrow_mut().expect_nodes(fs.recorded_nodes());
    let path = fs.name();
    let recovered = recovery::recover(fs, RecoveryArgs { fsck: true }, &mut reporter)?;
    let image = Image::new(recovered, &mut reporter)?;
    let result = gc(&image, Args { initial: true, metadata_only: options.metadata_only });
    recorder.borrow_mut().end_progress();
    let ret = result.map_or_else(Error::code, |()| 0);
    let findings = recorder.borrow_mut().take();
    let clean = findings.is_empty() && ret == 0;
    let mut out = std::io::stdout().lock();
    if options.json {
        let doc = json!({
            "format": 1,
            "ret": ret,
            "findings": document::findings(&findings),
            "sb": document::superblock(&image),
            "state": document::state(&image),
        });
        serde_json::to_writer(&mut out, &doc)?;
        writeln!(out)?;
    } else {
        devices(&mut out, &image, &path)?;
        usage(&mut out, &image)?;
        let shown = if options.verbose { usize::MAX } else { SHOWN };
        grouped(&mut out, &findings, shown)?;
        if ret != 0 {
            writeln!(out, "the check ended early: {}", ended(ret))?;
        } else if clean {
            writeln!(out, "everything agrees")?;
        }
    }
    out.flush()?;
    if image.fs().superblock_seqs() != seqs {
        eprintln!("bch-gc: warning: the file system changed while it was read");
    }
    Ok(clean)
}

fn ended(ret: i32) -> String {
    match ret {
        1 => "errors were left".into(),
        2 => "the tree itself would have to be repaired".into(),
        -5 => "metadata could not be read".into(),
        other => format!("error {other}"),
    }
}

/// A number of sectors for people.
fn size(sectors: u64) -> String {
    let mut value = sectors.saturating_mul(512);
    let mut rest = 0;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1024 || unit == "TiB" {
            let tenth = rest * 10 / 1024;
            return if tenth == 0 {
                format!("{value} {unit}")
            } else {
                format!("{value}.{tenth} {unit}")
            };
        }
        rest = value % 1024;
        value /= 1024;
    }
    String::new()
}

fn devices(out: &mut impl Write, image: &Image<'_>, name: &str) -> std::io::Result<()> {
    let fs = image.fs();
    let clean = if fs.flags.clean { "clean" } else { "not shut down cleanly" };
    writeln!(out, "{name}: format version {}, {clean}", fs.sb.version())?;
    for (idx, dev) in fs.members() {
        let m = dev.member;
        let place = match &dev.online {
            Some(o) => o.file.path().display().to_string(),
            None => "missing".into(),
        };
        let bucket = size(u64::from(m.bucket_size));
        writeln!(out, "device {idx}: {place}, {} buckets of {bucket}", m.nbuckets)?;
        let mut by_type = [0_u64; 8];
        let mut free = 0_u64;
        for b in &dev.buckets {
            let mark = b.load_mark(Ordering::Relaxed);
            match kind(mark) {
                Some(t) => {
                    if let Some(n) = by_type.get_mut(usize::from(t.0)) {
                        *n += 1;
                    }
                }
                None => free += 1,
            }
        }
        let used: Vec<String> = (0_u8..)
            .zip(by_type)
            .filter(|(_, n)| *n != 0)
            .filter_map(|(t, n)| Some(format!("{} {n}", DataType(t).name()?)))
            .collect();
        writeln!(out, "  buckets: {}, free {free}", used.join(", "))?;
    }
    Ok(())
}

fn kind(mark: BucketMark) -> Option<DataType> {
    let t = gc_core::accounting::bucket_type(mark);
    (t != DataType::NONE).then_some(t)
}

fn usage(out: &mut impl Write, image: &Image<'_>) -> std::io::Result<()> {
    image.with_usage(|words, table| {
        let word = |i: usize| words.get(i).copied().unwrap_or(0);
        writeln!(
            out,
            "usage: superblock and journal {}, btree {}, data {}, cached {}, reserved {}, inodes {}",
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
    })
}

fn grouped(out: &mut impl Write, findings: &[Recorded], shown: usize) -> std::io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for f in findings {
        kinds.entry(f.found.code.name()).or_default().push(&f.found.text);
    }
    writeln!(out, "found {} errors:", findings.len())?;
    for (kind, texts) in kinds {
        writeln!(out, "{kind}: {}", texts.len())?;
        for text in texts.iter().take(shown) {
            writeln!(out, "  {}", text.trim_end().replace('\n', "\n  "))?;
        }
        if texts.len() > shown {
            writeln!(out, "  and {} more (--verbose shows all)", texts.len() - shown)?;
        }
    }
    Ok(())
}
