// SPDX-License-Identifier: GPL-2.0-only
//! Log lines and findings, and what is answered to them.

use crate::Model;
use crate::call::Call;
use crate::sync::lock;
use gc_core::finding::Answer;
use gc_core::host::Level;
use gc_core::layout::fsck::{FSCK_CAN_FIX, FSCK_CAN_IGNORE};
use std::collections::HashMap;
use std::sync::Mutex;

/// How findings are answered.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Like fsck: `Fix` is `-y`, `Ignore` is `-n` (where what can only be fixed is
    /// fixed, in memory), `Exit` stops at the first.
    pub all: Answer,
    /// By code, instead of the above.
    pub by_code: HashMap<u32, Answer>,
    /// The finding with this number from now on is answered `Exit`.
    pub exit_at: Option<usize>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { all: Answer::Fix, by_code: HashMap::new(), exit_at: None }
    }
}

impl Policy {
    fn answer(&mut self, code: u32, flags: u32) -> Answer {
        match self.exit_at {
            Some(0) => {
                self.exit_at = None;
                return Answer::Exit;
            }
            Some(n) => self.exit_at = Some(n.saturating_sub(1)),
            None => {}
        }
        if let Some(a) = self.by_code.get(&code) {
            return *a;
        }
        match self.all {
            Answer::Fix if flags & FSCK_CAN_FIX == 0 => Answer::Ignore,
            Answer::Ignore if flags & FSCK_CAN_IGNORE == 0 => Answer::Fix,
            a => a,
        }
    }
}

/// What kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// A log line.
    Line(Level),
    /// A finding.
    Finding {
        /// Its stable code.
        code: u32,
        /// What could be answered (`FSCK_*`).
        flags: u32,
        /// What was.
        answer: Answer,
    },
    /// An inconsistency met while marking: printed plainly by the original.
    Inconsistent {
        /// Its stable code.
        code: u32,
    },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its kind.
    pub said: Said,
    /// Its text.
    pub text: String,
}

/// Messages of one model.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    state: Mutex<(Vec<Message>, Policy)>,
}

impl Model {
    /// Reports a finding by its number and answers it.
    pub fn report(&self, code: u32, flags: u32, text: String) -> Answer {
        self.note(Call::FsckErr, || format!("{code} {flags}"));
        self.answer(code, flags, text)
    }

    pub(crate) fn say(&self, level: Level, text: String) {
        lock(&self.messages.state).0.push(Message { said: Said::Line(level), text });
    }

    pub(crate) fn say_inconsistent(&self, code: u32, text: String) {
        lock(&self.messages.state).0.push(Message { said: Said::Inconsistent { code }, text });
    }

    /// Answers a finding and keeps it.
    pub(crate) fn answer(&self, code: u32, flags: u32, text: String) -> Answer {
        let mut state = lock(&self.messages.state);
        let answer = state.1.answer(code, flags);
        state.0.push(Message { said: Said::Finding { code, flags, answer }, text });
        answer
    }

    /// Changes how findings are answered.
    pub fn policy(&self, change: impl FnOnce(&mut Policy)) {
        change(&mut lock(&self.messages.state).1);
    }

    /// Shows all messages, oldest first, to `f`.
    pub fn with_messages<R>(&self, f: impl FnOnce(&[Message]) -> R) -> R {
        f(&lock(&self.messages.state).0)
    }

    /// All messages, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.messages.state).0.clone()
    }

    /// The findings among them: code and text.
    pub fn findings(&self) -> Vec<(u32, String)> {
        let state = lock(&self.messages.state);
        let found = state.0.iter().filter_map(|m| match m.said {
            Said::Finding { code, .. } => Some((code, m.text.clone())),
            _ => None,
        });
        found.collect()
    }

    /// Texts of the log lines among them.
    pub fn lines(&self) -> Vec<String> {
        let state = lock(&self.messages.state);
        let lines = state.0.iter().filter(|m| matches!(m.said, Said::Line(_)));
        lines.map(|m| m.text.clone()).collect()
    }

    /// Forgets all messages.
    pub fn clear_messages(&self) {
        lock(&self.messages.state).0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the table of fsck's modes: -y fixes what can be fixed, -n ignores
    // what can be ignored.
    #[test]
    fn answers_by_flags() {
        let mut p = Policy::default();
        assert_eq!(
            [1, 2, 3, 6].map(|f| p.answer(0, f)),
            [Answer::Fix, Answer::Ignore, Answer::Fix, Answer::Ignore]
        );
        p.all = Answer::Ignore;
        assert_eq!(
            [1, 2, 3].map(|f| p.answer(0, f)),
            [Answer::Fix, Answer::Ignore, Answer::Ignore]
        );
        p.exit_at = Some(1);
        p.by_code.insert(7, Answer::Fix);
        assert_eq!([7, 7, 7].map(|c| p.answer(c, 3)), [Answer::Fix, Answer::Exit, Answer::Fix]);
    }
}
