/* SPDX-License-Identifier: GPL-2.0-only */
/* Findings that need somebody else to change something while a run is under way. */
#include "../fs.h"
#include "inside.h"
#include "wrap.h"

static int left;

/* Another thread's work, done at the first call of its kind. */
static void raise_gen(enum wrapped call)
{
	struct bch_gc_model_bucket b;

	if (call != CALL_MARK_KEY || left-- != 1)
		return;
	bch_gc_model_bucket_get(m, 1, 100, &b);
	b.gen = 7;
	bch_gc_model_bucket_set(m, 1, 100, &b);
}

/*
 * Oracle: the generation that the run began with is what it takes over: the original
 * compares and copies it too.
 */
START_TEST(bucket_gen)
{
	left = 1;
	before_call = raise_gen;
	ck_assert_int_eq(fs_running(), 0);
	before_call = NULL;
	assert_said(1, "bucket 1:100 gen 7 data type none has wrong gen: got 7, should be 0");
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_BUCKET_GEN), 1);
	ck_assert_uint_eq(fs_get(1, 100).gen, 0);
}
END_TEST

static void wrong_hidden(enum wrapped call)
{
	if (call == CALL_USAGE)
		bch_gc_model_usage_set(m, USAGE_HIDDEN, 3);
}

/*
 * Oracle: `hidden` as it follows from the buckets against what was counted; equal but
 * for a host that lends a wrong one.
 */
START_TEST(hidden)
{
	char text[80];

	after_call = wrong_hidden;
	ck_assert_int_eq(fs_initial(), 0);
	after_call = NULL;
	sprintf(text, "fs has wrong hidden: got 3, should be %d", FULL_HIDDEN);
	assert_said(1, text);
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_FS_HIDDEN), 1);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), FULL_HIDDEN);
}
END_TEST

Suite *suite_interference(void)
{
	Suite *s = suite_create("interference");
	TCase *t = tcase_create("interference");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_test(t, bucket_gen);
	tcase_add_test(t, hidden);
	suite_add_tcase(s, t);
	return s;
}
