// SPDX-License-Identifier: GPL-2.0-only
// All public headers as C++, linked: the names must have C linkage.
#include <bch_gc.h>
#include <bch_gc_finding.h>
#include <bch_gc_host.h>
#include <bch_gc_layout.h>
#include <bch_gc_model.h>

#include "original.h"

int main()
{
	bch_gc_model *m = bch_gc_model_create(nullptr);
	bch_gc_model_state_lock(m, true);
	// Oracle: a file system fresh from the model is consistent.
	int ret = bch2_gc(bch_gc_model_fs(m), nullptr, true, false);
	bch_gc_model_state_unlock(m);
	bool clean = m && ret == 0 && bch_gc_model_messages(m) == 0 &&
		     bch_gc_model_check_quiescent(m) == 0;
	bch_gc_model_destroy(m);
	return clean ? 0 : 1;
}
