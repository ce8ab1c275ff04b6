/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A few functions of the host, wrapped by the linker (ld --wrap): a test may look, or
 * interfere, in the midst of a run.
 */
#ifndef WRAP_H
#define WRAP_H

#include <stdbool.h>

enum wrapped {
	CALL_UNLOCK, CALL_BTREE_ROOT, CALL_MARK_KEY, CALL_MARK_ALLOC_BUCKET,
	CALL_MARK_METADATA_BUCKET, CALL_USAGE, CALL_FSCK_ERR, CALL_NODE_GET,
	CALL_WALK_WAIT, CALL_SHOULD_STOP, CALL_LOCK_UNLESS_STOPPING, CALL_GC_POS,
	CALL_NODE_INFO, CALL_NODE_KEYS_NEXT, CALL_WALK_NEXT_KEY, CALL_WALK_NEXT_NODE,
	CALL_WALK_REPLACE, CALL_DEV_JOURNAL, CALL_STRIPE_NEXT, CALL_COUNTERS, CALL_NODE_SET
};

/* Called before and after the work proper, on the thread of the run; NULL: not. */
extern void (*before_call)(enum wrapped call);
extern void (*after_call)(enum wrapped call);

/*
 * What the library is told instead of what CALL_FSCK_ERR, CALL_NODE_GET, CALL_SHOULD_STOP
 * or CALL_LOCK_UNLESS_STOPPING would return (the last is asked before the lock is taken,
 * with 1; with 0 for an answer it is not).
 */
extern int (*change_result)(enum wrapped call, int ret);

/*
 * Whether the library is lent NULL where the header promises an address: place 0, or 1
 * for the second address of the call. NULL: never.
 */
extern bool (*lends_null)(enum wrapped call, unsigned place);

#endif /* WRAP_H */
