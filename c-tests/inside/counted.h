/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COUNTED_H
#define COUNTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The nth allocation of libbch_gc from now on (from 0) fails; SIZE_MAX: none. */
void counted_fail(size_t n);
/* Whether it has; no other will. */
bool counted_failed(void);
/* Allocations since counted_fail(). */
size_t counted_calls(void);
/* Blocks that libbch_gc has not given back. */
size_t counted_live(void);

void *counted_malloc(size_t size);
void *counted_calloc(size_t nr, size_t size);
void *counted_aligned_alloc(size_t align, size_t size);
void *counted_realloc(void *old, size_t size);
void counted_free(void *p);

#endif /* COUNTED_H */
