// SPDX-License-Identifier: GPL-2.0-only
//! Keeps what is found, in order, and answers without asking.

use crate::progress::Progress;
use gc_core::finding::Answer;
use gc_v0::report::{Found, Phase, Reporter, Unreadable, answer};
use std::cell::RefCell;

/// A finding, where it belongs, and what was answered.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Pass of mark and sweep; -1 before it.
    pub(crate) pass: i64,
    pub(crate) found: Found,
    pub(crate) answer: Answer,
}

/// The record of a run.
#[derive(Debug)]
pub(crate) struct Recorder<'p> {
    /// Repair what may be ignored too.
    fix: bool,
    /// Lines of the log are not shown.
    quiet: bool,
    pass: i64,
    findings: Vec<Recorded>,
    unreadable: Vec<Unreadable>,
    /// Lines of a part of the work that may begin again.
    held: Option<Vec<String>>,
    progress: &'p Progress,
}

impl<'p> Recorder<'p> {
    pub(crate) fn new(fix: bool, quiet: bool, progress: &'p Progress) -> Self {
        let (findings, unreadable) = (Vec::new(), Vec::new());
        Self { fix, quiet, pass: -1, findings, unreadable, held: None, progress }
    }

    /// The findings since the last call; what follows is outside of any pass.
    pub(crate) fn take(&mut self) -> Vec<Recorded> {
        self.pass = -1;
        std::mem::take(&mut self.findings)
    }

    /// A part of the work begins that may begin again: its lines are held back. How many
    /// findings there are since the last [`Recorder::take`].
    pub(crate) fn hold(&mut self) -> usize {
        self.held.get_or_insert_default();
        self.findings.len()
    }

    /// Forgets what was found since there were so many, and the lines held back; what
    /// follows is outside of any pass.
    pub(crate) fn back_to(&mut self, len: usize) {
        self.pass = -1;
        self.findings.truncate(len);
        self.held.iter_mut().for_each(Vec::clear);
    }

    /// The part has come to its end.
    pub(crate) fn release(&mut self) {
        for line in self.held.take().unwrap_or_default() {
            self.progress.say(&line);
        }
    }

    fn say(&mut self, line: &str) {
        match &mut self.held {
            Some(held) => held.push(line.into()),
            None => self.progress.say(line),
        }
    }

    /// What could not be read so far, in order of device and sector, each range once.
    pub(crate) fn not_read(&self) -> Vec<Unreadable> {
        let mut all = self.unreadable.clone();
        all.sort_by(|a, b| (&a.path, a.sector).cmp(&(&b.path, b.sector)));
        all.dedup_by(|b, a| {
            let end = a.sector.saturating_add(a.sectors);
            let joins = (&a.path, a.holds, a.bucket) == (&b.path, b.holds, b.bucket);
            let both = joins && b.sector <= end;
            if both {
                let last = b.sector.saturating_add(b.sectors).max(end);
                a.sectors = last.saturating_sub(a.sector);
            }
            both
        });
        all
    }
}

impl Reporter for Recorder<'_> {
    fn found(&mut self, found: Found) -> Answer {
        let answer = answer(found.flags, self.fix);
        self.findings.push(Recorded { pass: self.pass, found, answer });
        answer
    }

    fn log(&mut self, line: &str) {
        if !self.quiet {
            self.say(line);
        }
    }

    fn error(&mut self, line: &str) {
        self.say(line);
    }

    fn unreadable(&mut self, what: Unreadable) {
        self.unreadable.push(what);
    }

    fn phase(&mut self, phase: Phase, estimate: u64) {
        let (name, unit) = match phase {
            Phase::Journal => ("reading the journal", "buckets"),
            _ => ("reading nodes", "nodes"),
        };
        self.progress.phase(name, unit, estimate);
    }

    fn pass(&mut self, pass: u32) {
        self.pass = i64::from(pass);
    }

    fn bucket_read(&mut self) {
        self.progress.add(1);
    }

    fn node_read(&mut self) {
        self.progress.add(1);
    }
}

/// A recorder that the host and a command share.
pub(crate) struct Shared<'a, 'p>(pub(crate) &'a RefCell<Recorder<'p>>);

impl Reporter for Shared<'_, '_> {
    fn found(&mut self, found: Found) -> Answer {
        self.0.borrow_mut().found(found)
    }
    fn log(&mut self, line: &str) {
        self.0.borrow_mut().log(line);
    }
    fn error(&mut self, line: &str) {
        self.0.borrow_mut().error(line);
    }
    fn unreadable(&mut self, what: Unreadable) {
        self.0.borrow_mut().unreadable(what);
    }
    fn phase(&mut self, phase: Phase, estimate: u64) {
        self.0.borrow_mut().phase(phase, estimate);
    }
    fn pass(&mut self, pass: u32) {
        self.0.borrow_mut().pass(pass);
    }
    fn bucket_read(&mut self) {
        self.0.borrow_mut().bucket_read();
    }
    fn node_read(&mut self) {
        self.0.borrow_mut().node_read();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bch_gc::cli::Talk;
    use gc_v0::report::Holds;

    // Oracle: by hand: what touches or overlaps, and holds the same, is one range.
    #[test]
    fn ranges_that_touch_are_one() {
        let mut talk = Talk::default();
        talk.quiet = true;
        let progress = Progress::start(talk).unwrap();
        let mut recorder = Recorder::new(false, true, &progress);
        let mut put = |path: &str, sector: u64, sectors: u64, bucket: Option<u64>, holds: Holds| {
            recorder.unreadable(Unreadable { path: path.into(), sector, sectors, bucket, holds });
        };
        let journal = Holds::Journal;
        put("b", 8, 8, Some(0), journal);
        put("a", 24, 8, Some(1), journal);
        put("a", 16, 8, Some(1), journal);
        put("a", 18, 2, Some(1), journal);
        // A gap, another bucket, another device, something else.
        put("a", 33, 1, Some(1), journal);
        put("a", 34, 8, Some(2), journal);
        put("a", 42, 8, Some(2), Holds::Superblock);
        let got = recorder.not_read();
        let got: Vec<_> =
            got.iter().map(|u| (u.path.to_str().unwrap(), u.sector, u.sectors)).collect();
        let want = [("a", 16, 16), ("a", 33, 1), ("a", 34, 8), ("a", 42, 8), ("b", 8, 8)];
        assert_eq!(got, want);
    }
}
