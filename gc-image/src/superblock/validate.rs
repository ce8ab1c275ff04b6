// SPDX-License-Identifier: GPL-2.0-only
//! Whether the content of a superblock makes sense; the original's order and
//! reasons.

use super::{FEATURES, HEAD, Section, Superblock, VERSION_BKEY_RENUMBER, VERSION_MAX, VERSION_MIN};
use crate::bytes::u64_at;
use crate::error::SbError;
use gc_core::accounting::replicas::section::{self, Form};

const REPLICAS_MAX: u64 = 4;
const CSUM_OPTS: u64 = 3;
const COMPRESSION_OPTS: u64 = 4;
const GROUP_BYTES: usize = 48;

/// # Errors
/// The first rule that does not hold.
pub fn validate(sb: &Superblock) -> Result<(), SbError> {
    head(sb)?;
    sb.layout().validate()?;
    sections_fit(sb)?;
    members(sb)?;
    for (type_, bytes) in sb.sections() {
        one_section(sb, type_, bytes)?;
    }
    Ok(())
}

fn check(ok: bool, reason: &'static str) -> Result<(), SbError> {
    if ok { Ok(()) } else { Err(SbError::Reason(reason)) }
}

fn head(sb: &Superblock) -> Result<(), SbError> {
    let version = sb.version();
    let min = if version >= VERSION_BKEY_RENUMBER { sb.version_min_raw() } else { version };
    if version >= VERSION_MAX {
        return Err(SbError::Version(version));
    }
    check(min >= VERSION_MIN, "Unsupported superblock version")?;
    check(min <= version, "Bad minimum version")?;
    let unknown = u64::MAX.wrapping_shl(FEATURES);
    check(
        sb.features1() == 0 && sb.features() & unknown == 0,
        "Filesystem has incompatible features",
    )?;
    let block = sb.block_size();
    check(block.is_power_of_two() && block <= 8, "Bad block size")?;
    check(sb.user_uuid() != [0; 16], "Bad user UUID")?;
    check(sb.uuid() != [0; 16], "Bad internal UUID")?;
    let devices = sb.nr_devices();
    check(devices > sb.dev_idx() && devices <= 64, "Bad number of member devices")?;
    let replicas = |n: u64| n != 0 && n < REPLICAS_MAX;
    check(
        replicas(sb.meta_replicas_want()) && replicas(sb.meta_replicas_req()),
        "Invalid number of metadata replicas",
    )?;
    check(
        replicas(sb.data_replicas_want()) && replicas(sb.data_replicas_req()),
        "Invalid number of data replicas",
    )?;
    check(
        sb.meta_csum_type() < CSUM_OPTS && sb.data_csum_type() < CSUM_OPTS,
        "Invalid metadata checksum type",
    )?;
    check(sb.compression_type() < COMPRESSION_OPTS, "Invalid compression type")?;
    check(sb.btree_node_size() != 0, "Btree node size not set")?;
    check(sb.btree_node_size().is_power_of_two(), "Btree node size not a power of two")?;
    check(sb.gc_reserve() >= 5, "gc reserve percentage too small")?;
    let precision = sb.time_precision();
    check(precision != 0 && precision <= 1_000_000_000, "invalid time precision")
}

fn sections_fit(sb: &Superblock) -> Result<(), SbError> {
    let covered = sb.sections().fold(HEAD, |n, (_, b)| n.saturating_add(b.len()));
    check(covered == sb.as_bytes().len(), "Invalid superblock: invalid optional field")
}

fn members(sb: &Superblock) -> Result<(), SbError> {
    let members = sb.content(Section::Members);
    let Some(members) = members else {
        return Err("Invalid superblock: member info area missing".into());
    };
    check(
        members.len() >= usize::from(sb.nr_devices()).saturating_mul(56),
        "Invalid superblock: bad member info",
    )?;
    for m in (0..sb.nr_devices()).filter_map(|i| sb.member(i)) {
        check(i64::try_from(m.nbuckets).is_ok(), "Too many buckets")?;
        let used = m.nbuckets.wrapping_sub(u64::from(m.first_bucket));
        check(used >= 64, "Not enough buckets")?;
        check(m.bucket_size >= sb.block_size(), "bucket size smaller than block size")?;
        check(
            u64::from(m.bucket_size) >= sb.btree_node_size(),
            "bucket size smaller than btree node size",
        )?;
    }
    Ok(())
}

fn one_section(sb: &Superblock, type_: u32, bytes: &[u8]) -> Result<(), SbError> {
    let content = bytes.get(8..).unwrap_or(&[]);
    let replicas = |form| {
        section::validate(content, form, |d| sb.member(d).is_some()).map_err(SbError::Replicas)
    };
    // The original looks a section up again by type: the first one counts.
    match type_ {
        t if t == Section::Journal.number() => journal(sb),
        t if t == Section::Crypt.number() => {
            check(bytes.len() == 64, "invalid field crypt: wrong size")?;
            let kdf = u64_at(bytes, 8).unwrap_or(0) & 0xf;
            check(kdf == 0, "invalid field crypt: bad kdf type")
        }
        t if t == Section::ReplicasV0.number() => replicas(Form::V0),
        t if t == Section::Replicas.number() => replicas(Form::V1),
        t if t == Section::Quota.number() => {
            check(bytes.len() == 80, "invalid field quota: wrong size")
        }
        t if t == Section::DiskGroups.number() => disk_groups(sb),
        t if t == Section::Clean.number() => {
            check(bytes.len() >= 24, "invalid field crypt: wrong size")
        }
        t if t == Section::JournalSeqBlacklist.number() => blacklist(content),
        _ => Ok(()),
    }
}

fn journal(sb: &Superblock) -> Result<(), SbError> {
    let mut buckets = sb.journal_buckets();
    buckets.sort_unstable();
    let (Some(&first), Some(&last)) = (buckets.first(), buckets.last()) else { return Ok(()) };
    let member = sb.member_slot(sb.dev_idx());
    let (from, to) = member.map_or((0, u64::MAX), |m| (u64::from(m.first_bucket), m.nbuckets));
    check(first != 0, "journal bucket at sector 0")?;
    check(first >= from, "journal bucket before first bucket")?;
    check(last < to, "journal bucket past end of device")?;
    let twice = buckets.windows(2).any(|w| matches!(w, [a, b] if a == b));
    check(!twice, "duplicate journal buckets")
}

fn disk_groups(sb: &Superblock) -> Result<(), SbError> {
    let content = sb.content(Section::DiskGroups).unwrap_or(&[]);
    let groups: Vec<_> = content.chunks_exact(GROUP_BYTES).collect();
    let flags = |g: &[u8]| u64_at(g, 32).unwrap_or(0);
    let deleted = |g: &[u8]| flags(g) & 1 != 0;
    let label =
        |g: &[u8]| -> Vec<u8> { g.iter().take(32).take_while(|b| **b != 0).copied().collect() };
    for m in (0..sb.nr_devices()).filter_map(|i| sb.member_slot(i)) {
        let Some(g) = m.group.checked_sub(1) else { continue };
        let group = groups.get(usize::from(g));
        check(group.is_some_and(|g| !deleted(g)), "disk has invalid group")?;
    }
    let live = || groups.iter().filter(|g| !deleted(g));
    check(live().all(|g| !label(g).is_empty()), "group with empty label")?;
    let mut ids: Vec<_> = live().map(|g| ((flags(g) >> 6) & 0x3_ffff, label(g))).collect();
    ids.sort();
    let twice = ids.windows(2).any(|w| matches!(w, [a, b] if a == b));
    check(!twice, "duplicate groups")
}

fn blacklist(content: &[u8]) -> Result<(), SbError> {
    let words = crate::bytes::words(content);
    let ranges = crate::bytes::pairs(&words);
    for (i, (start, end)) in ranges.iter().enumerate() {
        check(start < end, "entry start >= end")?;
        if let Some((next, _)) = ranges.get(i.saturating_add(1)) {
            check(end <= next, "entries out of order")?;
        }
    }
    Ok(())
}
