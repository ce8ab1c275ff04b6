// SPDX-License-Identifier: GPL-2.0-only
//! File systems of today (on-disk versions 1.x): reading them, and recounting what every
//! bucket and every counter should be from the keys that refer to them.
//!
//! Devices are read and never written. Facts: docs/facts/v1.
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

pub mod alloc;
pub mod checksum;
pub mod compare;
pub mod counter;
pub mod entries;
pub mod error;
pub mod error_ids;
pub mod fs;
pub mod journal;
pub mod node;
pub mod overlay;
pub mod paths;
pub mod recount;
pub mod report;
pub mod superblock;
pub mod tables;
pub mod text;
pub mod topology;
pub mod valid;
pub mod walk;
