/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every call of the host that can fail, failing at every index.
 *
 * Oracle for all: the error is the result (or 0 for the two calls whose result the
 * original drops), and after it all is as contracts demand: no lock held, no
 * reference, walk or second array left, trace closed. Vacuous would be a failure that
 * never happens: so for each function it must have happened at least once.
 */
#include "fs.h"

enum run { RUN_INITIAL, RUN_METADATA, RUN_RUNNING, RUN_GENS, RUN_COALESCE, RUN_THREAD, RUN_NR };

static const char *const run_name[RUN_NR] = { "initial", "metadata only", "running", "gens", "coalesce", "thread" };

static int run(enum run what)
{
	int ret;

	switch (what) {
	case RUN_INITIAL:
		return fs_gc(true, false);
	case RUN_METADATA:
		return fs_gc(true, true);
	case RUN_RUNNING:
		return fs_gc(false, false);
	case RUN_GENS:
		return bch2_gc_gens(bch_gc_model_fs(m));
	case RUN_COALESCE:
		bch2_coalesce(bch_gc_model_fs(m));
		return 0;
	default:
		ret = bch2_gc_thread_start(bch_gc_model_fs(m));
		bch2_gc_thread_stop(bch_gc_model_fs(m));
		return ret;
	}
}

/* A file system on which every function is called by some run. */
static void setup(void)
{
	struct bch_gc_model_bucket b;

	fs_full();
	fs_sparse();
	fs_stripe(BCH_GC_MODEL_BTREE, 1);
	fs_stripe(BCH_GC_MODEL_JOURNAL, 2);
	b = fs_get(1, at.cached);
	b.gen = 70;
	fs_set(1, at.cached, b);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	/* Replicas of every key are marked anew; stale nodes are rewritten. */
	bch_gc_model_flag_set(m, GC_HOST_FLAG_REBUILD_REPLICAS, true);
	bch_gc_model_param_set(m, GC_HOST_PARAM_UPDATES_BESIDE_GC, true);
	bch_gc_model_param_set(m, GC_HOST_PARAM_ALWAYS_REWRITE, true);
}

/* The original drops their results; merging has none, but says its errors. */
static bool dropped(const char *name, enum run what)
{
	return what == RUN_COALESCE || !strcmp(name, "mark_key") || !strcmp(name, "walk_rewrite");
}

/* All indexes of one function in one kind of run; how many there were. */
static size_t fail_each(const char *name, enum run what)
{
	char when[128];
	size_t n, starts, ends;
	int ret;

	for (n = 0;; n++) {
		sprintf(when, "%s: %s call %lu", run_name[what], name, (unsigned long)n);
		ck_assert_int_eq(bch_gc_model_fail(m, name, n, ENOSPC), 0);
		starts = fs_traced("_start ");
		ends = fs_traced("_end ");
		ret = run(what);
		if (!bch_gc_model_failed(m)) {
			ck_assert_msg(ret == 0, "%s: result %d without a failure", when, ret);
			return n;
		}
		if (dropped(name, what))
			ck_assert_msg(ret == 0, "%s: result %d", when, ret);
		else if (!strcmp(name, "walk_open"))	/* NULL, no errno */
			ck_assert_msg(ret == -ENOMEM, "%s: result %d", when, ret);
		else
			ck_assert_msg(ret == -ENOSPC, "%s: result %d", when, ret);
		starts = fs_traced("_start ") - starts;
		ends = fs_traced("_end ") - ends;
		ck_assert_msg(starts == ends && starts == (what != RUN_GENS && what != RUN_THREAD),
			      "%s: trace left open", when);
		fs_assert_sound(when);
	}
}

START_TEST(every_call_at_every_index)
{
	const char *name = bch_gc_model_fallible((size_t)_i);
	size_t failures = 0;
	int what;

	if (!name)
		return;
	/* Called only after another call has failed; see inside/test_wait.c. */
	if (!strcmp(name, "walk_wait"))
		return;
	if (!strcmp(name, "walk_next_key") && fs_lends())
		return;
	for (what = 0; what < RUN_NR; what++)
		failures += fail_each(name, (enum run)what);
	ck_assert_msg(failures > 0, "%s was never called", name);

	/* The run after all that repairs what a dropped result cost. */
	bch_gc_model_flag_set(m, GC_HOST_FLAG_REBUILD_REPLICAS, false);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
}
END_TEST

/* The loop above has a fixed end: the model has no more functions that can fail. */
#define FALLIBLE	32

START_TEST(no_function_is_left_out)
{
	ck_assert_ptr_nonnull(bch_gc_model_fallible(15));
	ck_assert_ptr_null(bch_gc_model_fallible(FALLIBLE));
}
END_TEST

/* Oracle: a function that cannot fail is refused: the tests above are about the rest. */
START_TEST(cannot_fail)
{
	ck_assert_int_eq(bch_gc_model_fail(m, "lock", 0, EIO), -EINVAL);
	ck_assert_int_eq(bch_gc_model_fail(m, "no such function", 0, EIO), -EINVAL);
}
END_TEST

/* Oracle: the same, counted over all functions together: no pair was overlooked. */
START_TEST(any_call_at_every_index)
{
	size_t n;
	int ret;

	for (n = 0;; n++) {
		ck_assert_int_eq(bch_gc_model_fail(m, NULL, n, ENOSPC), 0);
		ret = run((enum run)_i);
		if (!bch_gc_model_failed(m))
			break;
		ck_assert_msg(ret == -ENOSPC || ret == -ENOMEM || ret == 0, "call %lu: %d",
			      (unsigned long)n, ret);
		fs_assert_sound(run_name[_i]);
	}
	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(ret, 0);
}
END_TEST

/*
 * Oracle: "stop" at every finding of a thoroughly wrong file system: result 1, locks
 * free; and after it one fixing run, and nothing is left to find.
 */
START_TEST(stop_at_every_finding)
{
	struct bch_gc_model_bucket b;
	size_t n, i;
	int ret;

	bch_gc_model_flag_set(m, GC_HOST_FLAG_REBUILD_REPLICAS, false);
	for (n = 0;; n++) {
		for (i = 0; i < 6; i++) {
			b = fs_get(0, at.plain + i);
			b.dirty_sectors = (uint16_t)(1000 + n + i);
			b.cached_sectors = 5;
			fs_set(0, at.plain + i, b);
		}
		for (i = USAGE_BTREE; i < bch_gc_model_usage_words(m); i++)
			bch_gc_model_usage_set(m, i, 99999);
		bch_gc_model_answer_exit_at(m, n);
		ret = fs_gc(_i == 0, false);
		fs_assert_sound("after a stop");
		if (ret == 0)
			break;
		ck_assert_int_eq(ret, BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED);
		ck_assert_uint_lt(n, 200);
	}
	ck_assert_uint_ge(n, 12 + 9);
	bch_gc_model_answer_exit_at(m, SIZE_MAX);
	/* A concurrent run does not know the keys that only the journal has. */
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
}
END_TEST

Suite *suite_faults(void)
{
	Suite *s = suite_create("faults");
	TCase *t = tcase_create("faults");

	tcase_add_checked_fixture(t, setup, fs_down);
	tcase_set_timeout(t, 600);
	tcase_add_loop_test(t, every_call_at_every_index, 0, FALLIBLE);
	tcase_add_test(t, no_function_is_left_out);
	tcase_add_test(t, cannot_fail);
	tcase_add_loop_test(t, any_call_at_every_index, 0, RUN_NR);
	tcase_add_loop_test(t, stop_at_every_finding, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
