// SPDX-License-Identifier: GPL-2.0-only
//! Why an image could not be made.

use core::fmt;

/// Result with this crate's [`Error`].
pub type Result<T> = core::result::Result<T, Error>;

/// Why an image could not be made or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The system's, with what was being done.
    Io(&'static str, std::io::Error),
    /// The description asks for something that cannot be.
    Spec(&'static str),
    /// A device has no room left.
    NoSpace(u8),
    /// Keys did not come in order.
    Order,
    /// What was read is not what an image holds.
    Damaged(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(what, e) => write!(f, "{what}: {e}"),
            Self::Spec(what) => write!(f, "description: {what}"),
            Self::NoSpace(dev) => write!(f, "device {dev} is full"),
            Self::Order => f.write_str("keys are not in order"),
            Self::Damaged(what) => write!(f, "image: {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, e) => Some(e),
            _ => None,
        }
    }
}
