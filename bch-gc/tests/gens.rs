// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc gens` in its words; the states it prints are compared in `goldens`.

mod images;

use serde_json::Value;

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

/// Buckets of a golden's device by their distance.
fn distances(golden: &Value, dev: usize) -> Vec<(u64, u64)> {
    let rows = list(&golden["gc_gens"][dev]);
    rows.iter().map(|r| (r[0].as_u64().unwrap(), r[4].as_u64().unwrap())).collect()
}

/// Oracle: gens.jsonl, in which the original's distances stand for each bucket, before
/// and after; its `fsck -n`, which names each pointer that is behind and not cached.
#[test]
fn distances_are_those_of_the_original() {
    let mut compared = 0;
    for image in images::all() {
        let Some(golden) = image.documents("gens.jsonl.zst") else { continue };
        let name = &image.name;
        let out = image.unpack().run(&["gens", "-q", "--json", "--summary"]);
        assert_eq!(out.status.code(), Some(0), "{name}");
        let doc: Value = serde_json::from_slice(&out.stdout).unwrap();
        for (i, dev) in list(&doc["devices"]).iter().enumerate() {
            for (stage, side) in golden.iter().zip(["recorded", "recomputed"]) {
                let want = distances(stage, i);
                let worst = want.iter().map(|(_, d)| *d).max().unwrap_or(0);
                let first = want.iter().find(|(_, d)| *d == worst).map_or(0, |(b, _)| *b);
                assert_eq!(dev[side]["worst"], worst, "{name} {side}");
                if worst > 0 {
                    assert_eq!(dev[side]["worst_bucket"], first, "{name} {side}");
                }
                let ranges = list(&dev[side]["ranges"]);
                for (r, next) in ranges.iter().zip(ranges.iter().skip(1)) {
                    let least = r["least"].as_u64().unwrap();
                    let end = next["least"].as_u64().unwrap();
                    let n = want.iter().filter(|(_, d)| (least..end).contains(d)).count();
                    // Buckets whose generations are all 0 are left out of the golden.
                    if least > 0 {
                        assert_eq!(r["buckets"], n, "{name} {side} from {least}");
                    }
                    compared += 1;
                }
                let all: u64 = ranges.iter().map(|r| r["buckets"].as_u64().unwrap()).sum();
                assert_eq!(stage["state"]["devs"][i]["nbuckets"], all, "{name}");
            }
        }
        if name == "gens/gens-1" {
            let fsck = image.documents("golden-n.jsonl.zst").unwrap().remove(0);
            let texts = list(&fsck["errors"]).iter().map(|e| e["text"].as_str().unwrap());
            let stale = texts.filter(|t| t.contains("stale dirty ptr")).count();
            assert!(stale > 0);
            assert_eq!(doc["stale"]["dirty"], stale, "{name}");
        }
        let behind: Vec<u64> =
            list(&doc["oldest"]).iter().map(|s| s["behind"].as_u64().unwrap()).collect();
        assert!(behind.is_sorted_by(|a, b| a >= b), "{name}: {behind:?}");
        let worst = list(&doc["devices"]).iter().map(|d| d["recomputed"]["worst"].as_u64());
        assert_eq!(behind.first().copied(), worst.max().flatten().filter(|w| *w > 0), "{name}");
    }
    assert!(compared >= 28);
}

/// Oracle: the words, by hand: where the oldest pointer of the image is.
#[test]
fn the_oldest_is_named() {
    let image = images::all().into_iter().find(|i| i.name == "clean/cached-stale").unwrap();
    let out = image.unpack().run(&["gens", "-q"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("recorded 91 (bucket 0:130), recomputed 90 (bucket 0:130)"), "{text}");
    assert!(text.contains("23 stale pointers: 23 cached, 0 not"), "{text}");
    assert!(text.contains("90 behind, cached: bucket 0:130, pointer gen 1"), "{text}");
}
