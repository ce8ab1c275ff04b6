/* SPDX-License-Identifier: GPL-2.0-only */
/* The gc position, seen from within a run before each of the wrapped calls. */
#include "../fs.h"
#include "inside.h"
#include "wrap.h"

#define SAMPLES_MAX	100000

struct sample {
	uint32_t seq;
	uint32_t phase;
	uint64_t inode, offset;
	uint32_t level;
};

static struct sample samples[SAMPLES_MAX];
static size_t nr;

/* gc_lock is held at all of the wrapped calls. */
static void look(enum wrapped call)
{
	struct gc_pos *pos;
	uint32_t *seq;
	struct sample s;

	(void)call;
	memset(&s, 0, sizeof(s));	/* compared with its padding */
	gc_host_gc_pos(bch_gc_model_fs(m), &seq, &pos);
	s.seq = *seq;
	bch_gc_model_reader_gc_pos(m, &s.phase, &s.inode, &s.offset, &s.level);
	if (nr && !memcmp(&samples[nr - 1], &s, sizeof(s)))
		return;
	if (nr < SAMPLES_MAX)
		samples[nr++] = s;
}

static void run(bool initial)
{
	nr = 0;
	before_call = look;
	ck_assert_int_eq(fs_gc(initial, false), 0);
	before_call = NULL;
	ck_assert_uint_gt(nr, 0);
	ck_assert_uint_lt(nr, SAMPLES_MAX);
}

/* First place of a phase among the samples, or nr. */
static size_t first_of(uint32_t phase)
{
	size_t i;

	for (i = 0; i < nr && samples[i].phase != phase; i++)
		;
	return i;
}

static int compare(const struct sample *a, const struct sample *b)
{
#define BY(field) if (a->field != b->field) return a->field < b->field ? -1 : 1
	BY(phase);
	BY(inode);
	BY(offset);
	BY(level);
#undef BY
	return 0;
}

/* Oracle: the total order: phase, inode, offset, level; up to the reset at the end. */
START_TEST(only_forward)
{
	size_t i;

	run(_i);
	for (i = 1; i < nr; i++) {
		if (samples[i].phase == BCH_GC_GC_PHASE_NOT_RUNNING)
			break;
		ck_assert_msg(compare(&samples[i - 1], &samples[i]) < 0, "sample %lu went back",
			      (unsigned long)i);
	}
	/* After the reset nothing moves. */
	ck_assert_uint_eq(i, nr - 1);
}
END_TEST

/*
 * Oracle: the phase of pending deletes lies between the last btree and the allocator,
 * and is never entered: the sequence word shows that from the one to the other it was
 * written exactly once (two steps a write).
 */
START_TEST(no_phase_of_pending_deletes)
{
	size_t alloc;

	/* A bucket in a fifo, so that the first of the allocator's positions is seen. */
	ck_assert_int_eq(bch_gc_model_reserve_push(m, 0, 0, fs_alloc(0)), 0);
	bch_gc_model_answer(m, BCH_GC_MODEL_FIX);
	run(_i);
	ck_assert_uint_eq(first_of(BCH_GC_GC_PHASE_PENDING_DELETE), nr);
	alloc = first_of(BCH_GC_GC_PHASE_ALLOC);
	ck_assert_uint_gt(alloc, 0);
	ck_assert_uint_lt(alloc, nr);
	ck_assert_uint_eq(samples[alloc - 1].phase,
			  _i ? BCH_GC_GC_PHASE_SB : BCH_GC_GC_PHASE_BTREE_REFLINK);
	ck_assert_uint_eq(samples[alloc].seq - samples[alloc - 1].seq, 2);
}
END_TEST

/* Oracle: the initial pass stays at the superblocks until the allocator's turn (D17). */
START_TEST(initial_pass_stays)
{
	size_t i;

	run(true);
	for (i = 0; i < nr; i++)
		ck_assert_msg(samples[i].phase == BCH_GC_GC_PHASE_NOT_RUNNING ||
			      samples[i].phase == BCH_GC_GC_PHASE_START ||
			      samples[i].phase == BCH_GC_GC_PHASE_SB ||
			      samples[i].phase == BCH_GC_GC_PHASE_ALLOC, "phase %u",
			      samples[i].phase);
	ck_assert_uint_lt(first_of(BCH_GC_GC_PHASE_START), first_of(BCH_GC_GC_PHASE_SB));
}
END_TEST

/*
 * Oracle: beside others the position is that of the node whose keys are marked: leaves
 * before their parent; the root at the greatest position, level 4.
 */
START_TEST(concurrent_pass_names_its_node)
{
	struct bch_gc_model_node leaf;
	size_t i, seen = 0, roots = 0;

	ck_assert_int_eq(bch_gc_model_node(m, BCH_GC_BTREE_ID_EXTENTS, 0, 1, &leaf), 0);
	run(false);
	for (i = 0; i < nr; i++) {
		if (samples[i].phase != BCH_GC_GC_PHASE_BTREE_EXTENTS)
			continue;
		seen += samples[i].inode == leaf.max_inode &&
			samples[i].offset == leaf.max_offset && samples[i].level == 0;
		roots += samples[i].inode == UINT64_MAX && samples[i].offset == UINT64_MAX &&
			 samples[i].level == BCH_GC_BTREE_MAX_DEPTH;
	}
	ck_assert_uint_eq(seen, 1);
	ck_assert_uint_eq(roots, 1);
}
END_TEST

/* Oracle: each open bucket has a position of its own, its number, after the fifos. */
START_TEST(open_buckets_by_number)
{
	uint64_t fifo = fs_alloc(0), open[2];
	size_t i;

	open[0] = fs_alloc(0);
	open[1] = fs_alloc(1);
	ck_assert_int_eq(bch_gc_model_reserve_push(m, 0, 2, fifo), 0);
	ck_assert_int_eq(bch_gc_model_open_bucket(m, 5, true, 0, open[0] * FS_BUCKET), 0);
	ck_assert_int_eq(bch_gc_model_open_bucket(m, 1023, true, 1, open[1] * FS_BUCKET), 0);
	bch_gc_model_compat_set(m, 0);
	run(true);
	i = first_of(BCH_GC_GC_PHASE_ALLOC);
	ck_assert_uint_lt(i + 2, nr);
	/* An open bucket's number stands where an inode does. */
	ck_assert_uint_eq(samples[i].inode, 0);
	ck_assert_uint_eq(samples[i + 1].inode, 5);
	ck_assert_uint_eq(samples[i + 2].inode, 1023);
}
END_TEST

/*
 * Oracle: D27: the run passes every open bucket, in use or not, before the freelist
 * lock is free again; else one that is opened meanwhile may be lost.
 */
START_TEST(past_every_open_bucket)
{
	size_t i;

	run(_i);
	ck_assert_uint_eq(nr > 1 && samples[nr - 1].phase == BCH_GC_GC_PHASE_NOT_RUNNING, 1);
	i = nr - 2;
	ck_assert_uint_eq(samples[i].phase, BCH_GC_GC_PHASE_ALLOC);
	ck_assert_uint_eq(samples[i].inode, BCH_GC_OPEN_BUCKETS_COUNT - 1);
	/* The first look in this phase is at the unlocking: nothing was free before. */
	ck_assert_uint_eq(first_of(BCH_GC_GC_PHASE_ALLOC), i);
}
END_TEST

Suite *suite_position(void)
{
	Suite *s = suite_create("position");
	TCase *t = tcase_create("position");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_add_loop_test(t, only_forward, 0, 2);
	tcase_add_loop_test(t, no_phase_of_pending_deletes, 0, 2);
	tcase_add_test(t, initial_pass_stays);
	tcase_add_test(t, concurrent_pass_names_its_node);
	tcase_add_test(t, open_buckets_by_number);
	tcase_add_loop_test(t, past_every_open_bucket, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
