// SPDX-License-Identifier: GPL-2.0-only
//! The document of `bch-gc lost --json`.

use super::{Copy, Format, Position, document};
use gc_v0::lost::{NodeLoss, Sums};

document! {
    /// What is lost with the devices at hand. Sizes are sectors of 512 bytes.
    pub struct Lost {
        /// Version of the document.
        pub format: Format<2>,
        /// Whether nothing is lost.
        pub nothing_lost: bool,
        /// The members.
        pub devices: Vec<LostDevice>,
        /// Sets of devices that data lies on.
        pub sets: Vec<LostSet>,
        /// Nodes that cannot be had.
        pub nodes: Vec<LostNode>,
        /// Files that lost data.
        pub files: Vec<LostFile>,
        /// Number of files of which copies are missing.
        pub degraded_files: u64,
        /// Number of ranges of data that is lost and belongs to no file that is known.
        pub orphaned_ranges: u64,
        /// Number of nodes that could not be read: what is below them is not known.
        pub nodes_not_read: usize,
    }

    /// A member.
    pub struct LostDevice {
        /// Index of the device.
        pub device: u8,
        /// Its UUID.
        pub uuid: String,
        /// Its file; null where it is missing.
        pub path: Option<String>,
        /// Whether it is missing.
        pub missing: bool,
        /// Whether it is there and thought away (--without).
        pub without: bool,
        /// What becomes of what lies on it.
        pub sectors: Sectors,
    }

    /// A set of devices.
    pub struct LostSet {
        /// The set as the original prints it.
        pub text: String,
        /// The set as it is stored, in hexadecimal digits.
        #[cfg_attr(feature = "schema", schemars(regex(pattern = "^([0-9a-f]{2})+$")))]
        pub bytes: String,
        /// Number of its devices.
        pub devices: usize,
        /// Number of those that are at hand.
        pub devices_here: usize,
        /// Sectors that are recorded for it.
        pub recorded: u64,
        /// What becomes of what lies on it.
        pub sectors: Sectors,
    }

    /// Sectors by what becomes of them.
    pub struct Sectors {
        /// Every copy is at hand.
        pub intact: u64,
        /// Copies are missing.
        pub degraded: u64,
        /// At hand, below a lost node.
        pub cut_off: u64,
        /// No copy is left.
        pub lost: u64,
        /// Recorded, and not met where not all could be walked.
        pub unknown: u64,
    }

    /// A node that cannot be had.
    pub struct LostNode {
        /// Name of its btree.
        pub btree: Option<&'static str>,
        /// Its level; leaves have level 0.
        pub level: u8,
        /// Whether it is the root.
        pub root: bool,
        /// Least position of its keys; null where the pointer to it does not say so.
        pub from: Option<Position>,
        /// Greatest position of its keys.
        pub to: Position,
        /// Its copies.
        pub copies: Vec<Copy>,
        /// Why it cannot be had.
        pub why: Why,
    }

    /// Why a node cannot be had.
    #[serde(rename_all = "lowercase")]
    pub enum Why {
        /// Its copies are on devices that are not at hand.
        Away,
        /// Its copies are damaged.
        Damaged,
    }

    /// A file that lost data.
    pub struct LostFile {
        /// Its inode.
        pub inode: u64,
        /// Path from the root if it can be reached, else as far up as entries go.
        pub path: String,
        /// Whether the path begins at the root.
        pub reachable: bool,
        /// Number of further names of the file.
        pub other_names: usize,
        /// Size of the file in bytes; null where there is no inode.
        pub size: Option<u64>,
        /// Whether it waits to be deleted; null where there is no inode.
        pub unlinked: Option<bool>,
        /// Sectors without a copy.
        pub lost: u64,
        /// Sectors at hand, below a lost node.
        pub cut_off: u64,
        /// Ranges without a copy: first sector of the file, number of sectors.
        pub ranges: Vec<[u64; 2]>,
    }
}

impl Sectors {
    /// Sums, and how many more are not known.
    #[must_use]
    pub const fn of(s: &Sums, unknown: u64) -> Self {
        let Sums { intact, degraded, cut_off, lost } = *s;
        Self { intact, degraded, cut_off, lost, unknown }
    }
}

impl From<&NodeLoss> for LostNode {
    fn from(n: &NodeLoss) -> Self {
        Self {
            btree: n.btree.name(),
            level: n.level,
            root: n.root,
            from: n.from.map(Position::from),
            to: n.to.into(),
            copies: n.key.as_ref().pointers().map(Copy::from).collect(),
            why: if n.away { Why::Away } else { Why::Damaged },
        }
    }
}
