// SPDX-License-Identifier: GPL-2.0-only
//! Whether the pointers of a key make sense.

use super::rules::Rules;
use gc_core::bkey::{Entry, KeyRef, entry_range, stripe_key};
use gc_core::layout::value::STRIPE_HEAD_U64S;
use gc_core::layout::{
    CompressionType, CrcUnpacked, CsumType, ExtentCrc32, ExtentEntryType, ExtentPtr, KeyType, Le16,
    StripeValue,
};
use gc_disk::checksum;

/// Why not; the first entry that is wrong decides.
#[inline(always)]
pub(super) fn invalid(rules: &Rules<'_>, key: KeyRef<'_>) -> Option<&'static str> {
    // Most keys have one pointer, and perhaps a short checksum.
    let is = |word, type_| ExtentEntryType::of_word(word) == type_;
    match (key.k.type_, key.v) {
        (KeyType::EXTENT, &[word]) if is(word, ExtentEntryType::PTR) => {
            pointer(rules, key, ExtentPtr(word), u64::from(key.k.size), true)
        }
        (KeyType::EXTENT, &[crc, word])
            if is(crc, ExtentEntryType::CRC32) && is(word, ExtentEntryType::PTR) =>
        {
            let crc = Entry::Crc32(ExtentCrc32(crc)).crc(key.k.size)?;
            let size = u64::from(crc.compressed_size);
            let wrong = checksum_invalid(rules, &crc, &mut None);
            wrong.or_else(|| pointer(rules, key, ExtentPtr(word), size, true))
        }
        _ => entries_invalid(rules, key),
    }
}

/// Why a checksum entry makes no sense; `nonce` is that of those before it.
#[inline(always)]
fn checksum_invalid(
    rules: &Rules<'_>,
    crc: &CrcUnpacked,
    nonce: &mut Option<u32>,
) -> Option<&'static str> {
    let offset = u32::from(crc.offset);
    if offset.wrapping_add(crc.live_size) > crc.uncompressed_size {
        return Some("checksum offset + key size > uncompressed size");
    }
    if !checksum::valid(crc.csum_type, rules.key) {
        return Some("invalid checksum type");
    }
    if crc.compression_type.0 >= CompressionType::NR.0 {
        return Some("invalid compression type");
    }
    if checksum::encrypts(crc.csum_type) {
        let this = offset.wrapping_add(u32::from(crc.nonce));
        if *nonce.get_or_insert(this) != this {
            return Some("incorrect nonce");
        }
    }
    None
}

fn entries_invalid(rules: &Rules<'_>, key: KeyRef<'_>) -> Option<&'static str> {
    let mut size = match key.k.type_ {
        KeyType::BTREE_PTR => u64::from(rules.btree_node_sectors),
        KeyType::BTREE_PTR_V2 => key.node_pointer().map_or(0, |p| p.sectors.into()),
        _ => u64::from(key.k.size),
    };
    let mut nonce = None;
    let mut seen_pointer = false;
    let mut entries = key.entries();
    loop {
        let rest = entries.rest();
        let &word = rest.first()?;
        let type_ = ExtentEntryType::of_word(word);
        if type_.u64s().is_none() {
            return Some("invalid extent entry type");
        }
        if key.k.type_ == KeyType::BTREE_PTR && type_ != ExtentEntryType::PTR {
            return Some("has non ptr field");
        }
        // A checksum entry cut by the end of the value: the original reads on
        // past the key.
        let Some(entry) = entries.next() else { return Some("invalid extent entry type") };
        match entry {
            Entry::Ptr(ptr) => {
                let alone = !seen_pointer && entries.rest().is_empty();
                seen_pointer = true;
                if let Some(reason) = pointer(rules, key, ptr, size, alone) {
                    return Some(reason);
                }
            }
            Entry::StripePtr(_) => {}
            Entry::Crc32(_) | Entry::Crc64(_) | Entry::Crc128(_) => {
                let Some(crc) = entry.crc(key.k.size) else { continue };
                size = u64::from(crc.compressed_size);
                if let Some(reason) = checksum_invalid(rules, &crc, &mut nonce) {
                    return Some(reason);
                }
            }
        }
    }
}

#[inline(always)]
fn pointer(
    rules: &Rules<'_>,
    key: KeyRef<'_>,
    ptr: ExtentPtr,
    size: u64,
    alone: bool,
) -> Option<&'static str> {
    let Some(dev) = rules.member(ptr.dev()) else { return Some("pointer to invalid device") };
    if !alone && key.pointers().filter(|p| p.dev() == ptr.dev()).count() > 1 {
        return Some("multiple pointers to same device");
    }
    let bucket = u64::from(dev.bucket_size);
    if ptr.offset().wrapping_add(size) > dev.nbuckets.wrapping_mul(bucket) {
        return Some("offset past end of device");
    }
    if ptr.offset() < u64::from(dev.first_bucket).wrapping_mul(bucket) {
        return Some("offset before first bucket");
    }
    let within = if bucket.is_power_of_two() {
        ptr.offset() & bucket.wrapping_sub(1)
    } else {
        ptr.offset().checked_rem(bucket).unwrap_or(0)
    };
    (within.wrapping_add(size) > bucket).then_some("spans multiple buckets")
}

/// Whether the value of a stripe is long enough for its pointers, checksums and
/// block counts.
pub(super) fn stripe_fits(v: &[u64]) -> bool {
    let Some(head) = StripeValue::of(v) else { return false };
    let Some(csum_bytes) = stripe_key::csum_bytes(CsumType(head.csum_type)) else { return false };
    // The original shifts a 32-bit number, whose width is cut.
    let step = 1_u32.wrapping_shl(u32::from(head.csum_granularity_bits));
    let csums = usize::try_from(u32::from(head.sectors).div_ceil(step)).unwrap_or(usize::MAX);
    let blocks = usize::from(head.nr_blocks);
    // A pointer, checksums and a count of sectors each.
    let each = csums
        .saturating_mul(csum_bytes)
        .saturating_add(size_of::<ExtentPtr>())
        .saturating_add(size_of::<Le16>());
    let bytes = each.saturating_mul(blocks).saturating_add(size_of::<StripeValue>());
    size_of_val(v) >= bytes
        && entry_range(KeyType::STRIPE, v).end == blocks.saturating_add(STRIPE_HEAD_U64S)
}
