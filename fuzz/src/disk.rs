// SPDX-License-Identifier: GPL-2.0-only
//! Devices without a name, in memory, with a small file system on them.

use gc_image_write::damage::{Images, Place};
use gc_image_write::generate::{generate_small, small_settings};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Seeds of the base file systems, chosen so that each has something the others have
/// not: one device and clean; four with stripes, encrypted; a journal full of keys.
pub const SEEDS: [u64; 6] = [0, 2, 3, 5, 8, 13];

/// The devices of one file system.
#[derive(Debug)]
pub struct Disks {
    files: Vec<File>,
    /// Where each can be opened.
    pub paths: Vec<PathBuf>,
}

fn memory_dir() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }
        .expect("a place for the images")
}

impl Disks {
    /// The small file system of a seed. Its files have lost their names already.
    #[must_use]
    pub fn small(seed: u64) -> Self {
        let dir = memory_dir();
        let nr = small_settings(seed).devices.len();
        let names: Vec<_> = (0..nr).map(|i| dir.path().join(i.to_string())).collect();
        generate_small(seed, &names).expect("the writer makes its own seeds");
        let open = |p: &PathBuf| File::options().read(true).write(true).open(p);
        let files: Vec<File> = names.iter().map(|p| open(p).expect("an image")).collect();
        let paths =
            files.iter().map(|f| format!("/proc/self/fd/{}", f.as_raw_fd()).into()).collect();
        Self { files, paths }
    }

    /// What lies there, as far as the device goes.
    #[must_use]
    pub fn read(&self, dev: usize, sector: u64, len: usize) -> Vec<u8> {
        let Some(file) = self.files.get(dev) else { return Vec::new() };
        let mut b = vec![0; len];
        let mut n = 0;
        while n < len {
            match file.read_at(&mut b[n..], sector * 512 + n as u64) {
                Ok(0) | Err(_) => break,
                Ok(more) => n += more,
            }
        }
        b.truncate(n);
        b
    }

    /// Puts bytes there.
    pub fn write(&self, dev: usize, sector: u64, bytes: &[u8]) {
        if let Some(file) = self.files.get(dev) {
            file.write_all_at(bytes, sector * 512).expect("memory for an image");
        }
    }
}

/// A file system, everything in it that has a checksum, and how it was.
#[derive(Debug)]
pub struct Base {
    /// The devices.
    pub disks: Disks,
    /// A copy of the devices, to be changed.
    pub images: Images,
    /// Everything with a checksum.
    pub places: Vec<Place>,
}

impl Base {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let disks = Disks::small(seed);
        let images = Images::open(&disks.paths).expect("own images");
        let places = images.places();
        Self { disks, images, places }
    }

    /// Most bytes that a change at a place can reach.
    #[must_use]
    pub fn reach(&self, p: &Place) -> usize {
        p.len.max(64 << 10)
    }
}
