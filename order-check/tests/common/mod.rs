// SPDX-License-Identifier: GPL-2.0-only
//! What the loom models share.

use gc_core::host::{GC_POS_WORDS, GcPosCell};
use gc_core::sync::AtomicU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Thread switches that no thread asked for, at most, in one execution.
const PREEMPTIONS: usize = 3;

/// Explores a model and prints how many executions it took.
pub fn check(name: &str, model: impl Fn() + Sync + Send + 'static) {
    let executions = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    println!("{name}: {} executions", executions.load(Relaxed));
}

/// A position that threads share.
pub struct Cell {
    seq: AtomicU32,
    words: [AtomicU32; GC_POS_WORDS],
}

impl Cell {
    /// Of a file system on which gc does not run.
    pub fn new() -> Self {
        Self { seq: AtomicU32::new(0), words: std::array::from_fn(|_| AtomicU32::new(0)) }
    }

    /// As the engine has it.
    pub fn get(&self) -> GcPosCell<'_> {
        GcPosCell { seq: &self.seq, words: &self.words }
    }
}
