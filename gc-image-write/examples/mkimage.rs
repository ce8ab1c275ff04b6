// SPDX-License-Identifier: GPL-2.0-only
//! Makes images.
//!
//! `mkimage PRESET OUT [SEED]`: a large one for benchmarks; `mkimage list` names them.
//! `mkimage --seed N [--damage FIELDS] OUT`: a random one, with so many fields
//! damaged behind right checksums. Files: OUT.0, OUT.1, ... a device each.
use gc_image_write::damage::{Planted, damage};
use gc_image_write::generate::{generate, presets, settings};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn paths(out: &str, devices: usize) -> Vec<String> {
    (0..devices).map(|i| format!("{out}.{i}")).collect()
}

fn random(seed: &str, fields: &str, out: &str) -> Fallible<()> {
    let seed: u64 = seed.parse()?;
    let paths = paths(out, settings(seed).devices.len());
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

fn preset(name: &str, out: &str, seed: &str) -> Fallible<()> {
    let all = presets();
    let preset = all.iter().find(|p| p.name == name).ok_or("no such preset: try `list`")?;
    let s = preset.write(seed.parse()?, &paths(out, preset.devices()))?;
    println!("{} nodes, {} alloc keys", s.nodes, s.alloc_keys);
    Ok(())
}

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => presets().iter().for_each(|p| println!("{:8} {}", p.name, p.about)),
        ["--seed", seed, out] => random(seed, "0", out)?,
        ["--seed", seed, "--damage", fields, out] => random(seed, fields, out)?,
        [name, out] => preset(name, out, "1")?,
        [name, out, seed] => preset(name, out, seed)?,
        _ => return Err("usage: mkimage PRESET OUT [SEED] | --seed N [--damage FIELDS] OUT".into()),
    }
    Ok(())
}
