/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The adapter's memory for counted buckets, in a program that locks all it maps, as
 * the original tool does. Oracle: mincore(2). gc_map.h is the adapter's own function.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gc_map.h"

#define PAGES	64

static int failed;

static void expect(const char *what, size_t got, size_t want)
{
	if (got != want) {
		fprintf(stderr, "%s: %zu, expected %zu\n", what, got, want);
		failed = 1;
	}
}

static size_t resident(void *p, size_t page)
{
	unsigned char in[PAGES];
	size_t i, n = 0;

	if (mincore(p, PAGES * page, in)) {
		perror("mincore");
		failed = 1;
		return 0;
	}
	for (i = 0; i < PAGES; i++)
		n += in[i] & 1;
	return n;
}

int main(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *p;

	if (mlockall(MCL_FUTURE)) {
		fprintf(stderr, "locked: memory cannot be locked here: %s\n", strerror(errno));
		return 1;
	}

	p = gc_map(PAGES * page, true);
	if (!p)
		return 1;
	expect("pages of a first pass before any is written", resident(p, page), 0);
	p[5 * page] = 1;
	expect("pages of a first pass after one is written", resident(p, page), 1);
	expect("what another page holds", p[6 * page], 0);

	p = gc_map(PAGES * page, false);
	if (!p)
		return 1;
	expect("pages of a later pass", resident(p, page), PAGES);
	return failed;
}
