/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A few functions of the host, wrapped by the linker (ld --wrap): a test may look, or
 * interfere, in the midst of a run.
 */
#ifndef WRAP_H
#define WRAP_H

enum wrapped {
	CALL_UNLOCK, CALL_BTREE_ROOT, CALL_MARK_KEY, CALL_MARK_ALLOC_BUCKET,
	CALL_MARK_METADATA_BUCKET, CALL_USAGE, CALL_FSCK_ERR, CALL_NODE_GET,
	CALL_WALK_WAIT, CALL_SHOULD_STOP, CALL_LOCK_UNLESS_STOPPING
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

#endif /* WRAP_H */
