// SPDX-License-Identifier: GPL-2.0-only
//! Journal entries that are wrong, and the devices they lie on.
//!
//! Oracle: docs/facts/journal.md, "One bucket" and what follows it; what is said
//! otherwise stands in docs/differences.md.

use super::{BLACKLIST, BLACKLIST_V2, Base, Item, ROOT, SEQ, put, u64_at};
use gc_image_write::damage::{Mend, What};
use gc_image_write::spec::DeviceSpec;

/// Sector of the first journal entry.
fn first_sector(base: &Base) -> u64 {
    let places = base.images().places();
    places.iter().filter(|p| p.what == What::Journal).map(|p| p.sector).min().unwrap()
}

#[test]
fn versions() {
    for version in 0..20_u32 {
        let base = Base::unclean();
        base.journal(|b| put(b, 32, &version.to_le_bytes()));
        let said = base.check();
        assert_eq!(said.found, [""; 0]);
        if version == 2 || (9..12).contains(&version) {
            // Keys of those would be renumbered; there are none but pointers.
            assert!(said.log.iter().all(|l| !l.starts_with("unknown")), "{version}");
        } else {
            assert_eq!(said.log, [format!("unknown journal entry version {version}")]);
            assert_eq!(said.given_up(), "Error in recovery: unknown metadata version (4)");
        }
    }
}

#[test]
fn sums() {
    // Of a type that nobody knows, or with a key that nobody has.
    for type_ in [7, 15, 3, 4] {
        let base = Base::unclean();
        base.journal(|b| b[36] = type_);
        let sector = first_sector(&base);
        let text = format!("journal entry with unknown csum type {type_} sector {sector}u");
        let ignored = base.check();
        assert_eq!(ignored.found, std::slice::from_ref(&text));
        // docs/differences.md: the original dies of it.
        assert!(ignored.given_up().ends_with("(-22)"), "{}", ignored.given_up());
        let fixed = base.repair();
        assert_eq!(fixed.found, [text]);
        assert_eq!(fixed.given_up(), "Error in recovery: fsck error (3)");
    }
    let base = Base::unclean();
    let sector = first_sector(&base);
    let images = base.images();
    for place in images.places().iter().filter(|p| p.what == What::Journal) {
        images.edit(place, Mend::No, |b| *b.last_mut().unwrap() ^= 1).unwrap();
    }
    let said = base.check();
    assert_eq!(said.found, [format!("journal checksum bad, sector {sector}")]);
    assert_eq!(said.log, ["no journal entries found"]);
    // docs/differences.md.
    let big = Base::unclean();
    big.journal(|b| b[36] |= 0x10);
    assert!(big.check().given_up().ends_with("(-22)"));
}

#[test]
fn longer_than_its_bucket() {
    let base = Base::unclean();
    let sector = first_sector(&base);
    base.journal(|b| put(b, 40, &10_000_u32.to_le_bytes()));
    let text = format!("journal entry too big ({} bytes), sector {sector}u", 56 + 8 * 10_000);
    assert_eq!(base.check().found, [text]);
}

#[test]
fn a_last_sequence_behind_its_own() {
    let base = Base::unclean();
    base.journal(|b| put(b, 48, &(SEQ + 1).to_le_bytes()));
    let said = base.check();
    assert_eq!(said.found, ["invalid journal entry: last_seq > seq"]);
    assert_eq!(said.whole().journal_seq, SEQ + 5);
}

#[test]
fn items() {
    let said = |item: Item| {
        let base = Base::unclean();
        base.journal_items(SEQ, |items| items.insert(0, item.clone()));
        base.check().found
    };
    let size = "invalid journal seq blacklist entry: bad size";
    for (item, found) in [
        (Item::new(BLACKLIST, 0, 0, &[]), vec![size]),
        (Item::new(BLACKLIST, 0, 0, &[5]), vec![]),
        (Item::new(BLACKLIST, 0, 0, &[5, 6]), vec![size]),
        (Item::new(BLACKLIST_V2, 0, 0, &[5]), vec![size]),
        (Item::new(BLACKLIST_V2, 0, 0, &[5, 5]), vec![]),
        (
            Item::new(BLACKLIST_V2, 0, 0, &[6, 5]),
            vec!["invalid journal seq blacklist entry: start > end"],
        ),
        (Item::new(200, 9, 9, &[1, 2, 3]), vec![]),
    ] {
        assert_eq!(said(item.clone()), found, "{item:?}");
    }
    // A root of another length than its key's; the good one comes behind it.
    let base = Base::unclean();
    base.journal_items(SEQ, |items| {
        let mut longer = items.iter().find(|i| i.type_ == ROOT).unwrap().clone();
        longer.words.push(0);
        items.insert(0, longer);
    });
    let said = base.check();
    assert_eq!(said.found, ["invalid btree root journal entry: wrong number of keys"]);
    assert!(said.whole().roots.iter().all(|r| !r.fake));
}

/// A journal on two devices.
fn two() -> Base {
    Base::of(|spec| {
        spec.devices.push(DeviceSpec::new(300, 16));
        spec.meta_replicas = 2;
        spec.clean = false;
        spec.journal_devs = vec![0, 1];
    })
}

fn on_device(base: &Base, dev: u8, change: impl Fn(&mut Vec<u8>)) {
    base.edit(|p| p.what == What::Journal && p.dev == dev, change);
}

#[test]
fn copies() {
    let base = two();
    assert_eq!(base.check().found, [""; 0]);
    // They differ: whatever the answer, the older one counts.
    on_device(&base, 1, |b| put(b, 44, &[1]));
    let text = format!("found duplicate but non identical journal entries (seq {SEQ})");
    for said in [base.check(), base.repair()] {
        assert_eq!(said.found, std::slice::from_ref(&text));
        assert!(said.end.is_ok());
    }
    // On one of them alone: a set that is not in the table.
    let base = two();
    on_device(&base, 1, |b| put(b, 16, &[0; 8]));
    let text = "superblock not marked as containing replicas journal: 1/1 [0]";
    for (said, sets) in [(base.check(), 0), (base.repair(), 1)] {
        assert_eq!(said.found, [text]);
        let recovered = said.whole();
        let added = recovered.fs.replicas.table.view().iter();
        assert_eq!(added.filter(|e| e.to_string() == "journal: 1/1 [0]").count(), sets);
    }
    // A device that is not there: nobody can say.
    let mut base = two();
    on_device(&base, 0, |b| assert_eq!(u64_at(b, 24), SEQ));
    base.paths.pop();
    assert_eq!(base.check().found, [""; 0]);
}

/// Without a table of sets there is one to be built, and nothing is missed.
#[test]
fn sets_to_be_built() {
    let base = two();
    on_device(&base, 1, |b| put(b, 16, &[0; 8]));
    base.superblock(|b| {
        for type_ in [3, 7] {
            if let Some((at, _)) = super::section_of(b, type_) {
                put(b, at + 4, &99_u32.to_le_bytes());
            }
        }
    });
    let said = base.check();
    assert_eq!(said.found, [""; 0]);
    assert_eq!(said.log.first().unwrap(), "building replicas info");
    let recovered = said.whole();
    let sets = recovered.fs.replicas.table.view().iter().map(|e| e.to_string());
    assert!(sets.into_iter().any(|s| s == "journal: 1/1 [0]"));
}
