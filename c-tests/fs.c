/* SPDX-License-Identifier: GPL-2.0-only */
#include "fs.h"

struct bch_gc_model *m;
struct fs_place at;

void fs_options(struct bch_gc_model_options *o)
{
	bch_gc_model_options_init(o);
	o->nr_devices = FS_DEVICES;
	o->nbuckets = FS_BUCKETS;
	o->bucket_size = FS_BUCKET;
	o->btree_node_size = FS_NODE;
	/* Few keys a node, so that trees have several levels. */
	o->node_keys = FS_NODE_KEYS;
}

void fs_empty(void)
{
	struct bch_gc_model_options o;

	fs_options(&o);
	m = bch_gc_model_create(&o);
	ck_assert_ptr_nonnull(m);
	bch_gc_model_param_set(m, GC_HOST_PARAM_LENDS, fs_lends());
}

/* Whether the library counts plain keys itself, for all tests alike. */
bool fs_lends(void)
{
	return getenv("FS_LENDS") != NULL;
}

const char *fs_walk_step(void)
{
	return fs_lends() ? "walk_next_node" : "walk_next_key";
}

uint64_t fs_alloc(unsigned dev)
{
	uint64_t bucket = UINT64_MAX;

	ck_assert_int_eq(bch_gc_model_bucket_alloc(m, dev, &bucket), 0);
	return bucket;
}

struct bch_gc_model_ptr fs_ptr(unsigned dev, uint64_t bucket, uint64_t sector)
{
	struct bch_gc_model_ptr p;

	memset(&p, 0, sizeof(p));
	p.dev = dev;
	p.sector = bucket * FS_BUCKET + sector;
	return p;
}

void fs_extent(uint64_t inode, uint64_t end, uint32_t size, struct bch_gc_model_ptr ptr)
{
	ck_assert_int_eq(bch_gc_model_extent(m, BCH_GC_MODEL_BTREE, inode, end, size,
					     NULL, &ptr, 1), 0);
}

static void fs_populate(void)
{
	struct bch_gc_model_crc quarter;
	struct bch_gc_model_ptr ptr[2];
	uint64_t i;

	at.plain = fs_alloc(0);
	at.mirror[0] = fs_alloc(0);
	at.mirror[1] = fs_alloc(1);
	at.backing = fs_alloc(0);
	at.cached = fs_alloc(1);
	at.packed = fs_alloc(2);
	at.shared = fs_alloc(2);

	for (i = 0; i < 16; i++)
		fs_extent(4096, 8 * (i + 1), 8, fs_ptr(0, at.plain, 8 * i));
	for (i = 0; i < 4; i++) {
		ptr[0] = fs_ptr(0, at.mirror[0], 16 * i);
		ptr[1] = fs_ptr(1, at.mirror[1], 16 * i);
		ck_assert_int_eq(bch_gc_model_extent(m, BCH_GC_MODEL_BTREE, 4097, 16 * (i + 1),
						     16, NULL, ptr, 2), 0);
	}
	for (i = 0; i < 4; i++) {
		ptr[0] = fs_ptr(0, at.backing, 8 * i);
		ptr[1] = fs_ptr(1, at.cached, 8 * i);
		ptr[1].cached = true;
		ck_assert_int_eq(bch_gc_model_extent(m, BCH_GC_MODEL_BTREE, 4098, 8 * (i + 1),
						     8, NULL, ptr, 2), 0);
	}
	memset(&quarter, 0, sizeof(quarter));
	quarter.compressed_size = 4;
	quarter.uncompressed_size = 16;
	ptr[0] = fs_ptr(2, at.packed, 0);
	ck_assert_int_eq(bch_gc_model_extent(m, BCH_GC_MODEL_BTREE, 4099, 16, 16,
					     &quarter, ptr, 1), 0);
	ck_assert_int_eq(bch_gc_model_reservation(m, BCH_GC_MODEL_BTREE, 4099, 64, 16, 2), 0);

	ptr[0] = fs_ptr(2, at.shared, 0);
	ck_assert_int_eq(bch_gc_model_reflink_v(m, BCH_GC_MODEL_BTREE, 32, 32, 2, NULL, ptr, 1), 0);
	ck_assert_int_eq(bch_gc_model_reflink_p(m, BCH_GC_MODEL_BTREE, 4100, 32, 32, 0), 0);
	ck_assert_int_eq(bch_gc_model_reflink_p(m, BCH_GC_MODEL_BTREE, 4101, 32, 32, 0), 0);

	for (i = 0; i < FULL_INODES; i++)
		ck_assert_int_eq(bch_gc_model_inode(m, BCH_GC_MODEL_BTREE, 4096 + i), 0);
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(bch_gc_model_dirent(m, BCH_GC_MODEL_BTREE, 4096, 100 + i,
						     4096 + i), 0);
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(bch_gc_model_alloc_key(m, BCH_GC_MODEL_BTREE, 0, i), 0);
}

void fs_full(void)
{
	fs_empty();
	fs_populate();
	ck_assert_int_eq(bch_gc_model_settle(m), 0);
}

void fs_sparse(void)
{
	uint64_t i;

	for (i = 0; i < 4 * FS_SPARSE_LEFT; i++)
		ck_assert_int_eq(bch_gc_model_inode(m, BCH_GC_MODEL_BTREE, 10000 + i), 0);
	for (i = 0; i < 4 * FS_SPARSE_LEFT; i++)
		if (i % 4)
			ck_assert_int_eq(bch_gc_model_delete(m, BCH_GC_MODEL_BTREE,
						BCH_GC_BTREE_ID_INODES, 0, 10000 + i), 0);
}

struct fs_stripe fs_stripe_alone(enum bch_gc_model_where where, uint64_t idx)
{
	struct bch_gc_model_ptr block[FS_DEVICES];
	struct fs_stripe s;
	unsigned i;

	s.idx = idx;
	for (i = 0; i < FS_DEVICES; i++) {
		s.bucket[i] = fs_alloc(i);
		block[i] = fs_ptr(i, s.bucket[i], 0);
	}
	ck_assert_int_eq(bch_gc_model_stripe(m, where, idx, FS_BUCKET, 1, block, FS_DEVICES), 0);
	return s;
}

struct fs_stripe fs_stripe(enum bch_gc_model_where where, uint64_t idx)
{
	struct fs_stripe s = fs_stripe_alone(where, idx);
	struct bch_gc_model_ptr ptr = fs_ptr(0, s.bucket[0], 0);

	ptr.in_stripe = true;
	ptr.stripe = idx;
	ptr.block = 0;
	ck_assert_int_eq(bch_gc_model_extent(m, where, 5000 + idx, 16, 16, NULL, &ptr, 1), 0);
	return s;
}

int fs_gc(bool initial, bool metadata_only)
{
	struct journal_keys *keys = initial ? bch_gc_model_journal_keys(m) : NULL;
	int ret;

	bch_gc_model_state_lock(m, true);
	ret = bch2_gc(bch_gc_model_fs(m), keys, initial, metadata_only);
	bch_gc_model_state_unlock(m);
	return ret;
}

struct bch_gc_model_bucket fs_get(unsigned dev, uint64_t bucket)
{
	struct bch_gc_model_bucket b;

	memset(&b, 0xff, sizeof(b));
	ck_assert_int_eq(bch_gc_model_bucket_get(m, dev, bucket, &b), 0);
	return b;
}

void fs_set(unsigned dev, uint64_t bucket, struct bch_gc_model_bucket b)
{
	ck_assert_int_eq(bch_gc_model_bucket_set(m, dev, bucket, &b), 0);
}

uint64_t fs_btree_sectors(void)
{
	uint64_t nodes = 0;
	unsigned id, level;

	for (id = 0; id < BCH_GC_BTREE_ID_NR; id++)
		for (level = 0; level < bch_gc_model_depth(m, id); level++)
			nodes += bch_gc_model_nodes(m, id, level);
	return nodes * FS_NODE;
}

size_t fs_said(const char *text)
{
	struct bch_gc_model_message msg;
	size_t i, n = 0;

	for (i = 0; bch_gc_model_message(m, i, &msg) == 0; i++)
		n += strcmp(msg.text, text) == 0;
	return n;
}

size_t fs_count(const char *event, const char *args)
{
	return bch_gc_model_event_count(m, event, args);
}

size_t fs_traced(const char *text)
{
	size_t i = 0, n = 0;

	while ((i = bch_gc_model_event_find(m, i, "trace", NULL)) != SIZE_MAX)
		n += strstr(bch_gc_model_event_args(m, i++), text) != NULL;
	return n;
}

void fs_assert_sound(const char *when)
{
	bch_gc_model_check_quiescent(m);
	ck_assert_msg(bch_gc_model_violations(m) == 0, "%s: %s (%lu in all)", when,
		      bch_gc_model_violation(m, 0), (unsigned long)bch_gc_model_violations(m));
}

void fs_assert_counts(const char *when)
{
	char text[512] = "";
	unsigned n = bch_gc_model_differences(m, text, sizeof(text));

	ck_assert_msg(n == 0, "%s: %u counts are wrong: %s", when, n, text);
}

void fs_assert_settled(void)
{
	struct bch_gc_model_message msg;

	bch_gc_model_messages_clear(m);
	ck_assert_int_eq(fs_initial(), 0);
	if (bch_gc_model_message(m, 0, &msg) == 0)
		ck_abort_msg("the second run says: %s", msg.text);
	fs_assert_counts("after the second run");
}

void fs_down(void)
{
	if (!m)
		return;
	fs_assert_sound("after the test");
	bch_gc_model_destroy(m);
	m = NULL;
}
