// SPDX-License-Identifier: GPL-2.0-only
//! Whether the pointers of a key fit the buckets and stripes that they lead to, and what the
//! tool makes of those that do not (facts: docs/facts/v1/check-allocations.md 5).

use super::Run;
use super::repair::{self, Change};
use crate::entries::{Pointer, Stripe, pointers};
use crate::error_ids::ErrorId;
use crate::report::Outcome;
use crate::superblock::NO_DEVICE;
use crate::tables::{self, DataType};
use crate::text::indented;
use crate::valid::Place;
use crate::walk::Key;
use gc_core::bkey::KeyRef;
use gc_core::layout::ExtentPtr;

/// Distance of generations from which a cached pointer is too old.
const TOO_STALE: i8 = 96;

/// What a pointer says its bucket holds.
pub(super) fn pointer_type(node: bool, p: &Pointer) -> DataType {
    if node {
        DataType::BTREE
    } else if p.stripe.is_some() {
        DataType::STRIPE
    } else if p.ptr.cached() {
        DataType::CACHED
    } else {
        DataType::USER
    }
}

/// Whether a pointer's data may lie in a bucket that holds this.
pub(super) fn go_together(bucket: DataType, pointer: DataType) -> bool {
    bucket.is_empty() || bucket == DataType::MULTIPLE || bucket.in_bucket() == pointer.in_bucket()
}

/// Signed distance of generations: positive where the first is newer.
pub(super) fn gen_cmp(a: u8, b: u8) -> i8 {
    i8::from_le_bytes(a.wrapping_sub(b).to_le_bytes())
}

impl Run<'_> {
    /// Checks the pointers of a key; the key as the tool repairs it, where it does.
    pub(super) fn check_pointers(&mut self, place: Place, key: KeyRef<'_>) -> Option<Key> {
        let type_ = key.k.type_.0;
        let node = matches!(type_, tables::BTREE_PTR | tables::BTREE_PTR_V2);
        let (fs, mut changes) = (self.fs, Vec::new());
        let lengths = |type_| fs.sb.extent_type_u64s(type_);
        if type_ == tables::STRIPE {
            let stripe = Stripe::of(key.v)?;
            for (i, ptr) in stripe.ptrs.iter().enumerate() {
                let parity = i >= usize::from(stripe.nr_data());
                let crc = gc_core::bkey::no_crc(0);
                let p = Pointer { ptr: *ptr, crc, stripe: None, at: i };
                let data_type = if parity { DataType::PARITY } else { DataType::USER };
                self.check_pointer(&p, data_type, DataType::USER, key, &mut changes);
            }
        } else {
            let all: Vec<Pointer> = pointers(key, &lengths).collect();
            if !node {
                if let Some(repaired) = self.check_readable(place, &all, key) {
                    return Some(repaired);
                }
            }
            for p in &all {
                let named = if node {
                    DataType::BTREE
                } else if p.ptr.cached() {
                    DataType::CACHED
                } else {
                    DataType::USER
                };
                self.check_pointer(p, pointer_type(node, p), named, key, &mut changes);
            }
        }
        if changes.is_empty() {
            return None;
        }
        if node {
            self.node_pointers_reset(place, &changes);
        }
        repair::apply(fs, key, &changes)
    }

    /// A data key of which no pointer can be read.
    fn check_readable(&mut self, place: Place, all: &[Pointer], key: KeyRef<'_>) -> Option<Key> {
        let real = |p: &&Pointer| p.ptr.dev() != NO_DEVICE || p.stripe.is_some();
        if all.is_empty() || all.iter().filter(real).any(|p| !p.ptr.cached()) {
            return None;
        }
        let current = |p: &Pointer| {
            let dev = p.ptr.dev();
            let bucket = self.fs.member(dev).map(|m| m.bucket_of(p.ptr.offset()));
            let table = self.recount.tables.get(usize::from(dev)).and_then(Option::as_ref);
            match (bucket, table) {
                (Some(bucket), Some(table)) => table.get(bucket).gen_ == p.ptr.gen_(),
                _ => false,
            }
        };
        let usable = all.iter().any(|p| p.ptr.cached() && current(p));
        let id = if usable {
            ErrorId::EXTENT_PTRS_ALL_INVALID_BUT_CACHED
        } else {
            ErrorId::EXTENT_PTRS_ALL_INVALID
        };
        let what = if usable { "dirty pointers" } else { "pointers" };
        self.found(id, format!("extent without valid {what}\n{}", self.text(key)));
        if place.btree == tables::EXTENTS {
            self.damaged(key, id);
        }
        Some(match usable {
            true => repair::dirty(self.fs, key),
            false => repair::error(key),
        })
    }

    fn check_pointer(
        &mut self,
        p: &Pointer,
        data_type: DataType,
        named: DataType,
        key: KeyRef<'_>,
        changes: &mut Vec<Change>,
    ) {
        let ptr = p.ptr;
        let dev = ptr.dev();
        if dev == NO_DEVICE {
            return;
        }
        let Some(member) = self.fs.member(dev) else {
            if self.fs.removed.contains(&dev) {
                let text = format!("pointer to removed device {dev}\n{}", self.marking(key));
                self.found(ErrorId::PTR_TO_REMOVED_DEVICE, text);
                changes.push(Change::Drop { at: p.at });
            } else {
                let text = format!("pointer to missing device {dev}\n{}", self.marking(key));
                self.found(ErrorId::PTR_TO_INVALID_DEVICE, text);
            }
            return;
        };
        let bucket = member.bucket_of(ptr.offset());
        if !member.has(bucket) {
            let text = format!("pointer to invalid bucket on device {dev}\n{}", self.marking(key));
            self.found(ErrorId::PTR_TO_INVALID_DEVICE, text);
            return;
        }
        let place = format!("bucket {dev}:{bucket} data type {}", named.name());
        let Some(b) = self.bucket(dev, bucket) else { return };
        let was = *b;
        if !was.gen_known() {
            if !ptr.cached() {
                b.set_gen(ptr.gen_());
            }
            let text = format!(
                "{place} ptr gen {} missing in alloc btree\n{}",
                ptr.gen_(),
                self.marking(key)
            );
            self.found(ErrorId::PTR_TO_MISSING_ALLOC_KEY, text);
            if ptr.cached() {
                changes.push(Change::Drop { at: p.at });
                return;
            }
        }
        let gen_ = if was.gen_known() { was.gen_ } else { ptr.gen_() };
        let newer = gen_cmp(ptr.gen_(), gen_);
        let (got, have) = (ptr.gen_(), gen_);
        if newer > 0 {
            let text =
                format!("{place} ptr gen in the future: {got} > {have}\n{}", self.marking(key));
            self.found(ErrorId::PTR_GEN_NEWER_THAN_BUCKET_GEN, text);
            changes.push(match ptr.cached() {
                true => Change::Drop { at: p.at },
                false => Change::Reset { at: p.at, gen_, ptr },
            });
        } else if newer < 0 && !ptr.cached() {
            let text = format!("{place} stale dirty ptr: {got} < {have}\n{}", self.marking(key));
            self.found(ErrorId::STALE_DIRTY_PTR, text);
            changes.push(Change::Reset { at: p.at, gen_, ptr });
        } else if gen_cmp(gen_, ptr.gen_()) > TOO_STALE {
            let (named, marking) = (named.name(), self.marking(key));
            let text = format!(
                "bucket {dev}:{bucket} gen {have} data type {named}: ptr gen {got} too stale\n{marking}"
            );
            self.found(ErrorId::PTR_GEN_NEWER_THAN_BUCKET_GEN, text);
            changes.push(Change::Drop { at: p.at });
        }
        if newer != 0 && data_type != DataType::BTREE {
            return;
        }
        if newer != 0 {
            self.told_again(dev, bucket, (got, have), newer > 0, key);
        }
        if !go_together(was.data_type(), data_type) {
            let text = format!(
                "bucket {dev}:{bucket} gen {gen_} different types of data in same bucket: {}, {}\n{}",
                was.data_type().name(),
                data_type.name(),
                self.marking(key)
            );
            self.found(ErrorId::PTR_BUCKET_DATA_TYPE_MISMATCH, text);
        }
        let Some(entry) = p.stripe else { return };
        let idx = entry.idx();
        match self.recount.stripes.get(&idx) {
            None => {
                let text = format!("pointer to nonexistent stripe {idx}\n{}", self.marking(key));
                self.found(ErrorId::PTR_TO_MISSING_STRIPE, text);
            }
            Some(stripe) if !stripe.holds(entry, ptr) => {
                let text = format!("pointer does not match stripe {idx}\n{}", self.marking(key));
                self.found(ErrorId::PTR_TO_INCORRECT_STRIPE, text);
            }
            Some(_) => {}
        }
    }

    /// Updating a pointer to a node meets the same generations again, and counts them.
    fn told_again(
        &mut self,
        dev: u8,
        bucket: u64,
        (got, have): (u8, u8),
        newer: bool,
        key: KeyRef<'_>,
    ) {
        let marking = format!("  while marking {}\n  ", indented(&self.text(key), 2));
        let (id, text) = if newer {
            let what = format!("data type btree: ptr gen {got} newer than bucket gen");
            let id = ErrorId::PTR_GEN_NEWER_THAN_BUCKET_GEN;
            (id, format!("bucket {dev}:{bucket} gen {have} {what}\n{marking}"))
        } else {
            let gens = &self.recount.stored.gens;
            let memory = gens.get(&(u64::from(dev), bucket)).copied().unwrap_or(0);
            let what = format!("(mem gen {memory}) data type btree: stale dirty ptr (gen {got})");
            (
                ErrorId::STALE_DIRTY_PTR,
                format!("bucket {dev}:{bucket} gen {have} {what}\n{marking}"),
            )
        };
        self.report.add(id, Outcome::Counted, text);
    }

    /// Which key was looked at.
    fn marking(&self, key: KeyRef<'_>) -> String {
        format!("while marking {}", self.text(key))
    }

    /// Adds an error that is fixed in memory if the tool does so unasked, else left.
    pub(super) fn found(&mut self, id: ErrorId, text: String) {
        let outcome = match id.is_fixed_unasked() {
            true => Outcome::Fixed,
            false => Outcome::Ignored,
        };
        self.report.add(id, outcome, text);
    }

    /// Notes an error of the inode that a key belongs to.
    pub(super) fn damaged(&mut self, key: KeyRef<'_>, id: ErrorId) {
        let p = key.k.p;
        self.recount.damage.entry((p.inode, p.snapshot)).or_default().insert(id);
    }

    /// Resetting the generation of a pointer to a node goes through an update that adds the
    /// new pointer without taking the old one away: in the alloc key, and in the counter.
    fn node_pointers_reset(&mut self, place: Place, changes: &[Change]) {
        let _ = place;
        let sectors = self.fs.node_sectors();
        for change in changes {
            let Change::Reset { ptr, .. } = change else { continue };
            let dev = ptr.dev();
            let Some(member) = self.fs.member(dev) else { continue };
            let bucket = member.bucket_of(ptr.offset());
            let key = (u64::from(dev), bucket);
            self.recount.reset_nodes(key, dev, sectors);
        }
    }
}

impl super::Recount {
    fn reset_nodes(&mut self, key: (u64, u64), dev: u8, sectors: u16) {
        if let Some(alloc) = self.stored.alloc.get_mut(&key) {
            alloc.dirty_sectors = alloc.dirty_sectors.saturating_add(u32::from(sectors));
        }
        let counter = crate::counter::Counter::dev_data_type(dev, DataType::BTREE);
        let values = self.stored.counters.entry(counter).or_default();
        super::add(values, [0, i64::from(sectors), 0]);
    }
}

/// The pointer with another generation.
pub(super) fn with_gen(ptr: ExtentPtr, gen_: u8) -> ExtentPtr {
    ptr.with_gen(gen_)
}
