/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The allocator under libbch_gc alone: the archive that is linked here had its
 * allocation functions renamed to these, so that neither the model's nor libc's own
 * allocations are counted.
 */
#include "counted.h"

#include <stdlib.h>

static size_t calls, fail_at = SIZE_MAX, live;
static bool failed;

/* Before the nth allocation from now on fails. */
void counted_fail(size_t n)
{
	calls = 0;
	fail_at = n;
	failed = false;
}

bool counted_failed(void)
{
	fail_at = SIZE_MAX;
	return failed;
}

size_t counted_calls(void)
{
	return calls;
}

size_t counted_live(void)
{
	return live;
}

static bool due(void)
{
	if (calls++ != fail_at)
		return false;
	failed = true;
	return true;
}

void *counted_malloc(size_t size)
{
	void *p = due() ? NULL : malloc(size);

	live += p != NULL;
	return p;
}

/* What a compiler makes of memory that is allocated and set to zero. */
void *counted_calloc(size_t nr, size_t size)
{
	void *p = due() ? NULL : calloc(nr, size);

	live += p != NULL;
	return p;
}

void *counted_aligned_alloc(size_t align, size_t size)
{
	void *p = NULL;

	if (due() || posix_memalign(&p, align, size))
		return NULL;
	live++;
	return p;
}

void *counted_realloc(void *old, size_t size)
{
	void *p = due() ? NULL : realloc(old, size);

	live += !old && p;
	return p;
}

void counted_free(void *p)
{
	live -= p != NULL;
	free(p);
}
