/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libbch_gc beside another Rust archive, linked in either order.
 *
 * Oracle: both do their work. A panic caught in the other archive shows that std's
 * personality routine was not replaced by ours, which does nothing.
 */
#include <stdio.h>

#include <bch_gc_host.h>

#include "../nostd/stub.h"

unsigned second_rust_work(unsigned n);

int main(void)
{
	unsigned work;

	if (stub_check(BCH_GC_HOST_ABI))
		return 1;
	work = second_rust_work(4);
	if (work != 4 * 10 + 4) {
		fprintf(stderr, "second_rust_work: %u\n", work);
		return 1;
	}
	return 0;
}
