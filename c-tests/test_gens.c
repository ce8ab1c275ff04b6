/* SPDX-License-Identifier: GPL-2.0-only */
/* bch2_gc_gens(): the oldest generation any pointer still has. */
#include "fs.h"

static void set_gen(unsigned dev, uint64_t bucket, uint8_t gen, uint8_t oldest)
{
	struct bch_gc_model_bucket b = fs_get(dev, bucket);

	b.gen = gen;
	b.oldest_gen = oldest;
	fs_set(dev, bucket, b);
}

static int gens(void)
{
	return bch2_gc_gens(bch_gc_model_fs(m));
}

/*
 * Oracle: by hand: pointers of generation 0 into buckets of generation 5 keep 0; a
 * bucket without pointers follows its own generation.
 */
START_TEST(oldest_of_pointers)
{
	uint64_t none = fs_alloc(0);

	set_gen(0, at.plain, 5, 5);
	set_gen(2, at.shared, 7, 3);
	set_gen(0, none, 9, 2);
	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(fs_get(0, at.plain).oldest_gen, 0);
	ck_assert_uint_eq(fs_get(2, at.shared).oldest_gen, 0);
	ck_assert_uint_eq(fs_get(0, none).oldest_gen, 9);
	ck_assert_uint_eq(fs_get(0, none).gc_gen, 9);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
}
END_TEST

/* Oracle: generations are a circle: 250 is older than 3; half a circle away is not. */
START_TEST(generations_wrap)
{
	static const struct {
		uint8_t gen, ptr, oldest;
	} cases[] = {
		{ 3, 250, 250 }, { 3, 3, 3 }, { 3, 4, 3 }, { 130, 3, 3 },
		{ 131, 3, 131 }, { 0, 255, 255 }, { 127, 0, 0 }, { 128, 0, 128 },
	};
	struct bch_gc_model_ptr ptr = fs_ptr(1, fs_alloc(1), 0);

	ptr.gen = cases[_i].ptr;
	ptr.cached = true;
	fs_extent(4096, 4096, 8, ptr);
	set_gen(1, ptr.sector / FS_BUCKET, cases[_i].gen, cases[_i].gen);
	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(fs_get(1, ptr.sector / FS_BUCKET).oldest_gen, cases[_i].oldest);
}
END_TEST

/* Oracle: of several pointers the oldest, wherever they stand: here btree by btree. */
START_TEST(oldest_of_several)
{
	uint64_t bucket = fs_alloc(1);
	struct bch_gc_model_ptr ptr = fs_ptr(1, bucket, 0);

	ptr.cached = true;
	ptr.gen = 40;
	fs_extent(4096, 4096, 8, ptr);
	ptr.gen = 20;
	ck_assert_int_eq(bch_gc_model_reflink_v(m, BCH_GC_MODEL_BTREE, 640, 8, 1, NULL, &ptr, 1), 0);
	ptr.gen = 30;
	fs_extent(4099, 4096, 8, ptr);
	set_gen(1, bucket, 50, 50);
	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(fs_get(1, bucket).oldest_gen, 20);
}
END_TEST

/* Oracle: blocks of a stripe are pointers too. */
START_TEST(blocks_of_stripes)
{
	struct fs_stripe s = fs_stripe_alone(BCH_GC_MODEL_BTREE, 1);

	set_gen(1, s.bucket[1], 6, 6);
	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(fs_get(1, s.bucket[1]).oldest_gen, 0);
}
END_TEST

/* Oracle: D3: counted once and allocators woken, after all locks are free. */
START_TEST(counts_and_wakes)
{
	size_t unlock, wake;

	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 1);
	ck_assert_uint_eq(fs_count("wake_allocators", NULL), 1);
	unlock = bch_gc_model_event_find(m, 0, "unlock", "STATE_READ");
	wake = bch_gc_model_event_find(m, 0, "wake_allocators", NULL);
	ck_assert_uint_ne(unlock, SIZE_MAX);
	ck_assert_uint_lt(unlock, wake);
}
END_TEST

/* Oracle: D19: only btrees whose keys point to data: extents, ec, reflink. */
START_TEST(btrees_with_pointers)
{
	fs_stripe_alone(BCH_GC_MODEL_BTREE, 1);
	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(fs_count("walk_open", NULL), 3);
	ck_assert_uint_eq(fs_count("walk_close", NULL), 3);
	/* A key each, and the end of each walk: inodes, dirents, alloc are not among them. */
	if (fs_lends())
		ck_assert_uint_eq(fs_count("walk_next_key", NULL), 0);
	else
		ck_assert_uint_eq(fs_count("walk_next_key", NULL),
				  (16 + 4 + 4 + 1 + 1 + 2) + 1 + 1 + 3);
}
END_TEST

/* Oracle: nothing is marked and no position moves: no gc_lock, no second arrays. */
START_TEST(no_mark_and_sweep)
{
	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(fs_count("lock", "GC_WRITE"), 0);
	ck_assert_uint_eq(fs_count("mark_key", NULL), 0);
	ck_assert_uint_eq(fs_count("usage_gc_alloc", NULL), 0);
	ck_assert_uint_eq(fs_count("trace", NULL), 0);
}
END_TEST

/* Oracle: after a failure oldest_gen is as it was, nothing counted, nobody woken. */
START_TEST(failure)
{
	const char *const what[] = { "walk_open", fs_walk_step(), "walk_close" };
	static const int err[] = { ENOMEM, EIO, EINTR };
	uint64_t none = fs_alloc(0);

	set_gen(0, none, 9, 2);
	ck_assert_int_eq(bch_gc_model_fail(m, what[_i], (size_t)_i, err[_i]), 0);
	ck_assert_int_eq(gens(), -err[_i]);
	ck_assert(bch_gc_model_failed(m));
	ck_assert_uint_eq(fs_get(0, none).oldest_gen, 2);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 0);
	ck_assert_uint_eq(fs_count("wake_allocators", NULL), 0);
	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(fs_get(0, none).oldest_gen, 9);
}
END_TEST

/*
 * Oracle: differences.md: a pointer to nowhere is reported and skipped; the buckets of
 * the others are right.
 */
START_TEST(pointer_to_nowhere)
{
	struct bch_gc_model_ptr ptr = fs_ptr(_i ? 77 : 0, 1000000, 0);

	fs_extent(4096, 1, 1, ptr);
	set_gen(0, at.plain, 5, 5);
	ck_assert_int_eq(gens(), 0);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "pointer to nonexistent bucket: dev "), 1);
	ck_assert_uint_eq(fs_get(0, at.plain).oldest_gen, 0);
}
END_TEST

Suite *suite_gens(void)
{
	Suite *s = suite_create("gens");
	TCase *t = tcase_create("gens");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_test(t, oldest_of_pointers);
	tcase_add_loop_test(t, generations_wrap, 0, 8);
	tcase_add_test(t, oldest_of_several);
	tcase_add_test(t, blocks_of_stripes);
	tcase_add_test(t, counts_and_wakes);
	tcase_add_test(t, btrees_with_pointers);
	tcase_add_test(t, no_mark_and_sweep);
	tcase_add_loop_test(t, failure, 0, 3);
	tcase_add_loop_test(t, pointer_to_nowhere, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
