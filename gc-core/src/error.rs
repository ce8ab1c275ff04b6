// SPDX-License-Identifier: GPL-2.0-only
//! How a run can fail, and the number C sees.

use crate::layout::fsck::{BCH_FSCK_ERRORS_NOT_FIXED, BCH_FSCK_REPAIR_UNIMPLEMENTED};

/// Result of the engine's functions.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a run ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A finding was answered "stop": errors are left.
    NotFixed,
    /// A finding was to be fixed for which there is no repair.
    RepairUnimplemented,
    /// A positive errno.
    Errno(Errno),
}

/// A positive errno value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Errno(i32);

impl Errno {
    /// Interrupted: to be tried again.
    pub const EINTR: Self = Self(4);
    /// To be tried again.
    pub const EAGAIN: Self = Self(11);
    /// Read-only.
    pub const EROFS: Self = Self(30);
    /// Input or output failed.
    pub const EIO: Self = Self(5);
    /// No memory.
    pub const ENOMEM: Self = Self(12);
    /// Already there, and in use.
    pub const EBUSY: Self = Self(16);
    /// Already there.
    pub const EEXIST: Self = Self(17);
    /// Not what was expected.
    pub const EINVAL: Self = Self(22);
    /// Out of range.
    pub const ERANGE: Self = Self(34);
    /// Asked to stop.
    pub const ESHUTDOWN: Self = Self(108);

    /// The errno a C function returned as `-errno`. A value that is no errno
    /// (positive, or the least integer) becomes `EINVAL`.
    #[must_use]
    pub const fn from_negative(ret: i32) -> Self {
        match ret.checked_neg() {
            Some(e) if e > 0 => Self(e),
            _ => Self::EINVAL,
        }
    }

    /// The positive number.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl Error {
    /// Out of memory.
    pub const NOMEM: Self = Self::Errno(Errno::ENOMEM);
    /// Not what was expected.
    pub const INVAL: Self = Self::Errno(Errno::EINVAL);

    /// What a C function that returns 0 or `-errno` said.
    ///
    /// # Errors
    /// `ret` as an errno, unless it is 0.
    pub const fn check(ret: i32) -> Result<()> {
        if ret == 0 { Ok(()) } else { Err(Self::Errno(Errno::from_negative(ret))) }
    }

    /// The number C sees: `BCH_FSCK_*`, or a negative errno.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::NotFixed => BCH_FSCK_ERRORS_NOT_FIXED,
            Self::RepairUnimplemented => BCH_FSCK_REPAIR_UNIMPLEMENTED,
            Self::Errno(e) => e.get().wrapping_neg(),
        }
    }
}

impl From<Errno> for Error {
    fn from(e: Errno) -> Self {
        Self::Errno(e)
    }
}

impl From<alloc::collections::TryReserveError> for Error {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Self::NOMEM
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotFixed => f.write_str("errors were not fixed"),
            Self::RepairUnimplemented => f.write_str("repair unimplemented"),
            Self::Errno(e) => write!(f, "error {}", e.get()),
        }
    }
}

impl core::error::Error for Error {}

/// The number C sees for a result.
#[must_use]
pub fn code(result: Result<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(e) => e.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the numbers of <errno.h> and of enum fsck_err's results.
    #[test]
    fn numbers_c_sees() {
        assert_eq!(code(Ok(())), 0);
        assert_eq!(Error::NotFixed.code(), 1);
        assert_eq!(Error::RepairUnimplemented.code(), 2);
        assert_eq!(Error::NOMEM.code(), -12);
        assert_eq!(Error::check(0), Ok(()));
        assert_eq!(Error::check(-5), Err(Error::Errno(Errno::EIO)));
        assert_eq!(Error::check(1), Err(Error::INVAL));
        assert_eq!(Error::check(i32::MIN), Err(Error::INVAL));
    }
}
