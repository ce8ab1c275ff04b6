// SPDX-License-Identifier: GPL-2.0-only
//! What the tool makes of a key whose pointers do not fit, in memory under `fsck -n`, too:
//! its counts are those of the repaired key (facts: docs/facts/v1/check-allocations.md 5).

use super::pointers::with_gen;
use crate::entries::{Entries, Entry, start_of};
use crate::fs::Fs;
use crate::superblock::{NO_DEVICE, VERSION_RECONCILE};
use crate::tables;
use crate::walk::Key;
use gc_core::bkey::KeyRef;
use gc_core::layout::bits::{field_mask, low8};
use gc_core::layout::{ExtentPtr, KeyType};

/// One change of a pointer, by the index of its word among the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The pointer goes.
    Drop { at: usize },
    /// It takes the generation of its bucket.
    Reset { at: usize, gen_: u8, ptr: ExtentPtr },
}

/// A key of type error in the place of one that leads nowhere.
pub(super) fn error(key: KeyRef<'_>) -> Key {
    let mut k = *key.k;
    k.type_ = KeyType(tables::ERROR);
    k.u64s = 5;
    Key { k, v: Vec::new() }
}

/// The key with its cached pointers made dirty.
pub(super) fn dirty(fs: &Fs, key: KeyRef<'_>) -> Key {
    let mut new = Key::of(key);
    let Some(start) = start_of(key.k.type_.0) else { return new };
    let lengths = |type_| fs.sb.extent_type_u64s(type_);
    let mut at = start;
    for (entry, len) in Entries::of(key, &lengths) {
        if let (Entry::Ptr(ptr), Some(word)) = (entry, new.v.get_mut(at)) {
            if ptr.dev() != NO_DEVICE {
                *word = ptr.with_cached(false).0;
            }
        }
        at = at.saturating_add(len);
    }
    new
}

/// The key with these changes.
pub(super) fn apply(fs: &Fs, key: KeyRef<'_>, changes: &[Change]) -> Option<Key> {
    if key.k.type_.0 == tables::STRIPE {
        return Some(stripe(key, changes));
    }
    let start = start_of(key.k.type_.0)?;
    let lengths = |type_| fs.sb.extent_type_u64s(type_);
    // Entries with their words, and whether they go.
    let mut entries: Vec<(Entry, Vec<u64>, bool)> = Vec::new();
    let mut at = 0_usize;
    for (entry, len) in Entries::of(key, &lengths) {
        let from = start.saturating_add(at);
        let mut words = key.v.get(from..from.saturating_add(len))?.to_vec();
        let mut goes = false;
        for change in changes {
            match change {
                Change::Drop { at: dropped } => goes |= *dropped == at,
                Change::Reset { at: reset, gen_, ptr } if *reset == at => {
                    words = vec![with_gen(*ptr, *gen_).0];
                }
                Change::Reset { .. } => {}
            }
        }
        let entry = match (entry, words.first()) {
            (Entry::Ptr(_), Some(word)) => Entry::Ptr(ExtentPtr(*word)),
            (other, _) => other,
        };
        entries.push((entry, words, goes));
        at = at.saturating_add(len);
    }
    let dropped = entries.iter().any(|(.., goes)| *goes);
    if dropped {
        drop_what_governs(&mut entries);
    }
    let node = matches!(key.k.type_.0, tables::BTREE_PTR | tables::BTREE_PTR_V2);
    if !node {
        reconcile(fs, key, &mut entries);
    }
    let mut v = key.v.get(..start)?.to_vec();
    for (_, words, _) in entries.iter().filter(|(.., goes)| !goes) {
        v.extend_from_slice(words);
    }
    let mut k = *key.k;
    k.u64s = low8(gc_disk::bytes::number(v.len())).saturating_add(5);
    Some(Key { k, v })
}

/// With a pointer go its place in a stripe, and the checksum entry that governs no other.
fn drop_what_governs(entries: &mut [(Entry, Vec<u64>, bool)]) {
    let is_ptr = |e: &Entry| matches!(e, Entry::Ptr(_));
    let gone: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, (e, _, goes))| *goes && is_ptr(e))
        .map(|(i, _)| i)
        .collect();
    for i in gone {
        if let Some(before) = i.checked_sub(1).and_then(|i| entries.get_mut(i)) {
            if matches!(before.0, Entry::Stripe(_)) {
                before.2 = true;
            }
        }
        let crc = (0..i).rev().find(|j| {
            entries.get(*j).is_some_and(|(e, _, goes)| matches!(e, Entry::Crc(_)) && !goes)
        });
        let Some(crc) = crc else { continue };
        let lives = |(e, _, goes): &(Entry, Vec<u64>, bool)| is_ptr(e) && !goes;
        let between = entries.get(crc..i).is_some_and(|s| s.iter().any(lives));
        let behind = entries.get(i..).unwrap_or(&[]).iter();
        let behind = behind.take_while(|(e, ..)| !matches!(e, Entry::Crc(_)));
        let another = behind.into_iter().any(lives);
        if let (false, Some(entry)) = (between || another, entries.get_mut(crc)) {
            entry.2 = true;
        }
    }
}

/// The entry that says what is to be done is made anew: where fewer replicas are left than
/// wanted, more are to be made, first of all, and pointers to no device stand for them.
fn reconcile(fs: &Fs, key: KeyRef<'_>, entries: &mut Vec<(Entry, Vec<u64>, bool)>) {
    if fs.sb.version_incompat_allowed() < u64::from(VERSION_RECONCILE) {
        return;
    }
    let alive = |(_, _, goes): &&(Entry, Vec<u64>, bool)| !goes;
    let old = entries.iter().filter(alive).find_map(|(e, ..)| match e {
        Entry::Reconcile(r) => Some(r.word),
        _ => None,
    });
    let durability = durability(fs, entries);
    let wanted = match old {
        Some(word) => (word >> 28) & 7,
        None => fs.sb.data_replicas_want().max(1),
    };
    for entry in entries.iter_mut() {
        match entry.0 {
            Entry::Reconcile(_) => entry.2 = true,
            Entry::Ptr(p) if p.dev() == NO_DEVICE => entry.2 = true,
            _ => {}
        }
    }
    let needs = 1_u64 << 17;
    let hipri = 1_u64 << 15;
    let base = old.unwrap_or((1 << 7) | (wanted << 28));
    // What of the old entry was to be done besides.
    let other = base & (field_mask(18, 21) | (1 << 16));
    let lacking = wanted.saturating_sub(durability);
    let word =
        if lacking > 0 { (base & !(1 << 16)) | needs | hipri } else { base & !(needs | hipri) };
    let from_inode = word & field_mask(22, 27);
    let indirect = key.k.type_.0 == tables::REFLINK_V;
    if lacking > 0 || other & field_mask(18, 21) != 0 || (indirect && from_inode != 0) {
        let entry = Entry::Reconcile(crate::entries::Reconcile { word });
        entries.push((entry, vec![word], false));
    }
    for _ in 0..lacking {
        let none = ExtentPtr::new(NO_DEVICE, 0, 0);
        entries.push((Entry::Ptr(none), vec![none.0], false));
    }
}

/// Copies that the dirty pointers stand for; one in a stripe counts its redundancy, too.
fn durability(fs: &Fs, entries: &[(Entry, Vec<u64>, bool)]) -> u64 {
    let (mut sum, mut redundancy) = (0_u64, 0);
    for (entry, ..) in entries.iter().filter(|(.., goes)| !goes) {
        match entry {
            Entry::Stripe(s) => redundancy = u64::from(s.redundancy()),
            Entry::Ptr(p) => {
                let more = core::mem::take(&mut redundancy);
                let member = fs.member(p.dev()).filter(|_| !p.cached());
                let of_member = member.map_or(0, |m| u64::from(m.durability));
                let counts = if member.is_some() { more } else { 0 };
                sum = sum.saturating_add(of_member).saturating_add(counts);
            }
            _ => {}
        }
    }
    sum
}

/// A stripe's dropped block lies on no device.
fn stripe(key: KeyRef<'_>, changes: &[Change]) -> Key {
    let mut new = Key::of(key);
    for change in changes {
        let (at, ptr) = match change {
            Change::Drop { at } => {
                let old = key.v.get(at.saturating_add(1)).copied().unwrap_or(0);
                (*at, ExtentPtr(old).with_dev(NO_DEVICE))
            }
            Change::Reset { at, gen_, ptr } => (*at, with_gen(*ptr, *gen_)),
        };
        if let Some(word) = new.v.get_mut(at.saturating_add(1)) {
            *word = ptr.0;
        }
    }
    new
}
