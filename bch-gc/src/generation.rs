// SPDX-License-Identifier: GPL-2.0-only
//! The one place that decides whether a file system is one of 2020 or of today.

use gc_disk::io::DeviceFile;
use std::path::PathBuf;

/// First version of the numbering of today: 1.0.
const TODAY: u16 = 1024;

/// Whether the devices hold a file system of today: the first of them that has a good copy
/// of a superblock tells. Devices that cannot be opened are told of later.
pub(crate) fn is_today(images: &[PathBuf], in_use: bool) -> bool {
    let files = images.iter().filter_map(|path| DeviceFile::open(path, in_use).ok());
    let version = |file: DeviceFile| {
        let copies = gc_v1::superblock::read(&file).ok()?;
        Some(copies.best.sb.head().version.get())
    };
    files.into_iter().find_map(version).is_some_and(|version| version >= TODAY)
}
