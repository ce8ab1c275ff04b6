// SPDX-License-Identifier: GPL-2.0-only
//! The page about findings names each code with its number and severity, and nothing else.

use gc_core::finding::Code;
use std::collections::BTreeMap;

/// Name, number and severity of each heading and of each row of a table of codes.
fn of_the_page(page: &str) -> BTreeMap<&str, (u32, &str)> {
    let mut all = BTreeMap::new();
    let mut add = |name, number: &str, severity| {
        let number = number.parse().unwrap_or_else(|_| panic!("number of {name}: {number}"));
        assert!(all.insert(name, (number, severity)).is_none(), "{name} is there twice");
    };
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("### ") {
            // Below the heading: "Number 14, warning."
            let below = lines.next().and_then(|l| l.strip_prefix("Number ")).expect(name);
            let (number, severity) = below.split_once('.').expect(name).0.split_once(", ").unwrap();
            add(name, number, severity);
        } else if line.starts_with("| `") {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            // Rows of the table of aliases are shorter.
            if let [_, name, number, severity, _, _, _] = cells[..] {
                add(name.trim_matches('`'), number, severity);
            }
        }
    }
    all
}

// Oracle: the codes themselves.
#[test]
fn every_code_is_described_and_nothing_else() {
    let page = of_the_page(include_str!("../../docs/findings.md"));
    let codes: BTreeMap<&str, (u32, &str)> =
        Code::ALL.iter().map(|c| (c.name(), (c.number(), c.severity().name()))).collect();
    let lacking: Vec<_> = codes.iter().filter(|(name, _)| !page.contains_key(*name)).collect();
    assert!(lacking.is_empty(), "codes that docs/findings.md lacks: {lacking:?}");
    for (name, described) in &page {
        let code = codes.get(name).unwrap_or_else(|| panic!("{name} is no code"));
        assert_eq!(described, code, "number and severity of {name}");
    }
}

// Oracle: the aliases themselves.
#[test]
fn every_alias_is_described() {
    let page = include_str!("../../docs/findings.md");
    let rows: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | `"))
        .filter_map(|(alias, rest)| Some((alias, rest.split_once("` |")?.0)))
        .collect();
    let aliases: Vec<(&str, &str)> =
        Code::ALIASES.iter().map(|(alias, code)| (*alias, code.name())).collect();
    assert_eq!(rows, aliases);
}
