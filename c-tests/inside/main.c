/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>

#include "inside.h"

int main(void)
{
	SRunner *sr = srunner_create(suite_memory());
	int failed;

	srunner_add_suite(sr, suite_position());
	srunner_add_suite(sr, suite_interference());
	srunner_add_suite(sr, suite_odd_host());
	srunner_add_suite(sr, suite_wait());
	srunner_add_suite(sr, suite_stop());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
