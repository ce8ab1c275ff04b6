// SPDX-License-Identifier: GPL-2.0-only
//! The command line of `bch-gc`, for the program, its man pages and its completions; and
//! the documents that it prints, for the program and their schemas.
#![forbid(unsafe_code)]

pub mod cli;
pub mod documents;
