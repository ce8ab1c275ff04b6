/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The known defects of the original, by number (docs/differences.md): those that are
 * fixed do not show any more, those that are kept do. Each could pass by chance if the
 * situation did not arise; so each asserts first that it does.
 */
#include "fs.h"

#define EXTENTS	BCH_GC_BTREE_ID_EXTENTS

/* D1. Oracle: the original dies by SIGABRT; here 2, with the finding before it. */
START_TEST(d1_shape_to_be_fixed)
{
	ck_assert_int_eq(bch_gc_model_node_ptr_min(m, EXTENTS, 0, 0, 0, 1), 0);
	bch_gc_model_answer(m, BCH_GC_MODEL_FIX);
	ck_assert_int_eq(fs_initial(), BCH_GC_BCH_FSCK_REPAIR_UNIMPLEMENTED);
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_NODE_MIN_KEY), 1);
}
END_TEST

/* D2. Oracle: the original hangs for ever; Check's timeout would end this. */
START_TEST(d2_stop_with_the_state_lock_held)
{
	ck_assert_int_eq(bch2_gc_thread_start(bch_gc_model_fs(m)), 0);
	ck_assert(bch_gc_model_thread_idle(m, 20000));
	bch_gc_model_state_lock(m, true);
	bch_gc_model_kick(m);
	while (bch_gc_model_thread_idle(m, 0))
		;
	bch2_gc_thread_stop(bch_gc_model_fs(m));
	bch_gc_model_state_unlock(m);
	ck_assert(!bch_gc_model_thread_running(m));
}
END_TEST

/* D3. Oracle: in the original gc_count stays 0 and nobody is woken. */
START_TEST(d3_gens_count_and_wake)
{
	ck_assert_int_eq(bch2_gc_gens(bch_gc_model_fs(m)), 0);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 1);
	ck_assert_uint_eq(fs_count("wake_allocators", NULL), 1);
}
END_TEST

/* D6. Oracle: no reference is left, so that the member can be removed. */
START_TEST(d6_stop_while_buckets_are_compared)
{
	int dev = bch_gc_model_dev_add(m, 32, FS_BUCKET);
	struct bch_gc_model_bucket b;

	ck_assert_int_eq(dev, FS_DEVICES);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	b = fs_get((unsigned)dev, 20);
	b.dirty_sectors = 9;
	fs_set((unsigned)dev, 20, b);
	bch_gc_model_answer(m, BCH_GC_MODEL_EXIT);
	ck_assert_int_eq(fs_initial(), BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED);
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_BUCKET_DIRTY_SECTORS), 1);
	ck_assert_uint_eq(bch_gc_model_dev_refs(m, (unsigned)dev, false), 0);
	ck_assert_uint_eq(bch_gc_model_dev_refs(m, (unsigned)dev, true), 0);
	ck_assert_int_eq(bch_gc_model_dev_remove(m, (unsigned)dev), 0);
}
END_TEST

/*
 * D8. Oracle: pointers to data were not walked, so what is known of their age stays in
 * buckets of data. Other buckets get what the original gives them: their generation,
 * lowered by the pointers that were walked.
 */
START_TEST(d8_oldest_gen_in_metadata_only)
{
	struct bch_gc_model_bucket cached = fs_get(1, at.cached), free = fs_get(1, 100), btree;
	struct bch_gc_model_node node;

	ck_assert_uint_eq(free.data_type, BCH_GC_BCH_DATA_NONE);
	cached.gen = 9;
	cached.oldest_gen = 3;
	free.gen = 8;
	free.oldest_gen = 2;
	fs_set(1, at.cached, cached);
	fs_set(1, 100, free);
	/* A node whose pointer is older than all that was known. */
	ck_assert_int_eq(bch_gc_model_node(m, EXTENTS, 0, 0, &node), 0);
	btree = fs_get(node.dev, node.sector / FS_BUCKET);
	btree.gen = btree.oldest_gen = 4;
	fs_set(node.dev, node.sector / FS_BUCKET, btree);

	ck_assert_int_eq(fs_gc(true, true), 0);
	ck_assert_uint_eq(fs_get(1, at.cached).oldest_gen, 3);
	ck_assert_uint_eq(fs_get(1, 100).oldest_gen, 8);
	ck_assert_uint_eq(fs_get(node.dev, node.sector / FS_BUCKET).oldest_gen, 0);
	/* A full run walks all: pointers of generation 0, and none into the free one. */
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_get(1, at.cached).oldest_gen, 0);
	ck_assert_uint_eq(fs_get(1, 100).oldest_gen, 8);
}
END_TEST

/*
 * D9. Oracle: a stripe that only the journal has is counted like any other. In the
 * original its blocks are not, and it is "wrong" in every field.
 */
START_TEST(d9_stripe_in_the_journal)
{
	struct fs_stripe s = fs_stripe(BCH_GC_MODEL_JOURNAL, 3);
	struct bch_gc_model_stripe got;

	ck_assert_uint_eq(bch_gc_model_depth(m, BCH_GC_BTREE_ID_EC), 0);
	/* An empty btree: the walk must come by. */
	ck_assert_int_eq(bch_gc_model_root_make(m, BCH_GC_BTREE_ID_EC), 0);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(fs_count("stripe_gc_slot", "3"), 1);
	ck_assert_int_eq(bch_gc_model_stripe_get(m, 3, &got), 0);
	ck_assert(got.alive);
	ck_assert_uint_eq(got.block_sectors[0], 16);
	ck_assert(fs_get(2, s.bucket[2]).stripe);
	fs_assert_counts("with a stripe in the journal");
}
END_TEST

/*
 * D10, kept. Oracle: a key that cannot be counted in full is reported and does not
 * fail the run; its first pointer is counted, the rest is not.
 */
START_TEST(d10_result_of_marking_is_dropped)
{
	struct bch_gc_model_ptr ptr[2];
	uint64_t good = fs_alloc(0);

	ptr[0] = fs_ptr(0, good, 0);
	ptr[1] = fs_ptr(1, 1, 0);	/* a journal bucket */
	ck_assert_int_eq(bch_gc_model_extent(m, BCH_GC_MODEL_BTREE, 7, 8, 8, NULL, ptr, 2), 0);
	bch_gc_model_compat_set(m, 0);
	bch_gc_model_flag_set(m, GC_HOST_FLAG_REBUILD_REPLICAS, true);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages_with(m,
		"bucket 1:1 gen 0 different types of data in same bucket: journal, data"), 1);
	ck_assert_uint_eq(fs_get(0, good).dirty_sectors, 8);
	ck_assert_uint_eq(fs_get(1, 1).dirty_sectors, FS_BUCKET);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), FULL_DATA);
	/* The same when the host itself fails. */
	ck_assert_int_eq(bch_gc_model_fail(m, "mark_key", 0, EIO), 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert(bch_gc_model_failed(m));
}
END_TEST

/* D11. Oracle: the error that ends a walk is the result. */
START_TEST(d11_error_at_the_end_of_a_walk)
{
	ck_assert_int_eq(bch_gc_model_fail(m, "walk_close", 2, EINTR), 0);
	ck_assert_int_eq(bch2_gc_gens(bch_gc_model_fs(m)), -EINTR);
	ck_assert(bch_gc_model_failed(m));
	/* In the concurrent pass too. */
	ck_assert_int_eq(bch_gc_model_fail(m, "walk_close", 2, EINTR), 0);
	ck_assert_int_eq(fs_running(), -EINTR);
	ck_assert(bch_gc_model_failed(m));
}
END_TEST

/* D14. Oracle: size bits of 31 and more, and a range beyond the end, in a run of gc. */
START_TEST(d14_superblocks_beyond_the_end)
{
	static const uint64_t offsets[] = { 126 * FS_BUCKET };

	ck_assert_int_eq(bch_gc_model_sb_layout_set(bch_gc_model_dev(m, 2), offsets, 1, 31), 0);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "dev 2: sb bucket 128 lies outside"), 1);
	ck_assert_uint_eq(fs_get(2, 127).dirty_sectors, FS_BUCKET);
}
END_TEST

/* D15, kept. Oracle: the text says min_key of a max_key. */
START_TEST(d15_text_of_the_root)
{
	ck_assert_int_eq(bch_gc_model_node_range(m, BCH_GC_BTREE_ID_REFLINK, 0, 0, 0, 0, 77, 1), 0);
	bch_gc_model_answer(m, BCH_GC_MODEL_IGNORE);
	ck_assert_int_eq(fs_initial(), 0);
	assert_said(1, "btree root with incorrect min_key: 77:1");
}
END_TEST

/*
 * D16. Oracle: a whiteout behind the last child does not hide that it is the last, and
 * that it ends too early: by hand, the child before the one that was dropped.
 */
START_TEST(d16_whiteout_behind_the_last_child)
{
	struct bch_gc_model_node parent, last;
	uint64_t key[5];
	char text[160];

	ck_assert_int_eq(bch_gc_model_node(m, EXTENTS, 1, 0, &parent), 0);
	ck_assert_uint_ge(parent.nr_keys, 2);
	ck_assert_int_eq(bch_gc_model_node_drop(m, EXTENTS, 0, parent.nr_keys - 1), 0);
	ck_assert_int_eq(bch_gc_model_node(m, EXTENTS, 0, parent.nr_keys - 2, &last), 0);
	memset(key, 0, sizeof(key));
	key[0] = 5 | 1 << 8 | BCH_GC_KEY_TYPE_deleted << 16;
	memcpy((char *)key + 24, &parent.max_offset, 8);
	memcpy((char *)key + 32, &parent.max_inode, 8);
	ck_assert_int_eq(bch_gc_model_node_put(m, EXTENTS, 1, 0, key, 5), 0);
	bch_gc_model_answer(m, BCH_GC_MODEL_IGNORE);
	ck_assert_int_eq(fs_running(), 0);
	sprintf(text, "btree node with incorrect max_key: got %lu:%lu, should be %lu:%lu",
		(unsigned long)last.max_inode, (unsigned long)last.max_offset,
		(unsigned long)parent.max_inode, (unsigned long)parent.max_offset);
	assert_said(1, text);
}
END_TEST

/* D19. Oracle: inodes and alloc have no pointers: no walk over them. */
START_TEST(d19_gens_walk_what_has_pointers)
{
	ck_assert_uint_gt(bch_gc_model_nodes(m, BCH_GC_BTREE_ID_INODES, 0), 1);
	ck_assert_uint_gt(bch_gc_model_nodes(m, BCH_GC_BTREE_ID_ALLOC, 0), 1);
	ck_assert_int_eq(bch2_gc_gens(bch_gc_model_fs(m)), 0);
	ck_assert_uint_eq(fs_count("walk_open", NULL), 3);
}
END_TEST

/* D22. Oracle: an interior key longer than any pointer is refused, not copied. */
START_TEST(d22_interior_key_too_long)
{
	uint64_t key[255];

	memset(key, 0, sizeof(key));
	key[0] = 255 | 1 << 8 | BCH_GC_KEY_TYPE_btree_ptr_v2 << 16;
	ck_assert_int_eq(bch_gc_model_node_put(m, EXTENTS, 1, 0, key, 255), 0);
	ck_assert_int_eq(fs_initial(), -EINVAL);
}
END_TEST

/*
 * D24, kept. Oracle: the text of a set of many devices is cut to 79 bytes, counted here;
 * the same in full would be longer.
 */
START_TEST(d24_text_of_many_devices)
{
	uint8_t devs[16];	/* as many as a set can have */
	struct bch_gc_model_message msg;
	const char *text, *end;
	size_t i, word = 0;

	for (i = 0; i < sizeof(devs); i++)
		devs[i] = (uint8_t)(200 + i);
	ck_assert_int_eq(bch_gc_model_replicas_add(m, BCH_GC_BCH_DATA_JOURNAL, 255, devs,
						   sizeof(devs)), 0);
	for (i = 0; (text = bch_gc_model_replicas_get(m, i)); i++)
		if (strlen(text) > 79)
			word = USAGE_REPLICAS + i;
	ck_assert_uint_ne(word, 0);
	bch_gc_model_usage_set(m, word, 5);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_FS_REPLICAS), 1);
	ck_assert_int_eq(bch_gc_model_message(m, 0, &msg), 0);
	end = strstr(msg.text, ": got 5, should be 0");
	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(strncmp(msg.text, "fs has wrong journal: 255/16 [200 201 ", 38), 0);
	ck_assert_int_eq((int)(end - msg.text), (int)strlen("fs has wrong ") + 79);
}
END_TEST

/*
 * D25. Oracle: after a pass over metadata the parity bucket is still part of its
 * stripe, and the full pass after it finds nothing.
 */
START_TEST(d25_stripe_flag_of_parity)
{
	struct fs_stripe s = fs_stripe(BCH_GC_MODEL_BTREE, 1);

	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert(fs_get(2, s.bucket[2]).stripe);
	ck_assert_uint_eq(fs_get(2, s.bucket[2]).data_type, BCH_GC_BCH_DATA_NONE);
	ck_assert_int_eq(fs_gc(true, true), 0);
	ck_assert(fs_get(2, s.bucket[2]).stripe);
	fs_assert_settled();
}
END_TEST

/* D25. Oracle: nor is the flag lost where another field of the same bucket is wrong. */
START_TEST(d25_flag_beside_another_field)
{
	struct fs_stripe s = fs_stripe(BCH_GC_MODEL_BTREE, 1);
	struct bch_gc_model_bucket b;

	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	b = fs_get(2, s.bucket[2]);
	ck_assert(b.stripe);
	b.dirty_sectors = 9;
	fs_set(2, s.bucket[2], b);
	ck_assert_int_eq(fs_gc(true, true), 0);
	ck_assert_uint_eq(fs_get(2, s.bucket[2]).dirty_sectors, 0);
	ck_assert(fs_get(2, s.bucket[2]).stripe);
}
END_TEST

/* D25. Oracle: a pass over metadata does not set the flag either: it does not know. */
START_TEST(d25_flag_is_not_touched)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);

	b.stripe = true;
	fs_set(0, at.plain, b);
	ck_assert_int_eq(fs_gc(true, true), 0);
	ck_assert(fs_get(0, at.plain).stripe);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert(!fs_get(0, at.plain).stripe);
}
END_TEST

/*
 * D26. Oracle: superblock and journal of a member that is not there keep what was
 * known of them, without a finding, and still count in `hidden`.
 */
START_TEST(d26_member_not_there)
{
	ck_assert_int_eq(bch_gc_model_dev_online(m, 2, false), 0);
	ck_assert_int_eq(fs_gc(true, _i), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(fs_get(2, 0).data_type, BCH_GC_BCH_DATA_SB);
	ck_assert_uint_eq(fs_get(2, 0).dirty_sectors, SB_SECTORS);
	ck_assert_uint_eq(fs_get(2, 4).data_type, BCH_GC_BCH_DATA_JOURNAL);
	ck_assert_uint_eq(fs_get(2, 4).dirty_sectors, FS_BUCKET);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), FULL_HIDDEN);
	fs_assert_counts("with a member away");
}
END_TEST

/* D26. Oracle: its other buckets are compared as always. */
START_TEST(d26_data_of_a_member_not_there)
{
	struct bch_gc_model_bucket b = fs_get(2, at.packed);
	char text[128];

	ck_assert_int_eq(bch_gc_model_dev_online(m, 2, false), 0);
	b.dirty_sectors = 50;
	fs_set(2, at.packed, b);
	ck_assert_int_eq(fs_initial(), 0);
	sprintf(text, "bucket 2:%lu gen 0 data type data has wrong dirty_sectors: "
		"got 50, should be 4", (unsigned long)at.packed);
	assert_said(1, text);
	ck_assert_uint_eq(bch_gc_model_findings(m), 1);
}
END_TEST

Suite *suite_defects(void)
{
	Suite *s = suite_create("defects");
	TCase *t = tcase_create("defects");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, d1_shape_to_be_fixed);
	tcase_add_test(t, d2_stop_with_the_state_lock_held);
	tcase_add_test(t, d3_gens_count_and_wake);
	tcase_add_test(t, d6_stop_while_buckets_are_compared);
	tcase_add_test(t, d8_oldest_gen_in_metadata_only);
	tcase_add_test(t, d9_stripe_in_the_journal);
	tcase_add_test(t, d10_result_of_marking_is_dropped);
	tcase_add_test(t, d11_error_at_the_end_of_a_walk);
	tcase_add_test(t, d14_superblocks_beyond_the_end);
	tcase_add_test(t, d15_text_of_the_root);
	tcase_add_test(t, d16_whiteout_behind_the_last_child);
	tcase_add_test(t, d19_gens_walk_what_has_pointers);
	tcase_add_test(t, d22_interior_key_too_long);
	tcase_add_test(t, d24_text_of_many_devices);
	tcase_add_test(t, d25_stripe_flag_of_parity);
	tcase_add_test(t, d25_flag_beside_another_field);
	tcase_add_test(t, d25_flag_is_not_touched);
	tcase_add_loop_test(t, d26_member_not_there, 0, 2);
	tcase_add_test(t, d26_data_of_a_member_not_there);
	suite_add_tcase(s, t);
	return s;
}
