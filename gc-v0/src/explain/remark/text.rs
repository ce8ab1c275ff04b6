// SPDX-License-Identifier: GPL-2.0-only
//! Remarks in words.

use super::rules::{PAIRS, PAIRS_COUNTED};
use super::{Fields, Gens, Remark};
use gc_core::layout::DataType;
use std::fmt;

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = self.0;
        let t = m.data_type();
        write!(f, "gen {}, {}, ", m.gen_(), type_name(t))?;
        write!(f, "{} dirty and {} cached sectors", m.dirty_sectors(), m.cached_sectors())?;
        if m.stripe() {
            f.write_str(", in a stripe")?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::BucketMark;

    // Oracle: the sentences, by hand.
    #[test]
    fn in_words() {
        let fields = |m: BucketMark| Fields(m).to_string();
        let mark = BucketMark(0).with_gen(3);
        assert_eq!(fields(mark), "gen 3, empty, 0 dirty and 0 cached sectors");
        let full = mark.with_data_type(DataType::USER).with_dirty_sectors(7).with_stripe(true);
        assert_eq!(fields(full), "gen 3, data, 7 dirty and 0 cached sectors, in a stripe");
        assert_eq!(
            fields(full.with_data_type(DataType(7)).with_stripe(false)).split(", ").nth(1),
            Some("unknown type")
        );
        let two = |recorded: DataType| {
            let (first, other) = (DataType::USER, DataType::BTREE);
            let text = Remark::TwoTypes { first, nr_first: 1, other, nr_other: 2, recorded };
            let text = text.to_string();
            let begin = "1 reference to data and 2 references to btree share the bucket: only \
                         data is counted";
            text.strip_prefix(begin).unwrap().to_string()
        };
        assert_eq!(two(DataType::JOURNAL), "");
        let wrong = |recorded, wrong| {
            format!("; recorded is {recorded}, so what points to {wrong} here is what is wrong")
        };
        assert_eq!(two(DataType::USER), wrong("data", "btree"));
        assert_eq!(two(DataType::BTREE), wrong("btree", "data"));
        let more = |nr| Remark::MoreSameSectors { nr }.to_string();
        let rest = "more pairs of references claim the same sectors";
        assert_eq!(more(1), format!("1 {rest}"));
        assert_eq!(more(PAIRS_COUNTED - PAIRS), format!("at least 9992 {rest}"));
        let stripe = |counted| Remark::Stripe { counted }.to_string();
        assert_eq!(stripe(true), "a stripe holds it, which is not recorded");
        assert_eq!(stripe(false), "recorded as part of a stripe, but no stripe holds it");
        let unread = "the node that should hold its alloc key cannot be read";
        assert_eq!(Remark::AllocUnreadable.to_string(), unread);
    }
}
