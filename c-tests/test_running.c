/* SPDX-License-Identifier: GPL-2.0-only */
/* The pass beside others: bch2_gc() that is not initial. */
#include "fs.h"

#include <pthread.h>
#include <sched.h>

/* Oracle: the naive recount; keys were marked, or agreeing would mean nothing. */
START_TEST(sound_file_system)
{
	ck_assert_int_eq(fs_running(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	fs_assert_counts("after a concurrent run");
	ck_assert_uint_gt(fs_count("mark_key", NULL), 16 + 4 + 4 + 2 + 3 + FULL_INODES);
	ck_assert_uint_eq(fs_count("node_get", NULL), 0);
}
END_TEST

/* Oracle: differences are reported whatever the superblock claims to know. */
START_TEST(differences_are_always_reported)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	char text[128];

	bch_gc_model_compat_set(m, 0);
	b.dirty_sectors = 3;
	fs_set(0, at.plain, b);
	ck_assert_int_eq(fs_running(), 0);
	sprintf(text, "bucket 0:%lu gen 0 data type data has wrong dirty_sectors: "
		"got 3, should be 128", (unsigned long)at.plain);
	assert_said(1, text);
	fs_assert_counts("after a repair");
}
END_TEST

/* Oracle: keys of the journal are replayed by then: none is laid over. */
START_TEST(journal_keys_are_not_looked_at)
{
	int ret;

	ck_assert_int_eq(bch_gc_model_delete(m, BCH_GC_MODEL_JOURNAL, BCH_GC_BTREE_ID_EXTENTS,
					     4096, 64), 0);
	bch_gc_model_state_lock(m, true);
	ret = bch2_gc(bch_gc_model_fs(m), bch_gc_model_journal_keys(m), false, false);
	bch_gc_model_state_unlock(m);
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(fs_get(0, at.plain).dirty_sectors, 128);
}
END_TEST

/* Oracle: the checks of the initial pass alone: version, replicas, generations. */
START_TEST(what_only_the_initial_pass_checks)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);

	b.gen_valid = false;
	fs_set(0, at.plain, b);
	bch_gc_model_set_key_version(m, 9);
	ck_assert_int_eq(bch_gc_model_inode(m, BCH_GC_MODEL_BTREE, 4096), 0);
	bch_gc_model_key_version_set(m, 1);
	ck_assert_int_eq(fs_running(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(bch_gc_model_key_version_get(m), 1);
	ck_assert_uint_eq(fs_count("replicas_marked", NULL), 0);
}
END_TEST

/* Oracle: pointers of generation 0 are still there, so that is the oldest. */
START_TEST(oldest_gen_follows)
{
	struct bch_gc_model_bucket b = fs_get(1, at.cached);

	b.gen = 9;
	b.oldest_gen = 9;
	fs_set(1, at.cached, b);
	ck_assert_int_eq(fs_running(), 0);
	ck_assert_uint_eq(fs_get(1, at.cached).oldest_gen, 0);
}
END_TEST

/* Makes the cached pointers `stale` generations old. */
static void make_stale(uint8_t stale)
{
	struct bch_gc_model_bucket b = fs_get(1, at.cached);

	b.gen = stale;
	fs_set(1, at.cached, b);
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
}

/* Oracle: the thresholds of docs/facts/gc.md: more than 16, more than 64. */
START_TEST(stale_nodes_are_rewritten)
{
	static const struct {
		uint8_t stale;
		bool always, disabled, rewritten;
	} cases[] = {
		{ 0, false, false, false },
		{ 16, false, false, false },
		{ 17, false, false, true },
		{ 64, false, true, false },
		{ 65, false, true, true },
		{ 0, true, false, true },
		{ 0, true, true, false },
	};

	make_stale(cases[_i].stale);
	bch_gc_model_param_set(m, GC_HOST_PARAM_UPDATES_BESIDE_GC, true);
	bch_gc_model_param_set(m, GC_HOST_PARAM_ALWAYS_REWRITE, cases[_i].always);
	bch_gc_model_param_set(m, GC_HOST_PARAM_REWRITE_DISABLED, cases[_i].disabled);
	ck_assert_int_eq(fs_running(), 0);
	ck_assert_int_eq(fs_count("walk_rewrite", NULL) != 0, cases[_i].rewritten);
	/* Pointers that went while the run was under way count in the next one only. */
	ck_assert_int_eq(fs_running(), 0);
	fs_assert_counts("after rewriting");
}
END_TEST

/*
 * Oracle: D28: where updates may run beside gc, those of the nodes that the run itself
 * rewrote are waited for again before counts are compared; elsewhere once is enough.
 */
START_TEST(updates_of_the_run_itself)
{
	size_t first, second;

	ck_assert_int_eq(fs_running(), 0);
	ck_assert_uint_eq(fs_count("wait_interior_updates", NULL), 1);
	bch_gc_model_events_clear(m);
	bch_gc_model_param_set(m, GC_HOST_PARAM_UPDATES_BESIDE_GC, true);
	ck_assert_int_eq(fs_running(), 0);
	ck_assert_uint_eq(fs_count("wait_interior_updates", NULL), 2);
	first = bch_gc_model_event_find(m, 0, "wait_interior_updates", NULL);
	second = bch_gc_model_event_find(m, first + 1, "wait_interior_updates", NULL);
	ck_assert_uint_gt(second, bch_gc_model_event_find(m, 0, "gc_count_inc", NULL));
	ck_assert_uint_lt(second, bch_gc_model_event_find(m, 0, "journal_block", NULL));
}
END_TEST

/* Oracle: D18: a host that cannot update beside gc is never asked to. */
START_TEST(no_rewrite_unless_the_host_can)
{
	make_stale(70);
	bch_gc_model_param_set(m, GC_HOST_PARAM_ALWAYS_REWRITE, true);
	ck_assert_int_eq(fs_running(), 0);
	ck_assert_uint_eq(fs_count("walk_rewrite", NULL), 0);
}
END_TEST

/* Oracle: no node is rewritten in the initial pass. */
START_TEST(no_rewrite_in_the_initial_pass)
{
	make_stale(70);
	bch_gc_model_param_set(m, GC_HOST_PARAM_UPDATES_BESIDE_GC, true);
	bch_gc_model_param_set(m, GC_HOST_PARAM_ALWAYS_REWRITE, true);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(fs_count("walk_rewrite", NULL), 0);
}
END_TEST

/* Oracle: after a run the position says that none is under way. */
START_TEST(position_is_reset)
{
	uint64_t inode = 1, offset = 1;
	uint32_t phase = 99, level = 99;

	ck_assert_int_eq(fs_running(), 0);
	bch_gc_model_reader_gc_pos(m, &phase, &inode, &offset, &level);
	ck_assert_uint_eq(phase, BCH_GC_GC_PHASE_NOT_RUNNING);
	ck_assert_uint_eq(level, 0);
}
END_TEST

static volatile bool stop_reading;

/* Reads of the position that make no sense: torn, or of no phase there is. */
static void *read_positions(void *arg)
{
	uint64_t inode, offset, *bad = arg;
	uint32_t phase, level;
	bool btree;

	while (!stop_reading) {
		bch_gc_model_reader_gc_pos(m, &phase, &inode, &offset, &level);
		btree = phase >= BCH_GC_GC_PHASE_BTREE_EC && phase <= BCH_GC_GC_PHASE_BTREE_REFLINK;
		if (phase > BCH_GC_GC_PHASE_ALLOC || phase == BCH_GC_GC_PHASE_PENDING_DELETE ||
		    level > BCH_GC_BTREE_MAX_DEPTH ||
		    (!btree && (offset || level)) ||
		    (!btree && phase != BCH_GC_GC_PHASE_ALLOC && inode) ||
		    /* level 4 is the root's alone, at the greatest position */
		    (level == BCH_GC_BTREE_MAX_DEPTH && (inode != UINT64_MAX || offset != UINT64_MAX)))
			++*bad;
		/* memcheck runs one thread at a time, and would take turns of 10 ms. */
		sched_yield();
	}
	return NULL;
}

/*
 * Oracle: the positions that docs/facts/gc.md allows. A reader beside 30 runs never
 * sees another. (How often it looks while a run is under way is chance; the protocol
 * itself is model-checked elsewhere.)
 */
START_TEST(position_read_beside_a_run)
{
	pthread_t reader;
	uint64_t bad = 0;
	unsigned i;

	stop_reading = false;
	ck_assert_int_eq(pthread_create(&reader, NULL, read_positions, &bad), 0);
	for (i = 0; i < 30; i++)
		ck_assert_int_eq(fs_gc(i % 3 == 0, false), 0);
	stop_reading = true;
	ck_assert_int_eq(pthread_join(reader, NULL), 0);
	ck_assert_uint_eq(bad, 0);
	fs_assert_counts("with a reader");
}
END_TEST

/*
 * Oracle: nodes are walked for one btree after the other: a walk is opened for each,
 * closed before the next.
 */
START_TEST(one_walk_a_btree)
{
	size_t i = 0, opened = 0, open, close;

	ck_assert_int_eq(fs_running(), 0);
	while ((open = bch_gc_model_event_find(m, i, "walk_open", NULL)) != SIZE_MAX) {
		close = bch_gc_model_event_find(m, open, "walk_close", NULL);
		ck_assert_uint_ne(close, SIZE_MAX);
		i = bch_gc_model_event_find(m, open + 1, "walk_open", NULL);
		ck_assert(i == SIZE_MAX || i > close);
		i = close + 1;
		opened++;
	}
	ck_assert_uint_eq(opened, BCH_GC_BTREE_ID_NR);
	ck_assert_uint_eq(fs_count("walk_close", NULL), opened);
}
END_TEST

Suite *suite_running(void)
{
	Suite *s = suite_create("running");
	TCase *t = tcase_create("running");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_test(t, sound_file_system);
	tcase_add_test(t, differences_are_always_reported);
	tcase_add_test(t, journal_keys_are_not_looked_at);
	tcase_add_test(t, what_only_the_initial_pass_checks);
	tcase_add_test(t, oldest_gen_follows);
	tcase_add_loop_test(t, stale_nodes_are_rewritten, 0, 7);
	tcase_add_test(t, updates_of_the_run_itself);
	tcase_add_test(t, no_rewrite_unless_the_host_can);
	tcase_add_test(t, no_rewrite_in_the_initial_pass);
	tcase_add_test(t, position_is_reset);
	tcase_add_test(t, position_read_beside_a_run);
	tcase_add_test(t, one_walk_a_btree);
	suite_add_tcase(s, t);
	return s;
}
