// SPDX-License-Identifier: GPL-2.0-only
//! The page about mutants that no test catches names code that is there.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests")]

use std::path::Path;

// Oracle: the sources: each line of the page names a file, a function of it, what is
// changed, and a line in which it is.
#[test]
fn mutants_that_stay_are_those_of_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let page = include_str!("../../docs/mutants.md");
    let mut rows = 0;
    for row in page.lines().filter(|l| l.starts_with("- `")) {
        let words: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let [file, function, change, line] = words[..] else { panic!("four in all: {row}") };
        let source = std::fs::read_to_string(root.join(file)).expect(row);
        let name = function.rsplit("::").next().unwrap_or(function);
        let named = ["fn", "const"].map(|kind| source.contains(&format!("{kind} {name}")));
        assert!(named.contains(&true), "no such function: {row}");
        assert!(source.lines().any(|l| l.trim() == line), "no such line: {row}");
        let (_, rest) = change.split_once(' ').expect(row);
        let from = rest.split(" with ").next().unwrap_or(rest);
        // Whole bodies and guards are named by what takes their place.
        let whole = from == "body" || from.starts_with("match guard") || !rest.contains(" with ");
        assert!(whole || from == name || line.contains(from), "no {from} in: {row}");
        rows += 1;
    }
    assert!(rows > 0, "an empty page says nothing");
}
