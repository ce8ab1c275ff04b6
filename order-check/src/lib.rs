// SPDX-License-Identifier: GPL-2.0-only
//! What checks the order of references (`docs/order.md`).
//!
//! Built with `--cfg loom`, the tests are models of the code that runs: the
//! seqlock of the gc position and its moves. Built without, they walk all states
//! of gc beside allocator and updates ([`space`]), and run the engine's pass over
//! a host that watches where the position is ([`watch`]).

pub mod cell;
#[cfg(not(loom))]
pub mod space;
pub mod watch;
