// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc lost`: what is intact, degraded or lost with the devices at hand.

mod json;
mod text;

use crate::document;
use crate::failure::Failure;
use crate::run::{self, Session};
use crate::strategy::Strategy;
use crate::style::Style;
use bch_gc::cli::{LostOptions, Source};
use gc_core::layout::DataType;
use gc_v0::files::{Inode, inode};
use gc_v0::fs::uuid_text;
use gc_v0::host::Image;
use gc_v0::lost::{Away, FileLoss, Loss, Sums, account};
use gc_v0::paths::{FileName, Paths};
use std::collections::BTreeMap;
use std::process::ExitCode;

pub(crate) fn run(options: &LostOptions, source: &Source) -> ExitCode {
    // As a mount: after a clean shutdown the journal has nothing to add, and its last
    // entry may be on a member that is missing.
    let strategy = Strategy { incomplete: true, needs_journal: false, ..Strategy::new(source) };
    run::on_image(source, strategy, |session, image| answer(options, session, image))
}

/// A set of devices.
struct SetRow {
    text: String,
    bytes: Vec<u8>,
    /// Copies that were never promised.
    cached: bool,
    /// Sectors that the file system's usage records.
    recorded: u64,
    sums: Sums,
    /// Recorded, but not met in the walk, where not all of it could be walked.
    unknown: u64,
    /// Devices of the set, and those of them that are at hand.
    devices: (usize, usize),
}

/// A member.
struct DeviceRow {
    dev: u8,
    uuid: String,
    /// Where it is; `None` if it is missing.
    path: Option<String>,
    /// It is there and thought away.
    without: bool,
    sums: Sums,
}

/// A file that lost data.
struct FileRow {
    inode: u64,
    info: Option<Inode>,
    name: FileName,
    loss: FileLoss,
}

/// Everything that is said.
struct Answer {
    devices: Vec<DeviceRow>,
    sets: Vec<SetRow>,
    loss: Loss,
    files: Vec<FileRow>,
    /// Nodes that could not be read: what is below them is not known.
    unread: usize,
}

impl Answer {
    fn nothing_lost(&self) -> bool {
        let sets = || self.sets.iter().filter(|s| !s.cached).all(|s| s.sums.lost == 0);
        self.loss.nodes.is_empty() && self.files.is_empty() && self.loss.orphaned == 0 && sets()
    }
}

fn answer(
    options: &LostOptions,
    session: &Session<'_, '_>,
    image: &Image<'_>,
) -> Result<bool, Failure> {
    for dev in &options.without {
        if image.fs().device(*dev).is_none() {
            return Err(Failure::Usage(format!("--without: there is no member {dev}")));
        }
    }
    let away = Away::new(image, &options.without);
    let mut loss = account(image, &away);
    let files = files(image, std::mem::take(&mut loss.files));
    session.progress.end();
    let unread = loss.nodes.iter().filter(|n| !n.read).count();
    let answer = Answer {
        devices: devices(image, &away, &loss, &options.without),
        sets: sets(image, &away, &loss, unread > 0),
        loss,
        files,
        unread,
    };
    document::answer(
        options.json,
        || json::document(&answer),
        |out| text::print(out, &answer, options.verbose, Style::of_stdout()),
    )?;
    Ok(answer.nothing_lost())
}

fn files(image: &Image<'_>, lost: BTreeMap<u64, FileLoss>) -> Vec<FileRow> {
    let paths = Paths::of(image, &lost.keys().copied().collect());
    let mut rows: Vec<FileRow> = lost
        .into_iter()
        .map(|(i, loss)| FileRow { inode: i, info: inode(image, i), name: paths.name(i), loss })
        .collect();
    rows.sort_by_key(|r| (std::cmp::Reverse((r.loss.lost, r.loss.cut_off)), r.inode));
    rows
}

fn devices(image: &Image<'_>, away: &Away, loss: &Loss, without: &[u8]) -> Vec<DeviceRow> {
    let row = |(dev, d): (u8, &gc_v0::fs::Device)| DeviceRow {
        dev,
        uuid: uuid_text(&d.member.uuid),
        path: d
            .online
            .as_ref()
            .filter(|_| d.readable())
            .map(|o| o.file.path().display().to_string()),
        without: without.contains(&dev) && away.is_away(dev),
        sums: loss.devices.get(&dev).copied().unwrap_or_default(),
    };
    image.fs().members().map(row).collect()
}

fn sets(image: &Image<'_>, away: &Away, loss: &Loss, incomplete: bool) -> Vec<SetRow> {
    let mut rest = loss.sets.clone();
    let mut rows = Vec::new();
    image.with_usage(|words, table| {
        for (i, e) in (11_usize..).zip(table.view().iter()) {
            let sums = rest.remove(e.as_bytes()).unwrap_or_default();
            let recorded = words.get(i).copied().unwrap_or(0);
            let unknown = if incomplete { recorded.saturating_sub(sums.total()) } else { 0 };
            let there = e.devs().iter().filter(|d| !away.is_away(**d)).count();
            rows.push(SetRow {
                text: e.to_string(),
                bytes: e.as_bytes().to_vec(),
                cached: e.data_type() == DataType::CACHED,
                recorded,
                sums,
                unknown,
                devices: (e.devs().len(), there),
            });
        }
    });
    // Sets that no table lists.
    for (bytes, sums) in rest {
        let Some(e) = gc_core::accounting::replicas::EntryRef::first_of(&bytes) else { continue };
        let there = e.devs().iter().filter(|d| !away.is_away(**d)).count();
        let devices = (e.devs().len(), there);
        let (text, cached) = (e.to_string(), e.data_type() == DataType::CACHED);
        rows.push(SetRow { text, bytes, cached, recorded: 0, sums, unknown: 0, devices });
    }
    rows.sort_by(|a, b| a.bytes.cmp(&b.bytes));
    rows
}
