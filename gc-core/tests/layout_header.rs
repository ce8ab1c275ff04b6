// SPDX-License-Identifier: GPL-2.0-only
//! The header that is checked in is the one the tables make.

use gc_core::layout::header;
use std::collections::BTreeSet;

// Oracle: the generator's output, byte for byte.
#[test]
fn checked_in_header_is_fresh() {
    let mut want = String::new();
    header::write_header(&mut want).expect("writing to a string");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../include/bch_gc_layout.h");
    let have = std::fs::read_to_string(path).expect("include/bch_gc_layout.h");
    assert!(have == want, "stale: cargo xtask generate");
}

// Oracle: a name stands for one thing in C; two rows of it would not compile.
#[test]
fn no_name_is_stated_twice() {
    let mut seen = BTreeSet::new();
    for n in header::NUMBERS.iter().copied().flatten() {
        assert!(seen.insert(n.c_name), "{}", n.c_name);
    }
    for s in header::STRUCTS.iter().copied().flatten() {
        assert!(seen.insert(s.c_name), "{}", s.c_name);
    }
}
