// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc map` on real images.

mod images;

use images::each;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

fn sum(dev: &Value, group: &str, class: &str) -> u64 {
    list(&dev["cells"]).iter().map(|c| c[group][class].as_u64().unwrap_or(0)).sum()
}

/// Oracle: the buckets of the original after its `fsck -n`, counted by type, their
/// sectors, and the buckets that its findings name.
#[test]
fn cells_add_up_to_the_original() {
    let marked = AtomicUsize::new(0);
    each(|image| {
        let Some(golden) = image.documents("golden-n.jsonl.zst") else { return Vec::new() };
        let [golden] = golden.as_slice() else { return Vec::new() };
        if golden["ret"] != 0 || image.name.starts_with("degraded/") {
            return Vec::new();
        }
        let out = image.unpack().run(&["map", "-q", "--json", "--rows", "3"]);
        let Ok(doc) = serde_json::from_slice::<Value>(&out.stdout) else {
            return vec![format!("no document: {}", String::from_utf8_lossy(&out.stderr))];
        };
        let mut bad = Vec::new();
        for (got, want) in list(&doc["devices"]).iter().zip(list(&golden["after"]["devs"])) {
            let rows = list(&want["buckets"]);
            let number = |r: &Value, i: usize| r[i].as_u64().unwrap();
            let of = |t: u64| rows.iter().filter(move |r| r[2] == t);
            let (data, cached): (Vec<_>, Vec<_>) = of(4).partition(|r| r[5] != 0);
            let cached = cached.len() + of(5).count();
            for (class, n) in [
                ("superblock", of(1).count()),
                ("journal", of(2).count()),
                ("btree", of(3).count()),
                ("data", data.len()),
                ("cached", cached),
            ] {
                if sum(got, "buckets", class) != u64::try_from(n).unwrap() {
                    bad.push(format!("{class}: {n} want, {}", sum(got, "buckets", class)));
                }
            }
            let dirty: u64 = of(4).map(|r| number(r, 5)).sum();
            let copies: u64 = rows.iter().map(|r| number(r, 6)).sum();
            if (sum(got, "sectors", "data"), sum(got, "sectors", "cached")) != (dirty, copies) {
                bad.push("sectors of data".into());
            }
            let cells = u64::try_from(list(&got["cells"]).len()).unwrap();
            let per = got["buckets_per_cell"].as_u64().unwrap();
            let nbuckets = want["nbuckets"].as_u64().unwrap();
            if cells > 3 * 64 || cells != nbuckets.div_ceil(per) {
                bad.push(format!("{cells} cells of {per}"));
            }
            let prefix = format!("bucket {}:", want["dev"]);
            let named: BTreeSet<&str> = list(&golden["errors"])
                .iter()
                .filter_map(|e| e["text"].as_str()?.strip_prefix(&prefix)?.split(' ').next())
                .collect();
            let found: u64 =
                list(&got["cells"]).iter().map(|c| c["findings"].as_u64().unwrap()).sum();
            if found != u64::try_from(named.len()).unwrap() {
                bad.push(format!("{found} buckets marked, {} named", named.len()));
            }
            marked.fetch_add(named.len(), Ordering::Relaxed);
        }
        bad
    });
    assert!(marked.into_inner() >= 60);
}

/// Oracle: by hand. The image has 1024 buckets, so 16 rows of 64; the superblock is
/// the first, and the only bucket with an exclamation mark on an undamaged image is
/// that of the legend. A picture never takes the place of a file.
#[test]
fn on_the_terminal_and_as_a_file() {
    let image = images::all().into_iter().find(|i| i.name == "clean/mixed").unwrap();
    let unpacked = image.unpack();
    let out = unpacked.run(&["map", "-q"]);
    assert_eq!(out.status.code(), Some(0));
    let text = String::from_utf8(out.stdout).unwrap();
    let first = text.lines().find(|l| l.starts_with("          0  ")).unwrap();
    assert!(first.contains("  S") && first.contains("JJJJ"), "{text}");
    assert_eq!(text.matches('!').count(), 1, "{text}");
    assert!(!text.contains('\x1b'), "no colours where there is no terminal");

    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("map.svg").to_string_lossy().into_owned();
    let out = unpacked.run(&["map", "-q", "--svg", &svg]);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(0), 0));
    let picture = std::fs::read_to_string(&svg).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("device 0"));
    let out = unpacked.run(&["map", "-q", "--svg", &svg]);
    assert_eq!(out.status.code(), Some(8), "a file that is there stays");
    assert_eq!(std::fs::read_to_string(&svg).unwrap(), picture);
}
