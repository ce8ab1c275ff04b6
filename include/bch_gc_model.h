/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An in-memory bcachefs file system to run libbch_gc on, for C unit tests.
 *
 *	struct bch_gc_model *m = bch_gc_model_create(NULL);
 *	uint64_t b;
 *	bch_gc_model_bucket_alloc(m, 0, &b);
 *	... insert keys that point into it ...
 *	bch_gc_model_settle(m);
 *	... damage ...
 *	bch_gc_model_state_lock(m, true);
 *	ret = bch2_gc(bch_gc_model_fs(m), NULL, true, false);
 *	bch_gc_model_state_unlock(m);
 *	... read buckets, usage, events, violations ...
 *	bch_gc_model_destroy(m);
 *
 * libbch_gc_model.a provides these functions and every gc_host_*(), to be linked
 * after libbch_gc.a; libbch_gc_model.so is both libraries in one.
 *
 * Conventions
 *  - Sectors are 512 bytes, u64s 8 bytes. Btree ids, key types, data types and
 *    trigger flags have the numbers of bch_gc_layout.h, kinds of findings those of
 *    bch_gc_finding.h.
 *  - `int` results are 0 or a negative errno, unless said otherwise: -EINVAL for
 *    an argument that is out of range, -ENOSPC when no bucket is free. NULL is
 *    a valid argument everywhere: it makes a function do nothing and return
 *    -EINVAL, 0, false or NULL.
 *  - Strings returned live until the model changes or is destroyed.
 *  - A model is made and changed by one thread at a time. Its gc thread, the
 *    functions under "the gc thread" and bch_gc_model_reader_*() may run
 *    beside it.
 */
#ifndef BCH_GC_MODEL_H
#define BCH_GC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes with any function, structure or number below. */
#define BCH_GC_MODEL_ABI	1u

/* BCH_GC_MODEL_ABI as the library was built, and its version as text. */
unsigned    bch_gc_model_abi(void);
const char *bch_gc_model_version(void);

struct bch_gc_model;
struct bch_fs;
struct bch_dev;
struct journal_keys;

/* ---- making a file system -------------------------------------------- */

struct bch_gc_model_options {
	size_t		size;			/* of this structure; set by _options_init */
	uint32_t	nr_devices;		/* 1 .. 64; 1 */
	uint32_t	bucket_size;		/* sectors; 128 */
	uint64_t	nbuckets;		/* a device; 64 */
	uint16_t	first_bucket;		/* 0 */
	uint16_t	btree_node_size;	/* sectors, at most bucket_size; 128 */
	uint32_t	node_keys;		/* most keys of a node, at least 2; 8 */
	uint32_t	metadata_replicas;	/* copies of each btree node; 1 */
	uint32_t	journal_buckets;	/* a device; 4 */
	uint64_t	compat;			/* superblock's; BCH_COMPAT_FEAT_ALLOC_INFO | _ALLOC_METADATA */
};

/* The values given above. */
void bch_gc_model_options_init(struct bch_gc_model_options *o);

/*
 * A file system with superblocks, journals and no keys, and no btree but those
 * that keys are inserted into; consistent. NULL options: the defaults. NULL when
 * the options make no sense.
 */
struct bch_gc_model *bch_gc_model_create(const struct bch_gc_model_options *o);

/* Stops the gc thread and frees everything. */
void bch_gc_model_destroy(struct bch_gc_model *m);

/* What the library's entry points take. */
struct bch_fs       *bch_gc_model_fs(struct bch_gc_model *m);
struct bch_dev      *bch_gc_model_dev(struct bch_gc_model *m, unsigned dev);
/* Keys of the journal, sorted; NULL when there are none. Valid until one is added. */
struct journal_keys *bch_gc_model_journal_keys(struct bch_gc_model *m);

/* state_lock, which the callers of bch2_gc() hold. Same thread for both. */
void bch_gc_model_state_lock(struct bch_gc_model *m, bool write);
void bch_gc_model_state_unlock(struct bch_gc_model *m);

/*
 * Makes the live side agree with the keys by a naive recount of all references:
 * marks, stripes, usage, the replicas table, the key version. Generations stay.
 */
int  bch_gc_model_settle(struct bch_gc_model *m);

/*
 * The number of places where the live side differs from that recount; the
 * first of them as text into `text`, if it is not NULL.
 */
unsigned bch_gc_model_differences(struct bch_gc_model *m, char *text, size_t size);

/* ---- keys ------------------------------------------------------------ */

/* Where a key goes. */
enum bch_gc_model_where {
	BCH_GC_MODEL_BTREE	= 0,	/* a leaf; nodes split when they are full */
	BCH_GC_MODEL_JOURNAL	= 1	/* the journal's keys, laid over the leaves */
};

struct bch_gc_model_ptr {
	uint64_t	sector;
	uint32_t	dev;
	uint8_t		gen;
	bool		cached;
	bool		in_stripe;		/* a stripe pointer goes before it */
	uint32_t	block;			/* of the stripe */
	uint64_t	stripe;			/* index of the stripe */
};

struct bch_gc_model_crc {
	uint32_t	compressed_size;	/* sectors, 1 .. 128 */
	uint32_t	uncompressed_size;	/* sectors, 1 .. 128 */
	uint32_t	offset;			/* sectors, 0 .. 127 */
	uint8_t		csum_type;
	uint8_t		compression_type;
};

/*
 * Any key: a struct bkey_i of `u64s` words. A key of the same position is
 * replaced; one of type deleted removes it (in the journal: hides it).
 */
int bch_gc_model_insert(struct bch_gc_model *m, enum bch_gc_model_where where, unsigned btree,
			const uint64_t *key, size_t u64s);

/*
 * An extent that ends at `offset`; crc (or NULL) holds for all pointers. Sectors
 * a pointer stands for are `size`, scaled by crc.
 */
int bch_gc_model_extent(struct bch_gc_model *m, enum bch_gc_model_where where, uint64_t inode,
			uint64_t offset, uint32_t size, const struct bch_gc_model_crc *crc,
			const struct bch_gc_model_ptr *ptrs, size_t nr);
/* The same in the reflink btree, at 0:offset. */
int bch_gc_model_reflink_v(struct bch_gc_model *m, enum bch_gc_model_where where,
			   uint64_t offset, uint32_t size, uint64_t refcount,
			   const struct bch_gc_model_crc *crc,
			   const struct bch_gc_model_ptr *ptrs, size_t nr);
int bch_gc_model_reflink_p(struct bch_gc_model *m, enum bch_gc_model_where where, uint64_t inode,
			   uint64_t offset, uint32_t size, uint64_t idx);
int bch_gc_model_reservation(struct bch_gc_model *m, enum bch_gc_model_where where,
			     uint64_t inode, uint64_t offset, uint32_t size,
			     unsigned nr_replicas);
int bch_gc_model_inode(struct bch_gc_model *m, enum bch_gc_model_where where, uint64_t inode);
int bch_gc_model_dirent(struct bch_gc_model *m, enum bch_gc_model_where where, uint64_t dir,
			uint64_t hash, uint64_t inode);
/* A stripe of `nr` blocks, the last `nr_redundant` of them parity. */
int bch_gc_model_stripe(struct bch_gc_model *m, enum bch_gc_model_where where, uint64_t idx,
			uint16_t sectors, unsigned nr_redundant,
			const struct bch_gc_model_ptr *blocks, size_t nr);
/* An alloc key that says what the bucket's live state is. */
int bch_gc_model_alloc_key(struct bch_gc_model *m, enum bch_gc_model_where where, unsigned dev,
			   uint64_t bucket);
/* Removes a key from its leaf, or hides it. */
int bch_gc_model_delete(struct bch_gc_model *m, enum bch_gc_model_where where, unsigned btree,
			uint64_t inode, uint64_t offset);
/* The version (low word) of the key just inserted, and of those to come. 0. */
void bch_gc_model_set_key_version(struct bch_gc_model *m, uint64_t version);

/* ---- nodes, and damage to them --------------------------------------- */

/*
 * Nodes are named by btree, level and place among the nodes of the level, in
 * order, from 0. Level `bch_gc_model_depth() - 1` has one node, the root.
 */
unsigned bch_gc_model_depth(struct bch_gc_model *m, unsigned btree);
size_t   bch_gc_model_nodes(struct bch_gc_model *m, unsigned btree, unsigned level);

struct bch_gc_model_node {
	uint64_t	min_inode, min_offset;	/* of the node's header */
	uint64_t	max_inode, max_offset;
	uint64_t	sector;			/* of its first copy */
	uint32_t	dev;
	uint32_t	nr_keys;
};

int bch_gc_model_node(struct bch_gc_model *m, unsigned btree, unsigned level, size_t i,
		      struct bch_gc_model_node *out);

/* An empty root, where there is none; -EEXIST where there is one. */
int bch_gc_model_root_make(struct bch_gc_model *m, unsigned btree);
/* The root is made up, because it could not be read. */
int bch_gc_model_root_fake(struct bch_gc_model *m, unsigned btree, bool fake);
/* Range in the node's own header. */
int bch_gc_model_node_range(struct bch_gc_model *m, unsigned btree, unsigned level, size_t i,
			    uint64_t min_inode, uint64_t min_offset,
			    uint64_t max_inode, uint64_t max_offset);
/* min_key in the pointer to the node (btree_ptr_v2), which its parent or the root's record holds. */
int bch_gc_model_node_ptr_min(struct bch_gc_model *m, unsigned btree, unsigned level, size_t i,
			      uint64_t inode, uint64_t offset);
/* Takes the pointer to the node out of its parent. */
int bch_gc_model_node_drop(struct bch_gc_model *m, unsigned btree, unsigned level, size_t i);
/* The level that the node claims. */
int bch_gc_model_node_level(struct bch_gc_model *m, unsigned btree, unsigned level, size_t i,
			    unsigned claimed);
/* Reading the node fails with this errno (positive; 0: it does not). */
int bch_gc_model_node_unreadable(struct bch_gc_model *m, unsigned btree, unsigned level, size_t i,
				 int err);
/* Puts a key into the node whatever its position: behind all that are not greater. */
int bch_gc_model_node_put(struct bch_gc_model *m, unsigned btree, unsigned level, size_t i,
			  const uint64_t *key, size_t u64s);
/* Word `w` of key `k` of the node becomes `value`. */
int bch_gc_model_node_poke(struct bch_gc_model *m, unsigned btree, unsigned level, size_t i,
			   size_t k, size_t w, uint64_t value);

/* ---- buckets --------------------------------------------------------- */

struct bch_gc_model_bucket {
	uint8_t		gen;
	uint8_t		data_type;
	bool		owned_by_allocator;
	bool		stripe;
	bool		journal_seq_valid;
	bool		gen_valid;
	uint8_t		oldest_gen;
	uint8_t		gc_gen;
	uint16_t	dirty_sectors;
	uint16_t	cached_sectors;
	uint16_t	journal_seq;
};

uint64_t bch_gc_model_nbuckets(struct bch_gc_model *m, unsigned dev);
int bch_gc_model_bucket_get(struct bch_gc_model *m, unsigned dev, uint64_t bucket,
			    struct bch_gc_model_bucket *out);
int bch_gc_model_bucket_set(struct bch_gc_model *m, unsigned dev, uint64_t bucket,
			    const struct bch_gc_model_bucket *in);
/* The lowest bucket that nothing refers to and that was not given out before. */
int bch_gc_model_bucket_alloc(struct bch_gc_model *m, unsigned dev, uint64_t *bucket);

/* What the allocator holds: fifo 0 is free_inc, 1 .. 3 are free[RESERVE_*]. */
int bch_gc_model_reserve_push(struct bch_gc_model *m, unsigned dev, unsigned fifo, uint64_t bucket);
int bch_gc_model_reserve_clear(struct bch_gc_model *m, unsigned dev);
/* Slot i (1 .. 1023) is open for writing at this place; valid false: it is not. */
int bch_gc_model_open_bucket(struct bch_gc_model *m, unsigned i, bool valid, unsigned dev,
			     uint64_t sector);

/* ---- usage, replicas, stripes, state --------------------------------- */

/*
 * Words of the live usage, in the order of struct bch_fs_usage: online_reserved,
 * hidden, btree, data, cached, reserved, nr_inodes, persistent_reserved[4], then
 * one for each replicas entry. Pending changes not folded are not in it.
 */
size_t   bch_gc_model_usage_words(struct bch_gc_model *m);
uint64_t bch_gc_model_usage_get(struct bch_gc_model *m, size_t word);
int      bch_gc_model_usage_set(struct bch_gc_model *m, size_t word, uint64_t value);
/* A change that is only folded into the base at the end of a gc. */
int      bch_gc_model_usage_pending(struct bch_gc_model *m, size_t word, uint64_t add);
/* Word of struct bch_dev_usage (16 of them). */
uint64_t bch_gc_model_dev_usage_get(struct bch_gc_model *m, unsigned dev, size_t word);

/* Entry i as text ("btree: 1/2 [0 1]"); NULL past the last. */
const char *bch_gc_model_replicas_get(struct bch_gc_model *m, size_t i);
/* Word of the usage of the entry with this text; 0 when there is none. */
size_t      bch_gc_model_replicas_word(struct bch_gc_model *m, const char *text);
int bch_gc_model_replicas_add(struct bch_gc_model *m, unsigned data_type, unsigned nr_required,
			      const uint8_t *devs, size_t nr);
int bch_gc_model_replicas_remove(struct bch_gc_model *m, const char *text);

struct bch_gc_model_stripe {
	uint16_t	sectors;
	uint8_t		algorithm;
	uint8_t		nr_blocks;
	uint8_t		nr_redundant;
	uint8_t		blocks_nonempty;
	bool		alive;
	bool		dirty;
	bool		in_heap;		/* read only */
	uint16_t	block_sectors[16];
};

int bch_gc_model_stripe_get(struct bch_gc_model *m, uint64_t idx, struct bch_gc_model_stripe *out);
int bch_gc_model_stripe_set(struct bch_gc_model *m, uint64_t idx,
			    const struct bch_gc_model_stripe *in);

uint64_t bch_gc_model_key_version_get(struct bch_gc_model *m);
void     bch_gc_model_key_version_set(struct bch_gc_model *m, uint64_t version);
uint64_t bch_gc_model_gc_count(struct bch_gc_model *m);
void     bch_gc_model_journal_seq_set(struct bch_gc_model *m, uint64_t seq);
void     bch_gc_model_compat_set(struct bch_gc_model *m, uint64_t compat);
/* enum gc_host_flag, enum gc_host_param */
bool     bch_gc_model_flag_get(struct bch_gc_model *m, unsigned flag);
void     bch_gc_model_flag_set(struct bch_gc_model *m, unsigned flag, bool value);
void     bch_gc_model_param_set(struct bch_gc_model *m, unsigned param, bool value);
/* What gc_host_abi() says, for all models of the process; 0: the true one. */
void     bch_gc_model_pretend_abi(unsigned abi);

/* ---- devices --------------------------------------------------------- */

/* Adds a member; its index, or a negative errno. */
int bch_gc_model_dev_add(struct bch_gc_model *m, uint64_t nbuckets, uint32_t bucket_size);
/* -EBUSY while somebody has a reference; that is how a leaked one shows. */
int bch_gc_model_dev_remove(struct bch_gc_model *m, unsigned dev);
/* -EBUSY while a gc is under way. */
int bch_gc_model_dev_resize(struct bch_gc_model *m, unsigned dev, uint64_t nbuckets);
int bch_gc_model_dev_online(struct bch_gc_model *m, unsigned dev, bool online);
/* References to the device, and to its io. */
unsigned bch_gc_model_dev_refs(struct bch_gc_model *m, unsigned dev, bool io);

/*
 * A device that belongs to no file system yet, for bch2_mark_dev_superblock(NULL,
 * ...). Freed with the model. NULL when its numbers make no sense.
 */
struct bch_dev *bch_gc_model_stray_make(struct bch_gc_model *m, uint64_t nbuckets,
					uint32_t bucket_size);
int bch_gc_model_stray_bucket(struct bch_dev *ca, uint64_t bucket,
			      struct bch_gc_model_bucket *out);

/* The superblock's layout: any numbers (nr at most 61). `ca`: member or stray. */
int bch_gc_model_sb_layout_set(struct bch_dev *ca, const uint64_t *offsets, size_t nr,
			       unsigned max_size_bits);
int bch_gc_model_journal_buckets_set(struct bch_dev *ca, const uint64_t *buckets, size_t nr);

/* ---- findings and their answers -------------------------------------- */

enum bch_gc_model_answer {
	BCH_GC_MODEL_IGNORE	= 0,	/* as fsck -n: what must be fixed is fixed */
	BCH_GC_MODEL_FIX	= 1,	/* as fsck -y (default) */
	BCH_GC_MODEL_EXIT	= 2,
	BCH_GC_MODEL_ANSWERS	= 3	/* for _code: as for all codes */
};

void bch_gc_model_answer(struct bch_gc_model *m, enum bch_gc_model_answer a);
void bch_gc_model_answer_code(struct bch_gc_model *m, unsigned code, enum bch_gc_model_answer a);
/* The nth finding (from 0) from now on is answered EXIT; SIZE_MAX: none. */
void bch_gc_model_answer_exit_at(struct bch_gc_model *m, size_t n);

/* Findings and log lines, oldest first. With NULL for m: what was logged without a file system. */
struct bch_gc_model_message {
	bool		is_finding;
	unsigned	code;		/* finding: enum bch_gc_finding; line: enum gc_host_level */
	unsigned	flags;		/* finding: FSCK_* */
	unsigned	answer;		/* finding: GC_HOST_FSCK_* */
	const char     *text;
};

size_t bch_gc_model_messages(struct bch_gc_model *m);
int    bch_gc_model_message(struct bch_gc_model *m, size_t i, struct bch_gc_model_message *out);
/* How many messages have this text in them; and findings of this code. */
size_t bch_gc_model_messages_with(struct bch_gc_model *m, const char *text);
size_t bch_gc_model_findings(struct bch_gc_model *m);
size_t bch_gc_model_findings_of(struct bch_gc_model *m, unsigned code);
void   bch_gc_model_messages_clear(struct bch_gc_model *m);

/* ---- what the library asked ------------------------------------------ */

/*
 * Each call of a host function is an event: its name without "gc_host_" and its
 * arguments ("lock", "GC_WRITE"; "trace", "gc_end 0"). Calls for each key and
 * bucket (mark_key, node_keys_next, dev_reserve_bucket and the like) are
 * counted, but not kept in the list.
 */
size_t      bch_gc_model_events(struct bch_gc_model *m);
const char *bch_gc_model_event_name(struct bch_gc_model *m, size_t i);
const char *bch_gc_model_event_args(struct bch_gc_model *m, size_t i);
/* Calls of a function; args not NULL: those of the list with these arguments. */
size_t      bch_gc_model_event_count(struct bch_gc_model *m, const char *name, const char *args);
/* The first event from index i on with this name (and args, if not NULL); SIZE_MAX: none. */
size_t      bch_gc_model_event_find(struct bch_gc_model *m, size_t i, const char *name,
				    const char *args);
void        bch_gc_model_events_clear(struct bch_gc_model *m);

/*
 * Contracts of bch_gc_host.h that were broken: a lock that was needed and not
 * held, one taken twice or out of order, released in another order; a node, a
 * device, a walk or an open bucket not given back; the gc position going back;
 * a second array not freed or made twice. Empty after correct use.
 */
size_t      bch_gc_model_violations(struct bch_gc_model *m);
const char *bch_gc_model_violation(struct bch_gc_model *m, size_t i);
void        bch_gc_model_violations_clear(struct bch_gc_model *m);
/* As violations, right now: locks, references, walks and gc arrays that are still there. */
size_t      bch_gc_model_check_quiescent(struct bch_gc_model *m);

/* ---- failures on demand ---------------------------------------------- */

/*
 * Call number n (from 0, from now on) of the function `name` (without
 * "gc_host_"; NULL: of all that can fail, counted together) fails once with
 * -err, or NULL where it returns a pointer. One failure is pending at a time.
 * -EINVAL: the function cannot fail.
 */
int    bch_gc_model_fail(struct bch_gc_model *m, const char *name, size_t n, int err);
/* Whether the failure asked for has happened. Forgets it. */
bool   bch_gc_model_failed(struct bch_gc_model *m);
/* Names of the functions that can fail; NULL past the last. */
const char *bch_gc_model_fallible(size_t i);

/* ---- the gc thread --------------------------------------------------- */

/* Kicks it, as the allocator does. */
void     bch_gc_model_kick(struct bch_gc_model *m);
/* The io clock advances by so many sectors. */
void     bch_gc_model_io(struct bch_gc_model *m, uint64_t sectors);
void     bch_gc_model_capacity_set(struct bch_gc_model *m, uint64_t sectors);
bool     bch_gc_model_thread_running(struct bch_gc_model *m);
/* Waits until the thread sleeps in its wait; false after `ms` milliseconds. */
bool     bch_gc_model_thread_idle(struct bch_gc_model *m, unsigned ms);
/* Waits until gc_count is at least n; false after `ms` milliseconds. */
bool     bch_gc_model_wait_gc_count(struct bch_gc_model *m, uint64_t n, unsigned ms);
/* Asks the thread to freeze; true when it has, within `ms` milliseconds. */
bool     bch_gc_model_freeze(struct bch_gc_model *m, unsigned ms);
void     bch_gc_model_thaw(struct bch_gc_model *m);

/* ---- beside others --------------------------------------------------- */

/*
 * Reads the gc position through its sequence word, as gc_visited() does:
 * phase, inode, offset, level.
 */
void bch_gc_model_reader_gc_pos(struct bch_gc_model *m, uint32_t *phase, uint64_t *inode,
				uint64_t *offset, uint32_t *level);
/* Reads a live bucket without any lock, as the allocator does under RCU. */
int  bch_gc_model_reader_bucket(struct bch_gc_model *m, unsigned dev, uint64_t bucket,
				struct bch_gc_model_bucket *out);

#ifdef __cplusplus
}
#endif

#endif /* BCH_GC_MODEL_H */
