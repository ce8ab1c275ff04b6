/* SPDX-License-Identifier: GPL-2.0-only */
/* Generated from gc-core/src/finding/code.rs. Do not edit. */
/*
 * Kinds of findings: `code` of gc_host_fsck_err() and of the functions
 * bch_gc_model_*(). A number never changes its meaning; new ones are added at
 * the end.
 */
#ifndef BCH_GC_FINDING_H
#define BCH_GC_FINDING_H

enum bch_gc_finding {
	/* A root does not cover the whole btree. */
	BCH_GC_FINDING_ROOT_KEY = 0,
	/* A gap or an overlap between two children. */
	BCH_GC_FINDING_NODE_MIN_KEY = 1,
	/* The last child does not end where its parent ends. */
	BCH_GC_FINDING_NODE_MAX_KEY = 2,
	/* A key's version was never handed out. */
	BCH_GC_FINDING_KEY_VERSION = 3,
	/* A set of devices is missing in the superblock. */
	BCH_GC_FINDING_REPLICAS_UNMARKED = 4,
	/* A bucket's generation is not recorded. */
	BCH_GC_FINDING_GEN_MISSING = 5,
	/* A pointer is ahead of its bucket. */
	BCH_GC_FINDING_GEN_FUTURE = 6,
	/* Whether the stripe exists. */
	BCH_GC_FINDING_STRIPE_ALIVE = 7,
	/* Sectors of a block of the stripe. */
	BCH_GC_FINDING_STRIPE_SECTORS = 8,
	/* Algorithm of the stripe. */
	BCH_GC_FINDING_STRIPE_ALGORITHM = 9,
	/* Number of blocks of the stripe. */
	BCH_GC_FINDING_STRIPE_NR_BLOCKS = 10,
	/* Number of redundant blocks of the stripe. */
	BCH_GC_FINDING_STRIPE_NR_REDUNDANT = 11,
	/* Number of blocks of the stripe that hold data. */
	BCH_GC_FINDING_STRIPE_BLOCKS_NONEMPTY = 12,
	/* Data in one block of the stripe. */
	BCH_GC_FINDING_STRIPE_BLOCK_SECTORS = 13,
	/* Generation of a bucket. */
	BCH_GC_FINDING_BUCKET_GEN = 14,
	/* Data type of a bucket. */
	BCH_GC_FINDING_BUCKET_DATA_TYPE = 15,
	/* Whether the allocator has a bucket. */
	BCH_GC_FINDING_BUCKET_OWNED_BY_ALLOCATOR = 16,
	/* Whether a bucket belongs to a stripe. */
	BCH_GC_FINDING_BUCKET_STRIPE = 17,
	/* Dirty sectors of a bucket. */
	BCH_GC_FINDING_BUCKET_DIRTY_SECTORS = 18,
	/* Cached sectors of a bucket. */
	BCH_GC_FINDING_BUCKET_CACHED_SECTORS = 19,
	/* Sectors of superblocks and journal. */
	BCH_GC_FINDING_FS_HIDDEN = 20,
	/* Sectors of btree nodes. */
	BCH_GC_FINDING_FS_BTREE = 21,
	/* Sectors of user data. */
	BCH_GC_FINDING_FS_DATA = 22,
	/* Sectors of cached data. */
	BCH_GC_FINDING_FS_CACHED = 23,
	/* Sectors reserved. */
	BCH_GC_FINDING_FS_RESERVED = 24,
	/* Number of inodes. */
	BCH_GC_FINDING_FS_NR_INODES = 25,
	/* Sectors reserved, by number of replicas. */
	BCH_GC_FINDING_FS_PERSISTENT_RESERVED = 26,
	/* Sectors on a set of devices. */
	BCH_GC_FINDING_FS_REPLICAS = 27,
	/* A pointer is ahead of its bucket when it is counted. */
	BCH_GC_FINDING_PTR_NEWER = 28,
	/* A pointer is so far behind its bucket that it may be ahead. */
	BCH_GC_FINDING_PTR_TOO_STALE = 29,
	/* A pointer to data that must be kept, into a bucket reused since. */
	BCH_GC_FINDING_PTR_STALE_DIRTY = 30,
	/* Two types of data in one bucket. */
	BCH_GC_FINDING_BUCKET_MIXED_TYPES = 31,
	/* More sectors in a bucket than can be counted. */
	BCH_GC_FINDING_BUCKET_OVERFLOW = 32,
	/* A block of a stripe whose bucket has another generation. */
	BCH_GC_FINDING_STRIPE_STALE_PTR = 33,
	/* A superblock or journal in a bucket of another type. */
	BCH_GC_FINDING_METADATA_MIXED_TYPES = 34,
	/* More sectors of superblock or journal in a bucket than can be counted. */
	BCH_GC_FINDING_METADATA_OVERFLOW = 35,
	/* A pointer into a stripe that is not there. */
	BCH_GC_FINDING_STRIPE_MISSING = 36,
	/* A stripe to be counted or dropped that is not there. */
	BCH_GC_FINDING_STRIPE_NOT_THERE = 37,
	/* A reference that cannot be followed. */
	BCH_GC_FINDING_BAD_REFERENCE = 38,
	/* How many there are. */
	BCH_GC_FINDINGS = 39
};

#endif /* BCH_GC_FINDING_H */
