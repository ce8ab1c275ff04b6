// SPDX-License-Identifier: GPL-2.0-only
//! The clean section beside the journal.
//!
//! Oracle: docs/facts/journal.md, "Recovery's use", 1 to 7: texts, their order, and
//! which of the two counts.

use super::{Base, HEAD, Item, KEYS, SEQ, Said, put, root, section};
use gc_core::layout::BtreeId;

/// Pointers of the roots, by btree.
fn roots(said: Said) -> Vec<Vec<u64>> {
    said.whole().roots.iter().map(|r| r.key.v.clone()).collect()
}

#[test]
fn nothing_is_said_of_a_good_one() {
    let base = Base::clean();
    let said = base.check();
    assert_eq!(said.found, [""; 0]);
    assert_eq!(said.log[0], format!("recovering from clean shutdown, journal seq {SEQ}"));
    let recovered = said.whole();
    assert!(recovered.fs.flags.clean);
    assert_eq!((recovered.journal_seq, recovered.journal.len()), (SEQ + 1, 0));
    assert!(recovered.roots.iter().all(|r| !r.fake));
}

#[test]
fn it_is_missing() {
    let base = Base::clean();
    let whole = roots(base.check());
    base.superblock(|b| {
        let (at, _) = section(b, 6);
        put(b, at + 4, &99_u32.to_le_bytes());
        b[208 + 1] |= 0x10;
    });
    let text = "superblock marked clean but clean section not present";
    let ignored = base.check();
    assert_eq!(ignored.found, [text]);
    // docs/differences.md: the original dies of it.
    assert_eq!(ignored.given_up(), "Error in recovery: no clean section (-22)");
    // Fixed: as if it had not been shut down cleanly, the journal's roots.
    let fixed = base.repair();
    assert_eq!(fixed.found, [text]);
    let recovered = fixed.whole();
    assert!(!recovered.fs.flags.clean);
    assert_eq!(recovered.journal_seq, SEQ + 5);
    assert_eq!(recovered.fs.blacklist, Some(vec![(SEQ + 1, SEQ + 5)]));
    assert_eq!(roots(base.repair()), whole);
}

/// Without the feature that says that a journal can be replayed.
#[test]
fn an_older_file_system_that_is_not_clean() {
    let base = Base::unclean();
    base.superblock(|b| b[208 + 1] &= !0x10);
    let said = base.check();
    assert_eq!(said.found, [""; 0]);
    let text = "filesystem needs recovery from older version; run fsck from older \
                bcachefs-tools to fix";
    assert_eq!(said.log.last().unwrap(), text);
    assert_eq!(said.given_up(), "Error in recovery: Invalid argument (-22)");
}

#[test]
fn a_journal_with_something_in_it() {
    let text = "filesystem marked clean but journal not empty";
    let with = |change: &dyn Fn(&mut Vec<Item>), last_seq: u64| {
        let base = Base::clean();
        base.superblock(|b| b[208 + 1] |= 0x10);
        base.journal_items(SEQ, change);
        base.journal(|b| put(b, 48, &last_seq.to_le_bytes()));
        base.check()
    };
    // Items of keys without keys are nothing.
    let empty = with(&|items| items.push(Item::new(KEYS, 1, 0, &[])), SEQ);
    assert_eq!(empty.found, [""; 0]);
    assert!(empty.whole().fs.flags.clean);
    let key = gc_image_write::value::cookie(gc_core::layout::Bpos::new(1, 2), 3);
    let keys = with(&|items| items.push(Item::new(KEYS, 3, 0, &key.to_words())), SEQ);
    assert_eq!(keys.found, [text]);
    let keys = keys.whole();
    assert!(!keys.fs.flags.clean);
    assert_eq!(keys.journal.len(), 1);
    // The section's roots still count.
    assert!(keys.roots.iter().all(|r| !r.fake));
    // An entry before it was still needed.
    let older = with(&|_| {}, SEQ - 1);
    let missing = "journal entries 9-9 missing! (replaying 9-10)";
    assert_eq!(older.found, [text, missing]);
}

#[test]
fn no_journal_at_all() {
    let gone = |base: &Base| base.journal(|b| put(b, 16, &[0; 8]));
    let unclean = Base::unclean();
    gone(&unclean);
    let said = unclean.check();
    assert_eq!(said.log, ["no journal entries found"]);
    assert_eq!(said.given_up(), "Error in recovery: fsck error (3)");
    let clean = Base::clean();
    gone(&clean);
    assert_eq!(clean.check().given_up(), "Error in recovery: cannot allocate memory (-12)");
    // A mount does not look.
    let mounted = clean.mount().whole();
    assert_eq!(mounted.journal_seq, SEQ + 1);
}

#[test]
fn another_sequence() {
    let base = Base::clean();
    base.superblock(|b| {
        let (at, _) = section(b, 6);
        put(b, at + 16, &(SEQ + 1).to_le_bytes());
        // Not compared any more, and not used.
        put(b, at + 12, &[1, 0, 1, 0]);
    });
    base.clean_items(|items| {
        items.retain(|i| !i.is_root(BtreeId::EXTENTS));
    });
    let said = base.check();
    let text = "superblock journal seq (11) doesn't match journal (10) after clean shutdown";
    assert_eq!(said.found, [text]);
    let recovered = said.whole();
    assert!(!recovered.roots[0].fake);
    assert_eq!(recovered.journal_seq, SEQ + 1);
}

#[test]
fn other_clocks() {
    let text = "superblock read clock doesn't match journal after clean shutdown";
    for (clocks, times) in [([201, 200], 1), ([200, 201], 1), ([0, 1], 2)] {
        let base = Base::clean();
        base.superblock(|b| {
            let (at, _) = section(b, 6);
            put(b, at + 12, &[clocks[0], 0, clocks[1], 0]);
        });
        let said = base.check();
        assert_eq!(said.found, vec![text; times], "{clocks:?}");
        assert!(said.end.is_ok());
    }
}

#[test]
fn other_roots() {
    let base = Base::clean();
    let (ptr, v) = {
        let whole = base.check().whole();
        let key = &whole.roots[3].key;
        (key.as_ref().pointers().next().unwrap(), key.v.clone())
    };
    let text = |sb: &str, journal: &str| {
        format!(
            "superblock btree root 3 doesn't match journal after clean shutdown\n\
             sb:      {sb}\njournal: {journal}\n"
        )
    };
    let key = |level: u8, gen_: u8| {
        let (written, all) = (v[2] & 0xffff, v[2] >> 16 & 0xffff);
        format!(
            "l={level} u64s 11 type btree_ptr_v2 POS_MAX snap 0 len 0 ver 0: seq {:x} \
             sectors {all} written {written} min_key POS_MIN ptr: 0:{} gen {gen_}",
            v[1],
            ptr.offset(),
        )
    };
    // The journal has another pointer: the section's is used.
    let bent = |items: &mut Vec<Item>| {
        let words = &mut root(items, BtreeId::XATTRS).words;
        *words.last_mut().unwrap() += 1 << 56;
    };
    base.journal_items(SEQ, bent);
    let said = base.check();
    assert_eq!(said.found, [text(&key(0, ptr.gen_()), &key(0, ptr.gen_() + 1))]);
    assert_eq!(said.whole().roots[3].key.v, v);
    // Another level alone is a difference, too.
    base.journal_items(SEQ, |items| {
        *root(items, BtreeId::XATTRS).words.last_mut().unwrap() -= 1 << 56;
        root(items, BtreeId::XATTRS).level = 1;
    });
    assert_eq!(base.check().found, [text(&key(0, ptr.gen_()), &key(1, ptr.gen_()))]);
    // The journal has none.
    base.journal_items(SEQ, |items| items.retain(|i| !i.is_root(BtreeId::XATTRS)));
    assert_eq!(base.check().found, [text(&key(0, ptr.gen_()), "l=0 (null)")]);
    // Neither has one: nobody misses it.
    base.clean_items(|items| items.retain(|i| !i.is_root(BtreeId::XATTRS)));
    let said = base.check();
    assert_eq!(said.found, [""; 0]);
    assert!(said.whole().roots[3].fake);
    // The section has none and the journal has: it is not used.
    let base = Base::clean();
    base.clean_items(|items| items.retain(|i| !i.is_root(BtreeId::XATTRS)));
    let said = base.check();
    assert_eq!(said.found, [text("l=0 (null)", &key(0, ptr.gen_()))]);
    assert!(said.whole().roots[3].fake);
}

/// Oracle: docs/facts/node-read.md, "Old versions": types of keys.
#[test]
fn types_of_an_older_version() {
    let v1 = |spec: &mut gc_image_write::spec::FsSpec| spec.nodes.ptr_v2 = false;
    let base = Base::of(v1);
    base.clean_items(|items| {
        for item in items.iter_mut().filter(|i| i.type_ == super::ROOT) {
            // 5 was 128 then.
            assert_eq!(item.words[0] >> 16 & 0xff, 5);
            item.words[0] ^= (5 ^ 128) << 16;
        }
        // Too short for a key, and behind all others.
        items.push(Item::new(super::USAGE, 2, 0, &[5]));
    });
    // Of a version that knows today's numbers there is no such type.
    let new = base.mount();
    assert!(new.end.is_err(), "{:?}", new.found);
    base.superblock(|b| {
        put(b, 16, &9_u16.to_le_bytes());
        put(b, 18, &9_u16.to_le_bytes());
    });
    let whole = roots(Base::of(v1).mount());
    assert_eq!(roots(base.mount()), whole);
    // An item that is too long for the section is the last one.
    base.superblock(|b| {
        let (at, len) = section(b, 6);
        let last = (HEAD..at + len - 8).rev().find(|i| b[*i..].starts_with(&[1, 0, 2, 0, 5]));
        put(b, last.unwrap(), &200_u16.to_le_bytes());
    });
    assert_eq!(roots(base.mount()), whole);
}
