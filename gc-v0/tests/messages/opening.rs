// SPDX-License-Identifier: GPL-2.0-only
//! Superblocks and sets of devices that are refused.
//!
//! Oracle: docs/facts/superblock.md: texts and the order of the checks; what is said
//! otherwise stands in docs/differences.md.

use super::{Base, put};
use gc_core::layout::superblock::MAGIC_LATER;
use gc_image_write::damage::What;
use gc_image_write::spec::DeviceSpec;
use gc_v0::fs::Options;
use gc_v0::recovery::RecoveryArgs;

fn two() -> Base {
    Base::of(|spec| {
        spec.devices.push(DeviceSpec::new(300, 16));
        spec.meta_replicas = 2;
    })
}

/// Changes all superblocks of a device.
fn superblocks(base: &Base, dev: u8, change: impl Fn(&mut Vec<u8>)) {
    base.edit(|p| p.what == What::Superblock && p.dev == dev, change);
}

/// Why the file system is refused, without which device.
fn refused(base: &Base) -> String {
    let said = base.check();
    assert_eq!(said.found, [""; 0]);
    let why = said.given_up().to_string();
    base.paths.iter().fold(why, |why, p| why.replace(&p.display().to_string(), "DEV"))
}

#[test]
fn never_mounted() {
    let base = Base::clean();
    base.superblock(|b| b[144] &= !1);
    assert_eq!(refused(&base), "not initialized: never mounted");
}

#[test]
fn devices_that_do_not_belong_together() {
    let newer = |b: &mut Vec<u8>| b[112] += 1;
    // Of another file system.
    let base = two();
    superblocks(&base, 1, |b| b[40] ^= 1);
    assert_eq!(refused(&base), "DEV: device not a member of filesystem");
    // In the newest one's list there is no such member any more; its own list says so.
    for (dev, other) in [(0, 1_u8), (1, 0)] {
        let base = two();
        superblocks(&base, dev, newer);
        superblocks(&base, dev, |b| {
            let (at, _) = super::section(b, 1);
            put(b, at + 8 + 56 * usize::from(other), &[0; 16]);
        });
        // The sets of devices must not name it either.
        superblocks(&base, dev, |b| {
            let list = if super::section_of(b, 3).is_some() { 3 } else { 7 };
            let (at, len) = super::section(b, list);
            b[at + 8..at + len].fill(0);
        });
        assert_eq!(refused(&base), "DEV: device has been removed", "{dev}");
    }
    let base = two();
    superblocks(&base, 1, |b| b[120] = 2);
    assert_eq!(refused(&base), "DEV: mismatched block size");
    // The same one twice.
    let mut base = two();
    base.paths[1] = base.paths[0].clone();
    let why = refused(&base);
    assert_eq!(why, "DEV: already have device online in slot 0 (the same member twice)");
}

#[test]
fn a_device_that_is_cut_short() {
    let base = Base::clean();
    let file = std::fs::OpenOptions::new().write(true).open(&base.paths[0]).unwrap();
    file.set_len(512 * (300 * 16 - 1)).unwrap();
    let why =
        "DEV: cannot online: device too small (cut short: 4799 sectors, 4800 by its superblock)";
    assert_eq!(refused(&base), why);
}

#[test]
fn all_are_wanted() {
    let mut base = two();
    let options = Options { require_all: true, ..Options::default() };
    let args = RecoveryArgs::new(false);
    assert!(base.recover(args, &options, false).end.is_ok());
    base.paths.truncate(1);
    let why = base.recover(args, &options, false);
    let why = why.given_up();
    assert!(why.starts_with("member 1 (") && why.ends_with(") is missing"), "{why}");
}

#[test]
fn superblocks_that_are_wrong() {
    let first = |change: &dyn Fn(&mut Vec<u8>)| {
        let base = Base::clean();
        base.edit(|p| p.what == What::Superblock && p.sector == 8, change);
        let said = base.check();
        let log = said.log.first().cloned().unwrap_or_default();
        // A copy is as good, whatever is wrong with the first.
        assert!(said.end.is_ok(), "{:?}", said.end.err());
        let text = log.strip_prefix("error reading default superblock: ").unwrap();
        text.to_string()
    };
    assert_eq!(first(&|b| b[24] ^= 1), "Not a bcachefs superblock");
    assert_eq!(first(&|b| b[144] |= 0x1c), "unknown csum type");
    assert_eq!(first(&|b| b[240 + 17] = 0), "Bad superblock: too big");
    // All of them.
    let all = |change: &dyn Fn(&mut Vec<u8>)| {
        let base = Base::clean();
        base.superblock(change);
        refused(&base)
    };
    assert_eq!(all(&|b| b[144] |= 0x1c), "DEV: unknown csum type");
    for (version, name) in [(12, "0.12"), (8, "0.8")] {
        let why = all(&|b| put(b, 16, &[version]));
        assert!(why.starts_with(&format!("DEV: bcachefs {name}, member 0 of 1, UUID ")), "{why}");
        assert!(
            why.ends_with("; this version reads the format of 2020 only, but for `bch-gc state`"),
            "{why}"
        );
    }
    // The magic of later programs says nothing about the version.
    let base = Base::clean();
    base.superblock(|b| {
        put(b, 24, &MAGIC_LATER);
        put(b, 240, &MAGIC_LATER);
    });
    let said = base.check();
    assert_eq!((said.end.is_ok(), said.log), (true, Base::clean().check().log));
    // Of version 9 the older of the two versions does not count.
    assert_eq!(all(&|b| put(b, 18, &[8])), "DEV: Unsupported superblock version");
    let base = Base::clean();
    base.superblock(|b| put(b, 16, &[9, 0, 8, 0]));
    let said = base.mount();
    assert!(!said.end.is_err_and(|e| e.contains("version")));
    assert_eq!(all(&|b| b[150] &= 0x0f), "DEV: Invalid number of data replicas");
    assert_eq!(all(&|b| b[155] &= 0xf0), "DEV: Invalid number of data replicas");
    assert_eq!(all(&|b| b[150] &= 0xf0), "DEV: Invalid number of metadata replicas");
    assert_eq!(all(&|b| b[154] &= 0x0f), "DEV: Invalid number of metadata replicas");
    assert_eq!(all(&|b| b[149] |= 0xf0), "DEV: Invalid metadata checksum type");
}
