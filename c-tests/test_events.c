/* SPDX-License-Identifier: GPL-2.0-only */
/* What a call of bch2_gc() asks of its host around the work proper. */
#include "fs.h"

/* How a call ends, made by one thing each. */
enum end { END_CLEAN, END_STOPPED, END_SHAPE, END_NODE, END_MEMORY, END_NR };

static const int end_ret[END_NR] = {
	0, BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED, BCH_GC_BCH_FSCK_REPAIR_UNIMPLEMENTED, -EIO, -ENOMEM
};

static void prepare(enum end end)
{
	switch (end) {
	case END_STOPPED:
		bch_gc_model_usage_set(m, USAGE_DATA, 1);
		bch_gc_model_answer(m, BCH_GC_MODEL_EXIT);
		break;
	case END_SHAPE:
		ck_assert_int_eq(bch_gc_model_node_ptr_min(m, 0, 0, 0, 0, 1), 0);
		break;
	case END_NODE:
		ck_assert_int_eq(bch_gc_model_fail(m, "node_get", 2, EIO), 0);
		break;
	case END_MEMORY:
		ck_assert_int_eq(bch_gc_model_fail(m, "usage_gc_alloc", 0, ENOMEM), 0);
		break;
	default:
		break;
	}
}

static size_t find(size_t from, const char *name, const char *args)
{
	size_t i = bch_gc_model_event_find(m, from, name, args);

	ck_assert_msg(i != SIZE_MAX, "no %s %s", name, args ? args : "");
	return i;
}

/*
 * Oracle: issue: start and end exactly once a call, also on errors, whatever the
 * number of passes; the end says the result; nothing is done after the wake-up.
 */
START_TEST(trace_once_a_call)
{
	char args[32];
	size_t start, end;

	prepare((enum end)_i);
	ck_assert_int_eq(fs_initial(), end_ret[_i]);
	sprintf(args, "gc_end %d", end_ret[_i]);
	ck_assert_uint_eq(fs_count("trace", NULL), 2);
	ck_assert_uint_eq(fs_count("trace", "gc_start 0"), 1);
	ck_assert_uint_eq(fs_count("trace", args), 1);
	start = find(0, "trace", "gc_start 0");
	end = find(0, "trace", args);
	ck_assert_uint_lt(start, find(0, "lock", "GC_WRITE"));
	ck_assert_uint_gt(end, find(0, "unlock", "GC_WRITE"));
}
END_TEST

/* Oracle: docs/facts/gc.md, step 11: the time is counted also after an error. */
START_TEST(time_statistic)
{
	prepare((enum end)_i);
	ck_assert_int_eq(fs_initial(), end_ret[_i]);
	ck_assert_uint_eq(fs_count("gc_time", NULL), 1);
	ck_assert_uint_gt(find(0, "gc_time", NULL), find(0, "unlock", "GC_WRITE"));
}
END_TEST

/* Oracle: step 11: allocators and waiters are woken also after an error, without locks. */
START_TEST(wake_ups)
{
	prepare((enum end)_i);
	ck_assert_int_eq(fs_initial(), end_ret[_i]);
	ck_assert_uint_eq(fs_count("wake_allocators", NULL), 1);
	ck_assert_uint_gt(find(0, "wake_allocators", NULL), find(0, "unlock", "GC_WRITE"));
}
END_TEST

/* Oracle: step 7: gc_count once a complete pass; a stop in step 9 comes after it. */
START_TEST(count_once_a_pass)
{
	static const uint64_t count[END_NR] = { 1, 1, 0, 0, 0 };

	prepare((enum end)_i);
	ck_assert_int_eq(fs_initial(), end_ret[_i]);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), count[_i]);
	ck_assert_uint_eq(fs_count("gc_count_inc", NULL), count[_i]);
}
END_TEST

/* Oracle: the same with passes repeated: trace once, count twice. */
START_TEST(restarted)
{
	bch_gc_model_param_set(m, GC_HOST_PARAM_TEST_RESTART_GC, true);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_count("trace", NULL), 2);
	ck_assert_uint_eq(fs_count("gc_time", NULL), 1);
	ck_assert_uint_eq(fs_count("gc_count_inc", NULL), 2);
	ck_assert_uint_eq(fs_count("wake_allocators", NULL), 1);
	ck_assert_uint_eq(fs_count("usage_gc_alloc", NULL), 2);
	/* twice: before the restart and at the end */
	ck_assert_uint_eq(fs_count("usage_gc_free", NULL), 2);
}
END_TEST

/*
 * Oracle: steps 1 and 2 and section "Superblocks": state_lock is asserted before
 * anything is taken, sb_lock once for each member there is.
 */
START_TEST(locks_are_asserted)
{
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_count("assert_held", "STATE_READ"), 1);
	ck_assert_uint_lt(find(0, "assert_held", "STATE_READ"), find(0, "lock", "GC_WRITE"));
	ck_assert_uint_eq(fs_count("assert_held", "SB"), FS_DEVICES);
}
END_TEST

/* Oracle: the assertion must be able to fail: without the lock the model objects. */
START_TEST(assertion_of_the_state_lock_fails_without_it)
{
	ck_assert_int_eq(bch2_gc(bch_gc_model_fs(m), NULL, true, false), 0);
	ck_assert_uint_ge(bch_gc_model_violations(m), 1);
	ck_assert_ptr_nonnull(strstr(bch_gc_model_violation(m, 0), "assert_held"));
	bch_gc_model_violations_clear(m);
}
END_TEST

/* Oracle: sb_lock is held by the caller of bch2_mark_dev_superblock(), or it objects. */
START_TEST(assertion_of_the_sb_lock_fails_without_it)
{
	size_t i, n = 0;

	bch2_mark_dev_superblock(bch_gc_model_fs(m), bch_gc_model_dev(m, 0), 0);
	for (i = 0; i < bch_gc_model_violations(m); i++)
		n += strstr(bch_gc_model_violation(m, i), "assert_held") != NULL;
	ck_assert_uint_eq(n, 1);
	bch_gc_model_violations_clear(m);
}
END_TEST

/* Oracle: step 2: interior updates are waited for under gc_lock, before the start. */
START_TEST(interior_updates_are_drained_first)
{
	size_t wait;

	ck_assert_int_eq(fs_initial(), 0);
	wait = find(0, "wait_interior_updates", NULL);
	ck_assert_uint_gt(wait, find(0, "lock", "GC_WRITE"));
	ck_assert_uint_lt(wait, find(0, "usage_gc_alloc", NULL));
	ck_assert_uint_eq(fs_count("wait_interior_updates", NULL), 1);
}
END_TEST

/* Oracle: step 9: the journal is blocked around the comparison, and only after success. */
START_TEST(journal_blocked_while_comparing)
{
	bool compared = _i == END_CLEAN || _i == END_STOPPED;

	prepare((enum end)_i);
	ck_assert_int_eq(fs_initial(), end_ret[_i]);
	ck_assert_uint_eq(fs_count("journal_block", NULL), compared);
	ck_assert_uint_eq(fs_count("journal_unblock", NULL), compared);
	ck_assert_uint_eq(fs_count("usage_fold", NULL), _i == END_CLEAN || _i == END_STOPPED);
	if (compared) {
		size_t block = find(0, "journal_block", NULL);

		ck_assert_uint_lt(block, find(block, "lock", "MARK_WRITE"));
		ck_assert_uint_lt(find(0, "usage_fold", NULL), find(0, "journal_unblock", NULL));
	}
}
END_TEST

/*
 * Oracle: the order of references: superblocks, btrees, the allocator. (The phase of
 * pending deletes lies between the last two; that it is never entered shows in
 * test_position.c.)
 */
START_TEST(order_of_the_phases)
{
	size_t sb, first, last, freelist;

	ck_assert_int_eq(fs_initial(), 0);
	sb = find(0, "lock", "SB");
	first = find(0, "btree_root", "6");
	last = find(0, "btree_root", "7");
	freelist = find(0, "lock", "FREELIST");
	ck_assert_uint_lt(sb, first);
	ck_assert_uint_lt(first, last);
	ck_assert_uint_lt(last, freelist);
	ck_assert_uint_lt(freelist, find(0, "gc_count_inc", NULL));
}
END_TEST

/* Oracle: what was made is freed once a pass, under mark_lock, whatever the end. */
START_TEST(second_arrays_are_freed)
{
	prepare((enum end)_i);
	ck_assert_int_eq(fs_initial(), end_ret[_i]);
	ck_assert_uint_eq(fs_count("usage_gc_free", NULL), 1);
	ck_assert_uint_eq(fs_count("stripes_gc_free", NULL), 1);
	ck_assert_uint_eq(fs_count("dev_gc_free", NULL), FS_DEVICES);
}
END_TEST

/*
 * Oracle: issue, point 5: a stripe is dirty once one of its fields was copied. What is
 * right already is not touched.
 */
START_TEST(stripe_dirty_when_copied)
{
	struct bch_gc_model_stripe s;

	fs_stripe(BCH_GC_MODEL_BTREE, 1);
	fs_stripe(BCH_GC_MODEL_BTREE, 2);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(bch_gc_model_stripe_get(m, 1, &s), 0);
	s.dirty = false;
	s.block_sectors[0] = 3;
	ck_assert_int_eq(bch_gc_model_stripe_set(m, 1, &s), 0);
	ck_assert_int_eq(bch_gc_model_stripe_get(m, 2, &s), 0);
	s.dirty = false;
	ck_assert_int_eq(bch_gc_model_stripe_set(m, 2, &s), 0);

	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_int_eq(bch_gc_model_stripe_get(m, 1, &s), 0);
	ck_assert(s.dirty);
	ck_assert_uint_eq(s.block_sectors[0], 16);
	ck_assert_int_eq(bch_gc_model_stripe_get(m, 2, &s), 0);
	ck_assert(!s.dirty);
}
END_TEST

/* Oracle: the heap is emptied once and gets each stripe that is alive. */
START_TEST(heap_of_stripes)
{
	struct bch_gc_model_stripe s;
	unsigned i;

	for (i = 1; i <= 3; i++)
		fs_stripe_alone(BCH_GC_MODEL_BTREE, i);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_count("stripes_heap_reset", NULL), 1);
	ck_assert_uint_eq(fs_count("stripes_heap_insert", NULL), 3);
	for (i = 1; i <= 3; i++) {
		ck_assert_int_eq(bch_gc_model_stripe_get(m, i, &s), 0);
		ck_assert(s.in_heap);
	}
}
END_TEST

/* Oracle: gc_lock is taken for writing once a call, and given back. */
START_TEST(gc_lock_once_a_call)
{
	prepare((enum end)_i);
	ck_assert_int_eq(fs_initial(), end_ret[_i]);
	ck_assert_uint_eq(fs_count("lock", "GC_WRITE"), 1);
	ck_assert_uint_eq(fs_count("unlock", "GC_WRITE"), 1);
	ck_assert_uint_eq(fs_count("lock", "GC_READ"), 0);
}
END_TEST

Suite *suite_events(void)
{
	Suite *s = suite_create("events");
	TCase *t = tcase_create("events");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_loop_test(t, trace_once_a_call, 0, END_NR);
	tcase_add_loop_test(t, time_statistic, 0, END_NR);
	tcase_add_loop_test(t, wake_ups, 0, END_NR);
	tcase_add_loop_test(t, count_once_a_pass, 0, END_NR);
	tcase_add_test(t, restarted);
	tcase_add_test(t, locks_are_asserted);
	tcase_add_test(t, assertion_of_the_state_lock_fails_without_it);
	tcase_add_test(t, assertion_of_the_sb_lock_fails_without_it);
	tcase_add_test(t, interior_updates_are_drained_first);
	tcase_add_loop_test(t, journal_blocked_while_comparing, 0, END_NR);
	tcase_add_test(t, order_of_the_phases);
	tcase_add_loop_test(t, second_arrays_are_freed, 0, END_NR);
	tcase_add_test(t, stripe_dirty_when_copied);
	tcase_add_test(t, heap_of_stripes);
	tcase_add_loop_test(t, gc_lock_once_a_call, 0, END_NR);
	suite_add_tcase(s, t);
	return s;
}
