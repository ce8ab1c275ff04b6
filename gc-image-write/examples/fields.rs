// SPDX-License-Identifier: GPL-2.0-only
//! Every field of every structure of small file systems, changed in six ways and to a
//! random value, checksums mended, through a program: no signal, no hang, and no more
//! memory than asked for.
//!
//! `fields BCH_GC DIR [EVERY [SEED ...]]`: images in DIR; EVERY nth change (1: all). The
//! program runs with its address space limited, so that a claim of the superblock that
//! takes memory shows as a failure.
use gc_image_write::damage::{Change, Images, Mend, Planted, fields, plant};
use gc_image_write::generate::{generate_small, small_settings};
use gc_image_write::rng::Rng;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// KiB of addresses; the images have some 10 MiB.
const LIMIT: &str = "262144";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [program, dir, rest @ ..] = &args[..] else {
        return Err("usage: fields BCH_GC DIR [EVERY [SEED ...]]".into());
    };
    let numbers: Vec<u64> = rest.iter().map(|s| s.parse()).collect::<Result<_, _>>()?;
    let every = numbers.first().copied().unwrap_or(1).max(1);
    let seeds = numbers.get(1..).filter(|s| !s.is_empty()).unwrap_or(&[0, 3, 5]);
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let (mut n, mut bad) = (0_u64, 0_u64);
    for &seed in seeds {
        let paths: Vec<_> = (0..small_settings(seed).devices.len())
            .map(|i| Path::new(dir).join(format!("fields-{seed}.{i}")))
            .collect();
        generate_small(seed, &paths)?;
        let images = Images::open(&paths)?;
        let all = images.places();
        let mut rng = Rng::new(seed);
        for place in &all {
            let bytes = images.read(place)?;
            for field in fields(place, &bytes) {
                let random = Change::Set(rng.next_u64());
                for change in Change::FIXED.into_iter().chain([random]) {
                    n += 1;
                    if n % every != 0 {
                        continue;
                    }
                    let planted = Planted { place: place.clone(), field, change, all_copies: true };
                    plant(&images, &all, &planted, Mend::Yes)?;
                    let status = Command::new("sh")
                        .args(["-c", "ulimit -v \"$0\"; exec timeout -s KILL 20 \"$@\"", LIMIT])
                        .args([program, "check", "--quiet"])
                        .args(&paths)
                        .stdin(Stdio::null())
                        .stdout(Stdio::null())
                        .stderr(Stdio::null())
                        .status()?;
                    let end = format!("{status}");
                    if !matches!(status.code(), Some(0 | 4 | 8)) {
                        bad += 1;
                        println!("{end}: seed {seed} {planted:?}");
                    }
                    *ends.entry(end).or_default() += 1;
                    // As it was.
                    generate_small(seed, &paths)?;
                }
            }
        }
    }
    for (end, n) in ends {
        println!("{n} x {end}");
    }
    if bad > 0 { Err(format!("{bad} runs ended otherwise").into()) } else { Ok(()) }
}
