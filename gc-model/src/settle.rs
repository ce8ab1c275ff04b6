// SPDX-License-Identifier: GPL-2.0-only
//! Making the live side agree with the recount, and listing where it does not.

use crate::Model;
use crate::buckets::BucketState;
use crate::recount::{BucketCount, Recount};
use crate::sync::lock;
use gc_core::host::Side;
use gc_core::layout::usage::{FS_USAGE_NAMES, FS_USAGE_U64S};
use gc_core::layout::{BucketMark, Stripe};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

fn u16_of(v: u64) -> u16 {
    u16::try_from(v).unwrap_or(u16::MAX)
}

/// The counted part of a mark.
fn mark_of(c: &BucketCount) -> BucketMark {
    BucketMark(0)
        .with_gen(c.gen_)
        .with_data_type(c.data_type)
        .with_owned_by_allocator(c.owned)
        .with_stripe(c.stripe)
        .with_dirty_sectors(u16_of(c.dirty))
        .with_cached_sectors(u16_of(c.cached))
}

/// What is compared of a stripe.
fn counted(s: &Stripe) -> (bool, [u8; 4], u16, [u16; 16]) {
    let small = [s.algorithm, s.nr_blocks, s.nr_redundant, s.blocks_nonempty];
    (s.alive(), small, s.sectors, s.block_sectors)
}

impl Model {
    /// Makes the live side agree with a naive recount of all references: marks,
    /// stripes, usage, the replicas table, the key version. Generations that are
    /// behind a pointer are raised.
    pub fn settle(&self) {
        let want = Recount::of(self);
        for dev in self.members() {
            let Some(counts) = want.buckets.get(&dev.idx()) else { continue };
            dev.with_buckets(|all| {
                for (b, c) in all.iter().zip(counts) {
                    let now = BucketState::load(b);
                    let to = BucketState {
                        mark: mark_of(c)
                            .with_journal_seq(now.mark.journal_seq())
                            .with_journal_seq_valid(now.mark.journal_seq_valid()),
                        oldest_gen: c.oldest_gen,
                        gen_valid: now.gen_valid || c.data_type.0 != 0,
                        ..now
                    };
                    to.store(b);
                }
            });
        }
        for (data_type, required, devs) in &want.needed {
            if let Some(entry) = Self::make_entry(*data_type, *required, devs) {
                // Without memory it shows as a difference.
                let _added = self.add_replicas(entry.get());
            }
        }
        for (word, value) in want.words.iter().enumerate().skip(1) {
            self.set_usage_word(word, *value);
        }
        for (i, value) in self.counted_replicas(&want).into_iter().enumerate() {
            self.set_usage_word(FS_USAGE_U64S.saturating_add(i), value);
        }
        {
            let mut s = lock(&self.stripes);
            s.heap = want.stripes.keys().copied().collect();
            let slots = want.stripes.iter().map(|(i, s)| (*i, Box::new(*s)));
            s.live.slots = slots.collect();
        }
        self.fold_usage();
        self.record_key_version(self.recorded_key_version().max(want.key_version));
    }

    /// Sectors of each entry of the table, by the recount.
    fn counted_replicas(&self, want: &Recount) -> Vec<u64> {
        let table = self.usage.table().view();
        let sectors = |e: gc_core::accounting::replicas::EntryRef<'_>| {
            let key = (e.data_type().0, e.nr_required(), e.devs().to_vec());
            want.replicas.get(&key).copied().unwrap_or(0)
        };
        table.iter().map(sectors).collect()
    }

    fn bucket_differences(&self, want: &Recount, out: &mut Vec<String>) {
        for dev in self.members() {
            let Some(counts) = want.buckets.get(&dev.idx()) else { continue };
            dev.with_buckets(|all| {
                for (i, (b, c)) in all.iter().zip(counts).enumerate() {
                    let got = BucketState::load(b);
                    let place = format!("bucket {}:{i}", dev.idx());
                    let counted = got.mark.with_journal_seq(0).with_journal_seq_valid(false);
                    if counted != mark_of(c) {
                        let got = got.mark;
                        out.push(format!(
                            "{place}: gen {} type {} owned {} stripe {} dirty {} cached {}, \
                             should be gen {} type {} owned {} stripe {} dirty {} cached {}",
                            got.gen_(),
                            got.data_type_raw(),
                            got.owned_by_allocator(),
                            got.stripe(),
                            got.dirty_sectors(),
                            got.cached_sectors(),
                            c.gen_,
                            c.data_type.0,
                            c.owned,
                            c.stripe,
                            c.dirty,
                            c.cached,
                        ));
                    }
                    // Pointers that went meanwhile may have been older.
                    let older = c.oldest_gen.wrapping_sub(got.oldest_gen) < 128;
                    let fine =
                        if self.is_running() { older } else { got.oldest_gen == c.oldest_gen };
                    if !fine {
                        let (got, want) = (got.oldest_gen, c.oldest_gen);
                        out.push(format!("{place}: oldest_gen {got}, should be {want}"));
                    }
                }
            });
        }
    }

    /// Where the live side differs from a naive recount of all references, as text.
    /// Empty after [`Model::settle`].
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let want = Recount::of(self);
        let mut out = Vec::new();
        self.bucket_differences(&want, &mut out);
        let words: Vec<u64> = self.usage.side(Side::Live).iter().map(|w| w.load(Relaxed)).collect();
        for (name, (got, want)) in FS_USAGE_NAMES.iter().zip(words.iter().zip(want.words)).skip(1) {
            if *got != want {
                out.push(format!("{name}: {got}, should be {want}"));
            }
        }
        let entries = self.replicas();
        let counts = words.iter().skip(FS_USAGE_U64S).zip(self.counted_replicas(&want));
        for (entry, (got, want)) in entries.iter().zip(counts) {
            if *got != want {
                out.push(format!("{entry}: {got}, should be {want}"));
            }
        }
        for (data_type, required, devs) in &want.needed {
            let entry = Self::make_entry(*data_type, *required, devs);
            let text = entry.map_or_else(String::new, |e| e.get().to_string());
            if !entries.contains(&text) {
                out.push(format!("replicas entry missing: {text}"));
            }
        }
        self.stripe_differences(&want.stripes, &mut out);
        let (got, want) = (self.recorded_key_version(), want.key_version);
        if got < want {
            out.push(format!("key version {got}, should be {want}"));
        }
        out
    }

    fn stripe_differences(&self, want: &BTreeMap<u64, Stripe>, out: &mut Vec<String>) {
        let s = lock(&self.stripes);
        let all: BTreeSet<u64> = s.live.slots.keys().chain(want.keys()).copied().collect();
        for idx in all {
            let got = s.live.slots.get(&idx).map_or(Stripe::ZERO, |s| **s);
            let want = want.get(&idx).copied().unwrap_or(Stripe::ZERO);
            if counted(&got) != counted(&want) {
                out.push(format!("stripe {idx}: {got:?}, should be {want:?}"));
            }
            if s.heap.contains(&idx) != want.alive() {
                out.push(format!("stripe {idx}: wrong about the heap"));
            }
        }
    }
}
