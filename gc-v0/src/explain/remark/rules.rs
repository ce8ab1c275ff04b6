// SPDX-License-Identifier: GPL-2.0-only
//! What follows from the references of a bucket: each rule adds its remarks.

use super::{Gens, Remark};
use crate::explain::bucket::Explained;
use crate::host::observer::{By, KeyPlace, Outcome, Reference};
use gc_core::finding::Refusal;
use gc_core::layout::{BtreeId, BucketMark, DataType};
use std::collections::BTreeMap;

/// Pairs of references that claim the same sectors, as far as they are named.
pub(super) const PAIRS: usize = 8;
/// As far as they are counted.
pub(super) const PAIRS_COUNTED: usize = 10_000;

/// What follows from the references of a bucket.
pub(in crate::explain) fn remarks(e: &Explained) -> Vec<Remark> {
    let mut out = Vec::new();
    let keys: Vec<(&Reference, &KeyPlace)> = e
        .references
        .iter()
        .filter_map(|n| match &n.reference.by {
            By::Key(k) => Some((&n.reference, &**k)),
            _ => None,
        })
        .collect();
    if e.recorded.unreadable {
        out.push(Remark::AllocUnreadable);
    } else if e.recorded.key.is_none() && !keys.is_empty() {
        out.push(Remark::NoAllocKey { nr: keys.len() });
    }
    gens(e, &keys, &mut out);
    types(e, &mut out);
    let twice = same_sectors(e, &mut out);
    let refused = |why: fn(&Outcome) -> bool| {
        keys.iter().filter(move |(r, _)| why(&r.outcome)).map(|(_, k)| k.sectors)
    };
    let full = refused(|o| matches!(o, Outcome::Refused(Refusal::Overflow { .. }))).count();
    if full > 0 {
        out.push(Remark::Full { nr: full });
    }
    let not_reached = refused(|o| matches!(o, Outcome::NotReached)).count();
    if not_reached > 0 {
        out.push(Remark::NotReached { nr: not_reached });
    }
    let uncounted = refused(|o| matches!(o, Outcome::Refused(_) | Outcome::NotReached)).sum();
    counts(e, twice, uncounted, &mut out);
    let journal = keys.iter().filter(|(_, k)| k.journal).count();
    if journal > 0 {
        out.push(Remark::InJournal { nr: journal });
    }
    if e.agrees() {
        out.push(Remark::Agrees);
    } else if differs(e.recorded.mark, e.counted) {
        out.push(Remark::Repair { to: e.counted });
    }
    out
}

fn differs(a: BucketMark, b: BucketMark) -> bool {
    let fields = |m: BucketMark| {
        (m.gen_(), m.data_type_raw(), m.dirty_sectors(), m.cached_sectors(), m.stripe())
    };
    fields(a) != fields(b)
}

fn gens(e: &Explained, keys: &[(&Reference, &KeyPlace)], out: &mut Vec<Remark>) {
    if e.recorded.key.is_none() {
        return;
    }
    let recorded = e.recorded.mark.gen_();
    // By generation: all, and those that must be kept.
    let mut by_gen: BTreeMap<u8, (usize, usize)> = BTreeMap::new();
    for (_, k) in keys {
        let (all, kept) = by_gen.entry(k.ptr.gen_()).or_default();
        *all = all.saturating_add(1);
        *kept = kept.saturating_add(usize::from(!k.ptr.cached()));
    }
    for (pointers, (all, kept)) in by_gen {
        let gens = |nr| Gens { pointers, recorded, nr, of: keys.len() };
        match gc_core::accounting::gen_cmp(pointers, recorded) {
            0 => {}
            1.. => out.push(Remark::Ahead(gens(all))),
            _ if kept > 0 => out.push(Remark::Behind(gens(kept))),
            _ => out.push(Remark::CachedBehind(gens(all))),
        }
    }
}

/// The type that a reference brings when it is counted: in a bucket, cached
/// copies are data like others.
fn counted_as(t: DataType) -> DataType {
    if t == DataType::CACHED { DataType::USER } else { t }
}

fn types(e: &Explained, out: &mut Vec<Remark>) {
    let types: Vec<DataType> =
        e.references.iter().map(|n| counted_as(n.reference.data_type)).collect();
    let Some(&first) = types.first() else { return };
    let Some(&other) = types.iter().find(|t| **t != first) else { return };
    let nr = |which: DataType| types.iter().filter(|t| **t == which).count();
    let (nr_first, nr_other) = (nr(first), nr(other));
    let recorded = counted_as(e.recorded.mark.data_type());
    out.push(Remark::TwoTypes { first, nr_first, other, nr_other, recorded });
}

/// Sectors of the device that a pointer's data takes: start, length, and where
/// its live part begins and ends. Two keys may share stored data if they use
/// different parts of it.
#[derive(Clone, Copy)]
struct Claim {
    number: usize,
    start: u64,
    end: u64,
    live: (u64, u64),
    stored_at: u64,
    dirty: u64,
}

fn claim(number: usize, r: &Reference) -> Option<Claim> {
    let By::Key(k) = &r.by else { return None };
    let Outcome::Counted { dirty, .. } = r.outcome else { return None };
    if k.block.is_some() || dirty == 0 {
        return None;
    }
    let at = k.ptr.offset();
    let live = u64::from(k.crc.offset);
    let live = (live, live.saturating_add(u64::from(k.crc.live_size)));
    let (start, end) = if k.level > 0 || !matches!(k.btree, BtreeId::EXTENTS | BtreeId::REFLINK) {
        (at, at.saturating_add(k.sectors))
    } else if k.crc.is_compressed() {
        (at, at.saturating_add(u64::from(k.crc.compressed_size)))
    } else {
        (at.saturating_add(live.0), at.saturating_add(live.1))
    };
    Some(Claim { number, start, end, live, stored_at: at, dirty })
}

/// Names the pairs that overlap; returns the sectors counted twice.
fn same_sectors(e: &Explained, out: &mut Vec<Remark>) -> u64 {
    let mut claims: Vec<Claim> =
        (1..).zip(&e.references).filter_map(|(i, n)| claim(i, &n.reference)).collect();
    claims.sort_by_key(|c| (c.start, c.number));
    let (mut pairs, mut twice) = (0_usize, 0_u64);
    let mut rest = claims.as_slice();
    while let Some((a, later)) = rest.split_first() {
        rest = later;
        let mut counted = false;
        for b in later.iter().take_while(|b| b.start < a.end) {
            let apart = a.live.1 <= b.live.0 || b.live.1 <= a.live.0;
            if a.stored_at == b.stored_at && apart {
                continue;
            }
            if !counted {
                twice = twice.saturating_add(a.dirty.min(b.dirty));
                counted = true;
            }
            if pairs == PAIRS_COUNTED {
                break;
            }
            pairs = pairs.saturating_add(1);
            if pairs <= PAIRS {
                let sectors = a.end.min(b.end).saturating_sub(b.start);
                let (one, other) = (a.number.min(b.number), a.number.max(b.number));
                out.push(Remark::SameSectors { one, other, start: b.start, sectors });
            }
        }
    }
    if pairs > PAIRS {
        out.push(Remark::MoreSameSectors { nr: pairs.saturating_sub(PAIRS) });
    }
    twice
}

fn counts(e: &Explained, twice: u64, uncounted: u64, out: &mut Vec<Remark>) {
    let (r, c) = (e.recorded.mark, e.counted);
    let (dirty, now) = (u64::from(r.dirty_sectors()), u64::from(c.dirty_sectors()));
    if e.references.is_empty() && dirty > 0 {
        out.push(Remark::Orphan { sectors: dirty });
    } else if dirty > now {
        let sectors = dirty.saturating_sub(now);
        out.push(Remark::TooMany { sectors, refused: sectors == uncounted });
    } else if r.data_type() == DataType::NONE && dirty == 0 && now > 0 {
        out.push(Remark::Unprotected { sectors: now });
    } else if now > dirty {
        let sectors = now.saturating_sub(dirty);
        out.push(Remark::TooFew { sectors, twice: sectors == twice });
    }
    if r.cached_sectors() != c.cached_sectors() {
        let (recorded, counted) = (r.cached_sectors().into(), c.cached_sectors().into());
        out.push(Remark::Cached { recorded, counted });
    }
    let (was, is) = (r.data_type(), c.data_type());
    if was != is && was != DataType::NONE && is != DataType::NONE {
        out.push(Remark::Type { recorded: was, counted: is });
    }
    if r.stripe() != c.stripe() {
        out.push(Remark::Stripe { counted: c.stripe() });
    }
}
