// SPDX-License-Identifier: GPL-2.0-only
//! What is taken from the items of the clean section or of the journal before
//! anything else, and whether entries are missing.
//!
//! Oracle: docs/facts/journal.md, "Recovery's use", 8 to 11.

use super::{BLACKLIST, BLACKLIST_V2, Base, DATA_USAGE, Item, ROOT, SEQ, USAGE};
use gc_core::layout::DataType;
use gc_image_write::spec::FsSpec;

/// A set of devices as an item has it.
fn set(type_: u8, required: u8, devs: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..3].copy_from_slice(&[type_, u8::try_from(devs.len()).unwrap(), required]);
    bytes[3..3 + devs.len()].copy_from_slice(devs);
    u64::from_le_bytes(bytes)
}

#[test]
fn counters() {
    let base = Base::clean();
    let before = base.mount().whole();
    base.clean_items(|items| {
        items.retain(|i| !matches!(i.type_, USAGE | DATA_USAGE));
        items.extend([
            Item::new(USAGE, 1, 0, &[70]),
            Item::new(USAGE, 1, 0, &[71]),
            Item::new(USAGE, 2, 0, &[72]),
            Item::new(USAGE, 0, 0, &[10]),
            Item::new(USAGE, 0, 3, &[13]),
            // There are four of them.
            Item::new(USAGE, 0, 4, &[14]),
            Item::new(USAGE, 9, 0, &[15]),
            Item::new(DATA_USAGE, 0, 0, &[100, set(DataType::BTREE.0, 1, &[0])]),
            Item::new(DATA_USAGE, 0, 0, &[200, set(DataType::USER.0, 1, &[0])]),
            Item::new(DATA_USAGE, 0, 0, &[300, set(DataType::CACHED.0, 1, &[0])]),
            // Of no type, and of no devices.
            Item::new(DATA_USAGE, 0, 0, &[400, set(0, 1, &[0])]),
            Item::new(7, 0, 0, &[1, 2]),
        ]);
    });
    let after = base.mount().whole();
    let head = &after.usage.head;
    assert_eq!((head.nr_inodes, after.key_version), (71, 72));
    assert_eq!(head.persistent_reserved, [10, 0, 0, 13]);
    assert_eq!((head.reserved, head.btree, head.data, head.cached), (23, 100, 200, 300));
    let sets: Vec<_> = after.fs.replicas.table.view().iter().map(|e| e.to_string()).collect();
    let entries = |words: &[(&str, u64)]| {
        words.iter().map(|(s, n)| ((*s).to_string(), *n)).collect::<Vec<_>>()
    };
    let mut got: Vec<_> = sets.into_iter().zip(after.usage.replicas.iter().copied()).collect();
    got.sort();
    let want = [
        ("btree: 1/1 [0]", 100),
        ("cached: 1/1 [0]", 300),
        ("data: 1/1 [0]", 200),
        ("journal: 1/1 [0]", 0),
    ];
    assert_eq!(got, entries(&want));
    // What was not there before came to the table in memory only.
    assert_eq!(before.fs.replicas.table.view().len(), 2);
    assert_eq!(after.fs.sb.to_bytes().len() % 8, 0);
}

/// Oracle: docs/differences.md: no key can name more than 16.
#[test]
fn a_set_of_too_many_devices() {
    let base = Base::clean();
    base.clean_items(|items| {
        let words = [5, set(DataType::USER.0, 1, &[0]) + (15 << 8), 0, 0];
        items.push(Item::new(DATA_USAGE, 0, 0, &words));
    });
    assert!(base.mount().end.is_ok());
    base.clean_items(|items| {
        items.last_mut().unwrap().words[1] += 1 << 8;
    });
    assert_eq!(base.mount().given_up(), "Error in recovery: Invalid argument (-22)");
}

#[test]
fn a_root_of_a_btree_that_does_not_exist() {
    let base = Base::clean();
    base.clean_items(|items| items.push(Item::new(ROOT, 8, 0, &[])));
    let said = base.mount();
    assert_eq!(said.log.last().unwrap(), "filesystem has unknown btree type 8");
    assert_eq!(said.given_up(), "Error in recovery: Invalid argument (-22)");
}

/// Ranges after recovery of one not shut down cleanly: `at_first` in the superblock,
/// then those of the items.
fn ranges(at_first: &[(u64, u64)], items: &[Item]) -> Vec<(u64, u64)> {
    let base = Base::of(|spec: &mut FsSpec| {
        (spec.clean, spec.journal_seq) = (false, 100);
        spec.blacklist = at_first.to_vec();
    });
    base.journal_items(100, |all| all.splice(..0, items.iter().cloned()).for_each(drop));
    let mut ranges = base.check().whole().fs.blacklist.unwrap();
    assert_eq!(ranges.pop(), Some((101, 105)), "of the entries that were not written yet");
    ranges
}

#[test]
fn blacklisted_ranges() {
    let v1 = |seq| Item::new(BLACKLIST, 0, 0, &[seq]);
    let v2 = |from, to| Item::new(BLACKLIST_V2, 0, 0, &[from, to]);
    let first = [(2, 3), (5, 8)];
    assert_eq!(ranges(&[], &[]), []);
    assert_eq!(ranges(&first, &[v1(20)]), [(2, 3), (5, 8), (20, 21)]);
    assert_eq!(ranges(&first, &[v2(5, 7)]), first);
    assert_eq!(ranges(&first, &[v2(20, 29)]), [(2, 3), (5, 8), (20, 30)]);
    // Around one of them.
    assert_eq!(ranges(&first, &[v2(4, 8)]), [(2, 3), (4, 9)]);
    assert_eq!(ranges(&first, &[v2(5, 9)]), [(2, 3), (5, 10)]);
    assert_eq!(ranges(&first, &[v2(1, 2)]), [(1, 3), (5, 8)]);
    // One that meets its neighbour takes the neighbour's start, or gives it its own.
    assert_eq!(ranges(&first, &[v2(3, 8)]), [(3, 9)]);
    assert_eq!(ranges(&first, &[v2(2, 4)]), [(5, 8)]);
    // Within one: appended.
    assert_eq!(ranges(&first, &[v2(6, 6)]), [(2, 3), (5, 8), (6, 7)]);
}

/// Findings of one not shut down cleanly, with these entries, of which all from number
/// 10 on were needed.
fn missing(blacklist: &[(u64, u64)], there: &[u64]) -> Vec<String> {
    let base = Base::of(|spec: &mut FsSpec| {
        spec.clean = false;
        spec.blacklist = blacklist.to_vec();
        spec.journal = vec![Vec::new(); there.len()];
    });
    base.journal(|b| {
        let nth = usize::try_from(super::u64_at(b, 24) - SEQ).unwrap();
        super::put(b, 24, &there[nth].to_le_bytes());
        super::put(b, 48, &there[nth].min(10).to_le_bytes());
    });
    let said = base.check();
    assert!(said.end.is_ok(), "{:?}", said.log);
    said.found
}

#[test]
fn entries_that_are_missing() {
    assert_eq!(missing(&[], &[10, 11, 12]), [""; 0]);
    let text = |from: u64, to: u64, last: u64| {
        format!("journal entries {from}-{to} missing! (replaying 10-{last})")
    };
    assert_eq!(missing(&[], &[10, 12, 13]), [text(11, 11, 13)]);
    assert_eq!(missing(&[], &[11, 12]), [text(10, 10, 12)]);
    assert_eq!(missing(&[], &[10, 13]), [text(11, 12, 13)]);
    assert_eq!(missing(&[], &[10, 12, 14]), [text(11, 11, 14), text(13, 13, 14)]);
    // Older ones are not counted.
    assert_eq!(missing(&[], &[4, 10, 11]), [""; 0]);
    // Nobody expects a blacklisted one.
    assert_eq!(missing(&[(11, 12)], &[10, 12]), [""; 0]);
    assert_eq!(missing(&[(11, 13)], &[10, 13]), [""; 0]);
    assert_eq!(missing(&[(11, 12)], &[10, 13]), [text(12, 12, 13)]);
    assert_eq!(missing(&[(11, 12), (12, 13)], &[10, 13]), [""; 0]);
    // One that is there should not be; as it was not expected, others are missed.
    let there = |seq: u64| format!("found blacklisted journal entry {seq}");
    assert_eq!(missing(&[(10, 11)], &[10, 11]), [there(10)]);
    assert_eq!(missing(&[(11, 12)], &[10, 11, 12]), [text(12, 10, 12), there(11)]);
    let both = [text(12, 10, 13), there(11), text(12, 12, 13)];
    assert_eq!(missing(&[(11, 12)], &[10, 11, 13]), both);
}
