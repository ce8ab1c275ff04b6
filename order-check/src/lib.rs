// SPDX-License-Identifier: GPL-2.0-only
//! What checks the order of references (`docs/order.md`).
