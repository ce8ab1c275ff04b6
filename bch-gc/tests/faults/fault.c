/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded: makes the nth call of a kind go wrong. FAULT=KIND:N, counted from 0:
 *
 *	malloc	an allocation returns NULL
 *	eio	a read fails with EIO
 *	eof	a read finds the end
 *	short	a read returns half of what it was asked for
 *	int	before a read the process gets SIGINT
 *	thread	a thread cannot be made
 *
 * The file FAULT_HIT is made when it happens.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static enum { NONE, MALLOC, EIO_, EOF_, SHORT, INT, THREAD } kind;
static long left;

__attribute__((constructor)) static void start(void)
{
	const char *f = getenv("FAULT");
	static const char *const names[] = { "", "malloc", "eio", "eof", "short", "int", "thread" };
	unsigned i;

	for (i = 1; f && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(f, names[i], strlen(names[i])) && f[strlen(names[i])] == ':') {
			left = atol(f + strlen(names[i]) + 1);
			kind = i;
		}
}

/* What is counted of each kind. */
enum call { ALLOCATION, READ, START };

/* Whether it is this call's turn. */
static int now(enum call call)
{
	static const enum call of[] = { ALLOCATION, ALLOCATION, READ, READ, READ, READ, START };
	const char *hit;
	long fd;

	if (kind == NONE || call != of[kind] ||
	    __atomic_fetch_sub(&left, 1, __ATOMIC_RELAXED) != 0)
		return 0;
	hit = getenv("FAULT_HIT");
	if (hit) {
		fd = syscall(SYS_openat, AT_FDCWD, hit, O_CREAT | O_WRONLY, 0600);
		if (fd >= 0)
			syscall(SYS_close, fd);
	}
	return 1;
}

void *malloc(size_t n)
{
	if (now(ALLOCATION)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	if (now(ALLOCATION)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	if (now(ALLOCATION)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	if (now(ALLOCATION))
		return ENOMEM;
	*p = __libc_memalign(align, n);
	return *p ? 0 : ENOMEM;
}

ssize_t pread64(int fd, void *buf, size_t n, off64_t at)
{
	/* Only what can be sought: images, no pipes. */
	if (now(READ)) {
		if (kind == EIO_) {
			errno = EIO;
			return -1;
		}
		if (kind == EOF_)
			return 0;
		if (kind == SHORT)
			n = (n + 1) / 2;
		if (kind == INT)
			kill(getpid(), SIGINT);
	}
	return syscall(SYS_pread64, fd, buf, n, at);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
	return pread64(fd, buf, n, at);
}

int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (now(START))
		return EAGAIN;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(t, attr, fn, arg);
}
