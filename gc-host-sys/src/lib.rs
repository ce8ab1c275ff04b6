// SPDX-License-Identifier: GPL-2.0-only
//! What `include/bch_gc_host.h` declares: the functions a program provides to
//! `libbch_gc`. Made by `cargo xtask generate`, checked in, verified fresh, so
//! that building the library needs no libclang.
#![no_std]

#[rustfmt::skip]
mod bindings;
pub use bindings::*;
