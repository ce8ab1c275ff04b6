// SPDX-License-Identifier: GPL-2.0-only
//! What the references to a bucket mean beside what is recorded, in words.

use super::bucket::Explained;
use crate::host::watch::{By, KeyPlace, Outcome, Reference};
use gc_core::finding::Refusal;
use gc_core::layout::{BtreeId, BucketMark, DataType};
use std::collections::BTreeMap;
use std::fmt;

/// Pairs of references that claim the same sectors, as far as they are named.
const PAIRS: usize = 8;
/// As far as they are counted.
const PAIRS_COUNTED: usize = 10_000;

/// The counted part of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields(
    /// The mark.
    pub BucketMark,
);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = self.0;
        let t = m.data_type();
        let name = if t == DataType::NONE { "empty" } else { t.name().unwrap_or("unknown type") };
        write!(f, "gen {}, {name}, ", m.gen_())?;
        write!(f, "{} dirty and {} cached sectors", m.dirty_sectors(), m.cached_sectors())?;
        if m.stripe() {
            f.write_str(", in a stripe")?;
        }
        Ok(())
    }
}

/// Where pointers stand to the generation of their bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gens {
    /// Generation of the pointers.
    pub pointers: u8,
    /// Generation that is recorded.
    pub recorded: u8,
    /// How many pointers.
    pub nr: usize,
    /// Pointers into the bucket in all.
    pub of: usize,
}

/// Something that follows from the references. References are named by their
/// number, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// There is no alloc key, yet something points here.
    NoAllocKey {
        /// How many pointers.
        nr: usize,
    },
    /// The alloc key cannot be read.
    AllocUnreadable,
    /// Pointers are ahead of the recorded generation.
    Ahead(Gens),
    /// Pointers to data that must be kept are behind it.
    Behind(Gens),
    /// Cached pointers are behind it, which is as it should be.
    CachedBehind(Gens),
    /// References say different types.
    TwoTypes {
        /// The type of the first.
        first: DataType,
        /// References of that type.
        nr_first: usize,
        /// Another type.
        other: DataType,
        /// References of the other.
        nr_other: usize,
        /// The type that is recorded.
        recorded: DataType,
    },
    /// Two references claim the same sectors of the device.
    SameSectors {
        /// Number of the one.
        one: usize,
        /// Number of the other.
        other: usize,
        /// First sector of the device.
        start: u64,
        /// Sectors.
        sectors: u64,
    },
    /// More pairs claim the same sectors.
    MoreSameSectors {
        /// How many pairs.
        nr: usize,
    },
    /// The counter of the bucket is full.
    Full {
        /// Pointers that did not fit.
        nr: usize,
    },
    /// Keys ended before their pointer into this bucket was counted.
    NotReached {
        /// How many pointers.
        nr: usize,
    },
    /// Something is recorded and nothing refers to it.
    Orphan {
        /// Dirty sectors recorded.
        sectors: u64,
    },
    /// Recorded as empty, yet in use.
    Unprotected {
        /// Sectors that references hold.
        sectors: u64,
    },
    /// More dirty sectors are recorded than counted.
    TooMany {
        /// How many more.
        sectors: u64,
        /// They are those of the refused pointers.
        refused: bool,
    },
    /// Fewer dirty sectors are recorded than counted.
    TooFew {
        /// How many fewer.
        sectors: u64,
        /// They are those that are claimed twice.
        twice: bool,
    },
    /// The number of cached sectors differs.
    Cached {
        /// Recorded.
        recorded: u64,
        /// Counted.
        counted: u64,
    },
    /// The type differs.
    Type {
        /// Recorded.
        recorded: DataType,
        /// Counted.
        counted: DataType,
    },
    /// Whether the bucket belongs to a stripe differs.
    Stripe {
        /// Whether a stripe holds it.
        counted: bool,
    },
    /// Some references are in the journal only.
    InJournal {
        /// How many.
        nr: usize,
    },
    /// What a repair writes.
    Repair {
        /// The bucket then.
        to: BucketMark,
    },
    /// Recorded and counted agree.
    Agrees,
}

impl Remark {
    /// A stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoAllocKey { .. } => "no-alloc-key",
            Self::AllocUnreadable => "alloc-unreadable",
            Self::Ahead(_) => "pointers-ahead",
            Self::Behind(_) => "pointers-behind",
            Self::CachedBehind(_) => "cached-behind",
            Self::TwoTypes { .. } => "two-types",
            Self::SameSectors { .. } => "same-sectors",
            Self::MoreSameSectors { .. } => "more-same-sectors",
            Self::Full { .. } => "full",
            Self::NotReached { .. } => "not-reached",
            Self::Orphan { .. } => "orphan",
            Self::Unprotected { .. } => "unprotected",
            Self::TooMany { .. } => "too-many",
            Self::TooFew { .. } => "too-few",
            Self::Cached { .. } => "cached",
            Self::Type { .. } => "type",
            Self::Stripe { .. } => "stripe",
            Self::InJournal { .. } => "in-journal",
            Self::Repair { .. } => "repair",
            Self::Agrees => "agrees",
        }
    }
}

fn type_name(t: DataType) -> &'static str {
    if t == DataType::NONE { "empty" } else { t.name().unwrap_or("unknown type") }
}

/// A number of things.
struct Nr(usize, &'static str);

impl fmt::Display for Nr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

impl fmt::Display for Gens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.nr, self.of) {
            (1, 1) => f.write_str("the only pointer into it has")?,
            (2, 2) => f.write_str("both pointers into it have")?,
            (n, of) if n == of => write!(f, "all {n} pointers into it have")?,
            (n, of) => write!(f, "{n} of {of} pointers into it have")?,
        }
        write!(f, " generation {}", self.pointers)
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoAllocKey { nr } => {
                let nr = Nr(nr, "pointer");
                write!(f, "there is no alloc key for this bucket, but {nr} into it: ")?;
                f.write_str("its generation is taken from the first of them")
            }
            Self::AllocUnreadable => {
                f.write_str("the node that should hold its alloc key cannot be read")
            }
            Self::Ahead(g) => {
                let by = g.pointers.wrapping_sub(g.recorded);
                write!(f, "{g}, {by} ahead of the recorded {}: ", g.recorded)?;
                if g.nr == g.of {
                    f.write_str(
                        "the pointers agree with each other, so the alloc key is the one that \
                         is wrong (it is older than the pointers)",
                    )
                } else {
                    f.write_str(
                        "the other pointers are behind these: one of the two is wrong, and the \
                         bucket's generation moves to the highest",
                    )
                }
            }
            Self::Behind(g) => {
                let by = g.recorded.wrapping_sub(g.pointers);
                write!(f, "{g}, {by} behind the recorded {}: ", g.recorded)?;
                if g.nr == g.of {
                    f.write_str(
                        "recorded is that the bucket was emptied and used anew since, but all \
                         pointers agree and nothing newer is here, so the alloc key is the one \
                         that is wrong",
                    )
                } else {
                    f.write_str(
                        "the bucket was used anew since, as the other pointers say: what these \
                         pointed to is overwritten",
                    )
                }
            }
            Self::CachedBehind(g) => {
                write!(f, "{}, all cached: ", g)?;
                f.write_str("the bucket was used anew, and the cached copies are void; no error")
            }
            Self::TwoTypes { first, nr_first, other, nr_other, recorded } => {
                let (a, b) = (Nr(nr_first, "reference"), Nr(nr_other, "reference"));
                write!(f, "{a} to {} and {b} to {}", type_name(first), type_name(other))?;
                write!(f, " share the bucket: only {} is counted", type_name(first))?;
                if recorded != first && recorded != other {
                    return Ok(());
                }
                let wrong = if recorded == first { other } else { first };
                write!(f, "; recorded is {}, so ", type_name(recorded))?;
                write!(f, "what points to {} here is what is wrong", type_name(wrong))
            }
            Self::SameSectors { one, other, start, sectors } => {
                let end = start.saturating_add(sectors).saturating_sub(1);
                write!(f, "references {one} and {other} claim the same sectors, {start} to {end}")
            }
            Self::MoreSameSectors { nr } => {
                let least =
                    if nr >= PAIRS_COUNTED.saturating_sub(PAIRS) { "at least " } else { "" };
                write!(f, "{least}{nr} more pairs of references claim the same sectors")
            }
            Self::Full { nr } => {
                write!(f, "{} did not fit: a bucket counts 65535 sectors", Nr(nr, "pointer"))
            }
            Self::NotReached { nr } => {
                write!(
                    f,
                    "{} not counted: the key was given up before, since ",
                    Nr(nr, "pointer")
                )?;
                f.write_str("another of its pointers was refused or its stripe is missing")
            }
            Self::Orphan { sectors } => {
                write!(f, "{sectors} sectors are recorded and nothing refers to the bucket: ")?;
                f.write_str("it is lost to use until a repair frees it")
            }
            Self::Unprotected { sectors } => {
                write!(f, "recorded as empty, but references hold {sectors} sectors: ")?;
                f.write_str("the allocator may hand the bucket out and overwrite them")
            }
            Self::TooMany { sectors, refused } => {
                write!(f, "{sectors} dirty sectors are recorded that no reference accounts for")?;
                f.write_str(if refused { ": those of the refused pointers, exactly" } else { "" })
            }
            Self::TooFew { sectors, twice } => {
                write!(f, "references account for {sectors} dirty sectors more than are recorded")?;
                f.write_str(if twice { ": those that are claimed twice, exactly" } else { "" })
            }
            Self::Cached { recorded, counted } => {
                write!(f, "{recorded} cached sectors are recorded, {counted} are counted")
            }
            Self::Type { recorded, counted } => {
                let (r, c) = (type_name(recorded), type_name(counted));
                write!(f, "recorded as {r}, by its references it is {c}")
            }
            Self::Stripe { counted } => f.write_str(if counted {
                "a stripe holds it, which is not recorded"
            } else {
                "recorded as part of a stripe, but no stripe holds it"
            }),
            Self::InJournal { nr } => {
                write!(f, "{} in the journal only, not in a node yet", Nr(nr, "reference"))
            }
            Self::Repair { to } => write!(f, "a repair makes it: {}", Fields(to)),
            Self::Agrees => f.write_str("recorded and counted agree"),
        }
    }
}

/// What follows from the references of a bucket.
pub(super) fn remarks(e: &Explained) -> Vec<Remark> {
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
