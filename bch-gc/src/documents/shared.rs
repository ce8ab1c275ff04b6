// SPDX-License-Identifier: GPL-2.0-only
//! Parts that several documents have.

use super::document;
use gc_core::layout::{Bpos, ExtentPtr};

document! {
    /// A type of data: its name, or its number where it has no name.
    #[serde(untagged)]
    pub enum DataType {
        /// none, sb, journal, btree, data or cached.
        Name(&'static str),
        /// A type without a name.
        Number(u8),
    }

    /// A position in a btree.
    pub struct Position {
        /// Inode, device or other major part.
        pub inode: u64,
        /// Offset; of an extent the end in sectors.
        pub offset: u64,
    }

    /// Where one copy of a btree node lies.
    pub struct Copy {
        /// Index of the device.
        pub device: u32,
        /// Its first sector on the device.
        pub sector: u64,
    }

    /// A part of a file.
    pub struct FilePart {
        /// Its inode.
        pub inode: u64,
        /// Whether there is such an inode.
        pub exists: bool,
        /// Whether the file has no name any more and waits to be deleted.
        pub unlinked: bool,
        /// Size of the file in bytes; null where there is no inode.
        pub size: Option<u64>,
        /// Whether the part lies behind the end of the file.
        pub beyond_end: bool,
        /// First sector within the file.
        pub first_sector: u64,
        /// Number of sectors.
        pub sectors: u64,
        /// Path from the root if it can be reached, else as far up as entries go.
        pub path: String,
        /// Whether the path begins at the root.
        pub reachable: bool,
        /// Number of further names of the file.
        pub other_names: usize,
    }
}

impl From<gc_core::layout::DataType> for DataType {
    fn from(t: gc_core::layout::DataType) -> Self {
        t.name().map_or(Self::Number(t.0), Self::Name)
    }
}

impl From<Bpos> for Position {
    fn from(p: Bpos) -> Self {
        Self { inode: p.inode, offset: p.offset }
    }
}

impl From<ExtentPtr> for Copy {
    fn from(p: ExtentPtr) -> Self {
        Self { device: p.dev().into(), sector: p.offset() }
    }
}

impl From<&gc_v0::files::FilePart> for FilePart {
    fn from(f: &gc_v0::files::FilePart) -> Self {
        Self {
            inode: f.inode,
            exists: f.info.is_some(),
            unlinked: f.info.is_some_and(|i| i.unlinked),
            size: f.info.map(|i| i.size),
            beyond_end: f.beyond(),
            first_sector: f.start,
            sectors: f.sectors,
            path: f.name.path.clone(),
            reachable: f.name.reachable,
            other_names: f.name.others,
        }
    }
}

/// Bytes as lower case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
