// SPDX-License-Identifier: GPL-2.0-only
//! Prints `include/bch_gc_layout.h`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    gc_core::layout::header::write_header(&mut text).map_err(std::io::Error::other)?;
    std::io::stdout().lock().write_all(text.as_bytes())
}
