/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mark and sweep on a file system in memory: clean, damaged, repaired.
 *
 *	cc model.c $(pkg-config --cflags --libs bch_gc_model)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bch_gc.h>
#include <bch_gc_model.h>

enum { EXTENTS = 0, FILES = 40, DIRTY_WORD = 3 };

static void fail(const char *what, int ret)
{
	fprintf(stderr, "model: %s: %s\n", what, strerror(ret < 0 ? -ret : EINVAL));
}

/* As the tool does before the journal is replayed: under the state lock. */
static int gc(struct bch_gc_model *m, const char *what)
{
	struct bch_gc_model_message msg;
	size_t i;
	int ret;

	bch_gc_model_messages_clear(m);
	bch_gc_model_state_lock(m, true);
	ret = bch2_gc(bch_gc_model_fs(m), NULL, true, false);
	bch_gc_model_state_unlock(m);

	printf("%s: bch2_gc() = %d, %u findings\n", what, ret,
	       (unsigned) bch_gc_model_findings(m));
	for (i = 0; i < bch_gc_model_messages(m); i++)
		if (!bch_gc_model_message(m, i, &msg))
			printf("  %s%s\n", msg.text, msg.is_finding ? ", fixing" : "");
	return ret;
}

int main(void)
{
	struct bch_gc_model_bucket wrong;
	struct bch_gc_model_ptr ptr;
	struct bch_gc_model *m;
	uint64_t bucket = 0;
	unsigned i;
	int ret;

	m = bch_gc_model_create(NULL);
	if (!m) {
		fail("no memory", -ENOMEM);
		return 8;
	}

	/* Files of 16 sectors, eight in a bucket. */
	for (i = 0; i < FILES; i++) {
		if (i % 8 == 0 && (ret = bch_gc_model_bucket_alloc(m, 0, &bucket))) {
			fail("no bucket", ret);
			return 8;
		}
		memset(&ptr, 0, sizeof(ptr));
		ptr.sector = bucket * 128 + i % 8 * 16;
		ret = bch_gc_model_extent(m, BCH_GC_MODEL_BTREE, 4096 + i, 16, 16, NULL, &ptr, 1);
		if (ret) {
			fail("no extent", ret);
			return 8;
		}
	}
	ret = bch_gc_model_settle(m);
	if (ret) {
		fail("settle", ret);
		return 8;
	}
	printf("%u files in a btree of %u levels\n", (unsigned) FILES,
	       bch_gc_model_depth(m, EXTENTS));

	if (gc(m, "clean") || bch_gc_model_findings(m))
		return 1;

	/* The last bucket's count, and what the file system says it holds. */
	bch_gc_model_bucket_get(m, 0, bucket, &wrong);
	wrong.dirty_sectors = 1;
	bch_gc_model_bucket_set(m, 0, bucket, &wrong);
	bch_gc_model_usage_set(m, DIRTY_WORD, 7);

	if (gc(m, "damaged") || bch_gc_model_findings(m) != 2)
		return 1;
	if (gc(m, "again") || bch_gc_model_findings(m))
		return 1;
	if (bch_gc_model_differences(m, NULL, 0) || bch_gc_model_check_quiescent(m))
		return 1;
	printf("every count equals a naive recount\n");

	bch_gc_model_destroy(m);
	return 0;
}
