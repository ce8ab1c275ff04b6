// SPDX-License-Identifier: GPL-2.0-only
//! Makes images: `mkimage --seed N [--damage FIELDS] OUT` writes OUT.0, OUT.1, ...
use gc_image_write::damage::{Planted, damage};
use gc_image_write::generate::{generate, settings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (seed, fields, out) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--seed", seed, out] => (seed, "0", out),
        ["--seed", seed, "--damage", fields, out] => (seed, fields, out),
        _ => return Err("usage: mkimage --seed N [--damage FIELDS] OUT".into()),
    };
    let seed: u64 = seed.parse()?;
    let spec = settings(seed);
    let paths: Vec<String> = (0..spec.devices.len()).map(|i| format!("{out}.{i}")).collect();
    let s = generate(seed, &paths)?;
    println!("{} nodes, {} alloc keys", s.nodes, s.alloc_keys);
    for p in damage(seed, fields.parse()?, &paths)? {
        let Planted { place, field, change, all_copies } = p;
        println!(
            "{:?} {}:{} btree {:?}: {}.{} {change:?}{}",
            place.what,
            place.dev,
            place.sector,
            place.tree,
            field.structure,
            field.name,
            if all_copies { ", all copies" } else { "" }
        );
    }
    Ok(())
}
