// SPDX-License-Identifier: GPL-2.0-only
//! The gc position as others see it: read through its sequence word, and watched
//! for steps back.

use crate::Model;
use crate::sync::lock;
use gc_core::host::{GC_POS_WORDS, GcPosCell};
use gc_core::layout::{Bpos, GcPhase, GcPos};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering, fence};

/// `gc_pos_lock` and `gc_pos`.
#[derive(Debug, Default)]
pub(crate) struct PosCell {
    seq: AtomicU32,
    words: [AtomicU32; GC_POS_WORDS],
    last: Mutex<GcPos>,
}

impl PosCell {
    pub(crate) fn lend(&self) -> GcPosCell<'_> {
        GcPosCell { seq: &self.seq, words: &self.words }
    }

    /// Reads as `gc_visited` does: even sequence, words, same sequence.
    pub(crate) fn read(&self) -> GcPos {
        loop {
            let before = self.seq.load(Ordering::Acquire);
            let words = self.words.each_ref().map(|w| w.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before % 2 == 0 && self.seq.load(Ordering::Relaxed) == before {
                return of_words(words);
            }
            std::hint::spin_loop();
        }
    }
}

fn of_words([phase, snapshot, o0, o1, i0, i1, level]: [u32; GC_POS_WORDS]) -> GcPos {
    let wide = |low: u32, high: u32| (u64::from(high) << 32) | u64::from(low);
    let pos = Bpos { snapshot, offset: wide(o0, o1), inode: wide(i0, i1) };
    GcPos { phase: GcPhase(phase), pos, level }
}

impl Model {
    /// The gc position, as a reader beside gc sees it.
    #[must_use]
    pub fn gc_pos_now(&self) -> GcPos {
        self.position.read()
    }

    /// A violation if the position has gone back since the last look.
    pub(crate) fn watch_position(&self) {
        let mut last = lock(&self.position.last);
        let now = self.position.read();
        let order = |p: &GcPos| (p.phase.0, p.pos, p.level);
        if now.phase != GcPhase::NOT_RUNNING && order(&now) < order(&last) {
            self.violation(format!("gc position went back from {:?} to {now:?}", *last));
        }
        *last = now;
    }
}
