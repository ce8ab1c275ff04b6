/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs all suites; CK_RUN_SUITE, CK_RUN_CASE and CK_FORK choose as Check says. */
#include "fs.h"

int main(void)
{
	static Suite *(*const suites[])(void) = {
		suite_initial, suite_damage, suite_marking, suite_topology, suite_running,
		suite_events, suite_gens, suite_thread, suite_superblock, suite_errors,
		suite_faults, suite_defects, suite_coalesce, suite_abi,
	};
	SRunner *sr = srunner_create(NULL);
	size_t i;
	int failed;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(sr, suites[i]());
	srunner_run_all(sr, CK_ENV);
	/* A name that no suite has would pass. */
	failed = srunner_ntests_failed(sr) || !srunner_ntests_run(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
