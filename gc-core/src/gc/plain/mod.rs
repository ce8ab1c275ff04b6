// SPDX-License-Identifier: GPL-2.0-only
//! Plain keys: counted here, in the buckets and by the table that the host lends.
//!
//! Marking does not commute, so a key is counted either here or by the host,
//! whole, in the order of the walk: what each key meets is what it met if the host
//! counted all. Whatever has a finding, needs a repair or is rare is the host's.

mod counts;
mod place;

use crate::accounting::replicas::{EntryRef, View};
use crate::bkey::{
    CountsIn, KeyRef, NodeFormat, PointerValue, RawKey, References, lone_sectors, references,
};
use crate::error::Result;
use crate::host::{Devices, Host};
use crate::layout::usage::FS_USAGE_U64S;
use crate::layout::{DataType, ExtentPtr, KeyType};
use alloc::vec::Vec;
use counts::{Counts, Packed, one_on};
use place::{Place, find};

/// Words of `struct bch_fs_usage` (source: [`crate::layout::FsUsage`]).
const BTREE: usize = 2;
const DATA: usize = 3;
const CACHED: usize = 4;
const RESERVED: usize = 5;
const NR_INODES: usize = 6;
const PERSISTENT_RESERVED: usize = 7;

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
    node_sectors: u16,
    /// In the order of the usage's words; those of the table's entries follow.
    sums: Vec<u64>,
    counted: bool,
    /// By the set's hash. No set is 0.
    known: [Known; 16],
}

impl<'h> Plain<'h> {
    /// With the table that the host has now; `None` where the host counts all keys.
    ///
    /// # Errors
    /// When memory is short.
    pub(super) fn new<H: Host + ?Sized>(host: &'h H) -> Result<Option<Self>> {
        let Some(lent) = host.counters()? else { return Ok(None) };
        let mut sums = Vec::new();
        let nr = lent.replicas.len().saturating_add(FS_USAGE_U64S);
        sums.try_reserve_exact(nr)?;
        sums.extend(core::iter::repeat_n(0, nr));
        Ok(Some(Self {
            replicas: lent.replicas,
            node_sectors: lent.btree_node_size,
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
            if version > key_version || !self.count(devices, raw.type_(), size, raw.value()) {
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
        // Most keys are extents with a lone pointer.
        if let Some((ptr, sectors)) = lone_sectors(type_, size, v) {
            return self.pointer(devices, ptr, sectors, DataType::USER);
        }
        match references(type_, size, v, self.node_sectors) {
            References::Pointers(pointers) => self.pointers(devices, pointers),
            References::Inode => {
                self.add(NR_INODES, 1);
                true
            }
            References::Reservation(Some(r)) => {
                let sectors = u64::from(size).wrapping_mul(u64::from(r.replicas));
                self.add(RESERVED, sectors);
                self.add(PERSISTENT_RESERVED.wrapping_add(r.level()), sectors);
                true
            }
            References::Stripe(_) | References::Unknown | References::Reservation(None) => false,
            // Alloc keys are not counted by mark and sweep.
            References::Nothing | References::BucketState => true,
        }
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
        value: PointerValue<'_>,
    ) -> bool {
        let data_type = value.holds();
        let Some(counts) = self.look(devices, value) else { return false };
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
        value: PointerValue<'_>,
    ) -> Option<Counts<'a>> {
        let mut pointers = value.iter();
        let mut counts = Counts::new();
        for p in &mut pointers {
            let on_disk = p.sectors().ok()?;
            counts.push(find(devices, p.ptr, p.ptr.cached(), on_disk, p.holds)?)?;
            let on_disk = u64::from(on_disk);
            match p.counts_in {
                CountsIn::Cached => {
                    let word = self.word_of(one_on(DataType::CACHED, p.ptr.dev()))?;
                    counts.push_cached(word, on_disk)?;
                }
                CountsIn::OwnSet => {
                    counts.push_dev(p.ptr.dev())?;
                    counts.dirty = counts.dirty.wrapping_add(on_disk);
                }
                // Pointers into stripes count in the stripe too.
                CountsIn::Stripe(_) => return None,
            }
        }
        pointers.rest().is_empty().then_some(counts)
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
        let word = index.checked_add(FS_USAGE_U64S)?;
        if let Some(known) = self.known.get_mut(slot) {
            *known = Known { set, word };
        }
        Some(word)
    }
}
