// SPDX-License-Identifier: GPL-2.0-only
//! How far a run is at one moment, in words and as a document.

use bch_gc::documents::{Progress, ProgressState};
use std::time::Duration;

/// Too early to tell a rate.
const SETTLED: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot {
    pub(super) phase: &'static str,
    pub(super) unit: &'static str,
    pub(super) done: u64,
    pub(super) estimate: Option<u64>,
    pub(super) elapsed: Duration,
}

impl Snapshot {
    /// More was done than was expected.
    fn exceeded(&self) -> bool {
        self.estimate.is_some_and(|e| self.done > e)
    }

    /// Units a second since the phase began.
    fn rate(&self) -> Option<u64> {
        let millis = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX);
        (self.elapsed >= SETTLED).then(|| self.done.saturating_mul(1000) / millis)
    }

    /// Seconds that the rest will take at this rate.
    fn left(&self) -> Option<u64> {
        let rest = self.estimate?.checked_sub(self.done)?;
        rest.checked_div(self.rate()?)
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        let Self { phase, unit, done, .. } = *self;
        match self.estimate {
            _ if unit.is_empty() => phase.to_string(),
            None => format!("{phase}: {done} {unit}{}", self.pace()),
            Some(e) if self.exceeded() => {
                format!("{phase}: {done} {unit}, estimate of {e} exceeded{}", self.pace())
            }
            Some(e) => {
                let share = self.share(e);
                format!("{phase}: {done} of about {e} {unit} ({share} %){}", self.pace())
            }
        }
    }

    /// The same for what stands beside a bar.
    pub(super) fn beside_bar(&self) -> String {
        let Self { phase, unit, done, .. } = *self;
        match self.estimate {
            _ if unit.is_empty() => phase.to_string(),
            None => format!("{done} {unit}{}", self.pace()),
            Some(e) if self.exceeded() => {
                format!("{done} {unit}, estimate of {e} exceeded{}", self.pace())
            }
            Some(e) => format!("{done}/{e} {unit} ({} %){}", self.share(e), self.pace()),
        }
    }

    fn share(&self, estimate: u64) -> u128 {
        u128::from(self.done) * 100 / u128::from(estimate.max(1))
    }

    /// Rate and time left, as far as they can be told.
    fn pace(&self) -> String {
        let rate = self.rate().map(|r| format!(", {r}/s")).unwrap_or_default();
        let left = self.left().map(|l| format!(", {} left", time(l))).unwrap_or_default();
        rate + &left
    }

    /// One object for programs.
    pub(super) fn document(&self, state: ProgressState) -> Progress {
        Progress {
            phase: self.phase,
            unit: self.unit,
            done: self.done,
            estimate: self.estimate,
            estimate_exceeded: self.exceeded(),
            seconds: self.elapsed.as_secs_f64(),
            per_second: self.rate(),
            seconds_left: self.left(),
            state,
        }
    }
}

/// A time for people.
fn time(seconds: u64) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (h, m) {
        (0, 0) => format!("{s} s"),
        (0, _) => format!("{m}:{s:02} min"),
        _ => format!("{h}:{m:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(done: u64, estimate: Option<u64>, millis: u64) -> Snapshot {
        let elapsed = Duration::from_millis(millis);
        Snapshot { phase: "reading nodes", unit: "nodes", done, estimate, elapsed }
    }

    // Oracle: counted by hand.
    #[test]
    fn words() {
        let line = |d, e, ms| at(d, e, ms).line();
        assert_eq!(line(5, None, 10), "reading nodes: 5 nodes");
        assert_eq!(line(5, Some(20), 10), "reading nodes: 5 of about 20 nodes (25 %)");
        assert_eq!(
            line(500, Some(2000), 2000),
            "reading nodes: 500 of about 2000 nodes (25 %), 250/s, 6 s left"
        );
        assert_eq!(
            line(2000, Some(2000), 2000),
            "reading nodes: 2000 of about 2000 nodes (100 %), 1000/s, 0 s left"
        );
        // Honest when the estimate was wrong: no share above 100, no time left.
        assert_eq!(
            line(2001, Some(2000), 2000),
            "reading nodes: 2001 nodes, estimate of 2000 exceeded, 1000/s"
        );
        // Nothing done yet: no time can be told.
        assert_eq!(line(0, Some(2000), 2000), "reading nodes: 0 of about 2000 nodes (0 %), 0/s");
        let huge = at(u64::MAX - 1, Some(u64::MAX), 600).line();
        assert!(huge.contains("(99 %)"), "{huge}");
        let beside = |d, e, ms| at(d, e, ms).beside_bar();
        assert_eq!(beside(500, Some(2000), 2000), "500/2000 nodes (25 %), 250/s, 6 s left");
        let exceeded = "2001 nodes, estimate of 2000 exceeded, 1000/s";
        assert_eq!(beside(2001, Some(2000), 2000), exceeded);
        let opening = Snapshot { unit: "", phase: "opening", ..at(0, None, 0) };
        assert_eq!((opening.line(), opening.beside_bar()), ("opening".into(), "opening".into()));
    }

    // Oracle: the same numbers; `None` for what is not known.
    #[test]
    fn objects() {
        let all = at(500, Some(2000), 2000).document(ProgressState::Working);
        assert_eq!((all.per_second, all.seconds_left), (Some(250), Some(6)));
        assert!(!all.estimate_exceeded);
        let past = at(2001, Some(2000), 2000).document(ProgressState::Done);
        assert_eq!((past.estimate_exceeded, past.seconds_left), (true, None));
    }

    // Oracle: counted by hand.
    #[test]
    fn times() {
        assert_eq!(time(59), "59 s");
        assert_eq!(time(61), "1:01 min");
        assert_eq!(time(3720), "1:02 h");
    }
}
