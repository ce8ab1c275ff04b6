// SPDX-License-Identifier: GPL-2.0-only
//! Bucket accounting of bcachefs: exact layouts, bkey packing and the mark and
//! sweep that recomputes what every bucket holds from the references to it.
//!
//! The crate knows buckets, keys, btree nodes and the order in which references
//! are walked. It never knows where they live: a [host] supplies them.
//!
//! [host]: crate::host
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
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::disallowed_methods,
        clippy::disallowed_macros
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(target_endian = "big")]
compile_error!("the in-memory bucket mark is laid out for little endian hosts only");

pub mod accounting;
pub mod bkey;
pub mod coalesce;
pub mod error;
pub mod finding;
pub mod gc;
pub mod gens;
pub mod host;
pub mod layout;
pub mod sync;
#[cfg(test)]
mod tests;
pub mod text;
pub mod thread;
