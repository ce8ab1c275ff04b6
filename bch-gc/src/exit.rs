// SPDX-License-Identifier: GPL-2.0-only
//! Exit codes: those of fsck(8).

use std::process::ExitCode;

/// How the program ends. Of two, the greater one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything agrees.
    Agrees,
    /// Errors were found, or the file system's content ended the run.
    Found,
    /// No answer could be made.
    Operational,
    /// The command line makes no sense.
    Usage,
    /// Ended by the user.
    Cancelled,
}

impl Exit {
    /// The number that the system is told.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Agrees => 0,
            Self::Found => 4,
            Self::Operational => 8,
            Self::Usage => 16,
            Self::Cancelled => 32,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
