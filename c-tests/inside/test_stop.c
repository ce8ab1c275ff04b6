/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asked to stop at the nth question, for all n: merging, the pass over generations, and
 * the thread with either of its rounds.
 *
 * Oracle: the result says so, or the work was done; every lock is released, nothing is
 * lost, traces are closed, and the next run is clean. Vacuous if nobody asked: so the
 * number of questions is asserted. (The mark and sweep is stopped by answers to
 * findings: test_faults.c.)
 */
#include "../fs.h"
#include "counted.h"
#include "inside.h"
#include "wrap.h"

#include <unistd.h>

static size_t asked, stop_at;

/* From the nth question on the answer is to stop. */
static int nth(enum wrapped call, int ret)
{
	if (call != CALL_SHOULD_STOP && call != CALL_LOCK_UNLESS_STOPPING)
		return ret;
	if (__atomic_fetch_add(&asked, 1, __ATOMIC_SEQ_CST) < stop_at)
		return ret;
	return call == CALL_SHOULD_STOP;
}

static bool stopping(void)
{
	return __atomic_load_n(&asked, __ATOMIC_SEQ_CST) > stop_at;
}

static void stop_from(size_t n)
{
	stop_at = n;
	__atomic_store_n(&asked, 0, __ATOMIC_SEQ_CST);
	change_result = nth;
}

static void sound(const char *what, size_t n)
{
	char when[64];

	change_result = NULL;
	sprintf(when, "%s, asked to stop at question %lu", what, (unsigned long)n);
	ck_assert_msg(counted_live() == 0, "%s: %lu blocks lost", when,
		      (unsigned long)counted_live());
	ck_assert_msg(fs_traced("_start ") == fs_traced("_end "), "%s: trace left open", when);
	fs_assert_sound(when);
}

START_TEST(merging)
{
	size_t n;

	fs_sparse();
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	for (n = 0;; n++) {
		ck_assert_uint_lt(n, 100000);
		stop_from(n);
		bch2_coalesce(bch_gc_model_fs(m));
		sound("merging", n);
		if (!stopping())
			break;
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
}
END_TEST

START_TEST(generations)
{
	size_t n;
	int ret;

	for (n = 0;; n++) {
		stop_from(n);
		ret = bch2_gc_gens(bch_gc_model_fs(m));
		sound("generations", n);
		if (!stopping())
			break;
		ck_assert_int_eq(ret, -ESHUTDOWN);
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_gt(n, 0);
	fs_assert_settled();
}
END_TEST

START_TEST(thread)
{
	uint64_t rounds;
	size_t n;

	bch_gc_model_param_set(m, GC_HOST_PARAM_THREAD_FULL_GC, _i == 1);
	for (n = 0; n < 8; n++) {
		rounds = bch_gc_model_gc_count(m);
		stop_from(n);
		ck_assert_int_eq(bch2_gc_thread_start(bch_gc_model_fs(m)), 0);
		while (!stopping() && bch_gc_model_gc_count(m) == rounds) {
			bch_gc_model_kick(m);
			usleep(100);
		}
		bch2_gc_thread_stop(bch_gc_model_fs(m));
		ck_assert(!bch_gc_model_thread_running(m));
		/* Being stopped is no failure. */
		ck_assert_uint_eq(bch_gc_model_messages(m), 0);
		sound("thread", n);
	}
	/* Not stopped by then, it went round. */
	ck_assert_uint_gt(bch_gc_model_gc_count(m), 0);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
}
END_TEST

Suite *suite_stop(void)
{
	Suite *s = suite_create("stop");
	TCase *t = tcase_create("stop");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_set_timeout(t, 600);
	tcase_add_test(t, merging);
	tcase_add_test(t, generations);
	tcase_add_loop_test(t, thread, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
