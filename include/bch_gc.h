/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What libbch_gc exports. Made by cbindgen from gc-ffi/src/exports.rs.
 *
 * What the library asks of the program in return is in bch_gc_host.h.
 */

#ifndef BCH_GC_H
#define BCH_GC_H

#include <stdbool.h>

/**
 * A device of the host.
 */
struct bch_dev;

/**
 * A file system of the host.
 */
struct bch_fs;

/**
 * The journal's keys, of the host.
 */
struct journal_keys;

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * Version of the library as 0xMMmmpp: major, minor, patch.
 */
unsigned int bch_gc_version(void);

/**
 * Mark and sweep: walks all references to buckets, counts anew what the buckets
 * hold and takes it over.
 *
 * `keys`: keys of the journal to lay over the btrees, only looked at when
 * `initial`: before the journal is replayed. `metadata_only`: pointers to btree
 * nodes only. The state lock is held; no other lock, no journal reservation.
 *
 * Returns 0; 1 (BCH_FSCK_ERRORS_NOT_FIXED) when a finding was answered "exit"; 2
 * (BCH_FSCK_REPAIR_UNIMPLEMENTED) when a btree's shape would have to be repaired;
 * or a negative errno.
 *
 * # Safety
 * `c` is a file system of the host that stays open for the call; so do
 * `keys`. The host's functions keep the contracts of bch_gc_host.h.
 */
int bch2_gc(struct bch_fs *c,
            struct journal_keys *keys,
            bool initial,
            bool metadata_only);

/**
 * Recomputes the oldest generation of every bucket that any pointer still has.
 *
 * No lock is held, and no other call of it is under way: they would share the
 * `gc_gen` of the buckets. Returns 0 or a negative errno; -ESHUTDOWN when called by
 * the gc thread while it is asked to stop.
 *
 * # Safety
 * As bch2_gc.
 */
int bch2_gc_gens(struct bch_fs *c);

/**
 * Merges neighbouring btree nodes whose keys go into fewer nodes.
 *
 * No lock is held. Says "btree coalescing failed" with a negative errno when it
 * ends early, unless the calling thread is the gc thread and was asked to stop;
 * merges made before stay.
 *
 * # Safety
 * As bch2_gc.
 */
void bch2_coalesce(struct bch_fs *c);

/**
 * Marks the superblock and journal buckets of a device. `flags`: BTREE_TRIGGER_*.
 *
 * With a file system its superblock lock is held; `c` is NULL for a device that is
 * about to be added.
 *
 * # Safety
 * As bch2_gc; `ca` is a device of the host, of `c` unless that is NULL.
 */
void bch2_mark_dev_superblock(struct bch_fs *c, struct bch_dev *ca, unsigned int flags);

/**
 * Starts the gc thread. Returns 0 or a negative errno: -EBUSY when it runs.
 *
 * # Safety
 * `c` stays open until bch2_gc_thread_stop has returned; else as bch2_gc.
 */
int bch2_gc_thread_start(struct bch_fs *c);

/**
 * Stops the gc thread and waits for its end; nothing when there is none.
 *
 * # Safety
 * As bch2_gc.
 */
void bch2_gc_thread_stop(struct bch_fs *c);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* BCH_GC_H */
