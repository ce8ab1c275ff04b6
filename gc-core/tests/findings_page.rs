// SPDX-License-Identifier: GPL-2.0-only
//! The page about findings has a section for each code, and for nothing else.

use gc_core::finding::Code;
use std::collections::BTreeSet;

// Oracle: the codes themselves, against the headings of the page.
#[test]
fn every_code_has_a_section_and_every_section_a_code() {
    let page = include_str!("../../docs/findings.md");
    let headings: Vec<&str> = page.lines().filter_map(|l| l.strip_prefix("### ")).collect();
    let sections: BTreeSet<&str> = headings.iter().copied().collect();
    assert_eq!(sections.len(), headings.len(), "a section twice");
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|c| c.name()).collect();
    let lacking: Vec<_> = codes.difference(&sections).collect();
    assert!(lacking.is_empty(), "codes without a section in docs/findings.md: {lacking:?}");
    let unknown: Vec<_> = sections.difference(&codes).collect();
    assert!(unknown.is_empty(), "sections of docs/findings.md without a code: {unknown:?}");
}
