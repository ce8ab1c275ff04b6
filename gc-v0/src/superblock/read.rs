// SPDX-License-Identifier: GPL-2.0-only
//! Finding a superblock copy that can be read.

use super::identity::{Identity, search};
use super::layout;
use super::{HEAD, Superblock};
use crate::error::{By, Recognised, SbError};
use crate::report::{Holds, Reporter};
use core::mem::offset_of;
use gc_core::layout::superblock::{BCH_SB_LAYOUT_SECTOR, BCH_SB_SECTOR};
use gc_core::layout::{CsumType, Sb, SbLayout};
use gc_disk::bytes::index;
use gc_disk::checksum::{Nonce, checksum};
use gc_disk::io::DeviceFile;
use zerocopy::{FromBytes, FromZeros};

const PAGE: usize = 4096;
const PAGE_SECTORS: u64 = 8;
const NOT_OURS: &str = "Not a bcachefs superblock";

/// A superblock and the sector it was read from.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The superblock.
    pub sb: Superblock,
    /// Its first sector.
    pub sector: u64,
}

/// The default superblock, else the first copy of the layout that is good.
///
/// # Errors
/// Why the last one tried is not.
pub fn read(dev: &DeviceFile, reporter: &mut dyn Reporter) -> Result<Copy, SbError> {
    if dev.sectors() == 0 {
        return Err(SbError::Empty);
    }
    if dev.sectors() < BCH_SB_SECTOR.saturating_add(PAGE_SECTORS) {
        return Err(SbError::Short(dev.sectors()));
    }
    let default = match read_one(dev, BCH_SB_SECTOR) {
        Ok(sb) => return Ok(Copy { sb, sector: BCH_SB_SECTOR }),
        Err(e) => e,
    };
    // Not what the original does, which goes on to the copies: a file system of
    // another version is named and left alone.
    if matches!(default, SbError::Recognised(_)) {
        return Err(default);
    }
    if matches!(default, SbError::Unreadable(_)) {
        tell(dev, BCH_SB_SECTOR, Holds::Superblock, reporter);
    }
    let layout = dev.read_vec(BCH_SB_LAYOUT_SECTOR, size_of::<SbLayout>());
    if layout.is_err() {
        tell(dev, BCH_SB_LAYOUT_SECTOR, Holds::Layout, reporter);
    }
    let layout = layout.ok().and_then(|bytes| SbLayout::read_from_bytes(&bytes).ok());
    let layout = layout.unwrap_or_else(SbLayout::new_zeroed);
    let result = match copies(dev, &layout, &default, reporter) {
        Err(e) if !matches!(e, SbError::Recognised(_)) => Err(elsewhere(dev, &layout, &default, e)),
        other => other,
    };
    let tells = match &result {
        Ok(_) | Err(SbError::Reason(_)) => true,
        Err(SbError::Unreadable(_)) => result.as_ref().err() != Some(&default),
        // They tell of the default superblock themselves.
        Err(_) => false,
    };
    if tells {
        reporter.error(&format!("error reading default superblock: {default}"));
    }
    result
}

/// The first good copy of the layout.
fn copies(
    dev: &DeviceFile,
    layout: &SbLayout,
    default: &SbError,
    reporter: &mut dyn Reporter,
) -> Result<Copy, SbError> {
    layout::validate(layout)?;
    let mut last = default.clone();
    let mut recognised = None;
    for sector in layout.offsets().filter(|s| *s != BCH_SB_SECTOR) {
        match read_one(dev, sector) {
            Ok(sb) => return Ok(Copy { sb, sector }),
            Err(e) => last = e,
        }
        match &last {
            SbError::Recognised(it) => recognised = recognised.or(Some(*it)),
            SbError::Unreadable(_) => tell(dev, sector, Holds::Superblock, reporter),
            _ => {}
        }
    }
    Err(recognised.map_or(last, SbError::Recognised))
}

/// What is said where no copy is good: that there is one at a place to which nothing
/// leads; else `why`, or that it is no file system of ours.
fn elsewhere(dev: &DeviceFile, layout: &SbLayout, default: &SbError, why: SbError) -> SbError {
    let mut known = vec![BCH_SB_SECTOR];
    known.extend(layout.offsets().filter(|_| layout.is_magic()));
    let searched = search(dev, &known);
    if let Some(id) = searched.found {
        let by = if layout::validate(layout).is_ok() { By::Search } else { By::SearchWithoutList };
        return SbError::Recognised(Recognised { id, by });
    }
    match default {
        SbError::Reason(NOT_OURS) if layout.is_magic() => SbError::NoCopy,
        SbError::Reason(NOT_OURS) => {
            searched.unreadable.map_or(SbError::NotBcachefs, SbError::Unreadable)
        }
        SbError::Unreadable(_) if !layout.is_magic() => default.clone(),
        _ => why,
    }
}

/// Tells what cannot be read of the page at a sector.
fn tell(dev: &DeviceFile, sector: u64, holds: Holds, reporter: &mut dyn Reporter) {
    let sectors = if holds == Holds::Layout { 1 } else { PAGE_SECTORS };
    for bad in dev.unreadable(sector..sector.saturating_add(sectors), 0, holds) {
        reporter.unreadable(bad);
    }
}

fn read_one(dev: &DeviceFile, sector: u64) -> Result<Superblock, SbError> {
    let failed = |_| SbError::Unreadable(sector);
    let mut bytes = dev.read_vec(sector, PAGE).map_err(failed)?;
    loop {
        let Some(id) = Identity::of(&bytes, sector) else { return Err(NOT_OURS.into()) };
        if !id.is_read() {
            let by = if sector == BCH_SB_SECTOR { By::Default } else { By::Listed };
            return Err(SbError::Recognised(Recognised { id, by }));
        }
        let Ok((head, _)) = Sb::ref_from_prefix(&bytes) else {
            return Err("Bad superblock: too short".into());
        };
        let len = index(u64::from(head.u64s.get()).saturating_mul(8)).saturating_add(HEAD);
        if len > 512_usize.wrapping_shl(u32::from(head.layout.sb_max_size_bits)) {
            return Err("Bad superblock: too big".into());
        }
        if len > bytes.len() {
            // The device is asked before memory is taken.
            let pages = len.div_ceil(PAGE).checked_next_power_of_two().unwrap_or(usize::MAX);
            let want = pages.saturating_mul(PAGE);
            bytes = dev.read_vec(sector, want).map_err(failed)?;
            continue;
        }
        let csum_type = CsumType(head.flags0().csum_type());
        if csum_type >= CsumType::NR {
            return Err("unknown csum type".into());
        }
        let summed = bytes.get(offset_of!(Sb, version)..len).unwrap_or(&[]);
        if checksum(csum_type, None, Nonce::default(), summed) != Some(head.csum) {
            return Err("bad checksum reading superblock".into());
        }
        let whole = bytes.get(..len).and_then(Superblock::new);
        return whole.ok_or_else(|| "Bad superblock: too short".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Keep, device, sb_of, seal, superblock};
    use gc_core::layout::section::SbFieldType;
    use gc_core::layout::superblock::{MAGIC, MAGIC_LATER};
    use zerocopy::IntoBytes;

    fn text(contents: &[(u64, &[u8])]) -> (Result<u64, String>, Keep) {
        let mut keep = Keep::default();
        let (_temp, file) = device(contents);
        let got = read(&file, &mut keep).map(|c| c.sector).map_err(|e| e.to_string());
        (got, keep)
    }

    const ONLY_2020: &str = "this version reads the format of 2020 only, but for `bch-gc state`";
    const NO_LIST: &str =
        "the superblock at sector 8 and the list of its copies at sector 7 are damaged";

    /// What the superblock of the tests says of itself.
    fn of(version: &str) -> String {
        format!("bcachefs {version}, member 0 of 1, UUID 02020202-0202-0202-0202-020202020202")
    }

    /// The list of copies that a superblock has.
    fn layout_of(b: &[u8]) -> Vec<u8> {
        b[offset_of!(Sb, layout)..HEAD].to_vec()
    }

    /// The superblock of the tests as a copy for another sector, with a version and a magic.
    fn copy_for(sector: u64, version: u16, magic: &[u8; 16]) -> Vec<u8> {
        let mut b = superblock(&[]);
        let sb = sb_of(&mut b);
        sb.version = version.into();
        sb.offset = sector.into();
        sb.magic = *magic;
        sb.layout.magic = *magic;
        seal(&mut b);
        b
    }

    // Oracle: docs/facts/superblock.md: the version, not the magic, says what is read.
    #[test]
    fn either_magic_of_any_version() {
        for magic in [MAGIC, MAGIC_LATER] {
            for (version, name) in [(9, None), (11, None), (12, Some("0.12")), (1063, Some("1.39"))]
            {
                let default = copy_for(8, version, &magic);
                let copy = copy_for(24, version, &magic);
                let layout = layout_of(&copy);
                let got = text(&[(8, &default)]).0;
                let want = name.map_or(Ok(8), |n| Err(format!("{}; {ONLY_2020}", of(n))));
                assert_eq!(got, want);
                let (got, keep) = text(&[(7, &layout), (24, &copy)]);
                let damaged = "the superblock at sector 8 is damaged; a copy is at sector 24";
                let want =
                    name.map_or(Ok(24), |n| Err(format!("{}; {ONLY_2020} ({damaged})", of(n))));
                assert_eq!(got, want);
                assert_eq!(keep.log.len(), usize::from(name.is_none()));
            }
        }
        // One good copy counts, whatever another one says.
        let (newer, good) = (copy_for(24, 1063, &MAGIC_LATER), copy_for(48, 11, &MAGIC));
        let mut layout = SbLayout::read_from_bytes(&layout_of(&good)).unwrap();
        layout.nr_superblocks = 3;
        layout.sb_offset[2] = 48.into();
        assert_eq!(text(&[(7, layout.as_bytes()), (24, &newer), (48, &good)]).0, Ok(48));
    }

    // Oracle: the places where the copies were put.
    #[test]
    fn copies_that_nothing_leads_to() {
        // The device has 1024 sectors.
        for sector in [0, 9, 136, 137, 511, 512, 1008, 1023] {
            let short = copy_for(sector, 11, &MAGIC)[..512].to_vec();
            let (got, keep) = text(&[(sector, &short)]);
            let unused = format!("and this version does not use the copy at sector {sector}");
            assert_eq!(got, Err(format!("{}; not read: {NO_LIST}, {unused}", of("0.11"))));
            assert!(keep.log.is_empty());
        }
        let newer = copy_for(1008, 1063, &MAGIC_LATER);
        let (got, _) = text(&[(1008, &newer)]);
        let at = "a copy is at sector 1008";
        assert_eq!(got, Err(format!("{}; {ONLY_2020} ({NO_LIST}; {at})", of("1.39"))));
        // The list is whole, and what it leads to is not.
        let copy = copy_for(136, 11, &MAGIC);
        let (layout, mut bad) = (layout_of(&copy), copy.clone());
        sb_of(&mut bad).layout.sb_offset[42] = 1.into();
        for contents in
            [&[(7, &layout[..]), (136, &copy)][..], &[(7, &layout), (8, &bad), (136, &copy)]]
        {
            let got = text(contents).0.unwrap_err();
            let want = "8 and those in the list of its copies at sector 7 are damaged, and this";
            assert!(got.contains(want), "{got}");
        }
        let got = text(&[(7, &layout)]).0.unwrap_err();
        assert!(
            got.starts_with("there is a list of superblock copies at sector 7, but no"),
            "{got}"
        );
        assert!(text(&[]).0.unwrap_err().starts_with("not a bcachefs file system ("));
    }

    // Oracle: where the file system was put.
    #[test]
    fn file_systems_that_begin_elsewhere() {
        let first = copy_for(8, 1063, &MAGIC_LATER);
        let begins = |at: u64| {
            let of = of("1.39");
            let what = format!("{of}, whose superblock for sector 8 is at sector {at}: ");
            format!("no file system at its beginning, but {what}")
        };
        let part = "it begins at sector 504, as in a partition or a file";
        assert_eq!(text(&[(512, &first)]).0, Err(begins(512) + part));
        assert_eq!(text(&[(4, &first)]).0, Err(begins(4) + "its own beginning was cut off"));
        // A copy that lies where it belongs says more.
        let copy = copy_for(640, 1063, &MAGIC_LATER);
        let got = text(&[(512, &first), (640, &copy)]).0.unwrap_err();
        assert!(got.ends_with("a copy is at sector 640)"), "{got}");
    }

    // Oracle: order of the copies and texts of docs/facts/superblock.md.
    #[test]
    fn copies_in_order() {
        let good = superblock(&[]);
        let layout = layout_of(&good);
        assert_eq!(text(&[(8, &good)]).0, Ok(8));
        let mut bad = good.clone();
        sb_of(&mut bad).layout.sb_offset[40] = 1.into();
        let (got, keep) = text(&[(7, &layout), (8, &bad), (24, &good)]);
        assert_eq!(got, Ok(24));
        assert_eq!(keep.log, ["error reading default superblock: bad checksum reading superblock"]);
        let mut newer = good.clone();
        sb_of(&mut newer).version = 1025.into();
        let (got, keep) = text(&[(7, &layout), (8, &newer), (24, &good)]);
        assert_eq!(got, Err(format!("{}; {ONLY_2020}", of("1.1"))));
        assert!(keep.log.is_empty());
        let no_layout = text(&[(8, &bad)]).0;
        assert_eq!(no_layout, Err("Not a bcachefs superblock layout".into()));
        let both_bad = text(&[(7, &layout), (8, &bad)]).0;
        assert_eq!(both_bad, Err("Not a bcachefs superblock".into()));
    }

    // Oracle: the checks of one copy; the checksum made right after each bend.
    #[test]
    fn one_copy() {
        let said = |b: &[u8]| {
            let (_temp, file) = device(&[(8, b)]);
            read_one(&file, 8).err().map(|e| e.to_string()).unwrap_or_default()
        };
        let bent = |change: fn(&mut Sb)| {
            let mut b = superblock(&[]);
            change(sb_of(&mut b));
            seal(&mut b);
            said(&b)
        };
        assert_eq!(bent(|sb| sb.magic[0] = 0), "Not a bcachefs superblock");
        assert_eq!(bent(|sb| sb.magic = MAGIC_LATER), "");
        assert_eq!(bent(|sb| sb.version = 8.into()), format!("{}; {ONLY_2020}", of("0.8")));
        assert_eq!(bent(|sb| sb.version = 12.into()), format!("{}; {ONLY_2020}", of("0.12")));
        assert_eq!(bent(|sb| sb.version = 1063.into()), format!("{}; {ONLY_2020}", of("1.39")));
        assert_eq!(bent(|sb| sb.u64s = 0xffff.into()), "Bad superblock: too big");
        let unknown = |sb: &mut Sb| sb.flags[0] = sb.flags0().with_csum_type(7).0.into();
        assert_eq!(bent(unknown), "unknown csum type");
        let mut wrong = superblock(&[]);
        sb_of(&mut wrong).csum[0] ^= 1;
        assert_eq!(said(&wrong), "bad checksum reading superblock");
        assert_eq!(bent(|_| ()), "");
        // Longer than what is read at first.
        let long = superblock(&[crate::testing::section(SbFieldType(99), &[3_u8; 5000])]);
        let (_temp, file) = device(&[(8, &long)]);
        assert_eq!(read_one(&file, 8).unwrap().to_bytes(), long);
    }
}
