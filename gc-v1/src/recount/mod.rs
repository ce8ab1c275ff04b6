// SPDX-License-Identifier: GPL-2.0-only
//! Recounting what every bucket, counter, stripe and indirect extent should be, from the
//! keys that refer to them (facts: docs/facts/v1/check-allocations.md 1 to 6).

pub mod buckets;
mod counting;
mod pointers;
pub mod reflink;
mod repair;
pub mod stripes;

use crate::alloc::Alloc;
use crate::counter::{Counter, Values, kind, values_of};
use crate::error_ids::ErrorId;
use crate::fs::Fs;
use crate::journal::Recovered;
use crate::node::Node;
use crate::paths::Paths;
use crate::report::{Outcome, Report};
use crate::superblock::{LAYOUT_SECTOR, NO_DEVICE, SB_SECTOR};
use crate::tables::{
    self, ACCOUNTING_BTREE, ALLOC_BTREE, BTREES, BUCKET_GENS_BTREE, DAMAGE_BTREE, DataType,
    REFLINK, SNAPSHOTS, STRIPES,
};
use crate::text::Printer;
use crate::valid::Place;
use crate::walk::{self, Key, Lost, Visitor, Walk};
use buckets::Table;
use gc_core::bkey::KeyRef;
use gc_core::layout::bits::{from8, low8};
use gc_core::layout::{Bkey, Bpos, KeyType};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use stripes::Counted;

/// Why the pass ended before all was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended(pub String);

/// Keys of a level that were counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Level {
    /// Their number.
    pub keys: u64,
    /// Their length together, unpacked, in u64s.
    pub u64s: u64,
    /// A sum over them.
    pub digest: u64,
    /// Their number by type.
    pub types: BTreeMap<u8, u64>,
}

/// What is stored: keys of the btrees that hold counts, the journal laid over them.
#[derive(Debug, Default)]
pub struct Stored {
    /// Buckets by member and number.
    pub alloc: BTreeMap<(u64, u64), Alloc>,
    /// Counters but those of inodes.
    pub counters: BTreeMap<Counter, Values>,
    /// Counters of inodes.
    pub inodes: BTreeMap<u64, Values>,
    /// Generations that are not 0, by member and bucket.
    pub gens: BTreeMap<(u64, u64), u8>,
}

/// What was counted.
#[derive(Debug)]
pub struct Recount {
    /// Buckets of each member by its index.
    pub tables: Vec<Option<Table>>,
    /// Counters; those of devices and data types follow from the buckets.
    pub counters: HashMap<Counter, Values>,
    /// Extents, sizes and sectors by inode.
    pub inodes: BTreeMap<u64, Values>,
    /// Stripes by number.
    pub stripes: BTreeMap<u64, Counted>,
    /// Indirect extents.
    pub reflink: reflink::Table,
    /// Keys by btree and level.
    pub levels: BTreeMap<(u8, u8), Level>,
    /// What is stored.
    pub stored: Stored,
    /// Nodes that no copy gives.
    pub lost: Vec<Lost>,
    /// Why not everything was counted.
    pub ended: Option<Ended>,
    /// Copies of nodes that are not good: member, place, reason.
    pub bad_copies: Vec<(u8, Place, String)>,
    /// Nodes whose checksum is wrong on every copy.
    pub unverified: Vec<(Place, Key)>,
    /// The highest key version that is recorded.
    key_version: u64,
    /// Places of members where nodes may lie, by index.
    bitmaps: Vec<u64>,
    /// Errors of inodes, as the tool writes them to the damage btree.
    damage: BTreeMap<(u64, u32), BTreeSet<ErrorId>>,
    /// There are no stale cached pointers, by a compat bit.
    no_stale_ptrs: bool,
    /// Names of inodes, once they were needed.
    paths: Option<Paths>,
}

/// Errors that the tool does not tell once a node is lost.
const SILENT_AFTER_LOSS: [ErrorId; 3] = [
    ErrorId::ACCOUNTING_MISMATCH,
    ErrorId::ALLOC_KEY_DATA_TYPE_WRONG,
    ErrorId::ALLOC_KEY_DIRTY_SECTORS_WRONG,
];
/// Errors that it does not tell, besides, once a node of the alloc btree is lost.
const SILENT_AFTER_LOSS_OF_ALLOC: [ErrorId; 3] = [
    ErrorId::ALLOC_KEY_GEN_WRONG,
    ErrorId::ALLOC_KEY_CACHED_SECTORS_WRONG,
    ErrorId::ALLOC_KEY_STRIPE_WRONG,
];

/// Counts everything. Where nodes are lost that are no roots, all is counted a second time
/// from what is left, as the tool does.
#[must_use]
pub fn recount(fs: &Fs, recovered: &Recovered, report: &mut Report) -> Recount {
    let first = run(fs, recovered, report, HashSet::new());
    let root = |l: &Lost| {
        let root = recovered.roots.get(&l.place.btree);
        root.is_some_and(|r| r.level == l.place.level)
    };
    let lossy: HashSet<u8> =
        first.lost.iter().filter(|l| !root(l)).map(|l| l.place.btree).collect();
    if lossy.is_empty() {
        return first;
    }
    report.found.retain(|found| !found.in_pass);
    run(fs, recovered, report, lossy)
}

fn run(fs: &Fs, recovered: &Recovered, report: &mut Report, lossy: HashSet<u8>) -> Recount {
    let members = |d: &Option<crate::fs::Device>| d.as_ref().map(|d| Table::new(&d.member));
    let bitmaps = |d: &Option<crate::fs::Device>| d.as_ref().map_or(0, |d| d.member.bitmap);
    let stale = fs.sb.compat().wrapping_shr(crate::superblock::COMPAT_NO_STALE_PTRS) & 1 != 0;
    let recount = Recount {
        tables: fs.devices.iter().map(members).collect(),
        counters: HashMap::new(),
        inodes: BTreeMap::new(),
        stripes: BTreeMap::new(),
        reflink: reflink::Table::default(),
        levels: BTreeMap::new(),
        stored: Stored::default(),
        lost: Vec::new(),
        ended: None,
        bad_copies: Vec::new(),
        unverified: Vec::new(),
        key_version: recovered.key_version,
        bitmaps: fs.devices.iter().map(bitmaps).collect(),
        damage: BTreeMap::new(),
        no_stale_ptrs: stale,
        paths: None,
    };
    let mut run =
        Run { fs, recovered, report, recount, told: HashSet::new(), mode: Mode::Stored, lossy };
    run.before_the_pass();
    run.report.in_pass = true;
    run.pass();
    run.report.in_pass = false;
    run.recount
}

/// What is done with the keys of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// What is stored in them is taken.
    Stored,
    /// Indirect extents are listed.
    Reflink,
    /// They are checked and counted.
    Count,
}

struct Run<'a> {
    fs: &'a Fs,
    recovered: &'a Recovered,
    report: &'a mut Report,
    recount: Recount,
    /// Nodes whose problems were told, by their pointers.
    told: HashSet<(Place, Vec<u64>)>,
    mode: Mode,
    /// Btrees that have lost nodes.
    lossy: HashSet<u8>,
}

impl Visitor for Run<'_> {
    fn node(&mut self, place: Place, key: KeyRef<'_>, node: &Node) {
        if node.problems.is_empty() && node.dropped.is_empty() && node.bad_copies.is_empty() {
            return;
        }
        if !self.told.insert((place, key.v.to_vec())) {
            return;
        }
        for (dev, (_, reason)) in &node.bad_copies {
            self.recount.bad_copies.push((*dev, place, reason.clone()));
        }
        if node.unverified {
            self.recount.unverified.push((place, Key::of(key)));
        }
        for (id, text) in &node.dropped {
            let name = tables::btree_name(u32::from(place.btree));
            let text = format!(
                "invalid bkey in btree_node btree={name} level={}: {text}, delete?",
                place.level
            );
            self.report.add(*id, Outcome::Fixed, text);
        }
    }

    fn lost(&mut self, lost: Lost) {
        if self.told.insert((lost.place, lost.key.v.clone())) {
            let silent = &mut self.report.silent;
            silent.extend(SILENT_AFTER_LOSS);
            if lost.place.btree == ALLOC_BTREE {
                silent.extend(SILENT_AFTER_LOSS_OF_ALLOC);
            }
            self.recount.lost.push(lost);
        }
    }

    fn key(&mut self, place: Place, key: KeyRef<'_>) {
        match self.mode {
            Mode::Stored => self.stored(place, key),
            Mode::Reflink if place.level == 0 => self.recount.reflink.add(key),
            Mode::Reflink => {}
            Mode::Count => self.count(place, key),
        }
    }
}

impl Run<'_> {
    fn walk(&mut self, mode: Mode, btree: u8) {
        self.mode = mode;
        let (fs, recovered) = (self.fs, self.recovered);
        let mend = self.lossy.contains(&btree);
        Walk::run_mending(fs, recovered, btree, mend, self);
    }

    /// Reads what a mount reads before the pass.
    fn before_the_pass(&mut self) {
        for (&btree, root) in &self.recovered.roots {
            let Some((k, v)) = &root.key else { continue };
            let place = Place { btree, level: root.level };
            let key = KeyRef::new(k, v);
            match crate::node::read(self.fs, self.recovered, key, place) {
                Ok(node) => self.node(place, key, &node),
                Err(copies) => {
                    let name = tables::btree_name(u32::from(btree));
                    let text = format!("error reading btree root {name}");
                    self.report.add(ErrorId::BTREE_ROOT_READ_ERROR, Outcome::Fixed, text);
                    self.lost(Lost { place, key: Key::of(key), copies });
                }
            }
        }
        self.counters_stored();
        self.walk(Mode::Stored, BUCKET_GENS_BTREE);
        self.walk(Mode::Stored, SNAPSHOTS);
    }

    /// Counters as stored: keys of the btree and the deltas of the journal.
    fn counters_stored(&mut self) {
        let mut leaves = Leaves { run: self, fs_nodes: Vec::new() };
        let (fs, recovered) = (leaves.run.fs, leaves.run.recovered);
        Walk::run(fs, recovered, ACCOUNTING_BTREE, &mut leaves);
        let mut nodes = leaves.fs_nodes;
        if !nodes.iter().any(|(level, _)| *level == 0) {
            // No leaf: deltas may lie in the journal all the same.
            nodes.push((0, Node::empty()));
        }
        for (_, node) in nodes.iter().filter(|(level, _)| *level == 0) {
            walk::with_deltas(recovered, node, &mut |key, deltas| {
                let p = key.map_or_else(|| deltas.first().map(|j| j.k.p), |key| Some(key.k.p));
                let Some(p) = p else { return };
                let counter = Counter::at(p);
                let mut values = key.map_or([0; 3], |key| values_of(key.v));
                for delta in walk::newer(key, deltas) {
                    add(&mut values, values_of(&delta.v));
                }
                if counter.kind() == kind::INUM {
                    self.recount.stored.inodes.insert(counter.inode(), values);
                } else if counter.kind() < kind::NR {
                    self.recount.stored.counters.insert(counter, values);
                }
            });
        }
        self.counters_checked();
    }

    /// What the tool checks of counters when it reads them: those of devices that are not
    /// there go.
    fn counters_checked(&mut self) {
        let fs = self.fs;
        let invalid = |dev: &u32| {
            *dev != u32::from(NO_DEVICE)
                && u8::try_from(*dev).ok().and_then(|dev| fs.member(dev)).is_none()
        };
        let listed: Vec<Counter> = fs
            .sb
            .replicas()
            .iter()
            .filter_map(|(t, required, devs)| Counter::replicas(DataType(*t), *required, devs))
            .collect();
        let report = &mut *self.report;
        let mut underflow = String::new();
        self.recount.stored.counters.retain(|counter, values| {
            if values.iter().all(|v| *v == 0) {
                return true;
            }
            let name = counter.name(&|dev| crate::compare::device_name(fs, dev));
            if let Some(dev) = counter.devices().iter().find(|dev| invalid(dev)) {
                let text = format!("accounting entry points to invalid device {dev}\n{name}");
                report.add(ErrorId::ACCOUNTING_TO_INVALID_DEVICE, Outcome::Ignored, text);
                return false;
            }
            let [kind, data_type, ..] = counter.0;
            let needs = DataType(data_type) <= DataType::BTREE || fs.lists_user_replicas();
            let needs = needs && DataType(data_type) != DataType::CACHED;
            if kind == kind::REPLICAS && needs && !listed.contains(counter) {
                let text = format!("accounting not marked in superblock replicas\n{name}");
                report.add(ErrorId::ACCOUNTING_REPLICAS_NOT_MARKED, Outcome::Fixed, text);
            }
            if values.iter().any(|v| *v < 0) {
                let shown = values.iter().take(counter.values()).map(ToString::to_string);
                let shown: Vec<String> = shown.collect();
                let one = format!("Accounting underflow for\n  {name} {}\n  ", shown.join(" "));
                // The tool looks at each twice.
                let again = if underflow.is_empty() { "" } else { one.as_str() };
                underflow.push_str(&format!("{one}{again}"));
            }
            true
        });
        if !underflow.is_empty() {
            report.add(ErrorId::ACCOUNTING_KEY_UNDERFLOW, Outcome::Counted, underflow);
        }
    }

    fn stored(&mut self, place: Place, key: KeyRef<'_>) {
        let p = key.k.p;
        if place != (Place { btree: BUCKET_GENS_BTREE, level: 0 }) {
            return;
        }
        if key.k.type_.0 != tables::BUCKET_GENS {
            return;
        }
        let gens = key.v.iter().flat_map(|w| w.to_le_bytes());
        let first = p.offset.saturating_mul(256);
        for (bucket, gen_) in (first..).zip(gens).filter(|(_, gen_)| *gen_ != 0) {
            self.recount.stored.gens.insert((p.inode, bucket), gen_);
        }
    }

    fn pass(&mut self) {
        self.walk(Mode::Reflink, REFLINK);
        self.superblocks();
        let order = [ALLOC_BTREE, STRIPES];
        let rest = (0..BTREES).filter(|id| !order.contains(id));
        let unknown = self.recovered.roots.keys().copied().filter(|id| *id >= BTREES);
        let all: Vec<u8> = order.into_iter().chain(rest).chain(unknown).collect();
        for btree in all {
            if self.recount.ended.is_some() {
                return;
            }
            self.walk(Mode::Count, btree);
            match btree {
                ACCOUNTING_BTREE => self.damage_counters(),
                DAMAGE_BTREE => self.damage_keys(),
                _ => {}
            }
        }
    }

    /// Superblocks and journal of the members that are at hand.
    fn superblocks(&mut self) {
        for (dev, device) in self.fs.members() {
            let Some(online) = &device.online else { continue };
            let layout = &online.sb.head().layout;
            let sectors = layout.max_sectors();
            let size = u64::from(device.member.bucket_size);
            // Consecutive pieces of a bucket are one.
            let mut pieces: Vec<(u64, u64)> = Vec::new();
            let mut range = |start: u64, end: u64| {
                let mut at = start;
                while at < end {
                    let bucket = device.member.bucket_of(at);
                    let next = bucket.saturating_add(1).saturating_mul(size).min(end);
                    let nr = next.saturating_sub(at);
                    match pieces.last_mut() {
                        Some((last, sum)) if *last == bucket => *sum = sum.saturating_add(nr),
                        _ => pieces.push((bucket, nr)),
                    }
                    at = next;
                }
            };
            for offset in layout.offsets() {
                if offset == SB_SECTOR {
                    range(0, SB_SECTOR.max(LAYOUT_SECTOR));
                }
                range(offset, offset.saturating_add(sectors));
            }
            for (bucket, nr) in pieces {
                self.metadata(dev, bucket, DataType::SB, nr);
            }
            for bucket in &online.journal {
                self.metadata(dev, *bucket, DataType::JOURNAL, size);
            }
        }
    }

    fn metadata(&mut self, dev: u8, bucket: u64, data_type: DataType, sectors: u64) {
        let Some(member) = self.fs.member(dev) else { return };
        if bucket >= member.nbuckets || self.recount.ended.is_some() {
            return;
        }
        let first = member.first_bucket;
        let size = u64::from(member.bucket_size);
        let name = data_type.name();
        if bucket < first {
            let text = format!(
                "reference to invalid bucket on device {dev} when marking metadata type {name}"
            );
            self.recount.ended = Some(Ended(text));
            return;
        }
        let Some(b) = self.bucket(dev, bucket) else { return };
        let had = b.data_type();
        if !had.is_empty() && had != data_type {
            let text = format!("different types of data in same bucket: {}, {name}", had.name());
            self.recount.ended = Some(Ended(text));
            return;
        }
        let sum = u64::from(b.dirty).saturating_add(sectors);
        if sum > size {
            let text = format!("bucket {dev}:{bucket} sector count overflow: {sum} > {size}");
            self.recount.ended = Some(Ended(text));
            return;
        }
        b.set_data_type(data_type);
        b.dirty = gc_core::layout::bits::low32(sum);
    }

    fn bucket(&mut self, dev: u8, bucket: u64) -> Option<&mut buckets::Bucket> {
        self.recount.tables.get_mut(usize::from(dev))?.as_mut()?.at(bucket)
    }

    fn add(&mut self, counter: Counter, values: Values) {
        add(self.recount.counters.entry(counter).or_default(), values);
    }

    /// Counters of the damage keys that the tool writes while it looks at earlier btrees:
    /// seen as keys of the journal where they are new.
    fn damage_counters(&mut self) {
        let snapshots: BTreeSet<u32> =
            self.recount.damage.keys().map(|(_, snapshot)| *snapshot).collect();
        for snapshot in snapshots {
            let counter = Counter::snapshot(snapshot, DAMAGE_BTREE);
            if !self.recount.stored.counters.contains_key(&counter) {
                let mut k = Bkey::new(Bpos::default(), 0);
                k.type_ = KeyType(tables::ACCOUNTING);
                k.u64s = 8;
                let place = Place { btree: ACCOUNTING_BTREE, level: 0 };
                self.tally(place, KeyRef::new(&k, &[0; 3]));
            }
        }
    }

    /// Counts the damage keys themselves, stored and recounted.
    fn damage_keys(&mut self) {
        for ((inode, snapshot), ids) in core::mem::take(&mut self.recount.damage) {
            let words = ids.len().saturating_mul(2);
            let mut k = Bkey::new(Bpos { inode: 0, offset: inode, snapshot }, 0);
            k.type_ = KeyType(tables::DAMAGE);
            k.u64s = low8(gc_disk::bytes::number(words)).saturating_add(5);
            let v: Vec<u64> = ids.iter().flat_map(|id| [u64::from(id.0), 0]).collect();
            let place = Place { btree: DAMAGE_BTREE, level: 0 };
            self.tally(place, KeyRef::new(&k, &v));
            let bytes = i64::from(k.u64s).saturating_mul(8);
            let counter = Counter::snapshot(snapshot, DAMAGE_BTREE);
            self.add(counter, [1, bytes, 0]);
            add(self.recount.stored.counters.entry(counter).or_default(), [1, bytes, 0]);
        }
    }

    /// A key as the tool prints it.
    fn text(&self, key: KeyRef<'_>) -> String {
        Printer { fs: self.fs, gens: &self.recount.stored.gens }.key(key)
    }

    /// Adds a key to the figures of its level.
    fn tally(&mut self, place: Place, key: KeyRef<'_>) {
        let level = self.recount.levels.entry((place.btree, place.level)).or_default();
        level.keys = level.keys.saturating_add(1);
        let u64s = gc_disk::bytes::number(key.v.len()).saturating_add(5);
        level.u64s = level.u64s.saturating_add(u64s);
        level.digest = level.digest.wrapping_add(digest(key));
        let of_type = level.types.entry(key.k.type_.0).or_default();
        *of_type = of_type.saturating_add(1);
    }
}

/// Sums values.
pub(crate) fn add(to: &mut Values, from: Values) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = to.wrapping_add(from);
    }
}

/// A digest of a key: FNV-1a of its type, size, position, version and value, in which a
/// node's address in memory counts as 0.
fn digest(key: KeyRef<'_>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ from8(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    let (k, p, version) = (key.k, key.k.p, key.k.version);
    eat(&[k.type_.0]);
    eat(&k.size.to_le_bytes());
    eat(&{ p.inode }.to_le_bytes());
    eat(&{ p.offset }.to_le_bytes());
    eat(&{ p.snapshot }.to_le_bytes());
    eat(&{ version.hi }.to_le_bytes());
    eat(&{ version.lo }.to_le_bytes());
    for (i, word) in key.v.iter().enumerate() {
        let word = if i == 0 && k.type_.0 == tables::BTREE_PTR_V2 { 0 } else { *word };
        eat(&word.to_le_bytes());
    }
    hash
}

/// Keeps the leaves of a walk.
struct Leaves<'r, 'a> {
    run: &'r mut Run<'a>,
    fs_nodes: Vec<(u8, Node)>,
}

impl Visitor for Leaves<'_, '_> {
    fn node(&mut self, place: Place, key: KeyRef<'_>, node: &Node) {
        self.run.node(place, key, node);
        self.fs_nodes.push((place.level, node.clone()));
    }
    fn lost(&mut self, lost: Lost) {
        self.run.lost(lost);
    }
    fn key(&mut self, _place: Place, _key: KeyRef<'_>) {}
}
