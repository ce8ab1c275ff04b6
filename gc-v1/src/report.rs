// SPDX-License-Identifier: GPL-2.0-only
//! What is found wrong, as the tool would say it.

use crate::error_ids::ErrorId;
use std::collections::HashSet;

/// What the tool does about an error under `fsck -n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is repaired in memory.
    Fixed,
    /// It is left as it is.
    Ignored,
    /// It is counted without a question.
    Counted,
    /// It is fixed without a word: an upgrade or a lost node has announced it.
    Silent,
}

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which one.
    pub id: ErrorId,
    /// What the tool does about it.
    pub outcome: Outcome,
    /// It was raised by the pass, not before it.
    pub in_pass: bool,
    /// The tool's text, without prefix and suffix.
    pub text: String,
}

/// Everything that was found, in order.
#[derive(Debug, Default)]
pub struct Report {
    /// Errors.
    pub found: Vec<Found>,
    /// The pass is running.
    pub in_pass: bool,
    /// Errors that the tool does not tell.
    pub silent: HashSet<ErrorId>,
    last: Vec<(ErrorId, String)>,
}

impl Report {
    /// Adds an error. One with the text of the last one of its id is not told again.
    pub fn add(&mut self, id: ErrorId, outcome: Outcome, text: String) {
        if self.silent.contains(&id) {
            let in_pass = self.in_pass;
            self.found.push(Found { id, outcome: Outcome::Silent, in_pass, text });
            return;
        }
        match self.last.iter_mut().find(|(last, _)| *last == id) {
            Some((_, last)) if *last == text => return,
            Some((_, last)) => last.clone_from(&text),
            None => self.last.push((id, text.clone())),
        }
        self.found.push(Found { id, outcome, in_pass: self.in_pass, text });
    }
}
