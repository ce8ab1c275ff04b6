// SPDX-License-Identifier: GPL-2.0-only
//! docs/commands.md shows what the program prints.

mod images;

use std::path::Path;
use std::process::Command;

/// The blocks of the page: a command, and the lines it is said to print.
fn blocks(page: &str) -> Vec<(&str, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == "```console" {
            let command = lines.next().unwrap().strip_prefix("$ bch-gc ").unwrap();
            blocks.push((command, lines.by_ref().take_while(|l| *l != "```").collect()));
        }
    }
    blocks
}

/// Whether the lines are those printed; `…` stands for any number of lines.
fn shows(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((&"…", rest)) => (0..=printed.len()).any(|n| shows(rest, &printed[n..])),
        Some((first, rest)) => printed.first() == Some(first) && shows(rest, &printed[1..]),
    }
}

/// Oracle: the program itself. An image of the page, `NAME.devN`, is device N of the
/// image of that name.
#[test]
fn the_page_shows_what_is_printed() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let page = std::fs::read_to_string(page).unwrap();
    let all = images::all();
    let mut bad = Vec::new();
    let blocks = blocks(&page);
    assert!(blocks.len() >= 7);
    for (command, shown) in blocks {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Vec::new();
        for word in command.split(' ') {
            let Some((name, dev)) = word.split_once(".dev") else { continue };
            let image = all.iter().find(|i| i.name.ends_with(&format!("/{name}"))).unwrap();
            let unpacked = image.unpack();
            let device = &unpacked.devices[dev.parse::<usize>().unwrap()];
            std::os::unix::fs::symlink(device, folder.path().join(word)).unwrap();
            kept.push(unpacked);
        }
        let out = Command::new(env!("CARGO_BIN_EXE_bch-gc"))
            .args(command.split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let printed: Vec<&str> = text.trim_end().lines().collect();
        if !shows(&shown, &printed) {
            bad.push(format!("{command}:\n{text}"));
        }
    }
    assert!(bad.is_empty(), "docs/commands.md is not what is printed:\n{}", bad.join("\n"));
}

/// Oracle: the table of the page: the keys of each document, none more and none less.
#[test]
fn documents_have_the_keys_of_the_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let page = std::fs::read_to_string(page).unwrap();
    let image = images::all().into_iter().find(|i| i.name == "damaged/double-ref").unwrap();
    let unpacked = image.unpack();
    let table = page.split("## JSON").nth(1).unwrap();
    let rows = table.lines().filter(|l| l.starts_with("| `"));
    let mut compared = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let mut want: Vec<&str> = cells[2].split(", ").map(|k| k.trim_matches('`')).collect();
        want.sort_unstable();
        let command = cells[1].trim_matches('`');
        let more: &[&str] = match command {
            "explain" => &["0:40"],
            "gens" => &["--summary"],
            _ => &[],
        };
        let out = unpacked.run(&[&[command, "-q", "--json"], more].concat());
        let doc: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let got: Vec<&str> = doc.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(got, want, "{command}");
        compared += 1;
    }
    assert_eq!(compared, 6);
}

/// Oracle: by hand; the comparison must be able to fail.
#[test]
fn left_out_lines() {
    let printed = ["a", "b", "c"];
    assert!(shows(&["a", "b", "c"], &printed));
    assert!(shows(&["a", "…"], &printed));
    assert!(shows(&["…", "c"], &printed));
    assert!(!shows(&["a", "b"], &printed));
    assert!(!shows(&["a", "…", "d"], &printed));
    assert!(!shows(&["a", "x", "c"], &printed));
}
