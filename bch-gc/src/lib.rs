// SPDX-License-Identifier: GPL-2.0-only
//! The command line of `bch-gc`, for the program, its man pages and its completions.
#![forbid(unsafe_code)]

pub mod cli;
