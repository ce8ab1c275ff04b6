/* SPDX-License-Identifier: GPL-2.0-only */
/* Results that the header does not allow: the library must not believe them. */
#include "../fs.h"
#include "inside.h"
#include "wrap.h"

static enum wrapped odd_call;
static int odd_result, after_calls;

static int odd(enum wrapped call, int ret)
{
	return call == odd_call && after_calls-- <= 0 ? odd_result : ret;
}

static int run(enum wrapped call, int result, bool initial)
{
	int ret;

	odd_call = call;
	odd_result = result;
	change_result = odd;
	ret = fs_gc(initial, false);
	change_result = NULL;
	return ret;
}

/* Oracle: what is no answer stops the run, and nothing is changed. */
START_TEST(answers_that_are_none)
{
	static const int answers[] = { 3, 255, -1, INT32_MIN, INT32_MAX };

	bch_gc_model_usage_set(m, USAGE_DATA, 1);
	after_calls = 0;
	ck_assert_int_eq(run(CALL_FSCK_ERR, answers[_i], true), BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), 1);
}
END_TEST

/*
 * Oracle: results are 0 or a negative errno. A positive one is an error too, never a
 * node; and never one of the results 1 and 2 that mean something to the caller.
 */
START_TEST(errors_that_are_none)
{
	static const int results[] = { 1, 2, 77, INT32_MAX, INT32_MIN };
	int ret;

	after_calls = 1;
	ret = run(CALL_NODE_GET, results[_i], true);
	/* The node that was lent beside the nonsense is lost: not ours to give back. */
	bch_gc_model_violations_clear(m);
	ck_assert_msg(ret < 0, "result %d", ret);
	bch_gc_model_destroy(m);
	m = NULL;
}
END_TEST

Suite *suite_odd_host(void)
{
	Suite *s = suite_create("odd host");
	TCase *t = tcase_create("odd host");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_loop_test(t, answers_that_are_none, 0, 5);
	tcase_add_loop_test(t, errors_that_are_none, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
