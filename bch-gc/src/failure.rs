// SPDX-License-Identifier: GPL-2.0-only
//! Why a command has no result, and how the program ends then.

use crate::exit::Exit;
use gc_v0::error::{OpenError, RecoveryError};
use gc_v0::memory::Size;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The file system cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Recovery ended before the command could begin.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The walk met something it cannot go past.
    #[error("{0}")]
    Content(String),
    /// The command line names what is not there.
    #[error("{0}")]
    Usage(String),
    /// More memory is needed than may be taken: what for, and the least that would do.
    #[error("{0} does not fit in --memory; {1} would do")]
    Memory(&'static str, Size),
    /// The result cannot be written.
    #[error("writing the result: {0}")]
    Output(#[from] std::io::Error),
    /// Anything else: what was tried, and the system's answer.
    #[error("{0}")]
    System(String),
}

impl From<serde_json::Error> for Failure {
    fn from(e: serde_json::Error) -> Self {
        Self::from(std::io::Error::from(e))
    }
}

impl Failure {
    /// How the program ends; `unrecovered`: where recovery is what failed.
    pub(crate) const fn exit(&self, unrecovered: Exit) -> Exit {
        match self {
            Self::Recovery(_) => unrecovered,
            Self::Content(_) => Exit::Found,
            Self::Usage(_) => Exit::Usage,
            Self::Open(_) | Self::Memory(..) | Self::Output(_) | Self::System(_) => {
                Exit::Operational
            }
        }
    }
}
