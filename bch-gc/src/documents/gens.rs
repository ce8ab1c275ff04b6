// SPDX-License-Identifier: GPL-2.0-only
//! The documents of `bch-gc gens --json`.

use super::{FilePart, Format, GenRows, State, document};
use gc_v0::gens;

document! {
    /// How near the generations of each device are to their wrap (--summary).
    pub struct Gens {
        /// Version of the document.
        pub format: Format<2>,
        /// Distance at which a bucket may not be used anew.
        pub limit: u8,
        /// The members.
        pub devices: Vec<GensDevice>,
        /// Number of stale pointers.
        pub stale: StaleNumbers,
        /// The pointers that are furthest behind.
        pub oldest: Vec<StalePointer>,
        /// Number of nodes that could not be read.
        pub nodes_not_read: u64,
    }

    /// A member.
    pub struct GensDevice {
        /// Index of the device.
        pub device: u8,
        /// As it is recorded.
        pub recorded: GensSide,
        /// As it is recomputed.
        pub recomputed: GensSide,
    }

    /// Buckets by the distance of their generation from the oldest that a pointer has.
    pub struct GensSide {
        /// The greatest distance.
        pub worst: u8,
        /// The first bucket that has it.
        pub worst_bucket: u64,
        /// Buckets by range of distances.
        pub ranges: Vec<GensRange>,
    }

    /// A range of distances.
    pub struct GensRange {
        /// The least of them.
        pub least: u8,
        /// Number of buckets.
        pub buckets: u64,
    }

    /// Numbers of stale pointers.
    pub struct StaleNumbers {
        /// To cached copies.
        pub cached: u64,
        /// To data that must be kept.
        pub dirty: u64,
    }

    /// A pointer that is behind its bucket.
    pub struct StalePointer {
        /// By how many generations.
        pub behind: u8,
        /// Index of the device.
        pub device: u8,
        /// Number of the bucket.
        pub bucket: u64,
        /// Generation of the pointer.
        #[serde(rename = "gen")]
        pub gen_: u8,
        /// Whether it is a cached copy.
        pub cached: bool,
        /// Name of its btree.
        pub btree: Option<&'static str>,
        /// Inode, device or other major part of the position of its key.
        pub inode: u64,
        /// Offset of that position.
        pub offset: u64,
        /// Parts of files that it belongs to.
        pub files: Vec<FilePart>,
    }

    /// The state before or after oldest generations are recomputed, on one line. Its format
    /// is that of the goldens that tests compare with.
    pub struct GensState<'a> {
        /// Which of the two.
        pub stage: Stage,
        /// Buckets, usage and stripes.
        pub state: State<'a>,
        /// For each member, rows of number, gen, oldest_gen, gc_gen, distance; a bucket whose
        /// generations are all 0 is left out.
        #[cfg_attr(feature = "schema", schemars(with = "Vec<Vec<[u64; 5]>>"))]
        pub gc_gens: Vec<GenRows>,
    }

    /// When a state is taken.
    #[serde(rename_all = "lowercase")]
    pub enum Stage {
        /// Before.
        Before,
        /// After.
        After,
    }
}

impl From<&gens::Distances> for GensSide {
    fn from(d: &gens::Distances) -> Self {
        let ranges = gens::RANGES.iter().zip(d.buckets);
        Self {
            worst: d.worst.0,
            worst_bucket: d.worst.1,
            ranges: ranges.map(|(least, buckets)| GensRange { least: *least, buckets }).collect(),
        }
    }
}

impl From<&gens::StalePointer> for StalePointer {
    fn from(s: &gens::StalePointer) -> Self {
        let p = s.key.k.p;
        Self {
            behind: s.behind,
            device: s.ptr.dev(),
            bucket: s.bucket,
            gen_: s.ptr.gen_(),
            cached: s.ptr.cached(),
            btree: s.btree.name(),
            inode: p.inode,
            offset: p.offset,
            files: s.files.iter().map(FilePart::from).collect(),
        }
    }
}
