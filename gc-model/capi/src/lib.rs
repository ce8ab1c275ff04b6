// SPDX-License-Identifier: GPL-2.0-only
//! The in-memory file system of `gc-model` for C.
//!
//! `host_*` provide what `include/bch_gc_host.h` asks of a program, `model_*` what
//! `include/bch_gc_model.h` offers to tests. Both headers have the contracts; that
//! each function has the type its header declares is checked when this compiles.
//! No function unwinds: a panic becomes a violation of the model.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod boundary;
mod declared;
mod fs;
#[rustfmt::skip]
#[allow(clippy::indexing_slicing, reason = "generated; constants only")]
pub mod header;
pub mod host_btree;
pub mod host_coalesce;
pub mod host_device;
pub mod host_marking;
pub mod host_state;
pub mod host_thread;
pub mod model_btree;
pub mod model_device;
pub mod model_fs;
pub mod model_keys;
pub mod model_record;
pub mod model_thread;
pub mod model_usage;
mod orphans;
