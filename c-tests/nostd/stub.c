/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host of nothing: every function of bch_gc_host.h, all but four of which end the
 * program. Linked with libbch_gc.a, libc and libgcc alone it shows that the archive
 * needs no Rust library, and that it asks the host for nothing else. The header is
 * not included on purpose: symbols are what counts here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bch_gc.h>

#include "stub.h"

#define NOT_THERE(name)	void name(void); void name(void) { abort(); }

NOT_THERE(gc_host_lock)
NOT_THERE(gc_host_unlock)
NOT_THERE(gc_host_lock_unless_stopping)
NOT_THERE(gc_host_assert_held)
NOT_THERE(gc_host_assert_no_locks)
NOT_THERE(gc_host_flag_test)
NOT_THERE(gc_host_flag_set)
NOT_THERE(gc_host_param)
NOT_THERE(gc_host_sb_compat)
NOT_THERE(gc_host_key_version)
NOT_THERE(gc_host_key_version_set)
NOT_THERE(gc_host_journal_cur_seq)
NOT_THERE(gc_host_gc_pos)
NOT_THERE(gc_host_gc_count_inc)
NOT_THERE(gc_host_wait_interior_updates)
NOT_THERE(gc_host_journal_block)
NOT_THERE(gc_host_journal_unblock)
NOT_THERE(gc_host_clock)
NOT_THERE(gc_host_gc_time)
NOT_THERE(gc_host_wake_allocators)
NOT_THERE(gc_host_trace)
NOT_THERE(gc_host_fsck_err)
NOT_THERE(gc_host_flush_fsck_errs)
NOT_THERE(gc_host_bug)
NOT_THERE(gc_host_dev_next)
NOT_THERE(gc_host_dev_put)
NOT_THERE(gc_host_dev_geom)
NOT_THERE(gc_host_dev_buckets)
NOT_THERE(gc_host_dev_gc_alloc_buckets)
NOT_THERE(gc_host_dev_gc_alloc_usage)
NOT_THERE(gc_host_dev_gc_free)
NOT_THERE(gc_host_dev_sb_layout)
NOT_THERE(gc_host_dev_journal)
NOT_THERE(gc_host_dev_reserve_bucket)
NOT_THERE(gc_host_open_buckets_nr)
NOT_THERE(gc_host_open_bucket_lock)
NOT_THERE(gc_host_open_bucket_unlock)
NOT_THERE(gc_host_mark_key)
NOT_THERE(gc_host_replicas_marked)
NOT_THERE(gc_host_mark_replicas)
NOT_THERE(gc_host_mark_metadata_bucket)
NOT_THERE(gc_host_mark_alloc_bucket)
NOT_THERE(gc_host_stripes_gc_alloc)
NOT_THERE(gc_host_stripe_gc_slot)
NOT_THERE(gc_host_stripes_gc_free)
NOT_THERE(gc_host_stripe_next)
NOT_THERE(gc_host_stripes_heap_reset)
NOT_THERE(gc_host_stripes_heap_insert)
NOT_THERE(gc_host_usage_gc_alloc)
NOT_THERE(gc_host_usage_gc_free)
NOT_THERE(gc_host_usage_fold)
NOT_THERE(gc_host_usage)
NOT_THERE(gc_host_replicas_entry)
NOT_THERE(gc_host_btree_root)
NOT_THERE(gc_host_node_info)
NOT_THERE(gc_host_node_lock_read)
NOT_THERE(gc_host_node_unlock_read)
NOT_THERE(gc_host_node_get)
NOT_THERE(gc_host_debugcheck)
NOT_THERE(gc_host_node_keys_init)
NOT_THERE(gc_host_node_keys_next)
NOT_THERE(gc_host_walk_open)
NOT_THERE(gc_host_walk_next_key)
NOT_THERE(gc_host_walk_next_node)
NOT_THERE(gc_host_walk_resched)
NOT_THERE(gc_host_walk_rewrite)
NOT_THERE(gc_host_walk_close)
NOT_THERE(gc_host_node_size)
NOT_THERE(gc_host_node_live_u64s)
NOT_THERE(gc_host_node_relock_intent)
NOT_THERE(gc_host_node_unlock_intent)
NOT_THERE(gc_host_walk_parent)
NOT_THERE(gc_host_walk_replace)
NOT_THERE(gc_host_walk_wait)
NOT_THERE(gc_host_should_stop)
NOT_THERE(gc_host_kicks)
NOT_THERE(gc_host_io_clock)
NOT_THERE(gc_host_capacity)
NOT_THERE(gc_host_wait_prepare)
NOT_THERE(gc_host_wait_sleep)
NOT_THERE(gc_host_wait_finish)

static unsigned abi;
static unsigned messages;
static int (*thread_fn)(void *);

unsigned gc_host_abi(void);
void gc_host_log(struct bch_fs *c, unsigned level, const char *msg);
int gc_host_thread_start(struct bch_fs *c, int (*fn)(void *), void *arg);
void gc_host_thread_stop(struct bch_fs *c);

unsigned gc_host_abi(void)
{
	return abi;
}

void gc_host_log(struct bch_fs *c, unsigned level, const char *msg)
{
	(void)c;
	(void)level;
	messages += strstr(msg, "libbch_gc") != NULL;
}

int gc_host_thread_start(struct bch_fs *c, int (*fn)(void *), void *arg)
{
	if ((void *)c != arg)
		return -EINVAL;
	thread_fn = fn;
	return 0;
}

void gc_host_thread_stop(struct bch_fs *c)
{
	(void)c;
	thread_fn = NULL;
}

static int is(int ok, const char *what)
{
	if (!ok)
		fprintf(stderr, "stub: %s\n", what);
	return !ok;
}

int stub_check(unsigned host_abi)
{
	/* Never looked into: the functions that would are not there. */
	struct bch_fs *c = (struct bch_fs *)&abi;
	int wrong = 0;

	abi = 4711;
	wrong += is(bch2_gc(c, NULL, true, false) == -EINVAL && messages == 1, "other host");
	wrong += is(bch2_gc_gens(c) == -EINVAL && messages == 2, "other host, gens");
	abi = host_abi;
	wrong += is(bch2_gc(NULL, NULL, true, false) == -EINVAL && messages == 2, "null");
	bch2_coalesce(NULL);
	wrong += is(messages == 2, "null, coalesce");
	abi = 4711;
	bch2_coalesce(c);
	wrong += is(messages == 3, "other host, coalesce");
	abi = host_abi;
	wrong += is(bch2_gc_thread_start(c) == 0 && thread_fn, "thread start");
	bch2_gc_thread_stop(c);
	wrong += is(!thread_fn, "thread stop");
	bch2_mark_dev_superblock(NULL, NULL, 0);
	wrong += is(bch_gc_version() != 0, "version");
	return wrong;
}
