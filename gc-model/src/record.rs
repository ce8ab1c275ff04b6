// SPDX-License-Identifier: GPL-2.0-only
//! What was asked of the host, which contracts were broken, and failures on
//! demand.

use crate::call::Call;
use crate::sync::{lock, me};
use gc_core::error::Errno;
use std::sync::Mutex;

/// A recorded call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What was called.
    pub call: Call,
    /// Its arguments as text.
    pub args: String,
    /// By which thread, numbered as they come.
    pub thread: u64,
}

/// A failure to come.
#[derive(Debug)]
struct Fault {
    call: Option<Call>,
    /// Calls until then.
    after: usize,
    errno: Errno,
}

#[derive(Debug)]
struct State {
    events: Vec<Event>,
    counts: Vec<usize>,
    violations: Vec<String>,
    fault: Option<Fault>,
    failed: bool,
}

/// The record of one model.
#[derive(Debug)]
pub(crate) struct Record {
    state: Mutex<State>,
}

impl Record {
    pub(crate) fn new() -> Self {
        let counts = vec![0; Call::ALL.len()];
        Self {
            state: Mutex::new(State {
                events: Vec::new(),
                counts,
                violations: Vec::new(),
                fault: None,
                failed: false,
            }),
        }
    }

    /// Notes a call; the error with which it is to fail.
    pub(crate) fn call(&self, call: Call, args: impl FnOnce() -> String) -> Result<(), Errno> {
        let mut s = lock(&self.state);
        if let Some(n) = s.counts.get_mut(call.index()) {
            *n = n.saturating_add(1);
        }
        if call.listed() {
            s.events.push(Event { call, args: args(), thread: me() });
        }
        if !call.fallible() {
            return Ok(());
        }
        let due = match &mut s.fault {
            Some(f) if f.call.is_none_or(|c| c == call) => match f.after.checked_sub(1) {
                Some(rest) => {
                    f.after = rest;
                    None
                }
                None => Some(f.errno),
            },
            _ => None,
        };
        match due {
            Some(errno) => {
                s.fault = None;
                s.failed = true;
                Err(errno)
            }
            None => Ok(()),
        }
    }

    pub(crate) fn fail(&self, call: Option<Call>, after: usize, errno: Errno) -> bool {
        let mut s = lock(&self.state);
        s.failed = false;
        if call.is_some_and(|c| !c.fallible()) {
            s.fault = None;
            return false;
        }
        s.fault = Some(Fault { call, after, errno });
        true
    }

    /// Whether the failure has happened; forgets it, and one still to come.
    pub(crate) fn failed(&self) -> bool {
        let mut s = lock(&self.state);
        s.fault = None;
        std::mem::take(&mut s.failed)
    }

    pub(crate) fn violation(&self, text: String) {
        lock(&self.state).violations.push(text);
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        lock(&self.state).violations.clone()
    }

    pub(crate) fn clear_violations(&self) {
        lock(&self.state).violations.clear();
    }

    pub(crate) fn with_events<R>(&self, f: impl FnOnce(&[Event]) -> R) -> R {
        f(&lock(&self.state).events)
    }

    pub(crate) fn clear_events(&self) {
        let mut s = lock(&self.state);
        s.events.clear();
        s.counts.fill(0);
    }

    pub(crate) fn count(&self, call: Call) -> usize {
        lock(&self.state).counts.get(call.index()).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the calls that fail, counted by hand.
    #[test]
    fn the_asked_call_fails_once() {
        let r = Record::new();
        let go = |c| r.call(c, String::new).is_err();
        assert!(!r.fail(Some(Call::Lock), 0, Errno::EIO));
        assert!(r.fail(Some(Call::NodeGet), 1, Errno::EIO));
        assert!(
            !go(Call::WalkOpen) && !go(Call::NodeGet) && go(Call::NodeGet) && !go(Call::NodeGet)
        );
        assert!(r.failed() && !r.failed());
        assert!(r.fail(None, 2, Errno::ENOMEM));
        assert!(
            !go(Call::NodeGet) && !go(Call::Lock) && !go(Call::WalkOpen) && go(Call::UsageGcAlloc)
        );
        assert_eq!(r.count(Call::NodeGet), 4);
        assert_eq!(r.with_events(<[Event]>::len), 8);
    }
}
