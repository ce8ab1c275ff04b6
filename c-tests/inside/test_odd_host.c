/* SPDX-License-Identifier: GPL-2.0-only */
/* Results that the header does not allow: the library must not believe them. */
#include "../fs.h"
#include "inside.h"
#include "wrap.h"

static enum wrapped odd_call;
static int odd_result, after_calls;

static int odd(enum wrapped call, int ret)
{
	return call == odd_call && after_calls-- <= 0 ? odd_result : ret;
}

static int run(enum wrapped call, int result, bool initial)
{
	int ret;

	odd_call = call;
	odd_result = result;
	change_result = odd;
	ret = fs_gc(initial, false);
	change_result = NULL;
	return ret;
}

/* Oracle: what is no answer stops the run, and nothing is changed. */
START_TEST(answers_that_are_none)
{
	static const int answers[] = { 3, 255, -1, INT32_MIN, INT32_MAX };

	bch_gc_model_usage_set(m, USAGE_DATA, 1);
	after_calls = 0;
	ck_assert_int_eq(run(CALL_FSCK_ERR, answers[_i], true), BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), 1);
}
END_TEST

/*
 * Oracle: results are 0 or a negative errno. A positive one is an error too, never a
 * node; and never one of the results 1 and 2 that mean something to the caller.
 */
START_TEST(errors_that_are_none)
{
	static const int results[] = { 1, 2, 77, INT32_MAX, INT32_MIN };
	int ret;

	after_calls = 1;
	ret = run(CALL_NODE_GET, results[_i], true);
	/* The node that was lent beside the nonsense is lost: not ours to give back. */
	bch_gc_model_violations_clear(m);
	ck_assert_msg(ret < 0, "result %d", ret);
	bch_gc_model_destroy(m);
	m = NULL;
}
END_TEST

static enum wrapped null_call;
static unsigned null_place;

static bool lends(enum wrapped call, unsigned place)
{
	return call == null_call && place == null_place;
}

enum entry { INITIAL, BESIDE, GENS, COALESCE };

/* Each address that the library is lent, and an entry point on the way to it. */
static const struct {
	enum wrapped	call;
	unsigned	place;
	enum entry	entry;
	bool		lends;
	const char	*name;
} nulls[] = {
	{ CALL_GC_POS,		0, INITIAL,	false,	"gc_pos" },
	{ CALL_GC_POS,		1, BESIDE,	false,	"gc_pos" },
	{ CALL_USAGE,		0, INITIAL,	false,	"usage" },
	{ CALL_DEV_JOURNAL,	0, INITIAL,	false,	"dev_journal" },
	{ CALL_NODE_INFO,	0, INITIAL,	false,	"node_info" },
	{ CALL_NODE_INFO,	1, BESIDE,	false,	"node_info" },
	{ CALL_NODE_INFO,	0, COALESCE,	false,	"node_info" },
	{ CALL_NODE_KEYS_NEXT,	0, INITIAL,	false,	"node_keys_next" },
	{ CALL_NODE_KEYS_NEXT,	1, INITIAL,	false,	"node_keys_next" },
	{ CALL_NODE_KEYS_NEXT,	0, BESIDE,	false,	"node_keys_next" },
	{ CALL_NODE_KEYS_NEXT,	0, COALESCE,	false,	"node_keys_next" },
	{ CALL_NODE_GET,	0, INITIAL,	false,	"node_get" },
	{ CALL_WALK_NEXT_NODE,	0, BESIDE,	false,	"walk_next_node" },
	{ CALL_WALK_NEXT_NODE,	0, COALESCE,	false,	"walk_next_node" },
	{ CALL_WALK_REPLACE,	0, COALESCE,	false,	"walk_replace" },
	{ CALL_WALK_NEXT_KEY,	0, GENS,	false,	"walk_next_key" },
	{ CALL_WALK_NEXT_KEY,	1, GENS,	false,	"walk_next_key" },
	{ CALL_WALK_NEXT_NODE,	0, GENS,	true,	"walk_next_node" },
	{ CALL_STRIPE_NEXT,	0, INITIAL,	false,	"stripe_next" },
	{ CALL_COUNTERS,	0, INITIAL,	true,	"counters" },
	{ CALL_NODE_SET,	0, INITIAL,	true,	"node_set" },
	{ CALL_NODE_SET,	1, GENS,	true,	"node_set" }
};
#define NULLS	(sizeof(nulls) / sizeof(nulls[0]))

/*
 * Oracle: the header promises the address; without it the call ends with -EINVAL and
 * says which function it was. Locks, references and second arrays are given back (by
 * fs_down). bch2_coalesce() has no result: it says the number.
 */
START_TEST(addresses_that_are_null)
{
	char want[80];
	int ret = -EINVAL;

	if (nulls[_i].call == CALL_STRIPE_NEXT)
		fs_stripe_alone(BCH_GC_MODEL_BTREE, 0);
	if (nulls[_i].entry == COALESCE)
		fs_sparse();
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	bch_gc_model_param_set(m, GC_HOST_PARAM_LENDS, nulls[_i].lends);
	null_call = nulls[_i].call;
	null_place = nulls[_i].place;
	lends_null = lends;
	switch (nulls[_i].entry) {
	case INITIAL:
	case BESIDE:
		ret = fs_gc(nulls[_i].entry == INITIAL, false);
		break;
	case GENS:
		ret = bch2_gc_gens(bch_gc_model_fs(m));
		break;
	case COALESCE:
		bch2_coalesce(bch_gc_model_fs(m));
		ck_assert_uint_eq(bch_gc_model_messages_with(m,
					"btree coalescing failed: -22"), 1);
		break;
	}
	lends_null = NULL;
	ck_assert_int_eq(ret, -EINVAL);
	snprintf(want, sizeof(want), "gc_host_%s lent NULL", nulls[_i].name);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, want), 1);
	bch_gc_model_messages_clear(m);
}
END_TEST

/* Oracle: a pointer to a node that is not lent is one that cannot be followed. */
START_TEST(pointers_to_nodes_that_are_null)
{
	null_call = CALL_NODE_INFO;
	null_place = 2;
	lends_null = lends;
	ck_assert_int_eq(fs_gc(_i, false), -EINVAL);
	lends_null = NULL;
}
END_TEST

Suite *suite_odd_host(void)
{
	Suite *s = suite_create("odd host");
	TCase *t = tcase_create("odd host");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_loop_test(t, answers_that_are_none, 0, 5);
	tcase_add_loop_test(t, errors_that_are_none, 0, 5);
	tcase_add_loop_test(t, addresses_that_are_null, 0, NULLS);
	tcase_add_loop_test(t, pointers_to_nodes_that_are_null, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
