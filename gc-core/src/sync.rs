// SPDX-License-Identifier: GPL-2.0-only
//! The atomics of the gc position: those of the machine, or, built with
//! `--cfg loom`, those of the model checker. The code above them is the same, so
//! that what is checked is what runs (`docs/order.md`).

#[cfg(not(loom))]
pub use core::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, Ordering, fence},
};

#[cfg(loom)]
pub use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, Ordering, fence},
};
