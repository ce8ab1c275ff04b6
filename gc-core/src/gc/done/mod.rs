// SPDX-License-Identifier: GPL-2.0-only
//! Comparing what was counted with what the file system says, and taking it over.

mod buckets;
mod stripes;
mod usage;

pub(super) use buckets::COUNTED;

use crate::error::Result;
use crate::host::{Devices, Held, Host, MarkWrite};
use crate::layout::superblock::BCH_COMPAT_FEAT_ALLOC_INFO;

/// How a pass ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    /// Only metadata was walked: what follows from data is left alone.
    pub(crate) metadata_only: bool,
    /// Differences are reported; otherwise what was counted is taken over in
    /// silence, since nobody claimed to know it.
    pub(crate) verify: bool,
}

impl Mode {
    /// For a pass with these arguments.
    pub(crate) fn of<H: Host + ?Sized>(host: &H, initial: bool, metadata_only: bool) -> Self {
        let alloc_info = host.sb_compat() & (1_u64 << BCH_COMPAT_FEAT_ALLOC_INFO) != 0;
        Self { metadata_only, verify: !metadata_only && (!initial || alloc_info) }
    }
}

/// Compares and takes over stripes, buckets and usage, in this order. The journal is
/// blocked.
///
/// # Errors
/// A finding was answered "stop"; what was compared before has been taken over.
pub(crate) fn done<'h, H: Host + ?Sized>(
    host: &'h H,
    mark: &Held<MarkWrite>,
    devices: &Devices<'h, H>,
    mode: Mode,
) -> Result<()> {
    if !mode.metadata_only {
        stripes::done(host, mark, mode)?;
    }
    for dev in devices.iter() {
        buckets::done(host, dev, mode)?;
    }
    usage::fold(host, mark, devices)?;
    usage::done(host, mark, devices, mode)
}
