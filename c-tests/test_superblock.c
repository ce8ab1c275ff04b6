/* SPDX-License-Identifier: GPL-2.0-only */
/* bch2_mark_dev_superblock(), with a file system and without one. */
#include "fs.h"

#define STRAY_BUCKETS	64

static struct bch_dev *stray;
/* What is logged without a file system goes to no model, and adds up over tests. */
static size_t lines_before;

static void stray_setup(void)
{
	fs_empty();
	stray = bch_gc_model_stray_make(m, STRAY_BUCKETS, FS_BUCKET);
	ck_assert_ptr_nonnull(stray);
	ck_assert_int_eq(bch_gc_model_journal_buckets_set(stray, NULL, 0), 0);
	lines_before = bch_gc_model_messages(NULL);
}

static void mark(void)
{
	bch2_mark_dev_superblock(NULL, stray, 0);
}

static void layout(const uint64_t *offsets, size_t nr, unsigned bits)
{
	ck_assert_int_eq(bch_gc_model_sb_layout_set(stray, offsets, nr, bits), 0);
}

static struct bch_gc_model_bucket get(uint64_t bucket)
{
	struct bch_gc_model_bucket b;

	ck_assert_int_eq(bch_gc_model_stray_bucket(stray, bucket, &b), 0);
	return b;
}

static unsigned dirty(uint64_t bucket)
{
	return get(bucket).dirty_sectors;
}

/* Sectors marked on the whole device. */
static unsigned long all_dirty(void)
{
	unsigned long sum = 0;
	uint64_t i;

	for (i = 0; i < STRAY_BUCKETS; i++)
		sum += dirty(i);
	return sum;
}

static size_t lines(void)
{
	return bch_gc_model_messages(NULL) - lines_before;
}

/* Oracle: by hand: [0,8), [8,40), and a copy at the start of bucket 3. */
START_TEST(default_layout)
{
	static const uint64_t offsets[] = { 8, 3 * FS_BUCKET };

	layout(offsets, 2, 5);
	mark();
	ck_assert_uint_eq(dirty(0), 8 + 32);
	ck_assert_uint_eq(dirty(3), 32);
	ck_assert_uint_eq(all_dirty(), 8 + 32 + 32);
	ck_assert_uint_eq(get(0).data_type, BCH_GC_BCH_DATA_SB);
	ck_assert_uint_eq(get(3).data_type, BCH_GC_BCH_DATA_SB);
	ck_assert_uint_eq(get(1).data_type, BCH_GC_BCH_DATA_NONE);
}
END_TEST

/* Oracle: only an offset of exactly 8 brings the sectors before it. */
START_TEST(first_sectors)
{
	static const uint64_t offsets[] = { 0, 7, 9, 16 };

	layout(&offsets[_i], 1, 3);
	mark();
	ck_assert_uint_eq(all_dirty(), 8);
}
END_TEST

/* Oracle: a copy of 64 sectors from sector 100: 28 in bucket 0, 36 in bucket 1. */
START_TEST(across_buckets)
{
	static const uint64_t offsets[] = { 100 };

	layout(offsets, 1, 6);
	mark();
	ck_assert_uint_eq(dirty(0), 28);
	ck_assert_uint_eq(dirty(1), 36);
	ck_assert_uint_eq(all_dirty(), 64);
}
END_TEST

/* Oracle: a copy of 512 sectors from the last sector of bucket 1: 1 + 3 * 128 + 127. */
START_TEST(across_many_buckets)
{
	static const uint64_t offsets[] = { 2 * FS_BUCKET - 1 };

	layout(offsets, 1, 9);
	mark();
	ck_assert_uint_eq(dirty(1), 1);
	ck_assert_uint_eq(dirty(2), FS_BUCKET);
	ck_assert_uint_eq(dirty(4), FS_BUCKET);
	ck_assert_uint_eq(dirty(5), FS_BUCKET - 1);
	ck_assert_uint_eq(all_dirty(), 512);
}
END_TEST

/* Oracle: a copy that ends with its bucket touches no other (D14's worry). */
START_TEST(ends_with_the_bucket)
{
	static const uint64_t offsets[] = { FS_BUCKET - 32 };

	layout(offsets, 1, 5);
	mark();
	ck_assert_uint_eq(dirty(0), 32);
	ck_assert_uint_eq(get(1).data_type, BCH_GC_BCH_DATA_NONE);
}
END_TEST

/* Oracle: no copies, nothing marked. */
START_TEST(no_copies)
{
	layout(NULL, 0, 5);
	mark();
	ck_assert_uint_eq(all_dirty(), 0);
	ck_assert_uint_eq(get(0).data_type, BCH_GC_BCH_DATA_NONE);
	ck_assert_uint_eq(lines(), 0);
}
END_TEST

/*
 * Oracle: D14: an empty range marks nothing: with the greatest offset the range cannot
 * have an end beyond its start.
 */
START_TEST(empty_range)
{
	static const uint64_t offsets[] = { UINT64_MAX };

	layout(offsets, 1, 5);
	mark();
	ck_assert_uint_eq(all_dirty(), 0);
}
END_TEST

/*
 * Oracle: D14: sizes of 2^31 sectors and more are what they say: every bucket from the
 * offset to the end of the device, and one line about what lies beyond.
 */
START_TEST(huge_copies)
{
	static const unsigned bits[] = { 13, 31, 32, 33, 62, 63, 64, 65, 127, 255, 4294967295u };
	static const uint64_t offsets[] = { 60 * FS_BUCKET + 1 };
	unsigned long want = 4 * FS_BUCKET - 1;

	layout(offsets, 1, bits[_i]);
	mark();
	ck_assert_uint_eq(dirty(60), FS_BUCKET - 1);
	ck_assert_uint_eq(dirty(63), FS_BUCKET);
	ck_assert_uint_eq(all_dirty(), want);
	ck_assert_uint_eq(lines(), 1);
}
END_TEST

/* Oracle: D14: a range past the end is reported and left out. */
START_TEST(past_the_end)
{
	static const uint64_t offsets[] = {
		STRAY_BUCKETS * FS_BUCKET, 1u << 30, (uint64_t)1 << 62, UINT64_MAX - 31
	};
	struct bch_gc_model_message msg;

	layout(&offsets[_i], 1, 5);
	mark();
	ck_assert_uint_eq(all_dirty(), 0);
	ck_assert_uint_eq(lines(), 1);
	ck_assert_int_eq(bch_gc_model_message(NULL, lines_before, &msg), 0);
	ck_assert_ptr_nonnull(strstr(msg.text, "sb bucket "));
	ck_assert_ptr_nonnull(strstr(msg.text, " lies outside of buckets 0 to 64"));
}
END_TEST

/* Oracle: the last sectors of the device are inside. */
START_TEST(at_the_very_end)
{
	static const uint64_t offsets[] = { STRAY_BUCKETS * FS_BUCKET - 32 };

	layout(offsets, 1, 5);
	mark();
	ck_assert_uint_eq(dirty(STRAY_BUCKETS - 1), 32);
	ck_assert_uint_eq(lines(), 0);
}
END_TEST

/* Oracle: all 61 copies a layout can have; two that overlap count twice. */
START_TEST(as_many_copies_as_can_be)
{
	uint64_t offsets[GC_HOST_SB_OFFSETS];
	unsigned i;

	for (i = 0; i < GC_HOST_SB_OFFSETS; i++)
		offsets[i] = (i + 1) * FS_BUCKET;
	offsets[60] = offsets[59];
	layout(offsets, GC_HOST_SB_OFFSETS, 4);
	mark();
	ck_assert_uint_eq(all_dirty(), 61 * 16);
	ck_assert_uint_eq(dirty(60), 32);
}
END_TEST

/* Oracle: each journal bucket whole; one that does not exist is reported. */
START_TEST(journal)
{
	static const uint64_t buckets[] = { 9, 5, STRAY_BUCKETS, 7, UINT64_MAX };

	layout(NULL, 0, 5);
	ck_assert_int_eq(bch_gc_model_journal_buckets_set(stray, buckets, 5), 0);
	mark();
	ck_assert_uint_eq(all_dirty(), 3 * FS_BUCKET);
	ck_assert_uint_eq(dirty(5), FS_BUCKET);
	ck_assert_uint_eq(get(9).data_type, BCH_GC_BCH_DATA_JOURNAL);
	ck_assert_uint_eq(lines(), 2);
}
END_TEST

/* Oracle: section 2 of docs/facts/marking.md: sb and journal in one bucket are logged. */
START_TEST(journal_in_a_superblock)
{
	static const uint64_t offsets[] = { 8 };
	static const uint64_t buckets[] = { 0 };

	layout(offsets, 1, 5);
	ck_assert_int_eq(bch_gc_model_journal_buckets_set(stray, buckets, 1), 0);
	mark();
	ck_assert_uint_eq(get(0).data_type, BCH_GC_BCH_DATA_JOURNAL);
	ck_assert_uint_eq(dirty(0), 40 + FS_BUCKET);
}
END_TEST

/* Oracle: all flags but GC (32), which asks for arrays that are not there, mean the same. */
START_TEST(any_flags)
{
	static const uint64_t offsets[] = { 8 };
	static const unsigned flags[] = { 0, 1, 4, 128, 256, 0x80000000u, 0xffffffdfu };

	layout(offsets, 1, 5);
	bch2_mark_dev_superblock(NULL, stray, flags[_i]);
	ck_assert_uint_eq(all_dirty(), 40);
}
END_TEST

/* Oracle: null arguments are refused without a word. */
START_TEST(null_device)
{
	bch2_mark_dev_superblock(NULL, NULL, 0);
	bch2_mark_dev_superblock(bch_gc_model_fs(m), NULL, 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(lines(), 0);
	ck_assert_uint_eq(all_dirty(), 0);
}
END_TEST

/* Oracle: without a file system there are no locks to take. */
START_TEST(no_locks_without_a_file_system)
{
	mark();
	ck_assert_uint_eq(fs_count("lock", NULL), 0);
	ck_assert_uint_eq(fs_count("assert_held", NULL), 0);
	ck_assert_uint_gt(all_dirty(), 0);
}
END_TEST

/*
 * Oracle: in gc: marks by sb and journal of all members; buckets below first_bucket
 * are no buckets and are reported. Two lines: [0,8)+[8,40) in bucket 0 come as two
 * ranges, and the second copy; journal none.
 */
START_TEST(below_the_first_bucket)
{
	struct bch_gc_model_options o;
	size_t i;

	bch_gc_model_destroy(m);
	fs_options(&o);
	o.first_bucket = 2;
	o.nr_devices = 1;
	m = bch_gc_model_create(&o);
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(fs_initial(), 0);
	i = bch_gc_model_messages_with(m, "sb bucket 0 lies outside of buckets 2 to 128");
	ck_assert_uint_eq(i, 3);
	ck_assert_uint_eq(bch_gc_model_messages(m), 3);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), 4 * FS_BUCKET);
	fs_assert_counts("with a first bucket");
}
END_TEST

/* Oracle: in gc: a member's layout that leads past its end is no error of the run. */
START_TEST(member_past_the_end)
{
	static const uint64_t offsets[] = { 8, 1u << 30 };

	ck_assert_int_eq(bch_gc_model_sb_layout_set(bch_gc_model_dev(m, 1), offsets, 2, 31), 0);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "dev 1: sb bucket "), 2);
	/* The copy at 8 takes all the device, so that the journal is found in it. */
	ck_assert_uint_eq(fs_get(1, FS_BUCKETS - 1).data_type, BCH_GC_BCH_DATA_SB);
	ck_assert_uint_eq(fs_get(0, FS_BUCKETS - 1).data_type, BCH_GC_BCH_DATA_NONE);
}
END_TEST

Suite *suite_superblock(void)
{
	Suite *s = suite_create("superblock");
	TCase *t = tcase_create("superblock");

	tcase_add_checked_fixture(t, stray_setup, fs_down);
	tcase_add_test(t, default_layout);
	tcase_add_loop_test(t, first_sectors, 0, 4);
	tcase_add_test(t, across_buckets);
	tcase_add_test(t, across_many_buckets);
	tcase_add_test(t, ends_with_the_bucket);
	tcase_add_test(t, no_copies);
	tcase_add_test(t, empty_range);
	tcase_add_loop_test(t, huge_copies, 0, 11);
	tcase_add_loop_test(t, past_the_end, 0, 4);
	tcase_add_test(t, at_the_very_end);
	tcase_add_test(t, as_many_copies_as_can_be);
	tcase_add_test(t, journal);
	tcase_add_test(t, journal_in_a_superblock);
	tcase_add_loop_test(t, any_flags, 0, 7);
	tcase_add_test(t, null_device);
	tcase_add_test(t, no_locks_without_a_file_system);
	tcase_add_test(t, below_the_first_bucket);
	tcase_add_test(t, member_past_the_end);
	suite_add_tcase(s, t);
	return s;
}
