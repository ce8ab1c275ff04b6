// SPDX-License-Identifier: GPL-2.0-only
//! Plain keys: counted here, in the buckets and by the table that the host lends.
//!
//! Marking does not commute, so a key is counted either here or by the host,
//! whole, in the order of the walk: what each key meets is what it met if the host
//! counted all. Whatever has a finding, needs a repair or is rare is the host's.

use crate::accounting::generation::gen_after;
use crate::accounting::replicas::{EntryRef, View};
use crate::accounting::sectors::Scale;
use crate::bkey::{Entry, KeyRef, NodeFormat, RawKey, entry_range};
use crate::error::Result;
use crate::host::{Devices, Host};
use crate::layout::extent::{ExtentCrc32, ExtentEntryType};
use crate::layout::usage::FS_USAGE_U64S;
use crate::layout::{Bucket, BucketMark, DataType, ExtentPtr, KeyType};
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

/// Words of `struct bch_fs_usage` (source: [`crate::layout::FsUsage`]).
const BTREE: usize = 2;
const DATA: usize = 3;
const CACHED: usize = 4;
const RESERVED: usize = 5;
const NR_INODES: usize = 6;
const PERSISTENT_RESERVED: usize = 7;

/// Pointers of a key that are counted here; those of longer keys are the host's.
const POINTERS: usize = 4;

/// A set of devices as it is looked up: bytes of an entry, the first lowest.
/// As long as it has at most [`POINTERS`] devices it fits.
type Packed = u64;

/// The set of one copy.
#[inline]
const fn one_on(data_type: DataType, dev: u8) -> Packed {
    Packed::from_le_bytes([data_type.0, 1, 1, dev, 0, 0, 0, 0])
}

/// The word that sums up all sets of a data type.
#[inline]
fn sum_of(data_type: DataType) -> usize {
    match data_type {
        DataType::BTREE => BTREE,
        DataType::CACHED => CACHED,
        _ => DATA,
    }
}

/// Where the counter of a set is, for sets looked up lately.
#[derive(Clone, Copy)]
struct Known {
    set: Packed,
    word: usize,
}

/// Counts plain keys, and keeps the sums until they are handed over.
pub(super) struct Plain<'h> {
    replicas: View<'h>,
    node_sectors: u32,
    /// In the order of the usage's words; those of the table's entries follow.
    sums: Vec<u64>,
    counted: bool,
    /// By the set's hash. No set is 0.
    known: [Known; 16],
}

/// A pointer that can be counted.
#[derive(Clone, Copy)]
struct Place<'a> {
    bucket: &'a Bucket,
    mark: BucketMark,
    gen_: u8,
}

/// What a key's pointers come to.
struct Counts<'a> {
    places: [Option<Place<'a>>; POINTERS],
    nr: usize,
    dirty: u64,
    devs: [u8; POINTERS],
    nr_devs: usize,
    cached: [(usize, u64); POINTERS],
    nr_cached: usize,
}

impl<'h> Plain<'h> {
    /// With the table that the host has now; `None` where the host counts all keys.
    ///
    /// # Errors
    /// When memory is short.
    pub(super) fn new<H: Host + ?Sized>(host: &'h H) -> Result<Option<Self>> {
        let Some(lent) = host.counters() else { return Ok(None) };
        let mut sums = Vec::new();
        let nr = lent.replicas.len().saturating_add(FS_USAGE_U64S);
        sums.try_reserve_exact(nr)?;
        sums.extend(core::iter::repeat_n(0, nr));
        Ok(Some(Self {
            replicas: lent.replicas,
            node_sectors: lent.btree_node_size.into(),
            sums,
            counted: false,
            known: [Known { set: 0, word: 0 }; 16],
        }))
    }

    /// Hands over what was counted.
    pub(super) fn hand_over<H: Host + ?Sized>(&mut self, host: &H) {
        if !core::mem::take(&mut self.counted) {
            return;
        }
        // What each set has counts for its data type, too.
        for (entry, word) in self.replicas.iter().zip(FS_USAGE_U64S..) {
            let n = self.sums.get(word).copied().unwrap_or(0);
            self.add(sum_of(entry.data_type()), n);
        }
        host.usage_add(&self.sums);
        self.sums.fill(0);
    }

    #[inline]
    fn add(&mut self, word: usize, v: u64) {
        if let Some(sum) = self.sums.get_mut(word) {
            *sum = sum.wrapping_add(v);
        }
    }

    /// Counts plain keys of a set from its first on, none of a version above
    /// `key_version`; says what is left, from the first that is not plain.
    #[inline(never)]
    pub(super) fn count_all<'w, H: Host + ?Sized>(
        &mut self,
        devices: &Devices<'h, H>,
        format: &NodeFormat,
        words: &'w [u64],
        key_version: u64,
    ) -> &'w [u64] {
        self.counted = true;
        let mut left = words;
        while let Some((Ok(raw), rest)) = RawKey::split_first(format, left) {
            let (size, version) = format.unpack_size_version(raw);
            // Most keys are extents with a lone pointer, and not of a newer version.
            let plain = match lone(raw, size) {
                Some((ptr, sectors)) if version <= key_version => {
                    self.pointer(devices, ptr, sectors, DataType::USER)
                }
                _ if raw.is_whiteout() => true,
                _ => version <= key_version && self.count(devices, raw.type_(), size, raw.value()),
            };
            if !plain {
                break;
            }
            left = rest;
        }
        left
    }

    /// Counts a key, if it is a plain one; else nothing has changed.
    pub(super) fn count_key<H: Host + ?Sized>(
        &mut self,
        devices: &Devices<'h, H>,
        key: KeyRef<'_>,
    ) -> bool {
        self.counted = true;
        self.count(devices, key.k.type_, key.k.size, key.v)
    }

    #[inline(always)]
    fn count<H: Host + ?Sized>(
        &mut self,
        devices: &Devices<'h, H>,
        type_: KeyType,
        size: u32,
        v: &[u64],
    ) -> bool {
        match type_ {
            KeyType::EXTENT | KeyType::REFLINK_V => {
                let Some(words) = v.get(entry_range(type_, v)) else { return false };
                self.pointers(devices, words, DataType::USER, size)
            }
            KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2 => {
                let Some(words) = v.get(entry_range(type_, v)) else { return false };
                self.pointers(devices, words, DataType::BTREE, size)
            }
            KeyType::INODE => {
                self.add(NR_INODES, 1);
                true
            }
            KeyType::RESERVATION => self.reservation(size, v),
            KeyType::STRIPE => false,
            // Alloc keys are not counted by mark and sweep, the others hold nothing.
            other => other.0 < KeyType::MAX.0,
        }
    }

    fn reservation(&mut self, size: u32, v: &[u64]) -> bool {
        let &[word, ..] = v else { return false };
        let [_, _, _, _, replicas, ..] = word.to_le_bytes();
        let sectors = u64::from(size).wrapping_mul(u64::from(replicas));
        let level = usize::from(replicas.clamp(1, 4)).wrapping_sub(1);
        self.add(RESERVED, sectors);
        self.add(PERSISTENT_RESERVED.wrapping_add(level), sectors);
        true
    }

    /// Counts a key with one dirty pointer to so many sectors on disk.
    #[inline(always)]
    fn pointer<H: Host + ?Sized>(
        &mut self,
        devices: &Devices<'h, H>,
        ptr: ExtentPtr,
        sectors: u32,
        data_type: DataType,
    ) -> bool {
        let Some(place) = find(devices, ptr, false, sectors, data_type) else { return false };
        let Some(word) = self.word_of(one_on(data_type, ptr.dev())) else { return false };
        place.count();
        self.add(word, sectors.into());
        true
    }

    /// Counts a key with any pointers: first looked at whole, then counted whole.
    #[inline(never)]
    fn pointers<H: Host + ?Sized>(
        &mut self,
        devices: &Devices<'h, H>,
        words: &[u64],
        data_type: DataType,
        size: u32,
    ) -> bool {
        let Some(counts) = self.look(devices, words, data_type, size) else { return false };
        let own = (counts.nr_devs != 0).then(|| counts.own_set(data_type));
        let own = match own.map(|set| self.word_of(set)) {
            None => None,
            Some(None) => return false,
            Some(word) => word,
        };

        counts.places.iter().flatten().for_each(Place::count);
        if let Some(word) = own {
            self.add(word, counts.dirty);
        }
        for &(word, n) in counts.cached.iter().take(counts.nr_cached) {
            self.add(word, n);
        }
        true
    }

    /// What the pointers of a key come to; `None` unless all of them are plain.
    #[inline]
    fn look<'a, H: Host + ?Sized>(
        &mut self,
        devices: &'a Devices<'h, H>,
        words: &[u64],
        data_type: DataType,
        size: u32,
    ) -> Option<Counts<'a>> {
        // Sizes of the checksum entry in force.
        let (mut n, mut d) = (size, size);
        let mut counts = Counts::new();
        let mut rest = words;
        while let Some((entry, behind)) = Entry::split_first(rest) {
            rest = behind;
            match entry {
                Entry::Ptr(ptr) => {
                    let on_disk = if data_type == DataType::BTREE {
                        self.node_sectors
                    } else {
                        on_disk(size, n, d)?
                    };
                    counts.push(find(devices, ptr, ptr.cached(), on_disk, data_type)?)?;
                    let on_disk = u64::from(on_disk);
                    if ptr.cached() {
                        let word = self.word_of(one_on(DataType::CACHED, ptr.dev()))?;
                        counts.push_cached(word, on_disk)?;
                    } else {
                        counts.push_dev(ptr.dev())?;
                        counts.dirty = counts.dirty.wrapping_add(on_disk);
                    }
                }
                // Pointers into stripes count in the stripe too.
                Entry::StripePtr(_) => return None,
                Entry::Crc32(_) | Entry::Crc64(_) | Entry::Crc128(_) => {
                    let crc = entry.crc(size)?;
                    (n, d) = (crc.compressed_size, crc.uncompressed_size);
                }
            }
        }
        rest.is_empty().then_some(counts)
    }

    /// The word of a set's counter; `None` if the table does not have the set.
    #[inline]
    fn word_of(&mut self, set: Packed) -> Option<usize> {
        // Multiplied by a number with many bits, the top ones depend on all of it.
        let [.., top] = set.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        let slot = usize::from(top >> 4);
        match self.known.get(slot) {
            Some(known) if known.set == set => Some(known.word),
            _ => self.look_up(set, slot),
        }
    }

    #[cold]
    fn look_up(&mut self, set: Packed, slot: usize) -> Option<usize> {
        let index = self.replicas.find(EntryRef::first_of(&set.to_le_bytes())?)?;
        let word = index.checked_add(FS_USAGE_U64S).filter(|w| *w < self.sums.len())?;
        if let Some(known) = self.known.get_mut(slot) {
            *known = Known { set, word };
        }
        Some(word)
    }
}

/// The pointer of an extent that has one only, a dirty one, perhaps with a short
/// checksum of data stored as it is, and its sectors on disk.
#[inline(always)]
fn lone(raw: RawKey<'_>, size: u32) -> Option<(ExtentPtr, u32)> {
    if raw.type_() != KeyType::EXTENT {
        return None;
    }
    let word = match *raw.value() {
        [word] => word,
        [crc, word] if ExtentEntryType::of_word(crc) == ExtentEntryType::CRC32 => {
            let crc = ExtentCrc32(crc);
            if crc.compressed_size_raw() != crc.uncompressed_size_raw() {
                return None;
            }
            word
        }
        _ => return None,
    };
    let ptr = ExtentPtr(word);
    let is_ptr = ExtentEntryType::of_word(word) == ExtentEntryType::PTR;
    // Then the size times that of a short checksum does not wrap, and the division by
    // the same undoes the multiplication.
    let small = size.wrapping_sub(1) < (1 << 16) - 1;
    (is_ptr && !ptr.cached() && small).then_some((ptr, size))
}

/// Sectors on disk of a whole key of `size` sectors, with `n` sectors stored a `d`
/// sectors of data; `None` where that is no number a bucket can have.
#[inline]
fn on_disk(size: u32, n: u32, d: u32) -> Option<u32> {
    // Then nothing wraps, and the division undoes the multiplication.
    if n == d && size < 1 << 16 && n < 1 << 15 && size != 0 && n != 0 {
        return Some(size);
    }
    scaled(size, n, d)
}

#[cold]
fn scaled(size: u32, n: u32, d: u32) -> Option<u32> {
    let scale = Scale { live: size, offset: 0, delta: size.into(), flags: 0 };
    let sectors = scale.on_disk(n, d).ok()?;
    // A key without sectors is refused; a share of none cannot be.
    u32::try_from(sectors).ok().filter(|_| size != 0)
}

/// The bucket of a pointer and the mark it gets; `None` unless the pointer is plain:
/// a current generation that is known, nothing else in the bucket, and room.
#[inline(always)]
fn find<'a, H: Host + ?Sized>(
    devices: &'a Devices<'_, H>,
    ptr: ExtentPtr,
    cached: bool,
    on_disk: u32,
    data_type: DataType,
) -> Option<Place<'a>> {
    let dev = devices.get(ptr.dev())?;
    let b = dev.bucket_of(ptr.offset())?;
    let bucket = dev.gc.get(b)?;
    // Where a generation is known, the stretch has been touched.
    if !bucket.gen_valid() {
        return None;
    }
    let gen_ = ptr.gen_();
    let mark = plain_mark(bucket.load_mark(Relaxed), gen_, cached, on_disk, data_type)?;
    Some(Place { bucket, mark, gen_ })
}

/// One sector, as a mark has it.
const DIRTY_ONE: u64 = BucketMark(0).with_dirty_sectors(1).0;
const CACHED_ONE: u64 = BucketMark(0).with_cached_sectors(1).0;

/// [`count_pointer`](crate::accounting::count_pointer) where it counts, from the mark's
/// word: the same generation, the same or no type, and no overflow.
#[inline(always)]
fn plain_mark(
    mark: BucketMark,
    ptr_gen: u8,
    cached: bool,
    on_disk: u32,
    data_type: DataType,
) -> Option<BucketMark> {
    let held = mark.data_type();
    let (has, one) = if cached {
        (mark.cached_sectors(), CACHED_ONE)
    } else {
        (mark.dirty_sectors(), DIRTY_ONE)
    };
    let sum = u32::from(has).checked_add(on_disk)?;
    let fits = sum <= u32::from(u16::MAX) && on_disk != 0;
    if mark.gen_() != ptr_gen || !fits || (held != DataType::NONE && held != data_type) {
        return None;
    }
    // There is room for the sum in its field, so that no other field changes.
    let counted = mark.0.wrapping_add(one.wrapping_mul(u64::from(on_disk)));
    Some(BucketMark(counted).with_data_type(data_type))
}

impl Place<'_> {
    #[inline]
    fn count(&self) {
        self.bucket.mark.store(self.mark.0, Relaxed);
        if gen_after(self.bucket.oldest_gen.load(Relaxed), self.gen_) != 0 {
            self.bucket.oldest_gen.store(self.gen_, Relaxed);
        }
    }
}

/// The place for one more, which is counted.
#[inline]
fn next<'a, T>(all: &'a mut [T; POINTERS], nr: &mut usize) -> Option<&'a mut T> {
    let slot = all.get_mut(*nr)?;
    *nr = nr.wrapping_add(1);
    Some(slot)
}

impl<'a> Counts<'a> {
    #[inline]
    const fn new() -> Self {
        Self {
            places: [None; POINTERS],
            nr: 0,
            dirty: 0,
            devs: [0; POINTERS],
            nr_devs: 0,
            cached: [(0, 0); POINTERS],
            nr_cached: 0,
        }
    }

    /// Two pointers into one bucket would each see the mark without the other.
    #[inline]
    fn push(&mut self, place: Place<'a>) -> Option<()> {
        let same = |p: &Option<Place<'_>>| p.is_some_and(|p| core::ptr::eq(p.bucket, place.bucket));
        if self.nr != 0 && self.places.iter().any(same) {
            return None;
        }
        *next(&mut self.places, &mut self.nr)? = Some(place);
        Some(())
    }

    #[inline]
    fn push_cached(&mut self, word: usize, n: u64) -> Option<()> {
        *next(&mut self.cached, &mut self.nr_cached)? = (word, n);
        Some(())
    }

    #[inline]
    fn push_dev(&mut self, dev: u8) -> Option<()> {
        *next(&mut self.devs, &mut self.nr_devs)? = dev;
        Some(())
    }

    /// The set of all dirty pointers, devices sorted.
    #[inline]
    fn own_set(&self, data_type: DataType) -> Packed {
        let mut devs = self.devs;
        if self.nr_devs > 1 {
            if let Some(used) = devs.get_mut(..self.nr_devs) {
                used.sort_unstable();
            }
        }
        let [a, b, c, d] = devs;
        let [nr, ..] = self.nr_devs.to_le_bytes();
        Packed::from_le_bytes([data_type.0, nr, 1, a, b, c, d, 0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::count_pointer;
    use crate::layout::{Bkey, BkeyFormat, Bpos};
    use std::vec;

    // Oracle: the accounting proper, over all types and flags, and counts at the edges.
    #[test]
    fn a_plain_mark_is_the_mark() {
        let counts = [0_u16, 1, 2, 65533, 65534, 65535];
        let mut plain = 0;
        for flags in 0..64_u64 {
            for (dirty, cached) in counts.iter().flat_map(|&d| counts.map(|c| (d, c))) {
                let mark = BucketMark(flags << 8 | 0x1234 << 48 | 7)
                    .with_dirty_sectors(dirty)
                    .with_cached_sectors(cached);
                for (t, is_cached, gen_) in
                    [(3, false, 7), (4, false, 7), (4, true, 7), (4, true, 6)]
                {
                    let ptr = ExtentPtr::new(0, 8, gen_).with_cached(is_cached);
                    for n in [0_u32, 1, 2, 65535, 65536, u32::MAX] {
                        let got = plain_mark(mark, gen_, is_cached, n, DataType(t));
                        let want = count_pointer(mark, ptr, n.into(), DataType(t)).ok().flatten();
                        // None at all, and what wraps round, are left to the host.
                        let want = want.filter(|_| n != 0 && n <= 1 << 16);
                        assert_eq!(got, want, "{mark:?} {ptr:?} {n}");
                        plain += u32::from(got.is_some());
                    }
                }
            }
        }
        assert!(plain > 1000);
    }

    // Oracle: the accounting's own share.
    #[test]
    fn sectors_on_disk() {
        for size in [0_u32, 1, 7, 8, 128, 65535, 65536, 1 << 20, u32::MAX] {
            for (n, d) in [(1, 1), (8, 8), (3, 8), (8192, 8192), (size, size), (0, 8), (8, 0)] {
                let scale = Scale { live: size, offset: 0, delta: size.into(), flags: 0 };
                let want = scale.on_disk(n, d).ok().filter(|_| size != 0);
                assert_eq!(on_disk(size, n, d).map(i64::from), want, "{size} {n} {d}");
            }
        }
    }

    fn extent(size: u32, v: &[u64], check: impl FnOnce(RawKey<'_>, &NodeFormat)) {
        let mut k = Bkey::new(Bpos::new(1, u64::from(size)), size);
        k.type_ = KeyType::EXTENT;
        let format = NodeFormat::new(&BkeyFormat::CURRENT).unwrap();
        let head = u64::from(5 + v.len() as u8) | 1 << 8 | u64::from(k.type_.0) << 16;
        let words: Vec<u64> = [head, 0, u64::from(size), u64::from(size), 1]
            .into_iter()
            .chain(v.iter().copied())
            .collect();
        let (raw, _) = RawKey::split_first(&format, &words).unwrap();
        check(raw.unwrap(), &format);
    }

    // Oracle: the accounting's own share, and which entries a value has.
    #[test]
    fn lone_pointers() {
        let ptr = ExtentPtr::new(3, 4096, 9);
        let crc = |n: u32, d: u32| {
            ExtentCrc32(2).with_compressed_size_raw(n - 1).with_uncompressed_size_raw(d - 1).0
        };
        for size in [0, 1, 8, 128, 65535, 65536, u32::MAX] {
            for v in [vec![ptr.0], vec![crc(1, 1), ptr.0], vec![crc(128, 128), ptr.0]] {
                let (n, d) = if v.len() == 1 { (size, size) } else { (128, 128) };
                extent(size, &v, |raw, format| {
                    assert_eq!(format.unpack_size_version(raw).0, size);
                    let want = (1..65536).contains(&size).then_some((ptr, size));
                    assert_eq!(lone(raw, size), want);
                    if let Some((_, sectors)) = want {
                        assert_eq!(on_disk(size, n, d), Some(sectors));
                    }
                });
            }
        }
        let others = [
            vec![],
            vec![crc(4, 8), ptr.0],
            vec![ptr.with_cached(true).0],
            vec![ptr.0, ptr.0],
            vec![crc(8, 8)],
            vec![0, ptr.0],
            vec![16, ptr.0],
            vec![crc(8, 8), ptr.0, ptr.0],
        ];
        for v in others {
            extent(8, &v, |raw, _| assert_eq!(lone(raw, 8), None, "{v:x?}"));
        }
    }
}
