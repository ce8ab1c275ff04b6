/* SPDX-License-Identifier: GPL-2.0-only */
/* All public headers beside the tree's own, ours last; each twice. */
#include "original.h"

#include <bch_gc_model.h>
#include <bch_gc_layout.h>
#include <bch_gc_host.h>
#include <bch_gc_finding.h>
#include <bch_gc.h>
#include <bch_gc_model.h>
#include <bch_gc_layout.h>
#include <bch_gc_host.h>
#include <bch_gc_finding.h>
#include <bch_gc.h>

int (*const headers_gens)(struct bch_fs *) = bch2_gc_gens;
