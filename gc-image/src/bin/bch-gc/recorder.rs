// SPDX-License-Identifier: GPL-2.0-only
//! Keeps what is found, in order, and answers without asking.

use gc_core::finding::Answer;
use gc_image::report::{Found, Reporter, answer};
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two lines about progress where there is no terminal.
const LINES_EVERY: Duration = Duration::from_secs(10);

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
pub(crate) struct Recorder {
    /// Repair what may be ignored too.
    fix: bool,
    pass: i64,
    findings: Vec<Recorded>,
    progress: Option<Progress>,
}

#[derive(Debug)]
struct Progress {
    bar: Option<ProgressBar>,
    said: Instant,
    nodes: u64,
    expected: u64,
}

impl Recorder {
    pub(crate) fn new(fix: bool) -> Self {
        Self { fix, pass: -1, findings: Vec::new(), progress: None }
    }

    /// Says on the standard error how far it is: a bar on a terminal, lines
    /// elsewhere.
    pub(crate) fn with_progress(mut self, on: bool) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos} of about {len} nodes");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let said = Instant::now();
        self.progress = on.then_some(Progress { bar, said, nodes: 0, expected: 0 });
        self
    }

    /// How many nodes there should be.
    pub(crate) fn expect_nodes(&mut self, nodes: u64) {
        if let Some(p) = &mut self.progress {
            p.expected = nodes;
            if let Some(bar) = &p.bar {
                bar.set_length(nodes);
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn end_progress(&mut self) {
        if let Some(bar) = self.progress.take().and_then(|p| p.bar) {
            bar.finish_and_clear();
        }
    }

    /// The findings since the last call; what follows is outside of any pass.
    pub(crate) fn take(&mut self) -> Vec<Recorded> {
        self.pass = -1;
        std::mem::take(&mut self.findings)
    }
}

impl Progress {
    fn node(&mut self) {
        self.nodes = self.nodes.saturating_add(1);
        match &self.bar {
            Some(bar) => {
                // An estimate that was passed is not an end.
                if self.nodes > self.expected {
                    bar.set_length(self.nodes);
                }
                bar.set_position(self.nodes);
            }
            None if self.said.elapsed() > LINES_EVERY => {
                eprintln!("read {} of about {} nodes", self.nodes, self.expected);
                self.said = Instant::now();
            }
            None => {}
        }
    }
}

impl Reporter for Recorder {
    fn found(&mut self, found: Found) -> Answer {
        let answer = answer(found.flags, self.fix);
        self.findings.push(Recorded { pass: self.pass, found, answer });
        answer
    }

    fn log(&mut self, line: &str) {
        match self.progress.as_ref().and_then(|p| p.bar.as_ref()) {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    fn pass(&mut self, pass: u32) {
        self.pass = i64::from(pass);
    }

    fn node_read(&mut self) {
        if let Some(p) = &mut self.progress {
            p.node();
        }
    }
}

/// A recorder that the host and a command share.
pub(crate) struct Shared<'a>(pub(crate) &'a RefCell<Recorder>);

impl Reporter for Shared<'_> {
    fn found(&mut self, found: Found) -> Answer {
        self.0.borrow_mut().found(found)
    }
    fn log(&mut self, line: &str) {
        self.0.borrow_mut().log(line);
    }
    fn pass(&mut self, pass: u32) {
        self.0.borrow_mut().pass(pass);
    }
    fn node_read(&mut self) {
        self.0.borrow_mut().node_read();
    }
}
