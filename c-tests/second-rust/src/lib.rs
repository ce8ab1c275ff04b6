// SPDX-License-Identifier: GPL-2.0-only
//! A Rust archive with std: threads, hash maps, and a panic that is caught, for
//! which the personality routine must be std's and no other's.

use std::collections::HashMap;
use std::ffi::c_uint;
use std::panic;
use std::thread;

/// 10 for each of `n` threads that did its work, and 1 for each panic caught.
#[unsafe(no_mangle)]
pub extern "C" fn second_rust_work(n: c_uint) -> c_uint {
    panic::set_hook(Box::new(|_| ()));
    let threads: Vec<_> = (0..n)
        .map(|i| {
            thread::spawn(move || {
                let map: HashMap<u32, String> = (0..i).map(|k| (k, k.to_string())).collect();
                let caught = panic::catch_unwind(|| {
                    // Unwinds through a frame with something to drop.
                    let _held = vec![i; 100];
                    panic!("caught {i}");
                });
                (map.len() == i as usize, caught.is_err())
            })
        })
        .collect();
    let done = threads.into_iter().map(|t| t.join().unwrap_or((false, false)));
    done.map(|(worked, caught)| u32::from(worked) * 10 + u32::from(caught)).sum()
}
