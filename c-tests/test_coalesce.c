/* SPDX-License-Identifier: GPL-2.0-only */
/* Merging of nodes, on a btree of which most keys have been deleted. */
#include "fs.h"

#include <pthread.h>

#define INODES	200

static void setup(void)
{
	struct bch_gc_model_options o;
	uint64_t i;

	fs_options(&o);
	o.nbuckets = 1024;
	o.node_keys = 8;
	m = bch_gc_model_create(&o);
	ck_assert_ptr_nonnull(m);
	for (i = 1; i <= INODES; i++)
		ck_assert_int_eq(bch_gc_model_inode(m, BCH_GC_MODEL_BTREE, i), 0);
	for (i = 1; i <= INODES; i++)
		if (i % 4)
			ck_assert_int_eq(bch_gc_model_delete(m, BCH_GC_MODEL_BTREE,
							     BCH_GC_BTREE_ID_INODES, 0, i), 0);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	bch_gc_model_events_clear(m);
}

static size_t leaves(void)
{
	return bch_gc_model_nodes(m, BCH_GC_BTREE_ID_INODES, 0);
}

/* The leaves tile the btree. */
static void assert_shape(void)
{
	struct bch_gc_model_node n;
	uint64_t inode = 0, offset = 0;
	size_t i;

	for (i = 0; i < leaves(); i++) {
		ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_INODES, 0, i, &n), 0);
		ck_assert_uint_eq(n.min_inode, inode);
		ck_assert_uint_eq(n.min_offset, offset);
		inode = n.max_inode;
		offset = n.max_offset + 1;
	}
	ck_assert_uint_eq(inode, UINT64_MAX);
	ck_assert_uint_eq(offset, 0);
}

static void assert_trace(const char *end)
{
	ck_assert_uint_eq(fs_count("trace", "coalesce_start 0"), 1);
	ck_assert_uint_eq(fs_count("trace", end), 1);
}

/* Oracle: a quarter of the keys needs half of the nodes or fewer; what gc counts is settled. */
START_TEST(sparse_nodes_are_merged)
{
	size_t before = leaves();

	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert_uint_ge(before, 2 * leaves());
	ck_assert_uint_gt(fs_count("walk_replace", NULL), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	assert_trace("coalesce_end 0");
	assert_shape();
	fs_assert_sound("after merging");

	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(fs_running(), 0);
	ck_assert_uint_eq(bch_gc_model_findings(m), 0);
}
END_TEST

/* Oracle: a second run has nothing to do: it asks for no replacement. */
START_TEST(merged_is_merged)
{
	size_t once;

	bch2_coalesce(bch_gc_model_fs(m));
	once = leaves();
	bch2_coalesce(bch_gc_model_fs(m));
	bch_gc_model_events_clear(m);
	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert_uint_le(leaves(), once);
	ck_assert_uint_eq(fs_count("walk_replace", NULL), 0);
}
END_TEST

/*
 * Oracle: a host that gives no reserve for one merge costs that merge alone, with its
 * reason in the trace and without a message.
 */
START_TEST(refused_merge_is_left_out)
{
	size_t before = leaves();

	ck_assert_int_eq(bch_gc_model_fail(m, "walk_replace", (size_t)_i, ENOSPC), 0);
	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert(bch_gc_model_failed(m));
	ck_assert_uint_eq(fs_count("trace", "coalesce_fail Reserve"), 1);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	assert_trace("coalesce_end 0");
	ck_assert_uint_lt(leaves(), before);
	assert_shape();
}
END_TEST

/* Oracle: what there can be no update for any more ends the run: its number in message and trace. */
START_TEST(read_only_ends_it)
{
	static const int err[] = { EROFS, EIO };
	char text[64], end[64];
	size_t before = leaves();

	sprintf(text, "btree coalescing failed: %d", -err[_i]);
	sprintf(end, "coalesce_end %d", -err[_i]);
	ck_assert_int_eq(bch_gc_model_fail(m, "walk_replace", 0, err[_i]), 0);
	bch2_coalesce(bch_gc_model_fs(m));
	assert_said(1, text);
	ck_assert_uint_eq(bch_gc_model_messages(m), 1);
	assert_trace(end);
	ck_assert_uint_eq(leaves(), before);
}
END_TEST

/* Oracle: the same nodes as without the wait; no node lock is held over it (the model looks). */
START_TEST(waits_for_a_reserve)
{
	static const int err[] = { EAGAIN, EINTR };
	size_t with;

	ck_assert_int_eq(bch_gc_model_fail(m, "walk_replace", 3, err[_i]), 0);
	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert(bch_gc_model_failed(m));
	ck_assert_uint_eq(fs_count("walk_wait", NULL), 1);
	with = leaves();
	bch_gc_model_destroy(m);
	setup();
	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert_uint_eq(leaves(), with);
}
END_TEST

/* Oracle: an error of the walk comes out as a message; what was merged before stays sound. */
START_TEST(walk_fails)
{
	static const char *const calls[] = { "walk_open", "walk_next_node", "walk_close" };

	ck_assert_int_eq(bch_gc_model_fail(m, calls[_i], 0, ENOMEM), 0);
	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert(bch_gc_model_failed(m));
	assert_said(1, "btree coalescing failed: -12");
	assert_trace("coalesce_end -12");
	assert_shape();
}
END_TEST

/* Keys in the leaves of the btree; what merging must not change. */
static size_t leaf_keys(void)
{
	struct bch_gc_model_node n;
	size_t i, sum = 0;

	for (i = 0; i < leaves(); i++) {
		ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_INODES, 0, i, &n), 0);
		sum += n.nr_keys;
	}
	return sum;
}

/* Oracle: the keys that were left are there, by a count and by a full check. */
START_TEST(keys_stay)
{
	ck_assert_uint_eq(leaf_keys(), INODES / 4);
	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert_uint_eq(leaf_keys(), INODES / 4);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	fs_assert_settled();
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_NR_INODES), INODES / 4);
}
END_TEST

/* Oracle: D7: gc_lock is taken shared, and given back as often, also on an early end. */
START_TEST(gc_lock)
{
	if (_i)
		ck_assert_int_eq(bch_gc_model_fail(m, "walk_next_node", 1, EIO), 0);
	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert_uint_eq(fs_count("lock", "GC_WRITE"), 0);
	ck_assert_uint_eq(fs_count("unlock", "GC_READ"), 1);
	ck_assert_uint_eq(fs_count("lock", "GC_READ") +
			  fs_count("lock_unless_stopping", "GC_READ"), 1);
}
END_TEST

/* Oracle: without a btree there is nothing to merge, and no error. */
START_TEST(empty_file_system)
{
	bch_gc_model_destroy(m);
	fs_empty();
	bch2_coalesce(bch_gc_model_fs(m));
	ck_assert_uint_eq(fs_count("walk_replace", NULL), 0);
	assert_trace("coalesce_end 0");
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
}
END_TEST

static volatile bool stop_merging;

static void *merge(void *arg)
{
	while (!stop_merging)
		bch2_coalesce(bch_gc_model_fs(m));
	return arg;
}

/*
 * Oracle: gc and merging exclude each other by gc_lock: mark and sweep beside a thread
 * that merges never meets a shape that is wrong, and all keys are there afterwards.
 */
START_TEST(beside_gc)
{
	pthread_t merger;
	unsigned i;

	stop_merging = false;
	ck_assert_int_eq(pthread_create(&merger, NULL, merge, NULL), 0);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(fs_running(), 0);
	stop_merging = true;
	ck_assert_int_eq(pthread_join(merger, NULL), 0);
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_NODE_MIN_KEY) +
			  bch_gc_model_findings_of(m, BCH_GC_FINDING_NODE_MAX_KEY), 0);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
	ck_assert_uint_eq(leaf_keys(), INODES / 4);
}
END_TEST

Suite *suite_coalesce(void)
{
	Suite *s = suite_create("coalesce");
	TCase *t = tcase_create("coalesce");

	tcase_add_checked_fixture(t, setup, fs_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, sparse_nodes_are_merged);
	tcase_add_test(t, merged_is_merged);
	tcase_add_loop_test(t, refused_merge_is_left_out, 0, 4);
	tcase_add_loop_test(t, read_only_ends_it, 0, 2);
	tcase_add_loop_test(t, waits_for_a_reserve, 0, 2);
	tcase_add_loop_test(t, walk_fails, 0, 3);
	tcase_add_test(t, keys_stay);
	tcase_add_loop_test(t, gc_lock, 0, 2);
	tcase_add_test(t, empty_file_system);
	tcase_add_test(t, beside_gc);
	suite_add_tcase(s, t);
	return s;
}
