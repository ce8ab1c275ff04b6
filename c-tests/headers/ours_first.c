/* SPDX-License-Identifier: GPL-2.0-only */
/* All public headers beside the tree's own, ours first. */
#include <bch_gc.h>
#include <bch_gc_finding.h>
#include <bch_gc_host.h>
#include <bch_gc_layout.h>
#include <bch_gc_model.h>

#include "original.h"

/* Oracle: a pointer of the original's type takes our function without a cast. */
int (*const headers_gc)(struct bch_fs *, struct journal_keys *, bool, bool) = bch2_gc;
void (*const headers_mark)(struct bch_fs *, struct bch_dev *, unsigned) = bch2_mark_dev_superblock;
