/* SPDX-License-Identifier: GPL-2.0-only */
/* Failures of a call that is made only after another has failed. */
#include "../fs.h"
#include "inside.h"
#include "wrap.h"

static unsigned waits;

/* The replacement was put off: now the waiting for it fails too. */
static void fail_wait(enum wrapped call)
{
	if (call == CALL_WALK_WAIT && !waits++)
		ck_assert_int_eq(bch_gc_model_fail(m, "walk_wait", 0, EIO), 0);
}

static void put_off_always(enum wrapped call)
{
	if (call == CALL_WALK_WAIT) {
		waits++;
		ck_assert_int_eq(bch_gc_model_fail(m, "walk_replace", 0, EAGAIN), 0);
	}
}

static void coalesce(void (*before)(enum wrapped call))
{
	waits = 0;
	fs_sparse();
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(bch_gc_model_fail(m, "walk_replace", 0, EAGAIN), 0);
	before_call = before;
	bch2_coalesce(bch_gc_model_fs(m));
	before_call = NULL;
}

/* Oracle: the error of the wait ends merging, is said, and leaves all sound. */
START_TEST(wait_fails)
{
	coalesce(fail_wait);
	ck_assert_uint_eq(waits, 1);
	ck_assert(bch_gc_model_failed(m));
	assert_said(1, "btree coalescing failed: -5");
	ck_assert_uint_eq(fs_traced("coalesce_end -5"), 1);
}
END_TEST

/*
 * Oracle: docs/differences.md: a reserve is waited for eight times at most; then the
 * merge is given up, traced, and merging goes on.
 */
START_TEST(eight_waits)
{
	coalesce(put_off_always);
	ck_assert_uint_ge(waits, 8);
	ck_assert_uint_gt(fs_traced("coalesce_fail "), 0);
	ck_assert_uint_eq(waits, 8 * fs_traced("coalesce_fail "));
	ck_assert_uint_eq(fs_traced("coalesce_end 0"), 1);
	bch_gc_model_failed(m);
	fs_assert_settled();
}
END_TEST

Suite *suite_wait(void)
{
	Suite *s = suite_create("wait");
	TCase *t = tcase_create("wait");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_test(t, wait_fails);
	tcase_add_test(t, eight_waits);
	suite_add_tcase(s, t);
	return s;
}
