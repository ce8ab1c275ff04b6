/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layouts and numbers that the library shares with its host.
 * Generated from gc-core/src/layout/: cargo xtask generate
 *
 * Always: sizes and numbers under names of our own.
 * With BCH_GC_LAYOUT_STRUCTS defined, after the headers of a bcachefs tree: that
 * the tree's structures and numbers are the same, checked at compile time, and
 * bch_gc_layout_bits(), which finds a bit field that lies elsewhere.
 */
#ifndef BCH_GC_LAYOUT_H
#define BCH_GC_LAYOUT_H

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the library is laid out for little endian hosts"
#endif

enum bch_gc_layout_number {
	BCH_GC_KEY_TYPE_deleted = 0,
	BCH_GC_KEY_TYPE_discard = 1,
	BCH_GC_KEY_TYPE_error = 2,
	BCH_GC_KEY_TYPE_cookie = 3,
	BCH_GC_KEY_TYPE_whiteout = 4,
	BCH_GC_KEY_TYPE_btree_ptr = 5,
	BCH_GC_KEY_TYPE_extent = 6,
	BCH_GC_KEY_TYPE_reservation = 7,
	BCH_GC_KEY_TYPE_inode = 8,
	BCH_GC_KEY_TYPE_inode_generation = 9,
	BCH_GC_KEY_TYPE_dirent = 10,
	BCH_GC_KEY_TYPE_xattr = 11,
	BCH_GC_KEY_TYPE_alloc = 12,
	BCH_GC_KEY_TYPE_quota = 13,
	BCH_GC_KEY_TYPE_stripe = 14,
	BCH_GC_KEY_TYPE_reflink_p = 15,
	BCH_GC_KEY_TYPE_reflink_v = 16,
	BCH_GC_KEY_TYPE_inline_data = 17,
	BCH_GC_KEY_TYPE_btree_ptr_v2 = 18,
	BCH_GC_KEY_TYPE_MAX = 19,
	BCH_GC_BKEY_FIELD_INODE = 0,
	BCH_GC_BKEY_FIELD_OFFSET = 1,
	BCH_GC_BKEY_FIELD_SNAPSHOT = 2,
	BCH_GC_BKEY_FIELD_SIZE = 3,
	BCH_GC_BKEY_FIELD_VERSION_HI = 4,
	BCH_GC_BKEY_FIELD_VERSION_LO = 5,
	BCH_GC_BKEY_NR_FIELDS = 6,
	BCH_GC_KEY_FORMAT_LOCAL_BTREE = 0,
	BCH_GC_KEY_FORMAT_CURRENT = 1,
	BCH_GC_KEY_PACKED_BITS_START = 24,
	BCH_GC_BKEY_U64s = 5,
	BCH_GC_BKEY_U64s_MAX = 255,
	BCH_GC_BKEY_VAL_U64s_MAX = 250,
	BCH_GC_BKEY_EXTENT_PTR_U64s_MAX = 4,
	BCH_GC_BKEY_EXTENT_VAL_U64s_MAX = 21,
	BCH_GC_BKEY_EXTENT_U64s_MAX = 26,
	BCH_GC_BKEY_BTREE_PTR_VAL_U64s_MAX = 9,
	BCH_GC_BKEY_BTREE_PTR_U64s_MAX = 14,
	BCH_GC_BCH_EXTENT_ENTRY_ptr = 0,
	BCH_GC_BCH_EXTENT_ENTRY_crc32 = 1,
	BCH_GC_BCH_EXTENT_ENTRY_crc64 = 2,
	BCH_GC_BCH_EXTENT_ENTRY_crc128 = 3,
	BCH_GC_BCH_EXTENT_ENTRY_stripe_ptr = 4,
	BCH_GC_BCH_EXTENT_ENTRY_MAX = 5,
	BCH_GC_BCH_CSUM_NONE = 0,
	BCH_GC_BCH_CSUM_CRC32C_NONZERO = 1,
	BCH_GC_BCH_CSUM_CRC64_NONZERO = 2,
	BCH_GC_BCH_CSUM_CHACHA20_POLY1305_80 = 3,
	BCH_GC_BCH_CSUM_CHACHA20_POLY1305_128 = 4,
	BCH_GC_BCH_CSUM_CRC32C = 5,
	BCH_GC_BCH_CSUM_CRC64 = 6,
	BCH_GC_BCH_CSUM_NR = 7,
	BCH_GC_BCH_COMPRESSION_TYPE_none = 0,
	BCH_GC_BCH_COMPRESSION_TYPE_lz4_old = 1,
	BCH_GC_BCH_COMPRESSION_TYPE_gzip = 2,
	BCH_GC_BCH_COMPRESSION_TYPE_lz4 = 3,
	BCH_GC_BCH_COMPRESSION_TYPE_zstd = 4,
	BCH_GC_BCH_COMPRESSION_TYPE_incompressible = 5,
	BCH_GC_BCH_COMPRESSION_TYPE_NR = 6,
	BCH_GC_BCH_DATA_NONE = 0,
	BCH_GC_BCH_DATA_SB = 1,
	BCH_GC_BCH_DATA_JOURNAL = 2,
	BCH_GC_BCH_DATA_BTREE = 3,
	BCH_GC_BCH_DATA_USER = 4,
	BCH_GC_BCH_DATA_CACHED = 5,
	BCH_GC_BCH_DATA_NR = 6,
	BCH_GC_BTREE_ID_EXTENTS = 0,
	BCH_GC_BTREE_ID_INODES = 1,
	BCH_GC_BTREE_ID_DIRENTS = 2,
	BCH_GC_BTREE_ID_XATTRS = 3,
	BCH_GC_BTREE_ID_ALLOC = 4,
	BCH_GC_BTREE_ID_QUOTAS = 5,
	BCH_GC_BTREE_ID_EC = 6,
	BCH_GC_BTREE_ID_REFLINK = 7,
	BCH_GC_BTREE_ID_NR = 8,
	BCH_GC_BKEY_TYPE_EXTENTS = 0,
	BCH_GC_BKEY_TYPE_INODES = 1,
	BCH_GC_BKEY_TYPE_DIRENTS = 2,
	BCH_GC_BKEY_TYPE_XATTRS = 3,
	BCH_GC_BKEY_TYPE_ALLOC = 4,
	BCH_GC_BKEY_TYPE_QUOTAS = 5,
	BCH_GC_BKEY_TYPE_EC = 6,
	BCH_GC_BKEY_TYPE_REFLINK = 7,
	BCH_GC_BKEY_TYPE_BTREE = 8,
	BCH_GC_BTREE_NODE_TYPE_HAS_TRIGGERS = 467,
	BCH_GC_BTREE_MAX_DEPTH = 4,
	BCH_GC_MAX_BSETS = 3,
	BCH_GC_GC_MERGE_NODES = 4,
	BCH_GC_BTREE_UPDATE_NODES_MAX = 8,
	BCH_GC_BTREE_TRIGGER_NORUN = 1,
	BCH_GC_BTREE_TRIGGER_NOOVERWRITES = 2,
	BCH_GC_BTREE_TRIGGER_INSERT = 4,
	BCH_GC_BTREE_TRIGGER_OVERWRITE = 8,
	BCH_GC_BTREE_TRIGGER_OVERWRITE_SPLIT = 16,
	BCH_GC_BTREE_TRIGGER_GC = 32,
	BCH_GC_BTREE_TRIGGER_BUCKET_INVALIDATE = 64,
	BCH_GC_BTREE_TRIGGER_ALLOC_READ = 128,
	BCH_GC_BTREE_TRIGGER_NOATOMIC = 256,
	BCH_GC_BTREE_INSERT_NOFAIL = 2,
	BCH_GC_BTREE_INSERT_USE_RESERVE = 16,
	BCH_GC_BTREE_INSERT_NOWAIT = 512,
	BCH_GC_BTREE_INSERT_GC_LOCK_HELD = 1024,
	BCH_GC_BTREE_ITER_KEYS = 0,
	BCH_GC_BTREE_ITER_NODES = 1,
	BCH_GC_BTREE_ITER_CACHED = 2,
	BCH_GC_BTREE_ITER_SLOTS = 4,
	BCH_GC_BTREE_ITER_INTENT = 8,
	BCH_GC_BTREE_ITER_PREFETCH = 16,
	BCH_GC_BTREE_NODE_dirty = 2,
	BCH_GC_BTREE_NODE_fake = 10,
	BCH_GC_BTREE_GC_COALESCE_FAIL_RESERVE_GET = 0,
	BCH_GC_BTREE_GC_COALESCE_FAIL_KEYLIST_REALLOC = 1,
	BCH_GC_BTREE_GC_COALESCE_FAIL_FORMAT_FITS = 2,
	BCH_GC_SIX_LOCK_read = 0,
	BCH_GC_SIX_LOCK_intent = 1,
	BCH_GC_SIX_LOCK_write = 2,
	BCH_GC_GC_PHASE_NOT_RUNNING = 0,
	BCH_GC_GC_PHASE_START = 1,
	BCH_GC_GC_PHASE_SB = 2,
	BCH_GC_GC_PHASE_BTREE_EC = 3,
	BCH_GC_GC_PHASE_BTREE_EXTENTS = 4,
	BCH_GC_GC_PHASE_BTREE_INODES = 5,
	BCH_GC_GC_PHASE_BTREE_DIRENTS = 6,
	BCH_GC_GC_PHASE_BTREE_XATTRS = 7,
	BCH_GC_GC_PHASE_BTREE_ALLOC = 8,
	BCH_GC_GC_PHASE_BTREE_QUOTAS = 9,
	BCH_GC_GC_PHASE_BTREE_REFLINK = 10,
	BCH_GC_GC_PHASE_PENDING_DELETE = 11,
	BCH_GC_GC_PHASE_ALLOC = 12,
	BCH_GC_BCH_REPLICAS_MAX = 4,
	BCH_GC_EC_STRIPE_MAX = 16,
	BCH_GC_OPEN_BUCKETS_COUNT = 1024,
	BCH_GC_RESERVE_BTREE = 0,
	BCH_GC_RESERVE_MOVINGGC = 1,
	BCH_GC_RESERVE_NONE = 2,
	BCH_GC_RESERVE_NR = 3,
	BCH_GC_BCH_SB_SECTOR = 8,
	BCH_GC_BCH_SB_LAYOUT_SECTOR = 7,
	BCH_GC_BCH_SB_MEMBERS_MAX = 64,
	BCH_GC_BCH_COMPAT_FEAT_ALLOC_INFO = 0,
	BCH_GC_BCH_COMPAT_FEAT_ALLOC_METADATA = 1,
	BCH_GC_BCH_FS_FSCK_DONE = 6,
	BCH_GC_BCH_FS_INITIAL_GC_DONE = 4,
	BCH_GC_BCH_FS_ERROR = 12,
	BCH_GC_BCH_FS_ERRORS_FIXED = 13,
	BCH_GC_BCH_FS_FIXED_GENS = 15,
	BCH_GC_BCH_FS_REBUILD_REPLICAS = 17,
	BCH_GC_BCH_TIME_btree_gc = 4,
	BCH_GC_WRITE = 1,
	BCH_GC_PAGE_SIZE = 4096,
	BCH_GC_FSCK_CAN_FIX = 1,
	BCH_GC_FSCK_CAN_IGNORE = 2,
	BCH_GC_FSCK_NEED_FSCK = 4,
	BCH_GC_FSCK_ERR_IGNORE = 0,
	BCH_GC_FSCK_ERR_FIX = 1,
	BCH_GC_FSCK_ERR_EXIT = 2,
	BCH_GC_BCH_FSCK_OK = 0,
	BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED = 1,
	BCH_GC_BCH_FSCK_REPAIR_UNIMPLEMENTED = 2,
	BCH_GC_BCH_FSCK_REPAIR_IMPOSSIBLE = 3,
	BCH_GC_BCH_FSCK_UNKNOWN_VERSION = 4,
	BCH_GC_FSCK_OPT_EXIT = 0,
	BCH_GC_FSCK_OPT_YES = 1,
	BCH_GC_FSCK_OPT_NO = 2,
	BCH_GC_FSCK_OPT_ASK = 3,
	BCH_GC_LAYOUT_NUMBERS_END
};

enum bch_gc_layout_size {
	BCH_GC_SIZEOF_bpos = 20,
	BCH_GC_SIZEOF_bversion = 12,
	BCH_GC_SIZEOF_bkey = 40,
	BCH_GC_SIZEOF_bkey_packed = 40,
	BCH_GC_SIZEOF_bkey_i = 40,
	BCH_GC_SIZEOF_bch_val = 0,
	BCH_GC_SIZEOF_bkey_s_c = 16,
	BCH_GC_SIZEOF_bkey_s = 16,
	BCH_GC_SIZEOF_bkey_format = 56,
	BCH_GC_SIZEOF_bkey_format_state = 96,
	BCH_GC_SIZEOF_bch_csum = 16,
	BCH_GC_SIZEOF_bch_extent_ptr = 8,
	BCH_GC_SIZEOF_bch_extent_crc32 = 8,
	BCH_GC_SIZEOF_bch_extent_crc64 = 16,
	BCH_GC_SIZEOF_bch_extent_crc128 = 24,
	BCH_GC_SIZEOF_bch_extent_stripe_ptr = 8,
	BCH_GC_SIZEOF_bch_extent_reservation = 8,
	BCH_GC_SIZEOF_bch_extent_entry = 24,
	BCH_GC_SIZEOF_bch_extent_crc_unpacked = 40,
	BCH_GC_SIZEOF_extent_ptr_decoded = 64,
	BCH_GC_SIZEOF_bch_btree_ptr = 0,
	BCH_GC_SIZEOF_bch_btree_ptr_v2 = 40,
	BCH_GC_SIZEOF_bch_extent = 0,
	BCH_GC_SIZEOF_bch_reservation = 8,
	BCH_GC_SIZEOF_bch_stripe = 8,
	BCH_GC_SIZEOF_bch_reflink_v = 8,
	BCH_GC_SIZEOF_bch_reflink_p = 16,
	BCH_GC_SIZEOF_bucket_mark = 8,
	BCH_GC_SIZEOF_bucket = 16,
	BCH_GC_SIZEOF_bucket_array = 32,
	BCH_GC_SIZEOF_bch_replicas_entry = 3,
	BCH_GC_SIZEOF_bch_replicas_padded = 19,
	BCH_GC_SIZEOF_bch_replicas_cpu = 16,
	BCH_GC_SIZEOF_stripe = 72,
	BCH_GC_SIZEOF_bset = 24,
	BCH_GC_SIZEOF_btree_node = 160,
	BCH_GC_SIZEOF_btree_node_entry = 40,
	BCH_GC_SIZEOF_btree_nr_keys = 12,
	BCH_GC_SIZEOF_bset_tree = 32,
	BCH_GC_SIZEOF_btree_node_iter_set = 4,
	BCH_GC_SIZEOF_btree_node_iter = 12,
	BCH_GC_SIZEOF_gc_pos = 28,
	BCH_GC_SIZEOF_seqcount_t = 4,
	BCH_GC_SIZEOF_bch_fs_usage = 88,
	BCH_GC_SIZEOF_bch_dev_usage = 128,
	BCH_GC_SIZEOF_journal_key = 24,
	BCH_GC_SIZEOF_journal_keys = 24,
	BCH_GC_SIZEOF_open_bucket = 40,
	BCH_GC_SIZEOF_alloc_fifo = 40,
	BCH_GC_SIZEOF_keylist = 16,
	BCH_GC_SIZEOF_genradix_iter = 16,
	BCH_GC_SIZEOF_bch_sb_layout = 512,
	BCH_GC_LAYOUT_SIZES_END
};

#ifdef BCH_GC_LAYOUT_STRUCTS
_Static_assert(KEY_TYPE_deleted == 0, "KEY_TYPE_deleted");
_Static_assert(KEY_TYPE_discard == 1, "KEY_TYPE_discard");
_Static_assert(KEY_TYPE_error == 2, "KEY_TYPE_error");
_Static_assert(KEY_TYPE_cookie == 3, "KEY_TYPE_cookie");
_Static_assert(KEY_TYPE_whiteout == 4, "KEY_TYPE_whiteout");
_Static_assert(KEY_TYPE_btree_ptr == 5, "KEY_TYPE_btree_ptr");
_Static_assert(KEY_TYPE_extent == 6, "KEY_TYPE_extent");
_Static_assert(KEY_TYPE_reservation == 7, "KEY_TYPE_reservation");
_Static_assert(KEY_TYPE_inode == 8, "KEY_TYPE_inode");
_Static_assert(KEY_TYPE_inode_generation == 9, "KEY_TYPE_inode_generation");
_Static_assert(KEY_TYPE_dirent == 10, "KEY_TYPE_dirent");
_Static_assert(KEY_TYPE_xattr == 11, "KEY_TYPE_xattr");
_Static_assert(KEY_TYPE_alloc == 12, "KEY_TYPE_alloc");
_Static_assert(KEY_TYPE_quota == 13, "KEY_TYPE_quota");
_Static_assert(KEY_TYPE_stripe == 14, "KEY_TYPE_stripe");
_Static_assert(KEY_TYPE_reflink_p == 15, "KEY_TYPE_reflink_p");
_Static_assert(KEY_TYPE_reflink_v == 16, "KEY_TYPE_reflink_v");
_Static_assert(KEY_TYPE_inline_data == 17, "KEY_TYPE_inline_data");
_Static_assert(KEY_TYPE_btree_ptr_v2 == 18, "KEY_TYPE_btree_ptr_v2");
_Static_assert(KEY_TYPE_MAX == 19, "KEY_TYPE_MAX");
_Static_assert(BKEY_FIELD_INODE == 0, "BKEY_FIELD_INODE");
_Static_assert(BKEY_FIELD_OFFSET == 1, "BKEY_FIELD_OFFSET");
_Static_assert(BKEY_FIELD_SNAPSHOT == 2, "BKEY_FIELD_SNAPSHOT");
_Static_assert(BKEY_FIELD_SIZE == 3, "BKEY_FIELD_SIZE");
_Static_assert(BKEY_FIELD_VERSION_HI == 4, "BKEY_FIELD_VERSION_HI");
_Static_assert(BKEY_FIELD_VERSION_LO == 5, "BKEY_FIELD_VERSION_LO");
_Static_assert(BKEY_NR_FIELDS == 6, "BKEY_NR_FIELDS");
_Static_assert(KEY_FORMAT_LOCAL_BTREE == 0, "KEY_FORMAT_LOCAL_BTREE");
_Static_assert(KEY_FORMAT_CURRENT == 1, "KEY_FORMAT_CURRENT");
_Static_assert(KEY_PACKED_BITS_START == 24, "KEY_PACKED_BITS_START");
_Static_assert(BKEY_U64s == 5, "BKEY_U64s");
_Static_assert(BKEY_U64s_MAX == 255, "BKEY_U64s_MAX");
_Static_assert(BKEY_VAL_U64s_MAX == 250, "BKEY_VAL_U64s_MAX");
_Static_assert(BKEY_EXTENT_PTR_U64s_MAX == 4, "BKEY_EXTENT_PTR_U64s_MAX");
_Static_assert(BKEY_EXTENT_VAL_U64s_MAX == 21, "BKEY_EXTENT_VAL_U64s_MAX");
_Static_assert(BKEY_EXTENT_U64s_MAX == 26, "BKEY_EXTENT_U64s_MAX");
_Static_assert(BKEY_BTREE_PTR_VAL_U64s_MAX == 9, "BKEY_BTREE_PTR_VAL_U64s_MAX");
_Static_assert(BKEY_BTREE_PTR_U64s_MAX == 14, "BKEY_BTREE_PTR_U64s_MAX");
_Static_assert(BCH_EXTENT_ENTRY_ptr == 0, "BCH_EXTENT_ENTRY_ptr");
_Static_assert(BCH_EXTENT_ENTRY_crc32 == 1, "BCH_EXTENT_ENTRY_crc32");
_Static_assert(BCH_EXTENT_ENTRY_crc64 == 2, "BCH_EXTENT_ENTRY_crc64");
_Static_assert(BCH_EXTENT_ENTRY_crc128 == 3, "BCH_EXTENT_ENTRY_crc128");
_Static_assert(BCH_EXTENT_ENTRY_stripe_ptr == 4, "BCH_EXTENT_ENTRY_stripe_ptr");
_Static_assert(BCH_EXTENT_ENTRY_MAX == 5, "BCH_EXTENT_ENTRY_MAX");
_Static_assert(BCH_CSUM_NONE == 0, "BCH_CSUM_NONE");
_Static_assert(BCH_CSUM_CRC32C_NONZERO == 1, "BCH_CSUM_CRC32C_NONZERO");
_Static_assert(BCH_CSUM_CRC64_NONZERO == 2, "BCH_CSUM_CRC64_NONZERO");
_Static_assert(BCH_CSUM_CHACHA20_POLY1305_80 == 3, "BCH_CSUM_CHACHA20_POLY1305_80");
_Static_assert(BCH_CSUM_CHACHA20_POLY1305_128 == 4, "BCH_CSUM_CHACHA20_POLY1305_128");
_Static_assert(BCH_CSUM_CRC32C == 5, "BCH_CSUM_CRC32C");
_Static_assert(BCH_CSUM_CRC64 == 6, "BCH_CSUM_CRC64");
_Static_assert(BCH_CSUM_NR == 7, "BCH_CSUM_NR");
_Static_assert(BCH_COMPRESSION_TYPE_none == 0, "BCH_COMPRESSION_TYPE_none");
_Static_assert(BCH_COMPRESSION_TYPE_lz4_old == 1, "BCH_COMPRESSION_TYPE_lz4_old");
_Static_assert(BCH_COMPRESSION_TYPE_gzip == 2, "BCH_COMPRESSION_TYPE_gzip");
_Static_assert(BCH_COMPRESSION_TYPE_lz4 == 3, "BCH_COMPRESSION_TYPE_lz4");
_Static_assert(BCH_COMPRESSION_TYPE_zstd == 4, "BCH_COMPRESSION_TYPE_zstd");
_Static_assert(BCH_COMPRESSION_TYPE_incompressible == 5, "BCH_COMPRESSION_TYPE_incompressible");
_Static_assert(BCH_COMPRESSION_TYPE_NR == 6, "BCH_COMPRESSION_TYPE_NR");
_Static_assert(BCH_DATA_NONE == 0, "BCH_DATA_NONE");
_Static_assert(BCH_DATA_SB == 1, "BCH_DATA_SB");
_Static_assert(BCH_DATA_JOURNAL == 2, "BCH_DATA_JOURNAL");
_Static_assert(BCH_DATA_BTREE == 3, "BCH_DATA_BTREE");
_Static_assert(BCH_DATA_USER == 4, "BCH_DATA_USER");
_Static_assert(BCH_DATA_CACHED == 5, "BCH_DATA_CACHED");
_Static_assert(BCH_DATA_NR == 6, "BCH_DATA_NR");
_Static_assert(BTREE_ID_EXTENTS == 0, "BTREE_ID_EXTENTS");
_Static_assert(BTREE_ID_INODES == 1, "BTREE_ID_INODES");
_Static_assert(BTREE_ID_DIRENTS == 2, "BTREE_ID_DIRENTS");
_Static_assert(BTREE_ID_XATTRS == 3, "BTREE_ID_XATTRS");
_Static_assert(BTREE_ID_ALLOC == 4, "BTREE_ID_ALLOC");
_Static_assert(BTREE_ID_QUOTAS == 5, "BTREE_ID_QUOTAS");
_Static_assert(BTREE_ID_EC == 6, "BTREE_ID_EC");
_Static_assert(BTREE_ID_REFLINK == 7, "BTREE_ID_REFLINK");
_Static_assert(BTREE_ID_NR == 8, "BTREE_ID_NR");
_Static_assert(BKEY_TYPE_EXTENTS == 0, "BKEY_TYPE_EXTENTS");
_Static_assert(BKEY_TYPE_INODES == 1, "BKEY_TYPE_INODES");
_Static_assert(BKEY_TYPE_DIRENTS == 2, "BKEY_TYPE_DIRENTS");
_Static_assert(BKEY_TYPE_XATTRS == 3, "BKEY_TYPE_XATTRS");
_Static_assert(BKEY_TYPE_ALLOC == 4, "BKEY_TYPE_ALLOC");
_Static_assert(BKEY_TYPE_QUOTAS == 5, "BKEY_TYPE_QUOTAS");
_Static_assert(BKEY_TYPE_EC == 6, "BKEY_TYPE_EC");
_Static_assert(BKEY_TYPE_REFLINK == 7, "BKEY_TYPE_REFLINK");
_Static_assert(BKEY_TYPE_BTREE == 8, "BKEY_TYPE_BTREE");
_Static_assert(BTREE_NODE_TYPE_HAS_TRIGGERS == 467, "BTREE_NODE_TYPE_HAS_TRIGGERS");
_Static_assert(BTREE_MAX_DEPTH == 4, "BTREE_MAX_DEPTH");
_Static_assert(MAX_BSETS == 3, "MAX_BSETS");
_Static_assert(GC_MERGE_NODES == 4, "GC_MERGE_NODES");
_Static_assert(BTREE_UPDATE_NODES_MAX == 8, "BTREE_UPDATE_NODES_MAX");
_Static_assert(BTREE_TRIGGER_NORUN == 1, "BTREE_TRIGGER_NORUN");
_Static_assert(BTREE_TRIGGER_NOOVERWRITES == 2, "BTREE_TRIGGER_NOOVERWRITES");
_Static_assert(BTREE_TRIGGER_INSERT == 4, "BTREE_TRIGGER_INSERT");
_Static_assert(BTREE_TRIGGER_OVERWRITE == 8, "BTREE_TRIGGER_OVERWRITE");
_Static_assert(BTREE_TRIGGER_OVERWRITE_SPLIT == 16, "BTREE_TRIGGER_OVERWRITE_SPLIT");
_Static_assert(BTREE_TRIGGER_GC == 32, "BTREE_TRIGGER_GC");
_Static_assert(BTREE_TRIGGER_BUCKET_INVALIDATE == 64, "BTREE_TRIGGER_BUCKET_INVALIDATE");
_Static_assert(BTREE_TRIGGER_ALLOC_READ == 128, "BTREE_TRIGGER_ALLOC_READ");
_Static_assert(BTREE_TRIGGER_NOATOMIC == 256, "BTREE_TRIGGER_NOATOMIC");
_Static_assert(BTREE_INSERT_NOFAIL == 2, "BTREE_INSERT_NOFAIL");
_Static_assert(BTREE_INSERT_USE_RESERVE == 16, "BTREE_INSERT_USE_RESERVE");
_Static_assert(BTREE_INSERT_NOWAIT == 512, "BTREE_INSERT_NOWAIT");
_Static_assert(BTREE_INSERT_GC_LOCK_HELD == 1024, "BTREE_INSERT_GC_LOCK_HELD");
_Static_assert(BTREE_ITER_KEYS == 0, "BTREE_ITER_KEYS");
_Static_assert(BTREE_ITER_NODES == 1, "BTREE_ITER_NODES");
_Static_assert(BTREE_ITER_CACHED == 2, "BTREE_ITER_CACHED");
_Static_assert(BTREE_ITER_SLOTS == 4, "BTREE_ITER_SLOTS");
_Static_assert(BTREE_ITER_INTENT == 8, "BTREE_ITER_INTENT");
_Static_assert(BTREE_ITER_PREFETCH == 16, "BTREE_ITER_PREFETCH");
_Static_assert(BTREE_NODE_dirty == 2, "BTREE_NODE_dirty");
_Static_assert(BTREE_NODE_fake == 10, "BTREE_NODE_fake");
_Static_assert(BTREE_GC_COALESCE_FAIL_RESERVE_GET == 0, "BTREE_GC_COALESCE_FAIL_RESERVE_GET");
_Static_assert(BTREE_GC_COALESCE_FAIL_KEYLIST_REALLOC == 1, "BTREE_GC_COALESCE_FAIL_KEYLIST_REALLOC");
_Static_assert(BTREE_GC_COALESCE_FAIL_FORMAT_FITS == 2, "BTREE_GC_COALESCE_FAIL_FORMAT_FITS");
_Static_assert(SIX_LOCK_read == 0, "SIX_LOCK_read");
_Static_assert(SIX_LOCK_intent == 1, "SIX_LOCK_intent");
_Static_assert(SIX_LOCK_write == 2, "SIX_LOCK_write");
_Static_assert(GC_PHASE_NOT_RUNNING == 0, "GC_PHASE_NOT_RUNNING");
_Static_assert(GC_PHASE_START == 1, "GC_PHASE_START");
_Static_assert(GC_PHASE_SB == 2, "GC_PHASE_SB");
_Static_assert(GC_PHASE_BTREE_EC == 3, "GC_PHASE_BTREE_EC");
_Static_assert(GC_PHASE_BTREE_EXTENTS == 4, "GC_PHASE_BTREE_EXTENTS");
_Static_assert(GC_PHASE_BTREE_INODES == 5, "GC_PHASE_BTREE_INODES");
_Static_assert(GC_PHASE_BTREE_DIRENTS == 6, "GC_PHASE_BTREE_DIRENTS");
_Static_assert(GC_PHASE_BTREE_XATTRS == 7, "GC_PHASE_BTREE_XATTRS");
_Static_assert(GC_PHASE_BTREE_ALLOC == 8, "GC_PHASE_BTREE_ALLOC");
_Static_assert(GC_PHASE_BTREE_QUOTAS == 9, "GC_PHASE_BTREE_QUOTAS");
_Static_assert(GC_PHASE_BTREE_REFLINK == 10, "GC_PHASE_BTREE_REFLINK");
_Static_assert(GC_PHASE_PENDING_DELETE == 11, "GC_PHASE_PENDING_DELETE");
_Static_assert(GC_PHASE_ALLOC == 12, "GC_PHASE_ALLOC");
_Static_assert(BCH_REPLICAS_MAX == 4, "BCH_REPLICAS_MAX");
_Static_assert(EC_STRIPE_MAX == 16, "EC_STRIPE_MAX");
_Static_assert(OPEN_BUCKETS_COUNT == 1024, "OPEN_BUCKETS_COUNT");
_Static_assert(RESERVE_BTREE == 0, "RESERVE_BTREE");
_Static_assert(RESERVE_MOVINGGC == 1, "RESERVE_MOVINGGC");
_Static_assert(RESERVE_NONE == 2, "RESERVE_NONE");
_Static_assert(RESERVE_NR == 3, "RESERVE_NR");
_Static_assert(BCH_SB_SECTOR == 8, "BCH_SB_SECTOR");
_Static_assert(BCH_SB_LAYOUT_SECTOR == 7, "BCH_SB_LAYOUT_SECTOR");
_Static_assert(BCH_SB_MEMBERS_MAX == 64, "BCH_SB_MEMBERS_MAX");
_Static_assert(BCH_COMPAT_FEAT_ALLOC_INFO == 0, "BCH_COMPAT_FEAT_ALLOC_INFO");
_Static_assert(BCH_COMPAT_FEAT_ALLOC_METADATA == 1, "BCH_COMPAT_FEAT_ALLOC_METADATA");
_Static_assert(BCH_FS_FSCK_DONE == 6, "BCH_FS_FSCK_DONE");
_Static_assert(BCH_FS_INITIAL_GC_DONE == 4, "BCH_FS_INITIAL_GC_DONE");
_Static_assert(BCH_FS_ERROR == 12, "BCH_FS_ERROR");
_Static_assert(BCH_FS_ERRORS_FIXED == 13, "BCH_FS_ERRORS_FIXED");
_Static_assert(BCH_FS_FIXED_GENS == 15, "BCH_FS_FIXED_GENS");
_Static_assert(BCH_FS_REBUILD_REPLICAS == 17, "BCH_FS_REBUILD_REPLICAS");
_Static_assert(BCH_TIME_btree_gc == 4, "BCH_TIME_btree_gc");
_Static_assert(WRITE == 1, "WRITE");
_Static_assert(PAGE_SIZE == 4096, "PAGE_SIZE");
_Static_assert(FSCK_CAN_FIX == 1, "FSCK_CAN_FIX");
_Static_assert(FSCK_CAN_IGNORE == 2, "FSCK_CAN_IGNORE");
_Static_assert(FSCK_NEED_FSCK == 4, "FSCK_NEED_FSCK");
_Static_assert(FSCK_ERR_IGNORE == 0, "FSCK_ERR_IGNORE");
_Static_assert(FSCK_ERR_FIX == 1, "FSCK_ERR_FIX");
_Static_assert(FSCK_ERR_EXIT == 2, "FSCK_ERR_EXIT");
_Static_assert(BCH_FSCK_OK == 0, "BCH_FSCK_OK");
_Static_assert(BCH_FSCK_ERRORS_NOT_FIXED == 1, "BCH_FSCK_ERRORS_NOT_FIXED");
_Static_assert(BCH_FSCK_REPAIR_UNIMPLEMENTED == 2, "BCH_FSCK_REPAIR_UNIMPLEMENTED");
_Static_assert(BCH_FSCK_REPAIR_IMPOSSIBLE == 3, "BCH_FSCK_REPAIR_IMPOSSIBLE");
_Static_assert(BCH_FSCK_UNKNOWN_VERSION == 4, "BCH_FSCK_UNKNOWN_VERSION");
_Static_assert(FSCK_OPT_EXIT == 0, "FSCK_OPT_EXIT");
_Static_assert(FSCK_OPT_YES == 1, "FSCK_OPT_YES");
_Static_assert(FSCK_OPT_NO == 2, "FSCK_OPT_NO");
_Static_assert(FSCK_OPT_ASK == 3, "FSCK_OPT_ASK");

_Static_assert(sizeof(struct bpos) == 20, "size of struct bpos");
_Static_assert(__alignof__(struct bpos) == 4, "alignment of struct bpos");
_Static_assert(__builtin_offsetof(struct bpos, snapshot) == 0, "offset of snapshot in struct bpos");
_Static_assert(__builtin_offsetof(struct bpos, offset) == 4, "offset of offset in struct bpos");
_Static_assert(__builtin_offsetof(struct bpos, inode) == 12, "offset of inode in struct bpos");

_Static_assert(sizeof(struct bversion) == 12, "size of struct bversion");
_Static_assert(__alignof__(struct bversion) == 4, "alignment of struct bversion");
_Static_assert(__builtin_offsetof(struct bversion, lo) == 0, "offset of lo in struct bversion");
_Static_assert(__builtin_offsetof(struct bversion, hi) == 8, "offset of hi in struct bversion");

_Static_assert(sizeof(struct bkey) == 40, "size of struct bkey");
_Static_assert(__alignof__(struct bkey) == 8, "alignment of struct bkey");
_Static_assert(__builtin_offsetof(struct bkey, u64s) == 0, "offset of u64s in struct bkey");
_Static_assert(__builtin_offsetof(struct bkey, type) == 2, "offset of type in struct bkey");
_Static_assert(__builtin_offsetof(struct bkey, pad) == 3, "offset of pad in struct bkey");
_Static_assert(__builtin_offsetof(struct bkey, version) == 4, "offset of version in struct bkey");
_Static_assert(__builtin_offsetof(struct bkey, size) == 16, "offset of size in struct bkey");
_Static_assert(__builtin_offsetof(struct bkey, p) == 20, "offset of p in struct bkey");

_Static_assert(sizeof(struct bkey_packed) == 40, "size of struct bkey_packed");
_Static_assert(__alignof__(struct bkey_packed) == 8, "alignment of struct bkey_packed");
_Static_assert(__builtin_offsetof(struct bkey_packed, u64s) == 0, "offset of u64s in struct bkey_packed");
_Static_assert(__builtin_offsetof(struct bkey_packed, type) == 2, "offset of type in struct bkey_packed");
_Static_assert(__builtin_offsetof(struct bkey_packed, pad) == 3, "offset of pad in struct bkey_packed");
_Static_assert(__builtin_offsetof(struct bkey_packed, _data) == 0, "offset of _data in struct bkey_packed");
_Static_assert(__builtin_offsetof(struct bkey_packed, key_start) == 3, "offset of key_start in struct bkey_packed");

_Static_assert(sizeof(struct bkey_i) == 40, "size of struct bkey_i");
_Static_assert(__alignof__(struct bkey_i) == 8, "alignment of struct bkey_i");
_Static_assert(__builtin_offsetof(struct bkey_i, k) == 0, "offset of k in struct bkey_i");
_Static_assert(__builtin_offsetof(struct bkey_i, v) == 40, "offset of v in struct bkey_i");
_Static_assert(__builtin_offsetof(struct bkey_i, _data) == 0, "offset of _data in struct bkey_i");
_Static_assert(__builtin_offsetof(struct bkey_i, u64s) == 0, "offset of u64s in struct bkey_i");

_Static_assert(sizeof(struct bch_val) == 0, "size of struct bch_val");
_Static_assert(__alignof__(struct bch_val) == 8, "alignment of struct bch_val");
_Static_assert(__builtin_offsetof(struct bch_val, __nothing) == 0, "offset of __nothing in struct bch_val");

_Static_assert(sizeof(struct bkey_s_c) == 16, "size of struct bkey_s_c");
_Static_assert(__alignof__(struct bkey_s_c) == 8, "alignment of struct bkey_s_c");
_Static_assert(__builtin_offsetof(struct bkey_s_c, k) == 0, "offset of k in struct bkey_s_c");
_Static_assert(__builtin_offsetof(struct bkey_s_c, v) == 8, "offset of v in struct bkey_s_c");

_Static_assert(sizeof(struct bkey_s) == 16, "size of struct bkey_s");
_Static_assert(__alignof__(struct bkey_s) == 8, "alignment of struct bkey_s");
_Static_assert(__builtin_offsetof(struct bkey_s, k) == 0, "offset of k in struct bkey_s");
_Static_assert(__builtin_offsetof(struct bkey_s, v) == 8, "offset of v in struct bkey_s");

_Static_assert(sizeof(struct bkey_format) == 56, "size of struct bkey_format");
_Static_assert(__alignof__(struct bkey_format) == 8, "alignment of struct bkey_format");
_Static_assert(__builtin_offsetof(struct bkey_format, key_u64s) == 0, "offset of key_u64s in struct bkey_format");
_Static_assert(__builtin_offsetof(struct bkey_format, nr_fields) == 1, "offset of nr_fields in struct bkey_format");
_Static_assert(__builtin_offsetof(struct bkey_format, bits_per_field) == 2, "offset of bits_per_field in struct bkey_format");
_Static_assert(__builtin_offsetof(struct bkey_format, field_offset) == 8, "offset of field_offset in struct bkey_format");

_Static_assert(sizeof(struct bkey_format_state) == 96, "size of struct bkey_format_state");
_Static_assert(__alignof__(struct bkey_format_state) == 8, "alignment of struct bkey_format_state");
_Static_assert(__builtin_offsetof(struct bkey_format_state, field_min) == 0, "offset of field_min in struct bkey_format_state");
_Static_assert(__builtin_offsetof(struct bkey_format_state, field_max) == 48, "offset of field_max in struct bkey_format_state");

_Static_assert(sizeof(struct bch_csum) == 16, "size of struct bch_csum");
_Static_assert(__alignof__(struct bch_csum) == 8, "alignment of struct bch_csum");
_Static_assert(__builtin_offsetof(struct bch_csum, lo) == 0, "offset of lo in struct bch_csum");
_Static_assert(__builtin_offsetof(struct bch_csum, hi) == 8, "offset of hi in struct bch_csum");

_Static_assert(sizeof(struct bch_extent_ptr) == 8, "size of struct bch_extent_ptr");
_Static_assert(__alignof__(struct bch_extent_ptr) == 8, "alignment of struct bch_extent_ptr");

_Static_assert(sizeof(struct bch_extent_crc32) == 8, "size of struct bch_extent_crc32");
_Static_assert(__alignof__(struct bch_extent_crc32) == 8, "alignment of struct bch_extent_crc32");
_Static_assert(__builtin_offsetof(struct bch_extent_crc32, csum) == 4, "offset of csum in struct bch_extent_crc32");

_Static_assert(sizeof(struct bch_extent_crc64) == 16, "size of struct bch_extent_crc64");
_Static_assert(__alignof__(struct bch_extent_crc64) == 8, "alignment of struct bch_extent_crc64");
_Static_assert(__builtin_offsetof(struct bch_extent_crc64, csum_lo) == 8, "offset of csum_lo in struct bch_extent_crc64");

_Static_assert(sizeof(struct bch_extent_crc128) == 24, "size of struct bch_extent_crc128");
_Static_assert(__alignof__(struct bch_extent_crc128) == 8, "alignment of struct bch_extent_crc128");
_Static_assert(__builtin_offsetof(struct bch_extent_crc128, csum) == 8, "offset of csum in struct bch_extent_crc128");

_Static_assert(sizeof(struct bch_extent_stripe_ptr) == 8, "size of struct bch_extent_stripe_ptr");
_Static_assert(__alignof__(struct bch_extent_stripe_ptr) == 8, "alignment of struct bch_extent_stripe_ptr");

_Static_assert(sizeof(struct bch_extent_reservation) == 8, "size of struct bch_extent_reservation");
_Static_assert(__alignof__(struct bch_extent_reservation) == 8, "alignment of struct bch_extent_reservation");

_Static_assert(sizeof(union bch_extent_entry) == 24, "size of union bch_extent_entry");
_Static_assert(__alignof__(union bch_extent_entry) == 8, "alignment of union bch_extent_entry");
_Static_assert(__builtin_offsetof(union bch_extent_entry, type) == 0, "offset of type in union bch_extent_entry");
_Static_assert(__builtin_offsetof(union bch_extent_entry, ptr) == 0, "offset of ptr in union bch_extent_entry");
_Static_assert(__builtin_offsetof(union bch_extent_entry, crc32) == 0, "offset of crc32 in union bch_extent_entry");
_Static_assert(__builtin_offsetof(union bch_extent_entry, crc64) == 0, "offset of crc64 in union bch_extent_entry");
_Static_assert(__builtin_offsetof(union bch_extent_entry, crc128) == 0, "offset of crc128 in union bch_extent_entry");
_Static_assert(__builtin_offsetof(union bch_extent_entry, stripe_ptr) == 0, "offset of stripe_ptr in union bch_extent_entry");

_Static_assert(sizeof(struct bch_extent_crc_unpacked) == 40, "size of struct bch_extent_crc_unpacked");
_Static_assert(__alignof__(struct bch_extent_crc_unpacked) == 8, "alignment of struct bch_extent_crc_unpacked");
_Static_assert(__builtin_offsetof(struct bch_extent_crc_unpacked, compressed_size) == 0, "offset of compressed_size in struct bch_extent_crc_unpacked");
_Static_assert(__builtin_offsetof(struct bch_extent_crc_unpacked, uncompressed_size) == 4, "offset of uncompressed_size in struct bch_extent_crc_unpacked");
_Static_assert(__builtin_offsetof(struct bch_extent_crc_unpacked, live_size) == 8, "offset of live_size in struct bch_extent_crc_unpacked");
_Static_assert(__builtin_offsetof(struct bch_extent_crc_unpacked, csum_type) == 12, "offset of csum_type in struct bch_extent_crc_unpacked");
_Static_assert(__builtin_offsetof(struct bch_extent_crc_unpacked, compression_type) == 13, "offset of compression_type in struct bch_extent_crc_unpacked");
_Static_assert(__builtin_offsetof(struct bch_extent_crc_unpacked, offset) == 14, "offset of offset in struct bch_extent_crc_unpacked");
_Static_assert(__builtin_offsetof(struct bch_extent_crc_unpacked, nonce) == 16, "offset of nonce in struct bch_extent_crc_unpacked");
_Static_assert(__builtin_offsetof(struct bch_extent_crc_unpacked, csum) == 24, "offset of csum in struct bch_extent_crc_unpacked");

_Static_assert(sizeof(struct extent_ptr_decoded) == 64, "size of struct extent_ptr_decoded");
_Static_assert(__alignof__(struct extent_ptr_decoded) == 8, "alignment of struct extent_ptr_decoded");
_Static_assert(__builtin_offsetof(struct extent_ptr_decoded, idx) == 0, "offset of idx in struct extent_ptr_decoded");
_Static_assert(__builtin_offsetof(struct extent_ptr_decoded, has_ec) == 4, "offset of has_ec in struct extent_ptr_decoded");
_Static_assert(__builtin_offsetof(struct extent_ptr_decoded, crc) == 8, "offset of crc in struct extent_ptr_decoded");
_Static_assert(__builtin_offsetof(struct extent_ptr_decoded, ptr) == 48, "offset of ptr in struct extent_ptr_decoded");
_Static_assert(__builtin_offsetof(struct extent_ptr_decoded, ec) == 56, "offset of ec in struct extent_ptr_decoded");

_Static_assert(sizeof(struct bch_btree_ptr) == 0, "size of struct bch_btree_ptr");
_Static_assert(__alignof__(struct bch_btree_ptr) == 8, "alignment of struct bch_btree_ptr");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr, start) == 0, "offset of start in struct bch_btree_ptr");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr, v) == 0, "offset of v in struct bch_btree_ptr");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr, _data) == 0, "offset of _data in struct bch_btree_ptr");

_Static_assert(sizeof(struct bch_btree_ptr_v2) == 40, "size of struct bch_btree_ptr_v2");
_Static_assert(__alignof__(struct bch_btree_ptr_v2) == 8, "alignment of struct bch_btree_ptr_v2");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr_v2, mem_ptr) == 0, "offset of mem_ptr in struct bch_btree_ptr_v2");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr_v2, seq) == 8, "offset of seq in struct bch_btree_ptr_v2");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr_v2, sectors_written) == 16, "offset of sectors_written in struct bch_btree_ptr_v2");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr_v2, sectors) == 18, "offset of sectors in struct bch_btree_ptr_v2");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr_v2, min_key) == 20, "offset of min_key in struct bch_btree_ptr_v2");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr_v2, start) == 40, "offset of start in struct bch_btree_ptr_v2");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr_v2, v) == 0, "offset of v in struct bch_btree_ptr_v2");
_Static_assert(__builtin_offsetof(struct bch_btree_ptr_v2, _data) == 40, "offset of _data in struct bch_btree_ptr_v2");

_Static_assert(sizeof(struct bch_extent) == 0, "size of struct bch_extent");
_Static_assert(__alignof__(struct bch_extent) == 8, "alignment of struct bch_extent");
_Static_assert(__builtin_offsetof(struct bch_extent, start) == 0, "offset of start in struct bch_extent");
_Static_assert(__builtin_offsetof(struct bch_extent, v) == 0, "offset of v in struct bch_extent");
_Static_assert(__builtin_offsetof(struct bch_extent, _data) == 0, "offset of _data in struct bch_extent");

_Static_assert(sizeof(struct bch_reservation) == 8, "size of struct bch_reservation");
_Static_assert(__alignof__(struct bch_reservation) == 8, "alignment of struct bch_reservation");
_Static_assert(__builtin_offsetof(struct bch_reservation, generation) == 0, "offset of generation in struct bch_reservation");
_Static_assert(__builtin_offsetof(struct bch_reservation, nr_replicas) == 4, "offset of nr_replicas in struct bch_reservation");
_Static_assert(__builtin_offsetof(struct bch_reservation, pad) == 5, "offset of pad in struct bch_reservation");
_Static_assert(__builtin_offsetof(struct bch_reservation, v) == 0, "offset of v in struct bch_reservation");

_Static_assert(sizeof(struct bch_stripe) == 8, "size of struct bch_stripe");
_Static_assert(__alignof__(struct bch_stripe) == 8, "alignment of struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, sectors) == 0, "offset of sectors in struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, algorithm) == 2, "offset of algorithm in struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, nr_blocks) == 3, "offset of nr_blocks in struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, nr_redundant) == 4, "offset of nr_redundant in struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, csum_granularity_bits) == 5, "offset of csum_granularity_bits in struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, csum_type) == 6, "offset of csum_type in struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, pad) == 7, "offset of pad in struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, ptrs) == 8, "offset of ptrs in struct bch_stripe");
_Static_assert(__builtin_offsetof(struct bch_stripe, v) == 0, "offset of v in struct bch_stripe");

_Static_assert(sizeof(struct bch_reflink_v) == 8, "size of struct bch_reflink_v");
_Static_assert(__alignof__(struct bch_reflink_v) == 8, "alignment of struct bch_reflink_v");
_Static_assert(__builtin_offsetof(struct bch_reflink_v, refcount) == 0, "offset of refcount in struct bch_reflink_v");
_Static_assert(__builtin_offsetof(struct bch_reflink_v, start) == 8, "offset of start in struct bch_reflink_v");
_Static_assert(__builtin_offsetof(struct bch_reflink_v, v) == 0, "offset of v in struct bch_reflink_v");
_Static_assert(__builtin_offsetof(struct bch_reflink_v, _data) == 8, "offset of _data in struct bch_reflink_v");

_Static_assert(sizeof(struct bch_reflink_p) == 16, "size of struct bch_reflink_p");
_Static_assert(__alignof__(struct bch_reflink_p) == 8, "alignment of struct bch_reflink_p");
_Static_assert(__builtin_offsetof(struct bch_reflink_p, idx) == 0, "offset of idx in struct bch_reflink_p");
_Static_assert(__builtin_offsetof(struct bch_reflink_p, reservation_generation) == 8, "offset of reservation_generation in struct bch_reflink_p");
_Static_assert(__builtin_offsetof(struct bch_reflink_p, nr_replicas) == 12, "offset of nr_replicas in struct bch_reflink_p");
_Static_assert(__builtin_offsetof(struct bch_reflink_p, pad) == 13, "offset of pad in struct bch_reflink_p");
_Static_assert(__builtin_offsetof(struct bch_reflink_p, v) == 0, "offset of v in struct bch_reflink_p");

_Static_assert(sizeof(struct bucket_mark) == 8, "size of struct bucket_mark");
_Static_assert(__alignof__(struct bucket_mark) == 8, "alignment of struct bucket_mark");
_Static_assert(__builtin_offsetof(struct bucket_mark, v) == 0, "offset of v in struct bucket_mark");
_Static_assert(__builtin_offsetof(struct bucket_mark, gen) == 0, "offset of gen in struct bucket_mark");
_Static_assert(__builtin_offsetof(struct bucket_mark, dirty_sectors) == 2, "offset of dirty_sectors in struct bucket_mark");
_Static_assert(__builtin_offsetof(struct bucket_mark, cached_sectors) == 4, "offset of cached_sectors in struct bucket_mark");
_Static_assert(__builtin_offsetof(struct bucket_mark, journal_seq) == 6, "offset of journal_seq in struct bucket_mark");

_Static_assert(sizeof(struct bucket) == 16, "size of struct bucket");
_Static_assert(__alignof__(struct bucket) == 8, "alignment of struct bucket");
_Static_assert(__builtin_offsetof(struct bucket, mark) == 0, "offset of mark in struct bucket");
_Static_assert(__builtin_offsetof(struct bucket, io_time) == 8, "offset of io_time in struct bucket");
_Static_assert(__builtin_offsetof(struct bucket, oldest_gen) == 12, "offset of oldest_gen in struct bucket");
_Static_assert(__builtin_offsetof(struct bucket, gc_gen) == 13, "offset of gc_gen in struct bucket");
_Static_assert(__builtin_offsetof(struct bucket, _mark) == 0, "offset of _mark in struct bucket");

_Static_assert(sizeof(struct bucket_array) == 32, "size of struct bucket_array");
_Static_assert(__alignof__(struct bucket_array) == 8, "alignment of struct bucket_array");
_Static_assert(__builtin_offsetof(struct bucket_array, rcu) == 0, "offset of rcu in struct bucket_array");
_Static_assert(__builtin_offsetof(struct bucket_array, first_bucket) == 16, "offset of first_bucket in struct bucket_array");
_Static_assert(__builtin_offsetof(struct bucket_array, nbuckets) == 24, "offset of nbuckets in struct bucket_array");
_Static_assert(__builtin_offsetof(struct bucket_array, b) == 32, "offset of b in struct bucket_array");

_Static_assert(sizeof(struct bch_replicas_entry) == 3, "size of struct bch_replicas_entry");
_Static_assert(__alignof__(struct bch_replicas_entry) == 1, "alignment of struct bch_replicas_entry");
_Static_assert(__builtin_offsetof(struct bch_replicas_entry, data_type) == 0, "offset of data_type in struct bch_replicas_entry");
_Static_assert(__builtin_offsetof(struct bch_replicas_entry, nr_devs) == 1, "offset of nr_devs in struct bch_replicas_entry");
_Static_assert(__builtin_offsetof(struct bch_replicas_entry, nr_required) == 2, "offset of nr_required in struct bch_replicas_entry");
_Static_assert(__builtin_offsetof(struct bch_replicas_entry, devs) == 3, "offset of devs in struct bch_replicas_entry");

_Static_assert(sizeof(struct bch_replicas_padded) == 19, "size of struct bch_replicas_padded");
_Static_assert(__alignof__(struct bch_replicas_padded) == 1, "alignment of struct bch_replicas_padded");
_Static_assert(__builtin_offsetof(struct bch_replicas_padded, e) == 0, "offset of e in struct bch_replicas_padded");
_Static_assert(__builtin_offsetof(struct bch_replicas_padded, pad) == 3, "offset of pad in struct bch_replicas_padded");

_Static_assert(sizeof(struct bch_replicas_cpu) == 16, "size of struct bch_replicas_cpu");
_Static_assert(__alignof__(struct bch_replicas_cpu) == 8, "alignment of struct bch_replicas_cpu");
_Static_assert(__builtin_offsetof(struct bch_replicas_cpu, nr) == 0, "offset of nr in struct bch_replicas_cpu");
_Static_assert(__builtin_offsetof(struct bch_replicas_cpu, entry_size) == 4, "offset of entry_size in struct bch_replicas_cpu");
_Static_assert(__builtin_offsetof(struct bch_replicas_cpu, entries) == 8, "offset of entries in struct bch_replicas_cpu");

_Static_assert(sizeof(struct stripe) == 72, "size of struct stripe");
_Static_assert(__alignof__(struct stripe) == 8, "alignment of struct stripe");
_Static_assert(__builtin_offsetof(struct stripe, heap_idx) == 0, "offset of heap_idx in struct stripe");
_Static_assert(__builtin_offsetof(struct stripe, sectors) == 8, "offset of sectors in struct stripe");
_Static_assert(__builtin_offsetof(struct stripe, algorithm) == 10, "offset of algorithm in struct stripe");
_Static_assert(__builtin_offsetof(struct stripe, nr_blocks) == 11, "offset of nr_blocks in struct stripe");
_Static_assert(__builtin_offsetof(struct stripe, nr_redundant) == 12, "offset of nr_redundant in struct stripe");
_Static_assert(__builtin_offsetof(struct stripe, blocks_nonempty) == 14, "offset of blocks_nonempty in struct stripe");
_Static_assert(__builtin_offsetof(struct stripe, block_sectors) == 16, "offset of block_sectors in struct stripe");
_Static_assert(__builtin_offsetof(struct stripe, r) == 48, "offset of r in struct stripe");

_Static_assert(sizeof(struct bset) == 24, "size of struct bset");
_Static_assert(__alignof__(struct bset) == 8, "alignment of struct bset");
_Static_assert(__builtin_offsetof(struct bset, seq) == 0, "offset of seq in struct bset");
_Static_assert(__builtin_offsetof(struct bset, journal_seq) == 8, "offset of journal_seq in struct bset");
_Static_assert(__builtin_offsetof(struct bset, flags) == 16, "offset of flags in struct bset");
_Static_assert(__builtin_offsetof(struct bset, version) == 20, "offset of version in struct bset");
_Static_assert(__builtin_offsetof(struct bset, u64s) == 22, "offset of u64s in struct bset");
_Static_assert(__builtin_offsetof(struct bset, start) == 24, "offset of start in struct bset");
_Static_assert(__builtin_offsetof(struct bset, _data) == 24, "offset of _data in struct bset");

_Static_assert(sizeof(struct btree_node) == 160, "size of struct btree_node");
_Static_assert(__alignof__(struct btree_node) == 8, "alignment of struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, csum) == 0, "offset of csum in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, magic) == 16, "offset of magic in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, flags) == 24, "offset of flags in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, min_key) == 32, "offset of min_key in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, max_key) == 52, "offset of max_key in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, ptr) == 72, "offset of ptr in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, format) == 80, "offset of format in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, keys) == 136, "offset of keys in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, pad) == 136, "offset of pad in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, u64s) == 158, "offset of u64s in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, _data) == 160, "offset of _data in struct btree_node");
_Static_assert(__builtin_offsetof(struct btree_node, keys.start) == 160, "offset of keys.start in struct btree_node");

_Static_assert(sizeof(struct btree_node_entry) == 40, "size of struct btree_node_entry");
_Static_assert(__alignof__(struct btree_node_entry) == 8, "alignment of struct btree_node_entry");
_Static_assert(__builtin_offsetof(struct btree_node_entry, csum) == 0, "offset of csum in struct btree_node_entry");
_Static_assert(__builtin_offsetof(struct btree_node_entry, keys) == 16, "offset of keys in struct btree_node_entry");
_Static_assert(__builtin_offsetof(struct btree_node_entry, pad) == 16, "offset of pad in struct btree_node_entry");
_Static_assert(__builtin_offsetof(struct btree_node_entry, u64s) == 38, "offset of u64s in struct btree_node_entry");
_Static_assert(__builtin_offsetof(struct btree_node_entry, _data) == 40, "offset of _data in struct btree_node_entry");
_Static_assert(__builtin_offsetof(struct btree_node_entry, keys.start) == 40, "offset of keys.start in struct btree_node_entry");

_Static_assert(sizeof(struct btree_nr_keys) == 12, "size of struct btree_nr_keys");
_Static_assert(__alignof__(struct btree_nr_keys) == 2, "alignment of struct btree_nr_keys");
_Static_assert(__builtin_offsetof(struct btree_nr_keys, live_u64s) == 0, "offset of live_u64s in struct btree_nr_keys");
_Static_assert(__builtin_offsetof(struct btree_nr_keys, bset_u64s) == 2, "offset of bset_u64s in struct btree_nr_keys");
_Static_assert(__builtin_offsetof(struct btree_nr_keys, packed_keys) == 8, "offset of packed_keys in struct btree_nr_keys");
_Static_assert(__builtin_offsetof(struct btree_nr_keys, unpacked_keys) == 10, "offset of unpacked_keys in struct btree_nr_keys");

_Static_assert(sizeof(struct bset_tree) == 32, "size of struct bset_tree");
_Static_assert(__alignof__(struct bset_tree) == 4, "alignment of struct bset_tree");
_Static_assert(__builtin_offsetof(struct bset_tree, size) == 0, "offset of size in struct bset_tree");
_Static_assert(__builtin_offsetof(struct bset_tree, extra) == 2, "offset of extra in struct bset_tree");
_Static_assert(__builtin_offsetof(struct bset_tree, data_offset) == 4, "offset of data_offset in struct bset_tree");
_Static_assert(__builtin_offsetof(struct bset_tree, aux_data_offset) == 6, "offset of aux_data_offset in struct bset_tree");
_Static_assert(__builtin_offsetof(struct bset_tree, end_offset) == 8, "offset of end_offset in struct bset_tree");
_Static_assert(__builtin_offsetof(struct bset_tree, max_key) == 12, "offset of max_key in struct bset_tree");

_Static_assert(sizeof(struct btree_node_iter_set) == 4, "size of struct btree_node_iter_set");
_Static_assert(__alignof__(struct btree_node_iter_set) == 2, "alignment of struct btree_node_iter_set");
_Static_assert(__builtin_offsetof(struct btree_node_iter_set, k) == 0, "offset of k in struct btree_node_iter_set");
_Static_assert(__builtin_offsetof(struct btree_node_iter_set, end) == 2, "offset of end in struct btree_node_iter_set");

_Static_assert(sizeof(struct btree_node_iter) == 12, "size of struct btree_node_iter");
_Static_assert(__alignof__(struct btree_node_iter) == 2, "alignment of struct btree_node_iter");
_Static_assert(__builtin_offsetof(struct btree_node_iter, data) == 0, "offset of data in struct btree_node_iter");
_Static_assert(__builtin_offsetof(struct btree_node_iter, data[0].k) == 0, "offset of data[0].k in struct btree_node_iter");
_Static_assert(__builtin_offsetof(struct btree_node_iter, data[0].end) == 2, "offset of data[0].end in struct btree_node_iter");

_Static_assert(sizeof(struct gc_pos) == 28, "size of struct gc_pos");
_Static_assert(__alignof__(struct gc_pos) == 4, "alignment of struct gc_pos");
_Static_assert(__builtin_offsetof(struct gc_pos, phase) == 0, "offset of phase in struct gc_pos");
_Static_assert(__builtin_offsetof(struct gc_pos, pos) == 4, "offset of pos in struct gc_pos");
_Static_assert(__builtin_offsetof(struct gc_pos, level) == 24, "offset of level in struct gc_pos");

_Static_assert(sizeof(seqcount_t) == 4, "size of seqcount_t");
_Static_assert(__alignof__(seqcount_t) == 4, "alignment of seqcount_t");

_Static_assert(sizeof(struct bch_fs_usage) == 88, "size of struct bch_fs_usage");
_Static_assert(__alignof__(struct bch_fs_usage) == 8, "alignment of struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, online_reserved) == 0, "offset of online_reserved in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, hidden) == 8, "offset of hidden in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, btree) == 16, "offset of btree in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, data) == 24, "offset of data in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, cached) == 32, "offset of cached in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, reserved) == 40, "offset of reserved in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, nr_inodes) == 48, "offset of nr_inodes in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, persistent_reserved) == 56, "offset of persistent_reserved in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, replicas) == 88, "offset of replicas in struct bch_fs_usage");
_Static_assert(__builtin_offsetof(struct bch_fs_usage, gc_start) == 8, "offset of gc_start in struct bch_fs_usage");

_Static_assert(sizeof(struct bch_dev_usage) == 128, "size of struct bch_dev_usage");
_Static_assert(__alignof__(struct bch_dev_usage) == 8, "alignment of struct bch_dev_usage");
_Static_assert(__builtin_offsetof(struct bch_dev_usage, buckets) == 0, "offset of buckets in struct bch_dev_usage");
_Static_assert(__builtin_offsetof(struct bch_dev_usage, buckets_alloc) == 48, "offset of buckets_alloc in struct bch_dev_usage");
_Static_assert(__builtin_offsetof(struct bch_dev_usage, buckets_ec) == 56, "offset of buckets_ec in struct bch_dev_usage");
_Static_assert(__builtin_offsetof(struct bch_dev_usage, buckets_unavailable) == 64, "offset of buckets_unavailable in struct bch_dev_usage");
_Static_assert(__builtin_offsetof(struct bch_dev_usage, sectors) == 72, "offset of sectors in struct bch_dev_usage");
_Static_assert(__builtin_offsetof(struct bch_dev_usage, sectors_fragmented) == 120, "offset of sectors_fragmented in struct bch_dev_usage");

_Static_assert(sizeof(struct journal_key) == 24, "size of struct journal_key");
_Static_assert(__alignof__(struct journal_key) == 8, "alignment of struct journal_key");
_Static_assert(__builtin_offsetof(struct journal_key, k) == 8, "offset of k in struct journal_key");
_Static_assert(__builtin_offsetof(struct journal_key, journal_seq) == 16, "offset of journal_seq in struct journal_key");
_Static_assert(__builtin_offsetof(struct journal_key, journal_offset) == 20, "offset of journal_offset in struct journal_key");

_Static_assert(sizeof(struct journal_keys) == 24, "size of struct journal_keys");
_Static_assert(__alignof__(struct journal_keys) == 8, "alignment of struct journal_keys");
_Static_assert(__builtin_offsetof(struct journal_keys, d) == 0, "offset of d in struct journal_keys");
_Static_assert(__builtin_offsetof(struct journal_keys, nr) == 8, "offset of nr in struct journal_keys");
_Static_assert(__builtin_offsetof(struct journal_keys, journal_seq_base) == 16, "offset of journal_seq_base in struct journal_keys");

_Static_assert(sizeof(struct open_bucket) == 40, "size of struct open_bucket");
_Static_assert(__alignof__(struct open_bucket) == 8, "alignment of struct open_bucket");
_Static_assert(__builtin_offsetof(struct open_bucket, lock) == 0, "offset of lock in struct open_bucket");
_Static_assert(__builtin_offsetof(struct open_bucket, pin) == 4, "offset of pin in struct open_bucket");
_Static_assert(__builtin_offsetof(struct open_bucket, freelist) == 8, "offset of freelist in struct open_bucket");
_Static_assert(__builtin_offsetof(struct open_bucket, ec_idx) == 10, "offset of ec_idx in struct open_bucket");
_Static_assert(__builtin_offsetof(struct open_bucket, type) == 11, "offset of type in struct open_bucket");
_Static_assert(__builtin_offsetof(struct open_bucket, sectors_free) == 16, "offset of sectors_free in struct open_bucket");
_Static_assert(__builtin_offsetof(struct open_bucket, ptr) == 24, "offset of ptr in struct open_bucket");
_Static_assert(__builtin_offsetof(struct open_bucket, ec) == 32, "offset of ec in struct open_bucket");

_Static_assert(sizeof(alloc_fifo) == 40, "size of alloc_fifo");
_Static_assert(__alignof__(alloc_fifo) == 8, "alignment of alloc_fifo");
_Static_assert(__builtin_offsetof(alloc_fifo, front) == 0, "offset of front in alloc_fifo");
_Static_assert(__builtin_offsetof(alloc_fifo, back) == 8, "offset of back in alloc_fifo");
_Static_assert(__builtin_offsetof(alloc_fifo, size) == 16, "offset of size in alloc_fifo");
_Static_assert(__builtin_offsetof(alloc_fifo, mask) == 24, "offset of mask in alloc_fifo");
_Static_assert(__builtin_offsetof(alloc_fifo, data) == 32, "offset of data in alloc_fifo");

_Static_assert(sizeof(struct keylist) == 16, "size of struct keylist");
_Static_assert(__alignof__(struct keylist) == 8, "alignment of struct keylist");
_Static_assert(__builtin_offsetof(struct keylist, keys_p) == 0, "offset of keys_p in struct keylist");
_Static_assert(__builtin_offsetof(struct keylist, top_p) == 8, "offset of top_p in struct keylist");
_Static_assert(__builtin_offsetof(struct keylist, keys) == 0, "offset of keys in struct keylist");
_Static_assert(__builtin_offsetof(struct keylist, top) == 8, "offset of top in struct keylist");

_Static_assert(sizeof(struct genradix_iter) == 16, "size of struct genradix_iter");
_Static_assert(__alignof__(struct genradix_iter) == 8, "alignment of struct genradix_iter");
_Static_assert(__builtin_offsetof(struct genradix_iter, offset) == 0, "offset of offset in struct genradix_iter");
_Static_assert(__builtin_offsetof(struct genradix_iter, pos) == 8, "offset of pos in struct genradix_iter");

_Static_assert(sizeof(struct bch_sb_layout) == 512, "size of struct bch_sb_layout");
_Static_assert(__alignof__(struct bch_sb_layout) == 8, "alignment of struct bch_sb_layout");
_Static_assert(__builtin_offsetof(struct bch_sb_layout, magic) == 0, "offset of magic in struct bch_sb_layout");
_Static_assert(__builtin_offsetof(struct bch_sb_layout, layout_type) == 16, "offset of layout_type in struct bch_sb_layout");
_Static_assert(__builtin_offsetof(struct bch_sb_layout, sb_max_size_bits) == 17, "offset of sb_max_size_bits in struct bch_sb_layout");
_Static_assert(__builtin_offsetof(struct bch_sb_layout, nr_superblocks) == 18, "offset of nr_superblocks in struct bch_sb_layout");
_Static_assert(__builtin_offsetof(struct bch_sb_layout, sb_offset) == 24, "offset of sb_offset in struct bch_sb_layout");

/* Nonzero if exactly the bits lo to hi of the object are set. */
static __inline__ int bch_gc_layout_bits_are(const void *p, unsigned size, unsigned lo, unsigned hi)
{
	const unsigned char *bytes = (const unsigned char *) p;
	unsigned bit;

	for (bit = 0; bit < size * 8; bit++)
		if (((bytes[bit / 8] >> (bit % 8)) & 1) != (bit >= lo && bit <= hi))
			return 0;
	return 1;
}

#define BCH_GC_LAYOUT_BITS(type, field, lo, hi)					\
	do {									\
		union {								\
			type s;							\
			unsigned char bytes[sizeof(type)];			\
		} u;								\
										\
		__builtin_memset(&u, 0, sizeof(u));				\
		u.s.field = ones;						\
		if (!bch_gc_layout_bits_are(&u, sizeof(u), lo, hi))		\
			return #type "." #field;				\
	} while (0)

/* The first bit field that lies elsewhere, or null. Call with ~0ULL. */
static __inline__ const char *bch_gc_layout_bits(unsigned long long ones)
{
	BCH_GC_LAYOUT_BITS(struct bkey, format, 8, 14);
	BCH_GC_LAYOUT_BITS(struct bkey, needs_whiteout, 15, 15);
	BCH_GC_LAYOUT_BITS(struct bkey_packed, format, 8, 14);
	BCH_GC_LAYOUT_BITS(struct bkey_packed, needs_whiteout, 15, 15);
	BCH_GC_LAYOUT_BITS(struct bch_extent_ptr, type, 0, 0);
	BCH_GC_LAYOUT_BITS(struct bch_extent_ptr, cached, 1, 1);
	BCH_GC_LAYOUT_BITS(struct bch_extent_ptr, unused, 2, 2);
	BCH_GC_LAYOUT_BITS(struct bch_extent_ptr, reservation, 3, 3);
	BCH_GC_LAYOUT_BITS(struct bch_extent_ptr, offset, 4, 47);
	BCH_GC_LAYOUT_BITS(struct bch_extent_ptr, dev, 48, 55);
	BCH_GC_LAYOUT_BITS(struct bch_extent_ptr, gen, 56, 63);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc32, type, 0, 1);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc32, _compressed_size, 2, 8);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc32, _uncompressed_size, 9, 15);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc32, offset, 16, 22);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc32, _unused, 23, 23);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc32, csum_type, 24, 27);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc32, compression_type, 28, 31);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc32, csum, 32, 63);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc64, type, 0, 2);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc64, _compressed_size, 3, 11);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc64, _uncompressed_size, 12, 20);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc64, offset, 21, 29);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc64, nonce, 30, 39);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc64, csum_type, 40, 43);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc64, compression_type, 44, 47);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc64, csum_hi, 48, 63);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc128, type, 0, 3);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc128, _compressed_size, 4, 16);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc128, _uncompressed_size, 17, 29);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc128, offset, 30, 42);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc128, nonce, 43, 55);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc128, csum_type, 56, 59);
	BCH_GC_LAYOUT_BITS(struct bch_extent_crc128, compression_type, 60, 63);
	BCH_GC_LAYOUT_BITS(struct bch_extent_stripe_ptr, type, 0, 4);
	BCH_GC_LAYOUT_BITS(struct bch_extent_stripe_ptr, block, 5, 12);
	BCH_GC_LAYOUT_BITS(struct bch_extent_stripe_ptr, idx, 13, 63);
	BCH_GC_LAYOUT_BITS(struct bch_extent_reservation, type, 0, 5);
	BCH_GC_LAYOUT_BITS(struct bch_extent_reservation, unused, 6, 27);
	BCH_GC_LAYOUT_BITS(struct bch_extent_reservation, replicas, 28, 31);
	BCH_GC_LAYOUT_BITS(struct bch_extent_reservation, generation, 32, 63);
	BCH_GC_LAYOUT_BITS(struct bucket_mark, gen, 0, 7);
	BCH_GC_LAYOUT_BITS(struct bucket_mark, data_type, 8, 10);
	BCH_GC_LAYOUT_BITS(struct bucket_mark, owned_by_allocator, 11, 11);
	BCH_GC_LAYOUT_BITS(struct bucket_mark, journal_seq_valid, 12, 12);
	BCH_GC_LAYOUT_BITS(struct bucket_mark, stripe, 13, 13);
	BCH_GC_LAYOUT_BITS(struct bucket_mark, dirty_sectors, 16, 31);
	BCH_GC_LAYOUT_BITS(struct bucket_mark, cached_sectors, 32, 47);
	BCH_GC_LAYOUT_BITS(struct bucket_mark, journal_seq, 48, 63);
	BCH_GC_LAYOUT_BITS(struct bucket, gen_valid, 112, 112);
	BCH_GC_LAYOUT_BITS(struct stripe, alive, 104, 104);
	BCH_GC_LAYOUT_BITS(struct stripe, dirty, 105, 105);
	BCH_GC_LAYOUT_BITS(struct journal_key, btree_id, 0, 7);
	BCH_GC_LAYOUT_BITS(struct journal_key, level, 8, 15);
	BCH_GC_LAYOUT_BITS(struct open_bucket, valid, 96, 96);
	BCH_GC_LAYOUT_BITS(struct open_bucket, on_partial_list, 97, 97);
	return (const char *) 0;
}

#endif /* BCH_GC_LAYOUT_STRUCTS */

#endif /* BCH_GC_LAYOUT_H */
