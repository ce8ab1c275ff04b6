// SPDX-License-Identifier: GPL-2.0-only
//! Whose superblock it is, before anything else of it is read: every version of the
//! format has these fields at these places. And where a superblock may lie that
//! neither sector 8 nor the list at sector 7 leads to.

use super::{VERSION_MAX, VERSION_MIN};
use gc_core::layout::Sb;
use gc_core::layout::superblock::is_magic;
use gc_disk::bytes::index;
use gc_disk::io::{DeviceFile, SECTOR};
use std::fmt;
use std::mem::offset_of;
use std::ops::Range;
use zerocopy::{FromZeros, IntoBytes};

/// The second superblock lies at sector 8 plus the size of one, which is 2^16 sectors
/// at most; rounded up to a block of 128.
const FRONT: u64 = (1 << 16) + 256;
/// The one at the end of a device begins at most so many sectors before it: its size,
/// and what it takes to begin with a bucket, which has less than 2^16 sectors.
const BACK: u64 = 2 << 16;
/// Sectors that are read at once.
const CHUNK: u64 = 512;
/// Sectors that are read at once where a chunk cannot be read.
const PIECE: u64 = 8;
/// After so many pieces that cannot be read the search ends: each may take a failing
/// disk many seconds.
const HOPELESS: u32 = 16;

/// A superblock that was recognised by its magic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Format version.
    pub version: u16,
    /// Index of this device.
    pub dev_idx: u8,
    /// Slots for members.
    pub nr_devices: u8,
    /// The identity of the file system that users see.
    pub user_uuid: [u8; 16],
    /// The sector that it lies at.
    pub sector: u64,
    /// The sector that it was written for.
    pub written_for: u64,
}

impl Identity {
    /// From the first bytes of what lies at a sector, a whole sector at least, if it has
    /// one of the two magics.
    #[must_use]
    pub fn of(bytes: &[u8], sector: u64) -> Option<Self> {
        let first = bytes.first_chunk::<SECTOR>()?;
        let magic = first.get(offset_of!(Sb, magic)..)?.first_chunk();
        magic.filter(|magic| is_magic(magic))?;
        // A sector holds the head up to within its layout, which is not looked at.
        let mut sb = Sb::new_zeroed();
        sb.as_mut_bytes().first_chunk_mut().map(|head| *head = *first)?;
        Some(Self {
            version: sb.version.get(),
            dev_idx: sb.dev_idx,
            nr_devices: sb.nr_devices,
            user_uuid: sb.user_uuid,
            sector,
            written_for: sb.offset.get(),
        })
    }

    /// Whether this program reads that version of the format.
    #[must_use]
    pub fn is_read(&self) -> bool {
        (VERSION_MIN..VERSION_MAX).contains(&self.version)
    }
}

/// The version is written as bcachefs-tools writes it: major and minor.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = (self.version >> 10, self.version & 0x3ff);
        let (idx, of) = (self.dev_idx, self.nr_devices);
        let uuid = crate::fs::uuid_text(&self.user_uuid);
        write!(f, "bcachefs {major}.{minor}, member {idx} of {of}, UUID {uuid}")
    }
}

/// What a search has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Searched {
    /// A superblock; rather one that lies where it was written for.
    pub(super) found: Option<Identity>,
    /// The first sector that could not be read.
    pub(super) unreadable: Option<u64>,
}

impl Searched {
    /// There is nothing better to be found.
    fn is_over(&self) -> bool {
        self.found.is_some_and(|id| id.written_for == id.sector)
    }
}

/// Looks for a superblock wherever the format may put one, at other sectors than
/// those in `known`.
pub(super) fn search(dev: &DeviceFile, known: &[u64]) -> Searched {
    let mut searched = Searched::default();
    let mut failures = 0_u32;
    let back = dev.sectors().saturating_sub(BACK).max(FRONT);
    for chunk in [0..FRONT.min(dev.sectors()), back..dev.sectors()].into_iter().flat_map(chunks) {
        if look(dev, &chunk, known, &mut searched).is_ok() {
            if searched.is_over() {
                return searched;
            }
            continue;
        }
        for piece in parts(chunk, PIECE) {
            if look(dev, &piece, known, &mut searched).is_err() {
                searched.unreadable.get_or_insert(piece.start);
                failures = failures.saturating_add(1);
            }
            if searched.is_over() || failures >= HOPELESS {
                return searched;
            }
        }
    }
    searched
}

fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    parts(range, CHUNK)
}

/// A range in parts of so many sectors, the last of as many as are left.
fn parts(range: Range<u64>, sectors: u64) -> impl Iterator<Item = Range<u64>> {
    let mut rest = range;
    core::iter::from_fn(move || {
        let end = rest.end.min(rest.start.saturating_add(sectors));
        let part = core::mem::replace(&mut rest.start, end)..end;
        (!part.is_empty()).then_some(part)
    })
}

/// Looks at each sector of a range; what cannot be read is an error.
fn look(
    dev: &DeviceFile,
    range: &Range<u64>,
    known: &[u64],
    searched: &mut Searched,
) -> std::io::Result<()> {
    let sectors = range.end.saturating_sub(range.start);
    let bytes = dev.read_vec(range.start, index(sectors).saturating_mul(SECTOR))?;
    for (at, sector) in (range.start..).zip(bytes.chunks_exact(SECTOR)) {
        let Some(id) = Identity::of(sector, at).filter(|_| !known.contains(&at)) else { continue };
        if id.written_for == at {
            searched.found = Some(id);
            break;
        }
        searched.found.get_or_insert(id);
    }
    Ok(())
}
