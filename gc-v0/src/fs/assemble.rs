// SPDX-License-Identifier: GPL-2.0-only
//! Opening the devices and finding out what they are to each other.

use super::{Device, Fs, Online, SbFlags};
use crate::error::{OpenError, SbError};
use crate::report::Reporter;
use crate::superblock::{Superblock, read, validate};
use gc_core::accounting::replicas::Table;
use gc_core::accounting::replicas::section::{self, Form};
use gc_core::layout::DataType;
use gc_core::layout::section::SbFieldType;
use gc_disk::crypt;
use gc_disk::io::DeviceFile;
use std::path::{Path, PathBuf};

/// How to open.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Read block devices that are in use.
    pub in_use: bool,
    /// Refuse a set of devices that is not complete.
    pub require_all: bool,
    /// Passphrase of an encrypted file system.
    pub passphrase: Option<Vec<u8>>,
    /// Compat bits taken as if they were clear.
    pub clear_compat: u64,
    /// Go on with whatever is there, to see what is lost: devices may be too few,
    /// and roots and alloc keys unreadable.
    pub incomplete: bool,
}

/// The table of sets of devices, and whether it is to be built anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replicas {
    /// The table.
    pub table: Table,
    /// There is no section: sets are added, not reported.
    pub rebuild: bool,
}

struct Candidate {
    file: DeviceFile,
    path: PathBuf,
    sb: Superblock,
    sector: u64,
}

/// Opens a file system from its devices, in any order.
///
/// # Errors
/// The first device that cannot be read or does not belong to the others; too
/// few devices; no key.
pub fn open(
    paths: &[impl AsRef<Path>],
    options: &Options,
    reporter: &mut dyn Reporter,
) -> Result<Fs, OpenError> {
    let mut devices = Vec::new();
    for path in paths {
        devices.push(open_device(path.as_ref(), options.in_use)?);
    }
    open_devices(devices, options, reporter)
}

/// Opens a file system from devices that are open already.
///
/// # Errors
/// As [`open`].
pub fn open_devices(
    devices: Vec<DeviceFile>,
    options: &Options,
    reporter: &mut dyn Reporter,
) -> Result<Fs, OpenError> {
    let mut found = Vec::new();
    for file in devices {
        found.push(candidate(file, reporter)?);
    }
    let newest = found
        .iter()
        .rev()
        .max_by_key(|c| c.sb.seq())
        .map(|c| c.sb.clone())
        .ok_or(OpenError::NoDevice)?;
    for c in &found {
        belongs(&newest, &c.sb).map_err(|e| OpenError::Member(c.path.clone(), e))?;
    }
    let key = crypt::key(newest.crypt(), newest.uuid(), options.passphrase.as_deref())
        .map_err(OpenError::Key)?;
    let devices = attach(&newest, found)?;
    let replicas = replicas(&newest)?;
    if !options.incomplete {
        enough(&replicas.table, &devices)?;
    }
    if options.require_all {
        if let Some((idx, uuid)) = missing(&devices).next() {
            return Err(OpenError::MemberMissing(idx, uuid));
        }
    }
    if newest.initialized() == 0 {
        return Err(OpenError::NotInitialized);
    }
    let stored = SbFlags {
        clean: newest.clean() != 0,
        compat: newest.compat() & !options.clear_compat,
        features: newest.features(),
    };
    let members = devices.iter().map(|d| d.as_ref().map(|d| d.member)).collect();
    let blacklist = newest.blacklist();
    Ok(Fs {
        sb: newest,
        devices,
        members,
        key,
        stored,
        flags: stored,
        replicas,
        blacklist,
        root_levels: [0; 8],
        incomplete: options.incomplete,
        unread_roots: Vec::new(),
    })
}

fn open_device(path: &Path, in_use: bool) -> Result<DeviceFile, OpenError> {
    DeviceFile::open(path, in_use).map_err(|e| match e.kind() {
        std::io::ErrorKind::ResourceBusy => OpenError::InUse(path.to_path_buf()),
        _ => OpenError::Io(path.to_path_buf(), e),
    })
}

fn candidate(file: DeviceFile, reporter: &mut dyn Reporter) -> Result<Candidate, OpenError> {
    let path = file.path().to_path_buf();
    let refused = |e: SbError| OpenError::Superblock(path.clone(), e);
    let copy = read(&file, reporter).map_err(refused)?;
    validate(&copy.sb).map_err(refused)?;
    Ok(Candidate { file, path, sb: copy.sb, sector: copy.sector })
}

fn belongs(newest: &Superblock, sb: &Superblock) -> Result<(), &'static str> {
    if newest.uuid() != sb.uuid() {
        return Err("device not a member of filesystem");
    }
    // Of two that are equally new the original asks the device itself.
    let asked = if newest.seq() > sb.seq() { newest } else { sb };
    if asked.member(sb.dev_idx()).is_none() {
        return Err("device has been removed");
    }
    if newest.block_size() != sb.block_size() {
        return Err("mismatched block size");
    }
    Ok(())
}

fn attach(newest: &Superblock, found: Vec<Candidate>) -> Result<Vec<Option<Device>>, OpenError> {
    let slot = |member| Device { member, online: None, buckets: Vec::new(), listed: None };
    let mut devices: Vec<Option<Device>> =
        (0..newest.nr_devices()).map(|idx| newest.member(idx).map(slot)).collect();
    let real = found.iter().fold(0, |n: u64, c| n.saturating_add(c.file.sectors()));
    for c in found {
        let idx = c.sb.dev_idx();
        let Some(dev) = devices.get_mut(usize::from(idx)).and_then(Option::as_mut) else {
            return Err(OpenError::Member(c.path, "device has been removed"));
        };
        if dev.online.is_some() {
            return Err(OpenError::Twice(c.path, idx));
        }
        let need = u64::from(dev.member.bucket_size).saturating_mul(dev.member.nbuckets);
        if c.file.sectors() < need {
            return Err(OpenError::TooSmall(c.path, c.file.sectors(), need));
        }
        let journal = c.sb.journal_buckets();
        dev.online = Some(Online { file: c.file, sb: c.sb, sb_sector: c.sector, journal });
    }
    let absent = |d: &&Device| d.online.is_none();
    let claimed = devices.iter().flatten().filter(absent).map(|d| d.member.nbuckets);
    if claimed.fold(0, u64::saturating_add) > ABSENT_BUCKETS.max(real / 8) {
        return Err(OpenError::Member(PathBuf::new(), "missing members claim too many buckets"));
    }
    Ok(devices)
}

/// Buckets that members that are not there may always have. Nothing vouches for their
/// number but a superblock; more are believed only beside devices of a size to match,
/// so that memory is bounded by what is really there.
const ABSENT_BUCKETS: u64 = 1 << 20;

fn replicas(sb: &Superblock) -> Result<Replicas, OpenError> {
    let (content, form) = match sb.content(SbFieldType::REPLICAS) {
        Some(c) => (Some(c), Form::V1),
        None => (sb.content(SbFieldType::REPLICAS_V0), Form::V0),
    };
    let table = match content {
        Some(c) => section::read(c, form)
            .map_err(|e| OpenError::Superblock(PathBuf::new(), SbError::Replicas(e)))?,
        None => Table::new(),
    };
    Ok(Replicas { table, rebuild: content.is_none() })
}

/// Whether every set of devices that metadata and user data need is complete
/// enough to be read.
fn enough(table: &Table, devices: &[Option<Device>]) -> Result<(), OpenError> {
    let online = |d: &u8| {
        devices.get(usize::from(*d)).and_then(Option::as_ref).is_some_and(|d| d.online.is_some())
    };
    let complete = table.view().iter().all(|e| {
        let needed = matches!(e.data_type(), DataType::JOURNAL | DataType::BTREE | DataType::USER);
        let there = e.devs().iter().filter(|d| online(d)).count();
        !needed || there >= usize::from(e.nr_required())
    });
    if complete { Ok(()) } else { Err(OpenError::Insufficient(missing(devices).collect())) }
}

/// Index and UUID of the members that are not there.
fn missing(devices: &[Option<Device>]) -> impl Iterator<Item = (u8, [u8; 16])> + '_ {
    (0_u8..).zip(devices).filter_map(|(idx, d)| {
        d.as_ref().filter(|d| d.online.is_none()).map(|d| (idx, d.member.uuid))
    })
}
