/* SPDX-License-Identifier: GPL-2.0-only */
/* The pass before the journal is replayed, on sound file systems. */
#include "fs.h"

static void assert_bucket(unsigned dev, uint64_t bucket, unsigned type, unsigned dirty,
			  unsigned cached)
{
	struct bch_gc_model_bucket b = fs_get(dev, bucket);

	ck_assert_msg(b.data_type == type && b.dirty_sectors == dirty &&
		      b.cached_sectors == cached,
		      "bucket %u:%lu: type %u dirty %u cached %u, not %u %u %u", dev,
		      (unsigned long)bucket, b.data_type, b.dirty_sectors, b.cached_sectors,
		      type, dirty, cached);
}

static void assert_full(void)
{
	unsigned dev, i;

	for (dev = 0; dev < FS_DEVICES; dev++) {
		assert_bucket(dev, 0, BCH_GC_BCH_DATA_SB, SB_SECTORS, 0);
		for (i = 1; i < 5; i++)
			assert_bucket(dev, i, BCH_GC_BCH_DATA_JOURNAL, FS_BUCKET, 0);
	}
	assert_bucket(0, at.plain, BCH_GC_BCH_DATA_USER, 128, 0);
	assert_bucket(0, at.mirror[0], BCH_GC_BCH_DATA_USER, 64, 0);
	assert_bucket(1, at.mirror[1], BCH_GC_BCH_DATA_USER, 64, 0);
	assert_bucket(0, at.backing, BCH_GC_BCH_DATA_USER, 32, 0);
	assert_bucket(1, at.cached, BCH_GC_BCH_DATA_USER, 0, 32);
	assert_bucket(2, at.packed, BCH_GC_BCH_DATA_USER, 4, 0);
	assert_bucket(2, at.shared, BCH_GC_BCH_DATA_USER, 32, 0);

	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), FULL_HIDDEN);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_BTREE), fs_btree_sectors());
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), FULL_DATA);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_CACHED), 32);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_RESERVED), FULL_RESERVED);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_NR_INODES), FULL_INODES);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_PERSISTENT + 0), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_PERSISTENT + 1), FULL_RESERVED);
}

static uint64_t replicas(const char *text)
{
	size_t word = bch_gc_model_replicas_word(m, text);

	ck_assert_msg(word != 0, "no replicas entry %s", text);
	return bch_gc_model_usage_get(m, word);
}

/* All that gc recomputes, forgotten: what a broken alloc btree leaves. */
static void forget_everything(void)
{
	struct bch_gc_model_bucket b;
	unsigned dev;
	size_t i;

	for (dev = 0; dev < FS_DEVICES; dev++)
		for (i = 0; i < FS_BUCKETS; i++) {
			b = fs_get(dev, i);
			b.data_type = 0;
			b.dirty_sectors = b.cached_sectors = 0;
			fs_set(dev, i, b);
		}
	for (i = 1; i < bch_gc_model_usage_words(m); i++)
		bch_gc_model_usage_set(m, i, 0);
}

/* Oracle: superblock and journal of an empty device, counted by hand. */
START_TEST(empty_file_system)
{
	unsigned dev;

	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	for (dev = 0; dev < FS_DEVICES; dev++) {
		assert_bucket(dev, 0, BCH_GC_BCH_DATA_SB, SB_SECTORS, 0);
		assert_bucket(dev, 4, BCH_GC_BCH_DATA_JOURNAL, FS_BUCKET, 0);
		assert_bucket(dev, 5, BCH_GC_BCH_DATA_NONE, 0, 0);
	}
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), FULL_HIDDEN);
}
END_TEST

/*
 * Oracle: the sums in fs.h, done by hand from fs_full(). The pass could "agree" by
 * doing nothing; so the keys it marked are counted: more than those inserted, for
 * there are nodes too.
 */
START_TEST(sound_file_system)
{
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	assert_full();
	fs_assert_counts("after a run");
	if (fs_lends()) {
		ck_assert_uint_eq(fs_count("mark_key", NULL), 0);
		ck_assert_uint_gt(fs_count("usage_add", NULL), 0);
	} else {
		ck_assert_uint_gt(fs_count("mark_key", NULL), 16 + 4 + 4 + 2 + 3 + FULL_INODES);
	}
}
END_TEST

/*
 * Oracle: the same sums, with nothing to copy them from: all counts were zeroed.
 * Without ALLOC_INFO nobody claimed to know them, so nothing is reported.
 */
START_TEST(from_nothing_in_silence)
{
	bch_gc_model_compat_set(m, 0);
	forget_everything();
	assert_bucket(0, at.plain, BCH_GC_BCH_DATA_NONE, 0, 0);

	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	assert_full();
	ck_assert_uint_eq(replicas("data: 1/2 [0 1]"), 64 * 2);
	ck_assert_uint_eq(replicas("data: 1/1 [0]"), 128 + 32);
	ck_assert_uint_eq(replicas("data: 1/1 [2]"), 4 + 32);
	ck_assert_uint_eq(replicas("cached: 1/1 [1]"), 32);
	fs_assert_counts("after a run from nothing");
}
END_TEST

/* Oracle: the same, reported: one line a wrong field, by its exact text. */
START_TEST(from_nothing_reported)
{
	char text[128];

	forget_everything();
	ck_assert_int_eq(fs_initial(), 0);
	assert_full();
	sprintf(text, "bucket 0:%lu gen 0 data type none has wrong data_type: got 0, should be 4",
		(unsigned long)at.plain);
	assert_said(1, text);
	sprintf(text, "bucket 0:%lu gen 0 data type data has wrong dirty_sectors: "
		"got 0, should be 128", (unsigned long)at.plain);
	assert_said(1, text);
	sprintf(text, "bucket 1:%lu gen 0 data type data has wrong cached_sectors: "
		"got 0, should be 32", (unsigned long)at.cached);
	assert_said(1, text);
	sprintf(text, "fs has wrong data: got 0, should be %d", FULL_DATA);
	assert_said(1, text);
	assert_said(1, "fs has wrong cached: got 0, should be 32");
	assert_said(1, "fs has wrong reserved: got 0, should be 32");
	assert_said(1, "fs has wrong nr_inodes: got 0, should be 8");
	assert_said(1, "fs has wrong persistent_reserved[1]: got 0, should be 32");
	assert_said(1, "fs has wrong data: 1/2 [0 1]: got 0, should be 128");
	fs_assert_settled();
}
END_TEST

/* Oracle: a key only the journal has, and one only the journal hides, by hand. */
START_TEST(journal_lies_over_the_leaves)
{
	struct bch_gc_model_ptr ptr = fs_ptr(1, fs_alloc(1), 0);

	ck_assert_int_eq(bch_gc_model_extent(m, BCH_GC_MODEL_JOURNAL, 4096, 1024, 24, NULL,
					     &ptr, 1), 0);
	/* 8 of the 128 sectors go, at 4096:64 */
	ck_assert_int_eq(bch_gc_model_delete(m, BCH_GC_MODEL_JOURNAL, BCH_GC_BTREE_ID_EXTENTS,
					     4096, 64), 0);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	bch_gc_model_compat_set(m, 0);
	forget_everything();

	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	assert_bucket(0, at.plain, BCH_GC_BCH_DATA_USER, 120, 0);
	assert_bucket(1, ptr.sector / FS_BUCKET, BCH_GC_BCH_DATA_USER, 24, 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), FULL_DATA + 24 - 8);
	fs_assert_counts("with keys of the journal");
}
END_TEST

/* Oracle: the same keys of the journal play no part for a caller that has none. */
START_TEST(without_journal_keys)
{
	struct bch_gc_model_ptr ptr = fs_ptr(1, fs_alloc(1), 0);
	int ret;

	ck_assert_int_eq(bch_gc_model_extent(m, BCH_GC_MODEL_JOURNAL, 4096, 1024, 24, NULL,
					     &ptr, 1), 0);
	bch_gc_model_state_lock(m, true);
	ret = bch2_gc(bch_gc_model_fs(m), NULL, true, false);
	bch_gc_model_state_unlock(m);
	ck_assert_int_eq(ret, 0);
	assert_full();
	assert_bucket(1, ptr.sector / FS_BUCKET, BCH_GC_BCH_DATA_NONE, 0, 0);
}
END_TEST

/*
 * Oracle: the rule on depth. Directory entries refer to nothing, so their leaves are
 * not read: a whole run reads all nodes below the roots but those.
 */
START_TEST(leaves_without_references_are_not_read)
{
	size_t below_roots = 0, leaves;
	unsigned id, level;

	for (id = 0; id < BCH_GC_BTREE_ID_NR; id++)
		for (level = 0; level + 1 < bch_gc_model_depth(m, id); level++)
			below_roots += bch_gc_model_nodes(m, id, level);
	leaves = bch_gc_model_nodes(m, BCH_GC_BTREE_ID_DIRENTS, 0);
	ck_assert_uint_gt(leaves, 1);

	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_count("node_get", NULL), below_roots - leaves);

	bch_gc_model_events_clear(m);
	bch_gc_model_param_set(m, GC_HOST_PARAM_EXPENSIVE_DEBUG_CHECKS, true);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_count("node_get", NULL), below_roots);
}
END_TEST

/* Oracle: the order of references, written out. */
START_TEST(btrees_in_order)
{
	static const unsigned order[] = {
		BCH_GC_BTREE_ID_EC, BCH_GC_BTREE_ID_EXTENTS, BCH_GC_BTREE_ID_INODES,
		BCH_GC_BTREE_ID_DIRENTS, BCH_GC_BTREE_ID_XATTRS, BCH_GC_BTREE_ID_ALLOC,
		BCH_GC_BTREE_ID_QUOTAS, BCH_GC_BTREE_ID_REFLINK
	};
	size_t i, event = 0;
	char id[16];

	ck_assert_int_eq(fs_initial(), 0);
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		event = bch_gc_model_event_find(m, event, "btree_root", NULL);
		ck_assert_uint_ne(event, SIZE_MAX);
		sprintf(id, "%u", order[i]);
		ck_assert_str_eq(bch_gc_model_event_args(m, event), id);
		event++;
	}
	ck_assert_uint_eq(fs_count("btree_root", NULL), i);
}
END_TEST

/* Oracle: what the model was told the allocator holds. */
START_TEST(buckets_of_the_allocator)
{
	uint64_t inc = fs_alloc(0), btree = fs_alloc(0), open = fs_alloc(1), free = fs_alloc(1);

	ck_assert_int_eq(bch_gc_model_reserve_push(m, 0, 0, inc), 0);
	ck_assert_int_eq(bch_gc_model_reserve_push(m, 0, 1 + BCH_GC_RESERVE_BTREE, btree), 0);
	ck_assert_int_eq(bch_gc_model_open_bucket(m, 7, true, 1, open * FS_BUCKET), 0);
	bch_gc_model_compat_set(m, 0);

	ck_assert_int_eq(fs_initial(), 0);
	ck_assert(fs_get(0, inc).owned_by_allocator);
	ck_assert(fs_get(0, btree).owned_by_allocator);
	ck_assert(fs_get(1, open).owned_by_allocator);
	ck_assert(!fs_get(1, free).owned_by_allocator);
	ck_assert_uint_eq(fs_count("mark_alloc_bucket", NULL), 3);
}
END_TEST

/*
 * Oracle: docs/facts/marking.md, by hand: 16 sectors in block 0 of two data blocks
 * and one parity block are 16 + ceil(16 * 1 / 2) = 24 of data.
 */
START_TEST(stripe)
{
	struct fs_stripe s = fs_stripe(BCH_GC_MODEL_BTREE, 1);
	struct bch_gc_model_stripe got;
	unsigned i;

	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	bch_gc_model_compat_set(m, 0);
	forget_everything();

	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), FULL_DATA + 24);
	ck_assert_uint_eq(replicas("data: 2/3 [0 1 2]"), 24);
	for (i = 0; i < FS_DEVICES; i++)
		ck_assert(fs_get(i, s.bucket[i]).stripe);
	assert_bucket(0, s.bucket[0], BCH_GC_BCH_DATA_USER, 16, 0);
	ck_assert_int_eq(bch_gc_model_stripe_get(m, 1, &got), 0);
	ck_assert(got.alive && got.in_heap);
	ck_assert_uint_eq(got.block_sectors[0], 16);
	ck_assert_uint_eq(got.blocks_nonempty, 1);
	fs_assert_counts("with a stripe");
}
END_TEST

/* Oracle: a root that was made up stands for nothing: neither its keys nor itself count. */
START_TEST(made_up_root)
{
	uint64_t inodes = bch_gc_model_nodes(m, BCH_GC_BTREE_ID_INODES, 0) +
			  bch_gc_model_nodes(m, BCH_GC_BTREE_ID_INODES, 1);
	uint64_t all = fs_btree_sectors();

	ck_assert_uint_gt(inodes, 1);
	ck_assert_int_eq(bch_gc_model_root_fake(m, BCH_GC_BTREE_ID_INODES, true), 0);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_NR_INODES), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_BTREE), all - inodes * FS_NODE);
}
END_TEST

/*
 * Oracle: docs/facts/gc.md on metadata_only: superblocks, journal and nodes are
 * recounted, all that follows from data stays, and nothing is reported.
 */
START_TEST(metadata_only)
{
	struct bch_gc_model_bucket plain = fs_get(0, at.plain), sb = fs_get(0, 0);

	plain.dirty_sectors = 77;
	sb.dirty_sectors = 1;
	fs_set(0, at.plain, plain);
	fs_set(0, 0, sb);
	bch_gc_model_usage_set(m, USAGE_BTREE, 1);
	bch_gc_model_usage_set(m, USAGE_DATA, 2);
	bch_gc_model_usage_set(m, USAGE_NR_INODES, 3);

	ck_assert_int_eq(fs_gc(true, true), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	assert_bucket(0, at.plain, BCH_GC_BCH_DATA_USER, 77, 0);
	assert_bucket(0, 0, BCH_GC_BCH_DATA_SB, SB_SECTORS, 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_BTREE), fs_btree_sectors());
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), 2);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_NR_INODES), 3);
}
END_TEST

/* Oracle: the words of the base and what was pending, added by hand. */
START_TEST(pending_usage_is_folded)
{
	/* The base lacks 5 inodes that are pending: together they are right. */
	bch_gc_model_usage_set(m, USAGE_NR_INODES, FULL_INODES - 5);
	ck_assert_int_eq(bch_gc_model_usage_pending(m, USAGE_NR_INODES, 5), 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_NR_INODES), FULL_INODES);
}
END_TEST

/*
 * Oracle: as many members as a superblock can list, each by the same sums; nodes in
 * four copies, so that `btree` is four times what one copy takes.
 */
START_TEST(many_members)
{
	struct bch_gc_model_options o;
	struct bch_gc_model_ptr ptr;
	uint64_t i;

	bch_gc_model_destroy(m);
	fs_options(&o);
	o.nr_devices = 64;
	o.nbuckets = 32;
	o.metadata_replicas = 4;
	m = bch_gc_model_create(&o);
	ck_assert_ptr_nonnull(m);
	for (i = 0; i < 64; i++) {
		memset(&ptr, 0, sizeof(ptr));
		ptr.dev = (uint32_t)i;
		ptr.sector = fs_alloc((unsigned)i) * FS_BUCKET;
		fs_extent(1 + i, 8, 8, ptr);
	}
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	for (i = 1; i < bch_gc_model_usage_words(m); i++)
		bch_gc_model_usage_set(m, i, 0);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), 64 * 5 * FS_BUCKET);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), 64 * 8);
	ck_assert_uint_gt(fs_btree_sectors(), 64 / FS_NODE_KEYS * FS_NODE);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_BTREE), 4 * fs_btree_sectors());
	fs_assert_counts("with 64 members");
}
END_TEST

/* A cheap generator with a known period; the seed is in the failure's text. */
static uint32_t rnd_state;

static uint32_t rnd(uint32_t below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 17;
	rnd_state ^= rnd_state << 5;
	return rnd_state % below;
}

/*
 * Oracle: the model's naive recount, which shares no code with the engine, on
 * random file systems with mixed keys in btree and journal; all counts were
 * forgotten before, so agreeing takes work.
 */
START_TEST(random_file_systems)
{
	struct bch_gc_model_ptr ptr[3];
	char when[32];
	uint64_t bucket[FS_DEVICES], used[FS_DEVICES];
	unsigned i, dev, n;
	uint32_t size;

	rnd_state = 2463534242u + (uint32_t)_i;
	sprintf(when, "seed %u", rnd_state);
	for (dev = 0; dev < FS_DEVICES; dev++)
		used[dev] = FS_BUCKET;
	for (i = 0; i < 120; i++) {
		enum bch_gc_model_where where = rnd(4) ? BCH_GC_MODEL_BTREE : BCH_GC_MODEL_JOURNAL;

		size = 1 + rnd(32);
		for (n = 0, dev = 0; dev < FS_DEVICES; dev++) {
			if (!rnd(2))
				continue;
			if (used[dev] + size > FS_BUCKET) {
				bucket[dev] = fs_alloc(dev);
				used[dev] = 0;
			}
			ptr[n] = fs_ptr(dev, bucket[dev], used[dev]);
			ptr[n].cached = n && !rnd(3);
			used[dev] += size;
			n++;
		}
		if (!n)
			ck_assert_int_eq(bch_gc_model_reservation(m, where, 1 + rnd(9),
							64 + rnd(4096), size, 1 + rnd(3)), 0);
		else
			ck_assert_int_eq(bch_gc_model_extent(m, where, 1 + rnd(9), 64 + rnd(4096),
							size, NULL, ptr, n), 0);
		if (!rnd(3))
			ck_assert_int_eq(bch_gc_model_inode(m, where, 1 + rnd(50)), 0);
		if (!rnd(6))
			ck_assert_int_eq(bch_gc_model_delete(m, where, BCH_GC_BTREE_ID_INODES, 0,
							     1 + rnd(50)), 0);
	}
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	bch_gc_model_compat_set(m, 0);
	forget_everything();
	ck_assert_uint_gt(bch_gc_model_differences(m, NULL, 0), 0);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_counts(when);
	bch_gc_model_compat_set(m, 1 << BCH_GC_BCH_COMPAT_FEAT_ALLOC_INFO);
	fs_assert_settled();
}
END_TEST

Suite *suite_initial(void)
{
	Suite *s = suite_create("initial");
	TCase *empty = tcase_create("empty"), *full = tcase_create("full");

	tcase_add_checked_fixture(empty, fs_empty, fs_down);
	tcase_add_test(empty, empty_file_system);
	tcase_add_test(empty, many_members);
	tcase_add_loop_test(empty, random_file_systems, 0, 16);
	suite_add_tcase(s, empty);

	tcase_add_checked_fixture(full, fs_full, fs_down);
	tcase_add_test(full, sound_file_system);
	tcase_add_test(full, from_nothing_in_silence);
	tcase_add_test(full, from_nothing_reported);
	tcase_add_test(full, journal_lies_over_the_leaves);
	tcase_add_test(full, without_journal_keys);
	tcase_add_test(full, leaves_without_references_are_not_read);
	tcase_add_test(full, btrees_in_order);
	tcase_add_test(full, buckets_of_the_allocator);
	tcase_add_test(full, stripe);
	tcase_add_test(full, made_up_root);
	tcase_add_test(full, metadata_only);
	tcase_add_test(full, pending_usage_is_folded);
	suite_add_tcase(s, full);
	return s;
}
