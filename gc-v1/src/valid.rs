// SPDX-License-Identifier: GPL-2.0-only
//! Whether a key is valid (facts: docs/facts/v1/layout.md 3 to 7). The first rule that does
//! not hold decides.

use crate::alloc::{self, Alloc};
use crate::checksum;
use crate::counter;
use crate::entries::{Entries, Entry, Stripe, is_compressed, type_of};
use crate::error_ids::ErrorId;
use crate::fs::Fs;
use crate::superblock::NO_DEVICE;
use crate::tables::{self, DataType, btree_row, key_row};
use gc_core::bkey::KeyRef;
use gc_core::layout::bits::{from16, from32, low8, low32};
use gc_core::layout::{CrcUnpacked, CsumType, ExtentPtr, POS_MAX};
use gc_disk::checksum::encrypts;

/// Most pointers of a key.
const POINTERS_MAX: usize = 16;
/// Compression types that are known.
const COMPRESSIONS: u8 = 6;
/// Most u64s of the value of a pointer to a node.
const BTREE_PTR_V2_MAX: usize = 15;
const BTREE_PTR_MAX: usize = 4;
/// Greatest time in an alloc key.
const IO_TIME_MAX: u64 = (1 << 48) - 1;
/// Least number of an inode.
const INODE_MIN: u64 = 4096;

/// Where a key lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Btree.
    pub btree: u8,
    /// Level of the node; leaves are 0.
    pub level: u8,
}

/// What is wrong with a key: the tool's error, and its words.
pub type Invalid = (ErrorId, String);

/// What keys are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    fs: &'a Fs,
}

fn bad<T>(id: ErrorId, text: impl Into<String>) -> Result<T, Invalid> {
    Err((id, text.into()))
}

impl<'a> Rules<'a> {
    /// For the keys of a file system.
    #[must_use]
    pub const fn new(fs: &'a Fs) -> Self {
        Self { fs }
    }

    /// What is wrong with a key, value included.
    #[must_use]
    pub fn key(&self, key: KeyRef<'_>, place: Place) -> Option<Invalid> {
        self.head(key, place).and_then(|()| self.value(key, place)).err()
    }

    /// What is wrong with a key without its value, but its least length.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn head(&self, key: KeyRef<'_>, place: Place) -> Result<(), Invalid> {
        let k = key.k;
        let p = k.p;
        if k.u64s < 5 {
            return bad(ErrorId::BKEY_U64S_TOO_SMALL, format!("u64s too small ({} < 5)", k.u64s));
        }
        let row = btree_row(place.btree);
        let type_ = k.type_.0;
        let allowed = if place.level > 0 {
            matches!(type_, tables::DELETED | tables::BTREE_PTR | tables::BTREE_PTR_V2)
        } else {
            match (row, key_row(type_)) {
                (Some(row), Some(key)) => {
                    !key.strict || type_ == tables::DELETED || row.types.contains(&type_)
                }
                _ => true,
            }
        };
        if !allowed {
            let name = row.map_or("(unknown)", |r| r.name);
            let what = key_row(type_).map_or("(unknown)", |r| r.name);
            let text = if place.level > 0 {
                format!("invalid key type for btree interior node ({what})")
            } else {
                format!("invalid key type for btree {name} ({what})")
            };
            return bad(ErrorId::BKEY_INVALID_TYPE_FOR_BTREE, text);
        }
        if place.level == 0 && row.is_none() {
            return Ok(());
        }
        let sized = place.level == 0 && row.is_some_and(|r| r.extents);
        let hides = matches!(type_, tables::DELETED | tables::WHITEOUT | tables::EXTENT_WHITEOUT);
        if sized && !hides {
            if k.size == 0 {
                return bad(ErrorId::BKEY_EXTENT_SIZE_ZERO, "size == 0");
            }
            if u64::from(k.size) > p.offset {
                let text = format!("size greater than offset ({} > {})", k.size, { p.offset });
                return bad(ErrorId::BKEY_EXTENT_SIZE_GREATER_THAN_OFFSET, text);
            }
        } else if !sized && k.size != 0 {
            return bad(ErrorId::BKEY_SIZE_NONZERO, format!("size != 0: {}", k.size));
        }
        if place.level == 0 {
            if let Some(row) = row {
                if row.snapshots && p.snapshot == 0 {
                    return bad(ErrorId::BKEY_SNAPSHOT_ZERO, "snapshot == 0");
                }
                if !row.snapshots && !row.snapshot_field && p.snapshot != 0 {
                    return bad(ErrorId::BKEY_SNAPSHOT_NONZERO, "nonzero snapshot");
                }
            }
            if p == POS_MAX {
                return bad(ErrorId::BKEY_AT_POS_MAX, "key at POS_MAX");
            }
        }
        Ok(())
    }

    /// What is wrong with the value of a key.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn value(&self, key: KeyRef<'_>, place: Place) -> Result<(), Invalid> {
        let type_ = key.k.type_.0;
        let Some(row) = key_row(type_) else { return Ok(()) };
        let bytes = key.v.len().saturating_mul(8);
        if row.empty && bytes != 0 {
            let text = format!("incorrect value size ({bytes} != 0)");
            return bad(ErrorId::BKEY_VAL_SIZE_NONZERO, text);
        }
        if bytes < usize::from(row.least) {
            let text = format!("bad val size ({bytes} < {})", row.least);
            return bad(ErrorId::BKEY_VAL_SIZE_TOO_SMALL, text);
        }
        self.of_type(key, place)
    }

    fn of_type(&self, key: KeyRef<'_>, _place: Place) -> Result<(), Invalid> {
        let (v, p) = (key.v, key.k.p);
        let word = |at: usize| v.get(at).copied().unwrap_or(0);
        match key.k.type_.0 {
            tables::BTREE_PTR => {
                if v.len() > BTREE_PTR_MAX {
                    return bad(ErrorId::BTREE_PTR_VAL_TOO_BIG, "value too big");
                }
                self.pointers(key)
            }
            tables::BTREE_PTR_V2 => {
                if v.len() > BTREE_PTR_V2_MAX {
                    let text = format!("value too big ({} > 15)", v.len());
                    return bad(ErrorId::BTREE_PTR_V2_VAL_TOO_BIG, text);
                }
                if key.child_min_key().is_some_and(|min| min >= p) {
                    return bad(ErrorId::BTREE_PTR_V2_MIN_KEY_BAD, "min_key > key");
                }
                self.pointers(key)
            }
            tables::EXTENT => self.pointers(key),
            tables::REFLINK_V => {
                if p.inode != 0 || p.offset > 1 << 56 {
                    return bad(ErrorId::REFLINK_V_POS_BAD, "bad position");
                }
                self.pointers(key)
            }
            tables::RESERVATION => {
                let nr = low8(word(0) >> 32);
                if nr == 0 || nr > 4 {
                    let text = format!("invalid nr_replicas ({nr})");
                    return bad(ErrorId::RESERVATION_KEY_NR_REPLICAS_INVALID, text);
                }
                Ok(())
            }
            tables::INODE | tables::INODE_V2 | tables::INODE_V3 => {
                if p.inode != 0 {
                    return bad(ErrorId::INODE_POS_INODE_NONZERO, "nonzero k.p.inode");
                }
                if p.offset < INODE_MIN {
                    let text = "fs inode in blockdev range";
                    return bad(ErrorId::INODE_POS_BLOCKDEV_RANGE, text);
                }
                if key.k.type_.0 == tables::INODE_V3 {
                    let start = (word(2) >> 31) & 0x1f;
                    let len = u64::try_from(v.len()).unwrap_or(u64::MAX);
                    if start < 6 || start > len {
                        let text = format!("invalid fields_start (got {start}, min 6 max {len})");
                        return bad(ErrorId::INODE_V3_FIELDS_START_BAD, text);
                    }
                }
                Ok(())
            }
            tables::ALLOC | tables::ALLOC_V2 | tables::ALLOC_V3 => match Alloc::of(key) {
                Ok(_) => Ok(()),
                Err(_) if key.k.type_.0 == tables::ALLOC_V2 => {
                    bad(ErrorId::ALLOC_V2_UNPACK_ERROR, "unpack error")
                }
                Err(_) if key.k.type_.0 == tables::ALLOC_V3 => {
                    bad(ErrorId::ALLOC_V3_UNPACK_ERROR, "unpack error")
                }
                Err(_) => bad(ErrorId::ALLOC_V1_VAL_SIZE_BAD, "incorrect value size"),
            },
            tables::ALLOC_V4 => alloc_v4(key),
            tables::BUCKET_GENS if v.len() != 32 => {
                let text = format!("bad val size ({} != 256)", v.len().saturating_mul(8));
                bad(ErrorId::BUCKET_GENS_VAL_SIZE_BAD, text)
            }
            tables::STRIPE => self.stripe(key),
            tables::REFLINK_P => {
                let (idx, front) = (word(0) & ((1 << 56) - 1), word(1) & 0xffff_ffff);
                if idx < front {
                    let text = format!("idx < front_pad ({idx} < {front})");
                    return bad(ErrorId::REFLINK_P_FRONT_PAD_BAD, text);
                }
                Ok(())
            }
            tables::BACKPOINTER => {
                if low8(word(0) >> 8) >= tables::MAX_DEPTH {
                    return bad(ErrorId::BACKPOINTER_LEVEL_BAD, "bad level");
                }
                Ok(())
            }
            tables::ACCOUNTING => counter::invalid(key).map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    fn stripe(&self, key: KeyRef<'_>) -> Result<(), Invalid> {
        let p = key.k.p;
        if p.inode != 0 || p.offset == 0 || p.offset > u64::from(u32::MAX) {
            return bad(ErrorId::STRIPE_POS_BAD, "stripe at bad pos");
        }
        let Some(stripe) = Stripe::of(key.v) else {
            return bad(ErrorId::STRIPE_VAL_SIZE_BAD, "incorrect value size");
        };
        let granularity = low8(key.v.first().copied().unwrap_or(0) >> 40);
        if stripe.sectors == 0 {
            return bad(ErrorId::STRIPE_SECTORS_ZERO, "invalid sectors zero");
        }
        if granularity > 30 {
            let text = format!("invalid csum granularity ({granularity} > 30)");
            return bad(ErrorId::STRIPE_CSUM_GRANULARITY_BAD, text);
        }
        let least = stripe
            .counts_at
            .saturating_add(usize::from(stripe.nr_blocks).saturating_mul(2))
            .div_ceil(8);
        if key.v.len() < least {
            let text = format!("incorrect value size ({} < {least})", key.v.len());
            return bad(ErrorId::STRIPE_VAL_SIZE_BAD, text);
        }
        Ok(())
    }

    /// Whether entries, and pointers among them, make sense.
    fn pointers(&self, key: KeyRef<'_>) -> Result<(), Invalid> {
        let node = matches!(key.k.type_.0, tables::BTREE_PTR | tables::BTREE_PTR_V2);
        let mut on_disk = if node { from16(self.fs.node_sectors()) } else { from32(key.k.size) };
        let mut seen = Seen::default();
        let lengths = |type_| self.fs.sb.extent_type_u64s(type_);
        let mut entries = Entries::of(key, &lengths);
        let mut first = true;
        for (entry, _) in entries.by_ref() {
            let allowed = matches!(
                entry,
                Entry::Ptr(_) | Entry::Reconcile(_) | Entry::ReconcileBp(_) | Entry::Other(9..)
            );
            if node && !allowed {
                return bad(ErrorId::BTREE_PTR_HAS_NON_PTR, "has non allowed field");
            }
            match entry {
                Entry::Ptr(ptr) => self.pointer(ptr, on_disk, &mut seen)?,
                Entry::Crc(crc) => {
                    self.crc(&crc, &mut seen)?;
                    on_disk = from32(crc.compressed_size);
                }
                Entry::Stripe(_) if seen.stripe => {
                    return bad(ErrorId::PTR_STRIPE_REDUNDANT, "redundant stripe entry");
                }
                Entry::Stripe(_) => seen.stripe = true,
                Entry::Reconcile(r) => {
                    if r.pending() && r.need_rb() == 0 {
                        let text = "pending with no need_rb";
                        return bad(ErrorId::EXTENT_RECONCILE_BAD_PENDING, text);
                    }
                    if r.hipri() && r.need_rb() & 1 == 0 {
                        let text = "hipri without need for replicas";
                        return bad(ErrorId::EXTENT_RECONCILE_BAD_HIPRI, text);
                    }
                    if r.data_replicas() == 0 {
                        let text = "bad replicas";
                        return bad(ErrorId::EXTENT_RECONCILE_BAD_REPLICAS, text);
                    }
                }
                Entry::Flags(_) if !first => {
                    let text = "extent flags entry not at start";
                    return bad(ErrorId::EXTENT_FLAGS_NOT_AT_START, text);
                }
                _ => {}
            }
            first = false;
        }
        if let Some(&word) = entries.rest().first() {
            let text = format!("invalid extent entry type (got {}, max 9)", type_of(word));
            return bad(ErrorId::EXTENT_PTRS_INVALID_ENTRY, text);
        }
        if seen.devs.is_empty() {
            return bad(ErrorId::EXTENT_PTRS_NO_PTRS, "no ptrs");
        }
        if seen.devs.len() > POINTERS_MAX {
            let text = format!("too many ptrs: {} > {POINTERS_MAX}", seen.devs.len());
            return bad(ErrorId::EXTENT_PTRS_TOO_MANY_PTRS, text);
        }
        if seen.written && seen.unwritten {
            let text = "extent with unwritten and written ptrs";
            return bad(ErrorId::EXTENT_PTRS_WRITTEN_AND_UNWRITTEN, text);
        }
        if key.k.type_.0 != tables::EXTENT && seen.unwritten {
            return bad(ErrorId::EXTENT_PTRS_UNWRITTEN, "has unwritten ptrs");
        }
        if seen.crc {
            return bad(ErrorId::EXTENT_PTRS_REDUNDANT_CRC, "redundant crc entry");
        }
        if seen.stripe {
            return bad(ErrorId::EXTENT_PTRS_REDUNDANT_STRIPE, "redundant stripe entry");
        }
        if !node && !seen.real {
            return bad(ErrorId::EXTENT_PTRS_ALL_INVALID, "extent without valid pointers");
        }
        Ok(())
    }

    fn pointer(&self, ptr: ExtentPtr, on_disk: u64, seen: &mut Seen) -> Result<(), Invalid> {
        let dev = ptr.dev();
        if dev != NO_DEVICE {
            if seen.devs.contains(&dev) {
                let text = format!("multiple pointers to same device ({dev})");
                return bad(ErrorId::PTR_TO_DUPLICATE_DEVICE, text);
            }
            if let Some(m) = self.fs.member(dev) {
                let (bucket, size) = (m.bucket_of(ptr.offset()), u64::from(m.bucket_size));
                if bucket >= m.nbuckets {
                    let text = format!("pointer past last bucket ({bucket} > {})", m.nbuckets);
                    return bad(ErrorId::PTR_AFTER_LAST_BUCKET, text);
                }
                if bucket < m.first_bucket {
                    let text =
                        format!("pointer before first bucket ({bucket} < {})", m.first_bucket);
                    return bad(ErrorId::PTR_BEFORE_FIRST_BUCKET, text);
                }
                let within = ptr.offset().checked_rem(size).unwrap_or(0);
                if within.saturating_add(on_disk) > size {
                    let text =
                        format!("pointer spans multiple buckets ({within} + {on_disk} > {size})");
                    return bad(ErrorId::PTR_SPANS_MULTIPLE_BUCKETS, text);
                }
            }
        }
        if ptr.cached() && seen.stripe {
            return bad(ErrorId::PTR_CACHED_AND_ERASURE_CODED, "cached, erasure coded ptr");
        }
        if dev != NO_DEVICE {
            let unwritten = ptr.0 & 1 << 3 != 0;
            seen.unwritten |= unwritten;
            seen.written |= !unwritten;
        }
        seen.real |= dev != NO_DEVICE || seen.stripe;
        seen.devs.push(dev);
        seen.stripe = false;
        seen.crc = false;
        Ok(())
    }

    fn crc(&self, crc: &CrcUnpacked, seen: &mut Seen) -> Result<(), Invalid> {
        if !checksum::usable(CsumType(crc.csum_type.0), self.fs.key.as_ref()) {
            return bad(ErrorId::PTR_CRC_CSUM_TYPE_UNKNOWN, "invalid checksum type");
        }
        if crc.compression_type.0 >= COMPRESSIONS {
            return bad(ErrorId::PTR_CRC_COMPRESSION_TYPE_UNKNOWN, "invalid compression type");
        }
        let offset = u32::from(crc.offset);
        if offset.saturating_add(crc.live_size) > crc.uncompressed_size {
            let text = "checksum offset + key size > uncompressed size";
            return bad(ErrorId::PTR_CRC_UNCOMPRESSED_SIZE_TOO_SMALL, text);
        }
        if !is_compressed(crc.compression_type.0) && crc.compressed_size != crc.uncompressed_size {
            let text = "not compressed but compressed != uncompressed size";
            return bad(ErrorId::PTR_CRC_UNCOMPRESSED_SIZE_MISMATCH, text);
        }
        if encrypts(crc.csum_type) {
            let nonce = offset.wrapping_add(u32::from(crc.nonce));
            if *seen.nonce.get_or_insert(nonce) != nonce {
                return bad(ErrorId::PTR_CRC_NONCE_MISMATCH, "incorrect nonce");
            }
        }
        if seen.crc {
            return bad(ErrorId::PTR_CRC_REDUNDANT, "redundant crc entry");
        }
        seen.crc = true;
        Ok(())
    }
}

/// What the entries before one were.
#[derive(Default)]
struct Seen {
    devs: Vec<u8>,
    /// A place in a stripe without its pointer yet.
    stripe: bool,
    /// A checksum without a pointer yet.
    crc: bool,
    nonce: Option<u32>,
    written: bool,
    unwritten: bool,
    /// A pointer that leads somewhere.
    real: bool,
}

fn alloc_v4(key: KeyRef<'_>) -> Result<(), Invalid> {
    let (start, nr) = alloc::v4_backpointers(key.v);
    let need = start.saturating_add(nr.saturating_mul(4));
    let have = u64::try_from(key.v.len()).unwrap_or(u64::MAX);
    if need > have {
        return bad(ErrorId::ALLOC_V4_VAL_SIZE_BAD, format!("bad val size ({need} > {have})"));
    }
    if start == 0 && nr != 0 {
        return bad(ErrorId::ALLOC_V4_BACKPOINTERS_START_BAD, "invalid backpointers_start");
    }
    let Ok(a) = Alloc::of(key) else { return Ok(()) };
    let state = a.state(a.data_type);
    if a.data_type != state {
        let text = format!("invalid data type (got {} should be {})", a.data_type.0, state.0);
        return bad(ErrorId::ALLOC_KEY_DATA_TYPE_BAD, text);
    }
    if a.io_time.iter().any(|t| *t > IO_TIME_MAX) {
        return bad(ErrorId::ALLOC_KEY_IO_TIME_BAD, "invalid io_time");
    }
    let stripe_sectors = if start < 8 { 0 } else { low32(u64::from(a.stripe_sectors)) };
    let (dirty, cached) = (a.dirty_sectors, a.cached_sectors);
    let filled = dirty != 0 || stripe_sectors != 0 || a.stripe_refcount != 0;
    let name = a.data_type.name();
    match a.data_type {
        t if t.is_empty() && (filled || cached != 0) => {
            let text = format!(
                "empty data type {name} but have data {cached}.{dirty}.{stripe_sectors} {}",
                a.stripe_refcount
            );
            bad(ErrorId::ALLOC_KEY_EMPTY_BUT_HAVE_DATA, text)
        }
        DataType::SB | DataType::JOURNAL | DataType::BTREE | DataType::USER | DataType::PARITY
            if !filled =>
        {
            let text = format!("data_type {name} but dirty_sectors==0");
            bad(ErrorId::ALLOC_KEY_DIRTY_SECTORS_0, text)
        }
        DataType::CACHED if filled || cached == 0 => {
            bad(ErrorId::ALLOC_KEY_CACHED_INCONSISTENCY, "data type inconsistency")
        }
        _ => Ok(()),
    }
}
