/* SPDX-License-Identifier: GPL-2.0-only */
/* The gc thread: start, kick, period, freezing, stop. */
#include "fs.h"

#include <unistd.h>

/* Long enough for a loaded machine under valgrind; no test waits so long for a success. */
#define LONG	20000	/* ms */
/* How long something that must not happen is watched for. */
#define SHORT	100	/* ms */

static int start(void)
{
	return bch2_gc_thread_start(bch_gc_model_fs(m));
}

static void stop(void)
{
	bch2_gc_thread_stop(bch_gc_model_fs(m));
}

static void start_idle(void)
{
	ck_assert_int_eq(start(), 0);
	ck_assert(bch_gc_model_thread_idle(m, LONG));
}

/* Until the thread has called this function of the host. */
static void wait_event(const char *name)
{
	while (!fs_count(name, NULL))
		usleep(1000);
}

/* Oracle: the thread is there between start and stop, and idle does nothing. */
START_TEST(start_and_stop)
{
	ck_assert(!bch_gc_model_thread_running(m));
	start_idle();
	ck_assert(bch_gc_model_thread_running(m));
	stop();
	ck_assert(!bch_gc_model_thread_running(m));
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 0);
}
END_TEST

/* Oracle: stopping what is not there is no error, and start works again after it. */
START_TEST(stop_without_start)
{
	stop();
	start_idle();
	stop();
	stop();
	start_idle();
	stop();
}
END_TEST

/* Oracle: differences.md: a second start is -EBUSY with a message; the first goes on. */
START_TEST(double_start)
{
	start_idle();
	ck_assert_int_eq(start(), -EBUSY);
	assert_said(1, "the gc thread is running already");
	ck_assert(bch_gc_model_thread_running(m));
	bch_gc_model_kick(m);
	ck_assert(bch_gc_model_wait_gc_count(m, 1, LONG));
	stop();
}
END_TEST

/* Oracle: one round a kick, of generations: no mark and sweep by default. */
START_TEST(kick)
{
	struct bch_gc_model_bucket b = fs_get(0, at.plain);
	unsigned i;

	b.gen = b.oldest_gen = 5;
	fs_set(0, at.plain, b);
	start_idle();
	for (i = 1; i <= 3; i++) {
		bch_gc_model_kick(m);
		ck_assert(bch_gc_model_wait_gc_count(m, i, LONG));
		ck_assert(bch_gc_model_thread_idle(m, LONG));
		ck_assert_uint_eq(bch_gc_model_gc_count(m), i);
	}
	stop();
	ck_assert_uint_eq(fs_get(0, at.plain).oldest_gen, 0);
	ck_assert_uint_eq(fs_count("trace", NULL), 0);
	ck_assert_uint_eq(fs_count("mark_key", NULL), 0);
	ck_assert_uint_eq(fs_count("assert_no_locks", NULL), 3);
}
END_TEST

/*
 * Oracle: a kick between the look at the conditions and the sleep is not lost: kicks
 * are thrown at the thread without waiting; each moves it on within the limit.
 */
START_TEST(no_kick_is_lost)
{
	uint64_t i;

	/* It looks at the count of kicks when it starts: those before are not its. */
	start_idle();
	for (i = 1; i <= 50; i++) {
		bch_gc_model_kick(m);
		ck_assert_msg(bch_gc_model_wait_gc_count(m, i, LONG), "kick %lu was lost",
			      (unsigned long)i);
	}
	stop();
}
END_TEST

/* Oracle: docs/facts/gc.md: a full gc is off by default and a parameter turns it on. */
START_TEST(full_gc_by_parameter)
{
	bch_gc_model_usage_set(m, USAGE_DATA, 1);
	start_idle();
	bch_gc_model_kick(m);
	ck_assert(bch_gc_model_wait_gc_count(m, 1, LONG));
	ck_assert(bch_gc_model_thread_idle(m, LONG));
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), 1);
	ck_assert_uint_eq(fs_count("trace", NULL), 0);

	bch_gc_model_param_set(m, GC_HOST_PARAM_THREAD_FULL_GC, true);
	bch_gc_model_kick(m);
	ck_assert(bch_gc_model_wait_gc_count(m, 2, LONG));
	ck_assert(bch_gc_model_thread_idle(m, LONG));
	stop();
	ck_assert_uint_eq(bch_gc_model_usage_get(m, USAGE_DATA), FULL_DATA);
	ck_assert_uint_eq(fs_count("trace", "gc_start 0"), 1);
	ck_assert_uint_eq(fs_count("lock_unless_stopping", "STATE_READ"), 2);
}
END_TEST

/*
 * Oracle: docs/facts/gc.md: a round each time a sixteenth of the capacity has been
 * written, counted from the last round; not one sector before.
 */
START_TEST(periodic)
{
	bch_gc_model_capacity_set(m, 1600);
	bch_gc_model_param_set(m, GC_HOST_PARAM_PERIODIC, true);
	start_idle();
	bch_gc_model_io(m, 99);
	ck_assert(!bch_gc_model_wait_gc_count(m, 1, SHORT));
	bch_gc_model_io(m, 1);
	ck_assert(bch_gc_model_wait_gc_count(m, 1, LONG));
	ck_assert(bch_gc_model_thread_idle(m, LONG));
	bch_gc_model_io(m, 99);
	ck_assert(!bch_gc_model_wait_gc_count(m, 2, SHORT));
	bch_gc_model_io(m, 1);
	ck_assert(bch_gc_model_wait_gc_count(m, 2, LONG));
	stop();
}
END_TEST

/* Oracle: without the parameter the io clock means nothing. */
START_TEST(not_periodic_by_default)
{
	bch_gc_model_capacity_set(m, 1600);
	start_idle();
	bch_gc_model_io(m, 1000000);
	ck_assert(!bch_gc_model_wait_gc_count(m, 1, SHORT));
	stop();
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 0);
}
END_TEST

/*
 * Oracle: D2: whoever stops the thread may hold state_lock for writing while the thread
 * wants it: the original waits for ever. (A hang fails by Check's timeout.)
 */
START_TEST(stop_under_the_state_lock)
{
	start_idle();
	bch_gc_model_state_lock(m, true);
	bch_gc_model_kick(m);
	/* The thread is at the lock: not idle any more, and no round is done. */
	ck_assert(!bch_gc_model_wait_gc_count(m, 1, SHORT));
	wait_event("lock_unless_stopping");
	stop();
	ck_assert(!bch_gc_model_thread_running(m));
	bch_gc_model_state_unlock(m);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 0);
	/* Being stopped is no failure. */
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
}
END_TEST

/* Oracle: the same with a full gc. */
START_TEST(stop_under_the_state_lock_full)
{
	bch_gc_model_param_set(m, GC_HOST_PARAM_THREAD_FULL_GC, true);
	start_idle();
	bch_gc_model_state_lock(m, true);
	bch_gc_model_kick(m);
	wait_event("lock_unless_stopping");
	stop();
	bch_gc_model_state_unlock(m);
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
	ck_assert_uint_eq(fs_count("trace", NULL), 0);
}
END_TEST

/* Oracle: a stop while a round is under way waits for its end; nothing is left. */
START_TEST(stop_while_running)
{
	unsigned i;

	bch_gc_model_param_set(m, GC_HOST_PARAM_THREAD_FULL_GC, _i == 1);
	for (i = 0; i < 20; i++) {
		ck_assert_int_eq(start(), 0);
		bch_gc_model_kick(m);
		stop();
		ck_assert(!bch_gc_model_thread_running(m));
	}
	fs_assert_sound("after stops");
	fs_assert_counts("after stops");
}
END_TEST

/* Oracle: docs/facts/gc.md: a failed round says so and the thread goes on. */
START_TEST(failed_round)
{
	ck_assert_int_eq(bch_gc_model_fail(m, fs_walk_step(), 3, EIO), 0);
	start_idle();
	bch_gc_model_kick(m);
	wait_event("assert_no_locks");
	ck_assert(bch_gc_model_thread_idle(m, LONG));
	assert_said(1, "btree gc failed: -5");
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 0);
	bch_gc_model_kick(m);
	ck_assert(bch_gc_model_wait_gc_count(m, 1, LONG));
	stop();
	ck_assert_uint_eq(bch_gc_model_messages(m), 1);
}
END_TEST

/* Oracle: a full gc that a finding stops: its result by number. */
START_TEST(failed_full_round)
{
	bch_gc_model_usage_set(m, USAGE_DATA, 1);
	bch_gc_model_answer(m, BCH_GC_MODEL_EXIT);
	bch_gc_model_param_set(m, GC_HOST_PARAM_THREAD_FULL_GC, true);
	start_idle();
	bch_gc_model_kick(m);
	wait_event("assert_no_locks");
	stop();
	assert_said(1, "btree gc failed: 1");
}
END_TEST

/*
 * Oracle: freezing is part of the wait: a frozen thread does not run, however often it
 * is kicked, and catches up with one round when it thaws.
 */
START_TEST(freezing)
{
	start_idle();
	ck_assert(bch_gc_model_freeze(m, LONG));
	bch_gc_model_kick(m);
	bch_gc_model_kick(m);
	ck_assert(!bch_gc_model_wait_gc_count(m, 1, SHORT));
	bch_gc_model_thaw(m);
	ck_assert(bch_gc_model_wait_gc_count(m, 1, LONG));
	ck_assert(bch_gc_model_thread_idle(m, LONG));
	ck_assert_uint_eq(bch_gc_model_gc_count(m), 1);
	stop();
}
END_TEST

/* Oracle: a frozen thread can be stopped: suspend, then unmount. */
START_TEST(stop_while_frozen)
{
	start_idle();
	ck_assert(bch_gc_model_freeze(m, LONG));
	stop();
	ck_assert(!bch_gc_model_thread_running(m));
	bch_gc_model_thaw(m);
}
END_TEST

/* Oracle: each sleep lies between a prepare and a finish or the next prepare. */
START_TEST(wait_protocol)
{
	size_t i, n = bch_gc_model_events(m);
	bool prepared = false;

	start_idle();
	bch_gc_model_kick(m);
	ck_assert(bch_gc_model_wait_gc_count(m, 1, LONG));
	ck_assert(bch_gc_model_thread_idle(m, LONG));
	stop();
	ck_assert_uint_ge(fs_count("wait_sleep", NULL), 2);
	for (i = n; i < bch_gc_model_events(m); i++) {
		const char *name = bch_gc_model_event_name(m, i);

		if (!strcmp(name, "wait_prepare")) {
			prepared = true;
		} else if (!strcmp(name, "wait_sleep")) {
			ck_assert(prepared);
			prepared = false;
		} else if (!strcmp(name, "wait_finish")) {
			ck_assert(prepared);
			prepared = false;
		} else if (!strncmp(name, "lock", 4)) {
			/* No lock is taken while a wait is prepared. */
			ck_assert(!prepared);
		}
	}
	ck_assert(!prepared);
}
END_TEST

/* Oracle: an error of the host is the result, and no thread is there. */
START_TEST(start_fails)
{
	ck_assert_int_eq(bch_gc_model_fail(m, "thread_start", 0, ENOMEM), 0);
	ck_assert_int_eq(start(), -ENOMEM);
	ck_assert(!bch_gc_model_thread_running(m));
	start_idle();
	stop();
}
END_TEST

/* Oracle: D11: an error that ends a walk reaches the thread's message. */
START_TEST(error_at_the_end_of_a_walk)
{
	ck_assert_int_eq(bch_gc_model_fail(m, "walk_close", 1, EINTR), 0);
	start_idle();
	bch_gc_model_kick(m);
	wait_event("assert_no_locks");
	stop();
	assert_said(1, "btree gc failed: -4");
}
END_TEST

/* Oracle: a gc by hand and rounds of the thread side by side leave right counts. */
START_TEST(beside_a_gc_by_hand)
{
	unsigned i;

	start_idle();
	for (i = 0; i < 10; i++) {
		bch_gc_model_kick(m);
		ck_assert_int_eq(fs_running(), 0);
	}
	stop();
	fs_assert_counts("after both");
	ck_assert_uint_ge(bch_gc_model_gc_count(m), 10);
}
END_TEST

Suite *suite_thread(void)
{
	Suite *s = suite_create("thread");
	TCase *t = tcase_create("thread");

	tcase_add_checked_fixture(t, fs_full, fs_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, start_and_stop);
	tcase_add_test(t, stop_without_start);
	tcase_add_test(t, double_start);
	tcase_add_test(t, kick);
	tcase_add_test(t, no_kick_is_lost);
	tcase_add_test(t, full_gc_by_parameter);
	tcase_add_test(t, periodic);
	tcase_add_test(t, not_periodic_by_default);
	tcase_add_test(t, stop_under_the_state_lock);
	tcase_add_test(t, stop_under_the_state_lock_full);
	tcase_add_loop_test(t, stop_while_running, 0, 2);
	tcase_add_test(t, failed_round);
	tcase_add_test(t, failed_full_round);
	tcase_add_test(t, freezing);
	tcase_add_test(t, stop_while_frozen);
	tcase_add_test(t, wait_protocol);
	tcase_add_test(t, start_fails);
	tcase_add_test(t, error_at_the_end_of_a_walk);
	tcase_add_test(t, beside_a_gc_by_hand);
	suite_add_tcase(s, t);
	return s;
}
