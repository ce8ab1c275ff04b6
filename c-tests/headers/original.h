/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tree's own header declares of the entry points (libbcachefs/btree_gc.h of
 * bcachefs-tools 05408b6f8). A redeclaration that differs is an error in C, so that
 * including both headers compares the prototypes.
 */
#ifndef ORIGINAL_H
#define ORIGINAL_H

#include <stdbool.h>

struct bch_dev;
struct bch_fs;
struct journal_keys;

#ifdef __cplusplus
extern "C" {
#endif

void bch2_coalesce(struct bch_fs *);
int  bch2_gc(struct bch_fs *, struct journal_keys *, bool, bool);
int  bch2_gc_gens(struct bch_fs *);
void bch2_gc_thread_stop(struct bch_fs *);
int  bch2_gc_thread_start(struct bch_fs *);
void bch2_mark_dev_superblock(struct bch_fs *, struct bch_dev *, unsigned);

#ifdef __cplusplus
}
#endif

#endif /* ORIGINAL_H */
