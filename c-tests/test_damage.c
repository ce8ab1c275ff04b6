/* SPDX-License-Identifier: GPL-2.0-only */
/* One thing wrong at a time: the finding, the three answers, the repair. */
#include "fs.h"

/* What the answers should lead to (docs/facts/gc.md, "Done"). */
struct outcome {
	enum bch_gc_model_answer answer;
	int ret;
	bool repaired;
};
static const struct outcome outcomes[] = {
	{ BCH_GC_MODEL_FIX, 0, true },
	/* ignoring keeps the run going; what was counted is taken over all the same */
	{ BCH_GC_MODEL_IGNORE, 0, true },
	{ BCH_GC_MODEL_EXIT, BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED, false },
};
#define OUTCOMES	((int)(sizeof(outcomes) / sizeof(outcomes[0])))

/* Runs, and compares with outcome i; `text` is the only finding. */
static void assert_outcome(int i, const char *text)
{
	bch_gc_model_answer(m, outcomes[i].answer);
	ck_assert_int_eq(fs_initial(), outcomes[i].ret);
	assert_said(1, text);
	ck_assert_uint_eq(bch_gc_model_findings(m), 1);
	ck_assert_int_eq(bch_gc_model_differences(m, NULL, 0) == 0, outcomes[i].repaired);

	/* Whatever was answered: fixing once is enough. */
	bch_gc_model_answer(m, BCH_GC_MODEL_FIX);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
}

/* Oracle: the live bucket was changed by hand to "got"; "should be" is fs_full()'s. */
START_TEST(bucket_data_type)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	char text[128];

	b.data_type = BCH_GC_BCH_DATA_CACHED;
	fs_set(0, at.plain, b);
	sprintf(text, "bucket 0:%lu gen 0 data type cached has wrong data_type: "
		"got 5, should be 4", (unsigned long)at.plain);
	assert_outcome(_i, text);
}
END_TEST

START_TEST(bucket_dirty_sectors)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	char text[128];

	b.dirty_sectors = 3;
	fs_set(0, at.plain, b);
	sprintf(text, "bucket 0:%lu gen 0 data type data has wrong dirty_sectors: "
		"got 3, should be 128", (unsigned long)at.plain);
	assert_outcome(_i, text);
}
END_TEST

START_TEST(bucket_cached_sectors)
{
	struct bch_gc_model_bucket b = fs_get(1, at.cached);
	char text[128];

	b.cached_sectors = 65535;
	fs_set(1, at.cached, b);
	sprintf(text, "bucket 1:%lu gen 0 data type data has wrong cached_sectors: "
		"got 65535, should be 32", (unsigned long)at.cached);
	assert_outcome(_i, text);
}
END_TEST

START_TEST(bucket_owned_by_allocator)
{
	struct bch_gc_model_bucket b = fs_get(2, FS_BUCKETS - 40);
	char text[128];

	ck_assert_uint_eq(b.data_type, BCH_GC_BCH_DATA_NONE);
	b.owned_by_allocator = true;
	fs_set(2, FS_BUCKETS - 40, b);
	sprintf(text, "bucket 2:%u gen 0 data type none has wrong owned_by_allocator: "
		"got 1, should be 0", FS_BUCKETS - 40);
	assert_outcome(_i, text);
}
END_TEST

START_TEST(bucket_stripe)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	char text[128];

	b.stripe = true;
	fs_set(0, at.plain, b);
	sprintf(text, "bucket 0:%lu gen 0 data type data has wrong stripe: "
		"got 1, should be 0", (unsigned long)at.plain);
	assert_outcome(_i, text);
}
END_TEST

/* Oracle: fields in the order of the table; the text shows the mark as repaired so far. */
START_TEST(bucket_fields_in_order)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	struct bch_gc_model_message msg;
	static const char *const field[] = {
		"data type journal has wrong data_type: got 2, should be 4",
		"data type data has wrong owned_by_allocator: got 1, should be 0",
		"data type data has wrong stripe: got 1, should be 0",
		"data type data has wrong dirty_sectors: got 1, should be 128",
		"data type data has wrong cached_sectors: got 2, should be 0",
	};
	size_t i;

	b.data_type = BCH_GC_BCH_DATA_JOURNAL;
	b.owned_by_allocator = b.stripe = true;
	b.dirty_sectors = 1;
	b.cached_sectors = 2;
	fs_set(0, at.plain, b);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_findings(m), 5);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(bch_gc_model_message(m, i, &msg), 0);
		ck_assert_msg(strstr(msg.text, field[i]) != NULL, "%lu: %s", (unsigned long)i,
			      msg.text);
		ck_assert_uint_eq(msg.flags, BCH_GC_FSCK_CAN_FIX | BCH_GC_FSCK_CAN_IGNORE);
		ck_assert_uint_eq(msg.code, CODE_BUCKET_DATA_TYPE + i);
	}
	fs_assert_settled();
}
END_TEST

/* Oracle: "stop" at the third field leaves the first two repaired, the others not. */
START_TEST(stop_between_fields)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);

	b.data_type = BCH_GC_BCH_DATA_JOURNAL;
	b.owned_by_allocator = b.stripe = true;
	b.dirty_sectors = 1;
	fs_set(0, at.plain, b);
	bch_gc_model_answer_exit_at(m, 2);
	ck_assert_int_eq(fs_initial(), BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED);
	b = fs_get(0, at.plain);
	ck_assert_uint_eq(b.data_type, BCH_GC_BCH_DATA_USER);
	ck_assert(!b.owned_by_allocator);
	ck_assert(b.stripe);
	ck_assert_uint_eq(b.dirty_sectors, 1);
}
END_TEST

/* Oracle: each word of the usage by its name, "got" set by hand. */
START_TEST(usage)
{
	static const struct {
		size_t word;
		const char *name;
	} words[] = {
		{ USAGE_BTREE, "btree" }, { USAGE_DATA, "data" },
		{ USAGE_CACHED, "cached" }, { USAGE_RESERVED, "reserved" },
		{ USAGE_NR_INODES, "nr_inodes" },
		{ USAGE_PERSISTENT + 0, "persistent_reserved[0]" },
		{ USAGE_PERSISTENT + 1, "persistent_reserved[1]" },
		{ USAGE_PERSISTENT + 2, "persistent_reserved[2]" },
		{ USAGE_PERSISTENT + 3, "persistent_reserved[3]" },
	};
	int word = _i / OUTCOMES;
	uint64_t want = bch_gc_model_usage_get(m, words[word].word);
	char text[128];

	ck_assert_int_lt(word, (int)(sizeof(words) / sizeof(words[0])));
	bch_gc_model_usage_set(m, words[word].word, 123456789);
	sprintf(text, "fs has wrong %s: got 123456789, should be %lu", words[word].name,
		(unsigned long)want);
	assert_outcome(_i % OUTCOMES, text);
}
END_TEST

/*
 * Oracle: `hidden` is recomputed from the buckets before it is compared, so whatever
 * it was before is no finding.
 */
START_TEST(hidden_follows_from_buckets)
{
	bch_gc_model_usage_set(m, USAGE_HIDDEN, 5);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_HIDDEN), FULL_HIDDEN);
}
END_TEST

/* Oracle: the text of the entry; sectors by hand. */
START_TEST(usage_of_replicas)
{
	size_t word = bch_gc_model_replicas_word(m, "data: 1/2 [0 1]");

	ck_assert_uint_ne(word, 0);
	bch_gc_model_usage_set(m, word, 7);
	assert_outcome(_i, "fs has wrong data: 1/2 [0 1]: got 7, should be 128");
}
END_TEST

/* A version of 0 is as low as it gets; keys of version 9 were never recorded. */
static void higher_version(void)
{
	bch_gc_model_set_key_version(m, 9);
	ck_assert_int_eq(bch_gc_model_inode(m, BCH_GC_MODEL_BTREE, 4096), 0);
	bch_gc_model_key_version_set(m, 8);
}

/* Oracle: docs/facts/gc.md; the recorded version is raised only when fixed. */
START_TEST(key_version)
{
	static const uint64_t recorded[] = { 9, 8, 8 };

	higher_version();
	bch_gc_model_answer(m, outcomes[_i].answer);
	ck_assert_int_eq(fs_initial(), outcomes[_i].ret);
	assert_said(1, "key version number higher than recorded: 9 > 8");
	ck_assert_uint_eq(bch_gc_model_findings_of(m, CODE_KEY_VERSION), 1);
	ck_assert_uint_eq(bch_gc_model_key_version_get(m), recorded[_i]);
}
END_TEST

/* Oracle: an equal version is no finding. */
START_TEST(key_version_equal)
{
	higher_version();
	bch_gc_model_key_version_set(m, 9);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
}
END_TEST

/* Oracle: type 6 is an extent; the entry is back only when fixed. */
START_TEST(replicas_not_in_superblock)
{
	struct bch_gc_model_message msg;

	ck_assert_int_eq(bch_gc_model_replicas_remove(m, "data: 1/2 [0 1]"), 0);
	bch_gc_model_answer_code(m, CODE_REPLICAS_UNMARKED, outcomes[_i].answer);
	ck_assert_int_eq(fs_initial(), outcomes[_i].ret);
	ck_assert_int_eq(bch_gc_model_message(m, 0, &msg), 0);
	ck_assert_str_eq(msg.text, "superblock not marked as containing replicas (type 6)");
	ck_assert_uint_eq(msg.flags, BCH_GC_FSCK_CAN_FIX | BCH_GC_FSCK_CAN_IGNORE);
	ck_assert_uint_eq(bch_gc_model_replicas_word(m, "data: 1/2 [0 1]") != 0,
			  outcomes[_i].answer == BCH_GC_MODEL_FIX);
	/* Four keys have it: one asks when it is fixed, each of them when it is not. */
	ck_assert_uint_eq(bch_gc_model_findings_of(m, CODE_REPLICAS_UNMARKED),
			  outcomes[_i].answer == BCH_GC_MODEL_IGNORE ? 4 : 1);
}
END_TEST

/* Oracle: with REBUILD_REPLICAS entries are added without a question. */
START_TEST(replicas_rebuilt)
{
	ck_assert_int_eq(bch_gc_model_replicas_remove(m, "data: 1/2 [0 1]"), 0);
	bch_gc_model_flag_set(m, GC_HOST_FLAG_REBUILD_REPLICAS, true);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_findings(m), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m,
				bch_gc_model_replicas_word(m, "data: 1/2 [0 1]")), 128);
	fs_assert_counts("after a rebuild");
}
END_TEST

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

static void set_stripe(uint64_t idx, const struct bch_gc_model_stripe *s)
{
	ck_assert_int_eq(bch_gc_model_stripe_set(m, idx, s), 0);
}

/* Oracle: each field set by hand to "got"; what is right follows from fs_stripe(). */
START_TEST(stripe_fields)
{
	static const char *const texts[] = {
		"stripe 1 has wrong alive: got 0, should be 1",
		"stripe 1 has wrong sectors: got 99, should be 128",
		"stripe 1 has wrong algorithm: got 7, should be 0",
		"stripe 1 has wrong nr_blocks: got 9, should be 3",
		"stripe 1 has wrong nr_redundant: got 2, should be 1",
		"stripe 1 has wrong blocks_nonempty: got 2, should be 1",
		"stripe 1 has wrong block_sectors[0]: got 15, should be 16",
		"stripe 1 has wrong block_sectors[15]: got 1, should be 0",
	};
	struct bch_gc_model_stripe s;
	int field = _i / OUTCOMES;

	fs_stripe(BCH_GC_MODEL_BTREE, 1);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	ck_assert_int_eq(bch_gc_model_stripe_get(m, 1, &s), 0);
	switch (field) {
	case 0: s.alive = false; break;
	case 1: s.sectors = 99; break;
	case 2: s.algorithm = 7; break;
	case 3: s.nr_blocks = 9; break;
	case 4: s.nr_redundant = 2; break;
	case 5: s.blocks_nonempty = 2; break;
	case 6: s.block_sectors[0] = 15; break;
	case 7: s.block_sectors[15] = 1; break;
	}
	set_stripe(1, &s);
	assert_outcome(_i % OUTCOMES, texts[field]);
}
END_TEST

/* Oracle: a live stripe that no key speaks of counts as zero, and leaves the heap. */
START_TEST(stripe_without_a_key)
{
	struct bch_gc_model_stripe s;

	memset(&s, 0, sizeof(s));
	s.alive = true;
	s.sectors = 8;
	set_stripe(5, &s);
	ck_assert_int_eq(fs_initial(), 0);
	assert_said(1, "stripe 5 has wrong alive: got 1, should be 0");
	assert_said(1, "stripe 5 has wrong sectors: got 8, should be 0");
	ck_assert_int_eq(bch_gc_model_stripe_get(m, 5, &s), 0);
	ck_assert(!s.alive && !s.in_heap);
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

	bch_gc_model_answer_code(m, CODE_GEN_FUTURE, BCH_GC_MODEL_IGNORE);
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
	bch_gc_model_answer_code(m, CODE_GEN_MISSING, BCH_GC_MODEL_IGNORE);
	ck_assert_int_eq(fs_initial(), 0);
	/* once for each of the sixteen pointers */
	ck_assert_uint_eq(bch_gc_model_findings_of(m, CODE_GEN_MISSING), 16);
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

/* Oracle: three things wrong in the order in which they are met: key, stripe, bucket, usage. */
START_TEST(findings_in_order)
{
	static const unsigned order[] = { CODE_KEY_VERSION, CODE_BUCKET_DIRTY, CODE_FS_REPLICAS };
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	struct bch_gc_model_message msg;
	size_t i;

	higher_version();
	b.dirty_sectors = 3;
	fs_set(0, at.plain, b);
	bch_gc_model_usage_set(m, bch_gc_model_replicas_word(m, "cached: 1/1 [1]"), 1);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_findings(m), 3);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(bch_gc_model_message(m, i, &msg), 0);
		ck_assert_uint_eq(msg.code, order[i]);
	}
}
END_TEST

Suite *suite_damage(void)
{
	Suite *s = suite_create("damage");
	TCase *t = tcase_create("damage");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_loop_test(t, bucket_data_type, 0, OUTCOMES);
	tcase_add_loop_test(t, bucket_dirty_sectors, 0, OUTCOMES);
	tcase_add_loop_test(t, bucket_cached_sectors, 0, OUTCOMES);
	tcase_add_loop_test(t, bucket_owned_by_allocator, 0, OUTCOMES);
	tcase_add_loop_test(t, bucket_stripe, 0, OUTCOMES);
	tcase_add_test(t, bucket_fields_in_order);
	tcase_add_test(t, stop_between_fields);
	tcase_add_loop_test(t, usage, 0, 9 * OUTCOMES);
	tcase_add_test(t, hidden_follows_from_buckets);
	tcase_add_loop_test(t, usage_of_replicas, 0, OUTCOMES);
	tcase_add_loop_test(t, key_version, 0, OUTCOMES);
	tcase_add_test(t, key_version_equal);
	tcase_add_loop_test(t, replicas_not_in_superblock, 0, OUTCOMES);
	tcase_add_test(t, replicas_rebuilt);
	tcase_add_test(t, gen_missing);
	tcase_add_test(t, gen_missing_of_a_node);
	tcase_add_test(t, gen_in_the_future);
	tcase_add_test(t, restart_flushes_findings);
	tcase_add_test(t, restart_on_demand);
	tcase_add_test(t, gens_that_never_settle);
	tcase_add_loop_test(t, stripe_fields, 0, 8 * OUTCOMES);
	tcase_add_test(t, stripe_without_a_key);
	tcase_add_test(t, two_types_in_a_bucket);
	tcase_add_test(t, stale_dirty_pointer);
	tcase_add_test(t, newer_pointer_ignored);
	tcase_add_test(t, gen_missing_ignored);
	tcase_add_loop_test(t, pointer_too_stale, 0, 3);
	tcase_add_loop_test(t, bucket_overflow, 0, 2);
	tcase_add_test(t, stale_cached_pointer);
	tcase_add_test(t, findings_in_order);
	suite_add_tcase(s, t);
	return s;
}
