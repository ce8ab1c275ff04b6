// SPDX-License-Identifier: GPL-2.0-only
//! Nodes with a copy on each of two devices.
//!
//! Oracle: docs/facts/node-read.md, "Which copy" and "Classes of errors".

use super::{Base, Said, put};
use gc_core::layout::BtreeId;
use gc_image_write::damage::{Mend, Place, What};
use gc_image_write::spec::DeviceSpec;

/// The root of the extents is on both devices.
fn two() -> Base {
    Base::of(|spec| {
        spec.devices.push(DeviceSpec::new(300, 16));
        spec.meta_replicas = 2;
    })
}

/// Devices in the order in which the copies of the extents' root are read.
fn order(base: &Base) -> Vec<u8> {
    let recovered = base.check().whole();
    recovered.roots[0].key.as_ref().pointers().map(|p| p.dev()).collect()
}

/// Changes the copy of the extents' root on a device.
fn edit(base: &Base, dev: u8, mend: Mend, change: impl Fn(&mut Vec<u8>)) {
    let images = base.images();
    let is = |p: &&Place| p.what == What::Node && p.tree == (BtreeId::EXTENTS.0, 0);
    let places = images.places();
    let place = places.iter().filter(is).find(|p| p.dev == dev).unwrap();
    images.edit(place, mend, change).unwrap();
}

/// Sets the state of a member.
fn state(base: &Base, dev: u8, state: u8) {
    base.superblock(|b| {
        let (at, _) = super::section(b, 1);
        let flags = at + 8 + 56 * usize::from(dev) + 40;
        b[flags] = b[flags] & 0xf0 | state;
    });
}

/// The log about nodes, without which node and where.
fn about_nodes(said: &Said) -> Vec<&str> {
    let of = |l: &'static str, line: &str| line.starts_with(l) || line.contains("btree");
    let lines = said.log.iter().filter(|l| of("retrying", l));
    lines.map(|l| l.split_once("node offset ").map_or(l.as_str(), |(_, what)| what)).collect()
}

#[test]
fn a_sum_that_is_wrong_in_the_first() {
    let base = two();
    let [first, second] = order(&base)[..] else { panic!("two copies") };
    edit(&base, first, Mend::No, |b| *b.last_mut().unwrap() ^= 1);
    let said = base.check();
    let words = about_nodes(&said);
    let [wrong, retry] = words[..] else { panic!("{words:?}") };
    assert!(wrong.starts_with("0 bset u64s ") && wrong.ends_with(": invalid checksum"), "{wrong}");
    assert_eq!(retry, "retrying read");
    assert_eq!(said.found, [""; 0]);
    assert!(!said.whole().roots[0].fake);
    // In the second, too: it is taken as it is. The key that came to harm is the last.
    edit(&base, second, Mend::No, |b| *b.last_mut().unwrap() ^= 1);
    let said = base.check();
    let words = about_nodes(&said);
    assert_eq!(words.len(), 3, "{words:?}");
    assert!(words[2].ends_with(": invalid checksum"), "{words:?}");
    assert!(!said.whole().roots[0].fake);
}

#[test]
fn no_copy_that_can_be_used() {
    let base = two();
    for dev in order(&base) {
        edit(&base, dev, Mend::Yes, |b| put(b, 16, &[0; 8]));
    }
    let said = base.check();
    assert_eq!(about_nodes(&said), ["0: bad magic", "retrying read", "0: bad magic"]);
    assert_eq!(said.found, ["error reading btree root extents"]);
    assert_eq!(said.given_up(), "Error in recovery: fsck error (1)");
}

/// What is wrong in a way that no other copy mends: none is tried.
#[test]
fn a_copy_that_ends_it() {
    let base = two();
    let first = order(&base)[0];
    edit(&base, first, Mend::Yes, |b| put(b, 156, &[8]));
    let said = base.check();
    let words = about_nodes(&said);
    assert!(matches!(words[..], [w] if w.ends_with(": unsupported bset version")), "{words:?}");
    assert_eq!(said.found, ["error reading btree root extents"]);
}

#[test]
fn states_of_members() {
    let whole = two();
    let first = order(&whole)[0];
    for (nr, reads) in [(0, true), (1, true), (2, true), (3, false)] {
        let base = two();
        state(&base, first, nr);
        // The journal is where it is whatever the state.
        let said = base.mount();
        let path = base.paths[usize::from(first)].display();
        let failed = format!("IO error on {path} for btree read");
        let tries = said.log.iter().filter(|l| **l == failed).count();
        // Of a failed one nothing is tried, of a spare one each read fails.
        assert_eq!(tries == 0, reads, "{nr}: {:?}", said.log);
        let again = said.log.iter().filter(|l| *l == "retrying read").count();
        assert_eq!(again, tries, "{nr}");
        assert!(said.whole().roots.iter().all(|r| !r.fake), "{nr}");
    }
}
