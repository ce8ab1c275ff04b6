/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host of nothing: every function of bch_gc_host.h, all but four of which end the
 * program. Linked with libbch_gc.a, libc and libgcc alone it shows that the archive
 * needs no Rust library, and that it asks the host for nothing else. The header is
 * not included on purpose: symbols are what counts here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bch_gc.h>

#include "stub.h"

#define NOT_THERE(name)	void name(void); void name(void) { abort(); }

/* A line for each function of the header but those below; made by the Makefile. */
#include "not-there.h"

static unsigned abi;
static unsigned messages;
static int (*thread_fn)(void *);

unsigned gc_host_abi(void);
void gc_host_log(struct bch_fs *c, unsigned level, const char *msg);
int gc_host_thread_start(struct bch_fs *c, int (*fn)(void *), void *arg);
void gc_host_thread_stop(struct bch_fs *c);

unsigned gc_host_abi(void)
{
	return abi;
}

void gc_host_log(struct bch_fs *c, unsigned level, const char *msg)
{
	(void)c;
	(void)level;
	messages += strstr(msg, "libbch_gc") != NULL;
}

int gc_host_thread_start(struct bch_fs *c, int (*fn)(void *), void *arg)
{
	if ((void *)c != arg)
		return -EINVAL;
	thread_fn = fn;
	return 0;
}

void gc_host_thread_stop(struct bch_fs *c)
{
	(void)c;
	thread_fn = NULL;
}

static int is(int ok, const char *what)
{
	if (!ok)
		fprintf(stderr, "stub: %s\n", what);
	return !ok;
}

int stub_check(unsigned host_abi)
{
	/* Never looked into: the functions that would are not there. */
	struct bch_fs *c = (struct bch_fs *)&abi;
	int wrong = 0;

	abi = 4711;
	wrong += is(bch2_gc(c, NULL, true, false) == -EINVAL && messages == 1, "other host");
	wrong += is(bch2_gc_gens(c) == -EINVAL && messages == 2, "other host, gens");
	bch2_coalesce(c);
	wrong += is(messages == 3, "other host, coalesce");
	abi = host_abi;
	wrong += is(bch2_gc(NULL, NULL, true, false) == -EINVAL, "null");
	bch2_coalesce(NULL);
	wrong += is(messages == 3, "null, coalesce");
	wrong += is(bch2_gc_thread_start(c) == 0 && thread_fn, "thread start");
	bch2_gc_thread_stop(c);
	wrong += is(!thread_fn, "thread stop");
	bch2_mark_dev_superblock(NULL, NULL, 0);
	wrong += is(bch_gc_version() != 0, "version");
	return wrong;
}
