/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every allocation of the library itself, failing by index.
 *
 * Oracle: -ENOMEM, no lock, reference or array left, no block lost, nothing taken
 * over; and the next run is clean. Vacuous if the library allocated nothing: so the
 * number of allocations is asserted to be more than none.
 */
#include "../fs.h"
#include "counted.h"
#include "inside.h"

#include <unistd.h>

/* The failure must not be counted against the file system: wrong numbers stay wrong. */
#define WRONG	12345

#define RUNS		7
#define RUN_COALESCE	4
#define RUN_COUNTING	5
#define RUN_THREAD	6

/* Merging has no result; what fails for want of memory it traces or says. */
static int coalesce(void)
{
	size_t failed = fs_traced("coalesce_fail Memory") + fs_said("btree coalescing failed: -12");

	bch2_coalesce(bch_gc_model_fs(m));
	failed = fs_traced("coalesce_fail Memory") + fs_said("btree coalescing failed: -12") - failed;
	return failed == 1 ? -ENOMEM : (int)failed;
}

/* Plain keys are counted by the library. */
static int counting(void)
{
	int ret;

	bch_gc_model_param_set(m, GC_HOST_PARAM_LENDS, true);
	ret = fs_gc(true, false);
	bch_gc_model_param_set(m, GC_HOST_PARAM_LENDS, false);
	return ret;
}

/* Starting the thread, or its round: that says why it failed. */
static int thread(void)
{
	size_t failed = fs_said("btree gc failed: -12");
	uint64_t rounds = bch_gc_model_gc_count(m);
	int ret = bch2_gc_thread_start(bch_gc_model_fs(m));

	if (ret)
		return ret;
	ck_assert(bch_gc_model_thread_idle(m, 20000));
	bch_gc_model_kick(m);
	while (fs_said("btree gc failed: -12") == failed && bch_gc_model_gc_count(m) == rounds)
		usleep(100);
	bch2_gc_thread_stop(bch_gc_model_fs(m));
	return fs_said("btree gc failed: -12") == failed ? 0 : -ENOMEM;
}

static int run(int what)
{
	switch (what) {
	case 0: return fs_gc(true, false);
	case 1: return fs_gc(true, true);
	case 2: return fs_gc(false, false);
	case RUN_COALESCE: return coalesce();
	case RUN_COUNTING: return counting();
	case RUN_THREAD: return thread();
	default: return bch2_gc_gens(bch_gc_model_fs(m));
	}
}

START_TEST(each_allocation)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	size_t n;
	int ret;

	ck_assert_uint_eq(counted_live(), 0);
	bch_gc_model_param_set(m, GC_HOST_PARAM_THREAD_FULL_GC, true);
	if (_i == RUN_COALESCE) {
		fs_sparse();
		ck_assert_int_eq(bch_gc_model_settle(m), 0);
	}
	for (n = 0;; n++) {
		ck_assert_uint_lt(n, 100000);
		bch_gc_model_usage_set(m, USAGE_NR_INODES, WRONG);
		counted_fail(n);
		ret = run(_i);
		ck_assert_msg(counted_live() == 0, "allocation %lu: %lu blocks lost",
			      (unsigned long)n, (unsigned long)counted_live());
		fs_assert_sound("after a failed allocation");
		if (!counted_failed())
			break;
		ck_assert_msg(ret == -ENOMEM, "allocation %lu: result %d", (unsigned long)n, ret);
		ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_NR_INODES), WRONG);
		ck_assert_uint_eq(fs_get(0, at.plain).dirty_sectors, b.dirty_sectors);
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_gt(n, 0);
	counted_fail(SIZE_MAX);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
}
END_TEST

/*
 * Oracle: these take no memory and no call of the host that can fail, so there is nothing
 * that could go wrong with them.
 */
START_TEST(nothing_is_needed)
{
	counted_fail(0);
	ck_assert_int_eq(bch_gc_model_fail(m, NULL, 0, EIO), 0);
	ck_assert_uint_ne(bch_gc_version(), 0);
	gc_host_lock(bch_gc_model_fs(m), GC_HOST_LOCK_SB);
	bch2_mark_dev_superblock(bch_gc_model_fs(m), bch_gc_model_dev(m, 0), 0);
	gc_host_unlock(bch_gc_model_fs(m), GC_HOST_LOCK_SB);
	bch2_gc_thread_stop(bch_gc_model_fs(m));
	ck_assert_uint_eq(counted_calls(), 0);
	ck_assert(!counted_failed());
	ck_assert(!bch_gc_model_failed(m));
	fs_assert_sound("after calls that cannot fail");
}
END_TEST

/* Oracle: what every run allocates it gives back, also with findings and restarts. */
START_TEST(nothing_is_kept)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);

	b.dirty_sectors = 1;
	b.gen_valid = false;
	fs_set(0, at.plain, b);
	bch_gc_model_param_set(m, GC_HOST_PARAM_TEST_RESTART_GC, true);
	counted_fail(SIZE_MAX);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_gt(counted_calls(), 0);
	ck_assert_uint_eq(counted_live(), 0);
	ck_assert_int_eq(bch2_gc_thread_start(bch_gc_model_fs(m)), 0);
	ck_assert(bch_gc_model_thread_idle(m, 20000));
	bch_gc_model_kick(m);
	ck_assert(bch_gc_model_wait_gc_count(m, 3, 20000));
	bch2_gc_thread_stop(bch_gc_model_fs(m));
	ck_assert_uint_eq(counted_live(), 0);
}
END_TEST

Suite *suite_memory(void)
{
	Suite *s = suite_create("memory");
	TCase *t = tcase_create("memory");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_set_timeout(t, 600);
	tcase_add_loop_test(t, each_allocation, 0, RUNS);
	tcase_add_test(t, nothing_is_needed);
	tcase_add_test(t, nothing_is_kept);
	suite_add_tcase(s, t);
	return s;
}
