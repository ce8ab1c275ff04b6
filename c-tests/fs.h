/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file systems that the tests run on, and what every test checks of them.
 *
 * Each test gets a model of its own by a fixture: fs_empty (superblocks and
 * journals) or fs_full (a few keys of every kind, settled). fs_down, after the
 * test, fails it if a lock, a reference, a walk or a second array is left, or if
 * any contract of bch_gc_host.h was broken on the way.
 */
#ifndef FS_H
#define FS_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bch_gc.h>
#include <bch_gc_finding.h>
#include <bch_gc_host.h>
#include <bch_gc_layout.h>
#include <bch_gc_model.h>

/* Numbers of every file system here. */
#define FS_DEVICES	3
#define FS_BUCKETS	128	/* a device */
#define FS_BUCKET	128	/* sectors */
#define FS_NODE		32	/* sectors of a btree node */
#define FS_NODE_KEYS	4

/* Words of the usage. */
enum {
	USAGE_HIDDEN		= 1,
	USAGE_BTREE		= 2,
	USAGE_DATA		= 3,
	USAGE_CACHED		= 4,
	USAGE_RESERVED		= 5,
	USAGE_NR_INODES		= 6,
	USAGE_PERSISTENT	= 7,
	USAGE_REPLICAS		= 11
};

/* The file system of the running test. */
extern struct bch_gc_model *m;

/* Buckets of the full one; what they hold follows from fs_full() by hand. */
struct fs_place {
	uint64_t	plain;		/* dev 0: 128 sectors dirty, in 16 extents */
	uint64_t	mirror[2];	/* dev 0, 1: 64 sectors dirty */
	uint64_t	backing;	/* dev 0: 32 sectors dirty */
	uint64_t	cached;		/* dev 1: 32 sectors cached copies of these */
	uint64_t	packed;		/* dev 2: 4 sectors dirty, 16 of data compressed */
	uint64_t	shared;		/* dev 2: 32 sectors dirty, by reflink */
};
extern struct fs_place at;

#define FULL_DATA		(128 + 2 * 64 + 32 + 4 + 32)
#define FULL_INODES		8
#define FULL_RESERVED		(16 * 2)
#define FULL_HIDDEN		(FS_DEVICES * 5 * FS_BUCKET)
/* Bucket 0: sectors 0..8 and two copies of 32 from sector 8 on. */
#define SB_SECTORS		(8 + 32 + 32)

void fs_options(struct bch_gc_model_options *o);
void fs_empty(void);
bool fs_lends(void);
/* The step of a walk over generations: a key, or where keys are lent a node. */
const char *fs_walk_step(void);
void fs_full(void);
void fs_down(void);

/* Inodes where there were four times as many: leaves that are worth merging. */
#define FS_SPARSE_LEFT	20
void fs_sparse(void);

/* Adds a stripe of three blocks and an extent of 16 sectors in block 0. */
struct fs_stripe {
	uint64_t	idx;
	uint64_t	bucket[FS_DEVICES];	/* of block i, on device i */
};
struct fs_stripe fs_stripe(enum bch_gc_model_where where, uint64_t idx);
/* The stripe's part of fs_stripe() alone: the extent is not inserted. */
struct fs_stripe fs_stripe_alone(enum bch_gc_model_where where, uint64_t idx);

/* bch2_gc() as recovery calls it: state lock held, the journal's keys at hand. */
int  fs_gc(bool initial, bool metadata_only);
#define fs_initial()	fs_gc(true, false)
#define fs_running()	fs_gc(false, false)

uint64_t fs_alloc(unsigned dev);
struct bch_gc_model_ptr fs_ptr(unsigned dev, uint64_t bucket, uint64_t sector);
/* An extent of `size` sectors that ends at inode:end. */
void fs_extent(uint64_t inode, uint64_t end, uint32_t size, struct bch_gc_model_ptr ptr);
struct bch_gc_model_bucket fs_get(unsigned dev, uint64_t bucket);
void fs_set(unsigned dev, uint64_t bucket, struct bch_gc_model_bucket b);
/* Sectors of all nodes that can be reached. */
uint64_t fs_btree_sectors(void);

/* How many messages have exactly this text. */
size_t fs_said(const char *text);
size_t fs_count(const char *event, const char *args);
/* Trace points whose name and argument have this text in them. */
size_t fs_traced(const char *text);

void fs_assert_sound(const char *when);
void fs_assert_counts(const char *when);
/* A second run finds nothing and changes nothing. */
void fs_assert_settled(void);

#define assert_said(n, text)	ck_assert_msg(fs_said(text) == (n), \
	"said %lu times, not %lu: %s", (unsigned long)fs_said(text), (unsigned long)(n), text)

Suite *suite_initial(void);
Suite *suite_damage(void);
Suite *suite_marking(void);
Suite *suite_topology(void);
Suite *suite_running(void);
Suite *suite_events(void);
Suite *suite_gens(void);
Suite *suite_thread(void);
Suite *suite_superblock(void);
Suite *suite_errors(void);
Suite *suite_faults(void);
Suite *suite_defects(void);
Suite *suite_coalesce(void);
Suite *suite_abi(void);

#endif /* FS_H */
