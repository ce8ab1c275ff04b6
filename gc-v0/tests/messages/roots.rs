// SPDX-License-Identifier: GPL-2.0-only
//! Roots that are recorded as bad, or that cannot be read.
//!
//! Oracle: docs/facts/node-read.md, "Roots".

use super::{Base, Item, ROOT, Said, root};
use gc_core::layout::BtreeId;
use gc_v0::fs::Options;
use gc_v0::recovery::{ALLOC_INFO, RecoveryArgs};

const NAMES: [&str; 8] =
    ["extents", "inodes", "dirents", "xattrs", "alloc", "quotas", "stripes", "reflink"];

/// Makes the record of a root in the clean section one that is bad.
fn mark_bad(items: &mut [Item], id: BtreeId) {
    root(items, id).words.clear();
}

fn incomplete(base: &Base) -> Said {
    let options = Options { incomplete: true, ..Options::default() };
    base.recover(RecoveryArgs::new(false), &options, false)
}

#[test]
fn recorded_as_bad() {
    let none = "btree node read error: no device to read from";
    for (id, name) in (0..8).map(BtreeId).zip(NAMES) {
        let base = Base::clean();
        base.clean_items(|items| mark_bad(items, id));
        let said = base.mount();
        let texts =
            [format!("invalid btree root {name}"), format!("error reading btree root {name}")];
        if id == BtreeId::ALLOC {
            // It can be ignored, and made anew.
            assert_eq!(said.found, texts);
            assert!(said.log.iter().any(|l| l == none), "{:?}", said.log);
            let recovered = said.whole();
            assert!(recovered.roots[4].fake);
            assert_eq!(recovered.fs.flags.compat & ALLOC_INFO, 0);
        } else {
            assert_eq!(said.found, texts[..1]);
            assert_eq!(said.log.last().unwrap(), "Unable to continue, halting");
            assert_eq!(said.given_up(), "Error in recovery: fsck error (1)");
        }
        // Whoever wants to see what is left goes on.
        let rest = incomplete(&base);
        assert_eq!(rest.found, texts);
        let recovered = rest.whole();
        let fake: Vec<_> = recovered.roots.iter().filter(|r| r.fake).map(|r| r.btree).collect();
        assert_eq!(fake, [id]);
        // There is no pointer that could be told.
        assert!(recovered.fs.unread_roots.is_empty());
    }
}

#[test]
fn the_level_recorded_before_stays() {
    let base = Base::clean();
    base.clean_items(|items| {
        root(items, BtreeId::ALLOC).level = 2;
        items.push(Item::new(ROOT, BtreeId::ALLOC.0, 1, &[]));
    });
    let said = base.mount();
    assert_eq!(said.found, ["invalid btree root alloc", "error reading btree root alloc"]);
    assert_eq!(said.whole().fs.root_levels[4], 2);
}

#[test]
fn of_another_level_than_the_node() {
    for (id, name) in (0..8).map(BtreeId).zip(NAMES) {
        let base = Base::clean();
        base.clean_items(|items| root(items, id).level = 1);
        let said = base.mount();
        assert_eq!(said.found, [format!("error reading btree root {name}")]);
        assert!(said.log.iter().any(|l| l.ends_with("incorrect level")), "{:?}", said.log);
        if id == BtreeId::ALLOC {
            assert!(said.whole().roots[4].fake);
        } else {
            assert_eq!(said.given_up(), "Error in recovery: fsck error (1)");
        }
        let rest = incomplete(&base).whole();
        let unread: Vec<_> =
            rest.fs.unread_roots.iter().map(|(id, level, _)| (*id, *level)).collect();
        assert_eq!(unread, [(id, 1)]);
    }
}

/// The last root that is tried decides over the result.
#[test]
fn the_last_one() {
    let base = Base::clean();
    base.clean_items(|items| {
        items.retain(|i| i.type_ != ROOT || i.btree <= BtreeId::ALLOC.0);
        mark_bad(items, BtreeId::ALLOC);
    });
    let said = base.mount();
    assert_eq!(said.given_up(), "Error in recovery: IO error (-5)");
    assert!(incomplete(&base).end.is_ok());
}
