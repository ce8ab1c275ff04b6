// SPDX-License-Identifier: GPL-2.0-only
//! Reading a device by sector. No mapping: a bad sector is an error, no signal.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes of a sector.
pub const SECTOR: usize = 512;

/// `O_EXCL`: of a block device, refuses one that is mounted or held otherwise.
const O_EXCL: i32 = 0o200;

/// A device or an image file, open for reading only.
#[derive(Debug)]
pub struct DeviceFile {
    file: File,
    path: PathBuf,
    sectors: u64,
}

impl DeviceFile {
    /// Opens `path`. A block device that is in use is refused unless `in_use`.
    ///
    /// # Errors
    /// The system's, `IsADirectory` and `InvalidInput` for what is neither a
    /// file nor a block device.
    pub fn open(path: &Path, in_use: bool) -> io::Result<Self> {
        let kind = std::fs::metadata(path)?.file_type();
        let block = kind.is_block_device();
        if kind.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        if !block && !kind.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither a file nor a block device",
            ));
        }
        let mut options = OpenOptions::new();
        options.read(true);
        if block && !in_use {
            options.custom_flags(O_EXCL);
        }
        let mut file = options.open(path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, path: path.to_path_buf(), sectors: bytes >> 9 })
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whole sectors it has.
    #[must_use]
    pub const fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Fills `buf` from `sector` on. A read past the end is an error, as it is
    /// in the original.
    ///
    /// # Errors
    /// The system's, `UnexpectedEof` past the end.
    pub fn read(&self, sector: u64, buf: &mut [u8]) -> io::Result<()> {
        let at =
            sector.checked_mul(512).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        self.file.read_exact_at(buf, at)
    }

    /// `len` bytes from `sector` on. Memory is taken only for what the device has.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_vec(&self, sector: u64, len: usize) -> io::Result<Vec<u8>> {
        let sectors = crate::bytes::number(len.div_ceil(SECTOR));
        if sector.checked_add(sectors).is_none_or(|end| end > self.sectors) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let mut buf = vec![0; len];
        self.read(sector, &mut buf)?;
        Ok(buf)
    }
}
