// SPDX-License-Identifier: GPL-2.0-only
//! The C entry points of `libbch_gc` and the host they run on: the `gc_host_*`
//! functions of the program that links the archive.
//!
//! Nothing here unwinds into C: the archive is built to abort, and allocation
//! failure is an error.
#![no_std]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

mod abi;
mod coalesce;
pub mod exports;
mod host;
mod iter;
#[cfg(feature = "archive")]
mod runtime;
