// SPDX-License-Identifier: GPL-2.0-only
//! Counting one key (facts: docs/facts/v1/check-allocations.md 4 and 6).

use super::pointers::{gen_cmp, go_together, pointer_type};
use super::reflink::Range;
use super::stripes::Counted;
use super::{Ended, Run};
use crate::alloc::Alloc;
use crate::counter::Counter;
use crate::entries::{Entries, Entry, Pointer, Reconcile, Stripe, pointers};
use crate::error_ids::ErrorId;
use crate::paths::Paths;
use crate::report::Outcome;
use crate::superblock::NO_DEVICE;
use crate::tables::{self, DataType, btree_row};
use crate::text::indented;
use crate::valid::Place;
use crate::walk::Key;
use gc_core::bkey::KeyRef;
use gc_core::layout::bits::{from16, low8, low32};

/// Most times that a key is looked at again after it was repaired.
const ATTEMPTS: usize = 64;

/// A number as the counters have them.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Run<'_> {
    /// Checks a key, repairs it in memory as the tool does, and counts it.
    pub(super) fn count(&mut self, place: Place, key: KeyRef<'_>) {
        if self.recount.ended.is_some() {
            return;
        }
        let mut current = Key::of(key);
        for _ in 0..ATTEMPTS {
            self.check_version(place, current.as_ref());
            self.check_bitmap(place, current.as_ref());
            let repaired = match current.k.type_.0 {
                tables::BTREE_PTR
                | tables::BTREE_PTR_V2
                | tables::EXTENT
                | tables::REFLINK_V
                | tables::STRIPE => self.check_pointers(place, current.as_ref()),
                tables::REFLINK_P => self.check_reflink(current.as_ref()),
                _ => None,
            };
            match repaired {
                Some(repaired) if repaired != current => current = repaired,
                _ => break,
            }
        }
        self.tally(place, current.as_ref());
        self.trigger(place, current.as_ref());
    }

    fn check_version(&mut self, place: Place, key: KeyRef<'_>) {
        let version = key.k.version.lo;
        if place.btree == tables::ACCOUNTING_BTREE || version <= self.recount.key_version {
            return;
        }
        let text = format!(
            "key version number higher than recorded {}\n{}",
            self.recount.key_version,
            self.text(key)
        );
        self.found(ErrorId::BKEY_VERSION_IN_FUTURE, text);
    }

    /// Whether a node lies where its member says that nodes may lie.
    fn check_bitmap(&mut self, place: Place, key: KeyRef<'_>) {
        if place.level == 0 {
            return;
        }
        let fs = self.fs;
        let lengths = |type_| fs.sb.extent_type_u64s(type_);
        let sectors = from16(fs.node_sectors());
        let mut missing = false;
        for p in pointers(key, &lengths) {
            let dev = p.ptr.dev();
            let Some(member) = fs.member(dev) else { continue };
            let Some(bits) = self.recount.bitmaps.get_mut(usize::from(dev)) else { continue };
            let shift = u32::from(member.bitmap_shift);
            let (start, end) = (p.ptr.offset(), p.ptr.offset().saturating_add(sectors));
            let mut at = start.wrapping_shr(shift);
            let beyond = 64_u64.checked_shl(shift).unwrap_or(u64::MAX);
            if end > beyond {
                missing = true;
                continue;
            }
            while at.checked_shl(shift).is_some_and(|s| s < end) && at < 64 {
                let bit = 1_u64.wrapping_shl(low32(at));
                missing |= *bits & bit == 0;
                *bits |= bit;
                at = at.saturating_add(1);
            }
        }
        if missing {
            let text = format!(
                "btree ptr not marked in member info btree allocated bitmap\n{}",
                self.text(key)
            );
            self.found(ErrorId::BTREE_BITMAP_NOT_MARKED, text);
        }
    }

    /// Whether a reflink pointer leads to indirect extents all over; as the tool repairs it,
    /// the last piece of it.
    fn check_reflink(&mut self, key: KeyRef<'_>) -> Option<Key> {
        let p = Reflink::of(key)?;
        if p.error {
            return None;
        }
        let mut probe = core::mem::take(&mut self.recount.reflink);
        let before: Vec<u64> = probe.all().iter().map(|i| i.counted_by_tool).collect();
        let missing = probe.refer_as_tool(p.range());
        probe.restore(&before);
        self.recount.reflink = probe;
        let mut last = None;
        for hole in missing {
            let text = self.missing_indirect(key, &p, &hole);
            self.found(ErrorId::REFLINK_P_TO_MISSING_REFLINK_V, text);
            self.damaged(key, ErrorId::REFLINK_P_TO_MISSING_REFLINK_V);
            last = Some(hole);
        }
        Some(p.repaired(key, &last?))
    }

    /// What the tool says of a part of a reflink pointer that leads nowhere.
    fn missing_indirect(&mut self, key: KeyRef<'_>, p: &Reflink, hole: &Range) -> String {
        let (fs, recovered) = (self.fs, self.recovered);
        let paths = self.recount.paths.get_or_insert_with(|| Paths::read(fs, recovered));
        let path = paths.of({ key.k.p }.inode);
        // The pointer's start may be behind that of the hole.
        let start = key.k.start_offset().wrapping_add(hole.start.wrapping_sub(p.idx));
        let end = start.wrapping_add(hole.end.wrapping_sub(hole.start));
        format!(
            "pointer to missing indirect extent in {path} offset {}-{}\n{}\nmissing reflink btree range {}-{}",
            start.wrapping_shl(9),
            end.wrapping_shl(9),
            self.text(key),
            hole.start,
            hole.end
        )
    }

    fn trigger(&mut self, place: Place, key: KeyRef<'_>) {
        let type_ = key.k.type_.0;
        let p = key.k.p;
        let snapshot = (place.level == 0 && p.snapshot != 0).then_some(p.snapshot);
        match type_ {
            tables::BTREE_PTR | tables::BTREE_PTR_V2 if key.v.is_empty() => {}
            tables::BTREE_PTR | tables::BTREE_PTR_V2 | tables::EXTENT | tables::REFLINK_V => {
                self.extent(place, key);
                self.reconcile_entries(place, key);
            }
            tables::RESERVATION => {
                let nr = low8(key.v.first().copied().unwrap_or(0) >> 32);
                let size = i64::from(key.k.size);
                self.add(Counter::reserved(nr), [size, 0, 0]);
                if let Some(id) = snapshot {
                    let bytes = bytes_of(key);
                    let sectors = size.saturating_mul(i64::from(nr));
                    self.add(Counter::snapshot(id, place.btree), [1, bytes, sectors]);
                }
            }
            tables::INODE | tables::INODE_V2 | tables::INODE_V3 => {
                self.add(Counter::inodes(), [1, 0, 0]);
            }
            tables::ALLOC | tables::ALLOC_V2 | tables::ALLOC_V3 | tables::ALLOC_V4 => {
                self.alloc(key);
            }
            tables::STRIPE => self.stripe(key),
            tables::REFLINK_P => {
                if let Some(pointer) = Reflink::of(key) {
                    self.recount.reflink.refer_as_tool(pointer.range());
                    self.recount.reflink.refer(pointer.range());
                }
            }
            _ => {}
        }
        let of_snapshots = btree_row(place.btree).is_some_and(|r| r.snapshots);
        let other = !matches!(
            type_,
            tables::DELETED
                | tables::WHITEOUT
                | tables::EXTENT_WHITEOUT
                | tables::EXTENT
                | tables::RESERVATION
        );
        if let (true, true, Some(id)) = (of_snapshots, other, snapshot) {
            self.add(Counter::snapshot(id, place.btree), [1, bytes_of(key), 0]);
        }
    }

    fn alloc(&mut self, key: KeyRef<'_>) {
        let p = key.k.p;
        let Ok(alloc) = Alloc::of(key) else { return };
        self.recount.stored.alloc.insert((p.inode, p.offset), alloc);
        let dev = u8::try_from(p.inode).ok();
        let has = dev.and_then(|dev| self.fs.member(dev)).is_some_and(|m| m.has(p.offset));
        let bucket = dev.filter(|_| has).and_then(|dev| self.bucket(dev, p.offset));
        match bucket {
            Some(b) => b.set_gen(alloc.gen_),
            None => {
                let text = format!("reference to invalid bucket\n{p:?}");
                self.recount.ended = Some(Ended(text));
            }
        }
    }

    /// Counts a pointer in its bucket. `false` where it counts nothing: it is stale, and
    /// cached.
    fn pointer(&mut self, place: Place, p: &Pointer, sectors: u64, key: KeyRef<'_>) -> bool {
        let (ptr, dev) = (p.ptr, p.ptr.dev());
        if dev == NO_DEVICE {
            return true;
        }
        let node = place.level > 0;
        let data_type = pointer_type(node, p);
        let Some(member) = self.fs.member(dev) else { return true };
        let bucket = member.bucket_of(ptr.offset());
        if !member.has(bucket) {
            let text = format!("reference to invalid bucket on device {dev}\n{:?}", { key.k.p });
            self.recount.ended = Some(Ended(text));
            return true;
        }
        let no_stale = self.recount.no_stale_ptrs;
        let Some(b) = self.bucket(dev, bucket) else { return true };
        if ptr.cached() && gen_cmp(b.gen_, ptr.gen_()) > 0 {
            if no_stale {
                self.recount.no_stale_ptrs = false;
                let text =
                    format!("stale cached ptr, but have no_stale_ptrs feature\n{}", self.text(key));
                self.found(ErrorId::STALE_PTR_WITH_NO_STALE_PTRS_FEATURE, text);
            }
            return false;
        }
        let had = b.data_type();
        let mut told = None;
        if !go_together(had, data_type) {
            told = Some((b.gen_, had));
            b.set_data_type(DataType::MULTIPLE);
        }
        let field = match (p.stripe.is_some(), ptr.cached()) {
            (true, _) => &mut b.stripe,
            (false, true) => &mut b.cached,
            (false, false) => &mut b.dirty,
        };
        let sum = u64::from(*field).saturating_add(sectors);
        *field = u32::try_from(sum).unwrap_or(u32::MAX);
        let hint = match b.data_type() {
            DataType::MULTIPLE => DataType::MULTIPLE,
            _ => data_type,
        };
        let state = b.as_alloc(&Alloc::default()).state(hint);
        b.set_data_type(state);
        if let Some((gen_, had)) = told {
            let text = format!(
                "bucket {dev}:{bucket} gen {gen_} different types of data in same bucket: {}, {}\n  while marking {}\n  ",
                had.name(),
                data_type.name(),
                indented(&self.text(key), 2)
            );
            self.report.add(ErrorId::PTR_BUCKET_DATA_TYPE_MISMATCH, Outcome::Counted, text);
        }
        true
    }

    fn extent(&mut self, place: Place, key: KeyRef<'_>) {
        let fs = self.fs;
        let lengths = |type_| fs.sb.extent_type_u64s(type_);
        let node = place.level > 0;
        let node_sectors = from16(fs.node_sectors());
        let (mut sum, mut devs, mut required) = (0_u64, Vec::new(), 1);
        let mut compression = Compression::default();
        for p in pointers(key, &lengths) {
            let sectors = if node { node_sectors } else { p.on_disk(key.k.size) };
            if !self.pointer(place, &p, sectors, key) {
                continue;
            }
            if self.recount.ended.is_some() {
                return;
            }
            if p.ptr.cached() {
                let counter = Counter::replicas(DataType::CACHED, 1, &[p.ptr.dev()]);
                if let Some(counter) = counter {
                    self.add(counter, [signed(sectors), 0, 0]);
                }
            } else if let Some(entry) = p.stripe {
                self.in_stripe(entry, &p, sectors, key);
                required = 0;
            } else {
                sum = sum.saturating_add(sectors);
                devs.push(p.ptr.dev());
            }
            if let Some((type_, values)) = compression.next(&p) {
                self.add(Counter::compression(type_), values);
            }
        }
        if !devs.is_empty() {
            let data_type = if node { DataType::BTREE } else { DataType::USER };
            if let Some(counter) = Counter::replicas(data_type, required, &devs) {
                self.add(counter, [signed(sum), 0, 0]);
            }
        }
        if let Some((type_, values)) = compression.end() {
            self.add(Counter::compression(type_), values);
        }
        let p = key.k.p;
        if node {
            let interior = i64::from(place.level > 1);
            self.add(Counter::btree(place.btree), [signed(sum), 1, interior]);
            return;
        }
        if p.snapshot != 0 {
            let values = [1, bytes_of(key), signed(sum)];
            self.add(Counter::snapshot(p.snapshot, place.btree), values);
        }
        let values = [1, i64::from(key.k.size), signed(sum)];
        super::add(self.recount.inodes.entry(p.inode).or_default(), values);
    }

    /// Counts data in the block of its stripe.
    fn in_stripe(
        &mut self,
        entry: crate::entries::StripePtr,
        p: &Pointer,
        sectors: u64,
        key: KeyRef<'_>,
    ) {
        let idx = entry.idx();
        let found = self.recount.stripes.get_mut(&idx).filter(|s| s.holds(entry, p.ptr));
        let Some(stripe) = found else {
            let text = format!(
                "extent doesn't match stripe {idx}, not updating stripe block accounting\n    while marking {}\n  ",
                indented(&self.text(key), 2)
            );
            self.report.add(ErrorId::STRIPE_UPDATE_STALE_STRIPE_PTR, Outcome::Counted, text);
            return;
        };
        if let Some(count) = stripe.counts.get_mut(usize::from(entry.block())) {
            *count = count.saturating_add(sectors);
        }
        if let Some(counter) = stripe.replicas(DataType::USER) {
            self.add(counter, [signed(sectors), 0, 0]);
        }
    }

    fn reconcile_entries(&mut self, place: Place, key: KeyRef<'_>) {
        let fs = self.fs;
        let lengths = |type_| fs.sb.extent_type_u64s(type_);
        let found = Entries::of(key, &lengths).find_map(|(entry, _)| match entry {
            Entry::Reconcile(r) => Some(r),
            _ => None,
        });
        let Some(r) = found else { return };
        let node = place.level > 0;
        let node_sectors = from16(fs.node_sectors());
        let values = match node {
            true => [0, signed(node_sectors), 0],
            false => [i64::from(key.k.size), 0, 0],
        };
        for reason in reasons(r) {
            self.add(Counter::reconcile_work(reason), values);
        }
        if r.pending() {
            return;
        }
        for (i, p) in (0_u32..).zip(pointers(key, &lengths)) {
            if r.ptrs_moving().wrapping_shr(i) & 1 == 0 || i >= 5 {
                continue;
            }
            let sectors = if node { node_sectors } else { u64::from(p.crc.compressed_size) };
            self.add(Counter::dev_leaving(p.ptr.dev()), [signed(sectors), 0, 0]);
        }
    }

    fn stripe(&mut self, key: KeyRef<'_>) {
        let Some(stripe) = Stripe::of(key.v) else { return };
        if stripe.csum_type >= crate::checksum::NR {
            let text = "stripe has unknown checksum type".into();
            self.recount.ended = Some(Ended(text));
            return;
        }
        let sectors = u64::from(stripe.sectors);
        if stripe.needs_reconcile {
            let all = sectors.saturating_mul(u64::from(stripe.nr_blocks));
            self.add(Counter::reconcile_work(7), [signed(all), 0, 0]);
        }
        for (i, ptr) in stripe.ptrs.iter().enumerate() {
            let (dev, parity) = (ptr.dev(), i >= usize::from(stripe.nr_data()));
            if dev == NO_DEVICE {
                continue;
            }
            let member = self.fs.member(dev);
            let bucket = member.map_or(u64::MAX, |m| m.bucket_of(ptr.offset()));
            let has = member.is_some_and(|m| m.has(bucket));
            let b = if has { self.bucket(dev, bucket) } else { None };
            let Some(b) = b else {
                let text = format!("reference to invalid bucket on device {dev}");
                self.recount.ended = Some(Ended(text));
                return;
            };
            b.stripe_refs = b.stripe_refs.saturating_add(1);
            let data_type = if parity { DataType::PARITY } else { DataType::STRIPE };
            if parity {
                let sum = u64::from(b.dirty).saturating_add(sectors);
                b.dirty = u32::try_from(sum).unwrap_or(u32::MAX);
            }
            let had = b.data_type();
            let new = if go_together(had, data_type) { data_type } else { DataType::MULTIPLE };
            b.set_data_type(new);
        }
        let redundant = sectors.saturating_mul(u64::from(stripe.nr_redundant));
        let counted = Counted::new(stripe, Key::of(key));
        if let Some(counter) = counted.replicas(DataType::PARITY) {
            self.add(counter, [signed(redundant), 0, 0]);
        }
        self.recount.stripes.insert({ key.k.p }.offset, counted);
    }
}

/// Why an extent waits: numbers of the counters.
fn reasons(r: Reconcile) -> Vec<u8> {
    let mut all: Vec<u8> =
        (0..5).filter(|i| r.need_rb().wrapping_shr(u32::from(*i)) & 1 != 0).collect();
    if r.pending() {
        all.retain(|i| *i != 0 && *i != 4);
        all.push(6);
    } else if r.hipri() {
        all.push(5);
    }
    all
}

/// Bytes of a key, unpacked, with its value.
fn bytes_of(key: KeyRef<'_>) -> i64 {
    signed(gc_disk::bytes::number(key.v.len()).saturating_add(5).saturating_mul(8))
}

/// Sizes of runs of pointers with the same compression.
#[derive(Default)]
struct Compression {
    type_: u8,
    whole: u64,
    compressed: u64,
}

impl Compression {
    fn next(&mut self, p: &Pointer) -> Option<(u8, [i64; 3])> {
        let type_ = p.crc.compression_type.0;
        let ended = if type_ == self.type_ { None } else { self.end() };
        self.type_ = type_;
        if type_ != 0 {
            self.whole = self.whole.saturating_add(u64::from(p.crc.uncompressed_size));
            self.compressed = self.compressed.saturating_add(u64::from(p.crc.compressed_size));
        }
        ended
    }

    fn end(&mut self) -> Option<(u8, [i64; 3])> {
        let run = core::mem::take(self);
        (run.type_ != 0).then(|| (run.type_, [1, signed(run.whole), signed(run.compressed)]))
    }
}

/// A pointer to indirect extents.
struct Reflink {
    idx: u64,
    size: u64,
    front_pad: u64,
    back_pad: u64,
    error: bool,
}

const IDX: u64 = (1 << 56) - 1;
const ERROR: u64 = 1 << 56;

impl Reflink {
    fn of(key: KeyRef<'_>) -> Option<Self> {
        let [word, pads, ..] = key.v else { return None };
        Some(Self {
            idx: word & IDX,
            size: u64::from(key.k.size),
            front_pad: pads & 0xffff_ffff,
            back_pad: pads >> 32,
            error: word & ERROR != 0,
        })
    }

    /// What it refers to.
    fn range(&self) -> core::ops::Range<u64> {
        let start = self.idx.saturating_sub(self.front_pad);
        let end = self.idx.saturating_add(self.size).saturating_add(self.back_pad);
        start..end
    }

    /// The piece of it with which the tool goes on after it has repaired a hole.
    fn repaired(&self, key: KeyRef<'_>, hole: &core::ops::Range<u64>) -> Key {
        let mut new = Key::of(key);
        let live = self.idx..self.idx.saturating_add(self.size);
        let [word, pads, ..] = new.v.as_mut_slice() else { return new };
        if hole.end <= live.start {
            let front = live.start.saturating_sub(hole.end);
            *pads = (*pads & !0xffff_ffff) | (front & 0xffff_ffff);
        } else if hole.start >= live.end {
            let back = hole.start.saturating_sub(live.end);
            *pads = (*pads & 0xffff_ffff) | back << 32;
        } else if hole.end >= live.end {
            // The end itself is missing.
            let start = hole.start.max(live.start);
            new.k.size = low32(live.end.saturating_sub(start));
            *word = (*word & !IDX) | (start & IDX) | ERROR;
        } else {
            new.k.size = low32(live.end.saturating_sub(hole.end));
            *word = (*word & !IDX) | (hole.end & IDX);
        }
        new
    }
}
