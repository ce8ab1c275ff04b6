/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments that are none, hosts that hand out nonsense, results by number. */
#include "fs.h"

/* Oracle: the header: NULL is -EINVAL, or nothing where there is no result. */
START_TEST(null_file_system)
{
	ck_assert_int_eq(bch2_gc(NULL, NULL, true, false), -EINVAL);
	ck_assert_int_eq(bch2_gc(NULL, NULL, false, true), -EINVAL);
	ck_assert_int_eq(bch2_gc_gens(NULL), -EINVAL);
	ck_assert_int_eq(bch2_gc_thread_start(NULL), -EINVAL);
	bch2_gc_thread_stop(NULL);
	bch2_coalesce(NULL);
	bch2_mark_dev_superblock(NULL, NULL, 0);
	ck_assert_uint_eq(bch_gc_model_events(m), 0);
}
END_TEST

/* Oracle: pointers to where nothing is: an error with a message, in either pass. */
START_TEST(pointer_to_nowhere)
{
	static const struct {
		unsigned dev;
		uint64_t sector;
	} places[] = {
		{ 0, FS_BUCKETS * FS_BUCKET },		/* one past the end */
		{ 2, (uint64_t)1 << 43 },
		{ FS_DEVICES, 0 },			/* no such member */
		{ 255, 1 },
	};
	struct bch_gc_model_ptr ptr = fs_ptr(places[_i / 2].dev, 0, 0);
	char text[128];

	ptr.sector = places[_i / 2].sector;
	fs_extent(1, 8, 8, ptr);
	ck_assert_int_eq(fs_gc(_i % 2 == 0, false), -EINVAL);
	sprintf(text, "pointer to nonexistent bucket: dev %u sector %lu", ptr.dev,
		(unsigned long)ptr.sector);
	assert_said(1, text);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 0);
}
END_TEST

/* Oracle: sectors below the first bucket belong to none. */
START_TEST(pointer_below_the_first_bucket)
{
	struct bch_gc_model_options o;

	bch_gc_model_destroy(m);
	fs_options(&o);
	o.first_bucket = 3;
	m = bch_gc_model_create(&o);
	ck_assert_ptr_nonnull(m);
	fs_extent(1, 8, 8, fs_ptr(0, 2, 0));
	ck_assert_int_eq(fs_initial(), -EINVAL);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "pointer to nonexistent bucket: dev 0"), 1);
}
END_TEST

/* Oracle: the last sector of the device is in its last bucket. */
START_TEST(pointer_to_the_last_bucket)
{
	/* A member of its own, since nodes are put at the end of the others. */
	unsigned dev = (unsigned)bch_gc_model_dev_add(m, 32, FS_BUCKET);

	ck_assert_uint_eq(dev, FS_DEVICES);
	fs_extent(1, 1, 1, fs_ptr(dev, 31, FS_BUCKET - 1));
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_get(dev, 31).dirty_sectors, 1);
}
END_TEST

/* Oracle: differences.md: what the allocator holds must exist. */
START_TEST(reserve_of_a_bucket_that_is_not_there)
{
	ck_assert_int_eq(bch_gc_model_reserve_push(m, 1, (unsigned)_i, FS_BUCKETS), 0);
	ck_assert_int_eq(fs_initial(), -EINVAL);
	assert_said(1, "dev 1: the allocator holds nonexistent bucket 128");
	ck_assert_int_eq(bch_gc_model_reserve_clear(m, 1), 0);
	ck_assert_int_eq(fs_initial(), 0);
}
END_TEST

START_TEST(open_bucket_that_is_not_there)
{
	ck_assert_int_eq(bch_gc_model_open_bucket(m, 1023, true, _i ? 9 : 0, 1u << 30), 0);
	ck_assert_int_eq(fs_initial(), -EINVAL);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "open bucket 1023 in nonexistent bucket"), 1);
}
END_TEST

/* Oracle: the line of the original that stops the program, as an error. */
START_TEST(version_beyond_the_journal)
{
	bch_gc_model_set_key_version(m, 50);
	ck_assert_int_eq(bch_gc_model_inode(m, BCH_GC_MODEL_BTREE, 4096), 0);
	bch_gc_model_key_version_set(m, 50);
	bch_gc_model_journal_seq_set(m, 49);
	/* A debug parameter asks for it. */
	ck_assert_int_eq(fs_initial(), 0);
	bch_gc_model_param_set(m, GC_HOST_PARAM_JOURNAL_SEQ_VERIFY, true);
	ck_assert_int_eq(fs_initial(), -EINVAL);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "is beyond the journal sequence 49"), 1);
	bch_gc_model_journal_seq_set(m, 50);
	ck_assert_int_eq(fs_initial(), 0);
}
END_TEST

/*
 * Oracle: differences.md: second arrays that are there already are -EEXIST and the
 * text of the array. They are there because the host says so: its call fails.
 */
START_TEST(array_is_there_already)
{
	static const struct {
		const char *call, *text;
		int err;
	} cases[] = {
		{ "usage_gc_alloc", "error allocating c->usage_gc", EEXIST },
		{ "dev_gc_alloc_buckets", "error allocating ca->buckets[gc]", EEXIST },
		{ "dev_gc_alloc_usage", "error allocating ca->usage[gc]", EEXIST },
		{ "usage_gc_alloc", "error allocating c->usage_gc", ENOMEM },
		{ "dev_gc_alloc_buckets", "error allocating ca->buckets[gc]", ENOMEM },
		{ "dev_gc_alloc_usage", "error allocating ca->usage[gc]", ENOMEM },
		{ "stripes_gc_alloc", "error allocating ec gc mem", ENOMEM },
		{ "stripes_gc_alloc", "error allocating ec gc mem", EIO },
	};

	ck_assert_int_eq(bch_gc_model_fail(m, cases[_i].call, 0, cases[_i].err), 0);
	ck_assert_int_eq(fs_initial(), -cases[_i].err);
	assert_said(1, cases[_i].text);
	ck_assert_uint_eq(bch_gc_model_messages(m), 1);
}
END_TEST

/* A key of this type and value words in the extents btree, at 1:8. */
static void insert_raw(unsigned type, const uint64_t *v, size_t n, uint32_t size)
{
	uint64_t key[5 + 250];
	uint64_t inode = 1, offset = 8;

	memset(key, 0, sizeof(key));
	key[0] = (5 + n) | 1 << 8 | (uint64_t)type << 16;
	memcpy((char *)key + 16, &size, 4);
	memcpy((char *)key + 24, &offset, 8);
	memcpy((char *)key + 32, &inode, 8);
	memcpy(key + 5, v, 8 * n);
	ck_assert_int_eq(bch_gc_model_insert(m, BCH_GC_MODEL_BTREE, BCH_GC_BTREE_ID_EXTENTS,
					     key, 5 + n), 0);
}

/*
 * Oracle: values that make no sense never end the program, nor read beyond themselves
 * (memcheck and ASan look on); the run ends with a number. What is not damaged stays.
 */
START_TEST(values_that_make_no_sense)
{
	static const uint64_t values[][4] = {
		{ 0, 0, 0, 0 },				/* an entry without a type */
		{ 0x20, 0, 0, 0 },			/* of a type that is none */
		{ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
		{ 4, 4, 4, 4 },				/* crc64s, the last cut off */
		{ 8, 0, 0, 8 },				/* crc128, then half of one */
		{ 2, 2, 2, 2 },				/* crc32s without a pointer */
		{ 1, 1, 1, 1 },				/* four pointers to one sector */
	};
	static const unsigned types[] = {
		BCH_GC_KEY_TYPE_extent, BCH_GC_KEY_TYPE_reflink_v, BCH_GC_KEY_TYPE_btree_ptr,
		BCH_GC_KEY_TYPE_btree_ptr_v2, BCH_GC_KEY_TYPE_stripe,
		BCH_GC_KEY_TYPE_reservation, BCH_GC_KEY_TYPE_MAX, 255
	};
	size_t v, n, t;

	for (t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (n = 0; n <= 4; n++) {
			insert_raw(types[t], values[_i], n, (uint32_t)(n % 2 * 8));
			v = (size_t)fs_initial();
			ck_assert_msg((int)v <= 2, "result %d", (int)v);
			v = (size_t)fs_running();
			ck_assert_msg((int)v <= 2, "result %d", (int)v);
			ck_assert_int_le(bch2_gc_gens(bch_gc_model_fs(m)), 0);
		}
	}
	ck_assert_int_eq(bch_gc_model_delete(m, BCH_GC_MODEL_BTREE, BCH_GC_BTREE_ID_EXTENTS, 1, 8), 0);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
	ck_assert_uint_eq(fs_get(0, at.plain).dirty_sectors, 128);
}
END_TEST

/*
 * Oracle: D22: a pointer to a node is at most 14 words; longer is refused. Put into an
 * interior node, since only those keys are copied.
 */
START_TEST(pointer_to_a_node_too_long)
{
	struct bch_gc_model_node n;
	uint64_t key[40];

	memset(key, 0, sizeof(key));
	ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_EXTENTS, 0, 0, &n), 0);
	key[0] = 40 | 1 << 8 | BCH_GC_KEY_TYPE_btree_ptr_v2 << 16;
	memcpy((char *)key + 24, &n.max_offset, 8);
	memcpy((char *)key + 32, &n.max_inode, 8);
	ck_assert_int_eq(bch_gc_model_node_put(m, BCH_GC_BTREE_ID_EXTENTS, 1, 0, key, 40), 0);
	ck_assert_int_eq(fs_gc(_i, false), -EINVAL);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "too long"), 1);
}
END_TEST

/* Oracle: members that come and go between runs: nothing holds on to them. */
START_TEST(members_come_and_go)
{
	int dev = bch_gc_model_dev_add(m, 32, FS_BUCKET);

	ck_assert_int_eq(dev, FS_DEVICES);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), FULL_HIDDEN + 5 * FS_BUCKET);
	ck_assert_int_eq(bch_gc_model_dev_remove(m, (unsigned)dev), 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), FULL_HIDDEN);
	ck_assert_int_eq(bch_gc_model_dev_resize(m, 0, FS_BUCKETS + 32), 0);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_counts("after a resize");
}
END_TEST

/* Oracle: a hole among the members is walked over. */
START_TEST(hole_among_members)
{
	ck_assert_int_eq(bch_gc_model_dev_add(m, 32, FS_BUCKET), FS_DEVICES);
	ck_assert_int_eq(bch_gc_model_dev_add(m, 32, FS_BUCKET), FS_DEVICES + 1);
	ck_assert_int_eq(bch_gc_model_dev_remove(m, FS_DEVICES), 0);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_get(FS_DEVICES + 1, 0).dirty_sectors, SB_SECTORS);
	fs_assert_counts("with a hole");
}
END_TEST

Suite *suite_errors(void)
{
	Suite *s = suite_create("errors");
	TCase *t = tcase_create("errors");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, null_file_system);
	tcase_add_loop_test(t, pointer_to_nowhere, 0, 8);
	tcase_add_test(t, pointer_below_the_first_bucket);
	tcase_add_test(t, pointer_to_the_last_bucket);
	tcase_add_loop_test(t, reserve_of_a_bucket_that_is_not_there, 0, GC_HOST_FIFO_NR);
	tcase_add_loop_test(t, open_bucket_that_is_not_there, 0, 2);
	tcase_add_test(t, version_beyond_the_journal);
	tcase_add_loop_test(t, array_is_there_already, 0, 8);
	tcase_add_loop_test(t, values_that_make_no_sense, 0, 7);
	tcase_add_loop_test(t, pointer_to_a_node_too_long, 0, 2);
	tcase_add_test(t, members_come_and_go);
	tcase_add_test(t, hole_among_members);
	suite_add_tcase(s, t);
	return s;
}
