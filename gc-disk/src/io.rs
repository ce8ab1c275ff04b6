// SPDX-License-Identifier: GPL-2.0-only
//! Reading a device by sector. No mapping: a bad sector is an error, no signal.

use crate::unreadable::{Holds, Unreadable};
use core::fmt::Debug;
use core::ops::Range;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Bytes of a sector.
pub const SECTOR: usize = 512;

/// Sectors that are tried at once where a read has failed: what the system reads at
/// least.
const PIECE: u64 = 8;
/// After so many bad pieces in a row the rest of a read is taken for bad: each may
/// take a failing disk many seconds.
const HOPELESS: u64 = 16;

/// What direct reads have to be aligned to, at most.
const ALIGNED: usize = 4096;

/// Where bytes come from.
pub trait Medium: Debug + Send + Sync {
    /// Fills `buf` from byte `at` on.
    ///
    /// # Errors
    /// The system's; `UnexpectedEof` past the end.
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()>;

    /// Fills `buf` past what the system remembers, which may be out of date; `at` and the
    /// length are whole sectors, in bytes.
    ///
    /// # Errors
    /// As [`Self::read_exact_at`].
    fn read_anew(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        self.read_exact_at(buf, at)
    }

    /// So many bytes from byte `at` on are read soon: they may be brought into memory
    /// meanwhile. What comes of it shows when they are read.
    fn will_read(&self, _at: u64, _len: u64) {}
}

impl Medium for File {
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buf, at)
    }

    fn read_anew(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        if !self.metadata()?.file_type().is_block_device() {
            return FileExt::read_exact_at(self, buf, at);
        }
        // A mounted file system writes past the memory that reads of the device are
        // served from.
        let path = format!("/proc/self/fd/{}", self.as_raw_fd());
        let direct = OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(path)?;
        let len = buf.len();
        let mut room = vec![0; len.saturating_add(ALIGNED)];
        let from = room.as_ptr().align_offset(ALIGNED);
        let short = || io::Error::from(io::ErrorKind::OutOfMemory);
        let aligned = room.get_mut(from..from.saturating_add(len)).ok_or_else(short)?;
        FileExt::read_exact_at(&direct, aligned, at)?;
        buf.copy_from_slice(aligned);
        Ok(())
    }

    fn will_read(&self, at: u64, len: u64) {
        if let (Ok(at), Ok(len)) = (at.try_into(), len.try_into()) {
            // Advice only: where it is not taken, the read itself waits.
            let _taken = posix_fadvise(self, at, len, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
        }
    }
}

/// A device or an image file, open for reading only.
#[derive(Debug)]
pub struct DeviceFile {
    medium: Box<dyn Medium>,
    path: Arc<Path>,
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
            // Refuses one that is mounted or held otherwise.
            options.custom_flags(libc::O_EXCL);
        }
        let mut file = options.open(path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        Ok(Self::over(Box::new(file), path, bytes))
    }

    /// A device of so many bytes over another medium; `path` is what it is called.
    #[must_use]
    pub fn over(medium: Box<dyn Medium>, path: &Path, bytes: u64) -> Self {
        Self { medium, path: path.into(), sectors: bytes >> 9 }
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of [`Self::path`], shared: findings keep it.
    #[must_use]
    pub fn shared_path(&self) -> Arc<Path> {
        Arc::clone(&self.path)
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
        self.medium.read_exact_at(buf, at)
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

    /// So many sectors from `sector` on are read soon, as far as the device has them.
    /// Several such reads are under way at once, also for one thread.
    pub fn will_read(&self, sector: u64, sectors: u64) {
        let sectors = sectors.min(self.sectors.saturating_sub(sector));
        if sectors == 0 {
            return;
        }
        self.medium.will_read(sector.saturating_mul(512), sectors.saturating_mul(512));
    }

    /// As [`Self::read`], past what the system remembers of a block device.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_anew(&self, sector: u64, buf: &mut [u8]) -> io::Result<()> {
        self.medium.read_anew(buf, sector.saturating_mul(512))
    }

    /// Sectors of a range whose read has failed that cannot be read, tried piece by
    /// piece. Those past the end are not among them.
    #[must_use]
    pub fn bad_sectors(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut bad: Vec<Range<u64>> = Vec::new();
        let (mut at, end) = (range.start, range.end.min(self.sectors));
        let mut in_a_row = 0_u64;
        while at < end {
            let next = at.saturating_add(1).next_multiple_of(PIECE).min(end);
            let len = crate::bytes::index(next.saturating_sub(at).saturating_mul(512));
            let hopeless = in_a_row >= HOPELESS;
            if hopeless || self.read_vec(at, len).is_err() {
                in_a_row = in_a_row.saturating_add(1);
                let next = if hopeless { end } else { next };
                match bad.last_mut() {
                    Some(last) if last.end == at => last.end = next,
                    _ => bad.push(at..next),
                }
                at = next;
            } else {
                in_a_row = 0;
                at = next;
            }
        }
        bad
    }

    /// What of a range whose read has failed cannot be read, with what it holds;
    /// `bucket_size` (in sectors) is 0 where it is not known.
    #[must_use]
    pub fn unreadable(&self, range: Range<u64>, bucket_size: u16, holds: Holds) -> Vec<Unreadable> {
        let told = |bad: Range<u64>| self.lost(bad, bucket_size, holds);
        self.bad_sectors(range).into_iter().map(told).collect()
    }

    /// A range of sectors that cannot be read, with what it holds; `bucket_size` (in
    /// sectors) is 0 where it is not known.
    #[must_use]
    pub fn lost(&self, bad: Range<u64>, bucket_size: u16, holds: Holds) -> Unreadable {
        Unreadable {
            path: self.path.to_path_buf(),
            sector: bad.start,
            sectors: bad.end.saturating_sub(bad.start),
            bucket: bad.start.checked_div(u64::from(bucket_size)),
            holds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Debug)]
    struct Scratched(Vec<Range<u64>>);

    impl Medium for Scratched {
        fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
            let (from, to) = (at / 512, (at + buf.len() as u64).div_ceil(512));
            match self.0.iter().any(|bad| bad.start < to && from < bad.end) {
                true => Err(io::Error::from_raw_os_error(5)),
                false => Ok(()),
            }
        }
    }

    #[derive(Debug, Clone, Default)]
    struct Told(Arc<Mutex<Vec<(u64, u64)>>>);

    impl Medium for Told {
        fn read_exact_at(&self, _buf: &mut [u8], _at: u64) -> io::Result<()> {
            Ok(())
        }
        fn will_read(&self, at: u64, len: u64) {
            self.0.lock().unwrap().push((at, len));
        }
    }

    // Oracle: the end of the device.
    #[test]
    fn nothing_beyond_the_end_is_told_ahead() {
        let told = Told::default();
        let device = DeviceFile::over(Box::new(told.clone()), Path::new("x"), 512 * 100 + 7);
        for (sector, sectors) in [(0, 8), (99, 8), (100, 8), (200, u64::MAX), (90, u64::MAX)] {
            device.will_read(sector, sectors);
        }
        let told = told.0.lock().unwrap().clone();
        assert_eq!(told, [(0, 4096), (99 * 512, 512), (90 * 512, 5120)]);
    }

    // Oracle: the ranges that were made bad, rounded to pieces.
    #[test]
    fn bad_sectors() {
        let bad = |bad: &[Range<u64>], sectors: u64, read: Range<u64>| {
            let medium = Box::new(Scratched(bad.to_vec()));
            let device = DeviceFile::over(medium, Path::new("x"), 512 * sectors);
            let found = device.bad_sectors(read);
            found.iter().map(|r| (r.start, r.end)).collect::<Vec<_>>()
        };
        let one =
            |range: Range<u64>, sectors, read| bad(std::slice::from_ref(&range), sectors, read);
        assert_eq!(one(10..11, 100, 0..64), [(8, 16)]);
        assert_eq!(one(10..11, 100, 10..64), [(10, 16)]);
        assert_eq!(one(0..0, 100, 0..64), []);
        // Neighbours are one range; the end of the device is no bad sector.
        assert_eq!(one(7..9, 20, 0..64), [(0, 16)]);
        assert_eq!(bad(&[3..4, 30..31], 100, 0..64), [(0, 8), (24, 32)]);
        // A disk that gives nothing is not asked for ever.
        assert_eq!(one(0..5000, 10_000, 0..8192), [(0, 8192)]);
    }
}
