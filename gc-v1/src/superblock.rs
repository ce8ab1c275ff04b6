// SPDX-License-Identifier: GPL-2.0-only
//! The superblock of one device (facts: docs/facts/v1/layout.md 2, recovery.md 2).

use crate::checksum::{NR, checksum};
use crate::error::SbError;
use gc_core::layout::CsumType;
use gc_core::layout::bits::low8;
use gc_core::layout::superblock::is_magic;
use gc_disk::bytes::{index, number};
use gc_disk::checksum::{Nonce, encrypts};
use gc_disk::io::DeviceFile;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// UUID of a member that was removed.
pub const DELETED_UUID: [u8; 16] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xd9, 0x6a, 0x60, 0xcf, 0x80, 0x3d, 0xf7, 0xef,
];
/// A device number that stands for no device.
pub const NO_DEVICE: u8 = 255;
/// Sector of the first superblock.
pub const SB_SECTOR: u64 = 8;
/// Sector of the list of its copies.
pub const LAYOUT_SECTOR: u64 = 7;
/// The newest version that is known: 1.39.
pub const VERSION: u16 = 1063;
/// Versions from which something is different; see docs/facts/v1/versions.md.
pub const VERSION_NO_SB_USER_REPLICAS: u16 = 1060;
/// From here on reconcile entries are written.
pub const VERSION_RECONCILE: u16 = 1057;
/// Feature: there is no allocation information.
pub const FEATURE_NO_ALLOC_INFO: u32 = 21;
/// Compat bit: there are no stale cached pointers.
pub const COMPAT_NO_STALE_PTRS: u32 = 4;

const PAGE: usize = 4096;
const SIZE_BITS_MAX: u8 = 16;

/// Where the copies of a superblock lie, 512 bytes.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Layout {
    /// One of the two magics.
    pub magic: [u8; 16],
    /// 0.
    pub layout_type: u8,
    /// A superblock takes `2^n` sectors at most.
    pub sb_max_size_bits: u8,
    /// Number of copies.
    pub nr_superblocks: u8,
    /// Unused.
    pub pad: [u8; 5],
    /// First sector of each.
    pub sb_offset: [U64; 61],
}

impl Layout {
    /// Whether it is one that can be used.
    #[must_use]
    pub fn is_good(&self) -> bool {
        is_magic(&self.magic)
            && self.layout_type == 0
            && (1..=61).contains(&self.nr_superblocks)
            && self.sb_max_size_bits <= SIZE_BITS_MAX
    }

    /// First sectors of the copies.
    pub fn offsets(&self) -> impl Iterator<Item = u64> + '_ {
        self.sb_offset.iter().take(usize::from(self.nr_superblocks)).map(|o| o.get())
    }

    /// Sectors that each copy may take.
    #[must_use]
    pub fn max_sectors(&self) -> u64 {
        1_u64.checked_shl(u32::from(self.sb_max_size_bits)).unwrap_or(0)
    }
}

/// A superblock before its sections, 752 bytes.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Head {
    /// Checksum of all that follows.
    pub csum: [u8; 16],
    /// Format version: major shifted by 10, or minor.
    pub version: U16,
    /// Oldest version that anything on disk may have.
    pub version_min: U16,
    /// Unused.
    pub pad: [u8; 4],
    /// One of the two magics.
    pub magic: [u8; 16],
    /// Internal identity.
    pub uuid: [u8; 16],
    /// Identity that users see.
    pub user_uuid: [u8; 16],
    /// Label.
    pub label: [u8; 32],
    /// Sector that it was written to.
    pub offset: U64,
    /// Number of this state of the superblock.
    pub seq: U64,
    /// Sectors of a block.
    pub block_size: U16,
    /// Index of this device.
    pub dev_idx: u8,
    /// Slots for members.
    pub nr_devices: u8,
    /// Length of all sections in u64s.
    pub u64s: U32,
    /// Time that times are counted from.
    pub time_base_lo: U64,
    /// High part of that time.
    pub time_base_hi: U32,
    /// Nanoseconds of a unit of time.
    pub time_precision: U32,
    /// Options and states.
    pub flags: [U64; 7],
    /// Seconds; when it was written.
    pub write_time: U64,
    /// Features that must be known.
    pub features: [U64; 2],
    /// What may be relied on.
    pub compat: [U64; 2],
    /// Where its copies lie.
    pub layout: Layout,
}

/// A member (section 11); shorter ones on disk are filled up with zeros.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawMember {
    uuid: [u8; 16],
    nbuckets: U64,
    first_bucket: U16,
    bucket_size: U16,
    btree_bitmap_shift: u8,
    pad: [u8; 3],
    last_mount: U64,
    flags: U64,
    iops: [U32; 4],
    errors: [U64; 3],
    errors_at_reset: [U64; 3],
    errors_reset_time: U64,
    seq: U64,
    btree_allocated_bitmap: U64,
    last_journal_bucket: U32,
    last_journal_bucket_offset: U32,
    device_name: [u8; 16],
}

const _: () = {
    assert!(size_of::<Layout>() == 512);
    assert!(size_of::<Head>() == 752);
    assert!(size_of::<RawMember>() == 160);
};

/// Kinds of sections by number.
pub mod section {
    /// Journal buckets of this device.
    pub const JOURNAL: u32 = 0;
    /// Members, first form.
    pub const MEMBERS_V1: u32 = 1;
    /// Encryption.
    pub const CRYPT: u32 = 2;
    /// What a clean shutdown left.
    pub const CLEAN: u32 = 6;
    /// Sets of devices.
    pub const REPLICAS: u32 = 7;
    /// Blacklisted journal sequences.
    pub const JOURNAL_SEQ_BLACKLIST: u32 = 8;
    /// Journal buckets of this device as ranges.
    pub const JOURNAL_V2: u32 = 9;
    /// Members.
    pub const MEMBERS_V2: u32 = 11;
    /// Passes required, silent errors, lost data.
    pub const EXT: u32 = 13;
    /// Lengths of the types of extent entries.
    pub const EXTENT_TYPE_U64S: u32 = 16;
}

/// State of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    /// Read and written.
    Rw,
    /// Only read.
    Ro,
    /// Its data is being moved away.
    Evacuating,
    /// Spare, or a number that is not known.
    Spare,
}

/// A member as the superblock describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Identity of the device.
    pub uuid: [u8; 16],
    /// Number of buckets.
    pub nbuckets: u64,
    /// First bucket in use.
    pub first_bucket: u64,
    /// Sectors of a bucket.
    pub bucket_size: u32,
    /// State.
    pub state: MemberState,
    /// How many replicas a copy on it counts for.
    pub durability: u8,
    /// Sequence of the superblock that was last written to it.
    pub seq: u64,
    /// A bit of the bitmap stands for `2^n` sectors.
    pub bitmap_shift: u8,
    /// Where on it nodes may lie.
    pub bitmap: u64,
}

impl Member {
    fn of(raw: &RawMember) -> Self {
        let flags = raw.flags.get();
        Self {
            uuid: raw.uuid,
            nbuckets: raw.nbuckets.get(),
            first_bucket: raw.first_bucket.get().into(),
            bucket_size: raw.bucket_size.get().into(),
            state: match flags & 0xf {
                0 => MemberState::Rw,
                1 => MemberState::Ro,
                2 => MemberState::Evacuating,
                _ => MemberState::Spare,
            },
            durability: match low8((flags >> 28) & 3) {
                0 => 1,
                n => n.saturating_sub(1),
            },
            seq: raw.seq.get(),
            bitmap_shift: raw.btree_bitmap_shift,
            bitmap: raw.btree_allocated_bitmap.get(),
        }
    }

    /// Number of the bucket that a sector lies in.
    #[must_use]
    pub fn bucket_of(&self, sector: u64) -> u64 {
        sector.checked_div(u64::from(self.bucket_size)).unwrap_or(u64::MAX)
    }

    /// Whether the member has a bucket that may be used.
    #[must_use]
    pub const fn has(&self, bucket: u64) -> bool {
        self.first_bucket <= bucket && bucket < self.nbuckets
    }
}

/// What a slot for a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Nothing, or there is no such slot.
    Free,
    /// A member that was removed.
    Removed,
    /// A member.
    Member(Member),
}

/// A superblock, its checksum verified, cut to its own length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    bytes: Vec<u8>,
}

macro_rules! bits {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $lo:literal..$hi:literal;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> u64 {
            let mask = u64::MAX.checked_shr(64_u32.saturating_sub($hi - $lo)).unwrap_or(0);
            let word = self.head().flags.get($word).map_or(0, |w| w.get());
            (word >> $lo) & mask
        })*
    };
}

/// What stands in for a head that is not there: all zero.
static NO_HEAD: [u8; size_of::<Head>()] = [0; size_of::<Head>()];

impl Superblock {
    /// The fields before the sections.
    #[must_use]
    pub fn head(&self) -> &Head {
        let head = Head::ref_from_prefix(&self.bytes).map(|(head, _)| head);
        // The bytes are never shorter than a head: `Self::parse`.
        head.unwrap_or_else(|_| zerocopy::transmute_ref!(&NO_HEAD))
    }

    bits! {
        /// Mounted at least once.
        initialized = 0, 0..1;
        /// Shut down cleanly.
        clean = 0, 1..2;
        /// Checksum type of the superblock itself.
        csum_type = 0, 2..8;
        /// Sectors of a btree node.
        btree_node_size = 0, 12..28;
        /// Everything is big endian.
        big_endian = 0, 62..63;
        /// Encryption in use.
        encryption_type = 1, 10..14;
        /// Replicas of data that are wanted.
        data_replicas_want = 0, 52..56;
        /// Upgrade passes were run up to this version.
        version_upgrade_complete = 5, 0..16;
        /// Newest incompatible version in use.
        version_incompat = 5, 32..48;
        /// Newest incompatible version that may be used.
        version_incompat_allowed = 5, 48..64;
        /// A backpointer's position is its sector, shifted by this.
        extent_bp_shift_raw = 6, 40..48;
    }

    /// Features, low word.
    #[must_use]
    pub fn features(&self) -> u64 {
        self.head().features[0].get()
    }

    /// Compat bits, low word.
    #[must_use]
    pub fn compat(&self) -> u64 {
        self.head().compat[0].get()
    }

    /// Magic of nodes' sets and of journal entries comes from here.
    #[must_use]
    pub fn magic_seed(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.head().uuid;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// Sections in order: kind, and content behind the 8-byte head. Ends at one that does
    /// not fit.
    pub fn sections(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let mut rest = self.bytes.get(size_of::<Head>()..).unwrap_or(&[]);
        core::iter::from_fn(move || {
            let (head, _) = <[U32; 2]>::ref_from_prefix(rest).ok()?;
            let [u64s, kind] = head;
            let len = index(u64::from(u64s.get()).saturating_mul(8));
            let (this, next) = rest.split_at_checked(len)?;
            let content = this.get(8..)?;
            rest = next;
            Some((kind.get(), content))
        })
    }

    /// Content of the first section of a kind.
    #[must_use]
    pub fn section(&self, kind: u32) -> Option<&[u8]> {
        self.sections().find(|(k, _)| *k == kind).map(|(_, content)| content)
    }

    /// The encryption section with its head.
    #[must_use]
    pub fn crypt(&self) -> Option<Vec<u8>> {
        let content = self.section(section::CRYPT)?;
        Some([&[0; 8], content].concat())
    }

    /// What the slot of an index holds.
    #[must_use]
    pub fn slot(&self, idx: u8) -> Slot {
        let Some(raw) = self.raw_member(idx) else { return Slot::Free };
        match raw.uuid {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => Slot::Free,
            DELETED_UUID => Slot::Removed,
            _ => Slot::Member(Member::of(&raw)),
        }
    }

    fn raw_member(&self, idx: u8) -> Option<RawMember> {
        if idx >= self.head().nr_devices {
            return None;
        }
        let (members, size) = match self.section(section::MEMBERS_V2) {
            Some(content) => {
                let (size, _) = U16::ref_from_prefix(content).ok()?;
                (content.get(8..)?, usize::from(size.get()))
            }
            None => (self.section(section::MEMBERS_V1)?, 56),
        };
        let at = usize::from(idx).checked_mul(size)?;
        let bytes = members.get(at..)?.get(..size)?;
        let mut whole = [0; size_of::<RawMember>()];
        for (to, from) in whole.iter_mut().zip(bytes) {
            *to = *from;
        }
        RawMember::read_from_bytes(&whole).ok()
    }

    /// Journal buckets of this device, in order. `nbuckets` bounds their number.
    #[must_use]
    pub fn journal_buckets(&self, nbuckets: u64) -> Vec<u64> {
        if let Some(content) = self.section(section::JOURNAL_V2) {
            let pairs = gc_disk::bytes::words(content);
            let ranges = gc_disk::bytes::pairs(&pairs);
            let mut left = nbuckets;
            let mut all = Vec::new();
            for (start, nr) in ranges {
                let nr = nr.min(left);
                left = left.saturating_sub(nr);
                all.extend((0..nr).map(|i| start.saturating_add(i)));
            }
            return all;
        }
        gc_disk::bytes::words(self.section(section::JOURNAL).unwrap_or(&[]))
    }

    /// Blacklisted journal sequences: start, end (exclusive).
    #[must_use]
    pub fn blacklist(&self) -> Vec<(u64, u64)> {
        let content = self.section(section::JOURNAL_SEQ_BLACKLIST).unwrap_or(&[]);
        gc_disk::bytes::pairs(&gc_disk::bytes::words(content))
    }

    /// Sets of devices that the superblock lists: data type, devices needed, devices.
    #[must_use]
    pub fn replicas(&self) -> Vec<(u8, u8, Vec<u8>)> {
        let mut rest = self.section(section::REPLICAS).unwrap_or(&[]);
        let mut all = Vec::new();
        while let [data_type, nr_devs, nr_required, tail @ ..] = rest {
            let Some((devs, next)) = tail.split_at_checked(usize::from(*nr_devs)) else { break };
            if *data_type == 0 {
                break;
            }
            all.push((*data_type, *nr_required, devs.to_vec()));
            rest = next;
        }
        all
    }

    /// Length in u64s of a type of extent entries that is not known otherwise.
    #[must_use]
    pub fn extent_type_u64s(&self, type_: usize) -> Option<u8> {
        let content = self.section(section::EXTENT_TYPE_U64S)?;
        content.iter().take_while(|n| **n != 0).nth(type_).copied()
    }

    /// Whether an error is silent: an upgrade or a lost node has announced it.
    #[must_use]
    pub fn is_silent(&self, error: u16) -> bool {
        let words = gc_disk::bytes::words(self.section(section::EXT).unwrap_or(&[]));
        let silent = words.get(2..10).unwrap_or(&[]);
        let bit = u32::from(error % 64);
        silent.get(usize::from(error / 64)).is_some_and(|w| w.wrapping_shr(bit) & 1 != 0)
    }

    /// Parses and verifies a copy, of which `bytes` are all, or the beginning.
    ///
    /// # Errors
    /// What is wrong; the bytes that are needed where there are fewer.
    fn parse(bytes: &[u8]) -> Result<Self, Parse> {
        let bad = |e| Err(Parse::Bad(e));
        let Ok((head, _)) = Head::ref_from_prefix(bytes) else { return bad(SbError::TooShort) };
        if !is_magic(&head.magic) {
            return bad(SbError::NoMagic);
        }
        let version = head.version.get();
        if version >> 10 > 1 || version < 9 {
            return bad(SbError::Version(version));
        }
        let len =
            index(u64::from(head.u64s.get()).saturating_mul(8)).saturating_add(size_of::<Head>());
        let bits = head.layout.sb_max_size_bits;
        if bits > SIZE_BITS_MAX || number(len) > head.layout.max_sectors().saturating_mul(512) {
            return bad(SbError::TooBig);
        }
        let Some(whole) = bytes.get(..len) else { return Err(Parse::Needs(len)) };
        let sb = Self { bytes: whole.to_vec() };
        let type_ = CsumType(low8(sb.csum_type()));
        if type_.0 >= NR || encrypts(type_) {
            return bad(SbError::CsumType(type_.0));
        }
        let body = sb.bytes.get(16..).unwrap_or(&[]);
        if checksum(type_, None, Nonce::default(), body) != Some(sb.head().csum) {
            return bad(SbError::Checksum);
        }
        Ok(sb)
    }
}

/// Why there is no superblock yet.
enum Parse {
    Bad(SbError),
    Needs(usize),
}

/// A superblock and the sector it was read from.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The superblock.
    pub sb: Superblock,
    /// Its first sector.
    pub sector: u64,
}

/// The copies of a device's superblock: the one to be used, and what is wrong with others.
#[derive(Debug)]
pub struct Copies {
    /// The newest of those that are good; of equally new ones the last of the layout.
    pub best: Copy,
    /// Copies that are not good: sector and reason.
    pub bad: Vec<(u64, SbError)>,
}

/// Reads one copy.
///
/// # Errors
/// Why it is not good.
pub fn read_copy(dev: &DeviceFile, sector: u64) -> Result<Superblock, SbError> {
    let mut len = PAGE;
    loop {
        let bytes = dev.read_vec(sector, len).map_err(|_| SbError::Unreadable)?;
        match Superblock::parse(&bytes) {
            Ok(sb) => return Ok(sb),
            Err(Parse::Bad(e)) => return Err(e),
            Err(Parse::Needs(more)) if more > len => len = more.next_multiple_of(512),
            Err(Parse::Needs(_)) => return Err(SbError::TooShort),
        }
    }
}

/// Reads all copies of a device's superblock and chooses one.
///
/// # Errors
/// What is wrong with the first copy, where none is good.
pub fn read(dev: &DeviceFile) -> Result<Copies, SbError> {
    let mut bad = Vec::new();
    let mut best: Option<Copy> = None;
    let layout = match read_copy(dev, SB_SECTOR) {
        Ok(sb) => {
            let layout = sb.head().layout;
            best = Some(Copy { sb, sector: SB_SECTOR });
            layout
        }
        Err(e) => {
            bad.push((SB_SECTOR, e));
            let bytes = dev.read_vec(LAYOUT_SECTOR, 512).map_err(|_| e)?;
            Layout::read_from_bytes(&bytes).ok().filter(Layout::is_good).ok_or(e)?
        }
    };
    // The first entry of the layout is taken to be that at sector 8.
    for sector in layout.offsets().skip(1) {
        match read_copy(dev, sector) {
            Ok(sb) => {
                let newer = |b: &Copy| b.sb.head().seq.get() <= sb.head().seq.get();
                if best.as_ref().is_none_or(newer) {
                    best = Some(Copy { sb, sector });
                }
            }
            Err(e) => bad.push((sector, e)),
        }
    }
    match (best, bad.first()) {
        (Some(best), _) => Ok(Copies { best, bad }),
        (None, Some((_, e))) => Err(*e),
        (None, None) => Err(SbError::NoMagic),
    }
}
