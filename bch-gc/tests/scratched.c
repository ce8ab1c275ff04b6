/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes sectors of everything that is read by position unreadable: SCRATCHED is
 * FIRST-END in sectors; or reads never end: once the file STUCK has the words
 * "reading nodes", none does. Built and preloaded by tests/scratched.rs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int stuck(void)
{
	const char *name = getenv("STUCK");
	FILE *said = name ? fopen(name, "r") : NULL;
	char line[512];
	int found = 0;

	while (said && !found && fgets(line, sizeof(line), said))
		found = !!strstr(line, "reading nodes");
	if (said)
		fclose(said);
	return found;
}

static int scratched(size_t len, long long at)
{
	const char *range = getenv("SCRATCHED");
	long long first, end;

	while (stuck())
		pause();
	return range && sscanf(range, "%lld-%lld", &first, &end) == 2 &&
	       at < end * 512 && at + (long long)len > first * 512;
}

#define READ(name, off)							\
ssize_t name(int fd, void *buf, size_t len, off at)			\
{									\
	ssize_t (*next)(int, void *, size_t, off);			\
									\
	if (scratched(len, at)) {					\
		errno = EIO;						\
		return -1;						\
	}								\
	*(void **)&next = dlsym(RTLD_NEXT, #name);			\
	return next(fd, buf, len, at);					\
}

READ(pread, off_t)
READ(pread64, off64_t)
