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
START_TEST(bucket_field)
{
	static const char *const texts[] = {
		"data type cached has wrong data_type: got 5, should be 4",
		"data type data has wrong dirty_sectors: got 3, should be 128",
		"data type data has wrong cached_sectors: got 65535, should be 32",
		"data type none has wrong owned_by_allocator: got 1, should be 0",
		"data type data has wrong stripe: got 1, should be 0",
	};
	const struct {
		uint32_t dev;
		uint64_t bucket;
	} places[] = {
		{ 0, at.plain }, { 0, at.plain }, { 1, at.cached }, { 2, FS_BUCKETS - 40 },
		{ 0, at.plain },
	};
	int field = _i / OUTCOMES;
	uint32_t dev = places[field].dev;
	uint64_t bucket = places[field].bucket;
	struct bch_gc_model_bucket b = fs_get(dev, bucket);
	char text[128];

	switch (field) {
	case 0: b.data_type = BCH_GC_BCH_DATA_CACHED; break;
	case 1: b.dirty_sectors = 3; break;
	case 2: b.cached_sectors = 65535; break;
	case 3: b.owned_by_allocator = true; break;
	case 4: b.stripe = true; break;
	}
	fs_set(dev, bucket, b);
	sprintf(text, "bucket %u:%lu gen 0 %s", dev, (unsigned long)bucket, texts[field]);
	assert_outcome(_i % OUTCOMES, text);
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
		ck_assert_uint_eq(msg.code, BCH_GC_FINDING_BUCKET_DATA_TYPE + i);
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
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_KEY_VERSION), 1);
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
	bch_gc_model_answer_code(m, BCH_GC_FINDING_REPLICAS_UNMARKED, outcomes[_i].answer);
	ck_assert_int_eq(fs_initial(), outcomes[_i].ret);
	ck_assert_int_eq(bch_gc_model_message(m, 0, &msg), 0);
	ck_assert_str_eq(msg.text, "superblock not marked as containing replicas (type 6)");
	ck_assert_uint_eq(msg.flags, BCH_GC_FSCK_CAN_FIX | BCH_GC_FSCK_CAN_IGNORE);
	ck_assert_uint_eq(bch_gc_model_replicas_word(m, "data: 1/2 [0 1]") != 0,
			  outcomes[_i].answer == BCH_GC_MODEL_FIX);
	/* Four keys have it: one asks when it is fixed, each of them when it is not. */
	ck_assert_uint_eq(bch_gc_model_findings_of(m, BCH_GC_FINDING_REPLICAS_UNMARKED),
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

/* Oracle: three things wrong in the order in which they are met: key, stripe, bucket, usage. */
START_TEST(findings_in_order)
{
	static const unsigned order[] = {
		BCH_GC_FINDING_KEY_VERSION,
		BCH_GC_FINDING_BUCKET_DIRTY_SECTORS,
		BCH_GC_FINDING_FS_REPLICAS
	};
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
	tcase_add_loop_test(t, bucket_field, 0, 5 * OUTCOMES);
	tcase_add_test(t, bucket_fields_in_order);
	tcase_add_test(t, stop_between_fields);
	tcase_add_loop_test(t, usage, 0, 9 * OUTCOMES);
	tcase_add_test(t, hidden_follows_from_buckets);
	tcase_add_loop_test(t, usage_of_replicas, 0, OUTCOMES);
	tcase_add_loop_test(t, key_version, 0, OUTCOMES);
	tcase_add_test(t, key_version_equal);
	tcase_add_loop_test(t, replicas_not_in_superblock, 0, OUTCOMES);
	tcase_add_test(t, replicas_rebuilt);
	tcase_add_loop_test(t, stripe_fields, 0, 8 * OUTCOMES);
	tcase_add_test(t, stripe_without_a_key);
	tcase_add_test(t, findings_in_order);
	suite_add_tcase(s, t);
	return s;
}
