// SPDX-License-Identifier: GPL-2.0-only
//! The description of a file system.

use gc_core::layout::{BkeyFormat, BtreeId, CsumType};

use crate::key::Key;

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSpec {
    /// Number of buckets, at least 64.
    pub nbuckets: u64,
    /// Sectors of a bucket, at least those of a node.
    pub bucket_size: u16,
    /// Journal buckets, at least 8; 0: no journal section.
    pub journal_buckets: u32,
    /// State: 0 rw, 1 ro, 2 failed, 3 spare.
    pub state: u8,
    /// Durability as it counts: 0 to 2.
    pub durability: u8,
    /// Buckets are handed out in a scattered order instead of one after another.
    pub scattered: bool,
}

impl DeviceSpec {
    /// A device in use.
    #[must_use]
    pub const fn new(nbuckets: u64, bucket_size: u16) -> Self {
        Self {
            nbuckets,
            bucket_size,
            journal_buckets: 8,
            state: 0,
            durability: 1,
            scattered: false,
        }
    }
}

/// How the keys of a node are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The format the keys of the node ask for.
    Calculated,
    /// Not packed at all.
    Current,
    /// This one; keys that do not fit it stay unpacked.
    Chosen(BkeyFormat),
}

/// How nodes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeSpec {
    /// Packing.
    pub format: Format,
    /// One key in so many stays unpacked (0: none).
    pub unpacked_every: u32,
    /// How full nodes get, in percent.
    pub fill: u8,
    /// Most keys of a leaf.
    pub leaf_keys: usize,
    /// Most keys of a node of level 1, at least 2.
    pub interior_keys: usize,
    /// Least number of levels (1 to 4); thin trees get interior nodes of one key.
    pub levels: u8,
    /// Bsets of a leaf, as far as its keys suffice.
    pub bsets: u32,
    /// One key in so many has an older version in an older bset (0: none).
    pub shadow_every: u32,
    /// One key in so many has a deleted neighbour, its whiteout in a newer bset
    /// (0: none).
    pub ghost_every: u32,
    /// Whiteouts lie before the other keys of a bset.
    pub separate_whiteouts: bool,
    /// Pointers to nodes have the second form.
    pub ptr_v2: bool,
    /// Leaves of extents are flagged for today's way of overwriting.
    pub new_extent_overwrite: bool,
}

impl Default for NodeSpec {
    fn default() -> Self {
        Self {
            format: Format::Calculated,
            unpacked_every: 0,
            fill: 100,
            leaf_keys: usize::MAX,
            interior_keys: usize::MAX,
            levels: 1,
            bsets: 1,
            shadow_every: 0,
            ghost_every: 0,
            separate_whiteouts: false,
            ptr_v2: true,
            new_extent_overwrite: true,
        }
    }
}

/// A key of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalKey {
    /// Btree.
    pub btree: BtreeId,
    /// Level.
    pub level: u8,
    /// The key; of type deleted: hides the btree's key.
    pub key: Key,
}

/// A file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsSpec {
    /// Seed of identities, generations and everything that is left open.
    pub seed: u64,
    /// Devices.
    pub devices: Vec<DeviceSpec>,
    /// Sectors of a block: 1, 2, 4 or 8.
    pub block_size: u16,
    /// Sectors of a node, a power of two.
    pub btree_node_size: u16,
    /// Checksum option of metadata: 0 none, 1 crc32c, 2 crc64.
    pub meta_csum: u8,
    /// Checksum option of data.
    pub data_csum: u8,
    /// Key of an encrypted file system, kept in clear in the superblock.
    pub encryption: Option<[u8; 32]>,
    /// Checksums of 128 bits instead of 80 when encrypted.
    pub wide_macs: bool,
    /// Copies of each node.
    pub meta_replicas: u8,
    /// Copies of data, as the superblock asks for them.
    pub data_replicas: u8,
    /// The replicas section has the first form where it can.
    pub replicas_v0: bool,
    /// Shut down cleanly: a clean section, a journal without keys.
    pub clean: bool,
    /// Buckets have generations other than 0.
    pub gens: bool,
    /// Nodes.
    pub nodes: NodeSpec,
    /// Journal sequence of the first entry, at least 1.
    pub journal_seq: u64,
    /// Keys of each journal entry from the first on; empty for one entry without.
    pub journal: Vec<Vec<JournalKey>>,
    /// Devices that hold the journal.
    pub journal_devs: Vec<u8>,
    /// Of alloc keys, one in so many is right in the journal only (0: none; asks for
    /// a file system that is not clean).
    pub alloc_in_journal: u32,
    /// Blacklisted journal sequences: start, end (exclusive).
    pub blacklist: Vec<(u64, u64)>,
    /// One later bset in so many carries a blacklisted sequence and junk (0: none).
    pub blacklisted_bsets: u32,
    /// Adds sections of disk groups, quota and of an unknown type.
    pub more_sections: bool,
}

impl FsSpec {
    /// A clean file system with usual settings on these devices.
    #[must_use]
    pub fn new(seed: u64, devices: Vec<DeviceSpec>) -> Self {
        Self {
            seed,
            devices,
            block_size: 8,
            btree_node_size: 512,
            meta_csum: 1,
            data_csum: 1,
            encryption: None,
            wide_macs: false,
            meta_replicas: 1,
            data_replicas: 1,
            replicas_v0: true,
            clean: true,
            gens: false,
            nodes: NodeSpec::default(),
            journal_seq: 10,
            journal: Vec::new(),
            journal_devs: vec![0],
            alloc_in_journal: 0,
            blacklist: Vec::new(),
            blacklisted_bsets: 0,
            more_sections: false,
        }
    }

    /// Checksum type of nodes and journal entries.
    #[must_use]
    pub const fn meta_csum_type(&self) -> CsumType {
        match (self.encryption.is_some(), self.wide_macs, self.meta_csum) {
            (true, true, _) => CsumType::CHACHA20_POLY1305_128,
            (true, false, _) => CsumType::CHACHA20_POLY1305_80,
            (false, _, 0) => CsumType::NONE,
            (false, _, 1) => CsumType::CRC32C_NONZERO,
            _ => CsumType::CRC64_NONZERO,
        }
    }

    /// Identity that magics are made of.
    #[must_use]
    pub fn uuid(&self) -> [u8; 16] {
        let mut out = [1; 16];
        let low = crate::rng::mix2(self.seed, 1).to_le_bytes();
        let high = crate::rng::mix2(self.seed, 2).to_le_bytes();
        for (to, from) in out.iter_mut().zip(low.into_iter().chain(high)) {
            *to = from;
        }
        out
    }

    /// First half of [`Self::uuid`].
    #[must_use]
    pub const fn magic_seed(&self) -> u64 {
        crate::rng::mix2(self.seed, 1)
    }
}
