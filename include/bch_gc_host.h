/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What libbch_gc asks of the program that links it.
 *
 * The archive leaves every gc_host_* function below undefined; the program
 * provides them. For bcachefs-tools that is adapter/btree_gc.c, for C unit
 * tests libbch_gc_model.
 *
 * Conventions
 *  - `int` results: 0 or a negative errno, unless said otherwise.
 *  - `c` and every other pointer is borrowed for the call. Strings passed to
 *    the host live for the call only.
 *  - Addresses that a function returns or lends are not NULL, unless it says so:
 *    NULL is refused with a message and -EINVAL.
 *  - No host function calls back into the library, except the thread function
 *    given to gc_host_thread_start(). Nothing may unwind or longjmp through it.
 *  - "Needs" names the locks that are held at the call; where nothing is said,
 *    none need be. Lock order: STATE > GC > { SB > MARK | BTREE_ROOT | node
 *    locks > MARK }; MARK > FREELIST > open bucket.
 *  - MARK may be a plain mutex even for readers: the library never takes it
 *    twice on a thread, nor holds it over a call that says "MARK not held".
 *  - sectors are 512 bytes, u64s 8 bytes.
 *
 * Types are only forward declared, so that the header can be included beside
 * the program's own. The layouts both sides share (struct gc_pos, bkey,
 * bucket_array, stripe, ...) are asserted by bch_gc_layout.h.
 */
#ifndef BCH_GC_HOST_H
#define BCH_GC_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Changes whenever a function, a structure or a number below changes its
 * meaning. Compared at the first entry into the library: a difference is
 * refused with a message and -EINVAL.
 */
#define BCH_GC_HOST_ABI		3u

struct bch_fs;
struct bch_dev;
struct bch_dev_usage;
struct bch_extent_ptr;
struct bch_replicas_entry;
struct bkey_format;
struct bkey_i;
struct bkey_s_c;
struct bpos;
struct btree;
struct bucket_array;
struct gc_pos;
struct journal_keys;
struct stripe;

/* BCH_GC_HOST_ABI as the host was compiled with. */
unsigned gc_host_abi(void);

/* ---- locks ---------------------------------------------------------- */

enum gc_host_lock {
	GC_HOST_LOCK_STATE_READ		= 0,	/* state_lock, shared */
	GC_HOST_LOCK_GC_READ		= 1,	/* gc_lock, shared */
	GC_HOST_LOCK_GC_WRITE		= 2,	/* gc_lock, exclusive */
	GC_HOST_LOCK_MARK_READ		= 3,	/* mark_lock, shared */
	GC_HOST_LOCK_MARK_WRITE		= 4,	/* mark_lock, exclusive */
	GC_HOST_LOCK_SB			= 5,	/* sb_lock */
	GC_HOST_LOCK_BTREE_ROOT		= 6,	/* btree_root_lock */
	GC_HOST_LOCK_FREELIST		= 7,	/* freelist_lock; a spin lock may do */
	GC_HOST_LOCK_NR			= 8
};

/* Taken and released on one thread, released in reverse order. */
void gc_host_lock(struct bch_fs *c, unsigned id);
void gc_host_unlock(struct bch_fs *c, unsigned id);

/*
 * Takes the lock and returns true; or returns false, without it, as soon as
 * the calling thread is the gc thread and has been asked to stop. Whoever
 * stops the gc thread may hold the lock meanwhile, so it must not simply block.
 */
bool gc_host_lock_unless_stopping(struct bch_fs *c, unsigned id);

/* Debug assertion that the lock is held, by any holder and in any mode. */
void gc_host_assert_held(struct bch_fs *c, unsigned id);

/* Debug assertion that the calling thread holds no lock at all. */
void gc_host_assert_no_locks(struct bch_fs *c);

/* ---- state ---------------------------------------------------------- */

enum gc_host_flag {
	GC_HOST_FLAG_FIXED_GENS		= 0,	/* BCH_FS_FIXED_GENS */
	GC_HOST_FLAG_REBUILD_REPLICAS	= 1	/* BCH_FS_REBUILD_REPLICAS */
};

/* Atomic bit operations. */
bool gc_host_flag_test(struct bch_fs *c, unsigned flag);
void gc_host_flag_set(struct bch_fs *c, unsigned flag, bool value);

enum gc_host_param {
	GC_HOST_PARAM_EXPENSIVE_DEBUG_CHECKS	= 0,
	GC_HOST_PARAM_TEST_RESTART_GC		= 1,
	GC_HOST_PARAM_JOURNAL_SEQ_VERIFY	= 2,
	GC_HOST_PARAM_REWRITE_DISABLED		= 3,
	GC_HOST_PARAM_ALWAYS_REWRITE		= 4,
	/* the gc thread starts a round as the io clock advances, not only when kicked */
	GC_HOST_PARAM_PERIODIC			= 5,
	/* the gc thread runs a full bch2_gc() instead of bch2_gc_gens() */
	GC_HOST_PARAM_THREAD_FULL_GC		= 6,
	/*
	 * btree updates may run beside a full gc. Without it no node is
	 * rewritten. bcachefs-tools of June 2020 cannot: updates through
	 * cached alloc iterators assert that no gc is running.
	 */
	GC_HOST_PARAM_UPDATES_BESIDE_GC		= 7,
	/*
	 * gc_host_counters() lends what the library needs to count plain keys of
	 * the initial pass itself, and gc_host_node_set() may lend keys.
	 */
	GC_HOST_PARAM_LENDS		= 8
};

bool     gc_host_param(struct bch_fs *c, unsigned param);

/* The superblock's compat features, bits BCH_COMPAT_FEAT_*. */
uint64_t gc_host_sb_compat(struct bch_fs *c);

/* Highest key version handed out so far. Set only in the initial pass. */
uint64_t gc_host_key_version(struct bch_fs *c);
void     gc_host_key_version_set(struct bch_fs *c, uint64_t version);

uint64_t gc_host_journal_cur_seq(struct bch_fs *c);

/*
 * Lends the sequence word and the position it protects, for as long as the
 * file system is open. The library is their only writer and writes only under
 * GC_WRITE: sequence odd, release fence, words of the position, release fence,
 * sequence even.
 */
void     gc_host_gc_pos(struct bch_fs *c, uint32_t **seq, struct gc_pos **pos);

/* A mark and sweep or a pass over generations is complete. */
void     gc_host_gc_count_inc(struct bch_fs *c);

/* Needs GC_WRITE and nothing else: until no interior btree update is pending. */
void     gc_host_wait_interior_updates(struct bch_fs *c);

/* Between the two no key enters the journal; block waits for those under way. */
void     gc_host_journal_block(struct bch_fs *c);
void     gc_host_journal_unblock(struct bch_fs *c);

/* Nanoseconds of a clock that does not go back; the time statistic of gc. */
uint64_t gc_host_clock(void);
void     gc_host_gc_time(struct bch_fs *c, uint64_t start);

/* Allocators of all members and those who wait for free buckets. No locks held. */
void     gc_host_wake_allocators(struct bch_fs *c);

enum gc_host_trace {
	GC_HOST_TRACE_GC_START		= 0,
	GC_HOST_TRACE_GC_END		= 1,
	GC_HOST_TRACE_COALESCE_START	= 2,
	GC_HOST_TRACE_COALESCE_END	= 3,
	/* a merge that was due was not made; arg: enum gc_host_coalesce_fail */
	GC_HOST_TRACE_COALESCE_FAIL	= 4
};

enum gc_host_coalesce_fail {
	GC_HOST_COALESCE_FAIL_RESERVE	= 0,	/* the host gave no reserve */
	GC_HOST_COALESCE_FAIL_MEMORY	= 1,
	GC_HOST_COALESCE_FAIL_FORMAT	= 2	/* nothing to gain in a common format */
};

void     gc_host_trace(struct bch_fs *c, unsigned event, int arg);

/* ---- messages ------------------------------------------------------- */

enum gc_host_level {
	GC_HOST_LOG_ERR			= 0,
	GC_HOST_LOG_INFO		= 1
};

/* One line, without a newline; the host adds the file system's name. */
void gc_host_log(struct bch_fs *c, unsigned level, const char *msg);

#define GC_HOST_FSCK_IGNORE	0
#define GC_HOST_FSCK_FIX	1
#define GC_HOST_FSCK_EXIT	2

/*
 * A finding. `code` < GC_HOST_FINDING_NR names its kind: hosts that limit or
 * group messages do so by code. `flags` are FSCK_CAN_FIX 1, FSCK_CAN_IGNORE 2,
 * FSCK_NEED_FSCK 4. Returns GC_HOST_FSCK_*; before EXIT the host has said that
 * it is unable to continue. May ask a person and so take any time.
 */
#define GC_HOST_FINDING_NR	64
int  gc_host_fsck_err(struct bch_fs *c, unsigned code, unsigned flags, const char *msg);

/* Prints what was held back, and forgets the counts a code. */
void gc_host_flush_fsck_errs(struct bch_fs *c);

/* The library found itself broken; must not return. */
#ifdef __GNUC__
__attribute__((__noreturn__))
#endif
void gc_host_bug(const char *msg);

/* ---- devices -------------------------------------------------------- */

/*
 * The first member with index >= *idx, with a reference (to its io when
 * `online`, and then only members that are there), and its index in *idx; NULL
 * after the last. The caller adds one to *idx to go on.
 */
struct bch_dev *gc_host_dev_next(struct bch_fs *c, unsigned *idx, bool online);
void gc_host_dev_put(struct bch_dev *ca, bool online);

struct gc_host_dev_geom {
	uint64_t	nbuckets;
	uint32_t	bucket_size;		/* sectors */
	uint32_t	first_bucket;
	uint32_t	dev_idx;
};

/* Does not change while STATE or GC_WRITE is held. */
void gc_host_dev_geom(struct bch_dev *ca, struct gc_host_dev_geom *out);

/*
 * Buckets as the file system uses them, or (gc) the array being built; NULL
 * when there is none. Valid while STATE, GC_WRITE or MARK is held. Other
 * threads write to it: both sides use atomic accesses of one word or byte.
 */
struct bucket_array *gc_host_dev_buckets(struct bch_dev *ca, bool gc);

/*
 * The second, zeroed array of buckets of a device, with its first_bucket and
 * nbuckets set, and the second device usage; -EEXIST when it is there
 * already. Freed by gc_host_dev_gc_free (needs MARK_WRITE; may be called when
 * there is nothing).
 */
int  gc_host_dev_gc_alloc_buckets(struct bch_fs *c, struct bch_dev *ca);
int  gc_host_dev_gc_alloc_usage(struct bch_fs *c, struct bch_dev *ca);
void gc_host_dev_gc_free(struct bch_fs *c, struct bch_dev *ca);

#define GC_HOST_SB_OFFSETS	61

struct gc_host_sb_layout {
	uint64_t	offset[GC_HOST_SB_OFFSETS];	/* sectors */
	uint32_t	nr;				/* <= GC_HOST_SB_OFFSETS */
	uint32_t	max_size_bits;			/* a copy has 2^max_size_bits sectors */
};

/* Needs SB, unless the device does not belong to a file system yet. */
void gc_host_dev_sb_layout(struct bch_dev *ca, struct gc_host_sb_layout *out);

/* Journal buckets of the device: their number, and a borrowed array. Same lock. */
unsigned gc_host_dev_journal(struct bch_dev *ca, const uint64_t **buckets);

/*
 * The nth bucket (from 0) that the allocator holds in one of the device's
 * fifos: 0 is free_inc, 1.. are free[RESERVE_*]. False past the end of it.
 * Needs FREELIST.
 */
#define GC_HOST_FIFO_NR		4
bool gc_host_dev_reserve_bucket(struct bch_dev *ca, unsigned fifo, size_t n, size_t *bucket);

unsigned gc_host_open_buckets_nr(struct bch_fs *c);

/*
 * Locks open bucket i always; true, and its pointer, when it is in use. Needs
 * MARK_READ and FREELIST.
 */
bool gc_host_open_bucket_lock(struct bch_fs *c, unsigned i, struct bch_extent_ptr *ptr);
void gc_host_open_bucket_unlock(struct bch_fs *c, unsigned i);

/* ---- marking in the gc arrays --------------------------------------- */

/*
 * Accounts for the key in the gc arrays (flags: BTREE_TRIGGER_*). MARK not
 * held. Findings are the host's; so is the decision that an error is one.
 */
int  gc_host_mark_key(struct bch_fs *c, const struct bkey_s_c *k, int64_t sectors, unsigned flags);

/* Whether the superblock lists the replicas of the key. MARK not held. */
bool gc_host_replicas_marked(struct bch_fs *c, const struct bkey_s_c *k);

/*
 * What the library needs to count plain keys of the initial pass without the host:
 * in the second buckets, which nobody else looks at meanwhile, and in the second
 * usage, by gc_host_usage_add(). Each key is counted by one side whole, in the order
 * of the walk. Keys with a finding, stripes and pointers into stripes stay with
 * gc_host_mark_key(). Only with GC_HOST_PARAM_LENDS.
 */
struct gc_host_counters {
	/* packed entries, `stride` bytes each, searchable as the tree's own table is */
	const uint8_t	*replicas;
	uint32_t	nr;
	uint32_t	stride;
	uint32_t	btree_node_size;	/* sectors that a pointer to a node counts for */
};

/* Valid until gc_host_mark_replicas() is called. */
void gc_host_counters(struct bch_fs *c, struct gc_host_counters *out);

/* Adds to the words of the second usage (as in gc_host_usage()). MARK not held. */
void gc_host_usage_add(struct bch_fs *c, const uint64_t *words, unsigned nr);

/* Makes it so. SB, MARK not held. Ends all addresses of usage and replicas. */
int  gc_host_mark_replicas(struct bch_fs *c, const struct bkey_s_c *k);

/*
 * A superblock or journal bucket (type BCH_DATA_SB, BCH_DATA_JOURNAL), `sectors`
 * of it in use. Needs MARK_READ, unless c is NULL: the device does not belong to
 * a file system yet. `bucket` is within the device.
 */
void gc_host_mark_metadata_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
				  unsigned type, unsigned sectors,
				  const struct gc_pos *pos, unsigned flags);

/* A bucket that the allocator owns. Needs MARK_READ; `bucket` is within the device. */
void gc_host_mark_alloc_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
			       bool owned, const struct gc_pos *pos, unsigned flags);

/* ---- stripes (all but the allocations need MARK_WRITE) --------------- */

/* The second, zeroed table, with a slot for each stripe there is. MARK not held. */
int  gc_host_stripes_gc_alloc(struct bch_fs *c);
/* Makes sure that the second table has a slot for stripe idx. MARK not held. */
int  gc_host_stripe_gc_slot(struct bch_fs *c, uint64_t idx);
void gc_host_stripes_gc_free(struct bch_fs *c);

/*
 * The first stripe with index >= *idx that has a slot in the table the file
 * system uses, its index in *idx, and its slot in the second table (NULL when it
 * has none). False after the last.
 */
bool gc_host_stripe_next(struct bch_fs *c, size_t *idx, struct stripe **live, struct stripe **gc);

/* The heap of stripes by how empty they are: emptied, then filled again. */
void gc_host_stripes_heap_reset(struct bch_fs *c);
void gc_host_stripes_heap_insert(struct bch_fs *c, struct stripe *s, size_t idx);

/* ---- usage of the file system ---------------------------------------- */

/* The second, zeroed usage; -EEXIST when it is there already. */
int  gc_host_usage_gc_alloc(struct bch_fs *c);
void gc_host_usage_gc_free(struct bch_fs *c);

/* Adds what is pending to the base usage. Needs MARK_WRITE. */
void gc_host_usage_fold(struct bch_fs *c);

/*
 * Replaces the usage of a device by what follows from its live buckets; the
 * library writes the sum of `hidden` into the base usage itself. Needs MARK_WRITE.
 */
void gc_host_dev_usage_set(struct bch_fs *c, struct bch_dev *ca,
			   const struct bch_dev_usage *usage);

/*
 * The words of struct bch_fs_usage (11, then one for each replicas entry): the
 * base, or (gc) the second usage summed into one place. Needs MARK_WRITE; valid
 * until it is released or gc_host_mark_replicas() is called.
 */
uint64_t *gc_host_usage(struct bch_fs *c, bool gc, unsigned *nr_u64s);

/* Packed entry i of the replicas table, NULL past its end. Needs MARK_WRITE. */
const struct bch_replicas_entry *gc_host_replicas_entry(struct bch_fs *c, unsigned i);

/* ---- btree nodes ----------------------------------------------------- */

/* Root of the btree, or NULL. Needs BTREE_ROOT once others change the btree. */
struct btree *gc_host_btree_root(struct bch_fs *c, unsigned btree_id);

struct gc_host_node_info {
	const struct bpos	*min_key;	/* of the node's header on disk */
	const struct bpos	*max_key;
	const struct bkey_i	*key;		/* the pointer to the node */
	uint32_t		seq;		/* of the node's lock */
	uint8_t			level;		/* 0: leaf */
	uint8_t			btree_id;
	bool			fake;		/* made up because the root could not be read */
};

/* The node is locked by the caller, or nobody else is there. */
void gc_host_node_info(struct btree *b, struct gc_host_node_info *out);

void gc_host_node_lock_read(struct btree *b);
void gc_host_node_unlock_read(struct btree *b);

/*
 * The node that the key (a copy: no pointer into another node) points to, from
 * memory or from disk, read locked. `level` is the child's. `*checked`: this call has
 * read it, and with that checked all that gc_host_debugcheck() looks at, and that its
 * keys lie in its range.
 */
int  gc_host_node_get(struct bch_fs *c, const struct bkey_i *k, unsigned btree_id,
		      unsigned level, struct btree **out, bool *checked);

/*
 * The child that the key (a copy) points to will be got soon: its blocks may be brought
 * into memory meanwhile. Nothing is checked, nothing said; may do nothing. Of each node
 * on the way down at most 16 children are told that were not got yet.
 */
void gc_host_read_ahead(struct bch_fs *c, const struct bkey_i *k);

/* Checks of the host's own on a key of a node that is about to be marked. */
void gc_host_debugcheck(struct bch_fs *c, struct btree *b, const struct bkey_s_c *k);

struct gc_host_node_set {
	const struct bkey_format	*format;
	const uint64_t			*keys;
	uint32_t			u64s;
};

/*
 * Lends the keys of a node as they lie in it, while it stays locked: true if they are
 * in one set, in order. False if not, and if any key of the journal (keys may be NULL)
 * lies over the node; then they are had by gc_host_node_keys.
 */
bool gc_host_node_set(struct bch_fs *c, struct journal_keys *keys, struct btree *b,
		      struct gc_host_node_set *out);

/*
 * The live keys of one node in order, with those of the journal laid over them
 * (keys may be NULL: the node's alone). Lives on the library's stack; holds no
 * pointer into itself. The node stays read locked meanwhile.
 */
struct gc_host_node_keys {
	uint64_t	opaque[18];
};

void gc_host_node_keys_init(struct gc_host_node_keys *it, struct journal_keys *keys,
			    struct btree *b);

/* The next key, unpacked, valid until the next call on this iterator; false at the end. */
bool gc_host_node_keys_next(struct gc_host_node_keys *it, struct bkey_s_c *out);

/* ---- walks over a whole btree ---------------------------------------- */

struct gc_host_walk;

enum gc_host_walk_kind {
	GC_HOST_WALK_KEYS	= 0,	/* leaf keys, in order */
	GC_HOST_WALK_NODES	= 1	/* nodes of level >= min_depth, children before parents */
};

/* NULL: no memory. Owned by the library until gc_host_walk_close. */
struct gc_host_walk *gc_host_walk_open(struct bch_fs *c, unsigned btree_id, unsigned kind,
				       unsigned locks_want, unsigned min_depth);

/* 1 and the next key or node, valid (and its node read locked) until the next call; 0 at the end. */
int  gc_host_walk_next_key(struct gc_host_walk *w, struct bkey_s_c *out);
int  gc_host_walk_next_node(struct gc_host_walk *w, struct btree **out);

/* Between two nodes: lets others run; the host may drop and retake its locks. */
void gc_host_walk_resched(struct gc_host_walk *w);

/*
 * Writes the node anew without its stale pointers (flags BTREE_INSERT_*). Needs
 * GC_WRITE. Only if GC_HOST_PARAM_UPDATES_BESIDE_GC. The parent must not be
 * split for it: its left part might lie behind the run.
 */
int  gc_host_walk_rewrite(struct gc_host_walk *w, struct btree *b, unsigned flags);

/* Ends the walk whatever happened and frees it; returns the walk's own error. */
int  gc_host_walk_close(struct gc_host_walk *w);

/* ---- merging of nodes ------------------------------------------------ */

/*
 * The walk for it is of kind NODES with locks_want GC_HOST_LOCKS_TO_ROOT: the
 * node it is at and all above are intent locked by the walk.
 */
#define GC_HOST_LOCKS_TO_ROOT	4

/* Size of a node with its header, and the unit in which nodes are written, in bytes. */
void     gc_host_node_size(struct bch_fs *c, uint64_t *bytes, uint64_t *block_bytes);

/* Length of the live keys of a locked node, in u64s. */
uint32_t gc_host_node_live_u64s(struct btree *b);

/*
 * Takes the intent lock of a node that was locked before, if the sequence of its
 * lock is still `seq` and nobody else holds it: then the node has not changed and
 * was not freed. Does not wait. The address of a node stays readable for that as
 * long as the file system is open.
 */
bool     gc_host_node_relock_intent(struct btree *b, uint32_t seq);
void     gc_host_node_unlock_intent(struct btree *b);

/*
 * Parent of the node the walk is at, intent locked by the walk; NULL for the
 * root, or when the walk has lost it.
 */
struct btree *gc_host_walk_parent(struct gc_host_walk *w, struct btree *b);

struct gc_host_new_node {
	const struct bpos	*min_key;	/* its range */
	const struct bpos	*max_key;	/* also the position of its key */
	const uint64_t		*keys;		/* as they lie in a bset, in order */
	uint32_t		u64s;		/* length of the keys */
	uint16_t		packed_keys;
	uint16_t		unpacked_keys;
};

#define GC_HOST_NEW_NONE	UINT32_MAX

struct gc_host_parent_key {
	const struct bpos	*pos;
	uint32_t		new_node;	/* index; GC_HOST_NEW_NONE: delete the key there */
};

#define GC_HOST_MERGE_NODES	4

struct gc_host_replacement {
	struct btree			*parent;
	struct btree *const		*old_nodes;	/* in order; the last is the walk's */
	const struct gc_host_new_node	*new_nodes;	/* in order */
	const struct bkey_format	*format;	/* of the new nodes */
	const struct gc_host_parent_key	*keys;		/* strictly ascending */
	uint32_t			nr_old;		/* 2 to GC_HOST_MERGE_NODES */
	uint32_t			nr_new;		/* 1 to nr_old - 1 */
	uint32_t			nr_keys;	/* at most 2 * GC_HOST_MERGE_NODES */
};

/*
 * Replaces neighbours by fewer nodes with the same keys, as one update of their
 * parent: new nodes are written, their keys (min_key of btree_ptr_v2 included)
 * and the deletions enter the parent together, the old nodes are freed. Needs
 * GC_READ; all old nodes are intent locked, the last by the walk, the others by
 * the caller. The library has checked that parent and old nodes agree, and that
 * the new ranges tile the old one.
 *
 * The parent must not be split by it: keys are deleted there, and belong into one
 * node.
 *
 * 0: the old nodes' locks are gone, *now is the new node that the walk is at, intent
 * locked by the walk. Any error: nothing has changed, no lock either. -EAGAIN and
 * -EINTR: to be tried again after gc_host_walk_wait(). -EROFS and -EIO: there will
 * be no update any more.
 */
int  gc_host_walk_replace(struct gc_host_walk *w, const struct gc_host_replacement *r,
			  struct btree **now);

/*
 * Lets go of the walk's locks, waits for what the last gc_host_walk_replace()
 * lacked, and takes them again: 1 and the node that is then at the walk's position,
 * 0 where there is none. The caller holds no node lock.
 */
int  gc_host_walk_wait(struct gc_host_walk *w, struct btree **now);

/* ---- the gc thread --------------------------------------------------- */

/*
 * Starts a thread of the host's own kind that runs fn(arg); -EBUSY when there is
 * one. It is made and owned by the host, since library code uses the host's
 * notion of the current thread.
 */
int  gc_host_thread_start(struct bch_fs *c, int (*fn)(void *arg), void *arg);

/* Asks it to stop and waits until it has; nothing when there is none. */
void gc_host_thread_stop(struct bch_fs *c);

/* Whether the calling thread is the gc thread and has been asked to stop. */
bool gc_host_should_stop(struct bch_fs *c);

/* How often the thread was kicked (wraps); sectors written so far; sectors there are. */
unsigned gc_host_kicks(struct bch_fs *c);
uint64_t gc_host_io_clock(struct bch_fs *c);
uint64_t gc_host_capacity(struct bch_fs *c);

/*
 * A wait that loses no wake-up: prepare, look at the conditions, then sleep, until
 * the thread is woken (a kick, a stop) or the io clock reaches `deadline`
 * (UINT64_MAX: never); finish ends it. Sleep may end early. The thread is
 * freezable, and freezes here and only here.
 */
void gc_host_wait_prepare(struct bch_fs *c);
void gc_host_wait_sleep(struct bch_fs *c, uint64_t deadline);
void gc_host_wait_finish(struct bch_fs *c);

#ifdef __cplusplus
}
#endif

#endif /* BCH_GC_HOST_H */
