// SPDX-License-Identifier: GPL-2.0-only
//! Reporting a finding and acting on the answer.

use crate::error::{Error, Result};
use crate::finding::{Answer, Finding};
use crate::host::Findings;

/// Reports; true when it is to be fixed.
///
/// # Errors
/// [`Error::NotFixed`] when the run is to stop.
#[cold]
pub(crate) fn fix<H: Findings + ?Sized>(host: &H, finding: &Finding<'_>) -> Result<bool> {
    match host.finding(finding) {
        Answer::Ignore => Ok(false),
        Answer::Fix => Ok(true),
        Answer::Exit => Err(Error::NotFixed),
    }
}

/// Reports what has no repair.
///
/// # Errors
/// [`Error::RepairUnimplemented`] when it is to be fixed, [`Error::NotFixed`]
/// when the run is to stop.
#[cold]
pub(crate) fn unrepairable<H: Findings + ?Sized>(host: &H, finding: &Finding<'_>) -> Result<()> {
    if fix(host, finding)? { Err(Error::RepairUnimplemented) } else { Ok(()) }
}
