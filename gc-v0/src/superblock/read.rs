// SPDX-License-Identifier: GPL-2.0-only
//! Finding a superblock copy that can be read.

use super::layout::Layout;
use super::{HEAD, MAGIC, Superblock, VERSION_MAX, VERSION_MIN};
use crate::error::SbError;
use crate::report::{Holds, Reporter};
use gc_core::layout::CsumType;
use gc_core::layout::bits::low8;
use gc_core::layout::superblock::{BCH_SB_LAYOUT_SECTOR, BCH_SB_SECTOR};
use gc_disk::bytes::{array, index, u16_at, u32_at};
use gc_disk::checksum::{Nonce, checksum};
use gc_disk::io::DeviceFile;

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
    let Ok(layout) = dev.read_vec(BCH_SB_LAYOUT_SECTOR, 512) else {
        tell(dev, BCH_SB_LAYOUT_SECTOR, Holds::Layout, reporter);
        return Err(default);
    };
    let layout = Layout::new(&layout);
    if !layout.has_magic() && default == SbError::Reason(NOT_OURS) {
        return Err(SbError::NotBcachefs);
    }
    reporter.error(&format!("error reading default superblock: {default}"));
    layout.validate()?;
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
        if array::<16>(&bytes, 24) != Some(MAGIC) {
            return Err(NOT_OURS.into());
        }
        let version = u16_at(&bytes, 16).unwrap_or(0);
        if !(VERSION_MIN..VERSION_MAX).contains(&version) {
            return Err(SbError::Version(version));
        }
        let u64s = u64::from(u32_at(&bytes, 124).unwrap_or(0));
        let len = index(u64s.saturating_mul(8)).saturating_add(HEAD);
        let layout = Layout::new(bytes.get(240..HEAD).unwrap_or(&[]));
        if len > 512_usize.wrapping_shl(u32::from(layout.sb_max_size_bits())) {
            return Err("Bad superblock: too big".into());
        }
        if len > bytes.len() {
            // The device is asked before memory is taken.
            let pages = len.div_ceil(PAGE).checked_next_power_of_two().unwrap_or(usize::MAX);
            let want = pages.saturating_mul(PAGE);
            bytes = dev.read_vec(sector, want).map_err(failed)?;
            continue;
        }
        bytes.truncate(len);
        let sb = Superblock::new(bytes).ok_or("Bad superblock: too short")?;
        let csum_type = sb.csum_type();
        if csum_type >= u64::from(CsumType::NR.0) {
            return Err("unknown csum type".into());
        }
        let body = sb.as_bytes().get(16..).unwrap_or(&[]);
        let want = checksum(CsumType(low8(csum_type)), None, Nonce::default(), body);
        if want != array::<16>(sb.as_bytes(), 0) {
            return Err("bad checksum reading superblock".into());
        }
        return Ok(sb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Keep, device, put, seal, superblock};

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
        let layout = good[240..752].to_vec();
        assert_eq!(text(&[(8, &good)]).0, Ok(8));
        let mut bad = good.clone();
        bad[600] ^= 1;
        let (got, keep) = text(&[(7, &layout), (8, &bad), (24, &good)]);
        assert_eq!(got, Ok(24));
        assert_eq!(keep.log, ["error reading default superblock: bad checksum reading superblock"]);
        let mut newer = good.clone();
        put(&mut newer, 16, &[1, 4]);
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
        let bent = |at: usize, bytes: &[u8]| {
            let mut b = superblock(&[]);
            put(&mut b, at, bytes);
            let len = b.len();
            if at != 0 {
                seal(&mut b);
            }
            assert_eq!(b.len(), len);
            let (_temp, file) = device(&[(8, &b)]);
            read_one(&file, 8).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(bent(24, &[0]), "Not a bcachefs superblock");
        assert_eq!(bent(16, &[8]), "format version 8; this reads up to 11");
        assert_eq!(bent(16, &[1, 4]), "format version 1025; this reads up to 11");
        assert_eq!(bent(124, &[0xff, 0xff]), "Bad superblock: too big");
        assert_eq!(bent(144, &[3 | 7 << 2]), "unknown csum type");
        assert_eq!(bent(0, &[0]), "bad checksum reading superblock");
        assert_eq!(bent(752, &[]), "");
        // Longer than what is read at first.
        let long = superblock(&[crate::testing::section(99, &[3; 5000])]);
        let (_temp, file) = device(&[(8, &long)]);
        assert_eq!(read_one(&file, 8).unwrap().as_bytes(), long);
    }
}
