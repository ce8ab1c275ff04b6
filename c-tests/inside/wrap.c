/* SPDX-License-Identifier: GPL-2.0-only */
#include "wrap.h"

#include <bch_gc_host.h>

void (*before_call)(enum wrapped call);
void (*after_call)(enum wrapped call);
int (*change_result)(enum wrapped call, int ret);

static void before(enum wrapped call)
{
	if (before_call)
		before_call(call);
}

static void after(enum wrapped call)
{
	if (after_call)
		after_call(call);
}

void __real_gc_host_unlock(struct bch_fs *c, unsigned id);
void __wrap_gc_host_unlock(struct bch_fs *c, unsigned id);
void __wrap_gc_host_unlock(struct bch_fs *c, unsigned id)
{
	before(CALL_UNLOCK);
	__real_gc_host_unlock(c, id);
	after(CALL_UNLOCK);
}

struct btree *__real_gc_host_btree_root(struct bch_fs *c, unsigned id);
struct btree *__wrap_gc_host_btree_root(struct bch_fs *c, unsigned id);
struct btree *__wrap_gc_host_btree_root(struct bch_fs *c, unsigned id)
{
	struct btree *root;

	before(CALL_BTREE_ROOT);
	root = __real_gc_host_btree_root(c, id);
	after(CALL_BTREE_ROOT);
	return root;
}

int __real_gc_host_mark_key(struct bch_fs *c, const struct bkey_s_c *k, int64_t sectors,
			    unsigned flags);
int __wrap_gc_host_mark_key(struct bch_fs *c, const struct bkey_s_c *k, int64_t sectors,
			    unsigned flags);
int __wrap_gc_host_mark_key(struct bch_fs *c, const struct bkey_s_c *k, int64_t sectors,
			    unsigned flags)
{
	int ret;

	before(CALL_MARK_KEY);
	ret = __real_gc_host_mark_key(c, k, sectors, flags);
	after(CALL_MARK_KEY);
	return ret;
}

void __real_gc_host_mark_alloc_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
				      bool owned, const struct gc_pos *pos, unsigned flags);
void __wrap_gc_host_mark_alloc_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
				      bool owned, const struct gc_pos *pos, unsigned flags);
void __wrap_gc_host_mark_alloc_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
				      bool owned, const struct gc_pos *pos, unsigned flags)
{
	before(CALL_MARK_ALLOC_BUCKET);
	__real_gc_host_mark_alloc_bucket(c, ca, bucket, owned, pos, flags);
	after(CALL_MARK_ALLOC_BUCKET);
}

void __real_gc_host_mark_metadata_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
					 unsigned type, unsigned sectors,
					 const struct gc_pos *pos, unsigned flags);
void __wrap_gc_host_mark_metadata_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
					 unsigned type, unsigned sectors,
					 const struct gc_pos *pos, unsigned flags);
void __wrap_gc_host_mark_metadata_bucket(struct bch_fs *c, struct bch_dev *ca, size_t bucket,
					 unsigned type, unsigned sectors,
					 const struct gc_pos *pos, unsigned flags)
{
	before(CALL_MARK_METADATA_BUCKET);
	__real_gc_host_mark_metadata_bucket(c, ca, bucket, type, sectors, pos, flags);
	after(CALL_MARK_METADATA_BUCKET);
}

uint64_t *__real_gc_host_usage(struct bch_fs *c, bool gc, unsigned *nr_u64s);
uint64_t *__wrap_gc_host_usage(struct bch_fs *c, bool gc, unsigned *nr_u64s);
uint64_t *__wrap_gc_host_usage(struct bch_fs *c, bool gc, unsigned *nr_u64s)
{
	uint64_t *ret;

	before(CALL_USAGE);
	ret = __real_gc_host_usage(c, gc, nr_u64s);
	after(CALL_USAGE);
	return ret;
}

int __real_gc_host_fsck_err(struct bch_fs *c, unsigned code, unsigned flags, const char *msg);
int __wrap_gc_host_fsck_err(struct bch_fs *c, unsigned code, unsigned flags, const char *msg);
int __wrap_gc_host_fsck_err(struct bch_fs *c, unsigned code, unsigned flags, const char *msg)
{
	int ret = __real_gc_host_fsck_err(c, code, flags, msg);

	return change_result ? change_result(CALL_FSCK_ERR, ret) : ret;
}

int __real_gc_host_node_get(struct bch_fs *c, const struct bkey_i *k, unsigned btree_id,
			    unsigned level, struct btree **out, bool *checked);
int __wrap_gc_host_node_get(struct bch_fs *c, const struct bkey_i *k, unsigned btree_id,
			    unsigned level, struct btree **out, bool *checked);
int __wrap_gc_host_node_get(struct bch_fs *c, const struct bkey_i *k, unsigned btree_id,
			    unsigned level, struct btree **out, bool *checked)
{
	int ret = __real_gc_host_node_get(c, k, btree_id, level, out, checked);

	return change_result ? change_result(CALL_NODE_GET, ret) : ret;
}

int __real_gc_host_walk_wait(struct gc_host_walk *w, struct btree **now);
int __wrap_gc_host_walk_wait(struct gc_host_walk *w, struct btree **now);
int __wrap_gc_host_walk_wait(struct gc_host_walk *w, struct btree **now)
{
	int ret;

	before(CALL_WALK_WAIT);
	ret = __real_gc_host_walk_wait(w, now);
	after(CALL_WALK_WAIT);
	return ret;
}

bool __real_gc_host_should_stop(struct bch_fs *c);
bool __wrap_gc_host_should_stop(struct bch_fs *c);
bool __wrap_gc_host_should_stop(struct bch_fs *c)
{
	bool ret = __real_gc_host_should_stop(c);

	return change_result ? change_result(CALL_SHOULD_STOP, ret) : ret;
}

bool __real_gc_host_lock_unless_stopping(struct bch_fs *c, unsigned id);
bool __wrap_gc_host_lock_unless_stopping(struct bch_fs *c, unsigned id);
bool __wrap_gc_host_lock_unless_stopping(struct bch_fs *c, unsigned id)
{
	if (change_result && !change_result(CALL_LOCK_UNLESS_STOPPING, true))
		return false;
	return __real_gc_host_lock_unless_stopping(c, id);
}
