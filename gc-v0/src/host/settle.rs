// SPDX-License-Identifier: GPL-2.0-only
//! Mark and sweep where its end is known before it begins.

use super::Image;
use crate::plain::Agreed;
use std::sync::atomic::Ordering::Relaxed;

impl Image<'_> {
    /// Becomes what a whole mark and sweep would have made of it. `even` is of the same
    /// file system, and all of its pointers are [current](Agreed::current): nothing
    /// differs, and the oldest pointer into a bucket is as old as the bucket.
    pub fn settle(&self, even: &Agreed) {
        self.begin_pass();
        for bucket in self.fs.devices.iter().flatten().flat_map(|dev| &dev.buckets) {
            let oldest = bucket.load_mark(Relaxed).gen_();
            // What is not written to need not be in memory.
            if bucket.oldest_gen.load(Relaxed) != oldest {
                bucket.oldest_gen.store(oldest, Relaxed);
            }
        }
        for (to, from) in self.versions.last().live.iter().zip(&even.usage) {
            to.store(*from, Relaxed);
        }
        self.dev_usage.borrow_mut().clone_from(&even.dev_usage);
    }
}
