// SPDX-License-Identifier: GPL-2.0-only
//! Finding a superblock copy that can be read.

use super::layout;
use super::{HEAD, Superblock, VERSION_MAX, VERSION_MIN};
use crate::error::SbError;
use crate::report::{Holds, Reporter};
use core::mem::offset_of;
use gc_core::layout::superblock::{BCH_SB_LAYOUT_SECTOR, BCH_SB_SECTOR, MAGIC};
use gc_core::layout::{CsumType, Sb, SbLayout};
use gc_disk::bytes::index;
use gc_disk::checksum::{Nonce, checksum};
use gc_disk::io::DeviceFile;
use zerocopy::FromBytes;

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
    if matches!(default, SbError::Version(_)) {
        return Err(default);
    }
    if matches!(default, SbError::Unreadable(_)) {
        tell(dev, BCH_SB_SECTOR, Holds::Superblock, reporter);
    }
    let Ok(layout) = dev.read_vec(BCH_SB_LAYOUT_SECTOR, size_of::<SbLayout>()) else {
        tell(dev, BCH_SB_LAYOUT_SECTOR, Holds::Layout, reporter);
        return Err(default);
    };
    let Ok(layout) = SbLayout::ref_from_bytes(&layout) else { return Err(default) };
    if layout.magic != MAGIC && default == SbError::Reason(NOT_OURS) {
        return Err(SbError::NotBcachefs);
    }
    reporter.error(&format!("error reading default superblock: {default}"));
    layout::validate(layout)?;
    let mut last = default;
    for sector in layout.offsets().filter(|s| *s != BCH_SB_SECTOR) {
        match read_one(dev, sector) {
            Ok(sb) => return Ok(Copy { sb, sector }),
            Err(e) => last = e,
        }
        if matches!(last, SbError::Unreadable(_)) {
            tell(dev, sector, Holds::Superblock, reporter);
        }
    }
    Err(last)
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
        let head = Sb::ref_from_prefix(&bytes).map(|(head, _)| head).ok();
        let Some(head) = head.filter(|sb| sb.magic == MAGIC) else { return Err(NOT_OURS.into()) };
        let version = head.version.get();
        if !(VERSION_MIN..VERSION_MAX).contains(&version) {
            return Err(SbError::Version(version));
        }
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

    fn text(contents: &[(u64, &[u8])]) -> (Result<u64, String>, Keep) {
        let mut keep = Keep::default();
        let (_temp, file) = device(contents);
        let got = read(&file, &mut keep).map(|c| c.sector).map_err(|e| e.to_string());
        (got, keep)
    }

    // Oracle: order of the copies and texts of docs/facts/superblock.md.
    #[test]
    fn copies_in_order() {
        let good = superblock(&[]);
        let layout = good[offset_of!(Sb, layout)..HEAD].to_vec();
        assert_eq!(text(&[(8, &good)]).0, Ok(8));
        let mut bad = good.clone();
        sb_of(&mut bad).layout.sb_offset[40] = 1.into();
        let (got, keep) = text(&[(7, &layout), (8, &bad), (24, &good)]);
        assert_eq!(got, Ok(24));
        assert_eq!(keep.log, ["error reading default superblock: bad checksum reading superblock"]);
        let mut newer = good.clone();
        sb_of(&mut newer).version = 1025.into();
        let (got, keep) = text(&[(7, &layout), (8, &newer), (24, &good)]);
        assert_eq!(got, Err("format version 1025; this reads up to 11".into()));
        assert!(keep.log.is_empty());
        let no_layout = text(&[(8, &bad), (24, &good)]).0;
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
        assert_eq!(bent(|sb| sb.version = 8.into()), "format version 8; this reads up to 11");
        assert_eq!(bent(|sb| sb.version = 1025.into()), "format version 1025; this reads up to 11");
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
