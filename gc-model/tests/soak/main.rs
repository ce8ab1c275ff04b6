// SPDX-License-Identifier: GPL-2.0-only
//! A file system in use while gc runs, again and again: threads that insert,
//! overwrite, delete and move keys, split, merge and rewrite nodes, allocate and free
//! buckets, add, remove and grow members, merge nodes of whole btrees and recompute
//! generations.
//!
//! Oracle: after each run every count of the file system equals a naive recount of
//! all references (`Recount`), and the run itself has found nothing to correct.
//!
//! Each round is a file system of its own, made and driven by one seed. Where threads
//! take turns the seed decides everything, so that a failure is repeated exactly; with
//! free threads it decides what they do, not when.
//!
//! Environment:
//!
//! - `SOAK_SECONDS`: how long, for each of the two (default 3)
//! - `SOAK_SEED`: the first seed (default 1); `SOAK_ROUNDS`: how many at most
//! - `SOAK_THREADS`: updating threads (default: by seed, 1 to 5)

mod round;
mod updater;

use round::{Figures, Plan, round};
use std::time::{Duration, Instant};

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

fn soak(turns: bool) {
    let seconds = Duration::from_secs(number("SOAK_SECONDS").unwrap_or(3));
    let first = number("SOAK_SEED").unwrap_or(1);
    let rounds = number("SOAK_ROUNDS").unwrap_or(u64::MAX);
    let threads = number("SOAK_THREADS");
    let started = Instant::now();
    let mut sum = Figures::default();
    let mut n = 0;
    while n < rounds && (n == 0 || started.elapsed() < seconds) {
        let mut plan = Plan::of_seed(first + n, turns);
        if let Some(threads) = threads {
            plan.threads = usize::try_from(threads).unwrap();
        }
        match round(&plan) {
            Ok(figures) => sum.add(&figures),
            Err(why) => {
                let how = if turns { "turns" } else { "threads" };
                panic!(
                    "{why}\nrepeat: SOAK_SEED={} SOAK_THREADS={} SOAK_ROUNDS=1 \
                     cargo test --release -p gc-model --test soak {how}",
                    plan.seed, plan.threads
                );
            }
        }
        n += 1;
    }
    let how = if turns { "taking turns" } else { "free threads" };
    println!("{how}: {n} file systems, {sum}, 0 differences, {} s", started.elapsed().as_secs());
    // A pass is worth something only if all of it happened.
    if n >= 100 {
        sum.assert_all_happened();
    }
}

#[test]
fn turns() {
    soak(true);
}

#[test]
fn threads() {
    soak(false);
}

// Oracle: a second round with the same seed.
#[test]
fn a_seed_repeats_a_round() {
    for seed in 0..4 {
        let plan = Plan::of_seed(seed, true);
        let first = round(&plan).unwrap();
        assert_eq!(round(&plan).unwrap(), first);
    }
}
