/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mark and sweep by the linked library on a file system in memory, with plain keys
 * counted by the library as in the tool. `bch2_gc` alone is what is of interest.
 */
#include <stdio.h>
#include <string.h>

#include <bch_gc.h>
#include <bch_gc_host.h>
#include <bch_gc_model.h>

enum { FILES = 2000, EXTENTS = 8, SECTORS = 16, BUCKET = 128, NODE_KEYS = 200 };

static int fail(const char *what, int ret)
{
	fprintf(stderr, "linked: %s: %s\n", what, strerror(-ret));
	return 8;
}

static int fill(struct bch_gc_model *m)
{
	struct bch_gc_model_ptr ptr;
	uint64_t bucket = 0;
	unsigned file, i;
	int ret;

	for (file = 0; file < FILES; file++) {
		if ((ret = bch_gc_model_bucket_alloc(m, 0, &bucket)) ||
		    (ret = bch_gc_model_inode(m, BCH_GC_MODEL_BTREE, 4096 + file)))
			return ret;
		for (i = 0; i < EXTENTS; i++) {
			memset(&ptr, 0, sizeof(ptr));
			ptr.sector = bucket * BUCKET + i * SECTORS;
			ret = bch_gc_model_extent(m, BCH_GC_MODEL_BTREE, 4096 + file,
						  (i + 1) * SECTORS, SECTORS, NULL, &ptr, 1);
			if (ret)
				return ret;
		}
	}
	return bch_gc_model_settle(m);
}

int main(void)
{
	struct bch_gc_model_options o;
	struct bch_gc_model *m;
	int ret;

	bch_gc_model_options_init(&o);
	o.nbuckets = 4 * FILES;
	o.bucket_size = BUCKET;
	o.node_keys = NODE_KEYS;
	m = bch_gc_model_create(&o);
	if (!m)
		return fail("no memory", 0);
	bch_gc_model_param_set(m, GC_HOST_PARAM_LENDS, true);
	ret = fill(m);
	if (ret)
		return fail("fill", ret);

	bch_gc_model_state_lock(m, true);
	ret = bch2_gc(bch_gc_model_fs(m), NULL, true, false);
	bch_gc_model_state_unlock(m);
	if (ret || bch_gc_model_findings(m))
		return fail("not clean", ret);
	/* What was counted must be right, or the figure says nothing. */
	if (bch_gc_model_differences(m, NULL, 0))
		return fail("counts are wrong", 0);
	bch_gc_model_destroy(m);
	return 0;
}
