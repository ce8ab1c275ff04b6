/* SPDX-License-Identifier: GPL-2.0-only */
#include "wrap.h"

#include <bch_gc_host.h>

/* As bch_gc_layout.h would have it: the two addresses of a key. */
struct bkey_s_c {
	const void	*k, *v;
};

void (*before_call)(enum wrapped call);
void (*after_call)(enum wrapped call);
int (*change_result)(enum wrapped call, int ret);
bool (*lends_null)(enum wrapped call, unsigned place);

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

static bool null(enum wrapped call, unsigned place)
{
	return lends_null && lends_null(call, place);
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
	return null(CALL_USAGE, 0) ? NULL : ret;
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

	if (!ret && null(CALL_NODE_GET, 0)) {
		/* Not locked either, as nobody could give it back. */
		gc_host_node_unlock_read(*out);
		*out = NULL;
	}
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
	if (ret == 1 && null(CALL_WALK_WAIT, 0))
		*now = NULL;
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

void __real_gc_host_gc_pos(struct bch_fs *c, uint32_t **seq, struct gc_pos **pos);
void __wrap_gc_host_gc_pos(struct bch_fs *c, uint32_t **seq, struct gc_pos **pos);
void __wrap_gc_host_gc_pos(struct bch_fs *c, uint32_t **seq, struct gc_pos **pos)
{
	__real_gc_host_gc_pos(c, seq, pos);
	if (null(CALL_GC_POS, 0))
		*seq = NULL;
	if (null(CALL_GC_POS, 1))
		*pos = NULL;
}

void __real_gc_host_node_info(struct btree *b, struct gc_host_node_info *out);
void __wrap_gc_host_node_info(struct btree *b, struct gc_host_node_info *out);
void __wrap_gc_host_node_info(struct btree *b, struct gc_host_node_info *out)
{
	__real_gc_host_node_info(b, out);
	if (null(CALL_NODE_INFO, 0))
		out->min_key = NULL;
	if (null(CALL_NODE_INFO, 1))
		out->max_key = NULL;
	if (null(CALL_NODE_INFO, 2))
		out->key = NULL;
}

bool __real_gc_host_node_keys_next(struct gc_host_node_keys *it, struct bkey_s_c *out);
bool __wrap_gc_host_node_keys_next(struct gc_host_node_keys *it, struct bkey_s_c *out);
bool __wrap_gc_host_node_keys_next(struct gc_host_node_keys *it, struct bkey_s_c *out)
{
	bool ret = __real_gc_host_node_keys_next(it, out);

	if (ret && null(CALL_NODE_KEYS_NEXT, 0))
		out->k = NULL;
	if (ret && null(CALL_NODE_KEYS_NEXT, 1))
		out->v = NULL;
	return ret;
}

int __real_gc_host_walk_next_key(struct gc_host_walk *w, struct bkey_s_c *out);
int __wrap_gc_host_walk_next_key(struct gc_host_walk *w, struct bkey_s_c *out);
int __wrap_gc_host_walk_next_key(struct gc_host_walk *w, struct bkey_s_c *out)
{
	int ret = __real_gc_host_walk_next_key(w, out);

	if (ret == 1 && null(CALL_WALK_NEXT_KEY, 0))
		out->k = NULL;
	if (ret == 1 && null(CALL_WALK_NEXT_KEY, 1))
		out->v = NULL;
	return ret;
}

int __real_gc_host_walk_next_node(struct gc_host_walk *w, struct btree **out);
int __wrap_gc_host_walk_next_node(struct gc_host_walk *w, struct btree **out);
int __wrap_gc_host_walk_next_node(struct gc_host_walk *w, struct btree **out)
{
	int ret = __real_gc_host_walk_next_node(w, out);

	if (ret == 1 && null(CALL_WALK_NEXT_NODE, 0))
		*out = NULL;
	return ret;
}

int __real_gc_host_walk_replace(struct gc_host_walk *w, const struct gc_host_replacement *r,
			      struct btree **now);
int __wrap_gc_host_walk_replace(struct gc_host_walk *w, const struct gc_host_replacement *r,
			      struct btree **now);
int __wrap_gc_host_walk_replace(struct gc_host_walk *w, const struct gc_host_replacement *r,
			      struct btree **now)
{
	int ret = __real_gc_host_walk_replace(w, r, now);

	if (!ret && null(CALL_WALK_REPLACE, 0))
		*now = NULL;
	return ret;
}

unsigned __real_gc_host_dev_journal(struct bch_dev *ca, const uint64_t **buckets);
unsigned __wrap_gc_host_dev_journal(struct bch_dev *ca, const uint64_t **buckets);
unsigned __wrap_gc_host_dev_journal(struct bch_dev *ca, const uint64_t **buckets)
{
	unsigned ret = __real_gc_host_dev_journal(ca, buckets);

	if (null(CALL_DEV_JOURNAL, 0))
		*buckets = NULL;
	return ret;
}

bool __real_gc_host_stripe_next(struct bch_fs *c, size_t *idx, struct stripe **live, struct stripe **gc);
bool __wrap_gc_host_stripe_next(struct bch_fs *c, size_t *idx, struct stripe **live, struct stripe **gc);
bool __wrap_gc_host_stripe_next(struct bch_fs *c, size_t *idx, struct stripe **live, struct stripe **gc)
{
	bool ret = __real_gc_host_stripe_next(c, idx, live, gc);

	if (ret && null(CALL_STRIPE_NEXT, 0))
		*live = NULL;
	return ret;
}

void __real_gc_host_counters(struct bch_fs *c, struct gc_host_counters *out);
void __wrap_gc_host_counters(struct bch_fs *c, struct gc_host_counters *out);
void __wrap_gc_host_counters(struct bch_fs *c, struct gc_host_counters *out)
{
	__real_gc_host_counters(c, out);
	if (null(CALL_COUNTERS, 0))
		out->replicas = NULL;
}

bool __real_gc_host_node_set(struct bch_fs *c, struct journal_keys *keys, struct btree *b,
			    struct gc_host_node_set *out);
bool __wrap_gc_host_node_set(struct bch_fs *c, struct journal_keys *keys, struct btree *b,
			    struct gc_host_node_set *out);
bool __wrap_gc_host_node_set(struct bch_fs *c, struct journal_keys *keys, struct btree *b,
			    struct gc_host_node_set *out)
{
	bool ret = __real_gc_host_node_set(c, keys, b, out);

	if (ret && null(CALL_NODE_SET, 0))
		out->format = NULL;
	if (ret && null(CALL_NODE_SET, 1))
		out->keys = NULL;
	return ret;
}
