// SPDX-License-Identifier: GPL-2.0-only
//! Whether the content of a superblock makes sense; the original's order and
//! reasons.

use super::layout;
use super::{FEATURES, Superblock, VERSION_BKEY_RENUMBER, VERSION_MIN};
use crate::error::SbError;
use gc_core::accounting::replicas::section::{self, Form};
use gc_core::layout::section::{
    BlacklistRange, CryptFlags, DiskGroup, SbBlacklist, SbClean, SbCrypt, SbDiskGroups,
    SbFieldType, SbQuota,
};
use zerocopy::FromBytes;

const REPLICAS_MAX: u64 = 4;
const CSUM_OPTS: u64 = 3;
const COMPRESSION_OPTS: u64 = 4;

/// # Errors
/// The first rule that does not hold.
pub fn validate(sb: &Superblock) -> Result<(), SbError> {
    head(sb)?;
    layout::validate(sb.layout())?;
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
    let covered = sb.sections().fold(0_usize, |n, (_, b)| n.saturating_add(b.len()));
    check(covered == sb.sections.len(), "Invalid superblock: invalid optional field")
}

fn members(sb: &Superblock) -> Result<(), SbError> {
    let Some(slots) = sb.slots() else {
        return Err("Invalid superblock: member info area missing".into());
    };
    check(slots.len() >= usize::from(sb.nr_devices()), "Invalid superblock: bad member info")?;
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

fn one_section(sb: &Superblock, type_: SbFieldType, bytes: &[u8]) -> Result<(), SbError> {
    let replicas = |form| {
        let content = sb.content(type_).unwrap_or(&[]);
        section::validate(content, form, |d| sb.member(d).is_some()).map_err(SbError::Replicas)
    };
    // The original looks a section up again by type: the first one counts.
    match type_ {
        SbFieldType::JOURNAL => journal(sb),
        SbFieldType::CRYPT => {
            let Ok(crypt) = SbCrypt::ref_from_bytes(bytes) else {
                return Err("invalid field crypt: wrong size".into());
            };
            let kdf = CryptFlags(crypt.flags.get()).kdf_type();
            check(kdf == 0, "invalid field crypt: bad kdf type")
        }
        SbFieldType::REPLICAS_V0 => replicas(Form::V0),
        SbFieldType::REPLICAS => replicas(Form::V1),
        SbFieldType::QUOTA => {
            check(bytes.len() == size_of::<SbQuota>(), "invalid field quota: wrong size")
        }
        SbFieldType::DISK_GROUPS => disk_groups(sb),
        SbFieldType::CLEAN => {
            check(bytes.len() >= size_of::<SbClean>(), "invalid field crypt: wrong size")
        }
        SbFieldType::JOURNAL_SEQ_BLACKLIST => blacklist(bytes),
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
    let section = sb.section(SbFieldType::DISK_GROUPS).unwrap_or(&[]);
    let groups = SbDiskGroups::ref_from_prefix(section).map_or(&[][..], |(s, _)| &s.groups);
    let deleted = |g: &DiskGroup| g.flag_bits().deleted();
    let label =
        |g: &DiskGroup| -> Vec<u8> { g.label.iter().take_while(|b| **b != 0).copied().collect() };
    for m in (0..sb.nr_devices()).filter_map(|i| sb.member_slot(i)) {
        let Some(g) = m.group.checked_sub(1) else { continue };
        let group = groups.get(usize::from(g));
        check(group.is_some_and(|g| !deleted(g)), "disk has invalid group")?;
    }
    let live = || groups.iter().filter(|g| !deleted(g));
    check(live().all(|g| !label(g).is_empty()), "group with empty label")?;
    let mut ids: Vec<_> = live().map(|g| (g.flag_bits().parent(), label(g))).collect();
    ids.sort();
    let twice = ids.windows(2).any(|w| matches!(w, [a, b] if a == b));
    check(!twice, "duplicate groups")
}

fn blacklist(section: &[u8]) -> Result<(), SbError> {
    let ranges = SbBlacklist::ref_from_prefix(section).map_or(&[][..], |(s, _)| &s.ranges);
    for (i, BlacklistRange { start, end }) in ranges.iter().enumerate() {
        check(start < end, "entry start >= end")?;
        if let Some(next) = ranges.get(i.saturating_add(1)) {
            check(*end <= next.start, "entries out of order")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::superblock::HEAD;
    use crate::testing::{member, sb_of, section, superblock};
    use gc_core::layout::section::{DiskGroupFlags, Member, SbField, SbMembers};
    use gc_core::layout::superblock::{SbFlags0, SbFlags1};
    use gc_core::layout::{Le64, Sb};
    use zerocopy::{FromZeros, IntoBytes};

    fn reason(bytes: Vec<u8>) -> String {
        let sb = Superblock::new(&bytes).unwrap();
        validate(&sb).err().map(|e| e.to_string()).unwrap_or_default()
    }

    fn bent(change: impl FnOnce(&mut Sb)) -> String {
        let mut b = superblock(&[]);
        change(sb_of(&mut b));
        reason(b)
    }

    // Oracle: rules and texts of docs/facts/superblock.md, one bent field each.
    #[test]
    fn each_rule_of_the_head() {
        assert_eq!(reason(superblock(&[])), "");
        let flags0 = |change: fn(SbFlags0) -> SbFlags0| {
            bent(|sb| sb.flags[0] = change(sb.flags0()).0.into())
        };
        let flags1 = |change: fn(SbFlags1) -> SbFlags1| {
            bent(|sb| sb.flags[1] = change(sb.flags1()).0.into())
        };
        let features = "Filesystem has incompatible features";
        let devices = "Bad number of member devices";
        let metadata = "Invalid number of metadata replicas";
        let node_size = "Btree node size not a power of two";
        let overlap = "Invalid superblock layout: superblocks overlap";
        let cases = [
            (bent(|sb| sb.version_min = 8.into()), "Unsupported superblock version"),
            (bent(|sb| sb.version_min = 12.into()), "Bad minimum version"),
            (bent(|sb| sb.features[1] = 1.into()), features),
            (bent(|sb| sb.features[0] = (1 << 14).into()), features),
            (bent(|sb| sb.block_size = 3.into()), "Bad block size"),
            (bent(|sb| sb.block_size = 16.into()), "Bad block size"),
            (bent(|sb| sb.user_uuid = [0; 16]), "Bad user UUID"),
            (bent(|sb| sb.uuid = [0; 16]), "Bad internal UUID"),
            (bent(|sb| sb.dev_idx = 1), devices),
            (bent(|sb| sb.nr_devices = 0), devices),
            (flags0(|f| f.with_meta_replicas_want(0)), metadata),
            (flags0(|f| f.with_meta_replicas_want(4)), metadata),
            (flags1(|f| f.with_data_replicas_req(0)), "Invalid number of data replicas"),
            (flags0(|f| f.with_meta_csum_type(3)), "Invalid metadata checksum type"),
            (flags1(|f| f.with_compression_type(4)), "Invalid compression type"),
            (flags0(|f| f.with_btree_node_size(3)), node_size),
            (flags0(|f| f.with_btree_node_size(0)), "Btree node size not set"),
            (flags0(|f| f.with_gc_reserve(1)), "gc reserve percentage too small"),
            (bent(|sb| sb.time_precision = 0.into()), "invalid time precision"),
            (bent(|sb| sb.layout.magic[0] = 0), "Not a bcachefs superblock layout"),
            (bent(|sb| sb.layout.layout_type = 1), "Invalid superblock layout type"),
            (bent(|sb| sb.layout.nr_superblocks = 0), "Invalid superblock layout: no superblocks"),
            (bent(|sb| sb.layout.sb_offset[1] = 23.into()), overlap),
            (
                bent(|sb| sb.layout.nr_superblocks = 62),
                "Invalid superblock layout: too many superblocks",
            ),
            (bent(|sb| sb.nr_devices = 2), "Invalid superblock: bad member info"),
        ];
        for (got, want) in cases {
            assert_eq!(got, want);
        }
        let field = |change: fn(&mut SbField)| {
            let mut b = superblock(&[]);
            change(SbField::mut_from_prefix(&mut b[HEAD..]).unwrap().0);
            reason(b)
        };
        let invalid = "Invalid superblock: invalid optional field";
        assert_eq!(field(|f| f.u64s = 0.into()), invalid);
        assert_eq!(field(|f| f.u64s = 200.into()), invalid);
        let missing = "Invalid superblock: member info area missing";
        assert_eq!(field(|f| f.type_ = 77.into()), missing);
    }

    // Oracle: the table of the same page for members, one bent field of the first slot
    // each.
    #[test]
    fn members() {
        let bent = |change: fn(&mut Member)| {
            let mut b = superblock(&[]);
            let (section, _) = SbMembers::mut_from_prefix(&mut b[HEAD..]).unwrap();
            change(&mut section.members[0]);
            reason(b)
        };
        assert_eq!(bent(|m| m.nbuckets = (1 << 63 | 64).into()), "Too many buckets");
        assert_eq!(bent(|m| m.nbuckets = 63.into()), "Not enough buckets");
        let node = "bucket size smaller than btree node size";
        assert_eq!(bent(|m| m.bucket_size = 4.into()), node);
        assert_eq!(bent(|m| m.bucket_size = 0.into()), "bucket size smaller than block size");
    }

    // Oracle: the section table of docs/facts/superblock.md.
    #[test]
    fn sections() {
        let words = |w: &[u64]| w.as_bytes().to_vec();
        let journal = |w: &[u64]| reason(superblock(&[section(SbFieldType::JOURNAL, w)]));
        assert_eq!(journal(&[9, 4, 5]), "");
        assert_eq!(journal(&[]), "");
        assert_eq!(journal(&[4, 0]), "journal bucket at sector 0");
        assert_eq!(journal(&[4, 64]), "journal bucket past end of device");
        assert_eq!(journal(&[4, 5, 4]), "duplicate journal buckets");
        let one =
            |type_, content: &[u8]| reason(superblock(&[section(SbFieldType(type_), content)]));
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
        let group = |label: &[u8], flags: DiskGroupFlags| {
            let mut g = DiskGroup::new_zeroed();
            g.label[..label.len()].copy_from_slice(label);
            g.flags[0] = Le64::new(flags.0);
            g
        };
        let of = |groups: &[DiskGroup]| section(SbFieldType::DISK_GROUPS, groups);
        let all = |groups: &[DiskGroup]| reason(superblock(&[of(groups)]));
        let none = DiskGroupFlags::default();
        let (deleted, child) = (none.with_deleted(true), none.with_parent(1));
        assert_eq!(all(&[group(b"a", none), group(b"b", none), group(b"a", deleted)]), "");
        assert_eq!(all(&[group(b"a", none), group(b"", none)]), "group with empty label");
        assert_eq!(all(&[group(b"a", none), group(b"a", none)]), "duplicate groups");
        assert_eq!(all(&[group(b"a", child), group(b"a", none)]), "");
        let mut b = superblock(&[of(&[group(b"a", deleted)])]);
        let mut in_group = member();
        in_group.flags[0] = in_group.flag_bits().with_group(1).0.into();
        let (section, _) = SbMembers::mut_from_prefix(&mut b[HEAD..]).unwrap();
        section.members[0] = in_group;
        assert_eq!(reason(b), "disk has invalid group");
    }
}
