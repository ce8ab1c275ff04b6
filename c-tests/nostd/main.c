/* SPDX-License-Identifier: GPL-2.0-only */
#include <bch_gc_host.h>

#include "stub.h"

int main(void)
{
	return stub_check(BCH_GC_HOST_ABI);
}
