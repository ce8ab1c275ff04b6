// SPDX-License-Identifier: GPL-2.0-only
//! Keeps what is found, in order, and answers without asking.

use gc_core::finding::Answer;
use gc_image::report::{Found, Reporter, answer};

/// A finding, where it belongs, and what was answered.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Pass of mark and sweep; -1 before it.
    pub(crate) pass: i64,
    pub(crate) found: Found,
    pub(crate) answer: Answer,
}

/// The record of a run.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// Repair what may be ignored too.
    pub(crate) fix: bool,
    pass: i64,
    findings: Vec<Recorded>,
}

impl Recorder {
    pub(crate) fn new(fix: bool) -> Self {
        Self { fix, pass: -1, findings: Vec::new() }
    }

    /// The findings since the last call; what follows is outside of any pass.
    pub(crate) fn take(&mut self) -> Vec<Recorded> {
        self.pass = -1;
        std::mem::take(&mut self.findings)
    }
}

impl Reporter for Recorder {
    fn found(&mut self, found: Found) -> Answer {
        let answer = answer(found.flags, self.fix);
        self.findings.push(Recorded { pass: self.pass, found, answer });
        answer
    }

    fn log(&mut self, line: &str) {
        eprintln!("{line}");
    }

    fn pass(&mut self, pass: u32) {
        self.pass = i64::from(pass);
    }
}
