/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys and their buckets that do not agree: generations, types of data, overflow. */
#include "fs.h"

/* Oracle: docs/facts/gc.md: gen and gen_valid in place, dirty sectors as before. */
START_TEST(gen_missing)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	char text[128];

	b.gen_valid = false;
	fs_set(0, at.plain, b);
	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket 0:%lu data type data ptr gen 0 missing in alloc btree",
		(unsigned long)at.plain);
	assert_said(1, text);
	ck_assert_uint_eq(bch_gc_model_findings(m), 1);
	b = fs_get(0, at.plain);
	ck_assert(b.gen_valid);
	ck_assert_uint_eq(b.dirty_sectors, 128);
	fs_assert_settled();
}
END_TEST

/* Oracle: T is "btree" for a pointer to a node, and the finding cannot be ignored. */
START_TEST(gen_missing_of_a_node)
{
	struct bch_gc_model_node node;
	struct bch_gc_model_message msg;
	struct bch_gc_model_bucket b;
	char text[128];

	ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_EXTENTS, 0, 0, &node), 0);
	b = fs_get(node.dev, node.sector / FS_BUCKET);
	b.gen_valid = false;
	fs_set(node.dev, node.sector / FS_BUCKET, b);
	bch_gc_model_answer(m, BCH_GC_MODEL_IGNORE);
	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket %u:%lu data type btree ptr gen 0 missing in alloc btree", node.dev,
		(unsigned long)(node.sector / FS_BUCKET));
	assert_said(1, text);
	ck_assert_int_eq(bch_gc_model_message(m, 0, &msg), 0);
	ck_assert_uint_eq(msg.flags, BCH_GC_FSCK_CAN_FIX);
	fs_assert_settled();
}
END_TEST

/* An extent of gen 3 in a bucket of gen 0. */
static uint64_t future(void)
{
	struct bch_gc_model_ptr ptr = fs_ptr(1, fs_alloc(1), 0);
	struct bch_gc_model_bucket b;
	uint64_t bucket = ptr.sector / FS_BUCKET;

	ptr.gen = 3;
	fs_extent(4096, 4096, 16, ptr);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	b = fs_get(1, bucket);
	b.gen = 0;
	b.oldest_gen = 0;
	fs_set(1, bucket, b);
	return bucket;
}

/*
 * Oracle: docs/facts/gc.md: gen raised, old counts void, one restart, and at the end
 * the counts of the extent.
 */
START_TEST(gen_in_the_future)
{
	uint64_t bucket = future();
	char text[128];

	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket 1:%lu data type data ptr gen in the future: 3 > 0",
		(unsigned long)bucket);
	assert_said(1, text);
	assert_said(1, "Fixed gens, restarting mark and sweep:");
	assert_said(0, "Unable to fix bucket gens, looping");
	ck_assert_uint_eq(fs_get(1, bucket).gen, 3);
	ck_assert_uint_eq(fs_get(1, bucket).dirty_sectors, 16);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 2);
	ck_assert(!bch_gc_model_flag_get(m, GC_HOST_FLAG_FIXED_GENS));
	fs_assert_settled();
}
END_TEST

/* Oracle: as docs/facts/gc.md: the findings held back are printed at each restart. */
START_TEST(restart_flushes_findings)
{
	future();
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_count("flush_fsck_errs", NULL), 1);
	ck_assert_uint_eq(fs_count("flag_set", NULL), 2);
}
END_TEST

/*
 * Oracle: test_restart_gc forces one restart and no more: two passes, nothing found.
 */
START_TEST(restart_on_demand)
{
	bch_gc_model_param_set(m, GC_HOST_PARAM_TEST_RESTART_GC, true);
	ck_assert_int_eq(fs_initial(), 0);
	assert_said(1, "Fixed gens, restarting mark and sweep:");
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 2);
	ck_assert_uint_eq(bch_gc_model_findings(m), 0);
	fs_assert_counts("after a forced restart");
}
END_TEST

/*
 * Oracle: a bucket cannot be at both ends of the circle: two pointers 127 apart, both
 * ahead of the other by turns, never settle. Three restarts, then an error; the flag
 * stays set, as in the original.
 */
START_TEST(gens_that_never_settle)
{
	uint64_t bucket = fs_alloc(1);
	struct bch_gc_model_ptr ptr = fs_ptr(1, bucket, 0);
	struct bch_gc_model_bucket b;
	unsigned i;

	for (i = 0; i < 3; i++) {
		ptr.gen = (uint8_t)(1 + 85 * i);
		fs_extent(4096, 4096 + 16 * (i + 1), 16, ptr);
	}
	b = fs_get(1, bucket);
	b.gen = 200;
	fs_set(1, bucket, b);
	ck_assert_int_eq(fs_initial(), -EINVAL);
	assert_said(3, "Fixed gens, restarting mark and sweep:");
	assert_said(1, "Unable to fix bucket gens, looping");
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 4);
	ck_assert(bch_gc_model_flag_get(m, GC_HOST_FLAG_FIXED_GENS));
}
END_TEST

/* Oracle: docs/facts/marking.md, sections 4 and 6: reported, not counted, no error (D10). */
START_TEST(two_types_in_a_bucket)
{
	struct bch_gc_model_node node;
	struct bch_gc_model_message msg;
	char text[160];

	/* An extent into the bucket of a node; nodes fill a bucket by a quarter each. */
	ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_INODES, 0, 0, &node), 0);
	fs_extent(1, 8, 8, fs_ptr(node.dev, node.sector / FS_BUCKET, 0));
	bch_gc_model_answer(m, BCH_GC_MODEL_FIX);
	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket %u:%lu gen 0 different types of data in same bucket: ", node.dev,
		(unsigned long)(node.sector / FS_BUCKET));
	ck_assert_uint_ge(bch_gc_model_messages_with(m, text), 1);
	ck_assert_uint_ge(bch_gc_model_messages_with(m, "\nwhile marking u64s "), 1);
	ck_assert_int_eq(bch_gc_model_message(m, 0, &msg), 0);
}
END_TEST

/* Oracle: section 4: a dirty pointer behind its bucket is reported and not counted. */
START_TEST(stale_dirty_pointer)
{
	struct bch_gc_model_bucket b = fs_get(2, at.shared);
	char text[160];

	b.gen = 4;
	fs_set(2, at.shared, b);
	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket 2:%lu gen 4 data type data: stale dirty ptr (gen 0)\nwhile marking ",
		(unsigned long)at.shared);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, text), 1);
	ck_assert_uint_eq(fs_get(2, at.shared).dirty_sectors, 0);
	ck_assert_uint_eq(fs_get(2, at.shared).oldest_gen, 0);
}
END_TEST

/*
 * Oracle: section 4 of docs/facts/marking.md: a pointer that stays ahead of its bucket,
 * since the repair was refused, is reported again when it is marked, and not counted.
 */
START_TEST(newer_pointer_ignored)
{
	uint64_t bucket = future();
	char text[160];

	bch_gc_model_answer_code(m, BCH_GC_FINDING_GEN_FUTURE, BCH_GC_MODEL_IGNORE);
	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket 1:%lu data type data ptr gen in the future: 3 > 0",
		(unsigned long)bucket);
	assert_said(1, text);
	sprintf(text, "bucket 1:%lu gen 0 data type data: ptr gen 3 newer than bucket gen\n"
		"while marking ", (unsigned long)bucket);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, text), 1);
	ck_assert_uint_eq(fs_get(1, bucket).dirty_sectors, 0);
	ck_assert(!bch_gc_model_flag_get(m, GC_HOST_FLAG_FIXED_GENS));
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 1);
}
END_TEST

/* Oracle: the same with a generation that nobody knows: it stays unknown. */
START_TEST(gen_missing_ignored)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);

	b.gen_valid = false;
	fs_set(0, at.plain, b);
	bch_gc_model_answer_code(m, BCH_GC_FINDING_GEN_MISSING, BCH_GC_MODEL_IGNORE);
	ck_assert_int_eq(fs_initial(), 0);
	/* once for each of the sixteen pointers */
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_GEN_MISSING), 16);
	ck_assert(!fs_get(0, at.plain).gen_valid);
}
END_TEST

/* Oracle: section 4: 95 behind is stale, 96 behind may be ahead. */
START_TEST(pointer_too_stale)
{
	static const uint8_t gen[] = { 95, 96, 127 };
	struct bch_gc_model_bucket b = fs_get(1, at.cached);
	char text[160];

	b.gen = gen[_i];
	fs_set(1, at.cached, b);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket 1:%lu gen %u data type data: ptr gen 0 too stale\nwhile marking ",
		(unsigned long)at.cached, gen[_i]);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, text), gen[_i] < 96 ? 0 : 4);
	ck_assert_uint_eq(fs_get(1, at.cached).cached_sectors, 0);
}
END_TEST

/*
 * Oracle: section 4: 16 bits of sectors; the bucket is left as it was. Section 5: the
 * sectors of 65537 are computed in 32 bits that wrap: (65537^2 + 65536) / 65537 is 2.
 */
START_TEST(bucket_overflow)
{
	static const uint32_t size[] = { 1, 65537 };
	static const int counted[] = { 1, 2 };
	uint64_t bucket = fs_alloc(0);
	char text[160];

	fs_extent(1, 100000, 65535, fs_ptr(0, bucket, 0));
	fs_extent(2, 100000, size[_i], fs_ptr(0, bucket, 0));
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket 0:%lu gen 0 data type data sector count overflow: "
		"65535 + %d > U16_MAX\nwhile marking ", (unsigned long)bucket, counted[_i]);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, text), 1);
	ck_assert_uint_eq(fs_get(0, bucket).dirty_sectors, 65535);
}
END_TEST

/* Oracle: section 4: a cached pointer behind its bucket is stale, and no finding. */
START_TEST(stale_cached_pointer)
{
	struct bch_gc_model_bucket b = fs_get(1, at.cached);

	b.gen = 4;
	fs_set(1, at.cached, b);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(fs_get(1, at.cached).cached_sectors, 0);
	/* But it is still there: the generation must not run away from it. */
	ck_assert_uint_eq(fs_get(1, at.cached).oldest_gen, 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_CACHED), 0);
}
END_TEST

Suite *suite_marking(void)
{
	Suite *s = suite_create("marking");
	TCase *t = tcase_create("marking");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_test(t, gen_missing);
	tcase_add_test(t, gen_missing_of_a_node);
	tcase_add_test(t, gen_in_the_future);
	tcase_add_test(t, restart_flushes_findings);
	tcase_add_test(t, restart_on_demand);
	tcase_add_test(t, gens_that_never_settle);
	tcase_add_test(t, two_types_in_a_bucket);
	tcase_add_test(t, stale_dirty_pointer);
	tcase_add_test(t, newer_pointer_ignored);
	tcase_add_test(t, gen_missing_ignored);
	tcase_add_loop_test(t, pointer_too_stale, 0, 3);
	tcase_add_loop_test(t, bucket_overflow, 0, 2);
	tcase_add_test(t, stale_cached_pointer);
	suite_add_tcase(s, t);
	return s;
}
