// SPDX-License-Identifier: GPL-2.0-only
//! Whether the content of a superblock makes sense; the original's order and
//! reasons.

use super::{FEATURES, HEAD, Section, Superblock, VERSION_BKEY_RENUMBER, VERSION_MIN};
use crate::error::SbError;
use gc_core::accounting::replicas::section::{self, Form};
use gc_disk::bytes::u64_at;

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
    // That it is one that is read was seen before anything else of it.
    let min = if version >= VERSION_BKEY_RENUMBER { sb.version_min_raw() } else { version };
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
    let words = gc_disk::bytes::words(content);
    let ranges = gc_disk::bytes::pairs(&words);
    for (i, (start, end)) in ranges.iter().enumerate() {
        check(start < end, "entry start >= end")?;
        if let Some((next, _)) = ranges.get(i.saturating_add(1)) {
            check(end <= next, "entries out of order")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{member, put, section, superblock};

    fn reason(bytes: Vec<u8>) -> String {
        let sb = Superblock::new(bytes).unwrap();
        validate(&sb).err().map(|e| e.to_string()).unwrap_or_default()
    }

    fn bent(at: usize, bytes: &[u8]) -> String {
        let mut b = superblock(&[]);
        put(&mut b, at, bytes);
        reason(b)
    }

    // Oracle: rules and texts of docs/facts/superblock.md, one bent byte each.
    #[test]
    fn each_rule_of_the_head() {
        assert_eq!(reason(superblock(&[])), "");
        let cases: [(usize, &[u8], &str); 23] = [
            (18, &[8], "Unsupported superblock version"),
            (18, &[12], "Bad minimum version"),
            (216, &[1], "Filesystem has incompatible features"),
            (209, &[0x40], "Filesystem has incompatible features"),
            (120, &[3], "Bad block size"),
            (120, &[16], "Bad block size"),
            (56, &[0; 16], "Bad user UUID"),
            (40, &[0; 16], "Bad internal UUID"),
            (122, &[1], "Bad number of member devices"),
            (123, &[0], "Bad number of member devices"),
            (150, &[0x10], "Invalid number of metadata replicas"),
            (150, &[0x04], "Invalid number of metadata replicas"),
            (155, &[0], "Invalid number of data replicas"),
            (149, &[0x03], "Invalid metadata checksum type"),
            (152, &[0x40], "Invalid compression type"),
            (145, &[0x30], "Btree node size not a power of two"),
            (145, &[0x00], "Btree node size not set"),
            (147, &[0x10], "gc reserve percentage too small"),
            (140, &[0; 4], "invalid time precision"),
            (240, &[0], "Not a bcachefs superblock layout"),
            (256, &[1], "Invalid superblock layout type"),
            (258, &[0], "Invalid superblock layout: no superblocks"),
            (272, &[23], "Invalid superblock layout: superblocks overlap"),
        ];
        for (at, bytes, want) in cases {
            assert_eq!(bent(at, bytes), want, "byte {at} = {bytes:x?}");
        }
        assert_eq!(bent(258, &[62]), "Invalid superblock layout: too many superblocks");
        assert_eq!(bent(HEAD, &[0; 4]), "Invalid superblock: invalid optional field");
        assert_eq!(bent(HEAD, &[200]), "Invalid superblock: invalid optional field");
        assert_eq!(bent(HEAD + 4, &[77]), "Invalid superblock: member info area missing");
        assert_eq!(bent(123, &[2]), "Invalid superblock: bad member info");
    }

    // Oracle: the same for members, at their offsets in the first slot.
    #[test]
    fn members() {
        let at = |field| HEAD + 8 + field;
        assert_eq!(bent(at(23), &[0x80]), "Too many buckets");
        assert_eq!(bent(at(16), &[63]), "Not enough buckets");
        assert_eq!(bent(at(26), &[4, 0]), "bucket size smaller than btree node size");
        assert_eq!(bent(at(26), &[0, 0]), "bucket size smaller than block size");
    }

    // Oracle: the section table of docs/facts/superblock.md.
    #[test]
    fn sections() {
        let words = |w: &[u64]| w.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        let journal = |w: &[u64]| reason(superblock(&[section(0, &words(w))]));
        assert_eq!(journal(&[9, 4, 5]), "");
        assert_eq!(journal(&[]), "");
        assert_eq!(journal(&[4, 0]), "journal bucket at sector 0");
        assert_eq!(journal(&[4, 64]), "journal bucket past end of device");
        assert_eq!(journal(&[4, 5, 4]), "duplicate journal buckets");
        let one = |type_, content: &[u8]| reason(superblock(&[section(type_, content)]));
        assert_eq!(one(2, &[0; 40]), "invalid field crypt: wrong size");
        let mut crypt = vec![0; 56];
        crypt[0] = 1;
        assert_eq!(one(2, &crypt), "invalid field crypt: bad kdf type");
        assert_eq!(one(3, &[3, 1, 1]), "invalid replicas entry: invalid device");
        assert_eq!(one(7, &[6, 1, 1, 0]), "invalid replicas entry: invalid data type");
        assert_eq!(one(4, &[0; 64]), "invalid field quota: wrong size");
        assert_eq!(one(6, &[0; 8]), "invalid field crypt: wrong size");
        assert_eq!(one(8, &words(&[5, 5])), "entry start >= end");
        assert_eq!(one(8, &words(&[5, 7, 6, 9])), "entries out of order");
        assert_eq!(one(8, &words(&[5, 7, 7, 9])), "");
        assert_eq!(one(99, &[1, 2, 3]), "");
    }

    // Oracle: the rules for groups, with labels of one letter.
    #[test]
    fn groups() {
        let group = |label: &[u8], flags: u64| {
            let mut g = vec![0; 48];
            put(&mut g, 0, label);
            put(&mut g, 32, &flags.to_le_bytes());
            g
        };
        let all = |g: &[Vec<u8>]| reason(superblock(&[section(5, &g.concat())]));
        assert_eq!(all(&[group(b"a", 0), group(b"b", 0), group(b"a", 1)]), "");
        assert_eq!(all(&[group(b"a", 0), group(b"", 0)]), "group with empty label");
        assert_eq!(all(&[group(b"a", 0), group(b"a", 0)]), "duplicate groups");
        assert_eq!(all(&[group(b"a", 64), group(b"a", 0)]), "");
        let mut b = superblock(&[section(5, &group(b"a", 1))]);
        assert_eq!(member().len(), 56);
        put(&mut b, HEAD + 8 + 42, &[0x10]);
        assert_eq!(reason(b), "disk has invalid group");
    }
}
