// SPDX-License-Identifier: GPL-2.0-only
//! What a new file system is like.

use gc_core::host::NodeSize;
use gc_core::layout::superblock::{
    BCH_COMPAT_FEAT_ALLOC_INFO, BCH_COMPAT_FEAT_ALLOC_METADATA, BCH_SB_MEMBERS_MAX,
};

/// Numbers of a new file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Members, 1 to 64.
    pub nr_devices: u32,
    /// Sectors of a bucket.
    pub bucket_size: u32,
    /// Buckets of each device.
    pub nbuckets: u64,
    /// First bucket in use of each device.
    pub first_bucket: u16,
    /// Sectors of a btree node, at most those of a bucket.
    pub btree_node_size: u16,
    /// Most keys of a node, at least 2.
    pub node_keys: usize,
    /// Copies of each btree node, on different devices as far as there are.
    pub metadata_replicas: u32,
    /// Journal buckets of each device.
    pub journal_buckets: u32,
    /// The superblock's compat features.
    pub compat: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nr_devices: 1,
            bucket_size: 128,
            nbuckets: 64,
            first_bucket: 0,
            btree_node_size: 128,
            node_keys: 8,
            metadata_replicas: 1,
            journal_buckets: 4,
            compat: (1 << BCH_COMPAT_FEAT_ALLOC_INFO) | (1 << BCH_COMPAT_FEAT_ALLOC_METADATA),
        }
    }
}

/// Most buckets of a device: memory is taken for each.
pub(crate) const NBUCKETS_MAX: u64 = 1 << 24;

/// Whether a device can be like that.
pub(crate) fn device_makes_sense(nbuckets: u64, bucket_size: u32, first_bucket: u16) -> bool {
    (1..=u32::from(u16::MAX)).contains(&bucket_size)
        && nbuckets <= NBUCKETS_MAX
        && u64::from(first_bucket) < nbuckets
}

impl Options {
    /// Size of a node for merging: as many bytes as its most keys have when they are
    /// unpacked and have values of three words, in small blocks.
    #[must_use]
    pub fn node_size(&self) -> NodeSize {
        let keys = u64::try_from(self.node_keys).unwrap_or(u64::MAX);
        let bytes = keys.saturating_mul(64).saturating_add(160).next_multiple_of(64);
        NodeSize { bytes, block_bytes: 64 }
    }

    /// Whether a file system can be like that.
    #[must_use]
    pub fn make_sense(&self) -> bool {
        let devices = usize::try_from(self.nr_devices).unwrap_or(usize::MAX);
        (1..=BCH_SB_MEMBERS_MAX).contains(&devices)
            && device_makes_sense(self.nbuckets, self.bucket_size, self.first_bucket)
            && (1..=self.bucket_size).contains(&u32::from(self.btree_node_size))
            && self.node_keys >= 2
            && (1..=4).contains(&self.metadata_replicas)
            && u64::from(self.journal_buckets)
                < self.nbuckets.saturating_sub(u64::from(self.first_bucket))
    }
}
