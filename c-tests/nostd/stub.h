/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STUB_H
#define STUB_H

/* 0 if the library runs on a host that is not there, as far as it can. */
int stub_check(unsigned host_abi);

#endif /* STUB_H */
