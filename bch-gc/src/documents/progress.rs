// SPDX-License-Identifier: GPL-2.0-only
//! The lines of `bch-gc --progress-fd`.

use super::document;

document! {
    /// One line of progress: at the beginning of each phase, every half second, and at the
    /// end.
    pub struct Progress {
        /// What is being done.
        pub phase: &'static str,
        /// What is counted; empty where nothing is.
        pub unit: &'static str,
        /// Number of units that are done.
        pub done: u64,
        /// How many there should be; null where that is not known. It may be wrong.
        pub estimate: Option<u64>,
        /// Whether more is done than was expected.
        pub estimate_exceeded: bool,
        /// Seconds since the phase began.
        #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
        pub seconds: f64,
        /// Units a second, mean of the phase; null where it is too early to tell.
        pub per_second: Option<u64>,
        /// Seconds left at this rate; null where that cannot be told.
        pub seconds_left: Option<u64>,
        /// Whether there is more to come.
        pub state: ProgressState,
    }

    /// Whether there is more to come.
    #[serde(rename_all = "lowercase")]
    #[derive(Copy, Eq)]
    pub enum ProgressState {
        /// There is more to come.
        Working,
        /// The run has ended.
        Done,
        /// The run was interrupted.
        Interrupted,
    }
}
