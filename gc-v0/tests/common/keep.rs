// SPDX-License-Identifier: GPL-2.0-only
//! Who listens to a run: for the unit tests (`src/testing.rs`), too.

use gc_core::finding::Answer;
use gc_v0::report::{Found, Reporter, Unreadable, answer};

/// Keeps what is said; answers as a check does that nobody is asked about.
#[derive(Debug, Default)]
pub(crate) struct Keep {
    /// Repairs what may be repaired, too.
    pub(crate) fix: bool,
    pub(crate) found: Vec<String>,
    pub(crate) log: Vec<String>,
    /// What cannot be read, each range once.
    pub(crate) unreadable: Vec<Unreadable>,
}

impl Reporter for Keep {
    fn found(&mut self, found: Found) -> Answer {
        let answer = answer(found.flags, self.fix);
        self.found.push(found.text);
        answer
    }
    fn log(&mut self, line: &str) {
        self.log.push(line.into());
    }
    fn unreadable(&mut self, what: Unreadable) {
        if !self.unreadable.contains(&what) {
            self.unreadable.push(what);
        }
    }
}
