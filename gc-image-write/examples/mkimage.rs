// SPDX-License-Identifier: GPL-2.0-only
//! Makes images: `mkimage PRESET OUT...`.
use gc_core::layout::BtreeId;
use gc_image_write::value::{Inode, S_IFDIR, dirent, dirent_offset};
use gc_image_write::{DeviceSpec, FsSpec, ImageWriter};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let spec = FsSpec::new(1, vec![DeviceSpec::new(512, 512)]);
    let mut w = ImageWriter::create(spec, &paths)?;
    let root = Inode { inum: 4096, hash_seed: 77, mode: S_IFDIR | 0o755, ..Inode::default() };
    let lf = Inode { inum: 4097, hash_seed: 78, mode: S_IFDIR | 0o700, ..Inode::default() };
    w.btree(BtreeId::INODES, vec![root.with(8, 1).to_key(), lf.to_key()])?;
    let at = dirent_offset(&root, b"lost+found");
    w.btree(BtreeId::DIRENTS, vec![dirent(4096, at, b"lost+found", 4097, lf.mode)])?;
    println!("{:?}", w.finish()?);
    Ok(())
}
