// SPDX-License-Identifier: GPL-2.0-only
//! Opening the devices of a file system and finding out what they are to each other (facts:
//! docs/facts/v1/recovery.md 2, versions.md).

use crate::error::{OpenError, SbError, version_text};
use crate::superblock::{
    Copies, FEATURE_NO_ALLOC_INFO, Member, MemberState, NO_DEVICE, Slot, Superblock, VERSION,
    VERSION_NO_SB_USER_REPLICAS, read,
};
use crate::tables::DataType;
use gc_core::layout::bits::{low8, low16};
use gc_disk::checksum::Key;
use gc_disk::crypt;
use gc_disk::io::DeviceFile;
use std::path::PathBuf;

/// Oldest version whose buckets are read: 1.3.
const VERSION_OLDEST: u16 = 1027;
/// Oldest version that anything on disk may have: 0.14.
const VERSION_MIN_OLDEST: u16 = 14;
/// First feature that is not known.
const FEATURES: u32 = 24;
/// Feature that every file system of today has.
const FEATURE_NEW_EXTENT_OVERWRITE: u32 = 9;
const BUCKETS_MAX: u64 = (1 << 31) - 65;
const BUCKETS_MIN: u64 = 512;

/// A member's device that is at hand.
#[derive(Debug)]
pub struct Online {
    /// The device.
    pub file: DeviceFile,
    /// Its own superblock.
    pub sb: Superblock,
    /// Where that was read.
    pub sb_sector: u64,
    /// Other copies that are not good.
    pub bad_copies: Vec<(u64, SbError)>,
    /// Its journal buckets.
    pub journal: Vec<u64>,
}

/// A member, and its device where it is at hand.
#[derive(Debug)]
pub struct Device {
    /// The member.
    pub member: Member,
    /// Its device.
    pub online: Option<Online>,
}

/// A file system whose devices are open.
#[derive(Debug)]
pub struct Fs {
    /// The newest superblock of all devices.
    pub sb: Superblock,
    /// Members by index.
    pub devices: Vec<Option<Device>>,
    /// Indexes of members that were removed.
    pub removed: Vec<u8>,
    /// The key of an encrypted file system.
    pub key: Option<Key>,
}

/// How to open.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Passphrase of an encrypted file system.
    pub passphrase: Option<Vec<u8>>,
}

impl Fs {
    /// The member with an index, whether its device is at hand or not.
    #[must_use]
    pub fn device(&self, idx: u8) -> Option<&Device> {
        self.devices.get(usize::from(idx))?.as_ref()
    }

    /// The member with an index.
    #[must_use]
    pub fn member(&self, idx: u8) -> Option<&Member> {
        self.device(idx).map(|d| &d.member)
    }

    /// All members with their indexes, in order.
    pub fn members(&self) -> impl Iterator<Item = (u8, &Device)> {
        (0_u8..).zip(&self.devices).filter_map(|(idx, d)| Some((idx, d.as_ref()?)))
    }

    /// Sectors of a block.
    #[must_use]
    pub fn block_sectors(&self) -> u16 {
        self.sb.head().block_size.get().max(1)
    }

    /// Sectors of a btree node.
    #[must_use]
    pub fn node_sectors(&self) -> u16 {
        low16(self.sb.btree_node_size())
    }

    /// Shut down cleanly.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.sb.clean() != 0
    }

    /// Whether there is a feature.
    #[must_use]
    pub fn has_feature(&self, feature: u32) -> bool {
        self.sb.features().wrapping_shr(feature) & 1 != 0
    }

    /// Whether the file system has no allocation information, so that nothing can be
    /// compared.
    #[must_use]
    pub fn has_no_alloc_info(&self) -> bool {
        self.has_feature(FEATURE_NO_ALLOC_INFO)
    }

    /// Whether sets of devices of user data are listed in the superblock.
    #[must_use]
    pub fn lists_user_replicas(&self) -> bool {
        self.sb.version_incompat() < u64::from(VERSION_NO_SB_USER_REPLICAS)
    }

    /// A backpointer's position is its sector, shifted by this.
    #[must_use]
    pub fn extent_bp_shift(&self) -> u8 {
        match low8(self.sb.extent_bp_shift_raw()) {
            0 => 10,
            n => n,
        }
    }
}

/// Opens a file system from devices that are open already, in any order.
///
/// # Errors
/// The first device that cannot be read or does not belong to the others; a version or a
/// feature that is not read; too few devices; no key.
pub fn open(files: Vec<DeviceFile>, options: &Options) -> Result<Fs, OpenError> {
    let mut found = Vec::new();
    for file in files {
        let path = file.path().to_path_buf();
        let copies = read(&file).map_err(|e| OpenError::Superblock(path.clone(), e))?;
        rules(&copies.best.sb, copies.best.sector).map_err(|e| OpenError::Rule(path.clone(), e))?;
        found.push((file, copies));
    }
    let seq = |c: &Copies| c.best.sb.head().seq.get();
    let newest = found.iter().rev().max_by_key(|(_, c)| seq(c));
    let (newest_path, newest) = newest
        .map(|(file, c)| (file.path().to_path_buf(), c.best.sb.clone()))
        .ok_or(OpenError::NoDevice)?;
    supported(&newest).map_err(|e| OpenError::Refused(newest_path, e))?;
    for (file, copies) in &found {
        belongs(&newest, &copies.best.sb)
            .map_err(|e| OpenError::Member(file.path().to_path_buf(), e))?;
    }
    let uuid = newest.head().uuid;
    let key = crypt::key(newest.crypt().as_deref(), uuid, options.passphrase.as_deref())
        .map_err(OpenError::Key)?;
    let mut devices = Vec::new();
    let mut removed = Vec::new();
    for idx in 0..newest.head().nr_devices {
        devices.push(match newest.slot(idx) {
            Slot::Member(member) => Some(Device { member, online: None }),
            Slot::Removed => {
                removed.push(idx);
                None
            }
            Slot::Free => None,
        });
    }
    for (file, copies) in found {
        attach(&mut devices, file, copies)?;
    }
    let fs = Fs { sb: newest, devices, removed, key };
    enough(&fs)?;
    Ok(fs)
}

/// Whether a version and its features are read at all.
fn supported(sb: &Superblock) -> Result<(), String> {
    let head = sb.head();
    let (version, min) = (head.version.get(), head.version_min.get());
    let incompat = sb.version_incompat();
    if version < VERSION_OLDEST {
        let text = version_text(version);
        return Err(format!("format version {text} is too old: 1.3 and newer are read"));
    }
    if incompat > u64::from(VERSION) {
        let text = version_text(low16(incompat));
        return Err(format!("uses what version {text} has brought; 1.39 is the newest known"));
    }
    if min > version {
        return Err("its oldest version is newer than its version".into());
    }
    if sb.initialized() != 0 && min < VERSION_MIN_OLDEST {
        let text = version_text(min);
        return Err(format!("holds nodes of version {text}; 0.14 and newer are read"));
    }
    if sb.big_endian() != 0 {
        return Err("big endian".into());
    }
    let features = sb.features();
    let unknown = features & u64::MAX.wrapping_shl(FEATURES);
    let more = head.features.get(1).map_or(0, |w| w.get());
    if unknown != 0 || more != 0 {
        let bit = if unknown != 0 { unknown.trailing_zeros() } else { 64 };
        return Err(format!("uses feature {bit}, which is not known"));
    }
    if sb.initialized() != 0 && features.wrapping_shr(FEATURE_NEW_EXTENT_OVERWRITE) & 1 == 0 {
        return Err("has extents of an old form".into());
    }
    if sb.btree_node_size() == 0 || head.block_size.get() == 0 {
        return Err("has no size of nodes or blocks".into());
    }
    Ok(())
}

/// Rules of the chosen copy of a superblock, in the tool's order.
fn rules(sb: &Superblock, sector: u64) -> Result<(), &'static str> {
    let head = sb.head();
    let check = |ok: bool, text| if ok { Ok(()) } else { Err(text) };
    check(head.offset.get() == sector, "Bad sb offset")?;
    check(head.user_uuid != [0; 16], "Bad user UUID")?;
    check(head.uuid != [0; 16], "Bad internal UUID")?;
    check(head.nr_devices > head.dev_idx, "Bad number of member devices")?;
    let precision = head.time_precision.get();
    check(precision != 0 && precision <= 1_000_000_000, "Invalid time precision")?;
    check(head.layout.is_good(), "Invalid superblock layout")?;
    let (block, node) = (u32::from(head.block_size.get()), sb.btree_node_size());
    for idx in 0..head.nr_devices {
        let Slot::Member(m) = sb.slot(idx) else { continue };
        check(m.nbuckets <= BUCKETS_MAX, "Too many buckets")?;
        let used = m.nbuckets.checked_sub(m.first_bucket);
        check(used.is_some_and(|n| n >= BUCKETS_MIN), "Not enough buckets")?;
        check(m.bucket_size >= block, "bucket size smaller than block size")?;
        check(u64::from(m.bucket_size) >= node, "bucket size smaller than btree node size")?;
        check(m.bitmap_shift < 58, "invalid btree_bitmap_shift")?;
    }
    Ok(())
}

fn belongs(newest: &Superblock, sb: &Superblock) -> Result<(), &'static str> {
    let (n, s) = (newest.head(), sb.head());
    if n.uuid != s.uuid {
        return Err("belongs to another file system");
    }
    let Slot::Member(member) = newest.slot(s.dev_idx) else {
        return Err("was removed from the file system");
    };
    if n.block_size != s.block_size {
        return Err("has another block size than the others");
    }
    if n.seq == s.seq && n.write_time != s.write_time {
        return Err("was written to apart from the others (split brain: write times differ)");
    }
    if member.seq != 0 && member.seq < s.seq.get() {
        return Err("was written to apart from the others (split brain: newer than they know)");
    }
    Ok(())
}

fn attach(
    devices: &mut [Option<Device>],
    file: DeviceFile,
    copies: Copies,
) -> Result<(), OpenError> {
    let (sb, sb_sector) = (copies.best.sb, copies.best.sector);
    let idx = sb.head().dev_idx;
    let path: PathBuf = file.path().to_path_buf();
    let slot = devices.get_mut(usize::from(idx)).and_then(Option::as_mut);
    let Some(device) = slot else {
        return Err(OpenError::Member(path, "was removed from the file system"));
    };
    if device.online.is_some() {
        return Err(OpenError::Twice(path, idx));
    }
    let m = device.member;
    let needs = m.nbuckets.saturating_mul(u64::from(m.bucket_size));
    if file.sectors() < needs {
        return Err(OpenError::TooSmall(path, file.sectors(), needs));
    }
    let journal = sb.journal_buckets(m.nbuckets);
    device.online = Some(Online { file, sb, sb_sector, bad_copies: copies.bad, journal });
    Ok(())
}

/// Whether every set of devices that is needed is complete enough to be read.
fn enough(fs: &Fs) -> Result<(), OpenError> {
    let online = |d: &u8| fs.device(*d).is_some_and(|d| d.online.is_some());
    for (data_type, required, devs) in fs.sb.replicas() {
        let data_type = DataType(data_type);
        let ignored = data_type > DataType::BTREE && !fs.lists_user_replicas();
        let nowhere = devs.iter().all(|d| *d == NO_DEVICE);
        if ignored || nowhere || data_type == DataType::CACHED {
            continue;
        }
        let there = devs.iter().filter(|d| online(d)).count();
        if there < usize::from(required) {
            let missing: Vec<_> = devs.iter().filter(|d| !online(d)).collect();
            return Err(OpenError::Insufficient(format!(
                "{} needs {required} of the members {devs:?}; {missing:?} are missing",
                data_type.name()
            )));
        }
    }
    Ok(())
}

/// Whether a member's journal is read.
#[must_use]
pub fn has_journal(device: &Device) -> bool {
    matches!(device.member.state, MemberState::Rw | MemberState::Ro)
}
