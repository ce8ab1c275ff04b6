// SPDX-License-Identifier: GPL-2.0-only
//! Superblocks as bytes (facts: docs/facts/superblock.md, namespace.md).

use crate::buf::{low8, number};
use crate::error::{Error, Result};
use crate::node::VERSION;
use crate::rng::mix2;
use crate::seal::{Kind, seal};
use crate::spec::{DeviceSpec, FsSpec};
use gc_core::accounting::replicas::EntryRef;
use gc_core::accounting::replicas::section::{self as replicas_section, Form};
use gc_core::layout::section::{
    BlacklistRange, DiskGroup, EncryptedKey, Member, MemberFlags, SbCrypt, SbField, SbFieldType,
    SbQuota,
};
use gc_core::layout::superblock::{MAGIC, SbFlags0, SbFlags1};
use gc_core::layout::{CsumType, DataType, Le64, Sb, SbLayout};
use zerocopy::{FromZeros, Immutable, IntoBytes};

/// A copy takes `2^7` sectors.
const SIZE_BITS: u8 = 7;
/// First sectors of the copies.
pub(crate) const SB_OFFSETS: [u64; 2] = [8, 136];
/// First sector behind all copies.
pub(crate) const SB_END: u64 = 264;
/// Sectors of a copy.
pub(crate) const SB_SECTORS: u64 = 1 << SIZE_BITS;

/// Option: files may share extents. The last but two of the options' bits.
const REFLINK: u8 = 1 << 5;
/// Hash of names: siphash.
const STR_HASH: u8 = 2;

/// What a superblock holds besides the description.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Content of the replicas section, second form.
    pub(crate) replicas: Vec<Vec<u8>>,
    /// Content of the clean section, if there is one.
    pub(crate) clean: Option<Vec<u8>>,
    /// Feature bits beyond the usual ones.
    pub(crate) features: u64,
}

fn layout() -> SbLayout {
    let mut sb_offset = [Le64::ZERO; 61];
    for (to, from) in sb_offset.iter_mut().zip(SB_OFFSETS) {
        *to = from.into();
    }
    SbLayout {
        magic: MAGIC,
        sb_max_size_bits: SIZE_BITS,
        nr_superblocks: low8(number(SB_OFFSETS.len())),
        sb_offset,
        ..SbLayout::new_zeroed()
    }
}

/// The layout alone, as it lies at sector 7.
pub(crate) fn layout_sector() -> Vec<u8> {
    layout().as_bytes().to_vec()
}

/// Appends a section: its head, and its content filled up to whole words.
fn section<T: IntoBytes + Immutable + ?Sized>(
    sections: &mut Vec<u8>,
    kind: SbFieldType,
    content: &T,
) -> Result<()> {
    let content = content.as_bytes();
    let u64s = (size_of::<SbField>() + content.len()).div_ceil(8);
    let u64s = u32::try_from(u64s).map_err(|_| Error::Spec("section too long"))?;
    let field = SbField { u64s: u64s.into(), type_: kind.0.into() };
    sections.extend_from_slice(field.as_bytes());
    sections.extend_from_slice(content);
    sections.resize(sections.len().next_multiple_of(8), 0);
    Ok(())
}

/// What a section holds whose structure begins with the section's head.
fn content<T: IntoBytes + Immutable>(section: &T) -> &[u8] {
    section.as_bytes().get(size_of::<SbField>()..).unwrap_or(&[])
}

fn uuid(seed: u64, what: u64) -> [u8; 16] {
    let mut out = [1; 16];
    let halves = [mix2(seed, what), mix2(seed, what + 1)];
    for (to, from) in out.iter_mut().zip(halves.iter().flat_map(|h| h.to_le_bytes())) {
        *to = from;
    }
    out
}

fn members(spec: &FsSpec) -> Vec<Member> {
    // A bit for each data type that may be written.
    let allowed = [DataType::JOURNAL, DataType::BTREE, DataType::USER];
    let allowed = allowed.iter().fold(0, |bits, t| bits | 1_u8 << t.0);
    let member = |(i, d): (usize, &DeviceSpec)| Member {
        uuid: uuid(spec.seed, 100 + 2 * number(i)),
        nbuckets: d.nbuckets.into(),
        bucket_size: d.bucket_size.into(),
        flags: [
            MemberFlags::default()
                .with_state(d.state)
                .with_data_allowed(allowed)
                .with_group(u8::from(spec.more_sections))
                .with_durability(d.durability.wrapping_add(1))
                .0
                .into(),
            Le64::ZERO,
        ],
        ..Member::new_zeroed()
    };
    spec.devices.iter().enumerate().map(member).collect()
}

fn replicas(spec: &FsSpec, state: &State) -> (SbFieldType, Vec<u8>) {
    let entries = || state.replicas.iter().filter_map(|e| EntryRef::first_of(e));
    let first_form = spec.replicas_v0 && entries().all(|e| e.nr_required() == 1);
    let (kind, form) = match first_form {
        true => (SbFieldType::REPLICAS_V0, Form::V0),
        false => (SbFieldType::REPLICAS, Form::V1),
    };
    let mut out = Vec::new();
    for e in entries() {
        replicas_section::encode(form, e, |bytes| out.extend_from_slice(bytes));
    }
    (kind, out)
}

fn flags(spec: &FsSpec) -> [Le64; 8] {
    let mut flags = [Le64::ZERO; 8];
    let first = SbFlags0::default()
        .with_initialized(true)
        .with_clean(spec.clean)
        .with_csum_type(CsumType::CRC32C_NONZERO.0)
        .with_btree_node_size(spec.btree_node_size)
        .with_gc_reserve(8)
        .with_meta_csum_type(spec.meta_csum)
        .with_data_csum_type(spec.data_csum)
        .with_meta_replicas_want(spec.meta_replicas)
        .with_data_replicas_want(spec.data_replicas)
        .with_other_options(REFLINK);
    let second = SbFlags1::default()
        .with_str_hash_type(STR_HASH)
        .with_wide_macs(spec.wide_macs)
        .with_encryption_type(u8::from(spec.encryption.is_some()))
        .with_encoded_extent_max_bits(7)
        .with_meta_replicas_req(1)
        .with_data_replicas_req(1);
    for (to, from) in flags.iter_mut().zip([first.0, second.0]) {
        *to = from.into();
    }
    flags
}

/// The superblock of one device at one of its offsets.
pub(crate) fn encode(spec: &FsSpec, state: &State, dev: usize, offset: u64) -> Result<Vec<u8>> {
    let device = spec.devices.get(dev).ok_or(Error::Spec("no such device"))?;
    let small = |n: usize| u8::try_from(n).map_err(|_| Error::Spec("too many devices"));
    let sections = sections(spec, state, device)?;
    let u64s = u32::try_from(sections.len() / 8);
    let not_clean = if spec.clean { 0 } else { 1 << 12 };
    // atomic_nlink, new_siphash, new_extent_overwrite, btree_ptr_v2.
    let usual = (1 << 3) | (1 << 7) | (1 << 9) | (1 << 11);
    let blacklist = if spec.blacklist.is_empty() { 0 } else { 1 << 5 };
    let mut label = [0; 32];
    for (to, from) in label.iter_mut().zip(*b"generated") {
        *to = from;
    }
    let head = Sb {
        version: VERSION.into(),
        version_min: VERSION.into(),
        magic: MAGIC,
        uuid: spec.uuid(),
        user_uuid: uuid(spec.seed, 3),
        label,
        offset: offset.into(),
        seq: 5.into(),
        block_size: spec.block_size.into(),
        dev_idx: small(dev)?,
        nr_devices: small(spec.devices.len())?,
        u64s: u64s.map_err(|_| Error::Spec("superblock too long"))?.into(),
        time_base_lo: 1_600_000_000_000_000_000.into(),
        time_precision: 1.into(),
        flags: flags(spec),
        features: [(usual | not_clean | blacklist | state.features).into(), Le64::ZERO],
        compat: [3.into(), Le64::ZERO],
        layout: layout(),
        ..Sb::new_zeroed()
    };
    let mut b = [head.as_bytes(), &sections].concat();
    if number(b.len()) > SB_SECTORS * 512 {
        return Err(Error::Spec("superblock too long"));
    }
    seal(Kind::Superblock, None, &mut b);
    b.resize(b.len().next_multiple_of(512), 0);
    Ok(b)
}

fn sections(spec: &FsSpec, state: &State, dev: &DeviceSpec) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let out = &mut all;
    section(out, SbFieldType::MEMBERS, members(spec).as_slice())?;
    if dev.journal_buckets != 0 {
        let buckets: Vec<Le64> =
            crate::space::journal_buckets(dev).into_iter().map(Le64::new).collect();
        section(out, SbFieldType::JOURNAL, buckets.as_slice())?;
    }
    if let Some(key) = &spec.encryption {
        let key = EncryptedKey { magic: EncryptedKey::MAGIC, key: *key };
        section(out, SbFieldType::CRYPT, content(&SbCrypt { key, ..SbCrypt::new_zeroed() }))?;
    }
    if spec.more_sections {
        let mut group = DiskGroup::new_zeroed();
        for (to, from) in group.label.iter_mut().zip(*b"group") {
            *to = from;
        }
        section(out, SbFieldType::DISK_GROUPS, &group)?;
        section(out, SbFieldType::QUOTA, content(&SbQuota::new_zeroed()))?;
        // Of a kind that nobody knows.
        section(out, SbFieldType(77), &[0x5a_u8; 16])?;
    }
    let (kind, content) = replicas(spec, state);
    section(out, kind, content.as_slice())?;
    if let Some(clean) = &state.clean {
        section(out, SbFieldType::CLEAN, clean.as_slice())?;
    }
    if !spec.blacklist.is_empty() {
        let range =
            |&(start, end): &(u64, u64)| BlacklistRange { start: start.into(), end: end.into() };
        let ranges: Vec<BlacklistRange> = spec.blacklist.iter().map(range).collect();
        section(out, SbFieldType::JOURNAL_SEQ_BLACKLIST, ranges.as_slice())?;
    }
    Ok(all)
}
