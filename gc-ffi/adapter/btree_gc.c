// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for libbcachefs/btree_gc.c of bcachefs-tools (June 2020): mark and
 * sweep itself is in libbch_gc.a, and this is what the library asks of its host.
 *
 * Compiled by the tree with the tree's own flags, so that its structures may be
 * laid out as they like; what both sides share is asserted in bch_gc_layout.h.
 * The contracts of the functions are in bch_gc_host.h.
 */

#include "bcachefs.h"
#include "alloc_background.h"
#include "alloc_foreground.h"
#include "bkey_methods.h"
#include "btree_cache.h"
#include "btree_gc.h"
#include "btree_io.h"
#include "btree_iter.h"
#include "btree_locking.h"
#include "btree_update.h"
#include "btree_update_interior.h"
#include "buckets.h"
#include "clock.h"
#include "debug.h"
#include "ec.h"
#include "error.h"
#include "extents.h"
#include "journal.h"
#include "keylist.h"
#include "recovery.h"
#include "replicas.h"
#include "super.h"
#include "super-io.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <trace/events/bcachefs.h>

#include "bch_gc.h"
#include "bch_gc_host.h"
#define BCH_GC_LAYOUT_STRUCTS
#include "bch_gc_layout.h"

/* 0, which no version of the interface is, where a bit field lies elsewhere. */
unsigned gc_host_abi(void)
{
	const char *misplaced = bch_gc_layout_bits(~0ULL);

	if (misplaced) {
		printk(KERN_ERR "libbch_gc: bit field %s lies elsewhere in this build\n",
		       misplaced);
		return 0;
	}

	return BCH_GC_HOST_ABI;
}

/* ---- locks ---------------------------------------------------------- */

void gc_host_lock(struct bch_fs *c, unsigned id)
{
	switch (id) {
	case GC_HOST_LOCK_STATE_READ:
		down_read(&c->state_lock);
		break;
	case GC_HOST_LOCK_GC_READ:
		down_read(&c->gc_lock);
		break;
	case GC_HOST_LOCK_GC_WRITE:
		down_write(&c->gc_lock);
		break;
	case GC_HOST_LOCK_MARK_READ:
		percpu_down_read(&c->mark_lock);
		break;
	case GC_HOST_LOCK_MARK_WRITE:
		percpu_down_write(&c->mark_lock);
		break;
	case GC_HOST_LOCK_SB:
		mutex_lock(&c->sb_lock);
		break;
	case GC_HOST_LOCK_BTREE_ROOT:
		mutex_lock(&c->btree_root_lock);
		break;
	case GC_HOST_LOCK_FREELIST:
		spin_lock(&c->freelist_lock);
		break;
	}
}

void gc_host_unlock(struct bch_fs *c, unsigned id)
{
	switch (id) {
	case GC_HOST_LOCK_STATE_READ:
		up_read(&c->state_lock);
		break;
	case GC_HOST_LOCK_GC_READ:
		up_read(&c->gc_lock);
		break;
	case GC_HOST_LOCK_GC_WRITE:
		up_write(&c->gc_lock);
		break;
	case GC_HOST_LOCK_MARK_READ:
		percpu_up_read(&c->mark_lock);
		break;
	case GC_HOST_LOCK_MARK_WRITE:
		percpu_up_write(&c->mark_lock);
		break;
	case GC_HOST_LOCK_SB:
		mutex_unlock(&c->sb_lock);
		break;
	case GC_HOST_LOCK_BTREE_ROOT:
		mutex_unlock(&c->btree_root_lock);
		break;
	case GC_HOST_LOCK_FREELIST:
		spin_unlock(&c->freelist_lock);
		break;
	}
}

/* The two locks that the gc thread itself takes. */
static bool gc_trylock_read(struct bch_fs *c, unsigned id)
{
	struct rw_semaphore *sem = id == GC_HOST_LOCK_STATE_READ
		? &c->state_lock
		: &c->gc_lock;

	return down_read_trylock(sem);
}

bool gc_host_lock_unless_stopping(struct bch_fs *c, unsigned id)
{
	bool kthread = (current->flags & PF_KTHREAD) != 0;

	if (!kthread ||
	    (id != GC_HOST_LOCK_STATE_READ && id != GC_HOST_LOCK_GC_READ)) {
		gc_host_lock(c, id);
		return true;
	}

	/*
	 * Whoever stops this thread may hold the lock and wait for us, so blocking
	 * on it could last for ever. Asking to stop wakes us.
	 */
	while (!gc_trylock_read(c, id)) {
		set_current_state(TASK_INTERRUPTIBLE);

		if (kthread_should_stop()) {
			__set_current_state(TASK_RUNNING);
			return false;
		}

		schedule_timeout(HZ / 100 ?: 1);
	}

	return true;
}

void gc_host_assert_held(struct bch_fs *c, unsigned id)
{
	switch (id) {
	case GC_HOST_LOCK_STATE_READ:
		lockdep_assert_held(&c->state_lock);
		break;
	case GC_HOST_LOCK_GC_READ:
	case GC_HOST_LOCK_GC_WRITE:
		lockdep_assert_held(&c->gc_lock);
		break;
	case GC_HOST_LOCK_MARK_READ:
	case GC_HOST_LOCK_MARK_WRITE:
		percpu_rwsem_assert_held(&c->mark_lock);
		break;
	case GC_HOST_LOCK_SB:
		lockdep_assert_held(&c->sb_lock);
		break;
	case GC_HOST_LOCK_BTREE_ROOT:
		lockdep_assert_held(&c->btree_root_lock);
		break;
	case GC_HOST_LOCK_FREELIST:
		lockdep_assert_held(&c->freelist_lock);
		break;
	}
}

void gc_host_assert_no_locks(struct bch_fs *c)
{
	debug_check_no_locks_held();
}

/* ---- state ---------------------------------------------------------- */

static unsigned gc_flag_bit(unsigned flag)
{
	return flag == GC_HOST_FLAG_FIXED_GENS
		? BCH_FS_FIXED_GENS
		: BCH_FS_REBUILD_REPLICAS;
}

bool gc_host_flag_test(struct bch_fs *c, unsigned flag)
{
	return test_bit(gc_flag_bit(flag), &c->flags);
}

void gc_host_flag_set(struct bch_fs *c, unsigned flag, bool value)
{
	if (value)
		set_bit(gc_flag_bit(flag), &c->flags);
	else
		clear_bit(gc_flag_bit(flag), &c->flags);
}

bool gc_host_param(struct bch_fs *c, unsigned param)
{
	switch (param) {
	case GC_HOST_PARAM_EXPENSIVE_DEBUG_CHECKS:
		return expensive_debug_checks(c);
	case GC_HOST_PARAM_TEST_RESTART_GC:
		return test_restart_gc(c);
	case GC_HOST_PARAM_JOURNAL_SEQ_VERIFY:
		return journal_seq_verify(c);
	case GC_HOST_PARAM_REWRITE_DISABLED:
		return btree_gc_rewrite_disabled(c);
	case GC_HOST_PARAM_ALWAYS_REWRITE:
		return btree_gc_always_rewrite(c);
	case GC_HOST_PARAM_PERIODIC:
		return c->btree_gc_periodic;
	case GC_HOST_PARAM_LENDS:
		return true;
	case GC_HOST_PARAM_THREAD_FULL_GC:
	case GC_HOST_PARAM_UPDATES_BESIDE_GC:
		/* Updates through cached alloc iterators assert that no gc runs. */
	default:
		return false;
	}
}

uint64_t gc_host_sb_compat(struct bch_fs *c)
{
	return c->sb.compat;
}

uint64_t gc_host_key_version(struct bch_fs *c)
{
	return atomic64_read(&c->key_version);
}

void gc_host_key_version_set(struct bch_fs *c, uint64_t version)
{
	atomic64_set(&c->key_version, version);
}

uint64_t gc_host_journal_cur_seq(struct bch_fs *c)
{
	return journal_cur_seq(&c->journal);
}

void gc_host_gc_pos(struct bch_fs *c, uint32_t **seq, struct gc_pos **pos)
{
	_Static_assert(sizeof(c->gc_pos_lock) == sizeof(uint32_t),
		       "the sequence is one word");

	*seq = &c->gc_pos_lock.sequence;
	*pos = &c->gc_pos;
}

void gc_host_gc_count_inc(struct bch_fs *c)
{
	c->gc_count++;
}

void gc_host_wait_interior_updates(struct bch_fs *c)
{
	closure_wait_event(&c->btree_interior_update_wait,
			   !bch2_btree_interior_updates_nr_pending(c));
}

void gc_host_journal_block(struct bch_fs *c)
{
	bch2_journal_block(&c->journal);
}

void gc_host_journal_unblock(struct bch_fs *c)
{
	bch2_journal_unblock(&c->journal);
}

uint64_t gc_host_clock(void)
{
	return local_clock();
}

void gc_host_gc_time(struct bch_fs *c, uint64_t start)
{
	bch2_time_stats_update(&c->times[BCH_TIME_btree_gc], start);
}

void gc_host_wake_allocators(struct bch_fs *c)
{
	struct bch_dev *ca;
	unsigned i;

	for_each_member_device(ca, c, i)
		bch2_wake_allocator(ca);

	closure_wake_up(&c->freelist_wait);
}

void gc_host_trace(struct bch_fs *c, unsigned event, int arg)
{
	switch (event) {
	case GC_HOST_TRACE_GC_START:
		trace_gc_start(c);
		break;
	case GC_HOST_TRACE_GC_END:
		trace_gc_end(c);
		break;
	case GC_HOST_TRACE_COALESCE_START:
		trace_gc_coalesce_start(c);
		break;
	case GC_HOST_TRACE_COALESCE_END:
		trace_gc_coalesce_end(c);
		break;
	case GC_HOST_TRACE_COALESCE_FAIL:
		trace_btree_gc_coalesce_fail(c, arg);
		break;
	}
}

/* ---- messages ------------------------------------------------------- */

void gc_host_log(struct bch_fs *c, unsigned level, const char *msg)
{
	if (!c)
		printk(KERN_ERR "bcachefs: %s\n", msg);
	else if (level == GC_HOST_LOG_ERR)
		bch_err(c, "%s", msg);
	else
		bch_info(c, "%s", msg);
}

int gc_host_fsck_err(struct bch_fs *c, unsigned code, unsigned flags, const char *msg)
{
	/*
	 * bch2_fsck_err() counts messages by the address of their format: each code
	 * has one of its own. An array, since equal literals may be one.
	 */
	static const char formats[GC_HOST_FINDING_NR][4] = {
		[0 ... GC_HOST_FINDING_NR - 1] = "%s",
	};
	int ret = bch2_fsck_err(c, flags,
				formats[code < GC_HOST_FINDING_NR ? code : 0], msg);

	if (ret == FSCK_ERR_EXIT)
		bch_err(c, "Unable to continue, halting");

	return ret;
}

void gc_host_flush_fsck_errs(struct bch_fs *c)
{
	bch2_flush_fsck_errs(c);
}

void gc_host_bug(const char *msg)
{
	printk(KERN_ERR "%s\n", msg);
	BUG();
	abort();
}

/* ---- devices -------------------------------------------------------- */

struct bch_dev *gc_host_dev_next(struct bch_fs *c, unsigned *idx, bool online)
{
	return online
		? bch2_get_next_online_dev(c, idx, ~0)
		: bch2_get_next_dev(c, idx);
}

void gc_host_dev_put(struct bch_dev *ca, bool online)
{
	percpu_ref_put(online ? &ca->io_ref : &ca->ref);
}

void gc_host_dev_geom(struct bch_dev *ca, struct gc_host_dev_geom *out)
{
	out->nbuckets		= ca->mi.nbuckets;
	out->bucket_size	= ca->mi.bucket_size;
	out->first_bucket	= ca->mi.first_bucket;
	out->dev_idx		= ca->dev_idx;
}

struct bucket_array *gc_host_dev_buckets(struct bch_dev *ca, bool gc)
{
	return rcu_dereference_protected(ca->buckets[gc], 1);
}

static size_t gc_buckets_bytes(const struct bucket_array *a)
{
	return sizeof(*a) + a->nbuckets * sizeof(a->b[0]);
}

/*
 * Zeroed memory of just this size, unlike kvpmalloc(), which takes the next power of
 * two and writes it all. The tool locks into memory what it maps, at once and whole;
 * in the first pass, before anybody can wait for this file system, the array is
 * exempted while it cannot be touched yet, and takes the pages that are written: on a
 * large device few are.
 */
static void *gc_map(size_t bytes, bool as_written)
{
	void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;

	if (as_written)
		munlock(p, bytes);

	if (mprotect(p, bytes, PROT_READ|PROT_WRITE)) {
		munmap(p, bytes);
		return NULL;
	}

	return p;
}

int gc_host_dev_gc_alloc_buckets(struct bch_fs *c, struct bch_dev *ca)
{
	struct bucket_array *live = gc_host_dev_buckets(ca, false), *gc;

	if (ca->buckets[1])
		return -EEXIST;

	gc = gc_map(gc_buckets_bytes(live), !test_bit(BCH_FS_INITIAL_GC_DONE, &c->flags));
	if (!gc)
		return -ENOMEM;

	gc->first_bucket	= live->first_bucket;
	gc->nbuckets		= live->nbuckets;
	rcu_assign_pointer(ca->buckets[1], gc);
	return 0;
}

int gc_host_dev_gc_alloc_usage(struct bch_fs *c, struct bch_dev *ca)
{
	if (ca->usage[1])
		return -EEXIST;

	ca->usage[1] = alloc_percpu(struct bch_dev_usage);
	return ca->usage[1] ? 0 : -ENOMEM;
}

void gc_host_dev_gc_free(struct bch_fs *c, struct bch_dev *ca)
{
	struct bucket_array *gc = gc_host_dev_buckets(ca, true);

	if (gc)
		munmap(gc, gc_buckets_bytes(gc));
	ca->buckets[1] = NULL;

	free_percpu(ca->usage[1]);
	ca->usage[1] = NULL;
}

void gc_host_dev_sb_layout(struct bch_dev *ca, struct gc_host_sb_layout *out)
{
	const struct bch_sb_layout *layout = &ca->disk_sb.sb->layout;
	unsigned i;

	_Static_assert(ARRAY_SIZE(layout->sb_offset) == GC_HOST_SB_OFFSETS,
		       "a place for each copy");

	out->nr = min_t(unsigned, layout->nr_superblocks, GC_HOST_SB_OFFSETS);
	out->max_size_bits = layout->sb_max_size_bits;
	for (i = 0; i < out->nr; i++)
		out->offset[i] = le64_to_cpu(layout->sb_offset[i]);
}

unsigned gc_host_dev_journal(struct bch_dev *ca, const uint64_t **buckets)
{
	_Static_assert(sizeof(*ca->journal.buckets) == sizeof(**buckets),
		       "buckets are numbered by 64 bits");

	*buckets = (const uint64_t *) ca->journal.buckets;
	return ca->journal.nr;
}

bool gc_host_dev_reserve_bucket(struct bch_dev *ca, unsigned fifo, size_t n, size_t *bucket)
{
	alloc_fifo *f = fifo ? &ca->free[fifo - 1] : &ca->free_inc;

	_Static_assert(RESERVE_NR + 1 == GC_HOST_FIFO_NR, "the fifos of a device");

	if (n >= fifo_used(f))
		return false;

	*bucket = fifo_idx_entry(f, n);
	return true;
}

unsigned gc_host_open_buckets_nr(struct bch_fs *c)
{
	return ARRAY_SIZE(c->open_buckets);
}

bool gc_host_open_bucket_lock(struct bch_fs *c, unsigned i, struct bch_extent_ptr *ptr)
{
	struct open_bucket *ob = c->open_buckets + i;

	spin_lock(&ob->lock);
	if (ob->valid)
		*ptr = ob->ptr;

	return ob->valid;
}

void gc_host_open_bucket_unlock(struct bch_fs *c, unsigned i)
{
	spin_unlock(&c->open_buckets[i].lock);
}

/* ---- marking in the gc arrays --------------------------------------- */

int gc_host_mark_key(struct bch_fs *c, const struct bkey_s_c *k, int64_t sectors, unsigned flags)
{
	return bch2_mark_key(c, *k, 0, sectors, NULL, 0, flags);
}

bool gc_host_replicas_marked(struct bch_fs *c, const struct bkey_s_c *k)
{
	return bch2_bkey_replicas_marked(c, *k, false);
}

void gc_host_counters(struct bch_fs *c, struct gc_host_counters *out)
{
	out->replicas		= (const uint8_t *) c->replicas.entries;
	out->nr			= c->replicas.nr;
	out->stride		= c->replicas.entry_size;
	out->btree_node_size	= c->opts.btree_node_size;
}

void gc_host_usage_add(struct bch_fs *c, const uint64_t *words, unsigned nr)
{
	percpu_down_read(&c->mark_lock);
	preempt_disable();
	acc_u64s((u64 *) this_cpu_ptr(c->usage_gc), (const u64 *) words,
		 min(nr, fs_usage_u64s(c)));
	preempt_enable();
	percpu_up_read(&c->mark_lock);
}

int gc_host_mark_replicas(struct bch_fs *c, const struct bkey_s_c *k)
{
	return bch2_mark_bkey_replicas(c, *k);
}

void gc_host_mark_metadata_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
				  unsigned type, unsigned sectors,
				  const struct gc_pos *pos, unsigned flags)
{
	bch2_mark_metadata_bucket(c, ca, bucket, type, sectors, *pos, flags);
}

void gc_host_mark_alloc_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
			       bool owned, const struct gc_pos *pos, unsigned flags)
{
	bch2_mark_alloc_bucket(c, ca, bucket, owned, *pos, flags);
}

/* ---- stripes --------------------------------------------------------- */

int gc_host_stripes_gc_alloc(struct bch_fs *c)
{
	return bch2_ec_mem_alloc(c, true);
}

int gc_host_stripe_gc_slot(struct bch_fs *c, uint64_t idx)
{
	/* Slots are made for the stripes there are, not for any number in a key. */
	if (!genradix_ptr(&c->stripes[0], idx))
		return 0;

	return genradix_ptr_alloc(&c->stripes[1], idx, GFP_KERNEL) ? 0 : -ENOMEM;
}

void gc_host_stripes_gc_free(struct bch_fs *c)
{
	genradix_free(&c->stripes[1]);
}

bool gc_host_stripe_next(struct bch_fs *c, size_t *idx, struct stripe **live, struct stripe **gc)
{
	struct genradix_iter iter = genradix_iter_init(&c->stripes[0], *idx);

	*live = genradix_iter_peek(&iter, &c->stripes[0]);
	if (!*live)
		return false;

	*idx	= iter.pos;
	*gc	= genradix_ptr(&c->stripes[1], iter.pos);
	return true;
}

void gc_host_stripes_heap_reset(struct bch_fs *c)
{
	c->ec_stripes_heap.used = 0;
}

void gc_host_stripes_heap_insert(struct bch_fs *c, struct stripe *s, size_t idx)
{
	bch2_stripes_heap_insert(c, s, idx);
}

/* ---- usage of the file system ---------------------------------------- */

int gc_host_usage_gc_alloc(struct bch_fs *c)
{
	if (c->usage_gc)
		return -EEXIST;

	c->usage_gc = __alloc_percpu_gfp(fs_usage_u64s(c) * sizeof(u64),
					 sizeof(u64), GFP_KERNEL);
	return c->usage_gc ? 0 : -ENOMEM;
}

void gc_host_usage_gc_free(struct bch_fs *c)
{
	free_percpu(c->usage_gc);
	c->usage_gc = NULL;
}

void gc_host_usage_fold(struct bch_fs *c)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(c->usage); i++)
		bch2_fs_usage_acc_to_base(c, i);
}

void gc_host_dev_usage_set(struct bch_fs *c, struct bch_dev *ca,
			   const struct bch_dev_usage *usage)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(ca->usage[0], cpu), 0, sizeof(*usage));

	preempt_disable();
	*this_cpu_ptr(ca->usage[0]) = *usage;
	preempt_enable();
}

uint64_t *gc_host_usage(struct bch_fs *c, bool gc, unsigned *nr_u64s)
{
	*nr_u64s = fs_usage_u64s(c);

	return gc
		? (uint64_t *) bch2_acc_percpu_u64s((void *) c->usage_gc, *nr_u64s)
		: (uint64_t *) c->usage_base;
}

const struct bch_replicas_entry *gc_host_replicas_entry(struct bch_fs *c, unsigned i)
{
	return i < c->replicas.nr
		? cpu_replicas_entry(&c->replicas, i)
		: NULL;
}

/* ---- btree nodes ----------------------------------------------------- */

struct btree *gc_host_btree_root(struct bch_fs *c, unsigned btree_id)
{
	return c->btree_roots[btree_id].b;
}

void gc_host_node_info(struct btree *b, struct gc_host_node_info *out)
{
	out->min_key	= &b->data->min_key;
	out->max_key	= &b->data->max_key;
	out->key	= &b->key;
	out->seq	= b->c.lock.state.seq;
	out->level	= b->c.level;
	out->btree_id	= b->c.btree_id;
	out->fake	= btree_node_fake(b);
}

void gc_host_node_lock_read(struct btree *b)
{
	six_lock_read(&b->c.lock, NULL, NULL);
}

void gc_host_node_unlock_read(struct btree *b)
{
	six_unlock_read(&b->c.lock);
}

/* As the tree's own, which are not shown. */
static int gc_cached_node_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const u64 *v = arg->key;

	return ((const struct btree *) obj)->hash_val != *v;
}

static const struct rhashtable_params gc_cached_nodes = {
	.head_offset	= offsetof(struct btree, hash),
	.key_offset	= offsetof(struct btree, hash_val),
	.key_len	= sizeof(u64),
	.obj_cmpfn	= gc_cached_node_cmp,
};

static bool gc_node_cached(struct bch_fs *c, const struct bkey_i *k)
{
	u64 v = btree_ptr_hash_val(k);

	return rhashtable_lookup_fast(&c->btree_cache.table, &v, gc_cached_nodes) != NULL;
}

int gc_host_node_get(struct bch_fs *c, const struct bkey_i *k, unsigned btree_id,
		     unsigned level, struct btree **out, bool *checked)
{
	/* A debug build checks keys as often as it can. */
	bool read = !IS_ENABLED(CONFIG_BCACHEFS_DEBUG) && !gc_node_cached(c, k);
	struct btree *b = bch2_btree_node_get_noiter(c, k, btree_id, level);

	if (IS_ERR(b))
		return PTR_ERR(b);

	*out = b;
	*checked = read;
	return 0;
}

void gc_host_read_ahead(struct bch_fs *c, const struct bkey_i *k)
{
	struct bkey_ptrs_c ptrs = bch2_bkey_ptrs_c(bkey_i_to_s_c(k));
	const struct bch_extent_ptr *ptr;

	if (gc_node_cached(c, k))
		return;

	/* The first one that can be read is the one that is read. */
	bkey_for_each_ptr(ptrs, ptr) {
		struct bch_dev *ca;
		int fd;

		if (!bch2_dev_exists2(c, ptr->dev))
			continue;

		ca = bch_dev_bkey_exists(c, ptr->dev);
		if (!bch2_dev_is_readable(ca))
			continue;

		/* Direct io does not look at what is in memory. */
		fd = ca->disk_sb.bdev->bd_fd;
		if (!(fcntl(fd, F_GETFL) & O_DIRECT))
			posix_fadvise(fd, ptr->offset << 9, btree_bytes(c),
				      POSIX_FADV_WILLNEED);
		return;
	}
}

void gc_host_debugcheck(struct bch_fs *c, struct btree *b, const struct bkey_s_c *k)
{
	bch2_bkey_debugcheck(c, b, *k);
}

struct gc_node_keys {
	struct btree_and_journal_iter	iter;
	bool				overlay;
	bool				started;
};

static struct gc_node_keys *gc_node_keys(struct gc_host_node_keys *it)
{
	_Static_assert(sizeof(struct gc_node_keys) <= sizeof(*it), "fits the library's stack");
	_Static_assert(__alignof__(struct gc_node_keys) <= __alignof__(*it), "and its alignment");

	return (struct gc_node_keys *) it;
}

void gc_host_node_keys_init(struct gc_host_node_keys *it, struct journal_keys *keys,
			    struct btree *b)
{
	struct gc_node_keys *k = gc_node_keys(it);

	k->overlay = keys != NULL;
	k->started = false;

	if (k->overlay) {
		bch2_btree_and_journal_iter_init_node_iter(&k->iter, keys, b);
	} else {
		k->iter.b = b;
		bch2_btree_node_iter_init_from_start(&k->iter.node_iter, b);
	}
}

bool gc_host_node_keys_next(struct gc_host_node_keys *it, struct bkey_s_c *out)
{
	struct gc_node_keys *k = gc_node_keys(it);

	if (k->overlay) {
		*out = bch2_btree_and_journal_iter_next(&k->iter);
		return out->k != NULL;
	}

	if (k->started)
		bch2_btree_node_iter_advance(&k->iter.node_iter, k->iter.b);
	k->started = true;

	*out = bch2_btree_node_iter_peek_unpack(&k->iter.node_iter, k->iter.b,
						&k->iter.unpacked);
	return out->k != NULL;
}

static bool gc_journal_covers(struct journal_keys *keys, struct btree *b)
{
	struct btree_and_journal_iter iter;
	struct journal_key *k;

	bch2_btree_and_journal_iter_init_node_iter(&iter, keys, b);
	k = iter.journal.k;

	return k &&
		k < keys->d + keys->nr &&
		k->btree_id == b->c.btree_id &&
		k->level == b->c.level &&
		bkey_cmp(k->k->k.p, b->data->max_key) <= 0;
}

bool gc_host_node_set(struct bch_fs *c, struct journal_keys *keys, struct btree *b,
		      struct gc_host_node_set *out)
{
	if (IS_ENABLED(CONFIG_BCACHEFS_DEBUG) ||
	    b->nsets != 1 ||
	    (keys && gc_journal_covers(keys, b)))
		return false;

	out->format	= &b->format;
	out->keys	= (const uint64_t *) btree_bkey_first(b, b->set);
	out->u64s	= (u64 *) btree_bkey_last(b, b->set) -
		(u64 *) btree_bkey_first(b, b->set);
	return true;
}

/* ---- walks over a whole btree ---------------------------------------- */

/* On the heap: a transaction points into itself, and threads have small stacks. */
struct gc_host_walk {
	struct btree_trans	trans;
	struct btree_iter	*iter;
	unsigned		btree_id;
	unsigned		locks_want;
	unsigned		min_depth;
	/* what a replacement of nodes that could not be made waits for */
	struct closure		wait;
	bool			wait_journal;
	bool			wait_rewrite;
	__le64			rewrite_seq;
	struct bpos		rewrite_pos;
	unsigned		rewrite_level;
};

struct gc_host_walk *gc_host_walk_open(struct bch_fs *c, unsigned btree_id, unsigned kind,
				       unsigned locks_want, unsigned min_depth)
{
	struct gc_host_walk *w = kzalloc(sizeof(*w), GFP_KERNEL);

	if (w) {
		bch2_trans_init(&w->trans, c, 0, 0);
		closure_init_stack(&w->wait);
		w->btree_id	= btree_id;
		w->locks_want	= locks_want;
		w->min_depth	= min_depth;
	}

	return w;
}

int gc_host_walk_next_key(struct gc_host_walk *w, struct bkey_s_c *out)
{
	if (w->iter) {
		*out = bch2_btree_iter_next(w->iter);
	} else {
		w->iter = bch2_trans_get_iter(&w->trans, w->btree_id, POS_MIN,
					      BTREE_ITER_PREFETCH);
		if (IS_ERR(w->iter)) {
			int ret = PTR_ERR(w->iter);

			w->iter = NULL;
			return ret;
		}

		*out = bch2_btree_iter_peek(w->iter);
	}

	if (IS_ERR(out->k))
		return PTR_ERR(out->k);

	return out->k != NULL;
}

int gc_host_walk_next_node(struct gc_host_walk *w, struct btree **out)
{
	if (w->iter) {
		*out = bch2_btree_iter_next_node(w->iter);
	} else {
		w->iter = bch2_trans_get_node_iter(&w->trans, w->btree_id, POS_MIN,
						   w->locks_want, w->min_depth,
						   BTREE_ITER_PREFETCH);
		*out = bch2_btree_iter_peek_node(w->iter);
	}

	if (*out)
		bch2_verify_btree_nr_keys(*out);

	return *out != NULL;
}

void gc_host_walk_resched(struct gc_host_walk *w)
{
	bch2_trans_cond_resched(&w->trans);
}

int gc_host_walk_rewrite(struct gc_host_walk *w, struct btree *b, unsigned flags)
{
	return bch2_btree_node_rewrite(w->trans.c, w->iter, b->data->keys.seq, flags);
}

int gc_host_walk_close(struct gc_host_walk *w)
{
	int ret = bch2_trans_exit(&w->trans);

	closure_sync(&w->wait);
	kfree(w);
	return ret;
}

/* ---- the gc thread --------------------------------------------------- */

int gc_host_thread_start(struct bch_fs *c, int (*fn)(void *arg), void *arg)
{
	struct task_struct *p;

	if (c->gc_thread)
		return -EBUSY;

	p = kthread_create(fn, arg, "bch_gc");
	if (IS_ERR(p))
		return PTR_ERR(p);

	get_task_struct(p);
	c->gc_thread = p;
	wake_up_process(p);
	return 0;
}

void gc_host_thread_stop(struct bch_fs *c)
{
	struct task_struct *p = c->gc_thread;

	c->gc_thread = NULL;

	if (p) {
		kthread_stop(p);
		put_task_struct(p);
	}
}

bool gc_host_should_stop(struct bch_fs *c)
{
	return (current->flags & PF_KTHREAD) && kthread_should_stop();
}

unsigned gc_host_kicks(struct bch_fs *c)
{
	return atomic_read(&c->kick_gc);
}

uint64_t gc_host_io_clock(struct bch_fs *c)
{
	return atomic_long_read(&c->io_clock[WRITE].now);
}

uint64_t gc_host_capacity(struct bch_fs *c)
{
	return c->capacity;
}

void gc_host_wait_prepare(struct bch_fs *c)
{
	set_freezable();
	set_current_state(TASK_INTERRUPTIBLE);
}

void gc_host_wait_sleep(struct bch_fs *c, uint64_t deadline)
{
	if (deadline == UINT64_MAX)
		schedule();
	else
		bch2_io_clock_schedule_timeout(&c->io_clock[WRITE], deadline);

	try_to_freeze();
}

void gc_host_wait_finish(struct bch_fs *c)
{
	__set_current_state(TASK_RUNNING);
}

/* ---- merging of nodes ------------------------------------------------ */

/* The trace point has the tree's own numbers. */
_Static_assert((int) GC_HOST_COALESCE_FAIL_RESERVE ==
	       (int) BTREE_GC_COALESCE_FAIL_RESERVE_GET, "no reserve");
_Static_assert((int) GC_HOST_COALESCE_FAIL_MEMORY ==
	       (int) BTREE_GC_COALESCE_FAIL_KEYLIST_REALLOC, "no memory");
_Static_assert((int) GC_HOST_COALESCE_FAIL_FORMAT ==
	       (int) BTREE_GC_COALESCE_FAIL_FORMAT_FITS, "nothing gained");

void gc_host_node_size(struct bch_fs *c, uint64_t *bytes, uint64_t *block)
{
	*bytes = btree_bytes(c);
	*block = block_bytes(c);
}

uint32_t gc_host_node_live_u64s(struct btree *b)
{
	return b->nr.live_u64s;
}

bool gc_host_node_relock_intent(struct btree *b, uint32_t seq)
{
	return six_relock_intent(&b->c.lock, seq);
}

void gc_host_node_unlock_intent(struct btree *b)
{
	six_unlock_intent(&b->c.lock);
}

struct btree *gc_host_walk_parent(struct gc_host_walk *w, struct btree *b)
{
	struct btree *parent;

	_Static_assert(GC_HOST_LOCKS_TO_ROOT >= BTREE_MAX_DEPTH, "locks on all levels");

	if (btree_iter_node(w->iter, b->c.level) != b ||
	    !btree_node_intent_locked(w->iter, b->c.level))
		return NULL;

	parent = btree_node_parent(w->iter, b);

	return !IS_ERR_OR_NULL(parent) &&
		btree_node_intent_locked(w->iter, parent->c.level)
		? parent : NULL;
}

/*
 * Room in an interior node without a split, also when a write of the node that is
 * under way ends its last set first.
 */
static ssize_t gc_insert_room(struct bch_fs *c, struct btree *b)
{
	void *last = btree_bkey_last(b, bset_tree_last(b));
	struct btree_node_entry *next = max(write_block(b), last);

	return !btree_node_fake(b)
		? __bch_btree_u64s_remaining(c, b, &next->keys.start[0]) -
		  2 * (ssize_t) (block_bytes(c) >> 3)
		: 0;
}

/* The same once the node has been written anew, without what is overwritten in it. */
static ssize_t gc_insert_room_anew(struct bch_fs *c, struct btree *b)
{
	return !btree_node_fake(b)
		? (ssize_t) btree_max_u64s(c) - b->nr.live_u64s -
		  (ssize_t) (sizeof(struct btree_node_entry) >> 3) -
		  3 * (ssize_t) (block_bytes(c) >> 3)
		: 0;
}

/* Whether a node without room is split, or only written anew in one piece. */
static bool gc_insert_splits(struct bch_fs *c, struct btree *b, unsigned u64s)
{
	unsigned keys = b->nr.packed_keys + b->nr.unpacked_keys;

	return keys * BKEY_BTREE_PTR_U64s_MAX + u64s > BTREE_SPLIT_THRESHOLD(c);
}

/*
 * Whether an update can take this: -EAGAIN when the parent has to be written anew
 * before, -ENOSPC; and the number of nodes to reserve.
 *
 * Deleting keys in a node that is split meanwhile leaves whiteouts behind the new end
 * of its first half, which the tree then refuses to write. So the parent is never
 * split by it. Nodes above may be: they only get keys. An update has arrays of
 * fixed size and asserts that nothing goes beyond them.
 */
static int gc_update_has_room(struct gc_host_walk *w, const struct gc_host_replacement *r,
			      unsigned *nr_nodes)
{
	struct bch_fs *c = w->trans.c;
	struct btree_update *as = NULL;
	struct btree *b = r->parent;
	unsigned i, old_u64s = 0, insert = 0, journal, nodes = r->nr_new;
	unsigned key = BKEY_U64s + sizeof(struct bch_btree_ptr_v2) / sizeof(u64) +
		c->opts.metadata_replicas;

	for (i = 0; i < r->nr_old; i++) {
		old_u64s += r->old_nodes[i]->key.k.u64s;
		key = max_t(unsigned, key, r->old_nodes[i]->key.k.u64s);
	}

	for (i = 0; i < r->nr_keys; i++)
		insert += r->keys[i].new_node == GC_HOST_NEW_NONE ? BKEY_U64s : key;

	if ((ssize_t) insert > gc_insert_room(c, b) && gc_insert_splits(c, b, insert)) {
		if ((ssize_t) insert > gc_insert_room_anew(c, b))
			return -ENOSPC;

		w->wait_rewrite		= true;
		w->rewrite_seq		= b->data->keys.seq;
		w->rewrite_pos		= b->key.k.p;
		w->rewrite_level	= b->c.level;
		return -EAGAIN;
	}

	journal = insert + r->nr_keys;

	while ((ssize_t) insert > gc_insert_room(c, b)) {
		struct btree *parent = btree_node_parent(w->iter, b);
		bool splits = gc_insert_splits(c, b, insert);
		unsigned pieces = splits ? 2 : 1;

		old_u64s	+= max_t(unsigned, key, b->key.k.u64s);
		nodes		+= pieces;
		insert		= pieces * key;
		journal		+= insert + pieces;

		if (!parent) {
			/* a new root above the halves of the old one */
			nodes += splits;
			break;
		}

		b = parent;
	}

	*nr_nodes = min_t(unsigned, BTREE_RESERVE_MAX,
			  r->nr_new + btree_update_reserve_required(c, r->parent));

	return nodes <= *nr_nodes &&
		nodes <= ARRAY_SIZE(as->new_nodes) &&
		nodes * key <= ARRAY_SIZE(as->_new_keys) &&
		old_u64s <= ARRAY_SIZE(as->_old_keys) &&
		journal <= ARRAY_SIZE(as->journal_entries)
		? 0 : -ENOSPC;
}

/* Writes the parent anew, so that it has room again. Nothing is locked. */
static void gc_rewrite_parent(struct gc_host_walk *w)
{
	struct bch_fs *c = w->trans.c;
	struct btree_trans *trans = kzalloc(sizeof(*trans), GFP_KERNEL);
	struct btree_iter *iter;

	if (trans && percpu_ref_tryget(&c->writes)) {
		bch2_trans_init(trans, c, 0, 0);
		iter = bch2_trans_get_node_iter(trans, w->btree_id, w->rewrite_pos,
						BTREE_MAX_DEPTH, w->rewrite_level, 0);
		/* If it fails, the replacement that is tried again says so. */
		bch2_btree_node_rewrite(c, iter, w->rewrite_seq,
					BTREE_INSERT_USE_RESERVE|
					BTREE_INSERT_GC_LOCK_HELD);
		bch2_trans_exit(trans);
		percpu_ref_put(&c->writes);
	}

	kfree(trans);
}

/* Starts the update; the file system stays writable until it is done. */
static struct btree_update *gc_update_start(struct gc_host_walk *w, unsigned nr_nodes)
{
	struct bch_fs *c = w->trans.c;
	struct journal_preres res = { 0 };
	struct btree_update *as;
	int ret;

	if (!percpu_ref_tryget(&c->writes))
		return ERR_PTR(-EROFS);

	/*
	 * Waiting for the journal must not happen under the locks of the nodes: who
	 * makes room in it may need one of them. An update that may not unlock is
	 * lost when there is no room, so look before.
	 */
	ret = bch2_journal_preres_get(&c->journal, &res, BTREE_UPDATE_JOURNAL_RES,
				      JOURNAL_RES_GET_NONBLOCK);
	if (ret) {
		w->wait_journal = true;
		as = ERR_PTR(-EAGAIN);
	} else {
		bch2_journal_preres_put(&c->journal, &res);
		as = bch2_btree_update_start(&w->trans, w->btree_id, nr_nodes,
					     BTREE_INSERT_NOFAIL|
					     BTREE_INSERT_NOUNLOCK|
					     BTREE_INSERT_USE_RESERVE|
					     BTREE_INSERT_GC_LOCK_HELD,
					     &w->wait);
	}

	if (IS_ERR(as))
		percpu_ref_put(&c->writes);

	return as;
}

/* A new node like the old one, but for range, format and keys; intent locked. */
static struct btree *gc_new_node(struct btree_update *as, struct btree *like,
				 const struct bkey_format *format,
				 const struct gc_host_new_node *new)
{
	struct btree *n = __bch2_btree_node_alloc_replacement(as, like, *format);
	struct bset *i = btree_bset_first(n);

	n->data->min_key	= *new->min_key;
	n->data->max_key	= *new->max_key;
	n->key.k.p		= *new->max_key;
	if (n->key.k.type == KEY_TYPE_btree_ptr_v2)
		bkey_i_to_btree_ptr_v2(&n->key)->v.min_key = *new->min_key;

	memcpy_u64s(i->_data, new->keys, new->u64s);
	i->u64s = cpu_to_le16(new->u64s);
	set_btree_bset_end(n, n->set);

	memset(&n->nr, 0, sizeof(n->nr));
	n->nr.live_u64s		= new->u64s;
	n->nr.bset_u64s[0]	= new->u64s;
	n->nr.packed_keys	= new->packed_keys;
	n->nr.unpacked_keys	= new->unpacked_keys;
	bch2_verify_btree_nr_keys(n);
	btree_node_reset_sib_u64s(n);

	bch2_btree_build_aux_trees(n);
	bch2_btree_update_add_new_node(as, n);
	six_unlock_write(&n->c.lock);
	return n;
}

int gc_host_walk_replace(struct gc_host_walk *w, const struct gc_host_replacement *r,
			 struct btree **now)
{
	struct bch_fs *c = w->trans.c;
	struct btree_iter *iter = w->iter;
	struct btree *new[GC_HOST_MERGE_NODES], *last;
	u64 keys_buf[2 * GC_HOST_MERGE_NODES * BKEY_BTREE_PTR_U64s_MAX];
	struct keylist keys;
	struct btree_update *as;
	struct bkey_i delete;
	unsigned i, nr_nodes;
	int ret;

	_Static_assert(GC_HOST_MERGE_NODES == GC_MERGE_NODES, "nodes of a window");

	if (r->nr_old < 2 || r->nr_old > GC_HOST_MERGE_NODES ||
	    !r->nr_new || r->nr_new >= r->nr_old ||
	    r->nr_keys > 2 * GC_HOST_MERGE_NODES)
		return -EINVAL;

	last = r->old_nodes[r->nr_old - 1];

	/* The new nodes begin as copies of old ones in the new format. */
	for (i = 0; i < r->nr_new; i++)
		if (r->new_nodes[i].u64s > btree_max_u64s(c) ||
		    !bch2_btree_node_format_fits(c, r->old_nodes[i],
						 (struct bkey_format *) r->format))
			return -ENOSPC;

	ret = gc_update_has_room(w, r, &nr_nodes);
	if (ret)
		return ret;

	as = gc_update_start(w, nr_nodes);
	if (IS_ERR(as))
		return PTR_ERR(as);

	/* Nothing fails from here on. */
	trace_btree_gc_coalesce(c, last);

	for (i = 0; i < r->nr_old; i++)
		bch2_btree_interior_update_will_free_node(as, r->old_nodes[i]);

	for (i = 0; i < r->nr_new; i++) {
		new[i] = gc_new_node(as, r->old_nodes[i], r->format, r->new_nodes + i);
		bch2_btree_node_write(c, new[i], SIX_LOCK_intent);
	}

	bch2_keylist_init(&keys, keys_buf);
	for (i = 0; i < r->nr_keys; i++) {
		if (r->keys[i].new_node == GC_HOST_NEW_NONE) {
			bkey_init(&delete.k);
			delete.k.p = *r->keys[i].pos;
			bch2_keylist_add(&keys, &delete);
		} else {
			bch2_keylist_add(&keys, &new[r->keys[i].new_node]->key);
		}
	}

	bch2_btree_insert_node(as, r->parent, iter, &keys, BTREE_INSERT_GC_LOCK_HELD);

	for (i = 0; i < r->nr_new; i++)
		bch2_btree_update_get_open_buckets(as, new[i]);

	/* The walk's lock goes with the drop, freeing needs one of its own. */
	six_lock_increment(&last->c.lock, SIX_LOCK_intent);
	for (i = 0; i < r->nr_old; i++)
		bch2_btree_iter_node_drop(iter, r->old_nodes[i]);

	for (i = 0; i < r->nr_new; i++)
		bch2_btree_iter_node_replace(iter, new[i]);

	/*
	 * Before the new nodes are unlocked: nobody may find an old node after
	 * somebody has changed a new one.
	 */
	for (i = 0; i < r->nr_old; i++)
		bch2_btree_node_free_inmem(c, r->old_nodes[i], iter);

	for (i = 0; i < r->nr_new; i++)
		six_unlock_intent(&new[i]->c.lock);

	bch2_btree_update_done(as);
	percpu_ref_put(&c->writes);

	*now = new[r->nr_new - 1];
	return 0;
}

int gc_host_walk_wait(struct gc_host_walk *w, struct btree **now)
{
	struct bch_fs *c = w->trans.c;

	bch2_trans_unlock(&w->trans);
	closure_sync(&w->wait);

	if (w->wait_rewrite) {
		w->wait_rewrite = false;
		gc_rewrite_parent(w);
	}

	if (w->wait_journal) {
		struct journal_preres res = { 0 };
		int ret;

		w->wait_journal = false;
		ret = bch2_journal_preres_get(&c->journal, &res,
					      BTREE_UPDATE_JOURNAL_RES, 0);
		if (ret)
			return ret;

		bch2_journal_preres_put(&c->journal, &res);
	}

	*now = bch2_btree_iter_peek_node(w->iter);
	return *now != NULL;
}
