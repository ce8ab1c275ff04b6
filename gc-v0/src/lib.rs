// SPDX-License-Identifier: GPL-2.0-only
//! A bcachefs image (one or several devices) as the mark and sweep sees it.
//!
//! Devices are opened read-only and read by position; nothing is ever written.
//! What is found wrong is data ([`report::Found`]) handed to a
//! [`report::Reporter`] in the order in which the original raises it. What each
//! step does is written down in docs/facts: superblock, journal, node-read,
//! key-validation, recovery.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]
#![forbid(unsafe_code)]

// What unit tests share with the others names the library as they do.
#[cfg(test)]
extern crate self as gc_v0;

pub mod coalesce;
pub mod cursor;
pub mod error;
pub mod explain;
pub mod files;
pub mod fs;
pub mod gens;
pub mod host;
pub mod journal;
pub mod key;
pub mod key_text;
pub mod lost;
pub mod map;
pub mod memory;
pub mod merged;
pub mod node;
pub mod paths;
pub mod plain;
pub mod plan;
pub mod reason;
pub mod recovery;
pub mod report;
pub mod superblock;
pub mod tree;

#[cfg(test)]
mod testing;
