/* SPDX-License-Identifier: GPL-2.0-only */
/* The shape of btrees: ranges of roots and nodes, keys outside of them, levels. */
#include "fs.h"

#define EXTENTS	BCH_GC_BTREE_ID_EXTENTS

/* Answers, and what a finding without a repair leads to. */
static const enum bch_gc_model_answer answers[] = {
	BCH_GC_MODEL_IGNORE, BCH_GC_MODEL_FIX, BCH_GC_MODEL_EXIT
};
static const int results[] = {
	0, BCH_GC_BCH_FSCK_REPAIR_UNIMPLEMENTED, BCH_GC_BCH_FSCK_ERRORS_NOT_FIXED
};
#define ANSWERS	3

static void assert_unrepairable(int answer, unsigned code, const char *text)
{
	struct bch_gc_model_message msg;

	bch_gc_model_answer(m, answers[answer]);
	ck_assert_int_eq(fs_initial(), results[answer]);
	ck_assert_int_eq(bch_gc_model_message(m, 0, &msg), 0);
	ck_assert_str_eq(msg.text, text);
	ck_assert_uint_eq(msg.code, code);
	ck_assert_uint_eq(msg.flags, BCH_GC_FSCK_CAN_FIX | BCH_GC_FSCK_CAN_IGNORE);
	/* gc_count moves only with a complete pass. */
	ck_assert_uint_eq(bch_gc_model_gc_count(m), results[answer] == 0);
}

static struct bch_gc_model_node node(unsigned level, size_t i)
{
	struct bch_gc_model_node n;

	ck_assert_int_eq(bch_gc_model_node(m, EXTENTS, level, i, &n), 0);
	return n;
}

static void set_range(unsigned level, size_t i, struct bch_gc_model_node n)
{
	ck_assert_int_eq(bch_gc_model_node_range(m, EXTENTS, level, i, n.min_inode, n.min_offset,
						 n.max_inode, n.max_offset), 0);
}

/* Oracle: the text with "min_key", and the position put there. */
START_TEST(root_min_key)
{
	unsigned top = bch_gc_model_depth(m, EXTENTS) - 1;
	struct bch_gc_model_node n = node(top, 0);

	n.min_inode = 4096;
	n.min_offset = 7;
	set_range(top, 0, n);
	assert_unrepairable(_i, BCH_GC_FINDING_ROOT_KEY, "btree root with incorrect min_key: 4096:7");
}
END_TEST

/*
 * Oracle: D15: the original says "min_key" of the max_key too. (On a root that is a
 * leaf: the last child of another would lie outside of it.)
 */
START_TEST(root_max_key)
{
	ck_assert_uint_eq(bch_gc_model_depth(m, BCH_GC_BTREE_ID_REFLINK), 1);
	ck_assert_int_eq(bch_gc_model_node_range(m, BCH_GC_BTREE_ID_REFLINK, 0, 0, 0, 0,
						 8192, 1), 0);
	assert_unrepairable(_i, BCH_GC_FINDING_ROOT_KEY, "btree root with incorrect min_key: 8192:1");
}
END_TEST

/* Oracle: the end of the child before plus one; "got" is what was put there. */
START_TEST(gap_between_children)
{
	struct bch_gc_model_node before = node(0, 0);
	char text[160];

	ck_assert_int_eq(bch_gc_model_node_ptr_min(m, EXTENTS, 0, 1, 4096, 4000), 0);
	sprintf(text, "btree node with incorrect min_key: got 4096:4000, should be %lu:%lu",
		(unsigned long)before.max_inode, (unsigned long)before.max_offset + 1);
	assert_unrepairable(_i, BCH_GC_FINDING_NODE_MIN_KEY, text);
}
END_TEST

/* Oracle: the first child begins where its parent does. */
START_TEST(first_child)
{
	ck_assert_int_eq(bch_gc_model_node_ptr_min(m, EXTENTS, 0, 0, 0, 1), 0);
	assert_unrepairable(_i, BCH_GC_FINDING_NODE_MIN_KEY,
			    "btree node with incorrect min_key: got 0:1, should be 0:0");
}
END_TEST

/* Oracle: a child that is missing in the middle leaves a gap. */
START_TEST(missing_child)
{
	struct bch_gc_model_node first = node(0, 0), gone = node(0, 1), after = node(0, 2);
	char text[160];

	/* node 2 must have the same parent as node 1: else the finding is another */
	ck_assert_uint_ge(node(1, 0).nr_keys, 2);
	ck_assert_int_eq(bch_gc_model_node_drop(m, EXTENTS, 0, 1), 0);
	if (node(1, 0).max_inode == gone.max_inode && node(1, 0).max_offset == gone.max_offset) {
		sprintf(text, "btree node with incorrect max_key: got %lu:%lu, should be %lu:%lu",
			(unsigned long)first.max_inode, (unsigned long)first.max_offset,
			(unsigned long)gone.max_inode, (unsigned long)gone.max_offset);
		assert_unrepairable(_i, BCH_GC_FINDING_NODE_MAX_KEY, text);
	} else {
		sprintf(text, "btree node with incorrect min_key: got %lu:%lu, should be %lu:%lu",
			(unsigned long)after.min_inode, (unsigned long)after.min_offset,
			(unsigned long)first.max_inode, (unsigned long)first.max_offset + 1);
		assert_unrepairable(_i, BCH_GC_FINDING_NODE_MIN_KEY, text);
	}
}
END_TEST

/* Oracle: the last child ends where its parent does: at the greatest position. */
START_TEST(last_child_missing)
{
	size_t n = bch_gc_model_nodes(m, EXTENTS, 0);
	struct bch_gc_model_node last;
	char text[160];

	ck_assert_int_eq(bch_gc_model_node_drop(m, EXTENTS, 0, n - 1), 0);
	last = node(0, n - 2);
	sprintf(text, "btree node with incorrect max_key: got %lu:%lu, "
		"should be 18446744073709551615:18446744073709551615",
		(unsigned long)last.max_inode, (unsigned long)last.max_offset);
	assert_unrepairable(_i, BCH_GC_FINDING_NODE_MAX_KEY, text);
}
END_TEST

/*
 * Oracle: an interior node without any child has none that could be wrong; the
 * original says nothing either. (A pass here is not vacuous: the node is read.)
 */
START_TEST(no_child_at_all)
{
	while (bch_gc_model_nodes(m, BCH_GC_BTREE_ID_INODES, 0))
		ck_assert_int_eq(bch_gc_model_node_drop(m, BCH_GC_BTREE_ID_INODES, 0, 0), 0);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_NR_INODES), 0);
}
END_TEST

/* A key with a position of our choice in leaf i, wherever it belongs. */
static void put_inode_key(unsigned btree, size_t i, uint64_t inode, uint64_t offset)
{
	/* struct bkey: u64s 7, format current, type inode */
	uint64_t key[7];

	memset(key, 0, sizeof(key));
	key[0] = 7 | 1 << 8 | BCH_GC_KEY_TYPE_inode << 16;
	/* struct bpos at byte 20: snapshot, offset, inode */
	memcpy((char *)key + 24, &offset, 8);
	memcpy((char *)key + 32, &inode, 8);
	ck_assert_int_eq(bch_gc_model_node_put(m, btree, 0, i, key, 7), 0);
}

/*
 * Oracle: docs/differences.md: what the original stops the program at is error 2 with
 * a message, whatever is answered to findings.
 */
START_TEST(key_before_its_node)
{
	struct bch_gc_model_node n;

	ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_INODES, 0, 1, &n), 0);
	put_inode_key(BCH_GC_BTREE_ID_INODES, 1, 0, n.min_offset - 1);
	bch_gc_model_answer(m, answers[_i]);
	ck_assert_int_eq(fs_initial(), BCH_GC_BCH_FSCK_REPAIR_UNIMPLEMENTED);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "outside of its node"), 1);
	ck_assert_uint_eq(bch_gc_model_findings(m), 0);
}
END_TEST

START_TEST(key_behind_its_node)
{
	struct bch_gc_model_node n;

	ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_INODES, 0, 0, &n), 0);
	put_inode_key(BCH_GC_BTREE_ID_INODES, 0, 0, n.max_offset + 1);
	bch_gc_model_answer(m, answers[_i]);
	ck_assert_int_eq(fs_initial(), BCH_GC_BCH_FSCK_REPAIR_UNIMPLEMENTED);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "outside of its node"), 1);
	ck_assert_uint_eq(bch_gc_model_findings(m), 0);
}
END_TEST

/* Oracle: keys at both ends of the range belong to the node. */
START_TEST(keys_at_the_ends)
{
	struct bch_gc_model_node n;

	ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_INODES, 0, 1, &n), 0);
	put_inode_key(BCH_GC_BTREE_ID_INODES, 1, n.min_inode, n.min_offset);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
}
END_TEST

/* Oracle: a walk goes down one level at a time, so a child that claims another is refused. */
START_TEST(child_at_another_level)
{
	static const unsigned claimed[] = { 1, 2, 3, 255 };

	ck_assert_int_eq(bch_gc_model_node_level(m, EXTENTS, 0, 0, claimed[_i]), 0);
	ck_assert_int_eq(fs_initial(), -EINVAL);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "level"), 1);
}
END_TEST

/* Oracle: a btree has at most four levels. */
START_TEST(root_too_deep)
{
	unsigned top = bch_gc_model_depth(m, EXTENTS) - 1;

	ck_assert_int_eq(bch_gc_model_node_level(m, EXTENTS, top, 0, BCH_GC_BTREE_MAX_DEPTH), 0);
	ck_assert_int_eq(fs_initial(), -EINVAL);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "deep"), 1);
}
END_TEST

/* Oracle: all four levels are walked: keys of every leaf count. */
START_TEST(four_levels)
{
	uint64_t i;

	for (i = 0; bch_gc_model_depth(m, EXTENTS) < BCH_GC_BTREE_MAX_DEPTH; i++) {
		ck_assert_uint_lt(i, 500);
		ck_assert_int_eq(bch_gc_model_reservation(m, BCH_GC_MODEL_BTREE, 9000, 8 * (i + 1),
							  8, 1), 0);
	}
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
	bch_gc_model_usage_set(m, USAGE_PERSISTENT, 0);
	bch_gc_model_compat_set(m, 0);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_PERSISTENT), 8 * i);
	fs_assert_counts("with four levels");
}
END_TEST

/* Oracle: the errno that reading the node gives is the result; nothing is taken over. */
START_TEST(node_unreadable)
{
	static const int err[] = { EIO, ENOMEM, ESTALE };
	unsigned level = (unsigned)_i % 2;

	bch_gc_model_usage_set(m, USAGE_DATA, 1);
	ck_assert_int_eq(bch_gc_model_node_unreadable(m, EXTENTS, level, 1, err[_i / 2]), 0);
	ck_assert_int_eq(fs_initial(), -err[_i / 2]);
	ck_assert_int_eq(fs_running(), -err[_i / 2]);
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), 1);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 0);
	ck_assert_int_eq(bch_gc_model_node_unreadable(m, EXTENTS, level, 1, 0), 0);
	ck_assert_int_eq(fs_initial(), 0);
	fs_assert_settled();
}
END_TEST

/*
 * Oracle: the concurrent pass judges the same shapes by the same texts. (Roots are not
 * judged there; docs/facts/gc.md.)
 */
START_TEST(gap_in_a_running_file_system)
{
	bch_gc_model_answer(m, answers[_i]);
	ck_assert_int_eq(bch_gc_model_node_ptr_min(m, EXTENTS, 0, 0, 0, 1), 0);
	ck_assert_int_eq(fs_running(), results[_i]);
	assert_said(1, "btree node with incorrect min_key: got 0:1, should be 0:0");
}
END_TEST

/* Oracle: D16: the last child is judged in the concurrent pass too. */
START_TEST(last_child_in_a_running_file_system)
{
	size_t n = bch_gc_model_nodes(m, EXTENTS, 0);

	ck_assert_int_eq(bch_gc_model_node_drop(m, EXTENTS, 0, n - 1), 0);
	bch_gc_model_answer(m, answers[_i]);
	ck_assert_int_eq(fs_running(), results[_i]);
	ck_assert_uint_eq(bch_gc_model_messages_with(m, "btree node with incorrect max_key: got "), 1);
}
END_TEST

Suite *suite_topology(void)
{
	Suite *s = suite_create("topology");
	TCase *t = tcase_create("topology");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_loop_test(t, root_min_key, 0, ANSWERS);
	tcase_add_loop_test(t, root_max_key, 0, ANSWERS);
	tcase_add_loop_test(t, gap_between_children, 0, ANSWERS);
	tcase_add_loop_test(t, first_child, 0, ANSWERS);
	tcase_add_loop_test(t, missing_child, 0, ANSWERS);
	tcase_add_loop_test(t, last_child_missing, 0, ANSWERS);
	tcase_add_test(t, no_child_at_all);
	tcase_add_loop_test(t, key_before_its_node, 0, ANSWERS);
	tcase_add_loop_test(t, key_behind_its_node, 0, ANSWERS);
	tcase_add_test(t, keys_at_the_ends);
	tcase_add_loop_test(t, child_at_another_level, 0, 4);
	tcase_add_test(t, root_too_deep);
	tcase_add_test(t, four_levels);
	tcase_add_loop_test(t, node_unreadable, 0, 6);
	tcase_add_loop_test(t, gap_in_a_running_file_system, 0, ANSWERS);
	tcase_add_loop_test(t, last_child_in_a_running_file_system, 0, ANSWERS);
	suite_add_tcase(s, t);
	return s;
}
