// SPDX-License-Identifier: GPL-2.0-only
//! Fields of the fixed structures: name, first bit, number of bits
//! (facts: docs/facts/superblock.md, journal.md, node-read.md, layout.md).

/// Name, first bit, bits.
pub(super) type Row = (&'static str, usize, u32);

pub(super) const SB: &[Row] = &[
    ("csum", 0, 64),
    ("version", 128, 16),
    ("version_min", 144, 16),
    ("magic", 192, 64),
    ("uuid", 320, 64),
    ("user_uuid", 448, 64),
    ("offset", 832, 64),
    ("seq", 896, 64),
    ("block_size", 960, 16),
    ("dev_idx", 976, 8),
    ("nr_devices", 984, 8),
    ("u64s", 992, 32),
    ("time_base_lo", 1024, 64),
    ("time_precision", 1120, 32),
    ("INITIALIZED", 1152, 1),
    ("CLEAN", 1153, 1),
    ("CSUM_TYPE", 1154, 6),
    ("ERROR_ACTION", 1160, 4),
    ("BTREE_NODE_SIZE", 1164, 16),
    ("GC_RESERVE", 1180, 5),
    ("ROOT_RESERVE", 1185, 7),
    ("META_CSUM_TYPE", 1192, 4),
    ("DATA_CSUM_TYPE", 1196, 4),
    ("META_REPLICAS_WANT", 1200, 4),
    ("DATA_REPLICAS_WANT", 1204, 4),
    ("options", 1208, 8),
    ("STR_HASH_TYPE", 1216, 4),
    ("COMPRESSION_TYPE", 1220, 4),
    ("128_BIT_MACS", 1225, 1),
    ("ENCRYPTION_TYPE", 1226, 4),
    ("ENCODED_EXTENT_MAX_BITS", 1230, 6),
    ("META_REPLICAS_REQ", 1236, 4),
    ("DATA_REPLICAS_REQ", 1240, 4),
    ("features", 1664, 64),
    ("features2", 1728, 64),
    ("compat", 1792, 64),
    ("layout_magic", 1920, 64),
    ("layout_type", 2048, 8),
    ("sb_max_size_bits", 2056, 8),
    ("nr_superblocks", 2064, 8),
    ("sb_offset", 2112, 64),
    ("sb_offset2", 2176, 64),
];

pub(super) const SECTION: &[Row] = &[("u64s", 0, 32), ("type", 32, 32)];

pub(super) const MEMBER: &[Row] = &[
    ("uuid", 0, 64),
    ("nbuckets", 128, 64),
    ("first_bucket", 192, 16),
    ("bucket_size", 208, 16),
    ("last_mount", 256, 64),
    ("STATE", 320, 4),
    ("REPLACEMENT", 330, 4),
    ("DISCARD", 334, 1),
    ("DATA_ALLOWED", 335, 5),
    ("GROUP", 340, 8),
    ("DURABILITY", 348, 2),
];

pub(super) const CLEAN: &[Row] = &[
    ("flags", 64, 32),
    ("read_clock", 96, 16),
    ("write_clock", 112, 16),
    ("journal_seq", 128, 64),
];

pub(super) const JSET: &[Row] = &[
    ("csum", 0, 64),
    ("magic", 128, 64),
    ("seq", 192, 64),
    ("version", 256, 32),
    ("CSUM_TYPE", 288, 4),
    ("BIG_ENDIAN", 292, 1),
    ("flags", 293, 27),
    ("u64s", 320, 32),
    ("read_clock", 352, 16),
    ("write_clock", 368, 16),
    ("last_seq", 384, 64),
];

pub(super) const JSET_ENTRY: &[Row] =
    &[("u64s", 0, 16), ("btree_id", 16, 8), ("level", 24, 8), ("type", 32, 8)];

pub(super) const NODE: &[Row] = &[
    ("csum", 0, 64),
    ("magic", 128, 64),
    ("ID", 192, 4),
    ("LEVEL", 196, 4),
    ("NEW_EXTENT_OVERWRITE", 200, 1),
    ("flags", 201, 23),
    ("SEQ", 224, 32),
    ("min_key.snapshot", 256, 32),
    ("min_key.offset", 288, 64),
    ("min_key.inode", 352, 64),
    ("max_key.snapshot", 416, 32),
    ("max_key.offset", 448, 64),
    ("max_key.inode", 512, 64),
    ("ptr", 576, 64),
    ("format.key_u64s", 640, 8),
    ("format.nr_fields", 648, 8),
    ("format.bits0", 656, 8),
    ("format.bits1", 664, 8),
    ("format.bits2", 672, 8),
    ("format.bits3", 680, 8),
    ("format.bits4", 688, 8),
    ("format.bits5", 696, 8),
    ("format.offset0", 704, 64),
    ("format.offset1", 768, 64),
    ("format.offset2", 832, 64),
    ("format.offset3", 896, 64),
    ("format.offset4", 960, 64),
    ("format.offset5", 1024, 64),
];

/// From the start of the bset.
pub(super) const BSET: &[Row] = &[
    ("seq", 0, 64),
    ("journal_seq", 64, 64),
    ("CSUM_TYPE", 128, 4),
    ("BIG_ENDIAN", 132, 1),
    ("SEPARATE_WHITEOUTS", 133, 1),
    ("flags", 134, 26),
    ("version", 160, 16),
    ("u64s", 176, 16),
];

pub(super) const KEY_HEAD: &[Row] =
    &[("u64s", 0, 8), ("format", 8, 7), ("needs_whiteout", 15, 1), ("type", 16, 8)];

pub(super) const BKEY: &[Row] = &[
    ("version.lo", 32, 64),
    ("version.hi", 96, 32),
    ("size", 128, 32),
    ("snapshot", 160, 32),
    ("offset", 192, 64),
    ("inode", 256, 64),
];

pub(super) const PACKED_NAMES: [&str; 6] =
    ["inode", "offset", "snapshot", "size", "version.hi", "version.lo"];

pub(super) const PTR: &[Row] = &[
    ("type", 0, 1),
    ("cached", 1, 1),
    ("unused", 2, 1),
    ("reservation", 3, 1),
    ("offset", 4, 44),
    ("dev", 48, 8),
    ("gen", 56, 8),
];

pub(super) const CRC32: &[Row] = &[
    ("type", 0, 2),
    ("compressed_size", 2, 7),
    ("uncompressed_size", 9, 7),
    ("offset", 16, 7),
    ("unused", 23, 1),
    ("csum_type", 24, 4),
    ("compression_type", 28, 4),
    ("csum", 32, 32),
];

pub(super) const CRC64: &[Row] = &[
    ("type", 0, 3),
    ("compressed_size", 3, 9),
    ("uncompressed_size", 12, 9),
    ("offset", 21, 9),
    ("nonce", 30, 10),
    ("csum_type", 40, 4),
    ("compression_type", 44, 4),
    ("csum_hi", 48, 16),
    ("csum_lo", 64, 64),
];

pub(super) const CRC128: &[Row] = &[
    ("type", 0, 4),
    ("compressed_size", 4, 13),
    ("uncompressed_size", 17, 13),
    ("offset", 30, 13),
    ("nonce", 43, 13),
    ("csum_type", 56, 4),
    ("compression_type", 60, 4),
    ("csum", 64, 64),
];

pub(super) const STRIPE_PTR: &[Row] = &[("type", 0, 5), ("block", 5, 8), ("idx", 13, 51)];

pub(super) const BTREE_PTR_V2: &[Row] = &[
    ("mem_ptr", 0, 64),
    ("seq", 64, 64),
    ("sectors_written", 128, 16),
    ("sectors", 144, 16),
    ("min_key.snapshot", 160, 32),
    ("min_key.offset", 192, 64),
    ("min_key.inode", 256, 64),
];

pub(super) const STRIPE: &[Row] = &[
    ("sectors", 0, 16),
    ("algorithm", 16, 8),
    ("nr_blocks", 24, 8),
    ("nr_redundant", 32, 8),
    ("csum_granularity_bits", 40, 8),
    ("csum_type", 48, 8),
    ("pad", 56, 8),
];

pub(super) const INODE: &[Row] = &[
    ("bi_hash_seed", 0, 64),
    ("bi_flags", 64, 20),
    ("STR_HASH", 84, 4),
    ("NR_FIELDS", 88, 8),
    ("bi_mode", 96, 16),
];

pub(super) const DIRENT: &[Row] = &[("d_inum", 0, 64), ("d_type", 64, 8), ("d_name", 72, 8)];
pub(super) const XATTR: &[Row] =
    &[("x_type", 0, 8), ("x_name_len", 8, 8), ("x_val_len", 16, 16), ("x_name", 32, 8)];
pub(super) const REFLINK_P: &[Row] =
    &[("idx", 0, 64), ("reservation_generation", 64, 32), ("nr_replicas", 96, 8)];
pub(super) const RESERVATION: &[Row] = &[("generation", 0, 32), ("nr_replicas", 32, 8)];

/// Optional fields in the order of their bits: name, bits.
pub(super) const ALLOC: &[(&str, u32)] = &[
    ("read_time", 16),
    ("write_time", 16),
    ("data_type", 8),
    ("dirty_sectors", 16),
    ("cached_sectors", 16),
    ("oldest_gen", 8),
];
