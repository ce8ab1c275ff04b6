// SPDX-License-Identifier: GPL-2.0-only
//! An image file, sparse.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A device file.
#[derive(Debug)]
pub(crate) struct Device(File);

impl Device {
    /// Makes it, all holes.
    pub(crate) fn create(path: &Path, sectors: u64) -> Result<Self> {
        let io = |e| Error::Io("creating an image", e);
        let bytes = sectors.checked_mul(512).ok_or(Error::Spec("device too large"))?;
        let mut o = OpenOptions::new();
        let file = o.read(true).write(true).create(true).truncate(true).open(path).map_err(io)?;
        file.set_len(bytes).map_err(io)?;
        Ok(Self(file))
    }

    pub(crate) fn write(&self, sector: u64, bytes: &[u8]) -> Result<()> {
        let at = sector.checked_mul(512).ok_or(Error::Spec("sector"))?;
        self.0.write_all_at(bytes, at).map_err(|e| Error::Io("writing an image", e))
    }
}
