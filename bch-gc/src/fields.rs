// SPDX-License-Identifier: GPL-2.0-only
//! The fields of a bucket that differ, for people.

use gc_core::layout::{BucketMark, DataType};

/// A field that differs.
pub(crate) struct Differs {
    /// Its name; of the type none is needed.
    pub(crate) name: &'static str,
    /// Before and after.
    pub(crate) change: String,
    /// Of a number of sectors: by how many.
    pub(crate) by: Option<i32>,
}

/// Those of a mark, in the order in which they are shown.
pub(crate) fn differing(was: BucketMark, is: BucketMark) -> Vec<Differs> {
    let type_name = |m: BucketMark| match m.data_type() {
        DataType::NONE => "empty",
        t => t.name().unwrap_or("unknown"),
    };
    let mut all = Vec::new();
    let mut note = |name, differs, change, by| {
        if differs {
            all.push(Differs { name, change, by });
        }
    };
    let gens = (was.gen_(), is.gen_());
    note("gen", gens.0 != gens.1, format!("{} -> {}", gens.0, gens.1), None);
    let types = format!("{} -> {}", type_name(was), type_name(is));
    note("type", was.data_type_raw() != is.data_type_raw(), types, None);
    for (name, a, b) in [
        ("dirty", was.dirty_sectors(), is.dirty_sectors()),
        ("cached", was.cached_sectors(), is.cached_sectors()),
    ] {
        let by = i32::from(b).saturating_sub(i32::from(a));
        note(name, by != 0, format!("{a} -> {b}"), Some(by));
    }
    let stripes = (was.stripe(), is.stripe());
    note("stripe", stripes.0 != stripes.1, format!("{} -> {}", stripes.0, stripes.1), None);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: written by hand.
    #[test]
    fn what_differs() {
        let was = BucketMark(0).with_gen(3).with_data_type(DataType::USER).with_dirty_sectors(8);
        let is = BucketMark(0).with_gen(3).with_cached_sectors(2).with_stripe(true);
        let all = differing(was, is).into_iter().map(|d| (d.name, d.change, d.by));
        let want = [
            ("type", "data -> empty".to_string(), None),
            ("dirty", "8 -> 0".to_string(), Some(-8)),
            ("cached", "0 -> 2".to_string(), Some(2)),
            ("stripe", "false -> true".to_string(), None),
        ];
        assert_eq!(all.collect::<Vec<_>>(), want);
        assert!(differing(was, was).is_empty());
    }
}
