// SPDX-License-Identifier: GPL-2.0-only
//! Makes bcachefs images for tests, fuzzing and benchmarks: good ones from a
//! description, and damaged ones whose checksums are right.
//!
//! [`writer::ImageWriter`] streams: keys go in sorted by position, nodes go out as
//! they fill, and the files are sparse, so that neither many keys nor many
//! buckets take memory. What the alloc btree and the usage entries say is counted
//! here, by [`count`], and not by the code under test.
//!
//! [`damage`] opens an image again, addresses a structure, changes bytes and mends
//! the checksum over them.
//!
//! Not part of any program that is shipped. Facts: docs/facts.
//!
//! The lints below are those of the readers but for one: sums are unchecked here. They
//! are offsets into structures that are in memory, read through `get`; where a number of
//! the disk goes into one it saturates. Written out, fifty checks would hide the layouts
//! that [`damage`] is a list of, and tests and fuzzing build with overflow checks.
#![deny(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]
#![cfg_attr(
    test,
    allow(
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]
#![forbid(unsafe_code)]

pub mod count;
pub mod damage;
pub mod error;
pub mod generate;
pub mod key;
pub mod node;
pub mod rng;
pub mod seal;
pub mod space;
pub mod spec;
pub mod tree;
pub mod value;
pub mod writer;

mod buf;
mod device;
mod journal;
mod superblock;

pub use error::{Error, Result};
pub use key::Key;
pub use spec::{DeviceSpec, Format, FsSpec, NodeSpec};
pub use writer::ImageWriter;
