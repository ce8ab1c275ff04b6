// SPDX-License-Identifier: GPL-2.0-only
//! What bcachefs images of every generation share below their formats: devices that are
//! read by sector, checksums, encryption, and what is known of sectors that no device
//! gave. Devices are opened for reading only; nothing is ever written.
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

pub mod bytes;
pub mod checksum;
pub mod crypt;
pub mod io;
pub mod threads;
pub mod unreadable;
