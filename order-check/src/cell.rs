// SPDX-License-Identifier: GPL-2.0-only
//! A gc position that threads share.

use gc_core::host::{GC_POS_WORDS, GcPosCell};
use gc_core::sync::AtomicU32;

/// The position of a file system on which gc does not run.
pub struct Cell {
    seq: AtomicU32,
    words: [AtomicU32; GC_POS_WORDS],
}

impl Cell {
    /// Not running, never written.
    #[must_use]
    pub fn new() -> Self {
        Self { seq: AtomicU32::new(0), words: std::array::from_fn(|_| AtomicU32::new(0)) }
    }

    /// As the engine has it.
    #[must_use]
    pub fn get(&self) -> GcPosCell<'_> {
        GcPosCell { seq: &self.seq, words: &self.words }
    }
}

impl Default for Cell {
    fn default() -> Self {
        Self::new()
    }
}
