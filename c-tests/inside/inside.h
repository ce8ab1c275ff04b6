/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests that stand between the library and its surroundings, so that they need the
 * static archives.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include <check.h>

Suite *suite_memory(void);
Suite *suite_position(void);
Suite *suite_interference(void);
Suite *suite_odd_host(void);
Suite *suite_wait(void);
Suite *suite_stop(void);

#endif /* INSIDE_H */
