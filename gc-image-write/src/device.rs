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

    /// Opens one to change it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let o = OpenOptions::new().read(true).write(true).open(path);
        o.map(Self).map_err(|e| Error::Io("opening an image", e))
    }

    pub(crate) fn write(&self, sector: u64, bytes: &[u8]) -> Result<()> {
        let at = sector.checked_mul(512).ok_or(Error::Spec("sector"))?;
        self.0.write_all_at(bytes, at).map_err(|e| Error::Io("writing an image", e))
    }

    /// Reads what is there; less than asked for at the end.
    pub(crate) fn read(&self, sector: u64, len: usize) -> Result<Vec<u8>> {
        let io = |e| Error::Io("reading an image", e);
        let at = sector.checked_mul(512).ok_or(Error::Damaged("sector"))?;
        let size = self.0.metadata().map_err(io)?.len();
        let there = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut b = vec![0; len.min(there)];
        self.0.read_exact_at(&mut b, at).map_err(io)?;
        Ok(b)
    }
}
