// SPDX-License-Identifier: GPL-2.0-only
//! What the loom models share.

use loom::model::Builder;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Thread switches that no thread asked for, at most, in one execution.
const PREEMPTIONS: usize = 3;

fn explore(model: impl Fn() + Sync + Send + 'static) -> (u64, Result<(), String>) {
    let executions = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&executions);
    let mut builder = Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    let explored = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counted.fetch_add(1, Relaxed);
            model();
        });
    }));
    let ret = explored.map_err(|why| match why.downcast::<String>() {
        Ok(text) => *text,
        Err(why) => why.downcast_ref::<&str>().map_or_else(String::new, ToString::to_string),
    });
    (executions.load(Relaxed), ret)
}

/// All executions of a model keep to it.
#[allow(dead_code, reason = "not every file of tests has both")]
pub fn holds(name: &str, model: impl Fn() + Sync + Send + 'static) {
    let (n, ret) = explore(model);
    println!("{name}: {n} executions");
    assert_eq!(ret, Ok(()), "{name}, after {n} executions");
}

/// Some execution of a model does not, and says so with `message`.
#[allow(dead_code, reason = "not every file of tests has both")]
pub fn fails(name: &str, message: &str, model: impl Fn() + Sync + Send + 'static) {
    let (n, ret) = explore(model);
    println!("{name}: found in {n} executions");
    let found = ret.expect_err("nothing was found");
    assert!(found.contains(message), "{name}: failed otherwise: {found}");
}
