// SPDX-License-Identifier: GPL-2.0-only
//! Makes images: `mkimage --seed N OUT` writes OUT.0, OUT.1, ...
use gc_image_write::generate::{generate, settings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [_, seed, out] = args.as_slice() else { return Err("usage".into()) };
    let seed: u64 = seed.parse()?;
    let spec = settings(seed);
    let paths: Vec<String> = (0..spec.devices.len()).map(|i| format!("{out}.{i}")).collect();
    let s = generate(seed, &paths)?;
    println!("{} nodes, {} alloc keys", s.nodes, s.alloc_keys);
    Ok(())
}
