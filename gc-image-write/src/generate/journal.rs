// SPDX-License-Identifier: GPL-2.0-only
//! Moves a part of the keys into the journal, as a crash leaves them: some not in
//! the btree yet, some there in an older state, some deleted in the journal only.

use crate::key::Key;
use crate::rng::Rng;
use crate::spec::{FsSpec, JournalKey};
use gc_core::layout::{Bkey, Bpos, BtreeId, BtreeNodeType, KeyType};
use std::collections::BTreeMap;

/// What goes into the journal, entry by entry.
pub(super) struct Journalled {
    pub(super) sets: Vec<Vec<JournalKey>>,
}

/// A key that says that nothing is at a place any more.
fn hole(k: &Bkey, extents: bool) -> Key {
    // Extents are deleted by a key with a size.
    let type_ = if extents { KeyType::DISCARD } else { KeyType::DELETED };
    Key::new(type_, k.p, k.size, Vec::new())
}

fn older(k: &Bkey) -> Key {
    Key::new(KeyType::ERROR, k.p, k.size, Vec::new())
}

pub(super) fn split(
    trees: &mut BTreeMap<u8, BTreeMap<Bpos, Key>>,
    rng: &mut Rng,
    spec: &FsSpec,
) -> Journalled {
    let mut all = Vec::new();
    let every = rng.range(2, 12);
    for (&id, keys) in trees.iter_mut() {
        let btree = BtreeId(id);
        let extents = BtreeNodeType::of(0, btree).is_extents();
        let journal = |key: Key| JournalKey { btree, level: 0, key };
        let places: Vec<Bpos> = keys.keys().copied().collect();
        let mut last = Bpos::default();
        for p in places {
            if rng.one_in(every) {
                let Some(key) = keys.get(&p).cloned() else { continue };
                // Such extents are left out: the original did not always accept them.
                if extents && key.k.start_pos() <= last {
                    last = p;
                    continue;
                }
                match rng.below(3) {
                    0 => {
                        keys.remove(&p);
                    }
                    1 => {
                        keys.insert(p, older(&key.k));
                    }
                    _ => {}
                }
                // Sometimes twice: the later counts.
                if rng.one_in(4) {
                    all.push(journal(hole(&key.k, extents)));
                }
                all.push(journal(key));
            }
            let before = p.predecessor().filter(|b| *b > last);
            if let (Some(b), false, true) = (before, extents, rng.one_in(every * 2)) {
                let gone = older(&Bkey::new(b, 0));
                all.push(journal(hole(&gone.k, false)));
                keys.insert(b, gone);
            }
            last = p;
        }
    }
    let smallest = spec.devices.iter().map(|d| usize::from(d.bucket_size)).min().unwrap_or(16);
    let buckets = spec.devices.iter().map(|d| d.journal_buckets).min().unwrap_or(8);
    let words = smallest * 64 / 2;
    let mut sets = vec![Vec::new()];
    let mut used = 0;
    for k in all {
        let n = k.key.v.len() + 6;
        if used + n > words {
            sets.push(Vec::new());
            used = 0;
        }
        used += n;
        if let Some(set) = sets.last_mut() {
            set.push(k);
        }
    }
    debug_assert!(sets.len() < usize::try_from(buckets).unwrap_or(0), "journal too small");
    Journalled { sets }
}
