/* SPDX-License-Identifier: GPL-2.0-only */
/* Versions: of the interface to the host, of the library, of the model. */
#include "fs.h"

#include "headers/original.h"

#ifndef VERSION
#error "VERSION is what pkg-config says, as text"
#endif

static char refused[128];

static void setup(void)
{
	fs_full();
	sprintf(refused, "libbch_gc speaks host interface %u, the program was built for 77: "
		"gc refused", BCH_GC_HOST_ABI);
}

/* Oracle: the host's number is another, so each entry is refused, with one message each. */
START_TEST(other_host_is_refused)
{
	struct bch_fs *c = bch_gc_model_fs(m);

	bch_gc_model_pretend_abi(77);
	ck_assert_int_eq(bch2_gc(c, NULL, true, false), -EINVAL);
	assert_said(1, refused);
	ck_assert_int_eq(bch2_gc_gens(c), -EINVAL);
	ck_assert_int_eq(bch2_gc_thread_start(c), -EINVAL);
	bch2_gc_thread_stop(c);
	bch2_mark_dev_superblock(c, bch_gc_model_dev(m, 0), 0);
	bch2_coalesce(c);
	assert_said(6, refused);
	ck_assert(!bch_gc_model_thread_running(m));
	/* Nothing but the message was asked of the host. */
	ck_assert_uint_eq(bch_gc_model_messages(m), 6);
	ck_assert_uint_eq(fs_count("lock", NULL) + fs_count("trace", NULL) +
			  fs_count("thread_stop", NULL) + fs_count("dev_geom", NULL), 0);
	bch_gc_model_pretend_abi(0);
	bch_gc_model_messages_clear(m);
	ck_assert_int_eq(fs_initial(), 0);
	ck_assert_uint_eq(bch_gc_model_messages(m), 0);
}
END_TEST

/* Oracle: the same without a file system. */
START_TEST(other_host_without_a_file_system)
{
	size_t before = bch_gc_model_messages(NULL);
	struct bch_dev *ca = bch_gc_model_stray_make(m, 64, FS_BUCKET);
	struct bch_gc_model_message msg;
	struct bch_gc_model_bucket b;

	ck_assert_ptr_nonnull(ca);
	bch_gc_model_pretend_abi(77);
	bch2_mark_dev_superblock(NULL, ca, 0);
	bch_gc_model_pretend_abi(0);
	ck_assert_uint_eq(bch_gc_model_messages(NULL), before + 1);
	ck_assert_int_eq(bch_gc_model_message(NULL, before, &msg), 0);
	ck_assert_str_eq(msg.text, refused);
	ck_assert_int_eq(bch_gc_model_stray_bucket(ca, 0, &b), 0);
	ck_assert_uint_eq(b.dirty_sectors, 0);
}
END_TEST

/* Oracle: the version that pkg-config says, taken apart by scanf. */
START_TEST(version)
{
	unsigned major, minor, patch;

	ck_assert_int_eq(sscanf(VERSION, "%u.%u.%u", &major, &minor, &patch), 3);
	ck_assert_uint_eq(bch_gc_version(), major << 16 | minor << 8 | patch);
	ck_assert_uint_ne(bch_gc_version(), 0);
	ck_assert_str_eq(bch_gc_model_version(), VERSION);
}
END_TEST

/* Oracle: the numbers of the installed headers. */
START_TEST(interfaces)
{
	ck_assert_uint_eq(bch_gc_model_abi(), BCH_GC_MODEL_ABI);
	ck_assert_uint_eq(gc_host_abi(), BCH_GC_HOST_ABI);
}
END_TEST

/* Oracle: sizes of what both sides share, from the table of layouts. */
START_TEST(layouts)
{
	ck_assert_int_eq(BCH_GC_SIZEOF_bucket, 16);
	ck_assert_int_eq(BCH_GC_SIZEOF_gc_pos, 28);
	ck_assert_int_eq(BCH_GC_SIZEOF_stripe, 72);
	ck_assert_uint_eq(sizeof(struct gc_host_node_keys), 144);
	ck_assert_uint_eq(sizeof(struct gc_host_sb_layout), 61 * 8 + 8);
	ck_assert_uint_eq(sizeof(struct gc_host_dev_geom), 24);
}
END_TEST

Suite *suite_abi(void)
{
	Suite *s = suite_create("abi");
	TCase *t = tcase_create("abi");

	tcase_add_checked_fixture(t, setup, fs_down);
	tcase_add_test(t, other_host_is_refused);
	tcase_add_test(t, other_host_without_a_file_system);
	tcase_add_test(t, version);
	tcase_add_test(t, interfaces);
	tcase_add_test(t, layouts);
	suite_add_tcase(s, t);
	return s;
}
